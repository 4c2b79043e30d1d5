//! What people read, as snapshots, and that nothing from outside can act in it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    delivery::{Channel, Delivery, Recipient},
    facts::IncidentFacts,
    id::{AlertId, DeliveryId, GroupId, IncidentId, PageId},
    offer::Offers,
    prose::Prose,
    response::ResponseFacts,
};

fn at(text: &str) -> Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

fn alert(id: u64, labels: Labels) -> AlertFacts {
    AlertFacts {
        id: AlertId(id),
        name: "DiskFull".into(),
        labels,
        annotations: [
            ("summary", "disk of db-1 is 97 % full"),
            ("description", "It grows by 2 % an hour."),
            ("runbook_url", "https://runbooks.example.com/disk"),
            ("dashboard_url", "javascript:alert(1)"),
        ]
        .into_iter()
        .collect(),
        starts_at: at("07:00:00"),
        graph: Some("http://prometheus:9090/graph?g0.expr=x".into()),
        source: Some("http://alertmanager:9093/".into()),
    }
}

fn facts() -> Facts {
    let labels: Labels =
        [("alertname", "DiskFull"), ("instance", "db-1"), ("severity", "critical")].into_iter().collect();
    Facts {
        subject: Subject::Group(GroupId(17), Some(IncidentId(7))),
        title: "DiskFull".into(),
        summary: "disk of db-1 is 97 % full".into(),
        severity: Some("P1".into()),
        urgency: Urgency::Urgent,
        standing: Standing::Open,
        incident: Some(IncidentFacts {
            id: IncidentId(7),
            title: "Database is slow".into(),
            severity: "P2".into(),
            status: IncidentStatus::Investigating,
            commander: Some("Ana Ruiz".into()),
            change: None,
            offered: Vec::new(),
            running: Vec::new(),
            response: ResponseFacts::default(),
            held: false,
        }),
        group: Some(GroupFacts {
            id: GroupId(17),
            firing: 1,
            seen: 3,
            labels: labels.filtered(|name| name == "alertname"),
            opened_at: at("07:00:10"),
            alerts: vec![alert(1, labels)],
            held_back: Vec::new(),
            quiet: None,
            snooze: None,
            resolved: None,
        }),
        storm: None,
        paging: false,
        reason: Some(PageReason::Fired),
        by: Some(Actor::Watchbell),
        run: None,
        silence: None,
    }
}

fn dispatch(kind: DeliveryKind, facts: Facts) -> Dispatch {
    Dispatch {
        offers: Offers::default(),
        delivery: Delivery {
            id: DeliveryId(5),
            kind,
            subject: facts.subject,
            page: Some(PageId(3)),
            to: Recipient::Channel("#ops".into()),
            channel: Channel::Chat,
            key: "k".into(),
            revision: 1,
            notice: None,
            said: None,
            room: None,
            attempts: 1,
            failures: 0,
            due: at("07:00:20"),
            leaving: true,
        },
        facts,
        at: at("07:00:20"),
        edits: None,
        linked: std::collections::BTreeMap::new(),
    }
}

/// A card as text, for snapshots.
fn drawn(card: &Card) -> String {
    let mut text = format!("[{:?}] {}\n", card.tone, card.title);
    for line in card.text.lines() {
        writeln!(text, "  {line}").unwrap();
    }
    for Field { name, value } in &card.fields {
        writeln!(text, "  {name}: {value}").unwrap();
    }
    for Link { text: words, url } in &card.links {
        writeln!(text, "  {words} -> {url}").unwrap();
    }
    for Button { label, command, .. } in &card.buttons {
        writeln!(text, "  ({label}) {command}").unwrap();
    }
    text
}

fn drawn_push(push: &Push) -> String {
    format!("{} [{}] {:?}\n{}\n", push.title, push.priority.as_str(), push.tags, push.body)
}

#[test]
fn cards_say_what_is_true_and_what_can_be_done() {
    let mut text = String::new();
    let taken = Standing::Acknowledged(Actor::Person("ben".into()), at("07:04:00"));
    for standing in [Standing::Open, taken, Standing::Resolved(at("08:00:00"))] {
        text += &drawn(&card(&dispatch(DeliveryKind::Card, Facts { standing, ..facts() })));
    }
    text += &drawn(&card(&dispatch(DeliveryKind::Page, facts())));
    let over = Facts { standing: Standing::Resolved(at("08:00:00")), ..facts() };
    text += &drawn(&card(&dispatch(DeliveryKind::Resolved, over)));
    insta::assert_snapshot!(text);
}

#[test]
fn runbooks_that_an_incident_offers_are_buttons_on_its_cards_and_on_no_page() {
    use crate::domain::run::RunOffer;
    let offer = |runbook: &str, asks| RunOffer { runbook: runbook.into(), title: "Emergency".into(), asks };
    let offered = vec![offer("/qflow emergency", false), offer("/qflow isolate", true)];
    let facts = |subject| {
        let incident = facts().incident.map(|known| IncidentFacts { offered: offered.clone(), ..known });
        Facts { subject, incident, ..facts() }
    };
    let offers = |kind, facts| {
        let card = card(&dispatch(kind, facts));
        card.buttons.into_iter().map(|one| one.command).filter(|one| one.starts_with("/qflow")).collect()
    };
    for subject in [Subject::Group(GroupId(17), Some(IncidentId(7))), Subject::Incident(IncidentId(7))] {
        let buttons: Vec<String> = offers(DeliveryKind::Card, facts(subject));
        assert_eq!(
            buttons,
            ["/qflow emergency --about INC-7", "/qflow isolate --about INC-7 --ask"],
            "{subject}"
        );
        let paged: Vec<String> = offers(DeliveryKind::Page, facts(subject));
        assert!(paged.is_empty(), "a page says what comes first");
    }
}

#[test]
fn a_runbook_that_was_not_started_is_said_with_its_reason() {
    use crate::domain::run::HeldBack;
    let held = vec![
        ("/a".to_owned(), HeldBack::Refused("It rests.".into())),
        (
            "/qflow\u{1b} fix".to_owned(),
            HeldBack::Storm { most: 20, window: jiff::SignedDuration::from_mins(10) },
        ),
    ];
    let group = facts().group.map(|group| GroupFacts { held_back: held, ..group });
    let mut dispatch = dispatch(DeliveryKind::Notice, Facts { group, ..facts() });
    dispatch.delivery.notice = Some(Notice::HeldBack(1));
    let said = card(&dispatch);
    assert_eq!(said.title, "/qflow fix was not started: P1: DiskFull (G-17)");
    assert_eq!(said.text, "Alerts have started it 20 times in 10m, which is enough for now.");
    // The group is over by the time it leaves.
    dispatch.facts.group = None;
    assert!(!card(&dispatch).text.is_empty());
}

#[test]
fn notices_are_a_sentence_with_a_way_out() {
    let mut text = String::new();
    for notice in [
        Notice::StepTaken(PageId(3)),
        Notice::Unanswered(PageId(3)),
        Notice::Late(Reminder::Acknowledge),
        Notice::Late(Reminder::Update),
        Notice::Status,
    ] {
        let mut dispatch = dispatch(DeliveryKind::Notice, facts());
        dispatch.delivery.notice = Some(notice);
        text += &drawn(&card(&dispatch));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn pushes_are_short_and_loud_as_needed() {
    let mut text = String::new();
    for (severity, reason, by) in [
        (Some("P0"), PageReason::Raised, Actor::Watchbell),
        (Some("P2"), PageReason::Unresolved(jiff::SignedDuration::from_hours(1)), Actor::Watchbell),
        (Some("P1"), PageReason::NotMitigated, Actor::Watchbell),
        (Some("P3"), PageReason::Opened, Actor::Person("ben".into())),
        (
            None,
            PageReason::Asked(Prose::new("please look\nat the disk", [0; 16])),
            Actor::Person("ben".into()),
        ),
    ] {
        let routine = severity == Some("P3");
        let urgency = if routine { Urgency::Routine } else { Urgency::Urgent };
        let severity = severity.map(Into::into);
        // Somebody's `/page` belongs to no incident.
        let incident = facts().incident.filter(|_| severity.is_some());
        let facts = Facts { severity, urgency, reason: Some(reason), by: Some(by), incident, ..facts() };
        text += &drawn_push(&push(&dispatch(DeliveryKind::Page, facts)));
    }
    text += &drawn_push(&push(&dispatch(DeliveryKind::Resolved, facts())));
    insta::assert_snapshot!(text);
}

#[test]
fn the_headline_says_the_worse_of_group_and_incident() {
    for (group, incident, expected) in [
        (Some("P1"), Some("P0"), "P0: "),
        (Some("P1"), Some("P2"), "P1: "),
        (None, Some("P2"), "P2: "),
        (None, None, ""),
    ] {
        let mut facts = Facts { severity: group.map(Into::into), ..facts() };
        facts.incident =
            facts.incident.zip(incident).map(|(known, to)| IncidentFacts { severity: to.into(), ..known });
        assert_eq!(headline(&facts), format!("{expected}DiskFull (G-17)"));
    }
}

#[test]
fn many_alerts_and_many_labels_are_counted() {
    let labels: Labels = (0..10_000).map(|n| (format!("label_{n:05}"), "v".repeat(500))).collect();
    let mut facts = facts();
    let group = facts.group.as_mut().unwrap();
    group.alerts = vec![alert(1, labels.clone())];
    let shown = card(&dispatch(DeliveryKind::Card, facts.clone()));
    assert_eq!(shown.fields.len(), 4 + MOST_LABELS + 1);
    assert_eq!(shown.fields.last().unwrap().value, "and 9988 more");
    assert!(shown.fields.iter().all(|field| field.value.chars().count() <= VALUE + 60));
    let group = facts.group.as_mut().unwrap();
    group.firing = 25;
    group.alerts = (1..=10).map(|id| alert(id, labels.clone())).collect();
    let shown = card(&dispatch(DeliveryKind::Card, facts));
    assert!(shown.text.ends_with("A-10 DiskFull: disk of db-1 is 97 % full\nand 15 more"), "{}", shown.text);
}

#[test]
fn a_thing_without_words_is_called_by_its_number() {
    let nothing =
        Facts { title: "\u{0}".into(), summary: " \n".into(), severity: None, incident: None, ..facts() };
    assert_eq!(summary(&nothing), "G-17");
    assert_eq!(card(&dispatch(DeliveryKind::Card, nothing)).title, "G-17");
}

proptest! {
    #[test]
    fn whatever_is_sent_the_lines_stay_lines(
        title in ".*", summary in ".*", by in ".*", name in ".*", value in ".*", url in ".*",
    ) {
        let mut facts = Facts { title, summary, by: Some(Actor::Person(by.into())), ..facts() };
        let mut hostile = alert(1, [(name.clone(), value.clone())].into_iter().collect());
        hostile.annotations = [("summary", &value), ("description", &value), ("runbook_url", &url)].into_iter().collect();
        hostile.graph = Some(url);
        hostile.name = name;
        facts.group.as_mut().unwrap().alerts = vec![hostile];
        for kind in DeliveryKind::ALL {
            let dispatch = dispatch(kind, facts.clone());
            let (card, push) = (card(&dispatch), push(&dispatch));
            let lines = [&card.title, &push.title].into_iter().chain(card.fields.iter().flat_map(|f| [&f.name, &f.value]));
            for line in lines.chain(card.links.iter().map(|link| &link.url)) {
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
            prop_assert!(!card.text.replace('\n', "").chars().any(char::is_control));
            prop_assert!(card.links.iter().all(|link| link.url.starts_with("http")));
            prop_assert!(!push.body.is_empty() && push.body.len() < 4000 && !card.title.is_empty());
        }
    }
}
