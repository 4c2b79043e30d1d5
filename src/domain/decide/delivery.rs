//! Permits and outcomes of deliveries, cards, and the next contact method when one fails.
//! Never talks to a vendor.

use jiff::SignedDuration;

use super::{Decided, Decision};
use crate::domain::{
    delivery::{Delivery, DeliveryKind, Outcome, Recipient, back_off},
    event::Event,
    facts::Dispatch,
    group::Group,
    id::{ChannelName, DeliveryId, GroupId, IncidentId, PageId},
    intent::Refusal,
    offer::Offers,
    page::Subject,
    room::{IncidentRoom, RoomWork},
};

/// Attempts of a message that is not a page; a page is tried as long as it runs.
const ATTEMPTS: u32 = 10;
/// When something about a room is tried again that somebody has to mend first.
const ROOM_REFUSED: SignedDuration = SignedDuration::from_mins(5);

impl Decision<'_> {
    /// A worker asks whether an attempt may leave; without a dispatch in the answer it may not.
    pub(super) fn permit(mut self, id: DeliveryId) -> Result<Decided, Refusal> {
        let delivery = self.state.deliveries.get(&id).ok_or(Refusal::NotPermitted(id))?;
        let page = delivery.page.filter(|_| delivery.kind == DeliveryKind::Page);
        if page.is_some_and(|page| !self.runs(page)) {
            // It was leaving when the page stopped or was held, and the process ended before its outcome was known.
            self.cancel(id, false);
            return Ok(Decided { events: self.events, ..Decided::default() });
        }
        let attempt = delivery.attempts + 1;
        self.emit(Event::AttemptStarted { delivery: id, attempt });
        let Some(delivery) = self.state.deliveries.get(&id) else {
            return Ok(Decided { events: self.events, ..Decided::default() });
        };
        let mut facts = self.state.facts(delivery);
        facts.in_civil_time(self.now);
        if let Some(incident) = &mut facts.incident {
            let ahead = self.now.civil.duration_since(self.now.engine);
            incident.response.in_civil_time(ahead);
            if incident.response.handover.is_some() {
                incident.response.handover = self.state.handover(incident.id, ahead).map(Box::new);
            }
        }
        let dispatch = Dispatch {
            delivery: Delivery::clone(delivery),
            facts,
            at: self.now.civil,
            edits: self.edits(delivery),
            linked: self.linked_for(delivery).into_iter().collect(),
            offers: match delivery.kind {
                DeliveryKind::Card => {
                    Offers::for_card(self.state, self.config, delivery.subject, self.now.civil)
                }
                _ => Offers::default(),
            },
        };
        Ok(Decided { events: self.events, dispatch: Some(Box::new(dispatch)), ..Decided::default() })
    }

    /// A worker tells what became of an attempt.
    pub(super) fn outcome(&mut self, id: DeliveryId, attempt: u32, outcome: &Outcome) {
        let Some(delivery) = self.state.deliveries.get(&id).cloned() else { return };
        // Of an attempt before a crash: the newer one tells.
        if attempt != delivery.attempts || !delivery.leaving {
            return;
        }
        let (why, retry_after) = match outcome {
            Outcome::Receipt(receipt) | Outcome::Posted { receipt, .. } => {
                let message = match outcome {
                    Outcome::Posted { message, .. } => Some(message.clone()),
                    _ => None,
                };
                return self.emit(Event::Delivered {
                    delivery: id,
                    subject: delivery.subject,
                    to: delivery.to.clone(),
                    kind: delivery.kind,
                    attempt,
                    receipt: receipt.clone(),
                    message,
                });
            }
            Outcome::TryAgain { after, why } => (why, self.retry_after(&delivery, *after)),
            // Somebody has to mend something first: it is tried again now and then, so that it comes right by itself.
            Outcome::Refused { why } if delivery.kind == DeliveryKind::Room => {
                (why, self.retry_after(&delivery, Some(ROOM_REFUSED)))
            }
            Outcome::Refused { why } => (why, None),
        };
        let next_contact = self.next_contact_waits(&delivery);
        self.emit(Event::AttemptFailed {
            delivery: id,
            subject: delivery.subject,
            to: delivery.to.clone(),
            kind: delivery.kind,
            attempt,
            why: why.clone(),
            retry_at: retry_after.map(|after| self.now.engine + after),
            next_contact,
        });
        if let Some(page) = delivery.page {
            self.escalate_if_nobody_can_be_reached(page);
        }
    }

    /// Whether a page has a next attempt: it neither stopped nor stands still.
    fn runs(&self, page: PageId) -> bool {
        self.state.pages.get(&page).is_some_and(|page| !page.held)
    }

    fn retry_after(&self, delivery: &Delivery, asked: Option<SignedDuration>) -> Option<SignedDuration> {
        let goes_on = match delivery.page.filter(|_| delivery.kind == DeliveryKind::Page) {
            Some(page) => self.runs(page),
            // Until it is done, or the incident is over and nobody needs it any more.
            None if delivery.kind == DeliveryKind::Room => self.room_work_matters(delivery),
            None => delivery.failures + 1 < ATTEMPTS,
        };
        goes_on.then(|| back_off(delivery.kind, delivery.failures + 1, asked))
    }

    /// Whether the first failure of a page brings forward another contact method of the same person.
    fn next_contact_waits(&self, delivery: &Delivery) -> bool {
        let (Some(page), Recipient::Person { person, .. }) = (delivery.page, &delivery.to) else {
            return false;
        };
        delivery.kind == DeliveryKind::Page
            && delivery.failures == 0
            && self.state.pages.get(&page).is_some_and(|page| {
                page.pending.iter().any(|(who, one)| who == person && one.due > self.now.engine)
            })
    }

    /// Every message of the step was refused for good: waiting for an answer would be waiting for nobody. At the end
    /// of a round it is waited all the same, so that the next one finds whoever can be reached by then.
    fn escalate_if_nobody_can_be_reached(&mut self, id: PageId) {
        let hopeless = self.state.pages.get(&id).is_some_and(|page| {
            let tried = page.round > 0 && page.pending.is_empty() && page.deliveries.is_empty();
            tried && !page.reached && !page.held && page.round_goes_on()
        });
        if hopeless {
            self.take_step(id);
        }
    }

    /// A message that has not left never will.
    pub(super) fn cancel(&mut self, id: DeliveryId, replaced: bool) {
        let Some(delivery) = self.state.deliveries.get(&id) else { return };
        let (subject, to) = (delivery.subject, delivery.to.clone());
        let (kind, channel) = (delivery.kind, delivery.channel);
        self.emit(Event::DeliveryCancelled { delivery: id, subject, to, kind, channel, replaced });
    }

    /// Posts the card of a group as it is now, in all its channels that have no storm. A revision that waits is replaced.
    pub(super) fn post_group_card(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let channels = self.channels_for_its_card(&group);
        self.post_card_of(&group, channels);
    }

    /// The same wherever it stands already, and nowhere else.
    pub(super) fn edit_group_card(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let stands = group.channels.iter().filter(|channel| group.carded.contains(*channel));
        let channels = stands.cloned().collect();
        self.post_card_of(&group, channels);
    }

    fn post_card_of(&mut self, group: &Group, channels: Vec<ChannelName>) {
        if !channels.is_empty() {
            let subject = Subject::Group(group.id, group.incident);
            self.post_card(subject, &group.cards, channels, group.card_revision + 1);
        }
    }

    /// The same for an incident that has a card of its own.
    pub(super) fn post_incident_card(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id) else { return };
        let rooms = incident.rooms.iter().filter_map(IncidentRoom::address);
        // The card of a group is the card of its incident, where the group is shown.
        let own = incident.channels.iter().filter(|_| incident.opened_for.is_none()).cloned();
        let channels: Vec<ChannelName> = own.chain(rooms).collect();
        let revision = incident.card_revision + 1;
        let before = incident.cards.clone();
        self.post_card(Subject::Incident(id), &before, channels, revision);
    }

    pub(super) fn post_card<'of>(
        &mut self,
        subject: Subject,
        before: impl IntoIterator<Item = &'of DeliveryId>,
        channels: Vec<ChannelName>,
        revision: u32,
    ) {
        for delivery in before {
            if self.state.deliveries.get(delivery).is_some_and(|card| !card.leaving) {
                self.cancel(*delivery, true);
            }
        }
        for name in channels {
            for channel in self.config.platforms_of(&name) {
                let to = Recipient::Channel(name.clone());
                self.queue(DeliveryKind::Card, subject, None, to, channel, revision, None);
            }
        }
    }

    /// Whether a room is still wanted as it was.
    fn room_work_matters(&self, delivery: &Delivery) -> bool {
        let Some(incident) = delivery.subject.incident().and_then(|id| self.state.incidents.get(&id)) else {
            return false;
        };
        incident.is_open() || matches!(delivery.room, Some(RoomWork::Close { .. }))
    }

    /// Where a card stands already that is posted again.
    fn edits(&self, delivery: &Delivery) -> Option<String> {
        match (&delivery.to, delivery.kind) {
            (Recipient::Channel(to), DeliveryKind::Card) => {
                self.state.posted(delivery.subject, delivery.channel, to).map(str::to_owned)
            }
            _ => None,
        }
    }
}
