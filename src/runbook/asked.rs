//! What a run asks the engine, and what it tells it: patiently, because a run is in no hurry. Never gives up while the
//! engine is only busy.

use tokio::sync::watch;

use super::run::{LOOK, Over};
use crate::{
    command::Desk,
    domain::{
        event::TraceId,
        id::{RunId, Seq},
        intent::{Intent, Refusal},
        run::{RunIntent, RunRefusal},
    },
    engine::{Accepted, Look, Rejected},
};

/// Tells the engine something about a run; when it is busy, again in a moment.
pub(super) async fn tell(
    desk: &Desk,
    trace: TraceId,
    what: RunIntent,
) -> Result<Result<Accepted, RunRefusal>, Over> {
    loop {
        match desk.engine.submit(trace, Intent::Run(what.clone())).await {
            Ok(accepted) => return Ok(Ok(accepted)),
            Err(Rejected::Refused(Refusal::Run(no))) => return Ok(Err(no)),
            Err(Rejected::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
            Err(Rejected::Refused(_) | Rejected::Stopped) => return Err(Over),
        }
    }
}

/// Looks at the engine's state; when it is busy, again in a moment.
pub(super) async fn look<T, F>(desk: &Desk, see: F) -> Result<T, Over>
where
    T: Send + 'static,
    F: FnOnce(&Look<'_>) -> T + Clone + Send + 'static,
{
    loop {
        match desk.engine.read(see.clone()).await {
            Ok(seen) => return Ok(seen),
            Err(Rejected::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
            Err(Rejected::Refused(_) | Rejected::Stopped) => return Err(Over),
        }
    }
}

/// Ends when the run is being stopped.
pub(super) async fn watch_for_stop(desk: &Desk, id: RunId, mut commits: watch::Receiver<Seq>) {
    loop {
        commits.mark_unchanged();
        let stopping =
            desk.engine.read(move |look| look.state.run(id).is_none_or(|run| run.is_stopping())).await;
        if stopping.unwrap_or(false) {
            return;
        }
        if commits.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(LOOK).await;
    }
}
