//! `watchbell journal stat`: how much there is, of what, since when. Never parses what it only counts.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    JournalError, line,
    walk::{Step, walk},
};
use crate::domain::id::Seq;

/// What a journal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stat {
    /// Files.
    pub segments: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Events that can be read.
    pub events: u64,
    /// How many of each kind (`alert_fired`).
    pub kinds: BTreeMap<String, u64>,
    /// First event that is there, and when it was decided (civil time).
    pub first: Option<(Seq, Timestamp)>,
    /// Last event, and when.
    pub last: Option<(Seq, Timestamp)>,
    /// Damaged lines; `watchbell journal verify` names them.
    pub damaged: u64,
}

/// Counts the journal in `data_dir`. Works beside a running server. Blocks on the disk.
///
/// # Errors
/// When the system refuses.
pub fn stat(data_dir: &Path) -> Result<Stat, JournalError> {
    let mut stat = Stat::default();
    let mut last_line = Vec::new();
    walk(&data_dir.join("journal"), Seq(1), &mut |step| {
        match step {
            Step::Segment { bytes } => {
                stat.segments += 1;
                stat.bytes += bytes;
            }
            Step::Line { mark, bytes, .. } => {
                stat.events += 1;
                let kind = line::kind_of(bytes).unwrap_or("unknown");
                match stat.kinds.get_mut(kind) {
                    Some(count) => *count += 1,
                    None => drop(stat.kinds.insert(kind.to_owned(), 1)),
                }
                if stat.first.is_none() {
                    stat.first = decided(mark.seq, bytes);
                }
                last_line.clear();
                last_line.extend_from_slice(bytes);
            }
            Step::Damage(_) => stat.damaged += 1,
        }
        ControlFlow::Continue(())
    })?;
    stat.last = line::seq_of(&last_line).and_then(|seq| decided(seq, &last_line));
    Ok(stat)
}

fn decided(seq: Seq, bytes: &[u8]) -> Option<(Seq, Timestamp)> {
    #[derive(Deserialize)]
    struct Decided {
        at: Timestamp,
    }
    serde_json::from_slice::<Decided>(bytes).ok().map(|decided| (seq, decided.at))
}
