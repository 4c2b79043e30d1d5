//! All runbooks: read from a folder or from the copy in the binary, checked as a whole. Never lets a broken runbook
//! keep the others from working, and never follows a link out of the folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest as _, Sha256};
use url::Url;

use super::{
    act::Permitted,
    document::RawLink,
    model::{Destination, Link, Runbook},
    read::{self, Draft},
    triggers::OfRoutes,
};
use crate::{
    command::Registry,
    config::{Environment, Loaded, Mistake, SecretUrl, Service, Settings, Source, nearest},
    domain::{config::Config, person::Role},
};

/// The copy of `commands/` that travels in the binary.
#[derive(rust_embed::RustEmbed)]
#[folder = "commands/"]
#[include = "*.md"]
struct BuiltIn;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 256 * 1024;
/// How deep folders are followed, and how many files are read.
const DEEPEST: usize = 6;
const MOST_FILES: usize = 5_000;
/// The service that is Watchbell itself, in every environment.
pub const ITSELF: &str = "watchbell";

/// All runbooks and all that cannot be used.
#[derive(Debug, Default)]
pub struct Library {
    runbooks: BTreeMap<String, Arc<Runbook>>,
    broken: Vec<Broken>,
    pub(super) of_routes: OfRoutes,
    left_out: usize,
}

/// A file that is no runbook, and why.
#[derive(Debug, Clone)]
pub struct Broken {
    /// Below the folder of the commands; empty: the folder itself.
    pub file: String,
    /// The command that it would be, when that much is sound.
    pub command: Option<String>,
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

/// What runbooks are checked against.
pub(super) struct Ground<'a> {
    pub config: &'a Config,
    pub environments: BTreeMap<String, Environment>,
    pub services: BTreeSet<String>,
    pub words: BTreeSet<String>,
    pub permitted: Permitted,
}

/// The environments that runbooks work in: those of the configuration, with Watchbell itself as a service of each.
#[must_use]
pub fn environments(settings: &Settings) -> BTreeMap<String, Environment> {
    let mut environments = settings.environments.clone();
    if environments.is_empty() {
        environments.insert("here".to_owned(), Environment { default: true, ..Environment::default() });
    }
    let url = crate::config::reached_at(settings.listen).unwrap_or_else(|| settings.public_url.clone());
    for environment in environments.values_mut() {
        let itself = Service {
            url: SecretUrl::new(url.clone()),
            token: None,
            user: None,
            password: None,
            budget: None,
        };
        environment.services.entry(ITSELF.to_owned()).or_insert(itself);
    }
    environments
}

impl<'a> Ground<'a> {
    fn new(loaded: &'a Loaded) -> Self {
        let environments = environments(&loaded.settings);
        let services = environments.values().flat_map(|environment| &environment.services);
        let hosts =
            services.clone().filter_map(|(_, service)| service.url.expose().host_str().map(str::to_owned));
        let rules = &loaded.settings.runbook;
        let permitted = Permitted {
            programs: rules.programs.iter().cloned().chain(scripts(rules.scripts.as_deref())).collect(),
            hosts: hosts.chain(rules.hosts.iter().cloned()).collect(),
        };
        let services = services.map(|(name, _)| name.clone()).collect();
        let words =
            environments.values().flat_map(|environment| environment.values.keys().cloned()).collect();
        Self { config: &loaded.config, environments, services, words, permitted }
    }
}

/// The names in the scripts' folder.
fn scripts(folder: Option<&Path>) -> Vec<String> {
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    let files = entries.into_iter().flatten().flatten();
    let files = files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    files.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

impl Library {
    /// Reads every `*.md` of a folder and of those below it, or the built-in copy. `README.md` is for people alone.
    #[must_use]
    pub fn load(dir: Option<&Path>, loaded: &Loaded) -> Self {
        let (sources, broken) = match dir {
            Some(dir) => folder(dir),
            None => (built_in(), Vec::new()),
        };
        let mut library = Self::read(&sources, loaded);
        if dir.is_none() {
            // They are for the services of the built-in configuration: whoever has others did nothing wrong.
            library.left_out = std::mem::take(&mut library.broken).len();
        }
        library.broken.extend(broken);
        library.broken.sort_by(|a, b| a.file.cmp(&b.file));
        library
    }

    /// Reads files that are in memory: their names below the folder, and what they say.
    pub(super) fn read(sources: &[Source], loaded: &Loaded) -> Self {
        let ground = Ground::new(loaded);
        let drafts: Vec<Draft<'_>> = sources.iter().map(|source| read::read(source, &ground)).collect();
        let mut library = Whole::new(sources, drafts).settle();
        library.prove_routes(loaded);
        library
    }

    /// A runbook by its command: `/qflow health`.
    #[must_use]
    pub fn get(&self, command: &str) -> Option<&Arc<Runbook>> {
        self.runbooks.get(command)
    }

    /// All that can be used, by command.
    #[must_use]
    pub fn runbooks(&self) -> impl ExactSizeIterator<Item = &Arc<Runbook>> {
        self.runbooks.values()
    }

    /// All that cannot.
    #[must_use]
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// How many built-in ones are not there, because the configuration has not what they ask for.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Every mistake, in the order of the files.
    pub fn mistakes(&self) -> impl Iterator<Item = &Mistake> {
        self.broken.iter().flat_map(|broken| &broken.mistakes)
    }
}

/// A command and whose it is.
enum Owner {
    BuiltIn(Role),
    File(usize),
}

/// All files together: what one says about another is settled here.
struct Whole<'a> {
    sources: &'a [Source],
    drafts: Vec<Draft<'a>>,
    commands: BTreeMap<Vec<String>, Owner>,
    files: BTreeMap<&'a str, usize>,
}

impl<'a> Whole<'a> {
    fn new(sources: &'a [Source], drafts: Vec<Draft<'a>>) -> Self {
        let files = sources.iter().enumerate().map(|(index, source)| (source.name.as_str(), index)).collect();
        let mut commands: BTreeMap<Vec<String>, Owner> = BTreeMap::new();
        let words = |path: &[crate::command::Name]| path.iter().map(ToString::to_string).collect::<Vec<_>>();
        for spec in Registry::builtin().specs().map(Arc::as_ref).chain(&super::command::specs()) {
            commands.extend(spec.paths().map(|path| (words(path), Owner::BuiltIn(spec.role))));
        }
        for (index, draft) in drafts.iter().enumerate() {
            let Some(matter) = &draft.matter else { continue };
            for (path, at) in matter.spec.paths().zip(&matter.paths) {
                let path = words(path);
                let name = path.join(" ");
                match commands.get(&path) {
                    None => drop(commands.insert(path, Owner::File(index))),
                    Some(Owner::BuiltIn(_)) => {
                        draft.notes.mistake(
                            at.clone(),
                            format!("/{name} is built in"),
                            "give it another name",
                        );
                    }
                    Some(Owner::File(other)) => {
                        let file =
                            sources.get(*other).map(|source| source.shown.as_str()).unwrap_or_default();
                        draft.notes.mistake(
                            at.clone(),
                            format!("/{name} is a command of {file} already"),
                            "give one of them another name",
                        );
                    }
                }
            }
        }
        Self { sources, drafts, commands, files }
    }

    fn settle(mut self) -> Library {
        let calls = self.calls();
        self.circles(&calls);
        let links: Vec<Vec<(Option<usize>, Link)>> =
            (0..self.drafts.len()).map(|index| self.links(index)).collect();
        let mut library = Library::default();
        for ((draft, links), source) in self.drafts.into_iter().zip(links).zip(self.sources) {
            draft.guard();
            let command = draft.matter.as_ref().map(|matter| matter.spec.name());
            match draft.settle(&source.name, digest(&source.text), links) {
                Ok(runbook) => drop(library.runbooks.insert(runbook.command(), Arc::new(runbook))),
                Err(mistakes) => library.broken.push(Broken { file: source.name.clone(), command, mistakes }),
            }
        }
        library
    }

    /// Whose command these words begin with: the longest path wins.
    fn called(&self, words: &[String]) -> Option<&Owner> {
        (1..=words.len()).rev().find_map(|length| self.commands.get(words.get(..length)?))
    }

    /// Proves what `chat` blocks call; gives for each file the files that it calls.
    fn calls(&mut self) -> Vec<Vec<(usize, Range<usize>)>> {
        let mut all = Vec::new();
        for index in 0..self.drafts.len() {
            let (mut called, mut changing) = (Vec::new(), Vec::new());
            let Some(draft) = self.drafts.get(index) else { continue };
            for (number, words, at) in &draft.calls {
                match self.called(words) {
                    Some(Owner::BuiltIn(role)) if *role > Role::Viewer => changing.push(*number),
                    Some(Owner::BuiltIn(_)) => {}
                    Some(Owner::File(other)) => {
                        called.push((*other, at.clone()));
                        let matter = self.drafts.get(*other).and_then(|draft| draft.matter.as_ref());
                        if matter.is_some_and(|matter| matter.spec.role > Role::Viewer) {
                            changing.push(*number);
                        }
                    }
                    None => {
                        let written = words.join(" ");
                        let known: Vec<String> = self.commands.keys().map(|path| path.join(" ")).collect();
                        let near = nearest(&written, known.iter().map(String::as_str));
                        draft.notes.say(
                            crate::config::Gravity::Mistake,
                            at.clone(),
                            format!("there is no command /{written}"),
                            near.map(|near| format!("/{near}")),
                            "/help has all commands".to_owned(),
                        );
                    }
                }
            }
            all.push(called);
            let actions = self.drafts.get_mut(index).into_iter().flat_map(|draft| &mut draft.steps);
            for action in actions.flat_map(|step| &mut step.actions) {
                action.changes |= changing.contains(&action.number);
            }
        }
        all
    }

    /// No runbook calls itself, not even by way of others.
    fn circles(&self, calls: &[Vec<(usize, Range<usize>)>]) {
        let mut done = vec![false; calls.len()];
        for start in 0..calls.len() {
            // The way from the start: a file, and which of its calls comes next.
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            let mut on_way = BTreeSet::from([start]);
            while let Some((file, next)) = way.last_mut() {
                let (file, at) = (*file, *next);
                *next += 1;
                let call = calls.get(file).and_then(|calls| calls.get(at));
                match call {
                    _ if done.get(file).copied().unwrap_or(true) => drop(way.pop()),
                    None => {
                        if let Some(done) = done.get_mut(file) {
                            *done = true;
                        }
                        on_way.remove(&file);
                        way.pop();
                    }
                    Some((other, place)) if on_way.contains(other) => {
                        if let Some(draft) = self.drafts.get(file) {
                            let what = "this runbook would come back to itself, again and again";
                            draft.notes.mistake(place.clone(), what, "take one of the calls out");
                        }
                    }
                    Some((other, _)) => {
                        if !done.get(*other).copied().unwrap_or(true) {
                            on_way.insert(*other);
                            way.push((*other, 0));
                        }
                    }
                }
            }
        }
    }

    fn links(&self, index: usize) -> Vec<(Option<usize>, Link)> {
        let Some(draft) = self.drafts.get(index) else { return Vec::new() };
        let links = draft.links.iter();
        links.filter_map(|(step, link)| self.link(index, draft, link).map(|link| (*step, link))).collect()
    }

    /// Where a link leads; none for what is no button, or a mistake.
    fn link(&self, index: usize, draft: &Draft<'_>, link: &RawLink) -> Option<Link> {
        let text = link.text.trim().to_owned();
        let lead = |to| Some(Link { text: text.clone(), to });
        if let Ok(url) = Url::parse(&link.to) {
            return match url.scheme() {
                "http" | "https" => lead(Destination::Web(url)),
                "mailto" => None,
                other => {
                    let what = format!("a link cannot lead to `{other}:`");
                    draft.notes.mistake(link.at.clone(), what, "link to https, to a runbook or to #step");
                    None
                }
            };
        }
        let (path, anchor) =
            link.to.split_once('#').map_or((link.to.as_str(), None), |(path, to)| (path, Some(to)));
        let target = if path.is_empty() { Some(index) } else { self.file(index, path) };
        let Some(target) = target else {
            if path.rsplit('/').next() == Some("README.md") {
                return None;
            }
            let known = self.files.keys().copied();
            let remedy = "links lead to files below the folder of the commands, relative to this one";
            draft.notes.unknown(link.at.clone(), path, format!("there is no runbook {path}"), known, remedy);
            return None;
        };
        let other = self.drafts.get(target)?;
        let step = match anchor {
            None => None,
            Some(anchor) => match other.anchors.get(anchor) {
                Some(step) => *step,
                None => {
                    let known = other.anchors.keys().map(String::as_str);
                    let what = format!("there is no step #{anchor}");
                    let remedy = "an anchor is the heading in small letters with dashes for blanks";
                    draft.notes.unknown(link.at.clone(), anchor, what, known, remedy);
                    return None;
                }
            },
        };
        match step {
            Some(step) if target == index => lead(Destination::Step(step)),
            None if target == index => None,
            step => {
                let command = other.matter.as_ref()?.spec.name();
                lead(Destination::Runbook { command, step })
            }
        }
    }

    /// A file by its path from another one.
    fn file(&self, from: usize, path: &str) -> Option<usize> {
        let base = self.sources.get(from)?.name.as_str();
        let mut parts: Vec<&str> = base.split('/').collect();
        parts.pop();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        self.files.get(parts.join("/").as_str()).copied()
    }
}

/// Hex SHA-256.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn is_runbook(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    !file.starts_with('.')
        && file != "README.md"
        && Path::new(file).extension().is_some_and(|ending| ending == "md")
}

fn built_in() -> Vec<Source> {
    let mut sources: Vec<Source> = BuiltIn::iter()
        .filter(|name| is_runbook(name))
        .filter_map(|name| {
            let text = String::from_utf8_lossy(&BuiltIn::get(&name)?.data).into_owned();
            Some(Source { shown: format!("(built in) commands/{name}"), name: name.into_owned(), text })
        })
        .collect();
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// Every runbook of a folder, by name, and what cannot be read.
fn folder(dir: &Path) -> (Vec<Source>, Vec<Broken>) {
    let (mut sources, mut broken) = (Vec::new(), Vec::new());
    let no = |file: String, shown: &Path, why: String| {
        let remedy = "make it a readable UTF-8 text file, or move it out of the folder".to_owned();
        let mistakes = vec![Mistake::of_file(shown.display().to_string(), why, remedy)];
        Broken { file, command: None, mistakes }
    };
    let mut open: Vec<(PathBuf, String, usize)> = vec![(dir.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                broken.push(no(prefix, &folder, format!("this folder cannot be read: {error}")));
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let (path, shown) = (format!("{prefix}{name}"), folder.join(&name));
            // A link to a folder is not followed: it could lead round.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < DEEPEST && !name.starts_with('.') {
                    open.push((shown, format!("{path}/"), depth + 1));
                }
            } else if is_runbook(&path) && sources.len() < MOST_FILES {
                match text(&shown) {
                    Ok(text) => sources.push(Source { shown: shown.display().to_string(), name: path, text }),
                    Err(why) => broken.push(no(path, &shown, why)),
                }
            }
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    (sources, broken)
}

fn text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map(|about| about.len());
    match size {
        Ok(size) if size > LARGEST => return Err(format!("this file is larger than {} KB", LARGEST / 1024)),
        Ok(_) => {}
        Err(error) => return Err(format!("this file cannot be read: {error}")),
    }
    let bytes = fs::read(path).map_err(|error| format!("this file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        format!("this file cannot be read: byte {} is not UTF-8", error.utf8_error().valid_up_to())
    })
}
