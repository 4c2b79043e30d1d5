//! One HTTP request of a step, within the guard. People who ask for the same at the same time share one answer, which
//! is good for some seconds, and a service that counts its callers' requests is asked no more often than it allows.
//! Never follows a redirect elsewhere, and never shows an address's secret part.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::SignedDuration;
use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tokio::{sync::OnceCell, time::Instant};
use url::Url;

use super::{
    Fault, Found, OUTPUT,
    reach::{Reach, Resolver, same_origin},
    secrets::Secrets,
    shorten,
};
use crate::{config::Service, text::plain::lines};

/// Of an answer's body, in bytes: what is more is not read.
const BODY: usize = 2 * 1024 * 1024;
/// How often a redirect on the same service is followed.
const REDIRECTS: usize = 3;
/// Answers that are kept at most, each for some seconds.
const KEPT: usize = 256;
/// How we introduce ourselves.
const USER_AGENT: &str = concat!("Watchbell/", env!("CARGO_PKG_VERSION"));

/// A request as the language reads it, its templates filled in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// Where to.
    pub url: Url,
    /// In their order.
    pub headers: Vec<(String, String)>,
    /// What is sent; empty: nothing.
    pub body: String,
}

impl Request {
    /// A GET of this address.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self { method: "GET".to_owned(), url, headers: Vec::new(), body: String::new() }
    }
}

/// An answer: what of it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
    /// Bytes of the body that were left out: at least so many.
    pub cut: u64,
    /// Until the whole answer was there.
    pub elapsed: Duration,
}

impl Answer {
    /// The body as JSON, when it is that.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    fn into_found(self, secrets: &Secrets) -> Found {
        let json = self.json().map(|json| secrets.cover_value(json));
        let shown = json.as_ref().and_then(|json| serde_json::to_string_pretty(json).ok());
        let body = secrets.cover(&self.body);
        let mut shown = lines(&shown.unwrap_or_else(|| body.clone()));
        let cut = self.cut + shorten(&mut shown, OUTPUT);
        let headers: Map<String, Value> =
            self.headers.into_iter().map(|(name, value)| (name, secrets.cover(&value).into())).collect();
        let mut fields = Map::new();
        fields.insert("status".to_owned(), self.status.into());
        fields.insert("headers".to_owned(), headers.into());
        fields.insert("body".to_owned(), body.into());
        fields.insert("json".to_owned(), json.unwrap_or(Value::Null));
        fields.insert("elapsed".to_owned(), json!(self.elapsed.as_secs_f64()));
        Found { fields, shown, cut }
    }
}

/// Requests of all runs. Cheap to clone; clones share answers and budgets.
#[derive(Clone)]
pub struct Fetch {
    client: Client,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<Request, Kept>,
    /// When requests left, by the origin of their service.
    left: BTreeMap<String, VecDeque<Instant>>,
}

#[derive(Clone)]
struct Kept {
    since: Instant,
    answer: Arc<OnceCell<Result<Answer, Fault>>>,
}

/// How a request is made.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How long it may take in all.
    pub timeout: Duration,
    /// How old an answer may be that somebody else got to the same question; zero: it is asked anew. Of requests that
    /// change something it is always zero.
    pub fresh: Duration,
}

impl Fetch {
    /// No request has been made yet.
    ///
    /// # Errors
    /// When there is no usable TLS.
    pub fn new() -> reqwest::Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Resolver))
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(4)
            .referer(false)
            .build()?;
        Ok(Self { client, shared: Arc::default() })
    }

    /// Makes a request that a step wrote, and says what came back.
    ///
    /// # Errors
    /// No usable answer, or it was not allowed. An answer of whatever status is one: the step's check judges it.
    pub async fn step(
        &self,
        request: Request,
        reach: &Reach,
        secrets: &Secrets,
        manner: Manner,
    ) -> Result<Found, Fault> {
        self.ask(request, reach, manner).await.map(|answer| answer.into_found(secrets))
    }

    /// Makes a request, or takes the answer that somebody else got a moment ago.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn ask(&self, request: Request, reach: &Reach, manner: Manner) -> Result<Answer, Fault> {
        let service = reach.may(&request.url)?;
        if !matches!(request.method.as_str(), "GET" | "HEAD") || manner.fresh.is_zero() {
            return self.send(&request, service, manner.timeout).await;
        }
        let kept = self.kept(&request, manner.fresh);
        let answer = kept.answer.get_or_init(|| self.send(&request, service, manner.timeout)).await.clone();
        if answer.is_err() {
            // What failed is tried anew by the next who asks.
            self.shared().answers.retain(|_, other| !Arc::ptr_eq(&other.answer, &kept.answer));
        }
        answer
    }

    fn shared(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, request: &Request, fresh: Duration) -> Kept {
        let mut shared = self.shared();
        if let Some(kept) = shared.answers.get(request).filter(|kept| kept.since.elapsed() <= fresh) {
            return kept.clone();
        }
        if shared.answers.len() >= KEPT
            && let Some(oldest) = shared.answers.iter().min_by_key(|(_, kept)| kept.since)
        {
            let oldest = oldest.0.clone();
            shared.answers.remove(&oldest);
        }
        let kept = Kept { since: Instant::now(), answer: Arc::default() };
        shared.answers.insert(request.clone(), kept.clone());
        kept
    }

    /// Counts one more request to a service that counts them.
    fn spend(&self, service: &Service) -> Result<(), Fault> {
        let Some(budget) = service.budget else { return Ok(()) };
        let origin = service.url.expose().origin().ascii_serialization();
        let mut shared = self.shared();
        let left = shared.left.entry(origin.clone()).or_default();
        while left.front().is_some_and(|at| at.elapsed() >= budget.within) {
            left.pop_front();
        }
        if left.len() < usize::try_from(budget.requests).unwrap_or(usize::MAX) {
            left.push_back(Instant::now());
            return Ok(());
        }
        let pause = left.front().map(|at| budget.within.saturating_sub(at.elapsed())).unwrap_or_default();
        let pause = SignedDuration::from_secs(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX) + 1);
        Err(Fault::Unknown(format!(
            "not asked: {origin} takes {} requests in {:#}, and they are used up; again in {pause:#}",
            budget.requests,
            SignedDuration::try_from(budget.within).unwrap_or(SignedDuration::MAX),
        )))
    }

    async fn send(
        &self,
        request: &Request,
        service: Option<&Service>,
        timeout: Duration,
    ) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let late = || Fault::TimedOut(SignedDuration::try_from(timeout).unwrap_or(SignedDuration::MAX));
        tokio::time::timeout(timeout, self.follow(request, service, begun))
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn follow(
        &self,
        request: &Request,
        service: Option<&Service>,
        begun: Instant,
    ) -> Result<Answer, Fault> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            if let Some(service) = service {
                self.spend(service)?;
            }
            let response = self.request(request, url.clone(), service)?.send().await;
            let response = response.map_err(|error| Fault::Unknown(no_answer(&error, &url)))?;
            let onwards = onwards(&request.method, &url, response.status(), response.headers())?;
            let Some(next) = onwards else { return read(response, begun).await };
            url = next;
        }
        Err(Fault::Unknown(format!("{} leads in a circle", origin(&url))))
    }

    fn request(
        &self,
        request: &Request,
        url: Url,
        service: Option<&Service>,
    ) -> Result<RequestBuilder, Fault> {
        let wrong = |what: &str| Fault::NotAllowed(format!("{what} cannot be sent"));
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| wrong("the method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let what = || wrong(&format!("the header {}", crate::text::plain::plain(name, 40)));
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| what())?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| what())?);
        }
        let (has_type, has_token) = (headers.contains_key(CONTENT_TYPE), headers.contains_key(AUTHORIZATION));
        let mut builder = self.client.request(method, url).headers(headers);
        if !request.body.is_empty() {
            if !has_type && serde_json::from_str::<Value>(&request.body).is_ok() {
                builder = builder.header(CONTENT_TYPE, "application/json");
            }
            builder = builder.body(request.body.clone());
        }
        // A step that shows something itself is not shown to be somebody else.
        if let Some(service) = service.filter(|_| !has_token) {
            if let Some(token) = &service.token {
                builder = builder.bearer_auth(token.expose_secret());
            } else if let Some(user) = &service.user {
                let password = service.password.as_ref().map(|password| password.expose_secret().to_owned());
                builder = builder.basic_auth(user, password);
            }
        }
        Ok(builder)
    }
}

/// Where a redirect leads, when it may be followed; none: it is the answer.
fn onwards(method: &str, url: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, Fault> {
    if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok())
    else {
        return Ok(None);
    };
    if !same_origin(url, &to) {
        let why = format!("{} sends requests on to {}: that is not followed", origin(url), origin(&to));
        return Err(Fault::NotAllowed(why));
    }
    // Sent on, a change would be made twice or become something else.
    Ok(matches!(method, "GET" | "HEAD").then_some(to))
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

async fn read(mut response: reqwest::Response, begun: Instant) -> Result<Answer, Fault> {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers().iter().map(header).collect();
    let announced = response.content_length().unwrap_or_default();
    let mut body = Vec::new();
    let mut cut = 0;
    while let Some(piece) = response.chunk().await.map_err(|error| Fault::Unknown(no_answer(&error, &url)))? {
        let room = BODY.saturating_sub(body.len());
        body.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if piece.len() > room {
            let kept = u64::try_from(BODY).unwrap_or(u64::MAX);
            cut = announced.saturating_sub(kept).max(u64::try_from(piece.len() - room).unwrap_or(1));
            break;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer { status, headers, body, cut, elapsed: begun.elapsed() })
}

/// Why there was no answer. The library's own words are not used: they contain the address.
fn no_answer(error: &reqwest::Error, url: &Url) -> String {
    let why = if error.is_timeout() {
        "no answer in time from"
    } else if error.is_connect() {
        "no connection to"
    } else {
        "no proper answer from"
    };
    format!("{why} {}", origin(url))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
