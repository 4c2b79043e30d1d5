//! Timeline entries: one plain sentence per event, as a person on call wants to read it. Never decides what
//! happened, and never lets text from outside through as it came; an event without anything to say has no entry.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    deliveries::{cancelled, delivered, message},
    deployment, me,
    plain::{ANSWER, NAME, WORDS, plain},
    quiet, response, room, run,
    scene::enumerate,
    span::{in_span, span},
    swap, upkeep,
    when::Times,
};
use crate::domain::{
    alert,
    delivery::Recipient,
    event::{
        Actor, AlertFired, Event, GroupOpened, IncidentOpened, PageStarted, PageStop, Paged, Record,
        Reminder, ResolvedBy, StepTaken,
    },
    id::{DeliveryId, PageId, PersonId, Seq, SeverityId},
    incident::IncidentStatus,
    page::PageReason,
    prose::Prose,
};

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the journal.
    pub seq: Seq,
    /// When (civil time).
    pub at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// A person's id, an integration, `source` (whichever sent the alert), `operator` or `watchbell`.
    pub by: String,
    /// One sentence on one line, harmless to show anywhere; not escaped for any platform.
    pub text: String,
}

/// Makes the kinds of entries with their words, which are a promise to users.
macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident = $word:literal;)*) => {
        /// What an entry is; the words are those of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {$(
            $(#[$doc])*
            #[serde(rename = $word)]
            $Kind,
        )*}

        impl Kind {
            /// The word of the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$Kind => $word,)*}
            }
        }
    };
}

kinds! {
    /// An alert started.
    AlertFired = "alert_fired";
    /// It fired again without an end in between.
    AlertChanged = "alert_changed";
    /// An alert ended.
    AlertResolved = "alert_resolved";
    /// A group opened.
    GroupOpened = "group_opened";
    /// A group joined an incident.
    GroupJoined = "group_joined";
    /// A group of a resolved incident fired again.
    FiredAnew = "fired_anew";
    /// An incident was opened.
    IncidentOpened = "incident_opened";
    /// A page began, and why.
    PageStarted = "page_started";
    /// The first step of a page.
    Paged = "paged";
    /// A further step of a page.
    Escalated = "escalated";
    /// A message to a person arrived.
    Delivered = "delivered";
    /// An attempt failed.
    DeliveryFailed = "delivery_failed";
    /// A message to a person was cancelled.
    Cancelled = "cancelled";
    /// Somebody took it.
    Acknowledged = "acknowledged";
    /// No further attempt of a page leaves.
    PageStopped = "page_stopped";
    /// Nobody acknowledged a page.
    Unanswered = "unanswered";
    /// A deadline of the severity passed.
    Reminder = "reminder";
    /// A group became quiet, or is heard again.
    Quiet = "quiet";
    /// Somebody took a group for a while, or that is over.
    Snoozed = "snoozed";
    /// A silence or a maintenance.
    Silence = "silence";
    /// Somebody's note.
    Note = "note";
    /// Somebody's message to a channel.
    Announced = "announced";
    /// A message from a room.
    Message = "message";
    /// A message from a room was changed or deleted.
    MessageChanged = "message_changed";
    /// Somebody came into a room.
    Joined = "joined";
    /// A status update.
    Status = "status";
    /// The severity changed.
    Severity = "severity";
    /// A role was given or freed.
    Role = "role";
    /// A group or an incident is over.
    Resolved = "resolved";
    /// It was not over.
    Reopened = "reopened";
    /// Somebody stands in for whoever the schedule names.
    Override = "override";
    /// An account on a chat platform became or ceased to be a person's.
    Account = "account";
    /// A configuration came into force.
    Configuration = "configuration";
    /// The wall clock was moved.
    Clock = "clock";
    /// A run of a runbook began, ended, or did not begin.
    Run = "run";
    /// A step of a run.
    RunStep = "run_step";
    /// A run asks somebody, or was answered.
    Approval = "approval";
    /// A deployment during an incident.
    Deployment = "deployment";
    /// Somebody read a step of a guide.
    Guide = "guide";
    /// A task was added or changed.
    Task = "task";
    /// A link, or another incident that has to do with it.
    Link = "link";
    /// What the impact was.
    Impact = "impact";
    /// It turned out to be the same as another incident.
    Merged = "merged";
    /// The lead went to somebody who was told how it stands.
    Handover = "handover";
    /// Something was done to the journal itself, or found in it.
    Upkeep = "upkeep";
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What a record says on a timeline, to machines; none when it says nothing.
#[must_use]
pub fn entry(record: &Record) -> Option<Entry> {
    entry_with(record, Times::Exact)
}

/// The same, with instants as somebody reads them.
#[must_use]
pub fn entry_with(record: &Record, times: Times<'_>) -> Option<Entry> {
    let now = record.engine_time();
    let (kind, by, text) = match &record.event {
        Event::GroupNotified { .. }
        | Event::RunDue(_)
        | Event::TokenUsed { .. }
        | Event::DeliveryQueued(_)
        | Event::AttemptStarted { .. }
        | Event::StormBegan { .. }
        | Event::StormJoined { .. }
        | Event::StormEnded { .. } => return None,
        Event::DeliveryCancelled { to, kind, .. } => (Kind::Cancelled, watchbell(), cancelled(to, *kind)?),
        Event::ConfigurationLoaded { digest, release, by, changes, .. } => {
            let changed: Vec<String> = changes.iter().map(super::house::change).collect();
            let changed =
                if changed.is_empty() { String::new() } else { format!(": {}", changed.join("; ")) };
            let (digest, release) = (plain(digest, 12), plain(release, NAME));
            let text = format!("Configuration {digest} came into force (Watchbell {release}){changed}");
            (Kind::Configuration, by.as_ref().map_or_else(watchbell, name), text)
        }
        Event::Upkeep(what) => upkeep::entry(what, times),
        Event::ClockStepped { by_ms } => (Kind::Clock, watchbell(), clock_stepped(*by_ms)),
        Event::AlertFired(fired) => (Kind::AlertFired, name(&fired.integration), alert_fired(fired)),
        Event::AlertChanged { alert, integration, starts_at, .. } => {
            (*starts_at)?;
            (Kind::AlertChanged, name(integration), format!("{alert} fired again without an end in between"))
        }
        Event::AlertResolved { name, by, .. } => alert_resolved(name, by),
        Event::GroupOpened(opened) => (Kind::GroupOpened, watchbell(), group_opened(opened, now)),
        Event::GroupRaised { group, from, to, .. } => {
            let from = from.as_ref().map(|from| format!("from {} ", name(from))).unwrap_or_default();
            let text = format!("Severity of {group} went {from}to {}: a more severe alert joined", name(to));
            (Kind::Severity, watchbell(), text)
        }
        Event::Quiet(event) => quiet::timeline::entry(event, now),
        Event::GroupAcknowledged { group, by } => acknowledged(by, group),
        Event::GroupClosed { group } => {
            (Kind::Resolved, watchbell(), format!("{group} is resolved: all its alerts have ended"))
        }
        Event::PageStarted(started) => (Kind::PageStarted, name(&started.by), page_started(started)),
        Event::StepTaken(taken) => {
            let first = taken.round == 1 && taken.step == 1;
            let kind = if first { Kind::Paged } else { Kind::Escalated };
            (kind, watchbell(), step_taken(taken, first, now))
        }
        Event::PageStopped { page, why, spared, leaving, .. } => page_stopped(*page, why, spared, leaving),
        Event::PageUnanswered { page, .. } => {
            let text = format!("Nobody acknowledged {page}: its policy has run to the end");
            (Kind::Unanswered, watchbell(), text)
        }
        Event::Delivered { to, kind, attempt, receipt, .. } => {
            (Kind::Delivered, watchbell(), delivered(to, *kind, *attempt, receipt)?)
        }
        Event::AttemptFailed { .. } => {
            (Kind::DeliveryFailed, watchbell(), attempt_failed(&record.event, now)?)
        }
        Event::Deployed(said) => deployment::entry(said),
        Event::Response(event) => response::entry(event, record, times),
        event => run::told(event, times).or_else(|| of_people(event, times))?,
    };
    Some(Entry { seq: record.seq, at: record.at, kind, by, text })
}

/// What people do: to incidents and to who is on call.
fn of_people(event: &Event, times: Times<'_>) -> Option<(Kind, String, String)> {
    Some(match event {
        Event::IncidentOpened(opened) => (Kind::IncidentOpened, name(&opened.by), incident_opened(opened)),
        Event::GroupJoined { incident, group } => {
            (Kind::GroupJoined, watchbell(), format!("{group} joined {incident}"))
        }
        Event::IncidentAcknowledged { incident, by } => acknowledged(by, incident),
        Event::RoleAssigned { role, to, by, .. } => {
            let text = match to {
                Some(person) if by.person() == Some(person) => format!("{} took the role {role}", name(by)),
                Some(person) => format!("{} gave {} the role {role}", name(by), name(person)),
                None => format!("{} freed the role {role}", name(by)),
            };
            (Kind::Role, name(by), text)
        }
        Event::SeverityChanged { from, to, by, .. } => {
            let text = format!("{} changed the severity from {} to {}", name(by), name(from), name(to));
            (Kind::Severity, name(by), text)
        }
        Event::StatusChanged { status, text, by, .. } => {
            // Watchbell takes back that the impact has ended when something says otherwise.
            let again = *by == Actor::Watchbell && *status == IncidentStatus::Investigating;
            let again = if again { " again: it fired anew or got worse" } else { "" };
            (Kind::Status, name(by), format!("Status is {status}{again}{}", words(text.as_ref())))
        }
        Event::NoteAdded { text, by, .. } => (Kind::Note, name(by), plain(text.as_str(), WORDS)),
        Event::Announced(said) => {
            let text = format!("Announced in {}: {}", name(&said.channel), plain(said.text.as_str(), WORDS));
            (Kind::Announced, name(&said.by), text)
        }
        Event::MessageCaptured(captured) => {
            let text =
                format!("{}: {}", room::author(&captured.author), plain(captured.text.as_str(), WORDS));
            (Kind::Message, name(&captured.by), text)
        }
        Event::MessageChanged { text: Some(text), .. } => {
            let text = format!("A message above was changed to: {}", plain(text.as_str(), WORDS));
            (Kind::MessageChanged, watchbell(), text)
        }
        Event::MessageChanged { text: None, .. } => {
            let text = "A message above was deleted where it was written".to_owned();
            (Kind::MessageChanged, watchbell(), text)
        }
        Event::RoomJoined { channel, who, .. } => {
            let text = format!("{} came into the room on {}", room::author(who), room::platform(*channel));
            (Kind::Joined, room::author(who), text)
        }
        Event::IncidentResolved { incident, text, by } => {
            (Kind::Resolved, name(by), format!("{} resolved {incident}{}", name(by), words(text.as_ref())))
        }
        Event::IncidentReopened { incident, text, by } => {
            (Kind::Reopened, name(by), format!("{} reopened {incident}{}", name(by), words(text.as_ref())))
        }
        Event::Reminded { incident, what } => {
            let late = match what {
                Reminder::Acknowledge => "Nobody has acknowledged",
                Reminder::Update => "Nobody has updated the status of",
            };
            (
                Kind::Reminder,
                watchbell(),
                format!("{late} {incident} within the time that its severity gives"),
            )
        }
        Event::OverrideAdded { id, schedule, person, from, until, by } => {
            let (person, schedule) = (name(person), name(schedule));
            let (from, until) = (times.say(*from), times.say(*until));
            let text = format!("{person} is on call for {schedule} from {from} until {until} ({id})");
            (Kind::Override, name(by), text)
        }
        Event::OverrideRemoved { id, by } => {
            (Kind::Override, name(by), format!("{} removed the override {id}", name(by)))
        }
        Event::Swapped(swapped) => (Kind::Override, name(&swapped.by), swap::entry(swapped, times)),
        event => {
            let (by, text) = me::entry(event)?;
            (Kind::Account, by, text)
        }
    })
}

fn watchbell() -> String {
    name(&Actor::Watchbell)
}

pub(super) fn name(name: &impl fmt::Display) -> String {
    plain(&name.to_string(), NAME)
}

fn words(text: Option<&Prose>) -> String {
    text.map(|text| format!(": {}", plain(text.as_str(), WORDS))).unwrap_or_default()
}

fn severity(severity: Option<&SeverityId>) -> String {
    severity.map(|severity| format!(", severity {}", name(severity))).unwrap_or_default()
}

fn clock_stepped(by_ms: i64) -> String {
    let way = if by_ms < 0 { "back" } else { "forward" };
    let far = span(SignedDuration::from_millis(by_ms));
    format!("The wall clock was moved {way} by {far}; waits go on unchanged")
}

fn alert_fired(fired: &AlertFired) -> String {
    let called = plain(alert::name(&fired.labels), NAME);
    let labels = labels(&fired.labels);
    let summary = fired.annotations.get("summary").map(|text| plain(text, ANSWER)).unwrap_or_default();
    let summary = if summary.is_empty() { summary } else { format!(": {summary}") };
    format!("{called} fired{labels}{summary}")
}

fn alert_resolved(called: &str, by: &ResolvedBy) -> (Kind, String, String) {
    let called = plain(called, NAME);
    let (by, text) = match by {
        ResolvedBy::Source(integration) => (name(integration), format!("{called} ended")),
        ResolvedBy::SourceGroup(integration) => (
            name(integration),
            format!("{called} ended: its source resolved the whole group without listing it"),
        ),
        ResolvedBy::Person(person) => (name(person), format!("{} resolved {called} by hand", name(person))),
        ResolvedBy::Operator => ("operator".to_owned(), format!("The operator resolved {called} by hand")),
    };
    (Kind::AlertResolved, by, text)
}

fn group_opened(opened: &GroupOpened, now: Timestamp) -> String {
    let route = opened.route.as_ref().map_or("no route matched".to_owned(), |r| format!("route {}", name(r)));
    let wait = in_span(opened.wait_until.duration_since(now));
    let page = opened.page.as_ref().map(|plan| format!("; pages by {} {wait}", name(&plan.policy)));
    let (group, title) = (opened.group, plain(&opened.title, ANSWER));
    let (severity, page) = (severity(opened.severity.as_ref()), page.unwrap_or_default());
    format!("{group} opened: {title}{severity} ({route}){page}")
}

fn incident_opened(opened: &IncidentOpened) -> String {
    let from = opened.group.map(|group| format!(" from {group}")).unwrap_or_default();
    let (incident, severity) = (opened.incident, name(&opened.severity));
    format!("{incident} opened{from} with severity {severity}: {}", plain(opened.title.as_str(), ANSWER))
}

fn acknowledged(by: &Actor, what: &dyn fmt::Display) -> (Kind, String, String) {
    (Kind::Acknowledged, name(by), format!("{} acknowledged {what}", name(by)))
}

fn page_started(started: &PageStarted) -> String {
    let why = reason(&started.reason, &name(&started.by));
    format!("{} begins, by {}: {why}", started.page, name(&started.plan.policy))
}

/// Why a page began, as the end of a sentence.
pub(super) fn reason(reason: &PageReason, by: &str) -> String {
    match reason {
        PageReason::Fired => "an alert fired".to_owned(),
        PageReason::Raised => "the severity went up".to_owned(),
        PageReason::Opened => "the incident was opened".to_owned(),
        PageReason::Unresolved(after) => format!("not resolved after {}", span(*after)),
        PageReason::Asked(reason) => format!("{by} asks: {}", plain(reason.as_str(), WORDS)),
        PageReason::Assigned(person) => format!("it was assigned to {}", name(person)),
        PageReason::NotHelped(run) => format!("{run} answered by itself and did not help"),
        PageReason::HeldBack(runbook) => format!("{} did not start to answer it", name(runbook)),
        PageReason::QuietOver => "what kept it quiet is over".to_owned(),
        PageReason::SnoozeOver => "its snooze is over".to_owned(),
        PageReason::Repeated(after) => format!("it still fires after {}", span(*after)),
        PageReason::NotMitigated => "it is not mitigated after all".to_owned(),
    }
}

fn step_taken(taken: &StepTaken, first: bool, now: Timestamp) -> String {
    let people: Vec<String> = taken
        .people
        .iter()
        .map(|paged| match name(&paged.because) {
            because if because.is_empty() => name(&paged.person),
            because => format!("{} ({because})", name(&paged.person)),
        })
        .collect();
    let step = format!("round {} step {}", taken.round, taken.step);
    let mut head = match (people.is_empty(), first) {
        (true, _) => format!("Paged nobody, {step}"),
        (false, true) => format!("Paged {}, {step}", enumerate(&people)),
        (false, false) => format!("Not acknowledged: paged {}, {step}", enumerate(&people)),
    };
    let mut parts = Vec::new();
    match taken.people.as_slice() {
        [paged] => head = format!("{head}: {}", tries(paged, now)),
        people => {
            parts
                .extend(people.iter().map(|paged| format!("{}: {}", name(&paged.person), tries(paged, now))));
        }
    }
    if !taken.channels.is_empty() {
        let channels: Vec<String> = taken.channels.iter().map(name).collect();
        parts.push(format!("told {}", enumerate(&channels)));
    }
    parts.extend(taken.nobody.iter().map(super::nobody::nobody));
    parts.insert(0, head);
    parts.join("; ")
}

/// `chat and push now, hook in 2m`.
fn tries(paged: &Paged, now: Timestamp) -> String {
    let mut moments: Vec<(String, Vec<String>)> = Vec::new();
    for each in &paged.tries {
        let when = in_span(each.due.duration_since(now));
        match moments.last_mut() {
            Some((last, contacts)) if *last == when => contacts.push(name(&each.contact)),
            _ => moments.push((when, vec![name(&each.contact)])),
        }
    }
    if moments.is_empty() {
        return "has no way to be reached".to_owned();
    }
    let moments: Vec<String> =
        moments.iter().map(|(when, contacts)| format!("{} {when}", enumerate(contacts))).collect();
    moments.join(", ")
}

fn page_stopped(
    page: PageId,
    why: &PageStop,
    spared: &[PersonId],
    leaving: &[DeliveryId],
) -> (Kind, String, String) {
    let (by, why) = match why {
        PageStop::Acknowledged(by) => (name(by), format!("{} acknowledged", name(by))),
        PageStop::Resolved => (watchbell(), "it is over".to_owned()),
        PageStop::Replaced(newer) => (watchbell(), format!("{newer} takes its place")),
        PageStop::Quiet => (watchbell(), "all its alerts are quiet".to_owned()),
        PageStop::Snoozed(by) => (name(by), format!("{} snoozed it", name(by))),
    };
    let mut parts = vec![format!("{page} stopped: {why}")];
    if !spared.is_empty() {
        let spared: Vec<String> = spared.iter().map(name).collect();
        parts.push(format!("spared {}", enumerate(&spared)));
    }
    if !leaving.is_empty() {
        let leaving: Vec<String> = leaving.iter().map(ToString::to_string).collect();
        parts.push(format!("already leaving: {}", enumerate(&leaving)));
    }
    (Kind::PageStopped, by, parts.join("; "))
}

fn attempt_failed(event: &Event, now: Timestamp) -> Option<String> {
    let Event::AttemptFailed { to, kind, attempt, why, retry_at, next_contact, .. } = event else {
        return None;
    };
    let what = message(to, *kind);
    let mut parts = vec![format!("{what} failed, attempt {attempt}: {}", plain(why, ANSWER))];
    parts.push(match retry_at {
        Some(at) => format!("tried again {}", in_span(at.duration_since(now))),
        None => "given up".to_owned(),
    });
    if let (true, Recipient::Person { person, .. }) = (next_contact, to) {
        parts.push(format!("the next contact method of {} is tried now", name(person)));
    }
    Some(parts.join("; "))
}

pub(super) use super::labels::labels;

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
