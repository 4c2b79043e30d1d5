//! `watchbell runbook new`, and the runbooks' part of `watchbell check`. Never changes a file that is there.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use clap::{Args, Subcommand};

use super::{Common, run::say};
use crate::{
    config::{Loaded, Mistakes},
    runbook::{self, Library},
};

/// What is asked about runbooks.
#[derive(Debug, Args)]
pub struct RunbookArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a first runbook, which passes `watchbell check`
    New {
        /// Its file below the folder and its command: shop/disk-full is `/shop disk-full`
        name: String,
    },
}

/// Runs it.
#[must_use]
pub fn run(common: &Common, args: &RunbookArgs) -> ExitCode {
    let What::New { name } = &args.what;
    let folder = common.commands.clone().unwrap_or_else(|| Path::new("commands").to_owned());
    match runbook::write_first(&folder, name) {
        Ok(path) => {
            let said = writeln!(
                io::stdout().lock(),
                "{} is written. Change it, then: watchbell check --commands {}",
                path.display(),
                folder.display()
            );
            // Nobody may be there to read it; the file is there all the same.
            drop(said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&format!("watchbell: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Checks every runbook and writes every mistake and a summary.
///
/// # Errors
/// When `out` cannot be written to.
pub fn check(common: &Common, loaded: &Loaded, out: &mut dyn Write, colours: bool) -> io::Result<ExitCode> {
    let library = Library::load(common.commands_dir().as_deref(), loaded);
    let all = library.mistakes().chain(library.mistakes_of_routes());
    let mistakes = Mistakes { all: all.cloned().collect() };
    let count = match library.runbooks().len() {
        1 => "1 runbook".to_owned(),
        count => format!("{count} runbooks"),
    };
    if mistakes.all.is_empty() {
        let left_out = match library.left_out() {
            0 => String::new(),
            many => format!("; {many} built-in ones ask for services that this configuration does not have"),
        };
        writeln!(out, "commands: fine: {count}{left_out}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = if colours { format!("{mistakes:#}") } else { mistakes.to_string() };
    writeln!(out, "{text}")?;
    let of = match library.broken().len() {
        0 => String::new(),
        broken => format!(" in {broken} of the files"),
    };
    writeln!(out, "commands: {}{of}; {count} can be used", mistakes.summary())?;
    Ok(ExitCode::FAILURE)
}

/// Says why runbooks were not looked at.
///
/// # Errors
/// When `out` cannot be written to.
pub fn not_checked(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "commands: not checked, because they stand on the configuration")
}
