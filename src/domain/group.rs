//! Alert groups: alerts that one route groups together; what gets acknowledged and paged for.
//! Never decides; see `decide`.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::{
    deployment::Whereabouts,
    event::{Actor, Expectations, Plan, ResolvedBy},
    few::Few,
    id::{
        AlertId, ChannelName, DeliveryId, GroupId, GroupKey, IncidentId, PageId, PersonId, RouteId, RunId,
        SeverityId, StormId,
    },
    labels::Labels,
    person::Urgency,
    quiet::{Hush, Snooze},
    run::HeldBack,
};

/// Most fields of most groups are empty, and a snapshot has up to a hundred thousand groups: such fields are left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A group with at least one firing alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Under which it is found while it is open.
    pub key: GroupKey,
    /// The route; none: the catch-all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub route: Option<RouteId>,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// What people call it.
    pub title: String,
    /// The highest severity among its alerts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub severity: Option<SeverityId>,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Where its card is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub channels: ThinVec<ChannelName>,
    /// Whom it pages.
    #[serde(default, skip_serializing_if = "is_default")]
    pub page: Option<Arc<Plan>>,
    /// Severity of the incident that it opens, if it opens one, unless its own is worse by then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub opens_incident: Option<SeverityId>,
    /// What the severity asks.
    pub expect: Expectations,
    /// Alerts that fire.
    #[serde(default, skip_serializing_if = "is_default")]
    pub firing: Few<AlertId>,
    /// How many alerts have been in it.
    pub seen: u64,
    /// When it opened (civil time).
    pub opened_at: Timestamp,
    /// Since when its severity is what it is (engine time): "unresolved for too long" counts from here.
    pub severe_since: Timestamp,
    /// When its wait is over (engine time); none once people were told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wait_until: Option<Timestamp>,
    /// Who took it, and when (civil time).
    #[serde(default, skip_serializing_if = "is_default")]
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// The incident that it belongs to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub incident: Option<IncidentId>,
    /// Pages that run for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pages: Few<PageId>,
    /// Cards that are in the outbox.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cards: Few<DeliveryId>,
    /// Everyone who was paged for it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paged: Few<PersonId>,
    /// How many of `expect.unresolved` have paged.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unresolved_paged: usize,
    /// Revision of its card; 0: none was posted yet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub card_revision: u32,
    /// When a changed card is posted again (engine time).
    #[serde(default, skip_serializing_if = "is_default")]
    pub card_due: Option<Timestamp>,
    /// Where it has a card of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub carded: Few<ChannelName>,
    /// Storms whose card tells of it, because it has none of its own in their channel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub storms: Few<StormId>,
    /// Runbooks that started for it, each once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub runs: BTreeMap<String, RunId>,
    /// What the labels of its alerts say about where they are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub whereabouts: Whereabouts,
    /// Runbooks that were to start for it, each once, whatever became of that.
    #[serde(default, skip_serializing_if = "is_default")]
    pub due: Few<String>,
    /// Those of them that do not start, and why.
    #[serde(default, skip_serializing_if = "is_default")]
    pub held_back: ThinVec<(String, HeldBack)>,
    /// What keeps it quiet; none: it is heard.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hush: Option<Box<Hush>>,
    /// Somebody took it for a while.
    #[serde(default, skip_serializing_if = "is_default")]
    pub snooze: Option<Box<Snooze>>,
    /// How long its card waits at least between two revisions that nobody asked for.
    #[serde(default, skip_serializing_if = "is_default")]
    pub group_interval: Option<SignedDuration>,
    /// When its card was last posted (engine time).
    #[serde(default, skip_serializing_if = "is_default")]
    pub card_at: Option<Timestamp>,
    /// After how long its channels are told again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeat_interval: Option<SignedDuration>,
    /// When they are (engine time), unless it is quiet or snoozed then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub repeat_at: Option<Timestamp>,
    /// It joined its incident in a storm: a page of the incident, the last of which was this, is for it, too.
    #[serde(default, skip_serializing_if = "is_default")]
    pub covered_by: Option<PageId>,
    /// Who said that the last of its alerts that ended is over; none: its source did.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ended_by: Option<Box<Actor>>,
    /// The incident that it belonged to, when that was resolved and it fired again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resolved: Option<IncidentId>,
    /// People resolved its incident, and nobody was paged for it since: what fired before is over for them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub over: bool,
    /// Alerts that fired after its incident was resolved or mitigated. When one of them is heard, it is not over after all.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fired_since: Few<AlertId>,
}

/// What ten thousand groups take is a promise (BENCHMARKS.md): the allocator gives out 640 bytes for this and its two counts.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Group>() <= 624);

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
