//! Commands: what somebody writes in chat, in the terminal or over the API becomes an intent or a look, and the
//! answer becomes cards. Never decides what the domain decides, and never renders for a platform.
//!
//! A text goes through `words` (cut), `registry` (which command), `parse` with `read` (typed values), `permission`
//! (may they), then the command's own file runs. `spec` describes a command once for all of them, for `help`, for
//! "did you mean" and for `complete`. A new built-in command is one file and one line in `builtin`.

mod ack;
mod alert;
mod builtin;
mod call;
pub mod complete;
mod help;
mod incident;
mod nearest;
mod oncall;
mod page;
pub mod parse;
pub mod read;
pub mod registry;
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
pub use complete::{Completion, complete};
pub use help::help;
pub use parse::parse;
pub use read::{Ground, Value};
pub use registry::{Commands, Execute, Registry};
pub use spec::{Argument, CommandSpec, Flag, Kind, Name};

use crate::{
    domain::{
        config::Config,
        event::{Actor, TraceId},
        id::{ChannelName, PersonId},
        intent::Refusal,
        permission,
        person::Role,
        room::Origin,
    },
    engine::{Engine, Rejected},
    text::{self, card::Card},
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
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The zone in which they read and write times.
    pub zone: TimeZone,
    /// What they did on a chat platform, so that it is done once however often the platform tells it.
    pub origin: Option<Origin>,
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
        Ok(Self { actor: Actor::Person(person.id.clone()), zone: person.zone.clone(), origin: None })
    }

    /// The local operator of a server without tokens.
    #[must_use]
    pub fn operator(zone: TimeZone) -> Self {
        Self { actor: Actor::Operator, zone, origin: None }
    }

    /// What they may do.
    #[must_use]
    pub fn role(&self, config: &Config) -> Role {
        permission::role_of(&self.actor, config)
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
        Self { ok, public: false, text: text::lines::cards(&cards), cards }
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
    let (config, now) = desk.engine.read(|look| (Arc::clone(look.config), look.now.civil)).await?;
    let registry = desk.commands.current();
    let parsed = match parse::parse(&registry, ground(&config, &caller, now), text) {
        Ok(parsed) => parsed,
        Err(wrong) => return Ok(help::wrong(&registry, &wrong, caller.role(&config))),
    };
    if let Err(no) = permission::check(&caller.actor, parsed.spec.role, &config) {
        return Ok(Reply::refused(text::refusal::not_allowed(&parsed.spec.name(), &no)));
    }
    let Some(entry) = registry.entry(&parsed.spec).cloned() else {
        // The parser only finds what is registered.
        return Ok(Reply::refused(text::usage::unknown(&parsed.spec.name(), &[])));
    };
    let public = entry.spec.role > Role::Viewer;
    let call = Call { desk, registry, config, caller, channel, trace, now, parsed };
    let answer = match entry.runner {
        registry::Runner::Builtin(builtin) => builtin.run(&call).await,
        registry::Runner::Pack(pack) => pack.execute(&call).await,
    };
    match answer {
        Ok(reply) => Ok(Reply { public, ..reply }),
        Err(Undone::Refused(reply)) => Ok(reply),
        Err(Undone::NotTaken(rejected)) => Err(rejected),
    }
}

/// What a text of this caller is read against.
fn ground<'a>(config: &'a Config, caller: &'a Caller, now: Timestamp) -> read::Ground<'a> {
    read::Ground { config, zone: &caller.zone, now, me: caller.actor.person(), anchor: now }
}
