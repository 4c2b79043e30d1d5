//! Tries to break the journal: cut, flipped, full, locked, crashed. Never waits for real time.

use std::{fs, ops::ControlFlow, path::Path};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::{
    event::{Actor, AlertFired, Event, FORMAT, TraceId},
    id::{AlertId, DeliveryId, GroupId, IncidentId},
    incident::IncidentStatus,
    prose::Prose,
};

mod ahead;
mod damage;
mod erase;
mod files;
mod inspect;
mod keeping;
mod memory;
mod snapshots;
mod torn;

/// An empty folder; in memory where the system offers that, because these tests sync thousands of times.
pub(super) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A record without its place; [`numbered`] gives it one.
pub(super) fn record(event: Event) -> Record {
    let at = "2026-03-01T12:00:00Z".parse().unwrap();
    Record { seq: Seq(0), at, clock: None, v: FORMAT, trace: TraceId(7), last: true, event }
}

/// A note by a person.
pub(super) fn note(text: &str) -> Record {
    let text = Prose::new(text, [text.len().to_le_bytes()[0]; 16]);
    let by = Actor::Person("ana".into());
    record(Event::NoteAdded { incident: IncidentId(7), text, by })
}

/// Gives records consecutive sequences from `first` on, and each its own second.
pub(super) fn numbered(first: u64, records: Vec<Record>) -> Vec<Record> {
    let place = |(seq, record): (u64, Record)| {
        let at = record.at + SignedDuration::from_secs(i64::try_from(seq).unwrap());
        Record { seq: Seq(seq), at, ..record }
    };
    (first..).zip(records).map(place).collect()
}

/// `count` notes as one intent each.
pub(super) fn notes(first: u64, count: u64) -> Vec<Record> {
    numbered(first, (0..count).map(|n| note(&format!("note \"{n}\" é\n"))).collect())
}

/// Segments that hold a handful of lines, and no reserve.
pub(super) fn small() -> Options {
    Options { segment_bytes: 3000, reserve_bytes: 0, ahead_bytes: 0 }
}

/// One segment, no reserve.
pub(super) fn large() -> Options {
    Options { reserve_bytes: 0, ..Options::default() }
}

/// Everything from `from` on, with the error that ended it.
pub(super) fn read_from(
    reader: &dyn Reader,
    from: u64,
) -> (Vec<Record>, Vec<Position>, Result<(), JournalError>) {
    let (mut records, mut positions) = (Vec::new(), Vec::new());
    let result = reader.scan(Seq(from), &mut |record, position| {
        records.push(record);
        positions.push(position);
        ControlFlow::Continue(())
    });
    (records, positions, result)
}

/// Opens a journal, appends the batches and closes it again.
pub(super) fn write_batches(dir: &Path, options: Options, batches: &[Vec<Record>]) -> Head {
    let (mut journal, _) = FileJournal::open(dir, options).unwrap();
    for batch in batches {
        journal.append(batch).unwrap();
    }
    journal.head()
}

/// The files of a journal, oldest first.
pub(super) fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

/// Files that were kept beside.
pub(super) fn torn_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "torn")).collect()
}

/// Some kinds of events, with text from outside that tries to look like the journal's own.
pub(super) fn any_record() -> impl Strategy<Value = Record> {
    let text = prop_oneof![
        any::<String>(),
        Just(r#"","salt":"00","text":"x"#.to_owned()),
        Just(r#"{"sha":"","salt":"","text":""},"last":true,"event":{"h":"\"}"#.to_owned()),
        Just("\n\u{0}\u{2028}".to_owned()),
    ];
    let label =
        prop_oneof!["[a-z]{1,8}", Just("salt".to_owned()), Just("sha".to_owned()), Just("text".to_owned())];
    let labels = prop::collection::btree_map(label, text.clone(), 0..6);
    let event = prop_oneof![
        (text.clone(), any::<[u8; 16]>()).prop_map(|(text, salt)| Event::StatusChanged {
            incident: IncidentId(1),
            status: IncidentStatus::default(),
            text: Some(Prose::new(&text, salt)),
            by: Actor::Operator,
        }),
        any::<i64>().prop_map(|by_ms| Event::ClockStepped { by_ms }),
        any::<u64>().prop_map(|id| Event::AttemptStarted { delivery: DeliveryId(id), attempt: 1 }),
        (text, labels).prop_map(|(key, labels)| Event::AlertFired(Box::new(AlertFired {
            alert: AlertId(1),
            key: key.into(),
            integration: "prometheus".into(),
            source_group: None,
            annotations: labels.iter().collect(),
            labels: labels.into_iter().collect(),
            starts_at: Timestamp::UNIX_EPOCH,
            graph: None,
            source: None,
            severity: None,
            groups: vec![GroupId(1)],
        }))),
    ];
    (event, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(|(event, last, clock, trace)| Record {
        last,
        clock: clock.then_some(Timestamp::UNIX_EPOCH),
        trace: TraceId(trace),
        ..record(event)
    })
}

/// Batches of whole intents with consecutive sequences.
pub(super) fn any_batches() -> impl Strategy<Value = Vec<Vec<Record>>> {
    let batch = prop::collection::vec(any_record(), 1..6);
    prop::collection::vec(batch, 1..8).prop_map(|batches| {
        let mut next = 1;
        let mut place = |mut batch: Vec<Record>| {
            batch.last_mut().unwrap().last = true;
            let batch = numbered(next, batch);
            next += u64::try_from(batch.len()).unwrap();
            batch
        };
        batches.into_iter().map(&mut place).collect()
    })
}

#[test]
fn a_position_survives_as_bytes_and_sorts_like_the_records() {
    let early = Position { segment: 1, offset: u32::MAX, len: 7 };
    let late = Position { segment: 1 << 40, offset: 180, len: 600 };
    for position in [early, late] {
        assert_eq!(Position::from_bytes(position.to_bytes()), position);
    }
    assert!(early.to_bytes() < late.to_bytes());
}

#[test]
fn a_digest_is_exactly_64_lower_case_digits() {
    let zeros = "0".repeat(64);
    assert_eq!(Digest::from_hex(zeros.as_bytes()), Some(Digest::default()));
    assert_eq!(Digest::default().to_string(), zeros);
    for wrong in [&zeros[1..], &zeros.replace('0', "A"), &format!("{zeros}00"), &zeros.replace('0', "g")] {
        assert_eq!(Digest::from_hex(wrong.as_bytes()), None, "{wrong}");
    }
}
