//! Discord's rate limits as its answers tell them: per bucket, and the global one. Pure: time is an argument. Never
//! makes a direct message wait for ordinary ones, and never forgets a pause that was asked for.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use reqwest::{Method, header::HeaderMap};
use tokio::time::Instant;

/// Requests a second that Discord allows a bot over all routes.
const GLOBAL: usize = 50;
/// How many of them are left to direct messages.
const FOR_PEOPLE: usize = 15;
/// Edits in one channel come about one a second, two at once.
const EDIT: Duration = Duration::from_secs(1);
/// Routes that are remembered at most.
const ROUTES: usize = 4_000;

/// What a request counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    /// Everything ordinary.
    Ordinary,
    /// Direct messages: they go ahead.
    Person,
    /// Direct messages that page: the next contact method goes at once, so none of them waits.
    Page,
    /// Interactions: Discord does not count them globally.
    Interaction,
}

impl Budget {
    /// Whether it is somebody's own conversation.
    pub(super) fn is_personal(self) -> bool {
        matches!(self, Self::Person | Self::Page)
    }
}

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Which bucket a route belongs to, once an answer said so.
    names: HashMap<String, String>,
    buckets: HashMap<String, Bucket>,
    /// Nothing leaves before this.
    halted: Option<Instant>,
    /// What left within the last second.
    sent: VecDeque<Instant>,
    /// When a channel's next edit would be in its turn.
    edits: HashMap<String, Instant>,
}

#[derive(Debug)]
struct Bucket {
    remaining: u64,
    reset: Instant,
    /// How much it holds when it is full, and from when to when that is; none: no answer has said so.
    full: Option<(u64, Duration)>,
}

/// What a conversation holds that nobody has written to yet: several pages may leave before the first answer.
const UNKNOWN: u64 = 5;

impl Pace {
    /// Takes a place on a route, or says how long there is none.
    pub(super) fn take(&mut self, route: &str, budget: Budget, now: Instant) -> Result<(), Duration> {
        if budget != Budget::Interaction {
            if let Some(until) = self.halted.filter(|until| *until > now) {
                return Err(until - now);
            }
            self.global(budget, now)?;
        }
        let edits = edits(route).filter(|_| budget == Budget::Ordinary);
        let turn = edits.and_then(|channel| self.edits.get(channel)).copied().unwrap_or(now).max(now);
        if turn > now + EDIT {
            return Err(turn - EDIT - now);
        }
        let name = self.names.get(route).map_or(route, String::as_str);
        match self.buckets.get_mut(name) {
            Some(bucket) if bucket.reset > now => {
                if bucket.remaining == 0 {
                    return Err(bucket.reset - now);
                }
                bucket.remaining -= 1;
            }
            // It is full again: what leaves before the next answer counts, too.
            Some(bucket) => {
                if let Some((limit, span)) = bucket.full {
                    (bucket.remaining, bucket.reset) = (limit.saturating_sub(1), now + span);
                }
            }
            None if budget == Budget::Page => {
                let reset = now + Duration::from_secs(1);
                self.buckets.insert(name.to_owned(), Bucket { remaining: UNKNOWN - 1, reset, full: None });
            }
            None => {}
        }
        if let Some(channel) = edits {
            self.edits.insert(channel.to_owned(), turn + EDIT);
            if self.edits.len() > ROUTES {
                self.edits.retain(|_, turn| *turn > now);
            }
        }
        if budget != Budget::Interaction {
            self.sent.push_back(now);
        }
        Ok(())
    }

    fn global(&mut self, budget: Budget, now: Instant) -> Result<(), Duration> {
        let second = Duration::from_secs(1);
        while self.sent.front().is_some_and(|sent| *sent + second <= now) {
            self.sent.pop_front();
        }
        let most = if budget.is_personal() { GLOBAL } else { GLOBAL - FOR_PEOPLE };
        if self.sent.len() < most {
            return Ok(());
        }
        // The place becomes free when the request that is `most` before the next one is a second old.
        let oldest = self.sent.get(self.sent.len() - most).copied().unwrap_or(now);
        Err((oldest + second).saturating_duration_since(now).max(Duration::from_millis(1)))
    }

    /// Learns from an answer's headers.
    pub(super) fn learn(&mut self, route: &str, headers: &HeaderMap, now: Instant) {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let number = |name: &str| text(name).and_then(|text| text.trim().parse::<f64>().ok());
        let name = text("x-ratelimit-bucket").map(|bucket| format!("{bucket} {}", major(route)));
        if let Some(name) = &name {
            self.names.insert(route.to_owned(), name.clone());
            // What was counted before its name was known.
            if let Some(bucket) = self.buckets.remove(route) {
                self.buckets.entry(name.clone()).or_insert(bucket);
            }
        }
        let limit = text("x-ratelimit-limit").and_then(|text| text.trim().parse::<u64>().ok());
        let key = name.unwrap_or_else(|| self.names.get(route).cloned().unwrap_or_else(|| route.to_owned()));
        let remaining = text("x-ratelimit-remaining").and_then(|text| text.trim().parse().ok());
        if let (Some(remaining), Some(after)) =
            (remaining, number("x-ratelimit-reset-after").and_then(seconds))
        {
            let reset = now + after;
            match self.buckets.get_mut(&key).filter(|bucket| bucket.reset > now) {
                // What left since this answer was made is counted already.
                Some(bucket) => {
                    bucket.remaining = bucket.remaining.min(remaining);
                    bucket.reset = bucket.reset.max(reset);
                    let span = bucket.full.map_or(after, |(_, span)| span.max(after));
                    bucket.full = limit.map(|limit| (limit, span)).or(bucket.full);
                }
                None => {
                    let full = limit.map(|limit| (limit, after));
                    self.buckets.insert(key, Bucket { remaining, reset, full });
                }
            }
        }
        if self.buckets.len() > ROUTES || self.names.len() > ROUTES {
            self.buckets.retain(|_, bucket| bucket.reset > now);
            self.names.clear();
        }
    }

    /// A pause that was asked for, on this route or on all.
    pub(super) fn pause(&mut self, route: &str, pause: Duration, everywhere: bool, now: Instant) {
        let until = now + pause;
        if everywhere {
            self.halted = Some(self.halted.map_or(until, |before| before.max(until)));
            return;
        }
        let key = self.names.get(route).cloned().unwrap_or_else(|| route.to_owned());
        let full = self.buckets.get(&key).and_then(|bucket| bucket.full);
        self.buckets.insert(key, Bucket { remaining: 0, reset: until, full });
    }
}

/// Seconds as Discord writes them, when they are sane: at most an hour.
pub(super) fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().map(|pause| pause.min(Duration::from_hours(1)))
}

/// What a request counts as: its method and path, with all ids blanked but the one that limits are kept for.
pub(super) fn route(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts: Vec<&str> = Vec::new();
    let mut major = 0;
    for part in path.trim_start_matches('/').split('/') {
        let before = parts.last().copied().unwrap_or_default();
        let is_id = part.len() >= 15 && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_major =
            parts.len() == 1 && ["channels", "guilds", "webhooks", "interactions"].contains(&before);
        if is_major {
            major = if ["webhooks", "interactions"].contains(&before) { 2 } else { 1 };
        }
        if major > 0 {
            major -= 1;
            parts.push(part);
        } else if is_id || before == "reactions" {
            parts.push(":id");
        } else {
            parts.push(part);
        }
    }
    format!("{method} {}", parts.join("/"))
}

/// The channel whose message a route changes.
fn edits(route: &str) -> Option<&str> {
    let rest = route.strip_prefix("PATCH channels/")?;
    rest.split_once("/messages/").map(|(channel, _)| channel)
}

/// The part of a route that its limit is kept for.
fn major(route: &str) -> &str {
    let path = route.split(' ').nth(1).unwrap_or_default();
    let mut ends = path.match_indices('/').map(|(index, _)| index).skip(1);
    let end = if path.starts_with("webhooks") { ends.nth(1) } else { ends.next() };
    path.get(..end.unwrap_or(path.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const ROOM: &str = "/channels/110000000000000001/messages";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn a_route_keeps_the_id_that_its_limit_is_for() {
        for (path, expected) in [
            (ROOM, "POST channels/110000000000000001/messages"),
            (
                "/channels/110000000000000001/messages/110000000000000002",
                "POST channels/110000000000000001/messages/:id",
            ),
            ("/users/@me/channels", "POST users/@me/channels"),
            ("/users/110000000000000001", "POST users/:id"),
            (
                "/webhooks/110000000000000001/tok/messages/@original?wait=true",
                "POST webhooks/110000000000000001/tok/messages/@original",
            ),
        ] {
            assert_eq!(route(&Method::POST, path), expected);
        }
        assert_eq!(major("POST channels/1/messages/:id"), "channels/1");
        assert_eq!(major("POST webhooks/1/tok/messages"), "webhooks/1/tok");
    }

    #[test]
    fn a_bucket_is_shared_by_its_routes_and_empties() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let [post, patch] = [Method::POST, Method::PATCH].map(|method| route(&method, ROOM));
        let other = route(&Method::POST, "/channels/110000000000000009/messages");
        let said = headers(&[
            ("x-ratelimit-bucket", "b"),
            ("x-ratelimit-remaining", "1"),
            ("x-ratelimit-reset-after", "1.5"),
        ]);
        for route in [&post, &patch] {
            pace.learn(route, &said, now);
        }
        assert_eq!(pace.take(&post, Budget::Ordinary, now), Ok(()));
        assert_eq!(pace.take(&patch, Budget::Ordinary, now), Err(Duration::from_millis(1_500)));
        assert_eq!(pace.take(&other, Budget::Ordinary, now), Ok(()));
        assert_eq!(pace.take(&patch, Budget::Ordinary, now + Duration::from_millis(1_500)), Ok(()));
    }

    #[test]
    fn a_pause_holds_for_its_route_or_for_all() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.pause("a", Duration::from_secs(7), false, now);
        assert_eq!(pace.take("a", Budget::Person, now), Err(Duration::from_secs(7)));
        assert_eq!(pace.take("b", Budget::Ordinary, now), Ok(()));
        pace.pause("b", Duration::from_secs(3), true, now);
        assert_eq!(pace.take("c", Budget::Person, now), Err(Duration::from_secs(3)));
        assert_eq!(pace.take("c", Budget::Interaction, now), Ok(()));
    }

    #[test]
    fn people_go_ahead_of_everything_else() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let taken = (0..100).filter(|n| pace.take(&n.to_string(), Budget::Ordinary, now).is_ok()).count();
        assert_eq!(taken, GLOBAL - FOR_PEOPLE);
        let people = (0..100).filter(|n| pace.take(&n.to_string(), Budget::Person, now).is_ok()).count();
        assert_eq!(people, FOR_PEOPLE);
        assert_eq!(pace.take("x", Budget::Ordinary, now + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn what_leaves_before_an_answer_is_counted_for_the_first_time_and_after_a_bucket_was_full_again() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let post = route(&Method::POST, ROOM);
        let said = |remaining: &'static str| {
            headers(&[
                ("x-ratelimit-bucket", "b"),
                ("x-ratelimit-limit", "5"),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset-after", "5"),
            ])
        };
        let mut at = now;
        for _ in 0..2 {
            let left = (0..4).filter(|_| pace.take(&post, Budget::Page, at).is_ok()).count();
            assert_eq!(left, 4);
            // The first two of them are answered, and one more leaves after each.
            pace.learn(&post, &said("4"), at);
            assert_eq!(pace.take(&post, Budget::Page, at), Ok(()));
            pace.learn(&post, &said("3"), at);
            assert!(pace.take(&post, Budget::Page, at).is_err(), "the sixth");
            at += Duration::from_secs(6);
        }
    }

    #[test]
    fn a_channel_has_about_one_edit_a_second_and_messages_do_not_wait_for_it() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let edit = |channel: u64, message: u64| {
            route(
                &Method::PATCH,
                &format!("/channels/11000000000000000{channel}/messages/12000000000000000{message}"),
            )
        };
        let take = |pace: &mut Pace, message, now| pace.take(&edit(1, message), Budget::Ordinary, now);
        assert_eq!([1, 2].map(|message| take(&mut pace, message, now)), [Ok(()), Ok(())]);
        assert_eq!(take(&mut pace, 3, now), Err(EDIT), "whichever message it is");
        assert_eq!(pace.take(&edit(2, 1), Budget::Ordinary, now), Ok(()), "another channel");
        assert_eq!(pace.take(&route(&Method::POST, ROOM), Budget::Ordinary, now), Ok(()));
        assert_eq!(take(&mut pace, 3, now + EDIT), Ok(()));
        assert_eq!(take(&mut pace, 3, now + EDIT), Err(EDIT));
    }
}
