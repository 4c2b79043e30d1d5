//! Incidents that nobody has and of which nothing is heard: their page and their deadlines stand still. Never holds what a
//! person opened, took or asked for, and never forgets what it holds: it goes on as soon as one of their groups is heard.

use std::collections::BTreeSet;

use super::Decision;
use crate::domain::{
    event::{Actor, Event, PageStop},
    id::{GroupId, IncidentId, PageId},
    page::Page,
    quiet::QuietEvent,
    response::ResponseEvent,
};

impl Decision<'_> {
    /// Looks at the incidents that this decision touched: those of which nothing is heard any more are held, those that
    /// were and are heard again go on.
    pub(super) fn hold_or_go_on(&mut self) {
        let touched: BTreeSet<IncidentId> =
            self.events.iter().filter_map(|event| self.touches(event)).collect();
        for id in touched {
            let Some(incident) = self.state.incidents.get(&id) else { continue };
            let held = incident.held.is_some();
            if self.state.is_unheard(incident) {
                // What somebody asked for goes on, whatever is quiet.
                let pages = self.pages_that(id, |page| !page.held && page.by == Actor::Watchbell);
                if !held || !pages.is_empty() {
                    self.hold(id, pages);
                }
            } else {
                let pages = self.pages_that(id, |page| page.held);
                if held || !pages.is_empty() {
                    self.emit_quiet(QuietEvent::GoesOn { incident: id, pages });
                    self.post_its_own_card(id);
                }
                self.stop_what_is_for_nobody(id);
            }
        }
    }

    /// Somebody has what is heard of a flood: what is quiet of it is paged for when it is heard.
    fn stop_what_is_for_nobody(&mut self, incident: IncidentId) {
        let mut pages = self.pages_that(incident, |page| page.by == Actor::Watchbell);
        pages.retain(|page| self.is_for_nobody(*page, incident));
        if pages.is_empty() {
            return;
        }
        // The same decision may have done something else to another incident.
        let mut its_own = self.events.iter().rev().filter(|event| self.touches(event) == Some(incident));
        let why = its_own.find_map(|event| match event {
            Event::GroupAcknowledged { by, .. } => Some(PageStop::Acknowledged(by.clone())),
            Event::GroupClosed { .. } => Some(PageStop::Resolved),
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Snoozed(snoozed) => Some(PageStop::Snoozed(snoozed.by.clone())),
                QuietEvent::Hushed(_) => Some(PageStop::Quiet),
                _ => None,
            },
            _ => None,
        });
        for page in pages {
            self.stop_page(page, why.clone().unwrap_or(PageStop::Quiet));
        }
    }

    fn hold(&mut self, incident: IncidentId, pages: Vec<PageId>) {
        self.emit_quiet(QuietEvent::Held { incident, pages: pages.clone() });
        for page in pages {
            if let Some(page) = self.state.pages.get(&page).cloned() {
                self.cancel_deliveries(&page);
            }
        }
        self.post_its_own_card(incident);
    }

    fn pages_that(&self, incident: IncidentId, is: impl Fn(&Page) -> bool) -> Vec<PageId> {
        let mut pages = self.own_pages(incident);
        pages.retain(|page| self.state.pages.get(page).is_some_and(|page| is(page)));
        pages
    }

    /// The cards of its groups say it by themselves: they are quiet.
    fn post_its_own_card(&mut self, id: IncidentId) {
        let known = self.state.incidents.get(&id);
        if known.is_some_and(|incident| incident.opened_for.is_none() || !incident.rooms.is_empty()) {
            self.post_incident_card(id);
        }
    }

    /// The incident of which more or less may be heard by an event, or which somebody has by it.
    fn touches(&self, event: &Event) -> Option<IncidentId> {
        match event {
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Hushed(hushed) => self.incident_of(hushed.group),
                QuietEvent::Snoozed(snoozed) => self.incident_of(snoozed.group),
                QuietEvent::Woken { group, .. } | QuietEvent::SnoozeOver { group } => {
                    self.incident_of(*group)
                }
                _ => None,
            },
            Event::GroupRaised { group, .. }
            | Event::GroupAcknowledged { group, .. }
            | Event::GroupClosed { group } => self.incident_of(*group),
            Event::IncidentOpened(opened) => Some(opened.incident),
            Event::GroupJoined { incident, .. }
            | Event::IncidentAcknowledged { incident, .. }
            | Event::RoleAssigned { incident, .. }
            | Event::StatusChanged { incident, .. }
            | Event::IncidentReopened { incident, .. } => Some(*incident),
            Event::PageStarted(started) => started.subject.incident(),
            Event::Response(response) => match &**response {
                ResponseEvent::Merged(merged) => Some(merged.into),
                _ => None,
            },
            _ => None,
        }
    }

    fn incident_of(&self, group: GroupId) -> Option<IncidentId> {
        let open = self.state.groups.get(&group).map(|group| group.incident);
        open.or_else(|| self.state.closed_groups.get(&group).map(|group| group.incident)).flatten()
    }
}
