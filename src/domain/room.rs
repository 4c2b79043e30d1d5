//! Rooms: a channel of its own for an incident, on each chat platform that is set up for it. An incident exists
//! before its rooms, and does not need them. Never holds a room's name: it is made of the title, which people wrote.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    delivery::Channel,
    event::Actor,
    id::{ChannelName, DeliveryId, IncidentId, PersonId},
    prose::Prose,
};

/// How rooms are made on a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomRule {
    /// Whether only who is invited sees them.
    pub private: bool,
    /// How long after the end they are closed.
    pub close_after: SignedDuration,
}

/// What has to be done to a room. Attempted until it is done: a failure is on the timeline with its remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomWork {
    /// Make it.
    Open {
        /// Whether only who is invited sees it.
        private: bool,
        /// How long after the end it is closed, in seconds.
        close_after: i64,
    },
    /// Say what it is about.
    Topic {
        /// The room, by the platform's id.
        room: String,
        /// What the topic depends on, so that it is set again when that changes.
        about: String,
    },
    /// Bring people in.
    Invite {
        /// The room, by the platform's id.
        room: String,
        /// Who.
        people: BTreeSet<PersonId>,
    },
    /// Close it.
    Close {
        /// The room, by the platform's id.
        room: String,
    },
}

/// A room of an incident: what is, and what is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRoom {
    /// On which platform.
    pub channel: Channel,
    /// Its id there; none: it is not made yet.
    pub id: Option<String>,
    /// How long after the end it is closed.
    pub close_after: SignedDuration,
    /// What its topic says.
    pub about: String,
    /// Who was brought in.
    pub invited: BTreeSet<PersonId>,
    /// When it is closed (engine time).
    pub close_at: Option<Timestamp>,
    /// Whether it is closed.
    pub closed: bool,
    /// What is in the outbox for it.
    pub work: BTreeSet<DeliveryId>,
}

impl IncidentRoom {
    /// The room as the address of a message (`slack:C024BE91L`).
    #[must_use]
    pub fn address(&self) -> Option<ChannelName> {
        self.id.as_ref().filter(|_| !self.closed).map(|id| ChannelName::new(format!("{}:{id}", self.channel)))
    }
}

/// Something that somebody did on a chat platform, by the platform's own id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Which platform.
    pub channel: Channel,
    /// Its id, the same when it is told twice.
    pub id: String,
}

/// Whoever wrote something on a chat platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// A person of the configuration.
    Person(PersonId),
    /// An account that is nobody's, by the platform's id.
    Account(String),
}

/// A message that became part of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageCaptured {
    /// Of which incident.
    pub incident: IncidentId,
    /// On which platform.
    pub channel: Channel,
    /// Which, in the platform's own ids.
    pub message: String,
    /// Who wrote it.
    pub author: Author,
    /// What it says.
    pub text: Prose,
    /// When it was written (civil time).
    pub written_at: Timestamp,
    /// Where it opens in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who captured it.
    pub by: Actor,
}
