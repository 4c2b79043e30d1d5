//! `[slack]`: how Slack is reached and heard, and what its slash commands are called. Never asks Slack anything.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    section::{Node, Reader},
    server,
    settings::Slack,
    whole::Whole,
};

/// The real Slack.
const SLACK: &str = "\"https://slack.com/api\"";
/// Characters of a slash command's name, with its `/`.
const NAME: usize = 32;

/// Slack's own commands, which no app can have; they are reached as `/watchbell …`.
pub const SLACKS_OWN: &[&str] = &[
    "/active",
    "/apps",
    "/archive",
    "/away",
    "/call",
    "/collapse",
    "/dm",
    "/dnd",
    "/expand",
    "/feed",
    "/feedback",
    "/help",
    "/huddle",
    "/invite",
    "/join",
    "/kick",
    "/leave",
    "/me",
    "/msg",
    "/mute",
    "/open",
    "/part",
    "/prefs",
    "/remind",
    "/remove",
    "/rename",
    "/search",
    "/shortcuts",
    "/shrug",
    "/star",
    "/status",
    "/topic",
    "/who",
];

/// `[slack]`
pub(super) fn slack(reader: &Reader<'_>, whole: &Whole<'_>) -> Option<Slack> {
    let mut section = whole.single.get("slack").and_then(Node::section)?;
    let signing = section.node("signing_secret");
    let by_http = signing.is_some();
    let signing = signing.and_then(|node| node.secret());
    let app = if by_http {
        // Slack sends to us, so no socket is needed; with both, the socket is used and HTTP is taken, too.
        section.node("app_token")
    } else {
        section.need("app_token", "app_token = { env = \"SLACK_APP_TOKEN\" }, or signing_secret for HTTP")
    };
    let bot = section.need("bot_token", "bot_token = { env = \"SLACK_BOT_TOKEN\" }");
    let rooms = server::rooms(&mut section);
    let strangers = server::strangers(&mut section);
    // Most of Slack is light, and most of Discord is dark.
    let dark_pictures = section.flag("dark_pictures").unwrap_or(false);
    let commands = section.node("commands").map(|node| names(reader, &node)).unwrap_or_default();
    let api_url = section.node("api_url").and_then(|node| node.url(&["http", "https"], SLACK));
    section.finish();
    let written = app.is_some();
    let (app, bot) = (app.and_then(|node| node.secret()), bot.and_then(|node| node.secret()));
    if app.is_none() && (written || !by_http) {
        return None;
    }
    Some(Slack {
        app_token: app,
        bot_token: bot?,
        signing_secret: signing,
        rooms,
        strangers,
        dark_pictures,
        commands,
        api_url: api_url.map(|(url, _)| url),
    })
}

/// What the slash commands are called: `{ incident = "/inc", page = "none" }`.
fn names(reader: &Reader<'_>, node: &Node<'_>) -> BTreeMap<String, Option<String>> {
    let mut names = BTreeMap::new();
    let mut known = BTreeSet::new();
    for (word, node) in node.entries() {
        let Some(name) = node.filled("\"/inc\", or \"none\"") else { continue };
        if name.value == "none" {
            names.insert(word.value, None);
            continue;
        }
        let bare = name.value.strip_prefix('/').unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let remedy = "write a name of your own, such as \"/inc\", or \"none\" to register none";
        if bare.is_empty() || name.value.len() > NAME || !bare.chars().all(plain) {
            let what = format!(
                "`{}` is no name of a slash command: / and up to {} small letters, digits, - and _",
                name.value,
                NAME - 1
            );
            reader.mistake(name.at, what, None, remedy);
        } else if SLACKS_OWN.contains(&&*name.value) {
            reader.mistake(name.at, format!("`{}` is Slack's own command", name.value), None, remedy);
        } else if !known.insert(name.value.clone()) {
            reader.mistake(name.at, format!("two commands are called `{}`", name.value), None, remedy);
        } else {
            names.insert(word.value, Some(name.value));
        }
    }
    names
}
