//! The real process with a Discord that speaks the real protocol: an alert becomes a card, a page and a room; buttons,
//! typed commands, pins and the unpleasant habits of the platform do what they should, also over a `kill -9`.
//! Never reaches a real platform.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watchbell::chat::port::{MessageRef, RoomId};

use super::fake::{ANA, BEN, CATEGORY, Fake, GUILD, ME, OPS, Out, Said, State, TOKEN, shown};
use crate::peer::{
    load::{self, INTEGRATION},
    watchbell::{Watchbell, here},
};

/// Both privileged intents are switched on.
const INTENTS: u64 = 1 << 14 | 1 << 18;

/// ana on Discord; an alert pages her there, shows its card in `#ops` and opens an incident.
fn config(fake: &Fake) -> String {
    format!(
        r##"
[discord]
token = "{TOKEN}"
guild = "{GUILD}"
category = "{CATEGORY}"
message_content = true
server_members = true
api_url = "{}"

[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "all"

[person.ana]
name = "Ana Ruiz"
discord = "{ANA}"
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
        fake.base
    )
}

async fn until<T>(what: &str, fake: &Fake, mut look: impl FnMut() -> Option<T>) -> T {
    let by = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < by, "never came: {what}; violations: {:?}", fake.violations());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What the bot says with these words in a channel, to everybody or to one account alone.
async fn message(what: &str, fake: &Fake, channel: &str, only: Option<&str>, words: &str) -> Said {
    fake.until(what, |state| {
        let mut said =
            state.messages.iter().rev().filter(|said| said.channel == channel && said.author == ME);
        said.find(|said| said.only.as_deref() == only && shown(&said.body).contains(words)).cloned()
    })
    .await
}

fn reference(said: &Said) -> MessageRef {
    MessageRef { room: RoomId(said.channel.clone()), message: said.id.clone() }
}

/// The words on a message's button that says something like this.
fn button(said: &Said, words: &str) -> String {
    let rows = said.body["components"].as_array().unwrap();
    let mut parts = rows.iter().flat_map(|row| row["components"].as_array().unwrap());
    let label = parts.find_map(|part| part["label"].as_str().filter(|label| label.contains(words)));
    label.unwrap_or_else(|| panic!("no button {words:?}: {}", said.body)).to_owned()
}

/// `/incident note` as Discord sends it: in the order in which it was filled in, each value with its type.
fn note(incident: Option<&str>, text: &str) -> Value {
    let mut options = vec![json!({ "name": "text", "type": 3, "value": text })];
    options.extend(incident.map(|incident| json!({ "name": "incident", "type": 3, "value": incident })));
    json!({ "name": "incident", "type": 1, "options": [{ "name": "note", "type": 1, "options": options }] })
}

fn timeline(watchbell: &Watchbell) -> Vec<Value> {
    watchbell.items("/api/v1/incidents/INC-1/timeline")
}

async fn entry(what: &str, fake: &Fake, watchbell: &Watchbell, kind: &str, words: &str) -> Value {
    let fits = |entry: &Value| {
        entry["kind"] == kind && entry["text"].as_str().is_some_and(|text| text.contains(words))
    };
    until(what, fake, || timeline(watchbell).into_iter().find(&fits)).await
}

async fn acknowledged(fake: &Fake, id: &str) {
    fake.until("an acknowledgement", |state| state.interactions[id].acknowledged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_a_card_a_page_and_a_room_and_people_answer_it_in_discord() {
    let fake = Fake::start().await;
    fake.state().flags = INTENTS;
    let folder = tempfile::tempdir().unwrap();
    let mut watchbell = Watchbell::here(folder.path(), &config(&fake));
    fake.until("the gateway let it in", |state| (state.identified == 1).then_some(())).await;
    fake.until("the commands", |state| (!state.commands.is_empty()).then_some(())).await;

    // An alert: the card in the channel, the page to ana herself, a room of its own with her in it.
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    let card = message("the card", &fake, OPS, None, "Load000001").await;
    let page = message("the page", &fake, &format!("9{ANA}"), None, "You are paged").await;
    let room = fake
        .until("ana is in the room", |state| {
            let (id, room) = state.channels.iter().find(|(_, room)| {
                room["name"].as_str().is_some_and(|name| name.starts_with("inc-1"))
                    && room["topic"].as_str().is_some_and(|topic| topic.contains("INC-1"))
            })?;
            assert_eq!(room["parent_id"], CATEGORY);
            state.members.get(id)?.contains(&ANA.to_owned()).then(|| id.clone())
        })
        .await;
    message("the card in the room", &fake, &room, None, "INC-1").await;

    // A stranger may look, and no more.
    let words = json!({ "name": "incident", "type": 3, "value": "INC-1" });
    fake.command(
        BEN,
        json!({ "name": "incident", "type": 1, "options": [{ "name": "resolve", "type": 1, "options": [words] }] }),
    );
    let answer = message("the stranger's answer", &fake, OPS, Some(BEN), "nobody's").await;
    assert!(shown(&answer.body).contains(&format!("discord = \"{BEN}\"")), "{answer:?}");
    assert_eq!(watchbell.json("/api/v1/incidents/INC-1")["status"], "investigating");

    // ana takes it with the button of her page, and the card is edited where it stands.
    fake.press(ANA, &reference(&page), &button(&page, "Acknowledge"));
    entry("the acknowledgement", &fake, &watchbell, "acknowledged", "ana").await;
    let edited = |state: &State| {
        let now = state.messages.iter().find(|said| said.id == card.id)?;
        let fields = now.body["embeds"][0]["fields"].as_array()?;
        let taken = fields.iter().find(|field| field["name"] == "Taken by")?;
        taken["value"].as_str()?.starts_with("ana").then_some(())
    };
    fake.until("the card is edited", edited).await;
    let all = fake.said(OPS);
    assert_eq!(all.iter().filter(|(_, only)| only.is_none()).count(), 1, "one message, edited: {all:?}");

    // A typed command; what may stand in it is known.
    let focused = json!({ "name": "incident", "type": 3, "value": "IN", "focused": true });
    fake.types(
        ANA,
        json!({ "name": "incident", "type": 1, "options": [{ "name": "note", "type": 1, "options": [focused] }] }),
    );
    let found = fake.until("a suggestion", |state| state.suggestions.first().cloned()).await;
    assert_eq!(found["value"], "INC-1");
    assert!(found["name"].as_str().is_some_and(|name| name.contains("INC-1 ·")), "{found}");
    let first = fake.command(ANA, note(Some("INC-1"), "rolled back"));
    entry("the note", &fake, &watchbell, "note", "rolled back").await;
    acknowledged(&fake, &first).await;

    // The connection is lost: one is told once more, another one for the first time. Each is done once.
    {
        fake.line(Out::Cut);
        fake.state().line = None;
    }
    fake.again(&first);
    let second = fake.command_in(&room, ANA, note(None, "told when it was back"));
    // However long the machine takes to connect again, Discord still takes an answer.
    fake.state().interactions.get_mut(&second).unwrap().sent = Instant::now() + Duration::from_mins(1);
    fake.until("it is connected again", |state| (state.resumed == 1).then_some(())).await;
    entry("what waited", &fake, &watchbell, "note", "told when it was back").await;
    acknowledged(&fake, &second).await;

    // A process that was killed is told of both once more.
    let answers = |state: &State, id: &str| {
        let begin = format!("POST /interactions/{id}/");
        state.calls.iter().filter(|(call, _)| call.starts_with(&begin)).count()
    };
    let before = [&first, &second].map(|id| answers(&fake.state(), id));
    watchbell.start_again();
    fake.until("it is let in again", |state| (state.identified == 2).then_some(())).await;
    for (id, before) in [&first, &second].into_iter().zip(before) {
        fake.again(id);
        fake.until("it is answered again", |state| (answers(state, id) > before).then_some(())).await;
    }
    fake.write(ANA, &room, &format!("<@{ME}> incident note all is well"));
    entry("what came after it", &fake, &watchbell, "note", "all is well").await;

    // A pin puts a message onto the timeline; its later edit and its end are noted.
    let said = fake.write(ANA, &room, "the disk was full");
    fake.pin(ANA, &said);
    let captured = entry("the pinned message", &fake, &watchbell, "message", "the disk was full").await;
    assert_eq!(captured["by"], "ana");
    fake.edit(&said, "the disk was nearly full");
    entry("its edit", &fake, &watchbell, "message_changed", "nearly full").await;
    fake.delete(&said);
    entry("its deletion", &fake, &watchbell, "message_changed", "deleted").await;

    // The end, by a mention; everybody sees it.
    fake.write(ANA, &room, &format!("<@{ME}> incident resolve INC-1 disk enlarged"));
    entry("the end", &fake, &watchbell, "resolved", "ana").await;
    let topic = |state: &State| state.channels[&room]["topic"].as_str()?.contains("resolved").then_some(());
    fake.until("the topic says so", topic).await;
    let notes = timeline(&watchbell).iter().filter(|entry| entry["kind"] == "note").count();
    assert_eq!(notes, 3, "{:?}", timeline(&watchbell));
    assert_eq!(fake.violations(), Vec::<String>::new());
    assert!(watchbell.get("/readyz").ok(), "{}", watchbell.process.tail());
    assert!(!watchbell.process.tail().contains("s3cret"), "a secret is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_cannot_be_made_keeps_nobody_from_being_paged_and_is_on_the_timeline() {
    let fake = Fake::start().await;
    let refused = json!({ "code": 50_013, "message": "Missing Permissions" });
    fake.fail(&format!("POST /guilds/{GUILD}/channels"), 403, refused);
    let folder = tempfile::tempdir().unwrap();
    let watchbell = Watchbell::here(folder.path(), &config(&fake));
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    message("the page", &fake, &format!("9{ANA}"), None, "You are paged").await;
    let failed = entry("the failure", &fake, &watchbell, "delivery_failed", "Manage Channels").await;
    let remedy = "Give the bot the permission “Manage Channels” on Discord.";
    assert!(failed["text"].as_str().unwrap().contains(remedy), "with its remedy: {failed}");
}

/// What `watchbell doctor` says of a Discord on which all is well but one permission.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_which_permission_is_missing_and_how_to_give_it() {
    let fake = Fake::start().await;
    let deny = json!([{ "id": GUILD, "type": 0, "allow": "0", "deny": (1_u64 << 11).to_string() }]);
    {
        let mut state = fake.state();
        state.flags = INTENTS;
        state.channels.get_mut(OPS).unwrap()["permission_overwrites"] = deny;
    }
    let text = doctor(&fake, 1).await;
    let remedy = "Give the bot the permission “Send Messages” in #ops on Discord.";
    assert!(text.contains(remedy), "{text}");
    assert!(text.lines().filter(|line| line.starts_with('✓')).count() >= 4, "{text}");
    fake.state().channels.get_mut(OPS).unwrap()["permission_overwrites"] = json!([]);
    doctor(&fake, 0).await;
    assert_eq!(fake.violations(), Vec::<String>::new());
}

async fn doctor(fake: &Fake, status: i32) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("watchbell.toml"), config(fake)).unwrap();
    let mut command = std::process::Command::new(here());
    command.arg("doctor").arg("--config").arg(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    text
}
