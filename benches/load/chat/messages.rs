//! One message at a time to one bot, and its reply: from the instant before the fake writes the message until it has
//! read the request with the reply. Never counts a note of Watchbell's that is not in the timeline.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Effort, Wanted,
    bots::{Bot, Running},
    exchange::Course,
    figures::Figure,
    place::Place,
    slack,
};
use crate::{client::percentile, measure::millis};

/// Channels that are written to in turn: a bot may say one thing a second in each.
const ROOMS: u32 = 10;
/// From one message to the next: Slack takes 300 replies a minute of a bot, and Watchbell leaves a fifth of them to
/// people's own conversations. Faster than every 375 ms, and in the end its pace is measured, not its answer.
const BETWEEN: Duration = Duration::from_millis(400);
/// So long a bot may take to start.
const START: Duration = Duration::from_secs(90);
/// So long one reply is waited for.
const REPLY: Duration = Duration::from_secs(10);

/// The figures of one bot, once.
pub fn measure(bot: Bot, wanted: &Wanted, scratch: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let place = Place::start(slack::routes)?;
    let mut running = Running::start(bot, wanted, scratch, place.port)?;
    if !place.exchange.wait_connected(START) {
        return Err(format!("is not connected:\n{}", running.tail()));
    }
    // It may be connected before it listens.
    let began = Instant::now();
    let mut tries = 0;
    while say(&place, &running, "CFIRST", &format!("first-{tries}"), Duration::from_secs(1)).is_none() {
        tries += 1;
        if began.elapsed() > START || running.ended() {
            return Err(format!("does not answer:\n{}", running.tail()));
        }
    }
    let mut times = Vec::new();
    let mut calls = 0;
    for number in 0..effort.unmeasured + effort.messages {
        if number == effort.unmeasured {
            calls = place.exchange.calls();
        }
        let due = Instant::now() + BETWEEN;
        let (room, id) = (format!("CROOM{:02}", number % ROOMS), format!("message-{number}"));
        let course = say(&place, &running, &room, &id, REPLY)
            .ok_or_else(|| format!("message {number} had no reply:\n{}", running.tail()))?;
        if number >= effort.unmeasured {
            times.extend(course.answer());
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    running.check(effort.unmeasured + effort.messages)?;
    times.sort_unstable();
    let each = f64::from(u32::try_from(place.exchange.calls() - calls).unwrap_or(u32::MAX))
        / f64::from(effort.messages);
    let of = bot.name();
    Ok(vec![
        Figure::new(of, "message to reply, median", "ms", millis(percentile(&times, 50))),
        Figure::new(of, "message to reply, 99 of 100", "ms", millis(percentile(&times, 99))),
        Figure::new(of, "requests for one message", "", each),
        Figure::new(of, "memory afterwards", "MiB", running.mebibytes()),
    ])
}

fn say(place: &Place, running: &Running, room: &str, id: &str, within: Duration) -> Option<Course> {
    let (kind, text) = running.bot.words(id);
    place.exchange.say(id, room, slack::message(kind, id, room, &text)).ok()?;
    place.exchange.wait_answered(id, within)
}
