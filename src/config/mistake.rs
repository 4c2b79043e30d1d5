//! Mistakes of a configuration and how they look: `file:line:column`, the line itself, what is wrong, the nearest
//! right word, what to do. Never shows a secret or an address: what was marked as one is replaced before.

use std::fmt::{self, Write as _};

use super::source::{Place, Source};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The configuration cannot be used.
    Mistake,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// One mistake or warning, ready to be shown; it holds no secret and no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub gravity: Gravity,
    /// The file, with its folder.
    pub file: String,
    /// From 1; 0 when it concerns the whole file.
    pub line: usize,
    /// In characters, from 1; 0 when it concerns the whole file.
    pub column: usize,
    /// What is wrong, as one sentence without a full stop.
    pub what: String,
    /// The nearest right word.
    pub nearest: Option<String>,
    /// What to do.
    pub remedy: String,
    excerpt: Option<Excerpt>,
}

/// The line as it is shown, and which of its characters are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    line: String,
    from: usize,
    length: usize,
}

/// Everything that is wrong with a configuration, in the order of its files; warnings included.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes {
    /// Mistakes and warnings by file and line.
    pub all: Vec<Mistake>,
}

impl Mistakes {
    /// How many there are of this gravity.
    #[must_use]
    pub fn count(&self, gravity: Gravity) -> usize {
        self.all.iter().filter(|mistake| mistake.gravity == gravity).count()
    }

    /// `3 mistakes, 1 warning`
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |gravity, word: &str| match self.count(gravity) {
            0 => None,
            1 => Some(format!("1 {word}")),
            more => Some(format!("{more} {word}s")),
        };
        let parts = [count(Gravity::Mistake, "mistake"), count(Gravity::Warning, "warning")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Mistakes {
    /// Plain text; `{:#}` with the colours of a terminal.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.all.iter().enumerate() {
            if index > 0 {
                out.write_char('\n')?;
            }
            fmt::Display::fmt(mistake, out)?;
        }
        Ok(())
    }
}

/// What is found while reading: a place in a source, or a whole file by its name.
#[derive(Debug, Clone)]
pub struct Finding {
    /// How bad it is.
    pub gravity: Gravity,
    /// What it is about.
    pub at: Place,
    /// What is wrong, as one sentence without a full stop.
    pub what: String,
    /// The nearest right word.
    pub nearest: Option<String>,
    /// What to do.
    pub remedy: String,
}

impl Mistake {
    /// A mistake about a file or folder that could not be read at all.
    #[must_use]
    pub fn of_file(file: String, what: String, remedy: String) -> Self {
        let gravity = Gravity::Mistake;
        Self { gravity, file, line: 0, column: 0, what, nearest: None, remedy, excerpt: None }
    }

    /// A mistake at the same place: what stands there was looked at again, by whoever knows more.
    #[must_use]
    pub fn saying(&self, what: String, nearest: Option<String>, remedy: String) -> Self {
        let harmless = |text: String| text.replace(char::is_control, "·");
        let (what, remedy, nearest) = (harmless(what), harmless(remedy), nearest.map(harmless));
        Self { what, nearest, remedy, ..self.clone() }
    }

    /// Makes a finding fit to be shown; what `masks` cover is not copied.
    #[must_use]
    pub fn shown(finding: Finding, source: &Source, masks: &[Place]) -> Self {
        let Finding { gravity, at, what, nearest, remedy } = finding;
        let from = source.floor(at.from);
        let (line, start, end) = source.line(from);
        let column = source.at(start, from).chars().count() + 1;
        let excerpt = Some(Excerpt::cut(source, at, (start, end), masks));
        // Values that are quoted in sentences may hold anything; a terminal must not obey it.
        let harmless = |text: String| text.replace(char::is_control, "·");
        let (what, remedy, nearest) = (harmless(what), harmless(remedy), nearest.map(harmless));
        Self { gravity, file: source.shown.clone(), line, column, what, nearest, remedy, excerpt }
    }
}

/// At most this many characters of a line are shown.
const WIDTH: usize = 120;

impl Excerpt {
    fn cut(source: &Source, at: Place, (start, end): (usize, usize), masks: &[Place]) -> Self {
        let mut shown: Vec<char> = Vec::new();
        let (mut from, mut until, mut inside) = (None, None, false);
        for (offset, letter) in source.at(start, end).char_indices() {
            let byte = start + offset;
            if byte >= at.from && from.is_none() {
                from = Some(shown.len());
            }
            if byte >= at.to.max(at.from + 1) && until.is_none() {
                until = Some(shown.len());
            }
            let masked =
                masks.iter().any(|mask| mask.file == at.file && (mask.from..mask.to).contains(&byte));
            match (masked, inside) {
                (true, false) => shown.extend(['•', '•', '•']),
                (true, true) => {}
                (false, _) => shown.push(if letter.is_control() { ' ' } else { letter }),
            }
            inside = masked;
        }
        let from = from.unwrap_or(shown.len());
        let length = until.unwrap_or(shown.len()).saturating_sub(from).max(1);
        // A long line is shown around what is meant.
        let skip = if shown.len() > WIDTH { from.saturating_sub(WIDTH / 3) } else { 0 };
        let mut line: String = shown.iter().skip(skip).take(WIDTH).collect();
        if shown.len() > skip + WIDTH {
            line.push('…');
        }
        let (line, from) = if skip > 0 { (format!("…{line}"), from - skip + 1) } else { (line, from) };
        let room = (WIDTH + 1).saturating_sub(from).max(1);
        Self { line: line.trim_end().to_owned(), from, length: length.min(room) }
    }
}

impl fmt::Display for Mistake {
    /// Plain text; `{:#}` with the colours of a terminal.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paint = |code: &'static str| if out.alternate() { code } else { "" };
        let (bold, dim, off) = (paint("\x1b[1m"), paint("\x1b[2m"), paint("\x1b[0m"));
        let (word, tint) = match self.gravity {
            Gravity::Mistake => ("mistake", paint("\x1b[31;1m")),
            Gravity::Warning => ("warning", paint("\x1b[33;1m")),
        };
        out.write_str(bold)?;
        out.write_str(&self.file)?;
        if self.line > 0 {
            write!(out, ":{}:{}", self.line, self.column)?;
        }
        writeln!(out, "{off}: {tint}{word}:{off} {bold}{}{off}", self.what)?;
        let number = self.line.to_string();
        let gutter = number.len();
        let pipe = format!("{dim}|{off}");
        if let Some(Excerpt { line, from, length }) = &self.excerpt {
            writeln!(out, " {dim}{number}{off} {pipe} {line}")?;
            let carets = "^".repeat(*length);
            write!(out, " {:gutter$} {pipe} {:from$}{tint}{carets}{off}", "", "")?;
            match &self.nearest {
                Some(nearest) => writeln!(out, " {tint}did you mean `{nearest}`?{off}")?,
                None => writeln!(out)?,
            }
        }
        if self.remedy.is_empty() {
            Ok(())
        } else {
            writeln!(out, " {:gutter$} {dim}={off} {}", "", self.remedy)
        }
    }
}
