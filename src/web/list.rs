//! Lists: a page of items and where the next page begins. Never more items than were asked for.

use axum::{
    Json,
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{House, problem::Problem, query::Query};
use crate::{
    domain::{id::Seq, timeline::Key},
    text::timeline,
};

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to send as `cursor` for what follows; null at the end.
    pub next: Option<String>,
}

/// A page of a timeline.
#[derive(Debug, Serialize)]
struct Timeline {
    items: Vec<timeline::Entry>,
    next: Option<String>,
    /// Whether older entries than these are in an archive of the journal, and not shown here.
    archived: bool,
    /// Where, when they are.
    archives: Vec<String>,
}

impl<T: Serialize> Page<T> {
    /// From up to `limit + 1` items: one more than is shown tells that there is more.
    pub fn cut(mut items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// A document that nobody keeps: it is another one a moment later.
pub(super) fn fresh(document: impl Serialize) -> Response {
    let mut response = Json(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page of a timeline, the oldest entry first.
pub(super) async fn timeline(
    house: &House,
    keys: &[Key],
    seq: Seq,
    query: &Query,
) -> Result<Response, Problem> {
    let limit = query.limit()?;
    let after = query.before()?.map(Seq);
    let views = house.views_at(seq).await?;
    let records = views.records(keys, after, limit + 1).await?;
    let more = records.len() > limit;
    let shown = records.get(..limit.min(records.len())).unwrap_or_default();
    let next = shown.last().filter(|_| more).map(|record| record.seq.to_string());
    let archived = views.begins_in_an_archive(keys).await?;
    let archives =
        if archived { house.look(|look| look.state.archives.clone()).await?.0 } else { Vec::new() };
    let items = shown.iter().filter_map(timeline::entry).collect();
    Ok(fresh(Timeline { items, next, archived, archives }))
}
