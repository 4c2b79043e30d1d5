//! What the outside knows of incidents that people opened, and that are not mitigated after all: while nobody has one somebody
//! is paged for it, and once. Knows events alone, never the rules that made them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use watchbell::domain::{
    event::{Actor, Event, Record},
    id::{GroupId, IncidentId, PageId, SeverityId},
    incident::{Incident, IncidentStatus},
    page::{PageReason, Subject},
    quiet::QuietEvent,
    response::ResponseEvent,
};

use super::{dice::Dice, hush::Hushes, news::News, play::Sabotage};
use crate::world::World;

struct Known {
    severity: SeverityId,
    status: IncidentStatus,
    /// The group for which somebody opened it.
    group: Option<GroupId>,
}

#[derive(Default)]
pub struct GoesOn {
    /// What people opened, and nobody has.
    by_hand: BTreeMap<IncidentId, Known>,
    /// Pages that run.
    pages: BTreeMap<PageId, Subject>,
    snoozed: BTreeSet<GroupId>,
    /// Groups that somebody has for good.
    taken: BTreeSet<GroupId>,
    /// Those of them that go on, and nobody was paged for them since.
    owed: BTreeSet<IncidentId>,
}

impl GoesOn {
    /// Takes a record in; complains about a page beside another one.
    pub fn read(&mut self, record: &Record, news: &News, hushes: &Hushes) {
        let at = record.engine_time();
        match &record.event {
            Event::IncidentOpened(opened) if opened.by != Actor::Watchbell => {
                let (severity, status) = (opened.severity.clone(), IncidentStatus::Investigating);
                self.by_hand.insert(opened.incident, Known { severity, status, group: opened.group });
            }
            Event::SeverityChanged { incident, to, .. } => {
                self.by_hand.entry(*incident).and_modify(|known| known.severity = to.clone());
            }
            Event::IncidentAcknowledged { incident, .. } => self.is_over(*incident),
            Event::IncidentResolved { incident, .. } => self.is_over(*incident),
            Event::StatusChanged { incident, status, .. } => {
                self.becomes(*incident, *status, news, |group| hushes.keep(group, at));
            }
            Event::PageStarted(started) => {
                if let (Subject::Incident(id), PageReason::NotMitigated) = (started.subject, &started.reason)
                {
                    assert!(
                        !self.is_paged(id, news),
                        "{} pages beside another one: {started:?}",
                        started.page
                    );
                }
                self.owed.retain(|id| !is_for(started.subject, *id, news));
                self.pages.insert(started.page, started.subject);
            }
            Event::PageStopped { page, .. } | Event::PageUnanswered { page, .. } => {
                self.pages.remove(page);
            }
            Event::GroupAcknowledged { group, .. } => {
                self.snoozed.remove(group);
                self.taken.insert(*group);
            }
            Event::GroupRaised { group, .. } | Event::GroupClosed { group } => {
                self.snoozed.remove(group);
                self.taken.remove(group);
            }
            Event::Quiet(quiet) => match &**quiet {
                QuietEvent::Snoozed(snoozed) => {
                    self.snoozed.insert(snoozed.group);
                    self.taken.remove(&snoozed.group);
                }
                QuietEvent::SnoozeOver { group } => {
                    self.snoozed.remove(group);
                }
                _ => {}
            },
            Event::Response(response) => {
                let ResponseEvent::Merged(merged) = &**response else { return };
                self.is_over(merged.incident);
                for subject in self.pages.values_mut().filter(|one| one.incident() == Some(merged.incident)) {
                    *subject = match *subject {
                        Subject::Group(group, _) => Subject::Group(group, Some(merged.into)),
                        _ => Subject::Incident(merged.into),
                    };
                }
            }
            _ => {}
        }
    }

    fn is_over(&mut self, incident: IncidentId) {
        self.by_hand.remove(&incident);
        self.owed.remove(&incident);
    }

    fn becomes(
        &mut self,
        id: IncidentId,
        status: IncidentStatus,
        news: &News,
        quiet: impl Fn(GroupId) -> bool,
    ) {
        let paged = self.is_paged(id, news);
        let Some(known) = self.by_hand.get_mut(&id) else { return };
        let before = std::mem::replace(&mut known.status, status);
        if status == IncidentStatus::Mitigated {
            self.owed.remove(&id);
        } else if before == IncidentStatus::Mitigated && !paged {
            // The other severities page nobody. What was opened for a group waits while one of its groups is quiet, and whoever
            // snoozed it has it for now: that pages when it is heard.
            let pages = matches!(known.severity.as_str(), "P0" | "P1");
            let (snoozed, taken) = (&self.snoozed, &self.taken);
            let waits =
                |group: GroupId| snoozed.contains(&group) || (quiet(group) && !taken.contains(&group));
            if pages && (known.group.is_none() || !news.groups_of(id).any(waits)) {
                self.owed.insert(id);
            }
        }
    }

    fn is_paged(&self, id: IncidentId, news: &News) -> bool {
        self.pages.values().any(|subject| is_for(*subject, id, news))
    }

    /// What must be true between any two steps.
    pub fn look(&self) {
        let forgotten = self.owed.first();
        assert!(forgotten.is_none(), "promise 2: {forgotten:?} goes on, nobody has it, and nobody is paged");
    }
}

fn is_for(subject: Subject, id: IncidentId, news: &News) -> bool {
    subject.incident() == Some(id) || news.groups_of(id).any(|group| subject.group() == Some(group))
}

/// Often whoever says how it stands speaks of what is mitigated.
pub fn mitigated(world: &World, dice: &mut Dice) -> Option<IncidentId> {
    let open = world.state().incidents.values();
    let mitigated = open.filter(|one| one.status == IncidentStatus::Mitigated).map(|one| one.id);
    let all: Vec<IncidentId> = mitigated.collect();
    (!all.is_empty() && dice.chance(50)).then(|| all[dice.below(all.len())])
}

/// A broken memory: whatever somebody opened and said to be mitigated counts as taken.
pub fn forget_mitigated(world: &mut World, sabotage: Sabotage) {
    if sabotage == Sabotage::ForgetMitigated {
        world.break_state(|state| {
            let forgets = |one: &&mut Arc<Incident>| {
                one.status == IncidentStatus::Mitigated && one.opened_by != Actor::Watchbell
            };
            for incident in state.incidents.values_mut().filter(forgets) {
                let at = incident.opened_at;
                Arc::make_mut(incident).acknowledged.get_or_insert((Actor::Operator, at));
            }
        });
    }
}
