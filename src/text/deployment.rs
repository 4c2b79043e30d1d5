//! Deployments: lists, one in full, and what came before an incident. All names come from outside: they are shown on one
//! line each, and whoever renders them escapes them. Never says that a deployment is the cause.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{
    card::{Card, Tone},
    control::terminal,
    plain::{NAME, plain},
    scene::{Scene, button, enumerate, field, link},
    span::span,
    timeline::Kind,
};
use crate::domain::{
    deployment::{Change, Deployed, Deployment, DeploymentStatus, SUSPECT, is_same},
    id::DeploymentId,
    incident::Incident,
};

/// How many letters of a commit are shown.
const COMMIT: usize = 8;
/// How many services are named.
const MOST: usize = 10;

/// Which deployments are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this service.
    pub service: Option<String>,
    /// Into this environment.
    pub environment: Option<String>,
    /// Not longer ago than this.
    pub since: Option<SignedDuration>,
}

impl Wanted {
    fn has(&self, scene: &Scene<'_>, deployment: &Deployment) -> bool {
        let said = &deployment.said;
        let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|one| is_same(one, is));
        let ago = scene.now.civil.duration_since(deployment.when());
        fits(&self.service, &said.service)
            && fits(&self.environment, &said.environment)
            && self.since.is_none_or(|since| ago <= since)
    }
}

/// `qflow v1.4.2 to production`.
#[must_use]
pub fn what(said: &Deployed) -> String {
    format!("{} {} to {}", name(&said.service), version(said), name(&said.environment))
}

fn name(text: &str) -> String {
    plain(text, NAME)
}

/// The tag or the branch; of a bare commit its beginning.
fn version(said: &Deployed) -> String {
    let written = name(&said.version);
    let is_commit = written.len() == 40 && written.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { commit(&written) } else { written }
}

fn commit(written: &str) -> String {
    name(written).chars().take(COMMIT).collect()
}

/// `, failed`; nothing for what went well.
fn unless_well(status: DeploymentStatus) -> String {
    if status == DeploymentStatus::Succeeded { String::new() } else { format!(", {status}") }
}

fn by(said: &Deployed) -> String {
    said.by.as_deref().map(name).unwrap_or_default()
}

/// `12m before`; `it ran then`.
fn long_before(change: &Change) -> String {
    if change.before.is_zero() { "it ran then".to_owned() } else { format!("{} before", span(change.before)) }
}

/// `qflow v1.4.2 to production, 12m before`.
#[must_use]
pub fn last(change: &Change) -> String {
    let said = &change.deployment.said;
    format!("{}{}, {} ({})", what(said), unless_well(said.status), long_before(change), said.deployment)
}

/// One that came before an incident, for a document: `12m before: qflow v1.4.2 to production, succeeded, by ada (DEP-3)`.
#[must_use]
pub fn in_document(change: &Change) -> String {
    let said = &change.deployment.said;
    let by = said.by.as_deref().map(|by| format!(", by {}", name(by))).unwrap_or_default();
    let same = if change.fits { "; the same service" } else { "" };
    format!("{}: {}, {}{by} ({}){same}", long_before(change), what(said), said.status, said.deployment)
}

/// What a timeline says.
pub(super) fn entry(said: &Deployed) -> (Kind, String, String) {
    let how = match said.status {
        DeploymentStatus::Waiting => "waits",
        DeploymentStatus::Started => "started",
        DeploymentStatus::Succeeded => "succeeded",
        DeploymentStatus::Failed => "failed",
        DeploymentStatus::Cancelled => "was cancelled",
        DeploymentStatus::Replaced => "was replaced by a later one",
    };
    let by = said.by.as_deref().map(|by| format!(", by {}", name(by))).unwrap_or_default();
    let title = said.title.as_deref().map(|title| format!(": {}", name(title))).unwrap_or_default();
    let text = format!("Deployment of {} {how} ({}{by}){title}", what(said), said.deployment);
    (Kind::Deployment, name(said.integration.as_str()), text)
}

/// Deployments, the newest first.
#[must_use]
pub fn list(scene: &Scene<'_>, wanted: &Wanted, limit: usize) -> Card {
    let kept = &scene.state.deployments.kept;
    let mut fitting: Vec<&Deployment> =
        kept.values().map(|one| &**one).filter(|one| wanted.has(scene, one)).collect();
    if fitting.is_empty() {
        return nothing(scene, wanted);
    }
    fitting.sort_by_key(|one| std::cmp::Reverse((one.when(), one.said.deployment)));
    let total = fitting.len();
    let head = ["id", "when", "service", "environment", "version", "status", "by"];
    let row = |one: &&Deployment| {
        let said = &one.said;
        vec![
            said.deployment.to_string(),
            scene.near(one.when()),
            name(&said.service),
            name(&said.environment),
            version(said),
            said.status.to_string(),
            by(said),
        ]
    };
    let table = std::iter::once(head.map(str::to_owned).to_vec()).chain(fitting.iter().take(limit).map(row));
    let more = total.saturating_sub(limit);
    Card {
        title: if total == 1 { "1 deployment".to_owned() } else { format!("{total} deployments") },
        text: if more > 0 { format!("{more} more are not shown: --limit N") } else { String::new() },
        table: table.collect(),
        whole: terminal("/deployment list --limit 200"),
        ..Card::default()
    }
}

/// Why there is nothing to list.
fn nothing(scene: &Scene<'_>, wanted: &Wanted) -> Card {
    let kept = &scene.state.deployments.kept;
    let (title, text) = if kept.is_empty() {
        let sources = "They come from an [integration.…] of kind \"github\" or \"gitlab\".";
        ("No deployment is known.", sources.to_owned())
    } else {
        let services: BTreeSet<String> = kept.values().map(|one| name(&one.said.service)).collect();
        let known = enumerate(services.iter().take(MOST));
        let known = wanted.service.as_ref().map(|_| format!("Services that are known: {known}. "));
        ("No deployment fits.", format!("{}All of them: /deployment list", known.unwrap_or_default()))
    };
    Card { title: title.to_owned(), text, ..Card::default() }
}

/// One in full.
#[must_use]
pub fn card(scene: &Scene<'_>, deployment: &Deployment) -> Card {
    let said = &deployment.said;
    let mut fields = vec![
        field("Service", name(&said.service)),
        field("Environment", name(&said.environment)),
        field("Version", version(said)),
        field("Status", said.status.as_str()),
    ];
    fields.extend(said.commit.as_deref().map(|written| field("Commit", commit(written))));
    fields.extend(said.by.as_deref().map(|by| field("By", name(by))));
    fields.extend(said.title.as_deref().map(|title| field("Title", name(title))));
    fields.extend(deployment.began.map(|at| field("Began", scene.ago(at))));
    fields.extend(deployment.ended.map(|at| field("Ended", scene.ago(at))));
    fields.push(field("Told by", format!("{}, as {}", name(said.integration.as_str()), name(&said.source))));
    if !said.incidents.is_empty() {
        fields.push(field("During", enumerate(&said.incidents)));
    }
    Card {
        title: format!("{} {}", said.deployment, what(said)),
        tone: match said.status {
            DeploymentStatus::Succeeded => Tone::Good,
            DeploymentStatus::Failed => Tone::Warning,
            _ => Tone::Plain,
        },
        fields,
        links: said.url.as_deref().and_then(|url| link("Deployment", url)).into_iter().collect(),
        whole: terminal(&format!("/deployment show {}", said.deployment)),
        ..Card::default()
    }
}

/// What was deployed before an incident, the nearest first.
#[must_use]
pub fn before(scene: &Scene<'_>, incident: &Incident, within: SignedDuration) -> Card {
    let (id, began) = (incident.id, scene.near(scene.state.incident_began(incident)));
    let changes = scene.state.changes_before(incident, within);
    if changes.is_empty() {
        return Card {
            title: format!("No deployment within {} before {id}.", span(within)),
            text: format!("It began at {began}. Further back: /deployment before {id} --within 1d"),
            ..Card::default()
        };
    }
    let head = ["id", "before", "service", "environment", "version", "status", "by", "same"];
    let row = |change: &Change| {
        let said = &change.deployment.said;
        let same = [(change.service, "service"), (change.environment, "environment")];
        let same: Vec<&str> = same.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
        let before = if change.before.is_zero() { "it ran".to_owned() } else { span(change.before) };
        vec![
            said.deployment.to_string(),
            before,
            name(&said.service),
            name(&said.environment),
            version(said),
            said.status.to_string(),
            by(said),
            same.join(", "),
        ]
    };
    let table = std::iter::once(head.map(str::to_owned).to_vec()).chain(changes.iter().take(ROWS).map(row));
    let count =
        if changes.len() == 1 { "1 deployment".into() } else { format!("{} deployments", changes.len()) };
    let more = changes.len().saturating_sub(ROWS);
    let more = if more > 0 { format!(" {more} more are not shown.") } else { String::new() };
    let first = changes.iter().find(|change| change.fits).or(changes.first());
    let show = first.map(|change| change.deployment.said.deployment);
    Card {
        title: format!("{count} within {} before {id}", span(within)),
        text: format!("{id} began at {began}.{more}"),
        table: table.collect(),
        buttons: show
            .map(|id| button(format!("Show {id}"), format!("/deployment show {id}")))
            .into_iter()
            .collect(),
        whole: terminal(&format!("/deployment before {id} --within {}", span(within))),
        ..Card::default()
    }
}

/// How many rows one card has.
const ROWS: usize = 50;

/// Within which time a deployment is looked for, when nobody says.
#[must_use]
pub fn usually() -> String {
    span(SUSPECT)
}

/// There is none of this id.
#[must_use]
pub fn unknown(id: DeploymentId) -> Card {
    let mut card = super::refusal::no(
        format!("There is no deployment {id}, or it is long gone."),
        "Nothing was changed.",
    );
    card.buttons.push(button("List", "/deployment list"));
    card
}
