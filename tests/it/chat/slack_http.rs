//! Slack by HTTP instead of a socket, over real HTTP to the real process: what Slack signed just now is done once and
//! answered at once, and nothing else is taken. Never reaches a real platform.

use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    contract::{World, until},
    fake_slack::{BOT, BOT_TOKEN, DEADLINE, SIGNING_SECRET, SlackWorld, TEAM, now},
};
use crate::peer::watchbell::Watchbell;

/// ana on Slack; no app token, so there is no socket.
fn config(slack: &SlackWorld) -> String {
    format!(
        r##"
[slack]
bot_token = "{BOT_TOKEN}"
signing_secret = "{SIGNING_SECRET}"
api_url = "http://{}/api"
incident_rooms = "none"
commands = {{ incident = "/inc", page = "none" }}

[severity.P1]
name = "High"
means = "A major function is impaired"

[person.ana]
name = "Ana Ruiz"
slack = "UANA"

[unrouted]
channel = "#ops"
"##,
        slack.fake.address
    )
}

/// Slack, which signs what it sends to this process.
struct Sender {
    client: Client,
    port: u16,
}

impl Sender {
    /// The status and the body, within Slack's three seconds.
    async fn posts(&self, path: &str, body: &str, at: i64, signature: &str) -> (StatusCode, String) {
        let begun = Instant::now();
        let request = self.client.post(format!("http://127.0.0.1:{}/slack/{path}", self.port));
        let request = request.header("X-Slack-Request-Timestamp", at).header("X-Slack-Signature", signature);
        let answer = request.body(body.to_owned()).send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(begun.elapsed() < DEADLINE, "acknowledged after {:?}", begun.elapsed());
        (status, body)
    }

    async fn signed(&self, path: &str, body: &str) -> (StatusCode, String) {
        // Two requests of one second differ in nothing but their bodies.
        let at = now().as_second();
        self.posts(path, body, at, &sign(body, at, SIGNING_SECRET)).await
    }
}

fn sign(body: &str, at: i64, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

fn form(fields: &Value) -> String {
    let fields = fields.as_object().unwrap().iter();
    let fields = fields.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default().to_owned()));
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn interaction(payload: &Value) -> String {
    form(&json!({ "payload": payload.to_string() }))
}

async fn by_http() -> (SlackWorld, Watchbell, Sender, tempfile::TempDir) {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let watchbell = Watchbell::here(folder.path(), &config(&slack));
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let sender = Sender { client, port: watchbell.port };
    until("it has looked who it is", || (!slack.calls("auth.test").is_empty()).then_some(())).await;
    (slack, watchbell, sender, folder)
}

async fn shows(slack: &SlackWorld, words: &str) {
    let room = slack.room("ops");
    until(words, || slack.shown(&room).iter().any(|shown| shown.text.contains(words)).then_some(())).await;
}

fn incidents(watchbell: &Watchbell) -> usize {
    watchbell.items("/api/v1/incidents").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_signs_is_done_once_and_answered_at_once() {
    let (slack, watchbell, sender, _folder) = by_http().await;
    let (room, ana) = (slack.room("ops"), slack.account("ana"));
    let ok = |body: &str| (StatusCode::OK, body.to_owned());
    let challenge = json!({"token": "x", "challenge": "3eZb", "type": "url_verification"}).to_string();
    assert_eq!(sender.signed("events", &challenge).await, ok(r#"{"challenge":"3eZb"}"#));
    assert_eq!(sender.signed("commands", "ssl_check=1&token=x").await, ok(""));

    // A slash command by the name that it was given.
    let body = form(&slack.fake.slash(&ana, &room.0, "/inc open P1 the disk & more"));
    let at = now().as_second();
    assert_eq!(sender.posts("commands", &body, at, &sign(&body, at, SIGNING_SECRET)).await, ok(""));
    shows(&slack, "INC-1").await;
    // The same request again is a replay; the same command signed anew is Slack's repetition: done once.
    let again = sender.posts("commands", &body, at, &sign(&body, at, SIGNING_SECRET)).await;
    assert_eq!(again.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sender.posts("commands", &body, at + 1, &sign(&body, at + 1, SIGNING_SECRET)).await, ok(""));

    // A mention, answered in its thread.
    let event = json!({"type": "app_mention", "user": ana, "channel": room.0, "ts": "1700000099.000100",
        "text": format!("<@{BOT}> incident note INC-1 rolled back")});
    let event = json!({"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event": event});
    slack.fake.state().room_mut(&room.0).unwrap().messages.push(super::fake_slack::Message {
        ts: "1700000099.000100".into(),
        user: ana.clone(),
        body: json!({"text": "x"}),
        only: None,
    });
    assert_eq!(sender.signed("events", &event.to_string()).await, ok(""));
    let reply = |call: &Value| call["thread_ts"] == "1700000099.000100";
    until("the answer in the thread", || slack.calls("chat.postMessage").into_iter().find(reply)).await;

    // A form that is not complete is answered with what is missing; a complete one is done.
    let view = |text: &str| {
        json!({"type": "view_submission", "team": {"id": TEAM}, "user": {"id": ana}, "trigger_id": "9.9",
            "view": {"id": "V1", "private_metadata": json!({"command": "/incident note INC-1 {text}", "room": room.0}).to_string(),
                "blocks": [{"type": "input", "block_id": "text", "optional": false}],
                "state": {"values": {"text": {"value": {"type": "plain_text_input", "value": text}}}}}})
    };
    let missing = r#"{"errors":{"text":"Please fill this in."},"response_action":"errors"}"#;
    let (status, answer) = sender.signed("interactions", &interaction(&view(" "))).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, answer), (StatusCode::OK, serde_json::from_str(missing).unwrap()));
    let (_, answer) = sender.signed("interactions", &interaction(&view("all is well"))).await;
    assert_eq!(answer, r#"{"response_action":"clear"}"#);
    let notes = || {
        let entries = watchbell.items("/api/v1/incidents/INC-1/timeline");
        entries.iter().filter(|entry| entry["kind"] == "note").count()
    };
    until("both notes", || (notes() == 2).then_some(())).await;
    assert_eq!(incidents(&watchbell), 1);
    assert!(watchbell.get("/readyz").ok());
    assert_eq!(slack.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_taken_and_all_of_it_is_counted() {
    let (slack, watchbell, sender, _folder) = by_http().await;
    let (room, ana) = (slack.room("ops"), slack.account("ana"));
    let figure = |kind: &str| watchbell.figure(&format!("watchbell_bad_input_total{{kind=\"{kind}\"}}"));
    let body = form(&slack.fake.slash(&ana, &room.0, "/inc open P1 x"));
    let at = now().as_second();
    let good = |at: i64| sign(&body, at, SIGNING_SECRET);
    for (what, at, signature) in [
        ("forged", at, sign(&body, at, "another")),
        ("of another body", at, sign("x", at, SIGNING_SECRET)),
        ("old", at - 302, good(at - 302)),
        ("of the future", at + 330, good(at + 330)),
        ("of another version", at, good(at).replace("v0=", "v1=")),
        ("cut", at, good(at)[..40].to_owned()),
        ("none", at, String::new()),
    ] {
        let (status, answer) = sender.posts("commands", &body, at, &signature).await;
        assert_eq!((status, answer.as_str()), (StatusCode::UNAUTHORIZED, ""), "{what}");
    }
    assert_eq!(figure("token"), 7);
    for (path, body) in [("events", "{not json"), ("interactions", "x=1"), ("interactions", "payload=%7B")] {
        assert_eq!(sender.signed(path, body).await.0, StatusCode::BAD_REQUEST, "{path} {body}");
    }
    let huge = "x".repeat(4 * 1024 * 1024 + 1);
    assert_eq!(sender.signed("events", &huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let url = format!("http://127.0.0.1:{}/slack/commands", sender.port);
    assert_eq!(sender.client.get(url).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);

    // Signed, and of a workspace that is not ours: the person is told, and nothing is done.
    let mut foreign = slack.fake.slash(&ana, &room.0, "/inc open P1 x");
    foreign["team_id"] = json!("T666");
    assert_eq!(sender.signed("commands", &form(&foreign)).await.0, StatusCode::OK);
    shows(&slack, "another workspace").await;
    // A button of another release.
    let address = slack.fake.address;
    let link = slack.fake.state().link(address, &room.0, &ana, None);
    let press = json!({"type": "block_actions", "team": {"id": TEAM}, "user": {"id": ana}, "trigger_id": "8.8",
        "response_url": link, "container": {"message_ts": "1.1", "channel_id": room.0},
        "actions": [{"action_id": "press-0", "value": "form:{\"of\":\"long ago\"}", "action_ts": "1.2"}]});
    assert_eq!(sender.signed("interactions", &interaction(&press)).await.0, StatusCode::OK);
    shows(&slack, "another release").await;
    assert_eq!(sender.signed("commands", "team_id=T1").await.0, StatusCode::OK);
    until("all are counted", || (figure("chat_foreign") == 1 && figure("chat_payload") == 2).then_some(()))
        .await;
    assert_eq!(incidents(&watchbell), 0);
    assert_eq!(slack.violations(), Vec::<String>::new());
    assert!(!watchbell.process.tail().contains("s3cret"), "{}", watchbell.process.tail());
}
