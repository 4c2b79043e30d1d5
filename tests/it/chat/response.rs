//! The response that is the same everywhere, in Slack: every step by a button, a list, a form or a pin, against the real
//! process. Never reaches a real platform.

use std::collections::BTreeMap;

use watchbell::chat::port::{MessageRef, RoomId};

use super::{
    contract::{Shown, World, until},
    fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
};
use crate::{
    peer::{load, watchbell::Watchbell},
    response::{DECLARED, DEEDS, RESOLVED, UPDATED, config, deeds},
};

struct Stage {
    slack: SlackWorld,
    watchbell: Watchbell,
    ana: String,
}

impl Stage {
    async fn message(&self, what: &str, room: &RoomId, fits: impl Fn(&Shown) -> bool) -> Shown {
        until(what, || self.slack.shown(room).into_iter().rev().find(&fits)).await
    }

    /// Presses the button with this label on a message that has it by now.
    async fn press(&self, room: &RoomId, message: &MessageRef, label: &str) {
        let has =
            |shown: &Shown| shown.message == *message && shown.buttons.iter().any(|button| button == label);
        self.message(label, room, has).await;
        self.slack.press(&self.ana, message, label);
    }

    /// Sends the form that opened, which has these inputs and no others.
    async fn fill(&self, values: &[(&str, &str)]) {
        let form = until("a form", || self.slack.form(&self.ana)).await;
        let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
        assert_eq!(form, names);
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.slack.submit(&self.ana, &values.collect::<BTreeMap<_, _>>());
    }

    async fn done(&self, count: usize) {
        let told = || deeds(&self.watchbell);
        until(DEEDS[count - 1], || (told().len() >= count).then_some(())).await;
        assert_eq!(told(), DEEDS[..count]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_in_slack() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let platform = format!(
        "[slack]\napp_token = \"{APP_TOKEN}\"\nbot_token = \"{BOT_TOKEN}\"\napi_url = \"http://{}/api\"\n",
        slack.fake.address
    );
    let watchbell =
        Watchbell::here(folder.path(), &config(&platform, "slack = \"UANA\"", "slack = \"UBEN\""));
    until("the socket is open", || (!slack.fake.state().connections.is_empty()).then_some(())).await;
    let (ana, ops) = (slack.account("ana"), slack.room("ops"));
    let stage = Stage { slack, watchbell, ana };
    assert!(load::send(stage.watchbell.port, &load::webhook(1)).unwrap().ok());
    let card = stage.message("the card", &ops, |shown| shown.text.contains("Load000001")).await.message;
    stage.press(&ops, &card, "Acknowledge").await;
    stage.press(&ops, &card, "Open incident…").await;
    stage.fill(DECLARED).await;
    let room = until("the room", || {
        let state = stage.slack.fake.state();
        state.rooms.iter().find(|room| room.name.starts_with("inc-1")).map(|room| RoomId(room.id.clone()))
    })
    .await;
    let its = stage
        .message("its card", &room, |shown| shown.buttons.iter().any(|one| one == "Ben Okafor"))
        .await
        .message;
    stage.slack.press(&stage.ana, &its, "Ben Okafor");
    stage.done(4).await;
    let said = stage.slack.write(&stage.ana, &room, "the disk was full");
    stage.slack.pins(&stage.ana, &said, true);
    stage.done(5).await;
    stage.press(&room, &its, "Update…").await;
    stage.fill(UPDATED).await;
    stage.done(6).await;
    stage.slack.press(&stage.ana, &its, "P1 High");
    stage.done(7).await;
    stage.press(&room, &its, "Resolve…").await;
    stage.fill(RESOLVED).await;
    stage.done(8).await;
    stage.press(&room, &its, "Postmortem").await;
    let written = |shown: &Shown| {
        shown.text.contains("Postmortem of INC-1") && shown.text.contains("the disk was full")
    };
    stage.message("the postmortem", &room, written).await;
    // Nothing is offered any more that makes no sense.
    let last = stage.message("the card at the end", &room, |shown| shown.message == its).await;
    let gone = ["Ben Okafor", "Resolve…", "Acknowledge"];
    assert!(!last.buttons.iter().any(|label| gone.contains(&label.as_str())), "{last:?}");
    // Whoever only calls it is told where to begin.
    stage.slack.mentions(&stage.ana, &ops, None, "");
    stage.message("a welcome", &ops, |shown| shown.text.contains("Watchbell is here, Ana Ruiz")).await;
    // A mention opens no form: it says what is missing, and its button asks.
    stage.slack.mentions(&stage.ana, &ops, None, "incident open P2");
    let usage = |shown: &Shown| {
        shown.text.contains("TITLE is missing") && shown.buttons.iter().any(|b| b == "Fill in…")
    };
    let usage = stage.message("what is missing", &ops, usage).await;
    stage.slack.press(&stage.ana, &usage.message, "Fill in…");
    until("the form of the mention", || stage.slack.form(&stage.ana)).await;
    assert_eq!(stage.slack.violations(), Vec::<String>::new());
    for secret in stage.slack.secrets() {
        assert!(!stage.watchbell.process.tail().contains(&secret), "a secret is in the log");
    }
}
