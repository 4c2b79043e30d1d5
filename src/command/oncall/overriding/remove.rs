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
    CommandSpec::new("/oncall override remove", "Takes an override back; the schedule's layers count again.")
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
    let one = before.iter().find(|one| one.id == id);
    Ok(Reply::done(text::oncall::override_removed(id, one)))
}
