//! One line of the journal as bytes: how it is written, hashed and checked. Never parses an event; never lets
//! what a person wrote into the chain.
//!
//! `{"seq":17,…,"event":{…}[,"sync":true],"h":"<64 hex digits>"}` and a newline.

use std::{ops::Range, sync::LazyLock};

use memchr::memmem::Finder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Digest, segment};
use crate::domain::{id::Seq, prose};

/// Begins the hash at the end of a line.
pub(super) const HASH: &[u8] = br#","h":""#;
/// Ends the line.
const END: &[u8] = br#""}"#;
/// Bytes of `,"h":"…"}`.
pub(super) const SUFFIX: usize = HASH.len() + 64 + END.len();
/// Marks the first line of a batch: everything that stands before it had been synced when it was written.
const SYNC: &[u8] = br#","sync":true"#;

/// Before the digits of a salt.
const SALT_KEY: &[u8] = br#","salt":""#;
/// Hex digits of a salt.
const SALT_DIGITS: usize = 32;
/// Between a salt and its text.
const TEXT_KEY: &[u8] = br#"","text":""#;

static SALT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","salt":""#));
static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#","event":"#));

/// Appends `value` as a line that follows `previous`; returns the digest of the chain with it.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    value: &impl Serialize,
    sync: bool,
    previous: &Digest,
) -> Result<Digest, serde_json::Error> {
    let start = buffer.len();
    serde_json::to_writer(&mut *buffer, value)?;
    // The closing brace comes back after the hash.
    buffer.pop();
    if sync {
        buffer.extend_from_slice(SYNC);
    }
    let digest = chain(previous, buffer.get(start..).unwrap_or_default());
    buffer.extend_from_slice(HASH);
    let digits = buffer.len();
    buffer.resize(digits + 64, b'0');
    if let Some(digits) = buffer.get_mut(digits..) {
        // The slice has the right length by construction; were it wrong, every reader would notice the zeros.
        let _ = hex::encode_to_slice(digest.0, digits);
    }
    buffer.extend_from_slice(END);
    buffer.push(b'\n');
    Ok(digest)
}

/// The digest after a line whose bytes before the hash are `body`.
fn chain(previous: &Digest, body: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(previous.0);
    let mut start = 0;
    while let Some(words) = next_words(body, start) {
        hasher.update(body.get(start..words.range.start).unwrap_or_default());
        start = words.range.end;
    }
    hasher.update(body.get(start..).unwrap_or_default());
    hasher.update(b"}");
    Digest(hasher.finalize().into())
}

/// What a person wrote, inside a line: `{"sha":"…","salt":"…","text":"…"}`.
struct Hidden<'a> {
    /// From `,"salt"` to the closing quote of the text: what the chain does not cover.
    range: Range<usize>,
    sha: &'a [u8],
    salt: &'a [u8],
    /// As JSON, with its quotes.
    text: &'a [u8],
}

/// Where words stand in a line, for whoever erases them.
pub(super) struct Words<'a> {
    pub(super) sha: &'a str,
    /// Bytes before the digits of the salt.
    pub(super) salt_at: usize,
    /// Bytes of the text as JSON, without its quotes.
    pub(super) text_len: usize,
    pub(super) erased: bool,
}

/// All words of people in a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = Words<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let found = next_words(line, start)?;
        start = found.range.end;
        let blank = found.text.iter().all(|byte| matches!(byte, b' ' | b'"'));
        Some(Words {
            sha: str::from_utf8(found.sha).unwrap_or_default(),
            salt_at: found.range.start + SALT_KEY.len(),
            text_len: found.text.len().saturating_sub(2),
            erased: blank && found.salt.iter().all(|digit| *digit == b'0'),
        })
    })
}

/// What is overwritten of the words in a torn tail, and with what: a word that was cut goes up to the end.
pub(super) fn torn_words(bytes: &[u8]) -> Vec<(Range<u64>, u8)> {
    let range = |start: usize, end: usize| segment::len_u64(start)..segment::len_u64(end);
    let mut doomed = Vec::new();
    let mut end = 0;
    for words in words(bytes) {
        let text = words.salt_at + SALT_DIGITS + TEXT_KEY.len();
        end = text + words.text_len;
        if !words.erased {
            doomed.push((range(words.salt_at, words.salt_at + SALT_DIGITS), b'0'));
            doomed.push((range(text, end), b' '));
        }
    }
    // The tail may end, or have lost a sector, inside of words.
    while let Some(found) = SALT.find(bytes.get(end..).unwrap_or_default()) {
        let salt = end + found + SALT_KEY.len();
        let rest = bytes.get(salt..).unwrap_or_default();
        let cut = memchr::memchr(b'\n', rest).map_or(bytes.len(), |newline| salt + newline);
        let sha = bytes.get(..end + found).is_some_and(|before| before.ends_with(b"\""));
        if sha && rest.iter().take(cut - salt).any(|byte| !matches!(byte, b'0' | b' ')) {
            doomed.push((range(salt, cut), b' '));
        }
        end = cut;
    }
    doomed
}

/// The first words at or after `from`.
///
/// Labels may have a key `salt` too, but theirs are sorted, and `sha` sorts after `salt`: the whole shape is never
/// met in them. Inside a JSON string a quote is always escaped.
fn next_words(body: &[u8], from: usize) -> Option<Hidden<'_>> {
    let mut search = from;
    loop {
        let start = search + SALT.find(body.get(search..)?)?;
        if let Some(words) = words_at(body, start) {
            return Some(words);
        }
        search = start + 1;
    }
}

fn words_at(body: &[u8], start: usize) -> Option<Hidden<'_>> {
    let is_hex = |bytes: &[u8]| bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let (before, sha) = body.get(..start)?.strip_suffix(b"\"")?.split_last_chunk::<64>()?;
    let (salt, rest) = body.get(start + br#","salt":""#.len()..)?.split_first_chunk::<32>()?;
    let text = rest.strip_prefix(br#"","text":"#)?;
    if !(before.ends_with(br#"{"sha":""#) && is_hex(sha) && is_hex(salt) && text.starts_with(b"\"")) {
        return None;
    }
    let mut end = 1;
    loop {
        let next = end + memchr::memchr2(b'"', b'\\', text.get(end..)?)?;
        if text.get(next) == Some(&b'"') {
            end = next + 1;
            break;
        }
        end = next + 2;
    }
    let range = start..body.len() - text.len() + end;
    Some(Hidden { range, sha, salt, text: text.get(..end)? })
}

impl Hidden<'_> {
    /// Whether they are the words that were chained, or were erased.
    fn is_intact(&self) -> bool {
        let Ok(text) = serde_json::from_slice::<std::borrow::Cow<'_, str>>(self.text) else { return false };
        let (Ok(sha), Ok(salt)) = (str::from_utf8(self.sha), str::from_utf8(self.salt)) else { return false };
        prose::is_intact(sha, salt, &text)
    }
}

/// Whether all words of people in this line are what was chained, or were erased.
pub(super) fn words_are_intact(line: &[u8]) -> bool {
    let mut start = 0;
    while let Some(words) = next_words(line, start) {
        if !words.is_intact() {
            return false;
        }
        start = words.range.end;
    }
    true
}

/// The sequence at the beginning of a line.
pub(super) fn seq_of(line: &[u8]) -> Option<Seq> {
    let rest = line.strip_prefix(br#"{"seq":"#)?;
    let digits = rest.get(..memchr::memchr(b',', rest.get(..21).unwrap_or(rest))?)?;
    let canonical = digits.first() != Some(&b'0') && digits.iter().all(u8::is_ascii_digit);
    canonical.then(|| std::str::from_utf8(digits).ok()?.parse().ok().map(Seq)).flatten()
}

/// The digest that a line carries at its end.
pub(super) fn digest_of(line: &[u8]) -> Option<Digest> {
    let digits = line.strip_suffix(END)?.last_chunk::<64>()?;
    Digest::from_hex(digits)
}

/// The kind of the event (`alert_fired`), as it stands in the line.
pub(super) fn kind_of(line: &[u8]) -> Option<&str> {
    let event = line.get(EVENT.find(line)? + br#","event":"#.len()..)?;
    let name = event.strip_prefix(b"{\"").or_else(|| event.strip_prefix(b"\""))?;
    std::str::from_utf8(name.get(..memchr::memchr(b'"', name)?)?).ok()
}

/// What a checked line says about its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: Seq,
    pub(super) digest: Digest,
    /// Last of its intent.
    pub(super) last: bool,
    /// First of its batch: all before it had reached the disk.
    pub(super) sync: bool,
}

/// What is wrong with a line whose words were changed, or are being erased just now.
pub(super) const WORDS: &str = "the words of a person do not match their digest";

/// Where a walk along the chain stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    /// What the next line may follow: one digest; two after a damaged line (the one it carries and the one that
    /// its bytes give: the damage is in one of them); none when nothing is known.
    previous: [Option<Digest>; 2],
    next: Seq,
    /// After a damaged line: lines may have been swallowed with it.
    loose: bool,
}

impl Chain {
    /// Before the line `next`, which follows `previous`; not known: the next line is believed.
    pub(super) fn new(previous: Option<Digest>, next: Seq) -> Self {
        Self { previous: [previous, None], next, loose: false }
    }

    /// The sequence that is expected next.
    pub(super) fn next(&self) -> Seq {
        self.next
    }

    /// Whether the next line may follow `digest`.
    pub(super) fn may_follow(&self, digest: &Digest) -> bool {
        self.previous == [None; 2] || self.previous.contains(&Some(*digest))
    }

    /// Checks the next line (without its newline) and moves on behind it, also when it is damaged.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn check(&mut self, line: &[u8]) -> Result<Mark, &'static str> {
        let seq = seq_of(line);
        let stored = digest_of(line);
        let body = line.len().checked_sub(SUFFIX).and_then(|end| line.get(..end)).unwrap_or_default();
        let mut given = self.previous.iter().flatten().map(|previous| chain(previous, body));
        let (computed, matches) = match stored {
            Some(stored) => {
                let mut computed = None;
                let hit = given.any(|digest| {
                    computed = Some(digest);
                    digest == stored
                });
                (computed, hit || self.previous == [None; 2])
            }
            None => (given.next_back(), false),
        };
        let expected = self.next;
        let follows = |seq: Seq| seq == expected || (self.loose && seq > expected);
        let well_formed = line.get(body.len()..).is_some_and(|suffix| suffix.starts_with(HASH));
        let wrong = match (seq, stored) {
            (Some(seq), Some(digest)) if matches && well_formed && follows(seq) => {
                let unmarked = body.strip_suffix(SYNC);
                let mark = Mark { seq, digest, last: is_last(body), sync: unmarked.is_some() };
                *self = Self::new(Some(digest), seq.next());
                return if words_are_intact(body) { Ok(mark) } else { Err(WORDS) };
            }
            (None, _) => "it does not begin with its number",
            (_, None) => "it does not end with its hash",
            (Some(seq), _) if !follows(seq) => "it is not the event that belongs here",
            _ if !well_formed => "it does not end with its hash",
            _ => "its hash does not match: it, or what stands before it, was changed",
        };
        // A line without a number may be the second half of one that was split: it takes no number.
        self.next = if seq.is_some() { expected.next() } else { expected };
        self.previous = [stored, computed];
        self.loose = true;
        Err(wrong)
    }
}

/// Whether a line carries the mark of the last event of its intent. Before `event` stand only numbers, instants
/// and a trace id: no text from outside.
fn is_last(body: &[u8]) -> bool {
    EVENT.find(body).is_some_and(|event| body.get(..event).is_some_and(|b| b.ends_with(br#","last":true"#)))
}

/// Whether a line's hash is that of its bytes after `previous`.
pub(super) fn is_sealed(line: &[u8], previous: &Digest) -> bool {
    let Some(end) = line.len().checked_sub(SUFFIX) else { return false };
    let (body, suffix) = line.split_at(end);
    suffix.starts_with(HASH) && digest_of(line) == Some(chain(previous, body))
}
