//! What a caller is told when something is not done: a problem (RFC 9457) that names the field and the remedy.
//! Never carries a secret, and never what went wrong inside: that is in the log, under the trace id given here.

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use jiff::tz::TimeZone;

use crate::{
    domain::event::TraceId,
    engine::Rejected,
    text::{plain::plain, refusal},
    views::Down,
};

/// The longest detail that is sent, in characters: it may repeat what a caller sent.
const LONGEST: usize = 600;

/// Why something was not done. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    field: Option<Cow<'static, str>>,
    remedy: Option<Cow<'static, str>>,
    trace: Option<TraceId>,
    /// Seconds.
    retry_after: Option<u64>,
    allow: Option<HeaderValue>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<TraceId>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            kind,
            title,
            detail: plain(&detail.into(), LONGEST),
            field: None,
            remedy: None,
            trace: None,
            retry_after: None,
            allow: None,
        }))
    }

    /// 400: something in the request is wrong.
    #[must_use]
    pub fn wrong(field: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "wrong-request", "The request is wrong", detail).field(field)
    }

    /// 400: the request as a whole is wrong.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 401: who calls is not known.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Who calls is not known", detail)
    }

    /// 403: who calls may not do that.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// 405: the address does something else.
    #[must_use]
    pub fn method(allowed: &'static str) -> Self {
        let detail = format!("this address answers to {allowed} only");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Wrong method", detail);
        problem.0.allow = Some(HeaderValue::from_static(allowed));
        problem
    }

    /// 408: the request did not arrive in time.
    #[must_use]
    pub fn too_slow() -> Self {
        let detail = "the body did not arrive in time; nothing was taken";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long", detail)
            .remedy("Send it again")
    }

    /// 409: the rules say no.
    #[must_use]
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", "Refused", detail)
    }

    /// 410: it was there once.
    #[must_use]
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "gone", "It is over", detail)
    }

    /// 413: too much at once. `limit` in bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than {limit} bytes; nothing of it was taken");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
            .remedy("Send less at once")
    }

    /// 429: more than was agreed; the next is taken after `wait`.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail)
            .after(seconds.max(1))
    }

    /// 503: not now. `after` in seconds.
    #[must_use]
    pub fn not_now(detail: impl Into<String>, after: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-now", "Not now", detail).after(after.max(1))
    }

    /// 500: something went wrong inside; the log has it under this trace id.
    #[must_use]
    pub fn inside(trace: TraceId) -> Self {
        let detail = "something went wrong inside Watchbell; whether anything was kept is on the timeline";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "inside", "Something went wrong inside", detail)
            .remedy("Tell an operator the trace id: the log says more under it")
            .trace(trace)
    }

    /// With what to do now.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// With the field as it was sent.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// With the trace id under which the log says more.
    #[must_use]
    pub fn trace(mut self, trace: TraceId) -> Self {
        self.0.trace = Some(trace);
        self
    }

    /// With how many seconds to wait before the next try.
    fn after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is wrong, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let parts = self.0;
        let body = Body {
            r#type: format!("urn:watchbell:problem:{}", parts.kind),
            title: parts.title,
            status: parts.status.as_u16(),
            detail: &parts.detail,
            field: parts.field.as_deref(),
            remedy: parts.remedy.as_deref(),
            trace: parts.trace,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (parts.status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if parts.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"watchbell\""));
        }
        if let Some(seconds) = parts.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = parts.allow {
            headers.insert(ALLOW, methods);
        }
        response
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Busy { retry_after } => Self::not_now(
                "the engine has as much to do as it can hold; nothing was taken",
                retry_after.as_secs(),
            )
            .remedy("Send it again after the time in Retry-After"),
            Rejected::Stopped => Self::not_now(
                "the server is stopping or cannot write its journal; what was sent may not be kept",
                5,
            )
            .remedy("Send it again after the time in Retry-After; sending something twice does no harm"),
            Rejected::Refused(refusal) => Self::refused(refusal::card(&refusal, &TimeZone::UTC).title),
        }
    }
}

impl From<Down> for Problem {
    fn from(down: Down) -> Self {
        Self::not_now(down.to_string(), 1).remedy("Ask again after the time in Retry-After")
    }
}
