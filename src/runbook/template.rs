//! Texts with `{{ }}` in them: cut and proved when they are read, rendered against a scope with each value made safe
//! for its place. Never splits a value, and never renders one a second time.

use std::{fmt, ops::Range};

use super::{
    expression::{Expression, NoValue},
    scope::Scope,
    slot::{Slot, Unsafe},
};

/// A text with values in it.
#[derive(Clone, Default, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq)]
enum Part {
    Text(String),
    Value(Expression, Slot),
}

/// Why a text could not be rendered. Holds no value: a value may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRendered {
    /// An expression has no value.
    #[error(transparent)]
    NoValue(#[from] NoValue),
    /// A value cannot be made safe where it stands.
    #[error("the value of `{expression}` cannot stand there: {why}")]
    Unsafe {
        /// As it is written in the runbook.
        expression: String,
        /// Why.
        why: Unsafe,
    },
    /// All of it together is not what it should be.
    #[error("{0}")]
    Whole(&'static str),
}

impl Template {
    /// A text without values.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())] }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The text, when it has no values.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What stands before the first value.
    #[must_use]
    pub fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    pub(super) fn push_value(&mut self, expression: Expression, slot: Slot) {
        self.parts.push(Part::Value(expression, slot));
    }

    /// The text with its values.
    ///
    /// # Errors
    /// When a value is missing, or cannot be made safe where it stands.
    pub fn render(&self, scope: &Scope) -> Result<String, NotRendered> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expression, slot) => {
                    let value = expression.value(scope)?;
                    slot.write(&value, &mut out).map_err(|why| NotRendered::Unsafe {
                        expression: expression.text().to_owned(),
                        why,
                    })?;
                }
            }
        }
        Ok(out)
    }

    /// As it is written, for people who want to see what would happen.
    #[must_use]
    pub fn source(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(expression, _) => format!("{{{{ {} }}}}", expression.text()),
        };
        self.parts.iter().map(part).collect()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.source())
    }
}

/// A piece of a text: as it is, or an expression between `{{` and `}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Its bytes.
    Text(Range<usize>),
    /// The bytes of the expression.
    Value(Range<usize>),
}

/// What is wrong with a text's braces, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Torn {
    /// `{{` without its end.
    Open(usize),
    /// `{% … %}`.
    Statement(usize),
}

/// Cuts a text at its `{{ }}`.
pub(super) fn cut(text: &str) -> Result<Vec<Piece>, Torn> {
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let open = rest.find("{{").map_or(text.len(), |found| at + found);
        if let Some(statement) = text.get(at..open).and_then(|text| text.find("{%")) {
            return Err(Torn::Statement(at + statement));
        }
        if open > at {
            pieces.push(Piece::Text(at..open));
        }
        if open == text.len() {
            return Ok(pieces);
        }
        let inside = text.get(open + 2..).unwrap_or_default();
        let end = end_of_value(inside).ok_or(Torn::Open(open))?;
        pieces.push(Piece::Value(open + 2..open + 2 + end));
        at = open + 2 + end + 2;
    }
}

/// Where the `}}` of an expression stands: outside of quotes, and not that of a table in it.
fn end_of_value(text: &str) -> Option<usize> {
    let (mut quote, mut escaped, mut depth) = (None, false, 0_usize);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth > 0 => depth -= 1,
            (None, '}') if text.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_cut_at_its_braces() {
        let text = |from: usize, to: usize| Piece::Text(from..to);
        let value = |from: usize, to: usize| Piece::Value(from..to);
        for (written, expected) in [
            ("", Ok(vec![])),
            ("a {b} }}", Ok(vec![text(0, 8)])),
            ("a{{ b }}c", Ok(vec![text(0, 1), value(3, 6), text(8, 9)])),
            ("{{ '}}' }}", Ok(vec![value(2, 8)])),
            ("{{ {'a': {'b': 1}} }}", Ok(vec![value(2, 19)])),
            ("{{a}}{{b}}", Ok(vec![value(2, 3), value(7, 8)])),
            ("a {{ b", Err(Torn::Open(2))),
            ("a {% if b %}", Err(Torn::Statement(2))),
        ] {
            assert_eq!(cut(written), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn pieces_stand_in_order(text in "\\PC{0,40}|[{}% a'\"]{0,40}") {
            let mut end = 0;
            for piece in cut(&text).unwrap_or_default() {
                let (Piece::Text(range) | Piece::Value(range)) = piece;
                prop_assert!(range.start >= end && text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
