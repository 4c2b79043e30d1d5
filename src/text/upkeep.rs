//! What is said about the journal itself: what was erased, archived, or found damaged. Never repeats a word that was
//! erased.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::{
    card::{Card, Tone},
    plain::{NAME, plain},
    scene::enumerate,
    timeline::{Kind, name},
    when::Times,
};
use crate::domain::{
    id::RunId,
    page::Target,
    state::State,
    upkeep::{Archived, Damaged, Erased, UpkeepEvent},
};

/// The entry of the audit trail.
pub(super) fn entry(what: &UpkeepEvent, times: Times<'_>) -> (Kind, String, String) {
    let (by, text) = match what {
        UpkeepEvent::Erased(erased) => {
            (name(&erased.by), format!("{} erased {}", name(&erased.by), of_whom(erased, times)))
        }
        UpkeepEvent::Archived(archived) => {
            let text = format!(
                "{} archived {} of the journal, up to event {}, to {}",
                name(&archived.by),
                segments(archived.segments),
                archived.through,
                plain(&archived.to, NAME)
            );
            (name(&archived.by), text)
        }
        UpkeepEvent::Damaged(found) => {
            let what = if found.unread { "The journal could not be read" } else { "Damage was found" };
            ("watchbell".to_owned(), format!("{what}: {}", place(found)))
        }
        UpkeepEvent::Whole => ("watchbell".to_owned(), "The journal is whole again".to_owned()),
        UpkeepEvent::Refused { what, by } => {
            let text = format!("{} wanted {} and was refused: only admins may", name(by), plain(what, NAME));
            (name(by), text)
        }
        UpkeepEvent::RefusedMore { by, count } => {
            let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
            let text = format!("{} was refused {times} more within that minute: only admins may", name(by));
            (name(by), text)
        }
    };
    (Kind::Upkeep, by, text)
}

/// `3 texts of ana, written before 2026-03-01 00:00 UTC`
fn of_whom(erased: &Erased, times: Times<'_>) -> String {
    let whose = erased.whose.as_ref().map(|whose| format!(" of {}", name(whose))).unwrap_or_default();
    let event = erased.seq.map(|seq| format!(" in event {seq}")).unwrap_or_default();
    let before =
        erased.before.map(|before| format!(", written before {}", times.say(before))).unwrap_or_default();
    format!("{}{whose}{event}{before}", texts(erased.texts))
}

fn place(found: &Damaged) -> String {
    if found.line == 0 {
        return format!("{}: {}", plain(&found.file, NAME), plain(&found.why, NAME));
    }
    format!("{}:{}, event {}: {}", plain(&found.file, NAME), found.line, found.seq, plain(&found.why, NAME))
}

/// `1 text`, `2 texts`
fn texts(count: u64) -> String {
    if count == 1 { "1 text".to_owned() } else { format!("{count} texts") }
}

/// `1 segment`, `2 segments`
fn segments(count: u64) -> String {
    if count == 1 { "1 segment".to_owned() } else { format!("{count} segments") }
}

/// What a page to the admins says.
#[must_use]
pub fn damage_page(found: &Damaged) -> String {
    if found.unread {
        return format!(
            "A part of the journal cannot be read at {}. Nothing was changed, and the rest was looked at. Look at the \
             disk and at the permissions of the file before the next restart needs it; it is looked at again every \
             ten minutes.",
            place(found)
        );
    }
    format!(
        "The journal is damaged at {}. Nothing was cut. Put a good copy of the file in its place; \
         `watchbell journal verify` lists every damaged line.",
        place(found)
    )
}

/// What was asked to be erased, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// What the journal notes.
    pub erased: Erased,
    /// Whether it was only looked.
    pub dry: bool,
    /// Files of torn writes in which words were blanked, or would be.
    pub torn: u64,
    /// Damaged lines, in which words may stand that nobody can find.
    pub unread: u64,
    /// Runs whose questions and answers an earlier release wrote, which stay.
    pub plain: u64,
    /// Runs that were told such words and are not over: until then nothing is erased.
    pub live: BTreeSet<RunId>,
    /// Folders with archived segments, which are not touched from here.
    pub archives: Vec<String>,
}

/// Words were erased, or would be.
#[must_use]
pub fn erasure(done: &Erasure, zone: &TimeZone) -> Card {
    let what = of_whom(&done.erased, Times::In(zone));
    let title = match (done.erased.texts, done.dry) {
        (0, _) => format!("There is nothing to erase: {what}."),
        (_, true) => format!("{what} would be erased; nothing was changed."),
        (_, false) => format!("{what} erased."),
    };
    let mut lines = Vec::new();
    if done.torn > 0 {
        lines.push(format!("Torn writes that were kept aside: {} with words, blanked too.", done.torn));
    }
    if done.unread > 0 {
        lines.push(format!("{} damaged lines cannot be read: words may stand in them.", done.unread));
    }
    if done.plain > 0 {
        lines.push(stays_plain(done.plain));
    }
    if !done.live.is_empty() {
        lines.push(still_live(&done.live));
    }
    for archive in &done.archives {
        let archive = plain(archive, NAME);
        lines.push(format!(
            "Archived segments in {archive} are another place: erase there with --with {archive}"
        ));
    }
    if done.erased.texts > 0 {
        lines.push(
            "What was sent to chat, mail or telephones is not here to be erased; nor are backups.".to_owned(),
        );
    }
    let tone = if done.dry || done.erased.texts == 0 { Tone::Plain } else { Tone::Good };
    Card { title, tone, text: lines.join("\n"), ..Card::default() }
}

/// What runs of an earlier release asked and said is not erased.
#[must_use]
pub fn stays_plain(runs: u64) -> String {
    let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    format!(
        "What {runs} of an earlier release asked and said stands in the journal as plain text: that stays."
    )
}

/// Runs would write the words down again.
#[must_use]
pub fn still_live(runs: &BTreeSet<RunId>) -> String {
    const NAMED: usize = 10;
    let (named, more) = (runs.iter().take(NAMED), runs.len().saturating_sub(NAMED));
    let more = (more > 0).then(|| format!("{more} more"));
    let names = enumerate(named.map(ToString::to_string).chain(more));
    let (are, them) = if runs.len() == 1 { ("is", "it") } else { ("are", "them") };
    let stop = runs.first().map(|run| format!(" (/runbook stop {run})")).unwrap_or_default();
    format!(
        "{names} {are} not over and would write such words down again. Let {them} end or stop {them}{stop}, then erase; \
         nothing was changed."
    )
}

/// Segments were archived.
#[must_use]
pub fn archived(done: &Archived) -> Card {
    let text = "Keep them: a timeline that begins in them is shortened until they are back, and a new release may \
                have to read the whole journal once.";
    Card {
        title: format!(
            "{} archived to {}, up to event {}.",
            segments(done.segments),
            plain(&done.to, NAME),
            done.through
        ),
        tone: Tone::Good,
        text: text.to_owned(),
        ..Card::default()
    }
}

/// What is said where entries are missing because their segments were archived: where they are.
#[must_use]
pub fn in_an_archive(state: &State) -> String {
    let folders: Vec<String> = state.archives.iter().map(|folder| plain(folder, NAME)).collect();
    let place = if folders.is_empty() { String::new() } else { format!(" ({})", folders.join(", ")) };
    format!("Older entries are in an archive of the journal{place} and are not shown.")
}

/// What began before the journal did that is at hand.
#[must_use]
pub fn begins_in_an_archive(state: &State, what: Target) -> Card {
    Card {
        title: format!("{what} has ended, and what is known of it is in an archive of the journal."),
        tone: Tone::Warning,
        text: format!(
            "{} They are plain text, one event a line; put the segments back into the journal's folder and start \
             Watchbell again to see {what} here.",
            in_an_archive(state)
        ),
        ..Card::default()
    }
}

/// No segment can go.
#[must_use]
pub fn nothing_to_archive() -> Card {
    Card {
        title: "No segment can be archived; nothing was changed.".to_owned(),
        tone: Tone::Plain,
        text: "A segment goes as a whole: its last event must be older than the date, and the two newest snapshots \
               must not need it for a restart."
            .to_owned(),
        ..Card::default()
    }
}

/// It is not done.
#[must_use]
pub fn not_done(why: &str) -> Card {
    Card {
        title: "That was not done.".to_owned(),
        tone: Tone::Warning,
        text: super::plain::lines(why),
        ..Card::default()
    }
}

/// There is no journal on disk.
#[must_use]
pub fn no_disk() -> Card {
    not_done("This server keeps no journal on disk.")
}

/// Neither a person nor an event was named.
#[must_use]
pub fn erase_what() -> Card {
    Card {
        title: "Say whose words, or which event's: --person NAME or --seq N.".to_owned(),
        tone: Tone::Warning,
        text: "Nothing was changed.".to_owned(),
        ..Card::default()
    }
}

/// A date or a folder is missing.
#[must_use]
pub fn archive_what() -> Card {
    Card {
        title: "Say before when, and where to: --before 2026-01-01 --to /srv/watchbell-archive".to_owned(),
        tone: Tone::Warning,
        text: "The folder is one of the server's machine, named from the root on. Nothing was changed."
            .to_owned(),
        ..Card::default()
    }
}
