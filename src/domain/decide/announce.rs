//! `/announce`: somebody's message to a channel. Never pages anybody, and never changes an incident.

use super::Decision;
use crate::domain::{
    announcement::Announced,
    delivery::{DeliveryKind, Recipient},
    event::{Actor, Event},
    id::{ChannelName, IncidentId},
    page::Subject,
    prose::Prose,
};

impl Decision<'_> {
    pub(super) fn announce(&mut self, channel: ChannelName, text: Prose, by: Actor) {
        let (id, incident) = (self.state.next.announcement, self.told_in(&channel));
        let announced = Announced { id, channel: channel.clone(), text: text.clone(), by, incident };
        self.emit(Event::Announced(Box::new(announced)));
        for platform in self.config.platforms_of(&channel) {
            let to = Recipient::Channel(channel.clone());
            let subject = Subject::Announcement(id, incident);
            self.queue_with(DeliveryKind::Notice, subject, None, to, platform, 0, None, Some(text.clone()));
        }
    }

    /// The newest open incident of a channel: an old one of the same channel is over.
    fn told_in(&self, channel: &ChannelName) -> Option<IncidentId> {
        let open = self.state.open_incidents.iter().rev();
        let mut open = open.filter_map(|id| self.state.incidents.get(id));
        open.find(|incident| incident.is_told_in(channel)).map(|incident| incident.id)
    }
}
