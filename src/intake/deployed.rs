//! What GitHub's and GitLab's deployments have in common: which texts are kept, and how much of each. Never a text that
//! is longer than people would read.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};

use super::{
    Problem,
    document::{self, cut, link, problem},
};
use crate::domain::{
    config::Integration,
    deployment::{DeploymentStatus, Told},
};

/// The longest name of a service, an environment or a person, in characters.
const NAME: usize = 100;
/// The longest version, in characters: tags and branches may be long.
const VERSION: usize = 200;
/// The longest commit: 64 digits of SHA-256.
const COMMIT: usize = 64;
/// The longest title, in characters.
const TITLE: usize = 300;
/// The longest name of a deployment at its source, in bytes; a longer one is kept as its digest.
const SOURCE: usize = 300;

/// What one message says, as it was sent. Fields are named as the source names them.
pub(super) struct Pieces<'a> {
    /// `repository.full_name`, and its value: `octo/qflow`.
    pub(super) repository: (&'static str, &'a str),
    /// The source's number of the deployment.
    pub(super) number: u64,
    /// `deployment.environment`, and its value.
    pub(super) environment: (&'static str, &'a str),
    /// `deployment.ref`, and its value.
    pub(super) version: (&'static str, &'a str),
    pub(super) commit: Option<&'a str>,
    pub(super) status: DeploymentStatus,
    pub(super) by: Option<&'a str>,
    /// The first of them that says something.
    pub(super) titles: [Option<&'a str>; 2],
    /// The first of them that can be followed.
    pub(super) links: [Option<&'a str>; 3],
    pub(super) at: Option<Timestamp>,
}

/// What is told, with everything cut to what is kept.
///
/// # Errors
/// A field that is needed says nothing.
pub(super) fn told(
    integration: &Integration,
    message: Option<String>,
    pieces: Pieces<'_>,
    received: Timestamp,
) -> Result<Told, Problem> {
    let needed = |(field, sent): (&'static str, &str), most| {
        let empty = || problem(field, "is empty", "Send what the source's documentation says");
        cut(sent, most).ok_or_else(empty)
    };
    let repository = needed(pieces.repository, usize::MAX)?;
    let last = repository.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let service = match &integration.service {
        Some(service) => service.clone(),
        None => needed((pieces.repository.0, last), NAME)?,
    };
    let (field, version) = pieces.version;
    let bare = ["refs/tags/", "refs/heads/"].iter().find_map(|start| version.strip_prefix(start));
    let source = format!("{repository}#{}", pieces.number);
    Ok(Told {
        integration: integration.id.clone(),
        message,
        source: if source.len() <= SOURCE { source } else { document::digest(&source) },
        service,
        environment: needed(pieces.environment, NAME)?,
        version: needed((field, bare.unwrap_or(version)), VERSION)?,
        commit: pieces.commit.and_then(|commit| cut(commit, COMMIT)),
        status: pieces.status,
        by: pieces.by.and_then(|by| cut(by, NAME)),
        title: pieces.titles.into_iter().flatten().find_map(|title| cut(title, TITLE)),
        url: pieces.links.into_iter().flatten().find_map(link),
        // A clock that runs ahead must not make a deployment of tomorrow.
        at: pieces.at.map_or(received, |at| at.min(received)),
    })
}

/// What is missing where something is needed, or has no words.
pub(super) fn header(name: &'static str) -> Problem {
    problem(name, "is missing", "Send the header that says what happened, once, as the source does")
}

/// An instant: as RFC 3339 writes it, or as GitLab does (`2021-04-28 21:50:00 +0200`).
pub(super) struct Instant(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ruby = || Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text.replace(" UTC", " +0000"));
        let at = text.parse().or_else(|_| ruby());
        at.map(Self).map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &"an instant"))
    }
}

/// What helps, by the field that is wrong.
pub(super) fn remedy(field: &str) -> &'static str {
    match field.rsplit('.').next().unwrap_or_default() {
        "created_at" | "status_changed_at" => {
            "Send an instant with its offset (\"2026-03-29T01:30:00Z\"), or leave it out"
        }
        "id" | "deployment_id" => "Send the number of the deployment",
        _ => "Send what the source's documentation says",
    }
}
