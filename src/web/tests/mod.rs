//! The web over real HTTP on loopback: a whole house with an engine in memory behind it. Never waits for time to pass:
//! what is still on its way is awaited on the live stream.

mod access;
mod bad_input;
mod deployments;
mod explain;
mod links;
mod live;
mod lookups;
mod openapi;
mod silences;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use futures_util::StreamExt as _;
use jiff::SignedDuration;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::{Access, House, router, serve};
use crate::{
    chat::Terminal,
    command::{Commands, Desk, Registry},
    config,
    domain::{id::Seq, page::Target},
    engine::{run::Running, testing},
    links::{Links, SigningKey},
    metrics::Metrics,
    views::Views,
};

/// A small team; alerts of `service="web"` page ana and then ben, in the terminal.
const TEAM: &str = r##"
[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
page = "web"
[person.ana]
name = "Ana Ruiz"
timezone = "Europe/Madrid"
roles = ["responder", "operator"]
urgent = ["now: chat"]
[person.ben]
name = "Ben Okafor"
timezone = "Europe/London"
roles = ["responder"]
urgent = ["now: chat"]
[team.ops]
channel = "#ops"
members = ["ana", "ben"]
[schedule.primary]
team = "ops"
timezone = "Europe/Madrid"
[[schedule.primary.layer]]
people = ["ana", "ben"]
start = 2026-01-05
handoff = "weekly Mon 09:00"
[policy.web]
steps = [{ page = ["person:ana"], wait = "5m" }, { page = ["person:ben"] }]
[integration.open]
kind = "alertmanager"
[integration.locked]
kind = "alertmanager"
token = "s3cret-of-the-source"
[[route]]
match = ['service="web"']
group_by = ["alertname"]
group_wait = "0s"
channel = "#ops"
page = "web"
[[route]]
match = ['service="quiet"']
group_by = ["alertname"]
group_wait = "1h"
channel = "#ops"
[unrouted]
channel = "#ops"
"##;

/// Tokens for both people.
const TOKENS: &str = r#"
[api]
tokens = [{ person = "ana", token = "token-of-ana-0123456789" }, { person = "ben", token = "token-of-ben-0123456789" }]
"#;
const ANA: &str = "token-of-ana-0123456789";

struct Server {
    address: SocketAddr,
    client: Client,
    running: Running,
    views: Option<Views>,
    links: Links,
    terminal: Terminal,
    metrics: Metrics,
    closing: watch::Sender<bool>,
    faults: watch::Sender<Vec<String>>,
    access: watch::Sender<Arc<Access>>,
    data: Option<TempDir>,
}

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

impl Server {
    async fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.toml"), format!("{TEAM}{more}")).unwrap();
        let loaded = config::load(Some(folder.path()), &|_| None).unwrap();
        let terminal = Terminal::default();
        let (running, reader) =
            testing::in_memory(Arc::clone(&loaded.config), vec![Arc::new(terminal.clone())]);
        let data = tempfile::tempdir().unwrap();
        let views = Views::start(data.path().join("views"), Arc::clone(&reader), |_| {});
        let tokens: BTreeMap<_, _> = loaded.settings.integration_tokens.clone();
        let (access, allowed) =
            watch::channel(Arc::new(Access::new(&loaded.config, &loaded.settings.api_tokens, &tokens)));
        let links = Links::new("http://127.0.0.1:1/".parse().unwrap(), SigningKey::new([7; 32]));
        let (closing, ending) = watch::channel(false);
        let (faults, damage) = watch::channel(Vec::new());
        let metrics = Metrics::default();
        let house = House {
            engine: running.engine.clone(),
            desk: Desk {
                engine: running.engine.clone(),
                commands: Commands::new(Registry::builtin()),
                salt: Arc::new(|| [3; 16]),
                upkeep: None,
                release: "0.1.0".into(),
                care: crate::command::Care::default(),
                views: views.clone(),
            },
            views: views.clone(),
            reader,
            access: allowed,
            metrics: metrics.clone(),
            links: links.clone(),
            terminal: terminal.clone(),
            faults: damage,
            away: watch::channel(Vec::new()).1,
            slack: None,
            closing: ending,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, router(house), metrics.clone(), std::future::pending()));
        let client = Client::builder().no_proxy().build().unwrap();
        Self {
            address,
            client,
            running,
            views: Some(views),
            links,
            terminal,
            metrics,
            closing,
            faults,
            access,
            data: Some(data),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// The document at an address that must be there.
    async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn hook(&self, integration: &str, message: &Value) -> reqwest::Response {
        self.request(Method::POST, &format!("/hooks/{integration}")).json(message).send().await.unwrap()
    }

    /// One alert, accepted.
    async fn fire(&self, name: &str, service: &str) {
        let message = message(&[alert(name, service, "firing")]);
        assert_eq!(self.hook("open", &message).await.status(), StatusCode::ACCEPTED);
    }

    async fn resolve(&self, name: &str, service: &str) {
        let message = message(&[alert(name, service, "resolved")]);
        assert_eq!(self.hook("open", &message).await.status(), StatusCode::ACCEPTED);
    }

    async fn command(&self, body: &Value) -> reqwest::Response {
        self.request(Method::POST, "/api/v1/commands").json(body).send().await.unwrap()
    }

    /// The last sequence: what it was before is what nothing has changed since.
    async fn seq(&self) -> Seq {
        self.running.engine.read(|look| look.state.seq).await.unwrap()
    }

    async fn live(&self, query: &str) -> Socket {
        let url = format!("ws://{}/api/v1/live{query}", self.address);
        tokio_tungstenite::connect_async(url).await.unwrap().0
    }

    /// A link in ana's name that is good for an hour, as path.
    async fn link(&self, target: Target, person: &str, hours: i64) -> String {
        let now = self.running.engine.read(|look| look.now.civil).await.unwrap();
        let until = now + SignedDuration::from_hours(hours);
        self.links.acknowledge(target, Some(&person.into()), until).path().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.engine.stop();
        if let Some(views) = self.views.take() {
            let data = self.data.take();
            // Stopping blocks until the folder is free.
            std::thread::spawn(move || {
                views.stop();
                drop(data);
            });
        }
    }
}

/// The next frame that is JSON.
async fn frame(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await?.unwrap() {
            Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// The first frame from here on that is wanted.
async fn frame_that(socket: &mut Socket, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let frame = frame(socket).await.expect("the stream goes on");
        if wanted(&frame) {
            return frame;
        }
    }
}

fn alert(name: &str, service: &str, status: &str) -> Value {
    json!({
        "status": status,
        "labels": {"alertname": name, "service": service, "severity": "critical"},
        "annotations": {"summary": format!("{name} is on fire")},
        "startsAt": "2026-11-01T10:00:00Z",
        "endsAt": if status == "resolved" { "2026-11-01T11:00:00Z" } else { "0001-01-01T00:00:00Z" },
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": format!("{name}-{service}"),
    })
}

fn message(alerts: &[Value]) -> Value {
    json!({
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": alerts.first().map_or(json!("firing"), |alert| alert["status"].clone()),
        "receiver": "watchbell",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": alerts,
    })
}

/// Asserts that an answer is a problem with this status; gives its document.
async fn problem(response: reqwest::Response, status: u16) -> Value {
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let (seen, url) = (response.status().as_u16(), response.url().clone());
    let text = response.text().await.unwrap();
    assert_eq!(seen, status, "{url}: {text}");
    assert_eq!(kind.unwrap(), "application/problem+json", "{url}: {text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["status"], status);
    for field in ["type", "title", "detail"] {
        assert!(document[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {text}");
    }
    document
}
