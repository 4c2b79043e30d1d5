//! What a message is about, gathered from the state at the moment it leaves, so that a late message says what is
//! true now. Never words: how it is said is the text module's and the adapters' work.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    delivery::Delivery,
    event::Actor,
    id::{AlertId, GroupId, IncidentId, SeverityId},
    incident::IncidentStatus,
    labels::Labels,
    page::{PageReason, Subject},
};

/// A delivery that has its permit: everything that a worker needs for one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The delivery; `attempts` counts this attempt.
    pub delivery: Delivery,
    /// What it is about.
    pub facts: Facts,
    /// When the permit was given (civil time).
    pub at: Timestamp,
}

/// Where the thing stands that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has taken it.
    Open,
    /// Somebody has, at this civil time.
    Acknowledged(Actor, Timestamp),
    /// It is over since this civil time.
    Resolved(Timestamp),
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The thing itself.
    pub subject: Subject,
    /// What people call it.
    pub title: String,
    /// One line for a page: the summary annotation or the name of its first alert, the incident's title, or
    /// the reason of a request.
    pub summary: String,
    /// How bad.
    pub severity: Option<SeverityId>,
    /// Where it stands.
    pub standing: Standing,
    /// The incident that it is or belongs to.
    pub incident: Option<IncidentFacts>,
    /// The group that it is.
    pub group: Option<GroupFacts>,
    /// Why somebody is paged, when this is a page.
    pub reason: Option<PageReason>,
    /// Who caused the page.
    pub by: Option<Actor>,
}

/// What is known of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentFacts {
    /// Its id.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// Who leads.
    pub commander: Option<String>,
}

/// What is known of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Its id.
    pub id: GroupId,
    /// How many alerts fire.
    pub firing: usize,
    /// How many have been in it.
    pub seen: u64,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// When it opened (civil time).
    pub opened_at: Timestamp,
    /// Up to [`GroupFacts::MOST`] alerts that fire, the oldest first.
    pub alerts: Vec<AlertFacts>,
}

impl GroupFacts {
    /// How many alerts a message names; the others are counted.
    pub const MOST: usize = 10;
}

/// What is known of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFacts {
    /// Its id.
    pub id: AlertId,
    /// Its name.
    pub name: String,
    /// Labels as sent: escape them.
    pub labels: Labels,
    /// Annotations as sent (`summary`, `description`, `runbook_url` …): escape them.
    pub annotations: Labels,
    /// When it started.
    pub starts_at: Timestamp,
    /// Link to the graph.
    pub graph: Option<String>,
    /// Link to the source.
    pub source: Option<String>,
}
