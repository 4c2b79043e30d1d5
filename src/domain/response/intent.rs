//! What people want done about tasks, links, the impact and the handing over of incidents, and why it may be refused.
//! Never decides.

use jiff::Timestamp;

use super::{BadAddress, TaskState};
use crate::domain::{
    event::Actor,
    id::{IncidentId, PersonId, TaskId},
    prose::Prose,
};

/// Something that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum ResponseIntent {
    /// Something is to be done.
    AddTask {
        /// For which incident.
        incident: IncidentId,
        /// What.
        text: Prose,
        /// Who does it.
        owner: Option<PersonId>,
        /// Until when (civil time).
        due: Option<Timestamp>,
    },
    /// It is done.
    FinishTask(TaskId),
    /// Nobody needs it any more.
    DropTask(TaskId),
    /// It is to be done after all.
    ReopenTask(TaskId),
    /// Somebody else does it; nobody: it is free.
    AssignTask {
        /// Which.
        task: TaskId,
        /// To whom.
        to: Option<PersonId>,
    },
    /// It is due at another time (civil time); none: at no certain time.
    SetDue {
        /// Which.
        task: TaskId,
        /// When.
        due: Option<Timestamp>,
    },
    /// Something elsewhere is about an incident.
    Link {
        /// Which incident.
        incident: IncidentId,
        /// Its address.
        url: Prose,
        /// What people call it.
        title: Option<Prose>,
    },
    /// Two incidents have to do with each other.
    Relate {
        /// One.
        incident: IncidentId,
        /// The other.
        other: IncidentId,
    },
    /// What the impact was.
    SetImpact {
        /// Of which incident.
        incident: IncidentId,
        /// When it began (civil time).
        started_at: Timestamp,
        /// When it was over (civil time).
        ended_at: Option<Timestamp>,
        /// In words.
        text: Prose,
    },
    /// An incident is the same as another.
    Merge {
        /// Which ends.
        incident: IncidentId,
        /// In which the response goes on.
        into: IncidentId,
    },
    /// The lead goes to somebody who is told how it stands.
    HandOver {
        /// Of which incident.
        incident: IncidentId,
        /// To whom.
        to: PersonId,
    },
}

/// Why it was not done. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseRefusal {
    /// There is no such task.
    UnknownTask(TaskId),
    /// The task stands there already, or it must be open for this.
    TaskIs {
        /// Which.
        task: TaskId,
        /// Where it stands.
        state: TaskState,
    },
    /// The task has this owner already; nobody: it has none.
    OwnedAlready {
        /// Which.
        task: TaskId,
        /// By whom.
        owner: Option<PersonId>,
    },
    /// An incident has room for no more of these.
    TooMany {
        /// Which incident.
        incident: IncidentId,
        /// Of what: `tasks`, `links`.
        what: &'static str,
        /// How many there can be.
        most: usize,
    },
    /// The words are missing.
    NoWords,
    /// The times make no sense.
    Times(WrongTimes),
    /// The address cannot be kept.
    Address(BadAddress),
    /// It is linked already.
    LinkedAlready {
        /// To which incident.
        incident: IncidentId,
        /// By whom.
        by: Actor,
        /// When (civil time).
        at: Timestamp,
    },
    /// They are related already.
    RelatedAlready(IncidentId, IncidentId),
    /// An incident and itself.
    Itself(IncidentId),
    /// It was merged; the response goes on elsewhere.
    Merged {
        /// Which.
        incident: IncidentId,
        /// Into which, by whoever merged it.
        into: IncidentId,
        /// Where: that one may have been merged, too.
        goes_on_in: IncidentId,
        /// By whom, and when (civil time), as far as that is known.
        by: Option<(Actor, Timestamp)>,
    },
    /// The incident that another was to be merged into is over.
    IntoResolved {
        /// Which.
        into: IncidentId,
        /// Since when (civil time).
        at: Timestamp,
        /// By whom, as far as that is known.
        by: Option<Actor>,
    },
}

impl ResponseRefusal {
    /// The word used in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownTask(_) => "unknown_task",
            Self::TaskIs { .. } | Self::OwnedAlready { .. } => "unchanged",
            Self::TooMany { .. } => "too_many",
            Self::NoWords => "no_words",
            Self::Times(_) => "bad_times",
            Self::Address(_) => "bad_address",
            Self::LinkedAlready { .. } | Self::RelatedAlready(..) => "linked_already",
            Self::Itself(_) => "itself",
            Self::Merged { .. } => "merged",
            Self::IntoResolved { .. } => "already_resolved",
        }
    }
}

/// What is wrong with times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongTimes {
    /// A task would be due in the past.
    DueBefore,
    /// A task would be due in more than a year.
    DueTooFar,
    /// The impact would begin in the future.
    StartsLater,
    /// The impact would end in the future.
    EndsLater,
    /// It would end before it began.
    EndsFirst,
    /// It would have begun more than a year ago.
    TooLongAgo,
}
