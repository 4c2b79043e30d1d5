//! Runbooks that run at their times, under their own identity. One task sleeps until the next instant is due. Never
//! makes up for what was missed while Watchbell was down: that is written down instead.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    Library, Runbook,
    alone::NotStarted,
    executor::Executor,
    run::{look, tell},
};
use crate::{
    command::Desk,
    domain::run::{RunBecause, RunIntent, RunMissed},
    observe,
    text::runbook as words,
};

/// It is looked at the clock that often at least: somebody may have set it.
const LOOK: Duration = Duration::from_mins(1);
/// Missed instants are counted up to here.
const MOST_MISSED: u32 = 10_000;

impl Executor {
    /// Runs what is due at its times, until the house ends. `last` is when the journal was last written before this
    /// start, if ever: what was due since then was missed.
    pub fn keep_time(&self, desk: &Desk, last: Option<Timestamp>) {
        self.spawn(keep_time(self.clone(), desk.clone(), self.shelf.subscribe(), last));
    }

    /// Starts a runbook because its time has come.
    async fn start_at(&self, desk: &Desk, runbook: &Arc<Runbook>, due: Timestamp) {
        let because = RunBecause::Schedule { due };
        if let Err(NotStarted::Because(why)) =
            self.start_alone(desk, runbook, &runbook.command(), because).await
        {
            let missed = RunMissed { runbook: runbook.command(), due, times: 1, why };
            drop(tell(desk, observe::trace(), RunIntent::Missed(missed)).await);
        }
    }
}

fn timed(library: &Library) -> Vec<Arc<Runbook>> {
    library.runbooks().filter(|runbook| runbook.by_itself.schedule.is_some()).cloned().collect()
}

async fn keep_time(
    executor: Executor,
    desk: Desk,
    mut shelf: watch::Receiver<Arc<Library>>,
    last: Option<Timestamp>,
) {
    let mut runbooks = timed(&shelf.borrow_and_update());
    let Ok(mut seen) = look(&desk, |look| look.now.civil).await else { return };
    for runbook in &runbooks {
        let Some((due, times)) = last.and_then(|last| missed(runbook, last, seen)) else { continue };
        let missed = RunMissed { runbook: runbook.command(), due, times, why: words::WAS_AWAY.to_owned() };
        drop(tell(&desk, observe::trace(), RunIntent::Missed(missed)).await);
    }
    loop {
        let next = runbooks.iter().filter_map(|runbook| due(runbook, seen)).min();
        let pause = next.map(|next| Duration::try_from(next.duration_since(seen)).unwrap_or_default());
        let others = tokio::select! {
            () = until(pause) => false,
            changed = shelf.changed() => {
                if changed.is_err() {
                    return;
                }
                true
            }
        };
        let Ok(now) = look(&desk, |look| look.now.civil).await else { return };
        for runbook in &runbooks {
            if let Some(due) = due(runbook, seen).filter(|due| *due <= now) {
                executor.start_at(&desk, runbook, due).await;
            }
        }
        // Set back: what was done at these times is not done again.
        seen = seen.max(now);
        if others {
            // Their first time is one that comes after they came.
            runbooks = timed(&shelf.borrow_and_update());
        }
    }
}

/// So long, but no longer than until the clock is looked at again; without anything due for ever.
async fn until(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause.min(LOOK)).await,
        None => std::future::pending().await,
    }
}

fn due(runbook: &Runbook, after: Timestamp) -> Option<Timestamp> {
    runbook.by_itself.schedule.as_ref()?.next(after)
}

/// The last instant that was missed, and how many there were.
fn missed(runbook: &Runbook, last: Timestamp, now: Timestamp) -> Option<(Timestamp, u32)> {
    let mut found: Option<(Timestamp, u32)> = None;
    let mut at = last;
    while let Some(next) = due(runbook, at).filter(|next| *next <= now) {
        let times = found.map_or(0, |(_, times)| times);
        if times >= MOST_MISSED {
            break;
        }
        found = Some((next, times + 1));
        at = next;
    }
    found
}
