//! The small notations of the configuration: durations, hand-offs, restrictions, channels, time zones. Pure text in,
//! domain out; never guesses.

use jiff::{
    SignedDuration,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use crate::domain::schedule::{Handoff, Restriction};

use super::words;

/// Reads `90s`, `5m`, `1h30m`, `7d`.
///
/// # Errors
/// When it is none: one sentence.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("`{text}` is not a duration");
    let (mut total, mut number, mut last) = (0_i64, String::new(), i64::MAX);
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: i64 = number.parse().map_err(|_| wrong())?;
        if unit >= last {
            return Err(wrong());
        }
        total = count.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        last = unit;
        number.clear();
    }
    if text.is_empty() || !number.is_empty() { Err(wrong()) } else { Ok(SignedDuration::from_secs(total)) }
}

/// A duration as people write it.
pub(super) fn shown(duration: SignedDuration) -> String {
    let mut rest = duration.as_secs();
    let mut text = String::new();
    for (unit, letter) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= unit {
            text.push_str(&(rest / unit).to_string());
            text.push(letter);
            rest %= unit;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn weekday(text: &str) -> Option<Weekday> {
    let lower = text.to_ascii_lowercase();
    DAYS.iter().find(|(day, _)| *day == lower).map(|(_, weekday)| *weekday)
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, length: usize| {
        (1..=length).contains(&digits.len()).then(|| digits.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hour, 2)?, number(minute, 2).filter(|_| minute.len() == 2)?, 0, 0).ok()
}

/// Reads `weekly Mon 09:00`, `daily 09:00`, `every 12h`, `monthly 1 09:00`.
///
/// # Errors
/// When it is none: one sentence.
pub(super) fn handoff(text: &str) -> Result<Handoff, String> {
    let wrong = || format!("`{text}` is not a hand-off");
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["daily", at] => time(at).map(Handoff::Daily),
        ["weekly", day, at] => weekday(day).zip(time(at)).map(|(day, at)| Handoff::Weekly(day, at)),
        ["monthly", day, at] => day
            .parse::<i8>()
            .ok()
            .filter(|day| (1..=31).contains(day))
            .zip(time(at))
            .map(|(day, at)| Handoff::Monthly(day, at)),
        ["every", every] => duration(every).ok().filter(|every| every.as_secs() >= 3600).map(Handoff::Every),
        _ => None,
    }
    .ok_or_else(wrong)
}

/// Reads `Mon-Fri 09:00-17:00`, `Sat 00:00-24:00`.
///
/// # Errors
/// When it is none: one sentence.
pub(super) fn restriction(text: &str) -> Result<Restriction, String> {
    let read = || {
        let (days, hours) = text.trim().split_once(' ')?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, until) = hours.trim().split_once('-')?;
        let until = if until == "24:00" { Time::midnight() } else { time(until)? };
        Some(Restriction { days: (weekday(first)?, weekday(last)?), from: time(from)?, until })
    };
    read().ok_or_else(|| format!("`{text}` is not a stretch of the week"))
}

/// A time zone by its name in the tz database.
///
/// # Errors
/// When there is none: one sentence, and the nearest name.
pub(super) fn zone(name: &str) -> Result<TimeZone, (String, Option<String>)> {
    TimeZone::get(name).map_err(|_| {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        // People often write the city alone.
        let city = |known: &&String| {
            known.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name.replace(' ', "_")))
        };
        let near = names.iter().find(city).map(String::as_str);
        let near = near.or_else(|| words::nearest(name, names.iter().map(String::as_str)));
        (format!("there is no time zone `{name}`"), near.map(ToOwned::to_owned))
    })
}

/// Checks a channel: `#ops`, `slack:#ops`, `discord:#ops`. Gives the platform, when one is named.
///
/// # Errors
/// When it is none: one sentence, and the nearest right spelling.
pub(super) fn channel(text: &str) -> Result<Option<&str>, (String, Option<String>)> {
    let (platform, name) = match text.split_once(':') {
        Some((platform, name)) => (Some(platform), name),
        None => (None, text),
    };
    let prefix = platform.map(|platform| format!("{platform}:")).unwrap_or_default();
    if let Some(platform) = platform.filter(|platform| !["slack", "discord"].contains(platform)) {
        let near = words::nearest(platform, ["slack", "discord"]).map(|near| format!("{near}:{name}"));
        return Err((format!("`{platform}` is not a chat platform"), near));
    }
    let fits =
        |letter: char| (letter.is_alphanumeric() && !letter.is_uppercase()) || letter == '-' || letter == '_';
    match name.strip_prefix('#') {
        Some(bare) if !bare.is_empty() && bare.chars().count() <= 80 && bare.chars().all(fits) => {
            Ok(platform)
        }
        _ => {
            let bare: String = name
                .trim_start_matches('#')
                .to_lowercase()
                .chars()
                .map(|letter| if fits(letter) { letter } else { '-' })
                .take(80)
                .collect();
            let near = (!bare.is_empty()).then(|| format!("{prefix}#{bare}"));
            Err((format!("`{text}` is not a channel"), near))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("7d", 604_800)] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5 m", "-5m", "5m1h", "1.5h", "99999999999999999999s", "5x", "5m5m"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(shown(SignedDuration::from_secs(5400)), "1h30m");
        assert_eq!(shown(SignedDuration::ZERO), "0s");
    }

    #[test]
    fn channels_zones_and_turns() {
        for text in ["#ops", "slack:#ops", "discord:#qflow-alerts", "#größe_1"] {
            assert!(channel(text).is_ok(), "{text}");
        }
        for (text, near) in [
            ("ops", Some("#ops")),
            ("#Ops Team", Some("#ops-team")),
            ("slak:#ops", Some("slack:#ops")),
            ("#", None),
            ("teams:#ops", None),
        ] {
            assert_eq!(channel(text).unwrap_err().1.as_deref(), near, "{text}");
        }
        assert_eq!(zone("madrid").unwrap_err().1.as_deref(), Some("Europe/Madrid"));
        assert_eq!(zone("Europe/Madird").unwrap_err().1.as_deref(), Some("Europe/Madrid"));
        for text in ["weekly Mon 09:00", "daily 9:00", "every 12h", "monthly 31 09:00"] {
            assert!(handoff(text).is_ok(), "{text}");
        }
        for text in ["weekly", "weekly Moon 09:00", "daily 25:00", "every 0s", "monthly 0 09:00", ""] {
            assert!(handoff(text).is_err(), "{text}");
        }
        for text in ["Mon-Fri 09:00-17:00", "Sat 00:00-24:00", "Sat-Mon 22:00-06:00"] {
            assert!(restriction(text).is_ok(), "{text}");
        }
        for text in ["Mon", "Mon-Fri", "Mon-Fri 9-17", "09:00-17:00"] {
            assert!(restriction(text).is_err(), "{text}");
        }
    }
}
