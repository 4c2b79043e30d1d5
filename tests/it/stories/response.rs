//! Stories of a response: tasks that somebody is reminded of, links, an impact, a handover, and who leads.

use jiff::Timestamp;
use watchbell::domain::{
    delivery::Notice,
    id::{PersonId, TaskId},
    incident::IncidentRole,
    response::{
        BadAddress, LINKS, REMIND_EVERY, REMINDERS, ResponseEvent, ResponseIntent, ResponseRefusal, TASKS,
        TaskState, WrongTimes,
    },
};

use super::*;

const FIRST: IncidentId = IncidentId(1);

pub(super) fn opens(world: &mut World, severity: &str) -> IncidentId {
    let id = world.state().next.incident;
    let title = prose("database is down");
    incident(world, IncidentIntent::Open { severity: severity.into(), title, channel: None });
    id
}

pub(super) fn respond(world: &mut World, what: ResponseIntent) -> Result<Vec<Event>, Refusal> {
    world.want(Intent::Response { what, by: ana() }).map(|accepted| accepted.events)
}

pub(super) fn no(why: ResponseRefusal) -> Result<Vec<Event>, Refusal> {
    Err(Refusal::Response(why))
}

/// The state that the journal alone makes is the one that decides.
pub(super) fn replays(world: &World) {
    let mut state = watchbell::domain::state::State::default();
    for record in world.records() {
        watchbell::engine::core::replay(&mut state, &record);
    }
    assert!(state == *world.state(), "the replayed state differs");
}

fn add(world: &mut World, owner: Option<&str>, due: Option<Timestamp>) -> TaskId {
    let id = world.state().next.task;
    let owner = owner.map(PersonId::from);
    respond(world, ResponseIntent::AddTask { incident: FIRST, text: prose("restore"), owner, due }).unwrap();
    id
}

/// Whom this notice went to, in order.
fn told(world: &World, is: impl Fn(Notice) -> bool) -> Vec<String> {
    let of = world.sent.iter().filter(|sent| sent.delivery.notice.is_some_and(&is));
    of.map(|sent| address(&sent.delivery.to)).collect()
}

#[test]
fn a_task_is_told_to_its_owner_and_reminds_when_it_is_due_and_then_each_day_until_it_is_done() {
    let mut world = World::new();
    opens(&mut world, "P2");
    let due = world.now().civil + mins(30);
    let task = add(&mut world, Some("ben"), Some(due));
    add(&mut world, Some("ana"), None);
    world.deliver(receipt);
    assert_eq!(
        told(&world, |one| matches!(one, Notice::TaskGiven(_))),
        ["ben chat"],
        "ana knows what she wrote"
    );
    let is_due = |one| one == Notice::TaskDue(task);
    world.pass(mins(29), receipt);
    assert!(told(&world, is_due).is_empty());
    world.pass(mins(1), receipt);
    assert_eq!(told(&world, is_due), ["#alerts", "ben chat"]);
    world.crash();
    world.pass(REMIND_EVERY, receipt);
    assert_eq!(told(&world, is_due), ["#alerts", "ben chat", "ben chat"], "then its owner alone");
    respond(&mut world, ResponseIntent::FinishTask(task)).unwrap();
    world.pass(REMIND_EVERY * 3, receipt);
    assert_eq!(told(&world, is_due).len(), 3);
    replays(&world);
}

#[test]
fn nobody_is_reminded_for_ever_and_a_new_due_time_begins_anew() {
    let mut world = World::new();
    opens(&mut world, "P3");
    let due = world.now().civil + mins(1);
    let task = add(&mut world, None, Some(due));
    world.pass(REMIND_EVERY * 30, receipt);
    let reminded = |world: &World| told(world, |one| one == Notice::TaskDue(task)).len();
    assert_eq!(reminded(&world), REMINDERS as usize, "in the channel, because it is nobody's");
    let due = Some(world.now().civil + mins(5));
    respond(&mut world, ResponseIntent::SetDue { task, due }).unwrap();
    world.pass(mins(6), receipt);
    assert_eq!(reminded(&world), REMINDERS as usize + 1);
    respond(&mut world, ResponseIntent::SetDue { task, due: None }).unwrap();
    world.pass(REMIND_EVERY * 3, receipt);
    assert_eq!(reminded(&world), REMINDERS as usize + 1);
    replays(&world);
}

#[test]
fn tasks_stay_after_the_end_and_can_be_done_dropped_and_opened_again_each_with_a_true_answer() {
    let mut world = World::new();
    opens(&mut world, "P2");
    let task = add(&mut world, None, None);
    incident(&mut world, IncidentIntent::Resolve { incident: FIRST, text: None });
    assert!(world.state().tasks[&task].is_open());
    assert_eq!(add(&mut world, None, None), TaskId(2), "follow-ups are written down afterwards");
    let assign = |to: Option<&str>| ResponseIntent::AssignTask { task, to: to.map(PersonId::from) };
    assert_eq!(respond(&mut world, assign(None)), no(ResponseRefusal::OwnedAlready { task, owner: None }));
    assert!(matches!(respond(&mut world, assign(Some("zoe"))), Err(Refusal::UnknownName { .. })));
    respond(&mut world, assign(Some("chi"))).unwrap();
    respond(&mut world, ResponseIntent::FinishTask(task)).unwrap();
    let state = world.state().tasks[&task].state.clone();
    assert!(matches!(state, TaskState::Done(..)));
    for what in [ResponseIntent::FinishTask(task), ResponseIntent::DropTask(task), assign(None)] {
        let is = ResponseRefusal::TaskIs { task, state: state.clone() };
        assert_eq!(respond(&mut world, what), no(is));
    }
    respond(&mut world, ResponseIntent::ReopenTask(task)).unwrap();
    let is_open = ResponseRefusal::TaskIs { task, state: TaskState::Open };
    assert_eq!(respond(&mut world, ResponseIntent::ReopenTask(task)), no(is_open));
    respond(&mut world, ResponseIntent::DropTask(task)).unwrap();
    let unknown = TaskId(99);
    let what = ResponseIntent::FinishTask(unknown);
    assert_eq!(respond(&mut world, what), no(ResponseRefusal::UnknownTask(unknown)));
    replays(&world);
}

#[test]
fn what_is_too_much_or_makes_no_sense_is_refused_and_changes_nothing() {
    let mut world = World::new();
    opens(&mut world, "P2");
    let now = world.now().civil;
    let task = |due, text: &str| ResponseIntent::AddTask {
        incident: FIRST,
        text: Prose::new(text, [1; 16]),
        owner: None,
        due,
    };
    let impact = |from: i64, until: Option<i64>| ResponseIntent::SetImpact {
        incident: FIRST,
        started_at: now + mins(from),
        ended_at: until.map(|until| now + mins(until)),
        text: prose("logins fail"),
    };
    let link = |url: &str| ResponseIntent::Link { incident: FIRST, url: prose(url), title: None };
    let times = ResponseRefusal::Times;
    let before = world.state().clone();
    for (what, why) in [
        (task(Some(now - secs(1)), "x"), times(WrongTimes::DueBefore)),
        (task(Some(now + mins(367 * 24 * 60)), "x"), times(WrongTimes::DueTooFar)),
        (task(None, "  "), ResponseRefusal::NoWords),
        (impact(1, None), times(WrongTimes::StartsLater)),
        (impact(-5, Some(1)), times(WrongTimes::EndsLater)),
        (impact(-5, Some(-6)), times(WrongTimes::EndsFirst)),
        (impact(-367 * 24 * 60, None), times(WrongTimes::TooLongAgo)),
        (link("ftp://example.com"), ResponseRefusal::Address(BadAddress::NotWeb)),
        (link("https://a:b@example.com"), ResponseRefusal::Address(BadAddress::Credentials)),
        (link("https://example.com/?token=x"), ResponseRefusal::Address(BadAddress::Secret)),
        (ResponseIntent::Relate { incident: FIRST, other: FIRST }, ResponseRefusal::Itself(FIRST)),
    ] {
        assert_eq!(respond(&mut world, what), no(why));
        assert!(*world.state() == before);
    }
    for number in 0..LINKS {
        respond(&mut world, link(&format!("https://example.com/{number}"))).unwrap();
    }
    let linked = ResponseRefusal::LinkedAlready { incident: FIRST, by: ana(), at: world.now().civil };
    assert_eq!(respond(&mut world, link("https://example.com/3")), no(linked));
    let many = ResponseRefusal::TooMany { incident: FIRST, what: "links", most: LINKS };
    assert_eq!(respond(&mut world, link("https://example.com/more")), no(many));
    for _ in 0..TASKS {
        respond(&mut world, task(None, "x")).unwrap();
    }
    let many = ResponseRefusal::TooMany { incident: FIRST, what: "tasks", most: TASKS };
    assert_eq!(respond(&mut world, task(None, "x")), no(many));
}

#[test]
fn two_related_incidents_both_know_it_and_an_impact_can_be_said_again_after_the_end() {
    let mut world = World::new();
    let (one, two) = (opens(&mut world, "P2"), opens(&mut world, "P2"));
    respond(&mut world, ResponseIntent::Relate { incident: one, other: two }).unwrap();
    for (here, there) in [(one, two), (two, one)] {
        assert!(world.state().incidents[&here].response.related.contains(&there));
        let again = ResponseIntent::Relate { incident: here, other: there };
        assert_eq!(respond(&mut world, again), no(ResponseRefusal::RelatedAlready(here, there)));
    }
    let now = world.now().civil;
    let says = |ended_at| {
        let text = prose("checkout failed");
        ResponseIntent::SetImpact { incident: one, started_at: now - mins(40), ended_at, text }
    };
    respond(&mut world, says(None)).unwrap();
    incident(&mut world, IncidentIntent::Resolve { incident: one, text: None });
    respond(&mut world, says(Some(now))).unwrap();
    let impact = world.state().incidents[&one].response.impact.clone().unwrap();
    assert_eq!((impact.started_at, impact.ended_at), (now - mins(40), Some(now)));
    let said = count(
        &world.events(),
        |event| matches!(event, Event::Response(event) if matches!(**event, ResponseEvent::ImpactSet { .. })),
    );
    assert_eq!(said, 2, "the timeline keeps both");
    replays(&world);
}

#[test]
fn that_an_update_is_due_is_told_again_and_again_to_whoever_leads_until_it_is_mitigated() {
    let mut world = World::new();
    opens(&mut world, "P1");
    acknowledge(&mut world, Target::Incident(FIRST), "eli").unwrap();
    let late = |one| one == Notice::Late(watchbell::domain::event::Reminder::Update);
    world.pass(mins(60), receipt);
    assert_eq!(told(&world, late), ["#alerts", "eli chat"], "nobody leads: whoever took it");
    let role = |role, to: &str| IncidentIntent::Role { incident: FIRST, role, to: Some(to.into()) };
    incident(&mut world, role(IncidentRole::Responder, "ben"));
    world.pass(mins(60), receipt);
    assert_eq!(told(&world, late)[2..], ["#alerts", "ben chat"]);
    incident(&mut world, role(IncidentRole::Commander, "chi"));
    world.pass(mins(60), receipt);
    assert_eq!(told(&world, late)[4..], ["#alerts", "chi chat"]);
    incident(&mut world, status(1, IncidentStatus::Mitigated));
    world.pass(mins(600), receipt);
    assert_eq!(told(&world, late).len(), 6, "what is mitigated waits for nobody's words");
    incident(&mut world, status(1, IncidentStatus::Investigating));
    world.pass(mins(60), receipt);
    assert_eq!(told(&world, late).len(), 8);
    incident(&mut world, IncidentIntent::Resolve { incident: FIRST, text: None });
    world.pass(mins(600), receipt);
    assert_eq!(told(&world, late).len(), 8);
    replays(&world);
}

#[test]
fn a_handover_gives_the_lead_tells_how_it_stands_and_leaves_the_pages_alone() {
    let mut world = World::new();
    opens(&mut world, "P1");
    let due = world.now().civil + mins(30);
    add(&mut world, Some("ben"), Some(due));
    add(&mut world, None, None);
    incident(&mut world, status(1, IncidentStatus::Identified));
    world.deliver(receipt);
    let pages = world.state().pages.len();
    respond(&mut world, ResponseIntent::HandOver { incident: FIRST, to: "chi".into() }).unwrap();
    world.deliver(receipt);
    assert_eq!(told(&world, |one| one == Notice::HandedOver), ["chi chat"]);
    assert_eq!(world.state().pages.len(), pages, "nobody took it by that");
    assert_eq!(world.state().incidents[&FIRST].commander(), Some(&"chi".into()));
    let facts = world.state().handover(FIRST, SignedDuration::ZERO).unwrap();
    assert_eq!((facts.open_tasks, facts.tasks[0].id, facts.pages.len()), (2, TaskId(1), 1));
    assert_eq!(facts.status, IncidentStatus::Identified);
    assert!(facts.update.is_some() && facts.next.is_some());
    let again = respond(&mut world, ResponseIntent::HandOver { incident: FIRST, to: "chi".into() });
    assert!(matches!(again, Err(Refusal::Unchanged { .. })));
    replays(&world);
}
