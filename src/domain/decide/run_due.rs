//! Runbooks that nobody asked for: which of them start for a group, which do not and why, and which are offered for an
//! incident. Never starts one: that it is due is kept, and whoever runs runbooks takes it from there.

use std::collections::BTreeSet;

use super::{Decision, page::single};
use crate::domain::{
    config::{Trigger, TriggeredBy},
    delivery::Notice,
    event::{Actor, Event, Plan},
    group::Group,
    id::{AlertId, GroupId, IncidentId},
    page::{PageReason, Subject},
    run::{
        Budget, HeldBack, MOST_STARTS, RunDue, RunHeldBack, RunRefusal, RunStatus, RunsOffered,
        STARTS_WINDOW, WHAT_BYTES,
    },
};

impl Decision<'_> {
    /// People were told of a group, or an alert joined it afterwards: what starts by itself for it is due. Before that
    /// nothing is: the diagnostics belong to a card, and an alert that ends while it waits is nobody's business.
    pub(super) fn runs_due(&mut self, id: GroupId, joined: Option<AlertId>) {
        let config = self.config;
        for trigger in &config.triggers {
            let Some(group) = self.state.groups.get(&id) else { return };
            if !group.is_told() || group.hush.is_some() {
                return;
            }
            if group.due.contains(&trigger.runbook) || !self.is_meant(group, trigger, joined) {
                continue;
            }
            if self.started_lately(&trigger.runbook) < MOST_STARTS {
                self.emit(Event::RunDue(Box::new(RunDue {
                    group: id,
                    runbook: trigger.runbook.clone(),
                    line: trigger.line.clone(),
                    answer: trigger.answer.clone(),
                })));
            } else {
                let why = HeldBack::Storm { most: MOST_STARTS, window: STARTS_WINDOW };
                self.hold_back(id, &trigger.runbook, why, trigger.answer.as_ref());
            }
        }
    }

    /// Whether a runbook is for a group. Of an alert that joins, only that one is looked at.
    fn is_meant(&self, group: &Group, trigger: &Trigger, joined: Option<AlertId>) -> bool {
        match &trigger.by {
            TriggeredBy::Route(route) => group.route.as_ref() == Some(route),
            TriggeredBy::Alert(matchers) => {
                let meets = |id: &AlertId| {
                    let alert = self.state.alerts.get(id);
                    alert.is_some_and(|alert| {
                        let meant = matchers.iter().all(|one| one.matches(&alert.labels));
                        meant && !self.is_quieted(&alert.labels)
                    })
                };
                let any = joined.map_or_else(|| group.firing.iter().any(meets), |id| meets(&id));
                !matchers.is_empty() && any
            }
        }
    }

    fn started_lately(&self, runbook: &str) -> u32 {
        let starts = self.state.due_lately.get(runbook).into_iter().flat_map(|lately| &lately.starts);
        let lately = starts.filter(|at| self.now.engine.duration_since(**at) < STARTS_WINDOW);
        u32::try_from(lately.count()).unwrap_or(u32::MAX)
    }

    /// Somebody tried to start what is due and was refused.
    pub(super) fn refuse_due(
        &mut self,
        group: GroupId,
        runbook: &str,
        why: String,
    ) -> Result<(), RunRefusal> {
        if why.len() > WHAT_BYTES {
            return Err(RunRefusal::TooLarge("why a run does not start"));
        }
        let due = self.state.due_runs.iter().find(|due| due.group == group && due.runbook == runbook);
        if let Some(due) = due.cloned() {
            self.hold_back(group, runbook, HeldBack::Refused(why), due.answer.as_ref());
        }
        Ok(())
    }

    /// Said where the group is told, unless it is over. What was to answer it and cannot has not helped: people are
    /// paged as if it had failed.
    fn hold_back(&mut self, id: GroupId, runbook: &str, why: HeldBack, answer: Option<&Budget>) {
        let known = self.state.groups.get(&id).cloned();
        let runbook = runbook.to_owned();
        let enough = matches!(why, HeldBack::Storm { .. });
        let said = self.state.due_lately.get(&runbook).and_then(|lately| lately.enough);
        let said = said.is_some_and(|at| self.now.engine.duration_since(at) < STARTS_WINDOW);
        self.emit(Event::RunHeldBack(Box::new(RunHeldBack { group: id, runbook: runbook.clone(), why })));
        let Some(group) = known else { return };
        let subject = Subject::Group(id, group.incident);
        let place = u32::try_from(group.held_back.len()).unwrap_or(u32::MAX);
        for channel in self.channels_of(subject) {
            // That it is enough is said once, also in a storm; the timelines of the groups say it each.
            let quiet = if enough { said } else { self.storm_tells(&channel, subject) };
            if !quiet {
                self.notify(channel, subject, Notice::HeldBack(place));
            }
        }
        if let Some(budget) = answer {
            self.page_instead(budget, &group, PageReason::HeldBack(runbook));
        }
    }

    /// Pages for a group that no runbook has helped: whom the runbook names, or by the group's policy. Not when
    /// somebody has the group or it is mitigated, and not beside a page of the same policy.
    pub(super) fn page_instead(&mut self, budget: &Budget, group: &Group, reason: PageReason) {
        if group.acknowledged.is_some() || group.hush.is_some() || self.is_mitigated(group) {
            return;
        }
        let Some(plan) = self.plan_instead(budget, group) else { return };
        let same = |page| self.state.pages.get(page).is_some_and(|page| page.plan.policy == plan.policy);
        if group.pages.iter().chain(&group.covered_by).any(same) {
            return;
        }
        // In a storm whoever it names hears once that it does not answer, not for each group.
        let held_back =
            |page: &crate::domain::page::Page| page.plan.policy == plan.policy && page.reason == reason;
        if matches!(reason, PageReason::HeldBack(_)) && self.state.pages.values().any(|page| held_back(page))
        {
            return;
        }
        let subject = Subject::Group(group.id, group.incident);
        self.start_page(subject, plan, group.urgency, group.severity.clone(), reason, Actor::Watchbell);
    }

    fn plan_instead(&self, budget: &Budget, group: &Group) -> Option<Plan> {
        let named = budget.page.as_ref().and_then(|policy| self.config.plan(policy));
        named.or_else(|| budget.target.clone().map(single)).or_else(|| group.page.as_deref().cloned())
    }

    /// Of a group whose incident is not mitigated after all: runbooks that were to answer it and have not helped page again, or
    /// for the first time, if that turned out meanwhile.
    pub(super) fn page_not_answered(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id) else { return };
        for (budget, reason) in self.unanswered(group) {
            let Some(group) = self.state.groups.get(&id).cloned() else { return };
            let plan = self.plan_instead(&budget, &group);
            // The incident's own page is for the group, too.
            let paged = plan.zip(group.incident).is_some_and(|(plan, of)| self.pages_for(of, &plan));
            if !paged {
                self.page_instead(&budget, &group, reason);
            }
        }
    }

    /// The runbooks that were to answer a group and have not helped.
    pub(super) fn unanswered(&self, group: &Group) -> Vec<(Budget, PageReason)> {
        let mut unanswered: Vec<(Budget, PageReason)> = Vec::new();
        for run in group.runs.values().filter_map(|id| self.state.run(*id)) {
            // One that waits for people may wait for ever.
            let helpless = run.helped == Some(false) || run.status == RunStatus::Waiting;
            let budget = run.plan.because.budget().filter(|_| helpless);
            unanswered.extend(budget.map(|budget| (budget.clone(), PageReason::NotHelped(run.id))));
        }
        for (runbook, _) in &group.held_back {
            let trigger = self.config.triggers.iter().find(|trigger| trigger.runbook == *runbook);
            let budget = trigger.and_then(|trigger| trigger.answer.clone());
            unanswered.extend(budget.map(|budget| (budget, PageReason::HeldBack(runbook.clone()))));
        }
        unanswered
    }

    /// Incidents that opened just now, or were raised, offer the runbooks of their severity, each once.
    pub(super) fn offer_runbooks(&mut self) {
        let config = self.config;
        if config.offers.is_empty() {
            return;
        }
        let worse = |event: &Event| match event {
            Event::IncidentOpened(opened) => Some(opened.incident),
            // Ids sort the worst first.
            Event::SeverityChanged { incident, from, to, .. } if to < from => Some(*incident),
            _ => None,
        };
        let incidents: BTreeSet<IncidentId> = self.events.iter().filter_map(worse).collect();
        for id in incidents {
            let Some(incident) = self.state.incidents.get(&id).filter(|one| one.is_open()) else { continue };
            let all = config.offers.get(&incident.severity).into_iter().flatten();
            let known = |runbook: &str| incident.offered.iter().any(|one| one.runbook == runbook);
            let runbooks: Vec<_> = all.filter(|offer| !known(&offer.runbook)).cloned().collect();
            if !runbooks.is_empty() {
                let severity = incident.severity.clone();
                self.emit(Event::RunsOffered(Box::new(RunsOffered { incident: id, severity, runbooks })));
            }
        }
    }
}
