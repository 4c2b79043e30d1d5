//! Brings deliveries to a chat platform: pages and notices as messages, cards where they stand already, rooms of
//! incidents. Never decides whether to try again, and keeps nothing but where a room is.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::SignedDuration;

use super::port::{Failure, MessageRef, Picture, Place, Platform, RoomId, RoomPlan};
use crate::{
    config::{Address, Settings},
    domain::{
        delivery::{Channel, DeliveryKind, Notice, Outcome, Recipient},
        facts::Dispatch,
        id::{ChannelName, ContactName, PersonId},
        room::RoomWork,
    },
    engine::Courier,
    pictures::Pictures,
    text,
};

/// A platform's own limits never keep a page waiting longer than this: the next contact method goes.
const PATIENCE: Duration = Duration::from_secs(10);
/// After this time something is tried again that somebody has to mend first.
const MENDED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Knows who has which account. It is asked at each attempt, so that a reload counts at once.
pub trait AccountBook: Send + Sync {
    /// The account of a person on a platform.
    fn account(&self, person: &PersonId, channel: Channel) -> Option<String>;
    /// The person behind an account.
    fn person(&self, account: &str, channel: Channel) -> Option<PersonId>;
    /// The person with this mail address among their contacts.
    fn person_by_mail(&self, mail: &str) -> Option<PersonId>;
}

impl AccountBook for Settings {
    fn account(&self, person: &PersonId, channel: Channel) -> Option<String> {
        let contact = ContactName::from(channel.as_str());
        match self.addresses.get(&(person.clone(), contact))? {
            Address::Slack(account) | Address::Discord(account) => Some(account.clone()),
            _ => None,
        }
    }

    fn person(&self, account: &str, channel: Channel) -> Option<PersonId> {
        let is = |address: &Address| match (address, channel) {
            (Address::Slack(known), Channel::Slack) | (Address::Discord(known), Channel::Discord) => {
                known == account
            }
            _ => false,
        };
        let found = self.addresses.iter().find(|(_, address)| is(address));
        found.map(|((person, _), _)| person.clone())
    }

    fn person_by_mail(&self, mail: &str) -> Option<PersonId> {
        let is =
            |address: &Address| matches!(address, Address::Mail(known) if known.eq_ignore_ascii_case(mail));
        let mut found =
            self.addresses.iter().filter(|(_, address)| is(address)).map(|((person, _), _)| person);
        let person = found.next()?;
        // A mail address of several people is nobody's.
        found.all(|other| other == person).then(|| person.clone())
    }
}

/// Settings that a reload replaces.
impl AccountBook for RwLock<Arc<Settings>> {
    fn account(&self, person: &PersonId, channel: Channel) -> Option<String> {
        self.read().unwrap_or_else(PoisonError::into_inner).account(person, channel)
    }

    fn person(&self, account: &str, channel: Channel) -> Option<PersonId> {
        self.read().unwrap_or_else(PoisonError::into_inner).person(account, channel)
    }

    fn person_by_mail(&self, mail: &str) -> Option<PersonId> {
        self.read().unwrap_or_else(PoisonError::into_inner).person_by_mail(mail)
    }
}

/// The courier of one platform.
pub struct ChatCourier {
    platform: Arc<dyn Platform>,
    accounts: Arc<dyn AccountBook>,
    pictures: Pictures,
    dark: bool,
    rooms: Mutex<BTreeMap<String, RoomId>>,
}

impl ChatCourier {
    /// For this platform; `dark` says on which ground it shows pictures.
    #[must_use]
    pub fn new(
        platform: Arc<dyn Platform>,
        accounts: Arc<dyn AccountBook>,
        pictures: Pictures,
        dark: bool,
    ) -> Self {
        Self { platform, accounts, pictures, dark, rooms: Mutex::default() }
    }

    async fn attempt(&self, dispatch: &Dispatch) -> Result<Outcome, Failure> {
        let delivery = &dispatch.delivery;
        if let Some(work) = &delivery.room {
            return self.room_work(dispatch, work).await;
        }
        if delivery.kind == DeliveryKind::Picture {
            return self.show_picture(dispatch).await;
        }
        let card = text::message::card(dispatch);
        if let Some(stands) = dispatch.edits.as_deref().and_then(|message| message.parse::<MessageRef>().ok())
        {
            match self.platform.edit(&stands, &card).await {
                Ok(()) => return Ok(posted("edited", &stands)),
                // Somebody deleted it: it is said again.
                Err(Failure::Gone(_)) => {}
                Err(other) => return Err(other),
            }
        }
        let place = match &delivery.to {
            Recipient::Person { person, .. } if delivery.page.is_some() => {
                Place::Page(self.account_of(person, dispatch)?)
            }
            Recipient::Person { person, .. } => Place::Person(self.account_of(person, dispatch)?),
            Recipient::Channel(name) => Place::Room(self.room(name).await?),
        };
        let message = self.platform.send(&place, &card, &delivery.key).await.inspect_err(|failure| {
            if matches!(failure, Failure::Gone(_) | Failure::Refused { .. }) {
                self.forget(&delivery.to);
            }
        })?;
        Ok(posted("posted", &message))
    }

    /// The newest picture of the step, as it is kept. One that gave way is not drawn anew: what it would show has passed.
    async fn show_picture(&self, dispatch: &Dispatch) -> Result<Outcome, Failure> {
        let delivery = &dispatch.delivery;
        let (Some(Notice::Drawn(_, step)), Recipient::Channel(name)) = (delivery.notice, &delivery.to) else {
            return Err(Failure::Gone(text::room::picture_gone().to_owned()));
        };
        let step = dispatch.facts.run.as_ref().and_then(|run| run.step(step));
        let drawing = step.and_then(|step| step.drawing.clone());
        let found = drawing.and_then(|drawing| Some((drawing.on(self.dark)?.clone(), drawing.words)));
        let gone = || Failure::Gone(text::room::picture_gone().to_owned());
        let (id, words) = found.ok_or_else(gone)?;
        let pictures = self.pictures.clone();
        let png = tokio::task::spawn_blocking(move || pictures.find(&id)).await.ok().flatten();
        let picture = Picture { name: text::room::PICTURE.to_owned(), png: png.ok_or_else(gone)?, words };
        let place = Place::Room(self.room(name).await?);
        let message =
            self.platform.picture(&place, &picture, &delivery.key).await.inspect_err(|failure| {
                if matches!(failure, Failure::Gone(_) | Failure::Refused { .. }) {
                    self.forget(&delivery.to);
                }
            })?;
        Ok(posted("posted", &message))
    }

    async fn room_work(&self, dispatch: &Dispatch, work: &RoomWork) -> Result<Outcome, Failure> {
        let incident = dispatch.facts.incident.as_ref();
        let topic = || text::room::topic(&dispatch.facts);
        match work {
            RoomWork::Open { private, .. } => {
                let number = incident.map(|incident| incident.id.0).unwrap_or_default();
                let plan = RoomPlan {
                    name: text::room::name(number, &dispatch.facts.title),
                    topic: topic(),
                    private: *private,
                    key: dispatch.delivery.key.clone(),
                };
                let room = self.platform.create_room(&plan).await?;
                Ok(Outcome::Posted { receipt: text::room::made().to_owned(), message: room.id.0 })
            }
            RoomWork::Topic { room, .. } => {
                self.platform.set_topic(&RoomId(room.clone()), &topic()).await?;
                Ok(Outcome::Receipt(text::room::topic_set().to_owned()))
            }
            RoomWork::Invite { room, people } => {
                let accounts: Vec<String> =
                    people.iter().filter_map(|person| self.account_of(person, dispatch).ok()).collect();
                if !accounts.is_empty() {
                    self.platform.invite(&RoomId(room.clone()), &accounts).await?;
                }
                Ok(Outcome::Receipt(text::room::invited(people)))
            }
            RoomWork::Close { room } => {
                match self.platform.archive(&RoomId(room.clone())).await {
                    // Somebody was faster.
                    Ok(()) | Err(Failure::Gone(_)) => {}
                    Err(other) => return Err(other),
                }
                Ok(Outcome::Receipt(text::room::closed().to_owned()))
            }
        }
    }

    /// By the configuration, or tied by a code to somebody whom the configuration gives none.
    fn account_of(&self, person: &PersonId, dispatch: &Dispatch) -> Result<String, Failure> {
        let channel = self.platform.channel();
        // What the configuration calls somebody else's is somebody else's.
        let free = |account: &&String| self.accounts.person(account, channel).is_none();
        let linked = || dispatch.linked.get(person).filter(free).cloned();
        self.accounts
            .account(person, channel)
            .or_else(linked)
            .ok_or_else(|| Failure::Refused { why: text::room::no_account(person, channel), remedy: None })
    }

    /// A name of the configuration (`#ops`) is looked up once; a room's own id is taken as it is.
    async fn room(&self, name: &ChannelName) -> Result<RoomId, Failure> {
        let bare = name.bare();
        if !bare.starts_with('#') {
            return Ok(RoomId(bare.to_owned()));
        }
        let known = self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(bare).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let room = self.platform.find_room(bare).await?;
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).insert(bare.to_owned(), room.id.clone());
        Ok(room.id)
    }

    fn forget(&self, to: &Recipient) {
        if let Recipient::Channel(name) = to {
            self.rooms.lock().unwrap_or_else(PoisonError::into_inner).remove(name.bare());
        }
    }

    fn outcome(&self, failure: Failure, is_page: bool) -> Outcome {
        let platform = text::room::platform(self.platform.channel());
        match failure {
            Failure::Wait(pause) => Outcome::TryAgain {
                after: SignedDuration::try_from(pause).ok(),
                why: text::room::limited(platform),
            },
            Failure::TryAgain(why) => Outcome::TryAgain { after: None, why },
            Failure::Gone(why) => Outcome::Refused { why },
            Failure::Refused { why, remedy: Some(remedy) } => {
                let why = format!("{why}: {}", text::chat::remedy(&remedy, platform));
                // A page goes on to the next contact; anything else comes right once it is mended.
                if is_page {
                    Outcome::Refused { why }
                } else {
                    Outcome::TryAgain { after: Some(MENDED_AFTER), why }
                }
            }
            Failure::Refused { why, remedy: None } => Outcome::Refused { why },
        }
    }
}

fn posted(receipt: &str, message: &MessageRef) -> Outcome {
    Outcome::Posted { receipt: receipt.to_owned(), message: message.to_string() }
}

impl Courier for ChatCourier {
    fn channel(&self) -> Channel {
        self.platform.channel()
    }

    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(async move {
            let is_page = dispatch.delivery.page.is_some();
            match tokio::time::timeout(PATIENCE, self.attempt(dispatch)).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(failure)) => self.outcome(failure, is_page),
                Err(_) => Outcome::TryAgain { after: None, why: text::room::no_answer().to_owned() },
            }
        })
    }
}
