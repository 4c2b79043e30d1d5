//! How a group and its pages are told, in the order in which it happened, or would. Never leaves out a message that did
//! not leave.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Reader, actor, quiet};
use crate::{
    domain::{
        delivery::{DeliveryKind, Recipient},
        event::Reminder,
        explain::{
            Attempt, DeliveryStory, Duty, EndedBecause, Fate, GroupStory, PageEnd, PageStory, PersonStory,
            QuietChange, StepStory,
        },
        id::{ContactName, PersonId},
        person::Urgency,
    },
    text::{
        deliveries::message,
        nobody::nobody,
        plain::{ANSWER, NAME, plain},
        scene::enumerate,
        timeline, when,
    },
};

/// What became of the group itself.
pub(super) fn group(group: &GroupStory, reader: Reader<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let (labels, key) = (plain(&group.labels.to_string(), NAME), plain(group.key.as_str(), NAME));
    let opened = group.opened_at.map(|at| format!(" on {}", when::at(at, reader.zone))).unwrap_or_default();
    let began = match (group.joined, reader.begins) {
        (true, None) => format!("The alert joined it: it was open{}", opened.replace(" on ", " since ")),
        (true, Some(_)) => format!("The alert joins it: it is open{}", opened.replace(" on ", " since ")),
        (false, None) => format!("The alert opened it{opened}: none was open"),
        (false, Some(_)) => "The alert opens a new group: none is open".to_owned(),
    };
    lines.push(format!("  {began} under the key {key} (labels {labels})."));
    let severity = group.severity.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let urgency = match group.urgency {
        Urgency::Urgent => "urgent: the urgent rules of people apply",
        Urgency::Routine => "routine: the routine rules of people apply",
    };
    lines.push(format!("  Severity {severity}, {urgency}. {} in all.", alerts(group.alerts)));
    let mut events: Vec<(Timestamp, String)> = Vec::new();
    let untold = group.quiet.iter().any(|one| matches!(one.what, QuietChange::Quiet { untold: true, .. }));
    if let (Some(at), true, false) = (group.waits_until, !group.joined || group.pages.is_empty(), untold) {
        events.push((at, "the route's group_wait is over: people are told".to_owned()));
    }
    for one in &group.raised {
        let from = one.from.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        events.push((one.at, format!("a worse alert joined: severity from {from} to {}", one.to)));
    }
    for one in &group.acknowledged {
        events.push((one.at, format!("{} took it", actor(&one.by))));
    }
    for one in &group.reminders {
        let what = match one.what {
            Reminder::Acknowledge => "its incident is not acknowledged within the severity's time",
            Reminder::Update => "its incident had no status update within the severity's time",
        };
        events.push((one.at, format!("{what}: the channel is reminded")));
    }
    if let Some(at) = group.closed_at {
        events.push((at, "the last of its alerts ended: it closed".to_owned()));
    }
    events.extend(group.quiet.iter().map(|one| (one.at, quiet::moment(&one.what, reader))));
    events.sort_by_key(|(at, _)| *at);
    lines.extend(told(events, reader));
    lines.extend(incident(group, reader));
    if !group.runbooks.is_empty() {
        lines.push(format!("  Starts by itself: {}.", plain(&group.runbooks.join(", "), NAME)));
    }
    if group.pages.is_empty() {
        lines.push(format!("  {}", unpaged(group, reader)));
    }
    lines
}

/// How it came to its incident, and by which page of that it is told.
fn incident(group: &GroupStory, reader: Reader<'_>) -> Option<String> {
    let incident = group.incident?;
    let simulated = reader.begins.is_some();
    let said = match (group.joined_in_flood, simulated && !group.joined) {
        (true, true) => format!("It joins {incident}, because many groups of its route come at once"),
        (true, false) => format!("It joined {incident}, because many groups of its route came at once"),
        (false, true) => return Some("  It opens an incident.".to_owned()),
        (false, false) => return Some(format!("  It belongs to {incident}.")),
    };
    let page = group.covered_by.map(|page| format!("; {page} of that is for it, too"));
    Some(format!("  {said}{}.", page.unwrap_or_default()))
}

fn unpaged(group: &GroupStory, reader: Reader<'_>) -> String {
    match (&group.policy, group.acknowledged.last()) {
        (Some(policy), None) if group.closed_at.is_none() && quiet::standing(group, reader).is_some() => {
            let (policy, standing) = (plain(policy.as_str(), NAME), quiet::standing(group, reader));
            format!("Nobody is paged by {policy} so far: {}", standing.unwrap_or_default())
        }
        (None, _) => "Nobody is paged: the route names no policy.".to_owned(),
        (Some(_), Some(taken)) => format!("Nobody is paged: {} has it.", actor(&taken.by)),
        (Some(policy), None) if group.closed_at.is_some() => format!(
            "Nobody was paged by {}: it was over before anybody was told.",
            plain(policy.as_str(), NAME)
        ),
        (Some(policy), None) => {
            format!(
                "Nobody is paged by {} so far: people are told when its wait is over.",
                plain(policy.as_str(), NAME)
            )
        }
    }
}

fn alerts(count: u64) -> String {
    if count == 1 { "1 alert".to_owned() } else { format!("{count} alerts") }
}

/// The headline of a page; one that is only simulated has no number.
pub(super) fn page_title(page: &PageStory, reader: Reader<'_>) -> String {
    let why = timeline::reason(&page.reason, "somebody");
    let number = if reader.begins.is_some_and(|begins| page.started_at >= begins) {
        String::new()
    } else {
        format!(" {}", page.id)
    };
    format!("Page{number} by {}: {why}", plain(page.policy.as_str(), NAME))
}

/// What became of a page.
pub(super) fn page(page: &PageStory, reader: Reader<'_>) -> Vec<String> {
    let mut events: Vec<(Timestamp, String)> = Vec::new();
    if page.steps.is_empty() && page.end.is_none() {
        let since = when::at(page.started_at, reader.zone);
        events.push((
            page.started_at,
            format!("it runs already, since {since}; what follows is still to come"),
        ));
    }
    for step in &page.steps {
        events.push((step.at, self::step(step, reader)));
    }
    for delivery in &page.deliveries {
        events.extend(self::delivery(delivery, page.end.as_ref(), reader));
    }
    // The same instant: the step comes before its messages.
    events.sort_by_key(|(at, _)| *at);
    if let Some(end) = &page.end {
        events.push((end.at, ended(end)));
        events.extend(never_queued(page).into_iter().map(|line| (end.at, line)));
    }
    told(events, reader)
}

fn told(events: Vec<(Timestamp, String)>, reader: Reader<'_>) -> Vec<String> {
    events.into_iter().map(|(at, text)| format!("  {}  {text}", reader.time(at))).collect()
}

fn step(step: &StepStory, reader: Reader<'_>) -> String {
    let mut parts = Vec::new();
    for one in &step.people {
        parts.push(person(one, reader));
    }
    if !step.channels.is_empty() {
        parts.push(format!("tells {}", plain(&enumerate(&step.channels), NAME)));
    }
    parts.extend(step.nobody.iter().map(nobody));
    if parts.is_empty() {
        parts.push("means nobody".to_owned());
    }
    let next = when::precise(step.next_at, reader.zone);
    format!(
        "step {} of round {}: {}. Without an answer it goes on at {next}.",
        step.step,
        step.round,
        parts.join("; ")
    )
}

fn person(one: &PersonStory, reader: Reader<'_>) -> String {
    let because = plain(&one.because, NAME);
    let why = match &one.duty {
        Some(duty) if duty.person.as_ref() == Some(&one.person) => {
            format!("{because}, {}", self::duty(duty, reader))
        }
        Some(duty) => format!(
            "{because}, which by now names {} for that instant: the configuration has changed",
            duty.person.as_ref().map_or_else(|| "nobody".to_owned(), |who| plain(who.as_str(), NAME))
        ),
        None => because,
    };
    format!("pages {} ({why})", plain(one.person.as_str(), NAME))
}

/// `layer 1, turn 12, since … until …`.
fn duty(duty: &Duty, reader: Reader<'_>) -> String {
    let from = match (duty.overriding, duty.layer, duty.turn) {
        (Some(id), ..) => format!("override {id}"),
        (None, Some(layer), Some(turn)) => format!("layer {layer}, turn {turn} of its rotation"),
        (None, Some(layer), None) => format!("layer {layer}"),
        (None, None, _) => "a gap".to_owned(),
    };
    let (since, until) = (when::in_table(duty.since, reader.zone), when::in_table(duty.until, reader.zone));
    format!("{from}, {since} until {until}")
}

fn delivery(one: &DeliveryStory, end: Option<&PageEnd>, reader: Reader<'_>) -> Vec<(Timestamp, String)> {
    let what = message(&one.to, DeliveryKind::Page);
    let mut events: Vec<(Timestamp, String)> =
        one.attempts.iter().map(|attempt| (attempt.at, self::attempt(&what, attempt, reader))).collect();
    let last = match (one.fate, reader.begins) {
        (Fate::Waits, _) if one.attempts.is_empty() => Some((one.at, format!("{what} waits to leave"))),
        (Fate::Leaving, _) => Some((one.at, format!("{what} is under way"))),
        (Fate::Cancelled, _) => {
            let why = end.map_or_else(String::new, |end| format!(": {}", because(&end.why)));
            let at = end.map_or(one.at, |end| end.at);
            Some((at, format!("{what} was cancelled and never arrives{why}")))
        }
        _ => None,
    };
    events.extend(last);
    events
}

fn attempt(what: &str, attempt: &Attempt, reader: Reader<'_>) -> String {
    let Attempt { attempt: number, receipt, why, retry_at, next_contact, .. } = attempt;
    if let Some(receipt) = receipt {
        if reader.begins.is_some() {
            return what.to_owned();
        }
        let receipt = plain(receipt, ANSWER);
        return format!("{what} arrived (attempt {number}): {receipt}");
    }
    let why = plain(why.as_deref().unwrap_or("no reason given"), ANSWER);
    let again = match retry_at {
        Some(at) => format!("again at {}", when::precise(*at, reader.zone)),
        None => "given up".to_owned(),
    };
    let next = if *next_contact { "; their next contact goes at once" } else { "" };
    format!("{what} failed (attempt {number}): {why}; {again}{next}")
}

fn because(why: &EndedBecause) -> String {
    match why {
        EndedBecause::Acknowledged(by) => format!("{} acknowledged", actor(by)),
        EndedBecause::Resolved => "it was over".to_owned(),
        EndedBecause::Replaced(newer) => format!("{newer} took its place"),
        EndedBecause::Quiet => "it became quiet".to_owned(),
        EndedBecause::Snoozed(by) => format!("{} snoozed it", actor(by)),
        EndedBecause::Unanswered => "the policy was at its end".to_owned(),
    }
}

fn ended(end: &PageEnd) -> String {
    let why = match &end.why {
        EndedBecause::Acknowledged(by) => format!("{} acknowledged: no further attempt leaves", actor(by)),
        EndedBecause::Quiet => "it became quiet: no further attempt leaves".to_owned(),
        EndedBecause::Snoozed(by) => format!("{} snoozed it: no further attempt leaves", actor(by)),
        EndedBecause::Resolved => "it is over: no further attempt leaves".to_owned(),
        EndedBecause::Replaced(newer) => format!("{newer} takes its place"),
        EndedBecause::Unanswered => {
            "nobody answered: the policy is at its end, and the channel is told".to_owned()
        }
    };
    let mut parts = vec![why];
    if !end.spared.is_empty() {
        parts.push(format!("spared {}", plain(&enumerate(&end.spared), NAME)));
    }
    if !end.leaving.is_empty() {
        parts.push(format!("already leaving: {}", enumerate(&end.leaving)));
    }
    parts.join("; ")
}

/// Contacts that were to be tried and whose turn never came.
fn never_queued(page: &PageStory) -> Vec<String> {
    let Some(end) = &page.end else { return Vec::new() };
    let queued: BTreeSet<(&PersonId, &ContactName)> = page
        .deliveries
        .iter()
        .filter_map(|one| match &one.to {
            Recipient::Person { person, contact } => Some((person, contact)),
            Recipient::Channel(_) => None,
        })
        .collect();
    let mut told = BTreeSet::new();
    let mut lines = Vec::new();
    for one in page.steps.iter().flat_map(|step| &step.people) {
        for planned in &one.tries {
            let address = (&one.person, &planned.contact);
            if !queued.contains(&address) && told.insert(address) {
                let to = Recipient::Person { person: one.person.clone(), contact: planned.contact.clone() };
                lines.push(format!(
                    "{} was not needed: {}",
                    message(&to, DeliveryKind::Page),
                    because(&end.why)
                ));
            }
        }
    }
    lines
}
