//! Cards about incidents: one in full, lists, and what is said when one was changed. Never holds a timeline; see
//! `timeline`.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    alert,
    card::{Card, Field, Link, Tone},
    control::{self, terminal},
    deployment, guide, paging,
    plain::{NAME, plain},
    response, run,
    scene::{Scene, button, capital, enumerate, field, tone},
    timeline::Entry,
    upkeep,
    usage::{short, zone_name},
    when,
};
use crate::domain::{
    event::{Actor, Event},
    id::{IncidentId, PersonId},
    incident::{Incident, IncidentRole, IncidentStatus},
    offer::Offers,
    page::{Page, Subject},
    run::Run,
};

/// How many groups, alerts or incidents are named; the others are counted.
const MOST: usize = 10;
/// How many runs are named; the others are counted.
const MOST_RUNS: usize = 5;
/// How many guides are named, the last one first.
const MOST_GUIDES: usize = 3;

/// One incident in full.
#[must_use]
pub fn card(scene: &Scene<'_>, incident: &Incident) -> Card {
    let mut fields = vec![
        field("Severity", scene.severity(&incident.severity)),
        field("Status", incident.status.as_str()),
        field("Opened", format!("{} by {}", scene.ago(incident.opened_at), incident.opened_by)),
        field("Acknowledged", acknowledged(scene, incident)),
    ];
    fields.extend(roles(scene, incident));
    fields.extend(incident.mitigated_at.map(|at| field("Mitigated", scene.near(at))));
    fields.extend(incident.resolved_at.map(|at| field("Resolved", resolved(scene, incident, at))));
    match incident.held {
        Some(since) => {
            let since = scene.near(scene.civil(since));
            fields.push(field("Waits", format!("since {since}: {}", super::quiet::message::WAITS)));
        }
        None => {
            fields.extend(incident.update_due.map(|due| field("Update due", scene.near(scene.civil(due)))));
        }
    }
    fields.extend(response::fields(scene, incident));
    fields.extend(groups(scene, incident));
    let change = scene.state.last_change(incident);
    fields.extend(change.map(|change| field("Last deployment", deployment::last(&change))));
    fields.extend(pages(scene, incident));
    fields.extend(offered(incident));
    fields.extend(runs(scene, incident));
    let guides = incident.guides.iter().rev().take(MOST_GUIDES);
    fields.extend(guides.map(|one| field("Guide", guide::stands(scene, one))));
    let tone =
        if incident.is_open() { tone(incident.urgency, incident.acknowledged.is_some()) } else { Tone::Good };
    Card {
        title: title(incident),
        tone,
        fields,
        table: firing(scene, incident),
        links: links(scene, incident),
        buttons: buttons(scene, incident),
        selects: selects(scene, incident),
        whole: terminal(&format!("/incident show {}", incident.id)),
        ..Card::default()
    }
}

/// `INC-7 P1 database is down`.
fn title(incident: &Incident) -> String {
    format!("{} {} {}", incident.id, incident.severity, incident.title)
}

fn acknowledged(scene: &Scene<'_>, incident: &Incident) -> String {
    match (&incident.acknowledged, incident.acknowledge_due) {
        (Some((by, at)), _) => {
            format!("by {by} at {}, after {}", scene.near(*at), when::since(incident.opened_at, *at))
        }
        (None, Some(due)) if incident.held.is_none() => {
            format!("not yet; due by {}", scene.near(scene.civil(due)))
        }
        (None, _) => "not yet".to_owned(),
    }
}

fn resolved(scene: &Scene<'_>, incident: &Incident, at: jiff::Timestamp) -> String {
    format!("{}, after {}", scene.near(at), when::since(incident.opened_at, at))
}

fn roles(scene: &Scene<'_>, incident: &Incident) -> Vec<Field> {
    let named = incident.roles.iter().filter(|(_, people)| !people.is_empty());
    let mut fields: Vec<Field> = named
        .map(|(role, people)| {
            field(&capital(role.as_str()), enumerate(people.iter().map(|id| scene.person(id))))
        })
        .collect();
    if incident.commander().is_none() && incident.is_open() {
        fields.insert(0, field("Commander", "nobody yet"));
    }
    fields
}

fn groups(scene: &Scene<'_>, incident: &Incident) -> Option<Field> {
    let names = incident.groups.iter().rev().take(MOST).map(|id| match scene.state.groups.get(id) {
        Some(group) => format!("{id} ({} firing)", group.firing.len()),
        None => format!("{id} (closed)"),
    });
    let mut names: Vec<String> = names.collect();
    let more = incident.groups.len().saturating_sub(names.len());
    if more > 0 {
        names.push(format!("{more} more"));
    }
    (!names.is_empty()).then(|| field("Groups", names.join(", ")))
}

/// Who was paged, and whom the pages that run will page next.
fn pages(scene: &Scene<'_>, incident: &Incident) -> Vec<Field> {
    let state = scene.state;
    let mut paged: BTreeSet<&PersonId> = incident.paged.iter().collect();
    paged.extend(&incident.response.paged_for_groups);
    let mut fields = Vec::new();
    if !paged.is_empty() {
        fields.push(field("Paged", enumerate(paged)));
    }
    let running = state.pages.values().filter(|page| page.subject.incident() == Some(incident.id));
    fields.extend(running.filter_map(|page| next_step(scene, page)));
    fields
}

/// The last runs for it, with how they ended.
fn runs(scene: &Scene<'_>, incident: &Incident) -> Option<Field> {
    let mut all = scene.state.runs_of_incident(incident.id);
    let one = |run: &Arc<Run>| run::in_short(scene, run);
    let named: Vec<String> = all.by_ref().take(MOST_RUNS).map(one).collect();
    let more = all.count();
    let more = (more > 0).then(|| format!("{more} more"));
    (!named.is_empty()).then(|| field("Runs", named.into_iter().chain(more).collect::<Vec<_>>().join("; ")))
}

fn next_step(scene: &Scene<'_>, page: &Page) -> Option<Field> {
    let (_, _, step) = page.next_step()?;
    let whom = paging::meant(scene, &step.page);
    let when = if page.held {
        "when something of it is heard".to_owned()
    } else {
        format!("at {}", scene.near(scene.civil(page.next_at)))
    };
    Some(field("Pages next", format!("{whom} {when}")))
}

fn firing(scene: &Scene<'_>, incident: &Incident) -> Vec<Vec<String>> {
    let groups = incident.response.open_groups.iter().filter_map(|id| scene.state.groups.get(id));
    let alerts = groups.flat_map(|group| &group.firing).filter_map(|id| scene.state.alerts.get(id));
    alert::rows(scene, alerts.take(MOST).map(|alert| &**alert))
}

fn links(scene: &Scene<'_>, incident: &Incident) -> Vec<Link> {
    let groups = incident.response.open_groups.iter().filter_map(|id| scene.state.groups.get(id));
    let alerts = groups.flat_map(|group| &group.firing).filter_map(|id| scene.state.alerts.get(id));
    let mut links: Vec<Link> = response::links(incident);
    for link in
        alerts.take(MOST).flat_map(|a| alert::links(&a.annotations, a.graph.as_deref(), a.source.as_deref()))
    {
        if !links.iter().any(|known| known.url == link.url) && links.len() < MOST {
            links.push(link);
        }
    }
    links
}

fn buttons(scene: &Scene<'_>, incident: &Incident) -> Vec<super::card::Button> {
    let open = incident.is_open();
    let paging = scene.state.is_paged_for(Subject::Incident(incident.id));
    let taken = incident.acknowledged.is_some() && !paging;
    let mut buttons = control::of_incident(incident.id, open, taken, incident.response.merged_into);
    if open {
        buttons.extend(control::offered(incident.id, &incident.offered));
    }
    buttons
}

/// The runbooks that its severity offers.
fn offered(incident: &Incident) -> Option<Field> {
    let runbooks = incident.offered.iter().map(|offer| plain(&offer.runbook, NAME));
    let runbooks: Vec<String> = runbooks.filter(|_| incident.is_open()).collect();
    (!runbooks.is_empty()).then(|| field("Runbooks", runbooks.join(", ")))
}

fn selects(scene: &Scene<'_>, incident: &Incident) -> Vec<super::card::Select> {
    if !incident.is_open() {
        return Vec::new();
    }
    control::lists(incident.id, &Offers::of(scene.state, scene.config, incident, scene.now.civil))
}

/// Incidents, the newest first; `all`: the resolved ones too.
#[must_use]
pub fn list(scene: &Scene<'_>, all: bool, limit: usize) -> Card {
    // Of all that ever were only those are looked at that are shown.
    let incidents = &scene.state.incidents;
    let open = || scene.state.open_incidents.iter().rev().filter_map(|id| incidents.get(id));
    let total = if all { incidents.len() } else { scene.state.open_incidents.len() };
    let what = if all { "incident" } else { "open incident" };
    if total == 0 {
        let text = if all { "" } else { "Earlier ones: /incident list --all" };
        return Card {
            title: format!("No {what}."),
            tone: Tone::Good,
            text: text.to_owned(),
            ..Card::default()
        };
    }
    let head = ["id", "severity", "status", "title", "opened", "commander"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    let row = |incident: &Arc<Incident>| {
        vec![
            incident.id.to_string(),
            incident.severity.to_string(),
            standing(incident),
            incident.title.to_string(),
            scene.near(incident.opened_at),
            incident.commander().map_or_else(|| "nobody".to_owned(), ToString::to_string),
        ]
    };
    if all {
        table.extend(incidents.values().rev().take(limit).map(row));
    } else {
        table.extend(open().take(limit).map(row));
    }
    let untaken = open().any(|incident| incident.acknowledged.is_none());
    let more = total.saturating_sub(limit);
    let text = if more > 0 { format!("{more} more are not shown: --limit N") } else { String::new() };
    let title = if total == 1 { format!("1 {what}") } else { format!("{total} {what}s") };
    let whole = terminal(if all { "/incident list --all" } else { "/incident list" });
    let tone = if untaken { Tone::Critical } else { Tone::Plain };
    Card { title, tone, text, table, whole, ..Card::default() }
}

fn standing(incident: &Incident) -> String {
    let untaken = incident.is_open() && incident.acknowledged.is_none();
    if untaken { format!("{}, nobody has it", incident.status) } else { incident.status.to_string() }
}

/// One was opened: its id, whom it pages, what its severity asks.
#[must_use]
pub fn opened(scene: &Scene<'_>, incident: &Incident, events: &[Event]) -> Card {
    let mut fields = vec![field("Severity", meaning(scene, incident))];
    let paging = paging::fields(scene, events);
    if paging.is_empty() {
        fields.push(field("Pages now", nobody_new(scene, incident)));
    }
    fields.extend(paging);
    fields.extend(deadlines(scene, incident));
    Card {
        title: format!("{} is open: {}", incident.id, incident.title),
        tone: tone(incident.urgency, incident.acknowledged.is_some()),
        fields,
        buttons: buttons(scene, incident),
        selects: selects(scene, incident),
        ..Card::default()
    }
}

/// Why opening it pages nobody.
fn nobody_new(scene: &Scene<'_>, incident: &Incident) -> String {
    let groups = incident.groups.iter().filter_map(|id| scene.state.groups.get(id));
    let mut paging = groups.filter(|group| !group.pages.is_empty()).map(|group| group.id);
    match (&incident.acknowledged, paging.next()) {
        (Some((by, _)), _) => format!("nobody: {by} has it"),
        (None, Some(group)) => format!("nobody else: {group} pages already"),
        (None, None) => {
            format!("nobody: severity {} names no policy. /page PERSON|TEAM|POLICY reason", incident.severity)
        }
    }
}

fn meaning(scene: &Scene<'_>, incident: &Incident) -> String {
    let name = scene.severity(&incident.severity);
    match scene.config.severities.get(&incident.severity) {
        Some(severity) if !severity.means.is_empty() => format!("{name}: {}", severity.means),
        _ => name,
    }
}

/// What the severity asks, with the instants.
fn deadlines(scene: &Scene<'_>, incident: &Incident) -> Vec<Field> {
    let mut fields = Vec::new();
    if incident.acknowledged.is_none()
        && let Some(due) = incident.acknowledge_due
    {
        fields.push(field("Acknowledge by", scene.near(scene.civil(due))));
    }
    fields.extend(incident.update_due.map(|due| field("First update by", scene.near(scene.civil(due)))));
    fields.extend(incident.expect.unresolved.iter().skip(incident.unresolved_paged).filter_map(|next| {
        let due = scene.civil(incident.severe_since.checked_add(next.after).ok()?);
        Some(field("Not resolved by", format!("{}: pages {}", scene.near(due), next.policy)))
    }));
    fields
}

/// One was changed: what, and what follows for those who are paged.
#[must_use]
pub fn changed(scene: &Scene<'_>, incident: &Incident, what: &str, events: &[Event]) -> Card {
    let mut fields = vec![field("Incident", title(incident))];
    fields.extend(paging::fields(scene, events));
    if incident.is_open() && incident.held.is_none() {
        fields.extend(incident.update_due.map(|due| field("Next update by", scene.near(scene.civil(due)))));
    }
    Card { title: what.to_owned(), tone: Tone::Good, fields, ..Card::default() }
}

/// One was resolved.
#[must_use]
pub fn closed(scene: &Scene<'_>, incident: &Incident, events: &[Event]) -> Card {
    let after = incident.resolved_at.map(|at| when::since(incident.opened_at, at)).unwrap_or_default();
    let mut card = changed(scene, incident, &format!("{} is resolved after {after}.", incident.id), events);
    let firing = &incident.response.open_groups;
    if !firing.is_empty() {
        card.tone = Tone::Warning;
        let mut named: Vec<String> = firing.iter().take(MOST).map(ToString::to_string).collect();
        let more = firing.len().saturating_sub(MOST);
        named.extend((more > 0).then(|| format!("{more} more groups")));
        card.text = format!("Alerts still fire in {}.", enumerate(named));
    }
    let (_, tasks) = scene.state.next_tasks(incident, 0);
    if tasks > 0 {
        card.fields
            .push(field("Tasks", format!("{tasks} open: they stay, /incident task list {}", incident.id)));
    }
    card.buttons = buttons(scene, incident);
    card
}

/// Who leads now.
#[must_use]
pub fn assigned(incident: IncidentId, to: &PersonId, by: &Actor) -> String {
    let told = if by.person() == Some(to) { "" } else { ", and is paged" };
    format!("{to} leads {incident} now{told}.")
}

/// Who has a role now.
#[must_use]
pub fn role_given(incident: IncidentId, role: IncidentRole, to: Option<&PersonId>) -> String {
    match to {
        Some(person) => format!("{person} is {role} of {incident} now."),
        None => format!("{incident} has no {role} any more."),
    }
}

/// How bad it is now.
#[must_use]
pub fn severity_is(incident: IncidentId, severity: &str) -> String {
    format!("{incident} is {severity} now.")
}

/// Where the response stands now; `changed`: it was said in this command.
#[must_use]
pub fn status_is(incident: IncidentId, status: IncidentStatus, changed: bool) -> String {
    if changed {
        format!("{incident} is {status} now.")
    } else {
        format!("{incident} is still {status}; the update is kept.")
    }
}

/// A note was kept.
#[must_use]
pub fn noted(incident: IncidentId, text: &str) -> String {
    format!("Noted on {incident}: {}", short(text))
}

/// What happened, oldest first; `archived`: the beginning is not among it.
#[must_use]
pub fn timeline(scene: &Scene<'_>, incident: &Incident, entries: &[Entry], archived: bool) -> Card {
    let head = ["time", "by", "what"].map(str::to_owned).to_vec();
    let rows = entries
        .iter()
        .map(|entry| vec![when::precise(entry.at, scene.zone), entry.by.clone(), entry.text.clone()]);
    let first_day = entries.first().map(|entry| when::day(entry.at, scene.zone)).unwrap_or_default();
    let text = match (entries.is_empty(), archived) {
        (true, true) => upkeep::in_an_archive(scene.state),
        (true, false) => "Nothing is on the timeline yet.".to_owned(),
        (false, _) => {
            let more =
                if archived { format!(" {}", upkeep::in_an_archive(scene.state)) } else { String::new() };
            format!("Timeline from {first_day}, times in {}.{more}", zone_name(scene.zone))
        }
    };
    Card {
        title: title(incident),
        text,
        table: if entries.is_empty() { Vec::new() } else { std::iter::once(head).chain(rows).collect() },
        newest_last: true,
        whole: terminal(&format!("/incident timeline {} --limit 500", incident.id)),
        ..Card::default()
    }
}

/// The document of an incident.
#[must_use]
pub fn postmortem(incident: &Incident, document: String) -> Card {
    let text =
        if incident.is_open() { "The incident is still open: this is what is known so far." } else { "" };
    Card {
        title: format!("Postmortem of {}", incident.id),
        text: text.to_owned(),
        document,
        whole: terminal(&format!("/incident postmortem {}", incident.id)),
        ..Card::default()
    }
}

/// It was not over.
#[must_use]
pub fn reopened(scene: &Scene<'_>, incident: &Incident, events: &[Event]) -> Card {
    let mut card = changed(scene, incident, &format!("{} is open again.", incident.id), events);
    card.buttons = buttons(scene, incident);
    let text = "Nobody is paged by that; to page somebody: /page PERSON|TEAM|POLICY reason".to_owned();
    Card { text, ..card }
}

/// None is open, so a command without an id means nothing.
#[must_use]
pub fn none_meant(open: bool) -> Card {
    let (what, list) = if open {
        ("No incident is open.", " Earlier ones: /incident list --all")
    } else {
        ("There is no such incident.", " All of them: /incident list --all")
    };
    super::refusal::no(what.to_owned(), &format!("Nothing was changed.{list}"))
}

/// Several may be meant; `command` makes the command for one of them.
#[must_use]
pub fn choose(incidents: &[(IncidentId, String)], command: impl Fn(IncidentId) -> String) -> Card {
    let mut card =
        super::refusal::no("Which incident?".to_owned(), "Several may be meant; nothing was changed yet.");
    let offer = |(id, title): &(IncidentId, String)| button(format!("{id} {title}"), command(*id));
    card.buttons = incidents.iter().take(MOST).map(offer).collect();
    card
}
