//! What upkeep of the journal makes of the state. Never keeps words that were erased.

use crate::domain::{state::State, upkeep::UpkeepEvent};

impl State {
    pub(super) fn looked_after(&mut self, what: &UpkeepEvent) {
        match what {
            UpkeepEvent::Erased(erased) => self.forget_words(erased),
            UpkeepEvent::Archived(_) | UpkeepEvent::Refused { .. } => {}
            UpkeepEvent::Damaged(found) => drop(self.damage.insert(found.clone())),
            UpkeepEvent::Whole => self.damage.clear(),
        }
    }
}
