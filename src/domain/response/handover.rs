//! How an incident stands, for whoever takes it over: gathered from the state, bounded, and the same in the answer of the
//! command and in the message to whoever leads from now on. Never words.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Task, Update};
use crate::domain::{
    event::Actor,
    guide::Guide,
    id::{IncidentId, PageId, PersonId, RunId, SeverityId},
    incident::{IncidentRole, IncidentStatus},
    page::{PageTarget, Subject},
    state::State,
};

/// How an incident stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandoverFacts {
    /// Its id.
    pub id: IncidentId,
    /// What it is called.
    pub title: String,
    /// How bad.
    pub severity: SeverityId,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// Since when (civil time).
    pub opened_at: Timestamp,
    /// Who took it, and when (civil time).
    pub acknowledged: Option<(Actor, Timestamp)>,
    /// What people were told last.
    pub update: Option<Update>,
    /// Who has which role.
    pub roles: Vec<(IncidentRole, Vec<PersonId>)>,
    /// Tasks that are open, those that are due first before the others: at most [`HandoverFacts::MOST`].
    pub tasks: Vec<Task>,
    /// How many are open.
    pub open_tasks: usize,
    /// Runs, the last one first: id, what it is called, and whether it goes on.
    pub runs: Vec<(RunId, String, bool)>,
    /// Guides that people went through, the last one first.
    pub guides: Vec<Guide>,
    /// Pages that run, and whom they page next: at most [`HandoverFacts::MOST`].
    pub pages: Vec<PageRuns>,
    /// Links, the newest first: address and title.
    pub links: Vec<(String, Option<String>)>,
    /// How many groups fire, of how many.
    pub groups: (usize, usize),
    /// When something is due next (civil time), and what.
    pub next: Option<(Timestamp, NextDue)>,
}

/// A page that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRuns {
    /// Its id.
    pub id: PageId,
    /// What it is for.
    pub subject: Subject,
    /// Whom its next step means.
    pub next: Vec<PageTarget>,
    /// When that is due (civil time).
    pub at: Timestamp,
}

/// What is due next for an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextDue {
    /// Somebody should have taken it.
    Acknowledge,
    /// A status update.
    Update,
    /// Further people are paged when it is not resolved.
    Unresolved,
}

impl HandoverFacts {
    /// How many of each are named; the others are counted or left to the incident's own card.
    pub const MOST: usize = 5;
}

impl State {
    /// How an incident stands. `ahead` is civil time minus engine time.
    #[must_use]
    pub fn handover(&self, id: IncidentId, ahead: jiff::SignedDuration) -> Option<HandoverFacts> {
        let incident = self.incidents.get(&id)?;
        let civil = |at: Timestamp| at.checked_add(ahead).unwrap_or(at);
        let (tasks, open_tasks) = self.next_tasks(incident, HandoverFacts::MOST);
        let in_civil = |task: Task| Task { due: task.due.map(civil), ..task };
        let unresolved = incident.expect.unresolved.get(incident.unresolved_paged);
        let unresolved = unresolved.filter(|_| incident.status != IncidentStatus::Mitigated);
        let unresolved = unresolved.and_then(|rule| {
            Some((incident.severe_since.checked_add(rule.after).ok()?, NextDue::Unresolved))
        });
        let acknowledge = incident.acknowledge_due.map(|at| (at, NextDue::Acknowledge));
        let update = incident.update_due.map(|at| (at, NextDue::Update));
        let dues = [acknowledge, update, unresolved].into_iter().flatten();
        let dues = dues.filter(|_| incident.is_open() && incident.held.is_none());
        let pages = self.pages.values().filter(|page| page.subject.incident() == Some(id));
        Some(HandoverFacts {
            id,
            title: incident.title.to_string(),
            severity: incident.severity.clone(),
            status: incident.status,
            opened_at: incident.opened_at,
            acknowledged: incident.acknowledged.clone(),
            update: incident.response.update.clone(),
            roles: incident.roles.iter().map(|(role, who)| (*role, who.iter().cloned().collect())).collect(),
            tasks: tasks.into_iter().map(in_civil).collect(),
            open_tasks,
            runs: self
                .runs_of_incident(id)
                .take(HandoverFacts::MOST)
                .map(|run| (run.id, run.plan.title.clone(), run.ended_at.is_none()))
                .collect(),
            guides: incident.guides.iter().rev().take(3).cloned().collect(),
            pages: pages
                .take(HandoverFacts::MOST)
                .map(|page| PageRuns {
                    id: page.id,
                    subject: page.subject,
                    next: page.next_step().map(|(_, _, step)| step.page.clone()).unwrap_or_default(),
                    at: civil(page.next_at),
                })
                .collect(),
            links: incident
                .response
                .links
                .iter()
                .rev()
                .take(HandoverFacts::MOST)
                .map(|link| (link.url.to_string(), link.title.as_ref().map(ToString::to_string)))
                .collect(),
            groups: (incident.response.open_groups.len(), incident.groups.len()),
            next: dues.min_by_key(|(at, _)| *at).map(|(at, what)| (civil(at), what)),
        })
    }
}
