//! Simulation: random alerts, commands, acknowledgements, vendor failures, clock steps and crashes, over the journal
//! in memory and a virtual clock. After each step the promises are checked by `Witness`, who knows only what the
//! outside knows. A seed that fails is printed: `WATCHBELL_SEED=n cargo test simulation` plays it again.

mod course;
pub mod dice;
mod erased;
mod goes_on;
mod held;
mod hush;
mod news;
mod pagers;
mod pairs;
mod play;
mod quiet;
mod runs;
mod sabotage;
mod shifts;
mod silent;
mod tasks;
mod witness;

use std::{panic, time::Instant};

pub use play::{Play, Sabotage};

/// How many seeds a run plays; `WATCHBELL_SEEDS` says otherwise.
const SEEDS: u64 = 2_000;
const STEPS: usize = 250;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_promise_holds_for_every_seed() {
    if let Some(seed) = setting("WATCHBELL_SEED") {
        return Play::new(seed, Sabotage::None).steps(STEPS);
    }
    let seeds = setting("WATCHBELL_SEEDS").unwrap_or(SEEDS);
    let before = Instant::now();
    let threads = std::thread::available_parallelism().map_or(2, usize::from) as u64;
    let failed: Vec<(u64, String)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    (worker..seeds).step_by(threads as usize).filter_map(play).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("{seeds} seeds of {STEPS} steps in {:?}", before.elapsed());
    let shown: Vec<_> = failed.iter().take(20).collect();
    assert!(failed.is_empty(), "{} seeds break a promise: {shown:#?}", failed.len());
}

fn play(seed: u64) -> Option<(u64, String)> {
    let result = panic::catch_unwind(|| Play::new(seed, Sabotage::None).steps(STEPS));
    result.err().map(|why| (seed, sabotage::words(&*why)))
}
