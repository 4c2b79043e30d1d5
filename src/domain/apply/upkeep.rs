//! What upkeep of the journal makes of the state. Never keeps words that were erased.

use crate::domain::{state::State, upkeep::UpkeepEvent};

/// Folders of archives that are named; whoever uses more knows where they are.
const ARCHIVES: usize = 8;

impl State {
    pub(super) fn looked_after(&mut self, what: &UpkeepEvent) {
        match what {
            UpkeepEvent::Erased(erased) => self.forget_words(erased),
            UpkeepEvent::Archived(archived) => {
                self.archives.retain(|known| *known != archived.to);
                self.archives.push(archived.to.clone());
                let older = self.archives.len().saturating_sub(ARCHIVES);
                self.archives.drain(..older);
            }
            UpkeepEvent::Refused { .. } => {}
            UpkeepEvent::Damaged(found) => drop(self.damage.insert(found.clone())),
            UpkeepEvent::Whole => self.damage.clear(),
        }
    }
}
