//! Cards of tasks, links, merged incidents, impact and handovers, for the gallery. Never a card that was made for this
//! place.

use jiff::{SignedDuration, tz::TimeZone};

use super::{INCIDENT, World, ana, prose};
use crate::{
    domain::{
        delivery::{DeliveryKind, Notice},
        event::Event,
        id::{IncidentId, TaskId},
        intent::{IncidentIntent, Intent, Refusal},
        page::Subject,
        response::{BadAddress, ResponseIntent, ResponseRefusal, TaskState, WrongTimes},
    },
    text::{self, card::Card, scene::Scene},
};

const OTHER: IncidentId = IncidentId(2);
const TASK: TaskId = TaskId(1);

fn respond(world: &mut World, what: ResponseIntent) -> Vec<Event> {
    world.does(Intent::Response { what, by: ana() })
}

/// Two incidents that turn out to be one, with what belongs to them.
pub(super) fn course(add: &mut impl FnMut(&'static str, Card)) {
    let mut world = World::new();
    for title in ["Qflow is down", "@everyone checkout `fails`"] {
        let open = IncidentIntent::Open { severity: "P1".into(), title: prose(title), channel: None };
        world.incident(open);
    }
    let list = |scene: &Scene<'_>| text::task::list(scene, &scene.state.incidents[&INCIDENT]);
    add("task::list", world.say(list));
    let tasks = [
        ("restore the backup", Some("ben".into()), Some(30)),
        ("tell the customers @here", None, None),
        ("look at the logs", Some("ana".into()), Some(5)),
    ];
    for (text, owner, due) in tasks {
        let due = due.map(|minutes| world.now + SignedDuration::from_mins(minutes));
        respond(&mut world, ResponseIntent::AddTask { incident: INCIDENT, text: prose(text), owner, due });
    }
    let changed = |scene: &Scene<'_>| {
        let task = &scene.state.tasks[&TASK];
        text::task::changed(scene, task, &text::task::added(TASK, INCIDENT))
    };
    add("task::changed", world.say(changed));
    world.pass(600);
    for notice in [Notice::TaskGiven(TASK), Notice::TaskDue(TaskId(3))] {
        add("message::card", world.message(DeliveryKind::Notice, Subject::Incident(INCIDENT), Some(notice)));
    }
    respond(&mut world, ResponseIntent::FinishTask(TASK));
    let done =
        |scene: &Scene<'_>| text::task::changed(scene, &scene.state.tasks[&TASK], &text::task::done(TASK));
    add("task::changed", world.say(done));
    add("task::list", world.say(list));
    for (url, title) in
        [("https://example.com/d/7?from=now-1h", Some("the dashboard")), ("https://wiki.example.com/", None)]
    {
        let (url, title) = (prose(url), title.map(prose));
        respond(&mut world, ResponseIntent::Link { incident: INCIDENT, url, title });
    }
    let started_at = world.now - SignedDuration::from_mins(40);
    let text = prose("checkout failed for EU customers");
    respond(&mut world, ResponseIntent::SetImpact { incident: INCIDENT, started_at, ended_at: None, text });
    let handover = |scene: &Scene<'_>| {
        let facts = scene.state.handover(INCIDENT, SignedDuration::ZERO);
        // cannot fail: it was opened above
        text::handover::card(scene, &facts.expect("it is there"))
    };
    add("handover::card", world.say(handover));
    respond(&mut world, ResponseIntent::HandOver { incident: INCIDENT, to: "ben".into() });
    let told = world.message(DeliveryKind::Notice, Subject::Incident(INCIDENT), Some(Notice::HandedOver));
    add("message::card", told);
    // cannot fail: it was opened above
    let facts = world.state.handover(INCIDENT, SignedDuration::ZERO).expect("it is there");
    add("handover::told", text::handover::told(&facts, |at| at.to_string()));
    let events = respond(&mut world, ResponseIntent::Merge { incident: OTHER, into: INCIDENT });
    let merged = |scene: &Scene<'_>| {
        let incidents = &scene.state.incidents;
        text::response::merged(scene, &incidents[&OTHER], &incidents[&INCIDENT], &events)
    };
    add("response::merged", world.say(merged));
    for incident in [INCIDENT, OTHER] {
        add(
            "incident::card",
            world.say(|scene| text::incident::card(scene, &scene.state.incidents[&incident])),
        );
        add("message::card", world.message(DeliveryKind::Card, Subject::Incident(incident), None));
    }
    let moved = world.message(DeliveryKind::Notice, Subject::Incident(OTHER), Some(Notice::Merged(INCIDENT)));
    add("message::card", moved);
    refusals(&world, add);
}

fn refusals(world: &World, add: &mut impl FnMut(&'static str, Card)) {
    let (at, task) = (world.now, TASK);
    for why in [
        ResponseRefusal::UnknownTask(TaskId(9)),
        ResponseRefusal::TaskIs { task, state: TaskState::Open },
        ResponseRefusal::TaskIs { task, state: TaskState::Done(ana(), at) },
        ResponseRefusal::TaskIs { task, state: TaskState::Dropped(ana(), at) },
        ResponseRefusal::OwnedAlready { task, owner: Some("ben".into()) },
        ResponseRefusal::OwnedAlready { task, owner: None },
        ResponseRefusal::TooMany { incident: INCIDENT, what: "tasks", most: 100 },
        ResponseRefusal::NoWords,
        ResponseRefusal::Times(WrongTimes::EndsFirst),
        ResponseRefusal::Address(BadAddress::NotWeb),
        ResponseRefusal::Address(BadAddress::Credentials),
        ResponseRefusal::Address(BadAddress::Secret),
        ResponseRefusal::Address(BadAddress::TooLong),
        ResponseRefusal::LinkedAlready { incident: INCIDENT, by: ana(), at },
        ResponseRefusal::RelatedAlready(INCIDENT, OTHER),
        ResponseRefusal::Itself(INCIDENT),
        ResponseRefusal::Merged {
            incident: OTHER,
            into: INCIDENT,
            goes_on_in: INCIDENT,
            by: Some((ana(), at)),
        },
        ResponseRefusal::IntoResolved { into: INCIDENT, at, by: Some(ana()) },
    ] {
        add("refusal::card", text::refusal::card(&Refusal::Response(why), &TimeZone::UTC));
    }
}
