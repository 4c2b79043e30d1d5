//! Values that may come from outside the files: `{ env = "X" }`, `{ file = "path" }`. Never shows what came from
//! there, and covers what was written in the file itself when it is a secret or an address.

use std::fs;

use secrecy::{ExposeSecret, SecretString};
use toml::de::DeValue;
use url::Url;

use super::{section::Node, source::Place};

/// Tokens of fewer characters are warned of.
const SHORTEST_TOKEN: usize = 16;

/// A value and where it was written or asked for.
pub(super) struct Given {
    pub text: String,
    pub at: Place,
    /// It stands in the file itself.
    literal: bool,
}

/// What was found outside the files; and where, what and what to do when it is missing.
type Found = (Option<String>, (Place, String, String));

impl Node<'_> {
    /// A text, or one from the environment or a file. Nothing when it is absent and may be, or after a mistake.
    pub fn given(&self, example: &str) -> Option<Given> {
        let DeValue::Table(_) = self.value.get_ref() else {
            let text = self.filled(example)?;
            return Some(Given { text: text.value, at: text.at, literal: true });
        };
        let mut section = self.section()?;
        let (env, file) = (section.node("env"), section.node("file"));
        let optional = section.flag("optional").unwrap_or(false);
        let fallback = section.node("default");
        section.finish();
        let (found, missing) = match (&env, &file) {
            (Some(env), None) => self.found_in_env(env)?,
            (None, Some(file)) => self.found_in_file(file)?,
            _ => {
                let what = format!("`{}` must have either `env` or `file`", self.path);
                self.reader.mistake(self.at(), what, None, "write { env = \"NAME\" } or { file = \"path\" }");
                return None;
            }
        };
        if let Some(text) = found {
            return Some(Given { text, at: self.at(), literal: false });
        }
        if let Some(fallback) = fallback {
            let text = fallback.filled(example)?;
            return Some(Given { text: text.value, at: text.at, literal: true });
        }
        if !optional {
            let (at, what, remedy) = missing;
            let remedy = format!("{remedy}, or write `optional = true` beside it to go without");
            self.reader.mistake(at, what, None, remedy);
        }
        None
    }

    /// What was found, and what to say when nothing was.
    fn found_in_env(&self, env: &Node<'_>) -> Option<Found> {
        let name = env.filled("\"ANA_TOKEN\"")?;
        // Compose files pass on what is not set as an empty value.
        let found = (self.reader.env)(&name.value).filter(|value| !value.trim().is_empty());
        let what =
            format!("the environment variable {} is not set, and `{}` needs it", name.value, self.path);
        Some((found, (name.at, what, format!("set {} for the server", name.value))))
    }

    /// What was found, and what to say when nothing was.
    fn found_in_file(&self, file: &Node<'_>) -> Option<Found> {
        let name = file.filled("\"/run/secrets/ana\"")?;
        let path =
            self.reader.folder.map_or_else(|| name.value.clone().into(), |folder| folder.join(&name.value));
        let (found, why) = match fs::read_to_string(&path) {
            Ok(text) if text.trim().is_empty() => (None, "it is empty".to_owned()),
            Ok(text) => (Some(text.trim_end_matches(['\r', '\n']).to_owned()), String::new()),
            Err(error) => (None, error.to_string()),
        };
        let what = format!("the file {} cannot be used for `{}`: {why}", path.display(), self.path);
        Some((found, (name.at, what, "make it readable for the server".to_owned())))
    }

    /// A secret. One that stands in the file is taken, with a warning.
    pub fn secret(&self) -> Option<SecretString> {
        if !matches!(self.value.get_ref(), DeValue::Table(_)) {
            self.mask();
        }
        let given = self.given("{ env = \"NAME\" }")?;
        if given.literal {
            self.reader.masks.borrow_mut().push(given.at);
            self.reader.warning(
                given.at,
                format!("`{}` is a secret that stands in the file", self.path),
                "write { env = \"NAME\" } or { file = \"path\" }, so that it is in no copy of this folder",
            );
        }
        if given.text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            self.reader.mistake(
                given.at,
                format!("the secret for `{}` contains spaces or control characters", self.path),
                None,
                "check that it was copied whole and alone; a header cannot carry it as it is",
            );
            return None;
        }
        Some(given.text.into())
    }

    /// A token that callers show. A short one is taken, with a warning.
    pub fn token(&self) -> Option<SecretString> {
        let token = self.secret()?;
        if token.expose_secret().chars().count() < SHORTEST_TOKEN {
            self.reader.warning(
                self.at(),
                format!(
                    "the token for `{}` has less than {SHORTEST_TOKEN} characters and can be guessed",
                    self.path
                ),
                "make a longer one: openssl rand -hex 24",
            );
        }
        Some(token)
    }

    /// A URL with one of these schemes and a host.
    pub fn url(&self, schemes: &[&str], example: &str) -> Option<(Url, Place)> {
        let given = self.given(example)?;
        match parse_url(&given.text, schemes) {
            Ok(url) => Some((url, given.at)),
            Err(why) => {
                self.reader.mistake(
                    given.at,
                    format!("`{}` {why}", self.path),
                    None,
                    format!("write {example}"),
                );
                None
            }
        }
    }
}

/// A URL with a host and one of the schemes.
///
/// # Errors
/// The rest of a sentence that begins with the name of the value; it never repeats the value.
pub(super) fn parse_url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("is not a URL: {error}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("must begin with {}://", schemes.join(":// or ")));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".into());
    }
    Ok(url)
}
