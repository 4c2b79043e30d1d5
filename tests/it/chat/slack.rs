//! Slack: the contract of all platforms, and what is particular to it. Never needs the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use watchbell::{
    chat::{
        port::{Act, Failure, Link, Place, Platform, RoomPlan, Said},
        slack::{Answered, Delivery, Request, Slack},
    },
    text::{
        card::{Button, Card, Form, Input},
        chat::Remedy,
    },
};

use super::{
    contract::{Reaction, World, card, is_clean, saying, until},
    fake_slack::{BOT, SIGNING_SECRET, SlackWorld, now, options},
};
use crate::chat_contract;

chat_contract!(SlackWorld);

#[tokio::test]
async fn a_mention_is_a_command_and_answered_in_its_thread() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.script.says(Said { to_all: true, ..saying("INC-1 is open") });
    let asked = world.mentions(&ana, &room, None, "incident open P1 x & y");
    let heard = world.script.hears(1).await;
    assert_eq!(heard[0].act, Act::Command("/incident open P1 x & y".into()));
    assert_eq!(heard[0].room.as_ref().map(|room| &*room.name), Some("#ops"));
    let thread = until("the answer", || world.calls("chat.postMessage").pop()).await;
    assert_eq!(thread["thread_ts"], asked.as_str());
    // What only the person needs to know stays in the thread, too.
    world.script.says(saying("only you"));
    world.mentions(&ana, &room, Some(&asked), "version");
    assert_eq!(world.script.hears(2).await[1].act, Act::Command("/watchbell version".into()));
    let whisper = until("the whisper", || world.calls("chat.postEphemeral").pop()).await;
    assert_eq!((&whisper["thread_ts"], &whisper["user"]), (&json!(asked), &json!(ana)));
    // The bot's own words are nobody's command.
    world.mentions(BOT, &room, None, "incident open P1 x");
    world.command(&ana, &room, "/watchbell oncall now");
    assert_eq!(world.script.hears(3).await[2].act, Act::Command("/oncall now".into()));
    is_clean(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_slack_takes_away_is_replaced_without_a_gap() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let opened = world.calls("apps.connections.open").len();
    for round in 0..6 {
        world.script.forget();
        world.disconnects(if round % 2 == 0 { "warning" } else { "refresh_requested" });
        // The old one is still good while the new one is made.
        world.command(&ana, &room, &format!("/ack G-{round}"));
        world.script.hears(1).await;
        let connected = || world.calls("apps.connections.open").len() > opened + round;
        until("a new connection", || connected().then_some(())).await;
        world.command(&ana, &room, &format!("/ack H-{round}"));
        world.script.hears(2).await;
    }
    assert_eq!(world.script.links(), [Link::Up], "nobody noticed");
    is_clean(&world);
}

#[tokio::test]
async fn too_many_sockets_and_a_switch_that_is_off() {
    let world = SlackWorld::start().await;
    let greet = |greeting: Option<Value>| world.fake.state().habits.greeting = greeting;
    greet(Some(json!({"type": "disconnect", "reason": "too_many_websockets"})));
    world.closes();
    let last = || world.script.links().pop();
    until("down", || matches!(last(), Some(Link::Down(_))).then_some(())).await;
    greet(Some(json!({"type": "disconnect", "reason": "link_disabled"})));
    let off = Link::Broken(Remedy::Intent("Socket Mode".into()), "link_disabled".into());
    until("broken", || (last().as_ref() == Some(&off)).then_some(())).await;
    greet(None);
    until("up", || (last() == Some(Link::Up)).then_some(())).await;
    // What is no envelope is survived, and what is unknown is acknowledged.
    world.garbles();
    let before = world.fake.state().acknowledgements.len();
    world.fake.deliver("something_new", json!({"type": "x"}), None);
    until("it is acknowledged", || (world.fake.state().acknowledgements.len() > before).then_some(())).await;
    is_clean(&world);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_an_ordinary_message() {
    let world = SlackWorld::with(|options| options.answer_window = Duration::ZERO).await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.script.says(Said { to_all: true, ..saying("at last") });
    world.command(&ana, &room, "/status");
    until("the answer", || world.shown(&room).iter().any(|shown| shown.text == "at last").then_some(()))
        .await;
    let shown = world.shown(&room);
    assert!(shown[0].text.contains("longer than Slack keeps its place open"), "{shown:?}");
    assert_eq!(world.calls("chat.postMessage").len(), 2);
    // An address that Slack does not take any more.
    let world = SlackWorld::start().await;
    world.fake.state().habits.links_expired = true;
    world.script.says(saying("by another way"));
    world.command(&ana, &room, "/status");
    let whisper = until("the answer", || world.calls("chat.postEphemeral").pop()).await;
    assert_eq!(whisper["user"], ana.as_str());
    is_clean(&world);
}

#[tokio::test]
async fn more_answers_than_an_address_takes_all_arrive() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let cards = (0..8).map(|n| card(&format!("answer {n}"))).collect();
    world.script.says(Said { cards, to_all: false, ..Said::default() });
    world.command(&ana, &room, "/incident list");
    let shown = until("all answers", || Some(world.shown(&room)).filter(|shown| shown.len() == 8)).await;
    for (n, shown) in shown.iter().enumerate() {
        assert_eq!((&*shown.text, shown.only.as_ref()), (&*format!("answer {n}"), Some(&ana)));
    }
    is_clean(&world);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_not_said_twice() {
    let world = SlackWorld::start().await;
    let place = Place::Room(world.room("ops"));
    world.fake.state().habits.swallow = true;
    let lost = world.slack.send(&place, &card("DiskFull"), "d-1").await;
    assert!(matches!(lost, Err(Failure::TryAgain(_))), "{lost:?}");
    let found = world.slack.send(&place, &card("DiskFull"), "d-1").await.unwrap();
    let shown = world.shown(&world.room("ops"));
    assert_eq!((shown.len(), &shown[0].message), (1, &found));
    assert_eq!(world.calls("chat.postMessage").len(), 1);
    is_clean(&world);
}

#[tokio::test]
async fn answers_that_do_not_come_or_end_in_the_middle_are_no_second_message() {
    let world = SlackWorld::with(|options| options.request = Duration::from_millis(300)).await;
    let place = Place::Room(world.room("ops"));
    for (key, hangs) in [("d-1", true), ("d-2", false)] {
        world.fake.state().habits.hang = hangs;
        world.fake.state().habits.tear = !hangs;
        let lost = world.slack.send(&place, &card(key), key).await;
        assert!(matches!(lost, Err(Failure::TryAgain(_))), "{lost:?}");
        world.slack.send(&place, &card(key), key).await.unwrap();
    }
    assert_eq!(world.shown(&world.room("ops")).len(), 2);
    // In a thread and to a person it is the same.
    let root = world.shown(&world.room("ops"))[0].message.clone();
    for (key, place) in [("d-3", Place::Thread(root)), ("d-4", Place::Person(world.account("ana")))] {
        world.fake.state().habits.swallow = true;
        assert!(world.slack.send(&place, &card(key), key).await.is_err());
        world.slack.send(&place, &card(key), key).await.unwrap();
    }
    assert_eq!(world.calls("chat.postMessage").len(), 4);
    is_clean(&world);
}

#[tokio::test]
async fn a_short_pause_is_waited_for() {
    let world = SlackWorld::start().await;
    world.limit(1);
    world.slack.send(&Place::Room(world.room("ops")), &card("x"), "d-1").await.unwrap();
    assert_eq!(world.calls("chat.postMessage").len(), 2);
    is_clean(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_room_is_not_acknowledged_and_comes_again() {
    const ALL: usize = 300;
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let gate = Arc::new(tokio::sync::Notify::new());
    let after = Arc::clone(&gate);
    world.script.answers(move |_| Reaction::After(Arc::clone(&after), Said::default()));
    for number in 0..ALL {
        world.command(&ana, &room, &format!("/ack G-{number}"));
    }
    world.script.hears(256).await;
    until("the rest is left", || (world.fake.state().acknowledgements.len() == 256).then_some(())).await;
    assert_eq!(world.fake.state().unacknowledged.len(), ALL - 256);
    world.script.says(Said::default());
    until("the rest is heard", || {
        gate.notify_waiters();
        world.cut();
        (world.script.heard().len() == ALL).then_some(())
    })
    .await;
    let heard: BTreeSet<String> = world.script.heard().into_iter().map(|heard| heard.id).collect();
    assert_eq!(heard.len(), ALL);
    is_clean(&world);
}

#[tokio::test]
async fn a_room_made_before_a_crash_is_found_again() {
    let world = SlackWorld::start().await;
    let plan =
        RoomPlan { name: "inc-42".into(), topic: "P1".into(), private: false, key: "INC-42/room".into() };
    world.fake.state().habits.crash_after_create = true;
    let crashed = world.slack.create_room(&plan).await;
    assert!(matches!(crashed, Err(Failure::TryAgain(_))), "{crashed:?}");
    world.fake.state().habits.crash_after_create = false;
    world.fake.state().habits.down = false;
    let rooms = || world.fake.state().rooms.iter().filter(|room| room.name.starts_with("inc-42")).count();
    // A new process remembers nothing; neither does the one after it.
    let mut made = BTreeSet::new();
    for _ in 0..2 {
        let slack = Slack::new(options(&world.fake)).unwrap();
        let room = slack.create_room(&plan).await.unwrap();
        assert_eq!(room.name, "#inc-42");
        made.insert(room.id);
    }
    assert_eq!((made.len(), rooms()), (1, 1));
    let other = RoomPlan { key: "another".into(), ..plan };
    assert_eq!(world.slack.create_room(&other).await.unwrap().name, "#inc-42-2");
    is_clean(&world);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let world = SlackWorld::start().await;
    let answer = json!({"ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "x"});
    world.fake.state().habits.errors.insert("chat.postMessage".into(), answer);
    let refused = world.slack.send(&Place::Room(world.room("ops")), &card("x"), "d-1").await;
    let scope = |name: &str| Some(Remedy::Scope(name.to_owned()));
    assert_eq!(refused, Err(Failure::Refused { why: "missing_scope".into(), remedy: scope("chat:write") }));
    world.fake.state().habits.scopes = Some("chat:write,commands".into());
    let findings = world.slack.examine(&[]).await;
    let found = |what: &str| findings.iter().find(|finding| finding.what == what).unwrap().good.clone();
    assert!(
        found("bot token").is_ok() && found("app token").is_ok() && found("clock").is_ok(),
        "{findings:?}"
    );
    assert!(found("scope commands").is_ok());
    assert!(
        matches!(found("scope pins:write"), Err(Failure::Refused { remedy, .. }) if remedy == scope("pins:write"))
    );
    is_clean(&world);
}

pub fn form() -> Form {
    let input = |name: &str, optional: bool| Input {
        name: name.into(),
        label: name.into(),
        hint: String::new(),
        value: String::new(),
        optional,
        long: false,
        choices: Vec::new(),
    };
    let inputs = vec![input("text", false), input("more", true)];
    Form { title: "Note".into(), send: "Add".into(), command: "/incident note INC-3 {text}".into(), inputs }
}

#[tokio::test]
async fn a_form_that_is_not_complete_is_asked_for_again() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.script.says(Said { form: Some(form()), ..Said::default() });
    world.command(&ana, &room, "/incident note INC-3");
    until("the form", || world.form(&ana)).await;
    let values = |text: &str| BTreeMap::from([("text".to_owned(), text.to_owned())]);
    world.submit(&ana, &values("   "));
    let errors = until("the errors", || world.form_errors(&ana)).await;
    assert_eq!(errors, json!({"text": "Please fill this in."}));
    assert_eq!(world.script.heard().len(), 1, "nothing was heard of it");
    world.submit(&ana, &values("done"));
    let heard = world.script.hears(2).await;
    assert!(matches!(&heard[1].act, Act::Submit { values, .. } if values["text"] == "done"));
    is_clean(&world);
}

#[tokio::test]
async fn a_form_that_comes_too_late_says_so() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let gate = Arc::new(tokio::sync::Notify::new());
    let after = Arc::clone(&gate);
    let said = Said { form: Some(form()), ..Said::default() };
    world.script.answers(move |_| Reaction::After(Arc::clone(&after), said.clone()));
    world.command(&ana, &room, "/incident note INC-3");
    world.script.hears(1).await;
    world.triggers_expire();
    gate.notify_one();
    let words = "The form could not be shown";
    until("it is said", || world.shown(&room).iter().any(|shown| shown.text.contains(words)).then_some(()))
        .await;
    assert_eq!(world.form(&ana), None);
    is_clean(&world);
}

#[tokio::test]
async fn a_command_too_long_for_a_button_is_shown_as_text() {
    let world = SlackWorld::start().await;
    let room = world.room("ops");
    let long = Card { buttons: vec![Button::new("Note", "/x ".repeat(700))], ..card("INC-3") };
    world.slack.send(&Place::Room(room.clone()), &long, "d-1").await.unwrap();
    let shown = world.shown(&room).pop().unwrap();
    assert!(shown.buttons.is_empty() && shown.text.contains("Note: write /x /x"), "{shown:?}");
    is_clean(&world);
}

fn signed(body: &str, at: i64, secret: &str) -> HeaderMap {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert("X-Slack-Request-Timestamp", at.to_string().parse().unwrap());
    headers.insert("X-Slack-Signature", signature.parse().unwrap());
    headers
}

#[tokio::test]
async fn slack_by_http_goes_the_same_way_and_takes_nothing_that_is_not_signed() {
    let world = SlackWorld::with(|options| options.app_token = None).await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let inbox = world.listening.as_ref().unwrap().inbox();
    let at = now().as_second();
    let take = |delivery, headers: &HeaderMap, body: &str| {
        inbox.take(Request { delivery, headers, body: body.as_bytes() })
    };
    let ok = |body: Option<&str>| Answered { status: StatusCode::OK, body: body.map(str::to_owned) };
    let challenge = r#"{"token":"x","challenge":"3eZb","type":"url_verification"}"#;
    let answer = take(Delivery::Event, &signed(challenge, at, SIGNING_SECRET), challenge);
    assert_eq!(answer, ok(Some(r#"{"challenge":"3eZb"}"#)));

    world.script.says(saying("heard by HTTP"));
    let fields = world.fake.slash(&ana, &room.0, "/incident open P1 a & b");
    let fields = fields.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = signed(&body, at, SIGNING_SECRET);
    assert_eq!(take(Delivery::Command, &headers, &body), ok(None));
    let heard = world.script.hears(1).await;
    assert_eq!(heard[0].act, Act::Command("/incident open P1 a & b".into()));
    until("the answer", || world.shown(&room).iter().any(|shown| shown.text.contains("HTTP")).then_some(()))
        .await;

    let refused: Answered = StatusCode::UNAUTHORIZED.into();
    assert_eq!(take(Delivery::Command, &headers, &body), refused, "replayed");
    assert_eq!(take(Delivery::Command, &signed(&body, at - 301, SIGNING_SECRET), &body), refused, "old");
    assert_eq!(take(Delivery::Command, &signed(&body, at, "another"), &body), refused);
    assert_eq!(take(Delivery::Command, &HeaderMap::new(), &body), refused);
    assert_eq!(take(Delivery::Command, &headers, "command=%2Fx"), refused);
    // Sent again with a new signature, as Slack does: acknowledged, and heard once.
    assert_eq!(take(Delivery::Command, &signed(&body, at + 1, SIGNING_SECRET), &body), ok(None));
    let nothing = take(Delivery::Interaction, &signed("x=1", at, SIGNING_SECRET), "x=1");
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    assert_eq!((world.script.heard().len(), world.script.links()), (1, vec![Link::Up]));
    is_clean(&world);
}

#[tokio::test]
async fn what_was_acknowledged_is_heard_and_answered_before_the_end() {
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.script.says(Said { to_all: true, ..saying("before the end") });
    let message = world.write(&ana, &room, "x");
    for number in 0..10 {
        world.react(&ana, &message, &format!("r{number}"), true);
    }
    world.command(&ana, &room, "/status");
    until("all is acknowledged", || (world.fake.state().acknowledgements.len() == 12).then_some(())).await;
    let SlackWorld { fake, script, listening, .. } = world;
    listening.unwrap().stop().await;
    assert_eq!(script.heard().len(), 11);
    until("the socket is closed", || fake.state().connections.is_empty().then_some(())).await;
    assert_eq!(fake.violations(), Vec::<String>::new());
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

#[tokio::test]
async fn no_secret_is_in_a_log_or_in_anything_that_is_printed() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = SlackWorld::start().await;
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.script.answers(|_| Reaction::Panic);
    world.command(&ana, &room, "/status");
    until("it is said", || world.shown(&room).pop()).await;
    world.fake.state().habits.links_expired = true;
    world.command(&ana, &room, "/status");
    until("it is said", || world.calls("chat.postEphemeral").pop()).await;
    world.revoke(true);
    world.cut();
    until("broken", || matches!(world.script.links().pop(), Some(Link::Broken(..))).then_some(())).await;
    tracing::info!(options = ?options(&world.fake), "tried");
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    // Only what we say ourselves: what others log at this level is filtered out where logs are set up.
    let ours: Vec<&str> =
        log.lines().filter(|line| line.contains("watchbell") || line.contains("it::")).collect();
    assert!(ours.iter().any(|line| line.contains("tried")), "{log}");
    assert!(!ours.iter().any(|line| line.contains("s3cret")), "{ours:#?}");
}
