//! What chat is told about what was quiet, and what the card of a group says of it. Never a page.

use crate::{
    domain::{
        delivery::QuietNotice,
        facts::{Facts, GroupFacts},
        id::GroupId,
        quiet::Silence,
    },
    text::{
        card::{Button, Card, Tone},
        message::instant,
        plain::{NAME, WORDS, plain},
        scene::{enumerate, field},
    },
};

/// What is said of an incident that is held.
pub const WAITS: &str = "nobody has it, and all that fires in it is quiet or snoozed: its page and its deadlines stand \
                         still until that is heard, or somebody takes it";

/// The title, the words and the colour of a notice.
#[must_use]
pub fn notice(facts: &Facts, notice: QuietNotice, headline: &str) -> (String, String, Tone) {
    let subject = facts.subject;
    match notice {
        QuietNotice::Over => (
            format!("Heard again: {headline}"),
            format!("What kept {subject} quiet is over, and it still fires."),
            Tone::Critical,
        ),
        QuietNotice::SnoozeOver => (
            format!("The snooze is over: {headline}"),
            format!("{subject} still fires, and nobody has it. Take it with /ack {subject}."),
            Tone::Critical,
        ),
        QuietNotice::Repeated => (
            format!("Still firing: {headline}"),
            format!("{subject} has not ended since it was told last."),
            Tone::Warning,
        ),
        QuietNotice::Began => (format!("Maintenance begins: {headline}"), until(facts), Tone::Plain),
        QuietNotice::Ended => (
            format!("Maintenance is over: {headline}"),
            "What it kept quiet and still fires is told and paged from now on.".to_owned(),
            Tone::Plain,
        ),
    }
}

fn until(facts: &Facts) -> String {
    facts.silence.as_ref().map_or_else(String::new, |silence| {
        format!("Until {} nobody hears of {}.", instant(silence.ends), what(silence))
    })
}

fn what(silence: &Silence) -> String {
    let matchers: Vec<String> = silence.matchers.iter().map(|one| plain(&one.to_string(), WORDS)).collect();
    matchers.join(", ")
}

/// What is said where a maintenance is told, should the notice itself be gone.
#[must_use]
pub fn card(facts: &Facts) -> Card {
    Card { title: plain(&facts.title, WORDS), text: until(facts), ..Card::default() }
}

/// The fields of a group's card: why it is quiet, until when it is snoozed.
#[must_use]
pub fn fields(group: &GroupFacts) -> Vec<crate::text::card::Field> {
    let quiet = group.quiet.as_ref().map(|hush| {
        let by = hush.by.iter().map(|one| {
            format!("{} {} of {}", one.kind.as_str(), one.silence, plain(&one.by.to_string(), NAME))
        });
        field("Quiet", format!("until {}, by {}", instant(hush.until), enumerate(by)))
    });
    let snooze = group.snooze.as_ref();
    let snooze = snooze.map(|one| field("Snoozed", format!("until {}", instant(one.until))));
    quiet.into_iter().chain(snooze).collect()
}

/// What can be done so that a group that fires is quiet for a while.
#[must_use]
pub fn buttons(group: GroupId) -> [Button; 2] {
    [
        Button::new("Snooze 30m", format!("/alert snooze {group} for 30m")),
        Button::new("Silence 1h", format!("/silence add --group {group} --for 1h")),
    ]
}
