//! What is said when a command was not understood: what is missing or wrong, how it is written, an example.
//! Never shows more of a long input than is needed to recognise it.

use jiff::tz::TimeZone;

use super::{
    card::{Button, Card, Tone},
    plain::plain,
};

/// What stands where a secret stood.
pub const COVERED: &str = "•••";

/// What is wrong with what a command was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Something that must be there is not.
    Missing {
        /// As it stands in the usage line.
        name: String,
        /// What it is for.
        about: String,
    },
    /// A word is not what is expected there.
    NotRead {
        /// The argument.
        name: String,
        /// The word.
        written: String,
        /// What is expected (see [`expected`]).
        expected: String,
        /// The nearest right word.
        nearest: Option<String>,
    },
    /// Nothing in the configuration is called that.
    UnknownName {
        /// `person`, `schedule`, `severity` …
        what: &'static str,
        /// The word.
        written: String,
        /// The nearest name.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// Several things are called that.
    Ambiguous {
        /// The word.
        written: String,
        /// How each of them is written.
        could_be: Vec<String>,
    },
    /// `me`, said by somebody who is no person of the configuration.
    NobodyIsMe,
    /// Something is left over.
    TooMuch {
        /// What.
        rest: String,
    },
    /// The command has no such flag.
    UnknownFlag {
        /// Without dashes.
        written: String,
        /// The nearest one.
        nearest: Option<String>,
        /// All that it has.
        known: Vec<String>,
    },
    /// A flag stands there twice.
    FlagTwice {
        /// Without dashes.
        flag: String,
    },
    /// A flag needs a value.
    FlagWithoutValue {
        /// Without dashes.
        flag: String,
        /// What it is for.
        about: String,
    },
    /// A flag takes no value.
    FlagTakesNone {
        /// Without dashes.
        flag: String,
    },
}

impl Problem {
    /// The same without the words that were written: one of them may be a secret.
    #[must_use]
    pub fn covered(&self) -> Self {
        let mut covered = self.clone();
        match &mut covered {
            Self::NotRead { written, nearest, .. }
            | Self::UnknownName { written, nearest, .. }
            | Self::UnknownFlag { written, nearest, .. } => {
                COVERED.clone_into(written);
                *nearest = None;
            }
            Self::Ambiguous { written, could_be } => {
                COVERED.clone_into(written);
                could_be.clear();
            }
            Self::TooMuch { rest } => COVERED.clone_into(rest),
            Self::Missing { .. }
            | Self::NobodyIsMe
            | Self::FlagTwice { .. }
            | Self::FlagWithoutValue { .. }
            | Self::FlagTakesNone { .. } => {}
        }
        covered
    }
}

/// A command that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Its path: `/incident open`.
    pub name: String,
    /// The command with what was written after it.
    pub command: String,
}

/// Names of what is expected somewhere.
pub mod expected {
    use jiff::tz::TimeZone;

    /// An id.
    #[must_use]
    pub fn id(what: &str, example: &str) -> String {
        format!("{what}, such as {example}")
    }
    /// Something that can be acknowledged.
    #[must_use]
    pub fn target() -> String {
        "a group (G-17), an incident (INC-42), an alert (A-5) or a page (PG-3)".to_owned()
    }
    /// An instant.
    #[must_use]
    pub fn time(zone: &TimeZone) -> String {
        format!(
            "a time: now, 14:00, tomorrow 09:00, mon 09:00, 2026-03-29 02:30 (all in {}), +2h or 2026-03-29T02:30:00Z",
            super::zone_name(zone)
        )
    }
    /// An instant or a duration.
    #[must_use]
    pub fn until(zone: &TimeZone) -> String {
        format!("a duration (8h, 2d) or {}", time(zone))
    }
    /// An instant that is over.
    #[must_use]
    pub fn past(zone: &TimeZone) -> String {
        format!(
            "a time that is over: 40m (so long ago), 14:00 (the last one), yesterday 14:00, 2026-03-29 02:30 (all in {}) or 2026-03-29T02:30:00Z",
            super::zone_name(zone)
        )
    }
    /// A duration.
    #[must_use]
    pub fn duration() -> String {
        "a duration: 90s, 2m, 1h30m or 7d".to_owned()
    }
    /// Conditions on labels.
    #[must_use]
    pub fn matchers() -> String {
        "conditions such as service=qflow severity=~\"warning|info\"".to_owned()
    }
    /// A number.
    #[must_use]
    pub fn number(least: u64, most: u64) -> String {
        format!("a whole number from {least} to {most}")
    }
    /// Any word.
    #[must_use]
    pub fn word() -> String {
        "a word".to_owned()
    }
    /// One of a few words.
    #[must_use]
    pub fn one_of(words: &[String]) -> String {
        format!("one of {}", words.join(", "))
    }
}

/// What a zone is called.
#[must_use]
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("your time zone")
}

/// The problem as a sentence or two.
#[must_use]
pub fn sentence(problem: &Problem) -> String {
    match problem {
        Problem::Missing { name, about } => {
            format!("{} is missing: {about}.", name.trim_matches(['[', ']', '…']))
        }
        Problem::NotRead { name, written, expected, nearest } => {
            format!(
                "`{}` does not fit {}: expected {expected}.{}",
                short(written),
                name.to_uppercase(),
                mean(nearest.as_deref())
            )
        }
        Problem::UnknownName { what, written, nearest, known } => {
            format!(
                "No {what} is called `{}`.{}",
                short(written),
                mean_or_known(nearest.as_deref(), known, "")
            )
        }
        Problem::Ambiguous { written, could_be } if could_be.is_empty() => {
            format!("`{}` may be several.", short(written))
        }
        Problem::Ambiguous { written, could_be } => {
            format!("`{}` may be several: write {}.", short(written), could_be.join(" or "))
        }
        Problem::NobodyIsMe => "`me` is nobody here: you are the local operator. Name a person.".to_owned(),
        Problem::TooMuch { rest } => format!("`{}` is too much. Put several words into quotes.", short(rest)),
        Problem::UnknownFlag { written, nearest, known } => {
            let rest = if known.is_empty() {
                " This command has no flags.".to_owned()
            } else {
                mean_or_known(nearest.as_deref(), known, "--")
            };
            format!("There is no flag `--{}`.{rest}", short(written))
        }
        Problem::FlagTwice { flag } => format!("`--{flag}` is there twice."),
        Problem::FlagWithoutValue { flag, about } => format!("`--{flag}` needs a value: {about}."),
        Problem::FlagTakesNone { flag } => format!("`--{flag}` takes no value."),
    }
}

fn mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!(" Did you mean `{nearest}`?"))
}

fn mean_or_known(nearest: Option<&str>, known: &[String], dashes: &str) -> String {
    if let Some(nearest) = nearest {
        return format!(" Did you mean `{dashes}{nearest}`?");
    }
    if known.is_empty() {
        return " None is configured.".to_owned();
    }
    let shown: Vec<String> = known.iter().take(10).map(|name| format!("{dashes}{name}")).collect();
    let more = known.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" There are: {}{more}.", shown.join(", "))
}

/// What was written, as much as is needed to recognise it, harmless to show.
#[must_use]
pub fn short(written: &str) -> String {
    const MOST: usize = 61;
    plain(written, MOST)
}

/// A command that was told too little, too much or something wrong.
#[must_use]
pub fn wrong(usage: &str, examples: &[&str], problem: &Problem) -> Card {
    let mut text = sentence(problem);
    if let Some(example) = examples.first() {
        text = format!("{text}\nExample: {example}");
    }
    text.push_str("\nNothing was changed.");
    Card { title: format!("Usage: {usage}"), tone: Tone::Warning, text, ..Card::default() }
}

/// Somebody wants to be asked, where nobody can ask them.
#[must_use]
pub fn asked(usage: &str, summary: &str) -> Card {
    let text = format!("{summary}\nNothing was changed yet.");
    Card { title: format!("Usage: {usage}"), text, ..Card::default() }
}

/// The button that asks for what a command needs.
#[must_use]
pub fn fill_in(command: &str) -> Button {
    Button::new("Fill in…", command)
}

/// No command is called that.
#[must_use]
pub fn unknown(written: &str, nearest: &[Suggestion]) -> Card {
    let names: Vec<&str> = nearest.iter().map(|suggestion| suggestion.name.as_str()).collect();
    let mean = match names.as_slice() {
        [] => String::new(),
        [only] => format!(", did you mean {only}?"),
        [others @ .., last] => format!(", did you mean {} or {last}?", others.join(", ")),
    };
    let stop = if mean.is_empty() { "." } else { "" };
    Card {
        title: format!("Unknown command {}{mean}{stop}", short(written)),
        tone: Tone::Warning,
        text: "Nothing was changed. /help lists all commands.".to_owned(),
        buttons: nearest
            .iter()
            .map(|suggestion| Button::new(suggestion.name.clone(), suggestion.command.clone()))
            .collect(),
        ..Card::default()
    }
}

/// A text that is too long.
#[must_use]
pub fn too_long(length: usize, most: usize) -> Card {
    Card {
        title: format!("That is too long: {length} characters, a command may have {most}."),
        tone: Tone::Warning,
        text: "Nothing was changed. Say it shorter, or in several notes.".to_owned(),
        ..Card::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_repeated_harmlessly() {
        let title = unknown("/\u{7}\u{1b}[2J\u{202e}x \n y", &[]).title;
        assert_eq!(title, "Unknown command /[2Jx y.");
        let long = short(&"é".repeat(100));
        assert_eq!((long.chars().count(), long.ends_with('…')), (61, true));
    }
}
