//! The HTTP side: every call is checked by the rules, carried out on the guild, and answered as Discord does. Never
//! answers a call that it does not know.

use std::time::{Duration, Instant};

use axum::{
    body::Bytes,
    extract::State as With,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use watchbell::chat::port::{MessageRef, RoomId};

use super::{
    fake::{APP, BEN, Fake, Fault, GUILD, ME, Opened, STRANGER, Said, State, TOKEN},
    routes,
};

type Answer = (u16, Value);

pub async fn answer(
    With(fake): With<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(path) = uri.path().strip_prefix("/api/v10").map(str::to_owned) else {
        fake.state().violations.push(format!("{method} {uri} is none of the API's addresses"));
        return StatusCode::NOT_FOUND.into_response();
    };
    let call = format!("{method} {path}");
    let raw = body;
    let (body, files) = parts(&headers, &raw);
    let mut state = fake.state();
    if !files.is_empty() {
        state.uploads.push(raw.to_vec());
    }
    state.calls.push((call.clone(), body.clone()));
    let reason = headers.get("x-audit-log-reason").and_then(|reason| reason.to_str().ok());
    state.violations.extend(routes::check(method.as_str(), &path, &body, &files, reason));
    state.times.push(Instant::now());
    let limits = state.counts.then(|| limits(&mut state, &method, &path)).flatten();
    if let Some(Limits { left: None, headers, .. }) = &limits {
        state.violations.push(format!("{call} above its limit"));
        return too_many(headers);
    }
    let own_token = path.starts_with("/interactions") || path.starts_with("/webhooks");
    let allowed =
        headers.get("authorization").and_then(|value| value.to_str().ok()) == Some(&format!("Bot {TOKEN}"));
    if own_token && headers.contains_key("authorization") {
        state.violations.push(format!("{call} carries the bot's token"));
    }
    if !headers.get("user-agent").is_some_and(|agent| agent.as_bytes().starts_with(b"DiscordBot (")) {
        state.violations.push(format!("{call} without a user agent"));
    }
    if state.pauses.iter().any(|(paused, until)| *paused == call && Instant::now() < *until) {
        state.violations.push(format!("{call} during its pause"));
    }
    let fault = state.faults.iter().position(|fault| call.starts_with(&fault.on));
    let fault = fault.and_then(|index| state.faults.remove(index));
    if let Some(seconds) = fault.as_ref().and_then(Fault::pause) {
        state.pauses.push((call.clone(), Instant::now() + Duration::from_secs(seconds)));
    }
    let (status, said) = match &fault {
        Some(fault) if !fault.done => (fault.status, Value::Null),
        _ if !own_token && (state.revoked || !allowed) => {
            (401, json!({ "message": "401: Unauthorized", "code": 0 }))
        }
        _ => carry_out(&fake, &mut state, &method, &path, &body, files),
    };
    let date = state.date.clone();
    drop(state);
    let (status, text) = match &fault {
        Some(fault) => (fault.status, fault.body.clone()),
        None if said.is_null() => (status, String::new()),
        None => (status, said.to_string()),
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), text).into_response();
    for (name, value) in fault.map(|fault| fault.headers).unwrap_or_default() {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    for (name, value) in limits.into_iter().flat_map(|limits| limits.headers) {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    if let Some(date) = date {
        response.headers_mut().insert("date", date.parse().unwrap());
    }
    response
}

/// How much of its bucket a call leaves; nothing: it is one too many.
struct Limits {
    left: Option<u32>,
    headers: Vec<(&'static str, String)>,
}

/// Five messages and five edits in five seconds and channel, fifty calls a second.
fn limits(state: &mut State, method: &Method, path: &str) -> Option<Limits> {
    let second = state.times.iter().rev().take_while(|at| at.elapsed() < Duration::from_secs(1)).count();
    if second > 50 {
        state.violations.push(format!("{second} calls in a second"));
    }
    let channel = path.strip_prefix("/channels/")?.split_once("/messages")?.0;
    let (span, most) = (Duration::from_secs(5), 5);
    let now = Instant::now();
    let bucket = state.buckets.entry(format!("{method} {channel}")).or_insert((now + span, 0));
    if bucket.0 <= now {
        *bucket = (now + span, 0);
    }
    bucket.1 += 1;
    let left = (bucket.1 <= most).then(|| most - bucket.1);
    let after = (bucket.0 - now).as_secs_f64();
    let headers = vec![
        ("x-ratelimit-bucket", format!("{}-messages", method.as_str().to_lowercase())),
        ("x-ratelimit-limit", most.to_string()),
        ("x-ratelimit-remaining", left.unwrap_or_default().to_string()),
        ("x-ratelimit-reset-after", format!("{after:.3}")),
        ("retry-after", after.ceil().to_string()),
    ];
    Some(Limits { left, headers })
}

fn too_many(headers: &[(&'static str, String)]) -> Response {
    let after = headers.iter().find(|(name, _)| *name == "x-ratelimit-reset-after").map(|(_, after)| after);
    let after: f64 = after.and_then(|after| after.parse().ok()).unwrap_or(1.0);
    let body = json!({ "message": "You are being rate limited.", "retry_after": after, "global": false });
    let mut response = (StatusCode::TOO_MANY_REQUESTS, body.to_string()).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// The JSON of a call and the names of its files.
fn parts(headers: &HeaderMap, body: &Bytes) -> (Value, Vec<String>) {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("multipart/") {
        return (serde_json::from_slice(body).unwrap_or_default(), vec![]);
    }
    let whole = String::from_utf8_lossy(body);
    let json =
        whole.split("name=\"payload_json\"\r\n\r\n").nth(1).and_then(|rest| rest.split("\r\n--").next());
    let names = whole.split("filename=\"").skip(1).filter_map(|rest| rest.split('"').next());
    (serde_json::from_str(json.unwrap_or_default()).unwrap_or_default(), names.map(str::to_owned).collect())
}

fn unknown(code: u64, what: &str) -> Answer {
    (404, json!({ "code": code, "message": format!("Unknown {what}") }))
}

fn carry_out(
    fake: &Fake,
    state: &mut State,
    method: &Method,
    path: &str,
    body: &Value,
    files: Vec<String>,
) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["gateway", "bot"]) => {
            let limit = json!({ "total": 1000, "remaining": 999, "reset_after": 1000, "max_concurrency": 1 });
            (200, json!({ "url": fake.socket("gateway"), "shards": 1, "session_start_limit": limit }))
        }
        ("GET", ["users", "@me"]) => (200, json!({ "id": ME, "username": "watchbell", "bot": true })),
        ("GET", ["applications", "@me"]) => (200, json!({ "id": APP, "flags": state.flags })),
        ("GET", ["guilds", _]) => {
            let everybody = json!({ "id": GUILD, "permissions": state.allowed.to_string() });
            (200, json!({ "id": GUILD, "name": "Home", "owner_id": BEN, "roles": [everybody] }))
        }
        ("GET", ["guilds", _, "members", STRANGER]) => unknown(10_007, "Member"),
        ("GET", ["users", id]) => (200, json!({ "id": id, "username": "stranger" })),
        ("GET", ["guilds", _, "members", id]) => {
            (200, json!({ "user": { "id": id, "username": "ana" }, "nick": "Ana Ruiz", "roles": [] }))
        }
        ("GET", ["guilds", _, "channels"]) => {
            (200, state.channels.values().filter(|c| c["type"].as_u64() < Some(10)).cloned().collect())
        }
        ("GET", ["guilds", _, "threads", "active"]) => {
            let threads: Vec<Value> =
                state.channels.values().filter(|c| c["type"].as_u64() >= Some(10)).cloned().collect();
            (200, json!({ "threads": threads, "members": [] }))
        }
        ("POST", ["guilds", _, "channels"]) => (201, made(state, body.clone(), 0)),
        (
            "GET" | "PUT",
            ["applications", app, "commands"] | ["applications", app, "guilds", _, "commands"],
        ) => {
            if *app != APP {
                state.violations.push("commands of another application".into());
            }
            if method == Method::PUT {
                let mut all = body.as_array().cloned().unwrap_or_default();
                for command in &mut all {
                    command["id"] = state.id().into();
                    as_discord_keeps_it(command);
                }
                state.commands = all;
            }
            (200, state.commands.clone().into())
        }
        ("POST", ["users", "@me", "channels"]) => {
            let account = body["recipient_id"].as_str().unwrap_or_default();
            (200, json!({ "id": format!("9{account}"), "type": 1 }))
        }
        _ => in_channels(state, method, path, body, files),
    }
}

fn in_channels(state: &mut State, method: &Method, path: &str, body: &Value, files: Vec<String>) -> Answer {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["channels", id]) => {
            state.channels.get(*id).map_or(unknown(10_003, "Channel"), |c| (200, c.clone()))
        }
        ("PATCH", ["channels", id]) => {
            let Some(channel) = state.channels.get_mut(*id) else { return unknown(10_003, "Channel") };
            for (key, value) in body.as_object().unwrap() {
                if matches!(key.as_str(), "archived" | "locked") {
                    channel["thread_metadata"][key] = value.clone();
                } else {
                    channel[key] = value.clone();
                }
            }
            (200, channel.clone())
        }
        ("PUT", ["channels", room, "permissions" | "thread-members", account]) => {
            state.members.entry((*room).to_owned()).or_default().push((*account).to_owned());
            (204, Value::Null)
        }
        ("POST", ["channels", parent, "threads"]) => {
            let mut thread = body.clone();
            thread["parent_id"] = (*parent).into();
            (201, made(state, thread, body["type"].as_u64().unwrap_or(11)))
        }
        ("POST", ["channels", room, "messages"]) => post(state, room, body, files),
        ("POST", ["channels", room, "messages", message, "threads"]) => {
            if state.channels.contains_key(*message) {
                return (
                    400,
                    json!({ "code": 160_004, "message": "A thread has already been created for this message" }),
                );
            }
            let thread = json!({ "id": message, "parent_id": room, "name": body["name"], "type": 11, "guild_id": GUILD });
            state.channels.insert((*message).to_owned(), thread.clone());
            (201, thread)
        }
        ("PUT", ["channels", _, "messages", "pins", id]) => {
            on_message(state, id, |said| said.pinned = true, true)
        }
        ("GET", ["channels", _, "messages", id]) => match state.messages.iter().find(|said| said.id == *id) {
            Some(said) => (
                200,
                json!({
                    "id": said.id, "content": said.body["content"], "timestamp": "2026-01-05T09:00:00+00:00",
                    "author": { "id": said.author, "username": "ana" },
                }),
            ),
            None => unknown(10_008, "Message"),
        },
        ("PATCH", ["channels", _, "messages", id]) => {
            on_message(state, id, |said| said.body = body.clone(), false)
        }
        ("POST", ["interactions", id, token, "callback"]) => callback(state, id, token, body),
        ("PATCH", ["webhooks", _, token, "messages", "@original"]) => {
            let asked = state.interactions.values().find(|asked| asked.token == *token);
            match asked.and_then(|asked| asked.original.clone()) {
                Some(id) => on_message(state, &id, |said| said.body = body.clone(), false),
                None => unknown(10_015, "Webhook"),
            }
        }
        ("POST", ["webhooks", _, token]) => {
            let Some(asked) = state.interactions.values().find(|asked| asked.token == *token) else {
                return unknown(10_015, "Webhook");
            };
            if asked.acknowledged.is_none() {
                return unknown(10_015, "Webhook");
            }
            let (channel, account) = (asked.channel.clone(), asked.account.clone());
            let only = (body["flags"] == 64).then_some(account);
            let id = keep(state, &channel, body, only, vec![]);
            (200, json!({ "id": id, "channel_id": channel }))
        }
        _ => {
            state.violations.push(format!("{method} {path} does not exist"));
            (404, json!({ "code": 0, "message": "404: Not Found" }))
        }
    }
}

/// Discord adds to a command what nobody said, and leaves out what goes without saying.
fn as_discord_keeps_it(command: &mut Value) {
    let more = json!({
        "version": "1", "application_id": APP, "guild_id": GUILD, "default_member_permissions": null,
        "nsfw": false, "dm_permission": true, "contexts": null, "integration_types": [0],
        "name_localizations": null, "description_localizations": null,
    });
    command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    plainly(command);
}

fn plainly(part: &mut Value) {
    let part = part.as_object_mut().unwrap();
    for key in ["required", "autocomplete"] {
        if part.get(key) == Some(&Value::Bool(false)) {
            part.remove(key);
        }
    }
    if part.get("options").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        part.remove("options");
    }
    if let Some(description) =
        part.get("description").and_then(Value::as_str).map(|all| all.trim().to_owned())
    {
        part.insert("description".into(), description.into());
    }
    for key in ["options", "choices"] {
        part.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(plainly);
    }
}

fn made(state: &mut State, mut channel: Value, kind: u64) -> Value {
    let id = state.id();
    channel["id"] = id.clone().into();
    channel["guild_id"] = GUILD.into();
    channel["owner_id"] = ME.into();
    channel["type"] = kind.into();
    state.channels.insert(id, channel.clone());
    channel
}

fn keep(state: &mut State, channel: &str, body: &Value, only: Option<String>, files: Vec<String>) -> String {
    let id = state.id();
    let said = Said {
        id: id.clone(),
        channel: channel.into(),
        author: ME.into(),
        body: body.clone(),
        only,
        pinned: false,
        files,
    };
    state.messages.push(said);
    id
}

fn on_message(state: &mut State, id: &str, change: impl FnOnce(&mut Said), quiet: bool) -> Answer {
    match state.messages.iter_mut().find(|said| said.id == id) {
        Some(said) => {
            change(said);
            if quiet {
                (204, Value::Null)
            } else {
                (200, json!({ "id": said.id, "channel_id": said.channel }))
            }
        }
        None => unknown(10_008, "Message"),
    }
}

fn post(state: &mut State, room: &str, body: &Value, files: Vec<String>) -> Answer {
    // A conversation with a person has an id of its own here: a nine and the account.
    if !state.channels.contains_key(room) && !room.starts_with('9') {
        return unknown(10_003, "Channel");
    }
    let nonce = (room.to_owned(), body["nonce"].as_str().unwrap_or_default().to_owned());
    if let Some(id) = state.nonces.get(&nonce) {
        return (200, json!({ "id": id, "channel_id": room }));
    }
    let id = keep(state, room, body, None, files);
    state.nonces.insert(nonce, id.clone());
    (200, json!({ "id": id, "channel_id": room }))
}

fn callback(state: &mut State, id: &str, token: &str, body: &Value) -> Answer {
    let kind = body["type"].as_u64().unwrap_or_default();
    let data = &body["data"];
    let Some(asked) = state.interactions.get_mut(id).filter(|asked| asked.token == token) else {
        return unknown(10_062, "interaction");
    };
    if asked.sent.elapsed() > Duration::from_secs(3) {
        return unknown(10_062, "interaction");
    }
    if asked.acknowledged.is_some() {
        return (400, json!({ "code": 40_060, "message": "Interaction has already been acknowledged." }));
    }
    asked.acknowledged = Some(kind);
    asked.private = data["flags"] == 64;
    let fits = match asked.kind {
        2 => matches!(kind, 4 | 5 | 9),
        3 => matches!(kind, 4 | 5 | 6 | 7 | 9),
        4 => kind == 8,
        _ => matches!(kind, 4 | 5) || (asked.message.is_some() && matches!(kind, 6 | 7)),
    };
    let (account, channel, message) = (asked.account.clone(), asked.channel.clone(), asked.message.clone());
    let private = asked.private;
    if !fits {
        state.violations.push(format!("a callback of type {kind} does not fit"));
    }
    let original = match kind {
        4 | 5 => Some(keep(state, &channel, data, private.then_some(account.clone()), vec![])),
        6 | 7 => message.clone(),
        _ => None,
    };
    if kind == 7
        && let Some(id) = &original
    {
        state.message(id).body = data.clone();
    }
    if kind == 9 {
        let message = message.map(|id| MessageRef { room: RoomId(channel), message: id });
        state.forms.insert(account, Opened { shown: data.clone(), message });
    }
    if kind == 8 {
        state.suggestions = data["choices"].as_array().cloned().unwrap_or_default();
    }
    if let Some(asked) = state.interactions.get_mut(id) {
        asked.original = original;
    }
    (204, Value::Null)
}
