//! `/alert explain`, `/oncall swap`, `/oncall gaps`, as they are typed. Never about how an explanation is told: that is in
//! `tests/it/explain`.

use jiff::SignedDuration;

use super::desk::Room;
use crate::domain::alert::AlertStatus;

#[tokio::test]
async fn an_alert_and_its_group_are_explained_and_nothing_else_is() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "QflowDown", "P1").await;
    room.pass(SignedDuration::from_mins(1));
    for written in ["A-1", "G-1"] {
        let said = room.said("eve", &format!("/alert explain {written}")).await;
        for part in [
            "done",
            "A-1 QflowDown: why, and who was paged",
            "1. qflow takes it",
            "pages ana (schedule:primary, layer 1, turn 1",
        ] {
            assert!(said.contains(part), "{part} is missing in {said}");
        }
    }
    let ended = room.report(AlertStatus::Resolved, "QflowDown", "P1");
    ended.await;
    let said = room.said("eve", "/alert explain A-1").await;
    assert!(said.contains("It ended on") && said.contains("told by prometheus"), "{said}");
    for (written, words) in [
        ("A-9", "There is no alert A-9"),
        ("G-9", "There is no group G-9"),
        ("INC-1", "INC-1 is neither an alert nor a group"),
    ] {
        let said = room.said("eve", &format!("/alert explain {written}")).await;
        assert!(said.starts_with("refused") && said.contains(words), "{said}");
    }
    room.stop().await;
}

#[tokio::test]
async fn shifts_are_swapped_and_taken_back_together() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("ana", "/oncall swap primary ben").await);
    insta::assert_snapshot!(room.said("ana", "/oncall schedule primary 20").await);
    insta::assert_snapshot!(room.said("ben", "/oncall override remove OV-2").await);
    let said = room.said("ana", "/oncall override list").await;
    assert!(said.contains("No override."), "{said}");
    for (text, words) in [
        ("/oncall swap primary ana", "Nobody swaps a shift with themselves."),
        ("/oncall swap primary chi", "chi has no shift of primary"),
        ("/oncall swap primary ben --theirs now", "ben is not on call on"),
        ("/oncall swap hours ben", "has no shift of hours"),
    ] {
        let said = room.said("ana", text).await;
        assert!(said.starts_with("refused") && said.contains(words), "{text}: {said}");
    }
    room.stop().await;
}

#[tokio::test]
async fn gaps_are_shown_with_what_to_do() {
    let room = Room::open();
    insta::assert_snapshot!(room.said("ana", "/oncall gaps hours --days 2").await);
    let said = room.said("ana", "/oncall gaps primary --days 3").await;
    assert!(said.contains("No gap in primary within 3 days."), "{said}");
    room.stop().await;
}
