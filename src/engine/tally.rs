//! Counts the refusals that the rules left out of the journal, until it is time to say how many there were. In memory
//! alone: what a crash takes away is the number of the last minute. Never holds more than one entry for each caller.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{event::Actor, upkeep::LeftOut};

/// What was left out, by whoever was refused.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<Actor, (Timestamp, u64)>,
}

impl Tally {
    /// Counts one.
    pub(super) fn add(&mut self, left_out: Option<LeftOut>) {
        let Some(LeftOut { by, until }) = left_out else { return };
        self.counts.entry(by).or_insert((until, 0)).1 += 1;
    }

    /// When the next number is to be told (engine time).
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.counts.values().map(|(until, _)| *until).min()
    }

    /// Takes out those whose time has come.
    pub(super) fn over(&mut self, now: Timestamp) -> Vec<(Actor, u64)> {
        let over = self.counts.extract_if(.., |_, (until, _)| *until <= now);
        over.map(|(by, (_, count))| (by, count)).collect()
    }
}
