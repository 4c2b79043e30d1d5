//! Where a runbook starts by hand. Never starts one that was not proved: it is handed what the library holds.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    executor::Executor,
    guide::{self, Chosen},
    model::Runbook,
    plan::{self, About, Wanted},
    run::{LOOK, Said},
    world::secrets::{SHORTEST, can_be_covered},
};
use crate::{
    command::{Answer, Call, Reply, Undone},
    domain::{
        event::Event,
        id::RunId,
        intent::Intent,
        run::{RunBecause, RunIntent},
    },
    text,
};

/// Whoever waits for the answer hears how far it is after this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a run of a runbook for whoever calls its command; the arguments are in `call.parsed.values`. In chat the
/// answer is there at once, and the card that streams tells the rest; elsewhere it is the end, or how far the run is.
///
/// # Errors
/// When it must not be started. Nothing has changed then.
pub async fn start(call: &Call<'_>, runbook: &Arc<Runbook>, executor: &Executor) -> Answer {
    if plan::secrets(&runbook.spec, &call.parsed.values).iter().any(|secret| !can_be_covered(secret)) {
        return Err(Reply::refused(text::runbook::secret_too_short(&runbook.command(), SHORTEST)).into());
    }
    match guide::choose(call, runbook).await? {
        Chosen::Whole => begin(call, runbook, executor, None).await,
        Chosen::Does(part, about) => begin(call, &part, executor, Some(about)).await,
        Chosen::Shown(reply) => Ok(reply),
    }
}

/// Starts it; of a step that was chosen its card says what stands beside its actions, and where it leads.
async fn begin(
    call: &Call<'_>,
    runbook: &Arc<Runbook>,
    executor: &Executor,
    about: Option<guide::About>,
) -> Answer {
    // The rules know its person, and not by what they speak.
    if let Some(needed) = runbook.actions().filter_map(|action| action.settings.role).max()
        && let Err(no) = call.caller.may(&runbook.command(), needed, &call.config)
        && call.caller.most().is_some()
    {
        return Err(Reply::refused(*no).into());
    }
    let named = call.get::<String>(runbook.environment_flag).or_else(|| runbook.environment.clone());
    let world = executor.world();
    let named = named.or_else(|| world.usual().map(str::to_owned)).unwrap_or_default();
    let Some(environment) = world.environment(&named).cloned() else {
        return Err(Reply::refused(text::runbook::no_environment(&named)).into());
    };
    let about_channel = call.channel.clone();
    let (spec, given, by) =
        (Arc::clone(&runbook.spec), call.parsed.values.clone(), call.caller.actor.clone());
    let (now, name, about_incident) = (call.now, named.clone(), guide::named(call));
    let (incident, scope) = call
        .read(move |look| {
            let channel = about_channel.as_ref();
            let incident = guide::incident_of(look.state, about_incident, channel);
            let about = About { by: &by, incident, group: None, matchers: &[], channel, now };
            (incident, plan::scope(&spec, &given, (&name, &environment), &about, look.state, look.config))
        })
        .await?;
    let wanted = Wanted {
        by: call.caller.actor.clone(),
        most: call.caller.most(),
        because: RunBecause::Hand,
        given: &call.parsed.values,
        environment: named,
        incident,
        group: None,
        channels: call.channel.iter().cloned().collect(),
        salt: &*call.desk.salt,
    };
    let mut plan = plan::plan(runbook, wanted, &scope);
    if let Some(about) = about {
        (plan.part, plan.links) = (Some(about.part), about.links);
    }
    let plan = plan.salted(&*call.desk.salt);
    let accepted = call.submit(Intent::Run(RunIntent::Start(Box::new(plan)))).await?;
    let started = accepted.events.iter().find_map(|event| match event {
        Event::Run(event) => Some(event.run),
        _ => None,
    });
    let Some(id) = started else { return Err(Reply::refused(text::runbook::gone()).into()) };
    let run = call.read(move |look| look.state.run(id).cloned()).await?;
    let (said, mut news) = (Said::default(), Arc::new(Notify::new()));
    if let Some(run) = &run {
        let given = call.parsed.values.clone();
        let running = executor.running_of(call.desk, runbook, run, given, call.trace, Arc::clone(&said));
        if let Some(running) = running.await {
            news = Arc::clone(&running.news);
            executor.spawn(running.go(0));
        }
    }
    if call.caller.account.is_none() {
        wait(call, id, executor, &news).await?;
    }
    answer(call, id, &said).await
}

/// Waits until the run has ended or asks somebody, or for as long as anybody wants to wait. The run itself says when it
/// is worth a look; what others do to it is seen a moment later, so that many who wait cost the engine little.
async fn wait(call: &Call<'_>, id: RunId, executor: &Executor, news: &Notify) -> Result<(), Undone> {
    let mut commits = executor.commits.clone();
    let until = Instant::now() + PATIENCE;
    loop {
        commits.mark_unchanged();
        let settled = call.read(move |look| {
            let run = look.state.run(id);
            run.is_none_or(|run| !run.is_live() || run.steps.iter().any(|step| step.ask().is_some()))
        });
        if settled.await? {
            return Ok(());
        }
        let others = async {
            let moved = commits.changed().await;
            tokio::time::sleep(LOOK).await;
            moved.is_ok()
        };
        let worth_a_look = async {
            tokio::select! {
                () = news.notified() => true,
                moved = others => moved,
            }
        };
        if !matches!(tokio::time::timeout_at(until, worth_a_look).await, Ok(true)) {
            return Ok(());
        }
    }
}

/// How it stands, with what its steps said.
async fn answer(call: &Call<'_>, id: RunId, said: &Said) -> Answer {
    let run = call.read(move |look| look.state.run(id).cloned()).await?;
    let Some(run) = run else { return Err(Reply::refused(text::runbook::gone()).into()) };
    let said: Vec<_> = said.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    let mut cards = match call.caller.account {
        // In chat the question stands beside it by itself.
        Some(_) => vec![text::run::progress(&run)],
        None => text::run::progress_and_question(&run),
    };
    if let Some(first) = cards.first_mut() {
        *first = text::runbook::with_output(std::mem::take(first), &said);
    }
    Ok(Reply::with(true, cards))
}
