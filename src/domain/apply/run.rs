//! Runs: what their events make of the state. Never looks at configuration: what a run may do came with its start.

use std::{collections::BTreeSet, sync::Arc};

use jiff::SignedDuration;

use super::change::disarm_run;
use crate::domain::{
    id::{LockName, RunId},
    run::{
        Ask, EXCERPT_BYTES, Lock, Run, RunBecause, RunEvent, RunHappened, RunMissed, RunPlan, RunStatus,
        RunToResume, Step, StepEnd, StepState, Todo, Verdict,
    },
    state::{CardOf, MissedRun, Stamp, State},
};

/// A card that streams is edited once in this time at most.
const STREAM_PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// How many runs that are over are remembered.
const ENDED: usize = 300;
/// How many runs that did not start are remembered.
const MISSED: usize = 50;
/// Of how many runbooks it is remembered how often they answered by themselves.
const ANSWERING: usize = 1_000;

impl State {
    pub(super) fn run_happened(&mut self, event: &RunEvent, stamp: &Stamp) {
        let id = event.run;
        match &event.what {
            RunHappened::Started(plan) => {
                self.run_started(id, plan, stamp);
                self.guide_tried(event, plan, stamp);
            }
            RunHappened::Drawn { step, drawing } => self.change_step(id, *step, |step| step.draw(drawing)),
            RunHappened::ConfirmAsked { step, what, until } => self.change_step(id, *step, |step| {
                step.confirmed = None;
                step.approved.clear();
                step.state = StepState::Asks(Ask { confirm: true, what: what.clone(), until: *until });
            }),
            RunHappened::ApprovalAsked { step, what, until, .. } => self.change_step(id, *step, |step| {
                step.approved.clear();
                step.state = StepState::Asks(Ask { confirm: false, what: what.clone(), until: *until });
            }),
            RunHappened::Confirmed { step, by } => self.change_step(id, *step, |step| {
                step.confirmed = Some(by.clone());
                agreed(step);
            }),
            RunHappened::ApprovalGiven { step, by, missing } => self.change_step(id, *step, |step| {
                step.approved.insert(by.clone());
                if *missing == 0 {
                    agreed(step);
                }
            }),
            RunHappened::StepWaits { step, lock, holder } => {
                self.change_step(id, *step, |step| step.state = StepState::WaitsForLock(*holder));
                if let Some(lock) = self.locks.get_mut(lock)
                    && !lock.waiting.contains(&id)
                {
                    lock.waiting.push(id);
                }
            }
            RunHappened::StepPermitted { step, attempt, lock } => {
                self.change_step(id, *step, |step| {
                    step.attempts = *attempt;
                    step.state = StepState::Running { since: stamp.at };
                });
                if let Some(lock) = lock {
                    let lock = self.locks.entry(lock.clone());
                    let lock = lock.or_insert_with(|| Lock { holder: id, waiting: Vec::new() });
                    lock.holder = id;
                    lock.waiting.retain(|one| *one != id);
                }
            }
            RunHappened::StepFinished(end) => {
                self.step_over(id, end);
                self.release_locks(id);
            }
            RunHappened::Resumed { again } => self.change_steps(id, again, |step| {
                step.again += 1;
                step.state = StepState::Pending;
            }),
            RunHappened::Waits { steps } => {
                self.change_steps(id, steps, |step| step.state = StepState::Lost);
                self.change_run(id, |run| run.status = RunStatus::Waiting);
            }
            RunHappened::Continued { steps, again, .. } => {
                self.change_run(id, |run| run.status = RunStatus::Running);
                if *again {
                    self.change_steps(id, steps, |step| {
                        step.again += 1;
                        step.state = StepState::Pending;
                    });
                }
            }
            RunHappened::Stopped { by } => self.stop_run(id, Verdict::Stopped, |run| {
                run.stopped_by = Some(by.clone());
            }),
            RunHappened::ApprovalRefused { by, .. } => self.stop_run(id, Verdict::Refused, |run| {
                run.stopped_by = Some(by.clone());
            }),
            RunHappened::ApprovalExpired { .. } => self.stop_run(id, Verdict::Expired, |_| {}),
            RunHappened::Ended { verdict, judge_due, summary, .. } => {
                self.change_run(id, |run| {
                    run.status = RunStatus::Ended(*verdict);
                    run.ended_at = Some(stamp.at);
                    run.judge_due = *judge_due;
                    run.summary.clone_from(summary);
                    for step in &mut run.steps {
                        step.result = None;
                        step.agreed = None;
                    }
                });
                self.run_ended(id);
            }
            RunHappened::Judged { helped } => {
                self.change_run(id, |run| {
                    run.helped = Some(*helped);
                    run.judge_due = None;
                });
                for answers in self.answers.values_mut().filter(|one| one.unjudged == Some(id)) {
                    answers.unjudged = None;
                }
            }
        }
        self.run_card_changed(id);
    }

    fn run_started(&mut self, id: RunId, plan: &RunPlan, stamp: &Stamp) {
        let mut plan = plan.clone();
        let steps = std::mem::take(&mut plan.steps);
        let step = |plan| Step {
            plan,
            state: StepState::Pending,
            attempts: 0,
            again: 0,
            agreed: None,
            confirmed: None,
            approved: BTreeSet::new(),
            result: None,
            drawing: None,
            drawings: 0,
            excerpt: String::new(),
        };
        self.last_run = self.last_run.max(id);
        if let Some(group) = plan.because.group() {
            self.change_group(group, |group| {
                group.runs.insert(plan.runbook.clone(), id);
            });
            self.not_due(group, &plan.runbook);
        }
        self.answer_started(id, &plan);
        let run = Run {
            id,
            plan,
            steps: steps.into_iter().map(step).collect(),
            status: RunStatus::Running,
            started_at: stamp.at,
            ended_at: None,
            summary: None,
            stopped_by: None,
            judge_due: None,
            helped: None,
            card_revision: 0,
            card_due: None,
            card_at: None,
            cards: BTreeSet::new(),
        };
        self.runs.insert(id, Arc::new(run));
    }

    fn answer_started(&mut self, id: RunId, plan: &RunPlan) {
        let RunBecause::Answer(_, budget) = &plan.because else { return };
        let clock = self.clock;
        let answers = self.answers.entry(plan.runbook.clone()).or_default();
        answers.starts.retain(|start| clock.duration_since(*start) < budget.window);
        answers.starts.push(clock);
        answers.unjudged = Some(id);
        if self.answers.len() > ANSWERING {
            let idle = self.answers.iter().filter(|(_, one)| one.unjudged.is_none());
            let oldest = idle.min_by_key(|(_, one)| one.starts.last().copied());
            if let Some(oldest) = oldest.map(|(runbook, _)| runbook.clone()) {
                self.answers.remove(&oldest);
            }
        }
    }

    fn step_over(&mut self, id: RunId, end: &StepEnd) {
        self.change_step(id, end.step, |step| {
            step.result.clone_from(&end.result);
            step.excerpt = excerpt(end);
            let line = end.line.clone();
            step.state = StepState::Over { outcome: end.outcome, took: end.took, line };
        });
    }

    /// No further step begins, and nobody is asked any more.
    fn stop_run(&mut self, id: RunId, verdict: Verdict, and: impl FnOnce(&mut Run)) {
        self.change_run(id, |run| {
            run.status = RunStatus::Stopping(verdict);
            for step in &mut run.steps {
                if matches!(step.state, StepState::Asks(_) | StepState::WaitsForLock(_)) {
                    step.state = StepState::Pending;
                }
            }
            and(run);
        });
        for lock in self.locks.values_mut() {
            lock.waiting.retain(|one| *one != id);
        }
    }

    fn run_ended(&mut self, id: RunId) {
        let Some(run) = self.runs.remove(&id) else { return };
        if let Some(answers) = self.answers.get_mut(&run.plan.runbook)
            && run.plan.because.budget().is_some()
        {
            answers.ended = Some(self.clock);
        }
        for lock in self.locks.values_mut() {
            lock.waiting.retain(|one| *one != id);
        }
        // Messages that wait may still speak of a run that is over.
        let most = ENDED + self.deliveries.len();
        let many = (self.ended_runs.len() + 1).saturating_sub(most);
        // One that is not judged yet is not forgotten: there is one at most for each runbook.
        let judged = |id: &&RunId| self.ended_runs.get(id).is_none_or(|run| run.judge_due.is_none());
        let oldest: Vec<RunId> = self.ended_runs_order.iter().filter(judged).take(many).copied().collect();
        for old in oldest {
            self.forget_run(old);
            self.ended_runs.remove(&old);
            self.ended_runs_order.retain(|one| *one != old);
        }
        if self.ended_runs.insert(id, run).is_none() {
            self.ended_runs_order.push_back(id);
        }
        self.release_locks(id);
    }

    /// Nothing may point at a run that is forgotten: no timer, no card, no answer.
    fn forget_run(&mut self, id: RunId) {
        let Some(run) = self.ended_runs.get(&id) else { return };
        disarm_run(&mut self.timers, run);
        self.change_run(id, |run| run.judge_due = None);
        self.posted.remove(&CardOf::Run(id));
        for answers in self.answers.values_mut().filter(|one| one.unjudged == Some(id)) {
            answers.unjudged = None;
        }
    }

    /// A lock goes on to whoever waits for it when its holder needs it for no further step.
    fn release_locks(&mut self, id: RunId) {
        let run = self.runs.get(&id).cloned();
        let needs = |lock: &LockName| run.as_ref().is_some_and(|run| run.needs_lock(lock));
        let held = self.locks.iter().filter(|(_, lock)| lock.holder == id).map(|(name, _)| name.clone());
        let free: Vec<LockName> = held.filter(|name| !needs(name)).collect();
        for name in free {
            let Some(lock) = self.locks.get_mut(&name) else { continue };
            if lock.waiting.is_empty() {
                self.locks.remove(&name);
                continue;
            }
            let next = lock.waiting.remove(0);
            lock.holder = next;
            self.change_run(next, |run| {
                for step in run.steps.iter_mut().filter(|step| step.plan.lock.as_ref() == Some(&name)) {
                    if matches!(step.state, StepState::WaitsForLock(_)) {
                        step.state = StepState::Pending;
                    }
                }
            });
            self.run_card_changed(next);
        }
    }

    fn change_step(&mut self, id: RunId, step: u32, change: impl FnOnce(&mut Step)) {
        self.change_run(id, |run| {
            if let Some(step) = run.steps.iter_mut().find(|one| one.plan.index == step) {
                change(step);
            }
        });
    }

    fn change_steps(&mut self, id: RunId, steps: &[u32], mut change: impl FnMut(&mut Step)) {
        self.change_run(id, |run| {
            run.steps.iter_mut().filter(|one| steps.contains(&one.plan.index)).for_each(&mut change);
        });
    }

    fn run_card_changed(&mut self, id: RunId) {
        let clock = self.clock;
        self.change_run(id, |run| {
            if !run.plan.channels.is_empty() {
                let due = run.card_at.map_or(clock, |at| clock.max(at + STREAM_PAUSE));
                run.card_due.get_or_insert(due);
            }
        });
    }

    pub(super) fn run_missed(&mut self, missed: &RunMissed, stamp: &Stamp) {
        self.missed_runs.push_back(MissedRun { missed: missed.clone(), at: stamp.at });
        while self.missed_runs.len() > MISSED {
            self.missed_runs.pop_front();
        }
    }

    /// A run, also one that is over and remembered.
    #[must_use]
    pub fn run(&self, id: RunId) -> Option<&Arc<Run>> {
        self.runs.get(&id).or_else(|| self.ended_runs.get(&id))
    }

    /// What executors have to do after a restart: with every run that is not over, and every automatic answer that
    /// nobody has judged.
    #[must_use]
    pub fn runs_to_resume(&self) -> Vec<RunToResume> {
        let live = self.runs.values().map(|run| {
            let running = run.steps.iter().filter(|step| step.runs());
            let (lost, again): (Vec<_>, Vec<_>) = running.partition(|step| step.plan.changes);
            let indexes = |steps: Vec<&Step>| steps.iter().map(|step| step.plan.index).collect();
            RunToResume { run: run.id, todo: Todo::Resume { again: indexes(again), lost: indexes(lost) } }
        });
        let unjudged = self.ended_runs.values().filter(|run| run.judge_due.is_some());
        live.chain(unjudged.map(|run| RunToResume { run: run.id, todo: Todo::Judge })).collect()
    }
}

/// What people have been asked is agreed to, exactly as it was said.
fn agreed(step: &mut Step) {
    if let StepState::Asks(ask) = std::mem::replace(&mut step.state, StepState::Pending) {
        step.agreed = Some(ask.what);
    }
}
/// The beginning of what a step said, in whole lines, as far as a card shows it.
fn excerpt(end: &StepEnd) -> String {
    let Some(output) = end.output.as_ref().filter(|_| end.speaks) else { return String::new() };
    let mut text = String::new();
    for line in output.as_str().lines() {
        if text.len() + line.len() >= EXCERPT_BYTES {
            text.push('…');
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}
