//! Who did what: which events are somebody's act, whose, and what it was about. Never an act of a machine, other than a
//! configuration that came into force.

use super::{
    event::{Actor, Event, PageStop, ResolvedBy},
    id::PersonId,
    run::RunHappened,
};

/// What an act was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A configuration came into force.
    Config,
    /// Accounts and tokens: who is known by what.
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
}

impl What {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 8] = [
        ("config", Self::Config),
        ("access", Self::Access),
        ("alert", Self::Alert),
        ("incident", Self::Incident),
        ("page", Self::Page),
        ("oncall", Self::Oncall),
        ("runbook", Self::Runbook),
        ("message", Self::Message),
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
        Event::AlertResolved { by: ResolvedBy::Person(person), .. } => (What::Alert, By::Person(person)),
        Event::IncidentOpened(opened) => (What::Incident, By::Actor(&opened.by)),
        Event::IncidentAcknowledged { by, .. }
        | Event::RoleAssigned { by, .. }
        | Event::SeverityChanged { by, .. }
        | Event::StatusChanged { by, .. }
        | Event::NoteAdded { by, .. }
        | Event::IncidentResolved { by, .. }
        | Event::IncidentReopened { by, .. } => (What::Incident, By::Actor(by)),
        Event::MessageCaptured(captured) => (What::Incident, By::Actor(&captured.by)),
        Event::PageStarted(started) => (What::Page, By::Actor(&started.by)),
        Event::PageStopped { why: PageStop::Acknowledged(by), .. } => (What::Page, By::Actor(by)),
        Event::OverrideAdded { by, .. } | Event::OverrideRemoved { by, .. } => (What::Oncall, By::Actor(by)),
        Event::Run(run) => (What::Runbook, of_run(&run.what)?),
        Event::Announced(announced) => (What::Message, By::Actor(&announced.by)),
        // Machines, the clock, and what follows from an act that stands beside it. An event that a part brings later
        // and that is somebody's act gets its line above.
        _ => return None,
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
        _ => return None,
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
}
