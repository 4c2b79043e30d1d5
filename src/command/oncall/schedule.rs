//! `/oncall schedule`: the shifts of the coming days, gaps marked.

use jiff::SignedDuration;

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
        time::later,
    },
    domain::{id::ScheduleId, intent::Refusal},
    text::{self, refusal},
};

/// `/oncall schedule SCHEDULE [DAYS]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall schedule",
        "Shows the shifts of the coming days in your time zone, gaps marked.",
    )
    .takes(Argument::required("schedule", Kind::Schedule, "which schedule"))
    .takes(Argument::optional("days", Kind::Number(1, 60), "how many days").or("14"))
    .example("/oncall schedule primary")
    .example("/oncall schedule primary 30")
}

/// Shows them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: ScheduleId = call.need("schedule")?;
    let days = i64::try_from(call.need::<u64>("days")?).unwrap_or(14);
    let Some(schedule) = call.config.schedules.get(&id) else {
        let gone = Refusal::unknown_name("schedule", &id);
        return Err(Reply::refused(refusal::card(&gone, &call.caller.zone)).into());
    };
    let overrides = call.overrides().await?;
    let until = later(call.now, SignedDuration::from_hours(24 * days)).unwrap_or(call.now);
    let mut shifts = schedule.shifts(call.now, until, &overrides);
    // The running shift is shown from its beginning.
    if let Some(first) = shifts.first_mut() {
        first.since = schedule.shift_at(call.now, &overrides).since;
    }
    Ok(Reply::done(text::oncall::shifts(&call.config, &id, &shifts, &call.caller.zone)))
}
