//! Reads one argument: from a word to a person, an instant, an incident. Names are looked up in the configuration,
//! numbers are not: whether an incident exists is the engine's to say. Never asks a clock or the engine.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    nearest::nearest,
    spec::Kind,
    time::{self, Origin},
    words::{self, Word},
};
use crate::{
    domain::{
        config::Config,
        duration,
        id::{
            AlertId, DeploymentId, GroupId, IncidentId, OverrideId, PersonId, PolicyId, RunId, ScheduleId,
            SeverityId, SilenceId, TaskId, TeamId,
        },
        incident::{IncidentRole, IncidentStatus},
        intent::Whom,
        page::Target,
    },
    text::usage::{Problem, expected},
};

/// `resolved` is `/incident resolve`, and whoever writes it as a status means that.
const STATUSES: [IncidentStatus; 4] = [
    IncidentStatus::Investigating,
    IncidentStatus::Identified,
    IncidentStatus::Mitigated,
    IncidentStatus::Resolved,
];

/// What a word was read as.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Somebody.
    Person(PersonId),
    /// Nobody.
    Nobody,
    /// A schedule.
    Schedule(ScheduleId),
    /// A severity.
    Severity(SeverityId),
    /// An incident, which may not exist.
    Incident(IncidentId),
    /// A group, which may not exist.
    Group(GroupId),
    /// An alert, which may not exist.
    Alert(AlertId),
    /// An override, which may not exist.
    Override(OverrideId),
    /// A silence, which may not exist.
    Silence(SilenceId),
    /// A run, which may not exist.
    Run(RunId),
    /// A deployment, which may not exist.
    Deployment(DeploymentId),
    /// A task, which may not exist.
    Task(TaskId),
    /// What is to be acknowledged, which may not exist.
    Target(Target),
    /// Whom to page.
    Whom(Whom),
    /// Where a response stands.
    Status(IncidentStatus),
    /// What somebody does in an incident.
    IncidentRole(IncidentRole),
    /// An instant (civil time).
    Time(Timestamp),
    /// A duration, not negative.
    Duration(SignedDuration),
    /// A number.
    Number(u64),
    /// A word, a choice or a text.
    Text(String),
    /// A flag without a value is there.
    Given,
}

/// What words are read against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Names are looked up here.
    pub config: &'a Config,
    /// The zone of whoever wrote it.
    pub zone: &'a TimeZone,
    /// The instant (civil time).
    pub now: Timestamp,
    /// Who `me` is.
    pub me: Option<&'a PersonId>,
    /// The last instant that was read; `UNTIL` counts from it.
    pub anchor: Timestamp,
}

/// Reads a value from the first word, or the first two; says how many it took.
///
/// # Errors
/// With what is wrong, and the nearest right word.
pub fn read(name: &str, kind: &Kind, words: &[Word], ground: Ground<'_>) -> Result<(Value, usize), Problem> {
    let written = words.first().map(|word| word.text.as_str()).unwrap_or_default();
    let no = || not_read(name, kind, written, ground.zone);
    let value = match kind {
        Kind::PersonOrNone if ["none", "nobody", "-"].contains(&written.to_lowercase().as_str()) => {
            Value::Nobody
        }
        Kind::Person | Kind::PersonOrNone => Value::Person(person(written, ground)?),
        Kind::Schedule => Value::Schedule(lookup("schedule", written, &ground.config.schedules.keys())?),
        Kind::Severity => Value::Severity(severity(written, ground.config)?),
        Kind::Incident => Value::Incident(written.parse().map_err(|_| no())?),
        Kind::Group => Value::Group(written.parse().map_err(|_| no())?),
        Kind::Alert => Value::Alert(written.parse().map_err(|_| no())?),
        Kind::Override => Value::Override(written.parse().map_err(|_| no())?),
        Kind::Silence => Value::Silence(written.parse().map_err(|_| no())?),
        Kind::Run => Value::Run(written.parse().map_err(|_| no())?),
        Kind::Deployment => Value::Deployment(written.parse().map_err(|_| no())?),
        Kind::Task => Value::Task(written.parse().map_err(|_| no())?),
        Kind::Target => Value::Target(written.parse().map_err(|_| no())?),
        Kind::Whom => Value::Whom(whom(written, ground)?),
        Kind::Status => Value::Status(one_of(written, STATUSES, IncidentStatus::as_str).ok_or_else(no)?),
        Kind::IncidentRole => {
            Value::IncidentRole(one_of(written, IncidentRole::ALL, IncidentRole::as_str).ok_or_else(no)?)
        }
        Kind::Time | Kind::Until | Kind::Past => return instant(kind, words, ground).ok_or_else(no),
        Kind::Duration => Value::Duration(duration::parse(written).map_err(|_| no())?),
        Kind::Number(least, most) => {
            let number = written.parse().ok().filter(|number| (least..=most).contains(&number));
            Value::Number(number.ok_or_else(no)?)
        }
        Kind::Matchers | Kind::Words => {
            let (text, used) = up_to_a_flag(words, *kind == Kind::Words).ok_or_else(no)?;
            return Ok((Value::Text(text), used));
        }
        Kind::Word if written.is_empty() => return Err(no()),
        Kind::Word | Kind::Text => Value::Text(written.to_owned()),
        Kind::Choice(choices) => {
            let chosen = choices.iter().find(|choice| choice.eq_ignore_ascii_case(written)).ok_or_else(no)?;
            Value::Text(chosen.clone().into_owned())
        }
    };
    Ok((value, 1))
}

/// Words up to the next flag, as one text. `alone`: some in quotes are all of it.
fn up_to_a_flag(words: &[Word], alone: bool) -> Option<(String, usize)> {
    let first = words.first()?;
    let ours = |word: &&Word| word.quoted || words::flag(&word.text).is_none();
    let used = if alone && first.quoted { 1 } else { words.iter().take_while(ours).count() };
    let texts: Vec<&str> = words.iter().take(used).map(|word| word.text.as_str()).collect();
    let text = texts.join(" ").trim().to_owned();
    (!text.is_empty()).then_some((text, used))
}

/// The words that may stand for this kind, when they are few and fixed.
#[must_use]
pub fn fixed_words(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Status => STATUSES.iter().map(ToString::to_string).collect(),
        Kind::IncidentRole => IncidentRole::ALL.iter().map(ToString::to_string).collect(),
        Kind::Choice(choices) => choices.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn not_read(name: &str, kind: &Kind, written: &str, zone: &TimeZone) -> Problem {
    let words = fixed_words(kind);
    let expected = match kind {
        Kind::Incident => expected::id("an incident", "INC-42"),
        Kind::Group => expected::id("a group", "G-17"),
        Kind::Alert => expected::id("an alert", "A-5"),
        Kind::Override => expected::id("an override", "OV-3"),
        Kind::Silence => expected::id("a silence", "S-3"),
        Kind::Run => expected::id("a run", "R-7"),
        Kind::Deployment => expected::id("a deployment", "DEP-7"),
        Kind::Task => expected::id("a task", "T-3"),
        Kind::Target => expected::target(),
        Kind::Time => expected::time(zone),
        Kind::Until => expected::until(zone),
        Kind::Past => expected::past(zone),
        Kind::Duration => expected::duration(),
        Kind::Number(least, most) => expected::number(*least, *most),
        Kind::Matchers => expected::matchers(),
        Kind::Word | Kind::Words => expected::word(),
        _ => expected::one_of(&words),
    };
    let nearest = nearest(written, words.iter().map(String::as_str)).map(str::to_owned);
    Problem::NotRead { name: name.to_owned(), written: written.to_owned(), expected, nearest }
}

fn instant(kind: &Kind, words: &[Word], ground: Ground<'_>) -> Option<(Value, usize)> {
    let first = words.first()?;
    if *kind == Kind::Until
        && let Ok(wait) = duration::parse(&first.text)
    {
        return time::later(ground.anchor, wait).map(|at| (Value::Time(at), 1));
    }
    if *kind == Kind::Past
        && let Ok(ago) = duration::parse(&first.text)
    {
        let said = words.get(1).is_some_and(|word| !word.quoted && word.text.eq_ignore_ascii_case("ago"));
        let at = ground.now.checked_sub(ago).ok()?;
        return Some((Value::Time(at), 1 + usize::from(said)));
    }
    let read = if *kind == Kind::Past { time::past } else { time::instant };
    let texts: Vec<&str> = words.iter().take(2).map(|word| word.text.as_str()).collect();
    let origin = Origin { zone: ground.zone, now: ground.now, anchor: ground.anchor };
    // One word in quotes may hold a day and a clock: "tomorrow 09:00".
    let inside: Vec<&str> = first.text.split_whitespace().collect();
    if inside.len() > 1 {
        let (at, used) = read(&inside, origin)?;
        return (used == inside.len()).then_some((Value::Time(at), 1));
    }
    read(&texts, origin).map(|(at, used)| (Value::Time(at), used))
}

/// A name as it is written in the configuration, or in any other case.
fn lookup<'a, T>(
    what: &'static str,
    written: &str,
    names: &(impl Iterator<Item = &'a T> + Clone),
) -> Result<T, Problem>
where
    T: std::borrow::Borrow<str> + Clone + 'a,
{
    let bare = written.strip_prefix(what).and_then(|rest| rest.strip_prefix(':')).unwrap_or(written);
    let texts = || names.clone().map(std::borrow::Borrow::borrow);
    let exact = names.clone().find(|name| (*name).borrow() == bare);
    let found = exact.or_else(|| names.clone().find(|name| (*name).borrow().eq_ignore_ascii_case(bare)));
    found.cloned().ok_or_else(|| unknown(what, bare, texts()))
}

fn unknown<'a>(what: &'static str, written: &str, names: impl Iterator<Item = &'a str> + Clone) -> Problem {
    Problem::UnknownName {
        what,
        written: written.to_owned(),
        nearest: nearest(written, names.clone()).map(str::to_owned),
        known: names.map(str::to_owned).collect(),
    }
}

fn severity(written: &str, config: &Config) -> Result<SeverityId, Problem> {
    let called = |severity: &&crate::domain::config::Severity| severity.name.eq_ignore_ascii_case(written);
    match lookup("severity", written, &config.severities.keys()) {
        Err(problem) => config.severities.values().find(called).map(|s| s.id.clone()).ok_or(problem),
        found => found,
    }
}

/// A person: by id, as `me`, or by a full or first name that only one person has.
fn person(written: &str, ground: Ground<'_>) -> Result<PersonId, Problem> {
    let bare = written.strip_prefix("person:").unwrap_or(written);
    let bare = bare.strip_prefix('@').unwrap_or(bare);
    if bare.eq_ignore_ascii_case("me") && !ground.config.people.contains_key("me") {
        return ground.me.cloned().ok_or(Problem::NobodyIsMe);
    }
    lookup("person", bare, &ground.config.people.keys()).or_else(|problem| {
        let called = |name: &str| {
            let first = name.split_whitespace().next();
            name.eq_ignore_ascii_case(bare) || first.is_some_and(|first| first.eq_ignore_ascii_case(bare))
        };
        let mut named = ground.config.people.values().filter(|person| called(&person.name));
        match (named.next(), named.next()) {
            (Some(only), None) => Ok(only.id.clone()),
            (Some(one), Some(other)) => Err(Problem::Ambiguous {
                written: bare.to_owned(),
                could_be: vec![one.id.to_string(), other.id.to_string()],
            }),
            _ => Err(problem),
        }
    })
}

fn whom(written: &str, ground: Ground<'_>) -> Result<Whom, Problem> {
    let config = ground.config;
    let team = || lookup("team", written, &config.teams.keys()).map(Whom::Team);
    let policy = || lookup("policy", written, &config.policies.keys()).map(Whom::Policy);
    let someone = || person(written, ground).map(Whom::Person);
    match written.split_once(':').map(|(prefix, _)| prefix) {
        Some("team") => return team(),
        Some("policy") => return policy(),
        Some("person") => return someone(),
        _ if written.starts_with('@') => return someone().or_else(|problem| team().map_err(|_| problem)),
        _ => {}
    }
    let found: Vec<Whom> = [someone(), team(), policy()].into_iter().flatten().collect();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(unknown_whom(written, config)),
        several => {
            let with_prefix = several.iter().map(|whom| match whom {
                Whom::Person(id) => format!("person:{id}"),
                Whom::Team(id) => format!("team:{id}"),
                Whom::Policy(id) => format!("policy:{id}"),
            });
            Err(Problem::Ambiguous { written: written.to_owned(), could_be: with_prefix.collect() })
        }
    }
}

/// Nobody is called that: a name that several things share is offered once.
fn unknown_whom(written: &str, config: &Config) -> Problem {
    let people = config.people.keys().map(PersonId::as_str);
    let teams = config.teams.keys().map(TeamId::as_str);
    let policies = config.policies.keys().map(PolicyId::as_str);
    let names: std::collections::BTreeSet<&str> = people.chain(teams).chain(policies).collect();
    unknown("person, team or policy", written, names.iter().copied())
}

fn one_of<T: Copy, const N: usize>(written: &str, all: [T; N], name: fn(T) -> &'static str) -> Option<T> {
    all.into_iter().find(|one| name(*one).eq_ignore_ascii_case(written))
}
