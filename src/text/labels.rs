//! Labels of an alert on one line. Never all of them when there are very many.

use super::plain::plain;
use crate::domain::labels::Labels;

/// Labels that an entry names; the others are counted.
const LABELS: usize = 6;

/// The labels beside the name, in brackets with a blank before them.
pub(super) fn labels(labels: &Labels) -> String {
    let beside = || labels.iter().filter(|(label, _)| *label != "alertname");
    let shown: Vec<String> = beside()
        .take(LABELS)
        .map(|(label, value)| format!("{}={}", plain(label, 40), plain(value, 60)))
        .collect();
    let more = beside().count().saturating_sub(LABELS);
    match (shown.as_slice(), more) {
        ([], _) => String::new(),
        (shown, 0) => format!(" ({})", shown.join(", ")),
        (shown, more) => format!(" ({}, {more} more labels)", shown.join(", ")),
    }
}
