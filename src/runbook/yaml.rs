//! Front matter as a tree whose every value knows its place. Never expands more than a runbook needs.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

/// A value and where it stands in the file.
#[derive(Debug)]
pub(super) struct Node {
    pub at: Range<usize>,
    pub what: What,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum What {
    Nothing,
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
}

/// Why it is no YAML, and where.
#[derive(Debug)]
pub(super) struct NotYaml {
    pub at: Range<usize>,
    pub why: String,
}

/// Reads the front matter that stands at `place` of a file.
pub(super) fn read(file: &str, place: Range<usize>) -> Result<Node, NotYaml> {
    let text = file.get(place.clone()).unwrap_or_default();
    match serde_saphyr::from_str::<Raw>(text) {
        Ok(raw) => Ok(settle(raw, text, place.start, 0..text.len())),
        Err(error) => {
            let at = error.location().map_or(0..text.len().min(1), |location| range(text, location));
            // Only the first line says what is wrong; the others draw it.
            let why = error.without_snippet().to_string();
            let why = why.lines().next().unwrap_or_default();
            let why = why.split(" at line ").next().unwrap_or_default().trim_end_matches('.').to_owned();
            Err(NotYaml { at: at.start + place.start..at.end + place.start, why })
        }
    }
}

/// A value as the parser gives it.
enum Raw {
    Nothing,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Table(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Raw;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_string()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = table.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Table(entries))
    }
}

/// Gives every value its place in the file; a place that is not known is that of what it stands in.
fn settle(raw: Raw, text: &str, start: usize, around: Range<usize>) -> Node {
    let spanned = |one: Spanned<Raw>| {
        let known = range(text, one.referenced);
        let at = if one.referenced.line() == 0 { around.clone() } else { known };
        settle(one.value, text, start, at)
    };
    let what = match raw {
        Raw::Nothing => What::Nothing,
        Raw::Text(text) => What::Text(text),
        Raw::List(items) => What::List(items.into_iter().map(spanned).collect()),
        Raw::Table(entries) => {
            What::Table(entries.into_iter().map(|(key, value)| (spanned(key), spanned(value))).collect())
        }
    };
    Node { at: around.start + start..around.end + start, what }
}

/// The bytes of a location: from its line and column to the end of its value or of its line.
fn range(text: &str, location: Location) -> Range<usize> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let line = number(location.line());
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let content = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let column = content.char_indices().nth(number(location.column())).map_or(content.len(), |(at, _)| at);
    let rest = content.get(column..).unwrap_or_default();
    let length = usize::try_from(location.span().len()).unwrap_or(0);
    let end = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
    let word = if length == 0 { rest } else { rest.get(..end).unwrap_or_default() };
    start + column..start + column + word.trim_end().len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let file = "---\ncommand: /a b\narguments:\n  - name: größe\n    choices: [eins, zwei]\n    default: 5\n---\n";
        let node = read(file, 4..file.len() - 4).unwrap();
        let mut found = Vec::new();
        collect(&node, &mut found);
        for (text, at) in &found {
            assert_eq!(file.get(at.clone()), Some(text.as_str()), "{found:?}");
        }
        assert_eq!(found.len(), 10);
    }

    fn collect(node: &Node, found: &mut Vec<(String, Range<usize>)>) {
        match &node.what {
            What::Nothing => {}
            What::Text(text) => found.push((text.clone(), node.at.clone())),
            What::List(items) => items.iter().for_each(|item| collect(item, found)),
            What::Table(entries) => entries.iter().for_each(|(key, value)| {
                collect(key, found);
                collect(value, found);
            }),
        }
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let file = "---\na: [1\nb: 2\n---\n";
        let error = read(file, 4..file.len() - 4).unwrap_err();
        assert!(error.at.start >= 4 && !error.why.is_empty(), "{error:?}");
        let twice = "a: 1\na: 2\n";
        assert!(read(twice, 0..twice.len()).is_err());
        let bomb = format!("a: &a [x]\n{}", "b: [*a, *a]\n");
        let _ = read(&bomb, 0..bomb.len());
    }
}
