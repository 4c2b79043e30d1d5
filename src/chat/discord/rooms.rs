//! Rooms: text channels in a category, or threads of one channel. Never makes a second room for a plan whose room is
//! still there, and never opens one that was private.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use serenity::model::permissions::Permissions;
use sha2::{Digest, Sha256};

use super::{
    Hub, RoomStyle,
    escape::label,
    memory::Known,
    outward::{self, is_id},
    refusal::{self, About},
    rest::Call,
    wire,
};
use crate::{
    chat::port::{Failure, Place, Remedy, Room, RoomId, RoomPlan},
    text::discord::sentence,
};

/// Characters of a room's name, and of its topic.
const NAME: usize = 100;
const TOPIC: usize = 1_024;
/// A name that is taken gets numbers up to here.
const NUMBERS: usize = 50;
/// Threads are archived by themselves after so many minutes of silence: a week.
const THREAD_LASTS: u64 = 10_080;
const PUBLIC_THREAD: u64 = 11;
const PRIVATE_THREAD: u64 = 12;
/// What who is in a room may do there.
const INSIDE: Permissions =
    Permissions::VIEW_CHANNEL.union(Permissions::SEND_MESSAGES).union(Permissions::READ_MESSAGE_HISTORY);

/// Makes a room, or finds the one that was made for the same plan before.
pub(super) async fn create(hub: &Arc<Hub>, plan: &RoomPlan) -> Result<Room, Failure> {
    let guild = hub.guild()?;
    let name = clean(&plan.name, NAME);
    match &hub.options.rooms {
        RoomStyle::Channels { category, .. } => channel(hub, guild, *category, &name, plan).await,
        RoomStyle::Threads { channel } => thread(hub, guild, *channel, &name, plan).await,
    }
}

/// The bot's own account; asks for it while the gateway has not told yet, as after a start.
async fn myself(hub: &Hub) -> Result<String, Failure> {
    if let Some(me) = hub.me() {
        return Ok(me.user);
    }
    let me = hub.rest.call(Call::get("/users/@me")).await?;
    wire::some(&me, "id").ok_or_else(|| Failure::TryAgain("the answer names no account".into()))
}

/// Lower-case letters, digits and hyphens, at most `max` of them.
fn clean(name: &str, max: usize) -> String {
    let letter = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = name.chars().flat_map(char::to_lowercase).map(letter).collect();
    let name: String = name.trim_matches('-').chars().take(max).collect();
    if name.is_empty() { "incident".to_owned() } else { name }
}

/// A name with its number.
fn numbered(name: &str, number: usize) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let number = format!("-{number}");
    let kept: String = name.chars().take(NAME - number.len()).collect();
    format!("{kept}{number}")
}

/// Stands in a new room's topic, so that it is found again when the process ended before it was told of it.
fn mark(key: &str) -> String {
    let digest = Sha256::digest(key);
    format!("(ref {})", hex::encode(digest.get(..4).unwrap_or_default()))
}

async fn channel(
    hub: &Hub,
    guild: u64,
    category: Option<u64>,
    name: &str,
    plan: &RoomPlan,
) -> Result<Room, Failure> {
    // The room is not there yet: what is missing is missing in the whole server.
    let about = || About { permission: "Manage Channels", ..About::default() };
    let there = hub.rest.call(Call::get(format!("/guilds/{guild}/channels")).about(about())).await?;
    let there = there.as_array().map(Vec::as_slice).unwrap_or_default();
    let mark = mark(&plan.key);
    let ours = |channel: &&Value| wire::text(channel, "topic").ends_with(&mark);
    if let Some(made) = there.iter().find(ours) {
        return learnt(hub, made, guild);
    }
    let taken = |name: &str| there.iter().any(|channel| wire::text(channel, "name") == name);
    let free = (1..=NUMBERS).map(|number| numbered(name, number)).find(|name| !taken(name));
    let none = || Failure::Refused { why: format!("{NUMBERS} rooms are called {name}"), remedy: None };
    let name = free.ok_or_else(none)?;
    let topic = label(&plan.topic, TOPIC - mark.len() - 1);
    let mut body = json!({ "name": name, "type": 0, "topic": format!("{topic} {mark}").trim() });
    let me = if plan.private { Some(myself(hub).await?) } else { None };
    if let Some(body) = body.as_object_mut() {
        if let Some(category) = category {
            body.insert("parent_id".into(), category.to_string().into());
        }
        if let Some(me) = me {
            body.insert("permission_overwrites".into(), json!([
                { "id": guild.to_string(), "type": 0, "allow": "0", "deny": Permissions::VIEW_CHANNEL.bits().to_string() },
                { "id": me, "type": 1, "allow": INSIDE.bits().to_string(), "deny": "0" },
            ]));
        }
    }
    let made = hub.rest.call(Call::post(format!("/guilds/{guild}/channels"), body).about(about())).await?;
    learnt(hub, &made, guild)
}

async fn thread(hub: &Hub, guild: u64, parent: u64, name: &str, plan: &RoomPlan) -> Result<Room, Failure> {
    let me = myself(hub).await?;
    let about =
        About::room(parent, if plan.private { "Create Private Threads" } else { "Create Public Threads" });
    let there =
        hub.rest.call(Call::get(format!("/guilds/{guild}/threads/active")).about(about.clone())).await?;
    let inside = wire::list(&there, "threads")
        .iter()
        .filter(|thread| wire::text(thread, "parent_id") == parent.to_string());
    let inside: Vec<&Value> = inside.collect();
    let named = |name: &str| inside.iter().find(|thread| wire::text(thread, "name") == name).copied();
    // A thread says nothing of its plan, but nobody else makes one of this name in the bot's name.
    let mut number = 1;
    let mut free = name.to_owned();
    while let Some(taken) = named(&free) {
        if wire::text(taken, "owner_id") == me && !hub.made_for_another(&wire::text(taken, "id"), &plan.key) {
            hub.remember_made(&wire::text(taken, "id"), &plan.key);
            return learnt(hub, taken, guild);
        }
        number += 1;
        free = numbered(name, number);
    }
    let body = json!({
        "name": free, "auto_archive_duration": THREAD_LASTS, "invitable": !plan.private,
        "type": if plan.private { PRIVATE_THREAD } else { PUBLIC_THREAD },
    });
    let made = hub.rest.call(Call::post(format!("/channels/{parent}/threads"), body).about(about)).await?;
    hub.remember_made(&wire::text(&made, "id"), &plan.key);
    learnt(hub, &made, guild)
}

fn learnt(hub: &Hub, channel: &Value, guild: u64) -> Result<Room, Failure> {
    let (id, guild) = (wire::text(channel, "id"), guild.to_string());
    if id.is_empty() {
        return Err(Failure::TryAgain("the answer names no room".into()));
    }
    let mut rooms = hub.rooms();
    rooms.learn(channel, &guild);
    Ok(rooms.room(&id, &guild))
}

/// What kind of room it is; asks when the gateway did not tell.
async fn known(hub: &Hub, room: &RoomId, permission: &'static str) -> Result<(bool, Option<Value>), Failure> {
    if let Some(thread) = hub.rooms().get(&room.0).map(Known::is_thread) {
        return Ok((thread, None));
    }
    let channel = get(hub, room, permission).await?;
    Ok((hub.rooms().get(&room.0).is_some_and(Known::is_thread), Some(channel)))
}

async fn get(hub: &Hub, room: &RoomId, permission: &'static str) -> Result<Value, Failure> {
    let about = About::room(hub.name(room), permission);
    let channel = hub.rest.call(Call::get(format!("/channels/{room}")).about(about)).await?;
    hub.rooms().learn(&channel, "");
    Ok(channel)
}

/// What the room is about. A thread has no topic: there it is said.
pub(super) async fn set_topic(hub: &Arc<Hub>, room: &RoomId, topic: &str) -> Result<(), Failure> {
    let (is_thread, _) = known(hub, room, "Manage Channels").await?;
    if is_thread {
        let key = format!("topic {topic}");
        let place = Place::Room(room.clone());
        return outward::send(hub, &place, &sentence(topic), &key).await.map(drop);
    }
    let body = json!({ "topic": label(topic, TOPIC) });
    let about = About::room(hub.name(room), "Manage Channels");
    hub.rest.call(Call::patch(format!("/channels/{room}"), body).about(about)).await.map(drop)
}

/// Brings people in.
pub(super) async fn invite(hub: &Hub, room: &RoomId, accounts: &[String]) -> Result<(), Failure> {
    let (is_thread, _) = known(hub, room, "Manage Roles").await?;
    for account in accounts {
        let wrong = || Failure::Refused {
            why: "no account".into(),
            remedy: Some(Remedy::NameAccount(account.clone())),
        };
        if !is_id(account) {
            return Err(wrong());
        }
        let name = hub.name(room);
        let call = if is_thread {
            let about =
                About { account: Some(account.clone()), ..About::room(name, "Send Messages in Threads") };
            Call::put(format!("/channels/{room}/thread-members/{account}"), None).about(about)
        } else {
            let about = About { account: Some(account.clone()), ..About::room(name, "Manage Roles") };
            let body = json!({ "type": 1, "allow": INSIDE.bits().to_string(), "deny": "0" });
            Call::put(format!("/channels/{room}/permissions/{account}"), Some(body)).about(about)
        };
        hub.rest.call(call).await?;
    }
    Ok(())
}

/// Closes a room: nobody but the bot writes there any more, and whoever could read it still can.
pub(super) async fn archive(hub: &Hub, room: &RoomId) -> Result<(), Failure> {
    let channel = get(hub, room, "Manage Channels").await?;
    let about = About::room(hub.name(room), "Manage Channels");
    let patch = |body: Value| Call::patch(format!("/channels/{room}"), body).about(about.clone());
    if hub.rooms().get(&room.0).is_some_and(Known::is_thread) {
        let state = channel.get("thread_metadata").cloned().unwrap_or_default();
        if wire::is(&state, "archived") && wire::is(&state, "locked") {
            return Ok(());
        }
        return hub.rest.call(patch(json!({ "archived": true, "locked": true }))).await.map(drop);
    }
    let guild = hub.guild()?;
    let me = myself(hub).await?;
    let before = wire::list(&channel, "permission_overwrites");
    let overwrites = closed(before, &guild.to_string(), &me);
    if !says_the_same(before, &overwrites) {
        hub.rest.call(patch(json!({ "permission_overwrites": overwrites }))).await?;
    }
    // By itself, because a category that is full must not keep the room open.
    match &hub.options.rooms {
        RoomStyle::Channels { archive: Some(archive), .. }
            if wire::text(&channel, "parent_id") != archive.to_string() =>
        {
            hub.rest.call(patch(json!({ "parent_id": archive.to_string() }))).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Whether two lists of overwrites are the same but for their order and for what Discord adds.
fn says_the_same(one: &[Value], other: &[Value]) -> bool {
    let all = |list: &[Value]| -> BTreeSet<[String; 3]> {
        list.iter().map(|of| ["id", "allow", "deny"].map(|key| wire::text(of, key))).collect()
    };
    all(one) == all(other)
}

/// The overwrites of a room in which only the bot writes: what was denied stays denied.
fn closed(overwrites: &[Value], guild: &str, me: &str) -> Vec<Value> {
    let bits = |overwrite: &Value, key: &str| {
        Permissions::from_bits_retain(wire::text(overwrite, key).parse().unwrap_or_default())
    };
    let mute = Permissions::SEND_MESSAGES | Permissions::SEND_MESSAGES_IN_THREADS;
    let mut all: Vec<Value> = Vec::new();
    let mut everybody = false;
    for overwrite in overwrites {
        let id = wire::text(overwrite, "id");
        everybody |= id == guild;
        let (mut allow, mut deny) = (bits(overwrite, "allow"), bits(overwrite, "deny"));
        if id != me {
            allow -= mute;
        }
        if id == guild {
            deny |= mute;
        }
        all.push(json!({
            "id": id, "type": wire::number(overwrite, "type"),
            "allow": allow.bits().to_string(), "deny": deny.bits().to_string(),
        }));
    }
    if !everybody {
        all.push(json!({ "id": guild, "type": 0, "allow": "0", "deny": mute.bits().to_string() }));
    }
    all
}

/// The room of this name or with this id.
pub(super) async fn find(hub: &Hub, name: &str) -> Result<Room, Failure> {
    let guild = hub.guild()?;
    let name = name.trim().trim_start_matches('#');
    let unknown = |why: &str| Failure::Refused {
        why: why.to_owned(),
        remedy: Some(Remedy::NameRoom(format!("#{name}"))),
    };
    if is_id(name) && name.len() > 14 {
        let about = About::room(name, "View Channel");
        return match hub.rest.call(Call::get(format!("/channels/{name}")).about(about)).await {
            Ok(channel) if wire::text(&channel, "guild_id") == guild.to_string() => {
                learnt(hub, &channel, guild)
            }
            Ok(_) => Err(unknown("it is in another server")),
            Err(failure) if refusal::code(&failure) == Some(10_003) => Err(unknown("10003 Unknown Channel")),
            Err(failure) => Err(failure),
        };
    }
    let about = About::room(format!("#{name}"), "View Channel");
    let there = hub.rest.call(Call::get(format!("/guilds/{guild}/channels")).about(about)).await?;
    let there = there.as_array().map(Vec::as_slice).unwrap_or_default();
    // 0: text, 5: announcements.
    let texts = there.iter().filter(|channel| matches!(wire::number(channel, "type"), 0 | 5));
    let mut named = texts.filter(|channel| wire::text(channel, "name").to_lowercase() == name.to_lowercase());
    named
        .next()
        .map_or_else(|| Err(unknown("no channel has this name")), |channel| learnt(hub, channel, guild))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_numbers_fit_too() {
        for (name, expected) in [
            ("inc-42-Database is DOWN", "inc-42-database-is-down"),
            ("--", "incident"),
            ("größe_1", "größe_1"),
        ] {
            assert_eq!(clean(name, NAME), expected);
        }
        let long = clean(&"x".repeat(300), NAME);
        assert_eq!((long.len(), numbered(&long, 12).len()), (NAME, NAME));
        assert_eq!((numbered("inc-42", 1), numbered("inc-42", 2)), ("inc-42".into(), "inc-42-2".into()));
    }

    #[test]
    fn a_closed_room_is_still_as_private_as_it_was() {
        let view = Permissions::VIEW_CHANNEL.bits();
        let before = json!([
            { "id": "5", "type": 0, "allow": "0", "deny": view.to_string() },
            { "id": "7", "type": 1, "allow": INSIDE.bits().to_string(), "deny": "0" },
            { "id": "100", "type": 1, "allow": INSIDE.bits().to_string(), "deny": "0" },
        ]);
        let after = closed(before.as_array().unwrap(), "5", "100");
        let bits =
            |n: usize, key: &str| Permissions::from_bits_retain(wire::text(&after[n], key).parse().unwrap());
        assert!(bits(0, "deny").contains(Permissions::VIEW_CHANNEL | Permissions::SEND_MESSAGES));
        assert!(bits(1, "allow").contains(Permissions::VIEW_CHANNEL));
        assert!(!bits(1, "allow").contains(Permissions::SEND_MESSAGES));
        assert_eq!(bits(2, "allow"), INSIDE);
        assert_eq!(closed(&[], "5", "100").len(), 1);
    }
}
