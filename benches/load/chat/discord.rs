//! A thin Discord: the gateway and the few calls that a bot needs to be let in, answered at once. Never checks
//! anything, never remembers anything.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::exchange::Exchange;

pub const GUILD: &str = "110000000000000005";
pub const ANA: &str = "110000000000000007";
const ME: &str = "110000000000000100";
const APP: &str = "110000000000000200";
const OPS: &str = "110000000000000600";

#[derive(Clone)]
struct Fake {
    port: u16,
    exchange: Arc<Exchange>,
}

/// The routes of a Discord on this port.
pub fn routes(port: u16, exchange: Arc<Exchange>) -> Router {
    Router::new().route("/gateway/", get(link)).fallback(answer).with_state(Fake { port, exchange })
}

/// Somebody presses a button with this command behind it.
pub fn press(id: &str, number: u32, command: &str) -> String {
    let data = json!({ "component_type": 2, "custom_id": command });
    let message = json!({ "id": "120000000000000001", "channel_id": OPS });
    event(number, "INTERACTION_CREATE", &interaction(id, 3, &data, Some(message)))
}

/// Somebody uses `/incident note`.
pub fn note(id: &str, number: u32, text: &str) -> String {
    let options = json!([{ "name": "text", "type": 3, "value": text }]);
    let data = json!({
        "name": "incident", "type": 1, "options": [{ "name": "note", "type": 1, "options": options }],
    });
    event(number, "INTERACTION_CREATE", &interaction(id, 2, &data, None))
}

fn interaction(id: &str, kind: u8, data: &Value, message: Option<Value>) -> Value {
    let mut interaction = json!({
        "id": id, "application_id": APP, "type": kind, "token": format!("token-{id}"), "version": 1, "data": data,
        "channel_id": OPS, "guild_id": GUILD, "channel": { "id": OPS, "name": "ops", "type": 0 },
        "member": { "user": { "id": ANA, "username": "ana" }, "roles": [] },
    });
    if let Some(message) = message {
        interaction["message"] = message;
    }
    interaction
}

fn event(number: u32, name: &str, data: &Value) -> String {
    json!({ "op": 0, "s": number, "t": name, "d": data }).to_string()
}

async fn link(State(fake): State<Fake>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| serve(fake, socket))
}

async fn serve(fake: Fake, mut socket: WebSocket) {
    let hello = json!({ "op": 10, "d": { "heartbeat_interval": 41_250 } });
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    let (line, mut frames) = mpsc::unbounded_channel();
    let mut line = Some(line);
    loop {
        let sent = tokio::select! {
            frame = frames.recv() => {
                let Some(frame): Option<super::exchange::Frame> = frame else { return };
                fake.exchange.sends(&frame.id);
                socket.send(Message::text(frame.text)).await
            }
            message = socket.recv() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let said: Value = serde_json::from_str(&text).unwrap_or_default();
                match said["op"].as_u64() {
                    Some(1) => socket.send(Message::text(json!({ "op": 11 }).to_string())).await,
                    Some(2) => {
                        let ready = event(1, "READY", &json!({
                            "v": 10, "user": { "id": ME, "username": "watchbell", "bot": true },
                            "guilds": [{ "id": GUILD, "unavailable": true }], "session_id": "bench",
                            "resume_gateway_url": format!("ws://127.0.0.1:{}/gateway/", fake.port),
                            "application": { "id": APP, "flags": 0 },
                        }));
                        let sent = socket.send(Message::text(ready)).await;
                        if let Some(line) = line.take() {
                            fake.exchange.connected(line);
                        }
                        sent
                    }
                    _ => Ok(()),
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

async fn answer(State(fake): State<Fake>, method: Method, uri: Uri, body: Bytes) -> Response {
    let at = Instant::now();
    fake.exchange.called();
    let path = uri.path().trim_start_matches("/api/v10/");
    let parts: Vec<&str> = path.split('/').collect();
    let said = match (method.as_str(), parts.as_slice()) {
        ("POST", ["interactions", id, _, "callback"]) => {
            fake.exchange.acknowledged(id, at);
            let kind = serde_json::from_slice::<Value>(&body).unwrap_or_default()["type"].as_u64();
            // 5 and 6 put the answer off.
            if !matches!(kind, Some(5 | 6)) {
                fake.exchange.answered(id, at);
            }
            return StatusCode::NO_CONTENT.into_response();
        }
        (_, ["webhooks", _, token, ..]) => {
            fake.exchange.answered(token.trim_start_matches("token-"), at);
            json!({ "id": "120000000000000002", "channel_id": OPS })
        }
        ("GET", ["gateway", "bot"]) => json!({
            "url": format!("ws://127.0.0.1:{}/gateway/", fake.port), "shards": 1,
            "session_start_limit": { "total": 1000, "remaining": 999, "reset_after": 1000, "max_concurrency": 1 },
        }),
        ("GET", ["users", "@me"]) => json!({ "id": ME, "username": "watchbell", "bot": true }),
        ("GET", ["applications", "@me"]) => json!({ "id": APP, "flags": 0 }),
        ("GET", ["guilds", _, "channels"]) => {
            json!([{ "id": OPS, "name": "ops", "type": 0, "guild_id": GUILD, "permission_overwrites": [] }])
        }
        ("GET", [.., "commands"]) => json!([]),
        _ => json!({ "id": "120000000000000003", "channel_id": OPS }),
    };
    ([("content-type", "application/json")], said.to_string()).into_response()
}
