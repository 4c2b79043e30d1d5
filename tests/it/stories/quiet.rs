//! Stories of silences and maintenance: what is quiet tells and pages nobody, and what still fires afterwards does.

use jiff::{SignedDuration, Timestamp};
use watchbell::domain::{
    config::PlannedMaintenance,
    delivery::{DeliveryKind, Notice, QuietNotice},
    event::{Event, PageStop},
    id::{GroupId, SilenceId},
    incident::IncidentStatus,
    intent::{Intent, Refusal},
    matcher::Matcher,
    page::{PageReason, Target},
    quiet::{QuietEvent, QuietIntent, QuietRefusal, SilenceKind},
    schedule::{CronTimes, Restriction, Times},
    state::State,
};

use super::{DOWN, SLOW, WORSE, acknowledge, ana, count, ends, fires, incident, mins, prose, secs, status};
use crate::world::{World, config, receipt};

pub(super) const G1: GroupId = GroupId(1);
const S1: SilenceId = SilenceId(1);

/// Whether nothing leaves that a person or a channel would see.
pub(super) fn nobody_hears(world: &World, before: usize) -> bool {
    world.sent.len() == before
}

pub(super) fn silence(
    world: &mut World,
    matchers: &str,
    length: SignedDuration,
) -> Result<SilenceId, Refusal> {
    let until = world.now().civil + length;
    add(world, SilenceKind::Silence, matchers, None, until)
}

fn add(
    world: &mut World,
    kind: SilenceKind,
    matchers: &str,
    from: Option<Timestamp>,
    until: Timestamp,
) -> Result<SilenceId, Refusal> {
    let matchers = vec![matchers.to_owned()];
    let what = QuietIntent::Add { kind, matchers, comment: prose("new disks"), from, until, by: ana() };
    world.want(Intent::Quiet(what))?;
    Ok(world.state().quiet.last)
}

pub(super) fn end(world: &mut World, silence: SilenceId, kind: SilenceKind) -> Result<(), Refusal> {
    world.want(Intent::Quiet(QuietIntent::End { silence, kind, by: ana() })).map(drop)
}

/// Why pages of groups began, in their order. An incident pages by its own deadlines, silences or not.
pub(super) fn reasons(world: &World) -> Vec<PageReason> {
    let started = |event| match event {
        Event::PageStarted(started) => started.subject.group().map(|_| started.reason),
        _ => None,
    };
    world.events().into_iter().filter_map(started).collect()
}

/// The notices of a kind that channels were sent.
pub(super) fn told(world: &World, notice: QuietNotice) -> usize {
    world.sent.iter().filter(|sent| sent.delivery.notice == Some(Notice::Quiet(notice))).count()
}

/// The process ends and starts again: nothing is different, timers included.
pub(super) fn restart(world: &mut World) {
    let before: State = world.state().clone();
    world.crash();
    assert!(before.timers == world.state().timers, "timers differ after a restart");
    assert!(before == *world.state(), "the state differs after a restart");
}

#[test]
fn a_silenced_alert_tells_nobody_and_is_told_and_paged_when_the_silence_ends() {
    let mut world = World::new();
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    restart(&mut world);
    fires(&mut world, DOWN);
    world.pass(mins(59), receipt);
    assert!(nobody_hears(&world, 0), "{:?}", world.sent);
    let group = &world.state().groups[&G1];
    assert!(group.incident.is_none() && group.hush.is_some(), "it exists, and is quiet");
    assert_eq!(group.hush.as_ref().unwrap().by[0].silence, S1);
    restart(&mut world);
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    assert_eq!(reasons(&world), [PageReason::Fired], "as if its wait was just over");
    assert!(world.state().groups[&G1].incident.is_some() && world.state().groups[&G1].hush.is_none());
    assert!(world.state().quiet.silences.is_empty() && world.state().quiet.ended.contains_key(&S1));
    restart(&mut world);
}

#[test]
fn what_ends_while_it_is_quiet_ends_quietly() {
    let mut world = World::new();
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    fires(&mut world, DOWN);
    world.pass(mins(5), receipt);
    ends(&mut world, DOWN);
    world.pass(mins(120), receipt);
    assert!(nobody_hears(&world, 0) && world.state().groups.is_empty());
    assert!(world.state().timers.is_empty(), "nothing is left behind: {:?}", world.state().timers);
}

#[test]
fn an_alert_that_is_heard_wakes_its_group_at_once() {
    let mut world = World::new();
    silence(&mut world, "pod=a", mins(60)).unwrap();
    fires(&mut world, &[DOWN, &[("pod", "a")]].concat());
    world.pass(mins(5), receipt);
    assert!(nobody_hears(&world, 0));
    fires(&mut world, &[DOWN, &[("pod", "b")]].concat());
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana push"], "at once, without another wait");
    restart(&mut world);
    // What is left afterwards is quiet again, and its page stops.
    ends(&mut world, &[DOWN, &[("pod", "b")]].concat());
    let stopped = |event: &Event| matches!(event, Event::PageStopped { why: PageStop::Quiet, .. });
    assert_eq!(count(&world.events(), stopped), 1);
    world.deliver(receipt);
    let before = world.pages_sent().len();
    world.pass(mins(50), receipt);
    assert_eq!(world.pages_sent().len(), before);
    world.pass(mins(10), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::QuietOver]);
}

#[test]
fn a_silence_over_a_group_that_pages_stops_the_page_and_a_new_one_begins_when_it_is_over() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    silence(&mut world, "alertname=Down", mins(30)).unwrap();
    assert!(world.state().pages.is_empty());
    restart(&mut world);
    world.deliver(receipt);
    let cards = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card).count();
    assert_eq!(cards, 2, "the card says so");
    let before = world.sent.len();
    // A silenced alert joins: nobody hears of it.
    fires(&mut world, &[DOWN, &[("pod", "z")]].concat());
    world.pass(mins(29), receipt);
    assert!(nobody_hears(&world, before), "{:?}", &world.sent[before..]);
    world.pass(mins(1), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana push"]);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::QuietOver]);
    assert_eq!(told(&world, QuietNotice::Over), 1);
}

#[test]
fn who_has_the_group_has_it_still_when_the_silence_is_over() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
    silence(&mut world, "service=web", mins(30)).unwrap();
    assert!(world.state().groups[&G1].acknowledged.is_some());
    world.pass(mins(40), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired], "nobody is paged anew");
    assert_eq!(told(&world, QuietNotice::Over), 1, "its channel hears of it");
}

#[test]
fn a_silence_that_is_expired_early_is_over_at_once() {
    let mut world = World::new();
    let one = silence(&mut world, "service=qflow", mins(60)).unwrap();
    let other = silence(&mut world, "alertname=~\"Do.*\"", mins(30)).unwrap();
    fires(&mut world, DOWN);
    world.pass(mins(1), receipt);
    end(&mut world, one, SilenceKind::Silence).unwrap();
    world.deliver(receipt);
    assert!(nobody_hears(&world, 0), "the other one keeps it quiet");
    restart(&mut world);
    end(&mut world, other, SilenceKind::Silence).unwrap();
    world.deliver(receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    // Two people expire the same silence: each gets a true answer.
    let Err(Refusal::Quiet(QuietRefusal::Ended { silence, by, .. })) =
        end(&mut world, other, SilenceKind::Silence)
    else {
        panic!("it is expired twice");
    };
    assert_eq!((silence, by), (other, Some(ana())));
}

#[test]
fn a_longer_silence_takes_over_from_a_shorter_one() {
    let mut world = World::new();
    silence(&mut world, "service=qflow", mins(10)).unwrap();
    silence(&mut world, "alertname=Down", mins(40)).unwrap();
    fires(&mut world, DOWN);
    world.pass(mins(39), receipt);
    assert!(nobody_hears(&world, 0));
    restart(&mut world);
    world.pass(mins(2), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
}

#[test]
fn a_silence_to_come_begins_by_its_timer() {
    let mut world = World::new();
    let from = world.now().civil + mins(20);
    add(&mut world, SilenceKind::Silence, "service=qflow", Some(from), from + mins(30)).unwrap();
    fires(&mut world, DOWN);
    world.pass(mins(19), receipt);
    assert_eq!(world.state().pages.len(), 1);
    restart(&mut world);
    world.pass(mins(2), receipt);
    assert!(world.state().pages.is_empty() && world.state().groups[&G1].hush.is_some());
    let before = world.pages_sent().len();
    world.pass(mins(20), receipt);
    assert_eq!(world.pages_sent().len(), before);
    world.pass(mins(10), receipt);
    assert!(world.pages_sent().len() > before);
}

#[test]
fn what_is_quiet_makes_nothing_worse_until_it_is_heard() {
    let mut world = World::new();
    silence(&mut world, "severity=page", mins(30)).unwrap();
    fires(&mut world, SLOW);
    world.pass(secs(1), receipt);
    acknowledge(&mut world, Target::Group(G1), "ben").unwrap();
    fires(&mut world, WORSE);
    world.pass(mins(20), receipt);
    assert_eq!(world.pages_sent(), ["ana chat"], "worse, and silenced");
    world.pass(mins(10), receipt);
    assert_eq!(reasons(&world), [PageReason::Fired, PageReason::Raised], "and now it counts");
    restart(&mut world);
}

#[test]
fn an_incident_of_people_is_not_silenced_and_is_mitigated_when_its_group_ends() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    incident(&mut world, status(1, IncidentStatus::Identified));
    silence(&mut world, "service=qflow", mins(60)).unwrap();
    ends(&mut world, DOWN);
    let one = &world.state().incidents[&watchbell::domain::id::IncidentId(1)];
    assert_eq!(one.status, IncidentStatus::Mitigated);
    let resolved = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Resolved).count();
    assert_eq!(resolved, 0, "it closes quietly");
}

#[test]
fn what_cannot_be_silenced_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let now = world.now().civil;
    let before = world.state().clone();
    let all = [
        ("", mins(5), QuietRefusal::Everything),
        ("alertname=~\".*\"", mins(5), QuietRefusal::Everything),
        ("team!=ops", mins(5), QuietRefusal::Everything),
        ("a=b", mins(0), QuietRefusal::EndsFirst),
        ("a=b", SignedDuration::from_hours(24 * 31), QuietRefusal::TooLong),
    ];
    for (matchers, length, expected) in all {
        assert_eq!(silence(&mut world, matchers, length), Err(Refusal::Quiet(expected)), "{matchers}");
    }
    for (matchers, number, part) in
        [("a=b c", 2, "`c`"), ("a=~\"(\"", 1, "regular expression"), ("a=b, 1a=c", 2, "label name")]
    {
        let Err(Refusal::Quiet(QuietRefusal::Matcher { number: at, why })) =
            silence(&mut world, matchers, mins(5))
        else {
            panic!("{matchers} is taken");
        };
        assert!(at == number && why.contains(part), "{matchers}: {at}, {why}");
    }
    let huge = format!("a={}", "x".repeat(5_000));
    assert_eq!(silence(&mut world, &huge, mins(5)), Err(Refusal::Quiet(QuietRefusal::TooLarge)));
    let past = add(&mut world, SilenceKind::Silence, "a=b", Some(now - mins(5)), now + mins(5));
    assert_eq!(past, Err(Refusal::Quiet(QuietRefusal::BeginsInThePast)));
    let unknown = QuietRefusal::Unknown(SilenceKind::Silence, SilenceId(9));
    assert_eq!(end(&mut world, SilenceId(9), SilenceKind::Silence), Err(Refusal::Quiet(unknown)));
    assert!(before == *world.state(), "a refused intent changed something");
    let id = silence(&mut world, "a=b", mins(5)).unwrap();
    let other = QuietRefusal::OtherKind { silence: id, is: SilenceKind::Silence };
    assert_eq!(end(&mut world, id, SilenceKind::Maintenance), Err(Refusal::Quiet(other)));
}

#[test]
fn a_planned_maintenance_begins_and_ends_by_the_clock_and_is_told() {
    let mut config = config::config();
    config.maintenance = vec![PlannedMaintenance {
        name: "backups".into(),
        matchers: vec![Matcher::parse("service=qflow").unwrap()],
        when: Times::Weekly(vec![Restriction::parse("Mon-Sun 10:30-11:00").unwrap()]),
        zone: jiff::tz::TimeZone::UTC,
        comment: "backups".into(),
        channels: vec!["#ops".into()],
    }];
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(mins(20), receipt);
    assert_eq!(world.state().quiet.silences.len(), 1, "its next time is known");
    world.pass(mins(11), receipt);
    assert!(world.state().groups[&G1].hush.is_some() && world.state().pages.is_empty());
    assert_eq!(told(&world, QuietNotice::Began), 1);
    restart(&mut world);
    world.pass(mins(30), receipt);
    assert_eq!(told(&world, QuietNotice::Ended), 1);
    assert_eq!(reasons(&world).last(), Some(&PageReason::QuietOver));
    let next = world.state().quiet.silences.values().next().unwrap().clone();
    assert_eq!(next.starts, crate::world::start_of_time() + SignedDuration::from_mins(24 * 60 + 30));
    // The same configuration again changes nothing.
    let again =
        Intent::Configured { release: "0".into(), instance: "again".into(), by: None, changes: Vec::new() };
    assert_eq!(world.want(again).unwrap().events.len(), 1);
    // Somebody ends it early: it comes again next time, not at once.
    world.pass(SignedDuration::from_mins(24 * 60 - 20), receipt);
    assert!(world.state().quiet.silences[&next.id].begun);
    end(&mut world, next.id, SilenceKind::Maintenance).unwrap();
    world
        .want(Intent::Configured {
            release: "0".into(),
            instance: "again".into(),
            by: None,
            changes: Vec::new(),
        })
        .unwrap();
    let began = |event: &Event| match event {
        Event::Quiet(quiet) => matches!(&**quiet, QuietEvent::Added(_)),
        _ => false,
    };
    assert_eq!(count(&world.events(), began), 3);
    assert!(world.state().quiet.silences.values().all(|one| !one.begun));
}

#[test]
fn a_maintenance_by_cron_begins_at_its_times_and_lasts_as_long_as_it_says() {
    let mut config = config::config();
    config.maintenance = vec![PlannedMaintenance {
        name: "copies".into(),
        matchers: vec![Matcher::parse("service=qflow").unwrap()],
        when: Times::Cron(Box::new(CronTimes::new("30 10 * * *", mins(30)).unwrap())),
        zone: jiff::tz::TimeZone::UTC,
        comment: "copies".into(),
        channels: vec!["#ops".into()],
    }];
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(mins(29), receipt);
    assert!(world.state().groups[&G1].hush.is_none(), "it is twenty-nine past ten");
    world.pass(mins(2), receipt);
    assert!(world.state().groups[&G1].hush.is_some() && world.state().pages.is_empty());
    restart(&mut world);
    world.pass(mins(28), receipt);
    assert!(world.state().groups[&G1].hush.is_some(), "it is one to eleven");
    world.pass(mins(2), receipt);
    assert_eq!((told(&world, QuietNotice::Began), told(&world, QuietNotice::Ended)), (1, 1));
    let next = world.state().quiet.silences.values().next().unwrap().clone();
    assert_eq!(next.starts, crate::world::start_of_time() + SignedDuration::from_mins(24 * 60 + 30));
    assert_eq!(next.ends, crate::world::start_of_time() + SignedDuration::from_mins(24 * 60 + 60));
}
