//! What is said when something was done. Never claims more than the events say.

use super::card::{Card, Tone};

/// Which release answers.
#[must_use]
pub fn version(release: &str) -> Card {
    Card { title: format!("Watchbell {release}"), tone: Tone::Plain, ..Card::default() }
}
