//! Incidents: looked up, the newest first. Never changed here; that is what commands are for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    House, Who,
    list::{self, Page, fresh},
    problem::Problem,
    query::Query,
};
use crate::domain::{
    event::Actor,
    id::{ChannelName, GroupId, IncidentId, PersonId, Seq, SeverityId, TaskId},
    incident::{Incident, IncidentRole, IncidentStatus},
    response::{Task, TaskState, WebLink},
    timeline,
};
use crate::engine::Look;

const STATUS: [&str; 5] = ["open", "investigating", "identified", "mitigated", "resolved"];

#[derive(Serialize)]
struct Shown {
    id: IncidentId,
    title: String,
    severity: SeverityId,
    status: IncidentStatus,
    commander: Option<PersonId>,
    roles: BTreeMap<IncidentRole, BTreeSet<PersonId>>,
    groups: BTreeSet<GroupId>,
    channels: Vec<ChannelName>,
    opened_by: String,
    opened_at: Timestamp,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<Timestamp>,
    mitigated_at: Option<Timestamp>,
    resolved_at: Option<Timestamp>,
    paged: BTreeSet<PersonId>,
    merged_into: Option<IncidentId>,
    /// Its page and its deadlines stand still: nobody has it, and nothing of it is heard.
    held: bool,
    /// Of one alone, not in lists.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    response: Option<Belongs>,
}

/// What belongs to the response to an incident.
#[derive(Serialize)]
struct Belongs {
    tasks: Vec<ShownTask>,
    links: Vec<ShownLink>,
    related: BTreeSet<IncidentId>,
    merged: BTreeSet<IncidentId>,
    impact: Option<ShownImpact>,
    groups_open: usize,
    alerts_firing: usize,
}

#[derive(Serialize)]
struct ShownTask {
    id: TaskId,
    text: String,
    owner: Option<PersonId>,
    due_at: Option<Timestamp>,
    status: &'static str,
    ended_by: Option<String>,
    ended_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct ShownLink {
    url: String,
    title: Option<String>,
    by: String,
    at: Timestamp,
}

#[derive(Serialize)]
struct ShownImpact {
    text: String,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    by: String,
}

fn belongs(incident: &Incident, look: &Look<'_>) -> Belongs {
    let of = &incident.response;
    let ahead = look.now.civil.duration_since(look.now.engine);
    let civil = |at: Timestamp| at.checked_add(ahead).unwrap_or(at);
    let task = |task: &Task| {
        let (status, ended) = match &task.state {
            TaskState::Open => ("open", None),
            TaskState::Done(by, at) => ("done", Some((by, *at))),
            TaskState::Dropped(by, at) => ("dropped", Some((by, *at))),
        };
        ShownTask {
            id: task.id,
            text: task.text.to_string(),
            owner: task.owner.clone(),
            due_at: task.due.map(civil),
            status,
            ended_by: ended.map(|(by, _)| by.to_string()),
            ended_at: ended.map(|(_, at)| at),
        }
    };
    let link = |link: &WebLink| ShownLink {
        url: link.url.to_string(),
        title: link.title.as_ref().map(ToString::to_string),
        by: link.by.to_string(),
        at: link.at,
    };
    Belongs {
        tasks: look.state.tasks_of(incident).into_iter().map(task).collect(),
        links: of.links.iter().map(link).collect(),
        related: of.related.clone(),
        merged: of.merged.clone(),
        impact: of.impact.as_ref().map(|impact| ShownImpact {
            text: impact.text.to_string(),
            started_at: impact.started_at,
            ended_at: impact.ended_at,
            by: impact.by.to_string(),
        }),
        groups_open: of.open_groups.len(),
        alerts_firing: look.state.firing_in(incident),
    }
}

fn shown(incident: &Incident) -> Shown {
    Shown {
        id: incident.id,
        title: incident.title.to_string(),
        severity: incident.severity.clone(),
        status: incident.status,
        commander: incident.commander().cloned(),
        roles: incident.roles.clone(),
        groups: incident.groups.clone(),
        channels: incident.channels.clone(),
        opened_by: incident.opened_by.to_string(),
        opened_at: incident.opened_at,
        acknowledged_by: incident.acknowledged.as_ref().map(|(by, _)| Actor::to_string(by)),
        acknowledged_at: incident.acknowledged.as_ref().map(|(_, at)| *at),
        mitigated_at: incident.mitigated_at,
        resolved_at: incident.resolved_at,
        paged: incident.paged.clone(),
        merged_into: incident.response.merged_into,
        held: incident.held.is_some(),
        response: None,
    }
}

/// `GET /api/v1/incidents?status=&cursor=&limit=`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["status", "cursor", "limit"])?;
    let limit = query.limit()?;
    let status = query.one_of("status", &STATUS)?;
    let before = query.before()?.unwrap_or(IncidentId(u64::MAX));
    let (incidents, _) = house
        .look(move |look| {
            let newest_first = look.state.incidents.range(..before).rev().map(|(_, incident)| incident);
            let wanted = |incident: &&Arc<Incident>| match status {
                None => true,
                Some("open") => incident.is_open(),
                Some(status) => incident.status.as_str() == status,
            };
            newest_first.filter(wanted).take(limit + 1).cloned().collect::<Vec<_>>()
        })
        .await?;
    let items = incidents.iter().map(|incident| shown(incident)).collect();
    Ok(fresh(Page::cut(items, limit, |incident: &Shown| incident.id.to_string())))
}

/// `GET /api/v1/incidents/{INC-n}`
pub(super) async fn one(
    State(house): State<Arc<House>>,
    _: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::read(query.as_deref(), &[])?;
    let (incident, _) = find(&house, &id).await?;
    let of = Arc::clone(&incident);
    let (response, _) = house.look(move |look| belongs(&of, look)).await?;
    Ok(fresh(Shown { response: Some(response), ..shown(&incident) }))
}

/// `GET /api/v1/incidents/{INC-n}/timeline?cursor=&limit=`
pub(super) async fn timeline(
    State(house): State<Arc<House>>,
    _: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["cursor", "limit"])?;
    let (incident, seq) = find(&house, &id).await?;
    list::timeline(&house, &timeline::of_incident(&incident), seq, &query).await
}

async fn find(house: &House, id: &str) -> Result<(Arc<Incident>, Seq), Problem> {
    let missing =
        || Problem::not_found(format!("there is no incident `{id}`")).remedy("See /api/v1/incidents");
    let id = id.parse::<IncidentId>().map_err(|_| missing())?;
    let (incident, seq) = house.look(move |look| look.state.incidents.get(&id).cloned()).await?;
    Ok((incident.ok_or_else(missing)?, seq))
}
