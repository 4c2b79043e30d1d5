//! `[mail]` and `[pagerduty]`: the mail server through which mail leaves, and where events of other teams' pagers go.
//! Never opens a connection.

use std::sync::Arc;

use lettre::message::Mailbox;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::ExposeSecret as _;
use url::Url;

use super::{
    section::{Node, Reader, Section},
    settings::{Encryption, Mail, RoutingKey, SecretUrl, leads_to_itself},
    source::Place,
    whole::Whole,
};

/// What an address of a mail server looks like.
const SMTP: &str = "\"smtps://watchbell@mail.example.com\"";
/// What a sender looks like.
const FROM: &str = "\"Watchbell <watchbell@example.com>\"";
/// Where PagerDuty takes events, as its documentation says.
pub const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Characters of a routing key.
const ROUTING_KEY: usize = 32;

/// `[mail]`
pub(super) fn mail(reader: &Reader<'_>, whole: &Whole<'_>) -> Option<Arc<Mail>> {
    let mut section = whole.single.get("mail").and_then(Node::section)?;
    let smtp = section.need("smtp", &format!("smtp = {SMTP}"));
    let smtp = smtp.and_then(|node| node.url(&["smtp", "smtps"], SMTP));
    let (password_node, ca) = (section.node("password"), section.node("ca"));
    let password = password_node.as_ref().and_then(Node::secret);
    let from = section.need("from", &format!("from = {FROM}"));
    let from = from.and_then(|node| sender(reader, &node));
    let trusted = match ca {
        Some(node) => Some(certificates(reader, &node)?),
        None => None,
    };
    section.finish();
    let (smtp, at) = smtp?;
    let encryption = encryption(reader, &smtp, at)?;
    login(reader, &smtp, at, encryption, password_node.as_ref());
    Some(Arc::new(Mail {
        smtp: SecretUrl::new(smtp),
        encryption,
        password,
        from: from?,
        trusted: trusted.unwrap_or_default(),
    }))
}

fn sender(reader: &Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = node.filled(FROM)?;
    if text.value.parse::<Mailbox>().is_ok() && !text.value.contains(char::is_control) {
        return Some(text.value);
    }
    let what = if text.value.contains('@') {
        "`mail.from` is not a sender"
    } else {
        "`mail.from` has no e-mail address"
    };
    reader.mistake(text.at, what, None, format!("write {FROM}"));
    None
}

/// `smtps://` is TLS from the first byte; `smtp://` begins it on the way (STARTTLS), unless `?tls=` says otherwise.
fn encryption(reader: &Reader<'_>, smtp: &Url, at: Place) -> Option<Encryption> {
    let words = [
        ("required", Encryption::Required),
        ("opportunistic", Encryption::Opportunistic),
        ("none", Encryption::Never),
    ];
    let remedy =
        "write smtps://… for TLS from the start, or smtp://…?tls=required, ?tls=opportunistic or ?tls=none";
    let from_the_start = smtp.scheme() == "smtps";
    let mut found = if from_the_start { Encryption::FromTheStart } else { Encryption::Required };
    for (key, value) in smtp.query_pairs() {
        let known = words.iter().find(|(word, _)| key == "tls" && *word == value && !from_the_start);
        let Some((_, meant)) = known else {
            reader.mistake(at, "`mail.smtp` has something behind the `?` that it cannot have", None, remedy);
            return None;
        };
        found = *meant;
    }
    Some(found)
}

/// What is dubious about how we show who we are.
fn login(reader: &Reader<'_>, smtp: &Url, at: Place, encryption: Encryption, password: Option<&Node<'_>>) {
    if smtp.password().is_some() {
        let remedy = "move it into password = { env = \"SMTP_PASSWORD\" }";
        reader.warning(at, "the password stands in the address of the mail server", remedy);
    }
    match password {
        Some(node) if smtp.username().is_empty() => {
            let remedy = "write it before the host: smtps://watchbell@mail.example.com";
            reader.mistake(node.at(), "`mail.password` is whose? `mail.smtp` names no user", None, remedy);
        }
        Some(_) if !encryption.is_certain() && !leads_to_itself(smtp) => {
            let what = "the password can travel to the mail server for everybody to read";
            reader.warning(at, what, "write smtps://…, or smtp://…?tls=required");
        }
        _ => {}
    }
}

/// `ca = { file = "…" }`: certificates, in PEM, that are trusted beside the usual ones.
fn certificates(reader: &Reader<'_>, node: &Node<'_>) -> Option<Vec<Vec<u8>>> {
    let given = node.given("{ file = \"mail-ca.pem\" }")?;
    let found: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(given.text.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Some(found.iter().map(|one| one.to_vec()).collect()),
        _ => {
            let remedy =
                "write ca = { file = \"mail-ca.pem\" }, a file that begins with -----BEGIN CERTIFICATE-----";
            reader.mistake(given.at, "`mail.ca` has no certificate in PEM", None, remedy);
            None
        }
    }
}

/// `[pagerduty]`: another place than PagerDuty's own.
pub(super) fn pagerduty(reader: &Reader<'_>, whole: &Whole<'_>) -> Option<Url> {
    let mut section = whole.single.get("pagerduty").and_then(Node::section)?;
    let example = "\"https://events.eu.pagerduty.com\"";
    let url = section.node("url").and_then(|node| node.url(&["http", "https"], example));
    section.finish();
    let (mut url, at) = url?;
    if url.scheme() == "http" && !leads_to_itself(&url) {
        let what = "routing keys would travel for everybody to read";
        reader.mistake(at, what, None, format!("write {example}"));
    }
    if url.path() == "/" {
        url.set_path("/v2/enqueue");
    }
    Some(url)
}

/// `{ pagerduty = { env = "VENDOR_KEY" } }`: the key of an "Events API v2" integration.
pub(super) fn routing_key(reader: &Reader<'_>, mut section: Section<'_>) -> Option<RoutingKey> {
    let node = section.node("pagerduty");
    section.finish();
    let node = node?;
    let key = node.secret()?;
    let text = key.expose_secret();
    if text.len() != ROUTING_KEY || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        let what = format!("`{}` is not a routing key of PagerDuty", node.path);
        let remedy = "copy the Integration Key of an \"Events API v2\" integration: 32 letters and digits";
        reader.mistake(node.at(), what, None, remedy);
        return None;
    }
    Some(RoutingKey::new(key))
}
