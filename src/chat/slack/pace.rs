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
const PATIENCE: Duration = Duration::from_secs(5);
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
    pub(super) per_room: PerRoom,
    /// Whether it takes its arguments as a form; else as JSON.
    pub(super) form: bool,
}

/// Whether rooms have budgets of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PerRoom {
    /// They have none.
    No,
    /// So that a message does not flicker.
    Ours,
    /// Slack counts by room: a pause holds for that room alone.
    Slacks,
}

impl Method {
    const fn tier(name: &'static str, per_minute: u32) -> Self {
        Self { name, per_minute, per_room: PerRoom::No, form: false }
    }

    const fn asks(name: &'static str, per_minute: u32) -> Self {
        Self { form: true, ..Self::tier(name, per_minute) }
    }
}

/// The methods that are used, with the tiers that Slack documents for them.
pub(super) mod method {
    use super::{Method, PerRoom};

    pub(in super::super) const POST: Method =
        Method { per_room: PerRoom::Slacks, ..Method::tier("chat.postMessage", 300) };
    pub(in super::super) const POST_EPHEMERAL: Method = Method::tier("chat.postEphemeral", 100);
    pub(in super::super) const UPDATE: Method =
        Method { per_room: PerRoom::Ours, ..Method::tier("chat.update", 50) };
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

/// Whose call it is. People's own conversations have what rooms leave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// To a person.
    Person,
    /// To a person who is paged: the next contact method goes at once, so nobody waits here.
    Page,
    /// Anything else.
    Room,
}

impl Lane {
    /// How long a call waits for its turn, and for a pause that Slack asks for.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Page => Duration::ZERO,
            Self::Person | Self::Room => PATIENCE,
        }
    }
}

/// All budgets and pauses.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<Key, Budget>>);

type Key = (&'static str, Share);

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Share {
    /// The workspace's.
    Whole,
    /// What all rooms together may use of it.
    Rooms,
    /// One room's, or one person's own conversation's.
    One(String),
}

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

/// What a call draws on: whatever comes, no minute has more calls than Slack documents.
fn rates(method: &Method, lane: Lane, room: Option<&str>) -> [Option<(Share, Rate)>; 3] {
    let whole = rate(method.per_minute);
    let conversations = method.per_room != PerRoom::No;
    let rooms =
        (lane == Lane::Room && conversations).then(|| (Share::Rooms, rate(method.per_minute * 4 / 5)));
    // "1 per second per channel; short bursts are allowed."
    let single = || Rate { every: Duration::from_secs(1), burst: 3 };
    let one = room.filter(|_| conversations).map(|room| (Share::One(room.to_owned()), single()));
    [Some((Share::Whole, whole)), rooms, one]
}

/// A third may come at once; that and what follows within a minute is not more than it allows.
fn rate(per_minute: u32) -> Rate {
    let burst = (per_minute / 3).max(4);
    Rate { every: Duration::from_mins(1) / per_minute.saturating_sub(burst).max(1), burst }
}

impl Pace {
    /// Takes one call out of its budgets and says how long to wait before it.
    ///
    /// # Errors
    /// How long it would be, when that is longer than the lane's patience; then nothing was taken.
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
        for (share, rate) in rates(method, lane, room).into_iter().flatten() {
            let key: Key = (method.name, share);
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
        if wait > lane.patience() {
            return Err(wait);
        }
        budgets.extend(taken);
        Ok(wait)
    }

    /// Slack asked for a pause on this route.
    pub(super) fn pause(&self, method: &Method, room: Option<&str>, until: Instant) {
        let room = room.filter(|_| method.per_room == PerRoom::Slacks).map(str::to_owned);
        let share = room.map_or(Share::Whole, Share::One);
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budget =
            budgets.entry((method.name, share)).or_insert(Budget { next: until, paused_until: None });
        budget.paused_until = Some(budget.paused_until.map_or(until, |old| old.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_room_gets_a_burst_then_one_a_second_then_is_told_to_wait_and_a_page_at_once() {
        let (pace, now) = (Pace::default(), Instant::now());
        let take = |lane, room: &str, now| pace.reserve(&method::POST, lane, Some(room), now);
        let waits: Vec<_> = (0..9).map(|_| take(Lane::Room, "C1", now)).collect();
        let zero = Duration::ZERO;
        let expected: Vec<_> = [0, 0, 0, 1, 2, 3, 4, 5].map(|seconds| Ok(SECOND * seconds)).into();
        assert_eq!((&waits[..8], waits[8]), (&*expected, Err(SECOND * 6)));
        assert_eq!(take(Lane::Room, "C2", now), Ok(zero), "another room");
        assert_eq!(take(Lane::Room, "C1", now + SECOND * 6), Ok(zero), "what was refused took nothing");
        let pages: Vec<_> = (0..4).map(|_| take(Lane::Page, "D1", now)).collect();
        assert_eq!(pages, [Ok(zero), Ok(zero), Ok(zero), Err(SECOND)], "the next contact method goes");
        assert_eq!(take(Lane::Person, "D1", now), Ok(SECOND), "what is no page waits");
    }

    #[test]
    fn a_workspace_has_a_budget_too_and_a_pause_holds_for_its_route_alone() {
        let (pace, now) = (Pace::default(), Instant::now());
        let create = |now| pace.reserve(&method::CREATE, Lane::Room, None, now);
        let waits: Vec<_> = (0..8).map(|_| create(now)).collect();
        assert!(waits[..7].iter().all(Result::is_ok) && waits[7].is_err(), "{waits:?}");
        let post = |room: &str| pace.reserve(&method::POST, Lane::Room, Some(room), now);
        pace.pause(&method::POST, Some("C1"), now + SECOND * 30);
        assert_eq!((post("C1"), post("C2")), (Err(SECOND * 30), Ok(Duration::ZERO)));
        let later = pace.reserve(&method::POST, Lane::Room, Some("C1"), now + SECOND * 30);
        assert_eq!(later, Ok(Duration::ZERO));
        // Slack counts edits for the whole workspace.
        pace.pause(&method::UPDATE, Some("C1"), now + SECOND * 30);
        assert_eq!(pace.reserve(&method::UPDATE, Lane::Room, Some("C2"), now), Err(SECOND * 30));
    }

    #[test]
    fn no_minute_has_more_calls_than_slack_documents_and_rooms_leave_some_to_people() {
        for method in [&method::UPDATE, &method::POST, &method::CREATE] {
            let (pace, start) = (Pace::default(), Instant::now());
            let (mut calls, mut now, mut people) = (Vec::new(), start, 0);
            while now < start + SECOND * 180 {
                // Twenty rooms and as many people want something all the time.
                for number in 0..20 {
                    for (lane, kind) in [(Lane::Room, "C"), (Lane::Page, "D")] {
                        let room = format!("{kind}{number}");
                        if let Ok(wait) = pace.reserve(method, lane, Some(&room), now) {
                            calls.push(now + wait);
                            people += u32::from(lane == Lane::Page);
                        }
                    }
                }
                now += Duration::from_millis(250);
            }
            calls.sort_unstable();
            let most = usize::try_from(method.per_minute).unwrap();
            for minute in calls.windows(most + 1) {
                let span = minute[most] - minute[0];
                assert!(span >= SECOND * 60, "{}: {} calls in {span:?}", method.name, most + 1);
            }
            assert!(calls.len() > most && people > 0, "{}: {} calls", method.name, calls.len());
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (pace, now) = (Pace::default(), Instant::now());
        for room in 0..KEPT * 3 {
            let at = now + SECOND * u32::try_from(room).unwrap();
            pace.reserve(&method::POST, Lane::Room, Some(&room.to_string()), at).unwrap();
        }
        assert!(pace.0.lock().unwrap().len() <= KEPT + 3);
    }
}
