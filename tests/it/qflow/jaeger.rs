//! A fake Jaeger query service: a few traces of Qflow, found by their id, their tags and their operation. Never a span
//! that was not asked for.

use serde_json::{Value, json};

use super::{
    envelope::seconds,
    kept::{FAILED, FLOW, RUNNING, SLOW},
    logbook::{Logbook, parameter, parts},
};
use crate::peer::server::Server;

pub const SYSTEM: &str = "jaeger";
/// A trace that exists.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Starts one with the traces of two executions.
pub fn start(book: &Logbook) -> Server {
    book.serve(SYSTEM, |request| {
        let (parts, parameters) = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let all = [
            trace(TRACE, RUNNING, 1_913_000, false),
            trace("00f067aa0ba902b7d8e3a6f1c5b49e27", FAILED, 1_437_000, true),
            trace("7c2e1d9b5a4f4e0c9b3d8a6f2e1c0d4b", SLOW, 6_213_000, false),
        ];
        let found: Vec<Value> = match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "services"]) => vec![json!("qflow"), json!("qlock")],
            ("GET", ["api", "traces", id]) => {
                let found: Vec<Value> = all.into_iter().filter(|trace| trace["traceID"] == *id).collect();
                if found.is_empty() {
                    let error = json!({"code": 404, "msg": "trace not found"});
                    return (404, json!({"data": null, "errors": [error]}).to_string());
                }
                found
            }
            ("GET", ["api", "traces"]) => {
                if parameter(&parameters, "service").is_none() {
                    let error = json!({"code": 400, "msg": "parameter 'service' is required"});
                    return (400, json!({"data": null, "errors": [error]}).to_string());
                }
                all.into_iter().filter(|trace| fits(trace, &parameters)).collect()
            }
            _ => return (404, "404 page not found".to_owned()),
        };
        let total = found.len();
        (200, json!({"data": found, "total": total, "limit": 0, "offset": 0, "errors": null}).to_string())
    })
}

fn fits(trace: &Value, parameters: &[(String, String)]) -> bool {
    let spans = trace["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let service = parameter(parameters, "service").is_none_or(|name| {
        let mut processes = trace["processes"].as_object().into_iter().flat_map(serde_json::Map::values);
        processes.any(|process| process["serviceName"] == name)
    });
    let operation = parameter(parameters, "operation")
        .is_none_or(|name| spans.iter().any(|span| span["operationName"] == name));
    let tags: Value =
        parameter(parameters, "tags").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut tags = tags.as_object().into_iter().flatten();
    let has = |span: &Value, (name, wanted): (&String, &Value)| {
        let all = span["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        all.iter().any(|tag| tag["key"] == **name && text(&tag["value"]) == text(wanted))
    };
    let long = |name: &str| {
        let bound: Option<jiff::SignedDuration> = parameter(parameters, name)?.parse().ok();
        i64::try_from(bound?.as_micros()).ok()
    };
    let took = spans[0]["duration"].as_i64().unwrap_or_default();
    let fits = long("minDuration").is_none_or(|least| took >= least)
        && long("maxDuration").is_none_or(|most| took <= most);
    fits && service && operation && tags.all(|tag| spans.iter().any(|span| has(span, tag)))
}

/// A flow's execution: validation, selection of a node, two steps.
fn trace(id: &str, execution: &str, took: i64, fails: bool) -> Value {
    let begun = (seconds() - 95) * 1_000_000;
    let span = |number: i64, process: &str, operation: &str, after: i64, took: i64, failed: bool| {
        let mut tags = vec![
            json!({"key": "execution.id", "type": "string", "value": execution}),
            json!({"key": "execution_id", "type": "string", "value": execution}),
            json!({"key": "executionId", "type": "string", "value": execution}),
            json!({"key": "flow.id", "type": "string", "value": FLOW}),
            json!({"key": "flow_id", "type": "string", "value": FLOW}),
            json!({"key": "flowId", "type": "string", "value": FLOW}),
        ];
        if failed {
            tags.push(json!({"key": "error", "type": "bool", "value": true}));
        }
        json!({
            "traceID": id, "spanID": format!("{number:016x}"), "operationName": operation, "processID": process,
            "references": [], "startTime": begun + after, "duration": took, "tags": tags, "logs": [], "warnings": null,
        })
    };
    json!({
        "traceID": id, "warnings": null,
        "processes": {
            "p1": {"serviceName": "qflow", "tags": []}, "p2": {"serviceName": "qlock", "tags": []},
        },
        "spans": [
            span(1, "p1", "flow.execution", 0, took, fails),
            span(2, "p2", "lock.acquire-9d1", 3_000, 47_000, false),
            span(3, "p1", "validation.pipeline-7c4", 52_000, 187_000, false),
            span(4, "p1", "step.log-message", 241_000, 233_000, false),
            span(5, "p1", "step.delay-e53", 476_000, took - 476_000, fails),
        ],
    })
}
