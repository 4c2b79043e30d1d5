//! Runs of runbooks with a virtual clock and an executor that plays a script: who may what, and what a crash at any
//! point makes of them. Never a step that changes something twice unasked.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    config::Config,
    delivery::{Delivery, DeliveryKind, Outcome},
    event::{Actor, Event},
    id::{GroupId, RunId},
    intent::{Intent, Refusal},
    page::PageReason,
    person::Role,
    prose::{Echo, Prose},
    run::{
        ActionKind, Approvals, Budget, NoApproval, OUTPUT_BYTES, OverBudget, Permit, PlannedStep,
        RESULT_BYTES, Run, RunBecause, RunHappened, RunIntent, RunPlan, RunRefusal, RunStatus, StepOutcome,
        StepReport, StepState, Todo, Verdict,
    },
    timeline,
};

use crate::world::{self, World, receipt, report, signal};

mod beside;
mod by_alert;
mod crashes;
mod guards;

const DOWN: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
const ONE: RunId = RunId(1);

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn prose(text: &str) -> Prose {
    Prose::new(text, [0; 16])
}

fn actor(who: &str) -> Actor {
    match who {
        "operator" => Actor::Operator,
        "watchbell" => Actor::Watchbell,
        person => Actor::Person(person.into()),
    }
}

/// Chi and dana are operators, eli an admin, ben looks only; bot is what runs by itself.
fn team() -> Config {
    let mut config = world::config::config();
    let roles =
        [("ben", Role::Viewer), ("chi", Role::Operator), ("dana", Role::Operator), ("eli", Role::Admin)];
    for (person, role) in roles {
        config.people.get_mut(person).unwrap().role = role;
    }
    let mut bot = config.people["chi"].clone();
    bot.id = "bot".into();
    config.people.insert("bot".into(), bot);
    config.automatic.insert("bot".into());
    config
}

fn world() -> World {
    World::with(team())
}

fn step(index: u32, name: &str, changes: bool) -> PlannedStep {
    PlannedStep {
        index,
        name: name.into(),
        heading: format!("The step {name}"),
        action: if changes { ActionKind::Run } else { ActionKind::Http },
        changes,
        retries: 0,
        approve: None,
        confirm: None,
        lock: None,
        role: Role::Viewer,
    }
}

/// A health check, a restart that somebody else has to approve, and a look whether it helped.
fn plan(by: &str) -> RunPlan {
    RunPlan {
        runbook: "/qflow restart".into(),
        digest: "d1".repeat(32),
        title: "Restart Qflow".into(),
        args: vec![("component".into(), prose("engine"))],
        environment: "production".into(),
        by: actor(by),
        most: None,
        run_as: None,
        because: RunBecause::Hand,
        group: None,
        incident: None,
        channels: vec!["#qflow".into()],
        dry: false,
        role: Role::Responder,
        ask_for: mins(30),
        steps: vec![
            step(1, "health", false),
            PlannedStep {
                approve: Some(Approvals { role: Role::Operator, count: 1 }),
                lock: Some("qflow".into()),
                ..step(2, "restart", true)
            },
            step(3, "verify", false),
        ],
        part: None,
        links: Vec::new(),
    }
}

fn want(world: &mut World, what: RunIntent) -> Result<Vec<Event>, RunRefusal> {
    match world.want(Intent::Run(what)) {
        Ok(accepted) => Ok(accepted.events),
        Err(Refusal::Run(refusal)) => Err(refusal),
        Err(other) => panic!("{other:?}"),
    }
}

fn start(world: &mut World, plan: RunPlan) -> Result<RunId, RunRefusal> {
    want(world, RunIntent::Start(Box::new(plan)))?;
    Ok(world.state().last_run)
}

fn permit(world: &mut World, run: RunId, step: u32) -> Result<Permit, RunRefusal> {
    let what = prose(&format!("do step {step}"));
    let events = want(world, RunIntent::Permit { run, step, what })?;
    Ok(Permit::of(&events, run, step))
}

fn done(run: RunId, step: u32, attempt: u32, outcome: StepOutcome) -> StepReport {
    StepReport {
        run,
        step,
        attempt,
        outcome,
        took: SignedDuration::from_millis(420),
        line: Echo::new("200 OK", [4; 16]),
        output: Some(prose("all is well")),
        speaks: false,
        cut: 0,
        result: Some(Echo::new(r#"{"status":200}"#, [4; 16])),
    }
}

fn finish(world: &mut World, run: RunId, step: u32, attempt: u32, outcome: StepOutcome) -> Vec<Event> {
    want(world, RunIntent::Finish(Box::new(done(run, step, attempt, outcome)))).unwrap()
}

fn pass(world: &mut World, run: RunId, step: u32) {
    let Permit::Go { attempt } = permit(world, run, step).unwrap() else { panic!("step {step} has to wait") };
    finish(world, run, step, attempt, StepOutcome::Passed);
}

fn approve(world: &mut World, run: RunId, by: &str) -> Result<Vec<Event>, RunRefusal> {
    let proven = by != "operator";
    want(world, RunIntent::Approve { run, step: None, by: actor(by), proven })
}

fn end(world: &mut World, run: RunId, verdict: Verdict) {
    want(world, RunIntent::End { run, verdict, summary: None }).unwrap();
}

fn run(world: &World, id: RunId) -> &Run {
    world.state().run(id).expect("the run is known")
}

fn happened(world: &World) -> Vec<RunHappened> {
    let events = world.events().into_iter();
    events.filter_map(|event| if let Event::Run(event) = event { Some(event.what) } else { None }).collect()
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).unwrap();
}

fn ends(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, labels, starts_at)]))).unwrap();
}

fn posted(delivery: &Delivery) -> Outcome {
    Outcome::Posted { receipt: "posted".into(), message: format!("m{}", delivery.id) }
}

#[test]
fn a_failing_check_leads_to_a_change_that_somebody_else_approves() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    assert_eq!(permit(&mut world, id, 1), Ok(Permit::Go { attempt: 1 }));
    finish(&mut world, id, 1, 1, StepOutcome::Failed);
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait));
    assert_eq!(
        permit(&mut world, id, 2),
        Ok(Permit::Wait),
        "asked again it still waits, and asks nobody twice"
    );
    let asked =
        happened(&world).iter().filter(|one| matches!(one, RunHappened::ApprovalAsked { .. })).count();
    assert_eq!(asked, 1);
    approve(&mut world, id, "chi").unwrap();
    let second = approve(&mut world, id, "dana").unwrap_err();
    assert_eq!(second, RunRefusal::NothingAsked(id, Some((2, vec![actor("chi")]))), "and who said yes");
    pass(&mut world, id, 2);
    pass(&mut world, id, 3);
    end(&mut world, id, Verdict::Passed);
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Passed));
    assert!(world.state().runs.is_empty() && world.state().locks.is_empty());
    assert!(
        run(&world, id).steps.iter().all(|step| step.result.is_none()),
        "results stay in the journal alone"
    );
    assert_eq!(
        want(&mut world, RunIntent::Stop { run: id, by: actor("ana") }).unwrap_err(),
        RunRefusal::Over { run: id, verdict: Verdict::Passed, at: Some(world.now().civil), by: None }
    );
}

#[test]
fn a_token_for_less_starts_and_does_no_more_than_it_is_for() {
    let mut world = world();
    let for_less = |most| RunPlan { most: Some(most), ..plan("chi") };
    let no = start(&mut world, for_less(Role::Viewer)).unwrap_err();
    let RunRefusal::NotAllowed { no, .. } = no else { panic!("{no:?}") };
    assert_eq!((no.needed, no.held), (Role::Responder, Role::Viewer));
    // A step that takes more than the token is for, whatever role its person has.
    let mut planned = for_less(Role::Responder);
    planned.steps[0].role = Role::Operator;
    let id = start(&mut world, planned.clone()).unwrap();
    let no = permit(&mut world, id, 1).unwrap_err();
    assert!(matches!(&no, RunRefusal::NotAllowed { no, .. } if no.held == Role::Responder), "{no:?}");
    let id = start(&mut world, RunPlan { most: None, ..planned }).unwrap();
    permit(&mut world, id, 1).unwrap();
}

#[test]
fn a_run_streams_into_one_card_that_is_edited_at_most_once_a_second() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    world.pass(secs(0), posted);
    let cards =
        |world: &World| world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card).count();
    assert_eq!(cards(&world), 1);
    for _ in 0..5 {
        pass(&mut world, id, 1);
    }
    world.pass(secs(0), posted);
    assert_eq!(cards(&world), 1, "the second is not over");
    world.pass(secs(1), posted);
    assert_eq!(cards(&world), 2, "ten events, one edit");
    assert!(world.sent.last().unwrap().edits.is_some(), "it is the same message");
    end(&mut world, id, Verdict::Passed);
    world.deliver(posted);
    assert_eq!(cards(&world), 3, "that it ended is said at once");
    world.pass(mins(1), posted);
    assert!(world.state().timers.is_empty());
}

#[test]
fn what_happens_to_a_run_is_on_the_timeline_of_what_it_is_about() {
    let mut world = world();
    fires(&mut world, DOWN);
    let plan = RunPlan { group: Some(GroupId(1)), ..plan("ana") };
    let id = start(&mut world, plan).unwrap();
    pass(&mut world, id, 1);
    end(&mut world, id, Verdict::Passed);
    let keys: Vec<_> = world.events().iter().map(timeline::keys).collect();
    let of_group = keys.iter().filter(|keys| {
        keys.contains(&timeline::Key::Group(GroupId(1))) && keys.contains(&timeline::Key::Run(id))
    });
    assert_eq!(of_group.count(), 3, "its start, the result of its step, its end");
}

#[test]
fn a_lock_goes_from_run_to_run_in_the_order_in_which_they_asked() {
    let mut world = world();
    let ids: Vec<RunId> = (0..3).map(|_| start(&mut world, plan("ana")).unwrap()).collect();
    for id in &ids {
        permit(&mut world, *id, 2).unwrap();
        approve(&mut world, *id, "chi").unwrap();
    }
    assert_eq!(permit(&mut world, ids[1], 2), Ok(Permit::Go { attempt: 1 }));
    assert_eq!(permit(&mut world, ids[2], 2), Ok(Permit::Wait));
    assert_eq!(permit(&mut world, ids[0], 2), Ok(Permit::Wait));
    assert_eq!(run(&world, ids[0]).steps[1].state, StepState::WaitsForLock(ids[1]));
    finish(&mut world, ids[1], 2, 1, StepOutcome::Passed);
    assert_eq!(permit(&mut world, ids[0], 2), Ok(Permit::Wait), "it is the other one's turn");
    // Whoever ends without having used it gives it away, too.
    want(&mut world, RunIntent::Stop { run: ids[2], by: actor("chi") }).unwrap();
    assert_eq!(permit(&mut world, ids[0], 2), Ok(Permit::Go { attempt: 1 }));
    finish(&mut world, ids[0], 2, 1, StepOutcome::Passed);
    assert!(world.state().locks.is_empty());
}

#[test]
fn who_has_a_lock_is_refused_another_one_that_is_taken() {
    let mut world = world();
    let lock =
        |index, name: &str, lock: &str| PlannedStep { lock: Some(lock.into()), ..step(index, name, true) };
    let both = |first: &str, second: &str| RunPlan {
        steps: vec![lock(1, "a", first), lock(2, "b", second), lock(3, "c", first)],
        ..plan("chi")
    };
    let (one, other) =
        (start(&mut world, both("x", "y")).unwrap(), start(&mut world, both("y", "x")).unwrap());
    pass(&mut world, one, 1);
    pass(&mut world, other, 1);
    let refused = permit(&mut world, one, 2).unwrap_err();
    assert_eq!(refused, RunRefusal::LockHeld { lock: "y".into(), holder: other });
}

#[test]
fn a_question_that_nobody_answers_ends_the_run() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 2).unwrap();
    world.pass(mins(29), receipt);
    assert!(run(&world, id).is_live());
    world.pass(mins(2), receipt);
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Expired));
    assert!(matches!(approve(&mut world, id, "chi"), Err(RunRefusal::Over { .. })));
}

#[test]
fn a_run_that_is_stopped_ends_when_what_runs_has_ended() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 1).unwrap();
    let stop = |by: &str| RunIntent::Stop { run: id, by: actor(by) };
    assert!(matches!(want(&mut world, stop("ben")), Err(RunRefusal::NotAllowed { .. })));
    want(&mut world, stop("ana")).unwrap();
    assert!(run(&world, id).is_stopping());
    assert_eq!(permit(&mut world, id, 3), Err(RunRefusal::Stopping(id, Some(actor("ana")))));
    finish(&mut world, id, 1, 1, StepOutcome::Stopped);
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Stopped));
}

fn answer(budget: Budget) -> RunPlan {
    let because = RunBecause::Answer(GroupId(1), budget);
    RunPlan { because, run_as: Some("bot".into()), steps: vec![step(1, "restart", true)], ..plan("bot") }
}

fn budget() -> Budget {
    Budget {
        most: 2,
        window: SignedDuration::from_hours(1),
        cool_down: mins(5),
        judge_within: mins(10),
        page: None,
        target: None,
    }
}

/// A group opens, and its automatic answer runs to this end.
fn answered(world: &mut World, group: u64, verdict: Verdict) -> Result<RunId, RunRefusal> {
    fires(world, DOWN);
    let because = RunBecause::Answer(GroupId(group), budget());
    let id = start(world, RunPlan { because, ..answer(budget()) })?;
    pass(world, id, 1);
    end(world, id, verdict);
    Ok(id)
}

#[test]
fn an_automatic_answer_has_a_budget_a_cool_down_and_is_judged() {
    let mut world = world();
    let id = answered(&mut world, 1, Verdict::Passed).unwrap();
    assert_eq!(world.state().runs_to_resume()[0].todo, Todo::Judge);
    let unjudged = RunRefusal::Budget(OverBudget::Unjudged(id));
    fires(&mut world, &[("alertname", "Other"), ("service", "qflow")]);
    let because = RunBecause::Answer(GroupId(2), budget());
    assert_eq!(start(&mut world, RunPlan { because, ..answer(budget()) }), Err(unjudged));
    // Its group closes: it helped.
    ends(&mut world, DOWN);
    assert_eq!(run(&world, id).helped, Some(true));
    // Longer than a late duplicate is taken for one.
    world.pass(mins(1), receipt);
    // Until when it rests is told by the wall clock, which was stepped meanwhile.
    world.offset += mins(180);
    let cooling = answered(&mut world, 3, Verdict::Passed).unwrap_err();
    let RunRefusal::Budget(OverBudget::CoolingDown { until }) = cooling else { panic!("{cooling:?}") };
    let left = until.duration_since(world.now().civil);
    assert!(left > SignedDuration::ZERO && left <= budget().cool_down, "{left}");
    world.pass(mins(6), receipt);
    answered(&mut world, 3, Verdict::Passed).unwrap();
    ends(&mut world, DOWN);
    world.pass(mins(6), receipt);
    let spent = answered(&mut world, 4, Verdict::Passed).unwrap_err();
    assert!(matches!(spent, RunRefusal::Budget(OverBudget::Spent { most: 2, .. })), "{spent:?}");
    world.pass(mins(60), receipt);
    answered(&mut world, 4, Verdict::Passed).unwrap();
}

#[test]
fn people_are_paged_when_an_automatic_answer_did_not_help() {
    let pages = |world: &World, id: RunId| {
        let events = world.events().into_iter();
        events
            .filter(
                |event| matches!(event, Event::PageStarted(page) if page.reason == PageReason::NotHelped(id)),
            )
            .count()
    };
    // It failed; nobody said anything in time; the executor found out.
    for (verdict, judge, wait, expected) in [
        (Verdict::Failed, None, 0, 1),
        (Verdict::Passed, None, 11, 1),
        (Verdict::Passed, Some(false), 0, 1),
        (Verdict::Passed, Some(true), 11, 0),
    ] {
        let mut world = world();
        let budget = Budget { page: Some("engineering".into()), ..budget() };
        fires(&mut world, DOWN);
        let id = start(&mut world, answer(budget)).unwrap();
        pass(&mut world, id, 1);
        end(&mut world, id, verdict);
        if let Some(helped) = judge {
            want(&mut world, RunIntent::Judge { run: id, helped }).unwrap();
        }
        world.pass(mins(wait), receipt);
        assert_eq!(pages(&world, id), expected, "{verdict} {judge:?}");
        assert_eq!(run(&world, id).helped, Some(expected == 0));
        assert_eq!(
            want(&mut world, RunIntent::Judge { run: id, helped: true }),
            Err(RunRefusal::NothingToJudge(id))
        );
    }
}

#[test]
fn one_group_starts_a_runbook_once() {
    let mut world = world();
    fires(&mut world, DOWN);
    let of = |group: u64, runbook: &str| RunPlan {
        because: RunBecause::Alert(GroupId(group)),
        runbook: runbook.into(),
        ..plan("bot")
    };
    let id = start(&mut world, of(1, "/qflow health")).unwrap();
    let again = start(&mut world, of(1, "/qflow health"));
    assert_eq!(again, Err(RunRefusal::OncePerGroup(GroupId(1), id)));
    start(&mut world, of(1, "/qflow other")).unwrap();
    assert_eq!(start(&mut world, of(2, "/qflow health")), Err(RunRefusal::NoGroup(GroupId(2))));
    ends(&mut world, DOWN);
    assert_eq!(start(&mut world, of(1, "/qflow third")), Err(RunRefusal::NoGroup(GroupId(1))));
}

#[test]
fn what_did_not_run_is_noted() {
    let mut world = world();
    let due = world.now().civil;
    let missed = watchbell::domain::run::RunMissed {
        runbook: "/qflow health".into(),
        due,
        times: 2,
        why: "Watchbell was not running".into(),
    };
    want(&mut world, RunIntent::Missed(missed.clone())).unwrap();
    world.crash();
    assert_eq!(world.state().missed_runs[0].missed, missed);
}

#[test]
fn output_and_results_are_bounded() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 1).unwrap();
    let large = StepReport {
        output: Some(prose(&"x".repeat(OUTPUT_BYTES + 1))),
        ..done(id, 1, 1, StepOutcome::Passed)
    };
    assert_eq!(
        want(&mut world, RunIntent::Finish(Box::new(large))).unwrap_err(),
        RunRefusal::TooLarge("what a step said")
    );
    let large = StepReport {
        result: Some(Echo::new(&"x".repeat(RESULT_BYTES + 1), [4; 16])),
        ..done(id, 1, 1, StepOutcome::Passed)
    };
    want(&mut world, RunIntent::Finish(Box::new(large))).unwrap();
    assert!(run(&world, id).steps[0].result.is_none());
    let dropped = happened(&world)
        .into_iter()
        .any(|one| matches!(one, RunHappened::StepFinished(end) if end.result_dropped));
    assert!(dropped, "that it is missing is kept");
    // Runs that are over are forgotten one day; what is kept of them does not grow.
    for _ in 0..400 {
        let id = start(&mut world, plan("ana")).unwrap();
        want(&mut world, RunIntent::Stop { run: id, by: actor("ana") }).unwrap();
        world.deliver(posted);
    }
    assert!(world.state().ended_runs.len() < 310, "{}", world.state().ended_runs.len());
    assert!(world.state().posted.len() < 310);
    assert_eq!(world.state().runs.len(), 1);
}
