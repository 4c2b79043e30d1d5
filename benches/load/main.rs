//! Measures Watchbell beside the real Alertmanager: the same load, the same machine, one after the other in turns.
//! Never measures one of them alone without saying so, and never listens beyond the loopback interface.
//!
//! `scripts/bench` starts it; flags: `--watchbell FILE` (the binary), `--rounds N`, `--smoke`, `--out FOLDER`,
//! `--only watchbell|alertmanager`; `--chat` measures chat instead, with `--peers FOLDER` (Errbot and Hubot);
//! `--runbooks` measures runbooks instead.

#[path = "../../tests/it/peer/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod peer;

mod chat;
mod client;
mod crowd;
mod lasting;
mod measure;
mod noise;
mod payload;
mod report;
mod runbooks;
mod subject;

use std::{fs, path::PathBuf, process::ExitCode};

use measure::{Effort, Figure};
use subject::Kind;

/// What was asked for on the command line.
struct Flags {
    watchbell: PathBuf,
    rounds: usize,
    smoke: bool,
    out: PathBuf,
    only: Option<Kind>,
    chat: bool,
    runbooks: bool,
    peers: PathBuf,
}

impl Flags {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self {
            watchbell: PathBuf::from("target/release/watchbell"),
            rounds: 3,
            smoke: false,
            out: PathBuf::from("target/bench"),
            only: None,
            chat: false,
            runbooks: false,
            peers: PathBuf::from("target/bench/peers"),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--watchbell" => flags.watchbell = PathBuf::from(value()?),
                "--rounds" => {
                    flags.rounds = value()?.parse().map_err(|_| "--rounds needs a number".to_owned())?;
                }
                "--out" => flags.out = PathBuf::from(value()?),
                "--smoke" => flags.smoke = true,
                "--chat" => flags.chat = true,
                "--runbooks" => flags.runbooks = true,
                "--peers" => flags.peers = PathBuf::from(value()?),
                "--only" => flags.only = Some(Kind::named(&value()?).ok_or("--only watchbell|alertmanager")?),
                // cargo says so to every benchmark.
                "--bench" => {}
                other => return Err(format!("unknown flag {other}")),
            }
        }
        Ok(flags)
    }
}

fn main() -> ExitCode {
    let flags = match Flags::read(std::env::args().skip(1)) {
        Ok(flags) => flags,
        Err(problem) => {
            eprintln!("load: {problem}");
            return ExitCode::from(2);
        }
    };
    let rounds = if flags.smoke { 1 } else { flags.rounds };
    let done = if flags.chat {
        let Flags { watchbell, peers, out, smoke, .. } = flags;
        chat::run(&chat::Wanted { watchbell, peers, out, rounds, smoke })
    } else if flags.runbooks {
        let Flags { watchbell, out, smoke, .. } = flags;
        runbooks::run(&runbooks::Wanted { watchbell, out, rounds, smoke })
    } else {
        alerts(&flags, rounds)
    };
    match done {
        Ok(table) => {
            println!("{table}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Beside Alertmanager; answers the table.
fn alerts(flags: &Flags, rounds: usize) -> Result<String, String> {
    let effort = if flags.smoke { Effort::SMOKE } else { Effort::FULL };
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| flags.only.is_none_or(|only| only == *kind)).collect();
    let scratch = flags.out.join("run");
    let mut figures: Vec<Figure> = Vec::new();
    for round in 0..rounds {
        for kind in &kinds {
            eprintln!("round {} of {rounds}: {}", round + 1, kind.name());
            // A folder of an earlier run would be an earlier state.
            drop(fs::remove_dir_all(&scratch));
            let measured = measure::all(*kind, &flags.watchbell, &scratch, effort);
            figures.extend(measured.map_err(|problem| format!("{}: {problem}", kind.name()))?);
        }
    }
    drop(fs::remove_dir_all(&scratch));
    report::write(&figures, &flags.out, rounds).map_err(|error| format!("{}: {error}", flags.out.display()))
}
