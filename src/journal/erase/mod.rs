//! Erases words of people in place: salt and text become zeros and blanks of the same length, so the chain, every
//! position and every number of a line stay as they are. Never overwrites anything that is not the salt or the text
//! of a `Prose`, and never begins before a note on disk says what is to be finished after a crash.

mod author;
mod pending;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    ops::{ControlFlow, Range},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use self::{
    author::Authors,
    pending::{Place, note},
};
pub use self::{
    author::Links,
    pending::{Pending, pending},
};
use super::{
    JournalError, line,
    segment::{self, len_u64},
    walk::{Step, walk},
};
use crate::domain::{
    event::Record,
    id::{PersonId, RunId, Seq},
    upkeep::Erased,
};

/// Whose words are to be erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Everything that this person wrote …
    pub person: Option<PersonId>,
    /// … and what this one event holds, whoever wrote it.
    pub seq: Option<Seq>,
    /// Only what was written before (civil time).
    pub before: Option<Timestamp>,
    /// Accounts of chat platforms that the configuration gives to the person, as `platform:id`.
    pub accounts: BTreeSet<String>,
    /// Whose accounts were whose, as far as the folder that is searched does not say so itself.
    pub links: Links,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Digests of the words.
    pub digests: BTreeSet<String>,
    /// Runs of which the output of a step is among them.
    pub outputs: BTreeSet<(RunId, u32)>,
    /// Runs that were told, asked or said some of the words.
    pub runs: BTreeSet<RunId>,
    /// Runs of the person that an earlier release wrote: what they ask and say is no `Prose` there, and cannot be erased.
    pub plain: BTreeSet<RunId>,
    /// Where they stand in the journal.
    places: Vec<Place>,
    /// Damaged lines, which nobody can search.
    pub unread: u64,
}

impl Found {
    /// How many texts stand in the journal.
    #[must_use]
    pub fn texts(&self) -> u64 {
        len_u64(self.places.len())
    }
}

/// Looks for the words of the events up to `upto` in the journal in `data_dir`. Changes nothing. Blocks on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub fn find(data_dir: &Path, wanted: &Wanted, upto: Seq) -> Result<Found, JournalError> {
    let dir = data_dir.join("journal");
    let mut authors = Authors::of(wanted);
    let mut found = Found::default();
    // Whose an account was is known only once all of it was read.
    read(&dir, upto, &mut |step| match step {
        Seen::Line { bytes, .. } => authors.learn_links(bytes),
        Seen::Damaged => found.unread += 1,
    })?;
    read(&dir, upto, &mut |step| {
        let Seen::Line { bytes, .. } = step else { return };
        let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
        authors.choose(&record, bytes, &mut found);
    })?;
    // The same words may stand in several events: a message that is told, and its delivery.
    read(&dir, upto, &mut |step| {
        let Seen::Line { file, offset, bytes } = step else { return };
        for words in line::words(bytes).filter(|words| !words.erased && found.digests.contains(words.sha)) {
            found.places.push(Place::new(file, offset, &words));
        }
    })?;
    Ok(found)
}

/// Learns from the journal in `data_dir` whose accounts were whose, for folders that do not hold that themselves. Blocks
/// on the disk.
///
/// # Errors
/// When the journal cannot be read.
pub fn learn_links(data_dir: &Path, links: &mut Links) -> Result<(), JournalError> {
    read(&data_dir.join("journal"), Seq(u64::MAX), &mut |step| {
        if let Seen::Line { bytes, .. } = step {
            links.learn(bytes);
        }
    })
}

enum Seen<'a> {
    Line { file: &'a Path, offset: u64, bytes: &'a [u8] },
    Damaged,
}

/// Visits every line that may hold words, or may tell whose an account is.
fn read(dir: &Path, upto: Seq, visit: &mut dyn FnMut(Seen<'_>)) -> Result<(), JournalError> {
    walk(dir, Seq(1), &mut |step| {
        match step {
            Step::Line { mark, .. } if mark.seq > upto => return ControlFlow::Break(()),
            Step::Line { bytes, file, offset, .. } => visit(Seen::Line { file, offset, bytes }),
            Step::Damage(_) => visit(Seen::Damaged),
            Step::Segment { .. } => {}
        }
        ControlFlow::Continue(())
    })
    .map(drop)
}

/// Notes on disk what is about to be erased. From here on a start finishes it, whatever happens. Blocks on the disk.
///
/// # Errors
/// When it cannot be written; nothing will be erased then.
pub fn begin(data_dir: &Path, after: Seq, erased: Erased, found: Found) -> Result<Pending, JournalError> {
    let pending = Pending { after, erased, places: found.places };
    note(data_dir, &pending)?;
    Ok(pending)
}

/// Overwrites the words in the journal and in torn writes that were kept aside; returns in how many of those there
/// were any. May be done again. Blocks on the disk.
///
/// # Errors
/// When it cannot be written; what is noted stays to be finished.
pub fn overwrite(data_dir: &Path, pending: &Pending) -> Result<u64, JournalError> {
    let dir = data_dir.join("journal");
    let mut by_file: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
    for place in &pending.places {
        by_file.entry(&place.file).or_default().push(place);
    }
    for (name, places) in by_file {
        let path = dir.join(name);
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            // It was archived by hand meanwhile: whoever looks after the archive erases there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(JournalError::io("open for erasing", path)(error)),
        };
        for place in places {
            place.blank(&file).map_err(JournalError::io("erase in", &path))?;
        }
        file.sync_all().map_err(JournalError::io("sync", &path))?;
    }
    blank_torn(&dir)
}

/// Says that all is done. Blocks on the disk.
///
/// # Errors
/// When the note cannot be removed: the next start erases once more, which changes nothing.
pub fn finish(data_dir: &Path) -> Result<(), JournalError> {
    pending::close(data_dir)
}

/// How many torn writes that were kept aside hold words. Nobody was told of them, so nobody's are spared.
///
/// # Errors
/// When they cannot be read.
pub fn torn_with_words(data_dir: &Path) -> Result<u64, JournalError> {
    let mut count = 0;
    for path in torn(&data_dir.join("journal"))? {
        let bytes = fs::read(&path).map_err(JournalError::io("read", &path))?;
        count += u64::from(!line::torn_words(&bytes).is_empty());
    }
    Ok(count)
}

fn blank_torn(dir: &Path) -> Result<u64, JournalError> {
    let mut count = 0;
    for path in torn(dir)? {
        let bytes = fs::read(&path).map_err(JournalError::io("read", &path))?;
        let doomed = line::torn_words(&bytes);
        if doomed.is_empty() {
            continue;
        }
        let file =
            File::options().write(true).open(&path).map_err(JournalError::io("open for erasing", &path))?;
        for (range, fill) in doomed {
            write_over(&file, range, fill).map_err(JournalError::io("erase in", &path))?;
        }
        file.sync_all().map_err(JournalError::io("sync", &path))?;
        count += 1;
    }
    Ok(count)
}

fn torn(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(JournalError::io("list", dir))? {
        let path = entry.map_err(JournalError::io("list", dir))?.path();
        if path.extension().is_some_and(|extension| extension == "torn") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Erases in a folder of archived segments: nobody writes there, so there is no event. What a crash interrupted is
/// finished first. Returns how many texts, and how many runs of the person stay that cannot be erased
/// ([`Found::plain`]).
///
/// # Errors
/// When it cannot be read or written.
pub fn in_archive(archive: &Path, wanted: &Wanted) -> Result<(u64, u64), JournalError> {
    // A crash may have left words half erased: such a line reads as damaged until it is finished.
    resume(archive)?;
    finish(archive)?;
    let found = find(archive, wanted, Seq(u64::MAX))?;
    let (texts, plain) = (found.texts(), len_u64(found.plain.len()));
    let by = crate::domain::event::Actor::Operator;
    let erased = Erased {
        whose: wanted.person.clone(),
        seq: wanted.seq,
        before: wanted.before,
        texts,
        digests: BTreeSet::new(),
        outputs: BTreeSet::new(),
        by,
    };
    let pending = begin(archive, Seq(0), erased, found)?;
    overwrite(archive, &pending)?;
    finish(archive)?;
    Ok((texts, plain))
}

/// Finishes what a crash interrupted, before anybody reads the journal. The note stays until the engine has made
/// sure that the event stands in the journal and that no snapshot holds the words.
///
/// # Errors
/// When the note is not what was written, or the words cannot be overwritten.
pub fn resume(data_dir: &Path) -> Result<Option<Pending>, JournalError> {
    let Some(found) = pending(data_dir)? else { return Ok(None) };
    overwrite(data_dir, &found)?;
    Ok(Some(found))
}

fn write_over(file: &File, range: Range<u64>, fill: u8) -> io::Result<()> {
    let len = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
    file.write_all_at(&vec![fill; len], range.start)
}

/// The file of a segment, as it is called in the journal's folder.
fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Syncs a folder.
fn sync(dir: &Path) -> Result<(), JournalError> {
    segment::sync_dir(dir).map_err(JournalError::io("sync", dir))
}
