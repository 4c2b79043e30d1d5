//! Every call of Discord's API that the adapter can make, and what the documentation demands of each; a call that is
//! not here is a violation. Never lenient.

use serde_json::Value;

use super::rules::{self, Rules, list, size, text};

/// Method, and path with ids blanked.
pub type Route = (&'static str, &'static str);

const ROUTES: [Route; 26] = [
    ("GET", "/gateway/bot"),
    ("GET", "/users/@me"),
    ("GET", "/users/:id"),
    ("GET", "/applications/@me"),
    ("GET", "/applications/:id/commands"),
    ("PUT", "/applications/:id/commands"),
    ("GET", "/applications/:id/guilds/:id/commands"),
    ("PUT", "/applications/:id/guilds/:id/commands"),
    ("GET", "/guilds/:id"),
    ("GET", "/guilds/:id/members/:id"),
    ("GET", "/guilds/:id/channels"),
    ("POST", "/guilds/:id/channels"),
    ("GET", "/guilds/:id/threads/active"),
    ("GET", "/channels/:id"),
    ("PATCH", "/channels/:id"),
    ("PUT", "/channels/:id/permissions/:id"),
    ("PUT", "/channels/:id/thread-members/:id"),
    ("POST", "/channels/:id/threads"),
    ("POST", "/channels/:id/messages"),
    ("GET", "/channels/:id/messages/:id"),
    ("PATCH", "/channels/:id/messages/:id"),
    ("POST", "/channels/:id/messages/:id/threads"),
    ("PUT", "/channels/:id/messages/pins/:id"),
    ("POST", "/users/@me/channels"),
    ("POST", "/interactions/:id/:token/callback"),
    ("POST", "/webhooks/:id/:token"),
];
const ORIGINAL: Route = ("PATCH", "/webhooks/:id/:token/messages/@original");

/// Which of the calls it is; none: Discord has no such call, or the adapter is not known to make it.
pub fn route(method: &str, path: &str) -> Option<Route> {
    let is_id =
        |part: &str| (17..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = |pattern: &str| {
        let (pattern, path) = (pattern.split('/'), path.split('/'));
        let pairs: Vec<(&str, &str)> = pattern.clone().zip(path.clone()).collect();
        // A conversation's id is a nine and the account here, which is as long as an id is.
        pattern.count() == path.count()
            && pairs.iter().all(|(wanted, part)| match *wanted {
                ":id" => is_id(part),
                ":token" => !part.is_empty(),
                exact => exact == *part,
            })
    };
    ROUTES.into_iter().chain([ORIGINAL]).find(|(one, pattern)| *one == method && fits(pattern))
}

/// What a call breaks. `files` go with it; `reason` is for the audit log.
pub fn check(method: &str, path: &str, body: &Value, files: &[String], reason: Option<&str>) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    let Some(route) = route(method, path) else {
        return vec![format!("{method} {path} is no call that is known")];
    };
    rules.within("reason", reason.map_or(0, size), 0, 512);
    rules.needs("a reason with letters that no header has", reason.is_none_or(str::is_ascii));
    let empty = body.is_null();
    match route {
        ("GET", _) | ("PUT", "/channels/:id/thread-members/:id" | "/channels/:id/messages/pins/:id") => {
            rules.needs("a body where there is none", empty && files.is_empty());
        }
        ("PUT", "/channels/:id/permissions/:id") => overwrite(&mut rules, body, false),
        ("PUT", _) => rules.0.extend(rules::commands(body)),
        ("POST", "/users/@me/channels") => {
            rules.only(body, &["recipient_id"]);
            rules.id(body, "recipient_id");
        }
        ("POST", "/guilds/:id/channels") => {
            rules.only(body, &["name", "type", "topic", "parent_id", "permission_overwrites"]);
            rules.needs("a channel without a name", body["name"].is_string());
            rules.needs("a channel that is no text channel", body["type"] == 0);
            channel(&mut rules, body);
        }
        ("PATCH", "/channels/:id") => {
            let known = ["name", "topic", "parent_id", "permission_overwrites", "archived", "locked"];
            rules.only(body, &known);
            rules.needs("a change of nothing", body.as_object().is_some_and(|body| !body.is_empty()));
            for key in ["archived", "locked"] {
                rules.needs("a switch that is none", body[key].is_null() || body[key].is_boolean());
            }
            channel(&mut rules, body);
        }
        ("POST", "/channels/:id/threads") => {
            rules.only(body, &["name", "auto_archive_duration", "invitable", "type"]);
            rules.needs("a thread of another type", [10, 11, 12].iter().any(|kind| body["type"] == *kind));
            thread(&mut rules, body);
        }
        ("POST", "/channels/:id/messages/:id/threads") => {
            rules.only(body, &["name", "auto_archive_duration"]);
            thread(&mut rules, body);
        }
        ("POST", "/channels/:id/messages") => {
            rules.0.extend(rules::message(body, rules::Said::Posted, files));
        }
        ("PATCH", "/channels/:id/messages/:id") | ORIGINAL => {
            rules.0.extend(rules::message(body, rules::Said::Edited, files));
        }
        ("POST", "/webhooks/:id/:token") => {
            rules.0.extend(rules::message(body, rules::Said::Answered, files));
        }
        ("POST", "/interactions/:id/:token/callback") => callback(&mut rules, body, files),
        other => rules.0.push(format!("nothing is demanded of {other:?}")),
    }
    rules.0.iter().map(|broken| format!("{method} {path}: {broken}")).collect()
}

fn channel(rules: &mut Rules, body: &Value) {
    if body["name"].is_string() {
        rules.within("channel name", size(text(body, "name").trim()), 1, 100);
        let good = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || "-_".contains(c);
        rules.needs("a channel name with wrong letters", text(body, "name").chars().all(good));
    }
    rules.within("topic", size(text(body, "topic")), 0, 1_024);
    if !body["parent_id"].is_null() {
        rules.id(body, "parent_id");
    }
    for one in list(body, "permission_overwrites") {
        overwrite(rules, one, true);
    }
}

fn overwrite(rules: &mut Rules, body: &Value, listed: bool) {
    rules.only(body, if listed { &["id", "type", "allow", "deny"] } else { &["type", "allow", "deny"] });
    if listed {
        rules.id(body, "id");
    }
    rules.needs("an overwrite of neither role nor member", body["type"] == 0 || body["type"] == 1);
    for key in ["allow", "deny"] {
        rules.needs("permissions that are no number in quotes", text(body, key).parse::<u64>().is_ok());
    }
}

fn thread(rules: &mut Rules, body: &Value) {
    rules.within("thread name", size(text(body, "name").trim()), 1, 100);
    let lasts = &body["auto_archive_duration"];
    let known = [60, 1_440, 4_320, 10_080].iter().any(|minutes| lasts == minutes);
    rules.needs("a thread of another length", lasts.is_null() || known);
    rules.needs("invitable is a switch", body["invitable"].is_null() || body["invitable"].is_boolean());
}

fn callback(rules: &mut Rules, body: &Value, files: &[String]) {
    rules.only(body, &["type", "data"]);
    let data = &body["data"];
    match body["type"].as_u64() {
        Some(4 | 7) => rules.0.extend(rules::message(data, rules::Said::Answered, files)),
        Some(5) => {
            rules.only(data, &["flags"]);
            rules.needs("flags of another kind", data["flags"].is_null() || data["flags"] == 64);
        }
        Some(6) => rules.needs("data where there is none", data.is_null()),
        Some(8) => {
            rules.within("choices", list(data, "choices").len(), 0, 25);
            rules.needs("no list of choices", data["choices"].is_array());
            for choice in list(data, "choices") {
                rules.within("choice", size(text(choice, "name").trim()), 1, 100);
                rules.within("value", size(text(choice, "value")), 1, 100);
            }
        }
        Some(9) => rules.0.extend(rules::modal(data)),
        other => rules.0.push(format!("a callback of type {other:?}")),
    }
}

/// What the gateway is sent.
pub fn sent(payload: &Value) -> Vec<String> {
    let mut rules = Rules(Vec::new());
    let data = &payload["d"];
    rules.only(payload, &["op", "d"]);
    rules.within("a message to the gateway", payload.to_string().len(), 1, 4_096);
    match payload["op"].as_u64() {
        Some(1) => rules.needs("a heartbeat without a number", data.is_null() || data.is_u64()),
        Some(2) => {
            rules.only(data, &["token", "intents", "properties", "compress", "large_threshold"]);
            rules.needs("identify without a token", data["token"].is_string());
            rules.needs(
                "identify without intents",
                data["intents"].as_u64().is_some_and(|bits| bits & 1 == 1),
            );
            let large = usize::try_from(data["large_threshold"].as_u64().unwrap_or(50)).unwrap();
            rules.within("large_threshold", large, 50, 250);
            for needed in ["os", "browser", "device"] {
                rules.needs("identify without properties", data["properties"][needed].is_string());
            }
        }
        Some(6) => {
            rules.only(data, &["token", "session_id", "seq"]);
            rules.needs(
                "resume without a session",
                data["token"].is_string() && data["session_id"].is_string(),
            );
            rules.needs("resume without a number", data["seq"].is_u64());
        }
        other => rules.0.push(format!("the gateway was sent op {other:?}")),
    }
    rules.0
}
