//! Runbooks that nobody asked for, with a virtual clock: which are due for which groups, what is said when one does not
//! start, whom that pages, what an incident offers. Never a second start for the same group.

use watchbell::domain::{
    config::{Trigger, TriggeredBy},
    delivery::Notice,
    event::PageStarted,
    id::{IncidentId, SeverityId},
    intent::IncidentIntent,
    matcher::Matcher,
    page::PageTarget,
    quiet::{QuietIntent, SilenceKind},
    run::{HeldBack, MOST_STARTS, RunDue, RunOffer},
    state::State,
};

use super::*;

const WEB: &[(&str, &str)] = &[("alertname", "Slow"), ("service", "web"), ("severity", "warning")];
const NOISE: &[(&str, &str)] = &[("alertname", "Full"), ("service", "noise")];

fn on_alert(runbook: &str, matcher: &str, answer: Option<Budget>) -> Trigger {
    let by = TriggeredBy::Alert(vec![Matcher::parse(matcher).unwrap()]);
    Trigger { runbook: runbook.into(), line: runbook.into(), by, answer }
}

fn with(triggers: Vec<Trigger>) -> World {
    World::with(Config { triggers, ..team() })
}

fn due(state: &State) -> Vec<(u64, &str)> {
    state.due_runs.iter().map(|due| (due.group.0, due.runbook.as_str())).collect()
}

fn begin(world: &mut World, group: u64, runbook: &str) -> RunId {
    let because = RunBecause::Alert(GroupId(group));
    start(world, RunPlan { because, runbook: runbook.into(), ..plan("bot") }).unwrap()
}

fn hold_back(world: &mut World, group: u64, runbook: &str) -> Vec<Event> {
    let held = RunIntent::HoldBack { group: GroupId(group), runbook: runbook.into(), why: "no".into() };
    want(world, held).unwrap()
}

fn pages(events: &[Event]) -> Vec<&PageStarted> {
    fn page(event: &Event) -> Option<&PageStarted> {
        if let Event::PageStarted(page) = event { Some(page) } else { None }
    }
    events.iter().filter_map(page).collect()
}

#[test]
fn a_runbook_is_due_when_people_are_told_of_the_group_and_not_before() {
    let mut world = with(vec![on_alert("/qflow health", "alertname=\"Down\"", None)]);
    fires(&mut world, DOWN);
    assert!(world.state().due_runs.is_empty(), "the group still collects");
    world.pass(secs(10), receipt);
    assert_eq!(due(world.state()), [(1, "/qflow health")]);
    let events = world.events();
    let at = |of: &dyn Fn(&Event) -> bool| events.iter().position(of).unwrap();
    let told = at(&|event| matches!(event, Event::GroupNotified { .. }));
    assert!(told < at(&|event| matches!(event, Event::RunDue(_))));
    // Nothing is lost with the process.
    world.crash();
    assert_eq!(due(world.state()), [(1, "/qflow health")]);
    begin(&mut world, 1, "/qflow health");
    assert!(world.state().due_runs.is_empty());
    world.crash();
    assert!(world.state().due_runs.is_empty(), "it has started already");
    world.pass(mins(5), receipt);
    let starts = happened(&world).iter().filter(|one| matches!(one, RunHappened::Started(_))).count();
    assert_eq!((starts, world.state().due_runs.len()), (1, 0));
}

#[test]
fn an_alert_that_ends_while_its_group_collects_starts_nothing() {
    let mut world = with(vec![on_alert("/qflow health", "alertname=\"Down\"", None)]);
    fires(&mut world, DOWN);
    ends(&mut world, DOWN);
    world.pass(mins(1), receipt);
    assert!(!world.events().iter().any(|event| matches!(event, Event::RunDue(_))));
}

#[test]
fn any_firing_alert_of_the_group_counts_also_one_that_joins_later() {
    let mut world = with(vec![on_alert("/qflow disk", "instance=\"db-2\"", None)]);
    let alert = |instance| [&[("instance", instance)], DOWN].concat();
    fires(&mut world, &alert("db-1"));
    world.pass(secs(10), receipt);
    assert!(world.state().due_runs.is_empty());
    fires(&mut world, &alert("db-2"));
    assert_eq!(due(world.state()), [(1, "/qflow disk")], "the one that joined is meant");
    begin(&mut world, 1, "/qflow disk");
    ends(&mut world, &alert("db-2"));
    world.pass(mins(2), receipt);
    fires(&mut world, &alert("db-2"));
    assert!(world.state().due_runs.is_empty(), "once for the same group");
}

#[test]
fn an_alert_that_joined_unheard_counts_when_it_is_heard() {
    for by_person in [true, false] {
        let mut world = with(vec![on_alert("/qflow disk", "instance=\"db-2\"", None)]);
        let alert = |instance| [&[("instance", instance)], DOWN].concat();
        fires(&mut world, &alert("db-1"));
        world.pass(secs(10), receipt);
        let (kind, by) = (SilenceKind::Silence, actor("ana"));
        let (matchers, comment) = (vec!["instance=db-2".to_owned()], prose("new disks"));
        let until = world.now().civil + mins(30);
        let add = QuietIntent::Add { kind, matchers, comment, from: None, until, by: by.clone() };
        world.want(Intent::Quiet(add)).unwrap();
        fires(&mut world, &alert("db-2"));
        assert!(world.state().due_runs.is_empty(), "nobody hears of it");
        if by_person {
            let silence = world.state().quiet.last;
            world.want(Intent::Quiet(QuietIntent::End { silence, kind, by })).unwrap();
        } else {
            world.pass(mins(31), receipt);
        }
        assert_eq!(due(world.state()), [(1, "/qflow disk")], "by a person: {by_person}");
    }
}

#[test]
fn a_route_and_an_alert_that_want_the_same_runbook_start_it_once() {
    let of_route = Trigger {
        runbook: "/qflow health".into(),
        line: "/qflow health engine".into(),
        by: TriggeredBy::Route("qflow".into()),
        answer: None,
    };
    let mut world = with(vec![of_route, on_alert("/qflow health", "service=~\"qflow|web\"", None)]);
    fires(&mut world, DOWN);
    fires(&mut world, WEB);
    world.pass(secs(10), receipt);
    let runs: Vec<(u64, &str)> =
        world.state().due_runs.iter().map(|due| (due.group.0, due.line.as_str())).collect();
    assert_eq!(runs, [(2, "/qflow health"), (1, "/qflow health engine")], "the route says with what");
}

#[test]
fn what_does_not_start_is_said_and_an_answer_pages() {
    // An answer, diagnostics, an answer for what somebody has taken: whether people are paged.
    let someone = Budget { page: None, target: Some(PageTarget::Person("eli".into())), ..budget() };
    for (answer, taken, paged) in [
        (Some(someone.clone()), false, Some("person:eli")),
        (Some(Budget { page: Some("engineering".into()), ..budget() }), false, Some("engineering")),
        (Some(budget()), false, None),
        (Some(someone), true, None),
        (None, false, None),
    ] {
        let mut world = with(vec![on_alert("/fix", "service=\"noise\"", answer.clone())]);
        fires(&mut world, NOISE);
        world.pass(secs(30), receipt);
        if taken {
            let target = watchbell::domain::page::Target::Group(GroupId(1));
            world.want(Intent::Acknowledge { target, by: actor("ana") }).unwrap();
        }
        let events = hold_back(&mut world, 1, "/fix");
        assert!(world.state().due_runs.is_empty());
        let policies: Vec<&str> = pages(&events).iter().map(|page| page.plan.policy.as_str()).collect();
        assert_eq!(policies, Vec::from_iter(paged), "{answer:?} taken: {taken}");
        let told = events.iter().any(|event| {
            matches!(event, Event::DeliveryQueued(queued) if queued.notice == Some(Notice::HeldBack(0)))
        });
        assert!(told, "its channel is told");
        let keys: Vec<_> = events.iter().flat_map(timeline::keys).collect();
        assert!(keys.contains(&timeline::Key::Group(GroupId(1))), "its timeline says it");
        let (_, why) = &world.state().groups[&GroupId(1)].held_back[0];
        assert_eq!(*why, HeldBack::Refused("no".into()));
        assert!(hold_back(&mut world, 1, "/fix").is_empty(), "said once");
    }
}

#[test]
fn what_did_not_answer_while_its_incident_was_mitigated_pages_when_that_is_taken_back() {
    use watchbell::domain::incident::IncidentStatus::{Investigating, Mitigated};
    let becomes = |world: &mut World, status| {
        let what = IncidentIntent::Status { incident: IncidentId(1), status: Some(status), text: None };
        world.want(Intent::Incident { what, by: actor("ana") }).unwrap().events
    };
    let eli = Budget { target: Some(PageTarget::Person("eli".into())), ..budget() };
    // It fails before or meanwhile, is not started at all, or goes well; it pages whom it names, or as its group does.
    for (how, budget, expected) in [
        ("before", eli.clone(), vec!["qflow", "person:eli"]),
        ("meanwhile", eli.clone(), vec!["qflow", "person:eli"]),
        ("not", eli.clone(), vec!["qflow", "person:eli"]),
        ("well", eli, vec!["qflow"]),
        ("meanwhile", budget(), vec!["qflow"]),
    ] {
        let mut world = with(vec![on_alert("/fix", "alertname=\"Down\"", Some(budget.clone()))]);
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        let ends_as = |world: &mut World, verdict| {
            let because = RunBecause::Answer(GroupId(1), budget.clone());
            let id =
                start(world, RunPlan { because, runbook: "/fix".into(), ..answer(budget.clone()) }).unwrap();
            pass(world, id, 1);
            end(world, id, verdict);
            if verdict == Verdict::Passed {
                want(world, RunIntent::Judge { run: id, helped: true }).unwrap();
            }
        };
        if how == "before" {
            ends_as(&mut world, Verdict::Failed);
        }
        becomes(&mut world, Mitigated);
        match how {
            "meanwhile" => ends_as(&mut world, Verdict::Failed),
            "well" => ends_as(&mut world, Verdict::Passed),
            "not" => drop(hold_back(&mut world, 1, "/fix")),
            _ => {}
        }
        assert!(world.state().pages.is_empty(), "{how}: it is mitigated");
        let events = becomes(&mut world, Investigating);
        let policies: Vec<&str> = pages(&events).iter().map(|page| page.plan.policy.as_str()).collect();
        assert_eq!(policies, expected, "{how}");
    }
}

#[test]
fn what_did_not_answer_is_no_page_beside_that_of_an_incident_that_somebody_raised() {
    use watchbell::domain::incident::IncidentStatus::Mitigated;
    let eli = Budget { target: Some(PageTarget::Person("eli".into())), ..budget() };
    for budget in [budget(), eli] {
        let mut world = with(vec![on_alert("/fix", "alertname=\"Down\"", Some(budget))]);
        fires(&mut world, DOWN);
        world.pass(secs(11), receipt);
        let incident = IncidentId(1);
        let by_ana =
            |world: &mut World, what| world.want(Intent::Incident { what, by: actor("ana") }).unwrap().events;
        by_ana(&mut world, IncidentIntent::Status { incident, status: Some(Mitigated), text: None });
        hold_back(&mut world, 1, "/fix");
        let events = by_ana(&mut world, IncidentIntent::Severity { incident, severity: "P0".into() });
        let reasons: Vec<_> = pages(&events).iter().map(|page| page.reason.clone()).collect();
        assert_eq!(reasons, [PageReason::Raised]);
    }
}

#[test]
fn what_did_not_answer_a_group_of_a_flood_is_no_page_beside_that_of_the_flood() {
    let mut world = with(vec![on_alert("/fix", "alertname=\"Down\"", Some(budget()))]);
    fires(&mut world, DOWN);
    for number in 0..11 {
        let name = format!("Down{number}");
        fires(&mut world, &[("alertname", &name), ("service", "qflow"), ("severity", "critical")]);
    }
    world.pass(secs(11), receipt);
    assert_eq!((world.state().incidents.len(), world.state().pages.len()), (1, 1), "it is a flood");
    hold_back(&mut world, 1, "/fix");
    assert_eq!(world.state().pages.len(), 1, "whom it would page is paged");
}

#[test]
fn a_group_that_is_over_before_its_turn_is_told_nobody() {
    let mut world = with(vec![on_alert("/fix", "service=\"noise\"", Some(budget()))]);
    fires(&mut world, NOISE);
    world.pass(secs(30), receipt);
    ends(&mut world, NOISE);
    let events = hold_back(&mut world, 1, "/fix");
    assert!(matches!(events.as_slice(), [Event::RunHeldBack(_)]), "{events:?}");
    assert!(world.state().due_runs.is_empty());
}

#[test]
fn in_a_storm_a_runbook_starts_some_times_and_then_says_so() {
    let mut world = with(vec![on_alert("/look", "service=\"noise\"", None)]);
    let many = |number: u32| format!("Full{number}");
    for number in 0..MOST_STARTS + 5 {
        fires(&mut world, &[("alertname", &many(number)), ("service", "noise")]);
    }
    world.pass(secs(30), receipt);
    let most = usize::try_from(MOST_STARTS).unwrap();
    assert_eq!(world.state().due_runs.len(), most);
    let held = |world: &World| {
        let events = world.events().into_iter();
        events.filter(|event| matches!(event, Event::RunHeldBack(_))).count()
    };
    assert_eq!(held(&world), 5);
    let said = |world: &World| {
        let notice = |sent: &&world::Sent| matches!(sent.delivery.notice, Some(Notice::HeldBack(_)));
        world.sent.iter().filter(notice).count()
    };
    assert_eq!(said(&world), 1, "the channel hears it once, though a storm's card tells of these groups");
    // When it is calm again, the next group has its runbook again; what was held back stays so.
    world.pass(mins(10), receipt);
    fires(&mut world, &[("alertname", "Later"), ("service", "noise")]);
    world.pass(secs(30), receipt);
    assert_eq!((world.state().due_runs.len(), held(&world)), (most + 1, 5));
    assert_eq!(world.state().due_lately["/look"].starts.len(), 1, "what no longer counts is forgotten");
}

#[test]
fn only_some_runs_that_nobody_asked_for_are_busy_at_once() {
    let mut world = with(vec![on_alert("/look", "service=\"noise\"", None)]);
    for name in ["a", "b", "c"] {
        fires(&mut world, &[("alertname", name), ("service", "noise")]);
    }
    world.pass(secs(30), receipt);
    let next = |world: &World| world.state().next_due_run(2).map(|due| due.group.0);
    assert_eq!(next(&world), Some(1));
    let first = begin(&mut world, 1, "/look");
    assert_eq!(next(&world), Some(2), "in their order");
    begin(&mut world, 2, "/look");
    start(&mut world, plan("ana")).unwrap();
    assert_eq!(next(&world), None, "two are busy; what people want does not count");
    permit(&mut world, first, 2).unwrap();
    assert_eq!(next(&world), Some(3), "one waits for people and is not busy");
    approve(&mut world, first, "chi").unwrap();
    assert_eq!(next(&world), None);
    want(&mut world, RunIntent::Stop { run: first, by: actor("chi") }).unwrap();
    assert_eq!(next(&world), Some(3));
}

#[test]
fn an_answer_that_lost_a_step_in_a_crash_pages_because_nobody_may_be_there_to_ask() {
    let mut world = world();
    fires(&mut world, NOISE);
    let page = Budget { page: Some("engineering".into()), ..budget() };
    let id = start(&mut world, answer(page)).unwrap();
    permit(&mut world, id, 1).unwrap();
    world.crash();
    let events = want(&mut world, RunIntent::Resume(id)).unwrap();
    assert_eq!(pages(&events).len(), 1, "{events:?}");
    assert_eq!(run(&world, id).status, RunStatus::Waiting);
}

#[test]
fn an_answer_whose_group_closed_while_it_ran_has_helped_at_its_end() {
    let mut world = world();
    fires(&mut world, NOISE);
    let id = start(&mut world, answer(budget())).unwrap();
    permit(&mut world, id, 1).unwrap();
    ends(&mut world, NOISE);
    assert_eq!(run(&world, id).helped, None, "it still runs");
    finish(&mut world, id, 1, 1, StepOutcome::Passed);
    end(&mut world, id, Verdict::Passed);
    assert_eq!(run(&world, id).helped, Some(true), "nobody waits for what is known");
}

fn offers() -> Config {
    let offer =
        |runbook: &str| RunOffer { runbook: runbook.into(), title: runbook.to_uppercase(), asks: false };
    let offers = [("P0", vec![offer("/p0"), offer("/both")]), ("P1", vec![offer("/both"), offer("/p1")])];
    let offers = offers.map(|(severity, runbooks)| (SeverityId::from(severity), runbooks));
    Config { offers: offers.into(), ..team() }
}

fn offered(world: &World) -> Vec<&str> {
    world.state().incidents[&IncidentId(1)].offered.iter().map(|offer| offer.runbook.as_str()).collect()
}

#[test]
fn an_incident_offers_the_runbooks_of_its_severity_once_also_when_it_is_raised() {
    let open = |severity: &str| Intent::Incident {
        what: IncidentIntent::Open { severity: severity.into(), title: prose("down"), channel: None },
        by: actor("ana"),
    };
    let severity = |severity: &str| Intent::Incident {
        what: IncidentIntent::Severity { incident: IncidentId(1), severity: severity.into() },
        by: actor("ana"),
    };
    let mut world = World::with(offers());
    let (with, without) = (world.want(open("P1")).unwrap(), World::with(team()).want(open("P1")).unwrap());
    assert_eq!(offered(&world), ["/both", "/p1"]);
    assert_eq!(pages(&with.events).len(), pages(&without.events).len(), "an offer pages nobody");
    world.want(severity("P2")).unwrap();
    world.want(severity("P1")).unwrap();
    assert_eq!(offered(&world), ["/both", "/p1"], "each once");
    let events = world.want(severity("P0")).unwrap().events;
    assert_eq!(offered(&world), ["/both", "/p1", "/p0"]);
    let keys: Vec<_> = events.iter().filter(|event| matches!(event, Event::RunsOffered(_))).collect();
    assert_eq!(timeline::keys(keys[0]), [timeline::Key::Incident(IncidentId(1))]);
    world.crash();
    assert_eq!(offered(&world).len(), 3);
}

#[test]
fn an_incident_that_a_route_opens_or_a_worse_alert_raises_offers_them_too() {
    let mut world = World::with(offers());
    fires(&mut world, DOWN);
    world.pass(secs(10), receipt);
    assert_eq!(offered(&world), ["/both", "/p1"]);
    fires(&mut world, &[("alertname", "Down"), ("service", "qflow"), ("severity", "page")]);
    assert_eq!(offered(&world), ["/both", "/p1", "/p0"]);
}

#[test]
fn what_is_due_is_read_from_journals_of_before() {
    let bare: RunDue = serde_json::from_str(r#"{"group":"G-1","runbook":"/a","line":"/a"}"#).unwrap();
    assert_eq!(bare.answer, None);
    let old = r#"{"most":1,"window":"PT1H","cool_down":"PT1M","judge_within":"PT1M"}"#;
    assert_eq!(serde_json::from_str::<Budget>(old).unwrap().target, None);
}
