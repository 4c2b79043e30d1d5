//! The files of a configuration folder and places inside them. Never interprets what they say, and never follows
//! a folder inside the folder.

use std::{fmt::Write as _, fs, path::Path};

use sha2::{Digest, Sha256};

/// The copy of `config/` that travels in the binary.
#[derive(rust_embed::RustEmbed)]
#[folder = "config/"]
#[include = "*.toml"]
struct BuiltIn;

/// One file.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it is shown to people: the folder and the name.
    pub shown: String,
    /// The name alone: what the digest knows.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// A stretch of a file, in bytes. Where a number is no character boundary, the character before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the sources.
    pub file: usize,
    /// First byte.
    pub from: usize,
    /// The byte after the last.
    pub to: usize,
}

/// Something that cannot be read: its name, why, and what to do.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub shown: String,
    pub why: String,
    pub remedy: String,
}

/// Reads every `*.toml` of the folder by name; without a folder, the built-in copy.
pub(super) fn read(dir: Option<&Path>) -> (Vec<Source>, Vec<Unreadable>) {
    let Some(dir) = dir else { return (built_in(), Vec::new()) };
    let shown = |path: &Path| path.display().to_string();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            let why = format!("the configuration folder cannot be read: {error}");
            let remedy = "name an existing folder with --config, or leave it out to use the built-in example";
            return (Vec::new(), vec![Unreadable { shown: shown(dir), why, remedy: remedy.into() }]);
        }
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_toml(name))
        .collect();
    names.sort();
    let (mut sources, mut unreadable) = (Vec::new(), Vec::new());
    for name in names {
        let path = dir.join(&name);
        match fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|error| format!("byte {} is not UTF-8", error.utf8_error().valid_up_to()))
        }) {
            Ok(text) => sources.push(Source { shown: shown(&path), name, text }),
            Err(why) => unreadable.push(Unreadable {
                shown: shown(&path),
                why: format!("this file cannot be read: {why}"),
                remedy: "make it a readable UTF-8 text file, or move it out of the folder".into(),
            }),
        }
    }
    if sources.is_empty() && unreadable.is_empty() {
        unreadable.push(Unreadable {
            shown: shown(dir),
            why: "the configuration folder has no *.toml file".into(),
            remedy: "copy the files of the repository's own config/ into it and change them".into(),
        });
    }
    (sources, unreadable)
}

fn is_toml(name: &str) -> bool {
    !name.starts_with('.') && Path::new(name).extension().is_some_and(|ending| ending == "toml")
}

fn built_in() -> Vec<Source> {
    let mut sources: Vec<Source> = BuiltIn::iter()
        .filter(|name| is_toml(name))
        .filter_map(|name| {
            let file = BuiltIn::get(&name)?;
            let text = String::from_utf8_lossy(&file.data).into_owned();
            Some(Source { shown: format!("(built in) config/{name}"), name: name.into_owned(), text })
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// Hex SHA-256 over names and contents in the order of the names.
pub(super) fn digest(sources: &[Source]) -> String {
    let mut hash = Sha256::new();
    for source in sources {
        for part in [&source.name, &source.text] {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Source {
    /// What stands at the place; nothing when it lies outside.
    #[must_use]
    pub fn at(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// The line around a byte: its number from 1, and where it begins and ends (without the line break).
    #[must_use]
    pub fn line(&self, byte: usize) -> (usize, usize, usize) {
        let byte = self.floor(byte);
        let before = self.text.get(..byte).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.text.get(byte..).unwrap_or_default();
        let end = rest.find('\n').map_or(self.text.len(), |at| byte + at);
        let end =
            if self.text.get(start..end).is_some_and(|line| line.ends_with('\r')) { end - 1 } else { end };
        (before.bytes().filter(|b| *b == b'\n').count() + 1, start, end.max(start))
    }

    /// The nearest character boundary at or before a byte.
    #[must_use]
    pub fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}
