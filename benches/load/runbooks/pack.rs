//! Folders of runbooks for the figures: those of the repository, and copies of them under other commands. Never writes
//! into the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of the repository in which this was built.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Copies the repository's runbooks to a new folder; answers their files.
pub fn copy(to: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    copy_folder(&package().join("commands"), to, &mut files)
        .map_err(|error| format!("{}: {error}", to.display()))?;
    files.sort();
    Ok(files)
}

fn copy_folder(from: &Path, to: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let copy = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &copy, files)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            fs::copy(&path, &copy)?;
            files.push(copy);
        }
    }
    Ok(())
}

/// The same, filled up to so many with copies under other commands. A copy stands beside its original, so that its
/// links lead where they led.
pub fn filled(to: &Path, wanted: usize) -> Result<(), String> {
    let files = copy(to)?;
    let mut missing = wanted.checked_sub(files.len()).ok_or("there are more runbooks than that")?;
    for round in 1.. {
        let before = missing;
        for file in &files {
            if missing == 0 {
                return Ok(());
            }
            let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let Some(again) = renamed(&text, round) else { continue };
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let copy = file.with_file_name(format!("{stem}-again-{round}.md"));
            fs::write(&copy, again).map_err(|error| format!("{}: {error}", copy.display()))?;
            missing -= 1;
        }
        if before == missing {
            return Err("no runbook can be copied".to_owned());
        }
    }
    Ok(())
}

/// A runbook under another command; none: it has more names, or starts by itself.
fn renamed(text: &str, round: usize) -> Option<String> {
    let (_, after) = text.split_once("---\n")?;
    let (front, _) = after.split_once("\n---\n")?;
    let more = ["aliases:", "schedule:", "on_alert:", "on_incident:"];
    if front.lines().any(|line| more.iter().any(|key| line.starts_with(key))) {
        return None;
    }
    let command = front.lines().find_map(|line| line.strip_prefix("command: /"))?;
    let (first, _) = command.split_once(' ')?;
    Some(text.replace(&format!("/{first} "), &format!("/{first}-{round} ")))
}
