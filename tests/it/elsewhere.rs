//! Other teams' pagers, with a virtual clock: they ring until they hear that somebody took it, and that it is over.
//! Never about what is sent; that is the courier's contract.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    config::{Config, Policy},
    delivery::{Channel, Delivery, DeliveryKind, Outcome},
    event::{Actor, Event},
    id::{GroupId, IncidentId, PageId},
    intent::{IncidentIntent, Intent, Whom},
    page::{PageTarget, Target},
    person::Person,
    prose::Prose,
};

use crate::world::{World, config as house, receipt, report, signal};

const SLOW: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "web"), ("severity", "page")];
const WORSE: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];

/// The house of the stories; its pages go to a vendor, too.
pub fn config() -> Config {
    let mut config = house::config();
    let vendor = Person {
        id: "vendor".into(),
        contacts: vec![("pager".into(), Channel::PagerDuty)],
        urgent: Vec::new(),
        routine: Vec::new(),
        ..config.people["ana"].clone()
    };
    config.people.insert(vendor.id.clone(), vendor);
    let policy: &mut Policy = config.policies.get_mut("qflow").expect("a policy of the house");
    policy.steps[0].page.push(PageTarget::Person("vendor".into()));
    config
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, at)]))).unwrap();
    world.pass(SignedDuration::from_secs(10), receipt);
}

fn ends(world: &mut World, labels: &[(&str, &str)]) {
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, labels, at)]))).unwrap();
    world.deliver(receipt);
}

fn acknowledge(world: &mut World, target: Target) {
    world.want(Intent::Acknowledge { target, by: Actor::Person("ben".into()) }).unwrap();
}

/// What left for the vendor: kind and page.
fn heard(world: &World) -> Vec<(DeliveryKind, PageId)> {
    let vendor = world.sent.iter().map(|sent| &sent.delivery).filter(|one| one.channel == Channel::PagerDuty);
    vendor.map(|one| (one.kind, one.page.expect("it belongs to a page"))).collect()
}

use DeliveryKind::{Acknowledged, Page, Resolved as Over};

#[test]
fn a_vendor_hears_that_it_was_taken_and_that_it_is_over_each_once() {
    let mut world = World::with(config());
    fires(&mut world, SLOW);
    acknowledge(&mut world, Target::Group(GroupId(1)));
    world.deliver(receipt);
    world.pass(SignedDuration::from_mins(10), receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1))]);
    ends(&mut world, SLOW);
    world.pass(SignedDuration::from_mins(10), receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1)), (Over, PageId(1))]);
    assert!(world.state().elsewhere.is_empty());
    let keys: Vec<&str> = world
        .sent
        .iter()
        .filter(|sent| sent.delivery.channel == Channel::PagerDuty)
        .map(|sent| sent.delivery.stem())
        .collect();
    assert_eq!(keys, ["world.PG-1"; 3], "one alert at PagerDuty");
}

#[test]
fn what_is_over_before_anybody_took_it_is_told_as_over() {
    let mut world = World::with(config());
    fires(&mut world, SLOW);
    ends(&mut world, SLOW);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Over, PageId(1))]);
}

#[test]
fn a_page_that_is_under_way_is_waited_for() {
    let mut world = World::with(config());
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, SLOW, at)]))).unwrap();
    world.tick();
    let index = world.lane.iter().position(|id| world.state().deliveries[id].channel == Channel::PagerDuty);
    world.attempt(index.expect("it is due")).expect("a permit");
    acknowledge(&mut world, Target::Group(GroupId(1)));
    let told = |world: &World| world.state().deliveries.values().any(|one| one.kind == Acknowledged);
    assert!(!told(&world), "they would drop it, and ring on");
    // Whether it arrived is not known: they may have it.
    world.answer(0, Outcome::TryAgain { after: None, why: "no answer within 10s".into() });
    assert!(told(&world));
    world.deliver(receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1))]);
}

#[test]
fn a_crash_while_it_was_under_way_forgets_nobody() {
    let mut world = World::with(config());
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, SLOW, at)]))).unwrap();
    world.tick();
    let index = world.lane.iter().position(|id| world.state().deliveries[id].channel == Channel::PagerDuty);
    world.attempt(index.expect("it is due")).expect("a permit");
    acknowledge(&mut world, Target::Group(GroupId(1)));
    world.crash();
    world.deliver(receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1))]);
}

#[test]
fn the_last_word_takes_the_place_of_one_that_has_not_arrived() {
    let mut world = World::with(config());
    fires(&mut world, SLOW);
    acknowledge(&mut world, Target::Group(GroupId(1)));
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, SLOW, at)]))).unwrap();
    world.deliver(receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Over, PageId(1))]);
}

#[test]
fn whoever_refuses_a_page_hears_nothing_of_it_and_the_failure_is_kept() {
    let mut world = World::with(config());
    let refuses = |delivery: &Delivery| match delivery.channel {
        Channel::PagerDuty => Outcome::Refused { why: "400".into() },
        _ => receipt(delivery),
    };
    let at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, SLOW, at)]))).unwrap();
    world.pass(SignedDuration::from_secs(1), refuses);
    acknowledge(&mut world, Target::Group(GroupId(1)));
    world.deliver(refuses);
    assert_eq!(heard(&world), [(Page, PageId(1))]);
    let failed = world.events().iter().filter(|event| matches!(event, Event::AttemptFailed { .. })).count();
    assert_eq!(failed, 1);
}

#[test]
fn telling_them_fails_and_is_tried_again_and_pages_nobody() {
    let mut world = World::with(config());
    fires(&mut world, SLOW);
    acknowledge(&mut world, Target::Group(GroupId(1)));
    let pages = world.pages_sent().len();
    let mut left = 2;
    let mut vendor = |delivery: &Delivery| {
        if delivery.kind == Acknowledged && left > 0 {
            left -= 1;
            return Outcome::TryAgain { after: None, why: "503".into() };
        }
        receipt(delivery)
    };
    world.deliver(&mut vendor);
    world.pass(SignedDuration::from_mins(5), &mut vendor);
    assert_eq!(heard(&world).iter().filter(|(kind, _)| *kind == Acknowledged).count(), 3);
    assert_eq!(world.pages_sent().len(), pages);
}

#[test]
fn an_incident_that_is_resolved_ends_what_rings_for_its_groups() {
    let mut world = World::with(config());
    fires(&mut world, WORSE);
    acknowledge(&mut world, Target::Incident(IncidentId(1)));
    world.deliver(receipt);
    let what = IncidentIntent::Resolve { incident: IncidentId(1), text: None };
    world.want(Intent::Incident { what, by: Actor::Person("ana".into()) }).unwrap();
    world.deliver(receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1)), (Over, PageId(1))]);
}

#[test]
fn a_request_is_theirs_once_somebody_took_it_also_late() {
    let mut world = World::with(config());
    let ask = |world: &mut World| {
        let reason = Prose::new("look at the cable", [0; 16]);
        let (whom, by) = (Whom::Person("vendor".into()), Actor::Person("ana".into()));
        world.want(Intent::Page { whom, reason, by }).unwrap();
        world.pass(SignedDuration::from_secs(1), receipt);
    };
    ask(&mut world);
    acknowledge(&mut world, Target::Page(PageId(1)));
    world.deliver(receipt);
    assert_eq!(heard(&world), [(Page, PageId(1)), (Acknowledged, PageId(1))]);
    assert!(world.state().elsewhere.is_empty(), "nothing else will be said of it");
    ask(&mut world);
    world.pass(SignedDuration::from_hours(1), receipt);
    acknowledge(&mut world, Target::Page(PageId(2)));
    world.deliver(receipt);
    assert_eq!(heard(&world).last(), Some(&(Acknowledged, PageId(2))));
    assert!(world.state().elsewhere.is_empty());
}
