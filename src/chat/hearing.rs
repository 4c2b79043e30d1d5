//! What is heard on chat platforms becomes commands and entries of a timeline, and what is answered goes back.
//! Knows no platform's protocol, decides nothing, and does nothing twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::{sync::watch, time::Instant};
use tracing::{info, warn};

use super::{
    courier::AccountBook,
    port::{Act, Ear, Heard, Link, MessageRef, Platform, Said, Suggestion},
};
use crate::{
    command::{self, Caller, Desk, Reply},
    domain::{
        config::Config,
        delivery::Channel,
        event::Actor,
        id::{ChannelName, PersonId},
        intent::{Intent, RoomIntent, Whom},
        person::Role,
        prose::Prose,
        room::{Author, Origin},
    },
    engine::Rejected,
    metrics::{CommandFate, Metrics},
    observe, text,
};

/// How long a platform may be away before somebody is told.
pub const AWAY: Duration = Duration::from_mins(1);
/// How long a completion may take.
const COMPLETION: Duration = Duration::from_millis(400);
/// How many suggestions every platform takes.
const SUGGESTIONS: usize = 25;

/// How platforms are listened to.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Reactions that put a message onto the timeline, by name or as the character.
    pub capture: BTreeSet<String>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            capture: ["pushpin", "round_pushpin", "memo", "📌", "📍", "📝"].map(str::to_owned).into()
        }
    }
}

/// Hears all platforms.
pub struct Hearing {
    desk: Desk,
    accounts: Arc<dyn AccountBook>,
    habits: Habits,
    metrics: Metrics,
    platforms: Mutex<BTreeMap<Channel, Arc<dyn Platform>>>,
    links: Mutex<BTreeMap<Channel, Standing>>,
    /// Why the server is not ready, for `/readyz`.
    faults: watch::Sender<Vec<String>>,
}

/// How a platform's connection stands.
struct Standing {
    link: Link,
    since: Instant,
    told: bool,
}

impl Hearing {
    /// Hears with this desk; `faults` is told when a platform has been away for a minute.
    #[must_use]
    pub fn new(
        desk: Desk,
        accounts: Arc<dyn AccountBook>,
        habits: Habits,
        metrics: Metrics,
        faults: watch::Sender<Vec<String>>,
    ) -> Self {
        let (platforms, links) = (Mutex::default(), Mutex::default());
        Self { desk, accounts, habits, metrics, platforms, links, faults }
    }

    /// A platform that messages are read from. It counts as away until it says that it is there.
    pub fn know(&self, platform: Arc<dyn Platform>) {
        let channel = platform.channel();
        self.platforms.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, platform);
        self.link(channel, Link::Down(text::chat::not_yet().to_owned()));
    }

    /// Tells people when a platform has been away for too long, and takes it back when it is there again. Runs
    /// until the engine has stopped.
    pub async fn watch(self: Arc<Self>, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            let away = self.away();
            for (channel, why) in &away {
                if !self.tell_admins(*channel, why).await {
                    return;
                }
            }
            let faults = self.faults_now();
            self.faults.send_if_modified(|known| {
                let changed = *known != faults;
                known.clone_from(&faults);
                changed
            });
        }
    }

    /// Platforms that have been away for a minute and of which nobody has been told.
    fn away(&self) -> Vec<(Channel, String)> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let late = links.iter_mut().filter(|(_, one)| !one.told && one.since.elapsed() >= AWAY);
        let mut away = Vec::new();
        for (channel, one) in late {
            if let Some(why) = one.why(*channel) {
                one.told = true;
                away.push((*channel, why));
            }
        }
        away
    }

    fn faults_now(&self) -> Vec<String> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let late = links.iter().filter(|(_, one)| one.since.elapsed() >= AWAY);
        late.filter_map(|(channel, one)| one.why(*channel)).collect()
    }

    /// False when the engine has stopped.
    async fn tell_admins(&self, channel: Channel, why: &str) -> bool {
        warn!(%channel, why, "nothing has been heard from this platform for a minute: the admins are paged");
        let reason = Prose::new(why, (self.desk.salt)());
        let admins = |config: &Config| -> Vec<PersonId> {
            let admins = config.people.values().filter(|person| person.role == Role::Admin);
            admins.map(|person| person.id.clone()).collect()
        };
        let Ok(admins) = self.desk.engine.read(move |look| admins(look.config)).await else { return false };
        for person in admins {
            let page =
                Intent::Page { whom: Whom::Person(person), reason: reason.clone(), by: Actor::Watchbell };
            match self.desk.engine.submit(observe::trace(), page).await {
                Ok(_) => {}
                Err(Rejected::Stopped) => return false,
                Err(rejected) => warn!(%channel, ?rejected, "an admin could not be paged"),
            }
        }
        true
    }

    /// The caller behind an account; without a person they may look, and are told why no more.
    async fn caller(&self, heard: &Heard) -> (Caller, bool) {
        let person = self.person(&heard.account, heard.channel).await;
        let stranger = person.is_none();
        let named = person.unwrap_or_else(|| PersonId::new(format!("{}:{}", heard.channel, heard.account)));
        let id = named.clone();
        let known = self.desk.engine.read(move |look| Caller::person(&id, look.config).ok()).await;
        let caller = known.ok().flatten();
        let nobody =
            || Caller { actor: Actor::Person(named), zone: TimeZone::UTC, proven: false, origin: None };
        let mut caller = caller.unwrap_or_else(nobody);
        caller.origin = Some(Origin { channel: heard.channel, id: heard.id.clone() });
        (caller, stranger)
    }

    /// By the configuration, or by a mail address that the platform has verified.
    async fn person(&self, account: &str, channel: Channel) -> Option<PersonId> {
        if let Some(person) = self.accounts.person(account, channel) {
            return Some(person);
        }
        let platform = self.platform(channel)?;
        let known = platform.account(account).await.ok()?;
        let person = self.accounts.person_by_mail(&known.mail?)?;
        info!(%channel, %person, "an account is known by its verified mail address");
        Some(person)
    }

    fn platform(&self, channel: Channel) -> Option<Arc<dyn Platform>> {
        self.platforms.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).cloned()
    }

    async fn command(&self, heard: &Heard, text: &str) -> Said {
        let (caller, stranger) = self.caller(heard).await;
        let room = heard.room.as_ref().map(|room| ChannelName::new(format!("{}:{}", heard.channel, room.id)));
        let reply = match command::run(&self.desk, caller, room, text, observe::trace()).await {
            Ok(reply) => reply,
            Err(rejected) => {
                self.metrics.command(CommandFate::Failed);
                let busy = matches!(rejected, Rejected::Busy { .. });
                return Said { cards: vec![text::chat::not_taken(busy)], ..Said::default() };
            }
        };
        self.metrics.command(if reply.ok { CommandFate::Done } else { CommandFate::Refused });
        let Reply { ok, public, mut cards, .. } = reply;
        if let (true, false, Some(card)) = (stranger, ok, cards.last_mut()) {
            card.text.push('\n');
            card.text.push_str(&text::chat::stranger(text::room::platform(heard.channel), &heard.account));
        }
        Said { cards, to_all: ok && public, ..Said::default() }
    }

    /// Puts a message onto the timeline of the room's incident. Silent: a reaction is not a question.
    async fn capture(&self, heard: &Heard, message: &MessageRef) {
        let Some(platform) = self.platform(heard.channel) else { return };
        let words = match platform.read(message).await {
            Ok(words) => words,
            Err(failure) => {
                return warn!(channel = %heard.channel, ?failure, "a message could not be read for the timeline");
            }
        };
        let (caller, stranger) = self.caller(heard).await;
        if stranger {
            return;
        }
        let author = self.author(&words.account.id, heard.channel).await;
        let what = RoomIntent::Capture {
            room: message.room.0.clone(),
            message: message.to_string(),
            author,
            text: Prose::new(&words.text, (self.desk.salt)()),
            written_at: words.at,
            url: words.url,
            by: caller.actor,
        };
        self.in_room(heard, what).await;
    }

    async fn author(&self, account: &str, channel: Channel) -> Author {
        match self.person(account, channel).await {
            Some(person) => Author::Person(person),
            None => Author::Account(account.to_owned()),
        }
    }

    async fn in_room(&self, heard: &Heard, what: RoomIntent) {
        let origin = Origin { channel: heard.channel, id: heard.id.clone() };
        let intent = Box::new(Intent::Room { channel: heard.channel, what });
        let trace = observe::trace();
        if let Err(rejected) = self.desk.engine.submit(trace, Intent::From { origin, intent }).await
            && !matches!(rejected, Rejected::Refused(_))
        {
            warn!(%trace, channel = %heard.channel, ?rejected, "something in a room was not recorded");
        }
    }

    async fn take(&self, heard: Heard) -> Said {
        match &heard.act {
            Act::Command(text) => self.command(&heard, text).await,
            Act::Press { command, .. } => self.command(&heard, command).await,
            Act::Submit { command, values } => self.command(&heard, &filled(command, values)).await,
            Act::React { name, added: true, message } if self.habits.capture.contains(name) => {
                self.capture(&heard, message).await;
                Said::default()
            }
            Act::Pin { message, pinned: true } => {
                self.capture(&heard, message).await;
                Said::default()
            }
            Act::Edit { message, text } => {
                let text = Some(Prose::new(text, (self.desk.salt)()));
                self.in_room(&heard, RoomIntent::Changed { message: message.to_string(), text }).await;
                Said::default()
            }
            Act::Delete(message) => {
                self.in_room(&heard, RoomIntent::Changed { message: message.to_string(), text: None }).await;
                Said::default()
            }
            Act::Join => {
                if let Some(room) = &heard.room {
                    let who = self.author(&heard.account, heard.channel).await;
                    self.in_room(&heard, RoomIntent::Joined { room: room.id.0.clone(), who }).await;
                }
                Said::default()
            }
            Act::Uninstall => {
                self.link(heard.channel, Link::Broken(text::chat::Remedy::Install, String::new()));
                Said::default()
            }
            Act::React { .. } | Act::Pin { .. } => Said::default(),
        }
    }
}

impl Standing {
    /// Why it is away; none: it is there.
    fn why(&self, channel: Channel) -> Option<String> {
        let platform = text::room::platform(channel);
        match &self.link {
            Link::Up => None,
            Link::Down(why) => Some(text::chat::down(platform, why)),
            Link::Broken(remedy, why) => Some(text::chat::broken(platform, remedy, why)),
        }
    }
}

/// A form's command with its values: each is one argument, whatever it contains.
fn filled(command: &str, values: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        text.push_str(values.get(name).map(|value| value.trim()).unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text.trim_end().to_owned()
}

impl Ear for Hearing {
    fn hear(&self, heard: Heard) -> Pin<Box<dyn Future<Output = Said> + Send + '_>> {
        Box::pin(self.take(heard))
    }

    fn complete<'a>(
        &'a self,
        channel: Channel,
        account: &'a str,
        text: &'a str,
        cursor: usize,
    ) -> Pin<Box<dyn Future<Output = Vec<Suggestion>> + Send + 'a>> {
        Box::pin(async move {
            let person = self.accounts.person(account, channel);
            let person = person.unwrap_or_else(|| PersonId::new(format!("{channel}:{account}")));
            let registry = self.desk.commands.current();
            let typed = text.to_owned();
            let asked = self.desk.engine.read(move |look| {
                let known = Caller::person(&person, look.config).ok();
                let nobody = || Caller {
                    actor: Actor::Person(person),
                    zone: TimeZone::UTC,
                    proven: false,
                    origin: None,
                };
                command::complete(&registry, look, &known.unwrap_or_else(nobody), &typed, cursor)
            });
            let found = tokio::time::timeout(COMPLETION, asked).await.ok().and_then(Result::ok);
            let whole = |one: command::Completion| {
                let before = text.get(..one.start)?;
                let shown = if one.about.is_empty() {
                    one.text.clone()
                } else {
                    format!("{} · {}", one.text, one.about)
                };
                Some(Suggestion { text: format!("{before}{}", one.text), shown })
            };
            found.unwrap_or_default().into_iter().filter_map(whole).take(SUGGESTIONS).collect()
        })
    }

    fn link(&self, channel: Channel, link: Link) {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let was_up = links.get(&channel).map(|one| one.link == Link::Up);
        let is_up = link == Link::Up;
        match (&link, was_up) {
            (Link::Up, _) => info!(%channel, "the platform is connected"),
            (Link::Down(why), _) => warn!(%channel, why, "the platform is not connected; it is tried again"),
            (Link::Broken(remedy, why), _) => {
                let remedy = text::chat::remedy(remedy, text::room::platform(channel));
                warn!(%channel, why, remedy, "the platform will not connect until somebody mends this");
            }
        }
        self.metrics.connected(channel, is_up);
        match links.get_mut(&channel) {
            // Away is away: the minute counts from the first word of it.
            Some(one) if was_up == Some(false) && !is_up => one.link = link,
            _ => drop(links.insert(channel, Standing { link, since: Instant::now(), told: false })),
        }
    }
}

#[cfg(test)]
#[path = "hearing_tests.rs"]
mod tests;
