//! A fake Alertmanager: alerts that are active, silences that are made. Never sends anything anywhere.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{
    envelope::{ago, now},
    logbook::{Logbook, parts},
};
use crate::peer::server::Server;

pub const SYSTEM: &str = "alertmanager";

/// Starts one with two alerts.
pub fn start(book: &Logbook) -> Server {
    let posted: Mutex<Vec<Value>> = Mutex::default();
    book.serve(SYSTEM, move |request| {
        let (parts, _) = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let mut posted = posted.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["-", "healthy" | "ready"]) => return (200, "OK".to_owned()),
            ("GET", ["api", "v2", "status"]) => json!({
                "cluster": {"status": "disabled", "peers": []}, "uptime": ago(86_400),
                "versionInfo": {"version": "0.25.0", "branch": "debian/sid"}, "config": {"original": ""},
            }),
            ("GET", ["api", "v2", "alerts"]) => {
                let mut all = vec![
                    alert("QflowIPFSStorageHigh", "warning", "ipfs-3", "10.7 GB of blocks"),
                    alert("QflowLowNodeConnectivity", "warning", "qflow-7f9c", "2 connections"),
                ];
                all.extend(posted.iter().cloned());
                all.into()
            }
            ("GET", ["api", "v2", "alerts", "groups"]) => json!([{
                "labels": {"alertname": "QflowIPFSStorageHigh"}, "receiver": {"name": "watchbell"},
                "alerts": [alert("QflowIPFSStorageHigh", "warning", "ipfs-3", "10.7 GB of blocks")],
            }]),
            ("POST", ["api", "v2", "alerts"]) => match serde_json::from_str::<Vec<Value>>(&request.body) {
                Ok(alerts) => {
                    posted.extend(alerts);
                    return (200, String::new());
                }
                Err(error) => return (400, json!(error.to_string()).to_string()),
            },
            ("GET", ["api", "v2", "silences"]) => json!([]),
            ("POST", ["api", "v2", "silences"]) => {
                json!({"silenceID": "5b6f9a2c-95a1-4f3e-9d1c-0a7be2d4c611"})
            }
            ("GET", ["api", "v2", "receivers"]) => json!([{"name": "watchbell"}]),
            _ => return (404, json!({"code": 404, "message": "path was not found"}).to_string()),
        };
        (200, answer.to_string())
    })
}

fn alert(name: &str, severity: &str, instance: &str, summary: &str) -> Value {
    json!({
        "labels": {"alertname": name, "severity": severity, "service": "qflow", "instance": instance},
        "annotations": {"summary": summary}, "startsAt": ago(1_900), "endsAt": now(), "updatedAt": ago(12),
        "fingerprint": format!("{:016x}", name.len() * 7_919), "generatorURL": "http://prometheus:9090/graph",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []}, "receivers": [{"name": "watchbell"}],
    })
}
