//! The chat platforms of the configuration: made, given their couriers, listened to, stopped. Never speaks a
//! platform's protocol, and never decides anything.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use crate::{
    chat::{
        courier::{AccountBook, ChatCourier},
        discord::{self, Discord},
        hearing::{Habits, Hearing},
        port::{Ear, Finding, Platform},
        slack::{self, Slack},
    },
    command::{
        Desk, Registry,
        spec::{CommandSpec, Kind},
    },
    config::Settings,
    domain::delivery::Channel,
    engine::{Courier, clock},
    metrics::Metrics,
    pictures::Pictures,
};

/// How often it is looked whether a platform has been away for too long.
const WATCH: Duration = Duration::from_secs(5);
/// How long answers that are under way have to be completed at a stop.
const GRACE: Duration = Duration::from_secs(2);

/// So long an answer may take to be Discord's acknowledgement itself. While alerts pour in it waits for syncs; then the
/// interaction is acknowledged first, and the answer follows in the same message.
const AT_ONCE: Duration = Duration::from_millis(30);

/// The platforms that are set up.
#[derive(Clone, Default)]
pub struct Platforms {
    slack: Option<Slack>,
    discord: Option<Discord>,
}

/// Platforms that are listened to.
pub struct Connected {
    slack: Option<slack::Listening>,
    discord: Option<discord::Running>,
    watch: JoinHandle<()>,
}

impl Platforms {
    /// Those of the configuration; nothing is connected yet.
    ///
    /// # Errors
    /// When no HTTP client can be made (no usable TLS).
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let slack = settings.slack.as_ref().map(|slack| {
            let mut options = slack::Options::new(slack.bot_token.clone(), clock::wall)?;
            options.app_token.clone_from(&slack.app_token);
            options.names = slack_names(slack);
            options.signing_secret.clone_from(&slack.signing_secret);
            if let Some(api) = &slack.api_url {
                options.api = folder(api)?;
            }
            Slack::new(options).context("Slack: no HTTP client can be made")
        });
        let discord = settings.discord.as_ref().map(|discord| {
            let now = Arc::new(clock::wall);
            let mut options = discord::Options::new(discord.token.clone(), discord.guild, now);
            options.timing.patience = AT_ONCE;
            options.content = discord.content;
            options.members = discord.members;
            options.rooms = match discord.threads_in {
                Some(channel) => discord::RoomStyle::Threads { channel },
                None => discord::RoomStyle::Channels { category: discord.category, archive: discord.archive },
            };
            options.wanted = match discord.rooms.map(|rule| rule.private) {
                None => discord::Wanted::Nothing,
                Some(false) => discord::Wanted::Public,
                Some(true) => discord::Wanted::Private,
            };
            if let Some(api) = &discord.api_url {
                options.api = discord_api(api);
            }
            Discord::new(options).context("Discord: no HTTP client can be made")
        });
        Ok(Self { slack: slack.transpose()?, discord: discord.transpose()? })
    }

    /// Whether a platform shows pictures on a dark ground, for each that is set up.
    #[must_use]
    pub fn grounds(settings: &Settings) -> BTreeMap<Channel, bool> {
        let slack = settings.slack.as_ref().map(|slack| (Channel::Slack, slack.dark_pictures));
        let discord = settings.discord.as_ref().map(|discord| (Channel::Discord, discord.dark_pictures));
        slack.into_iter().chain(discord).collect()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slack.is_none() && self.discord.is_none()
    }

    fn all(&self) -> Vec<Arc<dyn Platform>> {
        let slack = self.slack.iter().map(|slack| Arc::new(slack.clone()) as Arc<dyn Platform>);
        let discord = self.discord.iter().map(|discord| Arc::new(discord.clone()) as Arc<dyn Platform>);
        slack.chain(discord).collect()
    }

    /// One courier for each.
    pub fn couriers(
        &self,
        accounts: &Arc<dyn AccountBook>,
        pictures: &Pictures,
        grounds: &BTreeMap<Channel, bool>,
    ) -> Vec<Arc<dyn Courier>> {
        let courier = |platform: Arc<dyn Platform>| {
            let dark = grounds.get(&platform.channel()).copied().unwrap_or_default();
            let courier = ChatCourier::new(platform, Arc::clone(accounts), pictures.clone(), dark);
            Arc::new(courier) as Arc<dyn Courier>
        };
        self.all().into_iter().map(courier).collect()
    }

    /// Connects; `away` hears which platform has been away for a minute.
    pub fn listen(
        &self,
        desk: &Desk,
        accounts: &Arc<dyn AccountBook>,
        metrics: &Metrics,
        away: watch::Sender<Vec<String>>,
    ) -> Option<Connected> {
        let all = self.all();
        if all.is_empty() {
            return None;
        }
        let hearing =
            Hearing::new(desk.clone(), Arc::clone(accounts), Habits::default(), metrics.clone(), away);
        let hearing = Arc::new(hearing);
        for platform in all {
            hearing.know(platform);
        }
        let ear: Arc<dyn Ear> = Arc::clone(&hearing) as Arc<dyn Ear>;
        let slack = self.slack.as_ref().map(|slack| slack.listen(Arc::clone(&ear)));
        let specs = || specs(&desk.commands.current());
        let discord = self.discord.as_ref().map(|discord| discord.listen(specs(), Arc::clone(&ear)));
        let watch = tokio::spawn(hearing.watch(WATCH));
        Some(Connected { slack, discord, watch })
    }

    /// Looks whether everything is set up as it has to be.
    pub async fn examine(
        &self,
        rooms: &(dyn Fn(Channel) -> Vec<String> + Sync),
    ) -> Vec<(Channel, Vec<Finding>)> {
        let mut found = Vec::new();
        for platform in self.all() {
            let channel = platform.channel();
            found.push((channel, platform.examine(&rooms(channel)).await));
        }
        found
    }
}

impl Connected {
    /// What Slack sends by HTTP goes here.
    #[must_use]
    pub fn inbox(&self) -> Option<slack::Inbox> {
        self.slack.as_ref().map(slack::Listening::inbox)
    }

    /// Lets answers that are under way be completed, and disconnects.
    pub async fn stop(self) {
        self.watch.abort();
        let slack = async {
            if let Some(slack) = self.slack {
                slack.stop().await;
            }
        };
        let discord = async {
            if let Some(discord) = self.discord {
                discord.stop(GRACE).await;
            }
        };
        tokio::join!(slack, discord);
    }
}

/// The address as a folder: what is joined to it stays below it.
fn folder(url: &Url) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{}/", url.as_str().trim_end_matches('/')))
}

/// The API of a place that stands for `https://discord.com`: its version is this program's choice.
fn discord_api(place: &Url) -> String {
    format!("{}/api/v10", place.as_str().trim_end_matches('/'))
}

/// The commands as Discord is told of them.
fn specs(registry: &Registry) -> Vec<discord::Spec> {
    let mut top = Vec::new();
    for spec in registry.specs() {
        place(&mut top, &spec.path, spec);
    }
    top
}

fn place(level: &mut Vec<discord::Spec>, path: &[crate::command::spec::Name], spec: &CommandSpec) {
    let Some((word, rest)) = path.split_first() else { return };
    let at = level.iter().position(|one| one.name == **word).unwrap_or_else(|| {
        level.push(discord::Spec { name: word.to_string(), ..discord::Spec::default() });
        level.len() - 1
    });
    let Some(one) = level.get_mut(at) else { return };
    if !rest.is_empty() {
        return place(&mut one.subcommands, rest, spec);
    }
    one.summary = spec.summary.to_string();
    one.runs = true;
    one.arguments = arguments(spec);
}

fn arguments(spec: &CommandSpec) -> Vec<discord::Argument> {
    let of = |kind: &Kind| match kind {
        Kind::Text => discord::Kind::Text,
        Kind::Number(..) => discord::Kind::Number,
        _ => discord::Kind::Word,
    };
    let choices = |kind: &Kind| match kind {
        Kind::Choice(choices) => choices.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let known = |kind: &Kind| {
        let free = matches!(kind, Kind::Text | Kind::Word | Kind::Words | Kind::Matchers);
        !free && !matches!(kind, Kind::Number(..) | Kind::Choice(_))
    };
    let positional = spec.arguments.iter().map(|argument| discord::Argument {
        name: argument.name.to_string(),
        summary: argument.about.to_string(),
        kind: of(&argument.kind),
        choices: choices(&argument.kind),
        required: argument.required,
        autocomplete: known(&argument.kind),
        flag: false,
    });
    let flags = spec.flags.iter().map(|flag| discord::Argument {
        name: flag.name.to_string(),
        summary: flag.about.to_string(),
        kind: flag.kind.as_ref().map_or(discord::Kind::Switch, of),
        choices: flag.kind.as_ref().map(choices).unwrap_or_default(),
        required: false,
        autocomplete: flag.kind.as_ref().is_some_and(known),
        flag: true,
    });
    positional.chain(flags).collect()
}

/// What Slack's slash commands stand for, where they are called otherwise (`/inc` is `/incident`).
fn slack_names(slack: &crate::config::Slack) -> BTreeMap<String, String> {
    let renamed = |(word, name): (&String, &Option<String>)| Some((name.clone()?, format!("/{word}")));
    slack.commands.iter().filter_map(renamed).collect()
}

/// Slack's manifest for the built-in commands, by the names of the configuration.
#[must_use]
pub fn slack_manifest(
    registry: &Registry,
    public_url: Option<&Url>,
    names: &BTreeMap<String, Option<String>>,
) -> String {
    let whole = "Every command of Watchbell: what stands behind /, without it";
    let mut words: Vec<(String, String, String)> =
        vec![("watchbell".to_owned(), whole.to_owned(), "incident open P1 the database is down".to_owned())];
    for spec in registry.specs() {
        let Some(word) = spec.path.first().filter(|word| **word != "watchbell") else { continue };
        let Some(next) = spec.path.get(1) else {
            let usage = spec.usage();
            let hint = usage.strip_prefix(&format!("/{word}")).unwrap_or(&usage).trim();
            words.push((word.to_string(), spec.summary.to_string(), hint.to_owned()));
            continue;
        };
        match words.iter_mut().find(|(known, ..)| known == word) {
            Some((_, _, hint)) if hint.split('|').any(|known| known == next) => {}
            Some((_, summary, hint)) => {
                hint.push('|');
                hint.push_str(next);
                summary.push_str(", ");
                summary.push_str(next);
            }
            None => words.push((word.to_string(), next.to_string(), next.to_string())),
        }
    }
    let mut commands: Vec<(String, &str, &str)> = Vec::new();
    for (word, summary, hint) in &words {
        let name = match names.get(word) {
            None => format!("/{word}"),
            Some(Some(name)) => name.clone(),
            Some(None) => continue,
        };
        // Whoever was given another's name has it.
        let given = names.iter().any(|(other, given)| other != word && given.as_ref() == Some(&name));
        if !given {
            commands.push((name, summary, hint));
        }
    }
    let commands: Vec<(&str, &str, &str)> =
        commands.iter().map(|(name, summary, hint)| (name.as_str(), *summary, *hint)).collect();
    slack::manifest(&commands, public_url.is_none(), public_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discord_is_told_of_every_command() {
        let registry = Registry::builtin();
        let specs = specs(&registry);
        let incident = specs.iter().find(|spec| spec.name == "incident").unwrap();
        let open = incident.subcommands.iter().find(|spec| spec.name == "open").unwrap();
        let names: Vec<&str> = open.arguments.iter().map(|argument| argument.name.as_str()).collect();
        assert_eq!(names, ["severity", "title", "group"]);
        assert!(open.runs && !incident.runs);
        let oncall = specs.iter().find(|spec| spec.name == "oncall").unwrap();
        assert!(
            oncall.subcommands.iter().any(|spec| spec.name == "override" && !spec.subcommands.is_empty())
        );
    }

    #[test]
    fn the_manifest_names_every_command() {
        let manifest = slack_manifest(&Registry::builtin(), None, &BTreeMap::new());
        for command in ["/incident", "/ack", "/alert", "/oncall", "/page", "/watchbell"] {
            assert!(manifest.contains(&format!("command: \"{command}\"")), "{command}: {manifest}");
        }
        assert!(manifest.contains("socket_mode_enabled: true"));
        // Slack's own: reached as `/watchbell me`.
        for taken in ["/me", "/status"] {
            assert!(!manifest.contains(&format!("command: \"{taken}\"")), "{taken}: {manifest}");
        }
    }

    /// What Slack's reference of app manifests asks for: keys, types, sizes, counts.
    fn as_slack_asks(manifest: &str, by_http: bool) -> Vec<String> {
        let manifest: serde_json::Value = serde_saphyr::from_str(manifest).unwrap();
        let at = |pointer: &str| manifest.pointer(pointer).cloned().unwrap_or_default();
        let size = |text: &str| text.chars().count();
        let text = |pointer: &str, most: usize| {
            let value = at(pointer);
            let said = value.as_str().unwrap_or_else(|| panic!("{pointer}: {value}"));
            assert!((1..=most).contains(&size(said)), "{pointer}: {said}");
        };
        text("/display_information/name", 35);
        text("/display_information/description", 140);
        text("/features/bot_user/display_name", 80);
        let colour = at("/display_information/background_color");
        let hex = colour.as_str().unwrap().strip_prefix('#').unwrap();
        assert!([3, 6].contains(&hex.len()) && hex.chars().all(|c| c.is_ascii_hexdigit()));
        for flag in [
            "org_deploy_enabled",
            "socket_mode_enabled",
            "token_rotation_enabled",
            "interactivity/is_enabled",
        ] {
            assert!(at(&format!("/settings/{flag}")).is_boolean(), "{flag}");
        }
        let known = |pointer: &str, keys: &[&str]| {
            for key in at(pointer).as_object().unwrap().keys() {
                assert!(keys.contains(&key.as_str()), "{pointer}/{key}");
            }
        };
        known("", &["display_information", "features", "oauth_config", "settings"]);
        known("/features", &["app_home", "bot_user", "shortcuts", "slash_commands"]);
        known(
            "/settings",
            &[
                "event_subscriptions",
                "interactivity",
                "org_deploy_enabled",
                "socket_mode_enabled",
                "token_rotation_enabled",
            ],
        );
        let scopes = at("/oauth_config/scopes/bot").as_array().unwrap().len();
        let events = at("/settings/event_subscriptions/bot_events").as_array().unwrap().len();
        assert!((1..=255).contains(&scopes) && (1..=100).contains(&events));
        assert_eq!(at("/settings/socket_mode_enabled"), !by_http);
        assert_eq!(at("/settings/event_subscriptions/request_url").is_string(), by_http);
        assert_eq!(at("/settings/interactivity/request_url").is_string(), by_http);
        let commands = at("/features/slash_commands");
        let commands = commands.as_array().unwrap();
        assert!((1..=50).contains(&commands.len()));
        let name = |command: &serde_json::Value| {
            for key in command.as_object().unwrap().keys() {
                let keys = ["command", "url", "description", "usage_hint", "should_escape"];
                assert!(keys.contains(&key.as_str()), "{command}");
            }
            let name = command["command"].as_str().unwrap();
            assert!(name.starts_with('/') && (2..=32).contains(&size(name)), "{command}");
            assert!((1..=2_000).contains(&size(command["description"].as_str().unwrap())), "{command}");
            assert!(command["usage_hint"].as_str().is_none_or(|hint| (1..=1_000).contains(&size(hint))));
            let url = command["url"].as_str();
            assert!(if by_http { url.is_some_and(|url| url.starts_with("https://")) } else { url.is_none() });
            name.to_owned()
        };
        let names: Vec<String> = commands.iter().map(name).collect();
        let single: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(single.len(), names.len(), "{names:?}");
        names
    }

    #[test]
    fn the_manifest_is_as_slack_asks_and_has_the_names_of_the_configuration() {
        let registry = Registry::builtin();
        let url = Url::parse("https://bell.example.com").unwrap();
        let usual = BTreeMap::new();
        let names = as_slack_asks(&slack_manifest(&registry, None, &usual), false);
        assert!(names.contains(&"/incident".to_owned()) && names.contains(&"/watchbell".to_owned()));
        assert!(names.iter().all(|name| !crate::config::SLACKS_OWN.contains(&name.as_str())), "{names:?}");
        let own = [
            ("incident", Some("/inc")),
            ("watchbell", Some("/wb")),
            ("page", None),
            ("oncall", Some("/ack")),
        ];
        let own = own.map(|(word, name)| (word.to_owned(), name.map(str::to_owned))).into();
        let names = as_slack_asks(&slack_manifest(&registry, Some(&url), &own), true);
        for name in ["/inc", "/wb", "/ack", "/alert"] {
            assert!(names.contains(&name.to_owned()), "{name}: {names:?}");
        }
        for name in ["/incident", "/watchbell", "/page", "/oncall"] {
            assert!(!names.contains(&name.to_owned()), "{name}: {names:?}");
        }
    }

    #[test]
    fn a_place_for_discord_gets_the_path_of_its_api() {
        for place in ["https://discord.com", "https://discord.com/"] {
            assert_eq!(discord_api(&Url::parse(place).unwrap()), discord::API);
        }
    }

    #[test]
    fn an_address_is_a_folder() {
        let url = Url::parse("http://127.0.0.1:1/api").unwrap();
        assert_eq!(folder(&url).unwrap().as_str(), "http://127.0.0.1:1/api/");
    }
}
