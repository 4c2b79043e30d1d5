//! Snapshots of the state, so that replay is short. A snapshot that is broken, of another shape or of another
//! journal is passed over and reported: never trusted, never needed.
//!
//! A file is a line of JSON (what it is), the parts of the state, and the SHA-256 of all before it. A part is its length in
//! bytes (four, the smallest first) and itself as `MessagePack` with names; two threads read them.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::mpsc::{self, SyncSender},
    thread,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::{Digest, Head, JournalError, Reader, segment};
use crate::domain::id::Seq;

/// Version of the file's format.
const FORMAT: u16 = 3;
/// How many snapshots are kept: the one before the newest is the way out when that one is broken.
const KEEP: usize = 2;
/// Bytes of the checksum at the end.
const CHECKSUM: u64 = 32;
/// A longer first line is none of ours.
const MAX_HEADER: u64 = 4096;
/// Threads that read parts; and parts that are read ahead of what is put together.
const READERS: usize = 2;
const PARTS_AHEAD: usize = 4;

/// A state that is written and read in parts, so that a start needs no more memory than the state itself, and reads them
/// side by side.
pub trait InParts: Sized {
    /// A part, of some hundred things at most.
    type Part: Serialize + DeserializeOwned + Send;

    /// All of it.
    fn into_parts(self) -> Vec<Self::Part>;

    /// The same from its parts, which come in any order.
    fn from_parts(parts: impl Iterator<Item = Self::Part>) -> Self;
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    watchbell_snapshot: u16,
    schema: String,
    seq: Seq,
    digest: Digest,
}

/// A state and the event that it is true after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// Replay goes on with the event after this one.
    pub seq: Seq,
    /// The chain's digest there.
    pub digest: Digest,
    /// The state.
    pub state: T,
}

/// A snapshot that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its file.
    pub file: PathBuf,
    /// Why.
    pub why: String,
    /// Whether the journal ends before it: the disk has lost what was answered, or it is another journal.
    pub beyond: bool,
}

/// What was found in the folder of snapshots.
#[derive(Debug)]
pub struct Found<T> {
    /// The newest one that can be used.
    pub snapshot: Option<Snapshot<T>>,
    /// Newer ones that cannot, for the log.
    pub skipped: Vec<Skipped>,
}

/// Writes the state that is true after `head` into `data_dir`, durably, and removes all but the last two.
/// `schema` names the shape of the state (release and digest of its fields). Returns the file. Blocks on the disk. One
/// at a time: what another one has begun is taken for the rest of a process that ended.
///
/// # Errors
/// When the state cannot be encoded or the system refuses; earlier snapshots stay as they are.
pub fn write(
    data_dir: &Path,
    schema: &str,
    head: &Head,
    state: impl InParts,
) -> Result<PathBuf, JournalError> {
    let dir = data_dir.join("snapshots");
    fs::create_dir_all(&dir).map_err(JournalError::io("make", &dir))?;
    remove_drafts(&dir).map_err(JournalError::io("clear", &dir))?;
    let path = path_of(&dir, head.seq);
    let draft = path.with_extension("tmp");
    let header =
        Header { watchbell_snapshot: FORMAT, schema: schema.into(), seq: head.seq, digest: head.digest };
    write_draft(&draft, &header, state).map_err(|error| {
        // What cannot be finished only takes space.
        let _ = fs::remove_file(&draft);
        JournalError::io("write", &draft)(error)
    })?;
    fs::rename(&draft, &path)
        .and_then(|()| segment::sync_dir(&dir))
        .map_err(JournalError::io("write", &path))?;
    for old in list(&dir)?.into_iter().rev().filter(|seq| *seq < head.seq).skip(KEEP - 1) {
        let old = path_of(&dir, old);
        fs::remove_file(&old).map_err(JournalError::io("remove", old))?;
    }
    Ok(path)
}

/// Removes every snapshot older than `seq`: the words in them were erased. Blocks on the disk.
///
/// # Errors
/// When one cannot be removed.
pub fn remove_before(data_dir: &Path, seq: Seq) -> Result<(), JournalError> {
    let dir = data_dir.join("snapshots");
    for old in list(&dir)?.into_iter().filter(|old| *old < seq) {
        let old = path_of(&dir, old);
        fs::remove_file(&old).map_err(JournalError::io("remove", old))?;
    }
    segment::sync_dir(&dir).map_err(JournalError::io("sync", dir))
}

/// The event after which the oldest snapshot of this shape is true that is kept. None: there is none.
///
/// # Errors
/// When the folder cannot be read.
pub fn oldest(data_dir: &Path, schema: &str) -> Result<Option<Seq>, JournalError> {
    let dir = data_dir.join("snapshots");
    let usable = |seq: &Seq| {
        let file = File::open(path_of(&dir, *seq)).ok()?;
        let mut line = Vec::new();
        BufReader::new(file.take(MAX_HEADER)).read_until(b'\n', &mut line).ok()?;
        let header: Header = serde_json::from_slice(&line).ok()?;
        (header.watchbell_snapshot == FORMAT && header.schema == schema).then_some(())
    };
    Ok(list(&dir)?.into_iter().find(|seq| usable(seq).is_some()))
}

/// The newest snapshot whose checksum is good, whatever its shape: what a backup takes.
pub(super) fn newest_whole(data_dir: &Path) -> Result<Option<(Seq, PathBuf)>, JournalError> {
    let dir = data_dir.join("snapshots");
    let whole = |path: &PathBuf| open_checked(path).is_ok_and(|checked| checked.is_some());
    let newest = list(&dir)?.into_iter().rev().map(|seq| (seq, path_of(&dir, seq)));
    Ok(newest.into_iter().find(|(_, path)| whole(path)))
}

/// A process that ended while it wrote leaves a piece that only takes space.
fn remove_drafts(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn write_draft(draft: &Path, header: &Header, state: impl InParts) -> io::Result<()> {
    let mut out =
        Hashing { out: BufWriter::with_capacity(1 << 16, File::create(draft)?), hash: Sha256::new() };
    serde_json::to_writer(&mut out, header)?;
    out.write_all(b"\n")?;
    let mut bytes = Vec::new();
    for part in state.into_parts() {
        bytes.clear();
        rmp_serde::encode::write_named(&mut bytes, &part).map_err(io::Error::other)?;
        out.write_all(&u32::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    let Hashing { mut out, hash } = out;
    out.write_all(&hash.finalize())?;
    out.into_inner()?.sync_all()
}

/// Hashes what it writes.
struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or(bytes));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The newest snapshot in `data_dir` that is whole, has this `schema` and belongs to this journal. Blocks on the
/// disk.
///
/// # Errors
/// When the folder cannot be read. A snapshot that cannot be used is no error: without any, all is replayed.
pub fn latest<T: InParts>(
    data_dir: &Path,
    schema: &str,
    journal: &dyn Reader,
) -> Result<Found<T>, JournalError> {
    let dir = data_dir.join("snapshots");
    let mut skipped = Vec::new();
    for seq in list(&dir)?.into_iter().rev() {
        let file = path_of(&dir, seq);
        match read(&file, seq, schema, journal) {
            Ok(snapshot) => return Ok(Found { snapshot: Some(snapshot), skipped }),
            Err(why) => skipped.push(Skipped { file, why, beyond: seq > journal.committed() }),
        }
    }
    Ok(Found { snapshot: None, skipped })
}

fn read<T: InParts>(
    path: &Path,
    seq: Seq,
    schema: &str,
    journal: &dyn Reader,
) -> Result<Snapshot<T>, String> {
    let unreadable = |error: io::Error| format!("it cannot be read: {error}");
    let (header, start, end) =
        open_checked(path).map_err(unreadable)?.ok_or("its checksum does not match")?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| "its first line cannot be read")?;
    if header.watchbell_snapshot != FORMAT || header.schema != schema {
        return Err(format!("it was written by a release with another shape of state ({})", header.schema));
    }
    if header.seq != seq {
        return Err("it has the name of another one".into());
    }
    match journal.digest_at(seq) {
        Ok(Some(digest)) if digest == header.digest => {}
        Ok(_) => return Err("it belongs to another journal, or to events that this one does not have".into()),
        Err(error) => return Err(error.to_string()),
    }
    let (hand_over, parts) = mpsc::sync_channel(PARTS_AHEAD);
    let state = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|turn| {
                let hand_over = hand_over.clone();
                scope.spawn(move || read_parts(path, start, end, turn, &hand_over))
            })
            .collect();
        drop(hand_over);
        let state = T::from_parts(parts.into_iter());
        for reader in readers {
            reader.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        }
        Ok(state)
    })
    .map_err(|error: io::Error| format!("its state cannot be read: {error}"))?;
    Ok(Snapshot { seq, digest: header.digest, state })
}

/// Reads the parts between two offsets of a file whose checksum is good: those whose turn it is.
fn read_parts<P: DeserializeOwned>(
    path: &Path,
    start: u64,
    end: u64,
    turn: usize,
    hand_over: &SyncSender<P>,
) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    file.seek(SeekFrom::Start(start))?;
    let (mut left, mut bytes) = (end - start, Vec::new());
    for number in 0.. {
        if left == 0 {
            break;
        }
        let mut length = [0; 4];
        file.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let taken = 4 + u64::from(length);
        left = left.checked_sub(taken).ok_or_else(|| io::Error::other("a part reaches beyond its end"))?;
        if number % READERS != turn {
            file.seek_relative(i64::from(length))?;
            continue;
        }
        bytes.clear();
        (&mut file).take(u64::from(length)).read_to_end(&mut bytes)?;
        let part = rmp_serde::from_slice(&bytes).map_err(io::Error::other)?;
        if hand_over.send(part).is_err() {
            break;
        }
    }
    Ok(())
}

/// Checks the checksum of a file; gives its first line, and where the state begins and ends. Reads it in pieces, so
/// that memory stays flat.
fn open_checked(path: &Path) -> io::Result<Option<(Vec<u8>, u64, u64)>> {
    let file = File::open(path)?;
    let Some(end) = file.metadata()?.len().checked_sub(CHECKSUM) else { return Ok(None) };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut header = Vec::new();
    (&mut reader).take(MAX_HEADER.min(end)).read_until(b'\n', &mut header)?;
    let start = segment::len_u64(header.len());
    let mut hashing = Hashing { out: io::sink(), hash: Sha256::new() };
    hashing.write_all(&header)?;
    io::copy(&mut (&mut reader).take(end - start), &mut hashing)?;
    let mut checksum = Vec::new();
    reader.read_to_end(&mut checksum)?;
    Ok((hashing.hash.finalize().as_slice() == checksum).then_some((header, start, end)))
}

fn path_of(dir: &Path, seq: Seq) -> PathBuf {
    dir.join(format!("{:010}.snap", seq.0))
}

/// The sequences of all snapshots, oldest first.
fn list(dir: &Path) -> Result<Vec<Seq>, JournalError> {
    segment::list_numbered(dir, path_of)
}
