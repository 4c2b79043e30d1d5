//! What the state knows of chat rooms: which card stands where, and what has been taken from which platform.

use jiff::SignedDuration;

use crate::domain::{
    delivery::{Channel, DeliveryKind, Posted},
    event::Origin,
    id::ChannelName,
    page::Subject,
    state::{CardOf, State},
};

/// How long an interaction is remembered: platforms tell again within minutes, Slack's events for up to an hour.
const TAKEN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How many are remembered at most.
const TAKEN: usize = 10_000;

impl State {
    pub(super) fn card_posted(
        &mut self,
        subject: Subject,
        kind: DeliveryKind,
        channel: Channel,
        to: &ChannelName,
        message: &str,
    ) {
        let Some(card) = CardOf::subject(subject).filter(|_| kind == DeliveryKind::Card) else { return };
        let known = match card {
            CardOf::Group(group) => {
                self.groups.contains_key(&group) || self.closed_groups.contains_key(&group)
            }
            CardOf::Incident(incident) => self.incidents.contains_key(&incident),
        };
        if !known {
            return;
        }
        let posted = self.posted.entry(card).or_default();
        posted.retain(|one| one.channel != channel || one.to != *to);
        posted.push(Posted { channel, to: to.clone(), message: message.to_owned() });
    }

    pub(super) fn interaction_taken(&mut self, origin: &Origin) {
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
