//! One call of a command: who, where, what it was told, and how it reaches the engine. Never holds a lock.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Caller, Desk, Registry, Reply, first, parse::Parsed, read::Value};
use crate::{
    domain::{
        config::Config,
        event::TraceId,
        id::{
            AlertId, ChannelName, DeploymentId, GroupId, IncidentId, OverrideId, PersonId, RunId, ScheduleId,
            SeverityId, SilenceId, TaskId,
        },
        incident::{IncidentRole, IncidentStatus},
        intent::{Intent, Whom},
        page::Target,
        prose::Prose,
        schedule::Override,
    },
    engine::{Accepted, Look, Rejected},
    text::{
        card::Card,
        refusal,
        scene::Scene,
        usage::{self, Problem},
    },
    views::Down,
};

/// How long a look waits for the views to know what was just written.
pub const VIEWS_PATIENCE: Duration = Duration::from_secs(5);

/// What a command answers: done, or not.
pub type Answer = Result<Reply, Undone>;

/// Why a command is not done; nothing has changed.
#[derive(Debug)]
pub enum Undone {
    /// It was refused, in words for whoever wrote it.
    Refused(Reply),
    /// The engine is busy or has stopped: the same command may be taken later.
    NotTaken(Rejected),
}

impl From<Reply> for Undone {
    fn from(refused: Reply) -> Self {
        Self::Refused(refused)
    }
}

/// One call of a command.
pub struct Call<'a> {
    /// What it works with.
    pub desk: &'a Desk,
    /// The commands that were in force when it was called.
    pub registry: Arc<Registry>,
    /// The configuration that it was read with.
    pub config: Arc<Config>,
    /// Who calls.
    pub caller: Caller,
    /// Where, when it was in a channel.
    pub channel: Option<ChannelName>,
    /// Ties it to its events and log lines.
    pub trace: TraceId,
    /// When it was read (civil time).
    pub now: Timestamp,
    /// What it was told.
    pub parsed: Parsed,
}

impl Call<'_> {
    /// What it was told under this name, if it was.
    #[must_use]
    pub fn get<T: FromValue>(&self, name: &str) -> Option<T> {
        self.parsed.values.get(name).and_then(T::from_value)
    }

    /// What it must have been told under this name.
    ///
    /// # Errors
    /// A usage card; the parser has refused such a call already.
    pub fn need<T: FromValue>(&self, name: &str) -> Result<T, Reply> {
        self.get(name).ok_or_else(|| self.missing(name))
    }

    /// A usage card for what is missing; where there are forms it is asked for.
    #[must_use]
    pub fn missing(&self, name: &str) -> Reply {
        let spec = &self.parsed.spec;
        let argument = spec.arguments.iter().find(|argument| argument.name == name);
        let about = argument.map(|argument| argument.about.to_string()).unwrap_or_default();
        let examples: Vec<&str> = spec.examples.iter().map(|example| &**example).collect();
        let problem = Problem::Missing { name: name.to_uppercase(), about };
        let card = usage::wrong(&spec.usage(), &examples, &problem);
        Reply { lacks: true, ..Reply::refused(card) }
    }

    /// Whether a flag is there.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.parsed.values.contains_key(flag)
    }

    /// What was written under this name, as it is kept.
    #[must_use]
    pub fn words(&self, name: &str) -> Option<Prose> {
        self.get::<String>(name).map(|text| self.prose(&text))
    }

    /// What a person wrote, as it is kept.
    #[must_use]
    pub fn prose(&self, text: &str) -> Prose {
        Prose::new(text, (self.desk.salt)())
    }

    /// Hands an intent to the engine and waits until it is durable.
    ///
    /// # Errors
    /// The refusal in words.
    pub async fn submit(&self, intent: Intent) -> Result<Accepted, Undone> {
        let intent = self.caller.answers_for(intent);
        match self.desk.engine.submit(self.trace, intent).await {
            Ok(accepted) => Ok(accepted),
            Err(Rejected::Refused(no)) => Err(Reply::refused(first::card(self, &no).await).into()),
            Err(other) => Err(Undone::NotTaken(other)),
        }
    }

    /// The answer to what is done already: the card that shows it as it is now or, should the engine not be asked
    /// again, `plain`. Whoever is told "nothing was changed" would do it twice.
    pub async fn done<F>(&self, plain: Card, say: F) -> Reply
    where
        F: FnOnce(&Scene<'_>) -> Option<Card> + Send + 'static,
    {
        let card = self.scene(say).await.ok().flatten();
        Reply::done(card.unwrap_or(plain))
    }

    /// Looks something up.
    ///
    /// # Errors
    /// When the engine is busy or has stopped.
    pub async fn read<T, F>(&self, look: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> T + Send + 'static,
    {
        self.desk.engine.read(look).await.map_err(|rejected| self.rejected(rejected))
    }

    /// Looks something up and says it for the caller.
    ///
    /// # Errors
    /// When the engine is busy or has stopped.
    pub async fn scene<T, F>(&self, say: F) -> Result<T, Undone>
    where
        T: Send + 'static,
        F: FnOnce(&Scene<'_>) -> T + Send + 'static,
    {
        let zone = self.caller.zone.clone();
        self.read(move |look| {
            say(&Scene { state: look.state, config: look.config, zone: &zone, now: look.now })
        })
        .await
    }

    /// Overrides: to come, in force, and those that are over for less than a year.
    ///
    /// # Errors
    /// When the engine is busy or has stopped.
    pub async fn overrides(&self) -> Result<Vec<Override>, Undone> {
        self.read(|look| look.state.overrides.values().cloned().collect()).await
    }

    /// Waits until the views know everything that was answered so far: a reader sees what it wrote.
    ///
    /// # Errors
    /// When they do not answer in time.
    pub async fn catch_up(&self) -> Result<(), Undone> {
        let seq = self.read(|look| look.state.seq).await?;
        Ok(self.desk.views.wait_for(seq, VIEWS_PATIENCE).await.map_err(Self::views_down)?)
    }

    /// What is said when the views do not answer.
    #[must_use]
    pub fn views_down(down: Down) -> Reply {
        let Down { why, .. } = down;
        Reply::refused(refusal::views_down(&why))
    }

    /// `--limit`.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.get::<u64>("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(25)
    }

    fn rejected(&self, rejected: Rejected) -> Undone {
        match rejected {
            Rejected::Refused(no) => Reply::refused(refusal::card(&no, &self.caller.zone)).into(),
            other => Undone::NotTaken(other),
        }
    }
}

/// What an argument can be taken as.
pub trait FromValue: Sized {
    /// The value, when it is of this kind.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($Type:ty = $Variant:ident;)*) => {$(
        impl FromValue for $Type {
            fn from_value(value: &Value) -> Option<Self> {
                if let Value::$Variant(value) = value { Some(value.clone()) } else { None }
            }
        }
    )*};
}

from_value! {
    PersonId = Person;
    ScheduleId = Schedule;
    SeverityId = Severity;
    IncidentId = Incident;
    AlertId = Alert;
    GroupId = Group;
    OverrideId = Override;
    SilenceId = Silence;
    RunId = Run;
    DeploymentId = Deployment;
    TaskId = Task;
    Target = Target;
    Whom = Whom;
    IncidentStatus = Status;
    IncidentRole = IncidentRole;
    Timestamp = Time;
    SignedDuration = Duration;
    u64 = Number;
    String = Text;
}
