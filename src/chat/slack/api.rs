//! Slack's Web API: one call, its budget, its answer. The library's types are what is sent; its HTTP client is not
//! used, because it drops the answer's headers (the scopes stand there), takes a page of a proxy for success, and
//! has no limit of time or size. Never lets a token, an address or an answer's text into an error or a log.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use url::Url;

use super::{
    faults::{self, About},
    pace::{Lane, Method, Pace, PerRoom, method},
};
use crate::{chat::port::Failure, text::chat::Remedy};

/// Answers are not read further than this.
const ANSWER: usize = 8 * 1024 * 1024;
/// How we introduce ourselves.
const USER_AGENT: &str = concat!("Watchbell/", env!("CARGO_PKG_VERSION"));

/// The Web API of one workspace.
pub(super) struct Api {
    client: Client,
    base: Url,
    bot: SecretString,
    app: Option<SecretString>,
    limit: Duration,
    pace: Pace,
    /// The remedy while the bot's token is worth nothing.
    broken: watch::Sender<Option<(Remedy, String)>>,
    said: Mutex<Said>,
}

/// What the last answer's headers said.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The bot's scopes.
    pub(super) scopes: Option<String>,
    /// Slack's clock.
    pub(super) date: Option<Timestamp>,
}

/// What a call is about: for budgets and for the words of its failure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) lane: Lane,
    pub(super) room: Option<&'a str>,
    pub(super) account: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) fn new(method: Method) -> Self {
        Self { method, lane: Lane::Room, room: None, account: None }
    }

    pub(super) fn room(self, room: &'a str) -> Self {
        Self { room: Some(room), ..self }
    }

    pub(super) fn account(self, account: &'a str) -> Self {
        Self { account: Some(account), ..self }
    }

    pub(super) fn lane(self, lane: Lane) -> Self {
        Self { lane, ..self }
    }
}

impl Api {
    pub(super) fn new(options: &super::Options) -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(options.request.min(Duration::from_secs(5)))
            .timeout(options.request)
            .pool_idle_timeout(Duration::from_mins(1))
            .referer(false)
            .build()?;
        Ok(Self {
            client,
            base: options.api.clone(),
            bot: options.bot_token.clone(),
            app: options.app_token.clone(),
            limit: options.request,
            pace: Pace::default(),
            broken: watch::Sender::new(None),
            said: Mutex::default(),
        })
    }

    /// Tells when the bot's token stops or begins to be worth something.
    pub(super) fn broken(&self) -> watch::Receiver<Option<(Remedy, String)>> {
        self.broken.subscribe()
    }

    /// The bot's token was taken back.
    pub(super) fn break_off(&self, remedy: Remedy, why: &str) {
        self.broken.send_if_modified(|now| {
            let changed = now.is_none();
            if changed {
                *now = Some((remedy, why.to_owned()));
            }
            changed
        });
    }

    /// What the last answer's headers said.
    pub(super) fn said(&self) -> Said {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls a method of the Web API with the bot's token and takes what is needed of the answer.
    pub(super) async fn call<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        call: Call<'_>,
        arguments: &Q,
    ) -> Result<A, Failure> {
        let value = self.ask(call, arguments).await?;
        serde_json::from_value(value).map_err(|_| unreadable(&call.method))
    }

    /// An address for the socket, by the app's token.
    pub(super) async fn socket(&self) -> Result<Url, Failure> {
        let Some(token) = &self.app else {
            return Err(faults::failure("not_authed", About { app: true, ..About::default() }));
        };
        let request = self.request(&method::CONNECT)?.bearer_auth(token.expose_secret());
        let call = Call::new(method::CONNECT);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = self.send(request, &method::CONNECT).await?;
        let value = self.judge(call, answer, true)?;
        let url = value.get("url").and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
        url.filter(|url| matches!(url.scheme(), "ws" | "wss")).ok_or_else(|| unreadable(&call.method))
    }

    async fn ask<Q: Serialize + Sync>(&self, call: Call<'_>, arguments: &Q) -> Result<Value, Failure> {
        let room = call.room;
        let wait = self.pace.reserve(&call.method, call.lane, room, Instant::now()).map_err(Failure::Wait)?;
        tokio::time::sleep(wait).await;
        let mut waited = wait;
        loop {
            let request = self.request(&call.method)?.bearer_auth(self.bot.expose_secret());
            let request = if call.method.form {
                request.form(arguments)
            } else {
                // Slack warns when the character set is missing.
                let json = serde_json::to_vec(arguments).map_err(|_| unreadable(&call.method))?;
                request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(json)
            };
            let answer = self.send(request, &call.method).await?;
            match self.judge(call, answer, false) {
                Err(Failure::Wait(pause)) => {
                    self.pace.pause(&call.method, room, Instant::now() + pause);
                    waited += pause;
                    if waited > call.lane.patience() {
                        return Err(Failure::Wait(pause));
                    }
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
    }

    fn request(&self, method: &Method) -> Result<RequestBuilder, Failure> {
        let address = self.base.join(method.name);
        address
            .map(|url| self.client.post(url))
            .map_err(|_| Failure::TryAgain("no usable address".to_owned()))
    }

    async fn send(&self, request: RequestBuilder, method: &Method) -> Result<Answer, Failure> {
        let work = async {
            let response = request.send().await.map_err(|error| network(&error))?;
            Answer::read(response).await
        };
        // The client has the same limit, but the look-up of a name can outlast it.
        let answer = tokio::time::timeout(self.limit, work).await;
        let answer = answer.unwrap_or_else(|_| Err(Failure::TryAgain("no answer in time".to_owned())));
        if let Err(failure) = &answer {
            tracing::debug!(method = method.name, ?failure, "Slack gave no answer");
        }
        answer
    }

    /// What an answer says.
    fn judge(&self, call: Call<'_>, answer: Answer, app: bool) -> Result<Value, Failure> {
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failure::Wait(answer.pause().unwrap_or(faults::PAUSE)));
        }
        if answer.status != StatusCode::OK {
            return Err(Failure::TryAgain(format!("answered {}", answer.status.as_u16())));
        }
        let value: Value = serde_json::from_slice(&answer.body).map_err(|_| unreadable(&call.method))?;
        match value.get("ok").and_then(Value::as_bool) {
            Some(true) => {
                if !app {
                    self.learn(&answer.headers);
                    self.broken.send_if_modified(|broken| broken.take().is_some());
                }
                Ok(value)
            }
            Some(false) => {
                let word = |name: &str| value.get(name).and_then(Value::as_str);
                let about = About { room: call.room, account: call.account, needed: word("needed"), app };
                let failure = faults::failure(word("error").unwrap_or_default(), about);
                match &failure {
                    Failure::Wait(_) => return Err(Failure::Wait(answer.pause().unwrap_or(faults::PAUSE))),
                    Failure::Refused { why, remedy: Some(remedy) } if !app && faults::breaks(remedy) => {
                        self.break_off(remedy.clone(), why);
                    }
                    _ => {}
                }
                tracing::debug!(method = call.method.name, ?failure, "Slack refused");
                Err(failure)
            }
            None => Err(unreadable(&call.method)),
        }
    }

    fn learn(&self, headers: &HeaderMap) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp());
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scopes) = text("x-oauth-scopes") {
            said.scopes = Some(scopes.to_owned());
        }
        said.date = date.or(said.date);
    }

    /// Posts to an address that Slack gave for one answer; it needs no token.
    ///
    /// # Errors
    /// [`Failure::Gone`]: it was used too often, or is too old.
    pub(super) async fn respond(&self, url: &Url, body: &impl Serialize) -> Result<(), Failure> {
        let respond = Method { name: "response_url", per_minute: 60, per_room: PerRoom::No, form: false };
        let json = serde_json::to_vec(body).map_err(|_| unreadable(&respond))?;
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, "application/json; charset=utf-8");
        let answer = self.send(request.body(json), &respond).await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => {
                Err(Failure::Gone("expired_url".to_owned()))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(Failure::Wait(answer.pause().unwrap_or(faults::PAUSE))),
            status => Err(Failure::TryAgain(format!("answered {}", status.as_u16()))),
        }
    }

    /// Puts a file where Slack asked for it.
    pub(super) async fn upload(&self, url: Url, bytes: bytes::Bytes) -> Result<(), Failure> {
        let request = self.client.post(url).header(CONTENT_TYPE, "application/octet-stream").body(bytes);
        let answer = self.send(request, &method::UPLOAD_DONE).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(Failure::TryAgain(format!("the upload was answered {}", answer.status.as_u16())))
    }
}

/// An answer, read within limits.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response) -> Result<Self, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| network(&error))? {
            if body.len() + chunk.len() > ANSWER {
                return Err(Failure::TryAgain("the answer is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body })
    }

    /// How long it asks us to wait.
    fn pause(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok()?;
        Some(Duration::from_secs(seconds.clamp(1, 3_600).into()))
    }
}

fn unreadable(method: &Method) -> Failure {
    Failure::TryAgain(format!("no proper answer to {}", method.name))
}

/// Why there was no answer; the library's own words contain the address.
fn network(error: &reqwest::Error) -> Failure {
    let why = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    Failure::TryAgain(why.to_owned())
}
