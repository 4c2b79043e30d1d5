//! Turns what somebody wrote into a command with typed values, or says exactly what is wrong. Pure: never asks the
//! engine, never panics, whatever the text.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    meant::{self, Slip},
    nearest::nearest,
    read::{self, Ground, Value},
    registry::{Entry, Registry},
    spec::{Argument, CommandSpec, Flag, Kind},
    words::{self, Word},
};
use crate::text::usage::{Problem, Suggestion};

/// How many characters a command may have.
pub const LONGEST: usize = 4_000;

/// A command that was understood.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Which.
    pub spec: Arc<CommandSpec>,
    /// What it was told, by name; flags too.
    pub values: BTreeMap<String, Value>,
    /// Everything after the path, as it was written.
    pub tail: String,
}

/// Why a text is no command.
#[derive(Debug, Clone, PartialEq)]
pub enum Wrong {
    /// Nothing was said.
    Empty,
    /// More than [`LONGEST`].
    TooLong {
        /// Its characters.
        length: usize,
    },
    /// No command is called that.
    Unknown {
        /// What was written.
        written: String,
        /// What it may have been, the likeliest first.
        nearest: Vec<Suggestion>,
    },
    /// The beginning of several commands.
    Incomplete {
        /// What was written.
        group: String,
        /// How it may go on.
        commands: Vec<Arc<CommandSpec>>,
    },
    /// `--help` was asked for.
    HelpWanted(Arc<CommandSpec>),
    /// `--ask`: somebody wants to be asked for what the command needs.
    Asked {
        /// Which.
        spec: Arc<CommandSpec>,
        /// What was written after it.
        tail: Box<str>,
    },
    /// The command is known, what it was told is not enough or not right.
    Usage {
        /// Which.
        spec: Arc<CommandSpec>,
        /// What is wrong.
        problem: Problem,
        /// What was written after it.
        tail: Box<str>,
    },
}

/// What was written into the places of a form's command, by name.
pub type Places = BTreeMap<String, String>;

/// Understands a text.
///
/// # Errors
/// With everything that is needed to say what is wrong and what to write instead.
pub fn parse(registry: &Registry, ground: Ground<'_>, text: &str) -> Result<Parsed, Wrong> {
    parse_form(registry, ground, text, &Places::new())
}

/// Understands a form's command: `{name}` in it stands for what was written into the place of that name. Each is one
/// argument, whatever it contains, and an empty one is absent.
///
/// # Errors
/// With everything that is needed to say what is wrong and what to write instead.
pub fn parse_form(
    registry: &Registry,
    ground: Ground<'_>,
    text: &str,
    places: &Places,
) -> Result<Parsed, Wrong> {
    let length = text.chars().count() + places.values().map(|value| value.chars().count()).sum::<usize>();
    if length > LONGEST {
        return Err(Wrong::TooLong { length });
    }
    let whole = text.trim();
    let text = bare(whole, registry);
    let words = words::split(text);
    if words.is_empty() || text.eq_ignore_ascii_case("watchbell") {
        return Err(Wrong::Empty);
    }
    let path = path_words(&words);
    let Some((entry, taken)) = registry.find(&path) else {
        let mut wrong = no_command(registry, text, &words, &path);
        if let Wrong::Unknown { written, .. } = &mut wrong
            && strip_word(whole.trim_start_matches('/'), "watchbell").is_some_and(|rest| !rest.is_empty())
        {
            // As they wrote it: `/watchbell reload` is not about a command `/reload`.
            *written = format!("/watchbell {}", written.trim_start_matches('/'));
        }
        return Err(wrong);
    };
    let spec = Arc::clone(&entry.spec);
    let rest = words.get(taken..).unwrap_or_default();
    let from = |at: usize| {
        let start = rest.get(at).and_then(|word| text.get(word.start..)).unwrap_or_default();
        filled(start.trim_end(), places)
    };
    match rest.first().filter(|word| !word.quoted).map(|word| word.text.as_str()) {
        Some("--help" | "—help") => return Err(Wrong::HelpWanted(spec)),
        Some("--ask" | "—ask") => return Err(Wrong::Asked { spec, tail: from(1).into() }),
        _ => {}
    }
    let tail = from(0);
    match fill(&spec, ground, text, rest, places) {
        Ok(values) => Ok(Parsed { spec, values, tail }),
        Err(problem) => Err(Wrong::Usage { spec, problem, tail: tail.into() }),
    }
}

/// The command that a text begins with, whatever it is told.
#[must_use]
pub fn entry<'a>(registry: &'a Registry, text: &str) -> Option<&'a Entry> {
    let begin: String = text.chars().take(LONGEST).collect();
    registry.find(&path_words(&words::split(bare(&begin, registry)))).map(|(entry, _)| entry)
}

/// A form's command as somebody would have written it, near enough to be shown or repeated.
fn filled(command: &str, places: &Places) -> String {
    let mut text = String::new();
    let mut rest = command;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((places.get(name)?, after))) {
            Some((value, after)) => {
                text.push_str(value.trim());
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text.trim_end().to_owned()
}

/// The text without what only says that the bot is meant: `@watchbell`, `/watchbell`, `/`.
pub(super) fn bare<'a>(text: &'a str, registry: &Registry) -> &'a str {
    let mut text = text.trim();
    text = strip_word(text, "@watchbell").unwrap_or(text);
    text = text.strip_prefix('/').unwrap_or(text).trim_start();
    let Some(rest) = strip_word(text, "watchbell") else { return text };
    // `/watchbell version` is a command of its own, `/watchbell incident open …` is `/incident open …`.
    let own = registry.find(&path_words(&words::split(text))).is_some();
    if own || rest.is_empty() { text } else { rest.strip_prefix('/').unwrap_or(rest).trim_start() }
}

/// What follows a word, in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ':' || c == ',');
    (head.eq_ignore_ascii_case(word) && ends).then(|| rest.trim_start_matches([':', ',']).trim_start())
}

/// The words that may belong to a path, in lower case.
pub(super) fn path_words(words: &[Word]) -> Vec<String> {
    words.iter().take_while(|word| !word.quoted).map(|word| word.text.to_lowercase()).collect()
}

fn no_command(registry: &Registry, text: &str, words: &[Word], path: &[String]) -> Wrong {
    let commands: Vec<_> = registry.under(path).map(Arc::clone).collect();
    if !commands.is_empty() && path.len() == words.len() {
        return Wrong::Incomplete { group: format!("/{}", path.join(" ")), commands };
    }
    // As many words as belong to the beginning of a command, and the one that does not.
    let known = (1..=path.len()).take_while(|count| starts_some(registry, path, *count)).count();
    let shown = words.iter().take(known + 1).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Wrong::Unknown { written: format!("/{shown}"), nearest: meant::suggestions(registry, text, words, path) }
}

fn starts_some(registry: &Registry, path: &[String], count: usize) -> bool {
    path.get(..count).is_some_and(|begin| registry.under(begin).next().is_some())
}

/// Fills the arguments of a command from the words after its path.
fn fill(
    spec: &CommandSpec,
    ground: Ground<'_>,
    text: &str,
    words: &[Word],
    places: &Places,
) -> Result<BTreeMap<String, Value>, Problem> {
    let is_place = |word: &Word| {
        !word.quoted && place_of(spec, &word.text).is_some_and(|a| places.contains_key(&*a.name))
    };
    let named: Vec<&str> =
        words.iter().filter(|word| is_place(word)).map(|word| word.text.as_str()).collect();
    let words: Vec<Word> = words.iter().filter(|word| !is_place(word)).cloned().collect();
    let mut filling = Filling { spec, ground, words: &words, at: 0, values: BTreeMap::new(), optional: None };
    for (index, argument) in spec.arguments.iter().enumerate() {
        filling.flags()?;
        let is_named =
            named.iter().any(|word| place_of(spec, word).is_some_and(|of| of.name == argument.name));
        match places.get(&*argument.name).filter(|_| is_named) {
            Some(written) => filling.place(argument, written)?,
            None => filling.argument(argument, spec.arguments.get(index + 1), text)?,
        }
    }
    filling.flags()?;
    if let Some(word) = filling.next() {
        if let Some(flag) = words::flag(&word.text).filter(|_| !word.quoted) {
            return Err(unknown_flag(spec, flag));
        }
        let rest = text.get(word.start..).unwrap_or_default().trim_end().to_owned();
        return Err(Problem::TooMuch { rest });
    }
    filling.defaults()?;
    Ok(filling.values)
}

/// The argument whose place this word is: `{text}`.
fn place_of<'a>(spec: &'a CommandSpec, word: &str) -> Option<&'a Argument> {
    let name = word.strip_prefix('{')?.strip_suffix('}')?;
    spec.arguments.iter().find(|argument| argument.name == name)
}

struct Filling<'a> {
    spec: &'a CommandSpec,
    ground: Ground<'a>,
    words: &'a [Word],
    at: usize,
    values: BTreeMap<String, Value>,
    /// The optional argument that was read last, if nothing was read since: its name, its first word, and the anchor
    /// before it.
    optional: Option<(&'a str, usize, Timestamp)>,
}

impl<'a> Filling<'a> {
    fn next(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn keep(&mut self, name: &str, value: Value) {
        if let Value::Time(at) = value {
            self.ground.anchor = at;
        }
        self.values.insert(name.to_owned(), value);
    }

    /// What was written into an argument's place in a form.
    fn place(&mut self, argument: &Argument, written: &str) -> Result<(), Problem> {
        let written = written.trim();
        if written.is_empty() {
            return if argument.required { Err(missing(argument)) } else { Ok(()) };
        }
        let value = match argument.kind {
            Kind::Text => Value::Text(written.to_owned()),
            _ => read::read(&argument.name, &argument.kind, &[word(written)], self.ground)?.0,
        };
        self.optional = None;
        self.keep(&argument.name, value);
        Ok(())
    }

    fn argument(
        &mut self,
        argument: &'a Argument,
        next: Option<&Argument>,
        text: &str,
    ) -> Result<(), Problem> {
        let rest = self.words.get(self.at..).unwrap_or_default();
        let Some(first) = rest.first() else {
            return if argument.required && !self.take_back(argument) {
                Err(missing(argument))
            } else {
                Ok(())
            };
        };
        if argument.kind == Kind::Text {
            // The text is kept as it was written, blanks and line breaks included; quotes around all of it go.
            let flags_follow = rest.get(1).is_some_and(|next| self.is_flag(next));
            if first.quoted && flags_follow && !first.text.trim().is_empty() {
                // A text in quotes ends with them, and flags may follow it.
                let written = first.text.clone();
                self.at += 1;
                self.keep(&argument.name, Value::Text(written));
                return Ok(());
            }
            let written = match rest {
                [only] if only.quoted => only.text.as_str(),
                _ => text.get(first.start..).unwrap_or_default().trim_end(),
            };
            self.at = self.words.len();
            if written.trim().is_empty() {
                return if argument.required { Err(missing(argument)) } else { Ok(()) };
            }
            self.keep(&argument.name, Value::Text(written.to_owned()));
            return Ok(());
        }
        let may_be_absent = !argument.required && next.is_some();
        if may_be_absent && (first.quoted || self.begins_a_text(argument, next, rest)) {
            // Words in quotes belong to a text.
            return Ok(());
        }
        match read::read(&argument.name, &argument.kind, rest, self.ground) {
            Ok((value, used)) => {
                self.optional =
                    (!argument.required).then_some((&*argument.name, self.at, self.ground.anchor));
                self.at += used;
                self.keep(&argument.name, value);
                Ok(())
            }
            // A slip is a slip: `mitigatd` is not taken for the beginning of a text.
            Err(problem @ Problem::NotRead { nearest: Some(_), .. }) => Err(problem),
            Err(problem) if may_be_absent && argument.kind == Kind::Incident => {
                slipped(problem, rest, next.is_some_and(|next| !next.required))
            }
            // It was left out, and the word belongs to an argument that follows.
            Err(_) if may_be_absent => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// Whether a word is one of the command's flags.
    fn is_flag(&self, word: &Word) -> bool {
        let written = words::flag(&word.text).filter(|_| !word.quoted);
        let name = written.map(|written| written.split('=').next().unwrap_or_default().to_lowercase());
        name.is_some_and(|name| self.spec.flags.iter().any(|flag| flag.name == *name))
    }

    /// Whether a bare number is the beginning of a text and no incident: `/incident resolve 2 disks replaced` must not
    /// resolve INC-2. With its prefix, alone, or before a word that fits what follows, it is one.
    fn begins_a_text(&self, argument: &Argument, next: Option<&Argument>, rest: &[Word]) -> bool {
        let bare = rest.first().is_some_and(|word| word.text.bytes().all(|byte| byte.is_ascii_digit()));
        let following = rest.get(1..).unwrap_or_default();
        let takes_text = self.spec.arguments.iter().any(|argument| argument.kind == Kind::Text);
        argument.kind == Kind::Incident
            && bare
            && !following.is_empty()
            && takes_text
            && next.is_none_or(|next| {
                next.kind == Kind::Text
                    || match read::read(&next.name, &next.kind, following, self.ground) {
                        // A slip of what follows is no text either.
                        Ok(_) | Err(Problem::NotRead { nearest: Some(_), .. }) => false,
                        Err(_) => true,
                    }
            })
    }

    /// Nothing is left for an argument that must be there: what the optional one before it took was meant for it, if it
    /// fits (`/oncall override primary ben 18:00` says until when). A text never takes an incident for its words.
    fn take_back(&mut self, argument: &Argument) -> bool {
        let Some((name, first, anchor)) = self.optional.filter(|_| argument.kind != Kind::Text) else {
            return false;
        };
        let words = self.words.get(first..).unwrap_or_default();
        let ground = Ground { anchor, ..self.ground };
        match read::read(&argument.name, &argument.kind, words, ground) {
            Ok((value, used)) if used == words.len() => {
                self.values.remove(name);
                self.ground = ground;
                self.keep(&argument.name, value);
                true
            }
            _ => false,
        }
    }

    /// Takes the flags that stand here; without flags of its own a command takes dashes for words.
    fn flags(&mut self) -> Result<(), Problem> {
        while let Some(word) = self.next() {
            let Some(written) =
                words::flag(&word.text).filter(|_| !word.quoted && !self.spec.flags.is_empty())
            else {
                return Ok(());
            };
            let (name, value) = match written.split_once('=') {
                Some((name, value)) => (name.to_lowercase(), Some(value.to_owned())),
                None => (written.to_lowercase(), None),
            };
            let Some(flag) = self.spec.flags.iter().find(|flag| flag.name == name) else {
                return Err(unknown_flag(self.spec, &name));
            };
            if self.values.contains_key(&*flag.name) {
                return Err(Problem::FlagTwice { flag: name });
            }
            self.at += 1;
            self.flag(flag, value)?;
        }
        Ok(())
    }

    fn flag(&mut self, flag: &Flag, value: Option<String>) -> Result<(), Problem> {
        let Some(kind) = &flag.kind else {
            if value.is_some() {
                return Err(Problem::FlagTakesNone { flag: flag.name.to_string() });
            }
            self.keep(&flag.name, Value::Given);
            return Ok(());
        };
        let missing =
            || Problem::FlagWithoutValue { flag: flag.name.to_string(), about: flag.about.to_string() };
        let (value, used) = match value {
            Some(value) if value.is_empty() => return Err(missing()),
            Some(value) => (read::read(&flag.name, kind, &[word(&value)], self.ground)?.0, 0),
            None => {
                let rest = self.words.get(self.at..).unwrap_or_default();
                if rest.first().is_none_or(|next| !next.quoted && words::flag(&next.text).is_some()) {
                    return Err(missing());
                }
                read::read(&flag.name, kind, rest, self.ground)?
            }
        };
        self.at += used;
        self.keep(&flag.name, value);
        Ok(())
    }

    /// What was not said and has a default.
    fn defaults(&mut self) -> Result<(), Problem> {
        let spec = self.spec;
        let arguments = spec.arguments.iter().map(|a| (&a.name, Some(&a.kind), &a.default));
        let flags = spec.flags.iter().map(|f| (&f.name, f.kind.as_ref(), &f.default));
        for (name, kind, default) in arguments.chain(flags) {
            if let (Some(kind), Some(default), false) = (kind, default, self.values.contains_key(&**name)) {
                let (value, _) = read::read(name, kind, &[word(default)], self.ground)?;
                self.keep(name, value);
            }
        }
        Ok(())
    }
}

/// `INC7` is not taken for the beginning of a text: something else would be resolved by it.
fn slipped(problem: Problem, rest: &[Word], may_be_bare: bool) -> Result<(), Problem> {
    match (meant::incident(rest, may_be_bare), problem) {
        (None, _) => Ok(()),
        (Some(Slip::Incident(meant)), Problem::NotRead { name, written, expected, .. }) => {
            Err(Problem::NotRead { name, written, expected, nearest: Some(meant) })
        }
        (Some(_), problem) => Err(problem),
    }
}

fn word(text: &str) -> Word {
    Word { text: text.to_owned(), start: 0, end: text.len(), quoted: true }
}

fn missing(argument: &Argument) -> Problem {
    Problem::Missing { name: argument.placeholder(), about: argument.about.to_string() }
}

fn unknown_flag(spec: &CommandSpec, written: &str) -> Problem {
    let name = written.split('=').next().unwrap_or_default();
    let nearest = nearest(name, spec.flags.iter().map(|flag| &*flag.name)).map(str::to_owned);
    let known = spec.flags.iter().map(|flag| flag.name.to_string()).collect();
    Problem::UnknownFlag { written: name.to_owned(), nearest, known }
}
