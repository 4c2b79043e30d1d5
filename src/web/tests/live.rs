//! The live stream: complete, in order, resumable, and for those only whom it concerns.

use futures_util::SinkExt as _;

use super::*;

fn number(frame: &Value) -> u64 {
    frame["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn a_stream_is_complete_and_goes_on_where_it_ended() {
    let server = Server::start("").await;
    let mut first = server.live("").await;
    assert_eq!(frame(&mut first).await.unwrap()["type"], "hello");
    for name in ["A", "B", "C"] {
        server.fire(name, "quiet").await;
    }
    let end = server.seq().await;
    let mut seen = Vec::new();
    while seen.last() != Some(&end.0) {
        let event = frame_that(&mut first, |frame| frame["type"] == "event").await;
        assert!(
            event["at"].is_string() && event["kind"].is_string() && event["event"].is_object(),
            "{event}"
        );
        seen.push(number(&event));
    }
    assert_eq!(seen, (1..=end.0).collect::<Vec<_>>());
    // Resumed from every place, also beyond one batch's worth of events.
    for from in 0..end.0 {
        let mut again = server.live(&format!("?from={from}")).await;
        let event = frame_that(&mut again, |frame| frame["type"] == "event").await;
        assert_eq!(number(&event), from + 1);
    }
    // What happens after the stream was opened follows without a break.
    let mut late = server.live(&format!("?from={end}")).await;
    server.fire("D", "quiet").await;
    assert_eq!(number(&frame_that(&mut late, |frame| frame["type"] == "event").await), end.0 + 1);
}

#[tokio::test]
async fn many_events_arrive_in_order() {
    let server = Server::start("").await;
    let alerts: Vec<Value> = (0..700).map(|number| alert(&format!("N{number}"), "quiet", "firing")).collect();
    assert_eq!(server.hook("open", &message(&alerts)).await.status(), 202);
    let end = server.seq().await;
    let mut socket = server.live("?from=0").await;
    for expected in 1..=end.0 {
        assert_eq!(number(&frame_that(&mut socket, |frame| frame["type"] == "event").await), expected);
    }
}

#[tokio::test]
async fn messages_go_to_channels_and_to_the_person_alone() {
    let server = Server::start("").await;
    let mut ana = server.live("?as=ana").await;
    let mut nobody = server.live("").await;
    let hello = |frame: &Value| frame["type"] == "hello";
    frame_that(&mut ana, hello).await;
    frame_that(&mut nobody, hello).await;
    server.fire("Down", "web").await;
    let page = frame_that(&mut ana, |frame| frame["type"] == "message" && frame["kind"] == "page").await;
    assert_eq!((&page["to"], &page["subject"]), (&json!("ana"), &json!("G-1")), "{page}");
    assert!(page["card"]["title"].as_str().unwrap().contains("Down"), "{page}");
    assert!(page.get("private").is_none());
    // The operator hears the channel, and of the page only its event. Which of the two comes first is open.
    let mut kinds = Vec::new();
    let mut told = false;
    while !told || kinds.is_empty() {
        let frame = frame(&mut nobody).await.unwrap();
        told |= frame["event"]["delivered"]["kind"] == "page";
        if frame["type"] == "message" {
            kinds.push((frame["to"].clone(), frame["kind"].clone()));
        }
    }
    assert!(kinds.iter().all(|(to, _)| to == "#ops"), "{kinds:?}");
    // Whoever comes later gets what the channel was told.
    let mut late = server.live("").await;
    let kept = frame_that(&mut late, |frame| frame["type"] == "message").await;
    assert_eq!(kept["to"], "#ops");
    assert_eq!(server.terminal.listeners(), 3);
}

#[tokio::test]
async fn a_stop_is_told_and_a_listener_may_leave() {
    let server = Server::start("").await;
    let mut leaving = server.live("").await;
    frame(&mut leaving).await.unwrap();
    leaving.close(None).await.unwrap();
    while leaving.next().await.is_some() {}
    let mut staying = server.live("").await;
    frame(&mut staying).await.unwrap();
    // What a listener says is not needed, and does no harm.
    staying.send(Message::Text("hello?".into())).await.unwrap();
    server.closing.send_replace(true);
    let close = loop {
        if let Message::Close(close) = staying.next().await.unwrap().unwrap() {
            break close.unwrap();
        }
    };
    assert_eq!(u16::from(close.code), 1001);
}

#[tokio::test]
async fn with_tokens_a_browser_shows_its_token_in_the_address() {
    let server = Server::start(TOKENS).await;
    let mut socket = server.live(&format!("?token={ANA}")).await;
    assert_eq!(frame(&mut socket).await.unwrap()["type"], "hello");
}

#[tokio::test]
async fn what_the_audit_keeps_for_admins_is_sent_to_nobody_else() {
    let more = r#"
[person.cleo]
name = "Cleo Duarte"
timezone = "Europe/London"
roles = ["responder", "admin"]
urgent = ["now: chat"]
[api]
tokens = [
    { person = "cleo", token = "token-for-all-0123456789" },
    { person = "cleo", token = "token-to-look-0123456789", role = "viewer" },
    { person = "ana", token = "token-of-ana-0123456789" },
]
"#;
    let server = Server::start(more).await;
    let (all, less) = ("token-for-all-0123456789", "token-to-look-0123456789");
    let damaged = crate::domain::intent::Intent::Upkeep(crate::domain::upkeep::UpkeepIntent::Damaged {
        found: crate::domain::upkeep::Damaged {
            file: "1.jsonl".into(),
            line: 7,
            seq: Seq(3),
            why: "its hash does not match".into(),
            unread: false,
        },
        reason: crate::domain::prose::Prose::new("damaged", [1; 16]),
    });
    server.running.engine.submit(crate::domain::event::TraceId(1), damaged).await.unwrap();
    let alert = message(&[alert("Down", "quiet", "firing")]);
    assert_eq!(server.hook("open", &alert).await.status(), 202);
    let kinds = async |secret: &str| {
        let mut socket = server.live(&format!("?from=0&token={secret}")).await;
        let mut kinds = Vec::new();
        while kinds.last().is_none_or(|kind| kind != "alert_fired") {
            let event = frame_that(&mut socket, |frame| frame["type"] == "event").await;
            kinds.extend(event["event"].as_object().unwrap().keys().cloned());
        }
        kinds
    };
    let sent = |kinds: &[String]| kinds.iter().any(|kind| kind == "upkeep");
    assert!(sent(&kinds(all).await));
    for secret in [less, ANA] {
        let kinds = kinds(secret).await;
        assert!(!sent(&kinds), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_day_of_its_token() {
    let server = Server::start(TOKENS).await;
    let config = server.running.engine.read(|look| Arc::clone(look.config)).await.unwrap();
    let mut socket = server.live(&format!("?token={ANA}")).await;
    assert_eq!(frame(&mut socket).await.unwrap()["type"], "hello");
    let until = crate::engine::clock::wall() + jiff::SignedDuration::from_millis(500);
    let token = config::ApiToken {
        person: "ana".into(),
        token: ANA.into(),
        name: None,
        role: None,
        until: Some(until),
    };
    server.access.send_replace(Arc::new(Access::new(&config, &[token], &BTreeMap::new())));
    let close = async {
        loop {
            if let Message::Close(close) = socket.next().await.unwrap().unwrap() {
                break close.unwrap();
            }
        }
    };
    let close = tokio::time::timeout(std::time::Duration::from_secs(30), close).await.unwrap();
    assert_eq!((u16::from(close.code), &*close.reason), (1008, "the token is not good any more"));
    assert!(crate::engine::clock::wall() >= until, "not before its time");
}
