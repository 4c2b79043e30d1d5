//! A chart and a guide in Discord: the picture arrives once, buttons choose steps, and the place outlives a restart. Never
//! reaches a real platform.

use serde_json::Value;
use watchbell::{
    chat::port::{MessageRef, RoomId},
    domain::delivery::Channel,
};

use super::{
    fake::{ANA, BEN, Fake, GUILD, ME, OPS, Said, State, TOKEN, shown as words},
    world::typed,
};
use crate::guides::{STANDS, TRIED, assert_kept_beside, assert_told, prometheus, shown, start};

fn labels(said: &Said) -> Vec<String> {
    let rows = said.body["components"].as_array().cloned().unwrap_or_default();
    let parts = rows.iter().flat_map(|row| row["components"].as_array().cloned().unwrap_or_default());
    parts.filter_map(|one| one["label"].as_str().map(str::to_owned)).collect()
}

fn has(said: &Said, label: &str) -> bool {
    labels(said).iter().any(|known| known == label)
}

async fn message(fake: &Fake, what: &str, room: &str, fits: impl Fn(&Said) -> bool) -> Said {
    let found = |state: &State| {
        let mut said = state.messages.iter().rev().filter(|one| one.channel == room && one.author == ME);
        said.find(|said| fits(said)).cloned()
    };
    fake.until(what, found).await
}

fn press(fake: &Fake, said: &Said, label: &str) {
    let message = MessageRef { room: RoomId(said.channel.clone()), message: said.id.clone() };
    fake.press(ANA, &message, label);
}

fn command(fake: &Fake, room: &str, text: &str) {
    let data = typed(&fake.state().commands, text);
    fake.command_in(room, ANA, data);
}

fn pictures(fake: &Fake) -> usize {
    let state = fake.state();
    let png = b"\x89PNG\r\n\x1a\n";
    state.uploads.iter().filter(|body| body.windows(png.len()).any(|some| some == png)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_and_a_guide_in_discord() {
    let fake = Fake::start().await;
    fake.state().flags = 1 << 14 | 1 << 18;
    let folder = tempfile::tempdir().unwrap();
    let platform = format!(
        "[discord]\ntoken = \"{TOKEN}\"\nguild = \"{GUILD}\"\ncategory = \"110000000000000700\"\n\
         message_content = true\nserver_members = true\napi_url = \"{}\"\n",
        fake.base
    );
    let accounts = [ANA, BEN].map(|account| format!("discord = \"{account}\""));
    let prometheus = prometheus();
    let mut watchbell = start(folder.path(), &platform, &accounts[0], &accounts[1], &prometheus);
    fake.until("the gateway let it in", |state| (state.identified == 1).then_some(())).await;
    fake.until("its commands are known", |state| (!state.commands.is_empty()).then_some(())).await;
    fake.write(ANA, OPS, &format!("<@{ME}> incident open P1 nobody can buy"));
    let named = |room: &Value| room["name"].as_str().is_some_and(|name| name.starts_with("inc-1"));
    let room = |state: &State| state.channels.iter().find(|(_, room)| named(room)).map(|(id, _)| id.clone());
    let room = fake.until("the room", room).await;

    // The room is known as the incident's when its card stands there.
    message(&fake, "its card", &room, |one| words(&one.body).contains("nobody can buy")).await;
    command(&fake, &room, "/shop look");
    let looked = message(&fake, "the end of the run", &room, |one| {
        one.only.is_none() && words(&one.body).contains("The CPU: passed")
    });
    let looked = looked.await;
    let said = words(&looked.body);
    assert!(said.contains("10 … 49 %") && has(&looked, "the guide") && has(&looked, "the page"), "{said}");
    let picture = message(&fake, "the picture", &room, |one| one.files == ["chart.png"]).await;
    assert!(
        picture.body["content"].as_str().is_some_and(|text| text.contains("R-1 CPU is low, the last 3h: ▁"))
    );
    assert_eq!(pictures(&fake), 1);
    assert_kept_beside(&watchbell, Channel::Discord);

    command(&fake, &room, "/shop guide");
    let guide =
        message(&fake, "the guide", &room, |one| has(one, "It is gone") && has(one, "It is slow")).await;
    press(&fake, &guide, "It is gone");
    let says = |text: &'static str| move |one: &Said| words(&one.body).contains(text);
    let gone = message(&fake, "a step that is read", &room, says("systemctl status shop")).await;
    assert!(has(&gone, "Next: It is slow") && has(&gone, "Back"), "{:?}", labels(&gone));
    press(&fake, &gone, "Next: It is slow");
    let tried = message(&fake, "a step that was tried", &room, |one| {
        one.only.is_none() && words(&one.body).contains(TRIED)
    });
    let tried = tried.await;
    assert!(words(&tried.body).contains("The CPU says why."), "{}", words(&tried.body));
    assert!(has(&tried, "the course") && has(&tried, "Back"), "{:?}", labels(&tried));
    let said = shown(&watchbell);
    assert!(said.contains(STANDS) && said.contains("The CPU: passed (") && said.contains(TRIED), "{said}");
    assert_told(&watchbell);

    // The place outlives the process, and no picture comes a second time.
    watchbell.start_again();
    fake.until("the gateway let it in again", |state| (state.identified == 2).then_some(())).await;
    assert!(shown(&watchbell).contains(STANDS));
    press(&fake, &tried, "Back");
    let back = message(&fake, "the guide again", &room, |one| has(one, "Go on at: It is slow")).await;
    assert!(back.body.to_string().contains("It is slow: passed (R-2), ana"), "{}", back.body);
    assert_eq!(pictures(&fake), 1);
    assert_eq!(fake.violations(), Vec::<String>::new());
}
