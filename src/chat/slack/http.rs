//! Slack by HTTP instead of Socket Mode: the raw request is verified, answered at once, and goes the same way as what
//! comes over the socket (<https://docs.slack.dev/authentication/verifying-requests-from-slack>). Never takes what is
//! not signed, is old, or came before.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::{
    hear::Delivery,
    hearing::{Ack, Hearing, stopped},
    seen::Seen,
};
use crate::chat::port::{Failure, Link};

/// A request older than this (or from the future) is refused; seconds.
const OLDEST: i64 = 5 * 60;
/// Signatures that are remembered; within five minutes there are fewer.
const SIGNATURES: usize = 20_000;
/// A body is not longer than this.
const LONGEST: usize = 4 * 1024 * 1024;

/// A request as the web server took it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// By its path: `/slack/commands`, `/slack/interactions`, `/slack/events`.
    pub delivery: Delivery,
    /// All its headers.
    pub headers: &'a HeaderMap,
    /// Its body as it came, byte for byte: the signature is over it.
    pub body: &'a [u8],
}

/// What the web server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// JSON, or nothing.
    pub body: Option<String>,
}

impl From<StatusCode> for Answered {
    fn from(status: StatusCode) -> Self {
        Self { status, body: None }
    }
}

/// Takes what Slack sends by HTTP. Clones share it.
#[derive(Clone)]
pub struct Inbox(Arc<State>);

struct State {
    hearing: Arc<Hearing>,
    signatures: Mutex<Seen<String>>,
}

impl Inbox {
    pub(super) fn new(hearing: Arc<Hearing>) -> Self {
        Self(Arc::new(State { hearing, signatures: Mutex::new(Seen::new(SIGNATURES)) }))
    }

    /// Takes a request; answers at once, whatever the ear does.
    #[must_use]
    pub fn take(&self, request: Request<'_>) -> Answered {
        if request.body.len() > LONGEST {
            return StatusCode::PAYLOAD_TOO_LARGE.into();
        }
        let options = &self.0.hearing.slack.options;
        let Some(secret) = &options.signing_secret else { return StatusCode::NOT_FOUND.into() };
        let now = (options.now)().as_second();
        let Some(signature) = verified(secret.expose_secret(), request.headers, request.body, now) else {
            return StatusCode::UNAUTHORIZED.into();
        };
        if !self.0.signatures.lock().unwrap_or_else(PoisonError::into_inner).add(signature) {
            return StatusCode::UNAUTHORIZED.into();
        }
        let Some(payload) = payload(request.delivery, request.body) else {
            return StatusCode::BAD_REQUEST.into();
        };
        if payload.get("type").and_then(Value::as_str) == Some("url_verification") {
            let challenge = payload.get("challenge").and_then(Value::as_str).unwrap_or_default();
            let body = Some(json!({ "challenge": challenge }).to_string());
            return Answered { status: StatusCode::OK, body };
        }
        match self.0.hearing.take(request.delivery, &payload) {
            Ack::Taken(answer) => {
                Answered { status: StatusCode::OK, body: answer.map(|answer| answer.to_string()) }
            }
            Ack::Full => StatusCode::SERVICE_UNAVAILABLE.into(),
        }
    }
}

/// The signature, if it is Slack's and of now.
fn verified(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let stamp = header("x-slack-request-timestamp")?;
    let at: i64 = stamp.parse().ok()?;
    if now.checked_sub(at)?.checked_abs()? > OLDEST {
        return None;
    }
    let signature = header("x-slack-signature")?;
    let expected = hex::decode(signature.strip_prefix("v0=")?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    for part in [b"v0:".as_slice(), stamp.as_bytes(), b":", body] {
        mac.update(part);
    }
    // In constant time.
    mac.verify_slice(&expected).ok().map(|()| signature.to_ascii_lowercase())
}

/// Events are JSON; commands are a form; interactions are JSON in a form.
fn payload(delivery: Delivery, body: &[u8]) -> Option<Value> {
    match delivery {
        Delivery::Event => serde_json::from_slice(body).ok(),
        Delivery::Interaction => {
            let (_, json) = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload")?;
            serde_json::from_str(&json).ok()
        }
        Delivery::Command => {
            let fields = url::form_urlencoded::parse(body);
            let fields: Map<String, Value> =
                fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
    }
}

/// Without a socket there is no connection to watch: Slack is heard for as long as its token is worth something.
pub(super) async fn attend(hearing: Arc<Hearing>) {
    let mut stop = hearing.stop.subscribe();
    let options = &hearing.slack.options;
    let mut pause = options.backoff_first;
    loop {
        let link = match hearing.slack.greet().await {
            Ok(()) => Link::Up,
            Err(Failure::Refused { why, remedy: Some(remedy) }) => Link::Broken(remedy, why),
            Err(Failure::Wait(_)) => Link::Down("Slack asks for a pause".to_owned()),
            Err(Failure::TryAgain(why) | Failure::Gone(why) | Failure::Refused { why, .. }) => {
                Link::Down(why)
            }
        };
        let good = link == Link::Up;
        pause = if good || matches!(link, Link::Broken(..)) {
            options.broken_retry
        } else {
            (pause * 2).min(options.backoff_most)
        };
        hearing.links.socket(link);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const AT: i64 = 1_531_420_618;

    fn headers(at: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("X-Slack-Request-Timestamp", at.parse().unwrap());
        headers.insert("X-Slack-Signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn only_what_slack_signed_just_now_is_taken() {
        let good = headers("1531420618", SIGNATURE);
        assert!(verified(SECRET, &good, BODY.as_bytes(), AT).is_some());
        assert!(verified(SECRET, &good, BODY.as_bytes(), AT + 300).is_some());
        for (now, secret, body) in [
            (AT + 301, SECRET, BODY),
            (AT - 301, SECRET, BODY),
            (AT, "another", BODY),
            (AT, SECRET, "token=x"),
        ] {
            assert_eq!(verified(secret, &good, body.as_bytes(), now), None);
        }
        for (at, signature) in [
            ("1531420619", SIGNATURE),
            ("soon", SIGNATURE),
            ("1531420618", "v0="),
            ("1531420618", "v0=00"),
            ("1531420618", &SIGNATURE[3..]),
            ("-9223372036854775808", SIGNATURE),
        ] {
            assert_eq!(
                verified(SECRET, &headers(at, signature), BODY.as_bytes(), AT),
                None,
                "{at} {signature}"
            );
        }
        assert_eq!(verified(SECRET, &HeaderMap::new(), BODY.as_bytes(), AT), None);
    }

    #[test]
    fn each_kind_has_its_form() {
        assert_eq!(payload(Delivery::Command, BODY.as_bytes()).unwrap()["command"], "/webhook-collect");
        let pressed = payload(Delivery::Interaction, b"payload=%7B%22type%22%3A%22block_actions%22%7D");
        assert_eq!(pressed.unwrap()["type"], "block_actions");
        assert_eq!(payload(Delivery::Event, b"{\"type\":\"x\"}").unwrap()["type"], "x");
        for delivery in [Delivery::Command, Delivery::Interaction, Delivery::Event] {
            assert_eq!(payload(delivery, b""), None);
        }
    }
}
