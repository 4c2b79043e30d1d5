//! `/oncall override remove`: an override ends now, or never begins.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::OverrideId, intent::Intent, person::Role},
    text,
};

/// `/oncall override remove OVERRIDE`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/oncall override remove",
        "Takes an override back; whoever is on call without it counts again.",
    )
    .role(Role::Responder)
    .takes(Argument::required("override", Kind::Override, "which override"))
    .example("/oncall override remove OV-3")
}

/// Takes it back.
///
/// # Errors
/// When there is none, or it is over.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: OverrideId = call.need("override")?;
    let before = call.overrides().await?;
    call.submit(Intent::RemoveOverride { id, by: call.caller.actor.clone() }).await?;
    let (removed, others): (Vec<_>, Vec<_>) = before.into_iter().partition(|one| one.id == id);
    let one = removed.first();
    let shift = one.and_then(|one| {
        let schedule = call.config.schedules.get(&one.schedule)?;
        Some(schedule.shift_at(call.now.max(one.from), &others))
    });
    Ok(Reply::done(text::oncall::override_removed(id, one, shift.as_ref())))
}
