//! A walk over every call that the adapter can make, so that the rules are asked about each. A call that is in the
//! adapter's source and not in this walk fails the test. Never a call that is made for the walk alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use tokio::sync::Notify;
use watchbell::{
    chat::{
        discord::RoomStyle,
        port::{Original, Picture, Place, Platform, RoomId, RoomPlan, Said},
    },
    text::card::{Button, Card, Choice, Form, Input},
};

use super::{
    World, card,
    fake::{ANA, ARCHIVE, BEN, CATEGORY, Fake, OPS, Out, STRANGER},
    ops, options,
    routes::route,
    said,
};
use crate::chat::contract::Reaction;

const COMMANDS: &[&str] = &["/applications/:id/commands", "/applications/:id/guilds/:id/commands"];
const CHANNEL: &[&str] = &["/channels/:id"];
const MESSAGE: &[&str] = &["/channels/:id/messages/:id"];
const MEMBER: &[&str] = &["/guilds/:id/members/:id"];
/// Every place of the source where a call begins: method, address as it is written, the calls that it makes.
const SITES: [(&str, &str, &[&str]); 28] = [
    ("get", r#""/gateway/bot""#, &["/gateway/bot"]),
    ("get", r#""/users/@me""#, &["/users/@me"]),
    ("get", r#""/applications/@me""#, &["/applications/@me"]),
    ("get", r#"format!("/users/{id}")"#, &["/users/:id"]),
    ("get", "place", COMMANDS),
    ("put", "place", COMMANDS),
    ("get", r#"format!("/guilds/{guild}")"#, &["/guilds/:id"]),
    ("get", r#"format!("/guilds/{guild}/members/{id}")"#, MEMBER),
    ("get", r#"format!("/guilds/{guild}/members/{user}")"#, MEMBER),
    ("get", r#"format!("/guilds/{guild}/channels")"#, &["/guilds/:id/channels"]),
    ("post", r#"format!("/guilds/{guild}/channels")"#, &["/guilds/:id/channels"]),
    ("get", r#"format!("/guilds/{guild}/threads/active")"#, &["/guilds/:id/threads/active"]),
    ("get", r#"format!("/channels/{id}")"#, CHANNEL),
    ("get", r#"format!("/channels/{name}")"#, CHANNEL),
    ("get", r#"format!("/channels/{room}")"#, CHANNEL),
    ("patch", r#"format!("/channels/{room}")"#, CHANNEL),
    ("put", r#"format!("/channels/{room}/permissions/{account}")"#, &["/channels/:id/permissions/:id"]),
    ("put", r#"format!("/channels/{room}/thread-members/{account}")"#, &["/channels/:id/thread-members/:id"]),
    ("post", r#"format!("/channels/{parent}/threads")"#, &["/channels/:id/threads"]),
    ("post", r#"format!("/channels/{}/messages", spot.channel)"#, &["/channels/:id/messages"]),
    ("get", "at(message)", MESSAGE),
    ("patch", "at(message)", MESSAGE),
    ("post", r#"format!("{}/threads", at(message))"#, &["/channels/:id/messages/:id/threads"]),
    ("put", "path", &["/channels/:id/messages/pins/:id"]),
    ("post", r#""/users/@me/channels""#, &["/users/@me/channels"]),
    (
        "post",
        r#"format!("/interactions/{}/{}/callback", self.id, self.token)"#,
        &["/interactions/:id/:token/callback"],
    ),
    ("patch", r#"self.webhook("/messages/@original")"#, &["/webhooks/:id/:token/messages/@original"]),
    ("post", r#"self.webhook("?wait=true")"#, &["/webhooks/:id/:token"]),
];

/// Where calls begin in the source: method and address, as they are written.
fn sites() -> BTreeSet<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/chat/discord");
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in code.split("Call::").skip(1) {
            let Some((method, rest)) = rest.split_once('(') else { continue };
            if !["get", "post", "put", "patch", "delete", "new"].contains(&method) {
                continue;
            }
            let mut depth = 0;
            let end = rest.find(|c: char| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth < 0 || (c == ',' && depth == 0)
            });
            let address: Vec<&str> = rest[..end.unwrap()].split_whitespace().collect();
            found.insert((method.to_owned(), address.join(" ")));
        }
    }
    found
}

fn form() -> Form {
    let input = |name: &str, choices: Vec<Choice>| Input {
        name: name.into(),
        label: "What".into(),
        hint: "A hint".into(),
        value: String::new(),
        optional: true,
        long: false,
        choices,
    };
    let inputs =
        vec![input("text", vec![]), input("severity", vec!["P0".to_owned().into(), "P1".to_owned().into()])];
    Form { title: "Note".into(), send: "Send".into(), command: "/incident note INC-3 {text}".into(), inputs }
}

fn status() -> serde_json::Value {
    json!({ "name": "status", "type": 1 })
}

async fn acknowledged(world: &World, id: &str, kind: u64) {
    let came = world.fake.until("an acknowledgement", |state| state.interactions[id].acknowledged).await;
    assert_eq!(came, kind);
}

fn plan(name: &str, private: bool) -> RoomPlan {
    RoomPlan { name: name.into(), topic: "Down".into(), private, key: name.into() }
}

async fn says(world: &World) {
    let discord = &world.discord;
    let document = "a line that is long enough to fill a page\n".repeat(300);
    let long = Card { document, buttons: vec![Button::new("Ack", "/ack G-1")], ..card("Long") };
    let message = discord.send(&ops(), &long, "D-1").await.unwrap();
    discord.edit(&message, &card("Up")).await.unwrap();
    discord.read(&message).await.unwrap();
    discord.pin(&message).await.unwrap();
    let picture = Picture { name: "cpu.png".into(), png: vec![1].into(), words: "CPU".into() };
    discord.picture(&ops(), &picture, "k3").await.unwrap();
    discord.send(&Place::Thread(message), &card("Below"), "D-2").await.unwrap();
    discord.send(&Place::Person(ANA.into()), &card("You are paged"), "D-3").await.unwrap();
    discord.account(ANA).await.unwrap();
    assert_eq!(discord.account(STRANGER).await.unwrap().name, "stranger");
    discord.examine(&["#ops".to_owned(), OPS.to_owned()]).await;
}

async fn makes_rooms(world: &World) {
    let discord = &world.discord;
    for private in [false, true] {
        let room =
            discord.create_room(&plan(if private { "inc-2" } else { "inc-1" }, private)).await.unwrap();
        discord.set_topic(&room.id, "Mitigated").await.unwrap();
        discord.invite(&room.id, &[ANA.into(), BEN.into()]).await.unwrap();
        discord.find_room(&room.id.0).await.unwrap();
        discord.archive(&room.id).await.unwrap();
    }
    discord.find_room("ops").await.unwrap();
    discord.set_topic(&RoomId(OPS.into()), "All of it").await.unwrap();
}

async fn answers(world: &World) {
    world.ear.says(said("At once", true));
    let id = world.fake.command(ANA, status());
    acknowledged(world, &id, 4).await;
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    let two = Said { cards: vec![card("One"), card("Two")], ..Said::default() };
    world.ear.answers(move |_| Reaction::After(Arc::clone(&waits), two.clone()));
    let id = world.fake.command(ANA, status());
    acknowledged(world, &id, 5).await;
    gate.notify_one();
    world.shows(OPS, "Two", Some(ANA)).await;
    let asks = Button { form: Some(form()), ..Button::new("Note", "/incident note INC-3") };
    let both = Card { buttons: vec![Button::new("Ack", "/ack G-1"), asks], ..card("Down") };
    let message = world.send(&ops(), &both).await.unwrap();
    world.ear.says(Said::default());
    let id = world.fake.press(ANA, &message, "Ack");
    acknowledged(world, &id, 6).await;
    let id = world.fake.press(ANA, &message, "Note");
    acknowledged(world, &id, 9).await;
    world.ear.says(Said { original: Original::Replaced, ..said("Yours", true) });
    let id = world.fake.press(ANA, &message, "Ack");
    acknowledged(world, &id, 7).await;
    let focused = json!({ "name": "group", "type": 3, "value": "G", "focused": true });
    let id = world.fake.types(ANA, json!({ "name": "ack", "options": [focused] }));
    acknowledged(world, &id, 8).await;
}

#[tokio::test]
async fn every_call_that_the_adapter_can_make_is_checked() {
    let known: BTreeSet<(String, String)> =
        SITES.iter().map(|(method, address, _)| ((*method).to_owned(), (*address).to_owned())).collect();
    assert_eq!(sites(), known, "a call of the adapter is not in the walk, or the other way round");

    let mut calls = Vec::new();
    let mut sent = BTreeSet::new();
    let (category, archive) = (CATEGORY.parse().ok(), ARCHIVE.parse().ok());
    let channels = RoomStyle::Channels { category, archive };
    let threads = RoomStyle::Threads { channel: OPS.parse().unwrap() };
    for (style, guild) in [(channels.clone(), true), (threads, true), (channels, false)] {
        let fake = Fake::start().await;
        {
            let mut state = fake.state();
            state.beat = 200;
            state.flags = 1 << 14 | 1 << 18;
        }
        let mut options = options(&fake);
        options.timing.patience = Duration::from_millis(400);
        (options.rooms, options.content, options.members) = (style, true, true);
        options.guild = options.guild.filter(|_| guild);
        let world = World::on(fake, options);
        world.up(1).await;
        world.fake.until("the commands", |state| (!state.commands.is_empty()).then_some(())).await;
        if guild {
            says(&world).await;
            makes_rooms(&world).await;
            answers(&world).await;
        } else {
            world.discord.examine(&[]).await;
        }
        world.fake.line(Out::Cut);
        world.fake.until("it is resumed", |state| (state.resumed > 0).then_some(())).await;
        world.fake.until("a heartbeat", |state| state.sent.contains(&1).then_some(())).await;
        world.keeps_the_rules();
        let state = world.fake.state();
        calls.extend(state.calls.clone());
        sent.extend(state.sent.clone());
    }
    let mut seen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (call, _) in &calls {
        let (method, path) = call.split_once(' ').unwrap();
        *seen.entry(route(method, path).unwrap()).or_default() += 1;
    }
    let wanted = SITES
        .iter()
        .flat_map(|(method, _, routes)| routes.iter().map(|route| (method.to_uppercase(), *route)));
    for (method, path) in wanted {
        assert!(seen.contains_key(&(&*method, path)), "{method} {path} was never made");
    }
    let kinds: BTreeSet<u64> = calls
        .iter()
        .filter(|(call, _)| call.ends_with("/callback"))
        .filter_map(|(_, body)| body["type"].as_u64())
        .collect();
    assert_eq!(kinds, BTreeSet::from([4, 5, 6, 7, 8, 9]), "every kind of answer");
    assert_eq!(sent, BTreeSet::from([1, 2, 6]), "everything that the gateway is sent");
}
