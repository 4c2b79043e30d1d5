//! Reading typed values out of spanned TOML while collecting every mistake instead of stopping at the first.
//! Never puts a value into a sentence that might be a secret or an address.

use std::{cell::RefCell, collections::BTreeSet, fmt::Display, ops::RangeInclusive, path::Path};

use jiff::SignedDuration;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::domain::duration;

use super::{
    mistake::{Finding, Gravity},
    source::{Place, Source},
    words,
};

/// What all sections of one reading share: the files, the environment, and what was found so far.
pub(super) struct Reader<'a> {
    pub sources: &'a [Source],
    /// File paths in values are relative to this folder.
    pub folder: Option<&'a Path>,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Every file of the folder could be read: a name that is unknown is a mistake.
    pub complete: bool,
    /// Every file is TOML: what is absent was not swallowed.
    pub sound: bool,
    pub found: RefCell<Vec<Finding>>,
    /// What must not be shown of the files.
    pub masks: RefCell<Vec<Place>>,
}

impl Reader<'_> {
    /// Notes a mistake.
    pub fn mistake(&self, at: Place, what: impl Display, nearest: Option<&str>, remedy: impl Display) {
        self.note(Gravity::Mistake, at, what, nearest, remedy);
    }

    /// Notes a warning.
    pub fn warning(&self, at: Place, what: impl Display, remedy: impl Display) {
        self.note(Gravity::Warning, at, what, None, remedy);
    }

    fn note(
        &self,
        gravity: Gravity,
        at: Place,
        what: impl Display,
        nearest: Option<&str>,
        remedy: impl Display,
    ) {
        let nearest = nearest.map(ToOwned::to_owned);
        self.found.borrow_mut().push(Finding {
            gravity,
            at,
            what: what.to_string(),
            nearest,
            remedy: remedy.to_string(),
        });
    }

    /// `oncall.toml:12`, for sentences that point at another place.
    pub fn point(&self, at: Place) -> String {
        self.sources
            .get(at.file)
            .map_or_else(String::new, |source| format!("{}:{}", source.name, source.line(at.from).0))
    }
}

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub value: String,
    pub at: Place,
}

impl Text {
    /// The place of a part of this text, when the file has it word by word; else of the whole.
    pub fn part(&self, reader: &Reader<'_>, part: &str) -> Place {
        let found = reader.sources.get(self.at.file).and_then(|source| {
            let offset = source.at(self.at.from, self.at.to).find(part)?;
            let from = self.at.from + offset;
            Some(Place { from, to: from + part.len(), ..self.at })
        });
        found.filter(|_| !part.is_empty()).unwrap_or(self.at)
    }
}

/// One value: where it stands, and how it is called in sentences (`server.listen`).
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub reader: &'a Reader<'a>,
    pub file: usize,
    pub path: String,
    /// The key's own place.
    pub key: Place,
    pub value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Node<'a> {
    /// Where the value stands.
    pub fn at(&self) -> Place {
        let span = self.value.span();
        Place { file: self.file, from: span.start, to: span.end }
    }

    /// Notes that the value has the wrong type.
    pub fn wrong(&self, expected: &str) {
        let is = match self.value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.reader.mistake(self.at(), format!("`{}` is {is}", self.path), None, format!("write {expected}"));
    }

    /// A text; `example` says what one looks like (`"ana"`).
    pub fn text(&self, example: &str) -> Option<Text> {
        if let DeValue::String(value) = self.value.get_ref() {
            return Some(Text { value: value.to_string(), at: self.at() });
        }
        self.wrong(&format!("text in quotes, such as {example}"));
        None
    }

    /// A text that is not empty.
    pub fn filled(&self, example: &str) -> Option<Text> {
        let text = self.text(example)?;
        if !text.value.trim().is_empty() {
            return Some(text);
        }
        self.reader.mistake(
            text.at,
            format!("`{}` is empty", self.path),
            None,
            format!("write text such as {example}, or leave the key out"),
        );
        None
    }

    /// One of a few words; `what` says of another that it is none of them.
    pub fn one_of<T: Copy>(
        &self,
        known: &[(&'static str, T)],
        what: impl FnOnce(&str) -> String,
        remedy: impl Display,
    ) -> Option<T> {
        let text = self.filled(&format!("\"{}\"", known.first().map_or("", |(word, _)| word)))?;
        let found = known.iter().find(|(word, _)| *word == text.value).map(|(_, meant)| *meant);
        if found.is_none() {
            let near = words::nearest(&text.value, known.iter().map(|(word, _)| *word));
            self.reader.mistake(text.at, what(&text.value), near, remedy);
        }
        found
    }

    /// True or false.
    pub fn flag(&self) -> Option<bool> {
        if let DeValue::Boolean(value) = self.value.get_ref() {
            return Some(*value);
        }
        self.wrong("true or false, without quotes");
        None
    }

    /// A whole number within a range.
    pub fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        if let DeValue::Integer(number) = self.value.get_ref() {
            let digits: String = number.as_str().chars().filter(|c| *c != '_').collect();
            if let Some(count) =
                u32::from_str_radix(&digits, number.radix()).ok().filter(|count| range.contains(count))
            {
                return Some(count);
            }
        }
        let (from, to) = (range.start(), range.end());
        self.reader.mistake(
            self.at(),
            format!("`{}` is not a whole number from {from} to {to}", self.path),
            None,
            format!("write a number from {from} to {to}, without quotes"),
        );
        None
    }

    /// A duration within a range.
    pub fn duration(&self, range: RangeInclusive<SignedDuration>) -> Option<SignedDuration> {
        let text = self.text("\"5m\"")?;
        self.duration_in(&text.value, text.at, range)
    }

    /// A duration that is part of a text.
    pub fn duration_in(
        &self,
        text: &str,
        at: Place,
        range: RangeInclusive<SignedDuration>,
    ) -> Option<SignedDuration> {
        match duration::parse(text) {
            Ok(duration) if range.contains(&duration) => return Some(duration),
            Ok(_) => {
                let (from, to) = (duration::written(*range.start()), duration::written(*range.end()));
                let what = format!("`{}` must be from {from} to {to}, and `{text}` is not", self.path);
                self.reader.mistake(at, what, None, format!("write a duration from {from} to {to}"));
            }
            Err(why) => {
                let (what, remedy) = words::part(&why.to_string(), "durations are 90s, 5m, 1h30m, 7d");
                self.reader.mistake(at, what, None, remedy);
            }
        }
        None
    }

    /// The values of a list.
    pub fn items(&self) -> Option<Vec<Node<'a>>> {
        let DeValue::Array(values) = self.value.get_ref() else {
            let header = self.reader.sources.get(self.file).map_or("", |source| {
                let span = self.value.span();
                source.at(span.start, span.end)
            });
            // A table with a header of its own: there was to be a list of them.
            if header.starts_with('[') && matches!(self.value.get_ref(), DeValue::Table(_)) {
                self.wrong(&format!("its header with two brackets, [[{}]]: there can be several", self.path));
            } else {
                self.wrong("a list in square brackets, such as [\"…\"]");
            }
            return None;
        };
        let item = |value: &'a Spanned<DeValue<'a>>| {
            let span = value.span();
            Node {
                reader: self.reader,
                file: self.file,
                path: self.path.clone(),
                key: Place { file: self.file, from: span.start, to: span.end },
                value,
            }
        };
        Some(values.iter().map(item).collect())
    }

    /// The values of a list, or the one value that stands alone.
    pub fn one_or_more(&self) -> Vec<Node<'a>> {
        match self.value.get_ref() {
            DeValue::Array(_) => self.items().unwrap_or_default(),
            _ => vec![self.clone()],
        }
    }

    /// All texts of a list, or the one text that stands alone.
    pub fn texts(&self, example: &str) -> Vec<Text> {
        self.one_or_more().iter().filter_map(|node| node.filled(example)).collect()
    }

    /// Whether it is a table with this key.
    pub fn has(&self, key: &str) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(table) if table.contains_key(key))
    }

    /// A table of known keys.
    pub fn section(&self) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value.get_ref() else {
            self.wrong("a table: a header in square brackets, or { key = value }");
            return None;
        };
        Some(Section { node: self.clone(), table, asked: BTreeSet::new() })
    }

    /// Every entry of a table whose keys are names that people choose, in the order of the file.
    pub fn entries(&self) -> Vec<(Text, Node<'a>)> {
        let Some(section) = self.section() else { return Vec::new() };
        let mut entries: Vec<(Text, Node<'a>)> = section
            .table
            .iter()
            .map(|(key, value)| {
                let node = section.child(key.get_ref(), key.span(), value);
                (Text { value: key.get_ref().to_string(), at: node.key }, node)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.at);
        entries
    }

    /// Covers a URL beyond its host wherever its line is shown.
    pub fn mask_url(&self) {
        if let Some(source) = self.reader.sources.get(self.file) {
            let span = super::syntax::secret_part(source, self.value.span());
            let place = Place { file: self.file, from: span.start, to: span.end };
            self.reader.masks.borrow_mut().push(place);
        }
    }

    /// Covers the value wherever its line is shown.
    pub fn mask(&self) {
        self.reader.masks.borrow_mut().push(self.at());
    }
}

/// A table of known keys. Whoever asks for a key makes it known; `finish` reports the others.
pub(super) struct Section<'a> {
    pub node: Node<'a>,
    table: &'a DeTable<'a>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    fn child(&self, key: &str, span: std::ops::Range<usize>, value: &'a Spanned<DeValue<'a>>) -> Node<'a> {
        let path =
            if self.node.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.node.path) };
        let key = Place { file: self.node.file, from: span.start, to: span.end };
        Node { reader: self.node.reader, file: self.node.file, path, key, value }
    }

    /// The value of a key, when it is written.
    pub fn node(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.asked.insert(key);
        let (key, value) = self.table.get_key_value(key)?;
        Some(self.child(key.get_ref(), key.span(), value))
    }

    /// The value of a key that must be written; `example` is a line that would do.
    pub fn need(&mut self, key: &'static str, example: &str) -> Option<Node<'a>> {
        let node = self.node(key);
        if node.is_none() {
            self.node.reader.mistake(
                self.node.key,
                format!("`{}` has no `{key}`", self.node.path),
                None,
                format!("add {example}"),
            );
        }
        node
    }

    /// A text that is not empty.
    pub fn text(&mut self, key: &'static str, example: &str) -> Option<Text> {
        self.node(key)?.filled(example)
    }

    /// True or false.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.node(key)?.flag()
    }

    /// A duration within a range.
    pub fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<SignedDuration>,
    ) -> Option<SignedDuration> {
        self.node(key)?.duration(range)
    }

    /// The values of a list.
    pub fn items(&mut self, key: &'static str) -> Vec<Node<'a>> {
        self.node(key).and_then(|node| node.items()).unwrap_or_default()
    }

    /// The texts of a list, or the one text that stands alone.
    pub fn texts(&mut self, key: &'static str, example: &str) -> Vec<Text> {
        self.node(key).map(|node| node.texts(example)).unwrap_or_default()
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let where_to = match self.node.path.as_str() {
            "" => "the configuration".to_owned(),
            path => format!("[{path}]"),
        };
        for (key, value) in self.table {
            let key_text: &str = key.get_ref();
            if self.asked.contains(key_text) {
                continue;
            }
            let unused = |word: &&&str| !self.table.contains_key(**word);
            let near = words::nearest(key_text, self.asked.iter().filter(unused).copied());
            let node = self.child(key_text, key.span(), value);
            let remedy = format!("{where_to} takes {}", words::list(self.asked.iter().copied()));
            self.node.reader.mistake(
                node.key,
                format!("`{key_text}` is not a key of {where_to}"),
                near,
                remedy,
            );
        }
    }
}
