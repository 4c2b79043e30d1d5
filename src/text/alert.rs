//! Cards about alerts. Labels and annotations come from outside: they are shown as they are, one line each, and
//! whoever renders them escapes them. Never shows more than a reader can take in.

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    card::{Card, Field, Link, Tone},
    control,
    plain::{NAME, WORDS, plain},
    scene::{Scene, button, enumerate, field, link, tone},
};
use crate::domain::{
    alert::{Alert, name},
    event::{AlertFired, ResolvedBy},
    group::Group,
    id::{AlertId, GroupId, SeverityId},
    labels::Labels,
    page::Subject,
};

/// How many labels are shown; the others are counted.
const MOST_LABELS: usize = 30;

/// Where a runbook's address stands.
const RUNBOOK: [&str; 2] = ["runbook_url", "runbook"];
/// Where a dashboard's address stands.
const DASHBOARD: [&str; 3] = ["dashboard_url", "dashboard", "grafana_url"];

/// Alerts that fire, the newest first.
#[must_use]
pub fn list(scene: &Scene<'_>, limit: usize) -> Card {
    let total = scene.state.alerts.len();
    if total == 0 {
        let text = "Earlier ones: /alert list --ended".to_owned();
        return Card { title: "No alert fires.".to_owned(), tone: Tone::Good, text, ..Card::default() };
    }
    let alerts = scene.state.alerts.values().rev().take(limit).map(|alert| &**alert);
    let waits = |group: &Arc<Group>| group.acknowledged.is_none() && group.hush.is_none();
    let untaken = scene.state.groups.values().any(waits);
    let title = if total == 1 { "1 alert fires".to_owned() } else { format!("{total} alerts fire") };
    let more = total.saturating_sub(limit);
    let text = if more > 0 { format!("{more} more are not shown: --limit N") } else { String::new() };
    let tone = if untaken { Tone::Critical } else { Tone::Warning };
    let whole = control::terminal("/alert list");
    Card { title, tone, text, table: rows(scene, alerts), whole, ..Card::default() }
}

/// A table of alerts with its head; empty without any.
pub(super) fn rows<'a>(scene: &Scene<'_>, alerts: impl Iterator<Item = &'a Alert>) -> Vec<Vec<String>> {
    let head = ["alert", "name", "severity", "since", "group", "summary"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend(alerts.map(|alert| {
        vec![
            alert.id.to_string(),
            plain(alert.name(), NAME),
            alert.severity.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            scene.near(alert.starts_at),
            alert.groups.iter().map(|id| in_row(scene, *id)).collect::<Vec<_>>().join(", "),
            plain(summary(&alert.annotations), NAME),
        ]
    }));
    if rows.len() == 1 { Vec::new() } else { rows }
}

/// Alerts that ended, the last one first: what fired, when it ended.
#[must_use]
pub fn ended_list(scene: &Scene<'_>, ended: &[(AlertFired, Timestamp)]) -> Card {
    if ended.is_empty() {
        return Card { title: "No alert has ended yet.".to_owned(), ..Card::default() };
    }
    let head = ["alert", "name", "severity", "from", "until"].map(str::to_owned).to_vec();
    let rows = ended.iter().map(|(fired, until)| {
        vec![
            fired.alert.to_string(),
            plain(name(&fired.labels), NAME),
            fired.severity.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
            scene.near(fired.starts_at),
            scene.near(*until),
        ]
    });
    let table = std::iter::once(head).chain(rows).collect();
    Card { title: "Alerts that ended".to_owned(), table, ..Card::default() }
}

/// An alert that fires.
#[must_use]
pub fn card(scene: &Scene<'_>, alert: &Alert) -> Card {
    let urgency = scene.config.urgency(alert.severity.as_ref());
    let taken = |id: &GroupId| {
        let group = scene.state.groups.get(id);
        let paging = scene.state.is_paged_for(Subject::Group(*id, None));
        !paging && group.is_some_and(|group| group.acknowledged.is_some())
    };
    let acknowledged = !alert.groups.is_empty() && alert.groups.iter().all(taken);
    let mut card = facts(scene, alert.id, &alert.labels, &alert.annotations, alert.severity.as_ref());
    card.tone = tone(urgency, acknowledged);
    let mut fields =
        vec![field("Fires since", scene.ago(alert.starts_at)), field("Source", alert.integration.as_str())];
    fields.extend(alert.groups.iter().map(|id| field("Group", group(scene, *id))));
    fields.extend(super::quiet::of_alert(scene, &alert.labels));
    fields.append(&mut card.fields);
    card.fields = fields;
    card.links = links(&alert.annotations, alert.graph.as_deref(), alert.source.as_deref());
    if !acknowledged {
        card.buttons.push(button("Acknowledge", format!("/alert ack {}", alert.id)));
    }
    let groups = || alert.groups.iter().filter_map(|id| scene.state.groups.get(id));
    let alone = groups().filter(|group| group.incident.is_none()).map(|group| group.id);
    card.buttons.extend(alone.take(1).map(control::open_incident));
    let incidents = groups().filter_map(|group| group.incident);
    card.buttons.extend(incidents.map(|id| button(id.to_string(), format!("/incident show {id}"))));
    card
}

/// An alert that ended.
#[must_use]
pub fn ended(
    scene: &Scene<'_>,
    fired: &AlertFired,
    ends_at: Option<Timestamp>,
    by: Option<&ResolvedBy>,
) -> Card {
    let mut card = facts(scene, fired.alert, &fired.labels, &fired.annotations, fired.severity.as_ref());
    card.tone = Tone::Good;
    let until = ends_at.map_or_else(|| "no longer".to_owned(), |at| scene.near(at));
    let mut fields = vec![
        field("Fired", format!("from {} until {until}", scene.near(fired.starts_at))),
        field("Source", fired.integration.as_str()),
    ];
    fields.extend(by.map(|by| field("Resolved by", resolver(by))));
    if !fired.groups.is_empty() {
        fields.push(field("Group", enumerate(&fired.groups)));
    }
    fields.append(&mut card.fields);
    card.fields = fields;
    card.links = links(&fired.annotations, fired.graph.as_deref(), fired.source.as_deref());
    card
}

fn resolver(by: &ResolvedBy) -> String {
    match by {
        ResolvedBy::Source(integration) => integration.to_string(),
        ResolvedBy::SourceGroup(integration) => format!("{integration}, as part of a whole group"),
        ResolvedBy::Person(person) => person.to_string(),
        ResolvedBy::Operator => "operator".to_owned(),
    }
}

/// What is the same for an alert that fires and one that ended.
fn facts(
    scene: &Scene<'_>,
    id: AlertId,
    labels: &Labels,
    annotations: &Labels,
    severity: Option<&SeverityId>,
) -> Card {
    let of = severity.map_or_else(|| "none".to_owned(), |severity| scene.severity(severity));
    let mut fields = vec![field("Severity", of)];
    let is_link = |name: &str| RUNBOOK.contains(&name) || DASHBOARD.contains(&name);
    fields.extend(pairs(labels, |name| name != "alertname"));
    fields.extend(pairs(annotations, |name| !is_link(name) && name != "summary"));
    Card {
        title: format!("{id} {}", plain(name(labels), NAME)),
        text: plain(summary(annotations), WORDS),
        fields,
        whole: control::terminal(&format!("/alert show {id}")),
        ..Card::default()
    }
}

fn pairs(labels: &Labels, shown: impl Fn(&str) -> bool) -> Vec<Field> {
    let all = || labels.iter().filter(|(name, _)| shown(name));
    let shown_pairs = all().take(MOST_LABELS);
    let mut fields: Vec<Field> =
        shown_pairs.map(|(name, value)| field(&plain(name, NAME), plain(value, WORDS))).collect();
    let more = all().count().saturating_sub(fields.len());
    if more > 0 {
        fields.push(field("…", format!("{more} more")));
    }
    fields
}

/// `G-17`, or `G-17 (quiet until 14:00 by silence S-1)`.
fn in_row(scene: &Scene<'_>, id: GroupId) -> String {
    let group = scene.state.groups.get(&id);
    match group.and_then(|group| super::quiet::standing(scene, group)) {
        Some(how) => format!("{id} ({how})"),
        None => id.to_string(),
    }
}

/// `G-17 QflowDown (ana has it), INC-7`.
fn group(scene: &Scene<'_>, id: GroupId) -> String {
    let Some(group) = scene.state.groups.get(&id) else { return format!("{id} (closed)") };
    let who = group
        .acknowledged
        .as_ref()
        .map_or_else(|| "nobody has it".to_owned(), |(by, _)| format!("{by} has it"));
    let incident = group.incident.map(|incident| format!(", {incident}")).unwrap_or_default();
    let quiet = super::quiet::standing(scene, group).map(|how| format!(", {how}")).unwrap_or_default();
    format!("{id} {} ({who}{quiet}){incident}", plain(&group.title, NAME))
}

/// What an alert says about itself in a line.
fn summary(annotations: &Labels) -> &str {
    ["summary", "message", "description"].iter().find_map(|name| annotations.get(name)).unwrap_or_default()
}

/// Runbook, dashboard, graph and source of an alert.
pub(super) fn links(annotations: &Labels, graph: Option<&str>, source: Option<&str>) -> Vec<Link> {
    let first = |names: &[&str]| names.iter().find_map(|name| annotations.get(name));
    [("Runbook", first(&RUNBOOK)), ("Dashboard", first(&DASHBOARD)), ("Graph", graph), ("Source", source)]
        .into_iter()
        .filter_map(|(text, url)| link(text, url?))
        .collect()
}
