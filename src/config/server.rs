//! `[server]`, `[api]`, `[discord]`, `[alive]`, `[environment.…]`, `[runbook]`: where the server
//! listens, and what it talks to. Never opens a connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
};

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    domain::{duration, id::PersonId, permission::Strangers, person::Role, room::RoomRule},
    links::SHORTEST_KEY,
};

use super::{
    oncall::date,
    section::{Node, Reader, Section},
    settings::{Alive, ApiToken, Budget, Discord, Environment, LISTEN, Runbook, SecretUrl, Service},
    source::Place,
    whole::{Kind, Names, Whole},
    words,
};

/// `[server]`
pub(super) struct Server {
    pub listen: SocketAddr,
    /// Where that is written.
    pub listen_at: Option<Place>,
    pub public_url: Option<Url>,
    /// Where that is written.
    pub public_url_at: Option<Place>,
    pub data_dir: PathBuf,
    pub signing_key: Option<SecretString>,
}

pub(super) fn server(reader: &Reader<'_>, whole: &Whole<'_>) -> Server {
    let mut server = Server {
        listen: LISTEN,
        listen_at: None,
        public_url: None,
        public_url_at: None,
        data_dir: PathBuf::from("data"),
        signing_key: None,
    };
    let Some(mut section) = whole.single.get("server").and_then(Node::section) else { return server };
    if let Some(node) = section.node("listen")
        && let Some(given) = node.given("\"127.0.0.1:8080\"")
    {
        if let Ok(address) = given.text.parse() {
            (server.listen, server.listen_at) = (address, Some(given.at));
        } else {
            let near = given.text.replace("localhost", "127.0.0.1");
            let near = near.parse::<SocketAddr>().is_ok().then_some(near);
            let what = format!("`{}` is not an address and a port", given.text);
            let remedy =
                "write \"127.0.0.1:8080\" for this machine alone, \"0.0.0.0:8080\" for every network";
            reader.mistake(given.at, what, near.as_deref(), remedy);
        }
    }
    if let Some(node) = section.node("public_url")
        && let Some((url, at)) = node.url(&["http", "https"], "\"https://watchbell.example.com\"")
    {
        if url.query().is_some() || url.fragment().is_some() || url.username() != "" {
            let what = "`server.public_url` must be what links begin with, and nothing more";
            reader.mistake(at, what, None, "write scheme, host and path only");
        }
        (server.public_url, server.public_url_at) = (Some(url), Some(at));
    }
    if let Some(given) = section.node("data_dir").and_then(|node| node.given("\"data\"")) {
        server.data_dir = given.text.into();
    }
    if let Some(node) = section.node("signing_key")
        && let Some(key) = node.secret()
    {
        if key.expose_secret().trim().len() < SHORTEST_KEY {
            let what = format!("`server.signing_key` is shorter than {SHORTEST_KEY} bytes");
            reader.mistake(node.at(), what, None, "make a longer one: openssl rand -hex 32");
        }
        server.signing_key = Some(key);
    }
    section.finish();
    server
}

/// `[api]`: tokens that are people.
pub(super) fn api_tokens(reader: &Reader<'_>, whole: &Whole<'_>) -> Vec<ApiToken> {
    let Some(mut section) = whole.single.get("api").and_then(Node::section) else { return Vec::new() };
    let nodes = section.items("tokens");
    section.finish();
    let mut tokens: Vec<(ApiToken, Place)> = Vec::new();
    for node in nodes {
        let Some(mut entry) = node.section() else { continue };
        let person = entry.need("person", "person = \"ana\"").and_then(|node| node.filled("\"ana\""));
        let token_node = entry.need("token", "token = { env = \"ANA_TOKEN\" }");
        let name_node = entry.node("name");
        let role = entry.node("role").and_then(|node| token_role(&node));
        let until = entry.node("until").and_then(|node| date(&node));
        entry.finish();
        let person = person.filter(|text| whole.names.check(reader, Kind::Person, &text.value, text.at));
        let token = token_node.as_ref().and_then(Node::token);
        let name = name_node.as_ref().and_then(|node| node.filled("\"ci\"")).map(|text| text.value);
        let (Some(person), Some(token), Some(token_node)) = (person, token, token_node) else { continue };
        let same = |(other, _): &&(ApiToken, Place)| other.token.expose_secret() == token.expose_secret();
        if let Some((other, first)) = tokens.iter().find(same) {
            let what = format!(
                "this token has the same value as that of `{}` in {}",
                other.person,
                reader.point(*first)
            );
            reader.mistake(token_node.at(), what, None, "make a new one: a token is one person");
            continue;
        }
        if let (Some(name), Some(node)) = (&name, &name_node)
            && tokens.iter().any(|(other, _)| other.name.as_ref() == Some(name))
        {
            let what = format!("another token is called `{name}` already");
            reader.mistake(
                node.at(),
                what,
                None,
                "call each by a name of its own: the audit tells them apart by it",
            );
            continue;
        }
        // The first instant of that day in UTC: no zone makes a token live longer.
        let until =
            until.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|day| day.timestamp());
        let person = PersonId::new(person.value);
        tokens.push((ApiToken { person, token, name, role, until }, token_node.at()));
    }
    tokens.into_iter().map(|(token, _)| token).collect()
}

fn token_role(node: &Node<'_>) -> Option<Role> {
    let known = Role::ALL.map(|role| (role.as_str(), role));
    let remedy = format!("roles are {}", words::list(Role::ALL.map(Role::as_str)));
    node.one_of(&known, |word| format!("`{word}` is not a role"), remedy)
}

/// `[alive]`
pub(super) fn alive(whole: &Whole<'_>) -> Option<Alive> {
    let mut section = whole.single.get("alive").and_then(Node::section)?;
    let example = "url = \"https://hc.example.com/ping/watchbell\"";
    let url = section.need("url", example).and_then(|node| {
        node.mask_url();
        node.url(&["http", "https"], "\"https://hc.example.com/ping/watchbell\"")
    });
    let every = section
        .duration("every", SignedDuration::from_secs(5)..=SignedDuration::from_hours(24))
        .unwrap_or(SignedDuration::from_mins(1));
    section.finish();
    Some(Alive { url: SecretUrl::new(url?.0), every })
}

/// Whether something is sent by a section: it is written.
pub(super) fn sends(names: &Names, section: &str) -> bool {
    names.sections.contains(section)
}

/// The real Discord.
const DISCORD: &str = "\"https://discord.com\"";
/// How long after its end the room of an incident is closed.
const ROOMS_CLOSE_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How a platform makes rooms for incidents: `incident_rooms = "public" | "private" | "none"`, `rooms_close_after`.
pub(super) fn rooms(section: &mut Section<'_>) -> Option<RoomRule> {
    let words = [("public", Some(false)), ("private", Some(true)), ("none", None)];
    let wanted = section.node("incident_rooms").and_then(|node| {
        let what = |word: &str| format!("`{word}` is no kind of room");
        node.one_of(&words, what, "rooms of incidents are public, private or none")
    });
    let hour = SignedDuration::from_hours(1);
    let close_after = section.duration("rooms_close_after", SignedDuration::ZERO..=hour * 24 * 90);
    let private = wanted.unwrap_or(Some(false))?;
    Some(RoomRule { private, close_after: close_after.unwrap_or(ROOMS_CLOSE_AFTER) })
}

/// What somebody may do whose account is nobody's: `strangers = "look" | "nothing"`.
pub(super) fn strangers(section: &mut Section<'_>) -> Strangers {
    let wanted = section.node("strangers").and_then(|node| {
        let what = |word: &str| format!("`{word}` is nothing that strangers may do");
        node.one_of(&Strangers::WORDS, what, "strangers may look, or nothing")
    });
    wanted.unwrap_or_default()
}

/// One of Discord's ids, and where it stands.
type Placed = Option<(u64, Place)>;

/// Rooms are made in a guild, and are either channels or threads.
fn places(reader: &Reader<'_>, guild: Placed, [category, archive, threads]: [Placed; 3]) {
    if let (Some((_, at)), None) = (category.or(archive).or(threads), guild) {
        let remedy = "name the server beside it: guild = \"1100000000000000001\"";
        reader.mistake(at, "rooms are made in one Discord server, and none is named", None, remedy);
    }
    if let (Some(_), Some((_, at))) = (threads, category.or(archive)) {
        let what = "rooms are threads of `discord.threads_in`, and threads are in no category";
        reader.mistake(at, what, None, "leave `category` and `archive` out, or `threads_in`");
    }
    if let (Some((open, _)), Some((closed, at))) = (category, archive)
        && open == closed
    {
        let remedy = "name another category, or leave it out: a closed room then stays where it is";
        reader.mistake(at, "rooms would be moved to where they are already", None, remedy);
    }
}

fn placed(reader: &Reader<'_>, section: &mut Section<'_>, key: &'static str, what: &str) -> Placed {
    let text = section.text(key, "\"1100000000000000001\"")?;
    let id = text.value.parse().ok().filter(|id| *id > 0);
    if id.is_none() {
        let remedy = "write the number that Discord shows under \"Copy ID\" (developer mode), in quotes";
        reader.mistake(text.at, what, None, remedy);
    }
    Some((id?, text.at))
}

/// `[discord]`
pub(super) fn discord(reader: &Reader<'_>, whole: &Whole<'_>) -> Option<Discord> {
    let mut section = whole.single.get("discord").and_then(Node::section)?;
    let token = section.need("token", "token = { env = \"DISCORD_TOKEN\" }").and_then(|node| node.secret());
    let guild = placed(reader, &mut section, "guild", "this is not the id of a Discord server");
    let category = placed(reader, &mut section, "category", "this is not the id of a Discord category");
    let archive = placed(reader, &mut section, "archive", "this is not the id of a Discord category");
    let threads = placed(reader, &mut section, "threads_in", "this is not the id of a Discord channel");
    places(reader, guild, [category, archive, threads]);
    let content = section.flag("message_content");
    let members = section.flag("server_members");
    let dark_pictures = section.flag("dark_pictures").unwrap_or(true);
    let rooms = rooms(&mut section);
    let strangers = strangers(&mut section);
    let api_url = section.node("api_url").and_then(|node| node.url(&["http", "https"], DISCORD));
    section.finish();
    Some(Discord {
        token: token?,
        guild: guild.map(|(id, _)| id),
        rooms,
        strangers,
        category: category.map(|(id, _)| id),
        archive: archive.map(|(id, _)| id),
        threads_in: threads.map(|(id, _)| id),
        content: content.unwrap_or(false),
        members: members.unwrap_or(false),
        dark_pictures,
        api_url: api_url.map(|(url, _)| url),
    })
}

/// `[environment.…]`
pub(super) fn environments(reader: &Reader<'_>, whole: &Whole<'_>) -> BTreeMap<String, Environment> {
    let mut environments = BTreeMap::new();
    let mut default: Option<Place> = None;
    for (name, node) in whole.all(Kind::Environment) {
        let mut environment = Environment::default();
        for (key, node) in node.entries() {
            if key.value == "default" {
                environment.default = node.flag().unwrap_or(false);
                if environment.default
                    && let Some(first) = default.replace(key.at)
                {
                    let what = format!("{} names a default already", reader.point(first));
                    reader.mistake(key.at, what, None, "keep one default environment");
                }
            } else if key.value == "values" {
                environment.values = values(reader, &node);
            } else if let Some(service) = service(&node) {
                environment.services.insert(key.value, service);
            }
        }
        environments.insert(name.value.clone(), environment);
    }
    let words: BTreeSet<String> =
        environments.values().flat_map(|environment| environment.values.keys().cloned()).collect();
    for environment in environments.values_mut() {
        for word in &words {
            environment.values.entry(word.clone()).or_default();
        }
    }
    // The only one there is needs not be called the default.
    if environments.len() == 1 {
        for environment in environments.values_mut() {
            environment.default = true;
        }
    } else if default.is_none()
        && let Some((name, _)) = whole.all(Kind::Environment).first()
    {
        let what = "there are several environments, and none is the default";
        reader.mistake(name.at, what, None, "write default = true in one of them");
    }
    environments
}

/// `values = { runs_on = "kubernetes" }`
fn values(reader: &Reader<'_>, node: &Node<'_>) -> BTreeMap<String, Option<String>> {
    let mut values = BTreeMap::new();
    for (key, node) in node.entries() {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !key.value.chars().all(fits) || key.value.starts_with(|c: char| c.is_ascii_digit()) {
            let what = format!("`{}` cannot be a name in runbooks", key.value);
            reader.mistake(key.at, what, None, "write small letters, digits and _: runs_on = \"kubernetes\"");
        } else if let Some(given) = node.given("\"kubernetes\"") {
            values.insert(key.value, Some(given.text));
        }
    }
    values
}

fn service(node: &Node<'_>) -> Option<Service> {
    let mut section = node.section()?;
    let url = section.need("url", "url = \"http://127.0.0.1:9090\"");
    let url = url.and_then(|node| node.url(&["http", "https"], "\"http://127.0.0.1:9090\""));
    let token = section.node("token").and_then(|node| node.secret());
    let user = section.node("user").and_then(|node| node.given("\"watchbell\"")).map(|given| given.text);
    let password = section.node("password").and_then(|node| node.secret());
    let budget = section.node("limit").and_then(|node| budget(&node));
    section.finish();
    Some(Service { url: SecretUrl::new(url?.0), token, user, password, budget })
}

/// `limit = { requests = 100, within = "15m" }`
fn budget(node: &Node<'_>) -> Option<Budget> {
    let mut section = node.section()?;
    let requests = section.need("requests", "requests = 100").and_then(|node| node.count(1..=1_000_000));
    let within = section.need("within", "within = \"15m\"");
    let within = within.and_then(|node| node.duration(SignedDuration::from_secs(1)..=duration::LONGEST));
    section.finish();
    Some(Budget { requests: requests?, within: within?.try_into().ok()? })
}

/// `[runbook]`
pub(super) fn runbook(whole: &Whole<'_>) -> Runbook {
    let Some(mut section) = whole.single.get("runbook").and_then(Node::section) else {
        return Runbook::default();
    };
    let texts = |texts: Vec<super::section::Text>| texts.into_iter().map(|text| text.value).collect();
    let runbook = Runbook {
        programs: texts(section.texts("programs", "[\"kubectl\"]")),
        scripts: section.text("scripts", "\"scripts\"").map(|text| text.value.into()),
        hosts: texts(section.texts("hosts", "[\"status.example.com\"]")),
    };
    section.finish();
    runbook
}
