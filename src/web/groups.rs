//! Alert groups: looked up, the newest first; open ones, and those that closed not too long ago. Never changed here.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    House, Who, elsewhere,
    list::{self, Page, fresh},
    problem::Problem,
    query::Query,
};
use crate::{
    domain::{
        event::Actor,
        group::{ClosedGroup, Group},
        id::{
            AlertId, ChannelName, GroupId, IncidentId, PersonId, PolicyId, RouteId, Seq, SeverityId,
            SilenceId,
        },
        intent::Now,
        labels::Labels,
        timeline::Key,
    },
    engine::Look,
};

const CLOSED: &str = "closed";
const STATUS: [&str; 3] = ["open", "acknowledged", CLOSED];

#[derive(Serialize)]
struct Shown {
    id: GroupId,
    title: String,
    /// `open`: nobody has it; `acknowledged`; `closed`.
    status: &'static str,
    severity: Option<SeverityId>,
    labels: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<RouteId>,
    incident: Option<IncidentId>,
    /// Alerts that fire.
    firing: BTreeSet<AlertId>,
    /// How many alerts have been in it.
    seen: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Vec<ChannelName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyId>,
    /// What keeps it quiet.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<Vec<SilenceId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<Timestamp>,
    opened_at: Timestamp,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paged: Option<BTreeSet<PersonId>>,
}

/// An open group, or what is remembered of a closed one.
enum Found {
    Open(Arc<Group>, Now),
    Closed(Box<ClosedGroup>),
}

impl Found {
    fn status(&self) -> &'static str {
        match self {
            Self::Open(group, _) => open_status(group),
            Self::Closed(_) => CLOSED,
        }
    }

    fn shown(&self) -> Shown {
        match self {
            Self::Open(group, now) => Shown {
                id: group.id,
                title: group.title.clone(),
                status: self.status(),
                severity: group.severity.clone(),
                labels: group.labels.clone(),
                route: group.route.clone(),
                incident: group.incident,
                firing: group.firing.iter().copied().collect(),
                seen: group.seen,
                channels: Some(group.channels.to_vec()),
                policy: group.page.as_ref().map(|plan| plan.policy.clone()),
                quiet: group.hush.as_ref().map(|hush| hush.by.iter().map(|one| one.silence).collect()),
                quiet_until: group.hush.as_ref().map(|hush| now.civil_of(hush.until)),
                snoozed_until: group.snooze.as_ref().map(|one| now.civil_of(one.until)),
                opened_at: group.opened_at,
                acknowledged_by: group.acknowledged.as_ref().map(|(by, _)| Actor::to_string(by)),
                acknowledged_at: group.acknowledged.as_ref().map(|(_, at)| *at),
                closed_at: None,
                paged: Some(group.paged.iter().cloned().collect()),
            },
            Self::Closed(group) => Shown {
                id: group.id,
                title: group.title.clone(),
                status: self.status(),
                severity: group.severity.clone(),
                labels: group.labels.clone(),
                route: None,
                incident: group.incident,
                firing: BTreeSet::new(),
                seen: group.seen,
                channels: None,
                policy: None,
                quiet: None,
                quiet_until: None,
                snoozed_until: None,
                opened_at: group.opened_at,
                acknowledged_by: group.acknowledged_by.as_ref().map(Actor::to_string),
                acknowledged_at: None,
                closed_at: Some(group.closed_at),
                paged: None,
            },
        }
    }
}

/// `GET /api/v1/groups?status=&match=&cursor=&limit=`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["status", "match", "cursor", "limit"])?;
    let limit = query.limit()?;
    let status = query.one_of("status", &STATUS)?;
    let matchers = query.matchers()?;
    // The engine only hands out what there is; regular expressions of strangers are matched elsewhere.
    let most = if matchers.is_empty() { limit + 1 } else { usize::MAX };
    let before = query.before()?.unwrap_or(GroupId(u64::MAX));
    let (mut ids, _) = house.look(move |look| newest(look, before, most, status)).await?;
    if !matchers.is_empty() {
        let matching = move || {
            ids.retain(|(_, labels)| matchers.iter().all(|matcher| matcher.matches(labels)));
            ids.truncate(limit + 1);
            ids
        };
        ids = elsewhere(matching).await?;
    }
    let more = ids.len() > limit;
    ids.truncate(limit);
    let next = ids.last().filter(|_| more).map(|(id, _)| id.to_string());
    let found =
        move |look: &Look<'_>| ids.iter().filter_map(|(id, _)| find_in(look, *id)).collect::<Vec<_>>();
    let (groups, _) = house.look(found).await?;
    Ok(fresh(Page { items: groups.iter().map(Found::shown).collect(), next }))
}

/// The newest groups before one, open and closed merged by their number, with their labels.
fn newest(look: &Look<'_>, before: GroupId, most: usize, status: Option<&str>) -> Vec<(GroupId, Labels)> {
    let mut open = look.state.groups.range(..before).rev().peekable();
    let mut closed = look.state.closed_groups.range(..before).rev().peekable();
    let merged = std::iter::from_fn(|| {
        let open_first = match (open.peek(), closed.peek()) {
            (Some((a, _)), Some((b, _))) => a > b,
            (open, _) => open.is_some(),
        };
        if open_first {
            open.next().map(|(id, group)| (*id, open_status(group), &group.labels))
        } else {
            closed.next().map(|(id, group)| (*id, CLOSED, &group.labels))
        }
    });
    merged
        .filter(|(_, is, _)| status.is_none_or(|status| status == *is))
        .take(most)
        .map(|(id, _, labels)| (id, labels.clone()))
        .collect()
}

fn open_status(group: &Group) -> &'static str {
    if group.acknowledged.is_some() { "acknowledged" } else { "open" }
}

fn find_in(look: &Look<'_>, id: GroupId) -> Option<Found> {
    let open = look.state.groups.get(&id).map(|group| Found::Open(Arc::clone(group), look.now));
    open.or_else(|| look.state.closed_groups.get(&id).map(|group| Found::Closed(Box::new(group.clone()))))
}

/// `GET /api/v1/groups/{G-n}`
pub(super) async fn one(
    State(house): State<Arc<House>>,
    _: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::read(query.as_deref(), &[])?;
    let (group, _) = find(&house, &id).await?;
    Ok(fresh(group.shown()))
}

/// `GET /api/v1/groups/{G-n}/timeline?cursor=&limit=`
pub(super) async fn timeline(
    State(house): State<Arc<House>>,
    _: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["cursor", "limit"])?;
    let missing = || Problem::not_found(format!("there is no group `{id}`")).remedy("See /api/v1/groups");
    let id = id.parse::<GroupId>().map_err(|_| missing())?;
    // The timeline outlives what the engine remembers of a closed group.
    let (next, seq) = house.look(|look| look.state.next.group).await?;
    if id >= next || id.0 == 0 {
        return Err(missing());
    }
    list::timeline(&house, &[Key::Group(id)], seq, &query).await
}

async fn find(house: &House, id: &str) -> Result<(Found, Seq), Problem> {
    let missing = || {
        Problem::not_found(format!("there is no group `{id}`, or it closed long ago"))
            .remedy("See /api/v1/groups; the timeline of an old group is at /api/v1/groups/{G-n}/timeline")
    };
    let id = id.parse::<GroupId>().map_err(|_| missing())?;
    let (group, seq) = house.look(move |look| find_in(look, id)).await?;
    Ok((group.ok_or_else(missing)?, seq))
}
