//! `trace`: one trace by its id, or a search by service, operation and tags. Values become parameters, which are
//! encoded by whoever makes the request. Never asks Jaeger.
//!
//! Source: Jaeger, "APIs", the query service's HTTP JSON of its own interface.

use super::settings;
use crate::{
    domain::duration,
    runbook::{
        compile::Compiler,
        notes::Written,
        scope::Scope,
        slot::Slot,
        template::{NotRendered, Template},
    },
};

const KEYS: [&str; 8] =
    ["trace", "service", "operation", "tag", "since", "min_duration", "max_duration", "limit"];

/// A query with values in it.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceAct {
    /// By key, in the order of the block; a tag keeps its name.
    parameters: Vec<(&'static str, Option<String>, Template)>,
}

/// What is asked of Jaeger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceCall {
    /// One trace: hexadecimal digits.
    One(String),
    /// A search: parameters of `/api/traces`, not encoded yet; `since` is how far back, as it is written.
    Search {
        /// `service`, `operation`, `tags` (JSON), `minDuration`, `maxDuration`, `limit`.
        parameters: Vec<(String, String)>,
        /// How far back.
        since: Option<String>,
    },
}

impl TraceAct {
    /// The query with its values.
    ///
    /// # Errors
    /// When a value is missing or cannot be made safe.
    pub fn render(&self, scope: &Scope) -> Result<TraceCall, NotRendered> {
        let mut tags = serde_json::Map::new();
        let (mut parameters, mut since) = (Vec::new(), None);
        for (key, tag, value) in &self.parameters {
            let value = value.render(scope)?;
            match (*key, tag) {
                ("trace", _) => return Ok(TraceCall::One(value)),
                ("tag", Some(tag)) => {
                    tags.insert(tag.clone(), value.into());
                }
                ("since", _) => {
                    duration::parse(&value)
                        .map_err(|_| NotRendered::Whole("`since` is a duration, such as 2h"))?;
                    since = Some(value);
                }
                ("min_duration", _) => parameters.push(("minDuration".to_owned(), value)),
                ("max_duration", _) => parameters.push(("maxDuration".to_owned(), value)),
                (key, _) => parameters.push((key.to_owned(), value)),
            }
        }
        if !tags.is_empty() {
            parameters.push(("tags".to_owned(), serde_json::Value::Object(tags).to_string()));
        }
        Ok(TraceCall::Search { parameters, since })
    }

    /// As it is written, on one line.
    #[must_use]
    pub fn source(&self) -> String {
        let part = |(key, tag, value): &(&str, Option<String>, Template)| match tag {
            Some(tag) => format!("{tag}={}", value.source()),
            None => format!("{key}={}", value.source()),
        };
        self.parameters.iter().map(part).collect::<Vec<_>>().join(" ")
    }
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>) -> Option<TraceAct> {
    let before = compiler.notes.count();
    let found = settings(&body.lines(), &KEYS, compiler, "a trace block");
    let has = |key: &str| found.iter().any(|(name, _)| *name == key);
    if !has("trace") && !has("service") {
        let what = "a trace block says which `trace` or which `service`";
        compiler.notes.mistake(body.trimmed().at(), what, "write `service: name` or `trace: {{ id }}`");
    } else if has("trace") && found.len() > 1 {
        let what = "one trace needs nothing but its id";
        compiler.notes.mistake(body.trimmed().at(), what, "keep `trace`, or search by `service`");
    }
    let mut parameters = Vec::new();
    for (key, value) in found {
        let Some(key) = KEYS.into_iter().find(|known| *known == key) else { continue };
        let (tag, value) = match value.text().split_once('=').filter(|_| key == "tag") {
            Some((tag, _)) => {
                (Some(tag.trim().to_owned()), value.part(tag.len() + 1..value.text().len()).trimmed())
            }
            None if key == "tag" => {
                compiler.notes.mistake(value.at(), "a tag is `name=value`", "write `tag: error=true`");
                continue;
            }
            None => (None, value),
        };
        let slot = if key == "trace" { Slot::Id } else { Slot::Parameter };
        if let Some(value) = compiler.plain(value.unquoted(), slot) {
            parameters.push((key, tag, value));
        }
    }
    (compiler.notes.count() == before).then_some(TraceAct { parameters })
}
