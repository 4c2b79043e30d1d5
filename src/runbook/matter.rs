//! Front matter, read into a command and what the runbook does by itself. Never takes an unknown key for a comment.

use std::{collections::BTreeSet, ops::Range};

use jiff::SignedDuration;

use super::{
    by_itself,
    library::Ground,
    model::ByItself,
    names,
    notes::Notes,
    yaml::{Node, What},
};
use crate::{
    command::{Argument, CommandSpec, Flag, Kind},
    config::list,
    domain::{duration, person::Role},
    text,
};

const KEYS: [&str; 19] = [
    "command",
    "aliases",
    "arguments",
    "summary",
    "role",
    "examples",
    "environment",
    "schedule",
    "timezone",
    "channel",
    "on_alert",
    "on_incident",
    "run_as",
    "budget",
    "cool_down",
    "helped",
    "judge_within",
    "sources",
    "page",
];
const ARGUMENT_KEYS: [&str; 10] =
    ["name", "flag", "type", "choices", "optional", "default", "from", "to", "about", "secret"];
/// What an argument may be, as it is written.
const TYPES: [&str; 15] = [
    "word", "text", "duration", "number", "choice", "person", "whom", "severity", "incident", "alert",
    "target", "schedule", "status", "time", "switch",
];
/// Flags that every runbook has.
pub(super) const DRY_RUN: &str = "dry-run";
/// The flag that chooses one step, of a runbook that links to its own steps.
pub(super) const STEP: &str = "step";
const ENV: &str = "env";
const ENVIRONMENT: &str = "environment";
/// The one word that is always there which an argument may take over.
pub(super) const INCIDENT: &str = "incident";

/// What the front matter says.
pub(super) struct Matter {
    pub spec: CommandSpec,
    /// Where its path and its aliases stand.
    pub paths: Vec<Range<usize>>,
    pub variables: BTreeSet<String>,
    pub environment: Option<String>,
    pub environment_flag: &'static str,
    pub by_itself: ByItself,
    /// The name of the action that says whether it helped.
    pub helped: Option<(String, Range<usize>)>,
    /// The names of the actions that all judge the same thing.
    pub sources: Vec<(String, Range<usize>)>,
}

/// A table whose keys are looked up once.
pub(super) struct Table<'n> {
    pub entries: Vec<(&'n str, &'n Node, &'n Node)>,
    at: Range<usize>,
}

impl<'n> Table<'n> {
    fn read(node: &'n Node, known: &[&str], what: &str, notes: &Notes<'_>) -> Option<Self> {
        let What::Table(entries) = &node.what else {
            let remedy = format!("write `key: value` lines; keys are {}", list(known.iter().copied()));
            notes.mistake(node.at.clone(), format!("{what} is a table"), remedy);
            return None;
        };
        let mut table = Self { entries: Vec::new(), at: node.at.clone() };
        for (key, value) in entries {
            let What::Text(word) = &key.what else { continue };
            if !known.contains(&word.as_str()) {
                let remedy = format!("{what} has {}", list(known.iter().copied()));
                let said = format!("{what} has no `{word}`");
                notes.unknown(key.at.clone(), word, said, known.iter().copied(), remedy);
            } else if !table.entries.iter().any(|(other, ..)| other == word) {
                table.entries.push((word, key, value));
            }
        }
        Some(table)
    }

    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(known, ..)| *known == key).map(|(_, _, value)| *value)
    }

    pub fn text(&self, key: &str, notes: &Notes<'_>) -> Option<(&'n str, Range<usize>)> {
        let node = self.get(key)?;
        let read = text_of(node);
        if read.is_none() {
            notes.mistake(
                node.at.clone(),
                format!("`{key}` is one value"),
                "write it on the line of its key",
            );
        }
        read
    }

    pub fn list(&self, key: &str, notes: &Notes<'_>) -> Vec<(&'n str, Range<usize>)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let items: Vec<&Node> = match &node.what {
            What::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let wrong =
            || notes.mistake(node.at.clone(), format!("`{key}` is a list of words"), "write [one, two]");
        let read: Vec<_> = items.iter().filter_map(|item| text_of(item)).collect();
        if read.len() != items.len() {
            wrong();
        }
        read
    }

    pub fn wait(&self, key: &str, notes: &Notes<'_>) -> Option<SignedDuration> {
        let (text, at) = self.text(key, notes)?;
        duration::parse(text)
            .map_err(|error| notes.mistake(at, error.to_string(), "write a duration, such as 15m"))
            .ok()
    }
}

fn text_of(node: &Node) -> Option<(&str, Range<usize>)> {
    match &node.what {
        What::Text(text) => Some((text, node.at.clone())),
        _ => None,
    }
}

/// Reads it; none when it names no command.
pub(super) fn read(node: &Node, notes: &Notes<'_>, ground: &Ground<'_>) -> Option<Matter> {
    let table = Table::read(node, &KEYS, "front matter", notes)?;
    let Some((command, at)) = table.text("command", notes) else {
        if table.get("command").is_none() {
            let start = table.at.start;
            notes.mistake(start..start + 1, "there is no command", "write command: /team check");
        }
        return None;
    };
    let sound = path(command, at.clone(), notes);
    let mut spec = CommandSpec::new(command, "");
    let mut paths = vec![at];
    for (alias, at) in table.list("aliases", notes) {
        if path(alias, at.clone(), notes) {
            spec = spec.alias(alias);
            paths.push(at);
        }
    }
    if let Some((summary, _)) = table.text("summary", notes) {
        spec.summary = summary.to_owned().into();
    } else if table.get("summary").is_none() {
        notes.mistake(
            paths.first()?.clone(),
            "there is no summary",
            "say what it does: summary: Health of …",
        );
    }
    if let Some((word, at)) = table.text("role", notes) {
        match Role::ALL.into_iter().find(|role| role.as_str() == word) {
            Some(role) => spec.role = role,
            None => {
                let known = Role::ALL.map(Role::as_str);
                let remedy = format!("roles are {}", list(known));
                notes.unknown(at, word, format!("`{word}` is no role"), known, remedy);
            }
        }
    }
    let mut variables = BTreeSet::new();
    let environment_flag = arguments(&table, &mut spec, &mut variables, notes, ground);
    examples(&table, &mut spec, paths.first()?.clone(), notes);
    if let Err(why) = spec.check() {
        notes.mistake(paths.first()?.clone(), why, "change its arguments");
    }
    let environment = environment(&table, notes, ground);
    let by_itself = by_itself::read(&table, &spec, notes, ground);
    let helped = table.text("helped", notes).map(|(name, at)| (name.to_owned(), at));
    let sources = table.list("sources", notes).into_iter();
    let sources = sources.map(|(name, at)| (name.to_owned(), at)).collect();
    sound.then_some(Matter {
        spec,
        paths,
        variables,
        environment,
        environment_flag,
        by_itself,
        helped,
        sources,
    })
}

/// Whether a text is the path of a command.
pub(super) fn path(text: &str, at: Range<usize>, notes: &Notes<'_>) -> bool {
    let words: Vec<&str> = text.strip_prefix('/').unwrap_or_default().split_whitespace().collect();
    let fits = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
            && word.len() <= 32
    };
    let sound = !words.is_empty() && words.len() <= 6 && words.iter().all(fits) && !text.starts_with("/ ");
    if !sound {
        let remedy = "a command is a / and one to six words of small letters, digits and dashes: /team check";
        notes.mistake(at, format!("`{text}` is no command"), remedy);
    }
    sound
}

/// Arguments and flags, and those that every runbook has; gives the flag that names the environment.
fn arguments(
    table: &Table<'_>,
    spec: &mut CommandSpec,
    variables: &mut BTreeSet<String>,
    notes: &Notes<'_>,
    ground: &Ground<'_>,
) -> &'static str {
    let items = match table.get("arguments") {
        None => &[][..],
        Some(Node { what: What::List(items), .. }) => items.as_slice(),
        Some(node) => {
            notes.mistake(
                node.at.clone(),
                "`arguments` is a list",
                "write each as `- name: …` or `- flag: --…`",
            );
            &[]
        }
    };
    let environments: Vec<_> = ground.environments.keys().map(|name| name.clone().into()).collect();
    let mut environment_flag = ENV;
    for item in items {
        let Some(table) = Table::read(item, &ARGUMENT_KEYS, "an argument", notes) else { continue };
        let named = match (table.text("name", notes), table.text("flag", notes)) {
            (Some((name, at)), None) => (name, at, false),
            (None, Some((flag, at))) => (flag.trim_start_matches('-'), at, true),
            _ => {
                notes.mistake(table.at.clone(), "an argument has a `name` or a `flag`", "write one of them");
                continue;
            }
        };
        let (name, at, is_flag) = named;
        let variable = names::variable(name);
        if is_flag && name == ENVIRONMENT {
            environment_flag = ENVIRONMENT;
            continue;
        }
        // An incident that is named takes the place of the one of the channel.
        let names_one = variable == INCIDENT
            && table.get("type").and_then(text_of).is_some_and(|(kind, _)| kind == INCIDENT);
        let reserved = name == DRY_RUN || name == ENV || (names::is_built_in(&variable) && !names_one);
        if reserved || ground.services.contains(&variable) {
            let what = if reserved {
                format!("every runbook has `{name}` already")
            } else {
                format!("`{name}` is a service of the environments")
            };
            notes.mistake(at, what, "call it something else");
            continue;
        }
        if !names::is_name(&variable) || name.starts_with('_') {
            let remedy = "names are small letters, digits and dashes, and begin with a letter";
            notes.mistake(at, format!("`{name}` is no name for an argument"), remedy);
            continue;
        }
        variables.insert(variable);
        argument(&table, name, is_flag, spec, notes);
    }
    let choices = Kind::Choice(environments);
    spec.flags.push(Flag::valued(environment_flag, choices, text::runbook::ENVIRONMENT));
    spec.flags.push(Flag::switch(DRY_RUN, text::runbook::DRY_RUN));
    environment_flag
}

fn argument(table: &Table<'_>, name: &str, is_flag: bool, spec: &mut CommandSpec, notes: &Notes<'_>) {
    let about =
        table.text("about", notes).map_or_else(|| name.replace('-', " "), |(about, _)| about.to_owned());
    let choices: Vec<_> =
        table.list("choices", notes).into_iter().map(|(choice, _)| choice.to_owned().into()).collect();
    let usual = match (
        choices.is_empty(),
        is_flag && table.get("default").is_none() && table.get("secret").is_none(),
    ) {
        (false, _) => "choice",
        (true, true) => "switch",
        (true, false) => "word",
    };
    let (word, at) = table.text("type", notes).unwrap_or((usual, table.at.clone()));
    let number = |key: &str, otherwise: u64| match table.text(key, notes) {
        None => otherwise,
        Some((text, at)) => text.parse().unwrap_or_else(|_| {
            notes.mistake(at, format!("`{text}` is no whole number"), "write one");
            otherwise
        }),
    };
    let kind = match word {
        "word" => Kind::Word,
        "text" if !is_flag => Kind::Text,
        "duration" => Kind::Duration,
        "number" => Kind::Number(number("from", 0), number("to", 1_000_000_000)),
        "choice" if !choices.is_empty() => Kind::Choice(choices),
        "choice" => {
            notes.mistake(at, "a choice has `choices`", "write choices: [one, two]");
            return;
        }
        "person" => Kind::Person,
        "whom" => Kind::Whom,
        "severity" => Kind::Severity,
        "incident" => Kind::Incident,
        "alert" => Kind::Alert,
        "target" => Kind::Target,
        "schedule" => Kind::Schedule,
        "status" => Kind::Status,
        "time" => Kind::Time,
        "switch" if is_flag => {
            if let Some(node) = table.get("default") {
                notes.mistake(node.at.clone(), "a switch has no default", "it is there or not");
            }
            secret(table, &Kind::Number(0, 1), notes);
            spec.flags.push(Flag::switch(name.to_owned(), about));
            return;
        }
        _ => {
            let known = TYPES
                .into_iter()
                .filter(|known| is_flag != (*known == "text") || (!is_flag && *known != "switch"));
            let remedy = format!("types are {}", list(known.clone()));
            notes.unknown(
                at,
                word,
                format!("`{word}` is no type of {}", if is_flag { "a flag" } else { "an argument" }),
                known,
                remedy,
            );
            return;
        }
    };
    let default = table.text("default", notes);
    if let Some((default, at)) = &default
        && let Some(why) = unfit(&kind, default)
    {
        notes.mistake(
            at.clone(),
            format!("`{default}` does not fit: {why}"),
            "write what people could write",
        );
    }
    let secret = secret(table, &kind, notes);
    let default = default.map(|(default, _)| default.to_owned());
    if is_flag {
        let flag = Flag { secret, ..Flag::valued(name.to_owned(), kind, about) };
        spec.flags.push(match default {
            Some(default) => flag.or(default),
            None => flag,
        });
        return;
    }
    let optional = yes(table, "optional", notes);
    let argument = Argument { secret, ..Argument::required(name.to_owned(), kind, about) };
    spec.arguments.push(match default {
        Some(default) => argument.or(default),
        None => Argument { required: !optional, ..argument },
    });
}

fn yes(table: &Table<'_>, key: &str, notes: &Notes<'_>) -> bool {
    match table.text(key, notes) {
        None | Some(("false", _)) => false,
        Some(("true", _)) => true,
        Some((_, at)) => {
            notes.mistake(at, format!("`{key}` is true or false"), "write one of them");
            false
        }
    }
}

/// Whether an argument is a secret: one that stands in no file, and that no error about its kind would quote.
fn secret(table: &Table<'_>, kind: &Kind, notes: &Notes<'_>) -> bool {
    let secret = yes(table, "secret", notes);
    if let (true, Some(node)) = (secret, table.get("default")) {
        notes.mistake(node.at.clone(), "a secret has no default", "whoever runs it gives it");
    }
    if let (true, false, Some(node)) = (secret, matches!(kind, Kind::Word | Kind::Text), table.get("secret"))
    {
        notes.mistake(node.at.clone(), "a secret is a word or a text", "write type: word");
    }
    secret
}

/// Why a default is none, as far as that can be said without a caller.
fn unfit(kind: &Kind, default: &str) -> Option<String> {
    match kind {
        Kind::Duration => duration::parse(default).err().map(|error| error.to_string()),
        Kind::Number(least, most) => {
            let fits = default.parse().is_ok_and(|number: u64| (least..=most).contains(&&number));
            (!fits).then(|| format!("a whole number from {least} to {most} is expected"))
        }
        Kind::Choice(choices) => {
            let fits = choices.iter().any(|choice| choice == default);
            (!fits).then(|| format!("one of {} is expected", list(choices.iter().map(|choice| &**choice))))
        }
        _ => None,
    }
}

fn examples(table: &Table<'_>, spec: &mut CommandSpec, command_at: Range<usize>, notes: &Notes<'_>) {
    for (example, at) in table.list("examples", notes) {
        let words: Vec<&str> = example.strip_prefix('/').unwrap_or_default().split_whitespace().collect();
        let begins = spec
            .paths()
            .any(|path| words.len() >= path.len() && path.iter().zip(&words).all(|(a, b)| a == b));
        if begins {
            spec.examples.push(example.to_owned().into());
        } else {
            notes.mistake(
                at,
                format!("this is no example of {}", spec.name()),
                format!("begin with {}", spec.name()),
            );
        }
    }
    if spec.examples.is_empty() {
        if spec.arguments.iter().any(|argument| argument.required) {
            let remedy = "write examples: [\"/team check engine\"]";
            notes.mistake(command_at, "a command that must be told something has an example", remedy);
        } else {
            spec.examples.push(spec.name().into());
        }
    }
}

fn environment(table: &Table<'_>, notes: &Notes<'_>, ground: &Ground<'_>) -> Option<String> {
    let (name, at) = table.text("environment", notes)?;
    if ground.environments.contains_key(name) {
        return Some(name.to_owned());
    }
    let known = ground.environments.keys().map(String::as_str);
    let remedy = format!("there is {}", list(known.clone()));
    notes.unknown(at, name, format!("no environment is called `{name}`"), known, remedy);
    None
}
