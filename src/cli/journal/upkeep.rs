//! `watchbell journal erase|archive`: asks the running server, or does it under the lock when none runs. Never both.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    app,
    cli::{
        Common, clean, on_runtime,
        run::{NOT_THERE, REFUSED, Reach, say},
    },
    config::{Loaded, Settings},
    domain::{
        event::Actor,
        id::{PersonId, Seq},
    },
    engine::upkeep::{Failed, Outcome, Upkeep},
    journal::{
        DataLock, JournalError,
        erase::{Wanted, in_archive, learn_links},
    },
    observe,
    text::{card::Card, upkeep as words},
};

/// Flags of `journal erase`.
#[derive(Debug, Clone, Args)]
pub struct EraseArgs {
    /// Whose words
    #[arg(long = "person", value_name = "PERSON", required_unless_present = "seq")]
    whose: Option<String>,
    /// The words of this event, whoever wrote them
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    /// Only what was written before this (2026-01-01, or 2026-01-01T00:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    before: Option<Timestamp>,
    /// Only look how much that is
    #[arg(long)]
    dry_run: bool,
    /// Folders with archived segments, in which it is erased too
    #[arg(long, value_name = "DIR", conflicts_with = "dry_run")]
    with: Vec<PathBuf>,
    #[command(flatten)]
    reach: Reach,
}

/// Flags of `journal archive`.
#[derive(Debug, Clone, Args)]
pub struct ArchiveArgs {
    /// Segments whose events are all older than this (2026-01-01, or 2026-01-01T00:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    before: Timestamp,
    /// The folder to which they go
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    reach: Reach,
}

/// A date is the beginning of that day on this machine.
fn instant(text: &str) -> Result<Timestamp, String> {
    let day = |date: Date| date.to_zoned(TimeZone::system()).ok().map(|at| at.timestamp());
    let read = text.parse::<Timestamp>().ok().or_else(|| text.parse::<Date>().ok().and_then(day));
    read.ok_or_else(|| "write a date like 2026-01-01 or an instant like 2026-01-01T00:00:00Z".to_owned())
}

/// Erases.
pub fn erase(common: &Common, data_dir: &Path, args: &EraseArgs) -> ExitCode {
    let wanted = Wanted {
        person: args.whose.as_deref().map(PersonId::from),
        seq: args.seq.map(Seq),
        before: args.before,
        ..Wanted::default()
    };
    let named = args.whose.as_deref().unwrap_or("nobody");
    if named.is_empty() || named.contains([' ', '"']) {
        say(&format!("watchbell: `{}` is nobody's name", clean::line(named)));
        return ExitCode::from(REFUSED);
    }
    let flags = [
        args.whose.as_ref().map(|person| format!(" --person {person}")),
        args.seq.map(|seq| format!(" --seq {seq}")),
        args.before.map(|before| format!(" --before {before}")),
        args.dry_run.then(|| " --dry-run".to_owned()),
    ];
    let line = format!("/journal erase{}", flags.into_iter().flatten().collect::<String>());
    if !args.with.is_empty() {
        let Some(Loaded { settings, .. }) = common.load_or_say("nothing was done") else {
            return ExitCode::from(REFUSED);
        };
        if let Err(why) = in_archives(data_dir, &args.with, &wanted, &settings) {
            return failed(&why.to_string());
        }
    }
    let (dry, alone) = (args.dry_run, wanted);
    run(common, data_dir, &args.reach, &line, async move |upkeep: Upkeep| {
        let done = upkeep.erase(alone, dry, Actor::Operator, observe::trace()).await?;
        let Outcome { erased, torn, unread, plain, live, archives } = done;
        let done = words::Erasure { erased, dry, torn, unread, plain, live, archives };
        Ok(words::erasure(&done, &TimeZone::UTC))
    })
}

/// Erases in folders of archived segments. Whose the messages of an account were, any of the folders may say.
fn in_archives(
    data_dir: &Path,
    archives: &[PathBuf],
    wanted: &Wanted,
    settings: &Settings,
) -> Result<(), JournalError> {
    let mut wanted = wanted.clone();
    if let Some(person) = &wanted.person {
        wanted.accounts = settings.accounts_of(person);
        for folder in archives.iter().map(PathBuf::as_path).chain([data_dir]) {
            learn_links(folder, &mut wanted.links)?;
        }
    }
    for archive in archives {
        let (texts, plain) = in_archive(archive, &wanted)?;
        println(&format!("{}: texts erased: {texts}", archive.display()));
        if plain > 0 {
            println(&words::stays_plain(plain));
        }
    }
    Ok(())
}

/// Archives.
pub fn archive(common: &Common, data_dir: &Path, args: &ArchiveArgs) -> ExitCode {
    // The server may stand in another folder.
    let to = match std::path::absolute(&args.to) {
        Ok(to) => to,
        Err(why) => return failed(&why.to_string()),
    };
    if to.to_string_lossy().contains(['"', '\n']) {
        return failed("the folder's name holds what no command can carry: name another one");
    }
    let before = args.before;
    let line = format!("/journal archive --before {before} --to \"{}\"", to.display());
    run(common, data_dir, &args.reach, &line, async move |upkeep: Upkeep| {
        let done = upkeep.archive(before, &to, Actor::Operator, observe::trace()).await?;
        Ok(done.map_or_else(words::nothing_to_archive, |done| words::archived(&done)))
    })
}

/// Does it under the lock, or has the server do it that holds the lock.
fn run<F>(common: &Common, data_dir: &Path, reach: &Reach, line: &str, alone: F) -> ExitCode
where
    F: AsyncFnOnce(Upkeep) -> Result<Card, Failed>,
{
    match DataLock::acquire(data_dir) {
        Ok(lock) => drop(lock),
        Err(JournalError::Locked { .. }) => return ask(common, reach, line),
        Err(why) => return failed(&why.to_string()),
    }
    let Some(Loaded { config, settings, .. }) = common.load_or_say("nothing was done") else {
        return ExitCode::from(REFUSED);
    };
    on_runtime(async move {
        let upkeep = match app::alone(data_dir, config, &settings).await {
            Ok(upkeep) => upkeep,
            Err(why) => return failed(&format!("{why:#}")),
        };
        match alone(upkeep).await {
            Ok(card) => {
                println(format!("{}\n{}", card.title, card.text).trim_end());
                ExitCode::SUCCESS
            }
            Err(why) => failed(&why.to_string()),
        }
    })
}

fn ask(common: &Common, reach: &Reach, line: &str) -> ExitCode {
    let client = match reach.client(common) {
        Ok(client) => client.patient(),
        Err(why) => return failed(&why),
    };
    on_runtime(async move {
        match client.command(line, None).await {
            Ok(reply) => {
                println(&clean::lines(&reply.text));
                if reply.ok { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) }
            }
            Err(why) => {
                say(&format!("watchbell: {why}"));
                ExitCode::from(if why.is_absence() { NOT_THERE } else { REFUSED })
            }
        }
    })
}

fn failed(why: &str) -> ExitCode {
    say(&format!("watchbell: {why}"));
    ExitCode::from(REFUSED)
}

/// Nobody may be there to read it; the exit code says it as well.
fn println(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}
