//! The web: alerts in, commands, lookups, the live stream, links that acknowledge, health. Never decides anything: it
//! hands intents to the engine and shows what the engine and the views know.
//!
//! One file per noun. `auth` says who calls, `problem` is every answer that is not the one asked for, `serve` holds
//! the connections. `formats.md`, section HTTP, is the promise that these files keep.

mod ack;
mod alerts;
mod audit;
mod auth;
mod body;
mod commands;
mod explain;
mod gaps;
mod groups;
mod health;
mod hooks;
mod incidents;
mod limit;
mod list;
mod live;
mod oncall;
mod openapi;
mod pages;
mod problem;
mod query;
mod serve;
mod signature;
mod silences;
mod slack_events;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    middleware::map_response_with_state,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

pub use auth::{Access, Gate, Peer, Who};
pub use problem::Problem;
pub use serve::{FAREWELL, MOST_CONNECTIONS, serve};

use crate::{
    chat::{SlackInbox, Terminal},
    command::{self, Desk},
    domain::id::Seq,
    engine::{Engine, Look},
    journal::Reader,
    links::Links,
    metrics::{BadInput, Metrics},
    observe,
    views::Views,
};

/// Everything that the web stands on.
pub struct House {
    /// The engine.
    pub engine: Engine,
    /// Runs commands.
    pub desk: Desk,
    /// What is looked up.
    pub views: Views,
    /// The journal, for the live stream.
    pub reader: Arc<dyn Reader>,
    /// Who may do what; replaced when the configuration is.
    pub access: watch::Receiver<Arc<Access>>,
    /// Figures.
    pub metrics: Metrics,
    /// Links that acknowledge.
    pub links: Links,
    /// What the bot says.
    pub terminal: Terminal,
    /// What is wrong and turns `/readyz` red (damage in the journal), in words for an operator.
    pub faults: watch::Receiver<Vec<String>>,
    /// Chat platforms that have been away for a minute, in words for an operator: they turn `/readyz` red.
    pub away: watch::Receiver<Vec<String>>,
    /// Takes what Slack sends by HTTP.
    pub slack: Option<SlackInbox>,
    /// Turns true when the server stops: whoever follows the live stream is told to come back.
    pub closing: watch::Receiver<bool>,
}

impl House {
    /// Looks something up in the engine; the sequence up to which it is true comes with it.
    async fn look<T, F>(&self, look: F) -> Result<(T, Seq), Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> T + Send + 'static,
    {
        let read = self.engine.read(move |state| (look(state), state.state.seq)).await;
        read.map_err(Problem::from)
    }

    /// Waits for the views to know what the caller may have written.
    async fn views_at(&self, seq: Seq) -> Result<&Views, Problem> {
        self.views.wait_for(seq, command::VIEWS_PATIENCE).await?;
        Ok(&self.views)
    }
}

/// Does what takes the processor for a while where it holds up nobody.
async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::inside(observe::trace()))
}

/// Every address of the server.
pub fn router(house: House) -> Router {
    let house = Arc::new(house);
    let reads = |handler| only("GET, HEAD", handler);
    let api = Router::new()
        .route("/a/{token}", only("GET, HEAD, POST", get(ack::show).post(ack::take)))
        .route("/api/v1/commands", only("POST", post(commands::run)))
        .route("/api/v1/commands/complete", reads(get(commands::complete)))
        .route("/api/v1/incidents", reads(get(incidents::list)))
        .route("/api/v1/incidents/{id}", reads(get(incidents::one)))
        .route("/api/v1/incidents/{id}/timeline", reads(get(incidents::timeline)))
        .route("/api/v1/alerts", reads(get(alerts::list)))
        .route("/api/v1/alerts/{id}", reads(get(alerts::one)))
        .route("/api/v1/alerts/{id}/explain", reads(get(explain::explain)))
        .route("/api/v1/simulate", only("POST", post(explain::simulate)))
        .route("/api/v1/groups", reads(get(groups::list)))
        .route("/api/v1/groups/{id}", reads(get(groups::one)))
        .route("/api/v1/groups/{id}/timeline", reads(get(groups::timeline)))
        .route("/api/v1/pages", reads(get(pages::list)))
        .route("/api/v1/silences", reads(get(silences::list)))
        .route("/api/v1/oncall", reads(get(oncall::show)))
        .route("/api/v1/oncall/gaps", reads(get(gaps::show)))
        .route("/api/v1/audit", reads(get(audit::list)))
        .route(openapi::PATH, reads(get(openapi::show)))
        .route(live::PATH, reads(get(live::follow)))
        .route("/slack/commands", only("POST", post(slack_events::commands)))
        .route("/slack/interactions", only("POST", post(slack_events::interactions)))
        .route("/slack/events", only("POST", post(slack_events::events)))
        .route("/healthz", reads(get(health::alive)))
        .route("/readyz", reads(get(health::ready)))
        .route("/metrics", reads(get(health::metrics)))
        .fallback(nowhere)
        .layer(map_response_with_state(Arc::clone(&house), count));
    // Nothing stands between the alerts and their handler but the guard against panics.
    Router::new()
        .route("/hooks/{integration}", only("POST", post(hooks::take)))
        .merge(api)
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(house)
}

/// A route whose other methods get a problem that names the right ones.
fn only(methods: &'static str, route: MethodRouter<Arc<House>>) -> MethodRouter<Arc<House>> {
    route.fallback(move || std::future::ready(Problem::method(methods)))
}

/// Wrong requests are counted, and an address that could not be decoded is a problem like any other; those without a token are counted where that is found out.
async fn count(State(house): State<Arc<House>>, response: Response) -> Response {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let bare = response.status() == StatusCode::BAD_REQUEST && kind.starts_with(b"text/plain");
    let response = if bare {
        let problem = Problem::malformed("the address cannot be decoded");
        problem.remedy("Write it in UTF-8, percent-encoded").into_response()
    } else {
        response
    };
    match response.status().as_u16() {
        400 | 404 | 405 | 408 => house.metrics.bad_input(BadInput::Request),
        413 => house.metrics.bad_input(BadInput::TooLarge),
        _ => {}
    }
    response
}

async fn nowhere() -> Problem {
    Problem::not_found("nothing is at this address")
        .remedy("The API begins at /api/v1/, alerts go to /hooks/{integration}")
}

/// What is left of a request whose handler panicked; the panic itself was logged where it happened.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let trace = observe::trace();
    tracing::error!(%trace, "a request was answered with 500 because its handler panicked");
    Problem::inside(trace).into_response()
}
