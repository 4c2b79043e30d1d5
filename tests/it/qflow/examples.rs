//! Every example of every runbook of the pack, procedures, emergencies, guides and answers to alerts included, said
//! dry: it is understood, it ends, and it asks nobody for what is not there. Whether it passes is not judged here.

use watchbell::runbook::Runbook;

use super::{
    documented::said,
    logbook::environment,
    site::{Plan, Site, run, runs, text},
};

/// What is wrong with an example, if anything is.
fn wrong(site: &Site, runbook: &Runbook, example: &str, number: usize) -> Option<String> {
    let words: Vec<&str> = example.trim_start_matches('/').split(' ').collect();
    let count = runbook.spec.path.len();
    let mut command = said(&words, (runbook, count), number);
    if !runbook.changes() {
        // A dry look is one look, however long it was meant to go on.
        let flag = format!("--{} ", runbook.environment_flag);
        command = command.replacen(&flag, &format!("--dry-run {flag}"), 1);
    }
    let reply = site.says("ana", &command);
    let mut answer = text(&reply);
    if reply["ok"] != true {
        return Some(answer);
    }
    let is_shown = runbook.is_guide() && !example.contains("--step");
    let Some(run) = run(&answer).filter(|_| runbook.actions().next().is_some()) else {
        // A guide is shown; so is what has no actions.
        let acts = !is_shown && runbook.actions().next().is_some();
        return acts.then(|| format!("it starts no run: {answer}"));
    };
    if answer.lines().next().is_some_and(|title| title.ends_with(": running")) {
        answer += &site.until_run(&run, |standing| !runs(standing));
    }
    if answer.lines().next().is_some_and(|title| title.ends_with(": failed")) {
        let why = answer.lines().find(|line| line.starts_with('✘')).unwrap_or_default();
        println!("{example}: failed. {}", why.chars().take(160).collect::<String>());
    }
    let visits = site.book.of(&environment(number));
    let nowhere = visits.iter().find(|visit| {
        visit.status == 405
            || visit.status == 400
            || visit.answer.contains("Endpoint not found")
            || visit.answer.contains("page not found")
    });
    if let Some(visit) = nowhere {
        return Some(format!("{} answers {} {}", visit.call(), visit.status, visit.answer));
    }
    // Of steps; the words of a guide may say what they like.
    let steps: String = answer.lines().filter(|line| line.starts_with(['✘', '?'])).collect();
    let missing =
        ["unknown", "is not defined", "undefined", "has no"].into_iter().find(|word| steps.contains(word));
    missing.map(|word| format!("{word}: {answer}"))
}

#[test]
#[ignore = "says every example, with the real Prometheus: scripts/test"]
fn every_example_of_the_pack_is_understood_and_ends() {
    let examples = |site: &Site| {
        let pack = site.library.runbooks().filter(|runbook| runbook.file.starts_with("qflow/"));
        let all = pack.flat_map(|runbook| {
            let mut examples: Vec<String> = runbook.spec.examples.iter().map(ToString::to_string).collect();
            if runbook.is_guide() {
                let steps = runbook.steps.iter().filter(|step| !step.actions.is_empty());
                let command = runbook.command();
                examples.extend(steps.map(|step| format!("{command} --step {}", step.anchor)));
            }
            let of = |example| (std::sync::Arc::clone(runbook), example);
            examples.into_iter().map(of).collect::<Vec<_>>()
        });
        all.collect::<Vec<_>>()
    };
    let site = Site::open(&Plan { lines: 700, prometheus: true, ..Plan::default() });
    let opened = site.says("ana", "/incident open P3 the incident of the examples");
    assert_eq!(opened["ok"], true, "{opened}");
    let all = examples(&site);
    assert!(all.len() > 287, "{}", all.len());
    let mut faults = Vec::new();
    for (number, (runbook, example)) in all.iter().enumerate() {
        if let Some(wrong) = wrong(&site, runbook, example, number) {
            faults.push(format!("{example} ({}): {wrong}", runbook.file));
        }
    }
    println!("{} examples of {} runbooks", all.len(), site.library.runbooks().count());
    assert!(faults.is_empty(), "{} examples:\n\n{}", faults.len(), faults.join("\n\n"));
}
