//! The engine's clock: the only place that reads the time. Engine time runs with the monotonic clock and never
//! goes back; civil time is the wall clock. Never guesses: a step of the wall clock is reported, not absorbed.

use std::{fmt, time::Instant};

use jiff::{SignedDuration, Timestamp};

use crate::domain::intent::Now;

/// A wall clock that moves by more than this between two looks was stepped.
const STEP: SignedDuration = SignedDuration::from_secs(1);

/// Tells the time.
pub trait Clock: Send {
    /// The instant, and by how much the wall clock was stepped since the last look.
    fn now(&mut self) -> (Now, Option<SignedDuration>);
}

/// The time of this machine.
pub struct SystemClock {
    /// Engine time at `started`.
    base: Timestamp,
    started: Instant,
    /// Engine time minus civil time.
    skew: SignedDuration,
    /// The wall clock.
    wall: Wall,
}

/// Reads a wall clock.
type Wall = Box<dyn FnMut() -> Timestamp + Send>;

impl fmt::Debug for SystemClock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SystemClock")
            .field("base", &self.base)
            .field("skew", &self.skew)
            .finish_non_exhaustive()
    }
}

impl SystemClock {
    /// A clock that goes on where a journal ended: at its last engine time, plus the time that has passed since
    /// its last civil time. A wall clock that was moved back meanwhile does not take engine time back.
    #[must_use]
    pub fn after(last: Option<Now>) -> Self {
        Self::with_wall(last, Box::new(wall))
    }

    /// A clock of a demonstration: its wall clock shows `at` now, and goes on from there.
    #[must_use]
    pub fn beginning(at: Timestamp) -> Self {
        let ahead = at.duration_since(wall());
        Self::with_wall(None, Box::new(move || wall().saturating_add(ahead).unwrap_or(at)))
    }

    fn with_wall(last: Option<Now>, mut wall: Wall) -> Self {
        let civil = millis(wall());
        let base = last.map_or(civil, |last| {
            let passed = civil.duration_since(last.civil).max(SignedDuration::ZERO);
            last.engine.saturating_add(passed).unwrap_or(last.engine)
        });
        Self { base, started: Instant::now(), skew: base.duration_since(civil), wall }
    }
}

impl Clock for SystemClock {
    fn now(&mut self) -> (Now, Option<SignedDuration>) {
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        let engine = millis(self.base.saturating_add(passed).unwrap_or(Timestamp::MAX));
        let expected = engine.saturating_sub(self.skew).unwrap_or(engine);
        let step = millis((self.wall)()).duration_since(expected);
        if step.abs() <= STEP {
            return (Now { engine, civil: expected }, None);
        }
        self.skew -= step;
        let civil = engine.saturating_sub(self.skew).unwrap_or(engine);
        (Now { engine, civil }, Some(step))
    }
}

/// The wall clock of this machine, for whoever checks another one's signatures.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
pub fn wall() -> Timestamp {
    Timestamp::now()
}

/// Milliseconds are what people read and what timers need.
fn millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_step_of_the_wall_clock_is_told_once_and_moves_civil_time_only() {
        let start: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let shown = Arc::new(Mutex::new(start));
        let wall = Arc::clone(&shown);
        let mut clock = SystemClock::with_wall(None, Box::new(move || *wall.lock().unwrap()));
        assert_eq!(clock.now().1, None);
        for by in [SignedDuration::from_hours(1), -SignedDuration::from_hours(3)] {
            *shown.lock().unwrap() += by;
            let before = clock.base;
            let (now, step) = clock.now();
            let error = step.unwrap() - by;
            // The test itself takes some time.
            assert!(error.abs() < SignedDuration::from_mins(1), "{error:?}");
            assert!(now.engine >= before && now.engine < start + SignedDuration::from_mins(1));
            assert!(now.civil.duration_since(*shown.lock().unwrap()).abs() < SignedDuration::from_mins(1));
            assert_eq!(clock.now().1, None, "it is told once");
        }
    }

    #[test]
    fn engine_time_goes_on_where_the_journal_ended() {
        let now = millis(wall());
        let hour = SignedDuration::from_hours(1);
        // The wall clock was moved back by an hour while the process was down.
        let mut clock = SystemClock::after(Some(Now { engine: now + hour, civil: now + hour }));
        let (seen, step) = clock.now();
        assert_eq!(step, None);
        assert!(seen.engine >= now + hour, "engine time never goes back");
        assert!(seen.civil < now + hour, "people read the wall clock");
        // It was down for an hour: waits went on.
        let mut clock = SystemClock::after(Some(Now { engine: now - hour, civil: now - hour }));
        assert!(clock.now().0.engine >= now);
    }
}
