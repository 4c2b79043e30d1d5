//! The metrics that Qflow's monitoring guide names: an exporter of today's values, and a month of them for a Prometheus
//! that starts today. Never random: each value follows from its instant.

use std::{collections::BTreeSet, f64::consts::TAU, fmt::Write as _, path::Path};

use super::{envelope::seconds, kept::DAO};
use crate::peer::server::Server;

/// Who is scraped, in the label `instance`.
const INSTANCES: [&str; 2] = ["qflow-7f9c", "qflow-a02e"];
/// The alerts of Qflow's monitoring guide, as rules.
pub const RULES: &str = "groups:
- name: qflow
  rules:
  - {alert: QflowServiceDown, expr: 'up{job=\"qflow\"} == 0', for: 1m, labels: {severity: critical}}
  - {alert: QflowHighErrorRate, expr: 'rate(qflow_flows_failed_total[5m]) / rate(qflow_flows_completed_total[5m]) > 0.1', for: 2m, labels: {severity: warning}}
  - {alert: QflowHighMemoryUsage, expr: 'qflow_process_memory_usage_bytes > 2147483648', for: 5m, labels: {severity: warning}}
  - {alert: QflowValidationFailures, expr: 'rate(qflow_validation_failures_total[5m]) > 0.05', for: 1m, labels: {severity: critical}}
  - {alert: QflowLowNodeConnectivity, expr: 'qflow_network_connections_active < 3', for: 2m, labels: {severity: warning}}
  - {alert: QflowIPFSStorageHigh, expr: 'qflow_storage_ipfs_size_bytes > 10737418240', for: 5m, labels: {severity: warning}}
  - {alert: QflowSandboxTimeouts, expr: 'rate(qflow_sandbox_timeouts_total[5m]) > 0.01', for: 1m, labels: {severity: warning}}
";
const DAY: u32 = 86_400;
/// How far back the values go.
const MONTH: u32 = 31 * DAY;

/// How a series moves.
#[derive(Clone, Copy)]
enum Course {
    /// Around a value, so far up and down.
    Around(f64, f64),
    /// So much more each second.
    Grows(f64),
}

struct Series {
    name: String,
    labels: String,
    course: Course,
}

impl Series {
    /// Its value so many seconds after the beginning.
    fn at(&self, after: f64) -> f64 {
        match self.course {
            Course::Around(middle, swing) => middle + swing * (after / f64::from(DAY) * TAU * 7.0).sin(),
            Course::Grows(each_second) => each_second * after,
        }
    }
}

/// All series of Qflow.
pub struct Metrics {
    series: Vec<Series>,
    /// When they begin.
    since: i64,
}

/// What is counted up to each bound of a histogram, as a part of all.
type Buckets = &'static [(&'static str, f64)];

const FLOWS: Buckets = &[("0.5", 0.35), ("1", 0.62), ("2", 0.86), ("5", 0.985), ("10", 1.0), ("+Inf", 1.0)];
const VALIDATIONS: Buckets =
    &[("0.05", 0.3), ("0.1", 0.55), ("0.25", 0.9), ("0.5", 0.98), ("1", 1.0), ("+Inf", 1.0)];
const SELECTIONS: Buckets =
    &[("0.01", 0.4), ("0.025", 0.7), ("0.05", 0.93), ("0.1", 0.995), ("0.25", 1.0), ("+Inf", 1.0)];

impl Metrics {
    pub fn new() -> Self {
        let mut metrics = Self { series: Vec::new(), since: seconds() - i64::from(MONTH) - 3_600 };
        let around = |middle: f64, swing: f64| Course::Around(middle, swing);
        for (name, labels, course) in [
            ("process_cpu_usage_percent", "", around(42.17, 3.1)),
            ("process_memory_usage_bytes", "", around(1.137e9, 4.1e7)),
            ("process_uptime_seconds", "", Course::Grows(1.0)),
            ("network_connections_active", "", around(17.0, 0.0)),
            ("network_bytes_sent_total", "", Course::Grows(20_417.3)),
            ("network_bytes_received_total", "", Course::Grows(31_291.7)),
            ("storage_ipfs_blocks_total", "", around(48_731.0, 0.0)),
            ("storage_ipfs_size_bytes", "", around(2.171e9, 1.3e7)),
            ("storage_cache_hit_ratio", "", around(0.913, 0.011)),
            ("flows_active_count", "", around(11.0, 0.0)),
            ("flows_completed_total", "", Course::Grows(0.557)),
            ("flows_failed_total", "", Course::Grows(0.0113)),
            ("sandbox_executions_total", "", Course::Grows(0.731)),
            ("sandbox_memory_usage_bytes", "", around(5.43e7, 2.0e6)),
            ("sandbox_cpu_usage_percent", "", around(31.7, 2.3)),
            ("sandbox_timeouts_total", "", Course::Grows(0.0023)),
        ] {
            metrics.add(name, labels, course);
        }
        for (node, health, load) in
            [("node-7c41", 0.973, 0.347), ("node-a02e", 0.957, 0.283), ("node-51d8", 0.918, 0.221)]
        {
            metrics.add("node_health_score", &format!(",node=\"{node}\""), around(health, 0.005));
            metrics.add("node_load_factor", &format!(",node=\"{node}\""), around(load, 0.03));
        }
        for (layer, each_second) in
            [("qlock", 0.917), ("qonsent", 0.853), ("qindex", 0.871), ("qerberos", 0.839)]
        {
            let labels = format!(",component=\"validation\",layer=\"{layer}\"");
            metrics.add("validation_requests_total", &labels, Course::Grows(each_second));
            metrics.add("validation_cache_hits_total", &labels, Course::Grows(each_second * 0.887));
            metrics.add("validation_failures_total", &labels, Course::Grows(each_second * 0.0043));
            metrics.histogram("validation_duration_seconds", &labels, each_second, 0.137, VALIDATIONS);
        }
        for dao in [DAO, "dao-public"] {
            let labels = format!(",dao_subnet=\"{dao}\"");
            metrics.add("dao_flows_active", &labels, around(11.0, 0.0));
            metrics.add("dao_execution_cost_total", &labels, Course::Grows(0.0719));
        }
        metrics.histogram("flow_execution_duration_seconds", "", 0.568, 1.31, FLOWS);
        metrics.histogram("node_selection_duration_seconds", "", 0.613, 0.0213, SELECTIONS);
        metrics
    }

    fn add(&mut self, name: &str, labels: &str, course: Course) {
        for instance in INSTANCES {
            let labels = format!("{{instance=\"{instance}\",job=\"qflow\"{labels}}}");
            self.series.push(Series { name: format!("qflow_{name}"), labels, course });
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, each_second: f64, mean: f64, buckets: Buckets) {
        for (bound, part) in buckets {
            let labels = format!("{labels},le=\"{bound}\"");
            self.add(&format!("{name}_bucket"), &labels, Course::Grows(each_second * part));
        }
        self.add(&format!("{name}_sum"), labels, Course::Grows(each_second * mean));
        self.add(&format!("{name}_count"), labels, Course::Grows(each_second));
    }

    fn after(&self, instant: i64) -> f64 {
        jiff::SignedDuration::from_secs(instant - self.since).as_secs_f64()
    }

    /// The page that is scraped.
    fn page(&self) -> String {
        let after = self.after(seconds());
        let mut page = String::new();
        for series in &self.series {
            // cannot fail: a text takes everything.
            let _ = writeln!(page, "{}{} {}", series.name, series.labels, series.at(after));
        }
        page
    }

    /// Writes a month of values as `OpenMetrics`.
    pub fn write_past(&self, file: &Path) {
        let now = seconds();
        let offsets = offsets();
        let mut text = String::new();
        for series in &self.series {
            // The oldest first.
            for back in offsets.iter().rev() {
                let at = now - i64::from(*back);
                let value = series.at(self.after(at));
                // cannot fail: a text takes everything.
                let _ = writeln!(text, "{}{} {value} {at}", series.name, series.labels);
            }
        }
        text.push_str("# EOF\n");
        std::fs::write(file, text).expect("a file");
    }

    /// Serves today's values.
    pub fn serve(self) -> Server {
        Server::start(move |_| (200, self.page()))
    }
}

/// How many seconds ago there are values: many of the last hour, enough of yesterday, some around last week and last
/// month, so that whoever compares finds something.
fn offsets() -> BTreeSet<u32> {
    let mut offsets: BTreeSet<u32> = (10..2_400).step_by(15).collect();
    offsets.extend((2_400..25 * 3_600).step_by(120));
    offsets.extend((25 * 3_600..MONTH).step_by(1_200));
    for ago in [7 * DAY, 30 * DAY] {
        offsets.extend((ago - 3_600..ago + 1_800).step_by(60));
    }
    offsets
}
