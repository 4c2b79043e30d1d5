//! `/status`: what goes on right now, on one card. Never everything: what does not fit is counted and says where it is.

use crate::{
    command::{Answer, Call, Reply, spec::CommandSpec},
    text::status,
};

/// `/status`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/status", "Says what goes on: incidents, alerts, pages, who is on call.")
        .example("/status")
}

/// Says it.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    Ok(Reply::done(call.scene(status::card).await?))
}
