//! The world around the engine, with a virtual clock: a disk that outlives crashes, lanes of the outbox, vendors
//! that receive messages. No thread, no sleep: whoever plays moves the time and picks what happens.

pub mod config;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use watchbell::{
    domain::{
        alert::{AlertStatus, Report, Signal},
        config::Config,
        delivery::{Delivery, DeliveryKind, Outcome, Recipient},
        event::{Actor, Event, Record, TraceId},
        facts::Dispatch,
        id::{DeliveryId, IntegrationId, PersonId, Seq},
        intent::{Intent, Now, Refusal},
        labels::Labels,
        reload,
        state::{State, Timer},
        storm::StormFacts,
    },
    engine::{Accepted, core::Core},
    journal::{Journal as _, Keep, MemoryDisk, MemoryJournal},
};

/// What a vendor has seen.
#[derive(Debug, Clone)]
pub struct Sent {
    pub delivery: Delivery,
    pub summary: String,
    pub edits: Option<String>,
    pub linked: BTreeMap<PersonId, String>,
    /// Of the card of a storm: what it says.
    pub storm: Option<StormFacts>,
}

/// Where everything happens.
pub struct World {
    pub config: Arc<Config>,
    pub disk: MemoryDisk,
    pub core: Core,
    /// Engine time.
    pub engine: Timestamp,
    /// Civil time minus engine time.
    pub offset: SignedDuration,
    /// Due, and without room so far: any of them may be next.
    pub lane: Vec<DeliveryId>,
    /// With a permit, and without an outcome.
    pub under_way: Vec<Box<Dispatch>>,
    /// Everything that ever left.
    pub sent: Vec<Sent>,
    /// Whether the lanes have room: then pages are permitted with what caused them.
    pub room: bool,
    /// Left at once, and the player has not looked yet.
    pub left_at_once: Vec<Box<Dispatch>>,
    /// Permitted, and not durable yet.
    out: Vec<Box<Dispatch>>,
    trace: u64,
}

pub fn start_of_time() -> Timestamp {
    // A Monday, one hour after ana's hand-off.
    "2026-01-05T10:00:00Z".parse().unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with(config::config())
    }

    /// With another configuration.
    pub fn with(config: Config) -> Self {
        let (config, disk) = (Arc::new(config), MemoryDisk::default());
        let core = Self::open(&disk, &config);
        let (lane, under_way, sent) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = Self {
            config,
            disk,
            core,
            engine: start_of_time(),
            offset: SignedDuration::ZERO,
            lane,
            under_way,
            sent,
            room: false,
            left_at_once: Vec::new(),
            out: Vec::new(),
            trace: 0,
        };
        world
            .want(Intent::Configured {
                release: "0".into(),
                instance: "world".into(),
                by: None,
                changes: Vec::new(),
            })
            .unwrap();
        world
    }

    /// Another configuration comes into force, as the engine does it: first it, then the event, between two intents.
    pub fn reload(&mut self, config: Config) {
        let changes = reload::changes(&reload::things(&self.config), &reload::things(&config));
        self.config = Arc::new(config);
        self.core.configure(Arc::clone(&self.config));
        let (release, instance) = ("0".into(), "world".into());
        let by = Some(Actor::Person("ana".into()));
        self.want(Intent::Configured { release, instance, by, changes }).unwrap();
    }

    fn open(disk: &MemoryDisk, config: &Arc<Config>) -> Core {
        let (journal, _torn) = MemoryJournal::open(disk.clone());
        Core::open(Box::new(journal), Arc::clone(config), State::default()).unwrap()
    }

    pub fn now(&self) -> Now {
        Now { engine: self.engine, civil: self.engine + self.offset }
    }

    pub fn state(&self) -> &State {
        self.core.state()
    }

    fn next_trace(&mut self) -> TraceId {
        self.trace += 1;
        TraceId(self.trace)
    }

    /// Decides without making anything durable.
    pub fn decide(&mut self, intent: Intent) -> Result<Accepted, Refusal> {
        let (trace, now) = (self.next_trace(), self.now());
        let before = self.state().seq;
        let answer = self.core.decide(trace, intent, now);
        assert!(answer.is_ok() || self.state().seq == before, "refused after something happened: {answer:?}");
        self.run_due(trace, now);
        answer
    }

    fn run_due(&mut self, trace: TraceId, now: Now) {
        self.core.run_due(trace, now, usize::MAX);
        let leaving = self.core.hand_out(trace, now, usize::MAX, |_, _| self.room.then_some(()));
        self.out.extend(leaving.into_iter().map(|((), dispatch)| dispatch));
    }

    /// Makes durable what was decided, and lets go what was handed out.
    pub fn commit(&mut self) {
        self.core.commit().unwrap();
        // What was cancelled meanwhile stays: a permit may be asked for it, too.
        let known: BTreeSet<DeliveryId> = self.lane.iter().copied().collect();
        let new: BTreeSet<DeliveryId> =
            self.core.held().filter(|delivery| !known.contains(delivery)).collect();
        self.lane.extend(new);
        for dispatch in std::mem::take(&mut self.out) {
            self.lane.retain(|delivery| *delivery != dispatch.delivery.id);
            self.left_at_once.push(dispatch.clone());
            self.leaves(dispatch);
        }
    }

    fn leaves(&mut self, dispatch: Box<Dispatch>) {
        let summary = dispatch.facts.summary.clone();
        let Dispatch { delivery, edits, linked, facts, .. } = (*dispatch).clone();
        self.sent.push(Sent { delivery, summary, edits, linked, storm: facts.storm });
        self.under_way.push(dispatch);
    }

    /// One intent from beginning to answer.
    pub fn want(&mut self, intent: Intent) -> Result<Accepted, Refusal> {
        let answer = self.decide(intent);
        self.commit();
        answer
    }

    /// Takes one delivery out of the lane and asks for its permit.
    pub fn attempt(&mut self, index: usize) -> Option<Box<Dispatch>> {
        let delivery = self.lane.remove(index);
        let dispatch = self.want(Intent::Permit(delivery)).ok()?.dispatch?;
        self.leaves(dispatch.clone());
        Some(dispatch)
    }

    /// The vendor answers.
    pub fn answer(&mut self, index: usize, outcome: Outcome) {
        let dispatch = self.under_way.remove(index);
        let (delivery, attempt) = (dispatch.delivery.id, dispatch.delivery.attempts);
        self.want(Intent::Outcome { delivery, attempt, outcome }).unwrap();
    }

    /// Sends everything that waits; `vendor` says what becomes of each attempt.
    pub fn deliver(&mut self, mut vendor: impl FnMut(&Delivery) -> Outcome) {
        loop {
            if !self.lane.is_empty() {
                self.attempt(0);
            }
            let Some(dispatch) = self.under_way.last() else {
                if self.lane.is_empty() {
                    return;
                }
                continue;
            };
            let outcome = vendor(&dispatch.delivery);
            self.answer(self.under_way.len() - 1, outcome);
        }
    }

    /// Lets time pass, from deadline to deadline.
    pub fn pass(&mut self, time: SignedDuration, mut vendor: impl FnMut(&Delivery) -> Outcome) {
        let end = self.engine + time;
        loop {
            let next = self.core.next_deadline().filter(|due| *due <= end);
            self.engine = next.map_or(end, |due| due.max(self.engine));
            self.tick();
            self.deliver(&mut vendor);
            if next.is_none() {
                return;
            }
        }
    }

    /// Takes what is due now.
    pub fn tick(&mut self) {
        let (trace, now) = (self.next_trace(), self.now());
        self.run_due(trace, now);
        self.commit();
    }

    /// The process ends here and starts again: what was not durable is gone, and so are all queues.
    pub fn crash(&mut self) {
        self.core = Self::open(&self.disk, &self.config);
        self.lane.clear();
        self.under_way.clear();
        self.out.clear();
        self.tick();
    }

    /// A broken memory: the timer of a page that runs is gone.
    pub fn lose_timer(&mut self) {
        let mut state = self.state().clone();
        let is_page = |(_, timer): &(Timestamp, Timer)| matches!(timer, Timer::PageStep(_));
        let lost = state.timers.iter().copied().find(is_page);
        if let Some(lost) = lost {
            state.timers.remove(&lost);
            let (journal, _torn) = MemoryJournal::open(self.disk.clone());
            self.core = Core::open(Box::new(journal), Arc::clone(&self.config), state).unwrap();
        }
    }

    /// A broken memory: something in it is not as the journal says.
    pub fn break_state(&mut self, breaks: impl FnOnce(&mut State)) {
        let mut state = self.state().clone();
        breaks(&mut state);
        if state != *self.state() {
            let (journal, _torn) = MemoryJournal::open(self.disk.clone());
            self.core = Core::open(Box::new(journal), Arc::clone(&self.config), state).unwrap();
        }
    }

    /// A broken disk: the last intent is gone as if it had never been.
    pub fn forget_last_intent(&mut self) {
        let mut records = self.records();
        records.pop();
        while records.pop_if(|record| !record.last).is_some() {}
        self.disk = MemoryDisk::default();
        let (mut journal, _torn) = MemoryJournal::open(self.disk.clone());
        journal.append(&records).unwrap();
    }

    /// Appends what was decided with a failing disk, then crashes.
    pub fn crash_in_append(&mut self, keep: Keep) {
        if self.core.has_undurable() {
            self.disk.fail_next_append(keep);
            assert!(self.core.commit().is_err(), "a failing disk is not noticed");
        }
        self.crash();
    }

    /// What is on the disk after this sequence.
    pub fn records_after(&self, seq: Seq) -> Vec<Record> {
        let mut records = Vec::new();
        self.core
            .reader()
            .scan(seq.next(), &mut |record, _| {
                records.push(record);
                ControlFlow::Continue(())
            })
            .unwrap();
        records
    }

    pub fn records(&self) -> Vec<Record> {
        self.records_after(Seq(0))
    }

    pub fn events(&self) -> Vec<Event> {
        self.records().into_iter().map(|record| record.event).collect()
    }

    /// People whose pages arrived or were tried, in order, as `person contact`.
    pub fn pages_sent(&self) -> Vec<String> {
        let page = |sent: &&Sent| sent.delivery.kind == DeliveryKind::Page;
        self.sent.iter().filter(page).map(|sent| address(&sent.delivery.to)).collect()
    }
}

pub fn address(to: &Recipient) -> String {
    match to {
        Recipient::Person { person, contact } => format!("{person} {contact}"),
        Recipient::Channel(channel) => channel.to_string(),
    }
}

pub fn receipt(_: &Delivery) -> Outcome {
    Outcome::Receipt("200 OK".into())
}

pub fn signal(status: AlertStatus, labels: &[(&str, &str)], starts_at: Timestamp) -> Signal {
    let labels: Labels = labels.iter().copied().collect();
    Signal {
        status,
        fingerprint: labels.to_string(),
        labels,
        annotations: Labels::default(),
        starts_at,
        ends_at: None,
        graph: None,
    }
}

pub fn report(signals: Vec<Signal>) -> Report {
    let firing = signals.iter().any(|signal| signal.status == AlertStatus::Firing);
    Report {
        integration: IntegrationId::from("prometheus"),
        source_group: Some("{}".into()),
        status: if firing { AlertStatus::Firing } else { AlertStatus::Resolved },
        truncated: 0,
        source: None,
        signals,
    }
}

/// Deliveries that are neither finished nor anywhere on their way.
pub fn lost(world: &World) -> BTreeSet<DeliveryId> {
    let on_the_way: BTreeSet<DeliveryId> = world
        .lane
        .iter()
        .copied()
        .chain(world.under_way.iter().map(|dispatch| dispatch.delivery.id))
        .chain(world.core.waiting_deliveries())
        .collect();
    world.state().deliveries.keys().filter(|delivery| !on_the_way.contains(delivery)).copied().collect()
}
