//! Incidents: what their events make of the state.
//! Never looks at configuration: deadlines come with the events.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::domain::{
    event::{Actor, Event, IncidentOpened, Reminder},
    incident::{Incident, IncidentRole, IncidentStatus},
    response::{Belongings, Update},
    state::{Stamp, State},
};

impl State {
    pub(super) fn incident_opened(&mut self, opened: &IncidentOpened, stamp: &Stamp) {
        let incident = Incident {
            id: opened.incident,
            title: opened.title.clone(),
            severity: opened.severity.clone(),
            urgency: opened.urgency,
            status: IncidentStatus::Investigating,
            roles: BTreeMap::new(),
            opened_for: opened.group,
            route: opened
                .group
                .and_then(|group| self.groups.get(&group))
                .and_then(|group| group.route.clone()),
            groups: BTreeSet::new(),
            channels: opened.channels.clone(),
            expect: opened.expect.clone(),
            opened_by: opened.by.clone(),
            opened_at: stamp.at,
            opened_clock: stamp.clock,
            severe_since: stamp.clock,
            acknowledged: None,
            mitigated_at: None,
            resolved_at: None,
            update_due: opened.expect.update_every.map(|every| stamp.clock + every),
            acknowledge_due: opened.expect.acknowledge_within.map(|within| stamp.clock + within),
            unresolved_paged: 0,
            pages: BTreeSet::new(),
            cards: BTreeSet::new(),
            paged: BTreeSet::new(),
            card_revision: 0,
            rooms: Vec::new(),
            offered: Vec::new(),
            guides: Vec::new(),
            response: Belongings::default(),
            held: None,
        };
        let id = incident.id;
        self.next.incident = self.next.incident.max(id.next());
        self.arm_incident(&incident);
        self.open_incidents.insert(id);
        self.incidents.insert(id, Arc::new(incident));
        if let Some(group) = opened.group {
            self.group_joined(id, group);
        }
    }

    /// Events that concern one incident, and the storms whose cards name it.
    pub(super) fn incident_changed(&mut self, event: &Event, stamp: &Stamp) {
        let before = match event {
            Event::StatusChanged { incident, .. } => self.incidents.get(incident).map(|one| one.status),
            _ => None,
        };
        self.change_by(event, stamp);
        match event {
            Event::IncidentResolved { incident, .. } => self.no_news_of(*incident, true),
            Event::IncidentReopened { incident, .. } => self.no_news_of(*incident, false),
            // Words alone say nothing about what has fired meanwhile.
            Event::StatusChanged { incident, status, .. } if before != Some(*status) => {
                self.no_news_of(*incident, false);
            }
            _ => {}
        }
        if let Event::IncidentAcknowledged { incident, .. }
        | Event::SeverityChanged { incident, .. }
        | Event::StatusChanged { incident, .. }
        | Event::IncidentResolved { incident, .. }
        | Event::IncidentReopened { incident, .. } = event
        {
            self.storms_of_incident_changed(*incident);
        }
    }

    fn change_by(&mut self, event: &Event, stamp: &Stamp) {
        match event {
            Event::IncidentAcknowledged { incident, by } => self.change_incident(*incident, |incident| {
                incident.response.taken_at.get_or_insert(stamp.clock);
                incident.acknowledged.get_or_insert_with(|| (by.clone(), stamp.at));
                incident.acknowledge_due = None;
            }),
            Event::RoleAssigned { incident, role, to, .. } => self.change_incident(*incident, |incident| {
                let holders = incident.roles.entry(*role).or_default();
                // Several can be responders; every other role has one holder.
                if *role != IncidentRole::Responder || to.is_none() {
                    holders.clear();
                }
                holders.extend(to.clone());
                incident.roles.retain(|_, holders| !holders.is_empty());
            }),
            Event::SeverityChanged { incident, to, urgency, expect, .. } => {
                self.change_incident(*incident, |incident| {
                    incident.moves_along(stamp.clock);
                    incident.severity = to.clone();
                    incident.urgency = *urgency;
                    incident.expect = expect.clone();
                    incident.unresolved_paged = 0;
                    incident.severe_since = stamp.clock;
                    incident.update_due = update_due(incident, stamp);
                    // What is mitigated asks nobody to take it.
                    incident.acknowledge_due = acknowledge_due(incident, stamp)
                        .filter(|_| incident.status != IncidentStatus::Mitigated);
                });
            }
            Event::StatusChanged { incident, status, text, by } => {
                self.change_incident(*incident, |incident| {
                    if *by != Actor::Watchbell {
                        let (by, text) = (by.clone(), text.clone());
                        incident.response.update = Some(Update { by, at: stamp.at, text });
                    }
                    incident.moves_along(stamp.clock);
                    let before = std::mem::replace(&mut incident.status, *status);
                    if *status == IncidentStatus::Mitigated {
                        // What is mitigated waits for nothing.
                        incident.held = None;
                        incident.mitigated_at.get_or_insert(stamp.at);
                        incident.acknowledge_due = None;
                    } else if before == IncidentStatus::Mitigated {
                        begins_again(incident, stamp);
                    }
                    incident.update_due = update_due(incident, stamp);
                });
            }
            Event::IncidentResolved { incident, by, .. } => self.change_incident(*incident, |incident| {
                incident.status = IncidentStatus::Resolved;
                incident.resolved_at = Some(stamp.at);
                incident.response.resolved_by = Some(by.clone());
                incident.held = None;
                incident.update_due = None;
                incident.acknowledge_due = None;
                for room in &mut incident.rooms {
                    room.close_at = Some(stamp.clock + room.close_after);
                }
            }),
            Event::IncidentReopened { incident, by, .. } => self.change_incident(*incident, |incident| {
                incident.status = IncidentStatus::Investigating;
                incident.resolved_at = None;
                incident.response.resolved_by = None;
                incident.response.reopened = Some((by.clone(), stamp.at));
                for room in &mut incident.rooms {
                    room.close_at = None;
                }
                begins_again(incident, stamp);
                incident.update_due = update_due(incident, stamp);
            }),
            Event::Reminded { incident, what } => self.change_incident(*incident, |incident| match what {
                Reminder::Acknowledge => incident.acknowledge_due = None,
                Reminder::Update => {
                    incident.update_due = update_due(incident, stamp);
                }
            }),
            _ => {}
        }
    }
}

/// It was not over: what its severity asks is counted from now, not from the time in which it was quiet.
pub(super) fn begins_again(incident: &mut Incident, stamp: &Stamp) {
    incident.severe_since = stamp.clock;
    incident.unresolved_paged = 0;
    incident.acknowledge_due = acknowledge_due(incident, stamp);
}

/// When the acknowledgement is late; nothing once somebody took it.
fn acknowledge_due(incident: &Incident, stamp: &Stamp) -> Option<Timestamp> {
    let within = incident.expect.acknowledge_within.filter(|_| incident.acknowledged.is_none());
    within.map(|within| stamp.clock + within)
}

/// When the next status update is late. What is mitigated waits for nobody's words.
fn update_due(incident: &Incident, stamp: &Stamp) -> Option<Timestamp> {
    let every = incident.expect.update_every.filter(|_| incident.status != IncidentStatus::Mitigated);
    every.map(|every| stamp.clock + every)
}
