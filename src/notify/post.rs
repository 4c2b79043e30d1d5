//! One HTTP request to somebody else's server, and what its answer means for a delivery. Never follows a
//! redirect, never reads the answer's body, and never repeats an address, because addresses hold tokens.

use std::{error::Error as _, io, time::Duration};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};

use super::Limits;
use crate::domain::delivery::Outcome;

/// How we introduce ourselves.
const USER_AGENT: &str = concat!("Watchbell/", env!("CARGO_PKG_VERSION"));

/// A client for one channel. Proxies of the environment are not used: a page must not depend on them.
pub(super) fn client(limits: Limits) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_mins(1))
        .referer(false)
        .build()
}

/// Sends a request of a delivery that left at `at` (civil time). Any 2xx is the receipt; anything else is tried again.
pub(super) async fn attempt(request: RequestBuilder, limits: Limits, at: Timestamp) -> Outcome {
    match send(request, limits).await {
        Ok(response) if response.status().is_success() => {
            Outcome::Receipt(format!("answered {}", said(response.status())))
        }
        Ok(response) => Outcome::TryAgain { after: pause(&response, at), why: refusal(response.status()) },
        Err(why) => Outcome::TryAgain { after: None, why },
    }
}

/// Sends a request and waits for the answer's head; an error is in our own words.
pub(super) async fn send(request: RequestBuilder, limits: Limits) -> Result<Response, String> {
    // The client has the same limit, but the look-up of a name can outlast it.
    match tokio::time::timeout(limits.total, request.send()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(failure(&error, limits)),
        Err(_) => Err(silence(limits)),
    }
}

fn silence(limits: Limits) -> String {
    format!("no answer within {:#}", SignedDuration::try_from(limits.total).unwrap_or(SignedDuration::MAX))
}

pub(super) fn said(status: StatusCode) -> String {
    // The reason is the registry's, not what the server wrote.
    status
        .canonical_reason()
        .map_or_else(|| status.as_str().to_owned(), |reason| format!("{} {reason}", status.as_u16()))
}

/// What an answer that is not 2xx says.
pub(super) fn refusal(status: StatusCode) -> String {
    if status.is_redirection() {
        return format!("answered {}: redirects are not followed", said(status));
    }
    format!("answered {}", said(status))
}

/// Why there was no answer. The library's own words are not used: they contain the address.
fn failure(error: &reqwest::Error, limits: Limits) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "no connection in time".to_owned() } else { silence(limits) };
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::Other) | None => cause = inner.source(),
            Some(kind) => return format!("no answer: {kind}"),
        }
    }
    if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the address cannot be used"
    } else {
        "no proper answer"
    }
    .to_owned()
}

/// How long a busy server (429, 503) asked us to wait: seconds or an HTTP date.
pub(super) fn pause(response: &Response, at: Timestamp) -> Option<SignedDuration> {
    matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
        .then(|| retry_after(response.headers(), at))
        .flatten()
}

fn retry_after(headers: &HeaderMap, at: Timestamp) -> Option<SignedDuration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let until = rfc2822::parse(value).ok()?.timestamp();
    Some(until.duration_since(at).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_pause_is_read_as_seconds_or_as_a_date_and_nonsense_is_none() {
        let at: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        for (value, seconds) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:40:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("99999999999999999999", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, at).map(|pause| pause.as_secs()), seconds, "{value}");
        }
    }
}
