//! Alert groups: alerts that one route groups together; what gets acknowledged and paged for.
//! Never decides; see `decide`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    deployment::Whereabouts,
    event::{Actor, Expectations, Plan, ResolvedBy},
    id::{
        AlertId, ChannelName, DeliveryId, GroupId, GroupKey, IncidentId, PageId, PersonId, RouteId, RunId,
        SeverityId, StormId,
    },
    labels::Labels,
    person::Urgency,
    quiet::{Hush, Snooze},
    run::HeldBack,
};

/// A group with at least one firing alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Under which it is found while it is open.
    pub key: GroupKey,
    /// The route; none: the catch-all.
    pub route: Option<RouteId>,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// What people call it.
    pub title: String,
    /// The highest severity among its alerts.
    pub severity: Option<SeverityId>,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Where its card is.
    pub channels: Vec<ChannelName>,
    /// Whom it pages.
    pub page: Option<Plan>,
    /// Severity of the incident that it opens, if it opens one, unless its own is worse by then.
    pub opens_incident: Option<SeverityId>,
    /// What the severity asks.
    pub expect: Expectations,
    /// Alerts that fire.
    pub firing: BTreeSet<AlertId>,
    /// How many alerts have been in it.
    pub seen: u64,
    /// When it opened (civil time).
    pub opened_at: Timestamp,
    /// Since when its severity is what it is (engine time): "unresolved for too long" counts from here.
    pub severe_since: Timestamp,
    /// When its wait is over (engine time); none once people were told.
    pub wait_until: Option<Timestamp>,
    /// Who took it, and when (civil time).
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// Pages that run for it.
    pub pages: BTreeSet<PageId>,
    /// Cards that are in the outbox.
    pub cards: BTreeSet<DeliveryId>,
    /// Everyone who was paged for it.
    pub paged: BTreeSet<PersonId>,
    /// How many of `expect.unresolved` have paged.
    pub unresolved_paged: usize,
    /// Revision of its card; 0: none was posted yet.
    pub card_revision: u32,
    /// When a changed card is posted again (engine time).
    pub card_due: Option<Timestamp>,
    /// Where it has a card of its own.
    pub carded: BTreeSet<ChannelName>,
    /// Storms whose card tells of it, because it has none of its own in their channel.
    pub storms: BTreeSet<StormId>,
    /// Runbooks that started for it, each once.
    #[serde(default)]
    pub runs: BTreeMap<String, RunId>,
    /// What the labels of its alerts say about where they are.
    #[serde(default)]
    pub whereabouts: Whereabouts,
    /// Runbooks that were to start for it, each once, whatever became of that.
    #[serde(default)]
    pub due: BTreeSet<String>,
    /// Those of them that do not start, and why.
    #[serde(default)]
    pub held_back: Vec<(String, HeldBack)>,
    /// What keeps it quiet; none: it is heard.
    #[serde(default)]
    pub hush: Option<Hush>,
    /// Somebody took it for a while.
    #[serde(default)]
    pub snooze: Option<Snooze>,
    /// How long its card waits at least between two revisions that nobody asked for.
    #[serde(default)]
    pub group_interval: Option<SignedDuration>,
    /// When its card was last posted (engine time).
    #[serde(default)]
    pub card_at: Option<Timestamp>,
    /// After how long its channels are told again.
    #[serde(default)]
    pub repeat_interval: Option<SignedDuration>,
    /// When they are (engine time), unless it is quiet or snoozed then.
    #[serde(default)]
    pub repeat_at: Option<Timestamp>,
    /// It joined its incident in a storm: a page of the incident, the last of which was this, is for it, too.
    #[serde(default)]
    pub covered_by: Option<PageId>,
    /// Who said that the last of its alerts that ended is over; none: its source did.
    #[serde(default)]
    pub ended_by: Option<Actor>,
    /// The incident that it belonged to, when that was resolved and it fired again.
    #[serde(default)]
    pub resolved: Option<IncidentId>,
}

impl Group {
    /// Whether its channel and the people on call have been told of it.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.wait_until.is_none()
    }

    /// Its channels are told at this instant (engine time): from here its repetition counts.
    pub(super) fn told_at(&mut self, clock: Timestamp) {
        self.repeat_at = self.repeat_interval.and_then(|interval| clock.checked_add(interval).ok());
    }
}

impl ResolvedBy {
    /// Who said so, when it was somebody and no source.
    #[must_use]
    pub fn somebody(&self) -> Option<Actor> {
        match self {
            Self::Person(person) => Some(Actor::Person(person.clone())),
            Self::Operator => Some(Actor::Operator),
            Self::Source(_) | Self::SourceGroup(_) => None,
        }
    }
}

/// What is remembered of a group after it closed, so that late commands get a true answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedGroup {
    /// Its id.
    pub id: GroupId,
    /// What people called it.
    pub title: String,
    /// When it opened (civil time).
    pub opened_at: Timestamp,
    /// When it closed (civil time).
    pub closed_at: Timestamp,
    /// Who had taken it.
    pub acknowledged_by: Option<Actor>,
    /// Who said that it is over; none: its source did.
    #[serde(default)]
    pub ended_by: Option<Actor>,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// Its severity.
    pub severity: Option<SeverityId>,
    /// How many alerts have been in it.
    pub seen: u64,
    /// What the labels of its alerts said about where they were.
    #[serde(default)]
    pub whereabouts: Whereabouts,
}
