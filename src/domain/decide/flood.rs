//! Storms of incidents: when very many groups of one route open incidents at once, they share one, and one page of it is
//! for all of them. Never leaves a group for which nobody is paged: it has a page of its own, or one that covers it.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Decision;
use crate::domain::{
    event::{Actor, Event, PageStop, Plan},
    group::Group,
    id::{GroupId, IncidentId, PageId, RouteId, SeverityId},
    incident::{Incident, IncidentStatus},
    page::{Page, PageReason, Subject},
    response::ResponseEvent,
    state::Timer,
};

/// A route that has opened this many incidents within [`STORM_WINDOW`], or for which this many further groups are
/// collecting, lets groups join the newest one, as long as they are open.
const STORM: usize = 5;
/// From the last group that joined an incident, or else from its opening.
const STORM_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Among so many of the next timers groups that collect are looked for: enough to see a storm, and no more work in the
/// middle of one than before it.
const LOOKED_AT: usize = 64;

impl Decision<'_> {
    /// One incident per group; in a storm of one route further groups join the newest that is not mitigated. Returns
    /// whether this is a storm.
    pub(super) fn incident_for_group(&mut self, id: GroupId, severity: &SeverityId) -> bool {
        let Some(group) = self.state.groups.get(&id).cloned() else { return false };
        let collecting = self.is_collecting(group.route.as_ref());
        let of_route = || {
            let open = self.state.open_incidents.iter().filter_map(|id| self.state.incidents.get(id));
            open.filter(|incident| self.takes_groups_of(incident, &group))
        };
        let newest = of_route().next_back().map(|one| (one.id, one.response.joined));
        let raging = |joined: u64| usize::try_from(joined).is_ok_and(|joined| joined > STORM);
        match newest {
            Some((incident, joined)) if collecting || raging(joined) || of_route().count() >= STORM => {
                self.emit(Event::GroupJoined { incident, group: id });
                self.raise_incident_of(id);
                true
            }
            // It may have been raised while it was collecting: ids sort the worst first.
            _ => {
                self.open_for_group(&group, group.severity.as_ref().unwrap_or(severity).min(severity));
                collecting
            }
        }
    }

    fn takes_groups_of(&self, incident: &Incident, group: &Group) -> bool {
        let last = incident.response.joined_at.unwrap_or(incident.opened_clock);
        let fresh = last + STORM_WINDOW > self.now.engine;
        let runs = incident.status != IncidentStatus::Mitigated;
        fresh && runs && incident.opened_for.is_some() && incident.route == group.route
    }

    /// Whether very many groups of a route are about to be told.
    fn is_collecting(&self, route: Option<&RouteId>) -> bool {
        // What is quiet waits, too, and perhaps until tomorrow.
        let is_new = |group: &Arc<Group>| {
            group.hush.is_none() && group.route.as_ref() == route && group.opens_incident.is_some()
        };
        let collects = |timer: &Timer| match timer {
            Timer::GroupWait(id) => self.state.groups.get(id).is_some_and(is_new),
            _ => false,
        };
        let next = self.state.timers.iter().take(LOOKED_AT);
        next.filter(|(_, timer)| collects(timer)).take(STORM).count() == STORM
    }

    /// A group of a storm pages by a page of its incident. One that runs, for the same people and no milder, is for it,
    /// too; who has the incident has the group, unless that is worse than what they took.
    pub(super) fn page_in_storm(&mut self, id: GroupId, plan: &Plan, reason: PageReason) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let Some(incident) = group.incident.and_then(|id| self.state.incidents.get(&id)).cloned() else {
            return self.page_group(id, plan, reason);
        };
        let raised = reason == PageReason::Raised || self.has_raised(incident.id);
        if let (Some((holder, _)), false) = (&incident.acknowledged, raised) {
            // Who took a flood has what comes with it. What comes long afterwards is perhaps something else.
            let taken = incident.response.taken_at;
            let lately = taken.is_some_and(|at| self.now.engine.duration_since(at) < STORM_WINDOW);
            if lately || self.is_collecting(group.route.as_ref()) {
                return self.emit(Event::GroupAcknowledged { group: id, by: holder.clone() });
            }
            return self.page_group(id, plan, reason);
        }
        let covers = |page: &&PageId| {
            let page = self.state.pages.get(page);
            page.is_some_and(|page| page.plan.policy == plan.policy && is_no_milder(page, &group))
        };
        if let Some(page) = incident.pages.iter().find(covers) {
            return self.covered(incident.id, id, *page);
        }
        let before: Vec<PageId> = self
            .pages_of_incident(&incident)
            .into_iter()
            .filter(|page| self.state.pages.get(page).is_some_and(|page| page.plan.policy == plan.policy))
            .collect();
        let urgency = incident.urgency.max(group.urgency);
        let (subject, by) = (Subject::Incident(incident.id), Actor::Watchbell);
        let new = self.start_page(subject, plan.clone(), urgency, group.severity.clone(), reason, by);
        for page in before {
            let of = self.state.pages.get(&page).and_then(|page| page.subject.group());
            self.stop_page(page, PageStop::Replaced(new));
            if let Some(of) = of {
                self.covered(incident.id, of, new);
            }
        }
        self.covered(incident.id, id, new);
    }

    /// The open incident of a group for which a page of that incident is or was.
    pub(super) fn flood_of(&self, group: &Group) -> Option<IncidentId> {
        group.covered_by?;
        group.incident.filter(|incident| self.state.open_incidents.contains(incident))
    }

    /// In a flood one sentence is for many groups: whether it was just said.
    pub(super) fn was_told_again(&self, incident: IncidentId) -> bool {
        let at = self.state.incidents.get(&incident).and_then(|incident| incident.response.told_again);
        at.is_some_and(|at| self.now.engine.duration_since(at) < STORM_WINDOW)
    }

    /// The page of a flood that was for this group, when it is for no other that nobody has. What a person asked for runs
    /// until somebody takes the incident.
    pub(super) fn needless_page(&self, group: &Group) -> Option<PageId> {
        let (id, incident) = group.covered_by.zip(group.incident)?;
        let page = self.state.pages.get(&id)?;
        let of_flood = page.subject == Subject::Incident(incident) && page.by == Actor::Watchbell;
        (of_flood && !self.is_for_others(id, incident, group.id)).then_some(id)
    }

    /// Whether this decision has made an incident worse.
    fn has_raised(&self, id: IncidentId) -> bool {
        self.events.iter().any(|event| match event {
            // Ids sort the worst first.
            Event::SeverityChanged { incident, from, to, .. } => *incident == id && to < from,
            _ => false,
        })
    }

    /// Whether a page of an incident is for a group that nobody has, beside this one.
    pub(super) fn is_for_others(&self, page: PageId, incident: IncidentId, except: GroupId) -> bool {
        let Some(incident) = self.state.incidents.get(&incident) else { return false };
        let others = incident.response.open_groups.iter().filter(|group| **group != except);
        others
            .filter_map(|group| self.state.groups.get(group))
            .any(|group| group.covered_by == Some(page) && group.acknowledged.is_none())
    }

    fn covered(&mut self, incident: IncidentId, group: GroupId, page: PageId) {
        self.emit(Event::Response(Box::new(ResponseEvent::Covered { incident, group, page })));
    }
}

/// Whether a page is as loud as a group needs it. Ids sort the worst first; without a severity it is the mildest.
fn is_no_milder(page: &Page, group: &Group) -> bool {
    let as_bad = match (&page.severity, &group.severity) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(page), Some(group)) => page <= group,
    };
    as_bad && page.urgency >= group.urgency
}
