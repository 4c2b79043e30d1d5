//! Buttons and lists beside cards about incidents and groups: what can be done now, and nothing that makes no sense any
//! more. Never decides who may: that is checked when it is pressed.

use super::{
    card::{Button, Select},
    plain::plain,
    scene::button,
};
use crate::domain::{
    id::{GroupId, IncidentId},
    offer::Offers,
    run::RunOffer,
};

/// The longest label of a choice, in characters.
const LABEL: usize = 70;
/// The longest label of a button that starts a runbook, in characters.
const OFFER: usize = 40;
/// How many runbooks get a button.
const MOST_OFFERS: usize = 5;

/// A command that asks for what it needs: in a form where there are forms, line by line in the console.
#[must_use]
pub fn asking(command: &str, rest: impl std::fmt::Display) -> String {
    format!("{command} --ask {rest}")
}

/// Where all of something can be read that no chat platform shows whole: the terminal leaves nothing out.
#[must_use]
pub fn terminal(command: &str) -> String {
    format!("watchbell run '{command}'")
}

/// A button's command as somebody would write it: `/incident note INC-7 …` for one that asks.
#[must_use]
pub fn written(command: &str) -> String {
    match command.split_once(" --ask") {
        Some((path, rest)) => format!("{path}{rest} …"),
        None => command.to_owned(),
    }
}

/// What can be done with an incident.
#[must_use]
pub fn of_incident(id: IncidentId, open: bool, taken: bool, merged_into: Option<IncidentId>) -> Vec<Button> {
    if let Some(into) = merged_into {
        return vec![
            button(format!("Show {into}"), format!("/incident show {into}")),
            button("Timeline", format!("/incident timeline {id}")),
        ];
    }
    if !open {
        return vec![
            button("Reopen", format!("/incident reopen {id}")),
            button("Postmortem", format!("/incident postmortem {id}")),
            button("Note…", asking("/incident note", id)),
            button("Timeline", format!("/incident timeline {id}")),
        ];
    }
    let mut buttons = Vec::new();
    if !taken {
        buttons.push(button("Acknowledge", format!("/incident ack {id}")));
    }
    buttons.extend([
        button("Update…", asking("/incident status", id)),
        button("Note…", asking("/incident note", id)),
        button("Resolve…", asking("/incident resolve", id)),
        button("Timeline", format!("/incident timeline {id}")),
    ]);
    buttons
}

/// Buttons that start the runbooks that are offered; the card says which more there are.
#[must_use]
pub fn offered(incident: IncidentId, offers: &[RunOffer]) -> Vec<Button> {
    let one = |offer: &RunOffer| {
        let title = plain(&offer.title, OFFER);
        let ask = if offer.asks { " --ask" } else { "" };
        let label = if offer.asks { format!("{title}…") } else { title };
        button(label, format!("{} --about {incident}{ask}", plain(&offer.runbook, LABEL)))
    };
    offers.iter().take(MOST_OFFERS).map(one).collect()
}

/// The button that opens an incident for a group that has none.
#[must_use]
pub fn open_incident(group: GroupId) -> Button {
    button("Open incident…", asking("/incident open", format_args!("--group {group}")))
}

/// The lists beside an open incident: who leads, how bad it is.
#[must_use]
pub fn lists(id: IncidentId, offers: &Offers) -> Vec<Select> {
    let leads = offers.leads.iter().map(|(person, name)| {
        let name = plain(name, LABEL);
        let label = if name.is_empty() { person.to_string() } else { name };
        button(label, format!("/incident assign {id} {person}"))
    });
    let severities = offers.severities.iter().map(|(severity, name)| {
        let label = plain(&format!("{severity} {name}"), LABEL);
        button(label, format!("/incident severity {id} {severity}"))
    });
    let list = |label: &str, choices: Vec<Button>| Select { label: label.to_owned(), choices };
    [list("Give the lead to…", leads.collect()), list("Change the severity to…", severities.collect())]
        .into_iter()
        .filter(|list| !list.choices.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_that_asks_reads_like_a_command_that_goes_on() {
        for (command, expected) in [
            ("/ack G-1", "/ack G-1"),
            ("/incident note --ask INC-7", "/incident note INC-7 …"),
            ("/incident open --ask", "/incident open …"),
        ] {
            assert_eq!(written(command), expected);
        }
    }
}
