//! Stories of incidents that somebody says are mitigated: nobody is paged for them. When they are not any more, nobody is
//! forgotten: whatever is heard of them and nobody has is paged for.

use watchbell::domain::{
    config::Config,
    matcher::Matcher,
    quiet::{QuietIntent, SilenceKind},
    response::ResponseIntent,
};

use super::{
    floods::flood,
    quiet::{end, reasons, silence},
    response::{replays, respond},
    *,
};
use crate::world::config::config;

const ONE: IncidentId = IncidentId(1);
const TWO: IncidentId = IncidentId(2);
const OTHER: &[(&str, &str)] = &[("alertname", "Other"), ("service", "other"), ("severity", "critical")];
/// The group of the other route, after the twelve of the flood.
const THIRTEEN: GroupId = GroupId(13);

/// A second route that opens incidents, with a policy of its own or with the same.
fn two_routes(policy: &str) -> Config {
    let mut config = config();
    let mut other = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
    other.id = "other".into();
    other.matchers = vec![Matcher::parse("service=other").unwrap()];
    other.page = Some(policy.into());
    config.routes.push(other);
    config
}

/// A flood of twelve groups with one page, and a group of another route with a page of its own.
fn flood_and_another(policy: &str) -> World {
    let mut world = World::with(two_routes(policy));
    flood(&mut world, 0..12, Firing, "critical");
    world.pass(secs(11), receipt);
    fires(&mut world, OTHER);
    world.pass(secs(11), receipt);
    assert_eq!((world.state().incidents.len(), world.state().pages.len()), (2, 2));
    world
}

fn merges(world: &mut World, incident: IncidentId, into: IncidentId) {
    respond(world, ResponseIntent::Merge { incident, into }).unwrap();
}

fn mitigates(world: &mut World, id: IncidentId) {
    incident(world, status(id.0, IncidentStatus::Mitigated));
    let pages = world.state().pages.values().filter(|page| page.subject.incident() == Some(id)).count();
    assert_eq!(pages, 0, "what is mitigated pages nobody");
}

/// Whether somebody has each group, or is paged for it or for its incident.
fn nobody_is_forgotten(world: &World) -> bool {
    let state = world.state();
    state.groups.values().all(|group| {
        let of_incident = |id: IncidentId| {
            state.pages.values().any(|page| page.subject == watchbell::domain::page::Subject::Incident(id))
        };
        group.acknowledged.is_some() || !group.pages.is_empty() || group.incident.is_some_and(of_incident)
    })
}

fn status_of(world: &World, id: IncidentId) -> IncidentStatus {
    world.state().incidents[&id].status
}

#[test]
fn what_is_left_of_a_merged_flood_is_paged_for_beside_a_group_with_a_page_of_its_own() {
    // One more alert of the other group, or a worse one; its policy is the same, or another.
    for severity in ["critical", "page"] {
        for policy in ["qflow", "engineering"] {
            let mut world = flood_and_another(policy);
            merges(&mut world, TWO, ONE);
            mitigates(&mut world, ONE);
            let worse = [("alertname", "Other"), ("service", "other"), ("severity", severity), ("pod", "b")];
            fires(&mut world, &worse);
            assert_eq!(status_of(&world, ONE), IncidentStatus::Investigating);
            assert!(nobody_is_forgotten(&world), "{severity} {policy}");
            acknowledge(&mut world, Target::Group(THIRTEEN), "ben").unwrap();
            assert!(nobody_is_forgotten(&world), "{severity} {policy}: nobody has the flood");
            // One page, whatever there is of it, and whoever takes the flood has it.
            assert_eq!(world.state().pages.len(), 1, "{severity} {policy}");
            acknowledge(&mut world, Target::Incident(ONE), "chi").unwrap();
            assert!(world.state().pages.is_empty());
            replays(&world);
        }
    }
}

#[test]
fn the_page_of_what_is_left_is_as_loud_as_what_it_replaces() {
    let mut world = flood_and_another("qflow");
    merges(&mut world, TWO, ONE);
    mitigates(&mut world, ONE);
    fires(&mut world, &[("alertname", "Other"), ("service", "other"), ("severity", "page"), ("pod", "b")]);
    let severities: Vec<_> = world.state().pages.values().map(|page| page.severity.clone()).collect();
    assert_eq!(severities, [Some("P0".into())], "one page for both, by the worse of them");
}

#[test]
fn what_is_merged_into_something_mitigated_or_is_mitigated_itself_is_not_forgotten() {
    // Whoever has the one has not the other.
    let mut world = flood_and_another("qflow");
    acknowledge(&mut world, Target::Incident(TWO), "ben").unwrap();
    mitigates(&mut world, ONE);
    merges(&mut world, TWO, ONE);
    assert_eq!(status_of(&world, ONE), IncidentStatus::Investigating);
    assert!(nobody_is_forgotten(&world));
    replays(&world);

    // It goes on in an incident that is not mitigated; who takes the group that opened that has all that is paged for.
    for (mitigated, into) in [(ONE, TWO), (TWO, ONE)] {
        let mut world = flood_and_another("qflow");
        mitigates(&mut world, mitigated);
        merges(&mut world, mitigated, into);
        assert!(nobody_is_forgotten(&world), "{mitigated} into {into}");
        let opened = world.state().incidents[&into].opened_for.unwrap();
        acknowledge(&mut world, Target::Group(opened), "ben").unwrap();
        assert!(nobody_is_forgotten(&world), "{mitigated} into {into}: taken");
        replays(&world);
    }
}

#[test]
fn each_group_of_merged_incidents_is_paged_for_again() {
    let mut world = World::new();
    let down = |pod| [&[("pod", pod)], DOWN].concat();
    let slow = [("alertname", "Slow"), ("service", "qflow"), ("severity", "critical")];
    let full = [("alertname", "Full"), ("service", "qflow"), ("severity", "critical")];
    for labels in [&down("a")[..], &slow, &full] {
        fires(&mut world, labels);
        world.pass(secs(11), receipt);
    }
    merges(&mut world, TWO, ONE);
    merges(&mut world, IncidentId(3), ONE);
    mitigates(&mut world, ONE);
    fires(&mut world, &down("b"));
    assert!(nobody_is_forgotten(&world));
    acknowledge(&mut world, Target::Group(GroupId(1)), "ana").unwrap();
    assert!(nobody_is_forgotten(&world));
    replays(&world);
}

#[test]
fn a_severity_that_pages_for_merged_groups_is_taken_with_all_of_them() {
    let mut world = flood_and_another("qflow");
    let slow = [("alertname", "Slow"), ("service", "other"), ("severity", "critical")];
    world.pass(mins(11), receipt);
    fires(&mut world, &slow);
    world.pass(secs(11), receipt);
    let three = IncidentId(3);
    merges(&mut world, three, TWO);
    // One page instead of both: whoever takes it by the group that opened the incident has the other one, too.
    incident(&mut world, IncidentIntent::Severity { incident: TWO, severity: "P0".into() });
    acknowledge(&mut world, Target::Group(THIRTEEN), "ben").unwrap();
    assert!(nobody_is_forgotten(&world));
    replays(&world);
}

#[test]
fn words_about_something_mitigated_are_no_reason_to_forget_what_came_unheard() {
    for words in [false, true] {
        let mut world = World::new();
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        mitigates(&mut world, ONE);
        silence(&mut world, "pod=c", mins(30)).unwrap();
        fires(&mut world, &[DOWN, &[("pod", "c")]].concat());
        if words {
            let text = Some(prose("the disks are being copied"));
            incident(&mut world, IncidentIntent::Status { incident: ONE, status: None, text });
        }
        world.pass(mins(31), receipt);
        assert_eq!(status_of(&world, ONE), IncidentStatus::Investigating, "words: {words}");
        assert_eq!(reasons(&world), [PageReason::Fired, PageReason::Fired], "words: {words}");
        replays(&world);
    }
}

#[test]
fn what_is_mitigated_pages_nobody_until_it_fires_anew() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    // Whoever writes it is awake, and has not taken it.
    mitigates(&mut world, ONE);
    world.pass(mins(50), receipt);
    assert_eq!(world.pages_sent(), ["ana push"], "neither the secondary nor the management");
    // What fired before is no news at the end of a silence.
    let one = silence(&mut world, "service=qflow", mins(60)).unwrap();
    world.pass(mins(5), receipt);
    end(&mut world, one, SilenceKind::Silence).unwrap();
    world.pass(mins(50), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    fires(&mut world, &[DOWN, &[("pod", "b")]].concat());
    world.pass(secs(1), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
    assert_eq!(status_of(&world, ONE), IncidentStatus::Investigating);
    replays(&world);
}

#[test]
fn a_snooze_and_a_repetition_that_were_asked_for_page_for_something_mitigated() {
    for (snoozed, expected) in [(true, PageReason::SnoozeOver), (false, PageReason::Repeated(mins(120)))] {
        let mut config = config();
        config.routes.iter_mut().for_each(|route| route.repeat_interval = Some(mins(120)));
        let mut world = World::with(config);
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        mitigates(&mut world, ONE);
        if snoozed {
            let what = QuietIntent::Snooze { group: GroupId(1), wait: mins(20), by: ana() };
            world.want(Intent::Quiet(what)).unwrap();
        }
        world.pass(mins(if snoozed { 21 } else { 121 }), receipt);
        assert_eq!(reasons(&world), [PageReason::Fired, expected], "it still fires, and nobody has it");
        replays(&world);
    }
}

#[test]
fn a_worse_alert_that_is_heard_at_last_is_investigated() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    incident(&mut world, IncidentIntent::Severity { incident: ONE, severity: "P0".into() });
    silence(&mut world, "pod=c", mins(30)).unwrap();
    let worse = [("alertname", "Down"), ("service", "qflow"), ("severity", "page"), ("pod", "c")];
    fires(&mut world, &worse);
    mitigates(&mut world, ONE);
    world.pass(mins(31), receipt);
    // It fired before, and nobody had heard of it: a page comes with the status that says so.
    assert_eq!(reasons(&world).last(), Some(&PageReason::Raised));
    assert_eq!(status_of(&world, ONE), IncidentStatus::Investigating);
    replays(&world);
}

#[test]
fn a_flood_that_is_merged_into_what_somebody_has_is_one_page_when_it_is_heard() {
    let mut world = flood_and_another("qflow");
    incident(&mut world, IncidentIntent::Severity { incident: ONE, severity: "P0".into() });
    mitigates(&mut world, ONE);
    silence(&mut world, "service=~\"qflow|other\"", mins(30)).unwrap();
    acknowledge(&mut world, Target::Group(THIRTEEN), "ben").unwrap();
    // Ben has something milder, so it is paged for; nobody answers.
    merges(&mut world, ONE, TWO);
    let started = |world: &World| count(&world.events(), |event| matches!(event, Event::PageStarted(_)));
    let before = started(&world);
    world.pass(mins(31), receipt);
    assert!(started(&world) <= before + 1, "{} pages", started(&world) - before);
    assert!(nobody_is_forgotten(&world));
    replays(&world);
}

#[test]
fn whoever_says_mitigated_too_early_takes_it_back_and_the_page_goes_on() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    mitigates(&mut world, ONE);
    incident(&mut world, status(1, IncidentStatus::Investigating));
    assert!(nobody_is_forgotten(&world));
    world.pass(secs(1), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
    replays(&world);
}

#[test]
fn words_about_something_mitigated_stop_no_page_that_was_asked_for() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    mitigates(&mut world, ONE);
    let snooze = QuietIntent::Snooze { group: GroupId(1), wait: mins(20), by: ana() };
    world.want(Intent::Quiet(snooze)).unwrap();
    world.pass(mins(21), receipt);
    let running = |world: &World| world.state().pages.keys().copied().collect::<Vec<_>>();
    let before = running(&world);
    assert_eq!(before.len(), 1, "the snooze is over");
    let text = Some(prose("the disks are being copied"));
    incident(&mut world, IncidentIntent::Status { incident: ONE, status: None, text });
    assert_eq!(running(&world), before);
    replays(&world);
}

#[test]
fn a_page_for_one_group_of_something_mitigated_ends_when_that_group_is_taken() {
    let mut world = flood_and_another("qflow");
    mitigates(&mut world, ONE);
    let snooze = QuietIntent::Snooze { group: GroupId(5), wait: mins(20), by: ana() };
    world.want(Intent::Quiet(snooze)).unwrap();
    world.pass(mins(21), receipt);
    let of_one = |world: &World| {
        world.state().pages.values().filter(|page| page.subject.incident() == Some(ONE)).count()
    };
    assert_eq!(of_one(&world), 1, "the snooze is over");
    acknowledge(&mut world, Target::Group(GroupId(5)), "ben").unwrap();
    assert_eq!(of_one(&world), 0, "what else is mitigated waits for nobody");
    replays(&world);
}

#[test]
fn each_policy_of_merged_incidents_pages_again_whichever_fires_first() {
    // Also when the alert is worse than all before it: that raises the incident, and pages by one of the policies.
    for (first, severity) in
        [(GroupId(1), "critical"), (THIRTEEN, "critical"), (GroupId(1), "page"), (THIRTEEN, "page")]
    {
        let mut world = flood_and_another("engineering");
        merges(&mut world, TWO, ONE);
        mitigates(&mut world, ONE);
        let mut labels: Vec<(String, String)> = vec![("pod".to_owned(), "b".to_owned())];
        let alert = *world.state().groups[&first].firing.first().unwrap();
        let known = world.state().alerts[&alert].labels.clone();
        labels.extend(known.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        labels.retain(|(name, _)| name != "severity");
        labels.push(("severity".to_owned(), severity.to_owned()));
        let labels: Vec<(&str, &str)> =
            labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fires(&mut world, &labels);
        let mut policies: Vec<_> =
            world.state().pages.values().map(|page| page.plan.policy.to_string()).collect();
        policies.sort();
        assert_eq!(policies, ["engineering", "qflow"], "{first}, {severity}");
        replays(&world);
    }
}
