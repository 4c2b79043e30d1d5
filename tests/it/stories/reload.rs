//! Stories of a configuration that changes while pages run. Never about how it is read.

use watchbell::domain::{
    config::Config,
    event::{Event, NobodyBecause},
    id::PersonId,
    intent::Intent,
    page::PageTarget,
};

use super::{DOWN, count, fires, mins, secs};
use crate::world::{World, receipt};

/// Another configuration comes into force, as the engine does it: first it, then the event.
fn reloads(world: &mut World, change: impl FnOnce(&mut Config)) {
    let mut config = Config::clone(&world.config);
    change(&mut config);
    world.reload(config);
}

fn people(config: &mut Config, names: &[&str]) {
    for layer in config.schedules.values_mut().flat_map(|schedule| &mut schedule.layers) {
        layer.people = names.iter().map(|&name| PersonId::from(name)).collect();
    }
}

#[test]
fn whom_a_step_means_is_resolved_when_it_is_due() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    reloads(&mut world, |config| people(config, &["eli", "eli"]));
    world.pass(mins(5) + secs(10), receipt);
    let sent = world.pages_sent();
    assert!(sent.contains(&"eli push".to_owned()), "the second step means another one now: {sent:?}");
    assert!(!sent.contains(&"chi push".to_owned()), "{sent:?}");
}

#[test]
fn a_page_that_runs_keeps_its_policy() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    reloads(&mut world, |config| {
        let policy = config.policies.get_mut("qflow").unwrap();
        policy.rounds = 1;
        policy.steps.truncate(1);
        policy.steps[0].page = vec![PageTarget::Person("eli".into())];
    });
    world.pass(mins(6), receipt);
    let sent = world.pages_sent();
    assert!(sent.contains(&"chi push".to_owned()), "the step that the page began with: {sent:?}");
    fires(&mut world, super::SLOW);
    world.pass(secs(11), receipt);
    let newer = world.pages_sent().split_off(sent.len());
    assert!(newer.contains(&"eli chat".to_owned()), "a new page has the new policy: {newer:?}");
}

#[test]
fn a_policy_that_went_still_runs_its_page_to_the_end() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    reloads(&mut world, |config| {
        config.policies.remove("qflow");
        config.routes.iter_mut().for_each(|route| route.page = None);
        config.severities.values_mut().for_each(|severity| {
            severity.page = None;
            severity.unresolved.clear();
        });
    });
    world.pass(mins(90), receipt);
    // The second one is what the severity asked of the incident when it was opened: unresolved for an hour.
    assert_eq!(count(&world.events(), |event| matches!(event, Event::PageUnanswered { .. })), 2);
    assert!(world.pages_sent().contains(&"eli push".to_owned()), "its last step was taken");
}

#[test]
fn somebody_who_went_while_paged_is_not_tried_any_more_and_the_next_step_comes() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    assert_eq!(world.pages_sent(), ["ana push"]);
    reloads(&mut world, |config| {
        config.people.remove("ana");
        people(config, &["ben", "ben"]);
    });
    // As the courier says it: the address is asked for at the attempt, and there is none.
    world.pass(mins(20), |delivery| {
        if crate::world::address(&delivery.to).starts_with("ana ") {
            let why = "contact of ana is not in the configuration any more".into();
            return watchbell::domain::delivery::Outcome::Refused { why };
        }
        receipt(delivery)
    });
    let sent = world.pages_sent();
    assert!(sent.contains(&"ben push".to_owned()), "{sent:?}");
    assert!(world.state().pages.len() <= 1);
}

#[test]
fn a_schedule_that_went_while_a_page_runs_means_nobody_and_the_page_goes_on() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(11), receipt);
    reloads(&mut world, |config| {
        config.schedules.remove("secondary");
        let policy = config.policies.get_mut("qflow").unwrap();
        policy.steps.retain(|step| !step.page.contains(&PageTarget::Schedule("secondary".into())));
    });
    world.pass(mins(5) + secs(1), receipt);
    let said = |event: &Event| {
        matches!(event, Event::StepTaken(taken)
            if taken.nobody.iter().any(|one| one.target == "schedule:secondary" && one.why == NobodyBecause::Empty))
    };
    assert_eq!(count(&world.events(), said), 1, "it is said that the step means nobody");
    world.pass(mins(15), receipt);
    assert!(world.pages_sent().contains(&"eli push".to_owned()), "and the next one is taken");
}

#[test]
fn who_had_it_read_anew_and_what_changed_are_in_the_journal() {
    let mut world = World::new();
    reloads(&mut world, |config| drop(config.people.remove("eli")));
    let found = world.events().into_iter().find_map(|event| match event {
        Event::ConfigurationLoaded { by: Some(by), changes, .. } => Some((by.to_string(), changes)),
        _ => None,
    });
    let (by, changes) = found.expect("an event");
    assert_eq!(by, "ana");
    assert!(changes.iter().any(|change| change.removed == ["eli"]), "{changes:?}");
    // A crash loses nothing of it, and no page is begun by it.
    world.crash();
    assert!(world.state().pages.is_empty());
    drop(world.want(Intent::Due));
}
