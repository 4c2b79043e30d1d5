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
    let mut overrides = call.overrides().await?;
    overrides.retain(|one| one.until > call.now);
    Ok(Reply::done(text::oncall::overrides(&overrides, &call.caller.zone)))
}
