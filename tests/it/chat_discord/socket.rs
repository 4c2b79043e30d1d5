//! The gateway's side of the socket: greets, lets in, resumes, answers heartbeats, and falls silent when told to.
//! Never lets an identify pass that lacks something.

use axum::{
    extract::{
        RawQuery, State as With,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::fake::{APP, Fake, GUILD, ME, Out, Session, State, TOKEN};

pub async fn open(With(fake): With<Fake>, RawQuery(query): RawQuery, socket: WebSocketUpgrade) -> Response {
    upgrade(fake, query, socket, false)
}

pub async fn reopen(With(fake): With<Fake>, RawQuery(query): RawQuery, socket: WebSocketUpgrade) -> Response {
    upgrade(fake, query, socket, true)
}

fn upgrade(fake: Fake, query: Option<String>, socket: WebSocketUpgrade, resuming: bool) -> Response {
    if query.as_deref() != Some("v=10&encoding=json") {
        fake.state().violations.push(format!("the gateway was opened with {query:?}"));
    }
    socket.on_upgrade(move |socket| serve(fake, socket, resuming))
}

async fn serve(fake: Fake, mut socket: WebSocket, resuming: bool) {
    let (line, mut out) = mpsc::unbounded_channel();
    let beat = fake.state().beat;
    let mut silent = false;
    if say(&mut socket, &json!({ "op": 10, "d": { "heartbeat_interval": beat } })).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            told = out.recv() => match told {
                Some(Out::Say(payload)) if !silent => if say(&mut socket, &payload).await.is_err() { return },
                Some(Out::Raw(text)) if !silent => {
                    if socket.send(Message::Text(text.into())).await.is_err() { return }
                }
                Some(Out::Say(_) | Out::Raw(_)) => {}
                Some(Out::Close(code)) => {
                    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
                    return;
                }
                Some(Out::Cut) | None => return,
                Some(Out::Silence) => silent = true,
            },
            came = socket.recv() => {
                let Some(Ok(Message::Text(text))) = came else {
                    if matches!(came, Some(Ok(Message::Ping(_) | Message::Pong(_)))) { continue }
                    return;
                };
                if silent {
                    continue;
                }
                let payload: Value = serde_json::from_str(&text).unwrap_or_default();
                let replies = take(&mut fake.state(), &payload, &line, resuming, &fake);
                for reply in replies {
                    match reply {
                        Out::Close(code) => {
                            let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
                            return;
                        }
                        Out::Say(payload) => if say(&mut socket, &payload).await.is_err() { return },
                        Out::Raw(_) | Out::Cut | Out::Silence => {}
                    }
                }
            }
        }
    }
}

async fn say(socket: &mut WebSocket, payload: &Value) -> Result<(), axum::Error> {
    socket.send(Message::Text(payload.to_string().into())).await
}

fn take(
    state: &mut State,
    payload: &Value,
    line: &mpsc::UnboundedSender<Out>,
    resuming: bool,
    fake: &Fake,
) -> Vec<Out> {
    let data = &payload["d"];
    state.violations.extend(super::routes::sent(payload));
    state.sent.extend(payload["op"].as_u64());
    match payload["op"].as_u64() {
        Some(1) => vec![Out::Say(json!({ "op": 11 }))],
        Some(2 | 6) if state.revoked || data["token"] != TOKEN => vec![Out::Close(4_004)],
        Some(2 | 6) if state.refuse_with.is_some() => vec![Out::Close(state.refuse_with.unwrap())],
        Some(2) => {
            if resuming {
                state.violations.push("a new session was asked for at the address for resuming".into());
            }
            state.identified += 1;
            state.intents = data["intents"].as_u64().unwrap_or_default();
            let id = format!("session-{}", state.identified);
            state.sessions.insert(id.clone(), Session::default());
            state.current.clone_from(&id);
            state.line = Some(line.clone());
            state.held = None;
            state.emit("READY", json!({
                "v": 10, "user": { "id": ME, "username": "watchbell", "bot": true }, "guilds": [{ "id": GUILD, "unavailable": true }],
                "session_id": id, "resume_gateway_url": fake.socket("resume"), "application": { "id": APP, "flags": 0 },
            }));
            let channels: Vec<Value> = state.channels.values().cloned().collect();
            state.emit(
                "GUILD_CREATE",
                json!({ "id": GUILD, "name": "Home", "channels": channels, "threads": [] }),
            );
            vec![]
        }
        Some(6) => {
            if !resuming {
                state.violations.push("a session was resumed at the ordinary address".into());
            }
            let id = data["session_id"].as_str().unwrap_or_default().to_owned();
            let Some(session) = state.sessions.get(&id) else {
                return vec![Out::Say(json!({ "op": 9, "d": false }))];
            };
            let from = usize::try_from(data["seq"].as_u64().unwrap_or_default()).unwrap();
            if from > session.log.len() {
                return vec![Out::Close(4_007)];
            }
            state.resumed += 1;
            let missed: Vec<Value> = session.log[from..].to_vec();
            state.current = id;
            state.line = Some(line.clone());
            state.held = None;
            for payload in missed {
                state.say(payload);
            }
            state.emit("RESUMED", json!({}));
            vec![]
        }
        _ => vec![Out::Close(4_001)],
    }
}
