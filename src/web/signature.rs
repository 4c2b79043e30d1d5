//! Who sent a webhook that shows no token of ours: GitHub signs its body, GitLab shows a shared secret or signs. Never
//! reads a body before it is known to be theirs, and compares in constant time.
//!
//! GitHub: HMAC-SHA256 over the raw body, in `X-Hub-Signature-256`
//! (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>). GitLab: the secret itself in
//! `X-Gitlab-Token`, or, with a signing token (`whsec_…`), the headers of <https://www.standardwebhooks.com>
//! (<https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944>): `webhook-signature` is `v1,` and the base64 of
//! HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, with the key that follows `whsec_` in base64.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use super::auth::Seal;
use crate::domain::config::IntegrationKind;

/// How far the instant of a signature may be from now, in seconds.
const OLDEST: u64 = 5 * 60;
/// How many signatures one message may carry: a secret that is being changed signs twice.
const SIGNATURES: usize = 8;

/// What a source must prove.
pub enum Proof {
    /// GitHub's signature, made with this secret.
    GitHub(SecretString),
    /// GitLab's token, whose digest this is.
    GitLabToken(Seal),
    /// GitLab's signature, made with this key.
    GitLab(SecretSlice<u8>),
    /// Nothing is good enough: the secret is missing.
    Closed,
}

impl Proof {
    /// What a source of this kind must prove; none: it shows a token.
    #[must_use]
    pub fn of(kind: IntegrationKind, secret: Option<&SecretString>) -> Option<Self> {
        let github = |secret: &SecretString| Self::GitHub(secret.clone());
        match kind {
            IntegrationKind::Alertmanager => None,
            IntegrationKind::GitHub => Some(secret.map_or(Self::Closed, github)),
            IntegrationKind::GitLab => Some(secret.map_or(Self::Closed, Self::gitlab)),
        }
    }

    fn gitlab(secret: &SecretString) -> Self {
        let secret = secret.expose_secret();
        match secret.strip_prefix("whsec_") {
            // The configuration was checked: what is no base64 here opens nothing.
            Some(key) => STANDARD.decode(key).map_or(Self::Closed, |key| Self::GitLab(key.into())),
            None => Self::GitLabToken(Seal::of(secret)),
        }
    }

    /// Whether a message is the source's; `received` is when it came.
    #[must_use]
    pub fn holds(&self, headers: &HeaderMap, body: &[u8], received: Timestamp) -> bool {
        self.is_shown(headers) && self.is_right(headers, body, received).is_some()
    }

    /// Whether the headers can hold, whatever the body is: what cannot is refused before the body is read.
    #[must_use]
    pub fn is_shown(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::GitHub(_) => github(headers).is_some(),
            Self::GitLabToken(seal) => {
                once(headers, "x-gitlab-token").is_some_and(|token| seal.is(&Seal::of(token)).into())
            }
            Self::GitLab(_) => ["webhook-id", "webhook-timestamp", "webhook-signature"]
                .iter()
                .all(|name| once(headers, name).is_some()),
            Self::Closed => false,
        }
    }

    fn is_right(&self, headers: &HeaderMap, body: &[u8], received: Timestamp) -> Option<()> {
        match self {
            Self::GitHub(secret) => {
                let mac = mac(secret.expose_secret().as_bytes(), &[body])?;
                mac.verify_slice(&github(headers)?).ok()
            }
            // It stands in the headers whole.
            Self::GitLabToken(_) => Some(()),
            Self::GitLab(key) => {
                let [id, stamp, signatures] =
                    ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| once(headers, name));
                let (id, stamp) = (id?, stamp?);
                let at: i64 = stamp.parse().ok()?;
                if received.as_second().abs_diff(at) > OLDEST {
                    return None;
                }
                let parts = [id.as_bytes(), b".", stamp.as_bytes(), b".", body];
                let mac = mac(key.expose_secret(), &parts)?;
                let given = signatures?.split(' ').filter_map(|one| one.strip_prefix("v1,")).take(SIGNATURES);
                let mut given = given.filter_map(|one| STANDARD.decode(one).ok());
                given.any(|one| mac.clone().verify_slice(&one).is_ok()).then_some(())
            }
            Self::Closed => None,
        }
    }
}

/// A header that is there exactly once: of two, one may be an attacker's.
pub(super) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The signature that GitHub shows: `sha256=` and 64 hex digits.
fn github(headers: &HeaderMap) -> Option<Vec<u8>> {
    let signature = hex::decode(once(headers, "x-hub-signature-256")?.strip_prefix("sha256=")?).ok()?;
    (signature.len() == 32).then_some(signature)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
