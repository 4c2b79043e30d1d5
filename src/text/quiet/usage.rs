//! What is said when a silence is not described well enough. Nothing was changed then.

use crate::{
    domain::id::GroupId,
    text::{card::Card, refusal::no},
};

const EXAMPLE: &str =
    "Nothing was changed. Example: /silence add service=qflow --for 2h --comment the disk is being replaced";

/// Nobody said how long.
#[must_use]
pub fn how_long() -> Card {
    no("Say for how long: --for 2h, or --until 18:00.".to_owned(), EXAMPLE)
}

/// Two ends.
#[must_use]
pub fn both() -> Card {
    no("--for and --until both say when it ends: write one of them.".to_owned(), EXAMPLE)
}

/// Two descriptions.
#[must_use]
pub fn both_wheres() -> Card {
    no("Conditions and --group both say what is meant: write one of them.".to_owned(), EXAMPLE)
}

/// Nobody said why.
#[must_use]
pub fn comment() -> Card {
    no("Say why: --comment, for whoever wonders later.".to_owned(), EXAMPLE)
}

/// The group has no labels that tell it from others.
#[must_use]
pub fn no_labels(group: GroupId) -> Card {
    no(format!("{group} has no labels of its own: write the conditions."), EXAMPLE)
}

/// The comment of a silence that was made by a button.
#[must_use]
pub fn from_card(group: GroupId) -> String {
    format!("from the card of {group}")
}
