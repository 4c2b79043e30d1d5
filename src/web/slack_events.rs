//! What Slack sends by HTTP, where it does not come by the socket: handed to the adapter as it came, because its
//! signature is over every byte. Never answers before it is checked, and never waits for what follows from it.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{House, body};
use crate::{
    chat::{SlackDelivery as Delivery, SlackRequest as Request},
    metrics::BadInput,
};

/// The longest body that is read.
const LONGEST: usize = 4 * 1024 * 1024;

/// `POST /slack/commands`
pub(super) async fn commands(house: State<Arc<House>>, headers: HeaderMap, body: Body) -> Response {
    take(&house, Delivery::Command, &headers, body).await
}

/// `POST /slack/interactions`
pub(super) async fn interactions(house: State<Arc<House>>, headers: HeaderMap, body: Body) -> Response {
    take(&house, Delivery::Interaction, &headers, body).await
}

/// `POST /slack/events`
pub(super) async fn events(house: State<Arc<House>>, headers: HeaderMap, body: Body) -> Response {
    take(&house, Delivery::Event, &headers, body).await
}

async fn take(house: &House, delivery: Delivery, headers: &HeaderMap, body: Body) -> Response {
    let Some(inbox) = &house.slack else { return StatusCode::NOT_FOUND.into_response() };
    let (body, _share) = match body::read_of_stranger(headers, body, LONGEST).await {
        Ok(read) => read,
        Err(problem) => return problem.into_response(),
    };
    let answered = inbox.take(Request { delivery, headers, body: &body });
    match answered.status {
        StatusCode::UNAUTHORIZED => house.metrics.bad_input(BadInput::Token),
        status if status.is_client_error() => house.metrics.bad_input(BadInput::Request),
        _ => {}
    }
    match answered.body {
        Some(json) => (answered.status, [(CONTENT_TYPE, "application/json")], json).into_response(),
        None => answered.status.into_response(),
    }
}
