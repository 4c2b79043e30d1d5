//! Some space that is held back, so that pages still leave when the disk is full, and whether it is. Never a reason not to
//! start: without it Watchbell works, and says what is missing.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A disk with less space than this is full for whatever is larger than an event, in bytes.
const FULL: u64 = 1 << 20;

/// The file that is deleted when the disk is full.
pub(super) struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// Makes sure that `bytes` are held back in the file at `path`; 0 holds nothing back.
    pub(super) fn hold(path: PathBuf, bytes: u64) -> (Self, io::Result<()>) {
        let held = fs::metadata(&path).is_ok_and(|metadata| metadata.len() >= bytes);
        let made = if bytes == 0 || held { Ok(()) } else { fill(&path, bytes) };
        if made.is_err() {
            let _ = fs::remove_file(&path);
        }
        (Self { path }, made)
    }

    /// Gives the space back to the disk; whether there was any.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }
}

/// Writes real bytes: a file that was only made long takes no space.
fn fill(path: &PathBuf, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let block = [0x5a; 16 * 1024];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(block.len()).min(block.len());
        file.write_all(block.get(..count).unwrap_or(&block))?;
        left -= u64::try_from(count).unwrap_or(left);
    }
    file.sync_all()
}

/// Whether an error means that the disk, or this user's share of it, is full.
pub(crate) fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the disk is as good as full. The journal may have space of its own all the same. One that tells no size is not.
pub(super) fn is_used_up(dir: &Path) -> bool {
    let left = |disk: &rustix::fs::StatVfs| disk.f_bavail.saturating_mul(disk.f_frsize);
    rustix::fs::statvfs(dir).is_ok_and(|disk| disk.f_blocks > 0 && left(&disk) < FULL)
}
