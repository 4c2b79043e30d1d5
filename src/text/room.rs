//! Words around rooms of incidents on chat platforms: their names, topics, and what was done to them.
//! Never holds markup, and keeps a title out of whatever goes into the journal.

use std::collections::BTreeSet;

use super::{plain::plain, timeline};
use crate::domain::{delivery::Channel, facts::Facts, id::PersonId, room::Author};

/// The longest name that every platform takes, with room for the number of a collision.
const NAME: usize = 70;
/// The longest topic that every platform takes.
const TOPIC: usize = 240;

/// A platform as people write it.
#[must_use]
pub fn platform(channel: Channel) -> &'static str {
    match channel {
        Channel::Slack => "Slack",
        Channel::Discord => "Discord",
        Channel::Chat => "the terminal",
        Channel::Hook | Channel::Ntfy | Channel::Mail | Channel::Phone => channel.as_str(),
        Channel::PagerDuty => "PagerDuty",
    }
}

/// Who wrote or did something there.
pub(super) fn author(author: &Author) -> String {
    match author {
        Author::Person(person) => timeline::name(person),
        Author::Account(account) => format!("account {}", timeline::name(account)),
    }
}

/// The name of an incident's room: `inc-7-database-is-down`.
#[must_use]
pub fn name(number: u64, title: &str) -> String {
    let mut name = format!("inc-{number}");
    for word in title.to_lowercase().split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if word.is_empty() {
            continue;
        }
        if name.len() + 1 + word.len() > NAME {
            break;
        }
        name.push('-');
        name.push_str(word);
    }
    name
}

/// What a room is about, in one line.
#[must_use]
pub fn topic(facts: &Facts) -> String {
    let incident = facts.incident.as_ref();
    let id = facts.subject.incident().map(|id| id.to_string()).unwrap_or_default();
    let severity = facts.severity.as_ref().map(|severity| format!(" · {severity}")).unwrap_or_default();
    let status = incident.map(|incident| format!(" · {}", incident.status)).unwrap_or_default();
    let lead = incident.and_then(|incident| incident.commander.as_deref());
    let lead = lead.map_or_else(|| " · nobody leads".to_owned(), |lead| format!(" · led by {lead}"));
    plain(&format!("{id}{severity}{status}{lead} · {}", facts.title), TOPIC)
}

/// The name of a picture's file.
pub const PICTURE: &str = "chart.png";

/// A picture is not kept any more.
#[must_use]
pub fn picture_gone() -> &'static str {
    "the picture is not kept any more"
}

/// A room was made.
#[must_use]
pub fn made() -> &'static str {
    "made"
}

/// Its topic was set.
#[must_use]
pub fn topic_set() -> &'static str {
    "topic set"
}

/// It was closed.
#[must_use]
pub fn closed() -> &'static str {
    "closed"
}

/// People were brought in.
#[must_use]
pub fn invited(people: &BTreeSet<PersonId>) -> String {
    let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
    format!("invited {}", people.join(", "))
}

/// Somebody cannot be reached there.
#[must_use]
pub fn no_account(person: &PersonId, channel: Channel) -> String {
    format!("{person} has no account on {}", platform(channel))
}

/// The platform asks for a pause.
#[must_use]
pub fn limited(platform: &str) -> String {
    format!("{platform} asks for a pause")
}

/// It did not answer; whether it took the message is unknown.
#[must_use]
pub fn no_answer() -> &'static str {
    "no answer within 10 s; it may have arrived"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_after_its_incident_within_what_platforms_take() {
        for (title, expected) in [
            ("Database is down!", "inc-7-database-is-down"),
            ("  ", "inc-7"),
            ("日本語 @everyone", "inc-7-everyone"),
            ("CPU > 90 %, eu/west", "inc-7-cpu-90-eu-west"),
        ] {
            assert_eq!(name(7, title), expected);
        }
        assert!(name(u64::MAX, &"word ".repeat(100)).len() <= NAME);
        assert_eq!(name(7, &"x".repeat(200)), "inc-7");
    }
}
