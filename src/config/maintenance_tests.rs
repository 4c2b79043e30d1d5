//! Mistakes in `[[maintenance]]`: each is told with its place, what is wrong, and what to write.

use std::fmt::Write as _;

use crate::config::{Mistakes, Source, read};

fn found(text: &str) -> Mistakes {
    let file = Source { shown: "x.toml".into(), name: "x.toml".into(), text: text.into() };
    Mistakes { all: read(&[file], None, &|_| None, true).1 }
}

/// A whole one: what is wrong takes the place of a line, or is added.
fn planned(changed: &[(&str, &str)], more: &str) -> String {
    let lines =
        [("match", "['service=\"qflow\"']"), ("only", "[\"Sun 02:00-04:00\"]"), ("comment", "\"backups\"")];
    let mut text = "[[maintenance]]\n".to_owned();
    for (key, sound) in lines {
        let value = changed.iter().find(|(name, _)| *name == key).map_or(sound, |(_, value)| *value);
        let _ = writeln!(text, "{key} = {value}");
    }
    text + more
}

#[test]
fn a_whole_one_is_taken() {
    assert_eq!(found(&planned(&[], "timezone = \"Europe/Madrid\"\nchannel = \"#ops\"\n")).all, []);
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_to_write() {
    let one = |key, value| planned(&[(key, value)], "");
    let cases = [
        // Keys.
        (planned(&[], "chanel = \"#ops\"\n"), "x.toml:5:1: mistake: `chanel` is not a key"),
        (planned(&[], "timezone = \"Madrid\"\n"), "x.toml:5:12: mistake: there is no time zone `Madrid`"),
        (planned(&[], "channel = \"Ops\"\n"), "x.toml:5:11: mistake: `Ops` is not a channel"),
        ("[maintenance]\ncomment = \"x\"\n".to_owned(), "x.toml:1:1: mistake: `maintenance` is a table"),
        (
            "[[maintenance]]\nonly = [\"Sun 02:00-04:00\"]\ncomment = \"x\"\n".to_owned(),
            "x.toml:1:1: mistake: `maintenance` has no `match`",
        ),
        (
            "[[maintenance]]\nonly = [\"Sun 02:00-04:00\"]\nmatch = ['a=b']\n".to_owned(),
            "x.toml:1:1: mistake: `maintenance` has no `comment`",
        ),
        // Matchers.
        (one("match", "['service']"), "x.toml:2:10: mistake: `service` is not a matcher"),
        (one("match", "['service=~\"(\"']"), "x.toml:2:10: mistake: `(` is not a regular expression"),
        (one("match", "[7]"), "x.toml:2:10: mistake: "),
        (
            one("match", "['team!=\"ops\"']"),
            "x.toml:1:1: mistake: this maintenance would silence every alert",
        ),
        (one("match", "['a=~\".*\"']"), "x.toml:1:1: mistake: this maintenance would silence every alert"),
        // Hours.
        (one("only", "[\"nightly\"]"), "x.toml:3:9: mistake: `nightly` is not a restriction"),
        (one("only", "[\"Sun\"]"), "x.toml:3:9: mistake: `Sun` is not a restriction"),
        (
            one("only", "[\"Son 02:00-04:00\"]"),
            "x.toml:3:9: mistake: `Son 02:00-04:00`: `Son` is not a weekday",
        ),
        (
            one("only", "[\"Sun 02:00-25:00\"]"),
            "x.toml:3:9: mistake: `Sun 02:00-25:00`: `25:00` is not a time of day",
        ),
        (one("only", "[\"Sun 2-4\"]"), "x.toml:3:9: mistake: `Sun 2-4`: `4` is not a time of day"),
        // Words.
        (one("comment", "\"\""), "x.toml:4:11: mistake: "),
        (one("comment", "3"), "x.toml:4:11: mistake: `maintenance.comment` is a number"),
    ];
    let mut failed = String::new();
    for (wrong, expected) in cases {
        let mistakes = found(&wrong);
        let text = mistakes.to_string();
        let remedied = mistakes.all.iter().all(|mistake| !mistake.remedy.is_empty());
        if !text.starts_with(expected) || !remedied || mistakes.all.len() != 1 || !text.contains('^') {
            let _ = write!(failed, "{wrong}\nshould say, once: {expected}\n{text}\n\n");
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn the_same_one_twice_is_told_and_two_that_differ_are_taken() {
    let twice = planned(&[], "") + &planned(&[], "");
    let mistakes = found(&twice);
    assert!(
        mistakes.to_string().starts_with("x.toml:5:1: mistake: this maintenance is planned twice"),
        "{mistakes}"
    );
    let other = planned(&[], "") + &planned(&[("comment", "\"switches\"")], "");
    assert_eq!(found(&other).all, []);
}
