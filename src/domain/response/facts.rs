//! What a message says of tasks, the impact and merged incidents. Bounded, and never words.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{HandoverFacts, Impact, Task};
use crate::domain::{
    delivery::{Delivery, Notice},
    id::{IncidentId, TaskId},
    incident::Incident,
    state::State,
};

/// What is known of an incident beside where it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseFacts {
    /// Tasks that are open, those that are due first before the others: at most [`ResponseFacts::MOST`].
    pub tasks: Vec<Task>,
    /// How many are open.
    pub open_tasks: usize,
    /// The task that the message is about.
    pub task: Option<Task>,
    /// What is known of the impact.
    pub impact: Option<Impact>,
    /// Where the response goes on.
    pub merged_into: Option<IncidentId>,
    /// What was merged into it.
    pub merged: Vec<IncidentId>,
    /// How many of its groups are open, how many it has had, and how many alerts fire.
    pub groups: Option<(usize, usize, usize)>,
    /// How it stands, for whoever takes it over.
    pub handover: Option<Box<HandoverFacts>>,
}

impl ResponseFacts {
    /// How many tasks and merged incidents are named; the others are counted.
    pub const MOST: usize = 5;

    /// The same with instants of engine time as civil time; `ahead` is civil time minus engine time.
    pub fn in_civil_time(&mut self, ahead: SignedDuration) {
        for task in self.tasks.iter_mut().chain(&mut self.task) {
            task.due = task.due.and_then(|due| due.checked_add(ahead).ok());
        }
    }
}

impl State {
    /// What a message says of an incident beside where it stands.
    pub(in crate::domain) fn response_facts(&self, incident: &Incident) -> ResponseFacts {
        let (tasks, open_tasks) = self.next_tasks(incident, ResponseFacts::MOST);
        let of = &incident.response;
        ResponseFacts {
            tasks,
            open_tasks,
            task: None,
            impact: of.impact.clone(),
            merged_into: of.merged_into.map(|_| self.goes_on_in(incident.id)),
            merged: of.merged.iter().take(ResponseFacts::MOST).copied().collect(),
            groups: None,
            handover: None,
        }
    }

    /// Open tasks of an incident, those that are due first before the others, and how many there are.
    #[must_use]
    pub fn next_tasks(&self, incident: &Incident, most: usize) -> (Vec<Task>, usize) {
        let all = incident.response.tasks.iter().filter_map(|id| self.tasks.get(id));
        let mut open: Vec<&Task> = all.map(AsRef::as_ref).filter(|task| task.is_open()).collect();
        open.sort_by_key(|task| (task.due.is_none(), task.due, task.id));
        (open.iter().take(most).map(|task| Task::clone(task)).collect(), open.len())
    }

    /// How many groups of an incident are open, how many it has had, and how many alerts fire; none: it is one group's.
    #[must_use]
    pub fn groups_of(&self, incident: &Incident) -> Option<(usize, usize, usize)> {
        let (open, all) = (incident.response.open_groups.len(), incident.groups.len());
        (all > 1).then(|| (open, all, self.firing_in(incident)))
    }

    fn task_of(&self, id: TaskId) -> Option<Task> {
        self.tasks.get(&id).map(|task| Task::clone(task))
    }

    /// What the notice itself is about.
    pub(in crate::domain) fn noticed(
        &self,
        facts: &mut ResponseFacts,
        incident: IncidentId,
        delivery: &Delivery,
    ) {
        match delivery.notice {
            Some(Notice::TaskGiven(task) | Notice::TaskDue(task)) => facts.task = self.task_of(task),
            Some(Notice::HandedOver) => {
                facts.handover = self.handover(incident, SignedDuration::ZERO).map(Box::new);
            }
            _ => {}
        }
    }
}
