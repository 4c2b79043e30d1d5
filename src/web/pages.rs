//! Pages: which ones run, for what, whom they reached so far, and what is still to come. Never stopped here.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    House, Who,
    list::{Page as ListPage, fresh},
    problem::Problem,
    query::Query,
};
use crate::{
    domain::{
        delivery::Delivery,
        id::{DeliveryId, GroupId, IncidentId, PageId, PersonId, PolicyId, SeverityId},
        page::{Page, PageReason},
    },
    engine::Look,
};

const STATUS: [&str; 2] = ["running", "ended"];

#[derive(Serialize)]
struct Shown {
    id: PageId,
    status: &'static str,
    subject: String,
    group: Option<GroupId>,
    incident: Option<IncidentId>,
    #[serde(flatten)]
    running: Option<Running>,
    acknowledged_by: Option<String>,
    ended_at: Option<Timestamp>,
}

/// What is known of a page while it runs.
#[derive(Serialize)]
struct Running {
    severity: Option<SeverityId>,
    policy: PolicyId,
    /// `fired`, `raised`, `opened`, `unresolved`, `asked`, `assigned`.
    reason: &'static str,
    by: String,
    started_at: Timestamp,
    round: u32,
    step: u32,
    /// Engine time.
    next_at: Timestamp,
    /// It stands still: nothing of its incident is heard, and nobody has that.
    held: bool,
    paged: BTreeSet<PersonId>,
    deliveries: Vec<Sending>,
}

/// A delivery that is not finished.
#[derive(Serialize)]
struct Sending {
    id: DeliveryId,
    kind: &'static str,
    to: String,
    channel: &'static str,
    attempts: u32,
    /// Engine time.
    due: Timestamp,
}

/// `GET /api/v1/pages?status=&cursor=&limit=`: those that run, and the last ones by request that ended.
pub(super) async fn list(
    State(house): State<Arc<House>>,
    _: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["status", "cursor", "limit"])?;
    let limit = query.limit()?;
    let status = query.one_of("status", &STATUS)?;
    let before = query.before()?.unwrap_or(PageId(u64::MAX));
    let (items, _) = house.look(move |look| newest(look, before, limit + 1, status)).await?;
    Ok(fresh(ListPage::cut(items, limit, |page: &Shown| page.id.to_string())))
}

/// The newest pages before one.
fn newest(look: &Look<'_>, before: PageId, most: usize, status: Option<&str>) -> Vec<Shown> {
    let wanted = |word| status.is_none_or(|status| status == word);
    let running = look.state.pages.range(..before).rev().filter(|_| wanted("running")).take(most);
    let ended = look.state.closed_pages.range(..before).rev().filter(|_| wanted("ended")).take(most);
    let mut pages: Vec<Shown> = running.map(|(_, page)| shown(page, look)).collect();
    pages.extend(ended.map(|(id, page)| Shown {
        id: *id,
        status: "ended",
        subject: id.to_string(),
        group: None,
        incident: None,
        running: None,
        acknowledged_by: page.taken.as_ref().map(|(by, _)| by.to_string()),
        ended_at: Some(page.ended_at),
    }));
    pages.sort_by_key(|page| std::cmp::Reverse(page.id));
    pages.truncate(most);
    pages
}

fn shown(page: &Page, look: &Look<'_>) -> Shown {
    let deliveries = page.deliveries.iter().filter_map(|id| look.state.deliveries.get(id));
    Shown {
        id: page.id,
        status: "running",
        subject: page.subject.to_string(),
        group: page.subject.group(),
        incident: page.subject.incident(),
        running: Some(Running {
            severity: page.severity.clone(),
            policy: page.plan.policy.clone(),
            reason: reason(&page.reason),
            by: page.by.to_string(),
            started_at: page.started_at,
            round: page.round,
            step: page.step,
            next_at: page.next_at,
            held: page.held,
            paged: page.paged.clone(),
            deliveries: deliveries.map(|delivery| sending(delivery)).collect(),
        }),
        acknowledged_by: None,
        ended_at: None,
    }
}

fn sending(delivery: &Delivery) -> Sending {
    Sending {
        id: delivery.id,
        kind: delivery.kind.as_str(),
        to: delivery.to.to_string(),
        channel: delivery.channel.as_str(),
        attempts: delivery.attempts,
        due: delivery.due,
    }
}

fn reason(reason: &PageReason) -> &'static str {
    match reason {
        PageReason::Fired => "fired",
        PageReason::Raised => "raised",
        PageReason::Opened => "opened",
        PageReason::Unresolved(_) => "unresolved",
        PageReason::Asked(_) => "asked",
        PageReason::Assigned(_) => "assigned",
        PageReason::NotHelped(_) => "not_helped",
        PageReason::HeldBack(_) => "held_back",
        PageReason::QuietOver => "quiet_over",
        PageReason::SnoozeOver => "snooze_over",
        PageReason::Repeated(_) => "repeated",
        PageReason::NotMitigated => "not_mitigated",
    }
}
