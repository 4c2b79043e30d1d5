//! Timeline entries: one plain sentence per event, as a person on call wants to read it. Never decides what
//! happened; an event without anything to say has no entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{event::Record, id::Seq};

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the journal.
    pub seq: Seq,
    /// When (civil time).
    pub at: Timestamp,
    /// What it is: `alert_fired`, `paged`, `delivered`, `note`, …
    pub kind: std::borrow::Cow<'static, str>,
    /// A person's id, an integration, `operator` or `watchbell`.
    pub by: String,
    /// One sentence, harmless to show anywhere; not escaped.
    pub text: String,
}

/// What a record says on a timeline; none when it says nothing.
#[must_use]
pub fn entry(record: &Record) -> Option<Entry> {
    let _ = record;
    None
}
