//! Looks at the whole journal in the background, again and again: a bit that has turned in an old segment is found
//! before somebody needs it. Reads slowly, below everything else, and never changes a line.

use std::{
    collections::BTreeSet,
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};
use tracing::{debug, error, info};

use super::random;
use crate::{
    domain::{
        id::Seq,
        intent::Intent,
        prose::Prose,
        upkeep::{Damaged, UpkeepIntent},
    },
    engine::{Engine, Rejected},
    journal::{Damage, JournalError, verify_telling},
    metrics::Metrics,
    observe,
    text::upkeep::damage_page,
};

/// From the end of one look to the beginning of the next: each line is looked at twice a day.
const REST: Duration = Duration::from_hours(12);
/// The same after a look that the disk interrupted.
const SHORT_REST: Duration = Duration::from_mins(10);
/// Damaged lines that readiness names.
const SHOWN: usize = 20;
/// Bytes a second at most.
const RATE: u64 = 32 << 20;

/// The thread that looks.
pub(super) struct Patrol {
    stop: SyncSender<()>,
    _thread: JoinHandle<()>,
}

impl Patrol {
    /// Begins at once; `faults` holds what was found at the start, and hears what is found from now on.
    pub(super) fn start(
        data_dir: &Path,
        engine: &Engine,
        metrics: &Metrics,
        faults: watch::Sender<Vec<String>>,
    ) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let (data_dir, engine, metrics) = (data_dir.to_owned(), engine.clone(), metrics.clone());
        let walk = Walk { data_dir, engine, metrics, faults, runtime: Handle::current(), stopped };
        let thread = std::thread::Builder::new().name("patrol".into()).spawn(move || walk.run())?;
        Ok(Self { stop, _thread: thread })
    }

    /// Ends at the next step; nobody waits for it.
    pub(super) fn stop(&self) {
        let _ = self.stop.try_send(());
    }
}

struct Walk {
    data_dir: PathBuf,
    engine: Engine,
    metrics: Metrics,
    faults: watch::Sender<Vec<String>>,
    runtime: Handle,
    stopped: Receiver<()>,
}

impl Walk {
    fn run(self) {
        if let Err(error) = rustix::process::nice(10) {
            debug!(%error, "the journal is looked at with the priority of everything else");
        }
        loop {
            let Some(rest) = self.look() else { return };
            // Whoever would stop it is gone: so is the app.
            if !matches!(self.stopped.recv_timeout(rest), Err(RecvTimeoutError::Timeout)) {
                return;
            }
        }
    }

    /// One look at everything; how long to rest afterwards. None: it was stopped.
    fn look(&self) -> Option<Duration> {
        let began = Instant::now();
        let mut told = BTreeSet::new();
        let mut heard = true;
        let mut stopped = false;
        let looked = verify_telling(
            &self.data_dir,
            &mut |read| {
                let due = Duration::from_millis(read.bytes.saturating_mul(1000) / RATE);
                let wait = due.saturating_sub(began.elapsed());
                stopped = !matches!(self.stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
                if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
            &mut |damage| {
                let one = found(damage);
                // One of each file wakes people; the others are in the log, in the figures and in `journal verify`.
                let first = told.insert(one.file.clone());
                heard &= self.tell(damage, one, first);
            },
        );
        let verified = match looked {
            Ok(verified) => verified,
            Err(why) => {
                error!(%why, "the journal cannot be looked at");
                self.faults.send_modify(|faults| add(faults, why.to_string()));
                self.page_for(unread(&why));
                return Some(SHORT_REST);
            }
        };
        if verified.stopped || stopped {
            return None;
        }
        self.metrics.journal_damaged(verified.damage.len());
        let now: Vec<String> = verified.damage.iter().take(SHOWN).map(ToString::to_string).collect();
        let whole = now.is_empty();
        self.faults.send_if_modified(|faults| {
            let changed = *faults != now;
            *faults = now;
            changed
        });
        if whole {
            heard &= self.submit(UpkeepIntent::Whole);
            info!(events = verified.read.events, took = ?began.elapsed(), "the journal was looked at: it is whole");
        }
        // Whom it should have woken shall not sleep until the next half of the day; and a disk may come back.
        let refused = verified.damage.iter().any(|damage| damage.unread);
        Some(if heard && !refused { REST } else { SHORT_REST })
    }

    /// Whether the engine has heard of it.
    fn tell(&self, damage: &Damage, found: Damaged, first: bool) -> bool {
        error!(%damage, "the journal is damaged");
        self.faults.send_modify(|faults| add(faults, damage.to_string()));
        if !first {
            return true;
        }
        self.page_for(found)
    }

    /// Whether the engine has heard of it; it pages the admins, once for each.
    fn page_for(&self, found: Damaged) -> bool {
        let reason = Prose::new(&damage_page(&found), random());
        self.submit(UpkeepIntent::Damaged { found, reason })
    }

    fn submit(&self, what: UpkeepIntent) -> bool {
        let submitted = self.engine.submit(observe::trace(), Intent::Upkeep(what));
        let answer = self.runtime.block_on(submitted);
        if let Err(rejected) = &answer {
            error!(?rejected, "what was found in the journal could not be told; the next look tells it");
        }
        // What was refused is refused again; for everything else there is another time.
        matches!(answer, Ok(_) | Err(Rejected::Refused(_)))
    }
}

/// As the journal notes it: without the folder, which is nobody's business.
fn found(damage: &Damage) -> Damaged {
    let file = damage.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let (why, unread) = (damage.why.clone(), damage.unread);
    Damaged { file: file.unwrap_or_default(), line: damage.line, seq: damage.seq, why, unread }
}

/// What ended a look before it came to any line.
fn unread(error: &JournalError) -> Damaged {
    let (file, why) = match error {
        JournalError::Io { doing, path, source } => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (name.unwrap_or_default(), format!("could not {doing} it: {source}"))
        }
        _ => ("journal".to_owned(), "it cannot be looked at: the log says why".to_owned()),
    };
    Damaged { file, line: 0, seq: Seq(0), why, unread: true }
}

fn add(faults: &mut Vec<String>, what: String) {
    // A disk that has gone bad as a whole needs no list of a million lines.
    if !faults.contains(&what) && faults.len() < SHOWN {
        faults.push(what);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{config, engine::testing};

    /// One look at a folder: how long it rests, what readiness says, what the journal has noted.
    async fn looked(
        running: &crate::engine::run::Running,
        data: &Path,
    ) -> (Option<Duration>, Vec<String>, Vec<Damaged>) {
        let (faults, found) = watch::channel(Vec::new());
        let (engine, runtime, data_dir) = (running.engine.clone(), Handle::current(), data.to_owned());
        let rest = tokio::task::spawn_blocking(move || {
            let (_stop, stopped) = sync_channel(1);
            Walk { data_dir, engine, metrics: Metrics::default(), faults, runtime, stopped }.look()
        });
        let rest = rest.await.unwrap();
        let noted = running.engine.read(|look| look.state.damage.iter().cloned().collect()).await.unwrap();
        (rest, found.borrow().clone(), noted)
    }

    #[tokio::test]
    async fn what_the_disk_refuses_is_told_as_that_and_looked_at_again_soon() {
        let config = config::load(None, &|_| None).unwrap().config;
        let (running, _) = testing::in_memory(Arc::clone(&config), Vec::new());
        let data = tempfile::tempdir().unwrap();
        let journal = data.path().join("journal");
        // There is no folder to list.
        std::fs::write(&journal, "a file").unwrap();
        let (rest, faults, noted) = looked(&running, data.path()).await;
        assert_eq!((rest, faults.len()), (Some(SHORT_REST), 1), "{faults:?}");
        assert!(matches!(&*noted, [one] if one.unread && one.file == "journal"), "{noted:?}");
        std::fs::remove_file(&journal).unwrap();
        // A segment that the system does not open: a link to itself.
        std::fs::create_dir(&journal).unwrap();
        let segment = journal.join("0000000001.jsonl");
        std::os::unix::fs::symlink(&segment, &segment).unwrap();
        let (rest, faults, noted) = looked(&running, data.path()).await;
        assert_eq!(rest, Some(SHORT_REST));
        assert!(matches!(&*faults, [one] if one.contains("it cannot be opened")), "{faults:?}");
        let said = noted.iter().find(|one| one.file == "0000000001.jsonl").unwrap();
        assert!(said.unread && damage_page(said).starts_with("A part of the journal cannot be read at"));
    }

    #[tokio::test]
    async fn damage_that_could_not_be_told_is_told_after_a_short_rest() {
        let config = config::load(None, &|_| None).unwrap().config;
        let (mut running, _) = testing::in_memory(Arc::clone(&config), Vec::new());
        let data = tempfile::tempdir().unwrap();
        std::fs::create_dir(data.path().join("journal")).unwrap();
        std::fs::write(data.path().join("journal/0000000001.jsonl"), "no header\n").unwrap();
        let (engine, runtime) = (running.engine.clone(), Handle::current());
        let look = move || {
            let (faults, found) = watch::channel(Vec::new());
            let (_stop, stopped) = sync_channel(1);
            let (data_dir, engine, runtime) = (data.path().to_owned(), engine.clone(), runtime.clone());
            let walk = Walk { data_dir, engine, metrics: Metrics::default(), faults, runtime, stopped };
            let rest = walk.look();
            assert_eq!(found.borrow().len(), 1);
            rest
        };
        let (rest, look) = tokio::task::spawn_blocking(move || (look(), look)).await.unwrap();
        assert_eq!(rest, Some(REST));
        running.engine.stop();
        running.ended.wait_for(Option::is_some).await.unwrap();
        let rest = tokio::task::spawn_blocking(look).await.unwrap();
        assert_eq!(rest, Some(SHORT_REST), "nobody has heard of it");
    }
}
