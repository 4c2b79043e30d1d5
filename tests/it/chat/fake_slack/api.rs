//! The fake's Web API and response addresses. Never takes an argument that is missing, of the wrong type or too long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{APP_TOKEN, BOT, BOT_TOKEN, Fake, State as Slack, TEAM, Upload, View, check, rules};

/// Methods that take their arguments as a form alone.
const FORMS: &[&str] = &[
    "chat.getPermalink",
    "conversations.info",
    "conversations.list",
    "conversations.history",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.info",
    "users.info",
];

const SCOPES: &str = "app_mentions:read,channels:history,channels:manage,channels:read,chat:write,commands,files:read,files:write,groups:history,groups:read,groups:write,im:history,im:read,im:write,pins:read,pins:write,reactions:read,users:read,users:read.email";

/// Marks an answer that is not to leave.
const HANGS: &str = "x-hangs";

fn json_answer(value: Value) -> Response {
    ([("content-type", "application/json; charset=utf-8")], value.to_string()).into_response()
}

fn refuse(word: &str) -> Value {
    json!({ "ok": false, "error": word })
}

pub async fn call(
    State(fake): State<Arc<Fake>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match answer(&fake, method, &headers, &body) {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

/// The answer; none: it never comes.
fn answer(fake: &Fake, method: String, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    let said = spoken(fake, method, headers, body);
    (!said.headers().contains_key(HANGS)).then_some(said)
}

fn spoken(fake: &Fake, method: String, headers: &HeaderMap, body: &[u8]) -> Response {
    let mut state = fake.state();
    let arguments = match read(&mut state, &method, headers, body) {
        Ok(arguments) => arguments,
        Err(word) => return json_answer(refuse(&word)),
    };
    state.calls.push((method.clone(), arguments.clone()));
    state.times.push(Instant::now());
    if state.habits.counts && is_over(&state, &method, &arguments) {
        state.violations.push(format!("{method} above its limit"));
        let answer = json_answer(refuse("ratelimited")).into_body();
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], answer).into_response();
    }
    if state.habits.down {
        return (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response();
    }
    if state.habits.revoked {
        return json_answer(refuse(if method.starts_with("apps.") {
            "invalid_auth"
        } else {
            "token_revoked"
        }));
    }
    if let Some(answer) = state.habits.errors.remove(&method) {
        return json_answer(answer);
    }
    let room = arguments["channel"].as_str().unwrap_or_default().to_owned();
    let route = (method.clone(), room.clone());
    if state.habits.paused.get(&route).is_some_and(|until| Instant::now() < *until) {
        state.violations.push(format!("{method} during a pause"));
    }
    if method == "chat.postMessage" {
        if let Some(seconds) = state.habits.limit.take() {
            state.habits.paused.insert(route, Instant::now() + Duration::from_secs(seconds));
            let answer = json_answer(refuse("ratelimited")).into_body();
            let seconds = seconds.to_string();
            return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", seconds)], answer).into_response();
        }
        if std::mem::take(&mut state.habits.stumble) {
            return (StatusCode::BAD_GATEWAY, [("content-type", "text/html")], "<html>oops</html>")
                .into_response();
        }
    }
    let hangs = method == "chat.postMessage" && std::mem::take(&mut state.habits.hang);
    let torn = method == "chat.postMessage" && std::mem::take(&mut state.habits.tear);
    let swallowed = method == "chat.postMessage" && std::mem::take(&mut state.habits.swallow);
    let mut answer = run(&mut state, fake, &method, &arguments).unwrap_or_else(|word| refuse(&word));
    if swallowed {
        return (StatusCode::OK, [("content-type", "text/html")], "<html>a proxy's page</html>")
            .into_response();
    }
    if torn {
        let parts = [Ok(Bytes::from_static(b"{\"ok\":")), Err(std::io::Error::other("cut"))];
        let body = Body::from_stream(futures_util::stream::iter(parts));
        return ([("content-type", "application/json"), ("content-length", "900")], body).into_response();
    }
    if hangs {
        return [(HANGS, "yes")].into_response();
    }
    if answer.get("ok").is_none() {
        answer["ok"] = json!(true);
    }
    if method == "conversations.create" && state.habits.crash_after_create && answer["ok"] == true {
        state.habits.down = true;
    }
    let scopes = state.habits.scopes.clone().unwrap_or_else(|| SCOPES.to_owned());
    ([("x-oauth-scopes", scopes)], json_answer(answer)).into_response()
}

/// Whether the last call is one more than Slack documents: messages of a channel one a second with short bursts, edits
/// fifty a minute for the workspace.
fn is_over(state: &Slack, method: &str, arguments: &Value) -> bool {
    let calls = |within: Duration, of_room: bool| {
        let recent = state.calls.iter().zip(&state.times).rev();
        let recent = recent.take_while(|(_, at)| at.elapsed() < within);
        let same = |(name, other): &(String, Value)| {
            name == method && (!of_room || other["channel"] == arguments["channel"])
        };
        recent.filter(|(call, _)| same(call)).count()
    };
    match method {
        // A burst of three, then one a second; and one that was on its way for a moment longer.
        "chat.postMessage" => calls(Duration::from_secs(10), true) > 14,
        "chat.update" => {
            calls(Duration::from_mins(1), false) > 50 || calls(Duration::from_secs(10), true) > 14
        }
        _ => false,
    }
}

/// The arguments, when everything about the request is right.
fn read(state: &mut Slack, method: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = if method.starts_with("apps.") { APP_TOKEN } else { BOT_TOKEN };
    if header("authorization") != format!("Bearer {token}") {
        state.violations.push(format!("{method} without its token"));
        return Err("not_authed".to_owned());
    }
    let kind = header("content-type");
    let arguments = if kind.starts_with("application/json") {
        if FORMS.contains(&method) || !kind.contains("charset=utf-8") {
            state.violations.push(format!("{method} as `{kind}`"));
        }
        serde_json::from_slice(body).map_err(|_| "invalid_json".to_owned())?
    } else {
        let fields = url::form_urlencoded::parse(body);
        let fields: Map<String, Value> =
            fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
        Value::Object(fields)
    };
    let Some(faults) = rules::faults(method, &arguments) else {
        state.violations.push(format!("unknown method {method}"));
        return Err("unknown_method".to_owned());
    };
    let wrong = !faults.is_empty();
    state.violations.extend(faults.into_iter().map(|fault| format!("{method}: {fault}")));
    if wrong { Err("invalid_blocks".to_owned()) } else { Ok(arguments) }
}

fn run(state: &mut Slack, fake: &Fake, method: &str, arguments: &Value) -> Result<Value, String> {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default();
    let room = text("channel");
    match method {
        "auth.test" => Ok(
            json!({"url": "https://t.slack.com/", "team": "t", "user": "watchbell", "team_id": TEAM, "user_id": BOT, "bot_id": "B1"}),
        ),
        "apps.connections.open" => {
            let ticket = state.next("s3cret-ticket");
            Ok(json!({ "url": format!("ws://{}/link?ticket={ticket}", fake.address) }))
        }
        "chat.postMessage" => {
            let place = writable(state, room)?;
            if let Some(thread) = arguments["thread_ts"].as_str()
                && !place.messages.iter().any(|message| message.ts == thread)
            {
                return Err("thread_not_found".to_owned());
            }
            let ts = state.say(room, BOT, arguments.clone(), None);
            Ok(json!({"channel": room, "ts": ts, "message": {"ts": ts, "text": "…", "bot_id": "B1"}}))
        }
        "chat.postEphemeral" => {
            writable(state, room)?;
            let ts = state.say(room, BOT, arguments.clone(), Some(text("user")));
            Ok(json!({ "message_ts": ts }))
        }
        "chat.update" => {
            let ts = text("ts");
            let place = state.room_mut(room).ok_or("channel_not_found")?;
            let message =
                place.messages.iter_mut().find(|message| message.ts == ts && message.only.is_none());
            message.ok_or("message_not_found")?.body = arguments.clone();
            Ok(json!({"channel": room, "ts": ts, "text": "…"}))
        }
        "chat.getPermalink" => {
            let link =
                format!("https://t.slack.com/archives/{room}/p{}", text("message_ts").replace('.', ""));
            Ok(json!({"channel": room, "permalink": link}))
        }
        "pins.add" => {
            let ts = text("timestamp").to_owned();
            let place = state.room_mut(room).ok_or("channel_not_found")?;
            if !place.messages.iter().any(|message| message.ts == ts) {
                return Err("message_not_found".to_owned());
            }
            if place.pins.contains(&ts) {
                return Err("already_pinned".to_owned());
            }
            place.pins.push(ts);
            Ok(json!({}))
        }
        "users.info" => {
            let id = text("user");
            let (name, confirmed) = match id {
                "UANA" => ("ana", true),
                "UBEN" => ("ben", false),
                _ => return Err("user_not_found".to_owned()),
            };
            let mail = format!("{name}@example.com");
            Ok(
                json!({"user": {"id": id, "team_id": super::TEAM, "name": name, "is_bot": false, "is_email_confirmed": confirmed,
                "profile": {"display_name": name, "real_name": name, "email": mail}}}),
            )
        }
        "views.open" => {
            let trigger = state.triggers.remove(text("trigger_id")).ok_or("invalid_trigger_id")?;
            if trigger.elapsed() > super::DEADLINE {
                return Err("expired_trigger_id".to_owned());
            }
            let id = state.next("V0");
            let account = text("trigger_id").to_owned();
            let account = state.views.remove(&account).map_or(account, |view| view.id);
            let view = arguments["view"].clone();
            state
                .views
                .insert(account, View { id: id.clone(), shown: view.clone(), sent: false, errors: None });
            Ok(json!({"view": {"id": id, "team_id": TEAM, "hash": "1"}}))
        }
        "files.getUploadURLExternal" => {
            let id = state.next("F0");
            let length = text("length").parse().map_err(|_| "invalid_arguments")?;
            let (name, bytes) = (text("filename").to_owned(), Vec::new());
            let upload = Upload { name, length, arrived: false, bytes, shared: None };
            state.uploads.insert(id.clone(), upload);
            Ok(json!({"upload_url": format!("http://{}/upload/{id}", fake.address), "file_id": id}))
        }
        "files.completeUploadExternal" => complete(state, arguments),
        "files.info" => {
            let upload = state.uploads.get(text("file")).ok_or("file_not_found")?;
            let shares =
                upload.shared.as_ref().map(|(room, ts)| json!({"public": {room.clone(): [{"ts": ts}]}}));
            Ok(json!({"file": {"id": text("file"), "shares": shares.unwrap_or_else(|| json!({}))}}))
        }
        _ => conversations(state, method, arguments),
    }
}

fn writable<'a>(state: &'a Slack, room: &str) -> Result<&'a super::Room, String> {
    let place = state.room(room).ok_or("channel_not_found")?;
    if state.habits.locked.contains(room) || !place.bot_in {
        return Err("not_in_channel".to_owned());
    }
    if place.archived {
        return Err("is_archived".to_owned());
    }
    Ok(place)
}

fn complete(state: &mut Slack, arguments: &Value) -> Result<Value, String> {
    let id = arguments["files"][0]["id"].as_str().unwrap_or_default().to_owned();
    let room = arguments["channel_id"].as_str().unwrap_or_default().to_owned();
    let upload = state.uploads.get(&id).cloned().ok_or("file_not_found")?;
    if !upload.arrived {
        return Err("file_not_found".to_owned());
    }
    let ts = state.say(&room, BOT, json!({ "text": arguments["initial_comment"] }), None);
    state.room_mut(&room).ok_or("channel_not_found")?.pictures.push(upload.name);
    // Slack does not know yet which message it became.
    if let Some(upload) = state.uploads.get_mut(&id) {
        upload.shared = Some((room, ts));
    }
    Ok(json!({"files": [{"id": id, "title": "x"}]}))
}

fn described(room: &super::Room) -> Value {
    json!({"id": room.id, "name": room.name, "creator": room.creator, "is_member": room.bot_in,
        "is_archived": room.archived, "is_private": room.private,
        "topic": {"value": super::escape(&room.topic)}, "purpose": {"value": room.purpose}})
}

fn conversations(state: &mut Slack, method: &str, arguments: &Value) -> Result<Value, String> {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default();
    let id = text("channel").to_owned();
    match method {
        "conversations.open" => {
            let account = text("users").to_owned();
            if !["UANA", "UBEN"].contains(&&*account) {
                return Err("user_not_found".to_owned());
            }
            let room = format!("D{account}");
            if state.room(&room).is_none() {
                state.make_room(&room, true, BOT);
                if let Some(made) = state.rooms.last_mut() {
                    made.id.clone_from(&room);
                }
            }
            Ok(json!({"channel": {"id": room}}))
        }
        "conversations.create" => {
            let name = text("name").to_owned();
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
            if !name.chars().all(good) {
                state.violations.push(format!("the name `{name}`"));
                return Err("invalid_name_specials".to_owned());
            }
            if state.rooms.iter().any(|room| room.name == name) {
                return Err("name_taken".to_owned());
            }
            let id = state.make_room(&name, arguments["is_private"] == true, BOT);
            Ok(json!({ "channel": described(state.room(&id).ok_or("internal_error")?) }))
        }
        "conversations.list" => {
            // Two to a page, so that the cursor is needed.
            let from: usize = text("cursor").parse().unwrap_or(0);
            let rooms: Vec<Value> =
                state.rooms.iter().filter(|room| !room.id.starts_with('D')).map(described).collect();
            let page: Vec<Value> = rooms.iter().skip(from).take(2).cloned().collect();
            let next = if from + 2 < rooms.len() { (from + 2).to_string() } else { String::new() };
            Ok(json!({"channels": page, "response_metadata": {"next_cursor": next}}))
        }
        "conversations.info" => {
            Ok(json!({ "channel": described(state.room(&id).ok_or("channel_not_found")?) }))
        }
        "conversations.setTopic" | "conversations.setPurpose" => {
            writable(state, &id)?;
            let value = super::unescape(text(if method.ends_with("Topic") { "topic" } else { "purpose" }));
            let room = state.room_mut(&id).ok_or("channel_not_found")?;
            if method.ends_with("Topic") {
                room.topic = value;
            } else {
                room.purpose = value;
            }
            Ok(json!({}))
        }
        "conversations.invite" => {
            let guests: Vec<&str> = text("users").split(',').collect();
            let room = state.room_mut(&id).ok_or("channel_not_found")?;
            if guests == [BOT] {
                return Err("cant_invite_self".to_owned());
            }
            if guests == ["UGUEST"] {
                return Err("user_is_restricted".to_owned());
            }
            if guests.iter().any(|guest| !["UANA", "UBEN"].contains(guest)) {
                return Err("user_not_found".to_owned());
            }
            if guests.iter().any(|guest| room.members.contains(*guest)) {
                return Err("already_in_channel".to_owned());
            }
            room.members.extend(guests.into_iter().map(str::to_owned));
            Ok(json!({}))
        }
        "conversations.archive" => {
            let room = state.room_mut(&id).ok_or("channel_not_found")?;
            if std::mem::replace(&mut room.archived, true) {
                return Err("already_archived".to_owned());
            }
            Ok(json!({}))
        }
        "conversations.history" | "conversations.replies" => {
            let room = state.room(&id).ok_or("channel_not_found")?;
            let found = room.messages.iter().rev().filter(|message| message.only.is_none());
            let found = found.filter(|message| {
                let thread = message.body["thread_ts"].as_str();
                if method.ends_with("replies") {
                    thread == Some(text("ts")) || message.ts == text("ts")
                } else {
                    thread.is_none() && (text("latest").is_empty() || message.ts == text("latest"))
                }
            });
            let limit = text("limit").parse().unwrap_or(100);
            let messages: Vec<Value> = found
                .take(limit)
                .map(|message| {
                    json!({"type": "message", "ts": message.ts, "user": message.user,
                        "text": message.body["text"], "metadata": message.body["metadata"]})
                })
                .collect();
            Ok(json!({ "messages": messages }))
        }
        other => Err(format!("not_played_{other}")),
    }
}

pub async fn upload(State(fake): State<Arc<Fake>>, Path(id): Path<String>, body: Bytes) -> Response {
    let mut state = fake.state();
    match state.uploads.get_mut(&id) {
        Some(upload) if upload.length == body.len() => {
            upload.arrived = true;
            upload.bytes = body.to_vec();
            "OK".into_response()
        }
        _ => {
            state.violations.push("an upload of another length".to_owned());
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

pub async fn respond(
    State(fake): State<Arc<Fake>>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut state = fake.state();
    if headers.contains_key("authorization") {
        state.violations.push("a token to a response address".to_owned());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut faults = check::message(&body);
    let known = ["text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts"];
    let strange = body.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    faults.extend(strange.map(|(name, _)| format!("`{name}` is nothing for it")));
    state.violations.extend(faults.into_iter().map(|fault| format!("response_url: {fault}")));
    if state.habits.links_expired {
        return (StatusCode::NOT_FOUND, "expired_url").into_response();
    }
    let Some(link) = state.links.get_mut(&token) else { return StatusCode::NOT_FOUND.into_response() };
    link.uses += 1;
    let link = link.clone();
    if link.uses > 5 {
        state.violations.push("a response address was used six times".to_owned());
        return (StatusCode::NOT_FOUND, "used_url").into_response();
    }
    let only = match body["response_type"].as_str() {
        Some("in_channel") => None,
        Some("ephemeral") | None => Some(link.account.clone()),
        Some(other) => {
            state.violations.push(format!("response_type {other}"));
            None
        }
    };
    if body["replace_original"] == true {
        let source = link.source.clone().unwrap_or_default();
        let message = state
            .room_mut(&link.room)
            .and_then(|room| room.messages.iter_mut().find(|message| message.ts == source));
        match message {
            Some(message) => message.body = body,
            None => return (StatusCode::NOT_FOUND, "message_not_found").into_response(),
        }
    } else {
        state.say(&link.room, BOT, body, only.as_deref());
    }
    "ok".into_response()
}
