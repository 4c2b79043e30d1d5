//! Whole behaviour with a virtual clock: one story each, as a person on call would tell it.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    delivery::{DeliveryKind, Outcome},
    event::{Actor, Event, PageStop},
    id::{GroupId, IncidentId, PageId},
    incident::IncidentStatus,
    intent::{IncidentIntent, Intent, Refusal, Whom},
    page::{PageReason, Target},
    prose::Prose,
};

use crate::world::{World, address, receipt, report, signal, start_of_time};

mod after_all;
mod clock;
mod floods;
mod goes_on;
mod held;
mod incidents;
mod merges;
mod mitigated;
mod pages;
mod quiet;
mod quiet_ends;
mod reload;
mod response;
mod storms;

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

fn ana() -> Actor {
    Actor::Person("ana".into())
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).unwrap();
}

fn ends(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, labels, starts_at)]))).unwrap();
}

fn acknowledge(world: &mut World, target: Target, by: &str) -> Result<Vec<Event>, Refusal> {
    let by = Actor::Person(by.into());
    world.want(Intent::Acknowledge { target, by }).map(|accepted| accepted.events)
}

fn incident(world: &mut World, what: IncidentIntent) -> Vec<Event> {
    world.want(Intent::Incident { what, by: ana() }).unwrap().events
}

fn status(incident: u64, status: IncidentStatus) -> IncidentIntent {
    IncidentIntent::Status { incident: IncidentId(incident), status: Some(status), text: None }
}

/// How many of these events there are.
fn count(events: &[Event], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| is(event)).count()
}

fn prose(text: &str) -> Prose {
    Prose::new(text, [0; 16])
}

#[test]
fn an_alert_waits_for_its_group_then_pages_by_rules_and_policy_until_somebody_takes_it() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(9), receipt);
    assert!(world.sent.is_empty(), "the group still collects");

    world.pass(secs(1), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    assert!(world.state().groups[&GroupId(1)].incident.is_some(), "the route opens an incident");

    world.pass(mins(5), receipt);
    // Her own rules ran on (hook after 2 minutes) until the policy went to the secondary at 5 minutes.
    assert_eq!(world.pages_sent(), ["ana push", "ana hook", "ana chat", "chi push"]);

    let events = acknowledge(&mut world, Target::Group(GroupId(1)), "chi").unwrap();
    let spared = events.iter().find_map(|event| match event {
        Event::PageStopped { spared, why: PageStop::Acknowledged(_), .. } => Some(spared.clone()),
        _ => None,
    });
    assert_eq!(spared.unwrap(), ["chi".into(), "dana".into(), "eli".into()]);
    assert!(world.state().incidents[&IncidentId(1)].acknowledged.is_some(), "the incident is taken with it");
    let before = world.pages_sent().len();
    world.pass(mins(50), receipt);
    assert_eq!(world.pages_sent().len(), before, "nobody is paged after that");
}

#[test]
fn everybody_who_was_paged_hears_of_the_end_and_nobody_is_paged_for_it() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(mins(6), receipt);
    ends(&mut world, DOWN);
    world.deliver(receipt);
    let told: Vec<String> = world
        .sent
        .iter()
        .filter(|sent| sent.delivery.kind == DeliveryKind::Resolved)
        .map(|sent| address(&sent.delivery.to))
        .collect();
    assert_eq!(told, ["ana chat", "chi chat"]);
    assert!(world.state().groups.is_empty() && world.state().pages.is_empty());
    assert_eq!(world.state().incidents[&IncidentId(1)].status, IncidentStatus::Mitigated);
    let before = world.pages_sent().len();
    world.pass(SignedDuration::from_hours(3), receipt);
    assert_eq!(world.pages_sent().len(), before);
}

#[test]
fn a_group_that_ends_while_it_collects_disturbs_nobody() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(5), receipt);
    ends(&mut world, DOWN);
    world.pass(mins(10), receipt);
    assert!(world.sent.is_empty() && world.state().groups.is_empty());
}

#[test]
fn a_contact_that_fails_brings_the_next_one_forward_and_is_tried_again_with_its_key() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    let push_is_down = |delivery: &watchbell::domain::delivery::Delivery| match address(&delivery.to) {
        to if to.ends_with("push") => Outcome::TryAgain { after: None, why: "502".into() },
        _ => Outcome::Receipt("200".into()),
    };
    world.pass(secs(11), push_is_down);
    assert_eq!(world.pages_sent(), ["ana push", "ana hook"], "at once, not after two minutes");
    world.pass(secs(5), push_is_down);
    assert_eq!(world.pages_sent()[2], "ana push", "again within five seconds");
    let pushes: Vec<_> = world.sent.iter().filter(|sent| address(&sent.delivery.to) == "ana push").collect();
    assert_eq!(pushes[0].delivery.key, pushes[1].delivery.key);
    assert_eq!((pushes[0].delivery.attempts, pushes[1].delivery.attempts), (1, 2));
}

#[test]
fn when_every_contact_refuses_the_policy_goes_on_at_once() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), |delivery| {
        if address(&delivery.to).starts_with("ana") {
            Outcome::Refused { why: "no such number".into() }
        } else {
            Outcome::Receipt("200".into())
        }
    });
    assert_eq!(world.pages_sent(), ["ana push", "ana hook", "ana chat", "chi push"]);
}

#[test]
fn a_policy_that_nobody_answers_repeats_and_ends_loudly() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(SignedDuration::from_hours(3), receipt);
    let unanswered =
        world.events().iter().filter(|event| matches!(event, Event::PageUnanswered { .. })).count();
    assert_eq!(unanswered, 1);
    let notices: Vec<String> = world
        .sent
        .iter()
        .filter(|sent| sent.delivery.kind == DeliveryKind::Notice)
        .map(|sent| address(&sent.delivery.to))
        .collect();
    assert_eq!(notices, ["#engineering", "#engineering", "#web"]);
    // Routine: by chat only, and each of two rounds reaches everybody.
    assert_eq!(
        world.pages_sent(),
        ["ana chat", "chi chat", "eli chat", "dana chat", "ana chat", "chi chat", "eli chat", "dana chat"]
    );
    assert!(acknowledge(&mut world, Target::Group(GroupId(1)), "ana").is_ok(), "it can still be taken");
}

#[test]
fn what_joins_a_taken_group_pages_nobody_unless_it_is_worse() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ben").unwrap();
    let same = [SLOW, &[("pod", "a")]].concat();
    fires(&mut world, &same);
    world.pass(mins(30), receipt);
    assert_eq!(world.pages_sent(), ["ana chat"]);

    fires(&mut world, WORSE);
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana chat", "ana push"], "worse and urgent: it wakes");
    let reasons: Vec<_> = world
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::PageStarted(started) => Some(started.reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [PageReason::Fired, PageReason::Raised]);
}

#[test]
fn the_same_report_again_changes_nothing_and_a_late_one_does_not_page_again() {
    let mut world = World::new();
    let starts_at = start_of_time();
    let firing = || Intent::Report(report(vec![signal(Firing, DOWN, starts_at)]));
    world.want(firing()).unwrap();
    assert_eq!(world.want(firing()).unwrap().events, []);
    ends(&mut world, DOWN);
    assert_eq!(world.want(firing()).unwrap().events, [], "delivered late, out of order");
    fires(&mut world, DOWN);
    assert_eq!(world.state().groups.len(), 0, "the very same start is still the old firing");
    world.pass(secs(1), receipt);
    fires(&mut world, DOWN);
    assert_eq!(world.state().groups.len(), 1, "a new start is a new alert, in a new group");
    // A source that lost its connection and comes back after a while means it.
    ends(&mut world, DOWN);
    world.pass(mins(1), receipt);
    world.want(Intent::Report(report(vec![signal(Firing, DOWN, starts_at)]))).unwrap();
    assert_eq!(world.state().groups.len(), 1);
}

#[test]
fn a_truncated_end_of_a_group_ends_what_it_left_out() {
    let mut world = World::new();
    let other = [DOWN, &[("pod", "b")]].concat();
    fires(&mut world, DOWN);
    fires(&mut world, &other);
    let starts_at = world.now().civil;
    let mut cut = report(vec![signal(Resolved, DOWN, starts_at)]);
    cut.truncated = 1;
    world.want(Intent::Report(cut)).unwrap();
    assert!(world.state().alerts.is_empty() && world.state().groups.is_empty());
}

#[test]
fn an_alert_that_no_route_takes_is_shown_in_the_catch_all() {
    let mut world = World::new();
    fires(&mut world, &[]);
    world.pass(secs(0), receipt);
    let cards: Vec<String> = world.sent.iter().map(|sent| address(&sent.delivery.to)).collect();
    assert_eq!(cards, ["#alerts"]);
}

#[test]
fn an_incident_by_hand_pages_by_its_severity_and_again_when_it_lasts() {
    let mut world = World::new();
    let what =
        IncidentIntent::Open { severity: "P1".into(), title: prose("database is down"), channel: None };
    world.want(Intent::Incident { what, by: Actor::Person("eli".into()) }).unwrap();
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    acknowledge(&mut world, Target::Incident(IncidentId(1)), "ana").unwrap();
    world.pass(mins(59), receipt);
    assert_eq!(world.pages_sent().len(), 1);
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent()[1], "chi push", "unresolved for an hour: engineering, acknowledged or not");
    // That page is a page of its own: it can be taken, too.
    acknowledge(&mut world, Target::Incident(IncidentId(1)), "chi").unwrap();
    assert!(world.state().pages.is_empty());
    let what = IncidentIntent::Resolve { incident: IncidentId(1), text: Some(prose("failed over")) };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    let again = IncidentIntent::Resolve { incident: IncidentId(1), text: None };
    assert!(matches!(
        world.want(Intent::Incident { what: again, by: ana() }),
        Err(Refusal::AlreadyResolved { .. })
    ));
}

#[test]
fn nobody_acknowledges_in_time_and_the_channel_is_reminded_once() {
    let mut world = World::new();
    let what = IncidentIntent::Open { severity: "P3".into(), title: prose("a typo"), channel: None };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    world.pass(SignedDuration::from_hours(72), receipt);
    let reminded = world.events().iter().filter(|event| matches!(event, Event::Reminded { .. })).count();
    assert_eq!(reminded, 1);
}

#[test]
fn a_reassigned_incident_stops_paging_the_others_and_pages_the_new_lead() {
    let mut world = World::new();
    let what = IncidentIntent::Open { severity: "P1".into(), title: prose("slow"), channel: None };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    let what = IncidentIntent::Assign { incident: IncidentId(1), to: "ben".into() };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ben push"], "ana's page had not left and never will");
    let what = IncidentIntent::Assign { incident: IncidentId(1), to: "chi".into() };
    world.want(Intent::Incident { what, by: Actor::Person("chi".into()) }).unwrap();
    assert!(world.state().pages.is_empty(), "taking the lead oneself is an acknowledgement");
}

#[test]
fn somebody_pages_a_person_and_the_page_is_taken_once() {
    let mut world = World::new();
    let whom = Whom::Person("dana".into());
    world.want(Intent::Page { whom, reason: prose("please look"), by: ana() }).unwrap();
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["dana push"]);
    assert_eq!(world.sent[0].summary, "please look");
    let page = Target::Page(PageId(1));
    acknowledge(&mut world, page, "dana").unwrap();
    assert!(matches!(acknowledge(&mut world, page, "ana"), Err(Refusal::AlreadyAcknowledged { .. })));
    let never = Target::Page(PageId(9));
    assert_eq!(acknowledge(&mut world, never, "ana"), Err(Refusal::Unknown(never)));
}

#[test]
fn an_override_decides_whom_the_next_step_means() {
    let mut world = World::new();
    let from = world.now().civil;
    world
        .want(Intent::AddOverride {
            schedule: "primary".into(),
            person: "eli".into(),
            from,
            until: from + mins(60),
            by: ana(),
        })
        .unwrap();
    fires(&mut world, SLOW);
    world.pass(secs(0), receipt);
    assert_eq!(world.pages_sent(), ["eli chat"]);
    let wrong = Intent::AddOverride {
        schedule: "primary".into(),
        person: "eli".into(),
        from,
        until: from,
        by: ana(),
    };
    assert!(matches!(world.want(wrong), Err(Refusal::BadTimes { .. })));
}

#[test]
fn a_card_that_changes_often_is_posted_at_most_every_two_seconds() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(0), receipt);
    for number in 0..500 {
        let pod = number.to_string();
        fires(&mut world, &[SLOW, &[("pod", pod.as_str())]].concat());
        world.pass(SignedDuration::from_millis(10), receipt);
    }
    world.pass(secs(5), receipt);
    let cards = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card).count();
    assert!((3..=5).contains(&cards), "{cards} cards in five seconds");
    assert_eq!(world.pages_sent(), ["ana chat"], "and one page");
}

#[test]
fn the_wall_clock_is_stepped_and_waits_stay_as_long_as_they_were() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(mins(1), receipt);
    let by = SignedDuration::from_hours(2);
    world.offset += by;
    world.want(Intent::ClockStepped { by }).unwrap();
    world.pass(mins(3), receipt);
    assert_eq!(world.pages_sent(), ["ana chat"]);
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent(), ["ana chat", "chi chat"], "five minutes are five minutes");
}

#[test]
fn a_storm_of_one_route_does_not_open_an_incident_for_each_group() {
    let mut world = World::new();
    for number in 0..50 {
        let name = format!("Down{number}");
        fires(&mut world, &[("alertname", &name), ("service", "qflow"), ("severity", "critical")]);
    }
    world.pass(mins(1), receipt);
    assert_eq!(world.state().groups.len(), 50);
    assert_eq!(world.state().incidents.len(), 1, "so many at once are one thing");
}

#[test]
fn a_source_that_names_ever_new_groups_does_not_make_an_alert_grow() {
    let mut world = World::new();
    let at = world.now().civil;
    for group in 0..50 {
        let mut report = report(vec![signal(Firing, DOWN, at)]);
        report.source_group = Some(format!("group {group}").into());
        world.want(Intent::Report(report)).unwrap();
    }
    let alert = world.state().alerts.values().next().unwrap();
    assert_eq!(alert.source_groups.len(), 8);
    let changes = world.events().iter().filter(|event| matches!(event, Event::AlertChanged { .. })).count();
    assert_eq!(changes, 7);
}
