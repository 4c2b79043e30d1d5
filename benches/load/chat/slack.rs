//! A thin Slack: Socket Mode and the Web API as every bot of Slack speaks them, answered at once. Never checks
//! anything, never remembers anything: what is measured is the bot.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        Path, RawQuery, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::exchange::Exchange;
use crate::measure::wall;

/// The bot's own account.
pub const ME: &str = "UBOT";
/// Who writes and presses.
pub const ANA: &str = "UANA";
/// The tokens as their first letters have to be.
pub const APP_TOKEN: &str = "xapp-bench";
pub const BOT_TOKEN: &str = "xoxb-bench";
/// How often the socket is pinged, as Slack does.
const PING: Duration = Duration::from_secs(10);

/// Somebody wrote this a moment ago: what is old is not done any more.
fn ts() -> String {
    format!("{}.000001", wall().as_second())
}

#[derive(Clone)]
struct Fake {
    port: u16,
    exchange: Arc<Exchange>,
}

/// The routes of a Slack on this port.
pub fn routes(port: u16, exchange: Arc<Exchange>) -> Router {
    Router::new()
        .route("/api/{method}", any(call))
        .route("/respond/{id}", post(respond))
        .route("/link", get(link))
        .with_state(Fake { port, exchange })
}

/// A message in a channel that mentions the bot; `kind` is the event to which the bot listens.
pub fn message(kind: &str, id: &str, room: &str, text: &str) -> String {
    let event = json!({
        "type": kind, "user": ANA, "text": text, "ts": ts(), "event_ts": ts(), "channel": room,
        "channel_type": "channel", "team": "T1", "client_msg_id": id,
    });
    let payload = json!({
        "token": "x", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": id,
        "event_time": wall().as_second(), "event": event, "is_ext_shared_channel": false,
        "authorizations": [{"team_id": "T1", "user_id": ME, "is_bot": true, "is_enterprise_install": false}],
    });
    json!({
        "type": "events_api", "envelope_id": id, "payload": payload, "accepts_response_payload": false,
        "retry_attempt": 0, "retry_reason": "",
    })
    .to_string()
}

/// A slash command.
pub fn slash(port: u16, id: &str, room: &str, command: &str, words: &str) -> String {
    let payload = json!({
        "token": "x", "team_id": "T1", "team_domain": "t", "channel_id": room, "channel_name": "ops",
        "user_id": ANA, "user_name": "ana", "command": command, "text": words, "api_app_id": "A1",
        "is_enterprise_install": "false", "trigger_id": format!("1.2.{id}"),
        "response_url": format!("http://127.0.0.1:{port}/respond/{id}"),
    });
    interaction("slash_commands", id, &payload)
}

/// A button with this command behind it.
pub fn press(port: u16, id: &str, room: &str, command: &str) -> String {
    let payload = json!({
        "type": "block_actions", "team": {"id": "T1", "domain": "t"}, "api_app_id": "A1", "token": "x",
        "user": {"id": ANA, "username": "ana", "team_id": "T1"}, "channel": {"id": room, "name": "ops"},
        "container": {"type": "message", "message_ts": ts(), "channel_id": room},
        "message": {"type": "message", "ts": ts(), "text": "a card"},
        "trigger_id": format!("1.2.{id}"), "response_url": format!("http://127.0.0.1:{port}/respond/{id}"),
        "actions": [{
            "type": "button", "action_id": "a", "block_id": "b", "value": command, "action_ts": ts(),
        }],
    });
    interaction("interactive", id, &payload)
}

fn interaction(kind: &str, id: &str, payload: &Value) -> String {
    json!({"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": true}).to_string()
}

async fn link(State(fake): State<Fake>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| serve(fake, socket))
}

async fn serve(fake: Fake, mut socket: WebSocket) {
    let hello = json!({
        "type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"},
        "debug_info": {"host": "fake", "build_number": 1, "approximate_connection_time": 18_060},
    });
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    let (line, mut frames) = mpsc::unbounded_channel();
    fake.exchange.connected(line);
    let mut ping = tokio::time::interval(PING);
    loop {
        let sent = tokio::select! {
            frame = frames.recv() => {
                let Some(frame) = frame else { return };
                fake.exchange.sends(&frame.id);
                socket.send(Message::text(frame.text)).await
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    let at = Instant::now();
                    let said: Value = serde_json::from_str(&text).unwrap_or_default();
                    fake.exchange.acknowledged(said["envelope_id"].as_str().unwrap_or_default(), at);
                    Ok(())
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => Ok(()),
            },
            _ = ping.tick() => socket.send(Message::Ping(Bytes::from_static(b"ping"))).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn respond(State(fake): State<Fake>, Path(id): Path<String>, _: Bytes) -> &'static str {
    fake.exchange.answered(&id, Instant::now());
    fake.exchange.called();
    "ok"
}

async fn call(
    State(fake): State<Fake>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let at = Instant::now();
    fake.exchange.called();
    let argument = |name: &str| {
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        let json = json.and_then(|json| json[name].as_str().map(str::to_owned));
        let form = |bytes: &[u8]| {
            url::form_urlencoded::parse(bytes)
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        json.or_else(|| form(&body)).or_else(|| form(query.as_deref()?.as_bytes())).unwrap_or_default()
    };
    let answer = match method.as_str() {
        "chat.postMessage" | "chat.postEphemeral" => {
            let room = argument("channel");
            fake.exchange.answered_in(&room, at);
            json!({"ok": true, "channel": room, "ts": "1790000000.000100", "message": {"text": "…"}})
        }
        "auth.test" => json!({
            "ok": true, "url": "https://t.slack.com/", "team": "t", "user": "watchbell", "team_id": "T1",
            "user_id": ME, "bot_id": "BBOT",
        }),
        "apps.connections.open" => json!({"ok": true, "url": format!("ws://127.0.0.1:{}/link", fake.port)}),
        "users.info" => json!({"ok": true, "user": user(&argument("user"))}),
        "users.list" => json!({
            "ok": true, "members": [user(ANA), user(ME)], "response_metadata": {"next_cursor": ""},
        }),
        "conversations.info" | "conversations.create" | "conversations.open" => {
            json!({"ok": true, "channel": channel(&argument("channel"))})
        }
        "conversations.list" => json!({
            "ok": true, "channels": [channel("COPS")], "response_metadata": {"next_cursor": ""},
        }),
        "team.info" => json!({"ok": true, "team": {"id": "T1", "domain": "t"}}),
        _ => json!({"ok": true}),
    };
    let kind = ("content-type", "application/json; charset=utf-8");
    ([kind, ("x-oauth-scopes", "chat:write,app_mentions:read,commands")], answer.to_string()).into_response()
}

fn user(id: &str) -> Value {
    let name = if id == ME { "watchbell" } else { "ana" };
    json!({
        "id": id, "team_id": "T1", "name": name, "real_name": name, "is_bot": id == ME,
        "profile": {"display_name": name, "real_name": name, "email": format!("{name}@example.com")},
    })
}

fn channel(id: &str) -> Value {
    let id = if id.is_empty() { "CNEW" } else { id };
    let name = id.trim_start_matches('C').to_lowercase();
    json!({
        "id": id, "name": name, "is_channel": true, "is_group": false, "is_im": false, "is_mpim": false,
        "is_private": false, "is_general": false, "is_member": true, "is_archived": false, "creator": ME,
        "topic": {"value": ""}, "purpose": {"value": ""}, "name_normalized": name, "created": 1_790_000_000,
    })
}
