//! A segment: its file, its header, its lines one after the other, and perhaps zeros behind them: space that is not used
//! yet, and no part of it. Never writes over a line.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Digest, JournalError,
    line::{self, Chain},
};
use crate::domain::{event::FORMAT, id::Seq};

/// Bytes read at once while looking for the end.
const BLOCK: usize = 64 * 1024;

/// The file of the segment that begins with `first`.
pub(super) fn path_of(dir: &Path, first: Seq) -> PathBuf {
    dir.join(format!("{:010}.jsonl", first.0))
}

/// The first sequences of all segments in the folder, oldest first.
pub(super) fn list(dir: &Path) -> Result<Vec<Seq>, JournalError> {
    list_numbered(dir, path_of)
}

/// The numbers of the files that `path_of` would name, lowest first. A missing folder has none.
pub(super) fn list_numbered(
    dir: &Path,
    path_of: impl Fn(&Path, Seq) -> PathBuf,
) -> Result<Vec<Seq>, JournalError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(JournalError::io("list", dir)(error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(JournalError::io("list", dir))?.file_name();
        let digits = name.to_str().and_then(|name| name.split_once('.')).unwrap_or_default().0;
        let Ok(number) = digits.parse().map(Seq) else { continue };
        // Only names as they are written here: not a copy called `1.jsonl`, no draft.
        if path_of(dir, number).file_name() == Some(&name) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes the changes in a folder itself durable (new, renamed and removed files).
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    /// Version of the format of the file.
    watchbell_journal: u16,
    /// Sequence of the first record.
    pub(super) first: Seq,
    /// What the first record follows in the chain.
    pub(super) previous: Digest,
}

impl Header {
    /// Reads a header line (without its newline) of the segment that begins with `first`.
    pub(super) fn read(bytes: &[u8], first: Seq, path: &Path) -> Result<Self, JournalError> {
        let damaged = |why: &str| JournalError::damaged(path, 1, first, why);
        let header: Self = serde_json::from_slice(bytes).map_err(|_| damaged("the header cannot be read"))?;
        if header.watchbell_journal > FORMAT {
            return Err(JournalError::Newer {
                file: path.into(),
                line: 1,
                version: header.watchbell_journal,
            });
        }
        if header.first != first {
            return Err(damaged("the header belongs to another file"));
        }
        // Hashed like a record that follows `previous`, so that a flipped digit is found here.
        if !line::is_sealed(bytes, &header.previous) {
            return Err(damaged("the hash of the header does not match"));
        }
        Ok(header)
    }
}

/// Makes a new segment, durably, and leaves it open for writing; also gives its size in bytes.
pub(super) fn create(dir: &Path, first: Seq, previous: Digest) -> io::Result<(File, u64)> {
    let path = path_of(dir, first);
    let bytes = header(first, previous)?;
    // A header that an earlier try left behind, never a record: the caller knows that there is none.
    let mut file = new_file(&path)?;
    file.write_all(&bytes)?;
    file.sync_data()?;
    sync_dir(dir)?;
    Ok((file, len_u64(bytes.len())))
}

/// An empty file, open for reading and writing.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(true).open(path)
}

/// Makes a segment of the file `made`, which is full of zeros, durably; gives its size in bytes. `None`: that was not
/// possible, and `made` is gone.
///
/// # Errors
/// The file has its new name, and perhaps not for ever: final, also when the disk is full.
pub(super) fn begin_in(
    (file, made): (&File, &Path),
    dir: &Path,
    first: Seq,
    previous: Digest,
) -> io::Result<Option<u64>> {
    let path = path_of(dir, first);
    let begin = || -> io::Result<u64> {
        let bytes = header(first, previous)?;
        file.write_all_at(&bytes, 0)?;
        file.sync_data()?;
        fs::rename(made, &path)?;
        Ok(len_u64(bytes.len()))
    };
    match begin() {
        Ok(size) => sync_dir(dir).map(|()| Some(size)).map_err(io::Error::other),
        Err(_) if matches!(path.try_exists(), Ok(false)) => {
            let _ = fs::remove_file(made);
            Ok(None)
        }
        Err(error) => Err(io::Error::other(error)),
    }
}

fn header(first: Seq, previous: Digest) -> io::Result<Vec<u8>> {
    let header = Header { watchbell_journal: FORMAT, first, previous };
    let mut bytes = Vec::with_capacity(256);
    line::encode(&mut bytes, &header, false, &previous)?;
    Ok(bytes)
}

/// Bytes of a segment's file without the zeros at its end.
pub(super) fn len_of(file: &File) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(len_u64(BLOCK));
        let size = usize::try_from(end - start).map_or(BLOCK, |size| size.min(BLOCK));
        let read = read_up_to(file, block.get_mut(..size).unwrap_or_default(), start)?;
        let read = block.get(..read).unwrap_or_default();
        if !is_zero(read)
            && let Some(last) = read.iter().rposition(|byte| *byte != 0)
        {
            return Ok(start + len_u64(last) + 1);
        }
        end = start;
    }
    Ok(0)
}

fn is_zero(bytes: &[u8]) -> bool {
    // As quick as a comparison of memory.
    bytes.first().is_none_or(|first| *first == 0)
        && bytes.get(1..) == bytes.get(..bytes.len().saturating_sub(1))
}

/// Fills the buffer, or as much of it as the file has: the server may cut zeros off meanwhile.
fn read_up_to(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + len_u64(done)) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Whether a line ends at `end`, and no byte stands directly behind it.
pub(super) fn ends_at(file: &File, end: u64) -> io::Result<bool> {
    let mut around = [0; 2];
    let read = read_up_to(file, &mut around, end.saturating_sub(1))?;
    Ok(read > 0 && around == [b'\n', 0])
}

pub(super) fn len_u64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A line as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawLine<'a> {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Counted from 1 where the reading began.
    pub(super) number: u64,
    /// Without its newline.
    pub(super) bytes: &'a [u8],
    /// Whether its newline is there.
    pub(super) complete: bool,
}

impl RawLine<'_> {
    /// Bytes before the next line.
    pub(super) fn end(&self) -> u64 {
        self.offset + len_u64(self.bytes.len()) + u64::from(self.complete)
    }
}

/// The lines of a part of a file.
pub(super) struct Lines<'a> {
    reader: BufReader<io::Take<&'a File>>,
    buffer: Vec<u8>,
    offset: u64,
    number: u64,
}

impl<'a> Lines<'a> {
    /// Lines from `offset` on; what stands at or after `end` is not read.
    pub(super) fn new(mut file: &'a File, offset: u64, end: u64, capacity: usize) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let part = file.take(end.saturating_sub(offset));
        let reader = BufReader::with_capacity(capacity, part);
        Ok(Self { reader, buffer: Vec::with_capacity(1024), offset, number: 0 })
    }

    pub(super) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        self.buffer.clear();
        let offset = self.offset;
        let read = self.reader.read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        self.offset += len_u64(read);
        self.number += 1;
        let complete = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
        Ok(Some(RawLine { offset, number: self.number, bytes: &self.buffer, complete }))
    }
}

/// A segment that is open for reading, behind its header.
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Bytes of the header line; records begin here.
    pub(super) records: u64,
    pub(super) header: Header,
}

impl Segment {
    /// Opens the segment that begins with `first` and checks its header.
    pub(super) fn open(dir: &Path, first: Seq) -> Result<Self, JournalError> {
        let path = path_of(dir, first);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(JournalError::Missing { seq: first, dir: dir.into() });
            }
            Err(error) => return Err(JournalError::io("open", path)(error)),
        };
        let mut lines = Lines::new(&file, 0, u64::MAX, 512).map_err(JournalError::io("read", &path))?;
        let (header, records) = match lines.next().map_err(JournalError::io("read", &path))? {
            Some(raw) if raw.complete => (Header::read(raw.bytes, first, &path)?, raw.end()),
            _ => return Err(JournalError::damaged(path, 1, first, "the header is not complete")),
        };
        Ok(Self { path, file, records, header })
    }

    /// Bytes of the file now, without the zeros at its end.
    pub(super) fn len(&self) -> Result<u64, JournalError> {
        len_of(&self.file).map_err(JournalError::io("read", &self.path))
    }

    /// The chain at the first record.
    pub(super) fn chain(&self) -> Chain {
        Chain::new(Some(self.header.previous), self.header.first)
    }
}
