//! What a runbook is once it was read and proved. Data: it runs nothing, and whoever runs it changes nothing in it.

use std::{collections::BTreeSet, sync::Arc};

use croner::Cron;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use url::Url;

use super::{act::Act, settings::Settings};
use crate::{
    command::CommandSpec,
    domain::{
        id::{ChannelName, PersonId, SeverityId},
        intent::Whom,
        matcher::Matcher,
    },
};

/// A runbook: a command and a document.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// Its file below the folder of the commands: `qflow/health.md`.
    pub file: String,
    /// Hex SHA-256 of its file: a run is pinned to it.
    pub digest: String,
    /// Its file, as it was read.
    pub source: Arc<str>,
    /// The command.
    pub spec: Arc<CommandSpec>,
    /// The first heading.
    pub title: String,
    /// What stands before the first step, as Markdown.
    pub intro: String,
    /// Links of the introduction.
    pub links: Vec<Link>,
    /// The environment that is taken when nobody names one; none: the default one.
    pub environment: Option<String>,
    /// The flag that names another one: `env`, or `environment` when the runbook declares that.
    pub environment_flag: &'static str,
    /// When it runs by itself, and as whom.
    pub by_itself: ByItself,
    /// Whether people choose a step of it, and nothing runs before they did.
    pub guide: bool,
    /// Actions that all judge the same thing, by their numbers: when they disagree, a run says which.
    pub sources: Vec<usize>,
    /// Its headings, in their order.
    pub steps: Vec<Step>,
    /// Names of actions that are not done because this is a part of a runbook.
    pub left_out: Vec<String>,
}

impl Runbook {
    /// All actions, in the order in which they run; an action's number is its place here.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.steps.iter().flat_map(|step| &step.actions)
    }

    /// An action by its number.
    #[must_use]
    pub fn action(&self, number: usize) -> Option<&Action> {
        self.actions().nth(number)
    }

    /// Whether anything in it changes something.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.actions().any(|action| action.changes)
    }

    /// Its command: `/qflow health`.
    #[must_use]
    pub fn command(&self) -> String {
        self.spec.name()
    }
}

/// A heading with what stands below it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its words.
    pub title: String,
    /// As links point to it.
    pub anchor: String,
    /// From 1.
    pub level: u8,
    /// What people read, as Markdown without the action blocks.
    pub prose: String,
    /// Buttons and links.
    pub links: Vec<Link>,
    /// What runs; a step without is there to be read.
    pub actions: Vec<Action>,
}

/// An action block.
#[derive(Debug, Clone)]
pub struct Action {
    /// Its place among all actions of the runbook, from 0.
    pub number: usize,
    /// The line of its block, from 1.
    pub line: usize,
    /// Its `#|` lines.
    pub settings: Settings,
    /// What it does.
    pub act: Act,
    /// Whether it changes something: it is never started again unasked.
    pub changes: bool,
    /// The earlier actions whose results it sees.
    pub uses: BTreeSet<usize>,
    /// The services of the environment that it names.
    pub services: BTreeSet<String>,
}

/// A link of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its words.
    pub text: String,
    /// Where it leads.
    pub to: Destination,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A step of the same runbook, by its place in [`Runbook::steps`].
    Step(usize),
    /// Another runbook.
    Runbook {
        /// Its command: `/qflow health`.
        command: String,
        /// A step of it, by its place there.
        step: Option<usize>,
        /// The same as it is written behind `--step`, when its steps are chosen one by one.
        chosen: Option<String>,
    },
    /// A page elsewhere.
    Web(Url),
}

/// When a runbook runs by itself.
#[derive(Debug, Clone, Default)]
pub struct ByItself {
    /// At these times.
    pub schedule: Option<Timetable>,
    /// When a group opens whose labels meet all of these; empty: never.
    pub on_alert: Vec<Matcher>,
    /// It is offered when an incident of such a severity opens.
    pub on_incident: Vec<SeverityId>,
    /// Where it is posted.
    pub channel: Option<ChannelName>,
    /// Who it is then.
    pub run_as: Option<PersonId>,
    /// At most so many runs in a window, when it answers alerts.
    pub budget: Option<Budget>,
    /// The pause after a run, when it answers alerts.
    pub cool_down: Option<SignedDuration>,
    /// The action that says whether it helped, by its number.
    pub helped: Option<usize>,
    /// How long after its end it must have helped.
    pub judge_within: Option<SignedDuration>,
    /// Whom to page when it did not.
    pub page: Option<Whom>,
}

/// At most so many runs in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub runs: u32,
    /// Within how long.
    pub window: SignedDuration,
}

/// Instants that a cron pattern names.
#[derive(Debug, Clone)]
pub struct Timetable {
    /// As it is written.
    pub pattern: String,
    /// The zone in which its hours are meant.
    pub zone: TimeZone,
    pub(super) cron: Cron,
}

impl Timetable {
    /// The first instant after this one; none: never again.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let local = after.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&local, false).ok().map(|at| at.timestamp())
    }
}
