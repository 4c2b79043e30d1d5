//! Pages by mail: one message over SMTP, in plain text and HTML, with the link that acknowledges. The Message-ID of a
//! delivery is the same at every attempt. Never lets an address or a password into an outcome or a log.

mod bounded;
mod encrypted;
mod letter;
mod line;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lettre::{address::Envelope, message::Mailbox};
use tokio::sync::Semaphore;

use self::line::Line;
use super::{Finding, Limits, Parts};
use crate::{
    config::{Address, Mail},
    domain::{
        delivery::{Channel, DeliveryKind, Outcome},
        facts::Dispatch,
    },
    engine::Courier,
    text::mail::{self, Trouble},
};

/// Connections at once: mail servers take few from one place.
const AT_ONCE: usize = 8;
/// Connections that are kept for the next mail, and for how long.
const KEPT: usize = 2;
const KEPT_FOR: Duration = Duration::from_secs(20);

/// The courier of `mailto:` contacts.
pub struct Post {
    parts: Parts,
    room: Semaphore,
    kept: Mutex<Vec<(Line, Instant)>>,
}

/// What one attempt needs.
struct Attempt {
    mail: Arc<Mail>,
    domain: String,
    envelope: Envelope,
    bytes: Vec<u8>,
}

impl Post {
    /// A courier without a connection.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, room: Semaphore::new(AT_ONCE), kept: Mutex::default() }
    }

    async fn post(&self, dispatch: &Dispatch) -> Outcome {
        let attempt = match self.attempt(dispatch) {
            Ok(attempt) => attempt,
            Err(why) => return Outcome::Refused { why },
        };
        let limits = self.parts.limits;
        // Whatever was under way is dropped with its connection: nobody goes on in the middle of it.
        let sent = tokio::time::timeout(limits.total, self.send(&attempt)).await;
        match sent.unwrap_or_else(|_| Err(Trouble::Slow(line::limit(limits)))) {
            Ok(receipt) => Outcome::Receipt(mail::taken(&receipt)),
            Err(trouble) => outcome(&trouble),
        }
    }

    fn attempt(&self, dispatch: &Dispatch) -> Result<Attempt, String> {
        let (person, Address::Mail(to)) = self.parts.address(dispatch)? else {
            return Err("the contact is not a mail address any more".to_owned());
        };
        let mail = self.parts.book.mail().ok_or("no [mail] is configured any more")?;
        let unusable = || "the mail address cannot be used".to_owned();
        let from: Mailbox = mail.from.parse().map_err(|_| unusable())?;
        let to = Mailbox::new(None, to.parse().map_err(|_| unusable())?);
        let asks = dispatch.delivery.kind == DeliveryKind::Page;
        let link = asks.then(|| self.parts.acknowledge(dispatch, person)).flatten();
        let words = mail::letter(dispatch);
        let message = letter::message(dispatch, &words, link.as_ref(), &from, &to).ok_or_else(unusable)?;
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        Ok(Attempt { domain: from.email.domain().to_owned(), mail, envelope, bytes })
    }

    async fn send(&self, attempt: &Attempt) -> Result<String, Trouble> {
        // cannot be closed; and whoever waits here waits within its own time.
        let _room = self.room.acquire().await.map_err(|_| Trouble::Slow(line::limit(self.parts.limits)))?;
        let mut line = match self.take_kept(&attempt.mail).await {
            Some(line) => line,
            None => Line::open(&attempt.mail, &attempt.domain, self.parts.limits).await?,
        };
        let receipt = line.send(&attempt.envelope, &attempt.bytes).await?;
        self.keep(line);
        Ok(receipt)
    }

    /// A line that was kept, and still answers.
    async fn take_kept(&self, mail: &Arc<Mail>) -> Option<Line> {
        loop {
            let (mut line, since) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            let good = since.elapsed() < KEPT_FOR && Arc::ptr_eq(&line.mail, mail);
            if good && line.is_alive().await {
                return Some(line);
            }
        }
    }

    fn keep(&self, line: Line) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, since)| since.elapsed() < KEPT_FOR);
        if kept.len() < KEPT {
            kept.push((line, Instant::now()));
        }
    }
}

impl Courier for Post {
    fn channel(&self) -> Channel {
        Channel::Mail
    }
    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        Box::pin(self.post(dispatch))
    }
}

/// What a server said once and for all of this mail is not asked again; everything else is, a login that is refused
/// too: it may be mended in a minute, and the pace of attempts is none that locks anybody out.
fn outcome(trouble: &Trouble) -> Outcome {
    let why = trouble.say();
    match trouble {
        Trouble::Never(..) | Trouble::Address => Outcome::Refused { why },
        _ => Outcome::TryAgain { after: None, why },
    }
}

/// Looks whether the mail server lets us in; sends no mail.
pub async fn examine(mail: &Arc<Mail>, limits: Limits) -> Finding {
    let what = format!("mail server {}", mail.smtp.expose().host_str().unwrap_or_default());
    let domain = mail.from.parse::<Mailbox>().map(|from| from.email.domain().to_owned()).unwrap_or_default();
    let opened = tokio::time::timeout(limits.total, Line::open(mail, &domain, limits)).await;
    let good = match opened.unwrap_or_else(|_| Err(Trouble::Slow(line::limit(limits)))) {
        Ok(line) => {
            let (encrypted, logged_in) = line.standing();
            // Whether it answers a goodbye is its own affair.
            drop(tokio::time::timeout(limits.connect, line.close()).await);
            Ok(mail::ready(encrypted, logged_in))
        }
        Err(trouble) => Err((trouble.say(), trouble.remedy().map(ToOwned::to_owned))),
    };
    Finding { what, good }
}

#[cfg(test)]
mod contract;
