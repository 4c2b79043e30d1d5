//! What happened to runs, as timelines say it: one sentence each. Never lets text from outside through as it came.

use super::took;
use crate::{
    domain::{
        event::{Actor, Event},
        guide::GuideRead,
        run::{
            HeldBack, RunBecause, RunEvent, RunHappened, RunHeldBack, RunMissed, RunsOffered, StepEnd,
            Verdict,
        },
    },
    text::{
        plain::{ANSWER, NAME, WORDS, plain},
        scene::enumerate,
        span::span,
        timeline::Kind,
        when::Times,
    },
};

/// What an event about runs says; none when it is about something else.
pub(in crate::text) fn told(event: &Event, times: Times<'_>) -> Option<(Kind, String, String)> {
    Some(match event {
        Event::Run(event) => happened(event),
        Event::RunMissed(one) => missed(one, times),
        Event::RunHeldBack(held) => held_back(held),
        Event::RunsOffered(one) => offered(one),
        Event::GuideRead(one) => read(one),
        _ => return None,
    })
}

/// What happened to a run: what it is, who did it, and the sentence.
fn happened(event: &RunEvent) -> (Kind, String, String) {
    let id = event.run;
    let bot = || name(&Actor::Watchbell);
    match &event.what {
        RunHappened::Started(plan) => {
            let why = match &plan.because {
                RunBecause::Hand => String::new(),
                RunBecause::Schedule { .. } => " by its schedule".to_owned(),
                RunBecause::Alert(group) => format!(" for {group}"),
                RunBecause::Answer(group, _) => format!(" by itself, as an answer to {group}"),
            };
            let dry = if plan.dry { " as a dry run" } else { "" };
            let (title, runbook) = (plain(&event.title, NAME), plain(&plan.runbook, NAME));
            (Kind::Run, name(&plan.by), format!("{id} started{why}{dry}: {title} ({runbook})"))
        }
        RunHappened::ConfirmAsked { step, what, .. } => {
            let what = plain(what.as_str(), ANSWER);
            (Kind::Approval, bot(), format!("{id} asks for a confirmation of step {step}: {what}"))
        }
        RunHappened::Confirmed { step, by } => {
            (Kind::Approval, name(by), format!("{} confirmed step {step} of {id}", name(by)))
        }
        RunHappened::ApprovalAsked { step, needs, what, .. } => {
            let what = plain(what.as_str(), ANSWER);
            (Kind::Approval, bot(), format!("{id} asks for approval of step {step} by {needs}: {what}"))
        }
        RunHappened::ApprovalGiven { step, by, missing } => {
            let missing = match missing {
                0 => String::new(),
                missing => format!("; {missing} more needed"),
            };
            (Kind::Approval, name(by), format!("{} approved step {step} of {id}{missing}", name(by)))
        }
        RunHappened::ApprovalRefused { step, by } => {
            (Kind::Approval, name(by), format!("{} refused step {step} of {id}: the run ends", name(by)))
        }
        RunHappened::ApprovalExpired { step } => {
            (Kind::Approval, bot(), format!("Nobody answered {id} about step {step} in time: the run ends"))
        }
        RunHappened::StepWaits { step, lock, holder } => {
            let lock = name(lock);
            (
                Kind::RunStep,
                bot(),
                format!("Step {step} of {id} waits for {holder}, which has the lock {lock}"),
            )
        }
        RunHappened::StepPermitted { step, attempt, .. } => {
            (Kind::RunStep, bot(), format!("Step {step} of {id} began (attempt {attempt})"))
        }
        RunHappened::StepFinished(end) => (Kind::RunStep, bot(), finished(event, end)),
        RunHappened::Drawn { step, drawing } => {
            let words = plain(&drawing.words, ANSWER);
            (Kind::RunStep, bot(), format!("Step {step} of {id} has a picture: {words}"))
        }
        RunHappened::Resumed { again } => {
            let again = match again.as_slice() {
                [] => String::new(),
                again => format!("; done again, because it only reads: step {}", enumerate(again)),
            };
            (Kind::Run, bot(), format!("{id} goes on after Watchbell started again{again}"))
        }
        RunHappened::Waits { steps } => {
            let steps = enumerate(steps);
            let text = format!(
                "{id} waits for a decision: step {steps} was running when Watchbell ended, and changes something"
            );
            (Kind::Run, bot(), text)
        }
        RunHappened::Continued { steps, again, by } => {
            let (steps, by) = (enumerate(steps), name(by));
            let how =
                if *again { format!("do step {steps} again") } else { format!("go on after step {steps}") };
            (Kind::Run, by.clone(), format!("{by} lets {id} {how}"))
        }
        RunHappened::Stopped { by } => (Kind::Run, name(by), format!("{} stopped {id}", name(by))),
        RunHappened::Ended { verdict, took: time, summary, .. } => {
            let how = match verdict {
                Verdict::Expired => "because nobody answered in time".to_owned(),
                verdict => format!("as {verdict}"),
            };
            let summary =
                summary.as_ref().map(|text| format!(". {}", plain(text, WORDS))).unwrap_or_default();
            let text =
                format!("{id} ended {how} after {}: {}{summary}", took(*time), plain(&event.title, NAME));
            (Kind::Run, bot(), text)
        }
        RunHappened::Judged { helped } => {
            let helped = if *helped { "helped" } else { "did not help: people have to look at it" };
            (Kind::Run, bot(), format!("What {id} did by itself {helped}"))
        }
    }
}

fn finished(event: &RunEvent, end: &StepEnd) -> String {
    let said = plain(end.line.as_str(), ANSWER);
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let time = if end.took.is_zero() { String::new() } else { format!(", after {}", took(end.took)) };
    let heading = plain(&end.heading, NAME);
    format!("Step {} of {} {}{time} ({heading}){said}", end.step, event.run, end.outcome)
}

/// Somebody read a step of a guide.
pub(in crate::text) fn read(read: &GuideRead) -> (Kind, String, String) {
    let (heading, title, runbook) =
        (plain(&read.heading, NAME), plain(&read.title, NAME), plain(&read.runbook, NAME));
    let by = name(&read.by);
    (Kind::Guide, by.clone(), format!("{by} read “{heading}” in the guide {title} ({runbook})"))
}

/// A run that should have started did not.
fn missed(missed: &RunMissed, times: Times<'_>) -> (Kind, String, String) {
    let (runbook, why) = (plain(&missed.runbook, NAME), plain(&missed.why, ANSWER));
    let often = if missed.times > 1 { format!(" ({} times)", missed.times) } else { String::new() };
    let text = format!("{runbook} was due at {} and did not run{often}: {why}", times.say(missed.due));
    (Kind::Run, name(&Actor::Watchbell), text)
}

/// A runbook was to start for a group and does not.
fn held_back(held: &RunHeldBack) -> (Kind, String, String) {
    let (runbook, why) = (plain(&held.runbook, NAME), why_held_back(&held.why));
    (Kind::Run, name(&Actor::Watchbell), format!("{runbook} was not started for {}: {why}", held.group))
}

/// Why it does not, as a sentence.
pub(in crate::text) fn why_held_back(why: &HeldBack) -> String {
    match why {
        HeldBack::Storm { most, window } => {
            format!("Alerts have started it {most} times in {}, which is enough for now.", span(*window))
        }
        HeldBack::Refused(why) => plain(why, ANSWER),
    }
}

/// Runbooks are offered.
fn offered(offered: &RunsOffered) -> (Kind, String, String) {
    let one = |offer: &crate::domain::run::RunOffer| {
        format!("{} ({})", plain(&offer.title, NAME), plain(&offer.runbook, NAME))
    };
    let runbooks = enumerate(offered.runbooks.iter().map(one));
    let text = format!("Offered for {}: {runbooks}", plain(offered.severity.as_str(), NAME));
    (Kind::Run, name(&Actor::Watchbell), text)
}

fn name(name: &impl std::fmt::Display) -> String {
    plain(&name.to_string(), NAME)
}
