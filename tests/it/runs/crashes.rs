//! A crash at every point of a run: afterwards it goes on where it was, or asks. Never a change twice unasked.

use std::collections::BTreeMap;

use super::*;

/// What an executor has done outside: how often each step began. The outside outlives every crash.
#[derive(Default)]
struct Outside(BTreeMap<u32, u32>);

/// One move of whoever plays: the executor, or a person. The executor knows nothing but the state.
fn play(world: &mut World, outside: &mut Outside, crash_inside: bool) -> bool {
    let Some(run) = world.state().runs.get(&ONE).cloned() else { return false };
    if run.status == RunStatus::Waiting {
        want(world, RunIntent::Continue { run: ONE, again: true, by: actor("dana") }).unwrap();
        return true;
    }
    if run.steps.iter().any(|step| step.ask().is_some()) {
        approve(world, ONE, "chi").unwrap();
        return true;
    }
    let Some(next) = run.steps.iter().find(|step| step.outcome().is_none()).map(|step| step.plan.index)
    else {
        end(world, ONE, Verdict::Passed);
        return true;
    };
    if let Permit::Go { attempt } = permit(world, ONE, next).unwrap() {
        *outside.0.entry(next).or_default() += 1;
        if crash_inside {
            return true;
        }
        finish(world, ONE, next, attempt, StepOutcome::Passed);
    }
    true
}

/// After a restart the executor asks what there is to do.
fn take_up(world: &mut World) {
    for one in world.state().runs_to_resume() {
        match one.todo {
            Todo::Resume { .. } => drop(want(world, RunIntent::Resume(one.run)).unwrap()),
            Todo::Judge => panic!("nothing answers by itself here"),
        }
    }
}

#[test]
fn a_crash_between_any_two_moves_changes_nothing() {
    for crash in 0..8 {
        let (mut world, mut outside) = (world(), Outside::default());
        start(&mut world, plan("ana")).unwrap();
        let mut moves = 0;
        loop {
            if moves == crash {
                let before = world.state().clone();
                world.crash();
                assert_eq!(*world.state(), before, "the journal tells the same state");
                take_up(&mut world);
            }
            moves += 1;
            if !play(&mut world, &mut outside, false) {
                break;
            }
        }
        assert_eq!(outside.0, BTreeMap::from([(1, 1), (2, 1), (3, 1)]), "crash before move {crash}");
        assert_eq!(run(&world, ONE).status, RunStatus::Ended(Verdict::Passed), "crash before move {crash}");
    }
}

#[test]
fn a_crash_while_a_step_runs_repeats_a_look_and_asks_about_a_change() {
    for crash in 0..6 {
        let (mut world, mut outside) = (world(), Outside::default());
        start(&mut world, plan("ana")).unwrap();
        for number in 0..20 {
            let inside = number == crash;
            let goes_on = play(&mut world, &mut outside, inside);
            if inside {
                world.crash();
                let changing = run(&world, ONE).steps.iter().any(|step| step.runs() && step.plan.changes);
                take_up(&mut world);
                if changing {
                    assert_eq!(run(&world, ONE).status, RunStatus::Waiting, "nobody is asked");
                    assert_eq!(permit(&mut world, ONE, 2), Err(RunRefusal::Waiting(ONE)), "not unasked");
                    assert_eq!(
                        permit(&mut world, ONE, 3),
                        Err(RunRefusal::Waiting(ONE)),
                        "nothing else either"
                    );
                }
            }
            if !goes_on {
                break;
            }
        }
        let said_again =
            happened(&world).iter().filter(|one| matches!(one, RunHappened::Continued { .. })).count();
        let began = outside.0.get(&2).copied().unwrap_or_default();
        assert_eq!(began as usize, 1 + said_again, "crash inside move {crash}: a change twice unasked");
        assert_eq!(run(&world, ONE).status, RunStatus::Ended(Verdict::Passed), "crash inside move {crash}");
    }
}

#[test]
fn an_executor_that_forgets_to_resume_doubles_nothing() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 2).unwrap();
    approve(&mut world, id, "chi").unwrap();
    permit(&mut world, id, 2).unwrap();
    world.crash();
    assert_eq!(permit(&mut world, id, 2), Err(RunRefusal::StepRuns(id, 2)));
}

/// A run whose change was running when the process ended.
fn lost(world: &mut World) -> RunId {
    let id = start(world, plan("ana")).unwrap();
    permit(world, id, 2).unwrap();
    approve(world, id, "chi").unwrap();
    assert_eq!(permit(world, id, 2), Ok(Permit::Go { attempt: 1 }));
    world.crash();
    let todo = Todo::Resume { again: vec![], lost: vec![2] };
    assert_eq!(world.state().runs_to_resume()[0].todo, todo);
    take_up(world);
    id
}

#[test]
fn an_operator_says_how_a_run_goes_on_after_a_crash() {
    for (by, again, allowed) in [
        ("ana", true, false),
        ("ben", true, false),
        ("bot", true, false),
        ("dana", true, true),
        ("dana", false, true),
    ] {
        let mut world = world();
        let id = lost(&mut world);
        let said = want(&mut world, RunIntent::Continue { run: id, again, by: actor(by) });
        assert_eq!(said.is_ok(), allowed, "{by}");
        match (allowed, again) {
            (true, true) => assert_eq!(permit(&mut world, id, 2), Ok(Permit::Go { attempt: 2 })),
            (true, false) => {
                assert_eq!(run(&world, id).steps[1].outcome(), Some(StepOutcome::Unknown));
                assert_eq!(permit(&mut world, id, 2), Err(RunRefusal::NoMoreAttempts(id, 2)));
                pass(&mut world, id, 3);
            }
            (false, _) => assert_eq!(permit(&mut world, id, 2), Err(RunRefusal::Waiting(id))),
        }
    }
}

#[test]
fn the_lock_of_a_step_that_nobody_knows_about_stays_taken() {
    let mut world = world();
    let id = lost(&mut world);
    let other = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, other, 2).unwrap();
    approve(&mut world, other, "chi").unwrap();
    assert_eq!(permit(&mut world, other, 2), Ok(Permit::Wait));
    want(&mut world, RunIntent::Stop { run: id, by: actor("chi") }).unwrap();
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Stopped));
    assert_eq!(run(&world, id).steps[1].outcome(), Some(StepOutcome::Unknown));
    assert_eq!(permit(&mut world, other, 2), Ok(Permit::Go { attempt: 1 }));
}

#[test]
fn what_was_being_stopped_when_the_process_ended_is_over_afterwards() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 1).unwrap();
    want(&mut world, RunIntent::Stop { run: id, by: actor("ana") }).unwrap();
    world.crash();
    take_up(&mut world);
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Stopped));
    assert_eq!(run(&world, id).stopped_by, Some(actor("ana")));
}

#[test]
fn a_question_outlives_a_crash_and_expires_in_its_time() {
    let mut world = world();
    let id = start(&mut world, plan("ana")).unwrap();
    permit(&mut world, id, 2).unwrap();
    world.pass(mins(20), receipt);
    world.crash();
    take_up(&mut world);
    assert_eq!(permit(&mut world, id, 2), Ok(Permit::Wait));
    world.pass(mins(11), receipt);
    assert_eq!(run(&world, id).status, RunStatus::Ended(Verdict::Expired));
}
