//! The simulated shop behind its checkout: it answers runbooks over HTTP, is slow in the morning and fast once somebody
//! restarted it. Never restarts by itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running shop.
pub struct Shop {
    /// Where it is.
    pub address: SocketAddr,
    restarted: Arc<AtomicBool>,
    serving: JoinHandle<()>,
}

impl Shop {
    /// Opens it, with workers that hang.
    ///
    /// # Errors
    /// When nothing can listen on loopback.
    pub async fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("nothing can listen on loopback")?;
        let address = listener.local_addr()?;
        let restarted = Arc::new(AtomicBool::new(false));
        let router = Router::new()
            .route("/health", get(|| async { Json(json!({"status": "ok", "version": "4.2.0"})) }))
            .route("/checkout", get(checkout))
            .route("/restart", post(restart))
            .with_state(Arc::clone(&restarted));
        let serving = tokio::spawn(async move {
            // It ends with the demonstration.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, restarted, serving })
    }

    /// Whether somebody restarted its checkout.
    #[must_use]
    pub fn was_restarted(&self) -> bool {
        self.restarted.load(Ordering::SeqCst)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn checkout(State(restarted): State<Arc<AtomicBool>>) -> Json<Value> {
    let well = restarted.load(Ordering::SeqCst);
    let worker = |number: u32| {
        let (state, what) = if well || number == 4 { ("idle", "") } else { ("waiting", "payment provider") };
        json!({"name": format!("worker-{number}"), "state": state, "for": what})
    };
    let workers: Vec<Value> = (1..=4).map(worker).collect();
    Json(json!({"seconds": if well { 0.3 } else { 4.2 }, "workers": workers}))
}

async fn restart(State(restarted): State<Arc<AtomicBool>>) -> Json<Value> {
    restarted.store(true, Ordering::SeqCst);
    Json(json!({"restarted": "checkout"}))
}
