//! `/oncall gaps`: when nobody who can be reached is on call, and who is on call twice at once. Never mends it.

use jiff::SignedDuration;

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Flag, Kind},
        time::later,
    },
    domain::{id::ScheduleId, oncall::lacks},
    text,
};

/// `/oncall gaps [SCHEDULE] [--days N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall gaps",
        "Shows when nobody is on call in the coming days, who cannot be reached, and who is on call twice.",
    )
    .takes(Argument::optional("schedule", Kind::Schedule, "only this schedule"))
    .flag(Flag::valued("days", Kind::Number(1, 90), "how many days").or("30"))
    .example("/oncall gaps")
    .example("/oncall gaps primary --days 14")
}

/// Shows them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let only: Option<ScheduleId> = call.get("schedule");
    let days: u64 = call.get("days").unwrap_or(30);
    let overrides = call.overrides().await?;
    let within = SignedDuration::from_hours(24 * i64::try_from(days).unwrap_or(30));
    let until = later(call.now, within).unwrap_or(call.now);
    let found = lacks(&call.config, &overrides, only.as_ref(), call.now, until);
    Ok(Reply::done(text::swap::gaps(&found, only.as_ref(), days, &call.caller.zone)))
}
