//! `promql`: one query. A value in quotes stays in them; outside it is a number, a duration or a name. Never asks
//! Prometheus.

use crate::runbook::{
    compile::{Compiler, Course},
    notes::Written,
    scope::Scope,
    slot::Slot,
    template::{NotRendered, Template},
};

/// A query with values in it.
#[derive(Debug, Clone, PartialEq)]
pub struct PromqlAct {
    query: Template,
}

impl PromqlAct {
    /// The query with its values.
    ///
    /// # Errors
    /// When a value is missing or cannot be made safe.
    pub fn render(&self, scope: &Scope) -> Result<String, NotRendered> {
        self.query.render(scope)
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> String {
        self.query.source()
    }
}

#[derive(Default)]
struct InPromql {
    quote: Option<char>,
    escaped: bool,
    comment: bool,
    /// The last characters that are no blanks, outside of quotes.
    before: [char; 2],
}

impl Course for InPromql {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match (self.quote, c) {
                (_, '\n') if self.comment => self.comment = false,
                _ if self.comment => {}
                (Some(_), _) if self.escaped => self.escaped = false,
                (Some('"' | '\''), '\\') => self.escaped = true,
                (Some(open), c) if c == open => {
                    self.quote = None;
                    self.before = [' ', c];
                }
                (Some(_), _) => {}
                (None, '"' | '\'' | '`') => self.quote = Some(c),
                (None, '#') => self.comment = true,
                (None, c) if c.is_whitespace() => {}
                (None, c) => self.before = [self.before[1], c],
            }
        }
    }

    fn value(&mut self, _: &str) -> Result<Slot, (&'static str, &'static str)> {
        if self.comment {
            return Err(("a value cannot stand in a comment", "take it out"));
        }
        if self.escaped {
            return Err(("a value cannot follow a backslash", "take the backslash out"));
        }
        match self.quote {
            Some('`') => Err(("a value cannot stand in `…`, where nothing can be escaped", "use \"…\"")),
            Some(_) => Ok(Slot::PromText { regex: matches!(self.before, ['=' | '!', '~']) }),
            None => Ok(Slot::PromBare),
        }
    }
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>) -> Option<PromqlAct> {
    let body = body.trimmed();
    let query = compiler.template(body, &mut InPromql::default(), false)?;
    let text = body.text();
    let mut course = InPromql::default();
    let mut open = Vec::new();
    for (at, c) in text.char_indices() {
        let inside = course.quote.is_some() || course.comment;
        course.text(c.encode_utf8(&mut [0; 4]));
        let closes = match c {
            _ if inside => continue,
            '(' | '[' | '{' => {
                open.push((c, at));
                continue;
            }
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => continue,
        };
        if open.pop().is_none_or(|(opened, _)| opened != closes) {
            let at = body.part(at..at + 1).at();
            compiler.notes.mistake(
                at,
                format!("this `{c}` closes nothing"),
                "check the brackets of the query",
            );
            return None;
        }
    }
    if let Some((bracket, at)) = open.pop() {
        let at = body.part(at..at + 1).at();
        compiler.notes.mistake(
            at,
            format!("this `{bracket}` is not closed"),
            "check the brackets of the query",
        );
        return None;
    }
    if course.quote.is_some() {
        compiler.notes.mistake(body.at(), "a quote of this query is not closed", "close it");
        return None;
    }
    Some(PromqlAct { query })
}
