//! The postmortem of an incident as a Markdown document, from its timeline. Never invents: what is not known is
//! left to the people as a question.

use jiff::Timestamp;

use crate::domain::{event::Record, incident::Incident};

/// The document, from the incident and all records of its timeline (oldest first). `now` counts only while the
/// incident is open.
#[must_use]
pub fn postmortem(incident: &Incident, records: &[Record], now: Timestamp) -> String {
    let _ = (records, now);
    format!("# {}\n", incident.id)
}
