//! Intake: what sources send becomes a `Report`. Each source is one file and one line here.
//! Never decides what a report means, and never takes half of a message: all of it or a problem that names the field.

pub mod alertmanager;

use std::fmt;

use jiff::Timestamp;

use crate::domain::{alert::Report, config::IntegrationKind, id::IntegrationId};

/// Reads one message of one source.
type Reader = fn(&IntegrationId, &[u8], Timestamp) -> Result<Report, Problem>;

/// The registry: one line per source.
fn reader(kind: IntegrationKind) -> Reader {
    match kind {
        IntegrationKind::Alertmanager => alertmanager::read,
    }
}

/// Reads a message that arrived at `received` (civil time). How long a body may be is decided before this.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub fn read(
    kind: IntegrationKind,
    integration: &IntegrationId,
    body: &[u8],
    received: Timestamp,
) -> Result<Report, Problem> {
    reader(kind)(integration, body, received)
}

/// What is wrong with a message, for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The field as it was sent (`alerts[0].startsAt`); none: the message as a whole.
    pub field: Option<String>,
    /// What is wrong with it.
    pub what: String,
    /// What to do now.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(out, "{field}: ")?;
        }
        write!(out, "{}. Nothing was taken. {}.", self.what, self.remedy)
    }
}
