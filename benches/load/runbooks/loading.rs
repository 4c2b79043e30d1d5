//! Many runbooks, read and checked: the whole process of `watchbell check`, and the library alone. Never a figure of
//! runbooks that have mistakes.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use watchbell::{config, runbook::Library};

use super::{Effort, outcome::Figure, pack};
use crate::{client::percentile, measure::millis};

/// The figures, once.
pub fn measure(binary: &Path, folder: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let commands = folder.join("commands");
    pack::filled(&commands, effort.files)?;
    let mut processes = Vec::new();
    for _ in 0..effort.checks {
        processes.push(check(binary, &commands, effort.files)?);
    }
    let loaded = config::load(Some(&pack::package().join("config")), &|_| None);
    let loaded = loaded.map_err(|mistakes| mistakes.to_string())?;
    let mut loads = Vec::new();
    for _ in 0..effort.checks {
        let began = Instant::now();
        let library = Library::load(Some(&commands), &loaded);
        loads.push(began.elapsed());
        if library.runbooks().len() != effort.files {
            return Err(format!("{} of {} runbooks can be used", library.runbooks().len(), effort.files));
        }
    }
    let figures = |what: &str, mut times: Vec<Duration>| {
        times.sort_unstable();
        let name = |which: &str| format!("{} runbooks, {what}, {which}", effort.files);
        [
            Figure::new(name("median"), "ms", millis(percentile(&times, 50))),
            Figure::new(
                name(&format!("longest of {}", effort.checks)),
                "ms",
                millis(percentile(&times, 100)),
            ),
        ]
    };
    Ok(figures("`watchbell check`", processes).into_iter().chain(figures("loading alone", loads)).collect())
}

/// One process, from before its start until its end.
fn check(binary: &Path, commands: &Path, files: usize) -> Result<Duration, String> {
    let mut command = Command::new(binary);
    command.arg("check").arg("--config").arg("config").arg("--commands").arg(commands);
    command.current_dir(pack::package());
    let began = Instant::now();
    let output = command.output().map_err(|error| format!("{}: {error}", binary.display()))?;
    let took = began.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.contains(&format!("commands: fine: {files} runbooks")) {
        return Ok(took);
    }
    Err(format!("watchbell check: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
