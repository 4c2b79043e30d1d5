//! `watchbell journal …`: looks after the journal, also beside a running server. Never changes a line itself: a running
//! server does, or the same code under its lock.

mod upkeep;

use std::{
    io::{self, ErrorKind, IsTerminal as _, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Common, run::say};
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
    Verify {
        /// Folders with archived segments, which are checked along with the rest
        #[arg(long, value_name = "DIR")]
        with: Vec<PathBuf>,
    },
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
    /// Erase what a person wrote, or the words of one event; the journal stays whole
    Erase(upkeep::EraseArgs),
    /// Move old segments to another folder
    Archive(upkeep::ArchiveArgs),
}

/// Runs the subcommand.
pub fn run(common: &Common, args: JournalArgs) -> ExitCode {
    let data_dir = match args.data {
        Some(data_dir) => data_dir,
        None => match common.load_or_say("./data is taken for the data folder") {
            Some(loaded) => loaded.settings.data_dir,
            // A journal that is whole says nothing when it may be another server's.
            None if matches!(args.what, What::Verify { .. }) => {
                say("watchbell: nothing was verified: name the data folder with --data");
                return ExitCode::FAILURE;
            }
            None => PathBuf::from("data"),
        },
    };
    if !data_dir.join("journal").is_dir() {
        let data_dir = data_dir.display();
        say(&format!("There is no journal in {data_dir}: --data names the data folder of the server."));
        return ExitCode::FAILURE;
    }
    let what = match args.what {
        What::Erase(args) => return upkeep::erase(common, &data_dir, &args),
        What::Archive(args) => return upkeep::archive(common, &data_dir, &args),
        what => what,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = match what {
        What::Verify { with } => verify(&data_dir, &with, &mut out),
        What::Export { from, to, since } => {
            let selection = Selection { from: from.map(Seq), to: to.map(Seq), since };
            export(&data_dir, &selection, &mut out)
        }
        What::Stat => stat(&data_dir, &mut out),
        // Those two have ended above.
        What::Erase(_) | What::Archive(_) => Ok(ExitCode::FAILURE),
    };
    match (done, out.flush()) {
        // Whoever read the output has enough of it: that is no failure.
        (Err(Failure::Output(why)), _) | (Ok(ExitCode::SUCCESS), Err(why))
            if why.kind() == ErrorKind::BrokenPipe =>
        {
            ExitCode::SUCCESS
        }
        (Ok(code), Ok(())) => code,
        (Err(Failure::Journal(error)), _) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
        (Ok(_), Err(why)) | (Err(Failure::Output(why)), _) => {
            say(&format!("watchbell: the output cannot be written: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Why a subcommand did not come to its end.
enum Failure {
    Journal(JournalError),
    Output(io::Error),
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            // The journal is only read here: what is written is the output.
            JournalError::Io { doing: "write", source, .. } => Self::Output(source),
            error => Self::Journal(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// `1 segment`, `2 segments`
fn segments(count: impl Into<u64>) -> String {
    match count.into() {
        1 => "1 segment".to_owned(),
        more => format!("{more} segments"),
    }
}

fn verify(data_dir: &Path, with: &[PathBuf], out: &mut dyn Write) -> Result<ExitCode, Failure> {
    // Whether they are the ones that this journal goes on from is part of it.
    if !with.is_empty() {
        let folders: Vec<String> = with.iter().map(|folder| folder.display().to_string()).collect();
        let mut events = 0_u64;
        journal::archive::read(data_dir, &folders, &mut |_| events += 1)?;
        writeln!(out, "archived: {events} events, whole, and the journal goes on from them")?;
    }
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
    let is_whole = found.damage.is_empty();
    let code = if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let mut write = || {
        for damage in &found.damage {
            writeln!(out, "{damage}")?;
        }
        if found.unfinished > 0 {
            let bytes = found.unfinished;
            writeln!(
                out,
                "{bytes} bytes at the end are not finished: being written, or cut at the next start"
            )?;
        }
        let (events, segments) = (found.read.events, segments(found.read.segments));
        if is_whole {
            return writeln!(out, "whole: {events} events in {segments}, up to sequence {}", found.read.seq);
        }
        let damaged = found.damage.len();
        writeln!(
            out,
            "DAMAGED: {damaged} of {events} events in {segments}. Restore these files from a backup."
        )
    };
    match write().and_then(|()| out.flush()) {
        // That it is damaged is said by the exit code, whoever reads the rest.
        Err(_) if !is_whole => Ok(code),
        written => Ok(written.map(|()| code)?),
    }
}

fn export(data_dir: &Path, selection: &Selection, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let exported = journal::export(data_dir, selection, out)?;
    for damage in &exported.damage {
        say(&format!("left out: {damage}"));
    }
    Ok(if exported.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn stat(data_dir: &Path, out: &mut dyn Write) -> Result<ExitCode, Failure> {
    let stat = journal::stat(data_dir)?;
    writeln!(out, "{} events in {}, {} bytes", stat.events, segments(stat.segments), stat.bytes)?;
    if let (Some((first, from)), Some((last, until))) = (stat.first, stat.last) {
        writeln!(out, "from {from} (sequence {first}) to {until} (sequence {last})")?;
    }
    for (kind, count) in &stat.kinds {
        writeln!(out, "{count:>12}  {kind}")?;
    }
    if stat.damaged > 0 {
        writeln!(out, "{:>12}  damaged lines: `watchbell journal verify` names them", stat.damaged)?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
