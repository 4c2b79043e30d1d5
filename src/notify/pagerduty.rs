//! Pages for other teams and vendors: events for PagerDuty's Events API v2
//! (<https://developer.pagerduty.com/docs/events-api-v2/overview/>). One page is one alert there, from its `trigger` to
//! its `resolve`, by one `dedup_key`. Never repeats a routing key, nor what the other side wrote about one.

use std::pin::Pin;

use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Finding, Limits, Parts, post};
use crate::{
    config::{Address, RoutingKey},
    domain::{
        delivery::{Channel, Delivery, Outcome},
        elsewhere::Told,
        facts::Dispatch,
        id::PersonId,
    },
    engine::Courier,
    text::{card::Link, pager},
};

/// The longest key that relates events to each other, in bytes.
const DEDUP_KEY: usize = 255;
/// Of an answer so much is read.
const ANSWER: usize = 4096;

/// The courier of `pagerduty` contacts.
pub struct PagerDuty {
    parts: Parts,
    client: Client,
}

/// One event, as it is documented.
#[derive(Serialize)]
struct Enqueued<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Anchor>,
    client: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<String>,
}

#[derive(Serialize)]
struct Payload {
    summary: String,
    source: String,
    severity: &'static str,
    timestamp: String,
    component: String,
    custom_details: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct Anchor {
    href: String,
    text: String,
}

/// What is answered.
#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    message: String,
}

impl PagerDuty {
    /// A courier with a client of its own.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(parts: Parts) -> reqwest::Result<Self> {
        Ok(Self { client: post::client(parts.limits)?, parts })
    }

    async fn post(&self, dispatch: &Dispatch) -> Outcome {
        let (person, key) = match self.parts.address(dispatch) {
            Ok((person, Address::PagerDuty(key))) => (person, key),
            Ok(_) => {
                return Outcome::Refused { why: "the contact is not a pager at PagerDuty any more".into() };
            }
            Err(why) => return Outcome::Refused { why },
        };
        let Ok(body) = serde_json::to_vec(&self.event(dispatch, person, &key)) else {
            return Outcome::Refused { why: "the event cannot be written as JSON".into() };
        };
        let request = self
            .client
            .post(self.parts.book.pagerduty())
            .header("Content-Type", "application/json")
            .body(body);
        self.told(request, dispatch).await
    }

    fn event<'a>(&self, dispatch: &'a Dispatch, person: &PersonId, key: &'a RoutingKey) -> Enqueued<'a> {
        let action = match Told::of(dispatch.delivery.kind) {
            Some(Told::Taken) => "acknowledge",
            Some(Told::Over) => "resolve",
            None => "trigger",
        };
        let rings = action == "trigger";
        let link = rings.then(|| self.parts.acknowledge(dispatch, person)).flatten();
        let ring = rings.then(|| pager::ring(dispatch));
        let more = ring.iter().flat_map(|ring| ring.links.clone());
        let acknowledge = link.iter().map(|url| Link { text: pager::acknowledge(), url: url.to_string() });
        let anchor = |link: Link| Anchor { href: link.url, text: link.text };
        Enqueued {
            routing_key: key.expose(),
            event_action: action,
            dedup_key: dedup_key(&dispatch.delivery),
            links: acknowledge.chain(more).map(anchor).collect(),
            client: "Watchbell",
            client_url: link.as_ref().map(ToString::to_string),
            payload: ring.map(|ring| Payload {
                summary: ring.summary,
                source: source(link.as_ref()),
                severity: ring.severity,
                timestamp: dispatch.at.to_string(),
                component: dispatch.facts.subject.to_string(),
                custom_details: ring
                    .details
                    .into_iter()
                    .map(|field| (field.name, field.value.into()))
                    .collect(),
            }),
        }
    }

    async fn told(&self, request: reqwest::RequestBuilder, dispatch: &Dispatch) -> Outcome {
        let response = match post::send(request, self.parts.limits).await {
            Ok(response) => response,
            Err(why) => return Outcome::TryAgain { after: None, why },
        };
        let status = response.status();
        if status == StatusCode::BAD_REQUEST {
            return Outcome::Refused { why: pager::refused(&post::said(status)) };
        }
        if !status.is_success() {
            let after = post::pause(&response, dispatch.at);
            return Outcome::TryAgain { after, why: post::refusal(status) };
        }
        // Any server says 200 to anything; only PagerDuty's own words are its receipt.
        let answer = tokio::time::timeout(self.parts.limits.total, read(response)).await;
        match answer.ok().flatten() {
            Some(answer) if answer.status == "success" => Outcome::Receipt(pager::taken(&answer.message)),
            _ => Outcome::TryAgain { after: None, why: pager::strange(&post::refusal(status)) },
        }
    }
}

/// The beginning of an answer, and no more of it.
async fn read(mut response: reqwest::Response) -> Option<Answer> {
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.ok()? {
        if bytes.len() + part.len() > ANSWER {
            return None;
        }
        bytes.extend_from_slice(&part);
    }
    serde_json::from_slice(&bytes).ok()
}

/// The same for all that concerns one page, and for nothing else.
fn dedup_key(delivery: &Delivery) -> &str {
    let stem = delivery.stem();
    stem.get(..DEDUP_KEY).unwrap_or(stem)
}

/// Which Watchbell rings: where its links lead.
fn source(link: Option<&Url>) -> String {
    link.and_then(Url::host_str).unwrap_or("watchbell").to_owned()
}

impl Courier for PagerDuty {
    fn channel(&self) -> Channel {
        Channel::PagerDuty
    }
    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(dispatch))
    }
}

/// Looks whether something answers there; sends no event.
pub async fn examine(url: &Url, limits: Limits) -> Finding {
    let what = format!("events at {}", url.host_str().unwrap_or_default());
    let asked = match post::client(limits) {
        Ok(client) => post::send(client.get(url.clone()), limits).await,
        Err(_) => Err("no HTTP client can be made".to_owned()),
    };
    let good = match asked {
        Ok(response) => Ok(pager::reached(&post::said(response.status()))),
        Err(why) => Err((why, None)),
    };
    Finding { what, good }
}

#[cfg(test)]
mod contract;
