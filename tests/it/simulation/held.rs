//! What the outside knows of incidents that nobody has and of which nothing is heard: nobody is paged or reminded for them,
//! and none stands still once it is heard. Knows events alone, never the rules that made them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use watchbell::domain::{
    event::{Actor, Event, Record},
    id::{GroupId, IncidentId, PageId, PersonId},
    incident::{IncidentRole, IncidentStatus},
    page::Subject,
    quiet::QuietEvent,
    response::ResponseEvent,
    state::{State, Timer},
};

use super::{hush::Hushes, play::Sabotage};
use crate::world::World;

/// An incident, as far as it matters here.
#[derive(Default)]
struct Known {
    /// People have to do with it: they opened it, took it, or had what was merged into it.
    of_people: bool,
    roles: BTreeMap<IncidentRole, BTreeSet<PersonId>>,
    status: IncidentStatus,
    groups: BTreeSet<GroupId>,
}

#[derive(Default)]
pub struct Holds {
    incidents: BTreeMap<IncidentId, Known>,
    snoozed: BTreeSet<GroupId>,
    /// Pages that no person asked for.
    by_rules: BTreeSet<PageId>,
    /// Groups whose quiet has begun: that it begins in time is looked at elsewhere.
    hushed: BTreeSet<GroupId>,
}

impl Holds {
    /// Takes a record in; complains about one that pages or reminds for what nobody hears.
    pub fn read(&mut self, record: &Record, hushes: &Hushes) {
        let at = record.engine_time();
        match &record.event {
            Event::PageStarted(started) if started.by == Actor::Watchbell => {
                self.by_rules.insert(started.page);
            }
            // What was due before a silence that began while nothing was decided comes before it.
            Event::Reminded { incident, what } => assert!(
                !self.is_unheard(*incident, at, hushes) || self.is_late(*incident),
                "promise of quiet: {incident} is reminded of ({what:?}) though nothing of it is heard"
            ),
            Event::StepTaken(taken) => self.page(taken.page, taken.subject, at, hushes),
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Snoozed(snoozed) => {
                    self.snoozed.insert(snoozed.group);
                }
                QuietEvent::SnoozeOver { group } => {
                    self.snoozed.remove(group);
                }
                QuietEvent::Hushed(hushed) => {
                    self.hushed.insert(hushed.group);
                }
                QuietEvent::Woken { group, .. } => {
                    self.hushed.remove(group);
                }
                _ => {}
            },
            Event::GroupRaised { group, .. } | Event::GroupAcknowledged { group, .. } => {
                self.snoozed.remove(group);
            }
            Event::GroupClosed { group } => {
                self.snoozed.remove(group);
                for known in self.incidents.values_mut() {
                    known.groups.remove(group);
                }
            }
            other => self.incident(other),
        }
    }

    fn incident(&mut self, event: &Event) {
        match event {
            Event::IncidentOpened(opened) => {
                let known = self.known(opened.incident);
                known.of_people = opened.by != Actor::Watchbell;
                known.groups.extend(opened.group);
            }
            Event::GroupJoined { incident, group } => {
                self.known(*incident).groups.insert(*group);
            }
            Event::IncidentAcknowledged { incident, .. } => self.known(*incident).of_people = true,
            Event::RoleAssigned { incident, role, to, .. } => {
                let holders = self.known(*incident).roles.entry(*role).or_default();
                if *role != IncidentRole::Responder || to.is_none() {
                    holders.clear();
                }
                holders.extend(to.clone());
            }
            Event::StatusChanged { incident, status, .. } => self.known(*incident).status = *status,
            Event::IncidentResolved { incident, .. } => {
                self.known(*incident).status = IncidentStatus::Resolved;
            }
            // What somebody asked for is not held.
            Event::IncidentReopened { incident, by, .. } => {
                let known = self.known(*incident);
                known.status = IncidentStatus::Investigating;
                known.of_people |= *by != Actor::Watchbell;
            }
            Event::Response(response) => {
                if let ResponseEvent::FiredAnew { group, incident } = &**response {
                    self.known(*incident).groups.remove(group);
                    self.snoozed.remove(group);
                }
                let ResponseEvent::Merged(merged) = &**response else { return };
                let from = self
                    .incidents
                    .insert(merged.incident, Known { status: IncidentStatus::Resolved, ..Known::default() });
                let (from, into) = (from.unwrap_or_default(), self.known(merged.into));
                into.of_people |= from.of_people;
                into.groups.extend(from.groups);
                for (role, people) in from.roles {
                    into.roles.entry(role).or_default().extend(people);
                }
            }
            _ => {}
        }
    }

    fn known(&mut self, incident: IncidentId) -> &mut Known {
        self.incidents.entry(incident).or_default()
    }

    fn is_unheard(&self, incident: IncidentId, at: Timestamp, hushes: &Hushes) -> bool {
        self.incidents.get(&incident).is_some_and(|known| {
            let runs = matches!(known.status, IncidentStatus::Investigating | IncidentStatus::Identified);
            let nobody = !known.of_people && known.roles.values().all(BTreeSet::is_empty);
            let quiet = |group: &GroupId| self.snoozed.contains(group) || hushes.keep_since(*group, at);
            runs && nobody && !known.groups.is_empty() && known.groups.iter().all(quiet)
        })
    }

    /// Whether the quiet of one of its groups has not begun yet.
    fn is_late(&self, incident: IncidentId) -> bool {
        let known = self.incidents.get(&incident);
        known.is_some_and(|known| {
            known.groups.iter().any(|group| !self.hushed.contains(group) && !self.snoozed.contains(group))
        })
    }

    /// A page takes a step, or leaves.
    pub fn page(&self, page: PageId, subject: Subject, at: Timestamp, hushes: &Hushes) {
        let Subject::Incident(incident) = subject else { return };
        let wrong = self.by_rules.contains(&page) && self.is_unheard(incident, at, hushes);
        assert!(!wrong, "promise of quiet: {page} goes on for {incident} though nothing of it is heard");
    }

    /// What must be true between any two steps.
    pub fn look(&self, world: &World, hushes: &Hushes) {
        let state = world.state();
        for incident in state.incidents.values().filter(|incident| incident.held.is_some()) {
            // A silence that begins at this very instant counts here.
            let soon = world.engine + jiff::SignedDuration::from_nanos(1);
            let quiet = self.is_unheard(incident.id, soon, hushes);
            assert!(quiet, "promise of quiet: {} stands still, and it is heard", incident.id);
        }
        for page in state.pages.values() {
            let held = page.subject.incident().and_then(|id| state.incidents.get(&id));
            let held = page.held && held.is_some_and(|incident| incident.held.is_some());
            let runs = state.timers.contains(&(page.next_at, Timer::PageStep(page.id)));
            assert!(runs || held, "{} stands still", page.id);
        }
    }
}

/// Decisions that are wrong on purpose: what is held goes on, or what is heard is held.
pub fn break_holds(world: &mut World, sabotage: Sabotage) {
    match sabotage {
        Sabotage::GoOnUnheard => world.break_state(go_on_unheard),
        Sabotage::HoldHeard => world.break_state(|state| {
            let clock = state.clock;
            let open = |one: &&mut std::sync::Arc<watchbell::domain::incident::Incident>| one.is_open();
            for incident in state.incidents.values_mut().filter(open) {
                std::sync::Arc::make_mut(incident).held = Some(clock);
            }
        }),
        _ => {}
    }
}

fn go_on_unheard(state: &mut State) {
    let (mut due, clock) = (Vec::new(), state.clock);
    for incident in state.incidents.values_mut().filter(|incident| incident.held.is_some()) {
        let incident = std::sync::Arc::make_mut(incident);
        incident.held = None;
        incident.update_due = incident.update_due.map(|at| at.max(clock));
        incident.acknowledge_due = incident.acknowledge_due.map(|at| at.max(clock));
        due.extend(incident.update_due.map(|at| (at, Timer::UpdateLate(incident.id))));
        due.extend(incident.acknowledge_due.map(|at| (at, Timer::AcknowledgeLate(incident.id))));
    }
    for page in state.pages.values_mut().filter(|page| page.held) {
        std::sync::Arc::make_mut(page).held = false;
        due.push((page.next_at, Timer::PageStep(page.id)));
    }
    state.timers.extend(due);
}
