//! `chat`: another command of the bot, run as the same person. A value is one word of it, or stands in double quotes;
//! it is never part of the command's path and never a flag. Never runs the command.

use crate::runbook::{
    compile::{Always, Compiler},
    names::Admits,
    notes::Written,
    scope::Scope,
    slot::Slot,
    template::{NotRendered, Piece, Template},
};

/// A command with values in it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatAct {
    line: Template,
}

impl ChatAct {
    /// The command with its values.
    ///
    /// # Errors
    /// When a value is missing or cannot be made safe.
    pub fn render(&self, scope: &Scope) -> Result<String, NotRendered> {
        self.line.render(scope)
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> String {
        self.line.source()
    }
}

/// The words before the first value and the first flag: the path is among them.
pub(in crate::runbook) fn begins(line: &str) -> Vec<String> {
    let literal = line.split("{{").next().unwrap_or_default();
    let words = literal.trim().trim_start_matches('/').split_whitespace();
    words.take_while(|word| !word.starts_with(['-', '"'])).map(str::to_lowercase).collect()
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>) -> Option<ChatAct> {
    let lines = body.lines();
    let mut meant = lines.iter().map(Written::trimmed).filter(|line| !line.text().is_empty());
    let line = meant.next()?;
    if let Some(more) = meant.next() {
        compiler.notes.mistake(
            more.at(),
            "a chat block is one command",
            "give the other one a block of its own",
        );
        return None;
    }
    if !line.text().starts_with('/') {
        compiler.notes.mistake(line.at(), "a command begins with /", format!("write /{}", line.text()));
        return None;
    }
    let mut template = Template::default();
    let (mut quoted, mut before, mut after_value) = (false, ' ', false);
    let mut flag = false;
    for piece in compiler.pieces(line)? {
        match piece {
            Piece::Text(range) => {
                let text = line.part(range.clone()).text();
                for (at, c) in text.char_indices() {
                    let starts = before.is_whitespace() || (flag && before == '=');
                    if after_value && !quoted && !c.is_whitespace() {
                        return joined(line, range.start + at, c, compiler);
                    }
                    after_value = false;
                    match c {
                        // Only a blank after it makes it the end for whoever cuts the words.
                        '"' if quoted => (quoted, after_value) = (false, true),
                        '"' if starts => quoted = true,
                        '\'' | '“' | '„' | '”' | '«' | '‘' | '‚' if starts && !quoted => {
                            let at = line.part(range.start + at..range.start + at + c.len_utf8()).at();
                            compiler.notes.mistake(at, "words stand in double quotes here", "write \"…\"");
                            return None;
                        }
                        '“' | '”' if quoted => {
                            let at = line.part(range.start + at..range.start + at + c.len_utf8()).at();
                            compiler.notes.mistake(at, "this would end the quotes", "leave it out");
                            return None;
                        }
                        '-' if before.is_whitespace() && !quoted => flag = true,
                        c if c.is_whitespace() && !quoted => flag = false,
                        _ => {}
                    }
                    before = c;
                }
                template.push_text(text);
            }
            Piece::Value(range) => {
                let starts = before.is_whitespace() || (flag && before == '=');
                if !quoted && (!starts || after_value) {
                    return joined(line, range.start, ' ', compiler);
                }
                let slot = if quoted { Slot::ChatText } else { Slot::ChatWord };
                let (value, slot) = compiler.value(line.part(range), &mut Always(slot), Admits::Nothing)?;
                template.push_value(value, slot);
                (after_value, before) = (true, 'x');
            }
        }
    }
    if quoted {
        compiler.notes.mistake(line.at(), "a quote of this command is not closed", "close it");
        return None;
    }
    Some(ChatAct { line: template })
}

/// A value that is a part of a word: where it ends would depend on what it holds.
fn joined(line: Written<'_>, at: usize, c: char, compiler: &Compiler<'_>) -> Option<ChatAct> {
    let at = line.part(at..at + c.len_utf8()).at();
    let what = "a value is a word of its own in a command";
    compiler.notes.mistake(
        at,
        what,
        "put blanks around it, or all of it in double quotes: \"INC-{{ number }}\"",
    );
    None
}
