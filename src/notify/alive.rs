//! The outgoing heartbeat: tells the outside that we live, so that our own death is noticed there.
//! Never reports while we are not healthy: that silence is the alarm. Never prints the address: it is a secret.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use url::Url;

use super::{Limits, post};

/// Where and how often.
#[derive(Clone)]
pub struct Alive {
    /// Asked with GET; any 2xx is well.
    pub url: Url,
    /// The pause between two beats; at least one second.
    pub every: Duration,
    /// How long one may take.
    pub limits: Limits,
}

/// Beats until it is dropped, at once and then every `every`. A failure is logged once, and so is its end; the next
/// beat comes in any case.
///
/// # Errors
/// When no HTTP client can be made.
pub async fn run(alive: Alive, healthy: impl Fn() -> bool) -> reqwest::Result<()> {
    let client = post::client(alive.limits)?;
    let mut beat = tokio::time::interval(alive.every.max(Duration::from_millis(1)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        beat.tick().await;
        let now = if healthy() {
            one(&client, &alive).await
        } else {
            Err("held back: we are not healthy".to_owned())
        };
        if last.as_ref() != Some(&now) {
            match &now {
                Ok(()) => tracing::info!("the outgoing heartbeat is heard"),
                Err(why) => tracing::warn!(%why, "the outgoing heartbeat is not heard; trying on"),
            }
        }
        last = Some(now);
    }
}

async fn one(client: &reqwest::Client, alive: &Alive) -> Result<(), String> {
    let response = post::send(client.get(alive.url.clone()), alive.limits).await?;
    if response.status().is_success() { Ok(()) } else { Err(post::refusal(response.status())) }
}
