//! What one person notices while many want something: a page beside 5,000 alerts a second, ten thousand alerts in one
//! group, many commands at once. Never a figure when something was refused or one page is missing.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    client::{self, Amount, percentile},
    measure::{self, Effort, Figure, UNMEASURED, millis, rate, thousands},
    noise::Noise,
    payload::Request,
    peer::{process::until, server::Server},
    subject::{Grouping, Kind, Setting, Subject},
};

/// Alerts a second that come in beside the pages, one a request.
const NOISE: u32 = 5_000;
/// How long a group of a storm waits before somebody is told: all of it has come by then.
const WAIT: u32 = 5;

/// Every figure of it, once.
pub fn all(kind: Kind, binary: &Path, scratch: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let mut figures = Vec::new();
    let mut add = |name: &str, unit, value, more| {
        figures.push(Figure { kind, name: name.to_owned(), unit, value, more });
    };

    let times = beside_noise(kind, binary, &scratch.join("noise"), effort)?;
    add("alert to page beside 5,000 alerts/s, median", "ms", millis(percentile(&times, 50)), false);
    add("alert to page beside 5,000 alerts/s, 99 of 100", "ms", millis(percentile(&times, 99)), false);

    let (messages, bytes) = storm(kind, binary, &scratch.join("one-group"), effort)?;
    let many = thousands(effort.storm);
    add(&format!("{many} alerts in one group, messages to the phone"), "count", messages, false);
    add(&format!("{many} alerts in one group, bytes of them"), "kB", bytes / 1000.0, false);

    if kind == Kind::Watchbell {
        let (alone, crowd) = commands(binary, &scratch.join("commands"), effort)?;
        add("a command that writes, one caller, median", "ms", millis(percentile(&alone.times, 50)), false);
        add(
            "a command that writes, one caller, 99 of 100",
            "ms",
            millis(percentile(&alone.times, 99)),
            false,
        );
        add("commands that write, 64 callers", "/s", rate(&crowd, 1), true);
        add("commands that write, 64 callers, 99 of 100", "ms", millis(percentile(&crowd.times, 99)), false);
    }
    Ok(figures)
}

/// Pages at 50 a second while others send what pages nobody.
fn beside_noise(kind: Kind, binary: &Path, folder: &Path, effort: Effort) -> Result<Vec<Duration>, String> {
    let phone = Server::start(|_| (200, String::new()));
    let subject = Subject::start(kind, binary, folder, Setting::new(Grouping::Each, Some(phone.port)))?;
    let port = subject.port;
    let seconds = f64::from(effort.pages + UNMEASURED) / 50.0 + 1.0;
    let noise = Noise::start(kind, port, "noise", NOISE, Duration::from_secs_f64(seconds + 1.0));
    thread::sleep(Duration::from_secs(1));
    let times = measure::alert_to_page(kind, port, &phone, 0..effort.pages + UNMEASURED);
    let sent = noise.over()?;
    let times = times.map_err(|problem| format!("{problem}\n{}", subject.process().tail()))?;
    if sent < f64::from(NOISE) * 0.9 {
        return Err(format!("only {sent:.0} alerts a second came in beside the pages"));
    }
    Ok(times)
}

/// All alerts of one group before its wait is over: how many messages left, and their bytes.
fn storm(kind: Kind, binary: &Path, folder: &Path, effort: Effort) -> Result<(f64, f64), String> {
    let phone = Server::start(|_| (200, String::new()));
    let setting = Setting { grouping: Grouping::One, wait: WAIT, phone: Some(phone.port) };
    let subject = Subject::start(kind, binary, folder, setting)?;
    let began = Instant::now();
    measure::send(&subject, 8, effort.storm / 100, 100, 0)?;
    if began.elapsed() > Duration::from_secs(u64::from(WAIT)) {
        return Err("the storm took longer than the group's wait".to_owned());
    }
    let told = until(Duration::from_secs(30), || (!phone.heard().is_empty()).then_some(()));
    told.ok_or_else(|| format!("nobody was told\n{}", subject.process().tail()))?;
    // Whatever else would leave.
    thread::sleep(Duration::from_secs(3));
    let heard = phone.heard();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    Ok((count(heard.len()), count(heard.iter().map(|request| request.body.len()).sum())))
}

/// Notes on an incident: from one caller, then from 64.
fn commands(binary: &Path, folder: &Path, effort: Effort) -> Result<(client::Load, client::Load), String> {
    let mut subject = Subject::start(Kind::Watchbell, binary, folder, Setting::new(Grouping::Each, None))?;
    let port = subject.port;
    let opened = subject.watchbell()?.command("ana", "/incident open P3 measured");
    if opened["ok"] != true {
        return Err(format!("no incident: {opened}"));
    }
    let notes = |connections, requests: usize, first| {
        let at_most = Duration::from_secs(30);
        let amount = Amount { connections, requests, alerts: 1, first, at_most };
        client::send(port, amount, &|| Request::note(port, "INC-1")).and_then(measure::all_taken)
    };
    notes(1, 100, 0)?;
    let alone = notes(1, effort.commands / 10, 1_000)?;
    let crowd = notes(64, effort.commands, 1_000_000)?;
    // 200 is also the answer to a refusal: what counts is on the timeline.
    let written = subject.watchbell()?.figure("watchbell_events_total{type=\"note_added\"}");
    let asked = 100 + alone.accepted + crowd.accepted;
    if usize::try_from(written) != Ok(asked) {
        return Err(format!("of {asked} notes {written} were written"));
    }
    Ok((alone, crowd))
}
