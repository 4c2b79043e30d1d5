//! `/incident severity`: another severity, with what it asks and whom it pages.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::SeverityId, intent::IncidentIntent, person::Role},
    text,
};

/// `/incident severity [INCIDENT] SEVERITY`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident severity", "Changes how bad an incident is; a higher severity pages anew.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::required("severity", Kind::Severity, "how bad it is"))
        .example("/incident severity INC-7 P0")
}

/// Changes it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let severity: SeverityId = call.need("severity")?;
    let incident = which(call, Among::Open).await?;
    let what = IncidentIntent::Severity { incident, severity };
    change(call, incident, what, move |scene, it, events| {
        let now = text::incident::severity_is(incident, &scene.severity(&it.severity));
        text::incident::changed(scene, it, &now, events)
    })
    .await
}
