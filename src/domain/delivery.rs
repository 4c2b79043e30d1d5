//! Deliveries: one message to one address over one channel, with its outcome. Never knows an address: those
//! stay in the configuration and are looked up when an attempt is made.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    event::Reminder,
    id::{ChannelName, ContactName, DeliveryId, IncidentId, PageId, PersonId, RunId, TaskId},
    page::Subject,
    prose::Prose,
    room::RoomWork,
};

/// How a message travels. Each channel has a queue of its own, so that none waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The terminal.
    Chat,
    /// Slack.
    Slack,
    /// Discord.
    Discord,
    /// A signed HTTP POST.
    Hook,
    /// A push notification through an ntfy server.
    Ntfy,
    /// E-mail.
    Mail,
    /// A telephone: SMS or voice.
    Phone,
    /// Another team's pager at PagerDuty.
    #[serde(rename = "pagerduty")]
    PagerDuty,
}

impl Channel {
    /// The ones on which people talk.
    pub const PLATFORMS: [Self; 3] = [Self::Chat, Self::Slack, Self::Discord];
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Slack,
        Self::Discord,
        Self::Hook,
        Self::Ntfy,
        Self::Mail,
        Self::Phone,
        Self::PagerDuty,
    ];

    /// The word used in metrics and timelines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Hook => "hook",
            Self::Ntfy => "ntfy",
            Self::Mail => "mail",
            Self::Phone => "phone",
            Self::PagerDuty => "pagerduty",
        }
    }

    /// Whether a page stands at the other end until it hears that the page was taken or is over.
    #[must_use]
    pub fn hears_the_end(self) -> bool {
        self == Self::PagerDuty
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// To whom, or where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A person, by one of their contact methods.
    Person {
        /// Who.
        person: PersonId,
        /// Which of their contacts.
        contact: ContactName,
    },
    /// A chat channel.
    Channel(ChannelName),
}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person { person, contact } => write!(out, "{person} ({contact})"),
            Self::Channel(channel) => channel.fmt(out),
        }
    }
}

/// What is said to a channel about what was quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuietNotice {
    /// A group that was quiet is heard again.
    Over,
    /// A snooze is over, and the group still fires.
    SnoozeOver,
    /// The group still fires.
    Repeated,
    /// A maintenance begins.
    Began,
    /// A maintenance is over.
    Ended,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// It asks somebody to act, and stops at acknowledgement.
    Page,
    /// It tells somebody who was paged that it is over. Never a page.
    Resolved,
    /// It tells another team's pager that somebody took what it rings for. Never a page.
    Acknowledged,
    /// The card of a group or an incident in a channel; a newer revision replaces it.
    Card,
    /// A sentence for a channel: nobody answered, a deadline passed, a status update.
    Notice,
    /// No message: a room of an incident is made or changed.
    Room,
    /// A picture of what a step of a run found; its bytes are kept beside the journal.
    Picture,
}

impl DeliveryKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Page, Self::Resolved, Self::Acknowledged, Self::Card, Self::Notice, Self::Room, Self::Picture];

    /// The word used in metrics and timelines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Resolved => "resolved",
            Self::Acknowledged => "acknowledged",
            Self::Card => "card",
            Self::Notice => "notice",
            Self::Room => "room",
            Self::Picture => "picture",
        }
    }
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A step of a policy tells a channel.
    StepTaken(PageId),
    /// A policy ran to its end and nobody acknowledged.
    Unanswered(PageId),
    /// A deadline of the severity passed.
    Late(Reminder),
    /// The status of the incident changed.
    Status,
    /// A step of a run asks people.
    RunAsks(RunId, u32),
    /// A run waits for somebody to say whether it goes on after a crash.
    RunWaits(RunId),
    /// A runbook answered by itself, and it did not help.
    NotHelped(RunId),
    /// A runbook was to start for a group and does not: its place among those of the group.
    HeldBack(u32),
    /// Of a picture: the newest of this step.
    Drawn(RunId, u32),
    /// What was quiet is heard again, or is quiet from now on.
    Quiet(QuietNotice),
    /// A task is this person's now.
    TaskGiven(TaskId),
    /// A task is overdue.
    TaskDue(TaskId),
    /// The incident was merged; the response goes on in this one.
    Merged(IncidentId),
    /// The lead went to somebody, who is told how it stands.
    HandedOver,
}

/// What a vendor made of one attempt: what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has it.
    Receipt(String),
    /// It stands in a chat room, where a later revision takes its place.
    Posted {
        /// What the platform answered.
        receipt: String,
        /// Where it is, in the platform's own ids.
        message: String,
    },
    /// It may take it later.
    TryAgain {
        /// The vendor asked for at least this pause.
        after: Option<SignedDuration>,
        /// What it said, without any secret.
        why: String,
    },
    /// It will never take it.
    Refused {
        /// What it said, without any secret.
        why: String,
    },
}

/// A card that stands in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// On which platform.
    pub channel: Channel,
    /// For which channel it was meant, as the configuration names it.
    pub to: ChannelName,
    /// Where it is, in the platform's own ids.
    pub message: String,
}

/// A delivery that is not finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// What it is.
    pub kind: DeliveryKind,
    /// What it is about.
    pub subject: Subject,
    /// The page that it belongs to.
    pub page: Option<PageId>,
    /// To whom.
    pub to: Recipient,
    /// Over which channel.
    pub channel: Channel,
    /// The idempotency key.
    pub key: String,
    /// Of a card: counted from 1.
    pub revision: u32,
    /// Of a notice: what it says.
    pub notice: Option<Notice>,
    /// Of an announcement: its words.
    #[serde(default)]
    pub said: Option<Prose>,
    /// Of a room: what has to be done to it.
    #[serde(default)]
    pub room: Option<RoomWork>,
    /// Attempts that have a permit so far.
    pub attempts: u32,
    /// Attempts that failed so far.
    pub failures: u32,
    /// When the next attempt is due (engine time).
    pub due: Timestamp,
    /// Whether an attempt has its permit and no outcome yet.
    pub leaving: bool,
}

impl Delivery {
    /// The journal that it comes from, which no other one is called.
    #[must_use]
    pub fn journal(&self) -> &str {
        self.key.split('.').next().unwrap_or_default()
    }

    /// Its key without its own number: the same for all messages of one page.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.key.rsplit_once('.').map_or(&*self.key, |(stem, _)| stem)
    }
}

/// How long to wait before attempt number `attempt + 1`: 2 s, 4 s, 8 s … up to 2 min; a vendor's own wish
/// counts when it is longer, up to 15 min. Of a page it counts up to 5 s before the second attempt and up to 2 min
/// before later ones: somebody is waiting for it. Deterministic: the queue spreads by its own due instants.
#[must_use]
pub fn back_off(kind: DeliveryKind, attempt: u32, asked: Option<SignedDuration>) -> SignedDuration {
    let exponent = attempt.clamp(1, 7);
    let own = SignedDuration::from_secs((1_i64 << exponent).min(120));
    let most = match (kind, attempt) {
        (DeliveryKind::Page, 0..=1) => SignedDuration::from_secs(5),
        (DeliveryKind::Page, _) => SignedDuration::from_mins(2),
        _ => SignedDuration::from_mins(15),
    };
    own.max(asked.unwrap_or_default().min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_may_ask_for_a_pause_but_never_hold_a_page_back() {
        for (kind, attempt, asked, expected) in [
            (DeliveryKind::Page, 1, None, 2),
            (DeliveryKind::Page, 1, Some(4), 4),
            (DeliveryKind::Page, 1, Some(900), 5),
            (DeliveryKind::Page, 2, Some(900), 120),
            (DeliveryKind::Page, 9, None, 120),
            (DeliveryKind::Card, 1, Some(60), 60),
            (DeliveryKind::Card, 1, Some(9_000), 900),
            (DeliveryKind::Notice, 3, Some(1), 8),
        ] {
            let asked = asked.map(SignedDuration::from_secs);
            assert_eq!(
                back_off(kind, attempt, asked),
                SignedDuration::from_secs(expected),
                "{kind:?} {attempt}"
            );
        }
    }
}
