//! Swaps: two people exchange a shift each, as two overrides that come and go together. Never changes the past, and never
//! more than what both of them had.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    config::Config,
    event::Actor,
    id::{AnnouncementId, OverrideId, PersonId, ScheduleId},
    prose::Prose,
    schedule::{HORIZON, Override, Schedule},
};

/// How far ahead somebody's next shift is looked for.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A shift that changes hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Who has it.
    pub from_whom: PersonId,
    /// Who gets it.
    pub to: PersonId,
    /// From, inclusive; now at the earliest.
    pub from: Timestamp,
    /// Until, exclusive.
    pub until: Timestamp,
}

/// Two shifts of one schedule that change hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The shift of whoever asks.
    pub mine: Handed,
    /// The shift of the other one.
    pub theirs: Handed,
}

/// Two people exchange their shifts.
#[derive(Debug, Clone, PartialEq)]
pub struct SwapIntent {
    /// What was agreed; it must still be so.
    pub exchange: Exchange,
    /// What both are told.
    pub told: Prose,
    /// Who says so.
    pub by: Actor,
}

/// Two people exchanged their shifts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swapped {
    /// Who stands in first, and when.
    pub first: Override,
    /// Who stands in for that.
    pub second: Override,
    /// Under which announcement both are told.
    pub told: AnnouncementId,
    /// Who said so.
    pub by: Actor,
}

/// Why two shifts are not exchanged. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwapRefusal {
    /// Nobody swaps with themselves.
    Oneself,
    /// Somebody has no shift ahead.
    NoShift {
        /// Who.
        person: PersonId,
        /// By which schedule.
        schedule: ScheduleId,
    },
    /// Somebody else, or nobody, is on call then.
    NotTheirs {
        /// Who should be.
        person: PersonId,
        /// When.
        at: Timestamp,
        /// Who is; nobody: a gap.
        is: Option<PersonId>,
    },
    /// It is over.
    Past {
        /// When.
        at: Timestamp,
    },
    /// It has no end within a year.
    Endless {
        /// Whose.
        person: PersonId,
    },
    /// Who is on call has changed meanwhile.
    Changed,
}

/// Which shifts two people would exchange: those that cover the instants that are named, else the next one of each that
/// begins after now.
///
/// # Errors
/// Why they cannot.
pub fn exchange(
    schedule: &Schedule,
    overrides: &[Override],
    (me, with): (&PersonId, &PersonId),
    (mine, theirs): (Option<Timestamp>, Option<Timestamp>),
    now: Timestamp,
) -> Result<Exchange, SwapRefusal> {
    if me == with {
        return Err(SwapRefusal::Oneself);
    }
    let handed = |person: &PersonId, to: &PersonId, at: Option<Timestamp>| {
        let (from, until) = match at {
            Some(at) => covering(schedule, overrides, person, at, now)?,
            None => next(schedule, overrides, person, now)?,
        };
        Ok(Handed { from_whom: person.clone(), to: to.clone(), from, until })
    };
    let mine = handed(me, with, mine)?;
    let theirs = handed(with, me, theirs)?;
    Ok(Exchange { schedule: schedule.id.clone(), mine, theirs })
}

/// The shift of a person that covers an instant, from now on.
fn covering(
    schedule: &Schedule,
    overrides: &[Override],
    person: &PersonId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), SwapRefusal> {
    if at < now {
        return Err(SwapRefusal::Past { at });
    }
    let shift = schedule.shift_at(at, overrides);
    if shift.person.as_ref() != Some(person) {
        return Err(SwapRefusal::NotTheirs { person: person.clone(), at, is: shift.person });
    }
    bounded(person, shift.since.max(now), shift.until)
}

/// The next shift of a person that begins after now.
fn next(
    schedule: &Schedule,
    overrides: &[Override],
    person: &PersonId,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), SwapRefusal> {
    let none = || SwapRefusal::NoShift { person: person.clone(), schedule: schedule.id.clone() };
    let end = now.checked_add(AHEAD).map_err(|_| none())?;
    let mut since = now;
    while since < end {
        let shift = schedule.shift_at(since, overrides);
        if shift.since > now && shift.person.as_ref() == Some(person) {
            return bounded(person, shift.since, shift.until);
        }
        // Shifts end after they begin; asked again all the same, because a loop here would stop the engine.
        if shift.until <= since {
            break;
        }
        since = shift.until;
    }
    Err(none())
}

fn bounded(
    person: &PersonId,
    from: Timestamp,
    until: Timestamp,
) -> Result<(Timestamp, Timestamp), SwapRefusal> {
    if until.duration_since(from) >= HORIZON {
        return Err(SwapRefusal::Endless { person: person.clone() });
    }
    Ok((from, until))
}

/// Whether both still have what they would give.
///
/// # Errors
/// [`SwapRefusal`], when they do not.
pub fn still_so(
    config: &Config,
    overrides: &[Override],
    agreed: &Exchange,
    now: Timestamp,
) -> Result<(), SwapRefusal> {
    let schedule = config.schedules.get(&agreed.schedule).ok_or(SwapRefusal::Changed)?;
    for handed in [&agreed.mine, &agreed.theirs] {
        if handed.until <= now {
            return Err(SwapRefusal::Past { at: handed.from });
        }
        let from = handed.from.max(now);
        let shifts = schedule.shifts(from, handed.until, overrides);
        let theirs = shifts.iter().all(|shift| shift.person.as_ref() == Some(&handed.from_whom));
        if shifts.is_empty() || !theirs || !config.people.contains_key(&handed.to) {
            return Err(SwapRefusal::Changed);
        }
    }
    Ok(())
}

impl Handed {
    /// As an override.
    #[must_use]
    pub fn standing_in(&self, id: OverrideId, schedule: &ScheduleId, now: Timestamp) -> Override {
        let (schedule, person) = (schedule.clone(), self.to.clone());
        Override { id, schedule, person, from: self.from.max(now), until: self.until }
    }
}
