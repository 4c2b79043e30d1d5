//! Stories of a flood: very many groups of a route that opens incidents are one incident, with one page and counts.

use std::time::Instant;

use watchbell::domain::{
    config::Config,
    delivery::{Channel, Delivery},
    page::Subject,
    response::ResponseEvent,
    upkeep::{Erased, UpkeepIntent},
};

use super::{response::replays, *};
use crate::world::config::{config, on_platforms};

const MANY: usize = 10_000;
const FIRST: IncidentId = IncidentId(1);

pub(super) fn flood(
    world: &mut World,
    numbers: std::ops::Range<usize>,
    status: watchbell::domain::alert::AlertStatus,
    severity: &str,
) {
    let starts_at = world.now().civil;
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(100) {
        let one = |number: &usize| {
            let name = format!("Down{number:05}");
            signal(status, &[("alertname", &name), ("service", "qflow"), ("severity", severity)], starts_at)
        };
        world.want(Intent::Report(report(some.iter().map(one).collect()))).unwrap();
    }
}

fn posts(delivery: &Delivery) -> Outcome {
    if matches!(delivery.room, Some(watchbell::domain::room::RoomWork::Open { .. })) {
        return Outcome::Posted { receipt: "made".into(), message: "C042".into() };
    }
    match (delivery.kind, delivery.channel) {
        (DeliveryKind::Card, Channel::Slack | Channel::Discord) => {
            Outcome::Posted { receipt: "posted".into(), message: format!("C1/{}", delivery.id) }
        }
        _ => Outcome::Receipt("200 OK".into()),
    }
}

fn ten_thousand(config: Config) {
    let before = Instant::now();
    let mut world = World::with(config);
    flood(&mut world, 0..MANY, Firing, "critical");
    world.pass(secs(30), posts);
    let state = world.state();
    assert_eq!(state.incidents.len(), 1, "one incident");
    let incident = &state.incidents[&FIRST];
    assert_eq!((incident.groups.len(), incident.response.open_groups.len()), (MANY, MANY));
    assert_eq!(state.groups_of(incident), Some((MANY, MANY, MANY)), "and it counts");
    let pages = count(&world.events(), |event| matches!(event, Event::PageStarted(_)));
    assert_eq!((pages, world.state().pages.len()), (1, 1), "one page");
    assert_eq!(world.pages_sent(), ["ana push"]);

    // Whoever takes it has all of it.
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    assert!(world.state().groups.values().all(|group| group.acknowledged.is_some()));
    assert!(world.state().pages.is_empty());
    // What joins afterwards is theirs, too.
    flood(&mut world, MANY..MANY + 50, Firing, "critical");
    world.pass(secs(30), posts);
    assert_eq!((world.state().incidents.len(), world.state().pages.len()), (1, 0));

    flood(&mut world, 0..MANY + 50, Resolved, "critical");
    world.pass(secs(30), posts);
    let incident = &world.state().incidents[&FIRST];
    assert_eq!((incident.status, incident.response.open_groups.len()), (IncidentStatus::Mitigated, 0));
    assert_eq!(world.pages_sent(), ["ana push"]);
    // Quadratic work over so many takes minutes; whoever waits here sees it.
    println!("{MANY} groups in {:?}", before.elapsed());
}

#[test]
fn ten_thousand_groups_are_one_incident_with_one_page() {
    ten_thousand(config());
}

#[test]
fn ten_thousand_groups_are_one_incident_also_with_rooms_and_the_journal_says_the_same() {
    ten_thousand(on_platforms());
    // The state after a replay, on a size that is quick to compare.
    let mut world = World::with(on_platforms());
    flood(&mut world, 0..300, Firing, "critical");
    world.pass(secs(30), posts);
    flood(&mut world, 0..299, Resolved, "critical");
    world.pass(secs(30), posts);
    replays(&world);
}

#[test]
fn the_card_in_the_room_of_an_incident_follows_the_groups_that_end_one_edit_for_all_of_a_moment() {
    let mut world = World::with(on_platforms());
    flood(&mut world, 0..200, Firing, "critical");
    world.pass(secs(30), posts);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    world.pass(secs(90), posts);
    let edits = |world: &World| {
        let in_room = |to: &str| to.starts_with("slack:");
        let cards = world.sent.iter().filter(|sent| sent.delivery.subject == Subject::Incident(FIRST));
        let cards = cards.filter(|sent| sent.delivery.channel == Channel::Slack && sent.edits.is_some());
        cards.filter(|sent| in_room(&crate::world::address(&sent.delivery.to))).count()
    };
    let before = edits(&world);
    flood(&mut world, 0..150, Resolved, "critical");
    world.pass(secs(30), posts);
    assert_eq!(edits(&world), before + 1, "many that end together are one edit");
    // One by one they are no storm of edits either.
    for number in 150..190 {
        flood(&mut world, number..number + 1, Resolved, "critical");
        world.pass(secs(1), posts);
    }
    world.pass(secs(30), posts);
    let told = edits(&world) - before - 1;
    assert!((5..=9).contains(&told), "{told} edits within 40 s");
    assert_eq!(world.state().incidents[&FIRST].response.card_due, None, "and then it is calm");
    let calm = edits(&world);
    world.pass(mins(10), posts);
    assert_eq!(edits(&world), calm);
    replays(&world);
}

#[test]
fn a_group_that_ends_does_not_end_the_page_of_the_others() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    assert_eq!(world.state().incidents.len(), 1);
    flood(&mut world, 0..19, Resolved, "critical");
    assert_eq!(world.state().pages.len(), 1, "the last one still fires");
    world.pass(mins(5), receipt);
    assert!(world.pages_sent().contains(&"chi push".to_owned()), "and it goes on to the secondary");
    flood(&mut world, 19..20, Resolved, "critical");
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn whoever_takes_the_group_that_opened_it_has_those_that_its_page_is_for() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    let events = acknowledge(&mut world, Target::Group(GroupId(1)), "ana").unwrap();
    assert_eq!(count(&events, |event| matches!(event, Event::GroupAcknowledged { .. })), 20);
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn a_worse_group_in_a_flood_pages_once_more_and_the_milder_page_stops() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    flood(&mut world, 20..40, Firing, "page");
    world.pass(secs(10), receipt);
    let state = world.state();
    assert_eq!((state.incidents.len(), state.pages.len()), (1, 1));
    let page = state.pages.values().next().unwrap();
    assert_eq!((page.subject, page.severity.clone()), (Subject::Incident(FIRST), Some("P0".into())));
    // Those that become worse one by one are covered by it.
    let worse = |number: usize| format!("Down{number:05}");
    for number in 0..20 {
        let name = worse(number);
        fires(&mut world, &[("alertname", &name), ("service", "qflow"), ("severity", "page")]);
    }
    assert_eq!(world.state().pages.len(), 1);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
    // Who took it is asked again only by what is worse.
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    flood(&mut world, 40..60, Firing, "page");
    world.pass(secs(10), receipt);
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn a_flood_that_comes_slowly_replaces_the_page_of_the_group_that_it_joins() {
    let mut world = World::new();
    for number in 0..8 {
        flood(&mut world, number..number + 1, Firing, "critical");
        world.pass(secs(11), receipt);
    }
    let state = world.state();
    assert_eq!(state.incidents.len(), 5, "the sixth shows that it is a flood");
    assert_eq!(state.incidents[&IncidentId(5)].groups.len(), 4);
    let of_fifth = state.pages.values().filter(|page| page.subject.incident() == Some(IncidentId(5)));
    assert_eq!(of_fifth.map(|page| page.subject).collect::<Vec<_>>(), [Subject::Incident(IncidentId(5))]);
    let covered = count(
        &world.events(),
        |event| matches!(event, Event::Response(event) if matches!(**event, ResponseEvent::Covered { .. })),
    );
    assert_eq!(covered, 4, "three that joined, and the one whose page was replaced");
    replays(&world);
}

#[test]
fn what_waits_because_it_is_quiet_is_no_flood() {
    let mut world = World::new();
    super::quiet::silence(&mut world, "severity=page", SignedDuration::from_hours(4)).unwrap();
    flood(&mut world, 0..10, Firing, "page");
    world.pass(secs(30), receipt);
    fires(&mut world, &[("alertname", "One"), ("service", "qflow"), ("severity", "critical")]);
    world.pass(secs(30), receipt);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    world.pass(mins(5), receipt);
    fires(&mut world, &[("alertname", "Other"), ("service", "qflow"), ("severity", "critical")]);
    world.pass(secs(30), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"], "the other one is paged for");
    assert_eq!(world.state().incidents.len(), 2);
    replays(&world);
}

#[test]
fn a_snooze_of_one_group_of_a_flood_leaves_the_page_of_the_others() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    let wait = mins(30);
    let what = watchbell::domain::quiet::QuietIntent::Snooze { group: GroupId(1), wait, by: ana() };
    world.want(Intent::Quiet(what)).unwrap();
    assert_eq!(world.state().pages.len(), 1, "nobody has the other nineteen");
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    assert!(world.state().groups.values().all(|group| group.acknowledged.is_some()));
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn who_takes_one_group_after_the_flood_became_worse_has_all_of_them() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    let what = IncidentIntent::Severity { incident: FIRST, severity: "P0".into() };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    let page = *world.state().pages.keys().next().unwrap();
    assert!(
        world.state().groups.values().all(|group| group.covered_by == Some(page)),
        "the newer page is for them"
    );
    acknowledge(&mut world, Target::Page(page), "ana").unwrap();
    assert!(world.state().groups.values().all(|group| group.acknowledged.is_some()));
    replays(&world);
}

#[test]
fn what_comes_long_after_somebody_took_a_flood_is_paged_for() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    let one_more = |world: &mut World, name: &str| {
        fires(world, &[("alertname", name), ("service", "qflow"), ("severity", "critical")]);
        world.pass(secs(10), receipt);
        world.pages_sent().len()
    };
    let paged = world.pages_sent().len();
    world.pass(mins(5), receipt);
    assert_eq!(one_more(&mut world, "Soon"), paged, "it came with the flood, and is theirs");
    world.pass(mins(7), receipt);
    assert_eq!(one_more(&mut world, "Later"), paged + 1, "it may be something else");
    replays(&world);
}

#[test]
fn an_erase_beside_ten_thousand_active_alerts_holds_up_no_page() {
    let mut world = World::new();
    // Each is a group of its own with a page of its own; and there is an incident with words.
    for some in (0..MANY).collect::<Vec<_>>().chunks(100) {
        let starts_at = world.now().civil;
        let one = |number: &usize| {
            let name = format!("Down{number:05}");
            signal(Firing, &[("alertname", &name), ("service", "web"), ("severity", "critical")], starts_at)
        };
        world.want(Intent::Report(report(some.iter().map(one).collect()))).unwrap();
    }
    let title = Prose::new("hunter2", [3; 16]);
    let digest = title.sha().to_owned();
    let what = IncidentIntent::Open { severity: "P3".into(), title, channel: None };
    world.want(Intent::Incident { what, by: ana() }).unwrap();
    assert_eq!((world.state().alerts.len(), world.state().pages.len()), (MANY, MANY));

    // Off the engine's thread.
    let (before, wanted) = (Instant::now(), [digest.clone(), "f".repeat(64)].into());
    let digests = world.state().holds_words(&wanted);
    let looking = before.elapsed();
    assert_eq!(digests, [digest].into());
    // On it: decided, applied, appended.
    let (seq, outputs) = (None, [].into());
    let erased =
        Erased { whose: Some("ana".into()), seq, before: None, texts: 1, digests, outputs, by: ana() };
    let before = Instant::now();
    world.decide(Intent::Upkeep(UpkeepIntent::Erase(erased))).unwrap();
    world.commit();
    let held = before.elapsed();
    println!("{MANY} active alerts: {looking:?} beside the engine, which was held for {held:?}");
    let incident = world.state().incidents.values().next_back().unwrap();
    assert_eq!(incident.title.as_str(), "[erased]");
    // Unoptimised; what is measured of a release is far less.
    assert!(held < std::time::Duration::from_millis(500), "{held:?}");
    replays(&world);
}

#[test]
fn an_alert_of_two_groups_one_of_which_takes_the_other_is_taken_once() {
    let mut config = config();
    let mut second = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
    config.routes.iter_mut().for_each(|route| route.goes_on = true);
    second.id = "second".into();
    second.matchers = vec![watchbell::domain::matcher::Matcher::parse("team=\"x\"").unwrap()];
    config.routes.push(second);
    let mut world = World::with(config);
    let starts_at = world.now().civil;
    let one = |number: usize| {
        let name = format!("Down{number:05}");
        let service = if number == 19 { "qflow" } else { "other" };
        let labels =
            [("alertname", name.as_str()), ("team", "x"), ("service", service), ("severity", "critical")];
        signal(Firing, &labels, starts_at)
    };
    world.want(Intent::Report(report((0..20).map(one).collect()))).unwrap();
    world.pass(secs(10), receipt);
    // The last alert opened an incident of its own, and is one of the flood, too.
    let alert = watchbell::domain::id::AlertId(20);
    let both = [GroupId(20), GroupId(21)];
    let state = world.state();
    assert_eq!(state.alerts[&alert].groups, both);
    assert_eq!(both.map(|group| state.groups[&group].incident), [Some(IncidentId(2)), Some(FIRST)]);
    assert!(state.groups[&both[1]].covered_by.is_some());
    let what = watchbell::domain::response::ResponseIntent::Merge { incident: FIRST, into: IncidentId(2) };
    super::response::respond(&mut world, what).unwrap();
    let events = acknowledge(&mut world, Target::Alert(alert), "ana").unwrap();
    assert_eq!(count(&events, |event| matches!(event, Event::GroupAcknowledged { .. })), 21);
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn what_kept_a_flood_quiet_ends_with_one_page_and_one_sentence() {
    // A silence over all of it, and a route that tells again every two hours.
    for repeats in [false, true] {
        let mut config = config();
        let interval = repeats.then_some(mins(120));
        config.routes.iter_mut().for_each(|route| route.repeat_interval = interval);
        config.severities.values_mut().for_each(|severity| severity.unresolved.clear());
        let mut world = World::with(config);
        flood(&mut world, 0..300, Firing, "critical");
        world.pass(secs(10), receipt);
        if !repeats {
            super::quiet::silence(&mut world, "severity=critical", mins(110)).unwrap();
        }
        world.pass(mins(100), receipt);
        // Nobody answered; or nothing of the incident is heard, and its page waits.
        let held = world.state().pages.values().filter(|page| page.held).count();
        assert_eq!((world.state().pages.len(), held), if repeats { (0, 0) } else { (1, 1) });
        let paged = world.pages_sent().len();
        let started = |world: &World| count(&world.events(), |event| matches!(event, Event::PageStarted(_)));
        let sent = |world: &World| {
            let told = |sent: &&crate::world::Sent| {
                let quiet =
                    matches!(sent.delivery.notice, Some(watchbell::domain::delivery::Notice::Quiet(_)));
                quiet && sent.delivery.channel == Channel::Chat
            };
            world.sent.iter().filter(told).count()
        };
        assert_eq!((started(&world), sent(&world)), (1, 0));
        world.pass(mins(22), receipt);
        assert_eq!((started(&world), sent(&world)), (1 + usize::from(repeats), 1), "repeats: {repeats}");
        assert_eq!(world.state().pages.len(), 1);
        assert!(world.pages_sent().len() > paged, "and it pages");
        let page = *world.state().pages.keys().next().unwrap();
        assert!(world.state().groups.values().all(|group| group.covered_by == Some(page)));
        acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
        assert!(world.state().pages.is_empty());
        replays(&world);
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_make_a_flood_take_itself() {
    let mut world = World::new();
    world.pass(SignedDuration::from_hours(24), receipt);
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    acknowledge(&mut world, Target::Incident(FIRST), "ana").unwrap();
    world.pass(mins(5), receipt);
    fires(&mut world, &[("alertname", "Soon"), ("service", "qflow"), ("severity", "critical")]);
    world.pass(mins(7), receipt);
    let back = -SignedDuration::from_hours(2);
    world.offset += back;
    world.want(Intent::ClockStepped { by: back }).unwrap();
    let paged = world.pages_sent().len();
    fires(&mut world, &[("alertname", "Later"), ("service", "qflow"), ("severity", "critical")]);
    world.pass(secs(10), receipt);
    assert_eq!(world.pages_sent().len(), paged + 1);
    replays(&world);
}

#[test]
fn the_page_of_a_flood_stops_when_somebody_has_or_nothing_is_left_of_each_of_its_groups() {
    let mut world = World::new();
    flood(&mut world, 0..20, Firing, "critical");
    world.pass(secs(10), receipt);
    // The one that opened the incident stands for all: the others are taken one by one.
    for group in 2..=18 {
        acknowledge(&mut world, Target::Group(GroupId(group)), "ana").unwrap();
    }
    flood(&mut world, 0..1, Resolved, "critical");
    flood(&mut world, 18..19, Resolved, "critical");
    assert_eq!(world.state().pages.len(), 1, "nobody has the last one");
    let events = acknowledge(&mut world, Target::Group(GroupId(20)), "ben").unwrap();
    let by_ben = |event: &Event| matches!(event, Event::PageStopped { why: PageStop::Acknowledged(Actor::Person(ben)), .. } if ben.as_str() == "ben");
    assert_eq!((count(&events, by_ben), world.state().pages.len()), (1, 0));
    replays(&world);

    // The last one that nobody has ends, or is put off.
    for ends in [true, false] {
        let mut world = World::new();
        flood(&mut world, 0..20, Firing, "critical");
        world.pass(secs(10), receipt);
        flood(&mut world, 0..1, Resolved, "critical");
        for group in 2..=19 {
            acknowledge(&mut world, Target::Group(GroupId(group)), "ana").unwrap();
        }
        assert_eq!(world.state().pages.len(), 1);
        if ends {
            flood(&mut world, 19..20, Resolved, "critical");
        } else {
            let what = watchbell::domain::quiet::QuietIntent::Snooze {
                group: GroupId(20),
                wait: mins(5),
                by: ana(),
            };
            world.want(Intent::Quiet(what)).unwrap();
        }
        assert!(world.state().pages.is_empty(), "ends: {ends}");
        world.pass(mins(6), receipt);
        assert_eq!(world.state().pages.len(), usize::from(!ends), "a snooze ends with a page");
        replays(&world);
    }
}

#[test]
fn the_page_of_a_flood_goes_on_while_something_of_it_waits_for_which_nothing_else_pages() {
    for unanswered in [true, false] {
        let mut config = config();
        let mut second = config.routes.iter().find(|route| route.id.as_str() == "qflow").unwrap().clone();
        second.id = "second".into();
        second.matchers = vec![watchbell::domain::matcher::Matcher::parse("service=\"second\"").unwrap()];
        second.page = Some("engineering".into());
        config.routes.push(second);
        config.severities.values_mut().for_each(|severity| severity.unresolved.clear());
        let mut world = World::with(config);
        flood(&mut world, 0..20, Firing, "critical");
        let starts_at = world.now().civil;
        let one = |number: usize| {
            let name = format!("Gone{number}");
            signal(
                Firing,
                &[("alertname", &name), ("service", "second"), ("severity", "critical")],
                starts_at,
            )
        };
        world.want(Intent::Report(report((0..20).map(one).collect()))).unwrap();
        world.pass(secs(10), receipt);
        let into = FIRST;
        let merge = watchbell::domain::response::ResponseIntent::Merge { incident: IncidentId(2), into };
        super::response::respond(&mut world, merge).unwrap();
        assert_eq!(world.state().pages.len(), 2, "by two policies");
        if unanswered {
            // That of the second one ends after one round.
            world.pass(mins(15), receipt);
            assert_eq!(world.state().pages.len(), 1);
        }
        flood(&mut world, 0..1, Resolved, "critical");
        for group in 2..=20 {
            acknowledge(&mut world, Target::Group(GroupId(group)), "ana").unwrap();
        }
        // Of the first flood somebody has everything; nobody has what is left of the second one.
        assert_eq!(world.state().pages.len(), 1, "unanswered: {unanswered}");
        let page = world.state().pages.values().next().unwrap();
        let policy = if unanswered { "qflow" } else { "engineering" };
        assert_eq!(page.plan.policy.as_str(), policy, "its own page, or the one that still runs");
        for group in 21..=40 {
            acknowledge(&mut world, Target::Group(GroupId(group)), "ben").unwrap();
        }
        let last = world.events().into_iter().rev().find_map(|event| match event {
            Event::PageStopped { why, .. } => Some(why),
            _ => None,
        });
        let by_ben = PageStop::Acknowledged(Actor::Person("ben".into()));
        assert!(world.state().pages.is_empty() && last == Some(by_ben), "unanswered: {unanswered}: {last:?}");
        replays(&world);
    }
}

#[test]
fn ten_thousand_groups_become_quiet_are_heard_and_end() {
    let mut world = World::new();
    flood(&mut world, 0..MANY, Firing, "critical");
    world.pass(secs(30), receipt);
    let heard = |world: &World| world.state().groups.values().filter(|group| group.hush.is_none()).count();
    // By time, one after the other; and by a person, at once.
    super::quiet::silence(&mut world, "severity=critical", mins(20)).unwrap();
    assert_eq!((heard(&world), world.state().incidents[&FIRST].held.is_some()), (0, true));
    world.pass(mins(21), receipt);
    assert_eq!((heard(&world), world.state().incidents[&FIRST].held.is_some()), (MANY, false));
    let one = super::quiet::silence(&mut world, "severity=critical", mins(20)).unwrap();
    super::quiet::end(&mut world, one, watchbell::domain::quiet::SilenceKind::Silence).unwrap();
    assert_eq!((heard(&world), world.state().incidents[&FIRST].held.is_some()), (MANY, false));
    assert_eq!(count(&world.events(), |event| matches!(event, Event::PageStarted(_))), 1, "one page");
    flood(&mut world, 0..MANY, Resolved, "critical");
    assert!(world.state().groups.is_empty() && world.state().pages.is_empty());
    // A few events for each: nothing is done for all of them whenever something happens to one.
    let each = world.events().len() / MANY;
    assert!(each < 20, "{each} events for each group");
}
