//! Looks up why an alert went where it went, and what would become of one: for the command, the API and the command line
//! alike. Never changes anything, and never holds the engine up: it hands out what matters, and is not asked again.

use std::sync::Arc;

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{
    call::VIEWS_PATIENCE,
    nearest::nearest,
    time::{self, Origin},
};
use crate::{
    domain::{
        config::Config,
        event::{AlertFired, Event, Record},
        explain::{self, Explanation, Note, Question},
        id::{AlertId, GroupId, IntegrationId},
        intent::Now,
        labels::Labels,
        timeline::Key,
    },
    engine::{Engine, Rejected},
    views::{Down, Views},
};

/// How many events are read from either end of what happened to an alert and its groups.
const READ: usize = 2_000;
/// How many events of a group are read to find its first alert.
const FIRST: usize = 20;

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explained {
    /// An alert.
    Alert(AlertId),
    /// A group, by its first alert.
    Group(GroupId),
}

/// Why there is no explanation now.
#[derive(Debug)]
pub enum Unexplained {
    /// The engine did not answer.
    Engine(Rejected),
    /// The views did not answer.
    Views(Down),
}

impl From<Rejected> for Unexplained {
    fn from(rejected: Rejected) -> Self {
        Self::Engine(rejected)
    }
}

impl From<Down> for Unexplained {
    fn from(down: Down) -> Self {
        Self::Views(down)
    }
}

/// Explains an alert that came, whether it fires or has ended; nothing when there never was one.
///
/// # Errors
/// When the engine or the views do not answer.
pub async fn explain(
    engine: &Engine,
    views: &Views,
    what: Explained,
) -> Result<Option<Explanation>, Unexplained> {
    let seq = engine.read(|look| look.state.seq).await?;
    views.wait_for(seq, VIEWS_PATIENCE).await?;
    let key = match what {
        Explained::Alert(id) => Key::Alert(id),
        Explained::Group(id) => Key::Group(id),
    };
    let first = views.records(&[key], None, FIRST).await?;
    let Some(fired) = first.iter().find_map(|record| fired(record, what)) else { return Ok(None) };
    let asked = fired.clone();
    let (config, present) = engine
        .read(move |look| (Arc::clone(look.config), explain::present(look.state, look.now, &asked)))
        .await?;
    let groups = fired.groups.iter().map(|group| Key::Group(*group));
    let incidents = present.incidents.iter().map(|incident| Key::Incident(*incident));
    let keys: Vec<Key> = std::iter::once(Key::Alert(fired.alert)).chain(groups).chain(incidents).collect();
    let (records, notes) = read(views, &keys).await?;
    let of_group = matches!(what, Explained::Group(_));
    let told = tokio::task::spawn_blocking(move || {
        explain::past(&config, present, &fired, of_group, &records, notes)
    });
    // It panics for nobody; if it did, the panic was logged where it happened.
    Ok(told.await.ok().flatten())
}

fn fired(record: &Record, what: Explained) -> Option<AlertFired> {
    let Event::AlertFired(fired) = &record.event else { return None };
    let is_it = match what {
        Explained::Alert(id) => fired.alert == id,
        Explained::Group(id) => fired.groups.contains(&id),
    };
    is_it.then(|| AlertFired::clone(fired))
}

/// The first events and the last ones; between them there may be too many.
async fn read(views: &Views, keys: &[Key]) -> Result<(Vec<Record>, Vec<Note>), Down> {
    let mut records = views.records(keys, None, READ).await?;
    if records.len() < READ {
        return Ok((records, Vec::new()));
    }
    let known = records.last().map(|record| record.seq).unwrap_or_default();
    let newest = views.latest(keys, READ).await?;
    let whole = newest.first().is_none_or(|record| record.seq <= known.next());
    records.extend(newest.into_iter().filter(|record| record.seq > known));
    let notes = if whole { Vec::new() } else { vec![Note::LeftOut { read: records.len() }] };
    Ok((records, notes))
}

/// Says what would become of an alert, with what the server knows. `at`: civil; none: now.
///
/// # Errors
/// When the engine does not answer.
pub async fn simulate(
    engine: &Engine,
    integration: IntegrationId,
    labels: Labels,
    at: Option<Timestamp>,
) -> Result<Option<Explanation>, Rejected> {
    let (config, ground, question) = engine
        .read(move |look| {
            let (open, now) = match at {
                None => (true, look.now),
                // Silences are engine time.
                Some(at) => {
                    let engine = look.now.engine.checked_add(at.duration_since(look.now.civil));
                    (false, Now { engine: engine.unwrap_or(at), civil: at })
                }
            };
            let question = Question { integration, labels, now, open };
            (Arc::clone(look.config), explain::ground(look.state, look.config, &question), question)
        })
        .await?;
    let told = tokio::task::spawn_blocking(move || {
        let mut told = explain::simulate(ground, &config, &question);
        if !question.open {
            told.notes.push(Note::OtherInstant);
        }
        told
    });
    Ok(told.await.ok())
}

/// The integration that an alert is said to come from: the one named, or the first that sends alerts.
///
/// # Errors
/// The nearest name, when nothing is called that.
pub fn integration(config: &Config, named: Option<&str>) -> Result<IntegrationId, Option<String>> {
    match named {
        Some(name) => config.integrations.keys().find(|id| id.as_str() == name).cloned().ok_or_else(|| {
            nearest(name, config.integrations.keys().map(IntegrationId::as_str)).map(str::to_owned)
        }),
        None => {
            Ok(config.integrations.keys().next().cloned().unwrap_or_else(|| IntegrationId::from("nobody")))
        }
    }
}

/// An instant as it was written, and what is odd about it.
///
/// Takes what commands take: `2026-03-29T02:30` in the reader's zone, RFC 3339, `tomorrow 09:00`.
#[must_use]
pub fn instant(written: &str, zone: &TimeZone, now: Timestamp) -> Option<(Timestamp, Option<Note>)> {
    let words: Vec<&str> = written.split_whitespace().collect();
    let (at, used) = time::instant(&words, Origin { zone, now, anchor: now })?;
    (used == words.len()).then(|| (at, odd(written, zone, at)))
}

/// A local time that the clock skips, or shows twice.
fn odd(written: &str, zone: &TimeZone, meant: Timestamp) -> Option<Note> {
    let text = written.trim();
    if text.parse::<Timestamp>().is_ok() {
        return None;
    }
    let local = text.replacen(' ', "T", 1).to_uppercase().parse::<DateTime>();
    let local = local.unwrap_or_else(|_| meant.to_zoned(zone.clone()).datetime());
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { .. } => None,
        AmbiguousOffset::Gap { .. } => Some(Note::SkippedTime { written: text.to_owned(), meant }),
        AmbiguousOffset::Fold { after, .. } => {
            let second = after.to_timestamp(local).ok()?;
            (second != meant).then(|| Note::RepeatedTime { written: text.to_owned(), meant, second })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_local_time_says_which_instant_is_meant() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let now: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        for (written, meant, kind) in [
            ("2026-03-28T02:30", "2026-03-28T01:30:00Z", ""),
            ("2026-03-29T02:30", "2026-03-29T01:00:00Z", "skipped"),
            ("2026-03-29 02:30", "2026-03-29T01:00:00Z", "skipped"),
            ("2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z", ""),
            ("2026-10-25T02:30", "2026-10-25T00:30:00Z", "twice"),
            ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z", ""),
        ] {
            let (at, odd) = instant(written, &zone, now).unwrap();
            let shown = match odd {
                None => "",
                Some(Note::SkippedTime { .. }) => "skipped",
                Some(Note::RepeatedTime { second, .. }) => {
                    assert_eq!(second.to_string(), "2026-10-25T01:30:00Z");
                    "twice"
                }
                Some(other) => panic!("{other:?}"),
            };
            assert_eq!((at.to_string().as_str(), shown), (meant, kind), "{written}");
        }
        assert_eq!(instant("someday", &zone, now), None);
        assert_eq!(instant("2026-03-28T02:30 x", &zone, now), None);
    }
}
