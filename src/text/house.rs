//! Cards about the house itself: a configuration that came into force or did not, and what the doctor found. Never says
//! that something is in force that is not, and never shows a secret or an address.

use super::{
    card::{Card, Tone},
    plain::{NAME, plain},
    refusal::no,
    scene::{capital, field},
};
use crate::domain::reload::{Change, Part};

/// Lines of warnings that are shown; the others are counted.
const WARNINGS: usize = 5;
/// Rows of the doctor's card; the others are counted.
const ROWS: usize = 60;
/// Characters of a document that every platform shows.
const LONGEST: usize = 12_000;

/// What a kind of thing is called: one of them, and several.
#[must_use]
pub fn part(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Person => ("person", "people"),
        Part::Team => ("team", "teams"),
        Part::Schedule => ("schedule", "schedules"),
        Part::Policy => ("policy", "policies"),
        Part::Severity => ("severity", "severities"),
        Part::Integration => ("integration", "integrations"),
        Part::Route => ("route", "routes"),
        Part::Token => ("API token of", "API tokens of"),
        Part::Runbook => ("runbook", "runbooks"),
        Part::Environment => ("environment", "environments"),
        Part::Maintenance => ("maintenance", "maintenance"),
    }
}

/// `2 people added (dev, eve), 1 removed (ben)`, a kind a sentence.
#[must_use]
pub fn change(change: &Change) -> String {
    let (one, several) = part(change.part);
    let counts = [(&change.added, "added"), (&change.removed, "removed"), (&change.changed, "changed")];
    let total: usize = counts.iter().map(|(names, _)| names.len()).sum();
    let noun = if total == 1 && change.more == 0 { one } else { several };
    let parts: Vec<String> = counts
        .iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, what)| {
            let names: Vec<String> = names.iter().map(|name| plain(name, NAME)).collect();
            format!("{} {what} ({})", names.len(), names.join(", "))
        })
        .collect();
    let more = if change.more > 0 { format!(", and {} more", change.more) } else { String::new() };
    format!("{}: {}{more}", capital(noun), parts.join(", "))
}

/// It came into force.
#[must_use]
pub fn reloaded(digest: &str, changes: &[Change], at_restart: &[String], warnings: &[String]) -> Card {
    let mut text: Vec<String> = changes.iter().map(change).collect();
    if changes.is_empty() {
        text.push("Everything that has a name is as it was.".to_owned());
    }
    text.push(
        "Pages that run keep their policy; whom a step means is looked up when it is due, an address when an attempt is \
         made."
            .to_owned(),
    );
    if changes.iter().any(|change| change.part == Part::Runbook) {
        text.push(
            "On Discord new commands are in its list after the next restart; behind the bot's name they work now."
                .to_owned(),
        );
    }
    if !at_restart.is_empty() {
        let names = at_restart.join(", ");
        text.push(format!(
            "Kept as it was until the next start: {names}. Restart Watchbell to take it over."
        ));
    }
    let (shown, rest) = warnings.split_at(warnings.len().min(WARNINGS));
    text.extend(shown.iter().map(|warning| format!("Warning: {warning}")));
    if !rest.is_empty() {
        text.push(format!("{} more warnings: watchbell check shows them.", rest.len()));
    }
    let tone = if at_restart.is_empty() && warnings.is_empty() { Tone::Good } else { Tone::Warning };
    Card {
        title: "The new configuration is in force.".to_owned(),
        tone,
        text: text.join("\n"),
        fields: vec![field("Configuration", plain(digest, 12))],
        ..Card::default()
    }
}

/// It has mistakes.
#[must_use]
pub fn mistakes(text: String, summary: &str) -> Card {
    let mut document = text;
    if document.len() > LONGEST {
        let mut end = LONGEST;
        while !document.is_char_boundary(end) {
            end -= 1;
        }
        document.truncate(end);
        document.push_str("\n… `watchbell check` shows all of it.");
    }
    let kept = "The configuration that was in force stays in force. Mend the files and try again; `watchbell check` \
                shows the same.";
    Card { document, ..no(format!("Nothing was changed: {summary}."), kept) }
}

/// It is right, and cannot come into force now.
#[must_use]
pub fn impossible(why: &str) -> Card {
    no("Nothing was changed.".to_owned(), &format!("{} Restart Watchbell to take it over.", capital(why)))
}

/// This server was not started from files.
#[must_use]
pub fn nothing_to_read() -> Card {
    let text = "This Watchbell was not started from files, so there is nothing to read anew.";
    no("Nothing was changed.".to_owned(), text)
}

/// Nobody looks after this house.
#[must_use]
pub fn nobody_looks() -> Card {
    no("Nothing was looked at.".to_owned(), "This Watchbell has no parts around it. Use: watchbell doctor")
}

/// One thing that the doctor looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub what: String,
    /// How it is; or what is wrong.
    pub good: Result<String, String>,
    /// What mends it.
    pub remedy: Option<String>,
}

impl Line {
    /// As a line of text: `✓ Slack, #ops: the bot is in it`, with its remedy below.
    #[must_use]
    pub fn plain(&self) -> String {
        let what = &self.what;
        match (&self.good, &self.remedy) {
            (Ok(found), _) if found.is_empty() => format!("✓ {what}"),
            (Ok(found), _) => format!("✓ {what}: {found}"),
            (Err(why), None) => format!("✗ {what}: {why}"),
            (Err(why), Some(remedy)) => format!("✗ {what}: {why}\n    → {remedy}"),
        }
    }
}

/// What the doctor found: what is wrong first; what is well is counted, or shown with `all`.
#[must_use]
pub fn examined(lines: &[Line], all: bool) -> Card {
    let (good, bad): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.good.is_ok());
    let title = match bad.len() {
        0 => "All is well.".to_owned(),
        1 => "1 thing is to be mended.".to_owned(),
        count => format!("{count} things are to be mended."),
    };
    let shown: Vec<&&Line> = bad.iter().chain(good.iter().filter(|_| all)).collect();
    let (first, rest) = shown.split_at(shown.len().min(ROWS));
    let mut document: Vec<String> = first.iter().map(|line| line.plain()).collect();
    if !rest.is_empty() {
        document.push(format!("… and {} more", rest.len()));
    }
    let text = match (all, good.len()) {
        (true, _) | (_, 0) => String::new(),
        (false, 1) => "1 other thing was looked at and is well: /watchbell doctor --all".to_owned(),
        (false, count) => {
            format!("{count} other things were looked at and are well: /watchbell doctor --all")
        }
    };
    Card {
        title,
        tone: if bad.is_empty() { Tone::Good } else { Tone::Warning },
        text,
        document: document.join("\n"),
        ..Card::default()
    }
}
