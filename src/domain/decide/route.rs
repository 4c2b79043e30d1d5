//! Where an alert goes: which routes take it, how bad it is, which group it belongs to. Said once, for those who decide
//! and for those who explain; never looks at the state, and never changes anything.

use crate::domain::{
    alert,
    config::{Config, Route},
    id::{GroupKey, IntegrationId, SeverityId},
    labels::Labels,
    matcher::Matcher,
};

/// From where a severity comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeverityFrom {
    /// The route says so.
    Route,
    /// The alert's labels say so.
    Labels,
}

/// The routes that are tried, in their order, each with the first matcher that the labels fail, if there is one. The
/// first match ends the search unless that route goes on: what follows is not tried.
pub fn search<'a>(
    config: &'a Config,
    labels: &Labels,
) -> impl Iterator<Item = (&'a Route, Option<&'a Matcher>)> {
    let mut ended = false;
    config.routes.iter().map_while(move |route| {
        if ended {
            return None;
        }
        let failed = route.matchers.iter().find(|matcher| !matcher.matches(labels));
        ended = failed.is_none() && !route.goes_on;
        Some((route, failed))
    })
}

/// The routes that take an alert, in their order; `None` stands for the catch-all: nothing is ever dropped.
#[must_use]
pub fn taking<'a>(config: &'a Config, labels: &Labels) -> Vec<Option<&'a Route>> {
    let mut taken: Vec<_> =
        search(config, labels).filter(|(_, failed)| failed.is_none()).map(|(route, _)| Some(route)).collect();
    if taken.is_empty() {
        taken.push(None);
    }
    taken
}

/// How bad an alert is in the eyes of a route: what the route says, else what the labels say.
#[must_use]
pub fn severity(
    config: &Config,
    route: Option<&Route>,
    labels: &Labels,
) -> Option<(SeverityId, SeverityFrom)> {
    let of_route = route.and_then(|route| route.severity.clone()).map(|id| (id, SeverityFrom::Route));
    of_route
        .or_else(|| config.severity_of(labels).map(|severity| (severity.id.clone(), SeverityFrom::Labels)))
}

/// The labels by which a route groups; the catch-all groups by name.
#[must_use]
pub fn group_labels(route: Option<&Route>, labels: &Labels) -> Labels {
    match route {
        Some(route) => labels.filtered(|name| route.group_by.iter().any(|by| by == name)),
        None => labels.filtered(|name| name == "alertname"),
    }
}

/// Under which an open group of these labels is found.
#[must_use]
pub fn group_key(route: Option<&Route>, integration: &IntegrationId, labels: &Labels) -> GroupKey {
    match route {
        Some(route) => GroupKey::from(format!("{}{labels}", route.id)),
        None => GroupKey::from(format!("unrouted/{integration}{labels}")),
    }
}

/// The alert's name, then the group's other labels.
#[must_use]
pub fn title(group: &Labels, labels: &Labels) -> String {
    let mut title = alert::name(labels).to_owned();
    for (name, value) in group.iter().filter(|(name, value)| *name != "alertname" && !value.is_empty()) {
        title.extend([" ", name, "=", value]);
    }
    title
}
