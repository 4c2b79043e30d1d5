//! What every courier promises, tried with each one of the registry against a local server that is slow, broken
//! or hostile: a receipt only for 2xx, its own timeout, no redirect followed, and no secret in anything it says.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::*;
use crate::{
    config::{Address, Encryption, Mail, RoutingKey, SecretUrl},
    domain::{
        delivery::{Channel, Delivery, DeliveryKind, Outcome},
        facts::{Facts, Standing},
        id::{DeliveryId, GroupId, IncidentId, PageId},
        page::PageReason,
    },
    links::SigningKey,
};

const SECRETS: [&str; 4] = ["s3cret-path", "s3cret-query", "s3cret-user", "s3cret-password"];

/// Everybody's contact leads to one server; the contact's name says over which channel.
struct Book(Url);

impl AddressBook for Book {
    fn address(&self, person: &PersonId, contact: &ContactName) -> Option<Address> {
        let url = self.0.clone();
        match (person.as_str(), contact.as_str()) {
            ("ana", "hook") => Some(Address::Hook(url)),
            ("ana", "ntfy") => Some(Address::Ntfy { server: url, topic: "s3cret-path-topic".into() }),
            ("ana", "mail") => Some(Address::Mail("s3cret-user@example.com".into())),
            ("ana", "pagerduty") => {
                Some(Address::PagerDuty(RoutingKey::new("s3cret-password0s3cret-password0".into())))
            }
            ("ana", "wrong") => Some(Address::Hook("ftp://s3cret-path.example.com/".parse().unwrap())),
            _ => None,
        }
    }

    fn mail(&self) -> Option<Arc<Mail>> {
        let mut smtp = Url::parse("smtp://s3cret-user:s3cret-password@h").unwrap();
        smtp.set_host(self.0.host_str()).unwrap();
        smtp.set_port(self.0.port()).unwrap();
        Some(Arc::new(Mail {
            smtp: SecretUrl::new(smtp),
            encryption: Encryption::Never,
            password: None,
            from: "Watchbell <bell@example.com>".to_owned(),
            trusted: Vec::new(),
        }))
    }

    fn pagerduty(&self) -> Url {
        self.0.clone()
    }
}

fn address(server: &str) -> Url {
    let host = server.trim_start_matches("http://").trim_end_matches('/');
    format!("http://s3cret-user:s3cret-password@{host}/s3cret-path?token=s3cret-query").parse().unwrap()
}

fn parts(url: Url) -> Parts {
    Parts {
        book: Arc::new(Book(url)),
        links: Links::new(
            "https://bell.example.com/w".parse().unwrap(),
            SigningKey::new("key of the contract test"),
        ),
        limits: Limits { connect: Duration::from_millis(250), total: Duration::from_millis(300) },
    }
}

pub(super) fn dispatch(kind: DeliveryKind, channel: Channel, contact: &str) -> Dispatch {
    let subject = Subject::Group(GroupId(17), Some(IncidentId(7)));
    let at = "2026-11-23T09:00:00.5Z".parse().unwrap();
    Dispatch {
        offers: crate::domain::offer::Offers::default(),
        delivery: Delivery {
            id: DeliveryId(5),
            kind,
            subject,
            page: Some(PageId(3)),
            to: Recipient::Person { person: "ana".into(), contact: contact.into() },
            channel,
            key: "d5-key".into(),
            revision: 0,
            notice: None,
            said: None,
            room: None,
            attempts: 2,
            failures: 1,
            due: at,
            leaving: true,
        },
        facts: Facts {
            subject,
            title: "DiskFull día".into(),
            summary: "disk of db-1 is full\u{0}\n@everyone".into(),
            severity: Some("P1".into()),
            urgency: crate::domain::person::Urgency::Urgent,
            standing: Standing::Open,
            incident: None,
            group: None,
            storm: None,
            paging: false,
            reason: Some(PageReason::Fired),
            by: None,
            run: None,
            silence: None,
        },
        at,
        edits: None,
        linked: std::collections::BTreeMap::new(),
    }
}

/// Every courier of the registry with a page for it.
fn each(url: &Url) -> Vec<(Arc<dyn Courier>, Dispatch)> {
    let couriers = couriers(&parts(url.clone())).unwrap();
    assert!(!couriers.is_empty());
    couriers
        .into_iter()
        .map(|courier| {
            let channel = courier.channel();
            (courier, dispatch(DeliveryKind::Page, channel, channel.as_str()))
        })
        .collect()
}

pub(super) fn assert_no_secret(said: &str) {
    for secret in SECRETS {
        assert!(!said.contains(secret), "leaks {secret}: {said}");
    }
}

/// Delivers once by the couriers that take any 2xx for a receipt.
async fn any_server(url: Url) -> Vec<Outcome> {
    by(url, &[Channel::Hook, Channel::Ntfy]).await
}

/// Delivers once by every courier.
async fn all(url: Url) -> Vec<Outcome> {
    by(url, &Channel::ALL).await
}

/// Delivers once by each of these; nothing that is said, not even in a debug log, may hold a secret.
async fn by(url: Url, channels: &[Channel]) -> Vec<Outcome> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut outcomes = Vec::new();
    for (courier, dispatch) in each(&url) {
        if !channels.contains(&courier.channel()) {
            continue;
        }
        let begun = Instant::now();
        let outcome = courier.deliver(&dispatch).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "obeys its own timeout");
        assert_no_secret(&format!("{outcome:?}"));
        tracing::info!(?outcome, address = ?Address::Hook(url.clone()), "tried");
        outcomes.push(outcome);
    }
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("tried"));
    assert_no_secret(&log);
    outcomes
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn answering(response: ResponseTemplate) -> (MockServer, Vec<Outcome>) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    let outcomes = any_server(address(&server.uri())).await;
    (server, outcomes)
}

#[tokio::test]
async fn only_2xx_is_a_receipt() {
    for status in [200, 201, 202, 204] {
        let (_server, outcomes) = answering(ResponseTemplate::new(status)).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Receipt(_))), "{outcomes:?}");
    }
    for status in [300, 400, 401, 403, 404, 408, 410, 413, 429, 500, 502, 503, 504, 599] {
        let body = "s3cret-path in the answer";
        let (_server, outcomes) = answering(ResponseTemplate::new(status).set_body_string(body)).await;
        for outcome in outcomes {
            let Outcome::TryAgain { after: None, why } = outcome else { panic!("{status}: {outcome:?}") };
            assert!(why.contains(&status.to_string()), "{why}");
        }
    }
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_that_it_asks_for() {
    for (status, after, expected) in [
        (429, "7", Some(7)),
        (503, "Mon, 23 Nov 2026 09:01:00 GMT", Some(59)),
        (503, "whenever", None),
        (500, "7", None),
    ] {
        let response = ResponseTemplate::new(status).insert_header("Retry-After", after);
        for outcome in answering(response).await.1 {
            let Outcome::TryAgain { after, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(after.map(|pause| pause.as_secs()), expected);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 303, 307, 308] {
        let response = ResponseTemplate::new(status).insert_header("Location", elsewhere.uri());
        for outcome in answering(response).await.1 {
            assert!(
                matches!(&outcome, Outcome::TryAgain { why, .. } if why.contains("redirects")),
                "{outcome:?}"
            );
        }
    }
}

/// A server that reads a little, writes these bytes and then, if told so, keeps the connection open.
async fn raw(answer: Vec<u8>, hold: bool) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = address(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 4096]).await);
            drop(stream.write_all(&answer).await);
            if hold {
                open.push(stream);
            }
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_in_time() {
    for part in [&b""[..], b"HTTP/1.1 20"] {
        for outcome in all(raw(part.to_vec(), true).await).await {
            let Outcome::TryAgain { after: None, why } = outcome else { panic!("{outcome:?}") };
            assert!(why.starts_with("no answer") && why.ends_with("within 300ms"), "{why}");
        }
    }
}

#[tokio::test]
async fn garbage_and_a_closed_door_are_tried_again() {
    for answer in [&b"\x00\xff garbage \r\n\r\n"[..], b"", b"HTTP/1.1 999999 s3cret-path\r\n\r\n"] {
        for outcome in all(raw(answer.to_vec(), false).await).await {
            assert!(matches!(outcome, Outcome::TryAgain { after: None, .. }), "{outcome:?}");
        }
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for outcome in all(address(&format!("http://{closed}"))).await {
        let Outcome::TryAgain { after: None, why } = outcome else { panic!("{outcome:?}") };
        assert!(why.starts_with("no ") && why.ends_with(": connection refused"), "{why}");
    }
    for outcome in all(address("http://no-such-host.invalid")).await {
        assert!(matches!(outcome, Outcome::TryAgain { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_huge_answer_or_one_that_never_ends_is_not_read() {
    let huge = vec![b'x'; 20 * 1024 * 1024];
    let (_server, outcomes) = answering(ResponseTemplate::new(200).set_body_bytes(huge)).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Receipt(_))), "{outcomes:?}");
    let endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx".to_vec();
    for outcome in any_server(raw(endless, true).await).await {
        assert_eq!(outcome, Outcome::Receipt("answered 200 OK".to_owned()));
    }
    let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 5 * 1024 * 1024]].concat();
    for outcome in all(raw(head, false).await).await {
        assert!(matches!(outcome, Outcome::TryAgain { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_contact_that_is_gone_or_of_another_kind_is_refused() {
    for courier in couriers(&parts(address("http://127.0.0.1:1"))).unwrap() {
        let other = if courier.channel() == Channel::Hook { "ntfy" } else { "hook" };
        for contact in ["gone", "wrong", other] {
            let outcome = courier.deliver(&dispatch(DeliveryKind::Page, courier.channel(), contact)).await;
            assert!(matches!(outcome, Outcome::Refused { .. }), "{contact}: {outcome:?}");
            assert_no_secret(&format!("{outcome:?}"));
        }
        let mut to_channel = dispatch(DeliveryKind::Page, courier.channel(), "x");
        to_channel.delivery.to = Recipient::Channel("#ops".into());
        assert!(matches!(courier.deliver(&to_channel).await, Outcome::Refused { .. }));
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}

async fn requests(kind: DeliveryKind, channel: Channel) -> (Parts, Request) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let parts = parts(address(&server.uri()));
    let courier = couriers(&parts).unwrap().into_iter().find(|courier| courier.channel() == channel).unwrap();
    let outcome = courier.deliver(&dispatch(kind, channel, channel.as_str())).await;
    assert_eq!(outcome, Outcome::Receipt("answered 204 No Content".to_owned()));
    let [request] = server.received_requests().await.unwrap().try_into().unwrap();
    (parts, request)
}

#[tokio::test]
async fn a_hook_receives_what_is_promised() {
    let (parts, request) = requests(DeliveryKind::Page, Channel::Hook).await;
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!((request.url.path(), request.url.query()), ("/s3cret-path", Some("token=s3cret-query")));
    let t = dispatch(DeliveryKind::Page, Channel::Hook, "hook").at;
    let link = parts.links.acknowledge(
        Target::Group(GroupId(17)),
        Some(&PersonId::new("ana")),
        t.saturating_add(LINK_LASTS).unwrap(),
    );
    assert_eq!(
        String::from_utf8(request.body.clone()).unwrap(),
        format!(
            r#"{{"id":"D-5","kind":"page","person":"ana","summary":"disk of db-1 is full @everyone","severity":"P1","incident":"INC-7","group":"G-17","ack_url":"{link}","attempt":2,"sent_at":"2026-11-23T09:00:00.5Z"}}"#
        )
    );
    let signature = parts.links.key().signature(t.as_second(), &request.body);
    assert_eq!(header(&request, "Watchbell-Signature"), Some(signature.as_str()));
    assert_eq!(header(&request, "Idempotency-Key"), Some("d5-key"));
    assert_eq!(header(&request, "Content-Type"), Some("application/json"));
    let token = link.path_segments().unwrap().next_back().unwrap();
    assert_eq!(parts.links.verify(token).and_then(|claim| claim.at(t)).unwrap().person, Some("ana".into()));

    let (_, request) = requests(DeliveryKind::Resolved, Channel::Hook).await;
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((body["kind"].as_str(), body["ack_url"].as_str()), (Some("resolved"), None));
}

#[tokio::test]
async fn a_push_has_title_priority_tags_and_an_acknowledge_action() {
    let (_, request) = requests(DeliveryKind::Page, Channel::Ntfy).await;
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), "/s3cret-path/s3cret-path-topic");
    assert_eq!(header(&request, "Title"), Some("=?UTF-8?B?UDE6IERpc2tGdWxsIGTDrWEgKEctMTcp?="));
    assert_eq!(header(&request, "Priority"), Some("urgent"));
    assert_eq!(header(&request, "Tags"), Some("rotating_light"));
    let actions = header(&request, "Actions").unwrap();
    assert!(actions.starts_with("http, Acknowledge, https://bell.example.com/w/a/"), "{actions}");
    assert!(actions.ends_with(", method=POST, clear=true"), "{actions}");
    assert!(header(&request, "Authorization").unwrap().starts_with("Basic "));
    let body = String::from_utf8(request.body).unwrap();
    assert!(body.starts_with("disk of db-1 is full @everyone\n"), "{body}");

    let (_, request) = requests(DeliveryKind::Resolved, Channel::Ntfy).await;
    assert_eq!(header(&request, "Priority"), Some("low"));
    assert_eq!(header(&request, "Tags"), Some("white_check_mark"));
    assert_eq!(header(&request, "Actions"), None);
}
