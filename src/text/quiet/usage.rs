//! What is said when a silence is not described well enough. Nothing was changed then.

use crate::{
    domain::{id::GroupId, quiet::SilenceKind},
    text::{card::Card, refusal::no},
};

fn example(kind: SilenceKind) -> &'static str {
    match kind {
        SilenceKind::Silence => {
            "Nothing was changed. Example: /silence add service=qflow --for 2h --comment the disk is being replaced"
        }
        SilenceKind::Maintenance => {
            "Nothing was changed. Example: /maintenance start service=qflow --for 2h --comment new disks"
        }
    }
}

/// Nobody said how long.
#[must_use]
pub fn how_long(kind: SilenceKind) -> Card {
    no("Say for how long: --for 2h, or --until 18:00.".to_owned(), example(kind))
}

/// Two ends.
#[must_use]
pub fn both(kind: SilenceKind) -> Card {
    no("--for and --until both say when it ends: write one of them.".to_owned(), example(kind))
}

/// Two descriptions.
#[must_use]
pub fn both_wheres(kind: SilenceKind) -> Card {
    no("Conditions and --group both say what is meant: write one of them.".to_owned(), example(kind))
}

/// Nobody said why.
#[must_use]
pub fn comment(kind: SilenceKind) -> Card {
    no("Say why: --comment, for whoever wonders later.".to_owned(), example(kind))
}

/// The group has no labels that tell it from others.
#[must_use]
pub fn no_labels(group: GroupId, kind: SilenceKind) -> Card {
    no(format!("{group} has no labels of its own: write the conditions."), example(kind))
}

/// The comment of a silence that was made by a button.
#[must_use]
pub fn from_card(group: GroupId) -> String {
    format!("from the card of {group}")
}
