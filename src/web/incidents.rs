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
    id::{ChannelName, GroupId, IncidentId, PersonId, Seq, SeverityId},
    incident::{Incident, IncidentRole, IncidentStatus},
    timeline,
};

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
    Ok(fresh(shown(&incident)))
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
