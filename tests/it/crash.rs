//! `kill -9` under load, again and again: what was answered with 2xx is there afterwards, every page arrives, and
//! the views come back whatever was done to their folder. Never spares the process.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    peer::{
        http,
        process::until,
        server::{Request, Server},
        watchbell::Watchbell,
    },
    source::files,
};

/// How often the process is killed.
const KILLS: u32 = 20;

/// Senders at the same time, each with one request under way.
const SENDERS: u32 = 4;

/// Alerts that the whole run sends at most; each pages somebody.
const MOST: u32 = 4_000;

fn config(phone: &Server) -> String {
    format!(
        r#"
[person.ana]
name = "Ana Ruiz"
roles = ["responder", "operator"]
contacts = {{ hook = "http://127.0.0.1:{}/ana" }}
urgent = ["now: hook"]
routine = ["now: hook"]

[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

[integration.load]
kind = "alertmanager"
token = "a-token-of-the-test"

[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
"#,
        phone.port
    )
}

/// One alert as an Alertmanager hands it over; its name is its number.
fn webhook(number: u32) -> String {
    format!(
        r#"{{"version":"4","groupKey":"{{}}:{{alertname=\"Load{number:06}\"}}","truncatedAlerts":0,"status":"firing",
"receiver":"watchbell","groupLabels":{{"alertname":"Load{number:06}"}},"commonLabels":{{}},"commonAnnotations":{{}},
"externalURL":"http://alertmanager:9093","alerts":[{{"status":"firing","labels":{{"alertname":"Load{number:06}",
"service":"load","severity":"critical"}},"annotations":{{"summary":"Load{number:06} is down"}},
"startsAt":"2026-11-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090",
"fingerprint":"{number:016x}"}}]}}"#
    )
}

/// The numbers of the alerts that a text speaks of.
fn numbers(text: &str) -> BTreeSet<u32> {
    text.split("Load").skip(1).filter_map(|after| after.get(..6)?.parse().ok()).collect()
}

/// Sends alerts until told to stop; keeps which ones were answered with 2xx.
struct Load {
    over: Arc<AtomicBool>,
    accepted: Arc<Mutex<BTreeSet<u32>>>,
    senders: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(port: u16) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let accepted = Arc::new(Mutex::new(BTreeSet::new()));
        let next = Arc::new(AtomicU32::new(0));
        let senders = (0..SENDERS).map(|_| {
            let (over, accepted, next) = (Arc::clone(&over), Arc::clone(&accepted), Arc::clone(&next));
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= MOST {
                        return;
                    }
                    let headers = [
                        ("Content-Type", "application/json"),
                        ("Authorization", "Bearer a-token-of-the-test"),
                    ];
                    match http::ask(port, "POST", "/hooks/load", &headers, &webhook(number)) {
                        Ok(answer) if answer.ok() => {
                            accepted.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                        }
                        // Dead, or busy: the source would come back with the same alert; this one just goes on.
                        Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                        Err(_) => thread::sleep(Duration::from_millis(5)),
                    }
                    // Leaves the machine some air: the pages have to go out too.
                    thread::sleep(Duration::from_millis(4));
                }
            })
        });
        Self { senders: senders.collect(), over, accepted }
    }

    fn accepted(&self) -> BTreeSet<u32> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stop(self) -> BTreeSet<u32> {
        self.over.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender");
        }
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// All alerts that the server knows, page by page.
fn known(watchbell: &Watchbell) -> BTreeSet<u32> {
    let mut all = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let answer = watchbell.get(&format!("/api/v1/alerts?status=firing&limit=200{cursor}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let page: Value = serde_json::from_str(&answer.body).expect("JSON");
        all.extend(numbers(&page["items"].to_string()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn is_page(request: &Request) -> bool {
    request.body.contains("\"kind\":\"page\"")
}

/// The alerts whose page reached the phone.
fn paged(phone: &Server) -> BTreeSet<u32> {
    phone
        .heard()
        .iter()
        .filter(|request| is_page(request))
        .flat_map(|request| numbers(&request.body))
        .collect()
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
#[ignore = "kills a process under load twenty times: scripts/test"]
fn nothing_accepted_is_lost_when_it_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let binary = Path::new(env!("CARGO_BIN_EXE_watchbell"));
    let mut watchbell = Watchbell::start(binary, folder.path(), &config(&phone)).ready();
    let load = Load::start(watchbell.port);
    let harms = [Harm::None, Harm::Deleted, Harm::Cut, Harm::Flipped];
    let began = Instant::now();
    let mut before = BTreeSet::new();
    for kill in 0..KILLS {
        // Under load: some more alerts were accepted since the last time, and some are on their way.
        let enough = before.len() + 20;
        let loaded = until(Duration::from_secs(30), || (load.accepted().len() >= enough).then_some(()));
        assert!(loaded.is_some(), "after {kill} kills nothing is accepted:\n{}", watchbell.process.tail());
        watchbell.process.kill();
        before = load.accepted();
        harm(&watchbell.data(), harms[kill as usize % harms.len()]);
        watchbell.start_again();
        let lost: Vec<u32> = before.difference(&known(&watchbell)).copied().collect();
        assert!(
            lost.is_empty(),
            "after {} kills alerts that were answered 2xx are missing: {lost:?}",
            kill + 1
        );
    }
    let accepted = load.stop();
    eprintln!("{} alerts accepted, {KILLS} kills in {:?}", accepted.len(), began.elapsed());

    // Every one of them pages; the page arrives at least once, and a repeated one carries the same key.
    let all = until(Duration::from_mins(1), || accepted.is_subset(&paged(&phone)).then_some(()));
    let lost: Vec<u32> = accepted.difference(&paged(&phone)).copied().collect();
    assert!(all.is_some(), "pages are lost: {lost:?}\n{}", watchbell.process.tail());
    for number in &accepted {
        let keys: BTreeSet<String> = phone
            .heard()
            .iter()
            .filter(|request| is_page(request) && numbers(&request.body).contains(number))
            .filter_map(|request| request.header("idempotency-key").map(str::to_owned))
            .collect();
        assert_eq!(keys.len(), 1, "alert {number} was paged under several keys: {keys:?}");
    }

    // The journal is whole, and every timeline is complete although the views were harmed.
    let groups = known(&watchbell).len();
    for group in [1, groups / 2, groups] {
        let kinds: Vec<String> = timeline(&watchbell, &format!("G-{group}"))
            .iter()
            .filter_map(|entry| entry["kind"].as_str().map(str::to_owned))
            .collect();
        for kind in ["alert_fired", "paged", "delivered"] {
            assert!(kinds.iter().any(|known| known == kind), "G-{group} has no `{kind}`: {kinds:?}");
        }
    }
    let verified = std::process::Command::new(binary)
        .args(["journal", "verify", "--data"])
        .arg(watchbell.data())
        .output()
        .expect("journal verify runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
#[ignore = "compares timelines before and after harm to the views: scripts/test"]
fn timelines_survive_whatever_happens_to_the_views() {
    let folder = tempfile::tempdir().expect("a folder");
    let phone = Server::start(|_| (200, String::new()));
    let binary = Path::new(env!("CARGO_BIN_EXE_watchbell"));
    let mut watchbell = Watchbell::start(binary, folder.path(), &config(&phone)).ready();
    let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer a-token-of-the-test")];
    let send = |watchbell: &Watchbell, number: u32| {
        let answer =
            http::ask(watchbell.port, "POST", "/hooks/load", &headers, &webhook(number)).expect("an answer");
        assert!(answer.ok(), "{answer:?}");
    };
    (0..50).for_each(|number| send(&watchbell, number));
    let delivered = |watchbell: &Watchbell, group: u32| {
        until(Duration::from_secs(30), || {
            let timeline = timeline(watchbell, &format!("G-{group}"));
            timeline.iter().any(|entry| entry["kind"] == "delivered").then_some(timeline)
        })
    };
    let before: Vec<Vec<Value>> =
        (1..=50).map(|group| delivered(&watchbell, group).expect("a page that was delivered")).collect();
    for (round, kind) in (0..).zip([Harm::Deleted, Harm::Cut, Harm::Flipped]) {
        watchbell.process.stop(Duration::from_secs(10));
        harm(&watchbell.data(), kind);
        watchbell.start_again();
        // Pages go on while the views come back.
        let number = 1_000 + round;
        send(&watchbell, number);
        let page =
            phone.wait(Duration::from_secs(30), |it| is_page(it) && numbers(&it.body).contains(&number));
        assert!(page.is_some(), "{kind:?}: no page while the views come back:\n{}", watchbell.process.tail());
        for (group, expected) in (1..).zip(&before) {
            assert_eq!(&timeline(&watchbell, &format!("G-{group}")), expected, "{kind:?}: G-{group}");
        }
    }
}
