//! The terminal as a chat platform: what the bot says goes to everybody who listens, and the last messages are
//! kept for whoever comes next. Never waits for a slow listener, and never says that a page arrived when nobody
//! was there to see it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::{
    domain::{
        delivery::{Channel, DeliveryKind, Outcome, Recipient},
        facts::Dispatch,
        id::{DeliveryId, PersonId},
    },
    engine::Courier,
    text::{self, card::Card},
};

/// Messages that are kept for the next terminal.
const KEPT: usize = 200;
/// Messages that wait for one listener; one that is further behind is let go.
const ROOM: usize = 512;

/// One message of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The delivery: the same for every attempt.
    pub delivery: DeliveryId,
    /// When it left (civil time).
    pub at: Timestamp,
    /// The channel or the person.
    pub to: String,
    /// What it is: `page`, `resolved`, `card`, `notice`.
    pub kind: &'static str,
    /// What it is about: `G-17`.
    pub subject: String,
    /// Of a card: a higher revision takes the place of a lower one for the same subject.
    pub revision: u32,
    /// What it says.
    pub card: Card,
    /// The person who alone may see it; none: it is for a channel.
    #[serde(skip)]
    private: Option<PersonId>,
}

impl Message {
    fn is_for(&self, person: Option<&PersonId>) -> bool {
        self.private.is_none() || self.private.as_ref() == person
    }
}

/// The hub between the bot and the terminals. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Terminal(Arc<Mutex<Hub>>);

#[derive(Debug, Default)]
struct Hub {
    kept: VecDeque<Arc<Message>>,
    listeners: Vec<Ear>,
    next: u64,
}

#[derive(Debug)]
struct Ear {
    number: u64,
    person: Option<PersonId>,
    enter: mpsc::Sender<Arc<Message>>,
}

/// Hears messages until it is dropped.
#[derive(Debug)]
pub struct Listener {
    number: u64,
    terminal: Terminal,
    messages: mpsc::Receiver<Arc<Message>>,
}

impl Listener {
    /// The next message; none: this listener fell too far behind and was let go.
    pub async fn next(&mut self) -> Option<Arc<Message>> {
        self.messages.recv().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.terminal.hub().listeners.retain(|ear| ear.number != self.number);
    }
}

impl Terminal {
    /// Listens to all channels, and to what is said to `person` alone. The messages that were kept come first.
    #[must_use]
    pub fn join(&self, person: Option<PersonId>) -> Listener {
        let (enter, messages) = mpsc::channel(ROOM);
        let mut hub = self.hub();
        for message in hub.kept.iter().filter(|message| message.is_for(person.as_ref())) {
            // KEPT is below ROOM: there is place for all of them.
            drop(enter.try_send(Arc::clone(message)));
        }
        let number = hub.next;
        hub.next += 1;
        hub.listeners.push(Ear { number, person, enter });
        Listener { number, terminal: self.clone(), messages }
    }

    /// How many terminals are open.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.hub().listeners.len()
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something; true when a terminal of the person it is for has it.
    fn say(&self, message: Message, keep: bool) -> bool {
        let message = Arc::new(message);
        let mut hub = self.hub();
        let mut reached = false;
        hub.listeners.retain(|ear| {
            if !message.is_for(ear.person.as_ref()) {
                return true;
            }
            let taken = ear.enter.try_send(Arc::clone(&message)).is_ok();
            reached |= taken;
            // Whoever is too far behind is let go, and asks again from where it was.
            taken
        });
        if keep || reached {
            if hub.kept.len() == KEPT {
                hub.kept.pop_front();
            }
            hub.kept.push_back(message);
        }
        reached
    }

    fn attempt(&self, dispatch: &Dispatch) -> Outcome {
        let delivery = &dispatch.delivery;
        let (to, private) = match &delivery.to {
            Recipient::Person { person, .. } => (person.to_string(), Some(person.clone())),
            Recipient::Channel(channel) => (channel.to_string(), None),
        };
        let is_page = delivery.kind == DeliveryKind::Page;
        let message = Message {
            delivery: delivery.id,
            at: dispatch.at,
            kind: delivery.kind.as_str(),
            subject: delivery.subject.to_string(),
            revision: delivery.revision,
            card: text::message::card(dispatch),
            to,
            private,
        };
        // Nobody is woken by what waits in a ring: a page that no terminal took goes on to the next contact.
        let person = message.private.clone().filter(|_| is_page);
        match (self.say(message, person.is_none()), person) {
            (true, _) => Outcome::Receipt("shown in the terminal".into()),
            (false, None) => Outcome::Receipt("kept for the next terminal".into()),
            (false, Some(person)) => Outcome::Refused {
                why: format!("{person} has no terminal open and no chat platform is set up"),
            },
        }
    }
}

impl Courier for Terminal {
    fn channel(&self) -> Channel {
        Channel::Chat
    }

    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(std::future::ready(self.attempt(dispatch)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        delivery::Delivery,
        facts::{Facts, Standing},
        id::{GroupId, IncidentId},
        offer::Offers,
        page::Subject,
    };

    fn dispatch(number: u64, kind: DeliveryKind, to: Recipient) -> Dispatch {
        let subject = Subject::Group(GroupId(1), None::<IncidentId>);
        let delivery = Delivery {
            id: DeliveryId(number),
            kind,
            subject,
            page: None,
            to,
            channel: Channel::Chat,
            key: format!("D-{number}"),
            revision: 0,
            notice: None,
            said: None,
            room: None,
            attempts: 1,
            failures: 0,
            due: Timestamp::UNIX_EPOCH,
            leaving: true,
        };
        let facts = Facts {
            subject,
            title: "Down".into(),
            summary: "It is down".into(),
            severity: None,
            urgency: crate::domain::person::Urgency::Urgent,
            standing: Standing::Open,
            incident: None,
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        };
        Dispatch {
            delivery,
            facts,
            at: Timestamp::UNIX_EPOCH,
            edits: None,
            linked: std::collections::BTreeMap::new(),
            offers: Offers::default(),
        }
    }

    fn ana() -> Recipient {
        Recipient::Person { person: "ana".into(), contact: "chat".into() }
    }

    fn channel() -> Recipient {
        Recipient::Channel("#ops".into())
    }

    async fn deliver(terminal: &Terminal, dispatch: &Dispatch) -> Outcome {
        terminal.deliver(dispatch).await
    }

    fn heard(listener: &mut Listener) -> Vec<u64> {
        std::iter::from_fn(|| listener.messages.try_recv().ok()).map(|message| message.delivery.0).collect()
    }

    #[tokio::test]
    async fn a_page_is_refused_when_nobody_is_there_and_shown_when_somebody_is() {
        let terminal = Terminal::default();
        let page = dispatch(1, DeliveryKind::Page, ana());
        let refused = deliver(&terminal, &page).await;
        assert!(
            matches!(&refused, Outcome::Refused { why } if why.contains("ana has no terminal")),
            "{refused:?}"
        );
        // Somebody else's terminal is not ana's.
        let mut ben = terminal.join(Some("ben".into()));
        assert!(matches!(deliver(&terminal, &page).await, Outcome::Refused { .. }));
        let mut listener = terminal.join(Some("ana".into()));
        assert_eq!(deliver(&terminal, &page).await, Outcome::Receipt("shown in the terminal".into()));
        assert_eq!((heard(&mut listener), heard(&mut ben)), (vec![1], vec![]));
        drop(listener);
        assert!(matches!(deliver(&terminal, &page).await, Outcome::Refused { .. }));
        assert_eq!(terminal.listeners(), 1);
    }

    #[tokio::test]
    async fn what_is_no_page_is_kept_for_whom_it_is_meant() {
        let terminal = Terminal::default();
        let kept = deliver(&terminal, &dispatch(1, DeliveryKind::Resolved, ana())).await;
        assert_eq!(kept, Outcome::Receipt("kept for the next terminal".into()));
        let kept = deliver(&terminal, &dispatch(2, DeliveryKind::Card, channel())).await;
        assert_eq!(kept, Outcome::Receipt("kept for the next terminal".into()), "nobody was there");
        assert_eq!(heard(&mut terminal.join(Some("ana".into()))), [1, 2]);
        assert_eq!(heard(&mut terminal.join(Some("ben".into()))), [2]);
        assert_eq!(heard(&mut terminal.join(None)), [2]);
    }

    #[tokio::test]
    async fn the_ring_is_bounded_and_so_is_a_listener_that_does_not_listen() {
        let terminal = Terminal::default();
        let mut slow = terminal.join(None);
        for number in 0..2_000 {
            deliver(&terminal, &dispatch(number, DeliveryKind::Card, channel())).await;
        }
        assert_eq!(heard(&mut terminal.join(None)), (1_800..2_000).collect::<Vec<_>>());
        assert_eq!(terminal.listeners(), 0);
        let mut count = 0;
        while slow.next().await.is_some() {
            count += 1;
        }
        assert_eq!(count, ROOM);
    }
}
