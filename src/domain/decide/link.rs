//! Accounts of chat platforms become people's, and cease to be. Never compares anything but digests, and a wrong code
//! is counted before the next one is looked at.

use jiff::Timestamp;

use super::Decision;
use crate::domain::{
    delivery::{Channel, Delivery, Recipient},
    event::{Actor, Event},
    id::PersonId,
    intent::Refusal,
    link::{CODE_LIVES, Code, GUESS_WINDOW, GUESSERS, GUESSES, LinkIntent, NoLink},
    room::RoomWork,
};

impl Decision<'_> {
    pub(super) fn link(&mut self, what: LinkIntent) -> Result<(), Refusal> {
        match what {
            LinkIntent::Offer { person, code, salt } => {
                if !self.config.people.contains_key(&person) {
                    return Err(Refusal::unknown_name("person", person));
                }
                let nonce = hex::encode(salt);
                let (digest, until) = (code.digest(&nonce), self.now.engine + CODE_LIVES);
                self.emit(Event::LinkOffered { person, digest, nonce, until });
                Ok(())
            }
            LinkIntent::Use { channel, account, code, named } => {
                self.use_code(channel, account, &code, named).map_err(Refusal::Link)
            }
            LinkIntent::End { person, channel, by } => {
                let linked = self.state.links.of(&person, channel);
                let Some(account) = linked.map(|(account, _)| account.to_owned()) else {
                    return Err(Refusal::Link(NoLink::None { channel, person }));
                };
                self.emit(Event::AccountUnlinked { channel, account, person, by });
                Ok(())
            }
        }
    }

    fn use_code(
        &mut self,
        channel: Channel,
        account: String,
        code: &Code,
        named: Option<PersonId>,
    ) -> Result<(), NoLink> {
        if let Some(person) = named {
            return Err(NoLink::Named { channel, person });
        }
        let key = (channel, account);
        if let Some(until) = self.guesses_end(&key) {
            return Err(NoLink::Guessed { until });
        }
        let Some(person) = self.offered_to(code) else {
            let (channel, account) = key;
            self.emit(Event::LinkFailed { channel, account });
            return Ok(());
        };
        if self.config.has_account(&person, channel) {
            return Err(NoLink::HasAccount { channel, person });
        }
        if let Some(linked) = self.state.links.accounts.get(&key)
            && self.config.people.contains_key(&linked.person)
        {
            let same = linked.person == person;
            return Err(NoLink::Taken { channel, person: linked.person.clone(), same });
        }
        // One account on each platform: the new one takes the place of the old one.
        if let Some(before) = self.state.links.of(&person, channel).map(|(account, _)| account.to_owned()) {
            let (person, by) = (person.clone(), Actor::Person(person.clone()));
            self.emit(Event::AccountUnlinked { channel, account: before, person, by });
        }
        let (channel, account) = key;
        self.emit(Event::AccountLinked { channel, account, person });
        Ok(())
    }

    /// Whose code this is, if it is anybody's and still good.
    fn offered_to(&self, code: &Code) -> Option<PersonId> {
        let good = self.state.links.codes.iter().filter(|(_, offered)| self.now.engine < offered.until);
        let right = good.filter(|(_, offered)| code.digest(&offered.nonce) == offered.digest);
        right.map(|(person, _)| person).find(|person| self.config.people.contains_key(*person)).cloned()
    }

    /// Until when (civil time) an account may not try another code; none: it may.
    fn guesses_end(&self, key: &(Channel, String)) -> Option<Timestamp> {
        let recent = |at: &&Timestamp| self.now.engine.duration_since(**at) < GUESS_WINDOW;
        let links = &self.state.links;
        let Some(guesses) = links.guesses.get(key) else {
            let counted = || links.guesses.values().filter(|all| all.last().as_ref().is_some_and(recent));
            let full = links.guesses.len() >= GUESSERS && counted().count() >= GUESSERS;
            return full.then(|| self.now.civil + GUESS_WINDOW);
        };
        let recent: Vec<&Timestamp> = guesses.iter().filter(recent).collect();
        // The oldest of those that still count has to be forgotten first.
        let oldest = recent.len().checked_sub(GUESSES).and_then(|at| recent.get(at))?;
        Some(self.now.civil + (GUESS_WINDOW - self.now.engine.duration_since(**oldest)))
    }

    /// Whoever is not in the configuration any more has no account either: somebody else of that name, later, must not
    /// get it.
    pub(super) fn end_links_of_nobody(&mut self) {
        let accounts = self.state.links.accounts.iter();
        let gone = accounts.filter(|(_, linked)| !self.config.people.contains_key(&linked.person));
        let gone: Vec<_> = gone.map(|(key, linked)| (key.clone(), linked.person.clone())).collect();
        for ((channel, account), person) in gone {
            self.emit(Event::AccountUnlinked { channel, account, person, by: Actor::Watchbell });
        }
    }

    /// Whether somebody has an account on a platform, by the configuration or by a code.
    pub(super) fn has_account(&self, person: &PersonId, channel: Channel) -> bool {
        self.config.has_account(person, channel)
            || self.state.linked_account(self.config, person, channel).is_some()
    }

    /// The tied accounts that a delivery needs, as they are at this attempt.
    pub(super) fn linked_for(&self, delivery: &Delivery) -> Vec<(PersonId, String)> {
        let people: Vec<&PersonId> = match (&delivery.to, &delivery.room) {
            (_, Some(RoomWork::Invite { people, .. })) => people.iter().collect(),
            (Recipient::Person { person, .. }, _) => vec![person],
            _ => Vec::new(),
        };
        let linked = |person: &PersonId| {
            let account = self.state.linked_account(self.config, person, delivery.channel)?;
            Some((person.clone(), account.to_owned()))
        };
        people.into_iter().filter_map(linked).collect()
    }
}
