//! Stories of incidents of which nothing is heard: nobody is paged or reminded while nobody has them, and all of it goes on
//! from where it stood.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    delivery::{Delivery, Outcome},
    event::{Actor, Event, PageStop, Reminder},
    id::{GroupId, IncidentId, PersonId},
    incident::{IncidentRole, IncidentStatus},
    intent::{IncidentIntent, Intent},
    matcher::Matcher,
    page::{PageReason, Target},
    quiet::{QuietEvent, QuietIntent, SilenceKind},
};

use super::{
    DOWN, SLOW, acknowledge, ana, count, ends, fires, floods, incident, mins, prose,
    quiet::{G1, end, nobody_hears, restart, silence},
    secs,
};
use crate::world::{World, address, config, receipt, report, signal};

const FIRST: IncidentId = IncidentId(1);

fn is_held(world: &World) -> bool {
    world.state().incidents[&FIRST].held.is_some()
}

/// What was late, in its order.
fn late(world: &World) -> Vec<Reminder> {
    let what = |event| match event {
        Event::Reminded { what, .. } => Some(what),
        _ => None,
    };
    world.events().into_iter().filter_map(what).collect()
}

/// Why pages of incidents began, in their order.
fn reasons(world: &World) -> Vec<PageReason> {
    let started = |event| match event {
        Event::PageStarted(started) if started.subject.group().is_none() => Some(started.reason),
        _ => None,
    };
    world.events().into_iter().filter_map(started).collect()
}

fn goes_on(event: &Event) -> bool {
    matches!(event, Event::Quiet(quiet) if matches!(**quiet, QuietEvent::GoesOn { .. }))
}

/// A rule has opened an incident, which nobody has.
fn opened() -> World {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert!(world.state().incidents.contains_key(&FIRST));
    world
}

/// The same, an hour later: further people are paged, because it is not resolved.
fn unresolved() -> World {
    let mut world = opened();
    world.pass(mins(60), receipt);
    assert_eq!(reasons(&world), [PageReason::Unresolved(mins(60))]);
    world
}

#[test]
fn its_deadlines_stand_still_while_nothing_of_it_is_heard_and_go_on_from_where_they_stood() {
    let mut world = opened();
    world.pass(mins(10), receipt);
    silence(&mut world, "service=qflow", mins(90)).unwrap();
    assert!(is_held(&world));
    restart(&mut world);
    world.deliver(receipt);
    let before = world.sent.len();
    world.pass(mins(50), receipt);
    restart(&mut world);
    world.pass(mins(39), receipt);
    assert!(nobody_hears(&world, before), "{:?}", &world.sent[before..]);
    assert_eq!((late(&world), reasons(&world)), (vec![], vec![]));
    world.pass(mins(1), receipt);
    assert!(!is_held(&world), "it is heard");
    restart(&mut world);
    // Ten of its sixty minutes were over.
    world.pass(mins(49), receipt);
    assert_eq!(late(&world), []);
    restart(&mut world);
    world.pass(mins(1), receipt);
    assert_eq!(late(&world), [Reminder::Acknowledge, Reminder::Update]);
    assert_eq!(reasons(&world), [PageReason::Unresolved(mins(60))]);
}

#[test]
fn its_page_stands_still_and_takes_the_step_at_which_it_stood_anew() {
    let mut world = unresolved();
    assert_eq!(world.pages_sent().last().map(String::as_str), Some("chi push"));
    world.pass(secs(30), receipt);
    let one = silence(&mut world, "service=qflow", mins(120)).unwrap();
    let page = world.state().pages.values().next().expect("it is not over").clone();
    assert!(page.held && page.pending.is_empty() && world.state().pages.len() == 1);
    restart(&mut world);
    world.deliver(receipt);
    let before = world.sent.len();
    world.pass(mins(60), receipt);
    assert!(nobody_hears(&world, before), "{:?}", &world.sent[before..]);
    restart(&mut world);
    end(&mut world, one, SilenceKind::Silence).unwrap();
    restart(&mut world);
    world.deliver(receipt);
    let again = &world.pages_sent();
    assert!(again[again.len() - 2..].contains(&"chi push".to_owned()), "chi hears of it again: {again:?}");
    assert_eq!(reasons(&world).len(), 1, "and it is the same page");
    let sent = world.pages_sent().len();
    world.pass(mins(2), receipt);
    assert!(world.pages_sent()[sent..].contains(&"chi hook".to_owned()), "by all the rules of chi");
}

#[test]
fn what_was_on_its_way_when_it_became_quiet_is_not_tried_again() {
    let mut world = opened();
    let chi_is_down = |delivery: &Delivery| {
        if address(&delivery.to).starts_with("chi") {
            Outcome::TryAgain { after: None, why: "502".into() }
        } else {
            Outcome::Receipt("200".into())
        }
    };
    world.pass(mins(60), chi_is_down);
    // One attempt is under way when the silence begins, and fails afterwards.
    world.pass(secs(5), |_| Outcome::TryAgain { after: None, why: "502".into() });
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    world.deliver(chi_is_down);
    let before = world.pages_sent().len();
    restart(&mut world);
    world.pass(mins(59), chi_is_down);
    assert_eq!(world.pages_sent().len(), before, "{:?}", world.pages_sent());
    world.pass(mins(1), receipt);
    assert!(world.pages_sent()[before..].contains(&"chi push".to_owned()), "{:?}", world.pages_sent());
}

#[test]
fn what_somebody_has_or_opened_is_not_held() {
    let has: [fn(&mut World); 3] = [
        |world| drop(acknowledge(world, Target::Incident(FIRST), "ana").unwrap()),
        |world| {
            let (role, to) = (IncidentRole::Scribe, Some(PersonId::from("ben")));
            incident(world, IncidentIntent::Role { incident: FIRST, role, to });
        },
        |world| drop(acknowledge(world, Target::Group(G1), "ana").unwrap()),
    ];
    for takes in has {
        let mut world = opened();
        takes(&mut world);
        silence(&mut world, "service=qflow", mins(120)).unwrap();
        assert!(!is_held(&world));
        world.pass(mins(61), receipt);
        assert!(late(&world).contains(&Reminder::Update), "{:?}", late(&world));
        assert_eq!(reasons(&world), [PageReason::Unresolved(mins(60))]);
    }
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    let what = IncidentIntent::OpenFor { group: G1, severity: "P1".into(), title: prose("slow") };
    incident(&mut world, what);
    silence(&mut world, "service=web", mins(120)).unwrap();
    assert!(!is_held(&world), "a person opened it");
    world.pass(mins(61), receipt);
    assert_eq!(late(&world), [Reminder::Acknowledge, Reminder::Update]);
}

#[test]
fn whoever_takes_what_is_held_is_reminded_after_what_was_left() {
    let mut world = opened();
    world.pass(mins(10), receipt);
    silence(&mut world, "service=qflow", mins(600)).unwrap();
    world.pass(mins(120), receipt);
    let events = acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    assert_eq!(count(&events, goes_on), 1);
    restart(&mut world);
    world.pass(mins(49), receipt);
    assert_eq!(late(&world), []);
    world.pass(mins(1), receipt);
    assert_eq!(late(&world), [Reminder::Update]);
}

#[test]
fn what_somebody_asks_for_goes_whatever_is_quiet() {
    let mut world = opened();
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    world.pass(mins(5), receipt);
    let before = world.pages_sent().len();
    incident(&mut world, IncidentIntent::Severity { incident: FIRST, severity: "P0".into() });
    world.deliver(receipt);
    assert_eq!(world.pages_sent()[before..], ["ana push"]);
    assert!(is_held(&world), "nobody has it yet");
    restart(&mut world);
    // What the worse severity asks is counted from then, and stands still, too: fifteen minutes.
    world.pass(mins(54), receipt);
    assert_eq!(late(&world), []);
    world.pass(mins(15), receipt);
    assert_eq!(late(&world), []);
    world.pass(mins(1), receipt);
    assert_eq!(late(&world), [Reminder::Acknowledge, Reminder::Update]);
}

#[test]
fn a_snooze_holds_its_incident_too() {
    let mut world = opened();
    let what = QuietIntent::Snooze { group: G1, wait: mins(90), by: ana() };
    world.want(Intent::Quiet(what)).unwrap();
    assert!(is_held(&world));
    restart(&mut world);
    world.pass(mins(89), receipt);
    assert_eq!(late(&world), []);
    world.pass(mins(2), receipt);
    assert!(!is_held(&world));
    world.pass(mins(60), receipt);
    assert_eq!(late(&world), [Reminder::Acknowledge, Reminder::Update]);
}

#[test]
fn a_flood_that_is_silenced_is_held_as_one_and_pages_as_one_when_it_is_heard() {
    let mut world = World::new();
    floods::flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    assert_eq!((world.state().incidents.len(), world.pages_sent()), (1, vec!["ana push".to_owned()]));
    // Some of it is heard.
    let some = silence(&mut world, "alertname=~\"Down0000.*\"", mins(600)).unwrap();
    assert!(!is_held(&world));
    let all = silence(&mut world, "service=qflow", mins(600)).unwrap();
    assert!(is_held(&world) && world.state().pages.values().all(|page| page.held));
    restart(&mut world);
    world.pass(mins(120), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    end(&mut world, some, SilenceKind::Silence).unwrap();
    assert!(is_held(&world));
    end(&mut world, all, SilenceKind::Silence).unwrap();
    restart(&mut world);
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"], "one page, not one for each group");
    world.pass(mins(5), receipt);
    assert!(world.pages_sent().contains(&"chi push".to_owned()), "and it goes on to the secondary");
}

#[test]
fn what_ends_while_it_is_held_leaves_nothing_behind() {
    let mut world = unresolved();
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    world.pass(mins(10), receipt);
    ends(&mut world, DOWN);
    let one = &world.state().incidents[&FIRST];
    assert_eq!((one.status, one.held), (IncidentStatus::Mitigated, None));
    assert!(world.state().pages.is_empty());
    restart(&mut world);
    let before = world.pages_sent().len();
    world.pass(SignedDuration::from_hours(5), receipt);
    assert_eq!((world.pages_sent().len(), late(&world)), (before, Vec::from(late_before())));
    assert!(world.state().timers.is_empty(), "{:?}", world.state().timers);
    // It fires again, heard: its deadlines begin anew.
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert!(world.pages_sent().len() > before);
}

/// What is late after an hour in which nobody took it.
fn late_before() -> [Reminder; 2] {
    [Reminder::Acknowledge, Reminder::Update]
}

#[test]
fn what_is_merged_goes_on_where_something_is_heard() {
    let mut world = unresolved();
    silence(&mut world, "alertname=Down", mins(600)).unwrap();
    assert!(is_held(&world));
    fires(&mut world, &[("alertname", "Gone"), ("service", "qflow"), ("severity", "critical")]);
    world.pass(secs(11), receipt);
    let into = IncidentId(2);
    let what = watchbell::domain::response::ResponseIntent::Merge { incident: FIRST, into };
    world.want(Intent::Response { what, by: Actor::Person("eli".into()) }).unwrap();
    assert!(!is_held(&world) && world.state().incidents[&into].held.is_none());
    assert!(world.state().pages.values().all(|page| !page.held), "nothing is forgotten");
    restart(&mut world);
    // And where nothing is heard, it is held.
    ends(&mut world, &[("alertname", "Gone"), ("service", "qflow"), ("severity", "critical")]);
    assert!(world.state().incidents[&into].held.is_some());
    assert_eq!(count(&world.events(), goes_on), 1);
    floods::flood(&mut world, 0..1, Resolved, "critical");
}

#[test]
fn a_page_that_is_for_nobody_stops_for_what_happened_to_its_own_incident() {
    let mut config = config::config();
    let mut other = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
    other.id = "other".into();
    other.matchers = vec![Matcher::parse("service=other").unwrap()];
    config.routes.push(other);
    let mut world = World::with(config);
    floods::flood(&mut world, 0..12, Firing, "critical");
    world.pass(secs(11), receipt);
    let other = [("alertname", "Other"), ("service", "other"), ("severity", "critical")];
    fires(&mut world, &other);
    world.pass(secs(11), receipt);
    let last = [("alertname", "Down00011"), ("service", "qflow"), ("severity", "critical")];
    silence(&mut world, "pod=b", mins(60)).unwrap();
    fires(&mut world, &[&last[..], &[("pod", "b")]].concat());
    floods::flood(&mut world, 0..1, Resolved, "critical");
    for group in 2..=11 {
        acknowledge(&mut world, Target::Group(GroupId(group)), "ben").unwrap();
    }
    let page = *world
        .state()
        .pages
        .values()
        .find(|page| page.subject.group().is_none())
        .map(|page| &page.id)
        .unwrap();
    // What is heard of its last group ends; in the same report a group of another incident does.
    let now = world.now().civil;
    let both = [&last, &other].map(|labels| signal(Resolved, labels, now)).to_vec();
    let events = world.want(Intent::Report(report(both))).unwrap().events;
    let why = events.iter().find_map(|event| match event {
        Event::PageStopped { page: one, why, .. } if *one == page => Some(why.clone()),
        _ => None,
    });
    assert_eq!(why, Some(PageStop::Quiet), "the other incident's group ended");
}
