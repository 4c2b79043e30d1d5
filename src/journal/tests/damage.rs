//! Flipped bits: each is found, with file, line and event, and nothing is cut.

use super::*;

/// Flips one bit of a file.
fn flip(path: &Path, byte: usize, bit: u32) {
    let mut bytes = fs::read(path).unwrap();
    bytes[byte] ^= 1 << bit;
    fs::write(path, bytes).unwrap();
}

/// Everything that reads the journal from its beginning must find the first damage at this line.
fn assert_found(dir: &Path, file: &Path, line: u64, what: &str) {
    let found = verify(dir, &mut |_| ControlFlow::Continue(())).unwrap();
    let first = found.damage.first().unwrap_or_else(|| panic!("{what}: verify finds nothing: {found:?}"));
    assert_eq!((first.file.as_path(), first.line), (file, line), "{what}: {:?}", found.damage);
    if line > 1 {
        let base: u64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert_eq!(first.seq, Seq(base + line - 2), "{what}");
    }
    // One flip breaks one line, or two when it made or removed a newline.
    assert!(found.damage.len() <= 2, "{what}: {:?}", found.damage);

    let before = fs::read(file).unwrap();
    let error = match FileJournal::open(dir, small()) {
        Ok((journal, opened)) => {
            assert!(opened.torn.is_empty(), "{what}: {opened:?}");
            read_from(&*journal.reader(), 1).2.unwrap_err()
        }
        Err(error) => error,
    };
    match error {
        JournalError::Damaged(damage) => {
            assert_eq!((damage.file.as_path(), damage.line), (file, line), "{what}: {damage}");
        }
        JournalError::Newer { file: found, line: 1, .. } => assert_eq!((found.as_path(), line), (file, 1)),
        other => panic!("{what}: {other}"),
    }
    assert_eq!(fs::read(file).unwrap(), before, "{what}: the file was changed");
}

#[test]
fn every_flipped_bit_is_found_where_it_is() {
    let written = folder();
    let batches: Vec<_> = (0..4).map(|n| notes(1 + 3 * n, 3)).collect();
    write_batches(written.path(), small(), &batches);
    let files = segments(written.path());
    assert!(files.len() > 1);
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let dir = folder();
        fs::create_dir(dir.path().join("journal")).unwrap();
        for other in &files {
            fs::copy(other, dir.path().join("journal").join(other.file_name().unwrap())).unwrap();
        }
        let copy = dir.path().join("journal").join(file.file_name().unwrap());
        // A prime step visits every kind of place, in each segment up to its very last byte.
        for byte in (0..bytes.len()).step_by(13).chain([bytes.len() - 2, bytes.len() - 1]) {
            let bit = u32::try_from(byte % 8).unwrap();
            let line = 1 + memchr::memchr_iter(b'\n', &bytes[..byte]).count();
            flip(&copy, byte, bit);
            let what =
                format!("bit {bit} of byte {byte} ({:?}) in {}", char::from(bytes[byte]), copy.display());
            assert_found(dir.path(), &copy, u64::try_from(line).unwrap(), &what);
            fs::write(&copy, &bytes).unwrap();
        }
    }
}

#[test]
fn a_newline_that_flips_before_a_torn_tail_is_damage_and_not_torn() {
    let dir = folder();
    write_batches(dir.path(), large(), &[notes(1, 3)]);
    let file = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 1] = b'\x0b';
    bytes.extend_from_slice(br#"{"seq":4,"at""#);
    fs::write(&file, &bytes).unwrap();
    let error = FileJournal::open(dir.path(), large()).err().unwrap();
    assert!(
        matches!(&error, JournalError::Damaged(damage) if damage.line == 4 && damage.seq == Seq(3)),
        "{error}"
    );
    assert!(error.to_string().contains("Nothing was changed"));
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn lines_and_files_that_are_missing_are_found() {
    let dir = folder();
    let batches: Vec<_> = (0..8).map(|n| notes(1 + 3 * n, 3)).collect();
    write_batches(dir.path(), small(), &batches);
    let files = segments(dir.path());
    let whole = fs::read_to_string(&files[0]).unwrap();
    let mut lines: Vec<&str> = whole.split_inclusive('\n').collect();
    lines.remove(2);
    fs::write(&files[0], lines.concat()).unwrap();
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((found.damage.len(), found.damage[0].line, found.damage[0].seq), (1, 3, Seq(2)));
    assert!(found.damage[0].why.contains("not the event that belongs here"));

    // The end of a segment in the middle is no torn tail.
    fs::write(&files[0], &whole[..whole.len() - 40]).unwrap();
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(found.damage[0].file, files[0]);
    fs::write(&files[0], &whole).unwrap();

    fs::remove_file(&files[1]).unwrap();
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!((&found.damage[0].file, found.damage[0].line), (&files[2], 1));
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    assert!(matches!(read_from(&*journal.reader(), 1).2, Err(JournalError::Missing { .. })));
}

#[test]
fn damage_that_need_not_be_replayed_stops_nothing() {
    let dir = folder();
    write_batches(dir.path(), large(), &[notes(1, 5), notes(6, 5)]);
    let file = segments(dir.path()).remove(0);
    let text = fs::read_to_string(&file).unwrap();
    flip(&file, text.find("\"seq\":3,").unwrap() + 30, 0);
    let (mut journal, opened) = FileJournal::open(dir.path(), large()).unwrap();
    assert_eq!((opened.damage.len(), opened.damage[0].line, opened.damage[0].seq), (1, 4, Seq(3)));
    journal.append(&notes(11, 1)).unwrap();
    let reader = journal.reader();
    let (records, _, result) = read_from(&*reader, 6);
    assert!(result.is_ok() && records.len() == 6);
    let (records, _, result) = read_from(&*reader, 1);
    assert!(result.is_err() && records.len() == 2);
}

#[test]
fn a_segment_that_cannot_be_opened_is_said_and_the_others_are_looked_at() {
    let dir = folder();
    let batches: Vec<_> = (0..8).map(|n| notes(1 + 3 * n, 3)).collect();
    write_batches(dir.path(), small(), &batches);
    let files = segments(dir.path());
    assert!(files.len() > 3);
    // A link to itself: the system refuses to open it, as it does with a disk that gives errors.
    fs::remove_file(&files[1]).unwrap();
    std::os::unix::fs::symlink(&files[1], &files[1]).unwrap();
    let other = &files[2];
    let text = fs::read_to_string(other).unwrap();
    flip(other, text.rfind("\"salt\"").unwrap() - 10, 0);
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    let first = &found.damage[0];
    assert_eq!((&first.file, first.seq, first.unread), (&files[1], seq_of(&files[1]), true), "{first}");
    assert!(first.why.starts_with("it cannot be opened: "), "{first}");
    assert!(found.damage.iter().any(|damage| &damage.file == other && !damage.unread), "{:?}", found.damage);
    assert!(
        found.damage.iter().all(|damage| [&files[1], other].contains(&&damage.file)),
        "{:?}",
        found.damage
    );
}

/// The first event of a segment, by its name.
fn seq_of(file: &Path) -> Seq {
    Seq(file.file_stem().unwrap().to_str().unwrap().parse().unwrap())
}
