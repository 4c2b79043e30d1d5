//! `/oncall now`: who is on call at this instant.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::ScheduleId, schedule::Shift},
    text,
};

/// `/oncall now [SCHEDULE]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/oncall now", "Says who is on call now, and until when.")
        .takes(Argument::optional("schedule", Kind::Schedule, "only this schedule"))
        .example("/oncall now")
        .example("/oncall now primary")
}

/// Says it.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let wanted: Option<ScheduleId> = call.get("schedule");
    let overrides = call.overrides().await?;
    let shifts: Vec<(ScheduleId, Shift)> = call
        .config
        .schedules
        .values()
        .filter(|schedule| wanted.as_ref().is_none_or(|wanted| *wanted == schedule.id))
        .map(|schedule| (schedule.id.clone(), schedule.shift_at(call.now, &overrides)))
        .collect();
    Ok(Reply::done(text::oncall::now(&call.config, &shifts, &call.caller.zone, call.now)))
}
