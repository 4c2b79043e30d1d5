//! Takes what Slack delivers, by socket or by HTTP, decides what is acknowledged, and lets the rest go on by itself.
//! Never waits for the ear before an acknowledgement, and never takes more than it can hold.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::{Semaphore, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    Inner,
    hear::{Back, Context, Delivery, Meaning, Reading, reading},
    links::Links,
    seen::Seen,
};
use crate::{
    chat::port::{Act, Ear, Heard, Said, Strange},
    domain::delivery::Channel,
    text::{
        card::Card,
        chat::{self, Remedy},
    },
};

/// Ids that are remembered.
const SEEN: usize = 1_000;
/// Commands and clicks that are answered at the same time; one more is not acknowledged, so Slack says so.
const BUSY: usize = 256;
/// What happened and was not heard yet; Slack delivers again what has no room.
const WAITING: usize = 1_024;
/// So long the next of what happened waits for the ear to take the one before, so that their order stays.
const TURN: Duration = Duration::from_secs(5);

/// What is told to Slack at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ack {
    /// It was taken; what the acknowledgement carries.
    Taken(Option<Value>),
    /// There is no room: it is not acknowledged.
    Full,
}

/// Waits until we are asked to end.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// The ear's side of the adapter.
pub(super) struct Hearing {
    pub(super) slack: Arc<Inner>,
    pub(super) ear: Arc<dyn Ear>,
    pub(super) links: Links,
    pub(super) stop: watch::Sender<bool>,
    seen: Mutex<Seen<String>>,
    busy: Arc<Semaphore>,
    happened: mpsc::Sender<(Heard, Back)>,
}

impl Hearing {
    /// The ear's side and what has happened, for [`Hearing::in_order`].
    pub(super) fn new(slack: Arc<Inner>, ear: Arc<dyn Ear>) -> (Arc<Self>, mpsc::Receiver<(Heard, Back)>) {
        let (happened, waiting) = mpsc::channel(WAITING);
        let hearing = Self {
            links: Links::new(Arc::clone(&ear)),
            slack,
            ear,
            stop: watch::Sender::new(false),
            seen: Mutex::new(Seen::new(SEEN)),
            busy: Arc::new(Semaphore::new(BUSY)),
            happened,
        };
        (Arc::new(hearing), waiting)
    }

    /// Takes one delivery.
    pub(super) fn take(self: &Arc<Self>, delivery: Delivery, payload: &Value) -> Ack {
        let context = Context {
            me: self.slack.me(),
            own: &self.slack.options.own_words,
            names: &self.slack.options.names,
        };
        let Reading { meaning, answer } = reading(delivery, payload, context);
        let id = match &meaning {
            Meaning::Asked(heard, _) | Meaning::Happened(heard, _) => heard.id.clone(),
            Meaning::Form(id, ..) => id.clone(),
            Meaning::Nothing => return Ack::Taken(answer),
            Meaning::Unread(back) => {
                self.turn_away(Strange::Unreadable, back.clone(), chat::outdated());
                return Ack::Taken(answer);
            }
            Meaning::Foreign(back) => {
                self.turn_away(Strange::Foreign, back.clone(), chat::foreign("Slack"));
                return Ack::Taken(answer);
            }
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.has(&id) {
            return Ack::Taken(answer);
        }
        if let Meaning::Happened(heard, back) = meaning {
            let Ok(place) = self.happened.try_reserve() else { return Ack::Full };
            if heard.act == Act::Uninstall {
                self.slack.api.break_off(Remedy::Install, "app_uninstalled");
            }
            place.send((heard, back));
        } else {
            let Ok(permit) = Arc::clone(&self.busy).try_acquire_owned() else { return Ack::Full };
            let hearing = Arc::clone(self);
            tokio::spawn(async move {
                match meaning {
                    Meaning::Asked(heard, back) => {
                        let begun = Instant::now();
                        let said = hearing.ask(heard).await;
                        hearing.say(said, back, begun).await;
                    }
                    Meaning::Form(_, form, back) => hearing.show(&form, &back).await,
                    Meaning::Happened(..) | Meaning::Nothing | Meaning::Unread(_) | Meaning::Foreign(_) => {}
                }
                drop(permit);
            });
        }
        seen.add(id);
        Ack::Taken(answer)
    }

    /// Counts what is not taken, and tells whoever did it, if there is a way and room for it.
    fn turn_away(self: &Arc<Self>, what: Strange, back: Option<Back>, card: Card) {
        self.ear.strange(Channel::Slack, what);
        let (Some(back), Ok(permit)) = (back, Arc::clone(&self.busy).try_acquire_owned()) else { return };
        let hearing = Arc::clone(self);
        tokio::spawn(async move {
            let said = Said { cards: vec![card], ..Said::default() };
            hearing.say(said, back, Instant::now()).await;
            drop(permit);
        });
    }

    /// Brings what happened to the ear, one after the other, until the last of it was heard.
    pub(super) async fn in_order(self: Arc<Self>, mut waiting: mpsc::Receiver<(Heard, Back)>) {
        let mut stop = self.stop.subscribe();
        loop {
            let next = tokio::select! {
                next = waiting.recv() => next,
                () = stopped(&mut stop) => {
                    // What was acknowledged is heard still.
                    waiting.close();
                    waiting.recv().await
                }
            };
            let Some((heard, back)) = next else { return };
            // What is said about it counts among the answers; its turn ends when it was heard.
            let Ok(permit) = Arc::clone(&self.busy).acquire_owned().await else { return };
            let (done, turn) = oneshot::channel::<()>();
            let hearing = Arc::clone(&self);
            tokio::spawn(async move {
                let begun = Instant::now();
                let said = hearing.ask(heard).await;
                drop(done);
                hearing.say(said, back, begun).await;
                drop(permit);
            });
            // An ear that takes longer goes on by itself.
            drop(tokio::time::timeout(TURN, turn).await);
        }
    }

    /// Tells the ear what the bot's token is worth, and looks again while it is worth nothing.
    pub(super) async fn watch_token(self: Arc<Self>) {
        let mut broken = self.slack.api.broken();
        let mut stop = self.stop.subscribe();
        loop {
            let now = broken.borrow_and_update().clone();
            let is_broken = now.is_some();
            self.links.token(now);
            let again = async {
                if is_broken {
                    tokio::time::sleep(self.slack.options.broken_retry).await;
                    // A good answer is told by the receiver that is waited for here.
                    drop(self.slack.greet().await);
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                changed = broken.changed() => if changed.is_err() { return },
                () = again => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// Waits until everybody who asked has an answer, but not for ever.
    pub(super) async fn settle(&self, patience: Duration) {
        let all = u32::try_from(BUSY).unwrap_or(u32::MAX);
        drop(tokio::time::timeout(patience, self.busy.acquire_many(all)).await);
    }
}
