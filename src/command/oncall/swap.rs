//! `/oncall swap`: my shift for yours. Both overrides come together and go together; never changes what is over.

use jiff::Timestamp;

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{
        event::Event,
        id::{PersonId, ScheduleId},
        intent::{Intent, Refusal},
        person::Role,
        swap::{SwapIntent, exchange},
    },
    text::{self, refusal},
};

/// `/oncall swap SCHEDULE PERSON [--mine WHEN] [--theirs WHEN]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall swap",
        "Exchanges a shift of yours for one of somebody else's, and tells you both.",
    )
    .role(Role::Responder)
    .takes(Argument::required("schedule", Kind::Schedule, "which schedule"))
    .takes(Argument::required("person", Kind::Person, "with whom"))
    .flag(Flag::valued("mine", Kind::Time, "an instant of your shift; your next one when absent"))
    .flag(Flag::valued("theirs", Kind::Time, "an instant of their shift; their next one when absent"))
    .example("/oncall swap primary ben")
    .example("/oncall swap primary ben --mine \"mon 12:00\" --theirs \"2026-12-24 12:00\"")
}

/// Exchanges them.
///
/// # Errors
/// When one of them does not have such a shift.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: ScheduleId = call.need("schedule")?;
    let with: PersonId = call.need("person")?;
    let times: (Option<Timestamp>, Option<Timestamp>) = (call.get("mine"), call.get("theirs"));
    let zone = &call.caller.zone;
    let refuse = |no: &Refusal| Reply::refused(refusal::card(no, zone));
    let Some(me) = call.caller.actor.person() else {
        return Err(Reply::refused(text::swap::nobody_asks()).into());
    };
    let Some(schedule) = call.config.schedules.get(&id) else {
        return Err(refuse(&Refusal::unknown_name("schedule", &id)).into());
    };
    let overrides = call.overrides().await?;
    let exchange = exchange(schedule, &overrides, (me, &with), times, call.now)
        .map_err(|why| refuse(&Refusal::Swap(why)))?;
    let by = call.caller.actor.clone();
    let told = call.prose(&text::swap::told(&exchange, me.as_str(), &schedule.zone));
    let accepted = call.submit(Intent::Swap(Box::new(SwapIntent { exchange, told, by }))).await?;
    let swapped = accepted.events.iter().find_map(|event| match event {
        Event::Swapped(swapped) => Some(text::swap::done(swapped, zone)),
        _ => None,
    });
    // It was accepted, so the event is there.
    Ok(Reply::done(swapped.unwrap_or_default()))
}
