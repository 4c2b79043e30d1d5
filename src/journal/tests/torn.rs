//! Torn writes: what was under way when the power went is set aside; what was answered stays.

use super::*;

/// Two batches: three whole events, then three intents of 1, 2 and 1 events.
fn batches() -> [Vec<Record>; 2] {
    let mut second = notes(4, 4);
    second[1].last = false;
    [notes(1, 3), second]
}

/// The bytes of the only segment, and where its lines end.
fn bytes_and_ends(dir: &Path) -> (Vec<u8>, Vec<usize>) {
    let bytes = fs::read(&segments(dir)[0]).unwrap();
    let ends = memchr::memchr_iter(b'\n', &bytes).map(|newline| newline + 1).collect();
    (bytes, ends)
}

/// A folder whose only segment holds these bytes.
fn folder_with(bytes: &[u8]) -> tempfile::TempDir {
    let dir = folder();
    fs::create_dir(dir.path().join("journal")).unwrap();
    fs::write(dir.path().join("journal/0000000001.jsonl"), bytes).unwrap();
    dir
}

/// The last whole intent that ends at or before `len`.
fn whole_at(ends: &[usize], len: usize) -> u64 {
    match ends.iter().filter(|end| **end <= len).count() {
        0..=4 => 3,
        5 | 6 => 4,
        7 => 6,
        _ => 7,
    }
}

#[test]
fn a_batch_cut_at_any_byte_leaves_the_whole_intents_before() {
    let written = folder();
    write_batches(written.path(), large(), &batches());
    let all = batches().concat();
    let (bytes, ends) = bytes_and_ends(written.path());
    for len in ends[3]..bytes.len() {
        let dir = folder_with(&bytes[..len]);
        let (mut journal, opened) = FileJournal::open(dir.path(), large()).unwrap();
        let whole = whole_at(&ends, len);
        let end = ends[usize::try_from(whole).unwrap()];
        assert_eq!(journal.head().seq, Seq(whole), "cut at {len}");
        assert!(opened.damage.is_empty());
        if end == len {
            assert!(opened.torn.is_empty() && torn_files(dir.path()).is_empty());
        } else {
            let [torn] = &opened.torn[..] else { panic!("cut at {len}: {opened:?}") };
            assert_eq!(
                (torn.after, fs::read(&torn.kept_in).unwrap()),
                (Seq(whole), bytes[end..len].to_vec())
            );
            assert_eq!(torn_files(dir.path()), std::slice::from_ref(&torn.kept_in));
        }
        // It goes on from there.
        journal.append(&notes(whole + 1, 1)).unwrap();
        let (records, _, result) = read_from(&*journal.reader(), 1);
        result.unwrap();
        let kept = usize::try_from(whole).unwrap();
        assert_eq!((&records[..kept], records.len()), (&all[..kept], kept + 1));
    }
}

#[test]
fn zeros_that_fill_the_sectors_of_the_last_batch_are_torn() {
    let written = folder();
    write_batches(written.path(), large(), &batches());
    let (bytes, ends) = bytes_and_ends(written.path());
    let sectors = (ends[3] / 512..=bytes.len() / 512).map(|sector| sector * 512);
    for sector in sectors {
        let lost = sector.max(ends[3])..(sector + 512).min(bytes.len());
        let mut bytes = bytes.clone();
        bytes[lost.clone()].fill(0);
        let dir = folder_with(&bytes);
        let (journal, opened) = FileJournal::open(dir.path(), large()).unwrap();
        assert_eq!(journal.head().seq, Seq(whole_at(&ends, lost.start)), "{lost:?}");
        assert_eq!(opened.torn.len(), 1);
    }
    // All of the batch: nothing of it is left to keep, and zeros at the end are space for what comes.
    let mut zeros = bytes.clone();
    zeros[ends[3]..].fill(0);
    let (journal, opened) = FileJournal::open(folder_with(&zeros).path(), large()).unwrap();
    assert_eq!((journal.head().seq, opened.torn.len()), (Seq(3), 0));
    // The same zeros inside a batch that something follows are damage.
    let mut earlier = bytes.clone();
    earlier[512..1024].fill(0);
    let dir = folder_with(&earlier);
    let (journal, opened) = FileJournal::open(dir.path(), large()).unwrap();
    assert_eq!((journal.head().seq, opened.torn.len()), (Seq(7), 0));
    assert!(!opened.damage.is_empty());
    assert!(matches!(read_from(&*journal.reader(), 1).2, Err(JournalError::Damaged(_))));
}

#[test]
fn a_tear_in_the_same_place_again_does_not_overwrite_what_was_kept() {
    let dir = folder();
    write_batches(dir.path(), large(), &[notes(1, 3)]);
    let file = segments(dir.path()).remove(0);
    for (times, tail) in [(1, "one"), (2, "two"), (2, "two")] {
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend_from_slice(tail.as_bytes());
        fs::write(&file, bytes).unwrap();
        let (_, opened) = FileJournal::open(dir.path(), large()).unwrap();
        assert_eq!(fs::read_to_string(&opened.torn[0].kept_in).unwrap(), tail);
        assert_eq!(torn_files(dir.path()).len(), times);
    }
}

#[test]
fn a_segment_that_was_being_made_is_made_anew() {
    let batches: Vec<_> = (0..4).map(|n| notes(1 + 3 * n, 3)).collect();
    let header = r#"{"watchbell_journal":1,"first":13,"prev"#;
    for len in 0..header.len() {
        let dir = folder();
        let head = write_batches(dir.path(), small(), &batches);
        fs::write(dir.path().join("journal/0000000013.jsonl"), &header[..len]).unwrap();
        let (mut journal, opened) = FileJournal::open(dir.path(), small()).unwrap();
        assert_eq!((journal.head(), opened.torn.len()), (head, 1));
        journal.append(&notes(13, 8)).unwrap();
        assert_eq!(read_from(&*journal.reader(), 1).0.len(), 20);
    }
    let dir = folder_with(b"");
    let (mut journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    journal.append(&notes(1, 1)).unwrap();
}

#[test]
fn an_empty_segment_takes_its_time_from_the_one_before() {
    let dir = folder();
    let head = write_batches(dir.path(), small(), &[notes(1, 6), notes(7, 6)]);
    let last = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let header = memchr::memchr(b'\n', &bytes).unwrap() + 1;
    fs::write(&last, &bytes[..header]).unwrap();
    let (journal, opened) = FileJournal::open(dir.path(), small()).unwrap();
    assert!(opened.torn.is_empty());
    assert!(journal.head().seq < head.seq && journal.head().at.is_some() && journal.head().at < head.at);
}
