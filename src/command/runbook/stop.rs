//! `/runbook stop`: no further step begins. The rules say who may: whoever wanted the run, or an operator.

use super::{change, token_may, which};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::{person::Role, run::RunIntent},
    text,
};

/// `/runbook stop RUN`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/runbook stop", "Stops a run: no further step begins, and what runs is ended.")
        // A viewer may stop what a viewer started; the rules look at the run.
        .role(Role::Viewer)
        .takes(which())
        .example("/runbook stop R-7")
}

/// Stops it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let run = call.need("run")?;
    token_may(call, run, "/runbook stop").await?;
    let by = call.caller.actor.clone();
    let said = text::run::stopped(run, &by);
    change(call, run, RunIntent::Stop { run, by }, said).await
}
