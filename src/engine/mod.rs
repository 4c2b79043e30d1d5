//! The engine: the only writer. It takes every intent that waits, decides them one after the other, appends
//! their events with one sync, then answers. Never does I/O other than the journal's; effects leave by the outbox.
//!
//! `core` is the machine without threads (tests drive it with a virtual clock); `mailbox` and `run` put it
//! on a thread of its own; `outbox` hands deliveries to couriers, and `ways` knows which of their ways are disturbed; `clock`
//! is the only place that reads the time.

pub mod clock;
pub mod core;
mod mailbox;
pub mod outbox;
pub mod run;
mod saved;
mod tally;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod upkeep;
pub mod ways;

pub use mailbox::{Coming, Engine};

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::domain::{
    config::Config,
    delivery::{Channel, Outcome},
    event::Event,
    facts::Dispatch,
    id::Seq,
    intent::{Now, Refusal},
    state::State,
};

/// What was accepted, durably.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Everything up to here is on disk.
    pub seq: Seq,
    /// What followed from the intent itself; empty: nothing had to change.
    pub events: Vec<Event>,
    /// For a permit: what to send.
    pub dispatch: Option<Box<Dispatch>>,
    /// When it was decided (civil time).
    pub at: Timestamp,
}

/// Why an intent was not accepted. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// The rules say no.
    Refused(Refusal),
    /// The queue is full: come back.
    Busy {
        /// After this long.
        retry_after: Duration,
    },
    /// The engine has stopped (shutting down, or the journal failed). Whether the intent was kept is unknown.
    Stopped,
}

/// What a reader sees: the state as of everything that was answered before.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The state.
    pub state: &'a State,
    /// The configuration in force.
    pub config: &'a Arc<Config>,
    /// The instant.
    pub now: Now,
}

/// Brings messages of one channel to their address: a vendor's adapter.
///
/// Contract: it answers within its own timeout, leaks no secret or address in an outcome, and never panics.
pub trait Courier: Send + Sync {
    /// The channel that it serves.
    fn channel(&self) -> Channel;
    /// One attempt.
    fn deliver<'a>(
        &'a self,
        dispatch: &'a Dispatch,
    ) -> std::pin::Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
}
