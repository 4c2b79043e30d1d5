//! What Discord is told of our commands: from neutral specs to its typed commands, or to one command with a text
//! where the words go deeper than Discord's levels. Pure. Never registers what is registered already.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::escape::{label, length};
use crate::text::discord::NOTHING;

/// A command, or a word that further words follow. Whoever knows the commands makes these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// Its word (`incident`).
    pub name: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// Whether it does something without a further word.
    pub runs: bool,
    /// What it takes, in the order in which it is typed.
    pub arguments: Vec<Argument>,
    /// The words that may follow.
    pub subcommands: Vec<Spec>,
}

/// Something that a command takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Argument {
    /// Its name (`severity`), without dashes.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// What may be written.
    pub kind: Kind,
    /// The only values that it takes; empty: any.
    pub choices: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether the ear knows what may stand there.
    pub autocomplete: bool,
    /// Whether it is typed with its name (`--since 24h`).
    pub flag: bool,
}

/// What an argument looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// One word, or several in quotes.
    #[default]
    Word,
    /// All the rest of the line.
    Text,
    /// A whole number.
    Number,
    /// A flag without a value: it is there or not.
    Switch,
}

/// The one option of a command that takes its words as a text.
pub(super) const WORDS: &str = "command";
/// Discord's limits: <https://discord.com/developers/docs/interactions/application-commands>.
const COMMANDS: usize = 100;
const OPTIONS: usize = 25;
const NAME: usize = 32;
const DESCRIPTION: usize = 100;
const CHOICE: usize = 100;
const WHOLE: usize = 8_000;

/// What is registered for these commands, in Discord's form.
#[must_use]
pub fn plan(specs: &[Spec]) -> Vec<Value> {
    let mut names = BTreeSet::new();
    let known = specs.iter().filter(|spec| is_name(&spec.name) && names.insert(&spec.name));
    known.take(COMMANDS).map(|spec| if is_typed(spec) { typed(spec) } else { in_words(spec) }).collect()
}

/// Whether what is registered says the same as what is wanted, whatever Discord added to it.
#[must_use]
pub fn same(wanted: &[Value], registered: &[Value]) -> bool {
    let sorted = |list: &[Value]| {
        let mut essence: Vec<String> = list.iter().map(|command| essence(command).to_string()).collect();
        essence.sort();
        essence
    };
    sorted(wanted) == sorted(registered)
}

/// Whether Discord's levels hold this command: a word, at most two more, and arguments only at the end.
pub(super) fn is_typed(spec: &Spec) -> bool {
    fn holds(spec: &Spec, levels: usize) -> bool {
        let arguments = spec.arguments.len() <= OPTIONS
            && spec.arguments.iter().all(|argument| is_name(&option_name(argument)))
            && are_different(spec.arguments.iter().map(option_name));
        let children = spec.subcommands.is_empty()
            || (levels > 0
                && !spec.runs
                && spec.arguments.is_empty()
                && spec.subcommands.len() <= OPTIONS
                && are_different(spec.subcommands.iter().map(|child| child.name.clone()))
                && spec.subcommands.iter().all(|child| is_name(&child.name) && holds(child, levels - 1)));
        arguments && children
    }
    holds(spec, 2) && size(&typed(spec)) <= WHOLE
}

fn are_different(mut names: impl Iterator<Item = String>) -> bool {
    let mut seen = BTreeSet::new();
    names.all(|name| seen.insert(name))
}

/// The name that an argument has on Discord.
pub(super) fn option_name(argument: &Argument) -> String {
    let letters = argument.name.trim().chars().flat_map(char::to_lowercase);
    letters.map(|c| if c.is_whitespace() { '-' } else { c }).collect()
}

fn is_name(name: &str) -> bool {
    (1..=NAME).contains(&length(name))
        && name.chars().all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_'))
}

fn description(text: &str) -> String {
    // Discord cuts blanks off, and what it gives back is compared.
    let text = label(text, DESCRIPTION).trim().to_owned();
    if text.trim().is_empty() { NOTHING.to_owned() } else { text }
}

fn typed(spec: &Spec) -> Value {
    json!({ "name": spec.name, "type": 1, "description": description(&spec.summary), "options": options(spec) })
}

fn options(spec: &Spec) -> Vec<Value> {
    let child = |child: &Spec| {
        json!({
            // A word with further words is a group (2); one without is a subcommand (1).
            "type": if child.subcommands.is_empty() { 1 } else { 2 },
            "name": child.name, "description": description(&child.summary), "options": options(child),
        })
    };
    let mut options: Vec<Value> = spec.subcommands.iter().map(child).collect();
    // Discord wants what is required first.
    let (required, optional): (Vec<_>, Vec<_>) =
        spec.arguments.iter().partition(|argument| argument.required);
    options.extend(required.into_iter().chain(optional).map(option));
    options
}

fn option(argument: &Argument) -> Value {
    let kind = match argument.kind {
        Kind::Word | Kind::Text => 3,
        Kind::Number => 4,
        Kind::Switch => 5,
    };
    let mut option = Map::new();
    option.insert("type".into(), kind.into());
    option.insert("name".into(), option_name(argument).into());
    option.insert("description".into(), description(&argument.summary).into());
    option.insert("required".into(), argument.required.into());
    let listed = !argument.choices.is_empty()
        && argument.choices.len() <= OPTIONS
        && argument.choices.iter().all(|choice| (1..=CHOICE).contains(&length(choice)));
    if kind == 3 && listed {
        let choice = |choice: &String| json!({ "name": choice, "value": choice });
        option.insert("choices".into(), argument.choices.iter().map(choice).collect());
    } else if kind == 3 && (argument.autocomplete || !argument.choices.is_empty()) {
        option.insert("autocomplete".into(), true.into());
    }
    Value::Object(option)
}

fn in_words(spec: &Spec) -> Value {
    let option = json!({
        "type": 3, "name": WORDS, "description": description(&spec.summary), "required": false, "autocomplete": true,
    });
    json!({ "name": spec.name, "type": 1, "description": description(&spec.summary), "options": [option] })
}

/// What Discord counts: names, descriptions and values of choices.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) if ["name", "description", "value"].contains(&&**key) => length(text),
                other => size(other),
            })
            .sum(),
        Value::Array(list) => list.iter().map(size).sum(),
        _ => 0,
    }
}

/// What a command says, without ids, versions and defaults.
fn essence(command: &Value) -> Value {
    let mut kept = Map::new();
    for key in ["name", "description", "type", "value"] {
        if let Some(value) = command.get(key).filter(|value| !value.is_null()) {
            kept.insert(key.into(), value.clone());
        }
    }
    // What nobody of us sends, and somebody else may have set.
    for key in ["default_member_permissions", "min_value", "max_value", "min_length", "max_length"] {
        if let Some(value) = command.get(key).filter(|value| !value.is_null()) {
            kept.insert(key.into(), value.clone());
        }
    }
    for key in ["required", "autocomplete", "nsfw"] {
        if command.get(key).and_then(Value::as_bool) == Some(true) {
            kept.insert(key.into(), true.into());
        }
    }
    for key in ["options", "choices"] {
        if let Some(list) = command.get(key).and_then(Value::as_array).filter(|list| !list.is_empty()) {
            kept.insert(key.into(), list.iter().map(essence).collect());
        }
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(name: &str, subcommands: Vec<Spec>) -> Spec {
        let runs = subcommands.is_empty();
        Spec { name: name.into(), summary: format!("About {name}"), runs, arguments: vec![], subcommands }
    }

    fn argument(name: &str, required: bool) -> Argument {
        Argument { name: name.into(), summary: "S".into(), required, ..Argument::default() }
    }

    #[test]
    fn built_ins_are_typed_and_what_is_required_comes_first() {
        let mut open = word("open", vec![]);
        let choices = vec!["P0".into(), "P1".into()];
        open.arguments = vec![
            Argument { choices, ..argument("severity", false) },
            Argument { kind: Kind::Text, ..argument("title", true) },
            Argument { kind: Kind::Switch, flag: true, ..argument("private", false) },
        ];
        let plan = plan(&[word("incident", vec![open])]);
        let options = &plan[0]["options"][0]["options"];
        assert_eq!(options[0], json!({ "type": 3, "name": "title", "description": "S", "required": true }));
        assert_eq!(options[1]["choices"][1], json!({ "name": "P1", "value": "P1" }));
        assert_eq!(options[2]["type"], 5);
    }

    #[test]
    fn what_goes_deeper_than_the_levels_is_one_command_with_a_text() {
        let deep = word("a", vec![word("b", vec![word("c", vec![word("d", vec![])])])]);
        let both = Spec { runs: true, ..word("a", vec![word("b", vec![])]) };
        let many = word("a", (0..26).map(|n| word(&format!("b{n}"), vec![])).collect());
        for spec in [deep, both, many] {
            assert!(!is_typed(&spec), "{spec:?}");
            let plan = plan(&[spec]);
            assert_eq!(plan[0]["options"][0]["name"], WORDS);
            assert_eq!(plan[0]["options"][0]["autocomplete"], true);
        }
        assert!(is_typed(&word("a", vec![word("b", vec![word("c", vec![])])])));
        assert_eq!(plan(&[word("Not a name", vec![])]), Vec::<Value>::new());
    }

    /// `/qflow deployment history --limit 5`, with `/qflow deployment` a runbook of its own, as a pack has it.
    fn pack() -> Spec {
        let limit = Argument { kind: Kind::Number, flag: true, ..argument("limit", false) };
        let history = Spec { arguments: vec![limit], ..word("history", vec![]) };
        let deployment = Spec { runs: true, ..word("deployment", vec![history, word("rollback", vec![])]) };
        word("qflow", vec![deployment, word("health", vec![])])
    }

    #[test]
    fn a_pack_is_one_command_with_a_completed_text_and_its_words_stay_the_same() {
        assert!(!is_typed(&pack()));
        assert_eq!(
            plan(&[pack()]),
            [json!({ "name": "qflow", "type": 1, "description": "About qflow", "options": [
                { "type": 3, "name": "command", "description": "About qflow", "required": false, "autocomplete": true },
            ] })]
        );
        let typed = json!({ "name": "qflow", "options": [
            { "name": "command", "type": 3, "value": "deployment history --limit 5" }] });
        assert_eq!(super::super::typed::text(&typed, &[pack()]), "/qflow deployment history --limit 5");
        // Without a word in the middle that runs by itself, Discord's levels hold it.
        let mut levels = pack();
        levels.subcommands[0].runs = false;
        let plan = plan(&[levels]);
        assert_eq!(plan[0]["options"][0]["options"][0]["options"][0]["name"], "limit");
    }

    #[test]
    fn the_limits_of_discord_are_kept() {
        // A hundred commands, each of another name.
        let many: Vec<Spec> = (0..130).map(|n| word(&format!("c{n}"), vec![])).collect();
        let twice: Vec<Spec> = many.iter().chain(&many).cloned().collect();
        assert_eq!((plan(&many).len(), plan(&twice), plan(&[])), (COMMANDS, plan(&many), vec![]));
        // Twenty-five options; one more, or two of one name, and it is a text.
        let with = |count: usize| Spec {
            arguments: (0..count).map(|n| argument(&format!("a{n}"), false)).collect(),
            ..word("c", vec![])
        };
        assert!(is_typed(&with(OPTIONS)) && !is_typed(&with(OPTIONS + 1)));
        let same = Spec { arguments: vec![argument("A", false), argument("a", false)], ..word("c", vec![]) };
        assert!(!is_typed(&same) && !is_typed(&word("c", vec![word("d", vec![]), word("d", vec![])])));
        // Twenty-five choices; one more, or one that is too long, and they are completed.
        for (count, length, listed) in [(OPTIONS, 1, true), (OPTIONS + 1, 1, false), (1, CHOICE + 1, false)] {
            let choices: Vec<String> = (0..count).map(|n| format!("{n}").repeat(length)).collect();
            let plan = plan(&[Spec {
                arguments: vec![Argument { choices, ..argument("a", false) }],
                ..word("c", vec![])
            }]);
            let option = &plan[0]["options"][0];
            assert_eq!(option["choices"].is_array(), listed, "{count} {length}");
            assert_eq!(option["autocomplete"] == true, !listed);
        }
        // 8,000 characters in all.
        let long = |count: usize| {
            let said = |n: usize| Argument {
                summary: "s".repeat(DESCRIPTION),
                ..argument(&format!("a{n:02}"), false)
            };
            let children = (0..count)
                .map(|n| Spec { arguments: (0..8).map(said).collect(), ..word(&format!("c{n}"), vec![]) });
            word("c", children.collect())
        };
        assert!(is_typed(&long(9)) && !is_typed(&long(10)));
        for spec in plan(&[long(9), long(10)]) {
            assert!(size(&spec) <= WHOLE);
        }
        // A description that is too long or empty, and one that Discord would cut.
        for (summary, expected) in [("x".repeat(300), DESCRIPTION), (String::new(), 1), (" two ".into(), 3)] {
            let plan = plan(&[Spec { summary, ..word("c", vec![]) }]);
            assert_eq!(length(plan[0]["description"].as_str().unwrap()), expected);
        }
    }

    #[test]
    fn what_discord_adds_makes_no_difference_and_what_somebody_changed_does() {
        let wanted = plan(&[word("ack", vec![]), word("status", vec![])]);
        let mut registered: Vec<Value> = wanted.iter().rev().cloned().collect();
        for (number, command) in registered.iter_mut().enumerate() {
            command["id"] = json!(number.to_string());
            command["version"] = json!("1");
            command["options"] = Value::Null;
            command["default_member_permissions"] = Value::Null;
        }
        assert!(same(&wanted, &registered));
        for (key, changed) in [
            ("description", json!("Something else")),
            ("name", json!("other")),
            ("nsfw", json!(true)),
            ("default_member_permissions", json!("0")),
            ("options", json!([{ "type": 3, "name": "x", "description": "x" }])),
        ] {
            let mut other = registered.clone();
            other[0][key] = changed;
            assert!(!same(&wanted, &other), "{key}");
        }
        assert!(!same(&wanted, &registered[..1]));
    }
}
