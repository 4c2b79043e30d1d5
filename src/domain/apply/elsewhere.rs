//! Pages in other teams' pagers: what the events of deliveries make of who holds one and what they were told.
//! Never forgets one that they may hold and have not been told of.

use std::collections::BTreeSet;

use crate::domain::{
    elsewhere::{Ends, Held, Told, page_of, under},
    event::{DeliveryQueued, Event},
    id::{DeliveryId, PageId},
    page::Subject,
    state::State,
};

impl State {
    /// Somebody took what they ring for, or it is over: they have to hear of it, now or when they can.
    pub(super) fn owe_elsewhere(&mut self, event: &Event) {
        let Some(ends) = Ends::of(event, self) else { return };
        for key in ends.keys(&self.elsewhere) {
            for held in self.elsewhere.get_mut(&key).into_iter().flatten() {
                held.owed = held.owed.max(ends.told());
            }
        }
    }

    /// An attempt leaves: from now on they may have it.
    pub(super) fn leaves_for_elsewhere(&mut self, id: DeliveryId) {
        let Some(delivery) = self.deliveries.get(&id) else { return };
        let Some(key) = page_of(delivery) else { return };
        let (to, channel, subject) = (delivery.to.clone(), delivery.channel, delivery.subject);
        let all = self.elsewhere.entry(key).or_default();
        if let Some(held) = all.iter_mut().find(|held| held.to == to) {
            held.leaving.insert(id);
            return;
        }
        let leaving = BTreeSet::from([id]);
        all.push(Held {
            to,
            channel,
            subject,
            leaving,
            may_have: false,
            owed: None,
            told: None,
            telling: None,
        });
    }

    /// An attempt ended, and `arrived` or not; `last`: it is not made again. While its page runs, that is because they
    /// refused it.
    pub(super) fn back_from_elsewhere(&mut self, id: DeliveryId, arrived: bool, last: bool) {
        let Some(delivery) = self.deliveries.get(&id).cloned() else { return };
        let Some(key) = page_of(&delivery) else { return };
        let refused = last && !arrived && self.pages.contains_key(&key.1);
        let Some(all) = self.elsewhere.get_mut(&key) else { return };
        for held in all.iter_mut().filter(|held| held.to == delivery.to) {
            held.leaving.remove(&id);
            held.may_have |= !refused;
        }
        all.retain(|held| held.may_have || !held.leaving.is_empty());
        if all.is_empty() {
            self.elsewhere.remove(&key);
        }
    }

    /// They are told; of what is over, and of a request that is taken, there is nothing more to tell.
    pub(super) fn told_elsewhere(&mut self, queued: &DeliveryQueued) {
        let (Some(page), Some(told)) = (queued.page, Told::of(queued.kind)) else { return };
        let key = (under(queued.subject), page);
        let Some(all) = self.elsewhere.get_mut(&key) else { return };
        let last = told == Told::Over || matches!(queued.subject, Subject::Request(_));
        if last {
            all.retain(|held| held.to != queued.to);
        } else if let Some(held) = all.iter_mut().find(|held| held.to == queued.to) {
            (held.told, held.telling) = (Some(told), Some(queued.delivery));
        }
        if all.is_empty() {
            self.elsewhere.remove(&key);
        }
    }

    /// A request that nobody will ever take.
    pub(super) fn forget_elsewhere(&mut self, request: PageId) {
        self.elsewhere.remove(&(Subject::Request(request), request));
    }
}
