//! Promises of the real process over HTTP: wrong input changes nothing and is counted, odd labels do no harm, one
//! process writes, a stop keeps what was answered. Never about what only a part in isolation does.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::peer::{
    SOON, http,
    live::Live,
    load::{self, INTEGRATION, Load},
    ports,
    process::{Process, until},
    server::{Request, Server},
    watchbell::{Watchbell, here},
};

/// A person with a hook, a policy, a route that pages and shows a card.
fn config(phone: u16) -> String {
    format!(
        r##"
[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "all"

{}
[person.ben]
name = "Ben Okafor"
roles = ["viewer"]

[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#load"

[unrouted]
channel = "#alerts"
"##,
        load::person("ana", "Ana Ruiz", phone)
    )
}

/// One wrong request: what it is, and what must be in the answer.
struct Wrong<'a> {
    method: &'a str,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a str,
    status: u16,
    /// `field` of the problem; empty: the request as a whole.
    field: &'a str,
    /// Which figure counts it.
    counted: &'a str,
}

fn bad(kind: &str) -> String {
    format!("watchbell_bad_input_total{{kind=\"{kind}\"}}")
}

/// Sends it; the answer is a problem with a remedy, a figure went up by one, and the journal is the same to the byte.
fn refused(watchbell: &Watchbell, wrong: &Wrong<'_>) -> Value {
    let shown: String = format!("{} {} {}", wrong.method, wrong.path, wrong.body).chars().take(200).collect();
    let figure = bad(wrong.counted);
    let (journal, count) = (watchbell.journal(), watchbell.figure(&figure));
    let answer = http::ask(watchbell.port, wrong.method, wrong.path, wrong.headers, wrong.body)
        .unwrap_or_else(|error| panic!("{shown}: {error}\n{}", watchbell.process.tail()));
    assert_eq!(answer.status, wrong.status, "{shown}: {}", answer.body);
    let problem = answer.json();
    for part in ["title", "detail", "remedy"] {
        assert!(problem[part].as_str().is_some_and(|text| !text.is_empty()), "{shown}: no {part}: {problem}");
    }
    assert_eq!(problem["field"].as_str().unwrap_or_default(), wrong.field, "{shown}: {problem}");
    assert_eq!(watchbell.figure(&figure), count + 1, "{shown}: not counted as {figure}");
    assert!(watchbell.journal() == journal, "{shown}: something was written");
    assert!(watchbell.get("/healthz").ok(), "{shown}: {}", watchbell.process.tail());
    problem
}

#[test]
fn wrong_webhooks_and_tokens_are_answered_counted_and_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config(9));
    let bearer = format!("Bearer {}", load::TOKEN);
    let known = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    let token = |path, headers| Wrong {
        method: "POST",
        path,
        headers,
        body: "{}",
        status: 401,
        field: "",
        counted: "token",
    };
    for wrong in [
        token("/hooks/load", &[("Content-Type", "application/json")]),
        token("/hooks/load", &[("Authorization", "Bearer of-somebody-else")]),
        token("/hooks/laod", &known),
        token("/hooks/load?token=", &[]),
    ] {
        let told = refused(&watchbell, &wrong).to_string();
        assert!(!told.contains(load::TOKEN), "a secret is told: {told}");
    }

    let alert = |change: &str| format!(r#"{{"alerts":[{{"status":"firing"{change}}}]}}"#);
    let deep = format!(r#"{{"alerts":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let labels = format!(r#","labels":{{"a":{}{}}}"#, "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let bodies = [
        (String::new(), ""),
        ("down!".to_owned(), ""),
        ("[]".to_owned(), ""),
        ("{}".to_owned(), "alerts"),
        (deep, "alerts[0]"),
        (alert(&labels), "alerts[0].labels.a"),
        (r#"{"alerts":[{"labels":{}}]}"#.to_owned(), "alerts[0].status"),
        (r#"{"alerts":{},"version":"4"}"#.to_owned(), "alerts"),
        (r#"{"alerts":[],"version":"3"}"#.to_owned(), "version"),
        (r#"{"alerts":[],"truncatedAlerts":-1}"#.to_owned(), "truncatedAlerts"),
        (r#"{"alerts":[{"status":"burning"}]}"#.to_owned(), "alerts[0].status"),
        (alert(r#","startsAt":"yesterday""#), "alerts[0].startsAt"),
        (alert(r#","labels":{"alertname":7}"#), "alerts[0].labels.alertname"),
        (alert(r#","annotations":[]"#), "alerts[0].annotations"),
        (alert(r#","labels":{},"labels":{}"#), "alerts[0].labels"),
    ];
    for (body, field) in &bodies {
        let wrong = Wrong {
            method: "POST",
            path: "/hooks/load",
            headers: &known,
            body,
            status: 400,
            field,
            counted: "webhook",
        };
        refused(&watchbell, &wrong);
    }
    let large = " ".repeat(5 * 1024 * 1024 + 1);
    let wrong = Wrong {
        method: "POST",
        path: "/hooks/load",
        headers: &known,
        body: &large,
        status: 413,
        field: "",
        counted: "too_large",
    };
    refused(&watchbell, &wrong);

    // What is ignored may be deep too, and good alerts are taken after all of that.
    let deep = format!(r#"{{"extra":{}{},"alerts":[]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let status = load::send(watchbell.port, &deep).expect("an answer").status;
    assert!(matches!(status, 202 | 400), "{status}");
    assert_eq!(load::send(watchbell.port, &load::webhook(1)).expect("an answer").status, 202);
}

#[test]
fn wrong_requests_are_answered_counted_and_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config(9));
    let json = [("Content-Type", "application/json")];
    let evil = [("Content-Type", "application/json"), ("Origin", "https://evil.example")];
    let deep = format!(r#"{{"text":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(300 * 1024));
    let commands = "/api/v1/commands";
    for (method, path, headers, body, status, field, counted) in [
        ("POST", commands, &json[..], "", 400, "", "request"),
        ("POST", commands, &json, r#"{"text":7}"#, 400, "text", "request"),
        ("POST", commands, &json, r#"{"text":" "}"#, 400, "text", "request"),
        ("POST", commands, &json, r#"{"text":"/help","person":"nobody"}"#, 400, "person", "request"),
        ("POST", commands, &json, deep.as_str(), 400, "text", "request"),
        ("POST", commands, &json, large.as_str(), 413, "", "too_large"),
        ("POST", commands, &[], "text=/help", 400, "", "request"),
        ("POST", commands, &evil, r#"{"text":"/incident open P1 x"}"#, 403, "", "origin"),
        ("GET", "/api/v1/alerts?limit=many", &[], "", 400, "limit", "request"),
        ("GET", "/api/v1/alerts?mtach=a", &[], "", 400, "mtach", "request"),
        ("GET", "/api/v1/oncall?at=noon", &[], "", 400, "at", "request"),
        ("GET", "/api/v1/groups/G-9/timeline", &[], "", 404, "", "request"),
        ("GET", "/api/v1/incidents/%00", &[], "", 404, "", "request"),
    ] {
        refused(&watchbell, &Wrong { method, path, headers, body, status, field, counted });
    }
    forged_links_are_counted(&watchbell);

    // Commands that cannot be done: an answer with the remedy, `ok` false, counted, nothing written.
    let figure = "watchbell_commands_total{outcome=\"refused\"}";
    for (person, text, words) in [
        ("ana", "/incidnt list", "did you mean"),
        ("ana", "/incident opne P1 x", "did you mean"),
        ("ana", "/incident open", "Usage:"),
        ("ana", "/incident open P9 the database is down", "P1"),
        ("ana", "/incident show INC-77", "INC-77"),
        ("ana", "/ack G-77", "G-77"),
        ("ana", "/ack banana", "G-17"),
        ("ana", "/page nobdy wake up", "nobdy"),
        ("ana", "/alert list --lmit 5", "--limit"),
        ("ana", "\u{7}\u{1b}[2J", "/help"),
        ("ben", "/incident open P1 the database is down", "responder"),
    ] {
        let (journal, count) = (watchbell.journal(), watchbell.figure(figure));
        let reply = watchbell.command(person, text);
        assert_eq!(reply["ok"], false, "{text}: {reply}");
        let said = reply["text"].as_str().unwrap_or_default();
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "{text}: {said}");
        harmless(&reply, text);
        assert_eq!(watchbell.figure(figure), count + 1, "{text}: not counted");
        assert!(watchbell.journal() == journal, "{text}: something was written");
    }
}

/// Links with a wrong signature, as a browser and as a program call them.
fn forged_links_are_counted(watchbell: &Watchbell) {
    for method in ["GET", "POST"] {
        for path in ["/a/x", "/a/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let (journal, count) = (watchbell.journal(), watchbell.figure(&bad("link")));
            let answer = http::ask(watchbell.port, method, path, &[], "").expect("an answer");
            assert!((400..500).contains(&answer.status), "{method} {path}: {answer:?}");
            assert_eq!(watchbell.figure(&bad("link")), count + 1, "{method} {path}: not counted");
            assert!(watchbell.journal() == journal, "{method} {path}: something was written");
        }
    }
}

#[test]
fn a_token_of_the_api_is_one_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = "[api]\ntokens = [{ person = \"ana\", token = \"the-token-of-ana\" }]\n";
    let watchbell = Watchbell::here(folder.path(), &format!("{tokens}{}", config(9)));
    let ana = [("Content-Type", "application/json"), ("Authorization", "Bearer the-token-of-ana")];
    let other = [("Content-Type", "application/json"), ("Authorization", "Bearer the-token-of-anna")];
    let body = r#"{"text":"/incident open P1 the database is down"}"#;
    for (path, headers, status, field, counted) in [
        ("/api/v1/commands", &ana[..1], 401, "", "token"),
        ("/api/v1/commands", &other, 401, "", "token"),
        ("/api/v1/commands?token=the-token-of-ana", &ana[..1], 401, "", "token"),
    ] {
        let wrong = Wrong { method: "POST", path, headers, body, status, field, counted };
        let told = refused(&watchbell, &wrong).to_string();
        assert!(!told.contains("the-token-of-ana"), "a secret is told: {told}");
    }
    let journal = watchbell.journal();
    let as_ben = r#"{"text":"/incident open P1 the database is down","person":"ben"}"#;
    let answer = http::ask(watchbell.port, "POST", "/api/v1/commands", &ana, as_ben).expect("an answer");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(watchbell.journal() == journal, "a token spoke for somebody else");
    let answer = http::ask(watchbell.port, "POST", "/api/v1/commands", &ana, body).expect("an answer");
    assert!(answer.ok() && answer.json()["ok"] == true, "{answer:?}");
}

/// Nothing that people are shown does something instead of being seen.
fn harmless(shown: &Value, what: &str) {
    match shown {
        Value::String(text) => {
            let harmful = |char: &char| {
                (char.is_control() && *char != '\n')
                    || matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}')
            };
            assert_eq!(text.chars().find(harmful), None, "{what}: {text:?}");
            assert!(text.len() < 20_000, "{what}: {} bytes of text", text.len());
        }
        Value::Array(items) => items.iter().for_each(|item| harmless(item, what)),
        Value::Object(fields) => fields.values().for_each(|field| harmless(field, what)),
        _ => {}
    }
}

fn message(alerts: &Value) -> String {
    json!({"version": "4", "groupKey": "{}", "status": "firing", "alerts": alerts}).to_string()
}

#[test]
fn odd_labels_are_taken_and_shown_harmlessly_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let watchbell = Watchbell::here(folder.path(), &config(phone.port));
    let mut live = Live::follow(watchbell.port, "ana");
    let loud = "@everyone \u{7}\u{1b}[2J\u{202e}<script>alert(1)</script>\r\n\u{200b}<!channel>";
    let mut many = json!({"alertname": "Many", "severity": "critical"});
    for number in 0..10_000 {
        many[format!("label_{number}")] = json!(loud);
    }
    let started = "2026-11-01T00:00:00Z";
    let alerts = json!([
        {"status": "firing", "startsAt": started},
        {"status": "firing", "startsAt": started, "labels": many},
        {"status": "firing", "startsAt": started, "annotations": {"summary": format!("Loud {loud}"), loud: loud},
         "labels": {"alertname": format!("Loud {loud}"), "severity": "critical", "instance": loud}},
    ]);
    let answer = load::send(watchbell.port, &message(&alerts)).expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");

    let known = watchbell.items("/api/v1/alerts?status=firing");
    let labels: BTreeSet<usize> =
        known.iter().filter_map(|alert| Some(alert["labels"].as_object()?.len())).collect();
    assert_eq!(labels, BTreeSet::from([0, 3, 10_002]), "they are kept as they were sent");
    assert!(
        known.iter().any(|alert| alert["labels"]["instance"] == loud),
        "the label is kept as it was sent"
    );

    // What the phone is sent, and the page behind its link.
    for name in ["Many", "Loud"] {
        let fits = |request: &Request| request.is_page() && request.body.contains(name);
        let page = phone.wait(SOON, fits).unwrap_or_else(|| {
            let tail = watchbell.process.tail();
            panic!("no page with {name}\n{:?}\n{tail}", phone.heard())
        });
        let page: Value = serde_json::from_str(&page.body).expect("JSON");
        harmless(&page, "the page");
        let base = format!("http://127.0.0.1:{}", watchbell.port);
        let link = page["ack_url"].as_str().and_then(|link| link.strip_prefix(&base)).expect("a link");
        let shown = watchbell.get(link);
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert!(!shown.body.contains("<script>") && !shown.body.contains('\u{1b}'), "{}", shown.body);
    }

    // Cards in the channels, commands, timelines.
    for (channel, word) in [("#load", "Loud"), ("#load", "Many"), ("#alerts", "")] {
        let card = live.wait(SOON, |frame| {
            frame["type"] == "message" && frame["to"] == channel && frame["card"].to_string().contains(word)
        });
        let card = card.unwrap_or_else(|| panic!("no card {word} in {channel}:\n{}", live.heard()));
        harmless(&card, "a card");
    }
    for alert in &known {
        let id = alert["id"].as_str().expect("an id");
        let reply = watchbell.command("ana", &format!("/alert show {id}"));
        assert_eq!(reply["ok"], true, "{reply}");
        harmless(&reply, "/alert show");
        let group = alert["group"].as_str().expect("a group");
        let timeline = watchbell.json(&format!("/api/v1/groups/{group}/timeline"));
        assert!(timeline["items"].as_array().is_some_and(|items| items.len() >= 2), "{timeline}");
        harmless(&timeline, "a timeline");
    }
    // Words of people are no better.
    watchbell.command("ana", &format!("/incident open P1 {loud}"));
    watchbell.command("ana", &format!("/incident note INC-1 {loud}"));
    for command in ["/alert list", "/incident show INC-1", "/incident timeline INC-1", "/incident list"] {
        let reply = watchbell.command("ana", command);
        assert_eq!(reply["ok"], true, "{command}: {reply}");
        harmless(&reply, command);
    }
    assert!(watchbell.other(&["journal", "verify"]).status.success(), "the journal is whole");
}

#[test]
fn a_second_server_on_the_same_data_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config(9));
    let elsewhere = format!("127.0.0.1:{}", ports::free());
    for (listen, words) in [
        (elsewhere.as_str(), vec![format!("process {}", watchbell.process.id()), "--data".to_owned()]),
        (&format!("127.0.0.1:{}", watchbell.port), vec!["--listen".to_owned()]),
    ] {
        let second = watchbell.other(&["serve", "--listen", listen]);
        let said = String::from_utf8_lossy(&second.stderr);
        assert_eq!(second.status.code(), Some(1), "{listen}: {said}");
        for word in words {
            assert!(said.contains(&word), "{listen}: no `{word}` in: {said}");
        }
    }
    assert_eq!(load::send(watchbell.port, &load::webhook(1)).expect("an answer").status, 202);
}

#[test]
fn a_wrong_file_stops_the_start_and_names_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("config")).expect("a folder");
    let wrong = "[person.ana]\nnmae = \"Ana Ruiz\"\n";
    fs::write(folder.path().join("config/people.toml"), wrong).expect("a file");
    let mut command = std::process::Command::new(here());
    command.current_dir(folder.path()).args(["serve", "--config", "config", "--data", "data"]);
    let mut process = Process::start(&mut command, &folder.path().join("log")).expect("it starts");
    let ended = until(SOON, || process.ended()).expect("it ends by itself");
    let said = process.tail();
    assert_eq!(ended.code(), Some(1), "{said}");
    for words in ["people.toml:2:1", "nmae", "name", "Nothing was started"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert!(!folder.path().join("data").exists(), "something was written");
}

#[test]
fn a_stop_under_load_keeps_what_was_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let mut watchbell = Watchbell::here(folder.path(), &config(phone.port));
    let load = Load::start(watchbell.port);
    for round in 0..3 {
        let enough = load.accepted().len() + 30;
        load.more(150);
        let loaded = until(SOON, || (load.accepted().len() >= enough).then_some(()));
        assert!(loaded.is_some(), "round {round}: nothing is accepted:\n{}", watchbell.process.tail());
        let began = Instant::now();
        let end = watchbell.process.stop(Duration::from_secs(20));
        let said = watchbell.process.tail();
        assert!(
            end.is_some_and(|end| end.success()),
            "round {round}: {end:?} after {:?}:\n{said}",
            began.elapsed()
        );
        let before = load.accepted();
        watchbell.start_again();
        let known: BTreeSet<u32> = watchbell
            .items("/api/v1/alerts?status=firing")
            .iter()
            .filter_map(|alert| load::number(alert["labels"]["alertname"].as_str()?))
            .collect();
        let lost: Vec<&u32> = before.difference(&known).collect();
        assert!(lost.is_empty(), "round {round}: alerts that were answered 2xx are missing: {lost:?}");
    }
    let accepted = load.stop();
    let paged = |number: &u32| {
        let name = load::name(*number);
        let page = |it: &Request| it.is_page() && it.body.contains(&name);
        phone.wait(SOON, page).is_some()
    };
    let silent: Vec<&u32> = accepted.iter().filter(|number| !paged(number)).collect();
    assert!(silent.is_empty(), "pages are lost: {silent:?}");
}
