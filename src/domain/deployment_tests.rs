//! Cases for deployments: what moves one, what came before an instant, and that nothing grows without bound.

use super::*;

fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T09:00:00Z".parse().unwrap();
    start + SignedDuration::from_mins(minute)
}

fn told(number: u64, status: DeploymentStatus, minute: i64) -> Told {
    Told {
        integration: "github".into(),
        message: Some(format!("{number}-{status}-{minute}")),
        source: format!("octo/qflow#{number}"),
        service: "qflow".into(),
        environment: "production".into(),
        version: "v1.4.2".into(),
        commit: Some("279484c09fbe69ededfced8c1bb6e6d24616b468".into()),
        status,
        by: Some("ada".into()),
        title: None,
        url: None,
        at: at(minute),
    }
}

fn said(number: u64, status: DeploymentStatus, minute: i64) -> Deployed {
    let told = told(number, status, minute);
    Deployed {
        deployment: DeploymentId(number),
        integration: told.integration,
        message: told.message,
        source: told.source,
        service: told.service,
        environment: told.environment,
        version: told.version,
        commit: told.commit,
        status,
        by: told.by,
        title: told.title,
        url: told.url,
        at: told.at,
        incidents: Vec::new(),
    }
}

fn kept(statuses: &[(DeploymentStatus, i64)]) -> Deployment {
    let mut deployments = Deployments::default();
    for (status, minute) in statuses {
        deployments.take(&said(1, *status, *minute));
    }
    Deployment::clone(&deployments.kept[&DeploymentId(1)])
}

use DeploymentStatus::{Cancelled, Failed, Replaced, Started, Succeeded, Waiting};

#[test]
fn a_deployment_has_a_beginning_and_an_end_and_what_replaces_it_moves_neither() {
    for (statuses, began, ended, when) in [
        (vec![(Waiting, 0)], None, None, 0),
        (vec![(Waiting, 0), (Cancelled, 3)], None, Some(3), 3),
        (vec![(Started, 1)], Some(1), None, 1),
        (vec![(Waiting, 0), (Started, 1), (Succeeded, 5)], Some(1), Some(5), 5),
        (vec![(Started, 1), (Failed, 5)], Some(1), Some(5), 5),
        (vec![(Started, 1), (Cancelled, 5)], Some(1), Some(5), 5),
        (vec![(Started, 1), (Succeeded, 5), (Replaced, 90)], Some(1), Some(5), 5),
        (vec![(Succeeded, 5)], Some(5), Some(5), 5),
    ] {
        let kept = kept(&statuses);
        assert_eq!((kept.began, kept.ended), (began.map(at), ended.map(at)), "{statuses:?}");
        assert_eq!(kept.when(), at(when), "{statuses:?}");
    }
}

#[test]
fn what_came_before_an_instant_is_counted_from_its_end_and_not_from_before_its_beginning() {
    let hours = SignedDuration::from_hours(2);
    for (statuses, instant, expected) in [
        (vec![(Started, 0), (Succeeded, 10)], 22, Some(12)),
        // It ran then.
        (vec![(Started, 0), (Succeeded, 10)], 5, Some(0)),
        (vec![(Started, 0)], 5, Some(5)),
        (vec![(Started, 10), (Succeeded, 12)], 9, None),
        (vec![(Started, 0), (Succeeded, 0)], 120, Some(120)),
        (vec![(Started, 0), (Succeeded, 0)], 121, None),
        (vec![(Waiting, 0)], 1, None),
        (vec![(Waiting, 0), (Cancelled, 1)], 2, None),
        (vec![(Started, 0), (Failed, 2)], 3, Some(1)),
        // That a later one took its place two hours on does not bring it nearer.
        (vec![(Started, 0), (Succeeded, 1), (Replaced, 200)], 201, None),
    ] {
        let before = kept(&statuses).before(at(instant), hours);
        assert_eq!(before, expected.map(SignedDuration::from_mins), "{statuses:?} {instant}");
    }
}

#[test]
fn only_what_is_newer_moves_a_deployment() {
    let known = kept(&[(Started, 1), (Succeeded, 5)]);
    for (status, minute, expected) in [
        // Told again, or by somebody who kept it.
        (Started, 1, false),
        (Succeeded, 5, false),
        (Succeeded, 9, false),
        // Late.
        (Started, 4, false),
        (Waiting, 5, false),
        // At the same instant the end counts.
        (Failed, 5, true),
        (Replaced, 90, true),
        (Started, 90, true),
    ] {
        assert_eq!(known.is_moved_by(&told(1, status, minute)), expected, "{status} at {minute}");
    }
}

#[test]
fn what_a_later_message_leaves_out_stays() {
    let mut deployments = Deployments::default();
    let (one, two) = (IncidentId(1), IncidentId(2));
    let began = said(1, Started, 1);
    deployments.take(&Deployed { title: Some("Faster".into()), incidents: vec![two], ..began });
    deployments.take(&Deployed {
        by: None,
        commit: None,
        incidents: vec![one, two],
        ..said(1, Succeeded, 5)
    });
    let kept = &deployments.kept[&DeploymentId(1)].said;
    assert_eq!((kept.by.as_deref(), kept.title.as_deref()), (Some("ada"), Some("Faster")));
    assert!(kept.commit.is_some());
    assert_eq!(kept.incidents, [one, two]);
}

#[test]
fn the_last_ones_are_remembered_and_an_old_one_is_not_believed_to_be_new() {
    let mut deployments = Deployments::default();
    let first = told(1, Started, 0);
    for number in 1..=3 * KEPT as u64 {
        assert_eq!(deployments.has_forgotten(&first), number > KEPT as u64, "{number}");
        let minute = i64::try_from(number).unwrap();
        deployments.take(&said(number, Started, minute));
        deployments.take(&said(number, Succeeded, minute + 1));
    }
    let sizes = (deployments.kept.len(), deployments.sources.len(), deployments.told.len());
    assert_eq!(sizes, (KEPT, KEPT, TOLD));
    assert_eq!(deployments.told_order.len(), TOLD);
    assert!(deployments.of_source(&first).is_none());
    assert!(deployments.of_source(&told(2_500, Started, 0)).is_some());
    assert!(deployments.was_told(&told(3_000, Started, 3_000)));
    assert!(!deployments.was_told(&told(3_000, Started, 3_001)));
}

#[test]
fn labels_say_which_service_and_environment_is_meant() {
    let labels = |pairs: &[(&str, &str)]| {
        let mut found = Whereabouts::default();
        found.add(&pairs.iter().copied().collect());
        found
    };
    for (pairs, fits) in [
        (vec![("service", "qflow")], true),
        (vec![("app", "QFlow")], true),
        (vec![("job", "qflow"), ("env", "prod")], true),
        (vec![("service", "qflow"), ("environment", "staging")], false),
        (vec![("service", "web"), ("environment", "production")], false),
        (vec![("service", "")], false),
        (vec![], false),
    ] {
        assert_eq!(labels(&pairs).fits(&said(1, Started, 0)), fits, "{pairs:?}");
    }
}

#[test]
fn a_snapshot_brings_all_of_it_back() {
    let mut deployments = Deployments::default();
    deployments.take(&said(1, Started, 1));
    let bytes = rmp_serde::to_vec_named(&deployments).unwrap();
    assert_eq!(rmp_serde::from_slice::<Deployments>(&bytes).unwrap(), deployments);
}
