//! Slack's connection broken two hundred times, in every way that Slack has, while people press, write and pin. Never
//! is anything done twice, and never is anything lost in silence.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use serde_json::json;
use watchbell::{
    chat::port::{Act, Place, Platform as _, Said},
    text::card::{Button, Card},
};

use super::{
    contract::{Reaction, World, card, is_clean, saying, until},
    fake_slack::SlackWorld,
};

const ROUNDS: usize = 200;

/// A sequence of numbers that is the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Something is done to the connection.
async fn breaks(world: &SlackWorld, dice: &mut Dice) {
    let greets = |reason: &str| {
        let greeting = json!({"type": "disconnect", "reason": reason});
        let refusals = {
            let mut state = world.fake.state();
            state.habits.greeting = Some(greeting);
            state.refusals
        };
        world.closes();
        refusals
    };
    match dice.throw(12) {
        0 | 1 => world.cut(),
        2 => world.closes(),
        3 => world.disconnects("warning"),
        4 => world.disconnects("refresh_requested"),
        5 => world.again(),
        6 => {
            // What was not acknowledged comes again, and in another order.
            world.cut();
            world.fake.state().unacknowledged.reverse();
        }
        7 | 8 => {
            let reason = if dice.throw(2) == 0 { "too_many_websockets" } else { "link_disabled" };
            let refusals = greets(reason);
            let refused = || (world.fake.state().refusals > refusals).then_some(());
            until("it was refused", refused).await;
            world.fake.state().habits.greeting = None;
        }
        9 | 10 => {
            // Slack keeps what happens for a while, and then delivers the last of it first.
            let held = world.fake.state().habits.held;
            if held {
                world.fake.release();
            } else {
                world.fake.state().habits.held = true;
            }
        }
        _ => {
            let twice = world.fake.state().habits.twice;
            world.fake.state().habits.twice = !twice;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_broken_connections_lose_nothing_and_repeat_nothing() {
    let begun = Instant::now();
    let world = SlackWorld::start().await;
    let (room, quiet, ana) = (world.room("ops"), world.room("quiet"), world.account("ana"));
    let button = Card { buttons: vec![Button::new("Acknowledge", "/ack G-button")], ..card("DiskFull") };
    let asked = world.slack.send(&Place::Room(room.clone()), &button, "d-1").await.unwrap();
    let message = world.write(&ana, &room, "x");
    // Each thing that somebody asks for has its own answer, by the platform's id of it.
    world.script.answers(|heard| {
        Reaction::Say(match &heard.act {
            Act::Command(_) | Act::Press { .. } => {
                Said { to_all: true, ..saying(&format!("answer to {}", heard.id)) }
            }
            _ => Said::default(),
        })
    });
    let mut dice = Dice(42);
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        let act = match dice.throw(12) {
            0..3 => {
                world.react(&ana, &message, &format!("r{round}"), true);
                Act::React { name: format!("r{round}"), added: true, message: message.clone() }
            }
            3..5 => {
                let pinned = dice.throw(2) == 0;
                world.pins(&ana, &message, pinned);
                Act::Pin { message: message.clone(), pinned }
            }
            5..8 => {
                world.press(&ana, &asked, "Acknowledge");
                Act::Press { command: "/ack G-button".into(), message: Some(asked.clone()) }
            }
            // An answer to a mention is an ordinary message: one a second and room.
            8 => {
                let room = if dice.throw(2) == 0 { &room } else { &quiet };
                world.mentions(&ana, room, None, &format!("ack M-{round}"));
                Act::Command(format!("/ack M-{round}"))
            }
            _ => {
                world.command(&ana, &room, &format!("/ack G-{round}"));
                Act::Command(format!("/ack G-{round}"))
            }
        };
        *expected.entry(format!("{act:?}")).or_default() += 1;
        if round % 40 == 20 {
            world.half_open();
            continue;
        }
        breaks(&world, &mut dice).await;
        let held = world.fake.state().habits.held;
        if dice.throw(3) == 0 && !held {
            let wanted = round / 2;
            until("some of it is heard", || (world.script.heard().len() >= wanted).then_some(())).await;
        }
    }
    world.fake.release();
    let heard = world.script.hears(ROUNDS).await;
    until("all is acknowledged", || world.fake.state().unacknowledged.is_empty().then_some(())).await;
    let mut acts: BTreeMap<String, usize> = BTreeMap::new();
    for one in &heard {
        *acts.entry(format!("{:?}", one.act)).or_default() += 1;
    }
    assert_eq!(acts, expected, "nothing is lost, and nothing is heard twice");
    assert_eq!(world.script.heard().len(), ROUNDS);

    // Whatever was acknowledged has its answer, once.
    let asks = |act: &Act| matches!(act, Act::Command(_) | Act::Press { .. });
    let wanted: BTreeSet<String> =
        heard.iter().filter(|one| asks(&one.act)).map(|one| format!("answer to {}", one.id)).collect();
    let answers = || {
        let shown = world.shown(&room).into_iter().chain(world.shown(&quiet)).map(|shown| shown.text);
        shown.filter(|text| text.starts_with("answer to")).collect::<Vec<_>>()
    };
    until("everybody has an answer", || (answers().len() >= wanted.len()).then_some(())).await;
    let answers = answers();
    assert_eq!((answers.len(), answers.into_iter().collect::<BTreeSet<_>>()), (wanted.len(), wanted));
    let links = world.script.links();
    assert!(
        links
            .windows(2)
            .all(|pair| std::mem::discriminant(&pair[0]) != std::mem::discriminant(&pair[1])
                || pair[0] != pair[1]),
        "told once per change: {links:?}"
    );
    is_clean(&world);
    println!("two hundred broken connections took {:?}", begun.elapsed());
}
