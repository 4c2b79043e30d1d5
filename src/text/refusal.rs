//! What is said when something is not done: what happened, what is kept, what to do now. Never hides the reason,
//! and never shows anything of the machinery.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Button, Card, Tone},
    me, quiet, response, run, swap,
    usage::short,
    when,
};
use crate::domain::{
    event::Actor,
    id::{AlertId, PersonId},
    intent::{Already, BadTimes, Refusal},
    page::Target,
    permission::NotAllowed,
    person::Role,
};

/// What was written is no channel.
#[must_use]
pub fn no_channel(what: &str, near: Option<&str>) -> Card {
    let mean = near.map(|near| format!("Did you mean `{}`? ", short(near))).unwrap_or_default();
    no(
        format!("{}.", short(what)),
        &format!("{mean}Channels are #name, slack:#name or discord:#name. Nothing was posted."),
    )
}

/// A refusal of the rules.
#[must_use]
pub fn card(refusal: &Refusal, zone: &TimeZone) -> Card {
    match refusal {
        Refusal::Unknown(target) => unknown(*target),
        Refusal::UnknownName { what, name, nearest } => {
            let mean =
                nearest.as_ref().map(|nearest| format!("Did you mean `{nearest}`? ")).unwrap_or_default();
            no(format!("No {what} is called `{}`.", short(name)), &format!("{mean}Nothing was changed."))
        }
        Refusal::AlreadyAcknowledged { target, by, at } => with_button(
            no(
                format!("{by} has {target} already, since {}.", when::at(*at, zone)),
                "Nobody is paged for it any more; nothing was changed.",
            ),
            "Show",
            show(*target),
        ),
        Refusal::GroupClosed { group, at, by } => no(
            format!("{group} closed at {}: {}.", when::at(*at, zone), over_by(by.as_ref())),
            "There is nothing to take any more. Should it fire again, a new group opens and pages anew.",
        ),
        Refusal::PageOver(page) => no(
            format!("{page} no longer runs."),
            "Nobody is paged by it any more. To page somebody again: /page PERSON|TEAM|POLICY reason",
        ),
        Refusal::AlreadyResolved { incident, at, by } => with_button(
            no(
                format!("{incident} is resolved {}.", since_by(*at, by.as_ref(), zone)),
                "Nothing was changed. If it is not over, reopen it; notes can still be added.",
            ),
            "Reopen",
            Some(format!("/incident reopen {incident}")),
        ),
        Refusal::StillOpen(incident, reopened) => with_button(
            no(
                format!("{incident} is open{}.", reopened_by(reopened.as_ref(), zone)),
                "There is nothing to reopen; nothing was changed.",
            ),
            "Show",
            Some(format!("/incident show {incident}")),
        ),
        Refusal::Unchanged { incident, value } => with_button(
            no(
                format!("{incident} has {} already.", already(value)),
                "Nothing was changed, and nobody was told.",
            ),
            "Show",
            show(Target::Incident(*incident)),
        ),
        Refusal::NoContact(person) => no(
            format!("{person} cannot be paged: no contact is configured."),
            "Nobody was paged. Page somebody else, or add contacts to people.toml and run /watchbell reload.",
        ),
        Refusal::BadTimes { why } => no(
            format!("These times do not fit: {}.", bad_times(*why)),
            "Nothing was changed. Example: /oncall override primary ben tomorrow 09:00 8h",
        ),
        Refusal::UnknownOverride(id) => with_button(
            no(format!("There is no override {id}, or it is over."), "Nothing was changed."),
            "List overrides",
            Some("/oncall override list".to_owned()),
        ),
        Refusal::TakenBack { id, by, at } => with_button(
            no(format!("{by} took {id} back at {}.", when::at(*at, zone)), "Nothing was changed."),
            "List overrides",
            Some("/oncall override list".to_owned()),
        ),
        Refusal::Swap(why) => swap::refused(why, zone),
        Refusal::NoIncidentHere => no(
            "This room belongs to no incident.".to_owned(),
            "Nothing was added. Name the incident: /incident note INC-7 what you want to keep",
        ),
        Refusal::Link(why) => me::no_link(why, zone),
        Refusal::Run(refusal) => run::refused(refusal, zone),
        Refusal::Quiet(refusal) => quiet::refusal::card(refusal, zone),
        Refusal::Response(refusal) => response::refused(refusal, zone),
        Refusal::Repeated => no("This was done already.".to_owned(), "It was told twice, and done once."),
        Refusal::NotPermitted(delivery) => {
            no(format!("{delivery} must not leave any more."), "It was cancelled, replaced or stopped.")
        }
    }
}

/// A refusal of the rules that says who was first, and when, if that is known beside it.
#[must_use]
pub fn after(refusal: &Refusal, first: Option<&(Actor, Timestamp)>, zone: &TimeZone) -> Card {
    let mut card = card(refusal, zone);
    if let Some((by, at)) = first {
        let title = card.title.trim_end_matches('.');
        card.title = format!("{title}, {}.", since_by(*at, Some(by), zone));
    }
    card
}

fn already(value: &Already) -> String {
    match value {
        Already::Commander(person) => format!("the commander {person}"),
        Already::Role(role, Some(person)) => format!("{person} in the role {role}"),
        Already::Role(role, None) => format!("nobody in the role {role}"),
        Already::Severity(severity) => format!("severity {severity}"),
        Already::Status(status) => format!("status {status}"),
        Already::Group(group) => format!("the group {group}"),
    }
}

/// `since 2026-11-23 14:05 CET, by ben`
pub(super) fn since_by(at: Timestamp, by: Option<&Actor>, zone: &TimeZone) -> String {
    let by = by.map(|by| format!(", by {by}")).unwrap_or_default();
    format!("since {}{by}", when::at(at, zone))
}

fn reopened_by(reopened: Option<&(Actor, Timestamp)>, zone: &TimeZone) -> String {
    let said = reopened.map(|(by, at)| format!(": {by} reopened it at {}", when::at(*at, zone)));
    said.unwrap_or_default()
}

/// Why a group closed.
fn over_by(by: Option<&Actor>) -> String {
    by.map_or_else(|| "all its alerts are resolved".to_owned(), |by| format!("{by} said that it is over"))
}

fn bad_times(why: BadTimes) -> &'static str {
    match why {
        BadTimes::EndsFirst => "it would end before it begins",
        BadTimes::Over => "it would be over already",
        BadTimes::TooLong => "it would last longer than 366 days",
    }
}

/// An alert that has ended needs nobody to take it.
#[must_use]
pub fn alert_ended(alert: AlertId, at: Timestamp, by: Option<&Actor>, zone: &TimeZone) -> Card {
    let by = by.map(|by| format!(": {by} said that it is over")).unwrap_or_default();
    with_button(
        no(
            format!("{alert} ended at {}{by}.", when::at(at, zone)),
            "There is nothing to take any more. Should it fire again, that is a new alert.",
        ),
        "Show",
        show(Target::Alert(alert)),
    )
}

/// There is no such thing.
#[must_use]
pub fn unknown(target: Target) -> Card {
    let (what, list) = match target {
        Target::Alert(_) => ("alert", Some("/alert list")),
        Target::Group(_) => ("group", Some("/alert list")),
        Target::Incident(_) => ("incident", Some("/incident list --all")),
        Target::Page(_) => ("page", Some("/status")),
    };
    let refused = no(format!("There is no {what} {target}, or it is long gone."), "Nothing was changed.");
    with_button(refused, "List", list.map(str::to_owned))
}

/// A role is missing.
#[must_use]
pub fn not_allowed(command: &str, no_role: &NotAllowed) -> Card {
    let NotAllowed { needed, held, ask } = no_role;
    let people: Vec<&str> = ask.iter().map(PersonId::as_str).collect();
    let whom = match people.as_slice() {
        [] => "Nobody has that role: add it to somebody's `roles` in people.toml. ".to_owned(),
        people => format!("Ask {}. ", people.join(" or ")),
    };
    no(format!("{command} needs the role {needed}; you are {held}."), &format!("{whom}Nothing was changed."))
}

/// A token allows less than its person may.
#[must_use]
pub fn token_may_not(command: &str, needed: Role, most: Role) -> Card {
    let text = "Use a token without `role`, or ask in chat. Nothing was changed.";
    no(format!("{command} needs the role {needed}; this token is for {most} only."), text)
}

/// The views do not answer.
#[must_use]
pub fn views_down(why: &str) -> Card {
    no(
        "What happened earlier cannot be looked up right now.".to_owned(),
        &format!(
            "The views are not ready: {why}. Nothing is lost, pages and commands go on; ask again in a moment."
        ),
    )
}

/// A refusal in two parts.
pub(super) fn no(title: String, text: &str) -> Card {
    Card { title, tone: Tone::Warning, text: text.to_owned(), ..Card::default() }
}

fn with_button(mut card: Card, label: &str, command: Option<String>) -> Card {
    card.buttons.extend(command.map(|command| Button::new(label, command)));
    card
}

/// The command that shows a target, when there is one.
fn show(target: Target) -> Option<String> {
    match target {
        Target::Alert(alert) => Some(format!("/alert show {alert}")),
        Target::Incident(incident) => Some(format!("/incident show {incident}")),
        Target::Group(_) | Target::Page(_) => None,
    }
}
