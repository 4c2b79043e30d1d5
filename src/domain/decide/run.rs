//! Runs: who may start one, when a step may be done, and how a run ends. Never starts a step that changes something
//! a second time unasked: a permit is given once, and what became of it must be told before the next one.

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::{Actor, Event},
    id::{LockName, RunId},
    page::Subject,
    permission::{self, NotAllowed},
    person::Role,
    prose::{Echo, Prose},
    run::{
        ATTEMPTS, LINE_BYTES, OUTPUT_BYTES, RESULT_BYTES, RESULTS_BYTES, Run, RunEvent, RunHappened,
        RunIntent, RunPlan, RunRefusal, RunStatus, Step, StepEnd, StepOutcome, StepReport, StepState,
        Verdict, WHAT_BYTES,
    },
};

type Ruled = Result<(), RunRefusal>;

impl Decision<'_> {
    pub(super) fn run(&mut self, what: RunIntent) -> Ruled {
        match what {
            RunIntent::Start(plan) => self.start_run(*plan),
            RunIntent::Permit { run, step, what } => self.permit_step(run, step, what),
            RunIntent::Finish(report) => self.finish_step(*report),
            RunIntent::Draw { run, step, drawing } => self.draw(run, step, drawing),
            RunIntent::End { run, verdict, summary } => self.end_when_done(run, verdict, summary),
            RunIntent::Approve { run, step, by, proven } => self.approve(run, step, by, proven),
            RunIntent::Refuse { run, step, by } => self.refuse(run, step, by),
            RunIntent::Stop { run, by } => self.stop_run(run, by),
            RunIntent::Continue { run, again, by } => self.continue_run(run, again, by),
            RunIntent::Resume(run) => self.resume_run(run),
            RunIntent::Judge { run, helped } => self.judge(run, helped),
            RunIntent::Missed(missed) => {
                self.emit(Event::RunMissed(Box::new(missed)));
                Ok(())
            }
            RunIntent::HoldBack { group, runbook, why } => self.refuse_due(group, &runbook, why),
        }
    }

    /// A run that is not over.
    pub(super) fn live(&self, id: RunId) -> Result<Run, RunRefusal> {
        let run = self.state.run(id).ok_or(RunRefusal::Unknown(id))?;
        match run.status {
            RunStatus::Ended(verdict) => {
                Err(RunRefusal::Over { run: id, verdict, at: run.ended_at, by: run.stopped_by.clone() })
            }
            _ => Ok(Run::clone(run)),
        }
    }

    pub(super) fn happens(&mut self, run: &Run, what: RunHappened) {
        let incident = self.state.incident_of_run(run);
        let (group, title) = (run.plan.group, run.plan.title.clone());
        self.emit(Event::Run(Box::new(RunEvent { run: run.id, group, incident, title, what })));
    }

    fn permit_step(&mut self, id: RunId, index: u32, what: Prose) -> Ruled {
        let run = self.live(id)?;
        match run.status {
            RunStatus::Waiting => return Err(RunRefusal::Waiting(id)),
            RunStatus::Stopping(_) => return Err(RunRefusal::Stopping(id, run.stopped_by.clone())),
            RunStatus::Running | RunStatus::Ended(_) => {}
        }
        if what.as_str().len() > WHAT_BYTES {
            return Err(RunRefusal::TooLarge("what a step will do"));
        }
        let step = run.step(index).ok_or_else(|| RunRefusal::NoStep(id, index.to_string()))?;
        self.may_be_done(&run, step)?;
        // Still asked, and for the same.
        if step.ask().is_some_and(|ask| ask.what.as_str() == what.as_str()) {
            return Ok(());
        }
        // People agreed to these words; other words are another question.
        let agreed = step.agreed.as_ref().is_some_and(|agreed| agreed.as_str() == what.as_str());
        if step.plan.confirm.is_some() && !(agreed && step.confirmed.is_some()) {
            self.ask_to_confirm(&run, step, what);
            return Ok(());
        }
        if step.plan.approve.is_some() && !(agreed && Self::is_approved(step)) {
            self.ask_to_approve(&run, step, what);
            return Ok(());
        }
        match self.lock_is_free(&run, step)? {
            Some(holder) => {
                let lock = step.plan.lock.clone().filter(|_| step.state != StepState::WaitsForLock(holder));
                if let Some(lock) = lock {
                    self.happens(&run, RunHappened::StepWaits { step: index, lock, holder });
                }
            }
            None => {
                let (attempt, lock) = (step.attempts + 1, step.plan.lock.clone());
                self.happens(&run, RunHappened::StepPermitted { step: index, attempt, lock });
            }
        }
        Ok(())
    }

    fn is_approved(step: &Step) -> bool {
        let given = u32::try_from(step.approved.len()).unwrap_or(u32::MAX);
        step.plan.approve.is_none_or(|needs| given >= needs.count)
    }

    /// What does not depend on anybody's answer.
    fn may_be_done(&self, run: &Run, step: &Step) -> Ruled {
        let (id, index) = (run.id, step.plan.index);
        if step.runs() {
            return Err(RunRefusal::StepRuns(id, index));
        }
        if run.plan.dry && step.plan.changes {
            return Err(RunRefusal::Dry(id));
        }
        // What changes something runs alone.
        let beside = run.steps.iter().find(|one| one.runs() && (one.plan.changes || step.plan.changes));
        if let Some(beside) = beside {
            return Err(RunRefusal::NotBeside(id, beside.plan.index));
        }
        let most = if step.plan.changes { 1 + step.plan.retries + step.again } else { ATTEMPTS };
        if step.attempts >= most.min(ATTEMPTS) {
            return Err(RunRefusal::NoMoreAttempts(id, index));
        }
        self.starter_holds(&run.plan, step.plan.role, &step.plan.heading)
    }

    /// Whether whoever wanted a run holds a role now, and was allowed as much when they started it.
    pub(super) fn starter_holds(&self, plan: &RunPlan, needed: Role, what: &str) -> Ruled {
        self.holds(&plan.by, needed, what)?;
        match plan.most.filter(|most| *most < needed) {
            None => Ok(()),
            Some(held) => {
                let no = NotAllowed { needed, held, ask: Vec::new() };
                Err(RunRefusal::NotAllowed { what: what.to_owned(), no })
            }
        }
    }

    /// Whether somebody holds a role now. Watchbell itself has none here: what runs by itself has its own identity.
    pub(super) fn holds(&self, by: &Actor, needed: Role, what: &str) -> Ruled {
        let held = match by {
            Actor::Watchbell => {
                permission::check(&Actor::Integration("watchbell".into()), needed, self.config)
            }
            by => permission::check(by, needed, self.config),
        };
        held.map_err(|no| RunRefusal::NotAllowed { what: what.to_owned(), no })
    }

    /// Who has the lock, when it is somebody else. Who has a lock already does not wait for another one: two runs that
    /// wait for each other would wait for ever.
    fn lock_is_free(&self, run: &Run, step: &Step) -> Result<Option<RunId>, RunRefusal> {
        let Some(name) = &step.plan.lock else { return Ok(None) };
        let Some(lock) = self.state.locks.get(name).filter(|lock| lock.holder != run.id) else {
            return Ok(None);
        };
        let has = |other: &LockName| self.state.locks.get(other).is_some_and(|lock| lock.holder == run.id);
        if run.steps.iter().filter_map(|one| one.plan.lock.as_ref()).any(has) {
            return Err(RunRefusal::LockHeld { lock: name.clone(), holder: lock.holder });
        }
        Ok(Some(lock.holder))
    }

    fn finish_step(&mut self, report: StepReport) -> Ruled {
        let StepReport { run: id, step: index, attempt, outcome, took, line, output, speaks, cut, result } =
            report;
        let Some(run) = self.state.run(id).cloned() else { return Err(RunRefusal::Unknown(id)) };
        let step = run.step(index).ok_or_else(|| RunRefusal::NoStep(id, index.to_string()))?;
        let fits = if attempt == 0 {
            // It never began, and nobody said that it went well.
            let waits = |state: &StepState| {
                matches!(state, StepState::Pending | StepState::Asks(_) | StepState::WaitsForLock(_))
            };
            waits(&step.state) && outcome != StepOutcome::Passed
        } else {
            step.runs() && step.attempts == attempt
        };
        // Told twice, or of an attempt before a crash.
        if !run.is_live() || !fits {
            return Ok(());
        }
        if line.as_str().len() > LINE_BYTES
            || output.as_ref().is_some_and(|text| text.as_str().len() > OUTPUT_BYTES)
        {
            return Err(RunRefusal::TooLarge("what a step said"));
        }
        let others = run.steps.iter().filter(|one| one.plan.index != index);
        let others: usize =
            others.filter_map(|one| one.result.as_ref()).map(|json| json.as_str().len()).sum();
        let fits = |json: &Echo| {
            let bytes = json.as_str().len();
            bytes <= RESULT_BYTES && others + bytes <= RESULTS_BYTES
        };
        let had = result.is_some();
        let result = result.filter(fits);
        let result_dropped = had && result.is_none();
        let heading = step.plan.heading.clone();
        let end = StepEnd {
            step: index,
            heading,
            attempt,
            outcome,
            took,
            line,
            output,
            speaks,
            cut,
            result,
            result_dropped,
        };
        self.happens(&run, RunHappened::StepFinished(Box::new(end)));
        self.end_when_stopped(id);
        Ok(())
    }

    /// A run that is being stopped is over when nothing of it runs any more.
    fn end_when_stopped(&mut self, id: RunId) {
        let Some(run) = self.state.runs.get(&id) else { return };
        if let RunStatus::Stopping(verdict) = run.status
            && !run.steps.iter().any(Step::runs)
        {
            self.end_run(id, verdict, None);
        }
    }

    fn end_when_done(&mut self, id: RunId, verdict: Verdict, summary: Option<String>) -> Ruled {
        let run = self.live(id)?;
        if summary.as_ref().is_some_and(|text| text.len() > LINE_BYTES) {
            return Err(RunRefusal::TooLarge("what a run comes to"));
        }
        match run.status {
            RunStatus::Waiting => return Err(RunRefusal::Waiting(id)),
            RunStatus::Stopping(_) => return Err(RunRefusal::Stopping(id, run.stopped_by.clone())),
            RunStatus::Running | RunStatus::Ended(_) => {}
        }
        if let Some(step) = run.steps.iter().find(|step| step.runs()) {
            return Err(RunRefusal::StepRuns(id, step.plan.index));
        }
        self.end_run(id, verdict, summary);
        Ok(())
    }

    fn end_run(&mut self, id: RunId, verdict: Verdict, summary: Option<String>) {
        let Some(run) = self.state.runs.get(&id).cloned() else { return };
        let took = self.now.civil.duration_since(run.started_at).max(jiff::SignedDuration::ZERO);
        let budget = run.plan.because.budget();
        let judge_due = budget.map(|budget| self.now.engine + budget.judge_within);
        self.happens(&run, RunHappened::Ended { verdict, took, summary, judge_due });
        let over = run.plan.group.is_none_or(|group| !self.state.groups.contains_key(&group));
        let known = if verdict == Verdict::Passed { over.then_some(true) } else { Some(false) };
        if let Some(helped) = known.filter(|_| budget.is_some()) {
            self.judged(&run, helped);
        }
        self.post_run_card(id);
        self.show_runs(self.state.incident_of_run(&run));
    }

    fn stop_run(&mut self, id: RunId, by: Actor) -> Ruled {
        let run = self.live(id)?;
        if run.is_stopping() {
            return Err(RunRefusal::Stopping(id, run.stopped_by.clone()));
        }
        if by != run.plan.by {
            self.holds(&by, Role::Operator, "/runbook stop")?;
        }
        self.happens(&run, RunHappened::Stopped { by });
        self.lose(id, |step| step.state == StepState::Lost);
        self.end_when_stopped(id);
        Ok(())
    }

    /// Nobody will ever know what became of steps that were running when the process ended.
    fn lose(&mut self, id: RunId, lost: impl Fn(&Step) -> bool) {
        let Some(run) = self.state.runs.get(&id).cloned() else { return };
        for step in run.steps.iter().filter(|step| lost(step)) {
            let end = StepEnd {
                step: step.plan.index,
                heading: step.plan.heading.clone(),
                attempt: step.attempts,
                outcome: StepOutcome::Unknown,
                took: jiff::SignedDuration::ZERO,
                line: Echo::default(),
                output: None,
                speaks: false,
                cut: 0,
                result: None,
                result_dropped: false,
            };
            self.happens(&run, RunHappened::StepFinished(Box::new(end)));
        }
    }

    fn continue_run(&mut self, id: RunId, again: bool, by: Actor) -> Ruled {
        let run = self.live(id)?;
        if run.status != RunStatus::Waiting {
            return Err(RunRefusal::NotWaiting(id));
        }
        self.holds(&by, Role::Operator, "/runbook continue")?;
        self.not_automatic(&run, &by)?;
        let lost = run.steps.iter().filter(|step| step.state == StepState::Lost);
        let steps = lost.map(|step| step.plan.index).collect();
        self.happens(&run, RunHappened::Continued { steps, again, by });
        self.lose(id, |step| step.state == StepState::Lost);
        Ok(())
    }

    /// After a restart: what only reads is done again; what changes something, people are asked about.
    fn resume_run(&mut self, id: RunId) -> Ruled {
        let run = self.live(id)?;
        let running = run.steps.iter().filter(|step| step.runs());
        let (lost, again): (Vec<&Step>, Vec<&Step>) = running.partition(|step| step.plan.changes);
        let indexes = |steps: &[&Step]| steps.iter().map(|step| step.plan.index).collect::<Vec<u32>>();
        match run.status {
            RunStatus::Stopping(_) => {
                self.lose(id, Step::runs);
                self.end_when_stopped(id);
            }
            RunStatus::Running => {
                self.happens(&run, RunHappened::Resumed { again: indexes(&again) });
                if !lost.is_empty() {
                    self.happens(&run, RunHappened::Waits { steps: indexes(&lost) });
                    for channel in self.asks_where(&run) {
                        self.notify(channel, Subject::Run(id), Notice::RunWaits(id));
                    }
                    // Nobody asked for it, so nobody may be there to be asked.
                    self.page_for_answer(&run);
                }
            }
            RunStatus::Waiting | RunStatus::Ended(_) => {}
        }
        Ok(())
    }

    /// Says no more than that somebody stopped it or let it expire, and ends it as soon as nothing of it runs.
    pub(super) fn stop_because(&mut self, run: &Run, what: RunHappened) {
        self.happens(run, what);
        self.end_when_stopped(run.id);
    }

    /// Posts the card of a run as it is now, wherever it streams.
    pub(super) fn post_run_card(&mut self, id: RunId) {
        let Some(run) = self.state.run(id).cloned() else { return };
        let (channels, revision) = (run.plan.channels.clone(), run.card_revision + 1);
        if !channels.is_empty() {
            self.post_card(Subject::Run(id), &run.cards, channels, revision);
        }
    }
}
