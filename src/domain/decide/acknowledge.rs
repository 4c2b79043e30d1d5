//! Acknowledgement: after it is recorded no further attempt of the page leaves.
//! Never needs the person to have been paged.

use std::sync::Arc;

use super::Decision;
use crate::domain::{
    event::{Actor, Event, PageStop},
    group::Group,
    id::{AlertId, GroupId, IncidentId, PageId},
    incident::Incident,
    intent::Refusal,
    page::{Subject, Target},
};

impl Decision<'_> {
    pub(super) fn acknowledge(&mut self, target: Target, by: &Actor) -> Result<(), Refusal> {
        match target {
            Target::Alert(alert) => self.acknowledge_alert(alert, by),
            Target::Group(group) => self.acknowledge_group(group, by),
            // A button, a link or a message from before a merge still works.
            Target::Incident(incident) => self.acknowledge_incident(self.state.goes_on_in(incident), by),
            Target::Page(page) => self.acknowledge_page(page, by),
        }
    }

    fn acknowledge_alert(&mut self, id: AlertId, by: &Actor) -> Result<(), Refusal> {
        let alert = self.state.alerts.get(&id).ok_or(Refusal::Unknown(Target::Alert(id)))?;
        let groups = alert.groups.clone();
        let open: Vec<GroupId> =
            groups.iter().copied().filter(|group| self.needs_acknowledgement(*group)).collect();
        match (open.is_empty(), groups.first()) {
            // All of them are taken: say by whom.
            (true, Some(group)) => self.acknowledge_group(*group, by),
            (true, None) => Err(Refusal::Unknown(Target::Alert(id))),
            (false, _) => {
                for group in open {
                    // Whoever takes the first of them may have taken the next one with it.
                    if self.needs_acknowledgement(group) {
                        self.acknowledge_group(group, by)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn needs_acknowledgement(&self, group: GroupId) -> bool {
        self.state
            .groups
            .get(&group)
            .is_some_and(|group| group.acknowledged.is_none() || group.snooze.is_some())
            || !self.pages_of_group(group).is_empty()
    }

    /// The group, and the incident that it opened.
    fn acknowledge_group(&mut self, id: GroupId, by: &Actor) -> Result<(), Refusal> {
        let group = self.open_group(id)?;
        let opened = self.opened_by(&group);
        let mut pages = self.pages_of_group(id);
        pages.extend(opened.into_iter().flat_map(|incident| self.own_pages(incident)));
        let for_good = group.acknowledged.as_ref().filter(|_| group.snooze.is_none());
        if let (Some((who, at)), true) = (for_good, pages.is_empty()) {
            let target = Target::Group(id);
            return Err(Refusal::AlreadyAcknowledged { target, by: who.clone(), at: *at });
        }
        self.emit(Event::GroupAcknowledged { group: id, by: by.clone() });
        if let Some(incident) = opened {
            self.emit(Event::IncidentAcknowledged { incident, by: by.clone() });
            self.take_covered(incident, &pages, by);
        }
        let needless = self.needless_page(&group).filter(|page| !pages.contains(page));
        pages.extend(needless);
        self.stop_all(pages, by);
        match opened {
            // The group's own card is one of those that show the incident.
            Some(incident) => {
                self.refresh_incident(incident);
                self.post_first_card(id);
            }
            None if group.hush.is_some() => self.edit_group_card(id),
            None if group.is_told() => self.post_group_card(id),
            None => {}
        }
        Ok(())
    }

    /// A group that is open.
    pub(super) fn open_group(&self, id: GroupId) -> Result<Arc<Group>, Refusal> {
        let closed = || {
            self.state.closed_groups.get(&id).map_or(Refusal::Unknown(Target::Group(id)), |closed| {
                Refusal::GroupClosed { group: id, at: closed.closed_at, by: closed.ended_by.clone() }
            })
        };
        self.state.groups.get(&id).cloned().ok_or_else(closed)
    }

    /// The open incident that a group opened.
    pub(super) fn opened_by(&self, group: &Group) -> Option<IncidentId> {
        group.incident.filter(|incident| {
            let known = self.state.incidents.get(incident);
            known.is_some_and(|one| one.is_open() && one.opened_for == Some(group.id))
        })
    }

    /// The incident, and all its groups.
    fn acknowledge_incident(&mut self, id: IncidentId, by: &Actor) -> Result<(), Refusal> {
        let incident =
            self.state.incidents.get(&id).cloned().ok_or(Refusal::Unknown(Target::Incident(id)))?;
        if let Some(at) = incident.resolved_at {
            return Err(Refusal::AlreadyResolved {
                incident: id,
                at,
                by: incident.response.resolved_by.clone(),
            });
        }
        let taken = self.untaken_groups(&incident).is_empty() && self.pages_of_incident(&incident).is_empty();
        if let (Some((who, at)), true) = (&incident.acknowledged, taken) {
            let target = Target::Incident(id);
            return Err(Refusal::AlreadyAcknowledged { target, by: who.clone(), at: *at });
        }
        self.take_incident(&incident, by);
        self.refresh_incident(id);
        Ok(())
    }

    /// Somebody takes an incident with all its groups, and everything that pages for them stops.
    pub(super) fn take_incident(&mut self, incident: &Incident, by: &Actor) {
        let pages = self.pages_of_incident(incident);
        self.emit(Event::IncidentAcknowledged { incident: incident.id, by: by.clone() });
        for group in self.untaken_groups(incident) {
            self.emit(Event::GroupAcknowledged { group, by: by.clone() });
        }
        self.stop_all(pages, by);
    }

    /// In a storm one page is for many groups: whoever takes what it is for has them all, also those of which it was the
    /// last to page. So is a page of an incident for whatever nothing else pages for.
    fn take_covered(&mut self, incident: IncidentId, pages: &[PageId], by: &Actor) {
        let Some(incident) = self.state.incidents.get(&incident).cloned() else { return };
        let of_incident = pages.iter().any(|page| incident.pages.contains(page));
        for id in self.untaken_groups(&incident) {
            let Some(group) = self.state.groups.get(&id) else { continue };
            let covered = |page| pages.contains(&page) || self.is_not_paged(group);
            if group.covered_by.map_or_else(|| of_incident && self.is_left(group), covered) {
                self.emit(Event::GroupAcknowledged { group: id, by: by.clone() });
            }
        }
    }

    pub(super) fn untaken_groups(&self, incident: &Incident) -> Vec<GroupId> {
        let is_untaken = |one: &Arc<Group>| one.acknowledged.is_none() || one.snooze.is_some();
        let untaken = |id: &GroupId| self.state.groups.get(id).is_some_and(is_untaken);
        incident.response.open_groups.iter().copied().filter(untaken).collect()
    }

    fn acknowledge_page(&mut self, id: PageId, by: &Actor) -> Result<(), Refusal> {
        let Some(page) = self.state.pages.get(&id) else { return self.acknowledge_late(id, by) };
        match page.subject {
            Subject::Group(group, _) => self.acknowledge_group(group, by),
            Subject::Incident(incident) => self.acknowledge_incident(incident, by),
            // No page is about a storm.
            Subject::Storm(_) | Subject::Silence(_) => Err(Refusal::PageOver(id)),
            Subject::Request(_) | Subject::Run(_) | Subject::Announcement(..) => {
                self.stop_page(id, PageStop::Acknowledged(by.clone()));
                Ok(())
            }
        }
    }

    /// A page that no longer runs: whoever takes what nobody answered is welcome.
    fn acknowledge_late(&mut self, id: PageId, by: &Actor) -> Result<(), Refusal> {
        let Some(closed) = self.state.closed_pages.get(&id) else {
            let over = id < self.state.next.page;
            return Err(if over { Refusal::PageOver(id) } else { Refusal::Unknown(Target::Page(id)) });
        };
        if let Some((who, at)) = &closed.taken {
            let target = Target::Page(id);
            return Err(Refusal::AlreadyAcknowledged { target, by: who.clone(), at: *at });
        }
        self.emit(Event::PageStopped {
            page: id,
            subject: Subject::Request(id),
            why: PageStop::Acknowledged(by.clone()),
            spared: Vec::new(),
            leaving: Vec::new(),
        });
        Ok(())
    }

    fn stop_all(&mut self, pages: Vec<PageId>, by: &Actor) {
        for page in pages {
            self.stop_page(page, PageStop::Acknowledged(by.clone()));
        }
    }
}
