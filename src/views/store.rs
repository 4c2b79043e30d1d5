//! The folder of sled: entries and, under a key of its own, what they must add up to. Never used without the wall
//! of [`super::fault`], and never trusted before it was checked.
//!
//! sled loses entries silently when its file was cut, and answers wrongly when bits flipped. So the totals over all
//! entries (how many, and the sum of their checksums) are written after every batch, and whoever opens the folder
//! adds everything up again. That reads all of it: about a second per million events, beside everything else. No
//! mark of a clean end can replace it, because a folder may be cut while it is stopped. After a crash sled comes
//! back at some earlier moment: entries newer than the totals are removed, then the totals must agree.
//!
//! Entries go in one by one and not by `apply_batch`: that one holds sled's garbage until its end, and 4,000
//! entries at a time grew to gigabytes within a minute.

use std::path::Path;

use super::{
    block::{Batch, Bucket, Item, block_key, checksum, first_seq, items, mark},
    fault::Fault,
};
use crate::{
    domain::id::Seq,
    journal::{Position, Reader},
};

/// Raised when anything about keys, buckets, items or totals changes: older folders are made anew.
const SCHEMA: u8 = 3;
/// sled's cache: the least that does not slow the writer down.
const CACHE_BYTES: u64 = 4 << 20;
/// Where the totals stand; no bucket begins with 0.
const TOTALS: [u8; 1] = [0];
/// How often a check looks each entry up. Each of the 256 parts of sled's cache gives something up only after 64 uses, so what
/// is used once stays in memory: of a million events 71 MB after a walk alone, 22 after one look at each entry, 8 after four.
const LOOKS: usize = 6;
/// How often a check tells how far it is, in entries.
const CHECK_STEP: u64 = 4096;

/// What all entries add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    /// Entries.
    blocks: u64,
    /// Sum of their checksums.
    sum: u64,
    /// The last event that is in them, where it stands and what it is.
    applied: Option<(Seq, Position, u64)>,
}

impl Totals {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = vec![SCHEMA];
        bytes.extend(self.blocks.to_be_bytes());
        bytes.extend(self.sum.to_be_bytes());
        if let Some((seq, position, mark)) = self.applied {
            bytes.extend(seq.0.to_be_bytes());
            bytes.extend(position.to_bytes());
            bytes.extend(mark.to_be_bytes());
        }
        bytes.extend(checksum(&TOTALS, &bytes).to_be_bytes());
        bytes
    }

    /// None when they are damaged or of another schema.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (bytes, sum) = bytes.split_last_chunk()?;
        if checksum(&TOTALS, bytes) != u64::from_be_bytes(*sum) {
            return None;
        }
        let (schema, rest) = bytes.split_first()?;
        let (blocks, rest) = rest.split_first_chunk()?;
        let (sum, rest) = rest.split_first_chunk()?;
        let applied = if rest.is_empty() {
            None
        } else {
            let (seq, rest) = rest.split_first_chunk()?;
            let (position, rest) = rest.split_first_chunk()?;
            let position = Position::from_bytes(*position);
            Some((Seq(u64::from_be_bytes(*seq)), position, u64::from_be_bytes(rest.try_into().ok()?)))
        };
        let totals = Self { blocks: u64::from_be_bytes(*blocks), sum: u64::from_be_bytes(*sum), applied };
        (*schema == SCHEMA).then_some(totals)
    }
}

/// The folder, open.
pub(super) struct Store {
    index: Index,
    totals: Totals,
    dirty: bool,
}

impl Store {
    /// Opens the folder, or makes it. What is in it must be checked before it is used.
    pub(super) fn open(dir: &Path) -> Result<Self, Fault> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            // The journal is what lasts; this only has to be whole.
            .flush_every_ms(None);
        let db = config.open()?;
        let totals = match db.get(TOTALS)? {
            Some(bytes) => Totals::from_bytes(&bytes)
                .ok_or_else(|| Fault::Folder("its totals are damaged or of another release".to_owned()))?,
            None => Totals::default(),
        };
        Ok(Self { index: Index { db }, totals, dirty: false })
    }

    /// Adds everything up and compares. `step` hears how many entries of how many were read, and may stop it.
    pub(super) fn check(
        &mut self,
        reader: &dyn Reader,
        mut step: impl FnMut(u64, u64) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let expected = self.totals.blocks;
        let (found, newer) = self.add_up(|blocks| step(blocks, expected))?;
        if (found.blocks, found.sum) != (self.totals.blocks, self.totals.sum) {
            let blocks = found.blocks;
            let why = format!("{blocks} of {expected} entries are there, or some are damaged");
            return Err(Fault::Folder(why));
        }
        self.check_journal(reader)?;
        for key in newer {
            self.index.db.remove(key)?;
        }
        Ok(())
    }

    /// Reads every entry: what they add up to, and the keys of those that are newer than the totals.
    fn add_up(
        &self,
        mut step: impl FnMut(u64) -> Result<(), Fault>,
    ) -> Result<(Totals, Vec<sled::IVec>), Fault> {
        let mut found = Totals { applied: self.totals.applied, ..Totals::default() };
        let mut newer = Vec::new();
        for entry in self.index.db.iter() {
            let (key, value) = entry?;
            // By itself, too: a walk and a look-up take different ways through sled.
            for _ in 0..LOOKS {
                if self.index.db.get(&key)?.as_ref() != Some(&value) {
                    return Err(Fault::Folder("an entry is not found where it belongs".to_owned()));
                }
            }
            if key.as_ref() == TOTALS {
                continue;
            }
            let first = first_seq(&key).ok_or_else(|| Fault::Folder("a key is damaged".to_owned()))?;
            if first > self.applied() {
                newer.push(key);
                continue;
            }
            found.blocks += 1;
            found.sum = found.sum.wrapping_add(checksum(&key, &value));
            if found.blocks.is_multiple_of(CHECK_STEP) {
                step(found.blocks)?;
            }
        }
        Ok((found, newer))
    }

    /// Whether this journal is the one that the entries point into.
    fn check_journal(&self, reader: &dyn Reader) -> Result<(), Fault> {
        let Some((seq, position, expected)) = self.totals.applied else { return Ok(()) };
        if seq > reader.committed() {
            let end = reader.committed();
            return Err(Fault::Folder(format!("it reaches to event {seq}, the journal only to {end}")));
        }
        match reader.read_at(position) {
            Ok(record) if record.seq == seq && mark(&record) == expected => Ok(()),
            _ => Err(Fault::Folder(format!("event {seq} is not where it was: the journal was replaced"))),
        }
    }

    /// True up to here; 0: nothing is in it.
    pub(super) fn applied(&self) -> Seq {
        self.totals.applied.map_or(Seq(0), |(seq, _, _)| seq)
    }

    /// Keeps what `batch` brings.
    pub(super) fn apply(&mut self, batch: &Batch) -> Result<(), Fault> {
        let Some(last) = batch.last else { return Ok(()) };
        for (key, block) in batch.blocks() {
            if self.index.db.insert(key, block)?.is_some() {
                return Err(Fault::Folder("an entry was there before its time".to_owned()));
            }
            self.totals.blocks += 1;
            self.totals.sum = self.totals.sum.wrapping_add(checksum(&key, block));
        }
        self.totals.applied = Some(last);
        self.index.db.insert(TOTALS, self.totals.to_bytes())?;
        self.dirty = true;
        Ok(())
    }

    /// Whether something was applied since the last flush.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Hands everything to the system, so that the next start has little to catch up.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        self.index.db.flush()?;
        self.dirty = false;
        Ok(())
    }

    /// For whoever looks things up.
    pub(super) fn index(&self) -> Index {
        self.index.clone()
    }
}

/// The entries, for whoever looks things up.
#[derive(Clone)]
pub(super) struct Index {
    db: sled::Db,
}

impl Index {
    /// Up to `limit` items of one key after `after`, oldest first.
    pub(super) fn oldest(&self, place: (Bucket, u8), after: Seq, limit: usize) -> Result<Vec<Item>, Fault> {
        let (bucket, low) = place;
        // The entry that begins at or before `after` may reach beyond it.
        let start = block_key(bucket, after);
        let start = match self.db.range(block_key(bucket, Seq(0))..=start).next_back() {
            Some(entry) => entry?.0.to_vec(),
            None => start.to_vec(),
        };
        let mut found = Vec::new();
        for entry in self.db.range(start..=block_key(bucket, Seq(u64::MAX)).to_vec()) {
            let (_, value) = entry?;
            found.extend(items(&value).filter(|item| item.low == low && item.seq > after));
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Up to `limit` items of one key before `before`, newest first.
    pub(super) fn newest(&self, place: (Bucket, u8), before: Seq, limit: usize) -> Result<Vec<Item>, Fault> {
        let (bucket, low) = place;
        let mut found = Vec::new();
        for entry in self.db.range(block_key(bucket, Seq(0))..block_key(bucket, before)).rev() {
            let (_, value) = entry?;
            found.extend(items(&value).rev().filter(|item| item.low == low && item.seq < before));
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}
