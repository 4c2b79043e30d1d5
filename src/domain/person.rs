//! People and teams, how they want to be reached, and what they may do. Never holds an address: a contact is
//! a name and a channel here; addresses stay with the configuration that sends.

use std::fmt;

use jiff::{SignedDuration, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    delivery::Channel,
    id::{ChannelName, ContactName, PersonId, TeamId},
};

/// Which personal rules apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It may wait for the morning.
    Routine,
    /// It wakes people.
    #[default]
    Urgent,
}

/// What a person may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    #[default]
    Viewer,
    /// Answer: acknowledge, open incidents, write notes.
    Responder,
    /// Change what runs.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, the weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Responder, Self::Operator, Self::Admin];
    /// The word of the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Responder => "responder",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Somebody who can be paged.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Their full name.
    pub name: String,
    /// Where they live.
    pub zone: TimeZone,
    /// The strongest of their roles.
    pub role: Role,
    /// Contact methods, `chat` included when they have an account or the terminal.
    pub contacts: Vec<(ContactName, Channel)>,
    /// When it is urgent.
    pub urgent: Vec<NotificationRule>,
    /// When it is not.
    pub routine: Vec<NotificationRule>,
}

impl Person {
    /// The rules for this urgency; when none are written, those of the other urgency, and when there are
    /// none at all, every contact at once.
    #[must_use]
    pub fn rules(&self, urgency: Urgency) -> Vec<NotificationRule> {
        let (first, second) = match urgency {
            Urgency::Urgent => (&self.urgent, &self.routine),
            Urgency::Routine => (&self.routine, &self.urgent),
        };
        let written = if first.is_empty() { second } else { first };
        if written.is_empty() {
            let contacts = self.contacts.iter().map(|(name, _)| name.clone()).collect();
            return vec![NotificationRule { after: SignedDuration::ZERO, contacts }];
        }
        written.clone()
    }

    /// Over which channel a contact goes.
    #[must_use]
    pub fn channel(&self, contact: &ContactName) -> Option<Channel> {
        self.contacts.iter().find(|(name, _)| name == contact).map(|(_, channel)| *channel)
    }
}

/// One personal rule: `2m: hook, push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRule {
    /// How long after the person was paged.
    pub after: SignedDuration,
    /// Which contacts are used then.
    pub contacts: Vec<ContactName>,
}

/// People who work together.
#[derive(Debug, Clone)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its chat channel.
    pub channel: Option<ChannelName>,
    /// Its members.
    pub members: Vec<PersonId>,
}
