//! The clock's intents: whatever is due next, one thing at a time. Never looks at the wall clock; `now` is given.

use jiff::SignedDuration;

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::{Actor, Event, PageStop, Plan, Reminder},
    id::{GroupId, IncidentId, SeverityId},
    incident::IncidentStatus,
    page::{PageReason, Subject},
    state::Timer,
};

/// A route that has opened this many incidents within [`STORM_WINDOW`] lets further groups join the newest one, as
/// long as they are open.
const STORM: usize = 5;
const STORM_WINDOW: SignedDuration = SignedDuration::from_mins(10);

impl Decision<'_> {
    /// Takes the first thing that is due; nothing when nothing is.
    pub(super) fn due(&mut self) {
        let Some((due, timer)) = self.state.timers.first().copied() else { return };
        if due > self.now.engine {
            return;
        }
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
            Timer::StormCard(storm) => self.post_storm_card(storm),
            Timer::StormCalm(storm) => self.emit(Event::StormEnded { storm }),
            Timer::RunAsk(run) => self.ask_expired(run),
            Timer::RunJudge(run) => self.judge_late(run),
            Timer::RunCard(run) => self.post_run_card(run),
            Timer::GroupQuiet(group) => self.wake(group),
            Timer::GroupSnooze(group) => self.snooze_over(group),
            Timer::GroupRepeat(group) => self.repeat(group),
            Timer::Silence(silence) => self.silence_due(silence),
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
        if let Some(severity) = &group.opens_incident {
            self.incident_for_group(id, severity);
        }
        match (&group.acknowledged, &group.page) {
            // Somebody took it while it was collecting: nobody is woken, and what it opens is theirs, too.
            (Some((by, _)), _) => self.take_opened(id, by),
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

    /// One incident per group; in a storm of one route further groups join the newest that is not mitigated.
    fn incident_for_group(&mut self, id: GroupId, severity: &SeverityId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let of_route = || {
            let open = self.state.open_incidents.iter().filter_map(|id| self.state.incidents.get(id));
            open.filter(|incident| {
                let fresh = incident.opened_clock + STORM_WINDOW > self.now.engine;
                let runs = incident.status != IncidentStatus::Mitigated;
                fresh && runs && incident.opened_for.is_some() && incident.route == group.route
            })
        };
        let newest = of_route().next_back().map(|incident| incident.id);
        match newest {
            Some(incident) if of_route().count() >= STORM => {
                self.emit(Event::GroupJoined { incident, group: id });
                self.raise_incident_of(id);
            }
            // It may have been raised while it was collecting: ids sort the worst first.
            _ => self.open_for_group(&group, group.severity.as_ref().unwrap_or(severity).min(severity)),
        }
    }

    fn group_unresolved(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        if let Some(rule) = group.expect.unresolved.get(group.unresolved_paged) {
            self.page_group(id, &rule.plan, PageReason::Unresolved(rule.after));
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
    }

    fn late(&mut self, incident: IncidentId, what: Reminder) {
        self.emit(Event::Reminded { incident, what });
        for channel in self.channels_of(Subject::Incident(incident)) {
            self.notify(channel, Subject::Incident(incident), Notice::Late(what));
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
        let quiet = incident.groups.iter().all(|group| !self.state.groups.contains_key(group));
        let running = matches!(incident.status, IncidentStatus::Investigating | IncidentStatus::Identified);
        if quiet && running && incident.opened_for.is_some() {
            self.change_status(id, IncidentStatus::Mitigated, None, Actor::Watchbell);
        }
    }
}
