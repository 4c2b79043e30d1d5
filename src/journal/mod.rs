//! The journal: the append-only, hash-chained log of events from which all state is derived, and the snapshots
//! that make replay short. Never decides anything and never changes a line that was answered.
//!
//! A line is the JSON of a [`Record`] with the hash of its chain as the last field:
//! `h(n) = SHA-256(h(n-1) ‖ line without the h field)`, where the words of people (salt and text of a
//! [`Prose`](crate::domain::prose::Prose)) are left out, so that they can be erased in place. The first line of
//! each batch carries `"sync":true`: everything before it had reached the disk when it was written, which tells a
//! torn write (cut at the next start) from damage (never cut).

use std::{fmt, ops::ControlFlow, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use tokio::sync::watch;

use crate::domain::{event::Record, id::Seq};

mod ahead;
mod apart;
pub mod archive;
pub mod backup;
mod commits;
pub mod erase;
mod error;
mod export;
mod file;
mod line;
mod lock;
mod memory;
mod reader;
mod recovery;
mod reserve;
mod segment;
pub mod snapshot;
mod stat;
mod verify;
mod walk;

#[cfg(test)]
mod tests;

pub use error::{Damage, JournalError};
pub use export::{Exported, Selection, export};
pub use file::{FileJournal, Opened, Options};
pub use lock::DataLock;
pub use memory::{Keep, MemoryDisk, MemoryJournal};
pub use reader::FileReader;
pub use recovery::Torn;
pub use stat::{Stat, stat};
pub use verify::{Progress, Verified, verify, verify_telling};
pub(crate) use {reader::locked, reserve::is_full};

/// Keeps events. One writer; the engine owns it.
pub trait Journal: Send {
    /// Keeps one batch: records with consecutive sequences that follow the head, made of whole intents (the
    /// last record carries the mark `last`). It is durable when this returns `Ok`; an empty batch is `Ok`. Readers see
    /// it after [`Journal::publish`].
    ///
    /// # Errors
    /// Every error is final: what the disk holds is unknown until it is read again. The caller tells nobody of
    /// this batch yes and ends the process; each later call fails too.
    fn keep(&mut self, records: &[Record]) -> Result<(), JournalError>;

    /// Lets readers see what was kept, and wakes those that wait for it. Once after each [`Journal::keep`].
    fn publish(&mut self);

    /// Keeps one batch and lets readers see it.
    ///
    /// # Errors
    /// As [`Journal::keep`].
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.keep(records)?;
        self.publish();
        Ok(())
    }

    /// The end of the journal.
    fn head(&self) -> Head;

    /// Reads what is durable; may be shared with any number of threads.
    fn reader(&self) -> Arc<dyn Reader>;
}

/// Reads what is committed: durable, and never taken back.
pub trait Reader: Send + Sync {
    /// The last durable sequence; 0 when there is none.
    fn committed(&self) -> Seq;

    /// Follows the last durable sequence.
    fn watch(&self) -> watch::Receiver<Seq>;

    /// Blocks this thread until something after `seq` is durable or `timeout` is over; returns the last durable
    /// sequence. For threads of their own: async code uses [`Reader::watch`].
    fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq;

    /// Calls `visit` with each durable record from `from` on, until `visit` breaks. Blocks on the disk.
    ///
    /// # Errors
    /// When what is read is damaged (the chain is checked), older than the oldest segment, written by a newer
    /// release, or cannot be read; `visit` has seen everything before.
    fn scan(
        &self,
        from: Seq,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(), JournalError>;

    /// The record at a position that [`Reader::scan`] gave. Blocks on the disk. The chain is not checked, the
    /// words of people are.
    ///
    /// # Errors
    /// When there is no such record, or it is damaged.
    fn read_at(&self, position: Position) -> Result<Record, JournalError>;

    /// The digest of the chain up to and with `seq`; 0 gives the digest that the first record follows. `None`
    /// when the journal does not reach that far forth or back.
    ///
    /// # Errors
    /// When it cannot be read.
    fn digest_at(&self, seq: Seq) -> Result<Option<Digest>, JournalError>;

    /// Why the journal works but needs attention (the disk is full), in words for an operator.
    fn degraded(&self) -> Option<String> {
        None
    }
}

/// The end of a journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the last record; 0 when there is none.
    pub seq: Seq,
    /// Digest of the chain up to it.
    pub digest: Digest,
    /// Civil time of the last record, when one can still be read.
    pub at: Option<Timestamp>,
    /// Engine time of the last record: the clock starts no earlier.
    pub engine_time: Option<Timestamp>,
}

impl Head {
    /// The head once `record` with this digest follows.
    #[must_use]
    pub fn after(record: &Record, digest: Digest) -> Self {
        Self { seq: record.seq, digest, at: Some(record.at), engine_time: Some(record.engine_time()) }
    }
}

/// Where a record stands. Small and stable, so that the views keep it instead of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// First sequence of its segment.
    segment: u64,
    /// Bytes before its line.
    offset: u32,
    /// Bytes of its line with the newline.
    len: u32,
}

impl Position {
    /// Size of a position in bytes.
    pub const BYTES: usize = 16;

    /// The position as bytes that sort like the records.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let whole = (u128::from(self.segment) << 64) | (u128::from(self.offset) << 32) | u128::from(self.len);
        whole.to_be_bytes()
    }

    /// What [`Position::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [s0, s1, s2, s3, s4, s5, s6, s7, o0, o1, o2, o3, l0, l1, l2, l3] = bytes;
        Self {
            segment: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            offset: u32::from_be_bytes([o0, o1, o2, o3]),
            len: u32::from_be_bytes([l0, l1, l2, l3]),
        }
    }
}

/// A digest of the chain; the default (zeros) is what the first record follows.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        let mut digest = [0; 32];
        let lower = digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (lower && hex::decode_to_slice(digits, &mut digest).is_ok()).then_some(Self(digest))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hex(text.as_bytes()).ok_or_else(|| D::Error::custom("not 64 hex digits"))
    }
}
