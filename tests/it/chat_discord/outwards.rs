//! What the bot says and makes: messages once, rooms once, limits obeyed, refusals explained, strangers harmless.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchbell::chat::{
    discord::{Options, RoomStyle},
    port::{Failure, MessageRef, Picture, Place, Platform, Remedy, RoomId, RoomPlan},
};

use super::{
    World, card,
    fake::{ANA, ARCHIVE, BEN, CATEGORY, Fake, Fault, GUILD, ME, OPS, TOKEN},
    ops, options,
};

fn plan(name: &str, key: &str, private: bool) -> RoomPlan {
    RoomPlan { name: name.into(), topic: "Database is down".into(), private, key: key.into() }
}

#[tokio::test]
async fn threads_people_and_pictures_are_reached() {
    let world = World::start().await;
    let message = world.send(&ops(), &card("Down")).await.unwrap();
    for _ in 0..2 {
        let inside = world.send(&Place::Thread(message.clone()), &card("Below")).await.unwrap();
        assert_eq!(inside.room.0, message.message);
    }
    let whisper = Place::Whisper { room: RoomId(OPS.into()), account: ANA.into() };
    for place in [Place::Person(ANA.into()), whisper] {
        let personal = world.send(&place, &card("Wake up")).await.unwrap();
        let content = world.fake.state().message(&personal.message).body["content"].clone();
        assert_eq!((&*personal.room.0, content), (&*format!("9{ANA}"), json!("Wake up")));
    }
    let picture =
        Picture { name: "../cpu load.png".into(), png: vec![1, 2, 3].into(), words: "CPU @everyone".into() };
    let sent = world.discord.picture(&ops(), &picture, "k4").await.unwrap();
    let mut state = world.fake.state();
    let said = state.message(&sent.message);
    assert_eq!(
        (said.files.clone(), said.body["attachments"][0]["description"].clone()),
        (vec![".._cpu_load.png".into()], json!("CPU @everyone"))
    );
    drop(state);
    world.keeps_the_rules();
}

fn limited(on: &str, seconds: &str, scope: &str) -> Fault {
    let body = json!({ "message": "You are being rate limited.", "retry_after": seconds.parse::<f64>().unwrap(), "global": scope == "global" });
    let headers = vec![("retry-after", seconds.to_owned()), ("x-ratelimit-scope", scope.to_owned())];
    Fault { on: on.into(), status: 429, headers, body: body.to_string(), done: false }
}

#[tokio::test]
async fn a_limit_holds_for_its_route_and_a_person_is_not_held_up() {
    let world = World::start().await;
    let place = |id: &str| Place::Room(RoomId(id.into()));
    world.fake.state().faults.push_back(limited(&format!("POST /channels/{OPS}"), "0.05", "user"));
    world.send(&ops(), &card("Waited for by itself")).await.unwrap();
    world.fake.state().faults.push_back(limited(&format!("POST /channels/{OPS}"), "30", "user"));
    let begun = Instant::now();
    for _ in 0..2 {
        let wait = world.send(&ops(), &card("Too long")).await;
        assert!(matches!(wait, Err(Failure::Wait(pause)) if pause > Duration::from_secs(28)), "{wait:?}");
    }
    let calls = world
        .fake
        .state()
        .calls
        .iter()
        .filter(|(call, _)| call == &format!("POST /channels/{OPS}/messages"))
        .count();
    assert_eq!(calls, 3, "a pause that is known is not asked for again");
    world.send(&place("110000000000000601"), &card("Elsewhere")).await.unwrap();
    world.send(&Place::Person(ANA.into()), &card("Wake up")).await.unwrap();
    world.fake.state().faults.push_back(limited("POST /channels/110000000000000601", "30", "global"));
    assert!(matches!(world.send(&place("110000000000000601"), &card("x")).await, Err(Failure::Wait(_))));
    assert!(matches!(world.discord.account(ANA).await, Err(Failure::Wait(_))), "global is for all");
    assert!(begun.elapsed() < Duration::from_secs(10));
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_refusal_says_what_to_mend_and_never_the_token() {
    let world = World::start().await;
    // Now it knows how the room is called, whether or not the gateway told it yet.
    world.discord.find_room("#ops").await.unwrap();
    let remedy = |remedy| Some(Some(remedy));
    let permission = Remedy::Permission { name: "Send Messages".into(), room: Some("#ops".into()) };
    for (status, code, expected) in [
        (403, 50_013, remedy(permission)),
        (403, 50_001, remedy(Remedy::InviteBot("#ops".into()))),
        (404, 10_003, None),
        (400, 30_013, Some(None)),
        (401, 0, remedy(Remedy::Token("discord.token".into()))),
    ] {
        world.fake.fail("POST /channels", status, json!({ "code": code, "message": "Words" }));
        match (world.send(&ops(), &card("x")).await, expected) {
            (Err(Failure::Refused { remedy, .. }), Some(wanted)) => assert_eq!(remedy, wanted),
            (Err(Failure::Gone(_)), None) => {}
            other => panic!("{code}: {other:?}"),
        }
    }
    world.fake.fail(
        "POST /channels/9",
        403,
        json!({ "code": 50_007, "message": "Cannot send messages to this user" }),
    );
    let refused = world.send(&Place::Person(ANA.into()), &card("x")).await;
    assert!(
        matches!(&refused, Err(Failure::Refused { remedy: Some(Remedy::AllowMessages), .. })),
        "{refused:?}"
    );
    let page = Fault {
        on: "POST /channels".into(),
        status: 200,
        headers: vec![],
        body: "<html>".into(),
        done: true,
    };
    world.fake.state().faults.push_back(page);
    assert!(matches!(world.discord.send(&ops(), &card("Twice"), "D-9").await, Err(Failure::TryAgain(_))));
    world.discord.send(&ops(), &card("Twice"), "D-9").await.unwrap();
    assert_eq!(world.fake.said(OPS).iter().filter(|(words, _)| words == "Twice").count(), 1);
    world.fake.fail("POST /channels", 500, json!(""));
    assert!(matches!(world.send(&ops(), &card("x")).await, Err(Failure::TryAgain(_))));
    for id in ["../users", "", "C024BE91L"] {
        let place = Place::Room(RoomId(id.into()));
        assert!(matches!(world.send(&place, &card("x")).await, Err(Failure::Refused { .. })), "{id}");
    }
    let shown = format!("{:?} {refused:?}", options(&world.fake));
    assert!(!shown.contains(TOKEN), "{shown}");
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_room_is_made_once_and_a_name_that_is_taken_gets_a_number() {
    let world = World::start().await;
    let first = world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap();
    assert_eq!(world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap(), first);
    let second = world.discord.create_room(&plan("inc-42", "b", false)).await.unwrap();
    assert_eq!((&*first.name, &*second.name), ("#inc-42", "#inc-42-2"));
    let overwrites = world.fake.state().channels[&first.id.0]["permission_overwrites"].clone();
    assert_eq!(
        (&overwrites[0]["id"], &overwrites[0]["deny"], &overwrites[1]["id"]),
        (&json!(GUILD), &json!("1024"), &json!(ME))
    );
    world.discord.set_topic(&first.id, "Mitigated").await.unwrap();
    world.discord.invite(&first.id, &[ANA.into(), BEN.into()]).await.unwrap();
    for _ in 0..2 {
        world.discord.archive(&first.id).await.unwrap();
    }
    {
        let state = world.fake.state();
        let channel = &state.channels[&first.id.0];
        assert_eq!(
            (&channel["topic"], &state.members[&first.id.0]),
            (&json!("Mitigated"), &vec![ANA.to_owned(), BEN.to_owned()])
        );
        let deny: u64 = channel["permission_overwrites"][0]["deny"].as_str().unwrap().parse().unwrap();
        assert_eq!(deny & (1 << 10 | 1 << 11), 1 << 10 | 1 << 11, "still private, and closed");
    }
    assert_eq!(world.discord.find_room("#OPS").await.unwrap().id.0, OPS);
    let unknown = world.discord.find_room("#nowhere").await;
    assert!(
        matches!(unknown, Err(Failure::Refused { remedy: Some(Remedy::NameRoom(name)), .. }) if name == "#nowhere")
    );
    assert_eq!(world.discord.account(ANA).await.unwrap().name, "Ana Ruiz");
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_room_is_made_and_found_before_the_gateway_said_who_the_bot_is() {
    let channel = OPS.parse().unwrap();
    for style in [RoomStyle::Channels { category: None, archive: None }, RoomStyle::Threads { channel }] {
        let fake = Fake::start().await;
        fake.state().refuse_with = Some(4_014);
        let options = Options { rooms: style.clone(), ..options(&fake) };
        let world = World::on(fake, options);
        let first = world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap();
        assert_eq!(world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap(), first);
        world.discord.archive(&first.id).await.unwrap();
        if let RoomStyle::Channels { .. } = style {
            let overwrites = world.fake.state().channels[&first.id.0]["permission_overwrites"].clone();
            let allow: u64 = overwrites[1]["allow"].as_str().unwrap().parse().unwrap();
            assert_eq!((&overwrites[1]["id"], allow & (1 << 11)), (&json!(ME), 1 << 11), "the bot writes on");
        }
        world.keeps_the_rules();
    }
}

#[tokio::test]
async fn a_closed_room_is_put_away_and_closed_even_where_the_archive_is_full() {
    let (category, archive) = (CATEGORY.parse().ok(), ARCHIVE.parse().ok());
    let world = World::with(|options| options.rooms = RoomStyle::Channels { category, archive }).await;
    let room = world.discord.create_room(&plan("inc-42", "a", false)).await.unwrap();
    let call = format!("PATCH /channels/{}", room.id);
    let is = |world: &World| {
        let state = world.fake.state();
        let channel = &state.channels[&room.id.0];
        let closed =
            channel["permission_overwrites"][0]["deny"].as_str().map(|deny| deny.parse::<u64>().unwrap());
        let patches = state.calls.iter().filter(|(one, _)| *one == call).count();
        (channel["parent_id"].clone(), closed.is_some_and(|deny| deny & 1 << 11 != 0), patches)
    };
    assert_eq!(is(&world), (json!(CATEGORY), false, 0));
    let full = json!({ "code": 50_035, "message": "Invalid Form Body", "errors": {
        "parent_id": { "_errors": [{ "code": "CHANNEL_PARENT_MAX_CHANNELS", "message": "Maximum number of channels in category reached (50)" }] } } });
    let stumble = Fault { on: call.clone(), status: 502, headers: vec![], body: String::new(), done: true };
    world.fake.state().faults.push_back(stumble);
    assert!(matches!(world.discord.archive(&room.id).await, Err(Failure::TryAgain(_))));
    world.fake.fail(&call, 400, full);
    let refused = world.discord.archive(&room.id).await;
    assert!(matches!(&refused, Err(Failure::Refused { why, .. }) if why.contains("50035")), "{refused:?}");
    assert_eq!(is(&world), (json!(CATEGORY), true, 2), "closed nevertheless");
    for _ in 0..2 {
        world.discord.archive(&room.id).await.unwrap();
    }
    assert_eq!(is(&world), (json!(ARCHIVE), true, 3), "what is done is not done again");
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_room_can_be_a_thread() {
    let channel = OPS.parse().unwrap();
    let world = World::with(|options| options.rooms = RoomStyle::Threads { channel }).await;
    let first = world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap();
    assert_eq!(world.discord.create_room(&plan("inc-42", "a", true)).await.unwrap(), first);
    let second = world.discord.create_room(&plan("inc-42", "b", true)).await.unwrap();
    assert_eq!(&*second.name, "#inc-42-2");
    world.discord.invite(&first.id, &[ANA.into()]).await.unwrap();
    world.discord.set_topic(&first.id, "Mitigated").await.unwrap();
    world.discord.archive(&first.id).await.unwrap();
    world.discord.archive(&first.id).await.unwrap();
    assert_eq!(world.fake.said(&format!("9{ANA}")), vec![]);
    {
        let state = world.fake.state();
        let thread: &Value = &state.channels[&first.id.0];
        assert_eq!((&thread["type"], &thread["thread_metadata"]["locked"]), (&json!(12), &json!(true)));
    }
    // A reply in a thread stays there.
    let message = MessageRef { room: second.id.clone(), message: "120000000000000999".into() };
    world.fake.state().channels.get_mut(&second.id.0).unwrap()["type"] = json!(12);
    let reply = world.send(&Place::Thread(message.clone()), &card("Reply")).await.unwrap();
    assert_eq!(
        world.fake.state().message(&reply.message).body["message_reference"]["message_id"],
        json!(message.message)
    );
    world.keeps_the_rules();
}
