//! Moves old segments out of the data folder: copied, synced and verified before the first is removed. Never takes
//! what a restart from one of the snapshots that are kept has to read, and never the last segment.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read as _, Write as _},
    ops::ControlFlow,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    Digest, JournalError,
    apart::{self, Parent},
    line::Chain,
    reader,
    segment::{self, Lines, Segment},
    snapshot,
    walk::{Step, walk},
};
use crate::domain::{event::Record, id::Seq};

/// Names, in the data folder, where segments went.
const FOLDERS: &str = "archives";

/// Segments that can go.
#[derive(Debug, Default)]
pub struct Chosen {
    segments: Vec<Seq>,
    /// The first event that stays.
    stays: Option<Seq>,
}

impl Chosen {
    /// The last event that goes.
    #[must_use]
    pub fn through(&self) -> Option<Seq> {
        self.stays.map(|seq| Seq(seq.0.saturating_sub(1)))
    }

    /// How many segments go.
    #[must_use]
    pub fn segments(&self) -> u64 {
        segment::len_u64(self.segments.len())
    }
}

/// The segments whose events are all older than `before` and that no restart needs. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub fn choose(data_dir: &Path, schema: &str, before: Timestamp) -> Result<Chosen, JournalError> {
    let dir = data_dir.join("journal");
    // The older one of two snapshots is the way out when the newest is broken. Without any, all is replayed.
    let Some(needed) = snapshot::oldest(data_dir, schema)? else { return Ok(Chosen::default()) };
    let segments = segment::list(&dir)?;
    let mut chosen = Chosen::default();
    for (first, following) in segments.iter().zip(segments.iter().skip(1)) {
        let last = Seq(following.0.saturating_sub(1));
        if last > needed || reader::last_record(&dir, *first, last)?.at >= before {
            break;
        }
        chosen.segments.push(*first);
        chosen.stays = Some(*following);
    }
    Ok(chosen)
}

/// Copies the segments into `journal` of the archive, syncs them and reads them back line by line. What is there
/// already and is the same stays; anything else that is there is an error. Blocks on the disk.
///
/// # Errors
/// When that is not possible, or a copy is not what it should be; nothing was removed.
pub fn copy(data_dir: &Path, chosen: &Chosen, archive: &Path) -> Result<(), JournalError> {
    if chosen.segments.is_empty() {
        return Ok(());
    }
    let (from, to) = (data_dir.join("journal"), archive.join("journal"));
    // What is copied is removed afterwards: it must not be the same files under another name.
    apart::check("archive to", data_dir, archive, &["journal"], Parent::MayHold)?;
    may_go_into(&from, &to, chosen)?;
    fs::create_dir_all(&to).map_err(JournalError::io("make", &to))?;
    for first in &chosen.segments {
        copy_file(&segment::path_of(&from, *first), &segment::path_of(&to, *first))?;
    }
    segment::sync_dir(&to).map_err(JournalError::io("sync", &to))?;
    segment::sync_dir(archive).map_err(JournalError::io("sync", archive))?;
    let mut seen = Seq(0);
    let mut wrong = None;
    let first = chosen.segments.first().copied().unwrap_or_default();
    walk(&to, first, &mut |step| {
        match step {
            Step::Line { mark, .. } => seen = mark.seq,
            Step::Damage(damage) => {
                wrong = Some(damage);
                return ControlFlow::Break(());
            }
            Step::Segment { .. } => {}
        }
        ControlFlow::Continue(())
    })?;
    if let Some(damage) = wrong {
        return Err(JournalError::Damaged(Box::new(damage)));
    }
    if chosen.through().is_some_and(|through| seen < through) {
        let why = "the archive does not hold all that was copied into it";
        return Err(JournalError::damaged(segment::path_of(&to, first), 1, seen, why));
    }
    Ok(())
}

/// An archive of this journal, or none yet. Changes nothing.
fn may_go_into(from: &Path, to: &Path, chosen: &Chosen) -> Result<(), JournalError> {
    let no = |path: &Path, why: &str| Err(JournalError::io("archive to", path)(io::Error::other(why)));
    let Some(first) = chosen.segments.first() else { return Ok(()) };
    for theirs in segment::list(to)?.into_iter().filter(|theirs| theirs >= first) {
        let (own, target) = (segment::path_of(from, theirs), segment::path_of(to, theirs));
        // Older ones went there before; of the others each is ours, too, or somebody else's.
        if !same(&own, &target).map_err(JournalError::io("read", &target))? {
            return no(&target, "the folder holds another journal; nothing was changed. Name another folder");
        }
    }
    for seq in &chosen.segments {
        let (source, target) = (segment::path_of(from, *seq), segment::path_of(to, *seq));
        let there = match fs::symlink_metadata(&target) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(JournalError::io("read", &target)(error)),
        };
        let about = fs::metadata(&source).map_err(JournalError::io("read", &source))?;
        if !there.is_file() || (there.dev(), there.ino()) == (about.dev(), about.ino()) {
            return no(&target, "it is no file of its own; nothing was changed");
        }
        if !same(&source, &target).map_err(JournalError::io("read", &target))? {
            return no(
                &target,
                "another segment has this name there; nothing was changed. Name another folder",
            );
        }
    }
    Ok(())
}

/// Copies one file, durably and as a whole; one that is there with the same contents stays.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), JournalError> {
    if same(from, to).map_err(JournalError::io("read", to))? {
        return Ok(());
    }
    let draft = to.with_extension("part");
    let copied = || -> io::Result<()> {
        fs::copy(from, &draft)?;
        File::open(&draft)?.sync_all()?;
        fs::rename(&draft, to)
    };
    copied().map_err(|error| {
        let _ = fs::remove_file(&draft);
        JournalError::io("copy to", to)(error)
    })
}

/// Whether both files are there and hold the same; of segments but for zeros at the end, which are space that was not used.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    let segments = one.extension().is_some_and(|extension| extension == "jsonl");
    let len = |file: &File| if segments { segment::len_of(file) } else { Ok(file.metadata()?.len()) };
    let open = |path: &Path| match File::open(path) {
        Ok(file) => len(&file).map(|len| Some((file, len))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let (Some((one, len)), Some((other, len_too))) = (open(one)?, open(other)?) else { return Ok(false) };
    Ok(len == len_too && digest_of(one.take(len))? == digest_of(other.take(len))?)
}

/// SHA-256 of a file, read in pieces.
fn digest_of(mut bytes: impl io::Read) -> io::Result<String> {
    use sha2::Digest as _;
    let mut hash = Hash(sha2::Sha256::new());
    io::copy(&mut bytes, &mut hash)?;
    Ok(hex::encode(hash.0.finalize()))
}

struct Hash(sha2::Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        sha2::Digest::update(&mut self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Removes the segments that are in the archive. Blocks on the disk.
///
/// # Errors
/// When one cannot be removed: it is then in both places, which does no harm.
pub fn remove(data_dir: &Path, chosen: &Chosen) -> Result<(), JournalError> {
    let dir = data_dir.join("journal");
    // The oldest first: whatever ends this leaves a journal without a gap.
    for first in &chosen.segments {
        let path = segment::path_of(&dir, *first);
        fs::remove_file(&path).map_err(JournalError::io("remove", path))?;
    }
    segment::sync_dir(&dir).map_err(JournalError::io("sync", dir))
}

/// Notes where segments went.
///
/// # Errors
/// When it cannot be written.
pub fn note(data_dir: &Path, archive: &str) -> Result<(), JournalError> {
    let path = data_dir.join(FOLDERS);
    if folders(data_dir).iter().any(|known| known == archive) {
        return Ok(());
    }
    let add = || -> io::Result<()> {
        let mut file = File::options().append(true).create(true).open(&path)?;
        writeln!(file, "{archive}")?;
        file.sync_all()?;
        segment::sync_dir(data_dir)
    };
    add().map_err(JournalError::io("write", &path))
}

/// Where segments of this data folder went; empty when none did.
#[must_use]
pub fn folders(data_dir: &Path) -> Vec<String> {
    let noted = fs::read_to_string(data_dir.join(FOLDERS)).unwrap_or_default();
    let folders: BTreeSet<&str> = noted.lines().filter(|line| !line.is_empty()).collect();
    folders.into_iter().map(str::to_owned).collect()
}

/// Reads the events that were archived to `folders`, from the first one on, up to where the journal in `data_dir`
/// begins. The chain is checked over all of it. Blocks on the disk.
///
/// # Errors
/// When a segment is missing, damaged, or of another journal.
pub fn read(data_dir: &Path, folders: &[String], visit: &mut dyn FnMut(Record)) -> Result<(), JournalError> {
    let own = data_dir.join("journal");
    let Some(begins) = segment::list(&own)?.first().copied() else { return Ok(()) };
    let previous = Segment::open(&own, begins)?.header.previous;
    let mut chain = Chain::new(Some(Digest::default()), Seq(1));
    for (first, dir) in places(folders)?.range(..begins) {
        let segment = Segment::open(dir, *first)?;
        if *first != chain.next() || !chain.may_follow(&segment.header.previous) {
            break;
        }
        let io = || JournalError::io("read", &segment.path);
        let end = segment.len()?;
        let mut lines = Lines::new(&segment.file, segment.records, end, 256 * 1024).map_err(io())?;
        while let Some(raw) = lines.next().map_err(io())? {
            let (seq, number) = (chain.next(), raw.number + 1);
            let checked = if raw.complete { chain.check(raw.bytes) } else { Err("its end is missing") };
            checked.map_err(|why| JournalError::damaged(&segment.path, number, seq, why))?;
            visit(reader::parse(raw.bytes, &segment.path, &|| number, seq)?);
        }
    }
    if chain.next() != begins || !chain.may_follow(&previous) {
        return Err(JournalError::Missing { seq: chain.next(), dir: own });
    }
    Ok(())
}

/// Where each archived segment stands.
fn places(folders: &[String]) -> Result<BTreeMap<Seq, PathBuf>, JournalError> {
    let mut places = BTreeMap::new();
    for folder in folders {
        let dir = Path::new(folder).join("journal");
        for first in segment::list(&dir)? {
            places.insert(first, dir.clone());
        }
    }
    Ok(places)
}
