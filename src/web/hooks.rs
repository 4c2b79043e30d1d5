//! `POST /hooks/{integration}`: alerts in. The hot path: one look at the access, one copy of the body at most, one
//! answer after the sync. Never answers 202 before what was sent is on disk.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    House,
    auth::{self, Access, Gate, Peer},
    body,
    limit::Limit,
    problem::Problem,
};
use crate::{
    domain::{alert::Report, config::IntegrationKind, id::IntegrationId},
    intake,
    metrics::BadInput,
    observe,
};

/// The largest message that is taken, in bytes.
pub const LIMIT: usize = 5 * 1024 * 1024;
/// Larger messages are read beside the threads that answer others.
const LARGE: usize = 128 * 1024;
/// What stands before the integration's name.
pub(super) const PREFIX: &str = "/hooks/";

pub(super) async fn take(State(house): State<Arc<House>>, request: Request) -> Response {
    let access = Arc::clone(&house.access.borrow());
    let gate = match enter(&access, &request) {
        Ok(gate) => gate,
        Err(problem) => {
            house.metrics.webhook(None, problem.status().as_u16());
            house.metrics.bad_input(BadInput::Token);
            return problem.into_response();
        }
    };
    match accept(&house, gate, request).await {
        Ok(()) => {
            house.metrics.webhook(Some(&gate.id), StatusCode::ACCEPTED.as_u16());
            StatusCode::ACCEPTED.into_response()
        }
        Err(problem) => {
            house.metrics.webhook(Some(&gate.id), problem.status().as_u16());
            match problem.status() {
                StatusCode::BAD_REQUEST => house.metrics.bad_input(BadInput::Webhook),
                StatusCode::PAYLOAD_TOO_LARGE => house.metrics.bad_input(BadInput::TooLarge),
                _ => {}
            }
            problem.into_response()
        }
    }
}

fn enter<'a>(access: &'a Access, request: &Request) -> Result<&'a Gate, Problem> {
    let name = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let token = auth::token(request.headers(), request.uri().query());
    let peer = request.extensions().get::<Peer>().copied();
    access.gate(name, token.as_deref(), || auth::local(peer, request.headers()))
}

async fn accept(house: &House, gate: &Gate, request: Request) -> Result<(), Problem> {
    if let Some(Err(wait)) = gate.limit.as_ref().map(Limit::take) {
        let detail = format!("{} sends more messages a minute than it may; this one was not taken", gate.id);
        return Err(Problem::too_many(detail, wait).remedy("Send it again after the time in Retry-After"));
    }
    let (parts, body) = request.into_parts();
    let body = body::read(&parts.headers, body, LIMIT).await?;
    let report = if body.len() > LARGE {
        let (kind, id) = (gate.kind, gate.id.clone());
        let read = tokio::task::spawn_blocking(move || read(kind, &id, &body)).await;
        read.map_err(|_| Problem::inside(observe::trace()))??
    } else {
        read(gate.kind, &gate.id, &body)?
    };
    house.engine.report(observe::trace(), report).await?;
    Ok(())
}

fn read(kind: IntegrationKind, integration: &IntegrationId, body: &Bytes) -> Result<Report, Problem> {
    #[expect(clippy::disallowed_methods, reason = "when a request arrived is known here and nowhere else")]
    let received = Timestamp::now();
    intake::read(kind, integration, body, received).map_err(|problem| {
        let detail = problem.to_string();
        match problem.field {
            Some(field) => Problem::wrong(field, detail).remedy(problem.remedy),
            None => Problem::malformed(detail).remedy(problem.remedy),
        }
    })
}
