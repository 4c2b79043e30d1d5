//! Command specs: the one description of a command, from which parsing, help, examples, "did you mean" and
//! completion are derived. Data, not code: a pack registers its commands with the same types. Never runs anything.

use std::borrow::Cow;

use crate::domain::person::Role;

/// The longest line of a list of commands, in characters, unless its arguments alone are longer.
const LONGEST: usize = 60;

/// A word of a spec: built in or loaded.
pub type Name = Cow<'static, str>;

/// Everything that is known of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSpec {
    /// Its words: `incident`, `open`; at least one, in lower case.
    pub path: Vec<Name>,
    /// Other paths that mean the same.
    pub aliases: Vec<Vec<Name>>,
    /// What it does, in one sentence.
    pub summary: Name,
    /// What it is told, in this order.
    pub arguments: Vec<Argument>,
    /// Flags, which may stand anywhere before a text.
    pub flags: Vec<Flag>,
    /// Who may use it.
    pub role: Role,
    /// How it is used; at least one for a command with arguments.
    pub examples: Vec<Name>,
    /// Whether even somebody may use it whose account is nobody's and who may not look: it is how they become known.
    pub anybody: bool,
}

/// One thing that a command is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// What it is called, in lower case.
    pub name: Name,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be there. An optional argument is passed over when the word does not fit it and
    /// another argument follows.
    pub required: bool,
    /// What stands for it when it is absent, as it would be written.
    pub default: Option<Name>,
    /// Whether what was given is neither shown again nor kept.
    pub secret: bool,
    /// What it is for, in a few words.
    pub about: Name,
}

/// A flag: `--all`, `--limit 5`, `--limit=5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: Name,
    /// What its value is; none: it has no value.
    pub kind: Option<Kind>,
    /// What stands for it when it is absent, as it would be written.
    pub default: Option<Name>,
    /// Whether what was given is neither shown again nor kept.
    pub secret: bool,
    /// What it is for, in a few words.
    pub about: Name,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Somebody: `ana`, `@ana`, `me`.
    Person,
    /// Somebody, or `none`.
    PersonOrNone,
    /// A schedule.
    Schedule,
    /// A severity.
    Severity,
    /// An incident: `INC-7`, `7`.
    Incident,
    /// A group of alerts: `G-17`, `17`.
    Group,
    /// An alert: `A-1`, `1`.
    Alert,
    /// An override: `OV-3`, `3`.
    Override,
    /// A silence or a maintenance: `S-3`, `3`.
    Silence,
    /// A run: `R-7`, `7`.
    Run,
    /// A deployment: `DEP-7`, `7`.
    Deployment,
    /// A task of an incident: `T-3`, `3`.
    Task,
    /// Whatever can be acknowledged: `G-17`, `INC-7`, `A-1`, `PG-3`.
    Target,
    /// Whoever can be paged: a person, a team or a policy.
    Whom,
    /// Where a response stands.
    Status,
    /// What somebody does in an incident.
    IncidentRole,
    /// An instant: `14:00`, `tomorrow 09:00`, `2026-03-29 02:30`, RFC 3339.
    Time,
    /// An instant, or a duration after the instant before it.
    Until,
    /// An instant that is over: `14:00` is the last one, `40m` is that long ago.
    Past,
    /// A duration: `90s`, `1h30m`, `7d`.
    Duration,
    /// A whole number within these bounds.
    Number(u64, u64),
    /// One word, or several in quotes.
    Word,
    /// Conditions on labels: all words up to the next flag.
    Matchers,
    /// Several words up to the next flag, or some in quotes.
    Words,
    /// All that remains; only as the last argument.
    Text,
    /// One of these.
    Choice(Vec<Name>),
}

impl Kind {
    /// How it stands in a usage line, when the argument's own name does not say enough.
    #[must_use]
    pub fn placeholder(&self) -> Option<String> {
        match self {
            Self::Whom => Some("PERSON|TEAM|POLICY".to_owned()),
            Self::PersonOrNone => Some("PERSON|none".to_owned()),
            Self::Until => Some("UNTIL|DURATION".to_owned()),
            Self::Past => Some("TIME".to_owned()),
            Self::Choice(choices) => Some(choices.join("|")),
            _ => None,
        }
    }
}

impl Argument {
    /// An argument that must be there.
    #[must_use]
    pub fn required(name: impl Into<Name>, kind: Kind, about: impl Into<Name>) -> Self {
        Self { name: name.into(), kind, required: true, default: None, secret: false, about: about.into() }
    }
    /// An argument that may be left out.
    #[must_use]
    pub fn optional(name: impl Into<Name>, kind: Kind, about: impl Into<Name>) -> Self {
        Self { required: false, ..Self::required(name, kind, about) }
    }
    /// The same with something that stands for it when it is absent.
    #[must_use]
    pub fn or(self, default: impl Into<Name>) -> Self {
        Self { required: false, default: Some(default.into()), ..self }
    }
    /// How it stands in a usage line: `SEVERITY`, `[INCIDENT]`, `TITLE…`.
    #[must_use]
    pub fn placeholder(&self) -> String {
        let mut name = self.kind.placeholder().unwrap_or_else(|| self.name.to_uppercase());
        if matches!(self.kind, Kind::Text | Kind::Matchers) {
            name.push('…');
        }
        if self.required { name } else { format!("[{name}]") }
    }
}

impl Flag {
    /// A flag without a value.
    #[must_use]
    pub fn switch(name: impl Into<Name>, about: impl Into<Name>) -> Self {
        Self { name: name.into(), kind: None, default: None, secret: false, about: about.into() }
    }
    /// A flag with a value.
    #[must_use]
    pub fn valued(name: impl Into<Name>, kind: Kind, about: impl Into<Name>) -> Self {
        Self { kind: Some(kind), ..Self::switch(name, about) }
    }
    /// The same with something that stands for it when it is absent.
    #[must_use]
    pub fn or(self, default: impl Into<Name>) -> Self {
        Self { default: Some(default.into()), ..self }
    }
    /// How it stands in a usage line: `[--limit N]`.
    #[must_use]
    pub fn placeholder(&self) -> String {
        let value = match &self.kind {
            None => String::new(),
            Some(Kind::Number(..)) => " N".to_owned(),
            Some(kind) => format!(" {}", kind.placeholder().unwrap_or_else(|| self.name.to_uppercase())),
        };
        format!("[--{}{value}]", self.name)
    }
}

impl CommandSpec {
    /// A command that everybody may use and that takes nothing. `path` is written as people do: `/incident open`.
    #[must_use]
    pub fn new(path: &str, summary: impl Into<Name>) -> Self {
        Self {
            path: words(path),
            aliases: Vec::new(),
            summary: summary.into(),
            arguments: Vec::new(),
            flags: Vec::new(),
            role: Role::Viewer,
            examples: Vec::new(),
            anybody: false,
        }
    }
    /// The same, also for somebody who may not even look.
    #[must_use]
    pub fn anybody(self) -> Self {
        Self { anybody: true, ..self }
    }
    /// The same under another name too.
    #[must_use]
    pub fn alias(mut self, path: &str) -> Self {
        self.aliases.push(words(path));
        self
    }
    /// The same for this role and those above it.
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }
    /// The same with one more argument.
    #[must_use]
    pub fn takes(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }
    /// The same with one more flag.
    #[must_use]
    pub fn flag(mut self, flag: Flag) -> Self {
        self.flags.push(flag);
        self
    }
    /// The same with one more example.
    #[must_use]
    pub fn example(mut self, example: impl Into<Name>) -> Self {
        self.examples.push(example.into());
        self
    }

    /// The path as people write it: `/incident open`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("/{}", self.path.join(" "))
    }

    /// How it is written: `/incident open SEVERITY TITLE…`.
    #[must_use]
    pub fn usage(&self) -> String {
        self.written(self.flags.iter().map(Flag::placeholder).collect())
    }

    /// The same for a list of commands: flags that would make it long are only said to be there.
    #[must_use]
    pub fn brief(&self) -> String {
        let usage = self.usage();
        let is_long = usage.chars().count() > LONGEST && self.flags.len() > 1;
        if is_long { self.written(vec!["[--…]".to_owned()]) } else { usage }
    }

    fn written(&self, flags: Vec<String>) -> String {
        let mut usage = self.name();
        // Flags go before a text, because in a text they are words like any other.
        let (texts, others): (Vec<_>, Vec<_>) =
            self.arguments.iter().partition(|argument| argument.kind == Kind::Text);
        let parts = others.iter().map(|argument| argument.placeholder());
        for part in parts.chain(flags).chain(texts.iter().map(|argument| argument.placeholder())) {
            usage.push(' ');
            usage.push_str(&part);
        }
        usage
    }

    /// The names of what it is told in secret.
    pub fn secrets(&self) -> impl Iterator<Item = &Name> {
        let arguments =
            self.arguments.iter().filter(|argument| argument.secret).map(|argument| &argument.name);
        arguments.chain(self.flags.iter().filter(|flag| flag.secret).map(|flag| &flag.name))
    }

    /// Whether it is told something in secret: nothing of what was written for it is shown again then, because a slip
    /// may put the secret into any place.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// Its path and its aliases.
    pub fn paths(&self) -> impl Iterator<Item = &[Name]> {
        std::iter::once(self.path.as_slice()).chain(self.aliases.iter().map(Vec::as_slice))
    }

    /// What makes the spec impossible to use, if anything does.
    ///
    /// # Errors
    /// With a sentence for whoever wrote it.
    pub fn check(&self) -> Result<(), String> {
        let name = self.name();
        if self.paths().any(<[Name]>::is_empty) {
            return Err("a command needs at least one word".to_owned());
        }
        if let Some(argument) = self.arguments.iter().rev().skip(1).find(|a| a.kind == Kind::Text) {
            return Err(format!(
                "{name}: nothing can follow `{}`, which takes all that remains",
                argument.name
            ));
        }
        let mut names: Vec<&str> = self.arguments.iter().map(|a| &*a.name).collect();
        names.extend(self.flags.iter().map(|f| &*f.name));
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[a, b]| a == b) {
            return Err(format!("{name}: `{twice}` is there twice"));
        }
        Ok(())
    }
}

/// The words of a path as it is kept: without slash, in lower case.
fn words(path: &str) -> Vec<Name> {
    path.trim_start_matches('/').split_whitespace().map(|word| Name::Owned(word.to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_line_says_what_is_optional_and_puts_flags_before_a_text() {
        let spec = CommandSpec::new("/note add", "Adds a note.")
            .takes(Argument::optional("incident", Kind::Incident, "which"))
            .takes(Argument::required("text", Kind::Text, "what to note"))
            .flag(Flag::switch("pin", "keeps it on top"))
            .flag(Flag::valued("copies", Kind::Number(1, 9), "how many").or("1"));
        assert_eq!(spec.usage(), "/note add [INCIDENT] [--pin] [--copies N] TEXT…");
        assert_eq!((spec.check(), spec.brief()), (Ok(()), spec.usage()));
        let long = spec.flag(Flag::valued("until-somebody-takes-it", Kind::Duration, "how long"));
        assert_eq!(long.brief(), "/note add [INCIDENT] [--…] TEXT…");
    }

    #[test]
    fn a_spec_that_cannot_be_used_is_refused() {
        let text = || Argument::required("text", Kind::Text, "");
        let twice = CommandSpec::new("/a", "").takes(text()).flag(Flag::switch("text", ""));
        let follows = CommandSpec::new("/a", "").takes(text()).takes(Argument::required("n", Kind::Word, ""));
        for spec in [CommandSpec::new("/", ""), twice, follows] {
            assert!(spec.check().is_err(), "{spec:?}");
        }
    }
}
