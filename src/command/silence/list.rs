//! `/silence list`: what is silenced, by whom, until when. Never changes anything.

use super::all;
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::quiet::SilenceKind,
};

/// `/silence list`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/silence list", "Lists silences, in force and to come.").example("/silence list")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    all(call, SilenceKind::Silence).await
}
