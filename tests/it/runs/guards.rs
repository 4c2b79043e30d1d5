//! Who may start, approve, confirm, refuse and go on; and in which order steps are done. One table for each rule.

use super::*;

type Who = (&'static str, bool);

/// A run whose second step asks for so many approvals.
fn asks(world: &mut World, by: &str, count: u32) -> RunId {
    let mut plan = RunPlan { run_as: Some("bot".into()), ..plan(by) };
    plan.steps[1].approve = Some(Approvals { role: Role::Operator, count });
    let id = start(world, plan).unwrap();
    assert_eq!(permit(world, id, 2), Ok(Permit::Wait));
    id
}

fn no_approval(refusal: &RunRefusal) -> &'static str {
    match refusal {
        RunRefusal::NoApproval(NoApproval::Requester(_)) => "requester",
        RunRefusal::NoApproval(NoApproval::Automatic(_)) => "automatic",
        RunRefusal::NoApproval(NoApproval::Unproven) => "unproven",
        RunRefusal::NoApproval(NoApproval::Twice(_)) => "twice",
        RunRefusal::NoApproval(NoApproval::Role(_)) => "role",
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_is_the_yes_of_another_person_with_the_role_who_is_known() {
    // Who asked for it, who says yes and whether they are known, and why that does not count.
    let cases: [(&str, Who, Option<&str>); 12] = [
        ("ana", ("chi", true), None),
        ("ana", ("eli", true), None),
        ("operator", ("chi", true), None),
        ("bot", ("chi", true), None),
        ("ana", ("ana", true), Some("requester")),
        ("chi", ("chi", true), Some("requester")),
        ("ana", ("ben", true), Some("role")),
        ("ana", ("bot", true), Some("automatic")),
        ("ana", ("operator", false), Some("unproven")),
        ("ana", ("operator", true), Some("unproven")),
        // `--as chi` of the local operator.
        ("ana", ("chi", false), Some("unproven")),
        ("ana", ("slack:U0STRANGER", true), Some("unproven")),
    ];
    for (requester, (by, proven), expected) in cases {
        let mut world = world();
        let id = asks(&mut world, requester, 1);
        let answer = want(&mut world, RunIntent::Approve { run: id, step: Some(2), by: actor(by), proven });
        let refused = answer.as_ref().err().map(no_approval);
        assert_eq!(refused, expected, "{requester} asks, {by} answers");
        let goes = if expected.is_none() { Permit::Go { attempt: 1 } } else { Permit::Wait };
        assert_eq!(permit(&mut world, id, 2), Ok(goes), "{requester} asks, {by} answers");
    }
}

#[test]
fn two_approvals_are_two_people() {
    let mut world = world();
    let id = asks(&mut world, "ana", 2);
    approve(&mut world, id, "chi").unwrap();
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait));
    // The same person by another account, token or telephone is the same person.
    let again = approve(&mut world, id, "chi").unwrap_err();
    assert_eq!(no_approval(&again), "twice");
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait));
    approve(&mut world, id, "dana").unwrap();
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Go { attempt: 1 }));
}

#[test]
fn an_approval_is_for_what_was_shown_and_nothing_else() {
    let mut world = world();
    let id = asks(&mut world, "ana", 1);
    approve(&mut world, id, "chi").unwrap();
    let other = RunIntent::Permit { run: id, step: 2, what: prose("do something else") };
    let events = want(&mut world, other.clone()).unwrap();
    assert_eq!(Permit::of(&events, id, 2), Permit::Wait, "it asks anew");
    approve(&mut world, id, "dana").unwrap();
    let events = want(&mut world, other).unwrap();
    assert_eq!(Permit::of(&events, id, 2), Permit::Go { attempt: 1 });
}

#[test]
fn a_confirmation_comes_from_the_requester_or_an_operator() {
    for (by, allowed) in [("ana", true), ("chi", true), ("operator", true), ("ben", false), ("bot", false)] {
        let mut world = world();
        let mut plan = plan("ana");
        plan.steps[1].confirm = Some("Restart it?".into());
        plan.steps[1].approve = None;
        let id = start(&mut world, plan).unwrap();
        assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait));
        assert_eq!(approve(&mut world, id, by).is_ok(), allowed, "{by}");
        assert_eq!(permit(&mut world, id, 2) == Ok(Permit::Go { attempt: 1 }), allowed, "{by}");
    }
}

#[test]
fn a_confirmation_never_stands_for_an_approval() {
    let mut world = world();
    let mut plan = plan("ana");
    plan.steps[1].confirm = Some("Restart it?".into());
    let id = start(&mut world, plan).unwrap();
    permit(&mut world, id, 2).unwrap();
    approve(&mut world, id, "ana").unwrap();
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait), "others are asked by now");
    assert_eq!(no_approval(&approve(&mut world, id, "ana").unwrap_err()), "requester");
    approve(&mut world, id, "chi").unwrap();
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Go { attempt: 1 }));
}

#[test]
fn whoever_may_say_yes_may_say_no_and_so_may_the_requester() {
    for (by, allowed) in [("ana", true), ("chi", true), ("ben", false)] {
        let mut world = world();
        let id = asks(&mut world, "ana", 1);
        let refused = want(&mut world, RunIntent::Refuse { run: id, step: None, by: actor(by) });
        assert_eq!(refused.is_ok(), allowed, "{by}");
        let ended = RunStatus::Ended(Verdict::Refused);
        assert_eq!(run(&world, id).status == ended, allowed, "{by}");
    }
}

#[test]
fn who_lacks_the_role_starts_nothing_and_does_no_step() {
    // Who, the role of the runbook, the role of its step: whether it starts, and whether the step is done.
    for (by, runbook, of_step, starts, does) in [
        ("ana", Role::Responder, Role::Viewer, true, true),
        ("ana", Role::Operator, Role::Viewer, false, false),
        ("ana", Role::Responder, Role::Operator, true, false),
        ("ben", Role::Viewer, Role::Viewer, true, true),
        ("ben", Role::Responder, Role::Viewer, false, false),
        ("nobody", Role::Responder, Role::Viewer, false, false),
        // What runs by itself without an identity of its own may look, and no more.
        ("watchbell", Role::Viewer, Role::Viewer, true, true),
        ("watchbell", Role::Responder, Role::Viewer, false, false),
        ("watchbell", Role::Viewer, Role::Responder, true, false),
        ("operator", Role::Admin, Role::Admin, true, true),
    ] {
        let mut world = world();
        let mut plan = RunPlan { role: runbook, ..plan(by) };
        plan.steps[0].role = of_step;
        let started = start(&mut world, plan);
        assert_eq!(started.is_ok(), starts, "{by} {runbook}");
        if let Ok(id) = started {
            assert_eq!(permit(&mut world, id, 1).is_ok(), does, "{by} {of_step}");
        }
    }
}

#[test]
fn a_role_that_was_taken_away_counts_at_once() {
    let mut world = world();
    let mut plan = plan("ana");
    plan.steps[0].role = Role::Responder;
    let id = start(&mut world, plan).unwrap();
    let mut config = team();
    config.people.remove("ana");
    world.core.configure(config.into());
    assert!(matches!(permit(&mut world, id, 1), Err(RunRefusal::NotAllowed { .. })));
}

#[test]
fn a_step_is_done_once_and_a_change_alone() {
    let mut world = world();
    let mut plan = plan("chi");
    plan.steps =
        vec![step(1, "a", false), step(2, "b", false), PlannedStep { retries: 1, ..step(3, "c", true) }];
    let id = start(&mut world, plan).unwrap();
    permit(&mut world, id, 1).unwrap();
    assert_eq!(permit(&mut world, id, 1), Err(RunRefusal::StepRuns(id, 1)));
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Go { attempt: 1 }), "what only reads runs beside it");
    assert_eq!(permit(&mut world, id, 3), Err(RunRefusal::NotBeside(id, 1)));
    assert_eq!(
        want(&mut world, RunIntent::End { run: id, verdict: Verdict::Passed, summary: None }),
        Err(RunRefusal::StepRuns(id, 1))
    );
    finish(&mut world, id, 1, 1, StepOutcome::Passed);
    finish(&mut world, id, 2, 1, StepOutcome::Passed);
    assert!(finish(&mut world, id, 2, 1, StepOutcome::Failed).is_empty(), "told twice, it changes nothing");
    assert_eq!(permit(&mut world, id, 3), Ok(Permit::Go { attempt: 1 }));
    assert_eq!(permit(&mut world, id, 1), Err(RunRefusal::NotBeside(id, 3)));
    finish(&mut world, id, 3, 1, StepOutcome::Failed);
    assert_eq!(permit(&mut world, id, 3), Ok(Permit::Go { attempt: 2 }), "its runbook allows one more");
    assert!(finish(&mut world, id, 3, 1, StepOutcome::Passed).is_empty(), "the first attempt is over");
    finish(&mut world, id, 3, 2, StepOutcome::Failed);
    assert_eq!(permit(&mut world, id, 3), Err(RunRefusal::NoMoreAttempts(id, 3)));
    assert!(matches!(permit(&mut world, id, 9), Err(RunRefusal::NoStep(..))));
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut world = world();
    let id = start(&mut world, RunPlan { dry: true, ..plan("eli") }).unwrap();
    assert_eq!(permit(&mut world, id, 1), Ok(Permit::Go { attempt: 1 }));
    finish(&mut world, id, 1, 1, StepOutcome::Passed);
    assert_eq!(permit(&mut world, id, 2), Err(RunRefusal::Dry(id)));
    finish(&mut world, id, 2, 0, StepOutcome::Skipped);
    assert_eq!(run(&world, id).steps[1].outcome(), Some(StepOutcome::Skipped));
    assert!(finish(&mut world, id, 3, 0, StepOutcome::Passed).is_empty(), "what never began did not go well");
}

#[test]
fn a_plan_that_cannot_be_run_is_refused_and_leaves_nothing() {
    let mut world = world();
    let change = |change: &dyn Fn(&mut RunPlan)| {
        let mut one = plan("ana");
        change(&mut one);
        one
    };
    let plans = [
        change(&|plan| plan.steps.clear()),
        change(&|plan| plan.steps[1].index = 7),
        change(&|plan| plan.steps[1].approve = Some(Approvals { role: Role::Operator, count: 0 })),
        change(&|plan| plan.title = "x".repeat(5000)),
        change(&|plan| plan.args = vec![("a".into(), prose(&"x".repeat(5000)))]),
        change(&|plan| plan.args = (0..65).map(|n| (n.to_string(), prose("x"))).collect()),
        change(&|plan| plan.steps = (1..=201).map(|n| step(n, "s", false)).collect()),
    ];
    let before = world.state().clone();
    for plan in plans {
        assert!(start(&mut world, plan).is_err());
        assert_eq!(world.state().runs, before.runs);
        assert_eq!(world.state().seq, before.seq);
    }
}
