//! Notification: brings pages to people's own addresses. Each channel is one file and one line here.
//! Never decides who is paged, when, or what an outcome means; never lets an address into an outcome or a log.

pub mod alive;
pub mod hook;
pub mod mail;
pub mod ntfy;
pub mod pagerduty;
mod post;

#[cfg(test)]
mod contract;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::{
    config::{Address, Mail, PAGERDUTY, Settings},
    domain::{
        delivery::Recipient,
        facts::Dispatch,
        id::{ContactName, PersonId},
        page::{Subject, Target},
    },
    engine::Courier,
    links::Links,
};

/// How long the link of a message can be used to acknowledge.
pub const LINK_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The registry: one line per channel.
///
/// # Errors
/// When no HTTP client can be made (no usable TLS).
pub fn couriers(parts: &Parts) -> reqwest::Result<Vec<Arc<dyn Courier>>> {
    Ok(vec![
        Arc::new(hook::Hook::new(parts.clone())?), //
        Arc::new(ntfy::Ntfy::new(parts.clone())?),
        Arc::new(mail::Post::new(parts.clone())),
        Arc::new(pagerduty::PagerDuty::new(parts.clone())?),
    ])
}

/// What every courier needs. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// Where people are reached, as configured now.
    pub book: Arc<dyn AddressBook>,
    /// Signs links and hooks.
    pub links: Links,
    /// How long an attempt may take.
    pub limits: Limits,
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the connection stands; includes the name's look-up and TLS.
    pub connect: Duration,
    /// Until the answer's first line is there.
    pub total: Duration,
}

impl Default for Limits {
    /// 5 s and 10 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10) }
    }
}

/// Knows the addresses of people. It is asked at each attempt, so that a reload counts at once.
pub trait AddressBook: Send + Sync {
    /// The address behind a contact; none when it is not in the configuration (any more).
    fn address(&self, person: &PersonId, contact: &ContactName) -> Option<Address>;

    /// The mail server; none: no mail is sent.
    fn mail(&self) -> Option<Arc<Mail>> {
        None
    }

    /// Where PagerDuty takes events.
    fn pagerduty(&self) -> Url {
        // cannot fail: a constant, which a test reads
        PAGERDUTY.parse().expect("a URL")
    }
}

impl AddressBook for Settings {
    fn address(&self, person: &PersonId, contact: &ContactName) -> Option<Address> {
        self.addresses.get(&(person.clone(), contact.clone())).cloned()
    }

    fn mail(&self) -> Option<Arc<Mail>> {
        self.mail.clone()
    }

    fn pagerduty(&self) -> Url {
        // cannot fail: a constant, which a test reads
        self.pagerduty.clone().unwrap_or_else(|| PAGERDUTY.parse().expect("a URL"))
    }
}

/// Settings that a reload replaces.
impl AddressBook for RwLock<Arc<Settings>> {
    fn address(&self, person: &PersonId, contact: &ContactName) -> Option<Address> {
        // Whoever panicked while holding it had only a whole `Arc` to put there.
        self.read().unwrap_or_else(PoisonError::into_inner).address(person, contact)
    }

    fn mail(&self) -> Option<Arc<Mail>> {
        AddressBook::mail(&**self.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn pagerduty(&self) -> Url {
        AddressBook::pagerduty(&**self.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What `doctor` found out about one way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What is good about it; else what is wrong, and what to do.
    pub good: Result<String, (String, Option<String>)>,
}

impl Parts {
    /// The person behind a dispatch and their address; without one, why it can never be delivered.
    fn address<'a>(&self, dispatch: &'a Dispatch) -> Result<(&'a PersonId, Address), String> {
        let Recipient::Person { person, contact } = &dispatch.delivery.to else {
            return Err("a channel has no address of its own".to_owned());
        };
        let gone = || format!("contact `{contact}` of {person} is not in the configuration any more");
        Ok((person, self.book.address(person, contact).ok_or_else(gone)?))
    }

    /// The link with which this person acknowledges what the dispatch is about.
    fn acknowledge(&self, dispatch: &Dispatch, person: &PersonId) -> Option<Url> {
        let until = dispatch.at.saturating_add(LINK_LASTS).unwrap_or(Timestamp::MAX);
        Some(self.links.acknowledge(target(dispatch.facts.subject)?, Some(person), until))
    }
}

/// What an acknowledgement of a message about `subject` points at; nobody takes a storm as a whole.
fn target(subject: Subject) -> Option<Target> {
    match subject {
        Subject::Group(group, _) => Some(Target::Group(group)),
        Subject::Incident(incident) => Some(Target::Incident(incident)),
        Subject::Request(page) => Some(Target::Page(page)),
        Subject::Storm(_) => None,
        // Nobody takes a run or an announcement, and nobody is paged for one.
        Subject::Run(_) | Subject::Announcement(..) | Subject::Silence(_) => None,
    }
}
