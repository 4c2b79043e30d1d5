//! `watchbell simulate` as people and scripts use it: beside a server, without one, and with what it cannot read.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::peer::{
    ports,
    watchbell::{Watchbell, here},
};

const TEAM: &str = r#"
[person.ana]
name = "Ana Ruiz"
timezone = "Europe/Madrid"
roles = ["responder", "operator"]
contacts = { hook = "http://127.0.0.1:9/page" }
[person.ben]
name = "Ben Okafor"
timezone = "America/New_York"
roles = ["responder"]
contacts = { hook = "http://127.0.0.1:9/page" }
[schedule.primary]
timezone = "Europe/Madrid"
[[schedule.primary.layer]]
people = ["ana", "ben"]
start = 2026-01-05
handoff = "weekly Sun 02:30"
[policy.web]
steps = [{ page = ["schedule:primary"], wait = "5m" }]
[integration.prometheus]
kind = "alertmanager"
[[route]]
name = "web"
match = ['service="web"']
group_by = ["alertname"]
group_wait = "0s"
page = "web"
"#;

fn simulate(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(here());
    command.current_dir(folder).env_remove("WATCHBELL_TOKEN").arg("simulate").args(arguments);
    let Output { status, stdout, stderr } = command.output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("it ends by itself"), text(stdout), text(stderr))
}

/// A folder with a configuration whose server does not run.
fn alone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("config")).expect("a folder");
    let server = format!("[server]\nlisten = \"127.0.0.1:{}\"\n", ports::free());
    fs::write(folder.path().join("config/all.toml"), server + TEAM).expect("a file");
    fs::create_dir(folder.path().join("commands")).expect("a folder");
    folder
}

#[test]
fn without_a_server_the_configuration_answers_and_says_so() {
    let folder = alone();
    let (code, out, said) =
        simulate(folder.path(), &["--labels", "alertname=Down,service=web", "--as", "ana"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no server answers at"), "{said}");
    assert!(out.contains("No server was asked") && out.contains("1. web takes it"), "{out}");
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[test]
fn a_local_time_that_the_clock_skips_or_repeats_is_one_instant_and_said() {
    let folder = alone();
    let ask = |at: &str| {
        let labels = ["--offline", "--labels", "alertname=Down,service=web", "--as", "ana", "--at", at];
        let (code, out, said) = simulate(folder.path(), &labels);
        assert_eq!(code, 0, "{said}");
        out
    };
    // The clock jumps from 02:00 to 03:00, which is when the shift of 02:30 begins, too: turn 13, ben's since 03:00.
    let skipped = ask("2026-03-29T02:30");
    assert!(skipped.contains("does not exist in Europe/Madrid"), "{skipped}");
    assert!(skipped.contains("on 2026-03-29 03:00 CEST"), "{skipped}");
    let before = ask("2026-03-29T01:59:59+01:00");
    let person = |out: &str| if out.contains("pages ana") { "ana" } else { "ben" };
    assert_ne!(person(&skipped), person(&before), "the hand-off is at the jump:\n{skipped}\n{before}");

    let twice = ask("2026-10-25T02:30");
    assert!(twice.contains("occurs twice in Europe/Madrid"), "{twice}");
    assert!(twice.contains("2026-10-25 02:30 CEST; the second is 2026-10-25 02:30 CET"), "{twice}");
    // The hand-off is at the first one: it is nobody's second turn.
    let second = ask("2026-10-25T02:30:00+01:00");
    assert_eq!(person(&twice), person(&second));
    assert_ne!(person(&twice), person(&ask("2026-10-25T02:29:59+02:00")));
}

#[test]
fn what_cannot_be_read_is_named_with_its_place_and_what_to_write() {
    let folder = alone();
    for (arguments, words) in [
        (vec!["--labels", "service=~web"], "character 8"),
        (vec!["--labels", "service web"], "`=` is expected"),
        (vec!["--labels", "a=b", "--at", "someday"], "is no instant"),
        (vec!["--labels", "a=b", "--integration", "promtheus"], "did you mean `prometheus`?"),
        (vec!["--labels", "a=b", "--as", "nobody"], "--as: nobody is called"),
    ] {
        let (code, out, said) = simulate(folder.path(), &[&["--offline"], &arguments[..]].concat());
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_running_server_answers_with_what_it_knows() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("commands")).expect("a folder");
    let watchbell = Watchbell::here(folder.path(), TEAM);
    let stood_in = watchbell.command("ana", "/oncall override primary ben 2h");
    assert_eq!(stood_in["ok"], true, "{stood_in}");
    let stood_in = watchbell.command("ana", "/oncall override primary ana 1h");
    assert_eq!(stood_in["ok"], true, "{stood_in}");
    let labels = ["--labels", "alertname=\"Down\",service=\"web\"", "--json", "--as", "ana"];
    let (code, out, said) = simulate(folder.path(), &labels);
    assert_eq!((code, said.as_str()), (0, ""), "{out}");
    let told: Value = serde_json::from_str(&out).expect("JSON");
    let person = &told["groups"][0]["pages"][0]["steps"][0]["people"][0];
    assert_eq!((&person["person"], &person["duty"]["overriding"]), (&"ana".into(), &"OV-2".into()), "{told}");
    assert_eq!(told["notes"], serde_json::json!([]), "{told}");
}
