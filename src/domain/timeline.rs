//! Which things an event is about: the keys under which timelines are looked up. Never holds the entries
//! themselves; those are read from the journal.
//!
//! Every key costs a write of the views, so an event is filed only where somebody will look for it: what
//! belongs to a group is filed under the group alone, and the timeline of an incident is its own entries merged
//! with those of its groups ([`of_incident`]), also from before the incident was opened.

use super::{
    delivery::DeliveryKind,
    event::Event,
    id::{AlertId, GroupId, IncidentId, PageId, RunId, StormId},
    incident::Incident,
    page::Subject,
    quiet::QuietEvent,
    response::ResponseEvent,
    run::{RunEvent, RunHappened, StepOutcome},
};

/// A thing that has a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An alert: when it fired, and when it ended.
    Alert(AlertId),
    /// An alert group: its alerts, its pages, their deliveries.
    Group(GroupId),
    /// An incident: what happened to itself; not what happened to its groups.
    Incident(IncidentId),
    /// Somebody's `/page`, which stands for itself. Pages of groups and incidents are filed under those.
    Page(PageId),
    /// Who stands in for whom: overrides of all schedules.
    OnCall,
    /// The ends of all alerts: the alert history.
    Ended,
    /// A storm: only that its card could not be posted.
    Storm(StormId),
    /// A run of a runbook.
    Run(RunId),
    /// Runs that started, ended, or should have: the history of runs.
    Runs,
    /// Messages that people have posted into channels of no incident.
    Announcements,
    /// Silences and maintenance.
    Silences,
    /// What people did, and configurations that came into force.
    Audit,
}

impl Key {
    /// Size of the key in bytes.
    pub const BYTES: usize = 9;

    /// The key as bytes that sort by kind, then by number.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        // Tags are for ever: a view that was written by an older release is read with them. 0 is kept free.
        let (tag, number) = match self {
            Self::Alert(AlertId(number)) => (1, number),
            Self::Group(GroupId(number)) => (2, number),
            Self::Incident(IncidentId(number)) => (3, number),
            Self::Page(PageId(number)) => (4, number),
            Self::OnCall => (5, 0),
            Self::Ended => (6, 0),
            Self::Storm(StormId(number)) => (7, number),
            Self::Run(RunId(number)) => (8, number),
            Self::Runs => (9, 0),
            Self::Announcements => (10, 0),
            // Others have asked for numbers below.
            Self::Silences => (20, 0),
            Self::Audit => (11, 0),
        };
        let [n0, n1, n2, n3, n4, n5, n6, n7] = number.to_be_bytes();
        [tag, n0, n1, n2, n3, n4, n5, n6, n7]
    }
}

/// The keys of an incident's timeline: its own, those of its groups, and those of what was merged into it.
#[must_use]
pub fn of_incident(incident: &Incident) -> Vec<Key> {
    let groups = incident.groups.iter().map(|group| Key::Group(*group));
    let merged = incident.response.merged.iter().map(|merged| Key::Incident(*merged));
    std::iter::once(Key::Incident(incident.id)).chain(merged).chain(groups).collect()
}

/// Under which key something about this subject is filed.
#[must_use]
pub fn of_subject(subject: Subject) -> Key {
    match subject {
        Subject::Group(group, _) => Key::Group(group),
        Subject::Incident(incident) => Key::Incident(incident),
        Subject::Request(page) => Key::Page(page),
        Subject::Storm(storm) => Key::Storm(storm),
        Subject::Run(run) => Key::Run(run),
        Subject::Announcement(_, Some(incident)) => Key::Incident(incident),
        Subject::Announcement(_, None) => Key::Announcements,
        Subject::Silence(_) => Key::Silences,
    }
}

/// The keys under which an event is found, each once.
#[must_use]
pub fn keys(event: &Event) -> Vec<Key> {
    let mut keys = Vec::new();
    visit_keys(event, |key| {
        // A handful at most; only an alert in many groups has more, and those are distinct already.
        if keys.len() > 8 || !keys.contains(&key) {
            keys.push(key);
        }
    });
    keys
}

/// What an event is about, by its id: the first thing on whose timeline it is.
#[must_use]
pub fn subject(event: &Event) -> Option<String> {
    match keys(event).into_iter().next()? {
        Key::Alert(id) => Some(id.to_string()),
        Key::Group(id) => Some(id.to_string()),
        Key::Incident(id) => Some(id.to_string()),
        Key::Page(id) => Some(id.to_string()),
        Key::Storm(id) => Some(id.to_string()),
        Key::Run(id) => Some(id.to_string()),
        Key::OnCall | Key::Ended | Key::Runs | Key::Announcements | Key::Silences | Key::Audit => None,
    }
}

/// Calls `file` with every key of an event, without allocating: the views see every event pass.
pub fn visit_keys(event: &Event, mut file: impl FnMut(Key)) {
    of_things(event, &mut file);
    if matches!(event, Event::TokenUsed { .. }) || super::audit::act(event).is_some() {
        file(Key::Audit);
    }
}

/// Under which things it is filed; the first one is what it is about.
fn of_things(event: &Event, mut file: impl FnMut(Key)) {
    // No `_` here: a new event does not compile until somebody has decided where it is looked up.
    match event {
        // Accounts are part of no thing that has a timeline; the journal has them.
        Event::LinkOffered { .. }
        | Event::LinkFailed { .. }
        | Event::AccountLinked { .. }
        | Event::AccountUnlinked { .. } => {}
        // Neither has a timeline, or its timeline is silent about it: attempts and the outbox are told by their
        // outcomes, the wait of a group by the page that follows.
        Event::ConfigurationLoaded { .. }
        | Event::ClockStepped { .. }
        | Event::TokenUsed { .. }
        | Event::GroupNotified { .. }
        | Event::AttemptStarted { .. }
        | Event::StormBegan { .. }
        | Event::StormJoined { .. }
        | Event::StormEnded { .. }
        | Event::RunDue(_)
        | Event::Upkeep(_)
        | Event::InteractionTaken(_) => {}
        Event::AlertFired(fired) => {
            file(Key::Alert(fired.alert));
            for group in &fired.groups {
                file(Key::Group(*group));
            }
        }
        // Sources change annotations with every evaluation; that it fired again is worth an entry.
        Event::AlertChanged { starts_at, groups, .. } => {
            if starts_at.is_some() {
                for group in groups {
                    file(Key::Group(*group));
                }
            }
        }
        Event::AlertResolved { alert, groups, .. } => {
            file(Key::Ended);
            file(Key::Alert(*alert));
            for group in groups {
                file(Key::Group(*group));
            }
        }
        Event::Announced(announced) => {
            file(announced.incident.map_or(Key::Announcements, Key::Incident));
        }
        Event::GroupOpened(opened) => file(Key::Group(opened.group)),
        Event::GroupRaised { group, .. }
        | Event::GroupAcknowledged { group, .. }
        | Event::GroupClosed { group } => file(Key::Group(*group)),
        Event::IncidentOpened(opened) => file(Key::Incident(opened.incident)),
        Event::GroupJoined { incident, .. }
        | Event::IncidentAcknowledged { incident, .. }
        | Event::RoleAssigned { incident, .. }
        | Event::SeverityChanged { incident, .. }
        | Event::StatusChanged { incident, .. }
        | Event::NoteAdded { incident, .. }
        | Event::IncidentResolved { incident, .. }
        | Event::IncidentReopened { incident, .. }
        | Event::Reminded { incident, .. } => file(Key::Incident(*incident)),
        Event::PageStarted(started) => file(of_subject(started.subject)),
        Event::StepTaken(taken) => file(of_subject(taken.subject)),
        Event::PageStopped { subject, .. } | Event::PageUnanswered { subject, .. } => {
            file(of_subject(*subject));
        }
        // How a page travels is part of its explanation; cards and notices are told only when they fail.
        Event::DeliveryQueued(queued) => {
            if queued.kind == DeliveryKind::Page {
                file(of_subject(queued.subject));
            }
        }
        Event::Delivered { subject, kind, .. } => match kind {
            DeliveryKind::Page | DeliveryKind::Resolved | DeliveryKind::Acknowledged | DeliveryKind::Room => {
                file(of_subject(*subject));
            }
            DeliveryKind::Card | DeliveryKind::Notice | DeliveryKind::Picture => {}
        },
        Event::AttemptFailed { subject, .. } => file(of_subject(*subject)),
        Event::MessageCaptured(captured) => file(Key::Incident(captured.incident)),
        Event::MessageChanged { incident, .. } | Event::RoomJoined { incident, .. } => {
            file(Key::Incident(*incident));
        }
        Event::DeliveryCancelled { subject, kind, .. } => {
            if *kind == DeliveryKind::Page {
                file(of_subject(*subject));
            }
        }
        Event::OverrideAdded { .. } | Event::OverrideRemoved { .. } | Event::Swapped(_) => file(Key::OnCall),
        Event::Run(event) => of_run(event, file),
        Event::RunMissed(_) => file(Key::Runs),
        // All of them are in the state; here only where somebody asks what happened.
        Event::Deployed(said) => said.incidents.iter().for_each(|incident| file(Key::Incident(*incident))),
        Event::RunHeldBack(held) => {
            file(Key::Runs);
            file(Key::Group(held.group));
        }
        Event::RunsOffered(offered) => file(Key::Incident(offered.incident)),
        Event::Quiet(event) => of_quiet(event, file),
        Event::GuideRead(read) => file(Key::Incident(read.incident)),
        Event::Response(event) => of_response(event, file),
    }
}

fn of_response(event: &ResponseEvent, mut file: impl FnMut(Key)) {
    match event {
        ResponseEvent::TaskAdded(added) => file(Key::Incident(added.incident)),
        ResponseEvent::TaskChanged { incident, .. }
        | ResponseEvent::TaskReminded { incident, .. }
        | ResponseEvent::Linked { incident, .. }
        | ResponseEvent::ImpactSet { incident, .. }
        | ResponseEvent::RoomLeft { incident, .. }
        | ResponseEvent::HandedOver { incident, .. } => file(Key::Incident(*incident)),
        ResponseEvent::Related { incident, other, .. } => {
            file(Key::Incident(*incident));
            file(Key::Incident(*other));
        }
        // The timeline of the other shows this one's.
        ResponseEvent::Merged(merged) => file(Key::Incident(merged.incident)),
        // Why nobody was paged for it.
        ResponseEvent::Covered { group, .. } | ResponseEvent::FiredAnew { group, .. } => {
            file(Key::Group(*group));
        }
    }
}

/// What is quiet is filed under its group; silences themselves under all of them.
fn of_quiet(event: &QuietEvent, mut file: impl FnMut(Key)) {
    match event {
        QuietEvent::Added(_) | QuietEvent::Began { .. } | QuietEvent::Ended { .. } => file(Key::Silences),
        QuietEvent::Hushed(hushed) => file(Key::Group(hushed.group)),
        QuietEvent::Snoozed(snoozed) => file(Key::Group(snoozed.group)),
        QuietEvent::Woken { group, .. }
        | QuietEvent::SnoozeOver { group }
        | QuietEvent::Repeated { group } => file(Key::Group(*group)),
        QuietEvent::Held { incident, .. } | QuietEvent::GoesOn { incident, .. } => {
            file(Key::Incident(*incident));
        }
    }
}

/// Everything under the run; what people want to know of it under what it is about, too.
fn of_run(event: &RunEvent, mut file: impl FnMut(Key)) {
    file(Key::Run(event.run));
    match &event.what {
        RunHappened::Started(_) | RunHappened::Ended { .. } => file(Key::Runs),
        // How it goes step by step is on its own card.
        RunHappened::StepPermitted { .. }
        | RunHappened::StepWaits { .. }
        | RunHappened::ConfirmAsked { .. }
        | RunHappened::Drawn { .. }
        | RunHappened::Resumed { .. } => return,
        // Nobody tried it.
        RunHappened::StepFinished(end) if end.outcome == StepOutcome::Skipped => return,
        _ => {}
    }
    match (event.group, event.incident) {
        (Some(group), _) => file(Key::Group(group)),
        (None, Some(incident)) => file(Key::Incident(incident)),
        (None, None) => {}
    }
}
