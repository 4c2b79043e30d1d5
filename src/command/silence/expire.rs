//! `/silence expire`: a silence ends now, or never begins. What still fires is told and paged then.

use super::end;
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{person::Role, quiet::SilenceKind},
};

/// `/silence expire SILENCE`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/silence expire", "Ends a silence; what still fires is told and paged then.")
        .role(Role::Responder)
        .takes(Argument::required("silence", Kind::Silence, "which silence"))
        .example("/silence expire S-3")
}

/// Ends it.
///
/// # Errors
/// When there is none, or it is over.
pub async fn run(call: &Call<'_>) -> Answer {
    end(call, SilenceKind::Silence).await
}
