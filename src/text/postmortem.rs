//! The postmortem of an incident as a Markdown document, from its timeline. Never invents: what is not known is
//! left to the people as a question. The same incident and records give the same document.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    deployment, fold,
    handover::lasted,
    plain::{NAME, WORDS, plain},
    response,
    span::span,
    task,
};
use crate::domain::{
    deployment::Change,
    event::{Event, Record},
    incident::{Incident, IncidentRole},
    page::PageReason,
    response::Task,
};

/// Labels that say where it hurt, in the order of their use.
const TELLING: [&str; 7] = ["service", "job", "cluster", "environment", "region", "namespace", "instance"];
/// Values of one label that are named; the others are counted.
const VALUES: usize = 8;
/// Deployments that are named; the others are counted.
const CHANGES: usize = 20;
/// Entries that the document holds; of a longer timeline the oldest ones, and the number of the others.
const ENTRIES: usize = 2000;

/// The document, from the incident, its tasks (due in civil time), what was deployed before it, and all records of its
/// timeline (oldest first). `now` counts only while the incident is open. Times are UTC.
#[must_use]
pub fn postmortem(
    incident: &Incident,
    tasks: &[Task],
    changes: &[Change],
    records: &[Record],
    now: Timestamp,
) -> String {
    let title = line(incident.title.as_str());
    let mut text = format!("# {}: {title}\n\n", incident.id);
    summary(&mut text, incident, now);
    impact(&mut text, incident, records, now);
    connected(&mut text, incident);
    deployed(&mut text, changes);
    times(&mut text, incident, records);
    entries(&mut text, incident, records);
    text.push_str("\n## What went well, what did not\n\n_To be written._\n");
    follow_ups(&mut text, tasks);
    text
}

/// The document of an incident whose older entries are in an archive; `note` says where.
#[must_use]
pub fn shortened(document: &str, note: &str) -> String {
    // Behind the title, before all that is made of what can be read.
    document.replacen("\n\n", &format!("\n\n> {note} Figures and people below are of the rest.\n\n"), 1)
}

/// Adds one line; writing to a string does not fail.
macro_rules! line {
    ($text:expr, $($arg:tt)*) => { let _ = writeln!($text, $($arg)*); };
}

fn summary(text: &mut String, incident: &Incident, now: Timestamp) {
    let end = incident.resolved_at.filter(|_| !incident.is_open());
    let lasted = span(end.unwrap_or(now).duration_since(incident.opened_at));
    let lasted = if end.is_some() { lasted } else { format!("{lasted} so far") };
    line!(text, "## Summary\n");
    line!(text, "| | |\n| --- | --- |");
    line!(text, "| Severity | {} |", line(incident.severity.as_str()));
    line!(text, "| Status | {} |", incident.status);
    line!(text, "| Opened | {} by {} |", at(incident.opened_at), line(&incident.opened_by.to_string()));
    line!(text, "| Duration | {lasted} |");
    for role in IncidentRole::ALL {
        let people: Vec<String> =
            incident.roles.get(&role).into_iter().flatten().map(|person| line(person.as_str())).collect();
        if !people.is_empty() || role == IncidentRole::Commander {
            let people = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
            let mut name = role.to_string();
            name.get_mut(..1).map(str::make_ascii_uppercase);
            line!(text, "| {name} | {people} |");
        }
    }
    line!(text, "\n_What happened, in two or three sentences: to be written._");
}

/// What the timeline knows of the impact.
fn impact(text: &mut String, incident: &Incident, records: &[Record], now: Timestamp) {
    let mut alerts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut paged = BTreeSet::new();
    for record in records {
        match &record.event {
            Event::AlertFired(fired) => {
                *alerts.entry(crate::domain::alert::name(&fired.labels)).or_default() += 1;
                for label in TELLING {
                    values.entry(label).or_default().extend(fired.labels.get(label));
                }
            }
            Event::StepTaken(taken) => paged.extend(taken.people.iter().map(|paged| paged.person.as_str())),
            _ => {}
        }
    }
    line!(text, "\n## Impact\n");
    match &incident.response.impact {
        Some(known) => {
            line!(text, "{}\n", markdown(&plain(known.text.as_str(), WORDS)));
            let lasted = lasted(known.started_at, known.ended_at, now);
            let until = known.ended_at.map_or_else(|| "now".to_owned(), at);
            line!(text, "- Impact: from {} until {until} ({lasted})", at(known.started_at));
        }
        None => {
            line!(text, "_Who noticed what, and how many of them: to be written._ What Watchbell knows:\n");
        }
    }
    match alerts.values().sum::<u64>() {
        0 => {
            line!(text, "- No alert belongs to this incident.");
        }
        count => {
            let names = alerts.iter().map(|(name, count)| format!("{} × {count}", line(name)));
            line!(text, "- Alerts: {count} ({})", some(names));
        }
    }
    for label in TELLING {
        if let Some(values) = values.get(label).filter(|values| !values.is_empty()) {
            line!(text, "- {label}: {}", some(values.iter().map(|value| line(value))));
        }
    }
    if !paged.is_empty() {
        line!(text, "- People paged: {}", some(paged.iter().map(|person| line(person))));
    }
}

/// Where more of it stands, and which incidents have to do with it; nothing when there is nothing.
fn connected(text: &mut String, incident: &Incident) {
    let of = &incident.response;
    let mut lines = Vec::new();
    lines.extend(of.merged_into.map(|into| format!("Merged into {into}, where the response went on")));
    let ids = |ids: &BTreeSet<crate::domain::id::IncidentId>| some(ids.iter().map(ToString::to_string));
    if !of.merged.is_empty() {
        lines.push(format!("Merged into this one: {}", ids(&of.merged)));
    }
    if !of.related.is_empty() {
        lines.push(format!("Related: {}", ids(&of.related)));
    }
    lines.extend(of.links.iter().map(|link| {
        let url = link.url.as_str();
        let safe = !url.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>'));
        let url = if safe { format!("<{url}>") } else { line(url) };
        format!("{}: {url}", line(&response::called(link)))
    }));
    if lines.is_empty() {
        return;
    }
    line!(text, "\n## Links\n");
    for one in lines {
        line!(text, "- {one}");
    }
}

/// What is still to be done, and what was.
fn follow_ups(text: &mut String, tasks: &[Task]) {
    line!(text, "\n## Follow-ups\n");
    for task in tasks {
        let mark = if task.is_open() { ' ' } else { 'x' };
        let owner = task.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| line(owner.as_str()));
        let stands = task::ended(task).map(|ended| line(&ended));
        let due = task.due.filter(|_| task.is_open()).map(|due| format!("due {}", at(due)));
        let how = stands.or(due).map(|how| format!(", {how}")).unwrap_or_default();
        line!(text, "- [{mark}] {} {} ({owner}{how})", task.id, markdown(&plain(task.text.as_str(), WORDS)));
    }
    if !tasks.iter().any(Task::is_open) {
        line!(text, "- [ ] _What keeps this from happening again? One line each, with an owner and a date._");
    }
}

/// What was deployed before it; nothing when nothing was.
fn deployed(text: &mut String, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    line!(text, "\n## Deployments before\n");
    for change in changes.iter().take(CHANGES) {
        line!(text, "- {}", markdown(&deployment::in_document(change)));
    }
    if let Some(more) = changes.len().checked_sub(CHANGES).filter(|more| *more > 0) {
        line!(text, "- {more} more");
    }
}

/// Times to acknowledge, mitigate and resolve, from the opening of the incident.
fn times(text: &mut String, incident: &Incident, records: &[Record]) {
    let first =
        |wanted: fn(&Event) -> bool| records.iter().find(|record| wanted(&record.event)).map(|r| r.at);
    let fired = first(|event| matches!(event, Event::AlertFired(_)));
    let paged = first(|event| matches!(event, Event::StepTaken(taken) if !taken.people.is_empty()));
    let escalated = first(
        |event| matches!(event, Event::PageStarted(page) if matches!(page.reason, PageReason::Unresolved(_))),
    );
    let from = incident.opened_at;
    line!(text, "\n## Times\n");
    line!(text, "| | at (UTC) | after the opening |\n| --- | --- | --- |");
    let mut row = |name: &str, when: Option<Timestamp>, missing: &str| match when {
        Some(when) => {
            let after = when.duration_since(from);
            let after =
                if after < SignedDuration::ZERO { format!("{} before", span(after)) } else { span(after) };
            line!(text, "| {name} | {} | {after} |", at(when));
        }
        None if missing.is_empty() => {}
        None => {
            line!(text, "| {name} | {missing} | |");
        }
    };
    row("First alert", fired, "");
    row("Opened", Some(from), "");
    row("First page", paged, "nobody was paged");
    row("Acknowledged", incident.acknowledged.as_ref().map(|(_, at)| *at), "not acknowledged");
    row("Paged as unresolved", escalated, "");
    row("Mitigated", incident.mitigated_at, "not recorded");
    row("Resolved", incident.resolved_at.filter(|_| !incident.is_open()), "not resolved");
    let impact = incident.response.impact.as_ref();
    row("Impact began", impact.map(|impact| impact.started_at), "");
    row("Impact ended", impact.and_then(|impact| impact.ended_at), "");
}

fn entries(text: &mut String, incident: &Incident, records: &[Record]) {
    line!(text, "\n## Timeline (UTC)\n");
    let mut entries = fold::entries(records, &TimeZone::UTC).into_iter();
    line!(text, "| at | what | by | |\n| --- | --- | --- | --- |");
    for entry in entries.by_ref().take(ENTRIES) {
        let words = markdown(&plain(&entry.text, WORDS));
        line!(text, "| {} | {} | {} | {words} |", at(entry.at), entry.kind, line(&entry.by));
    }
    match entries.count() {
        0 => {}
        more => {
            line!(
                text,
                "\nAt least {more} later entries are not shown; `GET /api/v1/incidents/{}/timeline` has them all.",
                incident.id
            );
        }
    }
}

/// At most [`VALUES`] of them, and how many more there are.
fn some(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    let mut text = parts.iter().take(VALUES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(more) = parts.len().checked_sub(VALUES).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// The host of an address, which is what a link without words is called.
#[must_use]
pub fn host(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    plain(&host.unwrap_or_else(|| "link".to_owned()), NAME)
}

/// `2026-03-01 09:00:12`.
pub(super) fn at(instant: Timestamp) -> String {
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A name from outside, for a line of Markdown.
fn line(text: &str) -> String {
    markdown(&plain(text, NAME))
}

/// One line of text that Markdown shows as it is: no markup, no link (also none that is made of a bare address), no
/// cell border, no HTML.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut before = String::new();
    for char in text.chars() {
        let escape = match char {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&' | '!' | '$' | '@' => true,
            // `https:` and `www.` become links on many code hosts.
            ':' => ["http", "https", "ftp", "mailto", "xmpp"].iter().any(|scheme| before.ends_with(scheme)),
            '.' => before.ends_with("www"),
            _ => false,
        };
        if escape {
            safe.push('\\');
        }
        safe.push(char);
        before = if char.is_alphanumeric() {
            before + char.to_lowercase().to_string().as_str()
        } else {
            String::new()
        };
    }
    safe
}

#[cfg(test)]
#[path = "postmortem_tests.rs"]
mod tests;
