//! Looks after the journal beside the running engine: erases words, archives segments, writes snapshots. What is done
//! is decided by the engine and noted in the journal first. Never holds the engine up, and never does two things at once.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{Engine, Rejected, core::Core};
use crate::{
    domain::{
        event::{Actor, Event, TraceId},
        id::{PersonId, RunId, Seq},
        intent::{Intent, Now},
        state::State,
        upkeep::{Archived, Erased, UpkeepEvent, UpkeepIntent},
    },
    journal::{
        FileReader, Head, JournalError, Reader as _, archive,
        erase::{self, Found, Pending, Wanted},
        snapshot,
    },
};

/// How long whoever wants to write a snapshot waits for the one that is being written.
const PAUSE: Duration = Duration::from_millis(20);

/// The snapshots of a data folder: one is written at a time.
#[derive(Debug)]
pub struct Snapshots {
    data_dir: PathBuf,
    /// Names the shape of the state.
    schema: &'static str,
    writing: AtomicBool,
}

/// The right to write a snapshot; given back when it is dropped.
pub struct Writing(Arc<Snapshots>);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.writing.store(false, Ordering::Release);
    }
}

impl Writing {
    /// Writes one. Blocks on the disk.
    ///
    /// # Errors
    /// As [`snapshot::write`].
    pub fn write(&self, head: &Head, state: State) -> Result<(), JournalError> {
        snapshot::write(&self.0.data_dir, self.0.schema, head, state).map(drop)
    }
}

impl Snapshots {
    /// Those of this folder.
    #[must_use]
    pub fn below(data_dir: &Path, schema: &'static str) -> Arc<Self> {
        Arc::new(Self { data_dir: data_dir.to_owned(), schema, writing: AtomicBool::new(false) })
    }

    /// The right to write, unless somebody has it.
    #[must_use]
    pub fn claim(self: &Arc<Self>) -> Option<Writing> {
        (!self.writing.swap(true, Ordering::AcqRel)).then(|| Writing(Arc::clone(self)))
    }

    /// Waits for the right to write. Blocks.
    fn claim_soon(self: &Arc<Self>) -> Writing {
        loop {
            if let Some(writing) = self.claim() {
                return writing;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Why nothing was done, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Something else is being done to the journal.
    #[error("something else is being done to the journal: try again when it has ended; nothing was changed")]
    Busy,
    /// These runs were told such words, are not over, and would write them down again.
    #[error("runs that were told such words are not over; nothing was changed")]
    Live(BTreeSet<RunId>),
    /// The engine did not take it.
    #[error("the engine did not take it; nothing was changed")]
    NotTaken(Rejected),
    /// The disk.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// It has begun and did not come to its end.
    #[error("it has begun and is not finished: {0}. The next start of Watchbell finishes it")]
    Unfinished(JournalError),
    /// A task broke off.
    #[error("it broke off (a fault in Watchbell); the next start finishes what has begun")]
    Broken,
}

impl From<Rejected> for Failed {
    fn from(rejected: Rejected) -> Self {
        Self::NotTaken(rejected)
    }
}

/// Says which accounts of chat platforms are a person's, as `platform:id`.
pub type Accounts = Box<dyn Fn(&PersonId) -> BTreeSet<String> + Send + Sync>;

/// Who decides and holds the state.
enum House {
    /// The engine of a running server.
    Running(Engine),
    /// The core itself, when no server runs.
    Alone(Box<std::sync::Mutex<(Core, Now)>>),
}

/// Looks after one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Upkeep(Arc<Inner>);

struct Inner {
    house: House,
    data_dir: PathBuf,
    files: Arc<FileReader>,
    snapshots: Arc<Snapshots>,
    /// Accounts of chat platforms that the configuration gives to a person, as `platform:id`.
    accounts: Accounts,
    one: Mutex<()>,
}

/// What an erasure did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the journal notes.
    pub erased: Erased,
    /// Torn writes in which words were blanked, or would be.
    pub torn: u64,
    /// Damaged lines that nobody can search.
    pub unread: u64,
    /// Runs of the person whose questions and answers an earlier release wrote, which stay.
    pub plain: u64,
    /// Runs that were told such words and are not over: until then nothing is erased.
    pub live: BTreeSet<RunId>,
    /// Folders to which segments were archived.
    pub archives: Vec<String>,
}

impl Upkeep {
    /// Beside a running engine.
    #[must_use]
    pub fn beside(
        engine: Engine,
        files: Arc<FileReader>,
        snapshots: Arc<Snapshots>,
        accounts: Accounts,
    ) -> Self {
        Self::new(House::Running(engine), files, snapshots, accounts)
    }

    /// Without a server; the lock is held by the core's journal. `now` is the instant of all that is decided.
    #[must_use]
    pub fn alone(
        core: Core,
        now: Now,
        files: Arc<FileReader>,
        snapshots: Arc<Snapshots>,
        accounts: Accounts,
    ) -> Self {
        Self::new(House::Alone(Box::new(std::sync::Mutex::new((core, now)))), files, snapshots, accounts)
    }

    fn new(house: House, files: Arc<FileReader>, snapshots: Arc<Snapshots>, accounts: Accounts) -> Self {
        let data_dir = snapshots.data_dir.clone();
        Self(Arc::new(Inner { house, data_dir, files, snapshots, accounts, one: Mutex::new(()) }))
    }

    /// Erases words; with `dry` it only looks.
    ///
    /// # Errors
    /// [`Failed`] says whether anything was changed.
    pub async fn erase(
        &self,
        wanted: Wanted,
        dry: bool,
        by: Actor,
        trace: TraceId,
    ) -> Result<Outcome, Failed> {
        let upkeep = self.clone();
        to_its_end(async move { upkeep.erase_all(wanted, dry, by, trace).await }).await
    }

    async fn erase_all(
        &self,
        mut wanted: Wanted,
        dry: bool,
        by: Actor,
        trace: TraceId,
    ) -> Result<Outcome, Failed> {
        let Ok(_one) = self.0.one.try_lock() else { return Err(Failed::Busy) };
        if !dry {
            self.complete_left(trace).await?;
        }
        if let Some(person) = &wanted.person {
            wanted.accounts.extend((self.0.accounts)(person));
        }
        // Both of one instant: what starts later has words of its own, and what is over by then adds none.
        let (upto, live) = self.standing().await?;
        let (data_dir, sought) = (self.0.data_dir.clone(), wanted.clone());
        let (found, torn) = blocking(move || {
            let found = erase::find(&data_dir, &sought, upto)?;
            Ok((found, erase::torn_with_words(&data_dir)?))
        })
        .await?;
        let Found { digests, outputs, unread, runs, plain, .. } = &found;
        let (live, plain): (BTreeSet<RunId>, u64) =
            (runs & &live, plain.len().try_into().unwrap_or(u64::MAX));
        if !dry && !live.is_empty() {
            return Err(Failed::Live(live));
        }
        let (sought, outputs, unread) = (digests.clone(), outputs.clone(), *unread);
        // Those that the state holds: words come into it with new digests only, so this is true of what follows, too.
        let state = self.state().await?;
        let digests = blocking(move || Ok(state.holds_words(&sought))).await?;
        let Wanted { person: whose, seq, before, .. } = wanted;
        let erased = Erased { whose, seq, before, texts: found.texts(), digests, outputs, by };
        let archives = archive::folders(&self.0.data_dir);
        let outcome = |torn, erased| {
            let (live, archives) = (live.clone(), archives.clone());
            Outcome { erased, torn, unread, plain, live, archives }
        };
        if dry || erased.texts == 0 && torn == 0 {
            return Ok(outcome(torn, erased));
        }
        let (data_dir, noted) = (self.0.data_dir.clone(), erased.clone());
        let pending = blocking(move || erase::begin(&data_dir, upto, noted, found)).await?;
        if let Err(rejected) = self.record(trace, UpkeepIntent::Erase(erased.clone())).await {
            // Whether a stopped engine kept it is unknown: then the next start finishes it.
            if matches!(rejected, Rejected::Busy { .. }) {
                let data_dir = self.0.data_dir.clone();
                blocking(move || erase::finish(&data_dir)).await?;
            }
            return Err(rejected.into());
        }
        let torn = self.carry_out(pending).await?;
        Ok(outcome(torn, erased))
    }

    /// Finishes an erasure that a crash had interrupted: words of the files are gone already.
    ///
    /// # Errors
    /// When it cannot be finished now either.
    pub async fn finish(&self, pending: Pending, trace: TraceId) -> Result<(), Failed> {
        let _one = self.0.one.lock().await;
        self.complete(pending, trace).await
    }

    /// Finishes an erasure that did not come to its end: the note of another one would take the place of its own.
    async fn complete_left(&self, trace: TraceId) -> Result<(), Failed> {
        let data_dir = self.0.data_dir.clone();
        match blocking(move || erase::pending(&data_dir)).await? {
            Some(left) => self.complete(left, trace).await,
            None => Ok(()),
        }
    }

    async fn complete(&self, pending: Pending, trace: TraceId) -> Result<(), Failed> {
        let (files, after) = (Arc::clone(&self.0.files), pending.after);
        let noted = blocking(move || {
            let mut noted = false;
            files.scan(after.next(), &mut |record, _| {
                noted |=
                    matches!(&record.event, Event::Upkeep(what) if matches!(&**what, UpkeepEvent::Erased(_)));
                if noted { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
            })?;
            Ok(noted)
        })
        .await?;
        if !noted {
            self.record(trace, UpkeepIntent::Erase(pending.erased.clone())).await?;
        }
        self.carry_out(pending).await.map(drop)
    }

    /// Overwrites the words, and replaces every snapshot by one without them.
    async fn carry_out(&self, pending: Pending) -> Result<u64, Failed> {
        let (inner, snapshot) = (Arc::clone(&self.0), self.clone());
        let torn =
            blocking(move || inner.files.erase(&inner.data_dir, &pending)).await.map_err(unfinished)?;
        snapshot.snapshot(true).await.map_err(unfinished)?;
        let data_dir = self.0.data_dir.clone();
        blocking(move || erase::finish(&data_dir)).await.map_err(unfinished)?;
        Ok(torn)
    }

    /// Writes a snapshot of what is true now; `alone`: and removes all older ones.
    async fn snapshot(&self, alone: bool) -> Result<Writing, Failed> {
        let snapshots = Arc::clone(&self.0.snapshots);
        // Whoever is writing one has cloned an older state.
        let writing = blocking(move || Ok(snapshots.claim_soon())).await?;
        let state = self.state().await?;
        let files = Arc::clone(&self.0.files);
        blocking(move || {
            let seq = state.seq;
            let digest = files.digest_at(seq)?;
            let missing = || JournalError::Missing { seq, dir: writing.0.data_dir.clone() };
            let head = Head { seq, digest: digest.ok_or_else(missing)?, ..Head::default() };
            writing.write(&head, state)?;
            if alone {
                snapshot::remove_before(&writing.0.data_dir, seq)?;
            }
            Ok(writing)
        })
        .await
    }

    /// Archives whole segments whose last event is older than `before`. None: there is no such segment.
    ///
    /// # Errors
    /// [`Failed`]; what was copied stays in the archive, and nothing is removed that is not there in full.
    pub async fn archive(
        &self,
        before: Timestamp,
        to: &Path,
        by: Actor,
        trace: TraceId,
    ) -> Result<Option<Archived>, Failed> {
        let (upkeep, to) = (self.clone(), to.to_owned());
        to_its_end(async move { upkeep.archive_all(before, &to, by, trace).await }).await
    }

    async fn archive_all(
        &self,
        before: Timestamp,
        to: &Path,
        by: Actor,
        trace: TraceId,
    ) -> Result<Option<Archived>, Failed> {
        let Ok(_one) = self.0.one.try_lock() else { return Err(Failed::Busy) };
        // What is to be erased in a segment must be erased before it goes.
        self.complete_left(trace).await?;
        let (data_dir, folder) = (self.0.data_dir.clone(), to.to_owned());
        let schema = self.0.snapshots.schema;
        // One of this release at least; and none comes or goes while it is looked which events they need.
        let writing = self.snapshot(false).await?;
        let moved = blocking(move || {
            let chosen = archive::choose(&data_dir, schema, before)?;
            archive::copy(&data_dir, &chosen, &folder)?;
            Ok(chosen)
        })
        .await?;
        let Some(through) = moved.through() else { return Ok(None) };
        let to = to.display().to_string();
        let archived = Archived { through, segments: moved.segments(), to, by };
        self.record(trace, UpkeepIntent::Archive(archived.clone())).await?;
        let (data_dir, files, noted) = (self.0.data_dir.clone(), Arc::clone(&self.0.files), archived.clone());
        blocking(move || {
            let _writing = writing;
            archive::note(&data_dir, &noted.to)?;
            files.forget_before(through.next());
            archive::remove(&data_dir, &moved)
        })
        .await?;
        Ok(Some(archived))
    }

    async fn record(&self, trace: TraceId, what: UpkeepIntent) -> Result<Seq, Rejected> {
        match &self.0.house {
            House::Running(engine) => engine.submit(trace, Intent::Upkeep(what)).await.map(|done| done.seq),
            House::Alone(core) => {
                let mut alone = core.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let (core, now) = &mut *alone;
                let accepted = core.decide(trace, Intent::Upkeep(what), *now).map_err(Rejected::Refused)?;
                core.commit().map_err(|_| Rejected::Stopped)?;
                Ok(accepted.seq)
            }
        }
    }

    /// The last event, and the runs that are under way at it. Without a server none is: at the next start those give up
    /// whose words are gone.
    async fn standing(&self) -> Result<(Seq, BTreeSet<RunId>), Failed> {
        match &self.0.house {
            House::Running(engine) => {
                let look = engine.read(|look| {
                    let live = look.state.runs.values().filter(|run| run.is_live());
                    (look.state.seq, live.map(|run| run.id).collect())
                });
                Ok(look.await?)
            }
            House::Alone(_) => Ok((self.state().await?.seq, BTreeSet::new())),
        }
    }

    async fn state(&self) -> Result<State, Failed> {
        match &self.0.house {
            House::Running(engine) => Ok(engine.read(|look| look.state.clone()).await?),
            House::Alone(core) => {
                let alone = core.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                Ok(alone.0.state().clone())
            }
        }
    }
}

fn unfinished(failed: impl Into<Failed>) -> Failed {
    match failed.into() {
        Failed::Journal(error) => Failed::Unfinished(error),
        failed => failed,
    }
}

/// Does it whether or not somebody still waits for it: a caller who hangs up must not leave words half erased.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Failed>> + Send + 'static,
) -> Result<T, Failed> {
    tokio::spawn(work).await.map_err(|_| Failed::Broken)?
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Failed::Broken)?.map_err(Failed::from)
}
