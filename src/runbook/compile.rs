//! Compiles the expressions and templates of one action and proves their names. Never stops at the first mistake.

use std::cell::RefCell;

use super::{
    expression::{self, Expression, Reference},
    names::{ActKind, Admits, Names, Standpoint, Uses},
    notes::{Notes, Written},
    slot::Slot,
    template::{self, Piece, Template, Torn},
};
use crate::config::{Gravity, nearest};

/// What is needed to compile.
pub(super) struct Compiler<'a> {
    pub notes: &'a Notes<'a>,
    pub names: &'a Names,
    /// The number of the action.
    pub number: usize,
    /// What its expressions use.
    pub uses: RefCell<Uses>,
}

/// Follows a text and says where a value stands.
pub(super) trait Course {
    /// This text follows.
    fn text(&mut self, text: &str);
    /// A value follows; or why none may, and what to do.
    fn value(&mut self, expression: &str) -> Result<Slot, (&'static str, &'static str)>;
}

/// The same place everywhere.
pub(super) struct Always(pub Slot);

impl Course for Always {
    fn text(&mut self, _: &str) {}
    fn value(&mut self, _: &str) -> Result<Slot, (&'static str, &'static str)> {
        Ok(self.0)
    }
}

impl Compiler<'_> {
    /// An expression; `own`: the fields of this kind of result stand bare.
    pub fn expression(
        &self,
        written: Written<'_>,
        own: Option<ActKind>,
        admits: Admits,
    ) -> Option<Expression> {
        self.proved(written, Standpoint { number: self.number, own, admits })
    }

    fn proved(&self, written: Written<'_>, from: Standpoint) -> Option<Expression> {
        let text = written.text();
        let (expression, references, flaws) = match expression::compile(text) {
            Ok(compiled) => compiled,
            Err(flaw) => {
                let remedy = "expressions are those of minijinja: status == 200 and json.ok, not answers.ok";
                self.notes.mistake(written.part(flaw.at).trimmed().at(), flaw.what, remedy);
                return None;
            }
        };
        let before = self.notes.count();
        for flaw in flaws {
            let near = nearest(&flaw.word, flaw.known.iter().copied()).map(str::to_owned);
            let remedy = if flaw.known.is_empty() {
                "use names, operators, filters and tests".to_owned()
            } else {
                format!("there is {}", crate::config::list(flaw.known.iter().copied()))
            };
            self.notes.say(Gravity::Mistake, written.part(flaw.at).at(), flaw.what, near, remedy);
        }
        for reference in &references {
            let proof = self.names.prove(reference, from, &mut self.uses.borrow_mut());
            if let Err(unknown) = proof
                && let Some((word, at)) = reference.parts.get(unknown.part)
            {
                let known = unknown.known.iter().map(String::as_str);
                self.notes.unknown(written.part(at.clone()).at(), word, unknown.what, known, unknown.remedy);
            }
            self.as_it_is(written, reference, from.admits);
        }
        (self.notes.count() == before).then_some(expression)
    }

    /// What is made of a secret would not be found in what comes back: it leaves as it is.
    fn as_it_is(&self, written: Written<'_>, reference: &Reference, admits: Admits) {
        let leaves = matches!(admits, Admits::Handed | Admits::Sent) && self.names.is_secret(reference);
        let name = reference.parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
        if leaves && written.text().trim() != name {
            let what = format!("`{name}` is a secret, and nothing is made of one");
            self.notes.mistake(written.trimmed().at(), what, format!("write {{{{ {name} }}}} alone"));
        }
    }

    /// A text with values, whose places `course` knows. `secrets`: whether they may stand in it.
    pub fn template(&self, written: Written<'_>, course: &mut dyn Course, secrets: bool) -> Option<Template> {
        let admits = if secrets { Admits::Sent } else { Admits::Nothing };
        let mut template = Template::default();
        let mut sound = true;
        for piece in self.pieces(written)? {
            match piece {
                Piece::Text(range) => {
                    let text = written.part(range).text();
                    course.text(text);
                    template.push_text(text);
                }
                Piece::Value(range) => match self.value(written.part(range), course, admits) {
                    Some((expression, slot)) => template.push_value(expression, slot),
                    None => sound = false,
                },
            }
        }
        sound.then_some(template)
    }

    /// A value and its place.
    pub fn value(
        &self,
        inner: Written<'_>,
        course: &mut dyn Course,
        admits: Admits,
    ) -> Option<(Expression, Slot)> {
        let expression = self.proved(inner, Standpoint { number: self.number, own: None, admits });
        match course.value(inner.text().trim()) {
            Ok(slot) => Some((expression?, slot)),
            Err((what, remedy)) => {
                self.notes.mistake(inner.trimmed().at(), what, remedy);
                None
            }
        }
    }

    /// The pieces of a text, or a mistake about its braces.
    pub fn pieces(&self, written: Written<'_>) -> Option<Vec<Piece>> {
        let (at, what, remedy) = match template::cut(written.text()) {
            Ok(pieces) => return Some(pieces),
            Err(Torn::Open(at)) => (at, "this {{ is not closed", "write {{ name }}"),
            Err(Torn::Statement(at)) => (
                at,
                "a runbook has no {% statements %}",
                "write {{ a if b else c }}, or give a step of its own a `when`",
            ),
        };
        self.notes.mistake(written.part(at..at + 2).at(), what, remedy);
        None
    }

    /// A sentence in which the fields of the step's own result stand bare.
    pub fn about(&self, written: Written<'_>, kind: ActKind) -> Option<Template> {
        let from = Standpoint { number: self.number, own: Some(kind), admits: Admits::Nothing };
        let mut template = Template::default();
        let mut sound = true;
        for piece in self.pieces(written)? {
            match piece {
                Piece::Text(range) => template.push_text(written.part(range).text()),
                Piece::Value(range) => match self.proved(written.part(range), from) {
                    Some(expression) => template.push_value(expression, Slot::Plain),
                    None => sound = false,
                },
            }
        }
        sound.then_some(template)
    }

    /// A whole text in one kind of place.
    pub fn plain(&self, written: Written<'_>, slot: Slot) -> Option<Template> {
        self.template(written, &mut Always(slot), false)
    }
}
