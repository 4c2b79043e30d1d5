//! `/incident resolve`: it is over.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::IncidentId, intent::IncidentIntent, person::Role},
    text,
};

/// `/incident resolve [INCIDENT] [TEXT…]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident resolve", "Says that an incident is over.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::optional("text", Kind::Text, "how it was solved"))
        .example("/incident resolve INC-7 disk replaced")
}

/// Resolves it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    resolve(call, which(call, Among::Open).await?).await
}

/// Resolves an incident with what was written about it; `/incident status … resolved` does it too.
///
/// # Errors
/// The refusal in words.
pub(super) async fn resolve(call: &Call<'_>, incident: IncidentId) -> Answer {
    let what = IncidentIntent::Resolve { incident, text: call.words("text") };
    change(call, incident, what, text::incident::closed).await
}
