//! Reads the files of the journal: in order from any sequence, or one record at its position. Never reads behind
//! what is committed, and never gives out a record whose hash does not match.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::ControlFlow,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::watch;

use super::{
    Digest, JournalError, Position, Reader,
    commits::Commits,
    erase,
    line::{self, Chain},
    reserve,
    segment::{self, Lines, RawLine, Segment},
};
use crate::domain::{
    event::{FORMAT, Record},
    id::Seq,
};

/// Bytes read at once during a scan.
const SCAN_BUFFER: usize = 256 * 1024;
/// Below this size a part of a segment is read line by line instead of being bisected further.
const WINDOW: u64 = 64 * 1024;
/// What an operator hears while the journal has space that nobody else has.
const USED_UP: &str = "the disk is full: Watchbell works on the space it had made ahead. Free some space now";
/// How many ends of earlier scans are remembered: whoever follows the journal goes on there.
const ENDS: usize = 8;

/// The reader of the journal in files.
pub struct FileReader {
    dir: PathBuf,
    extent: Mutex<Extent>,
    commits: Commits,
    ends: Mutex<Ends>,
    degraded: Mutex<Option<String>>,
    /// Held while words are overwritten: whoever meets half of them waits for it and reads again.
    erasing: Mutex<()>,
}

/// Where earlier scans ended: the sequence they would go on with, and its place. The oldest is forgotten first.
#[derive(Default)]
struct Ends {
    places: [Option<(Seq, Place)>; ENDS],
    newest: usize,
}

/// How far the files are committed.
#[derive(Clone)]
struct Extent {
    /// First sequences of all segments.
    segments: Arc<[Seq]>,
    /// Committed bytes of the last segment.
    end: u64,
    /// Last committed sequence.
    seq: Seq,
}

/// A place between two lines.
#[derive(Clone, Copy)]
struct Place {
    /// First sequence of the segment.
    segment: Seq,
    offset: u64,
    /// The digest of the chain up to here.
    digest: Digest,
}

/// Locks; what a panic left behind is whole, because nothing here panics between two changes.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FileReader {
    pub(super) fn new(dir: PathBuf, segments: Vec<Seq>, end: u64, seq: Seq) -> Self {
        Self {
            dir,
            extent: Mutex::new(Extent { segments: segments.into(), end, seq }),
            commits: Commits::new(seq),
            ends: Mutex::default(),
            degraded: Mutex::default(),
            erasing: Mutex::default(),
        }
    }

    /// The writer synced a batch: the last segment is good up to `end` and the journal up to `seq`.
    pub(super) fn publish(&self, segment: Seq, end: u64, seq: Seq) {
        {
            let mut extent = locked(&self.extent);
            if extent.segments.last() != Some(&segment) {
                extent.segments = extent.segments.iter().copied().chain([segment]).collect();
            }
            (extent.end, extent.seq) = (end, seq);
        }
        self.commits.publish(seq);
    }

    /// Segments before this one are read here no more: they were archived.
    pub fn forget_before(&self, first: Seq) {
        let mut extent = locked(&self.extent);
        let kept = extent.segments.iter().copied().filter(|segment| *segment >= first);
        extent.segments = kept.collect();
        drop(extent);
        *locked(&self.ends) = Ends::default();
    }

    pub(super) fn set_degraded(&self, why: String) {
        *locked(&self.degraded) = Some(why);
    }

    /// Overwrites words while nobody takes half of them for damage.
    ///
    /// # Errors
    /// As [`erase::overwrite`].
    pub fn erase(&self, data_dir: &Path, pending: &erase::Pending) -> Result<u64, JournalError> {
        let _erasing = locked(&self.erasing);
        erase::overwrite(data_dir, pending)
    }

    /// A line once more, after whoever erases has finished with it.
    fn read_again(&self, file: &File, raw: &RawLine<'_>) -> Option<Vec<u8>> {
        let _erasing = locked(&self.erasing);
        let mut bytes = vec![0; raw.bytes.len()];
        file.read_exact_at(&mut bytes, raw.offset).ok().map(|()| bytes)
    }

    /// Where the record after `before` begins; none when no segment has it.
    fn locate(&self, before: Seq, extent: &Extent) -> Result<Option<Place>, JournalError> {
        let next = before.next();
        let known =
            locked(&self.ends).places.iter().flatten().find(|(seq, _)| *seq == next).map(|(_, place)| *place);
        if known.is_some() {
            return Ok(known);
        }
        let index = extent.segments.partition_point(|first| *first <= next);
        let Some(&first) = index.checked_sub(1).and_then(|index| extent.segments.get(index)) else {
            return Ok(None);
        };
        let segment = Segment::open(&self.dir, first)?;
        let start = Place { segment: first, offset: segment.records, digest: segment.header.previous };
        if first == next {
            return Ok(Some(start));
        }
        let end = if index == extent.segments.len() { extent.end } else { segment.len()? };
        find_end_of(&segment, before, end).map(|(offset, digest)| Some(Place { offset, digest, ..start }))
    }

    fn remember(&self, next: Seq, place: Place) {
        let mut ends = locked(&self.ends);
        let newest = (ends.newest + 1) % ENDS;
        ends.newest = newest;
        if let Some(end) = ends.places.get_mut(newest) {
            *end = Some((next, place));
        }
    }

    /// Reads one segment from `place` on; gives the chain behind what was read, or none when `visit` broke.
    fn scan_segment(
        &self,
        place: Place,
        chain: &mut Chain,
        end: Option<u64>,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(Place, ControlFlow<()>), JournalError> {
        let path = segment::path_of(&self.dir, place.segment);
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let end = match end {
            Some(end) => end,
            None => segment::len_of(&file).map_err(JournalError::io("read", &path))?,
        };
        let mut lines =
            Lines::new(&file, place.offset, end, SCAN_BUFFER).map_err(JournalError::io("read", &path))?;
        let mut place = place;
        while let Some(raw) = lines.next().map_err(JournalError::io("read", &path))? {
            let seq = chain.next();
            let before = *chain;
            let mut checked = if raw.complete { chain.check(raw.bytes) } else { Err("its end is missing") };
            let mut again = None;
            if checked == Err(line::WORDS) {
                again = self.read_again(&file, &raw);
                if let Some(bytes) = &again {
                    *chain = before;
                    checked = chain.check(bytes);
                }
            }
            let number = || line_number(&path, raw.offset);
            let mark = checked.map_err(|why| JournalError::damaged(&path, number(), seq, why))?;
            let record = parse(again.as_deref().unwrap_or(raw.bytes), &path, &number, seq)?;
            place = Place { offset: raw.end(), digest: mark.digest, ..place };
            if visit(record, position(place.segment, &raw)).is_break() {
                return Ok((place, ControlFlow::Break(())));
            }
        }
        Ok((place, ControlFlow::Continue(())))
    }
}

impl Reader for FileReader {
    fn committed(&self) -> Seq {
        self.commits.committed()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.commits.watch()
    }

    fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq {
        self.commits.wait_beyond(seq, timeout)
    }

    fn scan(
        &self,
        from: Seq,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        let extent = locked(&self.extent).clone();
        let from = from.max(Seq(1));
        if from > extent.seq {
            return Ok(());
        }
        let before = Seq(from.0 - 1);
        let missing = || JournalError::Missing { seq: from, dir: self.dir.clone() };
        let mut place = self.locate(before, &extent)?.ok_or_else(missing)?;
        let mut chain = Chain::new(Some(place.digest), from);
        loop {
            let following = extent.segments.iter().find(|first| **first > place.segment).copied();
            let end = if following.is_none() { Some(extent.end) } else { None };
            let (reached, flow) = self.scan_segment(place, &mut chain, end, visit)?;
            if flow.is_break() || following.is_none() {
                self.remember(chain.next(), reached);
                return Ok(());
            }
            let Some(first) = following else { return Ok(()) };
            place = next_segment(&self.dir, first, &chain)?;
        }
    }

    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        let path = segment::path_of(&self.dir, Seq(position.segment));
        let offset = u64::from(position.offset);
        let len = usize::try_from(position.len).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(len);
        let mut file = File::open(&path).map_err(JournalError::io("open", &path))?;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| (&file).take(u64::from(position.len)).read_to_end(&mut bytes))
            .map_err(JournalError::io("read", &path))?;
        let number = || line_number(&path, offset);
        let seq = line::seq_of(&bytes).unwrap_or(Seq(position.segment));
        let whole = bytes.len() == len && bytes.pop() == Some(b'\n');
        if whole && !line::words_are_intact(&bytes) {
            let raw = RawLine { offset, number: 0, bytes: &bytes, complete: true };
            if let Some(again) = self.read_again(&file, &raw) {
                bytes = again;
            }
        }
        if !whole || memchr::memchr(b'\n', &bytes).is_some() || !line::words_are_intact(&bytes) {
            return Err(JournalError::damaged(&path, number(), seq, "there is no whole event"));
        }
        parse(&bytes, &path, &number, seq)
    }

    fn digest_at(&self, seq: Seq) -> Result<Option<Digest>, JournalError> {
        let extent = locked(&self.extent).clone();
        if seq > extent.seq {
            return Ok(None);
        }
        match self.locate(seq, &extent) {
            Ok(place) => Ok(place.map(|place| place.digest)),
            Err(JournalError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn degraded(&self) -> Option<String> {
        // The space that the journal has made ahead says nothing of what others find.
        let used_up = || reserve::is_used_up(&self.dir).then(|| USED_UP.to_owned());
        locked(&self.degraded).clone().or_else(used_up)
    }
}

/// The beginning of the following segment, which must go on where the chain stands.
fn next_segment(dir: &Path, first: Seq, chain: &Chain) -> Result<Place, JournalError> {
    let segment = Segment::open(dir, first)?;
    if first != chain.next() {
        return Err(JournalError::Missing { seq: chain.next(), dir: dir.into() });
    }
    if !chain.may_follow(&segment.header.previous) {
        let why = "the header does not follow the segment before";
        return Err(JournalError::damaged(segment.path, 1, first, why));
    }
    Ok(Place { segment: first, offset: segment.records, digest: segment.header.previous })
}

fn position(segment: Seq, raw: &RawLine<'_>) -> Position {
    // The writer keeps segments below 4 GiB.
    let offset = u32::try_from(raw.offset).unwrap_or(u32::MAX);
    let len = u32::try_from(raw.end() - raw.offset).unwrap_or(u32::MAX);
    Position { segment: segment.0, offset, len }
}

/// Where the line of `seq` ends, and the digest it carries. Bisects: lines begin with their sequence.
fn find_end_of(segment: &Segment, seq: Seq, end: u64) -> Result<(u64, Digest), JournalError> {
    let io = || JournalError::io("read", &segment.path);
    let (mut low, mut high) = (segment.records, end);
    while high - low > WINDOW {
        let middle = low + (high - low) / 2;
        let mut lines = Lines::new(&segment.file, middle, high, 4096).map_err(io())?;
        // The first one begins somewhere before `middle`.
        lines.next().map_err(io())?;
        match lines.next().map_err(io())? {
            Some(raw) => match line::seq_of(raw.bytes) {
                Some(found) if found <= seq => low = raw.offset,
                Some(_) => high = middle,
                // A damaged line misleads: read all that is left.
                None => break,
            },
            None => high = middle,
        }
    }
    let mut lines = Lines::new(&segment.file, low, end, SCAN_BUFFER).map_err(io())?;
    let mut last = low;
    while let Some(raw) = lines.next().map_err(io())? {
        last = raw.offset;
        match line::seq_of(raw.bytes) {
            Some(found) if found == seq => match line::digest_of(raw.bytes) {
                Some(digest) if raw.complete => return Ok((raw.end(), digest)),
                _ => break,
            },
            Some(found) if found > seq => break,
            _ => {}
        }
    }
    let number = line_number(&segment.path, last);
    Err(JournalError::damaged(&segment.path, number, seq, "this event should stand here and cannot be read"))
}

/// The record whose line stands between two offsets.
pub(super) fn record_at(segment: &Segment, offset: u64, end: u64) -> Result<Record, JournalError> {
    let io = || JournalError::io("read", &segment.path);
    let mut lines = Lines::new(&segment.file, offset, end, 4096).map_err(io())?;
    let number = || line_number(&segment.path, offset);
    match lines.next().map_err(io())? {
        Some(raw) => {
            let seq = line::seq_of(raw.bytes).unwrap_or(segment.header.first);
            parse(raw.bytes, &segment.path, &number, seq)
        }
        None => Err(JournalError::damaged(&segment.path, number(), segment.header.first, "the line is gone")),
    }
}

/// The record `seq`, which is the last one of the segment that begins with `first`.
pub(super) fn last_record(dir: &Path, first: Seq, seq: Seq) -> Result<Record, JournalError> {
    let segment = Segment::open(dir, first)?;
    let len = segment.len()?;
    let offset = match seq {
        seq if seq == first => segment.records,
        seq => find_end_of(&segment, Seq(seq.0.saturating_sub(1)), len)?.0,
    };
    record_at(&segment, offset, len)
}

/// Reads a line whose hash is right.
pub(super) fn parse(
    bytes: &[u8],
    path: &Path,
    number: &dyn Fn() -> u64,
    seq: Seq,
) -> Result<Record, JournalError> {
    #[derive(Deserialize)]
    struct Version {
        v: u16,
    }
    let newer = |version| JournalError::Newer { file: path.into(), line: number(), version };
    match serde_json::from_slice::<Record>(bytes) {
        Ok(record) if record.v > FORMAT => Err(newer(record.v)),
        Ok(record) => Ok(record),
        Err(error) => match serde_json::from_slice::<Version>(bytes) {
            Ok(Version { v }) if v > FORMAT => Err(newer(v)),
            _ => {
                let why = format!("this release cannot read it (column {})", error.column());
                Err(JournalError::damaged(path, number(), seq, why))
            }
        },
    }
}

/// The number of the line that begins at `offset`, counted from 1; 0 when the file cannot be read. Reads all that
/// stands before: for errors only.
fn line_number(path: &Path, offset: u64) -> u64 {
    let count = || -> std::io::Result<u64> {
        let file = File::open(path)?;
        let mut lines = Lines::new(&file, 0, offset, SCAN_BUFFER)?;
        let mut number = 1;
        while lines.next()?.is_some() {
            number += 1;
        }
        Ok(number)
    };
    count().unwrap_or(0)
}
