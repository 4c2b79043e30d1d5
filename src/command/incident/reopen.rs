//! `/incident reopen`: it was not over.

use super::{Among, change, which, which_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{intent::IncidentIntent, person::Role},
    text,
};

/// `/incident reopen [INCIDENT] [TEXT…]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident reopen", "Opens a resolved incident again; it pages nobody by itself.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::optional("text", Kind::Text, "why it was not over"))
        .example("/incident reopen INC-7 errors are back")
}

/// Reopens it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let incident = which(call, Among::Resolved).await?;
    let what = IncidentIntent::Reopen { incident, text: call.words("text") };
    change(call, incident, what, text::incident::reopened).await
}
