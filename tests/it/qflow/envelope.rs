//! How Qflow answers: the envelope around data and errors, as recorded. Never leaves the envelope out, but where the
//! real server does.

use serde_json::{Value, json};

use crate::peer::server::Reply;

/// `{"success": true, "data": …}`
pub fn yes(status: u16, data: Value) -> Reply {
    envelope(status, true, "data", data)
}

/// `{"success": false, "error": {"code", "message"}}`
pub fn no(status: u16, code: &str, message: impl Into<String>) -> Reply {
    envelope(status, false, "error", json!({"code": code, "message": message.into()}))
}

/// The same with details.
pub fn no_because(status: u16, code: &str, message: &str, details: Value) -> Reply {
    let error = json!({"code": code, "message": message, "details": details});
    envelope(status, false, "error", error)
}

fn envelope(status: u16, success: bool, name: &str, inside: Value) -> Reply {
    let request = "2c73cfc4-9cb9-4e56-a038-8f117971d7fa";
    let body = json!({"success": success, name: inside, "timestamp": now(), "requestId": request});
    (status, body.to_string())
}

/// Seconds since 1970.
pub fn seconds() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("not that late")
}

/// So many seconds ago, as Qflow writes it.
pub fn ago(seconds_ago: i64) -> String {
    let then = jiff::Timestamp::from_second(seconds() - seconds_ago).expect("an instant");
    then.strftime("%Y-%m-%dT%H:%M:%S.123Z").to_string()
}

/// The instant, as Qflow writes it.
pub fn now() -> String {
    ago(0)
}

/// What `path` does not have.
pub fn nowhere(method: &str, path: &str) -> Reply {
    no(404, "NOT_FOUND", format!("Endpoint not found: {method} {path}"))
}
