//! Alerts: one firing condition each, and what a source says about them. Never interprets a source's own
//! format; that is the intake's work.

use std::{mem, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    id::{AlertId, AlertKey, GroupId, IntegrationId, SeverityId},
    labels::Labels,
};

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It ended.
    Resolved,
}

/// What a source says about one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Firing or resolved.
    pub status: AlertStatus,
    /// Identifies the condition within its integration.
    pub fingerprint: String,
    /// Labels as sent; control characters and mentions included.
    pub labels: Labels,
    /// Annotations as sent.
    pub annotations: Labels,
    /// When it started.
    pub starts_at: Timestamp,
    /// When it ended; only meaningful when resolved.
    pub ends_at: Option<Timestamp>,
    /// Link to the graph or rule behind it (`generatorURL`).
    pub graph: Option<String>,
}

/// What one message of a source says.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Who sent it.
    pub integration: IntegrationId,
    /// The source's own group (Alertmanager's `groupKey`). Shared: it goes into an event of every alert.
    pub source_group: Option<Arc<str>>,
    /// The status of that group as a whole.
    pub status: AlertStatus,
    /// How many alerts the source left out of the message.
    pub truncated: u64,
    /// Link to the source.
    pub source: Option<Arc<str>>,
    /// What it says, alert by alert.
    pub signals: Vec<Signal>,
}

impl Report {
    /// Bytes that it takes in memory, about: what a queue is bounded by.
    #[must_use]
    pub fn size(&self) -> usize {
        let signal = |one: &Signal| {
            let graph = one.graph.as_ref().map_or(0, String::len);
            mem::size_of::<Signal>()
                + one.fingerprint.len()
                + one.labels.size()
                + one.annotations.size()
                + graph
        };
        mem::size_of::<Self>() + self.signals.iter().map(signal).sum::<usize>()
    }
}

/// An alert that fires.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Its dedupe key.
    pub key: AlertKey,
    /// Where it came from.
    pub integration: IntegrationId,
    /// Groups of the source in which it was reported.
    pub source_groups: Vec<Arc<str>>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// When it started, as its source says.
    pub starts_at: Timestamp,
    /// Link to the graph.
    pub graph: Option<String>,
    /// Link to the source.
    pub source: Option<Arc<str>>,
    /// Severity by labels or route.
    pub severity: Option<SeverityId>,
    /// Groups that it is in.
    pub groups: Vec<GroupId>,
}

impl Alert {
    /// What it is called: its `alertname`.
    #[must_use]
    pub fn name(&self) -> &str {
        name(&self.labels)
    }
}

/// What an alert with these labels is called.
#[must_use]
pub fn name(labels: &Labels) -> &str {
    labels.get("alertname").filter(|name| !name.is_empty()).unwrap_or("alert without a name")
}
