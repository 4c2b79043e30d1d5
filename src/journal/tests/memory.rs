//! The journal of the simulation crashes like the real one.

use super::*;

#[test]
fn a_crash_keeps_what_it_is_told_to_and_only_whole_intents_survive() {
    // (what the disk keeps of a batch of intents with 1, 2 and 1 events, the head after it, how many were cut)
    for (keep, head, torn) in [
        (Keep::Nothing, 3, 0),
        (Keep::Records(1), 4, 0),
        (Keep::Records(2), 4, 1),
        (Keep::Records(3), 6, 0),
        (Keep::Records(9), 7, 0),
        (Keep::Whole, 7, 0),
    ] {
        let disk = MemoryDisk::default();
        let (mut journal, _) = MemoryJournal::open(disk.clone());
        journal.append(&notes(1, 3)).unwrap();
        let mut second = notes(4, 4);
        second[1].last = false;
        disk.fail_next_append(keep);
        assert!(journal.append(&second).is_err());
        assert!(journal.append(&second).is_err(), "a failed journal stays failed");
        assert_eq!((journal.head().seq, journal.reader().committed()), (Seq(3), Seq(3)));

        let other = disk.fork();
        let (mut journal, cut) = MemoryJournal::open(disk);
        assert_eq!((journal.head().seq, cut), (Seq(head), torn), "{keep:?}");
        journal.append(&notes(head + 1, 1)).unwrap();
        let expected = [notes(1, 3), second].concat();
        let (records, positions, result) = read_from(&*journal.reader(), 1);
        result.unwrap();
        assert_eq!(records[..records.len() - 1], expected[..records.len() - 1]);
        assert_eq!(journal.reader().read_at(positions[2]).unwrap(), records[2]);
        assert_eq!(u64::try_from(other.len()).unwrap(), head + u64::try_from(torn).unwrap());
    }
}

#[test]
fn readers_follow_the_memory_journal() {
    let mut journal = MemoryJournal::default();
    let reader = journal.reader();
    assert_eq!(reader.digest_at(Seq(0)).unwrap(), Some(Digest::default()));
    journal.append(&notes(1, 2)).unwrap();
    assert_eq!(*reader.watch().borrow(), Seq(2));
    assert_eq!(reader.digest_at(Seq(2)).unwrap(), Some(journal.head().digest));
    assert_eq!(reader.digest_at(Seq(3)).unwrap(), None);
    let mut seen = Vec::new();
    reader
        .scan(Seq(0), &mut |record, _| {
            seen.push(record.seq);
            // Appending during a visit does not block.
            if record.seq == Seq(2) {
                journal.append(&notes(3, 1)).unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, [Seq(1), Seq(2), Seq(3)]);
}
