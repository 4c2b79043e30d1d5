//! Commands: what somebody writes in chat, in the terminal or over the API becomes an intent or a look, and the
//! answer becomes cards. Never decides what the domain decides, and never renders for a platform.
//!
//! A text goes through `words` (cut), `registry` (which command), `parse` with `read` (typed values), `permission`
//! (may they), then the command's own file runs. `spec` describes a command once for all of them, for `help`, for
//! "did you mean" and for `complete`. A new built-in command is one file and one line in `builtin`.

mod ack;
mod alert;
mod announce;
mod builtin;
mod call;
pub mod care;
pub mod complete;
mod deployment;
mod explained;
mod first;
mod form;
mod help;
mod house;
mod incident;
mod journal;
mod maintenance;
mod me;
mod meant;
mod nearest;
mod oncall;
mod page;
pub mod parse;
pub mod read;
pub mod registry;
mod runbook;
mod silence;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod time;
mod version;
pub mod words;

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub use builtin::Builtin;
pub use call::{Answer, Call, Undone, VIEWS_PATIENCE};
pub use care::{Care, Caretaker, Found, NotReloaded, Reloaded};
pub use complete::{Completion, complete};
pub use explained::{Explained, Unexplained, explain, instant as meant, integration, simulate};
pub use help::{help, wrong};
pub use house::status::troubles;
use parse::Places;
pub use parse::{Wrong, parse, parse as understand};
pub use read::{Ground, Value};
pub use registry::{Commands, Execute, Registry};
pub use spec::{Argument, CommandSpec, Flag, Kind, Name};

use crate::{
    domain::{
        config::Config,
        delivery::Channel,
        event::{Actor, TraceId},
        id::{ChannelName, PersonId},
        intent::{Intent, Refusal},
        permission,
        person::Role,
        room::Origin,
        upkeep::UpkeepIntent,
    },
    engine::{Engine, Rejected, upkeep::Upkeep},
    text::{
        self,
        card::{Card, Form},
        scene::Scene,
    },
    views::Views,
};

/// What commands work with.
#[derive(Clone)]
pub struct Desk {
    /// The engine.
    pub engine: Engine,
    /// Timelines and what ended.
    pub views: Views,
    /// The commands in force.
    pub commands: Commands,
    /// 16 random bytes for the digest of what people wrote.
    pub salt: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
    /// The release of Watchbell, as `/watchbell version` says it.
    pub release: String,
    /// Who looks after the house: reads its configuration anew, looks whether all is well.
    pub care: Care,
    /// Looks after the journal; none: there is none on disk.
    pub upkeep: Option<Upkeep>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The zone in which they read and write times.
    pub zone: TimeZone,
    /// Whether they have shown who they are, by a token or an account of their own: whoever has not approves nothing.
    pub proven: bool,
    /// What they did on a chat platform, so that it is done once however often the platform tells it.
    pub origin: Option<Origin>,
    /// The account by which they speak, on a chat platform.
    pub account: Option<Account>,
    /// The token that they showed.
    pub token: Option<Shown>,
}

/// What is known of a token that somebody showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What the audit calls it.
    pub name: Option<String>,
    /// It may no more than this, whatever its person may.
    pub most: Option<Role>,
}

/// The account by which somebody speaks on a chat platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Which platform.
    pub channel: Channel,
    /// The platform's id of it.
    pub id: String,
    /// By what it is somebody's.
    pub known: Known,
    /// Whether it is a bot's; none: the platform did not say.
    pub bot: Option<bool>,
    /// What the platform calls somebody who is nobody; none: it did not say.
    pub name: Option<String>,
    /// Whether the platform has confirmed a mail address of theirs.
    pub has_mail: bool,
    /// Whether it may look, should it be nobody's.
    pub may_look: bool,
}

/// By what an account is known as a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The configuration names it.
    Configuration,
    /// It was tied by a code.
    Link,
    /// Its verified mail address is the person's.
    Mail,
    /// It is nobody's.
    Nobody,
}

impl Caller {
    /// A person of the configuration, in their own zone.
    ///
    /// # Errors
    /// [`Refusal::UnknownName`] when nobody is called that.
    pub fn person(id: &PersonId, config: &Config) -> Result<Self, Refusal> {
        let Some(person) = config.people.get(id) else {
            let names = config.people.keys().map(PersonId::as_str);
            let nearest = nearest::nearest(id.as_str(), names).map(str::to_owned);
            return Err(Refusal::UnknownName { what: "person", name: id.to_string(), nearest });
        };
        Ok(Self {
            actor: Actor::Person(person.id.clone()),
            zone: person.zone.clone(),
            proven: true,
            origin: None,
            account: None,
            token: None,
        })
    }

    /// The local operator of a server without tokens.
    #[must_use]
    pub fn operator(zone: TimeZone) -> Self {
        Self { actor: Actor::Operator, zone, proven: false, origin: None, account: None, token: None }
    }

    /// What they may do.
    #[must_use]
    pub fn role(&self, config: &Config) -> Role {
        let held = permission::role_of(&self.actor, config);
        self.most().map_or(held, |most| most.min(held))
    }

    /// What the token allows at most, if that is less than everything.
    #[must_use]
    pub fn most(&self) -> Option<Role> {
        self.token.as_ref().and_then(|token| token.most)
    }

    /// What they want, with what it is done once by and whose token they showed.
    fn answers_for(&self, intent: Intent) -> Intent {
        let intent = match self.origin.clone() {
            Some(origin) => Intent::From { origin, intent: Box::new(intent) },
            None => intent,
        };
        match self.token.as_ref().and_then(|token| token.name.clone()) {
            Some(token) => Intent::ByToken { token, by: self.actor.clone(), intent: Box::new(intent) },
            None => intent,
        }
    }

    /// Whether they may do what needs this role.
    ///
    /// # Errors
    /// A card that says why not, and what to do.
    pub fn may(&self, command: &str, needed: Role, config: &Config) -> Result<(), Box<Card>> {
        permission::check(&self.actor, needed, config)
            .map_err(|no| Box::new(text::refusal::not_allowed(command, &no)))?;
        match self.most().filter(|most| *most < needed) {
            None => Ok(()),
            Some(most) => Err(Box::new(text::refusal::token_may_not(command, needed, most))),
        }
    }
}

impl Account {
    /// Whom it means, should it be nobody's.
    #[must_use]
    pub fn as_stranger(&self) -> text::me::Stranger<'_> {
        let Self { channel, id, name, has_mail, bot, .. } = self;
        let (name, is_bot) = (name.as_deref(), *bot == Some(true));
        text::me::Stranger { channel: *channel, account: id, name, has_mail: *has_mail, is_bot }
    }

    /// Whether it may do more than say who it is, or the text does no more than that.
    fn may_do(&self, registry: &Registry, text: &str) -> bool {
        self.known != Known::Nobody
            || self.may_look
            || parse::entry(registry, text).is_some_and(|entry| entry.spec.anybody)
    }
}

/// What the bot answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done; if not, nothing was changed.
    pub ok: bool,
    /// Whether everybody in the room where it was asked may see it; a look is for whoever looks.
    #[serde(skip)]
    pub public: bool,
    /// The cards as plain text.
    pub text: String,
    /// The cards.
    pub cards: Vec<Card>,
    /// It was not done, because something has to be filled in first: this form asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Box<Form>>,
    /// Something that the command needs was not said.
    #[serde(skip)]
    pub lacks: bool,
}

impl Reply {
    /// It was done.
    #[must_use]
    pub fn done(card: Card) -> Self {
        Self::with(true, vec![card])
    }
    /// It was not done, and nothing has changed.
    #[must_use]
    pub fn refused(card: Card) -> Self {
        Self::with(false, vec![card])
    }
    /// Several cards; whatever somebody put into a title or a label is made harmless here.
    #[must_use]
    pub fn with(ok: bool, cards: Vec<Card>) -> Self {
        let cards: Vec<Card> = cards.into_iter().map(Card::harmless).collect();
        Self { ok, public: false, text: text::lines::cards(&cards), cards, form: None, lacks: false }
    }
}

/// Runs what somebody wrote, and answers in words for whoever wrote it.
///
/// # Errors
/// [`Rejected::Busy`] or [`Rejected::Stopped`], when the engine did not take it: that is no answer to a command.
pub async fn run(
    desk: &Desk,
    caller: Caller,
    channel: Option<ChannelName>,
    text: &str,
    trace: TraceId,
) -> Result<Reply, Rejected> {
    submit(desk, caller, channel, text, &Places::new(), trace).await
}

/// Runs the command of a form that was filled in: each place is one argument, whatever was written there.
///
/// # Errors
/// As [`run`].
pub async fn submit(
    desk: &Desk,
    caller: Caller,
    channel: Option<ChannelName>,
    text: &str,
    places: &Places,
    trace: TraceId,
) -> Result<Reply, Rejected> {
    let (config, now) = desk.engine.read(|look| (Arc::clone(look.config), look.now.civil)).await?;
    let registry = desk.commands.current();
    if let Some(account) = caller.account.as_ref().filter(|account| !account.may_do(&registry, text)) {
        return Ok(Reply::refused(text::me::stranger(&account.as_stranger(), false)));
    }
    let parsed = match parse::parse_form(&registry, ground(&config, &caller, now), text, places) {
        Ok(parsed) => parsed,
        Err(Wrong::Empty) => return welcome(desk, &caller).await,
        Err(Wrong::Usage { spec, .. } | Wrong::Asked { spec, .. })
            if let Err(no) = caller.may(&spec.name(), spec.role, &config) =>
        {
            return refuse(desk, &caller, &spec, *no, trace).await;
        }
        Err(wrong) => {
            let reply = help::wrong(&registry, &wrong, caller.role(&config));
            return match wrong {
                Wrong::Usage { spec, tail, .. } | Wrong::Asked { spec, tail } => {
                    ask(desk, caller, spec, tail, reply).await
                }
                _ => Ok(reply),
            };
        }
    };
    if let Err(no) = caller.may(&parsed.spec.name(), parsed.spec.role, &config) {
        return refuse(desk, &caller, &parsed.spec, *no, trace).await;
    }
    let Some(entry) = registry.entry(&parsed.spec).cloned() else {
        // The parser only finds what is registered.
        return Ok(Reply::refused(text::usage::unknown(&parsed.spec.name(), &[])));
    };
    // A platform shows the command itself beside what everybody may see.
    let public = entry.spec.role > Role::Viewer && !entry.spec.is_confidential();
    let (who, spec, tail) = (caller.clone(), Arc::clone(&parsed.spec), Box::<str>::from(&*parsed.tail));
    let call = Call { desk, registry, config, caller, channel, trace, now, parsed };
    let answer = match entry.runner {
        registry::Runner::Builtin(builtin) => builtin.run(&call).await,
        registry::Runner::Pack(pack) => pack.execute(&call).await,
    };
    match answer {
        Ok(reply) => Ok(Reply { public, ..reply }),
        Err(Undone::Refused(reply)) => ask(desk, who, spec, tail, reply).await,
        Err(Undone::NotTaken(rejected)) => Err(rejected),
    }
}

/// They may not.
async fn refuse(
    desk: &Desk,
    caller: &Caller,
    spec: &CommandSpec,
    no: Card,
    trace: TraceId,
) -> Result<Reply, Rejected> {
    if spec.role == Role::Admin {
        note_refusal(&desk.engine, caller, spec.name(), trace).await?;
    }
    Ok(Reply::refused(no))
}

/// Notes that somebody wanted what only admins may, for `/audit`. Whoever was refused hears it when that is kept.
///
/// # Errors
/// When the engine is busy or has stopped.
pub async fn note_refusal(
    engine: &Engine,
    caller: &Caller,
    what: String,
    trace: TraceId,
) -> Result<(), Rejected> {
    let refused = Intent::Upkeep(UpkeepIntent::Refused { what, by: caller.actor.clone() });
    match engine.submit(trace, caller.answers_for(refused)).await {
        // The platform has told it twice.
        Ok(_) | Err(Rejected::Refused(_)) => Ok(()),
        Err(rejected) => Err(rejected),
    }
}

/// A reply that lacks something gets the form that asks for it, and a button that opens the form.
async fn ask(
    desk: &Desk,
    caller: Caller,
    spec: Arc<CommandSpec>,
    tail: Box<str>,
    mut reply: Reply,
) -> Result<Reply, Rejected> {
    if !reply.lacks {
        return Ok(reply);
    }
    let asked = desk.engine.read(move |look| form::form(&spec, &tail, look, &caller)).await?;
    if let (Some(asked), Some(mut card)) = (asked, reply.cards.pop()) {
        card.buttons.push(text::usage::fill_in(&asked.again));
        reply.cards.push(card);
        reply = Reply { form: Some(Box::new(asked.form)), ..Reply::with(false, reply.cards) };
    }
    Ok(reply)
}

/// Whether a text calls a command that is told something in secret.
#[must_use]
pub fn is_secret(registry: &Registry, text: &str) -> bool {
    parse::entry(registry, text).is_some_and(|entry| entry.spec.is_confidential())
}

/// What is said to somebody who only called the bot.
async fn welcome(desk: &Desk, caller: &Caller) -> Result<Reply, Rejected> {
    let zone = caller.zone.clone();
    let me = caller.actor.clone();
    let card = desk.engine.read(move |look| {
        let scene = Scene { state: look.state, config: look.config, zone: &zone, now: look.now };
        text::welcome::card(&scene, &me)
    });
    Ok(Reply::done(card.await?))
}

/// What a text of this caller is read against.
fn ground<'a>(config: &'a Config, caller: &'a Caller, now: Timestamp) -> read::Ground<'a> {
    read::Ground { config, zone: &caller.zone, now, me: caller.actor.person(), anchor: now }
}
