//! Tasks, links, the impact and merged incidents, in every form that reads differently.

use super::{GROUP, INCIDENT, after, ana, prose};
use crate::domain::{
    delivery::Channel,
    event::Event,
    id::{IncidentId, PageId, TaskId},
    response::{Merged, ResponseEvent, TaskAdded, TaskChange},
};

const TASK: TaskId = TaskId(3);

/// What is said of each.
pub(super) fn events() -> Vec<Event> {
    let added = |text: &str, owner: Option<&str>, due| {
        ResponseEvent::TaskAdded(TaskAdded {
            task: TASK,
            incident: INCIDENT,
            text: prose(text),
            owner: owner.map(Into::into),
            due,
            by: ana(),
        })
    };
    let changed = |change| ResponseEvent::TaskChanged { task: TASK, incident: INCIDENT, change, by: ana() };
    let linked = |url: &str, title: Option<&str>| ResponseEvent::Linked {
        incident: INCIDENT,
        url: prose(url),
        title: title.map(prose),
        by: ana(),
    };
    let impact = |ended_at, text: &str| ResponseEvent::ImpactSet {
        incident: INCIDENT,
        started_at: after(-600),
        ended_at,
        text: prose(text),
        by: ana(),
    };
    let events = vec![
        added("restore the backup", Some("ben"), Some(after(1_800))),
        added("@everyone `x`\n| <b>\u{202E}", None, None),
        changed(TaskChange::Done),
        changed(TaskChange::Dropped),
        changed(TaskChange::Reopened),
        changed(TaskChange::Owner(Some("chi".into()))),
        changed(TaskChange::Owner(None)),
        changed(TaskChange::Due(Some(after(3_600)))),
        changed(TaskChange::Due(None)),
        ResponseEvent::TaskReminded { task: TASK, incident: INCIDENT, next_at: None },
        linked("https://example.com/dashboard", Some("the dashboard")),
        linked("https://example.com/d?from=now-1h", None),
        ResponseEvent::Related { incident: INCIDENT, other: IncidentId(9), by: ana() },
        impact(Some(after(900)), "checkout failed for EU customers"),
        impact(None, "<!channel> logins\nare slow"),
        ResponseEvent::Merged(Merged { incident: IncidentId(9), into: INCIDENT, by: ana() }),
        ResponseEvent::HandedOver { incident: INCIDENT, to: "chi".into(), by: ana() },
        ResponseEvent::Covered { incident: INCIDENT, group: GROUP, page: PageId(3) },
        ResponseEvent::RoomLeft { incident: INCIDENT, channel: Channel::Slack },
        ResponseEvent::FiredAnew { group: GROUP, incident: INCIDENT },
    ];
    events.into_iter().map(|event| Event::Response(Box::new(event))).collect()
}
