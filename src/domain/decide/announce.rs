//! `/announce`: somebody's message to a channel. Never pages anybody, and never changes an incident.

use super::Decision;
use crate::domain::{
    announcement::Announced,
    delivery::{DeliveryKind, Recipient},
    event::{Actor, Event},
    id::ChannelName,
    page::Subject,
    prose::Prose,
};

impl Decision<'_> {
    pub(super) fn announce(&mut self, channel: ChannelName, text: Prose, by: Actor) {
        let (id, incident) = (self.state.next.announcement, self.state.incident_told_in(&channel));
        let announced = Announced { id, channel: channel.clone(), text: text.clone(), by, incident };
        self.emit(Event::Announced(Box::new(announced)));
        for platform in self.config.platforms_of(&channel) {
            let to = Recipient::Channel(channel.clone());
            let subject = Subject::Announcement(id, incident);
            self.queue_with(DeliveryKind::Notice, subject, None, to, platform, 0, None, Some(text.clone()));
        }
    }
}
