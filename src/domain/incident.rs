//! Incidents: a coordinated response with severity, roles and status. Never holds the timeline: that is read
//! from the journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::{Actor, Expectations, Title},
    guide::Guide,
    id::{ChannelName, DeliveryId, GroupId, IncidentId, PageId, PersonId, RouteId, SeverityId},
    person::Urgency,
    response::Belongings,
    room::IncidentRoom,
    run::RunOffer,
};

/// Who does what in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentRole {
    /// Leads the response.
    Commander,
    /// Talks to everybody outside it.
    Communications,
    /// Writes down what happens.
    Scribe,
    /// Works on it.
    Responder,
}

impl IncidentRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Commander, Self::Communications, Self::Scribe, Self::Responder];
    /// The word used in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Communications => "communications",
            Self::Scribe => "scribe",
            Self::Responder => "responder",
        }
    }
}

impl fmt::Display for IncidentRole {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Where the response stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// The cause is being looked for.
    #[default]
    Investigating,
    /// The cause is known.
    Identified,
    /// The impact has ended, the cause has not.
    Mitigated,
    /// It is over.
    Resolved,
}

impl IncidentStatus {
    /// The ones that `/incident status` sets; `resolved` is `/incident resolve`.
    pub const SETTABLE: [Self; 3] = [Self::Investigating, Self::Identified, Self::Mitigated];
    /// The word used in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for IncidentStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// An incident, open or resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What it is called.
    pub title: Title,
    /// How bad.
    pub severity: SeverityId,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// Who has which role.
    pub roles: BTreeMap<IncidentRole, BTreeSet<PersonId>>,
    /// The group that opened it.
    pub opened_for: Option<GroupId>,
    /// The route of that group.
    pub route: Option<RouteId>,
    /// Its groups, closed ones included.
    pub groups: BTreeSet<GroupId>,
    /// Where it is announced.
    pub channels: Vec<ChannelName>,
    /// What the severity asks.
    pub expect: Expectations,
    /// Who opened it.
    pub opened_by: Actor,
    /// When (civil time).
    pub opened_at: Timestamp,
    /// When (engine time).
    pub opened_clock: Timestamp,
    /// Since when its severity is what it is and it is not mitigated or resolved (engine time): its deadlines
    /// count from here.
    pub severe_since: Timestamp,
    /// Who took it first, and when (civil time).
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// When the impact first ended (civil time).
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved (civil time).
    pub resolved_at: Option<Timestamp>,
    /// When the next status update is due (engine time).
    pub update_due: Option<Timestamp>,
    /// When the acknowledgement is late (engine time); none once reminded or acknowledged.
    pub acknowledge_due: Option<Timestamp>,
    /// How many of `expect.unresolved` have paged.
    pub unresolved_paged: usize,
    /// Pages that run for it, those of its groups aside.
    pub pages: BTreeSet<PageId>,
    /// Cards of its own that are in the outbox.
    pub cards: BTreeSet<DeliveryId>,
    /// Everyone who was paged for it so far, beyond what its groups paged.
    pub paged: BTreeSet<PersonId>,
    /// Revision of its card.
    pub card_revision: u32,
    /// Its rooms on the chat platforms.
    #[serde(default)]
    pub rooms: Vec<IncidentRoom>,
    /// Runbooks that were offered for it, each once.
    #[serde(default)]
    pub offered: Vec<RunOffer>,
    /// The guides that people went through for it; the last is the one where they stand.
    #[serde(default)]
    pub guides: Vec<Guide>,
    /// Its tasks, its links, its impact, and the incidents that turned out to be the same.
    #[serde(default)]
    pub response: Belongings,
    /// Since when its page and its deadlines stand still, because nobody has it and nothing of it is heard (engine time);
    /// the deadlines above are as they were then.
    #[serde(default)]
    pub held: Option<Timestamp>,
}

impl Incident {
    /// Whether the response still runs.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status != IncidentStatus::Resolved
    }
    /// Whether a card of its own stands somewhere: the group that opened it has one where it is shown itself.
    #[must_use]
    pub fn has_card(&self) -> bool {
        let own = self.opened_for.is_none() && !self.channels.is_empty();
        own || self.rooms.iter().any(|room| room.id.is_some() && !room.closed)
    }
    /// Whether it is told in this channel: one of its own, or a room that was made for it.
    #[must_use]
    pub fn is_told_in(&self, channel: &ChannelName) -> bool {
        // `slack:#ops` is where `#ops` is told on Slack.
        let on_platform = channel.platform().is_some();
        let bare = |own: &ChannelName| on_platform && own.as_str() == channel.bare();
        self.channels.contains(channel)
            || self.channels.iter().any(bare)
            || self.rooms.iter().any(|room| room.address().as_ref() == Some(channel))
    }
    /// While it is held its deadlines move along with the clock: they lie as far ahead as when it was held.
    pub(super) fn moves_along(&mut self, clock: Timestamp) {
        let Some(since) = self.held else { return };
        self.held = Some(clock);
        let stood = clock.duration_since(since);
        let deadlines =
            [self.update_due.as_mut(), self.acknowledge_due.as_mut(), Some(&mut self.severe_since)];
        for at in deadlines.into_iter().flatten() {
            *at = at.checked_add(stood).unwrap_or(*at);
        }
    }
    /// The commander, when there is one.
    #[must_use]
    pub fn commander(&self) -> Option<&PersonId> {
        self.roles.get(&IncidentRole::Commander).and_then(BTreeSet::first)
    }
}
