//! What each route makes of labels, by the configuration in force. Never knows how routes decide: it asks
//! `decide::route`, as the engine does.

use super::{RouteLine, Taking, Verdict};
use crate::domain::{
    config::{Config, Route},
    decide::route::{self, SeverityFrom},
    id::IntegrationId,
    labels::Labels,
};

/// Every route in its order, then the catch-all.
#[must_use]
pub fn routing(config: &Config, integration: &IntegrationId, labels: &Labels) -> Vec<RouteLine> {
    let mut tried = route::search(config, labels);
    let mut taken = false;
    let mut lines: Vec<RouteLine> = Vec::with_capacity(config.routes.len() + 1);
    for (index, route) in config.routes.iter().enumerate() {
        let verdict = match tried.next() {
            None => Verdict::NotTried,
            Some((_, Some(failed))) => Verdict::Fails {
                matcher: failed.to_string(),
                value: labels.get(failed.label()).map(str::to_owned),
            },
            Some((_, None)) => {
                taken = true;
                Verdict::Takes(Box::new(taking(config, Some(route), integration, labels)))
            }
        };
        lines.push(RouteLine {
            place: Some(index + 1),
            route: Some(route.id.clone()),
            matchers: route.matchers.iter().map(ToString::to_string).collect(),
            verdict,
        });
    }
    let verdict = if taken {
        Verdict::NotTried
    } else {
        Verdict::Takes(Box::new(taking(config, None, integration, labels)))
    };
    lines.push(RouteLine { place: None, route: None, matchers: Vec::new(), verdict });
    lines
}

fn taking(config: &Config, route: Option<&Route>, integration: &IntegrationId, labels: &Labels) -> Taking {
    let severity = route::severity(config, route, labels);
    let group_labels = route::group_labels(route, labels);
    let (severity, from) = severity.unzip();
    Taking {
        ends_search: route.is_none_or(|route| !route.goes_on),
        urgency: config.urgency(severity.as_ref()),
        severity,
        severity_from: from.map(|from| match from {
            SeverityFrom::Route => "route",
            SeverityFrom::Labels => "labels",
        }),
        group_key: route::group_key(route, integration, &group_labels),
        group_labels,
        group_wait_seconds: route.map_or(0, |route| route.group_wait.as_secs()),
        channels: route.map_or(&config.unrouted.channels, |route| &route.channels).clone(),
        policy: route.map_or(config.unrouted.page.as_ref(), |route| route.page.as_ref()).cloned(),
        incident: route.is_some_and(|route| route.incident),
    }
}
