//! Properties of quiet: an instant is quiet exactly while some silence in force is about the alert, deadlines stand still
//! exactly as long as nothing is heard, nobody is told twice within an interval, and a restart changes nothing.

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select};
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    delivery::{DeliveryKind, Notice, QuietNotice},
    event::{Actor, Event, Record, Reminder},
    id::{GroupId, SilenceId},
    intent::Intent,
    labels::Labels,
    page::Target,
    prose::Prose,
    quiet::{QuietIntent, SilenceKind},
};

use crate::world::{World, config, receipt, report, signal};

const DOWN: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
const G1: GroupId = GroupId(1);

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn ana() -> Actor {
    Actor::Person("ana".into())
}

/// What somebody writes, and whether it is about these labels: said here again, in other words.
const CONDITIONS: [&str; 6] = [
    "service=qflow",
    "service=web",
    "severity=~\"crit.*\"",
    "alertname!=Down service=qflow",
    "pod=a",
    "pod!~\"a|b\" service=qflow",
];

fn is_about(condition: usize, labels: &Labels) -> bool {
    let get = |name| labels.get(name).unwrap_or_default();
    match condition {
        0 => get("service") == "qflow",
        1 => get("service") == "web",
        2 => get("severity").starts_with("crit"),
        3 => get("alertname") != "Down" && get("service") == "qflow",
        4 => get("pod") == "a",
        _ => !["a", "b"].contains(&get("pod")) && get("service") == "qflow",
    }
}

/// Which conditions, in how many seconds it begins, how long it lasts, and after how long of that somebody ends it.
type Wanted = (usize, i64, i64, Option<i64>);

fn wanted() -> impl Strategy<Value = Vec<Wanted>> {
    let one = (0..CONDITIONS.len(), 0_i64..7_200, 1_i64..7_200, proptest::option::of(1_i64..7_200));
    proptest::collection::vec(one, 1..6)
}

fn labels() -> impl Strategy<Value = Labels> {
    let of = |name: &'static str, of: Vec<&'static str>| select(of).prop_map(move |value| (name, value));
    (
        of("alertname", vec!["Down", "Slow"]),
        of("service", vec!["qflow", "web"]),
        of("severity", vec!["critical", "info"]),
        of("pod", vec!["a", "b", "c"]),
    )
        .prop_map(|(one, two, three, four)| [one, two, three, four].into_iter().collect())
}

fn silence(world: &mut World, condition: usize, begins: i64, lasts: i64) -> SilenceId {
    let from = world.now().civil + secs(begins);
    let matchers = CONDITIONS[condition].split(' ').map(str::to_owned).collect();
    let what = QuietIntent::Add {
        kind: SilenceKind::Silence,
        matchers,
        comment: Prose::new("why", [0; 16]),
        from: Some(from),
        until: from + secs(lasts),
        by: ana(),
    };
    world.want(Intent::Quiet(what)).expect("a silence");
    world.state().quiet.last
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).expect("taken");
}

/// The process ends and starts again: nothing is different, timers included.
fn restarts(world: &mut World) {
    let before = world.state().clone();
    world.crash();
    assert!(before.timers == world.state().timers && before == *world.state(), "a restart changed something");
}

/// When something happened (engine time).
fn when(world: &World, is: impl Fn(&Event) -> bool) -> Vec<Timestamp> {
    let records = world.records();
    records.iter().filter(|record| is(&record.event)).map(Record::engine_time).collect()
}

/// From which instant on a stretch that was to be whole is over, counting only the time outside of these.
fn after_quiet(begins: Timestamp, length: SignedDuration, quiet: &[(Timestamp, Timestamp)]) -> Timestamp {
    let mut edges: Vec<Timestamp> = quiet.iter().flat_map(|(from, until)| [*from, *until]).collect();
    edges.retain(|edge| *edge > begins);
    edges.push(Timestamp::MAX);
    edges.sort_unstable();
    let (mut at, mut left) = (begins, length);
    for edge in edges {
        let hushed = quiet.iter().any(|(from, until)| *from <= at && at < *until);
        if !hushed && edge.duration_since(at) >= left {
            return at + left;
        }
        if !hushed {
            left -= edge.duration_since(at);
        }
        at = edge;
    }
    at
}

#[derive(Debug, Clone)]
enum Move {
    Pass(i64),
    Joins(usize),
    Ends(usize),
    Silences(usize, i64, i64),
    Snoozes(i64),
    Takes,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (1_i64..2_400).prop_map(Move::Pass),
        3 => (0_usize..6).prop_map(Move::Joins),
        2 => (0_usize..6).prop_map(Move::Ends),
        2 => (0..CONDITIONS.len(), 0_i64..1_200, 1_i64..3_600).prop_map(|(one, from, long)| Move::Silences(one, from, long)),
        1 => (60_i64..3_600).prop_map(Move::Snoozes),
        1 => Just(Move::Takes),
    ];
    proptest::collection::vec(one, 1..24)
}

fn moved(world: &mut World, one: &Move) {
    let pods = ["a", "b", "c", "d", "e", "f"];
    let by = ana();
    match one {
        Move::Pass(seconds) => world.pass(secs(*seconds), receipt),
        Move::Joins(pod) => fires(world, &[DOWN, &[("pod", pods[*pod])]].concat()),
        Move::Ends(pod) => {
            let starts_at = world.now().civil;
            let ended = signal(Resolved, &[DOWN, &[("pod", pods[*pod])]].concat(), starts_at);
            world.want(Intent::Report(report(vec![ended]))).expect("taken");
        }
        Move::Silences(condition, begins, lasts) => drop(silence(world, *condition, *begins, *lasts)),
        // Of what is gone, or taken, this is refused.
        Move::Snoozes(seconds) => {
            let what = QuietIntent::Snooze { group: G1, wait: secs(*seconds), by };
            drop(world.want(Intent::Quiet(what)));
        }
        Move::Takes => drop(world.want(Intent::Acknowledge { target: Target::Group(G1), by })),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_instant_is_quiet_exactly_while_some_silence_in_force_is_about_it(wanted in wanted(), labels in labels()) {
        let mut world = World::new();
        let begins = world.engine;
        for (condition, from, lasts, _) in &wanted {
            silence(&mut world, *condition, *from, *lasts);
        }
        // Each edge, and the last instant before it.
        let nano = SignedDuration::from_nanos(1);
        let edges = wanted.iter().flat_map(|(_, from, lasts, _)| [*from, from + lasts]);
        let edges: Vec<Timestamp> = edges.map(|at| begins + secs(at)).flat_map(|at| [at - nano, at, at + nano]).collect();
        for at in edges.into_iter().filter(|at| *at >= begins) {
            let said: Vec<SilenceId> = world.state().quieted_by(&labels, at).iter().map(|one| one.id).collect();
            let expected: Vec<SilenceId> = (1..).zip(&wanted).filter(|(_, (condition, from, lasts, _))| {
                let holds = begins + secs(*from) <= at && at < begins + secs(from + lasts);
                holds && is_about(*condition, &labels)
            }).map(|(id, _)| SilenceId(id)).collect();
            prop_assert_eq!(said, expected, "at {}", at);
        }
    }

    #[test]
    fn a_group_is_quiet_exactly_while_its_alert_is_also_when_silences_are_ended_early(wanted in wanted(), probes in proptest::collection::vec(1_i64..1_200, 1..12)) {
        let mut world = World::new();
        let labels: Labels = DOWN.iter().copied().collect();
        fires(&mut world, DOWN);
        world.pass(secs(10), receipt);
        let begins = world.engine;
        let mut stretches = Vec::new();
        for (condition, from, lasts, ended) in &wanted {
            let id = silence(&mut world, *condition, *from, *lasts);
            let until = ended.map_or(from + lasts, |ended| ended.min(from + lasts));
            stretches.push((id, *condition, begins + secs(*from), begins + secs(until), ended.is_some()));
        }
        let mut at = begins;
        for probe in probes {
            // What is ended early until then is ended at its instant.
            let next = at + secs(probe);
            let mut early: Vec<_> = stretches.iter().filter(|one| one.4 && at < one.3 && one.3 <= next).collect();
            early.sort_by_key(|one| one.3);
            for (id, _, _, until, _) in early {
                world.pass(until.duration_since(world.engine), receipt);
                let what = QuietIntent::End { silence: *id, kind: SilenceKind::Silence, by: ana() };
                // Its own time may be over at that instant.
                drop(world.want(Intent::Quiet(what)));
            }
            world.pass(next.duration_since(world.engine), receipt);
            restarts(&mut world);
            at = next;
            let quiet = stretches.iter().any(|(_, condition, from, until, _)| {
                is_about(*condition, &labels) && *from <= at && at < *until
            });
            prop_assert_eq!(world.state().groups[&G1].hush.is_some(), quiet, "at {}", at);
        }
    }

    #[test]
    fn deadlines_that_nobody_hears_stand_still_for_exactly_that_long(stretches in proptest::collection::vec((0_i64..5_400, 1_i64..5_400), 1..5), restart in 0_i64..7_200) {
        let mut world = World::new();
        fires(&mut world, DOWN);
        world.pass(secs(10), receipt);
        let opened = world.engine;
        let mut quiet = Vec::new();
        for (from, lasts) in stretches {
            silence(&mut world, 0, from, lasts);
            quiet.push((opened + secs(from), opened + secs(from + lasts)));
        }
        world.pass(secs(restart), receipt);
        restarts(&mut world);
        world.pass(secs(24_000), receipt);
        let reminded = when(&world, |event| matches!(event, Event::Reminded { what: Reminder::Acknowledge, .. }));
        prop_assert_eq!(reminded, [after_quiet(opened, secs(3_600), &quiet)]);
    }

    #[test]
    fn nobody_is_told_twice_within_an_interval(repeat in 60_i64..3_600, interval in 3_i64..900, moves in moves()) {
        let mut house = config::config();
        for route in &mut house.routes {
            route.repeat_interval = Some(secs(repeat));
            route.group_interval = Some(secs(interval));
        }
        let mut world = World::with(house);
        // One that stays, so that it is one group.
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        for one in &moves {
            moved(&mut world, one);
        }
        world.pass(secs(3 * repeat), receipt);
        let told = |event: &Event| matches!(event, Event::DeliveryQueued(queued)
            if queued.subject.group() == Some(G1) && queued.notice == Some(Notice::Quiet(QuietNotice::Repeated)));
        let told = when(&world, told);
        for two in told.windows(2) {
            prop_assert!(two[1].duration_since(two[0]) >= secs(repeat), "{:?}", told);
        }
        let asked = moves.iter().any(|one| matches!(one, Move::Silences(..) | Move::Snoozes(_) | Move::Takes));
        if !asked {
            prop_assert!(!told.is_empty(), "it still fires");
            let cards = |event: &Event| matches!(event, Event::DeliveryQueued(queued)
                if queued.subject.group() == Some(G1) && queued.kind == DeliveryKind::Card);
            let cards = when(&world, cards);
            for two in cards.windows(2) {
                prop_assert!(two[1].duration_since(two[0]) >= secs(interval), "{:?}", cards);
            }
        }
    }

    #[test]
    fn a_restart_at_any_point_changes_nothing(moves in moves()) {
        let mut world = World::new();
        fires(&mut world, DOWN);
        for one in &moves {
            moved(&mut world, one);
            world.deliver(receipt);
            restarts(&mut world);
        }
    }
}
