//! Counts the refusals that the rules left out of the journal, until it is time to say how many there were. In memory
//! alone: what a crash takes away is the number of the last minute. Never adds what belongs to one minute to another.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{event::Actor, upkeep::LeftOut};

/// What was left out, by whoever was refused.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By who it was, and when it is time to say how many: of one caller there are two while the number of the minute
    /// before is still to be told.
    counts: BTreeMap<(Actor, Timestamp), u64>,
}

impl Tally {
    /// Counts one.
    pub(super) fn add(&mut self, left_out: Option<LeftOut>) {
        let Some(LeftOut { by, until }) = left_out else { return };
        *self.counts.entry((by, until)).or_default() += 1;
    }

    /// When the next number is to be told (engine time).
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.counts.keys().map(|(_, until)| *until).min()
    }

    /// Takes out those whose time has come.
    pub(super) fn over(&mut self, now: Timestamp) -> Vec<(Actor, u64)> {
        let over = self.counts.extract_if(.., |(_, until), _| *until <= now);
        over.map(|((by, _), count)| (by, count)).collect()
    }
}
