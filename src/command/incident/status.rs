//! `/incident status`: where the response stands, in words for everybody who waits.

use super::{Among, change, resolve, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{incident::IncidentStatus, intent::IncidentIntent, person::Role},
    text,
};

/// `/incident status [INCIDENT] [STATUS] [TEXT…]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident status", "Says where the response stands: a status, a text, or both.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::optional("status", Kind::Status, "investigating, identified, mitigated or resolved"))
        .takes(Argument::optional("text", Kind::Text, "what everybody who waits should know"))
        .example("/incident status INC-7 mitigated \"traffic goes to the replica\"")
        .example("/incident status INC-7 still waiting for the vendor")
}

/// Says it.
///
/// # Errors
/// When neither a status nor a text was given; the refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let status: Option<IncidentStatus> = call.get("status");
    let text = call.words("text");
    if status.is_none() && text.is_none() {
        return Err(call.missing("status").into());
    }
    let incident = which(call, Among::Open).await?;
    if status == Some(IncidentStatus::Resolved) {
        return resolve::resolve(call, incident).await;
    }
    let what = IncidentIntent::Status { incident, status, text };
    change(call, incident, what, move |scene, it, events| {
        text::incident::changed(
            scene,
            it,
            &text::incident::status_is(incident, it.status, status.is_some()),
            events,
        )
    })
    .await
}
