//! The outbox: one queue and one worker per lane, so that no channel waits for another and no page for a card.
//! Before each attempt it asks the engine for a permit; afterwards it tells what became of it. Never decides
//! whether to try again.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, mpsc};
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
    lanes: BTreeMap<Lane, mpsc::Sender<DeliveryId>>,
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
                lanes.insert(Lane { channel, page }, enter);
                // Cards go one after the other, so that a revision never overtakes another.
                let at_once = if page { PAGES_AT_ONCE } else { 1 };
                let worker = Worker {
                    engine: engine.clone(),
                    channel,
                    courier: courier.clone(),
                    metrics: metrics.clone(),
                    trace: trace.clone(),
                };
                tokio::spawn(worker.run(queue, at_once));
            }
        }
        Self { lanes }
    }

    /// Puts a delivery into its lane; false when the lane is full.
    #[must_use]
    pub fn put(&self, lane: Lane, delivery: DeliveryId) -> bool {
        self.lanes.get(&lane).is_some_and(|enter| enter.try_send(delivery).is_ok())
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
    async fn run(self, mut queue: mpsc::Receiver<DeliveryId>, at_once: usize) {
        let room = Arc::new(Semaphore::new(at_once));
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
