//! Alerts: those that fire, from the engine, and those that ended, from the views. Never a copy of either.

use std::{fmt, str::FromStr, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    House, Who, elsewhere,
    list::{Page, fresh},
    problem::Problem,
    query::Query,
};
use crate::{
    domain::{
        alert::{self, Alert, AlertStatus},
        event::{AlertFired, Event, Record},
        id::{AlertId, GroupId, IntegrationId, Seq, SeverityId},
        labels::Labels,
        matcher::Matcher,
        page::Target,
        timeline::Key,
    },
    engine::Look,
    text,
    views::{Ended, Views},
};

const STATUS: [&str; 2] = ["firing", "resolved"];
/// How many ended alerts one request looks at when most of them do not match.
const LOOKED_AT: usize = 20_000;
/// How many ended alerts are looked up at once.
const AT_ONCE: usize = 500;

#[derive(Serialize)]
struct Shown {
    id: AlertId,
    name: String,
    status: AlertStatus,
    labels: Labels,
    annotations: Labels,
    severity: Option<SeverityId>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    /// The first of its groups.
    group: Option<GroupId>,
    groups: Vec<GroupId>,
    integration: IntegrationId,
    graph: Option<String>,
    source: Option<Arc<str>>,
}

fn firing(alert: &Alert) -> Shown {
    Shown {
        id: alert.id,
        name: alert.name().to_owned(),
        status: AlertStatus::Firing,
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        severity: alert.severity.clone(),
        starts_at: alert.starts_at,
        ends_at: None,
        group: alert.groups.first().copied(),
        groups: alert.groups.clone(),
        integration: alert.integration.clone(),
        graph: alert.graph.clone(),
        source: alert.source.clone(),
    }
}

/// An alert as its two events tell it.
fn ended(fired: &AlertFired, ends_at: Option<Timestamp>) -> Shown {
    Shown {
        id: fired.alert,
        name: alert::name(&fired.labels).to_owned(),
        status: if ends_at.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
        labels: fired.labels.clone(),
        annotations: fired.annotations.clone(),
        severity: fired.severity.clone(),
        starts_at: fired.starts_at,
        ends_at,
        group: fired.groups.first().copied(),
        groups: fired.groups.clone(),
        integration: fired.integration.clone(),
        graph: fired.graph.clone(),
        source: fired.source.clone(),
    }
}

/// Where a page of the list begins: after a firing alert, or before the end of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Firing(AlertId),
    Ended(Seq),
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firing(id) => write!(out, "{id}"),
            Self::Ended(seq) => write!(out, "ended-{seq}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "this is not where a page of this list begins";
        match text.strip_prefix("ended-") {
            Some(seq) => seq.parse().map(Seq).map(Self::Ended).map_err(|_| wrong),
            None => text.parse().map(Self::Firing).map_err(|_| wrong),
        }
    }
}

/// `GET /api/v1/alerts?status=&match=&cursor=&limit=`: those that fire, the newest first; then those that ended,
/// the last one first.
pub(super) async fn list(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["status", "match", "cursor", "limit"])?;
    let limit = query.limit()?;
    let status = query.one_of("status", &STATUS)?;
    let matchers = Arc::new(query.matchers()?);
    let cursor = query.parsed::<Cursor>("cursor", "Send what `next` of the page before said")?;

    let before = match cursor {
        None => AlertId(u64::MAX),
        Some(Cursor::Firing(id)) => id,
        Some(Cursor::Ended(_)) => AlertId(0),
    };
    let before = if status == Some("resolved") { AlertId(0) } else { before };
    // The engine only hands out what there is; regular expressions of strangers are matched elsewhere.
    let most = if matchers.is_empty() { limit + 1 } else { usize::MAX };
    let (mut alerts, seq) = house
        .look(move |look| {
            let newest_first = look.state.alerts.range(..before).rev();
            newest_first.take(most).map(|(_, alert)| Arc::clone(alert)).collect::<Vec<_>>()
        })
        .await?;
    if !matchers.is_empty() {
        let wanted = Arc::clone(&matchers);
        let matching = move || {
            let matching = alerts.into_iter().filter(|alert| all_match(&wanted, &alert.labels));
            matching.take(limit + 1).collect()
        };
        alerts = elsewhere(matching).await?;
    }
    let items: Vec<Shown> = alerts.iter().take(limit).map(|alert| firing(alert)).collect();
    if alerts.len() > limit || status == Some("firing") {
        let next =
            items.last().filter(|_| alerts.len() > limit).map(|last| Cursor::Firing(last.id).to_string());
        return Ok(fresh(Page { items, next }));
    }
    let before = if let Some(Cursor::Ended(seq)) = cursor { Some(seq) } else { None };
    let views = house.views_at(seq).await?;
    with_ended(views, items, before, limit, &matchers).await.map(fresh)
}

/// Fills a page up with alerts that ended.
async fn with_ended(
    views: &Views,
    mut items: Vec<Shown>,
    mut before: Option<Seq>,
    limit: usize,
    matchers: &[Matcher],
) -> Result<Page<Shown>, Problem> {
    let mut looked_at = 0;
    while looked_at < LOOKED_AT {
        let wanted = if matchers.is_empty() { limit - items.len() + 1 } else { AT_ONCE };
        let found = views.ended_alerts(before, wanted).await?;
        let is_all = found.len() < wanted;
        looked_at += found.len();
        for ended_alert in &found {
            let Some(shown) = resolved(ended_alert) else { continue };
            if all_match(matchers, &shown.labels) {
                if items.len() == limit {
                    return Ok(Page { items, next: Some(cursor_after(before)) });
                }
                items.push(shown);
            }
            before = Some(ended_alert.seq);
        }
        if is_all {
            return Ok(Page { items, next: None });
        }
    }
    Ok(Page { items, next: Some(cursor_after(before)) })
}

fn cursor_after(before: Option<Seq>) -> String {
    Cursor::Ended(before.unwrap_or(Seq(u64::MAX))).to_string()
}

fn resolved(alert: &Ended) -> Option<Shown> {
    match (&alert.fired.event, &alert.resolved.event) {
        (Event::AlertFired(fired), Event::AlertResolved { ends_at, .. }) => {
            Some(ended(fired, Some(*ends_at)))
        }
        _ => None,
    }
}

fn all_match(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

/// `GET /api/v1/alerts/{A-n}`
pub(super) async fn one(
    State(house): State<Arc<House>>,
    _: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::read(query.as_deref(), &[])?;
    let missing = || Problem::not_found(format!("there is no alert `{id}`")).remedy("See /api/v1/alerts");
    let id = id.parse::<AlertId>().map_err(|_| missing())?;
    let (alert, seq) = house.look(move |look| look.state.alerts.get(&id).cloned()).await?;
    if let Some(alert) = alert {
        return Ok(fresh(firing(&alert)));
    }
    let records = house.views_at(seq).await?.records(&[Key::Alert(id)], None, 2).await?;
    match from_records(&records) {
        Some(shown) => Ok(fresh(shown)),
        None => Err(in_an_archive(&house, Key::Alert(id)).await?.unwrap_or_else(missing)),
    }
}

/// What is said of an alert or a group that is not found because its beginning was archived.
pub(super) async fn in_an_archive(house: &House, key: Key) -> Result<Option<Problem>, Problem> {
    let known = move |look: &Look<'_>| {
        let next = &look.state.next;
        let (was, what) = match key {
            Key::Alert(id) => (id.0 > 0 && id < next.alert, Target::Alert(id)),
            Key::Group(id) => (id.0 > 0 && id < next.group, Target::Group(id)),
            _ => return None,
        };
        was.then(|| (what, text::upkeep::in_an_archive(look.state)))
    };
    let Some((what, words)) = house.look(known).await?.0 else { return Ok(None) };
    let archived = house.views.begins_in_an_archive(&[key]).await?;
    Ok(archived.then(|| Problem::not_found(format!("`{what}` has ended")).remedy(words)))
}

fn from_records(records: &[Record]) -> Option<Shown> {
    let fired = records.iter().find_map(|record| match &record.event {
        Event::AlertFired(fired) => Some(fired),
        _ => None,
    })?;
    let ends_at = records.iter().find_map(|record| match &record.event {
        Event::AlertResolved { ends_at, .. } => Some(*ends_at),
        _ => None,
    });
    Some(ended(fired, ends_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        for cursor in [Cursor::Firing(AlertId(7)), Cursor::Ended(Seq(9))] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "ended-", "ended-x", "G-7", "-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
