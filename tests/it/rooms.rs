//! Cards and rooms on chat platforms, with a virtual clock: where a card is said, when it is edited in place, and
//! how an incident comes to its room however often the platform says no.

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    delivery::{Channel, Delivery, DeliveryKind, Outcome},
    event::{Actor, Event},
    id::{IncidentId, PersonId},
    incident::IncidentRole,
    intent::{IncidentIntent, Intent, Refusal, RoomIntent},
    page::Target,
    prose::Prose,
    response::ResponseEvent,
    room::{Author, Origin, RoomWork},
};

use crate::world::{World, address, config, report, signal};

const DOWN: &[(&str, &str)] = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
const ONE: IncidentId = IncidentId(1);

fn mins(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn fires(world: &mut World, labels: &[(&str, &str)]) {
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).unwrap();
}

fn by(person: &str) -> Actor {
    Actor::Person(person.into())
}

fn incident(world: &mut World, what: IncidentIntent) {
    world.want(Intent::Incident { what, by: by("ana") }).unwrap();
}

/// A platform on which everything works.
fn works(delivery: &Delivery) -> Outcome {
    match (&delivery.room, delivery.kind, delivery.channel) {
        (Some(RoomWork::Open { .. }), ..) => {
            Outcome::Posted { receipt: "made".into(), message: "C042".into() }
        }
        (_, DeliveryKind::Card, Channel::Slack | Channel::Discord) => {
            let message = format!("{}/{}", address(&delivery.to), delivery.id);
            Outcome::Posted { receipt: "posted".into(), message }
        }
        _ => Outcome::Receipt("200 OK".into()),
    }
}

/// What was done to rooms, in order.
fn room_work(world: &World) -> Vec<String> {
    let work = world.sent.iter().filter_map(|sent| sent.delivery.room.as_ref());
    work.map(|work| match work {
        RoomWork::Open { .. } => "open".to_owned(),
        RoomWork::Topic { about, .. } => format!("topic {about}"),
        RoomWork::Invite { people, .. } => {
            let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
            format!("invite {}", people.join(" "))
        }
        RoomWork::Close { .. } => "close".to_owned(),
    })
    .collect()
}

fn cards(world: &World, channel: Channel) -> Vec<(String, Option<String>)> {
    let cards = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Card);
    let cards = cards.filter(|sent| sent.delivery.channel == channel);
    cards.map(|sent| (address(&sent.delivery.to), sent.edits.clone())).collect()
}

#[test]
fn a_card_is_posted_on_every_platform_and_then_edited_where_it_stands() {
    let mut world = World::with(config::on_platforms());
    fires(&mut world, DOWN);
    world.pass(mins(1), works);
    let first = cards(&world, Channel::Discord);
    assert_eq!(first, [("#qflow".to_owned(), None)]);
    world.want(Intent::Acknowledge { target: Target::Incident(ONE), by: by("ana") }).unwrap();
    world.crash();
    world.pass(mins(1), works);
    let again = cards(&world, Channel::Discord);
    let stands = again.last().unwrap().1.as_deref().unwrap();
    assert!(stands.starts_with("#qflow/D-"), "{again:?}: also after a crash it knows where the card is");
    assert!(!cards(&world, Channel::Chat).is_empty(), "the terminal hears it, too");
}

#[test]
fn an_incident_gets_its_room_its_people_its_topic_and_its_end() {
    let mut world = World::with(config::on_platforms());
    fires(&mut world, DOWN);
    world.pass(mins(1), works);
    assert_eq!(room_work(&world), ["open", "invite ana", "topic P1 investigating -"]);
    let ours = format!("{}.", world.state().instance);
    assert!(ours.len() > 1 && world.sent.iter().all(|sent| sent.delivery.key.starts_with(&ours)), "{ours}");
    let room_cards = cards(&world, Channel::Slack);
    assert!(room_cards.iter().any(|(to, _)| to == "slack:C042"), "its card stands there: {room_cards:?}");
    let told_in = |channel: &str| world.state().incidents[&ONE].is_told_in(&channel.into());
    assert!(told_in("slack:C042") && !told_in("slack:C043"), "what is written in its room means it");

    incident(
        &mut world,
        IncidentIntent::Role { incident: ONE, role: IncidentRole::Commander, to: Some("ben".into()) },
    );
    world.deliver(works);
    assert_eq!(room_work(&world)[3..], ["invite ben", "topic P1 investigating ben"]);
    incident(
        &mut world,
        IncidentIntent::Role { incident: ONE, role: IncidentRole::Scribe, to: Some("eli".into()) },
    );
    world.deliver(works);
    assert_eq!(room_work(&world).len(), 5, "eli has no account there, and nobody fails for it");

    incident(&mut world, IncidentIntent::Resolve { incident: ONE, text: None });
    world.deliver(works);
    assert_eq!(room_work(&world)[5..], ["topic P1 resolved ben"]);
    world.pass(SignedDuration::from_hours(23), works);
    assert_eq!(room_work(&world).len(), 6, "people still talk about it");
    world.pass(SignedDuration::from_hours(2), works);
    assert_eq!(room_work(&world)[6..], ["close"]);
    world.pass(SignedDuration::from_hours(48), works);
    assert_eq!(room_work(&world).len(), 7);
}

#[test]
fn a_room_whose_platform_is_not_set_up_any_more_holds_up_nobody() {
    let mut world = World::with(config::on_platforms());
    let (severity, title) = ("P2".into(), Prose::new("slow", [0; 16]));
    incident(&mut world, IncidentIntent::Open { severity, title, channel: None });
    world.pass(mins(1), works);
    incident(&mut world, IncidentIntent::Resolve { incident: ONE, text: None });
    world.deliver(works);
    world.reload(config::config());
    world.pass(SignedDuration::from_hours(25), works);
    let room = &world.state().incidents[&ONE].rooms[0];
    assert!(room.closed, "it is left as it is: {room:?}");
    assert!(!room_work(&world).contains(&"close".to_owned()));
    let left = |event: &Event| matches!(event, Event::Response(event) if matches!(**event, ResponseEvent::RoomLeft { incident: ONE, .. }));
    assert_eq!(world.events().iter().filter(|event| left(event)).count(), 1, "and it is said once");
    fires(&mut world, DOWN);
    world.pass(mins(1), works);
    assert_eq!(world.pages_sent(), ["ana push"], "what is due afterwards is done");
}

#[test]
fn a_reopened_incident_keeps_its_room() {
    let mut world = World::with(config::on_platforms());
    incident(
        &mut world,
        IncidentIntent::Open { severity: "P1".into(), title: Prose::new("slow", [0; 16]), channel: None },
    );
    world.pass(mins(1), works);
    incident(&mut world, IncidentIntent::Resolve { incident: ONE, text: None });
    world.pass(SignedDuration::from_hours(1), works);
    incident(&mut world, IncidentIntent::Reopen { incident: ONE, text: None });
    world.pass(SignedDuration::from_hours(30), works);
    assert!(!room_work(&world).contains(&"close".to_owned()));
    assert_eq!(room_work(&world).iter().filter(|work| *work == "open").count(), 1);
}

#[test]
fn what_a_platform_refuses_is_tried_until_somebody_has_mended_it_and_nothing_waits_for_it() {
    let mut world = World::with(config::on_platforms());
    let refuses = |delivery: &Delivery| match delivery.room {
        Some(_) => Outcome::Refused { why: "missing_scope: channels:manage".into() },
        None => works(delivery),
    };
    fires(&mut world, DOWN);
    world.pass(mins(14), refuses);
    assert!(world.state().incidents.contains_key(&ONE), "the incident exists without its room");
    assert!(!world.pages_sent().is_empty(), "and pages");
    let tried = room_work(&world).len();
    assert!((2..=5).contains(&tried), "now and then: {tried}");
    world.crash();
    world.pass(mins(16), works);
    assert_eq!(world.state().incidents[&ONE].rooms[0].id.as_deref(), Some("C042"));

    // An incident that is over needs no room any more.
    let mut world = World::with(config::on_platforms());
    fires(&mut world, DOWN);
    world.pass(mins(1), refuses);
    incident(&mut world, IncidentIntent::Resolve { incident: ONE, text: None });
    world.pass(mins(30), refuses);
    assert!(world.state().incidents[&ONE].rooms.is_empty());
    assert!(world.state().deliveries.values().all(|one| one.kind != DeliveryKind::Room));
}

#[test]
fn what_a_platform_tells_twice_is_done_once_also_after_a_crash() {
    let mut world = World::with(config::on_platforms());
    let origin = Origin { channel: Channel::Slack, id: "Ev1".into() };
    let open = || Intent::From {
        origin: origin.clone(),
        intent: Box::new(Intent::Incident {
            what: IncidentIntent::Open {
                severity: "P2".into(),
                title: Prose::new("slow", [0; 16]),
                channel: None,
            },
            by: by("ana"),
        }),
    };
    world.want(open()).unwrap();
    assert_eq!(world.want(open()), Err(Refusal::Repeated));
    world.crash();
    assert_eq!(world.want(open()), Err(Refusal::Repeated));
    assert_eq!(world.state().incidents.len(), 1);
    // What was refused was not done, so it is not remembered.
    let wrong = Origin { channel: Channel::Slack, id: "Ev2".into() };
    let intent = Box::new(Intent::Acknowledge { target: Target::Incident(IncidentId(9)), by: by("ana") });
    assert!(world.want(Intent::From { origin: wrong.clone(), intent }).is_err());
    assert!(!world.state().taken.contains_key(&wrong));
}

#[test]
fn a_message_of_a_room_is_captured_once_and_its_changes_are_noted() {
    let mut world = World::with(config::on_platforms());
    fires(&mut world, DOWN);
    world.pass(mins(1), works);
    let written_at = world.now().civil;
    let capture = |room: &str| Intent::Room {
        channel: Channel::Slack,
        what: RoomIntent::Capture {
            room: room.into(),
            message: format!("{room}/17.1"),
            author: Author::Person("chi".into()),
            text: Prose::new("the disk is full", [0; 16]),
            written_at,
            url: None,
            by: by("ana"),
        },
    };
    let changed = |message: &str, text: Option<&str>| Intent::Room {
        channel: Channel::Slack,
        what: RoomIntent::Changed {
            message: message.into(),
            text: text.map(|text| Prose::new(text, [0; 16])),
        },
    };
    assert_eq!(world.want(capture("C999")), Err(Refusal::NoIncidentHere));
    assert_eq!(world.want(capture("C042")).unwrap().events.len(), 1);
    assert_eq!(world.want(capture("C042")).unwrap().events.len(), 0, "a second pin adds nothing");
    world.crash();
    assert_eq!(world.want(changed("C042/17.1", Some("the disk was full"))).unwrap().events.len(), 1);
    assert_eq!(world.want(changed("C042/17.1", None)).unwrap().events.len(), 1);
    assert_eq!(world.want(changed("C042/99.9", None)).unwrap().events.len(), 0, "not on the timeline");
}

#[test]
fn where_a_card_stands_is_forgotten_with_its_group() {
    let mut world = World::with(config::on_platforms());
    for number in 0..1_100 {
        let name = format!("Down{number}");
        // No route with an incident: what is remembered is the group alone.
        let labels = [("alertname", name.as_str()), ("service", "other")];
        fires(&mut world, &labels);
        world.pass(mins(6), works);
        let starts_at = world.now().civil;
        world.want(Intent::Report(report(vec![signal(Resolved, &labels, starts_at)]))).unwrap();
        world.deliver(works);
    }
    assert!(world.state().groups.is_empty());
    assert!(world.state().posted.len() <= 1_010, "{}", world.state().posted.len());
    assert!(!world.state().posted.is_empty(), "the last ones are known");
}

#[test]
fn one_account_that_is_let_in_nowhere_holds_up_neither_the_topic_nor_others_nor_the_end() {
    let mut world = World::with(config::on_platforms());
    let refuses_ana = |delivery: &Delivery| match &delivery.room {
        Some(RoomWork::Invite { people, .. }) if people.contains(&PersonId::new("ana")) => {
            Outcome::Refused { why: "user_is_restricted (UANA)".into() }
        }
        _ => works(delivery),
    };
    fires(&mut world, DOWN);
    world.pass(mins(1), refuses_ana);
    assert!(room_work(&world).contains(&"topic P1 investigating -".to_owned()), "{:?}", room_work(&world));
    let commander =
        IncidentIntent::Role { incident: ONE, role: IncidentRole::Commander, to: Some("ben".into()) };
    incident(&mut world, commander);
    world.deliver(refuses_ana);
    let done = room_work(&world);
    for work in ["invite ben", "topic P1 investigating ben"] {
        assert!(done.contains(&work.to_owned()), "{done:?}");
    }
    incident(&mut world, IncidentIntent::Resolve { incident: ONE, text: None });
    world.pass(SignedDuration::from_hours(25), refuses_ana);
    let done = room_work(&world);
    assert!(done.contains(&"topic P1 resolved ben".to_owned()), "{done:?}");
    assert_eq!(done.iter().filter(|work| *work == "close").count(), 1, "{done:?}");
}
