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
    /// This one was meant: `INC7`, `INC-7:`, `INC 7`, `#7`.
    Incident(String),
    /// Another thing's name stands there, as in `/incident resolve G-17`.
    Another,
}

/// What people write between a prefix and its number; a telephone makes dashes of its own.
const BETWEEN: [char; 8] = ['-', '–', '—', '_', '#', ':', '.', '/'];
/// What people write behind a name.
const BEHIND: [char; 9] = [':', '.', ',', ';', '!', '?', ')', '–', '—'];

/// Whether words that name no incident were meant to. `may_be_bare`: the command needs no text, and does something to an
/// incident that was not named. There `7: fixed` and `G-17 is well` are no text either; of a note they are its beginning.
pub(super) fn incident(words: &[Word], may_be_bare: bool) -> Option<Slip> {
    let (first, second) = (words.first().filter(|word| !word.quoted)?, words.get(1));
    let written = first.text.to_ascii_uppercase();
    let is_between = |word: &&Word| word.text.chars().all(|char| BETWEEN.contains(&char));
    let number = written.strip_prefix(IncidentId::PREFIX).and_then(|rest| {
        let rest = match (rest, words.iter().skip(1).find(|word| !is_between(word))) {
            ("" | "-" | "–" | "—" | "#" | ":", Some(second)) => second.text.as_str(),
            _ => rest.trim_start_matches(BETWEEN),
        };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    let name = written.trim_end_matches(BEHIND);
    let numbered = name.strip_prefix('#').or_else(|| Some(name).filter(|_| may_be_bare));
    let only_digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = numbered.filter(only_digits).and_then(|digits| digits.parse::<u64>().ok());
    if let Some(number) = number.or(numbered) {
        return Some(Slip::Incident(IncidentId(number).to_string()));
    }
    let name = name.replace(['–', '—'], "-");
    let another = name.contains('-') && (name.parse::<Target>().is_ok() || name.parse::<TaskId>().is_ok());
    (another && (may_be_bare || second.is_none())).then_some(Slip::Another)
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
