//! `watchbell journal export`: the lines of the journal as they stand, without the headers of the files. Never
//! writes a damaged line: it is reported instead.

use std::{io::Write, ops::ControlFlow, path::Path};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Damage, JournalError,
    walk::{Step, walk},
};
use crate::domain::id::Seq;

/// Which events are wanted; the default is all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// The first one.
    pub from: Option<Seq>,
    /// The last one.
    pub to: Option<Seq>,
    /// Only those decided at or after this instant (civil time).
    pub since: Option<Timestamp>,
}

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many events were written.
    pub events: u64,
    /// Lines that were left out because they are damaged.
    pub damage: Vec<Damage>,
}

/// Writes the selected events of the journal in `data_dir` as JSON lines, each with its hash `h`. Works beside a
/// running server. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read or `out` cannot be written.
pub fn export(data_dir: &Path, selection: &Selection, out: &mut dyn Write) -> Result<Exported, JournalError> {
    #[derive(Deserialize)]
    struct Decided {
        at: Timestamp,
    }
    let from = selection.from.unwrap_or(Seq(1));
    let to = selection.to.unwrap_or(Seq(u64::MAX));
    let is_due = |bytes: &[u8]| {
        selection.since.is_none_or(|since| {
            serde_json::from_slice::<Decided>(bytes).is_ok_and(|decided| decided.at >= since)
        })
    };
    let mut exported = Exported::default();
    let mut failed = None;
    walk(&data_dir.join("journal"), from, &mut |step| {
        match step {
            Step::Line { mark, .. } if mark.seq > to => return ControlFlow::Break(()),
            Step::Line { mark, bytes, .. } if mark.seq >= from && is_due(bytes) => {
                if let Err(error) = out.write_all(bytes).and_then(|()| out.write_all(b"\n")) {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                exported.events += 1;
            }
            Step::Damage(damage) if damage.seq >= from && damage.seq <= to => exported.damage.push(damage),
            Step::Line { .. } | Step::Damage(_) | Step::Segment { .. } => {}
        }
        ControlFlow::Continue(())
    })?;
    match failed.map_or_else(|| out.flush(), Err) {
        Ok(()) => Ok(exported),
        Err(error) => Err(JournalError::io("write", "the export")(error)),
    }
}
