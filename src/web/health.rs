//! Whether the server lives, whether it can do its work, and its figures. Never waits long, and never needs a token.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{House, list::fresh};
use crate::{
    command,
    domain::id::Seq,
    metrics::{CONTENT_TYPE as METRICS_TYPE, Standing},
    text::status,
    views::Status,
};

/// The engine's own answer to whether it is there.
async fn ask(house: &House) -> Result<(Standing, Seq), String> {
    house.engine.ask(|look| (Standing::of(look.state), look.state.seq)).await
}

/// `GET /healthz`: 200 while the engine answers.
pub(super) async fn alive(State(house): State<Arc<House>>) -> Response {
    match ask(&house).await {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    /// The last event.
    seq: Option<Seq>,
    views: ViewsState,
    /// Ways out that are disturbed, in words; never a reason by themselves.
    troubles: Vec<String>,
}

/// Lookups; never a reason not to be ready.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum ViewsState {
    Ready { applied: Seq, behind: u64 },
    Rebuilding { done: u64, of: u64 },
    Broken { why: String },
}

impl From<Status> for ViewsState {
    fn from(status: Status) -> Self {
        match status {
            Status::Ready { applied, behind } => Self::Ready { applied, behind },
            Status::Rebuilding { done, of } => Self::Rebuilding { done, of },
            Status::Broken { why } => Self::Broken { why },
        }
    }
}

/// `GET /readyz`: 200 and an empty list of reasons, or 503 and why.
pub(super) async fn ready(State(house): State<Arc<House>>) -> Response {
    let answer = ask(&house).await;
    let mut reasons: Vec<String> = answer.as_ref().err().cloned().into_iter().collect();
    reasons.extend(house.reader.degraded());
    reasons.extend(house.faults.borrow().iter().cloned());
    reasons.extend(house.away.borrow().iter().cloned());
    if *house.closing.borrow() {
        reasons.push("the server is stopping".to_owned());
    }
    let ready = reasons.is_empty();
    let seq = answer.ok().map(|(_, seq)| seq);
    let troubles = command::troubles(house.engine.ways()).iter().map(status::in_short).collect();
    let views = house.views.status().into();
    let mut response = fresh(Readiness { ready, reasons, seq, views, troubles });
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// `GET /metrics`
pub(super) async fn metrics(State(house): State<Arc<House>>) -> Response {
    if let Ok((standing, seq)) = ask(&house).await {
        house.metrics.standing(standing);
        house.metrics.views_lag(match house.views.status() {
            Status::Ready { applied, .. } => seq.0.saturating_sub(applied.0),
            Status::Rebuilding { .. } | Status::Broken { .. } => seq.0,
        });
    }
    ([(CONTENT_TYPE, METRICS_TYPE)], house.metrics.render()).into_response()
}
