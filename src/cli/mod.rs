//! The command line: flags and subcommands. Never does the work itself.

pub mod backup;
pub mod clean;
pub mod client;
pub mod console;
pub mod demo;
pub mod doctor;
#[cfg(test)]
mod gallery;
pub mod health;
pub mod journal;
pub mod run;
pub mod runbook;
pub mod serve;
pub mod simulate;
pub mod slack;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;

use crate::{
    config::{self, Loaded, Mistakes},
    domain::{config::Config, oncall::lacks},
    engine::clock,
    observe::{self, LogFormat},
    text,
};

/// How far ahead `check` looks for gaps in schedules: 30 days.
const GAPS_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So many of the next times of a planned maintenance are shown.
const COMING: usize = 3;

/// The on-call team's bot: hears alerts, wakes the right person, keeps the incident's history.
#[derive(Debug, Parser)]
#[command(name = "watchbell", version, max_term_width = 100, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every subcommand takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Folder with the configuration [default: ./config if it is there, else the built-in example]
    #[arg(long, value_name = "DIR", global = true)]
    pub config: Option<PathBuf>,
    /// Folder with the runbooks [default: ./commands if it is there, else the built-in ones]
    #[arg(long, value_name = "DIR", global = true)]
    pub commands: Option<PathBuf>,
    /// How log lines look: auto, text or json. `WATCHBELL_LOG` says which (info, debug, watchbell=trace).
    #[arg(long, value_name = "FORMAT", default_value = "auto", global = true)]
    pub log: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what happens without a subcommand)
    Serve(serve::ServeArgs),
    /// Everything on this machine with an example team: see in a minute what it does
    Demo(demo::DemoArgs),
    /// Chat in the terminal with a running server
    Console(console::ConsoleArgs),
    /// Give a running server one command: exit 0 when done, 1 when refused, 2 when it is not there
    Run(run::RunArgs),
    /// Tell what would become of an alert and whom it would wake, at any time
    Simulate(simulate::SimulateArgs),
    /// Check the configuration and the runbooks: every mistake with its place, or exit 0
    Check,
    /// Write runbooks: `runbook new NAME` begins one
    Runbook(runbook::RunbookArgs),
    /// Look whether tokens, scopes, clocks and channels of the chat platforms are right, and how to mend them
    Doctor,
    /// Set up the Slack app: print its manifest
    Slack(slack::SlackArgs),
    /// Look after the journal: verify, export, stat, erase, archive
    Journal(journal::JournalArgs),
    /// Copy the data folder, also of a running server
    Backup(backup::BackupArgs),
    /// Bring a backup back into an empty data folder
    Restore(backup::RestoreArgs),
    /// Ask a running server whether it is healthy: exit 0 or 1
    Health(health::HealthArgs),
}

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let Cli { common, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody may be there to read it.
            drop(error.print());
            // clap's own code for a typing error is 2, which scripts know as "the server is not there".
            return if error.exit_code() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    match command.unwrap_or_else(|| Command::Serve(serve::ServeArgs::default())) {
        Command::Serve(args) => serve::run(&common, args),
        Command::Demo(args) => demo::run(&args),
        Command::Console(args) => console::run(&common, args),
        Command::Run(args) => run::run(&common, &args),
        Command::Simulate(args) => simulate::run(&common, &args),
        Command::Check => check(&common),
        Command::Doctor => doctor::run(&common),
        Command::Runbook(args) => runbook::run(&common, &args),
        Command::Slack(args) => slack::run(&common, &args),
        Command::Journal(args) => journal::run(&common, args),
        Command::Backup(args) => backup::make(&common, &args),
        Command::Restore(args) => backup::bring_back(&args),
        Command::Health(args) => health::run(&common, &args),
    }
}

impl Common {
    /// The folder to read: the one named, `./config` when it is there, else the embedded copy.
    #[must_use]
    pub fn config_dir(&self) -> Option<PathBuf> {
        let usual = Path::new("config");
        self.config.clone().or_else(|| usual.is_dir().then(|| usual.to_owned()))
    }

    /// The folder with the runbooks: the one named, `./commands` when it is there, else the embedded copy.
    #[must_use]
    pub fn commands_dir(&self) -> Option<PathBuf> {
        let usual = Path::new("commands");
        self.commands.clone().or_else(|| usual.is_dir().then(|| usual.to_owned()))
    }

    /// The configuration.
    ///
    /// # Errors
    /// All its mistakes.
    pub fn load(&self) -> Result<Loaded, Mistakes> {
        config::load(self.config_dir().as_deref(), &environment)
    }

    /// The configuration of a subcommand that can do without; when it has mistakes, says what is taken `instead`.
    #[must_use]
    pub fn load_or_say(&self, instead: &str) -> Option<Loaded> {
        self.load()
            .inspect_err(|mistakes| {
                run::say(&format!(
                    "watchbell: the configuration has mistakes ({}), so {instead}: `watchbell check` shows them",
                    mistakes.summary()
                ));
            })
            .ok()
    }

    /// Starts logging.
    pub fn log(&self) {
        observe::start(self.log, environment("WATCHBELL_LOG").as_deref());
    }
}

/// Variables of the environment that are text.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A runtime for subcommands that talk to the network.
///
/// # Errors
/// When the system gives no threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Does something on a runtime of its own and ends with its exit code, without waiting for whoever still reads keys.
fn on_runtime(doing: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(doing);
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            run::say(&format!("watchbell: the system gives no threads: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn check(common: &Common) -> ExitCode {
    let mut out = std::io::stdout();
    let colours = config::colours(&environment, std::io::IsTerminal::is_terminal(&out));
    // An error: nobody reads the output any more.
    match config::check(common.config_dir().as_deref(), &environment, &mut out, colours) {
        Ok(true) => match common.load() {
            Ok(loaded) => {
                // A warning, no mistake: overrides may cover a gap, and only a server knows them.
                let _ = warn_of_gaps(&loaded.config, &mut out);
                let _ = tell_maintenance(&loaded.config, &mut out);
                runbook::check(common, &loaded, &mut out, colours).unwrap_or(ExitCode::FAILURE)
            }
            Err(_) => ExitCode::FAILURE,
        },
        Ok(false) => {
            let _ = runbook::not_checked(&mut out);
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Schedules with nobody on call within the coming days.
fn warn_of_gaps(config: &Config, out: &mut dyn Write) -> std::io::Result<()> {
    let now = clock::wall();
    let until = now.checked_add(GAPS_WITHIN).unwrap_or(now);
    for line in text::swap::warnings(&lacks(config, &[], None, now, until), GAPS_WITHIN) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// When planned maintenance comes next, in its own zone: whoever wrote a cron expression sees what it says.
fn tell_maintenance(config: &Config, out: &mut dyn Write) -> std::io::Result<()> {
    let now = clock::wall();
    for plan in &config.maintenance {
        let coming: Vec<_> = plan.when.coming(&plan.zone, now).take(COMING).collect();
        writeln!(out, "{}", text::quiet::coming(&plan.name, &coming, &plan.zone))?;
    }
    Ok(())
}
