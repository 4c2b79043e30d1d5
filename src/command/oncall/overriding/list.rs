//! `/oncall override list`: overrides that are not over.

use crate::{
    command::{Answer, Call, Reply, spec::CommandSpec},
    text,
};

/// `/oncall override list`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/oncall override list", "Lists who stands in for whom, now and later.")
        .example("/oncall override list")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    Ok(Reply::done(text::oncall::overrides(&call.overrides().await?, &call.caller.zone)))
}
