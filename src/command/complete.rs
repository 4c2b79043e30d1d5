//! What may stand at the cursor: the next word of a path, a name, an open incident, a flag. Pure, and never offers
//! what the caller may not use.

use super::{
    Caller, Registry,
    read::{self, Ground, Value},
    spec::{CommandSpec, Kind},
    words::{self, Word},
};
use crate::{domain::person::Role, engine::Look, text};

/// How many completions are offered at most.
pub const MOST: usize = 25;

/// One thing that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Completion {
    /// What to write instead of the bytes `start..end`.
    pub text: String,
    /// Where it begins.
    pub start: usize,
    /// Where what it replaces ends.
    pub end: usize,
    /// What it is, in a few words.
    pub about: String,
}

/// What may stand at the cursor (a byte offset into the text).
#[must_use]
pub fn complete(
    registry: &Registry,
    look: &Look<'_>,
    caller: &Caller,
    text: &str,
    cursor: usize,
) -> Vec<Completion> {
    let cursor = (0..=cursor.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let typed = text.get(..cursor).unwrap_or_default();
    let command = super::parse::bare(typed, registry);
    // An end that is trimmed is an end where a new word begins.
    let blank = typed.ends_with(char::is_whitespace) || command.is_empty();
    let mut done = words::split(command);
    let last = if blank { None } else { done.pop() };
    // Without a blank at its end the command ends at the cursor.
    let start = last.as_ref().map_or(cursor, |word| cursor - command.len().min(cursor) + word.start);
    // Made small once: it is compared with every name that there is.
    let begun = last.map(|word| word.text.to_lowercase()).unwrap_or_default();
    let begun = begun.trim_start_matches('@');

    let path = super::parse::path_words(&done);
    let role = caller.role(look.config);
    let mut offers: Vec<(String, String)> =
        if path.len() == done.len() { next_words(registry, &path, role) } else { Vec::new() };
    if let Some((entry, taken)) = registry.find(&path)
        && entry.spec.role <= role
    {
        let ground = super::ground(look.config, caller, look.now.civil);
        offers.extend(arguments(&entry.spec, done.get(taken..).unwrap_or_default(), ground, look, begun));
    }
    offers
        .into_iter()
        .filter(|(text, _)| begins(text, begun))
        .take(MOST)
        .map(|(text, about)| Completion { text, start, end: cursor, about })
        .collect()
}

/// Whether something is what was begun to be typed, in lower case.
fn begins(offer: &str, begun: &str) -> bool {
    offer.to_lowercase().starts_with(begun)
}

/// The words that may follow the beginning of a path.
fn next_words(registry: &Registry, path: &[String], role: Role) -> Vec<(String, String)> {
    let mut words: Vec<(String, String)> = Vec::new();
    for spec in registry.under(path).filter(|spec| spec.role <= role) {
        let Some(word) = spec.path.get(path.len()) else { continue };
        let is_whole = spec.path.len() == path.len() + 1;
        let about = if is_whole { spec.summary.to_string() } else { "…".to_owned() };
        if words.last().is_none_or(|(last, _)| last != word) {
            words.push((word.to_string(), about));
        }
    }
    words
}

/// What may stand after these words of a command.
fn arguments(
    spec: &CommandSpec,
    done: &[Word],
    ground: Ground<'_>,
    look: &Look<'_>,
    begun: &str,
) -> Vec<(String, String)> {
    let mut ground = ground;
    let mut offers = Vec::new();
    let mut flags: Vec<_> = spec.flags.iter().collect();
    let mut rest = done;
    let mut open = true;
    let mut take_flags = |rest: &mut &[Word], offers: &mut Vec<(String, String)>| {
        while let Some(written) =
            rest.first().filter(|word| !word.quoted).and_then(|word| words::flag(&word.text))
        {
            let name = written.split('=').next().unwrap_or_default();
            let Some(at) = flags.iter().position(|flag| flag.name == name) else { return };
            let flag = flags.remove(at);
            *rest = rest.get(1..).unwrap_or_default();
            if let (Some(kind), false) = (&flag.kind, written.contains('=')) {
                if rest.is_empty() {
                    offers.extend(values(kind, look, begun));
                }
                *rest = rest.get(1..).unwrap_or_default();
            }
        }
    };
    for argument in &spec.arguments {
        take_flags(&mut rest, &mut offers);
        if rest.is_empty() {
            if open {
                offers.extend(values(&argument.kind, look, begun));
            }
            // What follows an optional argument may stand here as well.
            open = open && !argument.required;
        } else if argument.kind == Kind::Text {
            return Vec::new();
        } else if let Ok((value, used)) = read::read(&argument.name, &argument.kind, rest, ground) {
            if let Value::Time(at) = value {
                ground.anchor = at;
            }
            rest = rest.get(used..).unwrap_or_default();
        }
    }
    take_flags(&mut rest, &mut offers);
    if begun.starts_with(['-', '—', '–']) {
        offers.extend(flags.iter().map(|flag| (format!("--{}", flag.name), flag.about.to_string())));
    }
    offers
}

/// What a kind may be right now; of what there may be very many, the newest that begin like that.
pub(super) fn values(kind: &Kind, look: &Look<'_>, begun: &str) -> Vec<(String, String)> {
    let (state, config) = (look.state, look.config);
    let people = || config.people.values().map(|p| (p.id.to_string(), p.name.clone()));
    let teams = || config.teams.keys().map(|id| (id.to_string(), "team".to_owned()));
    let policies = || config.policies.keys().map(|id| (id.to_string(), "policy".to_owned()));
    let incidents = || {
        let open = state.incidents.values().rev().filter(|incident| incident.is_open());
        let open = open.map(|incident| (incident.id.to_string(), incident));
        let open = open.filter(|(id, _)| begins(id, begun)).take(MOST);
        open.map(|(id, incident)| (id, incident.title.to_string()))
    };
    let groups = || {
        let newest = state.groups.values().rev().map(|group| (group.id.to_string(), group));
        let newest = newest.filter(|(id, _)| begins(id, begun)).take(MOST);
        newest.map(|(id, group)| (id, group.title.clone()))
    };
    let alerts = || {
        let newest = state.alerts.values().rev().map(|alert| (alert.id.to_string(), alert));
        let newest = newest.filter(|(id, _)| begins(id, begun)).take(MOST);
        newest.map(|(id, alert)| (id, alert.name().to_owned()))
    };
    match kind {
        Kind::Person => people().collect(),
        Kind::PersonOrNone => people().chain([("none".to_owned(), "nobody".to_owned())]).collect(),
        Kind::Whom => people().chain(teams()).chain(policies()).collect(),
        Kind::Schedule => config.schedules.keys().map(|id| (id.to_string(), "schedule".to_owned())).collect(),
        Kind::Severity => config
            .severities
            .values()
            .map(|severity| (severity.id.to_string(), format!("{}: {}", severity.name, severity.means)))
            .collect(),
        Kind::Incident => incidents().collect(),
        Kind::Group => groups().collect(),
        Kind::Alert => alerts().collect(),
        Kind::Target => incidents().chain(groups()).collect(),
        Kind::Run => {
            let live = state.runs.values().rev().map(|run| (run.id.to_string(), run));
            let live = live.filter(|(id, _)| begins(id, begun)).take(MOST);
            live.map(|(id, run)| (id, run.plan.title.clone())).collect()
        }
        Kind::Deployment => {
            let kept =
                state.deployments.kept.values().rev().map(|one| (one.said.deployment.to_string(), one));
            let kept = kept.filter(|(id, _)| begins(id, begun)).take(MOST);
            kept.map(|(id, one)| (id, text::deployment::what(&one.said))).collect()
        }
        Kind::Override => state
            .overrides
            .values()
            .filter(|one| one.until > look.now.civil)
            .map(|one| (one.id.to_string(), format!("{} for {}", one.person, one.schedule)))
            .collect(),
        Kind::Task => {
            let open = state.tasks.values().rev().filter(|task| task.is_open());
            let open = open.map(|task| (task.id.to_string(), task));
            let open = open.filter(|(id, _)| begins(id, begun)).take(MOST);
            open.map(|(id, task)| (id, text::plain::plain(task.text.as_str(), text::plain::NAME))).collect()
        }
        Kind::Past => ["now", "10m", "1h"].map(|word| (word.to_owned(), "time".to_owned())).into(),
        Kind::Time => ["now", "today", "tomorrow"].map(|word| (word.to_owned(), "time".to_owned())).into(),
        Kind::Until => {
            ["1h", "8h", "1d", "tomorrow"].map(|word| (word.to_owned(), "until".to_owned())).into()
        }
        Kind::Status | Kind::IncidentRole | Kind::Choice(_) => {
            read::fixed_words(kind).into_iter().map(|word| (word, String::new())).collect()
        }
        Kind::Silence => {
            let all = state.quiet.silences.values().rev().map(|one| (one.id.to_string(), one));
            let all = all.filter(|(id, _)| begins(id, begun)).take(MOST);
            all.map(|(id, one)| (id, one.comment.to_string())).collect()
        }
        Kind::Duration | Kind::Number(..) | Kind::Word | Kind::Words | Kind::Matchers | Kind::Text => {
            Vec::new()
        }
    }
}
