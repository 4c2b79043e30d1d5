//! Who did what: which events are somebody's act, whose, and what it was about. Never an act of a machine, other than a
//! configuration that came into force.

use super::{
    event::{Actor, Event, PageStop, ResolvedBy},
    id::PersonId,
    quiet::QuietEvent,
    response::ResponseEvent,
    run::RunHappened,
    upkeep::UpkeepEvent,
};

/// What an act was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A configuration came into force.
    Config,
    /// Accounts and tokens: who is known by what, and who was refused what only admins may.
    Access,
    /// Alerts and groups.
    Alert,
    /// Incidents.
    Incident,
    /// Pages.
    Page,
    /// Who is on call.
    Oncall,
    /// Runbooks.
    Runbook,
    /// Messages into channels.
    Message,
    /// The journal itself: what was erased or archived.
    Journal,
}

impl What {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 9] = [
        ("config", Self::Config),
        ("access", Self::Access),
        ("alert", Self::Alert),
        ("incident", Self::Incident),
        ("page", Self::Page),
        ("oncall", Self::Oncall),
        ("runbook", Self::Runbook),
        ("message", Self::Message),
        ("journal", Self::Journal),
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, what)| *what == self).map_or("", |(word, _)| word)
    }
}

/// Whose act something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'a> {
    /// Of whoever is named.
    Actor(&'a Actor),
    /// Of a person.
    Person(&'a PersonId),
    /// Of an account that is nobody's.
    Account(&'a str),
    /// Of whoever started the process.
    Start,
}

impl By<'_> {
    /// Whether it is this person's.
    #[must_use]
    pub fn is(&self, person: &PersonId) -> bool {
        match self {
            Self::Actor(actor) => actor.person() == Some(person),
            Self::Person(id) => *id == person,
            Self::Account(_) | Self::Start => false,
        }
    }
}

impl std::fmt::Display for By<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Actor(actor) => actor.fmt(out),
            Self::Person(person) => person.fmt(out),
            Self::Account(account) => write!(out, "account {account}"),
            Self::Start => out.write_str("start"),
        }
    }
}

/// Whose act an event is and what it was about; none: a machine's, or a part of another one.
#[must_use]
pub fn act(event: &Event) -> Option<(What, By<'_>)> {
    let (what, by) = of(event)?;
    // What Watchbell and sources do is on the timelines.
    let somebody = match by {
        By::Actor(actor) => matches!(actor, Actor::Person(_) | Actor::Operator),
        By::Person(_) | By::Account(_) | By::Start => true,
    };
    somebody.then_some((what, by))
}

fn of(event: &Event) -> Option<(What, By<'_>)> {
    Some(match event {
        Event::ConfigurationLoaded { by, .. } => (What::Config, by.as_ref().map_or(By::Start, By::Actor)),
        Event::LinkOffered { person, .. } | Event::AccountLinked { person, .. } => {
            (What::Access, By::Person(person))
        }
        Event::LinkFailed { account, .. } => (What::Access, By::Account(account)),
        Event::AccountUnlinked { by, .. } => (What::Access, By::Actor(by)),
        Event::GroupAcknowledged { by, .. } => (What::Alert, By::Actor(by)),
        Event::AlertResolved { by, .. } => (What::Alert, of_end(by)?),
        Event::Quiet(quiet) => (What::Alert, By::Actor(of_quiet(quiet)?)),
        Event::IncidentOpened(opened) => (What::Incident, By::Actor(&opened.by)),
        Event::IncidentAcknowledged { by, .. }
        | Event::RoleAssigned { by, .. }
        | Event::SeverityChanged { by, .. }
        | Event::StatusChanged { by, .. }
        | Event::NoteAdded { by, .. }
        | Event::IncidentResolved { by, .. }
        | Event::IncidentReopened { by, .. } => (What::Incident, By::Actor(by)),
        Event::Response(response) => (What::Incident, By::Actor(of_response(response)?)),
        Event::MessageCaptured(captured) => (What::Incident, By::Actor(&captured.by)),
        Event::PageStarted(started) => (What::Page, By::Actor(&started.by)),
        Event::PageStopped { why: PageStop::Acknowledged(by), .. } => (What::Page, By::Actor(by)),
        Event::OverrideAdded { by, .. } | Event::OverrideRemoved { by, .. } => (What::Oncall, By::Actor(by)),
        Event::Swapped(swapped) => (What::Oncall, By::Actor(&swapped.by)),
        Event::Run(run) => (What::Runbook, of_run(&run.what)?),
        Event::Announced(announced) => (What::Message, By::Actor(&announced.by)),
        Event::Upkeep(upkeep) => of_upkeep(upkeep)?,
        // What machines and the clock do, what follows from an act that stands beside it, and what was only looked at.
        // Each is named, so that whoever adds an event decides here whether it is somebody's act.
        Event::ClockStepped { .. }
        | Event::TokenUsed { .. }
        | Event::AlertFired(_)
        | Event::AlertChanged { .. }
        | Event::GroupOpened(_)
        | Event::GroupNotified { .. }
        | Event::GroupRaised { .. }
        | Event::GroupClosed { .. }
        | Event::GroupJoined { .. }
        | Event::Reminded { .. }
        | Event::StepTaken(_)
        | Event::PageStopped {
            why: PageStop::Resolved | PageStop::Replaced(_) | PageStop::Quiet | PageStop::Snoozed(_),
            ..
        }
        | Event::PageUnanswered { .. }
        | Event::DeliveryQueued(_)
        | Event::AttemptStarted { .. }
        | Event::Delivered { .. }
        | Event::AttemptFailed { .. }
        | Event::DeliveryCancelled { .. }
        | Event::StormBegan { .. }
        | Event::StormJoined { .. }
        | Event::StormEnded { .. }
        | Event::InteractionTaken(_)
        | Event::MessageChanged { .. }
        | Event::RoomJoined { .. }
        | Event::RunMissed(_)
        | Event::RunDue(_)
        | Event::RunHeldBack(_)
        | Event::RunsOffered(_)
        | Event::GuideRead(_)
        | Event::Deployed(_) => return None,
    })
}

fn of_end(by: &ResolvedBy) -> Option<By<'_>> {
    match by {
        ResolvedBy::Person(person) => Some(By::Person(person)),
        ResolvedBy::Operator => Some(By::Actor(&Actor::Operator)),
        ResolvedBy::Source(_) | ResolvedBy::SourceGroup(_) => None,
    }
}

fn of_quiet(what: &QuietEvent) -> Option<&Actor> {
    match what {
        QuietEvent::Added(added) => Some(&added.by),
        QuietEvent::Ended { by, .. } => by.as_ref(),
        QuietEvent::Snoozed(snoozed) => Some(&snoozed.by),
        QuietEvent::Began { .. }
        | QuietEvent::Hushed(_)
        | QuietEvent::Woken { .. }
        | QuietEvent::SnoozeOver { .. }
        | QuietEvent::Repeated { .. }
        | QuietEvent::Held { .. }
        | QuietEvent::GoesOn { .. } => None,
    }
}

fn of_response(what: &ResponseEvent) -> Option<&Actor> {
    match what {
        ResponseEvent::TaskAdded(added) => Some(&added.by),
        ResponseEvent::Merged(merged) => Some(&merged.by),
        ResponseEvent::TaskChanged { by, .. }
        | ResponseEvent::Linked { by, .. }
        | ResponseEvent::Related { by, .. }
        | ResponseEvent::ImpactSet { by, .. }
        | ResponseEvent::HandedOver { by, .. } => Some(by),
        ResponseEvent::TaskReminded { .. }
        | ResponseEvent::Covered { .. }
        | ResponseEvent::RoomLeft { .. }
        | ResponseEvent::FiredAnew { .. } => None,
    }
}

fn of_upkeep(what: &UpkeepEvent) -> Option<(What, By<'_>)> {
    Some(match what {
        UpkeepEvent::Erased(erased) => (What::Journal, By::Actor(&erased.by)),
        UpkeepEvent::Archived(archived) => (What::Journal, By::Actor(&archived.by)),
        UpkeepEvent::Refused { by, .. } | UpkeepEvent::RefusedMore { by, .. } => {
            (What::Access, By::Actor(by))
        }
        UpkeepEvent::Damaged(_) | UpkeepEvent::Whole => return None,
    })
}

fn of_run(what: &RunHappened) -> Option<By<'_>> {
    Some(match what {
        RunHappened::Started(plan) => By::Actor(&plan.by),
        RunHappened::Confirmed { by, .. }
        | RunHappened::ApprovalRefused { by, .. }
        | RunHappened::Continued { by, .. }
        | RunHappened::Stopped { by } => By::Actor(by),
        RunHappened::ApprovalGiven { by, .. } => By::Person(by),
        RunHappened::ConfirmAsked { .. }
        | RunHappened::ApprovalAsked { .. }
        | RunHappened::ApprovalExpired { .. }
        | RunHappened::StepWaits { .. }
        | RunHappened::StepPermitted { .. }
        | RunHappened::StepFinished(_)
        | RunHappened::Drawn { .. }
        | RunHappened::Resumed { .. }
        | RunHappened::Waits { .. }
        | RunHappened::Ended { .. }
        | RunHappened::Judged { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_act_is_theirs_and_a_machines_is_nobodys() {
        let ana = Actor::Person("ana".into());
        let taken =
            |by: &Actor| Event::GroupAcknowledged { group: crate::domain::id::GroupId(1), by: by.clone() };
        let event = taken(&ana);
        let (what, by) = act(&event).unwrap();
        assert_eq!((what, by.to_string(), by.is(&"ana".into())), (What::Alert, "ana".to_owned(), true));
        assert_eq!(act(&taken(&Actor::Watchbell)), None);
        assert_eq!(act(&Event::ClockStepped { by_ms: 1 }), None);
        let operator = taken(&Actor::Operator);
        assert!(act(&operator).is_some_and(|(_, by)| !by.is(&"operator".into())));
    }

    #[test]
    fn every_act_of_the_parts_is_on_the_audit_and_what_follows_by_itself_is_not() {
        use crate::domain::{
            id::{GroupId, IncidentId, PageId, SilenceId, TaskId},
            quiet::GroupSnoozed,
            response::{Merged, TaskChange},
            upkeep::{Archived, Erased},
        };
        let ana = || Actor::Person("ana".into());
        let at: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (group, incident, task) = (GroupId(1), IncidentId(2), TaskId(3));
        let quiet = |event| Event::Quiet(Box::new(event));
        let response = |event| Event::Response(Box::new(event));
        let upkeep = |event| Event::Upkeep(Box::new(event));
        let erased = Erased {
            whose: Some("ben".into()),
            seq: None,
            before: None,
            texts: 2,
            digests: std::collections::BTreeSet::new(),
            outputs: std::collections::BTreeSet::new(),
            by: ana(),
        };
        let archived =
            Archived { through: crate::domain::id::Seq(9), segments: 1, to: "archive".to_owned(), by: ana() };
        for (event, expected) in [
            (quiet(QuietEvent::Ended { silence: SilenceId(1), by: Some(ana()) }), Some(What::Alert)),
            (quiet(QuietEvent::Ended { silence: SilenceId(1), by: None }), None),
            (quiet(QuietEvent::Snoozed(GroupSnoozed { group, until: at, by: ana() })), Some(What::Alert)),
            (quiet(QuietEvent::SnoozeOver { group }), None),
            (
                response(ResponseEvent::TaskChanged { task, incident, change: TaskChange::Done, by: ana() }),
                Some(What::Incident),
            ),
            (response(ResponseEvent::TaskReminded { task, incident, next_at: None }), None),
            (
                response(ResponseEvent::Merged(Merged { incident, into: IncidentId(1), by: ana() })),
                Some(What::Incident),
            ),
            (
                response(ResponseEvent::HandedOver { incident, to: "ben".into(), by: ana() }),
                Some(What::Incident),
            ),
            (response(ResponseEvent::Covered { incident, group, page: PageId(1) }), None),
            (
                response(ResponseEvent::RoomLeft {
                    incident,
                    channel: crate::domain::delivery::Channel::Slack,
                }),
                None,
            ),
            (response(ResponseEvent::FiredAnew { group, incident }), None),
            (upkeep(UpkeepEvent::Erased(erased)), Some(What::Journal)),
            (upkeep(UpkeepEvent::Archived(archived)), Some(What::Journal)),
            (upkeep(UpkeepEvent::Whole), None),
            (upkeep(UpkeepEvent::Refused { what: "/audit".to_owned(), by: ana() }), Some(What::Access)),
            (upkeep(UpkeepEvent::RefusedMore { by: ana(), count: 7 }), Some(What::Access)),
        ] {
            let found = act(&event);
            assert_eq!(found.map(|(what, _)| what), expected, "{event:?}");
            assert!(found.is_none_or(|(_, by)| by.is(&"ana".into())), "{event:?}");
        }
        assert!(matches!(of_end(&ResolvedBy::Operator), Some(By::Actor(Actor::Operator))));
    }
}
