//! The figures: how each is taken. Never a figure of a server that refused something.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::{self, Amount, percentile},
    crowd, lasting,
    payload::{Alerts, Request, number_in},
    peer::{process::until, server::Server},
    subject::{Grouping, Kind, Setting, Subject},
};

/// One number that was measured once.
#[derive(Debug, Clone)]
pub struct Figure {
    pub kind: Kind,
    /// What was measured.
    pub name: String,
    pub unit: &'static str,
    pub value: f64,
    /// Whether more is better.
    pub more: bool,
}

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    warm: usize,
    singles: usize,
    batches: usize,
    pub pages: u32,
    active: usize,
    /// Many active alerts: what they take, and what is left of them after the process was killed.
    pub many: usize,
    /// Events of a long history.
    pub history: usize,
    /// Alerts of a storm in one group.
    pub storm: usize,
    /// Commands, from 64 callers; a tenth of them from one.
    pub commands: usize,
    pub settle: Duration,
}

impl Effort {
    pub const FULL: Self = Self {
        warm: 2_000,
        singles: 60_000,
        batches: 1_000,
        pages: 500,
        active: 10_000,
        many: 100_000,
        history: 1_000_000,
        storm: 10_000,
        commands: 30_000,
        settle: Duration::from_secs(3),
    };
    pub const SMOKE: Self = Self {
        warm: 100,
        singles: 2_000,
        batches: 20,
        pages: 25,
        active: 1_000,
        many: 2_000,
        history: 20_000,
        storm: 1_000,
        commands: 1_000,
        settle: Duration::from_millis(500),
    };
}

/// Every figure of one server, once; each load meets a fresh process.
pub fn all(kind: Kind, binary: &Path, scratch: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let mut add = |name: &str, unit, value, more| {
        figures.push(Figure { kind, name: name.to_owned(), unit, value, more });
    };

    if kind == Kind::Watchbell {
        let bytes = std::fs::metadata(binary).map_err(|error| error.to_string())?.len();
        add(
            "the program itself",
            "MiB",
            f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0,
            false,
        );
    }
    let each = Setting::new(Grouping::Each, None);
    let subject = Subject::start(kind, binary, &scratch.join("idle"), each)?;
    add("start to ready", "ms", millis(subject.started_in), false);
    thread::sleep(effort.settle);
    let idle = mebibytes(&subject);
    add("memory, idle", "MiB", idle, false);
    send(&subject, 4, effort.active / 100, 100, 0)?;
    let known = until(Duration::from_secs(10), || subject.active().filter(|known| *known >= effort.active));
    if known.is_none() {
        eprintln!("note: {} does not count its active alerts ({:?})", kind.name(), subject.active());
    }
    thread::sleep(effort.settle);
    add(&format!("memory, {} active alerts", thousands(effort.active)), "MiB", mebibytes(&subject), false);
    drop(subject);

    let subject = Subject::start(kind, binary, &scratch.join("singles"), each)?;
    send(&subject, 64, effort.warm, 1, 0)?;
    let before = subject.process().worked();
    let load = send(&subject, 64, effort.singles, 1, 10_000_000)?;
    add("single alerts, 64 connections", "alerts/s", rate(&load, 1), true);
    // What is put off until the load is over counts.
    thread::sleep(effort.settle);
    let worked = subject.process().worked().zip(before).map(|(after, before)| after.saturating_sub(before));
    add("single alerts, processor time of one", "µs", micros_each(worked, load.accepted), false);
    add("single alerts, median", "ms", millis(percentile(&load.times, 50)), false);
    add("single alerts, 99 of 100", "ms", millis(percentile(&load.times, 99)), false);
    drop(subject);

    let subject = Subject::start(kind, binary, &scratch.join("storm"), Setting::new(Grouping::One, None))?;
    send(&subject, 64, effort.warm, 1, 0)?;
    let load = send(&subject, 64, effort.singles, 1, 10_000_000)?;
    add("single alerts of one group, 64 connections", "alerts/s", rate(&load, 1), true);
    drop(subject);

    let subject = Subject::start(kind, binary, &scratch.join("batches"), each)?;
    send(&subject, 64, effort.warm, 1, 0)?;
    let load = send(&subject, 64, effort.batches, 100, 10_000_000)?;
    add("batches of 100, 64 connections", "alerts/s", rate(&load, 100), true);
    if kind == Kind::Watchbell {
        let (behind, caught_up) = lasting::caught_up(&subject)?;
        add("batches of 100, views behind at the end", "events", behind, false);
        add("batches of 100, until the views have caught up", "s", caught_up.as_secs_f64(), false);
    }
    drop(subject);

    let times = pages(kind, binary, &scratch.join("pages"), effort)?;
    add("alert to page at 50/s, median", "ms", millis(percentile(&times, 50)), false);
    add("alert to page at 50/s, 99 of 100", "ms", millis(percentile(&times, 99)), false);
    figures.extend(crowd::all(kind, binary, scratch, effort)?);
    figures.extend(lasting::all(kind, binary, scratch, effort, idle)?);
    Ok(figures)
}

/// Sends alerts; an error when one is refused.
pub fn send(
    subject: &Subject,
    connections: usize,
    requests: usize,
    alerts: usize,
    first: u32,
) -> Result<client::Load, String> {
    send_to(subject.kind, subject.port, connections, requests, alerts, first)
        .map_err(|problem| format!("{problem}\n{}", subject.process().tail()))
}

fn send_to(
    kind: Kind,
    port: u16,
    connections: usize,
    requests: usize,
    alerts: usize,
    first: u32,
) -> Result<client::Load, String> {
    let now = now();
    let amount = Amount { connections, requests, alerts, first, at_most: Duration::from_secs(20) };
    let said = Alerts { count: alerts, service: "bench", starts_at: &now, ends_at: None };
    all_taken(client::send(port, amount, &|| Request::new(kind, port, said))?)
}

/// An error when one was refused.
pub fn all_taken(load: client::Load) -> Result<client::Load, String> {
    if load.refused > 0 {
        return Err(format!("refused {} of {} requests", load.refused, load.refused + load.accepted));
    }
    Ok(load)
}

/// The first pages open connections; they are sent and not counted.
pub const UNMEASURED: u32 = 10;

/// A fresh server with one phone.
fn pages(kind: Kind, binary: &Path, folder: &Path, effort: Effort) -> Result<Vec<Duration>, String> {
    let phone = Server::start(|_| (200, String::new()));
    let subject = Subject::start(kind, binary, folder, Setting::new(Grouping::Each, Some(phone.port)))?;
    alert_to_page(kind, subject.port, &phone, 0..effort.pages + UNMEASURED)
        .map_err(|problem| format!("{problem}\n{}", subject.process().tail()))
}

/// One alert every 20 ms, with these numbers; the time from before it is sent until the phone has heard of it, sorted.
pub fn alert_to_page(
    kind: Kind,
    port: u16,
    phone: &Server,
    numbers: Range<u32>,
) -> Result<Vec<Duration>, String> {
    let mut sent = BTreeMap::new();
    let began = Instant::now();
    for number in numbers.clone() {
        let due = began + Duration::from_millis(20) * (number - numbers.start);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        sent.insert(number, Instant::now());
        send_to(kind, port, 1, 1, 1, number)?;
    }
    let heard = until(Duration::from_secs(20), || {
        let mut heard: BTreeMap<u32, Instant> = BTreeMap::new();
        for request in phone.heard() {
            if let Some(number) = number_in(&request.body).filter(|number| numbers.contains(number)) {
                heard.entry(number).or_insert(request.at);
            }
        }
        (heard.len() == sent.len()).then_some(heard)
    });
    let heard = heard.ok_or_else(|| {
        format!("of {} alerts {} requests reached the phone", sent.len(), phone.heard().len())
    })?;
    let measured = sent.iter().filter(|(number, _)| **number >= numbers.start + UNMEASURED);
    let mut times: Vec<Duration> =
        measured.filter_map(|(number, sent)| Some(heard.get(number)?.duration_since(*sent))).collect();
    times.sort_unstable();
    Ok(times)
}

#[expect(
    clippy::disallowed_methods,
    reason = "alerts start now, and people write now; no test of behaviour hangs on it"
)]
pub fn wall() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

pub fn now() -> String {
    wall().to_string()
}

/// In the unit of the tables.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

pub fn rate(load: &client::Load, alerts: u32) -> f64 {
    f64::from(u32::try_from(load.accepted).unwrap_or(u32::MAX)) * f64::from(alerts) / load.took.as_secs_f64()
}

/// A number as people write it: 100,000.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn micros_each(all: Option<Duration>, count: usize) -> f64 {
    all.unwrap_or_default().as_secs_f64() * 1e6 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

pub fn mebibytes(subject: &Subject) -> f64 {
    let kibibytes = subject.process().resident().and_then(|kibibytes| u32::try_from(kibibytes).ok());
    f64::from(kibibytes.unwrap_or_default()) / 1024.0
}
