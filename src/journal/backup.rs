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
    archive::copy_file,
    erase,
    segment::{self, Segment},
    snapshot, verify,
    walk::{Step, walk},
};
use crate::domain::id::Seq;

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

/// Copies the data folder into `to`: all segments up to the last whole intent that is synced, the newest snapshot,
/// pictures, the signing key. What is there already from an earlier backup and is the same stays. Blocks on the disk.
///
/// # Errors
/// When `to` is something else, the copy is not whole, or the system refuses.
pub fn backup(data_dir: &Path, to: &Path) -> Result<Backup, JournalError> {
    let parts = ["journal", "snapshots", "pictures"];
    apart::check("back up to", data_dir, to, &parts, Parent::MayNot)?;
    refuse_while_erasing(data_dir)?;
    make_private(to)?;
    let from = data_dir.join("journal");
    may_go_on(&from, &segment::list(&from)?, to)?;
    // The snapshot goes first: the events up to it are all there when the segments follow. One that gave way
    // meanwhile may hold words that were erased since.
    let mut snapshot = None;
    for _ in 0..TRIES {
        snapshot = copy_snapshot(data_dir, to)?;
        copy_journal(data_dir, to)?;
        if snapshot.as_ref().is_none_or(|(_, file)| file.exists()) {
            break;
        }
    }
    if snapshot.as_ref().is_some_and(|(_, file)| !file.exists()) {
        return Err(no("back up", data_dir, "its snapshots change too fast: try again"));
    }
    copy_folder(&data_dir.join("pictures"), &to.join("pictures"))?;
    for name in BESIDE {
        if data_dir.join(name).exists() {
            copy_file(&data_dir.join(name), &to.join(name))?;
        }
    }
    // Words that were erased meanwhile would come back with the copy.
    refuse_while_erasing(data_dir)?;
    let read = whole(to)?;
    if snapshot.is_some_and(|(seq, _)| seq > read.read.seq) {
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

fn copy_journal(data_dir: &Path, to: &Path) -> Result<(), JournalError> {
    let (from, copy) = (data_dir.join("journal"), to.join("journal"));
    make_private(&copy)?;
    let segments = segment::list(&from)?;
    let Some((last, sealed)) = segments.split_last() else {
        return Err(no("back up", data_dir, "there is no journal in it"));
    };
    for first in sealed {
        copy_file(&segment::path_of(&from, *first), &segment::path_of(&copy, *first))?;
    }
    copy_end(&from, &copy, *last)?;
    segment::sync_dir(&copy).map_err(JournalError::io("sync", &copy))
}

fn refuse_while_erasing(data_dir: &Path) -> Result<(), JournalError> {
    match erase::pending(data_dir)? {
        Some(_) => Err(no("back up", data_dir, "words are being erased: try again when that is done")),
        None => Ok(()),
    }
}

/// An empty folder, or an earlier backup of the same journal.
fn may_go_on(from: &Path, segments: &[Seq], to: &Path) -> Result<(), JournalError> {
    let is_backup = to.join(MANIFEST).exists();
    let begun = to.join("journal").is_dir();
    let empty = fs::read_dir(to).map_err(JournalError::io("list", to))?.next().is_none();
    if !(is_backup || begun || empty) {
        return Err(no("back up to", to, "the folder holds something else; nothing was changed"));
    }
    let copy = to.join("journal");
    for first in segment::list(&copy)? {
        let theirs = Segment::open(&copy, first)?.header.previous;
        let ours = segments.contains(&first).then(|| Segment::open(from, first)).transpose()?;
        // What is older than our first one was archived since.
        let strange = segments.first().is_some_and(|oldest| first > *oldest);
        if ours.map_or(strange, |ours| ours.header.previous != theirs) {
            let why = "it holds a backup of another journal; nothing was changed";
            return Err(no("back up to", to, why));
        }
    }
    Ok(())
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
