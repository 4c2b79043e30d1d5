//! What happened: the events that the journal keeps for ever and from which all state is derived.
//! Never computes anything; an event carries what was decided, so that replay needs no configuration.
//!
//! Events are forever. To extend one, add a field with `#[serde(default)]`; to change one, add a new variant
//! and keep the old one readable. `tests/journals/` holds a journal of every release.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    announcement::Announced,
    delivery::{Channel, DeliveryKind, Notice, Recipient},
    deployment::Deployed,
    guide::GuideRead,
    id::{
        AlertId, AlertKey, ChannelName, ContactName, DeliveryId, GroupId, GroupKey, IncidentId,
        IntegrationId, OverrideId, PageId, PersonId, PolicyId, RouteId, ScheduleId, Seq, SeverityId, StormId,
    },
    incident::{IncidentRole, IncidentStatus},
    labels::Labels,
    page::{PageReason, StepPlan, Subject},
    person::Urgency,
    prose::Prose,
    quiet::QuietEvent,
    reload::Change,
    response::ResponseEvent,
    room::{Author, MessageCaptured, Origin, RoomWork},
    run::{RunDue, RunEvent, RunHeldBack, RunMissed, RunsOffered},
    swap::Swapped,
    upkeep::UpkeepEvent,
};

/// The version of the journal's format that this release writes; older ones are read, newer ones refused.
pub const FORMAT: u16 = 1;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Position; the first is 1, without gaps.
    pub seq: Seq,
    /// Civil time at which it was decided: what people read.
    pub at: Timestamp,
    /// Engine time, when it differs from civil time because the wall clock was stepped. Never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
    /// Version of the event's shape.
    pub v: u16,
    /// Trace id of the intent that caused it (16 hex digits).
    pub trace: TraceId,
    /// Whether this is the last event of its intent; a tail without this mark is cut at start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub last: bool,
    /// What happened.
    pub event: Event,
}

impl Record {
    /// Engine time of the record: what waits are counted in.
    #[must_use]
    pub fn engine_time(&self) -> Timestamp {
        self.clock.unwrap_or(self.at)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Ties log lines, events and answers of one intent together.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub u64);

impl std::fmt::Display for TraceId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}
impl std::fmt::Debug for TraceId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}
impl Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Who wanted something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person of the configuration.
    Person(PersonId),
    /// The local operator of a server without tokens, who named nobody.
    Operator,
    /// A source of alerts.
    Integration(IntegrationId),
    /// Watchbell itself, following a route, a policy or a clock.
    Watchbell,
}

impl Actor {
    /// The person, when it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        if let Self::Person(person) = self { Some(person) } else { None }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(person) => person.fmt(out),
            Self::Operator => out.write_str("operator"),
            Self::Integration(integration) => integration.fmt(out),
            Self::Watchbell => out.write_str("watchbell"),
        }
    }
}

/// Why an alert or a group came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// Its source said so.
    Source(IntegrationId),
    /// Its source resolved the whole group but listed only some alerts (Alertmanager's `truncatedAlerts`).
    SourceGroup(IntegrationId),
    /// A person said so.
    Person(PersonId),
    /// The local operator said so, who named nobody.
    Operator,
}

/// A person who is paged by a step, with what will be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paged {
    /// Who.
    pub person: PersonId,
    /// Why this person: `schedule:primary`, `team:ops`, `person:ana`.
    pub because: String,
    /// Contact methods in the order of the person's rules.
    pub tries: Vec<Try>,
}

/// A target of a step that meant nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nobody {
    /// The target as it is written: `schedule:primary`.
    pub target: String,
    /// Why.
    pub why: NobodyBecause,
}

/// Why a target meant nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NobodyBecause {
    /// A gap in the schedule, or a team without members.
    Empty,
    /// This person has no contact by which a page can go.
    NoContact(PersonId),
}

/// One contact method that is due at an instant unless the page stops before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// The contact's name.
    pub contact: ContactName,
    /// Over which channel.
    pub channel: Channel,
    /// When (engine time).
    pub due: Timestamp,
}

/// A further page when something is not resolved in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unresolved {
    /// How long after the severity was set.
    pub after: SignedDuration,
    /// Whom to page then.
    pub policy: PolicyId,
    /// That policy as it was: a page that runs keeps its policy.
    pub plan: Plan,
}

/// An escalation policy as it was when it was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub policy: PolicyId,
    /// How often all steps run; at least 1.
    pub rounds: u32,
    /// The steps in their order; at least one.
    pub steps: Vec<StepPlan>,
}

/// What the severity asks of whoever answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// Acknowledge within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge_within: Option<SignedDuration>,
    /// Write a status update at least this often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_every: Option<SignedDuration>,
    /// New pages while it is not resolved, acknowledged or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<Unresolved>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    // --- the process ---------------------------------------------------------------------------------
    /// A configuration came into force.
    ConfigurationLoaded {
        /// Hex SHA-256 over the files.
        digest: String,
        /// The release of Watchbell.
        release: String,
        /// A random name for this journal, in the first of these events: part of every idempotency key, so that
        /// keys of a new data folder are never those of an old one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
        /// Who had it read anew; none: the process began with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// What is not as it was before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<Change>,
    },
    /// The wall clock was moved while the process ran; waits go on unchanged.
    ClockStepped {
        /// How far, in milliseconds; negative: back.
        by_ms: i64,
    },

    /// The events of the same trace were wanted by a token that has a name.
    TokenUsed {
        /// What the token is called.
        token: String,
        /// Whose it is.
        by: Actor,
    },

    // --- alerts and groups ---------------------------------------------------------------------------
    /// An alert started.
    AlertFired(Box<AlertFired>),
    /// A running alert changed: other annotations, a later start, another group of its source.
    AlertChanged {
        /// Which.
        alert: AlertId,
        /// Who said so.
        integration: IntegrationId,
        /// Its annotations now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        annotations: Option<Labels>,
        /// It fired again without having been resolved in between.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        starts_at: Option<Timestamp>,
        /// One more group of the source that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_group: Option<Arc<str>>,
        /// The groups that it is in, for their timelines.
        groups: Vec<GroupId>,
    },
    /// An alert ended.
    AlertResolved {
        /// Which.
        alert: AlertId,
        /// Its name, for timelines.
        name: String,
        /// Groups that it was in.
        groups: Vec<GroupId>,
        /// When its source says it ended.
        ends_at: Timestamp,
        /// Who said so.
        by: ResolvedBy,
    },
    /// A group opened with its first alert.
    GroupOpened(Box<GroupOpened>),
    /// The wait is over: from here on the channel and the people on call are told.
    GroupNotified {
        /// Which.
        group: GroupId,
    },
    /// An alert of a higher severity joined.
    GroupRaised {
        /// Which.
        group: GroupId,
        /// From, when it had one.
        from: Option<SeverityId>,
        /// To.
        to: SeverityId,
        /// Which personal rules apply from now on.
        urgency: Urgency,
        /// What the new severity asks.
        expect: Expectations,
    },
    /// Somebody took the group.
    GroupAcknowledged {
        /// Which.
        group: GroupId,
        /// Who.
        by: Actor,
    },
    /// All its alerts are resolved.
    GroupClosed {
        /// Which.
        group: GroupId,
    },

    // --- incidents -----------------------------------------------------------------------------------
    /// An incident was opened.
    IncidentOpened(Box<IncidentOpened>),
    /// One more group belongs to an incident.
    GroupJoined {
        /// The incident.
        incident: IncidentId,
        /// The group.
        group: GroupId,
    },
    /// Somebody took the incident.
    IncidentAcknowledged {
        /// Which.
        incident: IncidentId,
        /// Who.
        by: Actor,
    },
    /// A role was given to somebody, or taken away.
    RoleAssigned {
        /// Which.
        incident: IncidentId,
        /// The role.
        role: IncidentRole,
        /// To whom; nobody: the role is free again.
        to: Option<PersonId>,
        /// Who did it.
        by: Actor,
    },
    /// The severity was changed.
    SeverityChanged {
        /// Which.
        incident: IncidentId,
        /// From.
        from: SeverityId,
        /// To.
        to: SeverityId,
        /// Which personal rules apply from now on.
        urgency: Urgency,
        /// What the new severity asks, counted from now.
        expect: Expectations,
        /// Who did it.
        by: Actor,
    },
    /// A status update: where the response stands, in words.
    StatusChanged {
        /// Which.
        incident: IncidentId,
        /// The status from now on.
        status: IncidentStatus,
        /// What was said.
        text: Option<Prose>,
        /// By whom.
        by: Actor,
    },
    /// A note on the timeline.
    NoteAdded {
        /// Which.
        incident: IncidentId,
        /// The note.
        text: Prose,
        /// By whom.
        by: Actor,
    },
    /// It is over.
    IncidentResolved {
        /// Which.
        incident: IncidentId,
        /// How.
        text: Option<Prose>,
        /// By whom.
        by: Actor,
    },
    /// It was not over.
    IncidentReopened {
        /// Which.
        incident: IncidentId,
        /// Why.
        text: Option<Prose>,
        /// By whom.
        by: Actor,
    },
    /// A deadline of the severity passed.
    Reminded {
        /// Which.
        incident: IncidentId,
        /// What is late.
        what: Reminder,
    },

    // --- pages and deliveries ------------------------------------------------------------------------
    /// An escalation policy began to run.
    PageStarted(Box<PageStarted>),
    /// A step of the policy was taken: this is who was resolved for it.
    StepTaken(Box<StepTaken>),
    /// No further attempt of this page leaves.
    PageStopped {
        /// Which.
        page: PageId,
        /// What it was for.
        subject: Subject,
        /// Why.
        why: PageStop,
        /// People who would have been paged next and are spared.
        spared: Vec<PersonId>,
        /// Attempts that had left already.
        leaving: Vec<DeliveryId>,
    },
    /// The policy ran to its end and nobody acknowledged.
    PageUnanswered {
        /// Which.
        page: PageId,
        /// What it was for.
        subject: Subject,
    },
    /// A message is in the outbox.
    DeliveryQueued(Box<DeliveryQueued>),
    /// A worker has the permit to send it.
    AttemptStarted {
        /// Which.
        delivery: DeliveryId,
        /// Counted from 1.
        attempt: u32,
    },
    /// It arrived.
    Delivered {
        /// Which.
        delivery: DeliveryId,
        /// What it was for.
        subject: Subject,
        /// To whom.
        to: Recipient,
        /// The kind.
        kind: DeliveryKind,
        /// Counted from 1.
        attempt: u32,
        /// What the vendor answered (`200 OK`, a message id).
        receipt: String,
        /// Of what stands in a chat room: where it is, in the platform's own ids.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// An attempt failed; there will be another one, or none.
    AttemptFailed {
        /// Which.
        delivery: DeliveryId,
        /// What it was for.
        subject: Subject,
        /// To whom.
        to: Recipient,
        /// The kind.
        kind: DeliveryKind,
        /// Counted from 1.
        attempt: u32,
        /// What the vendor said, without any secret.
        why: String,
        /// When the next attempt is due (engine time); none: given up.
        retry_at: Option<Timestamp>,
        /// Whether the person's next contact method was brought forward to now.
        next_contact: bool,
    },
    /// It never left, and never will.
    DeliveryCancelled {
        /// Which.
        delivery: DeliveryId,
        /// What it was for.
        subject: Subject,
        /// To whom.
        to: Recipient,
        /// The kind.
        kind: DeliveryKind,
        /// Over which channel.
        channel: Channel,
        /// Whether a newer revision of the same card took its place (outcome `replaced`).
        replaced: bool,
    },

    // --- storms --------------------------------------------------------------------------------------
    /// More groups want a card in one channel than anybody can read: from here on they share one.
    StormBegan {
        /// Its id.
        storm: StormId,
        /// Where.
        channel: ChannelName,
    },
    /// A group gets no card of its own in the channel of a storm: the storm's card tells of it.
    StormJoined {
        /// The storm.
        storm: StormId,
        /// The group.
        group: GroupId,
    },
    /// It is calm again: later groups get cards of their own.
    StormEnded {
        /// Which.
        storm: StormId,
    },

    /// Somebody stands in for whoever the schedule names.
    OverrideAdded {
        /// Its id.
        id: OverrideId,
        /// The schedule.
        schedule: ScheduleId,
        /// Who is on call.
        person: PersonId,
        /// From (civil time), inclusive.
        from: Timestamp,
        /// Until (civil time), exclusive.
        until: Timestamp,
        /// Who said so.
        by: Actor,
    },
    /// An override ends now or never begins.
    OverrideRemoved {
        /// Which.
        id: OverrideId,
        /// Who said so.
        by: Actor,
    },

    /// Two people exchanged their shifts: two overrides that come and go together.
    Swapped(Box<Swapped>),

    /// What somebody did on a chat platform was taken: when the platform tells it again, it is not done again.
    InteractionTaken(Origin),
    /// A message of an incident's room became part of the timeline.
    MessageCaptured(Box<MessageCaptured>),
    /// A message that is part of the timeline was changed or deleted where it was written.
    MessageChanged {
        /// Of which incident.
        incident: IncidentId,
        /// On which platform.
        channel: Channel,
        /// Which, in the platform's own ids.
        message: String,
        /// What it says now; none: it was deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Prose>,
    },
    /// Somebody came into an incident's room.
    RoomJoined {
        /// Of which incident.
        incident: IncidentId,
        /// On which platform.
        channel: Channel,
        /// Who.
        who: Author,
    },

    // --- accounts ------------------------------------------------------------------------------------
    /// A person was given a one-time code, which ties an account to them; the one before it is no longer good.
    LinkOffered {
        /// Who.
        person: PersonId,
        /// Hex SHA-256 of the nonce's hex digits followed by the code.
        digest: String,
        /// 32 hex digits. Not called salt: that is what can be erased.
        nonce: String,
        /// Until when it is good (engine time), exclusive.
        until: Timestamp,
    },
    /// An account gave a code that is nobody's, or is no longer good.
    LinkFailed {
        /// On which platform.
        channel: Channel,
        /// Which account, by the platform's id.
        account: String,
    },
    /// An account is a person's, by their code, which is used up.
    AccountLinked {
        /// On which platform.
        channel: Channel,
        /// Which account, by the platform's id.
        account: String,
        /// Whose.
        person: PersonId,
    },
    /// It is theirs no more.
    AccountUnlinked {
        /// On which platform.
        channel: Channel,
        /// Which account, by the platform's id.
        account: String,
        /// Whose it was.
        person: PersonId,
        /// Who wanted it.
        by: Actor,
    },
    // --- runbooks ------------------------------------------------------------------------------------
    /// Something happened to a run of a runbook.
    Run(Box<RunEvent>),
    /// A run that should have started did not.
    RunMissed(Box<RunMissed>),
    /// A runbook is to start for a group.
    RunDue(Box<RunDue>),
    /// It does not start.
    RunHeldBack(Box<RunHeldBack>),
    /// Runbooks are offered for an incident.
    RunsOffered(Box<RunsOffered>),
    /// Somebody read a step of a guide, for an incident.
    GuideRead(Box<GuideRead>),
    /// Somebody posted a message into a channel.
    Announced(Box<Announced>),
    /// A deployment began, or stands differently now.
    Deployed(Box<Deployed>),
    /// Alerts became quiet, or are heard again.
    Quiet(Box<QuietEvent>),
    /// Something happened to tasks, links, the impact, or between incidents.
    Response(Box<ResponseEvent>),
    /// Something was done to the journal itself, or found in it.
    Upkeep(Box<UpkeepEvent>),
}

/// An alert started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFired {
    /// Its id.
    pub alert: AlertId,
    /// Its dedupe key.
    pub key: AlertKey,
    /// Where it came from.
    pub integration: IntegrationId,
    /// The source's own group (Alertmanager's `groupKey`), when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_group: Option<Arc<str>>,
    /// Labels as sent.
    pub labels: Labels,
    /// Annotations as sent.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    /// When its source says it started.
    pub starts_at: Timestamp,
    /// Link to the graph or rule behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// Link to the source (Alertmanager's own page).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Arc<str>>,
    /// Severity by its labels or its route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeverityId>,
    /// The groups it joined, in the order of the routes.
    pub groups: Vec<GroupId>,
}

/// A group opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupOpened {
    /// Its id.
    pub group: GroupId,
    /// Under which it is found again while it is open.
    pub key: GroupKey,
    /// The route; none: nothing matched, the catch-all took it.
    pub route: Option<RouteId>,
    /// The labels of `group_by` with their values.
    pub labels: Labels,
    /// What people call it: the alert's name, with the group's labels.
    pub title: String,
    /// Severity of its first alert.
    pub severity: Option<SeverityId>,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// Where its card is posted.
    pub channels: Vec<ChannelName>,
    /// Whom it pages.
    pub page: Option<Plan>,
    /// Severity of the incident that it opens, unless it is worse by then; none: it opens no incident.
    pub incident: Option<SeverityId>,
    /// What the severity asks.
    pub expect: Expectations,
    /// When its wait is over (engine time).
    pub wait_until: Timestamp,
    /// How long its card waits at least between two revisions that nobody asked for; none: as short as any card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_interval: Option<SignedDuration>,
    /// After how long its channels are told again while it fires; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_interval: Option<SignedDuration>,
}

/// An incident was opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentOpened {
    /// Its id.
    pub incident: IncidentId,
    /// What it is called: by a person, or after its group.
    pub title: Title,
    /// How bad.
    pub severity: SeverityId,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// The group that opened it.
    pub group: Option<GroupId>,
    /// Where it is announced.
    pub channels: Vec<ChannelName>,
    /// What the severity asks.
    pub expect: Expectations,
    /// Who opened it.
    pub by: Actor,
}

/// A title: words of a person, or taken from an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Title {
    /// A person's.
    Written(Prose),
    /// A machine's.
    Derived(String),
}

impl Title {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Written(prose) => prose.as_str(),
            Self::Derived(text) => text,
        }
    }
}

impl std::fmt::Display for Title {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A page began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageStarted {
    /// Its id.
    pub page: PageId,
    /// What it is for.
    pub subject: Subject,
    /// The policy as it was, or the person or team asked for.
    pub plan: Plan,
    /// Which personal rules apply.
    pub urgency: Urgency,
    /// The severity, when there is one.
    pub severity: Option<SeverityId>,
    /// Why now.
    pub reason: PageReason,
    /// Who caused it.
    pub by: Actor,
}

/// A step of a policy was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepTaken {
    /// Of which page.
    pub page: PageId,
    /// What it is for.
    pub subject: Subject,
    /// Counted from 1.
    pub round: u32,
    /// Counted from 1.
    pub step: u32,
    /// Who is paged, each once.
    pub people: Vec<Paged>,
    /// Channels that are told.
    pub channels: Vec<ChannelName>,
    /// Targets that meant nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nobody: Vec<Nobody>,
    /// When the following step is due (engine time); after the last one, when the page counts as unanswered.
    pub next_at: Timestamp,
}

/// A message is in the outbox. What it says is rendered from the state when it leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryQueued {
    /// Its id.
    pub delivery: DeliveryId,
    /// What it is.
    pub kind: DeliveryKind,
    /// What it is about.
    pub subject: Subject,
    /// The page that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageId>,
    /// To whom or where.
    pub to: Recipient,
    /// Over which channel.
    pub channel: Channel,
    /// The same for every attempt, different for every message.
    pub key: String,
    /// Of a card that is edited in place: counted from 1; 0: not a card.
    #[serde(default)]
    pub revision: u32,
    /// Of a notice: what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// Of an announcement: its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Prose>,
    /// Of a room: what has to be done to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomWork>,
}

/// Why a page stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageStop {
    /// Somebody acknowledged.
    Acknowledged(Actor),
    /// What it was for is over.
    Resolved,
    /// A newer page for the same subject took its place.
    Replaced(PageId),
    /// All alerts of the group are silenced, or in maintenance.
    Quiet,
    /// Somebody took the group for a while.
    Snoozed(Actor),
}

/// What is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Nobody acknowledged within the severity's time.
    Acknowledge,
    /// No status update within the severity's time.
    Update,
}
