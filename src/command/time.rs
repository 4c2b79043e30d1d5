//! Reads instants as people write them, in their own zone. Never reads a clock: what "now" is, is an argument.

use jiff::{
    SignedDuration, Span, Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};

use crate::domain::duration;

/// From where an instant is counted.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The zone of whoever wrote it.
    pub zone: &'a TimeZone,
    /// What `today` and `now` mean.
    pub now: Timestamp,
    /// A bare `14:00` is the next one after this instant.
    pub anchor: Timestamp,
}

/// Reads an instant from the first one or two words: `14:00`, `tomorrow 09:00`, `mon 09:00`, `2026-03-29 02:30`,
/// `2026-03-29`, `now`, `+2h`, RFC 3339. Says how many words it took. A local time that is skipped is the instant
/// at which the clock jumps; of one that occurs twice the first counts, as with hand-offs.
#[must_use]
pub fn instant(words: &[&str], origin: Origin<'_>) -> Option<(Timestamp, usize)> {
    let first = words.first()?.to_lowercase();
    if let Some(at) = words.get(1).and_then(|second| day_and_clock(&first, second, origin)) {
        return Some((at, 2));
    }
    single(&first, origin).map(|at| (at, 1))
}

/// Reads an instant that is over: `14:00` and `mon 09:00` are the last ones, `yesterday 09:00`; everything else as
/// [`instant`] reads it.
#[must_use]
pub fn past(words: &[&str], origin: Origin<'_>) -> Option<(Timestamp, usize)> {
    let first = words.first()?.to_lowercase();
    if let Some(clock) = words.get(1).and_then(|second| read_clock(second)) {
        if let Some(weekday) = read_weekday(&first) {
            return Some((last(Some(weekday), clock, origin)?, 2));
        }
        if first == "yesterday" {
            let today = origin.now.to_zoned(origin.zone.clone()).date();
            return Some((on_wall(today.yesterday().ok()?.to_datetime(clock), origin.zone)?, 2));
        }
    }
    match read_clock(&first) {
        Some(clock) => Some((last(None, clock, origin)?, 1)),
        None => instant(words, origin),
    }
}

/// The last time that the wall clock showed this, on such a day.
fn last(weekday: Option<Weekday>, clock: Time, origin: Origin<'_>) -> Option<Timestamp> {
    let today = origin.now.to_zoned(origin.zone.clone()).date();
    (0_i64..8)
        .filter_map(|days| after(today, (-days).days()))
        .filter(|day| weekday.is_none_or(|weekday| day.weekday() == weekday))
        .filter_map(|day| on_wall(day.to_datetime(clock), origin.zone))
        .find(|at| *at <= origin.now)
}

/// `tomorrow 09:00`, `mon 09:00`, `2026-03-29 02:30`, `in 2h`.
fn day_and_clock(day: &str, clock: &str, origin: Origin<'_>) -> Option<Timestamp> {
    if day == "in" {
        return duration::parse(clock).ok().and_then(|wait| later(origin.now, wait));
    }
    let clock = read_clock(clock)?;
    if let Some(weekday) = read_weekday(day) {
        return upcoming(weekday, clock, origin);
    }
    on_wall(read_day(day, origin)?.to_datetime(clock), origin.zone)
}

fn single(word: &str, origin: Origin<'_>) -> Option<Timestamp> {
    if word == "now" {
        return Some(origin.now);
    }
    if let Some(wait) = word.strip_prefix('+') {
        return duration::parse(wait).ok().and_then(|wait| later(origin.now, wait));
    }
    if let Some(clock) = read_clock(word) {
        return next_clock(clock, origin);
    }
    if let Some(weekday) = read_weekday(word) {
        return upcoming(weekday, Time::midnight(), origin);
    }
    if let Some(day) = read_day(word, origin) {
        return on_wall(day.to_datetime(Time::midnight()), origin.zone);
    }
    let word = word.to_uppercase();
    word.parse().ok().or_else(|| on_wall(word.parse::<DateTime>().ok()?, origin.zone))
}

/// An instant after a wait; nothing beyond the end of time.
#[must_use]
pub fn later(at: Timestamp, wait: SignedDuration) -> Option<Timestamp> {
    at.checked_add(wait).ok()
}

/// The instant at which the wall clock first shows this or later.
fn on_wall(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // With the offset that holds after the jump this lies before it.
            let before_jump = after.to_timestamp(local).ok()?;
            zone.following(before_jump).next().map(|jump| jump.timestamp())
        }
    }
}

fn next_clock(clock: Time, origin: Origin<'_>) -> Option<Timestamp> {
    let today = origin.anchor.to_zoned(origin.zone.clone()).date();
    (0_i64..3)
        .filter_map(|days| on_wall(after(today, days.days())?.to_datetime(clock), origin.zone))
        .find(|at| *at > origin.anchor)
}

fn upcoming(weekday: Weekday, clock: Time, origin: Origin<'_>) -> Option<Timestamp> {
    let today = origin.anchor.to_zoned(origin.zone.clone()).date();
    (0_i64..8)
        .filter_map(|days| after(today, days.days()))
        .filter(|day| day.weekday() == weekday)
        .filter_map(|day| on_wall(day.to_datetime(clock), origin.zone))
        .find(|at| *at > origin.anchor)
}

fn after(day: Date, span: Span) -> Option<Date> {
    day.checked_add(span).ok()
}

fn read_day(word: &str, origin: Origin<'_>) -> Option<Date> {
    let today = origin.now.to_zoned(origin.zone.clone()).date();
    match word {
        "today" => Some(today),
        "tomorrow" => today.tomorrow().ok(),
        _ => (word.len() == 10).then(|| word.parse().ok()).flatten(),
    }
}

/// `9:00`, `09:00`, `09:00:30`.
fn read_clock(word: &str) -> Option<Time> {
    let (hours, rest) = word.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "00"));
    let part = |digits: &str, most: usize| {
        let fits = (1..=2).contains(&digits.len()) && (most == 1 || digits.len() == 2);
        (fits && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
    };
    Time::new(part(hours, 1)?, part(minutes, 2)?, part(seconds, 2)?, 0).ok()
}

fn read_weekday(word: &str) -> Option<Weekday> {
    let days = [
        (Weekday::Monday, "monday"),
        (Weekday::Tuesday, "tuesday"),
        (Weekday::Wednesday, "wednesday"),
        (Weekday::Thursday, "thursday"),
        (Weekday::Friday, "friday"),
        (Weekday::Saturday, "saturday"),
        (Weekday::Sunday, "sunday"),
    ];
    let begun = |name: &str| name == word || name.get(..3) == Some(word);
    days.into_iter().find(|(_, name)| begun(name)).map(|(day, _)| day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 12:00 in Madrid.
    fn read(text: &str) -> Option<(String, usize)> {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let now: Timestamp = "2026-03-23T11:00:00Z".parse().unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        let (at, used) = instant(&words, Origin { zone: &zone, now, anchor: now })?;
        Some((at.to_string(), used))
    }

    #[test]
    fn what_is_over_is_the_last_of_its_kind() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        // Monday, 12:00 in Madrid.
        let now: Timestamp = "2026-03-23T11:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("14:00", Some(("2026-03-22T13:00:00Z", 1))),
            ("9:00", Some(("2026-03-23T08:00:00Z", 1))),
            ("12:00", Some(("2026-03-23T11:00:00Z", 1))),
            ("mon 09:00", Some(("2026-03-23T08:00:00Z", 2))),
            ("mon 14:00", Some(("2026-03-16T13:00:00Z", 2))),
            ("yesterday 23:30 x", Some(("2026-03-22T22:30:00Z", 2))),
            ("2026-03-01 02:30", Some(("2026-03-01T01:30:00Z", 2))),
            ("now", Some(("2026-03-23T11:00:00Z", 1))),
            ("soon", None),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            let read = past(&words, Origin { zone: &zone, now, anchor: now });
            let expected = expected.map(|(at, used)| (at.to_owned(), used));
            assert_eq!(read.map(|(at, used)| (at.to_string(), used)), expected, "{text}");
        }
    }

    #[test]
    fn instants_are_read_in_the_callers_zone() {
        for (text, expected) in [
            ("14:00", Some(("2026-03-23T13:00:00Z", 1))),
            ("9:00", Some(("2026-03-24T08:00:00Z", 1))),
            ("12:00", Some(("2026-03-24T11:00:00Z", 1))),
            ("now", Some(("2026-03-23T11:00:00Z", 1))),
            ("+90m", Some(("2026-03-23T12:30:00Z", 1))),
            ("in 2h", Some(("2026-03-23T13:00:00Z", 2))),
            ("tomorrow 09:00", Some(("2026-03-24T08:00:00Z", 2))),
            ("Tomorrow", Some(("2026-03-23T23:00:00Z", 1))),
            ("today 14:00 x", Some(("2026-03-23T13:00:00Z", 2))),
            ("mon 09:00", Some(("2026-03-30T07:00:00Z", 2))),
            ("Monday 18:00", Some(("2026-03-23T17:00:00Z", 2))),
            ("2026-03-29 02:30", Some(("2026-03-29T01:00:00Z", 2))),
            ("2026-10-25 02:30", Some(("2026-10-25T00:30:00Z", 2))),
            ("2026-03-29T03:30", Some(("2026-03-29T01:30:00Z", 1))),
            ("2026-03-29", Some(("2026-03-28T23:00:00Z", 1))),
            ("2026-03-29T02:30:00+05:00", Some(("2026-03-28T21:30:00Z", 1))),
            ("2026-03-29t02:30:00z", Some(("2026-03-29T02:30:00Z", 1))),
            ("25:00", None),
            ("9", None),
            ("someday", None),
            ("2026-02-30", None),
            ("9999-12-31 23:59", None),
            ("+999999999d", None),
        ] {
            assert_eq!(read(text), expected.map(|(at, used)| (at.to_owned(), used)), "{text}");
        }
    }
}
