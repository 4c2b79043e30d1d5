//! Pages that stand in other teams' pagers (PagerDuty): who holds one, and what they were told of its end. Those pagers go
//! on ringing until they hear of it. Never a page itself: what is told here wakes nobody.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    delivery::{Channel, Delivery, DeliveryKind, Recipient},
    event::{Event, PageStop},
    id::{DeliveryId, PageId},
    page::Subject,
    state::State,
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
    /// What they have to hear.
    pub owed: Option<Told>,
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

/// Which pages an event is about, and what whoever holds one of them has to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// One page; nothing to hear: an attempt of it ended, which may have been waited for.
    Page((Subject, PageId), Option<Told>),
    /// All pages about these.
    About(Vec<Subject>, Told),
}

impl Ends {
    /// What an event means for pagers, looked at before it changes the state.
    #[must_use]
    pub fn of(event: &Event, state: &State) -> Option<Self> {
        if state.elsewhere.is_empty() {
            return None;
        }
        match event {
            Event::PageStopped { page, subject, why, .. } => {
                let told = match why {
                    // It is not over; when it pages again, that is a new page and a new alert there.
                    PageStop::Acknowledged(_) | PageStop::Snoozed(_) | PageStop::Quiet => Told::Taken,
                    PageStop::Resolved => Told::Over,
                    // The newer page rings, and both end with what they are about.
                    PageStop::Replaced(_) => return None,
                };
                Some(Self::Page((under(*subject), *page), Some(told)))
            }
            Event::GroupAcknowledged { group, .. } => {
                Some(Self::About(vec![Subject::Group(*group, None)], Told::Taken))
            }
            Event::IncidentAcknowledged { incident, .. } => {
                Some(Self::About(vec![Subject::Incident(*incident)], Told::Taken))
            }
            Event::GroupClosed { group } => Some(Self::About(vec![Subject::Group(*group, None)], Told::Over)),
            Event::IncidentResolved { incident, .. } => {
                let groups = state.incidents.get(incident).into_iter().flat_map(|one| &one.groups);
                let groups = groups.map(|group| Subject::Group(*group, None));
                let all = groups.chain([Subject::Incident(*incident)]).collect();
                Some(Self::About(all, Told::Over))
            }
            Event::Delivered { delivery, .. }
            | Event::AttemptFailed { delivery, .. }
            | Event::DeliveryCancelled { delivery, .. } => {
                Some(Self::Page(page_of(state.deliveries.get(delivery)?)?, None))
            }
            _ => None,
        }
    }

    /// Under which keys these pages stand.
    #[must_use]
    pub fn keys(&self, elsewhere: &Elsewhere) -> Vec<(Subject, PageId)> {
        match self {
            Self::Page(key, _) => Vec::from_iter(elsewhere.contains_key(key).then_some(*key)),
            Self::About(subjects, _) => {
                let about = |subject: &Subject| (*subject, PageId(0))..=(*subject, PageId(u64::MAX));
                let of = |subject| elsewhere.range(about(subject)).map(|(key, _)| *key);
                subjects.iter().flat_map(of).collect()
            }
        }
    }

    /// What there is to hear.
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        match self {
            Self::Page(_, told) => *told,
            Self::About(_, told) => Some(*told),
        }
    }
}
