//! Chat accounts that are tied to people by a one-time code. Never holds a code once it is given out, only its salted
//! digest; and never stands above the configuration, whose word about an account counts.

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    config::Config,
    delivery::Channel,
    event::Actor,
    id::{ContactName, PersonId},
    state::State,
};

/// How long a code can be used (engine time).
pub const CODE_LIVES: SignedDuration = SignedDuration::from_mins(10);
/// So many wrong codes an account may give within [`GUESS_WINDOW`].
pub const GUESSES: usize = 5;
/// See [`GUESSES`] (engine time).
pub const GUESS_WINDOW: SignedDuration = SignedDuration::from_mins(10);
/// Of so many accounts wrong codes are counted at once; beyond them nobody may guess.
pub(super) const GUESSERS: usize = 10_000;

/// Letters and digits that nobody takes for each other (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 60 bits, more than can be tried within its life even by whoever has its digest.
const LENGTH: usize = 12;
/// So many are shown together.
const TOGETHER: usize = 4;

/// A one-time code. Its `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// A code from random bytes, which come from the caller.
    #[must_use]
    pub fn new(random: [u8; 16]) -> Self {
        let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().map_or('0', char::from);
        Self(random.into_iter().take(LENGTH).map(letter).collect())
    }

    /// What somebody typed: in any case, with blanks and hyphens where they like, `O` for `0`, `I` and `L` for `1`.
    /// None: this can be no code.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let meant = |c: char| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let kept = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—' | '`'));
        let code: String = kept.take(LENGTH + 1).map(meant).collect();
        let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
        (code.chars().count() == LENGTH && code.chars().all(known)).then_some(Self(code))
    }

    /// As people read and type it: `K7QF-29XM-DRPT`. For the one who asked for it, and for nobody else.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for (at, letter) in self.0.chars().enumerate() {
            if at > 0 && at % TOGETHER == 0 {
                shown.push('-');
            }
            shown.push(letter);
        }
        shown
    }

    /// Its digest with this salt: hex SHA-256.
    #[must_use]
    pub fn digest(&self, nonce: &str) -> String {
        hex::encode(Sha256::new().chain_update(nonce).chain_update(&self.0).finalize())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Code(…)")
    }
}

/// What somebody wants about accounts.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkIntent {
    /// A person wants a code, to use it where they are not known yet.
    Offer {
        /// Who.
        person: PersonId,
        /// The code.
        code: Code,
        /// Hides it behind its digest.
        salt: [u8; 16],
    },
    /// An account gives a code.
    Use {
        /// On which platform.
        channel: Channel,
        /// Which account, by the platform's id.
        account: String,
        /// What was typed.
        code: Code,
        /// Whose it is by the configuration.
        named: Option<PersonId>,
    },
    /// An account is a person's no more.
    End {
        /// Whose.
        person: PersonId,
        /// On which platform.
        channel: Channel,
        /// Who wants it.
        by: Actor,
    },
}

/// Why an account was not tied, or not untied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLink {
    /// The configuration says whose this account is.
    Named {
        /// On which platform.
        channel: Channel,
        /// Whose it is.
        person: PersonId,
    },
    /// The configuration names another account of this person.
    HasAccount {
        /// On which platform.
        channel: Channel,
        /// Who.
        person: PersonId,
    },
    /// The account is somebody's already.
    Taken {
        /// On which platform.
        channel: Channel,
        /// Whose it is.
        person: PersonId,
        /// Whether it is the one whose code was given.
        same: bool,
    },
    /// No account of this person is tied.
    None {
        /// On which platform.
        channel: Channel,
        /// Who.
        person: PersonId,
    },
    /// Too many wrong codes.
    Guessed {
        /// When the next one is looked at (civil time).
        until: Timestamp,
    },
}

/// Accounts that are tied, codes that are given out, and wrong ones that were tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Links {
    /// Whose an account is.
    pub accounts: BTreeMap<(Channel, String), Linked>,
    /// The code that a person was given last.
    pub codes: BTreeMap<PersonId, Offered>,
    /// When an account gave a wrong code (engine time).
    pub guesses: BTreeMap<(Channel, String), Vec<Timestamp>>,
}

/// An account that is tied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// To whom.
    pub person: PersonId,
    /// Since when (civil time).
    pub since: Timestamp,
}

/// A code that is given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Its digest.
    pub digest: String,
    /// The salt in it, in hex.
    pub nonce: String,
    /// Until when it can be used (engine time), exclusive.
    pub until: Timestamp,
}

impl Links {
    /// The account that is tied to a person, whatever the configuration says.
    #[must_use]
    pub fn of(&self, person: &PersonId, channel: Channel) -> Option<(&str, &Linked)> {
        let mut there = self.accounts.iter().filter(|((on, _), _)| *on == channel);
        there.find(|(_, linked)| linked.person == *person).map(|((_, id), linked)| (id.as_str(), linked))
    }
}

impl State {
    /// Whom an account means that the configuration names for nobody. An account of a person whom the configuration
    /// gives another one on that platform means nobody.
    #[must_use]
    pub fn linked_person(&self, config: &Config, channel: Channel, account: &str) -> Option<&PersonId> {
        let linked = self.links.accounts.get(&(channel, account.to_owned()))?;
        let person = &linked.person;
        (config.people.contains_key(person) && !config.has_account(person, channel)).then_some(person)
    }

    /// The account that is tied to a person, when the configuration gives them none on a platform that is set up.
    #[must_use]
    pub fn linked_account(&self, config: &Config, person: &PersonId, channel: Channel) -> Option<&str> {
        let (account, _) = self.links.of(person, channel)?;
        let counts = config.platforms.contains_key(&channel) && !config.has_account(person, channel);
        (counts && config.people.contains_key(person)).then_some(account)
    }

    /// Where somebody is talked to: on the platforms where they have an account, else in the terminal.
    #[must_use]
    pub fn chat_of(&self, config: &Config, person: &PersonId) -> Vec<(ContactName, Channel)> {
        let has = |channel: Channel| {
            config.has_account(person, channel) || self.linked_account(config, person, channel).is_some()
        };
        let there = config.platforms.keys().filter(|channel| has(**channel));
        let there: Vec<_> = there.map(|channel| (ContactName::from(channel.as_str()), *channel)).collect();
        if there.is_empty() { vec![(ContactName::from("chat"), Channel::Chat)] } else { there }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it_and_is_never_in_a_debug_text() {
        let code = Code::new([0, 1, 31, 32, 10, 17, 18, 21, 24, 255, 9, 41, 9, 9, 9, 9]);
        assert_eq!(code.shown(), "01Z0-AHJN-RZ99");
        for typed in ["01Z0-AHJN-RZ99", "01z0ahjnrz99", " o i z o – a h j n r z 9 9 ", "`OLZ0-AHJN-RZ99`"] {
            assert_eq!(Code::read(typed).as_ref(), Some(&code), "{typed}");
        }
        for wrong in ["", "01Z0-AHJN", "01Z0-AHJN-RZ990", "01Z0-AHJN-RZ9U", "01Z0-AHJN-RZ9!", "ÄÄÄÄÄÄÄÄÄÄÄÄ"]
        {
            assert_eq!(Code::read(wrong), None, "{wrong}");
        }
        assert!(!format!("{code:?}").contains("AHJN"));
        assert_ne!(code.digest("00"), code.digest("01"));
    }
}
