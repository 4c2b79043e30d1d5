//! What happens to tasks, links, the impact, and between incidents. Events are forever: see `domain/event.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    delivery::Channel,
    event::Actor,
    id::{GroupId, IncidentId, PageId, PersonId, TaskId},
    prose::Prose,
};

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseEvent {
    /// Something is to be done.
    TaskAdded(TaskAdded),
    /// A task changed.
    TaskChanged {
        /// Which.
        task: TaskId,
        /// Of which incident.
        incident: IncidentId,
        /// How.
        change: TaskChange,
        /// Who did it.
        by: Actor,
    },
    /// A task is overdue, and somebody was reminded.
    TaskReminded {
        /// Which.
        task: TaskId,
        /// Of which incident.
        incident: IncidentId,
        /// When the next reminder is due (engine time); none: that was the last.
        next_at: Option<Timestamp>,
    },
    /// Something elsewhere is about an incident.
    Linked {
        /// Which incident.
        incident: IncidentId,
        /// Its address.
        url: Prose,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Prose>,
        /// Who added it.
        by: Actor,
    },
    /// Two incidents have to do with each other.
    Related {
        /// One.
        incident: IncidentId,
        /// The other.
        other: IncidentId,
        /// Who said so.
        by: Actor,
    },
    /// Somebody said what the impact was.
    ImpactSet {
        /// Of which incident.
        incident: IncidentId,
        /// When it began (civil time).
        started_at: Timestamp,
        /// When it was over (civil time).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended_at: Option<Timestamp>,
        /// In words.
        text: Prose,
        /// Who said so.
        by: Actor,
    },
    /// An incident is the same as another: what belongs to it belongs to the other from here on.
    Merged(Merged),
    /// The lead went to somebody with a summary.
    HandedOver {
        /// Of which incident.
        incident: IncidentId,
        /// To whom.
        to: PersonId,
        /// Who did it.
        by: Actor,
    },
    /// A group that joined in a storm pages nobody of its own: a page of its incident is for it, too.
    Covered {
        /// Of which incident.
        incident: IncidentId,
        /// The group.
        group: GroupId,
        /// The page.
        page: PageId,
    },
    /// Its platform is not set up any more, so nobody can close a room whose time has come: it is left as it is.
    RoomLeft {
        /// Of which incident.
        incident: IncidentId,
        /// On which platform.
        channel: Channel,
    },
    /// An alert is heard in a group whose incident is resolved: nobody has the group any more, and people are told of it
    /// as of a new one.
    FiredAnew {
        /// The group.
        group: GroupId,
        /// The incident that it belonged to.
        incident: IncidentId,
    },
}

/// Something is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskAdded {
    /// Its id.
    pub task: TaskId,
    /// For which incident.
    pub incident: IncidentId,
    /// What.
    pub text: Prose,
    /// Who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PersonId>,
    /// Until when (engine time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Who wrote it down.
    pub by: Actor,
}

/// How a task changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskChange {
    /// It is done.
    Done,
    /// Nobody needs it any more.
    Dropped,
    /// It is to be done after all.
    Reopened,
    /// Somebody else does it; nobody: it is free.
    Owner(Option<PersonId>),
    /// It is due at another time (engine time); none: at no certain time.
    Due(Option<Timestamp>),
}

/// An incident is the same as another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// Which ends.
    pub incident: IncidentId,
    /// In which the response goes on.
    pub into: IncidentId,
    /// Who said so.
    pub by: Actor,
}
