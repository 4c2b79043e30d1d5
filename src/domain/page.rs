//! Pages: one run of an escalation policy. Never looks up who is on call; that is decided when a step is due.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    event::{Actor, Plan, Try},
    id::{
        AlertId, AnnouncementId, ChannelName, DeliveryId, GroupId, IncidentId, PageId, PersonId, RunId,
        ScheduleId, SeverityId, SilenceId, StormId, TeamId,
    },
    person::Urgency,
    prose::Prose,
    state::State,
};

/// Whom a step pages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageTarget {
    /// Whoever is on call by this schedule when the step is due.
    Schedule(ScheduleId),
    /// Every member of a team.
    Team(TeamId),
    /// One person.
    Person(PersonId),
    /// A chat channel is told.
    Channel(ChannelName),
}

impl fmt::Display for PageTarget {
    /// As it is written in the configuration: `schedule:primary`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule(id) => write!(out, "schedule:{id}"),
            Self::Team(id) => write!(out, "team:{id}"),
            Self::Person(id) => write!(out, "person:{id}"),
            Self::Channel(name) => write!(out, "channel:{name}"),
        }
    }
}

/// One step of an escalation policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPlan {
    /// Whom it pages; at least one.
    pub page: Vec<PageTarget>,
    /// How long it waits for an acknowledgement before the next one.
    pub wait: SignedDuration,
}

/// What a page, a delivery or an acknowledgement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An alert group, and the incident that it belongs to when there is one.
    Group(GroupId, Option<IncidentId>),
    /// An incident.
    Incident(IncidentId),
    /// Somebody's `/page`, which stands for itself.
    Request(PageId),
    /// A storm of groups in one channel: cards alone are about it, never a page.
    Storm(StormId),
    /// A run of a runbook. Nobody is paged for it: pages are about what it is for.
    Run(RunId),
    /// Somebody's message to a channel, and the incident that the channel belongs to. Nobody is paged for it.
    Announcement(AnnouncementId, Option<IncidentId>),
    /// A silence or a maintenance that begins or is over. Nobody is paged for it.
    Silence(SilenceId),
}

impl Subject {
    /// The incident, when there is one.
    #[must_use]
    pub fn incident(self) -> Option<IncidentId> {
        match self {
            Self::Group(_, incident) | Self::Announcement(_, incident) => incident,
            Self::Incident(incident) => Some(incident),
            Self::Request(_) | Self::Storm(_) | Self::Run(_) | Self::Silence(_) => None,
        }
    }
    /// The group, when it is about one.
    #[must_use]
    pub fn group(self) -> Option<GroupId> {
        if let Self::Group(group, _) = self { Some(group) } else { None }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(group, _) => group.fmt(out),
            Self::Incident(incident) => incident.fmt(out),
            Self::Request(page) => page.fmt(out),
            Self::Storm(storm) => storm.fmt(out),
            Self::Run(run) => run.fmt(out),
            Self::Announcement(announcement, _) => announcement.fmt(out),
            Self::Silence(silence) => silence.fmt(out),
        }
    }
}

/// Why a page runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageReason {
    /// A route said so.
    Fired,
    /// An alert of a higher severity joined, or the incident's severity was raised.
    Raised,
    /// An incident was opened by hand.
    Opened,
    /// Not resolved after this long.
    Unresolved(SignedDuration),
    /// Somebody's `/page`, with the reason given.
    Asked(Prose),
    /// It was reassigned to this person.
    Assigned(PersonId),
    /// A runbook answered by itself, and it did not help.
    NotHelped(RunId),
    /// This runbook should have answered by itself, and was not started.
    HeldBack(String),
    /// What kept it quiet is over, and it still fires.
    QuietOver,
    /// A snooze is over, and it still fires.
    SnoozeOver,
    /// It still fires after its route's `repeat_interval`, and nobody has it.
    Repeated(SignedDuration),
    /// The incident was said to be mitigated and is not, and nobody has it.
    NotMitigated,
}

/// A page that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// What it is for.
    pub subject: Subject,
    /// Its policy as it was when it began.
    pub plan: Plan,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// The severity, when there is one.
    pub severity: Option<SeverityId>,
    /// Why.
    pub reason: PageReason,
    /// Who caused it.
    pub by: Actor,
    /// When it began (civil time).
    pub started_at: Timestamp,
    /// Rounds begun so far.
    pub round: u32,
    /// Steps taken in this round.
    pub step: u32,
    /// When the following step is due (engine time).
    pub next_at: Timestamp,
    /// Contact methods that are still to be tried, of every person paged.
    pub pending: Vec<(PersonId, Try)>,
    /// Everyone who was paged so far.
    pub paged: BTreeSet<PersonId>,
    /// Deliveries of this page that are not finished.
    pub deliveries: BTreeSet<DeliveryId>,
    /// Whether this step has told a channel, or a message has reached a person since it was taken.
    pub reached: bool,
    /// It stands still, because nothing of its incident is heard; the step at which it stood is its next one.
    #[serde(default)]
    pub held: bool,
}

impl Page {
    /// The step after the last one taken, with its round and its number (both counted from 1); none at the end of
    /// the last round.
    #[must_use]
    pub fn next_step(&self) -> Option<(u32, u32, &StepPlan)> {
        let (round, step) = if self.round == 0 {
            (1, 1)
        } else if self.round_goes_on() {
            (self.round, self.step + 1)
        } else {
            (self.round + 1, 1)
        };
        let plan = self.plan.steps.get(usize::try_from(step - 1).ok()?)?;
        (round <= self.plan.rounds).then_some((round, step, plan))
    }

    /// Whether this round has steps that were not taken yet.
    #[must_use]
    pub fn round_goes_on(&self) -> bool {
        usize::try_from(self.step).is_ok_and(|taken| taken < self.plan.steps.len())
    }
}

impl State {
    /// Whether a page runs that ends when somebody takes this: then it can be taken, whoever has it already.
    #[must_use]
    pub fn is_paged_for(&self, subject: Subject) -> bool {
        let open = |id: &IncidentId| self.incidents.get(id).filter(|incident| incident.is_open());
        let paged = |id: &GroupId| self.groups.get(id).is_some_and(|group| !group.pages.is_empty());
        match subject {
            Subject::Group(id, _) => {
                let incident = self.groups.get(&id).and_then(|group| open(&group.incident?));
                paged(&id) || incident.is_some_and(|one| one.opened_for == Some(id) && !one.pages.is_empty())
            }
            Subject::Incident(id) => open(&id).is_some_and(|incident| {
                !incident.pages.is_empty() || incident.response.open_groups.iter().any(paged)
            }),
            Subject::Request(page) => self.pages.contains_key(&page),
            Subject::Storm(_) | Subject::Run(_) | Subject::Announcement(..) | Subject::Silence(_) => false,
        }
    }
}

/// What is remembered of a page by request after it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedPage {
    /// Why somebody was asked for.
    pub reason: PageReason,
    /// Who asked.
    pub by: Actor,
    /// When it ended (civil time).
    pub ended_at: Timestamp,
    /// Who took it, and when (civil time); nobody: it ran to its end unanswered, and can still be taken.
    pub taken: Option<(Actor, Timestamp)>,
}

/// What a `/ack`, a button or a link points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An alert: its groups.
    Alert(AlertId),
    /// A group and the incident that it opened.
    Group(GroupId),
    /// An incident and all its groups.
    Incident(IncidentId),
    /// A page by request.
    Page(PageId),
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(id) => id.fmt(out),
            Self::Group(id) => id.fmt(out),
            Self::Incident(id) => id.fmt(out),
            Self::Page(id) => id.fmt(out),
        }
    }
}

impl std::str::FromStr for Target {
    type Err = super::id::NotAnId;
    /// Reads `A-1`, `G-17`, `INC-7` or `PG-3`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let prefix = text.split('-').next().unwrap_or_default().to_ascii_uppercase();
        match prefix.as_str() {
            AlertId::PREFIX => text.parse().map(Self::Alert),
            IncidentId::PREFIX => text.parse().map(Self::Incident),
            PageId::PREFIX => text.parse().map(Self::Page),
            _ => text.parse().map(Self::Group),
        }
    }
}
