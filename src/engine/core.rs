//! The engine without threads: decides intents one after the other, appends all their events with one sync, hands
//! out what is due. Tests and the simulation drive it with a clock of their own. Never sends anything itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::ControlFlow,
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
};

use jiff::Timestamp;
use tracing::error;

use super::{Accepted, Look, tally::Tally};
use crate::{
    domain::{
        alert::Report,
        config::Config,
        decide::decide,
        delivery::{Channel, DeliveryKind, Recipient},
        event::{Event, FORMAT, Record, TraceId},
        facts::Dispatch,
        id::DeliveryId,
        intent::{Intent, Now, Refusal},
        state::{Stamp, State, Timer},
        upkeep::UpkeepIntent,
    },
    journal::{Journal, JournalError, Reader},
};

/// Records that are handed over at once during a replay, and how many such pieces are read ahead of what is applied.
const PIECE: usize = 256;
const PIECES_AHEAD: usize = 4;

/// Which queue of the outbox a delivery waits in: a page never waits behind a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The channel.
    pub channel: Channel,
    /// Whether it is a page.
    pub page: bool,
}

impl Lane {
    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        Channel::ALL.into_iter().flat_map(|channel| [true, false].map(|page| Self { channel, page }))
    }
}

/// Deliveries that wait for the same room: those of one lane to one recipient.
type Queue = (Lane, Recipient);

/// What followed from one intent: events, for a permit what to send, of a report how many firings came late.
type Taken<'a> = (&'a [Record], Option<Box<Dispatch>>, usize);

/// The state, the configuration in force, and the journal behind them.
pub struct Core {
    state: State,
    config: Arc<Config>,
    journal: Box<dyn Journal>,
    /// Decided, and not yet durable.
    decided: Vec<Record>,
    /// Deliveries that wait for their instant. Derived from the state; volatile like every queue.
    waiting: BTreeSet<(Timestamp, DeliveryId)>,
    /// Deliveries that are due and wait for room in the outbox, oldest first.
    held: BTreeMap<Queue, BTreeSet<(Timestamp, DeliveryId)>>,
    /// The queue that was served last: the one after it is next, so that none waits for the others for ever.
    served: Option<Queue>,
    /// Where each of these deliveries stands: in `waiting`, or in which queue of `held`.
    places: BTreeMap<DeliveryId, (Timestamp, Option<Queue>)>,
    /// Refusals that were left out of the journal and are told as a number.
    left_out: Tally,
    /// Timers that were due, and from which nothing followed: there is none, unless the rules are wrong.
    dead: BTreeSet<(Timestamp, Timer)>,
}

impl Core {
    /// Takes a snapshot's state (or an empty one) and everything that the journal says after it.
    ///
    /// # Errors
    /// When what must be replayed cannot be read.
    pub fn open(
        journal: Box<dyn Journal>,
        config: Arc<Config>,
        snapshot: State,
    ) -> Result<Self, JournalError> {
        let mut state = snapshot;
        catch_up(&*journal.reader(), &mut state)?;
        let mut core = Self {
            state,
            config,
            journal,
            decided: Vec::new(),
            waiting: BTreeSet::new(),
            held: BTreeMap::new(),
            served: None,
            places: BTreeMap::new(),
            left_out: Tally::default(),
            dead: BTreeSet::new(),
        };
        // An attempt that was under way when the process ended has no outcome: it is made again, with its key.
        let unfinished: Vec<_> = core
            .state
            .deliveries
            .values()
            .map(|one| (one.id, if one.leaving { core.state.clock } else { one.due }))
            .collect();
        for (delivery, due) in unfinished {
            core.wait_for(delivery, due);
        }
        Ok(core)
    }

    /// Decides one intent. What follows is true from here on, but durable only after [`Core::commit`].
    ///
    /// # Errors
    /// The refusal; nothing has changed then.
    pub fn decide(&mut self, trace: TraceId, intent: Intent, now: Now) -> Result<Accepted, Refusal> {
        let (records, dispatch, _) = self.take(trace, intent, now)?;
        let events = records.iter().map(|record| record.event.clone()).collect();
        Ok(Accepted { seq: self.state.seq, events, dispatch, at: now.civil })
    }

    /// Takes what a source reports. A source only wants to know that it is durable: a copy of every alert would
    /// cost more than deciding it. Returns how many firings were late duplicates and changed nothing.
    pub fn report(&mut self, trace: TraceId, report: Report, now: Now) -> usize {
        // A report is never refused.
        self.take(trace, Intent::Report(report), now).map_or(0, |(_, _, late)| late)
    }

    fn take(&mut self, trace: TraceId, intent: Intent, now: Now) -> Result<Taken<'_>, Refusal> {
        let mut seq = self.state.seq;
        let decided = decide(&mut self.state, &self.config, intent, now, trace)?;
        let first = self.decided.len();
        let end = self.state.seq;
        let refused = decided.refused;
        self.left_out.add(decided.left_out);
        for event in decided.events {
            self.follow(&event, now);
            seq = seq.next();
            self.decided.push(Record {
                seq,
                at: now.civil,
                clock: (now.engine != now.civil).then_some(now.engine),
                v: FORMAT,
                trace,
                last: seq == end,
                event,
            });
        }
        if let Some(refusal) = refused {
            let events = self.decided.len() - first;
            error!(%trace, events, "a fault of the rules: refused after something had happened, which stands");
            return Err(refusal);
        }
        Ok((self.decided.get(first..).unwrap_or_default(), decided.dispatch, decided.late))
    }

    /// Takes what is due, at most `most` things; the rest waits for the next batch. Returns how late the first
    /// one was, when anything was due.
    pub fn run_due(&mut self, trace: TraceId, now: Now, most: usize) -> Option<jiff::SignedDuration> {
        self.tell_left_out(trace, now, now.engine);
        let mut late = None;
        for _ in 0..most {
            let Some(due) = self.next_timer().filter(|due| *due <= now.engine) else { break };
            late.get_or_insert(now.engine.duration_since(due));
            // `Due` is never refused.
            let moved = self.take(trace, Intent::Due, now).is_ok_and(|(records, ..)| !records.is_empty());
            if !moved {
                self.pass_over(trace, now);
                break;
            }
        }
        late
    }

    /// Says how many refusals were left out whose minute is over by then: at a stop, all of them.
    pub fn tell_left_out(&mut self, trace: TraceId, now: Now, by_then: Timestamp) {
        for (by, count) in self.left_out.over(by_then) {
            let intent = Intent::Upkeep(UpkeepIntent::RefusedMore { by, count });
            // It is never refused.
            drop(self.take(trace, intent, now));
        }
    }

    /// When something is due next of which it is not known that nothing follows from it.
    fn next_timer(&self) -> Option<Timestamp> {
        self.state.timers.iter().find(|timer| !self.dead.contains(timer)).map(|(due, _)| *due)
    }

    /// Nothing follows from what is due: that is a fault of the rules. It waits for another configuration or another start,
    /// so that it neither starves the others nor keeps the engine awake.
    fn pass_over(&mut self, trace: TraceId, now: Now) {
        let due: BTreeSet<_> =
            self.state.timers.iter().take_while(|(due, _)| *due <= now.engine).copied().collect();
        for (at, timer) in due.difference(&self.dead) {
            error!(%trace, %at, ?timer, "a fault of the rules: this is due and nothing follows from it; passed over");
        }
        self.dead = due;
    }

    /// What was decided and is not durable yet.
    #[must_use]
    pub fn undurable(&self) -> &[Record] {
        &self.decided
    }

    /// Makes everything durable that was decided so far; returns how many events that were.
    ///
    /// # Errors
    /// Final: nobody of this batch may be told yes, and the process ends.
    pub fn commit(&mut self) -> Result<usize, JournalError> {
        self.commit_then(|_| ())
    }

    /// As [`Core::commit`]; `first` hears of what is durable before anybody who reads the journal.
    ///
    /// # Errors
    /// As there.
    pub fn commit_then(&mut self, first: impl FnOnce(&[Record])) -> Result<usize, JournalError> {
        if self.decided.is_empty() {
            return Ok(0);
        }
        self.journal.keep(&self.decided)?;
        first(&self.decided);
        self.journal.publish();
        let count = self.decided.len();
        self.decided.clear();
        Ok(count)
    }

    /// Permits deliveries whose instant has come, at most `most`, as far as `place` has room: they leave as soon as
    /// this is durable, and no attempt waits for a sync of its own. The others stay here, and are asked about again
    /// with the next batch, which the end of any attempt brings. Nothing may leave before [`Core::commit`].
    pub fn hand_out<P>(
        &mut self,
        trace: TraceId,
        now: Now,
        most: usize,
        mut place: impl FnMut(Lane, &Recipient) -> Option<P>,
    ) -> Vec<(P, Box<Dispatch>)> {
        self.hold_due(now);
        let mut leaving = Vec::new();
        let mut queues = self.queues_in_turn();
        // One of each queue at a time: whoever has few does not wait behind whoever has many.
        while !queues.is_empty() && leaving.len() < most {
            queues.retain(|queue| {
                if leaving.len() >= most {
                    return false;
                }
                let first = self.held.get(queue).and_then(BTreeSet::first);
                let Some((_, delivery)) = first.copied() else { return false };
                let Some(place) = place(queue.0, &queue.1) else { return false };
                self.forget(delivery);
                self.served = Some(queue.clone());
                // Refused or without a dispatch: its page was stopped meanwhile.
                if let Ok((_, Some(dispatch), _)) = self.take(trace, Intent::Permit(delivery), now) {
                    leaving.push((place, dispatch));
                }
                true
            });
        }
        leaving
    }

    /// Puts what has become due into its queue.
    fn hold_due(&mut self, now: Now) {
        while let Some((due, delivery)) = self.waiting.first().copied().filter(|(due, _)| *due <= now.engine)
        {
            self.forget(delivery);
            let Some(one) = self.state.deliveries.get(&delivery) else { continue };
            let lane = Lane { channel: one.channel, page: one.kind == DeliveryKind::Page };
            let queue = (lane, one.to.clone());
            self.held.entry(queue.clone()).or_default().insert((due, delivery));
            self.places.insert(delivery, (due, Some(queue)));
        }
    }

    /// The queues in which something waits, beginning after the one that was served last.
    fn queues_in_turn(&self) -> Vec<Queue> {
        let mut queues: Vec<Queue> = self.held.keys().cloned().collect();
        let next = self.served.as_ref().map_or(0, |last| queues.partition_point(|queue| queue <= last));
        queues.rotate_left(next);
        queues
    }

    /// Deliveries that are due and wait for room, by queue.
    pub fn held(&self) -> impl Iterator<Item = DeliveryId> {
        self.held.values().flatten().map(|(_, delivery)| *delivery)
    }

    /// How many deliveries are due in each lane and wait for room.
    #[must_use]
    pub fn held_in_lanes(&self) -> BTreeMap<Lane, usize> {
        let mut lanes = BTreeMap::new();
        for ((lane, _), held) in &self.held {
            *lanes.entry(*lane).or_default() += held.len();
        }
        lanes
    }

    /// Deliveries that wait, for their instant or for room.
    pub fn waiting_deliveries(&self) -> impl Iterator<Item = DeliveryId> {
        self.places.keys().copied()
    }

    /// When [`Core::run_due`] or [`Core::hand_out`] has something to do next (engine time).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let delivery = self.waiting.first().map(|(due, _)| *due);
        [self.next_timer(), delivery, self.left_out.until()].into_iter().flatten().min()
    }

    /// Puts another configuration into force.
    pub fn configure(&mut self, config: Arc<Config>) {
        self.config = config;
        // What was stuck by the other one perhaps is not by this one.
        self.dead.clear();
    }

    /// What is true now.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What is true now, not yet durable events included: whoever shows it waits for the next commit.
    #[must_use]
    pub fn look(&self, now: Now) -> Look<'_> {
        Look { state: &self.state, config: &self.config, now }
    }

    /// The journal's readers.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn Reader> {
        self.journal.reader()
    }

    /// The digest of the chain up to the last durable event.
    #[must_use]
    pub fn head(&self) -> crate::journal::Head {
        self.journal.head()
    }

    /// Whether something was decided that is not durable.
    #[must_use]
    pub fn has_undurable(&self) -> bool {
        !self.decided.is_empty()
    }

    /// Keeps `waiting` true to the state.
    fn follow(&mut self, event: &Event, now: Now) {
        match event {
            Event::DeliveryQueued(queued) => self.wait_for(queued.delivery, now.engine),
            Event::AttemptFailed { delivery, retry_at: Some(due), .. } => self.wait_for(*delivery, *due),
            Event::AttemptFailed { delivery, retry_at: None, .. }
            | Event::AttemptStarted { delivery, .. }
            | Event::Delivered { delivery, .. }
            | Event::DeliveryCancelled { delivery, .. } => self.forget(*delivery),
            _ => {}
        }
    }

    fn wait_for(&mut self, delivery: DeliveryId, due: Timestamp) {
        self.forget(delivery);
        self.waiting.insert((due, delivery));
        self.places.insert(delivery, (due, None));
    }

    fn forget(&mut self, delivery: DeliveryId) {
        match self.places.remove(&delivery) {
            Some((due, None)) => drop(self.waiting.remove(&(due, delivery))),
            Some((due, Some(queue))) => {
                if let Some(held) = self.held.get_mut(&queue) {
                    held.remove(&(due, delivery));
                    if held.is_empty() {
                        self.held.remove(&queue);
                    }
                }
            }
            None => {}
        }
    }
}

/// Takes everything into a state that the journal says after it. What is read, checked and parsed is applied beside that: a
/// start takes as long as the longer of both.
fn catch_up(reader: &dyn Reader, state: &mut State) -> Result<(), JournalError> {
    let from = state.seq.next();
    if from > reader.committed() {
        return Ok(());
    }
    let (hand_over, pieces) = mpsc::sync_channel::<Vec<Record>>(PIECES_AHEAD);
    let read = move || {
        let mut piece = Vec::with_capacity(PIECE);
        reader.scan(from, &mut |record, _| {
            piece.push(record);
            if piece.len() < PIECE {
                return ControlFlow::Continue(());
            }
            match hand_over.send(mem::replace(&mut piece, Vec::with_capacity(PIECE))) {
                Ok(()) => ControlFlow::Continue(()),
                // Whoever applies them broke off.
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        drop(hand_over.send(piece));
        Ok(())
    };
    thread::scope(|scope| {
        let reading = scope.spawn(read);
        // Should this break off, the pieces go with it: the reader does not wait for ever.
        for record in pieces.into_iter().flatten() {
            replay(state, &record);
        }
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Takes one record of the journal into a state.
pub fn replay(state: &mut State, record: &Record) {
    let stamp = Stamp { seq: record.seq, at: record.at, clock: record.engine_time(), trace: record.trace };
    state.apply(&record.event, &stamp);
}
