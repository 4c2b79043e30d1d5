//! Explanations of what the engine really did, one story each; and that a simulation says what it then really does.
//! Never a second telling of the rules: what is expected is written out, or done by the engine itself.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use watchbell::{
    domain::{
        alert::AlertStatus::{Firing, Resolved},
        config::Config,
        delivery::{Channel, Delivery, Outcome},
        event::{Actor, AlertFired, Event},
        explain::{self, EndedBecause, Explanation, Fate, Note, Question, Verdict},
        id::{AlertId, GroupId},
        intent::Intent,
        labels::Labels,
        page::{PageReason, Target},
        timeline::{Key, keys},
    },
    text,
};

use crate::world::{World, config, receipt, report, signal};

mod asked;
mod quiet;
mod simulated;
mod swaps;

const DOWN: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
const SLOW: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "web"), ("severity", "warning")];
const WORSE: &[(&str, &str)] =
    &[("alertname", "Slow"), ("service", "web"), ("severity", "page"), ("pod", "b")];

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).expect("taken");
}

fn acknowledge(world: &mut World, group: u64, by: &str) {
    let target = Target::Group(GroupId(group));
    world.want(Intent::Acknowledge { target, by: Actor::Person(by.into()) }).expect("acknowledged");
}

/// Why an alert went where it went, from what the views would find of it.
fn told(world: &World, alert: u64) -> Explanation {
    let alert = AlertId(alert);
    let all = world.records();
    let fired: AlertFired = all
        .iter()
        .find_map(|record| match &record.event {
            Event::AlertFired(fired) if fired.alert == alert => Some(AlertFired::clone(fired)),
            _ => None,
        })
        .expect("it fired");
    let present = explain::present(world.state(), world.now(), &fired);
    let mut wanted: Vec<Key> = fired.groups.iter().map(|group| Key::Group(*group)).collect();
    wanted.push(Key::Alert(alert));
    wanted.extend(present.incidents.iter().map(|incident| Key::Incident(*incident)));
    let found: Vec<_> =
        all.into_iter().filter(|record| keys(&record.event).iter().any(|key| wanted.contains(key))).collect();
    explain::past(&world.config, present, &fired, false, &found, Vec::new()).expect("an explanation")
}

fn words(told: &Explanation) -> String {
    text::explain::document(told, &TimeZone::UTC)
}

fn verdicts(told: &Explanation) -> Vec<&'static str> {
    told.routes
        .iter()
        .map(|line| match line.verdict {
            Verdict::Takes(_) => "takes",
            Verdict::Fails { .. } => "fails",
            Verdict::NotTried => "not tried",
        })
        .collect()
}

#[test]
fn an_alert_that_is_acknowledged_before_the_last_contact_is_told_from_its_route_to_who_was_spared() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10) + mins(3), receipt);
    acknowledge(&mut world, 1, "ben");
    world.pass(mins(30), receipt);
    insta::assert_snapshot!(words(&told(&world, 1)));
}

#[test]
fn what_no_route_takes_says_which_matcher_failed_and_went_to_the_catch_all() {
    let mut world = World::new();
    fires(&mut world, &[("alertname", "Odd"), ("service", "cron")]);
    world.pass(mins(1), receipt);
    let told = told(&world, 1);
    assert_eq!(verdicts(&told), ["fails", "fails", "fails", "fails", "takes"]);
    let Verdict::Fails { matcher, value } = &told.routes[1].verdict else { panic!("{told:?}") };
    assert_eq!((matcher.as_str(), value.as_deref()), ("service=\"qflow\"", Some("cron")));
    let Verdict::Fails { value, .. } = &told.routes[0].verdict else { panic!("{told:?}") };
    assert_eq!(*value, None, "there is no label audit");
    assert!(words(&told).contains("Nobody is paged: the route names no policy."), "{}", words(&told));
}

#[test]
fn a_route_that_continues_gives_two_groups() {
    let mut world = World::new();
    let both = [DOWN, &[("audit", "yes")]].concat();
    fires(&mut world, &both);
    world.pass(mins(2), receipt);
    let told = told(&world, 1);
    assert_eq!(verdicts(&told), ["takes", "takes", "not tried", "not tried", "not tried"]);
    let [audit, qflow] = &told.groups[..] else { panic!("{:?}", told.groups) };
    assert_eq!((audit.pages.len(), qflow.pages.len()), (0, 1));
    assert!(words(&told).contains("It continues: later routes are tried, too."));
}

#[test]
fn an_alert_that_joins_says_so_and_why_nobody_was_paged_for_it() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(mins(1), receipt);
    acknowledge(&mut world, 1, "ana");
    fires(&mut world, &[SLOW, &[("pod", "b")]].concat());
    world.pass(mins(10), receipt);
    let (first, second) = (told(&world, 1), told(&world, 2));
    assert_eq!((first.groups[0].joined, second.groups[0].joined), (false, true));
    assert_eq!(second.groups[0].alerts, 2);
    let acknowledged = second.groups[0].pages[0].end.as_ref().expect("the page ended");
    assert_eq!(acknowledged.why, EndedBecause::Acknowledged(Actor::Person("ana".into())));
    assert!(words(&second).contains("The alert joined it: it was open since"), "{}", words(&second));
}

#[test]
fn an_override_and_a_turn_are_named_and_stay_true_after_they_are_over() {
    let mut world = World::new();
    let now = world.now().civil;
    let (schedule, person) = ("primary".into(), "eli".into());
    let by = Actor::Person("ana".into());
    world
        .want(Intent::AddOverride { schedule, person, from: now, until: now + mins(60), by })
        .expect("an override");
    fires(&mut world, DOWN);
    world.pass(mins(6), receipt);
    // A week later, and the override is long over.
    world.pass(SignedDuration::from_hours(24 * 8), receipt);
    let told = told(&world, 1);
    let steps = &told.groups[0].pages[0].steps;
    let first = steps[0].people[0].duty.as_ref().expect("a schedule meant them");
    assert_eq!(first.overriding.map(|id| id.to_string()).as_deref(), Some("OV-1"));
    let second = steps[1].people[0].duty.as_ref().expect("a schedule meant them");
    assert_eq!((second.layer, second.turn, second.person.as_deref_str()), (Some(1), Some(1), "chi"));
    let said = words(&told);
    assert!(said.contains("pages eli (schedule:primary, override OV-1"), "{said}");
    assert!(said.contains("turn 1 of its rotation"), "{said}");
}

trait Name {
    fn as_deref_str(&self) -> &str;
}

impl Name for Option<watchbell::domain::id::PersonId> {
    fn as_deref_str(&self) -> &str {
        self.as_ref().map_or("nobody", |person| person.as_str())
    }
}

#[test]
fn a_gap_and_somebody_without_contacts_are_named() {
    let mut config = config::config();
    config.schedules.get_mut("primary").expect("a schedule").layers.clear();
    for person in config.people.values_mut().filter(|person| person.id.as_str() == "chi") {
        (person.contacts, person.urgent, person.routine) = (Vec::new(), Vec::new(), Vec::new());
    }
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(mins(1), receipt);
    let told = told(&world, 1);
    let steps = &told.groups[0].pages[0].steps;
    assert_eq!(steps[0].nobody.len(), 1, "{steps:?}");
    let said = words(&told);
    assert!(said.contains("schedule:primary: nobody is on call"), "{said}");
    assert!(said.contains("schedule:secondary: chi has no contact for pages"), "{said}");
}

#[test]
fn a_contact_that_fails_is_told_with_its_reason_and_the_next_one() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10), |delivery: &Delivery| match delivery.channel {
        Channel::Ntfy => Outcome::TryAgain { after: None, why: "503 Service Unavailable".into() },
        _ => Outcome::Receipt("200 OK".into()),
    });
    let told = told(&world, 1);
    let deliveries = &told.groups[0].pages[0].deliveries;
    assert_eq!(deliveries[0].attempts[0].why.as_deref(), Some("503 Service Unavailable"));
    assert!(deliveries[0].attempts[0].next_contact && deliveries[0].attempts[0].retry_at.is_some());
    assert_eq!(deliveries[1].fate, Fate::Arrived);
    let said = words(&told);
    assert!(said.contains("Push to ana failed (attempt 1): 503 Service Unavailable"), "{said}");
    assert!(said.contains("their next contact goes at once"), "{said}");
    assert!(said.contains("Hook to ana arrived (attempt 1): 200 OK"), "{said}");
}

#[test]
fn a_raised_severity_replaces_the_page_and_both_are_told() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(mins(1), receipt);
    fires(&mut world, WORSE);
    world.pass(mins(1), receipt);
    let told = told(&world, 2);
    let group = &told.groups[0];
    assert_eq!(group.raised.len(), 1);
    let [first, second] = &group.pages[..] else { panic!("{:?}", group.pages) };
    assert_eq!(first.end.as_ref().map(|end| end.why.clone()), Some(EndedBecause::Replaced(second.id)));
    assert_eq!((&second.reason, &second.end), (&PageReason::Raised, &None));
    assert!(words(&told).contains("a worse alert joined: severity from P2 to P0"), "{}", words(&told));
}

#[test]
fn what_fires_again_and_what_ended_a_moment_ago_are_duplicates_and_said() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(mins(1), receipt);
    fires(&mut world, DOWN);
    let now = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, DOWN, now)]))).expect("taken");
    let told = told(&world, 1);
    let known = told.alert.as_ref().expect("it is known");
    assert_eq!(known.fired_again.len(), 1);
    assert_eq!(known.duplicates_until, Some(now + secs(30)));
    let said = words(&told);
    assert!(said.contains("said once that it fires anew") && said.contains("is a duplicate"), "{said}");
}

#[test]
fn routes_that_changed_since_are_said() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(mins(1), receipt);
    let mut config = Config::clone(&world.config);
    config.routes.retain(|route| route.id.as_str() != "qflow");
    world.config = config.into();
    let told = told(&world, 1);
    assert_eq!(told.notes, [Note::RoutesChanged]);
}

/// What a simulation asks.
fn question(world: &World, labels: &[(&str, &str)], at: Option<Timestamp>) -> Question {
    let labels: Labels = labels.iter().copied().collect();
    let now = at.map_or(world.now(), |at| watchbell::domain::intent::Now { engine: at, civil: at });
    Question { integration: "prometheus".into(), labels, now, open: at.is_none() }
}

fn simulate(world: &World, question: &Question) -> Explanation {
    explain::simulate(explain::ground(world.state(), &world.config, question), &world.config, question)
}
