//! Two hundred connections that are cut, resumed, invalidated, silent, repeated and reordered, by a dice with a seed,
//! while people press, write, edit and pin. Nothing is done twice, and nothing is lost in silence: what was
//! acknowledged is answered or failed visibly, and an end of a session is told. `WATCHBELL_SEED=n` plays one again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use watchbell::{
    chat::port::{Act, Heard, Link, MessageRef, Said},
    text::discord as say,
};

use super::{
    World, card,
    fake::{ANA, BEN, Fake, OPS, Out, State, shown},
    ops, options, with_button,
};
use crate::{chat::contract::Reaction, simulation::dice::Dice};

const ROUNDS: usize = 200;

/// Something that somebody did, as it is heard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Did {
    /// A command or a button, by the interaction.
    Asked(String),
    React(String),
    Edit(String, String),
    Pin(String),
    /// A command that was written, by the message.
    Wrote(String),
}

/// What was done, in which round, and with which words it is answered.
struct Doings {
    done: Vec<(Did, usize)>,
    answers: BTreeMap<String, String>,
    /// Which session each round began with.
    sessions: Vec<String>,
}

fn did(heard: &Heard) -> Option<Did> {
    match &heard.act {
        Act::Command(text) if text.starts_with("/incident note") => Some(Did::Wrote(heard.id.clone())),
        Act::Command(_) | Act::Press { .. } => Some(Did::Asked(heard.id.clone())),
        Act::React { message, .. } => Some(Did::React(message.message.clone())),
        Act::Edit { message, text } => Some(Did::Edit(message.message.clone(), text.clone())),
        Act::Pin { message, pinned: true } => Some(Did::Pin(message.message.clone())),
        _ => None,
    }
}

fn act(
    world: &World,
    dice: &mut Dice,
    button: &MessageRef,
    number: usize,
) -> (Did, Option<(String, String)>) {
    let who = dice.pick(&[ANA, BEN]);
    let asked = |id: String, words: String| (Did::Asked(id.clone()), Some((id, words)));
    match dice.below(6) {
        0 => {
            let group = json!({ "name": "group", "type": 3, "value": format!("G-{number}") });
            let id = world.fake.command(who, json!({ "name": "ack", "type": 1, "options": [group] }));
            asked(id, format!("done /ack G-{number}."))
        }
        1 => {
            let id = world.fake.press(who, button, "Acknowledge");
            let words = format!("done {id}.");
            asked(id, words)
        }
        2 => {
            let message = world.fake.write(BEN, OPS, "the disk is full");
            let text = format!("the disk of db-{number} is full");
            world.fake.edit(&message, &text);
            (Did::Edit(message.message, text), None)
        }
        3 => {
            let message = world.fake.write(BEN, OPS, "the disk is full");
            world.fake.pin(who, &message);
            (Did::Pin(message.message), None)
        }
        4 => {
            let text = format!("<@{}> incident note INC-1 n{number}", super::fake::ME);
            let message = world.fake.write(who, OPS, &text);
            (Did::Wrote(message.message), None)
        }
        _ => {
            let id = world.fake.state().id();
            world.fake.react(who, &id, true);
            (Did::React(id), None)
        }
    }
}

/// What Discord does to the connection; some of it ends the session.
fn disturb(dice: &mut Dice) -> Vec<Out> {
    let out = match dice.below(12) {
        0 | 1 => Out::Say(json!({ "op": 9, "d": false })),
        2 => Out::Say(json!({ "op": 9, "d": true })),
        3 | 4 => Out::Say(json!({ "op": 7 })),
        5 => Out::Close(dice.pick(&[4_000, 4_001, 4_002, 4_005, 4_008])),
        6 => Out::Close(dice.pick(&[4_007, 4_009, 1_000])),
        7 => Out::Silence,
        _ => Out::Cut,
    };
    if dice.chance(10) { vec![Out::Raw("{\"op\":".into()), out] } else { vec![out] }
}

/// Told once more, out of order, or as another event of the same interaction.
fn repeat(world: &World, dice: &mut Dice) {
    if dice.chance(30) {
        let state = world.fake.state();
        let log = &state.sessions[&state.current].log;
        let again = (log.len() > 2).then(|| log[log.len() - 1 - dice.below(log.len().min(6) - 1)].clone());
        if let Some(again) =
            again.filter(|again| !["READY", "RESUMED"].iter().any(|name| again["t"] == *name))
        {
            state.say(again);
        }
    }
    let last = world.fake.state().last.clone();
    if dice.chance(20)
        && let Some(last) = last
    {
        let known = world.fake.state().sessions.values().any(|session| {
            session.log.iter().any(|event| event["t"] == "INTERACTION_CREATE" && event["d"]["id"] == *last)
        });
        if known {
            world.fake.again(&last);
        }
    }
    if dice.chance(30) {
        world.fake.state().hold_next = true;
    }
}

fn connections(state: &State) -> usize {
    state.identified + state.resumed
}

async fn play(world: &World, dice: &mut Dice) -> Doings {
    let button = world.send(&ops(), &with_button("Down", "Acknowledge", "/ack G-0")).await.unwrap();
    let mut doings = Doings { done: Vec::new(), answers: BTreeMap::new(), sessions: Vec::new() };
    for round in 0..ROUNDS {
        doings.sessions.push(world.fake.state().current.clone());
        let before = connections(&world.fake.state());
        let outs = disturb(dice);
        let at = dice.below(4);
        let mut outs = Some(outs);
        for step in 0..4 {
            repeat(world, dice);
            if step == at {
                outs.take().into_iter().flatten().for_each(|out| world.fake.line(out));
            }
            let (done, answer) = act(world, dice, &button, round * 4 + step);
            doings.done.push((done, round));
            doings.answers.extend(answer);
        }
        {
            let mut state = world.fake.state();
            if let Some(held) = state.held.take() {
                state.say(held);
            }
        }
        world.fake.until("the next connection", |state| (connections(state) > before).then_some(())).await;
    }
    doings.sessions.push(world.fake.state().current.clone());
    doings.sessions.push(world.fake.state().current.clone());
    doings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_do_nothing_twice_and_lose_nothing_in_silence() {
    let seed = std::env::var("WATCHBELL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_126);
    let mut dice = Dice::new(seed);
    let fake = Fake::start().await;
    fake.state().beat = 60;
    let mut options = options(&fake);
    options.timing.patience = std::time::Duration::from_millis(50);
    options.content = true;
    let world = World::on(fake, options);
    world.up(1).await;
    world.ear.answers(|heard| {
        let words = match &heard.act {
            Act::Command(text) => text.clone(),
            Act::Press { .. } => heard.id.clone(),
            _ => return Reaction::Say(Said::default()),
        };
        Reaction::Say(Said { cards: vec![card(&format!("done {words}."))], ..Said::default() })
    });
    let doings = play(&world, &mut dice).await;
    // What comes last is heard last: nothing is under way any more.
    let last = world.fake.write(ANA, OPS, "<@110000000000000100> incident note INC-1 the end");
    world
        .until("the end", || world.ear.heard().iter().any(|heard| heard.id == last.message).then_some(()))
        .await;
    world.shows(&format!("9{ANA}"), "done /incident note INC-1 the end.", None).await;
    settled(&world, &doings).await;

    let heard = world.ear.heard();
    let all: Vec<Did> = heard.iter().filter_map(did).collect();
    let once: BTreeSet<&Did> = all.iter().collect();
    assert_eq!(once.len(), all.len(), "seed {seed}: something was heard twice");
    let (identified, resumed) = {
        let state = world.fake.state();
        (state.identified, state.resumed)
    };
    assert!(
        resumed > ROUNDS / 3 && identified > ROUNDS / 10,
        "seed {seed}: {identified} begun, {resumed} resumed"
    );
    let told = world
        .ear
        .links()
        .iter()
        .filter(|link| matches!(link, Link::Down(why) if why.contains("may be missing")))
        .count();
    // A session whose first word was lost with its connection is one that the bot never knew of.
    assert!(
        told + 1 + identified / 10 >= identified,
        "seed {seed}: {told} ends told, {identified} sessions begun"
    );
    // What was under way when a session ended may be missing, and then that was told. Nothing else may.
    let lost = doings.done.iter().filter(|(done, round)| {
        let sessions = &doings.sessions[*round..(*round + 3).min(doings.sessions.len())];
        let ended = sessions.iter().any(|session| session != &sessions[0]);
        !ended && !once.contains(done) && !failed_visibly(&world, done)
    });
    let lost: Vec<&(Did, usize)> = lost.collect();
    assert!(lost.is_empty(), "seed {seed}: lost in silence: {lost:?}");
    let violations = world.fake.violations();
    let broken: Vec<&String> = violations.iter().filter(|one| !one.contains("never acknowledged")).collect();
    assert!(broken.is_empty(), "seed {seed}: {broken:?}");
}

/// Whether somebody was told that it was not done: by us, or by Discord, which says so of what nobody acknowledged.
fn failed_visibly(world: &World, done: &Did) -> bool {
    let Did::Asked(id) = done else { return false };
    let state = world.fake.state();
    let account = format!("9{}", state.interactions[id].account);
    let told = |words: &str| {
        state.messages.iter().any(|said| said.channel == account && shown(&said.body).contains(words))
    };
    state.interactions[id].acknowledged.is_none() && told(say::CAME_TOO_LATE)
}

/// Every interaction that was acknowledged has its answer, once, and so has everything that was carried out.
async fn settled(world: &World, doings: &Doings) {
    let count = |words: &str| {
        let state = world.fake.state();
        state.messages.iter().filter(|said| shown(&said.body).contains(words)).count()
    };
    let due = || -> Vec<(String, String)> {
        let state = world.fake.state();
        let heard: BTreeSet<String> = world.ear.heard().into_iter().map(|heard| heard.id).collect();
        let taken = |id: &String| state.interactions[id].acknowledged.is_some() || heard.contains(id);
        doings
            .answers
            .iter()
            .filter(|(id, _)| taken(id))
            .map(|(id, words)| (id.clone(), words.clone()))
            .collect()
    };
    world.until("every answer", || due().iter().all(|(_, words)| count(words) > 0).then_some(())).await;
    let twice: Vec<(String, String)> = due().into_iter().filter(|(_, words)| count(words) != 1).collect();
    assert!(twice.is_empty(), "answered twice: {twice:?}");
}
