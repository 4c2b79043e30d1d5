//! The `#|` lines of a block, read into types. Never accepts a setting that its action has no use for.

use jiff::SignedDuration;
use regex::Regex;

use super::{
    answer::{self, Rows},
    compile::Compiler,
    expression::Expression,
    names::{ActKind, Admits, is_built_in, is_field, is_name},
    notes::{Body, Written},
    slot::Slot,
    template::Template,
};
use crate::{
    config::list,
    domain::{duration, person::Role},
};

/// The settings of an action.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What later steps call its result.
    pub name: Option<String>,
    /// What must hold of its result; with several series, of each.
    pub expect: Option<Expression>,
    /// It is passed over when this does not hold.
    pub when: Option<Expression>,
    /// How long it may take.
    pub timeout: Option<SignedDuration>,
    /// How often it is tried again.
    pub retry: Option<Retry>,
    /// Who must agree before it starts.
    pub approve: Option<Approve>,
    /// Who may start it; none: whoever may run the runbook.
    pub role: Option<Role>,
    /// A question that the person who runs it answers first.
    pub confirm: Option<Template>,
    /// Held while it runs: two actions with the same lock never run at once.
    pub lock: Option<Template>,
    /// What these match is not kept and not shown.
    pub redact: Vec<Regex>,
    /// What happens when it fails; none: what is usual for its kind.
    pub on_fail: Option<OnFail>,
    /// The action that follows when it passes; a number of the runbook.
    pub on_pass: Option<usize>,
    /// What its value counts (`%`, `s`).
    pub unit: Option<String>,
    /// How far back its chart goes; none: no chart.
    pub chart: Option<SignedDuration>,
    /// A line in its chart.
    pub threshold: Option<f64>,
    /// It reads, though its kind may change something.
    pub reads: bool,
    /// The service of the environment that is asked, instead of the usual one of its kind.
    pub service: Option<String>,
    /// For how long its answer may be shared.
    pub cache: Option<SignedDuration>,
    /// What it says instead of the answer itself.
    pub show: Option<Template>,
    /// A list of the answer that it shows as a table.
    pub rows: Option<Rows>,
    /// For how long it is looked at again and again.
    pub follow: Option<Follow>,
}

/// A step that is looked at again and again.
#[derive(Debug, Clone)]
pub struct Follow {
    /// For how long: gives a duration; one of 0s, or none, is one look.
    pub length: Template,
    /// The pause between two looks; none: a part of the length.
    pub every: Option<SignedDuration>,
}

/// How often an action is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Beyond the first time.
    pub times: u32,
    /// The pause before each.
    pub every: SignedDuration,
}

/// Who must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approve {
    /// How many different people; never the one who asks.
    pub people: u8,
    /// The role that each of them holds.
    pub role: Role,
}

/// What happens when an action fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    /// The next action.
    Continue,
    /// Nothing more.
    Stop,
    /// This action, by its number in the runbook.
    Goto(usize),
}

/// A name that an action goes on to, and where it stands.
pub(super) struct Target {
    pub name: String,
    pub at: std::ops::Range<usize>,
    pub on_fail: bool,
}

const KEYS: [&str; 23] = [
    "name",
    "expect",
    "when",
    "timeout",
    "retry",
    "approve",
    "role",
    "confirm",
    "lock",
    "redact",
    "on_fail",
    "on_pass",
    "unit",
    "chart",
    "threshold",
    "reads",
    "service",
    "cache",
    "show",
    "rows",
    "columns",
    "follow",
    "every",
];
/// Settings that one kind alone has a use for.
const CHARTED: [&str; 3] = ["unit", "chart", "threshold"];
const MARK: &str = "#|";
/// The longest that a step may take.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// Parts the settings of a block from the rest; a line that is no setting stays out and is a mistake.
pub(super) fn part<'b>(
    body: &'b Body,
    compiler_notes: &super::notes::Notes<'_>,
) -> (Vec<(Written<'b>, Written<'b>)>, Body) {
    let (mut pairs, mut rest) = (Vec::new(), Body::default());
    let whole = body.whole();
    for line in whole.lines() {
        let trimmed = line.trimmed();
        let Some(text) = trimmed.text().strip_prefix(MARK) else {
            rest.push(line.text(), line.at().start);
            rest.push("\n", line.at().end);
            continue;
        };
        let setting = trimmed.part(MARK.len()..MARK.len() + text.len());
        match setting.pair() {
            Some(pair) => pairs.push(pair),
            None => {
                let remedy = format!("write #| name: value; settings are {}", list(KEYS));
                compiler_notes.mistake(trimmed.at(), "this is no setting", remedy);
            }
        }
    }
    (pairs, rest)
}

/// The name among settings, if it is there.
pub(super) fn name<'b>(pairs: &[(Written<'b>, Written<'b>)]) -> Option<Written<'b>> {
    pairs.iter().find(|(key, _)| key.text() == "name").map(|(_, value)| value.unquoted())
}

/// What is wrong with a name, if anything is.
pub(super) fn unfit(name: &str) -> Option<&'static str> {
    if !is_name(name) {
        return Some("names are small letters, digits and _, and begin with a letter");
    }
    if is_field(name) || is_built_in(name) {
        return Some("results and expressions have that word already");
    }
    ["continue", "stop"].contains(&name).then_some("`on_fail` has that word already")
}

/// Reads the settings; the actions that it goes on to are settled later, when all are known.
pub(super) fn read(
    kind: ActKind,
    pairs: &[(Written<'_>, Written<'_>)],
    compiler: &Compiler<'_>,
) -> (Settings, Vec<Target>) {
    let mut settings = Settings::default();
    let mut targets = Vec::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        let notes = compiler.notes;
        let word = key.text();
        if !KEYS.contains(&word) {
            let remedy = format!("settings are {}", list(KEYS));
            notes.unknown(key.at(), word, format!("there is no setting `{word}`"), KEYS, remedy);
            continue;
        }
        if word != "redact" && pairs.iter().take(index).any(|(other, _)| other.text() == word) {
            notes.mistake(key.at(), format!("`{word}` is there twice"), "keep one of them");
            continue;
        }
        if CHARTED.contains(&word) && kind != ActKind::Promql && word != "unit" {
            notes.mistake(key.at(), format!("`{word}` is for promql"), "take it out");
            continue;
        }
        if value.text().is_empty() {
            notes.mistake(key.at(), format!("`{word}` has no value"), "write it, or take it out");
            continue;
        }
        one(kind, word, *value, compiler, &mut settings, &mut targets);
    }
    dependent(pairs, compiler, &mut settings);
    (settings, targets)
}

/// Settings that say more about another one.
fn dependent(pairs: &[(Written<'_>, Written<'_>)], compiler: &Compiler<'_>, settings: &mut Settings) {
    for (word, needs) in [("columns", "rows"), ("every", "follow")] {
        let Some((key, value)) = pairs.iter().find(|(key, _)| key.text() == word) else { continue };
        if !pairs.iter().any(|(key, _)| key.text() == needs) {
            let what = format!("`{word}` says how `{needs}` is meant, and there is none");
            compiler.notes.mistake(key.at(), what, format!("add #| {needs}, or take it out"));
            continue;
        }
        match word {
            "columns" => {
                let columns = answer::columns(value.unquoted(), compiler);
                if let Some(rows) = &mut settings.rows {
                    rows.columns = columns;
                }
            }
            _ => {
                let every = wait(value.unquoted(), compiler);
                if let Some(follow) = &mut settings.follow {
                    follow.every = every;
                }
            }
        }
    }
}

fn one(
    kind: ActKind,
    word: &str,
    value: Written<'_>,
    compiler: &Compiler<'_>,
    settings: &mut Settings,
    targets: &mut Vec<Target>,
) {
    let notes = compiler.notes;
    let bare = value.unquoted();
    let text = bare.text();
    match word {
        "name" => settings.name = Some(text.to_owned()),
        "expect" => settings.expect = compiler.expression(value, Some(kind), Admits::Judged),
        "when" => settings.when = compiler.expression(value, None, Admits::Judged),
        "timeout" => settings.timeout = wait(bare, compiler),
        "cache" => settings.cache = wait(bare, compiler),
        "chart" => settings.chart = wait(bare, compiler),
        "retry" => settings.retry = retry(bare, compiler),
        "approve" => settings.approve = approve(bare, compiler),
        "role" => settings.role = role(bare, compiler),
        "confirm" => settings.confirm = compiler.plain(bare, Slot::Plain),
        "lock" => settings.lock = compiler.plain(bare, Slot::Plain),
        "redact" => match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(regex) => settings.redact.push(regex),
            Err(_) => {
                notes.mistake(bare.at(), "this is no regular expression", "write what must not be kept");
            }
        },
        "unit" => settings.unit = Some(text.to_owned()),
        "threshold" => match text.parse::<f64>().ok().filter(|number| number.is_finite()) {
            Some(number) => settings.threshold = Some(number),
            None => notes.mistake(bare.at(), format!("`{text}` is no number"), "write a number, such as 70"),
        },
        "reads" => match text {
            "true" => settings.reads = true,
            "false" => {}
            _ => notes.mistake(bare.at(), "`reads` is true or false", "write true when it changes nothing"),
        },
        "show" => settings.show = answer::show(bare, kind, compiler),
        "rows" => {
            let list = compiler.expression(value, Some(kind), Admits::Nothing);
            settings.rows = list.map(|list| Rows { list, columns: Vec::new() });
        }
        "follow" => {
            let length = compiler.plain(bare, Slot::Plain);
            settings.follow = length.map(|length| Follow { length, every: None });
        }
        "service" => {
            if compiler.names.services.contains(text) {
                settings.service = Some(text.to_owned());
                compiler.uses.borrow_mut().services.insert(text.to_owned());
            } else {
                let known = compiler.names.services.iter().map(String::as_str);
                let remedy = format!("services of [environment.…] are {}", list(known.clone()));
                notes.unknown(
                    bare.at(),
                    text,
                    format!("no environment has a service `{text}`"),
                    known,
                    remedy,
                );
            }
        }
        "on_fail" if text == "continue" => settings.on_fail = Some(OnFail::Continue),
        "on_fail" if text == "stop" => settings.on_fail = Some(OnFail::Stop),
        "on_fail" | "on_pass" => {
            targets.push(Target { name: text.to_owned(), at: bare.at(), on_fail: word == "on_fail" });
        }
        _ => {}
    }
}

fn wait(value: Written<'_>, compiler: &Compiler<'_>) -> Option<SignedDuration> {
    match duration::parse(value.text()) {
        Ok(wait) if wait.is_zero() || wait > LONGEST => {
            compiler.notes.mistake(value.at(), "this is too short or too long", "write 1s to 24h");
            None
        }
        Ok(wait) => Some(wait),
        Err(error) => {
            compiler.notes.mistake(value.at(), error.to_string(), "write a duration, such as 5s");
            None
        }
    }
}

/// `3`, `3 every 10s`
fn retry(value: Written<'_>, compiler: &Compiler<'_>) -> Option<Retry> {
    let words: Vec<&str> = value.text().split_whitespace().collect();
    let read = match words.as_slice() {
        [times] => times.parse().ok().map(|times| (times, SignedDuration::from_secs(1))),
        [times, "every", every] => times.parse().ok().zip(duration::parse(every).ok()),
        _ => None,
    };
    let retry = read.filter(|(times, every)| (1..=20).contains(times) && *every <= LONGEST);
    if retry.is_none() {
        compiler.notes.mistake(
            value.at(),
            "this is no number of tries",
            "write 3, or 3 every 10s; at most 20",
        );
    }
    retry.map(|(times, every)| Retry { times, every })
}

/// `operator`, `2 operator`
fn approve(value: Written<'_>, compiler: &Compiler<'_>) -> Option<Approve> {
    let text = value.text();
    let (people, role_at) = match text.split_once(char::is_whitespace) {
        Some((people, _)) => (people.parse().ok(), value.part(people.len()..text.len()).trimmed()),
        None => (Some(1), value),
    };
    let Some(people) = people.filter(|people| (1..=5).contains(people)) else {
        compiler.notes.mistake(
            value.at(),
            "this is no approval",
            "write operator, or 2 operator; at most 5 people",
        );
        return None;
    };
    let role = role(role_at, compiler)?;
    if role == Role::Viewer {
        let remedy = "write responder, operator or admin";
        compiler.notes.mistake(role_at.at(), "a viewer cannot approve anything", remedy);
        return None;
    }
    Some(Approve { people, role })
}

fn role(value: Written<'_>, compiler: &Compiler<'_>) -> Option<Role> {
    let text = value.text();
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    if found.is_none() {
        let known = Role::ALL.map(Role::as_str);
        let remedy = format!("roles are {}", list(known));
        compiler.notes.unknown(value.at(), text, format!("`{text}` is no role"), known, remedy);
    }
    found
}
