//! What Elasticsearch or OpenSearch found among the logs. Never changes anything there.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Fault, Found, OUTPUT, below,
    fetch::{Fetch, Manner, Request},
    reach::Reach,
    secrets::Secrets,
    shorten,
};
use crate::text::plain::{lines, plain};

/// The service in an environment that is asked.
pub const SERVICE: &str = "elasticsearch";
/// Hits that are asked for, unless the query says otherwise.
const HITS: u64 = 50;

/// Searches `index` (a pattern such as `qflow-logs-*`) with a query of the search API.
///
/// # Errors
/// No usable answer.
pub async fn search(
    fetch: &Fetch,
    reach: &Reach,
    index: &str,
    query: &Value,
    secrets: &Secrets,
    manner: Manner,
) -> Result<Found, Fault> {
    let service = reach.service(SERVICE)?;
    let mut url = below(service.url.expose(), "");
    url.path_segments_mut()
        .map_err(|()| Fault::NotAllowed("the address has no path".to_owned()))?
        .pop_if_empty()
        .push(index)
        .push("_search");
    let mut query = query.clone();
    if let Some(query) = query.as_object_mut() {
        query.entry("size").or_insert_with(|| HITS.into());
        query.entry("track_total_hits").or_insert_with(|| true.into());
    }
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let request = Request { method: "POST".to_owned(), url, headers, body: query.to_string() };
    let answer = fetch.ask(request, reach, manner).await?;
    let json = answer.json().filter(|_| answer.cut == 0);
    read(answer.status, json, secrets)
}

fn read(status: u16, json: Option<Value>, secrets: &Secrets) -> Result<Found, Fault> {
    let unknown = |what: String| Err(Fault::Unknown(format!("the log store {what}")));
    let Some(json) = json else { return unknown(format!("answered {status}, and not what its API answers")) };
    if let Some(reason) = json.pointer("/error/reason").or_else(|| json.get("error")) {
        return unknown(format!("says: {}", plain(reason.as_str().unwrap_or("no"), 200)));
    }
    if status >= 300 {
        return unknown(format!("answered {status}"));
    }
    // A shard that did not answer may hold what is looked for.
    let failed = json.pointer("/_shards/failed").and_then(Value::as_u64).unwrap_or_default();
    if failed > 0 || json.get("timed_out").and_then(Value::as_bool) == Some(true) {
        return unknown(format!("could not look everywhere ({failed} parts did not answer)"));
    }
    let Some(Value::Array(hits)) = json.pointer("/hits/hits") else {
        return unknown("answered what its API does not say".to_owned());
    };
    // A number until version 6, an object since.
    let total = json.pointer("/hits/total/value").or_else(|| json.pointer("/hits/total"));
    let total = total.and_then(Value::as_u64).unwrap_or_default();
    let hits: Vec<Value> = hits
        .iter()
        .map(|hit| secrets.cover_value(hit.get("_source").cloned().unwrap_or(Value::Null)))
        .collect();
    let mut shown = hits.iter().map(line).collect::<Vec<_>>().join("\n");
    let cut = shorten(&mut shown, OUTPUT);
    let mut fields = Map::new();
    fields.insert("patterns".to_owned(), patterns(&hits).into());
    fields.insert("total".to_owned(), total.into());
    fields.insert("hits".to_owned(), hits.into());
    let buckets = json.get("aggregations").cloned().unwrap_or_else(|| json!({}));
    fields.insert("aggregations".to_owned(), secrets.cover_value(buckets));
    Ok(Found { fields, shown, cut })
}

/// What the messages have in common when numbers, ids and quoted words are taken out: the most frequent first.
fn patterns(hits: &[Value]) -> Vec<Value> {
    let mut found: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for hit in hits {
        let message = ["message", "msg"].iter().find_map(|name| hit.get(name)?.as_str());
        let Some(message) = message else { continue };
        let message = plain(message, 400);
        found.entry(pattern(&message)).or_insert((0, message)).0 += 1;
    }
    let mut found: Vec<(String, (usize, String))> = found.into_iter().collect();
    found.sort_by(|one, other| other.1.0.cmp(&one.1.0).then_with(|| one.0.cmp(&other.0)));
    let row = |(pattern, (count, example))| json!({"pattern": pattern, "count": count, "example": example});
    found.into_iter().map(row).collect()
}

/// `flow "x" failed after 300 ms` is `flow … failed after … ms`.
fn pattern(message: &str) -> String {
    const DIFFERS: &str =
        r#""[^"]*"|'[^']*'|\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b|\S*\d\S*"#;
    // cannot fail: a constant, and a test reads it.
    static WHAT_DIFFERS: LazyLock<Regex> = LazyLock::new(|| Regex::new(DIFFERS).expect("a pattern"));
    WHAT_DIFFERS.replace_all(message, "…").into_owned()
}

/// A hit on one line: when, how bad, where, what.
fn line(hit: &Value) -> String {
    let field = |names: &[&str]| {
        let found = names.iter().find_map(|name| hit.get(*name));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let parts = [
        field(&["@timestamp", "timestamp", "time"]),
        field(&["level", "severity"]).map(|level| level.to_uppercase()),
        field(&["component", "service"]),
        field(&["message", "msg"]),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    lines(&plain(if text.is_empty() { hit.to_string() } else { text }.as_str(), 400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_read_and_shown_on_a_line_each() {
        let secret = "s3cret-token".to_owned().into();
        let secrets = Secrets::new([&secret]);
        for total in [json!({"value": 12, "relation": "eq"}), json!(12)] {
            let json = json!({"timed_out": false, "_shards": {"failed": 0}, "hits": {"total": total, "hits": [
                {"_source": {"@timestamp": "2026-11-23T03:00:00Z", "level": "error", "component": "engine",
                    "message": "token s3cret-token\u{1b}[31m refused\nagain"}},
            ]}});
            let found = read(200, Some(json), &secrets).unwrap();
            assert_eq!(found.fields["total"], 12);
            let expected = "2026-11-23T03:00:00Z ERROR engine token •••[31m refused again";
            assert_eq!(found.shown, expected);
            assert!(!found.fields["hits"].to_string().contains("s3cret"));
        }
    }

    #[test]
    fn messages_that_differ_in_numbers_and_names_are_one_pattern() {
        let messages = [
            "flow 'a' failed after 300 ms",
            "flow 'b-7' failed after 12ms ms",
            "peer 52f9a2a7-3ec0-4cd4-9d9f-f8cd276802a2 is gone",
            "disk is full",
        ];
        let hits: Vec<Value> = messages.iter().map(|message| json!({"message": message})).collect();
        let found = patterns(&hits);
        let seen: Vec<_> = found.iter().map(|one| (one["count"].as_u64(), one["pattern"].as_str())).collect();
        let expected = [
            (Some(2), Some("flow … failed after … ms")),
            (Some(1), Some("disk is full")),
            (Some(1), Some("peer … is gone")),
        ];
        assert_eq!(seen, expected);
        assert_eq!(found[0]["example"], messages[0]);
    }

    #[test]
    fn what_was_not_looked_at_everywhere_is_unknown() {
        for (status, json) in [
            (200, json!({"timed_out": true, "hits": {"total": 0, "hits": []}})),
            (200, json!({"_shards": {"failed": 1}, "hits": {"total": 0, "hits": []}})),
            (404, json!({"error": {"reason": "no such index [x]"}, "status": 404})),
            (503, json!({})),
            (200, json!({"hits": 3})),
        ] {
            assert!(
                matches!(read(status, Some(json.clone()), &Secrets::default()), Err(Fault::Unknown(_))),
                "{json}"
            );
        }
        assert!(matches!(read(200, None, &Secrets::default()), Err(Fault::Unknown(_))));
    }
}
