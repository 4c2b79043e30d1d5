//! Walks through all files of a journal beside a running server, for `watchbell journal verify`, `export` and
//! `stat`. Never writes, never stops at damage: it is told, and the walk goes on behind it.

use std::{
    fs::File,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{
    Damage, JournalError,
    line::{self, Chain, Mark},
    recovery,
    segment::{self, Header, Lines, RawLine},
};
use crate::domain::id::Seq;

/// How often an end that is not whole is read again: the server may be writing it.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 20 });
/// Bytes read at once.
const BUFFER: usize = 256 * 1024;

/// What is met on the way.
pub(super) enum Step<'a> {
    /// A segment begins; it is this long.
    Segment { bytes: u64 },
    /// A line whose place in the chain is right.
    Line { mark: Mark, bytes: &'a [u8], file: &'a Path, number: u64, offset: u64 },
    /// A damaged line.
    Damage(Damage),
}

/// Bytes at the end that are not (yet) a whole batch.
pub(super) type Tail = u64;

type Visit<'a> = &'a mut dyn FnMut(Step<'_>) -> ControlFlow<()>;

/// Goes through every segment from the one that holds `from`, until `visit` breaks.
pub(super) fn walk(dir: &Path, from: Seq, visit: Visit<'_>) -> Result<Tail, JournalError> {
    let mut segments = segment::list(dir)?;
    let mut index = segments.partition_point(|first| *first <= from.max(Seq(1))).saturating_sub(1);
    let mut chain = None;
    while let Some(&first) = segments.get(index) {
        index += 1;
        let live = index == segments.len();
        let mut walk = Walk {
            path: segment::path_of(dir, first),
            dir,
            first,
            live,
            offset: 0,
            number: 0,
            chain,
            tries: 0,
        };
        let (tail, flow) = match walk.run(visit) {
            Ok(done) => done,
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let listed = segment::list(dir)?;
                // Archived while we came here: the journal begins with a newer one now.
                let begins_later = listed.first().is_some_and(|begins| *begins > first);
                (segments, index, chain) = (listed, 0, None);
                if begins_later {
                    continue;
                }
                index = segments.partition_point(|other| *other <= first);
                let gone = visit(Step::Damage(walk.damage(first, "the file is missing")));
                if gone.is_break() || index == segments.len() {
                    return Ok(0);
                }
                continue;
            }
            // A file or a place of the disk that cannot be read says nothing of the segments behind it.
            Err(JournalError::Io { doing: doing @ ("open" | "read"), source, .. }) => {
                let seq = walk.chain.map_or(first, |chain| chain.next()).max(first);
                walk.chain = None;
                let why = if doing == "open" { "it cannot be opened" } else { "it cannot be read" };
                let damage = Damage { unread: true, ..walk.damage(seq, &format!("{why}: {source}")) };
                (0, visit(Step::Damage(damage)))
            }
            Err(error) => return Err(error),
        };
        if flow.is_break() {
            return Ok(0);
        }
        chain = walk.chain;
        if live {
            // The server may have begun another one meanwhile.
            segments = segment::list(dir)?;
            if index == segments.len() {
                return Ok(tail);
            }
        }
    }
    Ok(0)
}

/// A walk through one segment.
struct Walk<'a> {
    dir: &'a Path,
    path: PathBuf,
    first: Seq,
    /// Whether it is the last one, which the server may be writing.
    live: bool,
    /// Behind the lines that are done.
    offset: u64,
    /// How many lines are done.
    number: u64,
    /// None before the first header.
    chain: Option<Chain>,
    /// How often a line that the server may be writing was looked at again.
    tries: u32,
}

fn is_unfinished(raw: &RawLine<'_>) -> bool {
    !raw.complete || memchr::memchr(0, raw.bytes).is_some()
}

/// What to do after a line.
enum Then {
    Go,
    Stop,
    /// The file ends here with something that is not whole: look again, or leave it.
    Look,
    /// The server may be writing this line just now.
    Again,
}

impl Walk<'_> {
    fn run(&mut self, visit: Visit<'_>) -> Result<(Tail, ControlFlow<()>), JournalError> {
        let file = File::open(&self.path).map_err(JournalError::io("open", &self.path))?;
        let length = || segment::len_of(&file);
        let mut len = length().map_err(JournalError::io("read", &self.path))?;
        if visit(Step::Segment { bytes: len }).is_break() {
            return Ok((0, ControlFlow::Break(())));
        }
        let mut looks = 0;
        while looks < TRIES {
            let mut lines =
                Lines::new(&file, self.offset, len, BUFFER).map_err(JournalError::io("read", &self.path))?;
            let mut then = Then::Go;
            while let Some(raw) = lines.next().map_err(JournalError::io("read", &self.path))? {
                then = self.meet(&raw, visit);
                if !matches!(then, Then::Go) {
                    break;
                }
                self.number += 1;
                self.offset = raw.end();
            }
            match then {
                Then::Stop => return Ok((0, ControlFlow::Break(()))),
                Then::Go if self.offset == 0 && self.has_lost_its_header(&file)? => {
                    let damage = self.damage(self.first, "the header is not complete");
                    return Ok((0, visit(Step::Damage(damage))));
                }
                Then::Go => return Ok((0, ControlFlow::Continue(()))),
                Then::Look => looks += 1,
                Then::Again => {}
            }
            thread::sleep(PAUSE);
            len = length().map_err(JournalError::io("read", &self.path))?;
        }
        Ok((len.saturating_sub(self.offset), ControlFlow::Continue(())))
    }

    /// Of a segment without a line: whether it had a header. The last one is perhaps being made.
    fn has_lost_its_header(&self, file: &File) -> Result<bool, JournalError> {
        let len = file.metadata().map_err(JournalError::io("read", &self.path))?.len();
        Ok(!self.live || len >= recovery::HEADER)
    }

    fn meet(&mut self, raw: &RawLine<'_>, visit: Visit<'_>) -> Then {
        let Some(before) = self.chain.filter(|_| raw.offset > 0) else {
            return self.meet_header(raw, visit);
        };
        let mut chain = before;
        let checked = if raw.complete { chain.check(raw.bytes) } else { Err("its end is missing") };
        let number = self.number + 1;
        let flow = match checked {
            Ok(mark) => {
                let (bytes, offset) = (raw.bytes, raw.offset);
                visit(Step::Line { mark, bytes, file: &self.path, number, offset })
            }
            // The server may be erasing them: a line that was half overwritten is looked at again. And what is being
            // written takes the place of zeros, not always from the first of them to the last; where it ended when this
            // look began says nothing of now.
            Err(why) if self.tries < TRIES && (why == line::WORDS || (self.live && is_unfinished(raw))) => {
                self.tries += 1;
                return Then::Again;
            }
            Err(_) if self.live && recovery::is_tail(self.dir, self.first, raw.offset) => return Then::Look,
            Err(why) => visit(Step::Damage(self.damage(before.next(), why))),
        };
        self.chain = Some(chain);
        if flow.is_break() { Then::Stop } else { Then::Go }
    }

    fn meet_header(&mut self, raw: &RawLine<'_>, visit: Visit<'_>) -> Then {
        // Perhaps it is being made.
        if self.live && !raw.complete && raw.end() < recovery::HEADER {
            return Then::Look;
        }
        let header = Header::read(raw.bytes, self.first, &self.path);
        let before = self.chain;
        let wrong = match &header {
            Err(JournalError::Damaged(damage)) => Some(damage.why.clone()),
            Err(error) => Some(error.to_string()),
            Ok(_) if before.is_some_and(|chain| chain.next() != self.first) => {
                Some("it does not begin where the segment before ends: a file is missing or cut".to_owned())
            }
            Ok(header) if before.is_some_and(|chain| !chain.may_follow(&header.previous)) => {
                Some("the header does not follow the segment before".to_owned())
            }
            Ok(_) => None,
        };
        // A damaged header says nothing: the chain goes on from the segment before.
        self.chain = Some(match (header, before) {
            (Ok(header), _) => Chain::new(Some(header.previous), self.first),
            (Err(_), Some(chain)) if chain.next() == self.first => chain,
            (Err(_), _) => Chain::new(None, self.first),
        });
        let flow =
            wrong.map_or(ControlFlow::Continue(()), |why| visit(Step::Damage(self.damage(self.first, &why))));
        if flow.is_break() { Then::Stop } else { Then::Go }
    }

    fn damage(&self, seq: Seq, why: &str) -> Damage {
        Damage { file: self.path.clone(), line: self.number + 1, seq, why: why.to_owned(), unread: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Digest, Journal as _, tests};

    /// What a reader may see of a write that is under way: a later piece of it before an earlier one.
    #[test]
    fn a_line_that_takes_the_place_of_zeros_is_looked_at_again_before_it_is_damage() {
        let dir = tests::folder();
        let (mut journal, _) = crate::journal::FileJournal::open(dir.path(), tests::large()).unwrap();
        journal.append(&tests::notes(1, 2)).unwrap();
        let folder = dir.path().join("journal");
        let path = segment::path_of(&folder, Seq(1));
        let mut bytes = std::fs::read(&path).unwrap();
        let start = memchr::memchr(b'\n', &bytes).unwrap() + 1;
        bytes[start + 40..start + 80].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        let len = memchr::memchr(b'\n', &bytes[start..]).unwrap();
        let half = RawLine {
            offset: segment::len_u64(start),
            number: 2,
            bytes: &bytes[start..start + len],
            complete: true,
        };
        for (live, looks) in [(true, TRIES), (false, 0)] {
            let chain = Some(Chain::new(Some(Digest::default()), Seq(1)));
            let (path, dir) = (path.clone(), folder.as_path());
            let mut walk =
                Walk { dir, path, first: Seq(1), live, offset: half.offset, number: 1, chain, tries: 0 };
            let mut damage = Vec::new();
            for _ in 0..looks {
                let then = walk.meet(&half, &mut |_| panic!("it is looked at again first"));
                assert!(matches!(then, Then::Again));
            }
            walk.meet(&half, &mut |step| {
                if let Step::Damage(one) = step {
                    damage.push(one.seq);
                }
                ControlFlow::Continue(())
            });
            assert_eq!(damage, [Seq(1)]);
        }
    }

    /// The server wrote on after this look had found where the file ends.
    #[test]
    fn a_line_that_was_not_whole_when_the_look_began_is_looked_at_again() {
        let dir = tests::folder();
        tests::write_batches(dir.path(), tests::large(), &[tests::notes(1, 2)]);
        let folder = dir.path().join("journal");
        let path = segment::path_of(&folder, Seq(1));
        let bytes = std::fs::read(&path).unwrap();
        let start = memchr::memchr(b'\n', &bytes).unwrap() + 1;
        let bytes = &bytes[start..start + 50];
        let cut = RawLine { offset: segment::len_u64(start), number: 2, bytes, complete: false };
        let chain = Some(Chain::new(Some(Digest::default()), Seq(1)));
        let (dir, offset) = (folder.as_path(), cut.offset);
        let mut walk = Walk { dir, path, first: Seq(1), live: true, offset, number: 1, chain, tries: 0 };
        assert!(matches!(walk.meet(&cut, &mut |_| panic!("it is no damage")), Then::Again));
    }
}
