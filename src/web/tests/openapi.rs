//! The description of the API against the API itself: routes, parameters, real answers, problems. Never a description
//! that nobody holds against something.

use super::*;
use crate::web::openapi::{self, CALLS, Call};

/// What is wrong with a value, by the schemas of the description; a field that is not described is wrong, too.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#'));
        return faults(document, schema.unwrap_or_else(|| panic!("{name} is not there")), value, at, wrong);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = |one: &Value| {
            let mut wrong = Vec::new();
            faults(document, one, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !any.iter().any(fits) {
            wrong.push(format!("{at}: {value} is none of {any:?}"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if schema["type"] != kind {
        wrong.push(format!("{at}: {kind} instead of {}", schema["type"]));
        return;
    }
    if let Some(known) = schema["enum"].as_array().filter(|known| !known.contains(value)) {
        wrong.push(format!("{at}: {value} is none of {known:?}"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !regex::Regex::new(pattern).unwrap().is_match(text)
    {
        wrong.push(format!("{at}: {text} is not {pattern}"));
    }
    if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str())
        && text.parse::<jiff::Timestamp>().is_err()
    {
        wrong.push(format!("{at}: {text} is no instant"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(document, &schema["items"], item, &format!("{at}[{index}]"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            wrong.push(format!("{at}: {name} is missing"));
        }
    }
    let free = schema.get("properties").is_none() || schema["additionalProperties"] == true;
    for (name, field) in fields {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(described), _) => faults(document, described, field, &at, wrong),
            (None, rest @ Value::Object(_)) => faults(document, rest, field, &at, wrong),
            (None, _) if free => {}
            (None, _) => wrong.push(format!("{at} is not described")),
        }
    }
}

/// Holds an answer against what is described for its call and status.
async fn fits(document: &Value, call: &Call, response: reqwest::Response) -> Vec<String> {
    let (status, path) = (response.status().as_u16(), response.url().to_string());
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    let body = response.text().await.unwrap();
    let of = |part: &str| part.replace('~', "~0").replace('/', "~1");
    let (at, method) = (of(call.path), call.method.to_lowercase());
    let Some(described) = document.pointer(&format!("/paths/{at}/{method}/responses/{status}")) else {
        return vec![format!("{path}: {status} is not described: {body}")];
    };
    let mut wrong = Vec::new();
    match (described.get("content"), kind) {
        (None, None) => {}
        (None, Some(_)) if body.is_empty() => {}
        (Some(content), Some(kind)) => match content.get(&kind).map(|content| &content["schema"]) {
            None => wrong.push(format!("{path}: {kind} is not described for {status}: {content}")),
            Some(schema) if kind.contains("json") => {
                faults(document, schema, &serde_json::from_str(&body).unwrap(), &path, &mut wrong);
            }
            Some(_) => {}
        },
        (described, kind) => wrong.push(format!("{path}: {kind:?} instead of {described:?}")),
    }
    wrong
}

fn call(method: &str, path: &str) -> &'static Call {
    CALLS.iter().find(|call| (call.method, call.path) == (method, path)).expect("it is described")
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let source = include_str!("../mod.rs");
    let known = [("openapi::PATH", openapi::PATH), ("live::PATH", "/api/v1/live")];
    let mut routes = Vec::new();
    for line in source.split(".route(").skip(1) {
        let named = line.split([',', '"']).next().unwrap().trim();
        let path = match known.iter().find(|(name, _)| *name == named) {
            Some((_, path)) => *path,
            None => line.split('"').nth(1).expect("an address"),
        };
        let handlers = line.split('\n').next().unwrap();
        for (word, method) in [("get(", "GET"), ("post(", "POST")] {
            if handlers.contains(word) {
                routes.push((method, path));
            }
        }
    }
    // Links of pages are for browsers, and Slack's addresses for Slack: no client of the API calls them.
    routes.retain(|(_, path)| !path.starts_with("/a/") && !path.starts_with("/slack/"));
    let mut described: Vec<(&str, &str)> = CALLS.iter().map(|call| (call.method, call.path)).collect();
    routes.sort_unstable();
    described.sort_unstable();
    assert_eq!(routes, described);
}

#[tokio::test]
async fn every_parameter_is_described_and_nothing_else() {
    let server = Server::start("").await;
    for call in CALLS.iter().filter(|call| call.method == "GET" && call.security == "token") {
        let path = call.path.replace("{id}", "1");
        let said =
            problem(server.get(&format!("{path}?nothing-of-that-name=1")).send().await.unwrap(), 400).await;
        let remedy = said["remedy"].as_str().unwrap();
        let mut taken: Vec<&str> = remedy
            .strip_prefix("This address knows ")
            .map(|names| names.split(", ").collect())
            .unwrap_or_default();
        let mut described: Vec<&str> = call.query.iter().map(|(name, _)| *name).collect();
        taken.sort_unstable();
        described.sort_unstable();
        assert_eq!(taken, described, "{path}: {said}");
    }
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let server = Server::start("").await;
    let document = server.json(openapi::PATH).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut wrong = Vec::new();
    let opened = json!({"text": "/incident open P1 database is down", "person": "ana"});
    wrong.extend(fits(&document, call("POST", "/api/v1/commands"), server.command(&opened).await).await);
    let refused = json!({"text": "/incident open"});
    wrong.extend(fits(&document, call("POST", "/api/v1/commands"), server.command(&refused).await).await);
    let sent = server.hook("open", &message(&[alert("Down", "web", "firing")])).await;
    wrong.extend(fits(&document, call("POST", "/hooks/{integration}"), sent).await);
    server.fire("Quiet", "quiet").await;
    server.fire("Gone", "web").await;
    server.resolve("Gone", "web").await;
    drop(server.command(&json!({"text": "/page ben please look", "person": "ana"})).await);
    drop(server.command(&json!({"text": "/ack G-1", "person": "ben"})).await);
    for text in [
        "/silence add service=quiet --for 2h --comment the disk is being replaced",
        "/maintenance start cluster=eu --from \"tomorrow 02:00\" --for 2h --comment new switches",
        "/silence add service=none --for 1h --comment a mistake",
        "/silence expire S-3",
        "/alert snooze G-1 for 30m",
        "/incident open P1 it is the same database",
        "/incident merge INC-2 into INC-1",
        "/incident task add INC-1 --owner ben --due 30m restore the backup",
        "/incident task add INC-1 call the vendor",
        "/incident task done T-2",
        "/incident link INC-1 https://example.com/dashboard the dashboard",
        "/incident impact INC-1 --started 40m logins are slow",
    ] {
        let answer = server.command(&json!({"text": text, "person": "ana"})).await;
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["ok"], true, "{text}: {said}");
    }
    for question in [
        json!({"labels": "alertname=Down,service=web"}),
        json!({"labels": "alertname=Down,service=quiet", "at": "2031-03-30T02:30:00+01:00", "integration": "open"}),
        json!({"labels": "no labels"}),
    ] {
        let asked = server.request(Method::POST, "/api/v1/simulate").json(&question).send().await.unwrap();
        wrong.extend(fits(&document, call("POST", "/api/v1/simulate"), asked).await);
    }
    for (path, of) in [
        ("/api/v1/incidents", "/api/v1/incidents"),
        ("/api/v1/incidents?limit=1&status=open", "/api/v1/incidents"),
        ("/api/v1/incidents/INC-1", "/api/v1/incidents/{id}"),
        ("/api/v1/incidents/INC-99", "/api/v1/incidents/{id}"),
        ("/api/v1/incidents/INC-1/timeline", "/api/v1/incidents/{id}/timeline"),
        ("/api/v1/alerts", "/api/v1/alerts"),
        ("/api/v1/alerts?match=a%3D~(", "/api/v1/alerts"),
        ("/api/v1/alerts/A-1", "/api/v1/alerts/{id}"),
        ("/api/v1/alerts/A-1/explain", "/api/v1/alerts/{id}/explain"),
        ("/api/v1/alerts/G-2/explain", "/api/v1/alerts/{id}/explain"),
        ("/api/v1/alerts/A-3/explain", "/api/v1/alerts/{id}/explain"),
        ("/api/v1/silences", "/api/v1/silences"),
        ("/api/v1/silences?status=nothing", "/api/v1/silences"),
        ("/api/v1/oncall/gaps?days=60", "/api/v1/oncall/gaps"),
        ("/api/v1/oncall/gaps?days=0", "/api/v1/oncall/gaps"),
        ("/api/v1/incidents/INC-2", "/api/v1/incidents/{id}"),
        ("/api/v1/groups", "/api/v1/groups"),
        ("/api/v1/groups/G-1", "/api/v1/groups/{id}"),
        ("/api/v1/groups/G-2", "/api/v1/groups/{id}"),
        ("/api/v1/groups/G-1/timeline?limit=2", "/api/v1/groups/{id}/timeline"),
        ("/api/v1/pages", "/api/v1/pages"),
        ("/api/v1/audit", "/api/v1/audit"),
        ("/api/v1/audit?as=ben", "/api/v1/audit"),
        ("/api/v1/oncall", "/api/v1/oncall"),
        ("/api/v1/oncall?at=yesterday", "/api/v1/oncall"),
        ("/api/v1/commands/complete?text=/inc", "/api/v1/commands/complete"),
        ("/api/v1/live", "/api/v1/live"),
        ("/api/v1/openapi.json", openapi::PATH),
        ("/healthz", "/healthz"),
        ("/readyz", "/readyz"),
        ("/metrics", "/metrics"),
    ] {
        let answer = server.get(path).send().await.unwrap();
        wrong.extend(fits(&document, call("GET", of), answer).await);
    }
    server.faults.send_replace(vec!["the journal is damaged".into()]);
    wrong.extend(fits(&document, call("GET", "/readyz"), server.get("/readyz").send().await.unwrap()).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_problem_answer_is_as_described() {
    let server = Server::start(TOKENS).await;
    let document = server.json(openapi::PATH).await;
    let mut wrong = Vec::new();
    for one in CALLS.iter().filter(|call| call.method == "GET" && call.security == "token") {
        let path = one.path.replace("{id}", "1");
        // 401, 403, 400 and, of one thing, 404.
        let nobody = server.get(&path).send().await.unwrap();
        assert_eq!(nobody.status(), 401, "{path}");
        wrong.extend(fits(&document, one, nobody).await);
        let others = server.get(&format!("{path}?as=ben")).bearer_auth(ANA).send().await.unwrap();
        assert_eq!(others.status(), 403, "{path}");
        wrong.extend(fits(&document, one, others).await);
        let unknown = server.get(&format!("{path}?nothing=1")).bearer_auth(ANA).send().await.unwrap();
        assert_eq!(unknown.status(), 400, "{path}");
        wrong.extend(fits(&document, one, unknown).await);
        if path != one.path {
            let missing = server.get(&path).bearer_auth(ANA).send().await.unwrap();
            assert_eq!(missing.status(), 404, "{path}");
            wrong.extend(fits(&document, one, missing).await);
        }
    }
    for one in CALLS {
        let path = one.path.replace("{id}", "1").replace("{integration}", "open");
        let other = server.request(Method::DELETE, &path).send().await.unwrap();
        assert_eq!(other.status(), 405, "{path}");
        wrong.extend(fits(&document, one, other).await);
    }
    let hooks = call("POST", "/hooks/{integration}");
    wrong.extend(fits(&document, hooks, server.hook("locked", &message(&[])).await).await);
    wrong.extend(fits(&document, hooks, server.hook("open", &json!({"version": 4})).await).await);
    let large = json!({"version": "4", "x": "x".repeat(6 << 20)});
    wrong.extend(fits(&document, hooks, server.hook("open", &large).await).await);
    let command = call("POST", "/api/v1/commands");
    wrong.extend(fits(&document, command, server.command(&json!({"text": "/me"})).await).await);
    let asked = server.request(Method::POST, "/api/v1/commands").bearer_auth(ANA);
    wrong.extend(fits(&document, command, asked.json(&json!({"txet": "/me"})).send().await.unwrap()).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
