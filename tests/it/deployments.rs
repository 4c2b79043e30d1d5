//! Deployments and incidents: what came before one, what happened during it, and that a deployment that was answered
//! with 202 is there after a `kill -9`, once. Never the real GitHub.

use hmac::{Hmac, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use watchbell::domain::{
    alert::AlertStatus::{Firing, Resolved},
    deployment::{DeploymentStatus, SUSPECT, Told},
    event::Event,
    id::IncidentId,
    intent::Intent,
    timeline::{Key, keys},
};

use crate::{
    peer::{
        http::{self, Answer},
        load,
        watchbell::Watchbell,
    },
    world::{World, receipt, report, signal},
};

const SECRET: &str = "a-secret-of-the-webhook";

fn told(number: u64, service: &str, environment: &str, status: DeploymentStatus, at: Timestamp) -> Told {
    Told {
        integration: "github".into(),
        message: None,
        source: format!("octo/{service}#{number}"),
        service: service.into(),
        environment: environment.into(),
        version: format!("v{number}"),
        commit: None,
        status,
        by: Some("ada".into()),
        title: None,
        url: None,
        at,
    }
}

fn deploy(world: &mut World, number: u64, service: &str, status: DeploymentStatus) -> Vec<Event> {
    let told = told(number, service, "production", status, world.now().civil);
    world.want(Intent::Deployed(Box::new(told))).unwrap().events
}

fn pass(world: &mut World, minutes: i64) {
    world.pass(SignedDuration::from_mins(minutes), receipt);
}

/// Qflow is down: its route opens an incident.
fn goes_down(world: &mut World) -> IncidentId {
    let labels = [("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Firing, &labels, starts_at)]))).unwrap();
    pass(world, 1);
    *world.state().incidents.keys().next_back().expect("an incident")
}

use DeploymentStatus::{Started, Succeeded};

#[test]
fn what_came_before_an_incident_is_told_the_nearest_first() {
    let mut world = World::new();
    deploy(&mut world, 1, "qflow", Succeeded);
    pass(&mut world, 150);
    deploy(&mut world, 2, "qflow", Succeeded);
    pass(&mut world, 30);
    deploy(&mut world, 3, "web", Succeeded);
    pass(&mut world, 10);
    deploy(&mut world, 4, "mail", Started);
    pass(&mut world, 2);
    let id = goes_down(&mut world);
    deploy(&mut world, 5, "mail", Succeeded);
    let incident = &world.state().incidents[&id];
    let before = |within| {
        let changes = world.state().changes_before(incident, within);
        let line = |change: &watchbell::domain::deployment::Change| {
            let said = &change.deployment.said;
            format!("{} {}m {}", said.version, change.before.as_mins(), change.fits)
        };
        changes.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(before(SUSPECT), ["v4 2m false", "v3 12m false", "v2 42m true"]);
    assert_eq!(before(SignedDuration::from_mins(15)), ["v4 2m false", "v3 12m false"]);
    assert_eq!(before(SignedDuration::from_hours(24)).len(), 4);
    // On the card stands the one of the same service, not the nearest of any; what its alerts said is known after they have ended, too.
    let last = |world: &World| {
        let change = world.state().last_change(&world.state().incidents[&id]).expect("one");
        change.deployment.said.version.clone()
    };
    assert_eq!(last(&world), "v2");
    let labels = [("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
    let starts_at = world.now().civil;
    world.want(Intent::Report(report(vec![signal(Resolved, &labels, starts_at)]))).unwrap();
    pass(&mut world, 1);
    assert!(world.state().groups.is_empty());
    assert_eq!(last(&world), "v2");
}

#[test]
fn a_deployment_during_an_open_incident_of_the_same_service_stands_on_its_timeline() {
    let mut world = World::new();
    deploy(&mut world, 1, "qflow", Started);
    let id = goes_down(&mut world);
    let filed = |events: &[Event]| events.iter().flat_map(keys).collect::<Vec<_>>();
    assert_eq!(filed(&deploy(&mut world, 1, "qflow", Succeeded)), [Key::Incident(id)]);
    assert_eq!(filed(&deploy(&mut world, 2, "Qflow", Started)), [Key::Incident(id)]);
    assert_eq!(filed(&deploy(&mut world, 3, "web", Started)), []);
    let by = watchbell::domain::event::Actor::Person("ana".into());
    let what = watchbell::domain::intent::IncidentIntent::Resolve { incident: id, text: None };
    world.want(Intent::Incident { what, by }).unwrap();
    pass(&mut world, 1);
    assert_eq!(filed(&deploy(&mut world, 2, "qflow", Succeeded)), []);
}

#[test]
fn a_crash_loses_no_deployment_and_repeats_none() {
    let mut world = World::new();
    deploy(&mut world, 1, "qflow", Started);
    pass(&mut world, 1);
    deploy(&mut world, 1, "qflow", Succeeded);
    let before = world.state().deployments.clone();
    world.crash();
    assert_eq!(world.state().deployments, before);
    let late = told(1, "qflow", "production", Started, world.now().civil - SignedDuration::from_mins(1));
    assert_eq!(world.want(Intent::Deployed(Box::new(late))).unwrap().events, []);
    assert_eq!(deploy(&mut world, 1, "qflow", Succeeded), []);
    assert_eq!(deploy(&mut world, 2, "qflow", Started).len(), 1);
    assert_eq!(world.state().deployments.last.to_string(), "DEP-2");
}

const CONFIG: &str = r##"
[severity.P1]
name = "High"
labels = ['severity="critical"']

[integration.github]
kind = "github"
secret = "a-secret-of-the-webhook"

[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
channel = "#ops"
incident = true
"##;

fn status(number: u64, service: &str, state: &str, at: Timestamp) -> String {
    json!({
        "action": "created",
        "deployment_status": {"state": state, "created_at": at.to_string()},
        "deployment": {"id": number, "ref": format!("refs/tags/v{number}"), "environment": "production",
            "creator": {"login": "ada"}, "description": "Faster flows"},
        "repository": {"full_name": format!("octo/{service}"), "html_url": "https://github.com/octo"},
        "sender": {"login": "octocat"},
    })
    .to_string()
}

fn send(port: u16, delivery: &str, body: &str) -> Answer {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let headers = [
        ("Content-Type", "application/json"),
        ("X-GitHub-Event", "deployment_status"),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", &signature),
    ];
    http::ask(port, "POST", "/hooks/github", &headers, body).expect("an answer")
}

/// How often the journal says that something was deployed.
fn written(watchbell: &Watchbell) -> usize {
    let exported = watchbell.other(&["journal", "export"]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    String::from_utf8_lossy(&exported.stdout).lines().filter(|line| line.contains("{\"deployed\":")).count()
}

fn said(watchbell: &Watchbell, command: &str) -> String {
    let answer: Value = watchbell.command("", command);
    answer["text"].as_str().unwrap_or_else(|| panic!("{command}: {answer}")).to_owned()
}

#[test]
fn the_real_process_keeps_deployments_over_a_kill_and_shows_them_beside_the_incident() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!("{}\n{}", load::INTEGRATION, CONFIG);
    let mut watchbell = Watchbell::here(folder.path(), &config);
    #[expect(clippy::disallowed_methods, reason = "the real process has the real clock")]
    let start = Timestamp::now();
    let at = |seconds: i64| start + SignedDuration::from_secs(seconds);
    let messages = [
        ("a", status(1, "load", "in_progress", at(-1_320))),
        ("b", status(1, "load", "success", at(-720))),
        ("c", status(2, "web", "failure", at(-60))),
    ];
    for (delivery, body) in &messages {
        assert_eq!(send(watchbell.port, delivery, body).status, 202);
    }
    watchbell.process.kill();
    watchbell.start_again();
    // GitHub was not sure that all of it arrived.
    for (delivery, body) in &messages {
        assert_eq!(send(watchbell.port, delivery, body).status, 202);
    }
    assert_eq!(written(&watchbell), 3);
    let list = said(&watchbell, "/deployment list");
    assert!(list.starts_with("2 deployments"), "{list}");
    let lines: Vec<&str> = list.lines().filter(|line| line.starts_with("DEP-")).collect();
    assert!(lines[0].contains("web") && lines[0].contains("failed"), "{list}");
    assert!(lines[1].contains("load") && lines[1].contains("v1") && lines[1].contains("ada"), "{list}");
    assert_eq!(
        said(&watchbell, "/deployment list --service mail").lines().next(),
        Some("No deployment fits.")
    );

    let sent = load::send(watchbell.port, &load::webhook(1)).expect("an answer");
    assert_eq!(sent.status, 202, "{}", sent.body);
    let seen = crate::peer::process::until(crate::peer::SOON, || {
        Some(said(&watchbell, "/incident list")).filter(|text| text.contains("INC-1"))
    });
    assert!(seen.is_some(), "no incident:\n{}", watchbell.process.tail());
    let show = said(&watchbell, "/incident show INC-1");
    assert!(show.contains("Last deployment") && show.contains("load v1 to production, 12m"), "{show}");
    let before = said(&watchbell, "/deployment before INC-1");
    assert!(before.contains("2 deployments within 2h before INC-1"), "{before}");
    assert!(before.lines().any(|line| line.starts_with("DEP-1") && line.ends_with("service")), "{before}");
    assert_eq!(send(watchbell.port, "d", &status(3, "load", "in_progress", at(0))).status, 202);
    let timeline = said(&watchbell, "/incident timeline INC-1");
    assert!(timeline.contains("Deployment of load v3 to production started (DEP-3, by ada)"), "{timeline}");
    let postmortem = said(&watchbell, "/incident postmortem INC-1");
    assert!(postmortem.contains("## Deployments before"), "{postmortem}");
    assert!(
        postmortem.contains("load v1 to production, succeeded, by ada (DEP-1); the same service"),
        "{postmortem}"
    );
    assert!(said(&watchbell, "/deployment show DEP-1").contains("Faster flows"));
    assert!(said(&watchbell, "/deployment show DEP-9").starts_with("There is no deployment DEP-9"));
}
