//! PagerDuty from a real process: another team's pager rings, hears who took it, hears that it is over, and never sees
//! its key written down. Never calls the real one.

use std::fs;

use serde_json::{Value, json};

use crate::mail::doctor;
use crate::peer::{
    SOON,
    load::{self, INTEGRATION},
    server::{Request, Server},
    watchbell::Watchbell,
};

const KEY: &str = "0123456789abcdef0123456789ABCDEF";

fn config(port: u16) -> String {
    format!(
        r##"
[pagerduty]
url = "http://127.0.0.1:{port}"

[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"

[person.ana]
name = "Ana Ruiz"
roles = ["responder", "operator"]

[person.vendor]
name = "Vendor"
contacts = {{ pager = {{ pagerduty = {{ file = "key" }} }} }}

[policy.all]
steps = [{{ page = ["person:vendor"], wait = "1h" }}]

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
"##
    )
}

fn event(request: &Request) -> Value {
    serde_json::from_str(&request.body).unwrap_or_default()
}

#[test]
fn another_teams_pager_rings_and_hears_who_took_it_and_that_it_is_over() {
    let pagerduty = Server::start(|request| {
        let event = event(request);
        let taken =
            json!({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]});
        (202, taken.to_string())
    });
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("config")).expect("a folder");
    fs::write(folder.path().join("config/key"), KEY).expect("a file");
    let watchbell = Watchbell::here(folder.path(), &config(pagerduty.port));
    let wait = |action: &str| {
        let heard = pagerduty.wait(SOON, |request| event(request)["event_action"] == action);
        event(&heard.unwrap_or_else(|| panic!("no {action}\n{}", watchbell.process.tail())))
    };

    load::send(watchbell.port, &load::webhook(1)).expect("an answer");
    let rings = wait("trigger");
    assert_eq!(rings["payload"]["summary"], "P1: Load000001 (G-1): Load000001 is down");
    assert_eq!(rings["payload"]["severity"], "error");
    assert_eq!(rings["routing_key"], KEY);
    assert_eq!(watchbell.command("ana", "/ack G-1")["ok"], true);
    let taken = wait("acknowledge");
    let end = load::webhook(1).replace("\"status\":\"firing\"", "\"status\":\"resolved\"");
    load::send(watchbell.port, &end.replace("0001-01-01T00:00:00Z", "2026-11-01T00:01:00Z"))
        .expect("an answer");
    let over = wait("resolve");
    assert_eq!(taken["dedup_key"], rings["dedup_key"]);
    assert_eq!(over["dedup_key"], rings["dedup_key"]);
    assert!(pagerduty.heard().iter().all(|request| request.path == "/v2/enqueue"));
    assert_eq!(pagerduty.heard().len(), 3, "each is said once");

    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    assert!(!log.contains(KEY) && !journal.contains(KEY), "the routing key is written down");
    let found = doctor(folder.path());
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(said.contains("✓ PagerDuty, events at 127.0.0.1: it answers"), "{said}");
    assert!(!said.contains(KEY));
    let asked = pagerduty.heard();
    assert_eq!(asked.last().map(|request| request.method.as_str()), Some("GET"), "the doctor sends no event");
}

#[test]
fn a_key_that_is_refused_is_said_without_it_and_the_policy_goes_on() {
    let pagerduty =
        Server::start(|_| (400, format!("{{\"status\":\"invalid event\",\"errors\":[\"{KEY}\"]}}")));
    let phone = Server::start(|_| (200, String::new()));
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("config")).expect("a folder");
    fs::write(folder.path().join("config/key"), KEY).expect("a file");
    let next = format!(
        "steps = [{{ page = [\"person:vendor\"], wait = \"1h\" }}, {{ page = [\"person:ben\"], wait = \"1h\" }}]\n\n{}",
        load::person("ben", "Ben Okafor", phone.port)
    );
    let config =
        config(pagerduty.port).replace("steps = [{ page = [\"person:vendor\"], wait = \"1h\" }]", &next);
    let watchbell = Watchbell::here(folder.path(), &config);
    load::send(watchbell.port, &load::webhook(1)).expect("an answer");
    assert!(
        phone.wait(SOON, Request::is_page).is_some(),
        "nobody else is paged\n{}",
        watchbell.process.tail()
    );
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    assert!(journal.contains("PagerDuty refuses it (400 Bad Request)"), "{journal}");
    let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    assert!(!journal.contains(KEY) && !log.contains(KEY));
}
