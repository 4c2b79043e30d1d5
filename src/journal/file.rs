//! The journal in files: one batch, one write, one sync. Never answers before the sync, and never writes again
//! after a write that failed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Damage, DataLock, FileReader, Head, Journal, JournalError, Reader, Torn, backup, erase, line, recovery,
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
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, reserve_bytes: 8 << 20 }
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
    /// The last segment, open for appending.
    file: File,
    /// Its size in bytes.
    size: u64,
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
        let erasing = erase::resume(lock.dir())?;
        let found = recovery::recover(&dir)?;
        let first = found.segments.last().copied().unwrap_or(Seq(1));
        let reader = FileReader::new(dir.clone(), found.segments, found.size, found.head.seq);
        let (reserve, held) = Reserve::hold(lock.dir().join("reserve"), options.reserve_bytes);
        if let Err(error) = held {
            reader.set_degraded(format!(
                "no space could be held back for a full disk ({error}): free some space and start Watchbell again"
            ));
        }
        let journal = Self {
            dir,
            options: Options { segment_bytes: options.segment_bytes.min(2 << 30), ..options },
            reader: Arc::new(reader),
            head: found.head,
            segment: first,
            file: found.file,
            size: found.size,
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
        .map_err(JournalError::io("write to", segment::path_of(&self.dir, self.segment)))?;
        self.sync().map_err(JournalError::io("sync", segment::path_of(&self.dir, self.segment)))?;
        self.size += len_u64(self.buffer.len());
        self.head = Head::after(last, digest);
        self.reader.publish(self.segment, self.size, last.seq);
        Ok(())
    }

    /// Writes the buffer behind the last batch, into a new segment when it is time.
    fn write(&mut self) -> io::Result<()> {
        let full = self.size + len_u64(self.buffer.len()) > self.options.segment_bytes;
        if full && self.segment <= self.head.seq {
            let first = self.head.seq.next();
            (self.file, self.size) = segment::create(&self.dir, first, self.head.digest)?;
            self.segment = first;
        }
        #[cfg(test)]
        if let Some(Failure::Full(bytes)) = self.fail.take_if(|fail| matches!(fail, Failure::Full(_))) {
            self.file.write_all(&self.buffer[..bytes])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_all(&self.buffer)
    }

    /// The disk is full: gives the reserve back, removes the piece that was written, and tries once more.
    fn write_from_reserve(&mut self) -> io::Result<()> {
        let released = self.reserve.release();
        self.reader.set_degraded(
            "the disk is full: Watchbell works on the space it had held back. Free some space now and start it again"
                .into(),
        );
        if !released {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.set_len(self.size)?;
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
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
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

    fn head(&self) -> Head {
        self.head
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }
}
