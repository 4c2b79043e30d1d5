//! A message that somebody has posted into a channel, as the journal keeps it. Never pages anybody.

use serde::{Deserialize, Serialize};

use super::{
    event::Actor,
    id::{AnnouncementId, ChannelName, IncidentId},
    prose::Prose,
};

/// Somebody posted a message into a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Its id.
    pub id: AnnouncementId,
    /// Where.
    pub channel: ChannelName,
    /// Its words.
    pub text: Prose,
    /// Who.
    pub by: Actor,
    /// The incident that is told in that channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
}
