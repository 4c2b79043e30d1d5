//! The main job with real programs: a rule fires in Prometheus, Alertmanager tells Watchbell, people are paged.
//! Never a model of anything but the phones and the service that breaks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::peer::{
    SOON,
    alertmanager::{self, Alertmanager},
    http,
    live::Live,
    load,
    process::{installed, until},
    prometheus::{self, Exporter, Prometheus},
    server::{Request, Server},
    watchbell::Watchbell,
};

/// Two people, one schedule each; the second is paged when the first does not answer within two seconds.
fn config(ana: &Server, ben: &Server) -> String {
    format!(
        r#"
{}
{}
[team.ops]
members = ["ana", "ben"]

[schedule.primary]
team = "ops"
timezone = "Europe/Madrid"
[[schedule.primary.layer]]
people = ["ana"]
start = 2026-01-05
handoff = "weekly Mon 09:00"

[schedule.secondary]
team = "ops"
timezone = "Europe/Madrid"
[[schedule.secondary.layer]]
people = ["ben"]
start = 2026-01-05
handoff = "weekly Mon 09:00"

[policy.qflow]
steps = [
  {{ page = ["schedule:primary"], wait = "2s" }},
  {{ page = ["schedule:secondary"], wait = "10m" }},
]

[integration.prometheus]
kind = "alertmanager"
token = "a-token-of-the-test"

[[route]]
name = "qflow"
match = ['service="qflow"', 'severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "qflow"
incident = true
"#,
        load::person("ana", "Ana Ruiz", ana.port),
        load::person("ben", "Ben Okafor", ben.port)
    )
}

fn document(request: &Request) -> Value {
    serde_json::from_str(&request.body).expect("JSON")
}

fn timeline(watchbell: &Watchbell) -> Vec<Value> {
    let answer = watchbell.get("/api/v1/incidents/INC-1/timeline?limit=200");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["items"].as_array().cloned().unwrap_or_default()
}

fn entry(timeline: &[Value], kind: &str, words: &str) -> Option<usize> {
    timeline.iter().position(|entry| {
        entry["kind"] == kind && entry["text"].as_str().is_some_and(|text| text.contains(words))
    })
}

#[test]
#[ignore = "starts the real Prometheus and Alertmanager: scripts/test"]
fn a_rule_fires_and_the_secondary_takes_it() {
    for program in [prometheus::PROGRAM, alertmanager::PROGRAM] {
        assert!(installed(program), "{program} is not installed; scripts/install installs it");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let ana = Server::start(|_| (200, String::new()));
    let ben = Server::start(|_| (200, String::new()));
    let watchbell = Watchbell::here(&folder.path().join("watchbell"), &config(&ana, &ben));
    let hook = format!("http://127.0.0.1:{}/hooks/prometheus", watchbell.port);
    let told = alertmanager::hands_over_to(&hook, "a-token-of-the-test", "alertname");
    let alertmanager = Alertmanager::start(&folder.path().join("alertmanager"), &told).ready();
    let service = Exporter::start();
    let prometheus =
        Prometheus::start(&folder.path().join("prometheus"), &service, alertmanager.port).ready();

    // The rule fires: the primary is paged.
    service.set_broken(true);
    let first = ana.wait(SOON, Request::is_page).unwrap_or_else(|| {
        panic!("ana was not paged\n{}\n{}", watchbell.process.tail(), alertmanager.process.tail())
    });
    let page = document(&first);
    assert_eq!(
        (&page["person"], &page["incident"], &page["attempt"]),
        (&json!("ana"), &json!("INC-1"), &json!(1))
    );
    let summary = page["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("QflowServiceDown") || summary.contains("Qflow does not answer"), "{page}");
    assert!(first.header("idempotency-key").is_some_and(|key| !key.is_empty()), "{first:?}");
    assert!(
        first.header("watchbell-signature").is_some_and(|it| it.contains("t=") && it.contains("v1=")),
        "{first:?}"
    );
    assert!(ben.heard().is_empty(), "ben was paged before it was his turn");

    // She does not answer: the secondary is paged, and takes it through the link. Looking at the link is harmless.
    let second = ben
        .wait(SOON, Request::is_page)
        .unwrap_or_else(|| panic!("ben was not paged\n{}", watchbell.process.tail()));
    // Never early; on a busy machine the first one may have arrived late. The exact waits are told in `stories`.
    assert!(second.at - first.at >= Duration::from_secs(1), "the wait was {:?}", second.at - first.at);
    let link = document(&second)["ack_url"].as_str().expect("a link").to_owned();
    let base = format!("http://127.0.0.1:{}", watchbell.port);
    let path = link.strip_prefix(&base).unwrap_or_else(|| panic!("{link} does not start with {base}"));
    assert_eq!(watchbell.get(path).status, 200);
    assert!(entry(&timeline(&watchbell), "acknowledged", "").is_none(), "a look at the link acknowledged");
    let forged = http::post(watchbell.port, &format!("{path}0"), "").expect("an answer");
    assert!((400..500).contains(&forged.status), "{forged:?}");
    let taken = watchbell.post(path, "");
    assert!(taken.ok(), "{taken:?}");

    // Nobody is paged any more; the service comes back, and both hear of it: one sits at a terminal already, the other
    // opens one afterwards and finds it there.
    let mut at_the_terminal = Live::follow(watchbell.port, "ana");
    service.set_broken(false);
    let heard = until(SOON, || {
        let timeline = timeline(&watchbell);
        let told = |person: &str| {
            entry(&timeline, "delivered", &format!("Chat to {person} that it is over")).is_some()
        };
        (told("ana") && told("ben")).then_some(())
    });
    let timeline = timeline(&watchbell);
    let shown = serde_json::to_string_pretty(&timeline).expect("JSON");
    assert!(heard.is_some(), "not everyone who was paged heard of the end:\n{shown}");
    let over = |frame: &Value, person: &str| {
        frame["type"] == "message" && frame["kind"] == "resolved" && frame["to"] == person
    };
    let mut later = Live::follow(watchbell.port, "ben");
    for (person, live) in [("ana", &mut at_the_terminal), ("ben", &mut later)] {
        let told = live.wait(SOON, |frame| over(frame, person));
        assert!(told.is_some(), "{person} did not hear of the end:\n{}", live.heard());
    }
    for phone in [&ana, &ben] {
        assert_eq!(phone.heard().iter().filter(|request| request.is_page()).count(), 1, "one page each");
    }

    // Every step is on the timeline, in order.
    let expected = [
        ("alert_fired", "QflowServiceDown"),
        ("incident_opened", "INC-1"),
        ("paged", "ana"),
        ("delivered", "Hook to ana"),
        ("escalated", "ben"),
        ("delivered", "Hook to ben"),
        ("acknowledged", "ben"),
        ("page_stopped", "ben acknowledged"),
        ("alert_resolved", "QflowServiceDown"),
        ("resolved", "G-1 is resolved"),
        ("delivered", "that it is over"),
    ];
    let mut after = 0;
    for (kind, words) in expected {
        let found = entry(&timeline[after..], kind, words);
        after +=
            found.unwrap_or_else(|| panic!("no `{kind}` with `{words}` after entry {after}:\n{shown}")) + 1;
    }
    // As instants: as texts `33.92Z` would stand after `33.925Z`.
    let times: Vec<jiff::Timestamp> = timeline
        .iter()
        .map(|entry| entry["at"].as_str().unwrap_or_default().parse().expect("a time"))
        .collect();
    assert!(times.is_sorted(), "{shown}");
    drop(prometheus);
}
