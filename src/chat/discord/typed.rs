//! What somebody chose in Discord's typed commands, as the text that they would have written. Pure. Never loses a
//! word that was given: what no spec knows is written with its name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    commands::{Argument, Kind, Spec, WORDS, is_typed, option_name},
    escape::length,
    wire,
};
use crate::{chat::port::Suggestion, text::plain::plain};

/// A command as it would be typed.
pub(super) fn text(data: &Value, specs: &[Spec]) -> String {
    let chosen = Chosen::of(data, specs);
    let mut words = chosen.words.clone();
    for argument in chosen.ordered() {
        words.extend(chosen.written(argument));
    }
    words.extend(chosen.unknown());
    words.join(" ")
}

/// What is being typed: the text up to the option with the cursor, and what stands in it.
pub(super) fn under_cursor(data: &Value, specs: &[Spec]) -> Option<(String, String)> {
    let chosen = Chosen::of(data, specs);
    let (name, partial) = chosen.focused.clone()?;
    let mut words = chosen.words.clone();
    for argument in chosen.ordered() {
        if option_name(argument) == name {
            if argument.flag {
                words.push(format!("--{}", argument.name));
            }
            break;
        }
        words.extend(chosen.written(argument));
    }
    Some((format!("{} ", words.join(" ")), partial))
}

/// Suggestions as the choices of an option: what follows `before`, without its quotes.
pub(super) fn choices(before: &str, suggestions: &[Suggestion]) -> Vec<(String, String)> {
    let choice = |suggestion: &Suggestion| {
        let value = suggestion.text.strip_prefix(before)?.trim();
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.unwrap_or(value).to_owned();
        let shown = plain(if suggestion.shown.trim().is_empty() { &value } else { &suggestion.shown }, 50);
        ((1..=100).contains(&length(&value)) && !shown.is_empty()).then_some((shown, value))
    };
    suggestions.iter().filter_map(choice).take(25).collect()
}

struct Chosen<'a> {
    /// The slash and the words: `/incident`, `open`.
    words: Vec<String>,
    spec: Option<&'a Spec>,
    given: BTreeMap<String, Value>,
    focused: Option<(String, String)>,
}

impl<'a> Chosen<'a> {
    fn of(data: &Value, specs: &'a [Spec]) -> Self {
        let name = wire::text(data, "name");
        let mut spec = specs.iter().find(|spec| spec.name == name);
        let whole = spec.is_some_and(|spec| !is_typed(spec));
        let mut chosen =
            Self { words: vec![format!("/{name}")], spec, given: BTreeMap::new(), focused: None };
        let mut options = wire::list(data, "options");
        while let [only] = options
            && let Some(1 | 2) = only.get("type").and_then(Value::as_u64)
        {
            let name = wire::text(only, "name");
            spec = spec.and_then(|spec| spec.subcommands.iter().find(|child| child.name == name));
            chosen.words.push(name);
            options = wire::list(only, "options");
        }
        chosen.spec = spec.filter(|_| !whole);
        for option in options {
            let name = wire::text(option, "name");
            let value = option.get("value").cloned().unwrap_or_default();
            if option.get("focused").and_then(Value::as_bool) == Some(true) {
                chosen.focused = Some((name.clone(), as_text(&value)));
            }
            if whole && name == WORDS {
                // The words are already as they would be typed.
                if chosen.focused.is_none() && !as_text(&value).trim().is_empty() {
                    chosen.words.push(as_text(&value).trim().to_owned());
                }
                continue;
            }
            chosen.given.insert(name, value);
        }
        chosen
    }

    /// The arguments as they are typed: the one that takes all the rest comes last, flags directly before it.
    fn ordered(&self) -> Vec<&'a Argument> {
        let arguments = self.spec.map(|spec| &spec.arguments[..]).unwrap_or_default();
        let place = |argument: &&Argument| match (argument.flag, argument.kind) {
            (true, _) => 1,
            (false, Kind::Text) => 2,
            (false, _) => 0,
        };
        let mut ordered: Vec<&Argument> = arguments.iter().collect();
        ordered.sort_by_key(place);
        ordered
    }

    fn written(&self, argument: &Argument) -> Vec<String> {
        let Some(value) = self.given.get(&option_name(argument)) else { return Vec::new() };
        let text = as_text(value);
        match argument.kind {
            Kind::Switch if value.as_bool() != Some(true) => Vec::new(),
            Kind::Switch => vec![format!("--{}", argument.name)],
            _ if argument.flag => vec![format!("--{}", argument.name), quoted(&text)],
            Kind::Text if is_flag(&text) => vec![quoted(&text)],
            Kind::Text => vec![text],
            Kind::Word | Kind::Number => vec![quoted(&text)],
        }
    }

    fn unknown(&self) -> Vec<String> {
        let known: Vec<String> = self.ordered().into_iter().map(option_name).collect();
        let rest = self.given.iter().filter(|(name, _)| !known.contains(name));
        rest.flat_map(|(name, value)| [format!("--{name}"), quoted(&as_text(value))]).collect()
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn is_flag(text: &str) -> bool {
    text.starts_with("--") || text.starts_with(['—', '–'])
}

/// A value as one word: in quotes where it would be read otherwise.
fn quoted(text: &str) -> String {
    let quotes = ['"', '\'', '“', '”', '„', '‘', '’', '‚', '«', '»'];
    if !text.is_empty() && !text.contains(char::is_whitespace) && !is_flag(text) && !text.starts_with(quotes)
    {
        return text.to_owned();
    }
    // A quote ends before a blank, so one that holds such an end takes other quotes.
    let ends = |quotes: &[char]| {
        let mut chars = text.chars().peekable();
        std::iter::from_fn(|| chars.next().map(|c| (c, chars.peek().copied())))
            .any(|(c, next)| quotes.contains(&c) && next.is_none_or(char::is_whitespace))
    };
    if !ends(&['"', '”', '“']) {
        format!("\"{text}\"")
    } else if !ends(&['\'', '’', '‘']) {
        format!("'{text}'")
    } else {
        format!("«{}»", text.replace('»', "\""))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn argument(name: &str, kind: Kind, flag: bool) -> Argument {
        Argument { name: name.into(), kind, flag, ..Argument::default() }
    }

    fn specs() -> Vec<Spec> {
        let open = Spec {
            name: "open".into(),
            runs: true,
            arguments: vec![
                argument("severity", Kind::Word, false),
                argument("title", Kind::Text, false),
                argument("team", Kind::Word, true),
                argument("private", Kind::Switch, true),
            ],
            ..Spec::default()
        };
        let incident = Spec { name: "incident".into(), subcommands: vec![open], ..Spec::default() };
        let child = Spec { name: "history".into(), ..Spec::default() };
        let qflow = Spec { name: "qflow".into(), runs: true, subcommands: vec![child], ..Spec::default() };
        vec![incident, qflow]
    }

    fn open(options: Value) -> Value {
        json!({ "name": "incident", "options": [{ "name": "open", "type": 1, "options": options }] })
    }

    #[test]
    fn options_become_what_would_be_typed() {
        let one = |name: &str, value: Value| json!({ "name": name, "type": 3, "value": value });
        for (options, expected) in [
            (json!([]), "/incident open"),
            (
                json!([one("title", json!("database is down")), one("severity", json!("P1"))]),
                "/incident open P1 database is down",
            ),
            (
                json!([
                    one("title", json!("x")),
                    one("team", json!("two words")),
                    one("private", json!(true))
                ]),
                "/incident open --team \"two words\" --private x",
            ),
            (
                json!([one("private", json!(false)), one("title", json!("--not a flag"))]),
                "/incident open \"--not a flag\"",
            ),
            (
                json!([one("severity", json!("")), one("title", json!("a \"b\" c"))]),
                "/incident open \"\" a \"b\" c",
            ),
            (json!([one("novel", json!(3))]), "/incident open --novel 3"),
        ] {
            assert_eq!(text(&open(options.clone()), &specs()), expected, "{options}");
        }
        let words =
            json!({ "name": "qflow", "options": [one("command", json!("deployment history --limit 5"))] });
        assert_eq!(text(&words, &specs()), "/qflow deployment history --limit 5");
        assert_eq!(text(&json!({ "name": "status" }), &specs()), "/status");
    }

    #[test]
    fn quotes_hold_what_is_in_them() {
        for (value, expected) in
            [("a", "a"), ("a b", "\"a b\""), ("a\" b", "'a\" b'"), ("--x", "\"--x\""), ("\"x", "\"\"x\"")]
        {
            assert_eq!(quoted(value), expected);
        }
    }

    #[test]
    fn what_is_typed_is_completed_where_the_cursor_stands() {
        let data = open(json!([
            { "name": "severity", "type": 3, "value": "P1" },
            { "name": "team", "type": 3, "value": "o", "focused": true },
        ]));
        let (before, partial) = under_cursor(&data, &specs()).unwrap();
        assert_eq!((&*before, &*partial), ("/incident open P1 --team ", "o"));
        let suggestion = |text: &str| Suggestion { text: text.into(), shown: String::new() };
        let found = [
            suggestion("/incident open P1 --team ops"),
            suggestion("/other"),
            suggestion("/incident open P1 --team \"two words\""),
        ];
        let pair = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(choices(&before, &found), [pair("ops"), pair("two words")]);
        let words = json!({ "name": "qflow", "options": [{ "name": "command", "type": 3, "value": "depl", "focused": true }] });
        assert_eq!(under_cursor(&words, &specs()), Some(("/qflow ".into(), "depl".into())));
    }
}
