//! What is said of health while a source is slow, gone or not honest, and how often Qflow is asked. Never is what
//! nobody knows taken for healthy.

use serde_json::{Value, json};

use super::{
    api,
    kept::{DAO, FAILED, FLOW, PROPOSAL, RUNNING},
    kubo,
    logbook::at_once,
    mood::Mood,
    site::{Plan, Site, text},
};
use crate::peer::http;

/// Each fake is asked as Watchbell would ask it.
fn ask(port: u16, method: &str, path: &str, body: &str) -> (u16, Value) {
    let bearer = format!("Bearer {}", api::TOKEN);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = http::ask(port, method, path, &headers, body).expect("an answer");
    (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
}

#[test]
fn the_fake_answers_as_qflow_was_recorded() {
    let book = super::logbook::Logbook::default();
    let qflow = api::Qflow::start(&book);
    let port = qflow.server.port;
    // Method, path, body, status, where to look in the answer, what stands there.
    let context = r#"{"context": {"triggeredBy": "x", "triggerType": "manual"}}"#;
    let new = r#"{"flowData": "{\"id\": \"new\", \"name\": \"New\", \"steps\": []}"}"#;
    let cases: &[(&str, &str, &str, u16, &str, Value)] = &[
        ("GET", "/health", "", 200, "/data/status", json!("healthy")),
        ("GET", "/api/v1/system/info", "", 200, "/data/version", json!("0.1.0")),
        ("GET", "/metrics", "", 404, "/error/message", json!("Endpoint not found: GET /metrics")),
        ("GET", "/api/v1/nope", "", 404, "/error/code", json!("NOT_FOUND")),
        ("GET", "/api/v1/dashboard/data", "", 200, "/data/validationPipeline/cacheHitRate", json!(0.847)),
        ("POST", "/api/v1/flows/validate", "{}", 400, "/error/code", json!("MISSING_FLOW")),
        ("POST", "/api/v1/flows", "{}", 400, "/error/code", json!("MISSING_FLOW_DATA")),
        ("POST", "/api/v1/flows", "{bad", 500, "/error/code", json!("INTERNAL_ERROR")),
        (
            "POST",
            "/api/v1/flows",
            r#"{"flowData": "{bad"}"#,
            400,
            "/error/details/errors/0/code",
            json!("PARSE_ERROR"),
        ),
        ("POST", "/api/v1/flows", new, 201, "/data/flow/id", json!("new")),
        ("POST", "/api/v1/flows", new, 409, "/error/code", json!("FLOW_EXISTS")),
        ("GET", "/api/v1/flows/new", "", 200, "/data/flow/name", json!("New")),
        ("GET", "/api/v1/flows/nope", "", 404, "/error/code", json!("FLOW_NOT_FOUND")),
        ("POST", "/api/v1/flows/new/start", "{}", 400, "/error/code", json!("MISSING_CONTEXT")),
        ("POST", "/api/v1/flows/nope/start", context, 404, "/error/code", json!("FLOW_NOT_FOUND")),
        ("POST", "/api/v1/flows/new/start", context, 201, "/data/status", json!("pending")),
        ("GET", "/api/v1/executions/nope", "", 404, "/error/code", json!("EXECUTION_NOT_FOUND")),
        (
            "POST",
            "/api/v1/executions/nope/pause",
            "",
            400,
            "/error/message",
            json!("Execution not found: nope"),
        ),
        (
            "GET",
            "/api/v1/executions?status=failed&limit=1",
            "",
            200,
            "/data/executions/0/executionId",
            json!(FAILED),
        ),
        (
            "DELETE",
            "/api/v1/cache/clear",
            "",
            200,
            "/data/message",
            json!("All cache entries cleared successfully"),
        ),
        ("GET", "/api/v1/cache/stats", "", 200, "/data/totalEntries", json!(0)),
        ("GET", "/api/v1/dao/subnets/nope", "", 404, "/error/message", json!("DAO subnet not found")),
        ("DELETE", "/api/v1/dashboard/alerts/zzz", "", 200, "/data/deletedAlertId", json!("zzz")),
        ("GET", "/api/v1/billing/summary", "", 400, "/error", json!("TENANT_ID_REQUIRED")),
    ];
    for (method, path, body, status, at, expected) in cases {
        let (answered, answer) = ask(port, method, path, body);
        assert_eq!((answered, answer.pointer(at)), (*status, Some(expected)), "{method} {path}: {answer}");
    }
    let turn = |what: &str| {
        let (status, answer) = ask(port, "POST", &format!("/api/v1/executions/{RUNNING}/{what}"), "");
        let said = answer.pointer("/data/execution/status").or(answer.pointer("/error/message")).cloned();
        (status, said.unwrap_or_default())
    };
    assert_eq!(turn("pause"), (200, json!("paused")));
    assert_eq!(turn("resume"), (200, json!("running")));
    assert_eq!(turn("abort"), (200, json!("aborted")));
    assert_eq!(turn("abort"), (400, json!("Cannot abort execution in status: aborted")));
    let vote = format!("/api/v1/dao/proposals/{PROPOSAL}/vote");
    let yes = r#"{"vote": "approve", "signature": "s"}"#;
    assert_eq!(ask(port, "POST", &vote, yes).0, 200);
    assert_eq!(ask(port, "POST", &vote, yes).1["error"]["code"], "VOTE_FAILED");
    assert_eq!(ask(port, "GET", &format!("/api/v1/dao/subnets/{DAO}/resources"), "").0, 200);

    // Stored, and yet 500: a second try meets what is there.
    qflow.set_stumbles(true);
    let third = r#"{"flowData": "{\"id\": \"third\", \"name\": \"Third\", \"steps\": []}"}"#;
    assert_eq!(ask(port, "POST", "/api/v1/flows", third).0, 500);
    assert!(qflow.look(|kept| kept.flows.contains_key("third") && kept.flows.contains_key(FLOW)));
    assert_eq!(ask(port, "POST", "/api/v1/flows", third).0, 409);

    // Without a token, with a wrong one, and too often.
    let without = http::get(port, "/api/v1/flows").expect("an answer");
    assert_eq!((without.status, &without.json()["error"]["code"]), (401, &json!("MISSING_TOKEN")));
    let headers = [("X-Identity-Token", "somebody")];
    let wrong = http::ask(port, "GET", "/api/v1/flows", &headers, "").expect("an answer");
    assert_eq!((wrong.status, &wrong.json()["error"]["code"]), (401, &json!("INVALID_TOKEN")));
    let last =
        (0..100).map(|_| http::get(port, "/health").expect("an answer")).find(|answer| answer.status == 429);
    let last = last.expect("after a hundred requests it is enough");
    assert_eq!(last.json()["error"]["code"], "RATE_LIMIT_EXCEEDED");
    assert!(!last.body.to_lowercase().contains("retry"), "{}", last.body);
}

#[test]
fn the_log_store_really_searches() {
    let book = super::logbook::Logbook::default();
    let server = super::elasticsearch::start(&book);
    let count = |words: &str, since: &str| {
        let filter = json!([{"range": {"@timestamp": {"gte": since}}}]);
        let query = json!({"bool": {"must": [{"query_string": {"query": words}}], "filter": filter}});
        let body = json!({"query": query, "size": 50, "aggs": {"groups": {"terms": {"field": "level"}}}});
        let (status, answer) = ask(server.port, "POST", "/qflow-logs-*/_search", &body.to_string());
        assert_eq!(status, 200, "{words}: {answer}");
        let buckets = answer["aggregations"]["groups"]["buckets"].as_array().map_or(0, Vec::len);
        (answer["hits"]["total"]["value"].as_u64().unwrap_or_default(), buckets)
    };
    assert_eq!(count("level:error", "now-3600s"), (5, 1));
    assert_eq!(count("level:error", "now-86400s"), (6, 1));
    assert_eq!(count("level:(error OR warn) AND component:network", "now-3600s"), (2, 2));
    assert_eq!(count("component:engine AND NOT level:error", "now-3600s"), (3, 3));
    assert_eq!(count("message:\"attempt 3\" OR refused", "now-3600s"), (3, 2));
    assert_eq!(count("duration:>=900 AND service:qflow", "now-3600s"), (5, 3));
    assert_eq!(count(&format!("execution_id:\"{FAILED}\""), "now-2h"), (4, 1));
    let (status, answer) =
        ask(server.port, "POST", "/qflow-logs-*/_search", r#"{"query": {"fuzzy": {"a": "b"}}}"#);
    assert_eq!((status, &answer["error"]["reason"]), (400, &json!("unknown query [fuzzy]")));
    assert_eq!(ask(server.port, "POST", "/other/_search", "{}").0, 404);
}

/// The sources of health that may fail, and the heading of their step.
const SOURCES: [(&str, &str); 8] = [
    ("prometheus", "Prometheus reaches it"),
    ("qflow", "Qflow answers"),
    ("squid", "sQuid knows who is who"),
    ("qlock", "Qlock keeps the locks"),
    ("qonsent", "Qonsent knows what is allowed"),
    ("qindex", "Qindex finds"),
    ("qerberos", "Qerberos guards"),
    ("ipfs", "IPFS answers"),
];

impl Site {
    fn feels(&self, source: &str, mood: Mood) {
        match source {
            "qflow" => self.qflow.feels.set(mood),
            "prometheus" => self.prometheus_feels.set(mood),
            kubo::SYSTEM => self.kubo_feels.set(mood),
            name => self.neighbours.feels(name).set(mood),
        }
    }
}

/// Which steps are called unknown, and which not as they should be, in the sentence about all sources.
fn agreement(said: &str) -> (&str, &str) {
    let sentence = said.lines().find(|line| line.contains("ource")).unwrap_or_default();
    let (sentence, unknown) = sentence.split_once("Unknown: ").unwrap_or((sentence, ""));
    let bad = sentence.split_once("Not as it should be: ").map_or("", |(_, rest)| rest);
    (unknown, bad.split("As it should be: ").next().unwrap_or_default())
}

#[test]
#[ignore = "starts the real Prometheus: scripts/test"]
fn a_source_that_is_down_is_unknown_and_named() {
    let moods = [Mood::Down, Mood::Lies];
    let site =
        Site::open(&Plan { lines: SOURCES.len() * moods.len() + 2, prometheus: true, ..Plan::default() });
    let well = text(&site.says("ana", "/qflow health --env at-0"));
    assert!(well.contains("passed") && well.contains("sources agree"), "{well}");
    let mut line = 1;
    for (source, heading) in SOURCES {
        for mood in moods {
            site.feels(source, mood);
            let said = text(&site.says("ana", &format!("/qflow health --env at-{line}")));
            site.feels(source, Mood::Well);
            line += 1;
            assert!(said.contains("failed"), "{source} {mood:?}: {said}");
            let (unknown, bad) = agreement(&said);
            // Prometheus speaks for others: its words count only when it is well itself.
            let named = if mood == Mood::Down || source == "prometheus" { unknown } else { bad };
            assert!(named.contains(heading), "{source} {mood:?} is not named: {said}");
            let others = SOURCES.iter().filter(|(other, _)| *other != source);
            for (other, heading) in others {
                assert!(
                    !unknown.contains(heading) && !bad.contains(heading),
                    "{source} {mood:?}: {other}: {said}"
                );
            }
        }
    }
}

#[test]
fn a_source_that_is_slow_is_unknown_after_its_time() {
    let site = Site::open(&Plan::default());
    site.feels("qindex", Mood::Slow);
    let said = text(&site.says("ana", "/qflow health ecosystem"));
    site.feels("qindex", Mood::Well);
    assert!(agreement(&said).0.contains("Qindex finds"), "{said}");
    assert!(said.contains("no end within 5s") || said.contains("no answer in time"), "{said}");
}

#[test]
fn fifty_people_share_one_answer_of_qflow() {
    const PEOPLE: usize = 50;
    let site = Site::open(&Plan { limited: true, viewers: PEOPLE, ..Plan::default() });
    let said = at_once(PEOPLE, |number| text(&site.says(&format!("viewer{number}"), "/qflow health")));
    for text in &said {
        assert!(text.contains("0.1.0"), "everybody has Qflow's own answer: {text}");
    }
    let asked = site.book.to("qflow");
    println!("{PEOPLE} people asked at once, Qflow was asked {} times", asked.len());
    // Answers are good for ten seconds, and fifty runs of a debug build on a busy machine may take longer than that.
    assert!(asked.len() <= 20, "{}", asked.len());
    assert!(asked.iter().all(|visit| visit.status != 429), "its limit was met");
}

#[test]
fn what_qflow_refuses_is_said_in_its_own_words() {
    let site = Site::open(&Plan { limited: true, ..Plan::default() });
    let said = text(&site.says("ana", "/qflow flow status nope"));
    assert!(said.contains("failed") && said.contains("FLOW_NOT_FOUND"), "{said}");
    // Somebody else behind the same address has used up what Qflow grants it.
    let port = site.qflow.server.port;
    let used_up = (0..100).find(|_| http::get(port, "/health").is_ok_and(|answer| answer.status == 429));
    assert!(used_up.is_some());
    let said = text(&site.says("ana", "/qflow cache stats"));
    assert!(said.contains("failed") && said.contains("RATE_LIMIT_EXCEEDED"), "{said}");
    let said = text(&site.says("ana", "/qflow health engine"));
    assert!(said.contains("failed") && agreement(&said).1.contains("Qflow answers"), "{said}");
}
