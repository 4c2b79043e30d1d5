//! How it is told that a group was quiet, for how long and by whom, and what follows when it is heard. Never says that
//! somebody is told while nobody is.

use super::Reader;
use crate::{
    domain::explain::{Flood, GroupStory, QuietBy, QuietChange},
    text::{
        plain::{NAME, plain},
        scene::enumerate,
        span::span,
        when,
    },
};

/// One thing that made it quiet, or heard.
pub(super) fn moment(what: &QuietChange, reader: Reader<'_>) -> String {
    let at = |at| when::at(at, reader.zone);
    match what {
        QuietChange::Quiet { by, until, .. } => {
            format!("it is quiet until {} by {}: nobody is told or paged", at(*until), all(by))
        }
        QuietChange::Heard => "it is heard, and fires: people are told".to_owned(),
        QuietChange::Snoozed { by, until } => {
            format!("{} snoozed it until {}: nobody is paged", plain(by, NAME), at(*until))
        }
        QuietChange::SnoozeOver => "its snooze is over, and it still fires".to_owned(),
        QuietChange::Repeated => "it still fires: its channels are told again".to_owned(),
        QuietChange::IncidentHeld => {
            "its incident waits: nobody has it, and nothing of it is heard; its page and its deadlines stand still"
                .to_owned()
        }
        QuietChange::IncidentGoesOn => "its incident goes on, from where it stood".to_owned(),
    }
}

fn all(by: &[QuietBy]) -> String {
    enumerate(by.iter().map(|one| {
        let why = one.why.as_ref().map(|why| format!(" ({})", plain(why, NAME))).unwrap_or_default();
        format!("{} of {}{why}", plain(&one.what, NAME), plain(&one.by, NAME))
    }))
}

/// Why nobody is paged for a group that is quiet or snoozed, and what follows; none: it is neither.
pub(super) fn standing(group: &GroupStory, reader: Reader<'_>) -> Option<String> {
    let at = |at| when::at(at, reader.zone);
    let hush = group.quiet.iter().rev().find_map(|one| match &one.what {
        QuietChange::Quiet { by, until, .. } => Some(Some((by, *until))),
        QuietChange::Heard => Some(None),
        _ => None,
    });
    if let Some((by, until)) = hush.flatten() {
        return Some(format!(
            "it is quiet until {} by {}. People are told and paged when it is heard and still fires.",
            at(until),
            all(by)
        ));
    }
    let snooze = group.quiet.iter().rev().find_map(|one| match &one.what {
        QuietChange::Snoozed { by, until } => Some(Some((by, *until))),
        QuietChange::SnoozeOver => Some(None),
        _ => None,
    });
    let (by, until) = snooze.flatten()?;
    Some(format!("{} snoozed it until {}. It pages anew if it still fires then.", plain(by, NAME), at(until)))
}

/// How near a route is to a flood, and what that would make of its groups.
pub(super) fn flood(flood: &Flood) -> String {
    let Flood { collecting, incidents, most, window_seconds, .. } = flood;
    let route = plain(flood.route.as_str(), NAME);
    let window = span(jiff::SignedDuration::from_secs(*window_seconds));
    let now = match flood.joins {
        Some(incident) => format!("That is so now, in {incident}"),
        None if flood.rages() => "That is so now".to_owned(),
        None => "That is not so now".to_owned(),
    };
    format!(
        "Many at once: when {most} further groups of {route} collect, or {most} of its incidents were opened or joined within \
         {window}, a group joins the newest of them instead of opening its own, and one page is for all. {now}: \
         {} and {}.",
        counted(*collecting, "group collects", "groups collect"),
        counted(*incidents, "such incident is open", "such incidents are open")
    )
}

fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}
