//! What can be wanted about silences, snoozes and the end of alerts, and why it may be refused.

use jiff::{SignedDuration, Timestamp};

use super::SilenceKind;
use crate::domain::{
    event::Actor,
    id::{GroupId, SilenceId},
    page::Target,
    prose::Prose,
};

/// Something about what stays quiet.
#[derive(Debug, Clone, PartialEq)]
pub enum QuietIntent {
    /// Alerts are to stay quiet.
    Add {
        /// Silence or maintenance.
        kind: SilenceKind,
        /// The conditions, as somebody wrote them.
        matchers: Vec<String>,
        /// Why.
        comment: Prose,
        /// From (civil time); none: from now.
        from: Option<Timestamp>,
        /// Until (civil time).
        until: Timestamp,
        /// Who.
        by: Actor,
    },
    /// A silence or a maintenance ends now, or never begins.
    End {
        /// Which.
        silence: SilenceId,
        /// Which of the two it must be.
        kind: SilenceKind,
        /// Who.
        by: Actor,
    },
    /// A group is taken for a while.
    Snooze {
        /// Which.
        group: GroupId,
        /// For how long.
        wait: SignedDuration,
        /// Who.
        by: Actor,
    },
    /// An alert, or all of a group, is over, whatever its source says.
    Resolve {
        /// Which.
        target: Target,
        /// Who.
        by: Actor,
    },
}

/// Why nothing became quiet, or nothing ended. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuietRefusal {
    /// A condition is none.
    Matcher {
        /// Which of them, counted from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// More conditions than [`MOST_MATCHERS`](super::MOST_MATCHERS), or one longer than
    /// [`LONGEST_MATCHER`](super::LONGEST_MATCHER).
    TooLarge,
    /// It would be about every alert that there is.
    Everything,
    /// It would end before it begins.
    EndsFirst,
    /// It would be over already.
    Over,
    /// It would begin in the past.
    BeginsInThePast,
    /// It would last longer than [`LONGEST`](super::LONGEST), or begin later than that.
    TooLong,
    /// There are [`MOST_SILENCES`](super::MOST_SILENCES) already.
    TooMany,
    /// There is none, or it is long over.
    Unknown(SilenceKind, SilenceId),
    /// It is over already.
    Ended {
        /// Which.
        silence: SilenceId,
        /// Silence or maintenance.
        kind: SilenceKind,
        /// Since when (civil time).
        at: Timestamp,
        /// Who ended it before its time.
        by: Option<Actor>,
    },
    /// It is the other of the two.
    OtherKind {
        /// Which.
        silence: SilenceId,
        /// What it is.
        is: SilenceKind,
    },
    /// Shorter or longer than [`SNOOZE`](super::SNOOZE).
    SnoozeLength,
    /// Only an alert or a group can be declared over.
    NotResolvable(Target),
}
