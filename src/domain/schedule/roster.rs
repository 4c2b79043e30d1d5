//! Layers and overrides laid over each other: who is on call at an instant and where that ends. Never looks
//! further than it is told to.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Because, Layer, Override, Schedule, hours::Hours, rotation::Rotation};
use crate::domain::id::PersonId;

/// Who is on call, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Duty<'a> {
    pub(super) person: Option<&'a PersonId>,
    pub(super) because: Because,
}

/// A schedule and its overrides, ready for one question about a stretch of time.
pub(super) struct Roster<'a> {
    covers: Vec<Cover<'a>>,
    overrides: Vec<&'a Override>,
}

/// One layer; without people or hand-offs it covers nothing.
struct Cover<'a> {
    people: &'a [PersonId],
    hours: Hours<'a>,
    rotation: Option<Rotation<'a>>,
}

impl<'a> Roster<'a> {
    /// Nothing after `horizon` may be asked.
    pub(super) fn new(schedule: &'a Schedule, overrides: &'a [Override], horizon: Timestamp) -> Self {
        let is_ours = |o: &&Override| o.schedule == schedule.id && o.from < o.until;
        Self {
            covers: schedule.layers.iter().map(|layer| Cover::new(&schedule.zone, layer, horizon)).collect(),
            overrides: overrides.iter().filter(is_ours).collect(),
        }
    }

    /// Who is on call at an instant.
    pub(super) fn duty(&self, at: Timestamp) -> Duty<'a> {
        let standing_in = self.overrides.iter().filter(|o| o.from <= at && at < o.until).max_by_key(|o| o.id);
        if let Some(o) = standing_in {
            return Duty { person: Some(&o.person), because: Because::Override(o.id) };
        }
        for (index, cover) in self.covers.iter().enumerate().rev() {
            if let Some(person) = cover.person(at) {
                return Duty { person: Some(person), because: Because::Layer(index + 1) };
            }
        }
        Duty { person: None, because: Because::Gap }
    }

    /// Since when this duty holds, not before `limit`.
    pub(super) fn since(&self, at: Timestamp, duty: Duty<'_>, limit: Timestamp) -> Timestamp {
        let mut here = at;
        // Edges lead strictly away; asked again all the same, because a loop here would stop every page.
        while let Some(edge) =
            self.last_edge(here, duty.because).filter(|edge| limit < *edge && *edge <= here)
        {
            let Ok(before) = edge.checked_sub(SignedDuration::from_nanos(1)) else { break };
            if self.duty(before) != duty {
                return edge;
            }
            here = before;
        }
        limit
    }

    /// Until when this duty holds, not after `limit`.
    pub(super) fn until(&self, at: Timestamp, duty: Duty<'_>, limit: Timestamp) -> Timestamp {
        let mut here = at;
        while let Some(edge) = self.next_edge(here, duty.because).filter(|edge| here < *edge && *edge < limit)
        {
            if self.duty(edge) != duty {
                return edge;
            }
            here = edge;
        }
        limit
    }

    /// The first instant after `at` at which a duty may end.
    fn next_edge(&self, at: Timestamp, because: Because) -> Option<Timestamp> {
        let overrides = self.overrides.iter().flat_map(|o| [o.from, o.until]).filter(|edge| *edge > at);
        let above = self.above(because).iter().filter_map(|cover| cover.next_edge(at));
        let turn = self.rotation(because).and_then(|rotation| rotation.turn_at(at)?.until);
        overrides.chain(above).chain(turn).min()
    }

    /// The last instant at or before `at` at which a duty may have begun.
    fn last_edge(&self, at: Timestamp, because: Because) -> Option<Timestamp> {
        let overrides = self.overrides.iter().flat_map(|o| [o.from, o.until]).filter(|edge| *edge <= at);
        let above = self.above(because).iter().filter_map(|cover| cover.last_edge(at));
        let turn = self.rotation(because).and_then(|rotation| Some(rotation.turn_at(at)?.since));
        overrides.chain(above).chain(turn).max()
    }

    /// The layers whose hours can end such a duty: its own and those above it. What lies below does not show.
    fn above(&self, because: Because) -> &[Cover<'a>] {
        let lowest = match because {
            Because::Override(_) => self.covers.len(),
            Because::Layer(number) => number.saturating_sub(1),
            Because::Gap => 0,
        };
        self.covers.get(lowest..).unwrap_or_default()
    }

    /// The rotation whose hand-offs can end such a duty: none when one person has all turns.
    fn rotation(&self, because: Because) -> Option<&Rotation<'a>> {
        let Because::Layer(number) = because else { return None };
        let cover = self.covers.get(number.checked_sub(1)?)?;
        if cover.people.iter().all(|person| Some(person) == cover.people.first()) {
            return None;
        }
        cover.rotation.as_ref()
    }
}

impl<'a> Cover<'a> {
    fn new(zone: &'a TimeZone, layer: &'a Layer, horizon: Timestamp) -> Self {
        Self {
            people: &layer.people,
            hours: Hours { zone, only: &layer.only },
            rotation: Rotation::new(zone, layer, horizon).filter(|_| !layer.people.is_empty()),
        }
    }

    /// Who has the turn within the hours.
    fn person(&self, at: Timestamp) -> Option<&'a PersonId> {
        let rotation = self.rotation.as_ref()?;
        if at < rotation.first() || !self.hours.cover(at) {
            return None;
        }
        if let [only] = self.people {
            return Some(only);
        }
        let turn = rotation.turn_at(at)?;
        let place = turn.number.checked_rem_euclid(i64::try_from(self.people.len()).ok()?)?;
        self.people.get(usize::try_from(place).ok()?)
    }

    /// Where it begins or ends to cover, after `at`.
    fn next_edge(&self, at: Timestamp) -> Option<Timestamp> {
        let first = self.rotation.as_ref()?.first();
        if at < first { Some(first) } else { self.hours.next_edge(at) }
    }

    /// Where it began or ended to cover, at or before `at`.
    fn last_edge(&self, at: Timestamp) -> Option<Timestamp> {
        let first = self.rotation.as_ref()?.first();
        (at >= first).then(|| self.hours.last_edge(at).map_or(first, |edge| edge.max(first)))
    }
}
