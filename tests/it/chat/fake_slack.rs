//! Slack on loopback: Web API, response addresses and Socket Mode as they are on the wire, strict about what it is
//! sent and with all of Slack's unpleasant habits. Never forgives: what breaks a rule is a violation.

mod api;
mod check;
mod rules;
mod socket;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{Router, routing};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::AbortHandle};

pub use self::world::{SlackWorld, now, options};

pub const BOT: &str = "UBOT";
pub const TEAM: &str = "T1";
pub const BOT_TOKEN: &str = "xoxb-s3cret-bot";
pub const APP_TOKEN: &str = "xapp-s3cret-app";
pub const SIGNING_SECRET: &str = "s3cret-signing";
/// Slack gives up on an acknowledgement, and on a trigger, after this.
pub const DEADLINE: Duration = Duration::from_secs(3);

/// A fake Slack; it ends when it is dropped.
pub struct Fake {
    pub state: Mutex<State>,
    pub address: SocketAddr,
    server: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
pub struct State {
    pub violations: Vec<String>,
    pub rooms: Vec<Room>,
    pub clock: u64,
    pub number: u64,
    pub links: HashMap<String, Answers>,
    pub triggers: HashMap<String, Instant>,
    pub views: BTreeMap<String, View>,
    pub uploads: BTreeMap<String, Upload>,
    pub connections: Vec<Connection>,
    pub unacknowledged: Vec<Envelope>,
    pub last: Option<(&'static str, Value)>,
    /// Calls by method, in their order.
    pub calls: Vec<(String, Value)>,
    /// When each of them came.
    pub times: Vec<Instant>,
    /// Connections that were greeted with their end.
    pub refusals: usize,
    pub acknowledgements: Vec<Value>,
    pub habits: Habits,
}

/// What the fake does to the adapter.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
pub struct Habits {
    pub revoked: bool,
    /// Calls above the documented limits get a 429, and are violations.
    pub counts: bool,
    pub limit: Option<u64>,
    pub paused: HashMap<(String, String), Instant>,
    pub stumble: bool,
    /// The next message is taken, and its answer is lost.
    pub swallow: bool,
    /// The next message is taken, and its answer never comes, or ends in the middle.
    pub hang: bool,
    pub tear: bool,
    /// The next room is made, and then everything fails until this is taken back.
    pub crash_after_create: bool,
    pub down: bool,
    pub locked: BTreeSet<String>,
    /// Error words for the next call of a method.
    pub errors: BTreeMap<String, Value>,
    /// Sockets say this instead of hello.
    pub greeting: Option<Value>,
    /// Response addresses are used up.
    pub links_expired: bool,
    /// Every delivery comes twice.
    pub twice: bool,
    /// What happens is kept until it is let go.
    pub held: bool,
    pub scopes: Option<String>,
}

#[derive(Clone)]
pub struct Room {
    pub id: String,
    pub name: String,
    pub topic: String,
    pub purpose: String,
    pub creator: String,
    pub private: bool,
    pub archived: bool,
    pub bot_in: bool,
    pub members: BTreeSet<String>,
    pub messages: Vec<Message>,
    pub pins: Vec<String>,
    pub pictures: Vec<String>,
}

#[derive(Clone)]
pub struct Message {
    pub ts: String,
    pub user: String,
    pub body: Value,
    pub only: Option<String>,
}

/// A response address.
#[derive(Clone)]
pub struct Answers {
    pub uses: u8,
    pub room: String,
    pub account: String,
    pub source: Option<String>,
}

#[derive(Clone)]
pub struct View {
    pub id: String,
    pub shown: Value,
    pub sent: bool,
    pub errors: Option<Value>,
}

#[derive(Clone)]
pub struct Upload {
    pub name: String,
    pub length: usize,
    pub arrived: bool,
    pub bytes: Vec<u8>,
    pub shared: Option<(String, String)>,
}

pub struct Connection {
    pub number: u64,
    pub tell: mpsc::UnboundedSender<socket::Tell>,
    pub half_open: bool,
}

pub struct Envelope {
    pub id: String,
    pub kind: &'static str,
    pub payload: Value,
    pub attempt: u32,
    /// When it went over which connection.
    pub sent: Option<(Instant, u64)>,
    /// The account whose view it closes.
    pub closes: Option<String>,
}

impl Fake {
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut state = State { clock: now().as_second().unsigned_abs(), ..State::default() };
        for name in ["ops", "quiet"] {
            state.make_room(name, false, "UELSE");
        }
        let fake = Arc::new(Self { state: Mutex::new(state), address, server: Mutex::new(None) });
        let app = Router::new()
            .route("/api/{method}", routing::post(api::call))
            .route("/respond/{token}", routing::post(api::respond))
            .route("/upload/{id}", routing::post(api::upload))
            .route("/link", routing::get(socket::link))
            .with_state(Arc::clone(&fake));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        *fake.server.lock().unwrap() = Some(server.abort_handle());
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happens: it goes over the newest connection, or waits for one.
    pub fn deliver(&self, kind: &'static str, payload: Value, closes: Option<String>) {
        let mut state = self.state();
        state.last = Some((kind, payload.clone()));
        let times = if state.habits.twice { 2 } else { 1 };
        for attempt in 0..times {
            let id = state.next("env");
            let closes = closes.clone();
            state.unacknowledged.push(Envelope {
                id,
                kind,
                payload: payload.clone(),
                attempt,
                sent: None,
                closes,
            });
        }
        state.flush();
    }

    /// Lets go what was kept, the last of it first.
    pub fn release(&self) {
        let mut state = self.state();
        state.habits.held = false;
        state.unacknowledged.reverse();
        state.flush();
    }

    pub fn event(&self, event: Value) {
        let id = self.state().next("Ev");
        let at = self.state().clock;
        let payload = json!({
            "token": "x", "team_id": TEAM, "api_app_id": "A1", "type": "event_callback", "event_id": id,
            "event_time": at, "event": event,
            "authorizations": [{"team_id": TEAM, "user_id": BOT, "is_bot": true}],
        });
        self.deliver("events_api", payload, None);
    }

    /// What a slash command sends, by socket or as a form.
    pub fn slash(&self, account: &str, room: &str, text: &str) -> Value {
        let (command, words) = text.split_once(' ').unwrap_or((text, ""));
        let mut state = self.state();
        let (url, trigger) = (state.link(self.address, room, account, None), state.trigger());
        let name = state.room(room).map(|room| room.name.clone()).unwrap_or_default();
        json!({
            "token": "x", "team_id": TEAM, "team_domain": "t", "channel_id": room, "channel_name": name,
            "user_id": account, "user_name": account, "command": command, "text": escape(words),
            "api_app_id": "A1", "is_enterprise_install": "false", "response_url": url, "trigger_id": trigger,
        })
    }

    /// Everything in which the adapter broke a rule, now.
    pub fn violations(&self) -> Vec<String> {
        let state = self.state();
        let mut all = state.violations.clone();
        for envelope in &state.unacknowledged {
            if let Some((sent, number)) = envelope.sent
                && sent.elapsed() > DEADLINE
                && state
                    .connections
                    .iter()
                    .any(|connection| connection.number == number && !connection.half_open)
            {
                all.push(format!("not acknowledged within 3 s: {}", envelope.payload));
            }
        }
        all
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(server) = self.server.lock().unwrap_or_else(PoisonError::into_inner).take() {
            server.abort();
        }
    }
}

impl State {
    pub fn next(&mut self, prefix: &str) -> String {
        self.number += 1;
        format!("{prefix}{:05}", self.number)
    }

    pub fn ts(&mut self) -> String {
        self.number += 1;
        self.clock += 1;
        format!("{}.{:06}", self.clock, self.number)
    }

    pub fn trigger(&mut self) -> String {
        let trigger = self.next("13345224609.738474920.");
        self.triggers.insert(trigger.clone(), Instant::now());
        trigger
    }

    pub fn link(&mut self, address: SocketAddr, room: &str, account: &str, source: Option<&str>) -> String {
        let token = self.next("s3cret-answer-");
        let source = source.map(str::to_owned);
        let link = Answers { uses: 0, room: room.to_owned(), account: account.to_owned(), source };
        self.links.insert(token.clone(), link);
        format!("http://{address}/respond/{token}")
    }

    pub fn make_room(&mut self, name: &str, private: bool, creator: &str) -> String {
        let id = self.next("C0");
        self.rooms.push(Room {
            id: id.clone(),
            name: name.to_owned(),
            topic: String::new(),
            purpose: String::new(),
            creator: creator.to_owned(),
            private,
            archived: false,
            bot_in: true,
            members: BTreeSet::new(),
            messages: Vec::new(),
            pins: Vec::new(),
            pictures: Vec::new(),
        });
        id
    }

    pub fn room(&self, id: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.id == id)
    }

    pub fn room_mut(&mut self, id: &str) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.id == id)
    }

    pub fn say(&mut self, room: &str, user: &str, body: Value, only: Option<&str>) -> String {
        let ts = self.ts();
        let message = Message { ts: ts.clone(), user: user.to_owned(), body, only: only.map(str::to_owned) };
        if let Some(room) = self.room_mut(room) {
            room.messages.push(message);
        }
        ts
    }

    /// Sends everything that has not gone out over the newest connection.
    pub fn flush(&mut self) {
        if self.habits.held {
            return;
        }
        let Some(connection) = self.connections.last() else { return };
        for envelope in self.unacknowledged.iter_mut().filter(|envelope| envelope.sent.is_none()) {
            let mut wire = json!({
                "type": envelope.kind, "envelope_id": envelope.id, "payload": envelope.payload,
                "accepts_response_payload": envelope.kind != "events_api",
            });
            if envelope.kind == "events_api" {
                wire["retry_attempt"] = json!(envelope.attempt);
                wire["retry_reason"] = json!(if envelope.attempt > 0 { "timeout" } else { "" });
            }
            envelope.attempt += 1;
            envelope.sent = Some((Instant::now(), connection.number));
            drop(connection.tell.send(socket::Tell::Say(wire)));
        }
    }
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
