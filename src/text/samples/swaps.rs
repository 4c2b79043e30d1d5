//! A swap of shifts, for the tests of texts.

use jiff::{SignedDuration, Timestamp};

use super::{ana, start};
use crate::domain::{
    event::Event,
    id::{AnnouncementId, OverrideId},
    schedule::Override,
    swap::Swapped,
};

fn stands_in(id: u64, person: &str, from: i64, until: i64) -> Override {
    let after = |hours: i64| -> Timestamp { start() + SignedDuration::from_hours(hours) };
    Override {
        id: OverrideId(id),
        schedule: "primary".into(),
        person: person.into(),
        from: after(from),
        until: after(until),
    }
}

pub(super) fn swapped() -> Event {
    Event::Swapped(Box::new(Swapped {
        first: stands_in(4, "chi", 2, 3),
        second: stands_in(5, "ana", 4, 5),
        told: AnnouncementId(2),
        by: ana(),
    }))
}
