//! What a chat platform's adapter says by itself: what somebody has to mend, whether a platform is heard, and what
//! became of a click. Never names a secret, and never escapes for a platform.

use serde::{Deserialize, Serialize};

use super::card::{Card, Tone};
use crate::domain::delivery::Channel;

/// What somebody has to do so that a chat platform works; [`remedy`] has the words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Invite the bot into this room.
    InviteBot(String),
    /// Give the app this scope and install it again.
    Scope(String),
    /// Give the bot this permission (in this room, when one is named).
    Permission {
        /// The permission as the platform calls it.
        name: String,
        /// Where.
        room: Option<String>,
    },
    /// Switch on this privileged intent, or another switch of the app (`Socket Mode`).
    Intent(String),
    /// Make a new token and put it into the configuration (which key).
    Token(String),
    /// Name a room that exists.
    NameRoom(String),
    /// Name an account that exists.
    NameAccount(String),
    /// Invite this account by hand: the platform lets no bot do it.
    Guest(String),
    /// Bring the bot into the guild or the workspace.
    Install,
    /// The person has to allow direct messages.
    AllowMessages,
    /// Set the clock of this machine.
    SetClock,
}

/// What to do, in a sentence; `platform` is its name as people write it (`Slack`).
#[must_use]
pub fn remedy(remedy: &Remedy, platform: &str) -> String {
    match remedy {
        Remedy::InviteBot(room) => format!("Invite the bot into {room}: write `/invite @watchbell` there."),
        Remedy::Scope(scope) => {
            format!("Give the {platform} app the scope `{scope}` and install it again.")
        }
        Remedy::Permission { name, room: Some(room) } => {
            format!("Give the bot the permission “{name}” in {room} on {platform}.")
        }
        Remedy::Permission { name, room: None } => {
            format!("Give the bot the permission “{name}” on {platform}.")
        }
        Remedy::Intent(name) => format!("Switch on “{name}” in the settings of the {platform} app."),
        Remedy::Token(key) => {
            format!(
                "Make a new token in the settings of the {platform} app and put it where `{key}` points to."
            )
        }
        Remedy::NameRoom(room) => {
            format!(
                "There is no room {room} that the bot can see on {platform}: name one that exists, or invite the bot."
            )
        }
        Remedy::NameAccount(account) => {
            format!("There is no account {account} on {platform}: correct it in the configuration.")
        }
        Remedy::Guest(account) => format!(
            "{platform} does not let the bot bring in {account} (a guest, say): invite them by hand, or give them a \
             full account."
        ),
        Remedy::Install => format!("Install the {platform} app again: it is not there any more."),
        Remedy::AllowMessages => {
            format!("The person has to allow direct messages from the bot in their {platform} settings.")
        }
        Remedy::SetClock => "Set the clock of the machine that Watchbell runs on.".to_owned(),
    }
}

/// Why somebody whose account is nobody's may only look.
#[must_use]
pub fn stranger(channel: Channel, account: &str) -> String {
    let (platform, known) = (super::room::platform(channel), super::me::how_to_be_known(channel, account));
    format!("Your {platform} account is nobody's in Watchbell, so you may only look. {known}")
}

/// The engine did not take what somebody wanted.
#[must_use]
pub fn not_taken(busy: bool) -> Card {
    let text = if busy {
        "Watchbell is very busy at this moment. Try it again."
    } else {
        "Watchbell is stopping. Try it again when it is back."
    };
    Card {
        title: "Nothing was done.".to_owned(),
        tone: Tone::Warning,
        text: text.to_owned(),
        ..Card::default()
    }
}

/// What somebody did came so late that they do not expect it any more.
#[must_use]
pub fn too_late(platform: &str, minutes: i64) -> Card {
    Card {
        title: "Nothing was done.".to_owned(),
        tone: Tone::Warning,
        text: format!(
            "{platform} delivered this {minutes} minutes late, and what comes late is not done any more. Do it again \
             if you still want it. If you did it just now, the clock of Watchbell's machine is wrong."
        ),
        ..Card::default()
    }
}

/// What stands behind a button or in a form cannot be read: it was made by another release.
#[must_use]
pub fn outdated() -> Card {
    Card {
        title: "Nothing was done.".to_owned(),
        tone: Tone::Warning,
        text: "This button or form was made by another release of Watchbell and does nothing any more. Write the \
               command, or use a newer message."
            .to_owned(),
        ..Card::default()
    }
}

/// Said below an input of a form that cannot be read any more.
#[must_use]
pub fn outdated_form() -> &'static str {
    "Nothing was done: this form was made by another release of Watchbell. Close it and open it again."
}

/// Somebody of a workspace that Watchbell does not work for.
#[must_use]
pub fn foreign(platform: &str) -> Card {
    Card {
        title: "Nothing was done.".to_owned(),
        tone: Tone::Warning,
        text: format!("This Watchbell works for another workspace of {platform}."),
        ..Card::default()
    }
}

/// A platform has not been connected since the start.
#[must_use]
pub fn not_yet() -> &'static str {
    "not connected yet"
}

/// A platform is heard (again).
#[must_use]
pub fn up(platform: &str) -> String {
    format!("{platform} is connected.")
}

/// A platform is not heard for now.
#[must_use]
pub fn down(platform: &str, why: &str) -> String {
    format!("{platform} is not connected ({why}). Watchbell tries again by itself.")
}

/// A platform will not be heard until somebody mends something.
#[must_use]
pub fn broken(platform: &str, cure: &Remedy, why: &str) -> String {
    format!(
        "{platform} refuses the bot ({why}). {} Watchbell looks again once a minute.",
        remedy(cure, platform)
    )
}

/// Said to a person whose command or click ended in an error of ours.
#[must_use]
pub fn failed() -> Card {
    Card {
        title: "That did not work".to_owned(),
        tone: Tone::Warning,
        text:
            "Something went wrong inside Watchbell. Look at what is there before you try it again: part of \
               it may have been done."
                .to_owned(),
        ..Card::default()
    }
}

/// Said before an answer that comes too late for the place where it was asked for.
#[must_use]
pub fn late(platform: &str) -> Card {
    Card {
        title: "A late answer".to_owned(),
        text: format!(
            "What you asked for took longer than {platform} keeps its place open. Here is the answer."
        ),
        ..Card::default()
    }
}

/// Said when a form could not be shown in time.
#[must_use]
pub fn form_missed() -> Card {
    Card {
        title: "The form could not be shown".to_owned(),
        tone: Tone::Warning,
        text: "Nothing was done. Press the button again, or write the command.".to_owned(),
        ..Card::default()
    }
}

/// Said below an input of a form that may not stay empty.
#[must_use]
pub fn fill_in() -> &'static str {
    "Please fill this in."
}

/// The button that closes a form without sending it.
#[must_use]
pub fn cancel() -> &'static str {
    "Cancel"
}

/// Shown in the place of what had no room: how many things, or none when a text was shortened; and where all of it
/// can be read, if that is known.
#[must_use]
pub fn more(count: usize, whole: &str) -> String {
    let what = if count > 0 { format!("and {count} more") } else { "This is not all of it".to_owned() };
    let whole = super::plain::plain(whole, 100);
    if whole.is_empty() { what } else { format!("{what}. All of it: {whole}") }
}

/// Shown before a command that is too long for a button.
#[must_use]
pub fn instead_of_button(label: &str) -> String {
    format!("{label}: write")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remedy_says_what_to_do_and_where() {
        let room = || "#ops".to_owned();
        for (cure, words) in [
            (Remedy::InviteBot(room()), "Invite the bot into #ops: write `/invite @watchbell` there."),
            (
                Remedy::Scope("chat:write".into()),
                "Give the Slack app the scope `chat:write` and install it again.",
            ),
            (
                Remedy::Permission { name: "Manage Channels".into(), room: Some(room()) },
                "Give the bot the permission “Manage Channels” in #ops on Slack.",
            ),
            (
                Remedy::Permission { name: "Send Messages".into(), room: None },
                "Give the bot the permission “Send Messages” on Slack.",
            ),
            (
                Remedy::Intent("Socket Mode".into()),
                "Switch on “Socket Mode” in the settings of the Slack app.",
            ),
            (
                Remedy::Token("slack.bot_token".into()),
                "Make a new token in the settings of the Slack app and put it where `slack.bot_token` points to.",
            ),
            (
                Remedy::NameRoom(room()),
                "There is no room #ops that the bot can see on Slack: name one that exists, or invite the bot.",
            ),
            (
                Remedy::NameAccount("U1".into()),
                "There is no account U1 on Slack: correct it in the configuration.",
            ),
            (
                Remedy::Guest("U1".into()),
                "Slack does not let the bot bring in U1 (a guest, say): invite them by hand, or give them a full account.",
            ),
            (Remedy::Install, "Install the Slack app again: it is not there any more."),
            (
                Remedy::AllowMessages,
                "The person has to allow direct messages from the bot in their Slack settings.",
            ),
            (Remedy::SetClock, "Set the clock of the machine that Watchbell runs on."),
        ] {
            assert_eq!(remedy(&cure, "Slack"), words);
        }
        assert_eq!(
            broken("Slack", &Remedy::Install, "token_revoked"),
            "Slack refuses the bot (token_revoked). Install the Slack app again: it is not there any more. Watchbell \
             looks again once a minute."
        );
        assert_eq!(more(3, ""), "and 3 more");
        assert_eq!(more(0, "/alert list"), "This is not all of it. All of it: /alert list");
        assert!(up("Slack").contains("connected") && down("Slack", "no network").contains("no network"));
    }
}
