//! Conversations about what is quiet: what is written, and what comes back.

use jiff::SignedDuration;

use super::desk::Room;
use crate::domain::alert::AlertStatus;

/// Says something; every part must be in the answer.
async fn hears(room: &Room, text: &str, parts: &[&str]) {
    let answer = room.said("ben", text).await;
    for part in parts {
        assert!(answer.contains(part), "`{text}` does not say `{part}`:\n{answer}");
    }
}

#[tokio::test]
async fn a_silence_from_its_beginning_to_its_end() {
    let room = Room::open();
    hears(&room, "/silence list", &["Nothing is silenced."]).await;
    room.report(AlertStatus::Firing, "Down", "critical").await;
    hears(
        &room,
        "/silence add service=qflow alertname=~\"Do.*|Slow\" --for 2h --comment new disks, all night",
        &[
            "done",
            "Silence S-1 until 11:00",
            "G-1 is quiet",
            "1 that fire match",
            "new disks, all night",
            "Expire: /silence expire S-1",
        ],
    )
    .await;
    hears(&room, "/silence list", &["S-1", "service=\"qflow\"", "ben"]).await;
    hears(&room, "/alert list", &["G-1 (quiet until 11:00"]).await;
    hears(&room, "/alert show A-1", &["silence S-1 of ben", "quiet until"]).await;
    hears(&room, "/maintenance end S-1", &["refused", "S-1 is a silence", "/silence expire S-1"]).await;
    hears(&room, "/silence expire S-1", &["done", "Silence S-1 is over.", "Heard again", "G-1"]).await;
    hears(&room, "/silence expire S-1", &["refused", "is over since", "ended by ben"]).await;
    hears(&room, "/silence show S-1", &["is over since"]).await;
    hears(&room, "/silence expire S-7", &["refused", "There is no silence S-7", "/silence list"]).await;
}

#[tokio::test]
async fn a_silence_by_the_labels_of_a_group_and_a_maintenance_to_come() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "Down", "critical").await;
    hears(&room, "/silence add --group G-1 --for 1h", &["alertname=\"Down\"", "from the card of G-1"]).await;
    hears(
        &room,
        "/maintenance start 'service=\"web\"' --from \"tomorrow 02:00\" --for 2h --comment \"new switches\"",
        &["Maintenance S-2 begins", "new switches", "/maintenance end S-2"],
    )
    .await;
    hears(&room, "/maintenance list", &["S-2", "service=\"web\""]).await;
    hears(&room, "/silence list", &["S-1"]).await;
    hears(&room, "/maintenance end S-2", &["done", "S-2 will not begin."]).await;
}

#[tokio::test]
async fn a_silence_that_is_not_described_is_refused_with_what_to_write() {
    let room = Room::open();
    for (text, part) in [
        ("/silence add --for 1h --comment x", "MATCHERS"),
        ("/silence add a=b --comment x", "Say for how long"),
        ("/silence add a=b --for 1h", "Say why"),
        ("/silence add a=b --for 1h --until 18:00 --comment x", "write one of them"),
        ("/silence add a=b --group G-1 --for 1h", "write one of them"),
        ("/silence add --group G-1 --for 1h", "There is no group G-1"),
        ("/silence add a=~\".*\" --for 1h --comment x", "every alert that there is"),
        ("/silence add a=b c~d --for 1h --comment x", "Condition 2 cannot be read"),
        ("/silence add a=~\"(\" --for 1h --comment x", "Condition 1 cannot be read"),
        ("/silence add a=b --for 31d --comment x", "longer than 30 days"),
        ("/silence add a=b --until 2020-01-01 --comment x", "end before it begins"),
        ("/silence add a=b --from 2020-01-01 --for 1h --comment x", "begin in the past"),
        ("/silence add a=b --for 0s --comment x", "end before it begins"),
        ("/alert snooze G-1 for 30m", "There is no group G-1"),
        ("/alert resolve G-1", "There is no group G-1"),
        ("/alert resolve A-1", "There is no alert A-1"),
        ("/alert resolve INC-1", "neither an alert nor a group"),
    ] {
        hears(&room, text, &["refused", part]).await;
    }
}

#[tokio::test]
async fn a_snooze_and_a_persons_word_that_it_is_over() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "Down", "critical").await;
    hears(&room, "/alert snooze G-1 30s", &["refused", "from a minute to seven days"]).await;
    hears(&room, "/alert snooze G-1 for 30m", &["G-1 is snoozed until 09:30", "it pages anew"]).await;
    hears(&room, "/alert list", &["snoozed by ben until 09:30"]).await;
    room.pass(SignedDuration::from_mins(31));
    hears(&room, "/alert show A-1", &["nobody has it"]).await;
    hears(
        &room,
        "/alert resolve G-1",
        &["ben resolved G-1.", "A-1", "Closed", "A later start counts at once"],
    )
    .await;
    hears(&room, "/alert resolve G-1", &["refused", "G-1 closed at"]).await;
    hears(&room, "/alert list", &["No alert fires."]).await;
}
