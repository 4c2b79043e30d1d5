//! The readers of everything that comes from outside, each fed with bytes: what must hold for whatever is sent. The
//! fuzzer runs them, and `tests/it/fuzzed.rs` runs them over the corpora on every change. Never a check that depends on
//! the time of day or on the network.

use std::{fs, path::Path, sync::LazyLock};

use jiff::{Timestamp, tz::TimeZone};
use watchbell::{
    command::{
        self, Ground, Registry, Wrong,
        parse::{self, LONGEST},
    },
    config::{self, Loaded},
    domain::{
        config::{Integration, IntegrationKind},
        event::{Event, Record, TraceId},
        id::{IntegrationId, Seq},
        labels::Labels,
        matcher::Matcher,
        person::Role,
        state::{Stamp, State},
    },
    intake::{self, Sent},
    journal::{FileJournal, Options, verify},
    runbook::Library,
};

/// The built-in configuration.
static LOADED: LazyLock<Loaded> =
    LazyLock::new(|| config::load(None, &|_| None).expect("the built-in configuration is right"));
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);
/// A folder of this process; a file in it is written anew each time.
static FOLDER: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for what is read"));

/// Some instant: 2026-11-26T18:40:00Z.
fn now() -> Timestamp {
    Timestamp::from_second(1_795_718_400).expect("an instant")
}

/// What sources send. The first byte chooses the source and, for those of deployments, the event's name.
pub fn intake(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let (kind, headers): (_, &[(&str, &str)]) = match choice % 6 {
        0..=2 => (IntegrationKind::Alertmanager, &[]),
        3 => (IntegrationKind::GitHub, &[("x-github-event", "deployment"), ("x-github-delivery", "7")]),
        4 => (IntegrationKind::GitHub, &[("x-github-event", "deployment_status")]),
        _ => (IntegrationKind::GitLab, &[("x-gitlab-event", "Deployment Hook")]),
    };
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let integration = Integration { id: IntegrationId::new("fuzz"), kind, service: None };
    let sent = Sent { header: &header, body, received: now() };
    let first = intake::read(&integration, sent);
    assert_eq!(first, intake::read(&integration, sent), "the same message is read the same twice");
    match first {
        Ok(intake::Message::Report(report)) => {
            // Each alert takes at least its braces: nothing is made of nothing.
            assert!(report.signals.len() <= body.len() / 2, "more alerts than were sent");
        }
        Ok(_) => {}
        Err(problem) => {
            let text = problem.to_string();
            assert!(text.contains("Nothing was taken"), "{text}");
            assert!(text.len() < 4_000, "a problem longer than anybody reads: {} bytes", text.len());
        }
    }
}

/// Matchers, alone and in lists.
pub fn matcher(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(matcher) = Matcher::parse(&text) {
        let again = Matcher::parse(&matcher.to_string()).expect("what is shown can be written");
        assert_eq!(again.to_string(), matcher.to_string(), "and means the same");
        for value in ["", "qflow", "a\nb"] {
            let labels = Labels::from_iter([(matcher.label(), value)]);
            assert_eq!(matcher.matches(&labels), again.matches(&labels), "{matcher} on {value:?}");
        }
    }
    if let Ok(list) = Matcher::parse_list(&text) {
        assert!(list.len() <= text.len(), "more matchers than characters");
        let labels = Labels::from_iter([("service", "qflow"), ("severity", "critical")]);
        let all = list.iter().all(|matcher| matcher.matches(&labels));
        assert_eq!(all, !list.iter().any(|matcher| !matcher.matches(&labels)), "the same answer twice");
    }
}

/// What people type.
pub fn command(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let utc = TimeZone::UTC;
    let ground = Ground { config: &LOADED.config, zone: &utc, now: now(), me: None, anchor: now() };
    match parse::parse(&REGISTRY, ground, &text) {
        Ok(parsed) => assert!(REGISTRY.entry(&parsed.spec).is_some(), "a command that is there"),
        Err(wrong) => {
            let shown = format!("{:?}", command::wrong(&REGISTRY, &wrong, Role::Admin));
            assert!(!shown.is_empty());
            if !matches!(wrong, Wrong::TooLong { .. }) {
                assert!(text.chars().count() <= LONGEST, "a long text was read");
            }
        }
    }
}

/// A file of the configuration.
pub fn configuration(data: &[u8]) {
    let folder = FOLDER.path().join("config");
    put(&folder.join("fuzz.toml"), data);
    match config::load(Some(&folder), &|_| None) {
        Ok(loaded) => {
            let again = config::load(Some(&folder), &|_| None).expect("what was read can be read again");
            let shown = |loaded: &Loaded| format!("{:?}", loaded.config);
            assert_eq!(shown(&loaded), shown(&again), "the same configuration");
        }
        Err(mistakes) => {
            let shown = mistakes.to_string();
            assert!(shown.contains("fuzz.toml"), "each mistake says where it is: {shown}");
        }
    }
}

/// A runbook.
pub fn runbook(data: &[u8]) {
    let folder = FOLDER.path().join("commands");
    put(&folder.join("fuzz.md"), data);
    let library = Library::load(Some(&folder), &LOADED);
    for mistake in library.mistakes() {
        assert!(mistake.to_string().contains("fuzz.md"), "each mistake says where it is");
    }
    assert!(library.runbooks().len() <= 1, "one file is one command");
}

/// A segment of the journal as it may be found on a disk. After an even first byte the rest is the file; after an odd one
/// each line is an event, and the state takes them all.
pub fn journal(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    if choice % 2 == 1 {
        return events(data);
    }
    let folder = FOLDER.path().join("data");
    drop(fs::remove_dir_all(&folder));
    put(&folder.join("journal/0000000001.jsonl"), data);
    let verified = verify(&folder, &mut |_| std::ops::ControlFlow::Continue(()));
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let Ok((journal, opened)) = FileJournal::open(&folder, options) else { return };
    drop(journal);
    let (_again, second) = FileJournal::open(&folder, options).expect("what was opened opens again");
    assert!(second.torn.is_empty(), "a tail is cut once");
    assert_eq!(second.damage, opened.damage, "what is damaged stays damaged");
    if verified.is_ok_and(|found| found.damage.is_empty()) {
        assert!(opened.damage.is_empty(), "what is sound for one is sound for the other");
    }
}

/// The state takes every event that can be read, whatever it says, in whatever order.
fn events(data: &[u8]) {
    let mut state = State::default();
    for line in data.split(|byte| *byte == b'\n').take(200) {
        let event = match serde_json::from_slice::<Record>(line) {
            Ok(record) => record.event,
            Err(_) => match serde_json::from_slice::<Event>(line) {
                Ok(event) => event,
                Err(_) => continue,
            },
        };
        let seq = Seq(state.seq.0 + 1);
        let stamp = Stamp { seq, at: now(), clock: now(), trace: TraceId::default() };
        state.apply(&event, &stamp);
        assert_eq!(state.seq, seq);
    }
    let kept = serde_json::to_vec(&state.next_deadline()).expect("an instant can be written");
    assert!(!kept.is_empty());
}

fn put(file: &Path, data: &[u8]) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, data).expect("a file");
}
