//! The app's manifest (<https://docs.slack.dev/reference/app-manifest>): everything that Watchbell needs of Slack, to
//! be pasted once. Pure. Never asks for more than is used.

use std::fmt::Write as _;

use url::Url;

use super::words::size;
use crate::config::SLACKS_OWN;

/// The bot's scopes, each with what it is for.
pub(super) const SCOPES: &[(&str, &str)] = &[
    ("app_mentions:read", "hears @watchbell"),
    ("channels:history", "reads what is pinned or marked, for the timeline"),
    ("channels:manage", "makes a room for an incident, invites, sets its topic, closes it"),
    ("channels:read", "finds rooms by their names"),
    ("chat:write", "speaks"),
    ("commands", "has slash commands"),
    ("files:read", "knows where a picture arrived"),
    ("files:write", "shows pictures"),
    ("groups:history", "the same for private rooms"),
    ("groups:read", "the same for private rooms"),
    ("groups:write", "the same for private rooms"),
    ("im:history", "hears what people write to it"),
    ("im:read", "knows its own conversations"),
    ("im:write", "pages people"),
    ("pins:read", "hears of pins"),
    ("pins:write", "pins the incident's card"),
    ("reactions:read", "hears of reactions"),
    ("users:read", "knows who somebody is"),
    ("users:read.email", "finds a person by their verified address"),
];

/// What is heard.
const EVENTS: &[&str] = &[
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "pin_added",
    "pin_removed",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
];

/// Characters of a command's description and of its hint.
const DESCRIPTION: usize = 2_000;
const HINT: usize = 1_000;

/// Commands of one app.
const COMMANDS: usize = 50;

/// The manifest as YAML. `commands` are names (`/incident`), summaries and hints, the most useful first; Slack's own
/// names, and what is more than Slack takes, are left out: all are reached by `/watchbell` and by a mention. Without
/// Socket Mode `public_url` is where Slack sends its requests.
#[must_use]
pub fn manifest(commands: &[(&str, &str, &str)], socket_mode: bool, public_url: Option<&Url>) -> String {
    let address = |path: &str| {
        let base = public_url.filter(|_| !socket_mode)?;
        Some(format!("{}/slack/{path}", base.as_str().trim_end_matches('/')))
    };
    let own = commands.iter().filter(|(name, ..)| !SLACKS_OWN.contains(name)).take(COMMANDS);
    let mut out = String::new();
    let mut line = |indent: usize, text: &str| {
        // cannot fail: writing to a String
        let _ = writeln!(out, "{:indent$}{text}", "");
    };
    line(0, "display_information:");
    line(2, "name: Watchbell");
    line(2, "description: The on-call team's bot");
    line(2, "background_color: \"#1d3557\"");
    line(0, "features:");
    line(2, "app_home:");
    line(4, "home_tab_enabled: false");
    line(4, "messages_tab_enabled: true");
    line(4, "messages_tab_read_only_enabled: false");
    line(2, "bot_user:");
    line(4, "display_name: watchbell");
    line(4, "always_online: true");
    line(2, "slash_commands:");
    for (name, summary, hint) in own {
        line(4, &format!("- command: {}", quoted(name, 32)));
        if let Some(url) = address("commands") {
            line(6, &format!("url: {}", quoted(&url, 3_000)));
        }
        line(6, &format!("description: {}", quoted(summary, DESCRIPTION)));
        if !hint.is_empty() {
            line(6, &format!("usage_hint: {}", quoted(hint, HINT)));
        }
        line(6, "should_escape: false");
    }
    line(0, "oauth_config:");
    line(2, "scopes:");
    line(4, "bot:");
    for (scope, why) in SCOPES {
        line(6, &format!("- {scope} # {why}"));
    }
    line(0, "settings:");
    line(2, "event_subscriptions:");
    if let Some(url) = address("events") {
        line(4, &format!("request_url: {}", quoted(&url, 3_000)));
    }
    line(4, "bot_events:");
    for event in EVENTS {
        line(6, &format!("- {event}"));
    }
    line(2, "interactivity:");
    line(4, "is_enabled: true");
    if let Some(url) = address("interactions") {
        line(4, &format!("request_url: {}", quoted(&url, 3_000)));
    }
    line(2, "org_deploy_enabled: false");
    line(2, &format!("socket_mode_enabled: {socket_mode}"));
    line(2, "token_rotation_enabled: false");
    out
}

/// A text of at most `max` units in quotes; JSON's are YAML's.
fn quoted(text: &str, max: usize) -> String {
    let mut text = crate::text::plain::plain(text, max);
    while size(&text) > max && text.pop().is_some() {}
    serde_json::Value::String(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: &[(&str, &str, &str)] = &[
        ("/watchbell", "Every command of Watchbell", "incident open P1 the database is down"),
        ("/incident", "Incidents: open, show, resolve …", "open P1 the database is down"),
        ("/ack", "Takes over: \"I have it\"\nand stops the page", "G-17"),
        ("/me", "Who I am", ""),
        ("/oncall", "Who is on call", ""),
    ];

    #[test]
    fn the_manifest_of_socket_mode() {
        insta::assert_snapshot!(manifest(COMMANDS, true, None));
    }

    #[test]
    fn the_manifest_of_http() {
        let url = "https://bell.example.com/".parse().unwrap();
        insta::assert_snapshot!(manifest(COMMANDS, false, Some(&url)));
    }
}
