//! `watchbell journal verify`: reads every line of every segment and says which are damaged. Works beside a
//! running server; never changes anything.

use std::{ops::ControlFlow, path::Path};

use super::{
    Damage, JournalError, reader,
    segment::len_u64,
    walk::{Step, walk},
};
use crate::domain::id::Seq;

/// How many lines are read between two reports of progress.
const REPORT_EVERY: u64 = 1 << 14;

/// How far the verification is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments begun.
    pub segments: u64,
    /// Bytes of lines read.
    pub bytes: u64,
    /// Events read.
    pub events: u64,
    /// The last event read.
    pub seq: Seq,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// How much was read.
    pub read: Progress,
    /// The first event that is there (older segments may be archived); 0 when there is none.
    pub first: Seq,
    /// Every damaged line, in the order of the journal.
    pub damage: Vec<Damage>,
    /// Bytes at the end that are no whole batch: the server is writing, or a write was torn and will be cut at the
    /// next start. Not damage.
    pub unfinished: u64,
    /// Whether `progress` stopped it.
    pub stopped: bool,
}

/// As [`verify_telling`], for whoever waits for its end.
///
/// # Errors
/// As there.
pub fn verify(
    data_dir: &Path,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Verified, JournalError> {
    verify_telling(data_dir, progress, &mut |_| {})
}

/// Checks headers, sequences, hashes, the words of people, and that this release can read each event of the journal
/// in `data_dir`. `progress` is called now and then and may stop it; `damaged` hears of damage as soon as it is found. Blocks on the disk.
///
/// # Errors
/// When the system refuses; damage is no error but part of what is found.
pub fn verify_telling(
    data_dir: &Path,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    damaged: &mut dyn FnMut(&Damage),
) -> Result<Verified, JournalError> {
    let mut found = Verified::default();
    let mut read = Progress::default();
    let mut note = |damage: Damage, all: &mut Vec<Damage>| {
        damaged(&damage);
        all.push(damage);
    };
    found.unfinished = walk(&data_dir.join("journal"), Seq(1), &mut |step| {
        let report = match step {
            Step::Segment { .. } => {
                read.segments += 1;
                true
            }
            Step::Line { mark, bytes, file, number, .. } => {
                if found.first == Seq(0) {
                    found.first = mark.seq;
                }
                read.events += 1;
                read.bytes += len_u64(bytes.len()) + 1;
                read.seq = mark.seq;
                match reader::parse(bytes, file, &|| number, mark.seq) {
                    Ok(_) => {}
                    Err(JournalError::Damaged(damage)) => note(*damage, &mut found.damage),
                    Err(error) => {
                        let (seq, why) = (mark.seq, error.to_string());
                        let damage = Damage { file: file.into(), line: number, seq, why, unread: false };
                        note(damage, &mut found.damage);
                    }
                }
                read.events.is_multiple_of(REPORT_EVERY)
            }
            Step::Damage(damage) => {
                note(damage, &mut found.damage);
                false
            }
        };
        let flow = if report { progress(&read) } else { ControlFlow::Continue(()) };
        found.stopped |= flow.is_break();
        flow
    })?;
    Ok(Verified { read, ..found })
}
