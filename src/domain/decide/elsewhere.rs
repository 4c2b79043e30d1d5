//! Other teams' pagers hear that a page of theirs was taken, and that it is over. Never before the page has left for
//! good: what they hear before the page, they drop, and ring on.

use super::Decision;
use crate::domain::{
    elsewhere::{Ends, Held},
    id::PageId,
};

impl Decision<'_> {
    /// Tells whoever holds one of these pages and has not heard what is owed to them.
    pub(super) fn tell_elsewhere(&mut self, ends: &Ends) {
        for key in ends.keys(&self.state.elsewhere) {
            // While a page runs it may leave for them again; they hear of its end when it has one.
            if self.state.pages.contains_key(&key.1) {
                continue;
            }
            let all = self.state.elsewhere.get(&key).cloned().unwrap_or_default();
            for held in all.into_iter().filter(|held| held.leaving.is_empty() && held.told < held.owed) {
                self.tell_one(key.1, held);
            }
        }
    }

    fn tell_one(&mut self, page: PageId, held: Held) {
        let Some(told) = held.owed else { return };
        if let Some(earlier) = held.telling
            && self.state.deliveries.get(&earlier).is_some_and(|earlier| !earlier.leaving)
        {
            self.cancel(earlier, true);
        }
        self.queue(told.kind(), held.subject, Some(page), held.to, held.channel, 0, None);
    }
}
