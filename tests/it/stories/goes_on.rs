//! Stories of incidents that were said to be mitigated too early, and for which nothing pages but their severity: somebody
//! opened them by hand, or their groups page nobody. Never two pages for one thing.

use watchbell::domain::{
    config::Config,
    id::SeverityId,
    page::Subject,
    quiet::{QuietIntent, SilenceKind},
    response::ResponseIntent,
};

use super::{
    quiet::{end, silence},
    response::{replays, respond},
    *,
};
use crate::world::config::config;

const ONE: IncidentId = IncidentId(1);
const TWO: IncidentId = IncidentId(2);
const G1: GroupId = GroupId(1);
const WEB: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "web"), ("severity", "critical")];

fn by_hand(severity: &str) -> World {
    let mut world = World::new();
    opens(&mut world, severity);
    world
}

fn opens(world: &mut World, severity: &str) {
    let (severity, title) = (SeverityId::from(severity), prose("it is slow"));
    incident(world, IncidentIntent::Open { severity, title, channel: None });
    world.pass(secs(1), receipt);
}

/// The world in which a route pages nobody, or by this policy.
fn routed(route: &str, page: Option<&str>) -> Config {
    let mut config = config();
    let route = config.routes.iter_mut().find(|one| one.id.as_str() == route).unwrap();
    route.page = page.map(Into::into);
    config
}

/// An incident that somebody opened for a group of a route that pages by this policy, or nobody.
fn for_a_group(page: Option<&str>) -> World {
    let mut world = World::with(routed("web", page));
    fires(&mut world, WEB);
    world.pass(secs(1), receipt);
    let what = IncidentIntent::OpenFor { group: G1, severity: "P1".into(), title: prose("slow") };
    incident(&mut world, what);
    world.pass(secs(1), receipt);
    world
}

/// An incident of a rule whose groups page nobody; somebody made it worse, and that paged.
fn raised() -> World {
    let mut world = World::with(routed("qflow", None));
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent().len(), 0, "its route pages nobody");
    incident(&mut world, IncidentIntent::Severity { incident: ONE, severity: "P0".into() });
    world.pass(secs(1), receipt);
    assert_eq!(reasons(&world), [PageReason::Raised]);
    world
}

fn mitigates(world: &mut World) {
    incident(world, status(1, IncidentStatus::Mitigated));
    assert!(world.state().pages.is_empty(), "what is mitigated pages nobody");
}

fn takes_back(world: &mut World) {
    incident(world, status(1, IncidentStatus::Investigating));
    world.pass(secs(1), receipt);
}

/// Why pages began, in their order.
fn reasons(world: &World) -> Vec<PageReason> {
    let started = |event| if let Event::PageStarted(started) = event { Some(started.reason) } else { None };
    world.events().into_iter().filter_map(started).collect()
}

/// The policies that page.
fn policies(world: &World) -> Vec<String> {
    world.state().pages.values().map(|page| page.plan.policy.to_string()).collect()
}

#[test]
fn what_somebody_opened_by_hand_pages_again_by_its_severity() {
    for back in [IncidentStatus::Investigating, IncidentStatus::Identified] {
        let mut world = by_hand("P1");
        assert_eq!(world.pages_sent(), ["ana push"]);
        mitigates(&mut world);
        world.pass(mins(20), receipt);
        incident(&mut world, status(1, back));
        world.pass(secs(1), receipt);
        assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
        assert_eq!(reasons(&world), [PageReason::Opened, PageReason::NotMitigated]);
        acknowledge(&mut world, Target::Incident(ONE), "ben").unwrap();
        assert!(world.state().pages.is_empty());
        replays(&world);
    }
}

#[test]
fn whoever_has_it_is_not_paged_again_and_neither_is_anybody_for_what_pages_nobody() {
    for late in [false, true] {
        let mut world = by_hand("P1");
        let takes = |world: &mut World| acknowledge(world, Target::Incident(ONE), "ben").unwrap();
        if !late {
            takes(&mut world);
        }
        mitigates(&mut world);
        if late {
            takes(&mut world);
        }
        takes_back(&mut world);
        assert_eq!(world.pages_sent(), ["ana push"], "taken late: {late}");
    }
    let mut world = by_hand("P2");
    mitigates(&mut world);
    takes_back(&mut world);
    assert_eq!(reasons(&world), []);
    replays(&world);
}

#[test]
fn what_somebody_opened_for_a_group_that_pages_nobody_pages_again_once() {
    // Taken back, or an alert fires, or one that is worse than all before.
    for how in ["taken back", "critical", "page"] {
        let mut world = for_a_group(None);
        assert_eq!(reasons(&world), [PageReason::Opened]);
        mitigates(&mut world);
        match how {
            "taken back" => takes_back(&mut world),
            severity => {
                let labels =
                    [("alertname", "Slow"), ("service", "web"), ("severity", severity), ("pod", "b")];
                fires(&mut world, &labels);
                world.pass(secs(1), receipt);
            }
        }
        assert_eq!(policies(&world), ["qflow"], "{how}");
        assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Investigating);
        acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
        assert!(world.state().pages.is_empty(), "{how}: who has the group has what somebody opened for it");
        replays(&world);
    }
}

#[test]
fn the_page_of_a_group_is_enough_for_what_somebody_opened_for_it() {
    for policy in ["qflow", "engineering"] {
        for back in [false, true] {
            let mut world = for_a_group(Some(policy));
            mitigates(&mut world);
            if back {
                takes_back(&mut world);
            } else {
                fires(&mut world, &[WEB, &[("pod", "b")]].concat());
                world.pass(secs(1), receipt);
            }
            assert_eq!(policies(&world), [policy], "taken back: {back}");
            assert_eq!(reasons(&world), [PageReason::Fired, PageReason::Fired]);
            replays(&world);
        }
    }
}

#[test]
fn an_incident_of_a_rule_that_pages_nobody_pages_again_if_it_did_before() {
    for paged in [true, false] {
        let mut world = if paged {
            raised()
        } else {
            let mut world = World::with(routed("qflow", None));
            fires(&mut world, DOWN);
            world.pass(secs(11), receipt);
            world
        };
        mitigates(&mut world);
        takes_back(&mut world);
        assert_eq!(policies(&world), if paged { vec!["qflow"] } else { vec![] });
        mitigates(&mut world);
        fires(&mut world, &[DOWN, &[("pod", "b")]].concat());
        assert_eq!(policies(&world), if paged { vec!["qflow"] } else { vec![] });
        replays(&world);
    }
}

#[test]
fn an_incident_of_a_rule_of_which_nothing_is_heard_waits() {
    // What pages by itself as soon as it is heard, and what only its severity pages for.
    for own in [true, false] {
        let mut world = if own { World::new() } else { raised() };
        if own {
            fires(&mut world, DOWN);
            world.pass(secs(11), receipt);
        }
        mitigates(&mut world);
        let before = world.pages_sent().len();
        let one = silence(&mut world, "service=qflow", mins(240)).unwrap();
        takes_back(&mut world);
        world.pass(mins(90), receipt);
        assert_eq!(world.pages_sent().len(), before, "own: {own}");
        end(&mut world, one, SilenceKind::Silence).unwrap();
        world.pass(secs(1), receipt);
        assert_eq!(policies(&world), ["qflow"], "own: {own}");
        assert_eq!(world.pages_sent().len(), before + 1, "own: {own}");
        replays(&world);
    }
}

#[test]
fn what_somebody_opened_for_a_group_waits_while_that_is_quiet_if_it_pages_by_itself() {
    for policy in [Some("qflow"), None] {
        let mut world = for_a_group(policy);
        mitigates(&mut world);
        let one = silence(&mut world, "service=web", mins(240)).unwrap();
        takes_back(&mut world);
        // What would wake nobody later does so now: nothing that a person opened stands still.
        let before = count(&world.events(), |event| matches!(event, Event::PageStarted(_)));
        assert_eq!(before, if policy.is_some() { 1 } else { 2 });
        end(&mut world, one, SilenceKind::Silence).unwrap();
        world.pass(secs(1), receipt);
        assert_eq!(reasons(&world).len(), 2, "{policy:?}");
        assert_eq!(policies(&world), ["qflow"], "{policy:?}");
        replays(&world);
    }
}

#[test]
fn whoever_snoozed_the_group_has_what_somebody_opened_for_it_until_then() {
    let mut world = for_a_group(None);
    mitigates(&mut world);
    let snooze = QuietIntent::Snooze { group: G1, wait: mins(20), by: ana() };
    world.want(Intent::Quiet(snooze)).unwrap();
    takes_back(&mut world);
    assert_eq!(reasons(&world), [PageReason::Opened]);
    world.pass(mins(20), receipt);
    assert_eq!(reasons(&world), [PageReason::Opened, PageReason::SnoozeOver]);
    replays(&world);
}

#[test]
fn what_is_merged_into_something_mitigated_pages_for_both_once() {
    // The other one pages by itself, or does not.
    for (severity, expected) in [("P2", PageReason::NotMitigated), ("P1", PageReason::Opened)] {
        let mut world = by_hand("P1");
        mitigates(&mut world);
        opens(&mut world, severity);
        respond(&mut world, ResponseIntent::Merge { incident: TWO, into: ONE }).unwrap();
        world.pass(secs(1), receipt);
        let pages: Vec<_> = world.state().pages.values().map(|page| (page.subject, &page.reason)).collect();
        assert_eq!(pages, [(Subject::Incident(ONE), &expected)]);
        replays(&world);
    }
}

#[test]
fn what_somebody_opened_pages_beside_a_merged_group_of_another_policy() {
    let mut world = World::with(routed("web", Some("engineering")));
    opens(&mut world, "P1");
    fires(&mut world, WEB);
    world.pass(secs(1), receipt);
    let what = IncidentIntent::OpenFor { group: G1, severity: "P2".into(), title: prose("slow") };
    incident(&mut world, what);
    respond(&mut world, ResponseIntent::Merge { incident: TWO, into: ONE }).unwrap();
    mitigates(&mut world);
    takes_back(&mut world);
    assert_eq!(policies(&world), ["engineering", "qflow"]);
    // The page of the group ends with it, and what was opened by hand is not forgotten.
    ends(&mut world, WEB);
    assert_eq!(policies(&world), ["qflow"]);
    replays(&world);
}

#[test]
fn what_was_mitigated_and_is_merged_into_what_runs_pages_if_nothing_else_does() {
    // Of the other one's rule nothing pages.
    let mut world = World::with(routed("qflow", None));
    opens(&mut world, "P1");
    mitigates(&mut world);
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(reasons(&world), [PageReason::Opened]);
    respond(&mut world, ResponseIntent::Merge { incident: ONE, into: TWO }).unwrap();
    world.pass(secs(1), receipt);
    assert_eq!(reasons(&world), [PageReason::Opened, PageReason::NotMitigated]);
    let pages: Vec<_> = world.state().pages.values().map(|page| page.subject).collect();
    assert_eq!(pages, [Subject::Incident(TWO)]);
    replays(&world);
}

#[test]
fn whoever_was_assigned_is_paged_alone_also_when_something_mitigated_is_merged() {
    let mut world = by_hand("P1");
    opens(&mut world, "P1");
    incident(&mut world, status(1, IncidentStatus::Mitigated));
    incident(&mut world, IncidentIntent::Assign { incident: TWO, to: "eli".into() });
    world.pass(secs(1), receipt);
    let assigned = || vec![PageReason::Assigned("eli".into())];
    let now =
        |world: &World| world.state().pages.values().map(|page| page.reason.clone()).collect::<Vec<_>>();
    assert_eq!(now(&world), assigned());
    respond(&mut world, ResponseIntent::Merge { incident: ONE, into: TWO }).unwrap();
    world.pass(secs(1), receipt);
    assert_eq!(now(&world), assigned());
    replays(&world);
}

#[test]
fn what_somebody_has_is_no_reason_to_page_for_what_is_over() {
    let mut world = raised();
    ends(&mut world, DOWN);
    opens(&mut world, "P1");
    acknowledge(&mut world, Target::Incident(TWO), "ben").unwrap();
    let before = reasons(&world);
    respond(&mut world, ResponseIntent::Merge { incident: TWO, into: ONE }).unwrap();
    world.pass(secs(1), receipt);
    assert_eq!(reasons(&world), before);
    replays(&world);
}

#[test]
fn alerts_that_are_gone_say_nothing_about_what_people_take_back() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    ends(&mut world, DOWN);
    assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Mitigated);
    takes_back(&mut world);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::NotMitigated]);
    replays(&world);
}

#[test]
fn what_fires_and_ends_in_one_report_is_mitigated_again_and_pages_nobody() {
    let mut world = World::with(routed("qflow", Some("engineering")));
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    mitigates(&mut world);
    world.pass(mins(1), receipt);
    let (b, now) = ([DOWN, &[("pod", "b")]].concat(), world.now().civil);
    let (fired, mut ended) = (signal(Firing, &b, now), signal(Resolved, &b, now));
    ended.ends_at = Some(now + secs(1));
    let first = signal(Resolved, DOWN, now);
    world.want(Intent::Report(report(vec![fired, ended, first]))).unwrap();
    world.pass(secs(1), receipt);
    assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Mitigated);
    assert_eq!(reasons(&world), [PageReason::Fired]);
    replays(&world);
}
