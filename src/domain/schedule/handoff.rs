//! When turns change, as people write it and as numbers. Knows dates and wall clocks only: no zone, no instant,
//! so nothing here can depend on daylight saving time.

use std::fmt;

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time, Weekday},
};

use super::Handoff;
use crate::domain::duration;

/// The shortest turn: a minute.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);

/// Weekdays as they are written.
const WEEKDAYS: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "Mon", "Monday"),
    (Weekday::Tuesday, "Tue", "Tuesday"),
    (Weekday::Wednesday, "Wed", "Wednesday"),
    (Weekday::Thursday, "Thu", "Thursday"),
    (Weekday::Friday, "Fri", "Friday"),
    (Weekday::Saturday, "Sat", "Saturday"),
    (Weekday::Sunday, "Sun", "Sunday"),
];

/// Why a text is no hand-off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAHandoff {
    /// The first word is none that hand-offs have, or there are too many words or too few.
    #[error(
        "`{0}` is not a hand-off: write \"daily 09:00\", \"weekly Mon 09:00\", \"monthly 1 09:00\" or \"every 12h\""
    )]
    Shape(String),
    /// The time of day.
    #[error("`{0}`: `{1}` is not a time of day: write it as 09:00, from 00:00 to 23:59")]
    Time(String, String),
    /// The weekday.
    #[error("`{0}`: `{1}` is not a weekday: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")]
    Weekday(String, String),
    /// The day of the month.
    #[error(
        "`{0}`: `{1}` is not a day of the month: write a number from 1 to 31 (a month without it takes its last day)"
    )]
    Day(String, String),
    /// The length of a turn.
    #[error("`{0}`: {1}")]
    Every(String, duration::NotADuration),
    /// A turn that is over before anybody can answer a page.
    #[error("`{0}`: a turn lasts at least 1m, as in \"every 12h\"")]
    TooShort(String),
}

impl Handoff {
    /// Reads `daily 09:00`, `weekly Mon 09:00`, `monthly 1 09:00` or `every 12h`; words in any case.
    ///
    /// # Errors
    /// When the text is none, with what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, NotAHandoff> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let time = |word: &str| time_of_day(word).ok_or_else(|| NotAHandoff::Time(text.into(), word.into()));
        match lower.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["daily", at] => Ok(Self::Daily(time(at)?)),
            ["weekly", day, at] => {
                let day = weekday(day).ok_or_else(|| NotAHandoff::Weekday(text.into(), (*day).into()))?;
                Ok(Self::Weekly(day, time(at)?))
            }
            ["monthly", day, at] => {
                let number = day.parse().ok().filter(|number| (1..=31).contains(number));
                let number = number.ok_or_else(|| NotAHandoff::Day(text.into(), (*day).into()))?;
                Ok(Self::Monthly(number, time(at)?))
            }
            ["every", length @ ..] if !length.is_empty() => {
                let length = duration::parse(&length.join(" "))
                    .map_err(|error| NotAHandoff::Every(text.into(), error))?;
                if length < SHORTEST {
                    return Err(NotAHandoff::TooShort(text.into()));
                }
                Ok(Self::Every(length))
            }
            _ => Err(NotAHandoff::Shape(text.into())),
        }
    }
}

impl fmt::Display for Handoff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily(time) => write!(out, "daily {}", Clock(*time)),
            Self::Weekly(day, time) => write!(out, "weekly {} {}", short(*day), Clock(*time)),
            Self::Monthly(day, time) => write!(out, "monthly {day} {}", Clock(*time)),
            Self::Every(length) => write!(out, "every {}", duration::written(*length)),
        }
    }
}

/// A time of day as it is written: `09:00`.
pub(super) struct Clock(pub(super) Time);

impl fmt::Display for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

/// Reads `09:00` or `9:00`.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !is_number(hour) || !is_number(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// Reads `Mon` or `Monday`, in any case.
pub(super) fn weekday(text: &str) -> Option<Weekday> {
    WEEKDAYS
        .iter()
        .find(|(_, short, long)| text.eq_ignore_ascii_case(short) || text.eq_ignore_ascii_case(long))
        .map(|(day, ..)| *day)
}

/// A weekday as it is written: `Mon`.
pub(super) fn short(day: Weekday) -> &'static str {
    WEEKDAYS.iter().find(|(known, ..)| *known == day).map_or("", |(_, short, _)| short)
}

/// The local times of a layer's hand-offs, numbered from 0 and in order, as if every date existed.
#[derive(Debug, Clone)]
pub(super) enum Slots {
    /// A first one, and the others at equal wall-clock distances (in seconds).
    Even { first: DateTime, seconds: i64 },
    /// One a month, the first in this month (counted from the year 0).
    Monthly { month: i64, day: i8, time: Time },
}

impl Slots {
    /// The hand-offs at or after 00:00 of `start`; nothing at the end of the calendar.
    pub(super) fn new(handoff: &Handoff, start: Date) -> Option<Self> {
        Some(match *handoff {
            Handoff::Daily(time) => Self::Even { first: start.to_datetime(time), seconds: 86_400 },
            Handoff::Weekly(day, time) => {
                let days = i64::from(start.weekday().until(day));
                let date = start.checked_add(SignedDuration::from_hours(24 * days)).ok()?;
                Self::Even { first: date.to_datetime(time), seconds: 7 * 86_400 }
            }
            Handoff::Every(length) => Self::Even {
                first: start.to_datetime(Time::midnight()),
                seconds: length.max(SHORTEST).as_secs(),
            },
            Handoff::Monthly(day, time) => {
                let day = day.clamp(1, 31);
                let month = month_of(start);
                let is_over = start.day() > day.min(start.last_of_month().day());
                Self::Monthly { month: month + i64::from(is_over), day, time }
            }
        })
    }

    /// The local time of the hand-off with this number; nothing at the end of the calendar.
    pub(super) fn local(&self, number: i64) -> Option<DateTime> {
        match *self {
            Self::Even { first, seconds } => {
                first.checked_add(SignedDuration::from_secs(number.checked_mul(seconds)?)).ok()
            }
            Self::Monthly { month, day, time } => {
                let month = month.checked_add(number)?;
                let year = i16::try_from(month.div_euclid(12)).ok()?;
                let first = Date::new(year, i8::try_from(month.rem_euclid(12)).ok()? + 1, 1).ok()?;
                let last = first.last_of_month().day();
                Some(Date::new(year, first.month(), day.min(last)).ok()?.to_datetime(time))
            }
        }
    }

    /// The number of the first hand-off at or after a local time, which is also how many are before it.
    pub(super) fn first_from(&self, local: DateTime) -> i64 {
        match *self {
            Self::Even { first, seconds } => {
                let distance = local.duration_since(first);
                let whole = distance.as_secs() + i64::from(distance.subsec_nanos() > 0);
                // Rounded up; the hand-offs begin with 0.
                (whole.max(0) + seconds - 1).div_euclid(seconds)
            }
            Self::Monthly { month, .. } => {
                let number = month_of(local.date()) - month;
                if number < 0 {
                    return 0;
                }
                number + i64::from(self.local(number).is_some_and(|slot| slot < local))
            }
        }
    }
}

/// Months since the year 0.
fn month_of(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_offs_are_read_and_written() {
        let nine = Time::constant(9, 0, 0, 0);
        for (text, expected, written) in [
            ("daily 09:00", Handoff::Daily(nine), "daily 09:00"),
            (" Daily  9:00 ", Handoff::Daily(nine), "daily 09:00"),
            ("weekly Mon 09:00", Handoff::Weekly(Weekday::Monday, nine), "weekly Mon 09:00"),
            ("weekly sunday 09:00", Handoff::Weekly(Weekday::Sunday, nine), "weekly Sun 09:00"),
            ("monthly 1 09:00", Handoff::Monthly(1, nine), "monthly 1 09:00"),
            ("every 12h", Handoff::Every(SignedDuration::from_hours(12)), "every 12h"),
            ("every 14d", Handoff::Every(SignedDuration::from_hours(14 * 24)), "every 14d"),
            ("every 1d 12h", Handoff::Every(SignedDuration::from_hours(36)), "every 1d12h"),
        ] {
            assert_eq!(Handoff::parse(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(expected.to_string(), written);
            assert_eq!(Handoff::parse(written), Ok(expected));
        }
        for (text, sentence) in [
            ("", "`` is not a hand-off: write \"daily 09:00\""),
            ("sometimes", "`sometimes` is not a hand-off"),
            ("daily", "is not a hand-off"),
            ("weekly 09:00", "is not a hand-off"),
            ("daily 24:00", "`24:00` is not a time of day: write it as 09:00"),
            ("daily 9", "`9` is not a time of day"),
            ("daily 09:0", "is not a time of day"),
            ("daily +9:00", "is not a time of day"),
            ("weekly Mo 09:00", "`mo` is not a weekday: write Mon"),
            ("monthly 0 09:00", "`0` is not a day of the month"),
            ("monthly 32 09:00", "`32` is not a day of the month"),
            ("every", "is not a hand-off"),
            ("every 0s", "a turn lasts at least 1m"),
            ("every day", "`day` is not a duration"),
        ] {
            let error = Handoff::parse(text).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }
}
