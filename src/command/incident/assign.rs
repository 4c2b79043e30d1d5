//! `/incident assign`: the lead goes to somebody, who is told.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::PersonId, intent::IncidentIntent, person::Role},
    text,
};

/// `/incident assign [INCIDENT] PERSON`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/incident assign",
        "Gives the lead to somebody, who is paged; taking it oneself acknowledges.",
    )
    .role(Role::Responder)
    .takes(which_argument())
    .takes(Argument::required("person", Kind::Person, "who leads from now on"))
    .example("/incident assign INC-7 ana")
    .example("/incident assign me")
}

/// Assigns it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let to: PersonId = call.need("person")?;
    let incident = which(call, Among::Open).await?;
    let by = call.caller.actor.clone();
    let what = IncidentIntent::Assign { incident, to: to.clone() };
    change(call, incident, what, move |scene, it, events| {
        text::incident::changed(scene, it, &text::incident::assigned(incident, &to, &by), events)
    })
    .await
}
