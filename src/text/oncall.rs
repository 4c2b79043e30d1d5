//! Cards about who is on call. Gaps are never hidden: an hour that nobody covers is said aloud.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Card, Tone},
    scene::{button, enumerate, field},
    usage::zone_name,
    when,
};
use crate::domain::{
    config::Config,
    id::{OverrideId, PersonId, ScheduleId},
    schedule::{Because, Override, Shift},
};

/// What is said of nobody.
const NOBODY: &str = "NOBODY";

/// Who is on call by each of these schedules.
#[must_use]
pub fn now(config: &Config, shifts: &[(ScheduleId, Shift)], zone: &TimeZone, now: Timestamp) -> Card {
    if shifts.is_empty() {
        let text = "Add one to oncall.toml: [schedule.primary]".to_owned();
        return Card {
            title: "No schedule is configured.".to_owned(),
            tone: Tone::Warning,
            text,
            ..Card::default()
        };
    }
    let head = ["schedule", "on call", "since", "until", "because"].map(str::to_owned).to_vec();
    let rows = shifts.iter().map(|(schedule, shift)| {
        vec![
            schedule.to_string(),
            who(config, shift.person.as_ref()),
            when::near(shift.since, zone, now),
            when::near(shift.until, zone, now),
            because(shift.because),
        ]
    });
    let gaps: Vec<&ScheduleId> =
        shifts.iter().filter(|(_, s)| s.person.is_none()).map(|(id, _)| id).collect();
    let (tone, text) = if gaps.is_empty() {
        (Tone::Plain, String::new())
    } else {
        (
            Tone::Warning,
            format!(
                "Nobody is on call for {}. To cover it: /oncall override SCHEDULE PERSON 8h",
                enumerate(gaps)
            ),
        )
    };
    let table = std::iter::once(head).chain(rows).collect();
    Card { title: "On call now".to_owned(), tone, text, table, ..Card::default() }
}

/// The shifts of a schedule.
#[must_use]
pub fn shifts(config: &Config, schedule: &ScheduleId, shifts: &[Shift], zone: &TimeZone) -> Card {
    let head = ["from", "until", "who", "because"].map(str::to_owned).to_vec();
    let rows = shifts.iter().map(|shift| {
        vec![
            when::in_table(shift.since, zone),
            when::in_table(shift.until, zone),
            who(config, shift.person.as_ref()),
            because(shift.because),
        ]
    });
    let gaps = shifts.iter().filter(|shift| shift.person.is_none()).count();
    let (tone, text) = match gaps {
        0 => (Tone::Plain, String::new()),
        1 => (Tone::Warning, "There is a gap: nobody is on call then.".to_owned()),
        _ => (Tone::Warning, format!("There are {gaps} gaps: nobody is on call then.")),
    };
    Card {
        title: format!("Schedule {schedule}, times in {}", zone_name(zone)),
        tone,
        text,
        table: std::iter::once(head).chain(rows).collect(),
        ..Card::default()
    }
}

fn who(config: &Config, person: Option<&PersonId>) -> String {
    let Some(id) = person else { return NOBODY.to_owned() };
    match config.people.get(id) {
        Some(person) if !person.name.is_empty() && person.name != id.as_str() => {
            format!("{} ({id})", person.name)
        }
        _ => id.to_string(),
    }
}

fn because(because: Because) -> String {
    match because {
        Because::Layer(number) => format!("layer {number}"),
        Because::Override(id) => format!("override {id}"),
        Because::Gap => "gap".to_owned(),
    }
}

/// Somebody stands in.
#[must_use]
pub fn override_added(one: &Override, instead_of: &[Option<PersonId>], zone: &TimeZone) -> Card {
    let Override { id, schedule, person, from, until } = one;
    let instead = instead_of.iter().map(|who| who.as_ref().map_or("nobody (a gap)", |who| who.as_str()));
    let mut fields = vec![field("From", when::at(*from, zone)), field("Until", when::at(*until, zone))];
    if !instead_of.is_empty() {
        // One after the other, not together.
        fields.push(field("Instead of", instead.collect::<Vec<_>>().join(", then ")));
    }
    Card {
        title: format!("{id}: {person} is on call for {schedule}."),
        tone: Tone::Good,
        fields,
        buttons: vec![
            button("Take back", format!("/oncall override remove {id}")),
            button("Schedule", format!("/oncall schedule {schedule}")),
        ],
        ..Card::default()
    }
}

/// An override was taken back. `shift`: what counts without it, from now or from when it would have begun.
#[must_use]
pub fn override_removed(id: OverrideId, one: Option<&Override>, shift: Option<&Shift>) -> Card {
    let instead = match shift.map(|shift| shift.because) {
        Some(Because::Override(other)) => format!("the override {other} counts there"),
        _ => "the layers count again".to_owned(),
    };
    let text = one.map(|one| format!("{} no longer stands in for {}; {instead}.", one.person, one.schedule));
    Card {
        title: format!("{id} is taken back."),
        tone: Tone::Good,
        text: text.unwrap_or_default(),
        ..Card::default()
    }
}

/// Overrides that are not over.
#[must_use]
pub fn overrides(all: &[Override], zone: &TimeZone) -> Card {
    if all.is_empty() {
        let text =
            "To stand in for somebody: /oncall override SCHEDULE PERSON [FROM] UNTIL|DURATION".to_owned();
        return Card { title: "No override.".to_owned(), text, ..Card::default() };
    }
    let head = ["id", "schedule", "who", "from", "until"].map(str::to_owned).to_vec();
    let rows = all.iter().map(|one| {
        let Override { id, schedule, person, from, until } = one;
        let (from, until) = (when::in_table(*from, zone), when::in_table(*until, zone));
        vec![id.to_string(), schedule.to_string(), person.to_string(), from, until]
    });
    Card {
        title: format!("Overrides, times in {}", zone_name(zone)),
        table: std::iter::once(head).chain(rows).collect(),
        ..Card::default()
    }
}
