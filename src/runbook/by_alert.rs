//! Runbooks that run because of alerts: the rules say what is due, one task starts it in its turn. Never more than a few at
//! once, and never looks for itself what should start: that is in the journal, so that a crash loses nothing of it.

use std::sync::Arc;

use super::{
    Library,
    alone::NotStarted,
    executor::Executor,
    run::{LOOK, look, tell},
};
use crate::{
    command::Desk,
    domain::run::{RunBecause, RunDue, RunIntent},
    observe,
    text::runbook as words,
};

/// So many runs that nobody asked for are busy at once at most; a run that waits for people is not busy.
const AT_ONCE: usize = 8;

impl Executor {
    /// Starts what is due for groups, in its order, until the house ends; also what was due before it began.
    pub fn keep_watch(&self, desk: &Desk) {
        self.spawn(keep_watch(self.clone(), desk.clone()));
    }

    /// Starts it, or says why not: either way it is due no more. None: the house is ending.
    async fn start_due(&self, desk: &Desk, library: &Library, due: RunDue) -> Option<()> {
        let because = match due.answer {
            Some(budget) => RunBecause::Answer(due.group, budget),
            None => RunBecause::Alert(due.group),
        };
        let why = match library.get(&due.runbook) {
            Some(runbook) => match self.start_alone(desk, runbook, &due.line, because).await {
                Ok(()) => return Some(()),
                Err(NotStarted::Because(why)) => why,
                Err(NotStarted::Stopped) => return None,
            },
            None => words::NOT_THERE.to_owned(),
        };
        let held = RunIntent::HoldBack { group: due.group, runbook: due.runbook, why };
        tell(desk, observe::trace(), held).await.ok()?.ok().map(drop)
    }
}

async fn keep_watch(executor: Executor, desk: Desk) {
    let mut commits = executor.commits.clone();
    loop {
        commits.mark_unchanged();
        let due = look(&desk, |look| look.state.next_due_run(AT_ONCE).cloned()).await;
        match due {
            Ok(Some(due)) => {
                let library = Arc::clone(&executor.shelf.borrow());
                if executor.start_due(&desk, &library, due).await.is_none() {
                    return;
                }
            }
            Ok(None) => {
                if commits.changed().await.is_err() {
                    return;
                }
                // In a storm of events one look in a while is enough.
                tokio::time::sleep(LOOK).await;
            }
            Err(_) => return,
        }
    }
}
