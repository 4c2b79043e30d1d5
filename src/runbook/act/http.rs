//! `http`: a request line, headers, an empty line, a body. Values are encoded for where they stand, so that none of
//! them changes the host, the path's shape or another parameter. Never makes the request.

use super::{Permitted, json};
use crate::{
    config::list,
    runbook::{
        compile::{Compiler, Course},
        notes::Written,
        scope::Scope,
        slot::Slot,
        template::{NotRendered, Template},
    },
};

/// Methods, and whether they only read.
const METHODS: [(&str, bool); 6] =
    [("GET", true), ("HEAD", true), ("POST", false), ("PUT", false), ("PATCH", false), ("DELETE", false)];
/// What the request itself decides.
const OURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "upgrade"];

/// A request with values in it.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAct {
    /// In upper case.
    pub method: &'static str,
    /// The service of the environment that is called; none: an address that the configuration lists.
    pub service: Option<String>,
    url: Template,
    headers: Vec<(String, Template)>,
    body: Option<Template>,
}

/// A request as it is sent. Its `Debug` shows no header and no body, which may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// In upper case.
    pub method: &'static str,
    /// The whole address.
    pub url: url::Url,
    /// Name and value.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<String>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let body = self.body.as_ref().map_or(0, String::len);
        write!(out, "{} {} {headers:?} and {body} bytes", self.method, self.url)
    }
}

impl HttpAct {
    /// Whether its method only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        METHODS.iter().any(|(method, reads)| *method == self.method && *reads)
    }

    /// The request with its values.
    ///
    /// # Errors
    /// When a value is missing, cannot be made safe, or leads out of the path.
    pub fn render(&self, scope: &Scope) -> Result<Request, NotRendered> {
        let text = self.url.render(scope)?;
        let path = text.split_once("://").map_or("", |(_, rest)| rest);
        let path = path.split(['?', '#']).next().unwrap_or_default();
        // A URL is normalised when it is read: `/flows/../admin` would be `/admin`.
        let climbs =
            |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
        if path.split(['/', '\\']).skip(1).any(climbs) {
            return Err(NotRendered::Whole("the address would lead out of its path"));
        }
        let url = url::Url::parse(&text).map_err(|_| NotRendered::Whole("the address is none"))?;
        let header = |(name, value): &(String, Template)| Ok((name.clone(), value.render(scope)?));
        Ok(Request {
            method: self.method,
            url,
            headers: self.headers.iter().map(header).collect::<Result<_, NotRendered>>()?,
            body: self.body.as_ref().map(|body| body.render(scope)).transpose()?,
        })
    }

    /// The request line, as it is written.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.url.source())
    }
}

/// Where in a URL a value stands.
#[derive(Default)]
struct InUrl<'a> {
    services: Option<&'a std::collections::BTreeSet<String>>,
    at: At,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Start,
    /// Right after the service's address.
    Base,
    Host,
    Path,
    Query,
}

impl Course for InUrl<'_> {
    fn text(&mut self, text: &str) {
        let after_scheme = text.split_once("://").map(|(_, rest)| rest);
        let mut rest = text;
        if self.at == At::Start {
            self.at = At::Host;
            rest = after_scheme.unwrap_or(text);
        }
        for c in rest.chars() {
            self.at = match (self.at, c) {
                (At::Start | At::Host | At::Base | At::Path, '?') => At::Query,
                (At::Start | At::Host | At::Base, '/') => At::Path,
                // Refused below: nothing but a path or a query may follow.
                (At::Base, _) => At::Host,
                (at, _) => at,
            };
        }
    }

    fn value(&mut self, expression: &str) -> Result<Slot, (&'static str, &'static str)> {
        match self.at {
            At::Start => {
                let service = expression.strip_suffix(".url").map(str::trim);
                if service.is_some_and(|name| self.services.is_some_and(|known| known.contains(name))) {
                    self.at = At::Base;
                    Ok(Slot::Base)
                } else {
                    Err((
                        "an address begins with a service's url or with a host that is written out",
                        "write {{ service.url }}/path, with a service of [environment.…]",
                    ))
                }
            }
            At::Base | At::Host => Err((
                "a value cannot be part of the host",
                "write a / after the service's url; values stand in the path and in the query",
            )),
            At::Path => Ok(Slot::Path),
            At::Query => Ok(Slot::Query),
        }
    }
}

pub(super) fn read(body: Written<'_>, compiler: &Compiler<'_>, permitted: &Permitted) -> Option<HttpAct> {
    let lines = body.lines();
    let first = lines.iter().position(|line| !line.text().trim().is_empty())?;
    let request = lines.get(first)?.trimmed();
    let (method, address) = request_line(request, compiler)?;
    let mut course = InUrl { services: Some(&compiler.names.services), at: At::Start };
    let url = compiler.template(address, &mut course, false);
    let (service, proper) = host(address, compiler, permitted);

    let rest = lines.get(first + 1..).unwrap_or_default();
    let end = rest.iter().position(|line| line.text().trim().is_empty()).unwrap_or(rest.len());
    let mut sound = proper;
    let mut headers = Vec::new();
    for line in rest.get(..end).unwrap_or_default() {
        match header(*line, compiler) {
            Some(header) => headers.push(header),
            None => sound = false,
        }
    }
    let content = rest.get(end + 1..).unwrap_or_default();
    let body = match (content.first(), content.last()) {
        (Some(first), Some(last)) => first.until(last).trimmed(),
        _ => return sound.then_some(HttpAct { method, service, url: url?, headers, body: None }),
    };
    let sent = if body.text().is_empty() { None } else { Some(sent(body, &headers, compiler)?) };
    sound.then_some(HttpAct { method, service, url: url?, headers, body: sent })
}

/// `GET {{ qflow.url }}/health`
fn request_line<'w>(request: Written<'w>, compiler: &Compiler<'_>) -> Option<(&'static str, Written<'w>)> {
    let text = request.text();
    let word = text.split_whitespace().next().unwrap_or_default();
    let Some((method, _)) = METHODS.into_iter().find(|(method, _)| *method == word) else {
        let at = request.part(0..word.len()).at();
        let known = METHODS.iter().map(|(method, _)| *method);
        let remedy = format!(
            "a request is a method and an address: GET {{{{ service.url }}}}/path; methods are {}",
            list(known.clone())
        );
        compiler.notes.unknown(at, word, format!("`{word}` is no method"), known, remedy);
        return None;
    };
    let address = request.part(word.len()..text.len()).trimmed();
    if address.text().is_empty() {
        compiler.notes.mistake(
            request.at(),
            "there is no address after the method",
            "write {{ service.url }}/path",
        );
        return None;
    }
    Some((method, address))
}

/// The service that an address begins with, and whether its host may be called at all.
fn host(address: Written<'_>, compiler: &Compiler<'_>, permitted: &Permitted) -> (Option<String>, bool) {
    let text = address.text();
    if let Some(inner) = text.strip_prefix("{{") {
        let (expression, after) = inner.split_once("}}").unwrap_or((inner, ""));
        let service = expression.trim().strip_suffix(".url").unwrap_or_default().trim();
        let goes_on = after.is_empty() || after.starts_with(['/', '?']);
        if !goes_on && compiler.names.services.contains(service) {
            let at = text.len() - after.len();
            let end = at + after.chars().next().map_or(0, char::len_utf8);
            compiler.notes.mistake(
                address.part(at..end).at(),
                "what follows a service's url would be part of its host",
                "go on with / or ?",
            );
        }
        return (Some(service.to_owned()), goes_on);
    }
    let end = text.find("{{").unwrap_or(text.len());
    let beginning = text.get(..end).unwrap_or_default();
    let parsed = url::Url::parse(beginning).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let Some(host) = parsed.as_ref().and_then(url::Url::host_str) else {
        let what = "this is no address";
        compiler.notes.mistake(address.at(), what, "write {{ service.url }}/path or https://host/path");
        return (None, false);
    };
    if permitted.hosts.contains(host) {
        return (None, true);
    }
    let from = beginning.find(host).unwrap_or_default();
    let known = permitted.hosts.iter().map(String::as_str);
    compiler.notes.unknown(
        address.part(from..from + host.len()).at(),
        host,
        format!("runbooks may not call `{host}`"),
        known,
        "list it in [runbook] hosts, or make it a service of [environment.…]",
    );
    (None, false)
}

fn header(line: Written<'_>, compiler: &Compiler<'_>) -> Option<(String, Template)> {
    let Some((name, value)) = line.pair() else {
        let remedy = "headers are `Name: value`; an empty line stands before the body";
        compiler.notes.mistake(line.trimmed().at(), "this is no header", remedy);
        return None;
    };
    let fits = name.text().chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !fits || OURS.contains(&name.text().to_ascii_lowercase().as_str()) {
        let what = format!("`{}` is no header that a runbook may set", name.text());
        compiler.notes.mistake(name.at(), what, "leave it out: the request sets it");
        return None;
    }
    let value = compiler.template(value, &mut crate::runbook::compile::Always(Slot::Header), true)?;
    Some((name.text().to_owned(), value))
}

/// The body: JSON, a form, or text as it is.
fn sent(body: Written<'_>, headers: &[(String, Template)], compiler: &Compiler<'_>) -> Option<Template> {
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map(|(_, value)| value.beginning().to_ascii_lowercase()).unwrap_or_default();
    if kind.contains("json") || (kind.is_empty() && json::is_meant(body.text())) {
        return json::read(body, compiler, true);
    }
    let slot = if kind.contains("form-urlencoded") { Slot::Query } else { Slot::Plain };
    compiler.template(body, &mut crate::runbook::compile::Always(slot), true)
}
