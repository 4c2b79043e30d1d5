//! Changing one thing, with its timers: whoever changes a group, an incident or a page does it here, so that no
//! timer is ever forgotten. Never called from outside `apply`.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    delivery::Delivery,
    group::Group,
    id::{DeliveryId, GroupId, IncidentId, PageId, RunId},
    incident::{Incident, IncidentStatus},
    page::Page,
    run::Run,
    state::{State, Timer},
};

/// How long a card that changed waits for further changes.
const CARD_PAUSE: SignedDuration = SignedDuration::from_secs(2);
/// How long the card of an incident waits when groups joined or ended: many do so together.
const COUNTS_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// How long it waits when only alerts of its groups changed: their own cards have said so.
const ALERTS_PAUSE: SignedDuration = SignedDuration::from_mins(1);

impl State {
    pub(super) fn change_group(&mut self, id: GroupId, change: impl FnOnce(&mut Group)) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let group = Arc::make_mut(group);
        let before = group_timers(group);
        change(group);
        let after = group_timers(group);
        rearm(&mut self.timers, &before, &after);
    }

    pub(super) fn card_changed(&mut self, id: GroupId) {
        let soon = self.clock + CARD_PAUSE;
        self.change_group(id, |group| {
            let calm = group.card_at.zip(group.group_interval);
            let calm = calm.and_then(|(at, interval)| at.checked_add(interval).ok());
            if group.card_revision > 0 && !group.channels.is_empty() && group.hush.is_none() {
                group.card_due.get_or_insert(calm.map_or(soon, |calm| calm.max(soon)));
            }
        });
        if let Some(incident) = self.groups.get(&id).and_then(|group| group.incident) {
            self.counts_changed(incident, ALERTS_PAUSE);
        }
        self.storms_changed(id);
    }

    /// Groups of an incident joined or ended: the card of its own counts them.
    pub(super) fn groups_changed(&mut self, id: IncidentId) {
        self.counts_changed(id, COUNTS_PAUSE);
    }

    fn counts_changed(&mut self, id: IncidentId, pause: SignedDuration) {
        let due = self.clock + pause;
        let earlier = |incident: &&Arc<Incident>| {
            incident.card_revision > 0 && incident.response.card_due.is_none_or(|already| due < already)
        };
        if self.incidents.get(&id).as_ref().is_some_and(earlier) {
            self.change_incident(id, |incident| incident.response.card_due = Some(due));
        }
    }

    /// The same without the pause that the route wants: it became worse.
    pub(super) fn card_changed_soon(&mut self, id: GroupId) {
        self.card_changed(id);
        let soon = self.clock + CARD_PAUSE;
        self.change_group(id, |group| group.card_due = group.card_due.map(|due| due.min(soon)));
    }

    pub(super) fn change_incident(&mut self, id: IncidentId, change: impl FnOnce(&mut Incident)) {
        let Some(incident) = self.incidents.get_mut(&id) else { return };
        let incident = Arc::make_mut(incident);
        let before = incident_timers(incident);
        change(incident);
        let after = incident_timers(incident);
        if incident.is_open() {
            self.open_incidents.insert(id);
        } else {
            self.open_incidents.remove(&id);
        }
        rearm(&mut self.timers, &before, &after);
    }

    pub(super) fn arm_incident(&mut self, incident: &Incident) {
        rearm(&mut self.timers, &[None; 4], &incident_timers(incident));
    }

    pub(super) fn change_page(&mut self, id: PageId, change: impl FnOnce(&mut Page)) {
        let Some(page) = self.pages.get_mut(&id) else { return };
        let page = Arc::make_mut(page);
        let before = page_timers(page);
        change(page);
        let after = page_timers(page);
        rearm(&mut self.timers, &before, &after);
    }

    pub(super) fn change_run(&mut self, id: RunId, change: impl FnOnce(&mut Run)) {
        let run = self.runs.get_mut(&id).or_else(|| self.ended_runs.get_mut(&id));
        let Some(run) = run else { return };
        let run = Arc::make_mut(run);
        let before = run_timers(run);
        change(run);
        let after = run_timers(run);
        rearm(&mut self.timers, &before, &after);
    }

    pub(super) fn change_delivery(&mut self, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            change(Arc::make_mut(delivery));
        }
    }
}

pub(super) type Armed = Option<(Timestamp, Timer)>;

fn group_timers(group: &Group) -> [Armed; 6] {
    let unresolved = match group.incident {
        // The incident's own rule counts then.
        Some(_) => None,
        // What is quiet pages nobody.
        None if group.hush.is_some() => None,
        None => group.expect.unresolved.get(group.unresolved_paged),
    };
    let hush = group.hush.as_ref().filter(|_| group.is_told());
    let heard = group.is_told() && group.hush.is_none() && group.snooze.is_none();
    let repeat = group.repeat_at.filter(|_| heard);
    [
        group.wait_until.map(|due| (due, Timer::GroupWait(group.id))),
        group.card_due.map(|due| (due, Timer::Card(group.id))),
        unresolved.map(|rule| (group.severe_since + rule.after, Timer::GroupUnresolved(group.id))),
        // One that nobody was told of is looked at when its wait is over.
        hush.map(|hush| (hush.until, Timer::GroupQuiet(group.id))),
        group.snooze.as_ref().map(|snooze| (snooze.until, Timer::GroupSnooze(group.id))),
        repeat.map(|due| (due, Timer::GroupRepeat(group.id))),
    ]
}

fn incident_timers(incident: &Incident) -> [Armed; 4] {
    let card = incident.response.card_due.filter(|_| incident.has_card());
    let card = card.map(|due| (due, Timer::IncidentCard(incident.id)));
    if !incident.is_open() {
        let idle = incident.rooms.iter().filter(|room| !room.closed && room.work.is_empty());
        let close = idle.filter_map(|room| room.close_at).min();
        return [close.map(|due| (due, Timer::RoomsClose(incident.id))), card, None, None];
    }
    if incident.held.is_some() {
        return [None; 4];
    }
    // What is mitigated wakes nobody.
    let unresolved = match incident.status {
        IncidentStatus::Mitigated => None,
        _ => incident.expect.unresolved.get(incident.unresolved_paged),
    };
    [
        card,
        incident.acknowledge_due.map(|due| (due, Timer::AcknowledgeLate(incident.id))),
        incident.update_due.map(|due| (due, Timer::UpdateLate(incident.id))),
        unresolved.map(|rule| (incident.severe_since + rule.after, Timer::IncidentUnresolved(incident.id))),
    ]
}

fn page_timers(page: &Page) -> [Armed; 2] {
    if page.held {
        return [None; 2];
    }
    let next_try = page.pending.iter().map(|(_, one)| one.due).min();
    [Some((page.next_at, Timer::PageStep(page.id))), next_try.map(|due| (due, Timer::PageTry(page.id)))]
}

fn run_timers(run: &Run) -> [Armed; 3] {
    let asked = run.steps.iter().filter_map(|step| step.ask()).map(|ask| ask.until).min();
    let asked = asked.filter(|_| run.is_live());
    [
        run.card_due.map(|due| (due, Timer::RunCard(run.id))),
        asked.map(|due| (due, Timer::RunAsk(run.id))),
        run.judge_due.map(|due| (due, Timer::RunJudge(run.id))),
    ]
}

pub(super) fn disarm_run(timers: &mut BTreeSet<(Timestamp, Timer)>, run: &Run) {
    rearm(timers, &run_timers(run), &[]);
}

pub(super) fn disarm_page(timers: &mut BTreeSet<(Timestamp, Timer)>, page: &Page) {
    rearm(timers, &page_timers(page), &[]);
}

pub(super) fn rearm(timers: &mut BTreeSet<(Timestamp, Timer)>, before: &[Armed], after: &[Armed]) {
    if before == after {
        return;
    }
    for armed in before.iter().flatten() {
        timers.remove(armed);
    }
    timers.extend(after.iter().flatten());
}
