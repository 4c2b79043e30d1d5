//! Every command line of Qflow's documentation, said in chat: it resolves, it ends as expected, it reaches the systems
//! that hold the answer, and it says what only they know. Never changes anything: what would is a dry run here.

use std::{collections::BTreeSet, fmt, sync::Arc};

use watchbell::{
    command::spec::Name,
    runbook::{Act, Action, ITSELF, Runbook},
};

use super::{
    families::{FAMILIES, PROGRAM},
    kept::{DAO, FLOW, OWNER, PROPOSAL, RUNNING},
    logbook::environment,
    programs::{Called, MARK},
    site::{Plan, Site, run, runs, text},
    telling::{Said, telling},
};
use crate::source::package;

/// As they are documented.
const LINES: &str = include_str!("documented-commands.txt");

/// What nobody but its reader may have.
const SECRET: &str = "correct-horse-battery";

/// What stands for what, so that it exists in the fakes.
const PLACES: [(&str, &str); 36] = [
    // Only what failed is tried again, and only who is no member yet becomes one.
    ("exec retry <execution-id>", "exec retry f6f4fe3e-47c9-4d5c-8c03-50d4a2e7c4b7"),
    ("dao add-member <dao-id> <user-id>", "dao add-member dao-ops squid:user:other"),
    ("<affected-component>", "engine"),
    ("<alert-id>", "alert-001"),
    ("<backup-id>", "backup-20261125"),
    ("<checkpoint-id>", "cp-17"),
    ("<component>", "engine"),
    ("<credential-type>", "jwt"),
    ("<dao-id>", DAO),
    ("<description>", "nothing starts any more"),
    ("<execution-id>", RUNNING),
    ("<flow-id>", FLOW),
    ("<incident-id>", "INC-1"),
    ("<module-hash>", "sha256:9d1c7e02aa41"),
    ("<new-owner-id>", "squid:user:other"),
    ("<new-secret>", SECRET),
    ("<patch-file>", "hotfix-17.patch"),
    ("<peer-id>", "12D3KooWPeer17nAqvG"),
    ("<permission>", "execute"),
    ("<policy-id>", "dao-ops-execution-policy"),
    ("<previous-version>", "0.1.0"),
    ("<proposal-id>", PROPOSAL),
    ("<resource>", FLOW),
    ("<slow-node-id>", "node-51d8"),
    ("<summary>", "the queue is empty again"),
    ("<template-id>", "github-api"),
    ("<ticket-id>", "T-17"),
    ("<token>", "eyJhbGciOi"),
    ("<user-id>", OWNER),
    ("<wasm-module>", "module.wasm"),
    ("<webhook-url>", "https://hooks.example.com/T0/B0"),
    // Looked at for as long as it is said: here for as short as possible.
    ("--duration 10m", "--duration 1s"),
    ("--duration 15m", "--duration 1s"),
    ("--duration 30m", "--duration 1s"),
    ("--wait 60", "--wait 1"),
    ("--follow", "--follow --duration 1s"),
];

/// A secret that stands where everybody sees it is refused before anybody is asked.
const REFUSED: [&str; 1] = ["qflow config set security.jwtSecret"];

/// Lines that do not end well against these fakes, and why that is right: (beginning, verdict).
const VERDICTS: [(&str, &str); 4] = [
    (REFUSED[0], "failed"),
    // One of the flow's executions failed, and so did a trace.
    ("qflow flow monitor", "failed"),
    ("qflow flow status", "failed"),
    // There are errors that the day before did not have.
    ("qflow logs analyze", "failed"),
];

/// So many lines reach nobody but the program on the host: what the table of Qflow's operations leaves to it.
const PROGRAMS: usize = 77;

/// What became of a line.
struct Outcome {
    line: String,
    verdict: String,
    /// Who was asked, and who would have been.
    asked: BTreeSet<&'static str>,
    would: BTreeSet<&'static str>,
    wrong: Option<String>,
}

impl Outcome {
    fn systems(&self) -> BTreeSet<&'static str> {
        self.asked.union(&self.would).copied().collect()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |systems: &BTreeSet<&'static str>| systems.iter().copied().collect::<Vec<_>>().join(", ");
        write!(out, "{:<75} {:<8} {}", self.line, self.verdict, join(&self.asked))?;
        if !self.would.is_empty() {
            write!(out, "; would ask {}", join(&self.would))?;
        }
        out.write_str(if self.wrong.is_some() { "  WRONG" } else { "" })
    }
}

fn filled(line: &str) -> String {
    let mut filled = line.to_owned();
    for (place, value) in PLACES {
        filled = filled.replace(place, value);
    }
    assert!(!filled.contains('<'), "nothing stands for what {line} leaves open");
    filled
}

/// The runbook of a line, and how many words of it are its command.
fn runbook<'a>(site: &'a Site, words: &[&str]) -> Option<(&'a Arc<Runbook>, usize)> {
    let begins = |path: &&[Name]| path.iter().map(|word| &**word).eq(words.iter().take(path.len()).copied());
    let longest = |runbook: &Arc<Runbook>| runbook.spec.paths().filter(begins).map(<[_]>::len).max();
    let found = site.library.runbooks().filter_map(|runbook| Some((runbook, longest(runbook)?)));
    found.max_by_key(|(_, length)| *length)
}

/// A line as it is said: with its environment, and dry where it would change something.
pub fn said(words: &[&str], (runbook, count): (&Runbook, usize), number: usize) -> String {
    let mut line = format!("/{}", words[..count].join(" "));
    if !words.contains(&"--environment") {
        line = format!("{line} --{} {}", runbook.environment_flag, environment(number));
    }
    if runbook.changes() {
        line += " --dry-run";
    }
    for word in &words[count..] {
        line.push(' ');
        line += word;
    }
    line
}

/// What a dry run would have asked, by what it says that it would do.
fn would(site: &Site, answer: &str) -> BTreeSet<&'static str> {
    let mut systems = BTreeSet::new();
    for would in answer.split("would do: ").skip(1) {
        let first = would.split_whitespace().next().unwrap_or_default();
        let port = would.split("127.0.0.1:").nth(1).and_then(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok())
        });
        systems.extend(match first {
            "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => port.and_then(|port| site.service(port)),
            word if word.starts_with('/') => Some("watchbell"),
            word => program(word),
        });
    }
    systems
}

fn program(name: &str) -> Option<&'static str> {
    Some(match name {
        "qflow" => PROGRAM,
        "kubectl" => "kubectl",
        "docker" | "docker-compose" => "docker",
        "systemctl" => "systemctl",
        _ => return None,
    })
}

fn one(site: &Site, line: &str, number: usize) -> Outcome {
    let mut outcome = Outcome {
        line: line.to_owned(),
        verdict: String::new(),
        asked: BTreeSet::new(),
        would: BTreeSet::new(),
        wrong: None,
    };
    let filled = filled(line);
    let words: Vec<&str> = filled.split(' ').collect();
    let Some((runbook, count)) = runbook(site, &words) else {
        return Outcome { wrong: Some("no runbook has this command".to_owned()), ..outcome };
    };
    let command = said(&words, (runbook, count), number);
    let before = site.programs.calls().len();
    let reply = site.says("ana", &command);
    let mut answer = text(&reply);
    let Some(run) = run(&answer).filter(|_| reply["ok"] == true) else {
        return Outcome { wrong: Some(format!("{command}: {answer}")), ..outcome };
    };
    let title = answer.lines().find(|line| line.contains(&run)).unwrap_or_default().to_owned();
    let mut verdict = title.rsplit(": ").next().unwrap_or_default().to_owned();
    if verdict == "running" {
        let standing = site.until_run(&run, |standing| !runs(standing));
        answer += &standing;
        let ends = ["passed", "failed", "stopped"].into_iter().find(|end| standing.contains(end));
        ends.unwrap_or("no verdict").clone_into(&mut verdict);
    }
    outcome.verdict = verdict;
    let visits = site.book.of(&environment(number));
    let calls: Vec<Called> = site.programs.calls().split_off(before);
    outcome.asked.extend(visits.iter().map(|visit| visit.system));
    outcome.asked.extend(calls.iter().filter_map(|call| program(&call[0])));
    outcome.would = would(site, &answer);
    if outcome.systems().is_empty() && filled.contains("--environment") {
        // Its environment is its own; who was asked there is among the visits without a line.
        outcome.asked.extend(site.book.of("at-staging").iter().map(|visit| visit.system));
    }
    // Which machine it is, is a question of the guard and no answer.
    let itself = |action: &Action| match &action.act {
        Act::Chat(chat) => !chat.source().starts_with("/watchbell version"),
        _ => action.services.contains(ITSELF),
    };
    if runbook.actions().any(itself) {
        outcome.asked.insert("watchbell");
    }
    outcome.wrong = wrong(
        &outcome,
        &Said { answer: &answer, command: &command, runbook: &runbook.source },
        &visits,
        &calls,
    );
    outcome
}

/// What is wrong with an outcome, if anything is.
fn wrong(
    outcome: &Outcome,
    said: &Said<'_>,
    visits: &[super::logbook::Visit],
    calls: &[Called],
) -> Option<String> {
    let line = &outcome.line;
    let of = |table: &[(&str, &'static str)]| {
        table.iter().find(|(beginning, _)| line.starts_with(beginning)).map(|(_, what)| *what)
    };
    let expected = of(&VERDICTS).unwrap_or("passed");
    let answer = said.answer;
    if outcome.verdict != expected {
        return Some(format!("{}, and not {expected}: {answer}", outcome.verdict));
    }
    let systems = outcome.systems();
    if REFUSED.iter().any(|refused| line.starts_with(refused)) {
        let reached = !systems.is_empty() || !calls.is_empty();
        return reached.then(|| format!("{systems:?} heard of what must not be in a chat"));
    }
    let family = FAMILIES.iter().filter(|(beginning, _)| {
        let rest = line.strip_prefix("qflow ").and_then(|line| line.strip_prefix(beginning));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    let Some((_, hold)) = family.max_by_key(|(beginning, _)| beginning.len()) else {
        return Some("it belongs to no family".to_owned());
    };
    if !hold.iter().any(|system| systems.contains(system)) {
        return Some(format!("it asks {systems:?}, and the answer is with {hold:?}: {answer}"));
    }
    if calls.iter().flatten().any(|word| word.contains(SECRET)) {
        return Some("a secret from the chat was handed on".to_owned());
    }
    if let Some(gone) = visits.iter().find(|visit| visit.status == 404 || visit.status == 405) {
        return Some(format!("{} does not exist at {}", gone.call(), gone.system));
    }
    if calls.iter().any(|_| outcome.would.is_empty() && !answer.contains(MARK) && !answer.contains("x2k4q")) {
        return Some(format!("what the program said is not in the answer: {answer}"));
    }
    let tells = visits.is_empty() || visits.iter().any(|visit| telling(visit, said));
    if !tells && outcome.would.is_empty() && calls.is_empty() {
        let first = visits.first().map(|visit| visit.answer.chars().take(300).collect::<String>());
        return Some(format!("nothing that only those know whom it asks: {answer}\n  they said: {first:?}"));
    }
    None
}

#[test]
fn the_documented_lines_are_all_here() {
    let lines: BTreeSet<&str> = LINES.lines().collect();
    assert_eq!(lines.len(), 287);
    for line in lines {
        assert!(line.starts_with("qflow "), "{line}");
        filled(line);
    }
    assert!(package().join("commands").is_dir());
}

#[test]
#[ignore = "says 287 commands, with the real Prometheus: scripts/test"]
fn every_documented_line_is_answered_by_who_knows() {
    let lines: Vec<&str> = LINES.lines().collect();
    let site = Site::open(&Plan { lines: lines.len(), prometheus: true, ..Plan::default() });
    let opened = site.says("ana", "/incident open P3 the incident of the documented lines");
    assert_eq!(opened["ok"], true, "{opened}");
    let broken: Vec<String> = site
        .library
        .broken()
        .iter()
        .map(|broken| format!("{}: {}", broken.file, broken.mistakes[0]))
        .collect();
    // While one family is worked on: only its lines.
    let only = std::env::var("WATCHBELL_LINES").ok();
    let chosen =
        lines.iter().enumerate().filter(|(_, line)| only.as_deref().is_none_or(|only| line.contains(only)));
    let outcomes: Vec<Outcome> = chosen.map(|(number, line)| one(&site, line, number)).collect();

    let mut programs = Vec::new();
    for outcome in &outcomes {
        println!("{outcome}");
        if outcome.wrong.is_none() && outcome.systems() == BTreeSet::from([PROGRAM]) {
            programs.push(outcome.line.as_str());
        }
    }
    println!(
        "\n{} of {} reach only the qflow program:\n  {}",
        programs.len(),
        outcomes.len(),
        programs.join("\n  ")
    );
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| outcome.wrong.as_ref().map(|wrong| format!("{}\n  {wrong}", outcome.line)))
        .collect();
    assert!(programs.len() <= PROGRAMS, "{} is more than {PROGRAMS}", programs.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(wrong.is_empty(), "{} lines:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
