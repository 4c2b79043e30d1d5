//! Commands over HTTP, and what may stand at the cursor. Never understands a command itself.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{House, Who, body, list::fresh, problem::Problem, query::Query};
use crate::{
    command,
    domain::id::{ChannelName, PersonId},
    metrics::CommandFate,
    observe,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    text: String,
    #[serde(default)]
    person: Option<PersonId>,
    #[serde(default)]
    channel: Option<ChannelName>,
    /// What was written into the places of a form's command.
    #[serde(default)]
    values: command::parse::Places,
}

/// `POST /api/v1/commands`
pub(super) async fn run(
    State(house): State<Arc<House>>,
    who: Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked: Asked = body::json(&headers, body).await?;
    if asked.text.trim().is_empty() {
        let problem = Problem::wrong("text", "the command is empty");
        return Err(problem.remedy("Write a command such as /help"));
    }
    let field = if asked.person.is_some() { "person" } else { "as" };
    let who = who.named(asked.person)?;
    let (config, _) = house.look(|look| Arc::clone(look.config)).await.inspect_err(|_| {
        house.metrics.command(CommandFate::Failed);
    })?;
    let caller = who.caller(&config, field)?;
    let trace = observe::trace();
    let reply = command::submit(&house.desk, caller, asked.channel, &asked.text, &asked.values, trace).await;
    let reply = reply.inspect_err(|_| house.metrics.command(CommandFate::Failed))?;
    tracing::debug!(%trace, by = %who.actor(), ok = reply.ok, "a command was answered");
    house.metrics.command(if reply.ok { CommandFate::Done } else { CommandFate::Refused });
    Ok(fresh(reply))
}

#[derive(Serialize)]
struct Completions {
    items: Vec<command::Completion>,
    /// Whether the command is told something in secret: nobody keeps what was written for it.
    secret: bool,
}

/// `GET /api/v1/commands/complete?text=&cursor=`: the cursor is a byte offset, at the end when it is not given.
pub(super) async fn complete(
    State(house): State<Arc<House>>,
    who: Who,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["text", "cursor"])?;
    let text = query.get("text").unwrap_or_default().to_owned();
    let cursor = query.parsed::<usize>("cursor", "Send a byte offset into the text")?.unwrap_or(text.len());
    // What is longer is no command; the engine has better things to do than to look into it.
    if text.chars().count() > command::parse::LONGEST {
        return Ok(fresh(Completions { items: Vec::new(), secret: true }));
    }
    let registry = house.desk.commands.current();
    let secret = command::is_secret(&registry, &text);
    let (items, _) = house
        .look(move |look| {
            let caller = who.caller(look.config, "as")?;
            Ok::<_, Problem>(command::complete(&registry, look, &caller, &text, cursor))
        })
        .await?;
    Ok(fresh(Completions { items: items?, secret }))
}
