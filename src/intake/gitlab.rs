//! Reads GitLab's webhook: `Deployment Hook`
//! (<https://docs.gitlab.com/user/project/integrations/webhook_events/#deployment-events>). Never believes who sent it:
//! its token or its signature was checked before. Never keeps a person's mail address, which the message holds.
//!
//! `webhook-id` (which is signed) and `Idempotency-Key` are the same when a message is sent again. Older releases have `X-Gitlab-Event-UUID` only, which
//! several messages share when one follows from the other; so the body counts there, too.

use serde::Deserialize;

use super::{
    Message, Problem, Sent,
    deployed::{self, Instant, Pieces},
    document::{self, Object, Remedies, own_or_digest},
};
use crate::domain::{config::Integration, deployment::DeploymentStatus};

const REMEDIES: Remedies =
    Remedies { whole: "Send the JSON object of GitLab's deployment event", field: deployed::remedy };

/// What is read of a message; the rest is ignored.
#[derive(Deserialize)]
struct Payload {
    object_kind: String,
    status: String,
    status_changed_at: Option<Instant>,
    deployment_id: u64,
    deployable_url: Option<String>,
    environment: String,
    project: Object<Project>,
    r#ref: String,
    short_sha: Option<String>,
    user: Option<Object<Account>>,
    commit_url: Option<String>,
    commit_title: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    username: Option<String>,
    name: Option<String>,
}

/// Takes one message.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub(super) fn take(integration: &Integration, sent: Sent<'_>) -> Result<Message, Problem> {
    let event = (sent.header)("x-gitlab-event").ok_or_else(|| deployed::header("X-Gitlab-Event"))?;
    if event != "Deployment Hook" {
        return Ok(Message::Passed);
    }
    let payload: Payload = document::read(sent.body, REMEDIES)?;
    let Some(status) = status(&payload.status).filter(|_| payload.object_kind == "deployment") else {
        return Ok(Message::Passed);
    };
    let Object(project) = payload.project;
    let account = payload.user.as_ref().map(|Object(account)| account);
    let pieces = Pieces {
        repository: ("project.path_with_namespace", &project.path_with_namespace),
        number: payload.deployment_id,
        environment: ("environment", &payload.environment),
        version: ("ref", &payload.r#ref),
        commit: payload.commit_url.as_deref().and_then(commit).or(payload.short_sha.as_deref()),
        status,
        by: account.and_then(|account| account.username.as_deref().or(account.name.as_deref())),
        titles: [payload.commit_title.as_deref(), None],
        links: [payload.deployable_url.as_deref(), payload.commit_url.as_deref(), project.web_url.as_deref()],
        at: payload.status_changed_at.map(|at| at.0),
    };
    let told = deployed::told(integration, message(sent), pieces, sent.received)?;
    Ok(Message::Deployment(Box::new(told)))
}

/// The message's own id.
fn message(sent: Sent<'_>) -> Option<String> {
    if let Some(id) = (sent.header)("webhook-id").or_else(|| (sent.header)("idempotency-key")) {
        return Some(own_or_digest(id));
    }
    let uuid = (sent.header)("x-gitlab-event-uuid")?;
    Some(format!("{}:{}", own_or_digest(uuid), document::digest(sent.body)))
}

/// The commit at the end of its address (`…/-/commit/279484c0…`).
fn commit(url: &str) -> Option<&str> {
    let (_, commit) = url.rsplit_once("/commit/")?;
    (commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(commit)
}

/// What a status means; none: one that says nothing about how the deployment goes, such as an approval.
fn status(status: &str) -> Option<DeploymentStatus> {
    Some(match status {
        "created" | "blocked" => DeploymentStatus::Waiting,
        "running" => DeploymentStatus::Started,
        "success" => DeploymentStatus::Succeeded,
        "failed" => DeploymentStatus::Failed,
        "canceled" | "skipped" => DeploymentStatus::Cancelled,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "gitlab_tests.rs"]
mod tests;
