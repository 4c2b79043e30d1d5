//! `logs`: where to look (`index`, `since`, …), an empty line, and a query string or JSON for Elasticsearch and
//! OpenSearch. Never asks them.
//!
//! Source: Elasticsearch, "Query string query", section "Reserved characters".

use super::{json, settings};
use crate::runbook::{
    compile::{Compiler, Course},
    notes::Written,
    scope::Scope,
    slot::Slot,
    template::{NotRendered, Template},
};

const KEYS: [&str; 7] = ["index", "since", "until", "size", "sort", "time", "group"];

/// A query with values in it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogsAct {
    index: Template,
    since: Option<Template>,
    until: Option<Template>,
    size: Option<Template>,
    /// `field` or `field desc`.
    pub sort: Option<String>,
    /// The field of the time; `@timestamp` when it is not said.
    pub time: String,
    /// The field by which hits are counted.
    pub group: Option<String>,
    query: LogsQuery,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum LogsQuery {
    /// Everything.
    All,
    /// A query string: `level:error AND component:engine`.
    Words(Template),
    /// The query as JSON: what stands under `"query"` in a search.
    Json(Template),
}

/// A search as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The index: letters, digits, `_`, `.`, `-`, and what the runbook itself says (`*`, `,`).
    pub index: String,
    /// How far back: a duration, as it is written.
    pub since: Option<String>,
    /// Where it ends, as a duration before now.
    pub until: Option<String>,
    /// How many hits at most.
    pub size: u64,
    /// A query string.
    pub words: Option<String>,
    /// A query as JSON.
    pub json: Option<serde_json::Value>,
}

/// How many hits are fetched when nothing is said.
const SIZE: u64 = 20;
/// More than this Elasticsearch does not give at once.
const MOST: u64 = 1_000;

impl LogsAct {
    /// The search with its values.
    ///
    /// # Errors
    /// When a value is missing or cannot be made safe.
    pub fn render(&self, scope: &Scope) -> Result<Search, NotRendered> {
        let some = |template: &Option<Template>| template.as_ref().map(|text| text.render(scope)).transpose();
        let duration = |text: Option<String>| match text {
            Some(text) if crate::domain::duration::parse(&text).is_err() => {
                Err(NotRendered::Whole("`since` and `until` are durations, such as 24h"))
            }
            text => Ok(text),
        };
        let (words, json) = match &self.query {
            LogsQuery::All => (None, None),
            LogsQuery::Words(words) => (Some(words.render(scope)?), None),
            LogsQuery::Json(json) => {
                let json = serde_json::from_str(&json.render(scope)?);
                (None, Some(json.map_err(|_| NotRendered::Whole("the query is no JSON"))?))
            }
        };
        let size = match some(&self.size)? {
            None => SIZE,
            Some(size) => size
                .parse()
                .ok()
                .filter(|size| *size <= MOST)
                .ok_or(NotRendered::Whole("`size` is a number up to 1000"))?,
        };
        let (since, until) = (duration(some(&self.since)?)?, duration(some(&self.until)?)?);
        Ok(Search { index: self.index.render(scope)?, since, until, size, words, json })
    }

    /// The query, as it is written.
    #[must_use]
    pub fn source(&self) -> String {
        let query = match &self.query {
            LogsQuery::All => String::new(),
            LogsQuery::Words(query) | LogsQuery::Json(query) => format!(": {}", query.source()),
        };
        format!("{}{query}", self.index.source())
    }
}

#[derive(Default)]
struct InWords {
    quoted: bool,
    escaped: bool,
    regex: bool,
}

impl Course for InWords {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' if !self.regex => self.quoted = !self.quoted,
                '/' if !self.quoted => self.regex = !self.regex,
                _ => {}
            }
        }
    }

    fn value(&mut self, _: &str) -> Result<Slot, (&'static str, &'static str)> {
        if self.escaped {
            return Err(("a value cannot follow a backslash", "take the backslash out"));
        }
        if self.regex {
            return Err(("a value cannot stand in a regular expression", "use a term: field:{{ value }}"));
        }
        Ok(if self.quoted { Slot::LuceneText } else { Slot::LuceneBare })
    }
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>) -> Option<LogsAct> {
    let before = compiler.notes.count();
    let lines = body.trimmed().lines();
    let end = lines.iter().position(|line| line.text().trim().is_empty()).unwrap_or(lines.len());
    let found = settings(lines.get(..end).unwrap_or_default(), &KEYS, compiler, "a logs block");
    let get = |key: &str| found.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let text = |key: &str, slot: Slot| get(key).map(|value| compiler.plain(value.unquoted(), slot));
    let index = text("index", Slot::Index);
    if get("index").is_none() {
        let remedy = "begin with `index: name-*`; an empty line stands before the query";
        compiler.notes.mistake(body.trimmed().at(), "there is no index to look in", remedy);
    }
    for key in ["since", "until"] {
        let literal = get(key).map(|value| value.unquoted()).filter(|value| !value.text().contains("{{"));
        if let Some(value) = literal
            && let Err(error) = crate::domain::duration::parse(value.text())
        {
            compiler.notes.mistake(value.at(), error.to_string(), "write a duration, such as 24h");
        }
    }
    let (since, until, size) =
        (text("since", Slot::Parameter), text("until", Slot::Parameter), text("size", Slot::Parameter));
    let rest = lines.get(end..).unwrap_or_default();
    let query = match (rest.first(), rest.last()) {
        (Some(first), Some(last)) => first.until(last).trimmed(),
        _ => body.part(0..0),
    };
    let query = if query.text().is_empty() {
        Some(LogsQuery::All)
    } else if json::is_meant(query.text()) {
        json::read(query, compiler, false).map(LogsQuery::Json)
    } else {
        compiler.template(query, &mut InWords::default(), false).map(LogsQuery::Words)
    };
    let word = |key: &str| get(key).map(|value| value.unquoted().text().to_owned());
    let act = LogsAct {
        index: index??,
        since: since.flatten(),
        until: until.flatten(),
        size: size.flatten(),
        sort: word("sort"),
        time: word("time").unwrap_or_else(|| "@timestamp".to_owned()),
        group: word("group"),
        query: query?,
    };
    (compiler.notes.count() == before).then_some(act)
}
