//! Copies a data folder while the server runs, and brings it back into an empty one. Never changes the folder that is
//! copied, never calls a copy good that was not read back line by line, and never restores over anything.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    ops::ControlFlow,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    DataLock, JournalError,
    apart::{self, Parent},
    archive::{self, copy_file},
    erase,
    segment::{self, Segment},
    snapshot, verify,
    walk::{Step, walk},
};
use crate::domain::{
    event::{Event, Record},
    id::Seq,
    upkeep::UpkeepEvent,
};

/// Says that a folder is a backup, and what it holds; written last.
const MANIFEST: &str = "backup.json";
/// Version of that file.
const FORMAT: u16 = 1;
/// How often a snapshot that gave way is followed by the next.
const TRIES: u32 = 5;
/// The journal's folder while it is being restored.
pub(super) const RESTORING: &str = "journal.restoring";
/// Small files beside the journal that go along when they are there.
const BESIDE: &[&str] = &["signing.key", "archives"];

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    #[serde(rename = "watchbell_backup")]
    format: u16,
    /// The release that wrote it.
    pub release: String,
    /// The first event.
    pub first: Seq,
    /// The last event.
    pub through: Seq,
    /// How many segments.
    pub segments: u64,
    /// Whether the key that signs links is in it; otherwise it comes from the configuration.
    pub key: bool,
}

fn no(doing: &'static str, dir: &Path, why: impl Into<String>) -> JournalError {
    JournalError::io(doing, dir)(io::Error::other(why.into()))
}

/// Between which steps of a backup something may happen to the folder that is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Begun,
    SnapshotCopied,
    SegmentCopied,
    JournalCopied,
    AllCopied,
}

/// Copies the data folder into `to`: all segments up to the last whole intent that is synced, the newest snapshot,
/// pictures, the signing key. What is there already from an earlier backup and is the same stays. Blocks on the disk.
///
/// # Errors
/// When `to` is something else, the copy is not whole, or the system refuses.
pub fn backup(data_dir: &Path, to: &Path) -> Result<Backup, JournalError> {
    backup_while(data_dir, to, &mut |_| {})
}

/// As [`backup`]; `at` is called between its steps.
pub(super) fn backup_while(
    data_dir: &Path,
    to: &Path,
    at: &mut dyn FnMut(Moment),
) -> Result<Backup, JournalError> {
    let parts = ["journal", "snapshots", "pictures"];
    apart::check("back up to", data_dir, to, &parts, Parent::MayNot)?;
    refuse_while_erasing(data_dir)?;
    make_private(to)?;
    let from = data_dir.join("journal");
    let copy = to.join("journal");
    let there: Vec<Seq> = segment::list(&copy)?;
    for _ in 0..TRIES {
        // In this order: what was erased up to here is gone from the journal, or its note is there.
        let before = last_event(&from)?;
        refuse_while_erasing(data_dir)?;
        let segments = segment::list(&from)?;
        drop_copies_of_what_left(&copy, &segments, &there)?;
        may_go_on(data_dir, &segments, to)?;
        at(Moment::Begun);
        // The snapshot goes first: the events up to it are all there when the segments follow.
        let snapshot = copy_snapshot(data_dir, to)?;
        at(Moment::SnapshotCopied);
        let whole_journal = copy_journal(data_dir, to, at)?;
        at(Moment::JournalCopied);
        copy_beside(data_dir, to)?;
        at(Moment::AllCopied);
        refuse_while_erasing(data_dir)?;
        // Words that were erased meanwhile would come back with the copy, also those in a snapshot that gave way.
        let stands = snapshot.as_ref().is_none_or(|(_, file)| file.exists());
        // What was archived meanwhile is told by a newer snapshot than the one that was copied, if any was.
        let begins = segment::list(&from)?.first() == segments.first();
        if whole_journal && begins && stands && !erased_since(&from, before)? {
            return finished(to, snapshot.map(|(seq, _)| seq));
        }
    }
    Err(no("back up", data_dir, "its snapshots and segments change too fast: try again"))
}

/// Reads the copy back, and says what it is.
fn finished(to: &Path, snapshot: Option<Seq>) -> Result<Backup, JournalError> {
    let read = whole(to)?;
    if snapshot.is_some_and(|seq| seq > read.read.seq) {
        return Err(no("back up", to, "its snapshot is of events that are not in it: try again"));
    }
    let made = Backup {
        format: FORMAT,
        release: env!("CARGO_PKG_VERSION").into(),
        first: read.first,
        through: read.read.seq,
        segments: read.read.segments,
        key: to.join("signing.key").exists(),
    };
    write_manifest(to, &made)?;
    Ok(made)
}

/// The last event that is in the journal now.
fn last_event(from: &Path) -> Result<Seq, JournalError> {
    let Some(last) = segment::list(from)?.last().copied() else { return Ok(Seq(0)) };
    last_in(from, last)
}

/// The last event from this segment on.
fn last_in(dir: &Path, first: Seq) -> Result<Seq, JournalError> {
    let mut last = Seq(first.0.saturating_sub(1));
    walk(dir, first, &mut |step| {
        if let Step::Line { mark, .. } = step {
            last = mark.seq;
        }
        ControlFlow::Continue(())
    })?;
    Ok(last)
}

/// Whether words were erased after this event.
fn erased_since(from: &Path, before: Seq) -> Result<bool, JournalError> {
    let mut erased = false;
    walk(from, before.next(), &mut |step| {
        if let Step::Line { mark, bytes, .. } = step
            && mark.seq > before
            && memchr::memmem::find(bytes, br#""erased""#).is_some()
        {
            let record = serde_json::from_slice::<Record>(bytes);
            erased |= record.is_ok_and(|record| match &record.event {
                Event::Upkeep(what) => matches!(**what, UpkeepEvent::Erased(_)),
                _ => false,
            });
        }
        if erased { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(erased)
}

/// Removes copies that this backup has made itself of segments that were archived meanwhile: what follows them was
/// perhaps not copied any more.
fn drop_copies_of_what_left(copy: &Path, segments: &[Seq], there: &[Seq]) -> Result<(), JournalError> {
    let Some(oldest) = segments.first() else { return Ok(()) };
    for gone in segment::list(copy)?.into_iter().filter(|seq| seq < oldest && !there.contains(seq)) {
        let path = segment::path_of(copy, gone);
        fs::remove_file(&path).map_err(JournalError::io("remove", path))?;
    }
    Ok(())
}

/// Pictures, the key, where segments were archived to.
fn copy_beside(data_dir: &Path, to: &Path) -> Result<(), JournalError> {
    copy_folder(&data_dir.join("pictures"), &to.join("pictures"))?;
    for name in BESIDE {
        if data_dir.join(name).exists() {
            copy_file(&data_dir.join(name), &to.join(name))?;
        }
    }
    Ok(())
}

/// Whether all of it could be copied; otherwise a segment was archived meanwhile.
fn copy_journal(data_dir: &Path, to: &Path, at: &mut dyn FnMut(Moment)) -> Result<bool, JournalError> {
    let (from, copy) = (data_dir.join("journal"), to.join("journal"));
    make_private(&copy)?;
    let segments = segment::list(&from)?;
    let Some((last, sealed)) = segments.split_last() else {
        return Err(no("back up", data_dir, "there is no journal in it"));
    };
    let left = |first: Seq| !segment::path_of(&from, first).exists();
    for first in sealed {
        match copy_file(&segment::path_of(&from, *first), &segment::path_of(&copy, *first)) {
            Err(_) if left(*first) => return Ok(false),
            copied => copied?,
        }
        at(Moment::SegmentCopied);
    }
    match copy_end(&from, &copy, *last) {
        Err(_) if left(*last) => return Ok(false),
        copied => copied?,
    }
    segment::sync_dir(&copy).map_err(JournalError::io("sync", &copy))?;
    Ok(true)
}

fn refuse_while_erasing(data_dir: &Path) -> Result<(), JournalError> {
    match erase::pending(data_dir)? {
        Some(_) => Err(no("back up", data_dir, "words are being erased: try again when that is done")),
        None => Ok(()),
    }
}

/// An empty folder, or an earlier backup of the same journal.
fn may_go_on(data_dir: &Path, segments: &[Seq], to: &Path) -> Result<(), JournalError> {
    let (from, copy) = (data_dir.join("journal"), to.join("journal"));
    let is_backup = to.join(MANIFEST).exists();
    let begun = copy.is_dir();
    let empty = fs::read_dir(to).map_err(JournalError::io("list", to))?.next().is_none();
    if !(is_backup || begun || empty) {
        return Err(no("back up to", to, "the folder holds something else; nothing was changed"));
    }
    let theirs = segment::list(&copy)?;
    for first in &theirs {
        let previous = Segment::open(&copy, *first)?.header.previous;
        let ours = segments.contains(first).then(|| Segment::open(&from, *first)).transpose()?;
        // What is older than our first one was archived since.
        let strange = segments.first().is_some_and(|oldest| first > oldest);
        if ours.map_or(strange, |ours| ours.header.previous != previous) {
            let why = "it holds a backup of another journal; nothing was changed";
            return Err(no("back up to", to, why));
        }
    }
    let Some(oldest) = segments.first() else { return Ok(()) };
    let Some(older) = theirs.into_iter().rfind(|first| first < oldest) else { return Ok(()) };
    let end = last_in(&copy, older)?;
    if end.next() == *oldest {
        return Ok(());
    }
    let archives = archive::folders(data_dir);
    let archives = if archives.is_empty() { "an archive".to_owned() } else { archives.join(", ") };
    let why = format!(
        "it holds a backup up to event {end}, and the journal begins with event {oldest} now: what is between was moved \
         to {archives}. Copy those segments into its folder journal, or name another folder; nothing was changed"
    );
    Err(no("back up to", to, why))
}

/// Copies the last segment up to its last whole intent. What the server has written is on disk before it is copied.
fn copy_end(from: &Path, copy: &Path, last: Seq) -> Result<(), JournalError> {
    let path = segment::path_of(from, last);
    let file = File::open(&path).map_err(JournalError::io("open", &path))?;
    file.sync_all().map_err(JournalError::io("sync", &path))?;
    let mut end = Segment::open(from, last)?.records;
    let mut wrong = None;
    walk(from, last, &mut |step| {
        match step {
            Step::Line { file, .. } if file != path => return ControlFlow::Break(()),
            Step::Line { mark, bytes, offset, .. } if mark.last => {
                end = offset + segment::len_u64(bytes.len()) + 1;
            }
            Step::Damage(damage) => {
                wrong = Some(damage);
                return ControlFlow::Break(());
            }
            Step::Line { .. } | Step::Segment { .. } => {}
        }
        ControlFlow::Continue(())
    })?;
    if let Some(damage) = wrong {
        return Err(JournalError::Damaged(Box::new(damage)));
    }
    let (to, draft) = (segment::path_of(copy, last), copy.join("last.part"));
    let write = || -> io::Result<()> {
        let mut out = File::create(&draft)?;
        let copied = io::copy(&mut (&file).take(end), &mut out)?;
        if copied != end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out.sync_all()?;
        fs::rename(&draft, &to)
    };
    write().map_err(JournalError::io("copy to", &to))
}

/// The newest snapshot that is whole, alone: older ones may hold words that were erased since. Gives its event, and
/// the file that was copied.
fn copy_snapshot(data_dir: &Path, to: &Path) -> Result<Option<(Seq, PathBuf)>, JournalError> {
    let copy = to.join("snapshots");
    make_private(&copy)?;
    let mut copied = None;
    for _ in 0..TRIES {
        let Some((seq, file)) = snapshot::newest_whole(data_dir)? else { break };
        match copy_file(&file, &copy.join(file.file_name().unwrap_or_default())) {
            // A newer one took its place meanwhile.
            Err(JournalError::Io { .. }) if !file.exists() => {}
            done => {
                done?;
                copied = Some((seq, file));
                break;
            }
        }
    }
    for entry in fs::read_dir(&copy).map_err(JournalError::io("list", &copy))? {
        let path = entry.map_err(JournalError::io("list", &copy))?.path();
        if copied.as_ref().and_then(|(_, file)| file.file_name()) != path.file_name() {
            fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
        }
    }
    segment::sync_dir(&copy).map_err(JournalError::io("sync", &copy))?;
    Ok(copied)
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), JournalError> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(JournalError::io("list", from)(error)),
    };
    make_private(to)?;
    for entry in entries {
        let entry = entry.map_err(JournalError::io("list", from))?;
        let file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !file {
            continue;
        }
        match copy_file(&entry.path(), &to.join(entry.file_name())) {
            // A picture gave way meanwhile.
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    segment::sync_dir(to).map_err(JournalError::io("sync", to))
}

/// Verifies a whole folder.
fn whole(dir: &Path) -> Result<super::Verified, JournalError> {
    let found = verify(dir, &mut |_| ControlFlow::Continue(()))?;
    match found.damage.first() {
        Some(damage) => Err(JournalError::Damaged(Box::new(damage.clone()))),
        None if found.unfinished > 0 => Err(no("read back", dir, "its last event is not whole")),
        None => Ok(found),
    }
}

fn write_manifest(to: &Path, made: &Backup) -> Result<(), JournalError> {
    let (path, draft) = (to.join(MANIFEST), to.join("backup.part"));
    let write = || -> io::Result<()> {
        let mut out = File::create(&draft)?;
        serde_json::to_writer_pretty(&mut out, made)?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::rename(&draft, &path)?;
        segment::sync_dir(to)
    };
    write().map_err(JournalError::io("write", &path))
}

fn make_private(dir: &Path) -> Result<(), JournalError> {
    // Names, notes and titles are nobody else's business.
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(JournalError::io("make", dir))
}

/// Brings a backup back into `data_dir`, which must be empty or not there. Blocks on the disk.
///
/// # Errors
/// When a server runs there, the folder is not empty, the backup is damaged, or the system refuses.
pub fn restore(from: &Path, data_dir: &Path) -> Result<Backup, JournalError> {
    let manifest = from.join(MANIFEST);
    let text = fs::read(&manifest).map_err(JournalError::io("read", &manifest))?;
    let made: Backup = serde_json::from_slice(&text)
        .ok()
        .filter(|made: &Backup| made.format == FORMAT)
        .ok_or_else(|| no("read", &manifest, "it is not the list of a backup that this release knows"))?;
    let _lock = DataLock::acquire(data_dir)?;
    let others = fs::read_dir(data_dir).map_err(JournalError::io("list", data_dir))?;
    if others.filter_map(Result::ok).any(|entry| entry.file_name() != "lock") {
        let why =
            "the folder is not empty, and nothing is restored over anything. Name an empty one with --data";
        return Err(no("restore into", data_dir, why));
    }
    let found = whole(from)?;
    if found.read.seq != made.through {
        let why =
            format!("it ends with event {}, and should end with event {}", found.read.seq, made.through);
        return Err(no("restore from", from, why));
    }
    let restoring = data_dir.join(RESTORING);
    copy_folder(&from.join("journal"), &restoring)?;
    copy_folder(&from.join("snapshots"), &data_dir.join("snapshots"))?;
    copy_folder(&from.join("pictures"), &data_dir.join("pictures"))?;
    for name in BESIDE {
        if from.join(name).exists() {
            copy_file(&from.join(name), &data_dir.join(name))?;
        }
    }
    let journal = data_dir.join("journal");
    fs::rename(&restoring, &journal)
        .and_then(|()| segment::sync_dir(data_dir))
        .map_err(JournalError::io("restore", &journal))?;
    whole(data_dir)?;
    Ok(made)
}

/// Refuses a data folder into which a restore did not come to its end.
pub(super) fn refuse_half_restored(data_dir: &Path) -> Result<(), JournalError> {
    if !data_dir.join(RESTORING).exists() {
        return Ok(());
    }
    let why = "a restore into it did not come to its end: empty it, and restore once more";
    Err(no("open", data_dir, why))
}
