//! What a step does to the world: one file an action, all with the same guard. Never decides whether a step may run, never
//! evaluates a check, and never lets a secret out of here.

pub mod fetch;
pub mod logs;
pub mod program;
pub mod promql;
pub mod reach;
pub mod secrets;
pub mod trace;

use serde_json::{Map, Value};

/// Of a text that people see and the journal keeps: at most this many bytes of one step.
pub const OUTPUT: usize = 64 * 1024;

/// What an action found: what checks and later steps see by name, and what people see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// `status`, `json`, `code` and so on, as the language documents them. Without secrets.
    pub fields: Map<String, Value>,
    /// As text for people, at most [`OUTPUT`] bytes, without secrets and without control characters.
    pub shown: String,
    /// How many bytes of it were left out.
    pub cut: u64,
}

/// Why an action found nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Who was asked gave no usable answer: what the step asks for is unknown.
    #[error("{0}")]
    Unknown(String),
    /// It did not end within its time; of a step that changes something nobody knows what it did.
    #[error("no end within {0:#}")]
    TimedOut(jiff::SignedDuration),
    /// It was not started: it would have gone where it must not.
    #[error("{0}")]
    NotAllowed(String),
}

/// The end of a text that is too long gives way, at a character's boundary; how many bytes that were.
pub(super) fn shorten(text: &mut String, most: usize) -> u64 {
    if text.len() <= most {
        return 0;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = text.len() - end;
    text.truncate(end);
    u64::try_from(cut).unwrap_or(u64::MAX)
}

/// An address below a service's own, which may have a path itself.
fn below(base: &url::Url, path: &str) -> url::Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    url
}
