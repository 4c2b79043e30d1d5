//! Lifting a stone: the worst that can be sent to each way in, many times, by whoever can reach it. Memory stays as it
//! is, nothing is taken, and others are served at once meanwhile. Never more than a test's machine can bear.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::peer::{http, load, process::until, watchbell::Watchbell};

/// As much as a hook takes, nearly.
const BODY: usize = 4_800_000;
/// How often each is sent.
const TIMES: usize = 12;
/// What memory may grow by, in MiB: some bodies at once, what is made of them, and what an allocator keeps.
const GROWTH: u64 = 160;
/// How long somebody else waits for an answer at most, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Slow clients at once.
const SLOW: usize = 200;

fn config() -> String {
    let person = load::person("ana", "Ana Ruiz", 9);
    format!("{person}{}[unrouted]\nchannel = \"#ops\"\n", load::INTEGRATION)
}

/// Asks for the health again and again while something is done; the longest wait, and the highest memory in MiB.
fn beside(watchbell: &Watchbell, does: impl FnOnce()) -> (Duration, u64) {
    let (over, longest, highest) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = http::get(watchbell.port, "/api/v1/incidents").expect("others are served");
                assert_eq!(answer.status, 200, "{answer:?}");
                let waited = u64::try_from(began.elapsed().as_millis()).expect("not that long");
                longest.fetch_max(waited, Ordering::Relaxed);
                highest.fetch_max(watchbell.process.resident().unwrap_or_default() / 1024, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        does();
        over.store(true, Ordering::Relaxed);
    });
    (Duration::from_millis(longest.into_inner()), highest.into_inner())
}

/// One alert whose labels, or whatever stands in the place of the annotations, are these.
fn alert(labels: &str, annotations: &str) -> String {
    format!(
        r#"{{"version":"4","groupKey":"x","truncatedAlerts":0,"status":"firing","receiver":"watchbell",
"groupLabels":{{}},"commonLabels":{{}},"commonAnnotations":{{}},"externalURL":"http://alertmanager:9093",
"alerts":[{{"status":"firing","labels":{{"alertname":"Stone"{labels}}},"annotations":{annotations},
"startsAt":"2026-11-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"0000000000000001"}}]}}"#
    )
}

/// What is sent to a hook, and what it is.
fn worst() -> Vec<(&'static str, String)> {
    let mut labels = String::new();
    for number in 0..100_000 {
        write!(labels, r#","l{number}":"v{number}""#).expect("a string");
    }
    let mut objects = String::new();
    while objects.len() < BODY {
        objects += "{},";
    }
    let escapes = "\\u0001".repeat(BODY / 6);
    vec![
        ("nested arrays", "[".repeat(BODY)),
        ("nested objects", "{\"a\":".repeat(BODY / 5)),
        ("nested arrays in an alert", alert("", &"[".repeat(BODY - 1_000))),
        ("one alert with a hundred thousand labels", alert(&labels, "{}")),
        ("a million empty alerts", format!(r#"{{"version":"4","alerts":[{objects}{{}}]}}"#)),
        ("one alert with a label of escapes", alert(&format!(r#","long":"{escapes}""#), "{}")),
        ("numbers without an end", "1".repeat(BODY)),
        ("a string without an end", format!("\"{}", "é".repeat(BODY / 2))),
        ("no UTF-8 after all", format!("{{\"version\":\"{}", "\u{fffd}".repeat(BODY / 3))),
    ]
}

#[test]
fn the_worst_bodies_leave_memory_as_it_is_and_others_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config());
    let before = watchbell.process.resident().expect("its memory") / 1024;
    let bearer = format!("Bearer {}", load::TOKEN);
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    let send = |path: &str, body: &str| {
        let answer = http::ask_within(Duration::from_mins(1), watchbell.port, "POST", path, &headers, body);
        answer.map(|answer| answer.status)
    };
    for (what, body) in worst() {
        let (waited, highest) = beside(&watchbell, || {
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for _ in 0..TIMES / 3 {
                            let status = send("/hooks/load", &body).expect("an answer");
                            // An alert is an alert, however odd: it is taken, once.
                            let good = (400..500).contains(&status)
                                || status == 202 && what.starts_with("one alert");
                            assert!(good, "{what}: {status}");
                        }
                    });
                }
            });
        });
        println!("{what}: others waited {waited:?} at most; {before} MiB before, {highest} MiB at most");
        assert!(waited < AT_ONCE, "{what}: others waited {waited:?}");
        assert!(highest < before + GROWTH, "{what}: from {before} to {highest} MiB");
    }
    // The other ways in take far less.
    let long = format!(r#"{{"text":"/incident note INC-1 {}","person":"ana"}}"#, "x".repeat(250_000));
    let words = format!(r#"{{"text":"/incident open P1 {}","person":"ana"}}"#, "a ".repeat(120_000));
    let quotes = format!(r#"{{"text":"{}","person":"ana"}}"#, "\\\"".repeat(100_000));
    let nested = "[".repeat(BODY);
    let paths = ["/api/v1/commands", "/api/v1/simulate", "/slack/commands", "/slack/events", "/a/forged"];
    let (waited, highest) = beside(&watchbell, || {
        for body in [&long, &words, &quotes, &nested] {
            for path in paths {
                for _ in 0..TIMES / 3 {
                    // One that is cut off before it has sent all of it has its answer, too.
                    let Ok(status) = send(path, body) else { continue };
                    assert!(status == 200 || (400..500).contains(&status), "{path}: {status}");
                }
            }
        }
        let query = format!("/api/v1/alerts?match={}", "a".repeat(60_000));
        for _ in 0..TIMES {
            let status = http::get(watchbell.port, &query).map(|answer| answer.status);
            assert!(status.is_err() || status.is_ok_and(|status| (400..500).contains(&status)));
        }
    });
    println!("other ways in: others waited {waited:?} at most; {highest} MiB at most");
    assert!(waited < AT_ONCE && highest < before + GROWTH, "{waited:?}, from {before} to {highest} MiB");
    let alerts = watchbell.items("/api/v1/alerts");
    assert!((1..=2).contains(&alerts.len()), "nothing else of it was taken: {}", alerts.len());
    assert!(alerts.iter().all(|alert| alert["name"] == "Stone"));
    assert_eq!(watchbell.items("/api/v1/incidents").len(), 0, "nothing of it was done");
}

/// Opens the live stream and sends the head of a frame of 64 MB and then its bytes, until it is cut off; how many went.
fn huge_frame(port: u16) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream.set_write_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let ask = format!(
        "GET /api/v1/live?as=ana HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).expect("it listens");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 101");
    // A text of 64 MB with a mask of zeros.
    let mut head = vec![0x81, 0xff];
    head.extend_from_slice(&(64_u64 << 20).to_be_bytes());
    head.extend_from_slice(&[0; 4]);
    let mut sent = 0;
    if stream.write_all(&head).is_err() {
        return sent;
    }
    let piece = vec![b'x'; 64 * 1024];
    while sent < 64 << 20 && stream.write_all(&piece).is_ok() {
        sent += piece.len() as u64;
    }
    sent
}

#[test]
fn a_frame_of_64_mb_is_cut_off_and_nothing_of_it_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config());
    let before = watchbell.process.resident().expect("its memory") / 1024;
    let (waited, highest) = beside(&watchbell, || {
        for _ in 0..TIMES {
            let sent = huge_frame(watchbell.port);
            assert!(sent < 64 << 20, "all of it was read: {sent}");
        }
    });
    println!("others waited {waited:?} at most; {before} MiB before, {highest} MiB at most");
    assert!(waited < AT_ONCE && highest < before + 40, "{waited:?}, from {before} to {highest} MiB");
}

#[test]
fn hundreds_of_clients_that_send_a_byte_a_second_hold_up_nobody_and_are_left_in_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config());
    let (port, before) = (watchbell.port, watchbell.process.resident().expect("its memory") / 1024);
    // Half of them dribble the head of a request, half a body.
    let head = "POST /api/v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                Content-Length: 100000\r\n\r\n";
    let mut slow: Vec<TcpStream> = (0..SLOW)
        .map(|number| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            stream.set_read_timeout(Some(Duration::from_millis(10))).expect("a timeout");
            let begins = if number % 2 == 0 { head } else { "GET /api/v1/incidents HTTP/1.1\r\nX-Slow: " };
            stream.write_all(begins.as_bytes()).expect("it is taken");
            stream
        })
        .collect();
    let (waited, highest) = beside(&watchbell, || {
        let began = Instant::now();
        let mut left = 0;
        // Bodies have twenty seconds; whoever sends one is told, whatever it still sends.
        let all = until(Duration::from_secs(45), || {
            // The pace of the slow ones, not a wait for something to happen.
            thread::sleep(Duration::from_secs(1));
            left = 0;
            for stream in slow.iter_mut().step_by(2) {
                let mut answer = [0; 64];
                let told = match stream.read(&mut answer) {
                    Ok(0) => true,
                    Ok(some) => String::from_utf8_lossy(&answer[..some]).contains(" 408 "),
                    Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
                };
                left += usize::from(told || stream.write_all(b" ").is_err());
            }
            for stream in slow.iter_mut().skip(1).step_by(2) {
                // The head has a minute; nobody waits for that here.
                let _ = stream.write_all(b"x");
            }
            (left > 0 && began.elapsed() > Duration::from_secs(15)).then_some(())
        });
        assert!(all.is_some(), "nobody was told that it takes too long");
    });
    println!("others waited {waited:?} at most; {before} MiB before, {highest} MiB at most");
    assert!(waited < AT_ONCE, "others waited {waited:?}");
    assert!(highest < before + 40, "from {before} to {highest} MiB");
}
