//! Two shifts change hands: both overrides, or neither. Both people are told by chat.

use super::Decision;
use crate::domain::{
    delivery::{DeliveryKind, Recipient},
    event::Event,
    intent::Refusal,
    page::Subject,
    schedule::Override,
    swap::{SwapIntent, SwapRefusal, Swapped, still_so},
};

impl Decision<'_> {
    pub(super) fn swap(&mut self, wanted: SwapIntent) -> Result<(), Refusal> {
        let SwapIntent { exchange, told, by } = wanted;
        let overrides: Vec<Override> = self.state.overrides_of(&exchange.schedule);
        let now = self.now.civil;
        if exchange.mine.from_whom == exchange.theirs.from_whom {
            return Err(Refusal::Swap(SwapRefusal::Oneself));
        }
        still_so(self.config, &overrides, &exchange, now).map_err(Refusal::Swap)?;
        let id = self.state.next.overriding;
        let announcement = self.state.next.announcement;
        self.emit(Event::Swapped(Box::new(Swapped {
            first: exchange.mine.standing_in(id, &exchange.schedule, now),
            second: exchange.theirs.standing_in(id.next(), &exchange.schedule, now),
            told: announcement,
            by,
        })));
        for person in [exchange.mine.to, exchange.theirs.to] {
            for (contact, channel) in self.state.chat_of(self.config, &person) {
                let to = Recipient::Person { person: person.clone(), contact };
                let subject = Subject::Announcement(announcement, None);
                self.queue_with(
                    DeliveryKind::Notice,
                    subject,
                    None,
                    to,
                    channel,
                    0,
                    None,
                    Some(told.clone()),
                );
            }
        }
        Ok(())
    }
}
