//! Commands written in a channel, commands whose answer cannot be looked up any more, and completion among very many
//! things. Never about what a single command says.

use super::desk::Room;
use crate::{domain::alert::AlertStatus, engine::Rejected};

#[tokio::test]
async fn in_a_channel_its_own_incident_is_meant() {
    let room = Room::open();
    room.report(AlertStatus::Firing, "QflowDown", "P1").await;
    room.say("ben", "/incident open P3 printer is out of paper").await;
    assert!(!room.say("ben", "/incident note which one").await.ok);
    let reply = room.say_in("#qflow-alerts", "ben", "/incident note rolled back").await;
    assert!(reply.ok && reply.text.contains("INC-1"), "{}", reply.text);
    // A channel of which no incident is says nothing about which is meant.
    let reply = room.say_in("#canteen", "ben", "/incident note which one").await;
    assert!(!reply.ok && reply.text.contains("Which incident?"), "{}", reply.text);
}

#[tokio::test]
async fn what_is_done_is_said_to_be_done_though_nothing_can_be_looked_up_any_more() {
    let room = Room::open();
    room.say("ben", "/incident open P3 first").await;
    let call = room.call("ben", "/incident note replica was behind").await;
    room.stop().await;
    let reply = call.done(crate::text::reply::kept("INC-1 is changed.".to_owned()), |_| None).await;
    assert!(reply.ok && reply.text.starts_with("INC-1 is changed.\nIt is done and kept."), "{}", reply.text);
    // What was not taken is no answer to a command: whoever asked for it may try again.
    let rejected = room.try_say("ben", "/incident list").await.unwrap_err();
    assert!(matches!(rejected, Rejected::Stopped), "{rejected:?}");
}

#[tokio::test]
async fn the_newest_of_very_many_things_are_offered() {
    let room = Room::open();
    for number in 1..=40 {
        room.say("ben", &format!("/incident open P3 number {number}")).await;
        room.report(AlertStatus::Firing, &format!("Alert{number}"), "P3").await;
    }
    let offered = |text: &'static str| room.offers("ben", text);
    for (text, first, most) in [
        ("/incident show ", "INC-45", 25),
        // Older than the newest, and still found when it is typed.
        ("/incident show INC-1", "INC-19", 11),
        ("/incident show INC-40", "INC-40", 1),
        ("/alert show ", "A-40", 25),
        ("/alert show A-3", "A-39", 11),
        ("/ack G-3", "G-39", 11),
    ] {
        let offers = offered(text).await;
        assert_eq!(
            (offers.first().map(String::as_str), offers.len()),
            (Some(first), most),
            "{text}: {offers:?}"
        );
    }
}
