//! What goes on right now, on one card: incidents, groups by severity, pages, who is on call, storms. Never longer than
//! people read in a bad moment: the rest is counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{
    card::{Card, Field, Tone},
    plain::{ANSWER, NAME, plain},
    room::platform,
    scene::{Scene, button, enumerate, field},
    span::span,
    when,
};
use crate::domain::{
    delivery::{Channel, DeliveryKind, Recipient},
    id::{PersonId, SeverityId},
    quiet::SilenceKind,
};

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
    fields.extend(quiet(scene));
    fields.extend(damage(scene));
    let late = not_arriving(scene);
    let stuck = late.is_some();
    fields.extend(late);
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
    let tone = match (untaken, open + state.groups.len(), stuck || !state.damage.is_empty()) {
        (0, 0, false) => Tone::Good,
        (0, _, false) => Tone::Warning,
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

/// How the views stand, when they are not well: what was is looked up there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Views {
    /// They are so many events behind.
    Behind(u64),
    /// They are made from the journal: so many events of so many.
    Rebuilding(u64, u64),
    /// They cannot be made at the moment.
    Broken,
}

/// The same card, with what is not well about the views.
#[must_use]
pub fn with_views(mut card: Card, views: Option<Views>) -> Card {
    let said = views.map(|views| match views {
        Views::Behind(events) => format!("{events} events behind: what was a moment ago may be missing"),
        Views::Rebuilding(done, of) => format!("made anew from the journal, {done} of {of} events"),
        Views::Broken => {
            "cannot be made at the moment: nothing of the past is shown, pages are sent".to_owned()
        }
    });
    card.fields.extend(said.map(|said| field("Timelines and lists", said)));
    card
}

/// What is wrong with a way out that everybody shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub channel: Channel,
    /// Attempts in a row that had no good answer, and how long ago the last one was; none: nothing is heard from there.
    pub attempts: Option<(usize, SignedDuration)>,
    /// How long ago it began.
    pub since: SignedDuration,
    /// Why.
    pub why: String,
}

/// The same card, with the ways out that are disturbed.
#[must_use]
pub fn with_troubles(mut card: Card, scene: &Scene<'_>, troubles: &[Trouble]) -> Card {
    if troubles.is_empty() {
        return card;
    }
    if card.tone == Tone::Good {
        card.tone = Tone::Warning;
    }
    let before = |age: SignedDuration| scene.now.civil.checked_sub(age).unwrap_or(scene.now.civil);
    let said = troubles.iter().map(|one| {
        let (since, why) = (scene.ago(before(one.since)), plain(&one.why, ANSWER));
        let said = match one.attempts {
            None => format!("not heard since {since}: {why}"),
            Some((attempts, last)) => {
                let attempts = counted(attempts, "attempt", "attempts");
                format!("took nothing since {since}, {attempts}, the last {}: {why}", scene.ago(before(last)))
            }
        };
        field(way(one.channel), said)
    });
    // Before whoever is on call: what is broken is read first.
    let at = card.fields.len().min(2);
    card.fields.splice(at..at, said);
    let lines =
        [card.text.as_str(), "Some ways to people are disturbed: /watchbell doctor looks at all of them."];
    card.text = lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    card
}

/// The same in one sentence, for whoever has no zone.
#[must_use]
pub fn in_short(trouble: &Trouble) -> String {
    let (name, since, why) = (way(trouble.channel), span(trouble.since), plain(&trouble.why, ANSWER));
    match trouble.attempts {
        None => format!("{name}: not heard for {since}: {why}"),
        Some((attempts, _)) => {
            let attempts = counted(attempts, "attempt", "attempts");
            format!("{name}: took nothing for {since}, {attempts}: {why}")
        }
    }
}

fn way(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "Mail server",
        other => platform(other),
    }
}

/// Pages that have failed and are tried again.
fn not_arriving(scene: &Scene<'_>) -> Option<Field> {
    let pages =
        scene.state.deliveries.values().filter(|one| one.kind == DeliveryKind::Page && one.failures > 0);
    let pages: Vec<_> = pages.collect();
    let most = pages.iter().map(|page| page.failures).max()?;
    let mut people: BTreeSet<&PersonId> = BTreeSet::new();
    let mut ways: BTreeSet<&'static str> = BTreeSet::new();
    for page in &pages {
        if let Recipient::Person { person, .. } = &page.to {
            people.insert(person);
        }
        ways.insert(platform(page.channel));
    }
    let whom = if people.len() > MOST { format!("{} people", people.len()) } else { enumerate(people) };
    let failed = if most == 1 { "once".to_owned() } else { format!("up to {most} times") };
    let said = format!("{} to {whom} by {}: failed {failed}, tried again", pages.len(), enumerate(ways));
    Some(field("Pages that do not arrive", said))
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

/// Silences and maintenance in force, each kind with the first end and the last.
fn quiet(scene: &Scene<'_>) -> Vec<Field> {
    let kinds = [(SilenceKind::Silence, "Silences"), (SilenceKind::Maintenance, "Maintenance")];
    let of = |(kind, name): (SilenceKind, &str)| {
        let all = scene.state.quiet.silences.values();
        let ends: Vec<_> = all
            .filter(|one| one.kind == kind && one.holds(scene.now.engine))
            .map(|one| scene.civil(one.ends))
            .collect();
        let (first, last) = (*ends.iter().min()?, *ends.iter().max()?);
        let until = match ends.len() {
            1 => format!("1 in force, until {}", scene.near(last)),
            count => {
                let (first, last) = (scene.near(first), scene.near(last));
                format!("{count} in force, the first ends {first}, the last {last}")
            }
        };
        Some(field(name, format!("{until}: /{} list", kind.as_str())))
    };
    kinds.into_iter().filter_map(of).collect()
}

fn damage(scene: &Scene<'_>) -> Option<Field> {
    let first = scene.state.damage.first()?;
    let file = plain(&first.file, NAME);
    let said = if scene.state.damage.iter().all(|place| place.unread) {
        let places = counted(scene.state.damage.len(), "place", "places");
        format!("{places} cannot be read, the first in {file}: look at the disk")
    } else {
        let places = counted(scene.state.damage.len(), "place is", "places are");
        format!("{places} damaged, the first in {file}, line {}: watchbell journal verify", first.line)
    };
    Some(field("Journal", said))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_are_well_are_no_word_and_others_are_said() {
        let said = |views| with_views(Card::default(), views).fields.pop().map(|field| field.value);
        assert_eq!(said(None), None);
        assert!(said(Some(Views::Behind(12))).is_some_and(|said| said.starts_with("12 events behind")));
        assert!(said(Some(Views::Rebuilding(3, 9))).is_some_and(|said| said.contains("3 of 9 events")));
        assert!(said(Some(Views::Broken)).is_some_and(|said| said.contains("pages are sent")));
    }
}
