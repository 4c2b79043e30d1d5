//! What the bot says: messages, edits, pictures, threads, direct messages. Never posts the same thing twice where
//! Discord can tell, and never lets anything that it says ping anybody.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Hub,
    escape::{label, length, markdown},
    memory::Known,
    pace::Budget,
    refusal::{self, About},
    render::{Rendered, limit, render, render_personal},
    rest::{Call, File},
    wire,
};
use crate::{
    chat::port::{Account, Failure, MessageRef, Picture, Place, Remedy, RoomId, Words},
    text::{card::Card, plain::plain},
};

/// Discord's code: this message has a thread already.
const HAS_THREAD: u64 = 160_004;
/// Discord's code: this is no channel in which that can be done.
const WRONG_KIND: u64 = 50_024;
/// Characters of a nonce.
const NONCE: usize = 25;
/// Characters of an attachment's description.
const PICTURE_WORDS: usize = 1_024;
/// Characters of a thread's name.
const THREAD: usize = 100;

/// Where something is posted.
struct Spot {
    channel: String,
    /// The message that it answers, where there can be no thread.
    answers: Option<String>,
    budget: Budget,
    about: About,
}

/// Says something.
pub(super) async fn send(hub: &Arc<Hub>, to: &Place, card: &Card, key: &str) -> Result<MessageRef, Failure> {
    let spot = spot(hub, to, &card.title).await?;
    let rendered = if spot.budget.is_personal() { render_personal(card) } else { render(card) };
    hub.remember_forms(&rendered);
    let file = document(&rendered);
    let mut body = rendered.body();
    if let Some(file) = &file {
        insert(&mut body, "attachments", json!([{ "id": 0, "filename": file.name }]));
    }
    post(hub, spot, body, file, key).await
}

/// A picture with its words.
pub(super) async fn picture(
    hub: &Arc<Hub>,
    to: &Place,
    picture: &Picture,
    key: &str,
) -> Result<MessageRef, Failure> {
    let spot = spot(hub, to, &picture.words).await?;
    let letters = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = picture.name.chars().map(letters).take(100).collect();
    let name = if name.trim_matches(['.', '_']).is_empty() { "picture.png".to_owned() } else { name };
    let words = plain(&picture.words, usize::MAX);
    let body = json!({
        "content": markdown(&words, limit::CONTENT),
        "allowed_mentions": { "parse": [] },
        "attachments": [{ "id": 0, "filename": name, "description": label(&words, PICTURE_WORDS) }],
    });
    let file = File { name, kind: "image/png", bytes: picture.png.clone() };
    post(hub, spot, body, Some(file), key).await
}

/// Says something else in the place of an earlier message.
pub(super) async fn edit(hub: &Hub, message: &MessageRef, card: &Card) -> Result<(), Failure> {
    let rendered = if hub.is_personal(&message.room.0) { render_personal(card) } else { render(card) };
    hub.remember_forms(&rendered);
    let about = About::room(hub.name(&message.room), "Send Messages");
    let budget = if hub.is_personal(&message.room.0) { Budget::Person } else { Budget::Ordinary };
    let call = Call::patch(at(message), rendered.body()).about(about).budget(budget);
    hub.rest.call(call).await.map(drop)
}

/// What somebody wrote.
pub(super) async fn read(hub: &Hub, message: &MessageRef) -> Result<Words, Failure> {
    let about = About::room(hub.name(&message.room), "Read Message History");
    let found = hub.rest.call(Call::get(at(message)).about(about)).await?;
    let author = found.get("author").cloned().unwrap_or_default();
    let text = wire::words(&found);
    if text.trim().is_empty() && !hub.options.content {
        let why = "Discord keeps the words of messages back".to_owned();
        return Err(Failure::Refused { why, remedy: Some(Remedy::Intent("MESSAGE_CONTENT".into())) });
    }
    let at = wire::text(&found, "timestamp").parse().ok().or_else(|| wire::made_at(&message.message));
    let at = at.ok_or_else(|| Failure::TryAgain("a message without a time".into()))?;
    let guild = hub.guild_of(&message.room.0);
    let url = Some(super::link(&guild, &message.room.0, Some(&message.message)));
    Ok(Words { account: account_of(&author, None), text, at, url })
}

/// Pins a message.
pub(super) async fn pin(hub: &Hub, message: &MessageRef) -> Result<(), Failure> {
    let about = About::room(hub.name(&message.room), "Pin Messages");
    let path = format!("/channels/{}/messages/pins/{}", message.room, message.message);
    hub.rest.call(Call::put(path, None).about(about)).await.map(drop)
}

/// Who an account is: by its name in the guild, where it is a member.
pub(super) async fn account(hub: &Hub, id: &str) -> Result<Account, Failure> {
    let nobody =
        || Failure::Refused { why: "no account".into(), remedy: Some(Remedy::NameAccount(id.to_owned())) };
    if !is_id(id) {
        return Err(nobody());
    }
    if let Some(guild) = hub.options.guild {
        let call = Call::get(format!("/guilds/{guild}/members/{id}")).about(About::account(id));
        match hub.rest.call(call).await {
            Ok(member) => {
                let user = member.get("user").cloned().unwrap_or_default();
                return Ok(account_of(&user, Some(&member)));
            }
            // Somebody who is no member is still somebody.
            Err(failure) if refusal::code(&failure) == Some(10_007) => {}
            Err(failure) => return Err(failure),
        }
    }
    let user = hub.rest.call(Call::get(format!("/users/{id}")).about(About::account(id))).await?;
    Ok(account_of(&user, None))
}

fn account_of(user: &Value, member: Option<&Value>) -> Account {
    Account {
        id: wire::text(user, "id"),
        name: wire::name(user, member),
        mail: None,
        bot: wire::is(user, "bot"),
    }
}

/// Whether a text can be one of Discord's ids; nothing else may become part of an address.
pub(super) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn at(message: &MessageRef) -> String {
    format!("/channels/{}/messages/{}", message.room, message.message)
}

fn insert(body: &mut Value, key: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(key.to_owned(), value);
    }
}

/// A document that did not fit goes along as a file.
fn document(rendered: &Rendered) -> Option<File> {
    let document = rendered.document.as_ref()?;
    Some(File { name: "document.md".into(), kind: "text/markdown", bytes: document.clone().into() })
}

async fn post(
    hub: &Arc<Hub>,
    spot: Spot,
    mut body: Value,
    file: Option<File>,
    key: &str,
) -> Result<MessageRef, Failure> {
    insert(&mut body, "nonce", nonce(&spot.channel, key).into());
    insert(&mut body, "enforce_nonce", true.into());
    if let Some(message) = &spot.answers {
        insert(&mut body, "message_reference", json!({ "message_id": message, "fail_if_not_exists": false }));
    }
    let call = Call::post(format!("/channels/{}/messages", spot.channel), body);
    let said = hub.rest.call(call.budget(spot.budget).about(spot.about).file(file)).await?;
    let lost = || Failure::TryAgain("the answer names no message".into());
    wire::message(wire::some(&said, "channel_id").unwrap_or(spot.channel), wire::text(&said, "id"))
        .ok_or_else(lost)
}

/// The same for every attempt of a message, and another one in every room.
fn nonce(channel: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{channel} {key}"));
    URL_SAFE_NO_PAD.encode(digest).chars().take(NONCE).collect()
}

/// Where a place is; makes the thread or the conversation that it needs.
async fn spot(hub: &Arc<Hub>, to: &Place, title: &str) -> Result<Spot, Failure> {
    let ordinary = |room: &RoomId| Spot {
        channel: room.0.clone(),
        answers: None,
        budget: if hub.is_personal(&room.0) { Budget::Person } else { Budget::Ordinary },
        about: About::room(hub.name(room), "Send Messages"),
    };
    match to {
        Place::Room(room) => Ok(ordinary(room)),
        Place::Thread(message) => {
            let spot = ordinary(&message.room);
            if hub.rooms().get(&message.room.0).is_some_and(Known::is_thread) || spot.budget.is_personal() {
                return Ok(Spot { answers: Some(message.message.clone()), ..spot });
            }
            thread(hub, message, title, spot).await
        }
        // A whisper in a room exists as the answer to an interaction only; elsewhere it is the person's own.
        Place::Person(account) | Place::Page(account) | Place::Whisper { account, .. } => {
            let budget = if matches!(to, Place::Page(_)) { Budget::Page } else { Budget::Person };
            let channel = conversation(hub, account, budget).await?;
            Ok(Spot { channel, answers: None, budget, about: About::account(account) })
        }
    }
}

/// A thread has the id of the message below which it is.
async fn thread(hub: &Arc<Hub>, message: &MessageRef, title: &str, spot: Spot) -> Result<Spot, Failure> {
    let inside = Spot {
        channel: message.message.clone(),
        about: About::room(hub.name(&message.room), "Send Messages in Threads"),
        ..spot
    };
    if hub.has_thread(&message.message) {
        return Ok(inside);
    }
    let name = label(title, THREAD);
    let name = if length(name.trim()) == 0 { message.message.clone() } else { name };
    let about = About::room(hub.name(&message.room), "Create Public Threads");
    let call = Call::post(format!("{}/threads", at(message)), json!({ "name": name })).about(about);
    match hub.rest.call(call).await {
        Ok(_) => {}
        Err(failure) if refusal::code(&failure) == Some(HAS_THREAD) => {}
        Err(failure) if refusal::code(&failure) == Some(WRONG_KIND) => {
            let about = About::room(hub.name(&message.room), "Send Messages");
            let answers = Some(message.message.clone());
            return Ok(Spot { channel: message.room.0.clone(), answers, about, ..inside });
        }
        Err(failure) => return Err(failure),
    }
    hub.remember_thread(&message.message);
    Ok(inside)
}

/// The channel of a person's own conversation with the bot.
async fn conversation(hub: &Arc<Hub>, account: &str, budget: Budget) -> Result<String, Failure> {
    if let Some(known) = hub.conversation(account) {
        return Ok(known);
    }
    let call = Call::post("/users/@me/channels", json!({ "recipient_id": account }));
    let made = hub.rest.call(call.budget(budget).about(About::account(account))).await?;
    let id =
        wire::some(&made, "id").ok_or_else(|| Failure::TryAgain("the answer names no channel".into()))?;
    hub.remember_conversation(account, &id);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_the_same_for_the_same_message_only() {
        assert_eq!(nonce("6", "D-1"), nonce("6", "D-1"));
        assert_ne!(nonce("6", "D-1"), nonce("7", "D-1"));
        assert_eq!(nonce("6", &"long ".repeat(99)).len(), NONCE);
    }

    #[test]
    fn only_digits_are_an_id() {
        for (text, id) in
            [("110000000000000042", true), ("", false), ("1/2", false), ("../x", false), ("x", false)]
        {
            assert_eq!(is_id(text), id, "{text}");
        }
    }
}
