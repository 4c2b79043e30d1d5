//! `apply`: what an event makes of the state. Never fails, never decides, never looks at configuration: an event
//! that does not fit (it cannot happen with a whole journal) changes nothing.

mod alerts;
mod change;
mod chat;
mod deployment;
mod elsewhere;
mod guides;
mod incidents;
mod links;
mod pages;
mod quiet;
mod response;
mod run;
mod run_due;
mod storm;
mod upkeep;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::SignedDuration;

use super::{
    event::{Event, PageStop},
    id::AnnouncementId,
    schedule::{HORIZON, Override},
    state::{Stamp, State},
    swap::Swapped,
};

/// How long an ended alert is remembered, so that a late duplicate of its firing does not page again.
/// Shorter than any sensible `group_interval`: what a source says again after that is news.
pub const ENDED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// Overrides that were taken back and are remembered, so that whoever comes second hears who was first.
const TAKEN_BACK: usize = 100;
/// How many ended alerts, closed groups and ended requests are remembered at most.
const REMEMBERED: usize = 1_000;

impl State {
    /// Takes one event into the state.
    pub fn apply(&mut self, event: &Event, stamp: &Stamp) {
        self.seq = stamp.seq;
        self.clock = self.clock.max(stamp.clock);
        self.owe_elsewhere(event);
        match event {
            Event::ConfigurationLoaded { instance, .. } => {
                if let (Some(instance), true) = (instance, self.instance.is_empty()) {
                    self.instance.clone_from(instance);
                }
            }
            Event::ClockStepped { .. } | Event::TokenUsed { .. } => {}
            Event::AlertFired(fired) => self.alert_fired(fired),
            Event::AlertChanged { alert, annotations, starts_at, source_group, groups, .. } => {
                if let Some(alert) = self.alerts.get_mut(alert).map(Arc::make_mut) {
                    if let Some(annotations) = annotations {
                        alert.annotations = annotations.clone();
                    }
                    alert.starts_at = starts_at.unwrap_or(alert.starts_at);
                    alert.source_groups.extend(source_group.clone());
                }
                for group in groups {
                    if starts_at.is_some() {
                        self.fired_since(*group, *alert);
                    }
                    self.card_changed(*group);
                }
            }
            Event::AlertResolved { alert, groups, by, .. } => self.alert_resolved(*alert, groups, by),
            Event::GroupOpened(opened) => self.group_opened(opened, stamp),
            Event::GroupNotified { group } => self.group_notified(*group),
            Event::GroupRaised { group, to, urgency, expect, .. } => {
                self.group_raised(*group, to, *urgency, expect, stamp);
            }
            Event::GroupAcknowledged { group, by } => self.group_acknowledged(*group, by, stamp),
            Event::GroupClosed { group } => self.group_closed(*group, stamp),
            Event::IncidentOpened(opened) => self.incident_opened(opened, stamp),
            Event::GroupJoined { incident, group } => self.group_joined(*incident, *group),
            Event::PageStarted(started) => self.page_started(started, stamp),
            Event::StepTaken(taken) => self.step_taken(taken),
            Event::PageStopped { page, why, .. } => {
                let by = match why {
                    PageStop::Acknowledged(by) => Some(by.clone()),
                    PageStop::Resolved | PageStop::Replaced(_) | PageStop::Quiet | PageStop::Snoozed(_) => {
                        None
                    }
                };
                self.page_replaced(*page, why);
                self.page_ended(*page, by, stamp);
            }
            Event::PageUnanswered { page, subject } => {
                self.page_ended(*page, None, stamp);
                if let Some(group) = subject.group() {
                    self.storms_changed(group);
                }
            }
            Event::StormBegan { .. } | Event::StormJoined { .. } | Event::StormEnded { .. } => {
                self.storm_moved(event, stamp);
            }
            Event::Announced(announced) => self.announced(announced.id),
            Event::DeliveryQueued(queued) => self.delivery_queued(queued),
            Event::AttemptStarted { delivery, attempt } => self.attempt_started(*delivery, *attempt),
            Event::InteractionTaken(_)
            | Event::MessageCaptured(_)
            | Event::MessageChanged { .. }
            | Event::RoomJoined { .. } => self.chat_changed(event),
            Event::LinkOffered { .. }
            | Event::LinkFailed { .. }
            | Event::AccountLinked { .. }
            | Event::AccountUnlinked { .. } => self.links_changed(event, stamp),
            Event::Delivered { delivery, to, kind, subject, message, .. } => {
                self.chat_delivered(*delivery, to, *kind, *subject, message.as_deref());
                self.delivered(*delivery, to, *kind);
            }
            Event::AttemptFailed { delivery, to, retry_at, next_contact, .. } => {
                self.attempt_failed(*delivery, to, *retry_at, *next_contact);
            }
            Event::DeliveryCancelled { delivery, .. } => self.delivery_cancelled(*delivery),
            Event::OverrideAdded { .. } | Event::OverrideRemoved { .. } | Event::Swapped(_) => {
                self.overrides_changed(event, stamp);
            }
            Event::Run(event) => self.run_happened(event, stamp),
            Event::RunMissed(missed) => self.run_missed(missed, stamp),
            Event::Quiet(event) => self.quiet_changed(event, stamp),
            Event::Deployed(said) => self.deployed(said),
            Event::RunDue(_) | Event::RunHeldBack(_) | Event::RunsOffered(_) => self.by_themselves(event),
            Event::GuideRead(read) => self.guide_read(read, stamp),
            Event::Response(event) => self.response_changed(event, stamp),
            Event::Upkeep(what) => self.looked_after(what, stamp),
            incident => self.incident_changed(incident, stamp),
        }
    }

    fn announced(&mut self, id: AnnouncementId) {
        self.next.announcement = self.next.announcement.max(id.next());
    }

    fn overrides_changed(&mut self, event: &Event, stamp: &Stamp) {
        match event {
            Event::OverrideAdded { id, schedule, person, from, until, .. } => {
                let entry = Override {
                    id: *id,
                    schedule: schedule.clone(),
                    person: person.clone(),
                    from: *from,
                    until: *until,
                };
                self.stands_in(entry, stamp);
            }
            Event::Swapped(swapped) => {
                let Swapped { first, second, told, .. } = &**swapped;
                self.announced(*told);
                self.swaps.extend([(first.id, second.id), (second.id, first.id)]);
                self.stands_in(first.clone(), stamp);
                self.stands_in(second.clone(), stamp);
            }
            Event::OverrideRemoved { id, by } => {
                self.taken_back.push_back((*id, by.clone(), stamp.at));
                let older = self.taken_back.len().saturating_sub(TAKEN_BACK);
                self.taken_back.drain(..older);
                if let Some(entry) = self.overrides.get_mut(id) {
                    entry.until = entry.until.min(stamp.at);
                    if entry.until <= entry.from {
                        self.overrides.remove(id);
                    }
                }
            }
            _ => {}
        }
        let Self { swaps, overrides, .. } = self;
        swaps.retain(|one, _| overrides.contains_key(one));
    }

    fn stands_in(&mut self, one: Override, stamp: &Stamp) {
        self.next.overriding = self.next.overriding.max(one.id.next());
        // What ended longer ago than anybody follows a shift back is forgotten.
        self.overrides.retain(|_, one| stamp.at.duration_since(one.until) < HORIZON);
        self.overrides.insert(one.id, one);
    }
}

/// Keeps a thing that is over, and forgets those that were over first, which it returns.
fn remember<K: Ord + Copy, V>(
    things: &mut BTreeMap<K, V>,
    order: &mut VecDeque<K>,
    most: usize,
    (key, thing): (K, V),
) -> Vec<K> {
    let mut forgotten = Vec::new();
    if things.insert(key, thing).is_none() {
        order.push_back(key);
    }
    while things.len() > most
        && let Some(first) = order.pop_front()
    {
        things.remove(&first);
        forgotten.push(first);
    }
    forgotten
}
