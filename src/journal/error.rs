//! What can go wrong with the journal, in words for the operator: what happened, what is kept, what to do now.
//! Never shows the content of a record.

use std::{fmt, io, path::PathBuf};

use crate::domain::{event::FORMAT, id::Seq};

/// A line of the journal that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment.
    pub file: PathBuf,
    /// The line, counted from 1; the header is line 1. 0 when it is not known.
    pub line: u64,
    /// The event that stands or stood there; for a header, the first one after it.
    pub seq: Seq,
    /// What is wrong with it.
    pub why: String,
    /// Whether the disk refused it: what stands there is not known to be wrong.
    pub unread: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: event {}: {}", self.file.display(), self.line, self.seq, self.why)
    }
}

/// Why the journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line is not what was written.
    #[error(
        "{0}. Nothing was changed or cut. Put a good copy of this file in its place (segments are plain files), \
         then start again; `watchbell journal verify` lists every damaged line"
    )]
    Damaged(Box<Damage>),
    /// A newer release wrote it.
    #[error(
        "{}:{line}: this was written in format {version}, and this release of Watchbell reads formats up to {FORMAT}. \
         Nothing was changed. Start the newer release", file.display()
    )]
    Newer {
        /// The segment.
        file: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The version found.
        version: u16,
    },
    /// The segment that held it is not there.
    #[error(
        "event {seq} is not in {}: the segment that held it was archived or removed. \
         Put it back to read what is older", dir.display()
    )]
    Missing {
        /// The event asked for.
        seq: Seq,
        /// The journal's folder.
        dir: PathBuf,
    },
    /// The file system refused.
    #[error("could not {doing} {}: {source}", path.display())]
    Io {
        /// What was tried (`sync`, `open`).
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier append failed: what the disk holds is unknown until it is read again.
    #[error(
        "an earlier write to the journal failed; nothing more is accepted until Watchbell is started anew"
    )]
    Poisoned,
    /// The caller broke the rules of a batch; nothing was written.
    #[error("not a batch of whole intents that follows event {head}: {why}")]
    NotABatch {
        /// The last event.
        head: Seq,
        /// Which rule.
        why: String,
    },
    /// Another process writes into this data folder.
    #[error(
        "{} is in use by another Watchbell{}. Stop that one, or give this one its own folder with --data",
        dir.display(), holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The data folder.
        dir: PathBuf,
        /// Process id of the other one, when it left one.
        holder: Option<String>,
    },
}

impl JournalError {
    pub(super) fn damaged(file: impl Into<PathBuf>, line: u64, seq: Seq, why: impl Into<String>) -> Self {
        Self::Damaged(Box::new(Damage { file: file.into(), line, seq, why: why.into(), unread: false }))
    }

    /// Turns an error of the system into one that says what was tried on what.
    pub(super) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> JournalError {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
