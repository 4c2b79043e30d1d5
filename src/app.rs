//! The only place that wires concrete parts together: journal, engine, outbox, views, web. Never decides anything.

pub mod doctor;
mod platforms;
mod reload;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tracing::{debug, error, info, warn};

use crate::{
    chat::{courier::AccountBook, terminal::Terminal},
    command::{Care, Caretaker, Commands, Desk, NotReloaded, Registry, Reloaded},
    config::{Loaded, Mistake, Settings, leads_to_itself},
    domain::{config::Config, event::Actor, intent::Now, state::State},
    engine::{
        Courier, Engine,
        clock::SystemClock,
        core::Core,
        outbox::Outbox,
        run::{AfterBatch, Parts, Prepared, Running},
    },
    journal::{FileJournal, Journal as _, Options as JournalOptions, Reader, snapshot},
    links::{self, Links},
    metrics::{Metrics, Standing},
    notify::{self, AddressBook, Limits},
    observe,
    pictures::Pictures,
    runbook::{Executor, Library},
    views::{Progress, Status, Views},
    web::{self, Access, House},
};

pub use platforms::{Connected, Platforms, slack_manifest};
pub use reload::Rereads;

use doctor::Inside;
use reload::{InForce, Keeper};

/// The release of Watchbell.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// Names the shape of [`State`] in a snapshot; another shape is replayed from the journal instead.
const SCHEMA: &str = concat!("watchbell ", env!("CARGO_PKG_VERSION"), " state 7");
/// A snapshot after so many events, or after [`SNAPSHOT_SHARE`] events for each thing in the state if that is more:
/// replay reads fewer than that.
const SNAPSHOT_EVERY: usize = 50_000;
/// A snapshot costs as much as the state is large: paid once for so many events, it stays small beside them.
const SNAPSHOT_SHARE: usize = 2;

/// What a caller may choose beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Instead of `[server] data_dir`.
    pub data_dir: Option<PathBuf>,
    /// Instead of `[server] listen`; port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// The folder with the runbooks; none: the built-in ones.
    pub commands: Option<PathBuf>,
    /// What the wall clock shows at the start; none: the time. For the demonstration, whose day begins at nine.
    pub begins_at: Option<Timestamp>,
    /// How the configuration is read anew; none: it never is.
    pub rereads: Option<Rereads>,
}

/// A running Watchbell.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// The engine.
    pub engine: Engine,
    /// What links begin with.
    pub public_url: url::Url,
    running: Running,
    views: Views,
    closing: watch::Sender<bool>,
    stop_web: oneshot::Sender<()>,
    web: JoinHandle<std::io::Result<()>>,
    in_force: Arc<InForce>,
    keeper: Arc<dyn Caretaker>,
    connected: Option<Connected>,
    executor: Executor,
}

impl App {
    /// Starts everything; when it returns, alerts are taken.
    ///
    /// # Errors
    /// With what to do: the data folder is in use or damaged, the address is taken, and so on.
    pub async fn start(loaded: Loaded, options: Options) -> anyhow::Result<Self> {
        let library = library(options.commands.as_deref(), &loaded);
        let Loaded { mut config, mut settings, .. } = loaded;
        library.set_up(Arc::make_mut(&mut config));
        let begun = settings.clone();
        let data_dir = options.data_dir.unwrap_or_else(|| settings.data_dir.clone());
        let listen = options.listen.unwrap_or(settings.listen);
        settings.may_listen(listen).map_err(anyhow::Error::msg)?;
        let listener = open(listen).await?;
        let address = listener.local_addr()?;
        lead_here(&mut settings.public_url, begun.listen, address);
        if let Some(warning) = exposure(address, &settings.public_url) {
            warn!("{warning}");
        }

        let metrics = Metrics::default();
        metrics.integrations(config.integrations.keys());
        let (core, clock, faults, last) = open_journal(&data_dir, Arc::clone(&config), options.begins_at)?;
        let reader = core.reader();
        let views = start_views(&data_dir, &reader);
        let key = links::signing_key(&data_dir, settings.signing_key.as_ref()).context("the signing key")?;
        let links = Links::new(settings.public_url.clone(), key);
        let terminal = Terminal::default();
        let (access, access_seen) = watch::channel(Arc::new(access(&config, &settings)));

        let prepared = Prepared::default();
        let engine = prepared.engine();
        let platforms = Platforms::new(&settings)?;
        settings.listen = address;
        let executor =
            Executor::new(&settings, &engine, reader.watch()).context("no HTTP client can be made")?;
        let book = Arc::new(RwLock::new(Arc::new(settings.clone())));
        let accounts: Arc<dyn AccountBook> = Arc::clone(&book) as Arc<dyn AccountBook>;
        let mut couriers = couriers(&book, &links, &terminal)?;
        let (pictures, grounds) = (Pictures::below(&data_dir), Platforms::grounds(&settings));
        couriers.extend(platforms.couriers(&accounts, &pictures, &grounds));
        let outbox = Outbox::start(&engine, &couriers);
        let after_batch = after_batch(data_dir.clone(), metrics.clone(), views.clone());
        let (clock, outbox) = (Box::new(clock), Some(outbox));
        let (metrics_of, instance) = (metrics.clone(), hex::encode(random::<8>()));
        let parts =
            Parts { clock, outbox, after_batch, metrics: metrics_of, trace: observe::trace(), instance };
        let running = prepared.start(core, parts).context("no thread for the engine")?;
        engine
            .configure(Arc::clone(&config))
            .await
            .map_err(|_| anyhow::anyhow!("the engine does not answer"))?;

        let (closing, closing_seen) = watch::channel(false);
        let executor = executor.drawing(pictures, grounds.into_values().collect());
        let desk = desk(&engine, &views, &library, &executor);
        executor.take_up(&desk, &library, last).await;
        let (away_told, away) = watch::channel(Vec::new());
        let connected = platforms.listen(&desk, &accounts, &metrics, away_told);
        let in_force = Arc::new(InForce {
            engine: engine.clone(),
            rereads: options.rereads,
            folder: options.commands,
            address,
            begun,
            book,
            access: Arc::new(access),
            commands: desk.commands.clone(),
            executor: executor.clone(),
            links: links.clone(),
            metrics: metrics.clone(),
            alive: Mutex::new(start_heartbeat(&settings, &engine)),
            inside: Inside::new(platforms, &reader, &views, data_dir, &faults),
            turn: tokio::sync::Mutex::new(reload::things(&config, &settings, &library)),
        });
        let keeper: Arc<dyn Caretaker> = Arc::new(Keeper(Arc::clone(&in_force)));
        desk.care.begin(&keeper);
        let house = House {
            engine: engine.clone(),
            desk,
            views: views.clone(),
            reader,
            access: access_seen,
            metrics: metrics.clone(),
            links,
            terminal,
            // What was found at the start stays true until the next one.
            faults: watch::channel(faults).1,
            away,
            slack: connected.as_ref().and_then(Connected::inbox),
            closing: closing_seen,
        };
        let (stop_web, web) = start_web(listener, house, metrics);
        info!(%address, release = RELEASE, "Watchbell listens");
        Ok(Self {
            address,
            engine,
            public_url: settings.public_url,
            running,
            views,
            closing,
            stop_web,
            web,
            in_force,
            keeper,
            connected,
            executor,
        })
    }

    /// Reads the configuration anew and puts it into force, or changes nothing; the log says which.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn reload(&self) -> Result<Reloaded, NotReloaded> {
        self.keeper.reload(Actor::Operator, observe::trace()).await
    }

    /// Whoever looks after this house.
    #[must_use]
    pub fn caretaker(&self) -> Arc<dyn Caretaker> {
        Arc::clone(&self.keeper)
    }

    /// Waits until the engine ends by itself: the journal failed. Nothing is accepted any more.
    pub async fn failed(&self) -> String {
        let mut ended = self.running.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(result) => match &*result {
                Some(Err(why)) => why.clone(),
                _ => "it was stopped".to_owned(),
            },
            Err(_) => "its thread broke off".to_owned(),
        }
    }

    /// Lets running requests end, finishes what was accepted and ends.
    pub async fn stop(self) {
        let Self {
            engine,
            running,
            views,
            closing,
            stop_web,
            web: serving,
            in_force,
            connected,
            executor,
            ..
        } = self;
        closing.send_replace(true);
        executor.stop();
        let _ = stop_web.send(());
        let disconnected = async {
            if let Some(connected) = connected {
                drop(tokio::time::timeout(web::FAREWELL, connected.stop()).await);
            }
        };
        // Both at once, and no longer than the one of them: whoever stops a container waits ten seconds in all. The web
        // has that patience by itself.
        let (_, ()) = tokio::join!(serving, disconnected);
        if let Some(alive) = in_force.alive.lock().unwrap_or_else(PoisonError::into_inner).take() {
            alive.abort();
        }
        engine.stop();
        let joined = tokio::task::spawn_blocking(move || {
            running.join();
            views.stop();
        });
        if tokio::time::timeout(web::FAREWELL, joined).await.is_err() {
            error!("the engine does not end; what was answered is on disk all the same");
        }
    }
}

async fn open(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!(
            "{listen} cannot be listened on: is a Watchbell running already? --listen takes another address"
        )
    })
}

/// The web until it is stopped.
fn start_web(
    listener: TcpListener,
    house: House,
    metrics: Metrics,
) -> (oneshot::Sender<()>, JoinHandle<std::io::Result<()>>) {
    let (stop, stopped) = oneshot::channel();
    let router = web::router(house);
    let web = tokio::spawn(async move {
        let stopped = async {
            // The sender gone: the app is gone.
            let _ = stopped.await;
        };
        web::serve(listener, router, metrics, stopped).await
    });
    (stop, web)
}

/// Nobody said how telephones reach it: links lead to where the server really is.
fn lead_here(public_url: &mut url::Url, configured: SocketAddr, address: SocketAddr) {
    if leads_here(public_url, configured) {
        let _ = public_url.set_port(Some(address.port()));
    }
}

/// Who may do what over HTTP.
fn access(config: &Config, settings: &Settings) -> Access {
    Access::new(config, &settings.api_tokens, &settings.integration_tokens)
        .limited(&settings.integration_limits)
}

/// Whether a public URL only names where the server listens, by configuration, on this machine.
fn leads_here(public_url: &url::Url, listen: SocketAddr) -> bool {
    leads_to_itself(public_url) && public_url.port_or_known_default() == Some(listen.port())
}

/// What an operator should hear when others reach the server, and the links that it sends lead to themselves.
fn exposure(address: SocketAddr, public_url: &url::Url) -> Option<String> {
    let misleads = !address.ip().is_loopback() && leads_to_itself(public_url);
    misleads.then(|| {
        format!(
            "links in pages begin with {public_url}, which telephones cannot reach: say what people's links begin \
             with, public_url in [server]"
        )
    })
}

/// The core, with the state that snapshot and journal tell; a clock that goes on where the journal ended; what is
/// damaged, in words for an operator; and when it was last written.
fn open_journal(
    data_dir: &Path,
    config: Arc<Config>,
    begins_at: Option<Timestamp>,
) -> anyhow::Result<(Core, SystemClock, Vec<String>, Option<Timestamp>)> {
    let (journal, opened) = FileJournal::open(data_dir, JournalOptions::default())?;
    for torn in &opened.torn {
        warn!(
            kept_in = %torn.kept_in.display(), bytes = torn.bytes, after = %torn.after,
            "a write that was under way when Watchbell ended was cut; nobody had been told of it"
        );
    }
    for damage in &opened.damage {
        error!(%damage, "the journal is damaged");
    }
    let found = snapshot::latest::<State>(data_dir, SCHEMA, &*journal.reader())?;
    for skipped in &found.skipped {
        warn!(file = %skipped.file.display(), why = skipped.why, "a snapshot cannot be used; an older one or the journal is");
    }
    let state = found.snapshot.map(|snapshot| snapshot.state).unwrap_or_default();
    let head = journal.head();
    let last = match (head.engine_time, head.at) {
        (Some(engine), Some(civil)) => Some(Now { engine, civil }),
        _ => None,
    };
    let core = Core::open(Box::new(journal), config, state)?;
    let faults = opened.damage.iter().map(ToString::to_string).collect();
    let clock = match begins_at {
        Some(at) => SystemClock::beginning(at),
        None => SystemClock::after(last),
    };
    Ok((core, clock, faults, head.at))
}

fn start_views(data_dir: &Path, reader: &Arc<dyn Reader>) -> Views {
    Views::start(data_dir.join("views"), Arc::clone(reader), |progress| match progress {
        Progress::Started { why, of } => info!(why, events = of, "the views are built from the journal"),
        Progress::Going { done, of } => info!(done, of, "the views are built from the journal"),
        Progress::Done { events, took } => info!(events, ?took, "the views are complete"),
        Progress::Failed { why, .. } => {
            warn!(why, "the views could not be built; pages go on, and it is tried again");
        }
    })
}

/// One line per way out.
fn couriers(
    book: &Arc<RwLock<Arc<Settings>>>,
    links: &Links,
    terminal: &Terminal,
) -> anyhow::Result<Vec<Arc<dyn Courier>>> {
    let book = Arc::clone(book) as Arc<dyn AddressBook>;
    let parts = notify::Parts { book, links: links.clone(), limits: Limits::default() };
    let mut couriers = notify::couriers(&parts).context("no HTTP client can be made")?;
    couriers.push(Arc::new(terminal.clone()));
    Ok(couriers)
}

/// The runbooks; one that is broken is said and left out.
fn library(folder: Option<&Path>, loaded: &Loaded) -> Arc<Library> {
    let library = Library::load(folder, loaded);
    for mistake in library.mistakes() {
        let Mistake { file, line, column, what, .. } = mistake;
        warn!(file, line, column, "a runbook cannot be used: {what}");
    }
    for mistake in library.mistakes_of_routes() {
        let Mistake { file, line, column, what, .. } = mistake;
        warn!(file, line, column, "a route cannot run what it names: {what}");
    }
    if library.left_out() > 0 {
        let left_out = library.left_out();
        info!(left_out, "built-in runbooks ask for services that the configuration does not have");
    }
    info!(runbooks = library.runbooks().len(), broken = library.broken().len(), "runbooks are read");
    Arc::new(library)
}

fn desk(engine: &Engine, views: &Views, library: &Arc<Library>, executor: &Executor) -> Desk {
    Desk {
        engine: engine.clone(),
        views: views.clone(),
        commands: Commands::new(library.register(Registry::builtin(), Some(executor))),
        salt: Arc::new(random),
        release: RELEASE.to_owned(),
        care: Care::default(),
    }
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    // cannot fail: the system gives random bytes from its start on, or not even TLS would work.
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// Figures after each batch, and a snapshot now and then, written beside the engine from a cheap copy.
fn after_batch(data_dir: PathBuf, metrics: Metrics, views: Views) -> AfterBatch {
    let mut since = 0;
    let writing = Arc::new(AtomicBool::new(false));
    Box::new(move |core: &Core, events| {
        since += events;
        let state = core.state();
        if events > 0 {
            metrics.standing(Standing::of(state));
            if let Status::Ready { behind, .. } = views.status() {
                metrics.views_lag(behind);
            }
        }
        let things = state.alerts.len() + state.groups.len() + state.pages.len() + state.deliveries.len();
        if since < SNAPSHOT_EVERY.max(SNAPSHOT_SHARE * things) {
            return;
        }
        // The last space is for pages; and a disk that is slower than the alerts gets one snapshot at a time.
        if core.reader().degraded().is_some() || writing.swap(true, Ordering::AcqRel) {
            return;
        }
        since = 0;
        let (state, head, data_dir) = (state.clone(), core.head(), data_dir.clone());
        let done = Done(Arc::clone(&writing));
        let write = move || {
            let _done = done;
            // Whatever waits for an answer goes first.
            if let Err(error) = rustix::process::nice(10) {
                debug!(%error, "the snapshot is written with the priority of everything else");
            }
            if let Err(error) = snapshot::write(&data_dir, SCHEMA, &head, &state) {
                warn!(%error, "no snapshot could be written; the next start takes longer");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("snapshot".into()).spawn(write) {
            warn!(%error, "no snapshot could be written; the next start takes longer");
        }
    })
}

/// Lets the next snapshot begin, however this one ended.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The outgoing heartbeat beats as long as the engine answers.
fn start_heartbeat(settings: &Settings, engine: &Engine) -> Option<JoinHandle<()>> {
    let alive = settings.alive.clone()?;
    let engine = engine.clone();
    Some(tokio::spawn(async move {
        let healthy = || engine.is_alive();
        if let Err(error) = notify::alive::run(&alive, Limits::default(), healthy).await {
            error!(%error, "the outgoing heartbeat cannot be sent");
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_telephones_to_themselves_are_warned_of() {
        for (address, public_url, warned) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080", true),
            ("[::]:8080", "http://localhost:8080", true),
            ("10.0.0.1:8080", "http://[::1]:8080", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080", false),
            ("0.0.0.0:8080", "https://watchbell.example.com", false),
        ] {
            let warning = exposure(address.parse().unwrap(), &public_url.parse().unwrap());
            assert_eq!(warning.is_some(), warned, "{address} {public_url}");
        }
    }
}
