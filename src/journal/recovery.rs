//! What happens to the end of the journal at start: a tail that was never answered is set aside, so that the
//! journal ends with a whole intent. Never cuts a line that may have been answered: that is damage.
//!
//! Zeros behind the last line are space that was made ahead, and stay. A torn write lacks its end, or whole sectors of it
//! hold zeros. So, behind the beginning of the last batch that is
//! known (everything before it had been synced), a line without its newline or with zeros that fill sectors is torn;
//! a complete line that fails its hash is damage, wherever it stands.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    Damage, Digest, Head, JournalError,
    line::{self, Chain},
    reader,
    segment::{self, Lines, RawLine, Segment},
};
use crate::domain::id::Seq;

/// The smallest piece that a disk writes as a whole.
const SECTOR: u64 = 512;
/// A header is shorter than this, in bytes, and a segment with an event longer.
pub(super) const HEADER: u64 = 256;

/// A tail that was cut from the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Where it is kept.
    pub kept_in: PathBuf,
    /// The last event before it.
    pub after: Seq,
    /// How long it was.
    pub bytes: u64,
}

/// The end of a journal, ready for the next batch.
pub(super) struct Recovered {
    pub(super) segments: Vec<Seq>,
    /// The last segment, open for writing.
    pub(super) file: File,
    /// Its size in bytes.
    pub(super) size: u64,
    pub(super) head: Head,
    pub(super) torn: Vec<Torn>,
    pub(super) damage: Vec<Damage>,
}

/// Brings the end of the journal in `dir` into order.
pub(super) fn recover(dir: &Path) -> Result<Recovered, JournalError> {
    let mut torn = Vec::new();
    let mut segments = segment::list(dir)?;
    while let Some(&last) = segments.last() {
        let path = segment::path_of(dir, last);
        let alone = segments.len() == 1 && last != Seq(1);
        if !alone && header_is_torn(&path)? {
            // It never held a record.
            torn.push(set_aside(&path, 0, last)?);
            fs::remove_file(&path).map_err(JournalError::io("remove", &path))?;
            segment::sync_dir(dir).map_err(JournalError::io("sync", dir))?;
            segments.pop();
            continue;
        }
        if let [.., before, _] = segments.as_slice() {
            cut_zeros(&segment::path_of(dir, *before));
        }
        let segment = Segment::open(dir, last)?;
        let survey = survey(&segment)?;
        let Kept { end, seq, .. } = survey.kept;
        let file = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(JournalError::io("open for writing", &path))?;
        if end < survey.len {
            torn.push(set_aside(&path, end, seq.next())?);
            file.set_len(end).map_err(JournalError::io("cut", &path))?;
        }
        // What was read may come from the cache of a process that was killed before its sync.
        file.sync_all().map_err(JournalError::io("sync", &path))?;
        let head = head(dir, &segment, &segments, &survey)?;
        let damage = survey.damage;
        return Ok(Recovered { segments, file, size: end, head, torn, damage });
    }
    let (file, size) = segment::create(dir, Seq(1), Digest::default())
        .map_err(JournalError::io("make", segment::path_of(dir, Seq(1))))?;
    Ok(Recovered { segments: vec![Seq(1)], file, size, head: Head::default(), torn, damage: Vec::new() })
}

/// A process that ended while it began the next segment left this one with its zeros. They do no harm but take space.
fn cut_zeros(path: &Path) {
    let cut = || -> io::Result<()> {
        let file = File::options().read(true).write(true).open(path)?;
        let len = segment::len_of(&file)?;
        // Without the end of a line before them they are damage, which is never cut.
        let space = len < file.metadata()?.len() && segment::ends_at(&file, len)?;
        if space { file.set_len(len) } else { Ok(()) }
    };
    // Whoever reads it says what is wrong with it.
    let _ = cut();
}

/// Whether a segment has no more than a piece of its header: the process ended while it made it.
fn header_is_torn(path: &Path) -> Result<bool, JournalError> {
    let file = File::open(path).map_err(JournalError::io("open", path))?;
    let mut start = Vec::new();
    (&file).take(HEADER).read_to_end(&mut start).map_err(JournalError::io("read", path))?;
    let whole_file = segment::len_u64(start.len()) < HEADER;
    Ok(whole_file && memchr::memchr(b'\n', &start).is_none())
}

/// What the walk through the last segment found.
struct Survey {
    /// Bytes of the file.
    len: u64,
    /// Where the journal ends.
    kept: Kept,
    /// Damage that is not at the end: it stops a replay only when it has to be read.
    damage: Vec<Damage>,
}

/// The end of a whole intent.
#[derive(Clone, Copy)]
struct Kept {
    end: u64,
    last_line: Option<u64>,
    seq: Seq,
    digest: Digest,
}

/// A line that failed its check in the batch that may not have been synced.
struct Bad {
    offset: u64,
    torn: bool,
    damage: Damage,
}

/// Walks through the last segment and finds where the journal ends.
fn survey(segment: &Segment) -> Result<Survey, JournalError> {
    let Segment { path, header, records, .. } = segment;
    let len = segment.len()?;
    let mut lines =
        Lines::new(&segment.file, *records, len, 256 * 1024).map_err(JournalError::io("read", path))?;
    let mut chain = segment.chain();
    let before_first = Seq(header.first.0.saturating_sub(1));
    // `kept`: behind the last whole intent; `before_tear`: the same at the first torn line of the last batch.
    let mut kept = Kept { end: *records, last_line: None, seq: before_first, digest: header.previous };
    let mut before_tear = None;
    let (mut damage, mut unproven) = (Vec::new(), Vec::<Bad>::new());
    while let Some(raw) = lines.next().map_err(JournalError::io("read", path))? {
        let before = chain;
        let checked = if raw.complete { chain.check(raw.bytes) } else { Err("its end is missing") };
        match checked {
            Ok(mark) => {
                if mark.sync {
                    // A batch begins: all before it had reached the disk.
                    damage.extend(unproven.drain(..).map(|bad| bad.damage));
                    before_tear = None;
                }
                if mark.last {
                    let last_line = Some(raw.offset);
                    kept = Kept { end: raw.end(), last_line, seq: mark.seq, digest: mark.digest };
                }
            }
            Err(why) => {
                let torn = is_torn(&raw, before, len);
                if torn && before_tear.is_none() {
                    before_tear = Some(kept);
                }
                let seq = before.next();
                let (file, line) = (path.clone(), raw.number + 1);
                let damage = Damage { file, line, seq, why: why.into(), unread: false };
                unproven.push(Bad { offset: raw.offset, torn, damage });
            }
        }
    }
    let kept = before_tear.unwrap_or(kept);
    for bad in unproven.into_iter().take_while(|bad| !bad.torn) {
        if bad.offset >= kept.end {
            return Err(JournalError::Damaged(Box::new(bad.damage)));
        }
        damage.push(bad.damage);
    }
    Ok(Survey { len, kept, damage })
}

/// Whether what stands at `offset` of the last segment would be cut at the next start, and is no damage.
pub(super) fn is_tail(dir: &Path, first: Seq, offset: u64) -> bool {
    let survey = Segment::open(dir, first).and_then(|segment| survey(&segment));
    survey.is_ok_and(|survey| offset >= survey.kept.end)
}

/// Whether a line that fails its check looks like a write that did not reach the disk as a whole.
fn is_torn(raw: &RawLine<'_>, chain: Chain, len: u64) -> bool {
    if raw.complete && !has_lost_sectors(raw, len) {
        return false;
    }
    // A whole line whose newline became something else (zero: lost; nothing: cut) was complete: that is damage.
    !memchr::memmem::find_iter(raw.bytes, line::HASH).any(|hash| {
        let (whole, after) = raw.bytes.split_at_checked(hash + line::SUFFIX).unwrap_or_default();
        after.first().is_some_and(|byte| *byte != 0) && { chain }.check(whole).is_ok()
    })
}

/// Whether zeros (which a line never has) fill whole sectors, or what a batch that begins with this line had of them.
fn has_lost_sectors(raw: &RawLine<'_>, len: u64) -> bool {
    let mut at = 0;
    while let Some(zero) = raw.bytes.get(at..).and_then(|rest| memchr::memchr(0, rest)) {
        let start = at + zero;
        let zeros = raw.bytes.iter().skip(start).take_while(|byte| **byte == 0).count();
        at = start + zeros;
        let (from, to) = (raw.offset + segment::len_u64(start), raw.offset + segment::len_u64(at));
        let begins = from.is_multiple_of(SECTOR) || from == raw.offset;
        if begins && (to.is_multiple_of(SECTOR) || to == len) {
            return true;
        }
    }
    false
}

/// The head of a journal whose last segment was surveyed.
fn head(dir: &Path, segment: &Segment, segments: &[Seq], survey: &Survey) -> Result<Head, JournalError> {
    let Kept { seq, digest, last_line, end } = survey.kept;
    if let Some(offset) = last_line {
        let record = reader::record_at(segment, offset, end)?;
        return Ok(Head::after(&record, digest));
    }
    // The segment has no record yet: the time is that of the last record of the one before, if it is still there.
    let before = segments.iter().rev().nth(1).filter(|_| seq > Seq(0));
    let last = before.map(|first| reader::last_record(dir, *first, seq)).transpose()?;
    Ok(match last {
        Some(record) => Head::after(&record, digest),
        None => Head { seq, digest, at: None, engine_time: None },
    })
}

/// Copies what stands at and after `offset`, but for zeros at the end, into a file beside the segment:
/// `<segment>.<seq>.torn`.
fn set_aside(path: &Path, offset: u64, seq: Seq) -> Result<Torn, JournalError> {
    let mut file = File::open(path).map_err(JournalError::io("open", path))?;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.read_to_end(&mut tail))
        .map_err(JournalError::io("read", path))?;
    tail.truncate(tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    let mut number = 0;
    let kept_in = loop {
        let again = if number == 0 { String::new() } else { format!(".{number}") };
        let kept_in = path.with_extension(format!("{}{again}.torn", seq.0));
        match fs::read(&kept_in) {
            // An earlier start was interrupted between the copy and the cut.
            Ok(there) if there == tail => break kept_in,
            Ok(_) => number += 1,
            Err(_) => {
                keep(&kept_in, &tail).map_err(JournalError::io("write", &kept_in))?;
                break kept_in;
            }
        }
    };
    Ok(Torn { kept_in, after: Seq(seq.0.saturating_sub(1)), bytes: segment::len_u64(tail.len()) })
}

fn keep(path: &Path, tail: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(tail)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), segment::sync_dir)
}
