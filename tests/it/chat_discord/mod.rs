//! The Discord adapter against a Discord on loopback, by real sockets. Never sleeps for time to pass: conditions
//! have a deadline, and what takes long is made short by the options.

mod api;
mod bad_input;
mod calls;
mod connection;
mod doctor;
pub mod fake;
mod guide;
mod identity;
mod interactions;
mod outwards;
mod people;
mod response;
mod routes;
mod rules;
mod scenario;
mod simulation;
mod socket;
pub mod world;

use std::{sync::Arc, time::Duration};

use fake::{Fake, GUILD, OPS, TOKEN};
use watchbell::{
    chat::{
        discord::{
            Discord, Options, Running,
            commands::{Argument, Kind, Spec},
        },
        port::{Failure, Heard, Link, MessageRef, Place, Platform, RoomId, Said},
    },
    text::card::{Button, Card},
};

use crate::chat::contract::{Reaction, Script};

/// A fake, an adapter on it, and an ear.
struct World {
    fake: Fake,
    discord: Discord,
    ear: Script,
    _running: Running,
}

fn options(fake: &Fake) -> Options {
    let clock = Arc::new(|| "2026-01-05T09:00:00Z".parse().unwrap());
    let mut options = Options::new(TOKEN.to_owned().into(), GUILD.parse().ok(), clock);
    options.api = format!("{}/api/v10", fake.base);
    let short = Duration::from_millis(2);
    options.timing.backoff = short;
    options.timing.backoff_most = Duration::from_millis(20);
    options.timing.broken_again = Duration::from_millis(20);
    options.timing.identify_pause = short;
    options.timing.invalid_pause = (Duration::ZERO, short);
    options
}

fn specs() -> Vec<Spec> {
    let argument = |name: &str, kind| Argument {
        name: name.into(),
        summary: "It".into(),
        kind,
        autocomplete: true,
        ..Argument::default()
    };
    let word = |name: &str, arguments: Vec<Argument>| Spec {
        name: name.into(),
        summary: "Does it".into(),
        runs: true,
        arguments,
        subcommands: vec![],
    };
    let group = |name: &str, subcommands: Vec<Spec>| Spec {
        name: name.into(),
        summary: "About it".into(),
        subcommands,
        ..Spec::default()
    };
    let open = word("open", vec![argument("severity", Kind::Word), argument("title", Kind::Text)]);
    let note = word("note", vec![argument("incident", Kind::Word), argument("text", Kind::Text)]);
    vec![
        group("incident", vec![open, note]),
        group("oncall", vec![word("now", vec![])]),
        word("ack", vec![argument("group", Kind::Word)]),
        word("status", vec![]),
    ]
}

impl World {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let fake = Fake::start().await;
        let mut options = options(&fake);
        change(&mut options);
        let world = Self::on(fake, options);
        world.up(1).await;
        world
    }

    fn on(fake: Fake, options: Options) -> Self {
        Self::telling(fake, options, specs())
    }

    fn telling(fake: Fake, options: Options, specs: Vec<Spec>) -> Self {
        let ear = Script::default();
        let discord = Discord::new(options).unwrap();
        let running = discord.listen(specs, Arc::new(ear.clone()));
        Self { fake, discord, ear, _running: running }
    }

    /// Waits until the link came up so many times.
    async fn up(&self, times: usize) {
        self.until("the link up", || (ups(&self.ear.links()) >= times).then_some(())).await;
    }

    async fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let by = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                std::time::Instant::now() < by,
                "never came: {what}; {:?} {:?}",
                self.ear.links(),
                self.fake.violations()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until a room (or a person's conversation) shows exactly these words last.
    async fn shows(&self, channel: &str, words: &str, only: Option<&str>) -> MessageRef {
        let room = channel.to_owned();
        self.fake
            .until(&format!("{words:?} in {channel}"), |state| {
                let found = state.messages.iter().find(|said| {
                    said.channel == room
                        && fake::shown(&said.body).contains(words)
                        && said.only.as_deref() == only
                });
                found.map(|said| MessageRef { room: RoomId(said.channel.clone()), message: said.id.clone() })
            })
            .await
    }

    async fn hears(&self, count: usize) -> Vec<Heard> {
        let enough = || {
            let heard = self.ear.heard().clone();
            (heard.len() >= count).then_some(heard)
        };
        self.until("what somebody did", enough).await
    }

    async fn send(&self, to: &Place, card: &Card) -> Result<MessageRef, Failure> {
        let key = format!("K-{}", self.fake.state().calls.len());
        self.discord.send(to, card, &key).await
    }

    fn keeps_the_rules(&self) {
        assert_eq!(self.fake.violations(), Vec::<String>::new());
    }
}

fn ups(links: &[Link]) -> usize {
    links.iter().filter(|link| **link == Link::Up).count()
}

fn ops() -> Place {
    Place::Room(RoomId(OPS.into()))
}

fn card(title: &str) -> Card {
    Card { title: title.into(), ..Card::default() }
}

fn with_button(title: &str, label: &str, command: &str) -> Card {
    Card { title: title.into(), buttons: vec![Button::new(label, command)], ..Card::default() }
}

fn said(title: &str, to_all: bool) -> Said {
    Said { cards: vec![card(title)], to_all, ..Said::default() }
}
