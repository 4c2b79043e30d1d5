//! What a simulation says is what the engine then does: random configurations, labels, instants and states, each told
//! first and then really done. Never compares what the same code has told twice: the engine's own events are counted.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select};
use watchbell::domain::{
    config::Config,
    delivery::{DeliveryKind, Recipient},
    event::Event,
    explain::Explanation,
    id::GroupId,
    intent::Intent,
    page::Subject,
    person::NotificationRule,
    schedule::{Handoff, Restriction},
};

use super::{DOWN, SLOW, acknowledge, fires, mins, question, secs, simulate, words};
use crate::world::{World, config, receipt};

/// How long what really happens is compared.
const COMPARED: SignedDuration = SignedDuration::from_hours(3);

/// One thing that is done to somebody or something: when, by which page, what.
type Done = BTreeSet<(Timestamp, String)>;

fn said(told: &Explanation, until: Timestamp) -> Done {
    let mut done = Done::new();
    for page in told.groups.iter().flat_map(|group| &group.pages) {
        for step in &page.steps {
            let people: Vec<String> =
                step.people.iter().map(|one| format!("{} {}", one.person, one.because)).collect();
            let what =
                format!("step {} {} {people:?} {:?} {:?}", step.round, step.step, step.channels, step.nobody);
            done.insert((step.at, what));
        }
        for delivery in &page.deliveries {
            done.insert((delivery.at, format!("to {} by {}", delivery.to, delivery.channel)));
        }
    }
    done.retain(|(at, _)| *at <= until);
    done
}

/// What the engine did for these groups after an event.
fn did(world: &World, after: watchbell::domain::id::Seq, groups: &[GroupId], until: Timestamp) -> Done {
    let incidents: Vec<_> =
        groups.iter().filter_map(|group| world.state().groups.get(group)?.incident).collect();
    let ours = |subject: &Subject| match subject {
        Subject::Group(group, _) => groups.contains(group),
        Subject::Incident(incident) => incidents.contains(incident),
        _ => false,
    };
    let mut done = Done::new();
    for record in world.records_after(after) {
        match &record.event {
            Event::StepTaken(step) if ours(&step.subject) => {
                let people: Vec<String> =
                    step.people.iter().map(|one| format!("{} {}", one.person, one.because)).collect();
                let what = format!(
                    "step {} {} {people:?} {:?} {:?}",
                    step.round, step.step, step.channels, step.nobody
                );
                done.insert((record.at, what));
            }
            Event::DeliveryQueued(queued) if queued.kind == DeliveryKind::Page && ours(&queued.subject) => {
                let to: &Recipient = &queued.to;
                done.insert((record.at, format!("to {to} by {}", queued.channel)));
            }
            _ => {}
        }
    }
    done.retain(|(at, _)| *at <= until);
    done
}

/// Really does what was told, and compares the two.
pub(super) fn compare(world: &mut World, told: &Explanation, labels: &[(&str, &str)]) {
    let (before, until) = (world.state().seq, world.now().civil + COMPARED);
    fires(world, labels);
    let alert = world.state().alerts.values().next_back().expect("it fires").clone();
    world.pass(COMPARED, receipt);
    assert_eq!(said(told, until), did(world, before, &alert.groups, until), "{}", words(told));
}

#[derive(Debug, Clone)]
struct Case {
    goes_on: Vec<bool>,
    group_by: Vec<Vec<&'static str>>,
    waits: Vec<i64>,
    page: Vec<Option<&'static str>>,
    severity: Vec<Option<&'static str>>,
    rounds: u32,
    step_wait: i64,
    rules: Vec<(i64, &'static str)>,
    daily: bool,
    office: bool,
    labels: Vec<(&'static str, &'static str)>,
    before: Option<(bool, bool, i64)>,
    stands_in: Option<i64>,
    later: i64,
}

fn cases() -> impl Strategy<Value = Case> {
    let four = |of: Vec<Option<&'static str>>| proptest::collection::vec(select(of), 4);
    let group_by = select(vec![vec![], vec!["alertname"], vec!["alertname", "pod"]]);
    let routes = (
        proptest::collection::vec(any::<bool>(), 4),
        proptest::collection::vec(group_by, 4),
        proptest::collection::vec(select(vec![0_i64, 10, 300]), 4),
        four(vec![None, Some("qflow"), Some("engineering")]),
        four(vec![None, Some("P0"), Some("P3")]),
    );
    let rule = (select(vec![0_i64, 60, 120, 900]), select(vec!["push", "hook", "chat"]));
    let people = (1_u32..4, select(vec![0_i64, 60, 300, 1200]), proptest::collection::vec(rule, 0..4));
    let label =
        |name: &'static str, of: Vec<&'static str>| select(of).prop_map(move |value| (name, value)).boxed();
    let labels = vec![
        label("alertname", vec!["Down", "Slow"]),
        label("service", vec!["qflow", "web", "noise", "cron"]),
        label("severity", vec!["page", "critical", "warning", "info", "odd"]),
        label("audit", vec!["yes", "no"]),
        label("pod", vec!["a", "b"]),
    ];
    let state = (
        proptest::option::of((any::<bool>(), any::<bool>(), 0_i64..2400)),
        proptest::option::of(-60_i64..120),
        0_i64..30 * 24 * 3600,
    );
    (routes, people, any::<(bool, bool)>(), labels, state).prop_map(
        |(routes, people, (daily, office), labels, (before, stands_in, later))| {
            let (goes_on, group_by, waits, page, severity) = routes;
            let (rounds, step_wait, rules) = people;
            Case {
                goes_on,
                group_by,
                waits,
                page,
                severity,
                rounds,
                step_wait,
                rules,
                daily,
                office,
                labels,
                before,
                stands_in,
                later,
            }
        },
    )
}

fn configured(case: &Case) -> Config {
    let mut config = config::config();
    for (index, route) in config.routes.iter_mut().enumerate() {
        route.goes_on = case.goes_on[index];
        route.group_by = case.group_by[index].iter().map(ToString::to_string).collect();
        route.group_wait = secs(case.waits[index]);
        route.page = case.page[index].map(Into::into);
        route.severity = case.severity[index].map(Into::into);
    }
    for policy in config.policies.values_mut() {
        policy.rounds = case.rounds;
        for step in &mut policy.steps {
            step.wait = secs(case.step_wait);
        }
    }
    for person in config.people.values_mut() {
        let rule = |(after, contact): &(i64, &str)| NotificationRule {
            after: secs(*after),
            contacts: vec![(*contact).into()],
        };
        person.urgent = case.rules.iter().map(rule).collect();
    }
    for layer in config.schedules.values_mut().flat_map(|schedule| &mut schedule.layers) {
        if case.daily {
            layer.handoff = Handoff::Daily(jiff::civil::time(9, 0, 0, 0));
        }
        if case.office {
            let days = (jiff::civil::Weekday::Monday, jiff::civil::Weekday::Friday);
            let (from, until) = (jiff::civil::time(8, 0, 0, 0), jiff::civil::time(18, 0, 0, 0));
            layer.only = vec![Restriction { days, from, until }];
        }
    }
    config
}

/// The state in which the alert comes: time has passed, somebody stands in, something may be open.
fn prepared(case: &Case) -> World {
    let mut world = World::with(configured(case));
    world.pass(secs(case.later), receipt);
    if let Some(from) = case.stands_in {
        let now = world.now().civil;
        let (from, until) = (now + mins(from), now + mins(from + 90));
        let by = watchbell::domain::event::Actor::Operator;
        let (schedule, person) = ("primary".into(), "eli".into());
        // One that is over already is refused, and that is fine.
        drop(world.want(Intent::AddOverride { schedule, person, from, until, by }));
    }
    if let Some((down, taken, ago)) = case.before {
        fires(&mut world, if down { DOWN } else { SLOW });
        world.pass(secs(ago / 2), receipt);
        if taken && world.state().groups.contains_key(&GroupId(1)) {
            acknowledge(&mut world, 1, "ben");
        }
        world.pass(secs(ago - ago / 2), receipt);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_simulation_says_what_the_engine_then_does(case in cases()) {
        let mut world = prepared(&case);
        let asked = question(&world, &case.labels, None);
        let told = simulate(&world, &asked);
        let (before, until) = (world.state().seq, world.now().civil + COMPARED);
        fires(&mut world, &case.labels);
        let twin = told.notes.iter().any(|note| matches!(note, watchbell::domain::explain::Note::FiresAlready(_)));
        prop_assume!(!twin);
        let alert = world.state().alerts.values().next_back().expect("it fires").clone();
        world.pass(COMPARED, receipt);
        let told_groups: Vec<GroupId> = told.groups.iter().map(|group| group.id).collect();
        prop_assert_eq!(&told_groups, &alert.groups, "{}", words(&told));
        for story in &told.groups {
            let group = &world.state().groups[&story.id];
            prop_assert_eq!(&story.title, &group.title);
            prop_assert_eq!(&story.channels[..], &group.channels[..]);
            prop_assert_eq!(&story.key, &group.key);
            prop_assert_eq!(&story.severity, &group.severity);
            prop_assert_eq!(story.urgency, group.urgency);
        }
        prop_assert_eq!(said(&told, until), did(&world, before, &alert.groups, until), "{}", words(&told));
    }

    /// From the configuration alone, at any instant, it is what a server would say that knows nothing else.
    #[test]
    fn a_simulation_at_another_instant_is_what_an_empty_engine_does_then(case in cases()) {
        let case = Case { before: None, stands_in: None, ..case };
        let mut world = prepared(&case);
        let at = world.now().civil;
        let empty = World::with(configured(&case));
        let told = simulate(&empty, &question(&empty, &case.labels, Some(at)));
        let (before, until) = (world.state().seq, at + COMPARED);
        fires(&mut world, &case.labels);
        let alert = world.state().alerts.values().next_back().expect("it fires").clone();
        world.pass(COMPARED, receipt);
        prop_assert_eq!(said(&told, until), did(&world, before, &alert.groups, until), "{}", words(&told));
    }
}

#[test]
fn a_simulation_reads_as_a_table_of_what_would_happen() {
    let world = World::new();
    insta::assert_snapshot!(words(&simulate(&world, &question(&world, DOWN, None))));
}

#[test]
fn a_simulation_changes_nothing_and_knows_what_it_would_join() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(mins(1), receipt);
    acknowledge(&mut world, 1, "ana");
    let before = world.state().clone();
    let twin = simulate(&world, &question(&world, SLOW, None));
    assert_eq!(
        twin.notes,
        [watchbell::domain::explain::Note::FiresAlready(watchbell::domain::id::AlertId(1))]
    );
    let joins = simulate(&world, &question(&world, &[SLOW, &[("pod", "c")]].concat(), None));
    assert!(joins.groups[0].joined, "{joins:?}");
    let said = words(&joins);
    assert!(said.contains("Nobody is paged: ana has it."), "{said}");
    assert_eq!(*world.state(), before);
}
