//! Deployments, in every form that reads differently.

use super::{INCIDENT, after};
use crate::domain::{
    deployment::{Deployed, DeploymentStatus},
    event::Event,
    id::DeploymentId,
};

fn said(status: DeploymentStatus) -> Deployed {
    Deployed {
        deployment: DeploymentId(3),
        integration: "github".into(),
        message: Some("72d3162e-cc78-11e3-81ab-4c9367dc0958".into()),
        source: "octo/qflow#145988746".into(),
        service: "qflow".into(),
        environment: "production".into(),
        version: "v1.4.2".into(),
        commit: Some("f95f852bd8fca8fcc58a9a2d6c842781e32a215e".into()),
        status,
        by: Some("ada".into()),
        title: None,
        url: Some("https://github.com/octo/qflow/actions/runs/7".into()),
        at: after(0),
        incidents: vec![INCIDENT],
    }
}

/// What is said of one from its beginning to its end, and of one whose names are hostile.
pub(super) fn events() -> Vec<Event> {
    let statuses = [
        DeploymentStatus::Waiting,
        DeploymentStatus::Started,
        DeploymentStatus::Succeeded,
        DeploymentStatus::Failed,
        DeploymentStatus::Cancelled,
        DeploymentStatus::Replaced,
    ];
    let hostile = Deployed {
        service: "Evil\u{202E}\u{1b}[2J".into(),
        environment: "@everyone\n".into(),
        version: "f95f852bd8fca8fcc58a9a2d6c842781e32a215e".into(),
        by: None,
        title: Some("<!channel> `x` | [y](https://example.com)\r\n".repeat(20)),
        ..said(DeploymentStatus::Succeeded)
    };
    statuses.map(said).into_iter().chain([hostile]).map(|said| Event::Deployed(Box::new(said))).collect()
}
