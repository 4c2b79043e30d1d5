//! Stories of incidents that turn out to be one, and of people who do several things to them at once.

use std::collections::BTreeSet;

use watchbell::domain::{
    delivery::Notice,
    id::TaskId,
    incident::IncidentRole,
    page::Subject,
    response::{ResponseIntent, ResponseRefusal},
};

use super::{
    response::{no, opens, replays, respond},
    *,
};

const ONE: IncidentId = IncidentId(1);
const TWO: IncidentId = IncidentId(2);
const OTHER: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "qflow"), ("severity", "critical")];
const WORST: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "qflow"), ("severity", "page")];

fn merge(incident: IncidentId, into: IncidentId) -> ResponseIntent {
    ResponseIntent::Merge { incident, into }
}

/// Two incidents of two groups that page.
fn two(other: &[(&str, &str)]) -> World {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    fires(&mut world, other);
    world.pass(secs(10), receipt);
    assert_eq!(world.state().incidents.len(), 2);
    world
}

/// Groups of the incident that page, or for which something pages.
fn paging(world: &World, incident: IncidentId) -> usize {
    world.state().pages.values().filter(|page| page.subject.incident() == Some(incident)).count()
}

#[test]
fn what_belongs_to_an_incident_goes_to_the_other_and_its_end_says_where() {
    let mut world = two(OTHER);
    let role = |role, to: &str| IncidentIntent::Role { incident: TWO, role, to: Some(to.into()) };
    incident(&mut world, role(IncidentRole::Scribe, "chi"));
    incident(&mut world, role(IncidentRole::Commander, "dana"));
    let lead = IncidentIntent::Role { incident: ONE, role: IncidentRole::Commander, to: Some("ben".into()) };
    incident(&mut world, lead);
    let task = ResponseIntent::AddTask { incident: TWO, text: prose("x"), owner: None, due: None };
    respond(&mut world, task).unwrap();
    let url = prose("https://example.com/");
    respond(&mut world, ResponseIntent::Link { incident: TWO, url, title: None }).unwrap();
    respond(&mut world, merge(TWO, ONE)).unwrap();
    let state = world.state();
    let (one, two) = (&state.incidents[&ONE], &state.incidents[&TWO]);
    assert_eq!((two.status, two.response.merged_into), (IncidentStatus::Resolved, Some(ONE)));
    assert_eq!(one.groups, BTreeSet::from([GroupId(1), GroupId(2)]));
    assert_eq!(state.groups[&GroupId(2)].incident, Some(ONE));
    assert_eq!((state.tasks[&TaskId(1)].incident, one.response.links.len()), (ONE, 1));
    let holders = |role| one.roles.get(&role).cloned().unwrap_or_default();
    assert_eq!(holders(IncidentRole::Commander), BTreeSet::from(["ben".into()]), "who leads here goes on");
    assert_eq!(holders(IncidentRole::Scribe), BTreeSet::from(["chi".into()]));
    assert_eq!(
        holders(IncidentRole::Responder),
        BTreeSet::from(["dana".into()]),
        "who led there works on it"
    );
    let keys = watchbell::domain::timeline::of_incident(one);
    assert!(
        keys.contains(&watchbell::domain::timeline::Key::Incident(TWO)),
        "its timeline is part of this one"
    );
    world.deliver(receipt);
    let moved = world.sent.iter().filter(|sent| sent.delivery.notice == Some(Notice::Merged(ONE)));
    assert_eq!(moved.map(|sent| address(&sent.delivery.to)).collect::<Vec<_>>(), ["#qflow"]);
    // What joins its group joins the other.
    fires(&mut world, &[OTHER, &[("pod", "b")]].concat());
    ends(&mut world, DOWN);
    assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Investigating, "a group still fires");
    ends(&mut world, OTHER);
    ends(&mut world, &[OTHER, &[("pod", "b")]].concat());
    assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Mitigated);
    assert_eq!(world.state().incidents[&TWO].status, IncidentStatus::Resolved);
    replays(&world);
}

#[test]
fn whoever_is_paged_for_what_is_merged_is_paged_on_unless_somebody_has_the_other() {
    // Nobody has it: both pages go on, and one acknowledgement ends them.
    let mut world = two(OTHER);
    respond(&mut world, merge(TWO, ONE)).unwrap();
    assert_eq!((paging(&world, ONE), paging(&world, TWO)), (2, 0));
    let before = world.pages_sent().len();
    world.pass(mins(6), receipt);
    assert!(world.pages_sent().len() > before + 1, "they go on to the secondary");
    acknowledge(&mut world, Target::Incident(ONE), "ana").unwrap();
    assert!(world.state().pages.is_empty());

    // Somebody has it, and it is as bad: that is for both.
    let mut world = two(OTHER);
    acknowledge(&mut world, Target::Incident(ONE), "ben").unwrap();
    let events = respond(&mut world, merge(TWO, ONE)).unwrap();
    let by_ben = |event: &Event| matches!(event, Event::PageStopped { why: PageStop::Acknowledged(Actor::Person(ben)), .. } if ben.as_str() == "ben");
    assert_eq!((count(&events, by_ben), world.state().pages.len()), (1, 0));
    assert!(world.state().groups[&GroupId(2)].acknowledged.is_some());
    assert!(
        world.state().deliveries.values().all(|one| one.page.is_none()),
        "and nothing of it leaves any more"
    );
    replays(&world);

    // Somebody has something milder: it goes on, and the other is as bad now.
    let mut world = two(WORST);
    acknowledge(&mut world, Target::Incident(ONE), "ben").unwrap();
    respond(&mut world, merge(TWO, ONE)).unwrap();
    assert_eq!(paging(&world, ONE), 1);
    assert_eq!(world.state().incidents[&ONE].severity, "P0".into());
    acknowledge(&mut world, Target::Incident(ONE), "ben").unwrap();
    assert!(world.state().pages.is_empty());
    replays(&world);
}

#[test]
fn an_incidents_own_page_moves_with_its_messages_and_outlives_a_crash() {
    let mut world = World::new();
    let (one, two) = (opens(&mut world, "P2"), opens(&mut world, "P1"));
    assert_eq!(paging(&world, two), 1);
    respond(&mut world, merge(two, one)).unwrap();
    assert_eq!(paging(&world, one), 1);
    world.crash();
    world.pass(mins(6), receipt);
    assert_eq!(world.pages_sent(), ["ana push", "ana hook", "ana chat", "chi push"]);
    acknowledge(&mut world, Target::Incident(one), "chi").unwrap();
    let before = world.pages_sent().len();
    world.pass(mins(50), receipt);
    assert_eq!(world.pages_sent().len(), before);
    replays(&world);
}

#[test]
fn what_somebody_opened_by_hand_is_not_mitigated_because_alerts_are_gone() {
    let mut world = World::new();
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    let by_hand = opens(&mut world, "P1");
    respond(&mut world, merge(by_hand, ONE)).unwrap();
    ends(&mut world, DOWN);
    assert_eq!(world.state().incidents[&ONE].status, IncidentStatus::Investigating);
}

#[test]
fn later_commands_say_where_it_goes_on_and_chains_lead_to_the_end() {
    let mut world = World::new();
    let (one, two, three) = (opens(&mut world, "P2"), opens(&mut world, "P2"), opens(&mut world, "P2"));
    assert_eq!(respond(&mut world, merge(one, one)), no(ResponseRefusal::Itself(one)));
    let first = world.now().civil;
    respond(&mut world, merge(three, two)).unwrap();
    world.pass(mins(1), receipt);
    let ben = Actor::Person("ben".into());
    world.want(Intent::Response { what: merge(two, one), by: ben.clone() }).unwrap();
    assert_eq!(world.state().goes_on_in(three), one);
    assert_eq!(world.state().incidents[&one].response.merged, BTreeSet::from([two, three]));
    // Each was merged by somebody else, at another time, and goes on at the end of the chain.
    let at = world.now().civil;
    let merged = |incident| {
        let (into, by, at) = if incident == three { (two, ana(), first) } else { (one, ben.clone(), at) };
        Refusal::Response(ResponseRefusal::Merged { incident, into, goes_on_in: one, by: Some((by, at)) })
    };
    let text = || Some(prose("x"));
    let wants = [
        IncidentIntent::Note { incident: three, text: prose("x") },
        IncidentIntent::Resolve { incident: three, text: text() },
        IncidentIntent::Reopen { incident: three, text: text() },
        IncidentIntent::Assign { incident: three, to: "ben".into() },
        IncidentIntent::Severity { incident: three, severity: "P0".into() },
        status(three.0, IncidentStatus::Mitigated),
    ];
    let before = world.state().clone();
    for what in wants {
        assert_eq!(world.want(Intent::Incident { what, by: ana() }).unwrap_err(), merged(three));
    }
    for (what, of) in [
        (merge(three, one), three),
        (merge(one, three), three),
        (merge(one, two), two),
        (ResponseIntent::HandOver { incident: two, to: "ben".into() }, two),
        (ResponseIntent::Relate { incident: one, other: two }, two),
    ] {
        assert_eq!(respond(&mut world, what).unwrap_err(), merged(of));
    }
    assert!(*world.state() == before);
    // Whoever takes what a button or a link of before the merge names has what it has become.
    let events = acknowledge(&mut world, Target::Incident(three), "ana").unwrap();
    let taken =
        |event: &Event| matches!(event, Event::IncidentAcknowledged { incident, .. } if *incident == one);
    assert_eq!(count(&events, taken), 1);
    incident(&mut world, IncidentIntent::Resolve { incident: one, text: None });
    let four = opens(&mut world, "P2");
    let over = respond(&mut world, merge(four, one));
    assert!(matches!(over, Err(Refusal::Response(ResponseRefusal::IntoResolved { .. }))), "{over:?}");
    let over = respond(&mut world, merge(one, four));
    assert!(matches!(over, Err(Refusal::AlreadyResolved { .. })), "{over:?}");
    replays(&world);
}

/// What somebody wants of two incidents at the same time as others.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Acknowledge(u64, &'static str),
    Merge(u64, u64),
    Resolve(u64),
    Reopen(u64),
}

fn wants(world: &mut World, wish: Wish) -> Result<Vec<Event>, Refusal> {
    let incident = |what| Intent::Incident { what, by: ana() };
    let intent = match wish {
        Wish::Acknowledge(id, by) => {
            Intent::Acknowledge { target: Target::Incident(IncidentId(id)), by: Actor::Person(by.into()) }
        }
        Wish::Merge(id, into) => {
            Intent::Response { what: merge(IncidentId(id), IncidentId(into)), by: ana() }
        }
        Wish::Resolve(id) => incident(IncidentIntent::Resolve { incident: IncidentId(id), text: None }),
        Wish::Reopen(id) => incident(IncidentIntent::Reopen { incident: IncidentId(id), text: None }),
    };
    world.want(intent).map(|accepted| accepted.events)
}

/// Every order of these.
fn orders(wishes: &[Wish]) -> Vec<Vec<Wish>> {
    if wishes.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: usize| {
        let mut rest = wishes.to_vec();
        let wish = rest.remove(first);
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, wish);
            order
        })
    };
    (0..wishes.len()).flat_map(with_first).collect()
}

/// Whether an answer is true of what stood before it.
fn is_true(
    before: &watchbell::domain::state::State,
    wish: Wish,
    answer: &Result<Vec<Event>, Refusal>,
) -> bool {
    let of = |id: u64| &before.incidents[&IncidentId(id)];
    let on = |id: u64| &before.incidents[&before.goes_on_in(IncidentId(id))];
    let gone = |id: u64| of(id).response.merged_into.is_some();
    match (wish, answer) {
        (_, Err(Refusal::Response(ResponseRefusal::Merged { incident, into, goes_on_in, .. }))) => {
            let direct = before.incidents[incident].response.merged_into == Some(*into);
            direct && before.goes_on_in(*incident) == *goes_on_in && incident != into
        }
        (_, Err(Refusal::AlreadyResolved { incident, .. })) => !before.incidents[incident].is_open(),
        (Wish::Merge(..), Err(Refusal::Response(ResponseRefusal::IntoResolved { into, .. }))) => {
            !before.incidents[into].is_open()
        }
        (Wish::Acknowledge(id, _), Err(Refusal::AlreadyAcknowledged { by, .. })) => {
            on(id).acknowledged.as_ref().is_some_and(|(holder, _)| holder == by)
        }
        (Wish::Acknowledge(id, _), Ok(events)) => on(id).is_open() && !events.is_empty(),
        (Wish::Reopen(id), Err(Refusal::StillOpen(..))) => of(id).is_open(),
        (Wish::Resolve(id), Ok(events)) => of(id).is_open() && !gone(id) && !events.is_empty(),
        (Wish::Reopen(id), Ok(_)) => !of(id).is_open() && !gone(id),
        (Wish::Merge(id, into), Ok(_)) => of(id).is_open() && of(into).is_open(),
        _ => false,
    }
}

#[test]
fn whoever_does_something_at_the_same_time_as_others_gets_a_true_answer_in_every_order() {
    let wishes = [
        Wish::Acknowledge(1, "ana"),
        Wish::Acknowledge(2, "ben"),
        Wish::Merge(2, 1),
        Wish::Merge(1, 2),
        Wish::Resolve(1),
        Wish::Reopen(2),
    ];
    for order in orders(&wishes) {
        let mut world = two(OTHER);
        for wish in &order {
            let before = world.state().clone();
            let answer = wants(&mut world, *wish);
            assert!(is_true(&before, *wish, &answer), "{wish:?} in {order:?}: {answer:?}");
            assert!(answer.is_ok() || before == *world.state(), "{wish:?} in {order:?} changed something");
        }
        // Whatever came of it, no page is about what is over, and every group has its page or somebody who took it.
        let state = world.state();
        for page in state.pages.values() {
            let incident = page.subject.incident().expect("all are of incidents");
            assert!(state.incidents[&incident].is_open(), "{order:?}: {} pages for what is over", page.id);
        }
        for group in state.groups.values() {
            let incident = &state.incidents[&group.incident.expect("it has one")];
            let quiet = group.acknowledged.is_some() || !group.pages.is_empty();
            let resolved = world.events().iter().any(|event| matches!(event, Event::IncidentResolved { .. }));
            assert!(quiet || resolved || !incident.is_open(), "{order:?}: nobody has {}", group.id);
        }
        replays(&world);
    }
}

#[test]
fn a_message_of_before_the_merge_still_takes_what_it_pages_for() {
    let mut world = two(OTHER);
    let what = IncidentIntent::Severity { incident: TWO, severity: "P0".into() };
    incident(&mut world, what);
    world.deliver(receipt);
    let page = *world.state().pages.keys().last().unwrap();
    assert_eq!(world.state().pages[&page].subject, Subject::Incident(TWO));
    respond(&mut world, merge(TWO, ONE)).unwrap();
    assert!(world.state().pages.contains_key(&page), "it goes on");
    let events = acknowledge(&mut world, Target::Incident(TWO), "ben").unwrap();
    let stopped = |event: &Event| matches!(event, Event::PageStopped { page: one, .. } if *one == page);
    assert_eq!(count(&events, stopped), 1);
    let again = acknowledge(&mut world, Target::Incident(TWO), "chi");
    assert!(
        matches!(again, Err(Refusal::AlreadyAcknowledged { target: Target::Incident(ONE), .. })),
        "{again:?}"
    );
    replays(&world);
}
