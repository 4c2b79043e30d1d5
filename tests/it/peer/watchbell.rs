//! The real `watchbell serve` as a child, with a configuration of the test. Never with a folder of somebody else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

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

impl Watchbell {
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

/// Starts the process.
fn serve(binary: &Path, folder: &Path) -> Process {
    let mut command = Command::new(binary);
    command.arg("serve").arg("--config").arg(folder.join("config")).arg("--data").arg(folder.join("data"));
    command.current_dir(folder).env("RUST_LOG", "warn");
    Process::start(&mut command, &folder.join("log")).expect("watchbell starts")
}
