//! The conversation with a mail server, step by step, so that it can be said at which one it failed. Never sends what
//! is secret over a line that should be encrypted and is not, and never repeats what the server says of a login.

use std::{io, sync::Arc};

use jiff::SignedDuration;
use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::ExposeSecret as _;
use url::{Host, Url};

use super::{super::Limits, bounded::Bounded, encrypted::Encrypted};
use crate::{
    config::{Encryption, Mail},
    text::mail::Trouble,
};

/// What the library says when the other side closed.
const CLOSED: &str = "incomplete response";

/// A connection that is logged in.
pub(super) struct Line {
    /// With which settings it was opened; others need another line.
    pub(super) mail: Arc<Mail>,
    connection: AsyncSmtpConnection,
    /// Whether it speaks TLS below what the library knows of.
    from_the_start: bool,
    logged_in: bool,
}

impl Line {
    /// Connects, encrypts, logs in.
    pub(super) async fn open(mail: &Arc<Mail>, domain: &str, limits: Limits) -> Result<Self, Trouble> {
        let url = mail.smtp.expose();
        let hello = ClientId::Domain(domain.to_owned());
        let tls = |host: &str| tls(host, &mail.trusted);
        let host = host(url).ok_or(Trouble::Address)?;
        let from_the_start = mail.encryption == Encryption::FromTheStart;
        let port = url.port().unwrap_or(match mail.encryption {
            Encryption::FromTheStart => 465,
            Encryption::Required | Encryption::Opportunistic => 587,
            Encryption::Never => 25,
        });
        let stream = Bounded::connect(&host, port, limits.connect).await;
        let stream = stream.map_err(|error| Trouble::NoConnection(error.kind().to_string()))?;
        let opened = if from_the_start {
            let stream = Encrypted::over(stream, &host, &mail.trusted).await;
            let stream = stream.map_err(|error| no_handshake(&error))?;
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await
        } else {
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await
        };
        let mut connection = opened.map_err(|error| at_the_door(trouble(&error, mail)))?;
        match mail.encryption {
            Encryption::Required if !connection.can_starttls() => return Err(Trouble::NoTls),
            Encryption::Required | Encryption::Opportunistic if connection.can_starttls() => {
                connection
                    .starttls(tls(&host)?, &hello)
                    .await
                    .map_err(|error| at_the_door(trouble(&error, mail)))?;
            }
            _ => {}
        }
        let mut line = Self { mail: Arc::clone(mail), connection, from_the_start, logged_in: false };
        if let Some(credentials) = credentials(mail) {
            line.log_in(&credentials).await?;
        }
        Ok(line)
    }

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), Trouble> {
        let answer = self.connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
        match answer {
            Ok(_) => {
                self.logged_in = true;
                Ok(())
            }
            // What the server says of a login may repeat it.
            Err(error) if error.is_permanent() => Err(Trouble::Login(code(&error))),
            Err(error) if error.is_transient() => Err(Trouble::NotNow(code(&error), String::new())),
            Err(error) if error.is_client() => Err(Trouble::NoLogin),
            Err(error) => Err(at_the_door(trouble(&error, &self.mail))),
        }
    }

    /// Sends one mail; the answer is the server's receipt.
    pub(super) async fn send(&mut self, envelope: &Envelope, mail: &[u8]) -> Result<String, Trouble> {
        let answer = self.connection.send(envelope, mail).await;
        let answer = answer.map_err(|error| self.hidden(trouble(&error, &self.mail), envelope))?;
        let words: Vec<&str> = answer.message().collect();
        Ok(self.without_names(&format!("{} {}", answer.code(), words.join(" ")), envelope))
    }

    /// Whether it still answers.
    pub(super) async fn is_alive(&mut self) -> bool {
        !self.connection.has_broken() && self.connection.test_connected().await
    }

    /// Whether nobody can read along, and whether the server knows who we are.
    pub(super) fn standing(&self) -> (bool, bool) {
        (self.from_the_start || self.connection.is_encrypted(), self.logged_in)
    }

    /// Says goodbye; nobody waits for what is answered.
    pub(super) async fn close(mut self) {
        self.connection.abort().await;
    }

    fn hidden(&self, trouble: Trouble, envelope: &Envelope) -> Trouble {
        match trouble {
            Trouble::NotNow(code, words) => Trouble::NotNow(code, self.without_names(&words, envelope)),
            Trouble::Never(code, words) => Trouble::Never(code, self.without_names(&words, envelope)),
            other => other,
        }
    }

    /// What a server says, without addresses, users and passwords: they belong into the configuration alone.
    fn without_names(&self, said: &str, envelope: &Envelope) -> String {
        let url = self.mail.smtp.expose();
        let password = self.mail.password.as_ref().map(|password| password.expose_secret().to_owned());
        let people = envelope.to().iter().chain(envelope.from()).map(|one| one.user().to_owned());
        let secrets: Vec<String> = people
            .chain([decoded(url.username())])
            .chain(url.password().map(decoded))
            .chain(password)
            .filter(|secret| !secret.is_empty())
            .map(|secret| secret.to_lowercase())
            .collect();
        let word = |word: &str| {
            let low = word.to_lowercase();
            let tells = word.contains('@') || secrets.iter().any(|secret| low.contains(&**secret));
            if tells { "…".to_owned() } else { word.to_owned() }
        };
        said.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// The host, without the brackets of an IPv6 address.
fn host(url: &Url) -> Option<String> {
    Some(match url.host()? {
        // Only of a scheme that browsers know is an address read as one.
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    })
}

fn tls(host: &str, trusted: &[Vec<u8>]) -> Result<TlsParameters, Trouble> {
    let mut tls = TlsParameters::builder(host.to_owned());
    for certificate in trusted {
        tls = tls.add_root_certificate(Certificate::from_der(certificate.clone()).map_err(|_| Trouble::Tls)?);
    }
    tls.build().map_err(|_| Trouble::Tls)
}

/// Who we are; none: the server lets in whom it can see.
fn credentials(mail: &Mail) -> Option<Credentials> {
    let url = mail.smtp.expose();
    let password = match &mail.password {
        Some(password) => password.expose_secret().to_owned(),
        None => decoded(url.password()?),
    };
    (!url.username().is_empty()).then(|| Credentials::new(decoded(url.username()), password))
}

/// `%40` is `@`.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let coded = after.split_at_checked(2).filter(|_| *first == b'%');
        let byte = coded.and_then(|(digits, _)| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok());
        match (byte, coded) {
            (Some(byte), Some((_, after))) => {
                bytes.push(byte);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn code(error: &Error) -> u16 {
    error.status().map_or(0, u16::from)
}

/// What the library says, in our own words: its own hold what the server said.
fn trouble(error: &Error, mail: &Mail) -> Trouble {
    if let Some(fault) = tls_fault(error) {
        return fault;
    }
    let cause = io_cause(error);
    if error.is_tls() {
        Trouble::Tls
    } else if error.is_permanent() {
        Trouble::Never(code(error), words(error))
    } else if error.is_transient() {
        Trouble::NotNow(code(error), words(error))
    } else if error.is_response() && words(error) == CLOSED {
        Trouble::Broken(io::ErrorKind::UnexpectedEof.to_string())
    } else if error.is_response() {
        Trouble::Garbage
    } else if error.is_client() {
        Trouble::Address
    } else if let Some(kind) = cause {
        match kind {
            io::ErrorKind::InvalidData if mail.encryption != Encryption::Never => Trouble::Tls,
            io::ErrorKind::InvalidData | io::ErrorKind::QuotaExceeded => Trouble::Garbage,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Trouble::Broken(kind.to_string()),
            _ => Trouble::NoConnection(kind.to_string()),
        }
    } else {
        Trouble::NoConnection("it is not reached".to_owned())
    }
}

/// A server that lets nobody in says nothing about this mail: that may be over in a minute.
fn at_the_door(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Never(code, words) => Trouble::NotNow(code, words),
        other => other,
    }
}

/// The words that came with the code.
fn words(error: &Error) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |inner| inner.source())
}

fn io_cause(error: &Error) -> Option<io::ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn tls_fault(error: &Error) -> Option<Trouble> {
    let fault = causes(error).find_map(|cause| {
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inside.and_then(|inner| inner.downcast_ref()).or_else(|| cause.downcast_ref::<rustls::Error>())
    })?;
    Some(fault_of(fault))
}

fn fault_of(fault: &rustls::Error) -> Trouble {
    match fault {
        rustls::Error::InvalidCertificate(why) => Trouble::Certificate(certificate(why).to_owned()),
        _ => Trouble::Tls,
    }
}

/// Why no encrypted line came about.
fn no_handshake(error: &io::Error) -> Trouble {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(fault) => fault_of(fault),
        None if error.kind() == io::ErrorKind::QuotaExceeded => Trouble::Garbage,
        None if error.kind() == io::ErrorKind::InvalidData => Trouble::Tls,
        None => Trouble::Broken(error.kind().to_string()),
    }
}

fn certificate(why: &rustls::CertificateError) -> &'static str {
    use rustls::CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => "it is too old",
        Why::NotValidYet | Why::NotValidYetContext { .. } => "it is not valid yet",
        Why::UnknownIssuer => "nobody known has signed it",
        Why::NotValidForName | Why::NotValidForNameContext { .. } => "it is for another name",
        Why::Revoked => "it is revoked",
        _ => "it cannot be trusted",
    }
}

/// How long an attempt may take, in words.
pub(super) fn limit(limits: Limits) -> String {
    format!("{:#}", SignedDuration::try_from(limits.total).unwrap_or(SignedDuration::MAX))
}
