//! Cases for GitHub's webhook: what a real one sends, what a broken one sends, and anything at all.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{config::IntegrationKind, deployment::Told},
    intake,
};

/// As GitHub sends it, without most of what is not read.
const STATUS: &str = r#"{"action":"created","deployment_status":{
"url":"https://api.github.com/repos/octo/qflow/deployments/145988746/statuses/209916254","id":209916254,
"node_id":"MDE2OkRlcGxveW1lbnRTdGF0dXMyMDk5MTYyNTQ=","state":"success",
"creator":{"login":"github-actions[bot]","id":41898282,"type":"Bot"},"description":"",
"environment":"production","target_url":"https://github.com/octo/qflow/actions/runs/7/job/9",
"created_at":"2026-11-23T08:48:00Z","updated_at":"2026-11-23T08:48:01Z",
"deployment_url":"https://api.github.com/repos/octo/qflow/deployments/145988746",
"repository_url":"https://api.github.com/repos/octo/qflow","environment_url":"","log_url":""},
"deployment":{"url":"https://api.github.com/repos/octo/qflow/deployments/145988746","id":145988746,
"node_id":"MDEwOkRlcGxveW1lbnQxNDU5ODg3NDY=","sha":"f95f852bd8fca8fcc58a9a2d6c842781e32a215e",
"ref":"refs/tags/v1.4.2","task":"deploy","payload":{},"original_environment":"production",
"environment":"production","description":"Faster flows",
"creator":{"login":"ada","id":21031067,"type":"User","site_admin":false},
"created_at":"2026-11-23T08:40:00Z","updated_at":"2026-11-23T08:48:00Z",
"transient_environment":false,"production_environment":true,"performed_via_github_app":null},
"check_run":null,"workflow":null,"workflow_run":null,
"repository":{"id":186853002,"name":"qflow","full_name":"octo/qflow","private":false,
"owner":{"login":"octo"},"html_url":"https://github.com/octo/qflow","created_at":"2019-05-15T15:19:25Z"},
"sender":{"login":"octocat","id":1,"type":"User"}}"#;

fn received() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn github() -> Integration {
    Integration { id: "github".into(), kind: IntegrationKind::GitHub, service: None }
}

fn message(event: Option<&str>, body: &[u8]) -> Result<Message, Problem> {
    let header = |name: &str| match name {
        "x-github-event" => event,
        "x-github-delivery" => Some("72d3162e-cc78-11e3-81ab-4c9367dc0958"),
        _ => None,
    };
    intake::read(&github(), Sent { header: &header, body, received: received() })
}

fn told(event: &str, body: &Value) -> Result<Told, Problem> {
    match message(Some(event), body.to_string().as_bytes())? {
        Message::Deployment(told) => Ok(*told),
        other => panic!("no deployment: {other:?}"),
    }
}

fn real() -> Value {
    serde_json::from_str(STATUS).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_real_status_is_read_in_full() {
    let expected = Told {
        integration: "github".into(),
        message: Some("72d3162e-cc78-11e3-81ab-4c9367dc0958".into()),
        source: "octo/qflow#145988746".into(),
        service: "qflow".into(),
        environment: "production".into(),
        version: "v1.4.2".into(),
        commit: Some("f95f852bd8fca8fcc58a9a2d6c842781e32a215e".into()),
        status: DeploymentStatus::Succeeded,
        by: Some("ada".into()),
        title: Some("Faster flows".into()),
        url: Some("https://github.com/octo/qflow/actions/runs/7/job/9".into()),
        at: at("2026-11-23T08:48:00Z"),
    };
    assert_eq!(told("deployment_status", &real()), Ok(expected.clone()));
    // As the webhook's older content type wraps it.
    let form: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", STATUS).finish();
    let wrapped = message(Some("deployment_status"), form.as_bytes());
    assert_eq!(wrapped, Ok(Message::Deployment(Box::new(expected))));
}

#[test]
fn a_deployment_begins_when_it_is_made() {
    let mut body = real();
    body.as_object_mut().unwrap().remove("deployment_status");
    body["deployment"]["ref"] = json!("main");
    body["deployment"]["creator"] = Value::Null;
    body["deployment"]["description"] = Value::Null;
    let told = told("deployment", &body).unwrap();
    assert_eq!((told.status, told.at), (DeploymentStatus::Started, at("2026-11-23T08:40:00Z")));
    assert_eq!((told.version.as_str(), told.by.as_deref(), told.title), ("main", Some("octocat"), None));
    assert_eq!(told.url.as_deref(), Some("https://github.com/octo/qflow"));
}

#[test]
fn every_state_is_known_and_one_of_tomorrow_is_passed_over() {
    for (state, expected) in [
        ("queued", Some(DeploymentStatus::Waiting)),
        ("pending", Some(DeploymentStatus::Waiting)),
        ("waiting", Some(DeploymentStatus::Waiting)),
        ("in_progress", Some(DeploymentStatus::Started)),
        ("success", Some(DeploymentStatus::Succeeded)),
        ("failure", Some(DeploymentStatus::Failed)),
        ("error", Some(DeploymentStatus::Failed)),
        ("inactive", Some(DeploymentStatus::Replaced)),
        ("levitating", None),
    ] {
        let mut body = real();
        body["deployment_status"]["state"] = json!(state);
        let read = message(Some("deployment_status"), body.to_string().as_bytes()).unwrap();
        match (read, expected) {
            (Message::Deployment(told), Some(expected)) => assert_eq!(told.status, expected, "{state}"),
            (Message::Passed, None) => {}
            (other, _) => panic!("{state}: {other:?}"),
        }
    }
}

#[test]
fn what_nobody_asked_for_is_passed_over_whatever_it_says() {
    for event in ["ping", "push", "deployment_review", "DEPLOYMENT"] {
        for body in ["{\"zen\":\"Design for failure.\"}", "", "not JSON"] {
            assert_eq!(message(Some(event), body.as_bytes()), Ok(Message::Passed), "{event} {body}");
        }
    }
}

#[test]
fn what_is_kept_is_short_and_what_leads_elsewhere_is_no_link() {
    let mut body = real();
    body["deployment"]["description"] = json!("d".repeat(5_000));
    body["deployment"]["ref"] = json!("v".repeat(5_000));
    body["deployment"]["environment"] = json!("e".repeat(5_000));
    body["deployment_status"]["environment"] = json!("  ");
    body["deployment"]["creator"]["login"] = json!("l".repeat(5_000));
    body["deployment_status"]["target_url"] = json!("javascript:alert(1)");
    body["repository"]["html_url"] = json!(format!("https://x/{}", "u".repeat(5_000)));
    body["repository"]["full_name"] = json!(format!("octo/{}", "q".repeat(5_000)));
    body["deployment_status"]["created_at"] = json!("2999-01-01T00:00:00Z");
    let told = told("deployment_status", &body).unwrap();
    let lengths = [&told.version, &told.environment, &told.service, told.by.as_ref().unwrap()];
    assert_eq!(lengths.map(|text| text.chars().count()), [200, 100, 100, 100]);
    assert_eq!((told.title.unwrap().chars().count(), told.source.len(), told.url), (300, 32, None));
    // A clock that runs ahead.
    assert_eq!(told.at, received());
}

#[test]
fn a_service_of_the_configuration_goes_before_the_repository() {
    let integration = Integration { service: Some("flows".into()), ..github() };
    let header = |name: &str| (name == "x-github-event").then_some("deployment");
    let sent = Sent { header: &header, body: STATUS.as_bytes(), received: received() };
    let Ok(Message::Deployment(told)) = intake::read(&integration, sent) else { panic!("no deployment") };
    assert_eq!((told.service.as_str(), told.message), ("flows", None));
}

#[test]
fn a_wrong_message_is_explained_by_its_field() {
    let change = |path: &[&str], value: Option<Value>| {
        let mut body = real();
        let (last, before) = path.split_last().unwrap();
        let place = before.iter().fold(&mut body, |at, key| &mut at[*key]).as_object_mut().unwrap();
        match value {
            Some(value) => drop(place.insert((*last).to_owned(), value)),
            None => drop(place.remove(*last)),
        }
        body.to_string()
    };
    for (body, field) in [
        (String::new(), None),
        ("down!".to_owned(), None),
        ("[]".to_owned(), None),
        ("payload=%7B".to_owned(), None),
        ("{}".to_owned(), Some("deployment")),
        (change(&["deployment"], None), Some("deployment")),
        (change(&["deployment"], Some(json!([1]))), Some("deployment")),
        (change(&["deployment", "id"], None), Some("deployment.id")),
        (change(&["deployment", "id"], Some(json!("7"))), Some("deployment.id")),
        (change(&["deployment", "id"], Some(json!(-7))), Some("deployment.id")),
        (change(&["deployment", "ref"], None), Some("deployment.ref")),
        (change(&["deployment", "ref"], Some(json!("  "))), Some("deployment.ref")),
        (change(&["deployment", "environment"], Some(Value::Null)), Some("deployment.environment")),
        (change(&["deployment", "creator"], Some(json!("ada"))), Some("deployment.creator")),
        (change(&["deployment", "creator", "login"], Some(json!(1))), Some("deployment.creator.login")),
        (change(&["deployment_status"], None), Some("deployment_status")),
        (change(&["deployment_status", "state"], None), Some("deployment_status.state")),
        (change(&["deployment_status", "state"], Some(json!(7))), Some("deployment_status.state")),
        (
            change(&["deployment_status", "created_at"], Some(json!("today"))),
            Some("deployment_status.created_at"),
        ),
        (change(&["repository"], None), Some("repository")),
        (change(&["repository", "full_name"], None), Some("repository.full_name")),
        (change(&["repository", "full_name"], Some(json!("/"))), Some("repository.full_name")),
        (STATUS.replace("\"id\":145988746,", "\"id\":1,\"id\":2,"), Some("deployment.id")),
        (format!("{STATUS} x"), None),
    ] {
        let problem = message(Some("deployment_status"), body.as_bytes()).unwrap_err();
        assert_eq!(problem.field.as_deref(), field, "{problem} of {}", body.get(..80).unwrap_or(&body));
        assert!(!problem.what.is_empty() && !problem.remedy.is_empty(), "{problem:?}");
    }
    let nothing = message(None, STATUS.as_bytes()).unwrap_err();
    assert_eq!(nothing.field.as_deref(), Some("X-GitHub-Event"));
}

/// Any JSON, not deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop_oneof![
            Just("deployment".to_owned()),
            Just("deployment_status".to_owned()),
            Just("repository".to_owned()),
            Just("state".to_owned()),
            "[a-z_]{0,12}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..4)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_read_or_explained(body in proptest::collection::vec(any::<u8>(), 0..200), json in any_json()) {
        for event in ["deployment", "deployment_status"] {
            let _ = message(Some(event), &body);
            if let Err(problem) = message(Some(event), json.to_string().as_bytes()) {
                prop_assert!(!problem.to_string().chars().any(char::is_control));
                prop_assert!(problem.to_string().chars().count() < 600);
            }
        }
    }

    #[test]
    fn a_real_message_with_anything_in_one_place_is_read_or_explained(
        place in proptest::sample::select(vec![
            "/deployment", "/deployment/id", "/deployment/ref", "/deployment/environment", "/deployment/sha",
            "/deployment/creator", "/deployment_status", "/deployment_status/state",
            "/deployment_status/created_at", "/deployment_status/log_url", "/repository",
            "/repository/full_name", "/sender",
        ]),
        new in any_json(),
    ) {
        let mut body = real();
        *body.pointer_mut(place).unwrap() = new;
        match message(Some("deployment_status"), body.to_string().as_bytes()) {
            Ok(Message::Deployment(told)) => {
                prop_assert!(!told.service.is_empty() && !told.environment.is_empty() && !told.version.is_empty());
                prop_assert!(told.at <= received() && told.source.len() <= 300);
            }
            Ok(other) => prop_assert_eq!(other, Message::Passed),
            Err(problem) => {
                let field = problem.field.unwrap_or_default().replace('.', "/");
                prop_assert!(format!("/{field}").starts_with(place) || place.starts_with(&format!("/{field}")), "{}", field);
            }
        }
    }
}
