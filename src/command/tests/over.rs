//! What is said of things that are over, and of overrides that lie over each other.

use jiff::SignedDuration;

use super::desk::Room;
use crate::domain::alert::AlertStatus;

#[tokio::test]
async fn an_alert_that_has_ended_is_not_unknown() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "QflowDown", "P1").await;
    room.report(AlertStatus::Resolved, "QflowDown", "P1").await;
    let said = room.said("ana", "/alert ack A-1").await;
    insta::assert_snapshot!(said, @r"
    refused
    A-1 ended at 2026-01-05 10:30 CET.
    There is nothing to take any more. Should it fire again, that is a new alert.

    [1] Show: /alert show A-1
    ");
    assert_eq!(room.said("ana", "/ack A-1").await, said);
    assert!(room.said("ana", "/ack A-9").await.contains("There is no alert A-9"));
}

#[tokio::test]
async fn an_override_over_another_says_which_one_counts() {
    let room = Room::open();
    let added = room.said("ana", "/oncall override primary chi 8d").await;
    assert!(added.contains("Instead of  ana, then ben"), "{added}");
    room.say("ana", "/oncall override primary ben 2h").await;
    let removed = room.said("ana", "/oncall override remove OV-2").await;
    assert!(
        removed.contains("ben no longer stands in for primary; the override OV-1 counts there."),
        "{removed}"
    );
    let removed = room.said("ana", "/oncall override remove OV-1").await;
    assert!(removed.contains("chi no longer stands in for primary; the layers count again."), "{removed}");
}

#[tokio::test]
async fn an_override_begins_now_ends_within_a_year_and_is_not_listed_when_it_is_over() {
    let room = Room::open();
    let added = room.said("ana", "/oncall override primary chi 2026-01-05T01:00 2026-01-05T12:00").await;
    assert!(added.contains("From        2026-01-05 10:00 CET"), "{added}");
    let endless = room.said("ana", "/oncall override primary chi 2026-01-06 2027-06-01").await;
    assert!(endless.contains("it would last longer than 366 days"), "{endless}");
    room.pass(SignedDuration::from_hours(3));
    assert!(room.said("ana", "/oncall override list").await.contains("No override."));
}
