//! `/incident merge`: two incidents turn out to be one.

use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::IncidentId, intent::Intent, person::Role, response::ResponseIntent},
    text::{self, scene::Scene},
};

/// `/incident merge INCIDENT [into] TARGET`
#[must_use]
pub fn spec() -> CommandSpec {
    let into = Kind::Choice(vec!["into".into()]);
    CommandSpec::new(
        "/incident merge",
        "Merges an incident into another: what belongs to it goes there, and it ends.",
    )
    .role(Role::Responder)
    .takes(Argument::required("incident", Kind::Incident, "the one that ends"))
    .takes(Argument::optional("word", into, "for whoever reads it"))
    .takes(Argument::required("target", Kind::Incident, "the one in which the response goes on"))
    .example("/incident merge INC-9 into INC-7")
}

/// Merges them.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let (incident, into): (IncidentId, IncidentId) = (call.need("incident")?, call.need("target")?);
    let by = call.caller.actor.clone();
    let what = ResponseIntent::Merge { incident, into };
    let accepted = call.submit(Intent::Response { what, by }).await?;
    let plain = text::reply::kept(format!("{incident} is merged into {into}."));
    let say = move |scene: &Scene<'_>| {
        let (from, into) = (scene.state.incidents.get(&incident)?, scene.state.incidents.get(&into)?);
        Some(text::response::merged(scene, from, into, &accepted.events))
    };
    Ok(call.done(plain, say).await)
}
