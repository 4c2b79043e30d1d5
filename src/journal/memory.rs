//! A journal in memory, for tests and the simulation: what survives a crash is a [`MemoryDisk`] that outlives the
//! journal. Never used by a server: nothing of it is durable.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Digest, Head, Journal, JournalError, Position, Reader, commits::Commits, file::check_batch};
use crate::domain::{event::Record, id::Seq};

/// How much of a batch is on the disk when its append fails. The caller hears an error in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing of it.
    Nothing,
    /// This many records from its beginning (all, when it has fewer).
    Records(usize),
    /// All of it: it was durable, but nobody was told.
    Whole,
}

/// What survives a crash. Clones share the same contents; [`MemoryDisk::fork`] makes a copy of its own.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    records: Vec<Arc<Record>>,
    fail: Option<Keep>,
}

impl MemoryDisk {
    /// Lets the next append fail and keep this much; the journal that it happens to accepts nothing more.
    pub fn fail_next_append(&self, keep: Keep) {
        self.contents().fail = Some(keep);
    }

    /// A copy that goes its own way.
    #[must_use]
    pub fn fork(&self) -> Self {
        let records = self.contents().records.clone();
        Self { contents: Arc::new(Mutex::new(Contents { records, fail: None })) }
    }

    /// How many records are on it, those of an unfinished batch included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents().records.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A journal whose records are kept on a [`MemoryDisk`].
///
/// Its digests depend on the sequence alone: hashing would cost the simulation more than everything else.
pub struct MemoryJournal {
    reader: Arc<MemoryReader>,
    head: Head,
    poisoned: bool,
}

impl MemoryJournal {
    /// Starts on what `disk` holds. Records after the last whole intent are cut, as at a real start; the second
    /// value says how many.
    #[must_use]
    pub fn open(disk: MemoryDisk) -> (Self, usize) {
        let (head, torn) = {
            let records = &mut disk.contents().records;
            let whole = records.iter().rposition(|record| record.last).map_or(0, |last| last + 1);
            let torn = records.len() - whole;
            records.truncate(whole);
            let head = records.last().map_or(Head::default(), |r| Head::after(r, digest_for(r.seq)));
            (head, torn)
        };
        let commits = Commits::new(head.seq);
        (Self { reader: Arc::new(MemoryReader { disk, commits }), head, poisoned: false }, torn)
    }

    /// What survives when this journal is gone.
    #[must_use]
    pub fn disk(&self) -> MemoryDisk {
        self.reader.disk.clone()
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::open(MemoryDisk::default()).0
    }
}

fn digest_for(seq: Seq) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&seq.0.to_be_bytes());
    Digest(digest)
}

impl Journal for MemoryJournal {
    fn keep(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let Some(last) = check_batch(&self.head, records).inspect_err(|_| self.poisoned = true)? else {
            return Ok(());
        };
        {
            let mut contents = self.reader.disk.contents();
            let failure = contents.fail.take();
            let kept = match failure {
                None | Some(Keep::Whole) => records.len(),
                Some(Keep::Nothing) => 0,
                Some(Keep::Records(count)) => count.min(records.len()),
            };
            contents.records.extend(records.iter().take(kept).cloned().map(Arc::new));
            if failure.is_some() {
                self.poisoned = true;
                return Err(JournalError::Poisoned);
            }
        }
        self.head = Head::after(last, digest_for(last.seq));
        Ok(())
    }

    fn publish(&mut self) {
        self.reader.commits.publish(self.head.seq);
    }

    fn head(&self) -> Head {
        self.head
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }
}

struct MemoryReader {
    disk: MemoryDisk,
    commits: Commits,
}

impl MemoryReader {
    fn get(&self, seq: Seq) -> Option<Arc<Record>> {
        if seq > self.commits.committed() {
            return None;
        }
        let index = usize::try_from(seq.0).ok()?.checked_sub(1)?;
        self.disk.contents().records.get(index).cloned()
    }
}

impl Reader for MemoryReader {
    fn committed(&self) -> Seq {
        self.commits.committed()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.commits.watch()
    }

    fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq {
        self.commits.wait_beyond(seq, timeout)
    }

    fn scan(
        &self,
        from: Seq,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let mut seq = from.max(Seq(1));
        // The lock is not held during the visit, which may append.
        while let Some(record) = self.get(seq) {
            let position = Position { segment: seq.0, offset: 0, len: 0 };
            if visit(Record::clone(&record), position).is_break() {
                break;
            }
            seq = seq.next();
        }
        Ok(())
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        let seq = Seq(position.segment);
        let missing = || JournalError::damaged("memory", 0, seq, "there is no such event");
        self.get(seq).map(|record| Record::clone(&record)).ok_or_else(missing)
    }

    fn digest_at(&self, seq: Seq) -> Result<Option<Digest>, JournalError> {
        Ok((seq <= self.committed()).then(|| digest_for(seq)))
    }
}
