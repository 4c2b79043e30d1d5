//! JSON with values in it: in quotes they are text, outside they are JSON of their own. Never lets a value change the
//! shape of what is written around it.

use crate::runbook::{
    compile::{Compiler, Course},
    notes::Written,
    slot::Slot,
    template::{Piece, Template},
};

#[derive(Default)]
struct InJson {
    quoted: bool,
    escaped: bool,
}

impl Course for InJson {
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' if self.quoted => self.escaped = true,
                '"' => self.quoted = !self.quoted,
                _ => {}
            }
        }
    }

    fn value(&mut self, _: &str) -> Result<Slot, (&'static str, &'static str)> {
        if self.escaped {
            return Err(("a value cannot follow a backslash", "take the backslash out"));
        }
        Ok(if self.quoted { Slot::JsonText } else { Slot::JsonValue })
    }
}

/// Whether a text is meant as JSON.
pub(super) fn is_meant(text: &str) -> bool {
    let text = text.trim_start();
    // `{{ value }}` alone is no object.
    (text.starts_with('{') && !text.starts_with("{{")) || text.starts_with('[')
}

/// Reads it and proves that it is JSON, whatever the values are.
pub(super) fn read(written: Written<'_>, compiler: &Compiler<'_>, secrets: bool) -> Option<Template> {
    let template = compiler.template(written, &mut InJson::default(), secrets)?;
    let mut course = InJson::default();
    // What is checked, and where each of its bytes stands.
    let (mut sample, mut origins) = (String::new(), Vec::new());
    for piece in compiler.pieces(written)? {
        match piece {
            Piece::Text(range) => {
                let text = written.part(range.clone()).text();
                course.text(text);
                origins.push((sample.len(), range.start));
                sample.push_str(text);
            }
            Piece::Value(range) => {
                let inner = written.part(range.clone()).text();
                origins.push((sample.len(), range.start + inner.len() - inner.trim_start().len()));
                sample.push(if course.quoted { 'x' } else { '0' });
            }
        }
    }
    let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&sample) else { return Some(template) };
    let line = error.line().saturating_sub(1);
    let start: usize = sample.split_inclusive('\n').take(line).map(str::len).sum();
    let byte = start + error.column().saturating_sub(1);
    let run = origins.partition_point(|(here, _)| *here <= byte).saturating_sub(1);
    let at = origins.get(run).map_or(0, |(here, there)| there + byte.saturating_sub(*here));
    let said = error.to_string();
    let why = said.split(" at line ").next().unwrap_or_default();
    let at = written.part(at..at + 1).at();
    compiler.notes.mistake(
        at,
        format!("this is no JSON: {why}"),
        "a value in quotes is text, outside it is JSON",
    );
    None
}
