//! Links that acknowledge, from the message to their end.

use super::*;
use crate::domain::id::{GroupId, IncidentId};

const GROUP: Target = Target::Group(GroupId(1));

/// A group that pages ana, who has a terminal.
async fn paged() -> (Server, Socket) {
    let server = Server::start("").await;
    let mut socket = server.live("?from=0&as=ana").await;
    server.fire("Down", "web").await;
    frame_that(&mut socket, |frame| frame["event"]["delivered"]["kind"] == "page").await;
    (server, socket)
}

fn is_open(group: &Value) -> bool {
    group["status"] == "open"
}

#[tokio::test]
async fn looking_changes_nothing_and_pressing_acknowledges() {
    let (server, mut socket) = paged().await;
    let link = server.link(GROUP, "ana", 1).await;
    for _ in 0..3 {
        let response = server.get(&link).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        let html = response.text().await.unwrap();
        assert!(html.contains("<form method=\"post\">") && html.contains("Ana Ruiz"), "{html}");
    }
    let head = server.request(Method::HEAD, &link).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let group = server.json("/api/v1/groups/G-1").await;
    assert!(is_open(&group), "{group}");

    let pressed = server.request(Method::POST, &link).send().await.unwrap();
    assert_eq!(pressed.status(), 200);
    let html = pressed.text().await.unwrap();
    assert!(html.contains("You have G-1") && html.contains("Ben Okafor is not paged"), "{html}");
    assert!(!html.contains("<form"), "{html}");
    let group = server.json("/api/v1/groups/G-1").await;
    assert_eq!(
        (&group["status"], &group["acknowledged_by"]),
        (&json!("acknowledged"), &json!("ana")),
        "{group}"
    );
    let stopped = frame_that(&mut socket, |frame| frame["event"].get("page_stopped").is_some()).await;
    assert_eq!(stopped["subject"], "G-1");

    // Whoever comes later is told who has it.
    for (method, link) in [
        (Method::POST, server.link(GROUP, "ben", 1).await),
        (Method::GET, server.link(GROUP, "ben", 1).await),
        (Method::POST, link),
    ] {
        let response = server.request(method, &link).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let html = response.text().await.unwrap();
        assert!(html.contains("G-1 is taken") && html.contains("ana"), "{html}");
    }
}

#[tokio::test]
async fn programs_get_json() {
    let (server, _socket) = paged().await;
    let link = server.link(GROUP, "ana", 1).await;
    let ask = |method| server.request(method, &link).header(header::ACCEPT, "application/json").send();
    let seen: Value = ask(Method::GET).await.unwrap().json().await.unwrap();
    assert_eq!((&seen["ok"], &seen["status"]), (&json!(false), &json!("open")), "{seen}");
    let taken: Value = ask(Method::POST).await.unwrap().json().await.unwrap();
    assert_eq!(taken["ok"], true, "{taken}");
    assert_eq!((&taken["target"], &taken["by"]), (&json!("G-1"), &json!("ana")));
    assert_eq!(taken["spared"], json!(["Ben Okafor"]));
}

#[tokio::test]
async fn a_link_that_is_forged_expired_or_of_a_stranger_does_nothing() {
    let (server, _socket) = paged().await;
    let link = server.link(GROUP, "ana", 1).await;
    let expired = server.link(GROUP, "ana", -1).await;
    let stranger = server.link(GROUP, "zoe", 1).await;
    let unknown = server.link(Target::Group(GroupId(99)), "ana", 1).await;
    let cut = link[..link.len() - 1].to_owned();
    for (link, status) in [
        ("/a/x".to_owned(), 403),
        (cut, 403),
        (format!("{link}A"), 403),
        (expired, 410),
        (stranger, 403),
        (unknown, 410),
    ] {
        for method in [Method::GET, Method::POST] {
            let html = server.request(method.clone(), &link).send().await.unwrap();
            assert_eq!(html.status().as_u16(), status, "{method} {link}");
            assert!(html.text().await.unwrap().starts_with("<!doctype html>"));
            let json = server.request(method, &link).header(header::ACCEPT, "application/json");
            assert_eq!(json.send().await.unwrap().status().as_u16(), status);
        }
    }
    assert!(is_open(&server.json("/api/v1/groups/G-1").await));
    let deleted = server.request(Method::DELETE, &link).send().await.unwrap();
    problem(deleted, 405).await;
}

#[tokio::test]
async fn a_link_to_what_is_over_says_so() {
    let (server, _socket) = paged().await;
    server.resolve("Down", "web").await;
    let link = server.link(GROUP, "ana", 1).await;
    for method in [Method::GET, Method::POST] {
        let response = server.request(method, &link).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let html = response.text().await.unwrap();
        assert!(html.contains("G-1 is over"), "{html}");
    }
}

#[tokio::test]
async fn a_link_of_before_a_merge_takes_what_it_has_become() {
    let server = Server::start("").await;
    for title in ["first", "second"] {
        let line = format!("/incident open P1 {title}");
        assert_eq!(server.says(&line).await, 200);
    }
    let link = server.link(Target::Incident(IncidentId(2)), "ben", 1).await;
    assert_eq!(server.says("/incident merge INC-2 into INC-1").await, 200);
    let html = server.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<form") && html.contains("INC-2 goes on as INC-1"), "{html}");
    let taken = server.request(Method::POST, &link).header(header::ACCEPT, "application/json");
    let taken: Value = taken.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&taken["ok"], &taken["target"], &taken["by"]),
        (&json!(true), &json!("INC-1"), &json!("ben"))
    );
    let paged = server.running.engine.read(|look| look.state.pages.len()).await.unwrap();
    assert_eq!(paged, 0, "nobody is paged any more");
}

#[tokio::test]
async fn a_link_of_a_new_page_for_what_somebody_has_takes_it() {
    let server = Server::start("").await;
    assert_eq!(server.says("/incident open P1 slow").await, 200);
    let incident = Target::Incident(IncidentId(1));
    let ana = server.link(incident, "ana", 1).await;
    assert_eq!(server.request(Method::POST, &ana).send().await.unwrap().status(), 200);
    assert_eq!(server.says("/incident assign INC-1 ben").await, 200);
    let link = server.link(incident, "ben", 1).await;
    let html = server.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<form") && html.contains("ana has INC-1 since"), "{html}");
    let html = server.request(Method::POST, &link).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("You have INC-1"), "{html}");
    let html = server.get(&link).send().await.unwrap().text().await.unwrap();
    assert!(!html.contains("<form") && html.contains("INC-1 is taken"), "{html}");
}

impl Server {
    /// What ana's command is answered with.
    async fn says(&self, line: &str) -> u16 {
        self.command(&json!({"text": line, "person": "ana"})).await.status().as_u16()
    }
}
