//! More reports than the engine can take: whoever comes too many is told to come back, memory stays as it is, and
//! nothing that was answered 202 is missing. Never less than the real process behind real connections.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::peer::{http, load, watchbell::Watchbell};

/// Senders at once, each with one message under way.
const SENDERS: u32 = 24;
/// Alerts in a message: nearly 5 MB, as much as is taken.
const ALERTS: u32 = 11_000;
/// How long a sender waits for its answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Pages nobody: this is about the way in.
fn config() -> String {
    format!(
        r##"
{}
[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "1h"
channel = "#load"
incident = false
[unrouted]
channel = "#load"
"##,
        load::INTEGRATION
    )
}

/// One large message: the same alerts every time, which start or end by turns so that each message is work, and one
/// alert of its own, which tells afterwards whether the message was taken.
fn message(number: u32) -> String {
    let (status, ends) = if number.is_multiple_of(2) {
        ("firing", "0001-01-01T00:00:00Z")
    } else {
        ("resolved", "2030-01-01T00:00:00Z")
    };
    let own = load::webhook(number);
    let (head, own) = own.split_once("\"alerts\":[").expect("alerts");
    let mut body = format!("{head}\"alerts\":[");
    let padding = "is not as it was before ".repeat(6);
    for host in 0..ALERTS {
        let (minute, second) = (number / 60 % 60, number % 60);
        write!(
            body,
            r#"{{"status":"{status}","labels":{{"alertname":"Pool","service":"load","host":"h{host}"}},
"annotations":{{"summary":"{padding}"}},"startsAt":"2026-11-01T00:{minute:02}:{second:02}Z","endsAt":"{ends}",
"generatorURL":"http://prometheus:9090","fingerprint":"{:016x}"}},"#,
            0x1000_0000_u32 + host
        )
        .expect("a string");
    }
    body + own
}

/// What became of the messages.
#[derive(Default)]
struct Told {
    accepted: Mutex<BTreeSet<u32>>,
    /// How many were told to come back.
    refused: AtomicU64,
    next: AtomicU32,
}

impl Told {
    /// So many messages by all senders, each sent until it is taken. The highest resident memory meanwhile, in MiB.
    fn send(&self, watchbell: &Watchbell, messages: u32) -> u64 {
        let end = self.next.load(Ordering::Relaxed) + messages;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let highest = scope.spawn(|| {
                let mut highest = 0;
                while !over.load(Ordering::Relaxed) {
                    highest = highest.max(watchbell.process.resident().unwrap_or_default() / 1024);
                    thread::sleep(Duration::from_millis(20));
                }
                highest
            });
            let senders = [(); SENDERS as usize].map(|()| scope.spawn(|| self.work(watchbell.port, end)));
            for sender in senders {
                sender.join().expect("a sender");
            }
            over.store(true, Ordering::Relaxed);
            self.next.store(end, Ordering::Relaxed);
            highest.join().expect("whoever looks at the memory")
        })
    }

    fn work(&self, port: u16, end: u32) {
        let bearer = format!("Bearer {}", load::TOKEN);
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                return;
            }
            let body = message(number);
            let by = Instant::now() + PATIENCE;
            loop {
                let answer = http::ask_within(PATIENCE, port, "POST", "/hooks/load", &headers, &body);
                let answer = answer.expect("every message is answered");
                if answer.status == 202 {
                    self.accepted.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                    break;
                }
                assert_eq!(answer.status, 503, "{answer:?}");
                let after = answer.header("Retry-After").and_then(|after| after.parse::<u64>().ok());
                assert!(after.is_some_and(|after| (1..=60).contains(&after)), "{answer:?}");
                self.refused.fetch_add(1, Ordering::Relaxed);
                assert!(Instant::now() < by, "{number} is never taken");
                // Impatient on purpose: the queue is to stay full.
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

#[test]
#[ignore = "sends hundreds of megabytes: scripts/test"]
fn full_queues_say_when_to_come_back_and_hold_no_more_memory_the_longer_it_lasts() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config());
    assert!((4_000_000..5_242_880).contains(&message(0).len()), "{} bytes", message(0).len());
    let (told, began) = (Told::default(), Instant::now());
    let before = watchbell.process.resident().expect("its memory") / 1024;
    let first = told.send(&watchbell, SENDERS * 2);
    let refused = told.refused.load(Ordering::Relaxed);
    let second = told.send(&watchbell, SENDERS * 4);
    let all = told.refused.load(Ordering::Relaxed);
    println!(
        "{} messages of {} MB in {:?}: {refused} and {} told to come back; {before} MiB before, at most {first} \
         and then {second} MiB",
        SENDERS * 6,
        message(0).len() / 1_000_000,
        began.elapsed(),
        all - refused
    );
    assert!(refused > 0 && all > refused, "the queue was never full");
    // Twice as much does not need more, but for what an allocator keeps.
    assert!(second <= first + first / 4 + 32, "memory grows: {first} MiB, then {second} MiB");
    let counted = watchbell.figure("watchbell_webhooks_total{integration=\"load\",code=\"503\"}");
    assert_eq!(counted, all, "each of them is counted");

    let accepted = told.accepted.into_inner().unwrap_or_else(PoisonError::into_inner);
    let there: BTreeSet<u32> = watchbell
        .items("/api/v1/alerts?status=firing")
        .iter()
        .filter_map(|alert| load::number(alert["labels"]["alertname"].as_str()?))
        .collect();
    assert_eq!(accepted.len(), SENDERS as usize * 6);
    assert_eq!(there, accepted, "every message that was answered 202 is there");
}
