//! What can be wanted of the engine, and why it may say no. Everything that changes anything is one of these.

use jiff::{SignedDuration, Timestamp};

use super::{
    alert::Report,
    delivery::{Channel, Outcome},
    deployment::Told,
    event::Actor,
    guide::GuideRead,
    id::{
        ChannelName, DeliveryId, GroupId, IncidentId, OverrideId, PageId, PersonId, PolicyId, ScheduleId,
        SeverityId, TeamId,
    },
    incident::{IncidentRole, IncidentStatus},
    link::{LinkIntent, NoLink},
    page::Target,
    prose::Prose,
    quiet::{QuietIntent, QuietRefusal},
    reload::Change,
    response::{ResponseIntent, ResponseRefusal},
    room::{Author, Origin},
    run::{RunIntent, RunRefusal},
    swap::{SwapIntent, SwapRefusal},
    upkeep::UpkeepIntent,
};

/// The instant of a decision, twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Engine time: runs with the monotonic clock and never goes back. Waits are counted in it.
    pub engine: Timestamp,
    /// Civil time: what people read, and what schedules are asked with.
    pub civil: Timestamp,
}

impl Now {
    /// An instant of engine time as civil time, by the clocks of this moment: what people read.
    #[must_use]
    pub fn civil_of(self, due: Timestamp) -> Timestamp {
        self.civil.checked_add(due.duration_since(self.engine)).unwrap_or(due)
    }
}

/// Something that somebody wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// A source reports.
    Report(Report),
    /// Something that came from a chat platform: done once, however often the platform tells it.
    From {
        /// What somebody did there.
        origin: Origin,
        /// What they want by it.
        intent: Box<Intent>,
    },
    /// Somebody wants something by a token that has a name: what follows says by which.
    ByToken {
        /// What the token is called.
        token: String,
        /// Whose it is.
        by: Actor,
        /// What they want by it.
        intent: Box<Intent>,
    },
    /// The clock: whatever is due next, one thing at a time.
    Due,
    /// A worker wants to attempt a delivery.
    Permit(DeliveryId),
    /// A worker tells what became of an attempt.
    Outcome {
        /// Which delivery.
        delivery: DeliveryId,
        /// Which attempt.
        attempt: u32,
        /// What became of it.
        outcome: Outcome,
    },
    /// A configuration came into force.
    Configured {
        /// The release of Watchbell.
        release: String,
        /// A random name for a journal that has none yet.
        instance: String,
        /// Who had it read anew; none: the process begins with it.
        by: Option<Actor>,
        /// What is not as it was before.
        changes: Vec<Change>,
    },
    /// The wall clock was moved by this much.
    ClockStepped {
        /// Positive: forward.
        by: SignedDuration,
    },
    /// Somebody takes something.
    Acknowledge {
        /// What.
        target: Target,
        /// Who.
        by: Actor,
    },
    /// Somebody pages somebody.
    Page {
        /// Whom.
        whom: Whom,
        /// Why.
        reason: Prose,
        /// Who.
        by: Actor,
    },
    /// Somebody posts a message into a channel.
    Announce {
        /// Where.
        channel: ChannelName,
        /// What.
        text: Prose,
        /// Who.
        by: Actor,
    },
    /// Something about an incident.
    Incident {
        /// What.
        what: IncidentIntent,
        /// Who.
        by: Actor,
    },
    /// Something happened in a room.
    Room {
        /// On which platform.
        channel: Channel,
        /// What.
        what: RoomIntent,
    },
    /// Somebody ties an account to themselves, or unties it.
    Link(LinkIntent),
    /// Something about runs of runbooks.
    Run(RunIntent),
    /// Somebody reads a step of a guide, for an incident.
    ReadGuide(GuideRead),
    /// Somebody stands in.
    AddOverride {
        /// The schedule.
        schedule: ScheduleId,
        /// Who is on call.
        person: PersonId,
        /// From (civil time), inclusive.
        from: Timestamp,
        /// Until (civil time), exclusive.
        until: Timestamp,
        /// Who says so.
        by: Actor,
    },
    /// An override is taken back.
    RemoveOverride {
        /// Which.
        id: OverrideId,
        /// Who says so.
        by: Actor,
    },
    /// Two people exchange their shifts.
    Swap(Box<SwapIntent>),
    /// A source tells how a deployment stands.
    Deployed(Box<Told>),
    /// Something about what stays quiet.
    Quiet(QuietIntent),
    /// Something about tasks, links, the impact, or between incidents.
    Response {
        /// What.
        what: ResponseIntent,
        /// Who.
        by: Actor,
    },
    /// Something is done to the journal itself, or was found in it.
    Upkeep(UpkeepIntent),
}

/// Something that happened in a room of a chat platform.
#[derive(Debug, Clone, PartialEq)]
pub enum RoomIntent {
    /// Somebody wants a message on the timeline.
    Capture {
        /// The room, by the platform's id.
        room: String,
        /// Which message, in the platform's own ids.
        message: String,
        /// Who wrote it.
        author: Author,
        /// What it says.
        text: Prose,
        /// When it was written (civil time).
        written_at: Timestamp,
        /// Where it opens in a browser.
        url: Option<String>,
        /// Who wants it.
        by: Actor,
    },
    /// A message was changed or deleted.
    Changed {
        /// Which, in the platform's own ids.
        message: String,
        /// What it says now; none: it was deleted.
        text: Option<Prose>,
    },
    /// Somebody came into a room.
    Joined {
        /// The room, by the platform's id.
        room: String,
        /// Who.
        who: Author,
    },
}

/// Whom a `/page` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A person.
    Person(PersonId),
    /// Everybody of a team.
    Team(TeamId),
    /// A whole policy.
    Policy(PolicyId),
}

/// Something about an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum IncidentIntent {
    /// A new one; it pages by its severity's policy.
    Open {
        /// How bad.
        severity: SeverityId,
        /// What it is called.
        title: Prose,
        /// Where it was opened, when that is a channel: it is told there, too.
        channel: Option<ChannelName>,
    },
    /// A new one for an open group that has none. Who has the group has the incident; while the group pages, nobody
    /// is paged a second time.
    OpenFor {
        /// Which group.
        group: GroupId,
        /// How bad.
        severity: SeverityId,
        /// What it is called.
        title: Prose,
    },
    /// The lead goes to somebody, who is told.
    Assign {
        /// Which.
        incident: IncidentId,
        /// To whom.
        to: PersonId,
    },
    /// A role is given or taken away.
    Role {
        /// Which.
        incident: IncidentId,
        /// The role.
        role: IncidentRole,
        /// To whom; nobody: free again.
        to: Option<PersonId>,
    },
    /// Another severity.
    Severity {
        /// Which.
        incident: IncidentId,
        /// The new one.
        severity: SeverityId,
    },
    /// A status update.
    Status {
        /// Which.
        incident: IncidentId,
        /// The new status; none: the same, with a text.
        status: Option<IncidentStatus>,
        /// In words.
        text: Option<Prose>,
    },
    /// A note.
    Note {
        /// Which.
        incident: IncidentId,
        /// The note.
        text: Prose,
    },
    /// It is over.
    Resolve {
        /// Which.
        incident: IncidentId,
        /// How.
        text: Option<Prose>,
    },
    /// It was not over.
    Reopen {
        /// Which.
        incident: IncidentId,
        /// Why.
        text: Option<Prose>,
    },
}

/// Why something was not done. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing, and never was or it is long gone.
    Unknown(Target),
    /// Nobody, no team and no policy is called that.
    UnknownName {
        /// `person`, `schedule`, `severity`, …
        what: &'static str,
        /// What was written.
        name: String,
        /// What it may have been.
        nearest: Option<String>,
    },
    /// Somebody was faster.
    AlreadyAcknowledged {
        /// What.
        target: Target,
        /// By whom.
        by: Actor,
        /// When (civil time).
        at: Timestamp,
    },
    /// The group has closed.
    GroupClosed {
        /// Which.
        group: GroupId,
        /// When (civil time).
        at: Timestamp,
        /// Who said that it is over; none: its source did.
        by: Option<Actor>,
    },
    /// The page no longer runs.
    PageOver(PageId),
    /// The incident is resolved already.
    AlreadyResolved {
        /// Which.
        incident: IncidentId,
        /// When (civil time).
        at: Timestamp,
        /// By whom, as far as that is known.
        by: Option<Actor>,
    },
    /// The incident is open; who reopened it, and when (civil time).
    StillOpen(IncidentId, Option<(Actor, Timestamp)>),
    /// It has that value already.
    Unchanged {
        /// Which.
        incident: IncidentId,
        /// What it has already.
        value: Already,
    },
    /// A person is asked for who cannot be reached.
    NoContact(PersonId),
    /// An override must end after it begins, in the future, and within a year of its beginning.
    BadTimes {
        /// What is wrong with them.
        why: BadTimes,
    },
    /// No such override, or it is over.
    UnknownOverride(OverrideId),
    /// The override was taken back.
    TakenBack {
        /// Which.
        id: OverrideId,
        /// By whom.
        by: Actor,
        /// When (civil time).
        at: Timestamp,
    },
    /// Two shifts are not exchanged.
    Swap(SwapRefusal),
    /// The room is no incident's.
    NoIncidentHere,
    /// An account was not tied, or not untied.
    Link(NoLink),
    /// It was done already: the platform told it twice.
    Repeated,
    /// Something about a run of a runbook.
    Run(RunRefusal),
    /// Nothing became quiet, or nothing ended.
    Quiet(QuietRefusal),
    /// Something about tasks, links, the impact, or between incidents.
    Response(ResponseRefusal),
    /// A worker asks for something that must not leave any more.
    NotPermitted(DeliveryId),
}

impl Refusal {
    /// Nothing is called that. Whoever reads what people type knows what is near; the rules do not.
    pub fn unknown_name(what: &'static str, name: impl ToString) -> Self {
        Self::UnknownName { what, name: name.to_string(), nearest: None }
    }
}

/// What an incident has already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Already {
    /// This commander.
    Commander(PersonId),
    /// This person in this role; nobody: the role is free.
    Role(IncidentRole, Option<PersonId>),
    /// This severity.
    Severity(SeverityId),
    /// This status.
    Status(IncidentStatus),
    /// This group.
    Group(GroupId),
}

/// What is wrong with the times of an override.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTimes {
    /// It would end before it begins.
    EndsFirst,
    /// It would be over already.
    Over,
    /// It would last longer than [`HORIZON`](super::schedule::HORIZON).
    TooLong,
}
