//! `[[maintenance]]`: hours of the week, or times by cron, in which somebody works on a thing, and nobody is woken for it.
//! Never matches an alert.

use jiff::SignedDuration;

use crate::domain::{
    config::PlannedMaintenance,
    labels::Labels,
    schedule::{CronTimes, Restriction, Times},
};

use super::{
    oncall::{RESTRICTIONS, said},
    people,
    routes::{channels, matchers},
    section::{Node, Reader, Section},
    whole::Whole,
};

const HOURS: &str = "[\"Sun 02:00-04:00\"]";
const CRON: &str = "\"0 2 * * SUN\"";
/// The shortest planned maintenance, and the longest.
const SHORTEST: SignedDuration = SignedDuration::from_mins(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 31);

/// All planned maintenance.
pub(super) fn maintenance(reader: &Reader<'_>, whole: &Whole<'_>) -> Vec<PlannedMaintenance> {
    let mut all: Vec<PlannedMaintenance> = Vec::new();
    for node in &whole.maintenance {
        let Some(one) = planned(reader, whole, node) else { continue };
        if all.iter().any(|other| other.name == one.name) {
            let what = "this maintenance is planned twice, with the same comment and the same times";
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
    let when = when(reader, &mut section);
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
    let (comment, when) = (comment?.value, when?);
    let name = format!("{comment} ({when})");
    Some(PlannedMaintenance { name, matchers, when, zone, comment, channels })
}

/// Its hours, or its times by cron; one of the two.
fn when(reader: &Reader<'_>, section: &mut Section<'_>) -> Option<Times> {
    let (only, cron, lasts) = (section.node("only"), section.node("cron"), section.node("lasts"));
    let place = section.node.key;
    match (only, cron, lasts) {
        (Some(only), None, None) => {
            let texts = only.texts(HOURS);
            let read = |text| said(reader, text, Restriction::parse(&text.value), RESTRICTIONS);
            let hours: Vec<Restriction> = texts.iter().filter_map(read).collect();
            if texts.is_empty() && only.items().is_some_and(|items| items.is_empty()) {
                let what = "this maintenance never begins";
                reader.mistake(only.at(), what, None, format!("add its hours: only = {HOURS}"));
            }
            (!hours.is_empty()).then_some(Times::Weekly(hours))
        }
        (None, Some(cron), Some(lasts)) => {
            let text = cron.filled(CRON)?;
            let lasts = lasts.duration(SHORTEST..=LONGEST)?;
            let remedy = "write minute, hour, day, month and weekday, and a duration that is over before it comes \
                          again: cron = \"0 2 * * SUN\" with lasts = \"2h\"";
            said(reader, &text, CronTimes::new(&text.value, lasts), remedy)
                .map(|times| Times::Cron(Box::new(times)))
        }
        (Some(_), Some(cron), _) => {
            let what = "this maintenance has both hours and a cron expression";
            reader.mistake(cron.key, what, None, "leave out `only`, or `cron` and `lasts`");
            None
        }
        (None, Some(cron), None) => {
            let what = "with `cron` it is not said how long it lasts";
            reader.mistake(cron.key, what, None, "add lasts = \"2h\"");
            None
        }
        (only, None, Some(lasts)) => {
            let remedy = match only {
                Some(_) => "leave it out: hours say themselves how long they last".to_owned(),
                None => format!("add when it begins: cron = {CRON}"),
            };
            reader.mistake(lasts.key, "`lasts` is only for a maintenance with `cron`", None, remedy);
            None
        }
        (None, None, None) => {
            let what = "this maintenance never begins";
            let remedy = format!("add its hours, only = {HOURS}, or cron = {CRON} with lasts = \"2h\"");
            reader.mistake(place, what, None, remedy);
            None
        }
    }
}

#[cfg(test)]
#[path = "maintenance_tests.rs"]
mod tests;
