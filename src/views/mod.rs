//! The views: what is looked up (timelines, alert history), derived from the journal and kept in sled. Never the
//! only place of anything, and never waited for by a page: the folder may be deleted, cut or damaged at any time.
//!
//! sled holds positions in the journal, not copies (`block`). It is checked as a whole whenever it is opened
//! (`store`), everything it does stands behind a wall (`fault`), and one thread writes it (`writer`): when anything
//! is wrong, the folder is moved aside as `views.broken-<n>` and made anew, while readers are told how far that is.

mod block;
mod fault;
mod shared;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use self::{
    block::{Item, place},
    fault::{Fault, contained},
    shared::{Phase, Shared},
    store::Index,
    writer::{Writer, oldest},
};
use crate::{
    domain::{
        audit::{What, act},
        event::{Event, Record},
        id::{PersonId, Seq},
        timeline::Key,
    },
    journal::{JournalError, Reader},
};

/// Among so many first events is the one that opens something.
const OPENING: usize = 4;
/// So many acts are read at once.
const ACTS: usize = 256;

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

/// Which acts are wanted.
#[derive(Debug, Clone, Default)]
pub struct Act {
    /// Of whom.
    pub by: Option<PersonId>,
    /// About what.
    pub what: Option<What>,
    /// Since when (civil time).
    pub since: Option<Timestamp>,
    /// Before this one.
    pub before: Option<Seq>,
}

/// The views; clones share one store. They end with [`Views::stop`], or when the last clone is dropped.
#[derive(Clone)]
pub struct Views {
    shared: Arc<Shared>,
    stop: Arc<watch::Sender<bool>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Views {
    /// Starts the thread that follows the journal behind `reader` and keeps what it finds in `dir`. Returns at
    /// once, whatever state the folder is in; whatever goes wrong is in [`Views::status`].
    #[must_use]
    pub fn start(
        dir: PathBuf,
        reader: Arc<dyn Reader>,
        progress: impl Fn(Progress) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::new(reader));
        let stop = Arc::new(watch::Sender::new(false));
        let writer = Writer { dir, shared: shared.clone(), stop: stop.subscribe(), progress };
        let spawned = std::thread::Builder::new().name("views".to_owned()).spawn(move || writer.run());
        if let Err(error) = &spawned {
            shared.set(Phase::Broken { why: format!("their thread could not be started: {error}") });
        }
        Self { shared, stop, thread: Arc::new(Mutex::new(spawned.ok())) }
    }

    /// How far they are.
    #[must_use]
    pub fn status(&self) -> Status {
        match &*self.shared.phase.borrow() {
            Phase::Ready { applied } => {
                let behind = self.shared.reader.committed().0.saturating_sub(applied.0);
                Status::Ready { applied: *applied, behind }
            }
            Phase::Working { done, of, .. } => Status::Rebuilding { done: *done, of: *of },
            Phase::Broken { why } => Status::Broken { why: why.clone() },
        }
    }

    /// Waits until everything up to `seq` can be looked up: a reader sees what it wrote.
    ///
    /// # Errors
    /// When that takes longer than `timeout`.
    pub async fn wait_for(&self, seq: Seq, timeout: Duration) -> Result<(), Down> {
        let mut phase = self.shared.phase.subscribe();
        let reached = phase.wait_for(|phase| matches!(phase, Phase::Ready { applied } if *applied >= seq));
        match tokio::time::timeout(timeout, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(self.down()),
        }
    }

    /// Up to `limit` records filed under any of `keys` after `after`, oldest first, each once.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn records(&self, keys: &[Key], after: Option<Seq>, limit: usize) -> Result<Vec<Record>, Down> {
        let places: Vec<_> = keys.iter().map(|key| place(*key)).collect();
        self.look_up(move |index, reader| {
            // What was archived meanwhile is filed still, and must not take the room of what can be read.
            let first = oldest(reader)?;
            let after = after.unwrap_or_default().max(Seq(first.0.saturating_sub(1)));
            let mut items = Vec::new();
            for place in places {
                items.extend(index.oldest(place, after, limit)?);
            }
            items.sort_by_key(|item| item.seq);
            items.dedup_by_key(|item| item.seq);
            items.truncate(limit);
            records_of(reader, &items)
        })
        .await
    }

    /// The newest `limit` records filed under any of `keys`, oldest first, each once.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn latest(&self, keys: &[Key], limit: usize) -> Result<Vec<Record>, Down> {
        let places: Vec<_> = keys.iter().map(|key| place(*key)).collect();
        self.look_up(move |index, reader| {
            let mut items = Vec::new();
            for place in places {
                items.extend(index.newest(place, Seq(u64::MAX), limit)?);
            }
            items.sort_by_key(|item| std::cmp::Reverse(item.seq));
            items.dedup_by_key(|item| item.seq);
            items.truncate(limit);
            items.reverse();
            records_of(reader, &items)
        })
        .await
    }

    /// Whether the beginning of any of these is in an archive, so that their records here are not all of them.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn begins_in_an_archive(&self, keys: &[Key]) -> Result<bool, Down> {
        let keys = keys.to_vec();
        self.look_up(move |index, reader| {
            if oldest(reader)? == Seq(1) {
                return Ok(false);
            }
            for key in keys {
                let items = index.oldest(place(key), Seq(0), OPENING)?;
                let begun =
                    items.iter().map(|item| record_of(reader, item)).collect::<Result<Vec<_>, _>>()?;
                if begun.iter().any(Option::is_none)
                    || !begun.iter().flatten().any(|record| opens(key, record))
                {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// Up to `limit` alerts that ended before `before`, the one that ended last first. Ends whose beginning was
    /// archived are left out.
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn ended_alerts(&self, before: Option<Seq>, limit: usize) -> Result<Vec<Ended>, Down> {
        self.look_up(move |index, reader| {
            let mut before = before.unwrap_or(Seq(u64::MAX));
            let mut ended = Vec::new();
            while ended.len() < limit {
                let items = index.newest(place(Key::Ended), before, limit - ended.len())?;
                let Some(last) = items.last() else { break };
                before = last.seq;
                for resolved in records_of(reader, &items)? {
                    let seq = resolved.seq;
                    if let Some(fired) = fired_of(index, reader, &resolved)? {
                        ended.push(Ended { seq, fired, resolved });
                    }
                }
            }
            Ok(ended)
        })
        .await
    }

    /// Acts that are wanted, the newest first, up to `limit`, with the names of tokens between them
    /// ([`Event::TokenUsed`], each before the acts of its trace).
    ///
    /// # Errors
    /// When the views do not answer now.
    pub async fn acts(&self, wanted: Act, limit: usize) -> Result<Vec<Record>, Down> {
        self.look_up(move |index, reader| {
            let mut before = wanted.before.unwrap_or(Seq(u64::MAX));
            let (mut found, mut acts) = (Vec::new(), 0);
            'looking: loop {
                let items = index.newest(place(Key::Audit), before, ACTS)?;
                let Some(last) = items.last() else { break };
                before = last.seq;
                for record in records_of(reader, &items)? {
                    if wanted.since.is_some_and(|since| record.at < since) {
                        break 'looking;
                    }
                    let Some((what, by)) = act(&record.event) else {
                        found.push(record);
                        continue;
                    };
                    let is_wanted = wanted.what.is_none_or(|wanted| wanted == what)
                        && wanted.by.as_ref().is_none_or(|person| by.is(person));
                    if !is_wanted {
                        continue;
                    }
                    if acts == limit {
                        break 'looking;
                    }
                    acts += 1;
                    found.push(record);
                }
            }
            Ok(found)
        })
        .await
    }

    /// Stops the thread and closes the store; every clone is stopped with it. Blocks until the folder is free: not
    /// for async code.
    pub fn stop(self) {
        self.stop.send_replace(true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the views panicked; they are checked at the next start");
        }
    }

    /// Runs `look` where it may block, behind the wall.
    async fn look_up<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Index, &dyn Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Down> {
        let index = self.shared.index().ok_or_else(|| self.down())?;
        let reader = self.shared.reader.clone();
        let looked = tokio::task::spawn_blocking(move || {
            contained(move || {
                let found = look(&index, &*reader);
                drop(index);
                found
            })
        });
        let why = match looked.await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(Fault::Folder(why))) => {
                self.shared.suspect(why.clone());
                why
            }
            Ok(Err(Fault::System(why) | Fault::Journal(why))) => why,
            Ok(Err(Fault::Stopped)) | Err(_) => "Watchbell is stopping".to_owned(),
        };
        Err(Down { why, ..self.down() })
    }

    fn down(&self) -> Down {
        match &*self.shared.phase.borrow() {
            Phase::Ready { applied } => {
                let of = self.shared.reader.committed().0;
                Down { why: "they are behind".to_owned(), done: applied.0, of }
            }
            Phase::Working { why, done, of } => Down { why: why.clone(), done: *done, of: *of },
            Phase::Broken { why } => Down { why: why.clone(), done: 0, of: 0 },
        }
    }
}

/// Whether this event is the beginning of what is filed under the key.
fn opens(key: Key, record: &Record) -> bool {
    match (key, &record.event) {
        (Key::Incident(id), Event::IncidentOpened(opened)) => opened.incident == id,
        (Key::Group(id), Event::GroupOpened(opened)) => opened.group == id,
        (Key::Alert(id), Event::AlertFired(fired)) => fired.alert == id,
        (Key::Incident(_) | Key::Group(_) | Key::Alert(_), _) => false,
        _ => true,
    }
}

/// The records at these positions; those that were archived meanwhile are left out.
fn records_of(reader: &dyn Reader, items: &[Item]) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        records.extend(record_of(reader, item)?);
    }
    Ok(records)
}

fn record_of(reader: &dyn Reader, item: &Item) -> Result<Option<Record>, Fault> {
    let why = match reader.read_at(item.position) {
        Ok(record) if record.seq == item.seq => return Ok(Some(record)),
        Ok(record) => format!("event {} stands where event {} should", record.seq, item.seq),
        Err(error) => error.to_string(),
    };
    // Is it the position that is wrong, or the journal?
    let mut found = None;
    let scanned = reader.scan(item.seq, &mut |record, position| {
        found = Some((record, position));
        ControlFlow::Break(())
    });
    match (scanned, found) {
        (Err(JournalError::Missing { .. }), _) => Ok(None),
        (Ok(()), Some((record, position))) if record.seq == item.seq && position == item.position => {
            Ok(Some(record))
        }
        (Ok(()), _) => Err(Fault::Folder(why)),
        (Err(error), _) => Err(Fault::from(error)),
    }
}

/// When the alert had fired whose end this is.
fn fired_of(index: &Index, reader: &dyn Reader, resolved: &Record) -> Result<Option<Record>, Fault> {
    let Event::AlertResolved { alert, .. } = &resolved.event else {
        return Err(Fault::Folder(format!("event {} is not the end of an alert", resolved.seq)));
    };
    let first = index.oldest(place(Key::Alert(*alert)), Seq(0), 1)?;
    let Some(item) = first.first() else { return Ok(None) };
    let fired = record_of(reader, item)?;
    Ok(fired.filter(|record| matches!(&record.event, Event::AlertFired(fired) if fired.alert == *alert)))
}
