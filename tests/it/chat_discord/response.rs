//! The response that is the same everywhere, in Discord: every step by a button, a list, a form or a pin, against the
//! real process. Never reaches a real platform.

use serde_json::Value;
use watchbell::chat::port::{MessageRef, RoomId};

use super::fake::{ANA, BEN, Fake, GUILD, ME, OPS, Said, State, TOKEN, shown};
use crate::{
    peer::{load, watchbell::Watchbell},
    response::{DECLARED, DEEDS, RESOLVED, UPDATED, config, deeds},
};

struct Stage {
    fake: Fake,
    watchbell: Watchbell,
}

/// What can be pressed on a message, lists included.
fn labels(said: &Said) -> Vec<String> {
    let rows = said.body["components"].as_array().cloned().unwrap_or_default();
    let parts = rows.iter().flat_map(|row| row["components"].as_array().cloned().unwrap_or_default());
    let both = parts.flat_map(|part| {
        let options = part["options"].as_array().cloned().unwrap_or_default();
        std::iter::once(part).chain(options)
    });
    both.filter_map(|one| one["label"].as_str().map(str::to_owned)).collect()
}

impl Stage {
    async fn message(&self, what: &str, channel: &str, fits: impl Fn(&Said) -> bool) -> Said {
        let found = |state: &State| {
            let mut said =
                state.messages.iter().rev().filter(|one| one.channel == channel && one.author == ME);
            said.find(|said| fits(said)).cloned()
        };
        self.fake.until(what, found).await
    }

    /// Presses what has this label on a message, as soon as it is there.
    async fn press(&self, message: &MessageRef, label: &str) {
        let has = |said: &Said| said.id == message.message && labels(said).iter().any(|known| known == label);
        self.message(label, &message.room.0, has).await;
        self.fake.press(ANA, message, label);
    }

    /// Sends the form that opened, which has these inputs and no others.
    async fn fill(&self, values: &[(&str, &str)]) {
        let form: Value =
            self.fake.until("a form", |state| state.forms.get(ANA).map(|form| form.shown.clone())).await;
        let inputs = form["components"].as_array().unwrap();
        let names = inputs.iter().map(|input| input["component"]["custom_id"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), values.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        self.fake.submit(ANA, values);
    }

    async fn done(&self, count: usize) {
        self.fake.until(DEEDS[count - 1], |_| (deeds(&self.watchbell).len() >= count).then_some(())).await;
        assert_eq!(deeds(&self.watchbell), DEEDS[..count]);
    }
}

fn reference(said: &Said) -> MessageRef {
    MessageRef { room: RoomId(said.channel.clone()), message: said.id.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_in_discord() {
    let fake = Fake::start().await;
    fake.state().flags = 1 << 14 | 1 << 18;
    let folder = tempfile::tempdir().unwrap();
    let platform = format!(
        "[discord]\ntoken = \"{TOKEN}\"\nguild = \"{GUILD}\"\ncategory = \"110000000000000700\"\n\
         message_content = true\nserver_members = true\napi_url = \"{}\"\n",
        fake.base
    );
    let accounts = [ANA, BEN].map(|account| format!("discord = \"{account}\""));
    let watchbell = Watchbell::here(folder.path(), &config(&platform, &accounts[0], &accounts[1]));
    fake.until("the gateway let it in", |state| (state.identified == 1).then_some(())).await;
    let stage = Stage { fake, watchbell };
    assert!(load::send(stage.watchbell.port, &load::webhook(1)).unwrap().ok());
    let says = |words: &'static str| move |said: &Said| shown(&said.body).contains(words);
    let card = reference(&stage.message("the card", OPS, says("Load000001")).await);
    stage.press(&card, "Acknowledge").await;
    stage.press(&card, "Open incident…").await;
    stage.fill(DECLARED).await;
    let named = |room: &Value| room["name"].as_str().is_some_and(|name| name.starts_with("inc-1"));
    let room = |state: &State| state.channels.iter().find(|(_, room)| named(room)).map(|(id, _)| id.clone());
    let room = stage.fake.until("the room", room).await;
    let has_lists = |said: &Said| labels(said).iter().any(|label| label == "Ben Okafor");
    let its = reference(&stage.message("its card", &room, has_lists).await);
    stage.press(&its, "Ben Okafor").await;
    stage.done(4).await;
    let said = stage.fake.write(ANA, &room, "the disk was full");
    stage.fake.pin(ANA, &said);
    stage.done(5).await;
    stage.press(&its, "Update…").await;
    stage.fill(UPDATED).await;
    stage.done(6).await;
    stage.press(&its, "P1 High").await;
    stage.done(7).await;
    stage.press(&its, "Resolve…").await;
    stage.fill(RESOLVED).await;
    stage.done(8).await;
    stage.press(&its, "Postmortem").await;
    let written = |said: &Said| {
        let text = shown(&said.body);
        text.contains("Postmortem of INC-1") && text.contains("the disk was full")
    };
    stage.message("the postmortem", &room, written).await;
    // Nothing is offered any more that makes no sense.
    let last = stage.message("the card at the end", &room, |said| said.id == its.message).await;
    let gone = ["Ben Okafor", "Resolve…", "Acknowledge"];
    assert!(!labels(&last).iter().any(|label| gone.contains(&label.as_str())), "{:?}", labels(&last));
    // Whoever only calls it is told where to begin.
    stage.fake.write(ANA, OPS, &format!("<@{ME}>"));
    stage.message("a welcome", &format!("9{ANA}"), says("Watchbell is here, Ana Ruiz")).await;
    // A message opens no form: it says what is missing, and its button asks.
    stage.fake.write(ANA, OPS, &format!("<@{ME}> incident open P2"));
    let usage = |said: &Said| labels(said).iter().any(|label| label == "Fill in…");
    let usage = reference(&stage.message("what is missing", &format!("9{ANA}"), usage).await);
    stage.press(&usage, "Fill in…").await;
    stage.fake.until("the form of the mention", |state| state.forms.get(ANA).map(drop)).await;
    assert_eq!(stage.fake.violations(), Vec::<String>::new());
    assert!(!stage.watchbell.process.tail().contains("s3cret"), "a secret is in the log");
}
