//! The fake's side of Socket Mode. Never pretends that a connection is well when it was told to be dead.

use std::sync::Arc;

use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::Uri,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Connection, DEADLINE, Fake};

/// What a connection is told to do.
pub enum Tell {
    Say(Value),
    /// Ends without a word.
    Cut,
    /// Ends with a close frame.
    Close,
    /// Stays open, and neither reads nor writes any more.
    HalfOpen,
    /// Says something that is no JSON.
    Garbage,
}

pub async fn link(State(fake): State<Arc<Fake>>, uri: Uri, upgrade: WebSocketUpgrade) -> Response {
    let ticket = uri.query().unwrap_or_default().to_owned();
    if !ticket.starts_with("ticket=s3cret-ticket") {
        fake.state().violations.push("a socket without a ticket".to_owned());
    }
    upgrade.on_upgrade(move |socket| serve(fake, socket)).into_response()
}

async fn serve(fake: Arc<Fake>, mut socket: WebSocket) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (number, greeting) = {
        let mut state = fake.state();
        state.number += 1;
        (state.number, state.habits.greeting.clone())
    };
    if let Some(greeting) = greeting {
        drop(socket.send(Message::text(greeting.to_string())).await);
        fake.state().refusals += 1;
        return;
    }
    let hello = json!({
        "type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"},
        "debug_info": {"host": "fake", "build_number": 1, "approximate_connection_time": 3600},
    });
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    {
        let mut state = fake.state();
        // What went over one that nobody hears any more has no acknowledgement, and is delivered again over this one.
        let dead: Vec<u64> =
            state.connections.iter().filter(|one| one.half_open).map(|one| one.number).collect();
        for envelope in &mut state.unacknowledged {
            if envelope.sent.is_some_and(|(_, over)| dead.contains(&over)) {
                envelope.sent = None;
            }
        }
        state.connections.push(Connection { number, tell, half_open: false });
        state.flush();
    }
    loop {
        tokio::select! {
            tell = told.recv() => match tell {
                Some(Tell::Say(value)) => {
                    if socket.send(Message::text(value.to_string())).await.is_err() {
                        break;
                    }
                }
                Some(Tell::Garbage) => drop(socket.send(Message::text("{not json")).await),
                Some(Tell::Cut) | None => break,
                Some(Tell::Close) => {
                    let frame = CloseFrame { code: 1000, reason: "bye".into() };
                    drop(socket.send(Message::Close(Some(frame))).await);
                    break;
                }
                Some(Tell::HalfOpen) => {
                    // Holds the socket, and looks at nothing but the word to end.
                    while let Some(tell) = told.recv().await {
                        if matches!(tell, Tell::Cut) {
                            break;
                        }
                    }
                    break;
                }
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => acknowledged(&fake, number, &text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_))) => fake.state().violations.push("binary over the socket".to_owned()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
            },
        }
    }
    let mut state = fake.state();
    state.connections.retain(|connection| connection.number != number);
    // What was not acknowledged here is delivered again over another connection.
    for envelope in &mut state.unacknowledged {
        if envelope.sent.is_some_and(|(_, over)| over == number) {
            envelope.sent = None;
        }
    }
    state.flush();
}

fn acknowledged(fake: &Fake, number: u64, text: &str) {
    let mut state = fake.state();
    let said: Value = serde_json::from_str(text).unwrap_or_default();
    let id = said["envelope_id"].as_str().unwrap_or_default().to_owned();
    let Some(at) = state.unacknowledged.iter().position(|envelope| envelope.id == id) else {
        // Acknowledged over one connection and, before that was known, sent again over another.
        if id.is_empty() {
            state.violations.push(format!("no acknowledgement: {text}"));
        }
        return;
    };
    let envelope = state.unacknowledged.remove(at);
    if let Some((sent, over)) = envelope.sent
        && over == number
        && sent.elapsed() > DEADLINE
    {
        state.violations.push(format!("acknowledged after {:?}", sent.elapsed()));
    }
    state.acknowledgements.push(said.clone());
    let payload = &said["payload"];
    if !payload.is_null() && envelope.kind == "events_api" {
        state.violations.push("an event takes no payload".to_owned());
    }
    let Some(account) = envelope.closes else { return };
    match payload["response_action"].as_str() {
        Some("clear") | None => {
            state.views.remove(&account);
        }
        Some("errors") => {
            let errors = payload["errors"].clone();
            let known = errors.as_object().is_some_and(|errors| !errors.is_empty());
            if !known {
                state.violations.push(format!("errors without any: {payload}"));
            }
            if let Some(view) = state.views.get_mut(&account) {
                view.sent = false;
                view.errors = Some(errors);
            }
        }
        Some(other) => state.violations.push(format!("unknown response_action {other}")),
    }
}
