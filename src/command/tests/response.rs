//! Commands about tasks, links, merges and the impact, as people write them.

use super::parsing::parsed;
use crate::command::{Registry, read::Value};

/// What was read under these names, as people would recognize it.
fn read(text: &str, names: &[&str]) -> Vec<String> {
    let found = match parsed(&Registry::builtin(), text) {
        Ok(found) => found,
        Err(wrong) => return vec![format!("{wrong:?}")],
    };
    let written = |name: &&str| match found.values.get(*name) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Incident(id)) => id.to_string(),
        Some(Value::Task(id)) => id.to_string(),
        Some(Value::Person(id)) => id.to_string(),
        Some(Value::Time(at)) => at.to_string(),
        Some(other) => format!("{other:?}"),
        None => "-".to_owned(),
    };
    names.iter().map(written).collect()
}

#[test]
fn a_merge_is_written_with_and_without_its_little_word() {
    for text in
        ["/incident merge INC-9 into INC-7", "/incident merge inc-9 INC-7", "/incident merge 9 INTO 7"]
    {
        assert_eq!(read(text, &["incident", "target"]), ["INC-9", "INC-7"], "{text}");
    }
}

#[test]
fn flags_of_a_task_stand_before_its_words_or_after_them_in_quotes() {
    let names = ["incident", "owner", "text"];
    for text in [
        "/incident task add INC-7 \"restore the backup\" --owner ben --due 30m",
        "/incident task add INC-7 --owner ben --due 30m restore the backup",
        "/incident task add INC-7 --due 30m \"restore the backup\" --owner=ben",
    ] {
        assert_eq!(read(text, &names), ["INC-7", "ben", "restore the backup"], "{text}");
        assert_ne!(read(text, &["due"]), ["-"], "{text}");
    }
    // Without quotes they are words like any other, and what is no flag of the command is, too.
    let words = read("/incident task add INC-7 say --owner ben", &names);
    assert_eq!(words, ["INC-7", "-", "say --owner ben"]);
    let words = read("/incident task add INC-7 \"a\" --all", &names);
    assert_eq!(words, ["INC-7", "-", "\"a\" --all"]);
    assert_eq!(read("/incident task done 3", &["task"]), ["T-3"]);
}

#[test]
fn a_link_is_an_address_or_another_incident() {
    let names = ["incident", "link", "title"];
    for (text, expected) in [
        ("/incident link INC-7 INC-9", ["INC-7", "INC-9", "-"]),
        ("/incident link https://example.com/a the page", ["-", "https://example.com/a", "the page"]),
        ("/incident link INC-7 https://example.com/a", ["INC-7", "https://example.com/a", "-"]),
    ] {
        assert_eq!(read(text, &names), expected, "{text}");
    }
}
