//! Instants and durations as people read them, in the reader's own zone. Never reads a clock.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::domain::duration;

/// How instants are said within a sentence.
#[derive(Debug, Clone, Copy)]
pub enum Times<'a> {
    /// To machines, which have no zone: `2026-11-23T13:05:00Z`.
    Exact,
    /// To somebody in this zone.
    In(&'a TimeZone),
}

impl Times<'_> {
    /// The instant.
    #[must_use]
    pub fn say(self, instant: Timestamp) -> String {
        match self {
            Self::Exact => format!("{instant:.0}"),
            Self::In(zone) => at(instant, zone),
        }
    }
}

/// `2026-11-23 14:05 CET`.
#[must_use]
pub fn at(instant: Timestamp, zone: &TimeZone) -> String {
    let there = instant.to_zoned(zone.clone());
    format!("{} {}", there.strftime("%Y-%m-%d %H:%M"), abbreviation(&there))
}

/// `CET`; what London calls GMT in winter is UTC everywhere else, and both in one card look like two zones.
fn abbreviation(there: &Zoned) -> String {
    let name = there.strftime("%Z").to_string();
    if name == "GMT" { "UTC".to_owned() } else { name }
}

/// `14:05 CET` on the day of `now`, `Tue 14:05 CET` within the week after it, with the date otherwise.
#[must_use]
pub fn near(instant: Timestamp, zone: &TimeZone, now: Timestamp) -> String {
    let there = instant.to_zoned(zone.clone());
    let here = now.to_zoned(zone.clone());
    let days = here.date().until(there.date()).map_or(i32::MAX, |span| span.get_days());
    match days {
        0 => format!("{} {}", there.strftime("%H:%M"), abbreviation(&there)),
        1..=6 => format!("{} {}", there.strftime("%a %H:%M"), abbreviation(&there)),
        _ => at(instant, zone),
    }
}

/// `Mon 2026-11-23 14:05`, for tables whose head names the zone.
#[must_use]
pub fn in_table(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string()
}

/// `Mon 14:05:09`, for timelines.
#[must_use]
pub fn precise(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%a %H:%M:%S").to_string()
}

/// `Mon 2026-11-23`.
#[must_use]
pub fn day(instant: Timestamp, zone: &TimeZone) -> String {
    instant.to_zoned(zone.clone()).strftime("%a %Y-%m-%d").to_string()
}

/// How long from one instant to another: `12m`, `1h 30m`; nothing below zero.
#[must_use]
pub fn since(from: Timestamp, now: Timestamp) -> String {
    let passed = now.duration_since(from);
    if passed.is_negative() { "0s".to_owned() } else { duration::brief(passed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_as_short_as_it_can_be_without_being_taken_for_another() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let now: Timestamp = "2026-11-23T11:00:00Z".parse().unwrap();
        for (instant, expected) in [
            ("2026-11-23T13:05:00Z", "14:05 CET"),
            ("2026-11-24T13:05:00Z", "Tue 14:05 CET"),
            ("2026-11-30T13:05:00Z", "2026-11-30 14:05 CET"),
            ("2026-11-22T13:05:00Z", "2026-11-22 14:05 CET"),
            ("2026-07-01T13:05:00Z", "2026-07-01 15:05 CEST"),
        ] {
            assert_eq!(near(instant.parse().unwrap(), &zone, now), expected);
        }
        let london = TimeZone::get("Europe/London").unwrap();
        assert_eq!(at(now, &london), "2026-11-23 11:00 UTC");
        assert_eq!(at("2026-07-01T13:05:00Z".parse().unwrap(), &london), "2026-07-01 14:05 BST");
    }
}
