//! A step with its values in it: what exactly it will do, as people read it, and how it is done. Never decides whether
//! it may be done.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::{sync::watch, time::Instant};
use url::Url;

use super::{
    act::{Act, LogsAct, Search, TraceCall},
    library::environments,
    model::Action,
    scope::Scope,
    template::NotRendered,
    world::{
        Fault, Found,
        fetch::{Fetch, Manner, Request},
        logs,
        program::{self, Allowed, Start},
        promql,
        reach::Reach,
        secrets::Secrets,
        trace,
    },
};
use crate::{
    config::{Environment, Settings},
    domain::duration,
    text::plain::plain,
};

/// How long what reads may take, and what runs, unless its step says otherwise.
const READS: Duration = Duration::from_secs(10);
const RUNS: Duration = Duration::from_mins(1);
/// No step takes longer than this, whatever it says.
const LONGEST: Duration = Duration::from_mins(30);
/// How old an answer may be that another step got to the same question, unless a step says otherwise.
const FRESH: Duration = Duration::from_secs(5);

/// What all runs share of the world: what may be asked and started, and answers that are some seconds old.
#[derive(Clone)]
pub(super) struct World {
    pub fetch: Fetch,
    environments: BTreeMap<String, Environment>,
    hosts: Vec<String>,
    allowed: Allowed,
}

impl World {
    pub fn new(settings: &Settings) -> reqwest::Result<Self> {
        let rules = &settings.runbook;
        Ok(Self {
            fetch: Fetch::new()?,
            environments: environments(settings),
            hosts: rules.hosts.clone(),
            allowed: Allowed { programs: rules.programs.clone(), scripts: rules.scripts.clone() },
        })
    }

    /// The same with other settings; answers of the last seconds and budgets stay.
    #[must_use]
    pub fn with(&self, settings: &Settings) -> Self {
        let rules = &settings.runbook;
        Self {
            fetch: self.fetch.clone(),
            environments: environments(settings),
            hosts: rules.hosts.clone(),
            allowed: Allowed { programs: rules.programs.clone(), scripts: rules.scripts.clone() },
        }
    }

    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// The environment that is taken when nobody names one.
    pub fn usual(&self) -> Option<&str> {
        let usual = self.environments.iter().find(|(_, environment)| environment.default);
        usual.or_else(|| self.environments.iter().next()).map(|(name, _)| name.as_str())
    }
}

/// The world as one environment sees it.
pub(super) struct Place {
    pub world: World,
    environment: Environment,
    pub secrets: Secrets,
    /// Answers from before are of another world: something was changed then, or is looked at anew.
    since: Mutex<Option<Instant>>,
}

impl Place {
    /// `told`: secrets that the run alone knows.
    pub fn new(world: &World, environment: &Environment, told: &[SecretString]) -> Self {
        let reach = Reach::new(environment, &world.hosts);
        let secrets = Secrets::new(reach.secrets().chain(told));
        Self { world: world.clone(), environment: environment.clone(), secrets, since: Mutex::default() }
    }

    /// From now on no answer counts that somebody got before.
    pub fn look_anew(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How old an answer may be that somebody else got to the same question.
    pub fn fresh(&self, action: &Action) -> Duration {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::MAX, |since| since.elapsed()).min(fresh(action))
    }

    /// A step may name another service than the usual one of its kind.
    pub fn reach(&self, action: &Action) -> Reach {
        let mut environment = self.environment.clone();
        let usual = action.act.kind().usual_service();
        let named = action.settings.service.as_ref().and_then(|name| environment.services.get(name).cloned());
        if let (Some(usual), Some(service)) = (usual, named) {
            environment.services.insert(usual.to_owned(), service);
        }
        Reach::new(&environment, &self.world.hosts)
    }
}

/// What will be done.
pub(super) enum Prepared {
    Http(Request),
    Promql(String),
    Logs(String, Value),
    Trace(trace::Query),
    Run(Vec<(String, Vec<String>)>),
    Chat(String),
}

impl Prepared {
    /// Puts the values in.
    pub fn new(act: &Act, scope: &Scope, now: Timestamp) -> Result<Self, NotRendered> {
        Ok(match act {
            Act::Http(http) => {
                let request = http.render(scope)?;
                Self::Http(Request {
                    method: request.method.to_owned(),
                    url: request.url,
                    headers: request.headers,
                    body: request.body.unwrap_or_default(),
                })
            }
            Act::Promql(promql) => Self::Promql(promql.render(scope)?),
            Act::Logs(logs) => {
                let search = logs.render(scope)?;
                let query = query(logs, &search);
                Self::Logs(search.index, query)
            }
            Act::Trace(trace) => Self::Trace(find(trace.render(scope)?, now)),
            Act::Run(run) => {
                let programs = run.programs.iter();
                let start = |program: &super::Program| Ok((program.name.clone(), program.render(scope)?));
                Self::Run(programs.map(start).collect::<Result<_, NotRendered>>()?)
            }
            Act::Chat(chat) => Self::Chat(chat.render(scope)?),
        })
    }

    /// As people read it: without headers, which may hold secrets.
    pub fn says(&self, secrets: &Secrets) -> String {
        let text = match self {
            Self::Http(request) if request.body.is_empty() => {
                format!("{} {}", request.method, bare(&request.url))
            }
            Self::Http(request) => {
                format!("{} {}\n{}", request.method, bare(&request.url), secrets.cover(&request.body))
            }
            Self::Promql(query) => query.clone(),
            Self::Logs(index, query) => format!("{index} {query}"),
            Self::Trace(trace::Query::Trace(id)) => format!("trace {id}"),
            Self::Trace(trace::Query::Find(words)) => {
                let words = words.iter().filter(|(name, _)| name != "start" && name != "end");
                words.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
            }
            Self::Run(programs) => {
                programs.iter().map(|one| line(one, secrets)).collect::<Vec<_>>().join("\n")
            }
            Self::Chat(text) => text.clone(),
        };
        let mut text = crate::text::plain::lines(&secrets.cover(&text));
        super::world::shorten(&mut text, crate::domain::run::WHAT_BYTES);
        text
    }

    /// Does it; `stop` ends what runs. Commands of the bot are the caller's business.
    pub async fn perform(
        &self,
        action: &Action,
        place: &Place,
        stop: &watch::Receiver<bool>,
    ) -> Result<Found, Fault> {
        let manner = Manner { timeout: patience(action), fresh: place.fresh(action) };
        let (fetch, reach, secrets) = (&place.world.fetch, &place.reach(action), &place.secrets);
        match self {
            Self::Http(request) => fetch.step(request.clone(), reach, secrets, manner).await,
            Self::Promql(query) => {
                let unit = action.settings.unit.as_deref().unwrap_or_default();
                Ok(promql::now(fetch, reach, query, manner).await?.into_found(unit, secrets))
            }
            Self::Logs(index, query) => logs::search(fetch, reach, index, query, secrets, manner).await,
            Self::Trace(query) => trace::find(fetch, reach, query, secrets, manner).await,
            Self::Run(programs) => run(programs, place, manner.timeout, stop).await,
            Self::Chat(_) => Err(Fault::NotAllowed("commands are not done here".to_owned())),
        }
    }
}

/// How long a step may take.
pub(super) fn patience(action: &Action) -> Duration {
    let usual = if matches!(action.act, Act::Run(_) | Act::Chat(_)) { RUNS } else { READS };
    let own = action.settings.timeout.and_then(|own| Duration::try_from(own).ok());
    own.unwrap_or(usual).min(LONGEST)
}

fn fresh(action: &Action) -> Duration {
    let own = action.settings.cache.and_then(|own| Duration::try_from(own).ok());
    own.unwrap_or(if action.changes { Duration::ZERO } else { FRESH })
}

/// An address without what a query may hold of a user.
fn bare(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    url.into()
}

/// A program and its arguments, so that people see where each begins.
fn line((program, arguments): &(String, Vec<String>), secrets: &Secrets) -> String {
    let word = |word: &String| {
        let simple = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "\"'\\".contains(c));
        if simple { word.clone() } else { format!("{word:?}") }
    };
    std::iter::once(program.clone())
        .chain(arguments.iter().map(|argument| word(&secrets.cover(argument))))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Programs one after the other; the first that fails is the last.
async fn run(
    programs: &[(String, Vec<String>)],
    place: &Place,
    timeout: Duration,
    stop: &watch::Receiver<bool>,
) -> Result<Found, Fault> {
    let mut all = Found::default();
    let began = Instant::now();
    let mut shown = Vec::new();
    for (program, arguments) in programs {
        let start = Start {
            program: program.clone(),
            arguments: arguments.clone(),
            environment: Vec::new(),
            folder: None,
            timeout: timeout.saturating_sub(began.elapsed()),
        };
        let found = program::run(&start, &place.world.allowed, &place.secrets, stop.clone()).await?;
        shown.push(found.shown);
        all.cut += found.cut;
        all.fields = found.fields;
        if all.fields.get("code").and_then(Value::as_i64) != Some(0) {
            break;
        }
    }
    all.shown = shown.join("\n");
    all.cut += super::world::shorten(&mut all.shown, super::world::OUTPUT);
    let json =
        all.fields.get("stdout").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    all.fields.insert("json".to_owned(), json.unwrap_or(Value::Null));
    Ok(all)
}

/// A search as Elasticsearch and OpenSearch take it.
fn query(logs: &LogsAct, search: &Search) -> Value {
    let looked_for = match (&search.words, &search.json) {
        (Some(words), _) => json!({"query_string": {"query": words}}),
        (None, Some(query)) => query.clone(),
        (None, None) => json!({"match_all": {}}),
    };
    let ago = |text: &Option<String>| {
        let ago = duration::parse(text.as_deref()?).ok()?;
        Some(Value::from(format!("now-{}s", ago.as_secs())))
    };
    let mut range = Map::new();
    range.extend(ago(&search.since).map(|since| ("gte".to_owned(), since)));
    range.extend(ago(&search.until).map(|until| ("lte".to_owned(), until)));
    let mut filter = Vec::new();
    if !range.is_empty() {
        let field = logs.time.clone();
        filter.push(json!({"range": Value::Object(Map::from_iter([(field, Value::Object(range))]))}));
    }
    let mut query = json!({"query": {"bool": {"must": [looked_for], "filter": filter}}, "size": search.size});
    if let (Some(sort), Some(query)) = (&logs.sort, query.as_object_mut()) {
        let (field, order) = sort.split_once(' ').unwrap_or((sort, "asc"));
        let order = Map::from_iter([(field.to_owned(), json!({"order": order.trim()}))]);
        query.insert("sort".to_owned(), json!([order]));
    }
    if let (Some(group), Some(query)) = (&logs.group, query.as_object_mut()) {
        query.insert("aggs".to_owned(), json!({"groups": {"terms": {"field": group}}}));
    }
    query
}

/// A search of traces with the instants between which Jaeger looks.
fn find(call: TraceCall, now: Timestamp) -> trace::Query {
    match call {
        TraceCall::One(id) => trace::Query::Trace(id),
        TraceCall::Search { mut parameters, since } => {
            if let Some(since) = since.and_then(|since| duration::parse(&since).ok()) {
                let from = now.checked_sub(since).unwrap_or(Timestamp::MIN);
                parameters.push(("start".to_owned(), from.as_microsecond().to_string()));
                parameters.push(("end".to_owned(), now.as_microsecond().to_string()));
            }
            trace::Query::Find(parameters)
        }
    }
}

/// The same as one short line.
pub(super) fn one_line(text: &str) -> String {
    plain(text.trim(), 300)
}

/// A time as the domain keeps it.
pub(super) fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}
