//! `run`: one program with its arguments per line, started directly. What only a shell understands is refused, so that
//! nobody believes it does something. Never starts anything, and never splits a value into two arguments.

use super::Permitted;
use crate::{
    config::list,
    runbook::{
        compile::{Always, Compiler},
        names::Admits,
        notes::Written,
        scope::Scope,
        slot::Slot,
        template::{NotRendered, Piece, Template},
    },
};

/// Programs, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct RunAct {
    /// In the order of the block.
    pub programs: Vec<Program>,
}

/// A program and its arguments, with values in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// A listed program or a script of the folder: one word, never a path.
    pub name: String,
    arguments: Vec<Template>,
}

impl Program {
    /// Its arguments with their values: as many as are written, whatever the values hold.
    ///
    /// # Errors
    /// When a value is missing, would be taken for a flag, or cannot be an argument at all.
    pub fn render(&self, scope: &Scope) -> Result<Vec<String>, NotRendered> {
        self.arguments.iter().map(|argument| argument.render(scope)).collect()
    }

    /// As it is written.
    #[must_use]
    pub fn source(&self) -> String {
        let arguments = self.arguments.iter().map(Template::source);
        std::iter::once(self.name.clone()).chain(arguments).collect::<Vec<_>>().join(" ")
    }
}

const SCRIPT: &str = "programs are started without a shell: put it into a script of the scripts' folder";

/// What only a shell does, when this character stands outside of quotes (or in double ones, where `in_quotes`).
fn shell(c: char, in_quotes: bool) -> Option<&'static str> {
    match c {
        '$' => Some("`$` means nothing here"),
        '`' => Some("a command in backticks means nothing here"),
        '\\' => Some("a backslash means nothing here"),
        _ if in_quotes => None,
        '|' => Some("there are no pipes here"),
        '&' => Some("there is no `&` here"),
        ';' => Some("there is no `;` here"),
        '<' | '>' => Some("nothing is redirected here"),
        '*' | '?' | '[' | ']' => Some("names are not expanded here"),
        '(' | ')' => Some("there are no subshells here"),
        '#' => Some("a comment stands on a line of its own"),
        _ => None,
    }
}

/// The words of a line as they are cut.
struct Line<'c, 'w> {
    compiler: &'c Compiler<'c>,
    written: Written<'w>,
    words: Vec<Template>,
    /// Whether a word is open, and has nothing in it yet.
    open: bool,
    empty: bool,
    quote: Option<char>,
    after_dashes: bool,
}

impl Line<'_, '_> {
    fn word(&mut self) -> &mut Template {
        if !self.open {
            self.open = true;
            self.empty = true;
            self.words.push(Template::default());
        }
        if self.words.is_empty() {
            self.words.push(Template::default());
        }
        let last = self.words.len() - 1;
        // cannot fail: one was pushed above when there was none.
        self.words.get_mut(last).expect("a word")
    }

    fn end(&mut self) {
        if self.open && self.words.last().is_some_and(|word| word.literal() == Some("--")) {
            self.after_dashes = true;
        }
        self.open = false;
    }

    /// Takes a character; false when it means something to a shell alone.
    fn take(&mut self, at: usize, c: char) -> bool {
        match (self.quote, c) {
            (Some(open), c) if c == open => self.quote = None,
            (None, '"' | '\'') => {
                self.quote = Some(c);
                self.word();
            }
            (None, c) if c.is_whitespace() => self.end(),
            (quote, c) => {
                let odd = if quote == Some('\'') { None } else { shell(c, quote.is_some()) };
                let tilde = quote.is_none() && !self.open && c == '~';
                let comment = c == '#' && self.open;
                if let Some(what) = odd.filter(|_| !comment).or(tilde.then_some("`~` means nothing here")) {
                    let at = self.written.part(at..at + c.len_utf8()).at();
                    self.compiler.notes.mistake(at, what, SCRIPT);
                    return false;
                }
                self.word().push_text(c.encode_utf8(&mut [0; 4]));
                self.empty = false;
            }
        }
        true
    }
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>, permitted: &Permitted) -> Option<RunAct> {
    let lines = body.lines();
    let meant = |line: &&Written<'_>| {
        let text = line.text().trim();
        !text.is_empty() && !text.starts_with('#')
    };
    let before = compiler.notes.count();
    let programs: Vec<Option<Program>> =
        lines.iter().filter(meant).map(|line| program(line.trimmed(), compiler, permitted)).collect();
    if programs.is_empty() {
        compiler.notes.mistake(body.at(), "no program is started here", "write one program per line");
    }
    let programs: Option<Vec<Program>> = programs.into_iter().collect();
    programs.filter(|_| compiler.notes.count() == before).map(|programs| RunAct { programs })
}

fn program(written: Written<'_>, compiler: &Compiler<'_>, permitted: &Permitted) -> Option<Program> {
    let mut line = Line {
        compiler,
        written,
        words: Vec::new(),
        open: false,
        empty: true,
        quote: None,
        after_dashes: false,
    };
    for piece in compiler.pieces(written)? {
        match piece {
            Piece::Text(range) => {
                let text = written.part(range.clone()).text();
                if !text.char_indices().all(|(at, c)| line.take(range.start + at, c)) {
                    return None;
                }
            }
            Piece::Value(range) => {
                line.word();
                let slot = Slot::Word { begins: line.empty, after_dashes: line.after_dashes };
                let (value, slot) = compiler.value(written.part(range), &mut Always(slot), Admits::Handed)?;
                line.word().push_value(value, slot);
                line.empty = false;
            }
        }
    }
    if line.quote.is_some() {
        compiler.notes.mistake(
            written.at(),
            "a quote of this line is not closed",
            "close it on the same line",
        );
        return None;
    }
    let mut words = line.words.into_iter();
    let name = words.next()?;
    let first = written.text().split_whitespace().next().unwrap_or_default();
    let at = written.part(0..first.len()).at();
    let Some(name) = name.literal() else {
        compiler.notes.mistake(at, "which program is started cannot be a value", "write its name");
        return None;
    };
    if !permitted.programs.contains(name) {
        let known = permitted.programs.iter().map(String::as_str);
        let what = if name.contains('/') {
            format!("`{name}` is a path, and programs are started by their names")
        } else {
            format!("runbooks may not start `{name}`")
        };
        let remedy = format!(
            "list it in [runbook] programs, or put a script into the scripts' folder; there is {}",
            list(known.clone())
        );
        compiler.notes.unknown(at, name, what, known, remedy);
        return None;
    }
    Some(Program { name: name.to_owned(), arguments: words.collect() })
}
