//! Runs: a runbook that somebody or something started, step by step, with what each step said and whom it asked.
//! Never holds a secret: values that are redacted do not enter, and what is kept of a step is bounded.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    event::Actor,
    id::{ChannelName, DeliveryId, GroupId, IncidentId, LockName, PersonId, RunId},
    person::Role,
    prose::{Echo, Prose},
};

mod beside;
mod budget;
mod event;
mod intent;

pub use beside::{Drawing, LinkTo, Part, PlannedLink};
pub use budget::Budget;
pub use event::{
    DueLately, HeldBack, MOST_STARTS, RunDue, RunEvent, RunHappened, RunHeldBack, RunMissed, RunOffer,
    RunsOffered, STARTS_WINDOW, StepEnd,
};
pub use intent::{NoApproval, OverBudget, Permit, RunIntent, RunRefusal, RunToResume, StepReport, Todo};

/// What one step wrote is kept up to this many bytes; the rest is counted.
pub const OUTPUT_BYTES: usize = 64 * 1024;
/// Of what a step said, a card shows up to this many bytes.
pub const EXCERPT_BYTES: usize = 2 * 1024;
/// What later steps need of one step is kept up to this many bytes of JSON.
pub const RESULT_BYTES: usize = 16 * 1024;
/// What later steps need of all steps of one run together is kept up to this many bytes of JSON.
pub const RESULTS_BYTES: usize = 256 * 1024;
/// What exactly a step will do, and the question of a confirmation, have at most this many bytes.
pub const WHAT_BYTES: usize = 8 * 1024;
/// The one line that a step's result is told in has at most this many bytes.
pub const LINE_BYTES: usize = 1024;
/// A name, a heading, a title or an argument has at most this many bytes.
pub const WORDS_BYTES: usize = 4 * 1024;
/// Steps of one runbook at most.
pub const STEPS: usize = 200;
/// Links of one run at most.
pub const LINKS: usize = 40;
/// Pictures of one run at most; what is found after those is told in words alone.
pub const DRAWINGS: u32 = 20;
/// Arguments of one run at most.
pub const ARGUMENTS: usize = 64;
/// Runs at once at most.
pub const RUNS: usize = 1_000;
/// Attempts of one reading step at most, jumps back to it included.
pub const ATTEMPTS: u32 = 100;
/// How long people have to answer when a run asks them, unless its plan says otherwise.
pub const ASK_FOR: SignedDuration = SignedDuration::from_mins(30);

/// Everything that is decided when a run starts. The file may change afterwards: the run does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPlan {
    /// The command that the runbook is, as it is written: `/qflow restart`.
    pub runbook: String,
    /// Hex SHA-256 of the file as it was.
    pub digest: String,
    /// What people call it.
    pub title: String,
    /// What it was told, each with its name; what is redacted is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(String, Prose)>,
    /// Which environment it talks to.
    pub environment: String,
    /// Who wanted it; of what runs by itself, its own identity.
    pub by: Actor,
    /// No more than this, whatever role they have: so much was allowed to the token that they showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Role>,
    /// The identity that the runbook has when it runs by itself: its yes never counts, whoever started this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<PersonId>,
    /// Why.
    pub because: RunBecause,
    /// The group that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The incident that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Where it streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelName>,
    /// Whether it only shows what would happen: then no step that changes something is ever permitted.
    #[serde(default)]
    pub dry: bool,
    /// The role that it takes to start it.
    pub role: Role,
    /// How long people have to answer when it asks them.
    pub ask_for: SignedDuration,
    /// The steps in their order; at least one. Their `index` counts from 1.
    pub steps: Vec<PlannedStep>,
    /// The one step of the runbook that is done, when it is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Where it leads on: buttons and links of its card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<PlannedLink>,
}

/// Why a run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunBecause {
    /// Somebody wrote its command.
    Hand,
    /// Its schedule said so.
    Schedule {
        /// For which instant (civil time).
        due: Timestamp,
    },
    /// A group opened: `on_alert` of the runbook, or `run` of the route.
    Alert(GroupId),
    /// It answers a group by itself, within a budget.
    Answer(GroupId, Budget),
}

impl RunBecause {
    /// The group that it is about, when one started it.
    #[must_use]
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Self::Hand | Self::Schedule { .. } => None,
            Self::Alert(group) | Self::Answer(group, _) => Some(*group),
        }
    }
    /// Whether it answers by itself, and is judged for it.
    #[must_use]
    pub fn budget(&self) -> Option<&Budget> {
        if let Self::Answer(_, budget) = self { Some(budget) } else { None }
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// An HTTP request.
    Http,
    /// A query to Prometheus.
    Promql,
    /// A search for log lines.
    Logs,
    /// A search for traces.
    Trace,
    /// Programs.
    Run,
    /// Another command of the bot.
    Chat,
}

impl ActionKind {
    /// The word of the runbook.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Promql => "promql",
            Self::Logs => "logs",
            Self::Trace => "trace",
            Self::Run => "run",
            Self::Chat => "chat",
        }
    }
}

/// A step as it was when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its place, counted from 1.
    pub index: u32,
    /// By which other steps know it.
    pub name: String,
    /// The heading above it.
    pub heading: String,
    /// What it does.
    pub action: ActionKind,
    /// Whether it changes something: then it is never started again unasked.
    pub changes: bool,
    /// How often it may be tried again when it fails and changes something.
    #[serde(default)]
    pub retries: u32,
    /// Who has to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve: Option<Approvals>,
    /// The question that the requester or an operator has to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Echo>,
    /// What nobody else may hold meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockName>,
    /// The role that the requester needs for it.
    pub role: Role,
}

/// How many others have to agree, with which role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// The role.
    pub role: Role,
    /// How many; 1 at least.
    pub count: u32,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Its check holds.
    Passed,
    /// Its check does not hold, or it could not be done.
    Failed,
    /// Nobody knows: no data, or the process ended while it ran.
    Unknown,
    /// It was not its turn, or only shown.
    Skipped,
    /// Somebody stopped it.
    Stopped,
    /// It took too long.
    TimedOut,
}

impl StepOutcome {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed out",
        }
    }
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All that had to hold holds.
    Passed,
    /// Something does not hold, or a change failed.
    Failed,
    /// Somebody stopped it.
    Stopped,
    /// Somebody said no.
    Refused,
    /// Nobody answered in time.
    Expired,
}

impl Verdict {
    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Steps run, or wait for people or a lock.
    Running,
    /// A step that changes something was started before a crash: people say whether to go on.
    Waiting,
    /// No further step begins; what runs is told to stop, and then the run ends like this.
    Stopping(Verdict),
    /// It is over.
    Ended(Verdict),
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It was not its turn yet.
    Pending,
    /// It waits for people.
    Asks(Ask),
    /// Another run has its lock.
    WaitsForLock(RunId),
    /// It has its permit.
    Running {
        /// Since when (civil time).
        since: Timestamp,
    },
    /// It had its permit when the process ended, and changes something.
    Lost,
    /// It is over.
    Over {
        /// What became of it.
        outcome: StepOutcome,
        /// How long it took.
        took: SignedDuration,
        /// Its result in one line.
        line: Echo,
    },
}

/// What people are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Whether the requester is asked to confirm; otherwise others to approve.
    pub confirm: bool,
    /// What exactly will be done.
    pub what: Prose,
    /// When nobody needs to answer any more (engine time).
    pub until: Timestamp,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// As it was planned.
    pub plan: PlannedStep,
    /// Where it stands.
    pub state: StepState,
    /// Permits that it has had.
    pub attempts: u32,
    /// How many of those do not count against its retries: people said that it may be done again.
    pub again: u32,
    /// What people agreed to: that, exactly, may be done.
    pub agreed: Option<Prose>,
    /// Whether somebody confirmed it, and who.
    pub confirmed: Option<Actor>,
    /// Who has approved it.
    pub approved: BTreeSet<PersonId>,
    /// What later steps need of it, as JSON.
    pub result: Option<Echo>,
    /// The newest picture of what it found.
    #[serde(default)]
    pub drawing: Option<Drawing>,
    /// How many pictures it has had.
    #[serde(default)]
    pub drawings: u32,
    /// The beginning of what it said, up to [`EXCERPT_BYTES`], when people are meant to read that.
    #[serde(default)]
    pub excerpt: String,
}

impl Step {
    /// Takes a newer picture.
    pub(super) fn draw(&mut self, drawing: &Drawing) {
        self.drawing = Some(drawing.clone());
        self.drawings += 1;
    }
    /// Whether it has a permit and no outcome.
    #[must_use]
    pub fn runs(&self) -> bool {
        matches!(self.state, StepState::Running { .. })
    }
    /// Whether it is over.
    #[must_use]
    pub fn outcome(&self) -> Option<StepOutcome> {
        if let StepState::Over { outcome, .. } = self.state { Some(outcome) } else { None }
    }
    /// What people are asked, when they are.
    #[must_use]
    pub fn ask(&self) -> Option<&Ask> {
        if let StepState::Asks(ask) = &self.state { Some(ask) } else { None }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What was decided when it started, without the steps.
    pub plan: RunPlan,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Where it stands.
    pub status: RunStatus,
    /// When it started (civil time).
    pub started_at: Timestamp,
    /// When it ended (civil time).
    pub ended_at: Option<Timestamp>,
    /// What it came to, when its steps alone do not say that.
    #[serde(default)]
    pub summary: Option<String>,
    /// Who stopped or refused it.
    pub stopped_by: Option<Actor>,
    /// Of an automatic answer that is over: until when it is judged (engine time).
    pub judge_due: Option<Timestamp>,
    /// Whether it helped, of an automatic answer.
    pub helped: Option<bool>,
    /// Revision of its card; 0: none was posted yet.
    pub card_revision: u32,
    /// When a card that changed is posted again (engine time).
    pub card_due: Option<Timestamp>,
    /// When the last one was posted (engine time).
    pub card_at: Option<Timestamp>,
    /// Cards that are in the outbox.
    pub cards: BTreeSet<DeliveryId>,
}

impl Run {
    /// Whether it is not over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !matches!(self.status, RunStatus::Ended(_))
    }
    /// A step by its place, counted from 1.
    #[must_use]
    pub fn step(&self, index: u32) -> Option<&Step> {
        self.steps.get(usize::try_from(index).ok()?.checked_sub(1)?)
    }
    /// A step by its place or its name.
    #[must_use]
    pub fn find(&self, written: &str) -> Option<u32> {
        let named = self.steps.iter().find(|step| step.plan.name == written);
        let found = named.or_else(|| self.step(written.parse().ok()?));
        found.map(|step| step.plan.index)
    }
    /// How it ended, when it has.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if let RunStatus::Ended(verdict) = self.status { Some(verdict) } else { None }
    }
    /// Whether its executor has to stop what runs.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        matches!(self.status, RunStatus::Stopping(_))
    }
    /// Whether steps of it run now; otherwise it is over, or waits for people.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let waits = self.status == RunStatus::Waiting || self.steps.iter().any(|step| step.ask().is_some());
        self.is_live() && !waits
    }
    /// The locks that it needs for steps that are not over.
    pub(super) fn needs_lock(&self, lock: &LockName) -> bool {
        self.steps.iter().any(|step| step.plan.lock.as_ref() == Some(lock) && step.outcome().is_none())
    }
}

/// A lock that a run holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Who has it.
    pub holder: RunId,
    /// Who gets it next, in this order.
    pub waiting: Vec<RunId>,
}

/// How often a runbook has answered by itself lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// When it started (engine time), as far back as its window reaches.
    pub starts: Vec<Timestamp>,
    /// When the last one ended (engine time).
    pub ended: Option<Timestamp>,
    /// The one that runs or is not judged yet.
    pub unjudged: Option<RunId>,
}
