//! The real `watchbell serve` as a child, with a configuration of the test. Never with a folder of somebody else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    http::{self, Answer},
    ports,
    process::{Process, until},
};

/// A folder with its configuration and data, and the process while it runs.
pub struct Watchbell {
    binary: PathBuf,
    folder: PathBuf,
    pub port: u16,
    pub process: Process,
}

/// The binary that these tests were built with.
pub fn here() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_watchbell"))
}

impl Watchbell {
    /// Starts the binary that these tests were built with and waits until it is ready.
    pub fn here(folder: &Path, config: &str) -> Self {
        Self::start(here(), folder, config).ready()
    }

    /// Starts it in this folder; `config` is everything but `[server]`. It is not ready yet.
    pub fn start(binary: &Path, folder: &Path, config: &str) -> Self {
        let port = ports::free();
        let server =
            format!("[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n\n");
        fs::create_dir_all(folder.join("config")).expect("a folder");
        fs::write(folder.join("config/watchbell.toml"), server + config).expect("its configuration");
        let process = serve(binary, folder);
        Self { binary: binary.to_path_buf(), folder: folder.to_path_buf(), port, process }
    }

    /// Waits until it is ready.
    pub fn ready(mut self) -> Self {
        self.wait_ready();
        self
    }

    /// Starts it again in the same folder, on the same port, after it ended; waits until it is ready.
    pub fn start_again(&mut self) {
        self.process.kill();
        self.process = serve(&self.binary, &self.folder);
        self.wait_ready();
    }

    /// Starts it again in the same folder, and does not wait for it to be ready.
    pub fn again(&self) -> Process {
        serve(&self.binary, &self.folder)
    }

    /// Where its journal, snapshots and views are.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Asks for a page.
    pub fn get(&self, path: &str) -> Answer {
        http::get(self.port, path)
            .unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.process.tail()))
    }

    /// Sends JSON.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        http::post(self.port, path, body)
            .unwrap_or_else(|error| panic!("POST {path}: {error}\n{}", self.process.tail()))
    }

    /// Runs a command; the answer as JSON. `person` empty: the local operator.
    pub fn command(&self, person: &str, text: &str) -> Value {
        let mut asked = json!({"text": text});
        if !person.is_empty() {
            asked["person"] = json!(person);
        }
        let answer = self.post("/api/v1/commands", &asked.to_string());
        assert_eq!(answer.status, 200, "{text}: {}", answer.body);
        answer.json()
    }

    /// A document of the API.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// All items of a list, page by page.
    pub fn items(&self, path: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let mut page = self.json(&format!("{path}{join}limit=500{cursor}"));
            let Value::Array(items) = page["items"].take() else { panic!("{path}: no items: {page}") };
            all.extend(items);
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// One figure of `/metrics`; 0 when it is not there.
    pub fn figure(&self, name: &str) -> u64 {
        let metrics = self.get("/metrics").body;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap_or_else(|error| panic!("{name} {value}: {error}")))
    }

    /// The journal as it stands on the disk, without the space that is made ahead.
    pub fn journal(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for file in segments(&self.data().join("journal")) {
            let bytes = fs::read(file).expect("a segment");
            // No line has a zero.
            all.extend_from_slice(&bytes[..memchr::memchr(0, &bytes).unwrap_or(bytes.len())]);
        }
        all
    }

    /// Another command line of the same binary, such as `journal verify`; the process goes on.
    pub fn other(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .arg("--config")
            .arg(self.folder.join("config"));
        command.current_dir(&self.folder).output().expect("the binary runs")
    }

    fn wait_ready(&mut self) {
        let ready = until(Duration::from_mins(1), || {
            if let Some(status) = self.process.ended() {
                panic!("watchbell ended with {status}:\n{}", self.process.tail());
            }
            http::get(self.port, "/readyz").is_ok_and(|answer| answer.ok()).then_some(())
        });
        assert!(ready.is_some(), "watchbell is not ready:\n{}", self.process.tail());
    }
}

/// The segments of a journal, the oldest first.
fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).collect();
    found.sort();
    found
}

/// Starts the process.
fn serve(binary: &Path, folder: &Path) -> Process {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--config").arg(folder.join("config")).arg("--data").arg(folder.join("data"));
    command.current_dir(folder).env("WATCHBELL_LOG", "warn");
    Process::start(&mut command, &folder.join("log")).expect("watchbell starts")
}
