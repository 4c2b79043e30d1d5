//! Why an alert went where it went and whom it woke, or would: routes, groups, pages, deliveries, each with its reason.
//! Never knows a rule: what happened is told from events, and what would happen is what `decide` decides.
//!
//! `routing` asks the routes, `story` folds events into what became of groups and pages, `duty` says why somebody is on
//! call, `simulate` lets an alert come that never came.

mod duty;
mod past;
mod quiet;
mod routing;
mod simulate;
mod story;
#[cfg(test)]
mod tests;
mod written;

use jiff::Timestamp;
use serde::Serialize;

pub use self::{
    duty::{Duty, duty},
    past::{Present, duplicates_for, past, present},
    quiet::{Comments, QuietBy, QuietChange, QuietLine, QuietMoment, quiet},
    routing::routing,
    simulate::{Question, ground, simulate},
    story::{Standing, Teller},
    written::{NotLabels, Wrong, labels},
};
pub use super::decide::flood::Flood;
use super::{
    delivery::{Channel, Recipient},
    event::{Actor, Nobody, Reminder, ResolvedBy, Try},
    id::{
        AlertId, ChannelName, DeliveryId, GroupId, GroupKey, IncidentId, IntegrationId, PageId, PersonId,
        PolicyId, RouteId, SeverityId,
    },
    labels::Labels,
    page::PageReason,
    person::Urgency,
};

/// Why an alert went where it went, or would go.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// As of when it is true; of a simulation, when the alert comes (civil time).
    pub at: Timestamp,
    /// What is known of the alert; none: it never came, this is what would happen.
    pub alert: Option<Known>,
    /// Who sent it.
    pub integration: IntegrationId,
    /// Its labels.
    pub labels: Labels,
    /// Every route in its order, by the configuration in force.
    pub routes: Vec<RouteLine>,
    /// What keeps it quiet.
    pub quiet: Vec<QuietLine>,
    /// The groups that it is in, in the order of the routes, with their pages.
    pub groups: Vec<GroupStory>,
    /// What this explanation cannot know, or leaves out.
    pub notes: Vec<Note>,
}

/// An alert that came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    /// Its id.
    pub id: AlertId,
    /// Whether it was asked for by its group: then this is the first alert of the group.
    pub of_group: bool,
    /// When Watchbell took it (civil time).
    pub fired_at: Timestamp,
    /// When it had begun, as its source says.
    pub starts_at: Timestamp,
    /// Its severity when it came.
    pub severity: Option<SeverityId>,
    /// When its source said that it fires again, without having ended.
    pub fired_again: Vec<Timestamp>,
    /// When and why it ended.
    pub ended: Option<Ended>,
    /// Until when the same firing, told late, is taken for a duplicate and pages nobody (civil time).
    pub duplicates_until: Option<Timestamp>,
}

/// The end of an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ended {
    /// When it was recorded (civil time).
    pub at: Timestamp,
    /// When its source says that it ended.
    pub ends_at: Timestamp,
    /// Who said so.
    pub by: ResolvedBy,
}

/// One route, and what it makes of the labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteLine {
    /// Its place in the configuration, counted from 1; none: the catch-all.
    pub place: Option<usize>,
    /// Its name; none: the catch-all.
    pub route: Option<RouteId>,
    /// Its matchers as they are written.
    pub matchers: Vec<String>,
    /// What it makes of the labels.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a route makes of the labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It takes the alert.
    Takes(Box<Taking>),
    /// It does not: the first matcher that fails.
    Fails {
        /// The matcher.
        matcher: String,
        /// What the label says; none: the alert does not have it.
        value: Option<String>,
    },
    /// A route before it took the alert and ended the search; of the catch-all: some route took it.
    NotTried,
}

/// What follows when a route takes an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taking {
    /// Whether later routes are not tried.
    pub ends_search: bool,
    /// The severity in its eyes.
    pub severity: Option<SeverityId>,
    /// From where the severity is: `route`, `labels`; none: there is none.
    pub severity_from: Option<&'static str>,
    /// Which personal rules apply by it.
    pub urgency: Urgency,
    /// The labels by which it groups.
    pub group_labels: Labels,
    /// Under which an open group is found.
    pub group_key: GroupKey,
    /// How long a new group collects, in seconds.
    pub group_wait_seconds: i64,
    /// Where the card goes.
    pub channels: Vec<ChannelName>,
    /// Whom it pages.
    pub policy: Option<PolicyId>,
    /// Whether it opens an incident.
    pub incident: bool,
}

/// A group, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupStory {
    /// Its id; of a simulation, the number that a new one would get.
    pub id: GroupId,
    /// Whether it was open already when the alert came.
    pub joined: bool,
    /// What people call it.
    pub title: String,
    /// Under which it is found while it is open.
    pub key: GroupKey,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// The route that opened it; none: the catch-all.
    pub route: Option<RouteId>,
    /// Its severity.
    pub severity: Option<SeverityId>,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Where its card is.
    pub channels: Vec<ChannelName>,
    /// Whom it pages.
    pub policy: Option<PolicyId>,
    /// When it opened (civil time).
    pub opened_at: Option<Timestamp>,
    /// Until when it collects before anybody is told (civil time).
    pub waits_until: Option<Timestamp>,
    /// How many alerts came into it.
    pub alerts: u64,
    /// When its severity went up, and to what.
    pub raised: Vec<Raised>,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// It joined that one in a flood, instead of opening one of its own.
    pub joined_in_flood: bool,
    /// The page of its incident that is for it, too.
    pub covered_by: Option<PageId>,
    /// When it became quiet, was snoozed, and was heard again.
    pub quiet: Vec<QuietMoment>,
    /// Who took it, and when.
    pub acknowledged: Vec<Taken>,
    /// When it closed.
    pub closed_at: Option<Timestamp>,
    /// Runbooks that start for it.
    pub runbooks: Vec<String>,
    /// Deadlines of its incident that pass, each once.
    pub reminders: Vec<Reminded>,
    /// Its pages in their order.
    pub pages: Vec<PageStory>,
}

/// A severity went up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Raised {
    /// When.
    pub at: Timestamp,
    /// From.
    pub from: Option<SeverityId>,
    /// To.
    pub to: SeverityId,
}

/// Somebody took something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taken {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
}

/// A deadline passed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reminded {
    /// When.
    pub at: Timestamp,
    /// What is late.
    pub what: Reminder,
}

/// A page, step by step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageStory {
    /// Its id; of a simulation, the number that a new one would get.
    pub id: PageId,
    /// When it began (civil time).
    pub started_at: Timestamp,
    /// Its policy.
    pub policy: PolicyId,
    /// Why.
    pub reason: PageReason,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Its steps in their order.
    pub steps: Vec<StepStory>,
    /// Messages to people, in the order in which they went into the outbox.
    pub deliveries: Vec<DeliveryStory>,
    /// How it ended; none: it runs.
    pub end: Option<PageEnd>,
}

/// One step of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepStory {
    /// When it was taken (civil time).
    pub at: Timestamp,
    /// Counted from 1.
    pub round: u32,
    /// Counted from 1.
    pub step: u32,
    /// Who was meant, and why.
    pub people: Vec<PersonStory>,
    /// Channels that were told.
    pub channels: Vec<ChannelName>,
    /// Targets that meant nobody, and why.
    pub nobody: Vec<Nobody>,
    /// When the next step is due unless somebody takes it (civil time).
    pub next_at: Timestamp,
}

/// Why somebody was paged, and how they were to be reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonStory {
    /// Who.
    pub person: PersonId,
    /// The target of the step that meant them: `schedule:primary`.
    pub because: String,
    /// When the target is a schedule: why it named them.
    pub duty: Option<Duty>,
    /// Contacts in the order of their rules; the instants are civil.
    pub tries: Vec<Try>,
}

/// A message to a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryStory {
    /// Its id.
    pub id: DeliveryId,
    /// When it went into the outbox (civil time).
    pub at: Timestamp,
    /// To whom.
    pub to: Recipient,
    /// Over which channel.
    pub channel: Channel,
    /// What became of each attempt.
    pub attempts: Vec<Attempt>,
    /// What became of it.
    pub fate: Fate,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// When its outcome was recorded (civil time).
    pub at: Timestamp,
    /// Counted from 1.
    pub attempt: u32,
    /// What the vendor answered, when it arrived.
    pub receipt: Option<String>,
    /// Why it failed.
    pub why: Option<String>,
    /// When it is tried again (civil time).
    pub retry_at: Option<Timestamp>,
    /// Whether the person's next contact was brought forward.
    pub next_contact: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It waits, or is under way; of a simulation: it goes.
    Waits,
    /// An attempt is under way.
    Leaving,
    /// It arrived.
    Arrived,
    /// It was given up.
    Failed,
    /// It never left, because its page stopped.
    Cancelled,
}

/// How a page ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PageEnd {
    /// When (civil time).
    pub at: Timestamp,
    /// Why.
    pub why: EndedBecause,
    /// Who would have been bothered next and was spared.
    pub spared: Vec<PersonId>,
    /// Messages that had left already.
    pub leaving: Vec<DeliveryId>,
}

/// Why a page ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBecause {
    /// Somebody acknowledged.
    Acknowledged(Actor),
    /// What it was for is over.
    Resolved,
    /// A newer page took its place.
    Replaced(PageId),
    /// All alerts of the group became quiet.
    Quiet,
    /// Somebody took the group for a while.
    Snoozed(Actor),
    /// Nobody acknowledged.
    Unanswered,
}

/// What an explanation cannot know, or leaves out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The routes in force would send it elsewhere than where it went: the configuration has changed since.
    RoutesChanged,
    /// Events of its groups that were too many to read.
    LeftOut {
        /// How many were read.
        read: usize,
    },
    /// The views did not answer: only what is true now is told.
    NoHistory,
    /// No server was asked: nothing is known of overrides, silences, linked accounts and open groups.
    ConfigurationAlone,
    /// Another instant than now: what is open now does not count.
    OtherInstant,
    /// The same alert fires already: told again, it changes nothing.
    FiresAlready(AlertId),
    /// How near a route that takes it is to a flood, in which groups share an incident and a page.
    Flood(Flood),
    /// The course was followed this long, in seconds; it goes on.
    GoesOn {
        /// How long.
        seconds: i64,
    },
    /// A local time that does not exist: the instant at which the clock jumps is meant.
    SkippedTime {
        /// As it was written.
        written: String,
        /// What is meant.
        meant: Timestamp,
    },
    /// A local time that occurs twice: the first is meant.
    RepeatedTime {
        /// As it was written.
        written: String,
        /// What is meant.
        meant: Timestamp,
        /// The other one.
        second: Timestamp,
    },
}
