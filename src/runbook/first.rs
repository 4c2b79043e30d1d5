//! A first runbook for whoever begins. Never overwrites a file.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why no runbook was written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The name cannot be that of a file and a command.
    #[error(
        "`{0}` is no name for a runbook: write small letters, digits and dashes, as in disk-full or shop/disk-full"
    )]
    Name(String),
    /// A file is there.
    #[error("{} exists already; nothing was changed", .0.display())]
    Exists(PathBuf),
    /// The folder cannot be written to.
    #[error("{} cannot be written: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// Writes a runbook `name` below the folder of the commands; `shop/disk-full` is the command `/shop disk-full`.
///
/// # Errors
/// When the name is none, or the file is there, or the folder cannot be written to.
pub fn write(folder: &Path, name: &str) -> Result<PathBuf, NotWritten> {
    let name = name.trim().trim_start_matches('/').trim_end_matches(".md");
    let parts: Vec<&str> = name.split(['/', ' ']).filter(|part| !part.is_empty()).collect();
    let fits = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && part.len() <= 32
    };
    if parts.is_empty() || parts.len() > 6 || !parts.iter().all(fits) {
        return Err(NotWritten::Name(name.to_owned()));
    }
    let path = folder.join(format!("{}.md", parts.join("/")));
    let no = |error| NotWritten::Io(path.clone(), error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(no)?;
    }
    let mut file = match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(NotWritten::Exists(path)),
        Err(error) => return Err(no(error)),
    };
    io::Write::write_all(&mut file, text(&parts).as_bytes()).map_err(no)?;
    Ok(path)
}

/// What stands in it.
pub(super) fn text(path: &[&str]) -> String {
    let title = path.last().copied().unwrap_or_default().replace('-', " ");
    let mut letters = title.chars();
    let title: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    include_str!("first.md").replace("COMMAND", &path.join(" ")).replace("TITLE", &title)
}
