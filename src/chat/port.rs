//! What a chat platform can do and what is heard from it, in the same words for all of them. An adapter speaks its
//! platform's protocol behind these and knows nothing of incidents; nobody else knows a platform's protocol.

use std::{collections::BTreeMap, fmt, pin::Pin, str::FromStr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::text::chat::Remedy;
use crate::{
    domain::delivery::Channel,
    text::card::{Card, Form},
};

/// An answer that is under way.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// A chat platform, outwards. Every call answers within ten seconds, keeps to the platform's rate limits by itself,
/// shortens what is too long for the platform (with a link to the whole where there is one), and lets neither a
/// token nor a stranger's markup through.
pub trait Platform: Send + Sync {
    /// Which platform it is.
    fn channel(&self) -> Channel;

    /// Says something. `key` is the same for every attempt of the same message: where the platform can recognise a
    /// repetition, it does.
    fn send<'a>(&'a self, to: &'a Place, card: &'a Card, key: &'a str) -> Work<'a, MessageRef>;

    /// Says something else in the place of an earlier message. [`Failure::Gone`]: it was deleted.
    fn edit<'a>(&'a self, message: &'a MessageRef, card: &'a Card) -> Work<'a, ()>;

    /// A picture with its words; `key` as for [`Platform::send`].
    fn picture<'a>(&'a self, to: &'a Place, picture: &'a Picture, key: &'a str) -> Work<'a, MessageRef>;

    /// What somebody wrote, for the timeline.
    fn read<'a>(&'a self, message: &'a MessageRef) -> Work<'a, Words>;

    /// Pins a message; one that is pinned already stays so.
    fn pin<'a>(&'a self, message: &'a MessageRef) -> Work<'a, ()>;

    /// A room for an incident. A name that is taken gets a number (`inc-42-2`); the room that comes back says how it
    /// is called. Asked again with the same plan after a crash it may return the room that it made before.
    fn create_room<'a>(&'a self, plan: &'a RoomPlan) -> Work<'a, Room>;

    /// What the room is about.
    fn set_topic<'a>(&'a self, room: &'a RoomId, topic: &'a str) -> Work<'a, ()>;

    /// Brings people in; who is there already stays. Accounts by the platform's ids.
    fn invite<'a>(&'a self, room: &'a RoomId, accounts: &'a [String]) -> Work<'a, ()>;

    /// Closes a room; one that is closed already stays so.
    fn archive<'a>(&'a self, room: &'a RoomId) -> Work<'a, ()>;

    /// The room of this name (`#ops`, without the platform's prefix) or with this id.
    fn find_room<'a>(&'a self, name: &'a str) -> Work<'a, Room>;

    /// Who an account is.
    fn account<'a>(&'a self, id: &'a str) -> Work<'a, Account>;

    /// Looks whether everything is set up as it has to be: token, scopes, intents, clock, the rooms that are named.
    fn examine<'a>(&'a self, rooms: &'a [String]) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>>;
}

/// Who listens to what the platforms hear.
pub trait Ear: Send + Sync {
    /// Somebody did something; what comes back is said where they did it. The adapter has acknowledged within the
    /// platform's time (Slack and Discord: three seconds) whatever happens here, and completes the same message.
    fn hear(&self, heard: Heard) -> Pin<Box<dyn Future<Output = Said> + Send + '_>>;

    /// What may stand at the cursor (a byte offset into `text`): the platform shows it while somebody types.
    /// Answers within half a second, if need be with nothing.
    fn complete<'a>(
        &'a self,
        channel: Channel,
        account: &'a str,
        text: &'a str,
        cursor: usize,
    ) -> Pin<Box<dyn Future<Output = Vec<Suggestion>> + Send + 'a>>;

    /// The connection came up or went down.
    fn link(&self, channel: Channel, link: Link);

    /// Something came that was refused and changed nothing; whoever did it was told, where there is somebody.
    fn strange(&self, channel: Channel, what: Strange) {
        let _ = (channel, what);
    }
}

/// What is wrong with something that came from a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strange {
    /// It cannot be read.
    Unreadable,
    /// It is longer than what is taken.
    TooLong,
    /// It is another guild's, workspace's or application's.
    Foreign,
    /// It belongs to a button or a form of which nothing is known any more.
    Forgotten,
    /// A form without a field that it needs.
    Incomplete,
}

/// Whether a platform is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It is.
    Up,
    /// It is not; the adapter tries again by itself. What went wrong, without a secret.
    Down(String),
    /// It will not be until somebody mends this (a token that was revoked).
    Broken(Remedy, String),
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A room.
    Room(RoomId),
    /// A thread below a message.
    Thread(MessageRef),
    /// A person's own conversation with the bot, by account.
    Person(String),
    /// The same, for somebody who is paged: when the platform's limits ask for a pause, that is said at once
    /// ([`Failure::Wait`]) instead of waiting for it, so that the next contact method goes.
    Page(String),
    /// In a room, for one account alone.
    Whisper {
        /// The room.
        room: RoomId,
        /// The account.
        account: String,
    },
}

/// A room's id on its platform (`C024BE91L`, `110000000000000042`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(pub String);

impl fmt::Display for RoomId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// What people call it, with its `#`.
    pub name: String,
    /// Where it opens in a browser, when that is known.
    pub url: Option<String>,
}

/// A room that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomPlan {
    /// Its name without `#`: lower-case letters, digits and hyphens; the adapter shortens it to what fits.
    pub name: String,
    /// What it is about.
    pub topic: String,
    /// Whether only who is invited sees it.
    pub private: bool,
    /// The same for every attempt.
    pub key: String,
}

/// Where a message is, in the platform's own ids; printed as `room/message`, and read from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageRef {
    /// The room.
    pub room: RoomId,
    /// The message: Slack's `ts`, Discord's id.
    pub message: String,
}

impl fmt::Display for MessageRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.room, self.message)
    }
}

impl FromStr for MessageRef {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once('/') {
            Some((room, message)) if !room.is_empty() && !message.is_empty() => {
                Ok(Self { room: RoomId(room.into()), message: message.into() })
            }
            _ => Err(()),
        }
    }
}

/// A message as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The account that wrote it.
    pub account: Account,
    /// What it says, as plain text.
    pub text: String,
    /// When (civil time).
    pub at: Timestamp,
    /// Where it opens in a browser.
    pub url: Option<String>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The file's name (`cpu.png`).
    pub name: String,
    /// A PNG.
    pub png: bytes::Bytes,
    /// What it shows, for whoever cannot see it.
    pub words: String,
}

/// Somebody's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The platform's id of it.
    pub id: String,
    /// What people see.
    pub name: String,
    /// A mail address that the platform has verified.
    pub mail: Option<String>,
    /// Whether it is a bot.
    pub bot: bool,
}

/// Something that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The platform's own id of it, the same when it is delivered twice; unique within the platform.
    pub id: String,
    /// Which platform.
    pub channel: Channel,
    /// The workspace or guild.
    pub workspace: String,
    /// Who, by account.
    pub account: String,
    /// Where; none: nowhere in particular.
    pub room: Option<Room>,
    /// When the platform says that it happened, if it does (civil time).
    pub at: Option<Timestamp>,
    /// What.
    pub act: Act,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Wrote a command: a slash command, or words after the bot's name. Begins with `/`.
    Command(String),
    /// Pressed a button or chose from a list: the command behind it. `message` is where it stood.
    Press {
        /// The command (`/ack G-17`).
        command: String,
        /// The message with the button.
        message: Option<MessageRef>,
    },
    /// Sent a form: the form's command with its values.
    Submit {
        /// The form's command, with its places still to be filled (`/incident note INC-3 {text}`).
        command: String,
        /// What was written into each place.
        values: BTreeMap<String, String>,
    },
    /// Put a reaction to a message, or took it away.
    React {
        /// Its name without colons (`pushpin`), or the character itself.
        name: String,
        /// Whether it was put.
        added: bool,
        /// To which message.
        message: MessageRef,
    },
    /// Pinned a message, or took the pin away.
    Pin {
        /// Which.
        message: MessageRef,
        /// Whether it was pinned.
        pinned: bool,
    },
    /// Changed a message.
    Edit {
        /// Which.
        message: MessageRef,
        /// What it says now.
        text: String,
    },
    /// Deleted a message.
    Delete(MessageRef),
    /// Came into a room.
    Join,
    /// Took the bot out of the workspace or the guild.
    Uninstall,
}

/// What is answered to somebody who did something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The cards; none: nothing is said.
    pub cards: Vec<Card>,
    /// Whether everybody in the room sees it; otherwise only whoever did it.
    pub to_all: bool,
    /// A form to fill in; where it can be shown at once the cards are not said.
    pub form: Option<Form>,
    /// What to do with the message whose button was pressed.
    pub original: Original,
}

/// What becomes of a message whose button was pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Original {
    /// It stays; it is edited by itself if what it is about changes.
    #[default]
    Stays,
    /// The answer takes its place.
    Replaced,
}

/// What may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is put in: the whole text up to there.
    pub text: String,
    /// What people see.
    pub shown: String,
}

/// Why a platform did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It asks for a pause of this length.
    Wait(Duration),
    /// It gave no good answer: again later. Without a secret.
    TryAgain(String),
    /// What was meant is not there any more: a deleted message, an archived room.
    Gone(String),
    /// It says no until somebody mends something.
    Refused {
        /// The platform's word (`not_in_channel`, `50013 Missing Permissions`).
        why: String,
        /// What to do about it, when that is known.
        remedy: Option<Remedy>,
    },
}

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at (`bot token`, `scope chat:write`, `#qflow-alerts`).
    pub what: String,
    /// What was found, when it is well.
    pub good: Result<String, Failure>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_again_by_what_was_printed() {
        let message = MessageRef { room: RoomId("C1".into()), message: "1700000000.000100".into() };
        assert_eq!(message.to_string().parse(), Ok(message));
        for wrong in ["", "C1", "/1", "C1/"] {
            assert_eq!(wrong.parse::<MessageRef>(), Err(()), "{wrong}");
        }
    }
}
