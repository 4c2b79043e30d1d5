//! What is being erased, noted beside the journal while it is: by places and digests, never by words. Never believed
//! when it is not exactly what was written.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{name_of, sync, write_over};
use crate::{
    domain::{id::Seq, upkeep::Erased},
    journal::{JournalError, line::Words, segment::len_u64},
};

/// The file of the data folder.
const FILE: &str = "erasing.json";
/// Between the salt and the text.
const BETWEEN: &[u8] = br#"","text":""#;
/// Before the salt.
const BEFORE: &[u8] = br#"","salt":""#;
/// Hex digits of a salt.
const SALT: u64 = 32;

/// An erasure that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The last event before it.
    pub after: Seq,
    /// What the journal notes.
    pub erased: Erased,
    /// Where the words stand.
    pub(super) places: Vec<Place>,
}

/// Where one salt and one text stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) file: String,
    /// Bytes before the salt's digits.
    salt: u64,
    /// Bytes of the text as JSON, without its quotes.
    text: u64,
}

impl Place {
    pub(super) fn new(file: &Path, offset: u64, words: &Words<'_>) -> Self {
        Self { file: name_of(file), salt: offset + len_u64(words.salt_at), text: len_u64(words.text_len) }
    }

    /// Overwrites both.
    pub(super) fn blank(&self, file: &File) -> io::Result<()> {
        let text = self.salt + SALT + len_u64(BETWEEN.len());
        // Only what stands between the very marks of a `Prose` is ever overwritten, whatever a note says.
        let stands = |at: u64, expected: &[u8]| {
            let mut bytes = vec![0; expected.len()];
            file.read_exact_at(&mut bytes, at).is_ok_and(|()| bytes == expected)
        };
        let before = self.salt.checked_sub(len_u64(BEFORE.len()));
        let marked = before.is_some_and(|at| stands(at, BEFORE))
            && stands(self.salt + SALT, BETWEEN)
            && stands(text + self.text, b"\"}");
        if !marked {
            return Err(io::Error::other(format!("no words of a person stand at byte {}", self.salt)));
        }
        write_over(file, self.salt..self.salt + SALT, b'0')?;
        write_over(file, text..text + self.text, b' ')
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// Writes the note, durably.
pub(super) fn note(data_dir: &Path, pending: &Pending) -> Result<(), JournalError> {
    let path = path(data_dir);
    let draft = path.with_extension("tmp");
    let write = || -> io::Result<()> {
        let body = serde_json::to_vec(pending)?;
        let mut file = File::create(&draft)?;
        writeln!(file, "{}", hex::encode(Sha256::digest(&body)))?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    };
    write().map_err(JournalError::io("write", &path))?;
    sync(data_dir)
}

/// What is being erased in this data folder, if anything is.
///
/// # Errors
/// When the note is not what was written.
pub fn pending(data_dir: &Path) -> Result<Option<Pending>, JournalError> {
    let path = path(data_dir);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::io("read", path)(error)),
    };
    let read = || {
        let (digest, body) = bytes.split_at_checked(65)?;
        let whole = digest.strip_suffix(b"\n")? == hex::encode(Sha256::digest(body)).as_bytes();
        whole.then(|| serde_json::from_slice(body).ok()).flatten()
    };
    let damaged = || {
        JournalError::damaged(&path, 1, Seq(0), "this note of what is being erased is not what was written")
    };
    read().map(Some).ok_or_else(damaged)
}

/// Removes the note.
pub(super) fn close(data_dir: &Path) -> Result<(), JournalError> {
    let path = path(data_dir);
    match fs::remove_file(&path) {
        Ok(()) => sync(data_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(JournalError::io("remove", path)(error)),
    }
}
