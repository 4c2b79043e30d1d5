//! `kill -9` under load, again and again: what was answered with 2xx is there afterwards, every page arrives, and
//! the views come back whatever was done to their folder. Never spares the process.

mod response;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    peer::{
        SOON, http,
        load::{self, INTEGRATION, Load},
        process::until,
        server::Server,
        watchbell::Watchbell,
    },
    source::files,
};

use self::response::Response;

/// How often the process is killed.
const KILLS: u32 = 50;

/// Alerts that are sent at most between two kills: the senders are at work when the kill comes.
const BETWEEN: u32 = 100;

fn config(phone: &Server) -> String {
    format!(
        r#"
{}{}
[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

[policy.loud]
steps = [{}]

{INTEGRATION}
[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
"#,
        load::person("ana", "Ana Ruiz", phone.port),
        load::person("ben", "Ben Ode", phone.port),
        // Rings until somebody takes it: a page that goes on after that is heard.
        r#"{ page = ["person:ben"], wait = "1s" }, "#.repeat(60)
    )
}

/// All alerts that the server knows, each with its group.
fn known(watchbell: &Watchbell) -> BTreeMap<u32, String> {
    let mut known = BTreeMap::new();
    for alert in watchbell.items("/api/v1/alerts?status=firing") {
        let number = alert["labels"]["alertname"].as_str().and_then(load::number);
        let group = alert["group"].as_str().map(str::to_owned);
        let (Some(number), Some(group)) = (number, group) else { panic!("an alert of nobody: {alert}") };
        assert!(known.insert(number, group).is_none(), "there twice: {alert}");
    }
    known
}

/// What the journal says: how often each fingerprint fired.
fn fingerprints(watchbell: &Watchbell) -> BTreeMap<u32, u32> {
    let exported = watchbell.other(&["journal", "export"]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let mut fired = BTreeMap::new();
    for line in String::from_utf8_lossy(&exported.stdout).lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let alert = &record["event"]["alert_fired"];
        let Some(name) = alert["labels"]["alertname"].as_str() else { continue };
        let number = load::number(name).unwrap_or_else(|| panic!("a stranger: {line}"));
        assert!(alert["key"].to_string().contains(&format!("{number:016x}")), "another fingerprint: {line}");
        *fired.entry(number).or_default() += 1;
    }
    fired
}

/// The pages that reached ana's phone, by group: key and attempt of each, in the order in which they came.
fn pages(phone: &Server) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut pages: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for request in phone.heard().iter().filter(|request| request.is_page() && request.path == "/ana") {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let group = body["group"].as_str().unwrap_or_else(|| panic!("a page of no group: {body}")).to_owned();
        let key =
            request.header("idempotency-key").unwrap_or_else(|| panic!("no key: {request:?}")).to_owned();
        pages.entry(group).or_default().push((key, body["attempt"].as_u64().expect("an attempt")));
    }
    pages
}

/// What is done to the folder of the views while the process is dead.
#[derive(Debug, Clone, Copy)]
enum Harm {
    None,
    Deleted,
    Cut,
    Flipped,
}

fn harm(data: &Path, harm: Harm) {
    let views = data.join("views");
    let mut found: Vec<PathBuf> = Vec::new();
    files(&views, &mut found);
    found.sort();
    match harm {
        Harm::None => {}
        Harm::Deleted => drop(fs::remove_dir_all(&views)),
        Harm::Cut => {
            for path in found {
                let file = File::options().write(true).open(&path).expect("a file of the views");
                let length = file.metadata().expect("its length").len();
                file.set_len(length / 2).expect("a cut");
            }
        }
        Harm::Flipped => {
            for path in found {
                let bytes = fs::read(&path).expect("a file of the views");
                let mut file = File::options().write(true).open(&path).expect("a file of the views");
                // One byte in every 4 KiB, away from the very start so that it looks like a database still.
                for at in (512..bytes.len()).step_by(4096) {
                    file.seek(SeekFrom::Start(at.try_into().expect("an offset"))).expect("a seek");
                    file.write_all(&[bytes[at] ^ 0x10]).expect("a flip");
                }
            }
        }
    }
}

/// The timeline of a group, once the views can tell it.
fn timeline(watchbell: &Watchbell, group: &str) -> Vec<Value> {
    let path = format!("/api/v1/groups/{group}/timeline?limit=200");
    let answer = until(Duration::from_mins(1), || {
        http::get(watchbell.port, &path).ok().filter(|answer| answer.status == 200)
    });
    let answer = answer.unwrap_or_else(|| panic!("no timeline of {group}:\n{}", watchbell.process.tail()));
    let page: Value = serde_json::from_str(&answer.body).expect("JSON");
    page["items"].as_array().cloned().unwrap_or_default()
}

#[test]
#[ignore = "kills a process under load fifty times: scripts/test"]
fn nothing_accepted_is_lost_when_it_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    let (load, response) = (Load::start(watchbell.port), Response::default());
    Response::opens(watchbell.port);
    let harms = [Harm::None, Harm::Deleted, Harm::Cut, Harm::Flipped];
    let began = Instant::now();
    for kill in 0..KILLS {
        // Under load, and each time at another moment: some were accepted since the last time, more are on their way.
        let enough = load.accepted().len() + 20 + (kill as usize * 7) % 50;
        load.more(BETWEEN);
        let working = response.begin(watchbell.port, kill);
        let loaded = until(Duration::from_secs(30), || {
            (load.accepted().len() >= enough && response.notes() > kill as usize).then_some(())
        });
        assert!(loaded.is_some(), "after {kill} kills nothing is accepted:\n{}", watchbell.process.tail());
        watchbell.process.kill();
        working.join().expect("somebody who works");
        let before = load.accepted();
        harm(&watchbell.data(), harms[kill as usize % harms.len()]);
        watchbell.start_again();
        let known: BTreeSet<u32> = known(&watchbell).into_keys().collect();
        let lost: Vec<&u32> = before.difference(&known).collect();
        assert!(
            lost.is_empty(),
            "after {} kills alerts that were answered 2xx are missing: {lost:?}",
            kill + 1
        );
    }
    let accepted = load.stop();
    eprintln!("{} alerts accepted, {KILLS} kills in {:?}", accepted.len(), began.elapsed());

    // All of them are there, once each, as they were sent; so is every one whose answer was lost with the process.
    let known = known(&watchbell);
    let lost: Vec<&u32> = accepted.iter().filter(|number| !known.contains_key(number)).collect();
    assert!(lost.is_empty(), "alerts that were answered 2xx are missing: {lost:?}");
    let twice: Vec<_> = fingerprints(&watchbell).into_iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "alerts that fired more than once: {twice:?}");

    // Every group pages; the page arrives at least once, and what is repeated carries the same key and no lower attempt.
    let groups: BTreeSet<String> = known.values().cloned().collect();
    assert_eq!(groups.len(), known.len(), "a group for each alert");
    let silent = || -> Vec<String> {
        let pages = pages(&phone);
        groups.iter().filter(|group| !pages.contains_key(*group)).cloned().collect()
    };
    let all = until(Duration::from_mins(1), || silent().is_empty().then_some(()));
    assert!(all.is_some(), "groups that never paged: {:?}\n{}", silent(), watchbell.process.tail());
    for (group, pages) in pages(&phone) {
        assert!(groups.contains(&group), "a page for {group}, which is not there");
        assert!(
            pages.iter().all(|(key, _)| *key == pages[0].0),
            "{group} was paged under several keys: {pages:?}"
        );
        assert!(pages.is_sorted_by_key(|(_, attempt)| *attempt), "{group}: the attempts go back: {pages:?}");
    }

    response.assert_kept(&watchbell, &phone);

    // The journal is whole, and every timeline is complete although the views were harmed.
    for group in groups.iter().step_by(groups.len().div_ceil(20)) {
        let kinds: Vec<String> = timeline(&watchbell, group)
            .iter()
            .filter_map(|entry| entry["kind"].as_str().map(str::to_owned))
            .collect();
        for kind in ["alert_fired", "group_opened", "paged"] {
            assert_eq!(
                kinds.iter().filter(|known| *known == kind).count(),
                1,
                "{group}, `{kind}`: {kinds:?}"
            );
        }
    }
    let verified = watchbell.other(&["journal", "verify"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("whole:"), "{said}");
}

#[test]
#[ignore = "compares timelines before and after harm to the views: scripts/test"]
fn timelines_survive_whatever_happens_to_the_views() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let mut watchbell = Watchbell::here(folder.path(), &config(&phone));
    let send = |watchbell: &Watchbell, number: u32| {
        let answer = load::send(watchbell.port, &load::webhook(number)).expect("an answer");
        assert!(answer.ok(), "{answer:?}");
    };
    (0..50).for_each(|number| send(&watchbell, number));
    let delivered = |watchbell: &Watchbell, group: u32| {
        until(SOON, || {
            let timeline = timeline(watchbell, &format!("G-{group}"));
            timeline.iter().any(|entry| entry["kind"] == "delivered").then_some(timeline)
        })
    };
    let before: Vec<Vec<Value>> =
        (1..=50).map(|group| delivered(&watchbell, group).expect("a page that was delivered")).collect();
    // With the kills above the folder is harmed more than fifty times.
    let harms = [Harm::Deleted, Harm::Cut, Harm::Flipped].into_iter().cycle().take(15);
    for (round, kind) in (0..).zip(harms) {
        watchbell.process.stop(Duration::from_secs(10));
        harm(&watchbell.data(), kind);
        watchbell.start_again();
        // Pages go on while the views come back.
        let number = 1_000 + round;
        send(&watchbell, number);
        let page = phone.wait(SOON, |it| it.is_page() && it.body.contains(&load::name(number)));
        assert!(page.is_some(), "{kind:?}: no page while the views come back:\n{}", watchbell.process.tail());
        for (group, expected) in (1..).zip(&before) {
            assert_eq!(&timeline(&watchbell, &format!("G-{group}")), expected, "{kind:?}: G-{group}");
        }
    }
}
