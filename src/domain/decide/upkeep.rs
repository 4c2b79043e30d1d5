//! What follows when the journal is looked after: it is noted, and damage pages the admins. Never pages twice for
//! the same line until all was whole in between.

use super::Decision;
use crate::domain::{
    event::{Actor, Event},
    intent::Whom,
    person::Role,
    upkeep::{LeftOut, REFUSALS, UpkeepEvent, UpkeepIntent},
};

impl Decision<'_> {
    pub(super) fn look_after(&mut self, what: UpkeepIntent) {
        match what {
            UpkeepIntent::Erase(erased) => self.noted(UpkeepEvent::Erased(erased)),
            UpkeepIntent::Archive(archived) => self.noted(UpkeepEvent::Archived(archived)),
            UpkeepIntent::Damaged { found, reason } => {
                if self.state.damage.contains(&found) {
                    return;
                }
                self.noted(UpkeepEvent::Damaged(found));
                let admins = self.config.people.values().filter(|person| person.role == Role::Admin);
                let admins: Vec<_> = admins.map(|person| person.id.clone()).collect();
                for admin in admins {
                    // Who has no contact cannot be paged; the red readiness and the log say it as well.
                    let _ = self.page_on_request(Whom::Person(admin), reason.clone(), Actor::Watchbell);
                }
            }
            UpkeepIntent::Whole if self.state.damage.is_empty() => {}
            UpkeepIntent::Whole => self.noted(UpkeepEvent::Whole),
            UpkeepIntent::Refused { what, by } => self.refused(what, by),
            UpkeepIntent::RefusedMore { by, count } => self.noted(UpkeepEvent::RefusedMore { by, count }),
        }
    }

    /// Whoever tries the same thing thousands of times does not fill the journal: the first ones are written, and how many
    /// more there were once the minute is over.
    fn refused(&mut self, what: String, by: Actor) {
        let lately = self.state.refusals.get(&by).filter(|lately| self.now.engine < lately.until);
        match lately.filter(|lately| lately.written >= REFUSALS) {
            Some(lately) => self.left_out = Some(LeftOut { until: lately.until, by }),
            None => self.noted(UpkeepEvent::Refused { what, by }),
        }
    }

    fn noted(&mut self, what: UpkeepEvent) {
        self.emit(Event::Upkeep(Box::new(what)));
    }
}
