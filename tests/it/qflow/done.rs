//! What changes something, really done against the fakes: approved by others, each value one argument, nothing before
//! it was approved. Never counts a confirmation or a flag as an approval.

use serde_json::Value;

use super::site::{Plan, Site, run, text};

/// Who may be asked for a yes, in turn.
const OTHERS: [&str; 2] = ["ben", "dana"];

/// Starts a command as ana, says yes as often as it asks, and waits for its end. Answers with the run and how many
/// others it took.
fn done(site: &Site, command: &str) -> (String, usize) {
    let reply = site.says("ana", command);
    let said = text(&reply);
    assert_eq!(reply["ok"], true, "{command}: {said}");
    let run = run(&said).unwrap_or_else(|| panic!("{command} starts no run: {said}"));
    let mut others = 0;
    for _ in 0..12 {
        let standing = site.until_run(&run, |standing| !standing.contains(": running"));
        if !standing.contains("waits") {
            return (run, others);
        }
        let approve = format!("/runbook approve {run}");
        // A confirmation is hers to give; an approval is not.
        if site.says("ana", &approve)["ok"] != Value::Bool(true) {
            let yes = OTHERS.iter().find(|other| site.says(other, &approve)["ok"] == true);
            assert!(yes.is_some(), "{command}: nobody can say yes: {standing}");
            others += 1;
        }
    }
    panic!("{command}: it asks again and again: {}", site.standing(&run));
}

/// The calls of a program since so many.
fn calls(site: &Site, since: usize, program: &str) -> Vec<Vec<String>> {
    let calls = site.programs.calls().split_off(since);
    calls.into_iter().filter(|call| call[0] == program).map(|call| call[1..].to_vec()).collect()
}

#[test]
fn changes_are_done_once_and_only_with_their_approvals() {
    let site = Site::open(&Plan::default());
    // The command, who was really asked for it, and how many others had to say yes.
    let cases: [(&str, &str, usize); 5] = [
        ("/qflow restart", "kubectl", 1),
        ("/qflow deployment rollback --to-last-known-good", "kubectl", 1),
        ("/qflow cache clear", "", 0),
        ("/qflow restore --backup latest --confirm", "qflow", 2),
        ("/qflow security lockdown enable", "qflow", 2),
    ];
    for (command, program, others) in cases {
        let since = site.programs.calls().len();
        let dry = text(&site.says("ana", &format!("{command} --dry-run")));
        assert!(dry.contains("would do: "), "{command}: {dry}");
        let changing =
            |call: &[String]| !call.iter().any(|word| ["status", "history", "get"].contains(&word.as_str()));
        let before: Vec<_> = site.programs.calls().split_off(since);
        assert!(!before.iter().any(|call| changing(call)), "{command}: a dry run did {before:?}");
        let (run, approved) = done(&site, command);
        assert_eq!(approved, others, "{command}");
        let standing = site.standing(&run);
        assert!(standing.contains("passed"), "{command}: {standing}");
        if !program.is_empty() {
            let done = calls(&site, since, program);
            let done: Vec<_> = done.iter().filter(|call| changing(call)).collect();
            assert_eq!(done.len(), 1, "{command}: {done:?}");
        }
    }
    assert_eq!(site.qflow.look(|kept| kept.cached), 0, "the cache was not cleared");
}

#[test]
fn a_value_stays_one_argument() {
    let site = Site::open(&Plan::default());
    let since = site.programs.calls().len();
    let odd = "node 7; rm -rf $(pwd) `id` \"x\"";
    let reply = site.says("ana", &format!("/qflow exec retry '{odd}'"));
    if reply["ok"] == true {
        if let Some(run) = run(&text(&reply)) {
            for person in ["ana", "ben", "dana"] {
                site.says(person, &format!("/runbook approve {run}"));
            }
            site.until_run(&run, |standing| !standing.contains(": running") && !standing.contains("waits"));
        }
        for call in calls(&site, since, "qflow") {
            assert!(call.contains(&odd.to_owned()), "{call:?}");
        }
    } else {
        assert_eq!(calls(&site, since, "qflow").len(), 0, "{reply}");
    }
}

#[test]
fn a_program_that_fails_fails_its_run() {
    let site = Site::open(&Plan::default());
    site.programs.ends_with("qflow", 3);
    let said = text(&site.says("ana", "/qflow backup verify"));
    assert!(said.contains("failed"), "{said}");
}
