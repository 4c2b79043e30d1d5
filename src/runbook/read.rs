//! Reads one file into a runbook, as far as that goes without the others. Never stops at the first mistake.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::{
    act,
    compile::Compiler,
    document::{self, Block, Document, RawLink, Section},
    library::Ground,
    matter::{self, Matter, STEP},
    model::{Action, Destination, Runbook, Step},
    names::{ActKind, Named, Names, variable},
    notes::{Body, Notes, Written},
    settings::{self, OnFail, Target},
    yaml,
};
use crate::{
    command::{Flag, Kind},
    config::Source,
    domain::person::Role,
    text,
};

/// A file that was read; what concerns the others is still open.
pub(super) struct Draft<'a> {
    pub notes: Notes<'a>,
    /// The command, when it is sound.
    pub matter: Option<Matter>,
    pub title: String,
    pub intro: String,
    pub steps: Vec<Step>,
    /// Links by step; none: of the introduction.
    pub links: Vec<(Option<usize>, RawLink)>,
    /// Steps by anchor; none: the introduction.
    pub anchors: BTreeMap<String, Option<usize>>,
    /// Commands that its `chat` blocks call: number of the action, words, place.
    pub calls: Vec<(usize, Vec<String>, Range<usize>)>,
    /// Where each action's block begins.
    pub places: Vec<Range<usize>>,
    /// Actions that all judge the same thing, by their numbers.
    pub sources: Vec<usize>,
}

/// A block of an action with its settings parted from the rest.
struct Parted<'d> {
    block: &'d Block,
    kind: ActKind,
    pairs: Vec<(Written<'d>, Written<'d>)>,
    body: Body,
}

/// Reads a file.
pub(super) fn read<'a>(source: &'a Source, ground: &Ground<'_>) -> Draft<'a> {
    let notes = Notes::new(source);
    let document = document::read(&source.text);
    let matter = front(&document, &notes, ground);
    let mut draft = Draft {
        notes,
        matter,
        title: String::new(),
        intro: String::new(),
        steps: Vec::new(),
        links: Vec::new(),
        anchors: BTreeMap::new(),
        calls: Vec::new(),
        places: Vec::new(),
        sources: Vec::new(),
    };
    draft.read(document, ground);
    draft
}

fn front(document: &Document, notes: &Notes<'_>, ground: &Ground<'_>) -> Option<Matter> {
    let Some(place) = document.front.clone() else {
        let remedy = "begin the file with a line ---, then command: and summary:, then a line ---";
        notes.mistake(0..1, "there is no front matter", remedy);
        return None;
    };
    match yaml::read(&notes.source.text, place) {
        Ok(node) => matter::read(&node, notes, ground),
        Err(error) => {
            notes.mistake(error.at, format!("this is no YAML: {}", error.why), "write `key: value` lines");
            None
        }
    }
}

impl Draft<'_> {
    fn read(&mut self, document: Document, ground: &Ground<'_>) {
        let mut sections = document.sections;
        self.introduce(&mut sections);
        let parted: Vec<Vec<Parted<'_>>> =
            sections.iter().map(|section| part(section, &self.notes)).collect();
        let mut names = Names {
            arguments: self.matter.as_ref().map(|matter| matter.variables.clone()).unwrap_or_default(),
            secrets: self
                .matter
                .iter()
                .flat_map(|matter| matter.spec.secrets().map(|name| variable(name)))
                .collect(),
            services: ground.services.clone(),
            words: ground.words.clone(),
            actions: BTreeMap::new(),
        };
        collect_names(parted.iter().flatten(), &mut names, &self.notes);
        let mut number = 0;
        for (section, blocks) in sections.iter().zip(&parted) {
            let mut actions = Vec::new();
            for block in blocks {
                self.places.push(block.block.at.clone());
                if let Some(action) = self.action(block, number, &names, ground) {
                    actions.push(action);
                }
                number += 1;
            }
            self.steps.push(Step {
                title: section.heading.clone(),
                anchor: section.anchor.clone(),
                level: section.level,
                prose: section.prose.clone(),
                links: Vec::new(),
                actions,
            });
        }
        self.helped(&names);
        self.sources(&names);
        for (index, section) in sections.into_iter().enumerate() {
            self.anchors.insert(section.anchor, Some(index));
            self.links.extend(section.links.into_iter().map(|link| (Some(index), link)));
        }
    }

    /// Takes the title and what stands before the first step; a title with blocks is a step, too.
    fn introduce(&mut self, sections: &mut Vec<Section>) {
        let is_title = |section: &Section| section.level == 1;
        let Some(title) = sections.iter().position(is_title).filter(|at| *at <= 1) else {
            let start = sections.first().map_or(0, |section| section.at.start);
            self.notes.mistake(start..start + 1, "there is no title", "begin the document with # Title");
            return;
        };
        let mut before: Vec<Section> = sections.drain(..=title).collect();
        let Some(title) = before.pop() else { return };
        self.title.clone_from(&title.heading);
        for section in before {
            if let Some(block) = section.blocks.iter().find(|block| block.kind.is_some()) {
                self.notes.mistake(
                    block.at.clone(),
                    "this block stands before the title",
                    "put it below a heading",
                );
            }
            self.links.extend(section.links.into_iter().map(|link| (None, link)));
        }
        if title.blocks.iter().any(|block| block.kind.is_some()) {
            sections.insert(0, title);
        } else {
            // Its blocks are text; what was meant as an action is said.
            part(&title, &self.notes);
            self.intro.clone_from(&title.prose);
            self.anchors.insert(title.anchor, None);
            self.links.extend(title.links.into_iter().map(|link| (None, link)));
        }
    }

    fn action(
        &mut self,
        parted: &Parted<'_>,
        number: usize,
        names: &Names,
        ground: &Ground<'_>,
    ) -> Option<Action> {
        let compiler = Compiler { notes: &self.notes, names, number, uses: RefCell::default() };
        let (mut settings, targets) = settings::read(parted.kind, &parted.pairs, &compiler);
        let body = parted.body.whole();
        let act = if body.text().trim().is_empty() {
            let what = format!("this {} block says nothing to do", parted.kind.as_str());
            self.notes.mistake(parted.block.at.clone(), what, "write it, or take the block out");
            None
        } else {
            act::read(parted.kind, body, &compiler, &ground.permitted)
        };
        for target in targets {
            follow(&target, number, names, &self.notes, &mut settings);
        }
        let uses = compiler.uses.into_inner();
        let act = act?;
        if parted.kind == ActKind::Chat {
            let line = body.trimmed();
            self.calls.push((number, act::chat_begins(line.text()), line.at()));
        }
        let changes = match &act {
            act::Act::Http(http) => !http.reads() && !settings.reads,
            act::Act::Run(_) => !settings.reads,
            // Whether a command changes something is known when all commands are.
            act::Act::Promql(_) | act::Act::Logs(_) | act::Act::Trace(_) | act::Act::Chat(_) => false,
        };
        if changes && settings.follow.is_some() {
            let remedy = "take out #| follow, or say #| reads: true when it changes nothing";
            self.notes.mistake(parted.block.at.clone(), "what changes something is done once", remedy);
        }
        let mut services = uses.services;
        if let act::Act::Http(http) = &act {
            services.extend(http.service.clone());
        }
        usual_service(parted, &settings, &mut services, names, &self.notes);
        let before = parted.block.at.start;
        let line = self.notes.source.line(before).0;
        Some(Action { number, line, settings, act, changes, uses: uses.actions, services })
    }

    fn helped(&mut self, names: &Names) {
        let Some(matter) = &mut self.matter else { return };
        let Some((name, at)) = matter.helped.clone() else { return };
        match names.actions.get(&name) {
            Some(named) => matter.by_itself.helped = Some(named.number),
            None => {
                let known = names.actions.keys().map(String::as_str);
                let what = format!("no step is called `{name}`");
                self.notes.unknown(at, &name, what, known, "name the check that says whether it helped");
            }
        }
    }

    fn sources(&mut self, names: &Names) {
        let Some(matter) = &mut self.matter else { return };
        let written = std::mem::take(&mut matter.sources);
        if let [(_, at)] = written.as_slice() {
            let remedy = "name two or more steps that judge the same thing, or take it out";
            self.notes.mistake(at.clone(), "one source alone cannot disagree", remedy);
        }
        for (name, at) in written {
            match names.actions.get(&name) {
                Some(named) => self.sources.push(named.number),
                None => {
                    let known = names.actions.keys().map(String::as_str);
                    let what = format!("no step is called `{name}`");
                    self.notes.unknown(at, &name, what, known, "name steps that judge the same thing");
                }
            }
        }
    }

    /// What changes something must not be everybody's: called when it is known what does.
    pub fn guard(&self) {
        let Some(matter) = &self.matter else { return };
        for action in self.steps.iter().flat_map(|step| &step.actions).filter(|action| action.changes) {
            let role = action.settings.role.unwrap_or_default().max(matter.spec.role);
            if role == Role::Viewer
                && action.settings.approve.is_none()
                && let Some(at) = self.places.get(action.number)
            {
                let remedy = "write role: operator above, or #| approve: operator here; if it only reads, #| reads: true";
                self.notes.mistake(at.clone(), "this changes something, and every viewer may run it", remedy);
            }
        }
        self.guard_check(matter);
    }

    /// Whether an answer helped is looked at when its run is over: it must only read, and stand by itself.
    fn guard_check(&self, matter: &Matter) {
        let (Some(number), Some((name, at))) = (matter.by_itself.helped, &matter.helped) else { return };
        let mut actions = self.steps.iter().flat_map(|step| &step.actions);
        let Some(check) = actions.find(|action| action.number == number) else { return };
        if check.changes {
            let what = format!("`{name}` changes something, and is looked at again and again");
            self.notes.mistake(at.clone(), what, "name a check that only reads");
        } else if !check.uses.is_empty() {
            let what =
                format!("`{name}` needs what other steps found, and is looked at when they are long over");
            self.notes.mistake(at.clone(), what, "name a check that stands by itself");
        }
    }

    /// Whose steps can be chosen has no argument of its own that is called as the flag for it.
    pub fn may_choose(&self) {
        let Some(matter) = &self.matter else { return };
        let own = matter.spec.arguments.iter().map(|one| &one.name);
        let mut own = own.chain(matter.spec.flags.iter().map(|one| &one.name));
        if let (Some(_), Some(at)) = (own.find(|name| **name == STEP), matter.paths.first()) {
            let what = format!("it has links to its own steps and an argument `{STEP}`");
            self.notes.mistake(at.clone(), what, "call the argument something else, or take the links out");
        }
    }

    /// The runbook, when nothing is wrong with it; else its mistakes.
    pub fn settle(
        self,
        file: &str,
        digest: String,
        links: Vec<(Option<usize>, super::model::Link)>,
    ) -> Result<Runbook, Vec<crate::config::Mistake>> {
        let (matter, source) = match self.matter {
            Some(matter) if self.notes.count() == 0 => (matter, Arc::from(self.notes.source.text.as_str())),
            _ => return Err(self.notes.shown()),
        };
        let Matter { mut spec, environment, environment_flag, by_itself, .. } = matter;
        if links.iter().any(|(_, link)| matches!(link.to, Destination::Step(_))) {
            spec.flags.push(Flag::valued(STEP, Kind::Word, text::runbook::STEP));
        }
        let mut steps = self.steps;
        let mut intro = Vec::new();
        for (step, link) in links {
            match step.and_then(|step| steps.get_mut(step)) {
                Some(step) => step.links.push(link),
                None => intro.push(link),
            }
        }
        Ok(Runbook {
            file: file.to_owned(),
            digest,
            source,
            spec: Arc::new(spec),
            title: self.title,
            intro: self.intro,
            links: intro,
            environment,
            environment_flag,
            by_itself,
            sources: self.sources,
            steps,
            left_out: Vec::new(),
        })
    }
}

/// The blocks of a section that are actions, their settings parted.
fn part<'d>(section: &'d Section, notes: &Notes<'_>) -> Vec<Parted<'d>> {
    let mut all = Vec::new();
    for block in &section.blocks {
        let Some(kind) = block.kind else {
            let marked = block.body.text.lines().any(|line| line.trim_start().starts_with("#|"));
            if marked {
                let known = ActKind::ALL.map(ActKind::as_str);
                let what = format!("`{}` is no action, and this block has settings", block.language);
                let remedy = format!("actions are {}; other blocks are text", crate::config::list(known));
                notes.unknown(block.at.clone(), &block.language, what, known, remedy);
            }
            continue;
        };
        let (pairs, body) = settings::part(&block.body, notes);
        all.push(Parted { block, kind, pairs, body });
    }
    all
}

fn collect_names<'p>(blocks: impl Iterator<Item = &'p Parted<'p>>, names: &mut Names, notes: &Notes<'_>) {
    for (number, parted) in blocks.enumerate() {
        let Some(name) = settings::name(&parted.pairs) else { continue };
        let word = name.text();
        let problem = if names.actions.contains_key(word) {
            Some("another step has that name")
        } else if names.arguments.contains(word) {
            Some("an argument has that name")
        } else if names.services.contains(word) {
            Some("a service of the environments has that name")
        } else {
            settings::unfit(word)
        };
        match problem {
            Some(why) => notes.mistake(
                name.at(),
                format!("`{word}` cannot be a name: {why}"),
                "call it something else",
            ),
            None => drop(names.actions.insert(word.to_owned(), Named { kind: parted.kind, number })),
        }
    }
}

/// Settles the action that another goes on to: it must come later, so that nothing goes round for ever.
fn follow(
    target: &Target,
    number: usize,
    names: &Names,
    notes: &Notes<'_>,
    settings: &mut settings::Settings,
) {
    let later = || names.actions.iter().filter(|(_, named)| named.number > number);
    match names.actions.get(&target.name) {
        Some(named) if named.number > number => {
            if target.on_fail {
                settings.on_fail = Some(OnFail::Goto(named.number));
            } else {
                settings.on_pass = Some(named.number);
            }
        }
        Some(_) => {
            let what = format!("`{}` is not a later step, and this could go on for ever", target.name);
            notes.mistake(target.at.clone(), what, "go on to a step that stands below");
        }
        None => {
            let words = target.on_fail.then_some(["continue", "stop"]).into_iter().flatten();
            let known = later().map(|(name, _)| name.as_str()).chain(words);
            let what = format!("no step is called `{}`", target.name);
            let remedy =
                format!("later names are {}", crate::config::list(later().map(|(name, _)| name.as_str())));
            notes.unknown(target.at.clone(), &target.name, what, known, remedy);
        }
    }
}

/// The service that an action asks when it names none.
fn usual_service(
    parted: &Parted<'_>,
    settings: &settings::Settings,
    services: &mut BTreeSet<String>,
    names: &Names,
    notes: &Notes<'_>,
) {
    let Some(usual) = parted.kind.usual_service().filter(|_| settings.service.is_none()) else { return };
    if names.services.contains(usual) {
        services.insert(usual.to_owned());
    } else if !parted.pairs.iter().any(|(key, _)| key.text() == "service") {
        let what = format!("no environment has a service `{usual}`, which {} asks", parted.kind.as_str());
        let remedy = format!("add {usual} to [environment.…], or name another one: #| service: name");
        notes.mistake(parted.block.at.clone(), what, remedy);
    }
}
