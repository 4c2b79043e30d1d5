//! What is done to the journal itself: words that are erased, segments that are archived, damage that was found; and who
//! wanted what only admins may.
//! Never holds what was erased: digests without their salt tell nothing of the words.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    event::Actor,
    id::{PersonId, RunId, Seq},
    page::PageReason,
    prose::{self, Prose},
    state::State,
};

/// Something was done to the journal, or found in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpkeepEvent {
    /// Words of people were erased.
    Erased(Erased),
    /// Old segments were moved out of the data folder.
    Archived(Archived),
    /// Something that was written stands there no more as it was.
    Damaged(Damaged),
    /// What was damaged is whole again.
    Whole,
    /// Somebody wanted what only admins may, and was refused.
    Refused {
        /// The command or the call, without what it was told: `/watchbell reload`.
        what: String,
        /// Who.
        by: Actor,
    },
    /// They were refused more often than is written one by one.
    RefusedMore {
        /// Who.
        by: Actor,
        /// How many times more, within the minute that was over.
        count: u64,
    },
}

/// Refusals of one caller that are written one by one within [`A_WHILE`]; those beyond are counted.
pub const REFUSALS: u32 = 10;
/// For how long refusals are counted together, from the first one on (engine time).
pub const A_WHILE: SignedDuration = SignedDuration::from_mins(1);

/// How often somebody was refused lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// When they are not counted together any more (engine time).
    pub until: Timestamp,
    /// How many were written.
    pub written: u32,
}

/// A refusal that was not written, because as many were as are within a minute: whoever counts says how many it were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Who was refused.
    pub by: Actor,
    /// When it is time to say how many (engine time).
    pub until: Timestamp,
}

/// Words of people were erased, from the journal and from the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Whose; none: whoever wrote that one event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whose: Option<PersonId>,
    /// Of which event alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Only what was written before (civil time).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
    /// How many texts of the journal.
    pub texts: u64,
    /// Digests of those that the state held.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub digests: BTreeSet<String>,
    /// Runs of which the output of a step is among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub outputs: BTreeSet<(RunId, u32)>,
    /// Who wanted it.
    pub by: Actor,
}

/// Old segments were moved out of the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The last event that is in the archive.
    pub through: Seq,
    /// How many segments went there this time.
    pub segments: u64,
    /// The folder, as it was named.
    pub to: String,
    /// Who wanted it.
    pub by: Actor,
}

/// A line of the journal is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Damaged {
    /// The segment's file, without its folder.
    pub file: String,
    /// Counted from 1; 0: all of it.
    pub line: u64,
    /// The event that should stand there.
    pub seq: Seq,
    /// What is wrong.
    pub why: String,
    /// Whether the disk refused it: what stands there is not known to be wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

/// What is wanted of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpkeepIntent {
    /// Words are about to be erased: this is decided before the first of them is overwritten. Whoever wants it has
    /// looked which of the digests the state holds ([`State::holds_words`]).
    Erase(Erased),
    /// Segments are in the archive, and about to be removed here.
    Archive(Archived),
    /// A damaged line was found. The admins are paged, once for each line.
    Damaged {
        /// Which.
        found: Damaged,
        /// What the admins read.
        reason: Prose,
    },
    /// A whole look found no damage.
    Whole,
    /// Somebody wanted what only admins may, and was refused.
    Refused {
        /// The command or the call.
        what: String,
        /// Who.
        by: Actor,
    },
    /// So many refusals of theirs were left out.
    RefusedMore {
        /// Who.
        by: Actor,
        /// How many.
        count: u64,
    },
}

impl State {
    /// Those of these digests whose words the state holds. Takes its time with a large state: not on the engine's thread.
    #[must_use]
    pub fn holds_words(&self, digests: &BTreeSet<String>) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        // The clone is shallow, and it is only looked at.
        self.clone().each_words(&mut |sha| {
            held.extend(digests.get(sha).cloned());
            false
        });
        held
    }

    /// Forgets words that were erased: the state is then what a replay of the overwritten journal gives.
    pub(super) fn forget_words(&mut self, erased: &Erased) {
        if !erased.digests.is_empty() {
            self.each_words(&mut |sha| erased.digests.contains(sha));
        }
        for (run, index) in &erased.outputs {
            for runs in [&mut self.runs, &mut self.ended_runs] {
                let Some(run) = runs.get_mut(run) else { continue };
                let step = Arc::make_mut(run).steps.iter_mut().find(|step| step.plan.index == *index);
                if let Some(step) = step.filter(|step| !step.excerpt.is_empty()) {
                    prose::ERASED.clone_into(&mut step.excerpt);
                }
            }
        }
    }

    /// Calls `doomed` with the digest of all words that the state holds, and erases those for which it says so. What
    /// machines send (alerts, groups, timers) holds none.
    fn each_words(&mut self, doomed: &mut dyn FnMut(&str) -> bool) {
        for incident in self.incidents.values_mut() {
            in_shared(incident, doomed);
        }
        for task in self.tasks.values_mut() {
            in_shared(task, doomed);
        }
        for silences in [&mut self.quiet.silences, &mut self.quiet.ended] {
            for silence in silences.values_mut() {
                in_shared(silence, doomed);
            }
        }
        // There may be very many, and only those that somebody asked for hold words.
        let asked = |reason: &PageReason| matches!(reason, PageReason::Asked(_));
        for page in self.pages.values_mut().filter(|page| asked(&page.reason)) {
            in_shared(page, doomed);
        }
        for page in self.closed_pages.values_mut().filter(|page| asked(&page.reason)) {
            in_thing(page, doomed);
        }
        for delivery in self.deliveries.values_mut().filter(|delivery| delivery.said.is_some()) {
            in_shared(delivery, doomed);
        }
        for runs in [&mut self.runs, &mut self.ended_runs] {
            for run in runs.values_mut() {
                in_shared(run, doomed);
            }
        }
    }
}

fn in_shared<T: Serialize + DeserializeOwned>(thing: &mut Arc<T>, doomed: &mut dyn FnMut(&str) -> bool) {
    if let Some(changed) = without(&**thing, doomed) {
        *thing = Arc::new(changed);
    }
}

fn in_thing<T: Serialize + DeserializeOwned>(thing: &mut T, doomed: &mut dyn FnMut(&str) -> bool) {
    if let Some(changed) = without(thing, doomed) {
        *thing = changed;
    }
}

/// The thing without doomed words; none: it has none. By way of JSON, so that a new field with words in it cannot be
/// forgotten here. Most things hold no such words: they are written once, looked through as text, and left alone.
fn without<T: Serialize + DeserializeOwned>(thing: &T, doomed: &mut dyn FnMut(&str) -> bool) -> Option<T> {
    let json = serde_json::to_string(thing).ok()?;
    let any = json.match_indices(SHA).any(|(at, mark)| {
        let begins = at + mark.len();
        json.get(begins..begins + DIGITS).is_some_and(&mut *doomed)
    });
    if !any {
        return None;
    }
    let mut value = serde_json::from_str(&json).ok()?;
    blank(&mut value, doomed);
    serde_json::from_value(value).ok()
}

/// Before the digest of words, in JSON: in a text of somebody its quotes would be escaped.
const SHA: &str = "\"sha\":\"";
/// Hex digits of a digest.
const DIGITS: usize = 64;

/// Blanks doomed words.
fn blank(value: &mut serde_json::Value, doomed: &mut dyn FnMut(&str) -> bool) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| blank(item, doomed)),
        serde_json::Value::Object(object) => {
            let words = text_of(object, "salt").is_some() && text_of(object, "text").is_some();
            match text_of(object, "sha").filter(|_| words) {
                Some(sha) if doomed(sha) => {
                    object.insert("salt".to_owned(), "0".repeat(32).into());
                    object.insert("text".to_owned(), String::new().into());
                }
                Some(_) => {}
                None => object.values_mut().for_each(|item| blank(item, doomed)),
            }
        }
        _ => {}
    }
}

fn text_of<'a>(object: &'a serde_json::Map<String, serde_json::Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

#[cfg(test)]
#[path = "upkeep_tests.rs"]
mod tests;
