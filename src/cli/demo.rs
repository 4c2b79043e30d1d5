//! `watchbell demo`: the main job on this machine, with an example team, simulated telephones and a simulated service.
//! Never touches anything but a temporary folder and loopback, and never claims a step that did not happen.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use super::{console::paint::Paint, on_runtime, run::say};

mod morning;
mod phones;
mod script;
mod service;
mod shop;
mod stage;
mod teller;
mod visit;

use stage::{Scene, Stage};
use teller::Teller;

/// What `watchbell demo` is given.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DemoArgs {
    /// Play the whole story without a visitor, and exit 0 only if every step really happened.
    #[arg(long)]
    pub script: bool,
    /// Only the second part: at nine the morning check finds something, and a runbook mends it.
    #[arg(long)]
    pub morning: bool,
}

/// What a shell expects of a program that was interrupted.
const INTERRUPTED: u8 = 130;

/// Plays the demonstration. Exits 0 when the visitor leaves, or when every step of the script happened; 1 otherwise.
#[must_use]
pub fn run(args: &DemoArgs) -> ExitCode {
    let attended = !args.script && io::stdin().is_terminal() && io::stdout().is_terminal();
    let (only_morning, all) = (args.morning, !attended && !args.morning);
    on_runtime(async move {
        if only_morning {
            return play(Scene::Morning, false).await;
        }
        let night = play(Scene::Night, attended).await;
        if all && night == ExitCode::SUCCESS { play(Scene::Morning, false).await } else { night }
    })
}

async fn play(scene: Scene, attended: bool) -> ExitCode {
    let teller = Teller::new(Paint::of_stdout());
    let mut stage = match Stage::set(scene).await {
        Ok(stage) => stage,
        Err(error) => {
            say(&format!("watchbell: the demo cannot start: {error:#}"));
            return ExitCode::FAILURE;
        }
    };
    let playing = async {
        match scene {
            Scene::Morning => morning::play(&stage, &teller).await,
            Scene::Night if attended => visit::play(&mut stage, teller).await,
            Scene::Night => script::play(&mut stage, &teller).await,
        }
    };
    let played = tokio::select! {
        played = playing => Some(played),
        () = interrupted() => None,
    };
    stage.clear().await;
    match played {
        Some(Ok(())) => ExitCode::SUCCESS,
        None => {
            say("\nThe demo was left; nothing of it remains.");
            ExitCode::from(INTERRUPTED)
        }
        Some(Err(missed)) => {
            say(&format!("watchbell: the demo did not go as it should: {missed:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C (while no line is read), or a request to end: the stage is cleared all the same.
async fn interrupted() {
    tokio::select! {
        result = tokio::signal::ctrl_c() => if result.is_err() { std::future::pending().await },
        () = super::console::terminated() => {}
    }
}
