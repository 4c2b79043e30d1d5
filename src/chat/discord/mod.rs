//! Discord as a chat platform: its HTTP API outwards, its gateway inwards. Knows no incident, decides nothing, and
//! lets neither the token nor a stranger's markup through.
//!
//! The way inwards: `gateway` holds the connection, `listen` gives each event its task, `hearing` says what it
//! means, `interact` acknowledges and answers. The way outwards: `render` makes a message of a card, `outward` and
//! `rooms` say it, `rest` makes the call and keeps to the limits.

mod asked;
pub mod commands;
mod components;
mod escape;
mod examine;
mod gateway;
mod hearing;
mod interact;
mod listen;
mod memory;
mod outward;
mod pace;
mod permission;
mod refusal;
pub mod render;
mod rest;
mod rooms;
mod session;
mod typed;
mod wire;

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use secrecy::SecretString;
use serenity::model::gateway::GatewayIntents;
use tokio::time::{Instant, timeout};

pub use self::{
    commands::{Argument, Kind, Spec},
    listen::Running,
};
use self::{
    memory::{Kept, Rooms},
    render::Rendered,
    rest::Rest,
};
use super::port::{
    Account, Ear, Failure, Finding, MessageRef, Picture, Place, Platform, Remedy, Room, RoomId, RoomPlan,
    Words, Work,
};
use crate::{
    domain::delivery::Channel,
    text::card::{Card, Form},
};

/// Discord's own API.
pub const API: &str = "https://discord.com/api/v10";

/// Forms behind buttons that are remembered; after that the ear is asked for them.
const FORMS: (usize, Duration) = (2_000, Duration::from_hours(24 * 30));
/// Forms that are open.
const OPEN_FORMS: usize = 2_000;
/// Conversations and threads that are remembered.
const PLACES: (usize, Duration) = (10_000, Duration::from_hours(24 * 30));

/// How Discord is reached.
#[derive(Clone)]
pub struct Options {
    /// The bot's token.
    pub token: SecretString,
    /// The guild where the bot works; none: every guild that it is in, without rooms of its own.
    pub guild: Option<u64>,
    /// The API's base address.
    pub api: String,
    /// How rooms for incidents are made.
    pub rooms: RoomStyle,
    /// Which rooms for incidents are wanted.
    pub wanted: Wanted,
    /// Whether the privileged intent `MESSAGE_CONTENT` is switched on: without it only mentions have words.
    pub content: bool,
    /// Whether the privileged intent `GUILD_MEMBERS` is switched on: without it nobody's coming is heard.
    pub members: bool,
    /// How long things take.
    pub timing: Timing,
    /// Reads civil time, to compare it with Discord's.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Options {
    /// The real Discord, without privileged intents, with channels as rooms.
    #[must_use]
    pub fn new(
        token: SecretString,
        guild: Option<u64>,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        let rooms = RoomStyle::Channels { category: None, archive: None };
        let timing = Timing::default();
        Self {
            token,
            guild,
            api: API.to_owned(),
            rooms,
            wanted: Wanted::Public,
            content: false,
            members: false,
            timing,
            clock,
        }
    }

    fn intents(&self) -> GatewayIntents {
        let mut intents = GatewayIntents::GUILDS
            | GatewayIntents::GUILD_MESSAGES
            | GatewayIntents::GUILD_MESSAGE_REACTIONS
            | GatewayIntents::DIRECT_MESSAGES;
        if self.members {
            intents |= GatewayIntents::GUILD_MEMBERS;
        }
        if self.content {
            intents |= GatewayIntents::MESSAGE_CONTENT;
        }
        intents
    }

    /// The privileged intents that are asked for.
    fn privileged(&self) -> Vec<&'static str> {
        let wanted = [(self.members, "GUILD_MEMBERS"), (self.content, "MESSAGE_CONTENT")];
        wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("guild", &self.guild)
            .field("rooms", &self.rooms)
            .finish_non_exhaustive()
    }
}

/// How rooms for incidents are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomStyle {
    /// As text channels.
    Channels {
        /// The category in which they are made.
        category: Option<u64>,
        /// The category into which they are moved when they are closed.
        archive: Option<u64>,
    },
    /// As threads of this channel.
    Threads {
        /// The channel.
        channel: u64,
    },
}

/// Which rooms for incidents are wanted: what the bot must be allowed to do depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// None.
    Nothing,
    /// Such as everybody sees.
    Public,
    /// Such as only who is invited sees.
    Private,
}

/// How long things take; tests shorten it.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The ear may answer within this before an interaction is acknowledged without its answer.
    pub patience: Duration,
    /// So long Discord lets an answer be completed (it says 15 minutes).
    pub window: Duration,
    /// So long an open form is remembered.
    pub form: Duration,
    /// The first pause before a new connection; it doubles.
    pub backoff: Duration,
    /// The longest pause before a new connection.
    pub backoff_most: Duration,
    /// The pause before another attempt when somebody has to mend something.
    pub broken_again: Duration,
    /// The pause between two new sessions.
    pub identify_pause: Duration,
    /// The pause after a session was ended: at least, at most.
    pub invalid_pause: (Duration, Duration),
    /// A connection stands within this, or it is tried again.
    pub connect: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(300),
            window: Duration::from_secs(14 * 60 + 30),
            form: Duration::from_mins(15),
            backoff: Duration::from_secs(1),
            backoff_most: Duration::from_secs(30),
            broken_again: Duration::from_mins(1),
            identify_pause: Duration::from_secs(5),
            invalid_pause: (Duration::from_secs(1), Duration::from_secs(5)),
            connect: Duration::from_secs(15),
        }
    }
}

/// Discord. Clones share everything.
#[derive(Clone)]
pub struct Discord(Arc<Hub>);

impl Discord {
    /// The way outwards; [`Discord::listen`] opens the way inwards.
    ///
    /// # Errors
    /// When no HTTP client can be made (no usable TLS).
    pub fn new(options: Options) -> reqwest::Result<Self> {
        let rest = Rest::new(&options.api, options.token.clone())?;
        let state = State {
            me: None,
            forms: Kept::new(FORMS.0, FORMS.1),
            open: Kept::new(OPEN_FORMS, options.timing.form),
            conversations: Kept::new(PLACES.0, PLACES.1),
            personal: Kept::new(PLACES.0, PLACES.1),
            threads: Kept::new(PLACES.0, PLACES.1),
            made: Kept::new(PLACES.0, PLACES.1),
            opened: 0,
        };
        Ok(Self(Arc::new(Hub { rest, options, state: Mutex::new(state), rooms: Mutex::default() })))
    }

    /// Opens the connection, registers the commands, and hands what is heard to the ear, until it is stopped.
    #[must_use]
    pub fn listen(&self, commands: Vec<Spec>, ear: Arc<dyn Ear>) -> Running {
        Running::start(Arc::clone(&self.0), commands, ear)
    }
}

/// What all parts share.
struct Hub {
    rest: Rest,
    options: Options,
    state: Mutex<State>,
    rooms: Mutex<Rooms>,
}

/// The bot's own account and application.
#[derive(Debug, Clone)]
struct Me {
    user: String,
    app: String,
}

struct State {
    me: Option<Me>,
    /// Forms behind buttons, by custom id.
    forms: Kept<String, Form>,
    /// Forms that are open, by token.
    open: Kept<String, Form>,
    /// Conversations by account, and the other way around.
    conversations: Kept<String, String>,
    personal: Kept<String, ()>,
    threads: Kept<String, ()>,
    /// Which plan a thread was made for.
    made: Kept<String, String>,
    opened: u64,
}

impl Hub {
    #[expect(clippy::unused_self, reason = "it reads like the platform's own")]
    fn channel(&self) -> Channel {
        Channel::Discord
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn me(&self) -> Option<Me> {
        self.state().me.clone()
    }

    fn remember_me(&self, user: String, app: String) {
        self.state().me = Some(Me { user, app });
    }

    fn guild(&self) -> Result<u64, Failure> {
        let why = || Failure::Refused { why: "no server is named".into(), remedy: Some(Remedy::Install) };
        self.options.guild.ok_or_else(why)
    }

    fn guild_of(&self, room: &str) -> String {
        let known = self.rooms().get(room).map(|known| known.guild.clone());
        let configured =
            || self.options.guild.filter(|_| !self.is_personal(room)).map(|guild| guild.to_string());
        known.filter(|guild| !guild.is_empty()).or_else(configured).unwrap_or_else(|| "@me".to_owned())
    }

    /// What people call a room.
    fn name(&self, room: &RoomId) -> String {
        self.rooms().get(&room.0).map_or_else(|| room.0.clone(), |known| format!("#{}", known.name))
    }

    fn remember_forms(&self, rendered: &Rendered) {
        let (mut state, now) = (self.state(), Instant::now());
        for (id, form) in &rendered.forms {
            state.forms.put(id.clone(), form.clone(), now);
        }
    }

    fn form_behind(&self, custom_id: &str) -> Option<Form> {
        self.state().forms.get(&custom_id.to_owned(), Instant::now())
    }

    /// Keeps a form while it is open; its token.
    fn keep_form(&self, form: &Form) -> String {
        let mut random = [0; 9];
        // Without random numbers the count alone tells forms apart.
        let _ = getrandom::fill(&mut random);
        let mut state = self.state();
        state.opened += 1;
        let token = format!("{}-{}", state.opened, hex::encode(random));
        state.open.put(token.clone(), form.clone(), Instant::now());
        token
    }

    fn form(&self, token: &str) -> Option<Form> {
        self.state().open.get(&token.to_owned(), Instant::now())
    }

    fn conversation(&self, account: &str) -> Option<String> {
        self.state().conversations.get(&account.to_owned(), Instant::now())
    }

    fn remember_conversation(&self, account: &str, channel: &str) {
        let (mut state, now) = (self.state(), Instant::now());
        state.conversations.put(account.to_owned(), channel.to_owned(), now);
        state.personal.put(channel.to_owned(), (), now);
    }

    fn is_personal(&self, channel: &str) -> bool {
        self.state().personal.get(&channel.to_owned(), Instant::now()).is_some()
    }

    fn has_thread(&self, message: &str) -> bool {
        self.state().threads.get(&message.to_owned(), Instant::now()).is_some()
    }

    fn remember_thread(&self, message: &str) {
        self.state().threads.put(message.to_owned(), (), Instant::now());
    }

    fn made_for_another(&self, room: &str, key: &str) -> bool {
        self.state().made.get(&room.to_owned(), Instant::now()).is_some_and(|made| made != key)
    }

    fn remember_made(&self, room: &str, key: &str) {
        self.state().made.put(room.to_owned(), key.to_owned(), Instant::now());
    }
}

/// Where a room or a message opens in a browser.
fn link(guild: &str, room: &str, message: Option<&str>) -> String {
    let place = format!("https://discord.com/channels/{guild}/{room}");
    message.map_or_else(|| place.clone(), |message| format!("{place}/{message}"))
}

/// Nothing but ids becomes part of an address.
fn ids<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
    if texts.into_iter().all(outward::is_id) {
        return Ok(());
    }
    Err(Failure::Refused { why: "this is no id of Discord".into(), remedy: None })
}

fn of_message(message: &MessageRef) -> Result<(), Failure> {
    ids([&*message.room.0, &*message.message])
}

fn of_place(place: &Place) -> Result<(), Failure> {
    match place {
        Place::Room(room) => ids([&*room.0]),
        Place::Thread(message) => of_message(message),
        Place::Person(account) | Place::Page(account) | Place::Whisper { account, .. }
            if !outward::is_id(account) =>
        {
            Err(Failure::Refused {
                why: "this is no account of Discord".into(),
                remedy: Some(Remedy::NameAccount(account.clone())),
            })
        }
        Place::Person(_) | Place::Page(_) | Place::Whisper { .. } => Ok(()),
    }
}

/// Every call has its answer within this, however many requests it takes.
const TOTAL: Duration = Duration::from_millis(9_800);

fn within<'a, T>(work: impl Future<Output = Result<T, Failure>> + Send + 'a) -> Work<'a, T> {
    Box::pin(async move {
        timeout(TOTAL, work).await.unwrap_or_else(|_| Err(Failure::TryAgain("no answer in time".into())))
    })
}

impl Platform for Discord {
    fn channel(&self) -> Channel {
        self.0.channel()
    }

    fn send<'a>(&'a self, to: &'a Place, card: &'a Card, key: &'a str) -> Work<'a, MessageRef> {
        within(async move {
            of_place(to)?;
            outward::send(&self.0, to, card, key).await
        })
    }

    fn edit<'a>(&'a self, message: &'a MessageRef, card: &'a Card) -> Work<'a, ()> {
        within(async move {
            of_message(message)?;
            outward::edit(&self.0, message, card).await
        })
    }

    fn picture<'a>(&'a self, to: &'a Place, picture: &'a Picture, key: &'a str) -> Work<'a, MessageRef> {
        within(async move {
            of_place(to)?;
            outward::picture(&self.0, to, picture, key).await
        })
    }

    fn read<'a>(&'a self, message: &'a MessageRef) -> Work<'a, Words> {
        within(async move {
            of_message(message)?;
            outward::read(&self.0, message).await
        })
    }

    fn pin<'a>(&'a self, message: &'a MessageRef) -> Work<'a, ()> {
        within(async move {
            of_message(message)?;
            outward::pin(&self.0, message).await
        })
    }

    fn create_room<'a>(&'a self, plan: &'a RoomPlan) -> Work<'a, Room> {
        within(rooms::create(&self.0, plan))
    }

    fn set_topic<'a>(&'a self, room: &'a RoomId, topic: &'a str) -> Work<'a, ()> {
        within(async move {
            ids([&*room.0])?;
            rooms::set_topic(&self.0, room, topic).await
        })
    }

    fn invite<'a>(&'a self, room: &'a RoomId, accounts: &'a [String]) -> Work<'a, ()> {
        within(async move {
            ids([&*room.0])?;
            rooms::invite(&self.0, room, accounts).await
        })
    }

    fn archive<'a>(&'a self, room: &'a RoomId) -> Work<'a, ()> {
        within(async move {
            ids([&*room.0])?;
            rooms::archive(&self.0, room).await
        })
    }

    fn find_room<'a>(&'a self, name: &'a str) -> Work<'a, Room> {
        within(rooms::find(&self.0, name))
    }

    fn account<'a>(&'a self, id: &'a str) -> Work<'a, Account> {
        within(outward::account(&self.0, id))
    }

    fn examine<'a>(&'a self, rooms: &'a [String]) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>> {
        Box::pin(examine::examine(&self.0, rooms))
    }
}
