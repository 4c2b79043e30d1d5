//! Intake: what sources send becomes a `Message`. Each source is one file and one line here.
//! Never decides what a message means, never checks who sent it, and never takes half of one: all of it or a problem
//! that names the field.

pub mod alertmanager;
mod deployed;
mod document;
pub mod github;
pub mod gitlab;

use std::fmt;

use jiff::Timestamp;

use crate::domain::{
    alert::Report,
    config::{Integration, IntegrationKind},
    deployment::Told,
};

/// What a source sent.
#[derive(Clone, Copy)]
pub struct Sent<'a> {
    /// A header, by its name in lower case, when it is there exactly once.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body as it came.
    pub body: &'a [u8],
    /// When it arrived (civil time).
    pub received: Timestamp,
}

/// What it says.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// How alerts stand.
    Report(Report),
    /// How a deployment stands.
    Deployment(Box<Told>),
    /// Nothing that is kept: a ping, or an event that nobody asked for.
    Passed,
}

/// Reads one message of one source.
type Reader = fn(&Integration, Sent<'_>) -> Result<Message, Problem>;

/// The registry: one line per source.
fn reader(kind: IntegrationKind) -> Reader {
    match kind {
        IntegrationKind::Alertmanager => alertmanager::take,
        IntegrationKind::GitHub => github::take,
        IntegrationKind::GitLab => gitlab::take,
    }
}

/// Reads a message. Who sent it, and how long it may be, is decided before this.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub fn read(integration: &Integration, sent: Sent<'_>) -> Result<Message, Problem> {
    reader(integration.kind)(integration, sent)
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
