//! Everything by which an alert stays quiet: silences, maintenance, snoozes, and what a person has declared to be over.
//! Never decides that somebody is told; see `decide`. All instants of silences are engine time: they are waits.

pub mod event;
pub mod intent;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use event::{GroupHushed, GroupSnoozed, Hushing, QuietEvent, SilenceAdded};
pub use intent::{QuietIntent, QuietRefusal};

use super::{
    alert::Alert,
    event::{Actor, Title},
    group::Group,
    id::{AlertKey, ChannelName, SilenceId},
    incident::{Incident, IncidentStatus},
    labels::Labels,
    matcher::Matcher,
    state::{Ended, State},
};

/// The longest silence or maintenance: what must stay quiet for longer belongs into the source's own rules.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How many silences and maintenances are in force or to come at most: every alert is held against each of them.
pub const MOST_SILENCES: usize = 500;
/// How many conditions one of them has at most.
pub const MOST_MATCHERS: usize = 16;
/// The longest condition, in bytes.
pub const LONGEST_MATCHER: usize = 1_000;
/// The shortest and the longest snooze.
pub const SNOOZE: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(1), SignedDuration::from_hours(24 * 7));
/// How long a source may go on saying that an alert fires which a person has declared to be over. A firing that
/// started later counts at once.
pub const OVER_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How many silences that are over are remembered, so that late commands get a true answer.
pub const REMEMBERED: usize = 200;
/// How many alerts that people declared to be over are remembered.
pub const REMEMBERED_ALERTS: usize = 20_000;

/// What keeps alerts quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceKind {
    /// Somebody does not want to hear of them.
    Silence,
    /// Somebody works on what they are about.
    Maintenance,
}

impl SilenceKind {
    /// The word that people read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A silence or a maintenance. All conditions must be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id; silences and maintenances are counted together.
    pub id: SilenceId,
    /// Which of the two.
    pub kind: SilenceKind,
    /// The conditions; at least one.
    pub matchers: Vec<Matcher>,
    /// Who wants it.
    pub by: Actor,
    /// Why.
    pub comment: Title,
    /// Of a planned maintenance: its name in the configuration.
    pub planned: Option<String>,
    /// Where its begin and its end are told.
    pub channels: Vec<ChannelName>,
    /// From (engine time), inclusive.
    pub starts: Timestamp,
    /// Until (engine time), exclusive.
    pub ends: Timestamp,
    /// Whether its begin was noted.
    pub begun: bool,
    /// When it was over (civil time), and who ended it before its time.
    pub ended: Option<(Timestamp, Option<Actor>)>,
}

impl Silence {
    /// Whether it is in force at an instant (engine time).
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.ended.is_none() && self.starts <= at && at < self.ends
    }

    /// Whether it is about an alert with these labels.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        !self.matchers.is_empty() && self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// What is said of it where a group is quiet.
    #[must_use]
    pub fn hushing(&self) -> Hushing {
        Hushing { silence: self.id, kind: self.kind, by: self.by.clone() }
    }
}

/// A group is quiet: nobody is told and nobody is paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hush {
    /// What keeps it quiet.
    pub by: Vec<Hushing>,
    /// When it is looked at again (engine time): the first of its alerts is not quiet any more, unless something else
    /// keeps it so.
    pub until: Timestamp,
}

/// Somebody took a group for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Who.
    pub by: Actor,
    /// Until when (engine time).
    pub until: Timestamp,
}

/// What the state knows of silences.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quiet {
    /// Those in force and to come.
    pub silences: BTreeMap<SilenceId, Arc<Silence>>,
    /// The last ones that are over.
    pub ended: BTreeMap<SilenceId, Arc<Silence>>,
    /// The number of the last one; 0: there was none.
    pub last: SilenceId,
    /// Alerts that a person declared to be over while their source says that they fire.
    pub over: BTreeMap<AlertKey, Ended>,
    /// The order in which `over` is forgotten; a key whose instant differs was declared over again since.
    pub over_order: VecDeque<(AlertKey, Timestamp)>,
}

impl State {
    /// What keeps an alert with these labels quiet at an instant (engine time), in the order of their numbers.
    #[must_use]
    pub fn quieted_by(&self, labels: &Labels, at: Timestamp) -> Vec<&Silence> {
        let all = self.quiet.silences.values().map(AsRef::as_ref);
        all.filter(|silence| silence.holds(at) && silence.matches(labels)).collect()
    }

    /// A silence or a maintenance: in force, to come, or over not too long ago.
    #[must_use]
    pub fn silence(&self, id: SilenceId) -> Option<&Arc<Silence>> {
        self.quiet.silences.get(&id).or_else(|| self.quiet.ended.get(&id))
    }

    /// What keeps a group quiet at an instant (engine time): that of each of its alerts; none when one of them is
    /// heard, or no alert fires in it.
    #[must_use]
    pub fn hush_of(&self, group: &Group, at: Timestamp) -> Option<Hush> {
        if self.quiet.silences.is_empty() || group.firing.is_empty() {
            return None;
        }
        let mut by: BTreeMap<SilenceId, Hushing> = BTreeMap::new();
        let mut until = Timestamp::MAX;
        for alert in group.firing.iter().filter_map(|id| self.alerts.get(id)) {
            let silences = self.quieted_by(&alert.labels, at);
            until = until.min(silences.iter().map(|silence| silence.ends).max()?);
            for silence in silences {
                by.entry(silence.id).or_insert_with(|| silence.hushing());
            }
        }
        Some(Hush { by: by.into_values().collect(), until })
    }

    /// Whether nobody waits for an answer to an incident: a rule opened it and no person opened it again, nobody has it or a
    /// role in it, and each of its groups that still fires is quiet or snoozed. The same goes for what was merged into it.
    #[must_use]
    pub fn is_unheard(&self, incident: &Incident) -> bool {
        let of_a_rule = |one: &Incident| {
            let asked_for = one.response.reopened.as_ref().is_some_and(|(by, _)| *by != Actor::Watchbell);
            one.opened_by == Actor::Watchbell && !asked_for && one.acknowledged.is_none()
        };
        let merged = |id| self.incidents.get(id).is_none_or(|one| of_a_rule(one));
        let runs = matches!(incident.status, IncidentStatus::Investigating | IncidentStatus::Identified);
        let nobody = incident.roles.values().all(BTreeSet::is_empty);
        let quiet = |group: &Arc<Group>| group.hush.is_some() || group.snooze.is_some();
        let groups = &incident.response.open_groups;
        runs && nobody
            && of_a_rule(incident)
            && incident.response.merged.iter().all(merged)
            // What joined last is heard, most of the time; of what was quiet the first one is heard first.
            && groups.first().and_then(|id| self.groups.get(id)).is_some_and(quiet)
            && groups.iter().rev().all(|id| self.groups.get(id).is_some_and(quiet))
    }

    /// Alerts that fire and that this silence would keep quiet.
    pub fn alerts_of<'a>(&'a self, silence: &'a Silence) -> impl Iterator<Item = &'a Arc<Alert>> {
        self.alerts.values().filter(|alert| silence.matches(&alert.labels))
    }

    /// Whether a person declared an alert over, and this firing is no later one.
    #[must_use]
    pub fn is_over(&self, key: &AlertKey, starts_at: Timestamp, at: Timestamp) -> bool {
        let over = self.quiet.over.get(key);
        over.is_some_and(|over| starts_at <= over.starts_at && at.duration_since(over.at) < OVER_FOR)
    }
}
