//! How long something takes, in words. Never more exact than a second.

use jiff::SignedDuration;

/// A length of time as the configuration writes it: `90s` is `1m30s`, `7d` is `7d`; at most two units. Negative
/// lengths are shown without their sign.
#[must_use]
pub fn span(length: SignedDuration) -> String {
    let seconds = (length.unsigned_abs().as_millis() + 500) / 1000;
    let parts =
        [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown = parts.iter().skip(first).take(2).filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown.map(|(count, unit)| format!("{count}{unit}")).collect();
    if shown.is_empty() { "0s".to_owned() } else { shown.concat() }
}

/// `now`, or `in 2m`.
#[must_use]
pub fn in_span(length: SignedDuration) -> String {
    if length < SignedDuration::from_millis(500) { "now".to_owned() } else { format!("in {}", span(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_to_read() {
        for (seconds, expected) in [
            (0, "0s"),
            (9, "9s"),
            (90, "1m30s"),
            (120, "2m"),
            (5400, "1h30m"),
            (3601, "1h"),
            (604_800, "7d"),
            (90_061, "1d1h"),
            (-60, "1m"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), expected, "{seconds}");
        }
        assert_eq!(in_span(SignedDuration::from_millis(400)), "now");
        assert_eq!(in_span(SignedDuration::from_mins(-3)), "now");
        assert_eq!(in_span(SignedDuration::from_mins(3)), "in 3m");
    }
}
