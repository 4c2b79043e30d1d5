//! The outgoing heartbeat: tells the outside that we live, so that our own death is noticed there.
//! Never reports while the engine does not answer: that silence is the alarm. Never prints the address: it is a secret.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{Limits, post};
use crate::config::Alive;

/// Asks the address with GET, at once and then every `every`, until it is dropped; any 2xx is well. A failure is logged
/// once, and so is its end; the next beat comes in any case.
///
/// # Errors
/// When no HTTP client can be made.
pub async fn run<F: Future<Output = Result<(), String>>>(
    alive: &Alive,
    limits: Limits,
    healthy: impl Fn() -> F,
) -> reqwest::Result<()> {
    let client = post::client(limits)?;
    // An interval of nothing would panic.
    let every = Duration::try_from(alive.every).unwrap_or_default().max(Duration::from_millis(1));
    let mut beat = tokio::time::interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        beat.tick().await;
        let now = match healthy().await {
            Ok(()) => one(&client, alive, limits).await,
            Err(why) => Err(format!("held back: {why}")),
        };
        if last.as_ref() != Some(&now) {
            match &now {
                Ok(()) => tracing::info!("the outgoing heartbeat is heard"),
                Err(why) => tracing::warn!(%why, "the outgoing heartbeat is not heard; it goes on trying"),
            }
        }
        last = Some(now);
    }
}

async fn one(client: &reqwest::Client, alive: &Alive, limits: Limits) -> Result<(), String> {
    let response = post::send(client.get(alive.url.expose().clone()), limits).await?;
    if response.status().is_success() { Ok(()) } else { Err(post::refusal(response.status())) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::SignedDuration;
    use tokio::sync::mpsc;
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::method};

    use super::*;
    use crate::config::SecretUrl;

    #[tokio::test]
    async fn it_beats_only_while_healthy_and_goes_on_after_failures() {
        let server = MockServer::start().await;
        let (heard, mut beats) = mpsc::unbounded_channel();
        let answers = AtomicUsize::new(0);
        let answer = move |request: &Request| {
            heard.send(request.url.path().to_owned()).unwrap();
            // The first one fails: the next ones come in any case.
            ResponseTemplate::new(if answers.fetch_add(1, Ordering::Relaxed) == 0 { 500 } else { 200 })
        };
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let url = format!("{}/ping/token", server.uri()).parse().unwrap();
        let alive = Alive { url: SecretUrl::new(url), every: SignedDuration::from_millis(1) };
        // Unhealthy for a hundred beats, then healthy for three, then never again.
        let asked = AtomicUsize::new(0);
        let healthy = || {
            let well = (100..103).contains(&asked.fetch_add(1, Ordering::Relaxed));
            std::future::ready(if well { Ok(()) } else { Err("the engine does not answer".to_owned()) })
        };
        let until_asked_again = async {
            for _ in 0..3 {
                assert_eq!(beats.recv().await.unwrap(), "/ping/token");
            }
            while asked.load(Ordering::Relaxed) < 120 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = run(&alive, Limits::default(), healthy) => panic!("{ended:?}"),
            () = until_asked_again => {}
        }
        assert!(beats.try_recv().is_err());
    }
}
