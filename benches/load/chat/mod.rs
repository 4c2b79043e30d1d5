//! Chat: how soon an interaction is acknowledged while alerts pour in, and how soon a message is answered beside
//! Errbot and Hubot. All behind the same thin fakes; never counts an answer for which the bot had said something
//! that it did not do.

mod bots;
mod discord;
mod exchange;
mod figures;
mod messages;
mod place;
mod pressed;
mod slack;

use std::{fs, path::PathBuf};

use bots::Bot;
use figures::Figure;

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Alerts a second while interactions come in, and for how many seconds.
    alerts: u32,
    seconds: u32,
    /// Interactions a second on each platform.
    interactions: u32,
    /// Messages that are answered, and those before them that do not count.
    messages: u32,
    unmeasured: u32,
}

impl Effort {
    const FULL: Self = Self { alerts: 1_000, seconds: 30, interactions: 50, messages: 150, unmeasured: 20 };
    const SMOKE: Self = Self { alerts: 1_000, seconds: 3, interactions: 50, messages: 20, unmeasured: 10 };
}

/// What was asked for on the command line.
pub struct Wanted {
    pub watchbell: PathBuf,
    /// Where Errbot and Hubot are installed.
    pub peers: PathBuf,
    pub out: PathBuf,
    pub rounds: usize,
    pub smoke: bool,
}

/// Takes all figures and writes them; answers the block for BENCHMARKS.md.
pub fn run(wanted: &Wanted) -> Result<String, String> {
    let effort = if wanted.smoke { Effort::SMOKE } else { Effort::FULL };
    let busy = crate::report::busy();
    let (bots, missing): (Vec<Bot>, Vec<Bot>) =
        Bot::ALL.into_iter().partition(|bot| bot.version(&wanted.peers).is_some());
    for bot in missing {
        eprintln!("{} is not installed below {}: not measured", bot.name(), wanted.peers.display());
    }
    let scratch = wanted.out.join("run");
    let mut all: Vec<Figure> = Vec::new();
    for round in 0..wanted.rounds {
        let of = format!("round {} of {}", round + 1, wanted.rounds);
        eprintln!("{of}: interactions while alerts come in");
        // A folder of an earlier run would be an earlier state.
        drop(fs::remove_dir_all(&scratch));
        all.extend(pressed::measure(&wanted.watchbell, &scratch, effort)?);
        for bot in &bots {
            eprintln!("{of}: messages to {}", bot.name());
            drop(fs::remove_dir_all(&scratch));
            let measured = messages::measure(*bot, wanted, &scratch, effort);
            all.extend(measured.map_err(|problem| format!("{}: {problem}", bot.name()))?);
        }
    }
    drop(fs::remove_dir_all(&scratch));
    let bots: Vec<(Bot, String)> =
        bots.into_iter().filter_map(|bot| Some((bot, bot.version(&wanted.peers)?))).collect();
    figures::write(&all, &bots, wanted, busy).map_err(|error| format!("{}: {error}", wanted.out.display()))
}
