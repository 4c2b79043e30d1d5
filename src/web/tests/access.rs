//! Who is let in, and who is not.

use super::*;
use crate::domain::delivery::{Channel, Outcome};

const PATHS: [&str; 8] = [
    "/api/v1/incidents",
    "/api/v1/incidents/INC-1",
    "/api/v1/alerts",
    "/api/v1/groups",
    "/api/v1/pages",
    "/api/v1/oncall",
    "/api/v1/live",
    "/api/v1/commands/complete?text=",
];

#[tokio::test]
async fn with_tokens_everything_needs_one() {
    let server = Server::start(TOKENS).await;
    for path in PATHS {
        for token in [None, Some("wrong"), Some("")] {
            let request = server.get(path);
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"watchbell\"");
            problem(response, 401).await;
        }
    }
    problem(server.command(&json!({"text": "/incident open P1 x"})).await, 401).await;
    // A token in an address would end up in logs.
    problem(server.get(&format!("/api/v1/incidents?token={ANA}")).send().await.unwrap(), 401).await;
    assert!(server.metrics.render().contains("watchbell_bad_input_total{kind=\"token\"} 26"));
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(server.get(path).send().await.unwrap().status(), 200, "{path}");
    }
    let listed = server.get("/api/v1/incidents").bearer_auth(ANA).send().await.unwrap();
    assert_eq!(listed.status(), 200);
}

#[tokio::test]
async fn a_token_is_one_person() {
    let server = Server::start(TOKENS).await;
    let command =
        |body: Value| server.request(Method::POST, "/api/v1/commands").bearer_auth(ANA).json(&body).send();
    problem(command(json!({"text": "/help", "person": "ben"})).await.unwrap(), 403).await;
    problem(server.get("/api/v1/incidents?as=ben").bearer_auth(ANA).send().await.unwrap(), 403).await;
    let reply: Value =
        command(json!({"text": "/watchbell version", "person": "ana"})).await.unwrap().json().await.unwrap();
    assert_eq!(reply["ok"], true, "{reply}");
    // A proxy in front does not matter when people have tokens.
    let proxied = server.get("/api/v1/incidents").bearer_auth(ANA).header("x-forwarded-for", "10.0.0.1");
    assert_eq!(proxied.header(header::HOST, "watchbell.example.com").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn without_tokens_web_pages_and_proxies_are_not_the_operator() {
    let server = Server::start("").await;
    let before = server.seq().await;
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "127.0.0.1.evil.example:80"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("x-forwarded-for", "10.0.0.1"),
    ] {
        for path in PATHS {
            problem(server.get(path).header(name, value).send().await.unwrap(), 403).await;
        }
        let command = server.request(Method::POST, "/api/v1/commands").json(&json!({"text": "/help"}));
        problem(command.header(name, value).send().await.unwrap(), 403).await;
        let hook =
            server.request(Method::POST, "/hooks/open").json(&message(&[alert("Down", "web", "firing")]));
        let document = problem(hook.header(name, value).send().await.unwrap(), 403).await;
        assert!(document["remedy"].is_string());
    }
    assert_eq!(server.seq().await, before);
    let origin = format!("http://{}", server.address);
    assert_eq!(server.get("/api/v1/incidents").header("origin", origin).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_integration_takes_its_own_token_in_three_ways_and_no_other() {
    let server = Server::start("").await;
    let secret = "s3cret-of-the-source";
    let message = message(&[alert("Down", "quiet", "firing")]);
    let post = |path: &str| server.request(Method::POST, path).json(&message);
    let mut answers = Vec::new();
    for request in [
        post("/hooks/locked"),
        post("/hooks/locked?token=wrong"),
        post("/hooks/locked").bearer_auth("wrong"),
        post("/hooks/locked").bearer_auth(""),
        post("/hooks/unknown").bearer_auth(secret),
        post("/hooks/unknown"),
        post("/hooks/"),
    ] {
        let response = request.send().await.unwrap();
        if response.status() != 404 {
            answers.push(problem(response, 401).await);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "an unknown integration and a wrong token get the same answer");
    assert!(!answers[0].to_string().contains(secret));
    for request in [
        post("/hooks/locked").bearer_auth(secret),
        post(&format!("/hooks/locked?token={secret}")),
        post("/hooks/locked").basic_auth("prometheus", Some(secret)),
        // With a token it does not matter where it comes from.
        post("/hooks/locked").bearer_auth(secret).header("x-forwarded-for", "10.0.0.1"),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 202);
    }
}

#[tokio::test]
async fn an_integration_has_the_limit_that_was_set() {
    let server = Server::start("").await;
    let access = Access::new(&*config_of(&server).await, &[], &BTreeMap::new());
    let access = access.limited(&BTreeMap::from([("open".into(), 2.try_into().unwrap())]));
    server.access.send_replace(Arc::new(access));
    let message = message(&[alert("Down", "quiet", "firing")]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(server.hook("open", &message).await);
    }
    let refused = seen.pop().unwrap();
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    problem(refused, 429).await;
    assert!(seen.iter().all(|answer| answer.status() == 202));
}

async fn config_of(server: &Server) -> Arc<crate::domain::config::Config> {
    server.running.engine.read(|look| Arc::clone(look.config)).await.unwrap()
}

#[tokio::test]
async fn a_stopped_engine_is_said_to_be_stopped() {
    let mut server = Server::start("").await;
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
    server.running.engine.stop();
    server.running.ended.wait_for(Option::is_some).await.unwrap();
    let message = message(&[alert("Down", "web", "firing")]);
    let refused = server.hook("open", &message).await;
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    problem(refused, 503).await;
    problem(server.get("/api/v1/incidents").send().await.unwrap(), 503).await;
    let refused = server.command(&json!({"text": "/incident list"})).await;
    assert!(refused.headers().contains_key(header::RETRY_AFTER));
    problem(refused, 503).await;
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 503);
    let ready = server.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert!(ready["reasons"][0].as_str().unwrap().contains("engine has stopped"), "{ready}");
}

#[tokio::test]
async fn readiness_says_why_and_figures_are_shown() {
    let server = Server::start("").await;
    server.fire("Down", "quiet").await;
    let ready = server.json("/readyz").await;
    assert_eq!((&ready["ready"], &ready["reasons"]), (&json!(true), &json!([])), "{ready}");
    assert!(ready["views"]["status"].is_string());
    assert_eq!(ready["troubles"], json!([]), "{ready}");
    let why = "no answer: connection refused".to_owned();
    server.running.engine.ways().tried(Channel::Mail, &Outcome::TryAgain { after: None, why });
    server.running.engine.ways().heard(Channel::Slack, Some("Slack is not connected (no network).".into()));
    let ready = server.json("/readyz").await;
    assert_eq!(ready["ready"], true, "a vendor's outage is no reason to send alerts elsewhere: {ready}");
    let troubles = [
        "Slack: not heard for 0s: Slack is not connected (no network).",
        "Mail server: took nothing for 0s, 1 attempt: no answer: connection refused",
    ];
    assert_eq!(ready["troubles"], json!(troubles), "{ready}");
    server.faults.send_replace(vec!["the journal is damaged: file 1, line 7".into()]);
    let ready = server.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("line 7"));
    let figures = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    for line in ["watchbell_alerts_firing 1", "watchbell_groups_open 1"] {
        assert!(figures.lines().any(|l| l == line), "{line}: {figures}");
    }
}
