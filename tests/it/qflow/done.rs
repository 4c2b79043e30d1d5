//! What changes something, really done against the fakes: approved by others, each value one argument, nothing before
//! it was approved. Never counts a confirmation or a flag as an approval.

use serde_json::Value;

use crate::peer::{SOON, process::until, server::Request};

use super::site::{Plan, Site, run, runs, text};

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
        let standing = site.until_run(&run, |standing| !runs(standing));
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

/// How often a program was called with these words, in this order, since so many calls.
fn times(site: &Site, since: usize, words: &[&str]) -> usize {
    let holds = |call: &Vec<String>| {
        let mut rest = call.iter();
        !words.is_empty() && words.iter().all(|word| rest.any(|part| part == word))
    };
    site.programs.calls().split_off(since).iter().filter(|call| holds(call)).count()
}

#[test]
fn changes_are_done_once_and_only_with_their_approvals() {
    let site = Site::open(&Plan::default());
    let mut cached = site.qflow.look(|kept| kept.cached);
    // The command, the call of a program that does it, and how many others have to say yes.
    let cases: [(&str, &[&str], usize); 7] = [
        ("/qflow restart", &["kubectl", "-n", "qflow", "rollout", "restart", "deployment/qflow"], 1),
        ("/qflow restart --env staging", &["docker", "compose", "restart", "qflow"], 1),
        ("/qflow restart --env development", &["systemctl", "restart", "qflow"], 1),
        ("/qflow cache clear", &[], 0),
        ("/qflow restore --backup latest --confirm", &["qflow", "restore", "--backup", "latest"], 2),
        ("/qflow security lockdown enable", &["qflow", "security", "lockdown", "enable"], 2),
        ("/qflow deployment rollback --to-last-known-good", &["kubectl", "rollout", "undo"], 1),
    ];
    for (command, call, others) in cases {
        let since = site.programs.calls().len();
        let dry = text(&site.says("ana", &format!("{command} --dry-run")));
        assert!(dry.contains("would do: "), "{command}: {dry}");
        assert_eq!(times(&site, since, call), 0, "{command}: a dry run did it: {:?}", site.programs.calls());
        assert_eq!(site.qflow.look(|kept| kept.cached), cached, "{command}: a dry run did it");
        let (run, approved) = done(&site, command);
        assert_eq!(approved, others, "{command}");
        let standing = site.standing(&run);
        assert!(standing.contains("passed"), "{command}: {standing}");
        let expected = usize::from(!call.is_empty());
        assert_eq!(times(&site, since, call), expected, "{command}: {:?}", site.programs.calls());
        cached = site.qflow.look(|kept| kept.cached);
    }
    assert_eq!(site.qflow.look(|kept| kept.cached), 0, "the cache was not cleared");
}

#[test]
fn a_value_stays_one_argument() {
    let site = Site::open(&Plan::default());
    let odd = "day 7; rm -rf $(pwd) `id` \\ * \"x\"";
    let said = text(&site.says("ana", &format!("/qflow backup verify --date '{odd}'")));
    assert!(said.contains("passed"), "{said}");
    let calls = site.programs.calls();
    let expected: Vec<&str> = vec!["qflow", "backup", "verify", "--date", odd];
    assert_eq!(
        calls.last().map(|call| call.iter().map(String::as_str).collect()),
        Some(expected),
        "{calls:?}"
    );
}

#[test]
fn a_program_that_fails_fails_its_run() {
    let site = Site::open(&Plan::default());
    site.programs.ends_with("qflow", 3);
    let said = text(&site.says("ana", "/qflow backup verify"));
    assert!(said.contains("failed"), "{said}");
}

#[test]
fn an_emergency_wakes_somebody_and_a_look_that_goes_on_is_stopped() {
    let site = Site::open(&Plan::default());
    let told = site.says("chi", "/qflow notify emergency \"P0 incident: nothing starts any more\"");
    assert_eq!(told["ok"], true, "{told}");
    let page = site.phone.wait(SOON, Request::is_page).unwrap_or_else(|| panic!("nobody was paged: {told}"));
    assert!(page.body.contains("nothing starts any more"), "{page:?}");

    // Half an hour, as it is documented.
    std::thread::scope(|scope| {
        let watching =
            scope.spawn(|| text(&site.says("ana", "/qflow monitor --duration 30m --alert-on-errors")));
        let asked = until(SOON, || (!site.book.to("elasticsearch").is_empty()).then_some(()));
        assert!(asked.is_some(), "nobody was asked");
        let stopped = site.says("ben", "/runbook stop R-2");
        assert_eq!(stopped["ok"], true, "{stopped}");
        let said = watching.join().expect("an answer");
        assert!(said.contains("stopped by ben"), "{said}");
    });
}
