//! Rooms: made, found, named, filled and closed (`conversations.*`). Never makes a second room for a plan whose room
//! it can find.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::prelude::*;
use tokio::time::Instant;

use super::{
    Inner,
    api::{Api, Call},
    faults::{self, About, says},
    pace::method,
    words::{fit, room_name, unescaped},
};
use crate::{
    chat::port::{Failure, Room, RoomId, RoomPlan},
    text::chat::Remedy,
};

/// Characters of a room's name, and of its topic.
const NAME: usize = 80;
const TOPIC: usize = 250;
/// Names that are tried: `inc-42`, `inc-42-2`, … `inc-42-20`.
const NUMBERS: u32 = 20;
/// Rooms on one page of the list, and pages that are read.
const PAGE: u32 = 200;
const PAGES: usize = 50;
/// People who are invited at once.
const GUESTS: usize = 30;
/// Names that are remembered, and how long a room that was found is believed in.
const KEPT: usize = 2_000;
const BELIEVED: Duration = Duration::from_mins(10);
/// The longest that a search through all rooms may take.
const SEARCH: Duration = Duration::from_secs(9);

/// A room as Slack describes it; only what is needed.
#[derive(Debug, Clone, Deserialize)]
struct Channel {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    creator: String,
    #[serde(default)]
    is_member: bool,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    purpose: Text,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Text {
    #[serde(default)]
    value: String,
}

#[derive(Debug, Deserialize)]
struct One {
    channel: Channel,
}

#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    response_metadata: Metadata,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    next_cursor: String,
}

/// What is known of rooms.
#[derive(Debug, Default)]
pub(super) struct Rooms(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    names: HashMap<String, String>,
    found: HashMap<String, (String, Instant)>,
    made: HashMap<String, Room>,
}

impl Rooms {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, channel: &Channel) {
        let mut known = self.known();
        if known.names.len() >= KEPT {
            known.names.clear();
            known.found.clear();
        }
        known.names.insert(channel.id.clone(), channel.name.clone());
        known.found.insert(channel.name.clone(), (channel.id.clone(), Instant::now()));
    }

    /// What a room is called, with its `#`; none: it has no name, or Slack does not say.
    pub(super) async fn name(&self, api: &Api, id: &str) -> Option<String> {
        let known = self.known().names.get(id).cloned();
        let name = match known {
            Some(name) => name,
            None => {
                let one: One =
                    api.call(Call::new(method::INFO).room(id), &json!({ "channel": id })).await.ok()?;
                self.remember(&one.channel);
                one.channel.name
            }
        };
        (!name.is_empty()).then(|| format!("#{name}"))
    }
}

impl Rooms {
    /// A remedy with the room's name instead of its id, where that is known.
    pub(super) fn spoken(&self, remedy: Remedy) -> Remedy {
        let known = self.known();
        let name = |id: String| known.names.get(&id).map_or(id, |name| format!("#{name}"));
        match remedy {
            Remedy::InviteBot(room) => Remedy::InviteBot(name(room)),
            Remedy::NameRoom(room) => Remedy::NameRoom(name(room)),
            Remedy::Permission { name: what, room } => {
                Remedy::Permission { name: what, room: room.map(name) }
            }
            other => other,
        }
    }
}

/// What is written into a room's purpose, so that it is found again.
fn purpose(key: &str) -> String {
    format!("Made by Watchbell for {}", fit(key, 120))
}

/// Whether something is a room's id and not its name: those are lower case.
fn is_id(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(['C', 'G', 'D'])
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

impl Inner {
    fn room(&self, channel: &Channel) -> Room {
        self.rooms.remember(channel);
        let url = self.me().map(|me| format!("https://app.slack.com/client/{}/{}", me.team, channel.id));
        Room { id: RoomId(channel.id.clone()), name: format!("#{}", channel.name), url }
    }

    pub(super) async fn create_room(&self, plan: &RoomPlan) -> Result<Room, Failure> {
        let made = self.rooms.known().made.get(&plan.key).cloned();
        if let Some(room) = made {
            return Ok(room);
        }
        for number in 1..=NUMBERS {
            let name = if number == 1 {
                room_name(&plan.name, NAME)
            } else {
                format!("{}-{number}", room_name(&plan.name, NAME - 3))
            };
            let request = json!({ "name": name, "is_private": plan.private });
            let channel = match self.api.call(Call::new(method::CREATE), &request).await {
                Ok(One { channel }) => channel,
                Err(failure) if says(&failure, "name_taken") => {
                    if self.me().is_none() {
                        self.greet().await?;
                    }
                    match self.named(&name).await?.filter(|channel| self.is_ours(channel, plan)) {
                        Some(channel) => channel,
                        None => continue,
                    }
                }
                Err(failure) => return Err(failure),
            };
            let room = self.room(&channel);
            // The purpose is the mark by which it is found again; the topic is what people read.
            let request = json!({ "channel": channel.id, "purpose": purpose(&plan.key) });
            let call = Call::new(method::SET_PURPOSE).room(&channel.id);
            let marked: Result<Value, _> = self.api.call(call, &request).await;
            // What Slack refuses here keeps nobody out of the room: it has its topic set again, and that says why.
            for done in [marked.map(drop), self.set_topic(&room.id, &plan.topic).await] {
                match done {
                    Err(failure @ Failure::Refused { .. }) => {
                        tracing::warn!(?failure, "a room was made without its purpose or topic");
                    }
                    done => done?,
                }
            }
            let mut known = self.rooms.known();
            if known.made.len() >= KEPT {
                known.made.clear();
            }
            known.made.insert(plan.key.clone(), room.clone());
            return Ok(room);
        }
        Err(Failure::Refused { why: "name_taken".to_owned(), remedy: None })
    }

    /// Whether a room was made for this plan: by its mark, or, when we ended before writing one, by its maker.
    fn is_ours(&self, channel: &Channel, plan: &RoomPlan) -> bool {
        let mark = unescaped(&channel.purpose.value);
        let unmarked = mark.is_empty() && self.me().is_some_and(|me| me.user == channel.creator);
        !channel.is_archived && (mark == unescaped(&purpose(&plan.key)) || unmarked)
    }

    pub(super) async fn set_topic(&self, room: &RoomId, topic: &str) -> Result<(), Failure> {
        let request = json!({ "channel": room.0, "topic": fit(topic, TOPIC) });
        let _: Value = self.api.call(Call::new(method::SET_TOPIC).room(&room.0), &request).await?;
        Ok(())
    }

    pub(super) async fn archive(&self, room: &RoomId) -> Result<(), Failure> {
        let request = SlackApiConversationsArchiveRequest::new(room.0.clone().into());
        let done: Result<Value, _> = self.api.call(Call::new(method::ARCHIVE).room(&room.0), &request).await;
        match done {
            Err(Failure::Gone(why)) if why == "is_archived" => Ok(()),
            Err(failure) if says(&failure, "already_archived") => Ok(()),
            done => done.map(drop),
        }
    }

    /// Brings everybody in whom Slack lets in; of those whom it does not, each is named with the reason.
    pub(super) async fn invite(&self, room: &RoomId, accounts: &[String]) -> Result<(), Failure> {
        let mut refused: Vec<(&str, Failure)> = Vec::new();
        for guests in accounts.chunks(GUESTS) {
            match self.invite_some(room, guests).await {
                // One of them is there already, or unknown: that says nothing of the others.
                Err(Failure::Refused { .. }) if guests.len() > 1 => {
                    for guest in guests {
                        match self.invite_some(room, std::slice::from_ref(guest)).await {
                            Err(failure @ Failure::Refused { .. }) => refused.push((guest, failure)),
                            one => one?,
                        }
                    }
                }
                Err(failure @ Failure::Refused { .. }) => {
                    refused.push((guests.first().map_or("", String::as_str), failure));
                }
                done => done?,
            }
        }
        let reason = |(account, failure): &(&str, Failure)| match failure {
            Failure::Refused { why, .. } => format!("{why} ({account})"),
            _ => String::new(),
        };
        let reasons = refused.iter().map(reason).collect::<Vec<_>>().join(", ");
        match refused.into_iter().next() {
            Some((_, Failure::Refused { remedy, .. })) => Err(Failure::Refused { why: reasons, remedy }),
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    async fn invite_some(&self, room: &RoomId, guests: &[String]) -> Result<(), Failure> {
        let request = SlackApiConversationsInviteRequest::new(
            room.0.clone().into(),
            guests.iter().map(|guest| guest.clone().into()).collect(),
        );
        // Slack takes them as one word, whatever the library's type says.
        let mut request = serde_json::to_value(&request).unwrap_or_default();
        if let Some(users) = request.get_mut("users") {
            *users = Value::String(guests.join(","));
        }
        let account = guests.first().map_or("", String::as_str);
        let call = Call::new(method::INVITE).room(&room.0).account(account);
        let done: Result<Value, _> = self.api.call(call, &request).await;
        match done {
            Err(failure) if guests.len() == 1 && says(&failure, "already_in_channel") => Ok(()),
            Err(failure) if guests.len() == 1 && says(&failure, "cant_invite_self") => Ok(()),
            done => done.map(drop),
        }
    }

    pub(super) async fn find_room(&self, name: &str) -> Result<Room, Failure> {
        self.look_up(name).await.map(|(room, _)| room)
    }

    /// A room and whether the bot is in it.
    pub(super) async fn look_up(&self, name: &str) -> Result<(Room, bool), Failure> {
        let wanted = name.trim_start_matches('#');
        let known = self.rooms.known().found.get(wanted).cloned();
        let known = known.filter(|(_, at)| at.elapsed() < BELIEVED).map(|(id, _)| id);
        if let Some(id) = known.or_else(|| is_id(wanted).then(|| wanted.to_owned())) {
            let call = Call::new(method::INFO).room(name);
            match self.api.call(call, &json!({ "channel": id })).await {
                Ok(One { channel }) if is_id(wanted) || channel.name == wanted => {
                    return Ok((self.room(&channel), channel.is_member));
                }
                Err(failure) if is_id(wanted) => return Err(failure),
                // It has another name now, or is gone: look for it.
                Ok(_) | Err(Failure::Refused { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        let found = self.named(wanted).await?.filter(|channel| !channel.is_archived);
        found.map(|channel| (self.room(&channel), channel.is_member)).ok_or_else(|| {
            faults::failure("channel_not_found", About { room: Some(name), ..About::default() })
        })
    }

    /// The room of this name, whether it is open or closed.
    async fn named(&self, name: &str) -> Result<Option<Channel>, Failure> {
        let search = async {
            let mut cursor = String::new();
            for _ in 0..PAGES {
                let mut request = json!({
                    "types": "public_channel,private_channel", "exclude_archived": "false",
                    "limit": PAGE.to_string(),
                });
                if let Some(request) = request.as_object_mut().filter(|_| !cursor.is_empty()) {
                    request.insert("cursor".to_owned(), Value::String(cursor));
                }
                let page: Page = self.api.call(Call::new(method::LIST), &request).await?;
                for channel in &page.channels {
                    if channel.name == name {
                        return Ok(Some(channel.clone()));
                    }
                }
                cursor = page.response_metadata.next_cursor;
                if cursor.is_empty() {
                    break;
                }
            }
            Ok(None)
        };
        let found = tokio::time::timeout(SEARCH, search).await;
        found.unwrap_or_else(|_| Err(Failure::TryAgain("the list of rooms is too long for now".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_name() {
        for (name, id) in
            [("C024BE91L", true), ("D1", true), ("ops", false), ("C", false), ("c1", false), ("OPS", false)]
        {
            assert_eq!(is_id(name), id, "{name}");
        }
    }
}
