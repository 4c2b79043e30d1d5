//! Entries of timelines about what is quiet: who wanted it, and until when. Never decides whether anything is.

use jiff::Timestamp;

use crate::{
    domain::{
        id::PageId,
        quiet::{QuietEvent, SilenceAdded},
    },
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
        QuietEvent::Held { incident, pages } => {
            let what =
                format!("{incident} waits: nobody has it, and all that fires in it is quiet or snoozed");
            (Kind::Quiet, watchbell(), format!("{what}; {} stand still", with_deadlines(pages)))
        }
        QuietEvent::GoesOn { incident, pages } => {
            let what = with_deadlines(pages);
            (Kind::Quiet, watchbell(), format!("{incident} goes on: {what}, from where they stood"))
        }
    }
}

/// `PG-3 and its deadlines`.
fn with_deadlines(pages: &[PageId]) -> String {
    let all = pages.iter().map(ToString::to_string).chain(["its deadlines".to_owned()]);
    enumerate(all)
}

fn silence(added: &SilenceAdded, now: Timestamp) -> String {
    let kind = capital(added.kind.as_str());
    let matchers = plain(&added.matchers.join(", "), WORDS);
    let begins = in_span(added.starts.duration_since(now));
    let length = span(added.ends.duration_since(added.starts.max(now)));
    let comment = plain(added.comment.as_str(), WORDS);
    format!("{kind} {} begins {begins} for {length}, {matchers}: {comment}", added.silence)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{
        event::{Actor, Title},
        id::{GroupId, SilenceId},
        prose::Prose,
        quiet::{GroupHushed, GroupSnoozed, Hushing, SilenceKind},
    };

    #[test]
    fn who_made_it_quiet_and_until_when_is_said_in_a_line() {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let (until, ana) = (now + SignedDuration::from_mins(90), || Actor::Person("ana".into()));
        let (group, silence, kind) = (GroupId(17), SilenceId(3), SilenceKind::Silence);
        let added = SilenceAdded {
            silence,
            kind,
            matchers: vec!["service=\"qflow\"".into()],
            by: ana(),
            comment: Title::Written(Prose::new("new\ndisks", [1; 16])),
            planned: None,
            channels: Vec::new(),
            starts: now,
            ends: until,
        };
        let hushed =
            GroupHushed { group, by: vec![Hushing { silence, kind, by: ana() }], until, untold: false };
        for (event, by, text) in [
            (
                QuietEvent::Added(added),
                "ana",
                "Silence S-3 begins now for 1h30m, service=\"qflow\": new disks",
            ),
            (QuietEvent::Hushed(hushed), "watchbell", "G-17 is quiet for 1h30m: silence S-3 of ana"),
            (
                QuietEvent::Snoozed(GroupSnoozed { group, until, by: ana() }),
                "ana",
                "ana snoozed G-17 for 1h30m",
            ),
            (QuietEvent::Ended { silence, by: Some(ana()) }, "ana", "ana ended S-3 before its time"),
            (QuietEvent::Ended { silence, by: None }, "watchbell", "The time of S-3 is over"),
        ] {
            let (_, who, said) = entry(&event, now);
            assert_eq!((who.as_str(), said.as_str()), (by, text));
        }
    }
}
