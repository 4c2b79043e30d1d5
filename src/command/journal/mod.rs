//! `/journal …`: what is done to the journal itself, by admins. Never reads a word of it aloud.

pub mod archive;
pub mod erase;

use super::{Call, Reply, Undone};
use crate::{
    engine::upkeep::{Failed, Upkeep},
    text::upkeep::{no_disk, not_done, still_live},
};

/// Who looks after the journal.
fn upkeep(call: &Call<'_>) -> Result<Upkeep, Reply> {
    let none = || Reply::refused(no_disk());
    call.desk.upkeep.clone().ok_or_else(none)
}

/// Why it was not done, in words; whoever cannot be served now is told to come back.
fn failed(failed: Failed) -> Undone {
    match failed {
        Failed::NotTaken(rejected) => Undone::NotTaken(rejected),
        Failed::Live(runs) => Reply::refused(not_done(&still_live(&runs))).into(),
        failed => Reply::refused(not_done(&failed.to_string())).into(),
    }
}
