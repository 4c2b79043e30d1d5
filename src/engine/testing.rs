//! An engine over a journal in memory, for the tests of everything above it. Never part of a server.

use std::sync::Arc;

use super::{
    Courier,
    clock::SystemClock,
    core::Core,
    outbox::Outbox,
    run::{Parts, Prepared, Running},
};
use crate::{
    domain::{config::Config, event::TraceId, state::State},
    journal::{Journal as _, MemoryJournal, Reader},
    metrics::Metrics,
};

/// A running engine with these couriers, and the reader of its journal. Needs a tokio runtime.
///
/// # Panics
/// When the system gives no thread.
#[must_use]
pub fn in_memory(config: Arc<Config>, couriers: Vec<Arc<dyn Courier>>) -> (Running, Arc<dyn Reader>) {
    let journal = MemoryJournal::default();
    let reader = journal.reader();
    let core = Core::open(Box::new(journal), config, State::default()).expect("an empty journal can be read");
    let prepared = Prepared::default();
    let outbox = Outbox::start(&prepared.engine(), &couriers);
    let parts = Parts {
        clock: Box::new(SystemClock::after(None)),
        outbox: Some(outbox),
        after_batch: Box::new(|_, _| {}),
        metrics: Metrics::default(),
        trace: TraceId::default(),
        instance: "memory".into(),
    };
    (prepared.start(core, parts).expect("a thread"), reader)
}
