//! When planned work comes again: hours of the week, or what a cron expression says and how long it lasts. Never reads a
//! clock, and never doubles or drops a time of the wall clock (`local`).

use std::{fmt, str::FromStr as _};

use croner::Cron;
use jiff::{SignedDuration, Timestamp, civil, civil::DateTime, tz::TimeZone};

use super::{Restriction, hours::stretch_at, local::instant};
use crate::domain::duration;

/// Occurrences that are compared to see whether one is over before the next one begins.
const COMPARED: usize = 500;
/// How far the wall clock may be from where an instant seems to be: no zone ever moved by more than a day.
const MOVED: SignedDuration = SignedDuration::from_hours(26);
/// Where the comparison begins: a leap year.
const SAMPLE: DateTime = civil::datetime(2024, 1, 1, 0, 0, 0, 0);

/// When something comes again.
#[derive(Debug, Clone)]
pub enum Times {
    /// In these hours of the week; at least one stretch.
    Weekly(Vec<Restriction>),
    /// At these times.
    Cron(Box<CronTimes>),
}

/// Times of the wall clock, and how long what begins then lasts.
#[derive(Debug, Clone)]
pub struct CronTimes {
    cron: Cron,
    written: String,
    lasts: SignedDuration,
}

/// Why a text and a length are no times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTimes {
    /// It cannot be read.
    #[error("`{0}` is not a cron expression: {1}")]
    Cron(String, String),
    /// Its day does not exist.
    #[error("`{0}` never comes")]
    Never(String),
    /// One is not over when the next one begins.
    #[error(
        "`{cron}` comes again after {again} already, and each time would last {lasts}: it would never end"
    )]
    Endless {
        /// As it is written.
        cron: String,
        /// The shortest time from one begin to the next.
        again: String,
        /// How long each would last.
        lasts: String,
    },
}

impl CronTimes {
    /// Reads minute, hour, day, month and weekday: `0 2 * * SUN`.
    ///
    /// # Errors
    /// When the text is none, never comes, or comes again before it is over.
    pub fn new(written: &str, lasts: SignedDuration) -> Result<Self, NotTimes> {
        let written = written.trim().to_owned();
        let cron =
            Cron::from_str(&written).map_err(|error| NotTimes::Cron(written.clone(), error.to_string()))?;
        let times = Self { cron, written, lasts };
        let sample: Vec<DateTime> = times.from(SAMPLE).take(COMPARED).collect();
        if sample.is_empty() {
            return Err(NotTimes::Never(times.written));
        }
        let gaps = sample.iter().zip(sample.iter().skip(1)).map(|(one, next)| next.duration_since(*one));
        match gaps.min().filter(|again| *again <= lasts) {
            Some(again) => Err(NotTimes::Endless {
                cron: times.written,
                again: duration::written(again),
                lasts: duration::written(lasts),
            }),
            None => Ok(times),
        }
    }

    /// The begins from a time of the wall clock on, as if every date and hour existed.
    fn from(&self, local: DateTime) -> impl Iterator<Item = DateTime> {
        let begin = local.to_zoned(TimeZone::UTC).ok();
        let all = begin.map(|begin| self.cron.iter_from(begin, croner::Direction::Forward));
        all.into_iter().flatten().map(|at| at.datetime())
    }

    /// The time that holds an instant, or else the next one.
    fn at(&self, zone: &TimeZone, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let earliest = zone.to_datetime(at.checked_sub(self.lasts.checked_add(MOVED)?).ok()?);
        let times = self.from(earliest).filter_map(|local| {
            let from = instant(zone, local)?;
            Some((from, from.checked_add(self.lasts).ok()?))
        });
        times.into_iter().find(|(_, until)| at < *until)
    }
}

impl Times {
    /// The time that holds an instant, or else the next one: from (inclusive) and until (exclusive).
    #[must_use]
    pub fn at(&self, zone: &TimeZone, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Weekly(only) => stretch_at(only, zone, at),
            Self::Cron(times) => times.at(zone, at),
        }
    }

    /// The time that holds an instant and those that come after it.
    pub fn coming<'a>(
        &'a self,
        zone: &'a TimeZone,
        at: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
        let first = self.at(zone, at);
        std::iter::successors(first, |(_, until)| self.at(zone, *until))
    }
}

impl fmt::Display for Times {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekly(only) => {
                let hours: Vec<String> = only.iter().map(ToString::to_string).collect();
                out.write_str(&hours.join(", "))
            }
            Self::Cron(times) => write!(out, "{} for {}", times.written, duration::written(times.lasts)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(written: &str, lasts: i64) -> Times {
        Times::Cron(Box::new(CronTimes::new(written, SignedDuration::from_mins(lasts)).unwrap()))
    }

    fn coming(times: &Times, zone: &str, at: &str, count: usize) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let all = times.coming(&zone, at.parse().unwrap()).take(count);
        all.map(|(from, until)| format!("{from} {until}")).collect()
    }

    #[test]
    fn a_time_is_the_one_that_holds_the_instant_or_the_next() {
        let sundays = cron("0 2 * * SUN", 120);
        for (at, from, until) in [
            ("2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z"),
            ("2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z"),
            ("2026-03-01T03:59:59Z", "2026-03-01T02:00:00Z", "2026-03-01T04:00:00Z"),
            ("2026-03-01T04:00:00Z", "2026-03-08T02:00:00Z", "2026-03-08T04:00:00Z"),
        ] {
            assert_eq!(coming(&sundays, "UTC", at, 1), [format!("{from} {until}")], "{at}");
        }
        // Longer than ten days away, and over midnight.
        let first = cron("30 23 1 * *", 90);
        assert_eq!(
            coming(&first, "UTC", "2026-01-02T01:00:00Z", 2),
            ["2026-02-01T23:30:00Z 2026-02-02T01:00:00Z", "2026-03-01T23:30:00Z 2026-03-02T01:00:00Z"]
        );
        assert_eq!(
            coming(&cron("0 4 29 2 *", 60), "UTC", "2026-01-01T00:00:00Z", 1),
            ["2028-02-29T04:00:00Z 2028-02-29T05:00:00Z"]
        );
    }

    /// Each lasts as long as it says, also over a change of the clock; what begins in the hour that is skipped begins when
    /// the clock jumps, and what would begin twice begins at the first of them.
    #[test]
    fn the_clock_is_changed_in_spring_and_in_autumn() {
        for (written, lasts, zone, at, expected) in [
            // Madrid, 2026-03-29: 02:00 becomes 03:00.
            (
                "30 2 * * *",
                60,
                "Europe/Madrid",
                "2026-03-28T12:00:00Z",
                ["2026-03-29T01:00:00Z 2026-03-29T02:00:00Z", "2026-03-30T00:30:00Z 2026-03-30T01:30:00Z"],
            ),
            (
                "0 1 * * SUN",
                120,
                "Europe/Madrid",
                "2026-03-28T12:00:00Z",
                ["2026-03-29T00:00:00Z 2026-03-29T02:00:00Z", "2026-04-04T23:00:00Z 2026-04-05T01:00:00Z"],
            ),
            // Madrid, 2026-10-25: 03:00 becomes 02:00, so 02:30 comes twice.
            (
                "30 2 * * *",
                60,
                "Europe/Madrid",
                "2026-10-24T12:00:00Z",
                ["2026-10-25T00:30:00Z 2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z 2026-10-26T02:30:00Z"],
            ),
            (
                "0 1 * * SUN",
                180,
                "Europe/Madrid",
                "2026-10-24T12:00:00Z",
                ["2026-10-24T23:00:00Z 2026-10-25T02:00:00Z", "2026-11-01T00:00:00Z 2026-11-01T03:00:00Z"],
            ),
            // New York, 2026-03-08 and 2026-11-01.
            (
                "0 2 * * *",
                30,
                "America/New_York",
                "2026-03-07T12:00:00Z",
                ["2026-03-08T07:00:00Z 2026-03-08T07:30:00Z", "2026-03-09T06:00:00Z 2026-03-09T06:30:00Z"],
            ),
            (
                "30 1 * * *",
                30,
                "America/New_York",
                "2026-10-31T12:00:00Z",
                ["2026-11-01T05:30:00Z 2026-11-01T06:00:00Z", "2026-11-02T06:30:00Z 2026-11-02T07:00:00Z"],
            ),
        ] {
            assert_eq!(coming(&cron(written, lasts), zone, at, 2), expected, "{written} {zone} {at}");
        }
    }

    #[test]
    fn whatever_the_instant_the_time_is_not_over_and_the_next_one_begins_after_it() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let times = cron("15 */6 * * *", 300);
        let mut at: Timestamp = "2026-03-27T00:00:00Z".parse().unwrap();
        for _ in 0..400 {
            let (from, until) = times.at(&zone, at).unwrap();
            assert!(at < until && from < until, "{at}");
            let next = times.at(&zone, until).unwrap();
            assert!(next.0 >= until, "{at}: {until} {}", next.0);
            at = at.checked_add(SignedDuration::from_mins(17)).unwrap();
        }
    }

    #[test]
    fn what_is_no_time_is_said_in_words() {
        for (written, lasts, sentence) in [
            ("", 60, "is not a cron expression"),
            ("every sunday", 60, "`every sunday` is not a cron expression"),
            ("0 25 * * *", 60, "is not a cron expression"),
            ("0 0 30 2 *", 60, "`0 0 30 2 *` never comes"),
            ("0 2 * * *", 24 * 60, "comes again after 1d already, and each time would last 1d"),
            ("*/5 * * * *", 10, "comes again after 5m already, and each time would last 10m"),
        ] {
            let error = CronTimes::new(written, SignedDuration::from_mins(lasts)).unwrap_err().to_string();
            assert!(error.contains(sentence), "{written}: {error}");
        }
        assert_eq!(cron("0 2 * * SUN", 120).to_string(), "0 2 * * SUN for 2h");
    }
}
