//! The simulated service with its simulated Alertmanager: it posts genuine webhooks of version 4 over HTTP. Never
//! reaches into the server by another way.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The name of its alert.
pub const ALERT: &str = "CheckoutDown";

/// A service that can break and recover.
pub struct Service {
    hook: String,
    token: String,
    /// Where its own links lead.
    home: String,
    broken_since: Option<Timestamp>,
    http: reqwest::Client,
}

impl Service {
    /// A healthy service whose alerts go to `hook`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(hook: String, token: String, home: String) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("no HTTP client can be made")?;
        Ok(Self { hook, token, home, broken_since: None, http })
    }

    /// Whether it is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken_since.is_some()
    }

    /// It breaks, and its Alertmanager says so.
    ///
    /// # Errors
    /// When the alert was not accepted.
    pub async fn breaks(&mut self) -> anyhow::Result<()> {
        let since = self.broken_since.unwrap_or_else(now);
        self.broken_since = Some(since);
        self.post(&webhook(&self.home, since, None)).await
    }

    /// It works again, and its Alertmanager says so.
    ///
    /// # Errors
    /// When the message was not accepted.
    pub async fn recovers(&mut self) -> anyhow::Result<()> {
        let Some(since) = self.broken_since.take() else { return Ok(()) };
        self.post(&webhook(&self.home, since, Some(now()))).await
    }

    async fn post(&self, body: &Value) -> anyhow::Result<()> {
        let request = self.http.post(&self.hook).bearer_auth(&self.token).json(body);
        let response = request.send().await.context("the alert reached nobody")?;
        if response.status() != reqwest::StatusCode::ACCEPTED {
            bail!("the alert was answered with {} instead of 202 Accepted", response.status());
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the simulated service lives outside, with a clock of its own")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// What an Alertmanager posts (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
fn webhook(home: &str, since: Timestamp, until: Option<Timestamp>) -> Value {
    let labels = json!({
        "alertname": ALERT, "service": "checkout", "severity": "critical", "instance": "shop-1",
    });
    let annotations = json!({
        "summary": "Nobody can pay: the checkout answers every request with an error",
        "runbook_url": format!("{home}/runbooks/checkout"),
    });
    let status = if until.is_some() { "resolved" } else { "firing" };
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname=\"{ALERT}\"}}"),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "watchbell",
        "groupLabels": {"alertname": ALERT},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": format!("{home}/alertmanager"),
        "alerts": [{
            "status": status,
            "labels": labels,
            "annotations": annotations,
            "startsAt": since.to_string(),
            "endsAt": until.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |until| until.to_string()),
            "generatorURL": format!("{home}/graph"),
            "fingerprint": "5ca1ab1e0ddba110",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::alert::AlertStatus, intake};

    #[test]
    fn its_webhooks_are_read_by_the_real_intake() {
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (until, status) in [(None, AlertStatus::Firing), (Some(at), AlertStatus::Resolved)] {
            let body = serde_json::to_vec(&webhook("http://127.0.0.1:1", at, until)).unwrap();
            let report = intake::alertmanager::read(&"shop".into(), &body, at).unwrap();
            assert_eq!(report.signals.iter().map(|signal| signal.status).collect::<Vec<_>>(), [status]);
        }
    }
}
