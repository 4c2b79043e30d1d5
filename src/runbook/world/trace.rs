//! What Jaeger knows: one trace, or the latest of a service. Never changes anything there.

use serde_json::{Map, Value, json};

use super::{
    Fault, Found, OUTPUT, below,
    fetch::{Fetch, Manner, Request},
    reach::Reach,
    secrets::Secrets,
    shorten,
};
use crate::{runbook::chart, text::plain::plain};

/// The service in an environment that is asked.
pub const SERVICE: &str = "jaeger";
/// Spans that are shown, the longest first.
const SHOWN: usize = 20;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// A trace by its id.
    Trace(String),
    /// Traces by the words of Jaeger's query API (`service`, `operation`, `tags`, `lookback`, `minDuration`, `limit`).
    Find(Vec<(String, String)>),
}

/// Asks Jaeger.
///
/// # Errors
/// No usable answer.
pub async fn find(
    fetch: &Fetch,
    reach: &Reach,
    query: &Query,
    secrets: &Secrets,
    manner: Manner,
) -> Result<Found, Fault> {
    let service = reach.service(SERVICE)?;
    let mut url = below(service.url.expose(), "api/traces");
    match query {
        Query::Trace(id) => {
            let no_path = |()| Fault::NotAllowed("the address has no path".to_owned());
            url.path_segments_mut().map_err(no_path)?.push(id);
        }
        Query::Find(words) => {
            url.query_pairs_mut().extend_pairs(words);
        }
    }
    let answer = fetch.ask(Request::get(url), reach, manner).await?;
    let json = answer.json().filter(|_| answer.cut == 0);
    read(answer.status, json, secrets)
}

fn read(status: u16, json: Option<Value>, secrets: &Secrets) -> Result<Found, Fault> {
    let unknown = |what: String| Err(Fault::Unknown(format!("Jaeger {what}")));
    let Some(json) = json else { return unknown(format!("answered {status}, and not what its API answers")) };
    let complaint = json.pointer("/errors/0/msg").and_then(Value::as_str);
    let Some(Value::Array(traces)) = json.get("data").filter(|_| status < 300) else {
        let why = complaint
            .map_or_else(|| format!("answered {status}"), |why| format!("says: {}", plain(why, 200)));
        return unknown(why);
    };
    let mut spans: Vec<Value> = Vec::new();
    let mut longest = 0.0_f64;
    let mut errors = 0_u64;
    for trace in traces {
        let of = trace.get("spans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        longest = longest.max(duration(of));
        for span in of {
            let service = service_of(trace, span);
            let failed = is_error(span);
            errors += u64::from(failed);
            let seconds = micros(span, "duration") / 1e6;
            let operation = span.get("operationName").and_then(Value::as_str).unwrap_or_default();
            let id = trace.get("traceID").and_then(Value::as_str).unwrap_or_default();
            spans.push(json!({
                "trace": id, "service": service, "operation": operation, "seconds": seconds, "error": failed,
            }));
        }
    }
    spans.sort_by(|one, other| {
        let seconds = |span: &Value| span.get("seconds").and_then(Value::as_f64).unwrap_or_default();
        seconds(other).total_cmp(&seconds(one))
    });
    let spans = secrets.cover_value(spans.into());
    let all = spans.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut shown = all.iter().take(SHOWN).map(line).collect::<Vec<_>>().join("\n");
    if all.len() > SHOWN {
        shown.push('\n');
        shown.push_str(&crate::text::chat::more(all.len() - SHOWN, ""));
    }
    let cut = shorten(&mut shown, OUTPUT);
    let mut fields = Map::new();
    fields.insert("traces".to_owned(), traces.len().into());
    fields.insert("duration".to_owned(), if traces.is_empty() { Value::Null } else { longest.into() });
    fields.insert("errors".to_owned(), errors.into());
    fields.insert("spans".to_owned(), spans);
    Ok(Found { fields, shown, cut })
}

fn micros(span: &Value, name: &str) -> f64 {
    span.get(name).and_then(Value::as_f64).unwrap_or_default()
}

/// From the first span's start to the last one's end, in seconds.
fn duration(spans: &[Value]) -> f64 {
    let from = spans.iter().map(|span| micros(span, "startTime")).fold(f64::INFINITY, f64::min);
    let until =
        spans.iter().map(|span| micros(span, "startTime") + micros(span, "duration")).fold(0.0, f64::max);
    if until > from { (until - from) / 1e6 } else { 0.0 }
}

fn service_of<'a>(trace: &'a Value, span: &Value) -> &'a str {
    let process = span.get("processID").and_then(Value::as_str).unwrap_or_default();
    let processes = trace.get("processes").and_then(|all| all.get(process));
    processes.and_then(|one| one.get("serviceName")).and_then(Value::as_str).unwrap_or_default()
}

/// By the tag `error` of `OpenTracing`, or the status of `OpenTelemetry`.
fn is_error(span: &Value) -> bool {
    let tags = span.get("tags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    tags.iter().any(|tag| {
        let value = tag.get("value");
        match tag.get("key").and_then(Value::as_str) {
            Some("error") => value.is_some_and(|value| *value == json!(true) || *value == json!("true")),
            Some("otel.status_code") => value == Some(&json!("ERROR")),
            _ => false,
        }
    })
}

fn line(span: &Value) -> String {
    let text = |name: &str| plain(span.get(name).and_then(Value::as_str).unwrap_or_default(), 80);
    let seconds = span.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let failed = if span.get("error") == Some(&json!(true)) { " failed" } else { "" };
    format!("{} {} {}{failed}", chart::value(seconds, "s"), text("service"), text("operation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_with_its_errors_and_its_length() {
        let json = json!({"data": [{
            "traceID": "abc", "processes": {"p1": {"serviceName": "qflow"}},
            "spans": [
                {"operationName": "step", "processID": "p1", "startTime": 1_000_000, "duration": 20_000,
                    "tags": [{"key": "error", "value": true}]},
                {"operationName": "flow", "processID": "p1", "startTime": 1_000_000, "duration": 1_500_000, "tags": []},
            ],
        }]});
        let found = read(200, Some(json), &Secrets::default()).unwrap();
        assert_eq!((&found.fields["duration"], &found.fields["errors"]), (&json!(1.5), &json!(1)));
        assert_eq!(found.shown, "1.5 s qflow flow\n20 ms qflow step failed");
    }

    #[test]
    fn what_is_not_there_is_unknown_and_nothing_found_is_nothing() {
        let missing = json!({"data": null, "errors": [{"code": 404, "msg": "trace not found"}]});
        assert_eq!(
            read(404, Some(missing), &Secrets::default()),
            Err(Fault::Unknown("Jaeger says: trace not found".into()))
        );
        let none = read(200, Some(json!({"data": []})), &Secrets::default()).unwrap();
        assert_eq!((&none.fields["duration"], &none.fields["traces"]), (&Value::Null, &json!(0)));
        assert!(read(200, None, &Secrets::default()).is_err());
    }
}
