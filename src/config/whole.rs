//! All files of the folder as one configuration: what stands where, which names exist, what is written twice. Never
//! reads what a section says: that is for `server`, `people`, `oncall` and `routes`.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Spanned, de::DeTable};

use super::{
    mistake::{Finding, Gravity},
    section::{Node, Reader, Text},
    source::{Place, Source},
    syntax, words,
};

/// What people give names to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Person,
    Team,
    Schedule,
    Policy,
    Severity,
    Integration,
    Environment,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Person,
        Self::Team,
        Self::Schedule,
        Self::Policy,
        Self::Severity,
        Self::Integration,
        Self::Environment,
    ];

    /// The key in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Team => "team",
            Self::Schedule => "schedule",
            Self::Policy => "policy",
            Self::Severity => "severity",
            Self::Integration => "integration",
            Self::Environment => "environment",
        }
    }

    /// Several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Person => "people",
            Self::Team => "teams",
            Self::Schedule => "schedules",
            Self::Policy => "policies",
            Self::Severity => "severities",
            Self::Integration => "integrations",
            Self::Environment => "environments",
        }
    }
}

/// Tables that exist once.
const SINGLE: [&str; 9] =
    ["server", "api", "slack", "discord", "mail", "pagerduty", "alive", "runbook", "unrouted"];

/// Which names exist, so that every use of one can be checked where it stands.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<Kind, BTreeSet<String>>,
    /// Which of the single tables are written.
    pub sections: BTreeSet<&'static str>,
}

impl Names {
    /// Adds a name that was defined.
    pub fn add(&mut self, kind: Kind, name: impl Into<String>) {
        self.known.entry(kind).or_default().insert(name.into());
    }

    /// All names of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.known.get(&kind).into_iter().flatten().map(String::as_str)
    }

    /// Whether a name is defined.
    pub fn has(&self, kind: Kind, name: &str) -> bool {
        self.known.get(&kind).is_some_and(|names| names.contains(name))
    }

    /// Whether a name is defined; a mistake when it is not.
    pub fn check(&self, reader: &Reader<'_>, kind: Kind, name: &str, at: Place) -> bool {
        if self.has(kind, name) || !reader.complete {
            return self.has(kind, name);
        }
        let (word, plural) = (kind.word(), kind.plural());
        let remedy = match words::list(self.of(kind)) {
            none if none == "none" => format!("no {plural} are defined yet: add [{word}.{name}]"),
            known => format!("{plural} are {known}; a new one begins with [{word}.NAME]"),
        };
        reader.mistake(
            at,
            format!("there is no {word} `{name}`"),
            words::nearest(name, self.of(kind)),
            remedy,
        );
        false
    }
}

/// Everything that is written, by its kind.
#[derive(Default)]
pub(super) struct Whole<'a> {
    /// Tables that exist once.
    pub single: BTreeMap<&'static str, Node<'a>>,
    /// Tables with a name, in the order of the files.
    pub named: BTreeMap<Kind, Vec<(Text, Node<'a>)>>,
    /// Routes in the order of the files.
    pub routes: Vec<Node<'a>>,
    /// Planned maintenance in the order of the files.
    pub maintenance: Vec<Node<'a>>,
    /// Which names exist.
    pub names: Names,
}

impl<'a> Whole<'a> {
    /// Sorts what all files say; reports what no file may say, and what is written twice.
    pub fn collect(reader: &'a Reader<'a>, files: &'a [Spanned<DeTable<'a>>]) -> Self {
        let mut whole = Self::default();
        for (file, root) in files.iter().enumerate() {
            let mut nodes: Vec<(Text, Node<'a>)> = root
                .get_ref()
                .iter()
                .map(|(key, value)| {
                    let (span, path) = (key.span(), key.get_ref().to_string());
                    let key = Place { file, from: span.start, to: span.end };
                    (Text { value: path.clone(), at: key }, Node { reader, file, path, key, value })
                })
                .collect();
            nodes.sort_by_key(|(key, _)| key.at);
            for (key, node) in nodes {
                whole.take(&key, node);
            }
        }
        whole
    }

    fn take(&mut self, key: &Text, node: Node<'a>) {
        if let Some(single) = SINGLE.into_iter().find(|single| *single == key.value) {
            self.names.sections.insert(single);
            if let Some(first) = self.single.get(single) {
                twice(node.reader, &format!("[{single}]"), first.key, key.at);
            } else {
                self.single.insert(single, node);
            }
        } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == key.value) {
            for (name, node) in node.entries() {
                self.define(kind, name, node);
            }
        } else if key.value == "route" {
            self.routes.extend(node.items().unwrap_or_default());
        } else if key.value == "maintenance" {
            self.maintenance.extend(node.items().unwrap_or_default());
        } else {
            let known = SINGLE.into_iter().chain(Kind::ALL.map(Kind::word)).chain(["route", "maintenance"]);
            let plural = Kind::ALL.into_iter().find(|kind| kind.plural() == key.value).map(Kind::word);
            let near = plural.or_else(|| words::nearest(&key.value, known.clone()));
            let known: Vec<String> = known.map(|word| format!("[{word}]")).collect();
            node.reader.mistake(
                key.at,
                format!("`{}` is not a part of the configuration", key.value),
                near,
                format!("its parts are {}", known.join(" ")),
            );
        }
    }

    fn define(&mut self, kind: Kind, name: Text, node: Node<'a>) {
        let ascii = kind == Kind::Integration;
        let article = if matches!(kind, Kind::Integration | Kind::Environment) { "an" } else { "a" };
        let fits = |letter: char| {
            ['-', '_', '.'].contains(&letter) || (letter.is_alphanumeric() && (letter.is_ascii() || !ascii))
        };
        let remedy = if ascii {
            "use a-z, 0-9, `-`, `_` and `.`, because it stands in an address: /hooks/NAME"
        } else {
            "use letters, digits, `-`, `_` and `.`, so that it can be typed in a command"
        };
        if name.value.is_empty() || !name.value.chars().all(fits) {
            node.reader.mistake(
                name.at,
                format!("`{}` cannot be the name of {article} {}", name.value.escape_debug(), kind.word()),
                None,
                remedy,
            );
        }
        self.names.add(kind, name.value.as_str());
        let all = self.named.entry(kind).or_default();
        if let Some((first, _)) = all.iter().find(|(other, _)| other.value == name.value) {
            twice(node.reader, &format!("{} `{}`", kind.word(), name.value), first.at, name.at);
        } else {
            all.push((name, node));
        }
    }

    /// Tables of a kind with their names.
    pub fn all(&self, kind: Kind) -> &[(Text, Node<'a>)] {
        self.named.get(&kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds the names of headers that a file with a syntax mistake swallowed.
    pub fn add_swallowed(&mut self, source: &Source) {
        for header in syntax::headers(source) {
            let mut parts = header.splitn(3, '.').map(|part| part.trim().trim_matches(['"', '\'']));
            let kind = parts.next().and_then(|word| Kind::ALL.into_iter().find(|kind| kind.word() == word));
            if let (Some(kind), Some(name)) = (kind, parts.next()) {
                self.names.add(kind, name);
            }
        }
    }
}

fn twice(reader: &Reader<'_>, what: &str, first: Place, second: Place) {
    reader.found.borrow_mut().push(Finding {
        gravity: Gravity::Mistake,
        at: second,
        what: format!("{what} is already defined in {}", reader.point(first)),
        nearest: None,
        remedy: "keep one of them, or give this one another name".into(),
    });
}
