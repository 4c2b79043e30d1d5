//! What stands behind the `?` of an address. Never passes over a name that it does not know: a filter with a
//! typing error would show too much.

use std::{fmt::Display, str::FromStr};

use super::problem::Problem;
use crate::domain::matcher::Matcher;

/// How many items a list holds when nothing is said.
const USUAL: usize = 100;
/// How many items a list holds at most.
const MOST: usize = 1000;
/// How many pairs are read at most.
const MOST_PAIRS: usize = 64;

/// Parameters of a request.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the parameters; only names of `known` (and `as`, which every call has) may occur.
    ///
    /// # Errors
    /// A problem that names a parameter that is not known, or occurs twice and is not `match`.
    pub fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if pairs.len() == MOST_PAIRS {
                return Err(Problem::malformed(format!("there are more than {MOST_PAIRS} parameters")));
            }
            if name != "as" && !known.contains(&&*name) {
                return Err(unknown(&name, known));
            }
            if name != "match" && pairs.iter().any(|(other, _)| *other == name) {
                let detail = format!("the parameter `{name}` is there twice");
                return Err(Problem::wrong(name.into_owned(), detail).remedy("Send it once"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// How many items are wanted: 1 to 1000, 100 when nothing is said.
    ///
    /// # Errors
    /// A problem that names `limit`.
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = self.get("limit") else { return Ok(USUAL) };
        text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
            Problem::wrong("limit", format!("`{text}` is not a number from 1 to {MOST}"))
                .remedy(format!("Write limit={USUAL}"))
        })
    }

    /// Before which item a list goes on that shows the newest first: what `next` of the page before said.
    ///
    /// # Errors
    /// A problem that names `cursor`.
    pub fn before<T: FromStr<Err: Display>>(&self) -> Result<Option<T>, Problem> {
        self.parsed("cursor", "Send what `next` of the page before said")
    }

    /// A parameter that is read like any text of its type.
    ///
    /// # Errors
    /// A problem that names it and says why.
    pub fn parsed<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        remedy: &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(why) => Err(Problem::wrong(name, format!("`{text}`: {why}")).remedy(remedy)),
        }
    }

    /// A parameter with a few possible values.
    ///
    /// # Errors
    /// A problem that names it and the values.
    pub fn one_of(
        &self,
        name: &'static str,
        values: &[&'static str],
    ) -> Result<Option<&'static str>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        values.iter().find(|value| **value == text).copied().map(Some).ok_or_else(|| {
            Problem::wrong(name, format!("`{text}` is none of the values of `{name}`"))
                .remedy(format!("Write one of {}", values.join(", ")))
        })
    }

    /// The matchers of all `match` parameters; each may hold several.
    ///
    /// # Errors
    /// A problem that names `match` and says what is no matcher.
    pub fn matchers(&self) -> Result<Vec<Matcher>, Problem> {
        let mut matchers = Vec::new();
        for (_, text) in self.0.iter().filter(|(name, _)| name == "match") {
            let list = Matcher::parse_list(text).map_err(|error| {
                Problem::wrong("match", error.to_string())
                    .remedy("Write match=severity=~\"critical|page\", URL-encoded")
            })?;
            matchers.extend(list);
        }
        Ok(matchers)
    }
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let nearest = known.iter().map(|other| (strsim::damerau_levenshtein(other, name), other)).min();
    let remedy = match nearest {
        Some((distance, nearest)) if distance <= 2 => format!("Did you mean `{nearest}`?"),
        _ if known.is_empty() => "Leave it out: this address has no parameters".to_owned(),
        _ => format!("This address knows {}", known.join(", ")),
    };
    Problem::wrong(name.to_owned(), format!("there is no parameter `{name}`")).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_parameter_is_named() {
        let known = ["status", "match", "limit", "cursor"];
        for (query, field) in [
            ("stauts=open", "status"),
            ("limit=5&limit=6", "twice"),
            ("limit=0", "1 to 1000"),
            ("limit=1001", "1 to 1000"),
            ("limit=-1", "1 to 1000"),
            ("limit=x", "1 to 1000"),
            ("match=a~b", "is not a matcher"),
            ("status=opne", "one of open, closed"),
        ] {
            let problem = Query::read(Some(query), &known)
                .and_then(|q| q.limit().map(|_| q))
                .and_then(|q| q.matchers().map(|_| q))
                .and_then(|q| q.one_of("status", &["open", "closed"]))
                .unwrap_err();
            assert!(format!("{problem:?}").contains(field), "{query}: {problem:?}");
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let query =
            Query::read(Some("match=a%3D%22x%2Cy%22&match=b=1&limit=7&as=ana"), &["match", "limit"]).unwrap();
        assert_eq!(query.limit().unwrap(), 7);
        assert_eq!(query.get("as"), Some("ana"));
        let matchers: Vec<String> = query.matchers().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(matchers, [r#"a="x,y""#, r#"b="1""#]);
    }
}
