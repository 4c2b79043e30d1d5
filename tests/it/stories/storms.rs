//! Storms with a virtual clock: many groups share one card, everybody is paged all the same, and nothing is lost when it
//! is calm again.

use jiff::Timestamp;
use watchbell::domain::{
    delivery::{Channel, Delivery},
    id::StormId,
    page::Subject,
    state::State,
    storm::{CALM, CARDS, PAUSE, StormFacts},
};

use super::*;
use crate::world::config::on_platforms;

const STORM: StormId = StormId(1);

/// Groups of one channel, each of one alert; nobody waits for them to collect.
fn labels(number: usize) -> [(String, String); 3] {
    [("alertname", format!("Slow{number:03}")), ("service", "web".into()), ("severity", "warning".into())]
        .map(|(name, value)| (name.to_owned(), value))
}

fn report_of(
    world: &mut World,
    numbers: impl IntoIterator<Item = usize>,
    status: watchbell::domain::alert::AlertStatus,
) {
    let starts_at = world.now().civil;
    for number in numbers {
        let labels = labels(number);
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        world.want(Intent::Report(report(vec![signal(status, &labels, starts_at)]))).unwrap();
        world.deliver(posts);
    }
}

/// A platform on which everything works.
fn posts(delivery: &Delivery) -> Outcome {
    if matches!(delivery.room, Some(watchbell::domain::room::RoomWork::Open { .. })) {
        return Outcome::Posted { receipt: "made".into(), message: "C042".into() };
    }
    match (delivery.kind, delivery.channel) {
        (DeliveryKind::Card, Channel::Slack | Channel::Discord) => {
            Outcome::Posted { receipt: "posted".into(), message: format!("C1/{}", delivery.id) }
        }
        _ => Outcome::Receipt("200 OK".into()),
    }
}

/// Messages that are new in Slack's channel, of groups and of storms; edits are none.
fn new_cards(world: &World) -> (usize, usize) {
    let cards = world.sent.iter().filter(|sent| {
        let delivery = &sent.delivery;
        delivery.kind == DeliveryKind::Card && delivery.channel == Channel::Slack && sent.edits.is_none()
    });
    let (storms, groups): (Vec<_>, Vec<_>) =
        cards.partition(|sent| matches!(sent.delivery.subject, Subject::Storm(_)));
    (groups.len(), storms.len())
}

/// What the storm's card said last in Slack.
fn said(world: &World) -> StormFacts {
    let is = |sent: &&crate::world::Sent| {
        sent.delivery.subject == Subject::Storm(STORM) && sent.delivery.channel == Channel::Slack
    };
    let last = world.sent.iter().rfind(is).expect("a storm has a card");
    last.storm.clone().expect("what it says")
}

fn begun(groups: usize) -> World {
    let mut world = World::with(on_platforms());
    report_of(&mut world, 0..groups, Firing);
    world.pass(secs(10), posts);
    world
}

/// The state that the journal alone makes.
fn replayed(world: &World) -> State {
    let mut state = State::default();
    for record in world.records() {
        watchbell::engine::core::replay(&mut state, &record);
    }
    state
}

#[test]
fn many_groups_at_once_share_one_card_and_each_pages_as_always() {
    let mut world = begun(60);
    assert_eq!(new_cards(&world), (CARDS, 1));
    let paged = world.events();
    let pages = count(&paged, |event| matches!(event, Event::PageStarted(_)));
    let told = count(&paged, |event| matches!(event, Event::Delivered { kind: DeliveryKind::Page, .. }));
    assert!(pages == 60 && told >= 60, "{pages} pages, {told} arrived");
    let card = said(&world);
    assert_eq!((card.groups_firing, card.groups_seen, card.alerts_firing, card.untaken), (50, 50, 50, 50));
    assert_eq!(card.groups.len(), StormFacts::MOST);
    assert_eq!(card.groups[0].id, GroupId(60), "the newest of the worst first");

    // Cards that stood before go on being edited, the others are counted.
    let before = world.sent.len();
    acknowledge(&mut world, Target::Group(GroupId(3)), "ben").unwrap();
    acknowledge(&mut world, Target::Group(GroupId(30)), "ben").unwrap();
    report_of(&mut world, [50, 51], Resolved);
    world.pass(secs(10), posts);
    let edited = world.sent[before..].iter().any(|sent| sent.delivery.subject.group() == Some(GroupId(3)));
    assert!(edited);
    let card = said(&world);
    assert_eq!((card.groups_firing, card.groups_seen, card.untaken), (48, 50, 47));
    assert_eq!((card.alerts_firing, card.alerts_seen), (48, 50));
    assert_eq!(new_cards(&world), (CARDS, 1), "no further message");
    assert!(replayed(&world) == *world.state());
}

#[test]
fn the_card_of_a_storm_changes_no_more_often_than_its_pause() {
    let mut world = World::with(on_platforms());
    for round in 0..20 {
        report_of(&mut world, round * 10..(round + 1) * 10, Firing);
        world.pass(secs(1), posts);
    }
    world.pass(secs(20), posts);
    let queued: Vec<Timestamp> = world
        .records()
        .iter()
        .filter(|record| match &record.event {
            Event::DeliveryQueued(queued) => {
                queued.subject == Subject::Storm(STORM) && queued.channel == Channel::Slack
            }
            _ => false,
        })
        .map(watchbell::domain::event::Record::engine_time)
        .collect();
    assert!(queued.len() >= 4, "{queued:?}");
    for two in queued.windows(2) {
        assert!(two[1].duration_since(two[0]) >= PAUSE, "{queued:?}");
    }
    assert_eq!(said(&world).groups_seen, 190, "and ends with the truth");
}

#[test]
fn a_storm_survives_a_restart_and_ends_when_it_is_calm_and_what_is_left_gets_its_card_when_somebody_takes_it()
{
    let mut world = begun(40);
    world.crash();
    report_of(&mut world, [100], Firing);
    assert_eq!(new_cards(&world), (CARDS, 1), "it still rages");
    report_of(&mut world, 10..39, Resolved);
    world.pass(CALM + secs(20), posts);
    assert!(world.state().raging.is_empty() && replayed(&world) == *world.state());
    let card = said(&world);
    assert!(card.over_at.is_some());
    assert_eq!((card.groups_firing, card.groups_seen), (2, 31), "the last card counts what is left");

    report_of(&mut world, [200], Firing);
    world.pass(secs(10), posts);
    assert_eq!(new_cards(&world), (CARDS + 1, 1), "a later group has a card of its own");
    acknowledge(&mut world, Target::Group(GroupId(40)), "ben").unwrap();
    world.pass(secs(10), posts);
    assert_eq!(new_cards(&world), (CARDS + 2, 1), "and so has one that somebody takes");
    assert_eq!(said(&world).untaken, 1);
    report_of(&mut world, [39, 100], Resolved);
    world.pass(secs(10), posts);
    assert_eq!(said(&world).groups_firing, 0, "its card stays true afterwards");
    let idle = |state: &State| {
        let timers = state.timers.iter();
        timers.filter(|(_, timer)| matches!(timer, watchbell::domain::state::Timer::StormCard(_))).count()
    };
    assert_eq!(idle(world.state()), 0);
}

#[test]
fn a_storm_whose_groups_have_all_ended_is_over_after_a_minute() {
    let mut world = begun(30);
    report_of(&mut world, 0..30, Resolved);
    world.pass(secs(30), posts);
    assert!(!world.state().raging.is_empty(), "more may come");
    world.pass(secs(60), posts);
    assert!(world.state().raging.is_empty());
    assert_eq!((said(&world).groups_firing, said(&world).groups_seen), (0, 20));
    report_of(&mut world, [7], Firing);
    world.pass(secs(10), posts);
    assert_eq!(new_cards(&world), (CARDS + 1, 1));
}

#[test]
fn what_becomes_worse_after_a_storm_gets_a_card_and_a_new_flood_is_a_new_storm() {
    let mut world = begun(30);
    world.pass(CALM + secs(10), posts);
    assert!(world.state().raging.is_empty());
    let starts_at = world.now().civil;
    for number in 10..30 {
        let name = format!("Slow{number:03}");
        let worse = [("alertname", &*name), ("service", "web"), ("severity", "page"), ("pod", "b")];
        world.want(Intent::Report(report(vec![signal(Firing, &worse, starts_at)]))).unwrap();
        world.deliver(posts);
    }
    world.pass(secs(10), posts);
    assert_eq!(new_cards(&world), (2 * CARDS, 2), "bounded again");
}

#[test]
fn slow_arrivals_are_no_storm_and_a_storm_is_of_its_channel_alone() {
    let mut world = World::with(on_platforms());
    for number in 0..30 {
        report_of(&mut world, [number], Firing);
        world.pass(secs(7), posts);
    }
    assert_eq!(new_cards(&world), (30, 0), "eight a minute can be read");

    let mut world = begun(30);
    fires(&mut world, DOWN);
    world.pass(secs(15), posts);
    let other = world
        .sent
        .iter()
        .any(|sent| sent.delivery.kind == DeliveryKind::Card && address(&sent.delivery.to) == "#qflow");
    assert!(other, "another channel has its own weather");
}

#[test]
fn that_nobody_answered_is_counted_on_the_card_of_the_storm() {
    let mut config = on_platforms();
    let policy = config.policies.get_mut("qflow").expect("the policy of the route");
    policy.rounds = 1;
    policy.steps.truncate(1);
    let mut world = World::with(config);
    report_of(&mut world, 0..40, Firing);
    // One more now and then: it goes on raging until the policies have run to their end.
    for round in 0..30 {
        world.pass(secs(20), posts);
        report_of(&mut world, [1_000 + round], Firing);
    }
    let events = world.events();
    let unanswered = count(&events, |event| matches!(event, Event::PageUnanswered { .. }));
    assert!(unanswered >= 40, "{unanswered}");
    let notices = world.sent.iter().filter(|sent| {
        matches!(sent.delivery.notice, Some(watchbell::domain::delivery::Notice::Unanswered(_)))
            && sent.delivery.channel == Channel::Slack
    });
    assert!(notices.count() <= CARDS, "those with a card of their own");
    assert!(said(&world).unanswered >= 30, "{:?}", said(&world));
}
