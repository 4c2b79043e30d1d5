//! A fake platform on a port of its own, on a thread of its own. Never outlives what holds it.

use std::{sync::Arc, thread};

use axum::{Router, serve::ListenerExt};
use tokio::{net::TcpListener, sync::oneshot};

use super::exchange::Exchange;

/// A fake platform that listens.
pub struct Place {
    pub port: u16,
    pub exchange: Arc<Exchange>,
    /// Dropped with the place: then it ends.
    _end: oneshot::Sender<()>,
}

impl Place {
    /// Starts to listen with these routes.
    pub fn start(routes: fn(u16, Arc<Exchange>) -> Router) -> Result<Self, String> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        listener.set_nonblocking(true).map_err(|error| error.to_string())?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let exchange = Arc::new(Exchange::default());
        let router = routes(port, Arc::clone(&exchange));
        let (end, ended) = oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                // A frame leaves at once.
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                tokio::select! {
                    served = async { axum::serve(listener, router).await } => drop(served),
                    _ = ended => {}
                }
            });
        });
        Ok(Self { port, exchange, _end: end })
    }
}
