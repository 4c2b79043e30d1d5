//! Files that are not quite TOML: what is said about them, and what may still be said about their other parts.
//! Never shows a line that might hold a secret in a shape that was not understood.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

use super::{
    mistake::{Finding, Gravity},
    source::{Place, Source},
};

/// Byte positions at which the blocks of a file begin: its start, and every line that begins with `[`.
fn blocks(source: &Source) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        if line.starts_with('[') && at > 0 {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

fn block_of(starts: &[usize], byte: usize) -> usize {
    starts.partition_point(|start| *start <= byte).saturating_sub(1)
}

/// What stands in the headers of a file (`person.ana`), whether or not TOML could read them.
pub(super) fn headers(source: &Source) -> impl Iterator<Item = &str> {
    source.text.lines().filter_map(|line| {
        let line = line.trim();
        let inner = line.strip_prefix("[[").or_else(|| line.strip_prefix('['))?;
        inner.split(']').next()
    })
}

/// The mistakes of form in one file.
pub(super) struct Form {
    /// What to tell.
    pub findings: Vec<Finding>,
    /// In these blocks nothing else is worth telling.
    unsure: Vec<Range<usize>>,
}

impl Form {
    /// Whether the file could be read completely.
    pub fn is_sound(&self) -> bool {
        self.unsure.is_empty()
    }

    /// Whether a mistake at this byte may only follow from a mistake of form nearby.
    pub fn covers(&self, byte: usize) -> bool {
        self.unsure.iter().any(|block| block.contains(&byte))
    }
}

/// Says what is wrong with the form of a file: one mistake for each part that could not be read.
pub(super) fn form(file: usize, source: &Source, errors: &[Error]) -> Form {
    let starts = blocks(source);
    let block_end = |block: usize| starts.get(block + 1).copied().unwrap_or(usize::MAX);
    let mut spans: Vec<(Range<usize>, &str)> = errors
        .iter()
        .map(|error| (error.span().unwrap_or(source.text.len()..source.text.len()), error.message()))
        .collect();
    spans.sort_by_key(|(span, _)| (span.start, span.end));
    let mut form = Form { findings: Vec::new(), unsure: Vec::new() };
    let mut told: Option<usize> = None;
    for (span, message) in spans {
        let at = Place { file, from: span.start, to: span.end };
        if message.starts_with("duplicate key") {
            let key = source.at(span.start, span.end);
            let what = format!("`{key}` is already defined in this table or file");
            form.findings.push(mistake(at, what, "keep one of them, or give this one another name"));
            continue;
        }
        let block = block_of(&starts, span.start);
        // What a part leaves open also spoils the one after it.
        let before = starts.get(block.saturating_sub(1)).copied().unwrap_or_default();
        form.unsure.push(before..block_end(block));
        let follows = told.is_some_and(|told| block <= told + 1);
        told = Some(block);
        if !follows {
            let what = format!("this is not TOML: {message}");
            let remedy = "look for a missing quote, bracket or comma here and on the lines above";
            form.findings.push(mistake(at, what, remedy));
        }
    }
    form
}

fn mistake(at: Place, what: String, remedy: &str) -> Finding {
    Finding { gravity: Gravity::Mistake, at, what, nearest: None, remedy: remedy.into() }
}

/// Parts of words that say that a value is a secret or an address.
const SENSITIVE: [&str; 15] = [
    "token",
    "secret",
    "passw",
    "signing",
    "smtp",
    "hook",
    "push",
    "phone",
    "apikey",
    "api_key",
    "contact",
    "credential",
    "auth",
    "webhook",
    "ntfy",
];

fn is_sensitive(key: &str) -> bool {
    let key = key.to_lowercase();
    SENSITIVE.iter().any(|word| key.contains(word))
        || key.split('_').any(|part| {
            let near = |word: &&str| strsim::jaro_winkler(part, word) > 0.88;
            ["token", "password", "secret", "signing", "contacts"].iter().any(near)
        })
}

/// Everything in a file that must not be shown: values whose keys sound like secrets or addresses, wherever they
/// stand, and the rest of lines that could not be read.
pub(super) fn masks(file: usize, source: &Source, root: &Spanned<DeTable<'_>>, form: &Form) -> Vec<Place> {
    let mut masks = Vec::new();
    for (_, value) in root.get_ref() {
        // The names of the parts say nothing about what is inside ([mail]).
        walk(value, false, &mut |span| masks.push(Place { file, from: span.start, to: span.end }), source);
    }
    for finding in &form.findings {
        let (_, start, end) = source.line(finding.at.from);
        let line = source.at(start, end);
        if is_sensitive_line(line) {
            let from = line.find('=').map_or(start, |at| start + at + 1);
            masks.push(Place { file, from, to: end });
        }
    }
    masks
}

fn is_sensitive_line(line: &str) -> bool {
    line.contains("://") || line.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_sensitive)
}

fn walk(value: &Spanned<DeValue<'_>>, sensitive: bool, mask: &mut impl FnMut(Range<usize>), source: &Source) {
    match value.get_ref() {
        DeValue::String(text) if sensitive || text.contains("://") => {
            mask(secret_part(source, value.span()));
        }
        DeValue::Array(items) => items.iter().for_each(|item| walk(item, sensitive, mask, source)),
        DeValue::Table(table) => {
            for (key, value) in table {
                let plain = ["env", "file", "person"].contains(&key.get_ref().as_ref());
                walk(value, !plain && (sensitive || is_sensitive(key.get_ref())), mask, source);
            }
        }
        _ => {}
    }
}

/// Of a URL everything but the scheme and the host; of anything else all between the quotes.
pub(super) fn secret_part(source: &Source, span: Range<usize>) -> Range<usize> {
    let text = source.at(span.start, span.end);
    let inner = span.start + 1..span.end.saturating_sub(1).max(span.start + 1);
    let Some(host) = text.find("://").map(|at| at + 3) else { return inner };
    let rest = text.get(host..).unwrap_or_default();
    // A user part may be a secret as well.
    if rest.contains('@') {
        return span.start + host..inner.end;
    }
    match rest.find(['/', '?', '#']) {
        Some(path) => span.start + host + path..inner.end,
        None => inner.end..inner.end,
    }
}
