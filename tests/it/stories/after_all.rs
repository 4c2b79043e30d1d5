//! Stories of alerts that come unheard after people have ended an incident: when they are heard, people are told and paged
//! as if the alert had just fired. What people have ended is not paged for again by the end of a silence.

use jiff::SignedDuration;
use watchbell::domain::{
    delivery::{DeliveryKind, QuietNotice},
    event::{Actor, Event, Reminder},
    id::{GroupId, IncidentId, SilenceId},
    incident::IncidentStatus,
    intent::{IncidentIntent, Intent},
    page::{PageReason, Target},
    quiet::{QuietIntent, SilenceKind},
    response::ResponseEvent,
};

use super::{
    DOWN, SLOW, WORSE, acknowledge, count, ends, fires, incident, mins,
    quiet::{G1, end, reasons, restart, silence, told},
    response::replays,
    secs, status,
};
use crate::world::{World, config, receipt};

const FIRST: IncidentId = IncidentId(1);
const SECOND: IncidentId = IncidentId(2);

fn pod(name: &str) -> Vec<(&str, &str)> {
    [DOWN, &[("pod", name)]].concat()
}

fn resolve(world: &mut World, id: IncidentId) {
    incident(world, IncidentIntent::Resolve { incident: id, text: None });
    world.deliver(receipt);
}

fn snooze(world: &mut World, wait: SignedDuration) {
    let what = QuietIntent::Snooze { group: G1, wait, by: Actor::Person("ben".into()) };
    world.want(Intent::Quiet(what)).unwrap();
}

/// A group of two alerts, whose incident is open and paged for.
fn opened() -> World {
    let mut world = World::new();
    fires(&mut world, &pod("a"));
    fires(&mut world, &pod("b"));
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    world
}

/// All of it is quiet for twenty minutes.
fn all_quiet(world: &mut World) {
    silence(world, "service=qflow", mins(20)).unwrap();
}

fn anew(world: &World) -> usize {
    let is_anew =
        |event: &ResponseEvent| matches!(event, ResponseEvent::FiredAnew { group: G1, incident: FIRST });
    count(&world.events(), |event| matches!(event, Event::Response(event) if is_anew(event)))
}

/// What is quiet, what comes meanwhile, and how it is heard.
#[derive(Debug, Clone, Copy)]
struct Case {
    acknowledged: bool,
    /// The silence: over all of the group, or over what comes alone.
    matchers: &'static str,
    /// The alert that comes: one that fires already has a newer start.
    comes: &'static str,
    /// A snooze of the group, in minutes, that begins before the alert comes.
    snooze: Option<i64>,
    by_person: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for acknowledged in [true, false] {
        for (matchers, comes) in
            [("service=qflow", "c"), ("service=qflow", "b"), ("pod=c", "c"), ("pod=b", "b")]
        {
            for snooze in [None, Some(10), Some(60)] {
                for by_person in [true, false] {
                    cases.push(Case { acknowledged, matchers, comes, snooze, by_person });
                }
            }
        }
    }
    cases
}

/// Up to the end of the silence: after thirty minutes.
fn until_it_is_heard(case: Case) -> (World, SilenceId) {
    let mut world = opened();
    if case.acknowledged {
        acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    }
    resolve(&mut world, FIRST);
    let silence = silence(&mut world, case.matchers, mins(30)).unwrap();
    if let Some(minutes) = case.snooze {
        snooze(&mut world, mins(minutes));
    }
    world.pass(mins(5), receipt);
    fires(&mut world, &pod(case.comes));
    restart(&mut world);
    (world, silence)
}

#[test]
fn what_fires_unheard_after_its_incident_was_resolved_is_told_and_paged_as_new_when_it_is_heard() {
    for case in cases() {
        let (mut world, silence) = until_it_is_heard(case);
        let before = reasons(&world).len();
        world.pass(mins(24), receipt);
        // A snooze that ends while something else of the group is heard pages for that.
        let paged = reasons(&world).len();
        let heard = case.matchers != "service=qflow" && case.snooze == Some(10);
        assert_eq!(paged - before, usize::from(heard), "{case:?}: {:?}", reasons(&world));
        if heard {
            acknowledge(&mut world, Target::Group(G1), "chi").unwrap();
            continue;
        }
        restart(&mut world);
        if case.by_person {
            end(&mut world, silence, SilenceKind::Silence).unwrap();
            world.pass(secs(0), receipt);
        } else {
            world.pass(mins(2), receipt);
        }
        assert_eq!((anew(&world), reasons(&world).len()), (1, paged + 1), "{case:?}");
        assert_eq!(reasons(&world).last(), Some(&PageReason::Fired), "{case:?}");
        let group = &world.state().groups[&G1];
        assert_eq!((group.incident, group.resolved), (Some(SECOND), Some(FIRST)), "{case:?}");
        assert!(group.acknowledged.is_none() && group.hush.is_none() && group.snooze.is_none(), "{case:?}");
        assert_eq!(told(&world, QuietNotice::Over), 0, "{case:?}: its card says it");
        restart(&mut world);
        // Once, and from here on it is a group like any other.
        acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
        world.pass(mins(50), receipt);
        assert_eq!((anew(&world), reasons(&world).len()), (1, paged + 1), "{case:?}");
        replays(&world);
    }
}

#[test]
fn what_people_have_ended_is_not_paged_for_again_when_a_silence_ends() {
    type Meanwhile = fn(&mut World);
    // What happens before the incident is resolved, and after; the second alert is silenced all the time.
    let nothing: Meanwhile = |_| {};
    let cases: [(&str, Meanwhile, Meanwhile); 7] = [
        ("it fired before", |world| fires(world, &pod("c")), nothing),
        (
            "it fired before, and is told again",
            |world| fires(world, &pod("c")),
            |world| {
                let known = world.state().alerts.values().next_back().unwrap().starts_at;
                let signal = crate::world::signal(super::Firing, &pod("c"), known);
                world.want(Intent::Report(crate::world::report(vec![signal]))).unwrap();
            },
        ),
        ("it ends again", nothing, |world| {
            fires(world, &pod("c"));
            world.pass(mins(1), receipt);
            ends(world, &pod("c"));
        }),
        ("somebody takes it", nothing, |world| {
            fires(world, &pod("c"));
            acknowledge(world, Target::Group(G1), "chi").unwrap();
        }),
        ("somebody had it", |world| drop(acknowledge(world, Target::Group(G1), "ana").unwrap()), nothing),
        ("it was quiet already", all_quiet, nothing),
        ("it is quiet afterwards", nothing, all_quiet),
    ];
    for (what, before, after) in cases {
        for by_person in [true, false] {
            let mut world = opened();
            let one = silence(&mut world, "pod=c", mins(30)).unwrap();
            before(&mut world);
            world.pass(secs(30), receipt);
            resolve(&mut world, FIRST);
            after(&mut world);
            restart(&mut world);
            let paged = reasons(&world).len();
            world.pass(mins(25), receipt);
            if by_person {
                end(&mut world, one, SilenceKind::Silence).unwrap();
            }
            world.pass(mins(20), receipt);
            assert_eq!((anew(&world), reasons(&world).len()), (0, paged), "{what}: {:?}", reasons(&world));
            assert_eq!(world.state().incidents.len(), 1, "{what}");
            replays(&world);
        }
    }
}

#[test]
fn a_page_that_a_silence_stopped_after_the_incident_was_resolved_goes_on_when_it_is_over() {
    let mut config = config::config();
    config.routes.iter_mut().for_each(|route| route.repeat_interval = Some(mins(120)));
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    resolve(&mut world, FIRST);
    // It fires, nobody has it, and the route wants that it is told again.
    world.pass(mins(121), receipt);
    let repeated = PageReason::Repeated(mins(120));
    assert_eq!(reasons(&world), [PageReason::Fired, repeated.clone()]);
    silence(&mut world, "service=qflow", mins(10)).unwrap();
    world.pass(mins(11), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired, repeated, PageReason::QuietOver]);
    replays(&world);
}

#[test]
fn a_snooze_that_ends_after_the_incident_was_resolved_pages() {
    for resolved_first in [true, false] {
        let mut world = opened();
        if resolved_first {
            resolve(&mut world, FIRST);
        }
        snooze(&mut world, mins(20));
        if !resolved_first {
            resolve(&mut world, FIRST);
        }
        restart(&mut world);
        // Also when it ends in a silence: then afterwards.
        silence(&mut world, "service=qflow", mins(30)).unwrap();
        world.pass(mins(29), receipt);
        assert_eq!(reasons(&world), [PageReason::Fired]);
        world.pass(mins(2), receipt);
        assert_eq!(
            reasons(&world),
            [PageReason::Fired, PageReason::QuietOver],
            "somebody wanted to hear of it"
        );
        replays(&world);
    }
}

#[test]
fn what_is_reopened_is_paged_for_when_it_is_heard_unless_somebody_has_it() {
    for acknowledged in [true, false] {
        let mut world = opened();
        if acknowledged {
            acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
        }
        resolve(&mut world, FIRST);
        silence(&mut world, "service=qflow", mins(30)).unwrap();
        fires(&mut world, &pod("c"));
        incident(&mut world, IncidentIntent::Reopen { incident: FIRST, text: None });
        restart(&mut world);
        world.pass(mins(31), receipt);
        let mut expected = vec![PageReason::Fired];
        expected.extend((!acknowledged).then_some(PageReason::QuietOver));
        assert_eq!((anew(&world), reasons(&world)), (0, expected), "acknowledged: {acknowledged}");
        assert_eq!(world.state().groups[&G1].incident, Some(FIRST));
        replays(&world);
    }
}

#[test]
fn what_fires_unheard_after_its_incident_was_mitigated_is_investigated_when_it_is_heard() {
    for (matchers, comes) in [("service=qflow", "c"), ("service=qflow", "b"), ("pod=c", "c")] {
        let mut world = opened();
        acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
        incident(&mut world, status(1, IncidentStatus::Mitigated));
        silence(&mut world, matchers, mins(30)).unwrap();
        fires(&mut world, &pod(comes));
        restart(&mut world);
        world.pass(mins(29), receipt);
        assert_eq!(world.state().incidents[&FIRST].status, IncidentStatus::Mitigated);
        world.pass(mins(1), receipt);
        let one = &world.state().incidents[&FIRST];
        assert_eq!(one.status, IncidentStatus::Investigating, "{matchers} {comes}");
        // Its deadlines count again: a status update within the hour.
        world.pass(mins(60), receipt);
        let late = |event: &Event| matches!(event, Event::Reminded { what: Reminder::Update, .. });
        assert!(count(&world.events(), late) > 0, "{matchers} {comes}");
        replays(&world);
    }
    // What fired before is no news.
    let mut world = opened();
    silence(&mut world, "pod=c", mins(30)).unwrap();
    fires(&mut world, &pod("c"));
    incident(&mut world, status(1, IncidentStatus::Mitigated));
    world.pass(mins(40), receipt);
    assert_eq!(world.state().incidents[&FIRST].status, IncidentStatus::Mitigated);
}

#[test]
fn an_alert_that_is_heard_after_the_resolution_pages_once_for_all_that_came_unheard() {
    let mut world = opened();
    resolve(&mut world, FIRST);
    silence(&mut world, "pod=~\"a|b|c\"", mins(30)).unwrap();
    fires(&mut world, &pod("c"));
    world.pass(mins(5), receipt);
    assert_eq!(world.pages_sent().len(), 1);
    fires(&mut world, &pod("d"));
    world.deliver(receipt);
    assert_eq!((anew(&world), world.pages_sent().len()), (1, 2));
    acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
    world.pass(mins(40), receipt);
    assert_eq!((anew(&world), world.pages_sent().len()), (1, 2), "ben has all of it");
    replays(&world);
}

#[test]
fn a_flood_that_fires_unheard_after_it_was_resolved_is_one_flood_when_it_is_heard() {
    for by_person in [true, false] {
        let mut world = World::new();
        super::floods::flood(&mut world, 0..20, super::Firing, "critical");
        world.pass(secs(10), receipt);
        resolve(&mut world, FIRST);
        let one = silence(&mut world, "service=qflow", mins(30)).unwrap();
        world.pass(mins(5), receipt);
        super::floods::flood(&mut world, 0..20, super::Firing, "critical");
        restart(&mut world);
        world.pass(mins(24), receipt);
        assert_eq!(world.pages_sent(), ["ana push"]);
        if by_person {
            end(&mut world, one, SilenceKind::Silence).unwrap();
        }
        world.pass(secs(90), receipt);
        assert_eq!(world.pages_sent(), ["ana push", "ana push"], "by a person: {by_person}");
        assert_eq!(world.state().incidents.len(), 2, "by a person: {by_person}");
        replays(&world);
    }
}

#[test]
fn a_flood_that_was_quiet_from_its_beginning_is_one_flood_when_it_is_heard() {
    for by_person in [true, false] {
        let mut world = World::new();
        let one = silence(&mut world, "service=qflow", mins(30)).unwrap();
        super::floods::flood(&mut world, 0..20, super::Firing, "critical");
        world.pass(mins(29), receipt);
        restart(&mut world);
        if by_person {
            end(&mut world, one, SilenceKind::Silence).unwrap();
        }
        world.pass(secs(90), receipt);
        assert_eq!((world.pages_sent(), world.state().incidents.len()), (vec!["ana push".to_owned()], 1));
        replays(&world);
    }
}

#[test]
fn a_worse_alert_that_came_unheard_counts_when_somebody_ends_the_silence_before_people_are_told() {
    // All of it is quiet, or what is worse alone while the group still collects.
    let mut world = World::new();
    let one = silence(&mut world, "service=web", mins(30)).unwrap();
    fires(&mut world, SLOW);
    fires(&mut world, WORSE);
    world.pass(mins(5), receipt);
    end(&mut world, one, SilenceKind::Silence).unwrap();
    world.pass(secs(0), receipt);
    assert_eq!(world.pages_sent(), ["ana push"], "urgent, not routine");
    replays(&world);

    for by_person in [true, false] {
        let mut world = World::new();
        let one = silence(&mut world, "pod=b", secs(65)).unwrap();
        world.pass(secs(60), receipt);
        fires(&mut world, &[("alertname", "Down"), ("service", "qflow"), ("severity", "warning")]);
        fires(&mut world, &[("alertname", "Down"), ("service", "qflow"), ("severity", "page"), ("pod", "b")]);
        if by_person {
            end(&mut world, one, SilenceKind::Silence).unwrap();
        }
        world.pass(secs(10), receipt);
        assert_eq!(world.pages_sent(), ["ana push"], "by a person: {by_person}");
        assert_eq!(world.state().incidents[&FIRST].severity, "P0".into());
        replays(&world);
    }
}

#[test]
fn what_a_person_reopens_is_never_held() {
    for merged in [false, true] {
        let mut world = opened();
        if merged {
            fires(&mut world, &[("alertname", "Gone"), ("service", "qflow"), ("severity", "critical")]);
            world.pass(secs(11), receipt);
        }
        silence(&mut world, "service=qflow", mins(300)).unwrap();
        assert!(world.state().incidents.values().all(|one| one.held.is_some()), "nobody has it");
        resolve(&mut world, FIRST);
        incident(&mut world, IncidentIntent::Reopen { incident: FIRST, text: None });
        assert_eq!(world.state().incidents[&FIRST].held, None, "somebody wants it");
        if merged {
            assert!(world.state().incidents[&SECOND].held.is_some());
            let what = watchbell::domain::response::ResponseIntent::Merge { incident: FIRST, into: SECOND };
            super::response::respond(&mut world, what).unwrap();
            assert_eq!(world.state().incidents[&SECOND].held, None, "it is part of what somebody wants");
        }
        restart(&mut world);
        world.pass(mins(61), receipt);
        let late = |event: &Event| matches!(event, Event::Reminded { what: Reminder::Acknowledge, .. });
        assert_eq!(count(&world.events(), late), 1, "merged: {merged}");
        replays(&world);
    }
}

#[test]
fn a_flood_pages_for_nobody_when_what_is_heard_of_it_somebody_has() {
    let quiet = |group: u64| format!("alertname=Down{:05}", group - 1);
    let flood_of = |world: &mut World| {
        super::floods::flood(world, 0..20, super::Firing, "critical");
        world.pass(secs(10), receipt);
        for group in 2..=18 {
            acknowledge(world, Target::Group(GroupId(group)), "ana").unwrap();
        }
        super::floods::flood(world, 0..1, super::Resolved, "critical");
        assert_eq!(world.state().pages.len(), 1, "nobody has the last two");
    };
    // What is left becomes quiet: one after the other.
    let mut world = World::new();
    flood_of(&mut world);
    let one = silence(&mut world, &quiet(19), mins(600)).unwrap();
    assert_eq!(world.state().pages.len(), 1);
    let other = silence(&mut world, &quiet(20), mins(600)).unwrap();
    assert!(world.state().pages.is_empty(), "what is heard, ana has");
    restart(&mut world);
    let paged = world.pages_sent().len();
    world.pass(mins(20), receipt);
    assert_eq!(world.pages_sent().len(), paged);
    for silence in [other, one] {
        end(&mut world, silence, SilenceKind::Silence).unwrap();
        world.deliver(receipt);
        assert_eq!(
            (world.state().pages.len(), world.pages_sent().len()),
            (1, paged + 1),
            "one page for both"
        );
    }
    replays(&world);

    // One is quiet, and somebody takes the other.
    let mut world = World::new();
    flood_of(&mut world);
    let one = silence(&mut world, &quiet(19), mins(600)).unwrap();
    acknowledge(&mut world, Target::Group(GroupId(20)), "ben").unwrap();
    assert!(world.state().pages.is_empty());
    end(&mut world, one, SilenceKind::Silence).unwrap();
    assert_eq!(world.state().pages.len(), 1);
    replays(&world);

    // All of it is quiet, so its page stands still; what is heard first, somebody has.
    let mut world = World::new();
    flood_of(&mut world);
    let all = silence(&mut world, "service=qflow", mins(600)).unwrap();
    assert!(world.state().pages.values().all(|page| page.held) && world.state().pages.len() == 1);
    let two: Vec<SilenceId> =
        [19, 20].map(|group| silence(&mut world, &quiet(group), mins(600)).unwrap()).into();
    let paged = world.pages_sent().len();
    end(&mut world, all, SilenceKind::Silence).unwrap();
    world.pass(mins(10), receipt);
    assert_eq!((world.state().pages.len(), world.pages_sent().len()), (0, paged), "it is for nobody");
    end(&mut world, two[0], SilenceKind::Silence).unwrap();
    world.deliver(receipt);
    assert_eq!((world.state().pages.len(), world.pages_sent().len()), (1, paged + 1));
    replays(&world);
}

#[test]
fn the_last_of_a_flood_stands_still_when_it_becomes_quiet() {
    let mut world = World::new();
    super::floods::flood(&mut world, 0..20, super::Firing, "critical");
    world.pass(secs(10), receipt);
    super::floods::flood(&mut world, 0..19, super::Resolved, "critical");
    silence(&mut world, "service=qflow", mins(30)).unwrap();
    let page = world.state().pages.values().next().expect("it is not over");
    assert!(page.held);
    world.pass(mins(31), receipt);
    let started = |event: &Event| matches!(event, Event::PageStarted(_));
    assert_eq!(count(&world.events(), started), 1, "and it is the same page");
    let cards = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card).count();
    assert!(cards > 0);
    replays(&world);
}

#[test]
fn two_floods_that_are_merged_are_told_again_in_the_channels_of_both() {
    let mut config = config::config();
    let mut second = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
    second.id = "second".into();
    second.matchers = vec![watchbell::domain::matcher::Matcher::parse("service=\"second\"").unwrap()];
    second.channels = vec!["#second".into(), "#qflow".into()];
    config.routes.push(second);
    let mut world = World::with(config);
    super::floods::flood(&mut world, 0..20, super::Firing, "critical");
    let starts_at = world.now().civil;
    let one = |number: usize| {
        let name = format!("Gone{number}");
        let labels = [("alertname", name.as_str()), ("service", "second"), ("severity", "critical")];
        crate::world::signal(super::Firing, &labels, starts_at)
    };
    world.want(Intent::Report(crate::world::report((0..20).map(one).collect()))).unwrap();
    world.pass(secs(10), receipt);
    assert_eq!(world.state().incidents.len(), 2);
    let merge = watchbell::domain::response::ResponseIntent::Merge { incident: SECOND, into: FIRST };
    super::response::respond(&mut world, merge).unwrap();
    silence(&mut world, "severity=critical", mins(30)).unwrap();
    restart(&mut world);
    world.pass(mins(31), receipt);
    let over = watchbell::domain::delivery::Notice::Quiet(QuietNotice::Over);
    let told = world.sent.iter().filter(|sent| sent.delivery.notice == Some(over));
    let mut channels: Vec<String> = told.map(|sent| crate::world::address(&sent.delivery.to)).collect();
    channels.sort();
    assert_eq!(channels, ["#qflow", "#second"], "each once");
    replays(&world);
}

#[test]
fn a_merge_moves_what_belongs_to_the_incident_alone() {
    let mut world = opened();
    resolve(&mut world, FIRST);
    fires(&mut world, &pod("c"));
    world.pass(secs(11), receipt);
    assert_eq!(world.state().groups[&G1].incident, Some(SECOND), "it fired anew");
    let page = *world.state().pages.keys().next().expect("it is paged for");
    let third = super::response::opens(&mut world, "P2");
    incident(&mut world, IncidentIntent::Reopen { incident: FIRST, text: None });
    let merge = watchbell::domain::response::ResponseIntent::Merge { incident: FIRST, into: third };
    super::response::respond(&mut world, merge).unwrap();
    let state = world.state();
    assert_eq!(state.groups[&G1].incident, Some(SECOND), "it is of the second one");
    assert_eq!(state.pages[&page].subject, watchbell::domain::page::Subject::Group(G1, Some(SECOND)));
    assert!(state.incidents[&SECOND].response.open_groups.contains(&G1));
    assert!(!state.incidents[&third].response.open_groups.contains(&G1));
    // Whoever takes the third one does not have it.
    acknowledge(&mut world, Target::Incident(third), "ana").unwrap();
    assert!(world.state().pages.contains_key(&page) && world.state().groups[&G1].acknowledged.is_none());
    acknowledge(&mut world, Target::Incident(SECOND), "ben").unwrap();
    assert!(world.state().pages.is_empty());
    // And what has closed of the second one is not moved either.
    let mut world = opened();
    resolve(&mut world, FIRST);
    fires(&mut world, &pod("c"));
    world.pass(secs(11), receipt);
    for name in ["a", "b", "c"] {
        ends(&mut world, &pod(name));
    }
    let third = super::response::opens(&mut world, "P2");
    incident(&mut world, IncidentIntent::Reopen { incident: FIRST, text: None });
    let merge = watchbell::domain::response::ResponseIntent::Merge { incident: FIRST, into: third };
    super::response::respond(&mut world, merge).unwrap();
    assert_eq!(world.state().closed_groups[&G1].incident, Some(SECOND));
    replays(&world);
}
