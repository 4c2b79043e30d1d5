//! What the writer and the readers of the views share: how far the writer is, and the entries once they can be
//! trusted. Never blocks for longer than it takes to copy a handle.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use super::store::Index;
use crate::{
    domain::id::Seq,
    journal::{Reader, locked},
};

/// A reader that finds something wrong makes the writer start anew, but no sooner than this after the last time:
/// what a rebuild does not mend is not the folder's fault.
const TRUST: Duration = Duration::from_mins(10);

/// How far the writer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything up to here can be looked up.
    Ready {
        /// That far.
        applied: Seq,
    },
    /// It checks or rebuilds.
    Working {
        /// Why, in words for a reader.
        why: String,
        /// So much is done.
        done: u64,
        /// Of this.
        of: u64,
    },
    /// It waits before it tries again.
    Broken {
        /// Why, in words for a reader.
        why: String,
    },
}

/// What writer and readers share.
pub(super) struct Shared {
    /// The journal.
    pub(super) reader: Arc<dyn Reader>,
    /// How far the writer is.
    pub(super) phase: watch::Sender<Phase>,
    index: Mutex<Option<Index>>,
    suspicion: Mutex<Suspicion>,
    suspected: Notify,
}

#[derive(Default)]
struct Suspicion {
    why: Option<String>,
    last: Option<Instant>,
}

impl Shared {
    pub(super) fn new(reader: Arc<dyn Reader>) -> Self {
        let phase = Phase::Working { why: "they are being opened".to_owned(), done: 0, of: 0 };
        Self {
            reader,
            phase: watch::Sender::new(phase),
            index: Mutex::default(),
            suspicion: Mutex::default(),
            suspected: Notify::new(),
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// From here on readers are answered.
    pub(super) fn open(&self, index: Index, applied: Seq) {
        *locked(&self.index) = Some(index);
        self.set(Phase::Ready { applied });
    }

    /// From here on they are not.
    pub(super) fn close(&self) {
        let index = locked(&self.index).take();
        if index.is_some() {
            self.set(Phase::Working { why: "they are being closed".to_owned(), done: 0, of: 0 });
        }
    }

    pub(super) fn index(&self) -> Option<Index> {
        locked(&self.index).clone()
    }

    /// A reader found something wrong with the folder.
    pub(super) fn suspect(&self, why: String) {
        let mut suspicion = locked(&self.suspicion);
        if suspicion.last.is_some_and(|last| last.elapsed() < TRUST) {
            tracing::warn!(%why, "the views answered wrongly soon after they were made anew; left as they are");
            return;
        }
        *suspicion = Suspicion { why: Some(why), last: Some(Instant::now()) };
        self.suspected.notify_one();
    }

    pub(super) fn take_suspicion(&self) -> Option<String> {
        locked(&self.suspicion).why.take()
    }

    pub(super) async fn suspected(&self) {
        self.suspected.notified().await;
    }
}
