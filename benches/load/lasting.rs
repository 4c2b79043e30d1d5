//! What lasts: many active alerts and a long history, what they take of memory, and how soon a server that was killed is
//! back with them. Never a figure when an alert is missing.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    client::{self, Amount},
    measure::{self, Effort, Figure, mebibytes, millis, thousands},
    payload::{Alerts, Request},
    peer::{http, process::until},
    subject::{Grouping, Kind, Setting, Subject},
};

/// An end is remembered for half a minute, so that a late duplicate does not fire; then nothing of it is in memory.
const ENDS_FORGOTTEN: Duration = Duration::from_secs(35);
/// How long the views may take to be built.
const VIEWS: Duration = Duration::from_mins(10);

/// Every figure of it, once. `idle`: memory of an empty server, MiB.
pub fn all(
    kind: Kind,
    binary: &Path,
    scratch: &Path,
    effort: Effort,
    idle: f64,
) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let mut add = |name: &str, unit, value, more| {
        figures.push(Figure { kind, name: name.to_owned(), unit, value, more });
    };

    let folder = scratch.join("many");
    let mut subject = Subject::start(kind, binary, &folder, Setting::new(Grouping::Each, None))?;
    measure::send(&subject, 4, effort.many / 100, 100, 0)?;
    thread::sleep(effort.settle);
    let many = thousands(effort.many);
    add(&format!("memory, {many} active alerts"), "MiB", mebibytes(&subject), false);
    if kind != Kind::Watchbell {
        return Ok(figures);
    }
    let took = again(&mut subject)?;
    if subject.active() != Some(effort.many) {
        return Err(format!("of {} alerts {:?} are there after kill -9", effort.many, subject.active()));
    }
    add(&format!("kill -9 with {many} active alerts: start to ready, all there"), "ms", millis(took), false);
    drop(subject);

    let folder = scratch.join("history");
    let mut subject = Subject::start(kind, binary, &folder, Setting::new(Grouping::One, None))?;
    history(&subject, effort)?;
    caught_up(&subject)?;
    let events = thousands(effort.history);
    add(
        &format!("memory, {events} events of history, more than idle"),
        "MiB",
        mebibytes(&subject) - idle,
        false,
    );
    let took = again(&mut subject)?;
    add(&format!("kill -9 with {events} events: start to ready"), "ms", millis(took), false);
    caught_up(&subject)?;
    thread::sleep(effort.settle);
    add("memory, started again with that history, more than idle", "MiB", mebibytes(&subject) - idle, false);

    let server = subject.watchbell()?;
    server.process.stop(Duration::from_secs(30)).ok_or("it does not stop")?;
    let views = server.data().join("views");
    fs::remove_dir_all(&views).map_err(|error| format!("{}: {error}", views.display()))?;
    let took = again(&mut subject)?;
    add(&format!("without views, {events} events: start to ready"), "ms", millis(took), false);
    let (_, took) = caught_up(&subject)?;
    add(&format!("views built anew from {events} events"), "s", took.as_secs_f64(), false);
    Ok(figures)
}

/// Kills it and starts it again; from its start until it is ready.
fn again(subject: &mut Subject) -> Result<Duration, String> {
    let server = subject.watchbell()?;
    server.start_again();
    Ok(server.process.since.elapsed())
}

/// Alerts that fire and end, a hundred a request, beside one that stays: two events each, and nothing of them is left.
fn history(subject: &Subject, effort: Effort) -> Result<(), String> {
    let port = subject.port;
    // It keeps the group open.
    measure::send(subject, 1, 1, 1, 90_000_000)?;
    let round = 10_000;
    let now = measure::now();
    let mut first = 0;
    while first * 2 < effort.history {
        for ends_at in [None, Some(now.as_str())] {
            let said = Alerts { count: 100, service: "bench", starts_at: &now, ends_at };
            let amount = Amount {
                connections: 4,
                requests: round / 100,
                alerts: 100,
                first: u32::try_from(first).map_err(|error| error.to_string())?,
                at_most: Duration::from_mins(1),
            };
            client::send(port, amount, &|| Request::new(Kind::Watchbell, port, said))
                .and_then(measure::all_taken)?;
        }
        first += round;
    }
    thread::sleep(ENDS_FORGOTTEN);
    // What is forgotten is forgotten when something happens.
    measure::send(subject, 1, 1, 1, 90_000_001)?;
    thread::sleep(effort.settle);
    match readiness(subject)?["seq"].as_u64().and_then(|seq| usize::try_from(seq).ok()) {
        Some(seq) if seq >= effort.history => Ok(()),
        seq => Err(format!("{seq:?} events instead of {}", effort.history)),
    }
}

/// Waits until the views know everything; by how many events they were behind, and how long it took.
pub fn caught_up(subject: &Subject) -> Result<(f64, Duration), String> {
    let began = Instant::now();
    let behind = |readiness: &Value| -> Option<u32> {
        let seq = readiness["seq"].as_u64()?;
        let applied = readiness["views"]["applied"].as_u64().unwrap_or(0);
        u32::try_from(seq.saturating_sub(applied)).ok()
    };
    let at_first = behind(&readiness(subject)?).ok_or("it does not say how far the views are")?;
    let done = until(VIEWS, || {
        let now = readiness(subject).ok()?;
        (now["views"]["status"] == "ready" && behind(&now) == Some(0)).then_some(())
    });
    done.ok_or("the views do not catch up")?;
    Ok((f64::from(at_first), began.elapsed()))
}

fn readiness(subject: &Subject) -> Result<Value, String> {
    let answer = http::get(subject.port, "/readyz").map_err(|error| error.to_string())?;
    serde_json::from_str(&answer.body).map_err(|error| error.to_string())
}
