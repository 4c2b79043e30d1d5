//! Silences and maintenance: in force, to come, and the last ones that are over, the newest first. Never changed here.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    House, Who,
    list::{Page, fresh},
    problem::Problem,
    query::Query,
};
use crate::{
    domain::{
        id::SilenceId,
        intent::Now,
        quiet::{Silence, SilenceKind},
    },
    engine::Look,
};

const STATUS: [&str; 3] = ["active", "pending", "expired"];

#[derive(Serialize)]
struct Shown {
    id: SilenceId,
    kind: SilenceKind,
    /// `active`, `pending`, `expired`.
    status: &'static str,
    matchers: Vec<String>,
    comment: String,
    by: String,
    /// The name of a planned maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    ended_at: Option<Timestamp>,
    ended_by: Option<String>,
}

/// `GET /api/v1/silences?status=&cursor=&limit=`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["status", "cursor", "limit"])?;
    let limit = query.limit()?;
    let status = query.one_of("status", &STATUS)?;
    let before = query.before()?.unwrap_or(SilenceId(u64::MAX));
    let (found, _) = house.look(move |look| newest(look, before, limit + 1, status)).await?;
    Ok(fresh(Page::cut(found, limit, |one| one.id.to_string())))
}

fn newest(look: &Look<'_>, before: SilenceId, most: usize, status: Option<&str>) -> Vec<Shown> {
    let quiet = &look.state.quiet;
    let mut all: Vec<&Silence> =
        quiet.silences.range(..before).chain(quiet.ended.range(..before)).map(|(_, one)| &**one).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.id));
    let shown = all.into_iter().map(|one| shown(one, look.now));
    shown.filter(|one| status.is_none_or(|status| status == one.status)).take(most).collect()
}

fn shown(silence: &Silence, now: Now) -> Shown {
    let status = match &silence.ended {
        Some(_) => "expired",
        None if silence.holds(now.engine) => "active",
        // Its end is decided in the next moment.
        None if silence.ends <= now.engine => "expired",
        None => "pending",
    };
    Shown {
        id: silence.id,
        kind: silence.kind,
        status,
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        comment: silence.comment.to_string(),
        by: silence.by.to_string(),
        planned: silence.planned.clone(),
        starts_at: now.civil_of(silence.starts),
        ends_at: now.civil_of(silence.ends),
        ended_at: silence.ended.as_ref().map(|(at, _)| *at),
        ended_by: silence.ended.as_ref().and_then(|(_, by)| by.as_ref()).map(ToString::to_string),
    }
}
