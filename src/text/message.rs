//! The words of messages, from the facts of the moment in which they leave: cards for chat, pushes for telephones,
//! one line for a hook. Never trusts a label: all that came from outside goes through `plain` and is shortened.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    card::{Button, Card, Field, Link, Select, Tone},
    control, deployment, handover,
    plain::plain,
    quiet::message as quiet,
    response, run,
};
use crate::domain::{
    delivery::{DeliveryKind, Notice},
    event::{Actor, Reminder},
    facts::{AlertFacts, Dispatch, Facts, GroupFacts, Standing},
    incident::IncidentStatus,
    labels::Labels,
    page::{PageReason, Subject},
    person::Urgency,
    response::HandoverFacts,
};

/// The longest line, in characters.
const LINE: usize = 200;
/// The longest value of a field, in characters.
const VALUE: usize = 120;
/// The longest paragraph, in characters.
const PARAGRAPH: usize = 600;
/// How many labels a card shows; the others are counted.
const MOST_LABELS: usize = 12;
/// How many links a card shows.
const MOST_LINKS: usize = 8;

/// A push notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// One line.
    pub title: String,
    /// A few lines; never empty, below 4 KB.
    pub body: String,
    /// How loud it is.
    pub priority: Priority,
    /// ntfy's names of the pictures beside it.
    pub tags: Vec<&'static str>,
}

/// How loud a push is; ntfy's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// No sound.
    Low,
    /// A sound.
    Default,
    /// It wakes people.
    Urgent,
}

impl Priority {
    /// ntfy's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Default => "default",
            Self::Urgent => "urgent",
        }
    }
}

/// One line for whoever is paged: the summary annotation or the name of the alert, the incident's title, or the
/// reason of a request. Never empty.
#[must_use]
pub fn summary(facts: &Facts) -> String {
    [&facts.summary, &facts.title]
        .into_iter()
        .map(|text| plain(text, LINE))
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| facts.subject.to_string())
}

/// What a telephone shows: title and summary, and no list of labels, because it passes through other people's servers.
#[must_use]
pub fn push(dispatch: &Dispatch) -> Push {
    let facts = &dispatch.facts;
    let headline = headline(facts);
    let subject = facts.subject;
    let mut lines = Vec::from_iter(more(facts));
    let (title, priority, tags) = match dispatch.delivery.kind {
        DeliveryKind::Page => {
            lines.extend(reason(facts));
            lines.push(format!("Take it with the button, or with /ack {subject}."));
            (headline, loudness(facts), vec!["rotating_light"])
        }
        DeliveryKind::Resolved => {
            lines.push(format!("{subject} is over. There is nothing to do."));
            (format!("Resolved: {headline}"), Priority::Low, vec!["white_check_mark"])
        }
        DeliveryKind::Acknowledged
        | DeliveryKind::Card
        | DeliveryKind::Notice
        | DeliveryKind::Room
        | DeliveryKind::Picture => {
            lines.push(format!("{subject}: {}.", standing(&facts.standing)));
            (headline, Priority::Default, vec!["bell"])
        }
    };
    Push { title: plain(&title, VALUE), body: lines.join("\n"), priority, tags }
}

/// What chat shows.
#[must_use]
pub fn card(dispatch: &Dispatch) -> Card {
    let facts = &dispatch.facts;
    if let Some(storm) = &facts.storm {
        return super::storm::card(storm);
    }
    if let Some(run) = &facts.run {
        return run::card(dispatch, run);
    }
    if matches!(facts.subject, Subject::Announcement(..)) {
        return super::announcement::card(facts);
    }
    let headline = headline(facts);
    let (title, mut text) = match dispatch.delivery.kind {
        DeliveryKind::Acknowledged | DeliveryKind::Card | DeliveryKind::Room | DeliveryKind::Picture => {
            (headline, Vec::new())
        }
        DeliveryKind::Page => (format!("You are paged: {headline}"), Vec::from_iter(reason(facts))),
        DeliveryKind::Resolved => {
            (format!("Resolved: {headline}"), vec!["It is over. There is nothing to do.".to_owned()])
        }
        DeliveryKind::Notice => return notice(dispatch, &headline),
    };
    text.extend(more(facts));
    text.extend(facts.group.as_ref().into_iter().flat_map(alerts));
    Card {
        title: if dispatch.delivery.kind == DeliveryKind::Card && over(facts) {
            format!("Resolved: {title}")
        } else {
            title
        },
        tone: tone(facts),
        text: text.join("\n"),
        fields: fields(facts),
        links: links(facts),
        buttons: buttons(dispatch),
        selects: selects(dispatch),
        whole: whole(facts),
        ..Card::default()
    }
}

/// A sentence for a channel.
fn notice(dispatch: &Dispatch, headline: &str) -> Card {
    let facts = &dispatch.facts;
    let subject = facts.subject;
    let (title, text, tone) = match dispatch.delivery.notice {
        Some(Notice::StepTaken(page)) => (
            format!("Help is needed: {headline}"),
            format!("{}, and {page} now asks this channel. Take it with /ack {subject}.", unanswered(facts)),
            Tone::Critical,
        ),
        Some(Notice::Unanswered(page)) => (
            format!("Nobody answered: {headline}"),
            format!(
                "{page} has paged everybody in its policy. {}. It will page nobody else: \
                 take it with /ack {subject}, or page somebody with /page.",
                unanswered(facts)
            ),
            Tone::Critical,
        ),
        Some(Notice::Late(Reminder::Acknowledge)) => (
            format!("Not taken in time: {headline}"),
            format!("The time to acknowledge {subject} is over. Take it with /ack {subject}."),
            Tone::Critical,
        ),
        Some(Notice::Late(Reminder::Update)) => (
            format!("An update is due: {headline}"),
            match subject.incident() {
                Some(incident) => format!("Say how it stands with /incident status {incident}."),
                None => format!("Say how {subject} stands."),
            },
            Tone::Warning,
        ),
        Some(Notice::HeldBack(place)) if held_back(facts, place).is_some() => {
            let (runbook, why) = held_back(facts, place).unwrap_or_default();
            (format!("{runbook} was not started: {headline}"), why, Tone::Warning)
        }
        Some(Notice::Quiet(notice)) => quiet::notice(facts, notice, headline),
        Some(notice @ (Notice::TaskGiven(_) | Notice::TaskDue(_) | Notice::Merged(_))) => {
            let known = facts.incident.as_ref().map(|incident| &incident.response);
            let said = known.and_then(|known| response::notice(headline, known, notice, instant));
            let (title, text, tone, buttons) = said.unwrap_or_default();
            return Card { title, tone, text, buttons, ..Card::default() };
        }
        Some(Notice::HandedOver) if handover(facts).is_some() => {
            return handover(facts).map(|known| handover::told(known, instant)).unwrap_or_default();
        }
        // What runs say has its own cards; these are for a run that is long gone.
        Some(
            Notice::Status
            | Notice::RunAsks(..)
            | Notice::RunWaits(_)
            | Notice::NotHelped(_)
            | Notice::HeldBack(_)
            | Notice::Drawn(..)
            | Notice::HandedOver,
        )
        | None => {
            let text = facts.incident.as_ref().map_or_else(
                || format!("{subject}: {}.", standing(&facts.standing)),
                |incident| format!("{} is now {}.", incident.id, incident.status),
            );
            (headline.to_owned(), text, tone(facts))
        }
    };
    Card { title, tone, text, buttons: buttons(dispatch), ..Card::default() }
}

/// How it stands, for whoever leads from now on.
fn handover(facts: &Facts) -> Option<&HandoverFacts> {
    facts.incident.as_ref()?.response.handover.as_deref()
}

/// A runbook that was to start for the group and does not, and why.
fn held_back(facts: &Facts, place: u32) -> Option<(String, String)> {
    let held = &facts.group.as_ref()?.held_back;
    let (runbook, why) = held.get(usize::try_from(place).ok()?)?;
    Some((plain(runbook, VALUE), run::why_held_back(why)))
}

/// The title as people know it, and the number to answer with: `DiskFull (G-17)`; without a title the number alone.
fn title(facts: &Facts) -> String {
    let title = plain(&facts.title, VALUE);
    if title.is_empty() { facts.subject.to_string() } else { format!("{title} ({})", facts.subject) }
}

/// Severity (its own or its incident's, whichever is worse) and title: `P1: DiskFull (G-17)`.
fn headline(facts: &Facts) -> String {
    match facts.worst() {
        Some(severity) => format!("{}: {}", plain(severity.as_str(), 24), title(facts)),
        None => title(facts),
    }
}

/// The summary, where the title does not say it already.
fn more(facts: &Facts) -> Option<String> {
    let summary = summary(facts);
    (!title(facts).starts_with(&summary)).then_some(summary)
}

/// Why somebody is paged, as a sentence.
fn reason(facts: &Facts) -> Option<String> {
    let by = facts.by.as_ref().filter(|by| **by != Actor::Watchbell).map(|by| plain(&by.to_string(), 60));
    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
    Some(match facts.reason.as_ref()? {
        PageReason::Fired => "An alert fired.".to_owned(),
        PageReason::Raised => "Its severity was raised.".to_owned(),
        PageReason::Opened => format!("It was opened{by}."),
        PageReason::Unresolved(after) => format!("It is not resolved after {after:#}."),
        PageReason::Asked(words) => format!("You were asked for{by}: {}", plain(words.as_str(), PARAGRAPH)),
        PageReason::Assigned(person) => format!("It was given to {}{by}.", plain(person.as_str(), 60)),
        PageReason::NotHelped(run) => format!("{run} answered it by itself and did not help."),
        PageReason::HeldBack(runbook) => {
            format!("{} should have answered it by itself and was not started.", plain(runbook, 60))
        }
        PageReason::QuietOver => "What kept it quiet is over, and it still fires.".to_owned(),
        PageReason::SnoozeOver => "Its snooze is over, and it still fires.".to_owned(),
        PageReason::Repeated(after) => format!("It still fires after {after:#}, and nobody has it."),
        PageReason::NotMitigated => "It is not mitigated after all, and nobody has it.".to_owned(),
    })
}

fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Open => "nobody has taken it".to_owned(),
        Standing::Acknowledged(by, at) => {
            format!("{} took it at {}", plain(&by.to_string(), 60), instant(*at))
        }
        Standing::Resolved(at) => format!("over since {}", instant(*at)),
    }
}

/// Why a page goes on, as the beginning of a sentence.
fn unanswered(facts: &Facts) -> String {
    let subject = facts.subject;
    match &facts.standing {
        Standing::Acknowledged(by, _) => {
            format!("{} has {subject} and nobody has answered this time", plain(&by.to_string(), 60))
        }
        _ => format!("Nobody has taken {subject} yet"),
    }
}

fn over(facts: &Facts) -> bool {
    matches!(facts.standing, Standing::Resolved(_))
}

fn tone(facts: &Facts) -> Tone {
    match facts.standing {
        Standing::Open => Tone::Critical,
        Standing::Acknowledged(..) => Tone::Warning,
        Standing::Resolved(_) => Tone::Good,
    }
}

/// How loud a page is: as urgent as its severity is configured to be.
fn loudness(facts: &Facts) -> Priority {
    match facts.urgency {
        Urgency::Urgent => Priority::Urgent,
        Urgency::Routine => Priority::Default,
    }
}

/// The firing alerts of a group, a line each when there are several.
fn alerts(group: &GroupFacts) -> Vec<String> {
    if group.firing < 2 {
        return Vec::from_iter(group.alerts.first().and_then(|alert| annotation(alert, "description")));
    }
    let mut lines: Vec<String> = group
        .alerts
        .iter()
        .take(GroupFacts::MOST)
        .map(|alert| match annotation(alert, "summary") {
            Some(summary) => plain(&format!("{} {}: {summary}", alert.id, alert.name), LINE),
            None => plain(&format!("{} {}", alert.id, alert.name), LINE),
        })
        .collect();
    let more = group.firing.saturating_sub(lines.len());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn annotation(alert: &AlertFacts, name: &str) -> Option<String> {
    let text = plain(alert.annotations.get(name)?, PARAGRAPH);
    (!text.is_empty()).then_some(text)
}

fn fields(facts: &Facts) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: String| fields.push(Field { name: name.to_owned(), value });
    match &facts.standing {
        Standing::Open => {}
        Standing::Acknowledged(by, at) => {
            add("Taken by", format!("{}, {}", plain(&by.to_string(), 60), instant(*at)));
        }
        Standing::Resolved(at) => add("Over since", instant(*at)),
    }
    if let Some(incident) = &facts.incident {
        // Its own card has its number and title above.
        match facts.subject {
            Subject::Incident(_) => add("Status", incident.status.to_string()),
            _ => add(
                "Incident",
                format!("{} {} ({})", incident.id, plain(&incident.title, VALUE), incident.status),
            ),
        }
        if incident.held {
            add("Waits", quiet::WAITS.to_owned());
        }
        if let Some(commander) = &incident.commander {
            add("Commander", plain(commander, 60));
        }
        if matches!(facts.subject, Subject::Incident(_)) {
            for Field { name, value } in response::facts(&incident.response, instant) {
                add(&name, value);
            }
        }
        if let Some(change) = &incident.change {
            add("Last deployment", deployment::last(change));
        }
        for (run, title) in &incident.running {
            add("Running", format!("{run} {}", plain(title, VALUE)));
        }
    }
    if let Some(group) = &facts.group {
        if let Some(resolved) = group.resolved {
            add("Fired again", format!("after {resolved} was resolved"));
        }
        add("Firing", format!("{} of {}", group.firing, group.seen));
        add("Since", instant(group.opened_at));
        fields.extend(quiet::fields(group));
        let single = group.alerts.first().filter(|_| group.firing == 1);
        fields.extend(label_fields(single.map_or(&group.labels, |alert| &alert.labels)));
    }
    fields
}

/// The first labels; the others are counted. The name is in the title already.
fn label_fields(labels: &Labels) -> Vec<Field> {
    let mut shown = labels.iter().filter(|(name, _)| *name != "alertname");
    let mut fields: Vec<Field> = shown
        .by_ref()
        .take(MOST_LABELS)
        .map(|(name, value)| Field { name: plain(name, 60), value: plain(value, VALUE) })
        .collect();
    let more = shown.count();
    if more > 0 {
        fields.push(Field { name: "Labels".to_owned(), value: format!("and {more} more") });
    }
    fields
}

/// Finds one link of an alert.
type Pick = fn(&AlertFacts) -> Option<&str>;

/// Runbooks first: they say what to do.
fn links(facts: &Facts) -> Vec<Link> {
    let alerts = facts.group.iter().flat_map(|group| &group.alerts);
    let mut seen = BTreeSet::new();
    let mut links = Vec::new();
    let of: [(&str, Pick); 5] = [
        ("Runbook", |alert| alert.annotations.get("runbook_url")),
        ("Dashboard", |alert| alert.annotations.get("dashboard_url")),
        ("Dashboard", |alert| alert.annotations.get("dashboard")),
        ("Graph", |alert| alert.graph.as_deref()),
        ("Source", |alert| alert.source.as_deref()),
    ];
    for (text, link) in of {
        for url in alerts.clone().filter_map(link).filter_map(web_address) {
            if links.len() < MOST_LINKS && seen.insert(url.clone()) {
                links.push(Link { text: text.to_owned(), url });
            }
        }
    }
    links
}

/// Only `http` and `https`, and not endless.
fn web_address(sent: &str) -> Option<String> {
    let url = url::Url::parse(sent).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(String::from(url)).filter(|url| url.len() <= 2000)
}

/// A card has all that can be done; a page and a notice only what comes first.
fn buttons(dispatch: &Dispatch) -> Vec<Button> {
    let facts = &dispatch.facts;
    let open = facts.standing == Standing::Open || facts.paging && !over(facts);
    let incident = facts.incident.as_ref();
    let runs = incident.is_some_and(|incident| incident.status != IncidentStatus::Resolved);
    let is_card = dispatch.delivery.kind == DeliveryKind::Card;
    if let (true, Subject::Incident(id)) = (is_card, facts.subject) {
        let merged = incident.and_then(|one| one.response.merged_into);
        let mut buttons = control::of_incident(id, runs, !open, merged);
        buttons.extend(incident.into_iter().flat_map(|one| control::offered(one.id, &one.offered)));
        return buttons;
    }
    let mut buttons = Vec::new();
    if open {
        buttons.push(Button::new("Acknowledge".to_owned(), format!("/ack {}", facts.subject)));
    }
    let update_due = dispatch.delivery.notice == Some(Notice::Late(Reminder::Update));
    if let Some(incident) = incident.filter(|_| runs && (is_card || update_due)) {
        buttons.push(Button::new("Update…", control::asking("/incident status", incident.id)));
    }
    if let (true, false, None, Some(group)) = (is_card, over(facts), incident, &facts.group) {
        buttons.push(control::open_incident(group.id));
    }
    if let (true, Subject::Group(id, _), false) = (is_card, facts.subject, over(facts)) {
        buttons.extend(quiet::buttons(id));
    }
    if let Some(incident) = facts.subject.incident() {
        buttons.push(Button::new("Show".to_owned(), format!("/incident show {incident}")));
    } else if let Some(alert) = facts.group.as_ref().and_then(|group| group.alerts.first()) {
        buttons.push(Button::new("Show".to_owned(), format!("/alert show {}", alert.id)));
    }
    if let Some(incident) = incident.filter(|_| is_card && runs) {
        buttons.extend(control::offered(incident.id, &incident.offered));
    }
    buttons
}

fn selects(dispatch: &Dispatch) -> Vec<Select> {
    match dispatch.facts.subject {
        Subject::Incident(id) if dispatch.delivery.kind == DeliveryKind::Card => {
            control::lists(id, &dispatch.offers)
        }
        _ => Vec::new(),
    }
}

/// Where all of it can be seen.
fn whole(facts: &Facts) -> String {
    match (facts.subject, &facts.group) {
        (Subject::Incident(id) | Subject::Group(_, Some(id)), _) => format!("/incident show {id}"),
        (_, Some(_)) => "/alert list".to_owned(),
        _ => String::new(),
    }
}

pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests;
