//! What looks after the house, as commands see it: reads the configuration anew, looks whether all is well. Never knows
//! how that is done: whoever wires the parts together does it.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock, Weak},
};

use crate::{
    domain::{
        event::{Actor, TraceId},
        reload::Change,
    },
    engine::Rejected,
};

/// What comes of it, later.
pub type Caring<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Looks after the house.
pub trait Caretaker: Send + Sync {
    /// Reads configuration and runbooks anew and puts them into force, or changes nothing.
    fn reload(&self, by: Actor, trace: TraceId) -> Caring<'_, Result<Reloaded, NotReloaded>>;
    /// Looks whether all is well. Changes nothing, and tells nobody.
    fn examine(&self) -> Caring<'_, Vec<Found>>;
}

/// A configuration that came into force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Hex SHA-256 over its files.
    pub digest: String,
    /// What is not as it was before.
    pub changes: Vec<Change>,
    /// Settings that say something else, which the next start takes over: `[server] listen`.
    pub at_restart: Vec<String>,
    /// What probably does not do what was meant, with its place.
    pub warnings: Vec<String>,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReloaded {
    /// It has mistakes: each with its place, as `watchbell check` says them, and how many there are.
    Mistakes {
        /// All of them.
        text: String,
        /// `2 mistakes, 1 warning`.
        summary: String,
    },
    /// It is right, and cannot come into force while the process runs.
    Impossible(String),
    /// There is nothing to read anew.
    NothingToRead,
    /// The engine did not take it.
    NotTaken(Rejected),
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What, with its part: `Slack, #ops`.
    pub what: String,
    /// How it is; or what is wrong.
    pub good: Result<String, String>,
    /// What mends it.
    pub remedy: Option<String>,
}

/// The caretaker, once there is one: commands are there before it is.
#[derive(Clone, Default)]
pub struct Care(Arc<OnceLock<Weak<dyn Caretaker>>>);

impl Care {
    /// From now on it is this one; the first one stays.
    pub fn begin(&self, caretaker: &Arc<dyn Caretaker>) {
        drop(self.0.set(Arc::downgrade(caretaker)));
    }

    /// Whoever looks after the house now.
    #[must_use]
    pub fn taker(&self) -> Option<Arc<dyn Caretaker>> {
        self.0.get().and_then(Weak::upgrade)
    }
}
