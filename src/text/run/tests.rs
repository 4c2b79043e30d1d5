//! The cards of runs as people read them, after each event of a run. Never a state that no event has made.

use jiff::{Timestamp, tz::TimeZone};

use super::*;
use crate::{
    domain::{
        config::Config,
        decide::decide,
        event::TraceId,
        intent::{Intent, Now},
        person::{Person, Role},
        prose::{Echo, Prose},
        run::PlannedStep,
        run::{LinkTo, Part, PlannedLink, RunIntent, RunPlan, StepReport},
        state::State,
    },
    text::{lines, samples::runs},
};

fn now() -> Now {
    let at: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
    Now { engine: at, civil: at }
}

fn config() -> Config {
    let person = |id: &str, role| Person {
        id: id.into(),
        name: id.to_owned(),
        zone: TimeZone::UTC,
        role,
        contacts: Vec::new(),
        urgent: Vec::new(),
        routine: Vec::new(),
    };
    let people =
        [person("ana", Role::Responder), person("ben", Role::Operator), person("chi", Role::Operator)];
    Config { people: people.into_iter().map(|p| (p.id.clone(), p)).collect(), ..Config::default() }
}

/// A state to which these things happened, one after the other.
fn after(wants: Vec<RunIntent>) -> State {
    let (mut state, config) = (State::default(), config());
    for want in wants {
        decide(&mut state, &config, Intent::Run(want), now(), TraceId(1)).unwrap();
    }
    state
}

fn begin() -> RunIntent {
    let plan = RunPlan { group: None, incident: None, ..runs::plan(RunBecause::Hand, false) };
    RunIntent::Start(Box::new(plan))
}

fn permit(step: u32) -> RunIntent {
    let what = Prose::new("kubectl rollout restart \u{1b}[2Jdeployment/qflow\nin production", [1; 16]);
    RunIntent::Permit { run: RunId(1), step, what }
}

fn finish(step: u32, outcome: StepOutcome, line: &str) -> RunIntent {
    RunIntent::Finish(Box::new(StepReport {
        run: RunId(1),
        step,
        attempt: 1,
        outcome,
        took: SignedDuration::from_millis(420),
        line: Echo::new(line, [4; 16]),
        output: None,
        speaks: false,
        cut: 0,
        result: None,
    }))
}

fn yes(by: &str) -> RunIntent {
    RunIntent::Approve { run: RunId(1), step: None, by: Actor::Person(by.into()), proven: true }
}

#[test]
fn a_run_reads_well_from_its_start_to_its_end() {
    let wants = [
        begin(),
        permit(1),
        finish(1, StepOutcome::Failed, "503 Service\nUnavailable"),
        permit(2),
        yes("ana"),
        yes("ben"),
        yes("chi"),
        permit(2),
        finish(2, StepOutcome::Passed, "restarted"),
        RunIntent::End { run: RunId(1), verdict: Verdict::Passed, summary: None },
    ];
    let mut told = Vec::new();
    for count in [1, 2, 4, 6, 8, wants.len()] {
        let state = after(wants.iter().take(count).cloned().collect());
        let run = state.run(RunId(1)).unwrap();
        told.push(lines::card(&progress(run).harmless()));
        if let Some(step) = asking(run) {
            told.push(lines::card(&asks(run, step).harmless()));
        }
    }
    insta::assert_snapshot!(told.join("\n\n----\n\n"));
}

#[test]
fn a_step_of_a_guide_reads_well_with_its_words_and_where_it_leads() {
    let command =
        |words: &str, command: &str| PlannedLink { words: words.into(), to: LinkTo::Command(command.into()) };
    let links = vec![
        command("the course", "/shop look"),
        PlannedLink { words: "the page".into(), to: LinkTo::Web("https://example.com/".into()) },
        command("Next: It is gone", "/shop guide --step it-is-gone"),
        command("Back", "/shop guide"),
    ];
    let part = Part {
        guide: "The shop does not sell".into(),
        anchor: "it-is-slow".into(),
        heading: "It is slow".into(),
        prose: "The CPU says why.\n\n  top\u{1b}[2J".into(),
    };
    let plan = RunPlan {
        title: "The shop does not sell: It is slow".into(),
        group: None,
        incident: None,
        part: Some(part),
        links,
        ..runs::plan(RunBecause::Hand, false)
    };
    let start = || RunIntent::Start(Box::new(plan.clone()));
    let ended = vec![
        start(),
        permit(1),
        finish(1, StepOutcome::Passed, "49 % ▁▂▃▅▇ 12 … 49 %"),
        RunIntent::End { run: RunId(1), verdict: Verdict::Passed, summary: None },
    ];
    let told = [vec![start()], ended].map(|wants| {
        let state = after(wants);
        lines::card(&progress(state.run(RunId(1)).unwrap()).harmless())
    });
    insta::assert_snapshot!(told.join("\n\n----\n\n"));
}

#[test]
fn a_run_that_lost_a_step_asks_how_to_go_on() {
    let wants =
        vec![begin(), permit(2), yes("ana"), yes("ben"), yes("chi"), permit(2), RunIntent::Resume(RunId(1))];
    let state = after(wants);
    insta::assert_snapshot!(lines::card(&waits(state.run(RunId(1)).unwrap())));
}

#[test]
fn the_history_says_what_runs_what_ran_and_what_did_not() {
    let missed = crate::domain::run::RunMissed {
        runbook: "/qflow health".into(),
        due: now().civil,
        times: 1,
        why: "Watchbell was not running".into(),
    };
    let stop = RunIntent::Stop { run: RunId(1), by: Actor::Person("ana".into()) };
    let state = after(vec![begin(), begin(), stop, RunIntent::Missed(missed)]);
    let config = config();
    let scene = Scene { state: &state, config: &config, zone: &TimeZone::UTC, now: now() };
    insta::assert_snapshot!(lines::card(&list(&scene, 25)));
    let nothing = State::default();
    let scene = Scene { state: &nothing, ..scene };
    assert_eq!(list(&scene, 25).title, "No runbook has run yet.");
}

#[test]
fn a_long_run_shows_where_it_is() {
    let mut plan = runs::plan(RunBecause::Hand, false);
    let one = plan.steps[0].clone();
    plan.steps = (1..=100).map(|index| crate::domain::run::PlannedStep { index, ..one.clone() }).collect();
    let mut state = after(vec![RunIntent::Start(Box::new(plan))]);
    for step in 1..=50 {
        let what = finish(step, StepOutcome::Unknown, "");
        let RunIntent::Finish(mut report) = what else { panic!("a report") };
        report.attempt = 0;
        let what = Intent::Run(RunIntent::Finish(report));
        decide(&mut state, &config(), what, now(), TraceId(1)).unwrap();
    }
    let text = progress(state.run(RunId(1)).unwrap()).text;
    assert!(text.starts_with("… 35 steps before\n") && text.ends_with("\n… 40 more steps"), "{text}");
    assert_eq!(text.lines().count(), MOST_STEPS + 2);
}

#[test]
fn every_refusal_says_what_to_do_and_is_one_harmless_card() {
    use crate::domain::{
        id::GroupId,
        permission::NotAllowed,
        run::{NoApproval, OverBudget, RunRefusal},
    };
    let run = RunId(7);
    let role = || NotAllowed { needed: Role::Operator, held: Role::Viewer, ask: vec!["ben".into()] };
    let window = SignedDuration::from_hours(1);
    let refusals = vec![
        RunRefusal::Unknown(run),
        RunRefusal::NoStep(run, "resta\u{1b}rt".into()),
        RunRefusal::Over { run, verdict: Verdict::Passed, at: None, by: None },
        RunRefusal::Over {
            run,
            verdict: Verdict::Stopped,
            at: Some(now().engine),
            by: Some(Actor::Person("ben".into())),
        },
        RunRefusal::Stopping(run, None),
        RunRefusal::Stopping(run, Some(Actor::Person("ben".into()))),
        RunRefusal::Waiting(run),
        RunRefusal::NotWaiting(run),
        RunRefusal::StepRuns(run, 2),
        RunRefusal::NotBeside(run, 2),
        RunRefusal::NoMoreAttempts(run, 2),
        RunRefusal::Dry(run),
        RunRefusal::LockHeld { lock: "qflow".into(), holder: RunId(6) },
        RunRefusal::NotAllowed { what: "/runbook stop".into(), no: role() },
        RunRefusal::NothingAsked(run, None),
        RunRefusal::NothingAsked(run, Some((2, vec![Actor::Person("ben".into()), Actor::Operator]))),
        RunRefusal::WhichStep(run, vec![2, 4]),
        RunRefusal::NoApproval(NoApproval::Requester(Actor::Person("ana".into()))),
        RunRefusal::NoApproval(NoApproval::Automatic("qflow-bot".into())),
        RunRefusal::NoApproval(NoApproval::Unproven),
        RunRefusal::NoApproval(NoApproval::Twice("chi".into())),
        RunRefusal::NoApproval(NoApproval::Role(role())),
        RunRefusal::OncePerGroup(GroupId(17), run),
        RunRefusal::NoGroup(GroupId(17)),
        RunRefusal::Budget(OverBudget::Spent { most: 2, window }),
        RunRefusal::Budget(OverBudget::CoolingDown { until: now().engine }),
        RunRefusal::Budget(OverBudget::Unjudged(run)),
        RunRefusal::TooLarge("an argument"),
        RunRefusal::BadPlan("it has no step"),
        RunRefusal::TooMany,
        RunRefusal::NothingToJudge(run),
    ];
    let told: Vec<String> = refusals
        .iter()
        .map(|refusal| {
            let card = refused(refusal, &jiff::tz::TimeZone::UTC);
            assert_eq!(card, card.clone().harmless());
            assert!(!card.title.is_empty() && !card.text.is_empty());
            lines::card(&card)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_card_shows_what_steps_said_as_far_as_it_has_room() {
    let said = |text: &str, speaks| {
        let RunIntent::Finish(mut report) = finish(1, StepOutcome::Passed, "id  status") else { panic!() };
        (report.output, report.speaks) = (Some(Prose::new(text, [2; 16])), speaks);
        let state = after(vec![begin(), permit(1), RunIntent::Finish(report)]);
        progress(state.run(RunId(1)).unwrap()).document
    };
    assert_eq!(said("id  status\na   failed", true), "## The step health\nid  status\na   failed");
    assert_eq!(said("{\n  \"a\": 1\n}", false), "", "what a machine wrote is for machines");
    let long = said(&"a line of some length\n".repeat(1_000), true);
    assert!(long.len() < crate::domain::run::EXCERPT_BYTES + 60 && long.ends_with('…'), "{}", long.len());
    assert_eq!(said(&"é".repeat(3_000), true), "## The step health\n…", "no line is cut in its middle");
}

#[test]
fn steps_that_were_not_done_share_a_line_unless_it_is_a_dry_run() {
    let mut plan = runs::plan(RunBecause::Hand, false);
    let one = plan.steps[0].clone();
    let named = |index| PlannedStep { index, heading: format!("Part {index}"), ..one.clone() };
    plan.steps = (1..=3).map(named).collect();
    for dry in [false, true] {
        let mut wants = vec![RunIntent::Start(Box::new(RunPlan { dry, ..plan.clone() }))];
        for (step, outcome) in
            [(1, StepOutcome::Skipped), (2, StepOutcome::Skipped), (3, StepOutcome::Unknown)]
        {
            let RunIntent::Finish(mut report) = finish(step, outcome, "would do: x") else { panic!() };
            report.attempt = 0;
            wants.push(RunIntent::Finish(report));
        }
        let state = after(wants);
        let text = progress(state.run(RunId(1)).unwrap()).text;
        assert_eq!(text.contains("– passed over: Part 1; Part 2"), !dry, "{text}");
        assert_eq!(text.matches("would do").count(), if dry { 3 } else { 1 }, "{text}");
    }
}
