//! Values that want to be more than values, in every action; and texts that want to break the reader.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{library, sound, with};
use crate::runbook::{Act, NotRendered, Runbook, Scope, TraceCall, Unsafe};

const NASTY: [&str; 16] = [
    "plain",
    "two words",
    "a\"b",
    "a'b",
    "a\nb",
    "a\r\nX: y",
    "a;id",
    "$(id)",
    "`id`",
    "../../etc",
    "..",
    "{{ qflow.token }}",
    "--all",
    "a\0b",
    "",
    "a|b&&c>d*?~#",
];

fn scope(part: &str) -> Scope {
    let mut scope = Scope::default();
    scope.set("part", part);
    scope.set("since", "1h30m");
    scope.set("older_than", 5);
    scope.environment("production", &super::LOADED.settings.environments["production"]);
    scope
}

fn first(runbook: &Runbook) -> &Act {
    &runbook.action(0).expect("an action").act
}

#[test]
fn a_program_gets_as_many_arguments_as_are_written() {
    let text =
        with("```run\nqflow show {{ part }} --name={{ part }} 'a b' \"x {{ part }} y\" -- {{ part }}\n```\n");
    let runbook = sound(&text);
    let Act::Run(run) = first(&runbook) else { panic!("no programs") };
    for value in NASTY {
        let rendered = run.programs[0].render(&scope(value));
        if value.contains('\0') || value.starts_with('-') {
            assert!(matches!(rendered, Err(NotRendered::Unsafe { .. })), "{value:?}");
            continue;
        }
        let expected =
            ["show", value, &format!("--name={value}"), "a b", &format!("x {value} y"), "--", value]
                .map(str::to_owned);
        assert_eq!(rendered.unwrap(), expected, "{value:?}");
    }
    // After -- a dash is no flag.
    let text = with("```run\nqflow show -- {{ part }}\n```\n");
    let runbook = sound(&text);
    let Act::Run(run) = first(&runbook) else { panic!("no programs") };
    assert_eq!(run.programs[0].render(&scope("--all")).unwrap(), ["show", "--", "--all"]);
}

#[test]
fn a_request_goes_where_it_is_written() {
    let text = with(
        "```http\nPOST {{ qflow.url }}/flows/{{ part }}/stop?why={{ part }}&n={{ older_than }}\nX-Why: {{ part }}\n\
         Content-Type: application/json\n\n{\"why\": \"it is {{ part }}\", \"n\": {{ older_than }}, \"raw\": {{ part }}}\n```\n",
    );
    let runbook = sound(&text);
    let Act::Http(http) = first(&runbook) else { panic!("no request") };
    for value in NASTY {
        let request = match http.render(&scope(value)) {
            Ok(request) => request,
            Err(error) => {
                let refused = value.is_empty() || value == ".." || value.contains(['\n', '\r', '\0']);
                assert!(refused, "{value:?}: {error}");
                continue;
            }
        };
        assert_eq!(
            (request.url.host_str(), request.url.port()),
            (Some("127.0.0.1"), Some(8090)),
            "{value:?}"
        );
        let segments: Vec<&str> = request.url.path_segments().unwrap().collect();
        assert_eq!((segments.len(), segments[0], segments[2]), (3, "flows", "stop"), "{value:?}");
        let pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        assert_eq!(pairs, [("why".to_owned(), value.to_owned()), ("n".to_owned(), "5".to_owned())]);
        let body: serde_json::Value = serde_json::from_str(request.body.as_deref().unwrap()).unwrap();
        let expected = serde_json::json!({ "why": format!("it is {value}"), "n": 5, "raw": value });
        assert_eq!(body, expected, "{value:?}");
        assert!(!format!("{request:?}").contains("it is"), "bodies may hold secrets");
    }
}

#[test]
fn queries_keep_their_shape() {
    let promql = sound(&with(
        "```promql\nup{a=\"{{ part }}\", b=~\"x{{ part }}\"}[{{ since }}] > {{ older_than }}\n```\n",
    ));
    let logs =
        sound(&with("```logs\nindex: q-*\nsince: {{ since }}\n\na:{{ part }} AND b:\"x {{ part }}\"\n```\n"));
    let trace = sound(&with(
        "```trace\nservice: q\noperation: {{ part }}\ntag: error={{ part }}\nsince: {{ since }}\n```\n",
    ));
    for value in NASTY {
        let scope = scope(value);
        let Act::Promql(act) = first(&promql) else { panic!("no query") };
        let query = act.render(&scope).unwrap();
        assert!(query.starts_with("up{a=\"") && query.ends_with("\"}[1h30m] > 5"), "{query}");
        assert_eq!(query.matches('"').count(), 4, "{query}");
        assert_eq!(query.lines().count(), 1, "{query}");
        let Act::Logs(act) = first(&logs) else { panic!("no search") };
        let search = act.render(&scope).unwrap();
        let words = search.words.unwrap();
        assert!(words.starts_with("a:") && words.contains(" AND b:\"x ") && words.ends_with('"'), "{words}");
        assert_eq!((search.index.as_str(), search.since.as_deref(), search.size), ("q-*", Some("1h30m"), 20));
        let Act::Trace(act) = first(&trace) else { panic!("no query") };
        let TraceCall::Search { parameters, since } = act.render(&scope).unwrap() else {
            panic!("one trace")
        };
        assert_eq!(since.as_deref(), Some("1h30m"));
        assert_eq!(parameters[1], ("operation".to_owned(), value.to_owned()));
        let tags: serde_json::Value = serde_json::from_str(&parameters[2].1).unwrap();
        assert_eq!(tags, serde_json::json!({ "error": value }));
    }
}

#[test]
fn a_command_keeps_its_path_and_its_words() {
    let runbook = sound(&with("```chat\n/incident note \"{{ part }} since {{ since }}\"\n```\n"));
    let list = sound(&with("```chat\n/runbook list {{ part }}\n```\n"));
    for value in NASTY {
        let Act::Chat(act) = first(&runbook) else { panic!("no command") };
        let words = crate::command::words::split(&act.render(&scope(value)).unwrap());
        assert_eq!(words.len(), 3, "{value:?}");
        assert!(words[2].quoted && words[2].text.ends_with(" since 1h30m"), "{words:?}");
        let Act::Chat(act) = first(&list) else { panic!("no command") };
        let words = crate::command::words::split(&act.render(&scope(value)).unwrap());
        assert_eq!(words.len(), 3, "{value:?}");
        assert!(words[2].quoted || !words[2].text.starts_with(['-', '/']), "{words:?}");
    }
}

#[test]
fn a_value_is_never_rendered_twice_and_no_error_tells_it() {
    let runbook = sound(&with("```run\nqflow show {{ part }}\n```\n"));
    let Act::Run(run) = first(&runbook) else { panic!("no programs") };
    let rendered = run.programs[0].render(&scope("{{ qflow.token }}")).unwrap();
    assert_eq!(rendered[1], "{{ qflow.token }}");
    let error = run.programs[0].render(&scope("--secret-word")).unwrap_err();
    assert!(matches!(error, NotRendered::Unsafe { why: Unsafe::Flag, .. }));
    assert!(!error.to_string().contains("secret-word"), "{error}");
    let missing = run.programs[0].render(&Scope::default()).unwrap_err();
    assert!(matches!(missing, NotRendered::NoValue(_)), "{missing}");
}

/// A file with every part of the language.
const EVERYTHING: &str = include_str!("everything.md");

#[test]
fn the_file_with_everything_is_sound() {
    assert_eq!(sound(EVERYTHING).actions().count(), 9);
}

/// Pieces that mean something somewhere.
const PIECES: [&str; 24] = [
    "{{",
    "}}",
    "{%",
    "```",
    "---\n",
    "#| ",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    ":",
    "[",
    "]",
    "(",
    "é",
    "\u{0}",
    "&a ",
    "*a",
    "- ",
    "# ",
    "```run\n",
    "{{ answers.json }}",
    "|",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_breaks_the_reader(cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, prop::sample::select(PIECES.to_vec())), 1..6)) {
        let mut letters: Vec<char> = EVERYTHING.chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(letters.len() + 1);
            let end = (at + length).min(letters.len());
            letters.splice(at..end, piece.chars());
        }
        let text: String = letters.into_iter().collect();
        let mut drawn = String::new();
        let read = library(&[("t.md", &text), ("other.md", EVERYTHING)]);
        for mistake in read.mistakes() {
            let lines = text.lines().count().max(EVERYTHING.lines().count()) + 1;
            prop_assert!(mistake.line <= lines && !mistake.what.is_empty());
            let _ = write!(drawn, "{mistake:#}");
        }
        prop_assert!(read.runbooks().len() + read.broken().len() <= 2);
    }

    #[test]
    fn nor_does_any_noise(text in "\\PC{0,200}|[-`#|:{}%\\[\\]()\"'a \n]{0,300}") {
        let text = format!("---\ncommand: /t\nsummary: x\n{text}");
        prop_assert!(library(&[("t.md", &text)]).runbooks().len() <= 1);
    }
}
