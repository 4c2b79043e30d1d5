//! The API of a running server, as `run`, `console` and `demo` use it: one request, one answer in words. Never shows a
//! token, and never says that something was done when the server did not say so.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path, time::Duration};

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::{clean, environment};
use crate::{
    command::parse::Places,
    config::{self, LISTEN},
    text::card::{Card, Form},
};

pub mod live;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long it may take of a command that reads the whole journal.
const PATIENCE: Duration = Duration::from_hours(1);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 32 * 1024 * 1024;

/// Where a server is, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What its addresses begin with.
    pub url: Url,
    /// How that is known: the end of a sentence that begins with "this address".
    pub source: String,
}

impl Place {
    /// What the caller named.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn named(server: &str) -> Result<Self, String> {
        let text = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let url = Url::parse(&text).ok().filter(Url::has_host);
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
            format!("`{}` is not the address of a server: write http://127.0.0.1:8080", clean::line(server))
        })?;
        Ok(Self { url, source: "comes from --server".to_owned() })
    }

    /// What `[server] listen` of the configuration says; with mistakes in it, the default, and words about that.
    #[must_use]
    pub fn configured(folder: Option<&Path>) -> (Self, Option<String>) {
        let shown = folder.map_or_else(
            || "the configuration that is built in".to_owned(),
            |folder| clean::line(&folder.display().to_string()),
        );
        match config::load(folder, &environment) {
            Ok(loaded) => {
                let source = format!("comes from [server] listen of {shown}");
                (Self { url: address(loaded.settings.listen), source }, None)
            }
            Err(mistakes) => {
                let source = "is the default one".to_owned();
                let warning = format!(
                    "{shown} has mistakes ({}), so the default address is tried: `watchbell check` shows them, \
                     --server names another address.",
                    mistakes.summary()
                );
                (Self { url: address(LISTEN), source }, Some(warning))
            }
        }
    }
}

/// The address at which a server that listens there is reached from this machine.
#[must_use]
pub fn address(listen: SocketAddr) -> Url {
    // An address and a port always make a URL; the default stands in for what cannot happen.
    config::reached_at(listen).unwrap_or_else(|| address(LISTEN))
}

/// Why there is no answer to what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Nobody is there; nothing was done.
    NotThere {
        /// Where.
        place: Place,
        /// Why, in a few words.
        why: String,
    },
    /// It was sent, and no answer came: it may have been done.
    Unclear {
        /// Where.
        place: Place,
        /// Why, in a few words.
        why: String,
    },
    /// Something answers there, and it is not Watchbell.
    Stranger {
        /// Where.
        place: Place,
        /// What it said, in a few words.
        why: String,
    },
    /// The server has a problem with it and has done nothing.
    Problem {
        /// The HTTP status.
        status: u16,
        /// What is wrong and what to do.
        words: String,
    },
}

impl Failure {
    /// Whether the server, as far as the caller is concerned, is not there (and the same may work later).
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NotThere { .. } | Self::Unclear { .. } | Self::Stranger { .. } => true,
            Self::Problem { status, .. } => *status >= 500,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere { place, why } => write!(
                out,
                "no server answers at {} ({why}); nothing was done\nthis address {}\nstart the server with \
                 `watchbell serve`, or name another address with --server URL",
                place.url, place.source
            ),
            Self::Unclear { place, why } => write!(
                out,
                "the server at {} did not answer ({why}): it may or may not have been done\nlook before you \
                 repeat it, for example with `/incident list`",
                place.url
            ),
            Self::Stranger { place, why } => write!(
                out,
                "what answers at {} is not Watchbell's API ({why}); nothing was done\nthis address {}\nname the \
                 right one with --server URL",
                place.url, place.source
            ),
            Self::Problem { words, .. } => out.write_str(words),
        }
    }
}

/// What a command is answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reply {
    /// Whether it was done; if not, nothing has changed.
    pub ok: bool,
    /// The cards as plain text.
    pub text: String,
    /// The cards.
    #[serde(default)]
    pub cards: Vec<Card>,
    /// What has to be filled in first.
    #[serde(default)]
    pub form: Option<Form>,
}

/// One thing that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Completion {
    /// What to write instead of the bytes `start..end`.
    pub text: String,
    /// Where it begins.
    pub start: usize,
    /// Where what it replaces ends.
    pub end: usize,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
}

#[derive(Deserialize)]
struct Completions {
    items: Vec<Completion>,
    /// An older server does not say: then it may.
    #[serde(default = "may_be")]
    secret: bool,
}

fn may_be() -> bool {
    true
}

#[derive(Serialize)]
struct Asked<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    values: &'a Places,
}

/// The problem that a server describes (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    remedy: Option<String>,
}

/// A caller of the API.
#[derive(Clone)]
pub struct Client {
    place: Place,
    token: Option<SecretString>,
    person: Option<String>,
    http: reqwest::Client,
    /// How long a command may take.
    patience: Duration,
}

impl Client {
    /// A caller; `token` is who they are, or `person` for the local operator of a server without tokens.
    ///
    /// # Errors
    /// When no HTTP client can be made on this machine.
    pub fn new(place: Place, token: Option<SecretString>, person: Option<String>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER);
        if config::leads_to_itself(&place.url) {
            // A proxy is not on the way to this machine.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| format!("no HTTP client can be made: {error}"))?;
        Ok(Self { place, token, person, http, patience: ANSWER })
    }

    /// The same caller, who waits for a command as long as a long journal takes.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { patience: PATIENCE, ..self }
    }

    /// Where the server is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// In whose name it calls.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        self.person.as_deref()
    }

    /// The same server, in another name.
    #[must_use]
    pub fn speaking_as(&self, person: &str) -> Self {
        Self { person: Some(person.to_owned()), ..self.clone() }
    }

    /// The same server, as whoever this token is.
    #[must_use]
    pub fn with_token(&self, token: SecretString) -> Self {
        Self { token: Some(token), ..self.clone() }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// When the server did not run it, or did not say.
    pub async fn command(&self, text: &str, channel: Option<&str>) -> Result<Reply, Failure> {
        self.submit(text, &Places::new(), channel).await
    }

    /// Runs a form's command with what was written into its places.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub async fn submit(&self, text: &str, values: &Places, channel: Option<&str>) -> Result<Reply, Failure> {
        let asked = Asked { text, person: self.person(), channel, values };
        let request = self.http.post(self.at("api/v1/commands", &[])).timeout(self.patience);
        self.ask(request.json(&asked)).await
    }

    /// What may stand at the cursor (a byte offset).
    ///
    /// # Errors
    /// When the server did not say.
    pub async fn complete(&self, text: &str, cursor: usize) -> Result<Vec<Completion>, Failure> {
        let cursor = cursor.to_string();
        let url = self.at("api/v1/commands/complete", &[("text", text), ("cursor", &cursor)]);
        let completions: Completions = self.ask(self.http.get(self.named(url))).await?;
        Ok(completions.items)
    }

    /// Asks something with a document: `path` is what follows `/api/v1/`. Only for what changes nothing.
    ///
    /// # Errors
    /// When the server did not say.
    pub async fn tell<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let url = self.named(self.at(&format!("api/v1/{path}"), &[]));
        self.ask(self.http.post(url).json(body)).await
    }

    /// Whether a command is told something in secret, so that nobody keeps what was written for it.
    ///
    /// # Errors
    /// When the server did not say.
    pub async fn is_secret(&self, text: &str) -> Result<bool, Failure> {
        let url = self.at("api/v1/commands/complete", &[("text", text), ("cursor", "0")]);
        let completions: Completions = self.ask(self.http.get(self.named(url))).await?;
        Ok(completions.secret)
    }

    /// Looks something up: `path` is what follows `/api/v1/`.
    ///
    /// # Errors
    /// When the server did not say.
    pub async fn look<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.ask(self.http.get(self.named(self.at(&format!("api/v1/{path}"), &[])))).await
    }

    /// Looks up a list with a query.
    ///
    /// # Errors
    /// When the server did not say.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Failure> {
        self.ask(self.http.get(self.named(self.at(&format!("api/v1/{path}"), query)))).await
    }

    fn at(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.place.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn named(&self, mut url: Url) -> Url {
        if let Some(person) = &self.person {
            url.query_pairs_mut().append_pair("as", person);
        }
        url
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        let response = request.send().await.map_err(|error| {
            let place = self.place.clone();
            let why = reason(&error);
            if error.is_connect() || error.is_builder() {
                Failure::NotThere { place, why }
            } else {
                Failure::Unclear { place, why }
            }
        })?;
        let status = response.status();
        let body = self.read(response).await?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| self.stranger(format!("it answers {status} with something else")));
        }
        Err(self.problem(status, &body))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Err(self.stranger("its answer has no end".to_owned())),
                Ok(None) => return Ok(body),
                Err(error) => {
                    return Err(Failure::Unclear { place: self.place.clone(), why: reason(&error) });
                }
            }
        }
    }

    fn problem(&self, status: StatusCode, body: &[u8]) -> Failure {
        let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
            return self.stranger(format!("it answers {status}"));
        };
        let what = if problem.detail.is_empty() { problem.title } else { problem.detail };
        let mut words = clean::line(&what);
        if let Some(remedy) = problem.remedy {
            words.push('\n');
            words.push_str(&clean::line(&remedy));
        }
        if status == StatusCode::UNAUTHORIZED {
            words.push_str("\nhere: set WATCHBELL_TOKEN, or give --token");
        }
        Failure::Problem { status: status.as_u16(), words }
    }

    fn stranger(&self, why: String) -> Failure {
        Failure::Stranger { place: self.place.clone(), why }
    }
}

/// Why a request failed, in a few words and without the address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "too slow".to_owned();
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.kind() != std::io::ErrorKind::Other
        {
            return io.kind().to_string();
        }
        cause = inner.source();
    }
    if error.is_connect() { "no connection" } else { "the connection broke" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_its_scheme() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080/")),
            ("localhost:9", Some("http://localhost:9/")),
            ("https://watchbell.example.com/bell", Some("https://watchbell.example.com/bell")),
            ("ftp://x.example", None),
            ("", None),
            ("http://", None),
        ] {
            let url = Place::named(text).ok().map(|place| place.url.to_string());
            assert_eq!(url.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn who_listens_everywhere_is_reached_here() {
        for (listen, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("0.0.0.0:81", "http://127.0.0.1:81/"),
            ("[::]:81", "http://[::1]:81/"),
            ("10.0.0.7:80", "http://10.0.0.7/"),
        ] {
            assert_eq!(address(listen.parse().unwrap()).as_str(), expected, "{listen}");
        }
    }

    #[test]
    fn addresses_stand_below_the_servers_own_path() {
        let place = Place::named("https://watchbell.example.com/bell/").unwrap();
        let client = Client::new(place, None, Some("ana b".to_owned())).unwrap();
        let url = client.named(client.at("api/v1/commands/complete", &[("text", "/a&b"), ("cursor", "2")]));
        let expected =
            "https://watchbell.example.com/bell/api/v1/commands/complete?text=%2Fa%26b&cursor=2&as=ana+b";
        assert_eq!(url.as_str(), expected);
    }
}
