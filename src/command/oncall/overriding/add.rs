//! `/oncall override`: somebody is on call for a while. Says whom they stand in for.

use jiff::Timestamp;

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{
        event::Event,
        id::{OverrideId, PersonId, ScheduleId},
        intent::Intent,
        person::Role,
        schedule::Override,
    },
    text,
};

/// `/oncall override SCHEDULE PERSON [FROM] UNTIL|DURATION`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall override",
        "Puts somebody on call for a while, instead of whom the schedule names.",
    )
    .role(Role::Responder)
    .takes(Argument::required("schedule", Kind::Schedule, "which schedule"))
    .takes(Argument::required("person", Kind::Person, "who is on call then"))
    .takes(Argument::optional("from", Kind::Time, "from when; now when absent"))
    .takes(Argument::required("until", Kind::Until, "until when, or for how long"))
    .example("/oncall override primary ben tomorrow 09:00 8h")
    .example("/oncall override primary me 2h")
}

/// Adds it.
///
/// # Errors
/// When the times do not fit, or the person cannot be reached.
pub async fn run(call: &Call<'_>) -> Answer {
    let schedule: ScheduleId = call.need("schedule")?;
    let person: PersonId = call.need("person")?;
    let until: Timestamp = call.need("until")?;
    let from: Timestamp = call.get("from").unwrap_or(call.now);
    let before = call.overrides().await?;
    let by = call.caller.actor.clone();
    let intent = Intent::AddOverride { schedule: schedule.clone(), person: person.clone(), from, until, by };
    let accepted = call.submit(intent).await?;
    // It begins now at the earliest, whatever was asked for.
    let added = accepted.events.iter().find_map(|event| match event {
        Event::OverrideAdded { id, from, .. } => Some((*id, *from)),
        _ => None,
    });
    let (id, from) = added.unwrap_or((OverrideId::default(), from));
    let one = Override { id, schedule, person, from, until };
    let instead = instead_of(call, &one, &before);
    Ok(Reply::done(text::oncall::override_added(&one, &instead, &call.caller.zone)))
}

/// Who would have been on call, in their order, each once.
fn instead_of(call: &Call<'_>, one: &Override, before: &[Override]) -> Vec<Option<PersonId>> {
    let Some(schedule) = call.config.schedules.get(&one.schedule) else { return Vec::new() };
    let mut people: Vec<Option<PersonId>> = Vec::new();
    for shift in schedule.shifts(one.from, one.until, before) {
        if !people.contains(&shift.person) {
            people.push(shift.person);
        }
    }
    people
}
