//! Pages by hook: a signed POST of a small JSON object. The body and its headers are a promise to users
//! (keys, their order and what counts as a receipt): extend them, never change them.

use std::pin::Pin;

use reqwest::{Client, header::CONTENT_TYPE};
use serde::Serialize;

use super::{Parts, post};
use crate::{
    config::Address,
    domain::{
        delivery::{Channel, DeliveryKind, Outcome},
        facts::Dispatch,
        id::{PersonId, SeverityId},
    },
    engine::Courier,
    text::message,
};

/// The courier of `hook` contacts.
pub struct Hook {
    parts: Parts,
    client: Client,
}

/// What is posted.
#[derive(Serialize)]
struct Body<'a> {
    id: String,
    kind: &'a str,
    person: &'a PersonId,
    summary: String,
    severity: Option<&'a str>,
    incident: Option<String>,
    group: Option<String>,
    /// Null when there is nothing to acknowledge any more.
    ack_url: Option<String>,
    attempt: u32,
    sent_at: String,
}

impl Hook {
    /// A courier with a client of its own.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(parts: Parts) -> reqwest::Result<Self> {
        Ok(Self { client: post::client(parts.limits)?, parts })
    }

    fn body(&self, dispatch: &Dispatch, person: &PersonId) -> serde_json::Result<Vec<u8>> {
        let delivery = &dispatch.delivery;
        let facts = &dispatch.facts;
        let incident =
            facts.subject.incident().or_else(|| facts.incident.as_ref().map(|incident| incident.id));
        let asks = delivery.kind == DeliveryKind::Page;
        serde_json::to_vec(&Body {
            id: delivery.id.to_string(),
            kind: delivery.kind.as_str(),
            person,
            summary: message::summary(facts),
            severity: facts.severity.as_ref().map(SeverityId::as_str),
            incident: incident.map(|incident| incident.to_string()),
            group: facts.subject.group().map(|group| group.to_string()),
            ack_url: self.parts.acknowledge(dispatch, person).filter(|_| asks).map(Into::into),
            attempt: delivery.attempts,
            sent_at: dispatch.at.to_string(),
        })
    }

    async fn post(&self, dispatch: &Dispatch) -> Outcome {
        let (person, url) = match self.parts.address(dispatch) {
            Ok((person, Address::Hook(url))) if matches!(url.scheme(), "http" | "https") => (person, url),
            Ok(_) => {
                return Outcome::Refused { why: "the contact is not an address for a hook any more".into() };
            }
            Err(why) => return Outcome::Refused { why },
        };
        let Ok(body) = self.body(dispatch, person) else {
            return Outcome::Refused { why: "the message cannot be written as JSON".into() };
        };
        let signature = self.parts.links.key().signature(dispatch.at.as_second(), &body);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", &dispatch.delivery.key)
            .header("Watchbell-Signature", signature)
            .body(body);
        post::attempt(request, self.parts.limits, dispatch.at).await
    }
}

impl Courier for Hook {
    fn channel(&self) -> Channel {
        Channel::Hook
    }
    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(dispatch))
    }
}
