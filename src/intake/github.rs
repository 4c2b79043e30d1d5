//! Reads GitHub's webhook: `deployment` and `deployment_status`
//! (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status>). Never believes who sent it:
//! the signature was checked before.
//!
//! `X-GitHub-Delivery` is the same when a delivery is sent again, and is not signed; so what is known already is told
//! by what the message says, too.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    Message, Problem, Sent,
    deployed::{self, Instant, Pieces},
    document::{self, Object, Remedies, own_or_digest, problem},
};
use crate::domain::{config::Integration, deployment::DeploymentStatus};

const REMEDIES: Remedies = Remedies {
    whole: "Send the JSON object of GitHub's event; set the webhook's content type to application/json",
    field: deployed::remedy,
};

/// What is read of a message; the rest is ignored.
#[derive(Deserialize)]
struct Payload {
    deployment: Object<Deployment>,
    deployment_status: Option<Object<Status>>,
    repository: Object<Repository>,
    sender: Option<Object<Account>>,
}

#[derive(Deserialize)]
struct Deployment {
    id: u64,
    r#ref: String,
    sha: Option<String>,
    environment: String,
    description: Option<String>,
    creator: Option<Object<Account>>,
    created_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    description: Option<String>,
    /// "Can be changed when setting a deploy status."
    environment: Option<String>,
    log_url: Option<String>,
    target_url: Option<String>,
    created_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    login: Option<String>,
}

/// Takes one message.
///
/// # Errors
/// [`Problem`]: what is wrong with the message; nothing of it was taken.
pub(super) fn take(integration: &Integration, sent: Sent<'_>) -> Result<Message, Problem> {
    let event = (sent.header)("x-github-event").ok_or_else(|| deployed::header("X-GitHub-Event"))?;
    let has_status = match event {
        "deployment" => false,
        "deployment_status" => true,
        _ => return Ok(Message::Passed),
    };
    let json = json(sent.body);
    let payload: Payload = document::read(&json, REMEDIES)?;
    let Payload { deployment: Object(deployment), deployment_status, repository: Object(repository), sender } =
        payload;
    let said = deployment_status.map(|Object(status)| status).filter(|_| has_status);
    if has_status && said.is_none() {
        return Err(problem("deployment_status", "is missing", deployed::remedy("")));
    }
    let Some(status) = said.as_ref().map_or(Some(DeploymentStatus::Started), |said| status(&said.state))
    else {
        return Ok(Message::Passed);
    };
    let moved = said.as_ref().and_then(|said| said.environment.as_deref()).filter(|it| !it.trim().is_empty());
    let account = deployment.creator.or(sender);
    let pieces = Pieces {
        repository: ("repository.full_name", &repository.full_name),
        number: deployment.id,
        environment: ("deployment.environment", moved.unwrap_or(&deployment.environment)),
        version: ("deployment.ref", &deployment.r#ref),
        commit: deployment.sha.as_deref(),
        status,
        by: account.as_ref().and_then(|Object(account)| account.login.as_deref()),
        titles: [
            deployment.description.as_deref(),
            said.as_ref().and_then(|said| said.description.as_deref()),
        ],
        links: [
            said.as_ref().and_then(|said| said.log_url.as_deref()),
            said.as_ref().and_then(|said| said.target_url.as_deref()),
            repository.html_url.as_deref(),
        ],
        at: said.as_ref().map_or(&deployment.created_at, |said| &said.created_at).as_ref().map(|at| at.0),
    };
    let message = (sent.header)("x-github-delivery").map(own_or_digest);
    deployed::told(integration, message, pieces, sent.received)
        .map(|told| Message::Deployment(Box::new(told)))
}

/// The JSON of a message. GitHub wraps it in a form unless the webhook's content type says otherwise.
fn json(body: &[u8]) -> Cow<'_, [u8]> {
    if !body.starts_with(b"payload=") {
        return Cow::Borrowed(body);
    }
    let payload = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload");
    payload.map_or(Cow::Borrowed(body), |(_, json)| Cow::Owned(json.into_owned().into_bytes()))
}

/// What a state means; none: one that GitHub did not have when this was written.
fn status(state: &str) -> Option<DeploymentStatus> {
    Some(match state {
        "queued" | "pending" | "waiting" => DeploymentStatus::Waiting,
        "in_progress" => DeploymentStatus::Started,
        "success" => DeploymentStatus::Succeeded,
        "failure" | "error" => DeploymentStatus::Failed,
        "inactive" => DeploymentStatus::Replaced,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "github_tests.rs"]
mod tests;
