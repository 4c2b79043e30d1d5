//! The engine's mailbox: a bounded queue in front of one thread. Never lets a caller wait in memory: when the
//! queue is full the caller is told to come back.

use std::{
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{Accepted, Look, Rejected};
use crate::domain::{config::Config, event::TraceId, intent::Intent};

/// One thing in the mailbox.
pub(super) enum Mail {
    /// Somebody wants something.
    Intent { trace: TraceId, intent: Intent, answer: oneshot::Sender<Result<Accepted, Rejected>> },
    /// Somebody looks something up; called on the engine's thread, answered after the sync.
    Read(Box<dyn FnOnce(&Look<'_>) -> Box<dyn FnOnce() + Send> + Send>),
    /// Another configuration comes into force.
    Configure { config: Arc<Config>, answer: oneshot::Sender<Result<Accepted, Rejected>> },
    /// Finish what is waiting, then end.
    Stop,
}

/// The engine, as everybody else sees it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) queue: SyncSender<Mail>,
}

impl Engine {
    /// Hands an intent to the engine and waits until what follows from it is durable.
    ///
    /// # Errors
    /// [`Rejected`]: refused by the rules, queue full, or stopped.
    pub async fn submit(&self, trace: TraceId, intent: Intent) -> Result<Accepted, Rejected> {
        let (answer, answered) = oneshot::channel();
        self.post(Mail::Intent { trace, intent, answer })?;
        answered.await.unwrap_or(Err(Rejected::Stopped))
    }

    /// Looks something up. The answer waits for the sync of everything decided before it, so that nobody sees
    /// what could still be lost. `look` runs on the engine's thread: keep it short.
    ///
    /// # Errors
    /// When the queue is full or the engine has stopped.
    pub async fn read<T, F>(&self, look: F) -> Result<T, Rejected>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.post(Mail::Read(Box::new(move |state| {
            let seen = look(state);
            Box::new(move || drop(answer.send(seen)))
        })))?;
        answered.await.map_err(|_| Rejected::Stopped)
    }

    /// Puts another configuration into force.
    ///
    /// # Errors
    /// When the queue is full or the engine has stopped.
    pub async fn configure(&self, config: Arc<Config>) -> Result<Accepted, Rejected> {
        let (answer, answered) = oneshot::channel();
        self.post(Mail::Configure { config, answer })?;
        answered.await.unwrap_or(Err(Rejected::Stopped))
    }

    /// Asks the engine to finish what is waiting and to end.
    pub fn stop(&self) {
        // A full queue: the engine is busy and will see that all senders are gone.
        drop(self.queue.try_send(Mail::Stop));
    }

    fn post(&self, mail: Mail) -> Result<(), Rejected> {
        self.queue.try_send(mail).map_err(|error| match error {
            TrySendError::Full(_) => Rejected::Busy { retry_after: Duration::from_secs(1) },
            TrySendError::Disconnected(_) => Rejected::Stopped,
        })
    }
}
