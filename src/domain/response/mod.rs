//! What a response consists of beside its alerts and pages: tasks, links, what is known of the impact, and incidents
//! that turned out to be one. Never decides; see `decide/response.rs` and `decide/merge.rs`.

mod event;
mod facts;
mod handover;
mod intent;
mod web;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    event::Actor,
    id::{ChannelName, GroupId, IncidentId, PersonId, TaskId},
    incident::Incident,
    prose::Prose,
    state::State,
};

pub use event::{Merged, ResponseEvent, TaskAdded, TaskChange};
pub use facts::ResponseFacts;
pub use handover::{HandoverFacts, NextDue, PageRuns};
pub use intent::{ResponseIntent, ResponseRefusal, WrongTimes};
pub use web::{BadAddress, address};

/// Tasks that one incident may have; whoever needs more needs another tool.
pub const TASKS: usize = 100;
/// Links that one incident may have.
pub const LINKS: usize = 50;
/// Incidents that one may be related to.
pub const RELATED: usize = 50;
/// From one reminder of a task that is overdue to the next.
pub const REMIND_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How often somebody is reminded of a task: after a week it stands in the lists and nowhere else.
pub const REMINDERS: u32 = 7;
/// The furthest that a task may be due, and that an impact may lie back.
pub const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Where a task stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It is to be done.
    #[default]
    Open,
    /// Somebody did it, at this civil time.
    Done(Actor, Timestamp),
    /// Nobody needs it any more, as somebody said at this civil time.
    Dropped(Actor, Timestamp),
}

/// Something that is to be done for an incident, also after it is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The incident that it belongs to; of one that was merged, the other.
    pub incident: IncidentId,
    /// What is to be done.
    pub text: Prose,
    /// Who does it.
    pub owner: Option<PersonId>,
    /// Until when (engine time).
    pub due: Option<Timestamp>,
    /// Where it stands.
    pub state: TaskState,
    /// Who wrote it down.
    pub by: Actor,
    /// When (civil time).
    pub at: Timestamp,
    /// How often somebody was reminded since it is due.
    pub reminded: u32,
    /// When somebody is reminded next (engine time).
    pub remind_at: Option<Timestamp>,
}

impl Task {
    /// Whether it is to be done.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == TaskState::Open
    }
}

/// Somewhere else where something about an incident stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebLink {
    /// A web address without credentials.
    pub url: Prose,
    /// What people call it.
    pub title: Option<Prose>,
    /// Who added it.
    pub by: Actor,
    /// When (civil time).
    pub at: Timestamp,
}

/// Who was harmed by an incident, how, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// When it began (civil time).
    pub started_at: Timestamp,
    /// When it was over (civil time); none: it goes on, or nobody knows.
    pub ended_at: Option<Timestamp>,
    /// In words.
    pub text: Prose,
    /// Who said so.
    pub by: Actor,
}

/// The last thing that people were told about where a response stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// By whom.
    pub by: Actor,
    /// When (civil time).
    pub at: Timestamp,
    /// In words.
    pub text: Option<Prose>,
}

/// What an incident has of all that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belongings {
    /// Its tasks.
    #[serde(default)]
    pub tasks: BTreeSet<TaskId>,
    /// Its links, the oldest first.
    #[serde(default)]
    pub links: Vec<WebLink>,
    /// Incidents that have to do with it.
    #[serde(default)]
    pub related: BTreeSet<IncidentId>,
    /// What is known of its impact.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// The last status update.
    #[serde(default)]
    pub update: Option<Update>,
    /// It turned out to be the same as this one, where the response goes on.
    #[serde(default)]
    pub merged_into: Option<IncidentId>,
    /// Who said so, and when (civil time).
    #[serde(default)]
    pub merged_by: Option<(Actor, Timestamp)>,
    /// Who resolved it.
    #[serde(default)]
    pub resolved_by: Option<Actor>,
    /// Who reopened it last, and when (civil time).
    #[serde(default)]
    pub reopened: Option<(Actor, Timestamp)>,
    /// Those that turned out to be the same as this one, also by way of others.
    #[serde(default)]
    pub merged: BTreeSet<IncidentId>,
    /// Its groups that are open.
    #[serde(default)]
    pub open_groups: BTreeSet<GroupId>,
    /// Everyone who was paged for one of its groups.
    #[serde(default)]
    pub paged_for_groups: BTreeSet<PersonId>,
    /// Groups that joined while it was open: in a storm they are very many.
    #[serde(default)]
    pub joined: u64,
    /// When the last one did (engine time).
    #[serde(default)]
    pub joined_at: Option<Timestamp>,
    /// When somebody took it (engine time): who takes a flood has what comes with it.
    #[serde(default)]
    pub taken_at: Option<Timestamp>,
    /// When its card is edited, because what it counts has changed (engine time).
    #[serde(default)]
    pub card_due: Option<Timestamp>,
    /// When each channel was told last that groups of a flood still fire (engine time).
    #[serde(default)]
    pub told_again_in: BTreeMap<ChannelName, Timestamp>,
}

impl State {
    /// Why nothing is done about an incident that was merged; none: it was not.
    #[must_use]
    pub fn merged_away(&self, incident: &Incident) -> Option<ResponseRefusal> {
        let into = incident.response.merged_into?;
        let (goes_on_in, by) = (self.goes_on_in(incident.id), incident.response.merged_by.clone());
        Some(ResponseRefusal::Merged { incident: incident.id, into, goes_on_in, by })
    }

    /// The incident in which the response to this one goes on: itself, or the one it was merged into.
    #[must_use]
    pub fn goes_on_in(&self, mut id: IncidentId) -> IncidentId {
        // Whoever merges names an open one, so this ends; and it ends with a damaged state, too.
        for _ in 0..=self.incidents.len() {
            match self.incidents.get(&id).and_then(|incident| incident.response.merged_into) {
                Some(into) => id = into,
                None => break,
            }
        }
        id
    }

    /// The tasks of an incident, those that are open first, then in the order in which they were written down.
    #[must_use]
    pub fn tasks_of(&self, incident: &Incident) -> Vec<&Task> {
        let mut tasks: Vec<&Task> =
            incident.response.tasks.iter().filter_map(|id| self.tasks.get(id).map(AsRef::as_ref)).collect();
        tasks.sort_by_key(|task| (!task.is_open(), task.id));
        tasks
    }

    /// How many alerts of an incident fire.
    #[must_use]
    pub fn firing_in(&self, incident: &Incident) -> usize {
        let open = incident.response.open_groups.iter().filter_map(|id| self.groups.get(id));
        open.map(|group| group.firing.len()).sum()
    }
}
