//! Whatever is wrong gets a problem that names the field and the remedy, is counted, and changes nothing.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[tokio::test]
async fn wrong_webhooks_name_the_field_and_change_nothing() {
    let server = Server::start("").await;
    let before = server.seq().await;
    let good = || message(&[alert("Down", "web", "firing")]);
    let with = |path: &str, value: Value| {
        let mut message = good();
        *message.pointer_mut(path).unwrap() = value;
        message.to_string()
    };
    let deep = format!("{{\"alerts\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, field) in [
        (String::new(), None),
        ("not json".to_owned(), None),
        ("[]".to_owned(), None),
        ("{}".to_owned(), Some("alerts")),
        ("{\"alerts\": [".to_owned(), None),
        (deep, None),
        (with("/alerts", json!("x")), Some("alerts")),
        (with("/alerts/0/startsAt", json!("yesterday")), Some("alerts[0].startsAt")),
        (with("/alerts/0/status", json!("burning")), Some("alerts[0].status")),
        (with("/alerts/0/labels", json!(["a"])), Some("alerts[0].labels")),
    ] {
        let shown: String = body.chars().take(200).collect();
        let response = server.request(Method::POST, "/hooks/open").body(body).send().await.unwrap();
        let document = problem(response, 400).await;
        if let Some(field) = field {
            assert_eq!(document["field"], field, "{shown}: {document}");
        }
        assert!(document["remedy"].is_string(), "{shown}: {document}");
    }
    assert_eq!(server.seq().await, before);
    let figures = server.metrics.render();
    assert!(figures.contains("watchbell_bad_input_total{kind=\"webhook\"} 10"), "{figures}");
    assert!(figures.contains("watchbell_webhooks_total{integration=\"open\",code=\"400\"} 10"), "{figures}");
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused_whether_its_length_is_told_or_not() {
    let server = Server::start("").await;
    let large = vec![b' '; super::super::hooks::LIMIT + 1];
    let told = server.request(Method::POST, "/hooks/open").body(large.clone()).send().await.unwrap();
    problem(told, 413).await;
    assert!(chunked(server.address, &large).await.starts_with("HTTP/1.1 413 "));
    // One at the limit is read, and is wrong for another reason.
    let most = vec![b' '; super::super::hooks::LIMIT];
    problem(server.request(Method::POST, "/hooks/open").body(most).send().await.unwrap(), 400).await;
}

/// Sends a body in chunks, without its length; gives the answer.
async fn chunked(address: SocketAddr, body: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /hooks/open HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for piece in body.chunks(65_536) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        stream.write_all(piece).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_alert_with_odd_labels_is_taken_and_shown_as_data() {
    let server = Server::start("").await;
    let mut many = alert("Many", "quiet", "firing");
    for number in 0..10_000 {
        many["labels"][format!("label_{number}")] = json!("x");
    }
    let mut odd = alert("Odd", "quiet", "firing");
    odd["labels"]["mention"] = json!("@everyone <script>\u{7}\u{202e}");
    let mut bare = alert("Bare", "quiet", "firing");
    bare["labels"] = json!({});
    bare["fingerprint"] = json!("bare");
    let message = message(&[many, odd, bare]);
    assert_eq!(server.hook("open", &message).await.status(), StatusCode::ACCEPTED);
    let alerts = server.json("/api/v1/alerts").await;
    let items = alerts["items"].as_array().unwrap();
    assert_eq!(items.len(), 3, "{alerts}");
    assert!(items.iter().any(|alert| alert["labels"]["mention"] == "@everyone <script>\u{7}\u{202e}"));
    assert!(items.iter().any(|alert| alert["labels"].as_object().unwrap().len() == 10_003));
}

#[tokio::test]
async fn wrong_addresses_methods_and_parameters_are_problems() {
    let server = Server::start("").await;
    let before = server.seq().await;
    for (method, path, status, part) in [
        (Method::GET, "/nowhere", 404, "nothing is at this address"),
        (Method::GET, "/api/v1/incidents/INC-9", 404, "INC-9"),
        (Method::GET, "/api/v1/incidents/banana", 404, "banana"),
        (Method::GET, "/api/v1/incidents/%FF", 400, "UTF-8"),
        (Method::GET, "/api/v1/incidents/INC-9/timeline", 404, "INC-9"),
        (Method::GET, "/api/v1/alerts/A-9", 404, "A-9"),
        (Method::GET, "/api/v1/groups/G-9", 404, "G-9"),
        (Method::GET, "/api/v1/groups/G-9/timeline", 404, "G-9"),
        (Method::GET, "/hooks/open", 405, "POST"),
        (Method::DELETE, "/api/v1/incidents", 405, "GET"),
        (Method::GET, "/api/v1/commands", 405, "POST"),
        (Method::GET, "/api/v1/incidents?limit=0", 400, "limit"),
        (Method::GET, "/api/v1/incidents?cursor=x", 400, "cursor"),
        (Method::GET, "/api/v1/alerts?cursor=G-1", 400, "cursor"),
        (Method::GET, "/api/v1/alerts?status=open", 400, "status"),
        (Method::GET, "/api/v1/alerts?match=x~y", 400, "match"),
        (Method::GET, "/api/v1/alerts?match=x%3D~%22(%22", 400, "match"),
        (Method::GET, "/api/v1/alerts?mach=x", 400, "match"),
        (Method::GET, "/api/v1/pages?status=on", 400, "status"),
        (Method::GET, "/api/v1/oncall?at=noon", 400, "at"),
        (Method::GET, "/api/v1/live?from=99", 400, "from"),
        (Method::GET, "/api/v1/live?as=nobody", 400, "as"),
        (Method::GET, "/api/v1/live", 400, "WebSocket"),
    ] {
        let document = problem(server.request(method, path).send().await.unwrap(), status).await;
        assert!(document.to_string().contains(part), "{path}: {document}");
    }
    let allow = server.get("/hooks/open").send().await.unwrap();
    assert_eq!(allow.headers()[header::ALLOW], "POST");
    assert_eq!(server.seq().await, before);
}

#[tokio::test]
async fn wrong_commands_say_where_they_are_wrong() {
    let server = Server::start("").await;
    let before = server.seq().await;
    let post = |body: &str, kind: &str| {
        let request = server.request(Method::POST, "/api/v1/commands").header(header::CONTENT_TYPE, kind);
        request.body(body.to_owned()).send()
    };
    let json = "application/json";
    for (body, kind, status, part) in [
        ("", json, 400, "line 1 column 0"),
        ("{\"text\": }", json, 400, "line 1 column 10"),
        ("{\"text\": 7}", json, 400, "\"field\":\"text\""),
        ("{\"txt\": \"/help\"}", json, 400, "unknown field `txt`"),
        ("{\"person\": \"ana\"}", json, 400, "missing field `text`"),
        ("{\"text\": \"  \"}", json, 400, "\"field\":\"text\""),
        ("{\"text\": \"/help\"} x", json, 400, "trailing characters"),
        ("{\"text\": \"/help\", \"person\": \"nobody\"}", json, 400, "\"field\":\"person\""),
    ] {
        let document = problem(post(body, kind).await.unwrap(), status).await;
        assert!(document.to_string().contains(part), "{body}: {document}");
    }
    // What `curl -d` sends is taken.
    let form = "application/x-www-form-urlencoded";
    let reply: Value = post("{\"text\": \"/help\"}", form).await.unwrap().json().await.unwrap();
    assert_eq!(reply["ok"], true, "{reply}");
    let large = format!("{{\"text\": \"{}\"}}", "x".repeat(300 * 1024));
    problem(post(&large, json).await.unwrap(), 413).await;
    // What is no command is answered in words.
    let reply: Value = post("{\"text\": \"/incidnet list\"}", json).await.unwrap().json().await.unwrap();
    assert_eq!(reply["ok"], false);
    assert!(reply["text"].as_str().unwrap().contains("/incident"), "{reply}");
    assert_eq!(server.seq().await, before);
}

#[tokio::test]
async fn a_panic_is_a_problem_with_a_trace_id_and_without_its_words() {
    let response = super::super::panicked(Box::new("a secret"));
    assert_eq!(response.status(), 500);
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert!(document["trace"].as_str().is_some_and(|trace| !trace.is_empty()), "{document}");
    assert!(!document.to_string().contains("a secret"), "{document}");
}

#[tokio::test]
async fn what_is_longer_than_any_command_is_not_looked_into() {
    let server = Server::start("").await;
    let offers = |text: String| {
        let query = [("text", text)];
        let url = format!("http://{}/api/v1/commands/complete", server.address);
        server.client.get(url).query(&query).send()
    };
    let listed: Value = offers("/incident ".to_owned()).await.unwrap().json().await.unwrap();
    assert!(listed["items"].as_array().is_some_and(|items| !items.is_empty()), "{listed}");
    // The same at the end of a text that no command can have.
    let long = format!("{}/incident ", " ".repeat(crate::command::parse::LONGEST));
    let listed: Value = offers(long).await.unwrap().json().await.unwrap();
    assert_eq!(listed, json!({"items": [], "secret": true}));
}
