//! What is written is read: round trips, segments, positions, the batch's rules, a full disk, a failed sync.

use super::*;
use crate::journal::file::Failure;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_appended_is_read_again_from_anywhere(batches in any_batches(), tiny in any::<bool>()) {
        let dir = folder();
        let options = if tiny { small() } else { large() };
        let head = write_batches(dir.path(), options, &batches);
        let all: Vec<Record> = batches.concat();

        let (journal, opened) = FileJournal::open(dir.path(), options).unwrap();
        prop_assert!(opened.torn.is_empty() && opened.damage.is_empty());
        prop_assert_eq!(journal.head(), head);
        let reader = journal.reader();
        prop_assert_eq!(reader.committed().0, u64::try_from(all.len()).unwrap());
        for from in 0..=all.len() + 1 {
            let (records, positions, result) = read_from(&*reader, u64::try_from(from).unwrap());
            result.unwrap();
            prop_assert_eq!(&records[..], all.get(from.max(1) - 1..).unwrap_or_default());
            for (record, position) in records.iter().zip(positions) {
                prop_assert_eq!(&reader.read_at(position).unwrap(), record);
            }
        }
        let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        prop_assert_eq!((found.damage, found.read.events), (vec![], head.seq.0));
    }
}

#[test]
fn segments_follow_one_another_and_an_old_one_may_be_archived() {
    let dir = folder();
    let batches: Vec<_> = (0..20).map(|n| notes(1 + 3 * n, 3)).collect();
    let head = write_batches(dir.path(), small(), &batches);
    let files = segments(dir.path());
    assert!(files.len() > 5, "{files:?}");

    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let reader = journal.reader();
    let digests: Vec<_> = (0..=60).map(|seq| reader.digest_at(Seq(seq)).unwrap().unwrap()).collect();
    assert_eq!((digests[0], digests[60]), (Digest::default(), head.digest));
    assert_eq!(reader.digest_at(Seq(61)).unwrap(), None);

    fs::remove_file(&files[0]).unwrap();
    drop(journal);
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let reader = journal.reader();
    assert!(matches!(read_from(&*reader, 1).2, Err(JournalError::Missing { seq: Seq(1), .. })));
    // The digest before the oldest segment is in its header.
    let oldest: u64 = files[1].file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let at = usize::try_from(oldest).unwrap() - 1;
    assert_eq!(reader.digest_at(Seq(oldest - 1)).unwrap(), Some(digests[at]));
    assert_eq!(reader.digest_at(Seq(oldest - 2)).unwrap(), None);
    assert_eq!(u64::try_from(read_from(&*reader, oldest).0.len()).unwrap(), 61 - oldest);
}

#[test]
fn a_long_segment_is_searched_without_reading_all_of_it() {
    let dir = folder();
    write_batches(dir.path(), large(), &[notes(1, 3000)]);
    let (journal, _) = FileJournal::open(dir.path(), large()).unwrap();
    let reader = journal.reader();
    for from in [1, 2, 17, 1500, 2999, 3000] {
        let mut first = None;
        let found = reader.scan(Seq(from), &mut |record, _| {
            first = Some(record.seq);
            ControlFlow::Break(())
        });
        assert_eq!((found.is_ok(), first), (true, Some(Seq(from))));
    }
}

#[test]
fn readers_see_a_batch_as_soon_as_it_is_durable_and_not_before() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let reader = journal.reader();
    let watch = reader.watch();
    let mut seen = 0;
    for batch in 0..30 {
        journal.append(&notes(1 + batch * 2, 2)).unwrap();
        assert_eq!(reader.wait_beyond(Seq(seen), Duration::MAX), Seq(seen + 2));
        assert_eq!(*watch.borrow(), Seq(seen + 2));
        assert_eq!(read_from(&*reader, seen + 1).0.len(), 2);
        seen += 2;
    }
    assert_eq!(reader.wait_beyond(Seq(60), Duration::ZERO), Seq(60));
    // A batch whose sync failed is in the file, but nobody is shown it.
    journal.fail_next(Failure::Sync);
    assert!(matches!(journal.append(&notes(61, 2)), Err(JournalError::Io { doing: "sync", .. })));
    assert_eq!((reader.committed(), read_from(&*reader, 59).0.len()), (Seq(60), 2));
    assert!(matches!(journal.append(&notes(61, 2)), Err(JournalError::Poisoned)));
}

#[test]
fn a_batch_has_no_gap_and_ends_with_a_whole_intent() {
    let mut unfinished = notes(1, 2);
    unfinished[1].last = false;
    let mut gap = notes(1, 2);
    gap[1].seq = Seq(3);
    for (batch, why) in
        [(unfinished, "not marked"), (gap, "event 3 stands where 2"), (notes(2, 1), "where 1")]
    {
        let dir = folder();
        let (mut journal, _) = FileJournal::open(dir.path(), small()).unwrap();
        journal.append(&[]).unwrap();
        let error = journal.append(&batch).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!(MemoryJournal::default().append(&batch).unwrap_err().to_string(), error);
    }
}

#[test]
fn a_full_disk_gets_the_reserve_and_the_batch_is_kept() {
    let dir = folder();
    let options = Options { reserve_bytes: 100_000, ..large() };
    let (mut journal, _) = FileJournal::open(dir.path(), options).unwrap();
    let reserve = dir.path().join("reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 100_000);
    journal.append(&notes(1, 2)).unwrap();
    assert_eq!(journal.reader().degraded(), None);
    journal.fail_next(Failure::Full(100));
    journal.append(&notes(3, 2)).unwrap();
    assert!(!reserve.exists());
    assert!(journal.reader().degraded().unwrap().contains("disk is full"));
    journal.append(&notes(5, 2)).unwrap();
    // Nothing is left to give: now it is over.
    journal.fail_next(Failure::Full(100));
    assert!(matches!(journal.append(&notes(7, 2)), Err(JournalError::Io { .. })));
    assert!(matches!(journal.append(&notes(7, 2)), Err(JournalError::Poisoned)));
    drop(journal);
    let (journal, opened) = FileJournal::open(dir.path(), options).unwrap();
    assert_eq!((journal.head().seq, opened.torn.len()), (Seq(6), 1));
    assert_eq!(read_from(&*journal.reader(), 1).0, notes_of(&[(1, 2), (3, 2), (5, 2)]));
    assert!(reserve.exists());
}

fn notes_of(batches: &[(u64, u64)]) -> Vec<Record> {
    batches.iter().flat_map(|(first, count)| notes(*first, *count)).collect()
}

#[test]
fn what_a_newer_release_wrote_is_refused_and_left_alone() {
    let dir = folder();
    let mut newer = notes(1, 3);
    newer[1].v = FORMAT + 1;
    write_batches(dir.path(), large(), &[newer]);
    let (journal, _) = FileJournal::open(dir.path(), large()).unwrap();
    let (records, _, result) = read_from(&*journal.reader(), 1);
    assert_eq!(records.len(), 1);
    let error = result.unwrap_err();
    assert!(matches!(error, JournalError::Newer { line: 3, version, .. } if version == FORMAT + 1));
    assert!(error.to_string().contains("Start the newer release"), "{error}");
    drop(journal);

    // As the last event it is met at once.
    let dir = folder();
    let mut newer = notes(1, 1);
    newer[0].v = FORMAT + 1;
    write_batches(dir.path(), large(), &[newer]);
    assert!(matches!(FileJournal::open(dir.path(), large()), Err(JournalError::Newer { line: 2, .. })));
}

#[test]
fn two_journals_cannot_share_a_folder() {
    let dir = folder();
    let open = || FileJournal::open(dir.path(), large());
    let first = open().unwrap();
    assert!(matches!(open(), Err(JournalError::Locked { .. })));
    drop(first);
    open().unwrap();
}

#[test]
fn erased_words_leave_the_chain_whole() {
    let dir = folder();
    let secret = "the password is \"hunter2\"\n";
    write_batches(dir.path(), large(), &[numbered(1, vec![note("before"), note(secret), note("after")])]);
    let file = &segments(dir.path())[0];
    let text = fs::read_to_string(file).unwrap();
    let words = serde_json::to_string(secret).unwrap();
    let start = text.find(&words).unwrap();
    let salt = start - r#"","text":"#.len() - 32;
    let erased = format!("\"{}\"", " ".repeat(words.len() - 2));
    let mut bytes = text.into_bytes();
    bytes[salt..salt + 32].fill(b'0');
    bytes[start..start + words.len()].copy_from_slice(erased.as_bytes());
    fs::write(file, bytes).unwrap();

    let (journal, _) = FileJournal::open(dir.path(), large()).unwrap();
    let (records, _, result) = read_from(&*journal.reader(), 1);
    result.unwrap();
    let Event::NoteAdded { text, .. } = &records[1].event else { panic!("{records:?}") };
    assert!(text.is_erased());
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((found.damage, found.read.events), (vec![], 3));
}
