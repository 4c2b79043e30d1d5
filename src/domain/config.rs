//! The configuration as the domain sees it: who, when, where to, how bad. Never read from a file here, and
//! never holds an address or a secret.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, tz::TimeZone};

use super::{
    delivery::Channel,
    event::{Expectations, Plan, Unresolved},
    id::{ChannelName, IntegrationId, PersonId, PolicyId, RouteId, ScheduleId, SeverityId, TeamId},
    labels::Labels,
    matcher::Matcher,
    page::StepPlan,
    permission::Strangers,
    person::{Person, Team, Urgency},
    room::RoomRule,
    run::{Budget, RunOffer},
    schedule::{Schedule, Times},
};

/// Everything that decisions depend on beside the state. Checked as a whole before it comes into force: every
/// name that is used here exists here.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Hex SHA-256 over the files it was read from.
    pub digest: String,
    /// People.
    pub people: BTreeMap<PersonId, Person>,
    /// Teams.
    pub teams: BTreeMap<TeamId, Team>,
    /// Schedules.
    pub schedules: BTreeMap<ScheduleId, Schedule>,
    /// Escalation policies.
    pub policies: BTreeMap<PolicyId, Policy>,
    /// Severities, the worst first (by name: `P0`, `P1`, …).
    pub severities: BTreeMap<SeverityId, Severity>,
    /// Sources of alerts.
    pub integrations: BTreeMap<IntegrationId, Integration>,
    /// Routes in their order.
    pub routes: Vec<Route>,
    /// Where an alert goes that no route takes.
    pub unrouted: Unrouted,
    /// Maintenance that comes again and again.
    pub maintenance: Vec<PlannedMaintenance>,
    /// Identities of runbooks that run by themselves: their yes never counts.
    pub automatic: BTreeSet<PersonId>,
    /// Runbooks that start by themselves for groups, in the order in which they do.
    pub triggers: Vec<Trigger>,
    /// Runbooks that are offered when an incident of such a severity opens.
    pub offers: BTreeMap<SeverityId, Vec<RunOffer>>,
    /// Chat platforms that are set up beside the terminal, and how they make rooms for incidents, if they do.
    pub platforms: BTreeMap<Channel, Option<RoomRule>>,
    /// What somebody may do there whose account is nobody's; no entry: look.
    pub strangers: BTreeMap<Channel, Strangers>,
}

/// An escalation policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its name.
    pub id: PolicyId,
    /// How often all steps run; at least 1.
    pub rounds: u32,
    /// At least one.
    pub steps: Vec<StepPlan>,
}

/// How bad something is, and what follows from it.
#[derive(Debug, Clone)]
pub struct Severity {
    /// Its id; severities sort by it, the worst first.
    pub id: SeverityId,
    /// What people call it (`High`).
    pub name: String,
    /// One sentence.
    pub means: String,
    /// Alerts that all of these match have this severity (one list is one alternative).
    pub labels: Vec<Matcher>,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Policy of an incident that is opened by hand.
    pub page: Option<PolicyId>,
    /// Acknowledge within this time.
    pub acknowledge_within: Option<SignedDuration>,
    /// Update at least this often.
    pub update_every: Option<SignedDuration>,
    /// New pages while it is not resolved.
    pub unresolved: Vec<(SignedDuration, PolicyId)>,
}

/// A source of alerts or of deployments.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its id.
    pub id: IntegrationId,
    /// Which format it speaks.
    pub kind: IntegrationKind,
    /// Of a source of deployments: what is deployed, when it is not called like its repository.
    pub service: Option<String>,
}

/// The formats that sources speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntegrationKind {
    /// Alertmanager's webhook, version 4.
    Alertmanager,
    /// GitHub's webhook: deployments.
    GitHub,
    /// GitLab's webhook: deployments.
    GitLab,
}

impl IntegrationKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Alertmanager, Self::GitHub, Self::GitLab];
    /// The word of the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }
}

/// Which alerts go where.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name, or one derived from what it matches.
    pub id: RouteId,
    /// All of them must match.
    pub matchers: Vec<Matcher>,
    /// Alerts with equal values of these labels are one group; empty: all alerts of the route are.
    pub group_by: Vec<String>,
    /// How long a new group collects before anybody is told.
    pub group_wait: SignedDuration,
    /// How long a card waits at least between two revisions that nobody asked for; none: as short as any card.
    pub group_interval: Option<SignedDuration>,
    /// After how long the channels are told again of what still fires; none: never.
    pub repeat_interval: Option<SignedDuration>,
    /// Where the card goes.
    pub channels: Vec<ChannelName>,
    /// Whom it pages.
    pub page: Option<PolicyId>,
    /// Instead of the labels' own.
    pub severity: Option<SeverityId>,
    /// Whether it opens an incident.
    pub incident: bool,
    /// Whether later routes are tried too.
    pub goes_on: bool,
}

/// Maintenance that comes again and again.
#[derive(Debug, Clone)]
pub struct PlannedMaintenance {
    /// Its name: the comment, and when it is.
    pub name: String,
    /// Which alerts are quiet then; at least one condition.
    pub matchers: Vec<Matcher>,
    /// When.
    pub when: Times,
    /// In which zone.
    pub zone: TimeZone,
    /// Why.
    pub comment: String,
    /// Where its begin and its end are told.
    pub channels: Vec<ChannelName>,
}

/// A runbook that starts by itself for groups.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// The command that it is.
    pub runbook: String,
    /// That command with its arguments.
    pub line: String,
    /// For which groups.
    pub by: TriggeredBy,
    /// Its budget, when it answers by itself.
    pub answer: Option<Budget>,
}

/// For which groups a runbook starts by itself.
#[derive(Debug, Clone)]
pub enum TriggeredBy {
    /// Those of this route.
    Route(RouteId),
    /// Those with a firing alert that meets all of these; empty: none.
    Alert(Vec<Matcher>),
}

/// Where an alert goes that no route takes.
#[derive(Debug, Clone, Default)]
pub struct Unrouted {
    /// Channels.
    pub channels: Vec<ChannelName>,
    /// A policy, if somebody is to be paged.
    pub page: Option<PolicyId>,
}

impl Config {
    /// Where something is said that is meant for a channel: on every platform, or on the one that its name says.
    /// The terminal always hears it.
    pub fn platforms_of(&self, name: &ChannelName) -> impl Iterator<Item = Channel> {
        let only = name.platform();
        let there = self.platforms.keys().copied();
        [Channel::Chat].into_iter().chain(there.filter(move |one| only.is_none_or(|only| only == *one)))
    }

    /// Whether the configuration gives somebody an account on a platform.
    #[must_use]
    pub fn has_account(&self, person: &PersonId, channel: Channel) -> bool {
        self.people.get(person).is_some_and(|one| one.contacts.iter().any(|(_, on)| *on == channel))
    }

    /// The severity that an alert carries by its labels; the worst when several match.
    #[must_use]
    pub fn severity_of(&self, labels: &Labels) -> Option<&Severity> {
        self.severities
            .values()
            .find(|severity| !severity.labels.is_empty() && severity.labels.iter().all(|m| m.matches(labels)))
    }

    /// A policy as a plan that a page can keep.
    #[must_use]
    pub fn plan(&self, policy: &PolicyId) -> Option<Plan> {
        let policy = self.policies.get(policy)?;
        Some(Plan { policy: policy.id.clone(), rounds: policy.rounds, steps: policy.steps.clone() })
    }

    /// What a severity asks of those who answer; nothing when there is none.
    #[must_use]
    pub fn expectations(&self, severity: Option<&SeverityId>) -> Expectations {
        let Some(severity) = severity.and_then(|id| self.severities.get(id)) else {
            return Expectations::default();
        };
        Expectations {
            acknowledge_within: severity.acknowledge_within,
            update_every: severity.update_every,
            unresolved: severity
                .unresolved
                .iter()
                .filter_map(|(after, policy)| {
                    Some(Unresolved { after: *after, policy: policy.clone(), plan: self.plan(policy)? })
                })
                .collect(),
        }
    }

    /// Which personal rules a severity applies; urgent when there is none: better woken than missed.
    #[must_use]
    pub fn urgency(&self, severity: Option<&SeverityId>) -> Urgency {
        severity.and_then(|id| self.severities.get(id)).map_or(Urgency::Urgent, |severity| severity.urgency)
    }
}
