//! Every call that the adapter can make to Slack, made once each and looked at by the fake against Slack's documented
//! rules. Never lets a method into the adapter that is not walked here.

use std::collections::BTreeSet;

use watchbell::{
    chat::port::{Picture, Place, Platform as _, RoomPlan, Said},
    text::card::{Button, Card, Field, Form, Input, Select, Tone},
};

use super::{
    contract::{World, card, is_clean, saying, until},
    fake_slack::SlackWorld,
};
use crate::source;

/// The methods that stand in the adapter's source, beside the two addresses that are not of the Web API.
fn methods() -> BTreeSet<String> {
    let folder = source::package().join("src/chat/slack");
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for word in code.split('"').skip(1).step_by(2) {
            let families = [
                "apps.",
                "auth.",
                "bookmarks.",
                "chat.",
                "conversations.",
                "files.",
                "pins.",
                "reactions.",
                "team.",
                "usergroups.",
                "users.",
                "views.",
            ];
            let is_method = word.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
            if is_method && families.iter().any(|family| word.starts_with(family)) {
                found.insert(word.to_owned());
            }
        }
    }
    found
}

/// A card with everything in it that a card can have.
fn whole() -> Card {
    let input = |name: &str, choices: &[&str]| Input {
        name: name.into(),
        label: name.into(),
        hint: "What is it?".into(),
        value: String::new(),
        optional: true,
        long: choices.is_empty(),
        choices: choices.iter().map(|choice| (*choice).to_owned().into()).collect(),
    };
    let form = Form {
        title: "Declare an incident with a title that is long".into(),
        send: "Declare".into(),
        command: "/incident open {severity} {title}".into(),
        inputs: vec![input("severity", &["P1", "P2"]), input("title", &[])],
    };
    Card {
        tone: Tone::Critical,
        text: "db-1 & <others>\n".repeat(400),
        fields: (0..30).map(|n| Field { name: format!("f{n}"), value: "v".repeat(3_000) }).collect(),
        table: (0..200).map(|n| vec![format!("G-{n}"), "db".into()]).collect(),
        document: "# Run\n".repeat(2_000),
        buttons: vec![
            Button { form: Some(form), ..Button::new("Declare", "/incident open") },
            Button::new("Acknowledge ".repeat(20), "/ack G-17"),
        ],
        selects: vec![Select {
            label: "Severity".into(),
            choices: (0..120).map(|n| Button::new(format!("P{n}"), format!("/x {n}"))).collect(),
        }],
        ..card(&"DiskFull ".repeat(100))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_the_adapter_can_make_is_as_slack_documents_it() {
    let world = SlackWorld::start().await;
    let (slack, room) = (&world.slack, world.room("ops"));
    let (ana, ben) = (world.account("ana"), world.account("ben"));

    // Said in every place, changed, pinned, shown.
    let message = slack.send(&Place::Room(room.clone()), &whole(), "d-1").await.unwrap();
    let below = slack.send(&Place::Thread(message.clone()), &whole(), "d-2").await.unwrap();
    slack.send(&Place::Person(ana.clone()), &whole(), "d-3").await.unwrap();
    let whisper = Place::Whisper { room: room.clone(), account: ana.clone() };
    slack.send(&whisper, &whole(), "d-4").await.unwrap();
    slack.edit(&message, &whole()).await.unwrap();
    slack.pin(&message).await.unwrap();
    for place in
        [Place::Room(room.clone()), Place::Thread(message.clone()), Place::Person(ana.clone()), whisper]
    {
        let picture = Picture {
            name: "cpu.png".into(),
            png: bytes::Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
            words: "CPU of db-1 <&> ".repeat(300),
        };
        slack.picture(&place, &picture, "k3").await.unwrap();
    }
    // An answer that was lost is looked for, in a room and in a thread.
    for (key, place) in [("d-5", Place::Room(room.clone())), ("d-6", Place::Thread(message.clone()))] {
        world.fake.state().habits.swallow = true;
        assert!(slack.send(&place, &card(key), key).await.is_err());
        slack.send(&place, &card(key), key).await.unwrap();
    }
    // Read, in a room and in a thread.
    let written = world.write(&ben, &room, "the disk is <full> & more");
    slack.read(&written).await.unwrap();
    slack.read(&below).await.unwrap();
    slack.account(&ben).await.unwrap();

    // Rooms, with a name that is taken and one that is too long.
    for (key, name) in
        [("k-1", "inc-42".to_owned()), ("k-2", "inc-42".to_owned()), ("k-3", "Día & ".repeat(60))]
    {
        let plan = RoomPlan { name, topic: "P1 <&> ".repeat(90), private: key == "k-3", key: key.repeat(90) };
        let made = slack.create_room(&plan).await.unwrap();
        slack.set_topic(&made.id, &"what it is about & more ".repeat(40)).await.unwrap();
        slack.invite(&made.id, &[ana.clone(), ben.clone()]).await.unwrap();
        slack.invite(&made.id, std::slice::from_ref(&ben)).await.unwrap();
        slack.find_room(&made.id.0).await.unwrap();
        slack.archive(&made.id).await.unwrap();
    }
    slack.find_room("#quiet").await.unwrap();
    slack.examine(&["ops".to_owned(), "no-such-room".to_owned()]).await;

    // Answers: by the address, as a form, in the place of the message, by a thread, late.
    world.script.says(Said { cards: vec![whole(), card("more")], ..Said::default() });
    world.command(&ana, &room, "/oncall now");
    until("the answer", || world.shown(&room).iter().any(|shown| shown.text.contains("more")).then_some(()))
        .await;
    world.press(&ana, &message, "Declare");
    until("the form", || world.form(&ana)).await;
    world.script.says(Said { to_all: true, ..saying("in the thread") });
    world.mentions(&ana, &room, Some(&message.message), "oncall now");
    until("the reply", || {
        world.shown(&room).iter().any(|one| one.text.contains("in the thread")).then_some(())
    })
    .await;
    world.fake.state().habits.links_expired = true;
    world.script.says(saying("by another way"));
    world.command(&ana, &room, "/oncall now");
    until("it is said", || {
        world.shown(&room).iter().any(|one| one.text.contains("another way")).then_some(())
    })
    .await;

    let called: BTreeSet<String> =
        world.fake.state().calls.iter().map(|(method, _)| method.clone()).collect();
    let known = methods();
    assert!(known.len() >= 22, "{known:?}");
    assert_eq!(called, known, "each method of the adapter is walked, and no other is called");
    is_clean(&world);
}
