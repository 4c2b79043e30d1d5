//! How a value is written where it stands: in a path, in a query, in quotes, as a word. This is the one place that
//! keeps a value from becoming code. Never writes what it cannot make safe: it refuses.

use std::borrow::Cow;

use minijinja::{Value, value::ValueKind};

/// Where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// In a sentence for people.
    Plain,
    /// In one argument of a program: `begins` when nothing stands before it there, `after_dashes` when `--` came before.
    Word {
        /// It is the beginning of its argument.
        begins: bool,
        /// Dashes are no flags any more.
        after_dashes: bool,
    },
    /// The declared address of a service, as it is configured.
    Base,
    /// In a segment of a URL's path.
    Path,
    /// In a URL's query, or in a form.
    Query,
    /// In a header.
    Header,
    /// In the quotes of a JSON text.
    JsonText,
    /// Where JSON wants a value.
    JsonValue,
    /// In the quotes of a `PromQL` text; as it is, or as a literal part of a regular expression.
    PromText {
        /// The matcher is `=~` or `!~`.
        regex: bool,
    },
    /// In `PromQL` outside of quotes: a number, a duration or a name.
    PromBare,
    /// In the quotes of a query string.
    LuceneText,
    /// In a query string outside of quotes.
    LuceneBare,
    /// In the name of an index.
    Index,
    /// A parameter that is encoded when the request is made.
    Parameter,
    /// The id of a trace.
    Id,
    /// In the quotes of a command.
    ChatText,
    /// A word of a command.
    ChatWord,
}

/// Why a value cannot stand where it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// There is none.
    #[error("it has no value")]
    Nothing,
    /// It is a list or a table.
    #[error("it is a list or a table, and one value is needed")]
    NotOne,
    /// A character that ends or changes what it stands in.
    #[error("it holds characters that cannot stand here")]
    Characters,
    /// It is empty, and something else would be called.
    #[error("it is empty")]
    Empty,
    /// It would be taken for a flag.
    #[error("it begins with a dash and would be taken for a flag")]
    Flag,
    /// It leads out of the path.
    #[error("it leads out of the path")]
    Climbs,
}

impl Slot {
    /// Writes a value where it stands.
    ///
    /// # Errors
    /// When it cannot be made safe there.
    pub fn write(self, value: &Value, out: &mut String) -> Result<(), Unsafe> {
        if self == Self::JsonValue {
            let json = serde_json::to_string(value).map_err(|_| Unsafe::NotOne)?;
            out.push_str(&json);
            return Ok(());
        }
        let text = one(value)?;
        match self {
            Self::Plain | Self::Parameter => out.push_str(&text),
            Self::Word { begins, after_dashes } => {
                if text.contains('\0') {
                    return Err(Unsafe::Characters);
                }
                if begins && !after_dashes && text.starts_with('-') {
                    return Err(Unsafe::Flag);
                }
                out.push_str(&text);
            }
            Self::Base => out.push_str(text.trim_end_matches('/')),
            Self::Path if text.is_empty() => return Err(Unsafe::Empty),
            Self::Path | Self::Query => percent(&text, out),
            Self::Header => {
                let fits = |c: char| c == '\t' || !c.is_control();
                if !text.chars().all(fits) {
                    return Err(Unsafe::Characters);
                }
                out.push_str(&text);
            }
            Self::JsonText => {
                let json = serde_json::to_string(&*text).map_err(|_| Unsafe::Characters)?;
                out.push_str(
                    json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default(),
                );
            }
            Self::JsonValue => {}
            Self::PromText { regex } => {
                let text = if regex { Cow::Owned(regex::escape(&text)) } else { text };
                prom_text(&text, out);
            }
            Self::PromBare => bare(&text, is_prom_bare, out)?,
            Self::LuceneText => lucene_text(&text, out),
            Self::LuceneBare if is_lucene_bare(&text) => out.push_str(&text),
            Self::LuceneBare => {
                out.push('"');
                lucene_text(&text, out);
                out.push('"');
            }
            Self::Index => bare(&text, is_index, out)?,
            Self::Id => bare(&text, |text| text.chars().all(|c| c.is_ascii_hexdigit()), out)?,
            // A quote of any kind could end the text; in a word for people an apostrophe says the same.
            Self::ChatText => out.extend(text.chars().map(|c| if is_quote(c) { '\'' } else { one_line(c) })),
            Self::ChatWord => chat_word(&text, out),
        }
        Ok(())
    }
}

/// A single value as text.
fn one(value: &Value) -> Result<Cow<'_, str>, Unsafe> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Err(Unsafe::Nothing),
        ValueKind::String => value.as_str().map(Cow::Borrowed).ok_or(Unsafe::NotOne),
        ValueKind::Bool => Ok(Cow::Borrowed(if value.is_true() { "true" } else { "false" })),
        ValueKind::Number => Ok(Cow::Owned(value.to_string())),
        _ => Err(Unsafe::NotOne),
    }
}

fn bare(text: &str, fits: impl Fn(&str) -> bool, out: &mut String) -> Result<(), Unsafe> {
    if text.is_empty() {
        return Err(Unsafe::Empty);
    }
    if !fits(text) {
        return Err(Unsafe::Characters);
    }
    out.push_str(text);
    Ok(())
}

/// Everything but what RFC 3986 calls unreserved.
fn percent(text: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.push(DIGITS.get(usize::from(digit)).map_or('0', |digit| char::from(*digit)));
            }
        }
    }
}

/// <https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals>: the escapes of Go.
fn prom_text(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for c in text.chars() {
        match c {
            '\\' | '"' | '\'' => {
                // Go knows \" only in " and \' only in '; as code points both are right everywhere.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

fn is_prom_bare(text: &str) -> bool {
    let number = {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty()
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
            && digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.matches('.').count() <= 1
    };
    let name = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    number || name || crate::domain::duration::parse(text).is_ok_and(|_| !text.contains(char::is_whitespace))
}

fn lucene_text(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '/') {
            out.push('\\');
        }
        out.push(one_line(c));
    }
}

fn is_lucene_bare(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !["AND", "OR", "NOT", "TO"].contains(&text)
}

fn is_index(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
    text.chars().all(fits) && text.chars().any(|c| c.is_ascii_alphanumeric())
}

fn one_line(c: char) -> char {
    if c.is_control() || c.is_whitespace() { ' ' } else { c }
}

/// What the words of a command take for a quote, whatever the keyboard.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '„' | '”' | '«' | '»' | '‘' | '‚' | '’')
}

/// One word of a command: bare when it is plain, else in quotes, where it is neither a flag nor part of a path.
fn chat_word(text: &str, out: &mut String) {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '%' | '+' | '#');
    let plain = text.chars().all(fits) && text.starts_with(char::is_alphanumeric);
    if plain {
        out.push_str(text);
    } else {
        out.push('"');
        out.extend(text.chars().map(|c| if is_quote(c) { '\'' } else { one_line(c) }));
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NASTY: [&str; 14] = [
        "plain",
        "two words",
        "a\"b",
        "a'b",
        "a\nb",
        "a;b",
        "$(id)",
        "../../etc",
        "..",
        "{{ x }}",
        "--all",
        "`id`",
        "a\0b",
        "",
    ];
    const FIRST: Slot = Slot::Word { begins: true, after_dashes: false };

    fn write(slot: Slot, value: &str) -> Result<String, Unsafe> {
        let mut out = String::new();
        slot.write(&Value::from(value), &mut out).map(|()| out)
    }

    #[test]
    fn values_are_written_as_their_place_needs_it() {
        let cases: &[(Slot, &str, Result<&str, Unsafe>)] = &[
            (Slot::Path, "../../etc", Ok("..%2F..%2Fetc")),
            (Slot::Path, "a b?c#d&e%f;$(id)", Ok("a%20b%3Fc%23d%26e%25f%3B%24%28id%29")),
            (Slot::Path, "", Err(Unsafe::Empty)),
            (Slot::Query, "a&b=c+d é", Ok("a%26b%3Dc%2Bd%20%C3%A9")),
            (Slot::Query, "", Ok("")),
            (Slot::Header, "a\r\nX-Evil: 1", Err(Unsafe::Characters)),
            (Slot::Header, "Bearer abc", Ok("Bearer abc")),
            (Slot::JsonText, "a\"b\\c\nd", Ok("a\\\"b\\\\c\\nd")),
            (Slot::JsonValue, "a\"b", Ok("\"a\\\"b\"")),
            (Slot::PromText { regex: false }, "a\"} or vector(1) #", Ok("a\\x22} or vector(1) #")),
            (Slot::PromText { regex: false }, "a\\", Ok("a\\x5c")),
            (Slot::PromText { regex: true }, ".*", Ok("\\x5c.\\x5c*")),
            (Slot::PromBare, "5m", Ok("5m")),
            (Slot::PromBare, "0.95", Ok("0.95")),
            (Slot::PromBare, "up", Ok("up")),
            (Slot::PromBare, "5m] or up[5m", Err(Unsafe::Characters)),
            (Slot::PromBare, "up{}", Err(Unsafe::Characters)),
            (Slot::LuceneBare, "engine", Ok("engine")),
            (Slot::LuceneBare, "OR", Ok("\"OR\"")),
            (Slot::LuceneBare, "a OR *:*", Ok("\"a OR *:*\"")),
            (Slot::LuceneBare, "a\" OR \"b", Ok("\"a\\\" OR \\\"b\"")),
            (Slot::LuceneText, "a\\\" OR b", Ok("a\\\\\\\" OR b")),
            (Slot::Index, "qflow-logs-2026", Ok("qflow-logs-2026")),
            (Slot::Index, "a,b/_search", Err(Unsafe::Characters)),
            (Slot::Index, "..", Err(Unsafe::Characters)),
            (Slot::Id, "0af7651916cd43dd", Ok("0af7651916cd43dd")),
            (Slot::Id, "../services", Err(Unsafe::Characters)),
            (FIRST, "--all", Err(Unsafe::Flag)),
            (Slot::Word { begins: true, after_dashes: true }, "--all", Ok("--all")),
            (Slot::Word { begins: false, after_dashes: false }, "-x; $(id)", Ok("-x; $(id)")),
            (FIRST, "a\0b", Err(Unsafe::Characters)),
            (Slot::ChatWord, "INC-7", Ok("INC-7")),
            (Slot::ChatWord, "--all", Ok("\"--all\"")),
            (Slot::ChatWord, "a\" /page ben \"x", Ok("\"a' /page ben 'x\"")),
            (Slot::ChatText, "a” x\ny", Ok("a' x y")),
        ];
        for (slot, value, expected) in cases {
            let written = write(*slot, value);
            assert_eq!(written.as_deref(), expected.as_ref().copied(), "{slot:?} {value:?}");
        }
    }

    #[test]
    fn what_is_no_single_value_stands_in_json_alone() {
        for value in [Value::from(()), Value::UNDEFINED, Value::from(vec![1, 2])] {
            for slot in [Slot::Plain, Slot::Path, Slot::PromBare, FIRST, Slot::ChatWord, Slot::JsonText] {
                assert!(slot.write(&value, &mut String::new()).is_err(), "{slot:?} {value:?}");
            }
        }
        let mut out = String::new();
        Slot::JsonValue.write(&Value::from(vec![1, 2]), &mut out).unwrap();
        assert_eq!(out, "[1,2]");
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            proptest::sample::select(NASTY.to_vec()).prop_map(str::to_owned),
            "[\"'\\\\`$;&|/.\u{0}-\u{1f}a-c“”«»*?{}()\\[\\] -]{0,20}",
            "\\PC{0,20}",
        ]
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place(value in any_text()) {
            if let Ok(path) = write(Slot::Path, &value) {
                prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            }
            let json = format!("\"{}\"", write(Slot::JsonText, &value).unwrap());
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value.clone());
            let json = write(Slot::JsonValue, &value).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value.clone());
            for regex in [false, true] {
                let text = write(Slot::PromText { regex }, &value).unwrap();
                prop_assert!(!text.contains(['"', '\'', '\n', '\r']));
            }
            if let Ok(text) = write(Slot::PromBare, &value) {
                prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "_:.-".contains(c)));
            }
            let lucene = write(Slot::LuceneBare, &value).unwrap();
            if let Some(inner) = lucene.strip_prefix('"') {
                // Exactly one quote is not escaped: the last character.
                let mut escaped = false;
                let ends = inner.char_indices().find(|(_, c)| {
                    let end = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    end
                });
                prop_assert_eq!(ends.map(|(at, _)| at), Some(inner.len() - 1));
            }
            // A command is cut into as many words as its runbook says.
            let command = format!("note {} end", write(Slot::ChatWord, &value).unwrap());
            let words = crate::command::words::split(&command);
            prop_assert_eq!(words.len(), 3, "{}", command);
            let command = format!("note \"it is {} now\" end", write(Slot::ChatText, &value).unwrap());
            prop_assert_eq!(crate::command::words::split(&command).len(), 3, "{}", command);
        }
    }
}
