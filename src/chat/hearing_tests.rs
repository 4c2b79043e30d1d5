//! What is heard, over an engine in memory: platforms that are away, strangers, and forms. Never a real platform.

use jiff::Timestamp;

use super::*;
use crate::{
    chat::port::{Account, Failure, Finding, Picture, Place, Room, RoomId, RoomPlan, Words, Work},
    command::{Commands, Registry},
    domain::person::Person,
    engine::{run::Running, testing},
    text::card::Card,
    views::Views,
};

/// A platform that is never asked for anything but an account.
struct Silent;

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
    fn picture<'a>(&'a self, _: &'a Place, _: &'a Picture) -> Work<'a, MessageRef> {
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
    fn account<'a>(&'a self, id: &'a str) -> Work<'a, Account> {
        let mail = (id == "UMAIL").then(|| "ben@example.com".to_owned());
        Box::pin(std::future::ready(Ok(Account { id: id.into(), name: id.into(), mail, bot: false })))
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
    faults: watch::Receiver<Vec<String>>,
    engine: crate::engine::Engine,
    _running: Running,
    _folder: tempfile::TempDir,
}

fn house() -> House {
    let person = |id: &str, role| Person {
        id: id.into(),
        name: id.to_owned(),
        zone: TimeZone::UTC,
        role,
        contacts: vec![("chat".into(), Channel::Chat)],
        urgent: Vec::new(),
        routine: Vec::new(),
    };
    let people = [person("ana", Role::Admin), person("ben", Role::Responder)];
    let example = crate::config::load(None, &|_| None).unwrap().config;
    let config = Config {
        people: people.map(|one| (one.id.clone(), one)).into(),
        severities: example.severities.clone(),
        ..Config::default()
    };
    let (running, reader) = testing::in_memory(Arc::new(config), Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk {
        engine: running.engine.clone(),
        views: Views::start(folder.path().join("views"), reader, |_| {}),
        commands: Commands::new(Registry::builtin()),
        salt: Arc::new(|| [7; 16]),
        release: "0.1.0".into(),
    };
    let (told, faults) = watch::channel(Vec::new());
    let engine = running.engine.clone();
    let hearing = Hearing::new(desk, Arc::new(Book), Habits::default(), Metrics::default(), told);
    hearing.know(Arc::new(Silent));
    House { hearing: Arc::new(hearing), faults, engine, _running: running, _folder: folder }
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

async fn pages(house: &House) -> usize {
    house.engine.read(|look| look.state.pages.len()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_away_for_a_minute_pages_the_admins_once_and_is_a_fault_until_it_is_back() {
    let mut house = house();
    house.hearing.link(Channel::Slack, Link::Up);
    let watch = tokio::spawn(Arc::clone(&house.hearing).watch(Duration::from_secs(5)));
    house.hearing.link(Channel::Slack, Link::Down("no network".into()));
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!((pages(&house).await, house.faults.borrow().len()), (0, 0), "not yet a minute");
    house.faults.wait_for(|faults| !faults.is_empty()).await.unwrap();
    assert!(house.faults.borrow()[0].contains("no network"));
    assert_eq!(pages(&house).await, 1, "ana is an admin, ben is not");
    // The reason changes, the outage is the same one.
    house.hearing.link(Channel::Slack, Link::Broken(text::chat::Remedy::Install, "gone".into()));
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(pages(&house).await, 1, "once");
    house.hearing.link(Channel::Slack, Link::Up);
    house.faults.wait_for(Vec::is_empty).await.unwrap();
    watch.abort();
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
