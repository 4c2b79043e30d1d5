//! Tasks, links, the impact, and handing over: what follows when somebody wants them changed or a task is overdue. Never
//! pages anybody: whoever has a task is told in chat.

use jiff::{SignedDuration, Timestamp};

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::{Actor, Event},
    id::{IncidentId, PersonId, TaskId},
    incident::{Incident, IncidentRole},
    intent::{Already, Refusal},
    page::{Subject, Target},
    prose::Prose,
    response::{
        FURTHEST, LINKS, RELATED, REMIND_EVERY, REMINDERS, ResponseEvent, ResponseIntent, ResponseRefusal,
        TASKS, Task, TaskAdded, TaskChange, TaskState, WrongTimes, address,
    },
};

impl Decision<'_> {
    pub(super) fn respond(&mut self, what: ResponseIntent, by: Actor) -> Result<(), Refusal> {
        match what {
            ResponseIntent::AddTask { incident, text, owner, due } => {
                self.add_task(incident, text, owner, due, by)
            }
            ResponseIntent::FinishTask(task) => self.close_task(task, TaskChange::Done, by),
            ResponseIntent::DropTask(task) => self.close_task(task, TaskChange::Dropped, by),
            ResponseIntent::ReopenTask(task) => self.reopen_task(task, by),
            ResponseIntent::AssignTask { task, to } => self.assign_task(task, to, by),
            ResponseIntent::SetDue { task, due } => {
                let known = self.open_task(task)?;
                let due = due.map(|due| self.due_in_time(due)).transpose()?;
                self.task_changed(&known, TaskChange::Due(due), by);
                Ok(())
            }
            ResponseIntent::Link { incident, url, title } => self.add_link(incident, &url, title, by),
            ResponseIntent::Relate { incident, other } => self.relate(incident, other, by),
            ResponseIntent::SetImpact { incident, started_at, ended_at, text } => {
                self.set_impact(incident, started_at, ended_at, text, by)
            }
            ResponseIntent::Merge { incident, into } => self.merge(incident, into, &by),
            ResponseIntent::HandOver { incident, to } => self.hand_over(incident, to, by),
        }
    }

    /// Tasks, links and the impact are welcome after the end, too: that is when postmortems are written.
    fn known(&self, id: IncidentId) -> Result<&Incident, Refusal> {
        let incident = self.state.incidents.get(&id).ok_or(Refusal::Unknown(Target::Incident(id)))?;
        self.not_merged(incident)?;
        Ok(incident)
    }

    fn happened(&mut self, event: ResponseEvent) {
        self.emit(Event::Response(Box::new(event)));
    }

    fn add_task(
        &mut self,
        id: IncidentId,
        text: Prose,
        owner: Option<PersonId>,
        due: Option<Timestamp>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let incident = self.known(id)?;
        if incident.response.tasks.len() >= TASKS {
            return Err(no(ResponseRefusal::TooMany { incident: id, what: "tasks", most: TASKS }));
        }
        if text.as_str().trim().is_empty() {
            return Err(no(ResponseRefusal::NoWords));
        }
        if let Some(owner) = &owner {
            self.person(owner)?;
        }
        let due = due.map(|due| self.due_in_time(due)).transpose()?;
        let task = self.state.next.task;
        let added = TaskAdded { task, incident: id, text, owner: owner.clone(), due, by: by.clone() };
        self.happened(ResponseEvent::TaskAdded(added));
        self.tell_owner(id, task, owner.as_ref(), &by);
        self.refresh_incident(id);
        Ok(())
    }

    /// A civil instant as engine time, when a task may be due then.
    fn due_in_time(&self, due: Timestamp) -> Result<Timestamp, Refusal> {
        let ahead = due.duration_since(self.now.civil);
        if ahead < SignedDuration::ZERO {
            return Err(no(ResponseRefusal::Times(WrongTimes::DueBefore)));
        }
        let due = self.now.engine.checked_add(ahead).ok().filter(|_| ahead <= FURTHEST);
        due.ok_or(no(ResponseRefusal::Times(WrongTimes::DueTooFar)))
    }

    fn task(&self, id: TaskId) -> Result<Task, Refusal> {
        let task = self.state.tasks.get(&id).map(|task| Task::clone(task));
        task.ok_or(no(ResponseRefusal::UnknownTask(id)))
    }

    fn open_task(&self, id: TaskId) -> Result<Task, Refusal> {
        let task = self.task(id)?;
        if task.is_open() {
            Ok(task)
        } else {
            Err(no(ResponseRefusal::TaskIs { task: id, state: task.state }))
        }
    }

    fn close_task(&mut self, id: TaskId, change: TaskChange, by: Actor) -> Result<(), Refusal> {
        let task = self.open_task(id)?;
        self.task_changed(&task, change, by);
        Ok(())
    }

    fn reopen_task(&mut self, id: TaskId, by: Actor) -> Result<(), Refusal> {
        let task = self.task(id)?;
        if task.is_open() {
            return Err(no(ResponseRefusal::TaskIs { task: id, state: TaskState::Open }));
        }
        self.task_changed(&task, TaskChange::Reopened, by.clone());
        self.tell_owner(task.incident, id, task.owner.as_ref(), &by);
        Ok(())
    }

    fn assign_task(&mut self, id: TaskId, to: Option<PersonId>, by: Actor) -> Result<(), Refusal> {
        let task = self.open_task(id)?;
        if let Some(person) = &to {
            self.person(person)?;
        }
        if task.owner == to {
            return Err(no(ResponseRefusal::OwnedAlready { task: id, owner: to }));
        }
        self.task_changed(&task, TaskChange::Owner(to.clone()), by.clone());
        self.tell_owner(task.incident, id, to.as_ref(), &by);
        Ok(())
    }

    fn task_changed(&mut self, task: &Task, change: TaskChange, by: Actor) {
        let (id, incident) = (task.id, task.incident);
        self.happened(ResponseEvent::TaskChanged { task: id, incident, change, by });
        self.refresh_incident(incident);
    }

    /// Whoever gives themselves a task knows of it.
    fn tell_owner(&mut self, incident: IncidentId, task: TaskId, owner: Option<&PersonId>, by: &Actor) {
        if let Some(owner) = owner.filter(|owner| by.person() != Some(owner)) {
            self.tell(owner, Subject::Incident(incident), Notice::TaskGiven(task));
        }
    }

    /// A task is overdue: its owner hears of it, and the first time everybody who follows the incident.
    pub(super) fn task_due(&mut self, id: TaskId) {
        let Some(task) = self.state.tasks.get(&id).cloned() else { return };
        let next_at = (task.reminded + 1 < REMINDERS).then(|| self.now.engine + REMIND_EVERY);
        self.happened(ResponseEvent::TaskReminded { task: id, incident: task.incident, next_at });
        if task.reminded == 0 || task.owner.is_none() {
            self.tell_places(task.incident, Notice::TaskDue(id));
        }
        if let Some(owner) = &task.owner {
            self.tell(owner, Subject::Incident(task.incident), Notice::TaskDue(id));
        }
    }

    fn add_link(
        &mut self,
        id: IncidentId,
        url: &Prose,
        title: Option<Prose>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let incident = self.known(id)?;
        let kept = address(url.as_str()).map_err(|why| no(ResponseRefusal::Address(why)))?;
        let same = |one: &Prose| address(one.as_str()).is_ok_and(|one| one == kept);
        if let Some(link) = incident.response.links.iter().find(|link| same(&link.url)) {
            let (by, at) = (link.by.clone(), link.at);
            return Err(no(ResponseRefusal::LinkedAlready { incident: id, by, at }));
        }
        if incident.response.links.len() >= LINKS {
            return Err(no(ResponseRefusal::TooMany { incident: id, what: "links", most: LINKS }));
        }
        let title = title.filter(|title| !title.as_str().trim().is_empty());
        self.happened(ResponseEvent::Linked { incident: id, url: url.clone(), title, by });
        self.refresh_incident(id);
        Ok(())
    }

    fn relate(&mut self, id: IncidentId, other: IncidentId, by: Actor) -> Result<(), Refusal> {
        if id == other {
            return Err(no(ResponseRefusal::Itself(id)));
        }
        let (one, two) = (self.known(id)?, self.known(other)?);
        if one.response.related.contains(&other) {
            return Err(no(ResponseRefusal::RelatedAlready(id, other)));
        }
        if let Some(full) = [one, two].into_iter().find(|one| one.response.related.len() >= RELATED) {
            let refusal =
                ResponseRefusal::TooMany { incident: full.id, what: "related incidents", most: RELATED };
            return Err(no(refusal));
        }
        self.happened(ResponseEvent::Related { incident: id, other, by });
        self.refresh_incident(id);
        self.refresh_incident(other);
        Ok(())
    }

    fn set_impact(
        &mut self,
        id: IncidentId,
        started_at: Timestamp,
        ended_at: Option<Timestamp>,
        text: Prose,
        by: Actor,
    ) -> Result<(), Refusal> {
        self.known(id)?;
        let now = self.now.civil;
        let wrong = match ended_at {
            _ if started_at > now => Some(WrongTimes::StartsLater),
            _ if now.duration_since(started_at) > FURTHEST => Some(WrongTimes::TooLongAgo),
            Some(end) if end > now => Some(WrongTimes::EndsLater),
            Some(end) if end < started_at => Some(WrongTimes::EndsFirst),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(no(ResponseRefusal::Times(wrong)));
        }
        if text.as_str().trim().is_empty() {
            return Err(no(ResponseRefusal::NoWords));
        }
        self.happened(ResponseEvent::ImpactSet { incident: id, started_at, ended_at, text, by });
        self.refresh_incident(id);
        Ok(())
    }

    /// The lead goes to somebody who is told how it stands. Nothing is acknowledged by that, and pages go on.
    fn hand_over(&mut self, id: IncidentId, to: PersonId, by: Actor) -> Result<(), Refusal> {
        let incident = self.running(id)?;
        self.person(&to)?;
        if incident.commander() == Some(&to) {
            return Err(Refusal::Unchanged { incident: id, value: Already::Commander(to) });
        }
        let role = IncidentRole::Commander;
        self.emit(Event::RoleAssigned { incident: id, role, to: Some(to.clone()), by: by.clone() });
        self.happened(ResponseEvent::HandedOver { incident: id, to: to.clone(), by: by.clone() });
        if by.person() != Some(&to) {
            self.tell(&to, Subject::Incident(id), Notice::HandedOver);
        }
        self.refresh_incident(id);
        Ok(())
    }
}

fn no(refusal: ResponseRefusal) -> Refusal {
    Refusal::Response(refusal)
}
