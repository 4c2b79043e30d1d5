//! Cards of runs: how one goes while it streams, what it asks people, how it ended, and the history. Never shows
//! more than was kept, and nothing of it as it came from outside.

mod refusal;
mod timeline;

use std::fmt::Write as _;

use jiff::SignedDuration;

pub use refusal::{no_step, refused};
pub(super) use timeline::{told, why_held_back};

use super::{
    card::{Button, Card, Field, Tone},
    guide,
    plain::{ANSWER, NAME, WORDS, aligned, lines, plain},
    scene::{Scene, button, enumerate, field},
    span::span,
    usage::short,
    when,
};
use crate::domain::{
    delivery::Notice,
    event::Actor,
    facts::Dispatch,
    id::RunId,
    run::{Ask, Run, RunBecause, RunStatus, Step, StepOutcome, StepState, Verdict},
};

/// How many steps a card shows; the others are counted.
const MOST_STEPS: usize = 25;
/// How many of those that are over are shown before the one that is next.
const BEFORE: usize = 15;
/// What steps said is shown up to this many bytes.
const SAID: usize = 6 * 1024;
/// The longest paragraph about what will be done, in characters.
const WHAT: usize = 1500;

/// What chat shows of a run.
#[must_use]
pub fn card(dispatch: &Dispatch, run: &Run) -> Card {
    match dispatch.delivery.notice {
        Some(Notice::RunAsks(_, step)) => match run.step(step) {
            Some(step) => asks(run, step),
            None => progress(run),
        },
        Some(Notice::RunWaits(_)) => waits(run),
        Some(Notice::NotHelped(_)) => not_helped(run),
        _ => progress(run),
    }
}

/// How it goes: the card that streams.
#[must_use]
pub fn progress(run: &Run) -> Card {
    let mut fields = vec![field("Asked by", by(run))];
    if !run.plan.environment.is_empty() {
        fields.push(field("Environment", plain(&run.plan.environment, NAME)));
    }
    fields.extend(arguments(run));
    fields.extend(run.helped.map(|helped| field("Helped", if helped { "yes" } else { "no" })));
    if let Some(ended) = run.ended_at {
        fields.push(field("Took", took(ended.duration_since(run.started_at))));
    }
    let (leads, links) = guide::leads(&run.plan.links);
    let mut buttons = buttons(run);
    buttons.extend(leads);
    let prose = run.plan.part.as_ref().map(|part| lines(&part.prose)).filter(|prose| !prose.is_empty());
    let summary = run.summary.as_ref().map(|text| plain(text, WORDS));
    let parts = prose.map(|prose| format!("{prose}\n")).into_iter().chain(summary).chain([steps(run)]);
    Card {
        title: title(run),
        tone: tone(run),
        text: parts.collect::<Vec<_>>().join("\n"),
        document: said(run),
        fields,
        buttons,
        links,
        ..Card::default()
    }
}

/// The same, and what it asks: whoever sees no channel must know what they say yes to.
#[must_use]
pub fn progress_and_question(run: &Run) -> Vec<Card> {
    std::iter::once(progress(run)).chain(asking(run).map(|step| asks(run, step))).collect()
}

/// `R-7 Restart Qflow: failed`.
fn title(run: &Run) -> String {
    let dry = if run.plan.dry { " (dry run)" } else { "" };
    format!("{} {}{dry}: {}", run.id, plain(&run.plan.title, NAME), standing(run))
}

/// `R-7 Restart Qflow: failed (03:12)`.
#[must_use]
pub fn in_short(scene: &Scene<'_>, run: &Run) -> String {
    format!("{} ({})", title(run), scene.near(run.ended_at.unwrap_or(run.started_at)))
}

fn standing(run: &Run) -> String {
    match run.status {
        RunStatus::Running if asking(run).is_some() => "waits for an answer".to_owned(),
        RunStatus::Running => "running".to_owned(),
        RunStatus::Waiting => "waits for a decision".to_owned(),
        RunStatus::Stopping(_) => "being stopped".to_owned(),
        RunStatus::Ended(Verdict::Expired) => "ended, nobody answered in time".to_owned(),
        RunStatus::Ended(verdict @ (Verdict::Stopped | Verdict::Refused)) => match &run.stopped_by {
            Some(by) => format!("{verdict} by {}", plain(&by.to_string(), NAME)),
            None => verdict.to_string(),
        },
        RunStatus::Ended(verdict) => verdict.to_string(),
    }
}

fn tone(run: &Run) -> Tone {
    match run.status {
        RunStatus::Running if asking(run).is_none() => Tone::Plain,
        RunStatus::Running | RunStatus::Stopping(_) => Tone::Warning,
        RunStatus::Waiting | RunStatus::Ended(Verdict::Failed) => Tone::Critical,
        RunStatus::Ended(Verdict::Passed) => Tone::Good,
        RunStatus::Ended(_) => Tone::Warning,
    }
}

fn by(run: &Run) -> String {
    let by = plain(&run.plan.by.to_string(), NAME);
    match &run.plan.because {
        RunBecause::Hand => by,
        RunBecause::Schedule { .. } => format!("its schedule, as {by}"),
        RunBecause::Alert(group) => format!("{group}, as {by}"),
        RunBecause::Answer(group, _) => format!("{group}, by itself as {by}"),
    }
}

fn arguments(run: &Run) -> Vec<Field> {
    let one = |(name, value): &(String, crate::domain::prose::Prose)| Field {
        name: plain(name, 60),
        value: plain(value.as_str(), NAME),
    };
    run.plan.args.iter().take(10).map(one).collect()
}

/// A line for each step, as many as fit around the one that is next.
fn steps(run: &Run) -> String {
    let next = run.steps.iter().position(|step| step.outcome().is_none()).unwrap_or(run.steps.len());
    let last = run.steps.len().saturating_sub(MOST_STEPS);
    let from = next.saturating_sub(BEFORE).min(last);
    let mut lines = Vec::new();
    if from > 0 {
        lines.push(format!("… {from} steps before"));
    }
    let shown: Vec<&Step> = run.steps.iter().skip(from).take(MOST_STEPS).collect();
    let more = run.steps.len() - from - shown.len();
    // What a dry run would do is what it is for.
    let is_skipped = |step: &&Step| !run.plan.dry && step.outcome() == Some(StepOutcome::Skipped);
    for together in shown.chunk_by(|one, other| is_skipped(one) && is_skipped(other)) {
        match together {
            [one] => lines.push(line(one)),
            several => lines.push(passed_over(several)),
        }
    }
    if more > 0 {
        lines.push(format!("… {more} more steps"));
    }
    lines.join("\n")
}

/// What steps said beyond their lines, each under its heading, as far as a card has room.
fn said(run: &Run) -> String {
    let mut text = String::new();
    let speak = run.steps.iter().filter(|step| !step.excerpt.is_empty());
    for (place, step) in speak.clone().enumerate() {
        let part = format!("## {}\n{}\n", plain(&step.plan.heading, NAME), aligned(&step.excerpt));
        if place > 0 && text.len() + part.len() > SAID {
            let more = speak.count() - place;
            let _ = write!(text, "\n… and what {more} more said: /incident timeline and the API have it");
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    text.trim_end().to_owned()
}

/// Steps beside each other that were not done: their reasons are on the timeline.
fn passed_over(steps: &[&Step]) -> String {
    let mut headings: Vec<String> = steps.iter().map(|step| plain(&step.plan.heading, NAME)).collect();
    headings.dedup();
    format!("– passed over: {}", headings.join("; "))
}

fn line(step: &Step) -> String {
    let heading = plain(&step.plan.heading, NAME);
    match &step.state {
        StepState::Pending => format!("· {heading}"),
        StepState::Asks(ask) if ask.confirm => format!("? {heading}: waits for a confirmation"),
        StepState::Asks(_) => format!("? {heading}: waits for approval by {}", missing(step)),
        StepState::WaitsForLock(holder) => format!("… {heading}: waits for {holder}, which has its lock"),
        StepState::Running { since } => format!("▶ {heading}: since {} UTC", since.strftime("%H:%M:%S")),
        StepState::Lost => {
            format!("! {heading}: it was running when Watchbell ended, and nobody knows how far it came")
        }
        StepState::Over { outcome, took, line } => {
            let said = plain(line.as_str(), ANSWER);
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            let time = if took.is_zero() { String::new() } else { format!(" ({})", self::took(*took)) };
            let word = if *outcome == StepOutcome::Passed { String::new() } else { format!(" {outcome}") };
            format!("{} {heading}{word}{said}{time}", mark(*outcome))
        }
    }
}

fn mark(outcome: StepOutcome) -> char {
    match outcome {
        StepOutcome::Passed => '✔',
        StepOutcome::Failed | StepOutcome::TimedOut => '✘',
        StepOutcome::Unknown => '?',
        StepOutcome::Skipped | StepOutcome::Stopped => '–',
    }
}

/// Below a minute with tenths: `0.4s`, `12.0s`, `1m30s`.
fn took(time: SignedDuration) -> String {
    if time.abs() >= SignedDuration::from_mins(1) {
        return span(time);
    }
    let tenths = (time.unsigned_abs().as_millis() + 50) / 100;
    format!("{}.{}s", tenths / 10, tenths % 10)
}

/// `one operator`, `2 more with the role operator`.
fn missing(step: &Step) -> String {
    let Some(needs) = step.plan.approve else { return "nobody".to_owned() };
    let given = u32::try_from(step.approved.len()).unwrap_or(u32::MAX);
    match needs.count.saturating_sub(given) {
        1 if given == 0 => format!("one {}", needs.role),
        missing if given == 0 => format!("{missing} people with the role {}", needs.role),
        missing => format!("{missing} more with the role {}", needs.role),
    }
}

fn asking(run: &Run) -> Option<&Step> {
    run.steps.iter().find(|step| step.ask().is_some())
}

fn buttons(run: &Run) -> Vec<Button> {
    let id = run.id;
    if !run.is_live() || run.is_stopping() {
        return Vec::new();
    }
    let mut buttons = Vec::new();
    if let Some(step) = asking(run) {
        buttons.extend(answers(run, step));
    }
    if run.status == RunStatus::Waiting {
        buttons.push(button("Do it again", format!("/runbook continue {id}")));
        buttons.push(button("Go on without it", format!("/runbook continue {id} --skip")));
    }
    buttons.push(button("Stop", format!("/runbook stop {id}")));
    buttons
}

fn answers(run: &Run, step: &Step) -> Vec<Button> {
    let yes = if step.ask().is_some_and(|ask| ask.confirm) { "Confirm" } else { "Approve" };
    let (id, index) = (run.id, step.plan.index);
    vec![
        button(yes, format!("/runbook approve {id} {index}")),
        button("Refuse", format!("/runbook refuse {id} {index}")),
    ]
}

/// What a step asks, with what exactly will be done.
#[must_use]
pub fn asks(run: &Run, step: &Step) -> Card {
    let Some(ask) = step.ask() else { return answered(run, step) };
    let heading = plain(&step.plan.heading, NAME);
    let (title, whom) = if ask.confirm {
        (format!("{} asks for a confirmation: {heading}", run.id), "the requester or an operator".to_owned())
    } else {
        (format!("{} asks for approval: {heading}", run.id), approvers(step))
    };
    let mut text = Vec::new();
    if let (true, Some(question)) = (ask.confirm, &step.plan.confirm) {
        text.push(plain(question.as_str(), WHAT));
    }
    text.push("What exactly will be done:".to_owned());
    text.push(exactly(ask));
    let fields = vec![
        field("Runbook", plain(&run.plan.title, NAME)),
        field("Environment", plain(&run.plan.environment, NAME)),
        field("Asked by", by(run)),
        field("Who may say yes", whom),
        field("Expires", format!("{} after it was asked", span(run.plan.ask_for))),
    ];
    let fields = fields.into_iter().filter(|field| !field.value.is_empty()).collect();
    let text = text.join("\n");
    Card { title, tone: Tone::Warning, text, fields, buttons: answers(run, step), ..Card::default() }
}

/// The lines of what will be done, each harmless; a text that is cut says so.
fn exactly(ask: &Ask) -> String {
    let lines: Vec<String> = ask.what.as_str().lines().map(|line| plain(line, WHAT)).collect();
    let whole = lines.join("\n");
    let shown: String = whole.chars().take(WHAT).collect();
    let more = whole.chars().count() - shown.chars().count();
    if more == 0 { shown } else { format!("{shown}… and {more} characters more: /runbook show") }
}

fn approvers(step: &Step) -> String {
    let Some(needs) = step.plan.approve else { return "nobody".to_owned() };
    let given = enumerate(&step.approved);
    let so_far = if step.approved.is_empty() { String::new() } else { format!("; {given} said yes") };
    format!("{needs}, not the requester{so_far}")
}

/// A question that was answered meanwhile.
fn answered(run: &Run, step: &Step) -> Card {
    let heading = plain(&step.plan.heading, NAME);
    Card {
        title: format!("{}: {heading} asks nobody any more", run.id),
        text: format!("The run is {}.", standing(run)),
        tone: Tone::Plain,
        ..Card::default()
    }
}

/// A step that changes something was running when the process ended.
fn waits(run: &Run) -> Card {
    let lost = run.steps.iter().filter(|step| step.state == StepState::Lost);
    let lost: Vec<String> = lost.map(|step| plain(&step.plan.heading, NAME)).collect();
    if lost.is_empty() {
        return progress(run);
    }
    Card {
        title: format!("{} waits for a decision: {}", run.id, plain(&run.plan.title, NAME)),
        tone: Tone::Critical,
        text: format!(
            "Watchbell ended while this was running, and nobody knows how far it came: {}. It is not done again by \
             itself. Look what is true, then say how to go on.",
            lost.join(", ")
        ),
        buttons: buttons(run),
        ..Card::default()
    }
}

fn not_helped(run: &Run) -> Card {
    let group = run.plan.group.map(|group| group.to_string()).unwrap_or_default();
    Card {
        title: format!("{} did not help: {}", run.id, plain(&run.plan.title, NAME)),
        tone: Tone::Critical,
        text: format!(
            "It answered {group} by itself and ended as {}. People have to look at it.",
            standing(run)
        ),
        ..Card::default()
    }
}

/// Runs that are not over, then those that ended, the last one first; and those that did not start.
#[must_use]
pub fn list(scene: &Scene<'_>, limit: usize) -> Card {
    let state = scene.state;
    let live = state.runs.values().rev();
    let ended = state.ended_runs_order.iter().rev().filter_map(|id| state.ended_runs.get(id));
    let runs: Vec<_> = live.chain(ended).take(limit).collect();
    let total = state.runs.len() + state.ended_runs.len();
    let missed = state.missed_runs.iter().rev().take(3).map(|one| {
        let (runbook, due) = (plain(&one.missed.runbook, NAME), scene.near(one.missed.due));
        format!("{runbook} was due at {due} and did not run: {}", plain(&one.missed.why, ANSWER))
    });
    let mut text: Vec<String> = missed.collect();
    let more = total.saturating_sub(runs.len());
    if more > 0 {
        text.push(format!("{more} more are not shown: --limit N"));
    }
    if runs.is_empty() {
        let text = text.join("\n");
        return Card { title: "No runbook has run yet.".to_owned(), text, ..Card::default() };
    }
    let head = ["id", "runbook", "status", "started", "took", "by", "about"].map(str::to_owned).to_vec();
    let rows = runs.iter().map(|run| {
        let ended = run.ended_at.unwrap_or(scene.now.civil);
        let group = run.plan.group.map(|group| group.to_string());
        let about = state.incident_of_run(run).map(|incident| incident.to_string()).or(group);
        vec![
            run.id.to_string(),
            plain(&run.plan.runbook, NAME),
            standing(run),
            scene.near(run.started_at),
            when::since(run.started_at, ended),
            plain(&run.plan.by.to_string(), NAME),
            about.unwrap_or_default(),
        ]
    });
    let open = state.runs.len();
    let title = match open {
        0 if total == 1 => "1 run; it is over.".to_owned(),
        0 => format!("{total} runs, none of them is running."),
        1 if total == 1 => "1 run; it is not over.".to_owned(),
        1 => format!("{total} runs, 1 of them is not over."),
        _ => format!("{total} runs, {open} of them are not over."),
    };
    Card {
        title,
        text: text.join("\n"),
        table: std::iter::once(head).chain(rows).collect(),
        ..Card::default()
    }
}

/// What is said when somebody did something about a run: how it stands now.
#[must_use]
pub fn changed(scene: &Scene<'_>, id: RunId, what: &str) -> Option<Card> {
    let run = scene.state.run(id)?;
    let card = progress(run);
    Some(Card {
        title: what.to_owned(),
        tone: Tone::Good,
        text: format!("{}\n{}", card.title, card.text),
        ..card
    })
}

/// Somebody stops it.
#[must_use]
pub fn stopped(id: RunId, by: &Actor) -> String {
    format!("{} stops {id}.", short(&by.to_string()))
}

/// Somebody said yes.
#[must_use]
pub fn approved(id: RunId, by: &Actor) -> String {
    format!("{} said yes to {id}.", short(&by.to_string()))
}

/// Somebody said no.
#[must_use]
pub fn said_no(id: RunId, by: &Actor) -> String {
    format!("{} said no: {id} ends.", short(&by.to_string()))
}

/// Somebody said how to go on.
#[must_use]
pub fn continued(id: RunId, by: &Actor, again: bool) -> String {
    let by = short(&by.to_string());
    if again {
        format!("{by} lets {id} do the step again that was running when Watchbell ended.")
    } else {
        format!("{by} lets {id} go on after the step that was running when Watchbell ended.")
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
