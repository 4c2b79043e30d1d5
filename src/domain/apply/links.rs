//! What the state knows of accounts that are tied to people. Never keeps a code after it was used, nor wrong ones for
//! longer than they count.

use jiff::Timestamp;

use crate::domain::{
    event::Event,
    link::{GUESS_WINDOW, GUESSES, Linked, Offered},
    state::{Stamp, State},
};

impl State {
    /// Events about accounts.
    pub(super) fn links_changed(&mut self, event: &Event, stamp: &Stamp) {
        let clock = self.clock;
        let links = &mut self.links;
        match event {
            Event::LinkOffered { person, digest, nonce, until } => {
                links.codes.retain(|_, offered| clock < offered.until);
                let offered = Offered { digest: digest.clone(), nonce: nonce.clone(), until: *until };
                links.codes.insert(person.clone(), offered);
            }
            Event::LinkFailed { channel, account } => {
                let counts = |at: &Timestamp| clock.duration_since(*at) < GUESS_WINDOW;
                links.guesses.retain(|_, all| all.last().is_some_and(counts));
                let all = links.guesses.entry((*channel, account.clone())).or_default();
                all.retain(counts);
                all.push(clock);
                let more = all.len().saturating_sub(GUESSES);
                all.drain(..more);
            }
            Event::AccountLinked { channel, account, person } => {
                links.codes.remove(person);
                links.guesses.remove(&(*channel, account.clone()));
                let linked = Linked { person: person.clone(), since: stamp.at };
                links.accounts.insert((*channel, account.clone()), linked);
                // Another account of theirs may be in the rooms; this one is not yet.
                for incident in self.open_incidents.clone() {
                    self.change_incident(incident, |incident| {
                        for room in incident.rooms.iter_mut().filter(|room| room.channel == *channel) {
                            room.invited.remove(person);
                        }
                    });
                }
            }
            Event::AccountUnlinked { channel, account, .. } => {
                links.accounts.remove(&(*channel, account.clone()));
            }
            _ => {}
        }
    }
}
