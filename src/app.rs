//! The only place that wires concrete parts together: journal, engine, outbox, views, web. Never decides anything.

pub mod doctor;
mod patrol;
mod platforms;
mod records;
mod reload;
#[cfg(test)]
mod shape;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tracing::{error, info, warn};

use crate::{
    chat::{courier::AccountBook, terminal::Terminal},
    command::{Care, Caretaker, Commands, Desk, NotReloaded, Registry, Reloaded},
    config::{Loaded, Mistake, Settings, leads_to_itself},
    domain::{config::Config, event::Actor},
    engine::{
        Courier, Engine,
        outbox::Outbox,
        run::{Parts, Prepared, Running},
        upkeep::Upkeep,
    },
    journal::Reader,
    links::{self, Links},
    metrics::Metrics,
    notify::{self, AddressBook, Limits},
    observe,
    pictures::Pictures,
    runbook::{Executor, Library},
    views::{Progress, Views},
    web::{self, Access, House},
};

use self::{patrol::Patrol, records::Records};
pub use platforms::{Connected, Platforms, slack_manifest};
pub use records::alone;
pub use reload::Rereads;

use doctor::Inside;
use reload::{InForce, Keeper};

/// The release of Watchbell.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// Names the shape of [`State`](crate::domain::state::State) in a snapshot; another shape is replayed from the journal instead.
const SCHEMA: &str = concat!("watchbell ", env!("CARGO_PKG_VERSION"), " state 10");

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
    patrol: Patrol,
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
        let (listener, address) = listen(options.listen, &mut settings).await?;
        let metrics = Metrics::default();
        metrics.integrations(config.integrations.keys());
        let Records { core, clock, faults, last, files, erasing, snapshots, unsaved } =
            records::open(&data_dir, Arc::clone(&config), options.begins_at)?;
        let reader = core.reader();
        let views = start_views(&data_dir, &reader);
        let key = links::signing_key(&data_dir, settings.signing_key.as_ref()).context("the signing key")?;
        let links = Links::new(settings.public_url.clone(), key);
        let terminal = Terminal::default();
        let (access, access_seen) = watch::channel(Arc::new(access(&config, &settings)));

        let prepared = Prepared::default();
        let engine = prepared.engine();
        let platforms = Platforms::new(&settings)?;
        let executor =
            Executor::new(&settings, &engine, reader.watch()).context("no HTTP client can be made")?;
        let book = Arc::new(RwLock::new(Arc::new(settings.clone())));
        let accounts: Arc<dyn AccountBook> = Arc::clone(&book) as Arc<dyn AccountBook>;
        let mut couriers = couriers(&book, &links, &terminal)?;
        let (pictures, grounds) = (Pictures::below(&data_dir), Platforms::grounds(&settings));
        couriers.extend(platforms.couriers(&accounts, &pictures, &grounds));
        let outbox = Outbox::start(&engine, &couriers);
        let after_batch =
            records::after_batch(Arc::clone(&snapshots), unsaved, metrics.clone(), views.clone());
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
        let upkeep = Upkeep::beside(engine.clone(), files, snapshots, records::accounts(Arc::clone(&book)));
        records::finish(&upkeep, erasing).await?;
        let desk = desk(&engine, &views, &library, &executor, &upkeep);
        executor.take_up(&desk, &library, last).await;
        let (away_told, away) = watch::channel(Vec::new());
        let connected = platforms.listen(&desk, &accounts, &metrics, away_told);
        // What was found at the start stays true until all was looked at.
        let (faults_told, faults) = watch::channel(faults);
        let patrol =
            Patrol::start(&data_dir, &engine, &metrics, faults_told).context("no thread for the journal")?;
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
            faults,
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
            patrol,
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
            patrol,
            ..
        } = self;
        closing.send_replace(true);
        executor.stop();
        patrol.stop();
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

/// Opens the door, and says where it is.
async fn listen(
    wanted: Option<SocketAddr>,
    settings: &mut Settings,
) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let configured = settings.listen;
    let wanted = wanted.unwrap_or(configured);
    settings.may_listen(wanted).map_err(anyhow::Error::msg)?;
    let listener = open(wanted).await?;
    let address = listener.local_addr()?;
    lead_here(&mut settings.public_url, configured, address);
    if let Some(warning) = exposure(address, &settings.public_url) {
        warn!("{warning}");
    }
    settings.listen = address;
    Ok((listener, address))
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

fn desk(
    engine: &Engine,
    views: &Views,
    library: &Arc<Library>,
    executor: &Executor,
    upkeep: &Upkeep,
) -> Desk {
    Desk {
        engine: engine.clone(),
        views: views.clone(),
        commands: Commands::new(library.register(Registry::builtin(), Some(executor))),
        salt: Arc::new(random),
        upkeep: Some(upkeep.clone()),
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
