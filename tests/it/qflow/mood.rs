//! How a fake feels: well, slow, gone, or saying that it is well while it is not. Never waits without an end.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::peer::server::{HANGS_UP, Reply};

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Not until it feels otherwise.
    Slow,
    /// The connection is closed without a word.
    Down,
    /// The words of health with status 500.
    Lies,
}

/// A mood that a test changes; clones are the same one.
#[derive(Clone)]
pub struct Feels(Arc<(Mutex<Mood>, Condvar)>);

impl Feels {
    pub fn well() -> Self {
        Self(Arc::new((Mutex::new(Mood::Well), Condvar::new())))
    }

    pub fn set(&self, mood: Mood) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = mood;
        self.0.1.notify_all();
    }

    /// What becomes of an answer in this mood.
    pub fn colour(&self, reply: Reply) -> Reply {
        let (mood, changed) = &*self.0;
        let now = mood.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(now, Duration::from_mins(1), |mood| *mood == Mood::Slow);
        let now = *waited.unwrap_or_else(PoisonError::into_inner).0;
        match now {
            Mood::Well => reply,
            Mood::Slow | Mood::Down => (HANGS_UP, String::new()),
            Mood::Lies => (500, reply.1),
        }
    }
}
