//! What is said about runbooks. Never says that one ran: only a run does.

use std::fmt::Write as _;

use jiff::{SignedDuration, tz::TimeZone};

use super::{
    card::{Button, Card, Field, Tone},
    plain::{NAME, plain},
};
use crate::domain::{
    id::RunId,
    intent::Refusal,
    run::{RunRefusal, StepOutcome},
};

/// So many series are named that do not hold.
const NAMED: usize = 3;
/// So much of a condition is shown.
const CONDITION: usize = 80;

/// What `--env` is for.
pub const ENVIRONMENT: &str = "the environment to work in";
/// What `--dry-run` is for.
pub const DRY_RUN: &str = "show what would happen, and change nothing";

/// What `--step` is for.
pub const STEP: &str = "do this step alone, by its heading in small letters with dashes";

/// What `--about` is for.
pub const ABOUT: &str = "the incident that it is about, when that is not the one of this channel";

/// A runbook in a list.
#[derive(Debug, Clone)]
pub struct Line {
    /// How it is written.
    pub usage: String,
    /// What it does.
    pub summary: String,
    /// Who may run it.
    pub role: String,
    /// Whether something in it changes something.
    pub changes: bool,
}

/// A runbook that cannot be used.
#[derive(Debug, Clone)]
pub struct BrokenLine {
    /// Its command, as far as it is known.
    pub command: Option<String>,
    /// The place of its first mistake: `commands/a.md:3:7`.
    pub at: String,
    /// What is wrong there.
    pub what: String,
    /// How many mistakes it has.
    pub count: usize,
}

/// All runbooks, or those that a word is in.
#[must_use]
pub fn list(lines: &[Line], broken: &[BrokenLine], word: Option<&str>) -> Card {
    let title = match (lines.len(), word) {
        (0, None) => "There is no runbook.".to_owned(),
        (0, Some(word)) => format!("No runbook has `{}` in it.", super::usage::short(word)),
        (1, _) => "1 runbook".to_owned(),
        (count, _) => format!("{count} runbooks"),
    };
    let mut table = Vec::new();
    if !lines.is_empty() {
        table.push(["command", "what it does", "who", "changes"].map(str::to_owned).to_vec());
    }
    for line in lines {
        let changes = if line.changes { "yes" } else { "" };
        table.push(vec![line.usage.clone(), line.summary.clone(), line.role.clone(), changes.to_owned()]);
    }
    let text = broken.iter().map(broken_line).collect::<Vec<_>>().join("\n");
    let tone = if broken.is_empty() { Tone::Plain } else { Tone::Warning };
    Card { title, tone, text, table, ..Card::default() }
}

fn broken_line(broken: &BrokenLine) -> String {
    let more = match broken.count {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let command = broken.command.as_deref().map_or_else(String::new, |command| format!("{command} "));
    format!("Cannot be used: {command}{}: {}{more}", broken.at, broken.what)
}

/// A step as it is shown.
#[derive(Debug, Clone)]
pub struct StepLine {
    /// Its heading.
    pub title: String,
    /// What it does, an action each, as written.
    pub does: Vec<String>,
}

/// One runbook: what it does, step by step.
#[must_use]
pub fn show(
    usage: &str,
    summary: &str,
    facts: Vec<(String, String)>,
    intro: &str,
    steps: &[StepLine],
    run: &str,
) -> Card {
    let mut text = summary.to_owned();
    if !intro.is_empty() {
        text = format!("{text}\n{intro}");
    }
    let mut table = Vec::new();
    if !steps.is_empty() {
        table.push(["step", "what it does"].map(str::to_owned).to_vec());
    }
    for step in steps {
        let mut does = step.does.iter();
        let first = does.next().cloned().unwrap_or_default();
        table.push(vec![step.title.clone(), first]);
        table.extend(does.map(|more| vec![String::new(), more.clone()]));
    }
    let fields = facts.into_iter().map(|(name, value)| Field { name, value }).collect();
    let buttons = vec![Button::new("Dry run", format!("{run} --dry-run"))];
    Card { title: usage.to_owned(), text, fields, table, buttons, ..Card::default() }
}

/// No runbook is called that.
#[must_use]
pub fn unknown(written: &str, nearest: Option<&str>) -> Card {
    let mean = nearest.map_or_else(|| ".".to_owned(), |nearest| format!(", did you mean {nearest}?"));
    Card {
        title: format!("No runbook is called {}{mean}", super::usage::short(written)),
        tone: Tone::Warning,
        text: "/runbook list has all of them.".to_owned(),
        buttons: nearest
            .map(|nearest| Button::new(nearest, format!("/runbook show {}", nearest.trim_start_matches('/'))))
            .into_iter()
            .collect(),
        ..Card::default()
    }
}

/// A runbook that has mistakes, shown as they stand in its file.
#[must_use]
pub fn broken(file: &str, mistakes: String) -> Card {
    Card {
        title: format!("{file} cannot be used"),
        tone: Tone::Warning,
        text: "The others work. `watchbell check` shows this, too.".to_owned(),
        document: mistakes,
        ..Card::default()
    }
}

/// What several sources say of one thing, each with its heading; none: fewer than two were asked.
#[must_use]
pub fn agreement(said: &[(&str, StepOutcome)]) -> Option<String> {
    let names = |fits: fn(StepOutcome) -> bool| {
        let fitting = said.iter().filter(|(_, outcome)| fits(*outcome));
        fitting.map(|(heading, _)| super::plain::plain(heading, 80)).collect::<Vec<_>>()
    };
    let well = names(|outcome| outcome == StepOutcome::Passed);
    let bad = names(|outcome| outcome == StepOutcome::Failed);
    let unknown = names(|outcome| !matches!(outcome, StepOutcome::Passed | StepOutcome::Failed));
    if said.len() < 2 {
        return None;
    }
    let mut text = match (well.len(), bad.len()) {
        (0, 0) => "No source could be asked.".to_owned(),
        (_, 0) if unknown.is_empty() => format!("All {} sources agree: it is as it should be.", said.len()),
        (count, 0) => format!("{count} of {} sources say that it is as it should be.", said.len()),
        (0, count) => format!("No source says that it is well, and {count} say that it is not."),
        (_, _) => {
            format!(
                "The sources disagree. Not as it should be: {}. As it should be: {}.",
                bad.join("; "),
                well.join("; ")
            )
        }
    };
    if !unknown.is_empty() {
        let _ = write!(text, " Unknown: {}.", unknown.join("; "));
    }
    Some(text)
}

/// A list has nothing in it.
pub const NOTHING_FOUND: &str = "nothing";
/// Nobody knows: a query found nothing.
pub const NO_DATA: &str = "no data";
/// A command was not taken.
pub const BUSY: &str = "Watchbell is busy: the command was not taken";

/// Why a run did not start at its time.
pub const WAS_AWAY: &str = "Watchbell was not running";
/// Why a run does not answer an alert of an environment that nobody configured.
#[must_use]
pub fn another_environment(said: &[Box<str>]) -> String {
    let said = said.iter().map(|one| super::plain::plain(one, 40)).collect::<Vec<_>>().join(", ");
    format!("the alerts come from {said}, which is not one environment of the configuration")
}

/// Why a run cannot start by itself.
pub const NEEDS_ARGUMENTS: &str = "it needs arguments that nobody gives it";

/// Why a run cannot start that was due.
pub const NOT_THERE: &str = "It is not there any more, or its file has mistakes: /runbook list";

/// Why a run was not started, on one line.
#[must_use]
pub fn refused(no: RunRefusal, zone: &TimeZone) -> String {
    let card = super::refusal::card(&Refusal::Run(no), zone);
    format!("{} {}", card.title, card.text).trim().to_owned()
}

/// What a picture shows, for whoever cannot see it.
#[must_use]
pub fn pictured(run: RunId, title: &str, back: SignedDuration, bars: &[String]) -> String {
    format!(
        "{run} {}, the last {}: {}",
        plain(title, NAME),
        super::span::span(back),
        plain(&bars.join("; "), 600)
    )
}

/// The course of a value could not be asked for.
#[must_use]
pub fn no_course(why: &str) -> String {
    format!("There is no chart: {why}")
}

/// A picture could not be made.
pub const NO_PICTURE: &str = "The chart could not be kept; the log says why.";

/// A check does not hold.
#[must_use]
pub fn expected(check: &str) -> String {
    format!("expected {check}")
}

/// A check does not hold for some of several series.
#[must_use]
pub fn expected_of(check: &str, names: &[&str]) -> String {
    let named = names.iter().filter(|name| !name.is_empty()).take(NAMED).map(|name| plain(name, NAME));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if named.is_empty() {
        return expected(check);
    }
    if names.len() > NAMED {
        let _ = write!(named, " and {} more", names.len() - NAMED);
    }
    format!("{}, not so: {named}", expected(check))
}

/// A step was not its turn. Nobody reads a long condition beside what happened: its beginning is enough to find it.
#[must_use]
pub fn not_when(condition: &str) -> String {
    format!("only when {}", plain(condition, CONDITION))
}

/// What a dry run shows of a step that changes something.
#[must_use]
pub fn would(what: &str) -> String {
    format!("would do: {what}")
}

/// The file of a run is another one now.
#[must_use]
pub fn changed_meanwhile(command: &str) -> String {
    format!("the runbook or its environment changed while Watchbell was away: start {command} anew")
}

/// A run of before was told a secret, which nothing kept.
#[must_use]
pub fn secret_is_gone(command: &str) -> String {
    format!("it was told a secret, which is not kept, and Watchbell was away meanwhile: start {command} anew")
}

/// Words that a run of before was told, or had said, were erased meanwhile.
#[must_use]
pub fn words_are_erased(command: &str) -> String {
    format!("words that it was told were erased while Watchbell was away: start {command} anew")
}

/// A secret that would not be found in what comes back.
#[must_use]
pub fn secret_too_short(command: &str, least: usize) -> Card {
    Card {
        title: format!("{command} was not started."),
        text: format!(
            "A secret has at least {least} characters in each of its lines: a shorter one could not be kept out of what is shown. Nothing was changed."
        ),
        tone: Tone::Warning,
        ..Card::default()
    }
}

/// There is no such environment.
#[must_use]
pub fn no_environment(name: &str) -> Card {
    Card {
        title: format!("There is no environment {}.", super::usage::short(name)),
        tone: Tone::Warning,
        text: "Nothing was started. Environments stand in the configuration, as [environment.NAME]."
            .to_owned(),
        ..Card::default()
    }
}

/// A command was understood where nothing runs.
#[must_use]
pub fn gone() -> Card {
    Card {
        title: "The run is not known any more.".to_owned(),
        tone: Tone::Warning,
        text: "/runbook runs has those that are.".to_owned(),
        ..Card::default()
    }
}

/// A card of a run with what its steps said: each under its heading.
#[must_use]
pub fn with_output(mut card: Card, said: &[(String, String)]) -> Card {
    // What is one line stands beside its step already.
    let stands = |(heading, text): &(String, String)| {
        card.text.lines().any(|line| line.contains(heading.as_str()) && line.contains(text.as_str()))
    };
    let more = said.iter().filter(|one| !stands(one));
    let one = |(heading, text): &(String, String)| format!("## {heading}\n{text}");
    card.document = more.map(one).collect::<Vec<_>>().join("\n\n");
    card
}
