//! The clock's intents: whatever is due next, one thing at a time. Never looks at the wall clock; `now` is given.

use std::ops::Bound;

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::{Actor, Event, PageStop, Plan, Reminder},
    id::{GroupId, IncidentId},
    incident::{IncidentRole, IncidentStatus},
    page::{PageReason, Subject},
    state::Timer,
};

impl Decision<'_> {
    /// Takes the first thing that is due; nothing when nothing is. A timer from which nothing follows would be first for
    /// ever: the next one has its turn then.
    pub(super) fn due(&mut self) {
        let mut next = self.state.timers.first().copied();
        while let Some((due, timer)) = next.filter(|(due, _)| *due <= self.now.engine) {
            self.fire(timer);
            if !self.events.is_empty() {
                return;
            }
            let later = (Bound::Excluded((due, timer)), Bound::Unbounded);
            next = self.state.timers.range(later).next().copied();
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::GroupWait(group) => self.group_wait_over(group),
            Timer::PageStep(page) => self.take_step(page),
            Timer::PageTry(page) => self.try_contacts(page),
            Timer::GroupUnresolved(group) => self.group_unresolved(group),
            Timer::IncidentUnresolved(incident) => self.incident_unresolved(incident),
            Timer::AcknowledgeLate(incident) => self.late(incident, Reminder::Acknowledge),
            Timer::UpdateLate(incident) => self.late(incident, Reminder::Update),
            Timer::Card(group) => self.edit_group_card(group),
            Timer::RoomsClose(incident) => self.furnish(incident),
            Timer::IncidentCard(incident) => self.post_incident_card(incident),
            Timer::StormCard(storm) => self.post_storm_card(storm),
            Timer::StormCalm(storm) => self.emit(Event::StormEnded { storm }),
            Timer::RunAsk(run) => self.ask_expired(run),
            Timer::RunJudge(run) => self.judge_late(run),
            Timer::RunCard(run) => self.post_run_card(run),
            Timer::GroupQuiet(group) => self.wake(group),
            Timer::GroupSnooze(group) => self.snooze_over(group),
            Timer::GroupRepeat(group) => self.repeat(group),
            Timer::Silence(silence) => self.silence_due(silence),
            Timer::TaskDue(task) => self.task_due(task),
        }
    }

    /// From here on the channel and the people on call are told.
    fn group_wait_over(&mut self, id: GroupId) {
        if self.hush_if_quiet(id) {
            return;
        }
        self.heard_at_last(id);
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        self.emit(Event::GroupNotified { group: id });
        let in_storm = group.opens_incident.as_ref().map(|severity| self.incident_for_group(id, severity));
        match (&group.acknowledged, &group.page) {
            // Somebody took it while it was collecting: nobody is woken, and what it opens is theirs, too.
            (Some((by, _)), _) => self.take_opened(id, by),
            (None, Some(plan)) if in_storm == Some(true) => self.page_in_storm(id, plan, PageReason::Fired),
            (None, Some(plan)) => self.page_group(id, plan, PageReason::Fired),
            (None, None) => {}
        }
        self.post_group_card(id);
        self.runs_due(id, None);
    }

    fn take_opened(&mut self, id: GroupId, by: &Actor) {
        let incident = self.state.groups.get(&id).and_then(|group| group.incident);
        let incident = incident.and_then(|incident| self.state.incidents.get(&incident));
        if let Some(incident) = incident.filter(|incident| incident.opened_for == Some(id)) {
            let incident = incident.id;
            self.emit(Event::IncidentAcknowledged { incident, by: by.clone() });
        }
    }

    pub(super) fn page_group(&mut self, id: GroupId, plan: &Plan, reason: PageReason) {
        let Some(group) = self.state.groups.get(&id) else { return };
        let subject = Subject::Group(id, group.incident);
        let (urgency, severity) = (group.urgency, group.severity.clone());
        self.start_page(subject, plan.clone(), urgency, severity, reason, Actor::Watchbell);
    }

    fn group_unresolved(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        if let Some(rule) = group.expect.unresolved.get(group.unresolved_paged) {
            self.page_group(id, &rule.plan, PageReason::Unresolved(rule.after));
            // Somebody has it, and it can be taken again: its card says so.
            if group.acknowledged.is_some() {
                self.edit_group_card(id);
            }
        }
    }

    fn incident_unresolved(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id).cloned() else { return };
        let Some(rule) = incident.expect.unresolved.get(incident.unresolved_paged) else { return };
        self.start_page(
            Subject::Incident(id),
            rule.plan.clone(),
            incident.urgency,
            Some(incident.severity.clone()),
            PageReason::Unresolved(rule.after),
            Actor::Watchbell,
        );
        if incident.acknowledged.is_some() {
            self.refresh_incident(id);
        }
    }

    /// A deadline passed. That an update is due is told to whoever leads, or else to whoever works on it, too.
    fn late(&mut self, id: IncidentId, what: Reminder) {
        self.emit(Event::Reminded { incident: id, what });
        self.tell_places(id, Notice::Late(what));
        let Some(incident) = self.state.incidents.get(&id).filter(|_| what == Reminder::Update) else {
            return;
        };
        let role = |role| incident.roles.get(&role).filter(|people| !people.is_empty()).cloned();
        let people = role(IncidentRole::Commander).or_else(|| role(IncidentRole::Responder));
        let taker = || incident.acknowledged.iter().filter_map(|(by, _)| by.person().cloned()).collect();
        for person in people.unwrap_or_else(taker) {
            self.tell(&person, Subject::Incident(id), Notice::Late(what));
        }
    }

    /// The last alert of a group ended: pages stop, everybody who heard of it hears of its end.
    pub(super) fn close_group(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        for page in self.pages_of_group(id) {
            self.stop_page(page, PageStop::Resolved);
        }
        let subject = Subject::Group(id, group.incident);
        self.edit_group_card(id);
        self.emit(Event::GroupClosed { group: id });
        if let Some(page) = self.needless_page(&group) {
            self.stop_page(page, PageStop::Resolved);
        }
        self.answers_helped(group.runs.values().copied().collect());
        // What ends while it is quiet ends quietly.
        if group.hush.is_none() {
            self.tell_resolved(&group.paged, subject);
        }
        if let Some(incident) = group.incident {
            self.mitigate_when_quiet(incident);
        }
    }

    /// An incident that a route opened is mitigated when the last of its groups closes; people resolve it.
    fn mitigate_when_quiet(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id) else { return };
        let quiet = incident.response.open_groups.is_empty();
        let running = matches!(incident.status, IncidentStatus::Investigating | IncidentStatus::Identified);
        // That the alerts are gone says nothing about what somebody opened by hand, also when it was merged into this one.
        let of_alerts = |id| self.state.incidents.get(id).is_none_or(|one| one.opened_for.is_some());
        if quiet && running && of_alerts(&incident.id) && incident.response.merged.iter().all(of_alerts) {
            self.change_status(id, IncidentStatus::Mitigated, None, Actor::Watchbell);
        }
    }
}
