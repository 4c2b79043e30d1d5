//! `/runbook continue`: how a run goes on whose step was running when Watchbell ended. Never decides that by itself.

use super::{change, which};
use crate::{
    command::{
        Answer, Call,
        spec::{CommandSpec, Flag},
    },
    domain::{person::Role, run::RunIntent},
    text,
};

/// `/runbook continue RUN [--skip]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/runbook continue", "Does the step again that was running when Watchbell ended.")
        .role(Role::Operator)
        .takes(which())
        .flag(Flag::switch("skip", "goes on after that step instead; its outcome stays unknown"))
        .example("/runbook continue R-7")
        .example("/runbook continue R-7 --skip")
}

/// Says so.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let run = call.need("run")?;
    let (by, again) = (call.caller.actor.clone(), !call.has("skip"));
    let said = text::run::continued(run, &by, again);
    change(call, run, RunIntent::Continue { run, again, by }, said).await
}
