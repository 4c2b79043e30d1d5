//! What a person wrote: a note, a title, a reason. It can be erased later without breaking the journal's
//! chain, because only its salted digest is chained. Never used for what machines sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Text by a person, with the salt that hides it behind its digest.
///
/// In the journal it stands as `{"sha":"…","salt":"…","text":"…"}`; the chain covers only what comes before
/// `,"salt":"`. No other object of the journal may have a key called `salt`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct Prose {
    /// Hex SHA-256 of the salt's hex digits followed by the text.
    sha: Box<str>,
    /// 32 hex digits.
    salt: Box<str>,
    text: Box<str>,
}

/// What is said instead of words that were erased.
pub const ERASED: &str = "[erased]";

/// As it stands in a file. Blanks of erased words are as many as the words were long; nobody needs them.
#[derive(Deserialize)]
struct Written {
    sha: Box<str>,
    salt: Box<str>,
    text: Box<str>,
}

impl From<Written> for Prose {
    fn from(Written { sha, salt, text }: Written) -> Self {
        let text = if is_erased(&salt, &text) { Box::default() } else { text };
        Self { sha, salt, text }
    }
}

impl Prose {
    /// A text with 16 bytes of salt. Salt comes from the caller: this module draws no random numbers.
    #[must_use]
    pub fn new(text: &str, salt: [u8; 16]) -> Self {
        let salt = hex::encode(salt);
        Self { sha: digest(&salt, text).into(), salt: salt.into(), text: text.into() }
    }

    /// The words, or nothing once they were erased.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.is_erased() { ERASED } else { &self.text }
    }

    /// The digest of salt and words; without the salt it tells nothing of them.
    #[must_use]
    pub fn sha(&self) -> &str {
        &self.sha
    }

    /// Whether the words were erased from the journal: salt of zeros, text of blanks.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        is_erased(&self.salt, &self.text)
    }
}

/// What a machine said, which may repeat what a person told it: it can be erased as their words can. Journals from before
/// that was so have it as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Echo {
    /// With its salt.
    Words(Prose),
    /// As it was written once; empty: it said nothing.
    Plain(Box<str>),
}

impl Default for Echo {
    fn default() -> Self {
        Self::Plain(Box::default())
    }
}

impl From<String> for Echo {
    fn from(text: String) -> Self {
        Self::Plain(text.into())
    }
}

impl From<&str> for Echo {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

impl Echo {
    /// The same with 16 bytes of salt.
    #[must_use]
    pub fn salted(self, salt: [u8; 16]) -> Self {
        match self {
            Self::Plain(text) => Self::new(&text, salt),
            words @ Self::Words(_) => words,
        }
    }

    /// What was said, with 16 bytes of salt.
    #[must_use]
    pub fn new(text: &str, salt: [u8; 16]) -> Self {
        if text.is_empty() { Self::default() } else { Self::Words(Prose::new(text, salt)) }
    }

    /// The words, or what stands for those that were erased.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Words(words) => words.as_str(),
            Self::Plain(text) => text,
        }
    }

    /// Whether it said nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }
}

/// Whether a text is the one that was chained as `sha`, or was erased.
#[must_use]
pub fn is_intact(sha: &str, salt: &str, text: &str) -> bool {
    is_erased(salt, text) || sha == digest(salt, text)
}

fn is_erased(salt: &str, text: &str) -> bool {
    salt.bytes().all(|b| b == b'0') && text.bytes().all(|b| b == b' ')
}

fn digest(salt: &str, text: &str) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(text).finalize())
}

impl fmt::Debug for Prose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(prose: &Prose) -> bool {
        is_intact(&prose.sha, &prose.salt, &prose.text)
    }

    #[test]
    fn erased_words_are_gone_but_the_digest_still_holds() {
        let prose = Prose::new("the password is hunter2", [7; 16]);
        assert!(whole(&prose) && !prose.is_erased());
        let mut line = serde_json::to_value(&prose).unwrap();
        line["salt"] = "0".repeat(32).into();
        line["text"] = " ".repeat(23).into();
        let erased: Prose = serde_json::from_value(line).unwrap();
        assert!(erased.is_erased() && whole(&erased));
        assert_eq!(erased.as_str(), "[erased]");
    }

    #[test]
    fn an_echo_is_read_from_journals_in_which_it_was_plain_text() {
        let read = |json: &str| serde_json::from_str::<Echo>(json).unwrap();
        assert_eq!(read("\"200 OK\"").as_str(), "200 OK");
        let echo = Echo::new("hunter2 is up", [7; 16]);
        assert_eq!(read(&serde_json::to_string(&echo).unwrap()), echo);
        assert!(Echo::new("", [7; 16]).is_empty() && Echo::default().is_empty());
    }

    #[test]
    fn changed_words_are_noticed() {
        let mut line = serde_json::to_value(Prose::new("rolled back", [1; 16])).unwrap();
        line["text"] = "rolled on".into();
        assert!(!whole(&serde_json::from_value(line).unwrap()));
    }
}
