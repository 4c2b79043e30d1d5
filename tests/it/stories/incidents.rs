//! Stories of incidents: how bad they are, when they are quiet, and when they are not any more.

use jiff::SignedDuration;
use watchbell::domain::{
    delivery::DeliveryKind,
    event::{Actor, Event, PageStop},
    id::{GroupId, IncidentId},
    incident::IncidentStatus,
    intent::{IncidentIntent, Intent},
    page::{PageReason, PageTarget, Target},
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
