//! How far a listener of the live stream has come: what it has seen, and how long it waits before it comes back.
//! Pure: it never connects and never looks at a clock.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

/// Messages that are remembered, so that a server that repeats its last ones repeats nothing here.
const REMEMBERED: usize = 2_000;
/// The first wait; each one after it is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15);

/// One listener's course.
#[derive(Debug, Default)]
pub struct Course {
    seq: Option<u64>,
    said: HashSet<(String, u32)>,
    order: VecDeque<(String, u32)>,
    failures: u32,
    elsewhere: bool,
}

/// What an open stream is to its listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The first one.
    First,
    /// The same server again.
    Again,
    /// A server with another journal; said once.
    Elsewhere,
}

impl Course {
    /// After which sequence the stream is asked for; none: from now on.
    #[must_use]
    pub fn from(&self) -> Option<u64> {
        self.seq
    }

    /// The stream is open.
    pub fn hello(&mut self, seq: u64) -> Opened {
        self.failures = 0;
        let first = self.seq.is_none();
        self.seq = Some(self.seq.unwrap_or(seq));
        match (std::mem::take(&mut self.elsewhere), first) {
            (true, _) => Opened::Elsewhere,
            (false, true) => Opened::First,
            (false, false) => Opened::Again,
        }
    }

    /// Whether an event is new.
    pub fn event(&mut self, seq: u64) -> bool {
        let new = self.seq.is_none_or(|seen| seq > seen);
        if new {
            self.seq = Some(seq);
        }
        new
    }

    /// Whether a message is new: a delivery that is attempted again is not.
    pub fn message(&mut self, delivery: &str, revision: u32) -> bool {
        let key = (delivery.to_owned(), revision);
        if !self.said.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.said.remove(&oldest);
        }
        true
    }

    /// The stream broke, or could not be opened; how long to wait now.
    pub fn lost(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// The server does not know where we were: its journal is another one.
    pub fn forget(&mut self) {
        *self = Self { failures: self.failures, elsewhere: true, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_from_where_it_was_and_nothing_is_shown_twice() {
        let mut course = Course::default();
        assert_eq!(course.from(), None);
        assert_eq!(course.hello(10), Opened::First);
        assert_eq!([11, 12, 12, 11, 13].map(|seq| course.event(seq)), [true, true, false, false, true]);
        course.lost();
        assert_eq!(course.from(), Some(13));
        assert_eq!(course.hello(13), Opened::Again);
        assert_eq!([13, 14].map(|seq| course.event(seq)), [false, true]);
    }

    #[test]
    fn what_happened_before_the_first_event_is_not_missed() {
        let mut course = Course::default();
        course.hello(10);
        course.lost();
        assert_eq!(course.from(), Some(10));
    }

    #[test]
    fn a_message_is_shown_once_and_each_revision_of_a_card() {
        let mut course = Course::default();
        let shown = [("D-1", 0), ("D-1", 0), ("D-1", 1), ("D-2", 0)].map(|(id, rev)| course.message(id, rev));
        assert_eq!(shown, [true, false, true, true]);
        for number in 0..3 * REMEMBERED {
            course.message(&format!("X-{number}"), 0);
        }
        assert_eq!((course.said.len(), course.order.len()), (REMEMBERED, REMEMBERED));
    }

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew_after_a_connection() {
        let mut course = Course::default();
        let waits: Vec<u128> = (0..8).map(|_| course.lost().as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
        course.hello(1);
        assert_eq!(course.lost(), FIRST);
        course.failures = u32::MAX;
        assert_eq!(course.lost(), LONGEST);
    }

    #[test]
    fn another_journal_begins_anew() {
        let mut course = Course::default();
        course.hello(100);
        course.message("D-1", 0);
        course.forget();
        assert_eq!(course.from(), None);
        assert_eq!(course.hello(3), Opened::Elsewhere);
        assert!(course.event(4) && course.message("D-1", 0));
        // A later break of that connection is nothing but a break.
        course.lost();
        assert_eq!(course.hello(4), Opened::Again);
    }
}
