//! Silences, maintenance, snoozes and quiet groups, in every form that reads differently.

use super::{GROUP, INCIDENT, after, ana, prose};
use crate::domain::{
    event::{Actor, Event, Title},
    id::{PageId, SilenceId},
    quiet::{GroupHushed, GroupSnoozed, Hushing, QuietEvent, SilenceAdded, SilenceKind},
};

const SILENCE: SilenceId = SilenceId(3);

/// What is said of each.
pub(super) fn events() -> Vec<Event> {
    let added = |kind, comment: Title, planned: Option<&str>| {
        QuietEvent::Added(SilenceAdded {
            silence: SILENCE,
            kind,
            matchers: vec!["service=\"qflow\"".into(), "severity=~\"info|warning\"".into()],
            by: if planned.is_some() { Actor::Watchbell } else { ana() },
            comment,
            planned: planned.map(Into::into),
            channels: Vec::new(),
            starts: after(60),
            ends: after(3_660),
        })
    };
    let by = vec![Hushing { silence: SILENCE, kind: SilenceKind::Silence, by: ana() }];
    [
        added(SilenceKind::Silence, Title::Written(prose("new disks @everyone")), None),
        added(SilenceKind::Maintenance, Title::Derived("backups".into()), Some("nightly")),
        QuietEvent::Began { silence: SILENCE },
        QuietEvent::Ended { silence: SILENCE, by: None },
        QuietEvent::Ended { silence: SILENCE, by: Some(ana()) },
        QuietEvent::Hushed(GroupHushed { group: GROUP, by, until: after(3_660), untold: false }),
        QuietEvent::Woken { group: GROUP, wait_until: None },
        QuietEvent::Snoozed(GroupSnoozed { group: GROUP, by: ana(), until: after(1_800) }),
        QuietEvent::SnoozeOver { group: GROUP },
        QuietEvent::Repeated { group: GROUP },
        QuietEvent::Held { incident: INCIDENT, pages: vec![PageId(3)] },
        QuietEvent::Held { incident: INCIDENT, pages: Vec::new() },
        QuietEvent::GoesOn { incident: INCIDENT, pages: vec![PageId(3)] },
    ]
    .map(|event| Event::Quiet(Box::new(event)))
    .into()
}
