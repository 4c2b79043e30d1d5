//! What happens to a run of a runbook, in every form that reads differently.

use jiff::SignedDuration;

use super::{GROUP, INCIDENT, after, ana, prose, start};
use crate::domain::{
    event::{Actor, Event},
    guide::GuideRead,
    id::{GroupId, PictureId, RunId},
    person::Role,
    prose::Echo,
    run::{
        ActionKind, Approvals, Budget, Drawing, HeldBack, PlannedStep, RunBecause, RunDue, RunEvent,
        RunHappened, RunHeldBack, RunMissed, RunOffer, RunPlan, RunsOffered, StepEnd, StepOutcome, Verdict,
    },
};

fn step(index: u32, name: &str, changes: bool) -> PlannedStep {
    PlannedStep {
        index,
        name: name.into(),
        heading: format!("The \u{1b}step\n{name}"),
        action: if changes { ActionKind::Run } else { ActionKind::Http },
        changes,
        retries: 0,
        approve: changes.then_some(Approvals { role: Role::Operator, count: 2 }),
        confirm: changes.then(|| "Restart Qflow in production?".into()),
        lock: changes.then(|| "qflow".into()),
        role: Role::Viewer,
    }
}

pub(crate) fn plan(because: RunBecause, dry: bool) -> RunPlan {
    RunPlan {
        runbook: "/qflow restart".into(),
        digest: "3fa4b2c1".repeat(8),
        title: "Restart\u{202e} Qflow".into(),
        args: vec![("component".into(), prose("engine"))],
        environment: "production".into(),
        by: if because == RunBecause::Hand { ana() } else { Actor::Person("qflow-bot".into()) },
        most: None,
        run_as: Some("qflow-bot".into()),
        because,
        group: Some(GROUP),
        incident: Some(INCIDENT),
        channels: vec!["#qflow-ops".into()],
        dry,
        role: Role::Responder,
        ask_for: SignedDuration::from_mins(30),
        steps: vec![step(1, "health", false), step(2, "restart", true), step(3, "verify", false)],
        part: None,
        links: Vec::new(),
    }
}

fn drawing() -> Drawing {
    Drawing {
        light: Some(PictureId::new("3fa4b2c1".repeat(8))),
        dark: None,
        words: "R-7 CPU, the last 3h: ▁▂▇ 12 … 68 %\u{1b}[2J".into(),
    }
}

fn end(step: u32, outcome: StepOutcome, line: &str) -> RunHappened {
    RunHappened::StepFinished(Box::new(StepEnd {
        step,
        heading: "The service answers".into(),
        attempt: 1,
        outcome,
        took: SignedDuration::from_millis(420),
        line: Echo::new(line, [4; 16]),
        output: Some(prose("HTTP/1.1 503\n\u{1b}[2J")),
        speaks: false,
        cut: 10_000_000,
        result: Some(Echo::new(r#"{"status":503}"#, [4; 16])),
        result_dropped: false,
    }))
}

/// What happened to one run, as the rules would never let it happen in one.
pub(in crate::text) fn happened() -> Vec<RunHappened> {
    let budget = Budget {
        most: 2,
        window: SignedDuration::from_hours(1),
        cool_down: SignedDuration::from_mins(10),
        judge_within: SignedDuration::from_mins(10),
        page: None,
        target: None,
    };
    let started = |because, dry| RunHappened::Started(Box::new(plan(because, dry)));
    let needs = Approvals { role: Role::Operator, count: 2 };
    let what = || prose("kubectl rollout restart deployment/qflow\nin production");
    let ended = |verdict| RunHappened::Ended {
        verdict,
        took: SignedDuration::from_secs(95),
        summary: None,
        judge_due: None,
    };
    vec![
        started(RunBecause::Schedule { due: start() }, false),
        started(RunBecause::Alert(GROUP), true),
        started(RunBecause::Answer(GROUP, budget), false),
        started(RunBecause::Hand, false),
        RunHappened::StepPermitted { step: 1, attempt: 1, lock: None },
        end(1, StepOutcome::Failed, "503 \u{1b}[31mService Unavailable\nretry"),
        RunHappened::ConfirmAsked { step: 2, what: what(), until: after(1800) },
        RunHappened::Confirmed { step: 2, by: ana() },
        RunHappened::ApprovalAsked { step: 2, needs, what: what(), until: after(1800) },
        RunHappened::ApprovalGiven { step: 2, by: "ben".into(), missing: 1 },
        RunHappened::ApprovalGiven { step: 2, by: "chi".into(), missing: 0 },
        RunHappened::StepWaits { step: 2, lock: "qflow".into(), holder: RunId(6) },
        RunHappened::StepPermitted { step: 2, attempt: 1, lock: Some("qflow".into()) },
        RunHappened::Resumed { again: vec![] },
        RunHappened::Resumed { again: vec![1, 3] },
        RunHappened::Waits { steps: vec![2] },
        RunHappened::Continued { steps: vec![2], again: true, by: ana() },
        RunHappened::Continued { steps: vec![2], again: false, by: ana() },
        end(2, StepOutcome::Passed, ""),
        end(3, StepOutcome::TimedOut, "no answer"),
        RunHappened::ApprovalRefused { step: 2, by: ana() },
        RunHappened::ApprovalExpired { step: 2 },
        RunHappened::Stopped { by: ana() },
        ended(Verdict::Expired),
        ended(Verdict::Passed),
        RunHappened::Judged { helped: true },
        RunHappened::Judged { helped: false },
        RunHappened::Drawn { step: 1, drawing: drawing() },
    ]
}

pub(super) fn events() -> Vec<Event> {
    let event = |what| {
        let title = "Restart\u{202e} Qflow".into();
        Event::Run(Box::new(RunEvent {
            run: RunId(7),
            group: Some(GroupId(17)),
            incident: Some(INCIDENT),
            title,
            what,
        }))
    };
    let missed = RunMissed {
        runbook: "/qflow health".into(),
        due: start(),
        times: 2,
        why: "Watchbell was not running".into(),
    };
    let mut events: Vec<Event> = happened().into_iter().map(event).collect();
    events.push(Event::RunMissed(Box::new(missed)));
    let due = RunDue {
        group: GROUP,
        runbook: "/qflow health".into(),
        line: "/qflow health engine".into(),
        answer: None,
    };
    events.push(Event::RunDue(Box::new(due)));
    let storm = HeldBack::Storm { most: 20, window: SignedDuration::from_mins(10) };
    for why in [storm, HeldBack::Refused("It did not\u{1b}[2J\nwork.".into())] {
        let held = RunHeldBack { group: GROUP, runbook: "/qflow\u{202e} health".into(), why };
        events.push(Event::RunHeldBack(Box::new(held)));
    }
    let offer = |runbook: &str, asks| RunOffer {
        runbook: runbook.into(),
        title: "Emergency\u{1b} stop".into(),
        asks,
    };
    let runbooks = vec![offer("/qflow emergency stop", false), offer("/qflow emergency isolate", true)];
    let offered = RunsOffered { incident: INCIDENT, severity: "P0".into(), runbooks };
    events.push(Event::RunsOffered(Box::new(offered)));
    let read = GuideRead {
        incident: INCIDENT,
        runbook: "/shop guide".into(),
        title: "The shop\u{202e} does not sell".into(),
        anchor: "it-is-gone".into(),
        heading: "It is\ngone".into(),
        by: ana(),
    };
    events.push(Event::GuideRead(Box::new(read)));
    events
}
