//! Small sorted sets, most of which are empty or hold one thing: a hundred thousand groups with eight of them each must fit
//! into little memory. Never for what is added in the middle of thousands: everything behind it moves.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

/// A set in the order of its members. Eight bytes while it is empty, and read like a slice.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Few<T>(ThinVec<T>);

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self).finish()
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(ThinVec::new())
    }
}

impl<T: Ord> Few<T> {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is a member.
    #[must_use]
    pub fn contains(&self, member: &T) -> bool {
        self.0.binary_search(member).is_ok()
    }

    /// One more; whether it is new.
    pub fn insert(&mut self, member: T) -> bool {
        let Err(at) = self.0.binary_search(&member) else { return false };
        if self.0.is_empty() {
            // Most of them never get a second one.
            self.0.reserve_exact(1);
        }
        self.0.insert(at, member);
        true
    }

    /// One less; whether it was there.
    pub fn remove(&mut self, member: &T) -> bool {
        let Ok(at) = self.0.binary_search(member) else { return false };
        self.0.remove(at);
        if self.0.is_empty() {
            self.clear();
        }
        true
    }

    /// None any more.
    pub fn clear(&mut self) {
        self.0 = ThinVec::new();
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Ord> Extend<T> for Few<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        for member in more {
            self.insert(member);
        }
    }
}

impl<T: Ord> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        let mut few = Self::default();
        few.extend(members);
        few
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = thin_vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), 0_u8..20), 0..60)) {
            let (mut few, mut set) = (Few::new(), BTreeSet::new());
            for (adds, member) in steps {
                if adds {
                    prop_assert_eq!(few.insert(member), set.insert(member));
                } else {
                    prop_assert_eq!(few.remove(&member), set.remove(&member));
                }
                prop_assert!(few.iter().eq(set.iter()), "{few:?} {set:?}");
                prop_assert_eq!(few.contains(&member), adds);
            }
            let said = serde_json::to_string(&few).unwrap();
            prop_assert_eq!(&said, &serde_json::to_string(&set).unwrap());
            prop_assert_eq!(serde_json::from_str::<Few<u8>>(&said).unwrap(), few);
        }
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Few<String>>(), size_of::<usize>());
    }
}
