//! What keeps an alert quiet: silences and maintenance. Never decides it; it only says what was decided.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{intent::Now, labels::Labels, state::State};

/// One thing that keeps an alert quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuietLine {
    /// What it is, as people name it: `silence S-3`.
    pub what: String,
    /// Who wanted it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// Until when (civil time).
    pub until: Option<Timestamp>,
}

/// What keeps an alert of these labels quiet at an instant.
#[must_use]
pub fn quiet(state: &State, labels: &Labels, now: Now) -> Vec<QuietLine> {
    let lines = state.quieted_by(labels, now.engine).into_iter().map(|silence| QuietLine {
        what: format!("{} {}", silence.kind.as_str(), silence.id),
        by: silence.by.to_string(),
        why: silence.comment.as_str().to_owned(),
        until: Some(now.civil_of(silence.ends)),
    });
    lines.collect()
}
