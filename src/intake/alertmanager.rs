//! Reads Alertmanager's webhook, version 4 (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
//! Never changes what labels say: control characters and mentions stay as sent, whoever shows them escapes them.

mod payload;

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use self::payload::{Payload, RawAlert};
use super::{
    Message, Problem, Sent,
    document::{self, Object, Remedies, digest, link, own_or_digest, problem},
};
use crate::domain::{
    alert::{AlertStatus, Report, Signal},
    config::Integration,
    id::IntegrationId,
    labels::Labels,
};

/// The most alerts that one message may hold: ten times what fits into 5 MB when they have labels.
pub const MOST_ALERTS: usize = 50_000;

/// The longest key of a group that is kept as it is, in bytes: every alert of the message carries it.
const LONGEST_GROUP_KEY: usize = 256;

/// What helps when a message is wrong.
const REMEDIES: Remedies =
    Remedies { whole: "Send the JSON object of Alertmanager's webhook, version 4", field: remedy };

/// Takes one message.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub(super) fn take(integration: &Integration, sent: Sent<'_>) -> Result<Message, Problem> {
    read(&integration.id, sent.body, sent.received).map(Message::Report)
}

/// Reads one message. An alert without `startsAt` started at `received`; one without a fingerprint is
/// identified by its labels.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub fn read(integration: &IntegrationId, body: &[u8], received: Timestamp) -> Result<Report, Problem> {
    let payload: Payload<'_> = document::read(body, REMEDIES)?;
    let Some(alerts) = payload.alerts else {
        return Err(problem("alerts", "is missing", "Send the list of alerts, empty when there are none"));
    };
    let mut signals = Vec::with_capacity(alerts.0.len());
    for (index, Object(alert)) in alerts.0.into_iter().enumerate() {
        signals.push(signal(index, alert, received)?);
    }
    let fires = signals.iter().any(|signal| signal.status == AlertStatus::Firing);
    let status = if fires { AlertStatus::Firing } else { AlertStatus::Resolved };
    Ok(Report {
        integration: integration.clone(),
        source_group: payload.group_key.filter(|key| !key.0.is_empty()).map(|key| group_key(&key.0)),
        status: payload.status.map_or(status, |status| status.0),
        truncated: payload.truncated_alerts.unwrap_or_default(),
        source: payload.external_url.and_then(|url| link(&url.0)).map(Arc::from),
        signals,
    })
}

fn signal(index: usize, alert: RawAlert<'_>, received: Timestamp) -> Result<Signal, Problem> {
    let Some(status) = alert.status else {
        return Err(problem(
            format!("alerts[{index}].status"),
            "is missing",
            "Send \"firing\" or \"resolved\"",
        ));
    };
    let status = status.0;
    let labels = alert.labels.unwrap_or_default();
    let fingerprint = match alert.fingerprint {
        Some(sent) if !sent.0.is_empty() => own_or_digest(&sent.0),
        _ => fingerprint(&labels),
    };
    let resolved = status == AlertStatus::Resolved;
    Ok(Signal {
        status,
        fingerprint,
        labels,
        annotations: alert.annotations.unwrap_or_default(),
        starts_at: alert.starts_at.and_then(|at| at.0).unwrap_or(received),
        // Of a firing alert this is a guess of when it will have timed out.
        ends_at: alert.ends_at.and_then(|at| at.0).filter(|_| resolved),
        graph: alert.generator_url.and_then(|url| link(&url.0)),
    })
}

/// Identifies an alert by its labels: the first 16 hex digits of SHA-256 over `name 0xff value 0xff …`, sorted
/// by name. 0xff is in no UTF-8 text, so no two sets of labels are written alike.
fn fingerprint(labels: &Labels) -> String {
    let mut digest = Sha256::new();
    for (name, value) in labels.iter() {
        digest.update(name);
        digest.update([0xff]);
        digest.update(value);
        digest.update([0xff]);
    }
    let mut text = hex::encode(digest.finalize());
    text.truncate(16);
    text
}

/// Tells one group of the source from another; what is long is replaced by its digest.
fn group_key(sent: &str) -> Arc<str> {
    if sent.len() <= LONGEST_GROUP_KEY { Arc::from(sent) } else { Arc::from(digest(sent)) }
}

/// What helps, by the field that is wrong.
fn remedy(path: &str) -> &'static str {
    let field = if path.contains(".labels") {
        "labels"
    } else if path.contains(".annotations") {
        "annotations"
    } else {
        path.rsplit('.').next().unwrap_or_default()
    };
    match field {
        "version" => "Send \"4\": only version 4 of Alertmanager's webhook is understood",
        "status" => "Send \"firing\" or \"resolved\"",
        "startsAt" | "endsAt" => "Send an instant as RFC 3339 writes it (\"2026-03-29T01:30:00Z\")",
        "labels" | "annotations" => "Send an object whose values are strings",
        "alerts" => {
            "Send a list of at most 50,000 alerts; max_alerts in the webhook's configuration limits it"
        }
        "truncatedAlerts" => "Send a whole number, 0 or more",
        _ => "Send what version 4 of Alertmanager's webhook says",
    }
}

#[cfg(test)]
mod tests;
