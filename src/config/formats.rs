//! Time zones and channels as they are written. Suggests what was probably meant, and never takes it for that.

use jiff::tz::TimeZone;

use super::words;

/// A time zone by its name in the tz database.
///
/// # Errors
/// When there is none: one sentence, and the nearest name.
pub fn zone(name: &str) -> Result<TimeZone, (String, Option<String>)> {
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
pub fn channel(text: &str) -> Result<Option<&str>, (String, Option<String>)> {
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
    fn channels_and_zones_suggest_what_was_meant() {
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
    }
}
