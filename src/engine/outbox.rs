//! The outbox: room for attempts, by lane and recipient, so that no channel waits for another, no page for a card, and
//! nobody for somebody else's dead address. The engine asks for room and permits with the delivery; an attempt's end
//! gives its room back and is told. Never decides whether to try again, and never holds what has no room.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tracing::{info, warn};

use super::{Courier, Engine, Rejected, core::Lane};
use crate::domain::{
    delivery::{Channel, DeliveryKind, Outcome, Recipient},
    event::TraceId,
    facts::Dispatch,
    intent::Intent,
};

/// Pages that are attempted at once on one channel.
pub(super) const PAGES_AT_ONCE: usize = 64;
/// Of these, to one recipient: a dead address takes little of everybody's room.
pub(super) const TO_ONE: usize = 4;
/// A courier answers within its own timeout; this one is for the day it does not.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is said of an attempt that panicked.
const BROKE_OFF: &str = "the attempt broke off (a fault in Watchbell, see its log)";
/// What is said of an attempt that took too long.
const NO_ANSWER: &str = "no answer; it may have arrived all the same";
/// Until a busy engine is told again.
const BUSY: Duration = Duration::from_millis(20);

/// The lanes.
pub struct Outbox {
    lanes: BTreeMap<Lane, Entrance>,
    /// For what people are told and is no page: a conversation that may take nothing for a while holds no room's card up.
    told: BTreeMap<Channel, Entrance>,
    runtime: Handle,
}

struct Entrance {
    room: Arc<Semaphore>,
    turns: Turns,
    worker: Worker,
}

/// Attempts that are under way in a lane, by recipient.
type Turns = Arc<Mutex<BTreeMap<Recipient, usize>>>;

/// Room for one attempt.
pub struct Place {
    worker: Worker,
    turn: Turn,
    runtime: Handle,
}

/// One of the attempts of a lane, and of its recipient; given back when it is dropped.
struct Turn {
    turns: Turns,
    to: Recipient,
    _room: OwnedSemaphorePermit,
}

impl Turn {
    fn take(entrance: &Entrance, to: &Recipient) -> Option<Self> {
        let room = Arc::clone(&entrance.room).try_acquire_owned().ok()?;
        let mut turns = entrance.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = turns.entry(to.clone()).or_default();
        if *taken >= TO_ONE {
            return None;
        }
        *taken += 1;
        Some(Self { turns: Arc::clone(&entrance.turns), to: to.clone(), _room: room })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = turns.get_mut(&self.to) {
            *taken -= 1;
            if *taken == 0 {
                turns.remove(&self.to);
            }
        }
    }
}

impl Place {
    /// Makes the attempt, which has its permit and is durable.
    pub fn leave(self, trace: TraceId, dispatch: Box<Dispatch>) {
        let Self { worker, turn, runtime } = self;
        runtime.spawn(async move {
            let outcome = worker.attempt(trace, &dispatch).await;
            // Before the engine hears of it: what waits for this room leaves with the same batch.
            drop(turn);
            let (delivery, attempt) = (dispatch.delivery.id, dispatch.delivery.attempts);
            worker.tell(trace, Intent::Outcome { delivery, attempt, outcome }).await;
        });
    }
}

impl Outbox {
    /// Lanes for each channel; channels without a courier refuse at once, loudly. Needs a tokio runtime.
    #[must_use]
    pub fn start(engine: &Engine, couriers: &[Arc<dyn Courier>]) -> Self {
        let (mut lanes, mut told) = (BTreeMap::new(), BTreeMap::new());
        for channel in Channel::ALL {
            let courier = couriers.iter().find(|courier| courier.channel() == channel).cloned();
            let entrance = |at_once| Entrance {
                room: Arc::new(Semaphore::new(at_once)),
                turns: Turns::default(),
                worker: Worker { engine: engine.clone(), courier: courier.clone() },
            };
            lanes.insert(Lane { channel, page: true }, entrance(PAGES_AT_ONCE));
            // Cards go one after the other, so that a revision never overtakes another.
            lanes.insert(Lane { channel, page: false }, entrance(1));
            told.insert(channel, entrance(1));
        }
        Self { lanes, told, runtime: Handle::current() }
    }

    /// Room for an attempt that leaves at once; none when the lane is full, or the recipient's part of it.
    #[must_use]
    pub fn place(&self, lane: Lane, to: &Recipient) -> Option<Place> {
        let entrance = match to {
            Recipient::Person { .. } if !lane.page => self.told.get(&lane.channel)?,
            _ => self.lanes.get(&lane)?,
        };
        let turn = Turn::take(entrance, to)?;
        Some(Place { worker: entrance.worker.clone(), turn, runtime: self.runtime.clone() })
    }
}

#[derive(Clone)]
pub(super) struct Worker {
    pub(super) engine: Engine,
    pub(super) courier: Option<Arc<dyn Courier>>,
}

impl Worker {
    /// Makes one attempt that has its permit.
    pub(super) async fn attempt(&self, trace: TraceId, dispatch: &Dispatch) -> Outcome {
        let delivery = &dispatch.delivery;
        let outcome = self.deliver(dispatch).await;
        self.engine.ways().tried(delivery.channel, &outcome);
        if let Outcome::TryAgain { why, .. } | Outcome::Refused { why } = &outcome {
            warn!(%trace, delivery = %delivery.id, to = %delivery.to, channel = %delivery.channel, why, "not delivered");
        }
        if let (Outcome::Receipt(receipt), DeliveryKind::Page) = (&outcome, delivery.kind) {
            info!(%trace, delivery = %delivery.id, to = %delivery.to, about = %delivery.subject, receipt, "paged");
        }
        outcome
    }

    async fn deliver(&self, dispatch: &Dispatch) -> Outcome {
        let Some(courier) = &self.courier else {
            let why = format!("no {} is set up", dispatch.delivery.channel);
            return Outcome::Refused { why };
        };
        // A courier that panics is a failed attempt, not a lost page; also one that panics before its first wait.
        let attempt = AssertUnwindSafe(async { courier.deliver(dispatch).await }).catch_unwind();
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::TryAgain { after: None, why: BROKE_OFF.into() },
            Err(_) => Outcome::TryAgain { after: None, why: NO_ANSWER.into() },
        }
    }

    /// Tells the engine, however busy it is; what it must hear is never dropped.
    pub(super) async fn tell(&self, trace: TraceId, intent: Intent) {
        while let Err(Rejected::Busy { .. }) = self.engine.submit(trace, intent.clone()).await {
            tokio::time::sleep(BUSY).await;
        }
    }
}
