//! Who calls. With tokens, a token is one person; without any, whoever calls from this machine is the local
//! operator, and a web page that has a browser call is not. Never keeps a token in clear, and compares in constant time.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{House, limit::Limit, problem::Problem, signature::Proof};
use crate::{
    command::{Caller, Shown},
    config::ApiToken,
    domain::{
        config::{Config, Integration},
        event::Actor,
        id::{IntegrationId, PersonId},
        person::Role,
    },
    engine::clock::wall,
    metrics::BadInput,
};

/// Where a request comes from; put in by the server for each connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The digest of a token.
#[derive(Clone, Copy)]
pub struct Seal([u8; 32]);

impl PartialEq for Seal {
    fn eq(&self, other: &Self) -> bool {
        self.is(other).into()
    }
}

impl Eq for Seal {}

impl std::fmt::Debug for Seal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Seal(…)")
    }
}

impl Seal {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
    pub(super) fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// Who may do what over HTTP; made anew when the configuration changes.
#[derive(Default)]
pub struct Access {
    people: Vec<(Bearer, Option<Timestamp>)>,
    gates: BTreeMap<IntegrationId, Gate>,
}

/// The door of one integration.
pub struct Gate {
    /// What comes in here.
    pub integration: Integration,
    /// How much it may send.
    pub limit: Option<Limit>,
    /// What a message must prove before it is read; none: the token was enough.
    pub proof: Option<Proof>,
    token: Option<Seal>,
}

impl Access {
    /// From the tokens of people and of integrations. An integration without a token hears this machine only.
    #[must_use]
    pub fn new(
        config: &Config,
        api_tokens: &[ApiToken],
        integration_tokens: &BTreeMap<IntegrationId, Option<SecretString>>,
    ) -> Self {
        let bearer = |one: &ApiToken| Bearer {
            person: one.person.clone(),
            name: one.name.clone(),
            most: one.role,
            seal: Seal::of(one.token.expose_secret()),
        };
        let people = api_tokens.iter().map(|one| (bearer(one), one.until)).collect();
        let gate = |integration: &Integration| {
            let token = integration_tokens.get(&integration.id).and_then(Option::as_ref);
            let proof = Proof::of(integration.kind, token);
            let token = token.map(|token| Seal::of(token.expose_secret()));
            Gate { integration: integration.clone(), limit: None, proof, token }
        };
        let gates = config.integrations.values();
        Self { people, gates: gates.map(|one| (one.id.clone(), gate(one))).collect() }
    }

    /// With these limits of messages a minute.
    #[must_use]
    pub fn limited(mut self, limits: &BTreeMap<IntegrationId, NonZeroU32>) -> Self {
        for (integration, per_minute) in limits {
            if let Some(gate) = self.gates.get_mut(integration) {
                gate.limit = Some(Limit::new(*per_minute));
            }
        }
        self
    }

    /// The gate of this name.
    pub(super) fn named(&self, name: &IntegrationId) -> Option<&Gate> {
        self.gates.get(name)
    }

    /// Whether people are known by tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        !self.people.is_empty()
    }

    /// Whether somebody who is known since before would be let in now, by the same token.
    pub(super) fn still_knows(&self, who: &Who, now: Timestamp) -> bool {
        let good = |until: &Option<Timestamp>| until.is_none_or(|until| now < until);
        match who {
            Who::Token(bearer) => self.people.iter().any(|(known, until)| known == bearer && good(until)),
            Who::Local(_) => !self.has_tokens(),
        }
    }

    /// Whose token this is. Every token is compared, whichever it is.
    ///
    /// # Errors
    /// Why it is nobody's (any more), in words that say nothing of what other tokens there are.
    fn bearer(&self, token: &str, now: Timestamp) -> Result<&Bearer, &'static str> {
        let seal = Seal::of(token);
        let mut found = None;
        for (bearer, until) in &self.people {
            if bearer.seal.is(&seal).into() {
                found = Some((bearer, until));
            }
        }
        match found {
            Some((_, Some(until))) if *until <= now => Err("this token is good no more: its day is over"),
            Some((bearer, _)) => Ok(bearer),
            None => Err("nobody has this token"),
        }
    }

    /// The gate of an integration, when the request may pass it. `token` is what it showed. Where the gate wants a
    /// proof, nothing is known yet of who sent the message.
    ///
    /// # Errors
    /// The same problem for an unknown integration and for a wrong token.
    pub fn gate(
        &self,
        name: &str,
        token: Option<&str>,
        local: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<&Gate, Problem> {
        let gate = self.gates.get(name);
        if let Some(gate) = gate.filter(|gate| gate.proof.is_some()) {
            return Ok(gate);
        }
        let shown = Seal::of(token.unwrap_or_default());
        // An unknown name costs the same comparison.
        let known = gate.map_or(Some(Seal([0; 32])), |gate| gate.token);
        match (gate, known) {
            (Some(gate), None) => local().map(|()| gate),
            (Some(gate), Some(known)) if token.is_some() && bool::from(known.is(&shown)) => Ok(gate),
            (_, Some(known)) => {
                std::hint::black_box(known.is(&shown));
                Err(no_integration())
            }
            (None, None) => Err(no_integration()),
        }
    }
}

pub(super) fn no_integration() -> Problem {
    Problem::unauthorized("there is no such integration, or the token or signature is not its own").remedy(
        "Check the address and the token: as `Authorization: Bearer …`, as `?token=…`, or as the password of basic \
         authentication; of GitHub and GitLab the secret of the webhook",
    )
}

/// The token that a request shows: a bearer token, the password of basic authentication, or `?token=`.
pub(super) fn token<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Option<Cow<'a, str>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, rest) = value.to_str().ok()?.trim().split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(rest.into());
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            return decoded.split_once(':').map(|(_, password)| password.to_owned().into());
        }
        return None;
    }
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(name, _)| name == "token").map(|(_, value)| value)
}

/// Whether a request comes from a program of this machine: from a loopback address, to a loopback name, not
/// through a proxy, and not on behalf of a web page from elsewhere.
///
/// A proxy makes everybody local, and a name that an attacker points at 127.0.0.1 makes any web page local; both
/// are told by their headers.
///
/// # Errors
/// What makes it foreign.
pub(super) fn local(peer: Option<Peer>, headers: &HeaderMap) -> Result<(), Problem> {
    const REMEDY: &str = "Configure [api] tokens, or call from this machine by 127.0.0.1 or localhost";
    let no = |detail: &str| Err(Problem::forbidden(detail).remedy(REMEDY));
    if !peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
        return no("without a token only callers on this machine are known");
    }
    if ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name)) {
        return no("without a token nobody is known who comes through a proxy");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback_name(host) {
        return no("the name in the Host header is not one of this machine");
    }
    // What a page loads or leads to by GET comes without an origin, and still says that it is from elsewhere.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return no("a web page from elsewhere may not call");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    if authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host)) {
        return no("a web page from elsewhere may not call");
    }
    Ok(())
}

/// `localhost`, `127.x.y.z`, `[::1]`, each with or without a port.
fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whose a token is, and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The person.
    pub person: PersonId,
    /// What the audit calls the token.
    pub name: Option<String>,
    /// It may no more than this.
    pub most: Option<Role>,
    seal: Seal,
}

/// Who calls the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person, by their token.
    Token(Bearer),
    /// The local operator, who may say who they are.
    Local(Option<PersonId>),
}

impl Who {
    /// The person, when one is named.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Token(bearer) => Some(&bearer.person),
            Self::Local(person) => person.as_ref(),
        }
    }

    /// The same, speaking as `person` (of a request's body).
    ///
    /// # Errors
    /// When a token is somebody else's, or two people are named.
    pub fn named(self, person: Option<PersonId>) -> Result<Self, Problem> {
        let Some(person) = person else { return Ok(self) };
        match self {
            Self::Local(None) => Ok(Self::Local(Some(person))),
            same if same.person() == Some(&person) => Ok(same),
            Self::Token(_) => {
                Err(Problem::forbidden("a token is one person, and this one is somebody else's")
                    .field("person")
                    .remedy("Leave the person out"))
            }
            Self::Local(_) => {
                Err(Problem::wrong("person", "two different people are named").remedy("Name one"))
            }
        }
    }

    /// The caller of commands.
    ///
    /// # Errors
    /// A problem that names `field` when nobody is called that.
    pub fn caller(&self, config: &Config, field: &'static str) -> Result<Caller, Problem> {
        match self.person() {
            None => Ok(Caller::operator(TimeZone::try_system().unwrap_or(TimeZone::UTC))),
            Some(person) => {
                let token = match self {
                    Self::Token(bearer) => Some(Shown { name: bearer.name.clone(), most: bearer.most }),
                    Self::Local(_) => None,
                };
                // Without a token anybody at this machine may say that they are anybody; and a token that is for less
                // than its person says yes to nothing in their name.
                let proven = token.as_ref().is_some_and(|token| token.most.is_none());
                let caller = Caller::person(person, config).map_err(|refusal| {
                    Problem::wrong(field, crate::text::refusal::card(&refusal, &TimeZone::UTC).title)
                        .remedy("Name a person of people.toml by the key of its table, as in `ana`")
                })?;
                Ok(Caller { proven, token, ..caller })
            }
        }
    }

    /// In whose name something is done.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.person().cloned().map_or(Actor::Operator, Actor::Person)
    }
}

impl FromRequestParts<Arc<House>> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Problem> {
        who(house, parts)
    }
}

fn who(house: &House, parts: &Parts) -> Result<Who, Problem> {
    let access = Arc::clone(&house.access.borrow());
    let named = named(parts.uri.query());
    if !access.has_tokens() {
        local(parts.extensions.get::<Peer>().copied(), &parts.headers)
            .inspect_err(|_| house.metrics.bad_input(BadInput::Origin))?;
        return Ok(Who::Local(named));
    }
    // A browser cannot give a WebSocket headers; elsewhere a token in an address would end up in logs.
    let live = parts.method == Method::GET && parts.uri.path() == super::live::PATH;
    let shown = token(&parts.headers, if live { parts.uri.query() } else { None });
    let bearer = shown.as_deref().ok_or("a token is needed");
    let bearer = bearer.and_then(|token| access.bearer(token, wall())).cloned().map_err(|detail| {
        house.metrics.bad_input(BadInput::Token);
        Problem::unauthorized(detail).remedy("Send your token as `Authorization: Bearer …`")
    })?;
    match named {
        Some(named) if named != bearer.person => {
            let detail = "a token is one person, and this one is somebody else's";
            Err(Problem::forbidden(detail).field("as").remedy("Leave `as` out"))
        }
        _ => Ok(Who::Token(bearer)),
    }
}

/// `?as=`
fn named(query: Option<&str>) -> Option<PersonId> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(name, _)| name == "as").map(|(_, value)| PersonId::from(value.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_token_shows_who_somebody_is() {
        let config = crate::config::load(None, &|_| None).unwrap().config;
        let ana = || config.people.keys().next().unwrap().clone();
        let token = |most| Bearer { person: ana(), name: None, most, seal: Seal::of("s3cret") };
        for (who, proven) in [
            (Who::Token(token(None)), true),
            // It is for less than ana may: no yes of hers.
            (Who::Token(token(Some(Role::Operator))), false),
            (Who::Local(Some(ana())), false),
            (Who::Local(None), false),
        ] {
            let caller = who.caller(&config, "as").unwrap();
            assert_eq!(caller.proven, proven, "{who:?}");
        }
    }

    #[test]
    fn only_a_program_on_this_machine_is_local() {
        let peer = |address: &str| Some(Peer(address.parse().unwrap()));
        let host = ("host", "127.0.0.1:8080");
        for (from, pairs, expected) in [
            (peer("127.0.0.1:1"), vec![host], true),
            (peer("[::1]:1"), vec![("host", "[::1]:8080")], true),
            (peer("[::ffff:127.0.0.1]:1"), vec![("host", "localhost")], true),
            (peer("127.0.0.1:1"), vec![host, ("origin", "http://127.0.0.1:8080")], true),
            (peer("10.0.0.1:1"), vec![host], false),
            (None, vec![host], false),
            (peer("127.0.0.1:1"), vec![], false),
            (peer("127.0.0.1:1"), vec![("host", "evil.example:8080")], false),
            (peer("127.0.0.1:1"), vec![("host", "127.0.0.1.evil.example")], false),
            (peer("127.0.0.1:1"), vec![("host", "localhost.evil.example")], false),
            (peer("127.0.0.1:1"), vec![host, ("origin", "https://evil.example")], false),
            (peer("127.0.0.1:1"), vec![host, ("origin", "http://127.0.0.1:9999")], false),
            (peer("127.0.0.1:1"), vec![host, ("origin", "null")], false),
            (peer("127.0.0.1:1"), vec![host, ("x-forwarded-for", "10.0.0.1")], false),
            (peer("127.0.0.1:1"), vec![host, ("sec-fetch-site", "same-origin")], true),
            (peer("127.0.0.1:1"), vec![host, ("sec-fetch-site", "none")], true),
            (peer("127.0.0.1:1"), vec![host, ("sec-fetch-site", "same-site")], false),
            (peer("127.0.0.1:1"), vec![host, ("sec-fetch-site", "cross-site")], false),
        ] {
            assert_eq!(local(from, &headers(&pairs)).is_ok(), expected, "{from:?} {pairs:?}");
        }
    }

    #[test]
    fn a_token_is_found_where_sources_put_it() {
        let basic = format!("Basic {}", STANDARD.encode("prometheus:s3cret:with:colons"));
        for (pairs, query, expected) in [
            (vec![("authorization", "Bearer abc")], None, Some("abc")),
            (vec![("authorization", "bearer  abc ")], Some("token=other"), Some("abc")),
            (vec![("authorization", basic.as_str())], None, Some("s3cret:with:colons")),
            (vec![], Some("x=1&token=a%20b"), Some("a b")),
            (vec![("authorization", "Basic !!")], Some("token=x"), None),
            (vec![("authorization", "Digest x")], None, None),
            (vec![], None, None),
        ] {
            assert_eq!(token(&headers(&pairs), query).as_deref(), expected, "{pairs:?} {query:?}");
        }
    }
}
