//! `/incident note`: something for the timeline.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{intent::IncidentIntent, person::Role},
    text,
};

/// `/incident note [INCIDENT] TEXT…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident note", "Writes a note into the timeline.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::required("text", Kind::Text, "what to write down"))
        .example("/incident note INC-7 rolled back to 2.4.1")
}

/// Writes it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let written: String = call.need("text")?;
    let incident = which(call, Among::Open).await?;
    let what = IncidentIntent::Note { incident, text: call.prose(&written) };
    change(call, incident, what, move |scene, it, events| {
        text::incident::changed(scene, it, &text::incident::noted(incident, &written), events)
    })
    .await
}
