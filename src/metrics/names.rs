//! The words that stand in labels: one for each thing that is counted apart. Never a word from outside.

use super::{BadInput, CommandFate, Fate, Labels};
use crate::domain::{
    delivery::{Channel, DeliveryKind},
    event::Event,
    intent::Refusal,
};

pub(super) fn lane_labels(channel: Channel, page: bool) -> Labels<2> {
    [("channel", channel.as_str()), ("lane", if page { "page" } else { "other" })]
}

pub(super) fn delivery_labels(channel: Channel, kind: DeliveryKind, fate: Fate) -> Labels<3> {
    [("channel", channel.as_str()), ("kind", kind.as_str()), ("outcome", fate.as_str())]
}

impl Fate {
    pub(super) const ALL: [Self; 5] =
        [Self::Delivered, Self::Failed, Self::Retried, Self::Cancelled, Self::Replaced];
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
        }
    }
}

impl BadInput {
    pub(super) const ALL: [Self; 12] = [
        Self::Webhook,
        Self::TooLarge,
        Self::Request,
        Self::Token,
        Self::Link,
        Self::Origin,
        Self::Configuration,
        Self::ChatPayload,
        Self::ChatForeign,
        Self::ChatForgotten,
        Self::ChatForm,
        Self::ChatLate,
    ];
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::TooLarge => "too_large",
            Self::Request => "request",
            Self::Token => "token",
            Self::Link => "link",
            Self::Origin => "origin",
            Self::Configuration => "configuration",
            Self::ChatPayload => "chat_payload",
            Self::ChatForeign => "chat_foreign",
            Self::ChatForgotten => "chat_forgotten",
            Self::ChatForm => "chat_form",
            Self::ChatLate => "chat_late",
        }
    }
}

impl CommandFate {
    pub(super) const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// The types of events as they stand in the journal.
macro_rules! event_types {
    ($($variant:ident => $name:literal,)+) => {
        pub(super) const EVENT_TYPES: &[&str] = &[$($name),+];
        pub(super) fn event_type(event: &Event) -> &'static str {
            match event {
                $(Event::$variant { .. } => $name,)+
            }
        }
    };
}

event_types! {
    ConfigurationLoaded => "configuration_loaded",
    ClockStepped => "clock_stepped",
    TokenUsed => "token_used",
    AlertFired => "alert_fired",
    AlertChanged => "alert_changed",
    AlertResolved => "alert_resolved",
    GroupOpened => "group_opened",
    GroupNotified => "group_notified",
    GroupRaised => "group_raised",
    GroupAcknowledged => "group_acknowledged",
    GroupClosed => "group_closed",
    IncidentOpened => "incident_opened",
    GroupJoined => "group_joined",
    IncidentAcknowledged => "incident_acknowledged",
    RoleAssigned => "role_assigned",
    SeverityChanged => "severity_changed",
    StatusChanged => "status_changed",
    NoteAdded => "note_added",
    Announced => "announced",
    IncidentResolved => "incident_resolved",
    IncidentReopened => "incident_reopened",
    Reminded => "reminded",
    PageStarted => "page_started",
    StepTaken => "step_taken",
    PageStopped => "page_stopped",
    PageUnanswered => "page_unanswered",
    DeliveryQueued => "delivery_queued",
    AttemptStarted => "attempt_started",
    Delivered => "delivered",
    AttemptFailed => "attempt_failed",
    DeliveryCancelled => "delivery_cancelled",
    OverrideAdded => "override_added",
    OverrideRemoved => "override_removed",
    Swapped => "swapped",
    InteractionTaken => "interaction_taken",
    MessageCaptured => "message_captured",
    MessageChanged => "message_changed",
    RoomJoined => "room_joined",
    LinkOffered => "link_offered",
    LinkFailed => "link_failed",
    AccountLinked => "account_linked",
    AccountUnlinked => "account_unlinked",
    StormBegan => "storm_began",
    StormJoined => "storm_joined",
    StormEnded => "storm_ended",
    Run => "run",
    RunMissed => "run_missed",
    Deployed => "deployed",
    Upkeep => "upkeep",
    RunDue => "run_due",
    RunHeldBack => "run_held_back",
    RunsOffered => "runs_offered",
    GuideRead => "guide_read",
    Quiet => "quiet",
    Response => "response",
}

pub(super) fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Unknown(_) => "unknown",
        Refusal::UnknownName { .. } => "unknown_name",
        Refusal::AlreadyAcknowledged { .. } => "already_acknowledged",
        Refusal::GroupClosed { .. } => "group_closed",
        Refusal::PageOver(_) => "page_over",
        Refusal::AlreadyResolved { .. } => "already_resolved",
        Refusal::StillOpen(..) => "still_open",
        Refusal::Unchanged { .. } => "unchanged",
        Refusal::NoContact(_) => "no_contact",
        Refusal::BadTimes { .. } => "bad_times",
        Refusal::UnknownOverride(_) | Refusal::TakenBack { .. } => "unknown_override",
        Refusal::Swap(_) => "swap",
        Refusal::Repeated => "repeated",
        Refusal::NoIncidentHere => "no_incident_here",
        Refusal::Link(_) => "no_link",
        Refusal::Run(refusal) => refusal.as_str(),
        Refusal::Quiet(_) => "quiet",
        Refusal::Response(refusal) => refusal.as_str(),
        Refusal::NotPermitted(_) => "not_permitted",
    }
}
