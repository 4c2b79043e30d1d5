//! The names that a runbook's expressions may use, and the proof that they exist. Never guesses: an unknown name is
//! a mistake, also when it would only matter one day.

use std::collections::{BTreeMap, BTreeSet};

use super::expression::Reference;

/// What an action is, as its block says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActKind {
    /// A request.
    Http,
    /// A query of Prometheus.
    Promql,
    /// A query of Elasticsearch or OpenSearch.
    Logs,
    /// A query of Jaeger.
    Trace,
    /// Programs.
    Run,
    /// Another command of the bot.
    Chat,
}

/// What may follow a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing.
    Plain,
    /// Whatever the source answered.
    Open,
}

use Shape::{Open, Plain};

/// What every result has: whether it is as expected, whether it was done at all, and the seconds that it took.
const COMMON: &[(&str, Shape)] = &[("ok", Plain), ("ran", Plain), ("elapsed", Plain)];
/// The plain words of the environment.
pub(super) const VALUES: &str = "values";
/// The arguments once more, for names that a step's own fields hide.
pub(super) const ARGUMENTS: &str = "args";
/// Words that are always there, with their fields; what is not there at a run (no incident) is none.
const BUILT_IN: &[(&str, &[(&str, Shape)])] = &[
    ("environment", &[]),
    ("now", &[]),
    ("channel", &[]),
    ("incident", &[("id", Plain), ("title", Plain), ("severity", Plain), ("status", Plain)]),
    ("group", &[("id", Plain), ("route", Plain), ("summary", Plain)]),
    ("labels", &[("", Open)]),
    ("annotations", &[("", Open)]),
    ("person", &[("id", Plain), ("name", Plain)]),
];
/// Fields of a service of the environment.
const SERVICE: &[(&str, Shape)] = &[("url", Plain), ("user", Plain), ("token", Plain), ("password", Plain)];
/// Those of them that may only leave in a header or a body.
const SECRETS: [&str; 2] = ["token", "password"];

impl ActKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Http, Self::Promql, Self::Logs, Self::Trace, Self::Run, Self::Chat];

    /// The language of its block.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Promql => "promql",
            Self::Logs => "logs",
            Self::Trace => "trace",
            Self::Run => "run",
            Self::Chat => "chat",
        }
    }

    /// The service of the environment that it asks when its block names none.
    #[must_use]
    pub fn usual_service(self) -> Option<&'static str> {
        match self {
            Self::Promql => Some("prometheus"),
            Self::Logs => Some("elasticsearch"),
            Self::Trace => Some("jaeger"),
            Self::Http | Self::Run | Self::Chat => None,
        }
    }

    fn fields(self) -> &'static [(&'static str, Shape)] {
        match self {
            Self::Http => &[("status", Plain), ("headers", Open), ("body", Plain), ("json", Open)],
            Self::Promql => &[("value", Plain), ("series", Open)],
            Self::Logs => &[("hits", Open), ("total", Plain), ("patterns", Open), ("aggregations", Open)],
            Self::Trace => &[("spans", Open), ("duration", Plain), ("errors", Plain)],
            Self::Run => &[("code", Plain), ("stdout", Plain), ("stderr", Plain), ("json", Open)],
            Self::Chat => &[("reply", Plain)],
        }
    }

    fn all_fields(self) -> impl Iterator<Item = &'static (&'static str, Shape)> {
        self.fields().iter().chain(COMMON)
    }
}

/// Whether a word is a field of any result: a step of that name would hide it.
pub(super) fn is_field(word: &str) -> bool {
    ActKind::ALL.into_iter().any(|kind| kind.all_fields().any(|(field, _)| *field == word))
}

/// Whether a word is always there.
pub(super) fn is_built_in(word: &str) -> bool {
    word == ARGUMENTS
        || word == VALUES
        || BUILT_IN.iter().any(|(name, _)| *name == word)
        || ["true", "false", "none"].contains(&word)
}

/// The name that a flag or an argument has in expressions: `--older-than` is `older_than`.
pub(super) fn variable(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether a word can be a name in expressions.
pub(super) fn is_name(word: &str) -> bool {
    let keyword =
        ["and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "True", "False", "None"];
    word.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !keyword.contains(&word)
}

/// An action that has a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub kind: ActKind,
    pub number: usize,
}

/// All names of a runbook.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Arguments and flags, as variables.
    pub arguments: BTreeSet<String>,
    /// Those of them that are secrets.
    pub secrets: BTreeSet<String>,
    /// Plain words of the environments.
    pub words: BTreeSet<String>,
    /// Services of the environments.
    pub services: BTreeSet<String>,
    /// Actions.
    pub actions: BTreeMap<String, Named>,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standpoint {
    /// The number of its action.
    pub number: usize,
    /// The kind of its action, when the fields of its result stand bare.
    pub own: Option<ActKind>,
    /// Which secrets may stand here.
    pub admits: Admits,
}

/// Which secrets may stand somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admits {
    /// None: people see it, or it is kept.
    Nothing,
    /// Secret arguments: only whether something holds is known of them afterwards.
    Judged,
    /// Secret arguments as they are: they are handed to a program.
    Handed,
    /// The same, and the tokens of services: they are sent in a header or a body.
    Sent,
}

/// What an expression uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Uses {
    pub actions: BTreeSet<usize>,
    pub services: BTreeSet<String>,
    pub built_in: BTreeSet<String>,
}

/// A name that does not exist: which part of the reference, what is wrong, what exists.
#[derive(Debug)]
pub(super) struct Unknown {
    pub part: usize,
    pub what: String,
    pub known: Vec<String>,
    pub remedy: String,
}

impl Names {
    /// Proves a name; adds to what is used.
    pub fn prove(&self, reference: &Reference, from: Standpoint, uses: &mut Uses) -> Result<(), Unknown> {
        let parts: Vec<&str> = reference.parts.iter().map(|(name, _)| name.as_str()).collect();
        let Some((root, rest)) = parts.split_first() else { return Ok(()) };
        if let Some(kind) = from.own
            && let Some((_, shape)) = kind.all_fields().find(|(field, _)| field == root)
        {
            return ends(root, *shape, rest, 1);
        }
        if self.arguments.contains(*root) {
            self.admitted(root, 0, from)?;
            return ends(root, Plain, rest, 1);
        }
        if let Some(named) = self.actions.get(*root) {
            if named.number >= from.number {
                let what = if named.number == from.number {
                    format!(
                        "`{root}` is this step itself: in `expect` its fields stand bare, elsewhere they are not there yet"
                    )
                } else {
                    format!("`{root}` comes later: only the results of earlier steps are there")
                };
                return Err(Unknown {
                    part: 0,
                    what,
                    known: Vec::new(),
                    remedy: "use an earlier step".into(),
                });
            }
            uses.actions.insert(named.number);
            let fields: Vec<_> = named.kind.all_fields().copied().collect();
            return field(root, &fields, rest, &format!("the result of {}", named.kind.as_str()));
        }
        if self.services.contains(*root) {
            uses.services.insert((*root).to_owned());
            field(root, SERVICE, rest, "a service")?;
            if let Some(name) =
                rest.first().filter(|name| SECRETS.contains(name) && from.admits != Admits::Sent)
            {
                return Err(Unknown {
                    part: 1,
                    what: format!(
                        "`{root}.{name}` is a secret, which may only stand in a header or a body of http"
                    ),
                    known: Vec::new(),
                    remedy: "a step that calls the service shows its token by itself: leave it out".into(),
                });
            }
            return Ok(());
        }
        self.built_in(root, rest, from, uses)
    }

    /// Whether a reference is a secret argument.
    pub fn is_secret(&self, reference: &Reference) -> bool {
        let parts: Vec<&str> = reference.parts.iter().map(|(name, _)| name.as_str()).collect();
        let named = if parts.first() == Some(&ARGUMENTS) { parts.get(1) } else { parts.first() };
        named.is_some_and(|name| self.secrets.contains(*name))
    }

    /// A secret argument stands only where nobody reads it.
    fn admitted(&self, name: &str, part: usize, from: Standpoint) -> Result<(), Unknown> {
        if from.admits != Admits::Nothing || !self.secrets.contains(name) {
            return Ok(());
        }
        Err(Unknown {
            part,
            what: format!("`{name}` is a secret, and what stands here is seen or kept"),
            known: Vec::new(),
            remedy: "a secret may stand in a header or a body of http, be an argument of a program, and be judged by `when` and `expect`".into(),
        })
    }

    fn built_in(&self, root: &str, rest: &[&str], from: Standpoint, uses: &mut Uses) -> Result<(), Unknown> {
        if root == ARGUMENTS {
            let fields: Vec<(&str, Shape)> =
                self.arguments.iter().map(|name| (name.as_str(), Plain)).collect();
            if let Some(name) = rest.first() {
                self.admitted(name, 1, from)?;
            }
            return field(root, &fields, rest, "the arguments");
        }
        if root == VALUES {
            let words: Vec<(&str, Shape)> = self.words.iter().map(|word| (word.as_str(), Plain)).collect();
            return field(root, &words, rest, "the environments' `values`");
        }
        if let Some((_, fields)) = BUILT_IN.iter().find(|(name, _)| *name == root) {
            uses.built_in.insert(root.to_owned());
            return match fields {
                [] => ends(root, Plain, rest, 1),
                [("", Open)] => Ok(()),
                fields if rest.is_empty() => {
                    let _ = fields;
                    Ok(())
                }
                fields => field(root, fields, rest, "this word"),
            };
        }
        let own = from.own.into_iter().flat_map(|kind| kind.all_fields().map(|(field, _)| *field));
        let mut known: Vec<String> = own.map(str::to_owned).collect();
        known.extend(self.arguments.iter().cloned());
        let earlier = self.actions.iter().filter(|(_, named)| named.number < from.number);
        known.extend(earlier.map(|(name, _)| name.clone()));
        known.extend(self.services.iter().cloned());
        known.extend(BUILT_IN.iter().map(|(name, _)| (*name).to_owned()));
        let list = crate::config::list(known.iter().map(String::as_str));
        Err(Unknown {
            part: 0,
            what: format!("nothing is called `{root}` here"),
            remedy: format!("there is {list}"),
            known,
        })
    }
}

/// What follows a name must be one of these fields.
fn field(root: &str, fields: &[(&str, Shape)], rest: &[&str], what: &str) -> Result<(), Unknown> {
    let known = || fields.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let list = || crate::config::list(fields.iter().map(|(name, _)| *name));
    let Some((name, after)) = rest.split_first() else {
        let what = format!("`{root}` alone says nothing: name a field of {what}");
        return Err(Unknown { part: 0, what, known: Vec::new(), remedy: format!("it has {}", list()) });
    };
    match fields.iter().find(|(field, _)| field == name) {
        Some((_, shape)) => ends(name, *shape, after, 2),
        None => Err(Unknown {
            part: 1,
            what: format!("{what} has no `{name}`"),
            known: known(),
            remedy: format!("it has {}", list()),
        }),
    }
}

/// Nothing follows what is plain.
fn ends(name: &str, shape: Shape, rest: &[&str], part: usize) -> Result<(), Unknown> {
    match rest.first() {
        Some(more) if shape == Plain && !more.is_empty() => Err(Unknown {
            part,
            what: format!("`{name}` has no fields, so there is no `{more}` in it"),
            known: Vec::new(),
            remedy: format!("write `{name}` alone"),
        }),
        _ => Ok(()),
    }
}
