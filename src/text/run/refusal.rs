//! What is said when something about a run is not done: why, what is kept, what to do now. Never hides the reason.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    domain::{
        event::Actor,
        id::RunId,
        run::{NoApproval, OverBudget, RunRefusal},
    },
    text::{
        card::{Button, Card},
        refusal::{no, not_allowed},
        scene::enumerate,
        span::span,
        usage::short,
        when,
    },
};

/// A refusal of the rules.
#[must_use]
pub fn refused(refusal: &RunRefusal, zone: &TimeZone) -> Card {
    const KEPT: &str = "Nothing was changed.";
    match refusal {
        RunRefusal::Unknown(run) => {
            with_list(no(format!("There is no run {run}, or it is long gone."), KEPT))
        }
        RunRefusal::NoStep(run, step) => no(format!("{run} has no step `{}`.", short(step)), KEPT),
        RunRefusal::Over { run, verdict, at, by } => no(
            format!("{run} is over{}: {verdict}{}.", at_time(*at, zone), by_whom(by.as_ref())),
            "Nothing was changed. Start the runbook again if it is needed.",
        ),
        RunRefusal::Stopping(run, by) => no(
            format!("{run} is being stopped{}.", by_whom(by.as_ref())),
            "No further step of it begins; what runs is told to stop.",
        ),
        RunRefusal::Waiting(run) => with_answers(
            no(
                format!("{run} waits for a decision."),
                "A step that changes something was running when Watchbell ended. Say how to go on first.",
            ),
            *run,
        ),
        RunRefusal::NotWaiting(run) => no(format!("{run} does not wait for a decision."), KEPT),
        RunRefusal::StepRuns(run, step) => no(format!("Step {step} of {run} is running."), KEPT),
        RunRefusal::NotBeside(run, step) => {
            no(format!("Step {step} of {run} is running."), "What changes something runs alone.")
        }
        RunRefusal::NoMoreAttempts(run, step) => no(
            format!("Step {step} of {run} was done as often as its runbook allows."),
            "It is not done again. Start the runbook again if it is needed.",
        ),
        RunRefusal::Dry(run) => no(format!("{run} is a dry run."), "It only shows what would happen."),
        RunRefusal::LockHeld { lock, holder } => no(
            format!("{holder} has the lock `{}`.", short(lock.as_str())),
            "This run has another lock already and does not wait for a second one. Start it again when that one is over.",
        ),
        RunRefusal::NotAllowed { what, no } => not_allowed(&short(what), no),
        RunRefusal::NothingAsked(run, agreed) => no(
            format!("{run} asks for nothing right now."),
            &agreed.as_ref().map_or_else(
                || "It was answered already, or it is not its turn.".to_owned(),
                |(step, by)| {
                    let by = enumerate(by.iter().map(|by| short(&by.to_string())));
                    format!("Step {step} has the yes of {by} already. Nothing was changed.")
                },
            ),
        ),
        RunRefusal::WhichStep(run, steps) => {
            let mut card = no(format!("Which step of {run}?"), "Several ask; nothing was changed yet.");
            let offer = |step: &u32| {
                Button::new(format!("Approve step {step}"), format!("/runbook approve {run} {step}"))
            };
            card.buttons = steps.iter().take(10).map(offer).collect();
            card
        }
        RunRefusal::NoApproval(why) => no_approval(why),
        RunRefusal::OncePerGroup(group, run) => no(
            format!("{group} has started this runbook already: {run}."),
            "One group starts a runbook once.",
        ),
        RunRefusal::NoGroup(group) => no(format!("{group} is not open."), "Nothing was started for it."),
        RunRefusal::Budget(why) => budget(why, zone),
        RunRefusal::TooLarge(what) => no(format!("That is too large: {what}."), KEPT),
        RunRefusal::BadPlan(why) => no(format!("This runbook cannot run: {why}."), "Nothing was started."),
        RunRefusal::TooMany => no(
            "Too many runs at once.".to_owned(),
            "Nothing was started. Wait for some to end: /runbook runs",
        ),
        RunRefusal::NothingToJudge(run) => no(format!("{run} has nothing to be judged."), KEPT),
    }
}

/// ` since 2026-11-23 14:05 CET`
fn at_time(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map(|at| format!(" since {}", when::at(at, zone))).unwrap_or_default()
}

/// `, by ben`
fn by_whom(by: Option<&Actor>) -> String {
    by.map(|by| format!(", by {}", short(&by.to_string()))).unwrap_or_default()
}

fn no_approval(why: &NoApproval) -> Card {
    match why {
        NoApproval::Requester(by) => no(
            format!("{} asked for it, so somebody else has to approve.", short(&by.to_string())),
            "Your yes was not counted; the request still stands.",
        ),
        NoApproval::Automatic(person) => no(
            format!("{} is an automatic identity: only people approve.", short(person.as_str())),
            "This yes was not counted; the request still stands.",
        ),
        NoApproval::Unproven => no(
            "Nobody knows who you are here, so your yes cannot count.".to_owned(),
            "Approve from your own chat account, or with your own token. The request still stands.",
        ),
        NoApproval::Twice(person) => no(
            format!("{} said yes already: two approvals are two people.", short(person.as_str())),
            "The request still stands until somebody else answers.",
        ),
        NoApproval::Role(missing) => not_allowed("This approval", missing),
    }
}

fn budget(why: &OverBudget, zone: &TimeZone) -> Card {
    let (title, text) = match why {
        OverBudget::Spent { most, window } => (
            format!("It has answered by itself as often as it may: {} in {}.", times(*most), span(*window)),
            "Nothing was started: people have to look at it.",
        ),
        OverBudget::CoolingDown { until } => (
            format!("It answered by itself a moment ago and rests until {}.", when::at(*until, zone)),
            "Nothing was started: people have to look at it.",
        ),
        OverBudget::Unjudged(run) => (
            format!("Nobody knows yet whether {run} helped."),
            "Nothing was started: it answers again when that is known.",
        ),
    };
    no(title, text)
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn with_list(mut card: Card) -> Card {
    card.buttons.push(Button::new("List", "/runbook runs"));
    card
}

fn with_answers(mut card: Card, run: RunId) -> Card {
    card.buttons.push(Button::new("Do it again", format!("/runbook continue {run}")));
    card.buttons.push(Button::new("Go on without it", format!("/runbook continue {run} --skip")));
    card.buttons.push(Button::new("Stop", format!("/runbook stop {run}")));
    card
}

/// The steps that a run has, for whoever named one that it has not.
#[must_use]
pub fn no_step(run: RunId, written: &str, steps: &[String]) -> Card {
    let steps = enumerate(steps.iter().take(20).map(|step| short(step)));
    no(
        format!("{run} has no step `{}`.", short(written)),
        &format!("Nothing was changed. Its steps: {steps}"),
    )
}
