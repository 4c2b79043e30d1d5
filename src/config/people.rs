//! `[person.…]` and `[team.…]`: who there is, how they want to be reached. Never shows an address.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};

use crate::domain::{
    delivery::Channel,
    id::{ChannelName, ContactName, PersonId, TeamId},
    person::{NotificationRule, Person, Role, Team},
};

use super::{
    formats, mail,
    section::{Node, Reader, Section, Text},
    server,
    settings::{Account, Address},
    source::Place,
    value::parse_url,
    whole::{Kind, Names, Whole},
    words,
};

/// How well somebody can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// At any time.
    Always,
    /// In chat, which is the terminal as no platform is connected.
    ConsoleOnly,
    /// By e-mail or telephone, and nothing is configured that sends them.
    NoSender,
    /// Not at all.
    Never,
}

/// A person with everything that was read about them.
pub(super) struct Known {
    pub person: Person,
    pub account: Account,
    pub addresses: Vec<(ContactName, Address)>,
    pub reach: Reach,
    pub at: Place,
}

/// All people.
pub(super) fn people(reader: &Reader<'_>, whole: &Whole<'_>) -> BTreeMap<PersonId, Known> {
    whole
        .all(Kind::Person)
        .iter()
        .filter_map(|(name, node)| {
            Some((PersonId::new(name.value.as_str()), person(reader, &whole.names, name, node)?))
        })
        .collect()
}

fn person(reader: &Reader<'_>, names: &Names, id: &Text, node: &Node<'_>) -> Option<Known> {
    let mut section = node.section()?;
    let name = section.text("name", "\"Ana Ruiz\"").map_or_else(|| id.value.clone(), |name| name.value);
    let zone = zone(reader, &mut section);
    let locale = section.text("locale", "\"es\"").and_then(|locale| checked_locale(reader, locale));
    let role = role(&mut section);
    let slack = section.text("slack", "\"U012AB3CD\"").map(|text| text.value);
    let discord = section.text("discord", "\"110000000000000042\"").and_then(|text| {
        let fits = !text.value.is_empty() && text.value.bytes().all(|b| b.is_ascii_digit());
        if !fits {
            let remedy = "write the number that Discord shows under \"Copy User ID\", in quotes";
            reader.mistake(text.at, "this is not a Discord user id", None, remedy);
        }
        fits.then_some(text.value)
    });
    let contacts = contacts(reader, &mut section);
    let urgent = rules(reader, &mut section, "urgent", &contacts);
    let routine = rules(reader, &mut section, "routine", &contacts);
    section.finish();

    let chat_named =
        [&urgent, &routine].iter().any(|rules| rules.iter().any(|rule| rule.contacts.iter().any(is_chat)));
    let on_slack = slack.clone().filter(|_| server::sends(names, "slack"));
    let on_discord = discord.clone().filter(|_| server::sends(names, "discord"));
    let on_platform = on_slack.is_some() || on_discord.is_some();
    let reach = if on_platform || contacts.iter().any(|contact| contact.works(names)) {
        Reach::Always
    } else if chat_named {
        Reach::ConsoleOnly
    } else if contacts.is_empty() {
        if slack.is_some() || discord.is_some() { Reach::ConsoleOnly } else { Reach::Never }
    } else {
        Reach::NoSender
    };
    let addresses: Vec<(ContactName, Address)> = contacts
        .into_iter()
        .filter_map(|contact| Some((contact.name, contact.address?)))
        .chain([(ContactName::new("chat"), Address::Chat)])
        .chain(on_slack.map(|account| (ContactName::new("slack"), Address::Slack(account))))
        .chain(on_discord.map(|account| (ContactName::new("discord"), Address::Discord(account))))
        .collect();
    // `chat` is every account on a platform; without one it is the terminal.
    let chat: Vec<ContactName> = addresses
        .iter()
        .filter(|(_, address)| matches!(address, Address::Slack(_) | Address::Discord(_)))
        .map(|(name, _)| name.clone())
        .collect();
    let spread =
        |name: ContactName| if is_chat(&name) && !chat.is_empty() { chat.clone() } else { vec![name] };
    let reachable = |rules: Vec<NotificationRule>| -> Vec<NotificationRule> {
        let has = |name: &ContactName| addresses.iter().any(|(known, _)| known == name);
        rules
            .into_iter()
            .map(|rule| NotificationRule {
                after: rule.after,
                contacts: rule.contacts.into_iter().flat_map(spread).filter(has).collect(),
            })
            .filter(|rule| !rule.contacts.is_empty())
            .collect()
    };
    let channels: Vec<(ContactName, Channel)> =
        addresses.iter().map(|(name, address)| (name.clone(), address.channel())).collect();
    let (urgent, routine) = (reachable(urgent), reachable(routine));
    let person = Person {
        id: PersonId::new(id.value.as_str()),
        name,
        zone,
        role,
        contacts: channels,
        urgent,
        routine,
    };
    Some(Known { person, account: Account { locale, slack, discord }, addresses, reach, at: id.at })
}

/// The zone of a section; UTC when none is written.
pub(super) fn zone(reader: &Reader<'_>, section: &mut Section<'_>) -> TimeZone {
    let Some(text) = section.text("timezone", "\"Europe/Madrid\"") else { return TimeZone::UTC };
    match formats::zone(&text.value) {
        Ok(zone) => zone,
        Err((what, near)) => {
            reader.mistake(text.at, what, near.as_deref(), "write a name such as Europe/Madrid or UTC");
            TimeZone::UTC
        }
    }
}

fn checked_locale(reader: &Reader<'_>, text: Text) -> Option<String> {
    let mut parts = text.value.split('-');
    let language = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !fits {
        let what = format!("`{}` is not a language", text.value);
        reader.mistake(text.at, what, None, "write a language tag such as en, es or pt-BR");
    }
    fits.then_some(text.value)
}

fn role(section: &mut Section<'_>) -> Role {
    let Some(node) = section.node("roles") else { return Role::Responder };
    let known = Role::ALL.map(|role| (role.as_str(), role));
    let remedy = format!("roles are {}", words::list(Role::ALL.map(Role::as_str)));
    let roles = node.one_or_more();
    let roles = roles
        .iter()
        .filter_map(|node| node.one_of(&known, |written| format!("there is no role `{written}`"), &remedy));
    roles.max().unwrap_or(Role::Viewer)
}

/// A contact method as it was written; without an address when its environment variable is absent.
struct Contact {
    name: ContactName,
    address: Option<Address>,
    /// It was written wrongly, which has been reported.
    spoiled: bool,
}

impl Contact {
    fn works(&self, names: &Names) -> bool {
        match &self.address {
            Some(Address::Hook(_) | Address::Ntfy { .. } | Address::PagerDuty(_)) => true,
            Some(Address::Mail(_)) => server::sends(names, "mail"),
            Some(Address::Phone(_) | Address::Chat | Address::Slack(_) | Address::Discord(_)) => false,
            None => self.spoiled,
        }
    }
}

fn is_chat(name: &ContactName) -> bool {
    name.as_str() == "chat"
}

fn contacts(reader: &Reader<'_>, section: &mut Section<'_>) -> Vec<Contact> {
    let Some(node) = section.node("contacts") else { return Vec::new() };
    let mut contacts = Vec::new();
    for (name, node) in node.entries() {
        if name.value == "chat" {
            let remedy = "leave it out, and write `slack` and `discord` beside `contacts` for the accounts";
            reader.mistake(name.at, "`chat` is everybody's contact already", None, remedy);
            continue;
        }
        if name.value.is_empty()
            || name.value.contains([',', ':'])
            || name.value.contains(char::is_whitespace)
        {
            let remedy = "use one short word, such as push or hook";
            reader.mistake(name.at, "this cannot be the name of a contact", None, remedy);
            continue;
        }
        let before = reader.found.borrow().len();
        let address = address(reader, &node);
        let spoiled = address.is_none() && reader.found.borrow().len() > before;
        contacts.push(Contact { name: ContactName::new(name.value.as_str()), address, spoiled });
    }
    contacts
}

fn address(reader: &Reader<'_>, node: &Node<'_>) -> Option<Address> {
    if node.has("pagerduty") {
        return mail::routing_key(reader, node.section()?).map(Address::PagerDuty);
    }
    let given = node.given("\"ntfy:https://ntfy.example.com/ana\"")?;
    match parse_address(given.text.trim()) {
        Ok(address) => Some(address),
        Err((why, remedy)) => {
            reader.mistake(given.at, format!("`{}` {why}", node.path), None, remedy);
            None
        }
    }
}

/// Reads an address; what it says about a wrong one never repeats it.
fn parse_address(text: &str) -> Result<Address, (String, &'static str)> {
    let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let rest = text.get(scheme.len() + 1..).unwrap_or_default();
    match scheme.as_str() {
        "mailto" => match rest.split_once('@') {
            Some((user, host))
                if !user.is_empty()
                    && !host.is_empty()
                    && !rest.contains([' ', ',', '<', '>', '?'])
                    && rest.parse::<lettre::Address>().is_ok() =>
            {
                Ok(Address::Mail(rest.to_owned()))
            }
            _ => Err(("is not an e-mail address".into(), "write mailto:NAME@HOST")),
        },
        "tel" => {
            let digits: String = rest.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
            let number = digits.strip_prefix('+').unwrap_or_default();
            let fits = (6..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
            if fits {
                Ok(Address::Phone(digits))
            } else {
                Err((
                    "is not a telephone number".into(),
                    "write tel:+ and the number with its country code, such as tel:+34600000001",
                ))
            }
        }
        "ntfy" => parse_ntfy(rest).map_err(|why| (why, "write ntfy:https://SERVER/TOPIC")),
        "http" | "https" => parse_url(text, &["http", "https"])
            .map(Address::Hook)
            .map_err(|why| (why, "write https://HOST/PATH")),
        _ => Err((
            "is no address that Watchbell knows".into(),
            "write https://HOST/PATH for a hook, ntfy:https://SERVER/TOPIC, mailto:NAME@HOST, tel:+NUMBER or { pagerduty = … }",
        )),
    }
}

fn parse_ntfy(rest: &str) -> Result<Address, String> {
    let mut server = parse_url(rest, &["http", "https"])?;
    let path = server.path().trim_end_matches('/').to_owned();
    let (folder, topic) = path.rsplit_once('/').unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if topic.is_empty() || topic.len() > 64 || !topic.chars().all(fits) {
        return Err("names no topic of letters, digits, - and _".into());
    }
    let topic = topic.to_owned();
    server.set_path(&format!("{folder}/"));
    Ok(Address::Ntfy { server, topic })
}

/// The longest wait of a personal rule.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

fn rules(
    reader: &Reader<'_>,
    section: &mut Section<'_>,
    key: &'static str,
    contacts: &[Contact],
) -> Vec<NotificationRule> {
    let Some(node) = section.node(key) else { return Vec::new() };
    let texts = node.texts("\"now: chat, push\"");
    let mut rules: Vec<NotificationRule> =
        texts.iter().filter_map(|text| rule(reader, &node, text, contacts)).collect();
    rules.sort_by_key(|rule| rule.after);
    rules
}

fn rule(reader: &Reader<'_>, node: &Node<'_>, text: &Text, contacts: &[Contact]) -> Option<NotificationRule> {
    let Some((when, whom)) = text.value.split_once(':') else {
        let what = format!("`{}` is not a rule", text.value);
        reader.mistake(
            text.at,
            what,
            None,
            "write when and how, such as \"now: chat, push\" or \"2m: hook\"",
        );
        return None;
    };
    let when = when.trim();
    let after = if when == "now" {
        SignedDuration::ZERO
    } else {
        node.duration_in(when, text.part(reader, when), SignedDuration::ZERO..=LONGEST_WAIT)?
    };
    let known = || contacts.iter().map(|contact| contact.name.as_str()).chain(["chat"]);
    let mut used = Vec::new();
    for word in whom.split(',').map(str::trim) {
        if word.is_empty() {
            let remedy = format!("name one of {}", words::list(known()));
            reader.mistake(text.at, format!("`{}` names no contact", text.value), None, remedy);
        } else if known().any(|name| name == word) {
            used.push(ContactName::new(word));
        } else {
            reader.mistake(
                text.part(reader, word),
                format!("there is no contact `{word}`"),
                words::nearest(word, known()),
                format!("the contacts of this person are {}", words::list(known())),
            );
        }
    }
    (!used.is_empty()).then_some(NotificationRule { after, contacts: used })
}

/// All teams.
pub(super) fn teams(reader: &Reader<'_>, whole: &Whole<'_>) -> BTreeMap<TeamId, Team> {
    let mut teams = BTreeMap::new();
    for (name, node) in whole.all(Kind::Team) {
        let Some(mut section) = node.section() else { continue };
        let channel = section.node("channel").and_then(|node| channel(reader, &whole.names, &node));
        let members = section
            .need("members", "members = [\"ana\", \"ben\"]")
            .map(|node| node.texts("[\"ana\", \"ben\"]"))
            .unwrap_or_default();
        section.finish();
        let members = known_people(reader, &whole.names, &members);
        let id = TeamId::new(name.value.as_str());
        teams.insert(id.clone(), Team { id, channel, members });
    }
    teams
}

/// Those names that are people; reports the others.
pub(super) fn known_people(reader: &Reader<'_>, names: &Names, texts: &[Text]) -> Vec<PersonId> {
    let mut people: Vec<PersonId> = Vec::new();
    for text in texts {
        if names.check(reader, Kind::Person, &text.value, text.at) {
            people.push(PersonId::new(text.value.as_str()));
        }
    }
    people
}

/// A channel; warns when it is on a platform that is not connected.
pub(super) fn channel(reader: &Reader<'_>, names: &Names, node: &Node<'_>) -> Option<ChannelName> {
    let text = node.filled("\"#ops\"")?;
    channel_in(reader, names, &text.value, text.at)
}

/// A channel that is part of a text.
pub(super) fn channel_in(reader: &Reader<'_>, names: &Names, text: &str, at: Place) -> Option<ChannelName> {
    match formats::channel(text) {
        Ok(platform) => {
            if let Some(platform) = platform.filter(|platform| !names.sections.contains(*platform)) {
                reader.warning(
                    at,
                    format!("nobody reads `{text}`: there is no [{platform}]"),
                    format!(
                        "configure [{platform}], or leave `{platform}:` out to use every connected platform"
                    ),
                );
            }
            Some(ChannelName::new(text))
        }
        Err((what, near)) => {
            let remedy = "write #name for every platform, or slack:#name, discord:#name; a name has small letters, \
                          digits, - and _";
            reader.mistake(at, what, near.as_deref(), remedy);
            None
        }
    }
}
