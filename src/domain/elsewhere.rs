//! Pages that stand in other teams' pagers (PagerDuty): who holds one, and what they were told of its end. Those pagers go
//! on ringing until they hear of it. Never a page itself: what is told here wakes nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    delivery::{Channel, Delivery, DeliveryKind, Recipient},
    id::{DeliveryId, PageId},
    page::Subject,
};

/// By what the page is about (of a group without its incident, which may come later) and the page.
pub type Elsewhere = BTreeMap<(Subject, PageId), Vec<Held>>;

/// One page in one pager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose pager.
    pub to: Recipient,
    /// Over which channel.
    pub channel: Channel,
    /// What it is about, with its incident.
    pub subject: Subject,
    /// Attempts of the page that are under way: what comes before they have arrived would be lost.
    pub leaving: BTreeSet<DeliveryId>,
    /// They have it, or nobody knows whether they have.
    pub may_have: bool,
    /// What they were told last.
    pub told: Option<Told>,
    /// The message with which they were told.
    pub telling: Option<DeliveryId>,
}

/// What another pager is told; the later word takes the place of the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// Somebody took it.
    Taken,
    /// It is over.
    Over,
}

impl Told {
    /// The kind of message that says so.
    #[must_use]
    pub fn kind(self) -> DeliveryKind {
        match self {
            Self::Taken => DeliveryKind::Acknowledged,
            Self::Over => DeliveryKind::Resolved,
        }
    }

    /// What a message of this kind says.
    #[must_use]
    pub fn of(kind: DeliveryKind) -> Option<Self> {
        match kind {
            DeliveryKind::Acknowledged => Some(Self::Taken),
            DeliveryKind::Resolved => Some(Self::Over),
            _ => None,
        }
    }
}

/// Under which subject pages are found here.
#[must_use]
pub fn under(subject: Subject) -> Subject {
    match subject {
        Subject::Group(group, _) => Subject::Group(group, None),
        other => other,
    }
}

/// The page that this delivery brings to another team's pager, if it does.
#[must_use]
pub fn page_of(delivery: &Delivery) -> Option<(Subject, PageId)> {
    let brings = delivery.kind == DeliveryKind::Page && delivery.channel.hears_the_end();
    Some((under(delivery.subject), delivery.page.filter(|_| brings)?))
}
