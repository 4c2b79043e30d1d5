//! Matchers in Alertmanager's syntax (`severity=~"critical|page"`). Never matches partially: a regular
//! expression covers the whole value, and an absent label counts as the empty text.
//!
//! Source: Prometheus, "Alertmanager configuration", section "Matcher".

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::labels::Labels;

/// One condition on one label.
#[derive(Clone)]
pub struct Matcher {
    name: String,
    test: Test,
    value: String,
}

#[derive(Clone)]
enum Test {
    Equal,
    NotEqual,
    Matches(Regex),
    NotMatches(Regex),
}

/// Why a text is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAMatcher {
    /// There is no operator.
    #[error(
        "`{0}` is not a matcher: write a label, one of = != =~ !~, and a value, as in severity=\"critical\""
    )]
    Shape(String),
    /// The name is no label name.
    #[error("`{0}` is not a label name: letters, digits and _ only, and no digit first")]
    Name(String),
    /// The quotes do not close, or something follows them.
    #[error("the value {0} is not quoted correctly: write it as \"value\", with \\\" for a quote inside")]
    Quotes(String),
    /// The regular expression does not compile.
    #[error("`{0}` is not a regular expression: {1}")]
    Regex(String, String),
}

impl Matcher {
    /// Reads one matcher. Quotes around the value may be left out when it has no spaces, quotes or commas.
    ///
    /// # Errors
    /// When the text is none, with what is wrong and how to write it.
    pub fn parse(text: &str) -> Result<Self, NotAMatcher> {
        let text = text.trim();
        let start = text.find(['=', '!', '~']).ok_or_else(|| NotAMatcher::Shape(text.into()))?;
        let (name, rest) = text.split_at(start);
        let name = name.trim();
        let (operator, value) = ["=~", "!~", "!=", "="]
            .iter()
            .find_map(|operator| rest.strip_prefix(operator).map(|value| (*operator, value.trim())))
            .ok_or_else(|| NotAMatcher::Shape(text.into()))?;
        let valid = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            return Err(NotAMatcher::Name(name.into()));
        }
        let value = unquote(value)?;
        let regex = || {
            // Bounded, so that no expression takes the memory of the process.
            regex::RegexBuilder::new(&format!("^(?:{value})$"))
                .size_limit(1 << 20)
                .build()
                .map_err(|error| NotAMatcher::Regex(value.clone(), last_line(&error)))
        };
        let test = match operator {
            "=~" => Test::Matches(regex()?),
            "!~" => Test::NotMatches(regex()?),
            "!=" => Test::NotEqual,
            _ => Test::Equal,
        };
        Ok(Self { name: name.into(), test, value })
    }

    /// The condition that a label has this value, which may be any text.
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.into(), test: Test::Equal, value: value.into() }
    }

    /// Reads a list as people type it: `service="qflow", severity=~"critical|page"`, with or without braces.
    ///
    /// # Errors
    /// The first matcher that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, NotAMatcher> {
        let text = text.trim();
        let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
        let mut matchers = Vec::new();
        let (mut quoted, mut escaped, mut start) = (false, false, 0);
        let mut push = |part: &str| -> Result<(), NotAMatcher> {
            if !part.trim().is_empty() {
                matchers.push(Self::parse(part)?);
            }
            Ok(())
        };
        for (index, letter) in text.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' if !quoted => {
                    push(&text[start..index])?;
                    start = index + 1;
                }
                _ => {}
            }
        }
        push(&text[start..])?;
        Ok(matchers)
    }

    /// Reads a list as people type it in a line: with commas or blanks between the conditions, with or without braces.
    ///
    /// # Errors
    /// The first condition that is none: which one it is, counted from 1, and why.
    pub fn parse_words(texts: &[String]) -> Result<Vec<Self>, (usize, NotAMatcher)> {
        let parts: Vec<&str> = texts.iter().flat_map(|text| parts(text)).collect();
        parts.iter().enumerate().map(|(at, part)| Self::parse(part).map_err(|why| (at + 1, why))).collect()
    }

    /// Whether the labels meet the condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name).unwrap_or_default();
        match &self.test {
            Test::Equal => value == self.value,
            Test::NotEqual => value != self.value,
            Test::Matches(regex) => regex.is_match(value),
            Test::NotMatches(regex) => !regex.is_match(value),
        }
    }

    /// The label that it looks at.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.name
    }
}

/// Cuts a list at commas and blanks outside quotes.
fn parts(text: &str) -> Vec<&str> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let (mut quoted, mut escaped) = (false, false);
    let cut = |letter: char| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return !quoted && (letter == ',' || letter.is_whitespace()),
        }
        false
    };
    text.split(cut).filter(|part| !part.is_empty()).collect()
}

fn unquote(value: &str) -> Result<String, NotAMatcher> {
    let wrong = || NotAMatcher::Quotes(value.into());
    let Some(inner) = value.strip_prefix('"') else {
        let plain = !value.contains(['"', ',', '{', '}']) && !value.contains(char::is_whitespace);
        return if plain { Ok(value.into()) } else { Err(wrong()) };
    };
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    loop {
        match letters.next().ok_or_else(wrong)? {
            '"' => break,
            '\\' => match letters.next().ok_or_else(wrong)? {
                'n' => text.push('\n'),
                '"' => text.push('"'),
                '\\' => text.push('\\'),
                // Anything else is left as it stands, so that `\.` reaches the regular expression.
                other => text.extend(['\\', other]),
            },
            letter => text.push(letter),
        }
    }
    if letters.as_str().trim().is_empty() { Ok(text) } else { Err(wrong()) }
}

// The last line says what is wrong; those above it draw where.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

impl fmt::Display for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.test {
            Test::Equal => "=",
            Test::NotEqual => "!=",
            Test::Matches(_) => "=~",
            Test::NotMatches(_) => "!~",
        };
        write!(out, "{}{operator}\"", self.name)?;
        for letter in self.value.chars() {
            match letter {
                '"' => out.write_str("\\\"")?,
                '\n' => out.write_str("\\n")?,
                '\\' => out.write_str("\\\\")?,
                letter => fmt::Write::write_char(out, letter)?,
            }
        }
        out.write_str("\"")
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        let kind = |one: &Self| std::mem::discriminant(&one.test);
        self.name == other.name && self.value == other.value && kind(self) == kind(other)
    }
}

impl Eq for Matcher {}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    #[test]
    fn matchers_mean_what_they_mean_in_alertmanager() {
        let alert = labels(&[("service", "qflow"), ("severity", "critical"), ("path", "a.b")]);
        for (matcher, expected) in [
            (r#"service="qflow""#, true),
            ("service=qflow", true),
            (r#" service = "qflow" "#, true),
            (r#"service!="qflow""#, false),
            (r#"severity=~"critical|page""#, true),
            (r#"severity=~"crit""#, false),
            (r#"severity=~"crit.*""#, true),
            (r#"severity!~"warning|info""#, true),
            (r#"team="""#, true),
            (r#"team=~".+""#, false),
            (r#"team!="ops""#, true),
            (r#"path=~"a\.b""#, true),
            (r#"path=~"a\\.b""#, true),
        ] {
            assert_eq!(Matcher::parse(matcher).unwrap().matches(&alert), expected, "{matcher}");
        }
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for (text, part) in [
            ("service", "is not a matcher"),
            ("", "is not a matcher"),
            ("1a=\"x\"", "is not a label name"),
            ("=\"x\"", "is not a label name"),
            ("a=\"x", "not quoted correctly"),
            ("a=\"x\" b", "not quoted correctly"),
            ("a=~\"(\"", "is not a regular expression"),
            ("a~\"x\"", "is not a matcher"),
        ] {
            let error = Matcher::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_list_may_hold_commas_and_braces_inside_quotes() {
        let list = Matcher::parse_list(r#"{a="x,y", b=~"1|2",}"#).unwrap();
        let text: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(text, [r#"a="x,y""#, r#"b=~"1|2""#]);
        assert!(Matcher::parse_list("  ").unwrap().is_empty());
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        for text in
            [r#"a="x\"y""#, r#"a="b\\c""#, "a=\"1\\n2\"", r#"p=~"a\.b""#, r#"p=~"a\\\\b""#, r#"p!~"\d+""#]
        {
            let once = Matcher::parse(text).unwrap();
            let again = Matcher::parse(&once.to_string()).unwrap();
            assert_eq!((&again.value, again.to_string()), (&once.value, once.to_string()), "{text}");
        }
    }

    #[test]
    fn conditions_in_a_line_are_cut_at_blanks_and_commas_outside_quotes() {
        let words = |text: &str| Matcher::parse_words(&[text.to_owned()]);
        for (text, expected) in [
            ("", vec![]),
            ("a=b c!=\"d e\"", vec!["a=\"b\"", "c!=\"d e\""]),
            ("{a=b, c=~\"d|e, f\"}", vec!["a=\"b\"", "c=~\"d|e, f\""]),
            ("a=\"x \\\" y\",b=c", vec!["a=\"x \\\" y\"", "b=\"c\""]),
        ] {
            let read: Vec<String> = words(text).expect(text).iter().map(ToString::to_string).collect();
            assert_eq!(read, expected, "{text}");
        }
        for (text, number) in [("a=b c", 2), ("a = b", 1), ("a=b c=\"d", 2), ("a=~\"[\"", 1)] {
            assert_eq!(words(text).expect_err(text).0, number, "{text}");
        }
    }

    #[test]
    fn a_condition_is_kept_as_it_is_written() {
        for text in ["a=\"b\"", "a!~\"b|c\"", "a=\"x \\\" \\n\""] {
            let matcher = Matcher::parse(text).unwrap();
            let json = serde_json::to_string(&matcher).unwrap();
            assert_eq!(serde_json::from_str::<Matcher>(&json).unwrap(), matcher, "{json}");
        }
        assert!(serde_json::from_str::<Matcher>("\"nothing\"").is_err());
        let odd = Matcher::equal("a", "b \"c\" \\ d");
        assert_eq!(Matcher::parse(&odd.to_string()).unwrap(), odd);
    }
}
