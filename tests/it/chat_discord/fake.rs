//! A Discord on loopback: a guild with its rooms, people who write, press and react, and the habits of the real one.
//! Never knows the adapter's inside; everything goes through real sockets.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use watchbell::chat::port::{MessageRef, RoomId};

pub const TOKEN: &str = "MTAw.s3cret.token";
pub const GUILD: &str = "110000000000000005";
pub const ME: &str = "110000000000000100";
pub const APP: &str = "110000000000000200";
pub const OPS: &str = "110000000000000600";
pub const ANA: &str = "110000000000000007";
pub const BEN: &str = "110000000000000008";

/// An answer that comes instead of the real one.
#[derive(Clone)]
pub struct Fault {
    /// Begins the call (`POST /channels`).
    pub on: String,
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Whether the call was carried out nevertheless.
    pub done: bool,
}

/// What goes over the socket.
pub enum Out {
    Say(Value),
    Close(u16),
    /// The connection ends without a word.
    Cut,
    /// Nothing is said any more, not even on being asked.
    Silence,
}

pub struct Interaction {
    pub token: String,
    pub account: String,
    pub channel: String,
    pub message: Option<String>,
    pub kind: u64,
    pub sent: Instant,
    pub acknowledged: Option<u64>,
    /// The message that answers it.
    pub original: Option<String>,
    pub private: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Said {
    pub id: String,
    pub channel: String,
    pub author: String,
    pub body: Value,
    pub only: Option<String>,
    pub pinned: bool,
    pub files: Vec<String>,
}

#[derive(Default)]
pub struct Session {
    pub log: Vec<Value>,
}

pub struct State {
    pub violations: Vec<String>,
    pub calls: Vec<(String, Value)>,
    /// When each of them came.
    pub times: Vec<Instant>,
    /// With `counts`, calls above the documented limits get a 429, and are violations.
    pub counts: bool,
    pub buckets: BTreeMap<String, (Instant, u32)>,
    pub channels: BTreeMap<String, Value>,
    pub messages: Vec<Said>,
    pub commands: Vec<Value>,
    pub interactions: BTreeMap<String, Interaction>,
    pub forms: BTreeMap<String, Value>,
    pub suggestions: Vec<Value>,
    pub nonces: BTreeMap<(String, String), String>,
    pub faults: VecDeque<Fault>,
    pub members: BTreeMap<String, Vec<String>>,
    pub revoked: bool,
    pub flags: u64,
    pub date: Option<String>,
    pub sessions: BTreeMap<String, Session>,
    pub current: String,
    pub line: Option<mpsc::UnboundedSender<Out>>,
    pub identified: usize,
    pub resumed: usize,
    pub beat: u64,
    /// An event that two others overtake.
    pub held: Option<Value>,
    overtaken: bool,
    pub hold_next: bool,
    pub refuse_with: Option<u16>,
    next: u64,
}

impl State {
    pub fn id(&mut self) -> String {
        self.next += 1;
        (120_000_000_000_000_000 + self.next).to_string()
    }

    /// Something happened in the guild: it gets its number, and leaves if anybody listens.
    pub fn emit(&mut self, name: &str, data: Value) {
        let Some(session) = self.sessions.get_mut(&self.current) else { return };
        let payload = json!({ "op": 0, "s": session.log.len() + 1, "t": name, "d": data });
        session.log.push(payload.clone());
        if self.hold_next {
            self.hold_next = false;
            self.overtaken = false;
            self.held = Some(payload);
            return;
        }
        self.say(payload);
        if self.overtaken
            && let Some(held) = self.held.take()
        {
            self.say(held);
        }
        self.overtaken = true;
    }

    pub fn say(&self, payload: Value) {
        if let Some(line) = &self.line {
            let _ = line.send(Out::Say(payload));
        }
    }

    pub fn message(&mut self, id: &str) -> &mut Said {
        self.messages.iter_mut().find(|message| message.id == id).expect("a message that is there")
    }
}

#[derive(Clone)]
pub struct Fake {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let channel = |id: &str, name: &str| {
            (
                id.to_owned(),
                json!({ "id": id, "name": name, "type": 0, "guild_id": GUILD, "permission_overwrites": [] }),
            )
        };
        let state = State {
            violations: vec![],
            calls: vec![],
            times: vec![],
            counts: false,
            buckets: BTreeMap::new(),
            channels: BTreeMap::from([channel(OPS, "ops"), channel("110000000000000601", "quiet")]),
            messages: vec![],
            commands: vec![],
            interactions: BTreeMap::new(),
            forms: BTreeMap::new(),
            suggestions: vec![],
            nonces: BTreeMap::new(),
            faults: VecDeque::new(),
            members: BTreeMap::new(),
            revoked: false,
            flags: 0,
            date: None,
            sessions: BTreeMap::new(),
            current: String::new(),
            line: None,
            identified: 0,
            resumed: 0,
            beat: 10_000,
            held: None,
            overtaken: false,
            hold_next: false,
            refuse_with: None,
            next: 0,
        };
        let fake = Self { base, state: Arc::new(Mutex::new(state)) };
        let app = axum::Router::new()
            .route("/gateway/", axum::routing::get(super::socket::open))
            .route("/resume/", axum::routing::get(super::socket::reopen))
            .fallback(super::api::answer)
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn socket(&self, path: &str) -> String {
        format!("{}/{path}/", self.base.replace("http", "ws"))
    }

    /// Waits until something is so; a test that passes never waits long.
    pub async fn until<T>(&self, what: &str, look: impl Fn(&State) -> Option<T>) -> T {
        let by = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = look(&self.state()) {
                return found;
            }
            assert!(Instant::now() < by, "never came: {what}; violations: {:?}", self.state().violations);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn line(&self, out: Out) {
        let state = self.state();
        if let Some(line) = &state.line {
            let _ = line.send(out);
        }
    }

    pub fn fail(&self, on: &str, status: u16, body: Value) {
        let fault = Fault { on: on.into(), status, headers: vec![], body: body.to_string(), done: false };
        self.state().faults.push_back(fault);
    }

    /// In a person's own conversation there is no guild, and no member of one.
    fn interact(
        &self,
        account: &str,
        kind: u64,
        channel: &str,
        message: Option<&MessageRef>,
        data: Value,
    ) -> String {
        let mut state = self.state();
        let (id, token) = (state.id(), format!("s3cret-interaction-{}", state.next));
        let interaction = Interaction {
            token: token.clone(),
            account: account.into(),
            channel: message.map_or(channel.into(), |message| message.room.0.clone()),
            message: message.map(|message| message.message.clone()),
            kind,
            sent: Instant::now(),
            acknowledged: None,
            original: None,
            private: false,
        };
        let mut event = json!({
            "id": id, "application_id": APP, "type": kind, "token": token, "version": 1, "data": data,
            "channel_id": interaction.channel,
        });
        let user = json!({ "id": account, "username": "ana" });
        if let Some(channel) = state.channels.get(&interaction.channel) {
            event["guild_id"] = GUILD.into();
            event["channel"] =
                json!({ "id": channel["id"], "name": channel["name"], "type": channel["type"] });
            event["member"] = json!({ "user": user, "roles": [] });
        } else {
            event["channel"] = json!({ "id": interaction.channel, "type": 1 });
            event["user"] = user;
        }
        if let Some(message) = message {
            event["message"] = json!({ "id": message.message, "channel_id": message.room.0 });
        }
        state.interactions.insert(id.clone(), interaction);
        state.emit("INTERACTION_CREATE", event);
        id
    }

    /// Somebody uses a typed command.
    pub fn command(&self, account: &str, data: Value) -> String {
        self.command_in(OPS, account, data)
    }

    pub fn command_in(&self, channel: &str, account: &str, data: Value) -> String {
        self.interact(account, 2, channel, None, data)
    }

    pub fn types(&self, account: &str, data: Value) -> String {
        self.interact(account, 4, OPS, None, data)
    }

    /// Somebody presses the button, or chooses the entry, with these words.
    pub fn press(&self, account: &str, message: &MessageRef, label: &str) -> String {
        let body = self.state().message(&message.message).body.clone();
        let parts = body["components"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row["components"].as_array().unwrap());
        let mut found = None;
        for part in parts {
            if part["label"] == label {
                found = Some(json!({ "component_type": 2, "custom_id": part["custom_id"] }));
            }
            for option in
                part["options"].as_array().into_iter().flatten().filter(|option| option["label"] == label)
            {
                found = Some(
                    json!({ "component_type": 3, "custom_id": part["custom_id"], "values": [option["value"]] }),
                );
            }
        }
        self.interact(account, 3, OPS, Some(message), found.expect("a button with these words"))
    }

    /// Somebody sends the form in front of them.
    pub fn submit(&self, account: &str, message: Option<&MessageRef>, values: &[(&str, &str)]) -> String {
        let form = self.state().forms.remove(account).expect("a form");
        let parts: Vec<Value> = values
            .iter()
            .map(|(name, value)| json!({ "type": 18, "component": { "type": 4, "custom_id": name, "value": value } }))
            .collect();
        self.interact(
            account,
            5,
            OPS,
            message,
            json!({ "custom_id": form["custom_id"], "components": parts }),
        )
    }

    /// Somebody writes a message; without a guild it is the person's own conversation.
    pub fn write(&self, account: &str, channel: &str, text: &str) -> MessageRef {
        let mut state = self.state();
        let id = state.id();
        let said = Said {
            id: id.clone(),
            channel: channel.into(),
            author: account.into(),
            body: json!({ "content": text }),
            only: None,
            pinned: false,
            files: vec![],
        };
        state.messages.push(said);
        let mut event = json!({
            "id": id, "channel_id": channel, "content": text, "type": 0, "timestamp": "2026-01-05T09:00:00+00:00",
            "author": { "id": account, "username": "ana" }, "mentions": [],
        });
        if state.channels.contains_key(channel) {
            event["guild_id"] = GUILD.into();
        }
        state.emit("MESSAGE_CREATE", event);
        MessageRef { room: RoomId(channel.into()), message: id }
    }

    /// Discord tells of an interaction once more.
    pub fn again(&self, id: &str) {
        let mut state = self.state();
        let mut told = state.sessions.values().flat_map(|session| &session.log);
        let event = told.find(|event| event["t"] == "INTERACTION_CREATE" && event["d"]["id"] == id);
        let event = event.expect("an interaction that was told")["d"].clone();
        state.emit("INTERACTION_CREATE", event);
    }

    /// Somebody pins a message: Discord says so with a message of its own.
    pub fn pin(&self, account: &str, message: &MessageRef) {
        let mut state = self.state();
        let id = state.id();
        let meant = json!({ "guild_id": GUILD, "channel_id": message.room.0, "message_id": message.message });
        state.message(&message.message).pinned = true;
        let event = json!({
            "id": id, "guild_id": GUILD, "channel_id": message.room.0, "type": 6, "content": "",
            "timestamp": "2026-01-05T09:00:00+00:00", "author": { "id": account, "username": "ana" },
            "message_reference": meant,
        });
        state.emit("MESSAGE_CREATE", event);
    }

    pub fn edit(&self, message: &MessageRef, text: &str) {
        let mut state = self.state();
        let said = state.message(&message.message);
        said.body = json!({ "content": text });
        let event = json!({
            "id": said.id, "guild_id": GUILD, "channel_id": said.channel, "type": 0, "content": text,
            "pinned": said.pinned, "author": { "id": said.author, "username": "ana" },
            "timestamp": "2026-01-05T09:00:00+00:00", "edited_timestamp": "2026-01-05T09:01:00+00:00",
        });
        state.emit("MESSAGE_UPDATE", event);
    }

    pub fn delete(&self, message: &MessageRef) {
        let mut state = self.state();
        state.messages.retain(|said| said.id != message.message);
        let event = json!({ "id": message.message, "guild_id": GUILD, "channel_id": message.room.0 });
        state.emit("MESSAGE_DELETE", event);
    }

    pub fn react(&self, account: &str, message: &str, added: bool) {
        let name = if added { "MESSAGE_REACTION_ADD" } else { "MESSAGE_REACTION_REMOVE" };
        self.state().emit(
            name,
            json!({
                "guild_id": GUILD, "channel_id": OPS, "message_id": message, "user_id": account,
                "emoji": { "id": null, "name": "📌" },
            }),
        );
    }

    /// Everything in which the adapter broke the rules.
    pub fn violations(&self) -> Vec<String> {
        let state = self.state();
        let mut all = state.violations.clone();
        for (id, interaction) in &state.interactions {
            if interaction.acknowledged.is_none() && interaction.sent.elapsed() > Duration::from_secs(3) {
                all.push(format!("the interaction {id} was never acknowledged"));
            }
        }
        all
    }

    /// What the bot said in a channel, as (text, seen by whom alone).
    pub fn said(&self, channel: &str) -> Vec<(String, Option<String>)> {
        let state = self.state();
        let by_bot = state.messages.iter().filter(|said| said.channel == channel && said.author == ME);
        by_bot.map(|said| (shown(&said.body), said.only.clone())).collect()
    }
}

/// The words of a message, as a person reads them.
pub fn shown(body: &Value) -> String {
    let embed = &body["embeds"][0];
    let mut parts = vec![embed["title"].as_str(), embed["description"].as_str()];
    if body["embeds"].as_array().is_none_or(Vec::is_empty) {
        parts.push(body["content"].as_str());
    }
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n").replace('\\', "")
}
