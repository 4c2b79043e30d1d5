//! The configuration of the world: a small team, two schedules, policies with repeats, routes of every kind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, civil, tz::TimeZone};
use watchbell::domain::{
    config::{Config, Integration, IntegrationKind, Policy, Route, Severity, Unrouted},
    delivery::Channel,
    id::{PersonId, PolicyId, SeverityId},
    matcher::Matcher,
    page::{PageTarget, StepPlan},
    person::{NotificationRule, Person, Role, Team, Urgency},
    room::RoomRule,
    schedule::{Handoff, Layer, Schedule},
};

pub fn config() -> Config {
    let people = ["ana", "ben", "chi", "dana", "eli"].map(person);
    let schedules = [("primary", ["ana", "ben"]), ("secondary", ["chi", "dana"])].map(schedule);
    Config {
        digest: "of the world".into(),
        people: people.into_iter().map(|one| (one.id.clone(), one)).collect(),
        teams: [Team { id: "management".into(), channel: None, members: vec!["eli".into(), "dana".into()] }]
            .into_iter()
            .map(|team| (team.id.clone(), team))
            .collect(),
        schedules: schedules.into_iter().map(|one| (one.id.clone(), one)).collect(),
        policies: policies(),
        severities: severities(),
        integrations: BTreeMap::from([(
            "prometheus".into(),
            Integration { id: "prometheus".into(), kind: IntegrationKind::Alertmanager, service: None },
        )]),
        routes: routes(),
        unrouted: Unrouted { channels: vec!["#alerts".into()], page: None },
        maintenance: Vec::new(),
        automatic: BTreeSet::new(),
        triggers: Vec::new(),
        offers: BTreeMap::new(),
        platforms: BTreeMap::new(),
        strangers: BTreeMap::new(),
    }
}

/// The same team on Slack, where incidents get rooms, and on Discord, where they do not; eli is on neither.
pub fn on_platforms() -> Config {
    let mut config = config();
    let rule = RoomRule { private: false, close_after: SignedDuration::from_hours(24) };
    config.platforms = [(Channel::Slack, Some(rule)), (Channel::Discord, None)].into();
    for person in config.people.values_mut().filter(|person| person.id.as_str() != "eli") {
        person.contacts.push(("slack".into(), Channel::Slack));
    }
    config
}

fn person(id: &str) -> Person {
    let rule = |after: i64, contacts: &[&str]| NotificationRule {
        after: SignedDuration::from_secs(after),
        contacts: contacts.iter().map(|&contact| contact.into()).collect(),
    };
    Person {
        id: id.into(),
        name: id.to_uppercase(),
        zone: TimeZone::UTC,
        role: Role::Responder,
        contacts: vec![
            ("chat".into(), Channel::Chat),
            ("push".into(), Channel::Ntfy),
            ("hook".into(), Channel::Hook),
        ],
        urgent: vec![rule(0, &["push"]), rule(120, &["hook"]), rule(300, &["chat"])],
        routine: vec![rule(0, &["chat"])],
    }
}

fn schedule((id, people): (&str, [&str; 2])) -> Schedule {
    Schedule {
        id: id.into(),
        team: None,
        zone: TimeZone::UTC,
        layers: vec![Layer {
            people: people.map(PersonId::from).to_vec(),
            start: civil::date(2026, 1, 5),
            handoff: Handoff::Weekly(civil::Weekday::Monday, civil::time(9, 0, 0, 0)),
            only: Vec::new(),
        }],
    }
}

fn policies() -> BTreeMap<PolicyId, Policy> {
    let step = |targets: Vec<PageTarget>, minutes: i64| StepPlan {
        page: targets,
        wait: SignedDuration::from_mins(minutes),
    };
    let qflow = vec![
        step(vec![PageTarget::Schedule("primary".into())], 5),
        step(vec![PageTarget::Schedule("secondary".into()), PageTarget::Channel("#engineering".into())], 10),
        step(vec![PageTarget::Team("management".into())], 15),
    ];
    let engineering = vec![step(vec![PageTarget::Person("chi".into())], 5)];
    [("qflow", 2, qflow), ("engineering", 1, engineering)]
        .map(|(id, rounds, steps)| (PolicyId::from(id), Policy { id: id.into(), rounds, steps }))
        .into()
}

fn severities() -> BTreeMap<SeverityId, Severity> {
    let severity =
        |id: &str, label: &str, urgency, page: Option<&str>, within: i64, unresolved: Option<i64>| {
            let unresolved = unresolved
                .map(|minutes| (SignedDuration::from_mins(minutes), PolicyId::from("engineering")))
                .into_iter()
                .collect();
            Severity {
                id: id.into(),
                name: id.into(),
                means: String::new(),
                labels: vec![Matcher::parse(&format!("severity=\"{label}\"")).unwrap()],
                urgency,
                page: page.map(PolicyId::from),
                acknowledge_within: Some(SignedDuration::from_mins(within)),
                update_every: (within <= 60).then(|| SignedDuration::from_mins(within)),
                unresolved,
            }
        };
    [
        severity("P0", "page", Urgency::Urgent, Some("qflow"), 15, Some(30)),
        severity("P1", "critical", Urgency::Urgent, Some("qflow"), 60, Some(60)),
        severity("P2", "warning", Urgency::Routine, None, 240, None),
        severity("P3", "info", Urgency::Routine, None, 1440, None),
    ]
    .map(|one| (one.id.clone(), one))
    .into()
}

fn routes() -> Vec<Route> {
    let route = |name: &str, matcher: &str, page: Option<&str>, wait: i64, incident: bool| Route {
        id: name.into(),
        matchers: vec![Matcher::parse(matcher).unwrap()],
        group_by: vec!["alertname".into()],
        group_wait: SignedDuration::from_secs(wait),
        group_interval: None,
        repeat_interval: None,
        channels: vec![format!("#{name}").into()],
        page: page.map(PolicyId::from),
        severity: None,
        incident,
        goes_on: false,
    };
    vec![
        Route { goes_on: true, group_by: Vec::new(), ..route("audit", "audit=\"yes\"", None, 60, false) },
        route("qflow", "service=\"qflow\"", Some("qflow"), 10, true),
        route("web", "service=\"web\"", Some("qflow"), 0, false),
        Route { severity: Some("P3".into()), ..route("noise", "service=\"noise\"", None, 30, false) },
    ]
}
