//! Pictures beside the journal: what is too large for it and is shown once. Each is kept under the digest of its bytes.
//! Never more than a few hundred, and never hands out what is not what was kept.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::domain::id::PictureId;

/// The folder of the data folder.
pub const FOLDER: &str = "pictures";
/// Pictures at most; the oldest gives way.
const MOST: usize = 400;
/// How many have been written by this process.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
/// All of them together, in bytes, at most.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// One picture, in bytes, at most.
const LARGEST: u64 = 4 * 1024 * 1024;
const ENDING: &str = "png";

/// Where pictures are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    /// In a data folder. Nothing is made before the first picture.
    #[must_use]
    pub fn below(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// Keeps a PNG; the oldest ones give way. Takes the time of a disk.
    ///
    /// # Errors
    /// When it cannot be written, or is larger than what is kept.
    pub fn keep(&self, png: &[u8]) -> io::Result<PictureId> {
        if u64::try_from(png.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the picture is too large"));
        }
        fs::create_dir_all(&self.folder)?;
        let id = PictureId::new(hex::encode(Sha256::digest(png)));
        let path = self.path(&id);
        // Written beside and put in place, so that no half of one is ever found.
        // Two who keep the same at once do not write into each other's file.
        let beside = path.with_extension(format!("{}.new", WRITTEN.fetch_add(1, Ordering::Relaxed)));
        let mut file = fs::File::create(&beside)?;
        file.write_all(png)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        self.make_room();
        Ok(id)
    }

    /// A picture that was kept; none: it gave way, or is not any more what it was. Takes the time of a disk.
    #[must_use]
    pub fn find(&self, id: &PictureId) -> Option<Bytes> {
        let sound = id.as_str().len() == 64 && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit());
        let png = sound.then(|| fs::read(self.path(id)).ok()).flatten()?;
        (hex::encode(Sha256::digest(&png)) == id.as_str()).then(|| png.into())
    }

    fn path(&self, id: &PictureId) -> PathBuf {
        self.folder.join(id.as_str()).with_extension(ENDING)
    }

    /// The oldest give way until the others have room.
    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut kept: Vec<(SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        kept.sort();
        let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
        let mut count = kept.len();
        for (_, size, path) in kept {
            if count <= MOST && bytes <= MOST_BYTES {
                return;
            }
            // What cannot be removed now is removed next time.
            let _ = fs::remove_file(path);
            count -= 1;
            bytes = bytes.saturating_sub(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_found_as_it_was_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::below(folder.path());
        let id = pictures.keep(b"one").unwrap();
        assert_eq!(pictures.find(&id).as_deref(), Some(&b"one"[..]));
        assert_eq!(pictures.keep(b"one").unwrap(), id, "the same is kept once");
        fs::write(pictures.path(&id), b"two").unwrap();
        assert_eq!(pictures.find(&id), None);
        for wrong in ["", "../../signing.key", &"g".repeat(64)] {
            assert_eq!(pictures.find(&wrong.into()), None, "{wrong}");
        }
    }

    #[test]
    fn the_oldest_give_way() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::below(folder.path());
        let first = pictures.keep(b"first").unwrap();
        let old = fs::File::open(pictures.path(&first)).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        for number in 1..MOST {
            fs::write(pictures.folder.join(format!("{number}.png")), b"x").unwrap();
        }
        assert!(pictures.find(&first).is_some());
        let last = pictures.keep(b"last").unwrap();
        assert_eq!(pictures.find(&first), None);
        assert!(pictures.find(&last).is_some());
        assert_eq!(fs::read_dir(&pictures.folder).unwrap().count(), MOST);
        assert!(pictures.keep(&vec![0; usize::try_from(LARGEST).unwrap() + 1]).is_err());
    }
}
