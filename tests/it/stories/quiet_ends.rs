//! Stories of what is put off: snoozes, what a person declares to be over, and what is told again while it fires.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    config::Config,
    delivery::{DeliveryKind, QuietNotice},
    event::{Actor, Event, PageStop, ResolvedBy},
    id::{AlertId, IncidentId},
    intent::{Intent, Refusal},
    page::{PageReason, Target},
    quiet::{QuietIntent, QuietRefusal},
};

use super::{
    DOWN, SLOW, WORSE, acknowledge, ana, count, ends, fires, mins,
    quiet::{G1, reasons, restart, silence, told},
    secs,
};
use crate::world::{World, config, receipt, report, signal};

fn snooze(world: &mut World, minutes: i64, by: &str) -> Result<(), Refusal> {
    let what = QuietIntent::Snooze { group: G1, wait: mins(minutes), by: Actor::Person(by.into()) };
    world.want(Intent::Quiet(what)).map(drop)
}

fn resolve(world: &mut World, target: Target) -> Result<Vec<Event>, Refusal> {
    let what = QuietIntent::Resolve { target, by: ana() };
    world.want(Intent::Quiet(what)).map(|accepted| accepted.events)
}

fn with_intervals(interval: Option<i64>, repeat: Option<i64>) -> Config {
    let mut config = config::config();
    for route in &mut config.routes {
        route.group_interval = interval.map(mins);
        route.repeat_interval = repeat.map(mins);
    }
    config
}

#[test]
fn a_snoozed_group_pages_nobody_until_it_is_over_and_then_pages_anew() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    snooze(&mut world, 30, "ben").unwrap();
    let stopped = |event: &Event| matches!(event, Event::PageStopped { why: PageStop::Snoozed(_), .. });
    assert_eq!(count(&world.events(), stopped), 1);
    restart(&mut world);
    let before = world.pages_sent().len();
    world.pass(mins(29), receipt);
    assert_eq!(world.pages_sent().len(), before);
    restart(&mut world);
    world.pass(mins(1), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::SnoozeOver]);
    assert_eq!(told(&world, QuietNotice::SnoozeOver), 1);
    assert!(world.state().groups[&G1].acknowledged.is_none());
}

#[test]
fn whoever_takes_a_snoozed_group_has_it_for_good() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    snooze(&mut world, 30, "ben").unwrap();
    acknowledge(&mut world, Target::Group(G1), "chi").unwrap();
    let taken = world.state().groups[&G1].acknowledged.clone().unwrap().0;
    assert_eq!(taken, Actor::Person("chi".into()));
    let again = acknowledge(&mut world, Target::Group(G1), "ana");
    assert!(matches!(again, Err(Refusal::AlreadyAcknowledged { .. })), "and nobody else: {again:?}");
    world.pass(mins(60), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired]);
}

#[test]
fn a_snoozed_group_that_gets_worse_pages_at_once_and_its_snooze_is_over() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    snooze(&mut world, 30, "ben").unwrap();
    fires(&mut world, WORSE);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::Raised]);
    assert!(world.state().groups[&G1].snooze.is_none());
    restart(&mut world);
}

#[test]
fn a_snooze_that_ends_in_a_silence_pages_when_that_is_over() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    snooze(&mut world, 10, "ben").unwrap();
    silence(&mut world, "service=web", mins(20)).unwrap();
    world.pass(mins(19), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired]);
    world.pass(mins(2), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::QuietOver]);
}

#[test]
fn a_snooze_of_what_is_gone_or_of_a_wrong_length_is_refused() {
    let mut world = World::new();
    assert_eq!(snooze(&mut world, 30, "ben"), Err(Refusal::Unknown(Target::Group(G1))));
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    for minutes in [0, 7 * 24 * 60 + 1] {
        assert_eq!(snooze(&mut world, minutes, "ben"), Err(Refusal::Quiet(QuietRefusal::SnoozeLength)));
    }
    ends(&mut world, SLOW);
    assert!(matches!(snooze(&mut world, 30, "ben"), Err(Refusal::GroupClosed { .. })));
}

#[test]
fn what_a_person_ends_is_over_until_it_starts_anew() {
    let mut world = World::new();
    let starts_at = world.now().civil;
    let still = || Intent::Report(report(vec![signal(Firing, DOWN, starts_at)]));
    world.want(still()).unwrap();
    world.pass(mins(1), receipt);
    let events = resolve(&mut world, Target::Group(G1)).unwrap();
    let by_ana = |event: &Event| matches!(event, Event::AlertResolved { by: ResolvedBy::Person(_), .. });
    assert_eq!(count(&events, by_ana), 1);
    world.deliver(receipt);
    let told = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Resolved).count();
    assert_eq!(told, 1, "whoever was paged hears of the end");
    restart(&mut world);
    let before = world.pages_sent().len();
    for _ in 0..5 {
        world.pass(SignedDuration::from_hours(4), receipt);
        assert_eq!(world.want(still()).unwrap().events, [], "its source only repeats itself");
    }
    assert!(world.state().groups.is_empty() && world.pages_sent().len() == before);
    // It starts anew.
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert_eq!(world.pages_sent().len(), before + 1);
    assert!(world.state().quiet.over.is_empty());
    restart(&mut world);
}

#[test]
fn after_a_day_a_source_that_still_says_so_is_believed() {
    let mut world = World::new();
    let starts_at = world.now().civil;
    let still = || Intent::Report(report(vec![signal(Firing, SLOW, starts_at)]));
    world.want(still()).unwrap();
    resolve(&mut world, Target::Alert(AlertId(1))).unwrap();
    world.pass(SignedDuration::from_hours(24), receipt);
    world.want(still()).unwrap();
    assert_eq!(world.state().groups.len(), 1);
}

#[test]
fn one_alert_of_a_group_can_be_ended_and_what_is_no_alert_cannot() {
    let mut world = World::new();
    fires(&mut world, &[DOWN, &[("pod", "a")]].concat());
    fires(&mut world, &[DOWN, &[("pod", "b")]].concat());
    world.pass(mins(1), receipt);
    resolve(&mut world, Target::Alert(AlertId(1))).unwrap();
    assert_eq!(world.state().groups[&G1].firing.len(), 1);
    let gone = Target::Alert(AlertId(1));
    assert_eq!(resolve(&mut world, gone), Err(Refusal::Unknown(gone)), "somebody was faster");
    let incident = Target::Incident(IncidentId(1));
    let no = QuietRefusal::NotResolvable(incident);
    assert_eq!(resolve(&mut world, incident), Err(Refusal::Quiet(no)));
    resolve(&mut world, Target::Group(G1)).unwrap();
    assert!(matches!(resolve(&mut world, Target::Group(G1)), Err(Refusal::GroupClosed { .. })));
    let starts_at = world.now().civil;
    let late = report(vec![signal(Resolved, DOWN, starts_at)]);
    assert_eq!(world.want(Intent::Report(late)).unwrap().events, [], "the source hears of it later");
}

#[test]
fn a_group_that_still_fires_is_told_again_and_pages_when_nobody_has_it() {
    let mut world = World::with(with_intervals(None, Some(240)));
    fires(&mut world, SLOW);
    world.pass(mins(239), receipt);
    assert_eq!(told(&world, QuietNotice::Repeated), 0);
    restart(&mut world);
    world.pass(mins(1), receipt);
    assert_eq!(told(&world, QuietNotice::Repeated), 1);
    let repeated = PageReason::Repeated(SignedDuration::from_hours(4));
    assert_eq!(reasons(&world), [PageReason::Fired, repeated]);
    acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
    world.pass(mins(240), receipt);
    assert_eq!(told(&world, QuietNotice::Repeated), 2, "the channel hears of it, whoever has it");
    assert_eq!(reasons(&world).len(), 2, "and nobody is paged");
    ends(&mut world, SLOW);
    world.pass(mins(500), receipt);
    assert_eq!(told(&world, QuietNotice::Repeated), 2);
}

#[test]
fn what_joins_is_told_at_most_every_group_interval() {
    let mut world = World::with(with_intervals(Some(5), None));
    let cards =
        |world: &World| world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card).count();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    assert_eq!(cards(&world), 1);
    for pod in ["a", "b", "c"] {
        fires(&mut world, &[SLOW, &[("pod", pod)]].concat());
        world.pass(mins(1), receipt);
    }
    assert_eq!(cards(&world), 1);
    restart(&mut world);
    world.pass(mins(2), receipt);
    assert_eq!(cards(&world), 2, "one revision for all three");
    // It became worse: that is told soon.
    fires(&mut world, WORSE);
    world.pass(secs(3), receipt);
    assert_eq!(cards(&world), 3);
    // After a calm of that length the next one is told soon, too.
    world.pass(mins(10), receipt);
    fires(&mut world, &[SLOW, &[("pod", "d")]].concat());
    world.pass(secs(3), receipt);
    assert_eq!(cards(&world), 4);
}
