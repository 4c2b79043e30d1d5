//! Guides: a step of a runbook by itself, the links that lead on from it, and where people stand. Never starts anything:
//! a step that does something is a run like any other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Runbook,
    matter::{ABOUT, INCIDENT, STEP},
    model::{Action, ByItself, Destination, Link, Step},
    prose,
    scope::written,
    settings::OnFail,
};
use crate::{
    command::{Answer, Call, CommandSpec, Kind, Name, Reply, Undone, Value as Argument},
    config::nearest,
    domain::{
        guide::GuideRead,
        id::{ChannelName, IncidentId},
        intent::Intent,
        run::{LinkTo, Part, PlannedLink, RunPlan, WORDS_BYTES},
        state::State,
    },
    text::guide as words,
};

/// Links of a whole run at most: its card has other buttons, too.
const MOST: usize = 15;

impl Runbook {
    /// Whether people choose a step of it.
    #[must_use]
    pub fn is_guide(&self) -> bool {
        self.guide
    }

    /// The place of a step by what links point to.
    fn place(&self, anchor: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.anchor == anchor)
    }

    /// A step and the deeper headings below it, by their places.
    fn section(&self, place: usize) -> std::ops::Range<usize> {
        let level = self.steps.get(place).map_or(0, |step| step.level);
        let below = self.steps.iter().skip(place + 1).take_while(|step| step.level > level).count();
        place..place + 1 + below
    }

    /// The section of a step as a runbook of its own: its actions, and before them the reading ones that they use.
    fn part(&self, place: usize) -> Self {
        let section = self.section(place);
        let own = self.steps.get(section).unwrap_or_default();
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<&Action> = own.iter().flat_map(|step| &step.actions).collect();
        // What would have stopped the whole before it stops the part, too.
        let first = open.first().map_or(0, |action| action.number);
        let guards = |action: &&Action| !action.changes && action.settings.on_fail == Some(OnFail::Stop);
        open.extend(self.actions().take(first).filter(guards));
        while let Some(action) = open.pop() {
            if kept.insert(action.number) {
                let used = action.uses.iter().filter_map(|number| self.action(*number));
                open.extend(used.filter(|used| !used.changes));
            }
        }
        let places: BTreeMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let steps: Vec<Step> = self
            .steps
            .iter()
            .map(|step| Step {
                actions: step.actions.iter().filter_map(|action| moved(action, &places)).collect(),
                ..step.clone()
            })
            .filter(|step| !step.actions.is_empty())
            .collect();
        let gone = self.actions().filter(|action| !places.contains_key(&action.number));
        let heading = self.steps.get(place).map(|step| step.title.as_str()).unwrap_or_default();
        Self {
            title: words::part(&self.title, heading),
            left_out: gone.filter_map(|action| action.settings.name.clone()).collect(),
            by_itself: ByItself::default(),
            steps,
            ..self.clone()
        }
    }
}

/// An action with its number among those that are kept. What it would go on to elsewhere is the end here.
fn moved(action: &Action, places: &BTreeMap<usize, usize>) -> Option<Action> {
    let mut action = Action { number: *places.get(&action.number)?, ..action.clone() };
    action.uses = action.uses.iter().filter_map(|used| places.get(used).copied()).collect();
    let settings = &mut action.settings;
    settings.on_pass = settings.on_pass.map(|to| places.get(&to).copied().unwrap_or(places.len()));
    if let Some(OnFail::Goto(to)) = settings.on_fail {
        settings.on_fail = Some(places.get(&to).map_or(OnFail::Stop, |to| OnFail::Goto(*to)));
    }
    Some(action)
}

/// A runbook as a run of it was planned; none: it has no such step any more.
pub(super) fn as_planned(runbook: &Arc<Runbook>, plan: &RunPlan) -> Option<Arc<Runbook>> {
    planned(runbook, plan.part.as_ref())
}

/// A runbook, or the step of it that is done by itself.
pub(super) fn planned(runbook: &Arc<Runbook>, part: Option<&Part>) -> Option<Arc<Runbook>> {
    match part {
        None => Some(Arc::clone(runbook)),
        Some(part) => Some(Arc::new(runbook.part(runbook.place(&part.anchor)?))),
    }
}

/// What is said of a step that was chosen.
pub(super) struct About {
    pub part: Part,
    /// Where it leads.
    pub links: Vec<PlannedLink>,
}

impl About {
    /// None: there is no such step.
    pub fn new(runbook: &Runbook, anchor: &str, given: &Given) -> Option<Self> {
        let place = runbook.place(anchor)?;
        let part = Part {
            guide: runbook.title.clone(),
            anchor: anchor.to_owned(),
            heading: runbook.steps.get(place)?.title.clone(),
            prose: shortened(prose_of(runbook, place)),
        };
        Some(Self { part, links: leads_on(runbook, place, given) })
    }
}

/// The incident that a call is about: the one that it names, or the one of its channel.
pub(super) fn incident_of(
    state: &State,
    named: Option<IncidentId>,
    channel: Option<&ChannelName>,
) -> Option<IncidentId> {
    named.filter(|id| state.incidents.contains_key(id)).or_else(|| incident_here(state, channel))
}

/// The incident that a call names, if it does.
pub(super) fn named(call: &Call<'_>) -> Option<IncidentId> {
    call.get::<IncidentId>(ABOUT).or_else(|| call.get::<IncidentId>(INCIDENT))
}

/// The newest open incident that is told in a channel: an old one of the same channel is over.
fn incident_here(state: &State, channel: Option<&ChannelName>) -> Option<IncidentId> {
    state.incident_told_in(channel?)
}

type Given = BTreeMap<String, Argument>;

/// What a whole run links to: its introduction and its steps.
pub(super) fn links_of_all(runbook: &Runbook, given: &Given) -> Vec<PlannedLink> {
    let all = runbook.links.iter().chain(runbook.steps.iter().flat_map(|step| &step.links));
    links(runbook, all, given)
}

fn links<'a>(runbook: &Runbook, all: impl Iterator<Item = &'a Link>, given: &Given) -> Vec<PlannedLink> {
    let mut found: Vec<PlannedLink> = Vec::new();
    for link in all {
        let to = match &link.to {
            Destination::Web(url) => LinkTo::Web(url.to_string()),
            Destination::Runbook { command, chosen: None, .. } => LinkTo::Command(command.as_str().into()),
            Destination::Runbook { command, chosen: Some(step), .. } => {
                LinkTo::Command(format!("{command} --{STEP} {step}").into())
            }
            Destination::Step(place) => match runbook.steps.get(*place) {
                Some(step) => LinkTo::Command(choosing(runbook, Some(&step.anchor), given).into()),
                None => continue,
            },
        };
        let fits = to.as_str().len() <= WORDS_BYTES && link.text.len() <= WORDS_BYTES;
        if fits && found.len() < MOST && !found.iter().any(|known| known.to == to) {
            found.push(PlannedLink { words: link.text.clone(), to });
        }
    }
    found
}

/// The command that chooses a step, or shows the guide, with what this call was told.
fn choosing(runbook: &Runbook, anchor: Option<&str>, given: &Given) -> String {
    let step = anchor.map(|anchor| format!(" --{STEP} {anchor}")).unwrap_or_default();
    format!("{}{step}{}", runbook.command(), told(&runbook.spec, given))
}

/// What a call was told, as it is written again; what cannot be written in quotes is left out.
fn told(spec: &CommandSpec, given: &Given) -> String {
    let word = |value: &Argument| {
        let text = written(value).to_string();
        let bare = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "\"'“”‘’«»".contains(c));
        if bare { Some(text) } else { (!text.contains('"')).then(|| format!("\"{text}\"")) }
    };
    let usual = |default: Option<&Name>, value: &Argument| {
        default.is_some_and(|default| **default == written(value).to_string())
    };
    let mut said = String::new();
    for flag in spec.flags.iter().filter(|flag| flag.name != STEP && !flag.secret) {
        let Some(value) = given.get(&*flag.name) else { continue };
        if flag.kind.is_none() {
            said.extend([" --", &flag.name]);
        } else if let Some(word) = word(value).filter(|_| !usual(flag.default.as_ref(), value)) {
            said.extend([" --", &flag.name, " ", &word]);
        }
    }
    for argument in spec.arguments.iter().filter(|argument| !argument.secret) {
        let Some(value) = given.get(&*argument.name) else { continue };
        if argument.kind == Kind::Text {
            said.extend([" ", &written(value).to_string()]);
        } else if let Some(word) = word(value).filter(|_| !usual(argument.default.as_ref(), value)) {
            said.extend([" ", &word]);
        }
    }
    said
}

/// What a call of a guide means.
pub(super) enum Chosen {
    /// All of it.
    Whole,
    /// This step, which does something: as a runbook of its own, and what its card says beside that.
    Does(Arc<Runbook>, About),
    /// Something that only has to be shown.
    Shown(Reply),
}

/// Finds out what a call means: the guide itself, a step that is read, or one that does something.
///
/// # Errors
/// There is no such step.
pub(super) async fn choose(call: &Call<'_>, runbook: &Arc<Runbook>) -> Result<Chosen, Undone> {
    let Some(anchor) = call.get::<String>(STEP) else {
        if runbook.is_guide() {
            return Ok(Chosen::Shown(overview(call, runbook).await?));
        }
        return Ok(Chosen::Whole);
    };
    let anchor = anchor.trim_start_matches('#').to_lowercase();
    let about = About::new(runbook, &anchor, &call.parsed.values);
    let found = about.and_then(|about| Some((planned(runbook, Some(&about.part))?, about)));
    let Some((apart, about)) = found else {
        let known: Vec<&str> = runbook.steps.iter().map(|step| step.anchor.as_str()).collect();
        let near = nearest(&anchor, known.iter().copied());
        let card = words::no_step(&runbook.command(), &anchor, near, &known);
        return Err(Reply::refused(card).into());
    };
    if apart.actions().next().is_some() {
        return Ok(Chosen::Does(apart, about));
    }
    Ok(Chosen::Shown(read(call, runbook, &about).await?))
}

/// The words of a step and of the headings below it.
fn prose_of(runbook: &Runbook, place: usize) -> String {
    let section = runbook.section(place);
    let steps = runbook.steps.get(section).unwrap_or_default();
    let mut paragraphs = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        if number > 0 {
            paragraphs.push(step.title.clone());
        }
        paragraphs.push(prose::read(&step.prose));
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

fn shortened(mut text: String) -> String {
    super::world::shorten(&mut text, WORDS_BYTES);
    text
}

/// Where a step leads: its links, the next step, and back to the guide.
fn leads_on(runbook: &Runbook, place: usize, given: &Given) -> Vec<PlannedLink> {
    let section = runbook.section(place);
    let steps = runbook.steps.get(section.clone()).unwrap_or_default();
    let mut all = links(runbook, steps.iter().flat_map(|step| &step.links), given);
    let mut add = |words: String, command: String| {
        let to = LinkTo::Command(command.into());
        if to.as_str().len() <= WORDS_BYTES && words.len() <= WORDS_BYTES {
            all.push(PlannedLink { words, to });
        }
    };
    if let Some(next) = runbook.steps.get(section.end) {
        add(words::next(&next.title), choosing(runbook, Some(&next.anchor), given));
    }
    if runbook.is_guide() {
        add(words::BACK.to_owned(), choosing(runbook, None, given));
    }
    all
}

/// The guide itself: its introduction with its links, and where people stand in it.
async fn overview(call: &Call<'_>, runbook: &Arc<Runbook>) -> Answer {
    let links = links(runbook, runbook.links.iter(), &call.parsed.values);
    let (title, intro, command) = (runbook.title.clone(), prose::read(&runbook.intro), runbook.command());
    let (guide, given) = (Arc::clone(runbook), call.parsed.values.clone());
    let (channel, named) = (call.channel.clone(), named(call));
    let card = call.scene(move |scene| {
        let incident = incident_of(scene.state, named, channel.as_ref());
        let incident = incident.and_then(|id| scene.state.incidents.get(&id));
        let been =
            incident.and_then(|one| Some((one.id, one.guides.iter().find(|one| one.runbook == command)?)));
        // A step that the file does not have any more leads nowhere.
        let stands =
            been.and_then(|(_, been)| been.place()).filter(|step| guide.place(&step.anchor).is_some());
        let go_on = stands.map(|step| PlannedLink {
            words: words::go_on(&step.heading),
            to: LinkTo::Command(choosing(&guide, Some(&step.anchor), &given).into()),
        });
        let links: Vec<PlannedLink> = go_on.into_iter().chain(links).collect();
        words::overview(scene, &title, &intro, been, &links)
    });
    Ok(Reply::done(card.await?))
}

/// A step that is read. For an incident it is kept that somebody did.
async fn read(call: &Call<'_>, runbook: &Runbook, about: &About) -> Answer {
    let part = &about.part;
    let (channel, named) = (call.channel.clone(), named(call));
    let incident = call.read(move |look| incident_of(look.state, named, channel.as_ref())).await?;
    if let Some(incident) = incident {
        let read = GuideRead {
            incident,
            runbook: runbook.command(),
            title: part.guide.clone(),
            anchor: part.anchor.clone(),
            heading: part.heading.clone(),
            by: call.caller.actor.clone(),
        };
        call.submit(Intent::ReadGuide(read)).await?;
    }
    Ok(Reply::done(words::step(part, incident, &about.links)))
}
