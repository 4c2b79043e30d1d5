//! `[[maintenance]]`: hours of the week in which somebody works on a thing, and nobody is woken for it. Never matches an
//! alert.

use crate::domain::{config::PlannedMaintenance, labels::Labels, schedule::Restriction};

use super::{
    oncall::{RESTRICTIONS, said},
    people,
    routes::{channels, matchers},
    section::{Node, Reader},
    whole::Whole,
};

/// All planned maintenance.
pub(super) fn maintenance(reader: &Reader<'_>, whole: &Whole<'_>) -> Vec<PlannedMaintenance> {
    let mut all: Vec<PlannedMaintenance> = Vec::new();
    for node in &whole.maintenance {
        let Some(one) = planned(reader, whole, node) else { continue };
        if all.iter().any(|other| other.name == one.name) {
            let what = "this maintenance is planned twice, with the same comment and the same hours";
            reader.mistake(node.key, what, None, "give it another comment, or leave it out");
        } else {
            all.push(one);
        }
    }
    all
}

fn planned(reader: &Reader<'_>, whole: &Whole<'_>, node: &Node<'_>) -> Option<PlannedMaintenance> {
    let before = reader.found.borrow().len();
    let mut section = node.section()?;
    section.need("match", "match = ['service=\"qflow\"']");
    let matchers = matchers(reader, &mut section, "match");
    section.need("only", "only = [\"Sun 02:00-04:00\"]");
    let only: Vec<Restriction> = section
        .texts("only", "[\"Sun 02:00-04:00\"]")
        .iter()
        .filter_map(|text| said(reader, text, Restriction::parse(&text.value), RESTRICTIONS))
        .collect();
    let zone = people::zone(reader, &mut section);
    let comment = section.need("comment", "comment = \"backups of the night\"");
    let comment = comment.and_then(|node| node.filled("\"backups of the night\""));
    let channels = channels(reader, &whole.names, &mut section);
    section.finish();
    if reader.found.borrow().len() > before {
        return None;
    }
    if matchers.iter().all(|matcher| matcher.matches(&Labels::default())) {
        let what = "this maintenance would silence every alert that there is";
        let remedy =
            "name at least one label with the value that it must have: match = ['service=\"qflow\"']";
        reader.mistake(node.key, what, None, remedy);
        return None;
    }
    if only.is_empty() {
        let what = "this maintenance never begins";
        reader.mistake(node.key, what, None, "add its hours: only = [\"Sun 02:00-04:00\"]");
        return None;
    }
    let comment = comment?.value;
    let hours: Vec<String> = only.iter().map(ToString::to_string).collect();
    let name = format!("{comment} ({})", hours.join(", "));
    Some(PlannedMaintenance { name, matchers, only, zone, comment, channels })
}

#[cfg(test)]
#[path = "maintenance_tests.rs"]
mod tests;
