//! Incidents that are not mitigated after all. Their pages had stopped: whatever is left of them is paged for again. Never
//! pages for what somebody has, for what is not heard, or twice by one policy.

use std::{cmp::Reverse, sync::Arc};

use super::Decision;
use crate::domain::{
    event::{Actor, Plan},
    group::Group,
    id::IncidentId,
    incident::{Incident, IncidentStatus},
    page::{Page, PageReason},
};

impl Decision<'_> {
    /// What is heard of it, nobody has and nothing pages for is paged for: its groups as they page by themselves, those that
    /// a runbook was to answer as that says; and when nothing pages for any of it, it pages by its severity.
    pub(super) fn page_what_is_left(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id) else { return };
        let open = incident.response.open_groups.iter().filter_map(|id| self.state.groups.get(id));
        let mut open: Vec<Arc<Group>> = open.cloned().collect();
        // One page is for all of a flood that has its policy: as loud as the worst of it. Ids sort the worst first, and what
        // has none may be urgent.
        open.sort_by_cached_key(|group| {
            (Reverse(group.urgency), group.severity.is_none(), group.severity.clone())
        });
        for group in &open {
            // Perhaps the page of the one before is for it, too.
            let left = self.state.groups.get(&group.id).is_some_and(|now| self.is_left(now));
            if left && !group.page.as_deref().is_some_and(|plan| self.pages_for(id, plan)) {
                self.page_again(group.id, PageReason::Fired);
            }
        }
        for group in open {
            self.page_not_answered(group.id);
        }
        self.page_by_severity_again(id);
    }

    /// Whether a page of an incident is for its groups with this plan: for all of that policy, and for each of them when
    /// somebody raised the incident (an alert that raises it pages by one policy). One of a group is for that group alone.
    pub(super) fn pages_for(&self, incident: IncidentId, plan: &Plan) -> bool {
        let incident = self.state.incidents.get(&incident);
        let pages = incident.into_iter().flat_map(|one| &one.pages);
        let mut pages = pages.filter_map(|page| self.state.pages.get(page));
        pages.any(|page| {
            let raised = page.reason == PageReason::Raised && page.by != Actor::Watchbell;
            raised || page.plan.policy == plan.policy
        })
    }

    /// Somebody opened it by hand, or its groups page nobody, or they are over: its severity pages, as it did before.
    fn page_by_severity_again(&mut self, id: IncidentId) {
        let config = self.config;
        let Some(incident) = self.state.incidents.get(&id) else { return };
        let Some(severity) = config.severities.get(&incident.severity) else { return };
        let runs = matches!(incident.status, IncidentStatus::Investigating | IncidentStatus::Identified);
        if !runs || incident.acknowledged.is_some() || !self.is_left_to_its_severity(incident) {
            return;
        }
        let groups = || incident.response.open_groups.iter().filter_map(|id| self.state.groups.get(id));
        let of_a_group = |page: &Page| {
            page.subject.group().is_some() || groups().any(|group| group.covered_by == Some(page.id))
        };
        // The page of a group ends with that group. What somebody opened for no group goes on then.
        let goes_on = self.is_by_hand(incident, true);
        let pages = self.pages_of_incident(incident);
        let mut pages = pages.iter().filter_map(|page| self.state.pages.get(page));
        let same = |page: &Page| Some(&page.plan.policy) == severity.page.as_ref();
        if !pages.any(|page| !goes_on || same(page) || !of_a_group(page)) {
            self.page_by_severity(id, severity, PageReason::NotMitigated, Actor::Watchbell);
        }
    }

    /// Whether nothing else will page for an incident for which nothing pages. What pages by itself as soon as it is heard is
    /// waited for; what somebody opened waits for nothing else, and what a rule opened pages if it ever did.
    fn is_left_to_its_severity(&self, incident: &Incident) -> bool {
        let open = incident.response.open_groups.iter().filter_map(|id| self.state.groups.get(id));
        let open: Vec<&Arc<Group>> = open.collect();
        // Somebody has the others.
        let untaken = |group: &Group| group.acknowledged.is_none() || group.snooze.is_some();
        let quiet = |group: &Group| group.hush.is_some() || group.snooze.is_some() || !group.is_told();
        let waits = |group: &Group| untaken(group) && quiet(group);
        // A snooze ends with a page, also of what somebody opened for the group.
        let snoozed = |group: &Group| group.snooze.is_some() && incident.opened_for == Some(group.id);
        let pages_later = |group: &Group| waits(group) && (group.page.is_some() || snoozed(group));
        if open.iter().any(|group| untaken(group) && !quiet(group)) {
            return self.is_by_hand(incident, false) || Self::has_paged(incident);
        }
        let mut merged = incident.response.merged.iter().filter_map(|id| self.state.incidents.get(id));
        if open.is_empty() && merged.any(|one| one.acknowledged.is_some()) {
            // What lives of it somebody has.
            return self.is_by_hand(incident, false);
        }
        let later = open.iter().any(|group| pages_later(group));
        // When the alerts are gone, what was opened for a group is mitigated; the rest would be forgotten.
        self.is_by_hand(incident, true)
            || !later && self.is_by_hand(incident, false)
            // Of what nobody hears this page stands still until somebody does.
            || !later && open.iter().all(|group| waits(group)) && Self::has_paged(incident)
    }

    fn has_paged(incident: &Incident) -> bool {
        !incident.paged.is_empty() || !incident.response.paged_for_groups.is_empty()
    }

    /// Whether somebody opened an incident, or one that was merged into it, for no group if asked so, and nobody took that.
    pub(super) fn is_by_hand(&self, incident: &Incident, for_no_group: bool) -> bool {
        let by_hand = |one: &Incident| {
            let group = for_no_group && one.opened_for.is_some();
            one.opened_by != Actor::Watchbell && one.acknowledged.is_none() && !group
        };
        let merged = incident.response.merged.iter().filter_map(|id| self.state.incidents.get(id));
        by_hand(incident) || merged.into_iter().any(|one| by_hand(one))
    }
}
