//! What a step's own patterns cover, in what it said and in what is kept of it. Never gives back what they match.

use serde_json::Value;

use super::{model::Action, world::secrets::COVERED};

/// A text without what is not to be seen.
pub(super) fn redacted(action: &Action, text: String) -> String {
    action.settings.redact.iter().fold(text, |text, pattern| pattern.replace_all(&text, COVERED).into_owned())
}

/// The same in every text of a value.
pub(super) fn redacted_value(action: &Action, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted(action, text)),
        Value::Array(values) => values.into_iter().map(|value| redacted_value(action, value)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, redacted_value(action, value))).collect()
        }
        other => other,
    }
}
