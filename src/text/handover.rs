//! A summary of an incident for whoever takes it over. Never says more than is known, and is short enough to be read
//! while something is broken.

use jiff::Timestamp;

use super::{
    card::{Card, Field, Link, Tone},
    plain::{NAME, plain},
    postmortem,
    scene::{Scene, button, capital, enumerate, field, link},
    task, when,
};
use crate::domain::{
    event::Actor,
    id::{IncidentId, PersonId},
    response::{HandoverFacts, NextDue},
};

/// How it stands, for whoever asks.
#[must_use]
pub fn card(scene: &Scene<'_>, facts: &HandoverFacts) -> Card {
    let near = |at: Timestamp| scene.near(at);
    let mut card = summary(facts, &near);
    card.title = format!("Handover of {}", title(facts));
    card
}

/// The same for somebody who leads from now on; `at` says an instant.
#[must_use]
pub fn told(facts: &HandoverFacts, at: impl Fn(Timestamp) -> String) -> Card {
    let mut card = summary(facts, &at);
    card.title = format!("You lead {}", title(facts));
    card.tone = Tone::Warning;
    card
}

/// The lead went to somebody.
#[must_use]
pub fn given(incident: IncidentId, to: &PersonId, by: &Actor) -> String {
    let told = if by.person() == Some(to) { "" } else { ", and is told how it stands" };
    format!("{to} leads {incident} now{told}. Pages go on as they are.")
}

fn title(facts: &HandoverFacts) -> String {
    format!("{} {} {}", facts.id, facts.severity, plain(&facts.title, NAME))
}

fn summary(facts: &HandoverFacts, at: &dyn Fn(Timestamp) -> String) -> Card {
    let mut fields = vec![
        field("Status", facts.status.as_str()),
        field("Since", at(facts.opened_at)),
        field(
            "Taken",
            facts
                .acknowledged
                .as_ref()
                .map_or_else(|| "nobody took it".to_owned(), |(by, when)| format!("by {by}, {}", at(*when))),
        ),
        field("Last update", update(facts, at)),
    ];
    fields.extend(facts.roles.iter().map(|(role, people)| field(&capital(role.as_str()), enumerate(people))));
    if facts.groups.1 > 0 {
        fields.push(field("Groups", format!("{} of {} fire", facts.groups.0, facts.groups.1)));
    }
    let tasks = task::in_short(&facts.tasks, facts.open_tasks, at);
    fields.push(field("Tasks", tasks.unwrap_or_else(|| "none is open".to_owned())));
    fields.extend(tried(facts));
    fields.extend(pages(facts, at));
    fields.extend(facts.next.map(|(when, what)| field("Due next", format!("{}: {}", at(when), due(what)))));
    let mut buttons: Vec<_> = facts.tasks.iter().take(3).map(task::done_button).collect();
    buttons.push(button("Show", format!("/incident show {}", facts.id)));
    buttons.push(button("Timeline", format!("/incident timeline {}", facts.id)));
    Card {
        fields,
        links: links(facts),
        buttons,
        whole: format!("/incident show {}", facts.id),
        ..Card::default()
    }
}

fn update(facts: &HandoverFacts, at: &dyn Fn(Timestamp) -> String) -> String {
    let Some(update) = &facts.update else { return "none yet".to_owned() };
    let words =
        update.text.as_ref().map(|text| format!(": {}", plain(text.as_str(), NAME))).unwrap_or_default();
    format!("{} by {}{words}", at(update.at), update.by)
}

/// What was tried: runs, and guides with the step where people stand.
fn tried(facts: &HandoverFacts) -> Vec<Field> {
    let runs = facts.runs.iter().map(|(run, title, goes_on)| {
        let goes_on = if *goes_on { ", runs" } else { "" };
        format!("{run} {}{goes_on}", plain(title, NAME))
    });
    let runs: Vec<String> = runs.collect();
    let guides = facts.guides.iter().filter_map(|guide| {
        let place = guide.place()?;
        Some(format!("{}: at {}", plain(&guide.title, NAME), plain(&place.heading, NAME)))
    });
    let guides: Vec<String> = guides.collect();
    let mut fields = Vec::new();
    if !runs.is_empty() {
        fields.push(field("Runs", runs.join("; ")));
    }
    if !guides.is_empty() {
        fields.push(field("Guides", guides.join("; ")));
    }
    fields
}

fn pages(facts: &HandoverFacts, at: &dyn Fn(Timestamp) -> String) -> Vec<Field> {
    let one = |page: &crate::domain::response::PageRuns| {
        let whom = if page.next.is_empty() { "nobody else".to_owned() } else { enumerate(&page.next) };
        format!("{} for {}: next {whom}, {}", page.id, page.subject, at(page.at))
    };
    let pages: Vec<String> = facts.pages.iter().map(one).collect();
    vec![field("Pages", if pages.is_empty() { "none runs".to_owned() } else { pages.join("; ") })]
}

fn due(what: NextDue) -> &'static str {
    match what {
        NextDue::Acknowledge => "somebody should have taken it",
        NextDue::Update => "a status update",
        NextDue::Unresolved => "further people are paged unless it is resolved",
    }
}

fn links(facts: &HandoverFacts) -> Vec<Link> {
    let words = |title: &Option<String>, url: &str| {
        title.as_deref().map_or_else(|| postmortem::host(url), |title| plain(title, NAME))
    };
    facts.links.iter().filter_map(|(url, title)| link(&words(title, url), url)).collect()
}

/// How long an impact lasted, in words.
#[must_use]
pub fn lasted(started_at: Timestamp, ended_at: Option<Timestamp>, now: Timestamp) -> String {
    match ended_at {
        Some(end) => when::since(started_at, end),
        None => format!("{} so far", when::since(started_at, now)),
    }
}
