//! Runbooks that alerts start: each that is due starts once, or somebody is told why not. The player is the executor here;
//! the witness knows events alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use watchbell::domain::{
    config::{Config, Trigger, TriggeredBy},
    event::{Event, Record},
    id::GroupId,
    intent::Intent,
    matcher::Matcher,
    person::Role,
    prose::{Echo, Prose},
    run::{
        ActionKind, Budget, PlannedStep, RunBecause, RunDue, RunHappened, RunIntent, RunPlan, StepOutcome,
        StepReport, Verdict,
    },
};

use super::{dice::Dice, hush::Hushes, play::Sabotage, witness::somebody};
use crate::world::World;

/// How many runs that nobody asked for are busy at once.
const AT_ONCE: usize = 8;

/// The same world in which two runbooks start by themselves, one of them as an answer.
pub fn with_runs(mut config: Config) -> Config {
    let budget = Budget {
        most: 2,
        window: SignedDuration::from_hours(1),
        cool_down: SignedDuration::from_mins(5),
        judge_within: SignedDuration::from_mins(10),
        page: None,
        target: None,
    };
    let trigger = |name: &str, by, answer| Trigger {
        runbook: format!("/{name}"),
        line: format!("/{name} --now"),
        by,
        answer,
    };
    let web = Matcher::parse("service=web").expect("a matcher");
    config.triggers = vec![
        trigger("diagnose", TriggeredBy::Route("qflow".into()), None),
        trigger("restart", TriggeredBy::Alert(vec![web]), Some(budget)),
    ];
    config.automatic.insert("eli".into());
    config
}

/// What the journal tells of one runbook for one group.
#[derive(Default)]
pub struct Runs {
    due: BTreeSet<(GroupId, String)>,
    settled: BTreeMap<(GroupId, String), u32>,
}

impl Runs {
    /// Reads one record.
    pub fn read(&mut self, record: &Record, hushes: &Hushes) {
        match &record.event {
            Event::RunDue(due) => {
                let quiet = hushes.keep(due.group, record.engine_time());
                assert!(!quiet, "promise of quiet: {} starts for {}, which is quiet", due.runbook, due.group);
                let new = self.due.insert((due.group, due.runbook.clone()));
                assert!(new, "promise 2: {} is due for {} twice", due.runbook, due.group);
            }
            Event::RunHeldBack(held) => {
                // One that was too much was never due.
                self.due.insert((held.group, held.runbook.clone()));
                *self.settled.entry((held.group, held.runbook.clone())).or_default() += 1;
            }
            Event::Run(run) => {
                let RunHappened::Started(plan) = &run.what else { return };
                let Some(group) = plan.because.group() else { return };
                let key = (group, plan.runbook.clone());
                assert!(self.due.contains(&key), "promise 2: {} starts for {group} unasked", plan.runbook);
                *self.settled.entry(key).or_default() += 1;
            }
            _ => {}
        }
    }

    /// What must be true between any two steps.
    pub fn look(&self, world: &World) {
        let waits = &world.state().due_runs;
        for key in &self.due {
            let settled = self.settled.get(key).copied().unwrap_or_default();
            let waits = waits.iter().any(|due| (due.group, &due.runbook) == (key.0, &key.1));
            assert!(settled <= 1, "promise 2: {} starts for {} twice", key.1, key.0);
            assert!(waits || settled == 1, "promise 2: {} is due for {} and forgotten", key.1, key.0);
        }
    }
}

/// What the executor wants next: to start what is due, to go on with what runs, to end it, to judge it.
pub fn next(world: &World, dice: &mut Dice) -> Option<Intent> {
    let state = world.state();
    if dice.chance(50)
        && let Some(due) = state.next_due_run(AT_ONCE)
    {
        return Some(Intent::Run(RunIntent::Start(Box::new(plan(due, words(dice))))));
    }
    let live: Vec<_> = state.runs.values().collect();
    if live.is_empty() {
        return None;
    }
    let run = live[dice.below(live.len())];
    let index = 1 + dice.below(run.steps.len()) as u32;
    let what = match dice.below(6) {
        0 | 1 => RunIntent::Permit { run: run.id, step: index, what: words(dice) },
        2 | 3 => {
            let outcome = dice.pick(&[StepOutcome::Passed, StepOutcome::Failed]);
            // What it says and what later steps need of it repeat what it was told.
            let said = words(dice);
            let echo = |salt: u8| Echo::new(said.as_str(), [salt; 16]);
            RunIntent::Finish(Box::new(StepReport {
                run: run.id,
                step: index,
                attempt: 1,
                outcome,
                took: SignedDuration::from_millis(420),
                line: echo(4),
                result: Some(echo(5)),
                output: Some(said),
                speaks: true,
                cut: 0,
            }))
        }
        4 => RunIntent::Resume(run.id),
        _ => {
            let verdict = dice.pick(&[Verdict::Passed, Verdict::Failed]);
            RunIntent::End { run: run.id, verdict, summary: None }
        }
    };
    Some(Intent::Run(what))
}

/// What the executor says when a start was refused: whoever waits for it hears why.
pub fn not_started(world: &World) -> Option<Intent> {
    let due = world.state().next_due_run(AT_ONCE)?;
    let (group, runbook) = (due.group, due.runbook.clone());
    Some(Intent::Run(RunIntent::HoldBack { group, runbook, why: "it was refused".into() }))
}

fn plan(due: &RunDue, component: Prose) -> RunPlan {
    let because = match &due.answer {
        Some(budget) => RunBecause::Answer(due.group, budget.clone()),
        None => RunBecause::Alert(due.group),
    };
    let step = |index: u32, name: &str| PlannedStep {
        index,
        name: name.into(),
        heading: name.into(),
        action: ActionKind::Http,
        changes: false,
        retries: 0,
        approve: None,
        confirm: None,
        lock: None,
        role: Role::Viewer,
    };
    RunPlan {
        runbook: due.runbook.clone(),
        digest: "d1".repeat(32),
        title: due.runbook.clone(),
        args: vec![("component".into(), component)],
        environment: "production".into(),
        by: somebody("eli"),
        most: None,
        run_as: Some("eli".into()),
        because,
        group: None,
        incident: None,
        channels: vec!["#runs".into()],
        dry: false,
        role: Role::Responder,
        ask_for: SignedDuration::from_mins(30),
        steps: vec![step(1, "health"), step(2, "verify")],
        part: None,
        links: Vec::new(),
    }
}

fn words(dice: &mut Dice) -> Prose {
    Prose::new("do it", [dice.below(256) as u8; 16])
}

/// A broken memory: what is due is forgotten.
pub fn forget_due(world: &mut World, sabotage: Sabotage) {
    if sabotage == Sabotage::ForgetRun {
        world.break_state(|state| state.due_runs.clear());
    }
}
