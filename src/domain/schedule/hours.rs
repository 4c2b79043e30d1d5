//! The hours of the week in which a layer counts: how they are written, and their edges as instants. Decides
//! nothing about turns: a restriction hides people, it never changes whose turn it is.

use std::fmt;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

use super::{
    Restriction,
    handoff::{Clock, short, time_of_day, weekday},
    local::instant,
};

/// Why a text is no restriction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotARestriction {
    /// It is not days and hours.
    #[error(
        "`{0}` is not a restriction: write days and hours, as in \"Mon-Fri 09:00-17:00\" or \"Sat-Sun 00:00-24:00\""
    )]
    Shape(String),
    /// A weekday.
    #[error("`{0}`: `{1}` is not a weekday: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")]
    Weekday(String, String),
    /// A time of day.
    #[error("`{0}`: `{1}` is not a time of day: write it as 09:00, from 00:00 to 23:59 (24:00 as an end)")]
    Time(String, String),
}

impl Restriction {
    /// Reads `Mon-Fri 09:00-17:00` or `Sat 22:00-06:00`. An end that is not after the begin is on the next day;
    /// `24:00` and `00:00` are the same end.
    ///
    /// # Errors
    /// When the text is none, with what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, NotARestriction> {
        let text = text.trim();
        let shape = || NotARestriction::Shape(text.into());
        let (days, hours) = text.split_once(char::is_whitespace).ok_or_else(shape)?;
        let (from, until) = hours.split_once('-').ok_or_else(shape)?;
        let day = |word: &str| {
            weekday(word.trim()).ok_or_else(|| NotARestriction::Weekday(text.into(), word.trim().into()))
        };
        let time = |word: &str| {
            time_of_day(word.trim()).ok_or_else(|| NotARestriction::Time(text.into(), word.trim().into()))
        };
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let until = if until.trim() == "24:00" { Time::midnight() } else { time(until)? };
        Ok(Self { days: (day(first)?, day(last)?), from: time(from)?, until })
    }

    /// Whether a stretch begins on this weekday.
    fn begins_on(&self, day: Weekday) -> bool {
        let (first, last) = self.days;
        first.until(day) <= first.until(last)
    }

    /// The stretch that begins on this date, from (inclusive) and until (exclusive).
    fn stretch(&self, zone: &TimeZone, date: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.begins_on(date.weekday()) {
            return None;
        }
        let last = if self.until <= self.from { date.tomorrow().ok()? } else { date };
        let from = instant(zone, date.to_datetime(self.from))?;
        let until = instant(zone, last.to_datetime(self.until))?;
        // Hours that were skipped as a whole are empty.
        (from < until).then_some((from, until))
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.days;
        write!(out, "{}", short(first))?;
        if first != last {
            write!(out, "-{}", short(last))?;
        }
        write!(out, " {}-", Clock(self.from))?;
        if self.until == Time::midnight() {
            out.write_str("24:00")
        } else {
            write!(out, "{}", Clock(self.until))
        }
    }
}

/// All restrictions of a layer in its zone; none at all: always.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hours<'a> {
    pub(super) zone: &'a TimeZone,
    pub(super) only: &'a [Restriction],
}

impl Hours<'_> {
    /// Whether the instant lies inside.
    pub(super) fn cover(&self, at: Timestamp) -> bool {
        // A stretch reaches into the next day, and when the clock was just set back, tomorrow may already
        // have begun once.
        self.only.is_empty()
            || dates(self.date(at), -1, 2)
                .any(|date| self.stretches(date).any(|(from, until)| from <= at && at < until))
    }

    /// The first edge after an instant.
    pub(super) fn next_edge(&self, at: Timestamp) -> Option<Timestamp> {
        self.nearest(dates(self.date(at), -1, 10), |edge| edge > at, Ord::min)
    }

    /// The last edge at or before an instant.
    pub(super) fn last_edge(&self, at: Timestamp) -> Option<Timestamp> {
        self.nearest(dates(self.date(at), 2, -10), |edge| edge <= at, Ord::max)
    }

    /// The nearest fitting edge, where the dates lead away from the instant.
    fn nearest(
        &self,
        dates: impl Iterator<Item = Date>,
        fits: impl Fn(Timestamp) -> bool,
        nearer: fn(Timestamp, Timestamp) -> Timestamp,
    ) -> Option<Timestamp> {
        if self.only.is_empty() {
            return None;
        }
        let mut best: Option<Timestamp> = None;
        for date in dates {
            let was_found = best.is_some();
            let edges = self.stretches(date).flat_map(|(from, until)| [from, until]);
            best = edges.filter(|edge| fits(*edge)).chain(best).reduce(nearer);
            if was_found {
                // A stretch ends on the next day at the latest, so only the neighbour could be nearer.
                break;
            }
        }
        best
    }

    fn stretches(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.only.iter().filter_map(move |hours| hours.stretch(self.zone, date))
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }
}

/// The stretch of these hours that holds an instant, or else the next one within ten days: from (inclusive) and until
/// (exclusive).
pub(super) fn stretch_at(
    only: &[Restriction],
    zone: &TimeZone,
    at: Timestamp,
) -> Option<(Timestamp, Timestamp)> {
    let hours = Hours { zone, only };
    let all = dates(hours.date(at), -1, 10).flat_map(|date| hours.stretches(date).collect::<Vec<_>>());
    all.filter(|(_, until)| at < *until).min()
}

/// The dates from `first` to `last` days away from a date, backward when `last` is less.
fn dates(date: Date, first: i64, last: i64) -> impl Iterator<Item = Date> {
    let step = (last - first).signum();
    (0..=(last - first).abs())
        .filter_map(move |n| date.checked_add(SignedDuration::from_hours(24 * (first + n * step))).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restrictions_are_read_and_written() {
        for (text, written) in [
            ("Mon-Fri 09:00-17:00", "Mon-Fri 09:00-17:00"),
            ("sat 22:00 - 6:00", "Sat 22:00-06:00"),
            ("Sat-Mon 00:00-24:00", "Sat-Mon 00:00-24:00"),
            ("Sat-Mon 00:00-00:00", "Sat-Mon 00:00-24:00"),
            ("Friday-Friday 12:00-12:00", "Fri 12:00-12:00"),
        ] {
            let restriction = Restriction::parse(text).expect(text);
            assert_eq!(restriction.to_string(), written);
            assert_eq!(Restriction::parse(written), Ok(restriction));
        }
        for (text, sentence) in [
            ("", "`` is not a restriction: write days and hours, as in \"Mon-Fri 09:00-17:00\""),
            ("weekends", "is not a restriction"),
            ("Mon-Fri 09:00", "is not a restriction"),
            ("Mon-Fry 09:00-17:00", "`Fry` is not a weekday"),
            ("Mon,Tue 09:00-17:00", "`Mon,Tue` is not a weekday"),
            ("Mon-Fri 9-17", "is not a time of day"),
            ("Mon-Fri 24:00-06:00", "`24:00` is not a time of day"),
            ("Mon-Fri 09:00-25:00", "`25:00` is not a time of day"),
        ] {
            let error = Restriction::parse(text).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }

    #[test]
    fn a_stretch_is_the_one_that_holds_the_instant_or_the_next() {
        let only = ["Sun 02:00-04:00", "Mon-Fri 22:00-06:00"].map(|text| Restriction::parse(text).unwrap());
        let zone = TimeZone::UTC;
        for (at, from, until) in [
            ("2026-03-01T03:00:00Z", "2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z"),
            ("2026-03-01T04:00:00Z", "2026-03-02T22:00:00Z", "2026-03-03T06:00:00Z"),
            ("2026-03-03T05:59:59Z", "2026-03-02T22:00:00Z", "2026-03-03T06:00:00Z"),
            ("2026-03-07T12:00:00Z", "2026-03-08T02:00:00Z", "2026-03-08T04:00:00Z"),
        ] {
            let found = stretch_at(&only, &zone, at.parse().unwrap());
            assert_eq!(found, Some((from.parse().unwrap(), until.parse().unwrap())), "{at}");
        }
        assert_eq!(stretch_at(&[], &zone, "2026-03-01T03:00:00Z".parse().unwrap()), None);
    }
}
