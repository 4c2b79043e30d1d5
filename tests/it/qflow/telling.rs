//! Whether an answer holds a word that only the asked system knows. Never takes a word for one that stands in the
//! runbook or in the question already.

use serde_json::Value;
use watchbell::runbook::chart;

use super::logbook::Visit;

/// What was said, and what needs nobody to say it.
pub struct Said<'a> {
    pub answer: &'a str,
    pub command: &'a str,
    pub runbook: &'a str,
}

/// Units in which figures are shown.
const UNITS: [&str; 6] = ["", "%", "s", "bytes", "/s", "ms"];
/// By what runbooks multiply what they show.
const FACTORS: [f64; 12] = [
    1.0,
    100.0,
    1000.0,
    60.0,
    1.0 / 60.0,
    1.0 / 3_600.0,
    1.0 / 1_024.0,
    1.0 / 1_048_576.0,
    1.0 / 1_073_741_824.0,
    1.0 / 1e6,
    1.0 / 1e9,
    1.0 / 86_400.0,
];

/// Whether something of an answer of a system is in what was said.
pub fn telling(visit: &Visit, said: &Said<'_>) -> bool {
    // A stream of documents is one on each line.
    let whole = serde_json::from_str(&visit.answer).map(|one| vec![one]);
    let documents: Vec<Value> = whole.unwrap_or_else(|_| {
        visit.answer.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    });
    documents.iter().any(|document| tells(document, said))
}

fn tells(value: &Value, said: &Said<'_>) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(|value| tells(value, said)),
        Value::Array(items) => items.iter().any(|value| tells(value, said)),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => figures(number).iter().any(|figure| new(figure, said)),
            Err(_) => new(text, said),
        },
        Value::Number(number) => {
            number.as_f64().is_some_and(|number| figures(number).iter().any(|figure| new(figure, said)))
        }
        Value::Bool(_) | Value::Null => false,
    }
}

/// Whether a word is in the answer and could not have come from elsewhere.
fn new(word: &str, said: &Said<'_>) -> bool {
    word.len() >= 3
        && said.answer.contains(word)
        && !said.command.contains(word)
        && !said.runbook.contains(word)
}

/// A figure as it may be shown.
fn figures(number: f64) -> Vec<String> {
    let mut all = Vec::new();
    for factor in FACTORS {
        let number = number * factor;
        all.extend(UNITS.map(|unit| chart::value(number, unit)));
        all.extend([
            format!("{number:.0}"),
            format!("{:.0}", number.trunc()),
            format!("{number:.1}"),
            format!("{number:.2}"),
        ]);
    }
    // One digit or two are found everywhere.
    all.retain(|figure| figure.bytes().filter(u8::is_ascii_digit).count() >= 3);
    all
}
