//! A source reports: alerts fire and end, groups open and close.
//! Never notifies anybody: that is due when a group's wait is over.

use std::{collections::BTreeSet, mem};

use super::{Decision, route};
use crate::domain::{
    alert::{AlertStatus, Report, Signal},
    apply::ENDED_FOR,
    config::Route,
    event::{Actor, AlertFired, Event, GroupOpened, PageStop, ResolvedBy},
    group::Group,
    id::{AlertId, AlertKey, GroupId, SeverityId},
    page::PageReason,
    response::ResponseEvent,
};

/// Groups of its source that are remembered of an alert: Alertmanager has one for each of its routes that match. An
/// alert of further ones ends when its source says so by name.
const SOURCE_GROUPS: usize = 8;

impl Decision<'_> {
    /// Returns how many firings were late duplicates.
    pub(super) fn report(&mut self, mut report: Report) -> usize {
        let cut = report.truncated > 0 && report.status == AlertStatus::Resolved;
        let signals = mem::take(&mut report.signals);
        let named: BTreeSet<AlertKey> =
            signals.iter().filter(|_| cut).map(|one| alert_key(&report, one)).collect();
        // What fires goes first: a group that one alert leaves and another joins stays open.
        let (fire, end): (Vec<_>, Vec<_>) =
            signals.into_iter().partition(|signal| signal.status == AlertStatus::Firing);
        let mut late = 0;
        for signal in fire {
            late += usize::from(!self.fires(&report, signal));
        }
        let mut touched = Vec::new();
        for signal in &end {
            self.ends(&report, signal, &mut touched);
        }
        if cut {
            self.ends_truncated(&report, &named, &mut touched);
        }
        self.settle(touched);
        late
    }

    /// Groups in which alerts have ended: they close, or what is left of them is quiet.
    pub(super) fn settle(&mut self, mut touched: Vec<GroupId>) {
        touched.sort_unstable();
        touched.dedup();
        for id in touched {
            let Some(group) = self.state.groups.get(&id) else { continue };
            if group.firing.is_empty() {
                self.close_group(id);
            } else if group.is_told() && group.hush.is_none() {
                self.hush_if_quiet(id);
            }
        }
    }

    /// Whether it counts; false: a late duplicate of what has just ended.
    fn fires(&mut self, report: &Report, signal: Signal) -> bool {
        let key = alert_key(report, &signal);
        if let Some(known) = self.state.alert_keys.get(&key) {
            self.fires_still(*known, report, &signal);
            return true;
        }
        let late = self.state.ended.get(&key).is_some_and(|ended| {
            signal.starts_at <= ended.starts_at && self.now.engine < ended.at + ENDED_FOR
        });
        if late || self.state.is_over(&key, signal.starts_at, self.now.engine) {
            return false;
        }
        let quieted = self.is_quieted(&signal.labels);
        let routes = route::taking(self.config, &signal.labels);
        let mut groups = Vec::with_capacity(1);
        let mut severity = None;
        let mut raised = Vec::new();
        for route in routes {
            let of_alert = route::severity(self.config, route, &signal.labels).map(|(severity, _)| severity);
            let group = self.group_for(route, of_alert.as_ref(), report, &signal);
            if !groups.contains(&group) {
                groups.push(group);
                // What is quiet makes nothing worse.
                let worse = of_alert.clone().filter(|severity| !quieted && self.is_raised(group, severity));
                raised.extend(worse.map(|to| (group, to)));
            }
            // The worst, when routes disagree: ids sort the worst first.
            severity = [severity, of_alert].into_iter().flatten().min();
        }
        let (alert, joined) = (self.state.next.alert, groups.clone());
        self.emit(Event::AlertFired(Box::new(AlertFired {
            alert,
            key,
            integration: report.integration.clone(),
            source_group: report.source_group.clone(),
            labels: signal.labels,
            annotations: signal.annotations,
            starts_at: signal.starts_at,
            graph: signal.graph,
            source: report.source.clone(),
            severity,
            groups,
        })));
        if !quieted {
            self.heard(&joined, raised, alert);
            self.fired_anew(joined);
        }
        true
    }

    /// An alert that is heard joined these groups: those that were quiet are told at once.
    fn heard(&mut self, joined: &[GroupId], raised: Vec<(GroupId, SeverityId)>, alert: AlertId) {
        for group in joined {
            self.fires_after_all(*group);
            self.wake(*group);
        }
        for (group, severity) in raised {
            if self.is_raised(group, &severity) {
                self.raise_group(group, severity);
            }
        }
        for group in joined {
            self.runs_due(*group, Some(alert));
        }
    }

    /// People resolved the incident of a group, and an alert that fired afterwards is heard in it: they are told of it as
    /// of a new one, unless they are being paged for it.
    pub(super) fn fires_after_all(&mut self, id: GroupId) {
        let news = self.state.groups.get(&id).filter(|one| one.is_told() && one.pages.is_empty());
        let Some(group) = news.filter(|group| self.has_news(group)) else { return };
        let incident = group.incident.and_then(|incident| self.state.incidents.get(&incident));
        if let Some(incident) = incident.filter(|incident| !incident.is_open()) {
            let fired = ResponseEvent::FiredAnew { group: id, incident: incident.id };
            self.emit(Event::Response(Box::new(fired)));
        }
    }

    /// Whether an alert is heard that fired after people had ended the incident of its group.
    fn has_news(&self, group: &Group) -> bool {
        group.fired_since.iter().any(|alert| !self.is_quieted_alert(*alert))
    }

    /// What is heard at last in a group counts as if it had just fired, for an incident that was mitigated, too.
    pub(super) fn fired_unheard(&mut self, id: GroupId) {
        if self.state.groups.get(&id).is_some_and(|group| self.has_news(group)) {
            self.fired_anew(vec![id]);
        }
    }

    /// Incidents that were mitigated while their groups still fired are not any more. Their pages had stopped: at the end of
    /// the decision whatever nobody has of them is paged for again.
    fn fired_anew(&mut self, groups: Vec<GroupId>) {
        for group in groups {
            let incident = self.state.groups.get(&group).and_then(|group| group.incident);
            if let Some(incident) = incident.filter(|id| self.investigate_again(*id, &Actor::Watchbell)) {
                self.refresh_incident(incident);
            }
        }
    }

    /// The source says again what is known; only what is new is kept.
    fn fires_still(&mut self, known: AlertId, report: &Report, signal: &Signal) {
        let Some(alert) = self.state.alerts.get(&known) else { return };
        let older = signal.starts_at < alert.starts_at;
        let annotations =
            (!older && alert.annotations != signal.annotations).then(|| signal.annotations.clone());
        let starts_at = (signal.starts_at > alert.starts_at).then_some(signal.starts_at);
        let source_group = report.source_group.clone().filter(|group| {
            alert.source_groups.len() < SOURCE_GROUPS && !alert.source_groups.contains(group)
        });
        if annotations.is_some() || starts_at.is_some() || source_group.is_some() {
            let groups = alert.groups.clone();
            let integration = report.integration.clone();
            self.emit(Event::AlertChanged {
                alert: known,
                integration,
                annotations,
                starts_at,
                source_group,
                groups: groups.clone(),
            });
            if starts_at.is_some() && !self.is_quieted_alert(known) {
                for group in &groups {
                    self.fires_after_all(*group);
                }
                self.fired_anew(groups);
            }
        }
    }

    fn ends(&mut self, report: &Report, signal: &Signal, touched: &mut Vec<GroupId>) {
        let known = self.state.alert_keys.get(&alert_key(report, signal)).copied();
        let Some(alert) = known.and_then(|id| self.state.alerts.get(&id)) else { return };
        let ends_at = signal.ends_at.unwrap_or(self.now.civil);
        // The end of an earlier firing, told late. What ended after this one began is its end, whichever start the
        // source names: two Alertmanagers do not agree on it, and only one of them may say that it is over.
        if signal.starts_at < alert.starts_at && ends_at <= alert.starts_at {
            return;
        }
        let id = alert.id;
        self.end_alert(id, ends_at, ResolvedBy::Source(report.integration.clone()), touched);
    }

    /// A resolved group whose message was cut: what it left out has ended too.
    fn ends_truncated(&mut self, report: &Report, named: &BTreeSet<AlertKey>, touched: &mut Vec<GroupId>) {
        let Some(source_group) = &report.source_group else { return };
        let left_out: Vec<AlertId> = self
            .state
            .alerts
            .values()
            .filter(|alert| {
                alert.integration == report.integration
                    && alert.source_groups.contains(source_group)
                    && !named.contains(&alert.key)
            })
            .map(|alert| alert.id)
            .collect();
        for alert in left_out {
            self.end_alert(
                alert,
                self.now.civil,
                ResolvedBy::SourceGroup(report.integration.clone()),
                touched,
            );
        }
    }

    pub(super) fn end_alert(
        &mut self,
        id: AlertId,
        ends_at: jiff::Timestamp,
        by: ResolvedBy,
        touched: &mut Vec<GroupId>,
    ) {
        let Some(alert) = self.state.alerts.get(&id) else { return };
        let (name, groups) = (alert.name().to_owned(), alert.groups.clone());
        touched.extend(&groups);
        self.emit(Event::AlertResolved { alert: id, name, groups, ends_at, by });
    }

    pub(super) fn is_raised(&self, group: GroupId, severity: &SeverityId) -> bool {
        // Ids sort the worst first; any severity is worse than none.
        self.state
            .groups
            .get(&group)
            .is_some_and(|group| group.severity.as_ref().is_none_or(|known| severity < known))
    }

    /// A worse alert joined: who took the group took something smaller, so it pages anew.
    pub(super) fn raise_group(&mut self, id: GroupId, to: SeverityId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        // A group without a severity was urgent already: better woken than missed.
        let urgency = self.config.urgency(Some(&to)).max(group.urgency);
        self.emit(Event::GroupRaised {
            group: id,
            from: group.severity.clone(),
            expect: self.config.expectations(Some(&to)),
            to,
            urgency,
        });
        self.raise_incident_of(id);
        if let Some(incident) = group.incident {
            // As bad as the group is by now it may have been all the time.
            if self.investigate_again(incident, &Actor::Watchbell) {
                self.refresh_incident(incident);
            }
        }
        self.post_first_card(id);
        let told = group.wait_until.is_none();
        let before = self.pages_of_group(id);
        let pages_anew = group.acknowledged.is_some() || before.is_empty() || urgency != group.urgency;
        if let (true, true, Some(plan)) = (told, pages_anew, &group.page) {
            if group.covered_by.is_some()
                && group.incident.is_some_and(|id| self.state.open_incidents.contains(&id))
            {
                return self.page_in_storm(id, plan, PageReason::Raised);
            }
            let new = self.state.next.page;
            self.page_group(id, plan, PageReason::Raised);
            for page in before {
                self.stop_page(page, PageStop::Replaced(new));
            }
        }
    }

    /// The open group that takes the alert, opened now when there is none.
    fn group_for(
        &mut self,
        route: Option<&Route>,
        severity: Option<&SeverityId>,
        report: &Report,
        signal: &Signal,
    ) -> GroupId {
        let labels = route::group_labels(route, &signal.labels);
        let key = route::group_key(route, &report.integration, &labels);
        if let Some(open) = self.state.group_keys.get(&key) {
            return *open;
        }
        let config = self.config;
        let policy = route.map_or(config.unrouted.page.as_ref(), |route| route.page.as_ref());
        let group = self.state.next.group;
        let opens_incident = route.is_some_and(|route| route.incident);
        self.emit(Event::GroupOpened(Box::new(GroupOpened {
            group,
            key,
            route: route.map(|route| route.id.clone()),
            title: route::title(&labels, &signal.labels),
            labels,
            severity: severity.cloned(),
            urgency: config.urgency(severity),
            channels: route.map_or(&config.unrouted.channels, |route| &route.channels).clone(),
            page: policy.and_then(|policy| config.plan(policy)),
            incident: severity.or(config.severities.keys().next_back()).filter(|_| opens_incident).cloned(),
            expect: config.expectations(severity),
            wait_until: self.now.engine + route.map(|route| route.group_wait).unwrap_or_default(),
            group_interval: route.and_then(|route| route.group_interval),
            repeat_interval: route.and_then(|route| route.repeat_interval),
        })));
        group
    }
}

fn alert_key(report: &Report, signal: &Signal) -> AlertKey {
    AlertKey::from(format!("{}/{}", report.integration, signal.fingerprint))
}
