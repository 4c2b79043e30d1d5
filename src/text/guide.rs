//! What is said in a guide: its introduction with what can be chosen, a step that is read, and where people stand. Never
//! says that a step was done: its run does.

use super::{
    card::{Button, Card, Link, Tone},
    plain::{NAME, lines, plain},
    scene::{Scene, field},
    usage::short,
};
use crate::domain::{
    guide::{Guide, GuideStep},
    id::IncidentId,
    prose::ERASED,
    run::{LinkTo, Part, PlannedLink},
};

/// Back to the guide.
pub const BACK: &str = "Back";
/// How many steps are named that people tried.
const TRIED: usize = 10;

/// The title of a step that is a run of its own.
#[must_use]
pub fn part(guide: &str, heading: &str) -> String {
    format!("{guide}: {heading}")
}

/// The step that follows.
#[must_use]
pub fn next(heading: &str) -> String {
    format!("Next: {}", plain(heading, NAME))
}

/// The step where people stand.
#[must_use]
pub fn go_on(heading: &str) -> String {
    format!("Go on at: {}", plain(heading, NAME))
}

/// Buttons and links of a card.
pub(super) fn leads(planned: &[PlannedLink]) -> (Vec<Button>, Vec<Link>) {
    let (mut buttons, mut links) = (Vec::new(), Vec::new());
    for link in planned {
        let words = plain(&link.words, NAME);
        match &link.to {
            // Nobody can press what was erased.
            LinkTo::Command(command) if command.as_str() == ERASED => {}
            LinkTo::Command(command) => buttons.push(Button::new(words, plain(command.as_str(), usize::MAX))),
            LinkTo::Web(url) => links.push(Link { text: words, url: url.clone() }),
        }
    }
    (buttons, links)
}

/// The guide: its introduction, what can be chosen, and where people stand in it.
#[must_use]
pub fn overview(
    scene: &Scene<'_>,
    title: &str,
    intro: &str,
    been: Option<(IncidentId, &Guide)>,
    planned: &[PlannedLink],
) -> Card {
    let (buttons, links) = leads(planned);
    let mut fields = Vec::new();
    if let Some((incident, guide)) = been {
        fields.push(field("Incident", incident.to_string()));
        fields.extend(guide.place().map(|place| field("You are at", at(scene, place))));
        let tried: Vec<String> =
            guide.steps.iter().rev().skip(1).take(TRIED).map(|step| tried(scene, step)).collect();
        if !tried.is_empty() {
            fields.push(field("Before", tried.join(", ")));
        }
    }
    Card { title: plain(title, NAME), text: lines(intro), fields, buttons, links, ..Card::default() }
}

/// `It is ready: failed (R-7)`, or `Nothing answers: read`.
fn tried(scene: &Scene<'_>, step: &GuideStep) -> String {
    let heading = plain(&step.heading, NAME);
    let Some(id) = step.run else { return format!("{heading}: read") };
    match scene.state.run(id).map(|run| run.verdict()) {
        Some(Some(verdict)) => format!("{heading}: {verdict} ({id})"),
        Some(None) => format!("{heading}: running ({id})"),
        None => format!("{heading}: {id}"),
    }
}

/// `It is ready: failed, ana at 03:12`.
fn at(scene: &Scene<'_>, place: &GuideStep) -> String {
    format!("{}, {} at {}", tried(scene, place), plain(&place.by.to_string(), NAME), scene.near(place.at))
}

/// `Watchbell does not answer well, at “It is not ready” (ana, 03:12)`: where people stand, for their incident.
#[must_use]
pub fn stands(scene: &Scene<'_>, guide: &Guide) -> String {
    let title = plain(&guide.title, NAME);
    let Some(place) = guide.place() else { return title };
    let (heading, by) = (plain(&place.heading, NAME), plain(&place.by.to_string(), NAME));
    format!("{title}, at “{heading}” ({by}, {})", scene.near(place.at))
}

/// A step that is read: nothing in it does anything.
#[must_use]
pub fn step(part: &Part, incident: Option<IncidentId>, planned: &[PlannedLink]) -> Card {
    let (buttons, links) = leads(planned);
    Card {
        title: plain(&part.heading, NAME),
        text: lines(&part.prose),
        fields: [
            Some(field("Guide", plain(&part.guide, NAME))),
            incident.map(|id| field("Incident", id.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect(),
        buttons,
        links,
        ..Card::default()
    }
}

/// There is no such step.
#[must_use]
pub fn no_step(command: &str, written: &str, nearest: Option<&str>, known: &[&str]) -> Card {
    let mean = nearest.map_or_else(|| ".".to_owned(), |nearest| format!(", did you mean {nearest}?"));
    let choose = |anchor: &str| Button::new(anchor.to_owned(), format!("{command} --step {anchor}"));
    Card {
        title: format!("{command} has no step {}{mean}", short(written)),
        tone: Tone::Warning,
        text: format!("Nothing was started. Its steps: {}", known.join(", ")),
        buttons: nearest.map(choose).into_iter().collect(),
        ..Card::default()
    }
}
