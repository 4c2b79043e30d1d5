//! What a changed configuration changes: names that came, went or say something else now. Never holds an address or a
//! secret, and never more names than people read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::Config;

/// So many names of a kind are kept of those that came, of those that went and of those that changed.
pub const NAMED: usize = 20;

/// A kind of thing that a configuration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Somebody who can be paged.
    Person,
    /// People who work together.
    Team,
    /// Who is on call when.
    Schedule,
    /// An escalation policy.
    Policy,
    /// How bad something is.
    Severity,
    /// A source of alerts.
    Integration,
    /// Which alerts go where.
    Route,
    /// What is spoken with: a token of the API, by whose it is.
    Token,
    /// A runbook, by its command.
    Runbook,
    /// What runbooks talk to.
    Environment,
    /// Work that comes again, by its comment and its times.
    Maintenance,
}

/// What became of the things of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The kind.
    pub part: Part,
    /// Names that came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Names that went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Names that say something else now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// How many more names there are, of all three.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The things of one kind by name, with something that is another when they say something else.
pub type Things = BTreeMap<String, String>;

impl Change {
    /// What became of these; none when they are as they were.
    #[must_use]
    pub fn between(part: Part, before: &Things, after: &Things) -> Option<Self> {
        let mut change = Self { part, added: Vec::new(), removed: Vec::new(), changed: Vec::new(), more: 0 };
        for (name, says) in after {
            match before.get(name) {
                None => change.added.push(name.clone()),
                Some(said) if said != says => change.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        change.removed.extend(before.keys().filter(|name| !after.contains_key(*name)).cloned());
        if change.added.is_empty() && change.removed.is_empty() && change.changed.is_empty() {
            return None;
        }
        for names in [&mut change.added, &mut change.removed, &mut change.changed] {
            let more = names.len().saturating_sub(NAMED);
            change.more += u64::try_from(more).unwrap_or(u64::MAX);
            names.truncate(NAMED);
        }
        Some(change)
    }
}

/// The things of a configuration, kind by kind. What decisions depend on is all of what they say.
#[must_use]
pub fn things(config: &Config) -> BTreeMap<Part, Things> {
    fn of<K: ToString, V: std::fmt::Debug>(all: &BTreeMap<K, V>) -> Things {
        all.iter().map(|(id, one)| (id.to_string(), format!("{one:?}"))).collect()
    }
    let routes = config.routes.iter().enumerate();
    // The order of routes decides: one that moved says something else.
    let mut routes: Things =
        routes.map(|(at, route)| (route.id.to_string(), format!("{at} {route:?}"))).collect();
    routes.insert("unrouted".to_owned(), format!("{:?}", config.unrouted));
    let maintenance = config.maintenance.iter().map(|one| (one.name.clone(), format!("{one:?}"))).collect();
    BTreeMap::from([
        (Part::Person, of(&config.people)),
        (Part::Team, of(&config.teams)),
        (Part::Schedule, of(&config.schedules)),
        (Part::Policy, of(&config.policies)),
        (Part::Severity, of(&config.severities)),
        (Part::Integration, of(&config.integrations)),
        (Part::Route, routes),
        (Part::Maintenance, maintenance),
    ])
}

/// What became of all of them.
#[must_use]
pub fn changes(before: &BTreeMap<Part, Things>, after: &BTreeMap<Part, Things>) -> Vec<Change> {
    let nothing = Things::new();
    let parts: std::collections::BTreeSet<Part> = before.keys().chain(after.keys()).copied().collect();
    parts
        .into_iter()
        .filter_map(|part| {
            let of = |all: &BTreeMap<Part, Things>| all.get(&part).unwrap_or(&nothing).clone();
            Change::between(part, &of(before), &of(after))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things_of(pairs: &[(&str, &str)]) -> Things {
        pairs.iter().map(|(name, says)| ((*name).to_owned(), (*says).to_owned())).collect()
    }

    #[test]
    fn what_came_went_and_changed_is_named_and_the_rest_is_not() {
        let before = things_of(&[("ana", "1"), ("ben", "1"), ("chi", "1")]);
        let after = things_of(&[("ana", "1"), ("ben", "2"), ("dev", "1")]);
        let change = Change::between(Part::Person, &before, &after).unwrap();
        assert_eq!((change.added, change.removed), (vec!["dev".to_owned()], vec!["chi".to_owned()]));
        assert_eq!((change.changed, change.more), (vec!["ben".to_owned()], 0));
        assert_eq!(Change::between(Part::Person, &before, &before), None);
    }

    #[test]
    fn of_a_thousand_names_a_few_are_kept_and_the_others_counted() {
        let many: Things = (0..1_000).map(|n| (format!("p{n:04}"), String::new())).collect();
        let change = Change::between(Part::Person, &Things::new(), &many).unwrap();
        assert_eq!((change.added.len(), change.more), (NAMED, 980));
    }
}
