//! Labels as people type them: `service="qflow",severity="critical"`. Never guesses: what cannot be read is refused with
//! its place and what to write.

use crate::domain::labels::Labels;

/// The most labels that are read.
const MOST: usize = 200;

/// A text that is no list of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotLabels {
    /// Where, in characters, counted from 1.
    pub place: usize,
    /// What is wrong there.
    pub why: Wrong,
}

/// What is wrong with a list of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A label's name is expected.
    Name,
    /// `=` is expected after a name.
    Equals,
    /// A matcher, not a label: `!=`, `=~` or `!~`.
    Matcher,
    /// A value in double quotes, or a word, is expected.
    Value,
    /// The quotes do not close.
    Quotes,
    /// A comma is expected between two labels.
    Comma,
    /// The same name stands there twice.
    Twice,
    /// There are more than anybody writes.
    TooMany,
}

/// Reads labels, with or without braces and quotes around values.
///
/// # Errors
/// The first place that cannot be read.
pub fn labels(text: &str) -> Result<Labels, NotLabels> {
    let letters: Vec<char> = text.chars().collect();
    let mut reading = Reading { letters: &letters, at: 0 };
    reading.blanks();
    let braces = reading.takes('{');
    let mut pairs: Vec<(String, String)> = Vec::new();
    loop {
        reading.blanks();
        if reading.is_end() || (braces && reading.peek() == Some('}')) {
            break;
        }
        let begins = reading.at;
        let name = reading.name()?;
        if pairs.iter().any(|(known, _)| *known == name) {
            return Err(NotLabels { place: begins + 1, why: Wrong::Twice });
        }
        if pairs.len() == MOST {
            return Err(NotLabels { place: begins + 1, why: Wrong::TooMany });
        }
        reading.equals()?;
        let value = reading.value()?;
        pairs.push((name, value));
        reading.blanks();
        let ends = reading.is_end() || (braces && reading.peek() == Some('}'));
        if !ends && !reading.takes(',') {
            return Err(reading.wrong(Wrong::Comma));
        }
    }
    if braces && !reading.takes('}') {
        return Err(reading.wrong(Wrong::Comma));
    }
    reading.blanks();
    if reading.is_end() {
        Ok(pairs.iter().map(|(n, v)| (n, v)).collect())
    } else {
        Err(reading.wrong(Wrong::Comma))
    }
}

struct Reading<'a> {
    letters: &'a [char],
    at: usize,
}

impl Reading<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }
    fn is_end(&self) -> bool {
        self.at >= self.letters.len()
    }
    fn wrong(&self, why: Wrong) -> NotLabels {
        NotLabels { place: self.at + 1, why }
    }
    fn takes(&mut self, letter: char) -> bool {
        let is_there = self.peek() == Some(letter);
        self.at += usize::from(is_there);
        is_there
    }
    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Result<String, NotLabels> {
        let mut name = String::new();
        while let Some(letter) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            if name.is_empty() && letter.is_ascii_digit() {
                return Err(self.wrong(Wrong::Name));
            }
            name.push(letter);
            self.at += 1;
        }
        if name.is_empty() { Err(self.wrong(Wrong::Name)) } else { Ok(name) }
    }

    fn equals(&mut self) -> Result<(), NotLabels> {
        self.blanks();
        match self.peek() {
            Some('!' | '~') => Err(self.wrong(Wrong::Matcher)),
            Some('=') if self.letters.get(self.at + 1) == Some(&'~') => Err(self.wrong(Wrong::Matcher)),
            Some('=') => {
                self.at += 1;
                self.blanks();
                Ok(())
            }
            _ => Err(self.wrong(Wrong::Equals)),
        }
    }

    fn value(&mut self) -> Result<String, NotLabels> {
        let begins = self.at;
        let mut value = String::new();
        if !self.takes('"') {
            while let Some(letter) =
                self.peek().filter(|c| !c.is_whitespace() && !matches!(c, ',' | '"' | '{' | '}' | '='))
            {
                value.push(letter);
                self.at += 1;
            }
            return if value.is_empty() { Err(self.wrong(Wrong::Value)) } else { Ok(value) };
        }
        loop {
            let letter = self.peek().ok_or(NotLabels { place: begins + 1, why: Wrong::Quotes })?;
            self.at += 1;
            match letter {
                '"' => return Ok(value),
                '\\' => {
                    let escaped = self.peek().ok_or(NotLabels { place: begins + 1, why: Wrong::Quotes })?;
                    self.at += 1;
                    value.push(if escaped == 'n' { '\n' } else { escaped });
                }
                letter => value.push(letter),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_they_are_written() {
        for (text, expected) in [
            ("", "{}"),
            (r#"service="qflow",severity="critical""#, r#"{service="qflow", severity="critical"}"#),
            (r#" { a = b , c="d, \"e\"" , } "#, r#"{a="b", c="d, \"e\""}"#),
            (r#"path="a.b/c=d""#, r#"{path="a.b/c=d"}"#),
            ("empty=\"\"", r#"{empty=""}"#),
        ] {
            assert_eq!(labels(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        for (text, place, why) in [
            ("service", 8, Wrong::Equals),
            ("=x", 1, Wrong::Name),
            ("1a=x", 1, Wrong::Name),
            ("a=~\"x\"", 2, Wrong::Matcher),
            ("a!=x", 2, Wrong::Matcher),
            ("a=", 3, Wrong::Value),
            ("a=\"x", 3, Wrong::Quotes),
            ("a=x b=y", 5, Wrong::Comma),
            ("a=x, a=y", 6, Wrong::Twice),
            ("{a=x", 5, Wrong::Comma),
            ("{a=x} b", 7, Wrong::Comma),
            ("ä=x", 1, Wrong::Name),
        ] {
            assert_eq!(labels(text), Err(NotLabels { place, why }), "{text}");
        }
    }
}
