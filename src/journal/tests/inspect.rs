//! Verify, export and stat, also beside a server that writes.

use super::*;

#[test]
fn the_tail_that_a_server_is_writing_is_no_damage() {
    let dir = folder();
    write_batches(dir.path(), large(), &[notes(1, 3)]);
    let file = segments(dir.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    let begun = &br#"{"seq":4,"at":"2026"#[..];
    for (tail, space) in [(begun, 0), (b"", 700), (b"{", 0), (begun, 700)] {
        fs::write(&file, [&whole, tail, &vec![0; space]].concat()).unwrap();
        let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!((found.damage, found.read.events), (vec![], 3));
        assert_eq!(found.unfinished, u64::try_from(tail.len()).unwrap());
    }
}

#[test]
fn verification_goes_on_beside_a_writer() {
    let dir = folder();
    let tiny = Options { segment_bytes: 500, ..small() };
    let (mut journal, _) = FileJournal::open(dir.path(), tiny).unwrap();
    journal.append(&notes(1, 2)).unwrap();
    let mut next = 3;
    // Each report of progress lets the server write more, into new segments too.
    let found = verify(dir.path(), &mut |_| {
        if next < 60 {
            journal.append(&notes(next, 4)).unwrap();
            next += 4;
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((found.damage, found.unfinished, found.first), (vec![], 0, Seq(1)));
    assert!(found.read.segments > 3 && found.read.events > 10, "{:?}", found.read);
    let stopped = verify(dir.path(), &mut |_| ControlFlow::Break(())).unwrap();
    assert!(stopped.stopped);
}

#[test]
fn an_export_is_the_lines_of_the_events_asked_for() {
    let dir = folder();
    let batches: Vec<_> = (0..8).map(|n| notes(1 + 3 * n, 3)).collect();
    write_batches(dir.path(), small(), &batches);
    let all = batches.concat();
    let since = Some(all[19].at);
    for (selection, expected) in [
        (Selection::default(), 1..=24),
        (Selection { from: Some(Seq(5)), to: Some(Seq(9)), since: None }, 5..=9),
        (Selection { from: Some(Seq(3)), to: None, since }, 20..=24),
    ] {
        let mut out = Vec::new();
        let exported = export(dir.path(), &selection, &mut out).unwrap();
        let seqs: Vec<u64> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Record>(line).unwrap().seq.0)
            .collect();
        assert_eq!(seqs, expected.collect::<Vec<_>>());
        assert_eq!((exported.events, exported.damage.len()), (u64::try_from(seqs.len()).unwrap(), 0));
    }
}

#[test]
fn stat_counts_what_there_is() {
    let dir = folder();
    assert_eq!(stat(dir.path()).unwrap(), Stat::default());
    let mut events = notes(1, 9);
    events.extend(numbered(10, vec![record(Event::ClockStepped { by_ms: -5 })]));
    write_batches(dir.path(), small(), &[events.clone()]);
    let found = stat(dir.path()).unwrap();
    let kinds: Vec<_> = found.kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("clock_stepped", 1), ("note_added", 9)]);
    assert_eq!(found.first, Some((Seq(1), events[0].at)));
    assert_eq!(found.last, Some((Seq(10), events[9].at)));
    let bytes: u64 = segments(dir.path()).iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert_eq!((found.events, found.damaged, found.bytes), (10, 0, bytes));
}
