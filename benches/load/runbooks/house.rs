//! The server that runs them, and what it asks: fakes that answer well, after as long as the figure wants. Never a
//! service of the machine.

use std::fmt::Write as _;
use std::{
    collections::BTreeMap,
    fs, iter,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::pack;
use crate::peer::{
    http,
    server::{Reply, Request, Server},
    watchbell::Watchbell,
};

/// What the repository's runbooks ask, as it is called in the configuration.
const SYSTEMS: [&str; 8] = ["qflow", "prometheus", "squid", "qlock", "qonsent", "qindex", "qerberos", "ipfs"];
/// So long an answer of the server is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the fakes of one environment were asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    pub requests: usize,
    /// The longest that one of them took, from the whole request until before its answer is written.
    pub longest: Duration,
}

type Book = Arc<Mutex<BTreeMap<String, Asked>>>;

/// A server with the repository's runbooks and these, all of whose services are fakes.
pub struct House {
    pub watchbell: Watchbell,
    /// By environment.
    book: Book,
    _systems: Vec<Server>,
}

impl House {
    /// `runbooks`: file name and text; `environments`: how many, `at-0` and on; `more` of the configuration; `takes`
    /// says how long a system takes for a path.
    pub fn open(
        binary: &Path,
        folder: &Path,
        runbooks: &[(&str, &str)],
        environments: usize,
        more: &str,
        takes: fn(&str, &str) -> Duration,
    ) -> Result<Self, String> {
        let commands = folder.join("commands");
        pack::copy(&commands)?;
        for (name, text) in runbooks {
            fs::write(commands.join(name), text).map_err(|error| format!("{name}: {error}"))?;
        }
        let book = Book::default();
        let systems: Vec<Server> = SYSTEMS.iter().map(|name| serve(name, &book, takes)).collect();
        let mut config = more.to_owned();
        for number in 0..environments {
            let usual = if number == 0 { "default = true\n" } else { "" };
            let _ = write!(config, "\n[environment.at-{number}]\n{usual}");
            for (name, server) in iter::zip(SYSTEMS, &systems) {
                let url = format!("http://127.0.0.1:{}/at-{number}", server.port);
                let _ = writeln!(config, "{name} = {{ url = \"{url}\" }}");
            }
        }
        let watchbell = Watchbell::start(binary, folder, &config).ready();
        Ok(Self { watchbell, book, _systems: systems })
    }

    /// What was asked of an environment since it was last looked at.
    pub fn asked(&self, environment: &str) -> Asked {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.remove(environment).unwrap_or_default()
    }
}

/// Says a command as somebody; the words of the answer.
pub fn say(port: u16, person: &str, channel: Option<&str>, text: &str) -> Result<String, String> {
    let body = json!({"person": person, "channel": channel, "text": text}).to_string();
    let headers = [("Content-Type", "application/json")];
    let answer = http::ask_within(PATIENCE, port, "POST", "/api/v1/commands", &headers, &body)
        .map_err(|error| format!("{text}: {error}"))?;
    let reply: Value = serde_json::from_str(&answer.body).map_err(|error| format!("{text}: {error}"))?;
    if answer.status == 200 && reply["ok"] == true {
        return Ok(reply["text"].as_str().unwrap_or_default().to_owned());
    }
    Err(format!("{text}: {} {}", answer.status, answer.body))
}

fn serve(system: &'static str, book: &Book, takes: fn(&str, &str) -> Duration) -> Server {
    let book = Arc::clone(book);
    Server::start(move |request| {
        let path = request.path.trim_start_matches('/');
        let (environment, path) = path.split_once('/').unwrap_or((path, ""));
        thread::sleep(takes(system, path));
        let reply = answer(system, path, request);
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = book.entry(environment.to_owned()).or_default();
        asked.requests += 1;
        asked.longest = asked.longest.max(request.at.elapsed());
        reply
    })
}

/// All is well.
fn answer(system: &str, path: &str, request: &Request) -> Reply {
    let answer = match (system, path) {
        ("prometheus", path) => {
            let at = 1_795_403_462.5;
            let values = json!([[at - 60.0, "1"], [at, "1"]]);
            let over = path.contains("query_range") || request.body.contains("step=");
            let (kind, name, value) =
                if over { ("matrix", "values", values) } else { ("vector", "value", json!([at, "1"])) };
            json!({"status": "success", "data": {"resultType": kind,
                "result": [{"metric": {"job": "qflow"}, name: value}]}})
        }
        ("ipfs", _) => json!({"Version": "0.28.0"}),
        ("qflow", _) => json!({"success": true, "data": {"status": "healthy", "version": "1.0.0",
            "uptime": 4711, "nodeVersion": "v20.11.0", "memory": {"rss": 104_857_600}}}),
        _ => json!({"status": "healthy"}),
    };
    (200, answer.to_string())
}
