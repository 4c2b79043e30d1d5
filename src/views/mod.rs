//! The views: what is looked up (timelines, alert history), derived from the journal and kept in sled. Never the
//! only place of anything, and never waited for by a page: the folder may be deleted, cut or damaged at any time.

mod journal_stub;

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::domain::{event::Record, id::Seq, timeline::Key};
use journal_stub::Reader;

/// How far the views are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// They answer.
    Ready {
        /// True up to here.
        applied: Seq,
        /// How many events the journal is ahead.
        behind: u64,
    },
    /// They are checked or made from the journal; they do not answer until that is done.
    Rebuilding {
        /// Events (or, while checking, index entries) done.
        done: u64,
        /// Of so many, as far as known.
        of: u64,
    },
    /// They could not be made; the next attempt follows by itself.
    Broken {
        /// Why, in words for an operator.
        why: String,
    },
}

/// What a rebuild tells whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A rebuild begins.
    Started {
        /// Why, in words for an operator.
        why: String,
        /// How many events there are to read.
        of: u64,
    },
    /// It goes on.
    Going {
        /// Events read.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// The views are complete again.
    Done {
        /// Events read.
        events: u64,
        /// How long it took.
        took: Duration,
    },
    /// It failed; what was there is kept aside, and another attempt follows by itself.
    Failed {
        /// Why, in words for an operator.
        why: String,
    },
}

/// The views cannot answer now. Pages and commands go on; ask again later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the views are not ready: {why} ({done} of {of}); nothing is lost, ask again in a moment")]
pub struct Down {
    /// Why, in words for a reader.
    pub why: String,
    /// Events done.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

/// An alert that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Sequence of its end: the cursor of a list.
    pub seq: Seq,
    /// The record of its `AlertFired`.
    pub fired: Record,
    /// The record of its `AlertResolved`.
    pub resolved: Record,
}

/// The views; clones share one store.
#[derive(Clone)]
pub struct Views {
    status: Arc<watch::Sender<Status>>,
}

impl Views {
    /// Starts the thread that follows the journal behind `reader` and keeps what it finds in `dir`. Returns at
    /// once, whatever state the folder is in.
    #[must_use]
    pub fn start(
        dir: PathBuf,
        reader: Arc<dyn Reader>,
        progress: impl Fn(Progress) + Send + 'static,
    ) -> Self {
        let _ = (dir, reader, progress);
        Self { status: Arc::new(watch::Sender::new(Status::Rebuilding { done: 0, of: 0 })) }
    }

    /// How far they are.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Waits until everything up to `seq` can be looked up: a reader sees what it wrote.
    ///
    /// # Errors
    /// When that takes longer than `timeout`.
    pub async fn wait_for(&self, seq: Seq, timeout: Duration) -> Result<(), Down> {
        let _ = (seq, timeout);
        tokio::task::yield_now().await;
        Err(self.down())
    }

    /// Up to `limit` records filed under any of `keys` after `after`, oldest first, each once.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn records(&self, keys: &[Key], after: Option<Seq>, limit: usize) -> Result<Vec<Record>, Down> {
        let _ = (keys, after, limit);
        tokio::task::yield_now().await;
        Err(self.down())
    }

    /// The newest `limit` records filed under any of `keys`, oldest first, each once.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn latest(&self, keys: &[Key], limit: usize) -> Result<Vec<Record>, Down> {
        let _ = (keys, limit);
        tokio::task::yield_now().await;
        Err(self.down())
    }

    /// Up to `limit` alerts that ended before `before`, the last one first.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn ended_alerts(&self, before: Option<Seq>, limit: usize) -> Result<Vec<Ended>, Down> {
        let _ = (before, limit);
        tokio::task::yield_now().await;
        Err(self.down())
    }

    /// Stops the thread and closes the store. Returns once the folder is free. Blocks: not for async code.
    pub fn stop(self) {}

    fn down(&self) -> Down {
        Down { why: "they are being made".to_owned(), done: 0, of: 0 }
    }
}
