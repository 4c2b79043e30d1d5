//! What becomes quiet and is heard again, for the tests of texts.

use super::{GROUP, after, ana, prose};
use crate::domain::{
    event::{Actor, Event, Title},
    id::SilenceId,
    quiet::{GroupHushed, GroupSnoozed, Hushing, QuietEvent, SilenceAdded, SilenceKind},
};

/// A silence and a snooze, from their begin to their end.
pub(super) fn events() -> Vec<Event> {
    let (silence, kind, until) = (SilenceId(3), SilenceKind::Silence, after(5_400));
    let added = SilenceAdded {
        silence,
        kind,
        matchers: vec!["service=\"qflow\"".to_owned()],
        by: ana(),
        comment: Title::Written(prose("new disks")),
        planned: None,
        channels: Vec::new(),
        starts: after(0),
        ends: until,
    };
    let hushing = Hushing { silence, kind, by: ana() };
    let events = [
        QuietEvent::Added(added),
        QuietEvent::Began { silence },
        QuietEvent::Hushed(GroupHushed { group: GROUP, by: vec![hushing], until }),
        QuietEvent::Ended { silence, by: None },
        QuietEvent::Ended { silence, by: Some(Actor::Person("ben".into())) },
        QuietEvent::Woken { group: GROUP, wait_until: None },
        QuietEvent::Snoozed(GroupSnoozed { group: GROUP, until, by: ana() }),
        QuietEvent::SnoozeOver { group: GROUP },
        QuietEvent::Repeated { group: GROUP },
    ];
    events.into_iter().map(|event| Event::Quiet(Box::new(event))).collect()
}
