//! What is said to somebody who calls the bot and says no more: who is on call, what is open, how it goes on. Short.

use super::{
    card::{Card, Tone},
    plain::{NAME, plain},
    scene::{Scene, button, field},
};
use crate::domain::event::Actor;

/// Schedules and incidents that are named; the others are counted.
const MOST: usize = 5;

/// For whoever it is said to.
#[must_use]
pub fn card(scene: &Scene<'_>, to: &Actor) -> Card {
    let state = scene.state;
    let mut fields = Vec::new();
    for schedule in scene.config.schedules.values().take(MOST) {
        let overrides = state.overrides_of(&schedule.id);
        let shift = schedule.shift_at(scene.now.civil, &overrides);
        let who = shift.person.map_or_else(|| "nobody".to_owned(), |person| scene.person(&person));
        fields.push(field(
            &format!("On call, {}", schedule.id),
            format!("{who}, until {}", scene.near(shift.until)),
        ));
    }
    let more = scene.config.schedules.len().saturating_sub(MOST);
    if more > 0 {
        fields.push(field("On call", format!("{more} more schedules: /oncall now")));
    }
    let open = state.open_incidents.iter().rev().filter_map(|id| state.incidents.get(id));
    let mut table = vec![["incident", "severity", "status", "title", "taken by"].map(str::to_owned).to_vec()];
    table.extend(open.take(MOST).map(|incident| {
        vec![
            incident.id.to_string(),
            incident.severity.to_string(),
            incident.status.to_string(),
            plain(incident.title.as_str(), NAME),
            incident.acknowledged.as_ref().map_or_else(|| "nobody".to_owned(), |(by, _)| by.to_string()),
        ]
    }));
    let count = state.open_incidents.len();
    let waits = super::paging::untaken(scene).len();
    let open = match count {
        0 => "No incident is open.".to_owned(),
        1 => "1 incident is open.".to_owned(),
        count => format!("{count} incidents are open."),
    };
    let waiting = match waits {
        0 => String::new(),
        1 => " 1 thing waits to be taken: /ack".to_owned(),
        count => format!(" {count} things wait to be taken: /ack"),
    };
    let name = to.person().map(|person| scene.person(person));
    let hello =
        name.map_or_else(|| "Watchbell is here.".to_owned(), |name| format!("Watchbell is here, {name}."));
    if count == 0 {
        table.clear();
    }
    let buttons = vec![
        button("Who is on call", "/oncall now"),
        button("Open an incident…", "/incident open --ask"),
        button("All commands", "/help"),
    ];
    Card {
        title: hello,
        tone: if waits > 0 { Tone::Critical } else { Tone::Good },
        text: format!(
            "{open}{waiting}\n\nTry: /incident open P1 database is down · /page ana the queue is full · /help incident"
        ),
        fields,
        table,
        buttons,
        whole: if count > MOST { "/incident list".to_owned() } else { String::new() },
        ..Card::default()
    }
}
