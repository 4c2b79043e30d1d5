//! `/alert ack`: takes the groups of an alert. Never resolves it.

use crate::{
    command::{
        Answer, Call, ack,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{page::Target, person::Role},
};

/// `/alert ack ALERT`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/alert ack", "Takes the groups that an alert is in, and the incidents they opened.")
        .role(Role::Responder)
        .takes(Argument::required("alert", Kind::Alert, "which alert"))
        .example("/alert ack A-5")
}

/// Takes them.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    ack::take(call, Target::Alert(call.need("alert")?)).await
}
