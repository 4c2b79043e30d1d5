//! What a run has beside its steps: pictures that are deliveries like any other, its place in a guide, and the incident
//! that it belongs to. Never a picture where nobody sees pictures.

use watchbell::domain::{
    delivery::{Channel, Notice},
    guide::GuideRead,
    id::IncidentId,
    incident::IncidentStatus,
    intent::IncidentIntent,
    run::{DRAWINGS, Drawing, Part},
};

use super::*;

const INCIDENT: IncidentId = IncidentId(1);

fn drawing(id: &str) -> Drawing {
    Drawing { light: Some(id.into()), dark: None, words: "CPU: 12 … 68 %".into() }
}

/// Both platforms, and no rooms of incidents.
fn on_platforms() -> World {
    let mut config = world::config::on_platforms();
    config.platforms.values_mut().for_each(|rule| *rule = None);
    World::with(config)
}

/// A run of one step, which runs.
fn drawn_by(world: &mut World) -> RunId {
    let steps = vec![step(1, "cpu", false)];
    let id = start(world, RunPlan { role: Role::Viewer, steps, ..plan("ana") }).unwrap();
    assert!(matches!(permit(world, id, 1), Ok(Permit::Go { attempt: 1 })));
    id
}

fn draw(world: &mut World, run: RunId, id: &str) -> Result<Vec<Event>, RunRefusal> {
    want(world, RunIntent::Draw { run, step: 1, drawing: drawing(id) })
}

fn pictures(world: &World) -> Vec<Channel> {
    let all = world.state().deliveries.values();
    all.filter(|one| one.kind == DeliveryKind::Picture).map(|one| one.channel).collect()
}

fn incident(world: &mut World) {
    let what = IncidentIntent::Open { severity: "P2".into(), title: prose("nobody can buy"), channel: None };
    world.want(Intent::Incident { what, by: actor("ana") }).unwrap();
}

#[test]
fn a_picture_is_a_delivery_wherever_pictures_are_seen_and_waits_once() {
    let mut world = on_platforms();
    let id = drawn_by(&mut world);
    draw(&mut world, id, "one").unwrap();
    assert_eq!(pictures(&world), [Channel::Slack, Channel::Discord]);
    // One that waits shows the newest.
    draw(&mut world, id, "two").unwrap();
    assert_eq!(pictures(&world).len(), 2);
    finish(&mut world, id, 1, 1, StepOutcome::Passed);
    end(&mut world, id, Verdict::Passed);
    let mut sent = Vec::new();
    world.deliver(|delivery| {
        sent.push((delivery.kind, delivery.notice));
        receipt(delivery)
    });
    sent.retain(|(kind, _)| *kind == DeliveryKind::Picture);
    assert_eq!(sent, vec![(DeliveryKind::Picture, Some(Notice::Drawn(id, 1))); 2], "each leaves once");
    let step = run(&world, id).steps[0].clone();
    assert_eq!((step.drawing, step.drawings), (Some(drawing("two")), 2));
    world.crash();
    world.deliver(|delivery| panic!("nothing leaves again: {delivery:?}"));
}

#[test]
fn a_picture_that_left_when_the_process_ended_is_tried_again_and_a_gone_one_is_told() {
    let mut world = on_platforms();
    let id = drawn_by(&mut world);
    draw(&mut world, id, "one").unwrap();
    world.crash();
    assert_eq!(pictures(&world).len(), 2, "the delivery outlives the process");
    let gone = "the picture is not kept any more";
    world.deliver(|delivery| match delivery.kind {
        DeliveryKind::Picture => Outcome::Refused { why: gone.into() },
        _ => receipt(delivery),
    });
    assert_eq!(pictures(&world), [], "it is dropped");
    let failed = world.records().into_iter().filter(|record| {
        timeline::keys(&record.event).contains(&timeline::Key::Run(id))
            && matches!(&record.event, Event::AttemptFailed { why, .. } if why == gone)
    });
    assert_eq!(failed.count(), 2, "and said, on the timeline of its run");
}

#[test]
fn no_picture_without_a_step_that_runs_a_room_or_beyond_the_limit() {
    let mut terminal = world();
    let id = drawn_by(&mut terminal);
    assert_eq!(draw(&mut terminal, id, "one"), Ok(vec![]), "a terminal shows none");
    let mut world = on_platforms();
    let id = drawn_by(&mut world);
    let long = Drawing { words: "x".repeat(2_000), ..drawing("one") };
    let too_long = want(&mut world, RunIntent::Draw { run: id, step: 1, drawing: long });
    assert!(matches!(too_long, Err(RunRefusal::TooLarge(_))), "{too_long:?}");
    for (run, step) in [(RunId(9), 1), (id, 7)] {
        assert!(want(&mut world, RunIntent::Draw { run, step, drawing: drawing("one") }).is_err());
    }
    for number in 0..DRAWINGS + 5 {
        draw(&mut world, id, &number.to_string()).unwrap();
    }
    assert_eq!(run(&world, id).steps[0].drawings, DRAWINGS);
    finish(&mut world, id, 1, 1, StepOutcome::Passed);
    assert_eq!(draw(&mut world, id, "late"), Ok(vec![]), "its outcome is told");
}

fn read(anchor: &str) -> Intent {
    Intent::ReadGuide(GuideRead {
        incident: INCIDENT,
        runbook: "/shop guide".into(),
        title: "The shop does not sell".into(),
        anchor: anchor.into(),
        heading: anchor.to_uppercase(),
        by: actor("ben"),
    })
}

#[test]
fn where_people_stand_in_a_guide_is_part_of_the_incident_and_outlives_a_crash() {
    let mut world = on_platforms();
    assert!(world.want(read("gone")).is_err(), "there is no such incident");
    incident(&mut world);
    world.want(read("gone")).unwrap();
    let part = Part {
        guide: "The shop does not sell".into(),
        anchor: "slow".into(),
        heading: "It is slow".into(),
        prose: String::new(),
    };
    let steps = vec![step(1, "cpu", false)];
    let tried = RunPlan {
        runbook: "/shop guide".into(),
        incident: Some(INCIDENT),
        role: Role::Viewer,
        part: Some(part),
        steps,
        ..plan("ana")
    };
    let id = start(&mut world, tried).unwrap();
    world.crash();
    let incident = &world.state().incidents[&INCIDENT];
    let [guide] = incident.guides.as_slice() else { panic!("{:?}", incident.guides) };
    let place = guide.place().unwrap();
    assert_eq!((&*place.heading, &place.by, place.run), ("It is slow", &actor("ana"), Some(id)));
    assert_eq!(guide.steps[0].anchor, "gone");
    world.want(read("gone")).unwrap();
    let guides = world.state().incidents[&INCIDENT].guides.clone();
    assert_eq!(guides[0].place().map(|step| (&*step.anchor, step.run)), Some(("gone", None)));
    let noted = world.events().into_iter().filter(|event| {
        timeline::keys(event) == [timeline::Key::Incident(INCIDENT)] && matches!(event, Event::GuideRead(_))
    });
    assert_eq!(noted.count(), 2);
}

#[test]
fn the_card_of_an_incident_names_the_runs_that_go_on() {
    let mut world = on_platforms();
    incident(&mut world);
    world.deliver(receipt);
    let about = RunPlan { incident: Some(INCIDENT), channels: vec![], ..plan("ana") };
    let id = start(&mut world, about).unwrap();
    let cards = |world: &World| {
        let all = world.state().deliveries.values();
        let cards =
            all.filter(|one| one.kind == DeliveryKind::Card && one.subject.incident() == Some(INCIDENT));
        cards.map(|card| world.state().facts(card).incident.unwrap().running).collect::<Vec<_>>()
    };
    let running = cards(&world);
    assert!(!running.is_empty(), "the card is posted again");
    assert!(running.iter().all(|one| *one == [(id, "Restart Qflow".to_owned())]), "{running:?}");
    want(&mut world, RunIntent::Stop { run: id, by: actor("ana") }).unwrap();
    assert!(cards(&world).iter().all(Vec::is_empty), "{:?}", cards(&world));
    assert_eq!(world.state().runs_of_incident(INCIDENT).map(|run| run.id).collect::<Vec<_>>(), [id]);
    assert_eq!(world.state().incidents[&INCIDENT].status, IncidentStatus::Investigating);
}
