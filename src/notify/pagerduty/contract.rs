//! What PagerDuty documents of its events, checked by a server that refuses what the real one refuses. Never sends
//! beyond this machine.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{super::contract::dispatch, *};
use crate::{
    domain::{delivery::DeliveryKind, id::ContactName, person::Urgency},
    links::{Links, SigningKey},
    notify::AddressBook,
};

const KEY: &str = "0123456789abcdef0123456789ABCDEF";

struct Book(Url);

impl AddressBook for Book {
    fn address(&self, _: &PersonId, _: &ContactName) -> Option<Address> {
        Some(Address::PagerDuty(RoutingKey::new(KEY.into())))
    }
    fn pagerduty(&self) -> Url {
        self.0.clone()
    }
}

/// What is wrong with an event, as the documentation says it.
fn faults(event: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |good: bool, what: &str| {
        if !good {
            faults.push(what.to_owned());
        }
    };
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let known =
        ["routing_key", "event_action", "dedup_key", "payload", "links", "images", "client", "client_url"];
    let keys: BTreeSet<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
    must(keys.iter().all(|key| known.contains(key)), "unknown keys");
    must(text("/routing_key").len() == 32, "Length of 'routing_key' is incorrect (should be 32 characters)");
    must((1..=255).contains(&text("/dedup_key").len()), "'dedup_key' is too long or missing");
    let action = text("/event_action");
    must(["trigger", "acknowledge", "resolve"].contains(&action), "'event_action' is invalid");
    if action == "trigger" {
        must((1..=1024).contains(&text("/payload/summary").chars().count()), "'payload.summary' is invalid");
        must(!text("/payload/source").is_empty(), "'payload.source' is missing or blank");
        let severity = text("/payload/severity");
        must(["critical", "error", "warning", "info"].contains(&severity), "'payload.severity' is invalid");
        must(text("/payload/timestamp").parse::<jiff::Timestamp>().is_ok(), "'payload.timestamp' is invalid");
        must(
            event.pointer("/payload/custom_details").is_some_and(Value::is_object),
            "'custom_details' is no object",
        );
        let links = event.get("links").and_then(Value::as_array).cloned().unwrap_or_default();
        must(links.iter().all(|link| link["href"].is_string()), "'links' have no 'href'");
    }
    faults
}

/// The real one, as far as it is documented.
fn like_the_real_one(request: &Request) -> ResponseTemplate {
    let Ok(event) = serde_json::from_slice::<Value>(&request.body) else { return ResponseTemplate::new(400) };
    let faults = faults(&event);
    if !faults.is_empty() || request.body.len() > 512 * 1024 {
        let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": faults});
        return ResponseTemplate::new(400).set_body_json(body);
    }
    let body = json!({"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]});
    ResponseTemplate::new(202).set_body_json(body)
}

fn courier(url: &str) -> PagerDuty {
    PagerDuty::new(Parts {
        book: Arc::new(Book(format!("{url}/v2/enqueue").parse().unwrap())),
        links: Links::new("https://bell.example.com".parse().unwrap(), SigningKey::new("a key of this test")),
        limits: Limits { connect: Duration::from_millis(250), total: Duration::from_millis(400) },
    })
    .unwrap()
}

fn about(kind: DeliveryKind) -> Dispatch {
    let mut dispatch = dispatch(kind, Channel::PagerDuty, "pagerduty");
    dispatch.delivery.key = "abc123.PG-3.5".to_owned();
    dispatch
}

async fn sent(dispatch: &Dispatch) -> (Outcome, Value) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(like_the_real_one).mount(&server).await;
    let outcome = courier(&server.uri()).deliver(dispatch).await;
    let [request] = server.received_requests().await.unwrap().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/v2/enqueue"));
    (outcome, serde_json::from_slice(&request.body).unwrap())
}

#[tokio::test]
async fn one_page_is_one_alert_from_its_trigger_to_its_end() {
    let mut keys = BTreeSet::new();
    for (kind, action) in [
        (DeliveryKind::Page, "trigger"),
        (DeliveryKind::Acknowledged, "acknowledge"),
        (DeliveryKind::Resolved, "resolve"),
    ] {
        let (outcome, event) = sent(&about(kind)).await;
        assert_eq!(outcome, Outcome::Receipt("taken by PagerDuty: Event processed".to_owned()));
        assert_eq!(event["event_action"], action);
        assert_eq!(event["routing_key"], KEY);
        assert_eq!(event.get("payload").is_some(), action == "trigger");
        assert_eq!(event.get("links").is_some(), action == "trigger");
        keys.insert(event["dedup_key"].as_str().unwrap().to_owned());
    }
    assert_eq!(keys, BTreeSet::from(["abc123.PG-3".to_owned()]));
}

#[tokio::test]
async fn a_page_says_what_it_is_about_and_how_it_is_taken() {
    let (_, event) = sent(&about(DeliveryKind::Page)).await;
    let payload = &event["payload"];
    assert_eq!(payload["summary"], "P1: DiskFull día (G-17): disk of db-1 is full @everyone");
    assert_eq!(payload["severity"], "error");
    assert_eq!(payload["component"], "G-17");
    assert_eq!(payload["source"], "bell.example.com");
    let link = event["links"][0]["href"].as_str().unwrap();
    assert!(link.starts_with("https://bell.example.com/a/"), "{link}");
}

#[tokio::test]
async fn long_and_odd_texts_keep_to_the_limits() {
    for (severity, urgency, expected) in [
        (Some("P0"), Urgency::Urgent, "critical"),
        (Some("P3"), Urgency::Urgent, "error"),
        (None, Urgency::Urgent, "critical"),
        (Some("house on fire"), Urgency::Urgent, "critical"),
        (Some("P3"), Urgency::Routine, "info"),
        (Some("P2"), Urgency::Routine, "warning"),
    ] {
        let mut page = about(DeliveryKind::Page);
        page.facts.title = "é\u{0}\n".repeat(5000);
        page.facts.summary = "🔔 <b>\"".repeat(5000);
        page.facts.severity = severity.map(Into::into);
        page.facts.urgency = urgency;
        page.delivery.key = format!("{}.PG-3.5", "k".repeat(400));
        let (outcome, event) = sent(&page).await;
        assert!(matches!(outcome, Outcome::Receipt(_)), "{outcome:?} {event}");
        assert_eq!(event["payload"]["severity"], expected);
    }
}

#[tokio::test]
async fn only_its_own_words_are_a_receipt() {
    let answer = |status| ResponseTemplate::new(status).set_body_string(format!("no {KEY}"));
    for (response, refused, after) in [
        (answer(400), true, None),
        (answer(429).insert_header("Retry-After", "7"), false, Some(7)),
        (answer(503).insert_header("Retry-After", "9"), false, Some(9)),
        (answer(500), false, None),
        (answer(200), false, None),
        (answer(404), false, None),
        (answer(302).insert_header("Location", "https://elsewhere.example.com"), false, None),
        (ResponseTemplate::new(202).set_body_json(json!({"status": "no", "message": KEY})), false, None),
        (ResponseTemplate::new(202).set_body_bytes(vec![b'x'; 1024 * 1024]), false, None),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(response).mount(&server).await;
        let outcome = courier(&server.uri()).deliver(&about(DeliveryKind::Page)).await;
        assert!(!format!("{outcome:?}").contains(KEY), "{outcome:?}");
        match outcome {
            Outcome::Refused { .. } => assert!(refused),
            Outcome::TryAgain { after: pause, .. } => {
                assert!(!refused);
                assert_eq!(pause.map(|pause| pause.as_secs()), after);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_address_that_answers_is_found_and_no_event_is_sent() {
    struct Usual;
    impl AddressBook for Usual {
        fn address(&self, _: &PersonId, _: &ContactName) -> Option<Address> {
            None
        }
    }
    assert_eq!(Usual.pagerduty().as_str(), "https://events.pagerduty.com/v2/enqueue");
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(like_the_real_one).mount(&server).await;
    let url: Url = format!("{}/v2/enqueue", server.uri()).parse().unwrap();
    let finding = examine(&url, Limits::default()).await;
    assert!(finding.good.is_ok(), "{finding:?}");
    let [request] = server.received_requests().await.unwrap().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.body.len()), ("GET", 0));
    drop(server);
    let limits = Limits { connect: Duration::from_millis(250), total: Duration::from_millis(400) };
    assert!(examine(&"http://127.0.0.1:9".parse().unwrap(), limits).await.good.is_err());
}
