//! A fake Elasticsearch that really searches: terms, ranges, words of a query string, counts by field. Never more of
//! its query language than runbooks use; what it does not know it refuses, as the real one would.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    envelope::{ago, seconds},
    kept::{FAILED, FLOW, RUNNING},
    logbook::{Logbook, parts},
};
use crate::peer::server::{Reply, Server};

pub const SYSTEM: &str = "elasticsearch";

/// Starts one with the logs of two days.
pub fn start(book: &Logbook) -> Server {
    book.serve(SYSTEM, |request| {
        let (parts, _) = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST" | "GET", [index, "_search"]) => match serde_json::from_str(&request.body) {
                Ok(asked) => search(index, &asked).unwrap_or_else(|why| refused(&why)),
                Err(error) => refused(&error.to_string()),
            },
            ("POST", [_, "_delete_by_query"]) => {
                (200, json!({"took": 41, "deleted": 1_937, "total": 1_937, "failures": []}).to_string())
            }
            ("GET", ["_cluster", "health"]) => {
                let health = json!({"cluster_name": "logs-5ad3", "status": "green", "number_of_nodes": 3});
                (200, health.to_string())
            }
            _ => (404, json!({"error": {"reason": "no handler found"}, "status": 404}).to_string()),
        }
    })
}

fn refused(why: &str) -> Reply {
    (400, json!({"error": {"type": "parsing_exception", "reason": why}, "status": 400}).to_string())
}

type Found = Result<bool, String>;

fn search(index: &str, asked: &Value) -> Result<Reply, String> {
    if !index.starts_with("qflow-logs") {
        let reason = format!("no such index [{index}]");
        return Ok((404, json!({"error": {"reason": reason}, "status": 404}).to_string()));
    }
    let everything = json!({"match_all": {}});
    let query = asked.get("query").unwrap_or(&everything);
    let mut found = Vec::new();
    for document in documents() {
        if fits(query, &document)? {
            found.push(document);
        }
    }
    let mut groups = Map::new();
    let wanted = asked.get("aggs").or_else(|| asked.get("aggregations")).and_then(Value::as_object);
    for (name, aggregation) in wanted.into_iter().flatten() {
        groups.insert(name.clone(), counted(aggregation, &found)?);
    }
    found.sort_by_key(|document| document["@timestamp"].as_str().map(str::to_owned));
    let descending = asked["sort"].to_string().contains("desc");
    if descending {
        found.reverse();
    }
    let size = asked["size"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(10);
    let total = json!({"value": found.len(), "relation": "eq"});
    let hit = |(number, document)| json!({"_index": "qflow-logs-2026.11", "_id": format!("h{number}"), "_score": 1.0, "_source": document});
    let hits: Vec<Value> = found.into_iter().take(size).enumerate().map(hit).collect();
    let answer = json!({
        "took": 7, "timed_out": false, "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": total, "max_score": 1.0, "hits": hits}, "aggregations": groups,
    });
    Ok((200, answer.to_string()))
}

fn counted(aggregation: &Value, found: &[Value]) -> Result<Value, String> {
    let Some(field) = aggregation.pointer("/terms/field").and_then(Value::as_str) else {
        return Err(format!("unknown aggregation {aggregation}"));
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for document in found {
        if let Some(value) = of(document, field) {
            *counts.entry(text(value)).or_default() += 1;
        }
    }
    let mut buckets: Vec<(String, u64)> = counts.into_iter().collect();
    buckets.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let buckets: Vec<Value> =
        buckets.into_iter().map(|(key, count)| json!({"key": key, "doc_count": count})).collect();
    Ok(json!({"doc_count_error_upper_bound": 0, "sum_other_doc_count": 0, "buckets": buckets}))
}

/// A field of a document; `.keyword` is the field itself.
fn of<'a>(document: &'a Value, field: &str) -> Option<&'a Value> {
    document.get(field.strip_suffix(".keyword").unwrap_or(field))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a document meets a query.
fn fits(query: &Value, document: &Value) -> Found {
    let Some((kind, inside)) = query.as_object().and_then(|query| query.iter().next()) else {
        return Err("[query] malformed, no query".to_owned());
    };
    let field = || inside.as_object().and_then(|inside| inside.iter().next());
    let value =
        |of: &Value| of.get("value").or_else(|| of.get("query")).cloned().unwrap_or_else(|| of.clone());
    match kind.as_str() {
        "match_all" => Ok(true),
        "bool" => combined(inside, document),
        "query_string" | "simple_query_string" => {
            words(inside["query"].as_str().unwrap_or_default(), document)
        }
        "exists" => Ok(of(document, inside["field"].as_str().unwrap_or_default()).is_some()),
        "term" | "match" | "match_phrase" | "wildcard" | "prefix" => {
            let (name, wanted) = field().ok_or("no field")?;
            Ok(matches(document, name, &text(&value(wanted))))
        }
        "terms" => {
            let (name, wanted) = field().ok_or("no field")?;
            let wanted = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
            Ok(wanted.iter().any(|wanted| matches(document, name, &text(wanted))))
        }
        "range" => {
            let (name, bounds) = field().ok_or("no field")?;
            in_range(document, name, bounds)
        }
        other => Err(format!("unknown query [{other}]")),
    }
}

fn combined(query: &Value, document: &Value) -> Found {
    let of = |name: &str| match query.get(name) {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    for query in of("must").iter().chain(&of("filter")) {
        if !fits(query, document)? {
            return Ok(false);
        }
    }
    for query in &of("must_not") {
        if fits(query, document)? {
            return Ok(false);
        }
    }
    let either = of("should");
    let mut any = either.is_empty();
    for query in &either {
        any |= fits(query, document)?;
    }
    Ok(any)
}

fn in_range(document: &Value, name: &str, bounds: &Value) -> Found {
    let Some(value) = of(document, name) else { return Ok(false) };
    let number = |value: &Value| -> Result<f64, String> {
        if let Some(number) = value.as_f64() {
            return Ok(number);
        }
        let text = value.as_str().unwrap_or_default();
        if let Some(rest) = text.strip_prefix("now") {
            return instant(rest).ok_or_else(|| format!("failed to parse date field [{text}]"));
        }
        let at: Result<jiff::Timestamp, _> = text.parse();
        at.map(|at| at.as_duration().as_secs_f64()).map_err(|error| error.to_string())
    };
    let value = number(value)?;
    for (bound, limit) in bounds.as_object().into_iter().flatten() {
        let limit = number(limit)?;
        let met = match bound.as_str() {
            "gte" | "from" => value >= limit,
            "gt" => value > limit,
            "lte" | "to" => value <= limit,
            "lt" => value < limit,
            _ => return Err(format!("[range] query does not support [{bound}]")),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `-3600s`, `-24h`, or nothing: now.
fn instant(text: &str) -> Option<f64> {
    let now = jiff::SignedDuration::from_secs(seconds());
    let Some(back) = text.strip_prefix('-') else { return text.is_empty().then_some(now.as_secs_f64()) };
    let back: jiff::SignedDuration = back.parse().ok()?;
    Some((now - back).as_secs_f64())
}

/// A word with `*`, in any field or in one.
fn matches(document: &Value, field: &str, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let one = |value: &Value| {
        let value = text(value).to_lowercase();
        if wanted.contains('*') {
            let mut rest = value.as_str();
            return wanted.split('*').all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            });
        }
        value == wanted || (value.contains(' ') && value.contains(&wanted))
    };
    match field {
        "" => document.as_object().is_some_and(|all| all.values().any(one)),
        field => of(document, field).is_some_and(one),
    }
}

/// A query string: `level:error AND (component:engine OR NOT message:"no route")`.
fn words(query: &str, document: &Value) -> Found {
    let tokens = tokens(query)?;
    let mut at = 0;
    let found = either(&tokens, &mut at, document)?;
    if at < tokens.len() { Err(format!("Failed to parse query [{query}]")) } else { Ok(found) }
}

fn either(tokens: &[String], at: &mut usize, document: &Value) -> Found {
    let mut found = all(tokens, at, document)?;
    while tokens.get(*at).is_some_and(|token| token == "OR" || token == "||") {
        *at += 1;
        found |= all(tokens, at, document)?;
    }
    Ok(found)
}

fn all(tokens: &[String], at: &mut usize, document: &Value) -> Found {
    let mut found = one(tokens, at, document)?;
    while let Some(token) = tokens.get(*at).filter(|token| !["OR", "||", ")"].contains(&token.as_str())) {
        if token == "AND" || token == "&&" {
            *at += 1;
        }
        found &= one(tokens, at, document)?;
    }
    Ok(found)
}

fn one(tokens: &[String], at: &mut usize, document: &Value) -> Found {
    let Some(token) = tokens.get(*at) else {
        return Err("Failed to parse query: it ends too early".to_owned());
    };
    *at += 1;
    match token.as_str() {
        "NOT" | "!" => one(tokens, at, document).map(|found| !found),
        "(" => {
            let found = either(tokens, at, document)?;
            if tokens.get(*at).is_none_or(|token| token != ")") {
                return Err("Failed to parse query: ) is missing".to_owned());
            }
            *at += 1;
            Ok(found)
        }
        field if field.ends_with(':') => {
            let name = field.trim_end_matches(':');
            if tokens.get(*at).is_some_and(|token| token == "(") {
                *at += 1;
                let mut any = false;
                while let Some(token) = tokens.get(*at).filter(|token| *token != ")") {
                    any |= token != "OR" && matches(document, name, token);
                    *at += 1;
                }
                *at += 1;
                return Ok(any);
            }
            let Some(value) = tokens.get(*at) else {
                return Err("Failed to parse query: no value".to_owned());
            };
            *at += 1;
            if let Some(bounds) = bounds(value) {
                return in_range(document, name, &bounds);
            }
            Ok(matches(document, name, value))
        }
        word => Ok(matches(document, "", word)),
    }
}

/// `>=500` and `[500 TO *]`.
fn bounds(value: &str) -> Option<Value> {
    if let Some(inside) = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let (from, until) = inside.split_once(" TO ")?;
        let ends = [("gte", from), ("lte", until)].into_iter().filter(|(_, bound)| *bound != "*");
        return Some(
            ends.map(|(name, bound)| (name.to_owned(), scalar(bound))).collect::<Map<_, _>>().into(),
        );
    }
    let signs = [(">=", "gte"), ("<=", "lte"), (">", "gt"), ("<", "lt")];
    let (sign, name) = signs.into_iter().find(|(sign, _)| value.starts_with(sign))?;
    Some(json!({name: scalar(&value[sign.len()..])}))
}

fn scalar(text: &str) -> Value {
    text.parse::<f64>().map_or_else(|_| text.into(), Value::from)
}

fn tokens(query: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' => 1,
            '"' | '[' => {
                let close = if first == '"' { '"' } else { ']' };
                let mut escaped = false;
                let end = rest.char_indices().skip(1).find(|(_, c)| {
                    let ends = *c == close && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                end.ok_or_else(|| format!("Failed to parse query [{query}]"))?.0 + 1
            }
            _ => {
                let mut escaped = false;
                let end = rest.char_indices().find(|(_, c)| {
                    let ends = (c.is_whitespace() || ['(', ')', '"', ':'].contains(c)) && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                let end = end.map_or(rest.len(), |(at, _)| at);
                if rest[end..].starts_with(':') { end + 1 } else { end }
            }
        };
        let token = &rest[..end.max(1)];
        let plain = if first == '"' { &token[1..token.len() - 1] } else { token };
        tokens.push(if plain.ends_with(':') { plain.to_owned() } else { plain.replace('\\', "") });
        rest = rest[end.max(1)..].trim_start();
    }
    Ok(tokens)
}

/// What was logged: of the last hours, and of the day before.
fn documents() -> Vec<Value> {
    // Seconds ago, level, component, message, duration in milliseconds, execution.
    let lines: &[(i64, &str, &str, &str, u32, &str)] = &[
        (20, "info", "engine", "flow order-sync took 1913 ms on node-7c41", 1_913, RUNNING),
        (45, "debug", "engine", "scheduler tick 48213 with 3 waiting", 2, RUNNING),
        (
            70,
            "error",
            "engine",
            "step s2 of execution f6f4fe3e failed after 1437 ms: ETIMEDOUT",
            1_437,
            FAILED,
        ),
        (
            95,
            "error",
            "engine",
            "step s2 of execution 3ec2c905 failed after 1502 ms: ETIMEDOUT",
            1_502,
            FAILED,
        ),
        (130, "warn", "engine", "queue depth 71 above 64", 1, RUNNING),
        (160, "error", "validation", "qerberos refused signature 0x7be2 of order-sync", 41, FAILED),
        (190, "warn", "validation", "cache miss streak of 23 in layer qindex", 38, RUNNING),
        (220, "info", "validation", "pipeline verified 4 layers in 187 ms", 187, RUNNING),
        (260, "warn", "network", "peer 12D3KooWPeer17 answered after 812 ms", 812, ""),
        (300, "info", "network", "4 peers connected, bootstrap 2 of 2", 3, ""),
        (330, "error", "network", "dial 203.0.113.58:4001 refused, attempt 3", 5_000, ""),
        (360, "warn", "security", "5 refused tokens from 198.51.100.23", 4, ""),
        (420, "info", "security", "policy dao-ops-execution-policy applied 17 times", 6, ""),
        (450, "warn", "auth", "token of squid:user:bot expires in 540 s", 2, ""),
        (480, "info", "auth", "squid:user:bot signed in with key 0x51aa", 12, ""),
        (510, "warn", "sandbox", "wasm module 9d1c used 117 MB of 128 MB", 900, RUNNING),
        (700, "error", "security", "signature of webhook 417 does not fit", 8, ""),
        (
            4_000,
            "error",
            "engine",
            "step s1 of execution 1580dd08 failed after 999 ms: ECONNRESET",
            999,
            FAILED,
        ),
        (30_000, "info", "engine", "garbage collection freed 61273190 bytes in 73 ms", 73, ""),
        (
            90_000,
            "error",
            "engine",
            "step s2 of execution 00aa11bb failed after 1399 ms: ETIMEDOUT",
            1_399,
            FAILED,
        ),
        (95_000, "warn", "network", "peer 12D3KooWPeer23 answered after 640 ms", 640, ""),
        (100_000, "info", "engine", "flow order-sync took 1822 ms on node-7c41", 1_822, RUNNING),
    ];
    let one = |(seconds_ago, level, component, message, duration, execution): &(
        i64,
        &str,
        &str,
        &str,
        u32,
        &str,
    )| {
        json!({
            "@timestamp": ago(*seconds_ago), "level": level, "component": component, "service": "qflow",
            "message": message, "dao_subnet": "dao-ops", "duration": duration, "execution_id": execution,
            "executionId": execution, "flow_id": FLOW, "flowId": FLOW,
        })
    };
    lines.iter().map(one).collect()
}
