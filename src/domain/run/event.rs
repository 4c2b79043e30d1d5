//! What happens to runs, as the journal keeps it for ever. Never computes anything.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Approvals, Budget, Drawing, RunPlan, StepOutcome, Verdict};
use crate::domain::{
    event::Actor,
    id::{GroupId, IncidentId, LockName, PersonId, RunId, SeverityId},
    person::Role,
    prose::{Echo, Prose},
};

/// Something happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Which.
    pub run: RunId,
    /// The group that it is about, for its timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The incident that it is about, for its timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// What it is called.
    pub title: String,
    /// What happened.
    pub what: RunHappened,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunHappened {
    /// It started.
    Started(Box<RunPlan>),
    /// The requester or an operator is asked to confirm a step.
    ConfirmAsked {
        /// Which.
        step: u32,
        /// What exactly will be done.
        what: Prose,
        /// Until when (engine time).
        until: Timestamp,
    },
    /// Somebody confirmed it.
    Confirmed {
        /// Which.
        step: u32,
        /// Who.
        by: Actor,
    },
    /// Others are asked to approve a step.
    ApprovalAsked {
        /// Which.
        step: u32,
        /// Who, and how many.
        needs: Approvals,
        /// What exactly will be done.
        what: Prose,
        /// Until when (engine time).
        until: Timestamp,
    },
    /// Somebody approved it.
    ApprovalGiven {
        /// Which.
        step: u32,
        /// Who.
        by: PersonId,
        /// How many yes are still missing.
        missing: u32,
    },
    /// Somebody said no: the run ends.
    ApprovalRefused {
        /// Which.
        step: u32,
        /// Who.
        by: Actor,
    },
    /// Nobody answered in time: the run ends.
    ApprovalExpired {
        /// Which.
        step: u32,
    },
    /// Another run has the lock that a step needs.
    StepWaits {
        /// Which.
        step: u32,
        /// The lock.
        lock: LockName,
        /// Who has it.
        holder: RunId,
    },
    /// A step may be done, now and once.
    StepPermitted {
        /// Which.
        step: u32,
        /// Counted from 1.
        attempt: u32,
        /// The lock that it holds from now on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lock: Option<LockName>,
    },
    /// A step is over.
    StepFinished(Box<StepEnd>),
    /// There is a picture of what a step found.
    Drawn {
        /// Which.
        step: u32,
        /// Where it is kept, and its words.
        drawing: Drawing,
    },
    /// The process started again, and the run goes on: steps that only read are done again.
    Resumed {
        /// Which were running.
        again: Vec<u32>,
    },
    /// Steps that change something were running when the process ended: people are asked.
    Waits {
        /// Which.
        steps: Vec<u32>,
    },
    /// Somebody said how to go on with steps that were running when the process ended.
    Continued {
        /// Which.
        steps: Vec<u32>,
        /// Whether they are done again; otherwise their outcome stays unknown.
        again: bool,
        /// Who.
        by: Actor,
    },
    /// Somebody stopped it: no further step begins.
    Stopped {
        /// Who.
        by: Actor,
    },
    /// It is over.
    Ended {
        /// How.
        verdict: Verdict,
        /// How long it took.
        took: SignedDuration,
        /// What it comes to, when its steps alone do not say that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// Of an automatic answer: until when it is judged (engine time).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judge_due: Option<Timestamp>,
    },
    /// An automatic answer was judged.
    Judged {
        /// Whether it helped.
        helped: bool,
    },
}

/// A step is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEnd {
    /// Which.
    pub step: u32,
    /// The heading above it.
    pub heading: String,
    /// Of which attempt; 0: it never began.
    pub attempt: u32,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took: SignedDuration,
    /// Its result in one line.
    #[serde(default, skip_serializing_if = "Echo::is_empty")]
    pub line: Echo,
    /// What it said, up to [`OUTPUT_BYTES`](super::OUTPUT_BYTES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Prose>,
    /// Whether people are meant to read that, beyond its line.
    #[serde(default)]
    pub speaks: bool,
    /// How many bytes of that are not kept.
    #[serde(default)]
    pub cut: u64,
    /// What later steps need of it, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Echo>,
    /// Whether its result was larger than what is kept, and is not there.
    #[serde(default)]
    pub result_dropped: bool,
}

/// A run that should have started and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMissed {
    /// The command that the runbook is.
    pub runbook: String,
    /// For which instant it was due (civil time).
    pub due: Timestamp,
    /// How many were missed up to that one.
    pub times: u32,
    /// Why.
    pub why: String,
}

/// A runbook is to start for a group, as soon as it is its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDue {
    /// For which group.
    pub group: GroupId,
    /// The command that the runbook is.
    pub runbook: String,
    /// That command with its arguments.
    pub line: String,
    /// Its budget, when it answers by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Budget>,
}

/// Alerts have one runbook start at most this often …
pub const MOST_STARTS: u32 = 20;
/// … within this time: in a storm the first groups tell what the others would.
pub const STARTS_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// How often alerts had a runbook start lately (engine time).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueLately {
    /// When it was due.
    pub starts: VecDeque<Timestamp>,
    /// When it was last said that this is enough.
    #[serde(default)]
    pub enough: Option<Timestamp>,
}

/// A runbook was to start for a group, and does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeldBack {
    /// For which group.
    pub group: GroupId,
    /// The command that the runbook is.
    pub runbook: String,
    /// Why.
    pub why: HeldBack,
}

/// Why a runbook does not start for a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBack {
    /// Alerts have started it often enough for now.
    Storm {
        /// How often …
        most: u32,
        /// … within this time.
        window: SignedDuration,
    },
    /// It was refused, in words.
    Refused(String),
}

/// A runbook that people are offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOffer {
    /// The command that it is.
    pub runbook: String,
    /// What it is called.
    pub title: String,
    /// Whether somebody has to say more than its command.
    #[serde(default)]
    pub asks: bool,
}

/// Runbooks are offered to those who answer an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunsOffered {
    /// For which incident.
    pub incident: IncidentId,
    /// Because it is this severe.
    pub severity: SeverityId,
    /// Which.
    pub runbooks: Vec<RunOffer>,
}

/// The role is part of what people read.
impl std::fmt::Display for Approvals {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let role: Role = self.role;
        if self.count == 1 { write!(out, "{role}") } else { write!(out, "{} {role}", self.count) }
    }
}
