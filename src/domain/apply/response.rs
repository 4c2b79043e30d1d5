//! Tasks, links, the impact and merged incidents: what their events make of the state. Never decides whose page goes on;
//! that comes with the events.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::change::rearm;
use crate::domain::{
    id::{GroupId, IncidentId, TaskId},
    incident::{Incident, IncidentRole, IncidentStatus},
    page::Subject,
    response::{Impact, Merged, ResponseEvent, Task, TaskAdded, TaskChange, TaskState, WebLink},
    state::{Stamp, State, Timer},
};

impl State {
    pub(super) fn response_changed(&mut self, event: &ResponseEvent, stamp: &Stamp) {
        match event {
            ResponseEvent::TaskAdded(added) => self.task_added(added, stamp),
            ResponseEvent::TaskChanged { task, change, by, .. } => {
                self.change_task(*task, |task| match change {
                    TaskChange::Done => task.state = TaskState::Done(by.clone(), stamp.at),
                    TaskChange::Dropped => task.state = TaskState::Dropped(by.clone(), stamp.at),
                    TaskChange::Reopened => {
                        task.state = TaskState::Open;
                        task.due_from_now(task.due, stamp.clock);
                    }
                    TaskChange::Owner(owner) => task.owner.clone_from(owner),
                    TaskChange::Due(due) => task.due_from_now(*due, stamp.clock),
                });
            }
            ResponseEvent::TaskReminded { task, next_at, .. } => self.change_task(*task, |task| {
                task.reminded += 1;
                task.remind_at = *next_at;
            }),
            ResponseEvent::Linked { incident, url, title, by } => {
                let link = WebLink { url: url.clone(), title: title.clone(), by: by.clone(), at: stamp.at };
                self.change_incident(*incident, |incident| incident.response.links.push(link));
            }
            ResponseEvent::Related { incident, other, .. } => {
                for (one, other) in [(*incident, *other), (*other, *incident)] {
                    self.change_incident(one, |incident| {
                        incident.response.related.insert(other);
                    });
                }
            }
            ResponseEvent::ImpactSet { incident, started_at, ended_at, text, by } => {
                let (started_at, ended_at) = (*started_at, *ended_at);
                let impact = Impact { started_at, ended_at, text: text.clone(), by: by.clone() };
                self.change_incident(*incident, |incident| incident.response.impact = Some(impact));
            }
            ResponseEvent::Merged(merged) => self.merged(merged, stamp),
            // The role has an event of its own.
            ResponseEvent::HandedOver { .. } => {}
            ResponseEvent::Covered { group, page, .. } => {
                self.change_group(*group, |group| group.covered_by = Some(*page));
            }
            ResponseEvent::RoomLeft { incident, channel } => self.change_incident(*incident, |incident| {
                let left = incident.rooms.iter_mut().filter(|room| room.channel == *channel);
                left.for_each(|room| room.closed = true);
            }),
            ResponseEvent::FiredAnew { group, incident } => self.group_fired_anew(*group, *incident),
        }
    }

    fn task_added(&mut self, added: &TaskAdded, stamp: &Stamp) {
        let task = Task {
            id: added.task,
            incident: added.incident,
            text: added.text.clone(),
            owner: added.owner.clone(),
            due: added.due,
            state: TaskState::Open,
            by: added.by.clone(),
            at: stamp.at,
            reminded: 0,
            remind_at: added.due,
        };
        self.next.task = self.next.task.max(task.id.next());
        rearm(&mut self.timers, &[], &[task_timer(&task)]);
        self.change_incident(added.incident, |incident| {
            incident.response.tasks.insert(task.id);
        });
        self.tasks.insert(task.id, Arc::new(task));
    }

    fn change_task(&mut self, id: TaskId, change: impl FnOnce(&mut Task)) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        let task = Arc::make_mut(task);
        let before = task_timer(task);
        change(task);
        let after = task_timer(task);
        rearm(&mut self.timers, &[before], &[after]);
    }

    /// What belongs to one incident belongs to the other; what it was stays with it, to be read.
    fn merged(&mut self, merged: &Merged, stamp: &Stamp) {
        let Some(from) = self.incidents.get(&merged.incident).map(|one| Incident::clone(one)) else { return };
        if !self.incidents.contains_key(&merged.into) || merged.incident == merged.into {
            return;
        }
        let (id, into) = (merged.incident, merged.into);
        self.change_incident(id, |incident| {
            incident.status = IncidentStatus::Resolved;
            incident.resolved_at = Some(stamp.at);
            incident.held = None;
            incident.update_due = None;
            incident.acknowledge_due = None;
            incident.pages.clear();
            incident.response.tasks.clear();
            incident.response.open_groups.clear();
            incident.response.merged_into = Some(into);
            incident.response.merged_by = Some((merged.by.clone(), stamp.at));
            for room in &mut incident.rooms {
                room.close_at = Some(stamp.clock + room.close_after);
            }
        });
        for task in &from.response.tasks {
            self.change_task(*task, |task| task.incident = into);
        }
        // One that fired anew after it was resolved belongs to another one.
        let incident_of = |group: &GroupId| {
            let open = self.groups.get(group).map(|group| group.incident);
            open.or_else(|| self.closed_groups.get(group).map(|group| group.incident)).flatten()
        };
        let groups: BTreeSet<GroupId> =
            from.groups.iter().copied().filter(|group| incident_of(group) == Some(id)).collect();
        for group in &groups {
            self.move_group(*group, into);
        }
        self.move_pages(id, into, &groups);
        for other in &from.response.related {
            self.change_incident(*other, |other| {
                other.response.related.remove(&id);
                if other.id != into {
                    other.response.related.insert(into);
                }
            });
        }
        self.change_incident(into, |incident| take_over(incident, from));
        self.storms_of_incident_changed(into);
    }

    fn move_group(&mut self, group: GroupId, into: IncidentId) {
        self.change_group(group, |group| group.incident = Some(into));
        if let Some(closed) = self.closed_groups.get_mut(&group) {
            closed.incident = Some(into);
        }
        self.card_changed(group);
    }

    /// Pages and their messages are about the other incident from here on. Cards and rooms stay: they say where to go.
    fn move_pages(&mut self, id: IncidentId, into: IncidentId, groups: &BTreeSet<GroupId>) {
        let moved = |subject: Subject| match subject {
            Subject::Incident(of) if of == id => Subject::Incident(into),
            Subject::Group(group, Some(_)) if groups.contains(&group) => Subject::Group(group, Some(into)),
            other => other,
        };
        for page in self.pages.values_mut() {
            let subject = moved(page.subject);
            if subject != page.subject {
                Arc::make_mut(page).subject = subject;
            }
        }
        for delivery in
            self.deliveries.values_mut().filter(|one| one.page.is_some() || one.subject.group().is_some())
        {
            let subject = moved(delivery.subject);
            if subject != delivery.subject {
                Arc::make_mut(delivery).subject = subject;
            }
        }
        // Another team's pager hears of the end of what goes on under the other name.
        let known = std::mem::take(&mut self.elsewhere);
        self.elsewhere = known
            .into_iter()
            .map(|((subject, page), mut all)| {
                for held in &mut all {
                    held.subject = moved(held.subject);
                }
                ((moved(subject), page), all)
            })
            .collect();
    }
}

/// An incident takes over what another had. Whoever has a role here keeps it; whoever had one there has it here when it
/// is free, and is a responder otherwise.
fn take_over(incident: &mut Incident, from: Incident) {
    for (role, people) in from.roles {
        let taken = incident.roles.get(&role).is_some_and(|holders| !holders.is_empty());
        if role == IncidentRole::Responder || !taken {
            incident.roles.entry(role).or_default().extend(people);
        } else {
            let known: BTreeSet<_> = incident.roles.values().flatten().cloned().collect();
            let others = people.into_iter().filter(|person| !known.contains(person));
            incident.roles.entry(IncidentRole::Responder).or_default().extend(others);
        }
    }
    incident.roles.retain(|_, holders| !holders.is_empty());
    incident.groups.extend(from.groups);
    incident.pages.extend(from.pages);
    incident.paged.extend(from.paged);
    let named: BTreeSet<String> = incident.guides.iter().map(|guide| guide.runbook.clone()).collect();
    let others = from.guides.into_iter().filter(|guide| !named.contains(&guide.runbook));
    // Where people stand here is last.
    incident.guides.splice(0..0, others);
    let more = incident.guides.len().saturating_sub(crate::domain::guide::GUIDES);
    incident.guides.drain(..more);
    let (own, other) = (&mut incident.response, from.response);
    own.tasks.extend(other.tasks);
    own.open_groups.extend(other.open_groups);
    own.paged_for_groups.extend(other.paged_for_groups);
    let news = other
        .links
        .into_iter()
        .filter(|link| !own.links.iter().any(|one| one.url.as_str() == link.url.as_str()));
    let news: Vec<WebLink> = news.collect();
    own.links.extend(news);
    own.links.sort_by_key(|link| link.at);
    own.related.extend(other.related);
    own.related.retain(|related| *related != incident.id && *related != from.id);
    own.merged.insert(from.id);
    own.merged.extend(other.merged);
    own.joined += other.joined;
    for (channel, at) in other.told_again_in {
        own.told_again_in.entry(channel).and_modify(|own| *own = at.max(*own)).or_insert(at);
    }
    own.impact = own.impact.take().or(other.impact);
    own.update = own.update.take().or(other.update);
}

impl Task {
    /// It is due then, and somebody is reminded then; of what is over already, they were.
    fn due_from_now(&mut self, due: Option<Timestamp>, clock: Timestamp) {
        self.due = due;
        self.reminded = 0;
        self.remind_at = due.map(|due| due.max(clock));
    }
}

fn task_timer(task: &Task) -> super::change::Armed {
    task.remind_at.filter(|_| task.is_open()).map(|at| (at, Timer::TaskDue(task.id)))
}
