//! Deployments: what was brought where, as GitHub and GitLab tell it, and which of them came before an incident. Never
//! a judgement: that a deployment came before something does not make it the cause.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use super::{
    id::{DeploymentId, IncidentId, IntegrationId},
    incident::Incident,
    labels::Labels,
    state::State,
};

/// How many deployments are remembered.
pub const KEPT: usize = 1_000;
/// How many messages are remembered, so that one that is told again is done once.
const TOLD: usize = 5 * KEPT;
/// Within which time before an incident a deployment stands on the incident's card.
pub const SUSPECT: SignedDuration = SignedDuration::from_hours(2);

/// Labels that name a service, in the order of their use.
const SERVICE: [&str; 4] = ["service", "app", "application", "job"];
/// Labels that name an environment, in the order of their use.
const ENVIRONMENT: [&str; 3] = ["environment", "env", "stage"];

/// How many services or environments of one group are remembered.
const MOST_NAMES: usize = 16;
/// The longest name of one, in bytes.
const LONGEST: usize = 200;

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentStatus {
    /// It is queued or waits for somebody: nothing has changed yet.
    Waiting,
    /// It runs.
    Started,
    /// It is done.
    Succeeded,
    /// It failed; how much of it was done is not known.
    Failed,
    /// Somebody ended it.
    Cancelled,
    /// A later one took its place.
    Replaced,
}

impl DeploymentStatus {
    /// The word that people read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
        }
    }
    /// Whether it has come to an end.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Replaced)
    }
}

impl fmt::Display for DeploymentStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What a source says about one deployment. All texts are as sent, cut to what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who says it.
    pub integration: IntegrationId,
    /// The message's own id, the same when it is told twice; none: the source gave none.
    pub message: Option<String>,
    /// The source's own name of the deployment, the same for all that it says about it (`octo/qflow#17`).
    pub source: String,
    /// What was deployed.
    pub service: String,
    /// Where.
    pub environment: String,
    /// The tag, the branch or whatever else was deployed.
    pub version: String,
    /// The commit, when it is known.
    pub commit: Option<String>,
    /// How it stands.
    pub status: DeploymentStatus,
    /// Who did it, in the source's words: nobody of the configuration.
    pub by: Option<String>,
    /// What it is about.
    pub title: Option<String>,
    /// Where it opens in a browser.
    pub url: Option<String>,
    /// Since when it stands like that, as its source says; never in the future.
    pub at: Timestamp,
}

/// A deployment began, or stands differently now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// Its id.
    pub deployment: DeploymentId,
    /// Who says it.
    pub integration: IntegrationId,
    /// The message's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The source's own name of the deployment.
    pub source: String,
    /// What was deployed.
    pub service: String,
    /// Where.
    pub environment: String,
    /// The tag, the branch or whatever else was deployed.
    pub version: String,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How it stands.
    pub status: DeploymentStatus,
    /// Who did it, in the source's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it opens in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Since when it stands like that, as its source says.
    pub at: Timestamp,
    /// Open incidents of the same service: it stands on their timelines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentId>,
}

/// A deployment as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// What was said last.
    pub said: Deployed,
    /// When it began to change something; none: it only waits.
    pub began: Option<Timestamp>,
    /// When it first came to an end.
    pub ended: Option<Timestamp>,
}

impl Deployment {
    /// When people would say that it was: when it ended, else when it began, else since when it waits.
    #[must_use]
    pub fn when(&self) -> Timestamp {
        self.ended.or(self.began).unwrap_or(self.said.at)
    }

    /// How long before this instant it was done, not longer than `within`; zero while it ran then. None: it was after
    /// it, longer ago, or changed nothing.
    #[must_use]
    pub fn before(&self, instant: Timestamp, within: SignedDuration) -> Option<SignedDuration> {
        let began = self.began.filter(|began| *began <= instant)?;
        let done = self.ended.unwrap_or(began).min(instant);
        let before = instant.duration_since(done);
        (before <= within).then_some(before)
    }

    /// Whether this says more than is known already. What is older is late, and is not believed again.
    pub(super) fn is_moved_by(&self, told: &Told) -> bool {
        (told.at, told.status) > (self.said.at, self.said.status) && told.status != self.said.status
    }

    /// What it is after one more event. Texts that the event does not have stay, and so do the
    /// incidents during which it was.
    fn moved(&self, said: &Deployed) -> Self {
        let mut said = said.clone();
        let kept = &self.said;
        said.commit = said.commit.or_else(|| kept.commit.clone());
        said.by = said.by.or_else(|| kept.by.clone());
        said.title = said.title.or_else(|| kept.title.clone());
        said.url = said.url.or_else(|| kept.url.clone());
        said.incidents.extend(&kept.incidents);
        said.incidents.sort_unstable();
        said.incidents.dedup();
        let (began, ended) = spans(&said);
        Self { said, began: self.began.or(began), ended: self.ended.or(ended) }
    }
}

/// When it began and when it ended, as far as one message tells.
fn spans(said: &Deployed) -> (Option<Timestamp>, Option<Timestamp>) {
    // What was cancelled while it waited has changed nothing.
    // And that another one took its place says nothing of when it came.
    let replaced = said.status == DeploymentStatus::Replaced;
    let began = !matches!(said.status, DeploymentStatus::Waiting | DeploymentStatus::Cancelled) && !replaced;
    (began.then_some(said.at), (said.status.is_over() && !replaced).then_some(said.at))
}

/// The last deployments, and which messages told them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployments {
    /// The number of the last one; 0: there was none.
    pub last: DeploymentId,
    /// At most [`KEPT`].
    pub kept: BTreeMap<DeploymentId, Arc<Deployment>>,
    /// Where one is found by its source's own name.
    sources: BTreeMap<(IntegrationId, String), DeploymentId>,
    /// Messages that were taken, and the order in which they are forgotten.
    told: BTreeSet<(IntegrationId, String)>,
    told_order: VecDeque<(IntegrationId, String)>,
}

impl Deployments {
    /// Whether this message was taken already.
    #[must_use]
    pub fn was_told(&self, told: &Told) -> bool {
        let message = told.message.clone();
        message.is_some_and(|message| self.told.contains(&(told.integration.clone(), message)))
    }

    /// The deployment that a source calls by this name.
    #[must_use]
    pub fn of_source(&self, told: &Told) -> Option<&Arc<Deployment>> {
        let id = self.sources.get(&(told.integration.clone(), told.source.clone()))?;
        self.kept.get(id)
    }

    /// Whether it is older than all that are remembered, and so would be one that was forgotten.
    #[must_use]
    pub fn has_forgotten(&self, told: &Told) -> bool {
        self.kept.len() >= KEPT && self.kept.first_key_value().is_some_and(|(_, one)| told.at < one.when())
    }

    /// Takes an event.
    pub(super) fn take(&mut self, said: &Deployed) {
        if let Some(message) = &said.message {
            let key = (said.integration.clone(), message.clone());
            if self.told.insert(key.clone()) {
                self.told_order.push_back(key);
            }
            while self.told_order.len() > TOLD
                && let Some(oldest) = self.told_order.pop_front()
            {
                self.told.remove(&oldest);
            }
        }
        let id = said.deployment;
        let (began, ended) = spans(said);
        let new = || Deployment { said: said.clone(), began, ended };
        let deployment = self.kept.get(&id).map_or_else(new, |known| known.moved(said));
        self.last = self.last.max(id);
        self.sources.insert((said.integration.clone(), said.source.clone()), id);
        self.kept.insert(id, Arc::new(deployment));
        while self.kept.len() > KEPT
            && let Some((_, oldest)) = self.kept.pop_first()
        {
            let said = &oldest.said;
            self.sources.remove(&(said.integration.clone(), said.source.clone()));
        }
    }
}

/// What the labels of alerts say about what they are in. Each name once, in lower case; there are few.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Services.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    services: ThinVec<Box<str>>,
    /// Environments.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    environments: ThinVec<Box<str>>,
}

impl Whereabouts {
    /// One more set of labels.
    pub fn add(&mut self, labels: &Labels) {
        for (name, value) in labels.iter() {
            if SERVICE.contains(&name) {
                add(&mut self.services, same(value));
            } else if ENVIRONMENT.contains(&name) {
                add(&mut self.environments, same(value));
            }
        }
    }

    /// All that others say, too.
    pub fn extend(&mut self, others: &Self) {
        others.services.iter().for_each(|name| add(&mut self.services, name.to_string()));
        others.environments.iter().for_each(|name| add(&mut self.environments, name.to_string()));
    }

    /// The environments, in lower case.
    #[must_use]
    pub fn environments(&self) -> &[Box<str>] {
        &self.environments
    }

    /// Whether a service of this name is meant.
    #[must_use]
    pub fn has_service(&self, service: &str) -> bool {
        has(&self.services, &same(service))
    }

    /// Whether an environment of this name is meant.
    #[must_use]
    pub fn has_environment(&self, environment: &str) -> bool {
        has(&self.environments, &same(environment))
    }

    /// Whether this was a deployment of the same service, into no other environment than the one that is named.
    #[must_use]
    pub fn fits(&self, said: &Deployed) -> bool {
        self.has_service(&said.service)
            && (self.environments.is_empty() || self.has_environment(&said.environment))
    }
}

fn has(names: &[Box<str>], name: &str) -> bool {
    names.iter().any(|known| **known == *name)
}

fn add(names: &mut ThinVec<Box<str>>, name: String) {
    if name.is_empty() || name.len() > LONGEST || names.len() >= MOST_NAMES || has(names, &name) {
        return;
    }
    // Most have one, and there may be very many of them.
    names.reserve_exact(1);
    names.push(name.into());
}

/// The same word for what is the same: `Prod` is `production`.
fn same(name: &str) -> String {
    let name = name.trim().to_lowercase();
    match name.as_str() {
        "prod" | "prd" => "production".to_owned(),
        "stage" | "stg" => "staging".to_owned(),
        "dev" => "development".to_owned(),
        _ => name,
    }
}

/// Whether two people mean the same service or environment.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    same(one) == same(other)
}

/// A deployment that came before an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub deployment: Arc<Deployment>,
    /// How long before; zero: it ran when the incident began.
    pub before: SignedDuration,
    /// Whether it was of a service that the incident's labels name.
    pub service: bool,
    /// Whether it was into an environment that they name.
    pub environment: bool,
    /// Whether it was of the same service, and not into another environment.
    pub fits: bool,
}

impl State {
    /// When an incident began: when its first group opened, else when it was opened itself (civil time).
    #[must_use]
    pub fn incident_began(&self, incident: &Incident) -> Timestamp {
        let open = incident.groups.iter().filter_map(|id| Some(self.groups.get(id)?.opened_at));
        let closed = incident.groups.iter().filter_map(|id| Some(self.closed_groups.get(id)?.opened_at));
        open.chain(closed).fold(incident.opened_at, Timestamp::min)
    }

    /// What the labels of all alerts of its groups say, also of those that have ended.
    #[must_use]
    pub fn whereabouts(&self, incident: &Incident) -> Whereabouts {
        let mut found = Whereabouts::default();
        for id in &incident.groups {
            let open = self.groups.get(id).map(|group| &group.whereabouts);
            let closed = self.closed_groups.get(id).map(|group| &group.whereabouts);
            open.or(closed).into_iter().for_each(|one| found.extend(one));
        }
        found
    }

    /// What was deployed before an incident, the nearest first.
    #[must_use]
    pub fn changes_before(&self, incident: &Incident, within: SignedDuration) -> Vec<Change> {
        if self.deployments.kept.is_empty() {
            return Vec::new();
        }
        let (began, found) = (self.incident_began(incident), self.whereabouts(incident));
        let change = |deployment: &Arc<Deployment>| {
            let said = &deployment.said;
            Some(Change {
                before: deployment.before(began, within)?,
                service: found.has_service(&said.service),
                environment: found.has_environment(&said.environment),
                fits: found.fits(said),
                deployment: Arc::clone(deployment),
            })
        };
        let mut changes: Vec<Change> = self.deployments.kept.values().rev().filter_map(change).collect();
        changes.sort_by_key(|change| change.before);
        changes
    }

    /// The last deployment before an incident: of the same service when there was one, else of any.
    #[must_use]
    pub fn last_change(&self, incident: &Incident) -> Option<Change> {
        let mut changes = self.changes_before(incident, SUSPECT);
        let at = changes.iter().position(|change| change.fits).unwrap_or_default();
        (at < changes.len()).then(|| changes.swap_remove(at))
    }
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;
