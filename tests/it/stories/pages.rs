//! Stories of pages: who is tried, when, and how a page ends. Never about incidents.

use jiff::SignedDuration;
use watchbell::domain::{
    delivery::{Delivery, Outcome},
    event::{Event, PageStop},
    facts::Standing,
    id::{GroupId, PageId},
    intent::{Intent, Refusal, Whom},
    page::{PageReason, PageTarget, StepPlan, Target},
    schedule::HORIZON,
};

use super::{DOWN, SLOW, WORSE, acknowledge, ana, count, ends, fires, mins, prose, secs};
use crate::world::{World, address, config, receipt, report, signal, start_of_time};

fn refuses(_: &Delivery) -> Outcome {
    Outcome::Refused { why: "no terminal open".into() }
}

fn asks_for(world: &mut World, person: &str) {
    let whom = Whom::Person(person.into());
    world.want(Intent::Page { whom, reason: prose("please look"), by: ana() }).unwrap();
}

fn is_unanswered(event: &Event) -> bool {
    matches!(event, Event::PageUnanswered { .. })
}

#[test]
fn a_contact_that_is_due_with_the_next_round_is_tried_before_it() {
    let mut world = World::new();
    asks_for(&mut world, "dana");
    world.pass(mins(5), receipt);
    assert_eq!(world.pages_sent(), ["dana push", "dana hook", "dana chat", "dana push"]);
    world.pass(mins(5), receipt);
    world.pass(mins(6), receipt);
    let each = ["dana push", "dana hook", "dana chat"];
    assert_eq!(world.pages_sent(), [each, each, each].concat(), "every contact in every round");
    assert_eq!(count(&world.events(), is_unanswered), 1);
}

#[test]
fn the_end_of_a_page_waits_for_the_last_contact_and_for_its_answer() {
    let mut config = config::config();
    let step = StepPlan { page: vec![PageTarget::Person("ana".into())], wait: SignedDuration::ZERO };
    config.policies.get_mut("qflow").unwrap().steps = vec![step];
    config.policies.get_mut("qflow").unwrap().rounds = 1;
    let mut world = World::with(config);
    fires(&mut world, DOWN);
    world.pass(secs(10) + mins(5), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana hook", "ana chat"]);
    world.pass(secs(59), receipt);
    assert_eq!(count(&world.events(), is_unanswered), 0, "the last one can still be answered");
    world.pass(secs(1), receipt);
    assert_eq!(count(&world.events(), is_unanswered), 1);
}

#[test]
fn who_cannot_be_reached_in_one_round_is_reached_in_the_next() {
    let mut world = World::new();
    asks_for(&mut world, "dana");
    world.pass(mins(1), refuses);
    assert_eq!(count(&world.events(), is_unanswered), 0, "three rounds are not over within a minute");
    world.pass(mins(4), receipt);
    assert_eq!(world.pages_sent(), ["dana push", "dana hook", "dana chat", "dana push"]);
}

#[test]
fn a_step_of_which_everybody_refuses_goes_on_at_once_and_the_round_keeps_its_time() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(mins(1), refuses);
    let people = world.pages_sent();
    assert!(people.contains(&"chi hook".to_owned()), "{people:?}");
    let rounds = count(&world.events(), |event| matches!(event, Event::StepTaken(taken) if taken.round > 1));
    assert_eq!((rounds, count(&world.events(), is_unanswered)), (0, 0));
}

#[test]
fn a_group_that_is_taken_while_it_collects_wakes_nobody() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(3), receipt);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ana").unwrap();
    world.pass(mins(40), receipt);
    assert_eq!(world.pages_sent(), [""; 0]);
    let taken = world.state().incidents.values().next().unwrap().acknowledged.clone();
    assert_eq!(taken.map(|(by, _)| by), Some(ana()), "the incident that it opens is hers, too");
}

#[test]
fn a_group_that_is_raised_while_it_collects_wakes_all_the_same() {
    let mut world = World::new();
    let warning = [("alertname", "Down"), ("service", "qflow"), ("severity", "warning")];
    fires(&mut world, &warning);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ben").unwrap();
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
}

#[test]
fn any_severity_is_worse_than_none() {
    let mut world = World::new();
    let bare = [("alertname", "Down"), ("service", "web")];
    fires(&mut world, &bare);
    world.deliver(receipt);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ben").unwrap();
    fires(&mut world, &[&bare[..], &[("severity", "critical")]].concat());
    world.deliver(receipt);
    assert_eq!(world.state().groups[&GroupId(1)].severity, Some("P1".into()));
    assert_eq!(world.pages_sent(), ["ana push", "ana push"], "who took something smaller is asked again");
}

#[test]
fn what_gets_worse_pages_anew_although_another_page_runs() {
    let mut world = World::new();
    let critical = [("alertname", "Slow"), ("service", "web"), ("severity", "critical")];
    fires(&mut world, &critical);
    acknowledge(&mut world, Target::Group(GroupId(1)), "ben").unwrap();
    world.pass(mins(60), receipt);
    assert_eq!(world.state().pages.len(), 1, "unresolved for an hour");
    fires(&mut world, WORSE);
    let reasons: Vec<_> = world.state().pages.values().map(|page| page.reason.clone()).collect();
    assert_eq!(reasons, [PageReason::Raised]);
}

#[test]
fn what_nobody_answered_can_still_be_taken_and_says_what_it_was_about() {
    let mut world = World::new();
    asks_for(&mut world, "dana");
    world.pass(mins(30), receipt);
    assert_eq!(count(&world.events(), is_unanswered), 1);
    let notice = world.sent.last().unwrap();
    assert_eq!(notice.summary, "please look");
    let page = Target::Page(PageId(1));
    assert_eq!(world.state().closed_pages[&PageId(1)].standing(), Standing::Open);
    let events = acknowledge(&mut world, page, "ana").unwrap();
    assert!(matches!(&events[..], [Event::PageStopped { why: PageStop::Acknowledged(_), .. }]), "{events:?}");
    assert!(matches!(acknowledge(&mut world, page, "ben"), Err(Refusal::AlreadyAcknowledged { .. })));
    assert!(matches!(world.state().closed_pages[&PageId(1)].standing(), Standing::Acknowledged(..)));
}

#[test]
fn a_vendor_cannot_hold_a_page_back() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    let busy = |delivery: &Delivery| match address(&delivery.to) {
        to if to.ends_with("push") => Outcome::TryAgain { after: Some(mins(15)), why: "503".into() },
        _ => Outcome::Receipt("200".into()),
    };
    world.pass(secs(16), busy);
    assert_eq!(world.pages_sent(), ["ana push", "ana hook", "ana push"]);
}

#[test]
fn an_end_that_another_sender_tells_with_its_own_start_ends_the_alert() {
    let mut world = World::new();
    let begun = start_of_time();
    world.pass(mins(10), receipt);
    fires(&mut world, DOWN);
    let told = |starts_at, ends_at| {
        let mut over = signal(watchbell::domain::alert::AlertStatus::Resolved, DOWN, starts_at);
        over.ends_at = Some(ends_at);
        Intent::Report(report(vec![over]))
    };
    world.want(told(begun, begun + mins(9))).unwrap();
    assert_eq!(world.state().alerts.len(), 1, "that was the end of an earlier firing");
    world.want(told(begun, begun + mins(11))).unwrap();
    assert_eq!(world.state().alerts.len(), 0);
}

#[test]
fn the_group_that_closed_last_is_remembered_however_old_it_is() {
    let mut world = World::new();
    let service = |name: &'static str| [("alertname", name), ("service", "noise")];
    fires(&mut world, &service("Old"));
    for number in 0..1_100 {
        let name = format!("N{number}");
        let labels = [("alertname", name.as_str()), ("service", "noise")];
        fires(&mut world, &labels);
        ends(&mut world, &labels);
    }
    ends(&mut world, &service("Old"));
    assert!(world.state().closed_groups.contains_key(&GroupId(1)));
    assert!(!world.state().closed_groups.contains_key(&GroupId(2)), "those that closed first are forgotten");
    assert_eq!(world.state().closed_groups.len(), world.state().closed_groups_order.len());
}

#[test]
fn an_alert_that_ended_again_is_remembered_for_its_later_end() {
    let mut world = World::new();
    fires(&mut world, SLOW);
    ends(&mut world, SLOW);
    world.pass(secs(20), receipt);
    fires(&mut world, SLOW);
    let again = world.now().civil;
    ends(&mut world, SLOW);
    world.pass(secs(15), receipt);
    // Another end makes room: what ended 35 s ago is forgotten, what ended 15 s ago is not.
    fires(&mut world, DOWN);
    ends(&mut world, DOWN);
    let late = signal(watchbell::domain::alert::AlertStatus::Firing, SLOW, again);
    assert_eq!(world.want(Intent::Report(report(vec![late]))).unwrap().events, []);
}

#[test]
fn a_key_is_of_its_journal_alone() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert!(world.sent.iter().all(|sent| sent.delivery.key.starts_with("world.")), "{:?}", world.sent);
    world
        .want(Intent::Configured {
            release: "1".into(),
            instance: "another".into(),
            by: None,
            changes: Vec::new(),
        })
        .unwrap();
    assert_eq!(world.state().instance, "world", "a journal is named once");
}

fn stands_in(world: &mut World, from: i64, until: SignedDuration) -> Result<Vec<Event>, Refusal> {
    let now = world.now().civil;
    let (from, until) = (now + mins(from), now + until);
    let (schedule, person) = ("primary".into(), "eli".into());
    let intent = Intent::AddOverride { schedule, person, from, until, by: ana() };
    world.want(intent).map(|accepted| accepted.events)
}

#[test]
fn an_override_begins_now_at_the_earliest_and_lasts_a_year_at_most() {
    let mut world = World::new();
    let now = world.now().civil;
    let events = stands_in(&mut world, -120, mins(60)).unwrap();
    assert!(matches!(&events[..], [Event::OverrideAdded { from, .. }] if *from == now), "{events:?}");
    assert!(stands_in(&mut world, 0, HORIZON).is_ok());
    assert!(matches!(stands_in(&mut world, 0, HORIZON + secs(1)), Err(Refusal::BadTimes { .. })));
    assert!(matches!(stands_in(&mut world, -60, -mins(1)), Err(Refusal::BadTimes { .. })));
}

#[test]
fn overrides_that_ended_long_ago_are_forgotten() {
    let mut world = World::new();
    stands_in(&mut world, 0, mins(60)).unwrap();
    world.pass(HORIZON, receipt);
    stands_in(&mut world, 0, mins(60)).unwrap();
    assert_eq!(world.state().overrides.len(), 2);
    world.pass(mins(61), receipt);
    stands_in(&mut world, 0, mins(60)).unwrap();
    assert_eq!(world.state().overrides.len(), 2);
}
