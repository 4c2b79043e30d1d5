//! Space that is made ahead: zeros behind the last line are no part of the journal, for nobody who reads it.

use super::{super::file::Failure, *};

/// A next segment of 64 KiB, asked for when 1 KiB is left of the 4 KiB that a start makes.
fn ahead() -> Options {
    Options { ahead_bytes: 64 * 1024, ..large() }
}

/// The folder of a journal as it stands after a crash: the files of a process that still runs.
fn crashed(dir: &Path) -> tempfile::TempDir {
    let copy = folder();
    fs::create_dir(copy.path().join("journal")).unwrap();
    for entry in fs::read_dir(dir.join("journal")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join("journal").join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn zeros_of(file: &Path) -> usize {
    fs::read(file).unwrap().iter().rev().take_while(|byte| **byte == 0).count()
}

/// How many events can be read: all, from the first on.
fn read(journal: &FileJournal) -> u64 {
    let (records, _, result) = read_from(&*journal.reader(), 1);
    result.unwrap();
    assert!((1..).map(Seq).zip(&records).all(|(seq, record)| record.seq == seq));
    u64::try_from(records.len()).unwrap()
}

/// Appends notes until the next segment is made; there is still space for one more.
fn until_next(journal: &mut FileJournal) {
    while !journal.next_is_ready() {
        journal.append(&notes(journal.head().seq.0 + 1, 1)).unwrap();
    }
}

/// Appends notes until there are so many segments.
fn until_segments(journal: &mut FileJournal, dir: &Path, count: usize) {
    while segments(dir).len() < count {
        journal.append(&notes(journal.head().seq.0 + 1, 1)).unwrap();
        journal.next_is_ready();
    }
}

#[test]
fn zeros_behind_the_last_line_are_seen_by_nobody() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    journal.append(&notes(1, 3)).unwrap();
    journal.append(&notes(4, 2)).unwrap();
    let file = segments(dir.path()).remove(0);
    assert!(zeros_of(&file) > 1024);
    let lines = fs::read(&file).unwrap().len() - zeros_of(&file);

    // Beside the process that writes.
    assert_eq!(read(&journal), 5);
    let verified = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((verified.read.events, verified.damage, verified.unfinished), (5, vec![], 0));
    let stat = stat(dir.path()).unwrap();
    assert_eq!((stat.events, stat.bytes, stat.damaged), (5, u64::try_from(lines).unwrap(), 0));
    let mut out = Vec::new();
    export(dir.path(), &Selection::default(), &mut out).unwrap();
    assert_eq!((memchr::memchr_iter(b'\n', &out).count(), out.contains(&0)), (5, false));

    // After a crash it goes on in the same space.
    let copy = crashed(dir.path());
    let (mut again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
    assert!(opened.torn.is_empty() && opened.damage.is_empty(), "{opened:?}");
    again.append(&notes(6, 2)).unwrap();
    assert_eq!(read(&again), 7);
    let after = segments(copy.path()).remove(0);
    assert_eq!(fs::metadata(&after).unwrap().len(), fs::metadata(&file).unwrap().len());

    // At rest there are lines alone.
    drop((again, journal));
    assert_eq!((zeros_of(&file), zeros_of(&after)), (0, 0));
    assert!(fs::read(&after).unwrap().ends_with(b"\n"));
}

#[test]
fn a_batch_that_reached_the_space_in_part_leaves_the_whole_intents_before() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    journal.append(&notes(1, 3)).unwrap();
    let begins = fs::read(&segments(dir.path())[0]).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    journal.append(&notes(4, 4)).unwrap();
    let bytes = fs::read(&segments(dir.path())[0]).unwrap();
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).map(|newline| newline + 1).collect();
    let mut tails = 0;
    for len in begins..=*ends.last().unwrap() {
        let copy = crashed(dir.path());
        let mut torn = bytes.clone();
        torn[len..].fill(0);
        fs::write(&segments(copy.path())[0], &torn).unwrap();
        let (mut again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
        let whole = u64::try_from(ends.iter().filter(|end| **end <= len).count() - 1).unwrap();
        assert_eq!(again.head().seq, Seq(whole), "cut at {len}");
        assert!(opened.damage.is_empty());
        // What is kept of it is what was written, without the zeros.
        let kept =
            opened.torn.iter().map(|torn| fs::read(&torn.kept_in).unwrap()).collect::<Vec<_>>().concat();
        let end = ends.iter().rfind(|end| **end <= len).unwrap();
        assert_eq!(kept, bytes[*end..len], "cut at {len}");
        tails += opened.torn.len();
        again.append(&notes(whole + 1, 2)).unwrap();
        assert_eq!(read(&again), whole + 2);
    }
    assert!(tails > 100, "{tails}");
}

#[test]
fn the_next_segment_is_ready_when_the_space_ends() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_segments(&mut journal, dir.path(), 3);
    let events = journal.head().seq.0;
    let files = segments(dir.path());
    assert_eq!((zeros_of(&files[0]), zeros_of(&files[1])), (0, 0));
    // Made ahead, and as long as it was made.
    assert_eq!(fs::metadata(&files[2]).unwrap().len(), 64 * 1024);
    assert_eq!(read(&journal), events);
    let verified = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((verified.read.segments, verified.read.events, verified.damage), (3, events, vec![]));
    drop(journal);
    assert!(!dir.path().join("journal/next.part").exists());
    let (journal, opened) = FileJournal::open(dir.path(), ahead()).unwrap();
    assert_eq!((journal.head().seq, opened.torn.len()), (Seq(events), 0));
}

#[test]
fn what_a_crash_leaves_of_the_next_segment_is_cleared_away() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_segments(&mut journal, dir.path(), 2);
    let events = journal.head().seq.0;
    // The process ended before it cut the space off that it had left behind, and while it made the one after it.
    let copy = crashed(dir.path());
    let before = segments(copy.path()).remove(0);
    let mut bytes = fs::read(&before).unwrap();
    bytes.resize(bytes.len() + 5000, 0);
    fs::write(&before, bytes).unwrap();
    fs::write(copy.path().join("journal/next.part"), [0; 700]).unwrap();
    let verified = verify(copy.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((verified.read.events, verified.damage), (events, vec![]));
    let (again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
    assert!(opened.torn.is_empty() && opened.damage.is_empty());
    assert_eq!(zeros_of(&before), 0);
    assert!(!copy.path().join("journal/next.part").exists());
    assert_eq!(read(&again), events);
}

#[test]
fn a_full_disk_gets_the_space_that_was_made_ahead() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_next(&mut journal);
    let events = journal.head().seq.0;
    assert!(dir.path().join("journal/next.part").exists());
    journal.fail_next(Failure::Full(100));
    journal.append(&notes(events + 1, 1)).unwrap();
    assert!(!dir.path().join("journal/next.part").exists());
    assert_eq!(zeros_of(&segments(dir.path())[0]), 0);
    assert!(journal.reader().degraded().unwrap().contains("disk is full"));
    assert_eq!(read(&journal), events + 1);
}

#[test]
fn a_full_disk_gets_the_zeros_of_the_segment_when_there_is_nothing_else() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    journal.append(&notes(1, 1)).unwrap();
    journal.fail_next(Failure::Full(100));
    journal.append(&notes(2, 1)).unwrap();
    assert_eq!((zeros_of(&segments(dir.path())[0]), read(&journal)), (0, 2));
}

#[test]
fn a_next_segment_that_is_gone_is_no_reason_to_fail() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_next(&mut journal);
    let events = journal.head().seq.0;
    journal.fail_next(Failure::Begin);
    journal.append(&notes(events + 1, 20)).unwrap();
    assert_eq!((segments(dir.path()).len(), read(&journal)), (1, events + 20));
    // The next one is as good as ever.
    until_segments(&mut journal, dir.path(), 2);
    let events = journal.head().seq.0;
    drop(journal);
    let (journal, opened) = FileJournal::open(dir.path(), ahead()).unwrap();
    assert_eq!((opened.torn.len(), read(&journal)), (0, events));
}

#[test]
fn a_name_that_the_disk_has_forgotten_is_given_again() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_segments(&mut journal, dir.path(), 2);
    let events = journal.head().seq.0;
    let copy = crashed(dir.path());
    let last = segments(copy.path()).pop().unwrap();
    let next = copy.path().join("journal/next.part");
    fs::rename(&last, &next).unwrap();
    let (again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
    assert_eq!((opened.torn.len(), read(&again)), (0, events));
    assert!(last.exists() && !next.exists());
    drop(again);
    // A second one is kept aside, and so is what nobody can read; a header alone never held an answer.
    let aside = copy.path().join("journal/next.torn");
    let whole = fs::read(&last).unwrap();
    let header = memchr::memchr(b'\n', &whole).unwrap() + 1;
    for (bytes, kept) in [(&whole[..], true), (&b"what is this"[..], true), (&whole[..header], false)] {
        fs::write(&next, bytes).unwrap();
        let (again, _) = FileJournal::open(copy.path(), ahead()).unwrap();
        assert_eq!(read(&again), events);
        assert_eq!((aside.exists(), next.exists()), (kept, false));
        if kept {
            assert_eq!(fs::read(&aside).unwrap(), bytes);
            fs::remove_file(&aside).unwrap();
        }
    }
}

#[test]
fn a_header_that_is_left_of_the_next_segment_is_no_part_of_the_journal() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_segments(&mut journal, dir.path(), 2);
    journal.append(&notes(journal.head().seq.0 + 1, 2)).unwrap();
    let copy = crashed(dir.path());
    // The header of the segment that would have been next, and a batch that is torn in the one before.
    let last = segments(copy.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let header = memchr::memchr(b'\n', &bytes).unwrap() + 1;
    fs::write(copy.path().join("journal/next.part"), &bytes[..header]).unwrap();
    let mut torn = bytes.clone();
    torn[end - 10..].fill(0);
    fs::write(&last, torn).unwrap();
    let (again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
    assert_eq!((opened.torn.len(), again.head().seq.0 + 1), (1, journal.head().seq.0));
    assert_eq!(segments(copy.path()).len(), 2);
}

#[test]
fn whatever_sectors_of_a_batch_are_lost_in_the_space_no_answer_is_lost_and_nothing_is_damage() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    journal.append(&notes(1, 3)).unwrap();
    let begins = fs::read(&segments(dir.path())[0]).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    journal.append(&notes(4, 9)).unwrap();
    let bytes = fs::read(&segments(dir.path())[0]).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let sectors: Vec<usize> = (begins / 512..=end / 512).collect();
    assert!((5..12).contains(&sectors.len()), "{}", sectors.len());
    for lost in 1..1_u32 << sectors.len() {
        let mut torn = bytes.clone();
        for (_, sector) in sectors.iter().enumerate().filter(|(bit, _)| lost & (1 << bit) != 0) {
            torn[(sector * 512).max(begins)..((sector + 1) * 512).min(bytes.len())].fill(0);
        }
        let copy = crashed(dir.path());
        fs::write(&segments(copy.path())[0], &torn).unwrap();
        let (mut again, opened) = FileJournal::open(copy.path(), ahead()).unwrap();
        let kept = again.head().seq.0;
        assert!((3..12).contains(&kept) && opened.damage.is_empty(), "{lost:b}: {kept}, {opened:?}");
        again.append(&notes(kept + 1, 2)).unwrap();
        assert_eq!(read(&again), kept + 2);
    }
}

#[test]
fn nothing_but_zeros_where_a_segment_was_is_damage() {
    let dir = folder();
    let (mut journal, _) = FileJournal::open(dir.path(), ahead()).unwrap();
    until_segments(&mut journal, dir.path(), 2);
    for which in [0, 1] {
        let copy = crashed(dir.path());
        let file = segments(copy.path()).remove(which);
        let len = fs::read(&file).unwrap().len();
        fs::write(&file, vec![0; len]).unwrap();
        let verified = verify(copy.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        let [damage] = &verified.damage[..] else { panic!("{verified:?}") };
        assert_eq!((&damage.file, &*damage.why), (&file, "the header is not complete"));
        let opened = FileJournal::open(copy.path(), ahead());
        assert_eq!(opened.is_err(), which == 1, "what is needed is refused");
        drop(opened);
        assert_eq!(fs::read(&file).unwrap().len(), len, "damage is not cut");
    }
    // The same of a journal with a single event.
    let one = folder();
    write_batches(one.path(), large(), &[notes(1, 1)]);
    let file = segments(one.path()).remove(0);
    let len = fs::read(&file).unwrap().len();
    fs::write(&file, vec![0; len]).unwrap();
    assert!(FileJournal::open(one.path(), large()).is_err());
    assert_eq!(verify(one.path(), &mut |_| ControlFlow::Continue(())).unwrap().damage.len(), 1);
}
