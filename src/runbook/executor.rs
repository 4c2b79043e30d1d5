//! Starts runs, takes them up after a restart, and ends with the house. Never starts what the engine did not take.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::tz::TimeZone;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use super::{
    Library, Runbook,
    course::Studio,
    guide,
    plan::{self, About},
    prepared::{Place, World},
    run::{Running, Said, index, tell},
    verdict::{Next, next},
};
use crate::{
    command::{Caller, Desk, Shown, Value as Argument},
    config::Settings,
    domain::{
        event::{Actor, TraceId},
        id::{RunId, Seq},
        prose::Echo,
        run::{Run, RunIntent, RunStatus, StepOutcome, StepReport, Todo, Verdict},
    },
    engine::Engine,
    observe,
    pictures::Pictures,
    text::runbook as words,
};

/// Does the runs of runbooks. Clones share what runs.
#[derive(Clone)]
pub struct Executor {
    world: Arc<RwLock<World>>,
    /// The runbooks in force.
    pub(super) shelf: Arc<watch::Sender<Arc<Library>>>,
    pub(super) commits: watch::Receiver<Seq>,
    pub(super) studio: Studio,
    engine: Engine,
    running: Arc<Mutex<JoinSet<()>>>,
}

impl Executor {
    /// Nothing runs yet. `settings` say what may be reached and started; `commits` tells when the journal has moved.
    ///
    /// # Errors
    /// When there is no usable TLS.
    pub fn new(settings: &Settings, engine: &Engine, commits: watch::Receiver<Seq>) -> reqwest::Result<Self> {
        Ok(Self {
            world: Arc::new(RwLock::new(World::new(settings)?)),
            shelf: Arc::new(watch::Sender::new(Arc::default())),
            commits,
            studio: Studio::default(),
            engine: engine.clone(),
            running: Arc::default(),
        })
    }

    /// The same that draws what `chart` asks for, on these grounds (dark or not), and keeps it there.
    #[must_use]
    pub fn drawing(self, pictures: Pictures, grounds: BTreeSet<bool>) -> Self {
        Self { studio: Studio::new(pictures, grounds), ..self }
    }

    /// What may be asked and started now. A run keeps what was in force when it began.
    pub(super) fn world(&self) -> World {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other settings and runbooks from now on. Runs go on as they began; answers and budgets are kept.
    pub fn replace(&self, settings: &Settings, library: &Arc<Library>) {
        let mut world = self.world.write().unwrap_or_else(PoisonError::into_inner);
        *world = world.with(settings);
        drop(world);
        self.shelf.send_replace(Arc::clone(library));
    }

    /// Takes up what ran when the process ended, keeps time, and watches for what alerts start. `last` is when the
    /// journal was last written before this start.
    pub async fn take_up(&self, desk: &Desk, library: &Arc<Library>, last: Option<jiff::Timestamp>) {
        self.resume(desk, library).await;
        self.shelf.send_replace(Arc::clone(library));
        self.keep_time(desk, last);
        self.keep_watch(desk);
    }

    /// Takes up what ran when the process ended.
    pub async fn resume(&self, desk: &Desk, library: &Library) {
        let Ok(found) = desk.engine.read(|look| look.state.runs_to_resume()).await else { return };
        for found in found {
            match found.todo {
                Todo::Resume { .. } => self.go_on(desk, library, found.run).await,
                Todo::Judge => self.judge_again(desk, library, found.run).await,
            }
        }
    }

    async fn go_on(&self, desk: &Desk, library: &Library, id: RunId) {
        let trace = observe::trace();
        let resumed = tell(desk, trace, RunIntent::Resume(id)).await;
        let Ok(Some(run)) = desk.engine.read(move |look| look.state.run(id).cloned()).await else { return };
        if !matches!(resumed, Ok(Ok(_))) || !run.is_live() {
            return;
        }
        match self.again(desk, library, &run, trace).await {
            Some(mut running) => {
                let from = standing(&mut running, &run);
                self.spawn(running.go(from));
            }
            None => {
                let secret = same_file(library, &run)
                    .is_some_and(|runbook| plan::was_told_a_secret(&runbook.spec, &run.plan));
                let why = match (secret, plan::lost_words(&run)) {
                    (true, _) => words::secret_is_gone,
                    (false, true) => words::words_are_erased,
                    (false, false) => words::changed_meanwhile,
                };
                let why = why(&run.plan.runbook);
                self.spawn(give_up(desk.clone(), run, trace, self.commits.clone(), why));
            }
        }
    }

    /// An automatic answer had ended, and nobody knew whether it had helped. When its file is another one by now nothing
    /// is looked at: the rules judge by the end of its group.
    async fn judge_again(&self, desk: &Desk, library: &Library, id: RunId) {
        let Ok(Some(run)) = desk.engine.read(move |look| look.state.run(id).cloned()).await else { return };
        if let Some(running) = self.again(desk, library, &run, observe::trace()).await {
            self.spawn(async move { running.find_out().await });
        }
    }

    /// A run of before, when its file is still the same and all that it was told is known.
    async fn again(&self, desk: &Desk, library: &Library, run: &Run, trace: TraceId) -> Option<Running> {
        let runbook = guide::as_planned(same_file(library, run)?, &run.plan)?;
        // What stands for erased words must never reach a request or a program.
        if plan::was_told_a_secret(&runbook.spec, &run.plan) || plan::lost_words(run) {
            return None;
        }
        let given = plan::given(&runbook.spec, &run.plan);
        self.running_of(desk, &runbook, run, given, trace, Said::default()).await
    }

    /// Ends everything that runs here at once; what it was doing is taken up at the next start.
    pub fn stop(&self) {
        self.running().abort_all();
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut running = self.running();
        while running.try_join_next().is_some() {}
        running.spawn(work);
    }

    fn running(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run with all that it needs and what it was told, secrets included; none: its environment is gone, or the engine has stopped.
    pub(super) async fn running_of(
        &self,
        desk: &Desk,
        runbook: &Arc<Runbook>,
        run: &Run,
        given: BTreeMap<String, Argument>,
        trace: TraceId,
        said: Said,
    ) -> Option<Running> {
        let plan = run.plan.clone();
        let world = self.world();
        let environment = world.environment(&plan.environment)?.clone();
        let (spec, told) = (Arc::clone(&runbook.spec), plan::secrets(&runbook.spec, &given));
        let (asked, place) = (plan.clone(), Place::new(&world, &environment, &told));
        let matchers = runbook.by_itself.on_alert.clone();
        let seen = desk.engine.read(move |look| {
            let about = About {
                by: &asked.by,
                incident: asked.incident,
                group: asked.group,
                matchers: &matchers,
                channel: asked.channels.first(),
                now: look.now.civil,
            };
            let environment = (asked.environment.as_str(), &environment);
            let scope = plan::scope(&spec, &given, environment, &about, look.state, look.config);
            let caller = match &asked.by {
                Actor::Person(id) => Caller::person(id, look.config).ok(),
                _ => None,
            };
            (scope, caller)
        });
        let (scope, caller) = seen.await.ok()?;
        // A step says yes to nothing, whoever started the run.
        let actor = match &plan.by {
            // What nobody stands for may look, and no more.
            Actor::Watchbell => Actor::Integration("watchbell".into()),
            by => by.clone(),
        };
        let operator = || Caller { actor, ..Caller::operator(TimeZone::UTC) };
        let token = plan.most.map(|most| Shown { name: None, most: Some(most) });
        let caller = Caller { proven: false, token, ..caller.unwrap_or_else(operator) };
        Some(Running {
            // Whoever called may be in a hurry; a run is not.
            desk: Desk { engine: self.engine.clone(), ..desk.clone() },
            id: run.id,
            channel: plan.channels.first().cloned(),
            plan,
            runbook: Arc::clone(runbook),
            place,
            scope,
            caller,
            trace,
            said,
            commits: self.commits.clone(),
            stop: watch::channel(false).0,
            news: Arc::new(Notify::new()),
            studio: self.studio.clone(),
            results: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            shown: false,
        })
    }
}

/// The runbook of a run, when its file is still the same.
fn same_file<'l>(library: &'l Library, run: &Run) -> Option<&'l Arc<Runbook>> {
    library.get(&run.plan.runbook).filter(|runbook| runbook.digest == run.plan.digest)
}

/// Goes through what is over, as the run did, and says where it stands.
fn standing(running: &mut Running, run: &Run) -> usize {
    let runbook = Arc::clone(&running.runbook);
    let (mut at, mut seen) = (0, BTreeSet::new());
    let mut last: Option<usize> = None;
    while let Some(action) = runbook.action(at) {
        let step = run.step(index(action));
        let begun = step.is_some_and(|step| step.attempts > 0);
        let Some((step, outcome)) = step.and_then(|step| Some((step, step.outcome()?))) else {
            return last.filter(|_| !begun).unwrap_or(at);
        };
        // Round a circle: which of its steps were done this time, nobody wrote down.
        if !seen.insert(at) {
            return at;
        }
        let result = step.result.as_ref().and_then(|json| serde_json::from_str(json.as_str()).ok());
        // What was too large to be kept is not there any more; how it ended is.
        let rest = || {
            let ok = outcome == StepOutcome::Passed;
            let bare = serde_json::json!({"ok": ok, "ran": step.attempts > 0, "elapsed": 0});
            bare.as_object().cloned().unwrap_or_default()
        };
        running.results.insert(at, result.unwrap_or_else(rest));
        // Of what is looked at again and again nobody knows whether that was the last time.
        let settings = &action.settings;
        let tries = settings.retry.is_some() && outcome != StepOutcome::Passed;
        let again = !action.changes && step.attempts > 0 && (settings.follow.is_some() || tries);
        last = again.then_some(at);
        let next = next(action, outcome);
        let handled = outcome == StepOutcome::Failed && matches!(next, Next::To(_));
        running.outcomes.insert(at, if handled { StepOutcome::Skipped } else { outcome });
        at = match next {
            Next::On => at + 1,
            Next::To(number) => number,
            Next::Stop => runbook.actions().count(),
        };
    }
    last.unwrap_or(at)
}

/// The run cannot go on: it ends, and says why.
async fn give_up(desk: Desk, run: Arc<Run>, trace: TraceId, mut commits: watch::Receiver<Seq>, why: String) {
    let id: RunId = run.id;
    loop {
        commits.mark_unchanged();
        let status = desk.engine.read(move |look| look.state.run(id).map(|run| run.status)).await;
        match status {
            Ok(Some(RunStatus::Running)) => break,
            // People say first what they make of the step that was lost.
            Ok(Some(RunStatus::Waiting)) => {}
            _ => return,
        }
        if commits.changed().await.is_err() {
            return;
        }
    }
    let next = desk.engine.read(move |look| {
        let run = look.state.run(id)?;
        run.steps.iter().find(|step| step.outcome().is_none()).map(|step| step.plan.index)
    });
    if let Ok(Some(step)) = next.await {
        let report = StepReport {
            run: id,
            step,
            attempt: 0,
            outcome: StepOutcome::Failed,
            took: jiff::SignedDuration::ZERO,
            line: Echo::new(&why, (desk.salt)()),
            output: None,
            speaks: false,
            cut: 0,
            result: None,
        };
        drop(tell(&desk, trace, RunIntent::Finish(Box::new(report))).await);
    }
    drop(tell(&desk, trace, RunIntent::End { run: id, verdict: Verdict::Failed, summary: None }).await);
}
