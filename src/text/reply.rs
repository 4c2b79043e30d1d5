//! What is said when something was done. Never claims more than the events say.

use super::card::{Card, Tone};

/// It is done; no more can be said about it right now.
#[must_use]
pub fn kept(what: String) -> Card {
    let text = "It is done and kept. What followed cannot be shown right now: /incident list and the timeline have it.";
    Card { title: what, tone: Tone::Good, text: text.to_owned(), ..Card::default() }
}

/// Which release answers.
#[must_use]
pub fn version(release: &str) -> Card {
    Card { title: format!("Watchbell {release}"), tone: Tone::Plain, ..Card::default() }
}
