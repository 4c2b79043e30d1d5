//! Where events go: interactions and commands each to a task of their own, what people do in order to the ear. Never
//! waits, because the connection's heartbeat waits for it; what it cannot take it refuses.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    Hub,
    commands::{Spec, plan, same},
    gateway::{self, Dispatch},
    hearing::{self, Ground},
    interact,
    memory::{Kept, Seen},
    refusal::About,
    rest::Call,
    wire,
};
use crate::chat::port::{Ear, Failure, Heard, Link, MessageRef, Said, Strange};

/// Things that people did and that wait for the ear.
const WAITING: usize = 4_096;
/// Interactions and commands that are answered at the same time.
pub(super) const AT_ONCE: u32 = 512;
/// What one of them may hold up the next.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pins that are remembered, and how long.
const PINS: (usize, Duration) = (1_000, Duration::from_hours(24 * 30));

/// Everything that listens.
pub(super) struct Listening {
    pub(super) hub: Arc<Hub>,
    pub(super) ear: Arc<dyn Ear>,
    pub(super) specs: Vec<Spec>,
    /// One for each interaction that is being answered.
    pub(super) permits: Arc<Semaphore>,
    told: Mutex<Option<Told>>,
    seen: Mutex<Seen>,
    pinned: Mutex<Kept<MessageRef, ()>>,
    acts: mpsc::Sender<Heard>,
}

/// What the ear knows of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Up,
    Down { missed: bool },
    Broken(Link),
}

/// A connection that is listened to. Dropped, it ends at once; [`Running::stop`] ends it politely.
pub struct Running {
    listening: Arc<Listening>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn start(hub: Arc<Hub>, specs: Vec<Spec>, ear: Arc<dyn Ear>) -> Self {
        let (acts, waiting) = mpsc::channel(WAITING);
        let listening = Arc::new(Listening {
            hub,
            ear,
            specs,
            permits: Arc::new(Semaphore::new(AT_ONCE as usize)),
            told: Mutex::default(),
            seen: Mutex::default(),
            pinned: Mutex::new(Kept::new(PINS.0, PINS.1)),
            acts,
        });
        let (stop, stopped) = watch::channel(false);
        let connection = tokio::spawn(gateway::run(Arc::clone(&listening), stopped));
        let timeline = tokio::spawn(hear_in_order(Arc::clone(&listening), waiting));
        Self { listening, stop, tasks: vec![connection, timeline] }
    }

    /// Closes the connection, and gives answers that are under way `grace` to be completed.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(true);
        if let Some(connection) = self.tasks.first_mut() {
            drop(timeout(grace, connection).await);
        }
        drop(timeout(grace, self.listening.permits.acquire_many(AT_ONCE)).await);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Listening {
    /// Tells the ear of the connection, once per change. `missed`: something may have happened unheard, which is
    /// told even when it was down already.
    pub(super) fn tell(&self, link: Link, missed: bool) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = match &link {
            Link::Up => Told::Up,
            Link::Down(_) => Told::Down { missed },
            Link::Broken(..) => Told::Broken(link.clone()),
        };
        let known = match (&*told, &news) {
            (Some(Told::Down { .. } | Told::Broken(_)), Told::Down { missed: false }) => true,
            (before, news) => before.as_ref() == Some(news),
        };
        if known {
            return;
        }
        *told = Some(news);
        match &link {
            Link::Up => tracing::info!("Discord is heard"),
            Link::Down(why) => tracing::warn!(why, "Discord is not heard"),
            Link::Broken(_, why) => {
                tracing::error!(why, "Discord will not be heard until somebody mends this");
            }
        }
        if catch_unwind(AssertUnwindSafe(|| self.ear.link(self.hub.channel(), link))).is_err() {
            tracing::error!("whoever listens to Discord panicked when told of the connection");
        }
    }

    /// Tells the ear of something that was refused.
    pub(super) fn strange(&self, what: Strange) {
        let channel = self.hub.channel();
        if catch_unwind(AssertUnwindSafe(|| self.ear.strange(channel, what))).is_err() {
            tracing::error!("whoever listens to Discord panicked when told of something strange");
        }
    }

    /// Whether this id comes for the first time.
    pub(super) fn first(&self, id: &str) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).first(id)
    }

    /// Takes an event; false: there is no place for it now, and nothing was done with it.
    pub(super) fn take(self: &Arc<Self>, event: Dispatch) -> bool {
        let guild = wire::text(&event.data, "guild_id");
        match &*event.name {
            "READY" => self.ready(&event.data),
            "GUILD_CREATE" => {
                let guild = wire::text(&event.data, "id");
                let mut rooms = self.hub.rooms();
                for key in ["channels", "threads"] {
                    for channel in wire::list(&event.data, key) {
                        rooms.learn(channel, &guild);
                    }
                }
            }
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
                self.hub.rooms().learn(&event.data, &guild);
            }
            "CHANNEL_DELETE" | "THREAD_DELETE" => self.hub.rooms().forget(&wire::text(&event.data, "id")),
            "INTERACTION_CREATE" => {
                if self.first(&wire::text(&event.data, "id")) {
                    let listening = Arc::clone(self);
                    tokio::spawn(interact::interaction(listening, event.data, event.replayed));
                }
            }
            _ => return self.act(&event),
        }
        true
    }

    fn act(self: &Arc<Self>, event: &Dispatch) -> bool {
        let me = self.hub.me().map(|me| me.user).unwrap_or_default();
        let guild = self.hub.options.guild.map(|guild| guild.to_string());
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let rooms = self.hub.rooms();
        let mut ground = Ground { me: &me, guild: guild.as_deref(), rooms: &rooms, pinned: &mut pinned };
        if event.name == "MESSAGE_CREATE"
            && let Some(heard) = hearing::command(&event.data, &ground)
        {
            if self.first(&heard.id) {
                tokio::spawn(interact::written(Arc::clone(self), heard));
            }
            return true;
        }
        // The gateway is the only one that puts something in, so what is free now stays free.
        if self.acts.capacity() < 128 {
            return false;
        }
        for heard in hearing::acts(&event.name, &event.data, &event.id, &mut ground) {
            if self.first(&heard.id) && self.acts.try_send(heard).is_err() {
                tracing::error!("an event of Discord had no place");
            }
        }
        true
    }

    fn ready(self: &Arc<Self>, data: &Value) {
        let id = |key: &str| data.get(key).map(|object| wire::text(object, "id")).unwrap_or_default();
        self.hub.remember_me(id("user"), id("application"));
        tokio::spawn(register(Arc::clone(self)));
    }

    /// What the ear answers; a panic is a sentence.
    pub(super) fn ask(self: &Arc<Self>, heard: Heard) -> JoinHandle<Said> {
        let ear = Arc::clone(&self.ear);
        tokio::spawn(async move { ear.hear(heard).await })
    }
}

/// Hands what people did to the ear, one after the other; one that hangs holds up the next for a moment only.
async fn hear_in_order(listening: Arc<Listening>, mut waiting: mpsc::Receiver<Heard>) {
    while let Some(heard) = waiting.recv().await {
        let mut answer = listening.ask(heard.clone());
        match timeout(PATIENCE, &mut answer).await {
            Ok(Ok(said)) if said.cards.is_empty() => {}
            Ok(Ok(said)) => drop(tokio::spawn(interact::reply(Arc::clone(&listening), heard, said))),
            Ok(Err(_)) => tracing::error!(id = heard.id, "whoever listens to Discord panicked"),
            // It goes on by itself; the next one need not wait.
            Err(_) => tracing::warn!(id = heard.id, "whoever listens to Discord takes long"),
        }
    }
}

/// Registers the commands if what is registered says something else. Tries until it is done or refused.
async fn register(listening: Arc<Listening>) {
    let hub = &listening.hub;
    let Some(me) = hub.me() else { return };
    let place = match hub.options.guild {
        Some(guild) => format!("/applications/{}/guilds/{guild}/commands", me.app),
        None => format!("/applications/{}/commands", me.app),
    };
    let wanted = plan(&listening.specs);
    if wanted.len() < listening.specs.len() {
        let left = listening.specs.len() - wanted.len();
        tracing::warn!(left, "Discord has no place for some commands: write them after the bot's name");
    }
    let mut pause = hub.options.timing.backoff;
    for _ in 0..20 {
        let why = match agree(hub, &place, &wanted).await {
            Ok(changed) => {
                tracing::info!(commands = wanted.len(), changed, "Discord knows the commands");
                return;
            }
            Err(Failure::Wait(asked)) => {
                pause = pause.max(asked);
                "Discord asks for a pause".to_owned()
            }
            Err(Failure::TryAgain(why)) => why,
            Err(Failure::Gone(why) | Failure::Refused { why, .. }) => {
                tracing::error!(why, "Discord does not take the commands");
                return;
            }
        };
        tracing::warn!(why, "the commands are not registered yet");
        sleep(pause).await;
        pause = (pause * 2).min(hub.options.timing.backoff_most);
    }
}

async fn agree(hub: &Hub, place: &str, wanted: &[Value]) -> Result<bool, Failure> {
    let registered = hub.rest.call(Call::get(place).about(About::default())).await?;
    let registered =
        registered.as_array().ok_or_else(|| Failure::TryAgain("the answer is no list".into()))?;
    if same(wanted, registered) {
        return Ok(false);
    }
    hub.rest.call(Call::put(place, Some(wanted.into()))).await?;
    Ok(true)
}
