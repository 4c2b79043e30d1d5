//! How what a step found reads in chat: as a sentence (`show`) or as a table (`rows`, `columns`) of its own. Never hides
//! an answer: what cannot be said as asked is shown as it came.

use serde_json::{Map, Value};

use super::{
    act::Act, compile::Compiler, expression::Expression, names::ActKind, notes::Written, template::Template,
};
use crate::{
    runbook::{model::Action, scope::Scope, settings::Settings},
    text::{chat::more, plain::plain, runbook::NOTHING_FOUND},
};

/// Rows that are shown; the rest is counted.
const ROWS: usize = 20;
/// The longest cell, in characters.
const CELL: usize = 60;

/// A list that is shown as a table.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(super) list: Expression,
    /// Each a path into a row and its title; none: all of a row.
    pub(super) columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `context.daoSubnet`, in its parts.
    path: Vec<String>,
    title: String,
}

/// `executionId as id, status, context.daoSubnet as dao`
pub(super) fn columns(value: Written<'_>, compiler: &Compiler<'_>) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut start = 0;
    for part in value.text().split(',') {
        let written = value.part(start..start + part.len()).trimmed();
        start += part.len() + 1;
        let (path, title) = match written.text().split_once(" as ") {
            Some((path, title)) => (path.trim(), title.trim()),
            None => (written.text(), written.text().rsplit('.').next().unwrap_or_default()),
        };
        let fits = |name: &str| {
            !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | '$'))
        };
        if title.is_empty() || !path.split('.').all(fits) {
            let remedy = "write fields of a row: id, context.dao as dao";
            compiler.notes.mistake(written.at(), "this is no column", remedy);
            continue;
        }
        columns.push(Column { path: path.split('.').map(str::to_owned).collect(), title: title.to_owned() });
    }
    columns
}

/// A template in which the step's own fields stand bare.
pub(super) fn show(value: Written<'_>, kind: ActKind, compiler: &Compiler<'_>) -> Option<Template> {
    compiler.about(value, kind)
}

/// What a step says of what it found; none: as it came.
pub(super) fn says(settings: &Settings, fields: &Map<String, Value>, scope: &Scope) -> Option<String> {
    if settings.show.is_none() && settings.rows.is_none() {
        return None;
    }
    let scope = scope.with(fields);
    let sentence = match &settings.show {
        Some(show) => Some(show.render(&scope).ok()?),
        None => None,
    };
    let rows = match &settings.rows {
        Some(rows) => Some(table(rows, &scope)?),
        None => None,
    };
    Some([sentence, rows].into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// What a step said, for its line on the card: the first line, or a document without its line breaks.
pub(super) fn headline(shown: &str) -> String {
    if shown.trim_start().starts_with(['{', '[']) {
        return shown.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    shown.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

/// Whether people are meant to read what a step said, beyond its first line: a document as a machine writes it is not
/// for them.
pub(super) fn speaks(action: &Action, shown: &str) -> bool {
    let raw = matches!(action.act, Act::Http(_))
        && action.settings.show.is_none()
        && action.settings.rows.is_none();
    !raw && shown.lines().nth(1).is_some()
}

fn table(rows: &Rows, scope: &Scope) -> Option<String> {
    let list = serde_json::to_value(rows.list.value(scope).ok()?).ok()?;
    let list = match list {
        Value::Array(list) => list,
        // A table of names: each with what it holds.
        Value::Object(fields) => fields.into_iter().map(|(name, value)| with_name(&name, value)).collect(),
        _ => return None,
    };
    if list.is_empty() {
        return Some(NOTHING_FOUND.to_owned());
    }
    let shown = list.iter().take(ROWS);
    let mut lines: Vec<String> = if rows.columns.is_empty() {
        shown.map(whole).collect()
    } else {
        let head = rows.columns.iter().map(|column| column.title.clone()).collect();
        let cells = shown.map(|row| rows.columns.iter().map(|column| column.cell(row)).collect());
        aligned(&std::iter::once(head).chain(cells).collect::<Vec<Vec<String>>>())
    };
    if list.len() > ROWS {
        lines.push(more(list.len() - ROWS, ""));
    }
    Some(lines.join("\n"))
}

/// An entry of a table of names as a row: its name is `name`, unless it has one of its own.
fn with_name(name: &str, value: Value) -> Value {
    match value {
        Value::Object(mut fields) => {
            fields.entry("name").or_insert_with(|| name.into());
            Value::Object(fields)
        }
        value => serde_json::json!({"name": name, "value": value}),
    }
}

impl Column {
    fn cell(&self, row: &Value) -> String {
        let found = self.path.iter().try_fold(row, |value, name| match value {
            Value::Array(list) => name.parse().ok().and_then(|at: usize| list.get(at)),
            value => value.get(name),
        });
        plain(&found.map_or_else(String::new, cell), CELL)
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(|one| !one.is_object() && !one.is_array()) => {
            list.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        // Two digits are enough to read; a whole number stays one.
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => format!("{float:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn whole(row: &Value) -> String {
    let text = match row {
        Value::Object(fields) => {
            let pair = |(name, value): (&String, &Value)| format!("{name}: {}", cell(value));
            fields.iter().map(pair).collect::<Vec<_>>().join("  ")
        }
        other => cell(other),
    };
    plain(&text, 4 * CELL)
}

/// Rows as lines, each column as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let width = |text: &String| text.chars().count();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(width).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(settings: &str, json: Value) -> Option<String> {
        let runbook = super::super::tests::sound(&format!(
            "---\ncommand: /a\nsummary: Asks.\nrole: viewer\narguments:\n  - name: only\n    optional: true\n---\n# A\n\n\
             ```http\n{settings}\nGET {{{{ qflow.url }}}}/x\n```\n"
        ));
        let action = runbook.actions().next().unwrap().clone();
        let mut scope = Scope::default();
        scope.set("only", "all");
        let fields = Map::from_iter([("status".to_owned(), json!(200)), ("json".to_owned(), json)]);
        says(&action.settings, &fields, &scope)
    }

    #[test]
    fn an_answer_reads_as_a_sentence_or_a_table() {
        let rows = json!({"items": [
            {"id": "a", "at": {"dao": "dao-ops"}, "rate": 0.123_456},
            {"id": "longer", "rate": 3, "tags": ["x", "y"]},
        ]});
        let table = said("#| rows: json.items\n#| columns: id, at.dao as DAO, rate, tags", rows.clone());
        let expected = "id      DAO      rate  tags\na       dao-ops  0.12\nlonger           3     x, y";
        assert_eq!(table.as_deref(), Some(expected));
        let sentence = said("#| show: {{ json.items | length }} of {{ only }}, HTTP {{ status }}", rows);
        assert_eq!(sentence.as_deref(), Some("2 of all, HTTP 200"));
        let many: Vec<Value> = (0..30).map(Value::from).collect();
        let shown = said("#| rows: json", many.into()).unwrap();
        assert!(shown.lines().count() == 21 && shown.contains("10 more"), "{shown}");
        assert_eq!(said("#| rows: json", json!([])).as_deref(), Some(NOTHING_FOUND));
        let named = said("#| rows: json\n#| columns: name, ok", json!({"qlock": {"ok": true}}));
        assert_eq!(named.as_deref(), Some("name   ok\nqlock  true"));
    }

    #[test]
    fn what_is_not_there_leaves_the_answer_as_it_came() {
        for settings in ["#| show: {{ json.data.x.y }}", "#| rows: json.items", "#| rows: status"] {
            assert_eq!(said(settings, json!({"error": "no"})), None, "{settings}");
        }
        assert_eq!(said("", json!({})), None);
    }
}
