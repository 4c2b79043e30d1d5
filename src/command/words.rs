//! Cuts what somebody wrote into words, with quotes as keyboards and phones write them. Never fails: a quote that is
//! not closed is a character like any other.

/// A word and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word without its quotes.
    pub text: String,
    /// Byte at which it begins, quote included.
    pub start: usize,
    /// Byte after its end, quote included.
    pub end: usize,
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// The words of a text.
#[must_use]
pub fn split(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut open = Open::default();
    let mut at = 0;
    while let Some(start) = find(text, at, |c| !c.is_whitespace()) {
        let word = quoted(text, start, &mut open).unwrap_or_else(|| plain(text, start, &mut open));
        at = word.end;
        words.push(word);
    }
    words
}

/// Kinds of quotes that nothing closes any more: what was not found from here on is not found further on either, so
/// that no text is searched to its end again and again.
#[derive(Default)]
struct Open(Vec<&'static str>);

/// A word in quotes that begins here.
fn quoted(text: &str, start: usize, open: &mut Open) -> Option<Word> {
    let (inner, end) = inside(text, start, open)?;
    Some(Word { text: inner.to_owned(), start, end, quoted: true })
}

/// What stands in the quotes that open here, and where they end: before a blank or at the end, so that an
/// apostrophe is no quote.
fn inside<'a>(text: &'a str, start: usize, open: &mut Open) -> Option<(&'a str, usize)> {
    let rest = text.get(start..)?;
    let opens = rest.chars().next()?;
    let closes = closing(opens)?;
    if open.0.contains(&closes) {
        return None;
    }
    let inner = rest.get(opens.len_utf8()..)?;
    let found = inner.char_indices().find_map(|(index, c)| {
        let after = inner.get(index + c.len_utf8()..)?.chars().next();
        (closes.contains(c) && after.is_none_or(char::is_whitespace)).then(|| (index, c.len_utf8()))
    });
    let Some((close, length)) = found else {
        open.0.push(closes);
        return None;
    };
    Some((inner.get(..close)?, start + opens.len_utf8() + close + length))
}

/// What closes a quote that opens like this: phones pair them as they please.
fn closing(open: char) -> Option<&'static str> {
    match open {
        '"' | '“' | '„' | '”' => Some("\"”“"),
        '\'' | '‘' | '‚' | '’' => Some("'’‘"),
        '«' => Some("»"),
        '»' => Some("«»"),
        _ => None,
    }
}

/// A word up to the next blank; `--name="two words"` is one too.
fn plain(text: &str, start: usize, open: &mut Open) -> Word {
    let end = find(text, start, char::is_whitespace).unwrap_or(text.len());
    let word = text.get(start..end).unwrap_or_default();
    if let Some((name, value)) = flag(word).and_then(|_| word.split_once('='))
        && !value.is_empty()
        && let Some((inner, end)) = inside(text, start + name.len() + 1, open)
    {
        return Word { text: format!("{name}={inner}"), start, end, quoted: false };
    }
    Word { text: word.to_owned(), start, end, quoted: false }
}

/// What follows the dashes when a word is a flag; a phone makes one long dash of two short ones.
#[must_use]
pub fn flag(word: &str) -> Option<&str> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix(['—', '–']))?;
    name.starts_with(|c: char| c.is_alphabetic()).then_some(name)
}

fn find(text: &str, from: usize, wanted: impl Fn(char) -> bool) -> Option<usize> {
    text.get(from..)?.find(wanted).map(|index| from + index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_cut_at_blanks_outside_quotes() {
        for (text, expected) in [
            ("", vec![]),
            ("  a   b ", vec!["a", "b"]),
            ("note \"two words\" end", vec!["note", "two words", "end"]),
            ("note “two words”", vec!["note", "two words"]),
            ("note „two words“", vec!["note", "two words"]),
            ("note «two words»", vec!["note", "two words"]),
            ("'two words' x", vec!["two words", "x"]),
            ("it's Ben's fault", vec!["it's", "Ben's", "fault"]),
            ("\"open end", vec!["\"open", "end"]),
            ("'a \"b c\" 'd", vec!["'a", "b c", "'d"]),
            ("a' 'b' 'c", vec!["a'", "b", "'c"]),
            ("\"\"", vec![""]),
            ("--title=\"two words\" x", vec!["--title=two words", "x"]),
            ("a\u{a0}b\nc", vec!["a", "b", "c"]),
        ] {
            let words: Vec<String> = split(text).into_iter().map(|word| word.text).collect();
            assert_eq!(words, expected, "{text:?}");
        }
    }

    #[test]
    fn quotes_that_nobody_closes_cost_no_more_than_other_words() {
        // Each of them searched to the end would be more steps than a test has time for.
        for quote in ["'", "\"", "«", "»", "--x='", "“"] {
            let text = format!("a {quote}a ").repeat(200_000);
            assert_eq!(split(&text).len(), 400_000, "{quote}");
        }
    }

    #[test]
    fn a_long_dash_makes_a_flag_too() {
        for (word, expected) in
            [("--all", Some("all")), ("—all", Some("all")), ("--", None), ("-1", None), ("--1", None)]
        {
            assert_eq!(flag(word), expected, "{word}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_cut_and_words_stand_in_order(text in "\\PC{0,80}|[ \"“”'’«»=a-]{0,60}") {
            let mut end = 0;
            for word in split(&text) {
                prop_assert!(word.start >= end && word.end > word.start && word.end <= text.len());
                prop_assert!(text.get(word.start..word.end).is_some());
                end = word.end;
            }
        }
    }
}
