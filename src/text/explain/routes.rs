//! How a route is told: what it makes of the labels, and what follows. Never judges a route.

use jiff::SignedDuration;

use crate::{
    domain::{
        explain::{RouteLine, Taking, Verdict},
        person::Urgency,
    },
    text::{
        plain::{NAME, WORDS, plain},
        scene::enumerate,
        span::span,
    },
};

/// One route.
pub(super) fn line(line: &RouteLine) -> String {
    let name = match (line.place, &line.route) {
        (Some(place), Some(route)) => format!("{place}. {}", plain(route.as_str(), NAME)),
        _ => "The catch-all".to_owned(),
    };
    match &line.verdict {
        Verdict::NotTried if line.route.is_none() => format!("  {name} was not needed."),
        Verdict::NotTried => format!("  {name} was not tried: a route before it ended the search."),
        Verdict::Fails { matcher, value } => {
            let value = match value {
                Some(value) => format!("the label says {:?}", plain(value, NAME)),
                None => "there is no such label".to_owned(),
            };
            format!("  {name} does not match: {} fails, {value}.", plain(matcher, WORDS))
        }
        Verdict::Takes(taking) => {
            let because = if line.matchers.is_empty() {
                if line.route.is_none() { "no route did".to_owned() } else { "it takes all".to_owned() }
            } else {
                plain(&line.matchers.join(", "), WORDS)
            };
            let search = match (line.route.is_none(), taking.ends_search) {
                (true, _) => "",
                (false, true) => " The search ends here.",
                (false, false) => " It continues: later routes are tried, too.",
            };
            format!("  {name} takes it: {because}.{search}\n    {}", takes(taking))
        }
    }
}

fn takes(taking: &Taking) -> String {
    let urgency = match taking.urgency {
        Urgency::Urgent => "urgent",
        Urgency::Routine => "routine",
    };
    let severity = match (&taking.severity, taking.severity_from) {
        (Some(severity), Some("route")) => format!("Severity {severity} by the route, {urgency}"),
        (Some(severity), _) => format!("Severity {severity} by its labels, {urgency}"),
        (None, _) => format!("No severity, so {urgency}"),
    };
    let wait = match taking.group_wait_seconds {
        0 => "told at once".to_owned(),
        seconds => format!("told after {}", span(SignedDuration::from_secs(seconds))),
    };
    let page = match &taking.policy {
        Some(policy) => format!("pages by {}", plain(policy.as_str(), NAME)),
        None => "pages nobody".to_owned(),
    };
    let incident = if taking.incident { "; opens an incident" } else { "" };
    let channels = if taking.channels.is_empty() {
        "no channel".to_owned()
    } else {
        plain(&enumerate(&taking.channels), WORDS)
    };
    format!(
        "{severity}; group {}, {wait} in {channels}; {page}{incident}.",
        plain(&taking.group_labels.to_string(), WORDS)
    )
}
