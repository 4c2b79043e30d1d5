//! `GET /api/v1/openapi.json`: the description of the API (`OpenAPI` 3.1). Never of what is not there: a test walks the
//! routes, the parameters and real answers, and finds what is missing or described otherwise.

mod calls;
mod shapes;

use std::{collections::BTreeMap, sync::LazyLock};

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::list::fresh;

pub(super) use calls::{CALLS, Call};

/// Where the description is.
pub(super) const PATH: &str = "/api/v1/openapi.json";

/// Made once: it depends on the release alone.
static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// `GET /api/v1/openapi.json`: for everybody; it says nothing that the documentation does not.
pub(super) async fn show() -> Response {
    fresh(&*DOCUMENT)
}

/// The whole description.
pub(super) fn document() -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for call in CALLS {
        paths.entry(call.path).or_default().insert(call.method.to_lowercase(), operation(call));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Watchbell",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Alerts in, commands, lookups, the live stream. A 2xx means: synced to disk. Every refusal is a \
                            problem (RFC 9457) that names the field and the remedy; nothing was changed then.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": shapes::all(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token is one person. With no token configured the caller on loopback is the local \
                                    operator, who may name a person with `as`.",
                },
                "source": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The integration's own token; also as `?token=` or as the password of basic \
                                    authentication. Of GitHub and GitLab the signature of their webhook.",
                },
            },
        },
    })
}

fn operation(call: &Call) -> Value {
    let in_path = call.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let has_query = !call.query.is_empty();
    let person = ("as", "in whose name, when no token is configured");
    let named = call.query.iter().chain((call.security == "token" && has_query).then_some(&person));
    let in_query = named.map(|(name, about)| {
        let schema = match *name {
            "limit" => json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            "match" => json!({"type": "array", "items": {"type": "string"}}),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": "query", "description": about, "schema": schema})
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let mut responses = Map::new();
    for (status, about, kind, shape) in call.answers {
        let content = kind.map(|kind| {
            let schema = match shape {
                Some(shape) => json!({"$ref": format!("#/components/schemas/{shape}")}),
                None => json!({"type": "string"}),
            };
            json!({kind: {"schema": schema}})
        });
        let mut answer = json!({"description": about});
        if let (Some(content), Some(answer)) = (content, answer.as_object_mut()) {
            answer.insert("content".to_owned(), content);
        }
        responses.insert(status.to_string(), answer);
    }
    let problem = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
    for status in call.problems.iter().chain(calls::ALWAYS) {
        // Of what answers itself with such a status a problem is the other possibility.
        let answer = responses
            .entry(status.to_string())
            .or_insert_with(|| json!({"description": calls::problem(*status), "content": {}}));
        if let Some(content) = answer.get_mut("content").and_then(Value::as_object_mut) {
            content.insert("application/problem+json".to_owned(), problem.clone());
        }
    }
    let mut operation = json!({
        "operationId": call.name,
        "summary": call.summary,
        "responses": responses,
    });
    if let Some(operation) = operation.as_object_mut() {
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), parameters.into());
        }
        if let Some((kind, shape)) = call.body {
            let schema = json!({"$ref": format!("#/components/schemas/{shape}")});
            let body = json!({"required": true, "content": {kind: {"schema": schema}}});
            operation.insert("requestBody".to_owned(), body);
        }
        if !call.security.is_empty() {
            operation.insert("security".to_owned(), json!([{call.security: []}]));
        }
    }
    operation
}
