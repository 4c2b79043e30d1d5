//! Why an alert went where it went and whom it woke, or would: told in order, as an honest colleague would. Never says
//! more than is known, and says what is not.

mod course;
mod quiet;
mod routes;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::{Card, Tone},
    control,
    plain::{NAME, plain},
    scene::{button, enumerate, field},
    span::span,
    usage::zone_name,
    when,
};
use crate::domain::{
    alert::name as alert_name,
    event::{Actor, ResolvedBy},
    explain::{
        Ended, EndedBecause, Explanation, GroupStory, Known, NotLabels, Note, PageStory, Verdict, Wrong,
        duplicates_for,
    },
    page::Target,
};

/// For whom it is told: the reader's zone, and when a simulation begins.
#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    zone: &'a TimeZone,
    /// Of a simulation: when the alert comes.
    begins: Option<Timestamp>,
}

impl Reader<'_> {
    /// `Mon 14:05:09`; of a simulation with how long after its beginning.
    fn time(self, at: Timestamp) -> String {
        let shown = when::precise(at, self.zone);
        match self.begins {
            Some(begins) => format!("{:>7}  {shown}", format!("+{}", span(at.duration_since(begins)))),
            None => shown,
        }
    }
}

/// All of it, as lines.
#[must_use]
pub fn document(told: &Explanation, zone: &TimeZone) -> String {
    let reader = Reader { zone, begins: told.alert.is_none().then_some(told.at) };
    let mut lines = vec![headline(told), format!("Labels: {}", plain(&told.labels.to_string(), 1000))];
    match &told.alert {
        Some(known) => lines.extend(of_alert(told, known, zone)),
        None => lines.push(format!(
            "If it came from {} on {}: every message arrives, nobody answers, it does not end.",
            plain(told.integration.as_str(), NAME),
            when::at(told.at, zone)
        )),
    }
    lines.push(format!("Times are in {}.", zone_name(zone)));
    section(&mut lines, "Routes");
    lines.extend(told.routes.iter().map(routes::line));
    section(&mut lines, "Quiet");
    if told.quiet.is_empty() {
        lines.push("  Nothing keeps it quiet.".to_owned());
    }
    for line in &told.quiet {
        let until = line.until.map(|at| format!(" until {}", when::at(at, zone))).unwrap_or_default();
        let (what, by, why) = (plain(&line.what, NAME), plain(&line.by, NAME), plain(&line.why, NAME));
        lines.push(format!("  {what} by {by}{until}: {why}"));
    }
    for group in &told.groups {
        let number = match (told.alert.is_some(), group.joined) {
            (false, false) => "A new group".to_owned(),
            _ => format!("Group {}", group.id),
        };
        section(&mut lines, &format!("{number}: {}", plain(&group.title, NAME)));
        lines.extend(course::group(group, reader));
        for page in &group.pages {
            section(&mut lines, &course::page_title(page, reader));
            lines.extend(course::page(page, reader));
        }
    }
    if !told.notes.is_empty() {
        section(&mut lines, "What to know");
        lines.extend(told.notes.iter().map(|note| format!("  {}", self::note(note, zone))));
    }
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, title: &str) {
    lines.push(String::new());
    lines.push(title.to_owned());
}

fn headline(told: &Explanation) -> String {
    let name = plain(alert_name(&told.labels), NAME);
    match &told.alert {
        Some(known) => format!("{} {name}", known.id),
        None => format!("Simulation: {name}"),
    }
}

/// When it came, what its source said again, how it ended.
fn of_alert(told: &Explanation, known: &Known, zone: &TimeZone) -> Vec<String> {
    let mut lines = Vec::new();
    if known.of_group {
        lines.push("This is the first alert of the group; the group is told as a whole.".to_owned());
    }
    let source = plain(told.integration.as_str(), NAME);
    let (fired, began) = (when::at(known.fired_at, zone), when::at(known.starts_at, zone));
    lines.push(format!("It came from {source} on {fired}; the source says that it began on {began}."));
    match known.fired_again.as_slice() {
        [] => lines.push(
            "While it fires, the same report again changes nothing and leaves no trace; none with a new start came."
                .to_owned(),
        ),
        [.., last] => lines.push(format!(
            "The source said {} that it fires anew without having ended, last on {}: that pages nobody.",
            times(known.fired_again.len()),
            when::at(*last, zone)
        )),
    }
    if let Some(Ended { at, ends_at, by }) = &known.ended {
        let by = match by {
            ResolvedBy::Source(source) => plain(source.as_str(), NAME),
            ResolvedBy::SourceGroup(source) => {
                format!("{}, as part of a whole group", plain(source.as_str(), NAME))
            }
            ResolvedBy::Person(person) => plain(person.as_str(), NAME),
            ResolvedBy::Operator => actor(&Actor::Operator),
        };
        let (at, ends_at) = (when::at(*at, zone), when::at(*ends_at, zone));
        lines.push(format!("It ended on {ends_at}, told by {by} on {at}."));
    }
    if let Some(until) = known.duplicates_until {
        lines.push(format!(
            "Until {} ({} after its end) the same firing, told late, is a duplicate and pages nobody.",
            when::precise(until, zone),
            span(duplicates_for())
        ));
    }
    lines
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

/// The short answer; all of it is in its document, which a platform may cut.
#[must_use]
pub fn card(told: &Explanation, zone: &TimeZone) -> Card {
    let title = format!("{}: why, and who was paged", headline(told));
    let taken = told.routes.iter().filter(|line| matches!(line.verdict, Verdict::Takes(_)));
    let names = taken.map(|line| {
        line.route.as_ref().map_or_else(|| "the catch-all".to_owned(), |id| plain(id.as_str(), NAME))
    });
    let mut fields = vec![field("Route", enumerate(names))];
    for group in &told.groups {
        fields.push(field(&group.id.to_string(), short(group, zone)));
    }
    let shown = told.alert.as_ref().map(|known| {
        let group = told.groups.first().map(|group| group.id.to_string());
        group.filter(|_| known.of_group).unwrap_or_else(|| known.id.to_string())
    });
    let command = shown.map(|id| format!("/alert explain {id}"));
    let alert = told.alert.as_ref().map(|known| known.id);
    Card {
        title,
        tone: Tone::Plain,
        fields,
        document: document(told, zone),
        buttons: alert.map(|id| button(id.to_string(), format!("/alert show {id}"))).into_iter().collect(),
        whole: command.map(|command| control::terminal(&command)).unwrap_or_default(),
        ..Card::default()
    }
}

/// What became of a group, in a line.
fn short(group: &GroupStory, zone: &TimeZone) -> String {
    let began = if group.joined { "it joined the open group" } else { "it opened the group" };
    let Some(last) = group.pages.last() else {
        return match (&group.policy, group.acknowledged.last()) {
            (_, Some(taken)) => format!("{began}; nobody was paged, because {} had it", taken.by),
            (None, None) => format!("{began}; its route pages nobody"),
            (Some(_), None) => match quiet::standing(group, Reader { zone, begins: None }) {
                Some(why) if group.closed_at.is_none() => format!("{began}; nobody was paged: {why}"),
                _ => format!("{began}; nobody was paged"),
            },
        };
    };
    format!("{began}; paged {}; {}", whom(&group.pages), end(last, zone))
}

fn whom(pages: &[PageStory]) -> String {
    let mut people: Vec<String> = Vec::new();
    for person in pages.iter().flat_map(|page| &page.steps).flat_map(|step| &step.people) {
        let person = plain(person.person.as_str(), NAME);
        if !people.contains(&person) {
            people.push(person);
        }
    }
    enumerate(people)
}

fn end(page: &PageStory, zone: &TimeZone) -> String {
    let Some(end) = &page.end else { return "nobody has answered yet".to_owned() };
    let at = when::precise(end.at, zone);
    match &end.why {
        EndedBecause::Acknowledged(by) => format!("{} acknowledged at {at}", actor(by)),
        EndedBecause::Resolved => format!("over at {at}"),
        EndedBecause::Replaced(newer) => format!("{newer} took its place at {at}"),
        EndedBecause::Quiet => format!("it became quiet at {at}"),
        EndedBecause::Snoozed(by) => format!("{} snoozed it at {at}", actor(by)),
        EndedBecause::Unanswered => format!("nobody answered until {at}"),
    }
}

fn actor(by: &Actor) -> String {
    plain(&by.to_string(), NAME)
}

fn note(note: &Note, zone: &TimeZone) -> String {
    match note {
        Note::RoutesChanged => {
            "The routes shown are those in force. They would send it elsewhere than it went: the \
             configuration has changed since it came."
                .to_owned()
        }
        Note::LeftOut { read } => format!(
            "Its groups have more events than are read here; the first and the last of them are told ({read})."
        ),
        Note::NoHistory => {
            "The history cannot be looked up at the moment; only what is true now is told.".to_owned()
        }
        Note::ConfigurationAlone => {
            "No server was asked: this comes from the configuration alone. Overrides, swaps, silences, maintenance and \
             accounts that people tied to themselves are not known; it is assumed that nothing else is open, so that the \
             alert joins neither a group nor an incident, and that no others come with it."
                .to_owned()
        }
        Note::OtherInstant => {
            "It is asked for another instant than now: it is assumed that nothing else is open then, neither groups nor \
             incidents. Overrides, and silences that hold then, count."
                .to_owned()
        }
        Note::Flood(flood) => quiet::flood(flood),
        Note::FiresAlready(alert) => format!(
            "{alert} fires with these labels. Should its source tell it again, nothing changes; shown is what a further \
             alert would do."
        ),
        Note::GoesOn { seconds } => format!(
            "It was followed for {}; it goes on after that.",
            span(jiff::SignedDuration::from_secs(*seconds))
        ),
        Note::SkippedTime { written, meant } => format!(
            "{} does not exist in {}: the clock jumps over it. Meant is the instant of the jump, {}.",
            plain(written, NAME),
            zone_name(zone),
            when::at(*meant, zone)
        ),
        Note::RepeatedTime { written, meant, second } => format!(
            "{} occurs twice in {}. Meant is the first, {}; the second is {}, written {second}.",
            plain(written, NAME),
            zone_name(zone),
            when::at(*meant, zone),
            when::at(*second, zone)
        ),
    }
}

/// What was asked for is no alert.
#[must_use]
pub fn alerts_only(target: Target) -> Card {
    Card {
        title: format!("{target} is neither an alert nor a group."),
        tone: Tone::Warning,
        text: "Name an alert as in A-5, or a group as in G-17. Of an incident: /incident timeline".to_owned(),
        ..Card::default()
    }
}

/// What is wrong with labels that somebody wrote, where, and how it is mended.
#[must_use]
pub fn not_labels(text: &str, no: &NotLabels) -> String {
    let why = match no.why {
        Wrong::Name => "the name of a label is expected: letters, digits and _ only, and no digit first",
        Wrong::Equals => "`=` is expected after the name of a label",
        Wrong::Matcher => "an alert has labels, not matchers: write `=` here",
        Wrong::Value => "a value is expected; an empty one is \"\"",
        Wrong::Quotes => "the quotes that begin here do not close; a quote inside is \\\"",
        Wrong::Comma => "a comma is expected between two labels; a value with blanks needs quotes",
        Wrong::Twice => "this label is there twice",
        Wrong::TooMany => "there are too many labels",
    };
    let place = no.place;
    let from = text.chars().skip(place.saturating_sub(1)).collect::<String>();
    let shown = if from.is_empty() { "the end".to_owned() } else { format!("`{}`", plain(&from, 30)) };
    format!("character {place}, at {shown}: {why}. Write service=\"qflow\",severity=\"critical\"")
}
