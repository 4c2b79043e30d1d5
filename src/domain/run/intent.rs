//! What can be wanted of runs, and why the rules may say no. Nothing has changed then.

use jiff::{SignedDuration, Timestamp};

use super::{Drawing, RunEvent, RunHappened, RunMissed, RunPlan, StepOutcome, Verdict};
use crate::domain::{
    event::{Actor, Event},
    id::{GroupId, LockName, PersonId, RunId},
    permission::NotAllowed,
    prose::{Echo, Prose},
};

/// Something about runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunIntent {
    /// A runbook is started; the answer's first event has its id.
    Start(Box<RunPlan>),
    /// An executor wants to do a step. [`Permit::of`] reads the answer; while people or a lock are waited for, it asks
    /// again when the state has moved.
    Permit {
        /// Which run.
        run: RunId,
        /// Which step.
        step: u32,
        /// What exactly it will do, as people read it; without what is redacted.
        what: Prose,
    },
    /// An executor tells what became of a step.
    Finish(Box<StepReport>),
    /// An executor has a picture of what a step found, which has not told its outcome yet.
    Draw {
        /// Which run.
        run: RunId,
        /// Which step.
        step: u32,
        /// Where the picture is kept, and its words.
        drawing: Drawing,
    },
    /// An executor has nothing left to do.
    End {
        /// Which run.
        run: RunId,
        /// [`Verdict::Passed`] or [`Verdict::Failed`].
        verdict: Verdict,
        /// What it comes to, in a sentence, when its steps alone do not say that; up to [`LINE_BYTES`](super::LINE_BYTES).
        summary: Option<String>,
    },
    /// Somebody says yes: to a confirmation or to an approval, whichever is asked for.
    Approve {
        /// Which run.
        run: RunId,
        /// Which step; none: the one that asks.
        step: Option<u32>,
        /// Who.
        by: Actor,
        /// Whether they have shown who they are, by a token or an account; the local operator has not.
        proven: bool,
    },
    /// Somebody says no.
    Refuse {
        /// Which run.
        run: RunId,
        /// Which step; none: the one that asks.
        step: Option<u32>,
        /// Who.
        by: Actor,
    },
    /// Somebody stops it.
    Stop {
        /// Which run.
        run: RunId,
        /// Who.
        by: Actor,
    },
    /// Somebody says how to go on with steps that were running when the process ended.
    Continue {
        /// Which run.
        run: RunId,
        /// Whether they are done again; otherwise their outcome stays unknown.
        again: bool,
        /// Who.
        by: Actor,
    },
    /// The process started again, and the executor takes the run up.
    Resume(RunId),
    /// An executor has found out whether an automatic answer helped.
    Judge {
        /// Which run.
        run: RunId,
        /// Whether it did.
        helped: bool,
    },
    /// A run that should have started did not.
    Missed(RunMissed),
    /// A runbook was to start for a group, and cannot; nothing happens when it was not, or did.
    HoldBack {
        /// For which group.
        group: GroupId,
        /// The command that the runbook is.
        runbook: String,
        /// Why, in words.
        why: String,
    },
}

/// A run whose executor has something to do after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunToResume {
    /// Which.
    pub run: RunId,
    /// What.
    pub todo: Todo,
}

/// What an executor has to do for a run after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    /// Tell [`RunIntent::Resume`]; then go on with the steps that are not over, or look how it waits.
    Resume {
        /// Steps that only read and were running: they are permitted anew.
        again: Vec<u32>,
        /// Steps that change something and were running: people are asked.
        lost: Vec<u32>,
    },
    /// It is over: find out whether it helped, and tell [`RunIntent::Judge`].
    Judge,
}

/// What an executor tells of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Of which run.
    pub run: RunId,
    /// Which.
    pub step: u32,
    /// The attempt that was permitted; 0: it is skipped, or cannot even begin.
    pub attempt: u32,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took: SignedDuration,
    /// Its result in one line, up to [`LINE_BYTES`](super::LINE_BYTES).
    pub line: Echo,
    /// What it said, up to [`OUTPUT_BYTES`](super::OUTPUT_BYTES).
    pub output: Option<Prose>,
    /// Whether people are meant to read that, beyond its line.
    pub speaks: bool,
    /// How many bytes of that were left out.
    pub cut: u64,
    /// What later steps need of it, as JSON; more than [`RESULT_BYTES`](super::RESULT_BYTES) is not kept.
    pub result: Option<Echo>,
}

/// What the answer to [`RunIntent::Permit`] means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Do it, once, and tell its outcome with this attempt.
    Go {
        /// Counted from 1.
        attempt: u32,
    },
    /// Wait for people or for a lock, then ask again.
    Wait,
}

impl Permit {
    /// Reads the events of the answer.
    #[must_use]
    pub fn of(events: &[Event], run: RunId, step: u32) -> Self {
        let permitted = events.iter().find_map(|event| match event {
            Event::Run(event) if event.run == run => attempt(event, step),
            _ => None,
        });
        permitted.map_or(Self::Wait, |attempt| Self::Go { attempt })
    }
}

fn attempt(event: &RunEvent, wanted: u32) -> Option<u32> {
    match event.what {
        RunHappened::StepPermitted { step, attempt, .. } if step == wanted => Some(attempt),
        _ => None,
    }
}

/// Why something about a run was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunRefusal {
    /// There is no such run, or it is long gone.
    Unknown(RunId),
    /// It has no such step.
    NoStep(RunId, String),
    /// It is over.
    Over {
        /// Which.
        run: RunId,
        /// How it ended.
        verdict: Verdict,
        /// When (civil time).
        at: Option<Timestamp>,
        /// Who stopped or refused it.
        by: Option<Actor>,
    },
    /// It is being stopped, perhaps by somebody: no step begins.
    Stopping(RunId, Option<Actor>),
    /// People were asked whether it goes on, and have not answered.
    Waiting(RunId),
    /// Nobody needs to say whether it goes on.
    NotWaiting(RunId),
    /// The step is running.
    StepRuns(RunId, u32),
    /// Another step is running that must not run beside it.
    NotBeside(RunId, u32),
    /// The step was done as often as it may be.
    NoMoreAttempts(RunId, u32),
    /// A run that only shows changes nothing.
    Dry(RunId),
    /// The run has a lock already and would wait for another one.
    LockHeld {
        /// The lock.
        lock: LockName,
        /// Who has it.
        holder: RunId,
    },
    /// A role is missing.
    NotAllowed {
        /// For what, as people write or read it.
        what: String,
        /// Which.
        no: NotAllowed,
    },
    /// Nothing is asked for; who has agreed to which step already.
    NothingAsked(RunId, Option<(u32, Vec<Actor>)>),
    /// Several steps ask: say which.
    WhichStep(RunId, Vec<u32>),
    /// This yes does not count.
    NoApproval(NoApproval),
    /// The group has started this runbook already.
    OncePerGroup(GroupId, RunId),
    /// The group is not open.
    NoGroup(GroupId),
    /// It must not answer by itself now.
    Budget(OverBudget),
    /// Something is larger than what is kept.
    TooLarge(&'static str),
    /// A plan that cannot be run.
    BadPlan(&'static str),
    /// So many runs at once are not kept.
    TooMany,
    /// It is no automatic answer, or was judged already.
    NothingToJudge(RunId),
}

/// Why somebody's yes does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoApproval {
    /// They asked for it themselves.
    Requester(Actor),
    /// It is the identity of something that runs by itself.
    Automatic(PersonId),
    /// They have not shown who they are: the local operator of a server, or nobody of the configuration.
    Unproven,
    /// They said yes already: two approvals are two people.
    Twice(PersonId),
    /// They do not hold the role.
    Role(NotAllowed),
}

/// Why a runbook must not answer by itself now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverBudget {
    /// It did as often as it may.
    Spent {
        /// How often that is …
        most: u32,
        /// … within this time.
        window: SignedDuration,
    },
    /// It did a moment ago.
    CoolingDown {
        /// Until when (civil time).
        until: Timestamp,
    },
    /// Nobody knows yet whether the last one helped.
    Unjudged(RunId),
}

impl RunRefusal {
    /// The word used in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "run_unknown",
            Self::NoStep(..) => "run_no_step",
            Self::Over { .. } => "run_over",
            Self::Stopping(..) => "run_stopping",
            Self::Waiting(_) => "run_waiting",
            Self::NotWaiting(_) => "run_not_waiting",
            Self::StepRuns(..) => "run_step_runs",
            Self::NotBeside(..) => "run_not_beside",
            Self::NoMoreAttempts(..) => "run_no_more_attempts",
            Self::Dry(_) => "run_dry",
            Self::LockHeld { .. } => "run_lock_held",
            Self::NotAllowed { .. } => "run_not_allowed",
            Self::NothingAsked(..) => "run_nothing_asked",
            Self::WhichStep(..) => "run_which_step",
            Self::NoApproval(_) => "run_no_approval",
            Self::OncePerGroup(..) => "run_once_per_group",
            Self::NoGroup(_) => "run_no_group",
            Self::Budget(_) => "run_budget",
            Self::TooLarge(_) => "run_too_large",
            Self::BadPlan(_) => "run_bad_plan",
            Self::TooMany => "run_too_many",
            Self::NothingToJudge(_) => "run_nothing_to_judge",
        }
    }
}
