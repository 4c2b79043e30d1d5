//! Runbooks that nobody asked for: what is due, what does not start, what is offered. Never looks whether one may.

use jiff::Timestamp;

use crate::domain::{
    event::Event,
    id::GroupId,
    run::{DueLately, HeldBack, RunDue, STARTS_WINDOW},
    state::State,
};

impl State {
    pub(super) fn by_themselves(&mut self, event: &Event) {
        match event {
            Event::RunDue(due) => {
                self.change_group(due.group, |group| {
                    group.due.insert(due.runbook.clone());
                });
                let clock = self.clock;
                self.due_lately(&due.runbook).starts.push_back(clock);
                self.due_runs.push_back(RunDue::clone(due));
            }
            Event::RunHeldBack(held) => {
                self.change_group(held.group, |group| {
                    group.due.insert(held.runbook.clone());
                    group.held_back.push((held.runbook.clone(), held.why.clone()));
                });
                if matches!(held.why, HeldBack::Storm { .. }) {
                    let clock = self.clock;
                    self.due_lately(&held.runbook).enough.get_or_insert(clock);
                }
                self.not_due(held.group, &held.runbook);
            }
            Event::RunsOffered(offered) => self.change_incident(offered.incident, |incident| {
                incident.offered.extend(offered.runbooks.iter().cloned());
            }),
            _ => {}
        }
    }

    /// Only what counts is kept, so it stays small.
    fn due_lately(&mut self, runbook: &str) -> &mut DueLately {
        let clock = self.clock;
        let counts = |at: &Timestamp| clock.duration_since(*at) < STARTS_WINDOW;
        self.due_lately.retain(|_, lately| {
            lately.starts.retain(counts);
            lately.enough = lately.enough.filter(counts);
            !lately.starts.is_empty()
        });
        self.due_lately.entry(runbook.to_owned()).or_default()
    }

    /// It has started, or never will.
    pub(super) fn not_due(&mut self, group: GroupId, runbook: &str) {
        self.due_runs.retain(|due| due.group != group || due.runbook != runbook);
    }

    /// What is to start for a group now; none while so many runs that nobody asked for are busy.
    #[must_use]
    pub fn next_due_run(&self, most: usize) -> Option<&RunDue> {
        let due = self.due_runs.front()?;
        let busy = self.runs.values().filter(|run| run.plan.because.group().is_some() && run.is_busy());
        (busy.count() < most).then_some(due)
    }
}
