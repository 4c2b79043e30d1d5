//! What was quiet, for how long, by whom and why, as an explanation tells it; and what many at once make of a simulation.
//! Never only what is in force: what is over is told, too.

use watchbell::domain::{
    config::PlannedMaintenance,
    explain::{Note, QuietChange},
    id::{IncidentId, SilenceId},
    matcher::Matcher,
    prose::Prose,
    quiet::{QuietIntent, SilenceKind},
    schedule::{Restriction, Times},
    state::Timer,
};

use super::{simulated::compare, *};

fn silence(world: &mut World, minutes: i64) {
    let until = world.now().civil + mins(minutes);
    let (matchers, kind) = (vec!["service=qflow".to_owned()], SilenceKind::Silence);
    let (comment, by) = (Prose::new("new disks", [0; 16]), Actor::Person("ana".into()));
    let what = QuietIntent::Add { kind, matchers, comment, from: None, until, by };
    world.want(Intent::Quiet(what)).expect("a silence");
}

fn snooze(world: &mut World, minutes: i64) {
    let (group, by) = (GroupId(1), Actor::Person("ben".into()));
    let what = QuietIntent::Snooze { group, wait: mins(minutes), by };
    world.want(Intent::Quiet(what)).expect("a snooze");
}

fn changes(told: &Explanation) -> Vec<&'static str> {
    let name = |what: &QuietChange| match what {
        QuietChange::Quiet { .. } => "quiet",
        QuietChange::Heard => "heard",
        QuietChange::Snoozed { .. } => "snoozed",
        QuietChange::SnoozeOver => "snooze over",
        QuietChange::Repeated => "repeated",
        QuietChange::IncidentHeld => "held",
        QuietChange::IncidentGoesOn => "goes on",
    };
    told.groups[0].quiet.iter().map(|one| name(&one.what)).collect()
}

#[test]
fn what_is_quiet_from_its_beginning_is_not_said_to_be_told_when_its_wait_is_over() {
    let mut world = World::new();
    silence(&mut world, 60);
    fires(&mut world, DOWN);
    world.pass(mins(5), receipt);
    let first = told(&world, 1);
    let said = words(&first);
    assert!(!said.contains("wait is over"), "{said}");
    let now = "Nobody is paged by qflow so far: it is quiet until";
    assert!(said.contains(now) && said.contains("S-1 of ana (new disks)"), "{said}");
    assert!(said.contains("People are told and paged when it is heard and still fires."), "{said}");
    let card = format!("{:?}", text::explain::card(&first, &TimeZone::UTC).fields);
    assert!(card.contains("nobody was paged: it is quiet until"), "{card}");
    // Over, and still told.
    world.pass(mins(60), receipt);
    let after = told(&world, 1);
    assert_eq!((changes(&after), after.quiet.len()), (vec!["quiet", "heard"], 0));
    let said = words(&after);
    assert!(said.contains("it is quiet until") && said.contains("S-1 of ana (new disks)"), "{said}");
    assert!(said.contains("it is heard, and fires: people are told"), "{said}");
    assert!(!said.contains("so far"), "{said}");
}

#[test]
fn silences_snoozes_and_what_they_did_to_the_incident_are_told_in_their_order() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(20), receipt);
    silence(&mut world, 10);
    world.pass(mins(11), receipt);
    snooze(&mut world, 10);
    let snoozed = words(&told(&world, 1));
    assert!(snoozed.contains("ben snoozed it until"), "{snoozed}");
    world.pass(mins(30), receipt);
    let all = told(&world, 1);
    let expected = ["quiet", "held", "heard", "goes on", "snoozed", "held", "snooze over", "goes on"];
    assert_eq!(changes(&all), expected);
    let said = words(&all);
    for part in ["its incident waits: nobody has it", "its incident goes on", "its snooze is over"] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    // Each at its instant, among what else happened.
    let places: Vec<_> = ["group_wait is over", "it is quiet until", "it is heard", "snoozed it"]
        .iter()
        .map(|part| said.find(part).unwrap_or_else(|| panic!("{part}: {said}")))
        .collect();
    assert!(places.is_sorted(), "{said}");
    let json = serde_json::to_value(&all.groups[0]).expect("it is JSON");
    assert_eq!(json["quiet"][0]["change"], "quiet");
    assert_eq!(json["quiet"][0]["by"][0]["why"], "new disks");
    assert_eq!(world.state().silence(SilenceId(1)).map(|one| one.ended.is_some()), Some(true));
}

/// Groups of one route, so many at once.
fn flood(world: &mut World, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let name = format!("Gone{number}");
        fires(world, &[("alertname", &name), ("service", "qflow"), ("severity", "critical")]);
    }
}

fn rages(told: &Explanation) -> Option<bool> {
    told.notes.iter().find_map(|note| if let Note::Flood(flood) = note { Some(flood.rages()) } else { None })
}

#[test]
fn a_simulation_alone_opens_an_incident_and_says_what_many_at_once_would_do() {
    let world = World::new();
    let told = simulate(&world, &question(&world, DOWN, None));
    assert_eq!(rages(&told), Some(false));
    let said = words(&told);
    assert!(
        said.contains("It opens an incident.") && said.contains("Many at once: when 5 further groups"),
        "{said}"
    );
    assert!(said.contains("That is not so now: 0 groups collect and 0 such incidents are open"), "{said}");
    assert_eq!(rages(&simulate(&world, &question(&world, SLOW, None))), None, "its route opens none");
}

#[test]
fn a_simulation_among_many_that_collect_joins_their_incident_and_its_page() {
    let mut world = World::new();
    flood(&mut world, 0..8);
    let asked = question(&world, DOWN, None);
    let told = simulate(&world, &asked);
    assert_eq!(rages(&told), Some(true));
    assert!(told.groups[0].joined_in_flood && told.groups[0].covered_by.is_some(), "{told:?}");
    assert!(words(&told).contains("because many groups of its route come at once; PG-"), "{}", words(&told));
    compare(&mut world, &told, DOWN);
}

#[test]
fn a_simulation_joins_the_open_incident_of_a_flood_and_the_page_that_runs() {
    let mut world = World::new();
    flood(&mut world, 0..20);
    world.pass(mins(2), receipt);
    assert_eq!((world.state().incidents.len(), world.state().pages.len()), (1, 1));
    let page = *world.state().pages.keys().next().expect("a page");
    let told = simulate(&world, &question(&world, DOWN, None));
    let group = &told.groups[0];
    assert_eq!((group.incident, group.covered_by), (Some(IncidentId(1)), Some(page)));
    assert_eq!(rages(&told), Some(true), "it grows already");
    assert!(words(&told).contains("That is so now, in INC-1"), "{}", words(&told));
    compare(&mut world, &told, DOWN);
}

#[test]
fn a_simulation_wakes_what_is_held() {
    let mut world = World::new();
    flood(&mut world, 0..8);
    world.pass(mins(2), receipt);
    let until = world.now().civil + mins(60);
    let (matchers, kind) = (vec!["alertname=~\"Gone.*\"".to_owned()], SilenceKind::Silence);
    let (comment, by) = (Prose::new("why", [0; 16]), Actor::Person("ana".into()));
    let what = QuietIntent::Add { kind, matchers, comment, from: None, until, by };
    world.want(Intent::Quiet(what)).expect("a silence");
    assert!(world.state().incidents[&IncidentId(1)].held.is_some());
    let told = simulate(&world, &question(&world, DOWN, None));
    compare(&mut world, &told, DOWN);
    assert!(world.state().incidents[&IncidentId(1)].held.is_none(), "it joined, and is heard");
}

/// When somebody is paged first.
fn first_step(told: &Explanation) -> Option<Timestamp> {
    told.groups.iter().flat_map(|group| &group.pages).flat_map(|page| &page.steps).map(|step| step.at).min()
}

#[test]
fn a_simulation_of_another_instant_knows_silences_in_force_then_and_none_that_was_ended_before() {
    let mut world = World::new();
    silence(&mut world, 600);
    let at = world.now().civil + mins(120);
    let told = simulate(&world, &question(&world, DOWN, Some(at)));
    assert_eq!((told.quiet.len(), first_step(&told)), (1, Some(world.now().civil + mins(600))), "{told:?}");
    assert!(words(&told).contains("S-1 of ana (new disks)"), "{}", words(&told));
    let by = Actor::Person("ana".into());
    let end = QuietIntent::End { silence: SilenceId(1), kind: SilenceKind::Silence, by };
    world.want(Intent::Quiet(end)).expect("it ends");
    let told = simulate(&world, &question(&world, DOWN, Some(at)));
    assert_eq!((told.quiet.len(), first_step(&told)), (0, Some(at + secs(10))), "{told:?}");
    assert!(!words(&told).contains("S-1"), "{}", words(&told));
}

#[test]
fn a_simulation_of_yesterday_knows_a_maintenance_that_was_ended_early_today() {
    let mut config = config::config();
    config.maintenance = vec![PlannedMaintenance {
        name: "backups".into(),
        matchers: vec![Matcher::parse("service=qflow").expect("a condition")],
        when: Times::Weekly(vec![Restriction::parse("Mon-Sun 10:30-11:00").expect("hours")]),
        zone: TimeZone::UTC,
        comment: "backups".into(),
        channels: Vec::new(),
    }];
    let mut world = World::with(config);
    // Tomorrow's, which somebody ends early; today's is over by then.
    world.pass(mins(24 * 60 + 40), receipt);
    let silence = *world.state().quiet.silences.keys().next().expect("it has begun");
    let end = QuietIntent::End { silence, kind: SilenceKind::Maintenance, by: Actor::Person("ana".into()) };
    world.want(Intent::Quiet(end)).expect("it ends");
    for (minutes, quiet) in [(-10, false), (5, true), (25, true), (35, false)] {
        let at = crate::world::start_of_time() + mins(30 + minutes);
        let told = simulate(&world, &question(&world, DOWN, Some(at)));
        assert_eq!(!told.quiet.is_empty(), quiet, "at {at}: {:?}", told.quiet);
    }
}

#[test]
fn a_simulation_that_joins_one_group_of_what_is_held_knows_the_others() {
    let mut world = World::new();
    flood(&mut world, 0..8);
    world.pass(mins(2), receipt);
    let until = world.now().civil + mins(600);
    let (matchers, kind) = (vec!["severity=critical".to_owned()], SilenceKind::Silence);
    let (comment, by) = (Prose::new("why", [0; 16]), Actor::Person("ana".into()));
    let what = QuietIntent::Add { kind, matchers, comment, from: None, until, by };
    world.want(Intent::Quiet(what)).expect("a silence");
    let incident = world.state().groups[&GroupId(2)].incident.expect("it has one");
    assert!(world.state().incidents[&incident].response.open_groups.len() > 1, "with others");
    assert!(world.state().incidents[&incident].held.is_some());
    // It is quiet, too: the other groups keep the incident as it is.
    let quiet: &[(&str, &str)] =
        &[("alertname", "Gone1"), ("service", "qflow"), ("severity", "critical"), ("pod", "b")];
    let told = simulate(&world, &question(&world, quiet, None));
    assert_eq!(first_step(&told), Some(until), "{told:?}");
    // It is heard: the incident goes on, and its page with it.
    let heard: &[(&str, &str)] =
        &[("alertname", "Gone1"), ("service", "qflow"), ("severity", "warning"), ("pod", "c")];
    let told = simulate(&world, &question(&world, heard, None));
    compare(&mut world, &told, heard);
    assert!(world.state().incidents[&incident].held.is_none());
}

#[test]
fn a_simulation_beside_ten_thousand_held_groups_needs_no_deep_stack_and_copies_each_once() {
    const MANY: usize = 10_000;
    let mut world = World::new();
    let starts_at = world.now().civil;
    for some in (0..MANY).collect::<Vec<_>>().chunks(500) {
        let one = |number: &usize| {
            let name = format!("Gone{number}");
            signal(Firing, &[("alertname", &name), ("service", "qflow"), ("severity", "critical")], starts_at)
        };
        world.want(Intent::Report(report(some.iter().map(one).collect()))).expect("taken");
    }
    world.pass(secs(30), receipt);
    silence(&mut world, 600);
    assert_eq!(world.state().incidents.len(), 1);
    assert!(world.state().incidents[&IncidentId(1)].held.is_some());
    let labels: &[(&str, &str)] =
        &[("alertname", "Gone77"), ("service", "qflow"), ("severity", "critical"), ("pod", "b")];
    let asked = question(&world, labels, None);
    let (state, config) = (world.state().clone(), world.config.clone());
    // As deep as the engine's stack is, and less: one frame for each group would be too much.
    let ground = std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || explain::ground(&state, &config, &asked))
        .expect("a thread")
        .join()
        .expect("it ends");
    assert_eq!((ground.groups.len(), ground.alerts.len()), (MANY, MANY));
    assert_eq!((ground.pages.len(), ground.incidents.len()), (1, 1));
    assert!(ground.deliveries.is_empty() && ground.posted.is_empty(), "nothing else is copied");
    let quiet = ground.timers.iter().filter(|(_, timer)| matches!(timer, Timer::GroupQuiet(_))).count();
    assert_eq!(quiet, MANY);
}
