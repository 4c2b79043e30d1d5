//! What the fuzzer was fed with, and what it found: every reader of the outside over its corpus, on every change.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{fs, path::Path};

/// Runs one reader over all files of its corpus. What it must hold stands in `fuzz/targets.rs`.
fn over(name: &str, read: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{}: {} files are no corpus", folder.display(), files.len());
    let mut bytes = 0;
    for file in &files {
        let data = fs::read(file).expect("a file of the corpus");
        bytes += data.len();
        // The harness shows this when one of them fails.
        println!("{}", file.display());
        read(&data);
    }
    assert!(bytes < 1 << 20, "{}: {bytes} bytes: keep it small", folder.display());
}

#[test]
fn intake() {
    over("intake", targets::intake);
}

#[test]
fn matchers() {
    over("matcher", targets::matcher);
}

#[test]
fn commands() {
    over("command", targets::command);
}

#[test]
fn configuration() {
    over("configuration", targets::configuration);
}

#[test]
fn runbooks() {
    over("runbook", targets::runbook);
}

#[test]
fn journal() {
    over("journal", targets::journal);
}
