//! Who did what, as a table and as entries of the API. Never more than the journal says.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    card::Card,
    house,
    plain::{NAME, plain},
    timeline,
    when::{self, Times},
};
use crate::domain::{
    audit::{What, act},
    event::{Event, Record, TraceId},
    id::Seq,
    timeline::subject,
};

/// Characters of what was done that a row shows.
const ROW: usize = 160;

/// One act.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Act {
    /// Its place in the journal.
    pub seq: Seq,
    /// When (civil time).
    pub at: Timestamp,
    /// What it was about: `incident`.
    pub what: &'static str,
    /// Who.
    pub by: String,
    /// By which token, when it has a name.
    pub token: Option<String>,
    /// On whose timeline it stands, by its id (`INC-7`), if on any.
    pub subject: Option<String>,
    /// What was done.
    pub text: String,
    /// What all events of one wish have in common.
    pub trace: TraceId,
}

/// The names of tokens by what was done with them.
#[must_use]
pub fn tokens(records: &[Record]) -> BTreeMap<TraceId, String> {
    let used = records.iter().filter_map(|record| match &record.event {
        Event::TokenUsed { token, .. } => Some((record.trace, plain(token, NAME))),
        _ => None,
    });
    used.collect()
}

/// A record as an act, when it is one.
#[must_use]
pub fn entry(record: &Record, tokens: &BTreeMap<TraceId, String>, times: Times<'_>) -> Option<Act> {
    let (what, by) = act(&record.event)?;
    Some(Act {
        seq: record.seq,
        at: record.at,
        what: what.as_str(),
        by: plain(&by.to_string(), NAME),
        token: tokens.get(&record.trace).cloned(),
        subject: subject(&record.event),
        text: said(record, times)?,
        trace: record.trace,
    })
}

/// What was done. Most of it is on a timeline already.
fn said(record: &Record, times: Times<'_>) -> Option<String> {
    Some(match &record.event {
        Event::ConfigurationLoaded { digest, changes, .. } => {
            let changes: Vec<String> = changes.iter().map(house::change).collect();
            let changes =
                if changes.is_empty() { String::new() } else { format!(": {}", changes.join("; ")) };
            format!("Configuration {} came into force{changes}", plain(digest, 12))
        }
        Event::LinkOffered { .. } => "Asked for a code that ties an account to them".to_owned(),
        Event::LinkFailed { channel, .. } => format!("Gave a wrong code on {channel}"),
        _ => timeline::entry_with(record, times)?.text,
    })
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// By whom.
    pub by: Option<String>,
    /// About what.
    pub what: Option<What>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Acts as a table, the newest last; `more`: older ones were left out.
#[must_use]
pub fn card(acts: &[Act], asked: &Asked, more: bool, zone: &TimeZone) -> Card {
    let mut parts = Vec::new();
    parts.extend(asked.by.as_ref().map(|by| format!("by {}", plain(by, NAME))));
    parts.extend(asked.what.map(|what| format!("about {}", what.as_str())));
    parts.extend(asked.since.map(|since| format!("since {}", when::at(since, zone))));
    let about = if parts.is_empty() { String::new() } else { format!(" {}", parts.join(", ")) };
    let title = match acts.len() {
        0 => format!("Nobody did anything{about}."),
        1 => format!("1 act{about}"),
        count => format!("{}{count} acts{about}", if more { "The last " } else { "" }),
    };
    let mut table = Vec::new();
    if !acts.is_empty() {
        table.push(
            [&format!("when ({})", super::usage::zone_name(zone)), "who", "about", "what"]
                .map(|word: &str| word.to_owned())
                .to_vec(),
        );
        table.extend(acts.iter().map(|act| {
            let who = match &act.token {
                Some(token) => format!("{} ({token})", act.by),
                None => act.by.clone(),
            };
            // A note does not say itself where it was written.
            let about = match &act.subject {
                Some(subject) if !act.text.contains(subject.as_str()) => format!("{} {subject}", act.what),
                _ => act.what.to_owned(),
            };
            vec![when::in_table(act.at, zone), who, about, plain(&act.text, ROW)]
        }));
    }
    let text = if more { "Older ones: --limit, --since, --by, --what.".to_owned() } else { String::new() };
    Card { title, text, table, newest_last: true, whole: "GET /api/v1/audit".to_owned(), ..Card::default() }
}
