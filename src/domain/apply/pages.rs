//! Pages and deliveries: what their events make of the state.
//! Never resolves anybody: people come with the events.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::{REMEMBERED, change::disarm_page, remember};
use crate::domain::{
    delivery::{Delivery, DeliveryKind, Notice, Recipient},
    event::{Actor, DeliveryQueued, PageStarted, PageStop, StepTaken},
    id::{DeliveryId, PageId},
    incident::Incident,
    page::{ClosedPage, Page, PageReason, Subject},
    state::{Stamp, State, Timer},
};

impl State {
    pub(super) fn page_started(&mut self, started: &PageStarted, stamp: &Stamp) {
        let page = Page {
            id: started.page,
            subject: started.subject,
            plan: started.plan.clone(),
            urgency: started.urgency,
            severity: started.severity.clone(),
            reason: started.reason.clone(),
            by: started.by.clone(),
            started_at: stamp.at,
            round: 0,
            step: 0,
            next_at: stamp.clock,
            pending: Vec::new(),
            paged: BTreeSet::new(),
            deliveries: BTreeSet::new(),
            reached: false,
            held: false,
        };
        self.next.page = self.next.page.max(page.id.next());
        if let PageReason::Unresolved(_) = started.reason {
            match started.subject {
                Subject::Group(group, _) => self.change_group(group, |group| group.unresolved_paged += 1),
                Subject::Incident(incident) => {
                    self.change_incident(incident, |incident| incident.unresolved_paged += 1);
                }
                Subject::Request(_)
                | Subject::Storm(_)
                | Subject::Run(_)
                | Subject::Announcement(..)
                | Subject::Silence(_) => {}
            }
        }
        match page.subject {
            Subject::Group(group, _) => self.change_group(group, |group| {
                group.pages.insert(page.id);
                group.over = false;
            }),
            Subject::Incident(incident) => {
                self.change_incident(incident, |incident| {
                    incident.pages.insert(page.id);
                });
            }
            Subject::Request(_)
            | Subject::Storm(_)
            | Subject::Run(_)
            | Subject::Announcement(..)
            | Subject::Silence(_) => {}
        }
        self.timers.insert((page.next_at, Timer::PageStep(page.id)));
        self.pages.insert(page.id, Arc::new(page));
    }

    pub(super) fn step_taken(&mut self, taken: &StepTaken) {
        self.change_page(taken.page, |page| {
            page.round = taken.round;
            page.step = taken.step;
            page.next_at = taken.next_at;
            // A channel that is told counts as somebody.
            page.reached = !taken.channels.is_empty();
            // A later round pages the same people again; what was left of their last turn is part of it.
            page.pending.retain(|(person, _)| !taken.people.iter().any(|paged| paged.person == *person));
            for paged in &taken.people {
                page.paged.insert(paged.person.clone());
                page.pending.extend(paged.tries.iter().map(|one| (paged.person.clone(), one.clone())));
            }
        });
        let people = || taken.people.iter().map(|paged| paged.person.clone());
        match taken.subject {
            Subject::Group(group, _) => {
                self.change_group(group, |group| group.paged.extend(people()));
                if let Some(incident) = self.groups.get(&group).and_then(|group| group.incident) {
                    let extend = |of: &mut Incident| of.response.paged_for_groups.extend(people());
                    self.change_incident(incident, extend);
                }
            }
            Subject::Incident(incident) => {
                self.change_incident(incident, |incident| incident.paged.extend(people()));
            }
            Subject::Request(_)
            | Subject::Storm(_)
            | Subject::Run(_)
            | Subject::Announcement(..)
            | Subject::Silence(_) => {}
        }
    }

    /// What stood in for a group's page is replaced: the newer page stands in.
    pub(super) fn page_replaced(&mut self, id: PageId, why: &PageStop) {
        let PageStop::Replaced(new) = why else { return };
        let incident = self.pages.get(&id).and_then(|page| page.subject.incident());
        let Some(incident) = incident.and_then(|incident| self.incidents.get(&incident)).cloned() else {
            return;
        };
        for group in &incident.response.open_groups {
            if self.groups.get(group).is_some_and(|group| group.covered_by == Some(id)) {
                self.change_group(*group, |group| group.covered_by = Some(*new));
            }
        }
    }

    pub(super) fn page_ended(&mut self, id: PageId, by: Option<Actor>, stamp: &Stamp) {
        let Some(page) = self.pages.remove(&id) else {
            // Nobody had answered, and now somebody takes it all the same.
            if let (Some(closed), Some(by)) = (self.closed_pages.get_mut(&id), by) {
                closed.taken.get_or_insert((by, stamp.at));
            }
            return;
        };
        disarm_page(&mut self.timers, &page);
        match page.subject {
            Subject::Group(group, _) => self.change_group(group, |group| {
                group.pages.remove(&id);
            }),
            Subject::Incident(incident) => {
                self.change_incident(incident, |incident| {
                    incident.pages.remove(&id);
                });
            }
            Subject::Storm(_) | Subject::Run(_) | Subject::Announcement(..) | Subject::Silence(_) => {}
            Subject::Request(_) => {
                let closed = ClosedPage {
                    reason: page.reason.clone(),
                    by: page.by.clone(),
                    ended_at: stamp.at,
                    taken: by.map(|by| (by, stamp.at)),
                };
                let (all, order) = (&mut self.closed_pages, &mut self.closed_pages_order);
                for forgotten in remember(all, order, REMEMBERED, (id, closed)) {
                    self.forget_elsewhere(forgotten);
                }
            }
        }
    }

    pub(super) fn delivery_queued(&mut self, queued: &DeliveryQueued) {
        let delivery = Delivery {
            id: queued.delivery,
            kind: queued.kind,
            subject: queued.subject,
            page: queued.page,
            to: queued.to.clone(),
            channel: queued.channel,
            key: queued.key.clone(),
            revision: queued.revision,
            notice: queued.notice,
            said: queued.said.clone(),
            room: queued.room.clone(),
            attempts: 0,
            failures: 0,
            due: self.clock,
            leaving: false,
        };
        self.next.delivery = self.next.delivery.max(delivery.id.next());
        self.told_elsewhere(queued);
        match (queued.kind, queued.subject) {
            (DeliveryKind::Card, Subject::Group(group, _)) => {
                let clock = self.clock;
                self.change_group(group, |group| {
                    group.card_revision = group.card_revision.max(queued.revision);
                    group.card_due = None;
                    group.card_at = Some(clock);
                    group.cards.insert(queued.delivery);
                });
                if let Recipient::Channel(channel) = &queued.to {
                    self.card_of_its_own(group, channel);
                }
            }
            (DeliveryKind::Card, Subject::Storm(storm)) => self.change_storm(storm, |storm| {
                storm.card_revision = storm.card_revision.max(queued.revision);
                storm.card_due = None;
                storm.cards.insert(queued.delivery);
            }),
            (DeliveryKind::Card, Subject::Incident(incident)) => {
                self.change_incident(incident, |incident| {
                    incident.card_revision = incident.card_revision.max(queued.revision);
                    incident.response.card_due = None;
                    incident.cards.insert(queued.delivery);
                });
            }
            (DeliveryKind::Card, Subject::Run(run)) => {
                let clock = self.clock;
                self.change_run(run, |run| {
                    run.card_revision = run.card_revision.max(queued.revision);
                    run.card_due = None;
                    run.card_at = Some(clock);
                    run.cards.insert(queued.delivery);
                });
            }
            (DeliveryKind::Room, Subject::Incident(incident)) => self.room_work_queued(incident, queued),
            (DeliveryKind::Notice, Subject::Incident(incident))
                if matches!(queued.notice, Some(Notice::Quiet(_))) =>
            {
                let clock = self.clock;
                if let Recipient::Channel(channel) = &queued.to {
                    self.change_incident(incident, |incident| {
                        incident.response.told_again_in.insert(channel.clone(), clock);
                    });
                }
            }
            _ => {}
        }
        if let (Some(page), Recipient::Person { person, contact }) = (queued.page, &queued.to) {
            self.change_page(page, |page| {
                page.deliveries.insert(queued.delivery);
                if let Some(index) =
                    page.pending.iter().position(|(who, one)| who == person && one.contact == *contact)
                {
                    page.pending.remove(index);
                }
            });
        }
        self.deliveries.insert(delivery.id, Arc::new(delivery));
    }

    pub(super) fn attempt_started(&mut self, id: DeliveryId, attempt: u32) {
        self.change_delivery(id, |delivery| {
            delivery.attempts = attempt;
            delivery.leaving = true;
        });
        self.leaves_for_elsewhere(id);
    }

    pub(super) fn delivery_cancelled(&mut self, id: DeliveryId) {
        self.back_from_elsewhere(id, false, false);
        self.delivery_finished(id);
    }

    pub(super) fn attempt_failed(
        &mut self,
        id: DeliveryId,
        to: &Recipient,
        retry_at: Option<Timestamp>,
        next_contact: bool,
    ) {
        self.back_from_elsewhere(id, false, retry_at.is_none());
        let clock = self.clock;
        let page = self.deliveries.get(&id).and_then(|delivery| delivery.page);
        match retry_at {
            Some(due) => self.change_delivery(id, |delivery| {
                delivery.leaving = false;
                delivery.failures += 1;
                delivery.due = due;
            }),
            None => drop(self.delivery_finished(id)),
        }
        if let (true, Some(page), Recipient::Person { person, .. }) = (next_contact, page, to) {
            self.change_page(page, |page| {
                let next = page.pending.iter_mut().filter(|(who, _)| who == person);
                if let Some((_, one)) = next.min_by_key(|(_, one)| one.due) {
                    one.due = one.due.min(clock);
                }
            });
        }
    }

    pub(super) fn delivered(&mut self, id: DeliveryId, to: &Recipient, kind: DeliveryKind) {
        self.back_from_elsewhere(id, true, false);
        if let Some(page) = self.delivery_finished(id)
            && kind == DeliveryKind::Page
            && matches!(to, Recipient::Person { .. })
        {
            self.change_page(page, |page| page.reached = true);
        }
    }

    pub(super) fn delivery_finished(&mut self, id: DeliveryId) -> Option<PageId> {
        let delivery = self.deliveries.remove(&id)?;
        match (delivery.kind, delivery.subject) {
            (DeliveryKind::Card, Subject::Group(group, _)) => {
                self.change_group(group, |group| {
                    group.cards.remove(&id);
                });
            }
            (DeliveryKind::Card, Subject::Incident(incident)) => {
                self.change_incident(incident, |incident| {
                    incident.cards.remove(&id);
                });
            }
            (DeliveryKind::Card, Subject::Storm(storm)) => self.change_storm(storm, |storm| {
                storm.cards.remove(&id);
            }),
            (DeliveryKind::Card, Subject::Run(run)) => {
                self.change_run(run, |run| {
                    run.cards.remove(&id);
                });
            }
            _ => {}
        }
        if let (DeliveryKind::Room, Some(incident)) = (delivery.kind, delivery.subject.incident()) {
            self.room_work_ended(incident, &delivery);
        }
        let page = delivery.page?;
        self.change_page(page, |page| {
            page.deliveries.remove(&id);
        });
        Some(page)
    }
}
