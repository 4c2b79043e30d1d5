//! What is found wrong while a runbook is read, and where in its file things stand. Never shows a file's insides
//! beyond the line that is meant.

use std::{cell::RefCell, ops::Range};

use crate::config::{Finding, Gravity, Mistake, Place, Source, nearest};

/// One file and what is wrong with it so far.
pub(super) struct Notes<'a> {
    pub source: &'a Source,
    found: RefCell<Vec<Finding>>,
}

impl<'a> Notes<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self { source, found: RefCell::default() }
    }

    /// Notes a mistake.
    pub fn mistake(&self, at: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        self.say(Gravity::Mistake, at, what.into(), None, remedy.into());
    }

    /// Notes a word that is not known, with the nearest of those that are.
    pub fn unknown<'k>(
        &self,
        at: Range<usize>,
        word: &str,
        what: impl Into<String>,
        known: impl IntoIterator<Item = &'k str>,
        remedy: impl Into<String>,
    ) {
        let near = nearest(word, known).map(str::to_owned);
        self.say(Gravity::Mistake, at, what.into(), near, remedy.into());
    }

    /// Notes a mistake with the nearest right word, if there is one.
    pub fn say(
        &self,
        gravity: Gravity,
        at: Range<usize>,
        what: String,
        nearest: Option<String>,
        remedy: String,
    ) {
        let at = Place { file: 0, from: at.start, to: at.end };
        self.found.borrow_mut().push(Finding { gravity, at, what, nearest, remedy });
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// All of them, ready to be shown, in the order of the file.
    pub fn shown(self) -> Vec<Mistake> {
        /// More of one file only hide the first.
        const MOST: usize = 50;
        let mut found = self.found.into_inner();
        found.sort_by_key(|finding| finding.at);
        found.into_iter().take(MOST).map(|finding| Mistake::shown(finding, self.source, &[])).collect()
    }
}

/// The text of a block, which may stand indented in its file: every byte of it knows where it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    pub text: String,
    /// Where a run of bytes begins: here, and in the file.
    runs: Vec<(usize, usize)>,
}

impl Body {
    /// Goes on with what stands in the file from this byte on.
    pub fn push(&mut self, text: &str, at: usize) {
        self.runs.push((self.text.len(), at));
        self.text.push_str(text);
    }

    /// Where a byte stands in the file.
    fn origin(&self, byte: usize) -> usize {
        let run = self.runs.partition_point(|(here, _)| *here <= byte).checked_sub(1);
        run.and_then(|run| self.runs.get(run)).map_or(byte, |(here, there)| there + (byte - here))
    }

    /// All of it.
    pub fn whole(&self) -> Written<'_> {
        Written { body: self, from: 0, to: self.text.len() }
    }
}

/// A stretch of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    body: &'a Body,
    from: usize,
    to: usize,
}

impl<'a> Written<'a> {
    pub fn text(&self) -> &'a str {
        self.body.text.get(self.from..self.to).unwrap_or_default()
    }

    /// A stretch of it, in bytes of its text.
    pub fn part(&self, range: Range<usize>) -> Self {
        let from = (self.from + range.start).min(self.to);
        Self { body: self.body, from, to: (self.from + range.end).clamp(from, self.to) }
    }

    /// The same without blanks around.
    pub fn trimmed(&self) -> Self {
        let text = self.text();
        let start = text.len() - text.trim_start().len();
        self.part(start..start + text.trim().len())
    }

    /// Without quotes around all of it.
    pub fn unquoted(&self) -> Self {
        let text = self.text();
        let quoted = ['"', '\''].into_iter().any(|quote| {
            text.len() >= 2
                && text.starts_with(quote)
                && text.ends_with(quote)
                && !text.get(1..text.len() - 1).unwrap_or_default().contains(quote)
        });
        if quoted { self.part(1..text.len() - 1) } else { *self }
    }

    /// Where it stands in the file.
    pub fn at(&self) -> Range<usize> {
        let from = self.body.origin(self.from);
        from..from + (self.to - self.from)
    }

    /// Its lines, without their ends.
    pub fn lines(&self) -> Vec<Self> {
        let mut start = 0;
        let text = self.text();
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\n', '\r']);
            lines.push(self.part(start..start + bare.len()));
            start += line.len();
        }
        lines
    }

    /// From here to the end of another stretch of the same block.
    pub fn until(&self, other: &Self) -> Self {
        Self { to: other.to.max(self.from), ..*self }
    }

    /// `key: value`, both without blanks around; none when there is no colon after a word.
    pub fn pair(&self) -> Option<(Self, Self)> {
        let text = self.text();
        let colon = text.find(':')?;
        let key = self.part(0..colon).trimmed();
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@' | '.');
        let fits = !key.text().is_empty() && key.text().chars().all(word);
        fits.then(|| (key, self.part(colon + 1..text.len()).trimmed()))
    }
}
