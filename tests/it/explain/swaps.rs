//! Swaps as the engine does them: both halves or none, never the past, and both are told.

use jiff::{Timestamp, tz::TimeZone};
use proptest::{prelude::*, sample::select};
use watchbell::domain::{
    delivery::{DeliveryKind, Recipient},
    event::{Actor, Event},
    id::{OverrideId, PersonId},
    intent::{Intent, Refusal},
    prose::Prose,
    schedule::Handoff,
    swap::{Exchange, SwapIntent, SwapRefusal, exchange},
};

use super::mins;
use crate::world::{World, address, config, receipt};

fn agreed(
    world: &World,
    me: &str,
    with: &str,
    times: (Option<Timestamp>, Option<Timestamp>),
) -> Result<Exchange, SwapRefusal> {
    let overrides: Vec<_> = world.state().overrides.values().cloned().collect();
    let schedule = &world.config.schedules["primary"];
    exchange(schedule, &overrides, (&PersonId::from(me), &PersonId::from(with)), times, world.now().civil)
}

fn swap(world: &mut World, exchange: Exchange) -> Result<Vec<Event>, Refusal> {
    let by = Actor::Person(exchange.mine.from_whom.clone());
    let told = Prose::new("ana swapped shifts\nwith ben", [0; 16]);
    let wanted = SwapIntent { exchange, told, by };
    world.want(Intent::Swap(Box::new(wanted))).map(|accepted| accepted.events)
}

fn on_call(world: &World, at: Timestamp) -> String {
    let overrides: Vec<_> = world.state().overrides.values().cloned().collect();
    let person = world.config.schedules["primary"].on_call(at, &overrides).cloned();
    person.map_or_else(|| "nobody".to_owned(), |person| person.to_string())
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn two_shifts_change_hands_both_are_told_and_taking_one_back_takes_back_both() {
    let mut world = World::new();
    let exchange = agreed(&world, "ana", "ben", (None, None)).expect("both have a next shift");
    assert_eq!(
        (exchange.mine.from, exchange.theirs.from),
        (at("2026-01-19T09:00:00Z"), at("2026-01-12T09:00:00Z"))
    );
    swap(&mut world, exchange).expect("they swap");
    assert_eq!(on_call(&world, at("2026-01-13T00:00:00Z")), "ana");
    assert_eq!(on_call(&world, at("2026-01-20T00:00:00Z")), "ben");
    world.deliver(receipt);
    let told: Vec<String> = world
        .sent
        .iter()
        .filter(|sent| sent.delivery.kind == DeliveryKind::Notice)
        .inspect(|sent| assert!(matches!(sent.delivery.to, Recipient::Person { .. })))
        .map(|sent| format!("{}: {}", address(&sent.delivery.to), sent.summary))
        .collect();
    assert_eq!(told, ["ben chat: ana swapped shifts\nwith ben", "ana chat: ana swapped shifts\nwith ben"]);

    world.crash();
    world.want(Intent::RemoveOverride { id: OverrideId(2), by: Actor::Operator }).expect("taken back");
    assert!(world.state().overrides.is_empty() && world.state().swaps.is_empty());
    assert_eq!(on_call(&world, at("2026-01-13T00:00:00Z")), "ben");
}

#[test]
fn when_the_first_half_is_over_only_the_other_is_taken_back() {
    let mut world = World::new();
    let exchange = agreed(&world, "ana", "ben", (None, None)).expect("both have a next shift");
    swap(&mut world, exchange).expect("they swap");
    world.pass(mins(60 * 24 * 15), receipt);
    let events =
        world.want(Intent::RemoveOverride { id: OverrideId(1), by: Actor::Operator }).expect("it runs");
    assert_eq!(events.events.len(), 1, "{:?}", events.events);
    assert_eq!(on_call(&world, at("2026-01-13T00:00:00Z")), "ana", "the past stays as it was");
}

#[test]
fn what_nobody_can_give_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let now = world.now().civil;
    let refused = |world: &World, me, with, times| agreed(world, me, with, times).expect_err("refused");
    assert_eq!(refused(&world, "ana", "ana", (None, None)), SwapRefusal::Oneself);
    assert!(matches!(refused(&world, "ana", "eli", (None, None)), SwapRefusal::NoShift { .. }));
    let in_bens = at("2026-01-13T00:00:00Z");
    assert!(matches!(refused(&world, "ana", "ben", (Some(in_bens), None)), SwapRefusal::NotTheirs { .. }));
    assert!(matches!(refused(&world, "ana", "ben", (Some(now - mins(1)), None)), SwapRefusal::Past { .. }));

    // Between the look and the deed somebody else stands in.
    let exchange = agreed(&world, "ana", "ben", (None, None)).expect("both have a next shift");
    let (from, until) = (in_bens, in_bens + mins(60));
    let (schedule, person, by) = ("primary".into(), "eli".into(), Actor::Operator);
    world.want(Intent::AddOverride { schedule, person, from, until, by }).expect("an override");
    let before = world.state().clone();
    assert_eq!(swap(&mut world, exchange).expect_err("refused"), Refusal::Swap(SwapRefusal::Changed));
    assert_eq!(world.state().overrides, before.overrides);
}

#[test]
fn a_shift_that_runs_changes_hands_from_now_on() {
    let mut world = World::new();
    let now = world.now().civil;
    let exchange = agreed(&world, "ana", "ben", (Some(now), None)).expect("ana is on call");
    assert_eq!(exchange.mine.from, now);
    swap(&mut world, exchange).expect("they swap");
    assert_eq!((on_call(&world, now).as_str(), on_call(&world, now - mins(1)).as_str()), ("ben", "ana"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// In every zone, over every change of the clock: each has exactly what the other had, and nobody else's time moves.
    #[test]
    fn a_swap_moves_exactly_two_shifts(
        zone in select(vec!["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"]),
        start in 0_i64..700,
        hour in 0_i8..24,
        daily in any::<bool>(),
    ) {
        let mut config = config::config();
        let schedule = config.schedules.get_mut("primary").expect("a schedule");
        schedule.zone = TimeZone::get(zone).expect("a zone");
        let time = jiff::civil::time(hour, 30, 0, 0);
        schedule.layers[0].people = ["ana", "ben", "chi"].map(PersonId::from).to_vec();
        schedule.layers[0].handoff = if daily { Handoff::Daily(time) } else { Handoff::Weekly(jiff::civil::Weekday::Sunday, time) };
        let mut world = World::with(config);
        world.pass(mins(start * 60 * 24 + 7), receipt);
        let agreed = agreed(&world, "ana", "ben", (None, None)).expect("both have a next shift");
        let now = world.now().civil;
        let end = agreed.mine.until.max(agreed.theirs.until) + mins(60 * 24 * 3);
        let before = world.config.schedules["primary"].shifts(now, end, &[]);
        swap(&mut world, agreed.clone()).expect("they swap");
        for shift in before {
            let inside = |one: &watchbell::domain::swap::Handed| one.from <= shift.since && shift.until <= one.until;
            let expected = if inside(&agreed.mine) { "ben" } else if inside(&agreed.theirs) { "ana" } else { shift.person.as_ref().map_or("nobody", |p| p.as_str()) };
            for at in [shift.since, shift.until - jiff::SignedDuration::from_secs(1)] {
                prop_assert_eq!(on_call(&world, at), expected, "{} {}", zone, at);
            }
        }
    }
}
