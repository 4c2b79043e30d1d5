//! What is in force beside the engine, in one place, and how another configuration takes its place: read and checked as
//! a whole, then exchanged between two intents. Never a part of it, and never anything of one that has a mistake.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use secrecy::ExposeSecret as _;
use tokio::{sync::watch, task::JoinHandle};
use tracing::{error, info, warn};

use super::doctor::{self, Inside};
use crate::{
    command::{Caretaker, Commands, Found, NotReloaded, Registry, Reloaded, care::Caring},
    config::{ApiToken, Environment, Gravity, Loaded, Mistakes, Settings},
    domain::{
        config::Config,
        event::{Actor, TraceId},
        reload::{self, Part, Things},
    },
    engine::{Coming, Engine},
    links::Links,
    metrics::Metrics,
    runbook::{Executor, Library},
    text::house,
    web::Access,
};

/// How the configuration is read anew.
#[derive(Clone)]
pub struct Rereads(Arc<Reading>);

/// Reads and checks the whole configuration.
type Reading = dyn Fn() -> Result<Loaded, Mistakes> + Send + Sync;

impl Rereads {
    /// By this.
    pub fn by(read: impl Fn() -> Result<Loaded, Mistakes> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads it now.
    ///
    /// # Errors
    /// All its mistakes.
    pub fn read(&self) -> Result<Loaded, Mistakes> {
        (self.0)()
    }
}

impl fmt::Debug for Rereads {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Rereads(…)")
    }
}

/// What is in force beside the engine.
pub(super) struct InForce {
    pub engine: Engine,
    pub rereads: Option<Rereads>,
    /// The folder with the runbooks.
    pub folder: Option<PathBuf>,
    /// Where it really listens.
    pub address: SocketAddr,
    /// The settings with which the process began: what only a start takes over is compared with them.
    pub begun: Settings,
    /// Addresses and accounts.
    pub book: Arc<RwLock<Arc<Settings>>>,
    pub access: Arc<watch::Sender<Arc<Access>>>,
    pub commands: Commands,
    pub executor: Executor,
    pub links: Links,
    pub metrics: Metrics,
    pub alive: Mutex<Option<JoinHandle<()>>>,
    pub inside: Inside,
    /// One reload after the other; what the last one said, to tell what the next one changes.
    pub turn: tokio::sync::Mutex<BTreeMap<Part, Things>>,
}

/// Looks after the house.
pub(super) struct Keeper(pub Arc<InForce>);

impl Caretaker for Keeper {
    fn reload(&self, by: Actor, trace: TraceId) -> Caring<'_, Result<Reloaded, NotReloaded>> {
        let in_force = Arc::clone(&self.0);
        // Whoever asked may go away: what was begun is done to its end.
        let doing = tokio::spawn(async move { in_force.reload(by, trace).await });
        Box::pin(async move {
            let stopped = |_| Err(NotReloaded::NotTaken(crate::engine::Rejected::Stopped));
            doing.await.unwrap_or_else(stopped)
        })
    }

    fn examine(&self) -> Caring<'_, Vec<Found>> {
        let in_force = Arc::clone(&self.0);
        Box::pin(async move {
            let settings = in_force.settings();
            doctor::inside(&in_force.inside, &in_force.engine, &settings, in_force.rereads.as_ref()).await
        })
    }
}

/// A configuration that is right, with all that is made from it.
struct Right {
    config: Arc<Config>,
    settings: Settings,
    library: Arc<Library>,
    warnings: Vec<String>,
}

impl InForce {
    /// The settings in force.
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads everything anew and puts it into force, or changes nothing; says so in the log either way.
    async fn reload(&self, by: Actor, trace: TraceId) -> Result<Reloaded, NotReloaded> {
        let who = by.to_string();
        let done = self.take_over(by, trace).await;
        match &done {
            Ok(reloaded) => {
                for change in &reloaded.changes {
                    info!(%trace, by = who, "{}", house::change(change));
                }
                for warning in &reloaded.warnings {
                    warn!(%trace, "{warning}");
                }
                let at_restart = reloaded.at_restart.join(", ");
                info!(%trace, by = who, digest = reloaded.digest, at_restart, "a new configuration is in force");
            }
            Err(NotReloaded::Mistakes { text, summary }) => {
                error!(%trace, by = who, summary, "nothing was changed: the configuration has mistakes\n{text}");
            }
            Err(NotReloaded::Impossible(why)) => {
                error!(%trace, by = who, why, "nothing was changed: only a start takes this over");
            }
            Err(why) => warn!(%trace, by = who, ?why, "nothing was changed"),
        }
        done
    }

    async fn take_over(&self, by: Actor, trace: TraceId) -> Result<Reloaded, NotReloaded> {
        let mut before = self.turn.lock().await;
        let rereads = self.rereads.clone().ok_or(NotReloaded::NothingToRead)?;
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || read(&rereads, folder));
        let right = read.await.map_err(|_| NotReloaded::NotTaken(crate::engine::Rejected::Stopped))??;
        let at_restart = self.at_restart(&right.settings)?;
        let now = things(&right.config, &right.settings, &right.library);
        let changes = reload::changes(&before, &now);
        let reloaded = Reloaded {
            digest: right.config.digest.clone(),
            changes: changes.clone(),
            at_restart,
            warnings: right.warnings.clone(),
        };
        let alive = (self.settings().alive != right.settings.alive).then(|| right.settings.clone());
        let config = Arc::clone(&right.config);
        let beside = self.exchange(right);
        let taken = self.engine.reload(Coming { config, trace, by: Some(by), changes, beside }).await;
        taken.map_err(NotReloaded::NotTaken)?;
        *before = now;
        if let Some(settings) = alive {
            let mut beating = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(old) = beating.take() {
                old.abort();
            }
            *beating = super::start_heartbeat(&settings, &self.engine);
        }
        Ok(reloaded)
    }

    /// All that is exchanged beside the engine's own, made before: what is left are pointers.
    fn exchange(&self, right: Right) -> Box<dyn FnOnce() + Send> {
        let Right { config, mut settings, library, .. } = right;
        settings.listen = self.address;
        super::lead_here(&mut settings.public_url, self.begun.listen, self.address);
        let access = Arc::new(super::access(&config, &settings));
        let registry = library.register(Registry::builtin(), Some(&self.executor));
        let settings = Arc::new(settings);
        let (book, links, metrics) = (Arc::clone(&self.book), self.links.clone(), self.metrics.clone());
        let ways = self.engine.ways().clone();
        let (tell, commands, executor) =
            (Arc::clone(&self.access), self.commands.clone(), self.executor.clone());
        Box::new(move || {
            metrics.integrations(config.integrations.keys());
            tell.send_replace(access);
            links.begin_with(settings.public_url.clone());
            ways.begin_anew();
            executor.replace(&settings, &library);
            *book.write().unwrap_or_else(PoisonError::into_inner) = settings;
            commands.replace(registry);
        })
    }

    /// What only a start takes over, as it is called in the configuration.
    ///
    /// # Errors
    /// The rest cannot come into force without it.
    fn at_restart(&self, new: &Settings) -> Result<Vec<String>, NotReloaded> {
        let old = &self.begun;
        for (name, is, was) in [
            ("[slack]", new.slack.is_some(), old.slack.is_some()),
            ("[discord]", new.discord.is_some(), old.discord.is_some()),
        ] {
            // Half a platform, connected and unknown to the rules or the other way round, would swallow what is said there.
            let why = match (is, was) {
                (true, false) => format!("{name} is new, and chat platforms are connected at a start."),
                (false, true) => format!("{name} is gone, and chat platforms are left at a start."),
                _ => continue,
            };
            return Err(NotReloaded::Impossible(why));
        }
        new.may_listen(self.address).map_err(NotReloaded::Impossible)?;
        let secret = |secret: &Option<secrecy::SecretString>| {
            secret.as_ref().map(|secret| secret.expose_secret().to_owned())
        };
        let differs = [
            ("[server] listen", old.listen != new.listen),
            ("[server] data_dir", old.data_dir != new.data_dir),
            ("[server] signing_key", secret(&old.signing_key) != secret(&new.signing_key)),
            ("[slack]", slack(old) != slack(new)),
            ("[discord]", discord(old) != discord(new)),
        ];
        Ok(differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect())
    }
}

/// Everything of a platform that is fixed while it is connected. Held for a comparison only.
fn slack(settings: &Settings) -> Option<Vec<String>> {
    let slack = settings.slack.as_ref()?;
    let secrets = [slack.app_token.as_ref(), Some(&slack.bot_token), slack.signing_secret.as_ref()];
    let secrets = secrets.map(|one| one.map(|one| one.expose_secret().to_owned()).unwrap_or_default());
    let rest = format!("{:?} {} {:?}", slack.commands, slack.dark_pictures, slack.api_url);
    Some(secrets.into_iter().chain([rest]).collect())
}

fn discord(settings: &Settings) -> Option<Vec<String>> {
    let one = settings.discord.as_ref()?;
    let places = format!("{:?} {:?} {:?} {:?}", one.guild, one.category, one.archive, one.threads_in);
    let rest = format!("{} {} {} {:?}", one.content, one.members, one.dark_pictures, one.api_url);
    Some(vec![one.token.expose_secret().to_owned(), places, rest])
}

fn read(rereads: &Rereads, folder: Option<PathBuf>) -> Result<Right, NotReloaded> {
    let mistakes = |mistakes: &Mistakes| NotReloaded::Mistakes {
        text: mistakes.to_string(),
        summary: mistakes.summary(),
    };
    let loaded = rereads.read().map_err(|found| mistakes(&found))?;
    let library = Library::load(folder.as_deref(), &loaded);
    let found: Vec<_> = library.mistakes().chain(library.mistakes_of_routes()).cloned().collect();
    let found = Mistakes { all: found };
    if found.count(Gravity::Mistake) > 0 {
        return Err(mistakes(&found));
    }
    let Loaded { mut config, settings, warnings } = loaded;
    library.set_up(Arc::make_mut(&mut config));
    let warnings = warnings.iter().map(|one| format!("{}:{}: {}", one.file, one.line, one.what)).collect();
    Ok(Right { config, settings, library: Arc::new(library), warnings })
}

/// Everything that has a name, with something that is another when it says something else. A secret is never in it:
/// its digest is.
pub(super) fn things(config: &Config, settings: &Settings, library: &Library) -> BTreeMap<Part, Things> {
    let mut things = reload::things(config);
    let people = things.entry(Part::Person).or_default();
    for ((person, contact), address) in &settings.addresses {
        if let Some(says) = people.get_mut(person.as_str()) {
            says.push_str(&digest(&format!("{contact} {}", address.exact())));
        }
    }
    for (person, account) in &settings.accounts {
        if let Some(says) = people.get_mut(person.as_str()) {
            says.push_str(&digest(&format!("{account:?}")));
        }
    }
    let integrations = things.entry(Part::Integration).or_default();
    for (id, says) in integrations.iter_mut() {
        let token = settings.integration_tokens.iter().find(|(known, _)| known.as_str() == id);
        let token = token.and_then(|(_, token)| token.as_ref()).map(|token| digest(token.expose_secret()));
        let limit = settings.integration_limits.iter().find(|(known, _)| known.as_str() == id);
        let _ = write!(says, "{token:?} {limit:?}");
    }
    let mut tokens = Things::new();
    for ApiToken { person, token, name, role, until } in &settings.api_tokens {
        let name = name.as_ref().map_or_else(|| person.to_string(), |name| format!("{person}/{name}"));
        let says = tokens.entry(name).or_default();
        let _ = write!(says, "{} {role:?} {until:?}", digest(token.expose_secret()));
    }
    things.insert(Part::Token, tokens);
    let environments = settings.environments.iter();
    things.insert(
        Part::Environment,
        environments.map(|(name, one)| (name.clone(), environment(one))).collect(),
    );
    let runbooks = library.runbooks().map(|runbook| (runbook.command(), runbook.digest.clone()));
    things.insert(Part::Runbook, runbooks.collect());
    things
}

fn environment(one: &Environment) -> String {
    let mut says = format!("{} {:?}", one.default, one.values);
    for (name, service) in &one.services {
        let secrets = [service.token.as_ref(), service.password.as_ref()];
        let secrets = secrets.map(|one| one.map(|one| digest(one.expose_secret())));
        let url = digest(service.url.expose().as_str());
        let _ = write!(says, " {name} {url} {secrets:?} {:?} {:?}", service.user, service.budget);
    }
    says
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(text.as_bytes()))
}
