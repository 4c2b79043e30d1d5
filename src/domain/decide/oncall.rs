//! Who is on call, and who stands in. Never changes the past.

use jiff::Timestamp;

use super::Decision;
use crate::domain::{
    event::{Actor, Event},
    id::{OverrideId, PersonId, ScheduleId},
    intent::{BadTimes, Refusal},
    schedule::{HORIZON, Override},
};

impl Decision<'_> {
    /// Who is on call by this schedule now.
    pub(super) fn on_call(&self, schedule: &ScheduleId) -> Option<PersonId> {
        let overrides: Vec<Override> = self.state.overrides_of(schedule);
        self.config.schedules.get(schedule)?.on_call(self.now.civil, &overrides).cloned()
    }

    pub(super) fn add_override(
        &mut self,
        schedule: ScheduleId,
        person: PersonId,
        from: Timestamp,
        until: Timestamp,
        by: Actor,
    ) -> Result<(), Refusal> {
        if !self.config.schedules.contains_key(&schedule) {
            return Err(Refusal::unknown_name("schedule", schedule));
        }
        if !self.config.people.contains_key(&person) {
            return Err(Refusal::unknown_name("person", person));
        }
        // Who was on call until now stays true.
        let begins = from.max(self.now.civil);
        let wrong = if until <= from {
            Some(BadTimes::EndsFirst)
        } else if until <= begins {
            Some(BadTimes::Over)
        } else {
            (until.duration_since(begins) > HORIZON).then_some(BadTimes::TooLong)
        };
        if let Some(why) = wrong {
            return Err(Refusal::BadTimes { why });
        }
        let id = self.state.next.overriding;
        self.emit(Event::OverrideAdded { id, schedule, person, from: begins, until, by });
        Ok(())
    }

    pub(super) fn remove_override(&mut self, id: OverrideId, by: Actor) -> Result<(), Refusal> {
        match self.state.overrides.get(&id) {
            Some(entry) if entry.until > self.now.civil => {
                let other = self.state.swaps.get(&id).copied();
                self.emit(Event::OverrideRemoved { id, by: by.clone() });
                // Half a swap would leave somebody with both shifts; what of it is over stays as it was.
                let counts = |id: &OverrideId| {
                    self.state.overrides.get(id).is_some_and(|one| one.until > self.now.civil)
                };
                if let Some(other) = other.filter(counts) {
                    self.emit(Event::OverrideRemoved { id: other, by });
                }
                Ok(())
            }
            _ => {
                let gone = self.state.taken_back.iter().rev().find(|(gone, ..)| *gone == id).cloned();
                Err(gone.map_or(Refusal::UnknownOverride(id), |(id, by, at)| Refusal::TakenBack {
                    id,
                    by,
                    at,
                }))
            }
        }
    }
}
