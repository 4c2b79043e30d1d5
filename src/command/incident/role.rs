//! `/incident role`: who does what in an incident.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::PersonId, incident::IncidentRole, intent::IncidentIntent, person::Role},
    text,
};

/// `/incident role [INCIDENT] ROLE PERSON|none`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident role", "Gives a role to somebody, or takes it away.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::required(
            "role",
            Kind::IncidentRole,
            "commander, communications, scribe or responder",
        ))
        .takes(Argument::required("person", Kind::PersonOrNone, "who has it from now on; none: nobody"))
        .example("/incident role INC-7 scribe ben")
        .example("/incident role INC-7 scribe none")
}

/// Gives it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let role: IncidentRole = call.need("role")?;
    let to: Option<PersonId> = call.get("person");
    let incident = which(call, Among::Open).await?;
    let what = IncidentIntent::Role { incident, role, to: to.clone() };
    change(call, incident, what, move |scene, it, events| {
        text::incident::changed(scene, it, &text::incident::role_given(incident, role, to.as_ref()), events)
    })
    .await
}
