//! Tells readers how far the journal is durable: threads through a condition variable, tasks through a watch.
//! Never announces what was not synced: only a journal's `publish` calls it, after the sync.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use crate::domain::id::Seq;

pub(super) struct Commits {
    watch: watch::Sender<Seq>,
    seq: Mutex<Seq>,
    moved: Condvar,
}

impl Commits {
    pub(super) fn new(seq: Seq) -> Self {
        Self { watch: watch::Sender::new(seq), seq: Mutex::new(seq), moved: Condvar::new() }
    }

    pub(super) fn publish(&self, seq: Seq) {
        *self.seq.lock().unwrap_or_else(PoisonError::into_inner) = seq;
        self.moved.notify_all();
        self.watch.send_replace(seq);
    }

    pub(super) fn committed(&self) -> Seq {
        *self.seq.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Seq> {
        self.watch.subscribe()
    }

    pub(super) fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq {
        let committed = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.moved.wait_timeout_while(committed, timeout, |committed| *committed <= seq);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
