//! What is heard on chat platforms becomes commands and entries of a timeline, and what is answered goes back.
//! Knows no platform's protocol, decides nothing, and does nothing twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::{sync::watch, time::Instant};
use tracing::{info, warn};

use super::{
    courier::AccountBook,
    port::{self, Act, Ear, Heard, Link, MessageRef, Platform, Said, Strange, Suggestion},
    standing::{Standing, why},
};
use crate::{
    command::{self, Account, Caller, Desk, Known, Reply},
    domain::{
        config::Config,
        delivery::Channel,
        event::Actor,
        id::{ChannelName, PersonId},
        intent::{Intent, RoomIntent, Whom},
        permission::Strangers,
        person::Role,
        prose::Prose,
        room::{Author, Origin},
    },
    engine::{Engine, Rejected},
    metrics::{BadInput, CommandFate, Metrics},
    observe, text,
};

/// How long a platform may be away before somebody is told.
pub const AWAY: Duration = Duration::from_mins(1);
/// How long somebody waits for the engine to begin with what they want: then it is taken back, and they are told.
pub const BEGUN_WITHIN: Duration = Duration::from_secs(10);
/// What somebody wants and comes later than this is not done any more; a clock may be wrong by a few minutes.
const LATE: SignedDuration = SignedDuration::from_mins(5);
/// How long a completion may take.
const COMPLETION: Duration = Duration::from_millis(400);
/// So long what a platform says of an account counts, its verified mail address above all.
const TOLD_FOR: Duration = Duration::from_mins(5);
/// Of so many accounts it is kept.
const TOLD: usize = 4_096;
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
    /// For what people want: done soon, or not at all.
    desk: Desk,
    /// For what has happened, and for pages: those wait as long as it takes.
    engine: Engine,
    accounts: Arc<dyn AccountBook>,
    habits: Habits,
    metrics: Metrics,
    platforms: Mutex<BTreeMap<Channel, Arc<dyn Platform>>>,
    links: Mutex<BTreeMap<Channel, Standing>>,
    /// What platforms said of accounts, and when.
    told: Mutex<BTreeMap<(Channel, String), (Instant, port::Account)>>,
    /// Why the server is not ready, for `/readyz`.
    faults: watch::Sender<Vec<String>>,
}

/// Whose an account is, and by what.
struct Recognised {
    person: Option<PersonId>,
    known: Known,
    /// None: nobody has asked the platform, or it did not say.
    bot: Option<bool>,
    /// What the platform says of somebody who is nobody.
    told: Option<port::Account>,
}

impl Recognised {
    fn somebody(person: PersonId, known: Known, bot: Option<bool>) -> Self {
        Self { person: Some(person), known, bot, told: None }
    }
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
        let (platforms, links, told) = (Mutex::default(), Mutex::default(), Mutex::default());
        let engine = desk.engine.clone();
        let desk = Desk { engine: engine.within(BEGUN_WITHIN), ..desk };
        Self { desk, engine, accounts, habits, metrics, platforms, links, told, faults }
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
            if let Some(why) = why(&one.link, *channel) {
                one.told = true;
                away.push((*channel, why));
            }
        }
        away
    }

    fn faults_now(&self) -> Vec<String> {
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let late = links.iter().filter(|(_, one)| one.since.elapsed() >= AWAY);
        late.filter_map(|(channel, one)| why(&one.link, *channel)).collect()
    }

    /// False when the engine has stopped.
    async fn tell_admins(&self, channel: Channel, why: &str) -> bool {
        warn!(%channel, why, "nothing has been heard from this platform for a minute: the admins are paged");
        let reason = Prose::new(why, (self.desk.salt)());
        let admins = |config: &Config| -> Vec<PersonId> {
            let admins = config.people.values().filter(|person| person.role == Role::Admin);
            admins.map(|person| person.id.clone()).collect()
        };
        let Ok(admins) = self.engine.read(move |look| admins(look.config)).await else { return false };
        for person in admins {
            let page =
                Intent::Page { whom: Whom::Person(person), reason: reason.clone(), by: Actor::Watchbell };
            match self.engine.submit(observe::trace(), page).await {
                Ok(_) => {}
                Err(Rejected::Stopped) => return false,
                Err(rejected) => warn!(%channel, ?rejected, "an admin could not be paged"),
            }
        }
        true
    }

    /// The caller behind an account; without a person they may look, if strangers may.
    /// Who it is, and the channel that is meant: by its name where an open incident is told under that, else by its id.
    async fn caller(
        &self,
        engine: &Engine,
        heard: &Heard,
    ) -> Result<(Caller, Option<ChannelName>), Rejected> {
        let (channel, account) = (heard.channel, heard.account.as_str());
        let recognised = self.recognise(engine, account, channel).await?;
        let (person, id) = (recognised.person.clone(), account.to_owned());
        let room = heard.room.clone();
        let known = engine.read(move |look| {
            let caller = person.and_then(|person| Caller::person(&person, look.config).ok());
            let of = |name: &str| ChannelName::new(format!("{channel}:{name}"));
            let told = |here: &ChannelName| {
                let mut open = look.state.open_incidents.iter().filter_map(|id| look.state.incidents.get(id));
                open.any(|incident| incident.is_told_in(here))
            };
            let place = room
                .map(|room| Some(of(&room.name)).filter(told).unwrap_or_else(|| of(&room.id.to_string())));
            (caller, look.config.strangers.get(&channel).copied().unwrap_or_default(), place)
        });
        let (known, strangers, place) = known.await?;
        let spoken = Account {
            channel,
            id,
            known: if known.is_some() { recognised.known } else { Known::Nobody },
            bot: recognised.bot,
            name: recognised.told.as_ref().map(|told| told.name.clone()),
            has_mail: recognised.told.is_some_and(|told| told.mail.is_some()),
            may_look: strangers == Strangers::Look,
        };
        let mut caller = known.unwrap_or_else(|| stranger(account, channel));
        caller.origin = Some(Origin { channel, id: heard.id.clone() });
        caller.account = Some(spoken);
        Ok((caller, place))
    }

    /// Whose an account is: by the configuration, by a code, or by a mail address that the platform has verified.
    async fn recognise(
        &self,
        engine: &Engine,
        account: &str,
        channel: Channel,
    ) -> Result<Recognised, Rejected> {
        if let Some(person) = self.accounts.person(account, channel) {
            return Ok(Recognised::somebody(person, Known::Configuration, None));
        }
        let id = account.to_owned();
        let linked = engine.read(move |look| look.state.linked_person(look.config, channel, &id).cloned());
        if let Some(person) = linked.await? {
            return Ok(Recognised::somebody(person, Known::Link, Some(false)));
        }
        let told = self.told(account, channel).await;
        let mail = told.as_ref().filter(|told| !told.bot).and_then(|told| told.mail.as_ref());
        if let Some(person) = mail.and_then(|mail| self.accounts.person_by_mail(mail)) {
            return Ok(Recognised::somebody(person, Known::Mail, Some(false)));
        }
        let bot = told.as_ref().map(|told| told.bot);
        Ok(Recognised { person: None, known: Known::Nobody, bot, told })
    }

    async fn person(&self, account: &str, channel: Channel) -> Option<PersonId> {
        self.recognise(&self.engine, account, channel).await.ok()?.person
    }

    /// What the platform says of an account, now or a moment ago: not every button shall cost a call.
    async fn told(&self, account: &str, channel: Channel) -> Option<port::Account> {
        let key = (channel, account.to_owned());
        let known = self.told.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((_, told)) = known.filter(|(at, _)| at.elapsed() < TOLD_FOR) {
            return Some(told);
        }
        let told = self.platform(channel)?.account(account).await.ok()?;
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= TOLD {
            all.retain(|_, (at, _)| at.elapsed() < TOLD_FOR);
        }
        // Should so many be new, they are asked for again.
        if all.len() >= TOLD {
            all.clear();
        }
        all.insert(key, (Instant::now(), told.clone()));
        Some(told)
    }

    fn platform(&self, channel: Channel) -> Option<Arc<dyn Platform>> {
        self.platforms.lock().unwrap_or_else(PoisonError::into_inner).get(&channel).cloned()
    }

    async fn command(&self, heard: &Heard, text: &str, places: &BTreeMap<String, String>) -> Said {
        if let Some(said) = self.too_late(heard).await {
            return said;
        }
        let (caller, room) = match self.caller(&self.desk.engine, heard).await {
            Ok(known) => known,
            Err(rejected) => return self.not_taken(&rejected),
        };
        let stranger =
            caller.account.clone().filter(|account| account.known == Known::Nobody && account.may_look);
        let reply = match command::submit(&self.desk, caller, room, text, places, observe::trace()).await {
            Ok(reply) => reply,
            Err(rejected) => return self.not_taken(&rejected),
        };
        self.metrics.command(if reply.ok { CommandFate::Done } else { CommandFate::Refused });
        let Reply { ok, public, mut cards, form, .. } = reply;
        // What was sent by a form is not answered by another one: its card says what is missing.
        let form = form.filter(|_| !matches!(heard.act, Act::Submit { .. }));
        if let (Some(account), false, Some(card)) = (stranger, ok, cards.last_mut()) {
            card.text.push('\n');
            card.text.push_str(&text::chat::stranger(account.channel, &account.id));
        }
        Said { cards, to_all: ok && public, form: form.map(|form| *form), ..Said::default() }
    }

    /// The engine did not take it: nothing was done, and whoever wanted it is told.
    fn not_taken(&self, rejected: &Rejected) -> Said {
        self.metrics.command(CommandFate::Failed);
        let busy = matches!(rejected, Rejected::Busy { .. });
        Said { cards: vec![text::chat::not_taken(busy)], ..Said::default() }
    }

    /// What is answered to something that the platform kept for too long.
    async fn too_late(&self, heard: &Heard) -> Option<Said> {
        let at = heard.at?;
        // An engine that does not answer is found out by the command itself.
        let now: Timestamp = self.desk.engine.read(|look| look.now.civil).await.ok()?;
        let age = now.duration_since(at);
        if age <= LATE {
            return None;
        }
        warn!(channel = %heard.channel, ?age, "what somebody wanted came too late: it was not done");
        self.metrics.bad_input(BadInput::ChatLate);
        let card = text::chat::too_late(text::room::platform(heard.channel), age.as_mins());
        Some(Said { cards: vec![card], ..Said::default() })
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
        let Ok((caller, _)) = self.caller(&self.engine, heard).await else { return };
        if caller.account.as_ref().is_none_or(|account| account.known == Known::Nobody) {
            return;
        }
        // A bot is nobody, whatever the configuration says.
        let author = if words.account.bot {
            Author::Account(words.account.id)
        } else {
            self.author(&words.account.id, heard.channel).await
        };
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
        if let Err(rejected) = self.engine.submit(trace, Intent::From { origin, intent }).await
            && !matches!(rejected, Rejected::Refused(_))
        {
            warn!(%trace, channel = %heard.channel, ?rejected, "something in a room was not recorded");
        }
    }

    async fn take(&self, heard: Heard) -> Said {
        match &heard.act {
            Act::Command(text) => self.command(&heard, text, &BTreeMap::new()).await,
            Act::Press { command, .. } => self.command(&heard, command, &BTreeMap::new()).await,
            Act::Submit { command, values } => self.command(&heard, command, values).await,
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

/// Somebody who is nobody: named by their account, so that what they do is told from what others do.
fn stranger(account: &str, channel: Channel) -> Caller {
    let actor = Actor::Person(PersonId::new(format!("{channel}:{account}")));
    Caller { actor, zone: TimeZone::UTC, proven: false, origin: None, account: None, token: None }
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
            let named = self.accounts.person(account, channel);
            let registry = self.desk.commands.current();
            let (typed, account) = (text.to_owned(), account.to_owned());
            let asked = self.desk.engine.read(move |look| {
                let linked = || look.state.linked_person(look.config, channel, &account).cloned();
                let person = named.or_else(linked);
                let known = person.and_then(|person| Caller::person(&person, look.config).ok());
                let strangers = look.config.strangers.get(&channel).copied().unwrap_or_default();
                if known.is_none() && strangers == Strangers::Nothing {
                    return Vec::new();
                }
                let caller = known.unwrap_or_else(|| stranger(&account, channel));
                command::complete(&registry, look, &caller, &typed, cursor)
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

    fn strange(&self, channel: Channel, what: Strange) {
        warn!(%channel, ?what, "something from the platform was refused");
        self.metrics.bad_input(match what {
            Strange::Unreadable => BadInput::ChatPayload,
            Strange::TooLong => BadInput::TooLarge,
            Strange::Foreign => BadInput::ChatForeign,
            Strange::Forgotten => BadInput::ChatForgotten,
            Strange::Incomplete => BadInput::ChatForm,
        });
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
        self.engine.ways().heard(channel, why(&link, channel));
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
