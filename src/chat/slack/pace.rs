//! How often Slack may be asked (<https://docs.slack.dev/apis/web-api/rate-limits>): budgets per method, per room and
//! workspace, and the pauses that it asked for. Pure: time is an argument. Never lets rooms use up what people's own
//! conversations need.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Longer than this nobody is kept waiting; they are told how long it would be.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Budgets that are remembered at most; one that is full again need not be.
const KEPT: usize = 5_000;

/// A method of the Web API with its budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    /// `chat.postMessage`.
    pub(super) name: &'static str,
    /// Calls a minute for one workspace.
    pub(super) per_minute: u32,
    /// Whether there is a budget of one a second for each room beside it.
    pub(super) per_room: bool,
    /// Whether it takes its arguments as a form; else as JSON.
    pub(super) form: bool,
}

impl Method {
    const fn tier(name: &'static str, per_minute: u32) -> Self {
        Self { name, per_minute, per_room: false, form: false }
    }

    const fn asks(name: &'static str, per_minute: u32) -> Self {
        Self { form: true, ..Self::tier(name, per_minute) }
    }
}

/// The methods that are used, with the tiers that Slack documents for them.
pub(super) mod method {
    use super::Method;

    pub(in super::super) const POST: Method =
        Method { per_room: true, ..Method::tier("chat.postMessage", 300) };
    pub(in super::super) const POST_EPHEMERAL: Method = Method::tier("chat.postEphemeral", 100);
    pub(in super::super) const UPDATE: Method = Method::tier("chat.update", 50);
    pub(in super::super) const PERMALINK: Method = Method::asks("chat.getPermalink", 300);
    pub(in super::super) const OPEN: Method = Method::tier("conversations.open", 50);
    pub(in super::super) const CREATE: Method = Method::tier("conversations.create", 20);
    pub(in super::super) const SET_TOPIC: Method = Method::tier("conversations.setTopic", 20);
    pub(in super::super) const SET_PURPOSE: Method = Method::tier("conversations.setPurpose", 20);
    pub(in super::super) const INVITE: Method = Method::tier("conversations.invite", 50);
    pub(in super::super) const ARCHIVE: Method = Method::tier("conversations.archive", 20);
    pub(in super::super) const LIST: Method = Method::asks("conversations.list", 20);
    pub(in super::super) const INFO: Method = Method::asks("conversations.info", 50);
    pub(in super::super) const HISTORY: Method = Method::asks("conversations.history", 50);
    pub(in super::super) const REPLIES: Method = Method::asks("conversations.replies", 50);
    pub(in super::super) const PIN: Method = Method::tier("pins.add", 20);
    pub(in super::super) const UPLOAD_URL: Method = Method::asks("files.getUploadURLExternal", 100);
    pub(in super::super) const UPLOAD_DONE: Method = Method::tier("files.completeUploadExternal", 100);
    pub(in super::super) const FILE: Method = Method::asks("files.info", 100);
    pub(in super::super) const USER: Method = Method::asks("users.info", 100);
    pub(in super::super) const AUTH: Method = Method::tier("auth.test", 300);
    pub(in super::super) const VIEW: Method = Method::tier("views.open", 100);
    /// Tier 1, but how often the socket is opened is up to its own back-off.
    pub(in super::super) const CONNECT: Method = Method::tier("apps.connections.open", 120);
}

/// Which budget a call draws on: people's own conversations have theirs, and answers to what somebody just did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// To a person.
    Person,
    /// Anything else.
    Room,
}

/// All budgets and pauses.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<Key, Budget>>);

type Key = (&'static str, Lane, Option<String>);

/// The generic cell rate algorithm: `next` is when the budget would be full again.
#[derive(Debug, Clone, Copy)]
struct Budget {
    next: Instant,
    paused_until: Option<Instant>,
}

/// How long between two calls, and how many may come at once.
struct Rate {
    every: Duration,
    burst: u32,
}

fn rates(method: &Method, room: Option<&str>) -> [Option<(Option<String>, Rate)>; 2] {
    let every = Duration::from_mins(1) / method.per_minute.max(1);
    let whole = Rate { every, burst: (method.per_minute / 3).max(4) };
    // "1 per second per channel; short bursts are allowed."
    let single = Rate { every: Duration::from_secs(1), burst: 3 };
    let of_room = room.filter(|_| method.per_room).map(|room| (Some(room.to_owned()), single));
    [Some((None, whole)), of_room]
}

impl Pace {
    /// Takes one call out of its budgets and says how long to wait before it.
    ///
    /// # Errors
    /// How long it would be, when that is longer than [`PATIENCE`]; then nothing was taken.
    pub(super) fn reserve(
        &self,
        method: &Method,
        lane: Lane,
        room: Option<&str>,
        now: Instant,
    ) -> Result<Duration, Duration> {
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() > KEPT {
            budgets.retain(|_, budget| {
                budget.next > now || budget.paused_until.is_some_and(|until| until > now)
            });
        }
        let mut wait = Duration::ZERO;
        let mut taken = Vec::new();
        for (of_room, rate) in rates(method, room).into_iter().flatten() {
            let key: Key = (method.name, lane, of_room);
            let budget = budgets.get(&key).copied().unwrap_or(Budget { next: now, paused_until: None });
            let next = budget.next.max(now);
            let early = rate.every * rate.burst.saturating_sub(1);
            let mut ready = next.checked_sub(early).unwrap_or(now).max(now);
            if let Some(until) = budget.paused_until {
                ready = ready.max(until);
            }
            wait = wait.max(ready - now);
            taken.push((key, Budget { next: next + rate.every, ..budget }));
        }
        // A pause without a room (the whole workspace) counts for each room as well: it is the first budget above.
        if wait > PATIENCE {
            return Err(wait);
        }
        budgets.extend(taken);
        Ok(wait)
    }

    /// Slack asked for a pause on this route.
    pub(super) fn pause(&self, method: &Method, lane: Lane, room: Option<&str>, until: Instant) {
        let room = room.filter(|_| method.per_room).map(str::to_owned);
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budget =
            budgets.entry((method.name, lane, room)).or_insert(Budget { next: until, paused_until: None });
        budget.paused_until = Some(budget.paused_until.map_or(until, |old| old.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_room_gets_a_burst_then_one_a_second_then_is_told_to_wait() {
        let (pace, now) = (Pace::default(), Instant::now());
        let take = |room: &str, now| pace.reserve(&method::POST, Lane::Room, Some(room), now);
        let waits: Vec<_> = (0..6).map(|_| take("C1", now)).collect();
        let zero = Duration::ZERO;
        assert_eq!(waits, [Ok(zero), Ok(zero), Ok(zero), Ok(SECOND), Ok(SECOND * 2), Err(SECOND * 3)]);
        assert_eq!(take("C2", now), Ok(zero), "another room");
        assert_eq!(pace.reserve(&method::POST, Lane::Person, Some("C1"), now), Ok(zero), "another lane");
        assert_eq!(take("C1", now + SECOND * 3), Ok(zero), "what was refused took nothing");
    }

    #[test]
    fn a_workspace_has_a_budget_too_and_a_pause_holds_for_its_route_alone() {
        let (pace, now) = (Pace::default(), Instant::now());
        let create = |now| pace.reserve(&method::CREATE, Lane::Room, None, now);
        let waits: Vec<_> = (0..7).map(|_| create(now)).collect();
        assert!(waits[..6].iter().all(Result::is_ok) && waits[6].is_err(), "{waits:?}");
        let post = |room: &str| pace.reserve(&method::POST, Lane::Room, Some(room), now);
        pace.pause(&method::POST, Lane::Room, Some("C1"), now + SECOND * 30);
        assert_eq!((post("C1"), post("C2")), (Err(SECOND * 30), Ok(Duration::ZERO)));
        let later = pace.reserve(&method::POST, Lane::Room, Some("C1"), now + SECOND * 30);
        assert_eq!(later, Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (pace, now) = (Pace::default(), Instant::now());
        for room in 0..KEPT * 3 {
            let at = now + SECOND * u32::try_from(room).unwrap();
            pace.reserve(&method::POST, Lane::Room, Some(&room.to_string()), at).unwrap();
        }
        assert!(pace.0.lock().unwrap().len() <= KEPT + 2);
    }
}
