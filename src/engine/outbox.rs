//! The outbox: one queue and one worker per lane, so that no channel waits for another and no page for a card.
//! Each attempt has a permit: the engine gives it together with the delivery when the lane has room at once, else
//! the worker asks for it when the delivery's turn comes. Afterwards the worker tells what became of the attempt.
//! Never decides whether to try again.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tracing::{debug, info, warn};

use super::{Courier, Engine, Rejected, core::Lane};
use crate::{
    domain::{
        delivery::{Channel, DeliveryKind, Outcome},
        event::TraceId,
        facts::Dispatch,
        id::DeliveryId,
        intent::Intent,
    },
    metrics::Metrics,
};

/// How many deliveries wait in one lane; the engine keeps the others.
const ROOM: usize = 4_096;
/// Pages that are attempted at once on one channel.
const PAGES_AT_ONCE: usize = 64;
/// A courier answers within its own timeout; this one is for the day it does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lanes' entrances.
pub struct Outbox {
    lanes: BTreeMap<Lane, Entrance>,
    runtime: Handle,
}

struct Entrance {
    queue: mpsc::Sender<DeliveryId>,
    room: Arc<Semaphore>,
    worker: Arc<dyn Leave>,
}

/// Room for one attempt that leaves at once.
pub struct Place {
    worker: Arc<dyn Leave>,
    taken: OwnedSemaphorePermit,
    runtime: Handle,
}

impl Place {
    /// Makes the attempt, which has its permit and is durable.
    pub fn leave(self, trace: TraceId, dispatch: Box<Dispatch>) {
        let Self { worker, taken, runtime } = self;
        runtime.spawn(async move {
            worker.leave(trace, dispatch).await;
            drop(taken);
        });
    }
}

/// A worker, whatever it draws its trace ids from.
trait Leave: Send + Sync {
    fn leave(&self, trace: TraceId, dispatch: Box<Dispatch>) -> BoxFuture<'_, ()>;
}

impl Outbox {
    /// Starts a worker for each lane of each channel; channels without a courier refuse at once, loudly.
    #[must_use]
    pub fn start(
        engine: &Engine,
        couriers: Vec<Arc<dyn Courier>>,
        metrics: Metrics,
        trace: impl Fn() -> TraceId + Clone + Send + Sync + 'static,
    ) -> Self {
        let mut lanes = BTreeMap::new();
        for channel in Channel::ALL {
            let courier = couriers.iter().find(|courier| courier.channel() == channel).cloned();
            for page in [true, false] {
                let (enter, queue) = mpsc::channel(ROOM);
                // Cards go one after the other, so that a revision never overtakes another.
                let at_once = if page { PAGES_AT_ONCE } else { 1 };
                let worker = Worker {
                    engine: engine.clone(),
                    channel,
                    courier: courier.clone(),
                    metrics: metrics.clone(),
                    trace: trace.clone(),
                };
                let room = Arc::new(Semaphore::new(at_once));
                let entrance =
                    Entrance { queue: enter, room: Arc::clone(&room), worker: Arc::new(worker.clone()) };
                lanes.insert(Lane { channel, page }, entrance);
                tokio::spawn(worker.run(queue, room));
            }
        }
        Self { lanes, runtime: Handle::current() }
    }

    /// Room for an attempt that leaves at once; none when others wait in the lane or fill it.
    #[must_use]
    pub fn place(&self, lane: Lane) -> Option<Place> {
        let entrance = self.lanes.get(&lane)?;
        if entrance.queue.capacity() < ROOM {
            return None;
        }
        let taken = Arc::clone(&entrance.room).try_acquire_owned().ok()?;
        Some(Place { worker: Arc::clone(&entrance.worker), taken, runtime: self.runtime.clone() })
    }

    /// Puts a delivery into its lane; false when the lane is full.
    #[must_use]
    pub fn put(&self, lane: Lane, delivery: DeliveryId) -> bool {
        self.lanes.get(&lane).is_some_and(|entrance| entrance.queue.try_send(delivery).is_ok())
    }
}

impl<T: Fn() -> TraceId + Clone + Send + Sync + 'static> Leave for Worker<T> {
    fn leave(&self, trace: TraceId, dispatch: Box<Dispatch>) -> BoxFuture<'_, ()> {
        self.send(trace, dispatch).boxed()
    }
}

#[derive(Clone)]
struct Worker<T> {
    engine: Engine,
    channel: Channel,
    courier: Option<Arc<dyn Courier>>,
    metrics: Metrics,
    trace: T,
}

impl<T: Fn() -> TraceId + Clone + Send + Sync + 'static> Worker<T> {
    async fn run(self, mut queue: mpsc::Receiver<DeliveryId>, room: Arc<Semaphore>) {
        while let Some(delivery) = queue.recv().await {
            self.metrics.outbox_queue(self.channel, queue.len());
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            let worker = self.clone();
            tokio::spawn(async move {
                worker.attempt(delivery).await;
                drop(place);
            });
        }
    }

    async fn attempt(&self, delivery: DeliveryId) {
        let trace = (self.trace)();
        let permit = self.tell(trace, Intent::Permit(delivery)).await;
        let Some(dispatch) = permit else {
            return debug!(%trace, %delivery, "not permitted any more");
        };
        self.send(trace, dispatch).await;
    }

    /// Makes one attempt that has its permit, and tells the engine what became of it.
    async fn send(&self, trace: TraceId, dispatch: Box<Dispatch>) {
        let delivery = dispatch.delivery.id;
        let outcome = self.deliver(&dispatch).await;
        if let Outcome::TryAgain { why, .. } | Outcome::Refused { why } = &outcome {
            warn!(%trace, %delivery, to = %dispatch.delivery.to, channel = %dispatch.delivery.channel, why, "not delivered");
        }
        let attempt = dispatch.delivery.attempts;
        if let (Outcome::Receipt(receipt), DeliveryKind::Page) = (&outcome, dispatch.delivery.kind) {
            info!(%trace, %delivery, to = %dispatch.delivery.to, about = %dispatch.delivery.subject, receipt, "paged");
        }
        self.tell(trace, Intent::Outcome { delivery, attempt, outcome }).await;
    }

    async fn deliver(&self, dispatch: &Dispatch) -> Outcome {
        let Some(courier) = &self.courier else {
            let why = format!("no {} is set up", dispatch.delivery.channel);
            return Outcome::Refused { why };
        };
        // A courier that panics is a failed attempt, not a lost page.
        let attempt = AssertUnwindSafe(courier.deliver(dispatch)).catch_unwind();
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::TryAgain {
                after: None,
                why: "the attempt broke off (a fault in Watchbell, see its log)".into(),
            },
            Err(_) => Outcome::TryAgain { after: None, why: "no answer".into() },
        }
    }

    /// Tells the engine, however busy it is; what it must hear is never dropped.
    async fn tell(&self, trace: TraceId, intent: Intent) -> Option<Box<Dispatch>> {
        loop {
            match self.engine.submit(trace, intent.clone()).await {
                Ok(accepted) => return accepted.dispatch,
                Err(Rejected::Busy { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(Rejected::Refused(_) | Rejected::Stopped) => return None,
            }
        }
    }
}
