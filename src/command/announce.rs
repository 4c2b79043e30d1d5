//! `/announce`: posts a message into a channel. Never pages anybody.

use super::{
    Answer, Call, Reply,
    spec::{Argument, CommandSpec, Kind},
};
use crate::{
    config,
    domain::{id::ChannelName, intent::Intent, person::Role},
    text::{self, announcement},
};

/// `/announce CHANNEL TEXT…`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/announce",
        "Posts a message into a channel, kept with the incident that is told there.",
    )
    .role(Role::Responder)
    .takes(Argument::required("channel", Kind::Word, "where: #qflow-status, or slack:#qflow-status"))
    .takes(Argument::required("text", Kind::Text, "what is said; its first line is the headline"))
    .example("/announce #qflow-status Maintenance begins at 02:00, executions wait until 04:00")
}

/// Posts.
///
/// # Errors
/// When that is no channel.
pub async fn run(call: &Call<'_>) -> Answer {
    let written: String = call.need("channel")?;
    let text: String = call.need("text")?;
    if let Err((what, near)) = config::channel(&written) {
        return Err(Reply::refused(text::refusal::no_channel(&what, near.as_deref())).into());
    }
    let channel = ChannelName::from(written);
    let intent =
        Intent::Announce { channel: channel.clone(), text: call.prose(&text), by: call.caller.actor.clone() };
    call.submit(intent).await?;
    Ok(Reply::done(announcement::kept(&channel)))
}
