//! Opens the records: journal, snapshot, state. Never starts on a state that is not what the journal says.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context as _;
use jiff::Timestamp;
use tracing::{debug, error, info, warn};

use super::SCHEMA;
use crate::{
    config::Settings,
    domain::{config::Config, intent::Now, state::State},
    engine::{
        clock::{Clock as _, SystemClock},
        core::{Core, replay},
        run::AfterBatch,
        upkeep::{Accounts, Snapshots, Upkeep},
    },
    journal::{
        FileJournal, FileReader, Journal as _, Options as JournalOptions, archive, erase::Pending, snapshot,
    },
    metrics::{Metrics, Standing},
    observe,
    views::{Status, Views},
};

/// A snapshot after so many events, or after [`SNAPSHOT_SHARE`] events for each thing in the state if that is more:
/// replay reads fewer than that.
const SNAPSHOT_EVERY: usize = 50_000;
/// A snapshot costs as much as the state is large: paid once for so many events, it stays small beside them.
const SNAPSHOT_SHARE: usize = 1;

/// What a data folder holds, ready for the engine.
pub(super) struct Records {
    pub(super) core: Core,
    /// Goes on where the journal ended.
    pub(super) clock: SystemClock,
    /// What is damaged, in words for an operator.
    pub(super) faults: Vec<String>,
    /// When the journal was last written.
    pub(super) last: Option<Timestamp>,
    pub(super) files: Arc<FileReader>,
    /// An erasure that a crash had interrupted.
    pub(super) erasing: Option<Pending>,
    pub(super) snapshots: Arc<Snapshots>,
    /// Events that no snapshot has.
    pub(super) unsaved: usize,
}

/// Opens them; takes the lock of the data folder.
pub(super) fn open(
    data_dir: &Path,
    config: Arc<Config>,
    begins_at: Option<Timestamp>,
) -> anyhow::Result<Records> {
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
    let files = journal.files();
    let found = snapshot::latest::<State>(data_dir, SCHEMA, &*files)?;
    for skipped in &found.skipped {
        if skipped.beyond {
            error!(
                file = %skipped.file.display(),
                "the journal ends before a snapshot of it: the disk has lost what was answered, or the journal is another one. \
                 Put the journal back from a backup"
            );
        }
        warn!(file = %skipped.file.display(), why = skipped.why, "a snapshot cannot be used; an older one or the journal is");
    }
    let state = match found.snapshot {
        Some(snapshot) => snapshot.state,
        None => archived(data_dir)?,
    };
    let head = journal.head();
    let unsaved = usize::try_from(head.seq.0.saturating_sub(state.seq.0)).unwrap_or(usize::MAX);
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
    let snapshots = Snapshots::below(data_dir, SCHEMA);
    Ok(Records { core, clock, faults, last: head.at, files, erasing: opened.erasing, snapshots, unsaved })
}

/// The state that the archived part of the journal tells. Only when no snapshot can be used it has to be read.
fn archived(data_dir: &Path) -> anyhow::Result<State> {
    let mut state = State::default();
    let folders = archive::folders(data_dir);
    if folders.is_empty() {
        return Ok(state);
    }
    info!(?folders, "no snapshot can be used: the archived segments are read, too");
    archive::read(data_dir, &folders, &mut |record| replay(&mut state, &record)).with_context(|| {
        format!(
            "no snapshot of this release is there, so the whole journal has to be read once, with the segments that \
             were archived to {}: make that folder reachable, or put them back into the journal's",
            folders.join(", ")
        )
    })?;
    Ok(state)
}

/// Looks after a data folder while no server runs. What a crash had interrupted is finished.
///
/// # Errors
/// When the folder is in use, or what must be read is damaged.
pub async fn alone(data_dir: &Path, config: Arc<Config>, settings: &Settings) -> anyhow::Result<Upkeep> {
    let Records { core, mut clock, files, erasing, snapshots, .. } = open(data_dir, config, None)?;
    let (now, _) = clock.now();
    let book = Arc::new(RwLock::new(Arc::new(settings.clone())));
    let upkeep = Upkeep::alone(core, now, files, snapshots, accounts(book));
    finish(&upkeep, erasing).await?;
    Ok(upkeep)
}

/// Finishes an erasure that a crash had interrupted.
pub(super) async fn finish(upkeep: &Upkeep, erasing: Option<Pending>) -> anyhow::Result<()> {
    if let Some(pending) = erasing {
        upkeep.finish(pending, observe::trace()).await.context("an erasure that was interrupted")?;
        info!("words whose erasure had been interrupted are erased");
    }
    Ok(())
}

/// The accounts of chat platforms that the configuration in force gives to people: asked anew each time, so that a
/// reload counts.
pub(super) fn accounts(book: Arc<RwLock<Arc<Settings>>>) -> Accounts {
    Box::new(move |person| {
        // Whoever panicked while holding it had only a whole `Arc` to put there.
        let settings = Arc::clone(&book.read().unwrap_or_else(PoisonError::into_inner));
        settings.accounts_of(person)
    })
}

/// Figures after each batch, and a snapshot now and then, written beside the engine from a cheap copy. `since`: events that
/// no snapshot has.
pub(super) fn after_batch(
    snapshots: Arc<Snapshots>,
    mut since: usize,
    metrics: Metrics,
    views: Views,
) -> AfterBatch {
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
        if core.reader().degraded().is_some() {
            return;
        }
        let Some(writing) = snapshots.claim() else { return };
        since = 0;
        let (state, head) = (state.clone(), core.head());
        let write = move || {
            // Whatever waits for an answer goes first.
            if let Err(error) = rustix::process::nice(10) {
                debug!(%error, "the snapshot is written with the priority of everything else");
            }
            if let Err(error) = writing.write(&head, state) {
                warn!(%error, "no snapshot could be written; the next start takes longer");
            }
        };
        if let Err(error) = std::thread::Builder::new().name("snapshot".into()).spawn(write) {
            warn!(%error, "no snapshot could be written; the next start takes longer");
        }
    })
}
