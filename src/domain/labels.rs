//! Labels and annotations: sorted name–value pairs packed into one buffer, because a hundred thousand
//! active alerts must fit into little memory. Never interprets what the values say.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

/// Name–value pairs, sorted by name, each name once (the last value wins).
///
/// Serialised as a JSON object. Values are arbitrary text from outside: whoever shows them escapes them. A clone
/// shares the text: events, state and snapshots hold the same labels.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Option<Arc<Packed>>);

/// At least one pair.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Packed {
    text: Box<str>,
    /// End offsets: name, value, name, value, …
    ends: Box<[u32]>,
}

impl Labels {
    /// The value of the label called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        // Few labels: a scan beats a search.
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// All pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let (text, ends) = self.0.as_deref().map_or(("", &[][..]), |packed| (&*packed.text, &*packed.ends));
        let mut start = 0;
        ends.chunks_exact(2).map(move |pair| {
            let [name_end, value_end] = [pair[0] as usize, pair[1] as usize];
            let name = &text[start..name_end];
            let value = &text[name_end..value_end];
            start = value_end;
            (name, value)
        })
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |packed| packed.ends.len() / 2)
    }

    /// Bytes that the pairs take in memory, about.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(0, |packed| packed.text.len() + size_of_val(&*packed.ends))
    }

    /// Whether there is no pair at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The same pairs with only the names that `keep` accepts.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        self.iter().filter(|(name, _)| keep(name)).collect()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// Collects pairs in any order.
    ///
    /// # Panics
    /// When names and values together exceed 4 GiB; what comes from outside is limited long before.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().collect();
        pairs.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let mut text =
            String::with_capacity(pairs.iter().map(|(n, v)| n.as_ref().len() + v.as_ref().len()).sum());
        let mut ends = Vec::with_capacity(pairs.len() * 2);
        // cannot fail: a body from outside is limited to megabytes before it gets here
        let offset = |text: &String| u32::try_from(text.len()).expect("labels below 4 GiB");
        for (index, (name, value)) in pairs.iter().enumerate() {
            // Sorting is stable: of equal names the last one written is the last one here.
            if pairs.get(index + 1).is_some_and(|next| next.0.as_ref() == name.as_ref()) {
                continue;
            }
            text.push_str(name.as_ref());
            ends.push(offset(&text));
            text.push_str(value.as_ref());
            ends.push(offset(&text));
        }
        Self((!ends.is_empty()).then(|| Arc::new(Packed { text: text.into(), ends: ends.into() })))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

impl fmt::Display for Labels {
    /// Alertmanager's notation: `{alertname="X", service="qflow"}`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                out.write_str(", ")?;
            }
            write!(out, "{name}={value:?}")?;
        }
        out.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> de::Visitor<'de> for Pairs {
            type Value = Labels;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object whose values are strings")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut pairs: Vec<(Text<'de>, Text<'de>)> = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A string borrowed from the input where that is possible.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_value_of_a_repeated_name_wins_and_order_does_not_matter() {
        let labels: Labels = [("b", "1"), ("a", "2"), ("b", "3")].into_iter().collect();
        assert_eq!(labels.to_string(), r#"{a="2", b="3"}"#);
        assert_eq!(labels.get("b"), Some("3"));
        assert_eq!(labels.get("c"), None);
    }

    proptest! {
        #[test]
        fn any_pairs_survive_json(pairs in proptest::collection::btree_map(".*", ".*", 0..12)) {
            let labels: Labels = pairs.iter().collect();
            let json = serde_json::to_string(&labels).unwrap();
            prop_assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels.clone());
            let back: std::collections::BTreeMap<_, _> =
                labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(back, pairs);
        }
    }
}
