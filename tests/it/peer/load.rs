//! Alerts from several senders at once, as Alertmanager sends them: one that was not answered is sent again.
//! Never forgets which ones were answered with 2xx.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use super::http::{self, Answer};

/// The integration's token in the tests.
pub const TOKEN: &str = "a-token-of-the-test";

/// The integration to which [`send`] hands its messages.
pub const INTEGRATION: &str =
    "[integration.load]\nkind = \"alertmanager\"\ntoken = \"a-token-of-the-test\"\n";

/// Somebody who is paged at once at `/ID` of a server.
pub fn person(id: &str, name: &str, port: u16) -> String {
    format!(
        "[person.{id}]\nname = \"{name}\"\nroles = [\"responder\", \"operator\"]\n\
         contacts = {{ hook = \"http://127.0.0.1:{port}/{id}\" }}\nurgent = [\"now: hook\"]\nroutine = [\"now: hook\"]\n"
    )
}

/// Senders at the same time, each with one request under way.
const SENDERS: u32 = 4;

/// How an alert with this number is called.
pub fn name(number: u32) -> String {
    format!("Load{number:06}")
}

/// The number in a name.
pub fn number(name: &str) -> Option<u32> {
    name.strip_prefix("Load")?.parse().ok()
}

/// One alert as an Alertmanager hands it over.
pub fn webhook(number: u32) -> String {
    let name = name(number);
    format!(
        r#"{{"version":"4","groupKey":"{{}}:{{alertname=\"{name}\"}}","truncatedAlerts":0,"status":"firing",
"receiver":"watchbell","groupLabels":{{"alertname":"{name}"}},"commonLabels":{{}},"commonAnnotations":{{}},
"externalURL":"http://alertmanager:9093","alerts":[{{"status":"firing","labels":{{"alertname":"{name}",
"service":"load","severity":"critical"}},"annotations":{{"summary":"{name} is down"}},
"startsAt":"2026-11-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus:9090",
"fingerprint":"{number:016x}"}}]}}"#
    )
}

/// Hands one message over with the token of the tests.
pub fn send(port: u16, body: &str) -> std::io::Result<Answer> {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    http::ask(port, "POST", "/hooks/load", &headers, body)
}

/// Senders at work.
pub struct Load {
    shared: Arc<Shared>,
    senders: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    port: u16,
    over: AtomicBool,
    next: AtomicU32,
    /// No alert with this number or a higher one is sent yet.
    end: AtomicU32,
    accepted: Mutex<BTreeSet<u32>>,
}

impl Load {
    /// Begins to send; nothing is sent before more is asked for.
    pub fn start(port: u16) -> Self {
        let shared = Arc::new(Shared {
            port,
            over: AtomicBool::new(false),
            next: AtomicU32::new(0),
            end: AtomicU32::new(0),
            accepted: Mutex::new(BTreeSet::new()),
        });
        let senders = (0..SENDERS).map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.work())
        });
        Self { senders: senders.collect(), shared }
    }

    /// Goes on until so many more than those that were accepted.
    pub fn more(&self, count: u32) {
        let accepted = u32::try_from(self.accepted().len()).expect("not that many");
        self.shared.end.store(accepted + count, Ordering::Relaxed);
    }

    /// Those that were answered with 2xx so far.
    pub fn accepted(&self) -> BTreeSet<u32> {
        self.shared.accepted().clone()
    }

    /// Ends; an alert that was not answered may or may not be known to the server. Answers with those that were.
    pub fn stop(self) -> BTreeSet<u32> {
        self.shared.over.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender");
        }
        self.shared.accepted().clone()
    }
}

impl Shared {
    fn accepted(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while !self.over.load(Ordering::Relaxed) {
            if self.next.load(Ordering::Relaxed) >= self.end.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            self.deliver(self.next.fetch_add(1, Ordering::Relaxed));
        }
    }

    /// Sends one until it is accepted, or all is over.
    fn deliver(&self, number: u32) {
        while !self.over.load(Ordering::Relaxed) {
            match send(self.port, &webhook(number)) {
                Ok(answer) if answer.ok() => {
                    self.accepted().insert(number);
                    return;
                }
                // Dead, stopping or busy: like every source, it comes back with the same alert.
                Ok(answer) => assert_eq!(answer.status, 503, "{answer:?}"),
                Err(_) => {}
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
