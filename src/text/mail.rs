//! The words of a mail and of what a mail server answered. Never escapes for HTML, and never names an address: the
//! courier renders what stands here and adds where it goes.

use super::{
    card::{Card, Field, Link, Tone},
    message::{self, Priority},
    plain::plain,
};
use crate::domain::{delivery::DeliveryKind, facts::Dispatch};

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// One line, the same for all mails of one thing as long as its severity stays.
    pub subject: String,
    /// The first line inside.
    pub title: String,
    /// Its colour.
    pub tone: Tone,
    /// Paragraphs; may be empty.
    pub paragraphs: Vec<String>,
    /// A small table.
    pub fields: Vec<Field>,
    /// Where there is more to read.
    pub links: Vec<Link>,
    /// What to do about it; none: nothing.
    pub ask: Option<Ask>,
    /// Small print.
    pub foot: String,
    /// How loud it is.
    pub priority: Priority,
}

/// The button, and what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The words on the button.
    pub button: String,
    /// How else it is taken, and what following the link does.
    pub beside: String,
}

/// What a mail says.
#[must_use]
pub fn letter(dispatch: &Dispatch) -> Letter {
    let push = message::push(dispatch);
    let Card { title, tone, text, fields, links, .. } = message::card(dispatch);
    let subject = dispatch.facts.subject;
    let asks = dispatch.delivery.kind == DeliveryKind::Page;
    Letter {
        subject: push.title,
        title,
        tone,
        paragraphs: text.lines().map(ToOwned::to_owned).filter(|line| !line.is_empty()).collect(),
        fields,
        links,
        ask: asks.then(|| Ask {
            button: "Acknowledge".to_owned(),
            beside: format!(
                "The link opens a page with a button, and nothing happens before you press it. In chat: /ack {subject}"
            ),
        }),
        foot: "Watchbell wrote this by itself. Nobody reads what is answered to it.".to_owned(),
        priority: push.priority,
    }
}

/// What is said of a mail that the server has taken.
#[must_use]
pub fn taken(answer: &str) -> String {
    format!("taken by the mail server: {}", plain(answer, 120))
}

/// Why a mail did not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing answers there.
    NoConnection(String),
    /// The connection broke off.
    Broken(String),
    /// What answers does not speak SMTP, or stopped in the middle of it.
    Garbage,
    /// It says that it cannot now: its code, and its words without addresses.
    NotNow(u16, String),
    /// It will never take it: its code, and its words without addresses.
    Never(u16, String),
    /// It does not offer STARTTLS, which is required.
    NoTls,
    /// Its certificate is not good, and why.
    Certificate(String),
    /// TLS did not come about otherwise.
    Tls,
    /// The login is refused: the code.
    Login(u16),
    /// It offers no way to log in that we know.
    NoLogin,
    /// The address cannot be used with this server.
    Address,
    /// Everything took longer than it may.
    Slow(String),
}

impl Trouble {
    /// In words, for a timeline and for `doctor`.
    #[must_use]
    pub fn say(&self) -> String {
        match self {
            Self::NoConnection(why) => format!("no connection to the mail server: {why}"),
            Self::Broken(why) => format!("the connection to the mail server broke off: {why}"),
            Self::Garbage => "no proper answer from the mail server".to_owned(),
            Self::NotNow(code, words) => said("the mail server cannot take it now", *code, words),
            Self::Never(code, words) => said("the mail server refuses it", *code, words),
            Self::NoTls => "the mail server offers no STARTTLS, and without it nothing is sent".to_owned(),
            Self::Certificate(why) => format!("the certificate of the mail server is not good: {why}"),
            Self::Tls => "no TLS came about with the mail server".to_owned(),
            Self::Login(code) => {
                format!("the mail server refuses the login ({code}): user or password are wrong")
            }
            Self::NoLogin => "the mail server offers no login with a password (PLAIN or LOGIN)".to_owned(),
            Self::Address => "the address cannot be used with this mail server".to_owned(),
            Self::Slow(limit) => format!("no answer from the mail server within {limit}"),
        }
    }

    /// What to do about it, for `doctor`.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoConnection(_) | Self::Slow(_) => "Look whether host and port in [mail] smtp are right.",
            Self::Garbage => {
                "Look whether the port in [mail] smtp is that of SMTP, and whether it begins with TLS."
            }
            Self::NoTls => {
                "Write smtps:// if its port begins with TLS, or ?tls=none if nobody can read along."
            }
            Self::Certificate(_) => {
                "Use the name that stands in its certificate; name your own authority by [mail] ca = { file = \"…\" }."
            }
            Self::Tls => {
                "Write smtps:// for a port that begins with TLS (465), smtp:// for one with STARTTLS (587)."
            }
            Self::Login(_) => "Look at the user in [mail] smtp and at [mail] password.",
            Self::NoLogin => "Many servers offer a login only with TLS: write smtps:// or ?tls=required.",
            Self::Broken(_) | Self::NotNow(..) | Self::Never(..) | Self::Address => return None,
        })
    }
}

fn said(what: &str, code: u16, words: &str) -> String {
    let words = plain(words, 120);
    if words.is_empty() { format!("{what} ({code})") } else { format!("{what} ({code} {words})") }
}

/// What is said of a mail server that is set up well.
#[must_use]
pub fn ready(encrypted: bool, logged_in: bool) -> String {
    let tls = if encrypted { "TLS" } else { "no TLS" };
    let login = if logged_in { "the login is good" } else { "without a login" };
    format!("it answers, {tls}, {login}; no mail was sent")
}
