//! `POST /hooks/{integration}`: alerts and deployments in. The hot path: one look at the access, one copy of the body at most, one
//! answer after the sync. Never answers 202 before what was sent is on disk.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;

use super::{
    House,
    auth::{self, Access, Gate, Peer},
    body,
    limit::Limit,
    problem::Problem,
    signature,
};
use crate::{
    domain::intent::Intent,
    intake::{self, Message, Sent},
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
    let id = &gate.integration.id;
    match accept(&house, &access, gate, request).await {
        Ok(()) => {
            house.metrics.webhook(Some(id), StatusCode::ACCEPTED.as_u16());
            StatusCode::ACCEPTED.into_response()
        }
        Err(problem) => {
            house.metrics.webhook(Some(id), problem.status().as_u16());
            match problem.status() {
                StatusCode::BAD_REQUEST => house.metrics.bad_input(BadInput::Webhook),
                StatusCode::PAYLOAD_TOO_LARGE => house.metrics.bad_input(BadInput::TooLarge),
                StatusCode::UNAUTHORIZED => house.metrics.bad_input(BadInput::Token),
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

async fn accept(house: &House, access: &Arc<Access>, gate: &Gate, request: Request) -> Result<(), Problem> {
    let (parts, body) = request.into_parts();
    match &gate.proof {
        // Whoever cannot prove anything must not use up what the source may send.
        Some(proof) if !proof.is_shown(&parts.headers) => return Err(auth::no_integration()),
        Some(_) => {}
        None => within_limit(gate)?,
    }
    let (body, share) = if gate.proof.is_some() {
        let (body, share) = body::read_of_stranger(&parts.headers, body, LIMIT).await?;
        (body, Some(share))
    } else {
        (body::read(&parts.headers, body, LIMIT).await?, None)
    };
    let message = if body.len() > LARGE {
        let (access, name) = (Arc::clone(access), gate.integration.id.clone());
        let read = move || {
            let gate = access.named(&name).ok_or_else(auth::no_integration)?;
            read(gate, &parts.headers, &body)
        };
        tokio::task::spawn_blocking(read).await.map_err(|_| Problem::inside(observe::trace()))??
    } else {
        read(gate, &parts.headers, &body)?
    };
    // From here on it is known whose it is.
    drop(share);
    match message {
        Message::Report(report) => drop(house.engine.report(observe::trace(), report).await?),
        Message::Deployment(told) => {
            drop(house.engine.submit(observe::trace(), Intent::Deployed(told)).await?);
        }
        Message::Passed => house.metrics.passed(&gate.integration.id),
    }
    Ok(())
}

fn within_limit(gate: &Gate) -> Result<(), Problem> {
    let Some(Err(wait)) = gate.limit.as_ref().map(Limit::take) else { return Ok(()) };
    let id = &gate.integration.id;
    let detail = format!("{id} sends more messages a minute than it may; this one was not taken");
    Err(Problem::too_many(detail, wait).remedy("Send it again after the time in Retry-After"))
}

/// Reads a message, once it is known whose it is.
fn read(gate: &Gate, headers: &HeaderMap, body: &Bytes) -> Result<Message, Problem> {
    #[expect(clippy::disallowed_methods, reason = "when a request arrived is known here and nowhere else")]
    let received = Timestamp::now();
    if let Some(proof) = &gate.proof {
        if !proof.holds(headers, body, received) {
            return Err(auth::no_integration());
        }
        within_limit(gate)?;
    }
    let header = |name: &str| signature::once(headers, name);
    let sent = Sent { header: &header, body, received };
    intake::read(&gate.integration, sent).map_err(|problem| {
        let detail = problem.to_string();
        match problem.field {
            Some(field) => Problem::wrong(field, detail).remedy(problem.remedy),
            None => Problem::malformed(detail).remedy(problem.remedy),
        }
    })
}
