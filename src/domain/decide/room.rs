//! Rooms of incidents: compares what is with what should be, and queues the difference. Runs after everything that
//! changes an incident and after every piece of its own work, so that it ends by itself when all is done.

use std::collections::BTreeSet;

use super::Decision;
use crate::domain::{
    delivery::{Channel, DeliveryKind, Recipient},
    event::{DeliveryQueued, Event},
    id::{ChannelName, IncidentId, PersonId},
    incident::Incident,
    intent::{Refusal, RoomIntent},
    page::Subject,
    response::ResponseEvent,
    room::{IncidentRoom, MessageCaptured, RoomRule, RoomWork},
};

impl Decision<'_> {
    /// Looks after the rooms of every incident that this decision touched.
    pub(super) fn look_after_rooms(&mut self) {
        if self.config.platforms.values().all(Option::is_none) {
            return;
        }
        let made: BTreeSet<IncidentId> = self.events.iter().filter_map(made).collect();
        let mut touched: BTreeSet<IncidentId> = self.events.iter().filter_map(touched).collect();
        for event in &self.events {
            if let Event::Response(event) = event
                && let ResponseEvent::Merged(merged) = &**event
            {
                touched.extend([merged.incident, merged.into]);
            }
        }
        if self.events.iter().any(|event| matches!(event, Event::AccountLinked { .. })) {
            // Whoever belongs into a room that is open can come into it now.
            touched.extend(&self.state.open_incidents);
        }
        for incident in made {
            self.post_incident_card(incident);
        }
        for incident in touched {
            self.furnish(incident);
        }
    }

    /// Queues what the rooms of an incident lack.
    pub(super) fn furnish(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id).cloned() else { return };
        self.leave_rooms(&incident);
        for (channel, rule) in self.config.platforms.clone() {
            let room = incident.rooms.iter().find(|room| room.channel == channel);
            let works = match (room, rule) {
                (None, Some(rule)) if incident.is_open() => vec![open(rule)],
                (None, _) => Vec::new(),
                (Some(room), _) => self.lacks(&incident, room),
            };
            for work in works {
                self.queue_room_work(id, channel, work);
            }
        }
    }

    /// Rooms that are to be closed, and whose platform is not set up any more: nobody here can do anything about them.
    fn leave_rooms(&mut self, incident: &Incident) {
        for room in &incident.rooms {
            let due = !room.closed && room.work.is_empty();
            let due = due && room.close_at.is_some_and(|at| at <= self.now.engine);
            if due && !self.config.platforms.contains_key(&room.channel) {
                let left = ResponseEvent::RoomLeft { incident: incident.id, channel: room.channel };
                self.emit(Event::Response(Box::new(left)));
            }
        }
    }

    /// What is lacking and not under way. One piece that fails again and again (an account that Slack lets in
    /// nowhere) holds up neither the others nor other people.
    fn lacks(&self, incident: &Incident, room: &IncidentRoom) -> Vec<RoomWork> {
        let Some(id) = room.id.clone().filter(|_| !room.closed) else { return Vec::new() };
        let under_way = room.work.iter().filter_map(|work| self.state.deliveries.get(work)?.room.as_ref());
        let (mut people, mut topic, mut closing) = (self.concerned(incident, room.channel), false, false);
        for work in under_way {
            match work {
                RoomWork::Invite { people: asked, .. } => people.retain(|person| !asked.contains(person)),
                RoomWork::Topic { .. } => topic = true,
                RoomWork::Close { .. } => closing = true,
                RoomWork::Open { .. } => return Vec::new(),
            }
        }
        if room.close_at.is_some_and(|at| at <= self.now.engine) {
            return if closing { Vec::new() } else { vec![RoomWork::Close { room: id }] };
        }
        people.retain(|person| !room.invited.contains(person));
        let mut works = Vec::new();
        if !people.is_empty() && incident.is_open() {
            works.push(RoomWork::Invite { room: id.clone(), people });
        }
        let about = about(incident);
        if !topic && about != room.about {
            works.push(RoomWork::Topic { room: id, about });
        }
        works
    }

    /// Who belongs into the room and has an account there: whoever was paged, leads, or took it.
    fn concerned(&self, incident: &Incident, channel: Channel) -> BTreeSet<PersonId> {
        let paged = incident.response.paged_for_groups.iter().chain(&incident.paged);
        let holders = incident.roles.values().flatten();
        let taker = incident.acknowledged.iter().filter_map(|(by, _)| by.person());
        let all = paged.chain(holders).chain(taker).chain(incident.opened_by.person());
        all.filter(|person| self.has_account(person, channel)).cloned().collect()
    }

    /// Something happened in a room.
    pub(super) fn in_room(&mut self, channel: Channel, what: RoomIntent) -> Result<(), Refusal> {
        match what {
            RoomIntent::Capture { room, message, author, text, written_at, url, by } => {
                let incident = self.state.incident_of_room(channel, &room).ok_or(Refusal::NoIncidentHere)?;
                if !self.state.captured.contains_key(&(channel, message.clone())) {
                    let captured =
                        MessageCaptured { incident, channel, message, author, text, written_at, url, by };
                    self.emit(Event::MessageCaptured(Box::new(captured)));
                }
            }
            RoomIntent::Changed { message, text } => {
                if let Some(incident) = self.state.captured.get(&(channel, message.clone())).copied() {
                    self.emit(Event::MessageChanged { incident, channel, message, text });
                }
            }
            RoomIntent::Joined { room, who } => {
                if let Some(incident) = self.state.incident_of_room(channel, &room) {
                    self.emit(Event::RoomJoined { incident, channel, who });
                }
            }
        }
        Ok(())
    }

    fn queue_room_work(&mut self, incident: IncidentId, channel: Channel, work: RoomWork) {
        let name = match &work {
            RoomWork::Open { .. } => incident.to_string().to_lowercase(),
            RoomWork::Topic { room, .. } | RoomWork::Invite { room, .. } | RoomWork::Close { room } => {
                room.clone()
            }
        };
        let subject = Subject::Incident(incident);
        let (delivery, key) = (self.state.next.delivery, self.key(&subject));
        self.emit(Event::DeliveryQueued(Box::new(DeliveryQueued {
            delivery,
            kind: DeliveryKind::Room,
            subject,
            page: None,
            to: Recipient::Channel(ChannelName::new(format!("{channel}:{name}"))),
            channel,
            key,
            revision: 0,
            notice: None,
            said: None,
            room: Some(work),
        })));
    }
}

fn open(rule: RoomRule) -> RoomWork {
    RoomWork::Open { private: rule.private, close_after: rule.close_after.as_secs() }
}

/// What the topic says, without the title, which does not change.
fn about(incident: &Incident) -> String {
    let lead = incident.commander().map_or("-", PersonId::as_str);
    format!("{} {} {lead}", incident.severity, incident.status)
}

/// The incident that has a room by this event.
fn made(event: &Event) -> Option<IncidentId> {
    match event {
        Event::Delivered { kind: DeliveryKind::Room, message: Some(_), subject, .. } => subject.incident(),
        _ => None,
    }
}

/// The incident that an event changes in a way that its rooms show.
fn touched(event: &Event) -> Option<IncidentId> {
    match event {
        Event::IncidentOpened(opened) => Some(opened.incident),
        Event::IncidentAcknowledged { incident, .. }
        | Event::GroupJoined { incident, .. }
        | Event::RoleAssigned { incident, .. }
        | Event::SeverityChanged { incident, .. }
        | Event::StatusChanged { incident, .. }
        | Event::IncidentResolved { incident, .. }
        | Event::IncidentReopened { incident, .. } => Some(*incident),
        Event::StepTaken(taken) => taken.subject.incident(),
        Event::Delivered { kind: DeliveryKind::Room, subject, .. } => subject.incident(),
        _ => None,
    }
}
