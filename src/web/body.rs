//! The body of a request: bounded in bytes and in time. Never holds more of it than the bound.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, header},
};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// How long a body may take from its first to its last byte.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
const THROWN_AWAY: usize = 32 * 1024 * 1024;
/// The largest body of a command, in bytes.
const JSON: usize = 256 * 1024;

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// Too large, too slow, or broken off.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let read = async {
        if told.is_some_and(|told| told > limit) {
            throw_away(body).await;
            return Err(Problem::too_large(limit));
        }
        collect(body, told.unwrap_or_default(), limit).await
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| Err(Problem::too_slow()))
}

async fn collect(body: Body, told: usize, limit: usize) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut frames = body.into_data_stream();
    let broken = |_| Problem::malformed("the body broke off before its end; nothing was taken");
    let Some(first) = frames.next().await.transpose().map_err(broken)? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Problem::too_large(limit));
    }
    // Most messages arrive as one piece, and need no copy.
    let Some(mut following) = frames.next().await.transpose().map_err(broken)? else { return Ok(first) };
    let mut whole = Vec::with_capacity(told.min(limit).max(first.len() + following.len()));
    whole.extend_from_slice(&first);
    loop {
        if whole.len() + following.len() > limit {
            throw_away(Body::from_stream(frames)).await;
            return Err(Problem::too_large(limit));
        }
        whole.extend_from_slice(&following);
        match frames.next().await.transpose().map_err(broken)? {
            Some(next) => following = next,
            None => return Ok(whole.into()),
        }
    }
}

async fn throw_away(body: Body) {
    let mut frames = body.into_data_stream();
    let mut thrown = 0;
    while let Some(Ok(frame)) = frames.next().await {
        thrown += frame.len();
        if thrown > THROWN_AWAY {
            return;
        }
    }
}

/// Reads a JSON document, whatever its content type says: `curl -d` calls everything a form. That no web page sends one
/// in somebody's name is looked after by who is let in (`auth::local`), not by the content type.
///
/// # Errors
/// Too large, or a document whose line, column and field are named.
pub(super) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let bytes = read(headers, body, JSON).await?;
    let mut document = serde_json::Deserializer::from_slice(&bytes);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let path = error.path().to_string();
        wrong(error.inner(), Some(path).filter(|path| path != "."))
    })?;
    document.end().map_err(|error| wrong(&error, None))?;
    Ok(value)
}

fn wrong(error: &serde_json::Error, field: Option<String>) -> Problem {
    let problem = Problem::malformed(error.to_string())
        .remedy("Send a JSON object such as {\"text\": \"/incident list\"}");
    match field {
        Some(field) => problem.field(field),
        None => problem,
    }
}
