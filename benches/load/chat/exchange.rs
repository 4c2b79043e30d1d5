//! What was said to a bot and when it answered, as a fake sees it: the instant before a frame is written, and the
//! instant when an answer has been read. Never waits without a deadline.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::UnboundedSender;

/// What is known of one thing that was said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Course {
    pub sent: Option<Instant>,
    pub acknowledged: Option<Instant>,
    pub answered: Option<Instant>,
}

impl Course {
    /// From sent to acknowledged.
    pub fn acknowledgement(&self) -> Option<Duration> {
        Some(self.acknowledged?.duration_since(self.sent?))
    }

    /// From sent to answered.
    pub fn answer(&self) -> Option<Duration> {
        Some(self.answered?.duration_since(self.sent?))
    }
}

/// A frame for the socket, with the id of what it says.
pub struct Frame {
    pub id: String,
    pub text: String,
}

#[derive(Default)]
struct Known {
    line: Option<UnboundedSender<Frame>>,
    courses: HashMap<String, Course>,
    /// What was last said in a room.
    last: HashMap<String, String>,
    calls: usize,
}

/// Shared by a fake and by whoever measures.
#[derive(Default)]
pub struct Exchange {
    known: Mutex<Known>,
    news: Condvar,
}

impl Exchange {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bot is connected: what is said goes here from now on.
    pub fn connected(&self, line: UnboundedSender<Frame>) {
        self.known().line = Some(line);
        self.news.notify_all();
    }

    /// Says something; its time counts from when the socket's task writes it.
    pub fn say(&self, id: &str, room: &str, text: String) -> Result<(), String> {
        let mut known = self.known();
        known.courses.insert(id.to_owned(), Course::default());
        known.last.insert(room.to_owned(), id.to_owned());
        let frame = Frame { id: id.to_owned(), text };
        let line = known.line.as_ref().ok_or("nobody is connected")?;
        line.send(frame).map_err(|_| "the bot is not connected any more".to_owned())
    }

    /// A frame is about to be written.
    pub fn sends(&self, id: &str) {
        if let Some(course) = self.known().courses.get_mut(id) {
            course.sent = Some(Instant::now());
        }
    }

    /// It was acknowledged at this instant.
    pub fn acknowledged(&self, id: &str, at: Instant) {
        if let Some(course) = self.known().courses.get_mut(id) {
            course.acknowledged.get_or_insert(at);
        }
        self.news.notify_all();
    }

    /// It was answered at this instant.
    pub fn answered(&self, id: &str, at: Instant) {
        if let Some(course) = self.known().courses.get_mut(id) {
            course.answered.get_or_insert(at);
        }
        self.news.notify_all();
    }

    /// Something was said in a room: it answers what was said there last.
    pub fn answered_in(&self, room: &str, at: Instant) {
        let id = self.known().last.get(room).cloned();
        if let Some(id) = id {
            self.answered(&id, at);
        }
    }

    /// One more request of the bot.
    pub fn called(&self) {
        self.known().calls += 1;
    }

    /// Requests so far.
    pub fn calls(&self) -> usize {
        self.known().calls
    }

    /// Waits until a bot is connected.
    pub fn wait_connected(&self, within: Duration) -> bool {
        self.wait(within, |known| known.line.as_ref().filter(|line| !line.is_closed()).map(|_| ())).is_some()
    }

    /// Waits until something has been answered.
    pub fn wait_answered(&self, id: &str, within: Duration) -> Option<Course> {
        self.wait(within, |known| known.courses.get(id).filter(|course| course.answered.is_some()).copied())
    }

    /// Waits until everything that was said is acknowledged and answered; then, or at the deadline, all of it.
    pub fn courses(&self, within: Duration) -> Vec<Course> {
        let done = |course: &Course| course.acknowledged.is_some() && course.answered.is_some();
        self.wait(within, |known| known.courses.values().all(done).then_some(()));
        self.known().courses.values().copied().collect()
    }

    fn wait<T>(&self, within: Duration, look: impl Fn(&Known) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + within;
        let mut known = self.known();
        loop {
            if let Some(found) = look(&known) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            known = self.news.wait_timeout(known, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
