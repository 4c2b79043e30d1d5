//! `/alert resolve`: a person says that an alert, or all of a group, is over. Its source may not know yet; that it starts
//! anew is heard.

use crate::{
    command::{
        Answer, Call, ack,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{intent::Intent, page::Target, person::Role, quiet::QuietIntent},
    text::{self, quiet},
};

/// `/alert resolve TARGET`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/alert resolve", "Ends an alert, or all alerts of a group, by a person's word.")
        .role(Role::Responder)
        .takes(Argument::required("target", Kind::Target, "which: A-3 or G-17"))
        .example("/alert resolve G-17")
        .example("/alert resolve A-3")
}

/// Ends them.
///
/// # Errors
/// When it ended already, or is neither an alert nor a group.
pub async fn run(call: &Call<'_>) -> Answer {
    let target: Target = call.need("target")?;
    if let Target::Alert(alert) = target {
        ack::still_fires(call, alert).await?;
    }
    let by = call.caller.actor.clone();
    let what = QuietIntent::Resolve { target, by: by.clone() };
    let accepted = call.submit(Intent::Quiet(what)).await?;
    let plain = text::reply::kept(format!("{target} is over."));
    Ok(call.done(plain, move |scene| Some(quiet::resolved(scene, target, &by, &accepted.events))).await)
}
