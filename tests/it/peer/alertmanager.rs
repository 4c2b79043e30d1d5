//! A real Alertmanager. Never part of a cluster, never with state of an earlier run.

use std::{fs, path::Path, process::Command, time::Duration};

use super::{
    http, ports,
    process::{Process, until},
};

/// What Debian calls it.
pub const PROGRAM: &str = "prometheus-alertmanager";

pub struct Alertmanager {
    pub port: u16,
    pub process: Process,
}

impl Alertmanager {
    /// Starts it in an empty folder with this configuration; it is not ready yet.
    pub fn start(folder: &Path, config: &str) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let file = folder.join("alertmanager.yml");
        fs::write(&file, config).expect("its configuration");
        let port = ports::free();
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.args(["--cluster.listen-address=", "--log.level=error"]);
        let process = Process::start(&mut command, &folder.join("log")).expect("alertmanager is installed");
        Self { port, process }
    }

    /// Waits until it is ready.
    pub fn ready(self) -> Self {
        let ready = until(Duration::from_secs(30), || {
            http::get(self.port, "/-/ready").is_ok_and(|answer| answer.ok()).then_some(())
        });
        assert!(ready.is_some(), "alertmanager is not ready:\n{}", self.process.tail());
        self
    }
}

/// A configuration that hands every group to one webhook at once, with a bearer token.
pub fn hands_over_to(url: &str, token: &str, group_by: &str) -> String {
    format!(
        "route:\n  receiver: watchbell\n  group_by: [{group_by}]\n  group_wait: 0s\n  group_interval: 1s\n  \
         repeat_interval: 1h\nreceivers:\n- name: watchbell\n  webhook_configs:\n  - url: {url}\n    \
         send_resolved: true\n    http_config:\n      authorization:\n        credentials: {token}\n"
    )
}
