//! Deployments over real HTTP: what is signed is taken once, whatever is not is refused like an unknown integration, and
//! none of it changes anything.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::*;

const SECRET: &str = "a-secret-of-the-webhook";
const SIGNED: &str = "x-hub-signature-256";

const SOURCES: &str = r#"
[integration.github]
kind = "github"
secret = "a-secret-of-the-webhook"
[integration.gitlab]
kind = "gitlab"
secret = "a-secret-of-the-webhook"
service = "flows"
[integration.few]
kind = "github"
secret = "a-secret-of-the-webhook"
limit = 1
"#;

fn deployment(id: u64, state: &str, at: &str) -> String {
    json!({
        "action": "created",
        "deployment_status": {"state": state, "created_at": at, "environment": "production"},
        "deployment": {"id": id, "ref": "v1.4.2", "sha": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
            "environment": "production", "creator": {"login": "ada"}, "created_at": at},
        "repository": {"full_name": "octo/web", "html_url": "https://github.com/octo/web"},
        "sender": {"login": "octocat"},
    })
    .to_string()
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

impl Server {
    fn github(&self, path: &str, event: &str, delivery: &str, body: &str) -> RequestBuilder {
        self.request(Method::POST, path)
            .header("x-github-event", event)
            .header("x-github-delivery", delivery)
            .header(SIGNED, signature(SECRET, body))
            .body(body.to_owned())
    }

    async fn deployments(&self) -> Vec<String> {
        let look = |look: &crate::engine::Look<'_>| {
            let kept = look.state.deployments.kept.values();
            kept.map(|one| format!("{} {} {}", one.said.deployment, one.said.service, one.said.status))
                .collect()
        };
        self.running.engine.read(look).await.unwrap()
    }
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn what_is_signed_is_taken_once() {
    let server = Server::start(SOURCES).await;
    let (started, done) = (
        deployment(1, "in_progress", "2026-11-01T10:00:00Z"),
        deployment(1, "success", "2026-11-01T10:05:00Z"),
    );
    let send = |delivery: &'static str, body: &str| {
        server.github("/hooks/github", "deployment_status", delivery, body)
    };
    assert_eq!(status(send("a", &started)).await, 202);
    assert_eq!(server.deployments().await, ["DEP-1 web started"]);
    assert_eq!(status(send("b", &done)).await, 202);
    assert_eq!(server.deployments().await, ["DEP-1 web succeeded"]);
    // Told again: with the same id, and by somebody who kept the message and gave it another id, which is not signed.
    let before = server.seq().await;
    for (delivery, body) in [("a", &started), ("b", &done), ("c", &started), ("d", &done)] {
        assert_eq!(status(send(delivery, body)).await, 202);
    }
    assert_eq!(server.seq().await, before);
    // What nobody asked for is counted.
    let zen = r#"{"zen":"Keep it logically awesome."}"#;
    assert_eq!(status(server.github("/hooks/github", "ping", "e", zen)).await, 202);
    assert_eq!(status(server.github("/hooks/github", "push", "f", "not JSON")).await, 202);
    assert_eq!(server.seq().await, before);
    let figures = server.metrics.render();
    assert!(figures.contains("watchbell_webhooks_passed_total{integration=\"github\"} 2"), "{figures}");

    let gitlab = r#"{"object_kind":"deployment","status":"running","deployment_id":15,"environment":"staging",
        "project":{"path_with_namespace":"octo/qflow"},"ref":"1.0.0","user":{"username":"ada"}}"#;
    let gitlab = server
        .request(Method::POST, "/hooks/gitlab")
        .header("x-gitlab-event", "Deployment Hook")
        .header("x-gitlab-token", SECRET)
        .body(gitlab);
    assert_eq!(status(gitlab).await, 202);
    assert_eq!(server.deployments().await, ["DEP-1 web succeeded", "DEP-2 flows started"]);
}

#[tokio::test]
async fn what_is_not_signed_is_refused_like_an_unknown_integration() {
    let server = Server::start(SOURCES).await;
    let before = server.seq().await;
    let body = deployment(1, "success", "2026-11-01T10:00:00Z");
    let (right, other) = (signature(SECRET, &body), signature("another", &body));
    let post = |path: &str| {
        let request = server.request(Method::POST, path).header("x-github-event", "deployment_status");
        request.header("x-gitlab-event", "Deployment Hook").body(body.clone())
    };
    let mut answers = Vec::new();
    for request in [
        post("/hooks/unknown").header(SIGNED, &right),
        post("/hooks/github"),
        post("/hooks/github").bearer_auth(SECRET),
        post(&format!("/hooks/github?token={SECRET}")),
        post("/hooks/github").header("x-gitlab-token", SECRET),
        post("/hooks/github").header(SIGNED, &other),
        post("/hooks/github").header(SIGNED, right.replace("sha256=", "sha1=")),
        post("/hooks/github").header(SIGNED, &right["sha256=".len()..]),
        post("/hooks/github").header(SIGNED, &right).header(SIGNED, &right),
        post("/hooks/github").header(SIGNED, &other).header(SIGNED, &right),
        post("/hooks/github").header(SIGNED, &right).body(body.replace("v1.4.2", "v6.6.6")),
        post("/hooks/github").header(SIGNED, &right).body(format!("{body} ")),
        post("/hooks/gitlab").header(SIGNED, &right),
        post("/hooks/gitlab").bearer_auth(SECRET),
        post("/hooks/gitlab").header("x-gitlab-token", "another"),
        post("/hooks/gitlab").header("x-gitlab-token", SECRET).header("x-gitlab-token", SECRET),
        // The signature of a large body is checked beside the threads that answer others.
        post("/hooks/github").header(SIGNED, &right).body(format!("{body}{}", " ".repeat(200_000))),
    ] {
        answers.push(problem(request.send().await.unwrap(), 401).await);
    }
    let count = answers.len();
    answers.dedup();
    assert_eq!(answers.len(), 1, "all of them get the same answer");
    assert!(!answers[0].to_string().contains(SECRET));
    assert_eq!(server.seq().await, before);
    let figures = server.metrics.render();
    assert!(figures.contains(&format!("watchbell_bad_input_total{{kind=\"token\"}} {count}")), "{figures}");
}

#[tokio::test]
async fn what_is_signed_and_wrong_names_the_field_and_changes_nothing() {
    let server = Server::start(SOURCES).await;
    let before = server.seq().await;
    let good: Value = serde_json::from_str(&deployment(1, "success", "2026-11-01T10:00:00Z")).unwrap();
    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body.to_string()
    };
    for (body, field) in [
        ("{".to_owned(), Value::Null),
        ("[]".to_owned(), Value::Null),
        ("{}".to_owned(), json!("deployment")),
        (with("/deployment/id", json!("x")), json!("deployment.id")),
        (with("/deployment", json!({"id": 1, "ref": "v1"})), json!("deployment.environment")),
        (with("/deployment_status/created_at", json!("never")), json!("deployment_status.created_at")),
        (with("/repository", json!({})), json!("repository.full_name")),
    ] {
        let sent = server.github("/hooks/github", "deployment_status", "a", &body);
        let document = problem(sent.send().await.unwrap(), 400).await;
        assert_eq!(document["field"], field, "{body}: {document}");
        assert!(document["remedy"].is_string(), "{body}: {document}");
    }
    let large = " ".repeat(super::super::hooks::LIMIT + 1);
    let sent = server.github("/hooks/github", "deployment_status", "a", &large);
    problem(sent.send().await.unwrap(), 413).await;
    assert_eq!(server.seq().await, before);
}

#[tokio::test]
async fn nobody_without_the_secret_uses_up_what_the_source_may_send() {
    let server = Server::start(SOURCES).await;
    let limits = BTreeMap::from([("few".into(), 1.try_into().unwrap())]);
    let secrets = BTreeMap::from([("few".into(), Some(SECRET.to_owned().into()))]);
    let config = server.running.engine.read(|look| Arc::clone(look.config)).await.unwrap();
    server.access.send_replace(Arc::new(Access::new(&config, &[], &secrets).limited(&limits)));
    let body = deployment(1, "success", "2026-11-01T10:00:00Z");
    for _ in 0..5 {
        let forged = server.request(Method::POST, "/hooks/few").header(SIGNED, signature("x", &body));
        assert_eq!(status(forged.body(body.clone())).await, 401);
    }
    assert_eq!(status(server.github("/hooks/few", "deployment_status", "a", &body)).await, 202);
    assert_eq!(status(server.github("/hooks/few", "deployment_status", "b", &body)).await, 429);
}
