//! What happens to silences, snoozes and quiet groups. Events are forever: see `domain/event.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SilenceKind;
use crate::domain::{
    event::{Actor, Title},
    id::{ChannelName, GroupId, IncidentId, PageId, SilenceId},
};

/// Something by which alerts become quiet, or are heard again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietEvent {
    /// Somebody wants alerts to stay quiet, from now on or later.
    Added(SilenceAdded),
    /// One that was to come is in force now.
    Began {
        /// Which.
        silence: SilenceId,
    },
    /// It is over.
    Ended {
        /// Which.
        silence: SilenceId,
        /// Who ended it before its time; nobody: its time is over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// All alerts of a group are quiet: nobody is told and nobody is paged.
    Hushed(GroupHushed),
    /// One of them is heard again.
    Woken {
        /// Which group.
        group: GroupId,
        /// Of one that nobody was told about: when its wait is over (engine time).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait_until: Option<Timestamp>,
    },
    /// Somebody took a group for a while.
    Snoozed(GroupSnoozed),
    /// That time is over, and the group still fires.
    SnoozeOver {
        /// Which group.
        group: GroupId,
    },
    /// The group still fires, and its channels are told again.
    Repeated {
        /// Which.
        group: GroupId,
    },
    /// Nobody has an incident that a rule opened, and nothing of it is heard: its page and its deadlines stand still.
    Held {
        /// Which incident.
        incident: IncidentId,
        /// Its pages that stand still from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pages: Vec<PageId>,
    },
    /// One of its groups is heard, or somebody has it: its deadlines go on from where they stood, and its pages take the
    /// step at which they stood anew.
    GoesOn {
        /// Which incident.
        incident: IncidentId,
        /// Its pages that go on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pages: Vec<PageId>,
    },
}

/// A silence or a maintenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SilenceAdded {
    /// Its id.
    pub silence: SilenceId,
    /// Which of the two.
    pub kind: SilenceKind,
    /// The conditions, as they are written.
    pub matchers: Vec<String>,
    /// Who wants it.
    pub by: Actor,
    /// Why.
    pub comment: Title,
    /// Of a planned maintenance: its name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<String>,
    /// Where its begin and its end are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelName>,
    /// From (engine time), inclusive.
    pub starts: Timestamp,
    /// Until (engine time), exclusive.
    pub ends: Timestamp,
}

/// A group is quiet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupHushed {
    /// Which group.
    pub group: GroupId,
    /// What keeps it quiet.
    pub by: Vec<Hushing>,
    /// When it is looked at again (engine time).
    pub until: Timestamp,
    /// Nobody was told of the group so far.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
}

/// One thing that keeps a group quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hushing {
    /// Which.
    pub silence: SilenceId,
    /// Silence or maintenance.
    pub kind: SilenceKind,
    /// Who wants it.
    pub by: Actor,
}

/// Somebody took a group for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSnoozed {
    /// Which group.
    pub group: GroupId,
    /// Until when (engine time).
    pub until: Timestamp,
    /// Who.
    pub by: Actor,
}
