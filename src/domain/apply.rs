//! `apply`: what an event makes of the state. Never fails, never decides, never looks at configuration: an event
//! that does not fit (it cannot happen with a whole journal) changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    alert::Alert,
    delivery::{Delivery, DeliveryKind, Recipient},
    event::{
        AlertFired, DeliveryQueued, Event, GroupOpened, IncidentOpened, PageStarted, Reminder, StepTaken,
    },
    group::{ClosedGroup, Group},
    id::{AlertId, DeliveryId, GroupId, IncidentId, PageId},
    incident::{Incident, IncidentStatus},
    page::{Page, Subject},
    schedule::Override,
    state::{Ended, Stamp, State, Timer},
};

/// How long an ended alert is remembered, so that a late duplicate of its firing does not page again.
/// Shorter than any sensible `group_interval`: what a source says again after that is news.
pub const ENDED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How many ended alerts, closed groups and ended requests are remembered at most.
const REMEMBERED: usize = 1_000;
/// How long a card that changed waits for further changes.
const CARD_PAUSE: SignedDuration = SignedDuration::from_secs(2);

impl State {
    /// Takes one event into the state.
    pub fn apply(&mut self, event: &Event, stamp: &Stamp) {
        self.seq = stamp.seq;
        self.clock = self.clock.max(stamp.clock);
        match event {
            Event::ConfigurationLoaded { digest, .. } => self.config.clone_from(digest),
            Event::ClockStepped { .. } => {}
            Event::AlertFired(fired) => self.alert_fired(fired),
            Event::AlertChanged { alert, annotations, starts_at, source_group, groups } => {
                if let Some(alert) = self.alerts.get_mut(alert).map(Arc::make_mut) {
                    if let Some(annotations) = annotations {
                        alert.annotations = annotations.clone();
                    }
                    alert.starts_at = starts_at.unwrap_or(alert.starts_at);
                    alert.source_groups.extend(source_group.clone());
                }
                for group in groups {
                    self.card_changed(*group);
                }
            }
            Event::AlertResolved { alert, groups, .. } => self.alert_resolved(*alert, groups),
            Event::GroupOpened(opened) => self.group_opened(opened, stamp),
            Event::GroupNotified { group } => self.group_notified(*group),
            Event::GroupRaised { group, to, urgency, expect, .. } => {
                self.change_group(*group, |group| {
                    group.severity = Some(to.clone());
                    group.urgency = *urgency;
                    group.expect = expect.clone();
                    group.unresolved_paged = 0;
                    group.severe_since = stamp.clock;
                    group.acknowledged = None;
                });
                self.card_changed(*group);
            }
            Event::GroupAcknowledged { group, by } => {
                self.change_group(*group, |group| {
                    group.acknowledged.get_or_insert_with(|| (by.clone(), stamp.at));
                });
            }
            Event::GroupClosed { group } => self.group_closed(*group, stamp),
            Event::IncidentOpened(opened) => self.incident_opened(opened, stamp),
            Event::GroupJoined { incident, group } => self.group_joined(*incident, *group),
            Event::PageStarted(started) => self.page_started(started, stamp),
            Event::StepTaken(taken) => self.step_taken(taken),
            Event::PageStopped { page, why, .. } => {
                let by = match why {
                    super::event::PageStop::Acknowledged(by) => Some(by.clone()),
                    _ => None,
                };
                self.page_ended(*page, by, stamp);
            }
            Event::PageUnanswered { page, .. } => self.page_ended(*page, None, stamp),
            Event::DeliveryQueued(queued) => self.delivery_queued(queued),
            Event::AttemptStarted { delivery, attempt } => {
                self.change_delivery(*delivery, |delivery| {
                    delivery.attempts = *attempt;
                    delivery.leaving = true;
                });
            }
            Event::Delivered { delivery, to, kind, .. } => {
                if let Some(page) = self.delivery_finished(*delivery)
                    && *kind == DeliveryKind::Page
                    && matches!(to, Recipient::Person { .. })
                {
                    self.change_page(page, |page| page.reached = true);
                }
            }
            Event::AttemptFailed { delivery, to, retry_at, next_contact, .. } => {
                self.attempt_failed(*delivery, to, *retry_at, *next_contact);
            }
            Event::DeliveryCancelled { delivery, .. } => {
                self.delivery_finished(*delivery);
            }
            Event::OverrideAdded { id, schedule, person, from, until, .. } => {
                self.next.overriding = self.next.overriding.max(id.next());
                let entry = Override {
                    id: *id,
                    schedule: schedule.clone(),
                    person: person.clone(),
                    from: *from,
                    until: *until,
                };
                self.overrides.insert(*id, entry);
            }
            Event::OverrideRemoved { id, .. } => {
                if let Some(entry) = self.overrides.get_mut(id) {
                    entry.until = entry.until.min(stamp.at);
                    if entry.until <= entry.from {
                        self.overrides.remove(id);
                    }
                }
            }
            incident => self.incident_changed(incident, stamp),
        }
    }

    fn alert_fired(&mut self, fired: &AlertFired) {
        let alert = Alert {
            id: fired.alert,
            key: fired.key.clone(),
            integration: fired.integration.clone(),
            source_groups: fired.source_group.iter().cloned().collect(),
            labels: fired.labels.clone(),
            annotations: fired.annotations.clone(),
            starts_at: fired.starts_at,
            graph: fired.graph.clone(),
            source: fired.source.clone(),
            severity: fired.severity.clone(),
            groups: fired.groups.clone(),
        };
        self.next.alert = self.next.alert.max(alert.id.next());
        self.alert_keys.insert(alert.key.clone(), alert.id);
        self.alerts.insert(alert.id, Arc::new(alert));
        for group in &fired.groups {
            self.change_group(*group, |group| {
                group.firing.insert(fired.alert);
                group.seen += 1;
            });
            self.card_changed(*group);
        }
    }

    fn alert_resolved(&mut self, alert: AlertId, groups: &[GroupId]) {
        if let Some(alert) = self.alerts.remove(&alert) {
            self.alert_keys.remove(&alert.key);
            let ended = Ended { starts_at: alert.starts_at, at: self.clock };
            if self.ended.insert(alert.key.clone(), ended).is_none() {
                self.ended_order.push_back(alert.key.clone());
            }
        }
        // Old ones first; the limit holds in a storm, too.
        while let Some(oldest) = self.ended_order.front() {
            let over = self.ended.get(oldest).is_none_or(|ended| ended.at + ENDED_FOR < self.clock);
            if !over && self.ended_order.len() <= REMEMBERED * 20 {
                break;
            }
            self.ended.remove(oldest);
            self.ended_order.pop_front();
        }
        for group in groups {
            self.change_group(*group, |group| {
                group.firing.remove(&alert);
            });
            self.card_changed(*group);
        }
    }

    fn group_opened(&mut self, opened: &GroupOpened, stamp: &Stamp) {
        let group = Group {
            id: opened.group,
            key: opened.key.clone(),
            route: opened.route.clone(),
            labels: opened.labels.clone(),
            title: opened.title.clone(),
            severity: opened.severity.clone(),
            urgency: opened.urgency,
            channels: opened.channels.clone(),
            page: opened.page.clone(),
            opens_incident: opened.incident.clone(),
            expect: opened.expect.clone(),
            firing: BTreeSet::new(),
            seen: 0,
            opened_at: stamp.at,
            severe_since: stamp.clock,
            wait_until: Some(opened.wait_until),
            acknowledged: None,
            incident: None,
            paged: BTreeSet::new(),
            unresolved_paged: 0,
            card_revision: 0,
            card_due: None,
        };
        self.next.group = self.next.group.max(group.id.next());
        self.timers.insert((opened.wait_until, Timer::GroupWait(group.id)));
        self.group_keys.insert(group.key.clone(), group.id);
        self.groups.insert(group.id, Arc::new(group));
    }

    fn group_notified(&mut self, id: GroupId) {
        self.change_group(id, |group| group.wait_until = None);
    }

    fn group_joined(&mut self, incident: IncidentId, group: GroupId) {
        self.change_incident(incident, |incident| {
            incident.groups.insert(group);
        });
        self.change_group(group, |group| group.incident = Some(incident));
        self.card_changed(group);
    }

    fn group_closed(&mut self, id: GroupId, stamp: &Stamp) {
        self.change_group(id, |group| {
            group.wait_until = None;
            group.card_due = None;
            group.expect.unresolved.clear();
        });
        let Some(group) = self.groups.remove(&id) else { return };
        if self.group_keys.get(&group.key) == Some(&id) {
            self.group_keys.remove(&group.key);
        }
        self.closed_groups.insert(
            id,
            ClosedGroup {
                id,
                title: group.title.clone(),
                opened_at: group.opened_at,
                closed_at: stamp.at,
                acknowledged_by: group.acknowledged.as_ref().map(|(by, _)| by.clone()),
                incident: group.incident,
                labels: group.labels.clone(),
                severity: group.severity.clone(),
                seen: group.seen,
            },
        );
        // Messages that wait may still speak of a closed group.
        let most = REMEMBERED + self.deliveries.len();
        forget_oldest(&mut self.closed_groups, most);
    }

    fn incident_opened(&mut self, opened: &IncidentOpened, stamp: &Stamp) {
        let incident = Incident {
            id: opened.incident,
            title: opened.title.clone(),
            severity: opened.severity.clone(),
            urgency: opened.urgency,
            status: IncidentStatus::Investigating,
            roles: BTreeMap::new(),
            opened_for: opened.group,
            groups: BTreeSet::new(),
            channels: opened.channels.clone(),
            expect: opened.expect.clone(),
            opened_by: opened.by.clone(),
            opened_at: stamp.at,
            severe_since: stamp.clock,
            acknowledged: None,
            mitigated_at: None,
            resolved_at: None,
            update_due: opened.expect.update_every.map(|every| stamp.clock + every),
            acknowledge_due: opened.expect.acknowledge_within.map(|within| stamp.clock + within),
            unresolved_paged: 0,
            paged: BTreeSet::new(),
            card_revision: 0,
        };
        let id = incident.id;
        self.next.incident = self.next.incident.max(id.next());
        self.arm_incident(&incident);
        self.open_incidents += 1;
        self.incidents.insert(id, Arc::new(incident));
        if let Some(group) = opened.group {
            self.group_joined(id, group);
        }
    }

    /// Events that concern one incident and nothing else.
    fn incident_changed(&mut self, event: &Event, stamp: &Stamp) {
        match event {
            Event::IncidentAcknowledged { incident, by } => self.change_incident(*incident, |incident| {
                incident.acknowledged.get_or_insert_with(|| (by.clone(), stamp.at));
                incident.acknowledge_due = None;
            }),
            Event::RoleAssigned { incident, role, to, .. } => self.change_incident(*incident, |incident| {
                let holders = incident.roles.entry(*role).or_default();
                // Several can be responders; every other role has one holder.
                if *role != super::incident::IncidentRole::Responder || to.is_none() {
                    holders.clear();
                }
                holders.extend(to.clone());
                incident.roles.retain(|_, holders| !holders.is_empty());
            }),
            Event::SeverityChanged { incident, to, urgency, expect, .. } => {
                self.change_incident(*incident, |incident| {
                    incident.severity = to.clone();
                    incident.urgency = *urgency;
                    incident.expect = expect.clone();
                    incident.unresolved_paged = 0;
                    incident.severe_since = stamp.clock;
                    incident.update_due = expect.update_every.map(|every| stamp.clock + every);
                    incident.acknowledge_due = match (&incident.acknowledged, expect.acknowledge_within) {
                        (None, Some(within)) => Some(stamp.clock + within),
                        _ => None,
                    };
                });
            }
            Event::StatusChanged { incident, status, .. } => self.change_incident(*incident, |incident| {
                incident.status = *status;
                if *status == IncidentStatus::Mitigated {
                    incident.mitigated_at.get_or_insert(stamp.at);
                }
                incident.update_due = incident.expect.update_every.map(|every| stamp.clock + every);
            }),
            Event::IncidentResolved { incident, .. } => self.change_incident(*incident, |incident| {
                incident.status = IncidentStatus::Resolved;
                incident.resolved_at = Some(stamp.at);
                incident.update_due = None;
                incident.acknowledge_due = None;
            }),
            Event::IncidentReopened { incident, .. } => self.change_incident(*incident, |incident| {
                incident.status = IncidentStatus::Investigating;
                incident.resolved_at = None;
                incident.update_due = incident.expect.update_every.map(|every| stamp.clock + every);
            }),
            Event::Reminded { incident, what } => self.change_incident(*incident, |incident| match what {
                Reminder::Acknowledge => incident.acknowledge_due = None,
                Reminder::Update => {
                    incident.update_due = incident.expect.update_every.map(|every| stamp.clock + every);
                }
            }),
            _ => {}
        }
    }

    fn page_started(&mut self, started: &PageStarted, stamp: &Stamp) {
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
        };
        self.next.page = self.next.page.max(page.id.next());
        if let super::page::PageReason::Unresolved(_) = started.reason {
            match started.subject {
                Subject::Group(group, _) => self.change_group(group, |group| group.unresolved_paged += 1),
                Subject::Incident(incident) => {
                    self.change_incident(incident, |incident| incident.unresolved_paged += 1);
                }
                Subject::Request(_) => {}
            }
        }
        self.timers.insert((page.next_at, Timer::PageStep(page.id)));
        self.pages.insert(page.id, Arc::new(page));
    }

    fn step_taken(&mut self, taken: &StepTaken) {
        self.change_page(taken.page, |page| {
            page.round = taken.round;
            page.step = taken.step;
            page.next_at = taken.next_at;
            page.reached = false;
            // A later round pages the same people again; what was left of their last turn is part of it.
            page.pending.retain(|(person, _)| !taken.people.iter().any(|paged| paged.person == *person));
            for paged in &taken.people {
                page.paged.insert(paged.person.clone());
                page.pending.extend(paged.tries.iter().map(|one| (paged.person.clone(), one.clone())));
            }
        });
        let people = || taken.people.iter().map(|paged| paged.person.clone());
        match taken.subject {
            Subject::Group(group, _) => self.change_group(group, |group| group.paged.extend(people())),
            Subject::Incident(incident) => {
                self.change_incident(incident, |incident| incident.paged.extend(people()));
            }
            Subject::Request(_) => {}
        }
    }

    fn page_ended(&mut self, id: PageId, by: Option<super::event::Actor>, stamp: &Stamp) {
        let Some(page) = self.pages.remove(&id) else { return };
        disarm_page(&mut self.timers, &page);
        if matches!(page.subject, Subject::Request(_)) {
            self.closed_pages.insert(id, (by, stamp.at));
            forget_oldest(&mut self.closed_pages, REMEMBERED);
        }
    }

    fn delivery_queued(&mut self, queued: &DeliveryQueued) {
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
            attempts: 0,
            failures: 0,
            queued_at: self.clock,
            due: self.clock,
            leaving: false,
        };
        self.next.delivery = self.next.delivery.max(delivery.id.next());
        match (queued.kind, queued.subject) {
            (DeliveryKind::Card, Subject::Group(group, _)) => self.change_group(group, |group| {
                group.card_revision = group.card_revision.max(queued.revision);
                group.card_due = None;
            }),
            (DeliveryKind::Card, Subject::Incident(incident)) => {
                self.change_incident(incident, |incident| {
                    incident.card_revision = incident.card_revision.max(queued.revision);
                });
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

    fn attempt_failed(
        &mut self,
        id: DeliveryId,
        to: &Recipient,
        retry_at: Option<Timestamp>,
        next_contact: bool,
    ) {
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

    fn delivery_finished(&mut self, id: DeliveryId) -> Option<PageId> {
        let page = self.deliveries.remove(&id)?.page?;
        self.change_page(page, |page| {
            page.deliveries.remove(&id);
        });
        Some(page)
    }

    // --- changing one thing, with its timers ---------------------------------------------------------

    fn change_group(&mut self, id: GroupId, change: impl FnOnce(&mut Group)) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let group = Arc::make_mut(group);
        let before = group_timers(group);
        change(group);
        let after = group_timers(group);
        rearm(&mut self.timers, &before, &after);
    }

    fn card_changed(&mut self, id: GroupId) {
        let due = self.clock + CARD_PAUSE;
        self.change_group(id, |group| {
            if group.card_revision > 0 && !group.channels.is_empty() {
                group.card_due.get_or_insert(due);
            }
        });
    }

    fn change_incident(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        let Some(incident) = self.incidents.get_mut(&id) else { return };
        let incident = Arc::make_mut(incident);
        let (before, was_open) = (incident_timers(incident), incident.is_open());
        change(incident);
        let after = incident_timers(incident);
        self.open_incidents = self.open_incidents - usize::from(was_open) + usize::from(incident.is_open());
        rearm(&mut self.timers, &before, &after);
    }

    fn arm_incident(&mut self, incident: &Incident) {
        rearm(&mut self.timers, &[None; 3], &incident_timers(incident));
    }

    fn change_page(&mut self, id: PageId, change: impl FnOnce(&mut Page)) {
        let Some(page) = self.pages.get_mut(&id) else { return };
        let page = Arc::make_mut(page);
        let before = page_timers(page);
        change(page);
        let after = page_timers(page);
        rearm(&mut self.timers, &before, &after);
    }

    fn change_delivery(&mut self, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            change(Arc::make_mut(delivery));
        }
    }
}

type Armed = Option<(Timestamp, Timer)>;

fn group_timers(group: &Group) -> [Armed; 3] {
    let unresolved = match group.incident {
        // The incident's own rule counts then.
        Some(_) => None,
        None => group.expect.unresolved.get(group.unresolved_paged),
    };
    [
        group.wait_until.map(|due| (due, Timer::GroupWait(group.id))),
        group.card_due.map(|due| (due, Timer::Card(group.id))),
        unresolved.map(|rule| (group.severe_since + rule.after, Timer::GroupUnresolved(group.id))),
    ]
}

fn incident_timers(incident: &Incident) -> [Armed; 3] {
    if !incident.is_open() {
        return [None; 3];
    }
    // What is mitigated wakes nobody.
    let unresolved = match incident.status {
        IncidentStatus::Mitigated => None,
        _ => incident.expect.unresolved.get(incident.unresolved_paged),
    };
    [
        incident.acknowledge_due.map(|due| (due, Timer::AcknowledgeLate(incident.id))),
        incident.update_due.map(|due| (due, Timer::UpdateLate(incident.id))),
        unresolved.map(|rule| (incident.severe_since + rule.after, Timer::IncidentUnresolved(incident.id))),
    ]
}

fn page_timers(page: &Page) -> [Armed; 2] {
    let next_try = page.pending.iter().map(|(_, one)| one.due).min();
    [Some((page.next_at, Timer::PageStep(page.id))), next_try.map(|due| (due, Timer::PageTry(page.id)))]
}

fn disarm_page(timers: &mut BTreeSet<(Timestamp, Timer)>, page: &Page) {
    rearm(timers, &page_timers(page), &[]);
}

fn rearm(timers: &mut BTreeSet<(Timestamp, Timer)>, before: &[Armed], after: &[Armed]) {
    if before == after {
        return;
    }
    for armed in before.iter().flatten() {
        timers.remove(armed);
    }
    timers.extend(after.iter().flatten());
}

fn forget_oldest<K: Ord, V>(things: &mut BTreeMap<K, V>, most: usize) {
    while things.len() > most {
        things.pop_first();
    }
}
