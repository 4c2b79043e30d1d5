//! `/runbook approve`: says yes to what a run asks. Whether it counts, the rules say: two approvals are two people.

use super::{change, operator_by_token, step, step_argument, which};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::run::RunIntent,
    text,
};

/// `/runbook approve RUN [STEP]`
#[must_use]
pub fn spec() -> CommandSpec {
    // Who may, stands in the runbook.
    CommandSpec::new(
        "/runbook approve",
        "Says yes to what a run asks: a confirmation, or an approval by others.",
    )
    .takes(which())
    .takes(step_argument())
    .example("/runbook approve R-7")
    .example("/runbook approve R-7 restart")
}

/// Says yes.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let run = call.need("run")?;
    // A yes is nothing that a token for less should give, not even to the run that it started.
    operator_by_token(call, "/runbook approve")?;
    let step = step(call, run).await?;
    let (by, proven) = (call.caller.actor.clone(), call.caller.proven);
    let said = text::run::approved(run, &by);
    change(call, run, RunIntent::Approve { run, step, by, proven }, said).await
}
