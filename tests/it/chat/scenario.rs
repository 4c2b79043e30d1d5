//! The real process with a Slack that speaks the real protocol: an alert becomes a card, a page and a room; buttons,
//! commands, pins and the unpleasant habits of the platform do what they should, also over a `kill -9`.
//! Never reaches a real platform.

use serde_json::Value;
use watchbell::chat::port::RoomId;

use super::{
    contract::{Shown, World, until},
    fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
};
use crate::peer::{
    load::{self, INTEGRATION},
    watchbell::Watchbell,
};

/// ana and ben on Slack; an alert pages ana there, shows its card in `#ops` and opens an incident.
fn config(slack: &SlackWorld) -> String {
    format!(
        r##"
[slack]
app_token = "{APP_TOKEN}"
bot_token = "{BOT_TOKEN}"
api_url = "http://{}/api"

[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "all"

[person.ana]
name = "Ana Ruiz"
slack = "UANA"
urgent = ["now: chat"]
routine = ["now: chat"]

[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#ops"
incident = true

[unrouted]
channel = "#ops"
"##,
        slack.fake.address
    )
}

async fn message(what: &str, world: &SlackWorld, room: &RoomId, fits: impl Fn(&Shown) -> bool) -> Shown {
    until(what, || world.shown(room).into_iter().rev().find(&fits)).await
}

fn timeline(watchbell: &Watchbell) -> Vec<Value> {
    watchbell.items("/api/v1/incidents/INC-1/timeline")
}

async fn entry(what: &str, watchbell: &Watchbell, kind: &str, words: &str) -> Value {
    let fits = |entry: &Value| {
        entry["kind"] == kind && entry["text"].as_str().is_some_and(|text| text.contains(words))
    };
    until(what, || timeline(watchbell).into_iter().find(&fits)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_a_card_a_page_and_a_room_and_people_answer_it_in_slack() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let mut watchbell = Watchbell::here(folder.path(), &config(&slack));
    let (ana, ben, ops) = (slack.account("ana"), slack.account("ben"), slack.room("ops"));
    until("the socket is open", || (!slack.fake.state().connections.is_empty()).then_some(())).await;

    // An alert: the card in the channel, the page to ana herself, a room of its own with her in it.
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    let card = message("the card", &slack, &ops, |shown| shown.text.contains("Load000001")).await;
    assert!(!card.pings, "{card:?}");
    let page = until("the page", || {
        slack.shown_to(&ana).into_iter().find(|shown| shown.text.contains("You are paged"))
    })
    .await;
    let room = until("ana is in the room", || {
        let state = slack.fake.state();
        let room = state.rooms.iter().find(|room| room.name.starts_with("inc-1"))?;
        (room.members.contains(&ana) && room.topic.contains("INC-1")).then(|| RoomId(room.id.clone()))
    })
    .await;
    message("the card in the room", &slack, &room, |shown| shown.text.contains("INC-1")).await;

    // A stranger may look, and no more.
    slack.command(&ben, &ops, "/incident resolve INC-1");
    let answer =
        message("the stranger's answer", &slack, &ops, |shown| shown.only.as_ref() == Some(&ben)).await;
    assert!(answer.text.contains("nobody's") && answer.text.contains("UBEN"), "{answer:?}");
    assert_eq!(watchbell.json("/api/v1/incidents/INC-1")["status"], "investigating");

    // ana takes it with the button of her page, and the card is edited where it stands.
    let label = page.buttons.iter().find(|label| label.contains("Acknowledge")).unwrap().clone();
    slack.press(&ana, &page.message, &label);
    entry("the acknowledgement", &watchbell, "acknowledged", "ana").await;
    until("the card is edited", || {
        let now = slack.shown(&ops).into_iter().find(|shown| shown.message == card.message)?;
        now.text.contains("ana").then_some(())
    })
    .await;
    let cards = |shown: &[Shown]| shown.iter().filter(|one| one.only.is_none()).count();
    assert_eq!(cards(&slack.shown(&ops)), 1, "one message, edited: {:?}", slack.shown(&ops));

    // Slack tells it once more, also to a process that was killed meanwhile: done once.
    slack.command(&ana, &room, "/incident note INC-1 rolled back");
    entry("the note", &watchbell, "note", "rolled back").await;
    slack.again();
    watchbell.start_again();
    until("the socket is open again", || (!slack.fake.state().connections.is_empty()).then_some(())).await;
    slack.again();
    slack.mentions(&ana, &room, None, "incident note INC-1 all is well");
    entry("what came after it", &watchbell, "note", "all is well").await;
    let notes = timeline(&watchbell).iter().filter(|entry| entry["kind"] == "note").count();
    assert_eq!(notes, 2, "{:?}", timeline(&watchbell));

    // A pin puts a message onto the timeline; its later edit and its end are noted.
    let said = slack.write(&ana, &room, "the disk was full");
    slack.pins(&ana, &said, true);
    let captured = entry("the pinned message", &watchbell, "message", "the disk was full").await;
    assert_eq!(captured["by"], "ana");
    slack.edits(&ana, &said, "the disk was nearly full");
    entry("its edit", &watchbell, "message_changed", "nearly full").await;
    slack.deletes(&ana, &said);
    entry("its deletion", &watchbell, "message_changed", "deleted").await;

    // The end, by a mention; everybody hears it.
    slack.mentions(&ana, &room, None, "incident resolve INC-1 disk enlarged");
    entry("the end", &watchbell, "resolved", "ana").await;
    until("the topic says so", || slack.room_is(&room).topic.contains("resolved").then_some(())).await;
    assert_eq!(slack.violations(), Vec::<String>::new());
    assert!(watchbell.get("/readyz").ok(), "{}", watchbell.process.tail());
    for secret in slack.secrets() {
        assert!(!watchbell.process.tail().contains(&secret), "a secret is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_cannot_be_made_keeps_nobody_from_being_paged_and_is_on_the_timeline() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let watchbell = Watchbell::here(folder.path(), &config(&slack));
    let (ana, ops) = (slack.account("ana"), slack.room("ops"));
    slack.lock_out(&ops);
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    until("the page", || slack.shown_to(&ana).into_iter().find(|shown| shown.text.contains("You are paged")))
        .await;
    let failed = entry("the failure", &watchbell, "delivery_failed", "#ops").await;
    assert!(failed["text"].as_str().unwrap().contains("/invite"), "with its remedy: {failed}");
}

/// What `watchbell doctor` says of a Slack on which all is well but one room.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_and_how_to_mend_it() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let config = config(&slack).replace("channel = \"#ops\"\nincident", "channel = \"#nowhere\"\nincident");
    std::fs::create_dir_all(folder.path().join("config")).unwrap();
    std::fs::write(folder.path().join("config/watchbell.toml"), config).unwrap();
    let mut command = std::process::Command::new(crate::peer::watchbell::here());
    command.arg("doctor").arg("--config").arg(folder.path().join("config"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("#nowhere") && text.contains("→"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with('✓')).count() >= 3, "{text}");
    for secret in [APP_TOKEN, BOT_TOKEN] {
        assert!(!text.contains(secret));
    }
}
