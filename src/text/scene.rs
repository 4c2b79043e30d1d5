//! What is true, and for whom it is said: everything that a card about the present is made from. Never changes
//! anything.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Button, Field, Link, Tone},
    when,
};
use crate::domain::{
    config::Config,
    id::{PersonId, SeverityId},
    intent::Now,
    person::Urgency,
    state::State,
};

/// What is true, and for whom it is said.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The state.
    pub state: &'a State,
    /// The configuration in force.
    pub config: &'a Config,
    /// The reader's zone.
    pub zone: &'a TimeZone,
    /// The instant.
    pub now: Now,
}

impl Scene<'_> {
    /// An instant of engine time as civil time: what people read.
    #[must_use]
    pub fn civil(&self, due: Timestamp) -> Timestamp {
        let ahead = due.duration_since(self.now.engine);
        self.now.civil.checked_add(ahead).unwrap_or(due)
    }
    /// A civil instant, as short as it can be.
    #[must_use]
    pub fn near(&self, at: Timestamp) -> String {
        when::near(at, self.zone, self.now.civil)
    }
    /// A civil instant that has passed, with how long ago it was.
    #[must_use]
    pub fn ago(&self, at: Timestamp) -> String {
        format!("{} ({} ago)", self.near(at), when::since(at, self.now.civil))
    }
    /// `P1 High`.
    #[must_use]
    pub fn severity(&self, id: &SeverityId) -> String {
        match self.config.severities.get(id) {
            Some(severity) if !severity.name.is_empty() => format!("{id} {}", severity.name),
            _ => id.to_string(),
        }
    }
    /// `Ana Ruiz (ana)`.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> String {
        match self.config.people.get(id) {
            Some(person) if !person.name.is_empty() && person.name != id.as_str() => {
                format!("{} ({id})", person.name)
            }
            _ => id.to_string(),
        }
    }
}

/// How something is coloured that is open.
#[must_use]
pub fn tone(urgency: Urgency, acknowledged: bool) -> Tone {
    if urgency == Urgency::Urgent && !acknowledged { Tone::Critical } else { Tone::Warning }
}

/// A name and its value.
pub(super) fn field(name: &str, value: impl Into<String>) -> Field {
    Field { name: name.to_owned(), value: value.into() }
}

/// A button.
pub(super) fn button(label: impl Into<String>, command: impl Into<String>) -> Button {
    Button::new(label.into(), command.into())
}

/// A link, when its address is one that can be followed without harm.
pub(super) fn link(text: &str, url: &str) -> Option<Link> {
    let lower = url.trim().to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    let is_clean = !url.trim().contains(|c: char| c.is_control() || c.is_whitespace());
    (is_web && is_clean).then(|| Link { text: text.to_owned(), url: url.trim().to_owned() })
}

/// `ana`, `ana and ben`, `ana, ben and chi`.
#[must_use]
pub fn enumerate<T: std::fmt::Display>(things: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// A word with its first letter in upper case, as at the beginning of a sentence.
#[must_use]
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_web_address_becomes_a_link() {
        for (url, expected) in [
            ("https://example.com/a", true),
            ("HTTP://example.com", true),
            (" https://example.com ", true),
            ("javascript:alert(1)", false),
            ("file:///etc/passwd", false),
            ("https://example.com/\u{1b}[31m", false),
            ("https://a b", false),
            ("", false),
        ] {
            assert_eq!(link("x", url).is_some(), expected, "{url}");
        }
    }

    #[test]
    fn people_are_enumerated_as_in_a_sentence() {
        for (people, expected) in [
            (vec![], "nobody"),
            (vec!["a"], "a"),
            (vec!["a", "b"], "a and b"),
            (vec!["a", "b", "c"], "a, b and c"),
        ] {
            assert_eq!(enumerate(people), expected);
        }
    }
}
