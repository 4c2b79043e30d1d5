//! What the configuration says beside the domain: addresses, secrets, where to listen. Its `Debug` never shows a
//! secret, and of an address no more than its channel and its host.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::Diagnostic;
use crate::domain::{
    delivery::Channel,
    id::{ContactName, IntegrationId, PersonId, RouteId},
    permission::Strangers,
    person::Role,
    room::RoomRule,
};

/// Where a setting does not say otherwise, the server listens here.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Everything that the parts around the engine need to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// What links begin with.
    pub public_url: Url,
    /// Where journal, snapshots and views are; relative to the working folder.
    pub data_dir: PathBuf,
    /// Signs hooks and links; absent: made and kept in the data folder.
    pub signing_key: Option<SecretString>,
    /// A token is one person. Empty: who calls from this machine is the local operator.
    pub api_tokens: Vec<ApiToken>,
    /// What a source of alerts must show; `None`: nothing.
    pub integration_tokens: BTreeMap<IntegrationId, Option<SecretString>>,
    /// How many messages a minute a source may send; no entry: as many as it likes.
    pub integration_limits: BTreeMap<IntegrationId, NonZeroU32>,
    /// Where a contact leads. Everybody has `chat`.
    pub addresses: BTreeMap<(PersonId, ContactName), Address>,
    /// Language and chat accounts.
    pub accounts: BTreeMap<PersonId, Account>,
    /// Commands that a route posts with its alerts (`/qflow health`).
    pub diagnostics: BTreeMap<RouteId, Vec<Diagnostic>>,
    /// The outgoing heartbeat.
    pub alive: Option<Alive>,
    /// E-mail.
    pub mail: Option<Arc<Mail>>,
    /// Where PagerDuty takes events; none: its own place.
    pub pagerduty: Option<Url>,
    /// Slack.
    pub slack: Option<Slack>,
    /// Discord.
    pub discord: Option<Discord>,
    /// What runbooks talk to, by name.
    pub environments: BTreeMap<String, Environment>,
    /// What runbooks may do.
    pub runbook: Runbook,
}

/// A token of the API: whoever shows it is its person.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Whose it is. Two tokens of one person are one person.
    pub person: PersonId,
    /// What is shown.
    pub token: SecretString,
    /// What the audit calls it.
    pub name: Option<String>,
    /// It may no more than this, whatever its person may.
    pub role: Option<Role>,
    /// The first instant at which it is good no more.
    pub until: Option<Timestamp>,
}

impl Settings {
    /// The accounts of chat platforms that the configuration gives to a person, as `platform:id`.
    #[must_use]
    pub fn accounts_of(&self, person: &PersonId) -> BTreeSet<String> {
        let theirs = self.addresses.iter().filter(|((whose, _), _)| whose == person);
        let known = theirs.filter_map(|(_, address)| match address {
            Address::Slack(account) => Some(format!("slack:{account}")),
            Address::Discord(account) => Some(format!("discord:{account}")),
            _ => None,
        });
        known.collect()
    }

    /// Whether it is safe to listen there: beyond this machine only callers with a token are known.
    ///
    /// # Errors
    /// What is wrong and what to do, as one sentence.
    pub fn may_listen(&self, address: SocketAddr) -> Result<(), String> {
        if address.ip().is_loopback() || !self.api_tokens.is_empty() {
            return Ok(());
        }
        Err(format!(
            "without a token in [api] everybody who reaches {address} could do everything, so the server does not \
             listen there: configure [api] tokens, or listen on {}:{}",
            Ipv4Addr::LOCALHOST,
            address.port()
        ))
    }
}

/// At which URL a server that listens there is reached from this machine.
#[must_use]
pub fn reached_at(listen: SocketAddr) -> Option<Url> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Url::parse(&format!("http://{}", SocketAddr::new(ip, listen.port()))).ok()
}

/// Whether a URL leads to the machine that reads it.
#[must_use]
pub fn leads_to_itself(url: &Url) -> bool {
    match url.host() {
        // Of a scheme that browsers do not know (smtp) an address is read as a name.
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
        None => false,
    }
}

/// Where a contact leads.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// The person's account on every connected platform, and the terminal.
    Chat,
    /// A signed POST goes here.
    Hook(Url),
    /// An ntfy server and the topic that the phone listens to.
    Ntfy {
        /// The server, without the topic.
        server: Url,
        /// The topic.
        topic: String,
    },
    /// An e-mail address.
    Mail(String),
    /// A telephone number: `+` and digits.
    Phone(String),
    /// Another team's pager.
    PagerDuty(RoutingKey),
    /// A member id on Slack.
    Slack(String),
    /// A user id on Discord.
    Discord(String),
}

impl Address {
    /// Over which channel it is reached.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self {
            Self::Chat => Channel::Chat,
            Self::Hook(_) => Channel::Hook,
            Self::Ntfy { .. } => Channel::Ntfy,
            Self::Mail(_) => Channel::Mail,
            Self::Phone(_) => Channel::Phone,
            Self::PagerDuty(_) => Channel::PagerDuty,
            Self::Slack(_) => Channel::Slack,
            Self::Discord(_) => Channel::Discord,
        }
    }

    /// All of it, to tell it from another one. Never to be shown.
    #[must_use]
    pub fn exact(&self) -> String {
        match self {
            Self::Chat => String::new(),
            Self::Hook(url) => url.to_string(),
            Self::Ntfy { server, topic } => format!("{server} {topic}"),
            Self::Mail(text) | Self::Phone(text) | Self::Slack(text) | Self::Discord(text) => text.clone(),
            Self::PagerDuty(key) => key.expose().to_owned(),
        }
    }

    /// The host that it leads to, which is all that may be shown of it.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Hook(url) | Self::Ntfy { server: url, .. } => url.host_str(),
            Self::Mail(address) => address.rsplit('@').next(),
            Self::Chat | Self::Phone(_) | Self::PagerDuty(_) | Self::Slack(_) | Self::Discord(_) => None,
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host() {
            Some(host) => write!(out, "{}({host}/…)", self.channel()),
            None => write!(out, "{}", self.channel()),
        }
    }
}

/// A URL that carries a secret in its path or its user part. Shown by its host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Covers a URL.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self(url)
    }
    /// The URL itself, for whoever makes the call.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

/// What is known of a person beside the domain's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The language in which Watchbell writes to them (`es`, `pt-BR`).
    pub locale: Option<String>,
    /// Their member id on Slack.
    pub slack: Option<String>,
    /// Their user id on Discord.
    pub discord: Option<String>,
}

/// The outgoing heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// What is called.
    pub url: SecretUrl,
    /// How often.
    pub every: SignedDuration,
}

/// E-mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// `smtps://user@host:port`
    pub smtp: SecretUrl,
    /// Whether strangers can read along.
    pub encryption: Encryption,
    /// The user's password.
    pub password: Option<SecretString>,
    /// `Watchbell <watchbell@example.com>`
    pub from: String,
    /// Certificates (DER) that are trusted beside the usual ones.
    pub trusted: Vec<Vec<u8>>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (`smtps://`).
    FromTheStart,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS where the server offers it; a certificate that is not good fails all the same.
    Opportunistic,
    /// None.
    Never,
}

impl Encryption {
    /// Whether nothing ever travels in clear.
    #[must_use]
    pub fn is_certain(self) -> bool {
        matches!(self, Self::FromTheStart | Self::Required)
    }
}

/// The key of an integration at PagerDuty; whoever has it can ring there. Never shown.
#[derive(Clone)]
pub struct RoutingKey(SecretString);

impl RoutingKey {
    /// Covers a key.
    #[must_use]
    pub fn new(key: SecretString) -> Self {
        Self(key)
    }
    /// The key itself, for whoever makes the call.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for RoutingKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for RoutingKey {}

impl fmt::Debug for RoutingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RoutingKey(…)")
    }
}

/// Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    /// Opens the socket; without one Slack sends by HTTP.
    pub app_token: Option<SecretString>,
    /// Speaks.
    pub bot_token: SecretString,
    /// Signs what Slack sends by HTTP, where it does.
    pub signing_secret: Option<SecretString>,
    /// How incidents get rooms, if they do.
    pub rooms: Option<RoomRule>,
    /// What slash commands are called that are not called as their word (`incident`): `/inc`, or not registered.
    pub commands: BTreeMap<String, Option<String>>,
    /// What somebody may do whose account is nobody's.
    pub strangers: Strangers,
    /// Whether pictures have a dark ground.
    pub dark_pictures: bool,
    /// Another place than Slack's own.
    pub api_url: Option<Url>,
}

/// Discord.
#[derive(Debug, Clone)]
pub struct Discord {
    /// The bot's token.
    pub token: SecretString,
    /// The server (guild) where it works.
    pub guild: Option<u64>,
    /// How incidents get rooms, if they do.
    pub rooms: Option<RoomRule>,
    /// What somebody may do whose account is nobody's.
    pub strangers: Strangers,
    /// The category in which rooms are made.
    pub category: Option<u64>,
    /// The category into which rooms are moved when they are closed.
    pub archive: Option<u64>,
    /// The channel of which rooms are threads; none: rooms are channels.
    pub threads_in: Option<u64>,
    /// Whether the privileged intent Message Content is switched on.
    pub content: bool,
    /// Whether the privileged intent Server Members is switched on.
    pub members: bool,
    /// Whether pictures have a dark ground.
    pub dark_pictures: bool,
    /// Another place than Discord's own.
    pub api_url: Option<Url>,
}

/// What runbooks talk to.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Taken when a command names none.
    pub default: bool,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Plain words that runbooks see; none: another environment has that word, and this one has not.
    pub values: BTreeMap<String, Option<String>>,
}

/// A service that runbooks talk to.
#[derive(Debug, Clone)]
pub struct Service {
    /// Where it is.
    pub url: SecretUrl,
    /// Sent as a bearer token.
    pub token: Option<SecretString>,
    /// Sent with the password as basic authentication.
    pub user: Option<String>,
    /// See `user`.
    pub password: Option<SecretString>,
    /// How many requests it takes; none: as many as are made.
    pub budget: Option<Budget>,
}

/// How many requests a service takes from one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// So many.
    pub requests: u32,
    /// In this time.
    pub within: Duration,
}

/// What runbooks may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runbook {
    /// Programs that they may start.
    pub programs: Vec<String>,
    /// A folder whose executables they may start by name.
    pub scripts: Option<PathBuf>,
    /// Hosts that they may call beyond those of the environments.
    pub hosts: Vec<String>,
}
