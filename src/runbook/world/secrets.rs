//! Secrets of a run: put in at the last moment, and taken out of everything that comes back. Never printed.

use std::{fmt, sync::Arc};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine as _, engine::general_purpose};
use secrecy::{ExposeSecret as _, SecretString};

/// What stands where a secret stood.
pub use crate::text::usage::COVERED;
/// A shorter secret would cover words that have nothing to do with it. The configuration warns of such tokens.
pub const SHORTEST: usize = 6;

/// Whether a secret is long enough to be found again, line by line.
#[must_use]
pub fn can_be_covered(secret: &SecretString) -> bool {
    let mut lines = secret.expose_secret().lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.len() >= SHORTEST)
}

/// Takes secrets out of texts, in every form in which a program or a server may send them back.
#[derive(Clone, Default)]
pub struct Secrets {
    finds: Option<Arc<AhoCorasick>>,
    longest: usize,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Covers these: as they are, and in base64, percent encoding, JSON, hexadecimal, and line by line.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut forms: Vec<String> = Vec::new();
        for secret in secrets {
            let secret = secret.expose_secret();
            forms.extend(secret.lines().map(str::trim).map(str::to_owned));
            forms.extend(encoded(secret));
        }
        forms.retain(|form| form.len() >= SHORTEST);
        forms.sort_unstable();
        forms.dedup();
        let longest = forms.iter().map(String::len).max().unwrap_or_default();
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest);
        // cannot fail: it is bounded by the number of patterns, and there are as many as tokens in the configuration.
        let finds = (!forms.is_empty()).then(|| builder.build(&forms)).and_then(Result::ok).map(Arc::new);
        Self { finds, longest }
    }

    /// The text without them.
    #[must_use]
    pub fn cover(&self, text: &str) -> String {
        match &self.finds {
            Some(finds) if finds.is_match(text) => {
                let mut covered = String::with_capacity(text.len());
                finds.replace_all_with(text, &mut covered, |_, _, covered| {
                    covered.push_str(COVERED);
                    true
                });
                covered
            }
            _ => text.to_owned(),
        }
    }

    /// The value without them, in its keys and in its texts.
    #[must_use]
    pub fn cover_value(&self, value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        if self.finds.is_none() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.cover(&text)),
            Value::Array(values) => values.into_iter().map(|value| self.cover_value(value)).collect(),
            Value::Object(entries) => {
                entries.into_iter().map(|(key, value)| (self.cover(&key), self.cover_value(value))).collect()
            }
            // A secret of digits comes back as a number.
            Value::Number(number) if self.cover(&number.to_string()) != number.to_string() => {
                Value::String(COVERED.to_owned())
            }
            other => other,
        }
    }

    /// How many bytes beyond a cut have to be looked at, so that half of a secret is found, too.
    #[must_use]
    pub fn margin(&self) -> usize {
        self.longest
    }
}

fn encoded(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    vec![
        secret.to_owned(),
        general_purpose::STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        general_purpose::URL_SAFE_NO_PAD.encode(secret),
        percent.replace('+', "%20"),
        // As a runbook's own values stand in an address or a form.
        percent.replace('+', "%20").replace('*', "%2A").replace("%7E", "~"),
        percent,
        json.trim_matches('"').to_owned(),
        hex::encode(secret),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_covered_in_every_form() {
        let secret = SecretString::from("s3cret/+&\"token\" é*~");
        let other = SecretString::from("first line of it\nsecond line of it\n");
        let secrets = Secrets::new([&secret, &other]);
        let mut seen = encoded(secret.expose_secret());
        seen.extend(["first line of it".into(), "x second line of it x".into()]);
        for form in seen {
            let covered = secrets.cover(&format!("before {form} after"));
            assert!(covered.contains(COVERED) && !covered.contains(&form), "{covered}");
            assert!(covered.starts_with("before ") && covered.ends_with(" after"));
        }
        let value =
            serde_json::json!({"s3cret/+&\"token\" é*~": ["x", {"k": "s3cret/+&\"token\" é*~!"}], "n": 1});
        let expected = serde_json::json!({COVERED: ["x", {"k": format!("{COVERED}!")}], "n": 1});
        assert_eq!(secrets.cover_value(value), expected);
        assert_eq!(format!("{secrets:?}"), "Secrets(…)");
    }

    #[test]
    fn a_form_that_a_runbook_sends_is_covered_and_digits_that_come_back_as_a_number() {
        let (secret, digits) = (SecretString::from("a*b~c d"), SecretString::from("84739201"));
        let secrets = Secrets::new([&secret, &digits]);
        assert_eq!(secrets.cover("pin=a%2Ab~c%20d"), format!("pin={COVERED}"));
        let value = secrets.cover_value(serde_json::json!({"pin": 84_739_201, "n": 847}));
        assert_eq!(value, serde_json::json!({"pin": COVERED, "n": 847}));
        for (secret, can) in [("12345", false), ("123456", true), ("longer\nshort", false), (" \n ", false)] {
            assert_eq!(can_be_covered(&SecretString::from(secret)), can, "{secret}");
        }
    }

    #[test]
    fn without_secrets_and_with_tiny_ones_words_stay() {
        let tiny = SecretString::from("on");
        for secrets in [Secrets::default(), Secrets::new([&tiny])] {
            assert_eq!(secrets.cover("once upon"), "once upon");
        }
    }
}
