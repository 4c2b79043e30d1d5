//! What is wrong with who is on call: gaps, people whom no page can reach, people who are on call twice at once. Never
//! mends it; it says when.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    config::Config,
    id::{PersonId, ScheduleId},
    schedule::{Override, Shift},
};

/// A stretch in which a schedule does not do what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lack {
    /// Which schedule.
    pub schedule: ScheduleId,
    /// From (civil time), inclusive.
    pub from: Timestamp,
    /// Until (civil time), exclusive.
    pub until: Timestamp,
    /// What is wrong.
    #[serde(flatten)]
    pub what: LackOf,
}

/// What is wrong with a stretch of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum LackOf {
    /// Nobody is on call.
    Nobody,
    /// Somebody is whom no page can reach.
    Unreachable {
        /// Who.
        person: PersonId,
    },
    /// Somebody is on call by another schedule, too, and cannot be their own second.
    Twice {
        /// Who.
        person: PersonId,
        /// By which other schedule.
        other: ScheduleId,
    },
}

/// What is wrong between two instants, in the order of the schedules and then of time. `only`: of this schedule; another
/// one is looked at for people who are on call twice.
#[must_use]
pub fn lacks(
    config: &Config,
    overrides: &[Override],
    only: Option<&ScheduleId>,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Lack> {
    let all: Vec<(&ScheduleId, Vec<Shift>)> =
        config.schedules.iter().map(|(id, schedule)| (id, schedule.shifts(from, until, overrides))).collect();
    let mut lacks = Vec::new();
    for (index, (id, shifts)) in all.iter().enumerate() {
        if only.is_some_and(|only| only != *id) {
            continue;
        }
        let mut of_schedule: Vec<Lack> = shifts.iter().filter_map(|shift| alone(config, id, shift)).collect();
        for (place, (other, theirs)) in all.iter().enumerate() {
            // Of two schedules the first one says it, unless only the second is asked for.
            if place > index || (only.is_some() && place != index) {
                of_schedule.extend(twice(id, shifts, other, theirs));
            }
        }
        of_schedule.sort_by_key(|lack| lack.from);
        lacks.extend(of_schedule);
    }
    lacks
}

fn alone(config: &Config, schedule: &ScheduleId, shift: &Shift) -> Option<Lack> {
    let what = match &shift.person {
        None => LackOf::Nobody,
        Some(person) if config.people.get(person).is_none_or(|one| one.contacts.is_empty()) => {
            LackOf::Unreachable { person: person.clone() }
        }
        Some(_) => return None,
    };
    Some(Lack { schedule: schedule.clone(), from: shift.since, until: shift.until, what })
}

/// Stretches in which both schedules name the same person: both lists are in order, so each is walked once.
fn twice(schedule: &ScheduleId, shifts: &[Shift], other: &ScheduleId, theirs: &[Shift]) -> Vec<Lack> {
    let mut lacks: Vec<Lack> = Vec::new();
    let (mut ours, mut others) = (shifts.iter().peekable(), theirs.iter().peekable());
    while let (Some(one), Some(two)) = (ours.peek(), others.peek()) {
        let (from, until) = (one.since.max(two.since), one.until.min(two.until));
        if let Some(person) =
            one.person.as_ref().filter(|who| from < until && two.person.as_ref() == Some(who))
        {
            let what = LackOf::Twice { person: person.clone(), other: other.clone() };
            match lacks.last_mut() {
                // The same, seen through two shifts.
                Some(last) if last.until == from && last.what == what => last.until = until,
                _ => lacks.push(Lack { schedule: schedule.clone(), from, until, what }),
            }
        }
        if one.until <= two.until {
            ours.next();
        } else {
            others.next();
        }
    }
    lacks
}

/// The schedules with gaps among these.
#[must_use]
pub fn with_gaps(lacks: &[Lack]) -> BTreeSet<&ScheduleId> {
    lacks.iter().filter(|lack| lack.what == LackOf::Nobody).map(|lack| &lack.schedule).collect()
}
