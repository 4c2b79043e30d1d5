//! The words of an event for another team's pager: what it rings for, how bad it is, what belongs to it.
//! Never trusts a label: all that came from outside goes through `plain` and is shortened.

use super::{
    card::{Field, Link},
    message,
    plain::plain,
};
use crate::domain::{facts::Dispatch, id::SeverityId, person::Urgency};

/// The longest line that `PagerDuty` takes, in characters.
const SUMMARY: usize = 1024;

/// An event that rings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// One line, with the number that people answer with.
    pub summary: String,
    /// How bad: one of `PagerDuty`'s four words.
    pub severity: &'static str,
    /// What it is about and how it stands.
    pub details: Vec<Field>,
    /// Where there is more to read.
    pub links: Vec<Link>,
}

/// The words of a page.
#[must_use]
pub fn ring(dispatch: &Dispatch) -> Ring {
    let facts = &dispatch.facts;
    let title = message::push(dispatch).title;
    let summary = message::summary(facts);
    let line = if title.contains(&summary) { title } else { format!("{title}: {summary}") };
    let card = message::card(dispatch);
    let mut details = card.fields;
    if !card.text.is_empty() {
        details.insert(0, Field { name: "About".to_owned(), value: card.text });
    }
    Ring {
        summary: plain(&line, SUMMARY),
        severity: severity(facts.urgency, facts.worst()),
        details,
        links: card.links,
    }
}

/// What is urgent rings loudly there, too; what is not, does not.
fn severity(urgency: Urgency, severity: Option<&SeverityId>) -> &'static str {
    match (urgency, severity.map(SeverityId::as_str)) {
        (Urgency::Urgent, Some("P1" | "P2" | "P3")) => "error",
        (Urgency::Urgent, _) => "critical",
        (Urgency::Routine, Some("P3")) => "info",
        (Urgency::Routine, _) => "warning",
    }
}

/// The words on the link that acknowledges.
#[must_use]
pub fn acknowledge() -> String {
    "Acknowledge in Watchbell (opens a page with a button)".to_owned()
}

/// What is said of an event that was taken.
#[must_use]
pub fn taken(message: &str) -> String {
    let message = plain(message, 80);
    if message.is_empty() {
        "taken by PagerDuty".to_owned()
    } else {
        format!("taken by PagerDuty: {message}")
    }
}

/// What is said of an event that `PagerDuty` will never take.
#[must_use]
pub fn refused(status: &str) -> String {
    format!(
        "PagerDuty refuses it ({status}): look at the routing key and whether its integration is \"Events API v2\""
    )
}

/// What is said of an answer that is not `PagerDuty`'s.
#[must_use]
pub fn strange(status: &str) -> String {
    format!("{status}, which is not what PagerDuty answers: look at [pagerduty] url")
}

/// What `doctor` says of an address that answers.
#[must_use]
pub fn reached(status: &str) -> String {
    format!("it answers ({status}); no event was sent")
}
