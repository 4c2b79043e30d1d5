//! The demonstration's telephones: what would be an ntfy server and a telephone gateway, on loopback. They keep what
//! they receive and never answer for anybody.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde::Deserialize;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use url::Url;

/// How something reached a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A push notification.
    Push,
    /// A call: the hook of a telephone gateway.
    Call,
    /// A message in chat, to one person.
    Chat,
}

impl Way {
    /// As it is told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Call => "call",
            Self::Chat => "chat",
        }
    }
}

/// Something that a telephone received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Whose telephone.
    pub person: String,
    /// How.
    pub way: Way,
    /// What it shows, on one line.
    pub words: String,
    /// What the button on it acknowledges.
    pub ack: Option<Url>,
}

/// A running exchange.
pub struct Phones {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Phones {
    /// Starts it; whatever the telephones receive goes to `rings`.
    ///
    /// # Errors
    /// When nothing can listen on loopback.
    pub async fn start(rings: mpsc::Sender<Ring>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("nothing can listen on loopback")?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/push/{person}", post(push))
            .route("/call/{person}", post(call))
            .fallback(|| async { "This stands for a part of the demonstration that is only simulated.\n" })
            .with_state(Arc::new(rings));
        let serving = tokio::spawn(async move {
            // It ends with the demonstration.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self { address, serving })
    }

    /// The address of a contact, as the configuration wants it.
    #[must_use]
    pub fn contact(&self, way: &str, person: &str) -> String {
        let scheme = if way == "push" { "ntfy:" } else { "" };
        format!("{scheme}http://{}/{way}/{person}", self.address)
    }

    /// What the simulated service is called by.
    #[must_use]
    pub fn elsewhere(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Rings = State<Arc<mpsc::Sender<Ring>>>;

/// As an ntfy server takes it.
async fn push(
    State(rings): Rings,
    Path(person): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = String::from_utf8_lossy(&body);
    let words = header("Title").unwrap_or_else(|| body.lines().next().unwrap_or_default().to_owned());
    let ack = header("Click").and_then(|url| Url::parse(&url).ok());
    take(&rings, Ring { person, way: Way::Push, words, ack }).await
}

/// What the demonstration reads of a hook.
#[derive(Deserialize)]
struct Called {
    summary: String,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    ack_url: Option<String>,
}

/// As a telephone gateway takes it.
async fn call(State(rings): Rings, Path(person): Path<String>, body: Bytes) -> StatusCode {
    let Ok(called) = serde_json::from_slice::<Called>(&body) else { return StatusCode::BAD_REQUEST };
    let severity = called.severity.map(|severity| format!("{severity}: ")).unwrap_or_default();
    let words = format!("“{severity}{}”", called.summary);
    let ack = called.ack_url.and_then(|url| Url::parse(&url).ok());
    take(&rings, Ring { person, way: Way::Call, words, ack }).await
}

async fn take(rings: &mpsc::Sender<Ring>, ring: Ring) -> StatusCode {
    match rings.send(ring).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn telephones_keep_what_they_receive() {
        let (enter, mut rings) = mpsc::channel(4);
        let phones = Phones::start(enter).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let push = phones.contact("push", "ana");
        let push = http.post(push.trim_start_matches("ntfy:"));
        let push = push.header("Title", "P1: Down").header("Click", "http://127.0.0.1:1/a/t").body("Take it");
        assert!(push.send().await.unwrap().status().is_success());
        let call = http
            .post(phones.contact("call", "ben"))
            .body(r#"{"summary":"Down","severity":"P1","ack_url":null}"#);
        assert!(call.send().await.unwrap().status().is_success());
        let ring = rings.recv().await.unwrap();
        assert_eq!((ring.person.as_str(), ring.way, ring.words.as_str()), ("ana", Way::Push, "P1: Down"));
        assert_eq!(ring.ack.unwrap().path(), "/a/t");
        let ring = rings.recv().await.unwrap();
        assert_eq!((ring.person.as_str(), ring.words.as_str(), ring.ack), ("ben", "“P1: Down”", None));
        let wrong = http.post(phones.contact("call", "ben")).body("?");
        assert_eq!(wrong.send().await.unwrap().status(), 400);
    }
}
