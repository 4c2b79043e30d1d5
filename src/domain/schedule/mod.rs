//! Schedules: who is on call when. Never reads a clock: every question names its instant.
//!
//! `handoff` numbers hand-offs on the wall clock, `local` turns wall-clock times into instants, `rotation` joins
//! the two to turns, `hours` hides turns outside a layer's hours, and `roster` lays layers and overrides over
//! each other. `times` is for planned work that comes again.

mod handoff;
mod hours;
mod local;
#[cfg(test)]
mod properties;
mod roster;
mod rotation;
#[cfg(test)]
mod tests;
mod times;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub use self::{
    handoff::NotAHandoff,
    hours::NotARestriction,
    times::{CronTimes, NotTimes, Times},
};
use self::{roster::Roster, rotation::Rotation};
use super::id::{OverrideId, PersonId, ScheduleId, TeamId};

/// How far from an instant the edges of its shift are looked for: 366 days.
pub const HORIZON: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Who is on call when, as layers and overrides.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The team that it serves.
    pub team: Option<TeamId>,
    /// The zone in which its hand-offs are meant.
    pub zone: TimeZone,
    /// A later layer stands above the earlier ones wherever it covers an instant.
    pub layers: Vec<Layer>,
}

/// People who take turns.
#[derive(Debug, Clone)]
pub struct Layer {
    /// In the order of their turns; at least one.
    pub people: Vec<PersonId>,
    /// The first person's shift begins at the first hand-off at or after midnight of this day.
    pub start: civil::Date,
    /// When the turn goes to the next person.
    pub handoff: Handoff,
    /// Only within these hours; empty: always.
    pub only: Vec<Restriction>,
}

/// When the turn goes to the next person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handoff {
    /// `daily 09:00`
    Daily(civil::Time),
    /// `weekly Mon 09:00`
    Weekly(civil::Weekday, civil::Time),
    /// `monthly 1 09:00`; a day that a month does not have is its last day.
    Monthly(i8, civil::Time),
    /// `every 12h`: wall-clock hours counted from 00:00 of the start day.
    Every(SignedDuration),
}

/// Hours of the week in which a layer counts (`Mon-Fri 09:00-17:00`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// First weekday, and last, inclusive; may wrap (`Sat-Mon`).
    pub days: (civil::Weekday, civil::Weekday),
    /// From, inclusive.
    pub from: civil::Time,
    /// Until, exclusive; not after `from`: on the following day.
    pub until: civil::Time,
}

/// Somebody stands in for whoever a schedule names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Its id.
    pub id: OverrideId,
    /// The schedule.
    pub schedule: ScheduleId,
    /// Who is on call.
    pub person: PersonId,
    /// From, inclusive.
    pub from: Timestamp,
    /// Until, exclusive.
    pub until: Timestamp,
}

/// Who is on call at an instant, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who; nobody: a gap.
    pub person: Option<PersonId>,
    /// Since when this person (or nobody) without a break, as far as was looked.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why: the layer (counted from 1) or the override.
    pub because: Because,
}

/// Why somebody is on call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The layer with this number, counted from 1.
    Layer(usize),
    /// An override.
    Override(OverrideId),
    /// No layer covers the instant.
    Gap,
}

impl Schedule {
    /// Who is on call at an instant, and the edges of the stretch in which it is the same person for the same
    /// reason, looked for within [`HORIZON`] on both sides. Overrides of other schedules are passed over.
    ///
    /// Turns are computed, not walked: a rotation that began ten years ago answers as one of yesterday does.
    #[must_use]
    pub fn shift_at(&self, at: Timestamp, overrides: &[Override]) -> Shift {
        let earliest = at.checked_sub(HORIZON).unwrap_or(Timestamp::MIN);
        let latest = at.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
        let roster = Roster::new(self, overrides, latest);
        let duty = roster.duty(at);
        Shift {
            person: duty.person.cloned(),
            since: roster.since(at, duty, earliest),
            until: roster.until(at, duty, latest),
            because: duty.because,
        }
    }

    /// Who is on call at an instant; nobody in a gap.
    #[must_use]
    pub fn on_call<'a>(&'a self, at: Timestamp, overrides: &'a [Override]) -> Option<&'a PersonId> {
        Roster::new(self, overrides, at).duty(at).person
    }

    /// All shifts between two instants, in order and without a break between them: the first begins at `from`, the
    /// last ends at `until`, a gap is a shift of nobody. Empty when `until` is not after `from`. As long as the
    /// range has hand-offs, so the caller bounds the range.
    #[must_use]
    pub fn shifts(&self, from: Timestamp, until: Timestamp, overrides: &[Override]) -> Vec<Shift> {
        let roster = Roster::new(self, overrides, until);
        let mut shifts = Vec::new();
        let mut since = from;
        while since < until {
            let duty = roster.duty(since);
            let end = roster.until(since, duty, until);
            shifts.push(Shift { person: duty.person.cloned(), since, until: end, because: duty.because });
            since = end;
        }
        shifts
    }

    /// Which turn of a layer (counted from 1, as the turn is) an instant lies in; nothing before its first hand-off.
    #[must_use]
    pub fn turn(&self, layer: usize, at: Timestamp) -> Option<i64> {
        let layer = self.layers.get(layer.checked_sub(1)?)?;
        Rotation::new(&self.zone, layer, at)?.turn_at(at)?.number.checked_add(1)
    }

    /// Everybody whom the layers can name, each once, by id. Overrides may name others.
    pub fn people(&self) -> impl Iterator<Item = &PersonId> {
        self.layers.iter().flat_map(|layer| &layer.people).collect::<BTreeSet<_>>().into_iter()
    }
}
