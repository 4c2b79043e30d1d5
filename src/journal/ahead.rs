//! Space for the journal, made before it is needed: real zeros on the disk, so that a sync has lines to write and no new
//! place for them to note. That is where a page's slowest syncs came from (BENCHMARKS.md). Never waited for, and never a
//! reason to fail: without it the journal grows as any file does.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    recovery,
    segment::{self, Header, Lines, len_u64},
};

/// Where the next segment is made.
const NAME: &str = "next.part";
/// A start makes this part of a segment's space at once, the rest comes with the next segment.
const AT_START: u64 = 16;
/// The next segment is made when this part of the space is left.
const LOW: u64 = 64;
/// The disk has this many times the space, or none is made: what is left of it is for what happens.
const FREE: u64 = 4;
/// Bytes written at once.
const BLOCK: usize = 64 * 1024;
/// Bytes that one sync makes durable.
const SYNCED: u64 = 1 << 20;
/// Between two syncs, so that those of the journal stay ahead.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 20 });

/// The next segment.
pub(super) struct Ahead {
    dir: PathBuf,
    /// Its size; 0: none is made.
    bytes: u64,
    next: Next,
}

enum Next {
    Unasked,
    Coming(JoinHandle<io::Result<File>>, Arc<AtomicBool>),
    /// It could not be made. Not tried again for this segment.
    Missing,
}

impl Ahead {
    /// Nothing is made yet; what an earlier process left, and [`keep_what_lost_its_name`] does not keep, is removed.
    pub(super) fn new(dir: &Path, bytes: u64) -> Self {
        let _ = fs::remove_file(dir.join(NAME));
        Self { dir: dir.to_owned(), bytes, next: Next::Unasked }
    }

    /// Size of the next segment.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes some space behind the end of a segment that was opened; gives where the space ends.
    pub(super) fn at_start(&self, file: &File, end: u64) -> u64 {
        let there = file.metadata().map_or(end, |about| about.len().max(end));
        let wanted = end + self.bytes / AT_START;
        if there - end >= self.bytes / LOW || !self.has_room(wanted - end) {
            return there;
        }
        if fill(file, there, wanted, &AtomicBool::new(false), Duration::ZERO).is_ok() {
            return wanted;
        }
        // What is there of it may be in the way of somebody who needs the space.
        let _ = file.set_len(end);
        end
    }

    /// So much space is left in the segment: asks for the next one when it is time.
    pub(super) fn is_left(&mut self, bytes: u64) {
        if bytes >= self.bytes / LOW || !matches!(self.next, Next::Unasked) {
            return;
        }
        self.next = Next::Missing;
        if !self.has_room(self.bytes) {
            return;
        }
        let (path, bytes, stop) = (self.dir.join(NAME), self.bytes, Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let make = move || {
            let made = segment::new_file(&path).and_then(|file| {
                fill(&file, 0, bytes, &stopped, PAUSE)?;
                Ok(file)
            });
            // A piece of it helps nobody, and may be the last space that others have.
            made.inspect_err(|_| drop(fs::remove_file(&path)))
        };
        if let Ok(thread) = thread::Builder::new().name("next segment".into()).spawn(make) {
            self.next = Next::Coming(thread, stop);
        }
    }

    /// A segment begins that was not made here: the next one is tried again.
    pub(super) fn try_again(&mut self) {
        if matches!(self.next, Next::Missing) {
            self.next = Next::Unasked;
        }
    }

    /// The next segment, full of zeros, and where it is; none when it is not ready.
    pub(super) fn take(&mut self) -> Option<(File, PathBuf)> {
        if !matches!(&self.next, Next::Coming(thread, _) if thread.is_finished()) {
            return None;
        }
        let Next::Coming(thread, _) = std::mem::replace(&mut self.next, Next::Unasked) else { return None };
        let made = thread.join().ok()?.ok();
        if made.is_none() {
            self.next = Next::Missing;
        }
        made.map(|file| (file, self.dir.join(NAME)))
    }

    /// Waits for the next segment when it is asked for; whether it is.
    #[cfg(test)]
    pub(super) fn wait(&self) -> bool {
        let Next::Coming(thread, _) = &self.next else { return false };
        while !thread.is_finished() {
            thread::yield_now();
        }
        true
    }

    /// Gives the space back to the disk; whether there was any.
    pub(super) fn release(&mut self) -> bool {
        if let Next::Coming(thread, stop) = std::mem::replace(&mut self.next, Next::Missing) {
            stop.store(true, Ordering::Relaxed);
            drop(thread.join());
        }
        fs::remove_file(self.dir.join(NAME)).is_ok()
    }

    fn has_room(&self, bytes: u64) -> bool {
        let about = rustix::fs::statvfs(&self.dir);
        about.is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) / FREE >= bytes)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.release();
    }
}

/// The file of an earlier process that holds more than a header became a segment, and the disk has forgotten that: it has its
/// name again, or is kept aside as `next.torn` when that name is taken or nobody can read it.
pub(super) fn keep_what_lost_its_name(dir: &Path) -> io::Result<()> {
    let made = dir.join(NAME);
    let file = match File::open(&made) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let len = segment::len_of(&file)?;
    let mut lines = Lines::new(&file, 0, recovery::HEADER, 512)?;
    let header = lines.next()?.filter(|line| line.complete);
    if len == 0 || header.is_some_and(|line| line.end() == len) {
        return Ok(());
    }
    let first = header.and_then(|line| serde_json::from_slice::<Header>(line.bytes).ok());
    let name = first.map(|header| segment::path_of(dir, header.first));
    let free = match &name {
        Some(name) => !name.try_exists()?,
        None => false,
    };
    file.sync_all()?;
    fs::rename(&made, name.filter(|_| free).unwrap_or_else(|| dir.join("next.torn")))?;
    segment::sync_dir(dir)
}

/// Writes zeros and makes them durable.
fn fill(file: &File, from: u64, to: u64, stop: &AtomicBool, pause: Duration) -> io::Result<()> {
    let zeros = vec![0; BLOCK];
    let mut at = from;
    while at < to {
        if stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("nobody wants it any more"));
        }
        let block = usize::try_from(to - at).map_or(BLOCK, |left| left.min(BLOCK));
        file.write_all_at(zeros.get(..block).unwrap_or(&zeros), at)?;
        at += len_u64(block);
        if (at - from).is_multiple_of(SYNCED) || at == to {
            file.sync_all()?;
            thread::sleep(pause);
        }
    }
    Ok(())
}
