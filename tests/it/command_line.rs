//! The command line as scripts use it: exit codes, what is said on which output, and what is refused before it starts.
//! Never against a server.

use std::{
    fs,
    io::Read as _,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::peer::watchbell::here;

const DONE: i32 = 0;
const REFUSED: i32 = 1;
const NOT_THERE: i32 = 2;

/// A folder with a configuration that is not TOML.
fn broken() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("config")).expect("a folder");
    fs::write(folder.path().join("config/watchbell.toml"), "[server\n").expect("a file");
    folder
}

fn watchbell(folder: &TempDir) -> Command {
    let mut command = Command::new(here());
    command.current_dir(folder.path()).env_remove("WATCHBELL_TOKEN");
    command
}

fn ends(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        watchbell(folder).args(arguments).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it ends by itself"), text(stdout), text(stderr))
}

#[test]
fn only_a_server_that_is_not_there_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, code) in [
        (vec!["--help"], DONE),
        (vec!["--version"], DONE),
        (vec!["run", "--help"], DONE),
        (vec!["run"], REFUSED),
        (vec!["rnu", "/help"], REFUSED),
        (vec!["console", "--sever", "x"], REFUSED),
        (vec!["run", "--server", "ftp://x.example", "/help"], REFUSED),
        (vec!["console", "--server", "ftp://x.example"], REFUSED),
        // Nobody listens on port 1.
        (vec!["run", "--server", "http://127.0.0.1:1", "/help"], NOT_THERE),
    ] {
        assert_eq!(ends(&folder, &arguments).0, code, "{arguments:?}");
    }
}

#[test]
fn without_a_token_nobody_listens_beyond_this_machine() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, said) =
        ends(&folder, &["serve", "--listen", "0.0.0.0:0", "--data", "data", "--log", "text"]);
    assert_eq!(code, REFUSED, "{said}");
    assert!(said.contains("without a token in [api]"), "{said}");
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[test]
fn a_configuration_that_cannot_be_read_is_said_and_verifies_nothing() {
    let folder = broken();
    fs::create_dir_all(folder.path().join("data/journal")).expect("a folder");
    let (code, out, said) = ends(&folder, &["journal", "verify"]);
    assert_eq!((code, out.as_str()), (REFUSED, ""), "{said}");
    assert!(said.contains("1 mistake") && said.contains("--data"), "{said}");
    let (code, out, said) = ends(&folder, &["journal", "verify", "--data", "data"]);
    assert_eq!(code, DONE, "{said}");
    assert!(out.starts_with("whole: 0 events in 0 segments"), "{out}");
    let (code, _, said) = ends(&folder, &["journal", "stat"]);
    assert_eq!(code, DONE, "{said}");
    assert!(said.contains("1 mistake") && said.contains("./data"), "{said}");
    let (_, _, said) = ends(&folder, &["health"]);
    assert!(said.contains("1 mistake"), "{said}");
}

#[test]
fn a_reader_who_has_enough_is_no_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/journals/v0.1.0");
    let (code, out, said) = ends(&folder, &["journal", "verify", "--data", journal]);
    assert_eq!(code, DONE, "{out}{said}");
    assert!(out.contains("events in 1 segment,"), "{out}");
    for what in ["stat", "export", "verify"] {
        let mut process = watchbell(&folder)
            .args(["journal", what, "--data", journal])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // Nobody reads any of it.
        drop(process.stdout.take());
        let mut said = String::new();
        process.stderr.take().expect("its words").read_to_string(&mut said).expect("UTF-8");
        let code = process.wait().expect("it ends").code();
        assert_eq!((code, said.as_str()), (Some(DONE), ""), "{what}");
    }
}
