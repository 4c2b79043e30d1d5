//! The card of a storm: one message that stands for all the groups that got none of their own in a channel. Never names
//! more than a few, and never leaves one uncounted.

use super::{
    card::{Button, Card, Field, Tone},
    message::instant,
    plain::plain,
    scene::{button, field},
};
use crate::domain::storm::{StormFacts, StormGroup};

/// The longest line, in characters.
const LINE: usize = 160;
/// How many groups without an incident get a button.
const MOST_BUTTONS: usize = 3;

/// The card of a storm, as it stands now.
#[must_use]
pub fn card(storm: &StormFacts) -> Card {
    Card {
        title: title(storm),
        tone: tone(storm),
        text: text(storm),
        fields: fields(storm),
        buttons: buttons(storm),
        ..Card::default()
    }
}

fn title(storm: &StormFacts) -> String {
    let id = storm.id;
    match (storm.over_at, storm.groups_firing) {
        (Some(_), 0) => format!("The storm is over: nothing of it fires any more ({id})"),
        (Some(_), 1) => format!("The storm is over: 1 group still fires ({id})"),
        (Some(_), firing) => format!("The storm is over: {firing} groups still fire ({id})"),
        (None, 0) => format!("Alert storm: all {} have ended ({id})", groups(storm.groups_seen)),
        (None, 1) => format!("Alert storm: 1 group fires ({id})"),
        (None, firing) => format!("Alert storm: {firing} groups fire ({id})"),
    }
}

fn groups(count: u64) -> String {
    if count == 1 { "1 group".to_owned() } else { format!("{count} groups") }
}

fn tone(storm: &StormFacts) -> Tone {
    match (storm.groups_firing, storm.untaken) {
        (0, _) => Tone::Good,
        (_, 0) => Tone::Warning,
        _ => Tone::Critical,
    }
}

fn text(storm: &StormFacts) -> String {
    let mut lines = vec![match (storm.over_at, storm.groups_firing) {
        (None, _) => format!(
            "So many groups came at once that {} share this card. Whoever is on call is paged for each as always.",
            storm.groups_seen
        ),
        (Some(_), 0) => "It is calm again: later groups have cards of their own.".to_owned(),
        (Some(_), _) => {
            "It is calm again: later groups have cards of their own. One of these gets its own when \
                         somebody takes it or when it becomes worse."
                .to_owned()
        }
    }];
    lines.extend(storm.groups.iter().map(line));
    let named = u64::try_from(storm.groups.len()).unwrap_or(u64::MAX);
    let more = storm.groups_firing.saturating_sub(named);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

/// `G-17 P1 DiskFull host=db-1: 3 alerts, ana has it`.
fn line(group: &StormGroup) -> String {
    let severity = group.severity.as_ref().map(|severity| format!("{severity} ")).unwrap_or_default();
    let alerts = if group.firing == 1 { "1 alert".to_owned() } else { format!("{} alerts", group.firing) };
    let taken = group.taken_by.as_ref().map(|by| format!(", {} has it", plain(by, 60))).unwrap_or_default();
    plain(&format!("{} {severity}{}: {alerts}{taken}", group.id, plain(&group.title, 100)), LINE)
}

fn fields(storm: &StormFacts) -> Vec<Field> {
    let counts = |firing: u64, seen: u64| format!("{firing} fire, {} ended", seen.saturating_sub(firing));
    let mut fields = vec![
        field("Groups", counts(storm.groups_firing, storm.groups_seen)),
        field("Alerts", counts(storm.alerts_firing, storm.alerts_seen)),
    ];
    if !storm.severities.is_empty() {
        let severities = storm.severities.iter().map(|(severity, count)| {
            let name = severity.as_ref().map_or("none", |severity| severity.as_str());
            format!("{} {count}", plain(name, 24))
        });
        fields.push(field("By severity", severities.collect::<Vec<_>>().join(", ")));
    }
    if storm.untaken > 0 {
        fields.push(field("Nobody has", groups(storm.untaken)));
    }
    if storm.unanswered > 0 {
        fields.push(field("Nobody answered", groups(storm.unanswered)));
    }
    fields.extend(storm.incidents.iter().map(|one| {
        let incident = &one.incident;
        let value = format!("{} {} ({})", incident.severity, plain(&incident.title, 100), incident.status);
        field(&incident.id.to_string(), plain(&value, LINE))
    }));
    fields.push(field("Since", instant(storm.began_at)));
    fields.extend(storm.over_at.map(|at| field("Calm since", instant(at))));
    fields
}

/// Incidents first: one press takes all their groups.
fn buttons(storm: &StormFacts) -> Vec<Button> {
    let mut buttons = Vec::new();
    for one in storm.incidents.iter().filter(|one| !one.taken) {
        let id = one.incident.id;
        buttons.push(button(format!("Acknowledge {id}"), format!("/ack {id}")));
    }
    let alone = storm.groups.iter().filter(|group| group.taken_by.is_none() && group.incident.is_none());
    for group in alone.take(MOST_BUTTONS) {
        buttons.push(button(format!("Acknowledge {}", group.id), format!("/ack {}", group.id)));
    }
    if storm.groups_firing > 0 {
        buttons.push(button("List alerts", "/alert list"));
    }
    buttons
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::text::samples;

    #[test]
    fn a_storm_says_how_much_of_it_there_is_and_names_the_worst() {
        let mut text = String::new();
        for card in samples::storm_cards() {
            let shown = serde_json::to_string_pretty(&card).unwrap();
            assert!(shown.len() < 4_000, "{} bytes", shown.len());
            writeln!(text, "{shown}").unwrap();
        }
        insta::assert_snapshot!(text);
    }
}
