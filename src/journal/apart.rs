//! Whether a folder that is written into is apart from the data folder, whatever names lead to it. Never makes anything.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

use super::JournalError;

/// Whether the other folder may hold the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// It is the other's own affair what else is in it.
    MayHold,
    /// All that is in it belongs to the copy.
    MayNot,
}

/// Refuses a folder `to` that is in the data folder or is itself it, and one whose `parts` are.
///
/// # Errors
/// When they are not apart, or that cannot be known.
pub(super) fn check(
    doing: &'static str,
    data_dir: &Path,
    to: &Path,
    parts: &[&str],
    parent: Parent,
) -> Result<(), JournalError> {
    let real = |path: &Path| real(path).map_err(JournalError::io("look up", path));
    let own = real(data_dir)?;
    let mut kept = vec![own.clone()];
    for part in parts {
        // It may be a link to another disk.
        kept.push(real(&data_dir.join(part))?);
    }
    let there = real(to)?;
    let mut wrong = there.starts_with(&own) || (parent == Parent::MayNot && own.starts_with(&there));
    for part in parts {
        let part = real(&to.join(part))?;
        wrong |= kept.iter().any(|kept| part.starts_with(kept) || kept.starts_with(&part));
    }
    if wrong {
        let why =
            "it is in the data folder, or the data folder is in it: name a folder apart; nothing was changed";
        return Err(JournalError::io(doing, to)(io::Error::other(why)));
    }
    Ok(())
}

/// The path without links; what is not there yet stays as it is written.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    for known in path.ancestors() {
        match known.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |real, part| real.join(part))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match known.components().next_back() {
            Some(Component::Normal(name)) => missing.push(name.to_owned()),
            // Where it leads is known only when it is there.
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}
