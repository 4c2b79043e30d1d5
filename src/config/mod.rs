//! The configuration folder: read, checked as a whole, resolved into the domain's view and into the addresses and
//! secrets around it. Never shows a secret, and never stops at the first mistake.
//!
//! `source` reads files, `syntax` says what is not TOML, `whole` sorts all tables, `section` and `value` read typed
//! values; `server`, `people`, `oncall` and `routes` each read their tables; `mistake` is what people see.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::Arc,
};

use toml::de::DeTable;

use crate::domain::{config::Config, delivery::Channel};

mod formats;
mod mail;
mod maintenance;
mod mistake;
mod oncall;
mod people;
mod routes;
mod section;
mod server;
mod settings;
mod slack;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod value;
mod whole;
mod words;

pub use formats::{channel, zone};
pub use mail::PAGERDUTY;
pub use mistake::{Finding, Gravity, Mistake, Mistakes};
pub use routes::Diagnostic;
pub use slack::SLACKS_OWN;

pub use settings::{
    Account, Address, Alive, ApiToken, Budget, Discord, Encryption, Environment, LISTEN, Mail, RoutingKey,
    Runbook, SecretUrl, Service, Settings, Slack, leads_to_itself, reached_at,
};

pub use source::{Place, Source};
pub use words::{list, nearest};

use people::Reach;
use section::Reader;
use whole::Whole;

/// A configuration that can come into force.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What decisions depend on.
    pub config: Arc<Config>,
    /// Addresses, secrets, where to listen.
    pub settings: Settings,
    /// What probably does not do what was meant.
    pub warnings: Vec<Mistake>,
}

/// Reads every `*.toml` of a folder, or the built-in copy, with `env` for environment variables.
///
/// # Errors
/// Every mistake of every file, warnings included. The configuration that was in force stays in force.
pub fn load(dir: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Mistakes> {
    let (sources, unreadable) = source::read(dir);
    let mut unreadable: Vec<Mistake> =
        unreadable.into_iter().map(|file| Mistake::of_file(file.shown, file.why, file.remedy)).collect();
    if sources.is_empty() {
        return Err(Mistakes { all: unreadable });
    }
    let (read, found) = read(&sources, dir, env, unreadable.is_empty());
    unreadable.extend(found);
    let mistakes = Mistakes { all: unreadable };
    match read {
        Some((config, settings)) if mistakes.count(Gravity::Mistake) == 0 => {
            Ok(Loaded { config: Arc::new(config), settings, warnings: mistakes.all })
        }
        _ => Err(mistakes),
    }
}

/// Checks a folder, or the built-in copy, and writes every mistake and a summary; true when it can be used.
/// `colours`: the output is a terminal that wants them.
///
/// # Errors
/// When `out` cannot be written to.
pub fn check(
    dir: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    out: &mut dyn io::Write,
    colours: bool,
) -> io::Result<bool> {
    let (mistakes, loaded) = match load(dir, env) {
        Ok(loaded) => (Mistakes { all: loaded.warnings.clone() }, Some(loaded)),
        Err(mistakes) => (mistakes, None),
    };
    if !mistakes.all.is_empty() {
        let text = if colours { format!("{mistakes:#}") } else { mistakes.to_string() };
        writeln!(out, "{text}")?;
    }
    let Some(loaded) = loaded else {
        writeln!(out, "config: {}", mistakes.summary())?;
        return Ok(false);
    };
    let warned = if mistakes.all.is_empty() { String::new() } else { format!(" ({})", mistakes.summary()) };
    writeln!(out, "config: fine{warned}: {}", inventory(&loaded.config))?;
    Ok(true)
}

/// `6 people, 3 teams, …`
fn inventory(config: &Config) -> String {
    [
        (config.people.len(), "person", "people"),
        (config.teams.len(), "team", "teams"),
        (config.schedules.len(), "schedule", "schedules"),
        (config.policies.len(), "policy", "policies"),
        (config.severities.len(), "severity", "severities"),
        (config.integrations.len(), "integration", "integrations"),
        (config.routes.len(), "route", "routes"),
    ]
    .map(|(count, one, more)| format!("{count} {}", if count == 1 { one } else { more }))
    .join(", ")
}

/// Whether output wants colours: it goes to a terminal, and `NO_COLOR` is not set.
pub fn colours(env: &dyn Fn(&str) -> Option<String>, terminal: bool) -> bool {
    terminal && env("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Reads all sources as one configuration; gives it, and everything that was found, in the order of the files.
/// `complete`: no file of the folder is missing among the sources.
fn read(
    sources: &[Source],
    folder: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
    complete: bool,
) -> (Option<(Config, Settings)>, Vec<Mistake>) {
    let mut files = Vec::new();
    let mut forms = Vec::new();
    let mut masks = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        let form = syntax::form(file, source, &errors);
        masks.extend(syntax::masks(file, source, &root, &form));
        files.push(root);
        forms.push(form);
    }
    let sound = complete && forms.iter().all(syntax::Form::is_sound);
    let (found, masks) = (RefCell::new(Vec::new()), RefCell::new(masks));
    let reader = Reader { sources, folder, env, complete, sound, found, masks };
    let result = {
        let mut whole = Whole::collect(&reader, &files);
        for (source, _) in sources.iter().zip(&forms).filter(|(_, form)| !form.is_sound()) {
            whole.add_swallowed(source);
        }
        resolve(&reader, &mut whole)
    };
    let masks = reader.masks.take();
    let mut found = reader.found.take();
    found.retain(|finding| !forms.get(finding.at.file).is_some_and(|form| form.covers(finding.at.from)));
    found.extend(forms.into_iter().flat_map(|form| form.findings));
    found.sort_by_key(|finding| finding.at);
    let shown = found
        .into_iter()
        .filter_map(|finding| {
            let source = sources.get(finding.at.file)?;
            Some(Mistake::shown(finding, source, &masks))
        })
        .collect();
    (result, shown)
}

fn resolve(reader: &Reader<'_>, whole: &mut Whole<'_>) -> Option<(Config, Settings)> {
    let default_severities = whole.all(whole::Kind::Severity).is_empty();
    if default_severities {
        for id in routes::default_severities().into_keys() {
            whole.names.add(whole::Kind::Severity, id.as_str());
        }
    }
    let whole = &*whole;
    let known = people::people(reader, whole);
    let teams = people::teams(reader, whole);
    let schedules = oncall::schedules(reader, whole);
    let (policies, aims) = oncall::policies(reader, whole);
    let paged = oncall::paged(reader, &aims, &teams, &schedules);
    for (person, by) in &paged {
        if let Some(known) = known.get(person) {
            reachable(reader, known, by);
        }
    }
    let severities =
        if default_severities { routes::default_severities() } else { routes::severities(reader, whole) };
    let graded = severities.values().any(|severity| !severity.labels.is_empty());
    let server = server::server(reader, whole);
    let exposed = !server.listen.ip().is_loopback();
    // Links lead elsewhere, so something brings callers from there.
    let elsewhere = server.public_url.as_ref().is_some_and(|url| !leads_to_itself(url));
    let api_tokens = server::api_tokens(reader, whole);
    let sources = routes::integrations(reader, whole, (exposed || elsewhere) && !api_tokens.is_empty());
    let table = routes::routes(reader, whole, graded);
    let (slack, discord) = (slack::slack(reader, whole), server::discord(reader, whole));
    let platforms = [
        slack.as_ref().map(|slack| (Channel::Slack, slack.rooms)),
        discord.as_ref().map(|discord| (Channel::Discord, discord.rooms)),
    ];
    let platforms = platforms.into_iter().flatten().collect();
    let strangers = [
        slack.as_ref().map(|slack| (Channel::Slack, slack.strangers)),
        discord.as_ref().map(|discord| (Channel::Discord, discord.strangers)),
    ];
    let strangers = strangers.into_iter().flatten().collect();
    let config = Config {
        digest: source::digest(reader.sources),
        people: known.iter().map(|(id, known)| (id.clone(), known.person.clone())).collect(),
        teams,
        schedules,
        policies,
        severities,
        integrations: sources.integrations,
        routes: table.routes,
        unrouted: routes::unrouted(reader, whole),
        maintenance: maintenance::maintenance(reader, whole),
        automatic: BTreeSet::new(),
        triggers: Vec::new(),
        offers: BTreeMap::new(),
        platforms,
        strangers,
    };
    let public_url = server.public_url.clone().or_else(|| reached_at(server.listen))?;
    let addresses = known.iter().flat_map(|(id, known)| {
        known.addresses.iter().map(|(contact, address)| ((id.clone(), contact.clone()), address.clone()))
    });
    let settings = Settings {
        listen: server.listen,
        public_url,
        data_dir: server.data_dir,
        signing_key: server.signing_key,
        api_tokens,
        integration_tokens: sources.tokens,
        integration_limits: sources.limits,
        addresses: addresses.collect(),
        accounts: known.iter().map(|(id, known)| (id.clone(), known.account.clone())).collect(),
        diagnostics: table.diagnostics,
        alive: server::alive(whole),
        mail: mail::mail(reader, whole),
        pagerduty: mail::pagerduty(reader, whole),
        slack,
        discord,
        environments: server::environments(reader, whole),
        runbook: server::runbook(whole),
    };
    // The tokens may stand in what could not be read.
    if let Some(at) = server.listen_at.filter(|_| exposed && reader.sound) {
        if let Err(why) = settings.may_listen(server.listen) {
            let remedy =
                "with a token every caller is somebody; on 127.0.0.1 the caller is the local operator";
            reader.mistake(at, why, None, remedy);
        } else if server.public_url.is_none() {
            let what =
                format!("links in pages begin with {}, which phones may not reach", settings.public_url);
            reader.warning(at, what, "say what people's links begin with: public_url = \"https://…\"");
        }
    } else if let Some(at) = server.public_url_at.filter(|_| elsewhere && reader.sound)
        && settings.api_tokens.is_empty()
    {
        // Most proxies call from this machine by its name, and do not say for whom.
        let what = "links lead to a proxy, and whoever comes through the proxy would be the operator";
        let remedy = "configure [api] tokens: with one every caller is somebody";
        reader.mistake(at, what, None, remedy);
    }
    Some((config, settings))
}

fn reachable(reader: &Reader<'_>, known: &people::Known, by: &str) {
    let id = &known.person.id;
    match known.reach {
        Reach::Always => {}
        Reach::Never => reader.mistake(
            known.at,
            format!("`{id}` is paged by {by} and has no contact"),
            None,
            "add contacts = { push = \"ntfy:https://SERVER/TOPIC\" } or another address that wakes them",
        ),
        Reach::ConsoleOnly => reader.warning(
            known.at,
            format!("`{id}` is paged by {by} and is only reached while a terminal console is open"),
            "add contacts = { push = \"ntfy:https://SERVER/TOPIC\" }",
        ),
        Reach::NoSender => reader.warning(
            known.at,
            format!("`{id}` is paged by {by}, and nothing is configured that sends to their contacts"),
            "add a push or a hook to their contacts",
        ),
    }
}
