//! Cases for GitLab's webhook: what a real one sends, what a broken one sends, and anything at all.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{config::IntegrationKind, deployment::Told},
    intake,
};

/// In the shape of GitLab's merge requests 60518 and 120151.
const REAL: &str = r#"{"object_kind":"deployment","status":"success",
"status_changed_at":"2026-11-23 09:48:00 +0100","deployment_id":15,"deployable_id":796,
"deployable_url":"https://gitlab.example.com/octo/flows/qflow/-/jobs/796","environment":"staging",
"environment_tier":"staging","environment_slug":"staging",
"environment_external_url":"https://staging.example.com","project":{"id":30,"name":"Qflow",
"description":"","web_url":"https://gitlab.example.com/octo/flows/qflow","avatar_url":null,
"git_ssh_url":"ssh://git@gitlab.example.com/octo/flows/qflow.git","namespace":"flows","visibility_level":0,
"path_with_namespace":"octo/flows/qflow","default_branch":"main","ci_config_path":""},"ref":"1.0.0",
"short_sha":"279484c0","user":{"id":1,"name":"Ada Byron","username":"ada","avatar_url":"https://a.example.com/1",
"email":"ada@example.com"},"user_url":"https://gitlab.example.com/ada",
"commit_url":"https://gitlab.example.com/octo/flows/qflow/-/commit/279484c09fbe69ededfced8c1bb6e6d24616b468",
"commit_title":"Add new file"}"#;

fn received() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn message(headers: &[(&str, &str)], body: &[u8]) -> Result<Message, Problem> {
    let integration = Integration { id: "gitlab".into(), kind: IntegrationKind::GitLab, service: None };
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    intake::read(&integration, Sent { header: &header, body, received: received() })
}

fn told(headers: &[(&str, &str)], body: &str) -> Told {
    match message(headers, body.as_bytes()) {
        Ok(Message::Deployment(told)) => *told,
        other => panic!("no deployment: {other:?}"),
    }
}

const EVENT: (&str, &str) = ("x-gitlab-event", "Deployment Hook");
const UUID: (&str, &str) = ("x-gitlab-event-uuid", "13792a34-cac6-4fda-95a8-c58e00a3954e");

#[test]
fn a_real_event_is_read_in_full_and_no_mail_address_with_it() {
    let read = told(&[EVENT, ("idempotency-key", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f")], REAL);
    let expected = Told {
        integration: "gitlab".into(),
        message: Some("f5e5f430-f57b-4e6e-9fac-d9128cd7232f".into()),
        source: "octo/flows/qflow#15".into(),
        service: "qflow".into(),
        environment: "staging".into(),
        version: "1.0.0".into(),
        commit: Some("279484c09fbe69ededfced8c1bb6e6d24616b468".into()),
        status: DeploymentStatus::Succeeded,
        by: Some("ada".into()),
        title: Some("Add new file".into()),
        url: Some("https://gitlab.example.com/octo/flows/qflow/-/jobs/796".into()),
        at: "2026-11-23T08:48:00Z".parse().unwrap(),
    };
    assert!(!format!("{read:?}").contains('@'), "{read:?}");
    assert_eq!(read, expected);
}

#[test]
fn messages_that_share_a_uuid_are_told_apart_and_one_told_again_is_not() {
    let ids = [
        told(&[EVENT, UUID], REAL).message,
        told(&[EVENT, UUID], &REAL.replace("success", "failed")).message,
        told(&[EVENT, UUID], REAL).message,
        told(&[EVENT], REAL).message,
        told(&[EVENT, UUID, ("webhook-id", "msg_1"), ("idempotency-key", "other")], REAL).message,
    ];
    assert_eq!(ids[0], ids[2]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!((ids[3].as_deref(), ids[4].as_deref()), (None, Some("msg_1")));
}

#[test]
fn every_status_is_known_and_what_is_none_is_passed_over() {
    for (status, expected) in [
        ("created", Some(DeploymentStatus::Waiting)),
        ("blocked", Some(DeploymentStatus::Waiting)),
        ("running", Some(DeploymentStatus::Started)),
        ("success", Some(DeploymentStatus::Succeeded)),
        ("failed", Some(DeploymentStatus::Failed)),
        ("canceled", Some(DeploymentStatus::Cancelled)),
        ("skipped", Some(DeploymentStatus::Cancelled)),
        ("approved", None),
    ] {
        let body = REAL.replace("\"success\"", &format!("\"{status}\""));
        let read = message(&[EVENT], body.as_bytes()).unwrap();
        match (read, expected) {
            (Message::Deployment(told), Some(expected)) => assert_eq!(told.status, expected, "{status}"),
            (Message::Passed, None) => {}
            (other, _) => panic!("{status}: {other:?}"),
        }
    }
    for (event, body) in [("Push Hook", "not JSON"), ("System Hook", REAL), ("deployment hook", REAL)] {
        assert_eq!(message(&[("x-gitlab-event", event)], body.as_bytes()), Ok(Message::Passed), "{event}");
    }
    let other = REAL.replace("\"object_kind\":\"deployment\"", "\"object_kind\":\"pipeline\"");
    assert_eq!(message(&[EVENT], other.as_bytes()), Ok(Message::Passed));
}

#[test]
fn instants_are_read_as_gitlab_writes_them() {
    for (sent, expected) in [
        ("2021-04-28 21:50:00 +0200", "2021-04-28T19:50:00Z"),
        ("2021-04-28 21:50:00 UTC", "2021-04-28T21:50:00Z"),
        ("2021-04-28T21:50:00.123Z", "2021-04-28T21:50:00.123Z"),
    ] {
        let read = told(&[EVENT], &REAL.replace("2026-11-23 09:48:00 +0100", sent));
        assert_eq!(read.at, expected.parse().unwrap(), "{sent}");
    }
}

#[test]
fn a_wrong_message_is_explained_by_its_field() {
    let change = |path: &str, value: Value| {
        let mut body: Value = serde_json::from_str(REAL).unwrap();
        *body.pointer_mut(path).unwrap() = value;
        body.to_string()
    };
    let without = |name: &str| {
        let mut body: Value = serde_json::from_str(REAL).unwrap();
        body.as_object_mut().unwrap().remove(name);
        body.to_string()
    };
    for (body, field) in [
        (String::new(), None),
        ("[]".to_owned(), None),
        ("{".to_owned(), None),
        (without("object_kind"), Some("object_kind")),
        (without("status"), Some("status")),
        (without("deployment_id"), Some("deployment_id")),
        (without("environment"), Some("environment")),
        (without("project"), Some("project")),
        (without("ref"), Some("ref")),
        (change("/environment", json!("")), Some("environment")),
        (change("/ref", json!(7)), Some("ref")),
        (change("/deployment_id", json!("15")), Some("deployment_id")),
        (change("/status_changed_at", json!("yesterday")), Some("status_changed_at")),
        (change("/project/path_with_namespace", Value::Null), Some("project.path_with_namespace")),
        (change("/project/path_with_namespace", json!(" ")), Some("project.path_with_namespace")),
        (change("/user", json!("ada")), Some("user")),
    ] {
        let problem = message(&[EVENT], body.as_bytes()).unwrap_err();
        assert_eq!(problem.field.as_deref(), field, "{problem}");
    }
    let nothing = message(&[], REAL.as_bytes()).unwrap_err();
    assert_eq!(nothing.field.as_deref(), Some("X-Gitlab-Event"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_read_or_explained(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = message(&[EVENT, UUID], &body);
    }

    #[test]
    fn a_damaged_message_is_read_or_explained(
        from in any::<prop::sample::Index>(), length in 0_usize..40, new in "[\\[\\]{}\",:a-z0-9é\\\\ \n]{0,12}",
    ) {
        let mut body = REAL.to_owned();
        let from = from.index(body.len());
        body.replace_range(from..(from + length).min(REAL.len()), &new);
        match message(&[EVENT, UUID], body.as_bytes()) {
            Ok(Message::Deployment(told)) => prop_assert!(!told.service.is_empty() && told.at <= received()),
            Ok(other) => prop_assert_eq!(other, Message::Passed),
            Err(problem) => prop_assert!(!problem.to_string().chars().any(char::is_control)),
        }
    }
}
