//! `/runbook runs`: what runs, and what ran; or one run. Never looks into the journal: what is long over is on the
//! timelines.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{id::RunId, intent::Refusal, run::RunRefusal},
    text,
};

/// `/runbook runs [RUN] [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/runbook runs", "Lists the runs of runbooks: those that run, then the last that ended.")
        .takes(Argument::optional("run", Kind::Run, "one run, with what its steps said"))
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many at most").or("25"))
        .example("/runbook runs")
        .example("/runbook runs R-7")
        .example("/runbook runs --limit 5")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    if let Some(id) = call.get::<RunId>("run") {
        let found = call
            .read(move |look| look.state.run(id).map(|run| text::run::progress_and_question(run)))
            .await?;
        let Some(cards) = found else {
            let no = text::refusal::card(&Refusal::Run(RunRefusal::Unknown(id)), &call.caller.zone);
            return Err(Reply::refused(no).into());
        };
        return Ok(Reply::with(true, cards));
    }
    let limit = call.limit();
    Ok(Reply::done(call.scene(move |scene| text::run::list(scene, limit)).await?))
}
