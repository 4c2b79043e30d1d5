//! Words about what belongs to a response: links, related and merged incidents, the impact, and why something was not done
//! about them. Never repeats an address that was refused.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Button, Card, Field, Link, Tone},
    handover::lasted,
    plain::{ANSWER, NAME, WORDS, plain},
    postmortem,
    refusal::{no, since_by},
    scene::{Scene, enumerate, field, link},
    task,
    timeline::{Kind, name},
    when::{self, Times},
};
use crate::domain::{
    event::{Event, Record},
    id::IncidentId,
    incident::Incident,
    response::{
        BadAddress, Impact, ResponseEvent, ResponseFacts, ResponseRefusal, TaskChange, TaskState, WebLink,
        WrongTimes,
    },
};

/// How many related or merged incidents are named; the others are counted.
const MOST: usize = 5;
/// How many links a card shows.
const MOST_LINKS: usize = 8;

/// What an incident's own card says of all that.
#[must_use]
pub fn fields(scene: &Scene<'_>, incident: &Incident) -> Vec<Field> {
    let of = &incident.response;
    let mut fields = Vec::new();
    if of.merged_into.is_some() {
        fields.push(field("Merged into", scene.state.goes_on_in(incident.id).to_string()));
    }
    if let Some((open, all, firing)) = scene.state.groups_of(incident) {
        fields.push(field("Counts", counts(open, all, firing)));
    }
    fields.extend(of.impact.as_ref().map(|impact| field("Impact", impact_line(scene, impact))));
    fields.extend(task::field_of(scene, incident));
    fields.extend(some(of.related.iter()).map(|ids| field("Related", ids)));
    fields.extend(some(of.merged.iter()).map(|ids| field("Merged in", ids)));
    fields
}

/// `3 of 10 groups open, 12 alerts fire`.
#[must_use]
pub fn counts(open: usize, all: usize, firing: usize) -> String {
    let fire = if firing == 1 { "1 alert fires".to_owned() } else { format!("{firing} alerts fire") };
    format!("{open} of {all} groups open, {fire}")
}

fn impact_line(scene: &Scene<'_>, impact: &Impact) -> String {
    let lasted = lasted(impact.started_at, impact.ended_at, scene.now.civil);
    format!("{} (since {}, {lasted})", plain(impact.text.as_str(), ANSWER), scene.near(impact.started_at))
}

fn some(ids: impl ExactSizeIterator<Item = impl ToString>) -> Option<String> {
    let count = ids.len();
    let mut names: Vec<String> = ids.take(MOST).map(|id| id.to_string()).collect();
    if count > MOST {
        names.push(format!("{} more", count - MOST));
    }
    (!names.is_empty()).then(|| enumerate(names))
}

/// What a card in a channel says of all that; `at` says an instant.
pub(super) fn facts(facts: &ResponseFacts, at: fn(Timestamp) -> String) -> Vec<Field> {
    let mut fields = Vec::new();
    fields.extend(facts.merged_into.map(|into| field("Merged into", into.to_string())));
    fields.extend(facts.groups.map(|(open, all, firing)| field("Groups", counts(open, all, firing))));
    if let Some(impact) = &facts.impact {
        let until = impact.ended_at.map(|end| format!(" until {}", at(end))).unwrap_or_default();
        let text = plain(impact.text.as_str(), ANSWER);
        fields.push(field("Impact", format!("{text} (since {}{until})", at(impact.started_at))));
    }
    fields.extend(task::in_short(&facts.tasks, facts.open_tasks, at).map(|tasks| field("Tasks", tasks)));
    fields.extend(some(facts.merged.iter()).map(|ids| field("Merged in", ids)));
    fields
}

/// The links that people added, the newest first.
#[must_use]
pub fn links(incident: &Incident) -> Vec<Link> {
    let newest = incident.response.links.iter().rev();
    newest.filter_map(|one| link(&called(one), one.url.as_str())).take(MOST_LINKS).collect()
}

/// What a link is called: by its title, or else by where it leads.
#[must_use]
pub fn called(one: &WebLink) -> String {
    let title = one.title.as_ref().map(|title| plain(title.as_str(), NAME));
    title.filter(|title| !title.is_empty()).unwrap_or_else(|| postmortem::host(one.url.as_str()))
}

/// A link was added.
#[must_use]
pub fn linked(incident: &Incident) -> String {
    format!("The link stands on {} now.", incident.id)
}

/// Two incidents are related.
#[must_use]
pub fn related(incident: IncidentId, other: IncidentId) -> String {
    format!("{incident} and {other} are related now; both show it.")
}

/// The impact was said.
#[must_use]
pub fn impact_set(scene: &Scene<'_>, incident: &Incident) -> String {
    match &incident.response.impact {
        Some(impact) => {
            let lasted = lasted(impact.started_at, impact.ended_at, scene.now.civil);
            format!("The impact of {} is kept: {lasted}.", incident.id)
        }
        None => format!("The impact of {} is kept.", incident.id),
    }
}

/// One incident was merged into another: where it goes on, and what became of the pages.
#[must_use]
pub fn merged(scene: &Scene<'_>, incident: &Incident, into: &Incident, events: &[Event]) -> Card {
    let what = format!("{} is merged into {}.", incident.id, into.id);
    let mut card = super::incident::changed(scene, into, &what, events);
    let stopped = events.iter().filter(|event| matches!(event, Event::PageStopped { .. })).count();
    let runs = scene.state.pages.values().filter(|page| page.subject.incident() == Some(into.id)).count();
    card.text = match (&into.acknowledged, stopped, runs) {
        (Some((holder, _)), 1.., 0) => format!("{holder} has {}: nobody is paged any more.", into.id),
        (_, _, 0) => "Nobody is paged for either.".to_owned(),
        (_, _, 1) => format!("1 page goes on for {}.", into.id),
        (_, _, runs) => format!("{runs} pages go on for {}.", into.id),
    };
    card.buttons = vec![Button::new("Show".to_owned(), format!("/incident show {}", into.id))];
    card
}

/// Why something was not done.
pub(super) fn refused(refusal: &ResponseRefusal, zone: &TimeZone) -> Card {
    let unchanged = "Nothing was changed.";
    match refusal {
        ResponseRefusal::UnknownTask(task) => no(
            format!("There is no task {task}."),
            "Nothing was changed. Tasks of an incident: /incident task list INC-7",
        ),
        ResponseRefusal::TaskIs { task, state } => {
            let (what, label, command) = match state {
                TaskState::Open => ("is open".to_owned(), "Done", format!("/incident task done {task}")),
                TaskState::Done(by, at) => (
                    format!("was done by {by} at {}", when::at(*at, zone)),
                    "Reopen",
                    format!("/incident task reopen {task}"),
                ),
                TaskState::Dropped(by, at) => (
                    format!("was dropped by {by} at {}", when::at(*at, zone)),
                    "Reopen",
                    format!("/incident task reopen {task}"),
                ),
            };
            with(no(format!("{task} {what}."), unchanged), label, command)
        }
        ResponseRefusal::OwnedAlready { task, owner } => {
            let owner = owner.as_ref().map_or_else(|| "nobody's".to_owned(), |owner| format!("{owner}'s"));
            let refused =
                no(format!("{task} is {owner} already."), "Nothing was changed, and nobody was told.");
            with(refused, "Tasks", "/incident task list".to_owned())
        }
        ResponseRefusal::TooMany { incident, what, most } => no(
            format!("{incident} has {most} {what} already."),
            "It cannot have more; nothing was added. Keep the rest where there is room, and link it.",
        ),
        ResponseRefusal::NoWords => no("There are no words.".to_owned(), unchanged),
        ResponseRefusal::Times(why) => no(format!("These times do not fit: {}.", times(*why)), unchanged),
        ResponseRefusal::Address(why) => {
            let (why, what) = bad_address(*why);
            no(why.to_owned(), what)
        }
        ResponseRefusal::LinkedAlready { incident, by, at } => {
            let since = since_by(*at, Some(by), zone);
            with(
                no(format!("{incident} has that link already, {since}."), unchanged),
                "Show",
                show(*incident),
            )
        }
        ResponseRefusal::RelatedAlready(one, other) => {
            with(no(format!("{one} and {other} are related already."), unchanged), "Show", show(*one))
        }
        ResponseRefusal::Itself(incident) => no(
            format!("{incident} and {incident} are one and the same."),
            "Nothing was changed. Name two that are not the same, such as INC-9 and INC-7.",
        ),
        ResponseRefusal::Merged { incident, into, goes_on_in, by } => with(
            no(
                match by {
                    Some((by, at)) => {
                        format!("{incident} is merged into {into} {}.", since_by(*at, Some(by), zone))
                    }
                    None => format!("{incident} is merged into {into}."),
                },
                &format!(
                    "Nothing was changed. The response goes on in {goes_on_in}: write the same with {goes_on_in}."
                ),
            ),
            "Show",
            show(*goes_on_in),
        ),
        ResponseRefusal::IntoResolved { into, at, by } => with(
            no(
                format!("{into} is resolved {}.", since_by(*at, by.as_ref(), zone)),
                "Nothing was merged: it would end in silence. Reopen it first, or merge the other way round.",
            ),
            "Reopen",
            format!("/incident reopen {into}"),
        ),
    }
}

fn show(incident: IncidentId) -> String {
    format!("/incident show {incident}")
}

fn with(mut card: Card, label: &str, command: String) -> Card {
    card.buttons.push(Button::new(label.to_owned(), command));
    card
}

fn times(why: WrongTimes) -> &'static str {
    match why {
        WrongTimes::DueBefore => "the task would be due in the past",
        WrongTimes::DueTooFar => "the task would be due in more than 366 days",
        WrongTimes::StartsLater => "the impact would begin in the future",
        WrongTimes::EndsLater => "the impact would end in the future; leave --ended out while it goes on",
        WrongTimes::EndsFirst => "the impact would end before it began",
        WrongTimes::TooLongAgo => "the impact would have begun more than 366 days ago",
    }
}

fn bad_address(why: BadAddress) -> (&'static str, &'static str) {
    match why {
        BadAddress::NotWeb => (
            "This is no web address.",
            "Nothing was added. It begins with https:// or http://, or is another incident: INC-9",
        ),
        BadAddress::Credentials => (
            "There is a user name or a password in this address.",
            "It was not kept: the journal is for ever. Change that password if others could read it, and link the address without.",
        ),
        BadAddress::Secret => (
            "A part of this address looks like a secret (a token, a key, a signature).",
            "It was not kept: the journal is for ever. Link the address without that part.",
        ),
        BadAddress::TooLong => {
            ("This address is longer than 2,000 bytes.", "Nothing was added. Link a shorter one.")
        }
    }
}

/// What a timeline says of it.
pub(super) fn entry(event: &ResponseEvent, record: &Record, times: Times<'_>) -> (Kind, String, String) {
    let ahead = record.at.duration_since(record.engine_time());
    let civil = |at: Timestamp| times.say(at.checked_add(ahead).unwrap_or(at));
    match event {
        ResponseEvent::TaskAdded(added) => {
            let owner =
                added.owner.as_ref().map(|owner| format!(", for {}", name(owner))).unwrap_or_default();
            let due = added.due.map(|due| format!(", due {}", civil(due))).unwrap_or_default();
            let text = plain(added.text.as_str(), WORDS);
            (Kind::Task, name(&added.by), format!("{} was added{owner}{due}: {text}", added.task))
        }
        ResponseEvent::TaskChanged { task, change, by, .. } => {
            let by = name(by);
            let text = match change {
                TaskChange::Done => format!("{by} did {task}"),
                TaskChange::Dropped => format!("{by} dropped {task}"),
                TaskChange::Reopened => format!("{by} reopened {task}"),
                TaskChange::Owner(Some(owner)) => format!("{by} gave {task} to {}", name(owner)),
                TaskChange::Owner(None) => format!("{by} took the owner from {task}"),
                TaskChange::Due(Some(due)) => format!("{by} made {task} due {}", civil(*due)),
                TaskChange::Due(None) => format!("{by} took the due time from {task}"),
            };
            (Kind::Task, by, text)
        }
        ResponseEvent::TaskReminded { task, .. } => {
            (Kind::Reminder, name(&crate::domain::event::Actor::Watchbell), format!("{task} is overdue"))
        }
        ResponseEvent::Linked { url, title, by, .. } => {
            let url = plain(url.as_str(), ANSWER);
            let title = title.as_ref().map(|title| format!("{}: ", plain(title.as_str(), NAME)));
            (Kind::Link, name(by), format!("Link: {}{url}", title.unwrap_or_default()))
        }
        ResponseEvent::Related { incident, other, by } => {
            (Kind::Link, name(by), format!("{incident} and {other} are related"))
        }
        ResponseEvent::ImpactSet { started_at, ended_at, text, by, .. } => {
            let until = ended_at.map(|end| format!(" until {}", times.say(end))).unwrap_or_default();
            let text = plain(text.as_str(), WORDS);
            (Kind::Impact, name(by), format!("Impact since {}{until}: {text}", times.say(*started_at)))
        }
        ResponseEvent::Merged(merged) => {
            let text = format!("{} merged {} into {}", name(&merged.by), merged.incident, merged.into);
            (Kind::Merged, name(&merged.by), text)
        }
        ResponseEvent::HandedOver { incident, to, by } => {
            (Kind::Handover, name(by), format!("{} handed {incident} over to {}", name(by), name(to)))
        }
        ResponseEvent::Covered { incident, group, page } => {
            let text = format!("{group} pages nobody of its own: {page} of {incident} is for it, too");
            (Kind::PageStarted, name(&crate::domain::event::Actor::Watchbell), text)
        }
        ResponseEvent::RoomLeft { incident, channel } => {
            let platform = super::room::platform(*channel);
            let text = format!("Room of {incident}: not closed, because {platform} is not set up any more");
            (Kind::DeliveryFailed, name(&crate::domain::event::Actor::Watchbell), text)
        }
        ResponseEvent::FiredAnew { group, incident } => {
            let text = format!("{group} fired again after {incident} was resolved: nobody has it");
            (Kind::FiredAnew, name(&crate::domain::event::Actor::Watchbell), text)
        }
    }
}

/// A notice about a task or a merge: title, text, how it is coloured, and what can be done.
pub(super) fn notice(
    about: &str,
    facts: &ResponseFacts,
    notice: crate::domain::delivery::Notice,
    at: fn(Timestamp) -> String,
) -> Option<(String, String, Tone, Vec<Button>)> {
    use crate::domain::delivery::Notice;
    match notice {
        Notice::TaskGiven(id) | Notice::TaskDue(id) => {
            let late = matches!(notice, Notice::TaskDue(_));
            let Some(one) = &facts.task else {
                return Some((format!("{id}: {about}"), String::new(), Tone::Plain, Vec::new()));
            };
            let lead =
                if late { format!("{id} is overdue: {about}") } else { format!("{id} is yours: {about}") };
            let buttons = if one.is_open() { vec![task::done_button(one)] } else { Vec::new() };
            let line = task::line(one, at);
            let line = if one.is_open() { line } else { format!("{line}: it is done or dropped by now") };
            Some((lead, line, if late { Tone::Warning } else { Tone::Plain }, buttons))
        }
        Notice::Merged(into) => {
            let into = facts.merged_into.unwrap_or(into);
            let button = Button::new(format!("Show {into}"), show(into));
            let text =
                format!("It is the same as {into}. The response goes on there: write to {into} from now on.");
            Some((format!("Merged into {into}: {about}"), text, Tone::Plain, vec![button]))
        }
        _ => None,
    }
}
