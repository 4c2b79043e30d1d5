//! The one thread that writes the views: opens and checks the folder, makes it anew when it cannot be trusted, then
//! follows the journal. Never holds up anybody: whoever reads meanwhile is told how far it is.

use std::{
    fs, io, mem,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, time};

use super::{
    Progress,
    block::Batch,
    fault::{Fault, contained},
    shared::{Phase, Shared},
    store::Store,
};
use crate::{
    domain::id::Seq,
    journal::{JournalError, Reader},
    memory,
};

/// Events that go into sled together at most.
const BATCH: usize = 4096;
/// Under load the journal is followed this often: neighbouring events cost less together.
const BREATH: Duration = Duration::from_millis(10);
/// When nothing comes for this long, what was written is handed to the system.
const QUIET: Duration = Duration::from_secs(5);
/// When the views are further behind than this at the start, catching up is shown as a rebuild.
const SHORT: u64 = 20_000;
/// Pauses between attempts: doubled from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_mins(1));
/// How far below everything else the writer runs: with every processor taken it still gets a tenth of one.
const NICE: i32 = 10;
/// How many folders that broke are kept.
const KEPT: u64 = 3;

/// The writer, on its thread.
pub(super) struct Writer<P> {
    pub(super) dir: PathBuf,
    pub(super) shared: Arc<Shared>,
    /// Becomes true, or closes, when it is to end.
    pub(super) stop: watch::Receiver<bool>,
    pub(super) progress: P,
}

impl<P: Fn(Progress)> Writer<P> {
    /// Works until it is stopped.
    pub(super) fn run(self) {
        give_way();
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => return self.shared.set(Phase::Broken { why: error.to_string() }),
        };
        let mut why = "nothing of them is there".to_owned();
        let mut pause = Duration::ZERO;
        loop {
            let begun = Instant::now();
            let Err(fault) = self.session(&runtime, why) else { return };
            self.shared.close();
            // Whoever worked for a while starts counting anew.
            pause = if begun.elapsed() > PAUSES.1 * 2 { Duration::ZERO } else { pause };
            why = match fault {
                Fault::Stopped => return,
                Fault::Folder(why) => match move_aside(&self.dir) {
                    Ok(()) => why,
                    Err(error) => format!("{why}; the folder could not be moved aside: {error}"),
                },
                Fault::System(why) | Fault::Journal(why) => why,
            };
            tracing::warn!(%why, "the views cannot go on; they are made again from the journal, pages go on");
            if !pause.is_zero() {
                (self.progress)(Progress::Failed { why: why.clone() });
                self.shared.set(Phase::Broken { why: why.clone() });
                if runtime.block_on(self.stopped_within(pause)) {
                    return;
                }
            }
            pause = (pause * 2).clamp(PAUSES.0, PAUSES.1);
        }
    }

    /// From opening the folder to the fault that ends it; `why` is told when there is much to do.
    fn session(&self, runtime: &tokio::runtime::Runtime, why: String) -> Result<(), Fault> {
        self.go_on()?;
        self.shared.set(Phase::Working { why: "they are being checked".into(), done: 0, of: 0 });
        let mut store = self.open()?;
        let result = self.catch_up(&mut store, why).and_then(|()| {
            self.shared.open(store.index(), store.applied());
            self.follow(&mut store, runtime)
        });
        self.shared.close();
        if matches!(result, Err(Fault::Stopped | Fault::Journal(_))) {
            contained(|| store.flush())?;
        }
        contained(move || {
            drop(store);
            Ok(())
        })?;
        result
    }

    /// Opens and checks the folder. A mark beside it says that this is going on: should the process die of it
    /// (memory, a fault that no wall contains), the next start does not try the same folder again.
    fn open(&self) -> Result<Store, Fault> {
        let mark = self.dir.with_extension("opening");
        let system = |error: io::Error| Fault::System(format!("{}: {error}", mark.display()));
        if mark.exists() {
            fs::remove_file(&mark).map_err(system)?;
            if self.dir.exists() {
                return Err(Fault::Folder("the last attempt to open them did not end".to_owned()));
            }
        }
        if let Some(parent) = mark.parent() {
            fs::create_dir_all(parent).map_err(system)?;
        }
        fs::write(&mark, b"").map_err(system)?;
        let opened = contained(|| Store::open(&self.dir)).and_then(|mut store| {
            let checked = contained(|| {
                store.check(&*self.shared.reader, |done, of| {
                    self.shared.set(Phase::Working { why: "they are being checked".into(), done, of });
                    self.go_on()
                })
            });
            match checked {
                Ok(()) => Ok(store),
                Err(fault) => contained(move || {
                    drop(store);
                    Err(fault)
                }),
            }
        });
        fs::remove_file(&mark).map_err(system)?;
        opened
    }

    /// Brings the store to where the journal is now, and tells how far it is when that takes long.
    fn catch_up(&self, store: &mut Store, why: String) -> Result<(), Fault> {
        let begun = Instant::now();
        let start = store.applied().0;
        let goal = self.shared.reader.committed().0;
        let of = goal.saturating_sub(start);
        let shown = of > 0 && (start == 0 || of > SHORT);
        let why = if start == 0 { why } else { "they were behind".to_owned() };
        if shown {
            (self.progress)(Progress::Started { why: why.clone(), of });
        }
        while store.applied().0 < goal {
            let before = store.applied();
            self.feed(store, |applied| {
                let done = applied.0.saturating_sub(start).min(of);
                self.shared.set(Phase::Working { why: why.clone(), done, of });
                if shown {
                    (self.progress)(Progress::Going { done, of });
                }
            })?;
            if store.applied() == before {
                return Err(Fault::Journal(format!("the journal gives no event after {before}")));
            }
        }
        if shown {
            (self.progress)(Progress::Done { events: of, took: begun.elapsed() });
        }
        Ok(())
    }

    /// Follows the journal until somebody wants it to end or something breaks.
    fn follow(&self, store: &mut Store, runtime: &tokio::runtime::Runtime) -> Result<(), Fault> {
        let mut commits = self.shared.reader.watch();
        // The check of the folder has read all of it.
        if runtime.block_on(self.stopped_within(memory::KEPT)) {
            return Err(Fault::Stopped);
        }
        memory::give_back();
        loop {
            self.go_on()?;
            let reached = self.shared.reader.committed();
            if reached > store.applied() {
                let before = store.applied();
                self.feed(store, |applied| self.shared.set(Phase::Ready { applied }))?;
                if store.applied() == before {
                    return Err(Fault::Journal(format!("the journal gives no event after {before}")));
                }
            }
            if runtime.block_on(self.stopped_within(BREATH)) {
                return Err(Fault::Stopped);
            }
            let applied = store.applied();
            let quiet = runtime.block_on(async {
                let mut stop = self.stop.clone();
                tokio::select! {
                    // An error means that the journal is gone; what is there can still be read.
                    Ok(_) = commits.wait_for(|seq| *seq > applied) => false,
                    _ = stop.wait_for(|stop| *stop) => false,
                    () = self.shared.suspected() => false,
                    () = time::sleep(QUIET), if store.is_dirty() => true,
                }
            });
            if let Some(why) = self.shared.take_suspicion() {
                return Err(Fault::Folder(why));
            }
            self.go_on()?;
            if quiet {
                contained(|| store.flush())?;
                memory::give_back();
            }
        }
    }

    /// Takes everything that the journal has now; `told` hears after each batch up to where the store is true.
    fn feed(&self, store: &mut Store, told: impl Fn(Seq)) -> Result<(), Fault> {
        let next = store.applied().next();
        let from = if next == Seq(1) { oldest(&*self.shared.reader)? } else { next };
        let mut batch = Batch::default();
        let mut fault = None;
        let scanned = self.shared.reader.scan(from, &mut |record, position| {
            batch.add(&record, position);
            if batch.events < BATCH {
                return ControlFlow::Continue(());
            }
            let full = mem::take(&mut batch);
            match contained(|| store.apply(&full)).and_then(|()| self.go_on()) {
                Ok(()) => {
                    told(store.applied());
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    fault = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        // What was read before the journal failed is true all the same.
        contained(|| store.apply(&batch))?;
        told(store.applied());
        scanned.map_err(Fault::from)
    }

    fn go_on(&self) -> Result<(), Fault> {
        if *self.stop.borrow() || self.stop.has_changed().is_err() {
            return Err(Fault::Stopped);
        }
        // What is left of a full disk is for pages.
        self.shared.reader.degraded().map_or(Ok(()), |why| Err(Fault::System(why)))
    }

    async fn stopped_within(&self, pause: Duration) -> bool {
        let mut stop = self.stop.clone();
        time::timeout(pause, stop.wait_for(|stop| *stop)).await.is_ok()
    }
}

/// Whatever waits for an answer goes first: in a storm that takes every processor the views fall behind, and catch
/// up after it.
fn give_way() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "the views run with the priority of everything else");
    }
}

/// The first event that the journal still has: segments before it may have been archived.
///
/// # Errors
/// When the journal cannot be read for another reason.
pub(super) fn oldest(reader: &dyn Reader) -> Result<Seq, Fault> {
    let is_there = |seq| match reader.scan(seq, &mut |_, _| ControlFlow::Break(())) {
        Ok(()) => Ok(true),
        Err(JournalError::Missing { .. }) => Ok(false),
        Err(error) => Err(Fault::from(error)),
    };
    let (mut gone, mut there) = (Seq(0), reader.committed().next());
    if is_there(Seq(1))? {
        return Ok(Seq(1));
    }
    while there.0 - gone.0 > 1 {
        let middle = Seq(gone.0 + (there.0 - gone.0) / 2);
        if is_there(middle)? {
            there = middle;
        } else {
            gone = middle;
        }
    }
    Ok(there)
}

/// Moves a folder that cannot be trusted aside, as `views.broken-<n>`; of those the last few are kept.
fn move_aside(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(io::Error::other("it has no name"));
    };
    let prefix = format!("{}.broken-", name.to_string_lossy());
    let mut numbers = Vec::new();
    for entry in fs::read_dir(parent)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    let next = numbers.last().copied().unwrap_or(0).saturating_add(1);
    for old in numbers.iter().filter(|old| **old + KEPT <= next) {
        fs::remove_dir_all(parent.join(format!("{prefix}{old}")))?;
    }
    fs::rename(dir, parent.join(format!("{prefix}{next}")))
}
