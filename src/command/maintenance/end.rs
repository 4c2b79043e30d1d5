//! `/maintenance end`: a maintenance ends now, or never begins. What still fires is told and paged then.

use crate::{
    command::{
        Answer, Call, silence,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{person::Role, quiet::SilenceKind},
};

/// `/maintenance end SILENCE`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/maintenance end", "Ends a maintenance; what still fires is told and paged then.")
        .role(Role::Responder)
        .takes(Argument::required("silence", Kind::Silence, "which maintenance"))
        .example("/maintenance end S-4")
}

/// Ends it.
///
/// # Errors
/// When there is none, or it is over.
pub async fn run(call: &Call<'_>) -> Answer {
    silence::end(call, SilenceKind::Maintenance).await
}
