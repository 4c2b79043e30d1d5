//! `/runbook …`: runs that go on, and the answers that they wait for. Never starts a step: that is the executor's.

pub(super) mod approve;
pub(super) mod proceed;
pub(super) mod refuse;
pub(super) mod runs;
pub(super) mod stop;

use super::{Answer, Call, Reply, Undone, spec::Argument, spec::Kind};
use crate::{
    domain::{
        id::RunId,
        intent::{Intent, Refusal},
        person::Role,
        run::{RunIntent, RunRefusal},
    },
    text,
};

/// The run that a command is about.
fn which() -> Argument {
    Argument::required("run", Kind::Run, "which run")
}

/// The step that asks, by its number or its name.
fn step_argument() -> Argument {
    Argument::optional("step", Kind::Word, "which step, by number or name; not needed when one asks")
}

/// The step that was named, if one was.
async fn step(call: &Call<'_>, run: RunId) -> Result<Option<u32>, Undone> {
    let Some(written) = call.get::<String>("step") else { return Ok(None) };
    let name = written.clone();
    let found = call.read(move |look| {
        let known = look.state.run(run)?;
        let names = known.steps.iter().map(|step| step.plan.name.clone()).collect::<Vec<_>>();
        Some((known.find(&name), names))
    });
    match found.await? {
        Some((Some(step), _)) => Ok(Some(step)),
        Some((None, names)) => Err(Reply::refused(text::run::no_step(run, &written, &names)).into()),
        None => {
            let unknown = Refusal::Run(RunRefusal::Unknown(run));
            Err(Reply::refused(text::refusal::card(&unknown, &call.caller.zone)).into())
        }
    }
}

/// A token that may do less than its person speaks for a run of others only with the role that this takes. The rules
/// know the person, and not by what they speak.
async fn token_may(call: &Call<'_>, run: RunId, command: &str) -> Result<(), Undone> {
    if call.caller.most().is_none() {
        return Ok(());
    }
    let by = call.caller.actor.clone();
    let theirs = call.read(move |look| look.state.run(run).is_some_and(|known| known.plan.by == by));
    if theirs.await? {
        return Ok(());
    }
    operator_by_token(call, command)
}

fn operator_by_token(call: &Call<'_>, command: &str) -> Result<(), Undone> {
    match call.caller.may(command, Role::Operator, &call.config) {
        Err(no) if call.caller.most().is_some() => Err(Reply::refused(*no).into()),
        _ => Ok(()),
    }
}

/// Does something about a run, and shows it as it stands then.
async fn change(call: &Call<'_>, run: RunId, what: RunIntent, said: String) -> Answer {
    call.submit(Intent::Run(what)).await?;
    let plain = text::reply::kept(said.clone());
    Ok(call.done(plain, move |scene| text::run::changed(scene, run, &said)).await)
}
