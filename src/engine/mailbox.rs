//! The engine's mailbox: two bounded queues in front of one thread. Never lets a caller wait in memory: when a
//! queue is full, by number or by bytes, the caller is told to come back. Reports of sources wait in a queue of their own, so that a
//! storm of alerts delays no acknowledgement and no page.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{Accepted, Look, Rejected, ways::Ways};
use crate::domain::{
    alert::Report,
    config::Config,
    event::{Actor, TraceId},
    id::Seq,
    intent::Intent,
    reload::Change,
};

/// How much may wait before callers are told to come back.
pub(super) const ROOM: usize = 16_384;
/// Bytes of reports that may wait, about; a single one may be larger.
pub(super) const ROOM_BYTES: usize = 64 << 20;
/// Reports that are taken into one batch: bounds how long anything else waits for the sync.
const REPORTS_PER_BATCH: usize = 512;

/// How long the engine may take to answer while it counts as alive.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);

/// Nothing was done: come back.
const BUSY: Rejected = Rejected::Busy { retry_after: Duration::from_secs(1) };

/// Where an answer goes.
pub(super) type Answer = oneshot::Sender<Result<Accepted, Rejected>>;
/// Where a source is told that its report is durable.
pub(super) type Receipt = oneshot::Sender<Result<Seq, Rejected>>;
/// Looks at the state, and returns how the answer is sent after the sync.
pub(super) type Reading = Box<dyn FnOnce(&Look<'_>) -> Box<dyn FnOnce() + Send> + Send>;

/// One thing in the mailbox.
pub(super) enum Mail {
    /// Somebody wants something.
    Intent { trace: TraceId, intent: Intent, answer: Answer, claim: Claim },
    /// A source reports.
    Report { trace: TraceId, report: Report, receipt: Receipt },
    /// Somebody looks something up.
    Read(Reading),
    /// Another configuration comes into force.
    Configure { change: Box<Coming>, answer: Answer },
}

/// A configuration that comes into force.
pub struct Coming {
    /// What decisions depend on from now on.
    pub config: Arc<Config>,
    /// Ties it to log lines.
    pub trace: TraceId,
    /// Who had it read anew; none: the process begins with it.
    pub by: Option<Actor>,
    /// What is not as it was before.
    pub changes: Vec<Change>,
    /// Puts everything into force that stands beside the domain, at the same instant: addresses, tokens, commands. Runs
    /// on the engine's thread, so it only exchanges what was made before.
    pub beside: Box<dyn FnOnce() + Send>,
}

/// Who has an intent: the engine that decides it, or the caller who takes it back. The first one has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// True for whoever comes first.
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Queues {
    /// With the bytes that each takes.
    reports: VecDeque<(usize, Mail)>,
    report_bytes: usize,
    rest: VecDeque<Mail>,
    stopping: bool,
    /// The engine's thread has ended.
    closed: bool,
}

/// The queues.
#[derive(Default)]
pub(super) struct Mailbox {
    queues: Mutex<Queues>,
    arrived: Condvar,
    ways: Ways,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn post(&self, mail: Mail) -> Result<(), Rejected> {
        let bytes = match &mail {
            Mail::Report { report, .. } | Mail::Intent { intent: Intent::Report(report), .. } => {
                Some(report.size())
            }
            _ => None,
        };
        let mut queues = self.lock();
        if queues.closed || queues.stopping {
            return Err(Rejected::Stopped);
        }
        let busy = Err(BUSY);
        match bytes {
            Some(bytes) => {
                let full = queues.report_bytes > 0 && queues.report_bytes + bytes > ROOM_BYTES;
                if full || queues.reports.len() >= ROOM {
                    return busy;
                }
                queues.report_bytes += bytes;
                queues.reports.push_back((bytes, mail));
            }
            None if queues.rest.len() >= ROOM => return busy,
            None => queues.rest.push_back(mail),
        }
        let first = queues.reports.len() + queues.rest.len() == 1;
        drop(queues);
        if first {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for mail until the deadline and takes a batch; `None`: asked to stop, and nothing is left.
    pub(super) fn take(&self, until: Option<Instant>) -> Option<Vec<Mail>> {
        let mut queues = self.lock();
        while queues.reports.is_empty() && queues.rest.is_empty() {
            if queues.stopping {
                return None;
            }
            let Some(until) = until else {
                queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Some(Vec::new());
            }
            queues = self.arrived.wait_timeout(queues, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut batch: Vec<Mail> = queues.rest.drain(..).collect();
        let reports = queues.reports.len().min(REPORTS_PER_BATCH);
        let reports: Vec<_> = queues.reports.drain(..reports).collect();
        for (bytes, report) in reports {
            queues.report_bytes -= bytes;
            batch.push(report);
        }
        Some(batch)
    }

    /// How much waits.
    pub(super) fn waiting(&self) -> usize {
        let queues = self.lock();
        queues.reports.len() + queues.rest.len()
    }

    /// No more mail is taken in; what waits is finished.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.arrived.notify_one();
    }

    /// The engine's thread is gone: everybody who waits hears it.
    pub(super) fn close(&self) {
        let mut queues = self.lock();
        queues.closed = true;
        queues.reports.clear();
        queues.report_bytes = 0;
        queues.rest.clear();
    }
}

/// The engine, as everybody else sees it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) mailbox: Arc<Mailbox>,
    /// How long its callers wait to be taken; none: for ever.
    patience: Option<Duration>,
}

impl Engine {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, patience: None }
    }

    /// The same engine for callers who wait no longer than this: what was not begun by then is taken back and
    /// rejected as [`Rejected::Busy`]. It is done in time, or not at all; what was begun is waited for.
    #[must_use]
    pub fn within(&self, patience: Duration) -> Self {
        Self { mailbox: Arc::clone(&self.mailbox), patience: Some(patience) }
    }

    /// Hands an intent to the engine and waits until what follows from it is durable.
    ///
    /// # Errors
    /// [`Rejected`]: refused by the rules, queue full, or stopped.
    pub async fn submit(&self, trace: TraceId, intent: Intent) -> Result<Accepted, Rejected> {
        let (answer, mut answered) = oneshot::channel();
        let claim = Claim::default();
        self.mailbox.post(Mail::Intent { trace, intent, answer, claim: claim.clone() })?;
        if let Some(patience) = self.patience {
            let in_time = tokio::time::timeout(patience, &mut answered).await;
            match in_time {
                Ok(answer) => return answer.unwrap_or(Err(Rejected::Stopped)),
                Err(_) if claim.take() => return Err(BUSY),
                // It is being decided: what becomes of it is known in a moment.
                Err(_) => {}
            }
        }
        answered.await.unwrap_or(Err(Rejected::Stopped))
    }

    /// Hands a source's report to the engine and waits until what follows from it is durable: everything up to
    /// the sequence that comes back.
    ///
    /// # Errors
    /// When the queue is full or the engine has stopped.
    pub async fn report(&self, trace: TraceId, report: Report) -> Result<Seq, Rejected> {
        let (receipt, received) = oneshot::channel();
        self.mailbox.post(Mail::Report { trace, report, receipt })?;
        received.await.unwrap_or(Err(Rejected::Stopped))
    }

    /// Looks something up. The answer waits for the sync of everything decided before it, so that nobody sees
    /// what could still be lost. `look` runs on the engine's thread: keep it short.
    ///
    /// # Errors
    /// When the queue is full, the engine has stopped, or `look` panicked.
    pub async fn read<T, F>(&self, look: F) -> Result<T, Rejected>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.mailbox.post(Mail::Read(Box::new(move |state| {
            let seen = look(state);
            Box::new(move || drop(answer.send(seen)))
        })))?;
        let Some(patience) = self.patience else { return answered.await.map_err(|_| Rejected::Stopped) };
        match tokio::time::timeout(patience, answered).await {
            Ok(seen) => seen.map_err(|_| Rejected::Stopped),
            Err(_) => Err(BUSY),
        }
    }

    /// Whether the engine answers within two seconds.
    ///
    /// # Errors
    /// Why not, in words for an operator.
    pub async fn is_alive(&self) -> Result<(), String> {
        self.ask(|_| ()).await
    }

    /// As [`Engine::read`], for whoever asks whether the engine lives.
    ///
    /// # Errors
    /// Why there is no answer, in words for an operator.
    pub async fn ask<T, F>(&self, look: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> T + Send + 'static,
    {
        match tokio::time::timeout(ALIVE_WITHIN, self.read(look)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Rejected::Busy { .. })) => Err("the engine's queue is full".to_owned()),
            Ok(Err(_)) => Err("the engine has stopped; the log says why".to_owned()),
            Err(_) => Err(format!("the engine did not answer within {} s", ALIVE_WITHIN.as_secs())),
        }
    }

    /// Puts another configuration into force.
    ///
    /// # Errors
    /// When the queue is full or the engine has stopped.
    pub async fn configure(&self, config: Arc<Config>) -> Result<Accepted, Rejected> {
        let (trace, beside) = (TraceId::default(), Box::new(|| ()));
        self.reload(Coming { config, trace, by: None, changes: Vec::new(), beside }).await
    }

    /// Puts another configuration into force, with everything beside it, between two intents.
    ///
    /// # Errors
    /// As [`Engine::configure`]; the old one stays in force then.
    pub async fn reload(&self, change: Coming) -> Result<Accepted, Rejected> {
        let (answer, answered) = oneshot::channel();
        self.mailbox.post(Mail::Configure { change: Box::new(change), answer })?;
        answered.await.unwrap_or(Err(Rejected::Stopped))
    }

    /// How the ways out stand, for whoever tries them and whoever asks.
    #[must_use]
    pub fn ways(&self) -> &Ways {
        &self.mailbox.ways
    }

    /// Asks the engine to finish what is waiting and to end.
    pub fn stop(&self) {
        self.mailbox.stop();
    }
}
