//! `watchbell journal verify|export|stat`: looks after the journal, also beside a running server. Never changes it.

use std::{
    io::{self, IsTerminal as _, Write},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::Common;
use crate::{
    domain::id::Seq,
    journal::{self, JournalError, Selection},
};

/// Flags of `journal`.
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    /// The data folder [default: what the configuration says, else ./data]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Check every line: hashes, sequences, the words of people. Exit 1 when something is damaged
    Verify,
    /// Write events as JSON lines, as they stand in the journal
    Export {
        /// From this sequence on
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
        /// Up to this sequence
        #[arg(long, value_name = "SEQ")]
        to: Option<u64>,
        /// Only what was decided at or after this time (2026-03-29T02:30:00Z)
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
    /// Count events by kind
    Stat,
}

/// Runs the subcommand.
pub fn run(common: &Common, args: JournalArgs) -> ExitCode {
    let data_dir = args.data.unwrap_or_else(|| {
        common.load().map_or_else(|_| PathBuf::from("data"), |loaded| loaded.settings.data_dir)
    });
    if !data_dir.join("journal").is_dir() {
        eprintln!(
            "There is no journal in {}: --data names the data folder of the server.",
            data_dir.display()
        );
        return ExitCode::FAILURE;
    }
    let done = match args.what {
        What::Verify => verify(&data_dir),
        What::Export { from, to, since } => {
            let selection = Selection { from: from.map(Seq), to: to.map(Seq), since };
            export(&data_dir, &selection)
        }
        What::Stat => stat(&data_dir),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn verify(data_dir: &std::path::Path) -> Result<ExitCode, JournalError> {
    let bar = io::stderr().is_terminal();
    let found = journal::verify(data_dir, &mut |read| {
        if bar {
            eprint!("\r{} events, {} MB …", read.events, read.bytes >> 20);
        }
        ControlFlow::Continue(())
    })?;
    if bar {
        eprintln!();
    }
    for damage in &found.damage {
        println!("{damage}");
    }
    if found.unfinished > 0 {
        println!(
            "{} bytes at the end are not finished: being written, or cut at the next start",
            found.unfinished
        );
    }
    let (segments, events) = (found.read.segments, found.read.events);
    if found.damage.is_empty() {
        println!("whole: {events} events in {segments} segments, up to sequence {}", found.read.seq);
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "DAMAGED: {} of {events} events in {segments} segments. Restore these files from a backup.",
        found.damage.len()
    );
    Ok(ExitCode::FAILURE)
}

fn export(data_dir: &std::path::Path, selection: &Selection) -> Result<ExitCode, JournalError> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let exported = journal::export(data_dir, selection, &mut out)?;
    // Nobody reads the output any more: nothing to tell.
    let _ = out.flush();
    for damage in &exported.damage {
        eprintln!("left out: {damage}");
    }
    Ok(if exported.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn stat(data_dir: &std::path::Path) -> Result<ExitCode, JournalError> {
    let stat = journal::stat(data_dir)?;
    println!("{} events in {} segments, {} bytes", stat.events, stat.segments, stat.bytes);
    if let (Some((first, from)), Some((last, until))) = (stat.first, stat.last) {
        println!("from {from} (sequence {first}) to {until} (sequence {last})");
    }
    for (kind, count) in &stat.kinds {
        println!("{count:>12}  {kind}");
    }
    if stat.damaged > 0 {
        println!("{:>12}  damaged lines: `watchbell journal verify` names them", stat.damaged);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
