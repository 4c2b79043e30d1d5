//! Entries of timelines about what is quiet: who wanted it, and until when. Never decides whether anything is.

use jiff::Timestamp;

use crate::{
    domain::quiet::{QuietEvent, SilenceAdded},
    text::{
        plain::{NAME, WORDS, plain},
        scene::{capital, enumerate},
        span::{in_span, span},
        timeline::Kind,
    },
};

/// What such an event says; `now` is its engine time.
#[must_use]
pub fn entry(event: &QuietEvent, now: Timestamp) -> (Kind, String, String) {
    let watchbell = || "watchbell".to_owned();
    match event {
        QuietEvent::Added(added) => (Kind::Silence, plain(&added.by.to_string(), NAME), silence(added, now)),
        QuietEvent::Began { silence } => (Kind::Silence, watchbell(), format!("{silence} begins")),
        QuietEvent::Ended { silence, by: None } => {
            (Kind::Silence, watchbell(), format!("The time of {silence} is over"))
        }
        QuietEvent::Ended { silence, by: Some(by) } => {
            let by = plain(&by.to_string(), NAME);
            let text = format!("{by} ended {silence} before its time");
            (Kind::Silence, by, text)
        }
        QuietEvent::Hushed(hushed) => {
            let by = hushed.by.iter().map(|one| {
                format!("{} {} of {}", one.kind.as_str(), one.silence, plain(&one.by.to_string(), NAME))
            });
            let length = span(hushed.until.duration_since(now));
            (Kind::Quiet, watchbell(), format!("{} is quiet for {length}: {}", hushed.group, enumerate(by)))
        }
        QuietEvent::Woken { group, .. } => {
            (Kind::Quiet, watchbell(), format!("{group} is heard again, and still fires"))
        }
        QuietEvent::Snoozed(snoozed) => {
            let by = plain(&snoozed.by.to_string(), NAME);
            let length = span(snoozed.until.duration_since(now));
            let text = format!("{by} snoozed {} for {length}", snoozed.group);
            (Kind::Snoozed, by, text)
        }
        QuietEvent::SnoozeOver { group } => {
            (Kind::Snoozed, watchbell(), format!("The snooze of {group} is over, and it still fires"))
        }
        QuietEvent::Repeated { group } => {
            (Kind::Quiet, watchbell(), format!("{group} still fires: its channels are told again"))
        }
    }
}

fn silence(added: &SilenceAdded, now: Timestamp) -> String {
    let kind = capital(added.kind.as_str());
    let matchers = plain(&added.matchers.join(", "), WORDS);
    let begins = in_span(added.starts.duration_since(now));
    let length = span(added.ends.duration_since(added.starts.max(now)));
    let comment = plain(added.comment.as_str(), WORDS);
    format!("{kind} {} begins {begins} for {length}, {matchers}: {comment}", added.silence)
}
