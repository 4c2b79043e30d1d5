//! `/silence add`: nobody hears of these alerts for a while. Refuses what would be about all of them.

use super::{begin, takes_times};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::{person::Role, quiet::SilenceKind},
};

/// `/silence add [MATCHERS…] --for DURATION --comment WORDS…`
#[must_use]
pub fn spec() -> CommandSpec {
    takes_times(CommandSpec::new(
        "/silence add",
        "Keeps alerts quiet for a while: no card, no page, no incident.",
    ))
    .role(Role::Responder)
    .example("/silence add service=qflow --for 2h --comment the disk is being replaced")
    .example("/silence add alertname=~\"Disk.*\" env=test --until 18:00 --comment load test")
    .example("/silence add --group G-17 --for 1h")
}

/// Adds it.
///
/// # Errors
/// When the conditions or the times do not fit.
pub async fn run(call: &Call<'_>) -> Answer {
    begin(call, SilenceKind::Silence).await
}
