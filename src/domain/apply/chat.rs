//! What the state knows of chat rooms: which card stands where, and what has been taken from which platform.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::domain::{
    delivery::{Channel, Delivery, DeliveryKind, Posted, Recipient},
    event::{DeliveryQueued, Event},
    id::{ChannelName, DeliveryId, IncidentId},
    page::Subject,
    room::{IncidentRoom, MessageCaptured, Origin, RoomWork},
    state::{CardOf, State},
};

/// How long an interaction is remembered: platforms tell again within minutes, Slack's events for up to an hour.
const TAKEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How many are remembered at most.
const TAKEN: usize = 10_000;
/// How many messages on timelines are watched for changes.
const CAPTURED: usize = 10_000;
/// Among how many of the last incidents a room is looked for.
const LOOKED_AT: usize = 2_000;

impl State {
    /// Events of chat platforms that concern nothing else.
    pub(super) fn chat_changed(&mut self, event: &Event) {
        match event {
            Event::InteractionTaken(origin) => self.interaction_taken(origin),
            Event::MessageCaptured(captured) => self.message_captured(captured),
            _ => {}
        }
    }

    /// What a delivery leaves on its platform: a card that stands there, or a room.
    pub(super) fn chat_delivered(
        &mut self,
        id: DeliveryId,
        to: &Recipient,
        kind: DeliveryKind,
        subject: Subject,
        message: Option<&str>,
    ) {
        let Some(channel) = self.deliveries.get(&id).map(|delivery| delivery.channel) else { return };
        match (kind, to, subject.incident(), message) {
            (DeliveryKind::Room, _, Some(incident), _) => self.room_work_done(incident, id, message),
            (DeliveryKind::Card, Recipient::Channel(room), _, Some(message)) => {
                self.card_posted(subject, channel, room, message);
            }
            _ => {}
        }
    }

    fn card_posted(&mut self, subject: Subject, channel: Channel, to: &ChannelName, message: &str) {
        let Some(card) = CardOf::subject(subject) else { return };
        let known = match card {
            CardOf::Group(group) => {
                self.groups.contains_key(&group) || self.closed_groups.contains_key(&group)
            }
            CardOf::Incident(incident) => self.incidents.contains_key(&incident),
            CardOf::Storm(storm) => self.storms.contains_key(&storm),
            CardOf::Run(run) => self.run(run).is_some(),
        };
        if !known {
            return;
        }
        let posted = self.posted.entry(card).or_default();
        posted.retain(|one| one.channel != channel || one.to != *to);
        posted.push(Posted { channel, to: to.clone(), message: message.to_owned() });
    }

    pub(super) fn room_work_queued(&mut self, incident: IncidentId, queued: &DeliveryQueued) {
        self.change_incident(incident, |incident| {
            if let Some(RoomWork::Open { close_after, .. }) = queued.room {
                incident.rooms.retain(|room| room.channel != queued.channel);
                incident.rooms.push(IncidentRoom {
                    channel: queued.channel,
                    id: None,
                    close_after: SignedDuration::from_secs(close_after),
                    about: String::new(),
                    invited: BTreeSet::new(),
                    close_at: None,
                    closed: false,
                    work: BTreeSet::new(),
                });
            }
            if let Some(room) = incident.rooms.iter_mut().find(|room| room.channel == queued.channel) {
                room.work.insert(queued.delivery);
            }
        });
    }

    /// Work on a room is done; of [`RoomWork::Open`], `id` is the room's.
    fn room_work_done(&mut self, incident: IncidentId, delivery: DeliveryId, id: Option<&str>) {
        let Some(done) = self.deliveries.get(&delivery).cloned() else { return };
        let clock = self.clock;
        self.change_incident(incident, |incident| {
            let over = !incident.is_open();
            let Some(room) = incident.rooms.iter_mut().find(|room| room.channel == done.channel) else {
                return;
            };
            match &done.room {
                Some(RoomWork::Open { .. }) => {
                    room.id = id.map(str::to_owned);
                    // It ended while the room was made.
                    room.close_at = over.then(|| clock + room.close_after);
                }
                Some(RoomWork::Topic { about, .. }) => room.about.clone_from(about),
                Some(RoomWork::Invite { people, .. }) => room.invited.extend(people.iter().cloned()),
                Some(RoomWork::Close { .. }) => room.closed = true,
                None => {}
            }
        });
    }

    /// Work on a room is not in the outbox any more.
    pub(super) fn room_work_ended(&mut self, incident: IncidentId, delivery: &Delivery) {
        self.change_incident(incident, |incident| {
            if let Some(room) = incident.rooms.iter_mut().find(|room| room.channel == delivery.channel) {
                room.work.remove(&delivery.id);
            }
            // Given up before it was made: should the incident be reopened, it is wanted anew.
            incident.rooms.retain(|room| room.id.is_some() || !room.work.is_empty());
        });
    }

    fn message_captured(&mut self, captured: &MessageCaptured) {
        let key = (captured.channel, captured.message.clone());
        if self.captured.insert(key.clone(), captured.incident).is_none() {
            self.captured_order.push_back(key);
        }
        while self.captured_order.len() > CAPTURED {
            if let Some(oldest) = self.captured_order.pop_front() {
                self.captured.remove(&oldest);
            }
        }
    }

    /// The incident whose room this is, the newest first.
    #[must_use]
    pub fn incident_of_room(&self, channel: Channel, room: &str) -> Option<IncidentId> {
        let mut incidents = self.incidents.values().rev().take(LOOKED_AT);
        let of = |room: &str, one: &IncidentRoom| one.channel == channel && one.id.as_deref() == Some(room);
        incidents.find(|one| one.rooms.iter().any(|one| of(room, one))).map(|one| one.id)
    }

    fn interaction_taken(&mut self, origin: &Origin) {
        if self.taken.insert(origin.clone(), self.clock).is_none() {
            self.taken_order.push_back(origin.clone());
        }
        while let Some(oldest) = self.taken_order.front() {
            let since = self.taken.get(oldest).map(|at| self.clock.duration_since(*at));
            if self.taken_order.len() <= TAKEN && since.is_some_and(|since| since <= TAKEN_FOR) {
                break;
            }
            self.taken.remove(oldest);
            self.taken_order.pop_front();
        }
    }

    /// Where the card of this subject stands on this platform, when it does.
    #[must_use]
    pub fn posted(&self, subject: Subject, channel: Channel, to: &ChannelName) -> Option<&str> {
        let posted = self.posted.get(&CardOf::subject(subject)?)?;
        posted.iter().find(|one| one.channel == channel && one.to == *to).map(|one| one.message.as_str())
    }
}
