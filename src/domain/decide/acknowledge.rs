//! Acknowledgement: after it is recorded no further attempt of the page leaves.
//! Never needs the person to have been paged.

use super::Decision;
use crate::domain::{
    event::{Actor, Event, PageStop},
    id::{AlertId, GroupId, IncidentId, PageId},
    intent::Refusal,
    page::{Subject, Target},
};

impl Decision<'_> {
    pub(super) fn acknowledge(&mut self, target: Target, by: &Actor) -> Result<(), Refusal> {
        match target {
            Target::Alert(alert) => self.acknowledge_alert(alert, by),
            Target::Group(group) => self.acknowledge_group(group, by),
            Target::Incident(incident) => self.acknowledge_incident(incident, by),
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
            (false, _) => open.into_iter().try_for_each(|group| self.acknowledge_group(group, by)),
        }
    }

    fn needs_acknowledgement(&self, group: GroupId) -> bool {
        self.state.groups.get(&group).is_some_and(|group| group.acknowledged.is_none())
            || !self.pages_of_group(group).is_empty()
    }

    /// The group, and the incident that it opened.
    fn acknowledge_group(&mut self, id: GroupId, by: &Actor) -> Result<(), Refusal> {
        let Some(group) = self.state.groups.get(&id).cloned() else {
            return Err(self.state.closed_groups.get(&id).map_or(
                Refusal::Unknown(Target::Group(id)),
                |closed| Refusal::GroupClosed { group: id, at: closed.closed_at },
            ));
        };
        let opened = group.incident.filter(|incident| {
            self.state.incidents.get(incident).is_some_and(|one| one.is_open() && one.opened_for == Some(id))
        });
        let mut pages = self.pages_of_group(id);
        pages.extend(opened.into_iter().flat_map(|incident| self.own_pages(incident)));
        if let (Some((who, at)), true) = (&group.acknowledged, pages.is_empty()) {
            let target = Target::Group(id);
            return Err(Refusal::AlreadyAcknowledged { target, by: who.clone(), at: *at });
        }
        self.emit(Event::GroupAcknowledged { group: id, by: by.clone() });
        if let Some(incident) = opened {
            self.take_incident(incident, by);
        }
        self.stop_all(pages, by);
        if group.wait_until.is_none() {
            self.post_group_card(id);
        }
        Ok(())
    }

    /// The incident, and all its groups.
    fn acknowledge_incident(&mut self, id: IncidentId, by: &Actor) -> Result<(), Refusal> {
        let incident =
            self.state.incidents.get(&id).cloned().ok_or(Refusal::Unknown(Target::Incident(id)))?;
        if let Some(at) = incident.resolved_at {
            return Err(Refusal::AlreadyResolved { incident: id, at });
        }
        let open: Vec<GroupId> = incident
            .groups
            .iter()
            .copied()
            .filter(|group| self.state.groups.get(group).is_some_and(|group| group.acknowledged.is_none()))
            .collect();
        let pages = self.pages_of_incident(&incident);
        if let (Some((who, at)), true, true) = (&incident.acknowledged, open.is_empty(), pages.is_empty()) {
            let target = Target::Incident(id);
            return Err(Refusal::AlreadyAcknowledged { target, by: who.clone(), at: *at });
        }
        self.emit(Event::IncidentAcknowledged { incident: id, by: by.clone() });
        for group in &open {
            self.emit(Event::GroupAcknowledged { group: *group, by: by.clone() });
        }
        self.stop_all(pages, by);
        for group in open {
            self.post_group_card(group);
        }
        self.refresh_incident(id);
        Ok(())
    }

    fn acknowledge_page(&mut self, id: PageId, by: &Actor) -> Result<(), Refusal> {
        let Some(page) = self.state.pages.get(&id) else {
            return Err(match self.state.closed_pages.get(&id) {
                Some((Some(who), at)) => {
                    Refusal::AlreadyAcknowledged { target: Target::Page(id), by: who.clone(), at: *at }
                }
                Some((None, _)) => Refusal::PageOver(id),
                None if id < self.state.next.page => Refusal::PageOver(id),
                None => Refusal::Unknown(Target::Page(id)),
            });
        };
        match page.subject {
            Subject::Group(group, _) => self.acknowledge_group(group, by),
            Subject::Incident(incident) => self.acknowledge_incident(incident, by),
            Subject::Request(_) => {
                self.stop_page(id, PageStop::Acknowledged(by.clone()));
                Ok(())
            }
        }
    }

    pub(super) fn take_incident(&mut self, id: IncidentId, by: &Actor) {
        self.emit(Event::IncidentAcknowledged { incident: id, by: by.clone() });
        self.refresh_incident(id);
    }

    fn stop_all(&mut self, pages: Vec<PageId>, by: &Actor) {
        for page in pages {
            self.stop_page(page, PageStop::Acknowledged(by.clone()));
        }
    }
}
