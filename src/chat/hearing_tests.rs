//! What is heard, over an engine in memory: platforms that are away, strangers, and forms. Never a real platform.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;

use super::*;
use crate::{
    chat::port::{Failure, Finding, Picture, Place, Room, RoomId, RoomPlan, Words, Work},
    command::{Commands, Registry},
    domain::{id::IncidentId, link::LinkIntent, person::Person},
    engine::{run::Running, testing},
    text::card::Card,
    views::Views,
};

/// A platform that is never asked for anything but an account; it counts how often.
#[derive(Default)]
struct Silent(AtomicUsize);

fn never<T: Send + 'static>() -> Work<'static, T> {
    Box::pin(std::future::ready(Err(Failure::Gone("not here".into()))))
}

impl Platform for Silent {
    fn channel(&self) -> Channel {
        Channel::Slack
    }
    fn send<'a>(&'a self, _: &'a Place, _: &'a Card, _: &'a str) -> Work<'a, MessageRef> {
        never()
    }
    fn edit<'a>(&'a self, _: &'a MessageRef, _: &'a Card) -> Work<'a, ()> {
        never()
    }
    fn picture<'a>(&'a self, _: &'a Place, _: &'a Picture, _: &'a str) -> Work<'a, MessageRef> {
        never()
    }
    fn read<'a>(&'a self, _: &'a MessageRef) -> Work<'a, Words> {
        never()
    }
    fn pin<'a>(&'a self, _: &'a MessageRef) -> Work<'a, ()> {
        never()
    }
    fn create_room<'a>(&'a self, _: &'a RoomPlan) -> Work<'a, Room> {
        never()
    }
    fn set_topic<'a>(&'a self, _: &'a RoomId, _: &'a str) -> Work<'a, ()> {
        never()
    }
    fn invite<'a>(&'a self, _: &'a RoomId, _: &'a [String]) -> Work<'a, ()> {
        never()
    }
    fn archive<'a>(&'a self, _: &'a RoomId) -> Work<'a, ()> {
        never()
    }
    fn find_room<'a>(&'a self, _: &'a str) -> Work<'a, Room> {
        never()
    }
    fn account<'a>(&'a self, id: &'a str) -> Work<'a, port::Account> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let mail = matches!(id, "UMAIL" | "UBOT").then(|| "ben@example.com".to_owned());
        let told = port::Account { id: id.into(), name: id.into(), mail, bot: id == "UBOT" };
        Box::pin(std::future::ready(Ok(told)))
    }
    fn examine<'a>(&'a self, _: &'a [String]) -> Pin<Box<dyn Future<Output = Vec<Finding>> + Send + 'a>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

/// ana by her account, ben by his mail address.
struct Book;

impl AccountBook for Book {
    fn account(&self, _: &PersonId, _: Channel) -> Option<String> {
        None
    }
    fn person(&self, account: &str, _: Channel) -> Option<PersonId> {
        (account == "UANA").then(|| "ana".into())
    }
    fn person_by_mail(&self, mail: &str) -> Option<PersonId> {
        (mail == "ben@example.com").then(|| "ben".into())
    }
}

struct House {
    hearing: Arc<Hearing>,
    platform: Arc<Silent>,
    faults: watch::Receiver<Vec<String>>,
    engine: crate::engine::Engine,
    _running: Running,
    _folder: tempfile::TempDir,
}

fn house() -> House {
    house_where(Strangers::Look)
}

fn house_where(strangers: Strangers) -> House {
    let person = |id: &str, role| Person {
        id: id.into(),
        name: id.to_owned(),
        zone: TimeZone::UTC,
        role,
        contacts: vec![("chat".into(), Channel::Chat)],
        urgent: Vec::new(),
        routine: Vec::new(),
    };
    let people = [person("ana", Role::Admin), person("ben", Role::Responder), person("eve", Role::Viewer)];
    let example = crate::config::load(None, &|_| None).unwrap().config;
    let config = Config {
        people: people.map(|one| (one.id.clone(), one)).into(),
        severities: example.severities.clone(),
        platforms: [(Channel::Slack, None)].into(),
        strangers: [(Channel::Slack, strangers)].into(),
        ..Config::default()
    };
    let (running, reader) = testing::in_memory(Arc::new(config), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk {
        engine: running.engine.clone(),
        views: Views::start(folder.path().join("views"), reader, |_| {}),
        commands: Commands::new(Registry::builtin()),
        salt: Arc::new(|| [7; 16]),
        upkeep: None,
        release: "0.1.0".into(),
        care: crate::command::Care::default(),
    };
    let (told, faults) = watch::channel(Vec::new());
    let engine = running.engine.clone();
    let hearing = Hearing::new(desk, Arc::new(Book), Habits::default(), Metrics::default(), told);
    let platform = Arc::new(Silent::default());
    hearing.know(Arc::clone(&platform) as Arc<dyn Platform>);
    House { hearing: Arc::new(hearing), platform, faults, engine, _running: running, _folder: folder }
}

fn heard(id: &str, account: &str, text: &str) -> Heard {
    Heard {
        id: id.into(),
        channel: Channel::Slack,
        workspace: "T1".into(),
        account: account.into(),
        room: None,
        at: None::<Timestamp>,
        act: Act::Command(text.into()),
    }
}

/// Whether somebody has the first incident.
async fn taken(house: &House) -> bool {
    let taken = house.engine.read(|look| look.state.incidents[&IncidentId(1)].acknowledged.is_some());
    taken.await.unwrap()
}

/// How many pages run. The engine has a thread of its own, and a paused clock would run ahead of its answer.
async fn pages(house: &House) -> usize {
    tokio::time::resume();
    let pages = house.engine.read(|look| look.state.pages.len()).await.unwrap();
    tokio::time::pause();
    pages
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_away_for_a_minute_pages_the_admins_once_and_is_a_fault_until_it_is_back() {
    let mut house = house();
    house.hearing.link(Channel::Slack, Link::Up);
    let watch = tokio::spawn(Arc::clone(&house.hearing).watch(Duration::from_secs(5)));
    house.hearing.link(Channel::Slack, Link::Down("no network".into()));
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!(house.faults.borrow().len(), 0, "not yet a minute");
    let [trouble] = &house.engine.ways().troubles()[..] else { panic!("who asks is told at once") };
    assert_eq!((trouble.channel, trouble.since), (Channel::Slack, Duration::from_secs(55)));
    assert!(trouble.why.contains("no network"), "{trouble:?}");
    assert_eq!(pages(&house).await, 0, "nor is anybody paged");
    house.faults.wait_for(|faults| !faults.is_empty()).await.unwrap();
    assert!(house.faults.borrow()[0].contains("no network"));
    assert_eq!(pages(&house).await, 1, "ana is an admin, ben is not");
    // The reason changes, the outage is the same one.
    house.hearing.link(Channel::Slack, Link::Broken(text::chat::Remedy::Install, "gone".into()));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(pages(&house).await, 1, "once");
    house.hearing.link(Channel::Slack, Link::Up);
    house.faults.wait_for(Vec::is_empty).await.unwrap();
    assert_eq!(house.engine.ways().troubles(), []);
    watch.abort();
}

#[tokio::test]
async fn what_is_strange_is_counted_by_its_kind() {
    let house = house();
    let kinds = [
        (Strange::Unreadable, "chat_payload"),
        (Strange::TooLong, "too_large"),
        (Strange::Foreign, "chat_foreign"),
        (Strange::Forgotten, "chat_forgotten"),
        (Strange::Incomplete, "chat_form"),
    ];
    for (what, kind) in kinds {
        house.hearing.strange(Channel::Discord, what);
        let line = format!("watchbell_bad_input_total{{kind=\"{kind}\"}} 1");
        assert!(house.hearing.metrics.render().contains(&line), "{line}");
    }
}

#[tokio::test]
async fn a_person_is_known_by_account_or_by_verified_mail_and_a_stranger_may_look() {
    let house = house();
    let said = house.hearing.hear(heard("1", "UANA", "/incident open P1 it is down")).await;
    assert!(said.to_all && said.cards[0].title.contains("INC-1"), "{said:?}");
    let said = house.hearing.hear(heard("2", "UMAIL", "/incident note INC-1 mine")).await;
    assert!(said.to_all, "{said:?}");
    let said = house.hearing.hear(heard("3", "UOTHER", "/incident list")).await;
    assert!(!said.to_all && said.cards[0].title.contains("open"), "{said:?}");
    let said = house.hearing.hear(heard("4", "UOTHER", "/incident resolve INC-1")).await;
    assert!(said.cards[0].text.contains("slack = \"UOTHER\""), "{said:?}");
}

#[tokio::test]
async fn what_is_told_twice_is_done_once() {
    let house = house();
    for _ in 0..2 {
        house.hearing.hear(heard("1", "UANA", "/incident open P1 it is down")).await;
    }
    let incidents = house.engine.read(|look| look.state.incidents.len()).await.unwrap();
    assert_eq!(incidents, 1);
}

#[tokio::test(start_paused = true)]
async fn a_blocked_engine_leaves_nobody_without_a_word_and_does_nothing_late() {
    let house = house();
    let (open, shut) = std::sync::mpsc::channel::<()>();
    let engine = house.engine.clone();
    let blocked = tokio::spawn(async move { engine.read(move |_| shut.recv().is_err()).await });
    tokio::task::yield_now().await;
    let said = house.hearing.hear(heard("1", "UANA", "/incident open P1 it is down")).await;
    assert_eq!(said.cards, [text::chat::not_taken(true)]);
    tokio::time::resume();
    drop(open);
    blocked.await.unwrap().unwrap();
    assert_eq!(incidents(&house).await, 0, "nothing is done late");
    let said = house.hearing.hear(heard("2", "UANA", "/incident open P1 it is down")).await;
    assert!(said.to_all, "{said:?}");
}

#[tokio::test]
async fn what_the_platform_kept_for_too_long_is_not_done_and_said_so() {
    let house = house();
    let now = house.engine.read(|look| look.now.civil).await.unwrap();
    let at = |minutes| Some(now - SignedDuration::from_mins(minutes));
    let open = |id: &str, at| Heard { at, ..heard(id, "UANA", "/incident open P1 it is down") };
    let said = house.hearing.hear(open("1", at(7))).await;
    assert!(said.cards[0].text.contains("7 minutes late") && incidents(&house).await == 0, "{said:?}");
    assert!(house.hearing.hear(open("2", at(4))).await.to_all);
    // A clock that is behind is no reason to be deaf.
    assert!(house.hearing.hear(open("3", at(-60))).await.to_all);
    assert_eq!(incidents(&house).await, 2);
}

async fn incidents(house: &House) -> usize {
    house.engine.read(|look| look.state.incidents.len()).await.unwrap()
}

#[tokio::test]
async fn a_platform_is_asked_for_an_account_once_in_a_while_and_a_bot_is_nobody() {
    let house = house();
    let asked = |house: &House| house.platform.0.load(Ordering::Relaxed);
    house.hearing.hear(heard("0", "UANA", "/incident open P1 it is down")).await;
    assert_eq!(asked(&house), 0, "whom the configuration names");
    for id in ["1", "2", "3"] {
        house.hearing.hear(heard(id, "UMAIL", "/incident note INC-1 mine")).await;
    }
    assert_eq!(asked(&house), 1);
    tokio::time::pause();
    tokio::time::advance(TOLD_FOR).await;
    tokio::time::resume();
    house.hearing.hear(heard("4", "UMAIL", "/incident note INC-1 mine")).await;
    assert_eq!(asked(&house), 2);
    let said = house.hearing.hear(heard("5", "UBOT", "/incident resolve INC-1")).await;
    assert!(said.cards[0].text.contains("nobody's"), "{said:?}");
    for number in 0..TOLD + 10 {
        let account = format!("U{number}");
        house.hearing.told(&account, Channel::Slack).await.unwrap();
    }
    assert!(house.hearing.told.lock().unwrap().len() <= TOLD);
}

#[tokio::test]
async fn a_button_asks_who_presses_it_and_a_viewer_or_a_stranger_changes_nothing() {
    let house = house();
    house.hearing.hear(heard("1", "UANA", "/incident open P1 it is down")).await;
    let code = crate::domain::link::Code::new([7; 16]).shown();
    let offer = LinkIntent::Offer {
        person: "eve".into(),
        code: crate::domain::link::Code::new([7; 16]),
        salt: [7; 16],
    };
    house.engine.submit(observe::trace(), Intent::Link(offer)).await.unwrap();
    let said = house.hearing.hear(heard("2", "UEVE", &format!("/me link {code}"))).await;
    assert!(!said.to_all && said.cards[0].title.contains("is eve"), "{said:?}");
    let press = |id: &str, account: &str| Heard {
        act: Act::Press { command: "/incident ack INC-1".into(), message: None },
        ..heard(id, account, "")
    };
    for (id, account, words) in [("3", "UEVE", "you are viewer"), ("4", "UOTHER", "you are viewer")] {
        let said = house.hearing.hear(press(id, account)).await;
        assert!(!said.to_all && said.cards[0].title.contains(words), "{said:?}");
        assert_eq!(said.cards[0].text.contains("nobody's"), account == "UOTHER", "{said:?}");
    }
    assert!(!taken(&house).await);
    let said = house.hearing.hear(press("5", "UANA")).await;
    assert!(said.to_all, "{said:?}");
    assert!(taken(&house).await);
}

#[tokio::test]
async fn strangers_who_may_nothing_are_told_how_to_be_known_and_complete_nothing() {
    let house = house_where(Strangers::Nothing);
    let said = house.hearing.hear(heard("1", "UOTHER", "/incident list")).await;
    assert!(!said.to_all && said.cards[0].text.contains("/watchbell me link CODE"), "{said:?}");
    let offered =
        async |account: &str| house.hearing.complete(Channel::Slack, account, "/inc", 4).await.len();
    assert_eq!(offered("UOTHER").await, 0);
    assert!(offered("UANA").await > 0);
}
