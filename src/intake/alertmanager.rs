//! Reads Alertmanager's webhook, version 4 (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).
//! Never changes what labels say: control characters and mentions stay as sent, whoever shows them escapes them.

mod payload;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;
use sha2::{Digest, Sha256};

use self::payload::{Object, Payload, RawAlert};
use super::Problem;
use crate::domain::{
    alert::{AlertStatus, Report, Signal},
    id::IntegrationId,
    labels::Labels,
};

/// The most alerts that one message may hold: ten times what fits into 5 MB when they have labels.
pub const MOST_ALERTS: usize = 50_000;

/// The longest fingerprint that is kept as it is, in bytes; a longer one is kept as its digest.
const LONGEST_FINGERPRINT: usize = 64;

/// The longest key of a group that is kept as it is, in bytes: every alert of the message carries it.
const LONGEST_GROUP_KEY: usize = 256;

/// The longest address that is kept, in bytes.
const LONGEST_LINK: usize = 2_000;

/// The longest text from outside that a problem repeats, in characters.
const LONGEST_QUOTE: usize = 120;

/// Reads one message. An alert without `startsAt` started at `received`; one without a fingerprint is
/// identified by its labels.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub fn read(integration: &IntegrationId, body: &[u8], received: Timestamp) -> Result<Report, Problem> {
    let Ok(Object(payload)) = serde_json::from_slice::<Object<Payload<'_>>>(body) else {
        return Err(diagnose(body));
    };
    let Some(alerts) = payload.alerts else {
        return Err(problem(
            "alerts".into(),
            "is missing",
            "Send the list of alerts, empty when there are none",
        ));
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

/// A fingerprint becomes part of ids and addresses: what is long or odd is replaced by its digest.
fn own_or_digest(sent: &str) -> String {
    if sent.len() <= LONGEST_FINGERPRINT && sent.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
        return sent.to_owned();
    }
    digest(sent)
}

/// Tells one group of the source from another; what is long is replaced by its digest.
fn group_key(sent: &str) -> Arc<str> {
    if sent.len() <= LONGEST_GROUP_KEY { Arc::from(sent) } else { Arc::from(digest(sent)) }
}

fn digest(sent: &str) -> String {
    let mut text = hex::encode(Sha256::digest(sent));
    text.truncate(32);
    text
}

/// Only `http` and `https` addresses of a sensible length are kept: a link is something that people press.
fn link(sent: &str) -> Option<String> {
    if sent.len() > LONGEST_LINK {
        return None;
    }
    let url = url::Url::parse(sent).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= LONGEST_LINK)
        .then(|| url.into())
}

fn problem(field: String, what: &str, remedy: &str) -> Problem {
    Problem { field: Some(field), what: what.to_owned(), remedy: remedy.to_owned() }
}

/// The second pass, only over bad messages: finds the field and says what is wrong with it.
fn diagnose(body: &[u8]) -> Problem {
    let whole = |what: String| Problem {
        field: None,
        what,
        remedy: "Send the JSON object of Alertmanager's webhook, version 4".to_owned(),
    };
    if body.trim_ascii().is_empty() {
        return whole("The body is empty".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let read =
        Object::<Payload<'_>>::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let Err(error) = read.and_then(|_| json.end()) else {
        // The first pass failed, so this one does; were it not so, the message would still not be taken.
        return whole("The body could not be read".to_owned());
    };
    if !error.is_data() {
        return whole(format!("The body is not JSON: {}", quote(&error.to_string())));
    }
    // "invalid type: integer `5`, expected a string at line 1 column 9": the place is said by the field.
    let text = error.to_string();
    let what = quote(text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what));
    let path = quote(&track.path().to_string());
    let path = if matches!(path.as_str(), "." | "?") { "" } else { &path };
    // A field that is there twice is only named by the words.
    let twice = what.strip_prefix("duplicate field `").and_then(|rest| rest.strip_suffix('`'));
    let path = match (path, twice) {
        ("", None) => return whole(what),
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) if !path.ends_with(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    let remedy = remedy(&path).to_owned();
    Problem { field: Some(path), what, remedy }
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

/// Text from outside as it may stand in an answer: one line, no control characters, not long.
fn quote(text: &str) -> String {
    let mut quoted: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_QUOTE).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}

#[cfg(test)]
mod tests;
