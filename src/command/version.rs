//! `/watchbell version`. Never tells more than the release.

use super::{Answer, Call, Reply, spec::CommandSpec};
use crate::text::reply;

/// `/watchbell version`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/watchbell version", "Says which release of Watchbell answers.")
        .example("/watchbell version")
}

/// Answers it.
///
/// # Errors
/// Never.
#[expect(clippy::unused_async, reason = "every command is awaited alike")]
pub async fn run(call: &Call<'_>) -> Answer {
    Ok(Reply::done(reply::version(&call.desk.release)))
}
