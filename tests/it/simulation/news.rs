//! What the outside knows of alerts that fire after people have resolved the incident of their group: as soon as one is
//! heard, it is paged for or somebody takes it. Knows events alone, never the rules that made them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use watchbell::domain::{
    event::{Event, Record},
    id::{AlertId, GroupId, IncidentId},
    quiet::QuietEvent,
    response::ResponseEvent,
};

use super::{hush::Hushes, play::Sabotage};
use crate::world::World;

#[derive(Default)]
pub struct News {
    incidents: BTreeMap<GroupId, IncidentId>,
    resolved: BTreeSet<IncidentId>,
    told: BTreeSet<GroupId>,
    snoozed: BTreeSet<GroupId>,
    /// Alerts that came after people had resolved the incident, and that nobody has heard of.
    unheard: BTreeMap<GroupId, BTreeSet<AlertId>>,
}

impl News {
    /// Takes a record in.
    pub fn read(&mut self, record: &Record, hushes: &Hushes) {
        let at = record.engine_time();
        match &record.event {
            Event::IncidentOpened(opened) => {
                if let Some(group) = opened.group {
                    self.belongs(group, opened.incident);
                }
            }
            Event::GroupJoined { incident, group } => self.belongs(*group, *incident),
            Event::GroupNotified { group } => {
                self.told.insert(*group);
            }
            Event::GroupClosed { group } => {
                self.incidents.remove(group);
                self.unheard.remove(group);
                self.snoozed.remove(group);
            }
            Event::GroupAcknowledged { group, .. } => {
                self.unheard.remove(group);
                self.snoozed.remove(group);
            }
            Event::GroupRaised { group, .. } => {
                self.snoozed.remove(group);
            }
            Event::IncidentResolved { incident, .. } => {
                self.resolved.insert(*incident);
                self.no_news_of(*incident);
            }
            Event::IncidentReopened { incident, .. } => {
                self.resolved.remove(incident);
                self.no_news_of(*incident);
            }
            Event::AlertFired(fired) => self.fires(fired.alert, &fired.groups),
            Event::AlertChanged { alert, starts_at: Some(_), groups, .. } => self.fires(*alert, groups),
            Event::AlertResolved { alert, .. } => self.unheard.values_mut().for_each(|all| {
                all.remove(alert);
            }),
            Event::PageStarted(started) => self.is_paged(started.subject.group(), at, hushes),
            // Whatever was heard while it ran was paged for.
            Event::PageStopped { subject, .. } | Event::PageUnanswered { subject, .. } => {
                self.is_paged(subject.group(), at, hushes);
            }
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Snoozed(snoozed) => {
                    self.snoozed.insert(snoozed.group);
                }
                QuietEvent::SnoozeOver { group } => {
                    self.snoozed.remove(group);
                }
                _ => {}
            },
            Event::Response(response) => self.responded(response, at, hushes),
            _ => {}
        }
    }

    fn responded(&mut self, event: &ResponseEvent, at: Timestamp, hushes: &Hushes) {
        match event {
            ResponseEvent::Merged(merged) => {
                for of in self.incidents.values_mut().filter(|of| **of == merged.incident) {
                    *of = merged.into;
                }
            }
            ResponseEvent::Covered { group, .. } => self.is_paged(Some(*group), at, hushes),
            // What it is told for is paged for next.
            ResponseEvent::FiredAnew { group, .. } => {
                self.incidents.remove(group);
                self.told.remove(group);
                self.snoozed.remove(group);
            }
            _ => {}
        }
    }

    fn belongs(&mut self, group: GroupId, incident: IncidentId) {
        self.incidents.insert(group, incident);
    }

    fn fires(&mut self, alert: AlertId, groups: &[GroupId]) {
        for group in groups.iter().filter(|group| self.told.contains(group)) {
            if self.incidents.get(group).is_some_and(|incident| self.resolved.contains(incident)) {
                self.unheard.entry(*group).or_default().insert(alert);
            }
        }
    }

    /// Somebody is paged for a group: for what is heard of it.
    fn is_paged(&mut self, group: Option<GroupId>, at: Timestamp, hushes: &Hushes) {
        let Some(group) = group else { return };
        let over = self.incidents.get(&group).is_some_and(|incident| self.resolved.contains(incident));
        if let Some(unheard) = self.unheard.get_mut(&group).filter(|_| over) {
            unheard.retain(|alert| hushes.keep_alert(*alert, at));
        } else {
            // It has fired anew, and is a group like any other: what is quiet of it is of what people are told.
            self.unheard.remove(&group);
        }
    }

    fn no_news_of(&mut self, incident: IncidentId) {
        let incidents = &self.incidents;
        self.unheard.retain(|group, _| incidents.get(group) != Some(&incident));
    }

    /// The groups of an incident that are open.
    pub fn groups_of(&self, incident: IncidentId) -> impl Iterator<Item = GroupId> + '_ {
        self.incidents.iter().filter(move |(_, of)| **of == incident).map(|(group, _)| *group)
    }

    /// What must be true between any two steps.
    pub fn look(&self, world: &World, hushes: &Hushes) {
        let state = world.state();
        for (id, alerts) in self.unheard.iter().filter(|(group, _)| !self.snoozed.contains(*group)) {
            let Some(group) = state.groups.get(id).filter(|group| group.page.is_some()) else { continue };
            let runs = state.pages.values().any(|page| page.subject.group() == Some(*id));
            let covered = group.covered_by.is_some_and(|page| state.pages.contains_key(&page));
            for alert in alerts.iter().filter(|alert| !hushes.keep_alert(**alert, world.engine)) {
                let waits = group.wait_until.is_some();
                assert!(
                    runs || covered || waits,
                    "promise 2: {alert} fired in {id} after its incident was resolved, is heard, and nobody is paged"
                );
            }
        }
    }
}

/// A broken memory: nobody knows what has fired since.
pub fn forget_news(world: &mut World, sabotage: Sabotage) {
    if sabotage == Sabotage::ForgetNews {
        world.break_state(|state| {
            for group in state.groups.values_mut().filter(|group| !group.fired_since.is_empty()) {
                std::sync::Arc::make_mut(group).fired_since.clear();
            }
        });
    }
}
