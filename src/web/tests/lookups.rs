//! What is looked up: complete over all pages, true after a write, and as the promise in formats.md says.

use super::*;

/// Walks a list to its end; gives all ids in their order.
async fn walk(server: &Server, path: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    let sign = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = server.json(&format!("{path}{sign}limit={limit}{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
        assert!(!items.is_empty(), "a page that goes on has items");
    }
}

#[tokio::test]
async fn a_list_is_walked_without_loss_or_repetition() {
    let server = Server::start("").await;
    for number in 1..=9 {
        server.fire(&format!("N{number}"), "quiet").await;
    }
    for number in [2, 5, 3] {
        server.resolve(&format!("N{number}"), "quiet").await;
    }
    // Those that fire, the newest first; then those that ended, the last one first.
    let expected = ["A-9", "A-8", "A-7", "A-6", "A-4", "A-1", "A-3", "A-5", "A-2"];
    for limit in [1, 2, 3, 4, 5, 6, 7, 8, 9, 100] {
        assert_eq!(walk(&server, "/api/v1/alerts", limit).await, expected, "limit {limit}");
        assert_eq!(
            walk(&server, "/api/v1/alerts?status=firing", limit).await,
            expected[..6],
            "limit {limit}"
        );
        assert_eq!(
            walk(&server, "/api/v1/alerts?status=resolved", limit).await,
            expected[6..],
            "limit {limit}"
        );
        let groups = walk(&server, "/api/v1/groups", limit).await;
        assert_eq!(groups, ["G-9", "G-8", "G-7", "G-6", "G-5", "G-4", "G-3", "G-2", "G-1"], "limit {limit}");
        assert_eq!(walk(&server, "/api/v1/groups?status=closed", limit).await, ["G-5", "G-3", "G-2"]);
    }
    for (query, expected) in [
        ("match=alertname%3DN5", vec!["A-5"]),
        ("match=alertname%3D~%22N[345]%22", vec!["A-4", "A-3", "A-5"]),
        ("match=alertname%3D~%22N[345]%22&match=alertname!%3DN3", vec!["A-4", "A-5"]),
        ("match=alertname%3D~%22N[345]%22&status=firing", vec!["A-4"]),
        ("match=service%3Dnone", vec![]),
    ] {
        assert_eq!(walk(&server, &format!("/api/v1/alerts?{query}"), 1).await, expected, "{query}");
    }
    assert_eq!(walk(&server, "/api/v1/groups?match=alertname%3DN5", 10).await, ["G-5"]);
}

#[tokio::test]
async fn an_alert_is_shown_as_promised_while_it_fires_and_afterwards() {
    let server = Server::start("").await;
    server.fire("Down", "quiet").await;
    let firing = server.json("/api/v1/alerts/A-1").await;
    assert_eq!(firing["status"], "firing");
    assert_eq!(firing["labels"]["alertname"], "Down");
    assert_eq!(firing["annotations"]["summary"], "Down is on fire");
    assert_eq!(firing["starts_at"], "2026-11-01T10:00:00Z");
    assert_eq!(firing["ends_at"], Value::Null);
    assert_eq!((&firing["group"], &firing["integration"]), (&json!("G-1"), &json!("open")));
    server.resolve("Down", "quiet").await;
    let resolved = server.json("/api/v1/alerts/A-1").await;
    assert_eq!(
        (&resolved["status"], &resolved["ends_at"]),
        (&json!("resolved"), &json!("2026-11-01T11:00:00Z"))
    );
    let same = ["labels", "annotations", "starts_at", "group", "integration", "graph"];
    assert!(same.iter().all(|field| firing[field] == resolved[field]), "{resolved}");
}

#[tokio::test]
async fn a_reader_sees_what_it_wrote() {
    let server = Server::start("").await;
    let opened =
        server.command(&json!({"text": "/incident open P1 database is down", "person": "ana"})).await;
    let opened: Value = opened.json().await.unwrap();
    assert_eq!(opened["ok"], true, "{opened}");
    for number in 1..=20 {
        let note = json!({"text": format!("/incident note INC-1 note number {number}"), "person": "ben"});
        let reply: Value = server.command(&note).await.json().await.unwrap();
        assert_eq!(reply["ok"], true, "{reply}");
        let timeline = server.json("/api/v1/incidents/INC-1/timeline?limit=1000").await;
        let last =
            timeline["items"].as_array().unwrap().iter().rfind(|entry| entry["kind"] == "note").unwrap();
        assert!(last["text"].as_str().unwrap().contains(&format!("note number {number}")), "{last}");
        assert_eq!(last["by"], "ben");
    }
    let incident = server.json("/api/v1/incidents/INC-1").await;
    assert_eq!((&incident["severity"], &incident["opened_by"]), (&json!("P1"), &json!("ana")), "{incident}");
    assert_eq!(incident["title"], "database is down");
    // The timeline in small pages is the timeline.
    let whole = server.json("/api/v1/incidents/INC-1/timeline?limit=1000").await["items"].clone();
    let (mut parts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.json(&format!("/api/v1/incidents/INC-1/timeline?limit=3{cursor}")).await;
        parts.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let known = whole.as_array().unwrap().len();
    assert_eq!(parts[..known], whole.as_array().unwrap()[..]);
    let seqs: Vec<u64> = parts.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    assert_eq!(walk(&server, "/api/v1/incidents?status=open", 1).await, ["INC-1"]);
    assert!(walk(&server, "/api/v1/incidents?status=resolved", 1).await.is_empty());
}

#[tokio::test]
async fn a_page_is_shown_while_it_runs() {
    let server = Server::start("").await;
    let mut socket = server.live("?from=0&as=ana").await;
    server.fire("Down", "web").await;
    frame_that(&mut socket, |frame| frame["event"]["delivered"]["kind"] == "page").await;
    let pages = server.json("/api/v1/pages?status=running").await;
    let page = &pages["items"][0];
    assert_eq!(
        (&page["id"], &page["group"], &page["policy"]),
        (&json!("PG-1"), &json!("G-1"), &json!("web")),
        "{pages}"
    );
    assert_eq!((&page["reason"], &page["paged"]), (&json!("fired"), &json!(["ana"])));
    let timeline = server.json("/api/v1/groups/G-1/timeline").await;
    let kinds: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().filter_map(|e| e["kind"].as_str()).collect();
    for kind in ["alert_fired", "paged", "delivered"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}

#[tokio::test]
async fn who_is_on_call_is_known_for_any_instant() {
    let server = Server::start("").await;
    for (at, person) in [
        ("2026-01-05T08:00:00Z", Some("ana")),
        ("2026-01-12T07:59:59Z", Some("ana")),
        ("2026-01-12T08:00:00Z", Some("ben")),
        ("2031-06-03T12:00:00%2B02:00", None),
    ] {
        let shown = server.json(&format!("/api/v1/oncall?at={at}")).await;
        let duty = &shown["schedules"][0];
        assert_eq!(duty["schedule"], "primary");
        assert_eq!(duty["people"].as_array().unwrap().len(), 1);
        if let Some(person) = person {
            assert_eq!(duty["people"], json!([person]), "{at}");
            assert!(duty["since"].is_string() && duty["until"].is_string());
        }
    }
    let now = server.json("/api/v1/oncall").await;
    assert_eq!(now["schedules"][0]["people"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_may_stand_at_the_cursor_is_offered() {
    let server = Server::start("").await;
    let offers = server.json("/api/v1/commands/complete?text=/incident%20op").await;
    let texts: Vec<&str> =
        offers["items"].as_array().unwrap().iter().filter_map(|o| o["text"].as_str()).collect();
    assert_eq!(texts, ["open"], "{offers}");
    problem(server.get("/api/v1/commands/complete?cursor=x").send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn whoever_has_nothing_but_a_terminal_is_paged_with_a_doubt() {
    let server = Server::start("").await;
    // Theirs are open now, which the answer does not know.
    let _consoles = (server.live("?as=ana").await, server.live("?as=ben").await);
    for (command, doubtful) in [
        ("/page ana come", "ana: only if a console of theirs is open"),
        ("/page team:ops come", "ana and ben: only if a console of theirs is open"),
        ("/incident open P1 it is down", "ana: only if a console of theirs is open"),
    ] {
        let reply: Value = server.command(&json!({"text": command})).await.json().await.unwrap();
        assert_eq!(reply["ok"], true, "{reply}");
        assert!(reply["text"].as_str().unwrap().contains(doubtful), "{command}: {reply}");
    }
}
