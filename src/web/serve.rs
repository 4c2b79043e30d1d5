//! The connections: bounded in number, in the time that a request's head may take, and in how long a stop waits.
//! Never ends because one connection fails.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower_service::Service as _;

use super::auth::Peer;
use crate::metrics::Metrics;

/// Connections that are open at once; further ones wait in the system's queue.
pub const MOST_CONNECTIONS: usize = 8_192;
/// How long the head of a request may take, and how long a connection may be idle between two requests.
const HEAD_PATIENCE: Duration = Duration::from_mins(1);
/// How long a stop waits for requests that are being answered, and then for the engine: together less than the ten
/// seconds after which containers are killed.
pub const FAREWELL: Duration = Duration::from_millis(4_500);
/// Bytes of a head that are held at most.
const HEAD_LIMIT: usize = 64 * 1024;

/// Serves until `shutdown` is done, then lets running requests end.
///
/// # Errors
/// None today: what goes wrong with single connections is logged, and accepting is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: Metrics,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause(&error).await;
                continue;
            }
        };
        let open = metrics.connection();
        let connection = connection(stream, peer, router.clone(), stopping.clone());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "a connection broke off");
            }
            drop((open, place));
        });
    }
    drop(listener);
    stop.send_replace(true);
    let all = u32::try_from(MOST_CONNECTIONS).unwrap_or(u32::MAX);
    if tokio::time::timeout(FAREWELL, room.acquire_many(all)).await.is_err() {
        tracing::warn!("requests that were still being answered were broken off by the stop");
    }
    Ok(())
}

/// The system has no more sockets, say: trying again at once would only burn the processor.
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionReset) {
        tracing::error!(%error, "no connection can be accepted; trying again in a moment");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// One connection that speaks HTTP/1.1 and can become a WebSocket. When the server stops it ends after the request
/// that is being answered.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    // Answers are small: none waits for a segment to fill.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "TCP_NODELAY could not be set");
    }
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
