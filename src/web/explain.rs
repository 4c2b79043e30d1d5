//! Explanations: why an alert went where it went, and what would become of one. Never changes anything.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{House, Who, alerts::in_an_archive, body, list::fresh, problem::Problem, query::Query};
use crate::{
    command::{self, Explained, Unexplained},
    domain::{
        explain::{self, Explanation},
        id::{AlertId, GroupId},
        timeline::Key,
    },
    observe, text,
};

/// An explanation, and the same in words.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    told: Explanation,
    /// As `/alert explain` tells it, in the caller's zone.
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// `service="qflow",severity="critical"`
    labels: String,
    /// When the alert comes; now when it is absent.
    #[serde(default)]
    at: Option<String>,
    /// Who sends it; the first integration when it is absent.
    #[serde(default)]
    integration: Option<String>,
}

/// `GET /api/v1/alerts/{A-n or G-n}/explain`
pub(super) async fn explain(
    State(house): State<Arc<House>>,
    who: Who,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Query::read(query.as_deref(), &[])?;
    let missing = || {
        Problem::not_found(format!("there is no alert and no group `{id}`"))
            .remedy("See /api/v1/alerts and /api/v1/groups")
    };
    let alert = || id.parse::<AlertId>().map(Explained::Alert).map_err(|_| missing());
    let what = match id.get(..2) {
        Some("G-" | "g-") => id.parse::<GroupId>().map(Explained::Group).map_err(|_| missing())?,
        _ => alert()?,
    };
    let (config, _) = house.look(|look| Arc::clone(look.config)).await?;
    let zone = who.caller(&config, "as")?.zone;
    let told = command::explain(&house.engine, &house.views, what).await.map_err(|why| match why {
        Unexplained::Engine(rejected) => Problem::from(rejected),
        Unexplained::Views(down) => Problem::from(down),
    })?;
    let Some(told) = told else {
        let key = match what {
            Explained::Alert(id) => Key::Alert(id),
            Explained::Group(id) => Key::Group(id),
        };
        return Err(in_an_archive(&house, key).await?.unwrap_or_else(missing));
    };
    Ok(fresh(Told { text: text::explain::document(&told, &zone), told }))
}

/// `POST /api/v1/simulate` `{"labels","at","integration"}`
pub(super) async fn simulate(
    State(house): State<Arc<House>>,
    who: Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked: Asked = body::json(&headers, body).await?;
    let ((config, now), _) = house.look(|look| (Arc::clone(look.config), look.now.civil)).await?;
    let zone = who.caller(&config, "as")?.zone;
    let labels = explain::labels(&asked.labels).map_err(|no| {
        Problem::wrong("labels", text::explain::not_labels(&asked.labels, &no))
            .remedy("Write \"labels\": \"service=\\\"qflow\\\",severity=\\\"critical\\\"\"")
    })?;
    let integration = command::integration(&config, asked.integration.as_deref()).map_err(|nearest| {
        let problem = Problem::wrong("integration", "there is no integration of this name");
        match nearest {
            Some(nearest) => problem.remedy(format!("Did you mean `{nearest}`?")),
            None => problem.remedy("Name an [integration.…] of the configuration, or leave it out"),
        }
    })?;
    let at = asked.at.as_deref().map(|written| {
        command::meant(written, &zone, now).ok_or_else(|| {
            Problem::wrong("at", format!("`{written}` is no instant"))
                .remedy("Write 2026-03-29T02:30 in your own zone, or 2026-03-29T02:30:00Z")
        })
    });
    let (at, odd) = at.transpose()?.unzip();
    let told = command::simulate(&house.engine, integration, labels, at).await?;
    let mut told = told.ok_or_else(|| Problem::inside(observe::trace()))?;
    told.notes.extend(odd.flatten());
    Ok(fresh(Told { text: text::explain::document(&told, &zone), told }))
}
