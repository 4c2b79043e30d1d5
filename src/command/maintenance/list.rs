//! `/maintenance list`: what is worked on, and the next time of what is planned. Never changes anything.

use crate::{
    command::{Answer, Call, silence, spec::CommandSpec},
    domain::quiet::SilenceKind,
};

/// `/maintenance list`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/maintenance list", "Lists maintenance, in force and to come.")
        .example("/maintenance list")
}

/// Lists it.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    silence::all(call, SilenceKind::Maintenance).await
}
