//! The journal in files: one batch, one write, one sync. Never answers before the sync, and never writes again
//! after a write that failed.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Damage, DataLock, FileReader, Head, Journal, JournalError, Reader, Torn,
    ahead::{self, Ahead},
    backup, erase, line, recovery,
    reserve::{self, Reserve},
    segment::{self, len_u64},
};
use crate::domain::{event::Record, id::Seq};

/// How the journal uses the disk.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Size at which a new segment begins, in bytes; a segment is longer than this only when one batch is. At most
    /// 2 GiB.
    pub segment_bytes: u64,
    /// Space that is held back for the time when the disk is full, in bytes; 0: none.
    pub reserve_bytes: u64,
    /// Space that is filled with zeros ahead of what is written, in bytes: the next segment begins where it ends, when
    /// one is ready by then. 0: none.
    pub ahead_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, reserve_bytes: 8 << 20, ahead_bytes: 16 << 20 }
    }
}

/// What was found when the journal was opened; the caller logs it.
#[derive(Debug)]
pub struct Opened {
    /// Tails that were cut and kept beside: writes that were under way when the process or the machine stopped, and
    /// that nobody was told of.
    pub torn: Vec<Torn>,
    /// Damaged lines in the last segment, before its end. They stop a replay that has to read them.
    pub damage: Vec<Damage>,
    /// An erasure that a crash had interrupted: the words are overwritten; what else belongs to it is still to be done.
    pub erasing: Option<erase::Pending>,
}

/// The journal in the files of `data/journal`.
pub struct FileJournal {
    dir: PathBuf,
    options: Options,
    reader: Arc<FileReader>,
    head: Head,
    /// First sequence of the last segment.
    segment: Seq,
    /// The last segment, open for writing.
    file: File,
    /// Its size in bytes.
    size: u64,
    /// Where the zeros behind it end.
    filled: u64,
    ahead: Ahead,
    /// Lines of one batch; kept to spare the allocation.
    buffer: Vec<u8>,
    reserve: Reserve,
    poisoned: bool,
    #[cfg(test)]
    fail: Option<Failure>,
    _lock: DataLock,
}

/// What a test lets go wrong.
#[cfg(test)]
pub(super) enum Failure {
    /// The disk is full after this many bytes; the next try works.
    Full(usize),
    /// The sync fails.
    Sync,
    /// Somebody has removed the file that was made for the next segment.
    Begin,
}

impl FileJournal {
    /// Takes the lock of the data folder and opens the journal in it; makes both when they are not there.
    ///
    /// # Errors
    /// When another process holds the lock, the end of the journal is damaged, a newer release wrote it, or the
    /// system refuses.
    pub fn open(data_dir: &Path, options: Options) -> Result<(Self, Opened), JournalError> {
        Self::open_locked(DataLock::acquire(data_dir)?, options)
    }

    /// Opens the journal in a data folder whose lock is held.
    ///
    /// # Errors
    /// As [`FileJournal::open`].
    pub fn open_locked(lock: DataLock, options: Options) -> Result<(Self, Opened), JournalError> {
        backup::refuse_half_restored(lock.dir())?;
        let dir = lock.dir().join("journal");
        fs::create_dir_all(&dir).map_err(JournalError::io("make", &dir))?;
        segment::sync_dir(lock.dir()).map_err(JournalError::io("sync", lock.dir()))?;
        ahead::keep_what_lost_its_name(&dir).map_err(JournalError::io("rename", &dir))?;
        let erasing = erase::resume(lock.dir())?;
        let found = recovery::recover(&dir)?;
        let first = found.segments.last().copied().unwrap_or(Seq(1));
        let reader = FileReader::new(dir.clone(), found.segments, found.size, found.head.seq);
        let options = Options { segment_bytes: options.segment_bytes.min(2 << 30), ..options };
        let ahead = Ahead::new(&dir, options.ahead_bytes.min(options.segment_bytes));
        let (reserve, held) = Reserve::hold(lock.dir().join("reserve"), options.reserve_bytes);
        if let Err(error) = held {
            reader.set_degraded(format!(
                "no space could be held back for a full disk ({error}): free some space and start Watchbell again"
            ));
        }
        let journal = Self {
            dir,
            options,
            reader: Arc::new(reader),
            head: found.head,
            segment: first,
            filled: ahead.at_start(&found.file, found.size),
            file: found.file,
            size: found.size,
            ahead,
            buffer: Vec::new(),
            reserve,
            poisoned: false,
            #[cfg(test)]
            fail: None,
            _lock: lock,
        };
        Ok((journal, Opened { torn: found.torn, damage: found.damage, erasing }))
    }

    /// The reader, with what only files have.
    #[must_use]
    pub fn files(&self) -> Arc<FileReader> {
        Arc::clone(&self.reader)
    }

    /// Waits for the next segment when it is asked for; whether it is.
    #[cfg(test)]
    pub(super) fn next_is_ready(&self) -> bool {
        self.ahead.wait()
    }

    #[cfg(test)]
    pub(super) fn fail_next(&mut self, failure: Failure) {
        self.fail = Some(failure);
    }

    /// Encodes, writes and syncs one batch.
    fn commit(&mut self, records: &[Record], last: &Record) -> Result<(), JournalError> {
        self.buffer.clear();
        let mut digest = self.head.digest;
        for record in records {
            let sync = record.seq == self.head.seq.next();
            digest = line::encode(&mut self.buffer, record, sync, &digest).map_err(|error| {
                JournalError::NotABatch { head: self.head.seq, why: format!("event {}: {error}", record.seq) }
            })?;
        }
        if self.buffer.len() > (1 << 30) {
            let why = "it is larger than 1 GiB".into();
            return Err(JournalError::NotABatch { head: self.head.seq, why });
        }
        match self.write() {
            Err(error) if reserve::is_full(error.kind()) => self.write_from_reserve(),
            written => written,
        }
        .map_err(|error| self.failed("write to")(error))?;
        self.sync().map_err(|error| self.failed("sync")(error))?;
        self.size += len_u64(self.buffer.len());
        self.filled = self.filled.max(self.size);
        self.head = Head::after(last, digest);
        Ok(())
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> JournalError {
        JournalError::io(doing, segment::path_of(&self.dir, self.segment))
    }

    /// Writes the buffer behind the last batch, into a new segment when it is time.
    fn write(&mut self) -> io::Result<()> {
        let end = self.size + len_u64(self.buffer.len());
        // An empty one takes whatever comes.
        if self.segment <= self.head.seq {
            self.begin_segment(end)?;
        }
        // Whatever has gone wrong, no line is written over.
        if !segment::ends_at(&self.file, self.size)? {
            return Err(io::Error::other("something else stands where the next event belongs"));
        }
        #[cfg(test)]
        if let Some(Failure::Full(bytes)) = self.fail.take_if(|fail| matches!(fail, Failure::Full(_))) {
            self.file.write_all_at(&self.buffer[..bytes], self.size)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all_at(&self.buffer, self.size)
    }

    /// A new segment, when this one would be too long, or is used up and the next one is ready.
    fn begin_segment(&mut self, end: u64) -> io::Result<()> {
        let full = end > self.options.segment_bytes;
        if !full && end <= self.filled {
            return Ok(());
        }
        let (first, previous) = (self.head.seq.next(), self.head.digest);
        #[cfg(test)]
        if let Some(Failure::Begin) = self.fail.take_if(|fail| matches!(fail, Failure::Begin)) {
            drop(fs::remove_file(self.dir.join("next.part")));
        }
        let made = match self.ahead.take() {
            Some((file, made)) => {
                let size = segment::begin_in((&file, &made), &self.dir, first, previous)?;
                size.map(|size| (file, size, self.ahead.bytes().max(size)))
            }
            None => None,
        };
        let (file, size, filled) = match made {
            Some(made) => made,
            None if full => {
                let (file, size) = segment::create(&self.dir, first, previous)?;
                self.ahead.try_again();
                (file, size, size)
            }
            None => return Ok(()),
        };
        let done = std::mem::replace(&mut self.file, file);
        // Zeros that are left there take space, and nothing else.
        let _ = done.set_len(self.size);
        (self.segment, self.size, self.filled) = (first, size, filled);
        Ok(())
    }

    /// The disk is full: gives the reserve back, removes the piece that was written, and tries once more.
    fn write_from_reserve(&mut self) -> io::Result<()> {
        let (ahead, reserve) = (self.ahead.release(), self.reserve.release());
        let released = ahead || reserve || self.filled > self.size;
        self.reader.set_degraded(
            "the disk is full: Watchbell works on the space it had held back. Free some space now and start it again"
                .into(),
        );
        if !released {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(self.size)?;
        self.filled = self.size;
        self.write()
    }

    fn sync(&mut self) -> io::Result<()> {
        #[cfg(test)]
        if let Some(Failure::Sync) = self.fail.take() {
            return Err(io::Error::other("the disk is gone"));
        }
        self.file.sync_data()
    }
}

impl Drop for FileJournal {
    /// A journal at rest is lines alone, for whoever looks at it with other programs.
    fn drop(&mut self) {
        if !self.poisoned {
            let _ = self.file.set_len(self.size);
        }
    }
}

/// The last record of a batch that may follow `head`; none for an empty one.
///
/// # Errors
/// [`JournalError::NotABatch`] when the sequence has a gap or the last intent is not whole.
pub(super) fn check_batch<'a>(
    head: &Head,
    records: &'a [Record],
) -> Result<Option<&'a Record>, JournalError> {
    let refuse = |why: String| Err(JournalError::NotABatch { head: head.seq, why });
    let Some(last) = records.last() else { return Ok(None) };
    let mut expected = head.seq;
    for record in records {
        expected = expected.next();
        if record.seq != expected {
            return refuse(format!("event {} stands where {expected} belongs", record.seq));
        }
    }
    if !last.last {
        return refuse(format!("event {} is not marked as the last of its intent", last.seq));
    }
    Ok(Some(last))
}

impl Journal for FileJournal {
    fn keep(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let committed = match check_batch(&self.head, records) {
            Ok(Some(last)) => self.commit(records, last),
            nothing => nothing.map(|_| ()),
        };
        self.poisoned = committed.is_err();
        committed
    }

    fn publish(&mut self) {
        self.reader.publish(self.segment, self.size, self.head.seq);
        self.ahead.is_left(self.filled - self.size);
    }

    fn head(&self) -> Head {
        self.head
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }
}
