//! The engine's thread: takes a batch of mail, decides it, makes it durable, answers, hands out what is due.
//! Never answers before the sync, and ends the engine when the journal fails.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::{error, warn};

use super::{
    Accepted, Coming, Rejected,
    clock::Clock,
    core::{Core, Lane},
    mailbox::{Answer, Engine, Mail, Mailbox, Receipt},
    outbox::{Outbox, Place},
};
use crate::{
    domain::{
        delivery::{Channel, DeliveryKind},
        event::{Event, TraceId},
        facts::Dispatch,
        id::Seq,
        intent::{Intent, Now},
        page::Subject,
    },
    journal::JournalError,
    metrics::{Fate, LATE, Metrics},
};

/// Things that are due in one batch, and deliveries that are handed out after it: the rest follows at once, after
/// whatever else has arrived.
const DUE_PER_BATCH: usize = 1_024;
/// Events after which a batch is made durable and answered although more mail of it waits: bounds what one sync
/// writes, whatever sources send.
const EVENTS_PER_SYNC: usize = 20_000;
/// Called after each batch with the state, to take a snapshot now and then.
pub type AfterBatch = Box<dyn FnMut(&Core, usize) + Send>;

/// What the thread needs beside the core.
pub struct Parts {
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Where deliveries go that are due; without one none ever leaves.
    pub outbox: Option<Outbox>,
    /// Snapshots.
    pub after_batch: AfterBatch,
    /// Figures.
    pub metrics: Metrics,
    /// The first trace id of intents that come from the clock.
    pub trace: TraceId,
    /// A random name for a journal that has none yet.
    pub instance: String,
}

/// A running engine.
pub struct Running {
    /// What everybody else holds.
    pub engine: Engine,
    /// Becomes `Some` when the thread has ended: `Ok` after a stop, `Err` with the reason otherwise.
    pub ended: watch::Receiver<Option<Result<(), String>>>,
    thread: thread::JoinHandle<()>,
}

impl Running {
    /// Waits for the thread's end.
    pub fn join(self) {
        drop(self.thread.join());
    }
}

/// An engine whose mailbox exists before its thread: the outbox asks it for permits.
pub struct Prepared {
    pub(super) mailbox: Arc<Mailbox>,
}

impl Default for Prepared {
    fn default() -> Self {
        Self { mailbox: Arc::new(Mailbox::default()) }
    }
}

impl Prepared {
    /// The engine to be.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::new(Arc::clone(&self.mailbox))
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(self, core: Core, parts: Parts) -> std::io::Result<Running> {
        let (tell, ended) = watch::channel(None);
        let mailbox = Arc::clone(&self.mailbox);
        let thread = thread::Builder::new().name("engine".into()).spawn(move || {
            let guard = Closing(Arc::clone(&mailbox));
            let mut engine = Loop::new(core, mailbox, parts);
            let result = engine.run().map_err(|error| error.to_string());
            if let Err(why) = &result {
                error!(%why, "the journal failed: nothing more is accepted; start Watchbell again once it is mended");
            }
            // The journal and its lock are let go before anybody hears of the end.
            drop(engine);
            drop(guard);
            tell.send_replace(Some(result));
        })?;
        Ok(Running { engine: Engine::new(self.mailbox), ended, thread })
    }
}

/// Closes the mailbox even when the thread panics.
struct Closing(Arc<Mailbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

pub(super) struct Loop {
    pub(super) core: Core,
    mailbox: Arc<Mailbox>,
    parts: Parts,
    batch: Vec<Reply>,
    /// How many deliveries wait for room, as it was counted last.
    held: BTreeMap<Lane, usize>,
    /// A step of the wall clock that was seen and is not in the journal yet.
    stepped: Option<SignedDuration>,
}

/// An answer that waits for the sync.
enum Reply {
    Intent(Answer, Result<Accepted, Rejected>),
    Report(Receipt, Seq),
    Read(Box<dyn FnOnce() + Send>),
}

impl Loop {
    pub(super) fn new(core: Core, mailbox: Arc<Mailbox>, parts: Parts) -> Self {
        Self { core, mailbox, parts, batch: Vec::new(), held: BTreeMap::new(), stepped: None }
    }

    fn run(&mut self) -> Result<(), JournalError> {
        loop {
            let until = self.wake_at();
            let Some(mails) = self.mailbox.take(until) else { break };
            self.turn(mails)?;
        }
        self.stop();
        Ok(())
    }

    /// An orderly end: what was only counted so far is written. All that anybody was told is durable already, so a disk
    /// that refuses a number makes no failure of it.
    pub(super) fn stop(&mut self) {
        let now = self.look_at_the_clock();
        self.note_step(now);
        self.core.tell_left_out(self.parts.trace, now, Timestamp::MAX);
        if let Err(why) = self.commit(Vec::new()) {
            warn!(%why, "how often somebody was refused in the last minute is not in the journal");
        }
    }

    /// A step of the wall clock stands in the journal before anything that follows it.
    fn note_step(&mut self, now: Now) {
        if let Some(by) = self.stepped.take() {
            warn!(seconds = by.as_secs_f64(), "the wall clock was stepped; waits go on unchanged");
            drop(self.core.decide(self.parts.trace, Intent::ClockStepped { by }, now));
        }
    }

    /// One batch, from its first decision to its last answer.
    pub(super) fn turn(&mut self, mails: Vec<Mail>) -> Result<(), JournalError> {
        let now = self.look_at_the_clock();
        self.note_step(now);
        // The number of a minute that is over comes before the refusals of the next one.
        self.core.tell_left_out(self.parts.trace, now, now.engine);
        for mail in mails {
            self.take(mail, now);
            if self.core.undurable().len() >= EVENTS_PER_SYNC {
                self.commit(Vec::new())?;
                self.answer();
            }
        }
        self.run_due(now);
        let leaving = self.permit(now);
        self.commit(leaving)?;
        self.answer();
        Ok(())
    }

    /// What was decided is durable: everybody who waits for it hears it.
    fn answer(&mut self) {
        for reply in self.batch.drain(..) {
            match reply {
                Reply::Intent(answer, result) => drop(answer.send(result)),
                Reply::Report(receipt, seq) => drop(receipt.send(Ok(seq))),
                Reply::Read(answer) => answer(),
            }
        }
    }

    /// The instant. The clock tells a step once, to whoever looks: it is kept until it is in the journal.
    fn look_at_the_clock(&mut self) -> Now {
        let (now, stepped) = self.parts.clock.now();
        if let Some(by) = stepped {
            self.stepped = Some(self.stepped.unwrap_or_default().saturating_add(by));
        }
        now
    }

    pub(super) fn wake_at(&mut self) -> Option<Instant> {
        let due = self.core.next_deadline()?;
        let now = self.look_at_the_clock();
        if self.stepped.is_some() {
            // Hand-offs follow the new time at once.
            return Some(Instant::now());
        }
        let wait = Duration::try_from(due.duration_since(now.engine)).unwrap_or_default();
        // Far deadlines are looked at again once a minute, and a stepped wall clock is noticed.
        Some(Instant::now() + wait.min(Duration::from_mins(1)))
    }

    fn take(&mut self, mail: Mail, now: Now) {
        match mail {
            // Whoever wanted it has gone: it is not done any more.
            Mail::Intent { claim, .. } if !claim.take() => {}
            Mail::Intent { trace, intent, answer, .. } => {
                let told = self.told_of(&intent);
                let result = self.core.decide(trace, intent, now);
                match &result {
                    Ok(accepted) => self.count(accepted, told),
                    Err(refusal) => self.parts.metrics.refused(refusal),
                }
                self.batch.push(Reply::Intent(answer, result.map_err(Rejected::Refused)));
            }
            Mail::Report { trace, report, receipt } => {
                let late = self.core.report(trace, report, now);
                self.parts.metrics.late_duplicates(late);
                self.batch.push(Reply::Report(receipt, self.core.state().seq));
            }
            Mail::Read(look) => {
                // It sees the state and cannot change it: a reader's fault is that reader's only.
                match catch_unwind(AssertUnwindSafe(|| look(&self.core.look(now)))) {
                    Ok(answer) => self.batch.push(Reply::Read(answer)),
                    Err(_) => {
                        error!("a lookup broke off (a fault in Watchbell); whoever asked gets no answer");
                    }
                }
            }
            Mail::Configure { change, answer } => {
                let Coming { config, trace, by, changes, beside } = *change;
                let trace = if by.is_some() { trace } else { self.parts.trace };
                self.core.configure(config);
                // It only exchanges pointers; should it break off all the same, pages go on.
                if catch_unwind(AssertUnwindSafe(beside)).is_err() {
                    error!(
                        "a part did not take the new configuration over (a fault in Watchbell): start it again"
                    );
                }
                let release = env!("CARGO_PKG_VERSION").to_owned();
                let instance = self.parts.instance.clone();
                let result =
                    self.core.decide(trace, Intent::Configured { release, instance, by, changes }, now);
                self.batch.push(Reply::Intent(answer, result.map_err(Rejected::Refused)));
            }
        }
    }

    /// What an outcome tells of; afterwards the delivery may be gone.
    fn told_of(&self, intent: &Intent) -> Option<Told> {
        let Intent::Outcome { delivery, .. } = intent else { return None };
        let state = self.core.state();
        let delivery = state.deliveries.get(delivery)?;
        let unheard = delivery.page.and_then(|page| state.pages.get(&page)).filter(|page| !page.reached);
        let opened_at = match unheard.map(|page| page.subject) {
            Some(Subject::Group(group, _)) => state.groups.get(&group).map(|group| group.opened_at),
            _ => None,
        };
        Some(Told { channel: delivery.channel, opened_at })
    }

    fn run_due(&mut self, now: Now) {
        self.parts.trace.0 = self.parts.trace.0.wrapping_add(1);
        let Some(late) = self.core.run_due(self.parts.trace, now, DUE_PER_BATCH) else { return };
        let late = Duration::try_from(late).unwrap_or_default();
        self.parts.metrics.timer_taken(late);
        if late > LATE {
            let seconds = late.as_secs_f64();
            warn!(trace = %self.parts.trace, seconds, "something was due earlier than it was done");
        }
    }

    /// Makes durable what was decided, and lets leave what waits for that alone.
    fn commit(&mut self, leaving: Vec<(Place, Box<Dispatch>)>) -> Result<(), JournalError> {
        let Parts { metrics, trace, .. } = &self.parts;
        let before = Instant::now();
        let events = self.core.commit_then(|records| {
            let took = before.elapsed();
            // Pages go first: before readers wake and anything is counted.
            for (place, dispatch) in leaving {
                place.leave(*trace, dispatch);
            }
            metrics.synced(records.len(), took);
            for record in records {
                metrics.event(&record.event);
            }
        })?;
        metrics.engine_queue(self.mailbox.waiting());
        self.count_queues();
        (self.parts.after_batch)(&self.core, events);
        Ok(())
    }

    /// How many deliveries wait for room in each lane, as far as that has changed.
    fn count_queues(&mut self) {
        let held = self.core.held_in_lanes();
        for lane in Lane::all() {
            let waiting = held.get(&lane).copied().unwrap_or_default();
            if self.held.insert(lane, waiting) != Some(waiting) {
                self.parts.metrics.outbox_queue(lane.channel, lane.page, waiting);
            }
        }
    }

    /// What is due leaves with this batch, as far as there is room.
    fn permit(&mut self, now: Now) -> Vec<(Place, Box<Dispatch>)> {
        let outbox = self.parts.outbox.as_ref();
        self.core.hand_out(self.parts.trace, now, DUE_PER_BATCH, |lane, to| outbox?.place(lane, to))
    }

    /// Figures of one intent that was decided.
    fn count(&self, accepted: &Accepted, told: Option<Told>) {
        let metrics = &self.parts.metrics;
        for event in &accepted.events {
            let (kind, fate) = match event {
                Event::Delivered { kind, .. } => (*kind, Fate::Delivered),
                Event::AttemptFailed { kind, retry_at: Some(_), .. } => (*kind, Fate::Retried),
                Event::AttemptFailed { kind, retry_at: None, .. } => (*kind, Fate::Failed),
                _ => continue,
            };
            let Some(told) = &told else { continue };
            metrics.delivery(told.channel, kind, fate);
            if let (DeliveryKind::Page, Fate::Delivered, Some(opened_at)) = (kind, fate, told.opened_at) {
                let took = accepted.at.duration_since(opened_at);
                metrics.alert_to_page(Duration::try_from(took).unwrap_or_default());
            }
        }
    }
}

/// The delivery that an outcome tells of.
struct Told {
    channel: Channel,
    /// When the group opened whose page has reached nobody so far.
    opened_at: Option<Timestamp>,
}
