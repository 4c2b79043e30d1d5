//! What is oversized, malformed, another one's or long gone: refused, told to the ear, explained to the person where
//! there is one. Never heard as something that somebody wanted.

use serde_json::{Value, json};
use watchbell::{
    chat::port::{Act, Link, Strange},
    text::{
        card::{Button, Form, Input},
        discord as say,
    },
};

use super::{
    World, card,
    fake::{ANA, Fake, OPS, Out},
    ops, options, with_button,
};

fn status() -> Value {
    json!({ "name": "status", "type": 1 })
}

fn downs(world: &World) -> Vec<String> {
    let links = world.ear.links();
    links.into_iter().filter_map(|link| if let Link::Down(why) = link { Some(why) } else { None }).collect()
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_a_gateway_that_says_nothing_else_is_left() {
    let world = World::start().await;
    for raw in ["{", "[]", "\"\u{0}\""] {
        world.fake.line(Out::Raw(raw.into()));
    }
    world.fake.command(ANA, status());
    world.hears(1).await;
    assert_eq!(world.ear.strange(), [Strange::Unreadable; 3]);
    let connections = |state: &super::fake::State| state.identified + state.resumed;
    assert_eq!(connections(&world.fake.state()), 1, "the connection stands");
    world.fake.line(Out::Raw("null".into()));
    world.up(2).await;
    assert_eq!(world.fake.state().identified, 2);
    assert!(downs(&world)[0].contains("may be missing"), "{:?}", downs(&world));
    world.keeps_the_rules();
}

#[tokio::test]
async fn what_is_too_long_ends_the_session_and_says_so() {
    let world = World::start().await;
    let long = format!("{{\"op\":0,\"t\":\"MESSAGE_CREATE\",\"d\":\"{}\"}}", "x".repeat(17 << 20));
    world.fake.line(Out::Raw(long));
    world.up(2).await;
    assert_eq!((world.ear.strange(), world.fake.state().identified), (vec![Strange::TooLong], 2));
    assert!(downs(&world)[0].contains("may be missing"), "{:?}", downs(&world));
    world.keeps_the_rules();
}

#[tokio::test]
async fn events_of_wrong_shape_do_no_harm() {
    let world = World::start().await;
    let names = [
        "READY",
        "GUILD_CREATE",
        "CHANNEL_UPDATE",
        "THREAD_CREATE",
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE_BULK",
        "MESSAGE_REACTION_ADD",
        "GUILD_MEMBER_ADD",
        "THREAD_MEMBERS_UPDATE",
        "GUILD_DELETE",
        "INTERACTION_CREATE",
    ];
    for name in names.into_iter().skip(1) {
        for data in [
            json!(null),
            json!([]),
            json!("x"),
            json!({ "id": {}, "channels": 7, "author": [], "type": "x" }),
        ] {
            world.fake.state().emit(name, data);
        }
    }
    world.fake.command(ANA, status());
    let heard = world.hears(1).await;
    assert_eq!(heard[0].act, Act::Command("/status".into()));
    assert_eq!(world.fake.state().identified, 1);
    world.keeps_the_rules();
}

#[tokio::test]
async fn what_is_meant_for_others_or_says_nothing_is_refused_and_explained() {
    let world = World::start().await;
    for (twist, what, words) in [
        (json!({ "guild_id": "110000000000000006" }), Strange::Foreign, say::OTHER_GUILD),
        (json!({ "application_id": "110000000000000201" }), Strange::Foreign, say::OTHER_APP),
        (json!({ "data": null }), Strange::Unreadable, say::UNREADABLE),
        (json!({ "data": "x" }), Strange::Unreadable, say::UNREADABLE),
        (json!({ "member": null }), Strange::Unreadable, say::UNREADABLE),
        (json!({ "member": { "user": { "id": "x/y" } } }), Strange::Unreadable, say::UNREADABLE),
        (json!({ "type": 99 }), Strange::Forgotten, say::BUTTON_UNKNOWN),
    ] {
        world.fake.state().messages.clear();
        let before = world.ear.strange().len();
        world.fake.state().twist = Some(twist.clone());
        world.fake.command(ANA, status());
        world.shows(OPS, words, Some(ANA)).await;
        assert_eq!(world.ear.strange()[before..], [what], "{twist}");
    }
    // Nothing but ids and tokens becomes part of an address.
    for twist in [
        json!({ "id": "1/../2" }),
        json!({ "token": "a/../b" }),
        json!({ "token": "" }),
        json!({ "id": null }),
    ] {
        let (before, calls) = (world.ear.strange().len(), world.fake.state().calls.len());
        world.fake.state().twist = Some(twist.clone());
        let id = world.fake.command(ANA, status());
        world.until("it is refused", || (world.ear.strange().len() > before).then_some(())).await;
        assert_eq!(world.fake.state().calls.len(), calls, "{twist}");
        world.fake.state().interactions.remove(&id);
    }
    // Somebody of another guild who types is shown nothing.
    world.fake.state().twist = Some(json!({ "guild_id": "110000000000000006" }));
    let focused = json!({ "name": "group", "type": 3, "value": "G", "focused": true });
    let id = world.fake.types(ANA, json!({ "name": "ack", "options": [focused] }));
    world.fake.until("an answer", |state| state.interactions[&id].acknowledged).await;
    assert_eq!(world.fake.state().suggestions, Vec::<Value>::new());
    assert!(world.ear.heard().is_empty(), "{:?}", world.ear.heard());
    world.keeps_the_rules();
}

fn form(command: &str) -> Form {
    let input = Input {
        name: "text".into(),
        label: "Note".into(),
        hint: String::new(),
        value: String::new(),
        optional: false,
        long: true,
        choices: vec![],
    };
    Form { title: "Note".into(), send: "Send".into(), command: command.into(), inputs: vec![input] }
}

#[tokio::test]
async fn buttons_long_gone_say_so_and_those_that_hold_their_command_work_after_a_restart() {
    let fake = Fake::start().await;
    let world = World::on(fake.clone(), options(&fake));
    world.up(1).await;
    let mut noted = with_button("Down", "Ack", "/ack G-1");
    let note = Button {
        form: Some(form("/incident note INC-3 {text}")),
        ..Button::new("Note", "/incident note INC-3")
    };
    noted.buttons.push(note);
    let message = world.send(&ops(), &noted).await.unwrap();
    // A form that is too long for its button, offered as one that is kept in memory.
    let long = format!("/incident note INC-3 {} {{text}}", "x".repeat(100));
    drop(world);
    let world = World::on(fake.clone(), options(&fake));
    world.up(1).await;
    world.fake.press(ANA, &message, "Ack");
    world.fake.press(ANA, &message, "Note");
    let press = |command: &str| Act::Press { command: command.into(), message: Some(message.clone()) };
    let mut heard: Vec<Act> = world.hears(2).await.into_iter().map(|heard| heard.act).collect();
    heard.sort_by_key(|act| format!("{act:?}"));
    assert_eq!(heard, [press("/ack G-1"), press("/incident note INC-3")], "the ear asks for what is missing");
    for (custom_id, words) in [
        ("an id of an earlier life", say::BUTTON_UNKNOWN),
        ("o:7-0123456789abcdef", say::FORM_EXPIRED),
        ("", say::BUTTON_UNKNOWN),
    ] {
        world.fake.state().messages.retain(|said| said.only.is_none());
        let before = world.ear.strange().len();
        world.fake.state().message(&message.message).body["components"][0]["components"][0]["custom_id"] =
            custom_id.into();
        world.fake.press(ANA, &message, "Ack");
        world.shows(OPS, words, Some(ANA)).await;
        assert_eq!(world.ear.strange()[before..], [Strange::Forgotten], "{custom_id}");
    }
    assert_eq!(world.ear.heard().len(), 2);
    // A form that was open when the process ended.
    world.ear.says(watchbell::chat::port::Said { form: Some(form(&long)), ..Default::default() });
    world.fake.command(ANA, status());
    world.fake.until("a form", |state| state.forms.get(ANA).map(drop)).await;
    drop(world);
    let world = World::on(fake.clone(), options(&fake));
    world.up(1).await;
    fake.state().messages.retain(|said| said.only.is_none());
    world.fake.submit(ANA, &[("text", "x")]);
    world.shows(OPS, say::FORM_EXPIRED, Some(ANA)).await;
    assert!(world.ear.heard().is_empty());
    assert_eq!(world.ear.strange(), [Strange::Forgotten]);
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_form_without_a_field_that_it_needs_is_refused_and_explained() {
    let world = World::start().await;
    let mut asks = card("Down");
    asks.buttons = vec![Button {
        form: Some(form("/incident note INC-3 {text}")),
        ..Button::new("Note", "/incident note INC-3")
    }];
    let message = world.send(&ops(), &asks).await.unwrap();
    for values in [&[][..], &[("other", "x")][..]] {
        world.fake.state().messages.retain(|said| said.only.is_none());
        world.fake.press(ANA, &message, "Note");
        world.fake.until("a form", |state| state.forms.get(ANA).map(drop)).await;
        world.fake.submit(ANA, values);
        world.shows(OPS, say::FORM_INCOMPLETE, Some(ANA)).await;
    }
    assert_eq!(world.ear.strange(), [Strange::Incomplete; 2]);
    assert!(world.ear.heard().is_empty());
    world.keeps_the_rules();
}
