//! Archiving, backing up, restoring: nothing is lost on the way, and nothing is written over.

use super::*;
use crate::{
    domain::upkeep::{Erased, UpkeepEvent},
    journal::{
        archive,
        backup::{Moment, backup, backup_while, restore},
        erase::{self, Wanted},
        snapshot,
    },
};

const SHAPE: &str = "test";

/// A journal of several segments with a snapshot after `snapshot_at`.
fn kept(snapshot_at: u64) -> tempfile::TempDir {
    let dir = folder();
    let batches: Vec<_> = (0..8).map(|n| notes(1 + 3 * n, 3)).collect();
    let head = write_batches(dir.path(), small(), &batches);
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let digest = journal.reader().digest_at(Seq(snapshot_at)).unwrap().unwrap();
    let at = Head { seq: Seq(snapshot_at), digest, ..head };
    snapshot::write(dir.path(), SHAPE, &at, "the state".to_owned()).unwrap();
    assert!(segments(dir.path()).len() > 3);
    dir
}

fn late() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

fn damage(dir: &Path) -> usize {
    verify(dir, &mut |_| ControlFlow::Continue(())).unwrap().damage.len()
}

#[test]
fn only_what_no_restart_needs_is_archived() {
    for (snapshot_at, before, some) in [
        (24, late(), true),
        (12, late(), true),
        (1, late(), false),
        (24, "2026-03-01T12:00:01Z".parse().unwrap(), false),
    ] {
        let dir = kept(snapshot_at);
        let chosen = archive::choose(dir.path(), SHAPE, before).unwrap();
        assert_eq!(chosen.through().is_some(), some, "{snapshot_at} {before}");
        assert!(chosen.through().is_none_or(|through| through <= Seq(snapshot_at)));
        assert!(archive::choose(dir.path(), "another", late()).unwrap().through().is_none());
    }
}

#[test]
fn a_journal_goes_on_after_its_archive_and_both_verify_together() {
    let dir = kept(12);
    let archived = folder();
    let folders = [archived.path().display().to_string()];
    let all = segments(dir.path()).len();
    let chosen = archive::choose(dir.path(), SHAPE, late()).unwrap();
    let through = chosen.through().unwrap();
    archive::copy(dir.path(), &chosen, archived.path()).unwrap();
    // Again: what is there and the same stays.
    archive::copy(dir.path(), &chosen, archived.path()).unwrap();
    archive::note(dir.path(), &folders[0]).unwrap();
    archive::note(dir.path(), &folders[0]).unwrap();
    archive::remove(dir.path(), &chosen).unwrap();
    assert_eq!(archive::folders(dir.path()), folders);
    assert!(segments(dir.path()).len() < all && damage(dir.path()) == 0 && damage(archived.path()) == 0);

    let (mut journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let found = snapshot::latest::<String>(dir.path(), SHAPE, &*journal.reader()).unwrap();
    assert_eq!(found.snapshot.unwrap().seq, Seq(12), "the snapshot is still good");
    journal.append(&notes(25, 2)).unwrap();
    assert!(matches!(read_from(&*journal.reader(), 1).2, Err(JournalError::Missing { .. })));
    let (records, _, result) = read_from(&*journal.reader(), through.0 + 1);
    result.unwrap();
    let mut events = Vec::new();
    archive::read(dir.path(), &folders, &mut |record| events.push(record.seq)).unwrap();
    assert_eq!((events.len(), events.last()), (usize::try_from(through.0).unwrap(), Some(&through)));
    assert_eq!(records.len() + events.len(), 26);

    // A bit that turned in the archive is found, and a missing segment, too.
    let first = segments(archived.path()).remove(0);
    let bytes = fs::read(&first).unwrap();
    let mut flipped = bytes.clone();
    flipped[500] ^= 1;
    fs::write(&first, flipped).unwrap();
    let read = || archive::read(dir.path(), &folders, &mut |_| {});
    assert!(matches!(read(), Err(JournalError::Damaged(_))));
    fs::remove_file(&first).unwrap();
    assert!(matches!(read(), Err(JournalError::Missing { seq: Seq(1), .. })));
}

#[test]
fn a_damaged_segment_is_not_archived() {
    let dir = kept(12);
    let file = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[500] ^= 1;
    fs::write(&file, bytes).unwrap();
    let chosen = archive::choose(dir.path(), SHAPE, late()).unwrap();
    let archived = folder();
    assert!(matches!(archive::copy(dir.path(), &chosen, archived.path()), Err(JournalError::Damaged(_))));
}

#[test]
fn what_comes_back_is_what_was_backed_up() {
    let dir = kept(12);
    fs::write(dir.path().join("signing.key"), "key").unwrap();
    fs::create_dir(dir.path().join("pictures")).unwrap();
    fs::write(dir.path().join("pictures/one.png"), "png").unwrap();
    let (mut journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let to = folder();
    assert_eq!(backup(dir.path(), to.path()).unwrap().through, Seq(24));
    // The server goes on; the second time only what is new is copied, and the last one is whole again.
    journal.append(&notes(25, 9)).unwrap();
    let before = fs::metadata(&segments(to.path())[0]).unwrap().modified().unwrap();
    let made = backup(dir.path(), to.path()).unwrap();
    assert_eq!((made.first, made.through, made.key), (Seq(1), Seq(33), true));
    assert_eq!(fs::metadata(&segments(to.path())[0]).unwrap().modified().unwrap(), before);

    let fresh = folder();
    let data = fresh.path().join("data");
    assert_eq!(restore(to.path(), &data).unwrap(), made);
    let (restored, opened) = FileJournal::open(&data, small()).unwrap();
    assert_eq!((restored.head(), opened.torn.len()), (journal.head(), 0));
    assert_eq!(read_from(&*restored.reader(), 1).0, read_from(&*journal.reader(), 1).0);
    let found = snapshot::latest::<String>(&data, SHAPE, &*restored.reader()).unwrap();
    assert_eq!(found.snapshot.unwrap().state, "the state");
    assert_eq!(fs::read_to_string(data.join("pictures/one.png")).unwrap(), "png");
    assert_eq!(fs::read_to_string(data.join("signing.key")).unwrap(), "key");
}

#[test]
fn nothing_is_restored_over_anything_and_nothing_damaged_comes_back() {
    let dir = kept(12);
    let to = folder();
    backup(dir.path(), to.path()).unwrap();
    let refused = |from: &Path, data: &Path| restore(from, data).unwrap_err().to_string();

    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    assert!(refused(to.path(), dir.path()).contains("in use by another Watchbell"));
    drop(journal);
    assert!(refused(to.path(), dir.path()).contains("not empty"));
    let empty = folder();
    assert!(refused(empty.path(), &empty.path().join("data")).contains("backup.json"));

    let file = segments(to.path()).remove(1);
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes[600] ^= 4;
    fs::write(&file, bytes).unwrap();
    let fresh = folder();
    let said = refused(to.path(), &fresh.path().join("a"));
    assert!(said.contains(&file.display().to_string()), "{said}");
    fs::write(&file, whole).unwrap();
    let last = segments(to.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    fs::remove_file(&last).unwrap();
    assert!(refused(to.path(), &fresh.path().join("b")).contains("should end with event 24"));
    fs::write(&last, bytes).unwrap();
    restore(to.path(), &fresh.path().join("c")).unwrap();

    // A restore that was interrupted is no data folder.
    let half = folder();
    fs::create_dir(half.path().join("journal.restoring")).unwrap();
    let said = FileJournal::open(half.path(), small()).err().unwrap().to_string();
    assert!(said.contains("restore once more"), "{said}");
}

#[test]
fn a_backup_is_not_written_into_something_else() {
    let dir = kept(12);
    let to = folder();
    fs::write(to.path().join("thesis.txt"), "mine").unwrap();
    assert!(backup(dir.path(), to.path()).unwrap_err().to_string().contains("something else"));
    let other = folder();
    let to = folder();
    write_batches(other.path(), small(), &[notes(1, 1), numbered(2, vec![note("x"); 30])]);
    backup(other.path(), to.path()).unwrap();
    let said = backup(dir.path(), to.path()).unwrap_err().to_string();
    assert!(said.contains("another journal"), "{said}");
    // Damage is not carried over in silence.
    let file = segments(dir.path()).remove(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[500] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(backup(dir.path(), folder().path()), Err(JournalError::Damaged(_))));
}

/// All that is in a folder, with its contents.
fn contents(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match fs::read(&path) {
            Ok(bytes) => all.push((path, bytes)),
            Err(_) => all.extend(contents(&path)),
        }
    }
    all.sort();
    all
}

#[test]
fn nothing_is_backed_up_into_the_data_folder_whatever_its_name() {
    let dir = kept(12);
    let apart = folder();
    let link = apart.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    let parts = apart.path().join("parts");
    fs::create_dir(&parts).unwrap();
    std::os::unix::fs::symlink(dir.path().join("journal"), parts.join("journal")).unwrap();
    let before = contents(dir.path());
    for to in [
        dir.path().to_owned(),
        dir.path().join("journal"),
        dir.path().join("new/backup"),
        dir.path().join("journal/../"),
        dir.path().parent().unwrap().to_owned(),
        link.clone(),
        link.join("backup"),
        parts,
    ] {
        let said = backup(dir.path(), &to).unwrap_err().to_string();
        assert!(said.contains("name a folder apart"), "{}: {said}", to.display());
        assert!(contents(dir.path()) == before, "{}", to.display());
    }
}

#[test]
fn nothing_is_archived_into_the_data_folder_whatever_its_name() {
    let dir = kept(12);
    let chosen = archive::choose(dir.path(), SHAPE, late()).unwrap();
    let apart = folder();
    let link = apart.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    let parts = apart.path().join("parts");
    fs::create_dir(&parts).unwrap();
    std::os::unix::fs::symlink(dir.path().join("journal"), parts.join("journal")).unwrap();
    // The journal may be elsewhere itself.
    let disk = folder();
    let linked = folder();
    fs::rename(dir.path().join("journal"), disk.path().join("journal")).unwrap();
    std::os::unix::fs::symlink(disk.path().join("journal"), linked.path().join("journal")).unwrap();
    std::os::unix::fs::symlink(disk.path().join("journal"), dir.path().join("journal")).unwrap();
    let before = contents(disk.path());
    for (data, to) in [
        (dir.path(), dir.path().to_owned()),
        (dir.path(), dir.path().join("archive")),
        (dir.path(), link),
        (dir.path(), parts),
        (linked.path(), disk.path().to_owned()),
    ] {
        let said = archive::copy(data, &chosen, &to).unwrap_err().to_string();
        assert!(said.contains("name a folder apart"), "{}: {said}", to.display());
    }
    // Nor onto files that are the same ones.
    let same = folder();
    fs::create_dir(same.path().join("journal")).unwrap();
    let first = segments(dir.path()).remove(0);
    let target = same.path().join("journal").join(first.file_name().unwrap());
    std::os::unix::fs::symlink(first.canonicalize().unwrap(), target).unwrap();
    let said = archive::copy(dir.path(), &chosen, same.path()).unwrap_err().to_string();
    assert!(said.contains("no file of its own"), "{said}");
    assert!(contents(disk.path()) == before);
}

#[test]
fn the_archive_of_another_journal_is_left_as_it_is() {
    let dir = kept(12);
    let chosen = archive::choose(dir.path(), SHAPE, late()).unwrap();
    // Another journal with a segment of the same name, and one whose segments begin elsewhere.
    for records in [vec![notes(1, 1), numbered(2, vec![note("x"); 30])], vec![notes(1, 1), notes(2, 90)]] {
        let other = folder();
        write_batches(other.path(), small(), &records);
        let own = contents(dir.path());
        let before = contents(other.path());
        let said = archive::copy(dir.path(), &chosen, other.path()).unwrap_err().to_string();
        assert!(said.contains("nothing was changed"), "{said}");
        assert!(contents(other.path()) == before && contents(dir.path()) == own);
    }
}

#[test]
fn a_backup_takes_the_newest_snapshot_that_is_whole() {
    let dir = kept(12);
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let digest = journal.reader().digest_at(Seq(20)).unwrap().unwrap();
    let at = Head { seq: Seq(20), digest, ..journal.head() };
    let newest = snapshot::write(dir.path(), SHAPE, &at, "newer".to_owned()).unwrap();
    let taken = |to: &Path| {
        let home = folder();
        let data = home.path().join("data");
        restore(to, &data).unwrap();
        let (restored, _) = FileJournal::open(&data, small()).unwrap();
        snapshot::latest::<String>(&data, SHAPE, &*restored.reader()).unwrap().snapshot.unwrap().state
    };
    let to = folder();
    backup(dir.path(), to.path()).unwrap();
    assert_eq!(taken(to.path()), "newer");
    let mut bytes = fs::read(&newest).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&newest, bytes).unwrap();
    backup(dir.path(), to.path()).unwrap();
    assert_eq!(taken(to.path()), "the state", "a broken one is no way back");

    // One of events that the backup does not hold makes it none.
    let strange = Head { seq: Seq(99), digest, ..journal.head() };
    snapshot::write(dir.path(), SHAPE, &strange, "of the future".to_owned()).unwrap();
    let said = backup(dir.path(), folder().path()).unwrap_err().to_string();
    assert!(said.contains("not in it"), "{said}");
}

#[test]
fn a_segment_that_is_archived_while_all_is_looked_at_is_no_damage() {
    let dir = kept(12);
    let archived = folder();
    let chosen = archive::choose(dir.path(), SHAPE, late()).unwrap();
    assert!(chosen.segments() > 1);
    let mut done = false;
    let found = verify(dir.path(), &mut |_| {
        if !std::mem::replace(&mut done, true) {
            archive::copy(dir.path(), &chosen, archived.path()).unwrap();
            archive::remove(dir.path(), &chosen).unwrap();
        }
        ControlFlow::Continue(())
    });
    let found = found.unwrap();
    assert_eq!((found.damage, found.read.seq), (Vec::new(), Seq(24)));
    // One that is gone from the middle is.
    let dir = kept(12);
    let files = segments(dir.path());
    assert!(files.len() > 2, "{files:?}");
    let mut done = false;
    let found = verify(dir.path(), &mut |_| {
        if !std::mem::replace(&mut done, true) {
            fs::remove_file(&files[1]).unwrap();
        }
        ControlFlow::Continue(())
    });
    let found = found.unwrap();
    assert!(found.damage.iter().any(|damage| damage.file == files[1]), "{:?}", found.damage);
    assert_eq!(found.read.seq, Seq(24));
}

#[test]
fn what_cannot_be_read_is_damage_and_what_is_behind_it_is_looked_at() {
    let dir = kept(12);
    let files = segments(dir.path());
    fs::remove_file(&files[1]).unwrap();
    // The system reads no folder as a file.
    fs::create_dir(&files[1]).unwrap();
    let mut bytes = fs::read(&files[3]).unwrap();
    bytes[500] ^= 1;
    fs::write(&files[3], bytes).unwrap();
    let found = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    let damaged: Vec<_> = found.damage.iter().map(|damage| &damage.file).collect();
    assert_eq!(damaged, [&files[1], &files[3]], "{:?}", found.damage);
    assert!(found.damage[0].why.contains("cannot be read"), "{:?}", found.damage);
}

/// What a server may do to its folder while it is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    GoesOn,
    Snapshots,
    Archives,
    Erases,
}

/// A folder that something happens to; ana's words hold `note`.
struct Living {
    dir: tempfile::TempDir,
    archived: tempfile::TempDir,
    journal: FileJournal,
}

impl Living {
    fn begin(with_snapshot: bool) -> Self {
        let dir = kept(12);
        if !with_snapshot {
            fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
        }
        let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
        Self { dir, archived: folder(), journal }
    }

    fn append(&mut self, event: Event) {
        let next = self.journal.head().seq.0 + 1;
        self.journal.append(&numbered(next, vec![record(event)])).unwrap();
    }

    fn snapshot(&self) -> Seq {
        let head = self.journal.head();
        snapshot::write(self.dir.path(), SHAPE, &head, "the state".to_owned()).unwrap();
        head.seq
    }

    fn does(&mut self, what: Meanwhile) {
        match what {
            Meanwhile::GoesOn => self.journal.append(&notes(self.journal.head().seq.0 + 1, 9)).unwrap(),
            // Each takes the place of the older of two.
            Meanwhile::Snapshots => {
                for _ in 0..2 {
                    self.append(Event::Upkeep(Box::new(UpkeepEvent::Whole)));
                    self.snapshot();
                }
            }
            Meanwhile::Archives => {
                self.does(Meanwhile::GoesOn);
                self.does(Meanwhile::Snapshots);
                let chosen = archive::choose(self.dir.path(), SHAPE, late()).unwrap();
                archive::copy(self.dir.path(), &chosen, self.archived.path()).unwrap();
                archive::note(self.dir.path(), &self.archived.path().display().to_string()).unwrap();
                archive::remove(self.dir.path(), &chosen).unwrap();
            }
            Meanwhile::Erases => {
                let (dir, upto) = (self.dir.path().to_owned(), self.journal.head().seq);
                let wanted = Wanted { person: Some("ana".into()), ..Wanted::default() };
                let found = erase::find(&dir, &wanted, upto).unwrap();
                let erased = Erased {
                    whose: wanted.person,
                    seq: None,
                    before: None,
                    texts: found.texts(),
                    digests: found.digests.clone(),
                    outputs: [].into(),
                    by: Actor::Operator,
                };
                let pending = erase::begin(&dir, upto, erased.clone(), found).unwrap();
                self.append(Event::Upkeep(Box::new(UpkeepEvent::Erased(erased))));
                erase::overwrite(&dir, &pending).unwrap();
                snapshot::remove_before(&dir, self.snapshot()).unwrap();
                erase::finish(&dir).unwrap();
            }
        }
    }
}

#[test]
fn whatever_a_server_does_meanwhile_a_backup_is_whole_or_says_why_not() {
    let moments = [
        Moment::Begun,
        Moment::SnapshotCopied,
        Moment::SegmentCopied,
        Moment::JournalCopied,
        Moment::AllCopied,
    ];
    let all = [Meanwhile::GoesOn, Meanwhile::Snapshots, Meanwhile::Archives, Meanwhile::Erases];
    for (moment, what) in moments.iter().flat_map(|moment| all.map(|what| (*moment, what))) {
        for with_snapshot in [true, false] {
            let mut living = Living::begin(with_snapshot);
            let (data, to) = (living.dir.path().to_owned(), folder());
            let mut done = false;
            let made = backup_while(&data, to.path(), &mut |now| {
                if now == moment && !done {
                    done = true;
                    living.does(what);
                }
            });
            let said = format!("{what:?} at {moment:?}, with a snapshot: {with_snapshot}");
            let made = made.unwrap_or_else(|error| panic!("{said}: {error}"));
            let fresh = folder();
            let restored = fresh.path().join("data");
            assert_eq!(restore(to.path(), &restored).unwrap(), made, "{said}");
            assert_eq!(damage(&restored), 0, "{said}");
            let (journal, _) = FileJournal::open(&restored, small()).unwrap();
            let found = snapshot::latest::<String>(&restored, SHAPE, &*journal.reader()).unwrap();
            assert!(found.skipped.is_empty(), "{said}: {:?}", found.skipped);
            assert!(made.first == Seq(1) || found.snapshot.is_some(), "{said}: it cannot be started from");
            if what == Meanwhile::Erases {
                let words = contents(to.path())
                    .into_iter()
                    .any(|(_, bytes)| memchr::memmem::find(&bytes, b"\"note ").is_some());
                assert!(!words, "{said}: words that were erased are in the backup");
            }
            // The next one goes on with it, or says what it lacks.
            living.does(Meanwhile::GoesOn);
            if let Err(error) = backup(&data, to.path()) {
                let lacks = error.to_string().contains("name another folder");
                assert!(what == Meanwhile::Archives && lacks, "{said}: {error}");
            }
        }
    }
}

#[test]
fn a_backup_that_an_archive_has_overtaken_says_what_to_do_and_changes_nothing() {
    let mut living = Living::begin(true);
    let (data, to) = (living.dir.path().to_owned(), folder());
    backup(&data, to.path()).unwrap();
    living.does(Meanwhile::GoesOn);
    living.does(Meanwhile::Archives);
    let before = contents(to.path());
    let said = backup(&data, to.path()).unwrap_err().to_string();
    let archived = living.archived.path();
    assert!(said.contains(&archived.display().to_string()) && said.contains("nothing was changed"), "{said}");
    assert_eq!(contents(to.path()), before);
    // As it says.
    for file in segments(archived) {
        fs::copy(&file, to.path().join("journal").join(file.file_name().unwrap())).unwrap();
    }
    let made = backup(&data, to.path()).unwrap();
    assert_eq!((made.first, made.through), (Seq(1), living.journal.head().seq));
}

#[test]
fn a_restore_over_a_running_server_is_refused_by_every_name_of_its_folder() {
    let (dir, to, names) = (kept(12), folder(), folder());
    backup(dir.path(), to.path()).unwrap();
    let (_running, _) = FileJournal::open(dir.path(), small()).unwrap();
    let before = contents(dir.path());
    let link = names.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).unwrap();
    let twice = names.path().join("twice");
    std::os::unix::fs::symlink("link", &twice).unwrap();
    let round = dir.path().join("journal/..");
    for name in [dir.path(), &link, &twice, &round, &link.join(".")] {
        let said = restore(to.path(), name).unwrap_err().to_string();
        assert!(said.contains("in use by another Watchbell"), "{}: {said}", name.display());
    }
    assert_eq!(contents(dir.path()), before, "and nothing was changed");
}
