//! `/runbook refuse`: says no to what a run asks, which ends it. Never needs a second person.

use super::{change, step, step_argument, token_may, which};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::run::RunIntent,
    text,
};

/// `/runbook refuse RUN [STEP]`
#[must_use]
pub fn spec() -> CommandSpec {
    // Who may, stands in the runbook.
    CommandSpec::new("/runbook refuse", "Says no to what a run asks; the run ends.")
        .takes(which())
        .takes(step_argument())
        .example("/runbook refuse R-7")
}

/// Says no.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let run = call.need("run")?;
    token_may(call, run, "/runbook refuse").await?;
    let step = step(call, run).await?;
    let by = call.caller.actor.clone();
    let said = text::run::said_no(run, &by);
    change(call, run, RunIntent::Refuse { run, step, by }, said).await
}
