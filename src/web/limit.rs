//! How much one integration may send: so many messages a minute, with a minute's worth at once. Never waits.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// In nanoseconds.
const MINUTE: u64 = 60_000_000_000;

/// A bound on messages a minute, as the generic cell rate algorithm (ITU-T I.371) keeps it in one number.
#[derive(Debug)]
pub struct Limit {
    start: Instant,
    /// Nanoseconds between two messages.
    every: u64,
    /// When the next message would come if all came evenly: nanoseconds after `start`.
    due: AtomicU64,
}

impl Limit {
    /// So many messages a minute.
    #[must_use]
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self { start: Instant::now(), every: MINUTE / u64::from(per_minute.get()), due: AtomicU64::new(0) }
    }

    /// Counts one more message.
    ///
    /// # Errors
    /// It is beyond the bound; the next is within it after this time.
    pub fn take(&self) -> Result<(), Duration> {
        self.take_at(u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> Result<(), Duration> {
        let after = |due: u64| due.max(now).saturating_add(self.every);
        let most = now.saturating_add(MINUTE);
        let next = |due: u64| Some(after(due)).filter(|next| *next <= most);
        let taken = self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.map(|_| ()).map_err(|due| Duration::from_nanos(after(due).saturating_sub(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_number_of_messages_and_no_more() {
        let limit = Limit::new(NonZeroU32::new(10).unwrap());
        let taken = |now| (0..100).filter(|_| limit.take_at(now).is_ok()).count();
        assert_eq!(taken(0), 10);
        assert_eq!(limit.take_at(0), Err(Duration::from_secs(6)));
        assert_eq!(taken(MINUTE / 2), 5);
        assert_eq!(taken(10 * MINUTE), 10);
    }
}
