//! Storms of incidents: when very many groups of one route open incidents at once, they share one, and one page of it is
//! for all of them. Never leaves a group for which nobody is paged: it has a page of its own, or one that covers it.

use std::{cell::LazyCell, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Decision;
use crate::domain::{
    event::{Actor, Event, PageStop, Plan},
    group::Group,
    id::{ChannelName, GroupId, IncidentId, PageId, RouteId, SeverityId},
    incident::{Incident, IncidentStatus},
    page::{Page, PageReason, Subject},
    response::ResponseEvent,
    state::{State, Timer},
};

/// A route that has opened this many incidents within [`STORM_WINDOW`], or for which this many further groups are
/// collecting, lets groups join the newest one, as long as they are open.
const STORM: usize = 5;
/// From the last group that joined an incident, or else from its opening.
const STORM_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Among so many of the next timers groups that collect are looked for: enough to see a storm, and no more work in the
/// middle of one than before it.
const LOOKED_AT: usize = 64;

/// How near a route is to a flood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flood {
    /// Which route.
    pub route: RouteId,
    /// How many of its groups collect.
    pub collecting: usize,
    /// How many of its incidents take further groups.
    pub incidents: usize,
    /// The one that its next group joins, because many come at once already.
    pub joins: Option<IncidentId>,
    /// So many of one or the other make a flood.
    pub most: usize,
    /// How long an incident takes further groups after the last one that joined it, in seconds.
    pub window_seconds: i64,
}

impl Flood {
    /// How near to it a route is at an instant (engine time).
    #[must_use]
    pub fn near(state: &State, route: &RouteId, at: Timestamp) -> Self {
        Self {
            route: route.clone(),
            collecting: collecting(state, Some(route)).count(),
            incidents: taking_groups(state, Some(route), at).count(),
            joins: joins(state, Some(route), at),
            most: STORM,
            window_seconds: STORM_WINDOW.as_secs(),
        }
    }

    /// Whether the next group of the route is part of it.
    #[must_use]
    pub fn rages(&self) -> bool {
        self.collecting >= self.most || self.joins.is_some()
    }
}

/// The incident that the next group of a route joins instead of opening its own; none: they do not come at once, or none
/// takes it.
fn joins(state: &State, route: Option<&RouteId>, at: Timestamp) -> Option<IncidentId> {
    let newest = taking_groups(state, route, at).next_back()?;
    let grows = usize::try_from(newest.response.joined).is_ok_and(|joined| joined > STORM);
    let many = || taking_groups(state, route, at).count() >= STORM;
    (grows || is_collecting(state, route) || many()).then_some(newest.id)
}

/// Whether very many groups of a route are about to be told.
fn is_collecting(state: &State, route: Option<&RouteId>) -> bool {
    collecting(state, route).take(STORM).count() == STORM
}

/// Groups of a route that are about to be told and to open an incident, as far as timers are looked at.
pub fn collecting<'a>(state: &'a State, route: Option<&'a RouteId>) -> impl Iterator<Item = GroupId> + 'a {
    // What is quiet waits, too, and perhaps until tomorrow; unless this is the instant at which it is heard.
    let is_heard = move |group: &Arc<Group>, due: Timestamp| {
        group.hush.is_none() || (due <= state.clock && state.hush_of(group, state.clock).is_none())
    };
    let is_new = move |group: &Arc<Group>, due: Timestamp| {
        group.route.as_ref() == route && group.opens_incident.is_some() && is_heard(group, due)
    };
    let next = state.timers.iter().take(LOOKED_AT);
    next.filter_map(move |(due, timer)| match timer {
        Timer::GroupWait(id) => state.groups.get(id).is_some_and(|group| is_new(group, *due)).then_some(*id),
        _ => None,
    })
}

/// The open incidents of a route that take further groups in a flood, the oldest first.
#[must_use = "it only looks"]
pub fn taking_groups<'a>(
    state: &'a State,
    route: Option<&'a RouteId>,
    at: Timestamp,
) -> impl DoubleEndedIterator<Item = &'a Arc<Incident>> {
    let open = state.open_incidents.iter().filter_map(|id| state.incidents.get(id));
    open.filter(move |incident| {
        let last = incident.response.joined_at.unwrap_or(incident.opened_clock);
        let fresh = last + STORM_WINDOW > at;
        let runs = incident.status != IncidentStatus::Mitigated;
        fresh && runs && incident.opened_for.is_some() && incident.route.as_ref() == route
    })
}

impl Decision<'_> {
    /// One incident per group; in a storm of one route further groups join the newest that is not mitigated. Returns
    /// whether this is a storm.
    pub(super) fn incident_for_group(&mut self, id: GroupId, severity: &SeverityId) -> bool {
        let Some(group) = self.state.groups.get(&id).cloned() else { return false };
        let route = group.route.as_ref();
        if let Some(incident) = joins(self.state, route, self.now.engine) {
            self.emit(Event::GroupJoined { incident, group: id });
            self.raise_incident_of(id);
            return true;
        }
        let collecting = is_collecting(self.state, route);
        // It may have been raised while it was collecting: ids sort the worst first.
        self.open_for_group(&group, group.severity.as_ref().unwrap_or(severity).min(severity));
        collecting
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
            if lately || is_collecting(self.state, group.route.as_ref()) {
                return self.emit(Event::GroupAcknowledged { group: id, by: holder.clone() });
            }
            return self.page_group(id, plan, reason);
        }
        self.page_flood(&incident, &group, plan, reason);
    }

    /// A page of an incident is for this group, too: one that runs, or a new one.
    pub(super) fn page_flood(&mut self, incident: &Incident, group: &Group, plan: &Plan, reason: PageReason) {
        let covers = |page: &&PageId| {
            let page = self.state.pages.get(page);
            page.is_some_and(|page| page.plan.policy == plan.policy && is_no_milder(page, group))
        };
        if let Some(page) = incident.pages.iter().find(covers) {
            return self.covered(incident.id, group.id, *page);
        }
        let before: Vec<PageId> = self
            .pages_of_incident(incident)
            .into_iter()
            .filter(|page| self.state.pages.get(page).is_some_and(|page| page.plan.policy == plan.policy))
            .collect();
        let urgency = incident.urgency.max(group.urgency);
        let (subject, by) = (Subject::Incident(incident.id), Actor::Watchbell);
        // It is no milder than what it takes the place of. Ids sort the worst first.
        let replaced = before.iter().filter_map(|page| self.state.pages.get(page)?.severity.clone());
        let severity = replaced.chain(group.severity.clone()).min();
        let new = self.start_page(subject, plan.clone(), urgency, severity, reason, by);
        for page in before {
            let of = self.state.pages.get(&page).and_then(|page| page.subject.group());
            self.stop_page(page, PageStop::Replaced(new));
            if let Some(of) = of {
                self.covered(incident.id, of, new);
            }
        }
        self.covered(incident.id, group.id, new);
    }

    /// The open incident of a group for which a page of that incident is or was.
    pub(super) fn flood_of(&self, group: &Group) -> Option<IncidentId> {
        group.covered_by?;
        group.incident.filter(|incident| self.state.open_incidents.contains(incident))
    }

    /// In a flood one sentence is for many groups: whether it was just said in this channel.
    pub(super) fn was_told_again(&self, incident: IncidentId, channel: &ChannelName) -> bool {
        let incident = self.state.incidents.get(&incident);
        let at = incident.and_then(|incident| incident.response.told_again_in.get(channel));
        at.is_some_and(|at| self.now.engine.duration_since(*at) < STORM_WINDOW)
    }

    /// The page of a flood that was for this group, when it is for no other that nobody has. What a person asked for runs
    /// until somebody takes the incident.
    pub(super) fn needless_page(&self, group: &Group) -> Option<PageId> {
        let (id, incident) = group.covered_by.zip(group.incident)?;
        let page = self.state.pages.get(&id)?;
        // What is quiet was not waited for any more; of what stands still nothing is.
        let counted = group.hush.is_none() || page.held;
        let of_flood = page.subject == Subject::Incident(incident) && page.by == Actor::Watchbell && counted;
        (of_flood && !self.is_for_others(id, incident, Some(group.id))).then_some(id)
    }

    /// Whether this decision has made an incident worse.
    fn has_raised(&self, id: IncidentId) -> bool {
        self.events.iter().any(|event| match event {
            // Ids sort the worst first.
            Event::SeverityChanged { incident, from, to, .. } => *incident == id && to < from,
            _ => false,
        })
    }

    /// Whether a page of a flood is for groups alone that somebody has or that are quiet.
    pub(super) fn is_for_nobody(&self, page: PageId, incident: IncidentId) -> bool {
        let groups =
            self.state.incidents.get(&incident).into_iter().flat_map(|one| &one.response.open_groups);
        let mut groups = groups.filter_map(|group| self.state.groups.get(group));
        groups.any(|group| group.covered_by == Some(page)) && !self.is_for_others(page, incident, None)
    }

    /// Whether a page of an incident is for a group that nobody has, beside this one: it is one of those that it covers,
    /// or nothing else pages for it any more.
    pub(super) fn is_for_others(&self, page: PageId, incident: IncidentId, except: Option<GroupId>) -> bool {
        let Some(incident) = self.state.incidents.get(&incident) else { return false };
        let held = self.state.pages.get(&page).is_some_and(|page| page.held);
        let stands = LazyCell::new(|| held || self.state.is_unheard(incident));
        let others = incident.response.open_groups.iter().filter(|group| Some(**group) != except);
        let waits = |group: &Group| {
            // What is quiet is paged for when it is heard, unless all of it is: then this very page goes on.
            let covered = group.covered_by == Some(page) && (group.hush.is_none() || *stands);
            (covered && group.acknowledged.is_none()) || self.is_left(group)
        };
        others.filter_map(|group| self.state.groups.get(group)).any(|group| waits(group))
    }

    /// Whether a group is heard that nobody has, and nothing pages for it any more. What is mitigated waits for nobody.
    pub(super) fn is_left(&self, group: &Group) -> bool {
        let waits = group.is_told() && group.hush.is_none() && group.acknowledged.is_none();
        waits && group.page.is_some() && self.is_not_paged(group) && !self.is_mitigated(group)
    }

    /// Whether nothing pages for a group: no page of its own, and none of its incident.
    pub(super) fn is_not_paged(&self, group: &Group) -> bool {
        let covered = group.covered_by.is_some_and(|page| self.state.pages.contains_key(&page));
        group.pages.is_empty() && !covered
    }

    /// Whether a page of its incident that runs, or stands still, is for a group.
    pub(super) fn is_covered(&self, group: &Group) -> bool {
        let page = group.covered_by.and_then(|page| self.state.pages.get(&page));
        page.is_some_and(|page| is_no_milder(page, group))
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
