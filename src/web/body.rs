//! The body of a request: bounded in bytes and in time. Never holds more of it than the bound, nor of all strangers
//! together more than theirs.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, header},
};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;

/// How long a body may take from its first to its last byte.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is read and thrown away of a body that is too large, so that its sender gets to read the answer.
const THROWN_AWAY: usize = 32 * 1024 * 1024;
/// The largest body of a command, in bytes.
const JSON: usize = 256 * 1024;

/// Kibibytes that all bodies together may take whose senders are known only by what is in them.
static OF_STRANGERS: Semaphore = Semaphore::const_new(64 * 1024);

/// What a body takes of [`OF_STRANGERS`], as long as it is held.
pub(super) struct Share {
    of: Option<&'static Semaphore>,
    taken: Option<SemaphorePermit<'static>>,
    /// Bytes that the permit is for.
    bytes: usize,
}

impl Share {
    /// Of nothing: whoever sends it is known.
    fn known() -> Self {
        Self { of: None, taken: None, bytes: 0 }
    }

    fn stranger(of: &'static Semaphore) -> Self {
        Self { of: Some(of), taken: None, bytes: 0 }
    }

    /// Takes a share for these bytes as they arrive: who only says that much will come takes nothing from others.
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let Some(of) = self.of else { return Ok(()) };
        let kibibytes = |bytes: usize| bytes.div_ceil(1024);
        let more = kibibytes(self.bytes + bytes) - kibibytes(self.bytes);
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let permit = of.try_acquire_many(more).map_err(|_| {
            let detail = "too much is being sent at once by senders that have not shown who they are; nothing was taken";
            Problem::not_now(detail, 1).remedy("Send it again after the time in Retry-After")
        })?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            None => self.taken = Some(permit),
        }
        self.bytes += bytes;
        Ok(())
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// Too large, too slow, or broken off.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    read_into(&mut Share::known(), headers, body, limit).await
}

/// Reads a body of at most `limit` bytes of somebody who is known only when all of it is there; the share is to be held
/// until then.
///
/// # Errors
/// As [`read`], and when strangers send too much at once.
pub(super) async fn read_of_stranger(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<(Bytes, Share), Problem> {
    let mut share = Share::stranger(&OF_STRANGERS);
    let bytes = read_into(&mut share, headers, body, limit).await?;
    Ok((bytes, share))
}

async fn read_into(
    share: &mut Share,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Bytes, Problem> {
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let read = async {
        if told.is_some_and(|told| told > limit) {
            throw_away(body).await;
            return Err(Problem::too_large(limit));
        }
        collect(share, body, told.unwrap_or_default(), limit).await
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| Err(Problem::too_slow()))
}

async fn collect(share: &mut Share, body: Body, told: usize, limit: usize) -> Result<Bytes, Problem> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut frames = body.into_data_stream();
    let broken = |_| Problem::malformed("the body broke off before its end; nothing was taken");
    let Some(first) = frames.next().await.transpose().map_err(broken)? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Problem::too_large(limit));
    }
    share.grow(first.len())?;
    // Most messages arrive as one piece, and need no copy.
    let Some(mut following) = frames.next().await.transpose().map_err(broken)? else { return Ok(first) };
    let mut whole = Vec::with_capacity(told.min(limit).max(first.len() + following.len()));
    whole.extend_from_slice(&first);
    loop {
        if whole.len() + following.len() > limit {
            throw_away(Body::from_stream(frames)).await;
            return Err(Problem::too_large(limit));
        }
        share.grow(following.len())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_share_what_arrives_and_give_it_back() {
        let of: &'static Semaphore = Box::leak(Box::new(Semaphore::new(8)));
        let (mut one, mut other) = (Share::stranger(of), Share::stranger(of));
        one.grow(5_000).unwrap();
        other.grow(1).unwrap();
        assert_eq!(of.available_permits(), 2, "five and one");
        (0..100).for_each(|_| one.grow(1).unwrap());
        assert_eq!(of.available_permits(), 2, "what begins is paid once");
        assert_eq!(other.grow(4_000).unwrap_err().status().as_u16(), 503);
        other.grow(1_023).unwrap();
        drop(one);
        other.grow(4_000).unwrap();
        drop(other);
        assert_eq!(of.available_permits(), 8);
        Share::known().grow(usize::MAX).unwrap();
    }
}
