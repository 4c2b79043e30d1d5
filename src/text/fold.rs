//! Timelines as people read them: retries of one message are one entry, told where the first attempt failed. Never
//! leaves out another entry; the journal and the API keep each attempt.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::{
    plain::{ANSWER, plain},
    timeline::{Entry, entry_with},
    when::Times,
};
use crate::domain::{
    event::{Event, Record},
    id::DeliveryId,
};

/// Further attempts of a message that failed.
struct Retries<'a> {
    /// Where the first failure stands.
    entry: usize,
    count: usize,
    last: &'a Record,
}

/// The entries of these records, in their order.
#[must_use]
pub fn entries(records: &[Record], zone: &TimeZone) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut failed: BTreeMap<DeliveryId, Retries<'_>> = BTreeMap::new();
    for record in records {
        let Some(said) = entry_with(record, Times::In(zone)) else { continue };
        if let Event::AttemptFailed { delivery, .. } = &record.event {
            if let Some(retries) = failed.get_mut(delivery) {
                (retries.count, retries.last) = (retries.count + 1, record);
                continue;
            }
            failed.insert(*delivery, Retries { entry: entries.len(), count: 0, last: record });
        }
        entries.push(said);
    }
    for retries in failed.values().filter(|retries| retries.count > 0) {
        if let Some(entry) = entries.get_mut(retries.entry) {
            entry.text.push_str(&more(retries, zone));
        }
    }
    entries
}

/// `; 7 more attempts failed until 09:15:02: 502; given up`.
fn more(retries: &Retries<'_>, zone: &TimeZone) -> String {
    let Event::AttemptFailed { why, retry_at, .. } = &retries.last.event else { return String::new() };
    let attempts = if retries.count == 1 { "attempt" } else { "attempts" };
    let end = if retries.count == 1 { "at" } else { "until" };
    let at = retries.last.at.to_zoned(zone.clone()).strftime("%H:%M:%S");
    let fate = if retry_at.is_some() { "" } else { "; given up" };
    format!("; {} more {attempts} failed {end} {at}: {}{fate}", retries.count, plain(why, ANSWER))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::text::samples;

    fn failed(seconds: i64, delivery: u64, retried: bool) -> Record {
        let is_failure = |record: &&Record| matches!(record.event, Event::AttemptFailed { .. });
        let mut record = samples::records().iter().find(is_failure).unwrap().clone();
        record.at = samples::start() + SignedDuration::from_secs(seconds);
        if let Event::AttemptFailed { delivery: id, retry_at, .. } = &mut record.event {
            *id = DeliveryId(delivery);
            *retry_at = retry_at.filter(|_| retried);
        }
        record
    }

    #[test]
    fn retries_of_one_message_are_one_entry() {
        let note = samples::records().into_iter().find(|one| matches!(one.event, Event::NoteAdded { .. }));
        let records =
            [failed(0, 1, true), failed(1, 2, true), note.unwrap(), failed(2, 1, true), failed(9, 1, false)];
        let texts: Vec<String> =
            entries(&records, &TimeZone::UTC).into_iter().map(|entry| entry.text).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        let end = "; 2 more attempts failed until 09:00:09: timed out after 10 s; given up";
        assert!(texts[0].ends_with(end), "{texts:?}");
        assert!(!texts[1].contains("more"), "{texts:?}");
    }
}
