//! Snapshots: the newest good one is found, whatever else lies there.

use std::collections::BTreeMap;

use super::*;
use crate::journal::snapshot::{self, Found, InParts};

type State = BTreeMap<String, u64>;

impl InParts for State {
    type Part = (String, u64);

    fn into_parts(self) -> Vec<Self::Part> {
        self.into_iter().collect()
    }

    fn from_parts(parts: impl Iterator<Item = Self::Part>) -> Self {
        parts.collect()
    }
}

impl InParts for String {
    type Part = Self;

    fn into_parts(self) -> Vec<Self> {
        vec![self]
    }

    fn from_parts(parts: impl Iterator<Item = Self>) -> Self {
        parts.collect()
    }
}

fn state(seq: u64) -> State {
    [("groups".to_owned(), seq), ("pages".to_owned(), 7)].into()
}

/// A journal of nine events with snapshots after 3, 6 and 9.
fn with_snapshots(dir: &Path) -> FileJournal {
    let (mut journal, _) = FileJournal::open(dir, large()).unwrap();
    for first in [1, 4, 7] {
        journal.append(&notes(first, 3)).unwrap();
        snapshot::write(dir, "1", &journal.head(), state(first + 2)).unwrap();
    }
    journal
}

fn latest(dir: &Path, schema: &str, journal: &dyn Journal) -> (Option<u64>, Vec<String>) {
    let Found { snapshot, skipped } = snapshot::latest::<State>(dir, schema, &*journal.reader()).unwrap();
    let seq = snapshot.map(|snapshot| {
        assert_eq!(snapshot.state, state(snapshot.seq.0));
        snapshot.seq.0
    });
    (seq, skipped.into_iter().map(|skipped| skipped.why).collect())
}

#[test]
fn the_newest_is_used_and_the_last_two_are_kept() {
    let dir = folder();
    let journal = with_snapshots(dir.path());
    assert_eq!(latest(dir.path(), "1", &journal), (Some(9), vec![]));
    let mut names: Vec<_> = fs::read_dir(dir.path().join("snapshots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["0000000006.snap", "0000000009.snap"]);
    let (none, skipped) = latest(dir.path(), "2", &journal);
    assert_eq!((none, skipped.len()), (None, 2));
    assert!(skipped[0].contains("another shape"), "{skipped:?}");
}

#[test]
fn what_a_process_began_that_ended_is_removed() {
    let dir = folder();
    let journal = with_snapshots(dir.path());
    let piece = dir.path().join("snapshots/0000000008.tmp");
    fs::write(&piece, b"half of a state").unwrap();
    snapshot::write(dir.path(), "1", &journal.head(), state(9)).unwrap();
    assert!(!piece.exists());
}

#[test]
fn a_snapshot_with_any_flipped_bit_or_cut_anywhere_is_passed_over() {
    let dir = folder();
    let journal = with_snapshots(dir.path());
    let newest = dir.path().join("snapshots/0000000009.snap");
    let bytes = fs::read(&newest).unwrap();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        for broken in [&flipped[..], &bytes[..at]] {
            fs::write(&newest, broken).unwrap();
            let (seq, skipped) = latest(dir.path(), "1", &journal);
            assert_eq!((seq, skipped.len()), (Some(6), 1), "byte {at}");
        }
    }
}

#[test]
fn a_snapshot_of_another_journal_is_passed_over() {
    let dir = folder();
    drop(with_snapshots(dir.path()));
    fs::remove_dir_all(dir.path().join("journal")).unwrap();
    // Shorter than the snapshots, then with other events at their places.
    let (mut journal, _) = FileJournal::open(dir.path(), large()).unwrap();
    journal.append(&numbered(1, vec![note("another"); 6])).unwrap();
    let (seq, skipped) = latest(dir.path(), "1", &journal);
    assert_eq!((seq, skipped.len()), (None, 2));
    assert!(skipped.iter().all(|why| why.contains("another journal")), "{skipped:?}");
    let Found { skipped, .. } = snapshot::latest::<State>(dir.path(), "1", &*journal.reader()).unwrap();
    let beyond: Vec<bool> = skipped.iter().map(|skipped| skipped.beyond).collect();
    assert_eq!(beyond, [true, false], "the journal ends before the newest one");
    let empty = folder();
    assert_eq!(latest(empty.path(), "1", &journal), (None, vec![]));
}

#[test]
fn a_name_that_lies_is_noticed() {
    let dir = folder();
    let journal = with_snapshots(dir.path());
    let folder = dir.path().join("snapshots");
    fs::copy(folder.join("0000000006.snap"), folder.join("0000000009.snap")).unwrap();
    let (seq, skipped) = latest(dir.path(), "1", &journal);
    assert_eq!((seq, skipped), (Some(6), vec!["it has the name of another one".to_owned()]));
}
