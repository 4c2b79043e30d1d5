//! What upkeep of the journal makes of the state. Never keeps words that were erased.

use jiff::Timestamp;

use crate::domain::{
    event::Actor,
    state::{Stamp, State},
    upkeep::{A_WHILE, Refusals, UpkeepEvent},
};

/// Folders of archives that are named; whoever uses more knows where they are.
const ARCHIVES: usize = 8;

impl State {
    pub(super) fn looked_after(&mut self, what: &UpkeepEvent, stamp: &Stamp) {
        match what {
            UpkeepEvent::Erased(erased) => self.forget_words(erased),
            UpkeepEvent::Archived(archived) => {
                self.archives.retain(|known| *known != archived.to);
                self.archives.push(archived.to.clone());
                let older = self.archives.len().saturating_sub(ARCHIVES);
                self.archives.drain(..older);
            }
            UpkeepEvent::Refused { by, .. } => self.refused(by, stamp.clock),
            UpkeepEvent::RefusedMore { .. } => {}
            UpkeepEvent::Damaged(found) => drop(self.damage.insert(found.clone())),
            UpkeepEvent::Whole => self.damage.clear(),
        }
    }

    /// Counts what was written of somebody, and forgets whose minute is over.
    fn refused(&mut self, by: &Actor, at: Timestamp) {
        self.refusals.retain(|_, lately| at < lately.until);
        let until = at.saturating_add(A_WHILE).unwrap_or(at);
        self.refusals.entry(by.clone()).or_insert(Refusals { until, written: 0 }).written += 1;
    }
}
