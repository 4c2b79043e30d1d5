//! Other teams' pagers as the journal tells it: who has a page hears of its end, after the page, and once of each.
//! Knows events alone, never the rules that made them.

use std::collections::{BTreeMap, BTreeSet};

use watchbell::domain::{
    delivery::{Channel, DeliveryKind},
    event::{Event, PageStop, Record},
    id::{DeliveryId, GroupId, PageId},
    page::Subject,
};

use super::play::Sabotage;
use crate::world::World;

#[derive(Default)]
struct Known {
    /// Page and kind of what is meant for a pager.
    of: BTreeMap<DeliveryId, (PageId, DeliveryKind)>,
    leaving: BTreeMap<DeliveryId, PageId>,
    arrived: BTreeMap<PageId, Subject>,
    told: BTreeMap<PageId, Vec<DeliveryKind>>,
    ended: BTreeSet<PageId>,
    taken: BTreeSet<PageId>,
    closed: BTreeSet<GroupId>,
}

/// Checks a whole journal after everything came to rest.
pub fn are_told(records: &[Record]) {
    let mut known = Known::default();
    for record in records {
        known.hear(&record.event);
    }
    for (page, subject) in &known.arrived {
        let told = known.told.get(page).cloned().unwrap_or_default();
        let over = subject.group().is_some_and(|group| known.closed.contains(&group));
        assert!(
            !known.taken.contains(page) || !told.is_empty(),
            "promise 4: a pager rings on for {page}, which is taken"
        );
        assert!(
            !over || told.contains(&DeliveryKind::Resolved),
            "promise 4: a pager never hears that {page} is over"
        );
    }
}

impl Known {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::DeliveryQueued(queued) if queued.channel == Channel::PagerDuty => {
                let page = queued.page.expect("what a pager hears belongs to a page");
                self.of.insert(queued.delivery, (page, queued.kind));
                if queued.kind != DeliveryKind::Page {
                    let under_way = self.leaving.values().any(|leaving| *leaving == page);
                    assert!(!under_way, "promise 4: a pager is told of {page} before it has it");
                    assert!(self.ended.contains(&page), "promise 4: a pager is told of {page}, which runs");
                    let told = self.told.entry(page).or_default();
                    assert!(!told.contains(&queued.kind), "promise 4: a pager is told of {page} twice");
                    told.push(queued.kind);
                }
            }
            Event::AttemptStarted { delivery, .. } => {
                if let Some((page, DeliveryKind::Page)) = self.of.get(delivery) {
                    self.leaving.insert(*delivery, *page);
                }
            }
            Event::Delivered { delivery, subject, .. } => {
                if let Some(page) = self.leaving.remove(delivery) {
                    self.arrived.insert(page, *subject);
                }
            }
            Event::AttemptFailed { delivery, .. } | Event::DeliveryCancelled { delivery, .. } => {
                self.leaving.remove(delivery);
            }
            Event::PageStopped { page, why, .. } => {
                self.ended.insert(*page);
                if matches!(why, PageStop::Acknowledged(_)) {
                    self.taken.insert(*page);
                }
            }
            Event::PageUnanswered { page, .. } => {
                self.ended.insert(*page);
            }
            Event::GroupClosed { group } => {
                self.closed.insert(*group);
            }
            _ => {}
        }
    }
}

/// A broken memory: nobody knows who has a page, so nobody is told of its end.
pub fn forget(world: &mut World, sabotage: Sabotage) {
    if sabotage == Sabotage::ForgetPager {
        world.break_state(|state| state.elsewhere.clear());
    }
}
