//! Who is on call, and who stands in. Never changes the past.

use jiff::Timestamp;

use super::Decision;
use crate::domain::{
    event::{Actor, Event},
    id::{OverrideId, PersonId, ScheduleId},
    intent::Refusal,
    schedule::Override,
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
        let unknown = |what, name: &str| Refusal::UnknownName { what, name: name.to_owned(), nearest: None };
        if !self.config.schedules.contains_key(&schedule) {
            return Err(unknown("schedule", schedule.as_str()));
        }
        if !self.config.people.contains_key(&person) {
            return Err(unknown("person", person.as_str()));
        }
        if until <= from {
            return Err(Refusal::BadTimes { why: "it would end before it begins" });
        }
        if until <= self.now.civil {
            return Err(Refusal::BadTimes { why: "it would be over already" });
        }
        let id = self.state.next.overriding;
        self.emit(Event::OverrideAdded { id, schedule, person, from, until, by });
        Ok(())
    }

    pub(super) fn remove_override(&mut self, id: OverrideId, by: Actor) -> Result<(), Refusal> {
        match self.state.overrides.get(&id) {
            Some(entry) if entry.until > self.now.civil => {
                self.emit(Event::OverrideRemoved { id, by });
                Ok(())
            }
            _ => Err(Refusal::UnknownOverride(id)),
        }
    }
}
