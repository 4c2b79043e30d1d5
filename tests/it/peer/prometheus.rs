//! A real Prometheus with one rule over one gauge that the test sets. Never keeps data.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    http, ports,
    process::{Process, until},
    server::Server,
};

/// What Debian calls it.
pub const PROGRAM: &str = "prometheus";

/// A service that the test breaks and mends: an exporter with one gauge.
pub struct Exporter {
    server: Server,
    broken: Arc<AtomicBool>,
}

impl Exporter {
    /// A service in good health.
    pub fn start() -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&broken);
        let server = Server::start(move |_| {
            let value = u8::from(state.load(Ordering::Relaxed));
            (200, format!("# TYPE qflow_broken gauge\nqflow_broken {value}\n"))
        });
        Self { server, broken }
    }

    /// Breaks it, or mends it.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }
}

pub struct Prometheus {
    pub port: u16,
    pub process: Process,
}

impl Prometheus {
    /// Starts it: it scrapes the exporter and tells the Alertmanager; it is not ready yet.
    pub fn start(folder: &Path, exporter: &Exporter, alertmanager: u16) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let rules = folder.join("rules.yml");
        let config = format!(
            "global:\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n  evaluation_interval: 500ms\n\
             rule_files: ['{}']\n\
             scrape_configs:\n- job_name: qflow\n  static_configs:\n  - targets: ['127.0.0.1:{}']\n\
             alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['127.0.0.1:{alertmanager}']\n",
            rules.display(),
            exporter.server.port,
        );
        let file = folder.join("prometheus.yml");
        fs::write(&file, config).expect("its configuration");
        let rule = "groups:\n- name: qflow\n  rules:\n  - alert: QflowServiceDown\n    expr: qflow_broken > 0\n    \
                    labels:\n      severity: critical\n      service: qflow\n    annotations:\n      \
                    summary: Qflow does not answer\n      runbook_url: https://runbooks.example.com/qflow\n";
        fs::write(&rules, rule).expect("its rule");
        Self::launch(folder, &file, &["--rules.alert.resend-delay=1s"])
    }

    /// Starts it with values of the past (`OpenMetrics`) and rules: it scrapes this exporter, whose own labels count, and
    /// tells this Alertmanager; it is not ready yet.
    pub fn with_past(folder: &Path, exporter: u16, past: &Path, rules: &str, alertmanager: u16) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        // One block, not hundreds of two hours each.
        let mut import = Command::new("promtool");
        import.args(["tsdb", "create-blocks-from", "--max-block-duration=768h", "openmetrics", "--quiet"]);
        let import = import.arg(past).arg(folder.join("data")).output().expect("promtool is installed");
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
        let rule_file = folder.join("rules.yml");
        fs::write(&rule_file, rules).expect("its rules");
        let config = format!(
            "rule_files: ['{}']\nalerting:\n  alertmanagers:\n  - static_configs:\n    - targets: \
             ['127.0.0.1:{alertmanager}']\nglobal:\n  evaluation_interval: 1s\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n- job_name: qflow\n  \
             honor_labels: true\n  static_configs:\n  - targets: ['127.0.0.1:{exporter}']\n",
            rule_file.display()
        );
        let file = folder.join("prometheus.yml");
        fs::write(&file, config).expect("its configuration");
        Self::launch(folder, &file, &["--storage.tsdb.retention.time=90d"])
    }

    fn launch(folder: &Path, config: &Path, more: &[&str]) -> Self {
        let port = ports::free();
        let mut command = Command::new(PROGRAM);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--log.level=error").args(more);
        let process = Process::start(&mut command, &folder.join("log")).expect("prometheus is installed");
        Self { port, process }
    }

    /// Waits until it is ready, has found its Alertmanager and has scraped once.
    pub fn scraped(self) -> Self {
        let ready = until(Duration::from_mins(1), || {
            let found = http::get(self.port, "/api/v1/alertmanagers").ok()?.body;
            found.contains("/api/v2/alerts").then_some(())?;
            let answer = http::get(self.port, "/api/v1/query?query=up%3D%3D1").ok()?;
            answer.body.contains("\"value\"").then_some(())
        });
        assert!(ready.is_some(), "prometheus is not ready:\n{}", self.process.tail());
        self
    }

    /// Waits until it is ready, has found its Alertmanager and has scraped once: alerts that are raised before are
    /// dropped, and sent again only after a minute.
    pub fn ready(self) -> Self {
        let ready = until(Duration::from_mins(1), || {
            let found = http::get(self.port, "/api/v1/alertmanagers").ok()?.body;
            let scraped = http::get(self.port, "/api/v1/query?query=qflow_broken").ok()?.body;
            (found.contains("/api/v2/alerts") && scraped.contains("\"value\"")).then_some(())
        });
        assert!(ready.is_some(), "prometheus is not ready:\n{}", self.process.tail());
        self
    }
}
