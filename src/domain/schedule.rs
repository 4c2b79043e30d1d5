//! Schedules: who is on call when. Never reads a clock: every question names its instant.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::id::{OverrideId, PersonId, ScheduleId, TeamId};

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
