//! `/incident list`: what is open, or everything.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    text,
};

/// `/incident list [--all] [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident list", "Lists the open incidents, the newest first.")
        .flag(Flag::switch("all", "the resolved ones too"))
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many at most").or("25"))
        .example("/incident list")
        .example("/incident list --all")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let (all, limit) = (call.has("all"), call.limit());
    Ok(Reply::done(call.scene(move |scene| text::incident::list(scene, all, limit)).await?))
}
