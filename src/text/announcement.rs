//! What a channel is told because somebody announced it. Never more than their words, and never as they came.

use super::{
    card::{Card, Tone},
    plain::lines,
    scene::field,
};
use crate::domain::{facts::Facts, id::ChannelName};

/// The message: the first line is the headline.
#[must_use]
pub fn card(facts: &Facts) -> Card {
    let said = lines(&facts.summary);
    let (title, text) = said.split_once('\n').unwrap_or((&said, ""));
    let incident = facts.incident.as_ref();
    Card {
        title: title.trim().to_owned(),
        tone: Tone::Warning,
        text: text.trim().to_owned(),
        fields: incident
            .map(|one| field("Incident", format!("{}, {}", one.id, one.status)))
            .into_iter()
            .collect(),
        ..Card::default()
    }
}

/// What whoever announced it hears.
#[must_use]
pub fn kept(channel: &ChannelName) -> Card {
    Card { title: format!("It is on its way to {channel}."), tone: Tone::Good, ..Card::default() }
}
