//! What Slack delivers and nobody can use, and what Slack refuses: counted, said to whoever did it, and no reason to
//! keep anybody else waiting. Never reaches a real platform.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use watchbell::{
    chat::port::{Failure, Link, Original, Place, Platform as _, RoomPlan, Said},
    text::{
        card::{Button, Card},
        chat::Remedy,
    },
};

use super::{
    contract::{Reaction, World, card, is_clean, saying, until},
    fake_slack::{BOT, SlackWorld},
    slack::form,
};

#[tokio::test]
async fn what_is_not_for_us_or_cannot_be_read_is_refused_counted_and_said() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let mut foreign = world.fake.slash(&ana, &room.0, "/incident open P1 x");
    foreign["team_id"] = json!("T666");
    world.fake.deliver("slash_commands", foreign, None);
    let said = |words: &str| world.shown(&room).iter().any(|shown| shown.text.contains(words)).then_some(());
    until("the stranger is told", || said("another workspace")).await;
    let mut old = world.fake.slash(&ana, &room.0, "/x");
    old["type"] = json!("block_actions");
    old["user"] = json!({ "id": ana });
    old["actions"] = json!([{"type": "button", "value": "form:of another release"}]);
    world.fake.deliver("interactive", old, None);
    until("whoever pressed it is told", || said("another release")).await;
    for (kind, payload) in [
        ("slash_commands", json!({"team_id": "T1"})),
        ("interactive", json!({"actions": 7})),
        ("events_api", json!({"event": {"type": ["message"]}})),
        ("events_api", json!("x".repeat(100_000))),
    ] {
        world.fake.deliver(kind, payload, None);
    }
    world.garbles();
    until("all of it is counted", || (world.script.strange().len() == 7).then_some(())).await;
    assert!(world.script.heard().is_empty(), "and nothing is done");
    assert!(world.fake.state().unacknowledged.is_empty(), "and none of it comes again");
    assert_eq!(world.script.links(), [Link::Up]);
    // A form opened long ago whose command is of another release stays open, and says why.
    world.script.says(Said { form: Some(form()), ..Said::default() });
    world.command(&ana, &room, "/incident note INC-3");
    until("the form", || world.form(&ana)).await;
    let spoilt = json!("of another release");
    world.fake.state().views.get_mut(&ana).unwrap().shown["private_metadata"] = spoilt;
    world.submit(&ana, &BTreeMap::from([("text".to_owned(), "done".to_owned())]));
    let errors = until("the errors", || world.form_errors(&ana)).await;
    assert!(errors["text"].as_str().unwrap().contains("another release"), "{errors}");
    is_clean(&world);
}

#[tokio::test]
async fn a_button_of_a_message_long_gone_still_answers_whoever_pressed_it() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let asked = Card { buttons: vec![Button::new("Acknowledge", "/ack G-17")], ..card("DiskFull") };
    let message = world.slack.send(&Place::Room(room.clone()), &asked, "d-1").await.unwrap();
    let answer = Said { original: Original::Replaced, ..saying("G-17 has ended already") };
    let gone = message.clone();
    let fake = Arc::clone(&world.fake);
    world.script.answers(move |_| {
        // Deleted while the answer is on its way.
        let mut state = fake.state();
        state.room_mut(&gone.room.0).unwrap().messages.retain(|known| known.ts != gone.message);
        Reaction::Say(answer.clone())
    });
    world.press(&ana, &message, "Acknowledge");
    let told = || world.shown(&room).into_iter().find(|shown| shown.text.contains("ended already"));
    let told = until("whoever pressed it is told", told).await;
    assert_eq!(told.only, Some(ana));
    is_clean(&world);
}

#[tokio::test]
async fn one_account_that_slack_lets_in_nowhere_keeps_nobody_out() {
    let world = SlackWorld::start().await;
    let (room, ana, ben) = (world.room("ops"), world.account("ana"), world.account("ben"));
    let guests = [BOT.to_owned(), "UGUEST".to_owned(), ana.clone(), "UNOBODY".to_owned(), ben.clone()];
    let refused = world.slack.invite(&room, &guests).await;
    let why = "user_is_restricted (UGUEST), user_not_found (UNOBODY)".to_owned();
    assert_eq!(refused, Err(Failure::Refused { why, remedy: Some(Remedy::Guest("UGUEST".into())) }));
    assert_eq!(world.room_is(&room).members, [ana, ben]);
    // A room whose topic may not be set is a room all the same.
    let missing = json!({"ok": false, "error": "missing_scope", "needed": "channels:manage"});
    world.fake.state().habits.errors.insert("conversations.setTopic".into(), missing);
    let plan = RoomPlan { name: "inc-7".into(), topic: "P1".into(), private: false, key: "k".into() };
    assert_eq!(world.slack.create_room(&plan).await.unwrap().name, "#inc-7");
    is_clean(&world);
}
