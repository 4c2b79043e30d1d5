//! `/maintenance start`: somebody works on it, and nobody hears of it meanwhile. Refuses what would be about everything.

use crate::{
    command::{
        Answer, Call,
        silence::{begin, takes_times},
        spec::CommandSpec,
    },
    domain::{person::Role, quiet::SilenceKind},
};

/// `/maintenance start [MATCHERS…] --for DURATION --comment WORDS…`
#[must_use]
pub fn spec() -> CommandSpec {
    takes_times(CommandSpec::new(
        "/maintenance start",
        "Begins a maintenance: alerts about it stay quiet until it is over.",
    ))
    .role(Role::Responder)
    .example("/maintenance start service=qflow --for 1h --comment new release")
    .example("/maintenance start cluster=eu --from \"tomorrow 02:00\" --for 2h --comment new switches")
}

/// Begins it.
///
/// # Errors
/// When the conditions or the times do not fit.
pub async fn run(call: &Call<'_>) -> Answer {
    begin(call, SilenceKind::Maintenance).await
}
