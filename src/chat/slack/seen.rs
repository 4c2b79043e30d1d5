//! The last things that were heard and said, by their ids and keys, so that what comes twice is done once. Never grows.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
};

use crate::chat::port::MessageRef;

/// Messages whose keys are remembered.
const SENT: usize = 1_000;

/// The last `limit` keys.
#[derive(Debug)]
pub(super) struct Seen<K> {
    limit: usize,
    order: VecDeque<K>,
    keys: HashSet<K>,
}

impl<K: Hash + Eq + Clone> Seen<K> {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, order: VecDeque::new(), keys: HashSet::new() }
    }

    /// Whether it was there already.
    pub(super) fn has(&self, key: &K) -> bool {
        self.keys.contains(key)
    }

    /// Forgets it.
    fn remove(&mut self, key: &K) {
        self.keys.remove(key);
        self.order.retain(|known| known != key);
    }

    /// Remembers it; true when it is new.
    pub(super) fn add(&mut self, key: K) -> bool {
        if !self.keys.insert(key.clone()) {
            return false;
        }
        if self.order.len() == self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        self.order.push_back(key);
        true
    }
}

/// What was said under which key, so that the same is not said twice; and which attempts had no answer.
#[derive(Debug)]
pub(super) struct Sent {
    keys: Seen<String>,
    messages: HashMap<String, MessageRef>,
    doubtful: Seen<String>,
}

impl Default for Sent {
    fn default() -> Self {
        Self { keys: Seen::new(SENT), messages: HashMap::new(), doubtful: Seen::new(SENT) }
    }
}

impl Sent {
    /// The message of this key.
    pub(super) fn get(&self, key: &str) -> Option<&MessageRef> {
        self.messages.get(key)
    }

    /// It was said.
    pub(super) fn add(&mut self, key: &str, message: &MessageRef) {
        if self.keys.add(key.to_owned()) {
            self.messages.insert(key.to_owned(), message.clone());
            let keys = &self.keys;
            if self.messages.len() > SENT {
                self.messages.retain(|key, _| keys.has(key));
            }
        }
    }

    /// It is about to be said: until Slack answers, nobody knows whether it was.
    pub(super) fn doubt(&mut self, key: &str) {
        self.doubtful.add(key.to_owned());
    }

    /// Slack answered, so it is known again.
    pub(super) fn settle(&mut self, key: &str) {
        self.doubtful.remove(&key.to_owned());
    }

    /// Whether an attempt had no good answer.
    pub(super) fn is_doubtful(&self, key: &str) -> bool {
        self.doubtful.has(&key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_and_no_more() {
        let mut seen = Seen::new(3);
        let new: Vec<bool> = ["a", "b", "a", "c", "d", "a", "d"].map(|key| seen.add(key)).to_vec();
        assert_eq!(new, [true, true, false, true, true, true, false]);
        assert!(seen.has(&"c") && !seen.has(&"b"));
    }
}
