//! `/incident ack`: somebody takes an incident and all its groups.

use super::{Among, which, which_argument};
use crate::{
    command::{Answer, Call, ack, spec::CommandSpec},
    domain::{page::Target, person::Role},
};

/// `/incident ack [INCIDENT]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident ack", "Takes an incident and all its groups; nobody else is paged for them.")
        .role(Role::Responder)
        .takes(which_argument())
        .example("/incident ack INC-7")
}

/// Takes it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    ack::take(call, Target::Incident(which(call, Among::Open).await?)).await
}
