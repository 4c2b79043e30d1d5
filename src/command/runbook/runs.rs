//! `/runbook runs`: what runs, and what ran. Never looks into the journal: what is long over is on the timelines.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    text,
};

/// `/runbook runs [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/runbook runs", "Lists the runs of runbooks: those that run, then the last that ended.")
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many at most").or("25"))
        .example("/runbook runs")
        .example("/runbook runs --limit 5")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let limit = call.limit();
    Ok(Reply::done(call.scene(move |scene| text::run::list(scene, limit)).await?))
}
