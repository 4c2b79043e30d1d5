//! Stories of incidents: how bad they are, when they are quiet, and when they are not any more.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};
use watchbell::{
    domain::{
        delivery::DeliveryKind,
        event::{Actor, Event, PageStop},
        facts::Dispatch,
        id::{GroupId, IncidentId},
        incident::IncidentStatus,
        intent::{IncidentIntent, Intent},
        offer::Offers,
        page::{PageReason, PageTarget, Target},
    },
    text,
};

use super::{DOWN, WORSE, acknowledge, ana, count, ends, fires, incident, mins, prose, secs, status};
use crate::world::{World, config, receipt};

const FIRST: IncidentId = IncidentId(1);
const WARNING: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "warning")];
const PAGE: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "page")];

fn severity(world: &World) -> &str {
    world.state().incidents[&FIRST].severity.as_str()
}

fn stands(world: &World) -> IncidentStatus {
    world.state().incidents[&FIRST].status
}

fn opened_by_hand(world: &mut World, severity: &str) {
    incident(
        world,
        IncidentIntent::Open { severity: severity.into(), title: prose("database is down"), channel: None },
    );
}

fn is_page(event: &Event, is: fn(&PageReason) -> bool) -> bool {
    matches!(event, Event::PageStarted(started) if is(&started.reason))
}

fn unresolved(event: &Event) -> bool {
    is_page(event, |reason| matches!(reason, PageReason::Unresolved(_)))
}

#[test]
fn an_incident_is_as_bad_as_its_group_is_by_then() {
    let mut world = World::new();
    fires(&mut world, WARNING);
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert_eq!(severity(&world), "P1", "raised while it collected");
    fires(&mut world, PAGE);
    assert_eq!(severity(&world), "P0", "raised when it was open");
    // The stronger severity's own deadline counts: engineering after half an hour, not after an hour.
    world.pass(mins(30), receipt);
    assert_eq!(count(&world.events(), unresolved), 1);
}

#[test]
fn a_group_without_severity_opens_the_mildest_incident_and_can_raise_it() {
    let mut world = World::new();
    let bare = [("alertname", "Down"), ("service", "qflow")];
    fires(&mut world, &bare);
    world.pass(secs(10), receipt);
    assert_eq!(severity(&world), "P3");
    fires(&mut world, DOWN);
    assert_eq!(severity(&world), "P1");
}

#[test]
fn a_worse_group_that_joins_in_a_storm_raises_the_incident() {
    let mut world = World::new();
    for number in 0..7 {
        let name = format!("Down{number}");
        let severity = if number == 6 { "page" } else { "warning" };
        fires(&mut world, &[("alertname", &name), ("service", "qflow"), ("severity", severity)]);
        world.pass(secs(11), receipt);
    }
    let state = world.state();
    assert_eq!(state.groups[&GroupId(7)].incident, Some(IncidentId(5)));
    assert_eq!(state.incidents[&IncidentId(5)].severity, "P0".into());
}

#[test]
fn a_storm_passes_over_what_is_mitigated_and_over_a_stepped_clock() {
    let mut world = World::new();
    let breaks = |world: &mut World, number: usize| {
        let name = format!("Down{number}");
        fires(world, &[("alertname", &name), ("service", "qflow"), ("severity", "critical")]);
        world.pass(secs(11), receipt);
    };
    (0..5).for_each(|number| breaks(&mut world, number));
    incident(&mut world, status(5, IncidentStatus::Mitigated));
    breaks(&mut world, 5);
    assert_eq!(world.state().incidents.len(), 6, "nothing joins an incident that is mitigated");
    let by = SignedDuration::from_hours(-5);
    world.offset += by;
    world.want(Intent::ClockStepped { by }).unwrap();
    world.pass(mins(10), receipt);
    breaks(&mut world, 6);
    assert_eq!(world.state().incidents.len(), 7, "ten minutes are ten minutes: the storm is over");
}

#[test]
fn what_is_mitigated_wakes_nobody() {
    let mut world = World::new();
    opened_by_hand(&mut world, "P1");
    world.deliver(receipt);
    incident(&mut world, status(1, IncidentStatus::Mitigated));
    assert_eq!(world.state().pages.len(), 0);
    world.pass(SignedDuration::from_hours(5), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    let reminded = count(&world.events(), |event| {
        matches!(event, Event::Reminded { what: watchbell::domain::event::Reminder::Acknowledge, .. })
    });
    assert_eq!(reminded, 0, "nobody is reminded to take it");
}

#[test]
fn when_the_last_group_closes_the_incidents_own_pages_stop() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(mins(62), receipt);
    assert!(world.state().pages.values().any(|page| page.subject.group().is_none()), "unresolved");
    fires(&mut world, DOWN);
    ends(&mut world, DOWN);
    assert_eq!((world.state().pages.len(), stands(&world)), (0, IncidentStatus::Mitigated));
}

#[test]
fn what_fires_anew_or_gets_worse_is_not_mitigated_any_more() {
    let joins = [DOWN, &[("pod", "b")]].concat();
    for what in [joins, PAGE.to_vec(), DOWN.to_vec()] {
        let mut world = World::new();
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
        incident(&mut world, status(1, IncidentStatus::Mitigated));
        fires(&mut world, &what);
        assert_eq!(stands(&world), IncidentStatus::Investigating, "{what:?}");
        let told = count(&world.events(), |event| {
            matches!(
                event,
                Event::StatusChanged { by: Actor::Watchbell, status: IncidentStatus::Investigating, .. }
            )
        });
        assert_eq!(told, 1, "{what:?}");
    }
    let mut world = World::new();
    opened_by_hand(&mut world, "P2");
    incident(&mut world, status(1, IncidentStatus::Mitigated));
    incident(&mut world, IncidentIntent::Severity { incident: FIRST, severity: "P1".into() });
    assert_eq!(stands(&world), IncidentStatus::Investigating);
}

#[test]
fn what_is_reopened_or_not_mitigated_after_all_has_its_whole_time_again() {
    for reopened in [true, false] {
        let mut world = World::new();
        opened_by_hand(&mut world, "P1");
        acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
        let over = if reopened {
            IncidentIntent::Resolve { incident: FIRST, text: None }
        } else {
            status(1, IncidentStatus::Mitigated)
        };
        // Unresolved for an hour once, then over.
        world.pass(mins(61), receipt);
        acknowledge(&mut world, Target::Incident(FIRST), "chi").unwrap();
        incident(&mut world, over);
        world.pass(mins(120), receipt);
        let again = if reopened {
            IncidentIntent::Reopen { incident: FIRST, text: None }
        } else {
            status(1, IncidentStatus::Investigating)
        };
        incident(&mut world, again);
        world.pass(mins(59), receipt);
        assert_eq!(count(&world.events(), unresolved), 1, "not in the same second");
        world.pass(mins(1), receipt);
        assert_eq!(count(&world.events(), unresolved), 2, "and not never");
    }
}

#[test]
fn who_takes_the_lead_takes_the_groups() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    incident(&mut world, IncidentIntent::Assign { incident: FIRST, to: "ana".into() });
    let taken = world.state().groups[&GroupId(1)].acknowledged.clone();
    assert_eq!(taken.map(|(by, _)| by), Some(ana()));
    assert_eq!(world.state().pages.len(), 0);
}

#[test]
fn a_raised_incident_without_a_policy_of_its_severity_pages_by_its_groups() {
    let mut config = config::config();
    config.severities.get_mut("P0").unwrap().page = None;
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    let events = incident(&mut world, IncidentIntent::Severity { incident: FIRST, severity: "P0".into() });
    assert_eq!(count(&events, |event| is_page(event, |reason| *reason == PageReason::Raised)), 1);
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
    let policy = |page: &PageTarget| *page == PageTarget::Schedule("primary".into());
    assert!(world.state().pages.values().all(|page| page.plan.steps[0].page.iter().all(policy)));
}

#[test]
fn an_acknowledgement_posts_each_card_once() {
    for target in [Target::Group(GroupId(1)), Target::Incident(FIRST)] {
        let mut world = World::new();
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        let events = acknowledge(&mut world, target, "ana").unwrap();
        let cards = count(
            &events,
            |event| matches!(event, Event::DeliveryQueued(queued) if queued.kind == DeliveryKind::Card),
        );
        assert_eq!(cards, 1, "{target}");
    }
}

#[test]
fn a_raise_replaces_the_page_that_runs() {
    let mut world = World::new();
    let slow = [("alertname", "Slow"), ("service", "web"), ("severity", "warning")];
    fires(&mut world, &slow);
    fires(&mut world, WORSE);
    let replaced = count(&world.events(), |event| {
        matches!(event, Event::PageStopped { why: PageStop::Replaced(_), .. })
    });
    assert_eq!((replaced, world.state().pages.len()), (1, 1));
}

/// Whether the last message of a kind offers to take what it is about.
fn can_be_taken(world: &World, kind: DeliveryKind) -> bool {
    let last = world.sent.iter().rev().find(|sent| sent.delivery.kind == kind).expect("one has left");
    let dispatch = Dispatch {
        delivery: last.delivery.clone(),
        facts: world.state().facts(&last.delivery),
        at: world.now().civil,
        edits: None,
        linked: BTreeMap::new(),
        offers: Offers::default(),
    };
    let card = text::message::card(&dispatch);
    card.buttons.iter().any(|button| button.label == "Acknowledge")
}

/// What a bare `/ack` finds.
fn waiting(world: &World) -> usize {
    let (state, config, zone) = (world.state(), &*world.config, &TimeZone::UTC);
    text::paging::untaken(&text::scene::Scene { state, config, zone, now: world.now() }).len()
}

#[test]
fn a_new_page_for_what_somebody_has_can_be_taken() {
    for what in ["not resolved for an hour", "raised", "assigned"] {
        let mut world = World::new();
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        assert!(can_be_taken(&world, DeliveryKind::Page) && can_be_taken(&world, DeliveryKind::Card));
        acknowledge(&mut world, Target::Group(GroupId(1)), "ana").unwrap();
        world.deliver(receipt);
        assert!(!can_be_taken(&world, DeliveryKind::Card), "ana has it");
        assert_eq!(waiting(&world), 0);
        let (pages, sent) = (world.pages_sent().len(), world.sent.len());
        match what {
            "raised" => {
                incident(&mut world, IncidentIntent::Severity { incident: FIRST, severity: "P0".into() });
            }
            "assigned" => {
                incident(&mut world, IncidentIntent::Assign { incident: FIRST, to: "ben".into() });
            }
            _ => world.pass(mins(61), receipt),
        }
        world.deliver(receipt);
        assert!(world.pages_sent().len() > pages, "{what}");
        let edited = world.sent[sent..].iter().any(|sent| sent.delivery.kind == DeliveryKind::Card);
        assert!(edited, "{what}: its card says that it can be taken");
        for kind in [DeliveryKind::Page, DeliveryKind::Card] {
            assert!(can_be_taken(&world, kind), "{what}: {kind:?}");
        }
        assert_eq!(waiting(&world), 1, "{what}: a bare /ack finds it");
        acknowledge(&mut world, Target::Incident(FIRST), "ben").unwrap();
        assert!(world.state().pages.is_empty());
        assert_eq!(waiting(&world), 0, "{what}");
    }
}

#[test]
fn what_fires_after_its_incident_was_resolved_is_told_and_paged_as_new() {
    let other: &[(&str, &str)] = &[("pod", "b")];
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    incident(&mut world, IncidentIntent::Resolve { incident: FIRST, text: None });
    world.deliver(receipt);
    // Its source says again what is known: nothing happens.
    let paged = world.pages_sent().len();
    let known = world.state().alerts.values().next().unwrap().starts_at;
    let signal = crate::world::signal(watchbell::domain::alert::AlertStatus::Firing, DOWN, known);
    world.want(Intent::Report(crate::world::report(vec![signal]))).unwrap();
    world.pass(mins(3), receipt);
    assert_eq!((world.pages_sent().len(), world.state().incidents.len()), (paged, 1));
    let cards = world.sent.len();
    fires(&mut world, &[DOWN, other].concat());
    world.deliver(receipt);
    assert_eq!(world.pages_sent().len(), paged + 1, "whoever is on call hears of it");
    let second = IncidentId(2);
    let group = &world.state().groups[&GroupId(1)];
    assert_eq!((group.incident, group.resolved), (Some(second), Some(FIRST)));
    assert!(group.acknowledged.is_none());
    let card = world.sent[cards..].iter().find(|sent| sent.delivery.kind == DeliveryKind::Card).unwrap();
    let facts = world.state().facts(&card.delivery);
    assert_eq!(facts.group.unwrap().resolved, Some(FIRST), "its card says so");
    // From here on it is a group like any other: what joins it pages nobody.
    fires(&mut world, &[DOWN, &[("pod", "c")]].concat());
    world.deliver(receipt);
    assert_eq!(world.pages_sent().len(), paged + 1);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ben").unwrap();
    assert!(world.state().incidents[&second].acknowledged.is_some() && world.state().pages.is_empty());
    super::response::replays(&world);
}

#[test]
fn a_group_whose_incident_somebody_opened_and_resolved_counts_for_itself_again() {
    let labels: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "web"), ("severity", "critical")];
    let mut world = World::new();
    fires(&mut world, labels);
    world.deliver(receipt);
    let (severity, title) = ("P1".into(), prose("slow"));
    incident(&mut world, IncidentIntent::OpenFor { group: GroupId(1), severity, title });
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    incident(&mut world, IncidentIntent::Resolve { incident: FIRST, text: None });
    let paged = world.pages_sent().len();
    // What is quiet wakes nobody, and what is heard does.
    super::quiet::silence(&mut world, "pod=b", mins(30)).unwrap();
    fires(&mut world, &[labels, &[("pod", "b")]].concat());
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent().len(), paged);
    fires(&mut world, &[labels, &[("pod", "c")]].concat());
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent().len(), paged + 1);
    assert_eq!(world.state().incidents.len(), 1, "its route opens none");
    acknowledge(&mut world, Target::Group(GroupId(1)), "ana").unwrap();
    world.pass(mins(61), receipt);
    let unresolved = |event: &Event| matches!(event, Event::PageStarted(started) if matches!(started.reason, PageReason::Unresolved(_)));
    assert_eq!(count(&world.events(), unresolved), 1, "and it is not resolved for an hour");
    super::response::replays(&world);
}
