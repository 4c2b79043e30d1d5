//! What goes on right now, on one card: incidents, groups by severity, pages, who is on call, storms. Never longer than
//! people read in a bad moment: the rest is counted.

use std::collections::BTreeMap;

use super::{
    card::{Card, Field, Tone},
    plain::{NAME, plain},
    scene::{Scene, button, enumerate, field},
    when,
};
use crate::domain::id::SeverityId;

/// Incidents and schedules that are named; the others are counted.
const MOST: usize = 10;

/// What goes on.
#[must_use]
pub fn card(scene: &Scene<'_>) -> Card {
    let (state, open) = (scene.state, scene.state.open_incidents.len());
    let untaken = super::paging::untaken(scene).len();
    let mut fields = vec![field("Groups firing", groups(scene)), field("Pages running", pages(scene))];
    if let Some(raging) = storms(scene) {
        fields.push(field("Storms", raging));
    }
    let runs = state.runs.len();
    if runs > 0 {
        fields.push(field("Runbooks running", runs.to_string()));
    }
    fields.extend(on_call(scene));
    let title = match (open, state.groups.len()) {
        (0, 0) => "All is quiet.".to_owned(),
        (0, groups) => format!("No incident is open; {}.", counted(groups, "group fires", "groups fire")),
        (open, _) => format!("{}.", counted(open, "incident is open", "incidents are open")),
    };
    let text = match untaken {
        0 => String::new(),
        1 => "1 thing waits to be taken: /ack".to_owned(),
        count => format!("{count} things wait to be taken: /ack"),
    };
    let tone = match (untaken, open + state.groups.len()) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Warning,
        _ => Tone::Critical,
    };
    Card {
        title,
        tone,
        text,
        fields,
        table: incidents(scene),
        buttons: vec![button("Who is on call", "/oncall now"), button("Alerts", "/alert list")],
        whole: if open > MOST { "/incident list".to_owned() } else { String::new() },
        ..Card::default()
    }
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn groups(scene: &Scene<'_>) -> String {
    let mut by_severity: BTreeMap<Option<&SeverityId>, usize> = BTreeMap::new();
    for group in scene.state.groups.values() {
        *by_severity.entry(group.severity.as_ref()).or_default() += 1;
    }
    if by_severity.is_empty() {
        return "none".to_owned();
    }
    // Nothing sorts before something: those without a severity are said last.
    let none = by_severity.remove(&None);
    let named = by_severity.into_iter().filter_map(|(severity, count)| Some((severity?, count)));
    let mut said: Vec<String> = named.map(|(severity, count)| format!("{count} × {severity}")).collect();
    said.extend(none.map(|count| format!("{count} without a severity")));
    let taken = scene.state.groups.values().filter(|group| group.acknowledged.is_some()).count();
    format!("{}; {taken} taken; {} alerts", said.join(", "), scene.state.alerts.len())
}

fn pages(scene: &Scene<'_>) -> String {
    let pages = scene.state.pages.len();
    if pages == 0 {
        return "none".to_owned();
    }
    let people = scene.state.pages.values().flat_map(|page| &page.paged);
    let people: std::collections::BTreeSet<_> = people.collect();
    let whom = if people.len() > MOST { format!("{} people", people.len()) } else { enumerate(people) };
    format!("{pages}, so far to {whom}")
}

fn storms(scene: &Scene<'_>) -> Option<String> {
    let raging = &scene.state.raging;
    (!raging.is_empty()).then(|| {
        let named = raging.keys().take(MOST).map(|channel| plain(&channel.to_string(), NAME));
        format!("{} in {}", raging.len(), enumerate(named))
    })
}

fn on_call(scene: &Scene<'_>) -> Vec<Field> {
    let schedules = &scene.config.schedules;
    let mut fields: Vec<Field> = schedules
        .values()
        .take(MOST)
        .map(|schedule| {
            let shift = schedule.shift_at(scene.now.civil, &scene.state.overrides_of(&schedule.id));
            let who = shift.person.map_or_else(|| "nobody".to_owned(), |person| scene.person(&person));
            let until = scene.near(shift.until);
            field(&format!("On call, {}", schedule.id), format!("{who}, until {until}"))
        })
        .collect();
    if let Some(more) = schedules.len().checked_sub(MOST).filter(|more| *more > 0) {
        fields.push(field("On call", format!("{more} more schedules: /oncall now")));
    }
    fields
}

fn incidents(scene: &Scene<'_>) -> Vec<Vec<String>> {
    let state = scene.state;
    let open = state.open_incidents.iter().rev().filter_map(|id| state.incidents.get(id));
    let mut table =
        vec![["incident", "severity", "status", "open for", "taken by", "title"].map(str::to_owned).to_vec()];
    table.extend(open.take(MOST).map(|incident| {
        let taken = incident.acknowledged.as_ref();
        vec![
            incident.id.to_string(),
            incident.severity.to_string(),
            incident.status.to_string(),
            when::since(incident.opened_at, scene.now.civil),
            taken.map_or_else(|| "nobody".to_owned(), |(by, _)| by.to_string()),
            plain(incident.title.as_str(), NAME),
        ]
    }));
    if table.len() == 1 {
        table.clear();
    }
    table
}
