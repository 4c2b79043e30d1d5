//! Which commands may have been meant by words that are none. Pure, and never more than three.

use std::sync::Arc;

use super::{nearest::likeness, registry::Registry, spec::CommandSpec, words::Word};
use crate::{
    domain::{
        id::{IncidentId, TaskId},
        page::Target,
    },
    text::usage::Suggestion,
};

/// Up to three commands that may have been meant: by the whole path, and by a single word of it.
pub(super) fn suggestions(
    registry: &Registry,
    text: &str,
    words: &[Word],
    path: &[String],
) -> Vec<Suggestion> {
    let mut found: Vec<(f64, &Arc<CommandSpec>, usize)> = Vec::new();
    for spec in registry.specs() {
        let best = spec
            .paths()
            .map(|command| likely(path, command))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some((score, used)) = best.filter(|(score, _)| *score >= 0.6) {
            found.push((score, spec, used));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    // What is much less likely than the best only confuses.
    let best = found.first().map_or(0.0, |(score, ..)| *score);
    found.retain(|(score, ..)| *score > best - 0.15);
    let tail = |used: usize| words.get(used).and_then(|word| text.get(word.start..)).unwrap_or_default();
    found
        .into_iter()
        .take(3)
        .map(|(_, spec, used)| Suggestion {
            name: spec.name(),
            command: format!("{} {}", spec.name(), tail(used)).trim_end().to_owned(),
        })
        .collect()
}

/// Words that stand where an incident may, name none, and are no text either.
pub(super) enum Slip {
    /// This one was meant: `INC7`, `INC-7:`, `INC 7`.
    Incident(String),
    /// Another thing's name stands there alone, as in `/incident resolve G-17`.
    Another,
}

/// Whether words that name no incident were meant to.
pub(super) fn incident(words: &[Word]) -> Option<Slip> {
    let (first, second) = (words.first().filter(|word| !word.quoted)?, words.get(1));
    let written = first.text.to_ascii_uppercase();
    let number = written.strip_prefix(IncidentId::PREFIX).and_then(|rest| {
        let rest = match (rest, second) {
            ("" | "-" | "#" | ":", Some(second)) => second.text.as_str(),
            _ => rest.trim_start_matches(['-', '_', '#', ':', '.', '/']),
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    if let Some(number) = number {
        return Some(Slip::Incident(IncidentId(number).to_string()));
    }
    let another =
        written.contains('-') && (written.parse::<Target>().is_ok() || written.parse::<TaskId>().is_ok());
    (another && second.is_none()).then_some(Slip::Another)
}

/// How likely a path was meant, and how many words were written for it.
fn likely<S: AsRef<str>>(written: &[String], command: &[S]) -> (f64, usize) {
    // Words that are right say nothing about those that are not.
    let right = written.iter().zip(command).take_while(|(word, part)| *word == part.as_ref()).count();
    let (written, command) =
        (written.get(right..).unwrap_or_default(), command.get(right..).unwrap_or_default());
    let name = command.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" ");
    let mut best = (0.0, 0);
    // One word less: written in one (`incidentopen`).
    for count in [command.len(), command.len().saturating_sub(1)] {
        let score = written.get(..count).map_or(0.0, |words| likeness(&words.join(" "), &name));
        if count > 0 && score > best.0 {
            best = (score, right + count);
        }
    }
    // Only the last word of it: `open P1 …`.
    if let (0, Some(first), Some(last), true) = (right, written.first(), command.last(), command.len() > 1) {
        let score = likeness(first, last.as_ref()) * 0.9;
        if score > best.0 {
            best = (score, 1);
        }
    }
    best
}
