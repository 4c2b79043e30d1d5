//! What the bot says: messages, changes, pictures, pins, and what others wrote. Never says the same message twice when
//! Slack can tell that it was said.

use std::{collections::HashMap, sync::PoisonError, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::prelude::*;
use tokio::time::Instant;

use super::{
    Inner,
    api::Call,
    blocks::render,
    faults::says,
    pace::{Lane, method},
    words::{fit, mentioned, read},
};
use crate::{
    chat::port::{Account, Failure, MessageRef, Picture, Place, RoomId, Words},
    text::card::Card,
};

/// The mark of our messages, by which one is found again after an answer was lost.
const MARK: &str = "watchbell_message";
/// Messages that are looked through for it.
const LATEST: &str = "30";
/// So long what Slack says of an account is kept: names and mail addresses change.
const KNOWN_FOR: Duration = Duration::from_mins(1);
/// How often it is asked where a picture arrived.
const LOOKS: u64 = 6;

#[derive(Debug, Deserialize)]
struct Posted {
    ts: String,
    #[serde(default)]
    channel: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Whispered {
    message_ts: String,
}

#[derive(Debug, Deserialize)]
struct Opened {
    channel: OpenedChannel,
}

#[derive(Debug, Deserialize)]
struct OpenedChannel {
    id: String,
}

#[derive(Debug, Deserialize)]
struct History {
    #[serde(default)]
    messages: Vec<Written>,
}

#[derive(Debug, Deserialize)]
struct Written {
    ts: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    bot_id: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    metadata: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct UploadPlace {
    upload_url: url::Url,
    file_id: String,
}

impl Inner {
    pub(super) async fn send(&self, to: &Place, card: &Card, key: &str) -> Result<MessageRef, Failure> {
        let said = self.sent.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(message) = said {
            return Ok(message);
        }
        let message = self.say(to, card, Some(key)).await?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).add(key, &message);
        Ok(message)
    }

    /// Says a card; with a key, Slack is asked first when an earlier attempt had no answer.
    pub(super) async fn say(
        &self,
        to: &Place,
        card: &Card,
        key: Option<&str>,
    ) -> Result<MessageRef, Failure> {
        let (room, thread, lane) = match to {
            Place::Room(room) => (room.clone(), None, Lane::Room),
            Place::Thread(message) => (message.room.clone(), Some(message.message.clone()), Lane::Room),
            Place::Person(account) => (self.conversation(account, Lane::Person).await?, None, Lane::Person),
            Place::Page(account) => (self.conversation(account, Lane::Page).await?, None, Lane::Page),
            Place::Whisper { room, account } => return self.whisper(room, account, None, card).await,
        };
        let doubtful = |key: &str| {
            let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.is_doubtful(key)
        };
        if let Some(key) = key.filter(|key| doubtful(key))
            && let Some(ts) = self.said_already(&room, thread.as_deref(), lane, key).await?
        {
            return Ok(MessageRef { room, message: ts });
        }
        let mut content = render(card).content();
        if let Some(key) = key {
            let payload = HashMap::from([("key".to_owned(), key.to_owned())]);
            content.metadata = Some(SlackMessageMetadata::new(MARK.to_owned()).with_event_payload(payload));
        }
        let mut request = SlackApiChatPostMessageRequest::new(room.0.clone().into(), content)
            .with_link_names(false)
            .with_parse("none".to_owned())
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        request.thread_ts = thread.map(Into::into);
        let call = Call::new(method::POST).room(&room.0).lane(lane);
        let sent = || self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = key {
            sent().doubt(key);
        }
        let posted: Result<Posted, Failure> = self.api.call(call, &request).await;
        if let Some(key) = key.filter(|_| !matches!(posted, Err(Failure::TryAgain(_)))) {
            sent().settle(key);
        }
        let Posted { ts, channel } = posted?;
        Ok(MessageRef { room: channel.map_or(room, RoomId), message: ts })
    }

    /// Whether an earlier attempt arrived although nobody said so.
    async fn said_already(
        &self,
        room: &RoomId,
        thread: Option<&str>,
        lane: Lane,
        key: &str,
    ) -> Result<Option<String>, Failure> {
        let mut request = json!({ "channel": room.0, "limit": LATEST, "include_all_metadata": "true" });
        if let (Some(thread), Some(request)) = (thread, request.as_object_mut()) {
            request.insert("ts".to_owned(), Value::String(thread.to_owned()));
        }
        let method = if thread.is_some() { method::REPLIES } else { method::HISTORY };
        match self.api.call::<_, History>(Call::new(method).room(&room.0).lane(lane), &request).await {
            Ok(history) => Ok(history.messages.into_iter().find_map(|message| {
                let payload = message.metadata?;
                let found = payload.pointer("/event_payload/key").and_then(Value::as_str) == Some(key);
                found.then_some(message.ts)
            })),
            // Without the scope nobody can know: twice is better than never.
            Err(Failure::Refused { .. } | Failure::Gone(_)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// To one account alone, in a room.
    pub(super) async fn whisper(
        &self,
        room: &RoomId,
        account: &str,
        thread: Option<&str>,
        card: &Card,
    ) -> Result<MessageRef, Failure> {
        let content = render(card).content();
        let mut request =
            SlackApiChatPostEphemeralRequest::new(room.0.clone().into(), account.into(), content)
                .with_link_names(false)
                .with_parse("none".to_owned());
        request.thread_ts = thread.map(Into::into);
        let call = Call::new(method::POST_EPHEMERAL).room(&room.0).account(account);
        let Whispered { message_ts } = self.api.call(call, &request).await?;
        Ok(MessageRef { room: room.clone(), message: message_ts })
    }

    /// A person's own conversation with the bot.
    async fn conversation(&self, account: &str, lane: Lane) -> Result<RoomId, Failure> {
        let known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner).get(account).cloned();
        if let Some(room) = known {
            return Ok(room);
        }
        let call = Call::new(method::OPEN).lane(lane).account(account);
        let opened: Opened = self.api.call(call, &json!({ "users": account })).await?;
        let room = RoomId(opened.channel.id);
        let mut known = self.conversations.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= 10_000 {
            known.clear();
        }
        known.insert(account.to_owned(), room.clone());
        Ok(room)
    }

    pub(super) async fn edit(&self, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        let request = SlackApiChatUpdateRequest::new(
            message.room.0.clone().into(),
            render(card).content(),
            message.message.clone().into(),
        )
        .with_link_names(false)
        .with_parse("none".to_owned());
        let lane = if message.room.0.starts_with('D') { Lane::Person } else { Lane::Room };
        let call = Call::new(method::UPDATE).room(&message.room.0).lane(lane);
        let _: Value = self.api.call(call, &request).await?;
        Ok(())
    }

    pub(super) async fn pin(&self, message: &MessageRef) -> Result<(), Failure> {
        let request = json!({ "channel": message.room.0, "timestamp": message.message });
        let call = Call::new(method::PIN).room(&message.room.0);
        match self.api.call::<_, Value>(call, &request).await {
            Err(failure) if says(&failure, "already_pinned") => Ok(()),
            done => done.map(drop),
        }
    }

    /// A picture in three steps: an address, the bytes, the message. Slack says only a little later which message it
    /// became; when it does not say so in time, the reference holds the file's id and cannot be edited.
    /// Slack has no picture for one account alone in a room: a whispered one goes to the person themselves.
    pub(super) async fn picture(&self, to: &Place, picture: &Picture) -> Result<MessageRef, Failure> {
        let (room, thread, lane) = match to {
            Place::Room(room) => (room.clone(), None, Lane::Room),
            Place::Thread(message) => (message.room.clone(), Some(message.message.clone()), Lane::Room),
            Place::Person(account) | Place::Page(account) | Place::Whisper { account, .. } => {
                (self.conversation(account, Lane::Person).await?, None, Lane::Person)
            }
        };
        let words = fit(&picture.words, 1_000);
        let request = json!({
            "filename": picture.name, "length": picture.png.len().to_string(), "alt_txt": fit(&picture.words, 1_000),
        });
        let call = Call::new(method::UPLOAD_URL).lane(lane);
        let place: UploadPlace = self.api.call(call, &request).await?;
        self.api.upload(place.upload_url, picture.png.clone()).await?;
        let mut request = json!({
            "files": [{ "id": place.file_id, "title": fit(&picture.words, 200) }],
            "channel_id": room.0, "initial_comment": words,
        });
        if let (Some(thread), Some(request)) = (thread, request.as_object_mut()) {
            request.insert("thread_ts".to_owned(), Value::String(thread));
        }
        let call = Call::new(method::UPLOAD_DONE).room(&room.0).lane(lane);
        let done: Value = self.api.call(call, &request).await?;
        if let Some(ts) = done.pointer("/files/0").and_then(|file| shared(file, &room)) {
            return Ok(MessageRef { room, message: ts });
        }
        for look in 1..=LOOKS {
            tokio::time::sleep(Duration::from_millis(50 * look)).await;
            let call = Call::new(method::FILE).lane(lane);
            let found: Result<Value, _> = self.api.call(call, &json!({ "file": place.file_id })).await;
            let Ok(found) = found else { break };
            if let Some(ts) = found.get("file").and_then(|file| shared(file, &room)) {
                return Ok(MessageRef { room, message: ts });
            }
        }
        Ok(MessageRef { room, message: place.file_id })
    }

    pub(super) async fn read(&self, message: &MessageRef) -> Result<Words, Failure> {
        let (room, ts) = (&message.room.0, &message.message);
        let request =
            json!({ "channel": room, "latest": ts, "oldest": ts, "inclusive": "true", "limit": "1" });
        let history: History = self.api.call(Call::new(method::HISTORY).room(room), &request).await?;
        let mut found = history.messages.into_iter().find(|found| found.ts == *ts);
        if found.is_none() {
            // What stands in a thread is not in the room's history.
            let request = json!({ "channel": room, "ts": ts, "inclusive": "true", "limit": "20" });
            let replies: History = self.api.call(Call::new(method::REPLIES).room(room), &request).await?;
            found = replies.messages.into_iter().find(|found| found.ts == *ts);
        }
        let found = found.ok_or_else(|| Failure::Gone("message_not_found".to_owned()))?;
        let account = match &found.user {
            Some(user) => match self.account(user).await {
                // Whoever left, or is of another workspace: what they wrote is kept all the same.
                Err(Failure::Refused { .. } | Failure::Gone(_)) => {
                    Account { id: user.clone(), name: user.clone(), mail: None, bot: false }
                }
                known => known?,
            },
            None => {
                let id = found.bot_id.clone().unwrap_or_default();
                Account { name: id.clone(), id, mail: None, bot: true }
            }
        };
        let mut names = HashMap::new();
        for mentioned in mentioned(&found.text).into_iter().take(10) {
            if let Ok(account) = self.account(&mentioned).await {
                names.insert(mentioned, account.name);
            }
        }
        let request = json!({ "channel": room, "message_ts": ts });
        let link: Result<Value, _> = self.api.call(Call::new(method::PERMALINK).room(room), &request).await;
        let url = link.ok().and_then(|link| Some(link.get("permalink")?.as_str()?.to_owned()));
        Ok(Words {
            account,
            text: read(&found.text, |account| names.get(account).cloned()),
            at: super::hear::instant(ts).unwrap_or(Timestamp::UNIX_EPOCH),
            url,
        })
    }

    pub(super) async fn account(&self, id: &str) -> Result<Account, Failure> {
        let known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((_, account)) = known.filter(|(at, _)| at.elapsed() < KNOWN_FOR) {
            return Ok(account);
        }
        if self.me().is_none() {
            // Whose workspace is ours decides whose mail address counts.
            self.greet().await?;
        }
        let call = Call::new(method::USER).account(id);
        let found: Value = self.api.call(call, &json!({ "user": id })).await?;
        let account = who(id, &found, self.me().map_or("", |me| &me.team));
        let mut known = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= 10_000 {
            known.clear();
        }
        known.insert(id.to_owned(), (Instant::now(), account.clone()));
        Ok(account)
    }
}

/// An account as `users.info` tells of it; `team` is our workspace.
fn who(id: &str, found: &Value, team: &str) -> Account {
    let text =
        |pointer: &str| found.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let flag = |pointer: &str| found.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
    let name = text("/user/profile/display_name")
        .or_else(|| text("/user/profile/real_name"))
        .or_else(|| text("/user/name"))
        .unwrap_or(id);
    // Another workspace (Slack Connect) verifies its members' addresses by its own rules, and guests are invited to
    // any address: neither says who somebody is here. In an Enterprise organisation the workspaces are listed.
    let teams = found.pointer("/user/enterprise_user/teams").and_then(Value::as_array);
    let listed = teams.is_some_and(|teams| teams.iter().any(|one| one.as_str() == Some(team)));
    let ours = !team.is_empty() && (text("/user/team_id") == Some(team) || listed);
    let outside = ["is_stranger", "is_restricted", "is_ultra_restricted", "is_invited_user", "deleted"];
    let member = ours && !outside.iter().any(|what| flag(&format!("/user/{what}")));
    // Whoever can write any address into a profile must not become somebody else by it.
    let verified = member && flag("/user/is_email_confirmed");
    let bot = flag("/user/is_bot") || flag("/user/is_workflow_bot") || flag("/user/is_connector_bot");
    let mail = text("/user/profile/email").filter(|_| verified && !bot).map(str::to_owned);
    Account { id: id.to_owned(), name: name.to_owned(), mail, bot }
}

/// The message that a file became in this room.
fn shared(file: &Value, room: &RoomId) -> Option<String> {
    ["public", "private"].into_iter().find_map(|kind| {
        let ts = file.get("shares")?.get(kind)?.get(&room.0)?.get(0)?.get("ts")?;
        ts.as_str().map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_address_counts_when_it_is_verified_and_of_a_member_of_our_own_workspace() {
        let member =
            || json!({"team_id": "T1", "is_email_confirmed": true, "profile": {"email": "ana@example.com"}});
        for (what, change, counts) in [
            ("a member", json!({}), true),
            ("not verified", json!({"is_email_confirmed": false}), false),
            ("never said to be verified", json!({"is_email_confirmed": null}), false),
            ("of another workspace (Slack Connect)", json!({"team_id": "T2"}), false),
            ("of no workspace", json!({"team_id": null}), false),
            ("a stranger", json!({"is_stranger": true}), false),
            ("a guest", json!({"is_restricted": true}), false),
            ("a guest of one channel", json!({"is_ultra_restricted": true}), false),
            ("invited, and not there yet", json!({"is_invited_user": true}), false),
            ("gone", json!({"deleted": true}), false),
            ("a bot", json!({"is_bot": true}), false),
            ("a workflow", json!({"is_workflow_bot": true}), false),
            (
                "of our organisation",
                json!({"team_id": "E1", "enterprise_user": {"teams": ["T0", "T1"]}}),
                true,
            ),
            ("of another part of it", json!({"team_id": "E1", "enterprise_user": {"teams": ["T0"]}}), false),
        ] {
            let mut user = member();
            for (key, value) in change.as_object().unwrap() {
                user[key] = value.clone();
            }
            let account = who("U1", &json!({ "user": user }), "T1");
            assert_eq!(account.mail.is_some(), counts, "{what}");
            assert_eq!(account.bot, what == "a bot" || what == "a workflow", "{what}");
        }
        assert_eq!(who("U1", &json!({ "user": member() }), "").mail, None, "our own workspace is not known");
    }
}
