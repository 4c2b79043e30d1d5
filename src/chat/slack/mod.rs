//! Slack: its Web API outwards, Socket Mode or signed HTTP inwards. Never decides anything, and never lets a token or
//! a stranger's markup through.
//!
//! The way in: `socket` or `http` → `hearing` (acknowledged at once) → `hear` (what it means) → `answer` (the ear, and
//! where its answer goes). The way out: [`Slack`] → `outward`, `rooms`, `examine` → `api` (budget, answer, fault).

mod answer;
mod api;
pub mod blocks;
mod examine;
mod faults;
mod form;
mod hear;
mod hearing;
mod http;
mod links;
mod manifest;
mod outward;
mod pace;
mod rooms;
mod seen;
mod socket;
mod words;

#[cfg(test)]
mod blocks_tests;

use std::{
    collections::{BTreeMap, HashMap},
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};
use url::Url;

pub use blocks::{Rendered, render};
pub use hear::Delivery;
pub use http::{Answered, Inbox, Request};
pub use manifest::manifest;

use self::{
    api::{Api, Call},
    hear::Me,
    hearing::Hearing,
    pace::method,
    rooms::Rooms,
    seen::Sent,
};
use super::port::{
    Account, Ear, Failure, Finding, MessageRef, Picture, Place, Platform, Room, RoomId, RoomPlan, Words, Work,
};
use crate::{domain::delivery::Channel, text::card::Card};

/// So long an answer to somebody is waited for at the end.
const SETTLE: Duration = Duration::from_secs(3);

/// How to reach Slack, and how patient to be with it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The app's token (`xapp-…`), for Socket Mode; without one Slack is heard by HTTP.
    pub app_token: Option<SecretString>,
    /// The bot's token (`xoxb-…`).
    pub bot_token: SecretString,
    /// What Slack signs its HTTP requests with; without one none is taken.
    pub signing_secret: Option<SecretString>,
    /// The Web API; ends with `/`.
    pub api: Url,
    /// Words that stay below `/watchbell`: `/watchbell version` is no command `/version`.
    pub own_words: Vec<String>,
    /// What slash commands stand for that are called otherwise: `/inc` is `/incident`.
    pub names: BTreeMap<String, String>,
    /// How long one request may take.
    pub request: Duration,
    /// How long everything together may take that is asked of [`Platform`].
    pub patience: Duration,
    /// How often the socket is pinged.
    pub ping: Duration,
    /// A socket that is silent for so long is dead: Slack answers pings and sends its own.
    pub silence: Duration,
    /// How long a socket may take to open and to say hello.
    pub hello: Duration,
    /// The first pause before a new socket, and the longest.
    pub backoff_first: Duration,
    /// See [`Options::backoff_first`].
    pub backoff_most: Duration,
    /// How often it is tried again while somebody has to mend something.
    pub broken_retry: Duration,
    /// How long Slack takes answers at the address that it gives for them.
    pub answer_window: Duration,
    /// The wall clock, for signatures and for the comparison with Slack's.
    pub now: fn() -> Timestamp,
}

impl Options {
    /// The real Slack, as its documentation asks for.
    ///
    /// # Errors
    /// Never in practice: when Slack's own address cannot be parsed.
    pub fn new(bot_token: SecretString, now: fn() -> Timestamp) -> Result<Self, url::ParseError> {
        Ok(Self {
            app_token: None,
            bot_token,
            signing_secret: None,
            api: Url::parse("https://slack.com/api/")?,
            own_words: ["version", "reload", "doctor"].map(str::to_owned).to_vec(),
            names: BTreeMap::new(),
            request: Duration::from_secs(7),
            patience: Duration::from_millis(9_800),
            ping: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            hello: Duration::from_secs(10),
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(30),
            broken_retry: Duration::from_mins(1),
            // Half an hour, less what an answer may wait for.
            answer_window: Duration::from_mins(29),
            now,
        })
    }
}

/// One Slack workspace. Clones share it.
#[derive(Clone)]
pub struct Slack(Arc<Inner>);

struct Inner {
    options: Options,
    api: Api,
    rooms: Rooms,
    me: OnceLock<Me>,
    sent: Mutex<Sent>,
    conversations: Mutex<HashMap<String, RoomId>>,
    accounts: Mutex<HashMap<String, (Instant, Account)>>,
}

#[derive(Debug, Deserialize)]
struct Greeting {
    user_id: String,
    team_id: String,
}

impl Inner {
    /// Who the bot is, once Slack has said so.
    fn me(&self) -> Option<&Me> {
        self.me.get()
    }

    /// Asks Slack who the bot is, and so whether its token is worth anything.
    async fn greet(&self) -> Result<(), Failure> {
        let greeting: Greeting = self.api.call(Call::new(method::AUTH), &json!({})).await?;
        // The same for as long as the token is.
        self.me.get_or_init(|| Me { user: greeting.user_id, team: greeting.team_id });
        Ok(())
    }

    /// Within ten seconds, and with rooms called as people call them.
    async fn told<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let done = tokio::time::timeout(self.options.patience, work).await;
        let done = done.unwrap_or_else(|_| Err(Failure::TryAgain("no answer in time".to_owned())));
        done.map_err(|failure| match failure {
            Failure::Refused { why, remedy: Some(remedy) } => {
                Failure::Refused { why, remedy: Some(self.rooms.spoken(remedy)) }
            }
            failure => failure,
        })
    }
}

impl Slack {
    /// An adapter that can speak; nothing is asked of Slack yet.
    ///
    /// # Errors
    /// When no HTTP client can be made (no usable TLS).
    pub fn new(options: Options) -> reqwest::Result<Self> {
        Ok(Self(Arc::new(Inner {
            api: Api::new(&options)?,
            options,
            rooms: Rooms::default(),
            me: OnceLock::new(),
            sent: Mutex::default(),
            conversations: Mutex::default(),
            accounts: Mutex::default(),
        })))
    }

    /// Begins to listen: over the socket when there is an app token, and to what [`Listening::inbox`] is handed.
    #[must_use]
    pub fn listen(&self, ear: Arc<dyn Ear>) -> Listening {
        let (hearing, happened) = Hearing::new(Arc::clone(&self.0), ear);
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&hearing).in_order(happened));
        tasks.spawn(Arc::clone(&hearing).watch_token());
        if self.0.options.app_token.is_some() {
            tasks.spawn(socket::listen(Arc::clone(&hearing)));
        } else {
            tasks.spawn(http::attend(Arc::clone(&hearing)));
        }
        Listening { inbox: http::Inbox::new(Arc::clone(&hearing)), hearing, tasks }
    }
}

/// Slack is listened to until this is stopped or dropped.
pub struct Listening {
    hearing: Arc<Hearing>,
    inbox: http::Inbox,
    tasks: JoinSet<()>,
}

impl Listening {
    /// A handle for the web server: takes what Slack sends by HTTP.
    #[must_use]
    pub fn inbox(&self) -> http::Inbox {
        self.inbox.clone()
    }

    /// Ends: the socket is closed, what was acknowledged is heard, and whoever asked has three seconds more to get an
    /// answer.
    pub async fn stop(mut self) {
        self.hearing.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(SETTLE, ended).await);
        self.hearing.settle(SETTLE).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.hearing.stop.send_replace(true);
    }
}

impl Platform for Slack {
    fn channel(&self) -> Channel {
        Channel::Slack
    }

    fn send<'a>(&'a self, to: &'a Place, card: &'a Card, key: &'a str) -> Work<'a, MessageRef> {
        Box::pin(self.0.told(self.0.send(to, card, key)))
    }

    fn edit<'a>(&'a self, message: &'a MessageRef, card: &'a Card) -> Work<'a, ()> {
        Box::pin(self.0.told(self.0.edit(message, card)))
    }

    fn picture<'a>(&'a self, to: &'a Place, picture: &'a Picture, _: &'a str) -> Work<'a, MessageRef> {
        Box::pin(self.0.told(self.0.picture(to, picture)))
    }

    fn read<'a>(&'a self, message: &'a MessageRef) -> Work<'a, Words> {
        Box::pin(self.0.told(self.0.read(message)))
    }

    fn pin<'a>(&'a self, message: &'a MessageRef) -> Work<'a, ()> {
        Box::pin(self.0.told(self.0.pin(message)))
    }

    fn create_room<'a>(&'a self, plan: &'a RoomPlan) -> Work<'a, Room> {
        Box::pin(self.0.told(self.0.create_room(plan)))
    }

    fn set_topic<'a>(&'a self, room: &'a RoomId, topic: &'a str) -> Work<'a, ()> {
        Box::pin(self.0.told(self.0.set_topic(room, topic)))
    }

    fn invite<'a>(&'a self, room: &'a RoomId, accounts: &'a [String]) -> Work<'a, ()> {
        Box::pin(self.0.told(self.0.invite(room, accounts)))
    }

    fn archive<'a>(&'a self, room: &'a RoomId) -> Work<'a, ()> {
        Box::pin(self.0.told(self.0.archive(room)))
    }

    fn find_room<'a>(&'a self, name: &'a str) -> Work<'a, Room> {
        Box::pin(self.0.told(self.0.find_room(name)))
    }

    fn account<'a>(&'a self, id: &'a str) -> Work<'a, Account> {
        Box::pin(self.0.told(self.0.account(id)))
    }

    fn examine<'a>(&'a self, rooms: &'a [String]) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>> {
        Box::pin(self.0.examine(rooms))
    }
}
