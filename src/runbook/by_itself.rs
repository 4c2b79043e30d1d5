//! The part of the front matter that says when a runbook runs by itself, as whom, and how often it may. Never lets it
//! run as nobody.

use std::str::FromStr as _;

use croner::Cron;
use jiff::tz::TimeZone;

use super::{
    library::Ground,
    matter::Table,
    model::{Budget, ByItself, Timetable},
    notes::Notes,
};
use crate::{
    command::CommandSpec,
    config::{self, list},
    domain::{
        duration,
        id::{ChannelName, PersonId, PolicyId, SeverityId, TeamId},
        intent::Whom,
        matcher::Matcher,
    },
};

/// Reads it.
pub(super) fn read(
    table: &Table<'_>,
    spec: &CommandSpec,
    notes: &Notes<'_>,
    ground: &Ground<'_>,
) -> ByItself {
    let mut by_itself = ByItself::default();
    let people = &ground.config.people;
    if let Some((name, at)) = table.text("run_as", notes) {
        match people.get(name) {
            Some(person) => by_itself.run_as = Some(person.id.clone()),
            None => {
                let known = people.keys().map(PersonId::as_str);
                let what = format!("nobody is called `{name}`");
                notes.unknown(at, name, what, known, "make it a person of its own, with its own roles");
            }
        }
    }
    let zone = zone(table, notes).or_else(|| {
        let person = by_itself.run_as.as_ref().and_then(|id| people.get(id));
        person.map(|person| person.zone.clone())
    });
    if let Some((pattern, at)) = table.text("schedule", notes) {
        match Cron::from_str(pattern) {
            Ok(cron) => {
                let zone = zone.unwrap_or(TimeZone::UTC);
                by_itself.schedule = Some(Timetable { pattern: pattern.to_owned(), zone, cron });
            }
            Err(error) => {
                let remedy = "write minute, hour, day, month, weekday: 0 9 * * MON-FRI";
                notes.mistake(at, format!("`{pattern}` is no schedule: {error}"), remedy);
            }
        }
    }
    for (text, at) in table.list("on_alert", notes) {
        match Matcher::parse(text) {
            Ok(matcher) => by_itself.on_alert.push(matcher),
            Err(error) => {
                notes.mistake(at, error.to_string(), "matchers are Alertmanager's: alertname=\"Down\"");
            }
        }
    }
    for (name, at) in table.list("on_incident", notes) {
        let severities = &ground.config.severities;
        match severities.get(name) {
            Some(severity) => by_itself.on_incident.push(severity.id.clone()),
            None => {
                let known = severities.keys().map(SeverityId::as_str);
                let remedy = format!("severities are {}", list(known.clone()));
                notes.unknown(at, name, format!("there is no severity `{name}`"), known, remedy);
            }
        }
    }
    if let Some((name, at)) = table.text("channel", notes) {
        match config::channel(name) {
            Ok(_) => by_itself.channel = Some(ChannelName::new(name)),
            Err((what, near)) => notes.say(config::Gravity::Mistake, at, what, near, "write \"#ops\"".into()),
        }
    }
    by_itself.budget = budget(table, notes);
    by_itself.cool_down = table.wait("cool_down", notes);
    by_itself.judge_within = table.wait("judge_within", notes).filter(|within| !within.is_zero());
    by_itself.page = page(table, notes, ground);
    alone(table, spec, &by_itself, notes);
    by_itself
}

/// What runs without anybody there needs an identity, and no argument that somebody would have to give.
fn alone(table: &Table<'_>, spec: &CommandSpec, by_itself: &ByItself, notes: &Notes<'_>) {
    for key in ["schedule", "on_alert"] {
        let Some((_, at, _)) = table.entries.iter().find(|(known, ..)| *known == key) else { continue };
        if table.get("run_as").is_none() {
            let remedy = "write run_as: name, a person of the configuration with its own roles";
            notes.mistake(
                at.at.clone(),
                format!("with `{key}` it runs by itself, and nobody says as whom"),
                remedy,
            );
        }
        if let Some(argument) = spec.arguments.iter().find(|argument| argument.required) {
            let what = format!("with `{key}` nobody is there to say `{}`", argument.name);
            notes.mistake(at.at.clone(), what, "give that argument a default");
        }
    }
    let (alerts, budget) = (!by_itself.on_alert.is_empty(), table.get("budget").is_some());
    for key in ["budget", "cool_down", "helped", "judge_within", "page"] {
        let Some((_, at, _)) = table.entries.iter().find(|(known, ..)| *known == key) else { continue };
        if !alerts {
            let what = format!("`{key}` is for what answers an alert");
            notes.mistake(at.at.clone(), what, "write on_alert, or take it out");
        } else if !budget {
            let what = format!("`{key}` is for an automatic answer, and that has a budget");
            notes.mistake(at.at.clone(), what, "write budget: 3 in 1h, or take it out");
        }
    }
}

fn zone(table: &Table<'_>, notes: &Notes<'_>) -> Option<TimeZone> {
    let (name, at) = table.text("timezone", notes)?;
    config::zone(name)
        .map_err(|(what, near)| {
            notes.say(config::Gravity::Mistake, at, what, near, "write a name such as Europe/Madrid".into());
        })
        .ok()
}

/// `3 in 1h`
fn budget(table: &Table<'_>, notes: &Notes<'_>) -> Option<Budget> {
    let (text, at) = table.text("budget", notes)?;
    let read = text.split_once(" in ").and_then(|(runs, window)| {
        let runs = runs.trim().parse().ok().filter(|runs| (1..=1_000).contains(runs))?;
        let window = duration::parse(window).ok().filter(|window| !window.is_zero())?;
        Some(Budget { runs, window })
    });
    if read.is_none() {
        notes.mistake(at, format!("`{text}` is no budget"), "write 3 in 1h");
    }
    read
}

/// A policy, a team or a person.
fn page(table: &Table<'_>, notes: &Notes<'_>, ground: &Ground<'_>) -> Option<Whom> {
    let (text, at) = table.text("page", notes)?;
    let (kind, name) = text.split_once(':').map_or((None, text), |(kind, name)| (Some(kind), name));
    let wanted = |word: &str| kind.is_none_or(|kind| kind == word);
    let config = ground.config;
    let policy = config.policies.get_key_value(name).filter(|_| wanted("policy"));
    let team = config.teams.get_key_value(name).filter(|_| wanted("team"));
    let person = config.people.get_key_value(name).filter(|_| wanted("person"));
    let found = policy
        .map(|(id, _)| Whom::Policy(id.clone()))
        .or_else(|| team.map(|(id, _)| Whom::Team(id.clone())))
        .or_else(|| person.map(|(id, _)| Whom::Person(id.clone())));
    if found.is_none() {
        let known = config.policies.keys().map(PolicyId::as_str);
        let known = known.chain(config.teams.keys().map(TeamId::as_str));
        let known = known.chain(config.people.keys().map(PersonId::as_str));
        notes.unknown(
            at,
            name,
            format!("nobody can be paged as `{text}`"),
            known,
            "name a policy, a team or a person",
        );
    }
    found
}
