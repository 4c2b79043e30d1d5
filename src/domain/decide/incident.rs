//! Incidents: opened, led, changed, resolved and reopened. Never edits the timeline: each change is an entry.

use super::{Decision, page::single};
use crate::domain::{
    config::{Config, Severity},
    delivery::Notice,
    event::{Actor, Event, IncidentOpened, PageStop, Title},
    group::Group,
    id::{ChannelName, GroupId, IncidentId, PersonId, SeverityId},
    incident::{Incident, IncidentRole, IncidentStatus},
    intent::{Already, IncidentIntent, Refusal},
    page::{PageReason, PageTarget, Subject, Target},
    person::Person,
    prose::Prose,
};

impl Decision<'_> {
    pub(super) fn incident(&mut self, what: IncidentIntent, by: Actor) -> Result<(), Refusal> {
        match what {
            IncidentIntent::Open { severity, title, channel } => self.open(severity, title, channel, by),
            IncidentIntent::OpenFor { group, severity, title } => self.open_for(group, severity, title, by),
            IncidentIntent::Assign { incident, to } => self.assign(incident, to, by),
            IncidentIntent::Role { incident, role, to } => self.give_role(incident, role, to, by),
            IncidentIntent::Severity { incident, severity } => self.set_severity(incident, severity, by),
            IncidentIntent::Status { incident, status, text } => self.set_status(incident, status, text, by),
            IncidentIntent::Note { incident, text } => self.note(incident, text, by),
            IncidentIntent::Resolve { incident, text } => self.resolve_incident(incident, text, by),
            IncidentIntent::Reopen { incident, text } => self.reopen(incident, text, by),
        }
    }

    fn open(
        &mut self,
        severity: SeverityId,
        title: Prose,
        channel: Option<ChannelName>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let config = self.config;
        let known = severity_of(self.config, &severity)?;
        let incident = self.state.next.incident;
        let mut channels = config.unrouted.channels.clone();
        channels.extend(channel.filter(|channel| !config.unrouted.channels.contains(channel)));
        self.emit(Event::IncidentOpened(Box::new(IncidentOpened {
            incident,
            title: Title::Written(title),
            severity: severity.clone(),
            urgency: known.urgency,
            group: None,
            channels,
            expect: config.expectations(Some(&severity)),
            by: by.clone(),
        })));
        self.page_by_severity(incident, known, PageReason::Opened, by);
        self.post_incident_card(incident);
        Ok(())
    }

    /// Somebody opens one for a group. Who has the group has the incident; a group that pages goes on, and only when
    /// nothing pages for it the severity's policy does.
    fn open_for(
        &mut self,
        id: GroupId,
        severity: SeverityId,
        title: Prose,
        by: Actor,
    ) -> Result<(), Refusal> {
        let config = self.config;
        let known = severity_of(config, &severity)?;
        let Some(group) = self.state.groups.get(&id).cloned() else {
            return self.open_group(id).map(|_| ());
        };
        if let Some(incident) = group.incident {
            return Err(Refusal::Unchanged { incident, value: Already::Group(id) });
        }
        let incident = self.state.next.incident;
        let channels =
            if group.channels.is_empty() { &config.unrouted.channels[..] } else { &group.channels };
        self.emit(Event::IncidentOpened(Box::new(IncidentOpened {
            incident,
            title: Title::Written(title),
            urgency: known.urgency,
            group: Some(id),
            channels: channels.to_vec(),
            expect: config.expectations(Some(&severity)),
            severity,
            by: by.clone(),
        })));
        match &group.acknowledged {
            Some((holder, _)) => self.emit(Event::IncidentAcknowledged { incident, by: holder.clone() }),
            None if self.pages_of_group(id).is_empty() => {
                self.page_by_severity(incident, known, PageReason::Opened, by);
            }
            None => {}
        }
        self.refresh_incident(incident);
        Ok(())
    }

    /// The incident that a route asks for; its page is the group's.
    pub(super) fn open_for_group(&mut self, group: &Group, severity: &SeverityId) {
        self.emit(Event::IncidentOpened(Box::new(IncidentOpened {
            incident: self.state.next.incident,
            title: Title::Derived(group.title.clone()),
            severity: severity.clone(),
            urgency: self.config.urgency(Some(severity)),
            group: Some(group.id),
            channels: group.channels.to_vec(),
            expect: self.config.expectations(Some(severity)),
            by: Actor::Watchbell,
        })));
    }

    pub(super) fn page_by_severity(
        &mut self,
        incident: IncidentId,
        severity: &Severity,
        reason: PageReason,
        by: Actor,
    ) {
        if let Some(plan) = severity.page.as_ref().and_then(|policy| self.config.plan(policy)) {
            let subject = Subject::Incident(incident);
            self.start_page(subject, plan, severity.urgency, Some(severity.id.clone()), reason, by);
        }
    }

    /// The lead goes to somebody, who is paged, instead of whoever was. Taking it oneself acknowledges it.
    fn assign(&mut self, id: IncidentId, to: PersonId, by: Actor) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        let person = self.person(&to)?;
        if incident.commander() == Some(&to) {
            return Err(Refusal::Unchanged { incident: id, value: Already::Commander(to) });
        }
        let reachable = !person.contacts.is_empty();
        let oneself = by.person() == Some(&to);
        if !oneself && !reachable {
            return Err(Refusal::NoContact(to));
        }
        let role = IncidentRole::Commander;
        self.emit(Event::RoleAssigned { incident: id, role, to: Some(to.clone()), by: by.clone() });
        if oneself {
            self.take_incident(&incident, &by);
        } else {
            let pages = self.pages_of_incident(&incident);
            let plan = single(PageTarget::Person(to.clone()));
            let subject = Subject::Incident(id);
            let (urgency, severity) = (incident.urgency, Some(incident.severity.clone()));
            let new = self.start_page(subject, plan, urgency, severity, PageReason::Assigned(to), by);
            for page in pages {
                self.stop_page(page, PageStop::Replaced(new));
            }
        }
        self.refresh_incident(id);
        Ok(())
    }

    fn give_role(
        &mut self,
        id: IncidentId,
        role: IncidentRole,
        to: Option<PersonId>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        if let Some(person) = &to {
            self.person(person)?;
        }
        let holders = incident.roles.get(&role);
        let unchanged = match &to {
            Some(person) => holders.is_some_and(|holders| holders.contains(person)),
            None => holders.is_none(),
        };
        if unchanged {
            return Err(Refusal::Unchanged { incident: id, value: Already::Role(role, to) });
        }
        self.emit(Event::RoleAssigned { incident: id, role, to, by });
        self.refresh_incident(id);
        Ok(())
    }

    fn set_severity(&mut self, id: IncidentId, severity: SeverityId, by: Actor) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        let known = severity_of(self.config, &severity)?;
        if incident.severity == severity {
            return Err(Refusal::Unchanged { incident: id, value: Already::Severity(severity) });
        }
        // Ids sort the worst first.
        let raised = severity < incident.severity;
        self.emit(Event::SeverityChanged {
            incident: id,
            from: incident.severity.clone(),
            to: severity.clone(),
            urgency: known.urgency,
            expect: self.config.expectations(Some(&severity)),
            by: by.clone(),
        });
        if raised {
            self.investigate_again(id, &by);
            self.page_raised(&incident, known, &by);
        }
        self.refresh_incident(id);
        Ok(())
    }

    /// A raised incident pages by its severity's policy, or else by those of its open groups, each once; what paged
    /// for less stops.
    pub(super) fn page_raised(&mut self, incident: &Incident, severity: &Severity, by: &Actor) {
        let of_severity = severity.page.as_ref().and_then(|policy| self.config.plan(policy));
        let mut plans = Vec::from_iter(of_severity);
        if plans.is_empty() {
            let open = &incident.response.open_groups;
            for plan in open.iter().filter_map(|id| self.state.groups.get(id)?.page.as_deref()) {
                if !plans.contains(plan) {
                    plans.push(plan.clone());
                }
            }
        }
        if plans.is_empty() {
            return;
        }
        let before = self.pages_of_incident(incident);
        let new = self.state.next.page;
        for plan in plans {
            let subject = Subject::Incident(incident.id);
            let of = Some(severity.id.clone());
            self.start_page(subject, plan, severity.urgency, of, PageReason::Raised, by.clone());
        }
        for page in before {
            self.stop_page(page, PageStop::Replaced(new));
        }
    }

    /// A group is worse than its incident: the incident is as bad as the worst of what it is about.
    pub(super) fn raise_incident_of(&mut self, group: GroupId) {
        let Some(group) = self.state.groups.get(&group) else { return };
        let incident = group.incident.and_then(|incident| self.state.incidents.get(&incident));
        let (Some(to), Some(incident)) = (group.severity.clone(), incident) else { return };
        if !incident.is_open() || incident.severity <= to {
            return;
        }
        let id = incident.id;
        self.emit(Event::SeverityChanged {
            incident: id,
            from: incident.severity.clone(),
            urgency: self.config.urgency(Some(&to)),
            expect: self.config.expectations(Some(&to)),
            to,
            by: Actor::Watchbell,
        });
        self.investigate_again(id, &Actor::Watchbell);
        self.refresh_incident(id);
    }

    /// Something got worse or fired again: an incident that was mitigated is not any more.
    /// Returns whether it was.
    pub(super) fn investigate_again(&mut self, id: IncidentId, by: &Actor) -> bool {
        let incident = self.state.incidents.get(&id);
        let mitigated = incident.is_some_and(|one| one.status == IncidentStatus::Mitigated);
        if mitigated {
            self.change_status(id, IncidentStatus::Investigating, None, by.clone());
        }
        mitigated
    }

    /// What is mitigated wakes nobody: pages of the incident and of its groups stop. When it is not any more, also by whoever
    /// said so too early, what is left of it is paged for. Words alone about how it stands change neither.
    pub(super) fn change_status(
        &mut self,
        id: IncidentId,
        status: IncidentStatus,
        text: Option<Prose>,
        by: Actor,
    ) {
        let was = self.state.incidents.get(&id).is_some_and(|one| one.status == IncidentStatus::Mitigated);
        self.emit(Event::StatusChanged { incident: id, status, text, by });
        match (was, status == IncidentStatus::Mitigated) {
            (false, true) => {
                let incident = self.state.incidents.get(&id);
                let pages = incident.map(|incident| self.pages_of_incident(incident));
                for page in pages.into_iter().flatten() {
                    self.stop_page(page, PageStop::Resolved);
                }
            }
            (true, false) => {
                self.run_again.insert(id);
            }
            _ => {}
        }
    }

    fn set_status(
        &mut self,
        id: IncidentId,
        status: Option<IncidentStatus>,
        text: Option<Prose>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        let status = status.unwrap_or(incident.status);
        if status == IncidentStatus::Resolved {
            return self.resolve_incident(id, text, by);
        }
        if status == incident.status && text.is_none() {
            return Err(Refusal::Unchanged { incident: id, value: Already::Status(status) });
        }
        self.change_status(id, status, text, by);
        for channel in self.channels_of(Subject::Incident(id)) {
            self.notify(channel, Subject::Incident(id), Notice::Status);
        }
        self.refresh_incident(id);
        Ok(())
    }

    /// Notes are welcome after the end, too: that is when postmortems are written.
    fn note(&mut self, id: IncidentId, text: Prose, by: Actor) -> Result<(), Refusal> {
        let incident = self.state.incidents.get(&id).ok_or(Refusal::Unknown(Target::Incident(id)))?;
        self.not_merged(incident)?;
        self.emit(Event::NoteAdded { incident: id, text, by });
        Ok(())
    }

    fn resolve_incident(&mut self, id: IncidentId, text: Option<Prose>, by: Actor) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        for page in self.pages_of_incident(&incident) {
            self.stop_page(page, PageStop::Resolved);
        }
        self.emit(Event::IncidentResolved { incident: id, text, by });
        let mut paged = incident.paged.clone();
        for group in &incident.response.open_groups {
            paged.extend(self.state.groups.get(group).into_iter().flat_map(|group| group.paged.clone()));
        }
        self.tell_resolved(&paged, Subject::Incident(id));
        self.refresh_incident(id);
        Ok(())
    }

    fn reopen(&mut self, id: IncidentId, text: Option<Prose>, by: Actor) -> Result<(), Refusal> {
        let incident = self.state.incidents.get(&id).ok_or(Refusal::Unknown(Target::Incident(id)))?;
        self.not_merged(incident)?;
        if incident.is_open() {
            return Err(Refusal::StillOpen(id, incident.response.reopened.clone()));
        }
        self.emit(Event::IncidentReopened { incident: id, text, by });
        self.refresh_incident(id);
        Ok(())
    }

    /// The card of an incident that has its own, and those of the groups that show it.
    pub(super) fn refresh_incident(&mut self, id: IncidentId) {
        let Some(incident) = self.state.incidents.get(&id).cloned() else { return };
        if incident.opened_for.is_none() || !incident.rooms.is_empty() {
            self.post_incident_card(id);
        }
        for group in &incident.response.open_groups {
            self.edit_group_card(*group);
        }
    }

    pub(super) fn running(&self, id: IncidentId) -> Result<Incident, Refusal> {
        let incident = self.state.incidents.get(&id).ok_or(Refusal::Unknown(Target::Incident(id)))?;
        self.not_merged(incident)?;
        match incident.resolved_at {
            Some(at) if !incident.is_open() => {
                let by = incident.response.resolved_by.clone();
                Err(Refusal::AlreadyResolved { incident: id, at, by })
            }
            _ => Ok(Incident::clone(incident)),
        }
    }

    pub(super) fn person(&self, id: &PersonId) -> Result<&Person, Refusal> {
        self.config.people.get(id).ok_or_else(|| Refusal::unknown_name("person", id))
    }
}

pub(super) fn severity_of<'a>(config: &'a Config, id: &SeverityId) -> Result<&'a Severity, Refusal> {
    config.severities.get(id).ok_or_else(|| Refusal::unknown_name("severity", id))
}
