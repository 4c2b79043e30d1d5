//! What the sources share: a JSON document is read strictly where something is needed, and a wrong one is explained by
//! the field as it was sent. Never repeats more of a message than a line.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, value::MapAccessDeserializer},
};
use sha2::{Digest, Sha256};

use super::Problem;

/// The longest name of a source that is kept as it is, in bytes; a longer one is kept as its digest.
const LONGEST_NAME: usize = 64;
/// The longest address that is kept, in bytes.
const LONGEST_LINK: usize = 2_000;
/// The longest text from outside that a problem repeats, in characters.
const LONGEST_QUOTE: usize = 120;

/// A JSON object; without this serde would also take a list of the fields' values in their order.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

/// What helps: when the message as a whole is wrong, and by the field that is.
#[derive(Clone, Copy)]
pub(super) struct Remedies {
    pub(super) whole: &'static str,
    pub(super) field: fn(&str) -> &'static str,
}

/// Reads a message.
///
/// # Errors
/// [`Problem`] that names the field as it was sent.
pub(super) fn read<'de, T: Deserialize<'de>>(body: &'de [u8], remedies: Remedies) -> Result<T, Problem> {
    match serde_json::from_slice::<Object<T>>(body) {
        Ok(Object(read)) => Ok(read),
        Err(_) => Err(diagnose::<T>(body, remedies)),
    }
}

/// The second pass, only over bad messages: finds the field and says what is wrong with it.
fn diagnose<'de, T: Deserialize<'de>>(body: &'de [u8], remedies: Remedies) -> Problem {
    let whole = |what: String| Problem { field: None, what, remedy: remedies.whole.to_owned() };
    if body.trim_ascii().is_empty() {
        return whole("The body is empty".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let mut track = serde_path_to_error::Track::new();
    let read = Object::<T>::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    let Err(error) = read.and_then(|_| json.end()) else {
        // The first pass failed, so this one does; were it not so, the message would still not be taken.
        return whole("The body could not be read".to_owned());
    };
    if !error.is_data() {
        return whole(format!("The body is not JSON: {}", quote(&error.to_string())));
    }
    // "invalid type: integer `5`, expected a string at line 1 column 9": the place is said by the field.
    let text = error.to_string();
    let what = quote(text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what));
    let path = quote(&track.path().to_string());
    let path = if matches!(path.as_str(), "." | "?") { "" } else { &path };
    // A field that is there twice, or not at all, is only named by the words.
    let named = |start: &str| what.strip_prefix(start).and_then(|rest| rest.strip_suffix('`'));
    let (twice, missing) = (named("duplicate field `"), named("missing field `"));
    let path = match (path, twice.or(missing)) {
        ("", None) => return whole(what),
        ("", Some(name)) => name.to_owned(),
        (path, Some(name)) if missing.is_some() || !path.ends_with(name) => format!("{path}.{name}"),
        (path, _) => path.to_owned(),
    };
    let remedy = (remedies.field)(&path).to_owned();
    let what = if missing.is_some() { "is missing".to_owned() } else { what };
    Problem { field: Some(path), what, remedy }
}

/// What is wrong with one field.
pub(super) fn problem(field: impl Into<String>, what: &str, remedy: &str) -> Problem {
    Problem { field: Some(field.into()), what: what.to_owned(), remedy: remedy.to_owned() }
}

/// Text from outside as it may stand in an answer: one line, no control characters, not long.
pub(super) fn quote(text: &str) -> String {
    let mut quoted: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_QUOTE).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        quoted.push('…');
    }
    quoted
}

/// A name becomes part of ids and addresses: what is long or odd is replaced by its digest.
pub(super) fn own_or_digest(sent: &str) -> String {
    if sent.len() <= LONGEST_NAME && sent.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
        return sent.to_owned();
    }
    digest(sent)
}

pub(super) fn digest(sent: impl AsRef<[u8]>) -> String {
    let mut text = hex::encode(Sha256::digest(sent));
    text.truncate(32);
    text
}

/// Only `http` and `https` addresses of a sensible length are kept: a link is something that people press.
pub(super) fn link(sent: &str) -> Option<String> {
    if sent.len() > LONGEST_LINK {
        return None;
    }
    let url = url::Url::parse(sent).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= LONGEST_LINK)
        .then(|| url.into())
}

/// A text cut to at most this many characters, without the blanks around it; none when nothing is left.
pub(super) fn cut(sent: &str, most: usize) -> Option<String> {
    let sent = sent.trim();
    let mut kept: String = sent.chars().take(most).collect();
    if sent.chars().nth(most).is_some() {
        kept.pop();
        kept.push('…');
    }
    (!kept.is_empty()).then_some(kept)
}
