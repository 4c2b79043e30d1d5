//! `watchbell backup` and `watchbell restore`: the data folder, copied beside a running server and brought back. Never
//! says that something is safe which was not read back.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{Common, run::say};
use crate::journal::backup::{Backup, backup, restore};

/// Flags of `backup`.
#[derive(Debug, Clone, Args)]
pub struct BackupArgs {
    /// The folder that becomes the backup: empty, or an earlier backup, to which only what is new is added
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The data folder [default: what the configuration says]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Flags of `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The data folder to be: empty, or not there yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Makes a backup, also beside a running server.
#[must_use]
pub fn make(common: &Common, args: &BackupArgs) -> ExitCode {
    let configured = || common.load_or_say("nothing was backed up").map(|loaded| loaded.settings.data_dir);
    let Some(data_dir) = args.data.clone().or_else(configured) else {
        say("watchbell: name the data folder with --data");
        return ExitCode::FAILURE;
    };
    if !data_dir.join("journal").is_dir() {
        say(&format!(
            "There is no journal in {}: --data names the data folder of the server.",
            data_dir.display()
        ));
        return ExitCode::FAILURE;
    }
    match backup(&data_dir, &args.to) {
        Ok(made) => done("backed up and read back", &made, &args.to, made.key),
        Err(why) => failed("Nothing that was there before is lost, and this is no good backup yet", &why),
    }
}

/// Brings a backup back.
#[must_use]
pub fn bring_back(args: &RestoreArgs) -> ExitCode {
    match restore(&args.from, &args.data) {
        Ok(made) => done("restored and read back", &made, &args.data, made.key),
        Err(why) => failed("Nothing was restored that can be started", &why),
    }
}

fn done(what: &str, made: &Backup, place: &Path, key: bool) -> ExitCode {
    let key = if key {
        "the signing key is in it: keep it as safe as the server's"
    } else {
        "the signing key is not in it: it comes from the configuration"
    };
    let Backup { first, through, segments, .. } = made;
    let place = place.display();
    let words = format!("{what}: events {first} to {through}, segments: {segments}, in {place}; {key}");
    // The exit code says it too; nobody may be there to read the words.
    drop(writeln!(std::io::stdout().lock(), "{words}"));
    ExitCode::SUCCESS
}

fn failed(what: &str, why: &crate::journal::JournalError) -> ExitCode {
    say(&format!("watchbell: {why}\n{what}."));
    ExitCode::FAILURE
}
