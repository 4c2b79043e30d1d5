//! How much one integration may send: so many messages a second, with a second's worth at once. Never waits.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

const SECOND: u64 = 1_000_000_000;

/// A bound on messages a second, as the generic cell rate algorithm (ITU-T I.371) keeps it in one number.
#[derive(Debug)]
pub struct Limit {
    start: Instant,
    /// Nanoseconds between two messages.
    every: u64,
    /// When the next message would come if all came evenly: nanoseconds after `start`.
    due: AtomicU64,
}

impl Limit {
    /// So many messages a second.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        Self { start: Instant::now(), every: SECOND / u64::from(per_second.get()), due: AtomicU64::new(0) }
    }

    /// Whether one more message is within the bound; it counts then.
    pub fn take(&self) -> bool {
        self.take_at(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> bool {
        let next = |due: u64| {
            let begin = due.max(now);
            (begin.saturating_add(self.every) <= now.saturating_add(SECOND))
                .then(|| begin.saturating_add(self.every))
        };
        self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_number_of_messages_and_no_more() {
        let limit = Limit::new(NonZeroU32::new(10).unwrap());
        let taken = |now| (0..100).filter(|_| limit.take_at(now)).count();
        assert_eq!(taken(0), 10);
        assert_eq!(taken(SECOND / 2), 5);
        assert_eq!(taken(10 * SECOND), 10);
    }
}
