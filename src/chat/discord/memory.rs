//! What the adapter keeps for a while: ids that it heard, forms that are being filled in, rooms by their names.
//! Bounded in every direction; never the only copy of anything that matters.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::wire;
use crate::chat::port::{Room, RoomId};

/// Ids that are remembered.
const IDS: usize = 1_000;
/// Rooms that are remembered.
const ROOMS: usize = 20_000;

/// The last ids.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Seen {
    /// Whether it is the first time that this id comes.
    pub(super) fn first(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }
}

/// The newest things by key, each for a while.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    things: HashMap<K, (V, Instant)>,
    order: VecDeque<K>,
    most: usize,
    lasts: Duration,
}

impl<K: Hash + Eq + Clone, V: Clone> Kept<K, V> {
    pub(super) fn new(most: usize, lasts: Duration) -> Self {
        Self { things: HashMap::new(), order: VecDeque::new(), most, lasts }
    }

    pub(super) fn put(&mut self, key: K, value: V, now: Instant) {
        if self.things.insert(key.clone(), (value, now + self.lasts)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.things.remove(&oldest);
            }
        }
    }

    /// What is kept, if it is not too old.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        self.things.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }

    pub(super) fn forget(&mut self, key: &K) {
        self.things.remove(key);
        self.order.retain(|kept| kept != key);
    }
}

/// A room as the gateway tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub name: String,
    pub kind: u64,
    pub guild: String,
}

impl Known {
    pub(super) fn is_thread(&self) -> bool {
        (10..=12).contains(&self.kind)
    }
}

/// The rooms of the guilds.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<String, Known>);

impl Rooms {
    /// Learns from a channel object.
    pub(super) fn learn(&mut self, channel: &Value, guild: &str) {
        let (id, name) = (wire::text(channel, "id"), wire::text(channel, "name"));
        if id.is_empty() || name.is_empty() || (self.0.len() >= ROOMS && !self.0.contains_key(&id)) {
            return;
        }
        let guild = wire::some(channel, "guild_id").unwrap_or_else(|| guild.to_owned());
        self.0.insert(id, Known { name, kind: wire::number(channel, "type"), guild });
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }

    pub(super) fn get(&self, id: &str) -> Option<&Known> {
        self.0.get(id)
    }

    /// A room as it is called; by its id when nothing else is known.
    pub(super) fn room(&self, id: &str, guild: &str) -> Room {
        let name = self.0.get(id).map_or(id, |known| &known.name);
        Room { id: RoomId(id.to_owned()), name: format!("#{name}"), url: Some(super::link(guild, id, None)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_thousand_ids_are_known() {
        let mut seen = Seen::default();
        assert!(seen.first("0") && !seen.first("0"));
        for number in 1..=1_000 {
            assert!(seen.first(&number.to_string()));
        }
        assert!(seen.first("0") && !seen.first("1000"));
        assert_eq!(seen.order.len(), IDS);
    }

    #[test]
    fn what_is_kept_grows_old_and_makes_place() {
        let (mut kept, now) = (Kept::new(2, Duration::from_mins(15)), Instant::now());
        kept.put("a", 1, now);
        assert_eq!(kept.get(&"a", now + Duration::from_secs(899)), Some(1));
        assert_eq!(kept.get(&"a", now + Duration::from_mins(15)), None);
        kept.put("b", 2, now);
        kept.put("c", 3, now);
        assert_eq!((kept.get(&"a", now), kept.get(&"c", now)), (None, Some(3)));
        kept.forget(&"c");
        assert_eq!(kept.get(&"c", now), None);
    }

    #[test]
    fn a_room_has_its_name_and_its_link() {
        let mut rooms = Rooms::default();
        rooms.learn(&json!({ "id": "6", "name": "ops", "type": 11 }), "5");
        assert!(rooms.get("6").is_some_and(Known::is_thread));
        assert_eq!(rooms.room("6", "5").name, "#ops");
        assert_eq!(rooms.room("7", "5").url.as_deref(), Some("https://discord.com/channels/5/7"));
    }
}
