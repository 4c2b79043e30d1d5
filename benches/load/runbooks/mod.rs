//! Runbooks: how long many of them take to be read and checked, what a health check adds to the slowest of its
//! sources, and whether many runs at once hold up a page. Never asks anything beyond the loopback interface, and never
//! counts an answer that did not say what it should.

mod beside;
mod health;
mod house;
mod loading;
mod outcome;
mod pack;

use std::{fs, path::PathBuf};

use outcome::Figure;

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Files that are read and checked, and how often.
    files: usize,
    checks: usize,
    /// Health checks of each kind, and those before them that do not count.
    calls: usize,
    unmeasured: usize,
    /// Runs at once, pages of each turn, and turns.
    runs: usize,
    pages: u32,
    turns: usize,
}

impl Effort {
    const FULL: Self =
        Self { files: 300, checks: 30, calls: 100, unmeasured: 5, runs: 200, pages: 500, turns: 3 };
    const SMOKE: Self =
        Self { files: 300, checks: 3, calls: 5, unmeasured: 2, runs: 20, pages: 25, turns: 1 };
}

/// What was asked for on the command line.
pub struct Wanted {
    pub watchbell: PathBuf,
    pub out: PathBuf,
    pub rounds: usize,
    pub smoke: bool,
}

/// Takes all figures and writes them; answers the block for BENCHMARKS.md.
pub fn run(wanted: &Wanted) -> Result<String, String> {
    let effort = if wanted.smoke { Effort::SMOKE } else { Effort::FULL };
    let busy = crate::report::busy();
    let scratch = std::path::absolute(wanted.out.join("run")).map_err(|error| error.to_string())?;
    // The children run in folders of their own.
    let binary = &wanted.watchbell;
    let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
    let mut all: Vec<Figure> = Vec::new();
    for round in 0..wanted.rounds {
        let of = format!("round {} of {}", round + 1, wanted.rounds);
        // A folder of an earlier run would be an earlier state.
        drop(fs::remove_dir_all(&scratch));
        eprintln!("{of}: {} runbooks are read and checked", effort.files);
        all.extend(loading::measure(&binary, &scratch.join("loading"), effort)?);
        eprintln!("{of}: health from several sources");
        all.extend(health::measure(&binary, &scratch.join("health"), effort)?);
        eprintln!("{of}: pages, by turns without and with {} runs at once", effort.runs);
        all.extend(beside::measure(&binary, &scratch.join("beside"), effort)?);
    }
    drop(fs::remove_dir_all(&scratch));
    outcome::write(&all, wanted, &busy).map_err(|error| format!("{}: {error}", wanted.out.display()))
}
