//! Rotations in every zone of the tz database, against a slow reference that walks every civil day from the
//! start. The reference shares no code with what it checks, not even the way from wall clock to instant.

use std::sync::LazyLock;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{Offset, TimeZone, TimeZoneDatabase},
};
use proptest::{prelude::*, sample::Index};

use super::{rotation::Rotation, *};

const DAY: i64 = 86_400;

/// Every zone that comes with the program, with the instants at which its clocks changed or will.
static ZONES: LazyLock<Vec<(String, TimeZone, Vec<Timestamp>)>> = LazyLock::new(|| {
    let database = TimeZoneDatabase::bundled();
    let first: Timestamp = "1840-01-01T00:00:00Z".parse().expect("an instant");
    let last: Timestamp = "2060-01-01T00:00:00Z".parse().expect("an instant");
    let zone = |name: &str| {
        let zone = database.get(name).expect(name);
        let jumps = zone.following(first).map(|jump| jump.timestamp()).take_while(|jump| *jump < last);
        let jumps = jumps.collect();
        (name.to_owned(), zone, jumps)
    };
    database.available().map(|name| zone(name.as_str())).collect()
});

/// One rotation and where to look at it, relative to some change of a zone's clock.
#[derive(Debug, Clone)]
struct Case {
    handoff: Handoff,
    /// Which change of the zone's clock.
    change: Index,
    /// Days from the start to the change.
    lead: i64,
    /// Seconds from the change to the instants that are looked at.
    instants: Vec<i64>,
    people: usize,
}

impl Case {
    /// The change that it turns on; any day will do in a zone without one.
    fn change(&self, changes: &[Timestamp]) -> Timestamp {
        if changes.is_empty() {
            "2026-03-29T01:00:00Z".parse().expect("an instant")
        } else {
            *self.change.get(changes)
        }
    }
}

fn times() -> impl Strategy<Value = Time> {
    // Clocks change by night: hours from 22:00 to 04:00 are the interesting ones.
    let hours = prop_oneof![0..24_i8, 0..4_i8, 22..24_i8];
    let minutes = prop_oneof![Just(0_i8), Just(30_i8), 0..60_i8];
    (hours, minutes).prop_map(|(hour, minute)| Time::constant(hour, minute, 0, 0))
}

fn weekdays() -> impl Strategy<Value = Weekday> {
    (0..7_i8).prop_map(|day| Weekday::from_monday_zero_offset(day).expect("a weekday"))
}

fn handoffs() -> impl Strategy<Value = Handoff> {
    prop_oneof![
        times().prop_map(Handoff::Daily),
        (weekdays(), times()).prop_map(|(day, time)| Handoff::Weekly(day, time)),
        (1..=31_i8, times()).prop_map(|(day, time)| Handoff::Monthly(day, time)),
        (1..100_i64).prop_map(|halves| Handoff::Every(SignedDuration::from_mins(30 * halves))),
    ]
}

fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![-2 * DAY..2 * DAY, -7_200..7_200_i64, -20 * DAY..40 * DAY, Just(0), Just(-1)]
}

prop_compose! {
    fn cases()(
        handoff in handoffs(),
        change in any::<Index>(),
        lead in prop_oneof![0..3_i64, 0..40_i64, 0..400_i64],
        instants in prop::collection::vec(instants(), 1..5),
        people in 1..5_usize,
    ) -> Case {
        let lead = if matches!(handoff, Handoff::Every(_)) { lead % 20 } else { lead };
        Case { handoff, change, lead, instants, people }
    }
}

/// The first instant at which the clock shows this time or a later one: tried change by change.
fn first_shown(zone: &TimeZone, local: DateTime) -> Timestamp {
    let mut since = Offset::UTC.to_timestamp(local).expect("in range") - 27.hours();
    let mut offset = zone.to_offset(since);
    for change in zone.following(since) {
        let shown = offset.to_timestamp(local).expect("in range").max(since);
        if shown < change.timestamp() {
            return shown;
        }
        (since, offset) = (change.timestamp(), change.offset());
    }
    offset.to_timestamp(local).expect("in range").max(since)
}

/// All hand-offs from the start of a layer to an instant, day by day.
fn walk(zone: &TimeZone, layer: &Layer, until: Timestamp) -> Vec<Timestamp> {
    let mut found = Vec::new();
    let mut date = layer.start;
    loop {
        let midnight = first_shown(zone, date.at(0, 0, 0, 0));
        if midnight > until {
            return found;
        }
        let tomorrow = date.tomorrow().expect("in range");
        let is_missing = midnight == first_shown(zone, tomorrow.at(0, 0, 0, 0));
        if !is_missing {
            found.extend(
                times_of(layer, date).into_iter().map(|time| first_shown(zone, date.to_datetime(time))),
            );
        }
        date = tomorrow;
    }
}

/// The local times at which a layer hands over on a date.
fn times_of(layer: &Layer, date: Date) -> Vec<Time> {
    match layer.handoff {
        Handoff::Daily(time) => vec![time],
        Handoff::Weekly(day, time) => Vec::from_iter((date.weekday() == day).then_some(time)),
        Handoff::Monthly(day, time) => {
            let is_last = date.tomorrow().expect("in range").month() != date.month();
            Vec::from_iter((date.day() == day || (is_last && date.day() < day)).then_some(time))
        }
        Handoff::Every(length) => {
            let before = date.duration_since(layer.start).as_mins();
            let minutes =
                (0..1_440_i16).filter(|minute| (before + i64::from(*minute)) % length.as_mins() == 0);
            let time = |minute: i16| {
                let (hour, minute) = (i8::try_from(minute / 60), i8::try_from(minute % 60));
                Time::constant(hour.expect("an hour"), minute.expect("a minute"), 0, 0)
            };
            minutes.map(time).collect()
        }
    }
}

fn people(count: usize) -> Vec<PersonId> {
    (0..count).map(|n| PersonId::from(format!("person-{n}"))).collect()
}

/// A layer without a gap agrees with the reference at an instant, and so do the turns that follow.
fn check_turns(name: &str, zone: &TimeZone, case: &Case, change: Timestamp) -> Result<(), TestCaseError> {
    let start = zone.to_datetime(change).date().checked_sub(case.lead.days()).expect("in range");
    let layer = Layer { people: people(case.people), start, handoff: case.handoff.clone(), only: Vec::new() };
    let instants: Vec<_> = case.instants.iter().map(|seconds| change + seconds.seconds()).collect();
    let last = instants.iter().max().expect("an instant");
    let end = *last + (70 * 24).hours();
    let walked = walk(zone, &layer, end);
    let rotation = Rotation::new(zone, &layer, end).expect("in range");
    prop_assert!(walked.is_sorted(), "{} {:?}: {:?}", name, layer, walked);
    let schedule = Schedule { id: "s".into(), team: None, zone: zone.clone(), layers: vec![layer] };
    for at in instants {
        let context = format!("{name} {case:?} start {start} at {at}");
        let passed = walked.partition_point(|handoff| *handoff <= at);
        let person = schedule.on_call(at, &[]);
        let Some(turn) = rotation.turn_at(at) else {
            prop_assert_eq!((passed, person), (0, None), "{}", context);
            continue;
        };
        prop_assert!(passed > 0, "{}: {:?} before the first hand-off", context, turn);
        prop_assert_eq!(turn.number, i64::try_from(passed).expect("small") - 1, "{}", context);
        prop_assert_eq!(turn.since, walked[passed - 1], "{}", context);
        prop_assert_eq!(turn.until, walked.get(passed).copied(), "{}", context);
        let expected = &schedule.layers[0].people[(passed - 1) % case.people];
        prop_assert_eq!(person, Some(expected), "{}", context);

        // The next turn is the next person's and touches this one, unless turns in between had no time at all.
        let until = turn.until.expect("in range");
        let next = rotation.turn_at(until).expect("after the first");
        let at_once = walked.iter().filter(|handoff| **handoff == until).count();
        prop_assert_eq!(next.since, until, "{}", context);
        prop_assert_eq!(next.number, turn.number + i64::try_from(at_once).expect("small"), "{}", context);
    }
    Ok(())
}

#[test]
fn the_database_has_the_zones_that_are_known_to_be_difficult() {
    assert!(ZONES.len() > 400, "{} zones", ZONES.len());
    for name in ["Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll"] {
        assert!(ZONES.iter().any(|(known, ..)| known == name), "{name}");
    }
}

#[test]
fn local_times_happen_in_their_order_around_every_change_of_every_zone() {
    for (name, zone, changes) in &*ZONES {
        for change in changes {
            let first = zone.to_datetime(*change).checked_sub(3.hours()).expect("in range");
            let mut before = None;
            for quarter in 0..24 {
                let local = first.checked_add((quarter * 15).minutes()).expect("in range");
                let instant = local::instant(zone, local);
                assert_eq!(instant, Some(first_shown(zone, local)), "{name} {local}");
                assert!(before <= instant, "{name} {local}");
                before = instant;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_every_zone_each_instant_has_one_person_and_turns_follow_each_other(case in cases()) {
        for (name, zone, changes) in &*ZONES {
            check_turns(name, zone, &case, case.change(changes))?;
        }
    }
}

fn restrictions() -> impl Strategy<Value = Restriction> {
    (weekdays(), weekdays(), times(), times()).prop_map(|(first, last, from, until)| Restriction {
        days: (first, last),
        from,
        until,
    })
}

/// The stretches of restrictions around an instant, day by day.
fn stretches(zone: &TimeZone, only: &[Restriction], around: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let middle = zone.to_datetime(around).date();
    let mut found = Vec::new();
    for date in (-15..=15).map(|n: i64| middle.checked_add(n.days()).expect("in range")) {
        for restriction in only {
            let (first, last) = restriction.days;
            if !is_on_the_way(first, last, date.weekday()) {
                continue;
            }
            let end =
                if restriction.until <= restriction.from { date.tomorrow().expect("in range") } else { date };
            let from = first_shown(zone, date.to_datetime(restriction.from));
            let until = first_shown(zone, end.to_datetime(restriction.until));
            if from < until {
                found.push((from, until));
            }
        }
    }
    found
}

/// Whether a weekday is met on the way from the first to the last.
fn is_on_the_way(first: Weekday, last: Weekday, day: Weekday) -> bool {
    let mut here = first;
    while here != day && here != last {
        here = here.next();
    }
    here == day
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn in_every_zone_hours_have_the_edges_that_the_clock_shows(
        only in prop::collection::vec(restrictions(), 1..3),
        change in any::<Index>(),
        seconds in instants(),
    ) {
        let case = Case { handoff: Handoff::Daily(Time::midnight()), change, lead: 0, instants: vec![], people: 1 };
        for (name, zone, changes) in &*ZONES {
            let at = case.change(changes) + seconds.seconds();
            let hours = hours::Hours { zone, only: &only };
            let stretches = stretches(zone, &only, at);
            let edges = || stretches.iter().flat_map(|(from, until)| [*from, *until]);
            let covered = stretches.iter().any(|(from, until)| *from <= at && at < *until);
            prop_assert_eq!(hours.cover(at), covered, "{} {}", name, at);
            let next = edges().filter(|edge| *edge > at).min();
            prop_assert_eq!(hours.next_edge(at), next, "{} {}", name, at);
            let last = edges().filter(|edge| *edge <= at).max();
            prop_assert_eq!(hours.last_edge(at), last, "{} {}", name, at);
        }
    }
}

fn layers() -> impl Strategy<Value = Vec<(Handoff, i64, usize, Vec<Restriction>)>> {
    let layer = (handoffs(), -10..30_i64, 0..4_usize, prop::collection::vec(restrictions(), 0..3));
    prop::collection::vec(layer, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn shifts_touch_and_agree_with_what_each_instant_says(
        place in any::<Index>(),
        change in any::<Index>(),
        layers in layers(),
        standing_in in prop::collection::vec((instants(), 0..3 * DAY, 0..3_usize, any::<bool>()), 0..5),
        looks in prop::collection::vec(-10 * DAY..10 * DAY, 5),
    ) {
        let (name, zone, changes) = place.get(&ZONES);
        let case = Case { handoff: Handoff::Daily(Time::midnight()), change, lead: 0, instants: vec![], people: 1 };
        let middle = case.change(changes);
        let date = zone.to_datetime(middle).date();
        let layer = |(handoff, lead, count, only): (Handoff, i64, usize, Vec<Restriction>)| Layer {
            people: people(count), start: date.checked_sub(lead.days()).expect("in range"), handoff, only,
        };
        let layers = layers.into_iter().map(layer).collect();
        let schedule = Schedule { id: "s".into(), team: None, zone: zone.clone(), layers };
        let overrides: Vec<_> = (1..).zip(standing_in).map(|(id, (from, length, person, ours))| Override {
            id: OverrideId(id),
            schedule: if ours { "s".into() } else { "other".into() },
            person: PersonId::from(format!("person-{person}")),
            from: middle + from.seconds(),
            until: middle + (from + length).seconds(),
        }).collect();
        let (from, until) = (middle - (10 * 24).hours(), middle + (10 * 24).hours());

        let shifts = schedule.shifts(from, until, &overrides);
        prop_assert_eq!(shifts.first().map(|shift| shift.since), Some(from), "{}", name);
        prop_assert_eq!(shifts.last().map(|shift| shift.until), Some(until), "{}", name);
        for shift in &shifts {
            prop_assert!(shift.since < shift.until, "{}", name);
        }
        for pair in shifts.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].since, "{}", name);
            prop_assert!((&pair[0].person, pair[0].because) != (&pair[1].person, pair[1].because), "{}", name);
        }
        for at in looks.into_iter().map(|seconds| middle + seconds.seconds()) {
            let listed = shifts.iter().find(|shift| shift.since <= at && at < shift.until).expect("covered");
            let asked = schedule.shift_at(at, &overrides);
            prop_assert_eq!(schedule.on_call(at, &overrides), asked.person.as_ref(), "{} {}", name, at);
            prop_assert_eq!((&asked.person, asked.because), (&listed.person, listed.because), "{} {}", name, at);
            prop_assert_eq!(asked.since.max(from), listed.since, "{} {}", name, at);
            prop_assert_eq!(asked.until.min(until), listed.until, "{} {}", name, at);
        }
    }
}
