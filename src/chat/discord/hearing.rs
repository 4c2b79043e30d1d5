//! What Discord's events say that somebody did. Pure but for what it remembers of pins. Never hears a bot, itself,
//! or another guild than the one it works for.

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    memory::{Kept, Rooms},
    outward::is_id,
    wire,
};
use crate::{
    chat::port::{Act, Heard, MessageRef},
    domain::delivery::Channel,
};

/// The workspace of a direct message.
pub(super) const NO_GUILD: &str = "@me";
/// The kind of the message with which Discord tells that somebody pinned another.
const PINNED: u64 = 6;

/// What is known while an event is read.
pub(super) struct Ground<'a> {
    /// The bot's own account.
    pub me: &'a str,
    /// The only guild that is heard; none: all.
    pub guild: Option<&'a str>,
    pub rooms: &'a Rooms,
    pub pinned: &'a mut Kept<MessageRef, ()>,
}

impl Ground<'_> {
    /// Whether something of this guild is for us. Direct messages have none.
    pub(super) fn is_ours(&self, guild: &str) -> bool {
        self.guild.is_none_or(|ours| ours == guild)
    }

    fn heard(&self, id: String, data: &Value, account: String, at: Option<Timestamp>, act: Act) -> Heard {
        let guild = wire::text(data, "guild_id");
        let room = wire::some(data, "channel_id").map(|room| self.rooms.room(&room, &guild));
        let workspace = if guild.is_empty() { NO_GUILD.to_owned() } else { guild };
        Heard { id, channel: Channel::Discord, workspace, account, room, at, act }
    }
}

/// The words of a message that are a command: after the bot's name, or in its own conversation.
pub(super) fn command(data: &Value, ground: &Ground<'_>) -> Option<Heard> {
    let guild = wire::text(data, "guild_id");
    if !is_somebody(data.get("author")?, ground.me) || data.get("webhook_id").is_some_and(|id| !id.is_null())
    {
        return None;
    }
    // 0: a message, 19: a reply. Everything else is Discord's own.
    if !matches!(wire::number(data, "type"), 0 | 19) {
        return None;
    }
    let content = wire::text(data, "content");
    let named = [format!("<@{}>", ground.me), format!("<@!{}>", ground.me)];
    let after = named.iter().find_map(|name| content.trim_start().strip_prefix(name.as_str()));
    let words = match after {
        _ if !guild.is_empty() && !ground.is_ours(&guild) => return None,
        Some(words) => words,
        None if guild.is_empty() => &content,
        None => return None,
    };
    let words = words.trim();
    let text = match words.strip_prefix('/') {
        Some(_) => words.to_owned(),
        None if words.is_empty() => "/watchbell".to_owned(),
        None => format!("/{words}"),
    };
    let author = wire::text(data.get("author")?, "id");
    let at = wire::text(data, "timestamp").parse().ok();
    Some(ground.heard(wire::text(data, "id"), data, author, at, Act::Command(text)))
}

/// What somebody did that is no command.
pub(super) fn acts(name: &str, data: &Value, id: &str, ground: &mut Ground<'_>) -> Vec<Heard> {
    let guild = wire::text(data, "guild_id");
    if name == "GUILD_DELETE" {
        return uninstalled(data, id, ground).into_iter().collect();
    }
    if guild.is_empty() || !ground.is_ours(&guild) {
        return Vec::new();
    }
    let message = |key: &str| wire::message(wire::text(data, "channel_id"), wire::text(data, key));
    match name {
        "MESSAGE_CREATE" if wire::number(data, "type") == PINNED => {
            pinned(data, ground).into_iter().collect()
        }
        "MESSAGE_UPDATE" => changed(data, id, ground),
        "MESSAGE_DELETE" => {
            let deleted = |message: MessageRef| {
                let id = format!("{}:deleted", message.message);
                ground.heard(id, data, String::new(), None, Act::Delete(message))
            };
            message("id").map(deleted).into_iter().collect()
        }
        "MESSAGE_DELETE_BULK" => {
            let deleted = |message: &Value| {
                let message = wire::message(wire::text(data, "channel_id"), message.as_str()?.to_owned())?;
                let id = format!("{}:deleted", message.message);
                Some(ground.heard(id, data, String::new(), None, Act::Delete(message)))
            };
            wire::list(data, "ids").iter().filter_map(deleted).collect()
        }
        "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => {
            let account = wire::text(data, "user_id");
            let bot = data
                .get("member")
                .and_then(|member| member.get("user"))
                .is_some_and(|user| wire::is(user, "bot"));
            let emoji = data.get("emoji").and_then(|emoji| wire::some(emoji, "name"));
            match (message("message_id"), emoji) {
                (Some(message), Some(name_of)) if account != ground.me && !bot => {
                    let act = Act::React { name: name_of, added: name == "MESSAGE_REACTION_ADD", message };
                    vec![ground.heard(id.to_owned(), data, account, None, act)]
                }
                _ => Vec::new(),
            }
        }
        "GUILD_MEMBER_ADD" => match data.get("user").filter(|user| is_somebody(user, ground.me)) {
            Some(user) => vec![ground.heard(id.to_owned(), data, wire::text(user, "id"), None, Act::Join)],
            None => Vec::new(),
        },
        "THREAD_MEMBERS_UPDATE" => {
            let room = ground.rooms.room(&wire::text(data, "id"), &guild);
            let joined = |member: &Value| {
                let account = wire::some(member, "user_id").filter(|account| account != ground.me)?;
                let heard = ground.heard(format!("{id}:{account}"), data, account, None, Act::Join);
                Some(Heard { room: Some(room.clone()), ..heard })
            };
            wire::list(data, "added_members").iter().filter_map(joined).collect()
        }
        _ => Vec::new(),
    }
}

/// A person's account: no bot, and not our own.
fn is_somebody(user: &Value, me: &str) -> bool {
    let id = wire::text(user, "id");
    !wire::is(user, "bot") && !wire::is(user, "system") && is_id(&id) && id != me
}

/// The bot was taken out of a guild; one that is merely unavailable comes back.
fn uninstalled(data: &Value, id: &str, ground: &Ground<'_>) -> Option<Heard> {
    let guild = wire::some(data, "id").filter(|guild| ground.is_ours(guild))?;
    if wire::is(data, "unavailable") {
        return None;
    }
    let heard = ground.heard(id.to_owned(), data, String::new(), None, Act::Uninstall);
    Some(Heard { workspace: guild, ..heard })
}

fn pinned(data: &Value, ground: &mut Ground<'_>) -> Option<Heard> {
    let meant = data.get("message_reference")?;
    let message = wire::message(wire::text(meant, "channel_id"), wire::text(meant, "message_id"))?;
    ground.pinned.put(message.clone(), (), Instant::now());
    let author = data.get("author").filter(|author| is_somebody(author, ground.me))?;
    let at = wire::text(data, "timestamp").parse().ok();
    let act = Act::Pin { message, pinned: true };
    Some(ground.heard(wire::text(data, "id"), data, wire::text(author, "id"), at, act))
}

/// A message was edited, or lost its pin. Discord does not say who took it away.
fn changed(data: &Value, id: &str, ground: &mut Ground<'_>) -> Vec<Heard> {
    let Some(message) = wire::message(wire::text(data, "channel_id"), wire::text(data, "id")) else {
        return Vec::new();
    };
    let mut acts = Vec::new();
    let now = Instant::now();
    match data.get("pinned").and_then(Value::as_bool) {
        Some(true) => ground.pinned.put(message.clone(), (), now),
        Some(false) if ground.pinned.get(&message, now).is_some() => {
            ground.pinned.forget(&message);
            let act = Act::Pin { message: message.clone(), pinned: false };
            acts.push(ground.heard(format!("{id}:unpinned"), data, String::new(), None, act));
        }
        _ => {}
    }
    let edited = wire::some(data, "edited_timestamp");
    let author = data.get("author").filter(|author| is_somebody(author, ground.me));
    // Without the intent MESSAGE_CONTENT there are no words to hear.
    let text = wire::words(data);
    if let (Some(edited), Some(author), false) = (edited, author, text.trim().is_empty()) {
        let act = Act::Edit { message: message.clone(), text };
        let id = format!("{}:edited:{edited}", message.message);
        acts.push(ground.heard(id, data, wire::text(author, "id"), edited.parse().ok(), act));
    }
    acts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn hear(events: &[(&str, Value)]) -> Vec<(String, Act)> {
        let (rooms, mut pinned) = (Rooms::default(), Kept::new(9, Duration::from_mins(1)));
        let mut ground = Ground { me: "100", guild: Some("5"), rooms: &rooms, pinned: &mut pinned };
        let all = events.iter().flat_map(|(name, data)| acts(name, data, "s:1", &mut ground));
        all.map(|heard| (heard.account, heard.act)).collect::<Vec<_>>()
    }

    fn meant() -> MessageRef {
        wire::message("6".into(), "9".into()).unwrap()
    }

    #[test]
    fn what_people_do_is_heard() {
        let by = |id: &str| json!({ "id": id, "username": "ana" });
        let (place, note) = (json!({ "guild_id": "5", "channel_id": "6" }), "edited_timestamp");
        let with = |more: Value| {
            let mut all = place.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let react = |added| Act::React { name: "📌".into(), added, message: meant() };
        let reaction = with(json!({ "user_id": "7", "message_id": "9", "emoji": { "name": "📌" } }));
        let reference = json!({ "channel_id": "6", "message_id": "9" });
        let cases = [
            ("MESSAGE_REACTION_ADD", reaction.clone(), vec![("7", react(true))]),
            ("MESSAGE_REACTION_REMOVE", reaction.clone(), vec![("7", react(false))]),
            ("MESSAGE_DELETE", with(json!({ "id": "9" })), vec![("", Act::Delete(meant()))]),
            ("MESSAGE_DELETE_BULK", with(json!({ "ids": ["9"] })), vec![("", Act::Delete(meant()))]),
            (
                "MESSAGE_CREATE",
                with(json!({ "id": "10", "type": 6, "author": by("7"), "message_reference": reference })),
                vec![("7", Act::Pin { message: meant(), pinned: true })],
            ),
            (
                "MESSAGE_UPDATE",
                with(json!({ "id": "9", "author": by("7"), "content": "new", note: "2026-01-01T00:00:00Z" })),
                vec![("7", Act::Edit { message: meant(), text: "new".into() })],
            ),
            (
                "MESSAGE_UPDATE",
                with(json!({ "id": "9", "author": by("7"), "content": "new", note: null })),
                vec![],
            ),
            (
                "MESSAGE_UPDATE",
                with(json!({ "id": "9", "author": by("7"), "content": "", note: "x" })),
                vec![],
            ),
            ("GUILD_MEMBER_ADD", with(json!({ "user": by("7") })), vec![("7", Act::Join)]),
            (
                "THREAD_MEMBERS_UPDATE",
                with(json!({ "id": "6", "added_members": [{ "user_id": "7" }, { "user_id": "100" }] })),
                vec![("7", Act::Join)],
            ),
            ("GUILD_DELETE", json!({ "id": "5" }), vec![("", Act::Uninstall)]),
            ("GUILD_DELETE", json!({ "id": "5", "unavailable": true }), vec![]),
            ("GUILD_DELETE", json!({ "id": "8" }), vec![]),
            ("MESSAGE_DELETE", json!({ "guild_id": "8", "channel_id": "6", "id": "9" }), vec![]),
            ("MESSAGE_REACTION_ADD", json!({ "guild_id": "5" }), vec![]),
            ("NEWLY_INVENTED", json!(null), vec![]),
        ];
        for (name, data, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|(who, act)| (who.to_owned(), act)).collect();
            assert_eq!(hear(&[(name, data.clone())]), expected, "{name} {data}");
        }
    }

    #[test]
    fn a_pin_that_is_taken_away_is_heard_when_it_was_known() {
        let update =
            |pinned: bool| json!({ "guild_id": "5", "channel_id": "6", "id": "9", "pinned": pinned });
        let events =
            [update(false), update(true), update(false), update(false)].map(|data| ("MESSAGE_UPDATE", data));
        assert_eq!(hear(&events), [(String::new(), Act::Pin { message: meant(), pinned: false })]);
    }

    #[test]
    fn words_after_the_name_are_a_command() {
        let (rooms, mut pinned) = (Rooms::default(), Kept::new(9, Duration::from_mins(1)));
        let ground = Ground { me: "100", guild: Some("5"), rooms: &rooms, pinned: &mut pinned };
        for (guild, content, expected) in [
            ("5", "<@100> incident open P1 down", Some("/incident open P1 down")),
            ("5", " <@!100> /ack G-1 ", Some("/ack G-1")),
            ("5", "<@100>", Some("/watchbell")),
            ("5", "hello <@100>", None),
            ("8", "<@100> ack", None),
            ("", "oncall now", Some("/oncall now")),
        ] {
            let mut data =
                json!({ "id": "9", "channel_id": "6", "content": content, "author": { "id": "7" } });
            if !guild.is_empty() {
                data["guild_id"] = json!(guild);
            }
            let act = command(&data, &ground).map(|heard| heard.act);
            assert_eq!(act, expected.map(|text| Act::Command(text.into())), "{content}");
            data["author"]["bot"] = json!(true);
            assert_eq!(command(&data, &ground), None);
        }
    }
}
