//! `/alert snooze`: somebody takes a group for a while. Never forgets it: what still fires afterwards pages anew.

use jiff::SignedDuration;

use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::GroupId, intent::Intent, person::Role, quiet::QuietIntent},
    text::{self, quiet},
};

/// `/alert snooze GROUP [for] DURATION`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/alert snooze", "Takes a group for a while; if it still fires then, it pages anew.")
        .role(Role::Responder)
        .takes(Argument::required("group", Kind::Group, "which group"))
        .takes(Argument::optional("for", Kind::Choice(vec!["for".into()]), "nothing but a word"))
        .takes(Argument::required("duration", Kind::Duration, "for how long"))
        .example("/alert snooze G-17 for 30m")
}

/// Snoozes it.
///
/// # Errors
/// When there is no such group, or it closed.
pub async fn run(call: &Call<'_>) -> Answer {
    let group: GroupId = call.need("group")?;
    let wait: SignedDuration = call.need("duration")?;
    let by = call.caller.actor.clone();
    let accepted = call.submit(Intent::Quiet(QuietIntent::Snooze { group, wait, by })).await?;
    let plain = text::reply::kept(format!("{group} is snoozed."));
    Ok(call.done(plain, move |scene| quiet::snoozed(scene, group, &accepted.events)).await)
}
