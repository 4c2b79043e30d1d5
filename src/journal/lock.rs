//! The lock on the data folder: one process writes. Never waits, and never breaks another's lock: the system
//! frees it when its holder ends, however it ends.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Write},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::JournalError;

/// The right to write into a data folder, held until it is dropped.
#[derive(Debug)]
pub struct DataLock {
    dir: PathBuf,
    _file: File,
}

impl DataLock {
    /// Takes the lock of `dir`, which is made when it is not there.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process holds it; otherwise what the system said.
    pub fn acquire(dir: &Path) -> Result<Self, JournalError> {
        // Names, notes and titles are nobody else's business.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(JournalError::io("make the data folder", dir))?;
        let path = dir.join("lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(JournalError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let known = (&file).take(32).read_to_string(&mut holder).is_ok();
                let digits = !holder.is_empty() && holder.bytes().all(|b| b.is_ascii_digit());
                return Err(JournalError::Locked {
                    dir: dir.into(),
                    holder: (known && digits).then_some(holder),
                });
            }
            Err(TryLockError::Error(source)) => return Err(JournalError::io("lock", path)(source)),
        }
        // Whom to stop: only a courtesy, the lock holds without it.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { dir: dir.into(), _file: file })
    }

    /// The data folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_who_holds_the_folder_and_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("deep/data");
        let first = DataLock::acquire(&data).unwrap();
        let refused = DataLock::acquire(&data).unwrap_err().to_string();
        assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
        assert!(refused.contains("--data"), "{refused}");
        drop(first);
        DataLock::acquire(&data).unwrap();
    }
}
