//! All commands that there are: those that are built in and those that packs bring. Never two of the same name.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Answer, Call,
    builtin::Builtin,
    spec::{CommandSpec, Name},
};

/// A command that is not built in: what a pack registers.
pub trait Execute: Send + Sync {
    /// Runs it. Whether the caller may is decided already.
    fn execute<'a>(&'a self, call: &'a Call<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
}

/// What runs when a command is called.
#[derive(Clone)]
pub enum Runner {
    /// One of ours.
    Builtin(Builtin),
    /// A pack's.
    Pack(Arc<dyn Execute>),
}

/// A command with what runs it.
#[derive(Clone)]
pub struct Entry {
    /// What it is called and takes.
    pub spec: Arc<CommandSpec>,
    /// What runs.
    pub runner: Runner,
}

/// All commands, in the order of their paths.
#[derive(Clone)]
pub struct Registry {
    entries: Vec<Entry>,
}

impl Registry {
    /// The commands that are built in.
    #[must_use]
    pub fn builtin() -> Self {
        let entry =
            |builtin: Builtin| Entry { spec: Arc::new(builtin.spec()), runner: Runner::Builtin(builtin) };
        let mut entries: Vec<Entry> = Builtin::ALL.into_iter().map(entry).collect();
        entries.sort_by(|a, b| a.spec.path.cmp(&b.spec.path));
        Self { entries }
    }

    /// The same with one more command.
    ///
    /// # Errors
    /// When the spec cannot be used or one of its paths is taken, with a sentence for whoever wrote it.
    pub fn with(mut self, spec: CommandSpec, runner: Arc<dyn Execute>) -> Result<Self, String> {
        spec.check()?;
        for path in spec.paths() {
            if let Some(other) = self.exactly(path) {
                return Err(format!("/{} is a command already: {}", path.join(" "), other.spec.usage()));
            }
        }
        let at = self.entries.partition_point(|entry| entry.spec.path < spec.path);
        self.entries.insert(at, Entry { spec: Arc::new(spec), runner: Runner::Pack(runner) });
        Ok(self)
    }

    /// The same with many more commands at once. One that cannot be used, or whose path is taken, is left out and said.
    #[must_use]
    pub fn with_all(mut self, packs: Vec<(Arc<CommandSpec>, Arc<dyn Execute>)>) -> (Self, Vec<String>) {
        let mut taken: BTreeSet<Vec<Name>> =
            self.entries.iter().flat_map(|entry| entry.spec.paths().map(<[Name]>::to_vec)).collect();
        let mut refused = Vec::new();
        for (spec, runner) in packs {
            let twice = spec.paths().find(|path| taken.contains(*path)).map(|path| path.join(" "));
            let problem = spec.check().err().or(twice.map(|path| format!("/{path} is a command already")));
            if let Some(why) = problem {
                refused.push(why);
                continue;
            }
            taken.extend(spec.paths().map(<[Name]>::to_vec));
            self.entries.push(Entry { spec, runner: Runner::Pack(runner) });
        }
        self.entries.sort_by(|a, b| a.spec.path.cmp(&b.spec.path));
        (self, refused)
    }

    /// All of them, by path.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All specs, by path.
    pub fn specs(&self) -> impl Iterator<Item = &Arc<CommandSpec>> {
        self.entries.iter().map(|entry| &entry.spec)
    }

    /// The command that these words begin with (the longest path wins), and how many of them its path takes.
    /// The words are in lower case.
    #[must_use]
    pub fn find(&self, words: &[String]) -> Option<(&Entry, usize)> {
        self.entries
            .iter()
            .flat_map(|entry| entry.spec.paths().map(move |path| (entry, path)))
            .filter(|(_, path)| begins(words, path))
            .max_by_key(|(_, path)| path.len())
            .map(|(entry, path)| (entry, path.len()))
    }

    /// What runs for a spec of this registry.
    #[must_use]
    pub fn entry(&self, spec: &CommandSpec) -> Option<&Entry> {
        self.exactly(&spec.path)
    }

    /// The commands whose path begins with these words, shorter than the path itself.
    pub fn under<'a>(&'a self, words: &'a [String]) -> impl Iterator<Item = &'a Arc<CommandSpec>> {
        self.specs().filter(move |spec| {
            let longer = spec.path.len() > words.len();
            longer && words.iter().zip(&spec.path).all(|(word, part)| word == part)
        })
    }

    fn exactly(&self, path: &[Name]) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.spec.paths().any(|taken| taken == path))
    }
}

fn begins(words: &[String], path: &[Name]) -> bool {
    words.len() >= path.len() && path.iter().zip(words).all(|(part, word)| part == word)
}

/// The commands in force; packs that are loaded while Watchbell runs replace them as a whole.
#[derive(Clone)]
pub struct Commands(Arc<RwLock<Arc<Registry>>>);

impl Commands {
    /// These commands.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(registry))))
    }
    /// What is in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Registry> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
    /// Others from now on; a command that runs goes on as it began.
    pub fn replace(&self, registry: Registry) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }
}
