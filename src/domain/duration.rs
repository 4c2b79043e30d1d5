//! Durations as people write and read them: `90s`, `1h30m`, `7d`. A day is always 24 hours here; civil days,
//! which may have 23 or 25, are the business of schedules and never come through this file.

use jiff::SignedDuration;

/// The longest duration that can be written: ten years.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(3650 * 24);

/// The units with their seconds, the largest first: the order in which they must be written.
const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotADuration {
    /// It is not numbers with units.
    #[error("`{0}` is not a duration: write whole numbers with d, h, m or s, as in 90s, 2m, 1h30m or 7d")]
    Shape(String),
    /// A number without a unit.
    #[error("`{0}` has no unit: write {1}s for seconds or {1}m for minutes")]
    Unit(String, String),
    /// A unit that durations do not have.
    #[error("`{0}`: `{1}` is not a unit of time here: use d, h, m or s, as in 90s, 2m, 1h30m or 7d")]
    UnknownUnit(String, String),
    /// Units out of order, or one twice.
    #[error("`{0}`: write the largest unit first and each unit once, as in 1h30m")]
    Order(String),
    /// More than [`LONGEST`].
    #[error("`{0}` is too long: the longest is 3650d")]
    TooLong(String),
}

/// Reads a duration: whole numbers with `d`, `h`, `m` or `s`, the largest unit first, each once; spaces
/// between the parts are allowed. The result lies between zero and [`LONGEST`].
///
/// # Errors
/// When the text is none, with what is wrong and how to write it.
pub fn parse(text: &str) -> Result<SignedDuration, NotADuration> {
    let text = text.trim();
    let too_long = || NotADuration::TooLong(text.into());
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut seconds: i64 = 0;
    if rest.is_empty() {
        return Err(NotADuration::Shape(text.into()));
    }
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, char::is_alphabetic);
        if digits.is_empty() {
            return Err(NotADuration::Shape(text.into()));
        }
        if unit.is_empty() {
            return Err(if after.is_empty() {
                NotADuration::Unit(text.into(), digits.into())
            } else {
                NotADuration::Shape(text.into())
            });
        }
        let is_meant = |name: char| unit.chars().eq([name]);
        if !UNITS.iter().any(|(name, _)| is_meant(*name)) {
            return Err(NotADuration::UnknownUnit(text.into(), unit.into()));
        }
        let Some((_, size)) = units.find(|(name, _)| is_meant(*name)) else {
            return Err(NotADuration::Order(text.into()));
        };
        // Only digits: it cannot fail otherwise than by being too large.
        let number: i64 = digits.parse().map_err(|_| too_long())?;
        seconds =
            number.checked_mul(*size).and_then(|part| seconds.checked_add(part)).ok_or_else(too_long)?;
        rest = after.trim_start();
    }
    if seconds > LONGEST.as_secs() {
        return Err(too_long());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// A duration as [`parse`] reads it, exact to the second: `1h30m`, `1d12h`, `0s`.
#[must_use]
pub fn written(duration: SignedDuration) -> String {
    join(duration, UNITS.len(), "")
}

/// A duration for people to read: `2m`, `1h 30m`, `7d`. Two neighbouring units at most, the rest is cut off, so
/// that an hour, two minutes and a second are `1h 2m`; below a second it is `0s`. What lies in the past has a
/// minus sign.
#[must_use]
pub fn brief(duration: SignedDuration) -> String {
    join(duration, 2, " ")
}

/// The units from the largest that occurs, `most` neighbours of them.
fn join(duration: SignedDuration, most: usize, between: &str) -> String {
    let all = duration.as_secs().unsigned_abs();
    let (mut rest, mut parts) = (all, Vec::new());
    for (unit, size) in UNITS.iter().skip_while(|(_, size)| size.unsigned_abs() > all).take(most) {
        let size = size.unsigned_abs();
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    if parts.is_empty() {
        return "0s".into();
    }
    let sign = if duration.is_negative() { "-" } else { "" };
    format!("{sign}{}", parts.join(between))
}

/// The longest beginning whose letters all fit, and the rest.
fn split_while(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !fits(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_the_formats_promise() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("2m", 120),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            (" 7d ", 604_800),
            ("1d2h3m4s", 93_784),
            ("007m", 420),
            ("3650d", 315_360_000),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_how_to_write_it() {
        for (text, sentence) in [
            ("", "`` is not a duration: write whole numbers"),
            ("soon", "`soon` is not a duration: write whole numbers"),
            ("-5m", "`-5m` is not a duration"),
            ("1.5h", "`1.5h` is not a duration"),
            ("5", "`5` has no unit: write 5s for seconds or 5m for minutes"),
            ("1h30", "`1h30` has no unit: write 30s"),
            ("5ms", "`5ms`: `ms` is not a unit of time here: use d, h, m or s"),
            ("2w", "`w` is not a unit of time here"),
            ("5M", "`M` is not a unit of time here"),
            ("5µs", "`µs` is not a unit of time here"),
            ("30m1h", "write the largest unit first and each unit once"),
            ("1h1h", "write the largest unit first and each unit once"),
            ("3651d", "`3651d` is too long: the longest is 3650d"),
            ("99999999999999999999s", "is too long"),
            ("9223372036854775807d", "is too long"),
            ("٣m", "is not a duration"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }

    #[test]
    fn people_read_two_units() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (90, "1m 30s"),
            (120, "2m"),
            (5_400, "1h 30m"),
            (3_601, "1h"),
            (3_661, "1h 1m"),
            (86_400, "1d"),
            (90_061, "1d 1h"),
            (604_800, "7d"),
            (-150, "-2m 30s"),
        ] {
            assert_eq!(brief(SignedDuration::from_secs(seconds)), expected, "{seconds}");
        }
        assert_eq!(brief(SignedDuration::from_millis(-999)), "0s");
        assert_eq!(brief(SignedDuration::MIN), "-106751991167300d 15h");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0..=LONGEST.as_secs()) {
            let duration = SignedDuration::from_secs(seconds);
            prop_assert_eq!(parse(&written(duration)), Ok(duration));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(!duration.is_negative() && duration <= LONGEST);
            }
        }
    }
}
