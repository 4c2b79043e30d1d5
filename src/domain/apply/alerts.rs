//! Alerts and groups: what their events make of the state. Never touches pages or incidents but by their own methods.

use std::{collections::BTreeMap, sync::Arc};

use thin_vec::ThinVec;

use super::{ENDED_FOR, REMEMBERED, remember};
use crate::domain::{
    alert::Alert,
    deployment::Whereabouts,
    event::{Actor, AlertFired, Expectations, GroupOpened, ResolvedBy},
    few::Few,
    group::{ClosedGroup, Group},
    id::{AlertId, GroupId, IncidentId, SeverityId},
    incident::IncidentStatus,
    person::Urgency,
    state::{CardOf, Ended, Stamp, State, Timer},
};

impl State {
    pub(super) fn alert_fired(&mut self, fired: &AlertFired) {
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
        self.heard_again(&alert.key);
        self.alert_keys.insert(alert.key.clone(), alert.id);
        self.alerts.insert(alert.id, Arc::new(alert));
        for group in &fired.groups {
            self.change_group(*group, |group| {
                group.firing.insert(fired.alert);
                group.seen += 1;
                group.whereabouts.add(&fired.labels);
            });
            self.fired_since(*group, fired.alert);
            self.card_changed(*group);
        }
    }

    /// An alert fires in a group that people were told of. When they have ended its incident, it is news; whether anybody
    /// hears of it is decided.
    pub(super) fn fired_since(&mut self, id: GroupId, alert: AlertId) {
        let incident = self.groups.get(&id).filter(|group| group.is_told()).and_then(|group| group.incident);
        let status = incident.and_then(|incident| self.incidents.get(&incident)).map(|one| one.status);
        if matches!(status, Some(IncidentStatus::Mitigated | IncidentStatus::Resolved)) {
            self.change_group(id, |group| {
                group.fired_since.insert(alert);
            });
        }
    }

    /// People have said how an incident stands: of its groups, what fired before that is no news. `over`: whether they
    /// resolved it.
    pub(super) fn no_news_of(&mut self, incident: IncidentId, over: bool) {
        let Some(incident) = self.incidents.get(&incident).cloned() else { return };
        for id in &incident.response.open_groups {
            if self.groups.get(id).is_some_and(|group| group.over != over || !group.fired_since.is_empty()) {
                self.change_group(*id, |group| {
                    group.over = over;
                    group.fired_since.clear();
                });
            }
        }
    }

    pub(super) fn alert_resolved(&mut self, alert: AlertId, groups: &[GroupId], by: &ResolvedBy) {
        if let Some(alert) = self.alerts.remove(&alert) {
            self.alert_keys.remove(&alert.key);
            if matches!(by, ResolvedBy::Person(_) | ResolvedBy::Operator) {
                self.declared_over(&alert);
            }
            let ended = Ended { starts_at: alert.starts_at, at: self.clock };
            self.ended_order.push_back((alert.key.clone(), ended.at));
            self.ended.insert(alert.key.clone(), ended);
        }
        // Old ones first; the limit holds in a storm, too.
        while let Some((oldest, at)) = self.ended_order.front() {
            if *at + ENDED_FOR >= self.clock && self.ended_order.len() <= REMEMBERED * 20 {
                break;
            }
            // It may have fired and ended again since: then its later end counts.
            if self.ended.get(oldest).is_some_and(|ended| ended.at == *at) {
                self.ended.remove(oldest);
            }
            self.ended_order.pop_front();
        }
        for group in groups {
            self.change_group(*group, |group| {
                group.firing.remove(&alert);
                group.fired_since.remove(&alert);
                group.ended_by = by.somebody().map(Box::new);
            });
            self.card_changed(*group);
        }
    }

    pub(super) fn group_opened(&mut self, opened: &GroupOpened, stamp: &Stamp) {
        let group = Group {
            id: opened.group,
            key: opened.key.clone(),
            route: opened.route.clone(),
            labels: opened.labels.clone(),
            title: opened.title.clone(),
            severity: opened.severity.clone(),
            urgency: opened.urgency,
            channels: opened.channels.iter().cloned().collect(),
            page: opened.page.clone().map(Arc::new),
            opens_incident: opened.incident.clone(),
            expect: opened.expect.clone(),
            firing: Few::new(),
            seen: 0,
            opened_at: stamp.at,
            severe_since: stamp.clock,
            wait_until: Some(opened.wait_until),
            acknowledged: None,
            incident: None,
            pages: Few::new(),
            cards: Few::new(),
            paged: Few::new(),
            unresolved_paged: 0,
            card_revision: 0,
            card_due: None,
            carded: Few::new(),
            storms: Few::new(),
            runs: BTreeMap::new(),
            whereabouts: Whereabouts::default(),
            due: Few::new(),
            held_back: ThinVec::new(),
            hush: None,
            snooze: None,
            group_interval: opened.group_interval,
            card_at: None,
            repeat_interval: opened.repeat_interval,
            repeat_at: None,
            covered_by: None,
            ended_by: None,
            resolved: None,
            over: false,
            fired_since: Few::new(),
        };
        self.next.group = self.next.group.max(group.id.next());
        self.timers.insert((opened.wait_until, Timer::GroupWait(group.id)));
        self.group_keys.insert(group.key.clone(), group.id);
        self.groups.insert(group.id, Arc::new(group));
    }

    pub(super) fn group_notified(&mut self, id: GroupId) {
        let clock = self.clock;
        self.change_group(id, |group| {
            group.wait_until = None;
            group.hush = None;
            group.told_at(clock);
        });
    }

    pub(super) fn group_raised(
        &mut self,
        id: GroupId,
        to: &SeverityId,
        urgency: Urgency,
        expect: &Expectations,
        stamp: &Stamp,
    ) {
        self.change_group(id, |group| {
            group.severity = Some(to.clone());
            group.urgency = urgency;
            group.expect = expect.clone();
            group.unresolved_paged = 0;
            group.severe_since = stamp.clock;
            group.acknowledged = None;
            group.snooze = None;
        });
        self.card_changed_soon(id);
    }

    /// Its incident is resolved, and an alert is heard in it: it is told of as a new one is.
    pub(super) fn group_fired_anew(&mut self, id: GroupId, resolved: IncidentId) {
        self.change_incident(resolved, |incident| {
            incident.response.open_groups.remove(&id);
        });
        self.groups_changed(resolved);
        let clock = self.clock;
        self.change_group(id, |group| {
            group.incident = None;
            group.resolved = Some(resolved);
            group.acknowledged = None;
            group.snooze = None;
            group.covered_by = None;
            group.unresolved_paged = 0;
            group.severe_since = clock;
            group.wait_until = Some(clock);
            group.over = false;
            group.fired_since.clear();
        });
        self.storms_changed(id);
    }

    pub(super) fn group_acknowledged(&mut self, id: GroupId, by: &Actor, stamp: &Stamp) {
        self.change_group(id, |group| {
            // Whoever takes what was snoozed has it for good.
            if group.snooze.take().is_some() {
                group.acknowledged = None;
            }
            group.acknowledged.get_or_insert_with(|| (by.clone(), stamp.at));
            // Who has it has all that fires in it.
            group.fired_since.clear();
        });
        self.storms_changed(id);
    }

    pub(super) fn group_joined(&mut self, incident: IncidentId, group: GroupId) {
        let open = self.groups.get(&group).cloned();
        let clock = self.clock;
        self.change_incident(incident, |incident| {
            incident.groups.insert(group);
            incident.response.joined += 1;
            incident.response.joined_at = Some(clock);
            if let Some(open) = &open {
                incident.response.open_groups.insert(group);
                incident.response.paged_for_groups.extend(open.paged.iter().cloned());
            }
        });
        drop(open);
        self.change_group(group, |group| {
            group.incident = Some(incident);
            group.over = false;
            group.fired_since.clear();
        });
        self.card_changed(group);
        self.groups_changed(incident);
    }

    pub(super) fn group_closed(&mut self, id: GroupId, stamp: &Stamp) {
        self.change_group(id, |group| {
            group.wait_until = None;
            group.card_due = None;
            group.hush = None;
            group.snooze = None;
            group.repeat_at = None;
            group.expect.unresolved.clear();
        });
        let Some(group) = self.groups.remove(&id) else { return };
        if self.group_keys.get(&group.key) == Some(&id) {
            self.group_keys.remove(&group.key);
        }
        self.storms_left(&group);
        if let Some(incident) = group.incident {
            self.change_incident(incident, |incident| {
                incident.response.open_groups.remove(&id);
            });
            self.groups_changed(incident);
        }
        let closed = ClosedGroup {
            id,
            title: group.title.clone(),
            opened_at: group.opened_at,
            closed_at: stamp.at,
            ended_by: group.ended_by.as_deref().cloned(),
            acknowledged_by: group.acknowledged.as_ref().map(|(by, _)| by.clone()),
            incident: group.incident,
            labels: group.labels.clone(),
            severity: group.severity.clone(),
            seen: group.seen,
            whereabouts: group.whereabouts.clone(),
        };
        // Messages that wait may still speak of a closed group.
        let most = REMEMBERED + self.deliveries.len();
        let forgotten = remember(&mut self.closed_groups, &mut self.closed_groups_order, most, (id, closed));
        for group in forgotten {
            self.posted.remove(&CardOf::Group(group));
        }
    }
}
