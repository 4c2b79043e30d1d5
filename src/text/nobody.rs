//! Why a step of a policy reached nobody. Never blames: it says what is missing in the configuration.

use super::plain::{NAME, plain};
use crate::domain::event::{Nobody, NobodyBecause};

fn name(what: impl std::fmt::Display) -> String {
    plain(&what.to_string(), NAME)
}

/// Why a target of a step meant nobody.
#[must_use]
pub fn nobody(missed: &Nobody) -> String {
    match &missed.why {
        NobodyBecause::Empty => format!("{}: nobody is on call", name(&missed.target)),
        NobodyBecause::NoContact(person) => {
            format!("{}: {} has no contact for pages", name(&missed.target), name(person))
        }
    }
}
