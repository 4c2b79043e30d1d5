//! A Discord on loopback: a guild with its rooms, people who write, press and react, and the habits of the real one.
//! Never knows the adapter's inside; everything goes through real sockets.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use watchbell::chat::port::MessageRef;

pub const TOKEN: &str = "MTAw.s3cret.token";
pub const GUILD: &str = "110000000000000005";
pub const ME: &str = "110000000000000100";
pub const APP: &str = "110000000000000200";
pub const OPS: &str = "110000000000000600";
pub const ANA: &str = "110000000000000007";
pub const BEN: &str = "110000000000000008";
/// Somebody who is not in the guild.
pub const STRANGER: &str = "110000000000000009";
/// Where rooms are made, and where they are put away.
pub const CATEGORY: &str = "110000000000000700";
pub const ARCHIVE: &str = "110000000000000701";

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

impl Fault {
    /// For how many whole seconds it asks for a pause.
    pub fn pause(&self) -> Option<u64> {
        let asked = self.headers.iter().find(|(name, _)| *name == "retry-after" && self.status == 429);
        asked?.1.parse().ok()
    }
}

/// What goes over the socket.
pub enum Out {
    Say(Value),
    /// Something that may be no JSON at all.
    Raw(String),
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

/// A form that somebody has in front of them.
pub struct Opened {
    pub shown: Value,
    /// The message whose button opened it.
    pub message: Option<MessageRef>,
}

#[derive(Default)]
pub struct Session {
    pub log: Vec<Value>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own")]
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
    /// Calls with files, as they came.
    pub uploads: Vec<Vec<u8>>,
    pub commands: Vec<Value>,
    pub interactions: BTreeMap<String, Interaction>,
    pub forms: BTreeMap<String, Opened>,
    pub suggestions: Vec<Value>,
    pub nonces: BTreeMap<(String, String), String>,
    /// The last interaction that somebody began.
    pub last: Option<String>,
    /// Calls that were told to pause, and until when.
    pub pauses: Vec<(String, Instant)>,
    /// What the session asked to be told.
    pub intents: u64,
    pub faults: VecDeque<Fault>,
    pub members: BTreeMap<String, Vec<String>>,
    pub revoked: bool,
    pub flags: u64,
    /// What the role of everybody may do, and so the bot.
    pub allowed: u64,
    /// What is different in the next interaction that is told.
    pub twist: Option<Value>,
    /// What the gateway was sent, by its number.
    pub sent: BTreeSet<u64>,
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
        // Milliseconds since Discord's first second, and a number: ids say when they were made.
        let now = u64::try_from(crate::chat::fake_slack::now().as_millisecond()).unwrap() - 1_420_070_400_000;
        ((now << 22) + self.next).to_string()
    }

    /// Something happened in the guild: it gets its number, and leaves if anybody listens.
    pub fn emit(&mut self, name: &str, data: Value) {
        // 1 << 1: who comes; 1 << 10: reactions.
        let asks = match name {
            "GUILD_MEMBER_ADD" => 1 << 1,
            "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => 1 << 10,
            _ => 0,
        };
        if self.intents & asks != asks {
            return;
        }
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
        let place = |id: &str, name: &str, kind: u64| {
            (
                id.to_owned(),
                json!({ "id": id, "name": name, "type": kind, "guild_id": GUILD, "permission_overwrites": [] }),
            )
        };
        let state = State {
            violations: vec![],
            calls: vec![],
            times: vec![],
            counts: false,
            buckets: BTreeMap::new(),
            channels: BTreeMap::from([
                place(OPS, "ops", 0),
                place("110000000000000601", "quiet", 0),
                place(CATEGORY, "Incidents", 4),
                place(ARCHIVE, "Archive", 4),
            ]),
            messages: vec![],
            uploads: vec![],
            commands: vec![],
            interactions: BTreeMap::new(),
            forms: BTreeMap::new(),
            suggestions: vec![],
            nonces: BTreeMap::new(),
            last: None,
            pauses: vec![],
            intents: 0,
            faults: VecDeque::new(),
            members: BTreeMap::new(),
            revoked: false,
            flags: 0,
            // Everything but to be an administrator.
            allowed: ((1_u64 << 53) - 1) & !8,
            twist: None,
            sent: BTreeSet::new(),
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
    let parts: Vec<String> = parts.into_iter().flatten().map(read).collect();
    parts.join("\n")
}

/// A text without its escapes: a backslash before a sign is not shown.
pub fn read(text: &str) -> String {
    let mut seen = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' || !chars.peek().is_some_and(char::is_ascii_punctuation) {
            seen.push(c);
            continue;
        }
        seen.extend(chars.next());
    }
    seen
}
