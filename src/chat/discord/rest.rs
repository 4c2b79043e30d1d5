//! Calls of Discord's HTTP API: keeps to its rate limits, obeys its pauses, reads its refusals. Never logs or
//! returns the token, an address of a call (interaction tokens stand in them), or an error of the HTTP library.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue, RETRY_AFTER},
    multipart,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{
    pace::{Budget, Pace, route, seconds},
    refusal::{self, About},
};
use crate::chat::port::Failure;

/// A call waits by itself for at most this long; whoever asked decides about more. A bucket of five in five seconds
/// is full again within it.
const PATIENCE: Duration = Duration::from_secs(5);
/// A pause that nobody has measured.
const PAUSE: Duration = Duration::from_secs(2);
/// Every call has its answer within this.
const TOTAL: Duration = Duration::from_millis(9_500);
/// One request has.
const ONE: Duration = Duration::from_secs(6);
/// How often a call is sent when Discord asks for short pauses.
const TRIES: u32 = 3;
/// An answer that is longer is not read.
const LONGEST: usize = 8 << 20;
const USER_AGENT: &str =
    concat!("DiscordBot (https://github.com/watchbell/watchbell, ", env!("CARGO_PKG_VERSION"), ")");

/// Discord's HTTP API with one bot's token.
pub(super) struct Rest {
    client: Client,
    api: String,
    token: SecretString,
    pace: Mutex<Pace>,
}

/// One call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    file: Option<File>,
    budget: Budget,
    about: About,
}

/// A file that goes with a call.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub name: String,
    pub kind: &'static str,
    pub bytes: bytes::Bytes,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub body: Value,
    /// The server's clock.
    pub date: Option<Timestamp>,
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        let (path, budget) = (path.into(), Budget::Ordinary);
        Self { method, path, body: None, file: None, budget, about: About::default() }
    }
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }
    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::POST, path) }
    }
    pub(super) fn put(path: impl Into<String>, body: Option<Value>) -> Self {
        Self { body, ..Self::new(Method::PUT, path) }
    }
    pub(super) fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::new(Method::PATCH, path) }
    }
    pub(super) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }
    pub(super) fn budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }
    pub(super) fn file(self, file: Option<File>) -> Self {
        Self { file, ..self }
    }
}

impl Rest {
    pub(super) fn new(api: &str, token: SecretString) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(4))
            .timeout(ONE)
            .pool_idle_timeout(Duration::from_mins(1))
            .build()?;
        Ok(Self { client, api: api.trim_end_matches('/').to_owned(), token, pace: Mutex::default() })
    }

    /// Makes a call; its answer's JSON (null when it is empty).
    pub(super) async fn call(&self, call: Call) -> Result<Value, Failure> {
        self.answer(call).await.map(|answer| answer.body)
    }

    /// Makes a call.
    pub(super) async fn answer(&self, call: Call) -> Result<Answer, Failure> {
        let route = route(&call.method, &call.path);
        let until = Instant::now() + TOTAL;
        let work = async {
            let mut tries = 1;
            loop {
                self.wait(&route, call.budget, until).await?;
                let response = self.send(&call).await?;
                let now = Instant::now();
                self.pace().learn(&route, response.headers(), now);
                if response.status() != StatusCode::TOO_MANY_REQUESTS {
                    return read(response, &call.about).await;
                }
                let pause = self.paused(&route, response, call.budget).await;
                if tries == TRIES || pause > patience(call.budget) || now + pause > until {
                    return Err(Failure::Wait(pause));
                }
                tries += 1;
            }
        };
        timeout(TOTAL, work).await.unwrap_or_else(|_| Err(Failure::TryAgain("no answer in time".into())))
    }

    /// Waits for a place, as far as the call's own time reaches.
    async fn wait(&self, route: &str, budget: Budget, until: Instant) -> Result<(), Failure> {
        loop {
            let now = Instant::now();
            let taken = self.pace().take(route, budget, now);
            match taken {
                Ok(()) => return Ok(()),
                Err(pause) if pause > patience(budget) || now + pause > until => {
                    return Err(Failure::Wait(pause));
                }
                Err(pause) => sleep(pause).await,
            }
        }
    }

    /// The pause that a 429 asks for; from now on it holds.
    async fn paused(&self, route: &str, response: Response, budget: Budget) -> Duration {
        let headers = response.headers().clone();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let said = text(RETRY_AFTER.as_str()).and_then(|text| text.trim().parse().ok());
        let everywhere =
            text("x-ratelimit-global") == Some("true") || text("x-ratelimit-scope") == Some("global");
        let body = json(response).await.unwrap_or_default();
        let exact = body.get("retry_after").and_then(Value::as_f64);
        let everywhere = everywhere || body.get("global").and_then(Value::as_bool).unwrap_or_default();
        // A little more than it says: its clock is not ours.
        let pause = exact.or(said).and_then(seconds).unwrap_or(PAUSE) + Duration::from_millis(20);
        let everywhere = everywhere && budget != Budget::Interaction;
        self.pace().pause(route, pause, everywhere, Instant::now());
        pause
    }

    async fn send(&self, call: &Call) -> Result<Response, Failure> {
        let mut request = self.client.request(call.method.clone(), format!("{}{}", self.api, call.path));
        // Interactions and their follow-ups carry a token of their own.
        if call.budget != Budget::Interaction {
            let mut secret = HeaderValue::try_from(format!("Bot {}", self.token.expose_secret()))
                .map_err(|_| Failure::TryAgain("the token holds characters that no token has".into()))?;
            secret.set_sensitive(true);
            request = request.header(AUTHORIZATION, secret);
        }
        request = match (&call.body, &call.file) {
            (body, Some(file)) => request.multipart(form(body.as_ref(), file)?),
            (Some(body), None) => request.json(body),
            (None, None) if call.method == Method::GET => request,
            (None, None) => request.body(""),
        };
        request.send().await.map_err(|error| Failure::TryAgain(silence(&error).into()))
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page waits for nothing: its next contact method goes.
fn patience(budget: Budget) -> Duration {
    if budget == Budget::Page { Duration::ZERO } else { PATIENCE }
}

fn form(body: Option<&Value>, file: &File) -> Result<multipart::Form, Failure> {
    let part = multipart::Part::stream_with_length(file.bytes.clone(), file.bytes.len() as u64)
        .file_name(file.name.clone())
        .mime_str(file.kind)
        .map_err(|_| Failure::TryAgain("the file has no kind".into()))?;
    let words = body.map(Value::to_string).unwrap_or_default();
    Ok(multipart::Form::new().text("payload_json", words).part("files[0]", part))
}

async fn read(response: Response, about: &About) -> Result<Answer, Failure> {
    let (status, date) = (response.status(), date(response.headers()));
    let body = json(response).await;
    if !status.is_success() {
        return Err(refusal::failure(status, &body.unwrap_or_default(), about));
    }
    Ok(Answer { body: body?, date })
}

/// An answer's JSON; null when it is empty.
async fn json(mut response: Response) -> Result<Value, Failure> {
    let mut whole = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(part)) if whole.len() + part.len() <= LONGEST => whole.extend_from_slice(&part),
            Ok(Some(_)) => return Err(Failure::TryAgain("the answer is too long".into())),
            Err(error) => return Err(Failure::TryAgain(silence(&error).into())),
        }
    }
    if whole.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&whole).map_err(|_| Failure::TryAgain("the answer is no JSON".into()))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

/// Why there was no answer, in our own words: the library's hold the address.
fn silence(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "no answer in time"
    } else {
        "the connection was cut"
    }
}
