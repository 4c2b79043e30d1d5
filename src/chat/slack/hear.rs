//! What Slack delivers, read as something that somebody did. Pure. The library's types of what comes in are not used:
//! they refuse a whole delivery for one field that Slack made anew, and what is refused here was done by a person.
//! Takes what it needs and is silent about the rest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::{
    blocks::FORM,
    form::{Carried, Sent},
    words::{read, unescaped},
};
use crate::{
    chat::port::{Act, Heard, MessageRef, Room, RoomId},
    domain::delivery::Channel,
    text::card::Form,
};

/// How it was delivered: by the socket's envelope type, or by the path of the HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A slash command.
    Command,
    /// A button, a list, a form.
    Interaction,
    /// Something of the Events API.
    Event,
}

/// Who the bot is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Me {
    /// The bot's own account.
    pub(super) user: String,
    /// The workspace.
    pub(super) team: String,
}

/// What a delivery needs to be understood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) me: Option<&'a Me>,
    /// Words that stay below `/watchbell` (`version`).
    pub(super) own: &'a [String],
    /// What commands stand for that are called otherwise.
    pub(super) names: &'a BTreeMap<String, String>,
}

/// Where an answer goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Back {
    /// Slack's address for five answers within half an hour.
    pub(super) url: Option<Url>,
    /// Opens one form, within three seconds.
    pub(super) trigger: Option<String>,
    pub(super) room: Option<String>,
    pub(super) thread: Option<String>,
    pub(super) account: String,
    /// The message that was acted upon.
    pub(super) message: Option<MessageRef>,
    /// Whether everybody's answer begins a thread below this message.
    pub(super) below: Option<String>,
}

/// What a delivery means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// Somebody did something and sees an answer.
    Asked(Heard, Back),
    /// Something happened: it is heard in its order.
    Happened(Heard, Back),
    /// Somebody pressed a button with a form behind it. The id is the delivery's.
    Form(String, Form, Back),
    /// Somebody sent a form that is not complete, or the delivery is nothing to us.
    Nothing,
    /// It cannot be read. Somebody pressed a button or sent a form of another release, where there is a way back.
    Unread(Option<Back>),
    /// It is of another workspace.
    Foreign(Option<Back>),
}

/// A delivery as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) meaning: Meaning,
    /// What the acknowledgement carries.
    pub(super) answer: Option<Value>,
}

impl From<Meaning> for Reading {
    fn from(meaning: Meaning) -> Self {
        Self { meaning, answer: None }
    }
}

/// Reads a delivery.
pub(super) fn reading(delivery: Delivery, payload: &Value, context: Context<'_>) -> Reading {
    if !ours(payload, context) {
        return Meaning::Foreign(back(payload)).into();
    }
    match delivery {
        // Slack looks now and then whether our certificate is good.
        Delivery::Command if text(payload, "/ssl_check").is_some() => Meaning::Nothing.into(),
        Delivery::Command => command(payload, context).unwrap_or(Meaning::Unread(None)).into(),
        Delivery::Interaction => match text(payload, "/type") {
            Some("block_actions") => pressed(payload, context).unwrap_or_else(|| unread(payload)).into(),
            Some("view_submission") => submitted(payload, context),
            Some(_) => Meaning::Nothing.into(),
            None => Meaning::Unread(None).into(),
        },
        Delivery::Event if text(payload, "/event/type").is_none() => Meaning::Unread(None).into(),
        Delivery::Event => happened(payload, context).unwrap_or(Meaning::Nothing).into(),
    }
}

/// Whether it is of the bot's own workspace. In a room that two workspaces share, the one through which the bot
/// hears it stands among the authorizations.
fn ours(payload: &Value, context: Context<'_>) -> bool {
    let Some(me) = context.me.filter(|me| !me.team.is_empty()) else { return true };
    let named = ["/team_id", "/context_team_id", "/team/id"].into_iter().filter_map(|at| text(payload, at));
    let given = payload.pointer("/authorizations").and_then(Value::as_array).into_iter().flatten();
    let mut teams = named.chain(given.filter_map(|one| text(one, "/team_id"))).peekable();
    teams.peek().is_none() || teams.any(|team| team == me.team)
}

/// The way back to whoever did it, as far as it can be read; an address alone is good in any workspace.
fn back(payload: &Value) -> Option<Back> {
    let account = text(payload, "/user_id").or_else(|| text(payload, "/user/id"))?;
    let url = text(payload, "/response_url").and_then(|url| url.parse().ok())?;
    Some(Back { url: Some(url), account: account.to_owned(), ..Back::default() })
}

/// A press behind which nothing stands that can be read; a link's button has nothing behind it.
fn unread(payload: &Value) -> Meaning {
    match text(payload, "/actions/0/type").filter(|_| text(payload, "/user/id").is_some()) {
        Some(_) => Meaning::Nothing,
        None => Meaning::Unread(back(payload)),
    }
}

fn text<'a>(payload: &'a Value, pointer: &str) -> Option<&'a str> {
    payload.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Slack's `ts`: seconds and a fraction that makes it unique.
pub(super) fn instant(ts: &str) -> Option<Timestamp> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Timestamp::from_microsecond(seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(micros)?)
        .ok()
}

fn room(id: &str, name: Option<&str>) -> Room {
    // These are no names: Slack says them for rooms that it does not name.
    let known = name.filter(|name| !matches!(*name, "directmessage" | "privategroup" | "unknown"));
    let name = known.filter(|name| !name.starts_with("mpdm-")).map(|name| format!("#{name}"));
    Room { id: RoomId(id.to_owned()), name: name.unwrap_or_default(), url: None }
}

/// What was typed, as a command: `/watchbell` reaches all of them.
fn spelled(name: &str, typed: &str, own: &[String]) -> String {
    let typed = typed.trim();
    if name != "/watchbell" {
        return format!("{name} {typed}").trim().to_owned();
    }
    let typed = typed.trim_start_matches('/');
    match typed.split_whitespace().next() {
        None => "/watchbell".to_owned(),
        Some(first) if own.iter().any(|word| word == first) => format!("/watchbell {typed}"),
        Some(_) => format!("/{typed}"),
    }
}

fn command(payload: &Value, context: Context<'_>) -> Option<Meaning> {
    let (name, account) = (text(payload, "/command")?, text(payload, "/user_id")?);
    let name = context.names.get(name).map_or(name, String::as_str);
    let typed = unescaped(text(payload, "/text").unwrap_or_default());
    let trigger = text(payload, "/trigger_id")?;
    let room = text(payload, "/channel_id").map(|id| room(id, text(payload, "/channel_name")));
    let back = Back {
        url: text(payload, "/response_url").and_then(|url| url.parse().ok()),
        trigger: Some(trigger.to_owned()),
        room: room.as_ref().map(|room| room.id.0.clone()),
        account: account.to_owned(),
        ..Back::default()
    };
    let heard = Heard {
        id: format!("command-{trigger}"),
        channel: Channel::Slack,
        workspace: text(payload, "/team_id").unwrap_or_default().to_owned(),
        account: account.to_owned(),
        room,
        at: None,
        act: Act::Command(spelled(name, &typed, context.own)),
    };
    Some(Meaning::Asked(heard, back))
}

fn workspace(payload: &Value) -> String {
    let team = text(payload, "/team/id").or_else(|| text(payload, "/user/team_id"));
    team.unwrap_or_default().to_owned()
}

fn pressed(payload: &Value, _: Context<'_>) -> Option<Meaning> {
    let account = text(payload, "/user/id")?;
    let action = |field: &str| text(payload, &format!("/actions/0/{field}"));
    let value = action("value").or_else(|| action("selected_option/value"))?;
    let trigger = text(payload, "/trigger_id");
    let id = trigger.or_else(|| action("action_ts"))?;
    let place = text(payload, "/channel/id").or_else(|| text(payload, "/container/channel_id"));
    let ts = text(payload, "/container/message_ts").or_else(|| text(payload, "/message/ts"));
    let message =
        place.zip(ts).map(|(room, ts)| MessageRef { room: RoomId(room.to_owned()), message: ts.to_owned() });
    let thread = text(payload, "/container/thread_ts").or_else(|| text(payload, "/message/thread_ts"));
    let back = Back {
        url: text(payload, "/response_url").and_then(|url| url.parse().ok()),
        trigger: trigger.map(str::to_owned),
        room: place.map(str::to_owned),
        thread: thread.map(str::to_owned),
        account: account.to_owned(),
        message: message.clone(),
        below: None,
    };
    let id = format!("press-{id}");
    if let Some(form) = value.strip_prefix(FORM) {
        let form = serde_json::from_str(form);
        return Some(form.map_or_else(
            |_| Meaning::Unread(Some(back.clone())),
            |form| Meaning::Form(id, form, back.clone()),
        ));
    }
    let heard = Heard {
        id,
        channel: Channel::Slack,
        workspace: workspace(payload),
        account: account.to_owned(),
        room: place.map(|id| room(id, text(payload, "/channel/name"))),
        at: action("action_ts").and_then(instant),
        act: Act::Press { command: value.to_owned(), message },
    };
    Some(Meaning::Asked(heard, back))
}

fn submitted(payload: &Value, _: Context<'_>) -> Reading {
    let view = payload.get("view").cloned().unwrap_or_default();
    let Ok(sent) = serde_json::from_value::<Sent>(view) else { return Meaning::Unread(None).into() };
    let verdict = sent.verdict();
    let complete = matches!(verdict, slack_morphism::prelude::SlackViewSubmissionResponse::Clear(_));
    let (meaning, answer) = match accepted(payload, &sent) {
        Some(meaning) if complete => (meaning, Some(verdict)),
        Some(_) => (Meaning::Nothing, Some(verdict)),
        // Without a place to say it, the person is told by themselves.
        None => match sent.unreadable() {
            Some(verdict) => (Meaning::Unread(None), Some(verdict)),
            None => {
                let account = text(payload, "/user/id").map(str::to_owned);
                let back = account.map(|account| Back { account, ..Back::default() });
                (Meaning::Unread(back), None)
            }
        },
    };
    Reading { meaning, answer: answer.and_then(|answer| serde_json::to_value(answer).ok()) }
}

fn accepted(payload: &Value, sent: &Sent) -> Option<Meaning> {
    let Carried { command, room: place, thread } = sent.carried()?;
    let account = text(payload, "/user/id")?;
    let trigger = text(payload, "/trigger_id");
    // A view is sent once; its id stays the same when the delivery is repeated.
    let id = text(payload, "/view/id").or(trigger)?;
    let back = Back {
        trigger: trigger.map(str::to_owned),
        room: place.clone(),
        thread,
        account: account.to_owned(),
        ..Back::default()
    };
    let heard = Heard {
        id: format!("submit-{id}"),
        channel: Channel::Slack,
        workspace: workspace(payload),
        account: account.to_owned(),
        room: place.map(|id| room(&id, None)),
        at: None,
        act: Act::Submit { command, values: sent.values() },
    };
    Some(Meaning::Asked(heard, back))
}

fn happened(payload: &Value, context: Context<'_>) -> Option<Meaning> {
    let event = payload.get("event")?;
    let id = text(payload, "/event_id")?;
    let me = context.me.map_or("", |me| &me.user);
    let heard = |account: &str, place: Option<&str>, act: Act| Heard {
        id: id.to_owned(),
        channel: Channel::Slack,
        workspace: text(payload, "/team_id").unwrap_or_default().to_owned(),
        account: account.to_owned(),
        room: place.map(|id| room(id, None)),
        at: text(event, "/event_ts").and_then(instant).or_else(|| {
            payload.get("event_time").and_then(Value::as_i64).and_then(|at| Timestamp::from_second(at).ok())
        }),
        act,
    };
    let at = |room: &str, ts: &str| MessageRef { room: RoomId(room.to_owned()), message: ts.to_owned() };
    let user = text(event, "/user");
    let note = |account: &str, place: &str, act: Act| {
        let back = Back { room: Some(place.to_owned()), account: account.to_owned(), ..Back::default() };
        Meaning::Happened(heard(account, Some(place), act), back)
    };
    match text(event, "/type")? {
        // A bot is nobody.
        "app_mention" if text(event, "/bot_id").is_some() => None,
        "app_mention" => {
            let (account, place, ts) =
                (user.filter(|user| *user != me)?, text(event, "/channel")?, text(event, "/ts")?);
            let words = addressed(text(event, "/text")?, me);
            let act = Act::Command(spelled("/watchbell", &words, context.own));
            let thread = text(event, "/thread_ts").map(str::to_owned);
            let back = Back {
                room: Some(place.to_owned()),
                below: Some(thread.clone().unwrap_or_else(|| ts.to_owned())),
                thread,
                account: account.to_owned(),
                ..Back::default()
            };
            Some(Meaning::Asked(heard(account, Some(place), act), back))
        }
        "message" => message(event, context, &heard, &note),
        kind @ ("reaction_added" | "reaction_removed") => {
            let account = user.filter(|user| *user != me)?;
            let (place, ts) = (text(event, "/item/channel")?, text(event, "/item/ts")?);
            let name = text(event, "/reaction")?.to_owned();
            Some(note(
                account,
                place,
                Act::React { name, added: kind == "reaction_added", message: at(place, ts) },
            ))
        }
        kind @ ("pin_added" | "pin_removed") => {
            let account = user.filter(|user| *user != me)?;
            let place = text(event, "/channel_id").or_else(|| text(event, "/item/channel"))?;
            let ts = text(event, "/item/message/ts")?;
            Some(note(account, place, Act::Pin { message: at(place, ts), pinned: kind == "pin_added" }))
        }
        "member_joined_channel" => {
            Some(note(user.filter(|user| *user != me)?, text(event, "/channel")?, Act::Join))
        }
        "app_uninstalled" => Some(Meaning::Happened(heard("", None, Act::Uninstall), Back::default())),
        // People may take back their own tokens; the bot has only the bot's.
        "tokens_revoked" => {
            let bots = event.pointer("/tokens/bot").and_then(Value::as_array);
            bots.filter(|bots| !bots.is_empty())?;
            Some(Meaning::Happened(heard("", None, Act::Uninstall), Back::default()))
        }
        _ => None,
    }
}

fn message(
    event: &Value,
    context: Context<'_>,
    heard: &impl Fn(&str, Option<&str>, Act) -> Heard,
    note: &impl Fn(&str, &str, Act) -> Meaning,
) -> Option<Meaning> {
    let me = context.me.map_or("", |me| &me.user);
    let place = text(event, "/channel")?;
    let at = |ts: &str| MessageRef { room: RoomId(place.to_owned()), message: ts.to_owned() };
    match text(event, "/subtype") {
        Some("message_changed") => {
            let (ts, now) = (text(event, "/message/ts")?, event.pointer("/message/text")?.as_str()?);
            let by_bot = text(event, "/message/bot_id").is_some() || text(event, "/message/user") == Some(me);
            // A preview of a link changes a message too, but not what it says.
            let before = event.pointer("/previous_message/text").and_then(Value::as_str);
            if by_bot || before == Some(now) {
                return None;
            }
            let account = text(event, "/message/edited/user").or_else(|| text(event, "/message/user"))?;
            Some(note(account, place, Act::Edit { message: at(ts), text: read(now, |_| None) }))
        }
        Some("message_deleted") => {
            let account = text(event, "/previous_message/user").unwrap_or_default();
            Some(note(account, place, Act::Delete(at(text(event, "/deleted_ts")?))))
        }
        // What somebody writes to the bot alone is for the bot.
        None | Some("file_share" | "thread_broadcast")
            if text(event, "/channel_type") == Some("im") && text(event, "/bot_id").is_none() =>
        {
            let account = text(event, "/user").filter(|user| *user != me)?;
            let words = addressed(text(event, "/text")?, me);
            let thread = text(event, "/thread_ts").map(str::to_owned);
            let back = Back {
                room: Some(place.to_owned()),
                below: thread.clone(),
                thread,
                account: account.to_owned(),
                ..Back::default()
            };
            let act = Act::Command(spelled("/watchbell", &words, context.own));
            Some(Meaning::Asked(heard(account, Some(place), act), back))
        }
        _ => None,
    }
}

/// What was said to the bot, without its name in front.
fn addressed(text: &str, me: &str) -> String {
    let text = text.trim_start();
    let named = text.strip_prefix("<@").and_then(|rest| rest.split_once('>'));
    let rest = match named {
        Some((who, rest)) if me.is_empty() || who.split('|').next() == Some(me) => rest,
        _ => text,
    };
    read(rest.trim_start_matches([':', ',', ' ']), |_| None).trim().to_owned()
}

#[cfg(test)]
#[path = "hear_tests.rs"]
mod tests;
