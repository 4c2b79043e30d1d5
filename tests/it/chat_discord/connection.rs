//! The connection: cut, resumed, ended, silent, refused. Nothing is heard twice, nothing is lost in silence.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use watchbell::chat::port::{Act, Link, Remedy};

use super::{
    World,
    fake::{ANA, Fake, OPS, Out, State},
    options,
};

fn downs(world: &World) -> Vec<String> {
    let links = world.ear.links();
    links.into_iter().filter_map(|link| if let Link::Down(why) = link { Some(why) } else { None }).collect()
}

#[tokio::test]
async fn a_connection_that_is_lost_is_resumed_and_told_once() {
    let world = World::start().await;
    for (number, out) in [Out::Cut, Out::Close(4_000), Out::Say(json!({ "op": 7 }))].into_iter().enumerate() {
        world.fake.line(out);
        world.up(number + 2).await;
    }
    let state = world.fake.state();
    assert_eq!((state.identified, state.resumed), (1, 3));
    drop(state);
    let kinds: Vec<bool> = world.ear.links().iter().map(|link| *link == Link::Up).collect();
    assert_eq!(kinds, [true, false, true, false, true, false, true]);
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_session_that_ended_is_begun_anew_and_what_may_be_missing_is_said() {
    let world = World::start().await;
    world.fake.line(Out::Say(json!({ "op": 9, "d": true })));
    world.up(2).await;
    assert_eq!(world.fake.state().identified, 1);
    world.fake.line(Out::Say(json!({ "op": 9, "d": false })));
    world.up(3).await;
    world.fake.line(Out::Close(4_009));
    world.up(4).await;
    assert_eq!(world.fake.state().identified, 3);
    let missing: Vec<bool> = downs(&world).iter().map(|why| why.contains("may be missing")).collect();
    assert_eq!(missing, [false, true, true]);
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_connection_that_is_silent_is_noticed() {
    let fake = Fake::start().await;
    fake.state().beat = 40;
    let options = options(&fake);
    let world = World::on(fake, options);
    world.up(1).await;
    world.fake.line(Out::Silence);
    world.up(2).await;
    assert_eq!(downs(&world), ["the connection fell silent"]);
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_revoked_token_and_a_missing_intent_are_broken_until_they_are_mended() {
    let fake = Fake::start().await;
    fake.state().revoked = true;
    let mut options = options(&fake);
    options.members = true;
    let world = World::on(fake, options);
    let token = Remedy::Token("discord.token".into());
    world
        .until("broken", || {
            matches!(world.ear.links().first(), Some(Link::Broken(remedy, _)) if *remedy == token)
                .then_some(())
        })
        .await;
    {
        let mut state = world.fake.state();
        state.revoked = false;
        state.refuse_with = Some(4_014);
    }
    let intent = Remedy::Intent("GUILD_MEMBERS".into());
    world
        .until("an intent", || {
            matches!(world.ear.links().last(), Some(Link::Broken(remedy, _)) if *remedy == intent)
                .then_some(())
        })
        .await;
    world.fake.state().refuse_with = None;
    world.up(1).await;
    assert_eq!(world.ear.links().len(), 3, "once per change");
    world.keeps_the_rules();
}

#[tokio::test]
async fn commands_are_registered_when_they_changed() {
    let world = World::start().await;
    world.fake.until("commands", |state| (!state.commands.is_empty()).then_some(())).await;
    let puts = |world: &World| {
        world.fake.state().calls.iter().filter(|(call, _)| call.starts_with("PUT /applications")).count()
    };
    let gets = |world: &World| {
        world.fake.state().calls.iter().filter(|(call, _)| call.starts_with("GET /applications")).count()
    };
    assert_eq!(puts(&world), 1);
    world.fake.line(Out::Say(json!({ "op": 9, "d": false })));
    world.until("another look", || (gets(&world) == 2).then_some(())).await;
    assert_eq!(puts(&world), 1);
    world.fake.state().commands[0]["description"] = "changed by somebody".into();
    world.fake.line(Out::Say(json!({ "op": 9, "d": false })));
    world.until("a correction", || (puts(&world) == 2).then_some(())).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_restart_registers_nothing_and_a_changed_command_everything_once() {
    let fake = Fake::start().await;
    let calls = |method: &str| {
        let state = fake.state();
        state.calls.iter().filter(|(call, _)| call.starts_with(&format!("{method} /applications"))).count()
    };
    let mut specs = super::specs();
    // What Discord normalises: an option that is not required, a blank at the end, choices, a pack with deep words.
    specs[0].subcommands[0].arguments[0].choices = vec!["P0".into(), "P1".into()];
    specs[1].summary = "Who is on call ".into();
    specs[2].runs = true;
    specs[2].subcommands = vec![super::Spec { name: "all".into(), runs: true, ..super::Spec::default() }];
    for (start, changes) in [false, false, true, false].into_iter().enumerate() {
        if changes {
            specs[0].subcommands[0].arguments[0].choices.push("P2".into());
        }
        let world = World::telling(fake.clone(), options(&fake), specs.clone());
        world.up(1).await;
        let puts = if start < 2 { 1 } else { 2 };
        world.until("a look", || (calls("GET") == start + 1 && calls("PUT") == puts).then_some(())).await;
        // A command is heard after it: nothing more was registered meanwhile.
        world.fake.command(ANA, json!({ "name": "status", "type": 1 }));
        world.hears(1).await;
        assert_eq!(calls("PUT"), puts, "start {start}");
        world.keeps_the_rules();
    }
}

/// Cuts, resumes, ends, repeats and reorders, and writes all the while: whatever was written is heard once, or a
/// session that ended is told of between.
#[tokio::test]
async fn two_hundred_cuts_lose_nothing_in_silence_and_repeat_nothing() {
    let world = World::start().await;
    // Each with whether its session ended right after it.
    let mut written: Vec<(String, bool)> = Vec::new();
    let mut ended = 0;
    for round in 0..200_usize {
        let ends = round % 10 == 9;
        for step in 0..3_usize {
            if (round + step) % 3 == 0 {
                world.fake.state().hold_next = true;
            }
            let id = world.fake.state().id();
            world.fake.react(ANA, &id, true);
            written.push((id, ends));
            if (round + step) % 4 == 0 {
                let mut state = world.fake.state();
                let last = state.sessions[&state.current.clone()].log.last().cloned();
                state.say(last.unwrap());
                if let Some(held) = state.held.take() {
                    state.say(held);
                }
            }
        }
        let connections = |state: &State| state.identified + state.resumed;
        let before = connections(&world.fake.state());
        world.fake.line(match round % 10 {
            9 => Out::Say(json!({ "op": 9, "d": false })),
            0 | 5 => Out::Close(4_000),
            3 => Out::Say(json!({ "op": 7 })),
            7 => Out::Say(json!({ "op": 9, "d": true })),
            _ => Out::Cut,
        });
        ended += usize::from(ends);
        // What happens while nobody listens is sent again, unless the session ended.
        if round % 2 == 0 && !ends {
            let id = world.fake.state().id();
            world.fake.react(ANA, &id, true);
            written.push((id, false));
        }
        world.fake.until("the next connection", |state| (connections(state) > before).then_some(())).await;
    }
    world.fake.write(ANA, OPS, "nothing for the bot");
    let last = world.fake.state().id();
    world.fake.react(ANA, &last, true);
    written.push((last.clone(), false));
    let heard_ids = || -> Vec<String> {
        let heard = world.ear.heard();
        heard
            .iter()
            .filter_map(|heard| {
                if let Act::React { message, .. } = &heard.act { Some(message.message.clone()) } else { None }
            })
            .collect()
    };
    world.until("the last one", || heard_ids().contains(&last).then_some(())).await;
    let heard = heard_ids();
    let once: BTreeSet<&String> = heard.iter().collect();
    assert_eq!(once.len(), heard.len(), "something was heard twice");
    let told = downs(&world).iter().filter(|why| why.contains("may be missing")).count();
    assert!(told >= ended, "{told} of {ended} ends were told");
    // Only what was under way when a session ended may be missing, and every end was told.
    let lost: Vec<usize> =
        (0..written.len()).filter(|n| !written[*n].1 && !once.contains(&written[*n].0)).collect();
    assert!(lost.is_empty(), "lost in silence: {lost:?} of {}", written.len());
    world.keeps_the_rules();
}

#[tokio::test]
async fn it_stops_politely() {
    let fake = Fake::start().await;
    let options = options(&fake);
    let World { ear, fake, _running: running, discord } = World::on(fake, options);
    fake.until("a session", |state| (state.identified == 1).then_some(())).await;
    running.stop(Duration::from_secs(5)).await;
    drop((ear, discord));
    assert_eq!(fake.violations(), Vec::<String>::new());
}
